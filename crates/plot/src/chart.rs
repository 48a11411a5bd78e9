//! [`Chart`]: lines and points on two axes, with title, labels and legend.

use std::fmt;
use std::fs;
use std::path::Path;

use rt::{Bundle, Show};

use crate::axis::{self, Extent};
use crate::{Number, PlotError, draw};

/// A line or scatter chart.
///
/// ```
/// # let (train, valid) = (vec![0.9, 0.5, 0.3], vec![0.95, 0.6, 0.5]);
/// # use plot::Chart;
/// Chart::new()
///     .title("Learning")
///     .x_label("epoch")
///     .y_label("loss")
///     .line("training", &train)
///     .line("validation", &valid)
/// # ;
/// ```
///
/// Values that are not finite (NaN, infinity) leave a gap and are counted below the chart.
#[derive(Clone, Debug)]
pub struct Chart {
    pub(crate) title: String,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    /// CSS pixels.
    pub(crate) size: (u32, u32),
    pub(crate) series: Vec<Series>,
}

/// Points that belong together.
#[derive(Clone)]
pub(crate) struct Series {
    /// Empty if it needs no entry in the legend.
    pub(crate) name: String,
    pub(crate) mark: Mark,
    pub(crate) points: Vec<(f64, f64)>,
}

/// How the points of a series are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mark {
    Line,
    Dot,
}

/// The width and height of a chart, in CSS pixels, are kept within these bounds.
const SIZES: std::ops::RangeInclusive<u32> = 200..=4000;

/// A chart of one line: `ys` against 0, 1, 2, ...
pub fn line_chart<I>(ys: I) -> Chart
where
    I: IntoIterator,
    I::Item: Number,
{
    Chart::new().line("", ys)
}

impl Chart {
    /// A chart without anything on it, 640 x 400 CSS pixels.
    pub fn new() -> Self {
        Self {
            title: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            size: (640, 400),
            series: Vec::new(),
        }
    }

    /// The line above the chart.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// What runs from left to right.
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x_label = label.into();
        self
    }

    /// What runs from bottom to top.
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y_label = label.into();
        self
    }

    /// Width and height in CSS pixels, each within 200-4000.
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = (
            width.clamp(*SIZES.start(), *SIZES.end()),
            height.clamp(*SIZES.start(), *SIZES.end()),
        );
        self
    }

    /// Adds a line through `ys` at 0, 1, 2, ... A name puts it into the legend.
    pub fn line<I>(self, name: impl Into<String>, ys: I) -> Self
    where
        I: IntoIterator,
        I::Item: Number,
    {
        let points = ys
            .into_iter()
            .enumerate()
            .map(|(x, y)| (x as f64, y.to_f64()))
            .collect();
        self.series(name.into(), Mark::Line, points)
    }

    /// Adds a line through points `(x, y)`, in their order. A name puts it into the legend.
    pub fn line_xy<X: Number, Y: Number>(
        self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (X, Y)>,
    ) -> Self {
        self.series(name.into(), Mark::Line, to_f64(points))
    }

    /// Adds a dot at each point `(x, y)`. A name puts it into the legend.
    pub fn scatter<X: Number, Y: Number>(
        self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (X, Y)>,
    ) -> Self {
        self.series(name.into(), Mark::Dot, to_f64(points))
    }

    /// The chart as SVG source.
    ///
    /// # Errors
    /// [`PlotError::Draw`] when the drawing library fails; no data known makes it do so.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        draw::svg(self, &self.summary())
    }

    /// Writes the chart to an `.svg` file. A file of that name is replaced.
    ///
    /// # Errors
    /// [`PlotError`] when the name does not end in `.svg` or the system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        let path = path.as_ref();
        let name = || path.display().to_string();
        if !path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("svg"))
        {
            return Err(PlotError::Format(name()));
        }
        fs::write(path, self.to_svg()?).map_err(|source| PlotError::Unwritable {
            name: name(),
            source,
        })
    }

    fn series(mut self, name: String, mark: Mark, points: Vec<(f64, f64)>) -> Self {
        self.series.push(Series { name, mark, points });
        self
    }

    /// The chart in words, for those who cannot see it.
    fn summary(&self) -> String {
        let title = if self.title.is_empty() {
            "chart".into()
        } else {
            format!("chart \"{}\"", self.title)
        };
        let names: Vec<_> = self.series.iter().map(Series::summary).collect();
        if names.is_empty() {
            return format!("{title}, empty");
        }
        let range = |label: &str, axis: &str, extent: Option<Extent>| match extent {
            Some(extent) => format!(
                "; {} from {extent}",
                if label.is_empty() { axis } else { label }
            ),
            None => String::new(),
        };
        let (x, y) = axis::extents(&self.series);
        format!(
            "{title}: {}{}{}",
            names.join(", "),
            range(&self.x_label, "x", x),
            range(&self.y_label, "y", y)
        )
    }
}

impl Series {
    fn summary(&self) -> String {
        let mark = match self.mark {
            Mark::Line => "line",
            Mark::Dot => "dots",
        };
        let name = if self.name.is_empty() {
            String::new()
        } else {
            format!(" \"{}\"", self.name)
        };
        format!("{mark}{name} of {} points", self.points.len())
    }
}

fn to_f64<X: Number, Y: Number>(points: impl IntoIterator<Item = (X, Y)>) -> Vec<(f64, f64)> {
    points
        .into_iter()
        .map(|(x, y)| (x.to_f64(), y.to_f64()))
        .collect()
}

impl Default for Chart {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}

impl Show for Chart {
    fn show(&self) -> Bundle {
        match self.to_svg() {
            Ok(svg) => Bundle::svg(svg, self.summary()),
            Err(error) => Bundle::text(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_described_in_words() {
        let chart = Chart::new()
            .title("Learning")
            .x_label("step")
            .line("training", [0.5, 0.25]);
        let bundle = chart.show();
        assert_eq!(
            bundle.plain(),
            "chart \"Learning\": line \"training\" of 2 points; step from 0 to 1.00; y from 0.250 to 0.500"
        );
        assert!(
            bundle.data["image/svg+xml"]
                .as_str()
                .unwrap()
                .contains("aria-label=\"chart &quot;Learning&quot;")
        );
        assert_eq!(Chart::default().show().plain(), "chart, empty");
    }

    #[test]
    fn charts_take_all_kinds_of_numbers() {
        let floats: Vec<f32> = vec![1.0, 2.0];
        let chart = line_chart(&floats)
            .line("b", [1u8, 2])
            .line_xy("c", [(0.5, 1i64)])
            .scatter("d", [(1usize, &2.0)]);
        assert_eq!(chart.series[3].points, [(1.0, 2.0)]);
    }

    #[test]
    fn a_saved_chart_is_an_svg_file() {
        let folder = tempfile::tempdir().unwrap();
        let chart = line_chart([1, 2, 3]);
        let path = folder.path().join("loss.SVG");
        chart.save(&path).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), chart.to_svg().unwrap());
        assert!(
            chart
                .save("loss.png")
                .unwrap_err()
                .to_string()
                .contains("let the name end in .svg")
        );
        let nowhere = chart
            .save(folder.path().join("no/loss.svg"))
            .unwrap_err()
            .to_string();
        assert!(
            nowhere.contains("check that its folder exists"),
            "{nowhere}"
        );
    }
}
