//! Boxes with whiskers.

use crate::bars;
use crate::chart::Chart;
use crate::layer::Series;
use crate::marks::paint;
use crate::plane::Plane;
use crate::scene::{Paint, Scene};
use crate::stats::Spread;

const WIDTH: f64 = 1.5;
/// The most outliers drawn for one box; beyond, every n-th.
const MOST_OUTLIERS: usize = 300;

/// Draws the boxes of the `nth` series that stands along the names.
pub(crate) fn draw(
    scene: &mut Scene,
    chart: &Chart,
    series: &Series,
    spreads: &[(usize, Spread)],
    nth: usize,
    plane: &Plane,
) {
    let at = |along: f64, value: f64| {
        plane.at(if chart.horizontal {
            (value, along)
        } else {
            (along, value)
        })
    };
    let colour = paint(series);
    for (category, spread) in spreads {
        let (from, to) = bars::slot(chart, *category, nth);
        let (middle, quarter) = ((from + to) / 2.0, (to - from) / 4.0);
        let mut stroke = |ends: [(f64, f64); 2], width: f64, paint: Paint| {
            let path = ends.map(|(along, value)| at(along, value));
            for path in plane.clip(&path) {
                scene.line(path, width, paint);
            }
        };
        for (end, start) in [
            (spread.whiskers.0, spread.lower),
            (spread.whiskers.1, spread.upper),
        ] {
            stroke([(middle, start), (middle, end)], WIDTH, colour);
            stroke(
                [(middle - quarter / 2.0, end), (middle + quarter / 2.0, end)],
                WIDTH,
                colour,
            );
        }
        let corners = match chart.horizontal {
            true => ((spread.lower, from), (spread.upper, to)),
            false => ((from, spread.lower), (to, spread.upper)),
        };
        let rect = bars::rect(plane, corners.0, corners.1);
        scene.block(rect, colour, 0.3);
        for ends in [
            [(from, spread.lower), (to, spread.lower)],
            [(from, spread.upper), (to, spread.upper)],
            [(from, spread.lower), (from, spread.upper)],
            [(to, spread.lower), (to, spread.upper)],
        ] {
            let path = ends.map(|(along, value)| at(along, value));
            for path in plane.clip(&path) {
                scene.line(path, WIDTH, colour);
            }
        }
        let median = [(from, spread.median), (to, spread.median)].map(|(along, v)| at(along, v));
        for path in plane.clip(&median) {
            scene.line(path, 2.5, Paint::Ink);
        }
        let every = spread.outliers.len().div_ceil(MOST_OUTLIERS).max(1);
        for value in spread.outliers.iter().step_by(every) {
            let place = at(middle, *value);
            if plane.rect.contains(place) {
                scene.dot(place, 2.4, colour, 0.6);
            }
        }
    }
}
