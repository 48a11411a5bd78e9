//! Convert, crop, resize, turn upright.

use image::metadata::Orientation;

use super::{Mode, PilImage, Pixels};
use crate::picture::{check_sides, luma};
use crate::{Array, Image, Interpolation, VisionError};

impl PilImage {
    /// The image in another mode: `"RGB"`, `"RGBA"` or `"L"`, as Pillow converts it. Transparency is kept by
    /// `"RGBA"`, of palettes too, and dropped by the others, not blended; `I;16` is cut off at 255, so most of a
    /// 16-bit image turns white.
    ///
    /// # Errors
    /// [`VisionError::Argument`] for another mode; [`VisionError::Damaged`] when the file is cut short.
    pub fn convert(&self, mode: &str) -> Result<Self, VisionError> {
        let (mode, array) = match mode {
            "L" => {
                let grey = self.to_image()?.pixels().map(luma).collect();
                let shape = [self.height() as usize, self.width() as usize];
                (Mode::L, Array::from_u8(&shape, grey)?)
            }
            "RGB" => (Mode::Rgb, self.to_image()?.to_array()),
            "RGBA" => (Mode::Rgba, self.rgba()?),
            _ => {
                return Err(VisionError::Argument(format!(
                    "convert makes \"RGB\", \"RGBA\" or \"L\", got {mode:?}"
                )));
            }
        };
        Ok(Self::of(mode, Pixels::of(array), &self.name))
    }

    /// `[H, W, 4]`: red, green, blue, and how opaque each pixel is.
    fn rgba(&self) -> Result<Array, VisionError> {
        let shape = [self.height() as usize, self.width() as usize, 4];
        let rgba = match self.mode {
            Mode::Rgba => return self.to_array(),
            Mode::La => return Ok(self.pixels()?.array.with_channels(&[0, 0, 0, 1])),
            Mode::P => {
                let Pixels { array, palette } = self.pixels()?;
                let colour = |&index: &u8| palette.get(usize::from(index)).copied();
                let indices = array.as_u8().unwrap_or_default().iter();
                indices
                    .flat_map(|index| colour(index).unwrap_or([0, 0, 0, 255]))
                    .collect()
            }
            _ => {
                let opaque = |[r, g, b]: [u8; 3]| [r, g, b, 255];
                self.to_image()?.pixels().flat_map(opaque).collect()
            }
        };
        Array::from_u8(&shape, rgba)
    }

    /// The part between two corners: `(left, upper, right, lower)`, not its width and height. What lies beyond the
    /// image is 0: black, or transparent where there is alpha.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the part is empty; [`VisionError::Size`] when it is too large for memory;
    /// those of [`load`](Self::load).
    pub fn crop<T: Into<i64>>(&self, corners: (T, T, T, T)) -> Result<Self, VisionError> {
        let (left, upper, right, lower) = corners;
        self.crop_to([left, upper, right, lower].map(T::into))
    }

    fn crop_to(&self, [left, upper, right, lower]: [i64; 4]) -> Result<Self, VisionError> {
        if left >= right || upper >= lower {
            return Err(VisionError::Argument(format!(
                "the part (left, upper, right, lower) = {:?} is empty: right must be greater than left, and lower \
                 greater than upper",
                (left, upper, right, lower)
            )));
        }
        let side = |from: i64, to: i64| u32::try_from(to.abs_diff(from)).unwrap_or(u32::MAX);
        check_sides(side(left, right), side(upper, lower))?;
        let Pixels { array, palette } = self.pixels()?;
        let pixels = Pixels {
            array: array.part(upper..lower, left..right),
            palette: palette.clone(),
        };
        Ok(Self::of(self.mode, pixels, &self.name))
    }

    /// The image turned upright, as the camera's note (EXIF orientation) says, its mode as it was: Pillow's
    /// `ImageOps.exif_transpose`.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn exif_transpose(&self) -> Result<Self, VisionError> {
        let Pixels { array, palette } = self.pixels()?;
        let pixels = Pixels {
            array: turned(array, self.orientation)?,
            palette: palette.clone(),
        };
        Ok(Self::of(self.mode, pixels, &self.name))
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
        let palette = palette.clone();
        Ok(Self::of(self.mode, Pixels { array, palette }, &self.name))
    }
}

