//! Exercises in a notebook: `:check`, `:hint` and the like, answered by the program around the engine.
//!
//! The engine knows cells and nothing of courses: it asks what a command comes to, runs the tests that it is
//! given with the variables and items of the session, and hands back what came of them.

use std::fmt::Debug;
use std::path::Path;

use crate::event::ErrorReport;

/// The words of commands that are handed on.
pub const WORDS: [&str; 4] = ["check", "hint", "solution", "progress"];

/// Who knows the exercises.
pub trait Exercises: Debug + Send + Sync {
    /// What a command, one of [`WORDS`], comes to in a notebook that runs in `folder`.
    ///
    /// # Errors
    /// Why it cannot be done, for the learner.
    fn plan(&self, folder: &Path, word: &str, argument: &str) -> Result<Plan, String>;

    /// What to say of a test that has run.
    fn ended(&self, test: &Test, outcome: &TestOutcome) -> String;
}

/// What a command comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Text to be shown.
    Say(String),
    /// Tests to be run, one after another.
    Run(Vec<Test>),
}

/// A test of an exercise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// What it is called, in the notebook's file.
    pub id: String,
    /// Its code. What it defines is gone when it has run.
    pub code: String,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestOutcome {
    /// How it failed, if it did.
    pub error: Option<ErrorReport>,
    /// The text of its value, if it has one.
    pub result: Option<String>,
    /// Whether something was written to standard error, which graders count as a failure.
    pub has_stderr: bool,
}
