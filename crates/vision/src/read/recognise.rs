//! Which format the content of a file is, and whether it is all there.

use image::ImageFormat;

use crate::VisionError;

/// What can be read and written, for messages.
pub(crate) const FORMATS: &str = "PNG, JPEG, BMP, GIF, WebP or TIFF";

/// The format that the first bytes announce.
pub(crate) fn recognise(bytes: &[u8], name: &str) -> Result<ImageFormat, VisionError> {
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

/// The name of a format, for example `JPEG`.
pub(crate) fn format_name(format: ImageFormat) -> String {
    format
        .to_mime_type()
        .trim_start_matches("image/")
        .to_uppercase()
}

pub(crate) fn damaged(name: &str, format: ImageFormat, detail: &str) -> VisionError {
    VisionError::Damaged {
        name: name.into(),
        format: format_name(format),
        detail: detail.into(),
    }
}

/// Refuses what has no end, where the decoder would not notice.
pub(crate) fn check_complete(
    bytes: &[u8],
    format: ImageFormat,
    name: &str,
) -> Result<(), VisionError> {
    if format == ImageFormat::Jpeg && !jpeg_is_complete(bytes) {
        return Err(damaged(name, format, "its end is missing"));
    }
    Ok(())
}

/// Whether a JPEG reaches its end-of-image mark.
///
/// The decoder fills what is missing of a file cut short with grey and says nothing, and grey
/// halves in a training set go unnoticed for long.
fn jpeg_is_complete(bytes: &[u8]) -> bool {
    jpeg_marks(bytes).any(|(mark, _)| mark == 0xD9)
}

/// The marks of a JPEG in order, each with what its segment holds (nothing for marks that stand alone).
pub(crate) fn jpeg_marks(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut at = 2; // behind the start-of-image mark
    std::iter::from_fn(move || {
        while let Some(&[first, mark]) = bytes.get(at..at + 2) {
            match (first, mark) {
                // Picture data, and fill bytes before a mark.
                (0..=0xFE, _) | (0xFF, 0xFF) => at += 1,
                // Stuffed zeros and restarts.
                (0xFF, 0x00 | 0x01 | 0xD0..=0xD8) => at += 2,
                (0xFF, 0xD9) => {
                    at += 2;
                    return Some((mark, &[][..]));
                }
                // A segment says how long it is, and may hold a thumbnail with an end mark of its own.
                (0xFF, _) => {
                    let &[high, low] = bytes.get(at + 2..at + 4)? else {
                        return None;
                    };
                    let start = at + 4;
                    at += 2 + usize::from(u16::from_be_bytes([high, low]));
                    return Some((mark, bytes.get(start..at).unwrap_or_default()));
                }
            }
        }
        None
    })
}

/// How many greys a BMP has whose indices are greys themselves: 256 in order, or black and white.
pub(crate) fn bmp_greys(bytes: &[u8]) -> Option<usize> {
    let header = u32::from_le_bytes(*bytes.get(14..)?.first_chunk()?) as usize;
    // The header of OS/2 is shorter, and so are its colours.
    let (bits, entry) = match header {
        12 => (bytes.get(24)?, 3),
        _ => (bytes.get(28)?, 4),
    };
    let most = match bits {
        1 => 2,
        8 => 256,
        _ => return None,
    };
    let said = bytes
        .get(46..)
        .filter(|_| header >= 36)
        .and_then(|rest| Some(u32::from_le_bytes(*rest.first_chunk()?) as usize));
    let count = said
        .filter(|count| (1..=most).contains(count))
        .unwrap_or(most);
    let palette = bytes.get(14usize.checked_add(header)?..)?;
    let step = 255 / (most - 1);
    let is_grey = |(index, colour): (usize, &[u8])| colour[..3] == [(index * step) as u8; 3];
    let mut colours = palette.chunks_exact(entry).take(count).enumerate();
    (palette.len() >= count * entry && colours.all(is_grey)).then_some(most)
}
