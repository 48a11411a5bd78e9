//! [`Scene`]: a chart as a list of simple shapes in CSS pixels, before it becomes SVG.
//!
//! Between "what is drawn where" (`layout`, `marks`) and "how it is written down" (`svg`) stands this list.
//! Colours are roles ("ink", "third series"), so that one scene serves light and dark pages.

use plotters::style::RGBColor;

/// A place in CSS pixels, from the top left corner.
pub(crate) type Point = (f64, f64);

/// A rectangle in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rect {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl Rect {
    pub(crate) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(crate) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    pub(crate) fn centre(&self) -> Point {
        (
            (self.left + self.right) / 2.0,
            (self.top + self.bottom) / 2.0,
        )
    }

    pub(crate) fn contains(&self, (x, y): Point) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    pub(crate) fn moved(self, (x, y): Point) -> Self {
        Self {
            left: self.left + x,
            top: self.top + y,
            right: self.right + x,
            bottom: self.bottom + y,
        }
    }
}

/// A colour: one that follows the theme, or one that means a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Paint {
    /// The card that the chart stands on.
    Paper,
    /// Titles and names.
    Ink,
    /// Numbers beside an axis, notes.
    Faint,
    /// The axes themselves.
    Axis,
    /// The lines between ticks.
    Grid,
    /// The n-th colour of the palette, which starts again at its end.
    Series(usize),
    /// The same in light and dark, as the colours of a heat map are.
    Fixed(RGBColor),
}

/// Which part of a text stands at its place; vertically that is always the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Words at a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Words {
    pub(crate) text: String,
    pub(crate) at: Point,
    /// The font size in CSS pixels.
    pub(crate) size: f64,
    pub(crate) paint: Paint,
    pub(crate) anchor: Anchor,
    pub(crate) bold: bool,
    /// Read from bottom to top; the anchor is then along that direction.
    pub(crate) upright: bool,
}

/// One thing on paper. Opacities run from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Line {
        path: Vec<Point>,
        width: f64,
        dashed: bool,
        paint: Paint,
        opacity: f64,
    },
    Area {
        outline: Vec<Point>,
        paint: Paint,
        opacity: f64,
    },
    Block {
        rect: Rect,
        paint: Paint,
        opacity: f64,
    },
    Dot {
        at: Point,
        radius: f64,
        paint: Paint,
        opacity: f64,
    },
    Words(Words),
    /// A PNG; `crisp` keeps its pixels squares when it is enlarged.
    Picture {
        rect: Rect,
        png: Vec<u8>,
        crisp: bool,
    },
}

/// Everything on one card.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) items: Vec<Item>,
}

impl Scene {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            items: Vec::new(),
        }
    }

    pub(crate) fn line(&mut self, path: Vec<Point>, width: f64, paint: Paint) {
        self.items.push(Item::Line {
            path,
            width,
            dashed: false,
            paint,
            opacity: 1.0,
        });
    }

    pub(crate) fn block(&mut self, rect: Rect, paint: Paint, opacity: f64) {
        self.items.push(Item::Block {
            rect,
            paint,
            opacity,
        });
    }

    pub(crate) fn dot(&mut self, at: Point, radius: f64, paint: Paint, opacity: f64) {
        self.items.push(Item::Dot {
            at,
            radius,
            paint,
            opacity,
        });
    }

    /// Writes `text`, `size` CSS pixels large, with its middle line at `at`.
    pub(crate) fn write(
        &mut self,
        text: impl Into<String>,
        at: Point,
        size: f64,
        paint: Paint,
        anchor: Anchor,
    ) -> &mut Words {
        self.items.push(Item::Words(Words {
            text: text.into(),
            at,
            size,
            paint,
            anchor,
            bold: false,
            upright: false,
        }));
        match self.items.last_mut() {
            Some(Item::Words(words)) => words,
            _ => unreachable!("words have just been added"),
        }
    }

    /// Adds all of `other`, moved by `by`.
    pub(crate) fn place(&mut self, other: Scene, by: Point) {
        self.items
            .extend(other.items.into_iter().map(|item| item.moved(by)));
    }

    /// The names that a chart is made of, for tests.
    #[cfg(test)]
    pub(crate) fn words(&self) -> impl Iterator<Item = &Words> {
        self.items.iter().filter_map(|item| match item {
            Item::Words(words) => Some(words),
            _ => None,
        })
    }
}

impl Item {
    fn moved(mut self, by: Point) -> Self {
        let shift = |point: &mut Point| *point = (point.0 + by.0, point.1 + by.1);
        match &mut self {
            Self::Line { path, .. } | Self::Area { outline: path, .. } => {
                path.iter_mut().for_each(shift);
            }
            Self::Block { rect, .. } | Self::Picture { rect, .. } => *rect = rect.moved(by),
            Self::Dot { at, .. } => shift(at),
            Self::Words(words) => shift(&mut words.at),
        }
        self
    }
}
