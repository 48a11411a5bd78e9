//! [`Chart`]: one pair of axes and all that stands on it.

use std::collections::HashMap;

use crate::axis::{self, Extent};
use crate::layer::{Marks, Series};
use crate::number::numbers;
use crate::output::{self, Drawing};
use crate::scene::Scene;
use crate::stats::Spread;
use crate::theme::{self, Theme};
use crate::{Number, PlotError};
use crate::{layout, reach};

/// A chart, described step by step and shown below a cell.
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
///     .dashed()
/// # ;
/// ```
///
/// Values that are not finite (NaN, infinity) leave a gap and are counted below the chart, as are values that
/// are not above zero on a logarithmic axis.
///
/// Methods that add something put it on top of what is there. [`named`](Self::named), [`dashed`](Self::dashed),
/// [`faint`](Self::faint) and [`tone`](Self::tone) change what was added last.
#[derive(Clone, Debug)]
pub struct Chart {
    pub(crate) title: String,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    /// CSS pixels; `None` for a size that suits the content.
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) series: Vec<Series>,
    /// What stands along the axis of bars and boxes.
    pub(crate) categories: Vec<String>,
    /// Where each of them is in the list.
    places: HashMap<String, usize>,
    pub(crate) x: AxisWishes,
    pub(crate) y: AxisWishes,
    /// Bars and boxes lie, their names to the left.
    pub(crate) horizontal: bool,
    /// Bars carry their values.
    pub(crate) values: bool,
    pub(crate) bins: Option<usize>,
    pub(crate) remarks: Vec<String>,
    pub(crate) theme: Option<Theme>,
}

