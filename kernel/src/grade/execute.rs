//! The process that executes one submission: confines itself, runs the cells, says what came of each.

use std::io::{BufRead, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ::grade::Notebook;
use ::grade::sandbox::Confinement;
use anyhow::{Context, Result};
use cell::{Config, Engine, ErrorReport, Event, Interrupter, Reply, Sink};
use serde_json::json;

use crate::run::{Outputs, is_executed};

use super::job::{Job, Limits, RanCell, Said};

/// The name of the hidden subcommand.
pub(crate) const SUBCOMMAND: &str = "execute-submission";

/// What holds for the worker, as JSON; it confines itself before it loads anything.
pub(super) const WORKER: &str = "CVSTUDY_CONFINEMENT";

/// How often a running cell is looked at.
const TICK: Duration = Duration::from_millis(50);

/// Confines the process to what its environment says, if it says anything: called first thing in a worker.
pub(crate) fn confine_worker() {
    let Some(text) = std::env::var_os(WORKER) else {
        return;
    };
    let confinement: Result<Confinement, _> = serde_json::from_str(&text.to_string_lossy());
    match confinement {
        Ok(confinement) => {
            confinement.enter();
        }
        Err(error) => {
            eprintln!("cvstudy worker: {WORKER} is not understood: {error}");
            std::process::exit(2);
        }
    }
}

/// Executes the submission that standard input describes.
///
/// # Errors
/// When the description is not one, or the engine cannot be started. What cells do is no error.
pub(crate) fn execute_submission() -> Result<()> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let job: Job = serde_json::from_str(&line).context("this command is for the grader's use")?;
    let notebook = Notebook::parse(job.notebook.to_string().as_bytes())?;
    // The course is looked for before the doors close.
    let mut config = Config::discover(&job.folder)?;
    config.quiet = true;
    config.shell = false;
    let in_force = job.confinement.enter();
    say(&Said::Begin { in_force });
    let mut engine = Engine::start(config).context("cannot start the engine")?;
    let mut outputs = Outputs::default();
    let mut ran: Vec<RanCell> = Vec::new();
    let cells = notebook.cells().iter().enumerate();
    for (at, cell) in cells.filter(|(_, cell)| is_executed(cell)) {
        let count = ran.len() + 1;
        say(&Said::CellBegins { at });
        let began = Instant::now();
        let mut sink = outputs.of_cell(at, count);
        let (reply, results) = if job.poison.contains(&at) {
            let report = report("Crash", "the cell ended the program that compiles it");
            (fail(report, &mut sink), 0)
        } else {
            run(&mut engine, count, &cell.source(), &mut sink, &job)
        };
        let is_late_result = results > 0 && reply.error.is_some();
        let cell = RanCell {
            at,
            outputs: outputs.to_json(at),
            count,
            seconds: began.elapsed().as_secs_f64(),
            compile_seconds: reply.compile.as_secs_f64(),
            cached: reply.cached,
            forged: job.tests.contains(&at) && (results > 1 || is_late_result),
        };
        say(&Said::Cell(cell.clone()));
        ran.push(cell);
    }
    for cell in &mut ran {
        let now = outputs.to_json(cell.at);
        if now != cell.outputs {
            cell.outputs = now;
            say(&Said::Cell(cell.clone()));
        }
    }
    say(&Said::End);
    engine.shutdown();
    Ok(())
}

/// One line on stdout. When the grader is gone, so are we, soon.
fn say(said: &Said) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{}", json!(said));
    let _ = stdout.flush();
}

fn report(ename: &str, evalue: &str) -> ErrorReport {
    ErrorReport {
        ename: ename.into(),
        evalue: evalue.into(),
        traceback: vec![format!("{ename}: {evalue}")],
    }
}

fn fail(error: ErrorReport, sink: &mut dyn Sink) -> Reply {
    sink.event(Event::Error(error.clone()));
    Reply {
        error: Some(error),
        compile: Duration::ZERO,
        run: Duration::ZERO,
        cached: true,
    }
}

/// Why a cell was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    Time,
    Output,
    Disk,
}

