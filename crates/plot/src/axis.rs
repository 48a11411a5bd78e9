//! Axes: where one starts and ends, which values are written beside it, and where a value stands on it.

use std::fmt;
use std::ops::RangeInclusive;

/// Values beyond this are treated as infinite: their differences would be.
const HUGE: f64 = 1e300;
/// Ranges narrower than this part of their values are treated as one value: ticks could not be told apart.
const NARROW: f64 = 1e-12;
/// Values and ranges below this are treated as zero: a part of them would be.
const TINY: f64 = 1e-290;

/// Whether a value has a place on an axis.
pub(crate) fn has_place(value: f64, logarithmic: bool) -> bool {
    value.abs() < HUGE && (!logarithmic || value > 0.0)
}

/// The least and the greatest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Extent {
    /// The extent of all values; `None` if there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        values.into_iter().fold(None, |extent, value| {
            let Self { low, high } = extent.unwrap_or(Self {
                low: value,
                high: value,
            });
            Some(Self {
                low: low.min(value),
                high: high.max(value),
            })
        })
    }

    pub(crate) fn including(self, value: f64) -> Self {
        Self {
            low: self.low.min(value),
            high: self.high.max(value),
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", brief(self.low), brief(self.high))
    }
}

/// A number with three significant digits.
pub(crate) fn brief(value: f64) -> String {
    match exponent(value.abs()) {
        _ if value == 0.0 => "0".into(),
        _ if !value.is_finite() => value.to_string(),
        exponent @ -4..=5 => format!("{value:.digits$}", digits = (2 - exponent).max(0) as usize),
        _ => format!("{value:.2e}"),
    }
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
    low: f64,
    high: f64,
    /// Values and what is written beside them.
    pub(crate) ticks: Vec<(f64, String)>,
    /// Values with a mark but nothing beside it.
    pub(crate) minor: Vec<f64>,
    pub(crate) kind: Kind,
}

/// What the places of an axis mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Linear,
    /// Equal steps multiply.
    Log,
    /// Categories 0, 1, 2, ..., each one unit wide.
    Names,
}

impl Axis {
    /// An axis around `extent` with about `ticks` ticks at 1, 2 or 5 times a power of ten.
    pub(crate) fn linear(extent: Option<Extent>, fit: Fit, ticks: usize) -> Self {
        let extent = extent.unwrap_or(Extent {
            low: 0.0,
            high: 1.0,
        });
        let extent = widened(extent, fit);
        let (step, inside) = step_with_ticks(extent, fit, ticks);
        let values = inside.map(|multiple| multiple as f64 * step);
        Self {
            low: extent.low,
            high: extent.high,
            ticks: values
                .map(|value| (value, label(value, step, extent)))
                .collect(),
            minor: Vec::new(),
            kind: Kind::Linear,
        }
    }

    /// A logarithmic axis around `extent`, of which only what is above zero counts, with about `ticks` ticks.
    pub(crate) fn log(extent: Option<Extent>, fit: Fit, ticks: usize) -> Self {
        let extent = extent.filter(|extent| extent.high > 0.0).unwrap_or(Extent {
            low: 0.1,
            high: 1.0,
        });
        let mut low = extent.low.max(1.0 / HUGE).log10();
        let mut high = extent.high.max(1.0 / HUGE).log10();
        let air = match fit {
            _ if high - low < 1e-9 => 0.5,
            Fit::Loose => (high - low) * 0.05,
            Fit::Exact | Fit::Whole => 0.0,
        };
        // Beyond these, powers of ten are no numbers any more.
        (low, high) = ((low - air).max(-307.0), (high + air).min(307.0));
        let (ticks, minor) = log_ticks(low, high, ticks.max(2));
        Self {
            low,
            high,
            ticks,
            minor,
            kind: Kind::Log,
        }
    }

    /// An axis of categories.
    pub(crate) fn names(names: &[String]) -> Self {
        Self {
            low: -0.5,
            high: names.len().max(1) as f64 - 0.5,
            ticks: names
                .iter()
                .enumerate()
                .map(|(index, name)| (index as f64, name.clone()))
                .collect(),
            minor: Vec::new(),
            kind: Kind::Names,
        }
    }

