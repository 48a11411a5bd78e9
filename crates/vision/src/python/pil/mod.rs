//! Pillow's way: [`pil_open`], lazy, with modes, and sizes as (width, height).
//!
//! - this file: opening, asking, loading
//! - `mode`: what kind of pixels a file holds, from its header
//! - `decode`: those pixels as they are, palette indices and inks included
//! - `change`: convert, crop, resize, turn upright
//! - `save`: to files

mod change;
mod decode;
mod mode;
mod save;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

use image::metadata::Orientation;
use image::{ImageDecoder, ImageFormat};
use rt::{Bundle, Show};

pub use mode::Mode;

use crate::read::{decoder, format_name, read_file, recognise};
use crate::{Array, AsArray, Image, VisionError};

/// Opens an image as Pillow's `Image.open` does: the header is read now, the pixels when they are asked for.
///
/// So a file that is cut short opens well, and the error comes later, with the pixels. A note on how the
/// camera was held (EXIF orientation) is not applied: see [`PilImage::exif_transpose`].
///
/// # Errors
/// When the file is missing or unreadable, is no image, or its header is damaged or promises too much.
pub fn pil_open(path: impl AsRef<Path>) -> Result<PilImage, VisionError> {
    let (bytes, name) = read_file(path.as_ref())?;
    PilImage::new(bytes, name)
}

/// An image as Pillow has it: of one of several modes, its size as (width, height).
pub struct PilImage {
    name: String,
    format: Option<ImageFormat>,
    mode: Mode,
    /// Width and height.
    size: (u32, u32),
    orientation: Orientation,
    /// The file's content, until the pixels have been read.
    bytes: Vec<u8>,
    pixels: OnceLock<Pixels>,
}

/// What the image holds: `[H, W]` for one number a pixel, else `[H, W, C]`.
#[derive(Clone)]
struct Pixels {
    array: Array,
    /// For [`Mode::P`]: the colour of each index, and how opaque it is.
    palette: Vec<[u8; 4]>,
}

impl Pixels {
    /// Without a palette.
    fn of(array: Array) -> Self {
        Self {
            array,
            palette: Vec::new(),
        }
    }
}

impl PilImage {
    fn new(bytes: Vec<u8>, name: String) -> Result<Self, VisionError> {
        let format = recognise(&bytes, &name)?;
        let mut header = decoder(&bytes, format, &name)?;
        let orientation = header.orientation().unwrap_or(Orientation::NoTransforms);
        let (size, mode) = (
            header.dimensions(),
            mode::of_file(&bytes, format, header.original_color_type()),
        );
        drop(header);
        Ok(Self {
            name,
            format: Some(format),
            mode,
            size,
            orientation,
            bytes,
            pixels: OnceLock::new(),
        })
    }

    /// An image that is in memory.
    fn of(mode: Mode, pixels: Pixels, name: &str) -> Self {
        let size = (
            pixels.array.shape()[1] as u32,
            pixels.array.shape()[0] as u32,
        );
        Self {
            name: name.into(),
            format: None,
            mode,
            size,
            orientation: Orientation::NoTransforms,
            bytes: Vec::new(),
            pixels: OnceLock::from(pixels),
        }
    }

    /// (width, height), in pixels: the other way round than the shape of an array.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Pixels from left to right.
    pub fn width(&self) -> u32 {
        self.size.0
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> u32 {
        self.size.1
    }

    /// The kind of its pixels, for example `"RGB"`, `"L"` (grey) or `"P"` (palette); see [`Mode`].
    pub fn mode(&self) -> &'static str {
        self.mode.name()
    }

    /// The format of its file, for example `"JPEG"`; `None` for the result of an operation.
    pub fn format(&self) -> Option<String> {
        self.format.map(format_name)
    }

    /// Whether the pixels have been read.
    pub fn is_loaded(&self) -> bool {
        self.pixels.get().is_some()
    }

    /// Reads the pixels, unless that has been done.
    ///
    /// # Errors
    /// [`VisionError::Damaged`] when the file is cut short or corrupt;
    /// [`VisionError::Argument`] for CMYK in a TIFF, whose inks are not kept apart here: see
    /// [`convert`](Self::convert).
    pub fn load(&self) -> Result<(), VisionError> {
        self.pixels().map(|_| ())
    }

    fn pixels(&self) -> Result<&Pixels, VisionError> {
        if let Some(pixels) = self.pixels.get() {
            return Ok(pixels);
        }
        let Some(format) = self.format else {
            unreachable!("an image without a file is made with its pixels")
        };
        let pixels = decode::pixels(&self.bytes, format, self.mode, &self.name)?;
        Ok(self.pixels.get_or_init(|| pixels))
    }

    /// The numbers of one pixel: one for `L` and `P` (an index), three for `RGB`, and so on.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the place is outside; those of [`load`](Self::load).
    pub fn getpixel(&self, (x, y): (u32, u32)) -> Result<Vec<u16>, VisionError> {
        let array = &self.pixels()?.array;
        let (width, height) = self.size;
        if x >= width || y >= height {
            return Err(VisionError::Argument(format!(
                "pixel ({x}, {y}) is outside an image of {width}x{height}"
            )));
        }
        let (x, y) = (x as usize, y as usize);
        Ok(match array.shape() {
            [_, _, channels] => (0..*channels)
                .map(|channel| array.at(&[y, x, channel]) as u16)
                .collect(),
            _ => vec![array.at(&[y, x]) as u16],
        })
    }

