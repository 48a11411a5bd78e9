//! One notebook, executed in a fresh engine.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cell::{Config, Engine, ErrorReport, Event, Reply, Sink};

use crate::exercises::with_exercises;
use crate::notebook::{Cell, Notebook};

use super::outputs::Outputs;
use super::progress::Track;

/// The tag of a cell that is not to be executed, as nbclient knows it.
const SKIP: &str = "skip-execution";

/// The tag of a cell that may fail, as nbclient knows it.
const MAY_FAIL: &str = "raises-exception";

/// When to give up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For each cell; `None` for none.
    pub(super) timeout: Option<Duration>,
    /// Whether to go on after a cell that failed.
    pub(super) allow_errors: bool,
}

/// A cell that ended a run.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// Which of the cells that run, from 1: its execution count.
    pub(super) count: usize,
    pub(super) id: Option<String>,
    pub(super) first_line: String,
    pub(super) report: ErrorReport,
}

/// True for cells that are executed: code that is not empty, and not tagged to be skipped.
pub(crate) fn is_executed(cell: &Cell) -> bool {
    cell.is_code() && !cell.source().trim().is_empty() && !cell.has_tag(SKIP)
}

/// True for cells whose failure is no news.
pub(crate) fn may_fail(cell: &Cell) -> bool {
    cell.has_tag(MAY_FAIL)
}

/// Executes the cells of the notebook at `path` in the folder `cwd` and puts their outputs into it, also when a cell
/// fails, which is returned.
///
/// # Errors
/// When the engine cannot be started.
pub(super) fn execute(
    notebook: &mut Notebook,
    path: &Path,
    cwd: &Path,
    limits: Limits,
    track: &Track,
) -> Result<Option<Failure>> {
    let config = with_exercises(Config::discover(cwd)?, Some(path));
    let mut engine = Engine::start(config).context("cannot start the engine")?;
    let mut outputs = Outputs::default();
    let mut counts = vec![None; notebook.cells().len()];
    let mut failure = None;
    let to_run = notebook
        .cells()
        .iter()
        .enumerate()
        .filter(|(_, cell)| is_executed(cell));
    for (count, (at, cell)) in (1..).zip(to_run) {
        track.cell_begins(cell);
        counts[at] = Some(count);
        let began = Instant::now();
        let mut sink = outputs.of_cell(at, count);
        let reply = run_cell(
            &mut engine,
            count,
            &cell.source(),
            &mut sink,
            limits.timeout,
        );
        track.cell_ends(count, cell, &reply, began.elapsed());
        let fatal = reply
            .error
            .filter(|_| !limits.allow_errors && !may_fail(cell));
        if let Some(report) = fatal {
            let id = cell.id().map(str::to_owned);
            failure = Some(Failure {
                count,
                id,
                first_line: cell.first_line(),
                report,
            });
            break;
        }
    }
    engine.shutdown();
    for (at, cell) in notebook
        .cells_mut()
        .iter_mut()
        .enumerate()
        .filter(|(_, cell)| cell.is_code())
    {
        cell.set_outputs(outputs.to_json(at), counts[at]);
    }
    Ok(failure)
}

/// Runs one cell; when its time is up, it is interrupted and fails with that.
fn run_cell(
    engine: &mut Engine,
    count: usize,
    code: &str,
    sink: &mut dyn Sink,
    timeout: Option<Duration>,
) -> Reply {
    let label = count.to_string();
    let Some(timeout) = timeout else {
        return engine.execute(&label, code, sink);
    };
    let interrupter = engine.interrupter();
    let (done, watched) = channel::<()>();
    thread::scope(|scope| {
        let watch = scope.spawn(move || {
            let late = watched.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout);
            if late {
                interrupter.interrupt();
            }
            late
        });
        let mut held = HoldError { sink, error: None };
        let mut reply = engine.execute(&label, code, &mut held);
        let HoldError { sink, error } = held;
        drop(done);
        if watch.join().unwrap_or(false) && reply.error.is_some() {
            reply.error = Some(timed_out(timeout, error));
        }
        if let Some(error) = &reply.error {
            sink.event(Event::Error(error.clone()));
        }
        reply
    })
}

/// Lets everything through but the error, which is the last event and may have to be said differently.
struct HoldError<'a> {
    sink: &'a mut dyn Sink,
    error: Option<ErrorReport>,
}

impl Sink for HoldError<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Error(report) => self.error = Some(report),
            event => self.sink.event(event),
        }
    }
}

fn timed_out(timeout: Duration, interrupted: Option<ErrorReport>) -> ErrorReport {
    let evalue = format!(
        "the cell ran longer than {} s and was interrupted",
        timeout.as_secs_f64()
    );
    let mut traceback = vec![format!("Timeout: {evalue}")];
    traceback.extend(interrupted.into_iter().flat_map(|report| report.traceback));
    ErrorReport {
        ename: "Timeout".into(),
        evalue,
        traceback,
    }
}
