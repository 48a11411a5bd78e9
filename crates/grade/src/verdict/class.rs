//! What can happen to an exercise, and what to do about it.

use serde::{Deserialize, Serialize};

/// What happened to an exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// All points.
    Passed,
    /// Some points.
    Partial,
    /// The answer is as it was released.
    NotAnswered,
    /// The answer does not compile.
    CompileError,
    /// The tests do not find what the answer should define.
    NotFound,
    /// The answer compiles, but the tests cannot call it the way they do.
    WrongSignature,
    /// A value was not the one expected.
    WrongValue,
    /// The code panicked or gave an error.
    Panicked,
    /// It ran too long, printed or wrote too much.
    OverLimit,
    /// It ended the process that runs cells.
    Crashed,
    /// The cell is gone from the notebook.
    Missing,
    /// A result did not come from the tests.
    Forged,
    /// Something was on stderr, which nbgrader counts as an error.
    Stderr,
    /// A person gives the points.
    ByHand,
}

impl Class {
    /// In a few words, for tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Partial => "partly right",
            Self::NotAnswered => "not answered",
            Self::CompileError => "does not compile",
            Self::NotFound => "not defined",
            Self::WrongSignature => "wrong signature",
            Self::WrongValue => "wrong value",
            Self::Panicked => "panicked",
            Self::OverLimit => "over a limit",
            Self::Crashed => "crashed",
            Self::Missing => "cell is gone",
            Self::Forged => "result not from the tests",
            Self::Stderr => "wrote to stderr",
            Self::ByHand => "graded by hand",
        }
    }

    /// What to do about it.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::NotAnswered => "Replace the line `todo!()` with your code.",
            Self::CompileError => {
                "The compiler's message points at the place; the line that begins with `help` often has the repair."
            }
            Self::NotFound => {
                "The tests call it by its name: define it under exactly that name, and let its cell compile."
            }
            Self::WrongSignature => {
                "It compiles, but not with what the tests pass or expect back: compare parameters and return type with the exercise."
            }
            Self::WrongValue => {
                "It runs and gives another value than expected: try the example of the exercise by hand."
            }
            Self::Panicked => {
                "It stopped in the middle: look at the line that is marked, and at what it was given."
            }
            Self::OverLimit => {
                "Look for a loop that never ends, or one that does far more than the exercise needs."
            }
            Self::Crashed => {
                "It ended the whole process: look for `std::process::exit`, `unsafe`, endless recursion or very large memory."
            }
            Self::Missing => "`cvstudy reset` brings the released cell back.",
            Self::Stderr => {
                "Print with `println!`, not with `eprintln!` or `dbg!`: text on stderr counts as an error."
            }
            _ => "",
        }
    }
}
