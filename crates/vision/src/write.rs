//! Images to files.

use std::fs;
use std::io::{self, Cursor};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageError, ImageFormat};

use crate::read::FORMATS;
use crate::{Image, VisionError};

/// The quality, 1-100, of the JPEG files that [`Image::save`] writes.
pub const JPEG_QUALITY: u8 = 90;

impl Image {
    /// Writes an image file in the format that its name ends in, for example `.png` or `.jpg`
    /// (at [`JPEG_QUALITY`]). A file of that name is replaced.
    ///
    /// # Errors
    /// [`VisionError::Unwritable`] when the ending says no known format or the system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), VisionError> {
        let path = path.as_ref();
        write(self, path, format_of(path)?, JPEG_QUALITY)
    }

    /// Writes a JPEG file of the given quality, 1 (smallest) to 100 (closest to the picture).
    /// A file of that name is replaced.
    ///
    /// # Errors
    /// [`VisionError::Unwritable`] when the name does not end as those of JPEG files do (the other
    /// formats lose nothing, so they have no quality), or the system refuses;
    /// [`VisionError::Argument`] for another quality.
    pub fn save_with_quality(
        &self,
        path: impl AsRef<Path>,
        quality: u8,
    ) -> Result<(), VisionError> {
        let path = path.as_ref();
        check_quality(path, quality)?;
        write(self, path, ImageFormat::Jpeg, quality)
    }
}

/// Refuses a quality that is none, or of a file that has none.
pub(crate) fn check_quality(path: &Path, quality: u8) -> Result<(), VisionError> {
    if !(1..=100).contains(&quality) {
        return Err(VisionError::Argument(format!(
            "a quality is a number from 1 to 100, got {quality}"
        )));
    }
    if format_of(path)? == ImageFormat::Jpeg {
        return Ok(());
    }
    Err(unwritable(
        path,
        "only JPEG files have a quality: let its name end in .jpg, or use save".into(),
    ))
}

/// The format that a name ends in, if it can be written.
pub(crate) fn format_of(path: &Path) -> Result<ImageFormat, VisionError> {
    ImageFormat::from_path(path)
        .ok()
        .filter(ImageFormat::writing_enabled)
        .ok_or_else(|| {
            let reason = format!("its name must end as {FORMATS} files do, for example .png");
            unwritable(path, reason)
        })
}

fn write(image: &Image, path: &Path, format: ImageFormat, quality: u8) -> Result<(), VisionError> {
    let bytes =
        encode(image, format, quality).map_err(|error| unwritable(path, error.to_string()))?;
    write_file(path, &bytes)
}

fn encode(image: &Image, format: ImageFormat, quality: u8) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    match format {
        ImageFormat::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
            image.as_rgb8().write_with_encoder(encoder)?;
        }
        other => image.as_rgb8().write_to(&mut bytes, other)?,
    }
    Ok(bytes.into_inner())
}

/// Writes pixels as they are. The format must have them: only grey and colour of 8 bits are in all formats.
pub(crate) fn write_pixels(
    image: &DynamicImage,
    path: &Path,
    format: ImageFormat,
    quality: u8,
) -> Result<(), VisionError> {
    let mut bytes = Cursor::new(Vec::new());
    let written = match format {
        ImageFormat::Jpeg => {
            image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality))
        }
        other => image.write_to(&mut bytes, other),
    };
    written.map_err(|error| unwritable(path, error.to_string()))?;
    write_file(path, &bytes.into_inner())
}

/// Writes the content of a file, whose folder must be there.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), VisionError> {
    fs::write(path, bytes).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "its folder does not exist; create it first".into(),
            _ => error.to_string(),
        };
        unwritable(path, reason)
    })
}

pub(crate) fn unwritable(path: &Path, reason: String) -> VisionError {
    VisionError::Unwritable {
        name: path.display().to_string(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imread;

    #[test]
    fn a_saved_image_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let image = Image::from_bytes(include_bytes!("../tests/fixtures/gradient.png")).unwrap();
        for ending in ["png", "bmp", "gif", "webp", "tiff", "tif"] {
            let path = folder.path().join(format!("copy.{ending}"));
            image.save(&path).unwrap();
            assert_eq!(imread(&path).unwrap(), image, "{ending}");
        }
        image.save(folder.path().join("copy.jpeg")).unwrap();
        let lossy = imread(folder.path().join("copy.jpeg")).unwrap();
        let original = image.pixel(7, 4);
        for (found, expected) in lossy.pixel(7, 4).into_iter().zip(original) {
            assert!(found.abs_diff(expected) <= 24);
        }

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

    #[test]
    fn quality_is_paid_for_in_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let image = Image::from_bytes(include_bytes!("../tests/fixtures/gradient.png")).unwrap();
        let size = |quality| {
            let path = folder.path().join(format!("{quality}.jpg"));
            image.save_with_quality(&path, quality).unwrap();
            fs::metadata(path).unwrap().len()
        };
        assert!(size(20) < size(80) && size(80) < size(100));
        let refused = |name: &str, quality| {
            let path = folder.path().join(name);
            image
                .save_with_quality(path, quality)
                .unwrap_err()
                .to_string()
        };
        assert!(refused("a.png", 80).contains("only JPEG files have a quality"));
        assert_eq!(
            refused("a.jpg", 101),
            "a quality is a number from 1 to 100, got 101"
        );
    }
}
