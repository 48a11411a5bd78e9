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
    #[cfg(test)]
    if plain::is_asked_for() {
        return pulp::Arch::Scalar.dispatch(work);
    }
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

/// Weights, 0 or more, as whole numbers that add up to `total` exactly, so that one colour stays that colour: what
/// is rounded are their running sums, and no error adds up.
pub(crate) fn whole_weights(weights: &[f64], total: u32) -> Vec<u32> {
    let sum: f64 = weights.iter().sum();
    let (mut so_far, mut given) = (0.0, 0);
    let whole = weights.iter().map(|weight| {
        so_far += weight;
        let wanted = (so_far / sum * f64::from(total)).round() as u32;
        let weight = wanted.saturating_sub(given);
        given += weight;
        weight
    });
    whole.collect()
}

/// The share of a value that a weight gives: the upper half of a product of 32 bits, which is one instruction.
#[inline(always)]
pub(crate) fn share(value: u16, weight: u16) -> u16 {
    ((u32::from(value) * u32::from(weight)) >> 16) as u16
}

/// Tests can ask for what runs on any processor.
#[cfg(test)]
pub(crate) mod plain {
    use std::cell::Cell;

    thread_local! {
        static ASKED_FOR: Cell<bool> = const { Cell::new(false) };
    }

    pub(crate) fn is_asked_for() -> bool {
        ASKED_FOR.get()
    }

    /// Runs `work`, and what it calls on this thread, without the vectors of this processor.
    pub(crate) fn without_vectors<R>(work: impl FnOnce() -> R) -> R {
        ASKED_FOR.set(true);
        let result = work();
        ASKED_FOR.set(false);
        result
    }
}
