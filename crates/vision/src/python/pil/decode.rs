//! The pixels of a file as they are: indices into a palette and inks included.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{DynamicImage, ImageDecoder, ImageFormat};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Mode, Pixels};
use crate::read::{MAX_BYTES, check_complete, damaged, decoder, pixels as decoded};
use crate::{Array, Image, VisionError};

/// Reads the pixels of a file of that mode.
pub(super) fn pixels(
    bytes: &[u8],
    format: ImageFormat,
    mode: Mode,
    name: &str,
) -> Result<Pixels, VisionError> {
    match (mode, format) {
        (Mode::P, _) => return indexed(bytes, format, name),
        (Mode::Cmyk, ImageFormat::Jpeg) => return inks(bytes, name),
        (Mode::Cmyk, _) => {
            return Err(VisionError::Argument(format!(
                "{name}: the four inks of a CMYK image are kept apart only in JPEG files: use convert(\"RGB\")"
            )));
        }
        _ => {}
    }
    let image = decoded(bytes, decoder(bytes, format, name)?, format, name)?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let array = match mode {
        Mode::I16 => Array::from_u16(&[height, width], image.into_luma16().into_raw()),
        Mode::L => Array::from_u8(&[height, width], image.into_luma8().into_raw()),
        Mode::One => {
            let bits = image.into_luma8().into_raw();
            Array::from_u8(&[height, width], bits.iter().map(|v| v / 255).collect())
        }
        Mode::La => Array::from_u8(&[height, width, 2], image.into_luma_alpha8().into_raw()),
        Mode::Rgba => Array::from_u8(&[height, width, 4], image.into_rgba8().into_raw()),
        Mode::Rgb | Mode::P | Mode::Cmyk => {
            Array::from_u8(&[height, width, 3], image.into_rgb8().into_raw())
        }
    };
    Ok(Pixels::of(array?))
}

/// The inks of a JPEG. Adobe's programs store them inverted, and everybody takes all to be theirs, as Pillow does.
fn inks(bytes: &[u8], name: &str) -> Result<Pixels, VisionError> {
    let format = ImageFormat::Jpeg;
    // What holds for every picture: its size, and that all of it is there.
    drop(decoder(bytes, format, name)?);
    check_complete(bytes, format, name)?;
    let broken = |error: &dyn std::fmt::Display| damaged(name, format, &error.to_string());
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| broken(&error))?;
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::CMYK);
    if stored.num_components() != 4 {
        return Err(broken(&"it says that it has four inks, and has not"));
    }
    let (width, height) = decoder.dimensions().unwrap_or_default();
    if width as u64 * height as u64 * 4 > MAX_BYTES {
        return Err(VisionError::TooLarge {
            name: name.into(),
            what: format!("{width}x{height} pixels of four inks"),
        });
    }
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(stored));
    let mut inks = decoder.decode().map_err(|error| broken(&error))?;
    for pixel in inks.as_chunks_mut::<4>().0 {
        if stored == ColorSpace::YCCK {
            *pixel = inks_of_ycck(*pixel);
        }
        *pixel = pixel.map(|value| 255 - value);
    }
    Array::from_u8(&[height, width, 4], inks).map(Pixels::of)
}

/// Inverted inks, of which three are stored as luma and two differences of colour.
fn inks_of_ycck([y, cb, cr, k]: [u8; 4]) -> [u8; 4] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    let colours = [
        y + 1.402 * cr,
        y - 0.344_136 * cb - 0.714_136 * cr,
        y + 1.772 * cb,
    ];
    let [c, m, y] = colours.map(|value| 255 - value.round() as u8);
    [c, m, y, k]
}

/// The colours of a file, whatever its mode.
pub(super) fn rgb(bytes: &[u8], format: ImageFormat, name: &str) -> Result<Image, VisionError> {
    let image: DynamicImage = decoded(bytes, decoder(bytes, format, name)?, format, name)?;
    Image::try_from(image)
}

/// Indices and palette.
fn indexed(bytes: &[u8], format: ImageFormat, name: &str) -> Result<Pixels, VisionError> {
    let broken = |error: &dyn std::fmt::Display| damaged(name, format, &error.to_string());
    let indexed = match format {
        ImageFormat::Png => of_png(bytes).map_err(|error| broken(&error))?,
        ImageFormat::Gif => of_gif(bytes).map_err(|error| broken(&error))?,
        _ => of_bmp(bytes).map_err(|error| broken(&error))?,
    };
    let shape = [indexed.height as usize, indexed.width as usize];
    let colours = indexed.palette.as_chunks::<3>().0.iter().enumerate();
    let alpha = |index: usize| indexed.alpha.get(index).copied().unwrap_or(255);
    Ok(Pixels {
        array: Array::from_u8(&shape, indexed.indices)?,
        palette: colours
            .map(|(index, &[r, g, b])| [r, g, b, alpha(index)])
            .collect(),
    })
}

