//! Charts below a cell.
//!
//! - [`chart`]: [`Chart`], a line or scatter chart, described step by step
//! - [`number`]: what counts as a number
//! - [`error`]: what can go wrong
//!
//! Inside: `axis` finds ranges and ticks, `text` estimates how much room words take, `draw` puts it
//! all on paper through plotters. Charts are SVG: sharp at any size, and small in the notebook file.

mod axis;
pub mod chart;
mod draw;
pub mod error;
pub mod number;
mod text;

pub use chart::{Chart, line_chart};
pub use error::PlotError;
pub use number::Number;
