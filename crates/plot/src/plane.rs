//! [`Plane`]: the rectangle between the axes, and where a pair of values stands in it.

use crate::axis::Axis;
use crate::scene::{Point, Rect};

/// Two axes on paper.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    pub(crate) rect: Rect,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Whether the y axis runs downwards, as the rows of a matrix do.
    pub(crate) down: bool,
}

impl Plane {
    pub(crate) fn x(&self, value: f64) -> f64 {
        self.rect.left + bounded(self.x.part(value)) * self.rect.width()
    }

    pub(crate) fn y(&self, value: f64) -> f64 {
        let part = bounded(self.y.part(value));
        if self.down {
            self.rect.top + part * self.rect.height()
        } else {
            self.rect.bottom - part * self.rect.height()
        }
    }

    pub(crate) fn at(&self, (x, y): (f64, f64)) -> Point {
        (self.x(x), self.y(y))
    }

    /// A point moved to the edge of the plane if it lies outside.
    pub(crate) fn inside(&self, (x, y): Point) -> Point {
        let Rect {
            left,
            top,
            right,
            bottom,
        } = self.rect;
        (x.clamp(left, right), y.clamp(top, bottom))
    }

    /// The parts of a path that are inside of the plane.
    pub(crate) fn clip(&self, path: &[Point]) -> Vec<Vec<Point>> {
        let mut parts: Vec<Vec<Point>> = Vec::new();
        if let [point] = path {
            return self
                .rect
                .contains(*point)
                .then(|| vec![*point])
                .into_iter()
                .collect();
        }
        for pair in path.windows(2) {
            let Some((from, to)) = visible(pair[0], pair[1], &self.rect) else {
                continue;
            };
            match parts.last_mut() {
                Some(part) if part.last() == Some(&from) => part.push(to),
                _ => parts.push(vec![from, to]),
            }
        }
        parts
    }
}

/// Far outside is as good as farther outside, and can still be calculated with.
fn bounded(part: f64) -> f64 {
    part.clamp(-1e4, 1e4)
}

/// The part of the line from `a` to `b` that is inside of `rect` (Liang and Barsky 1984).
fn visible(a: Point, b: Point, rect: &Rect) -> Option<(Point, Point)> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut enter, mut leave) = (0f64, 1f64);
    for (towards, distance) in [
        (-dx, a.0 - rect.left),
        (dx, rect.right - a.0),
        (-dy, a.1 - rect.top),
        (dy, rect.bottom - a.1),
    ] {
        if towards == 0.0 && distance < 0.0 {
            return None;
        }
        if towards < 0.0 {
            enter = enter.max(distance / towards);
        } else if towards > 0.0 {
            leave = leave.min(distance / towards);
        }
    }
    let at = |part: f64| match part {
        0.0 => a,
        1.0 => b,
        _ => (a.0 + part * dx, a.1 + part * dy),
    };
    (enter <= leave).then(|| (at(enter), at(leave)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::{Extent, Fit};
    use proptest::prelude::*;

    fn plane() -> Plane {
        let unit = Some(Extent {
            low: 0.0,
            high: 1.0,
        });
        Plane {
            rect: Rect {
                left: 0.0,
                top: 0.0,
                right: 100.0,
                bottom: 50.0,
            },
            x: Axis::linear(unit, Fit::Exact, 5),
            y: Axis::linear(unit, Fit::Exact, 5),
            down: false,
        }
    }

    #[test]
    fn values_go_right_and_up() {
        assert_eq!(plane().at((0.0, 0.0)), (0.0, 50.0));
        assert_eq!(plane().at((1.0, 0.5)), (100.0, 25.0));
        let down = Plane {
            down: true,
            ..plane()
        };
        assert_eq!(down.at((0.0, 0.0)), (0.0, 0.0));
    }

    #[test]
    fn a_path_is_cut_where_it_leaves() {
        let parts = plane().clip(&[
            (-50.0, 25.0),
            (50.0, 25.0),
            (50.0, 100.0),
            (60.0, 100.0),
            (60.0, 10.0),
        ]);
        assert_eq!(
            parts,
            [
                vec![(0.0, 25.0), (50.0, 25.0), (50.0, 50.0)],
                vec![(60.0, 50.0), (60.0, 10.0)],
            ]
        );
        assert!(plane().clip(&[(-1.0, 0.0)]).is_empty());
        assert_eq!(plane().clip(&[(1.0, 1.0)]), [vec![(1.0, 1.0)]]);
    }

    proptest! {
        #[test]
        fn nothing_that_is_left_is_outside(path in prop::collection::vec((-300.0..300.0f64, -300.0..300.0f64), 0..20)) {
            for (x, y) in plane().clip(&path).into_iter().flatten() {
                prop_assert!((-1e-9..=100.0 + 1e-9).contains(&x) && (-1e-9..=50.0 + 1e-9).contains(&y));
            }
        }
    }
}
