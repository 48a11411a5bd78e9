//! The data themselves: lines, dots, bands, rules and notes on the plane. Bars, boxes and matrices are in their
//! own files.

use crate::PlotError;
use crate::chart::Chart;
use crate::layer::{Marks, Series};
use crate::layout::TICK_SIZE;
use crate::plane::Plane;
use crate::reach::shown;
use crate::scene::{Anchor, Item, Paint, Point, Rect, Scene};
use crate::theme::COLOURS;
use crate::{bars, boxes, heat, raster, text};

// CSS pixels.
pub(crate) const DOT: f64 = 3.2;
const STROKE: f64 = 2.0;
const THIN_STROKE: f64 = 1.2;
/// How opaque a band is.
pub(crate) const BAND: f64 = 0.25;
/// The most dots drawn one by one; more become a picture.
const MANY_DOTS: usize = 2000;
/// The most points of a line drawn one by one; more become a picture.
const MANY_POINTS: usize = 20_000;

/// Draws all series.
pub(crate) fn draw(scene: &mut Scene, chart: &Chart, plane: &Plane) -> Result<(), PlotError> {
    let mut sharing = 0;
    for series in &chart.series {
        match &series.marks {
            Marks::Line(points) => line(scene, chart, series, points, plane)?,
            Marks::Dots(points) => dots(scene, chart, series, points, plane)?,
            Marks::Band(points) => band(scene, chart, series, points, plane),
            Marks::Bars(lengths) => {
                bars::draw(scene, chart, series, lengths, sharing, plane);
                sharing += 1;
            }
            Marks::Boxes(spreads) => {
                boxes::draw(scene, chart, series, spreads, sharing, plane);
                sharing += 1;
            }
            Marks::Histogram(values) => bars::histogram(scene, chart, series, values, plane),
            Marks::Heat(matrix) => heat::draw(scene, matrix, plane)?,
            Marks::VerticalRule(x) => rule(scene, series, plane, [(*x, f64::NAN); 2]),
            Marks::HorizontalRule(y) => rule(scene, series, plane, [(f64::NAN, *y); 2]),
            Marks::Note(at, text) => note(scene, *at, text, plane),
        }
    }
    Ok(())
}

/// What a reader of the chart has to know besides.
pub(crate) fn notes(chart: &Chart) -> Vec<String> {
    let (mut odd, mut below) = (0usize, 0usize);
    let mut count = |values: &[f64], logarithmic: bool| {
        // One missing value is enough to lose a point.
        if values.iter().any(|v| !v.is_finite() || v.abs() >= 1e300) {
            odd += 1;
        } else if logarithmic && values.iter().any(|v| *v <= 0.0) {
            below += 1;
        }
    };
    let (x_log, y_log) = (chart.x.logarithmic, chart.y.logarithmic);
    for series in &chart.series {
        match &series.marks {
            Marks::Line(points) | Marks::Dots(points) => {
                for (x, y) in points {
                    count(&[*x], x_log);
                    if x.is_finite() {
                        count(&[*y], y_log);
                    }
                }
            }
            Marks::Band(band) => band.iter().for_each(|(x, low, high)| {
                count(&[*x, *low, *high], false);
            }),
            Marks::Bars(bars) => {
                let logarithmic = if chart.horizontal { x_log } else { y_log };
                bars.iter()
                    .for_each(|(_, length)| count(&[*length], logarithmic));
            }
            Marks::Histogram(values) => values.iter().for_each(|value| count(&[*value], false)),
            _ => {}
        }
    }
    let values = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 value is not {what} and left out")),
        n => Some(format!("{n} values are not {what} and left out")),
    };
    chart
        .remarks
        .iter()
        .cloned()
        .chain(values(odd, "finite"))
        .chain(values(below, "above zero"))
        .collect()
}

pub(crate) fn paint(series: &Series) -> Paint {
    match series.marks {
        Marks::VerticalRule(_) | Marks::HorizontalRule(_) => Paint::Faint,
        _ => Paint::Series(series.colour),
    }
}

pub(crate) fn opacity(series: &Series) -> f64 {
    if series.faint { 0.35 } else { 1.0 }
}

/// Beyond the palette lines are told apart by their dashes.
pub(crate) fn is_dashed(series: &Series) -> bool {
    series.dashed || series.takes_a_colour() && series.colour / COLOURS % 2 == 1
}

pub(crate) fn stroke_width(series: &Series) -> f64 {
    match series.marks {
        Marks::Line(_) if !series.faint => STROKE,
        _ => THIN_STROKE,
    }
}

fn line(
    scene: &mut Scene,
    chart: &Chart,
    series: &Series,
    points: &[(f64, f64)],
    plane: &Plane,
) -> Result<(), PlotError> {
    let columns = (plane.rect.width() * 2.0) as usize;
    let mut paths = Vec::new();
    for run in points.split(|point| !shown(chart, point)) {
        let path: Vec<_> = run.iter().map(|point| plane.at(*point)).collect();
        paths.extend(plane.clip(&thinned(&path, columns)));
    }
    let items: Vec<_> = paths
        .into_iter()
        .filter(|path| !path.is_empty())
        .map(|path| stroke(series, path))
        .collect();
    let drawn: usize = items
        .iter()
        .map(|item| match item {
            Item::Line { path, .. } => path.len(),
            _ => 1,
        })
        .sum();
    if drawn > MANY_POINTS {
        scene.items.push(raster::layer(&items, plane.rect)?);
    } else {
        scene.items.extend(items);
    }
    Ok(())
}