/// `[H, W]` or `[H, W, C]` turned and mirrored.
fn turned(array: &Array, orientation: Orientation) -> Result<Array, VisionError> {
    let corner = || match array.shape() {
        [_, _] => array.transpose(&[1, 0]),
        _ => array.transpose(&[1, 0, 2]),
    };
    match orientation {
        Orientation::NoTransforms => Ok(array.clone()),
        Orientation::FlipHorizontal => array.reversed(1),
        Orientation::FlipVertical => array.reversed(0),
        Orientation::Rotate180 => array.reversed(0)?.reversed(1),
        Orientation::Rotate90 => corner()?.reversed(1),
        Orientation::Rotate270 => corner()?.reversed(0),
        Orientation::Rotate90FlipH => corner(),
        Orientation::Rotate270FlipH => corner()?.reversed(0)?.reversed(1),
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
            let colour = |&index: &u8| {
                let [r, g, b, _] = palette.get(usize::from(index)).copied().unwrap_or_default();
                [r, g, b]
            };
            let colours = bytes.iter().flat_map(colour).collect();
            Array::from_u8(&[height, width, 3], colours)
        }
        Mode::Cmyk => {
            let colours = bytes.as_chunks::<4>().0.iter();
            Array::from_u8(
                &[height, width, 3],
                colours.flat_map(|inks| without_inks(*inks)).collect(),
            )
        }
        Mode::Rgba | Mode::L | Mode::Rgb => Ok(array.clone()),
    }
}

/// The colour that inks leave of white paper, as Pillow has it.
fn without_inks([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let paper = u16::from(255 - k);
    [c, m, y].map(|ink| {
        let product = u32::from(ink) * u32::from(paper) + 128;
        let taken = (product + (product >> 8)) >> 8;
        (u32::from(paper) - taken) as u8
    })
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
    fn transparency_survives_where_there_is_room_for_it() {
        // make.py: index 0 of the palette is transparent.
        let palette = open("palette.png");
        let (indices, rgba) = (
            palette.to_array(),
            palette.convert("RGBA").unwrap().to_array(),
        );
        let (indices, rgba) = (indices.unwrap(), rgba.unwrap());
        let alpha = rgba.channel(3).unwrap();
        for (index, alpha) in indices.to_vec().into_iter().zip(alpha.to_vec()) {
            assert_eq!(alpha, if index == 0.0 { 0.0 } else { 255.0 });
        }
        let pixels = Pixels::of(Array::from_u8(&[1, 2, 2], vec![9, 0, 200, 77]).unwrap());
        let grey = PilImage::of(Mode::La, pixels, "grey");
        assert_eq!(
            grey.convert("RGBA").unwrap().to_array().unwrap().to_vec(),
            [9., 9., 9., 0., 200., 200., 200., 77.]
        );
        assert_eq!(
            grey.convert("L").unwrap().to_array().unwrap().to_vec(),
            [9., 200.]
        );
    }

    #[test]
    fn the_note_of_the_camera_is_applied_only_when_asked() {
        let lying = open("turned.jpg");
        let upright = lying.exif_transpose().unwrap();
        assert_eq!((lying.size(), upright.size()), ((16, 10), (10, 16)));
        let read = Image::open(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/turned.jpg"
        ));
        assert_eq!(upright.to_image().unwrap(), read.unwrap());
    }

    #[test]
    fn every_note_turns_as_it_should_and_keeps_the_mode() {
        let array = open("gradient.png").to_array().unwrap();
        for note in 1..=8 {
            let orientation = Orientation::from_exif(note).unwrap();
            let mut expected = array.to_encode().unwrap();
            expected.apply_orientation(orientation);
            let expected = Array::of_decoded(expected).unwrap();
            assert_eq!(turned(&array, orientation).unwrap(), expected, "{note}");
        }
        for name in ["palette.png", "grey16.png", "cmyk.jpg"] {
            let image = open(name);
            assert_eq!(image.exif_transpose().unwrap().mode(), image.mode());
        }
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
        // Image.open("palette.png").crop((-2, -1, 17, 11)): index 0 around the image
        let larger = image.crop((-2, -1, 17, 11)).unwrap();
        assert_eq!((larger.size(), larger.mode()), ((19, 12), "P"));
        assert_eq!(
            larger.getpixel((17, 5)).unwrap(),
            image.getpixel((15, 4)).unwrap()
        );
        for place in [(1, 5), (18, 5), (5, 0), (5, 11)] {
            assert_eq!(larger.getpixel(place).unwrap(), [0]);
        }
        let outside = open("gradient.png").crop((100, 100, 103, 102)).unwrap();
        assert_eq!(outside.to_array().unwrap().max(), 0.0);
        let empty = image.crop((4, 2, 4, 10)).unwrap_err().to_string();
        assert!(empty.contains("(4, 2, 4, 10) is empty"), "{empty}");
        assert!(image.crop((0u32, 0, u32::MAX, u32::MAX)).is_err());
        assert!(image.crop((i64::MIN, 0, i64::MAX, 1)).is_err());
        let small = open("gradient.png").resize((8, 5)).unwrap();
        assert_eq!((small.size(), small.mode()), ((8, 5), "RGB"));
        let indices = image.resize((8, 5)).unwrap().to_array().unwrap();
        assert!(indices.max() < 16.0);
        assert!(open("grey16.png").resize((8, 5)).is_err());
    }
}
