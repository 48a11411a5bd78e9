//! `cvstudy watch`: exercises checked again whenever the notebook is saved.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime};

use ::grade::score::score;
use ::grade::verdict::explain;
use ::grade::{Master, Notebook, Submission};
use anyhow::{Context, Result};
use clap::Args;

use crate::exercises::{Progress, State, name_of, told};
use crate::grade::Supervisor;
use crate::run::print_line;
use crate::setup;

/// How often the file is looked at.
const TICK: Duration = Duration::from_millis(300);

/// Options of `cvstudy watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchOptions {
    /// The notebook
    #[arg(value_name = "NOTEBOOK")]
    notebook: PathBuf,

    /// Check once and end
    #[arg(long)]
    once: bool,

    /// The longest a cell may take, compiling included
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,
}

/// Checks a notebook's exercises now and on every save, until it is stopped.
///
/// # Errors
/// When the notebook cannot be read at the start.
pub(crate) fn watch(options: WatchOptions) -> Result<()> {
    setup::ensure(setup::Need::Course)?;
    let supervisor = Supervisor::standard(options.timeout, None)?;
    // What is saved while the first check runs is checked after it.
    let mut seen = saved(&options)?;
    check(&options, &supervisor)?;
    if options.once {
        return Ok(());
    }
    loop {
        thread::sleep(TICK);
        // A file that is being replaced is not there for a moment.
        let Ok(now) = saved(&options) else { continue };
        if now != seen {
            seen = now;
            if let Err(error) = check(&options, &supervisor) {
                eprintln!("{error:#}");
            }
        }
    }
}

fn saved(options: &WatchOptions) -> Result<SystemTime> {
    let path = &options.notebook;
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(metadata.modified()?)
}

fn check(options: &WatchOptions, supervisor: &Supervisor) -> Result<()> {
    let mut notebook = Notebook::read(&options.notebook)?;
    notebook.upgrade();
    let name = name_of(&options.notebook);
    let master = Master::of_released(&name, notebook.clone())?;
    let submission = Submission {
        student: String::new(),
        assignment: name.clone(),
        notebook: name.clone(),
        path: options.notebook.clone(),
        folder: None,
        timestamp: None,
    };
    supervisor.execute(&mut notebook, &master, &submission, &mut Vec::new())?;
    let scores = score(&master, &notebook, &mut Vec::new());
    let verdicts = explain(&master, &notebook, &scores);
    print_line(format!("\n{}", options.notebook.display()));
    for verdict in verdicts.iter().filter(|verdict| {
        master
            .cell(&verdict.id)
            .is_some_and(|cell| cell.marking.is_tests())
    }) {
        let Some(score) = scores.iter().find(|score| score.id == verdict.id) else {
            continue;
        };
        let points = score.auto.unwrap_or(0.0);
        print_line(told(&verdict.id, points, score.max, verdict).trim_end());
        let state = State {
            points,
            max: score.max,
            class: verdict.class,
        };
        Progress::note(&name, &verdict.id, state)?;
    }
    Ok(())
}
