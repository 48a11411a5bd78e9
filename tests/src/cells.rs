//! The corpus of cell sequences: what it says, what came of a cell, and whether the two agree.
//!
//! - [`corpus`]: the cases, read from `tests/cells/*.md`
//! - [`outcome`]: what came of a cell, however it was run
//! - [`expect`]: the comparison, and its report
//! - [`oracle`]: the same cells in evcxr

pub mod corpus;
pub mod expect;
pub mod oracle;
pub mod outcome;
