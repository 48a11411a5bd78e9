//! Convert, crop, resize.

use super::{Mode, PilImage, Pixels};
use crate::picture::luma;
use crate::{Array, Image, Interpolation, VisionError};

impl PilImage {
    /// The image in another mode: `"RGB"`, `"RGBA"` or `"L"`, as Pillow converts it. Transparency is dropped,
    /// not blended; `I;16` is cut off at 255, so most of a 16-bit image turns white.
    ///
    /// # Errors
    /// [`VisionError::Argument`] for another mode; [`VisionError::Damaged`] when the file is cut short.
    pub fn convert(&self, mode: &str) -> Result<Self, VisionError> {
        let rgb = match (self.mode, mode) {
            (Mode::Rgba, "RGBA") => return self.copy(),
            (_, "RGB" | "RGBA" | "L") => self.to_image()?,
            _ => {
                return Err(VisionError::Argument(format!(
                    "convert makes \"RGB\", \"RGBA\" or \"L\", got {mode:?}"
                )));
            }
        };
        let shape = [self.height() as usize, self.width() as usize];
        let (mode, array) = match mode {
            "L" => (
                Mode::L,
                Array::from_u8(&shape, rgb.pixels().map(luma).collect())?,
            ),
            "RGBA" => {
                let opaque = rgb.pixels().flat_map(|[r, g, b]| [r, g, b, 255]).collect();
                let shape = [shape[0], shape[1], 4];
                (Mode::Rgba, Array::from_u8(&shape, opaque)?)
            }
            _ => (Mode::Rgb, rgb.to_array()),
        };
        Ok(Self::of(mode, array, Vec::new(), &self.name))
    }

    fn copy(&self) -> Result<Self, VisionError> {
        let Pixels { array, palette } = self.pixels()?;
        Ok(Self::of(
            self.mode,
            array.clone(),
            palette.clone(),
            &self.name,
        ))
    }

    /// The part between two corners: `(left, upper, right, lower)`, not its width and height.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the part is empty or reaches beyond the image (where Pillow would
    /// fill with black); those of [`load`](Self::load).
    pub fn crop(&self, corners: (u32, u32, u32, u32)) -> Result<Self, VisionError> {
        let (left, upper, right, lower) = corners;
        let (width, height) = self.size;
        if left >= right || upper >= lower || right > width || lower > height {
            return Err(VisionError::Argument(format!(
                "the part (left, upper, right, lower) = {corners:?} must lie inside an image of {width}x{height}"
            )));
        }
        let Pixels { array, palette } = self.pixels()?;
        let rows = upper as usize..lower as usize;
        let part = array.part(rows, left as usize..right as usize);
        Ok(Self::of(self.mode, part, palette.clone(), &self.name))
    }

    /// The image scaled to `(width, height)`, bicubic and antialiased, as Pillow does unless told otherwise;
    /// `P` and `1` by the nearest pixel.
    ///
    /// # Errors
    /// [`VisionError::Size`] when a side is 0 or the result is too large; [`VisionError::Argument`] for
    /// modes with alpha or 16 bits, which have to be converted first; those of [`load`](Self::load).
    pub fn resize(&self, (width, height): (u32, u32)) -> Result<Self, VisionError> {
        let interpolation = match self.mode {
            Mode::P | Mode::One => Interpolation::Nearest,
            Mode::L | Mode::Rgb => Interpolation::Bicubic,
            _ => {
                return Err(VisionError::Argument(format!(
                    "an image of mode {} is not resized here: use convert(\"RGB\") first",
                    self.mode()
                )));
            }
        };
        let Pixels { array, palette } = self.pixels()?;
        // One number a pixel is taken as grey, so that the same code serves both.
        let resized = Image::from_array(array)?
            .resize_with(width, height, interpolation)?
            .to_array();
        let array = match self.mode {
            Mode::Rgb => resized,
            _ => resized.channel(0)?,
        };
        Ok(Self::of(self.mode, array, palette.clone(), &self.name))
    }
}

/// The colours of pixels of a mode: `[H, W, 3]`, or `[H, W]` where all three are the same.
pub(super) fn rgb(pixels: &Pixels, mode: Mode) -> Result<Array, VisionError> {
    let Pixels { array, palette } = pixels;
    let [height, width] = [array.shape()[0], array.shape()[1]];
    let bytes = array.as_u8().unwrap_or_default();
    match mode {
        Mode::I16 => Ok(array.clip(0.0, 255.0).astype(crate::Dtype::Uint8)),
        Mode::One => Array::from_u8(&[height, width], bytes.iter().map(|v| v * 255).collect()),
        Mode::La => array.channel(0),
        Mode::P => {
            let colour = |&index: &u8| palette.get(usize::from(index)).copied().unwrap_or_default();
            let colours = bytes.iter().flat_map(colour).collect();
            Array::from_u8(&[height, width, 3], colours)
        }
        Mode::Rgba | Mode::L | Mode::Rgb | Mode::Cmyk => Ok(array.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pil_open;
    use super::*;

    fn open(name: &str) -> PilImage {
        let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        pil_open(path).unwrap()
    }

    #[test]
    fn modes_are_converted_as_pillow_does() {
        let colour = open("gradient.png");
        let grey = colour.convert("L").unwrap();
        assert_eq!(grey.mode(), "L");
        // Image.convert("L").getpixel((7, 4))
        assert_eq!(grey.getpixel((7, 4)).unwrap(), [112]);
        let opaque = colour.convert("RGBA").unwrap();
        assert_eq!(opaque.getpixel((7, 4)).unwrap(), [112, 96, 196, 255]);
        assert_eq!(opaque.convert("RGBA").unwrap().mode(), "RGBA");
        // Image.open("grey16.png").convert("L").getpixel((5, 0)): cut off, not scaled
        let white = open("grey16.png").convert("L").unwrap();
        assert_eq!(white.getpixel((5, 0)).unwrap(), [255]);
        assert_eq!(open("cmyk.jpg").convert("RGB").unwrap().mode(), "RGB");
        assert!(colour.convert("HSV").is_err());
    }

    #[test]
    fn parts_and_sizes_take_width_first() {
        let image = open("palette.png");
        let part = image.crop((4, 2, 16, 10)).unwrap();
        assert_eq!((part.size(), part.mode()), ((12, 8), "P"));
        assert_eq!(
            part.getpixel((11, 7)).unwrap(),
            image.getpixel((15, 9)).unwrap()
        );
        assert!(image.crop((4, 2, 17, 10)).is_err());
        assert!(image.crop((4, 2, 4, 10)).is_err());
        let small = open("gradient.png").resize((8, 5)).unwrap();
        assert_eq!((small.size(), small.mode()), ((8, 5), "RGB"));
        let indices = image.resize((8, 5)).unwrap().to_array().unwrap();
        assert!(indices.max() < 16.0);
        assert!(open("grey16.png").resize((8, 5)).is_err());
    }
}
