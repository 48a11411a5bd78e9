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
