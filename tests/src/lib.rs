//! What the tests by subject share.
//!
//! - [`cells`]: the corpus of cell sequences that says what a cell does
//! - [`pool`]: costly sessions, handed from test to test
//! - [`programs`]: the executables that the build has made
//! - [`python`]: Jupyter's own Python

pub mod cells;
pub mod pool;
pub mod programs;
pub mod python;
