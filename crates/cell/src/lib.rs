//! One cell: from its text to its output. No Jupyter, no torch.
//!
//! Data flows one way:
//!
//! - [`source`]: a cell's text; generated source that knows where each byte came from
//! - [`commands`]: `:vars`, `!ls` and the like leave here (`shell` runs the latter, in a `group`)
//! - [`parse`]: text to items, statements, tail (with [`items`], [`names`], `checkpoints`, `interact`, `lines`, `syntax`)
//! - [`exercises`]: `:check` and the like, answered by the program around the engine
//! - [`session`]: what the notebook has defined so far
//! - [`units`]: which items are compiled together
//! - [`lower`]: the source of one crate
//! - [`rustc`]: one call of the compiler (started `ahead`), and the cache of its results
//! - [`dependency`]: crates that a notebook asks for with `:dep` (with `dependencies`, `package`)
//! - [`compile`]: a whole cell, with the compiler's answers taken in (`answers`)
//! - [`worker`]: the process that runs what is compiled; [`output`]: what it prints
//! - [`nursery`]: workers forked off a process that has the course loaded
//! - [`diagnostics`], [`report`]: errors told about the learner's own lines
//! - [`engine`]: all of it, as front ends use it; [`event`]: what they get
//!
//! Around it: [`course`] (where the course library is, with what `mirror` makes of it for the compiler) and [`error`].

mod ahead;
mod answers;
mod checkpoints;
pub mod commands;
pub mod compile;
pub mod course;
mod dependencies;
pub mod dependency;
pub mod diagnostics;
pub mod engine;
pub mod error;
pub mod event;
pub mod exercises;
mod group;
mod interact;
pub mod items;
mod lines;
pub mod lower;
mod mirror;
pub mod names;
pub mod nursery;
pub mod output;
mod package;
pub mod parse;
#[cfg(test)]
mod properties;
pub mod report;
pub mod rustc;
mod scan;
pub mod session;
mod shell;
pub mod source;
mod syntax;
pub mod units;
pub mod worker;

pub use course::Course;
pub use engine::{CheckReport, Config, Engine, Interrupter, VariableInfo};
pub use error::CellError;
pub use event::{ErrorReport, Event, Reply, Sink, StreamName};
pub use nursery::Nursery;
pub use parse::{Completeness, is_complete};
pub use worker::{Worker, run_tool, worker_main};
