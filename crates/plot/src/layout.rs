//! From a chart to a scene: how large it is, and where title, legend, axes and their words stand.

use crate::PlotError;
use crate::axes::{draw_axes, draw_grid, draw_key, key_room, x_axis, y_axis};
use crate::axis::{Axis, Kind};
use crate::chart::Chart;
use crate::plane::Plane;
use crate::reach::{bar_series, extents, is_empty, matrix};
use crate::scene::{Anchor, Paint, Rect, Scene};
use crate::{legend, marks, text};

// CSS pixels.
pub(crate) const MARGIN: f64 = 14.0;
pub(crate) const TITLE_SIZE: f64 = 16.0;
pub(crate) const TEXT_SIZE: f64 = 13.0;
pub(crate) const TICK_SIZE: f64 = 12.0;
pub(crate) const LINE_HEIGHT: f64 = 20.0;
/// A line of a note.
const NOTE_HEIGHT: f64 = LINE_HEIGHT - 3.0;
/// What legend and notes leave of the height for the plane.
const LEAST_PLANE: f64 = 40.0;
/// The most that names beside an axis may take.
const LONGEST_NAME: f64 = 170.0;

/// The chart in its natural size.
pub(crate) fn scene(chart: &Chart) -> Result<Scene, PlotError> {
    let (width, height) = natural_size(chart);
    sized(chart, width, height)
}

/// The chart, `width` x `height` CSS pixels large.
pub(crate) fn sized(chart: &Chart, width: f64, height: f64) -> Result<Scene, PlotError> {
    let mut scene = Scene::new(width, height);
    let room = frame(&mut scene, chart);
    let (mut plane, upright) = plane(chart, room);
    if is_empty(chart) {
        // Numbers beside nothing would be made up.
        for axis in [&mut plane.x, &mut plane.y] {
            axis.ticks.clear();
            axis.minor.clear();
        }
    }
    draw_grid(&mut scene, &plane);
    marks::draw(&mut scene, chart, &plane)?;
    draw_axes(&mut scene, &plane, upright);
    label_axes(&mut scene, chart, room, &plane);
    if let Some(matrix) = matrix(chart).filter(|matrix| matrix.key) {
        draw_key(&mut scene, matrix, &plane)?;
    }
    if is_empty(chart) {
        let at = plane.rect.centre();
        scene.write("no data", at, TITLE_SIZE, Paint::Faint, Anchor::Middle);
    }
    Ok(scene)
}

/// The size that suits a chart that has not been given one.
pub(crate) fn natural_size(chart: &Chart) -> (f64, f64) {
    if let Some((width, height)) = chart.size {
        return (f64::from(width), f64::from(height));
    }
    let usual = (640.0, 400.0);
    // A first try shows how much goes to what is around the plane.
    let around = |width: f64| {
        let room = frame(&mut Scene::new(width, 2000.0), chart);
        let (plane, _) = plane(chart, room);
        (
            plane.rect.left + width - room.right + key_room(chart),
            plane.rect.top + 2000.0 - room.bottom + bottom_room(chart, &plane).0,
        )
    };
    if let Some(matrix) = matrix(chart) {
        let (columns, rows) = (matrix.columns.max(1) as f64, matrix.rows().max(1) as f64);
        let cell = (420.0 / columns.max(rows))
            .clamp(32.0, 72.0)
            .max(200.0 / columns.max(rows));
        let fits = cell * columns.max(rows) <= 700.0;
        let (wide, high) = match fits {
            true => (cell * columns, cell * rows),
            false => (
                560.0 * columns / columns.max(rows),
                560.0 * rows / columns.max(rows),
            ),
        };
        let (wide, high) = (wide.max(120.0), high.max(60.0));
        let width = (wide + around(640.0).0).max(300.0);
        return (width.ceil(), (high + around(width).1).ceil());
    }
    if chart.horizontal {
        let rows = chart.categories.len() as f64;
        let each = 12.0 + 12.0 * bar_series(chart).max(1) as f64;
        let height = (rows * each).max(60.0) + around(usual.0).1;
        return (usual.0, height.min(4000.0).ceil());
    }
    // Upright names need room that the data should not lose.
    let room = frame(&mut Scene::new(usual.0, 2000.0), chart);
    let below = bottom_room(chart, &plane(chart, room).0).0;
    (usual.0, usual.1 + (below - LINE_HEIGHT).round())
}

