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
    let sources = source.as_chunks::<3>().0.iter().rev();
    for (source, target) in sources.zip(target.as_chunks_mut::<3>().0) {
        *target = *source;
    }
}
