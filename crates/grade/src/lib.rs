//! Exercises: written as text, released to learners, graded by nbgrader's rules, reported.
//!
//! No torch and no Jupyter; cells are executed by whoever calls.
//!
//! - [`notebook`]: notebook files
//! - [`marking`]: what nbgrader knows of a cell, and its checksum; [`regions`]: marked regions in a cell
//! - [`exercise`]: what it does not know: hints, wrong answers, solutions
//! - [`text`]: a notebook as Markdown with fenced cells, and back
//! - [`release`]: from the instructor's notebook to the learners'; [`mod@harden`]: tests that cannot be fooled
//!
//! Around it: [`error`].

mod attributes;
pub mod error;
pub mod exercise;
pub mod harden;
pub mod marking;
pub mod notebook;
pub mod regions;
pub mod release;
pub mod text;

pub use error::GradeError;
pub use exercise::Extras;
pub use marking::Marking;
pub use notebook::{Cell, CellKind, Notebook};
pub use release::{Master, MasterCell};
