//! [`Image`]: a picture in memory, and the operations that need nothing but pixels.

use std::fmt;

use image::imageops::{self, FilterType};
use image::{DynamicImage, RgbImage};

use crate::VisionError;

/// A picture: rows of 8-bit RGB pixels, the origin at the top left, never empty.
///
/// Operations leave the image as it is and return a new one.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    pixels: RgbImage,
}

impl Image {
    /// An image of one colour, `[red, green, blue]` in 0-255.
    ///
    /// # Errors
    /// [`VisionError::Size`] when a side is 0.
    pub fn filled(width: u32, height: u32, colour: [u8; 3]) -> Result<Self, VisionError> {
        check_sides(width, height)?;
        Ok(Self {
            pixels: RgbImage::from_pixel(width, height, image::Rgb(colour)),
        })
    }

    /// An image of raw bytes: row after row from the top, three bytes (red, green, blue) a pixel.
    ///
    /// # Errors
    /// [`VisionError::Size`] when a side is 0 or there are not `width * height * 3` bytes.
    pub fn from_rgb8(width: u32, height: u32, bytes: Vec<u8>) -> Result<Self, VisionError> {
        check_sides(width, height)?;
        let found = bytes.len();
        let expected = u64::from(width) * u64::from(height) * 3;
        let pixels = (found as u64 == expected)
            .then(|| RgbImage::from_raw(width, height, bytes))
            .flatten();
        let pixels = pixels.ok_or_else(|| {
            VisionError::Size(format!(
                "an image of {width}x{height} RGB pixels takes {expected} bytes, got {found}"
            ))
        })?;
        Ok(Self { pixels })
    }

    /// Pixels from left to right.
    pub fn width(&self) -> u32 {
        self.pixels.width()
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> u32 {
        self.pixels.height()
    }

    /// The colour `[red, green, blue]`, 0-255, at `x` pixels from the left and `y` from the top.
    ///
    /// # Panics
    /// When the place is outside the image, as indexing a slice does.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        match self.pixels.get_pixel_checked(x, y) {
            Some(pixel) => pixel.0,
            None => panic!(
                "pixel ({x}, {y}) is outside an image of {}x{}",
                self.width(),
                self.height()
            ),
        }
    }

    /// The raw bytes, in the order of [`from_rgb8`](Self::from_rgb8).
    pub fn as_bytes(&self) -> &[u8] {
        self.pixels.as_raw()
    }

    /// The same picture as a type of the `image` crate, for its algorithms.
    pub fn as_rgb8(&self) -> &RgbImage {
        &self.pixels
    }

    /// The picture scaled to `width` x `height` pixels, whatever its shape was.
    ///
    /// Bilinear, with antialiasing when it shrinks: what torchvision's `resize` and Pillow's `BILINEAR` do.
    ///
    /// # Errors
    /// [`VisionError::Size`] when a side is 0 or the result is too large for memory.
    pub fn resize(&self, width: u32, height: u32) -> Result<Self, VisionError> {
        check_sides(width, height)?;
        Ok(Self {
            pixels: imageops::resize(&self.pixels, width, height, FilterType::Triangle),
        })
    }

    /// The part that starts `x` pixels from the left and `y` from the top.
    ///
    /// # Errors
    /// [`VisionError::Size`] when a side is 0 or the part reaches beyond the image.
    pub fn crop(&self, x: u32, y: u32, width: u32, height: u32) -> Result<Self, VisionError> {
        check_sides(width, height)?;
        let fits = |start: u32, length: u32, whole: u32| {
            u64::from(start) + u64::from(length) <= u64::from(whole)
        };
        if !fits(x, width, self.width()) || !fits(y, height, self.height()) {
            return Err(VisionError::Size(format!(
                "a part of {width}x{height} pixels at ({x}, {y}) reaches beyond an image of {}x{}",
                self.width(),
                self.height()
            )));
        }
        Ok(Self {
            pixels: imageops::crop_imm(&self.pixels, x, y, width, height).to_image(),
        })
    }

    /// The mirror image: left becomes right.
    pub fn flip_horizontal(&self) -> Self {
        Self {
            pixels: imageops::flip_horizontal(&self.pixels),
        }
    }

    /// The picture upside down.
    pub fn flip_vertical(&self) -> Self {
        Self {
            pixels: imageops::flip_vertical(&self.pixels),
        }
    }

    /// The picture without colour: all three channels hold the luma of ITU-R BT.601,
    /// 0.299 R + 0.587 G + 0.114 B, rounded as Pillow's `convert("L")` rounds it.
    pub fn grayscale(&self) -> Self {
        let mut pixels = self.pixels.clone();
        for pixel in pixels.pixels_mut() {
            let [r, g, b] = pixel.0.map(u32::from);
            // The weights in 1/65536, so that the sum needs no floating point.
            let luma = (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16;
            pixel.0 = [luma as u8; 3];
        }
        Self { pixels }
    }
}

/// The most pixels that a side of an image made here may have: as many as the largest JPEG has.
const MAX_SIDE: u32 = 65_535;

