//! A cell kept within its limits while it runs.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cell::{Engine, ErrorReport, Event, Interrupter, Reply, Sink};

use super::job::Limits;

/// How often a running cell is looked at.
const TICK: Duration = Duration::from_millis(50);

/// Runs one cell under the limits; everything below `scratch` counts as written by it. Gives its reply and how
/// many results it showed.
pub(super) fn run(
    engine: &mut Engine,
    count: usize,
    code: &str,
    sink: &mut dyn Sink,
    limits: &Limits,
    scratch: &Path,
) -> (Reply, usize) {
    let watch = Watch {
        interrupter: engine.interrupter(),
        worker: engine.worker_process(),
        stopped: Mutex::new(None),
    };
    let mut limited = Limited {
        sink,
        watch: &watch,
        left: limits.output,
        error: None,
        results: 0,
    };
    let (done, ended) = channel::<()>();
    let mut reply = thread::scope(|scope| {
        let watch = &watch;
        scope.spawn(move || watch.look(limits, scratch, &ended));
        let reply = engine.execute(&count.to_string(), code, &mut limited);
        drop(done);
        reply
    });
    let Limited {
        sink,
        error,
        results,
        ..
    } = limited;
    let stopped = *watch.stopped.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(stopped), Some(interrupted)) = (stopped, error.as_ref()) {
        reply.error = Some(explain(stopped, limits, interrupted));
    }
    if let Some(error) = &reply.error {
        sink.event(Event::Error(error.clone()));
    }
    (reply, results)
}

/// Why a cell was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    Time,
    Output,
    Disk,
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
    worker: Option<u32>,
    stopped: Mutex<Option<Stopped>>,
}

impl Watch {
    fn stop(&self, why: Stopped) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if stopped.is_none() {
            *stopped = Some(why);
            self.interrupter.interrupt();
        }
    }

    /// Looks at the cell now and then, until it has ended.
    fn look(&self, limits: &Limits, scratch: &Path, ended: &Receiver<()>) {
        let began = Instant::now();
        while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
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
        let process = self.worker.and_then(|process| i32::try_from(process).ok());
        if let Some(process) = process.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
    }
}

/// What the files below a folder take, in bytes.
fn used_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => used_below(&entry.path()),
        Ok(kind) if kind.is_file() => entry.metadata().map_or(0, |metadata| metadata.len()),
        _ => 0,
    });
    sizes.sum()
}

/// Removes the files below a folder.
fn empty(folder: &Path) -> std::io::Result<()> {
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

/// A report of one line.
pub(super) fn report(ename: &str, evalue: &str) -> ErrorReport {
    ErrorReport {
        ename: ename.into(),
        evalue: evalue.into(),
        traceback: vec![format!("{ename}: {evalue}")],
    }
}
