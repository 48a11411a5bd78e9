//! Weights by name, and their way in and out of files.
//!
//! - [`StateDict`]: tensors by name, in PyTorch's order
//! - [`Value`]: what else a checkpoint holds, as Python would write it
//! - [`load`], [`save`]: a state dict from and to a file
//! - [`load_value`], [`save_value`]: everything that is in a `.pth`
//!
//! Below them, from the file to the tensor: `pth` tells the containers apart (zip, the format before 2020,
//! `.safetensors`), `unpickle` reads the structure without ever running what it says, `globals` knows the few
//! Python names that may occur, `storage` turns bytes into tensors. `pickle` and `atomic` are the way back.

mod atomic;
#[cfg(test)]
mod crash;
mod globals;
mod legacy;
mod pickle;
mod pth;
mod state_dict;
mod storage;
#[cfg(test)]
mod tests;
mod unpickle;
mod value;

use std::path::Path;

pub use state_dict::{LoadReport, StateDict};
pub(crate) use state_dict::{load_matching, load_strictly};
pub use value::Value;

use crate::NetError;

/// Reads the weights in a file: `.pth`, `.pt` or `.bin` by PyTorch, or `.safetensors`.
///
/// A state dict inside of a checkpoint is found, and a `module.` or `_orig_mod.` in front of all names (which
/// `DataParallel` and `torch.compile` leave there) taken away.
///
/// # Errors
/// [`NetError::File`] when the file cannot be read, is damaged, holds something else than weights, or wants to run
/// code.
pub fn load(path: impl AsRef<Path>) -> Result<StateDict, NetError> {
    let path = path.as_ref();
    let value = load_value(path)?;
    value.into_state_dict().map_err(|problem| problem.of(path))
}

/// Writes weights to a `.pth` that `torch.load(path, weights_only=True)` reads, or to a `.safetensors`, by the name's
/// ending.
///
/// The file is complete or not there at all: a process that dies on the way leaves an older file as it was.
///
/// # Errors
/// [`NetError::File`] when it cannot be written.
pub fn save(path: impl AsRef<Path>, weights: &StateDict) -> Result<(), NetError> {
    let path = path.as_ref();
    if path
        .extension()
        .is_some_and(|ending| ending == "safetensors")
    {
        return pth::write_safetensors(path, weights).map_err(|problem| problem.of(path));
    }
    save_value(path, &weights.to_value())
}

/// Reads all that is in a file: what [`load`] looks for the weights in.
///
/// # Errors
/// [`NetError::File`] when the file cannot be read, is damaged, or wants to run code.
pub fn load_value(path: impl AsRef<Path>) -> Result<Value, NetError> {
    let path = path.as_ref();
    pth::read(path).map_err(|problem| problem.of(path))
}

/// Writes dictionaries, lists, numbers, text and tensors to a `.pth` that `torch.load(path, weights_only=True)` reads.
///
/// The file is complete or not there at all, as with [`save`].
///
/// # Errors
/// [`NetError::File`] when it cannot be written.
pub fn save_value(path: impl AsRef<Path>, value: &Value) -> Result<(), NetError> {
    let path = path.as_ref();
    pth::write(path, value).map_err(|problem| problem.of(path))
}

/// What is wrong with a file, before it is said which.
#[derive(Debug)]
pub(crate) struct Problem(pub(crate) String);

impl Problem {
    fn of(self, path: &Path) -> NetError {
        NetError::File {
            path: path.into(),
            problem: self.0,
        }
    }
}

/// `Err` of a [`Problem`].
fn problem<T>(text: impl Into<String>) -> Result<T, Problem> {
    Err(Problem(text.into()))
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                Self("the file ends too early: copy or download it again".into())
            }
            _ => Self(error.to_string()),
        }
    }
}

impl From<zip::result::ZipError> for Problem {
    fn from(error: zip::result::ZipError) -> Self {
        match error {
            // A disk that is full, not a file that is damaged.
            zip::result::ZipError::Io(error) => error.into(),
            error => Self(format!(
                "the file is damaged ({error}): copy or download it again"
            )),
        }
    }
}

impl From<tch::TchError> for Problem {
    fn from(error: tch::TchError) -> Self {
        Self(
            error
                .to_string()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
        )
    }
}