/// Runs one cell under the limits. Gives its reply and how many results it showed.
fn run(
    engine: &mut Engine,
    count: usize,
    code: &str,
    sink: &mut dyn Sink,
    job: &Job,
) -> (Reply, usize) {
    let watch = Watch {
        interrupter: engine.interrupter(),
        worker: AtomicU32::new(engine.worker_process().unwrap_or(0)),
        done: AtomicBool::new(false),
        stopped: Mutex::new(None),
    };
    let mut limited = Limited {
        sink,
        watch: &watch,
        left: job.limits.output,
        error: None,
        results: 0,
    };
    let mut reply = thread::scope(|scope| {
        scope.spawn(|| watch.look(&job.limits, &job.scratch));
        let reply = engine.execute(&count.to_string(), code, &mut limited);
        watch.done.store(true, Ordering::SeqCst);
        reply
    });
    let Limited {
        sink,
        error,
        results,
        ..
    } = limited;
    let stopped = *watch
        .stopped
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let (Some(stopped), Some(interrupted)) = (stopped, error.as_ref()) {
        reply.error = Some(explain(stopped, &job.limits, interrupted));
    }
    if let Some(error) = &reply.error {
        sink.event(Event::Error(error.clone()));
    }
    (reply, results)
}

fn explain(stopped: Stopped, limits: &Limits, interrupted: &ErrorReport) -> ErrorReport {
    let mib = |bytes: u64| bytes >> 20;
    let mut error = match stopped {
        Stopped::Time => report(
            "Timeout",
            &format!(
                "the cell ran longer than {} s and was interrupted",
                limits.seconds
            ),
        ),
        Stopped::Output => report(
            "TooMuchOutput",
            &format!(
                "the cell printed more than {} MiB and was interrupted",
                mib(limits.output as u64)
            ),
        ),
        Stopped::Disk => report(
            "DiskFull",
            &format!(
                "the cell wrote more than {} MiB of files and was ended",
                mib(limits.disk)
            ),
        ),
    };
    error
        .traceback
        .extend(interrupted.traceback.iter().cloned());
    error
}

/// Looks after a running cell.
struct Watch {
    interrupter: Interrupter,
    worker: AtomicU32,
    done: AtomicBool,
    stopped: Mutex<Option<Stopped>>,
}

impl Watch {
    fn stop(&self, why: Stopped) {
        let mut stopped = self
            .stopped
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if stopped.is_none() {
            *stopped = Some(why);
            self.interrupter.interrupt();
        }
    }

    fn look(&self, limits: &Limits, scratch: &std::path::Path) {
        let began = Instant::now();
        while !self.done.load(Ordering::SeqCst) {
            thread::sleep(TICK);
            if began.elapsed().as_secs_f64() >= limits.seconds {
                self.stop(Stopped::Time);
            }
            if used_below(scratch) > limits.disk {
                self.stop(Stopped::Disk);
                self.end_worker();
                let _ = empty(scratch);
            }
        }
    }

    /// An interrupt would leave time for more files.
    fn end_worker(&self) {
        let process = i32::try_from(self.worker.load(Ordering::SeqCst)).ok();
        if let Some(process) = process.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
    }
}

/// What the files below a folder take, in bytes.
fn used_below(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => used_below(&entry.path()),
        Ok(kind) if kind.is_file() => entry.metadata().map_or(0, |metadata| metadata.len()),
        _ => 0,
    });
    sizes.sum()
}

/// Removes the files below a folder.
fn empty(folder: &std::path::Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)?.flatten() {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            empty(&entry.path())?;
        } else if kind.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Lets events through until there are too many; the error is held back, as it may have to be said
/// differently.
struct Limited<'a> {
    sink: &'a mut dyn Sink,
    watch: &'a Watch,
    left: usize,
    error: Option<ErrorReport>,
    results: usize,
}

impl Sink for Limited<'_> {
    fn event(&mut self, event: Event) {
        let size = match &event {
            Event::Error(report) => {
                self.error = Some(report.clone());
                return;
            }
            Event::Stream { text, .. } => text.len(),
            Event::Display { bundle, .. } | Event::UpdateDisplay { bundle, .. } => size_of(bundle),
            Event::Result { bundle } => {
                self.results += 1;
                size_of(bundle)
            }
            Event::ClearOutput { .. } | Event::Comm(_) => 0,
        };
        // An output has a cost beyond its text.
        match self.left.checked_sub(size + 64) {
            Some(left) => {
                self.left = left;
                self.sink.event(event);
            }
            None => {
                self.left = 0;
                self.watch.stop(Stopped::Output);
            }
        }
    }
}

fn size_of(bundle: &rt::Bundle) -> usize {
    let sizes = bundle.data.values().map(|content| match content {
        serde_json::Value::String(text) => text.len(),
        other => other.to_string().len(),
    });
    sizes.sum()
}