    /// The pixels as NumPy gets them from `np.array(image)`: `[H, W]` for one number a pixel, else
    /// `[H, W, C]`. `P` gives the indices rather than the colours, `1` gives 0 and 1.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn to_array(&self) -> Result<Array, VisionError> {
        Ok(self.pixels()?.array.clone())
    }

    /// The picture, as `convert("RGB")` would give it.
    ///
    /// # Errors
    /// [`VisionError::Damaged`] when the file is cut short or corrupt.
    pub fn to_image(&self) -> Result<Image, VisionError> {
        match (self.mode, self.format) {
            (Mode::Cmyk, Some(format)) if format != ImageFormat::Jpeg => {
                decode::rgb(&self.bytes, format, &self.name)
            }
            _ => Image::from_array(&change::rgb(self.pixels()?, self.mode)?),
        }
    }
}

impl AsArray for PilImage {
    fn as_array(&self) -> Result<Cow<'_, Array>, VisionError> {
        Ok(Cow::Borrowed(&self.pixels()?.array))
    }
}

/// As Pillow writes it: `<JPEG image mode=RGB size=640x480>`.
impl fmt::Debug for PilImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = self.format().map_or_else(String::new, |name| name + " ");
        let (width, height) = self.size;
        write!(
            f,
            "<{format}image mode={} size={width}x{height}>",
            self.mode()
        )
    }
}

impl Show for PilImage {
    fn show(&self) -> Bundle {
        match self.shown() {
            Ok(image) => image.show().with_text(format!("{self:?}")),
            Err(error) => Bundle::text(format!("{self:?} (cannot be shown: {error})")),
        }
    }
}

impl PilImage {
    /// The picture as a viewer has it: 16 bits are scaled rather than cut off.
    fn shown(&self) -> Result<Image, VisionError> {
        match self.mode {
            Mode::I16 => Image::from_array(&self.pixels()?.array),
            _ => self.to_image(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(name: &str) -> PilImage {
        let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        pil_open(path).unwrap()
    }

    #[test]
    fn the_header_tells_format_size_and_mode() {
        // Pillow: Image.open(name), its repr
        for (name, expected) in [
            ("gradient.jpg", "<JPEG image mode=RGB size=16x10>"),
            ("gradient.gif", "<GIF image mode=P size=16x10>"),
            ("gradient.webp", "<WEBP image mode=RGB size=16x10>"),
            ("gradient.tiff", "<TIFF image mode=RGB size=16x10>"),
            ("grey16.png", "<PNG image mode=I;16 size=16x10>"),
            ("palette.png", "<PNG image mode=P size=16x10>"),
            ("cmyk.jpg", "<JPEG image mode=CMYK size=16x10>"),
            ("turned.jpg", "<JPEG image mode=RGB size=16x10>"),
        ] {
            let image = open(name);
            assert_eq!(format!("{image:?}"), expected);
            assert_eq!((image.size(), image.is_loaded()), ((16, 10), false));
        }
    }

    #[test]
    fn pixels_are_those_of_the_mode() {
        let grey = open("grey16.png");
        assert_eq!(grey.getpixel((5, 0)).unwrap(), [21_845]);
        assert_eq!(grey.to_array().unwrap().dtype(), crate::Dtype::Uint16);
        assert!(grey.is_loaded());
        // Pillow: getpixel((15, 0)) is 12, an index; np.array(image).shape is (10, 16)
        let palette = open("palette.png");
        assert_eq!(palette.getpixel((15, 0)).unwrap(), [12]);
        assert_eq!(palette.to_array().unwrap().shape(), [10, 16]);
        assert_eq!(palette.to_image().unwrap().pixel(15, 0), [216, 0, 0]);
        let colour = open("gradient.png");
        assert_eq!(colour.to_array().unwrap().shape(), [10, 16, 3]);
        assert_eq!(colour.getpixel((7, 4)).unwrap(), [112, 96, 196]);
        let gif = open("gradient.gif");
        assert_eq!(gif.to_image().unwrap().pixel(7, 4), [112, 96, 196]);
        // Image.open("cmyk.jpg").getpixel((7, 4))
        const INKS: [u16; 4] = [143, 160, 60, 0];
        let inks = open("cmyk.jpg");
        assert_eq!(inks.to_array().unwrap().shape(), [10, 16, 4]);
        for (found, pillow) in inks.getpixel((7, 4)).unwrap().into_iter().zip(INKS) {
            assert!(found.abs_diff(pillow) <= 2, "{found} {pillow}");
        }
        assert!(inks.to_image().unwrap().pixel(15, 0)[0] > 230);
        assert!(colour.getpixel((16, 0)).is_err());
    }

    #[test]
    fn a_file_cut_short_opens_and_fails_later() {
        let whole = include_bytes!("../../../tests/fixtures/gradient.jpg");
        let cut = PilImage::new(whole[..whole.len() - 30].to_vec(), "cut.jpg".into()).unwrap();
        assert_eq!(cut.size(), (16, 10));
        let error = cut.load().unwrap_err().to_string();
        assert!(
            error.starts_with("cut.jpg: the JPEG data is cut"),
            "{error}"
        );
        assert!(cut.show().plain().contains("cannot be shown"));
    }
}
