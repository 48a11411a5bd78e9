//! `:dep name = "1"`: a crate from outside, built so that it fits the course.

use crate::course::Course;
use crate::engine::failure;
use crate::event::{ErrorReport, Sink};
use crate::rustc::{Added, Stop};

/// Adds a crate to those already added.
///
/// # Errors
/// Why it could not be.
pub fn add(text: &str, _course: &Course, added: &[Added], _stop: &Stop, _sink: &mut dyn Sink) -> Result<Vec<Added>, ErrorReport> {
    let _ = (text, added);
    Err(failure("CommandError", "`:dep` is not here yet"))
}
