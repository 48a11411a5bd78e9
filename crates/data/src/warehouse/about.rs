//! What the head of a picture's file tells: how its pixels are stored, and what the camera wrote.

use std::collections::BTreeMap;
use std::io::Cursor;

use exif::{Exif, In, Value};
use image::{ExtendedColorType, ImageDecoder, ImageReader};

/// Longer texts, a maker's secrets for example, are left out.
const LONGEST: usize = 200;

/// The mode by Pillow's names, and the EXIF tags of the picture itself; empty where there is none.
pub(super) fn head(bytes: &[u8]) -> (String, BTreeMap<String, String>) {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let Some(mut decoder) = reader.ok().and_then(|reader| reader.into_decoder().ok()) else {
        return Default::default();
    };
    let mode = mode(decoder.original_color_type());
    let tags = decoder.exif_metadata().ok().flatten().and_then(|raw| {
        let exif = exif::Reader::new().read_raw(raw).ok()?;
        Some(tags(&exif))
    });
    (mode, tags.unwrap_or_default())
}

fn tags(exif: &Exif) -> BTreeMap<String, String> {
    let text = |value: &Value, shown: String| match value {
        // As it was written, without the quotes that texts are shown in.
        Value::Ascii(parts) => parts
            .iter()
            .map(|part| String::from_utf8_lossy(part).trim().to_string())
            .collect::<Vec<_>>()
            .join(", "),
        _ => shown,
    };
    exif.fields()
        .filter(|field| field.ifd_num == In::PRIMARY)
        .map(|field| {
            let shown = field.display_value().with_unit(exif).to_string();
            (field.tag.to_string(), text(&field.value, shown))
        })
        .filter(|(_, value)| !value.is_empty() && value.len() <= LONGEST)
        .collect()
}

fn mode(colour: ExtendedColorType) -> String {
    match colour {
        ExtendedColorType::L1 => "1",
        ExtendedColorType::L2 | ExtendedColorType::L4 | ExtendedColorType::L8 => "L",
        ExtendedColorType::La8 | ExtendedColorType::La16 => "LA",
        ExtendedColorType::L16 => "I;16",
        ExtendedColorType::Rgb8 | ExtendedColorType::Rgb16 | ExtendedColorType::Bgr8 => "RGB",
        ExtendedColorType::Rgba8 | ExtendedColorType::Rgba16 | ExtendedColorType::Bgra8 => "RGBA",
        ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16 => "CMYK",
        other => return format!("{other:?}"),
    }
    .to_string()
}
