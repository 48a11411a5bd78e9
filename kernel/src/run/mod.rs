//! `cvstudy run`: notebooks executed from top to bottom without Jupyter, each in a fresh engine.
//!
//! | file | what is in it |
//! |---|---|
//! | `execute` | one notebook, cell by cell |
//! | `outputs` | its outputs as nbformat keeps them |
//! | `progress` | how far it is |

mod execute;
mod outputs;
mod progress;

use std::collections::HashSet;
use std::fs;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use cell::ErrorReport;
use clap::Args;

use crate::notebook::{self, Notebook};
use crate::setup;

pub(crate) use execute::{is_executed, may_fail};
pub(crate) use outputs::Outputs;
pub(crate) use progress::print_line;

use execute::{Failure, Limits};
use progress::Progress;

/// Each engine holds libtorch in memory: more at a time only when asked for.
const MOST_JOBS: usize = 4;

/// Options of `cvstudy run`.
///
/// The executed copy of `week1.ipynb` is written beside it as `week1.executed.ipynb`, or with
/// `--output` into that folder under its own name; the notebook itself is never touched.
#[derive(Debug, Args)]
#[command(after_help = "\
The executed copy of week1.ipynb is written beside it as week1.executed.ipynb, or with --output into that
folder as week1.ipynb; the notebook itself is never touched. A notebook stops at the first cell that fails,
and its copy is written all the same.

Cells tagged skip-execution are not executed; cells tagged raises-exception may fail.")]
pub(crate) struct RunOptions {
    /// Notebooks, or folders of notebooks
    #[arg(required = true, value_name = "NOTEBOOK")]
    notebooks: Vec<PathBuf>,

    /// Write the executed copies into this folder
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Interrupt a cell that runs longer than this
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,

    /// Go on after cells that fail, and end well all the same
    #[arg(long)]
    allow_errors: bool,

    /// How many notebooks to execute at the same time [default: one a core, at most 4]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Print one JSON object a line on stdout for every cell and every notebook
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    if duration.is_zero() {
        Err("a cell needs more than 0 seconds".into())
    } else {
        Ok(duration)
    }
}

/// A notebook and where its executed copy goes.
struct Task {
    input: PathBuf,
    output: PathBuf,
}

/// Executes notebooks and writes their executed copies.
///
/// # Errors
/// When a notebook cannot be read, a cell fails, or a copy cannot be written; all notebooks are tried.
pub(crate) fn run(options: RunOptions) -> Result<()> {
    let tasks = plan(&options)?;
    // A file that is no notebook is no reason to set anything up.
    if tasks.iter().any(|task| Notebook::read(&task.input).is_ok()) {
        setup::ensure(setup::Need::Course)?;
    }
    let progress = Progress::new(options.json);
    let limits = Limits {
        timeout: options.timeout,
        allow_errors: options.allow_errors,
    };
    let jobs = options.jobs.map_or_else(default_jobs, NonZeroUsize::get);
    let results = in_parallel(jobs, &tasks, |task| {
        run_one(task, limits, &progress).inspect_err(|error| progress.refused(&task.input, error))
    });
    let mut errors = results
        .into_iter()
        .zip(&tasks)
        .filter_map(|(result, task)| match result {
            Ok(None) => None,
            Ok(Some(failure)) => Some(explain(&task.input, &failure)),
            Err(error) => Some(error),
        });
    let Some(first) = errors.next() else {
        return Ok(());
    };
    let rest: Vec<_> = errors.collect();
    if rest.is_empty() {
        return Err(first);
    }
    let count = rest.len() + 1;
    let all: String = std::iter::once(first)
        .chain(rest)
        .map(|error| format!("\n\n{error:#}"))
        .collect();
    Err(anyhow!("{count} of {} notebooks failed{all}", tasks.len()))
}

/// Finds the notebooks and says where their copies go, so that no file is written over another.
fn plan(options: &RunOptions) -> Result<Vec<Task>> {
    let inputs = notebook::find(&options.notebooks)?;
    if let Some(folder) = &options.output {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let mut outputs = HashSet::new();
    let mut tasks = Vec::new();
    for input in inputs {
        let output = match (&options.output, input.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => notebook::executed_path(&input),
        };
        let same = |path: &Path| fs::canonicalize(path).ok();
        ensure!(
            same(&output).is_none() || same(&output) != same(&input),
            "the copy of {} would replace it; give --output another folder",
            input.display()
        );
        ensure!(
            outputs.insert(output.clone()),
            "two of the notebooks would be written to {}; execute them one after the other",
            output.display()
        );
        tasks.push(Task { input, output });
    }
    Ok(tasks)
}

fn run_one(task: &Task, limits: Limits, progress: &Progress) -> Result<Option<Failure>> {
    let mut notebook = Notebook::read(&task.input)?;
    notebook.upgrade();
    let cells = notebook
        .cells()
        .iter()
        .filter(|cell| is_executed(cell))
        .count();
    let track = progress.begin(&task.input, cells);
    let cwd = task
        .input
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let failure = execute::execute(&mut notebook, &task.input, cwd, limits, &track)
        .with_context(|| task.input.display().to_string())?;
    notebook.write(&task.output)?;
    track.ends(&task.output, failure.as_ref());
    Ok(failure)
}

/// The failing cell, then what it said.
fn explain(path: &Path, failure: &Failure) -> anyhow::Error {
    let Failure {
        count,
        id,
        first_line,
        report,
    } = failure;
    let cell = cell_name(path, *count, id.as_deref());
    anyhow!("{cell} failed: {first_line}\n\n{}", for_stderr(report))
}

/// How a cell is called in messages.
pub(crate) fn cell_name(path: &Path, count: usize, id: Option<&str>) -> String {
    let id = id.map(|id| format!(" (id {id})")).unwrap_or_default();
    format!("{}: cell {count}{id}", path.display())
}

/// What went wrong, without colours where nobody would see them.
pub(crate) fn for_stderr(report: &ErrorReport) -> String {
    let mut text = report.traceback.join("\n");
    if text.is_empty() {
        text = format!("{}: {}", report.ename, report.evalue);
    }
    match std::io::stderr().is_terminal() {
        true => text,
        false => console::strip_ansi_codes(&text).into_owned(),
    }
}

/// Maps `work` over `items` on at most `jobs` threads; the results are in the order of the items.
pub(crate) fn in_parallel<T: Sync, R: Send>(
    jobs: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take_some = || -> Vec<(usize, R)> {
        let turns = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::SeqCst)));
        turns
            .map_while(|at| Some((at, work(items.get(at)?))))
            .collect()
    };
    let mut results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.min(items.len()))
            .map(|_| scope.spawn(take_some))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// One a core, but no more than memory allows without asking.
pub(crate) fn default_jobs() -> usize {
    thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(MOST_JOBS)
}
