//! Exercises: written as text, released to learners, graded by nbgrader's rules, reported.
//!
//! No torch and no Jupyter; cells are executed by whoever calls.
//!
//! - [`notebook`]: notebook files
//! - [`marking`]: what nbgrader knows of a cell, and its checksum; [`regions`]: marked regions in a cell
//! - [`exercise`]: what it does not know: hints, wrong answers, solutions
//! - [`text`]: a notebook as Markdown with fenced cells, and back
//! - [`release`]: from the instructor's notebook to the learners'; [`mod@harden`]: tests that cannot be fooled
//! - [`mod@inject`]: a submission made ready; [`mod@score`]: points from its outputs; [`verdict`]: why
//! - [`submissions`]: where they lie; [`result`]: what grading one came to; [`sandbox`]: what it may do meanwhile
//! - [`gradebook`]: all points, in nbgrader's file; [`late`]: what being late costs; [`export`]: tables;
//!   [`import`]: points that people gave elsewhere
//! - [`feedback`]: a page for a learner; [`class`]: a page for the teacher; [`similarity`]: who wrote alike
//! - [`by_hand`]: pages on which a person gives points
//!
//! Around it: [`error`].

mod attributes;
pub mod by_hand;
pub mod class;
pub mod error;
pub mod export;
pub mod feedback;
pub mod gradebook;
mod html;
pub mod import;
pub mod late;
mod shown;
pub mod similarity;

pub mod exercise;
pub mod harden;
pub mod inject;
pub mod marking;
pub mod notebook;
pub mod regions;
pub mod release;
pub mod result;
pub mod sandbox;
pub mod score;
pub mod submissions;
pub mod text;
pub mod verdict;

pub use error::GradeError;
pub use exercise::Extras;
pub use marking::Marking;
pub use notebook::{Cell, CellKind, Notebook};
pub use release::{Master, MasterCell};
pub use result::Graded;
pub use submissions::Submission;
