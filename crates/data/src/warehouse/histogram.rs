//! Charts of a report, written as SVG.

use std::fmt::Write as _;

use rt::display::escape;

/// Width and height of a chart, and of the part of it that holds the bars, in pixels.
const WIDTH: f64 = 310.0;
const HEIGHT: f64 = 150.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 20.0;

/// How many bars a histogram has.
const BARS: usize = 24;

/// How many of the values lie where: bars from the least value to the greatest, or over `range`. Nothing where there
/// are no values.
pub(super) fn histogram(title: &str, values: &[f64], range: Option<(f64, f64)>) -> String {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (mut low, mut high) = finite().fold((f64::MAX, f64::MIN), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        return String::new();
    }
    (low, high) = range.unwrap_or((low, high));
    let step = ((high - low) / BARS as f64).max(f64::MIN_POSITIVE);
    let mut counts = [0_usize; BARS];
    for value in finite() {
        // Saturates: what lies outside of the range counts at its end.
        counts[(((value - low) / step) as usize).min(BARS - 1)] += 1;
    }
    draw(title, &counts, (low, high))
}

fn draw(title: &str, counts: &[usize], (low, high): (f64, f64)) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let wide = WIDTH / counts.len() as f64;
    let mut svg = format!(
        "<svg role=\"img\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\"><text x=\"0\" y=\"14\">{}</text>",
        escape(title)
    );
    for (number, count) in counts.iter().enumerate() {
        let tall = (HEIGHT - TOP - BOTTOM) * *count as f64 / most as f64;
        // Writing to a text cannot fail.
        let _ = write!(
            svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\"><title>{count}</title></rect>",
            number as f64 * wide,
            HEIGHT - BOTTOM - tall,
            wide - 1.0,
        );
    }
    let y = HEIGHT - 6.0;
    let _ = write!(
        svg,
        "<text x=\"0\" y=\"{y}\">{}</text><text x=\"{WIDTH}\" y=\"{y}\" text-anchor=\"end\">{}</text></svg>",
        short(low),
        short(high)
    );
    svg
}

/// A number as one reads it on an axis.
fn short(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_a_bar() {
        let values: Vec<f64> = (0..100).map(f64::from).chain([f64::NAN]).collect();
        let svg = histogram("sizes & shapes", &values, None);
        let counts: usize = svg
            .split("<title>")
            .skip(1)
            .map(|part| part.split('<').next().unwrap().parse::<usize>().unwrap())
            .sum();
        assert_eq!(counts, 100);
        assert!(svg.contains("sizes &amp; shapes") && svg.contains(">0<") && svg.contains(">99<"));
    }

    #[test]
    fn one_value_and_none_are_drawn_as_well() {
        assert!(histogram("one", &[150.0, 150.0], None).contains("<title>2</title>"));
        assert_eq!(histogram("none", &[], None), "");
        assert!(histogram("beyond", &[7.0], Some((0.0, 1.0))).contains("<title>1</title>"));
    }
}
