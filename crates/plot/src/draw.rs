//! From a chart to SVG, through plotters.
//!
//! plotters places everything at whole units, so a unit is a tenth of a CSS pixel: lines stay smooth.
//! The chart stands on a white card of its own, which reads well on light and dark pages.

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use rt::display::escape;

use crate::axis::{self, Axis, Fit, has_place};
use crate::chart::{Chart, Mark, Series};
use crate::{PlotError, text};

/// Units in a CSS pixel.
const UNITS: f64 = 10.0;
/// plotters divides font sizes by this before it writes them.
const FONT: f64 = 1.24;

/// Okabe and Ito's colours ("Color Universal Design", 2008), without yellow, which is faint on white.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),   // blue
    RGBColor(213, 94, 0),    // vermillion
    RGBColor(0, 158, 115),   // bluish green
    RGBColor(204, 121, 167), // reddish purple
    RGBColor(230, 159, 0),   // orange
    RGBColor(86, 180, 233),  // sky blue
    RGBColor(0, 0, 0),       // black
];
const INK: RGBColor = RGBColor(34, 34, 34);
const FAINT_INK: RGBColor = RGBColor(85, 85, 85);
const AXIS: RGBColor = RGBColor(136, 136, 136);
const GRID: RGBColor = RGBColor(230, 230, 230);

// CSS pixels.
const MARGIN: f64 = 14.0;
const TITLE_SIZE: f64 = 16.0;
const TEXT_SIZE: f64 = 13.0;
const TICK_SIZE: f64 = 12.0;
const LINE_HEIGHT: f64 = 20.0;
const SWATCH: f64 = 22.0;
const STROKE: f64 = 2.0;
const DOT: f64 = 3.2;

/// The most dots drawn for one series.
const MAX_DOTS: usize = 5000;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The chart as SVG source, described as `summary`.
pub(crate) fn svg(chart: &Chart, summary: &str) -> Result<String, PlotError> {
    let (width, height) = chart.size;
    let mut source = String::new();
    {
        let units = UNITS as u32;
        let root = SVGBackend::with_string(&mut source, (width * units, height * units))
            .into_drawing_area();
        let plot = frame(&root, chart)?;
        axes_and_series(&root, chart, plot)?;
        root.present().map_err(failed)?;
    }
    // plotters writes the size in its own units; the rest of its opening tag is ours to choose too.
    let body = source.split_once('>').map_or("", |(_, body)| body);
    let (wide, high) = (f64::from(width) * UNITS, f64::from(height) * UNITS);
    let radius = 6.0 * UNITS;
    let label = escape(&text::printable(summary));
    Ok(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {wide} {high}" role="img" aria-label="{label}" stroke-linejoin="round" stroke-linecap="round">
<rect width="{wide}" height="{high}" rx="{radius}" fill="#FFFFFF"/>{body}"##
    ))
}

