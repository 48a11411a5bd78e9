//! Interleaved colours to planes and back: `r g b r g b ..` to `r r ..`, `g g ..`, `b b ..`.

/// Pixels that are treated together: their planes stay in the nearest cache.
pub(crate) const BLOCK: usize = 256;

/// Planes of one block.
pub(crate) type Planes<T> = [[T; BLOCK]; 3];

/// Splits up to [`BLOCK`] pixels into planes; what lies behind them in the planes is left as it is.
#[inline(always)]
pub(crate) fn split(pixels: &[u8], planes: &mut Planes<u8>) {
    let [reds, greens, blues] = planes;
    let colours = reds.iter_mut().zip(greens).zip(blues);
    for (pixel, ((r, g), b)) in pixels.as_chunks::<3>().0.iter().zip(colours) {
        [*r, *g, *b] = *pixel;
    }
}

/// Joins planes to pixels.
#[inline(always)]
pub(crate) fn join(planes: &Planes<u8>, pixels: &mut [u8]) {
    let [reds, greens, blues] = planes;
    let colours = reds.iter().zip(greens).zip(blues);
    for (pixel, ((r, g), b)) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(colours) {
        *pixel = [*r, *g, *b];
    }
}
