//! Colours at places between pixels: the work of every warp.
//!
//! A row of the result is made in three passes. The warp says where each pixel comes from (`Places`); the
//! places become offsets and weights of four neighbours, in fixed point; the neighbours are fetched and mixed.
//! The first two passes are plain loops that vectorise, the third is where the time goes.

use super::buffer::{Buffer, Pixels};
use super::vectorised;

/// Where the pixels of one row come from, in pixels of the source: 0.0 is the middle of the first one.
pub(crate) struct Places {
    pub(crate) xs: Vec<f32>,
    pub(crate) ys: Vec<f32>,
}

/// Fractions of a pixel are counted in 128ths: the product of two fills 14 bits, and fits an i16.
const FRACTION_BITS: u32 = 7;
const ONE: i32 = 1 << FRACTION_BITS;
/// Added to a float below 2^22 it leaves the nearest whole number in the last bits.
const MAGIC: f32 = 12_582_912.0;

/// The largest side of a picture that can be warped, in pixels.
pub(crate) const LARGEST: u32 = (1 << (22 - FRACTION_BITS)) - 1;

/// Marks places whose neighbours are not all inside.
const OUTSIDE: u32 = u32::MAX;

/// A row's places in fixed point.
struct Taps {
    /// Where the upper left neighbour's bytes begin, or [`OUTSIDE`].
    offsets: Vec<u32>,
    /// Weights of the upper left and, in the high half, the upper right neighbour.
    upper: Vec<u32>,
    /// The same of the lower ones.
    lower: Vec<u32>,
}

/// Renders a picture of `width` x `height` pixels. `places` fills in where the pixels of row `y` come from;
/// what comes from outside has the colour `fill`, and bilinear borders fade into it.
pub(crate) fn warp(
    from: Pixels<'_>,
    (width, height): (usize, usize),
    bilinear: bool,
    fill: [u8; 3],
    places: impl Fn(usize, &mut Places),
    to: &mut Buffer,
) {
    to.reshape(width, height);
    let mut row_places = Places {
        xs: vec![0.0; width],
        ys: vec![0.0; width],
    };
    let mut taps = Taps {
        offsets: vec![0; width],
        upper: vec![0; width],
        lower: vec![0; width],
    };
    for (y, row) in to.bytes.chunks_exact_mut(width * 3).enumerate() {
        // Together, so that the places are found with the same vectors.
        if bilinear {
            vectorised(
                #[inline(always)]
                || {
                    places(y, &mut row_places);
                    find_taps(from, &row_places, &mut taps);
                },
            );
            mix_row(from, &row_places, &taps, fill, row);
        } else {
            vectorised(
                #[inline(always)]
                || {
                    places(y, &mut row_places);
                    nearest_offsets(from, &row_places, &mut taps.offsets);
                },
            );
            copy_row(from, &taps.offsets, fill, row);
        }
    }
}

/// The place in 128ths of a pixel.
#[inline(always)]
fn fixed(place: f32) -> i32 {
    // Places far outside stay outside. What is not a number becomes a large one.
    let place = (place * ONE as f32).clamp(-4_000_000.0, 4_000_000.0);
    ((place + MAGIC).to_bits() as i32).wrapping_sub(MAGIC.to_bits() as i32)
}

#[inline(always)]
fn find_taps(from: Pixels<'_>, places: &Places, taps: &mut Taps) {
    let (width, height) = (from.width as i32, from.height as i32);
    let stride = width * 3;
    let places = places.xs.iter().zip(&places.ys);
    let taps = taps
        .offsets
        .iter_mut()
        .zip(&mut taps.upper)
        .zip(&mut taps.lower);
    for ((&x, &y), ((offset, upper), lower)) in places.zip(taps) {
        let (x, y) = (fixed(x), fixed(y));
        let (left, top) = (x >> FRACTION_BITS, y >> FRACTION_BITS);
        let (right, down) = (x & (ONE - 1), y & (ONE - 1));
        let inside = (left >= 0) & (left < width - 1) & (top >= 0) & (top < height - 1);
        let place = top.wrapping_mul(stride).wrapping_add(left * 3) as u32;
        *offset = if inside { place } else { OUTSIDE };
        *upper = (((ONE - right) * (ONE - down)) | ((right * (ONE - down)) << 16)) as u32;
        *lower = (((ONE - right) * down) | ((right * down) << 16)) as u32;
    }
}