    /// An axis of `count` pixels, numbered 0, 1, 2, ..., with about `ticks` ticks.
    pub(crate) fn pixels(count: usize, ticks: usize) -> Self {
        let last = count.max(1) as f64 - 1.0;
        let extent = Extent {
            low: 0.0,
            high: last,
        };
        let ticks = Self::linear(Some(extent), Fit::Whole, ticks).ticks;
        Self {
            low: -0.5,
            high: last + 0.5,
            ticks,
            minor: Vec::new(),
            kind: Kind::Names,
        }
    }

    /// Where `value` stands, as a part of the axis: 0 at its start, 1 at its end, beyond that outside.
    pub(crate) fn part(&self, value: f64) -> f64 {
        let value = match self.kind {
            Kind::Log => value.max(f64::MIN_POSITIVE).log10(),
            Kind::Linear | Kind::Names => value,
        };
        (value - self.low) / (self.high - self.low)
    }

    /// The value that bars stand on: zero, or the end of the axis nearest to it.
    pub(crate) fn base(&self) -> f64 {
        match self.kind {
            Kind::Log => 10f64.powf(self.low),
            Kind::Linear | Kind::Names => 0f64.clamp(self.low, self.high),
        }
    }
}

/// A value as it is written beside an axis whose ticks are `step` apart.
fn label(value: f64, step: f64, Extent { low, high }: Extent) -> String {
    let value = if value.abs() < step / 2.0 { 0.0 } else { value };
    let size = low.abs().max(high.abs());
    let digits = -exponent(step);
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

fn widened(extent: Extent, fit: Fit) -> Extent {
    let Extent { low, high } = extent;
    let span = high - low;
    if span <= f64::max(TINY, NARROW * low.abs().max(high.abs())) {
        let air = match fit {
            Fit::Whole => f64::max(0.5, low.abs() * 1e-9),
            _ if low.abs() <= TINY => 1.0,
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
            let (floor, ceiling) = match extent {
                _ if low >= 0.0 => (0.0, f64::INFINITY),
                _ if high <= 0.0 => (f64::NEG_INFINITY, 0.0),
                _ => (f64::NEG_INFINITY, f64::INFINITY),
            };
            Extent {
                low: (low - air).max(floor),
                high: (high + air).min(ceiling),
            }
        }
    }
}

/// The step that gives about `ticks` ticks, and which of its multiples lie on the axis: where there is room for few,
/// still two of them, because a single number says nothing of the distance between two places.
fn step_with_ticks(extent: Extent, fit: Fit, ticks: usize) -> (f64, RangeInclusive<i64>) {
    let Extent { low, high } = extent;
    let inside = |step: f64| {
        // A tick that rounding has put just outside still belongs to the axis.
        let first = (low / step - 1e-6).ceil() as i64;
        first..=(high / step + 1e-6).floor() as i64
    };
    // An eighth of the axis, rounded up, is always short enough.
    let steps =
        [1.0, 2.0, 4.0, 8.0].map(|part| step((high - low) / (part * ticks.max(1) as f64), fit));
    let two = |step: &f64| inside(*step).count() > 1;
    let step = steps.into_iter().find(two).unwrap_or(steps[3]);
    (step, inside(step))
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

/// Labelled and unlabelled ticks between two powers of ten.
fn log_ticks(low: f64, high: f64, most: usize) -> (Vec<(f64, String)>, Vec<f64>) {
    let inside = |power: f64| (low - 1e-9..=high + 1e-9).contains(&power);
    let multiples = |factors: &'static [f64]| {
        (low.floor() as i32..=high.ceil() as i32)
            .flat_map(move |power| factors.iter().map(move |factor| (power, *factor)))
            .filter(|(power, factor)| inside(f64::from(*power) + factor.log10()))
    };
    let decades: Vec<_> = multiples(&[1.0]).collect();
    let stride = decades.len().div_ceil(most);
    let labelled: Vec<_> = if decades.len() >= 2 {
        decades.into_iter().step_by(stride).collect()
    } else {
        [
            &[1.0, 3.0][..],
            &[1.0, 2.0, 5.0],
            &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        ]
        .into_iter()
        .map(|factors| multiples(factors).collect::<Vec<_>>())
        .find(|ticks| ticks.len() >= 2)
        .unwrap_or_default()
    };
    if labelled.is_empty() {
        let extent = Extent {
            low: 10f64.powf(low),
            high: 10f64.powf(high),
        };
        return (
            Axis::linear(Some(extent), Fit::Exact, most / 2).ticks,
            Vec::new(),
        );
    }
    let plain = labelled.iter().all(|(power, _)| (-2..=4).contains(power));
    let write = |(power, factor): (i32, f64)| {
        let value = factor * 10f64.powi(power);
        let text = if plain {
            let digits = (-power).max(0) as usize + usize::from(factor.fract() != 0.0);
            format!("{value:.digits$}")
        } else {
            format!("{factor}e{power}")
        };
        (value, text)
    };
    let ticks = labelled.iter().copied().map(write).collect();
    let minor = if stride > 1 || high - low > 12.0 {
        Vec::new()
    } else {
        multiples(&[2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])
            .map(|(power, factor)| factor * 10f64.powi(power))
            .collect()
    };
    (ticks, minor)
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
        written(&Axis::linear(Some(Extent { low, high }), fit, ticks))
    }

    fn log_labels(low: f64, high: f64) -> Vec<String> {
        written(&Axis::log(Some(Extent { low, high }), Fit::Exact, 6))
    }

    fn written(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|(_, label)| label.clone()).collect()
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
        assert_eq!(written(&Axis::pixels(28, 4)), ["0", "10", "20"]);
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
    fn logarithmic_ticks_are_powers_of_ten_or_parts_of_one() {
        assert_eq!(
            log_labels(1e-5, 0.1),
            ["1e-5", "1e-4", "1e-3", "1e-2", "1e-1"]
        );
        assert_eq!(log_labels(1.0, 1000.0), ["1", "10", "100", "1000"]);
        assert_eq!(log_labels(0.011, 0.09), ["0.02", "0.05"]);
        assert_eq!(
            log_labels(1e-30, 1.0),
            ["1e-30", "1e-24", "1e-18", "1e-12", "1e-6", "1e0"]
        );
    }

    #[test]
    fn values_stand_where_they_belong() {
        let axis = Axis::log(
            Some(Extent {
                low: 0.01,
                high: 100.0,
            }),
            Fit::Exact,
            5,
        );
        assert!((axis.part(1.0) - 0.5).abs() < 1e-12);
        assert!(axis.part(-1.0) < 0.0);
        assert_eq!(Axis::names(&["a".into(), "b".into()]).part(0.5), 0.5);
    }

    #[test]
    fn extents_are_written_with_three_digits() {
        let written = |low, high| Extent { low, high }.to_string();
        assert_eq!(written(0.0, 199.0), "0 to 199");
        assert_eq!(written(0.00027, 0.0364), "0.000270 to 0.0364");
        assert_eq!(written(-1.5e-9, 123_456_789.0), "-1.50e-9 to 1.23e8");
    }

    #[test]
    fn air_does_not_cross_zero() {
        let axis = |low, high| Axis::linear(Some(Extent { low, high }), Fit::Loose, 5);
        assert_eq!(axis(0.01, 1.0).low, 0.0);
        assert!(axis(0.01, 1.0).high > 1.0 && axis(0.01, 1.0).high < 1.1);
        assert_eq!(axis(-1.0, -0.01).high, 0.0);
    }

    #[test]
    fn every_range_gives_a_few_ticks() {
        let values: [f64; 10] = [
            0.0, 1.0, -1.0, 1e-300, 1e16, -1e16, 9.99e299, -9.99e299, 1e-7, 123.456,
        ];
        for a in values {
            for b in values {
                let extent = Some(Extent {
                    low: a.min(b),
                    high: a.max(b),
                });
                for fit in [Fit::Exact, Fit::Whole, Fit::Loose] {
                    for axis in [Axis::linear(extent, fit, 6), Axis::log(extent, fit, 6)] {
                        assert!(axis.low < axis.high, "{axis:?}");
                        assert!((1..=14).contains(&axis.ticks.len()), "{a} {b} {axis:?}");
                        let parts = axis.ticks.iter().map(|(value, _)| axis.part(*value));
                        assert!(parts.into_iter().all(|part| (-0.01..=1.01).contains(&part)));
                    }
                }
            }
        }
    }
}
