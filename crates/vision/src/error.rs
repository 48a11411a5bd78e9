//! What can go wrong with images: what happened, where, and what to do next.

use std::io;

/// An image could not be read, made, changed or written.
///
/// `name` is the file as the learner wrote it, or "the image data" where there is no file.
#[derive(Debug, thiserror::Error)]
pub enum VisionError {
    /// The file does not exist.
    #[error("{name}: there is no such file{seen_from}; check the spelling")]
    NotFound {
        /// The file.
        name: String,
        /// For a relative path, the folder that it starts from: ", seen from FOLDER".
        seen_from: String,
    },

    /// The file exists but the system will not read it.
    #[error("{name}: cannot be read: {source}")]
    Unreadable {
        /// The file.
        name: String,
        /// What the system said.
        source: io::Error,
    },

    /// The content is no image that this library knows.
    #[error("{name}: not an image: {reason}")]
    NotAnImage {
        /// The file.
        name: String,
        /// What was found instead, and what to do.
        reason: String,
    },

    /// The content starts as an image and then breaks off or contradicts itself.
    #[error(
        "{name}: the {format} data is cut short or damaged ({detail}); copy or download it again"
    )]
    Damaged {
        /// The file.
        name: String,
        /// The format that its first bytes announce.
        format: String,
        /// What the decoder said.
        detail: String,
    },

    /// The image would take more memory than [`MAX_BYTES`](crate::read::MAX_BYTES).
    #[error(
        "{name}: {what} is more than the {} MiB an image may take; make it smaller with an image program first",
        crate::read::MAX_BYTES >> 20
    )]
    TooLarge {
        /// The file.
        name: String,
        /// Its size: pixels, or bytes on disk.
        what: String,
    },

    /// The image could not be written.
    #[error("{name}: cannot be written: {reason}")]
    Unwritable {
        /// The file.
        name: String,
        /// Why, and what to do.
        reason: String,
    },

    /// A width, a height or a region that no image can have.
    #[error("{0}")]
    Size(String),

    /// Something asked for that cannot be done with what was given: a shape, a name, a number out of range.
    #[error("{0}")]
    Argument(String),

    /// A tensor that is no picture.
    #[error("{0}")]
    Tensor(String),
}
