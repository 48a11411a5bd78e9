//! Mirror images.

use super::buffer::{Buffer, Pixels};

/// Left becomes right.
pub(crate) fn horizontal(from: Pixels<'_>, to: &mut Buffer) {
    to.reshape(from.width, from.height);
    let stride = from.width * 3;
    let rows = from.bytes.chunks_exact(stride);
    for (source, target) in rows.zip(to.bytes.chunks_exact_mut(stride)) {
        mirror_row(source, target);
    }
}

/// Top becomes bottom.
pub(crate) fn vertical(from: Pixels<'_>, to: &mut Buffer) {
    to.reshape(from.width, from.height);
    let stride = from.width * 3;
    let rows = from.bytes.chunks_exact(stride).rev();
    for (source, target) in rows.zip(to.bytes.chunks_exact_mut(stride)) {
        target.copy_from_slice(source);
    }
}

fn mirror_row(source: &[u8], target: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return simd.vectorize(
            #[inline(always)]
            || mirror_groups(simd, source, target),
        );
    }
    mirror_pixels(source, target);
}

fn mirror_pixels(source: &[u8], target: &mut [u8]) {
    let sources = source.as_chunks::<3>().0.iter().rev();
    for (source, target) in sources.zip(target.as_chunks_mut::<3>().0) {
        *target = *source;
    }
}

/// Five pixels at a time. 16 bytes are read and written for 15: the odd one is overwritten by the next five.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn mirror_groups(simd: pulp::x86::V3, source: &[u8], target: &mut [u8]) {
    let order = pulp::cast::<[i8; 16], std::arch::x86_64::__m128i>([
        13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, -1,
    ]);
    let mut done = 0;
    // Each group needs one byte more than its own before it in the source and behind it in the target.
    while let Some(rest) = source.len().checked_sub(done + 16) {
        let (Some(from), Some(to)) = (
            source[rest..].first_chunk(),
            target[done..].first_chunk_mut(),
        ) else {
            break;
        };
        let pixels: &[u8; 16] = from;
        let to: &mut [u8; 16] = to;
        *to = pulp::cast(simd.ssse3._mm_shuffle_epi8(pulp::cast(*pixels), order));
        done += 15;
    }
    mirror_pixels(&source[..source.len() - done], &mut target[done..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_length_are_mirrored() {
        for pixels in 1..40 {
            let source: Vec<u8> = (0..pixels * 3).map(|byte| byte as u8).collect();
            let (mut fast, mut plain) = (vec![0; source.len()], vec![0; source.len()]);
            mirror_row(&source, &mut fast);
            mirror_pixels(&source, &mut plain);
            assert_eq!(fast, plain);
            mirror_row(&fast, &mut plain);
            assert_eq!(plain, source);
        }
    }
}
