//! The library that every cell sees, as one dylib that is loaded before the first cell runs.
//!
//! - [`prelude`]: what a cell can name with nothing to import
//! - [`instances`]: generic functions compiled ahead for the types that lessons use
//! - [`worker`]: where a worker process enters
//! - the crates themselves, whole, for everything beyond: [`tch`] (tensors, layers, optimisers), [`image`],
//!   [`plotters`], and ours: [`vision`], [`plot`], [`live`], [`nets`], [`data`], [`train`], [`widgets`], [`rt`]
//!
//! Every type that a cell can meet has a path that starts here, for example `course::tch::Tensor`: that is
//! how the type of a variable is written down for the next cell.

pub mod instances;
pub mod prelude;
pub mod worker;

pub use {data, image, live, nets, plot, plotters, rt, tch, train, vision, widgets};
