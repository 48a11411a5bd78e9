//! Scaling, by the crate fast_image_resize but for the most frequent case, bilinear shrinking, of which one half is
//! done here.

use std::cell::RefCell;

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::buffer::{Buffer, Pixels};
use super::{SHARE_BITS, fraction, share, vectorised, whole_weights};
use crate::{Interpolation, VisionError};

/// How the crate calls it.
fn algorithm(interpolation: Interpolation, antialias: bool) -> ResizeAlg {
    let filter = match interpolation {
        Interpolation::Nearest => return ResizeAlg::Nearest,
        Interpolation::Area => FilterType::Box,
        Interpolation::Bilinear => FilterType::Bilinear,
        Interpolation::Bicubic => FilterType::CatmullRom,
        Interpolation::Lanczos => FilterType::Lanczos3,
    };
    if antialias {
        ResizeAlg::Convolution(filter)
    } else {
        ResizeAlg::Interpolation(filter)
    }
}

/// Scales the part of `from` at (`x`, `y`) of `width` x `height` pixels to fill `to`, whose shape is set.
///
/// # Errors
/// When the part reaches beyond `from`.
pub(crate) fn scale(
    from: Pixels<'_>,
    part: [usize; 4],
    interpolation: Interpolation,
    antialias: bool,
    to: &mut Buffer,
) -> Result<(), VisionError> {
    let options = ResizeOptions::new()
        .resize_alg(algorithm(interpolation, antialias))
        .use_alpha(false);
    let [_, _, width, height] = part;
    if to.height >= height || interpolation != Interpolation::Bilinear || !antialias {
        return pass(from, part, &options, to);
    }
    if width == to.width {
        shrink_down(from, part, to);
        return Ok(());
    }
    // The crate scales across first. Shrinking down first leaves fewer rows for it.
    let mut middle = Buffer::reused();
    middle.reshape(width, to.height);
    shrink_down(from, part, &mut middle);
    let whole = [0, 0, width, to.height];
    pass(middle.pixels(), whole, &options, to)?;
    middle.retire();
    Ok(())
}

/// Rows in one from which on sums are kept in 32 bits: what 16 bits lose with each row adds up.
const MANY_ROWS: f64 = 16.0;

/// Behind the point of a sum in 32 bits: 255 and one half still fit.
const SUM_BITS: u32 = 24;

/// Shrinks the part downwards only, with the weights of Pillow's bilinear filter: a triangle as wide as the rows
/// that fall into one, and as many to both sides.
fn shrink_down(from: Pixels<'_>, [x, y, width, height]: [usize; 4], to: &mut Buffer) {
    let step = height as f64 / to.height as f64;
    let mut sums = vec![0u16; width * 3];
    let mut long_sums = vec![0u32; if step > MANY_ROWS { width * 3 } else { 0 }];
    let mut weights = Vec::new();
    for (index, out) in to.bytes.chunks_exact_mut(width * 3).enumerate() {
        let middle = (index as f64 + 0.5) * step;
        let first = (middle - step + 0.5).max(0.0) as usize;
        let last = ((middle + step + 0.5) as usize).min(height);
        weights.clear();
        weights.extend((first..last).map(|row| 1.0 - ((row as f64 + 0.5 - middle) / step).abs()));
        let rows = (y + first..y + last).map(|row| &from.row(row)[x * 3..(x + width) * 3]);
        if step > MANY_ROWS {
            add_many(rows, &weights, &mut long_sums, out);
        } else {
            add_few(rows, &weights, &mut sums, out);
        }
    }
}

/// The weighted mean of a few rows, in 16 bits.
fn add_few<'a>(
    rows: impl Iterator<Item = &'a [u8]>,
    weights: &[f64],
    sums: &mut [u16],
    out: &mut [u8],
) {
    let sum: f64 = weights.iter().sum();
    sums.fill(0);
    for (row, weight) in rows.zip(weights) {
        vectorised(
            #[inline(always)]
            || add_share(row, fraction(weight / sum), sums),
        );
    }
    // Every share has lost half a unit on average.
    let half = (1 << (SHARE_BITS - 1)) + weights.len() as u16 / 2;
    vectorised(
        #[inline(always)]
        || {
            for (out, sum) in out.iter_mut().zip(&*sums) {
                *out = ((*sum + half) >> SHARE_BITS).min(255) as u8;
            }
        },
    );
}

/// The weighted mean of many rows, in 32 bits, of which nothing is lost.
fn add_many<'a>(
    rows: impl Iterator<Item = &'a [u8]>,
    weights: &[f64],
    sums: &mut [u32],
    out: &mut [u8],
) {
    sums.fill(1 << (SUM_BITS - 1));
    for (row, weight) in rows.zip(whole_weights(weights, 1 << SUM_BITS)) {
        vectorised(
            #[inline(always)]
            || {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += u32::from(*value) * weight;
                }
            },
        );
    }
    vectorised(
        #[inline(always)]
        || {
            for (out, sum) in out.iter_mut().zip(&*sums) {
                *out = (*sum >> SUM_BITS) as u8;
            }
        },
    );
}

#[inline(always)]
fn add_share(row: &[u8], weight: u16, sums: &mut [u16]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += share(u16::from(*value) << SHARE_BITS, weight);
    }
}

fn pass(
    from: Pixels<'_>,
    part: [usize; 4],
    options: &ResizeOptions,
    to: &mut Buffer,
) -> Result<(), VisionError> {
    let source =
        TypedImageRef::<U8x3>::from_buffer(from.width as u32, from.height as u32, from.bytes)
            .map_err(refused)?;
    // A view and not the option `crop`, with which the pixels around the part have a say in its borders.
    let [x, y, width, height] = part.map(|side| side as u32);
    let source = TypedCroppedImage::from_ref(&source, x, y, width, height).map_err(refused)?;
    let mut target =
        TypedImage::<U8x3>::from_buffer(to.width as u32, to.height as u32, &mut to.bytes)
            .map_err(refused)?;
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize_typed(&source, &mut target, options))
        .map_err(refused)
}

fn refused(error: impl std::fmt::Display) -> VisionError {
    VisionError::Size(format!("cannot resize: {error}"))
}

thread_local! {
    /// Keeps the memory for the picture between its two passes.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}
