//! What a gradebook says, and what it is told.

use serde::{Deserialize, Serialize};

/// The points of one graded cell of one submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradeRow {
    /// Whose.
    pub student: String,
    /// Of which assignment.
    pub assignment: String,
    /// Of which notebook.
    pub notebook: String,
    /// Which cell.
    pub cell: String,
    /// The most there is.
    pub max: f64,
    /// What the program gave.
    pub auto: Option<f64>,
    /// What a person gave, which counts instead.
    pub manual: Option<f64>,
    /// What a person gave on top.
    pub extra: Option<f64>,
    /// Whether a person has to look.
    pub needs_manual: bool,
    /// What a person wrote.
    pub comment: Option<String>,
    /// Which lines of the rubric a person has ticked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
}

impl GradeRow {
    /// The points that count.
    pub fn points(&self) -> f64 {
        self.manual.or(self.auto).unwrap_or(0.0) + self.extra.unwrap_or(0.0)
    }
}

/// The sum of one submitted notebook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Total {
    /// Whose.
    pub student: String,
    /// Of which assignment.
    pub assignment: String,
    /// Which notebook.
    pub notebook: String,
    /// The sum of its cells' points.
    pub raw: f64,
    /// What is taken off for being late.
    pub late_penalty: f64,
    /// What is left, never below 0.
    pub score: f64,
    /// The most there is.
    pub max: f64,
    /// Whether points are still to be given by hand.
    pub needs_manual: bool,
}

/// Points that a person gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManualGrade {
    /// Whose.
    pub student: String,
    /// Of which assignment.
    pub assignment: String,
    /// Of which notebook.
    pub notebook: String,
    /// Which cell.
    pub cell: String,
    /// How many; `None` takes back what was given.
    pub score: Option<f64>,
    /// What to say; `None` leaves it as it is.
    pub comment: Option<String>,
    /// Which lines of the rubric are ticked; `None` leaves them as they are.
    #[serde(default)]
    pub items: Option<Vec<String>>,
}
