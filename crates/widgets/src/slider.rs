//! Sliders: a number from a range.

use std::marker::PhantomData;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::control::{Control, Widget, shown_as_widget};

/// A slider; make one with [`slider`]. Clones are the same slider.
#[derive(Clone)]
pub struct Slider<T> {
    widget: Widget,
    of: PhantomData<T>,
}

shown_as_widget!(Slider<T>);

/// How many positions a slider over floats has, about.
const POSITIONS: f64 = 100.0;

/// A slider over a range of numbers, both ends included: `slider(0.0..=360.0)`, `slider(1..=10)`.
///
/// It starts at the lower end. A step is 1 for integers; for floats it is the power of ten that gives the slider
/// at least a hundred positions. A range the wrong way round is turned.
pub fn slider<T: Number>(range: RangeInclusive<T>) -> Slider<T> {
    let (start, end) = (range.start().to_f64(), range.end().to_f64());
    let (min, max) = (start.min(end), start.max(end));
    let (name, step) = match T::WHOLE {
        true => ("IntSlider", 1.0),
        false => ("FloatSlider", step_for(max - min)),
    };
    let state = json!({
        "min": number::<T>(min), "max": number::<T>(max), "value": number::<T>(min), "step": number::<T>(step),
    });
    let widget = Widget::new(name, state);
    let slider = Slider {
        widget,
        of: PhantomData,
    };
    if T::WHOLE {
        slider
    } else {
        slider.with_format(step)
    }
}

impl<T: Number> Slider<T> {
    /// Starts at `value`, in units of the range; the nearer end when it lies outside.
    pub fn at(self, value: T) -> Self {
        let bound = |part: &str| self.widget.model.get(part).as_f64().unwrap_or_default();
        let value = value.to_f64().clamp(bound("min"), bound("max"));
        self.widget.model.set("value", number::<T>(value));
        self
    }

    /// Moves in steps of `step`.
    pub fn step(self, step: T) -> Self {
        let step = step.to_f64();
        self.widget.model.set("step", number::<T>(step));
        if T::WHOLE {
            self
        } else {
            self.with_format(step)
        }
    }

    /// Writes `label` before the slider.
    pub fn label(self, label: &str) -> Self {
        self.widget.model.set("description", label.into());
        self
    }

    /// Shows as many decimals as the step has.
    fn with_format(self, step: f64) -> Self {
        let decimals = (0..8).find(|places| {
            let scaled = step * 10_f64.powi(*places);
            (scaled - scaled.round()).abs() < 1e-6
        });
        let format = format!(".{}f", decimals.unwrap_or(2));
        self.widget.model.set("readout_format", format.into());
        self
    }
}

impl<T: Number> Control for Slider<T> {
    type Value = T;

    fn value(&self) -> T {
        T::from_f64(self.widget.model.get("value").as_f64().unwrap_or_default())
    }
}

/// The numbers a slider can be over.
pub trait Number: Copy + Send + Sync + 'static {
    /// Whether there is nothing between two neighbours.
    const WHOLE: bool;
    /// As a float; what the page calculates with.
    fn to_f64(self) -> f64;
    /// Back from a float, rounded.
    fn from_f64(value: f64) -> Self;
}

macro_rules! numbers {
    ($whole:literal: $($number:ty)*) => {$(
        impl Number for $number {
            const WHOLE: bool = $whole;
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn from_f64(value: f64) -> Self {
                (if $whole { value.round() } else { value }) as Self
            }
        }
    )*};
}
numbers!(true: i8 i16 i32 i64 isize u8 u16 u32 u64 usize);
numbers!(false: f32 f64);

fn number<T: Number>(value: f64) -> Value {
    match T::WHOLE {
        true => Value::from(value as i64),
        false => Value::from(value),
    }
}

fn step_for(span: f64) -> f64 {
    if span > 0.0 && span.is_finite() {
        10_f64.powf((span / POSITIONS).log10().floor())
    } else {
        0.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::hear;

    #[test]
    fn a_slider_follows_the_page() {
        let angle = slider(0.0..=360.0).label("angle");
        assert_eq!(angle.value(), 0.0);
        hear(
            &angle.widget.model,
            json!({ "method": "update", "state": { "value": 90 } }),
        );
        assert_eq!(angle.value(), 90.0);
        assert_eq!(angle.clone().at(999.0).value(), 360.0);
        assert_eq!(format!("{angle:?}"), "FloatSlider(value=360.0)");
    }

    #[test]
    fn whole_numbers_stay_whole() {
        let count = slider(1..=10).at(3);
        assert_eq!(count.widget.model.get("value"), json!(3));
        hear(
            &count.widget.model,
            json!({ "method": "update", "state": { "value": 4.0 } }),
        );
        assert_eq!(count.value(), 4_i32);
    }

    #[test]
    fn steps_are_powers_of_ten_and_are_seen() {
        for (span, step) in [(360.0, 1.0), (1.0, 0.01), (0.5, 0.001), (0.0, 0.1)] {
            assert!((step_for(span) - step).abs() < 1e-9, "{span}");
        }
        let format = |slider: Slider<f64>| slider.widget.model.get("readout_format");
        assert_eq!(format(slider(0.0..=1.0)), ".2f");
        assert_eq!(format(slider(0.0..=360.0)), ".0f");
        assert_eq!(format(slider(0.0..=10.0).step(0.5)), ".1f");
    }
}
