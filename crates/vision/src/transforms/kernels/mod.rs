//! The work on pixels, apart from what is drawn.
//!
//! - `buffer`: pixels on their way through a pipeline, and the memory that is used again
//! - `planes`: interleaved colours to planes and back
//! - `flip`, `window`, `resize`, `sample`: pixels that move
//! - `jitter`, `tone`, `blur`, `noise`: pixels that change
//! - `float`: 8-bit pixels to the floats of a network
//!
//! Loops are written so that the compiler turns them into vector instructions, and are compiled twice: for
//! any processor, and for those with AVX2 ([`vectorised`]). Both do the same arithmetic in the same order and
//! give the same bits.

pub(crate) mod blur;
pub(crate) mod buffer;
pub(crate) mod flip;
pub(crate) mod float;
pub(crate) mod jitter;
pub(crate) mod noise;
pub(crate) mod planes;
pub(crate) mod resize;
pub(crate) mod sample;
pub(crate) mod tone;
pub(crate) mod window;

/// Runs `work`, compiled for the widest vectors that this processor has.
#[inline(always)]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// The value without its fraction, in 0-255.
#[inline(always)]
pub(crate) fn to_range(value: f32) -> f32 {
    smaller(larger(value, 0.0), 255.0).floor()
}

/// `f32::max` and `min` treat NaN, which takes three instructions and not one.
#[inline(always)]
pub(crate) fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The counterpart of [`larger`].
#[inline(always)]
pub(crate) fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// A whole number in 0-255 as a byte: added to 1.5 * 2^23 it stands in the last bits.
#[inline(always)]
pub(crate) fn whole_to_byte(value: f32) -> u8 {
    (value + 12_582_912.0).to_bits() as u8
}

/// Weighted sums of pixels are kept in 16 bits, this many of them behind the point.
pub(crate) const SHARE_BITS: u32 = 7;

/// A weight, 0-1, in 65536ths.
pub(crate) fn fraction(weight: f64) -> u16 {
    // A float becomes the nearest whole number that fits: 1.0 becomes 65535.
    (weight * 65536.0).round() as u16
}

/// The share of a value that a weight gives: the upper half of a product of 32 bits, which is one instruction.
#[inline(always)]
pub(crate) fn share(value: u16, weight: u16) -> u16 {
    ((u32::from(value) * u32::from(weight)) >> 16) as u16
}
