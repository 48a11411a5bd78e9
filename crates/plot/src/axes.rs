//! The axes of a chart: which kind and how far, their grid, and what stands beside them.

use crate::PlotError;
use crate::axis::{Axis, Extent, Fit, Kind};
use crate::chart::Chart;
use crate::heat;
use crate::layer::{Marks, Matrix};
use crate::layout::TICK_SIZE;
use crate::plane::Plane;
use crate::reach::{bar_series, matrix};
use crate::scene::{Anchor, Paint, Rect, Scene};
use crate::text;

// CSS pixels.
const TICK_LENGTH: f64 = 4.0;
/// The bar that explains the colours of a matrix, and the space before it.
const KEY_WIDTH: f64 = 14.0;
const KEY_GAP: f64 = 16.0;
/// A longer bar gets no more labels than one of this length: room is kept for them before its length is known.
const KEY_LABELS_UP_TO: f64 = 200.0;

pub(crate) fn x_axis(chart: &Chart, extent: Option<Extent>, room: f64) -> Axis {
    let ticks = (room / 70.0) as usize;
    if let Some(matrix) = matrix(chart) {
        return matrix_axis(&chart.x.names, matrix.columns, ticks);
    }
    if !chart.horizontal && !chart.categories.is_empty() {
        return thinned(Axis::names(&chart.categories), (room / 14.0) as usize);
    }
    let fit = match x_fit(chart) {
        _ if chart.x.range.is_some() => Fit::Exact,
        fit => fit,
    };
    number_axis(
        chart.x.range,
        extent,
        chart.x.logarithmic,
        fit,
        ticks,
        |e| padded(chart, e, chart.horizontal, 0.12),
    )
}

pub(crate) fn y_axis(chart: &Chart, extent: Option<Extent>, room: f64) -> Axis {
    let ticks = (room / 40.0) as usize;
    if let Some(matrix) = matrix(chart) {
        return matrix_axis(&chart.y.names, matrix.rows(), ticks);
    }
    if chart.horizontal && !chart.categories.is_empty() {
        return thinned(Axis::names(&chart.categories), (room / 14.0) as usize);
    }
    let fit = match chart.y.range {
        Some(_) => Fit::Exact,
        None => Fit::Loose,
    };
    number_axis(
        chart.y.range,
        extent,
        chart.y.logarithmic,
        fit,
        ticks,
        |e| padded(chart, e, !chart.horizontal, 0.06),
    )
}

/// Makes room for the numbers beyond the ends of bars.
fn padded(chart: &Chart, extent: Extent, along: bool, part: f64) -> Extent {
    if !(chart.values && along && bar_series(chart) > 0) {
        return extent;
    }
    let span = extent.high - extent.low;
    let extent =
        extent.including(extent.high + part * span * f64::from(u8::from(extent.high > 0.0)));
    extent.including(extent.low - part * span * f64::from(u8::from(extent.low < 0.0)))
}

fn number_axis(
    range: Option<Extent>,
    extent: Option<Extent>,
    logarithmic: bool,
    fit: Fit,
    ticks: usize,
    pad: impl Fn(Extent) -> Extent,
) -> Axis {
    if logarithmic {
        Axis::log(range.filter(|r| r.low > 0.0).or(extent), fit, ticks)
    } else {
        Axis::linear(range.or(extent.map(pad)), fit, ticks)
    }
}

fn matrix_axis(names: &[String], count: usize, ticks: usize) -> Axis {
    if names.is_empty() {
        // As many as have room for two digits, up to all of them.
        let most = if count <= ticks * 3 { count } else { ticks };
        return Axis::pixels(count, most.clamp(1, 12));
    }
    let names: Vec<_> = (0..count)
        .map(|index| names.get(index).cloned().unwrap_or_default())
        .collect();
    thinned(Axis::names(&names), ticks * 5)
}

/// Leaves out names where they would stand on each other.
fn thinned(mut axis: Axis, most: usize) -> Axis {
    let every = axis.ticks.len().div_ceil(most.max(1)).max(1);
    axis.ticks = axis.ticks.into_iter().step_by(every).collect();
    axis
}

fn x_fit(chart: &Chart) -> Fit {
    let mut whole = true;
    for series in &chart.series {
        match &series.marks {
            Marks::Line(points) => whole &= points.iter().all(|(x, _)| x.fract() == 0.0),
            Marks::Band(band) => whole &= band.iter().all(|(x, ..)| x.fract() == 0.0),
            Marks::Histogram(_) => whole = false,
            Marks::Dots(_) | Marks::Bars(_) | Marks::Boxes(_) => return Fit::Loose,
            _ => {}
        }
    }
    if whole { Fit::Whole } else { Fit::Exact }
}

