//! What can go wrong with charts.

use std::io;

/// A chart could not be drawn or written.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The drawing library gave up.
    #[error("the chart cannot be drawn: {0}")]
    Draw(String),

    /// A file name that ends in neither `.svg` nor `.png`.
    #[error("{0}: charts are written as SVG or PNG; let the name end in .svg or .png")]
    Format(String),

    /// This computer has no font for the words of a PNG.
    #[error(
        "no font was found for the words of a PNG; install one (on Debian and Ubuntu: fonts-dejavu-core), or save the chart as .svg"
    )]
    NoFont,

    /// The file could not be written.
    #[error("{name}: cannot be written: {source}; check that its folder exists")]
    Unwritable {
        /// The file.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}
