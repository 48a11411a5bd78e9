//! Files and bytes to images.
//!
//! - this file: [`imread`] and [`Image::open`]; how much a file may hold
//! - `recognise`: which format the content is, and whether it is all there
//! - `frames`: all pictures of an animation
//!
//! PNG, JPEG, BMP, GIF, WebP and TIFF, recognised by content, whatever the file is called.

mod frames;
mod recognise;

use std::fs::{self, File};
use std::io::{self, Cursor, Read as _};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

pub use frames::read_frames;
pub(crate) use recognise::{
    FORMATS, bmp_greys, check_complete, damaged, format_name, jpeg_marks, recognise,
};

use crate::picture::check_sides;
use crate::{Image, VisionError};

/// The most bytes that a file, or the pixels it holds, may take: 512 MiB.
///
/// That is 178 megapixels of 8-bit RGB. It keeps a file that lies about its size from taking all memory.
pub const MAX_BYTES: u64 = 512 << 20;

/// Reads an image file; the same as [`Image::open`].
///
/// # Errors
/// Those of [`Image::open`].
pub fn imread(path: impl AsRef<Path>) -> Result<Image, VisionError> {
    Image::open(path)
}

impl Image {
    /// Reads an image file: PNG, JPEG, BMP, GIF (its first frame), WebP or TIFF (its first page).
    ///
    /// The picture stands upright: a camera's note on how it was held (EXIF orientation) is applied.
    /// Grey becomes RGB, 16 bits become 8, transparency is dropped.
    ///
    /// # Errors
    /// When the file is missing or unreadable, is no image, is cut short, or is too large for
    /// [`MAX_BYTES`]. The message names the file and says what to do.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, VisionError> {
        let (bytes, name) = read_file(path.as_ref())?;
        decode(&bytes, &name)
    }

    /// Reads an image from the content of such a file.
    ///
    /// # Errors
    /// Those of [`open`](Self::open) that concern the content.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VisionError> {
        decode(bytes, UNNAMED)
    }
}

/// What messages call an image that came without a file.
const UNNAMED: &str = "the image data";

/// The whole content of a file and its name for messages, if it is a file and not too large.
pub(crate) fn read_file(path: &Path) -> Result<(Vec<u8>, String), VisionError> {
    let name = path.display().to_string();
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => VisionError::NotFound {
            name: name.clone(),
            seen_from: seen_from(path),
        },
        _ => VisionError::Unreadable {
            name: name.clone(),
            source,
        },
    };
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        let what = if about.is_dir() {
            "it is a folder; name a file inside it"
        } else {
            "it is not a regular file"
        };
        return Err(unreadable(io::Error::other(what)));
    }
    let mut bytes = Vec::new();
    // One byte over the limit shows that there is more, without reading all of it.
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(VisionError::TooLarge {
            name,
            what: "a file of this length".into(),
        });
    }
    Ok((bytes, name))
}

/// Where a relative path starts, for a message about a missing file.
fn seen_from(path: &Path) -> String {
    match std::env::current_dir() {
        Ok(folder) if path.is_relative() => format!(", seen from {}", folder.display()),
        _ => String::new(),
    }
}

fn decode(bytes: &[u8], name: &str) -> Result<Image, VisionError> {
    let format = recognise(bytes, name)?;
    let mut decoder = decoder(bytes, format, name)?;
    let orientation = decoder
        .orientation()
        .map_err(|error| explain(error, format, name))?;
    let mut image = pixels(bytes, decoder, format, name)?;
    image.apply_orientation(orientation);
    Image::try_from(image)
}

/// What reads the pixels, once the header has been read and the size it promises been found acceptable.
pub(crate) fn decoder<'a>(
    bytes: &'a [u8],
    format: ImageFormat,
    name: &str,
) -> Result<impl ImageDecoder + 'a, VisionError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let decoder = reader
        .into_decoder()
        .map_err(|error| explain(error, format, name))?;
    check_size(&decoder, format, name)?;
    Ok(decoder)
}

/// Refuses a header that promises no pixels or too many.
fn check_size(
    decoder: &impl ImageDecoder,
    format: ImageFormat,
    name: &str,
) -> Result<(), VisionError> {
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        let detail = format!("it says that it is {width}x{height} pixels");
        return Err(damaged(name, format, &detail));
    }
    if decoder.total_bytes() > MAX_BYTES || check_sides(width, height).is_err() {
        return Err(VisionError::TooLarge {
            name: name.into(),
            what: format!("{width}x{height} pixels"),
        });
    }
    Ok(())
}

/// The pixels, if they are all there.
pub(crate) fn pixels(
    bytes: &[u8],
    decoder: impl ImageDecoder,
    format: ImageFormat,
    name: &str,
) -> Result<DynamicImage, VisionError> {
    check_complete(bytes, format, name)?;
    DynamicImage::from_decoder(decoder).map_err(|error| explain(error, format, name))
}

/// How much memory a decoder may take.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_BYTES);
    limits
}

