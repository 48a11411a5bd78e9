//! The messages between kernel and worker: one JSON document behind a four-byte length.

#![allow(missing_docs)] // a variant's text names its fields

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The largest frame that is accepted, in bytes. A 20-megapixel PNG fits several times over.
pub const MAX_FRAME: usize = 1 << 30;

/// The exit status of a worker that cannot write to the kernel any more.
pub const LINE_CUT: i32 = 117;

/// One value in every form a front end may want, by MIME type, as Jupyter defines it.
///
/// Binary formats (`image/png`, `image/jpeg`, `image/gif`) are base64 text; `image/svg+xml` and
/// `text/*` are plain text; JSON types are JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// MIME type to content.
    pub data: BTreeMap<String, Value>,
    /// MIME type to its display hints, for example `{"image/png": {"width": 224}}` (CSS pixels).
    #[serde(default)]
    pub metadata: BTreeMap<String, Value>,
}

/// A message on a comm, in either direction; see [`crate::comm`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CommMessage {
    /// What it does.
    pub kind: CommKind,
    /// Which comm.
    pub comm_id: String,
    /// Who is to take the comm; empty but for [`CommKind::Open`].
    #[serde(default)]
    pub target_name: String,
    /// JSON, as the target wants it.
    pub data: Value,
    /// JSON about the message.
    pub metadata: Value,
    /// Bytes beside the JSON, as base64 text.
    #[serde(default)]
    pub buffers: Vec<String>,
}

/// What a message does to its comm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommKind {
    /// Opens it.
    Open,
    /// Says something on it.
    #[default]
    Message,
    /// Closes it.
    Close,
}

/// What the kernel tells the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ToWorker {
    /// Load `library` (after `dependencies`) and call its entry point.
    Run {
        id: u64,
        library: String,
        entry: String,
        dependencies: Vec<String>,
    },
    /// The running cell is to stop at its next checkpoint.
    Interrupt,
    /// Give the running cell up: its thread is left behind with the variables it holds.
    Abandon,
    /// The last display, result or clearing has been taken: the next may come.
    Taken,
    /// The answer to [`ToKernel::Input`]; `None` when no front end can ask.
    InputReply { text: Option<String> },
    /// Forget these variables.
    Drop { names: Vec<String> },
    /// A message from the page, for its handler on the cell thread: answered with [`ToKernel::Done`].
    Comm { id: u64, message: CommMessage },
    /// Describe all variables: answered with [`ToKernel::Variables`].
    Describe,
}

/// What the worker tells the kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ToKernel {
    /// The course is loaded; cells may come.
    Ready,
    /// Show a value; with `update`, in place of what stands under `id`.
    Display {
        bundle: Bundle,
        id: Option<String>,
        update: bool,
    },
    /// The value of the cell's last expression.
    Result { bundle: Bundle },
    /// Clear the cell's output; with `wait`, when the next output comes.
    Clear { wait: bool },
    /// Ask the learner for a line.
    Input { prompt: String, password: bool },
    /// A message for the page.
    Comm { message: CommMessage },
    /// The cell with this id has ended.
    Done {
        id: u64,
        outcome: Outcome,
        stored: Vec<String>,
    },
    /// A cell that was given up has ended after all, and its variables are back.
    Returned { names: Vec<String> },
    /// Answer to [`ToWorker::Describe`]: name and short value.
    Variables { values: Vec<(String, String)> },
}

/// How a cell ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// To its end.
    Finished,
    /// A `?` at the top level met an error.
    Failed {
        error_type: String,
        message: String,
        at: Option<Place>,
    },
    /// It panicked.
    Panicked {
        message: String,
        at: Option<Place>,
        frames: Vec<Place>,
        backtrace: Option<String>,
    },
    /// It stopped at a checkpoint.
    Interrupted { at: Option<Place> },
    /// Its thread was left behind.
    Abandoned,
    /// It could not be loaded.
    NotLoaded { message: String },
}

/// A place in a compiled cell's source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file as the compiler named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// Writes one frame.
///
/// # Errors
/// When the other side is gone, or the message cannot be written as JSON.
pub fn write_frame<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(|_| io::Error::other("frame over 4 GiB"))?;
    let mut frame = Vec::with_capacity(4 + body.len());
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&body);
    to.write_all(&frame)
}

/// Reads one frame; `None` at the end of the stream.
///
/// # Errors
/// When the stream ends inside a frame, or the frame is too long or not the expected JSON.
pub fn read_frame<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(io::Error::other(format!("frame of {length} bytes")));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_went() {
        let message = ToKernel::Input {
            prompt: "Größe? ".into(),
            password: false,
        };
        let mut wire = Vec::new();
        write_frame(&mut wire, &message).unwrap();
        let mut wire = &wire[..];
        assert_eq!(read_frame(&mut wire).unwrap(), Some(message));
        assert_eq!(read_frame::<ToKernel>(&mut wire).unwrap(), None);
    }

    #[test]
    fn a_torn_or_huge_frame_is_an_error() {
        assert!(read_frame::<ToKernel>(&mut &[9, 0, 0, 0, b'{'][..]).is_err());
        assert!(read_frame::<ToKernel>(&mut &[255, 255, 255, 255][..]).is_err());
    }
}
