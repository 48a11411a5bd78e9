//! A cell kept within its limits while it runs.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cell::{Engine, ErrorReport, Event, Interrupter, Reply, Sink};

use super::files::{clear, used_below};
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
    Memory,
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
                "the cell wrote more than {} MiB of files, or folders nested too deeply, and was ended",
                mib(limits.disk)
            ),
        ),
        Stopped::Memory => report(
            "OutOfMemory",
            &format!(
                "the cell used more than {} MiB of memory and was ended",
                mib(limits.memory)
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
            let process = self.worker.unwrap_or_default();
            let used = used_below(scratch).map(|used| used + nameless(process, scratch));
            if used.is_none_or(|used| used > limits.disk) {
                self.stop(Stopped::Disk);
                self.end_worker();
                empty(scratch);
            }
            if memory_of(process) > limits.memory {
                self.stop(Stopped::Memory);
                self.end_worker();
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

/// Empties the folders in a folder: they stay, for whoever takes the ended worker's place.
fn empty(scratch: &Path) {
    for entry in fs::read_dir(scratch).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            // What cannot be removed is found too large again.
            let _ = clear(&entry.path());
        }
    }
}

/// What a process holds of files below `scratch` that have no name any more, in bytes: opened or mapped.
fn nameless(process: u32, scratch: &Path) -> u64 {
    let mut sizes: HashMap<u64, u64> = HashMap::new();
    let opened = fs::read_dir(format!("/proc/{process}/fd"));
    for descriptor in opened.into_iter().flatten().flatten() {
        // It leads to the file itself, whatever its name.
        if let Ok(file) = fs::metadata(descriptor.path())
            && file.is_file()
            && file.nlink() == 0
        {
            sizes.insert(file.ino(), file.len());
        }
    }
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap_or_default();
    let scratch = scratch.to_string_lossy();
    let is_ours = |line: &&str| line.ends_with(" (deleted)") && line.contains(&*scratch);
    for (file, size) in maps.lines().filter(is_ours).filter_map(mapped) {
        let known = sizes.entry(file).or_default();
        *known = size.max(*known);
    }
    sizes.values().sum()
}

/// The number of a mapped file, and how much of it is mapped at least: from a line of `/proc/PID/maps`,
/// `7f00-7f80 rw-s 00001000 fd:01 1234 /path`.
fn mapped(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split_whitespace();
    let (from, to) = words.next()?.split_once('-')?;
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let offset = hex(words.nth(1)?)?;
    let file = words.nth(1)?.parse().ok()?;
    Some((file, offset + hex(to)?.checked_sub(hex(from)?)?))
}

/// The memory of a process's own, in bytes: shared memory without a file is no data that a limit knows of.
fn memory_of(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kibibytes = status.lines().filter_map(|line| {
        let (name, size) = line.split_once(':')?;
        let counts = ["RssAnon", "RssShmem", "VmSwap"].contains(&name);
        let size = size.trim().strip_suffix("kB")?.trim();
        counts.then_some(size.parse::<u64>().ok()?)
    });
    kibibytes.sum::<u64>() << 10
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn files_without_a_name_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let own = std::process::id();
        let path = folder.path().join("gone");
        let mut file = fs::File::create(&path).unwrap();
        fs::remove_file(&path).unwrap();
        file.write_all(&vec![1; 3 << 20]).unwrap();
        assert!(nameless(own, folder.path()) >= 3 << 20);
        assert_eq!(used_below(folder.path()), Some(0));
        let line = "7f0000001000-7f0000003000 rw-s 00001000 fd:01 1234                       /tmp/x (deleted)";
        assert_eq!(mapped(line), Some((1234, 0x3000)));
    }

    #[test]
    fn memory_that_is_touched_is_counted() {
        let own = std::process::id();
        assert!(memory_of(own) > 100 << 10);
        assert_eq!(memory_of(0), 0);
        let before = memory_of(own);
        let some = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(memory_of(own) >= before + (48 << 20));
        drop(some);
    }
}