/// What a decoder said, for a learner.
fn explain(error: ImageError, format: ImageFormat, name: &str) -> VisionError {
    match error {
        ImageError::Limits(_) => VisionError::TooLarge {
            name: name.into(),
            what: "its size".into(),
        },
        error => damaged(name, format, &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! fixture {
        ($name:literal) => {
            include_bytes!(concat!("../../tests/fixtures/", $name))
        };
    }

    /// The pixels that `make.py` computes with numpy.
    fn gradient(x: u32, y: u32) -> [u8; 3] {
        [x * 16, y * 24, x * y * 7 % 256].map(|v| v as u8)
    }

    fn message(bytes: &[u8]) -> String {
        Image::from_bytes(bytes).unwrap_err().to_string()
    }

    /// Every channel within `tolerance`: JPEG decoders may round differently.
    fn assert_close(found: [u8; 3], expected: [u8; 3], tolerance: u8) {
        let close = found
            .iter()
            .zip(expected)
            .all(|(&f, e)| f.abs_diff(e) <= tolerance);
        assert!(close, "{found:?} is not within {tolerance} of {expected:?}");
    }

    #[test]
    fn lossless_formats_hold_the_pixels_that_were_written() {
        let files: [&[u8]; 5] = [
            fixture!("gradient.png"),
            fixture!("gradient.bmp"),
            fixture!("gradient.tiff"),
            fixture!("gradient.webp"),
            fixture!("gradient.gif"),
        ];
        for bytes in files {
            let image = Image::from_bytes(bytes).unwrap();
            assert_eq!((image.width(), image.height()), (16, 10));
            for (x, y) in [(0, 0), (15, 0), (7, 4), (15, 9), (3, 8)] {
                assert_eq!(image.pixel(x, y), gradient(x, y));
            }
        }
    }

    #[test]
    fn jpeg_pixels_are_those_of_pillow() {
        let image = Image::from_bytes(fixture!("gradient.jpg")).unwrap();
        let pillow = [
            ((0, 0), [0, 0, 7]),
            ((15, 0), [236, 3, 7]),
            ((7, 4), [112, 97, 190]),
            ((15, 9), [244, 213, 184]),
        ];
        for ((x, y), expected) in pillow {
            assert_close(image.pixel(x, y), expected, 2);
        }
    }

    #[test]
    fn a_picture_on_its_side_is_turned_upright() {
        let image = Image::from_bytes(fixture!("turned.jpg")).unwrap();
        assert_eq!((image.width(), image.height()), (10, 16));
        // Pillow: ImageOps.exif_transpose(image).getpixel(place)
        let pillow = [
            ((0, 0), [2, 217, 0]),
            ((9, 0), [4, 0, 1]),
            ((0, 15), [244, 216, 176]),
            ((9, 15), [239, 0, 3]),
        ];
        for ((x, y), expected) in pillow {
            assert_close(image.pixel(x, y), expected, 2);
        }
    }

    #[test]
    fn other_kinds_of_pixels_become_rgb() {
        let grey = Image::from_bytes(fixture!("grey16.png")).unwrap();
        assert_eq!(grey.pixel(5, 0), [85; 3]); // 5 * 4369 of 65535 is 85 of 255
        let palette = Image::from_bytes(fixture!("palette.png")).unwrap();
        assert_eq!(palette.pixel(15, 0), [216, 0, 0]); // Pillow: convert("RGB")
        let cmyk = Image::from_bytes(fixture!("cmyk.jpg")).unwrap();
        assert_close(cmyk.pixel(15, 0), [240, 0, 0], 8);
        assert_close(cmyk.pixel(7, 4), [112, 95, 195], 8);
    }

    #[test]
    fn files_cut_short_are_errors_in_every_format() {
        let files: [(&str, &[u8]); 6] = [
            ("PNG", fixture!("gradient.png")),
            ("JPEG", fixture!("gradient.jpg")),
            ("BMP", fixture!("gradient.bmp")),
            ("GIF", fixture!("gradient.gif")),
            ("WEBP", fixture!("gradient.webp")),
            ("TIFF", fixture!("gradient.tiff")),
        ];
        for (format, bytes) in files {
            for length in [bytes.len() / 8, bytes.len() / 2, bytes.len() * 7 / 8] {
                let message = message(&bytes[..length]);
                assert!(
                    message.contains(&format!("the {format} data is cut short or damaged")),
                    "{message}"
                );
            }
        }
    }

    #[test]
    fn a_thumbnail_does_not_end_a_jpeg() {
        let whole = fixture!("gradient.jpg");
        let mut with_thumbnail = whole[..2].to_vec();
        with_thumbnail.extend([0xFF, 0xE1, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9]);
        with_thumbnail.extend(&whole[2..]);
        assert!(Image::from_bytes(&with_thumbnail).is_ok());
        assert!(
            message(&with_thumbnail[..with_thumbnail.len() - 2]).contains("its end is missing")
        );
    }

    #[test]
    fn what_is_no_image_is_called_so() {
        assert!(message(b"").contains("it is empty (0 bytes)"));
        assert!(
            message(b"label,file\ncat,cat.png\n").contains("not an image: its content is not PNG")
        );
        assert!(
            message(b"\0\0\x01\0rest of an icon")
                .contains("image/x-icon files cannot be read here")
        );
    }

    #[test]
    fn a_header_that_promises_too_much_is_refused_before_any_memory_is_taken() {
        let message = message(fixture!("bomb.png"));
        assert!(
            message.contains("more than the 512 MiB an image may take"),
            "{message}"
        );
    }

    #[test]
    fn errors_name_the_file_and_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let missing = imread(at("phoot.jpg")).unwrap_err().to_string();
        assert!(
            missing.contains("phoot.jpg: there is no such file; check"),
            "{missing}"
        );
        let relative = imread("phoot.jpg").unwrap_err().to_string();
        assert!(
            relative.starts_with("phoot.jpg: there is no such file, seen from /"),
            "{relative}"
        );
        let directory = imread(folder.path()).unwrap_err().to_string();
        assert!(
            directory.contains("it is a folder; name a file inside it"),
            "{directory}"
        );
        fs::write(at("photo.jpg"), fixture!("gradient.png")).unwrap();
        assert_eq!(imread(at("photo.jpg")).unwrap().pixel(7, 4), gradient(7, 4));
    }
}
