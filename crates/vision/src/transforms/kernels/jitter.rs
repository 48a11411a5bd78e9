//! Brightness, contrast, saturation and hue, all in one pass over the pixels.
//!
//! The arithmetic, order of roundings included, is that of torchvision's 8-bit tensors: every adjustment ends
//! in 0-255 and drops its fraction. Hue needs no division here: instead of the hue in sixths of a turn, its
//! product with the chroma is turned, which is a difference of two colours.

use super::buffer::Buffer;
use super::planes::{BLOCK, Planes, join, split};
use super::{larger, smaller, to_range, vectorised, whole_to_byte};

/// One adjustment; 1.0 leaves the picture as it is, for hue 0.0 does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Adjust {
    /// All colours times this factor.
    Brightness(f64),
    /// The distance from the mean grey of the picture times this factor.
    Contrast(f64),
    /// The distance from the pixel's own grey times this factor; 0.0 is a grey picture.
    Saturation(f64),
    /// The hue further by this part of a full turn, -0.5 to 0.5.
    Hue(f64),
}

/// The same with what has to be known of the whole picture.
#[derive(Clone, Copy)]
enum Known {
    Brightness(f32),
    Contrast { factor: f32, shift: f32 },
    Saturation(f32),
    Hue(f32),
}

/// Adjusts the picture in this order.
pub(crate) fn adjust(image: &mut Buffer, adjustments: &[Adjust]) {
    let mut known = Vec::with_capacity(adjustments.len());
    for adjustment in adjustments {
        known.push(match *adjustment {
            Adjust::Brightness(factor) => Known::Brightness(factor as f32),
            Adjust::Saturation(factor) => Known::Saturation(factor as f32),
            Adjust::Hue(turn) => Known::Hue(turn as f32),
            Adjust::Contrast(factor) => {
                let mean = vectorised(
                    #[inline(always)]
                    || mean_grey(&image.bytes, &known),
                );
                let shift = (mean * (1.0 - factor)) as f32;
                let factor = factor as f32;
                Known::Contrast { factor, shift }
            }
        });
    }
    vectorised(
        #[inline(always)]
        || {
            let mut bytes = [[0; BLOCK]; 3];
            let mut block = [[0.0; BLOCK]; 3];
            for pixels in image.bytes.chunks_mut(BLOCK * 3) {
                load(pixels, &mut bytes, &mut block, &known);
                for (bytes, values) in bytes.iter_mut().zip(&block) {
                    for (byte, value) in bytes.iter_mut().zip(values) {
                        *byte = whole_to_byte(*value);
                    }
                }
                join(&bytes, pixels);
            }
        },
    );
}

/// The mean grey of the picture after these adjustments.
#[inline(always)]
fn mean_grey(bytes: &[u8], known: &[Known]) -> f64 {
    let mut planes = [[0; BLOCK]; 3];
    let mut block = [[0.0; BLOCK]; 3];
    let mut sum = 0u64;
    for pixels in bytes.chunks(BLOCK * 3) {
        load(pixels, &mut planes, &mut block, known);
        let [reds, greens, blues] = &block;
        let colours = reds.iter().zip(greens).zip(blues).take(pixels.len() / 3);
        // Whole numbers below 2^16: the sum is exact in any order.
        let greys = colours.map(|((&r, &g), &b)| u32::from(whole_to_byte(grey(r, g, b))));
        sum += u64::from(greys.sum::<u32>());
    }
    sum as f64 / (bytes.len() / 3) as f64
}

/// Loads up to a block of pixels and adjusts them.
#[inline(always)]
fn load(pixels: &[u8], bytes: &mut Planes<u8>, block: &mut Planes<f32>, known: &[Known]) {
    split(pixels, bytes);
    for (values, bytes) in block.iter_mut().zip(bytes) {
        for (value, byte) in values.iter_mut().zip(bytes) {
            *value = f32::from(*byte);
        }
    }
    for adjustment in known {
        match *adjustment {
            Known::Brightness(factor) => scale(block, factor, 0.0),
            Known::Contrast { factor, shift } => scale(block, factor, shift),
            Known::Saturation(factor) => saturate(block, factor),
            Known::Hue(turn) => turn_hue(block, turn),
        }
    }
}

#[inline(always)]
fn scale(block: &mut Planes<f32>, factor: f32, shift: f32) {
    for values in block {
        for value in values {
            *value = to_range(*value * factor + shift);
        }
    }
}

#[inline(always)]
fn saturate(block: &mut Planes<f32>, factor: f32) {
    let [reds, greens, blues] = block;
    for ((r, g), b) in reds.iter_mut().zip(greens).zip(blues) {
        let shift = grey(*r, *g, *b) * (1.0 - factor);
        *r = to_range(*r * factor + shift);
        *g = to_range(*g * factor + shift);
        *b = to_range(*b * factor + shift);
    }
}

/// With `max` the largest colour, `min` the smallest and the chroma `c = max - min`, a colour is
/// `max - clamp(min(k, 4c - k), 0, c)`, where `k = (n c + hue) mod 6c`, `n` is 5 for red, 3 for green and 1 for
/// blue, and `hue` runs from 0 to 6c (Wikipedia, "HSL and HSV", alternative formula, times c).
#[inline(always)]
fn turn_hue(block: &mut Planes<f32>, turn: f32) {
    // As torchvision goes from 0-1 back to 0-255.
    const BACK: f32 = 255.999 / 255.0;
    let turn = turn * 6.0;
    let [reds, greens, blues] = block;
    for ((red, green), blue) in reds.iter_mut().zip(greens).zip(blues) {
        let (r, g, b) = (*red, *green, *blue);
        let max = larger(larger(r, g), b);
        let c = max - smaller(smaller(r, g), b);
        let from_green = if max == g {
            2.0 * c + (b - r)
        } else {
            4.0 * c + (r - g)
        };
        let hue = if max == r { g - b } else { from_green } + turn * c;
        let round = 6.0 * c;
        let hue = if hue < 0.0 { hue + round } else { hue };
        let colour = |n: f32| {
            let k = hue + n * c;
            let k = if k >= round { k - round } else { k };
            let k = if k >= round { k - round } else { k };
            let less = smaller(k, 4.0 * c - k);
            ((max - smaller(larger(less, 0.0), c)) * BACK).floor()
        };
        (*red, *green, *blue) = (colour(5.0), colour(3.0), colour(1.0));
    }
}

/// The grey of torchvision, without its fraction.
#[inline(always)]
fn grey(r: f32, g: f32, b: f32) -> f32 {
    (r * 0.2989 + g * 0.587 + b * 0.114).floor()
}
