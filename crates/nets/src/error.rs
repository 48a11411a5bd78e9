//! What can go wrong when a network is built, fed, loaded or saved.

use std::path::PathBuf;

use tch::TchError;

use crate::weights::LoadReport;

/// A network cannot be built as asked, cannot take what it is given, or its weights cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// A setting that no network can have.
    #[error("{network}: {problem}")]
    Setting {
        /// The network's or the layer's type.
        network: String,
        /// What is wrong, and what would be right.
        problem: String,
    },

    /// An input of a wrong shape, kind or device.
    #[error("{network}: expected {expected}, got {found}{hint}")]
    Input {
        /// The network's name.
        network: String,
        /// What it takes, for example `[N, 784]`.
        expected: String,
        /// What it was given.
        found: String,
        /// What to do: ": " and an advice, or nothing.
        hint: String,
    },

    /// A layer asked for by a name that none has.
    #[error("{network} has no layer `{layer}`; it has {known}")]
    Layer {
        /// The network's name.
        network: String,
        /// The name that was asked for.
        layer: String,
        /// Names that would work.
        known: String,
    },

    /// Weights that are not the network's.
    #[error(
        "these weights are not those of {network}: {report}. \
         `load_matching` takes over what fits, `replace_head` changes the number of classes"
    )]
    StateDict {
        /// The network's name.
        network: String,
        /// What fits and what does not.
        report: LoadReport,
    },

    /// A file of weights that cannot be read or written.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },

    /// What torch said when it would not build or compute.
    #[error("{place}{problem}")]
    Torch {
        /// The layer and what it was given, then ": "; nothing where no layer was at work.
        place: String,
        /// The first line of torch's message.
        problem: String,
    },
}

impl NetError {
    /// Tells the layer that was at work, unless a layer inside of it has been told already.
    pub(crate) fn at(mut self, place: impl FnOnce() -> String) -> Self {
        if let Self::Torch { place: old, .. } = &mut self
            && old.is_empty()
        {
            *old = place() + ": ";
        }
        self
    }
}

/// Keeps the first line of what torch said; the rest is a C++ backtrace.
impl From<TchError> for NetError {
    fn from(error: TchError) -> Self {
        let text = error.to_string();
        let problem = text.lines().next().unwrap_or_default().to_owned();
        Self::Torch {
            place: String::new(),
            problem,
        }
    }
}
