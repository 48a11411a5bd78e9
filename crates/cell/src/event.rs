//! What happens while a cell runs, as a front end sees it.

#![allow(missing_docs)] // a variant's text names its fields

use std::time::Duration;

use rt::Bundle;
use rt::frame::CommMessage;

/// One thing that happened, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Raw output; `\r` and escape codes are as the cell wrote them.
    Stream { name: StreamName, text: String },
    /// A value was shown; `id` lets it be replaced later.
    Display { bundle: Bundle, id: Option<String> },
    /// What stands under `id` is to be replaced.
    UpdateDisplay { bundle: Bundle, id: String },
    /// The cell's output is to be cleared; with `wait`, when the next output comes.
    ClearOutput { wait: bool },
    /// The value of the last expression.
    Result { bundle: Bundle },
    /// A message for a widget in the page.
    Comm(CommMessage),
    /// The cell failed. Comes last, at most once.
    Error(ErrorReport),
}

/// Which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamName {
    /// What `println!` writes to.
    Stdout,
    /// What `eprintln!` writes to, and compiler warnings.
    Stderr,
}

impl StreamName {
    /// The name Jupyter uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// An error as Jupyter shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorReport {
    /// What kind: `CompileError`, `Panic`, `Error`, `Interrupted`, `WorkerDied`, `CommandError`.
    pub ename: String,
    /// One line.
    pub evalue: String,
    /// The whole story, line by line, with ANSI colours.
    pub traceback: Vec<String>,
}

/// How a cell ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The error that was also the last event, if there was one.
    pub error: Option<ErrorReport>,
    /// Time spent on parsing, lowering and compiling.
    pub compile: Duration,
    /// Time spent on running.
    pub run: Duration,
    /// True when nothing had to be compiled.
    pub cached: bool,
}

impl Reply {
    /// True when the cell ran to its end.
    pub fn is_ok(&self) -> bool {
        self.error.is_none()
    }
}

/// Where a cell's events go.
pub trait Sink {
    /// Takes one event.
    fn event(&mut self, event: Event);

    /// Asks the learner for a line; `None` when nobody can be asked.
    fn input(&mut self, prompt: &str, password: bool) -> Option<String> {
        let _ = (prompt, password);
        None
    }
}

/// Gathers events, for tests and for whoever runs cells without a front end.
impl Sink for Vec<Event> {
    fn event(&mut self, event: Event) {
        self.push(event);
    }
}
