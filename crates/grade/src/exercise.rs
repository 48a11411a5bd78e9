//! What belongs to an exercise beyond what nbgrader knows: hints, wrong answers, its solution.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::GradeError;
use crate::notebook::Cell;
use crate::text::KEY;

/// The metadata of a cell under the key `cvstudy`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Extras {
    /// Of tests: the answer they are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exercise: Option<String>,
    /// What the exercise is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Of an answer: when its solution may be seen.
    #[serde(skip_serializing_if = "Reveal::is_never")]
    pub reveal: Reveal,
    /// Of an answer: from a nudge to nearly all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// Of an answer or a task in a source that a person gives points for: what for, as in `0.5: the axes have
    /// names`. Never released.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rubric: Vec<String>,
    /// Of an answer in a source: wrong answers that the tests must catch. Never released.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mutants: Vec<Mutant>,
    /// Of a released answer whose solution may be seen: the solution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solution: Option<String>,
}

/// When a solution may be seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reveal {
    /// It is not in the released notebook.
    #[default]
    Never,
    /// Once the learner's own answer passes.
    Success,
    /// At any time.
    Always,
}

impl Reveal {
    fn is_never(&self) -> bool {
        *self == Self::Never
    }
}

/// A wrong answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    /// What is wrong with it.
    pub name: String,
    /// The whole cell.
    pub source: String,
}

impl Extras {
    /// What a cell's metadata says.
    ///
    /// # Errors
    /// When it is not understood.
    pub fn of(cell: &Cell) -> Result<Self, GradeError> {
        match cell.metadata().and_then(|metadata| metadata.get(KEY)) {
            None => Ok(Self::default()),
            Some(value) => {
                serde_json::from_value(value.clone()).map_err(|error| GradeError::Cell {
                    cell: cell.id().unwrap_or_default().to_owned(),
                    problem: format!("its `{KEY}` metadata is not understood: {error}"),
                })
            }
        }
    }

    /// Puts it into a cell's metadata; nothing leaves no trace.
    pub fn put(&self, cell: &mut Cell) {
        match serde_json::to_value(self) {
            Ok(Value::Object(object)) if !object.is_empty() => {
                cell.metadata_mut().insert(KEY.into(), object.into());
            }
            _ => {
                cell.metadata_mut().shift_remove(KEY);
            }
        }
    }
}
