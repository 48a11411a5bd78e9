//! Bars: one for each name, or one for each bin of a histogram.

use crate::axis::{brief, has_place};
use crate::chart::Chart;
use crate::layer::{Marks, Series};
use crate::layout::TICK_SIZE;
use crate::marks::{opacity, paint};
use crate::plane::Plane;
use crate::scene::{Anchor, Paint, Rect, Scene};
use crate::{reach, stats, text};

/// The part of the room between two names that bars take.
const FULL: f64 = 0.76;

/// Draws the bars of the `nth` series of them.
pub(crate) fn draw(
    scene: &mut Scene,
    chart: &Chart,
    series: &Series,
    lengths: &[(usize, f64)],
    nth: usize,
    plane: &Plane,
) {
    let logarithmic = if chart.horizontal {
        chart.x.logarithmic
    } else {
        chart.y.logarithmic
    };
    for &(category, length) in lengths {
        if !has_place(length, logarithmic) {
            continue;
        }
        let (from, to) = slot(chart, category, nth);
        let rect = if chart.horizontal {
            rect(plane, (plane.x.base(), from), (length, to))
        } else {
            rect(plane, (from, plane.y.base()), (to, length))
        };
        scene.block(rect, paint(series), opacity(series));
        if chart.values {
            write_value(scene, chart, length, rect, plane);
        }
    }
}

/// Where along the axis of names the bar or box of one series stands.
pub(crate) fn slot(chart: &Chart, category: usize, nth: usize) -> (f64, f64) {
    let each = FULL / reach::bar_series(chart).max(1) as f64;
    let from = category as f64 - FULL / 2.0 + nth as f64 * each;
    // A little air between bars that stand side by side.
    (from + each * 0.03, from + each * 0.97)
}

/// The rectangle between two corners, as much of it as is inside of the plane.
pub(crate) fn rect(plane: &Plane, from: (f64, f64), to: (f64, f64)) -> Rect {
    let (a, b) = (plane.inside(plane.at(from)), plane.inside(plane.at(to)));
    Rect {
        left: a.0.min(b.0),
        top: a.1.min(b.1),
        right: a.0.max(b.0),
        bottom: a.1.max(b.1),
    }
}

/// Writes the value beyond the end of its bar, unless its neighbours leave no room.
fn write_value(scene: &mut Scene, chart: &Chart, value: f64, bar: Rect, plane: &Plane) {
    let words = match brief(value) {
        _ if value.fract() == 0.0 && value.abs() < 1e6 => value.to_string(),
        words if words.contains('e') => words,
        words if words.contains('.') => words.trim_end_matches('0').trim_end_matches('.').into(),
        words => words,
    };
    let (x, y) = bar.centre();
    let (at, anchor) = match (chart.horizontal, value >= 0.0) {
        (true, true) => ((bar.right + 5.0, y), Anchor::Start),
        (true, false) => ((bar.left - 5.0, y), Anchor::End),
        (false, true) => ((x, bar.top - 9.0), Anchor::Middle),
        (false, false) => ((x, bar.bottom + 9.0), Anchor::Middle),
    };
    // Alone, a bar has the room up to its neighbours as well.
    let room = match reach::bar_series(chart) {
        1 => bar.width() / FULL,
        _ => bar.width() * 1.1,
    };
    let beyond = if value >= 0.0 {
        plane.rect.right - bar.right
    } else {
        bar.left - plane.rect.left
    };
    let fits = |size: &f64| {
        let width = text::width(&words, *size);
        if chart.horizontal {
            bar.height() >= size * 0.75 && width <= beyond
        } else {
            width <= room
        }
    };
    if let Some(size) = [TICK_SIZE, 10.5, 9.0].into_iter().find(fits)
        && plane.rect.contains(at)
    {
        scene.write(words, at, size, Paint::Ink, anchor);
    }
}

/// Draws the bars of one histogram over the bins that all of them share.
pub(crate) fn histogram(
    scene: &mut Scene,
    chart: &Chart,
    series: &Series,
    values: &[f64],
    plane: &Plane,
) {
    let edges = reach::histogram_edges(chart);
    let counts = stats::counts(&reach::finite(values), &edges);
    let others = |s: &&Series| matches!(s.marks, Marks::Histogram(_));
    let strength = if chart.series.iter().filter(others).count() > 1 {
        0.55
    } else {
        1.0
    };
    for (bin, count) in edges.windows(2).zip(counts) {
        if count == 0 {
            continue;
        }
        let mut rect = rect(plane, (bin[0], plane.y.base()), (bin[1], count as f64));
        // A hair of paper between bars, where they are wide enough for it.
        if rect.width() > 4.0 {
            rect.right -= 1.0;
        }
        scene.block(rect, paint(series), strength * opacity(series));
    }
}