/// Draws title, legend, names of the axes and notes; returns the room that is left for the axes.
fn frame(scene: &mut Scene, chart: &Chart) -> Rect {
    let mut rest = Rect {
        left: MARGIN,
        top: MARGIN,
        right: scene.width - MARGIN,
        bottom: scene.height - MARGIN,
    };
    let room = rest.width();
    if !chart.title.is_empty() {
        // Bold letters are about a tenth wider.
        let title = text::shorten(&chart.title, TITLE_SIZE * 1.1, room);
        let at = (rest.left, rest.top + LINE_HEIGHT / 2.0);
        scene
            .write(title, at, TITLE_SIZE, Paint::Ink, Anchor::Start)
            .bold = true;
        rest.top += LINE_HEIGHT + 6.0;
    }
    let mut notes = Vec::new();
    for note in marks::notes(chart) {
        notes.extend(text::wrap(&note, TICK_SIZE, room));
    }
    // On small cards legend and notes leave something to the data, and one line of notes is left by the legend.
    let names = f64::from(u8::from(!chart.x_label.is_empty()));
    let data = LEAST_PLANE + LINE_HEIGHT + names * LINE_HEIGHT;
    let note = match notes.is_empty() {
        true => 0.0,
        false => NOTE_HEIGHT + 4.0,
    };
    rest.top = legend::draw(scene, &chart.series, rest, rest.height() - data - note);
    let most = ((rest.height() - data - 4.0) / NOTE_HEIGHT).max(1.0) as usize;
    if notes.len() > most {
        notes.truncate(most);
        if let Some(last) = notes.last_mut() {
            *last = format!(
                "{}…",
                text::shorten(last, TICK_SIZE, room - 2.0 * TICK_SIZE).trim_end_matches('…')
            );
        }
    }
    for line in notes.iter().rev() {
        let at = (rest.left, rest.bottom - 6.0);
        scene.write(line, at, TICK_SIZE, Paint::Faint, Anchor::Start);
        rest.bottom -= NOTE_HEIGHT;
    }
    if rest.bottom < scene.height - MARGIN {
        rest.bottom -= 4.0;
    }
    if !chart.x_label.is_empty() {
        rest.bottom -= LINE_HEIGHT;
    }
    if !chart.y_label.is_empty() {
        rest.left += LINE_HEIGHT;
    }
    rest
}

/// Writes the names of the axes into the room that `frame` has kept for them outside of `room`, at the middle of
/// their axes as far as they fit there: not into the legend above, nor into what stands below.
fn label_axes(scene: &mut Scene, chart: &Chart, room: Rect, plane: &Plane) {
    let (x, y) = plane.rect.centre();
    let within = |middle: f64, length: f64, from: f64, to: f64| {
        let (low, high) = (from + length / 2.0, to - length / 2.0);
        middle.max(low).min(high.max(low))
    };
    let right = scene.width - MARGIN;
    if !chart.x_label.is_empty() {
        let label = text::shorten(&chart.x_label, TEXT_SIZE, right - MARGIN);
        let width = text::width(&label, TEXT_SIZE);
        let at = (
            within(x, width, MARGIN, right),
            room.bottom + LINE_HEIGHT - 6.0,
        );
        scene.write(label, at, TEXT_SIZE, Paint::Ink, Anchor::Middle);
    }
    if !chart.y_label.is_empty() {
        let label = text::shorten(&chart.y_label, TEXT_SIZE, room.height());
        let height = text::width(&label, TEXT_SIZE);
        let at = (
            room.left - LINE_HEIGHT + 6.0,
            within(y, height, room.top, room.bottom),
        );
        scene
            .write(label, at, TEXT_SIZE, Paint::Ink, Anchor::Middle)
            .upright = true;
    }
}

