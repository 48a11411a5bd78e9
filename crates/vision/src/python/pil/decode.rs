//! The pixels of a file as they are, palette indices included.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{DynamicImage, ImageDecoder, ImageFormat};

use super::{Mode, Pixels};
use crate::read::{MAX_BYTES, damaged, decoder, pixels as decoded};
use crate::{Array, Image, VisionError};

/// Reads the pixels of a file of that mode.
pub(super) fn pixels(
    bytes: &[u8],
    format: ImageFormat,
    mode: Mode,
    name: &str,
) -> Result<Pixels, VisionError> {
    match mode {
        Mode::P => return indexed(bytes, format, name),
        Mode::Cmyk => {
            return Err(VisionError::Argument(format!(
                "{name}: the four inks of a CMYK image are not kept apart here: use convert(\"RGB\")"
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
    Ok(Pixels {
        array: array?,
        palette: Vec::new(),
    })
}

/// The colours of a file, whatever its mode.
pub(super) fn rgb(
    bytes: &[u8],
    format: Option<ImageFormat>,
    name: &str,
) -> Result<Image, VisionError> {
    let Some(format) = format else {
        unreachable!("only files have this mode")
    };
    let image: DynamicImage = decoded(bytes, decoder(bytes, format, name)?, format, name)?;
    Image::try_from(image)
}

/// Indices and palette.
fn indexed(bytes: &[u8], format: ImageFormat, name: &str) -> Result<Pixels, VisionError> {
    let broken = |error: &dyn std::fmt::Display| damaged(name, format, &error.to_string());
    let (width, height, indices, palette) = match format {
        ImageFormat::Png => of_png(bytes).map_err(|error| broken(&error))?,
        ImageFormat::Gif => of_gif(bytes).map_err(|error| broken(&error))?,
        _ => of_bmp(bytes).map_err(|error| broken(&error))?,
    };
    Ok(Pixels {
        array: Array::from_u8(&[height as usize, width as usize], indices)?,
        palette: palette
            .chunks_exact(3)
            .map(|colour| [colour[0], colour[1], colour[2]])
            .collect(),
    })
}

/// Width, height, an index for each pixel, and three bytes for each index.
type Indexed = (u32, u32, Vec<u8>, Vec<u8>);

fn of_png(bytes: &[u8]) -> Result<Indexed, png::DecodingError> {
    let limits = png::Limits {
        bytes: MAX_BYTES as usize,
    };
    let mut reader = png::Decoder::new_with_limits(Cursor::new(bytes), limits).read_info()?;
    let mut packed = vec![0; reader.output_buffer_size().unwrap_or_default()];
    let frame = reader.next_frame(&mut packed)?;
    let palette = reader.info().palette.as_deref().unwrap_or_default();
    let bits = frame.bit_depth as usize;
    let mask = 0xFF >> (8 - bits);
    let indices = packed
        .chunks_exact(frame.line_size)
        .take(frame.height as usize)
        .flat_map(|row| {
            (0..frame.width as usize).map(move |x| {
                let bit = x * bits;
                row[bit / 8] >> (8 - bits - bit % 8) & mask
            })
        })
        .collect();
    Ok((frame.width, frame.height, indices, palette.to_vec()))
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
    }
    Ok((width as u32, height as u32, canvas, palette))
}

fn of_bmp(bytes: &[u8]) -> Result<Indexed, image::ImageError> {
    let mut decoder = BmpDecoder::new(Cursor::new(bytes))?;
    decoder.set_indexed_color(true);
    let (width, height) = decoder.dimensions();
    let palette = decoder.get_palette().unwrap_or_default().concat();
    let mut indices = vec![0; decoder.total_bytes() as usize];
    decoder.read_image(&mut indices)?;
    Ok((width, height, indices, palette))
}
