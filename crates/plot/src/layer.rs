//! What stands on the axes of a chart: lines, dots, bars, boxes, matrices.

use std::fmt;

use crate::axis::{Extent, brief};
use crate::colour::ColourMap;
use crate::stats::Spread;

/// Data that belong together, and how they are drawn.
#[derive(Clone)]
pub(crate) struct Series {
    /// Empty if it needs no entry in the legend.
    pub(crate) name: String,
    pub(crate) marks: Marks,
    /// The colour of the palette.
    pub(crate) colour: usize,
    pub(crate) dashed: bool,
    pub(crate) faint: bool,
}

/// The shapes of a series.
#[derive(Clone)]
pub(crate) enum Marks {
    Line(Vec<(f64, f64)>),
    Dots(Vec<(f64, f64)>),
    /// The area between two lines: x, low, high.
    Band(Vec<(f64, f64, f64)>),
    /// Category and length.
    Bars(Vec<(usize, f64)>),
    /// Values yet to be counted.
    Histogram(Vec<f64>),
    /// Category and distribution.
    Boxes(Vec<(usize, Spread)>),
    Heat(Matrix),
    /// A line across the chart, at a value of the x axis or of the y axis.
    VerticalRule(f64),
    HorizontalRule(f64),
    /// A point worth pointing at.
    Note((f64, f64), String),
}

/// Numbers in rows and columns, the first row on top.
#[derive(Clone)]
pub(crate) struct Matrix {
    pub(crate) columns: usize,
    pub(crate) values: Vec<f64>,
    /// What decides about the colours, where that is something else than the values.
    pub(crate) shades: Option<Vec<f64>>,
    pub(crate) map: ColourMap,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    /// Whether the values are written into their cells; `None` if there is room.
    pub(crate) written: Option<bool>,
    pub(crate) percent: bool,
    /// Whether cells are squares.
    pub(crate) square: bool,
    /// Whether the colours are explained beside the matrix.
    pub(crate) key: bool,
    /// Whether zeros are written more faintly than other numbers.
    pub(crate) quiet_zeros: bool,
    /// Row and column of the cell with a frame around it.
    pub(crate) framed: Option<(usize, usize)>,
}

impl Matrix {
    /// Rows of numbers; shorter rows are filled with NaN, which is drawn as a gap.
    pub(crate) fn new(rows: Vec<Vec<f64>>) -> Self {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let filled = |mut row: Vec<f64>| {
            row.resize(columns, f64::NAN);
            row
        };
        Self {
            columns,
            values: rows.into_iter().flat_map(filled).collect(),
            shades: None,
            map: ColourMap::Viridis,
            low: None,
            high: None,
            written: None,
            percent: false,
            square: false,
            key: true,
            quiet_zeros: false,
            framed: None,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }

    /// The values that stand for the ends of the colour map.
    pub(crate) fn extent(&self) -> Option<Extent> {
        let shades = self.shades.as_ref().unwrap_or(&self.values);
        let fixed = || {
            Some(Extent {
                low: self.low?,
                high: self.high?,
            })
        };
        let finite = shades.iter().copied().filter(|v| v.is_finite());
        let found = Extent::of(finite).or_else(fixed)?;
        let (mut low, mut high) = (
            self.low.unwrap_or(found.low),
            self.high.unwrap_or(found.high),
        );
        // A map with two directions has its middle at zero.
        if self.map.is_diverging() && low < 0.0 && high > 0.0 {
            let reach = high.max(-low);
            if self.low.is_none() && self.high.is_none() {
                (low, high) = (-reach, reach);
            }
        }
        Some(Extent { low, high })
    }

    /// How far a cell is along the colour map, 0-1; `None` for a gap.
    pub(crate) fn shade(&self, index: usize, extent: Extent) -> Option<f64> {
        let value = self.shades.as_ref().unwrap_or(&self.values)[index];
        let span = extent.high - extent.low;
        let part = if span > 0.0 {
            (value - extent.low) / span
        } else {
            0.5
        };
        value.is_finite().then(|| part.clamp(0.0, 1.0))
    }
}

impl Series {
    /// Whether it has a colour of its own, and so moves the next series to the next one.
    pub(crate) fn takes_a_colour(&self) -> bool {
        !matches!(
            self.marks,
            Marks::Heat(_) | Marks::VerticalRule(_) | Marks::HorizontalRule(_) | Marks::Note(..)
        )
    }

    /// What it is, in words; `categories` are the names along the axis.
    pub(crate) fn summary(&self, categories: &[String]) -> String {
        let points = |count: usize| format!(" of {count} points");
        let (what, more) = match &self.marks {
            Marks::Line(line) => ("line", points(line.len())),
            Marks::Dots(dots) => ("dots", points(dots.len())),
            Marks::Band(band) => ("band", points(band.len())),
            Marks::Bars(bars) => ("bars", listed(bars, categories, |v| brief(*v))),
            Marks::Histogram(values) => ("histogram", format!(" of {} values", values.len())),
            Marks::Boxes(boxes) => (
                "boxes",
                listed(boxes, categories, |s| format!("median {}", brief(s.median))),
            ),
            Marks::Heat(matrix) => (
                "matrix",
                format!(" of {} x {} cells", matrix.rows(), matrix.columns),
            ),
            Marks::VerticalRule(x) => ("vertical line", format!(" at {}", brief(*x))),
            Marks::HorizontalRule(y) => ("horizontal line", format!(" at {}", brief(*y))),
            Marks::Note((x, y), text) => {
                let what = if text.is_empty() {
                    "dot".into()
                } else {
                    format!("\"{text}\"")
                };
                return format!("{what} at ({}, {})", brief(*x), brief(*y));
            }
        };
        let name = if self.name.is_empty() {
            String::new()
        } else {
            format!(" \"{}\"", self.name)
        };
        format!("{what}{name}{more}")
    }
}

/// The first few values with their names.
fn listed<T>(values: &[(usize, T)], categories: &[String], write: impl Fn(&T) -> String) -> String {
    const MOST: usize = 12;
    let name = |index: &usize| categories.get(*index).map_or("", String::as_str);
    let shown: Vec<_> = values
        .iter()
        .take(MOST)
        .map(|(index, value)| format!("{} {}", name(index), write(value)))
        .collect();
    let rest = match values.len().saturating_sub(MOST) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    format!(" ({}{rest})", shown.join(", "))
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary(&[]))
    }
}