/// An index for each pixel, three bytes for each index, and how opaque the first of the indices are.
struct Indexed {
    width: u32,
    height: u32,
    indices: Vec<u8>,
    palette: Vec<u8>,
    alpha: Vec<u8>,
}

fn of_png(bytes: &[u8]) -> Result<Indexed, png::DecodingError> {
    let limits = png::Limits {
        bytes: MAX_BYTES as usize,
    };
    let mut reader = png::Decoder::new_with_limits(Cursor::new(bytes), limits).read_info()?;
    let mut packed = vec![0; reader.output_buffer_size().unwrap_or_default()];
    let frame = reader.next_frame(&mut packed)?;
    let palette = reader.info().palette.as_deref().unwrap_or_default();
    let alpha = reader.info().trns.as_deref().unwrap_or_default();
    let bits = frame.bit_depth as usize;
    let indices = packed
        .chunks_exact(frame.line_size)
        .take(frame.height as usize)
        .flat_map(|row| unpack(row, frame.width as usize, bits))
        .collect();
    Ok(Indexed {
        width: frame.width,
        height: frame.height,
        indices,
        palette: palette.to_vec(),
        alpha: alpha.to_vec(),
    })
}

/// The first frame, on a canvas of index 0.
fn of_gif(bytes: &[u8]) -> Result<Indexed, gif::DecodingError> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::Indexed);
    if let Some(limit) = std::num::NonZeroU64::new(MAX_BYTES) {
        options.set_memory_limit(gif::MemoryLimit::Bytes(limit));
    }
    let mut decoder = options.read_info(Cursor::new(bytes))?;
    let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
    let global = decoder.global_palette().unwrap_or_default().to_vec();
    let mut canvas = vec![0; width * height];
    let mut palette = global;
    let mut alpha = Vec::new();
    if let Some(frame) = decoder.read_next_frame()? {
        let (left, top) = (usize::from(frame.left), usize::from(frame.top));
        let frame_width = usize::from(frame.width);
        for (row, indices) in frame.buffer.chunks_exact(frame_width.max(1)).enumerate() {
            let start = (top + row) * width + left;
            let fitting = frame_width.min(width.saturating_sub(left));
            if let Some(target) = canvas.get_mut(start..start + fitting) {
                target.copy_from_slice(&indices[..fitting]);
            }
        }
        if let Some(own) = &frame.palette {
            palette = own.clone();
        }
        if let Some(index) = frame.transparent {
            alpha = vec![255; usize::from(index)];
            alpha.push(0);
        }
    }
    Ok(Indexed {
        width: width as u32,
        height: height as u32,
        indices: canvas,
        palette,
        alpha,
    })
}

/// The decoder gives colours. Which index each of them was is read off the packed rows; where these are compressed,
/// it is the first index of that colour.
fn of_bmp(bytes: &[u8]) -> Result<Indexed, image::ImageError> {
    let mut decoder = BmpDecoder::new(Cursor::new(bytes))?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MAX_BYTES);
    decoder.set_limits(limits)?;
    let (width, height) = decoder.dimensions();
    let palette = decoder.get_palette().unwrap_or_default().to_vec();
    let colours = DynamicImage::from_decoder(decoder)?.into_rgb8();
    let indices = packed_rows(bytes, width as usize, height as usize).unwrap_or_else(|| {
        let index = |colour: &image::Rgb<u8>| palette.iter().position(|known| *known == colour.0);
        let indices = colours.pixels().map(index);
        indices.map(|index| index.unwrap_or(0) as u8).collect()
    });
    Ok(Indexed {
        width,
        height,
        indices,
        palette: palette.concat(),
        alpha: Vec::new(),
    })
}

/// The indices of a BMP that is not compressed, from the top; `None` for any other.
fn packed_rows(bytes: &[u8], width: usize, height: usize) -> Option<Vec<u8>> {
    let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    // The header of OS/2 is shorter, knows no compression, and its rows begin at the bottom.
    let (bits, compression, top_down) = match number(14)? {
        12 => (*bytes.get(24)?, 0, false),
        _ => (*bytes.get(28)?, number(30)?, number(22)? as i32 <= 0),
    };
    if compression != 0 || !matches!(bits, 1 | 2 | 4 | 8) {
        return None;
    }
    let bits = usize::from(bits);
    let length = (width * bits).div_ceil(32) * 4;
    let rows = bytes.get(number(10)? as usize..)?.get(..length * height)?;
    let mut rows: Vec<&[u8]> = rows.chunks_exact(length).collect();
    if !top_down {
        rows.reverse();
    }
    let unpacked = rows.into_iter().flat_map(|row| unpack(row, width, bits));
    Some(unpacked.collect())
}

/// Numbers of so many bits each, the first in the highest.
fn unpack(row: &[u8], count: usize, bits: usize) -> impl Iterator<Item = u8> {
    let mask = 0xFF >> (8 - bits);
    (0..count).map(move |index| {
        let bit = index * bits;
        row[bit / 8] >> (8 - bits - bit % 8) & mask
    })
}