/// Refuses what no image can be, before memory is taken for it.
pub(crate) fn check_sides(width: u32, height: u32) -> Result<(), VisionError> {
    if width == 0 || height == 0 {
        return Err(VisionError::Size(format!(
            "an image of {width}x{height} pixels is empty: both sides must be at least 1"
        )));
    }
    let bytes = u64::from(width) * u64::from(height) * 3;
    if width > MAX_SIDE || height > MAX_SIDE || bytes > crate::read::MAX_BYTES {
        return Err(VisionError::Size(format!(
            "an image of {width}x{height} pixels is too large for memory"
        )));
    }
    Ok(())
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image {{ {}x{} RGB8 }}", self.width(), self.height())
    }
}

/// From any image of the `image` crate; transparency is dropped, 16 bits become 8.
impl TryFrom<DynamicImage> for Image {
    type Error = VisionError;

    fn try_from(image: DynamicImage) -> Result<Self, VisionError> {
        check_sides(image.width(), image.height())?;
        Ok(Self {
            pixels: image.into_rgb8(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gradient of `tests/fixtures/make.py`: `[x * 16, y * 24, (x * y * 7) % 256]`, 16x10 pixels.
    fn gradient() -> Image {
        let bytes = (0..10u32)
            .flat_map(|y| (0..16u32).flat_map(move |x| [x * 16, y * 24, (x * y * 7) % 256]));
        Image::from_rgb8(16, 10, bytes.map(|v| v as u8).collect()).unwrap()
    }

    #[test]
    fn size_and_debug_say_what_it_is() {
        let image = gradient();
        assert_eq!((image.width(), image.height()), (16, 10));
        assert_eq!(format!("{image:?}"), "Image { 16x10 RGB8 }");
        assert_eq!(format!("{image:#?}"), "Image { 16x10 RGB8 }");
    }

    #[test]
    fn flips_move_pixels_and_come_back() {
        let image = gradient();
        assert_eq!(image.flip_horizontal().pixel(0, 3), image.pixel(15, 3));
        assert_eq!(image.flip_vertical().pixel(5, 0), image.pixel(5, 9));
        assert_eq!(image.flip_horizontal().flip_horizontal(), image);
        assert_eq!(image.flip_vertical().flip_vertical(), image);
    }

    #[test]
    fn a_crop_keeps_its_place() {
        let image = gradient();
        let part = image.crop(4, 2, 12, 8).unwrap();
        assert_eq!(part.pixel(0, 0), image.pixel(4, 2));
        assert_eq!(part.pixel(11, 7), image.pixel(15, 9));
        let beyond = image.crop(5, 2, 12, 8).unwrap_err().to_string();
        assert_eq!(
            beyond,
            "a part of 12x8 pixels at (5, 2) reaches beyond an image of 16x10"
        );
        assert!(image.crop(u32::MAX, 0, 2, 2).is_err());
    }

    #[test]
    fn empty_and_huge_sizes_are_refused() {
        let image = gradient();
        assert!(
            image
                .resize(0, 5)
                .unwrap_err()
                .to_string()
                .contains("at least 1")
        );
        assert!(
            image
                .resize(60_000, 60_000)
                .unwrap_err()
                .to_string()
                .contains("too large")
        );
        assert!(
            Image::from_rgb8(2, 2, vec![0; 11])
                .unwrap_err()
                .to_string()
                .contains("12 bytes, got 11")
        );
        assert!(Image::try_from(DynamicImage::new_rgb8(0, 0)).is_err());
    }

    #[test]
    #[should_panic(expected = "pixel (16, 0) is outside an image of 16x10")]
    fn a_pixel_outside_is_a_clear_panic() {
        gradient().pixel(16, 0);
    }

    #[test]
    fn grey_is_the_grey_of_pillow() {
        // Image.convert("L").getpixel(place), tests/fixtures/make.py
        let grey = gradient().grayscale();
        for ((x, y), luma) in [((0, 0), 0), ((15, 0), 72), ((7, 4), 112), ((15, 9), 219)] {
            assert_eq!(grey.pixel(x, y), [luma; 3]);
        }
    }

    #[test]
    fn resizing_gives_the_pixels_of_pillow() {
        // Image.resize(size, Resampling.BILINEAR), tests/fixtures/make.py: both corners of the top row,
        // the middle, the last pixel. Rounding may differ by one.
        let pillow = [
            (
                (8, 5),
                [[11, 17, 4], [229, 17, 71], [136, 108, 140], [229, 199, 113]],
            ),
            (
                (5, 7),
                [[23, 8, 3], [217, 8, 33], [120, 108, 164], [217, 208, 123]],
            ),
            (
                (40, 23),
                [[0, 0, 0], [240, 0, 0], [123, 108, 153], [240, 216, 177]],
            ),
        ];
        for ((w, h), expected) in pillow {
            let small = gradient().resize(w, h).unwrap();
            for ((x, y), expected) in [(0, 0), (w - 1, 0), (w / 2, h / 2), (w - 1, h - 1)]
                .into_iter()
                .zip(expected)
            {
                let found: [u8; 3] = small.pixel(x, y);
                assert!(
                    found
                        .iter()
                        .zip(expected)
                        .all(|(&f, e): (_, u8)| f.abs_diff(e) <= 1),
                    "{found:?} {expected:?}"
                );
            }
        }
    }
}
