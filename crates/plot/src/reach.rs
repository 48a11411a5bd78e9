//! What a chart holds and how far it reaches.

use crate::axis::{Extent, has_place};
use crate::chart::Chart;
use crate::layer::{Marks, Matrix};
use crate::stats;

/// The extents of all that has a place on each axis; `None` where there is nothing, or the axis has names.
pub(crate) fn extents(chart: &Chart) -> (Option<Extent>, Option<Extent>) {
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for series in &chart.series {
        match &series.marks {
            Marks::Line(points) | Marks::Dots(points) => {
                for point in points.iter().filter(|point| shown(chart, point)) {
                    xs.push(point.0);
                    ys.push(point.1);
                }
            }
            Marks::Band(band) => {
                for &(x, low, high) in band {
                    xs.push(x);
                    ys.extend([low, high]);
                }
            }
            Marks::Bars(bars) => {
                let lengths = bars.iter().map(|bar| bar.1);
                let along = if chart.horizontal { &mut xs } else { &mut ys };
                along.push(0.0);
                along.extend(lengths);
            }
            Marks::Boxes(boxes) => {
                let along = if chart.horizontal { &mut xs } else { &mut ys };
                for (_, spread) in boxes {
                    along.extend([spread.whiskers.0, spread.whiskers.1]);
                    along.extend(&spread.outliers);
                }
            }
            Marks::Histogram(values) => {
                let edges = histogram_edges(chart);
                let counts = stats::counts(&finite(values), &edges);
                xs.extend([edges.first(), edges.last()].into_iter().flatten());
                ys.push(0.0);
                ys.extend(counts.into_iter().map(|count| count as f64));
            }
            Marks::VerticalRule(x) => xs.push(*x),
            Marks::HorizontalRule(y) => ys.push(*y),
            Marks::Heat(_) | Marks::Note(..) => {}
        }
    }
    let extent = |values: Vec<f64>, logarithmic: bool| {
        Extent::of(values.into_iter().filter(|v| has_place(*v, logarithmic)))
    };
    if matrix(chart).is_some() {
        return (None, None);
    }
    (
        extent(xs, chart.x.logarithmic),
        extent(ys, chart.y.logarithmic),
    )
}

/// Whether a point has a place on both axes.
pub(crate) fn shown(chart: &Chart, &(x, y): &(f64, f64)) -> bool {
    has_place(x, chart.x.logarithmic) && has_place(y, chart.y.logarithmic)
}

/// The bins that all histograms of a chart share.
pub(crate) fn histogram_edges(chart: &Chart) -> Vec<f64> {
    let all = chart.series.iter().flat_map(|series| match &series.marks {
        Marks::Histogram(values) => finite(values),
        _ => Vec::new(),
    });
    stats::bin_edges(&all.collect::<Vec<_>>(), chart.bins)
}

pub(crate) fn finite(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .copied()
        .filter(|v| has_place(*v, false))
        .collect()
}

pub(crate) fn is_empty(chart: &Chart) -> bool {
    match matrix(chart) {
        Some(matrix) => matrix.values.is_empty(),
        None => {
            let (x, y) = extents(chart);
            x.is_none() && y.is_none()
        }
    }
}

pub(crate) fn matrix(chart: &Chart) -> Option<&Matrix> {
    chart.series.iter().find_map(|series| match &series.marks {
        Marks::Heat(matrix) => Some(matrix),
        _ => None,
    })
}

/// How many series of bars or boxes share each name.
pub(crate) fn bar_series(chart: &Chart) -> usize {
    let shares = |marks: &Marks| matches!(marks, Marks::Bars(_) | Marks::Boxes(_));
    chart.series.iter().filter(|s| shares(&s.marks)).count()
}
