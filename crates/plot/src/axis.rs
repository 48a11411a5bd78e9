//! Ranges and ticks: where an axis starts and ends, and which values are written beside it.

use std::fmt;
use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::chart::Series;

/// Values beyond this are treated as infinite: their differences would be.
const HUGE: f64 = 1e300;
/// Ranges narrower than this part of their values are treated as one value: ticks could not be told apart.
const NARROW: f64 = 1e-12;

/// Whether a point has a place on paper.
pub(crate) fn has_place(&(x, y): &(f64, f64)) -> bool {
    x.abs() < HUGE && y.abs() < HUGE
}

/// The least and the greatest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", brief(self.low), brief(self.high))
    }
}

/// A number with three significant digits.
fn brief(value: f64) -> String {
    match exponent(value.abs()) {
        _ if value == 0.0 => "0".into(),
        exponent @ -4..=5 => format!("{value:.digits$}", digits = (2 - exponent).max(0) as usize),
        _ => format!("{value:.2e}"),
    }
}

/// The extents of all points that have a place; `None` if there are none.
pub(crate) fn extents(series: &[Series]) -> (Option<Extent>, Option<Extent>) {
    let points = || {
        series
            .iter()
            .flat_map(|s| s.points.iter().copied())
            .filter(has_place)
    };
    (
        extent(points().map(|(x, _)| x)),
        extent(points().map(|(_, y)| y)),
    )
}

fn extent(mut values: impl Iterator<Item = f64>) -> Option<Extent> {
    let first = values.next()?;
    let start = Extent {
        low: first,
        high: first,
    };
    Some(values.fold(start, |e, v| Extent {
        low: e.low.min(v),
        high: e.high.max(v),
    }))
}

/// How an axis sits around its values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fit {
    /// From the least to the greatest value.
    Exact,
    /// The same, for counts such as steps and epochs: ticks at whole numbers only.
    Whole,
    /// With some air on both sides, but not below zero if no value is.
    Loose,
}

/// One axis.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) ticks: Vec<f64>,
    step: f64,
}

impl Axis {
    /// An axis around `extent` with about `ticks` ticks at 1, 2 or 5 times a power of ten.
    pub(crate) fn new(extent: Option<Extent>, fit: Fit, ticks: usize) -> Self {
        let Extent { low, high } = widened(
            extent.unwrap_or(Extent {
                low: 0.0,
                high: 1.0,
            }),
            fit,
        );
        let step = step((high - low) / ticks.max(1) as f64, fit);
        // A tick that rounding has put just outside still belongs to the axis.
        let first = (low / step - 1e-6).ceil();
        let count = ((high / step + 1e-6).floor() - first).max(0.0) as usize;
        let ticks = (0..=count).map(|i| (first + i as f64) * step).collect();
        Self {
            low,
            high,
            ticks,
            step,
        }
    }