/// A path in the style of its series; a single point becomes a dot.
fn stroke(series: &Series, path: Vec<Point>) -> Item {
    let (paint, opacity) = (paint(series), opacity(series));
    match path.as_slice() {
        [at] => Item::Dot {
            at: *at,
            radius: DOT,
            paint,
            opacity,
        },
        _ => Item::Line {
            path,
            width: stroke_width(series),
            dashed: is_dashed(series),
            paint,
            opacity,
        },
    }
}

fn dots(
    scene: &mut Scene,
    chart: &Chart,
    series: &Series,
    points: &[(f64, f64)],
    plane: &Plane,
) -> Result<(), PlotError> {
    let (radius, strength) = match points.len() {
        0..=300 => (DOT, 0.8),
        301..=MANY_DOTS => (2.2, 0.6),
        2001..=20_000 => (1.6, 0.45),
        _ => (1.1, 0.25),
    };
    let places: Vec<_> = points
        .iter()
        .filter(|point| shown(chart, point))
        .map(|point| plane.at(*point))
        .filter(|at| plane.rect.contains(*at))
        .collect();
    let (paint, opacity) = (paint(series), strength * opacity(series));
    if places.len() > MANY_DOTS {
        let cloud = raster::cloud(&places, radius, paint, opacity, plane.rect)?;
        scene.items.push(cloud);
    } else {
        for at in places {
            scene.dot(at, radius, paint, opacity);
        }
    }
    Ok(())
}

fn band(
    scene: &mut Scene,
    chart: &Chart,
    series: &Series,
    points: &[(f64, f64, f64)],
    plane: &Plane,
) {
    let usable =
        |(x, low, high): &(f64, f64, f64)| shown(chart, &(*x, *low)) && shown(chart, &(*x, *high));
    for run in points.split(|point| !usable(point)) {
        let above = run.iter().map(|&(x, _, high)| plane.at((x, high)));
        let below = run.iter().rev().map(|&(x, low, _)| plane.at((x, low)));
        let outline: Vec<_> = above.chain(below).map(|at| plane.inside(at)).collect();
        if !outline.is_empty() {
            scene.items.push(Item::Area {
                outline,
                paint: paint(series),
                opacity: BAND * opacity(series),
            });
        }
    }
}

/// Draws a line across the plane; the coordinate that is NaN runs from end to end.
fn rule(scene: &mut Scene, series: &Series, plane: &Plane, [(x, y), _]: [(f64, f64); 2]) {
    let Rect {
        left,
        top,
        right,
        bottom,
    } = plane.rect;
    let path = match (x.is_nan(), y.is_nan()) {
        (false, true) => vec![(plane.x(x), top), (plane.x(x), bottom)],
        (true, false) => vec![(left, plane.y(y)), (right, plane.y(y))],
        _ => return,
    };
    for path in plane.clip(&path) {
        scene.items.push(stroke(series, path));
    }
}

/// Draws a dot, with any words on the side where there is more room.
fn note(scene: &mut Scene, value: (f64, f64), words: &str, plane: &Plane) {
    let at = plane.at(value);
    let outside = !value.0.is_finite() || !value.1.is_finite() || !plane.rect.contains(at);
    if outside {
        return;
    }
    scene.dot(at, 5.5, Paint::Paper, 1.0);
    scene.dot(at, 4.0, Paint::Ink, 1.0);
    if words.is_empty() {
        return;
    }
    let (middle, _) = plane.rect.centre();
    let to_the_right = at.0 < middle;
    let room = if to_the_right {
        plane.rect.right - at.0
    } else {
        at.0 - plane.rect.left
    };
    let words = text::shorten(words, TICK_SIZE, room - 12.0);
    let width = text::width(&words, TICK_SIZE);
    // Above the dot, or below where there is no room above.
    let y = if at.1 - 22.0 > plane.rect.top {
        at.1 - 14.0
    } else {
        at.1 + 15.0
    };
    let (left, anchor) = if to_the_right {
        (at.0 + 8.0, Anchor::Start)
    } else {
        (at.0 - 8.0 - width, Anchor::End)
    };
    let ground = Rect {
        left: left - 2.0,
        top: y - 9.0,
        right: left + width + 2.0,
        bottom: y + 9.0,
    };
    scene.block(ground, Paint::Paper, 0.7);
    let x = if to_the_right { left } else { left + width };
    scene.write(words, (x, y), TICK_SIZE, Paint::Ink, anchor);
}

/// A path without the points that paper cannot tell apart: of each of `columns` equal parts along x it keeps the
/// first, least, greatest and last point. A path that turns back loses only points that hardly move.
fn thinned(path: &[Point], columns: usize) -> Vec<Point> {
    let (Some(first), Some(last)) = (path.first(), path.last()) else {
        return Vec::new();
    };
    if path.len() <= 4 * columns {
        return path.to_vec();
    }
    if !path.windows(2).all(|pair| pair[0].0 <= pair[1].0) {
        let mut kept = vec![*first];
        for point in path {
            let moved = kept
                .last()
                .is_none_or(|(x, y)| (x - point.0).hypot(y - point.1) > 0.5);
            if moved {
                kept.push(*point);
            }
        }
        return kept;
    }
    let span = (last.0 - first.0).max(f64::MIN_POSITIVE);
    let column = |point: &Point| ((point.0 - first.0) / span * columns as f64) as usize;
    let mut kept = Vec::new();
    for part in path.chunk_by(|a, b| column(a) == column(b)) {
        let by_y = |a: &usize, b: &usize| part[*a].1.total_cmp(&part[*b].1);
        let mut keep = vec![0, part.len() - 1];
        keep.extend((0..part.len()).min_by(by_y));
        keep.extend((0..part.len()).max_by(by_y));
        keep.sort_unstable();
        keep.dedup();
        kept.extend(keep.into_iter().map(|i| part[i]));
    }
    kept
}