pub(crate) fn draw_grid(scene: &mut Scene, plane: &Plane) {
    let Rect {
        left,
        top,
        right,
        bottom,
    } = plane.rect;
    if plane.x.kind != Kind::Names {
        for x in plane.x.ticks.iter().map(|(value, _)| plane.x(*value)) {
            scene.line(vec![(x, top), (x, bottom)], 1.0, Paint::Grid);
        }
    }
    if plane.y.kind != Kind::Names {
        for y in plane.y.ticks.iter().map(|(value, _)| plane.y(*value)) {
            scene.line(vec![(left, y), (right, y)], 1.0, Paint::Grid);
        }
    }
}

/// Draws both axes with their ticks and what is written beside them.
pub(crate) fn draw_axes(scene: &mut Scene, plane: &Plane, upright: bool) {
    let Rect {
        left,
        top,
        right,
        bottom,
    } = plane.rect;
    scene.line(
        vec![(left, top), (left, bottom), (right, bottom)],
        1.0,
        Paint::Axis,
    );
    let marked = |axis: &Axis| axis.kind != Kind::Names;
    if marked(&plane.x) {
        for (length, values) in tick_lengths(&plane.x) {
            for x in values.into_iter().map(|value| plane.x(value)) {
                scene.line(vec![(x, bottom), (x, bottom + length)], 1.0, Paint::Axis);
            }
        }
    }
    if marked(&plane.y) {
        for (length, values) in tick_lengths(&plane.y) {
            for y in values.into_iter().map(|value| plane.y(value)) {
                scene.line(vec![(left - length, y), (left, y)], 1.0, Paint::Axis);
            }
        }
    }
    for (value, label) in &plane.x.ticks {
        let x = plane.x(*value);
        if upright {
            let at = (x, bottom + 6.0);
            scene
                .write(label, at, TICK_SIZE, Paint::Faint, Anchor::End)
                .upright = true;
        } else {
            let at = (x, bottom + 13.0);
            scene.write(label, at, TICK_SIZE, Paint::Faint, Anchor::Middle);
        }
    }
    for (value, label) in &plane.y.ticks {
        let at = (left - 7.0, plane.y(*value));
        scene.write(label, at, TICK_SIZE, Paint::Faint, Anchor::End);
    }
}

fn tick_lengths(axis: &Axis) -> [(f64, Vec<f64>); 2] {
    let major = axis.ticks.iter().map(|(value, _)| *value).collect();
    [
        (TICK_LENGTH, major),
        (TICK_LENGTH / 2.0, axis.minor.clone()),
    ]
}

pub(crate) fn key_room(chart: &Chart) -> f64 {
    match matrix(chart).filter(|matrix| matrix.key) {
        Some(matrix) => {
            let labels = key_axis(matrix, KEY_LABELS_UP_TO).ticks;
            let widths = labels
                .iter()
                .map(|(_, label)| text::width(label, TICK_SIZE));
            KEY_GAP + KEY_WIDTH + 6.0 + widths.fold(0.0, f64::max)
        }
        None => 0.0,
    }
}

/// Draws the bar that says which colour means what.
pub(crate) fn draw_key(scene: &mut Scene, matrix: &Matrix, plane: &Plane) -> Result<(), PlotError> {
    let left = plane.rect.right + KEY_GAP;
    let rect = Rect {
        left,
        right: left + KEY_WIDTH,
        ..plane.rect
    };
    if matrix.extent().is_none() {
        return Ok(());
    }
    scene.items.push(heat::gradient(matrix.map, rect)?);
    let key = Plane {
        rect,
        x: Axis::names(&[]),
        y: key_axis(matrix, rect.height()),
        down: false,
    };
    for (value, label) in &key.y.ticks {
        let at = (rect.right + 5.0, key.y(*value));
        scene.write(label, at, TICK_SIZE, Paint::Faint, Anchor::Start);
    }
    Ok(())
}

fn key_axis(matrix: &Matrix, height: f64) -> Axis {
    let mut extent = matrix.extent();
    if matrix.percent {
        extent = extent.map(|e| Extent {
            low: e.low * 100.0,
            high: e.high * 100.0,
        });
    }
    let mut axis = Axis::linear(
        extent,
        Fit::Exact,
        (height.min(KEY_LABELS_UP_TO) / 40.0) as usize,
    );
    if matrix.percent {
        for (_, label) in &mut axis.ticks {
            label.push('%');
        }
    }
    axis
}
