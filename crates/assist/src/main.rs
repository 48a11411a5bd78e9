//! evcxr and its rust-analyzer in processes of their own, asked with one line of JSON and answering with one.
//!
//! They are kept apart because they are large: a process is started when something needs it, and a kernel that
//! never does stays small. Building this takes eight minutes on two cores, so nothing else depends on it.
//!
//! `assist` runs cells, as the oracle of the tests ([`eval`]):
//!
//! - `{"eval": "1 + 1"}`: run a cell; the answer is an [`eval::Evaluation`]
//! - `{"clear": true}`: forget all variables and items; the answer is an empty evaluation
//!
//! `assist analyze MANIFEST` answers questions about source text ([`mod@analyze`]):
//!
//! - `{"id": 1, "complete": {"source": "..", "offset": 7}}`: what could stand at the byte `offset`
//! - `{"id": 2, "hover": {"source": "..", "offset": 7}}`: what is there
//!
//! The answers are an [`analyze::Answer`] with the question's `id`. Requests are answered in order; of questions
//! that have come while one was answered, the last alone. The process ends when its input does.

mod analyze;
mod eval;

use std::io::{BufRead, Write};
use std::path::Path;

use analyze::{Analyzer, Answer};
use anyhow::Context;
use eval::{Evaluation, Evaluator};
use serde::{Deserialize, Serialize};
// Only their versions matter: see the manifest of the workspace.
use {salsa as _, salsa_macro_rules as _};

/// What may be asked of evcxr.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Request {
    /// Run this cell.
    Eval(String),
    /// Start over, when `true`.
    Clear(bool),
}

/// A question about source text.
#[derive(Deserialize)]
struct Question {
    id: u64,
    #[serde(flatten)]
    what: What,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum What {
    Complete(Cursor),
    Hover(Cursor),
}

/// A place in a text.
#[derive(Deserialize)]
struct Cursor {
    source: String,
    offset: u32,
}

/// An answer with the question's number.
#[derive(Serialize)]
struct Numbered {
    id: u64,
    #[serde(flatten)]
    answer: Answer,
}

fn main() -> anyhow::Result<()> {
    // evcxr runs cells, and wraps rustc, in children that are this same executable.
    evcxr::runtime_hook();

    let mut arguments = std::env::args_os().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(word), Some(manifest)) if word == "analyze" => analyze(Path::new(&manifest)),
        _ => evaluate(),
    }
}

fn evaluate() -> anyhow::Result<()> {
    let mut evaluator = Evaluator::new()?;
    for line in std::io::stdin().lock().lines() {
        let line = line.context("reading a request")?;
        let evaluation = match serde_json::from_str(&line) {
            Ok(Request::Eval(code)) => evaluator.eval(&code),
            Ok(Request::Clear(true)) => evaluator.eval(":clear"),
            Ok(Request::Clear(false)) => Evaluation::default(),
            Err(error) => Evaluation::bad_request(&error),
        };
        say(&evaluation)?;
    }
    Ok(())
}

fn analyze(manifest: &Path) -> anyhow::Result<()> {
    let (sender, questions) = crossbeam_channel::unbounded();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(question) = serde_json::from_str::<Question>(&line) else {
                continue;
            };
            if sender.send(question).is_err() {
                break;
            }
        }
        // Nobody is there to ask any more, nor to wait for an answer.
        std::process::exit(0);
    });
    let mut analyzer = Analyzer::open(manifest)?;
    while let Ok(question) = questions.recv() {
        let question = questions.try_iter().last().unwrap_or(question);
        let answer = match &question.what {
            What::Complete(cursor) => {
                analyzer.set_source(&cursor.source);
                analyzer.complete(&cursor.source, cursor.offset)
            }
            What::Hover(cursor) => {
                analyzer.set_source(&cursor.source);
                analyzer.hover(cursor.offset)
            }
        };
        say(&Numbered {
            id: question.id,
            answer,
        })?;
    }
    Ok(())
}

fn say(answer: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, answer)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}
