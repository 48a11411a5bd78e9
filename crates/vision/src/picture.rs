//! [`Image`]: a picture in memory, and the operations that need nothing but pixels.

use std::fmt;

use image::imageops;
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
        self.map(|colour| [luma(colour); 3])
    }

    /// The raw bytes, without a copy, in the order of [`from_rgb8`](Self::from_rgb8).
    pub fn into_bytes(self) -> Vec<u8> {
        self.pixels.into_raw()
    }

    /// The colours, row after row from the top.
    pub fn pixels(&self) -> impl ExactSizeIterator<Item = [u8; 3]> + '_ {
        self.pixels.pixels().map(|pixel| pixel.0)
    }

    /// The image whose every colour is `change` of the one in its place, for example
    /// `image.map(|[r, g, b]| [255 - r, 255 - g, 255 - b])` for the negative.
    pub fn map(&self, change: impl Fn([u8; 3]) -> [u8; 3]) -> Self {
        let mut pixels = self.pixels.clone();
        for pixel in pixels.pixels_mut() {
            pixel.0 = change(pixel.0);
        }
        Self { pixels }
    }

    /// An image of a size that has been checked, each colour made by its place (x, y), row after row.
    pub(crate) fn generate(
        width: u32,
        height: u32,
        mut colour: impl FnMut(u32, u32) -> [u8; 3],
    ) -> Self {
        Self {
            pixels: RgbImage::from_fn(width, height, |x, y| image::Rgb(colour(x, y))),
        }
    }

    /// An image of the same size with other bytes, as many as this one has.
    pub(crate) fn with_bytes(&self, bytes: Vec<u8>) -> Self {
        Self {
            pixels: RgbImage::from_raw(self.width(), self.height(), bytes).unwrap_or_else(|| {
                unreachable!("the bytes of each pixel were replaced by as many")
            }),
        }
    }

    /// The colour at a place known to be inside, for loops over indices.
    pub(crate) fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let start = (y * self.width() as usize + x) * 3;
        let bytes = &self.as_bytes()[start..start + 3];
        [bytes[0], bytes[1], bytes[2]]
    }
}

/// The luma of a colour, 0-255, as [`Image::grayscale`] has it.
pub(crate) fn luma(colour: [u8; 3]) -> u8 {
    let [r, g, b] = colour.map(u32::from);
    // The weights in 1/65536, so that the sum needs no floating point.
    ((19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16) as u8
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
    let bytes = u64::from(width).saturating_mul(u64::from(height) * 3);
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
}
