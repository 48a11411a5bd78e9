//! [`Figure`]: several charts on one card.

use crate::layer::Matrix;
use crate::layout::{self, LINE_HEIGHT, MARGIN, TITLE_SIZE};
use crate::output::{self, Drawing};
use crate::scene::{Anchor, Paint, Scene};
use crate::theme::{self, Theme};
use crate::{Chart, PlotError, reach, text};

/// Several charts in rows and columns on one card.
///
/// ```
/// # use plot::{Figure, line_chart, histogram};
/// Figure::new()
///     .title("Two views")
///     .columns(2)
///     .add(line_chart([3, 1, 2]))
///     .add(histogram([1.0, 2.0, 2.5]))
/// # ;
/// ```
#[derive(Clone, Debug)]
pub struct Figure {
    title: String,
    charts: Vec<Chart>,
    columns: usize,
    theme: Option<Theme>,
}

/// The width of all columns together, in CSS pixels, as far as the charts leave it to the figure.
const WIDTH: f64 = 920.0;
/// The least width of a chart that leaves its size to the figure, in CSS pixels.
const NARROWEST: f64 = 280.0;
/// The widest chart that leaves its size to the figure, in CSS pixels.
const WIDEST: f64 = 640.0;
/// The height of such a chart for its width.
const SHAPE: f64 = 0.72;

/// Charts side by side, two in a row.
pub fn subplots(charts: impl IntoIterator<Item = Chart>) -> Figure {
    charts.into_iter().fold(Figure::new(), Figure::add)
}

impl Figure {
    /// A figure without any chart, for two in a row.
    pub fn new() -> Self {
        Self {
            title: String::new(),
            charts: Vec::new(),
            columns: 2,
            theme: None,
        }
    }

    /// The line above all charts.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// How many charts stand in a row; at least 1.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.max(1);
        self
    }

    /// Light, dark, or as the page is; the themes of single charts do not count.
    pub fn theme(mut self, theme: Theme) -> Self {
        self.theme = Some(theme);
        self
    }

    /// Adds a chart. Charts without a size of their own share the width of the page.
    #[expect(
        clippy::should_implement_trait,
        reason = "a figure and a chart make no sum"
    )]
    pub fn add(mut self, chart: Chart) -> Self {
        self.charts.push(chart);
        self
    }

    fn chart_size(&self, chart: &Chart) -> (f64, f64) {
        let columns = self.columns.min(self.charts.len()).max(1) as f64;
        let width = (WIDTH / columns).clamp(NARROWEST, WIDEST);
        let (natural_width, natural_height) = layout::natural_size(chart);
        // Numbers need room; a matrix without them is as small as its neighbours, and its words stay large.
        let is_written = |matrix: &Matrix| matrix.written != Some(false);
        if chart.size.is_some() {
            (natural_width, natural_height)
        } else if reach::matrix(chart).is_some_and(is_written) {
            (natural_width.max(width), natural_height.max(width * SHAPE))
        } else if chart.horizontal {
            (width, natural_height.max(width * SHAPE))
        } else {
            (width, (width * SHAPE).round())
        }
    }
}

output::drawing_methods!(Figure, "figure");

impl Drawing for Figure {
    fn scene(&self) -> Result<Scene, PlotError> {
        let sizes: Vec<_> = self
            .charts
            .iter()
            .map(|chart| self.chart_size(chart))
            .collect();
        let columns = self.columns.min(sizes.len()).max(1);
        let widths: Vec<_> = (0..columns)
            .map(|column| {
                let column = sizes.iter().skip(column).step_by(columns);
                column.map(|size| size.0).fold(0.0, f64::max)
            })
            .collect();
        let heights = sizes
            .chunks(columns)
            .map(|row| row.iter().map(|size| size.1).fold(0.0, f64::max));
        let heights: Vec<_> = heights.collect();
        let top = if self.title.is_empty() {
            0.0
        } else {
            MARGIN + LINE_HEIGHT
        };
        let width = widths.iter().sum::<f64>().max(200.0);
        let height = (top + heights.iter().sum::<f64>()).max(60.0);
        let mut scene = Scene::new(width, height);
        if !self.title.is_empty() {
            let title = text::shorten(&self.title, TITLE_SIZE * 1.1, width - 2.0 * MARGIN);
            let at = (MARGIN, MARGIN + LINE_HEIGHT / 2.0);
            scene
                .write(title, at, TITLE_SIZE, Paint::Ink, Anchor::Start)
                .bold = true;
        }
        for (index, (chart, size)) in self.charts.iter().zip(&sizes).enumerate() {
            let (row, column) = (index / columns, index % columns);
            let left: f64 = widths[..column].iter().sum();
            let above: f64 = heights[..row].iter().sum();
            let part = layout::sized(chart, size.0, size.1)?;
            scene.place(part, (left, top + above));
        }
        Ok(scene)
    }

    fn chosen_theme(&self) -> Theme {
        self.theme.unwrap_or_else(theme::default_theme)
    }

    fn summary(&self) -> String {
        let charts: Vec<_> = self.charts.iter().map(Drawing::summary).collect();
        let title = if self.title.is_empty() {
            "figure".into()
        } else {
            format!("figure \"{}\"", self.title)
        };
        match charts.len() {
            0 => format!("{title}, empty"),
            _ => format!("{title}: {}", charts.join("; ")),
        }
    }
}

impl Default for Figure {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line_chart;

    #[test]
    fn charts_stand_in_rows() {
        let chart = |title: &str| line_chart([1, 2]).title(title);
        let figure = subplots([chart("a"), chart("b"), chart("c")]).title("all");
        let scene = figure.scene().unwrap();
        let at = |title: &str| scene.words().find(|words| words.text == title).unwrap().at;
        assert!(at("a").1 == at("b").1 && at("a").0 < at("b").0);
        assert!(at("a").0 == at("c").0 && at("a").1 < at("c").1);
        assert!(at("all").1 < at("a").1);
        assert_eq!(scene.width, WIDTH);
    }

    #[test]
    fn a_matrix_without_numbers_takes_no_more_room_than_it_is_given() {
        let matrix = |written| crate::heat_map(vec![[1.0; 9]; 9]).annotate(written);
        let width = |written| {
            let figure = subplots([matrix(written), matrix(written), matrix(written)]).columns(3);
            figure.scene().unwrap().width
        };
        assert!((width(false) - WIDTH).abs() < 0.01);
        assert!(width(true) > WIDTH);
    }

    #[test]
    fn odd_figures_are_no_trouble() {
        assert_eq!(Figure::new().summary(), "figure, empty");
        assert!(
            Figure::default()
                .columns(0)
                .to_svg()
                .unwrap()
                .ends_with("</svg>\n")
        );
        let many = subplots(vec![line_chart([1]); 9]).columns(usize::MAX);
        assert!(many.scene().unwrap().width > 2000.0);
    }
}