/// What has been asked of one axis.
#[derive(Clone, Debug, Default)]
pub(crate) struct AxisWishes {
    pub(crate) logarithmic: bool,
    pub(crate) range: Option<Extent>,
    /// Names of the rows or columns of a matrix.
    pub(crate) names: Vec<String>,
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

/// A chart of dots at points `(x, y)`.
pub fn scatter_chart<X: Number, Y: Number>(points: impl IntoIterator<Item = (X, Y)>) -> Chart {
    Chart::new().scatter("", points)
}

/// A chart of bars: names and lengths.
///
/// ```
/// plot::bar_chart([("buildings", 2191), ("forest", 2271), ("glacier", 2404)]).values();
/// ```
pub fn bar_chart<S: Into<String>, V: Number>(bars: impl IntoIterator<Item = (S, V)>) -> Chart {
    Chart::new().bar("", bars)
}

/// A chart of how often values occur; see [`Chart::histogram`] and [`Chart::bins`].
pub fn histogram<I>(values: I) -> Chart
where
    I: IntoIterator,
    I::Item: Number,
{
    Chart::new().y_label("count").histogram("", values)
}

/// A chart of distributions: names and values; see [`Chart::boxes`].
pub fn box_plot<S, V>(groups: impl IntoIterator<Item = (S, V)>) -> Chart
where
    S: Into<String>,
    V: IntoIterator,
    V::Item: Number,
{
    Chart::new().boxes("", groups)
}

impl Chart {
    /// A chart without anything on it: 640 x 400 CSS pixels, or as large as its matrix or its bars need.
    pub fn new() -> Self {
        Self {
            title: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            size: None,
            series: Vec::new(),
            categories: Vec::new(),
            places: HashMap::new(),
            x: AxisWishes::default(),
            y: AxisWishes::default(),
            horizontal: false,
            values: false,
            bins: None,
            remarks: Vec::new(),
            theme: None,
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
        let within = |side: u32| side.clamp(*SIZES.start(), *SIZES.end());
        self.size = Some((within(width), within(height)));
        self
    }

    /// Light, dark, or as the page is.
    pub fn theme(mut self, theme: Theme) -> Self {
        self.theme = Some(theme);
        self
    }

    /// A line of text below the chart.
    pub fn remark(mut self, remark: impl Into<String>) -> Self {
        self.remarks.push(remark.into());
        self
    }

    /// Makes the x axis logarithmic: equal steps multiply.
    pub fn x_log(mut self) -> Self {
        self.x.logarithmic = true;
        self
    }

    /// Makes the y axis logarithmic: equal steps multiply.
    pub fn y_log(mut self) -> Self {
        self.y.logarithmic = true;
        self
    }

    /// Where the x axis starts and ends. What lies outside is not drawn. Bounds that are equal or not finite are ignored.
    pub fn x_range(mut self, from: impl Number, to: impl Number) -> Self {
        self.x.range = range(from.to_f64(), to.to_f64());
        self
    }

    /// Where the y axis starts and ends. What lies outside is not drawn. Bounds that are equal or not finite are ignored.
    pub fn y_range(mut self, from: impl Number, to: impl Number) -> Self {
        self.y.range = range(from.to_f64(), to.to_f64());
        self
    }

    /// Adds a line through `ys` at 0, 1, 2, ... A name puts it into the legend.
    pub fn line<I>(self, name: impl Into<String>, ys: I) -> Self
    where
        I: IntoIterator,
        I::Item: Number,
    {
        self.line_xy(name, ys.into_iter().enumerate())
    }

    /// Adds a line through points `(x, y)`, in their order. A name puts it into the legend.
    pub fn line_xy<X: Number, Y: Number>(
        self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (X, Y)>,
    ) -> Self {
        self.with(name.into(), Marks::Line(to_f64(points)))
    }

    /// Adds a dot at each point `(x, y)`. A name puts it into the legend.
    pub fn scatter<X: Number, Y: Number>(
        self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (X, Y)>,
    ) -> Self {
        self.with(name.into(), Marks::Dots(to_f64(points)))
    }

    /// Adds the area between two lines: points `(x, low, high)`, as a mean with its deviation has.
    pub fn band<X: Number, Y: Number>(
        self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (X, Y, Y)>,
    ) -> Self {
        let band = points
            .into_iter()
            .map(|(x, low, high)| (x.to_f64(), low.to_f64(), high.to_f64()))
            .collect();
        self.with(name.into(), Marks::Band(band))
    }

    /// Adds bars: names and lengths. Bars of the same name stand side by side. A name for all of them puts them
    /// into the legend.
    pub fn bar<S: Into<String>, V: Number>(
        mut self,
        name: impl Into<String>,
        bars: impl IntoIterator<Item = (S, V)>,
    ) -> Self {
        let bars = bars
            .into_iter()
            .map(|(category, value)| (self.category(category.into()), value.to_f64()))
            .collect();
        self.with(name.into(), Marks::Bars(bars))
    }

    /// Adds a bar for each range of values, as high as the number of values in it. A name puts it into the legend.
    pub fn histogram<I>(self, name: impl Into<String>, values: I) -> Self
    where
        I: IntoIterator,
        I::Item: Number,
    {
        self.with(name.into(), Marks::Histogram(numbers(values)))
    }

    /// The number of bars of a histogram, 1-1000. Without it they are as many as NumPy's `bins="auto"` makes.
    pub fn bins(mut self, count: usize) -> Self {
        self.bins = Some(count);
        self
    }

    /// Adds a box for each group of values: the middle half of them, with a line at the median, whiskers to the
    /// farthest values within 1.5 times the box, and dots beyond.
    pub fn boxes<S, V>(
        mut self,
        name: impl Into<String>,
        groups: impl IntoIterator<Item = (S, V)>,
    ) -> Self
    where
        S: Into<String>,
        V: IntoIterator,
        V::Item: Number,
    {
        let mut boxes = Vec::new();
        for (category, values) in groups {
            let index = self.category(category.into());
            boxes.extend(Spread::of(&numbers(values)).map(|spread| (index, spread)));
        }
        self.with(name.into(), Marks::Boxes(boxes))
    }

    /// Lays bars and boxes down, their names to the left: for many names, or long ones.
    pub fn horizontal(mut self) -> Self {
        self.horizontal = true;
        self
    }

    /// Writes the value of each bar beside it.
    pub fn values(mut self) -> Self {
        self.values = true;
        self
    }

    /// Adds a horizontal line at `y`, for example the accuracy of guessing. A name puts it into the legend.
    pub fn h_line(self, name: impl Into<String>, y: impl Number) -> Self {
        self.with(name.into(), Marks::HorizontalRule(y.to_f64()))
            .dashed()
    }

    /// Adds a vertical line at `x`, for example where fine-tuning began. A name puts it into the legend.
    pub fn v_line(self, name: impl Into<String>, x: impl Number) -> Self {
        self.with(name.into(), Marks::VerticalRule(x.to_f64()))
            .dashed()
    }

    /// Adds a dot at `(x, y)` with a few words beside it.
    pub fn note(self, x: impl Number, y: impl Number, text: impl Into<String>) -> Self {
        self.with(
            String::new(),
            Marks::Note((x.to_f64(), y.to_f64()), text.into()),
        )
    }

    /// Dashes the line that was added last.
    pub fn dashed(self) -> Self {
        self.last(|series| series.dashed = true)
    }

    /// Names what was added last, which puts it into the legend.
    pub fn named(self, name: impl Into<String>) -> Self {
        self.last(|series| series.name = name.into())
    }

    /// Lets what was added last step back behind the rest.
    pub fn faint(self) -> Self {
        self.last(|series| series.faint = true)
    }

    /// Gives what was added last a colour of the palette: 0 blue, 1 vermillion, 2 green, 3 purple, 4 orange,
    /// 5 sky blue, 6 black (white on dark pages), and so on from the start.
    pub fn tone(self, colour: usize) -> Self {
        self.last(|series| series.colour = colour)
    }

    /// Adds marks in the next colour of the palette.
    ///
    /// Not generic, as all that does the work here: what is generic is compiled again with each cell that calls it.
    pub(crate) fn with(mut self, name: String, marks: Marks) -> Self {
        let colour = self.series.iter().filter(|s| s.takes_a_colour()).count();
        self.series.push(Series {
            name,
            marks,
            colour,
            dashed: false,
            faint: false,
        });
        self
    }

    fn last(mut self, change: impl FnOnce(&mut Series)) -> Self {
        if let Some(series) = self.series.last_mut() {
            change(series);
        }
        self
    }

    /// The number of a category, a new one if its name is new.
    fn category(&mut self, name: String) -> usize {
        let next = self.categories.len();
        *self.places.entry(name).or_insert_with_key(|name| {
            self.categories.push(name.clone());
            next
        })
    }
}

output::drawing_methods!(Chart, "chart");

impl Drawing for Chart {
    fn scene(&self) -> Result<Scene, PlotError> {
        layout::scene(self)
    }

