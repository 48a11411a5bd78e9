//! Weights by name, and their way in and out of files.
//!
//! - [`StateDict`]: tensors by name, in PyTorch's order

mod state_dict;

pub use state_dict::{LoadReport, StateDict};
pub(crate) use state_dict::{load_matching, load_strictly};