/// Offsets of the nearest pixels.
#[inline(always)]
fn nearest_offsets(from: Pixels<'_>, places: &Places, offsets: &mut [u32]) {
    let (width, height) = (from.width as i32, from.height as i32);
    for ((&x, &y), offset) in places.xs.iter().zip(&places.ys).zip(offsets) {
        // Ties go to the even pixel, as in PyTorch's grid_sample.
        let whole = |place: f32| {
            let place = place.clamp(-4_000_000.0, 4_000_000.0);
            ((place + MAGIC).to_bits() as i32).wrapping_sub(MAGIC.to_bits() as i32)
        };
        let (x, y) = (whole(x), whole(y));
        let inside = (x >= 0) & (x < width) & (y >= 0) & (y < height);
        let place = y.wrapping_mul(width).wrapping_add(x).wrapping_mul(3) as u32;
        *offset = if inside { place } else { OUTSIDE };
    }
}

fn copy_row(from: Pixels<'_>, offsets: &[u32], fill: [u8; 3], row: &mut [u8]) {
    for (&offset, pixel) in offsets.iter().zip(row.as_chunks_mut::<3>().0) {
        let start = offset as usize;
        *pixel = match from.bytes.get(start..).and_then(|rest| rest.first_chunk()) {
            Some(colour) => *colour,
            None => fill,
        };
    }
}

/// Mixes the four neighbours of every place of a row.
fn mix_row(from: Pixels<'_>, places: &Places, taps: &Taps, fill: [u8; 3], row: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return simd.vectorize(x86::MixRow {
            simd,
            from,
            places,
            taps,
            fill,
            row,
        });
    }
    for x in 0..taps.offsets.len() {
        let colour = mixed(from, taps, x).unwrap_or_else(|| mixed_at_border(from, places, fill, x));
        row[x * 3..x * 3 + 3].copy_from_slice(&colour);
    }
}

/// The colour of pixel `x` of the row, if all its neighbours are inside.
#[inline(always)]
fn mixed(from: Pixels<'_>, taps: &Taps, x: usize) -> Option<[u8; 3]> {
    let start = taps.offsets[x] as usize;
    let upper: &[u8; 6] = from.bytes.get(start..)?.first_chunk()?;
    let lower: &[u8; 6] = from.bytes.get(start + from.width * 3..)?.first_chunk()?;
    let weights = [taps.upper[x], taps.lower[x]].map(|pair| [pair & 0xFFFF, pair >> 16]);
    Some([0, 1, 2].map(|colour| {
        let of = |pixel: u8| u32::from(pixel);
        let sum = of(upper[colour]) * weights[0][0]
            + of(upper[colour + 3]) * weights[0][1]
            + of(lower[colour]) * weights[1][0]
            + of(lower[colour + 3]) * weights[1][1];
        ((sum + (1 << (2 * FRACTION_BITS - 1))) >> (2 * FRACTION_BITS)) as u8
    }))
}

