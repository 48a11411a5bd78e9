//! The same cells in evcxr, in a process of its own that is asked by lines of JSON (`crates/assist`).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::corpus::{Case, Cell, Expected, Text};
use super::expect;
use super::outcome::{Failure, Outcome};
use crate::programs;

/// What the answers depend on besides the cells and the compiler. To be changed with any of these.
const EVCXR: &str = "evcxr 0.22.0, :opt 0, :fmt {:#?}";
/// The longest that a cell may take; starting takes up to ten seconds of the first.
const PATIENCE: Duration = Duration::from_secs(60);

/// What evcxr says to a cell.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Answer {
    stdout: String,
    stderr: String,
    result: Option<std::collections::BTreeMap<String, String>>,
    error: Option<AnswerError>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct AnswerError {
    ename: String,
    message: String,
    #[serde(default)]
    diagnostics: Value,
}

/// A running evcxr.
#[derive(Debug)]
pub struct Evcxr {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<String>,
    /// Where it builds; goes when it does, however it ends.
    _folder: TempDir,
}

impl Evcxr {
    /// Starts one.
    ///
    /// # Errors
    /// When `assist` is not built or does not start.
    pub fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut child = Command::new(programs::built("assist")?)
            .env("TMPDIR", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let requests = child.stdin.take().context("stdin is piped")?;
        let lines = BufReader::new(child.stdout.take().context("stdout is piped")?).lines();
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Ok(Self {
            child,
            requests,
            answers,
            _folder: folder,
        })
    }

    /// Runs the cells of a case in a fresh session.
    ///
    /// # Errors
    /// When there is no answer in time: this evcxr is then of no more use.
    pub fn run(&mut self, cells: &[Cell]) -> anyhow::Result<Vec<Answer>> {
        self.ask(&json!({ "clear": true }))?;
        cells
            .iter()
            .map(|cell| self.ask(&json!({ "eval": cell.code })))
            .collect()
    }

    fn ask(&mut self, request: &Value) -> anyhow::Result<Answer> {
        writeln!(self.requests, "{request}")?;
        let line = self
            .answers
            .recv_timeout(PATIENCE)
            .context("evcxr does not answer")?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Evcxr {
    /// Ends the whole group: a child of evcxr that loops would outlive it.
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .arg("-9")
            .arg("--")
            .arg(format!("-{}", self.child.id()))
            .status();
        let _ = self.child.wait();
    }
}

/// Answers of earlier runs, by what they depend on: asking evcxr takes half a second a cell.
#[derive(Debug)]
pub struct Answers {
    folder: PathBuf,
    compiler: String,
}

impl Answers {
    /// Those in the folder for everything generated.
    ///
    /// # Errors
    /// When there is no compiler.
    pub fn remembered() -> anyhow::Result<Self> {
        let version = Command::new("rustc")
            .arg("-vV")
            .output()
            .context("asking rustc for its version")?;
        Ok(Self {
            folder: cell::course::home().join("oracle"),
            compiler: String::from_utf8_lossy(&version.stdout).into_owned(),
        })
    }

    /// What evcxr said to these cells in an earlier run.
    pub fn find(&self, case: &Case) -> Option<Vec<Answer>> {
        let text = std::fs::read_to_string(self.file(case)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Remembers an answer; one that cannot be written is asked for again.
    pub fn keep(&self, case: &Case, answers: &[Answer]) {
        if let Ok(text) = serde_json::to_string(answers) {
            let _ = std::fs::create_dir_all(&self.folder);
            let _ = std::fs::write(self.file(case), text);
        }
    }

    fn file(&self, case: &Case) -> PathBuf {
        let mut hasher = blake3::Hasher::new();
        for text in [EVCXR, &self.compiler]
            .into_iter()
            .chain(case.cells.iter().map(|cell| cell.code.as_str()))
        {
            hasher
                .update(&text.len().to_le_bytes())
                .update(text.as_bytes());
        }
        self.folder
            .join(format!("{}.json", hasher.finalize().to_hex()))
    }
}

/// In what evcxr's answers are not as a case expects; `None` when they are.
///
/// Compared are standard output, the value, and whether the cell failed. evcxr passes on whole lines only,
/// so a missing line end does not count; it shows `()` for a value of nothing; and it reports a panic or a
/// failed `?` on standard error, so such a report counts as the failure that it is.
pub fn difference(case: &Case, answers: &[Answer]) -> Option<String> {
    let outcomes: Vec<Outcome> = case
        .cells
        .iter()
        .zip(answers)
        .map(|(cell, answer)| outcome(&cell.expected, answer))
        .collect();
    let mut case = case.clone();
    for cell in &mut case.cells {
        soften(&mut cell.expected);
    }
    expect::report(&case, &outcomes)
}

fn outcome(expected: &Expected, answer: &Answer) -> Outcome {
    let result = answer
        .result
        .as_ref()
        .and_then(|forms| forms.get("text/plain").cloned());
    let html = answer
        .result
        .as_ref()
        .and_then(|forms| forms.get("text/html").cloned());
    let shown = [&answer.stdout, &answer.stderr]
        .into_iter()
        .chain(&html)
        .chain(&result)
        .cloned();
    Outcome {
        shown: shown.collect::<Vec<_>>().join("\n"),
        stdout: closed(&answer.stdout),
        result: result
            .map(|text| text.trim_end_matches('\n').to_string())
            .filter(|text| text != "()"),
        error: failure(expected, answer),
        ..Outcome::default()
    }
}

fn failure(expected: &Expected, answer: &Answer) -> Option<Failure> {
    let report = format!(
        "{}\n{}",
        answer.stderr,
        answer.error.as_ref().map_or("", |error| &error.message)
    );
    if let Some(error) = &answer.error {
        return Some(Failure {
            ename: error.ename.clone(),
            evalue: error.message.clone(),
            report,
        });
    }
    let wanted = expected.error.as_ref()?;
    let told = wanted
        .kinds
        .iter()
        .any(|(ename, message)| match ename.as_str() {
            "Panic" => answer.stderr.contains("panicked at"),
            "Error" => !answer.stderr.is_empty() && answer.stderr.contains(message),
            _ => false,
        });
    told.then(|| Failure {
        ename: wanted.kinds[0].0.clone(),
        evalue: wanted.kinds[0].1.clone(),
        report,
    })
}

/// Leaves of an expectation what is compared with evcxr.
fn soften(expected: &mut Expected) {
    if let Text::Exactly(text) = &mut expected.stdout {
        *text = closed(text);
    }
    expected.stderr = Text::Has(Vec::new());
    if let Some(error) = &mut expected.error {
        let kinds = error.kinds.iter().flat_map(|(ename, _)| their_kinds(ename));
        error.kinds = kinds
            .map(|kind| (kind.to_string(), String::new()))
            .collect();
        error.demands.clear();
    }
}

/// What evcxr (or `failure` above) calls an error of our kind.
fn their_kinds(ename: &str) -> &[&str] {
    match ename {
        "CompileError" => &["CompileError", "Refused", "TypeRedefined"],
        "Panic" => &["Panic"],
        "Error" => &["Error"],
        "WorkerDied" => &["WorkerDied"],
        _ => &["Refused"],
    }
}

/// `text` with an end to its last line, if it has one.
fn closed(text: &str) -> String {
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() {
        String::new()
    } else {
        format!("{text}\n")
    }
}
