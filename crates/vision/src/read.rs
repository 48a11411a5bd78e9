//! Files and bytes to images, and images to files.
//!
//! PNG, JPEG, BMP, GIF, WebP and TIFF, recognised by content, whatever the file is called.

use std::fs::{self, File};
use std::io::{self, Cursor, Read as _};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::{Image, VisionError};

/// The most bytes that a file, or the pixels it holds, may take: 512 MiB.
///
/// That is 178 megapixels of 8-bit RGB. It keeps a file that lies about its size from taking all memory.
pub const MAX_BYTES: u64 = 512 << 20;

/// The quality, 1-100, of the JPEG files that [`Image::save`] writes.
pub const JPEG_QUALITY: u8 = 90;

/// What can be read and written, for messages.
const FORMATS: &str = "PNG, JPEG, BMP, GIF, WebP or TIFF";

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
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = read_file(path, &name)?;
        decode(&bytes, &name)
    }

    /// Reads an image from the content of such a file.
    ///
    /// # Errors
    /// Those of [`open`](Self::open) that concern the content.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VisionError> {
        decode(bytes, "the image data")
    }

    /// Writes an image file in the format that its name ends in, for example `.png` or `.jpg`
    /// (at [`JPEG_QUALITY`]). A file of that name is replaced.
    ///
    /// # Errors
    /// [`VisionError::Unwritable`] when the ending says no known format or the system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), VisionError> {
        let path = path.as_ref();
        let unwritable = |reason: String| VisionError::Unwritable {
            name: path.display().to_string(),
            reason,
        };
        let format = ImageFormat::from_path(path)
            .ok()
            .filter(ImageFormat::writing_enabled)
            .ok_or_else(|| {
                unwritable(format!(
                    "its name must end as {FORMATS} files do, for example .png"
                ))
            })?;
        let bytes = self
            .encode(format)
            .map_err(|error| unwritable(error.to_string()))?;
        fs::write(path, bytes).map_err(|error| {
            unwritable(match error.kind() {
                io::ErrorKind::NotFound => "its folder does not exist; create it first".into(),
                _ => error.to_string(),
            })
        })
    }

    fn encode(&self, format: ImageFormat) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Cursor::new(Vec::new());
        match format {
            ImageFormat::Jpeg => {
                self.as_rgb8()
                    .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
            }
            other => self.as_rgb8().write_to(&mut bytes, other)?,
        }
        Ok(bytes.into_inner())
    }
}

/// The whole content of a file, if it is a file and not too large.
fn read_file(path: &Path, name: &str) -> Result<Vec<u8>, VisionError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => VisionError::NotFound {
            name: name.into(),
            seen_from: seen_from(path),
        },
        _ => VisionError::Unreadable {
            name: name.into(),
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
            name: name.into(),
            what: "a file of this length".into(),
        });
    }
    Ok(bytes)
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
    if format == ImageFormat::Jpeg && !jpeg_is_complete(bytes) {
        return Err(damaged(name, format, "its end is missing"));
    }
    let too_large = |what: String| VisionError::TooLarge {
        name: name.into(),
        what,
    };
    let failed = |error: ImageError| match error {
        ImageError::Limits(_) => too_large("its size".into()),
        error => damaged(name, format, &error.to_string()),
    };
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    if decoder.total_bytes() > MAX_BYTES {
        let (width, height) = decoder.dimensions();
        return Err(too_large(format!("{width}x{height} pixels")));
    }
    let orientation = decoder.orientation().map_err(failed)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    image.apply_orientation(orientation);
    Image::try_from(image)
}

/// The format that the first bytes announce.
fn recognise(bytes: &[u8], name: &str) -> Result<ImageFormat, VisionError> {
    let not_an_image = |reason: String| {
        Err(VisionError::NotAnImage {
            name: name.into(),
            reason,
        })
    };
    if bytes.is_empty() {
        return not_an_image("it is empty (0 bytes); copy or download it again".into());
    }
    match image::guess_format(bytes) {
        Ok(format) if format.reading_enabled() => Ok(format),
        Ok(format) => not_an_image(format!(
            "{} files cannot be read here; convert it to PNG or JPEG first",
            format.to_mime_type()
        )),
        Err(_) => not_an_image(format!(
            "its content is not {FORMATS}; open it in a text editor to see what it is"
        )),
    }
}

fn damaged(name: &str, format: ImageFormat, detail: &str) -> VisionError {
    let format = format
        .to_mime_type()
        .trim_start_matches("image/")
        .to_uppercase();
    VisionError::Damaged {
        name: name.into(),
        format,
        detail: detail.into(),
    }
}

/// Whether a JPEG reaches its end-of-image mark.
///
/// The decoder fills what is missing of a file cut short with grey and says nothing, and grey
/// halves in a training set go unnoticed for long.
fn jpeg_is_complete(bytes: &[u8]) -> bool {
    let mut at = 2; // behind the start-of-image mark
    while let Some(&[first, second]) = bytes.get(at..at + 2) {
        at += match (first, second) {
            (0xFF, 0xD9) => return true,
            // Stuffed zeros, restarts and other marks that stand alone.
            (0xFF, 0x00 | 0x01 | 0xD0..=0xD8) => 2,
            // Picture data, and fill bytes before a mark.
            (0..=0xFE, _) | (0xFF, 0xFF) => 1,
            // A segment says how long it is, and may hold a thumbnail with an end mark of its own.
            (0xFF, _) => match bytes.get(at + 2..at + 4) {
                Some(&[high, low]) => 2 + usize::from(u16::from_be_bytes([high, low])),
                _ => return false,
            },
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! fixture {
        ($name:literal) => {
            include_bytes!(concat!("../tests/fixtures/", $name))
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

    #[test]
    fn a_saved_image_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let image = Image::from_bytes(fixture!("gradient.png")).unwrap();
        for ending in ["png", "bmp", "gif", "webp", "tiff", "tif"] {
            let path = folder.path().join(format!("copy.{ending}"));
            image.save(&path).unwrap();
            assert_eq!(imread(&path).unwrap(), image, "{ending}");
        }
        image.save(folder.path().join("copy.jpeg")).unwrap();
        let lossy = imread(folder.path().join("copy.jpeg")).unwrap();
        assert_close(lossy.pixel(7, 4), gradient(7, 4), 24);

        let unknown = image
            .save(folder.path().join("copy.picture"))
            .unwrap_err()
            .to_string();
        assert!(unknown.contains("its name must end as"), "{unknown}");
        let nowhere = image
            .save(folder.path().join("no/copy.png"))
            .unwrap_err()
            .to_string();
        assert!(
            nowhere.contains("its folder does not exist; create it first"),
            "{nowhere}"
        );
    }
}
