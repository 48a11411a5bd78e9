//! A window over a picture that may reach beyond its sides: crops and pads alike.

use super::buffer::{Buffer, Pixels};

/// What is seen beyond the sides of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaddingMode {
    /// One colour, `[red, green, blue]` in 0-255.
    Constant([u8; 3]),
    /// The outermost pixels, repeated.
    Edge,
    /// The picture mirrored at its outermost pixels, which are not repeated: `c b | a b c | b a`.
    Reflect,
    /// The picture mirrored at its sides: `b a | a b c | c b`.
    Symmetric,
}

impl PaddingMode {
    /// The place in `0..length` that is seen at `place`; `None` for the constant colour.
    pub(crate) fn source(self, place: i64, length: i64) -> Option<i64> {
        if (0..length).contains(&place) {
            return Some(place);
        }
        match self {
            PaddingMode::Constant(_) => None,
            PaddingMode::Edge => Some(place.clamp(0, length - 1)),
            PaddingMode::Reflect if length == 1 => Some(0),
            PaddingMode::Reflect => Some(folded(place, 2 * length - 2, 0)),
            PaddingMode::Symmetric => Some(folded(place, 2 * length, 1)),
        }
    }

    fn colour(self) -> [u8; 3] {
        match self {
            PaddingMode::Constant(colour) => colour,
            _ => [0; 3],
        }
    }
}

/// `place` in a pattern that goes forth and back in `period` steps.
fn folded(place: i64, period: i64, repeated: i64) -> i64 {
    let place = place.rem_euclid(period);
    place.min(period - repeated - place)
}

/// The part of `from` whose top left corner is at (`left`, `top`), which may be negative.
pub(crate) fn cut(
    from: Pixels<'_>,
    (left, top): (i64, i64),
    (width, height): (usize, usize),
    beyond: PaddingMode,
    to: &mut Buffer,
) {
    to.reshape(width, height);
    // The columns that need no look beyond: first..last of the window.
    let first = (-left).clamp(0, width as i64) as usize;
    let last = (from.width as i64 - left).clamp(first as i64, width as i64) as usize;
    let colour = beyond.colour();
    for (y, row) in to.bytes.chunks_exact_mut(width * 3).enumerate() {
        let row = row.as_chunks_mut::<3>().0;
        let Some(source) = beyond.source(top + y as i64, from.height as i64) else {
            row.fill(colour);
            continue;
        };
        let source = from.row(source as usize).as_chunks::<3>().0;
        if first < last {
            let start = (left + first as i64) as usize;
            row[first..last].copy_from_slice(&source[start..start + last - first]);
        }
        for x in (0..first).chain(last..width) {
            let place = beyond.source(left + x as i64, from.width as i64);
            row[x] = place.map_or(colour, |place| source[place as usize]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_beyond_the_sides_are_those_of_numpy() {
        // numpy.pad([0, 1, 2], 5, mode)
        let seen = |mode: PaddingMode| (-5..8).map(|x| mode.source(x, 3)).collect::<Vec<_>>();
        let some = |places: [i64; 13]| places.map(Some).to_vec();
        assert_eq!(
            seen(PaddingMode::Edge),
            some([0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2])
        );
        assert_eq!(
            seen(PaddingMode::Reflect),
            some([1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1])
        );
        assert_eq!(
            seen(PaddingMode::Symmetric),
            some([1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1])
        );
        assert_eq!(PaddingMode::Reflect.source(-4, 1), Some(0));
        assert_eq!(PaddingMode::Constant([0; 3]).source(3, 3), None);
    }
}
