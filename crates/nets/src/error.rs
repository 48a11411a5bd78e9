//! What can go wrong when a network is built or fed.

/// A network cannot be built as asked, or cannot take what it is given.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// A setting that no network can have.
    #[error("{network}: {problem}")]
    Setting {
        /// The network's type.
        network: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },

    /// An input of a wrong shape, kind or device.
    #[error("{network}: expected {expected}, got {found}{hint}")]
    Input {
        /// The network's type.
        network: &'static str,
        /// What it takes, for example `[N, 784]`.
        expected: String,
        /// What it was given.
        found: String,
        /// What to do: ": " and an advice, or nothing.
        hint: String,
    },

    /// What torch said when it would not build or compute.
    #[error("{network}: {problem}")]
    Torch {
        /// The network's type.
        network: &'static str,
        /// The first line of torch's message.
        problem: String,
    },
}
