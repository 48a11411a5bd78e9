//! What can go wrong with charts.

use std::io;

/// A chart could not be drawn or written.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The drawing library gave up.
    #[error("the chart cannot be drawn: {0}")]
    Draw(String),

    /// A file name that does not end in `.svg`.
    #[error("{0}: charts are written as SVG; let the name end in .svg")]
    Format(String),

    /// The file could not be written.
    #[error("{name}: cannot be written: {source}; check that its folder exists")]
    Unwritable {
        /// The file.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}