/// The same where some neighbours may be outside: those have the colour `fill`.
#[inline(never)]
fn mixed_at_border(from: Pixels<'_>, places: &Places, fill: [u8; 3], x: usize) -> [u8; 3] {
    let (x, y) = (fixed(places.xs[x]), fixed(places.ys[x]));
    let (left, top) = (x >> FRACTION_BITS, y >> FRACTION_BITS);
    let (right, down) = (x & (ONE - 1), y & (ONE - 1));
    let (width, height) = (from.width as i32, from.height as i32);
    if left < -1 || top < -1 || left >= width || top >= height {
        return fill;
    }
    let pixel = |x: i32, y: i32| {
        if x < 0 || y < 0 || x >= width || y >= height {
            return fill;
        }
        let start = (y as usize * from.width + x as usize) * 3;
        [0, 1, 2].map(|colour| from.bytes[start + colour])
    };
    let neighbours = [
        (pixel(left, top), (ONE - right) * (ONE - down)),
        (pixel(left + 1, top), right * (ONE - down)),
        (pixel(left, top + 1), (ONE - right) * down),
        (pixel(left + 1, top + 1), right * down),
    ];
    [0, 1, 2].map(|colour| {
        let sum: i32 = neighbours
            .iter()
            .map(|(pixel, weight)| i32::from(pixel[colour]) * weight)
            .sum();
        ((sum + (1 << (2 * FRACTION_BITS - 1))) >> (2 * FRACTION_BITS)) as u8
    })
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! The third pass with the instructions of AVX2's machines; same numbers, three times as fast.

    use std::arch::x86_64::__m128i;

    use pulp::NullaryFnOnce;
    use pulp::x86::V3;

    use super::*;

    pub(super) struct MixRow<'a> {
        pub(super) simd: V3,
        pub(super) from: Pixels<'a>,
        pub(super) places: &'a Places,
        pub(super) taps: &'a Taps,
        pub(super) fill: [u8; 3],
        pub(super) row: &'a mut [u8],
    }

    impl NullaryFnOnce for MixRow<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let Self {
                simd,
                from,
                places,
                taps,
                fill,
                row,
            } = self;
            let (sse2, ssse3) = (simd.sse2, simd.ssse3);
            // Two neighbours `r g b r g b` to pairs of 16 bits, one pair a colour.
            let pairs: __m128i = pulp::cast::<[i8; 16], _>([
                0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,
            ]);
            // The low bytes of three sums of 32 bits.
            let low: __m128i = pulp::cast::<[i8; 16], _>([
                0, 4, 8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
            ]);
            let half = sse2._mm_set1_epi32(1 << (2 * FRACTION_BITS - 1));
            let load = |bytes: &[u8; 8]| -> __m128i { pulp::cast([u64::from_le_bytes(*bytes), 0]) };
            // From the upper left neighbour to two bytes behind the lower right one: one look at the limits.
            let reach = from.width * 3 + 8;
            let weights = taps.upper.iter().zip(&taps.lower);
            let taps_of_row = taps.offsets.iter().zip(weights);
            let pixels = row.as_chunks_mut::<3>().0.iter_mut().enumerate();
            for ((x, pixel), (&start, (&upper, &lower))) in pixels.zip(taps_of_row) {
                let start = start as usize;
                let reached = from.bytes.get(start..start + reach);
                let ends = reached.and_then(|near| near.first_chunk().zip(near.last_chunk()));
                let Some((above, below)) = ends else {
                    let colour = mixed(from, taps, x);
                    *pixel = colour.unwrap_or_else(|| mixed_at_border(from, places, fill, x));
                    continue;
                };
                let above = sse2._mm_madd_epi16(
                    ssse3._mm_shuffle_epi8(load(above), pairs),
                    sse2._mm_set1_epi32(upper as i32),
                );
                let below = sse2._mm_madd_epi16(
                    ssse3._mm_shuffle_epi8(load(below), pairs),
                    sse2._mm_set1_epi32(lower as i32),
                );
                let sum = sse2._mm_add_epi32(sse2._mm_add_epi32(above, below), half);
                let colour = sse2._mm_srai_epi32::<{ 2 * FRACTION_BITS as i32 }>(sum);
                let colour: [u8; 16] = pulp::cast(ssse3._mm_shuffle_epi8(colour, low));
                *pixel = [colour[0], colour[1], colour[2]];
            }
        }
    }
}
