//! What can go wrong around the cells, rather than in them.

use std::path::PathBuf;

/// An error of the engine itself; a mistake in a cell is an [`ErrorReport`](crate::ErrorReport) instead.
#[derive(Debug, thiserror::Error)]
pub enum CellError {
    /// The course library is not where it should be.
    #[error("the course library is not built: {} is missing. Run `cargo lab` (or `cargo build`) in the project's folder", .0.display())]
    NoCourse(PathBuf),
    /// The compiler that built the course is gone.
    #[error("the Rust compiler {} is missing. The course was built with it; run `cargo lab` to build it with the one you have now", .0.display())]
    NoCompiler(PathBuf),
    /// A file or folder of ours cannot be used.
    #[error("cannot use {}: {source}. Is the disk full, or the folder not yours?", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The process that runs cells does not start.
    #[error("the worker process does not start: {0}")]
    NoWorker(String),
    /// The compiler ended without a verdict.
    #[error("the compiler broke down: {0}")]
    Compiler(String),
}

impl CellError {
    /// An input or output error with the path it happened at.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
