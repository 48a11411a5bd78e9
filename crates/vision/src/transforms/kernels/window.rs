//! A window over a picture that may reach beyond its sides: crops and pads alike.

use super::buffer::{Buffer, Pixels};
use crate::Padding;
use crate::ops::border;

/// The place in `0..length` that is seen at `place`; `None` for the constant colour.
pub(crate) fn seen(beyond: Padding, place: i64, length: usize) -> Option<usize> {
    let length = length as u32;
    match beyond {
        Padding::Constant(_) => (0..i64::from(length))
            .contains(&place)
            .then_some(place as usize),
        Padding::Edge => Some(border::replicate(place, length)),
        Padding::Reflect => Some(border::reflect(place, length)),
        Padding::Symmetric => Some(border::symmetric(place, length)),
    }
}

/// The part of `from` whose top left corner is at (`left`, `top`), which may be negative.
pub(crate) fn cut(
    from: Pixels<'_>,
    (left, top): (i64, i64),
    (width, height): (usize, usize),
    beyond: Padding,
    to: &mut Buffer,
) {
    to.reshape(width, height);
    // The columns that need no look beyond: first..last of the window.
    let first = (-left).clamp(0, width as i64) as usize;
    let last = (from.width as i64 - left).clamp(first as i64, width as i64) as usize;
    let colour = match beyond {
        Padding::Constant(colour) => colour,
        _ => [0; 3],
    };
    for (y, row) in to.bytes.chunks_exact_mut(width * 3).enumerate() {
        let row = row.as_chunks_mut::<3>().0;
        let Some(source) = seen(beyond, top + y as i64, from.height) else {
            row.fill(colour);
            continue;
        };
        let source = from.row(source).as_chunks::<3>().0;
        if first < last {
            let start = (left + first as i64) as usize;
            row[first..last].copy_from_slice(&source[start..start + last - first]);
        }
        for x in (0..first).chain(last..width) {
            let place = seen(beyond, left + x as i64, from.width);
            row[x] = place.map_or(colour, |place| source[place]);
        }
    }
}
