//! What kind of pixels a file holds, from its header.

use image::{ExtendedColorType, ImageFormat};

use crate::read::{bmp_greys, jpeg_marks};

/// The kinds of pixels, under Pillow's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `1`: black or white.
    One,
    /// `L`: grey, 0-255 (L for luminance).
    L,
    /// `LA`: grey and how opaque it is.
    La,
    /// `P`: an index into a palette of colours.
    P,
    /// `RGB`: red, green, blue, 0-255.
    Rgb,
    /// `RGBA`: the same and how opaque it is.
    Rgba,
    /// `CMYK`: four inks, 0 (none) to 255.
    Cmyk,
    /// `I;16`: grey, 0-65535.
    I16,
}

impl Mode {
    /// Pillow's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::L => "L",
            Self::La => "LA",
            Self::P => "P",
            Self::Rgb => "RGB",
            Self::Rgba => "RGBA",
            Self::Cmyk => "CMYK",
            Self::I16 => "I;16",
        }
    }
}

/// The mode of a file whose header has been found to be sound; `colour` is what its decoder makes of it.
pub(super) fn of_file(bytes: &[u8], format: ImageFormat, colour: ExtendedColorType) -> Mode {
    let own = match format {
        ImageFormat::Png => of_png(bytes),
        ImageFormat::Jpeg => of_jpeg(bytes),
        ImageFormat::Gif => Some(of_gif(bytes)),
        ImageFormat::Bmp => of_bmp(bytes),
        _ => None,
    };
    own.unwrap_or(match colour {
        ExtendedColorType::L1 => Mode::One,
        ExtendedColorType::L2 | ExtendedColorType::L4 | ExtendedColorType::L8 => Mode::L,
        ExtendedColorType::L16 => Mode::I16,
        ExtendedColorType::La8 | ExtendedColorType::La16 => Mode::La,
        ExtendedColorType::Rgba8 | ExtendedColorType::Rgba16 | ExtendedColorType::Rgba32F => {
            Mode::Rgba
        }
        ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16 => Mode::Cmyk,
        _ => Mode::Rgb,
    })
}

/// PNG's IHDR: bit depth at byte 24, colour type at 25.
fn of_png(bytes: &[u8]) -> Option<Mode> {
    match (bytes.get(24)?, bytes.get(25)?) {
        (1, 0) => Some(Mode::One),
        (16, 0) => Some(Mode::I16),
        (_, 0) => Some(Mode::L),
        (_, 2) => Some(Mode::Rgb),
        (_, 3) => Some(Mode::P),
        (_, 4) => Some(Mode::La),
        (_, 6) => Some(Mode::Rgba),
        _ => None,
    }
}

/// The number of components in JPEG's start-of-frame segment.
fn of_jpeg(bytes: &[u8]) -> Option<Mode> {
    let frames = 0xC0..=0xCF;
    let (_, frame) = jpeg_marks(bytes)
        .find(|(mark, _)| frames.contains(mark) && ![0xC4, 0xC8, 0xCC].contains(mark))?;
    match frame.get(5)? {
        1 => Some(Mode::L),
        3 => Some(Mode::Rgb),
        4 => Some(Mode::Cmyk),
        _ => None,
    }
}

/// `L` where GIF's global palette is the greys in order.
fn of_gif(bytes: &[u8]) -> Mode {
    let flags = bytes.get(10).copied().unwrap_or_default();
    let entries = 2usize << (flags & 7);
    let palette = bytes.get(13..13 + entries * 3).unwrap_or_default();
    let is_grey = |(index, colour): (usize, &[u8])| colour == [index as u8; 3];
    let grey = flags & 0x80 != 0 && palette.chunks_exact(3).enumerate().all(is_grey);
    if grey { Mode::L } else { Mode::P }
}

/// BMP's bits a pixel, and whether its palette says more than its indices.
fn of_bmp(bytes: &[u8]) -> Option<Mode> {
    match bmp_greys(bytes) {
        Some(2) => return Some(Mode::One),
        Some(_) => return Some(Mode::L),
        None => {}
    }
    match bytes.get(28)? {
        1 | 4 | 8 => Some(Mode::P),
        16 | 24 => Some(Mode::Rgb),
        _ => None,
    }
}
