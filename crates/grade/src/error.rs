//! What can go wrong with a notebook, a source or a gradebook.

use std::path::{Path, PathBuf};

/// Why something of the grading could not be done. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum GradeError {
    /// A file or folder could not be used.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried: "read", "write", "make the folder".
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is no notebook that can be used.
    #[error("{0}")]
    Notebook(String),
    /// A source text cannot be read.
    #[error("line {line}: {problem}")]
    Source {
        /// Where, from 1.
        line: usize,
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// A cell cannot be released.
    #[error("cell `{cell}`: {problem}")]
    Cell {
        /// Its id.
        cell: String,
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// The gradebook could not be read or written.
    #[error("the gradebook: {0}")]
    Database(#[from] rusqlite::Error),
    /// A table of points could not be read or written.
    #[error("the table: {0}")]
    Table(#[from] csv::Error),
    /// Something is wrong at a place that another error names.
    #[error("{place}: {error}")]
    At {
        /// The file or cell.
        place: String,
        /// What is wrong there.
        error: Box<GradeError>,
    },
}

impl GradeError {
    /// For `map_err` after a call of the system.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }

    /// The same error, with its place before it.
    #[must_use]
    pub fn at(self, place: impl Into<String>) -> Self {
        Self::At {
            place: place.into(),
            error: Box::new(self),
        }
    }
}
