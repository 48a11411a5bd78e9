//! What can go wrong with data: what happened, where, and what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// A data set could not be made, found, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A picture that cannot be read; the message names the file.
    #[error(transparent)]
    Picture(#[from] vision::VisionError),

    /// The system refused.
    #[error("{}: {what}: {source}{}", path.display(), advice(source))]
    Io {
        /// What was being done, for example "cannot be written".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The index of a warehouse cannot be read or written.
    #[error(
        "the index of the warehouse: {0}; when this stays, remove .warehouse/index.sqlite, which is then made anew"
    )]
    Index(#[from] rusqlite::Error),

    /// A setting that makes no sense, or arguments that do not fit together.
    #[error("{0}")]
    Setting(String),

    /// A file or folder that is not what it should be.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
}

impl DataError {
    /// Wraps what the system said while `what` was tried with `path`.
    pub(crate) fn io(what: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io { what, path, source }
    }

    /// A file or folder that is not what it should be.
    pub(crate) fn content(path: impl AsRef<Path>, problem: impl Into<String>) -> Self {
        Self::Content {
            path: path.as_ref().to_path_buf(),
            problem: problem.into(),
        }
    }
}

/// The way out of the refusals that learners meet.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; check the spelling",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; choose a folder that you may write to, or change its permissions"
        }
        io::ErrorKind::StorageFull => "; make room on that disk and run it again",
        _ => "",
    }
}
