//! Charts below a cell.
//!
//! What a learner calls:
//!
//! - [`chart`]: [`Chart`], one pair of axes with lines, dots, bars, histograms, boxes, described step by step
//! - [`matrices`]: heat maps, pixels, confusion matrices, batch size against learning rate
//! - [`training`]: learning curves, learning rate finder, gradient flow
//! - [`detection`]: ROC, precision and recall
//! - [`figure`]: [`Figure`], several charts on one card
//! - [`theme`], [`colour`]: light and dark; numbers as colours
//! - [`number`], [`error`]: what counts as a number; what can go wrong
//!
//! Inside, in the order of work: `layer` holds the data of a chart, `reach` says how far they go and `stats` counts them;
//! `layout` finds room for title, `legend` and `axes` (`axis` finds ranges and ticks, `text` estimates how much room
//! words take); `marks`, `bars`, `boxes` and `heat` draw the data on the `plane` between the axes. The result is a `scene`, a list of
//! shapes, which `svg` writes through plotters, and `raster` through tiny-skia where a PNG is wanted or there are
//! too many shapes; `output` hands both to files and notebooks.
//!
//! Charts are SVG: sharp at any size, and small in the notebook file. Thousands of dots become a PNG inside of it.

mod axes;
mod axis;
mod bars;
mod boxes;
pub mod chart;
pub mod colour;
pub mod detection;
pub mod error;
pub mod figure;
mod heat;
mod layer;
mod layout;
mod legend;
mod marks;
pub mod matrices;
pub mod number;
mod output;
mod plane;
#[cfg(test)]
mod properties;
mod raster;
mod reach;
mod scene;
mod stats;
mod svg;
mod text;
pub mod theme;
pub mod training;

pub use chart::{Chart, bar_chart, box_plot, histogram, line_chart, scatter_chart};
pub use colour::ColourMap;
pub use detection::{pr_curve, roc_curve};
pub use error::PlotError;
pub use figure::{Figure, subplots};
pub use matrices::{batch_lr_map, confusion_matrix, confusion_rates, heat_map, image_matrix};
pub use number::Number;
pub use theme::{Theme, set_theme};
pub use training::{LearningCurves, gradient_flow, learning_curves, lr_finder, suggest_lr};
