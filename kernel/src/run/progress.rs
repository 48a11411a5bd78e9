//! How far the notebooks are: bars on a terminal, lines elsewhere, JSON for programs.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cell::Reply;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use serde_json::json;

use crate::notebook::Cell;

use super::execute::Failure;

/// One bar a notebook: which cell runs, for how long, and what it says.
const TEMPLATE: &str = "{prefix} {bar:24} {pos}/{len} {elapsed} | {cell_elapsed} {wide_msg}";

/// How everything is said.
#[derive(Clone)]
pub(super) enum Progress {
    /// To someone who watches.
    Bars(MultiProgress),
    /// To a log.
    Lines,
    /// To a program: one object a line on stdout.
    Json,
}

impl Progress {
    /// What suits stderr, unless JSON is wanted.
    pub(super) fn new(json: bool) -> Self {
        match json {
            true => Self::Json,
            false if std::io::stderr().is_terminal() => Self::Bars(MultiProgress::new()),
            false => Self::Lines,
        }
    }

    /// Begins one notebook with this many cells to run.
    pub(super) fn begin(&self, path: &Path, cells: usize) -> Track {
        let cell_began = Arc::new(Mutex::new(Instant::now()));
        let bar = match self {
            Self::Bars(bars) => bars.add(bar(path, cells, cell_began.clone())),
            Self::Lines | Self::Json => ProgressBar::hidden(),
        };
        Track {
            progress: self.clone(),
            bar,
            path: path.to_owned(),
            cells,
            began: Instant::now(),
            cell_began,
        }
    }

    /// Says how a notebook ended that could not even begin.
    pub(super) fn refused(&self, path: &Path, error: &anyhow::Error) {
        if let Self::Json = self {
            print_line(json!({
                "event": "notebook",
                "notebook": path,
                "status": "error",
                "error": format!("{error:#}"),
            }));
        }
    }
}

fn bar(path: &Path, cells: usize, cell_began: Arc<Mutex<Instant>>) -> ProgressBar {
    let cell_elapsed = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
        let began = *cell_began.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = write!(out, "{}", seconds(began.elapsed()));
    };
    let bar = ProgressBar::new(cells as u64).with_prefix(path.display().to_string());
    // The template is a constant: should it ever be wrong, a plain bar is as good.
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(
            style
                .with_key("cell_elapsed", cell_elapsed)
                .progress_chars("=> "),
        );
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// One notebook on its way.
pub(super) struct Track {
    progress: Progress,
    bar: ProgressBar,
    path: PathBuf,
    cells: usize,
    began: Instant,
    cell_began: Arc<Mutex<Instant>>,
}

impl Track {
    /// A cell begins.
    pub(super) fn cell_begins(&self, cell: &Cell) {
        *self
            .cell_began
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.bar.set_message(cell.first_line());
    }

    /// The `count`-th cell that runs, from 1, has ended.
    pub(super) fn cell_ends(&self, count: usize, cell: &Cell, reply: &Reply, took: Duration) {
        self.bar.inc(1);
        match self.progress {
            Progress::Bars(_) => {}
            Progress::Lines => {
                let outcome = if reply.is_ok() { "" } else { "failed: " };
                let (path, cells) = (self.path.display(), self.cells);
                eprintln!(
                    "{path}  cell {count} of {cells}  {}  {outcome}{}",
                    seconds(took),
                    cell.first_line()
                );
            }
            Progress::Json => print_line(json!({
                "event": "cell",
                "notebook": self.path,
                "cell": count,
                "cells": self.cells,
                "id": cell.id(),
                "status": status(reply.error.as_ref()),
                "error": reply.error.as_ref().map(|error| format!("{}: {}", error.ename, error.evalue)),
                "seconds": took.as_secs_f64(),
                "compile_seconds": reply.compile.as_secs_f64(),
                "cached": reply.cached,
            })),
        }
    }

    /// The notebook has ended, and its executed copy lies at `output`.
    pub(super) fn ends(self, output: &Path, failure: Option<&Failure>) {
        self.bar.finish_and_clear();
        if let Progress::Json = self.progress {
            return print_line(json!({
                "event": "notebook",
                "notebook": self.path,
                "status": status(failure),
                "failed_cell": failure.map(|failure| json!({
                    "cell": failure.count,
                    "id": failure.id,
                    "line": failure.first_line,
                    "ename": failure.report.ename,
                    "evalue": failure.report.evalue,
                })),
                "seconds": self.began.elapsed().as_secs_f64(),
                "output": output,
            }));
        }
        let line = format!(
            "{}  {}  {} cells  {}  -> {}",
            if failure.is_some() { "failed" } else { "ok" },
            self.path.display(),
            self.cells,
            seconds(self.began.elapsed()),
            output.display()
        );
        match &self.progress {
            Progress::Bars(bars) => bars.suspend(|| print_line(line)),
            _ => print_line(line),
        }
    }
}

fn status<T>(failure: Option<&T>) -> &'static str {
    if failure.is_some() { "error" } else { "ok" }
}

/// One line on stdout. When whoever reads it has gone, as `head` does, there is nobody to tell.
pub(crate) fn print_line(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
