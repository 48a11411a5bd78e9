//! What compiled cells call while they run, and the worker loop that runs them.
//!
//! A worker process loads the course (and with it this crate) once, then loads and runs one cell
//! after another. Everything a cell needs from outside passes through here:
//!
//! - [`frame`]: the messages between kernel and worker, and how they are framed
//! - [`mod@display`]: showing values: MIME bundles, display ids, the tail value of a cell
//! - [`store`]: the variables that live from one cell to the next
//! - [`mod@checkpoint`]: the places where a cell may be interrupted
//! - [`comm`]: channels to widgets in the page
//! - [`failure`]: panics and `?` turned into one clear message
//! - `stack`: the learner's own lines on the stack
//! - [`fault`]: last words of a worker that dies from a signal
//! - [`stdio`]: live output and `input("...")`
//! - [`worker`]: the loop itself

pub mod checkpoint;
pub mod comm;
pub mod display;
pub mod failure;
pub mod fault;
pub mod frame;
mod link;
mod stack;
pub mod stdio;
pub mod store;
pub mod worker;

pub use checkpoint::checkpoint;
pub use display::{
    Show, after_each_cell, clear_output, display, display_with_id, in_notebook, update_display,
};
pub use frame::Bundle;
pub use pollster::block_on;
pub use stdio::{input, password};
