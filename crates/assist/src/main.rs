//! evcxr in a process of its own, asked with one line of JSON and answering with one.
//!
//! It is kept apart because it carries rust-analyzer: it is started when something needs it, and
//! a kernel that never does stays small. Building it takes eight minutes on two cores, so nothing else
//! depends on it.
//!
//! - `{"eval": "1 + 1"}`: run a cell; the answer is an [`eval::Evaluation`]
//! - `{"clear": true}`: forget all variables and items; the answer is an empty evaluation
//!
//! Requests are answered in order. The process ends when its input does.

mod eval;

use std::io::{BufRead, Write};

use anyhow::Context;
use eval::{Evaluation, Evaluator};
// Only their versions matter: see the manifest of the workspace.
use serde::Deserialize;
use {salsa as _, salsa_macro_rules as _};

/// What may be asked.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Request {
    /// Run this cell.
    Eval(String),
    /// Start over, when `true`.
    Clear(bool),
}

fn main() -> anyhow::Result<()> {
    // evcxr runs cells, and wraps rustc, in children that are this same executable.
    evcxr::runtime_hook();

    let mut evaluator = Evaluator::new()?;
    let mut answers = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = answer(&mut evaluator, &line.context("reading a request")?);
        serde_json::to_writer(&mut answers, &answer)?;
        answers.write_all(b"\n")?;
        answers.flush()?;
    }
    Ok(())
}

fn answer(evaluator: &mut Evaluator, line: &str) -> Evaluation {
    match serde_json::from_str(line) {
        Ok(Request::Eval(code)) => evaluator.eval(&code),
        Ok(Request::Clear(true)) => evaluator.eval(":clear"),
        Ok(Request::Clear(false)) => Evaluation::default(),
        Err(error) => Evaluation::bad_request(&error),
    }
}
