//! What the set-up says while it works: one line a part, live where someone is watching.
//!
//! Everything goes to stderr, so that the output of `--json` and of notebooks stays clean.

use std::cell::Cell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};

/// How often a part that takes long says where it is when no one watches a live line.
const REPORT_EVERY: Duration = Duration::from_secs(20);

/// One part at work, from its first line to its last.
pub(super) struct Console {
    title: String,
    bar: Option<ProgressBar>,
    started: Instant,
    reported: Cell<Instant>,
}

impl Console {
    /// Says that a part begins.
    pub(super) fn begin(title: &str) -> Console {
        let bar = std::io::stderr().is_terminal().then(|| live_line(title));
        if bar.is_none() {
            eprintln!("{title} ...");
        }
        let now = Instant::now();
        Console {
            title: title.to_owned(),
            bar,
            started: now,
            reported: Cell::new(now),
        }
    }

    /// Says what it is doing now. A log gets such lines at long intervals only.
    pub(super) fn now(&self, doing: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(doing.to_owned()),
            None if self.reported.get().elapsed() >= REPORT_EVERY => {
                self.reported.set(Instant::now());
                eprintln!("{}: {doing} ({})", self.title, self.elapsed());
            }
            None => {}
        }
    }

    /// Says how far it is, in bytes.
    pub(super) fn bytes(&self, doing: &str, done: u64, total: u64) {
        let (done, total) = (DecimalBytes(done.min(total)), DecimalBytes(total));
        self.now(&format!("{doing}, {done} of {total}"));
    }

    /// Says something that should stay to be read.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{}: {line}", self.title),
        }
    }

    /// Says that the part is done.
    pub(super) fn done(self, result: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{}: {result} ({})", self.title, self.elapsed());
    }

    /// Leaves without a word: there was nothing to do.
    pub(super) fn nothing_done(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn elapsed(&self) -> String {
        let elapsed = self.started.elapsed();
        match elapsed.as_secs() {
            seconds @ 60.. => format!("{} min {} s", seconds / 60, seconds % 60),
            _ => format!("{:.1} s", elapsed.as_secs_f64()),
        }
    }
}

fn live_line(title: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    // The template is a constant: should it ever be wrong, a plain spinner is as good.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {wide_msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_prefix(title.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
