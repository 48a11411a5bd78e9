//! Running cells in evcxr and gathering what they print.

use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::anyhow;
use crossbeam_channel::{Receiver, Sender, never, select, unbounded};
use evcxr::{CommandContext, CompilationError, Error, EvalContextOutputs};
use serde::Serialize;

/// How long standard error may stay silent before a cell is taken to have ended: evcxr says when
/// all of standard output has come, but not when all of standard error has.
const STDERR_LAG: Duration = Duration::from_millis(30);

/// What came of a cell.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Evaluation {
    /// Whole lines.
    pub(crate) stdout: String,
    /// Whole lines; evcxr reports panics and errors met by `?` here, and otherwise as a success.
    pub(crate) stderr: String,
    /// The value of the last expression, by MIME type.
    pub(crate) result: Option<BTreeMap<String, String>>,
    /// Why the cell was not run, or not to its end.
    pub(crate) error: Option<Failure>,
}

/// An error as evcxr sees it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Failure {
    /// `CompileError`, `WorkerDied`, `TypeRedefined`, `Refused` or `BadRequest`.
    pub(crate) ename: String,
    /// All of it, one message a line.
    pub(crate) message: String,
    /// The compiler's errors, when there are any.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// One error of the compiler.
#[derive(Debug, Serialize)]
pub(crate) struct Diagnostic {
    /// For example `E0382`.
    pub(crate) code: Option<String>,
    /// The first line of it.
    pub(crate) message: String,
    /// The line in the cell, from 1.
    pub(crate) line: Option<usize>,
}

/// One evcxr context with its child process.
pub(crate) struct Evaluator {
    context: CommandContext,
    outputs: OutputGatherer,
}

impl Evaluator {
    /// Starts evcxr, which compiles cells without optimisation and pretty-prints results.
    ///
    /// # Errors
    /// When there is no working Rust toolchain.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let (context, outputs) =
            CommandContext::new().map_err(|error| anyhow!("evcxr does not start: {error}"))?;
        let mut evaluator = Self {
            context,
            outputs: OutputGatherer::new(outputs),
        };
        for setting in [":opt 0", ":fmt {:#?}"] {
            if let Some(failure) = evaluator.eval(setting).error {
                return Err(anyhow!(
                    "evcxr does not take `{setting}`: {}",
                    failure.message
                ));
            }
        }
        Ok(evaluator)
    }

    /// Runs one cell.
    pub(crate) fn eval(&mut self, code: &str) -> Evaluation {
        let outcome = self.context.execute(code);
        let (stdout, stderr) = self.outputs.take();
        let mut evaluation = Evaluation {
            stdout,
            stderr,
            ..Evaluation::default()
        };
        match outcome {
            Ok(outputs) if outputs.is_empty() => {}
            Ok(outputs) => {
                evaluation.result = Some(outputs.content_by_mime_type.into_iter().collect())
            }
            Err(error) => evaluation.error = Some(Failure::from(error)),
        }
        evaluation
    }
}

impl Evaluation {
    /// The answer to a line that is no request.
    pub(crate) fn bad_request(error: &serde_json::Error) -> Self {
        let failure = Failure {
            ename: "BadRequest".into(),
            message: error.to_string(),
            ..Failure::default()
        };
        Self {
            error: Some(failure),
            ..Self::default()
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let ename = match &error {
            Error::CompilationErrors(_) => "CompileError",
            Error::TypeRedefinedVariablesLost(_) => "TypeRedefined",
            Error::Message(_) => "Refused",
            Error::SubprocessTerminated(_) => "WorkerDied",
        };
        let (message, diagnostics) = match &error {
            Error::CompilationErrors(errors) => {
                let messages: Vec<String> = errors.iter().map(CompilationError::message).collect();
                (
                    messages.join("\n"),
                    errors.iter().map(Diagnostic::from).collect(),
                )
            }
            other => (other.to_string(), Vec::new()),
        };
        Self {
            ename: ename.into(),
            message,
            diagnostics,
        }
    }
}

impl From<&CompilationError> for Diagnostic {
    fn from(error: &CompilationError) -> Self {
        let span = error
            .primary_spanned_message()
            .and_then(|spanned| spanned.span.as_ref());
        Self {
            code: error.code().map(str::to_owned),
            message: error.message(),
            line: span.map(|span| span.start_line),
        }
    }
}

/// Reads both output channels in a thread of its own: evcxr waits until they are empty.
struct OutputGatherer {
    cell_ended: Sender<()>,
    gathered: Receiver<(String, String)>,
    _thread: JoinHandle<()>,
}

impl OutputGatherer {
    fn new(outputs: EvalContextOutputs) -> Self {
        let (cell_ended, on_end) = unbounded();
        let (to_evaluator, gathered) = unbounded();
        let thread = std::thread::spawn(move || gather(outputs, &on_end, &to_evaluator));
        Self {
            cell_ended,
            gathered,
            _thread: thread,
        }
    }

    /// All that was printed since the last call.
    fn take(&self) -> (String, String) {
        // The thread lives as long as this side of the channel does; without it there is no output.
        let _ = self.cell_ended.send(());
        self.gathered.recv().unwrap_or_default()
    }
}

fn gather(
    outputs: EvalContextOutputs,
    on_end: &Receiver<()>,
    to_evaluator: &Sender<(String, String)>,
) {
    let EvalContextOutputs {
        mut stdout,
        mut stderr,
    } = outputs;
    let (mut out, mut err) = (String::new(), String::new());
    loop {
        select! {
            recv(stdout) -> line => push(&mut out, line, &mut stdout),
            recv(stderr) -> line => push(&mut err, line, &mut stderr),
            recv(on_end) -> end => {
                if end.is_err() {
                    return;
                }
                stdout.try_iter().for_each(|line| push_line(&mut out, &line));
                while let Ok(line) = stderr.recv_timeout(STDERR_LAG) {
                    push_line(&mut err, &line);
                }
                if to_evaluator.send((std::mem::take(&mut out), std::mem::take(&mut err))).is_err() {
                    return;
                }
            }
        }
    }
}

fn push<E>(text: &mut String, line: Result<String, E>, channel: &mut Receiver<String>) {
    match line {
        Ok(line) => push_line(text, &line),
        // A closed channel is always ready: stop asking it.
        Err(_) => *channel = never(),
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
