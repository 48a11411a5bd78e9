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
///
/// The source is read from its front, as processors expect it and fetch ahead: the other way round takes five times
/// as long.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn mirror_groups(simd: pulp::x86::V3, source: &[u8], target: &mut [u8]) {
    let order = pulp::cast::<[i8; 16], std::arch::x86_64::__m128i>([
        -1, 12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2,
    ]);
    let mut done = 0;
    while let Some(left) = target.len().checked_sub(done) {
        let groups = source[done..]
            .first_chunk()
            .zip(target[..left].last_chunk_mut());
        let Some((from, to)) = groups else {
            break;
        };
        let (from, to): (&[u8; 16], &mut [u8; 16]) = (from, to);
        *to = pulp::cast(simd.ssse3._mm_shuffle_epi8(pulp::cast(*from), order));
        done += 15;
    }
    let left = target.len() - done;
    mirror_pixels(&source[done..], &mut target[..left]);
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
