//! What can go wrong while training: what happened, where, and what to do next.

use std::path::PathBuf;

use tch::TchError;

/// A run could not start, go on, or be written down.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting or argument that makes no sense, and what would.
    #[error("{0}")]
    Settings(String),

    /// The network does not take what it is given.
    #[error(transparent)]
    Net(#[from] nets::NetError),

    /// The data could not be had.
    #[error(transparent)]
    Data(#[from] data::DataError),

    /// A picture could not be made.
    #[error(transparent)]
    Vision(#[from] vision::VisionError),

    /// The loss is not a number any more.
    #[error("epoch {epoch}, {}: the loss is {loss}. {advice}", place(.batch))]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch in it, from 1; none where it is the loss on the validation set.
        batch: Option<usize>,
        /// NaN or infinity.
        loss: f64,
        /// The likely cause, and what to do.
        advice: String,
    },

    /// A name that no parameter or layer of the network has.
    #[error("the network has no {what} \"{name}\"; it has {known}")]
    Unknown {
        /// "parameter" or "layer".
        what: &'static str,
        /// The name that was asked for.
        name: String,
        /// Names it has.
        known: String,
    },

    /// A file that is no checkpoint of this run or network.
    #[error("{}: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },

    /// What torch said when it would not compute.
    #[error("{doing}: {problem}")]
    Torch {
        /// What was being done.
        doing: &'static str,
        /// The first line of torch's message.
        problem: String,
    },
}

/// Where in an epoch a loss was met.
fn place(batch: &Option<usize>) -> String {
    batch.map_or("validation".into(), |batch| format!("batch {batch}"))
}

impl TrainError {
    /// A setting that makes no sense.
    pub(crate) fn settings(problem: impl Into<String>) -> Self {
        Self::Settings(problem.into())
    }
}

/// Wraps what torch said while `doing` something: the first line, for the rest is a C++ backtrace.
pub(crate) fn said(doing: &'static str) -> impl Fn(TchError) -> TrainError {
    move |error| TrainError::Torch {
        doing,
        problem: error.to_string().lines().next().unwrap_or_default().into(),
    }
}
