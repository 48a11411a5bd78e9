//! 8-bit pixels to the floats of a network: planes of `value * scale + shift`.

use super::buffer::Pixels;
use super::planes::{BLOCK, split};
use super::vectorised;

/// Writes the picture channel by channel: all reds, all greens, all blues, each row after row.
///
/// `out` holds `3 * width * height` floats.
pub(crate) fn to_planes(from: Pixels<'_>, scale: [f32; 3], shift: [f32; 3], out: &mut [f32]) {
    let plane = from.width * from.height;
    let (reds, rest) = out.split_at_mut(plane);
    let (greens, blues) = rest.split_at_mut(plane);
    vectorised(
        #[inline(always)]
        || {
            let mut block = [[0; BLOCK]; 3];
            let out = reds
                .chunks_mut(BLOCK)
                .zip(greens.chunks_mut(BLOCK))
                .zip(blues.chunks_mut(BLOCK));
            for (pixels, ((reds, greens), blues)) in from.bytes.chunks(BLOCK * 3).zip(out) {
                split(pixels, &mut block);
                for (channel, out) in [reds, greens, blues].into_iter().enumerate() {
                    for (value, out) in block[channel].iter().zip(out) {
                        *out = f32::from(*value) * scale[channel] + shift[channel];
                    }
                }
            }
        },
    );
}