/// Finds the place of the plane inside of `room`; says also whether the names along x stand upright.
fn plane(chart: &Chart, room: Rect) -> (Plane, bool) {
    let (x, y) = extents(chart);
    let mut y_axis = y_axis(chart, y, room.height() - LINE_HEIGHT);
    for (_, label) in &mut y_axis.ticks {
        *label = text::shorten_middle(label, TICK_SIZE, LONGEST_NAME.min(room.width() * 0.4));
    }
    let widest = |axis: &Axis| {
        let widths = axis
            .ticks
            .iter()
            .map(|(_, label)| text::width(label, TICK_SIZE));
        widths.fold(0.0, f64::max)
    };
    let left = room.left + widest(&y_axis) + 8.0;
    let right = room.right - key_room(chart);
    let x_axis = x_axis(chart, x, right - left);
    // The last number may stand half outside.
    let overhang = match (x_axis.kind, x_axis.ticks.last()) {
        (Kind::Names, _) | (_, None) => 0.0,
        (_, Some((_, label))) => (text::width(label, TICK_SIZE) / 2.0 - MARGIN).max(0.0),
    };
    let mut plane = Plane {
        rect: Rect {
            left,
            top: room.top + 4.0,
            right: (right - overhang).max(left + 10.0),
            bottom: room.bottom,
        },
        x: x_axis,
        y: y_axis,
        down: matrix(chart).is_some() || (chart.horizontal && !chart.categories.is_empty()),
    };
    let (below, upright) = bottom_room(chart, &plane);
    let longest = match upright {
        true => longest_upright(&plane),
        false => LONGEST_NAME,
    };
    for (_, label) in &mut plane.x.ticks {
        *label = text::shorten_middle(label, TICK_SIZE, longest);
    }
    plane.rect.bottom = (room.bottom - below).max(plane.rect.top + 10.0);
    if let Some(matrix) = matrix(chart).filter(|matrix| matrix.square) {
        let (columns, rows) = (matrix.columns.max(1) as f64, matrix.rows().max(1) as f64);
        let cell = (plane.rect.width() / columns).min(plane.rect.height() / rows);
        plane.rect.right = plane.rect.left + cell * columns;
        plane.rect.bottom = plane.rect.top + cell * rows;
    }
    part_labels(&mut plane, upright);
    (plane, upright)
}

/// Leaves out labels that would stand on the one before them, as they do in a very small plane.
fn part_labels(plane: &mut Plane, upright: bool) {
    // Widths are estimates on the wide side.
    let across = |label: &str| match upright {
        true => TICK_SIZE,
        false => text::width(label, TICK_SIZE) * 0.8,
    };
    let parted =
        |ticks: Vec<(f64, String)>, at: &dyn Fn(f64) -> f64, size: &dyn Fn(&str) -> f64| {
            let mut kept: Vec<(f64, String)> = Vec::new();
            for (value, label) in ticks {
                let meets = |(other, words): &(f64, String)| {
                    (at(value) - at(*other)).abs() < (size(&label) + size(words)) / 2.0
                };
                if label.is_empty() || !kept.last().is_some_and(meets) {
                    kept.push((value, label));
                }
            }
            kept
        };
    let (x, y) = (plane.x.ticks.clone(), plane.y.ticks.clone());
    let x = parted(x, &|value| plane.x(value), &across);
    let y = parted(y, &|value| plane.y(value), &|_| TICK_SIZE * 0.8);
    (plane.x.ticks, plane.y.ticks) = (x, y);
}

/// The most that names which stand upright may take of what is still all the plane's: the data needs some of it.
fn longest_upright(plane: &Plane) -> f64 {
    LONGEST_NAME.min(plane.rect.height() * 0.45)
}