    fn chosen_theme(&self) -> Theme {
        self.theme.unwrap_or_else(theme::default_theme)
    }

    /// The chart in words, for those who cannot see it.
    fn summary(&self) -> String {
        let title = if self.title.is_empty() {
            "chart".into()
        } else {
            format!("chart \"{}\"", self.title)
        };
        let parts: Vec<_> = self
            .series
            .iter()
            .map(|s| s.summary(&self.categories))
            .collect();
        if parts.is_empty() {
            return format!("{title}, empty");
        }
        let range = |label: &str, axis: &str, extent: Option<Extent>| match extent {
            Some(extent) => format!(
                "; {} from {extent}",
                if label.is_empty() { axis } else { label }
            ),
            None => String::new(),
        };
        let (x, y) = reach::extents(self);
        let remarks: String = self
            .remarks
            .iter()
            .map(|remark| format!("; {remark}"))
            .collect();
        format!(
            "{title}: {}{}{}{remarks}",
            parts.join(", "),
            range(&self.x_label, "x", x),
            range(&self.y_label, "y", y)
        )
    }
}

fn range(from: f64, to: f64) -> Option<Extent> {
    let usable = from != to && axis::has_place(from, false) && axis::has_place(to, false);
    usable.then(|| Extent {
        low: from.min(to),
        high: from.max(to),
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use rt::Show;

    #[test]
    fn a_chart_is_described_in_words() {
        let chart = Chart::new()
            .title("Learning")
            .x_label("step")
            .line("training", [0.5, 0.25]);
        assert_eq!(
            chart.show().plain(),
            "chart \"Learning\": line \"training\" of 2 points; step from 0 to 1.00; y from 0.250 to 0.500"
        );
        assert_eq!(Chart::default().show().plain(), "chart, empty");
        assert_eq!(
            bar_chart([("cat", 3), ("dog", 5)]).show().plain(),
            "chart: bars (cat 3.00, dog 5.00); y from 0 to 5.00"
        );
    }

    #[test]
    fn charts_take_all_kinds_of_numbers() {
        let floats: Vec<f32> = vec![1.0, 2.0];
        let chart = line_chart(&floats)
            .line("b", [1u8, 2])
            .line_xy("c", [(0.5, 1i64)])
            .scatter("d", [(1usize, &2.0)])
            .histogram("e", [true, false]);
        assert!(matches!(&chart.series[3].marks, Marks::Dots(dots) if dots == &[(1.0, 2.0)]));
        assert!(
            matches!(&chart.series[4].marks, Marks::Histogram(values) if values == &[1.0, 0.0])
        );
    }

    #[test]
    fn changes_reach_what_was_added_last() {
        let chart = line_chart([1]).line("b", [2]).dashed().tone(5).named("c");
        let series: Vec<_> = chart
            .series
            .iter()
            .map(|s| (s.name.as_str(), s.dashed, s.colour))
            .collect();
        assert_eq!(series, [("", false, 0), ("c", true, 5)]);
        // Nothing to change is no trouble.
        assert!(Chart::new().dashed().vmin(1).series.is_empty());
    }

    #[test]
    fn bars_of_one_name_stand_together() {
        let chart = bar_chart([("a", 1), ("b", 2)]).bar("more", [("b", 3), ("c", 4)]);
        assert_eq!(chart.categories, ["a", "b", "c"]);
        assert!(
            matches!(&chart.series[1].marks, Marks::Bars(bars) if bars == &[(1, 3.0), (2, 4.0)])
        );
    }

    #[test]
    fn ranges_that_are_none_are_ignored() {
        let chart = line_chart([1, 2]).x_range(1, 1).y_range(f64::NAN, 2.0);
        assert_eq!((chart.x.range, chart.y.range), (None, None));
        assert_eq!(
            line_chart([1]).y_range(3, 1).y.range,
            Some(Extent {
                low: 1.0,
                high: 3.0
            })
        );
    }
}