    /// A value as it is written beside the axis.
    pub(crate) fn label(&self, value: f64) -> String {
        let value = if value.abs() < self.step / 2.0 {
            0.0
        } else {
            value
        };
        let size = self.low.abs().max(self.high.abs());
        let digits = -exponent(self.step);
        let scientific = size >= 1e6 || digits > 4;
        if value == 0.0 && scientific {
            "0".into()
        } else if scientific {
            let digits = (exponent(size) + digits).max(0) as usize;
            format!("{value:.digits$e}")
        } else {
            format!("{value:.digits$}", digits = digits.max(0) as usize)
        }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let part = (value - self.low) / (self.high - self.low);
        (f64::from(from) + part * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // No faint lines between the ticks.
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.ticks.clone()
        }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

fn widened(extent: Extent, fit: Fit) -> Extent {
    let Extent { low, high } = extent;
    let span = high - low;
    if span <= NARROW * low.abs().max(high.abs()) {
        let air = match fit {
            Fit::Whole => f64::max(0.5, low.abs() * 1e-9),
            _ if low == 0.0 => 1.0,
            _ => low.abs() * 0.1,
        };
        return Extent {
            low: low - air,
            high: high + air,
        };
    }
    match fit {
        Fit::Exact | Fit::Whole => extent,
        Fit::Loose => {
            let air = span * 0.05;
            let floor = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
            Extent {
                low: (low - air).max(floor),
                high: high + air,
            }
        }
    }
}

/// The least of 1, 2, 5, 10, 20, ... that is at least `least`; of whole numbers for [`Fit::Whole`].
fn step(least: f64, fit: Fit) -> f64 {
    let least = if fit == Fit::Whole {
        least.max(1.0)
    } else {
        least
    };
    let power = 10f64.powi(exponent(least));
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| factor * power >= least * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// The power of ten of a positive number's first digit.
fn exponent(value: f64) -> i32 {
    // A little more, because the logarithm of 0.001 is just under -3.
    (value.log10() + 1e-9).floor() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, fit: Fit, ticks: usize) -> Vec<String> {
        let axis = Axis::new(Some(Extent { low, high }), fit, ticks);
        axis.ticks.iter().map(|&tick| axis.label(tick)).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(
            labels(0.0, 1.0, Fit::Exact, 5),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            labels(0.0, 499.0, Fit::Whole, 6),
            ["0", "100", "200", "300", "400"]
        );
        assert_eq!(labels(-0.3, 0.3, Fit::Exact, 3), ["-0.2", "0.0", "0.2"]);
        assert_eq!(
            labels(0.0, 0.003, Fit::Exact, 3),
            ["0.000", "0.001", "0.002", "0.003"]
        );
    }

    #[test]
    fn counts_have_whole_ticks() {
        assert_eq!(labels(0.0, 3.0, Fit::Whole, 8), ["0", "1", "2", "3"]);
        assert_eq!(labels(0.0, 0.0, Fit::Whole, 8), ["0"]);
    }

    #[test]
    fn very_large_and_small_numbers_use_powers_of_ten() {
        assert_eq!(labels(0.0, 3e6, Fit::Exact, 3), ["0", "1e6", "2e6", "3e6"]);
        assert_eq!(labels(0.0, 1e-6, Fit::Exact, 2), ["0", "5.0e-7", "1.0e-6"]);
        assert_eq!(
            labels(1e7, 1.2e7, Fit::Exact, 2),
            ["1.0e7", "1.1e7", "1.2e7"]
        );
    }

    #[test]
    fn extents_are_written_with_three_digits() {
        let written = |low, high| Extent { low, high }.to_string();
        assert_eq!(written(0.0, 199.0), "0 to 199");
        assert_eq!(written(0.00027, 0.0364), "0.000270 to 0.0364");
        assert_eq!(written(-1.5e-9, 123_456_789.0), "-1.50e-9 to 1.23e8");
    }

    #[test]
    fn air_does_not_go_below_zero() {
        let axis = Axis::new(
            Some(Extent {
                low: 0.01,
                high: 1.0,
            }),
            Fit::Loose,
            5,
        );
        assert_eq!(axis.low, 0.0);
        assert!(axis.high > 1.0 && axis.high < 1.1);
    }

    #[test]
    fn every_range_gives_a_few_ticks() {
        let values: [f64; 10] = [
            0.0, 1.0, -1.0, 1e-300, 1e16, -1e16, 9.99e299, -9.99e299, 1e-7, 123.456,
        ];
        for a in values {
            for b in values {
                for fit in [Fit::Exact, Fit::Whole, Fit::Loose] {
                    let axis = Axis::new(
                        Some(Extent {
                            low: a.min(b),
                            high: a.max(b),
                        }),
                        fit,
                        6,
                    );
                    assert!(axis.low < axis.high, "{axis:?}");
                    assert!((1..=14).contains(&axis.ticks.len()), "{axis:?}");
                }
            }
        }
    }
}