/// A rectangle in CSS pixels.
#[derive(Clone, Copy, Debug)]
struct Rect {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

/// Draws title, legend, axis names and notes; returns the room that is left for the axes.
fn frame(root: &Area, chart: &Chart) -> Result<Rect, PlotError> {
    let (width, height) = (f64::from(chart.size.0), f64::from(chart.size.1));
    let mut rest = Rect {
        left: MARGIN,
        top: MARGIN,
        right: width - MARGIN,
        bottom: height - MARGIN,
    };
    let room = rest.right - rest.left;
    if !chart.title.is_empty() {
        let mut style = font(TITLE_SIZE, INK);
        style.font = style.font.style(FontStyle::Bold);
        // Bold letters are about a tenth wider.
        let title = text::shorten(&chart.title, TITLE_SIZE * 1.1, room);
        write(
            root,
            title,
            (rest.left, rest.top + LINE_HEIGHT / 2.0),
            style.at(HPos::Left),
        )?;
        rest.top += LINE_HEIGHT + 6.0;
    }
    rest.top = legend(root, &chart.series, rest)?;
    for note in notes(&chart.series) {
        let at = (rest.left, rest.bottom - 6.0);
        write(
            root,
            text::shorten(&note, TICK_SIZE, room),
            at,
            font(TICK_SIZE, FAINT_INK).at(HPos::Left),
        )?;
        rest.bottom -= LINE_HEIGHT - 2.0;
    }
    if !chart.x_label.is_empty() {
        let label = text::shorten(&chart.x_label, TEXT_SIZE, room);
        let at = ((rest.left + rest.right) / 2.0, rest.bottom - 6.0);
        write(root, label, at, font(TEXT_SIZE, INK).at(HPos::Center))?;
        rest.bottom -= LINE_HEIGHT;
    }
    if !chart.y_label.is_empty() {
        let label = text::shorten(&chart.y_label, TEXT_SIZE, rest.bottom - rest.top);
        let at = (rest.left + 6.0, (rest.top + rest.bottom) / 2.0);
        let style = font(TEXT_SIZE, INK).transform(FontTransform::Rotate270);
        write(root, label, at, style.at(HPos::Center))?;
        rest.left += LINE_HEIGHT;
    }
    Ok(rest)
}

/// Draws the named series in rows from the top of `room`, so that they cover nothing; returns where the rows end.
fn legend(root: &Area, series: &[Series], room: Rect) -> Result<f64, PlotError> {
    let (mut x, mut y) = (room.left, room.top);
    for (index, series) in series
        .iter()
        .enumerate()
        .filter(|(_, series)| !series.name.is_empty())
    {
        let name = text::shorten(
            &series.name,
            TEXT_SIZE,
            room.right - room.left - SWATCH - 8.0,
        );
        let width = SWATCH + 8.0 + text::width(&name, TEXT_SIZE) + 14.0;
        if x > room.left && x + width - 14.0 > room.right {
            (x, y) = (room.left, y + LINE_HEIGHT);
        }
        let middle = y + LINE_HEIGHT / 2.0;
        match series.mark {
            Mark::Line => {
                let ends = vec![units((x, middle)), units((x + SWATCH, middle))];
                stroke(root, index, ends)?;
            }
            Mark::Dot => {
                let dot = Circle::new(
                    units((x + SWATCH / 2.0, middle)),
                    length(DOT),
                    colour(index).filled(),
                );
                root.draw(&dot).map_err(failed)?;
            }
        }
        write(
            root,
            name,
            (x + SWATCH + 8.0, middle),
            font(TEXT_SIZE, INK).at(HPos::Left),
        )?;
        x += width;
    }
    Ok(if x > room.left {
        y + LINE_HEIGHT + 6.0
    } else {
        room.top
    })
}

/// What a reader of the chart has to know besides.
fn notes(series: &[Series]) -> Vec<String> {
    let missing: usize = series
        .iter()
        .map(|s| s.points.iter().filter(|point| !has_place(point)).count())
        .sum();
    let dots = |s: &&Series| s.mark == Mark::Dot && s.points.len() > MAX_DOTS;
    let crowded = series.iter().filter(dots).map(|s| s.points.len()).max();
    let missing = match missing {
        0 => None,
        1 => Some("1 value is not finite and left out".into()),
        n => Some(format!("{n} values are not finite and left out")),
    };
    let crowded = crowded.map(|n| format!("of {n} dots, one in {} is drawn", n.div_ceil(MAX_DOTS)));
    missing.into_iter().chain(crowded).collect()
}

/// Draws axes, grid and data into `room`.
fn axes_and_series(root: &Area, chart: &Chart, room: Rect) -> Result<(), PlotError> {
    let (x, y) = axis::extents(&chart.series);
    let only_lines = chart.series.iter().all(|s| s.mark == Mark::Line);
    let counted = chart
        .series
        .iter()
        .flat_map(|s| &s.points)
        .all(|(x, _)| x.fract() == 0.0);
    let x_fit = match (only_lines, counted) {
        (true, true) => Fit::Whole,
        (true, false) => Fit::Exact,
        (false, _) => Fit::Loose,
    };
    let x_axis = Axis::new(x, x_fit, ((room.right - room.left) / 70.0) as usize);
    let y_axis = Axis::new(y, Fit::Loose, ((room.bottom - room.top) / 40.0) as usize);

    let label_width = |axis: &Axis, tick: &f64| text::width(&axis.label(*tick), TICK_SIZE);
    let left = y_axis
        .ticks
        .iter()
        .map(|tick| label_width(&y_axis, tick))
        .fold(0.0, f64::max)
        + 8.0;
    let right = x_axis
        .ticks
        .last()
        .map_or(0.0, |tick| label_width(&x_axis, tick) / 2.0 - MARGIN)
        .max(0.0);
    let area = root.clone().shrink(
        units((room.left, room.top)),
        units((room.right - right - room.left, room.bottom - room.top)),
    );
    let mut context = ChartBuilder::on(&area)
        .x_label_area_size(length(LINE_HEIGHT))
        .y_label_area_size(length(left))
        .build_cartesian_2d(x_axis, y_axis)
        .map_err(failed)?;
    context
        .configure_mesh()
        .bold_line_style(GRID.stroke_width(length(1.0)))
        .axis_style(AXIS.stroke_width(length(1.0)))
        .set_all_tick_mark_size(length(4.0))
        .label_style(font(TICK_SIZE, FAINT_INK))
        .draw()
        .map_err(failed)?;

    let plane = context.plotting_area();
    let columns = ((room.right - room.left) * 2.0) as usize;
    for (index, series) in chart.series.iter().enumerate() {
        match series.mark {
            Mark::Line => {
                for run in series
                    .points
                    .split(|point| !has_place(point))
                    .filter(|run| !run.is_empty())
                {
                    let path = thinned(run, columns)
                        .iter()
                        .map(|point| plane.map_coordinate(point))
                        .collect();
                    stroke(root, index, path)?;
                }
            }
            Mark::Dot => {
                let every = series.points.len().div_ceil(MAX_DOTS).max(1);
                for point in series
                    .points
                    .iter()
                    .step_by(every)
                    .filter(|point| has_place(point))
                {
                    let at = plane.map_coordinate(point);
                    let dot = Circle::new(at, length(DOT), colour(index).mix(0.75).filled());
                    root.draw(&dot).map_err(failed)?;
                }
            }
        }
    }
    if x.is_none() {
        let at = (
            (room.left + left + room.right) / 2.0,
            (room.top + room.bottom - LINE_HEIGHT) / 2.0,
        );
        write(
            root,
            "no data".into(),
            at,
            font(TITLE_SIZE, FAINT_INK).at(HPos::Center),
        )?;
    }
    Ok(())
}

/// Draws the line of a series; a single point becomes a dot. Beyond the palette, lines are dashed.
fn stroke(root: &Area, index: usize, path: Vec<(i32, i32)>) -> Result<(), PlotError> {
    let style = colour(index).stroke_width(length(STROKE));
    match path.as_slice() {
        [point] => root.draw(&Circle::new(*point, length(DOT), colour(index).filled())),
        _ if index / PALETTE.len() % 2 == 1 => root.draw(&DashedPathElement::new(
            path,
            length(6.0),
            length(5.0),
            style,
        )),
        _ => root.draw(&PathElement::new(path, style)),
    }
    .map_err(failed)
}

/// A line of many points without those that paper cannot tell apart: of each of `columns` equal
/// parts along x it keeps the first, least, greatest and last point.
fn thinned(run: &[(f64, f64)], columns: usize) -> Vec<(f64, f64)> {
    let ordered = run.windows(2).all(|pair| pair[0].0 <= pair[1].0);
    let (Some(first), Some(last)) = (run.first(), run.last()) else {
        return Vec::new();
    };
    if run.len() <= 4 * columns || !ordered {
        return run.to_vec();
    }
    let column =
        |point: &(f64, f64)| ((point.0 - first.0) / (last.0 - first.0) * columns as f64) as usize;
    let mut kept = Vec::new();
    for part in run.chunk_by(|a, b| column(a) == column(b)) {
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

fn colour(index: usize) -> RGBColor {
    PALETTE[index % PALETTE.len()]
}

/// The font, `size` CSS pixels large, set from the middle of its height.
fn font(size: f64, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size * UNITS * FONT)
        .with_color(colour)
        .into_text_style(&(0, 0))
}

/// Where a text stands relative to its point.
trait At {
    fn at(self, horizontal: HPos) -> Self;
}

impl At for TextStyle<'_> {
    fn at(self, horizontal: HPos) -> Self {
        self.pos(Pos::new(horizontal, VPos::Center))
    }
}

fn write(root: &Area, text: String, at: (f64, f64), style: TextStyle) -> Result<(), PlotError> {
    root.draw(&Text::new(text, units(at), style))
        .map_err(failed)
}

/// A point in CSS pixels in units.
fn units((x, y): (f64, f64)) -> (i32, i32) {
    ((x * UNITS).round() as i32, (y * UNITS).round() as i32)
}

/// A length in CSS pixels in units.
fn length(pixels: f64) -> u32 {
    (pixels * UNITS).round() as u32
}

fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> PlotError {
    PlotError::Draw(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line_chart;

    fn source(chart: &Chart) -> String {
        chart.to_svg().unwrap()
    }

    /// The content of all `<text>` elements, in order.
    fn texts(svg: &str) -> Vec<&str> {
        let after_tags = svg.split("<text").skip(1);
        after_tags
            .filter_map(|rest| Some(rest.split_once('>')?.1.split_once('<')?.0.trim()))
            .collect()
    }

    /// The points of each line in legend and chart, in CSS pixels; grid and axes are thinner.
    fn polylines(svg: &str) -> Vec<Vec<(f64, f64)>> {
        let number = |text: &str| text.parse::<f64>().unwrap() / UNITS;
        let point = |pair: &str| {
            pair.split_once(',')
                .map(|(x, y)| (number(x), number(y)))
                .unwrap()
        };
        let elements = svg
            .split("<polyline")
            .skip(1)
            .map(|rest| rest.split('>').next().unwrap());
        let lines = elements.filter(|element| element.contains("stroke-width=\"20\""));
        let points = lines.map(|line| {
            line.split("points=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
        });
        points
            .map(|points| points.split_whitespace().map(point).collect())
            .collect()
    }

    #[test]
    fn a_chart_has_its_words_and_one_line_a_series() {
        let chart = Chart::new()
            .title("T")
            .x_label("x")
            .y_label("y")
            .line("a", [1, 2])
            .line("b", [2, 1]);
        let svg = source(&chart);
        let texts = texts(&svg);
        for word in ["T", "x", "y", "a", "b", "0", "1", "1.0", "2.0"] {
            assert!(texts.contains(&word), "{word} in {texts:?}");
        }
        let lines = polylines(&svg);
        assert_eq!(lines.len(), 4); // two in the legend, two in the chart
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn values_stand_where_they_belong() {
        let lines = polylines(&source(&line_chart([0.0, 5.0, 10.0])));
        let [(x0, y0), (x1, y1), (x2, y2)] = lines[0][..] else {
            panic!("{lines:?}")
        };
        assert!(
            (x1 - x0 - (x2 - x1)).abs() < 0.2 && (y0 - y1 - (y1 - y2)).abs() < 0.2,
            "{lines:?}"
        );
        assert!(x0 < x1 && y0 > y1, "left to right and upwards: {lines:?}");
    }

    #[test]
    fn the_legend_is_above_the_data() {
        let lines = polylines(&source(&Chart::new().line("a", [0, 9]).line("b", [9, 0])));
        let lowest_swatch = lines[..2].iter().flatten().map(|p| p.1).fold(0.0, f64::max);
        let highest_value = lines[2..]
            .iter()
            .flatten()
            .map(|p| p.1)
            .fold(f64::INFINITY, f64::min);
        assert!(lowest_swatch < highest_value);
    }

    #[test]
    fn what_cannot_be_drawn_is_said() {
        assert!(texts(&source(&line_chart(Vec::<f64>::new()))).contains(&"no data"));
        assert!(texts(&source(&Chart::new())).contains(&"no data"));
        let svg = source(&line_chart([1.0, f64::NAN, 2.0, 3.0, f64::INFINITY]));
        assert!(texts(&svg).contains(&"2 values are not finite and left out"));
        assert_eq!(
            (svg.matches("<circle").count(), polylines(&svg).len()),
            (1, 1)
        );
        let svg = source(&Chart::new().scatter("", (0..12_000).map(|i| (i, i))));
        assert!(texts(&svg).contains(&"of 12000 dots, one in 3 is drawn"));
        assert_eq!(svg.matches("<circle").count(), 4000);
    }

    #[test]
    fn odd_data_is_no_trouble() {
        let charts = [
            line_chart([0.5; 30]),
            line_chart([7]),
            line_chart([f64::NAN; 3]),
            line_chart([1e300, -1e300, f64::MIN_POSITIVE]),
            Chart::new().line_xy("backwards", [(3, 1), (1, 2), (2, 0)]),
            Chart::new()
                .size(0, u32::MAX)
                .title("x".repeat(10_000))
                .line("y".repeat(10_000), [1, 2]),
        ];
        for chart in charts {
            assert!(source(&chart).ends_with("</svg>\n"));
        }
    }

    #[test]
    fn words_cannot_become_markup() {
        let svg = source(&Chart::new().title("<script>&\u{0}").line("\"b\"", [1, 2]));
        assert!(
            !svg.contains("<script") && svg.contains("&lt;script&gt;") && !svg.contains('\u{0}')
        );
    }

    #[test]
    fn long_lines_stay_small_and_keep_their_peaks() {
        let mut ys = vec![0.0; 100_000];
        ys[54_321] = 1.0;
        let svg = source(&line_chart(&ys));
        assert!(svg.len() < 200_000, "{}", svg.len());
        let line = &polylines(&svg)[0];
        let (top, bottom) = line
            .iter()
            .fold((f64::MAX, f64::MIN), |(a, b), p| (a.min(p.1), b.max(p.1)));
        assert!(bottom - top > 200.0);
    }
}