/// The height of what stands below the plane, and whether names stand upright there.
fn bottom_room(chart: &Chart, plane: &Plane) -> (f64, bool) {
    let labels = plane.x.ticks.iter();
    let widest = labels
        .map(|(_, label)| text::width(label, TICK_SIZE))
        .fold(0.0, f64::max);
    let each = plane.rect.width() / plane.x.ticks.len().max(1) as f64;
    let named =
        plane.x.kind == Kind::Names && (matrix(chart).is_none() || !chart.x.names.is_empty());
    if named && widest > each - 6.0 {
        (widest.min(longest_upright(plane)) + 10.0, true)
    } else {
        (LINE_HEIGHT, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Extent;
    use crate::scene::{Item, Point};
    use crate::{Theme, line_chart, scatter_chart, svg};

    fn texts(chart: &Chart) -> Vec<String> {
        let scene = scene(chart).unwrap();
        scene.words().map(|words| words.text.clone()).collect()
    }

    /// The lines of legend and data; grid and axes are thinner.
    fn lines(chart: &Chart) -> Vec<Vec<Point>> {
        let items = scene(chart).unwrap().items.into_iter();
        items
            .filter_map(|item| match item {
                Item::Line {
                    path, width: 2.0, ..
                } => Some(path),
                _ => None,
            })
            .collect()
    }

    fn dots(chart: &Chart) -> usize {
        let items = scene(chart).unwrap().items;
        items
            .iter()
            .filter(|item| matches!(item, Item::Dot { .. }))
            .count()
    }

    #[test]
    fn a_chart_has_its_words_and_one_line_a_series() {
        let chart = Chart::new()
            .title("T")
            .x_label("x")
            .y_label("y")
            .line("a", [1, 2])
            .line("b", [2, 1]);
        let texts = texts(&chart);
        for word in ["T", "x", "y", "a", "b", "0", "1", "1.0", "2.0"] {
            assert!(texts.iter().any(|text| text == word), "{word} in {texts:?}");
        }
        assert_eq!(lines(&chart).len(), 4); // two in the legend, two in the chart
    }

    #[test]
    fn values_stand_where_they_belong() {
        let lines = lines(&line_chart([0.0, 5.0, 10.0]));
        let [(x0, y0), (x1, y1), (x2, y2)] = lines[0][..] else {
            panic!("{lines:?}")
        };
        assert!((x1 - x0 - (x2 - x1)).abs() < 1e-9 && (y0 - y1 - (y1 - y2)).abs() < 1e-9);
        assert!(x0 < x1 && y0 > y1, "left to right and upwards: {lines:?}");
    }

    #[test]
    fn the_legend_is_above_the_data() {
        let many = (0..30).fold(Chart::new(), |chart, run| {
            chart.line(format!("run {run}"), [0, 9])
        });
        for chart in [Chart::new().line("a", [0, 9]).line("b", [9, 0]), many] {
            let (swatches, data): (Vec<_>, Vec<_>) = lines(&chart)
                .into_iter()
                .partition(|line| line[0].1 == line[1].1);
            let lowest = swatches.iter().flatten().map(|p| p.1).fold(0.0, f64::max);
            let highest = data
                .iter()
                .flatten()
                .map(|p| p.1)
                .fold(f64::INFINITY, f64::min);
            assert!(lowest > 0.0 && lowest < highest);
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_said() {
        assert!(texts(&line_chart(Vec::<f64>::new())).contains(&"no data".into()));
        assert_eq!(texts(&Chart::new()), ["no data"]);
        let gaps = line_chart([1.0, f64::NAN, 2.0, 3.0, f64::INFINITY]);
        assert!(texts(&gaps).contains(&"2 values are not finite and left out".into()));
        assert_eq!((dots(&gaps), lines(&gaps).len()), (1, 1));
        let zero = line_chart([0, 1, 10]).y_log();
        assert!(texts(&zero).contains(&"1 value is not above zero and left out".into()));
    }

    #[test]
    fn thousands_of_dots_become_a_picture() {
        let pictures = |count: usize| {
            let chart = scatter_chart((0..count).map(|i| (i, i % 7)));
            let items = scene(&chart).unwrap().items;
            let pictures = items
                .iter()
                .filter(|item| matches!(item, Item::Picture { .. }));
            (dots(&chart), pictures.count())
        };
        assert_eq!(pictures(500), (500, 0));
        assert_eq!(pictures(100_000), (0, 1));
    }

    #[test]
    fn long_lines_stay_small_and_keep_their_peaks() {
        let mut ys = vec![0.0; 100_000];
        ys[54_321] = 1.0;
        let chart = line_chart(&ys);
        assert!(chart.to_svg().unwrap().len() < 200_000);
        let heights = lines(&chart)[0]
            .iter()
            .map(|point| point.1)
            .collect::<Vec<_>>();
        let extent = Extent::of(heights).unwrap();
        assert!(extent.high - extent.low > 200.0);
    }

    #[test]
    fn nothing_is_drawn_outside_of_a_chosen_range() {
        let chart = line_chart([0, 10, -10, 5]).y_range(-1, 6);
        let area = scene(&chart).unwrap();
        let (top, bottom) = (MARGIN, area.height - MARGIN);
        let ys = lines(&chart).into_iter().flatten().map(|point| point.1);
        assert!(ys.into_iter().all(|y| (top..=bottom).contains(&y)));
    }

    #[test]
    fn words_cannot_become_markup() {
        let chart = Chart::new().title("<script>&\u{0}").line("\"b\"", [1, 2]);
        let svg = chart.to_svg().unwrap();
        assert!(
            !svg.contains("<script") && svg.contains("&lt;script&gt;") && !svg.contains('\u{0}')
        );
    }

    #[test]
    fn an_svg_has_the_size_of_its_scene() {
        let scene = Scene::new(300.0, 200.0);
        let svg = svg::svg(&scene, Theme::Light, "nothing").unwrap();
        assert!(svg.starts_with(r#"<svg xmlns="http://www.w3.org/2000/svg" class="cvstudy-chart" width="300" height="200" viewBox="0 0 3000 2000" role="img" aria-label="nothing""#));
    }
}
