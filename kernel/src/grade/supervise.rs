//! The grader's side of executing: which process executes a submission, and what to do when it dies.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ::grade::inject::{Finding, FindingKind};
use ::grade::sandbox::InForce;
use ::grade::{Marking, Master, Notebook, Submission};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

use crate::run::is_executed;
use crate::setup;

use super::confine::Means;
use super::executor::{Ended, Executor, Room, Starter};
use super::files::Beside;
use super::job::{Job, Limits, RanCell};

/// How often a process that dies is replaced, to go on without the cell that ended it.
const RESTARTS: usize = 3;

/// What a process may take beyond its cells: to start, and for each cell to be interrupted, in seconds.
const START: f64 = 120.0;
const PATIENCE: f64 = 10.0;

/// Has submissions executed and takes in what comes of it.
pub(crate) struct Supervisor {
    limits: Limits,
    course: cell::Course,
    data: Option<PathBuf>,
    program: PathBuf,
    starter: Starter,
    /// Processes that wait for their next submission.
    idle: Mutex<Vec<Executor>>,
    /// The instructor's files, by their folder.
    given: Mutex<BTreeMap<PathBuf, Arc<Beside>>>,
}

/// What execution came to, besides the outputs in the notebook.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    /// Cells that had to be compiled.
    pub(crate) compiled: usize,
    /// Cells that ran.
    pub(crate) cells: usize,
    /// What confined them.
    pub(crate) in_force: Vec<InForce>,
}

impl Supervisor {
    pub(super) fn new(limits: Limits, data: Option<&Path>) -> Result<Self> {
        let data = match data {
            Some(data) => Some(
                fs::canonicalize(data)
                    .with_context(|| format!("cannot read the data in {}", data.display()))?,
            ),
            None => setup::data().filter(|data| data.is_dir()),
        };
        Ok(Self {
            limits,
            course: cell::Course::locate()?,
            data,
            program: std::env::current_exe()?,
            starter: Starter::new(),
            idle: Mutex::default(),
            given: Mutex::default(),
        })
    }

    /// With the limits that hold when none are given, but for the time of a cell in seconds.
    pub(crate) fn standard(seconds: f64, data: Option<&Path>) -> Result<Self> {
        let limits = Limits {
            seconds,
            ..Limits::default()
        };
        Self::new(limits, data)
    }

    /// What submissions may use.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// The build of the course that they run with.
    pub(super) fn build(&self) -> &str {
        &self.course.id
    }

    /// The instructor's files that every submission gets.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn given(&self, master: &Master) -> Result<Arc<Beside>> {
        let Some(folder) = &master.files else {
            return Ok(Arc::default());
        };
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = given.get(folder) {
            return Ok(Arc::clone(known));
        }
        let found = Beside::find(folder, u64::MAX).map_err(|reason| {
            anyhow!("the instructor's files in {}: {reason}", folder.display())
        })?;
        let found = Arc::new(found);
        given.insert(folder.clone(), Arc::clone(&found));
        Ok(found)
    }

    /// As [`Supervisor::execute_with`], with the files in the submission's folder.
    ///
    /// # Errors
    /// As [`Supervisor::execute_with`], and when those files cannot be read.
    pub(crate) fn execute(
        &self,
        notebook: &mut Notebook,
        master: &Master,
        submission: &Submission,
        findings: &mut Vec<Finding>,
    ) -> Result<Ran> {
        let own = match &submission.folder {
            Some(folder) => {
                Beside::find(folder, self.limits.disk).map_err(|reason| anyhow!(reason))?
            }
            None => Beside::default(),
        };
        self.execute_with(notebook, master, &own, findings)
    }

    /// Executes a notebook's cells, with the files `own` beside it, and puts their outputs into it. Cells that did not get their turn have an
    /// error, so that nothing is given for them.
    ///
    /// # Errors
    /// When the machine has no room for the submission, or processes cannot be started.
    pub(super) fn execute_with(
        &self,
        notebook: &mut Notebook,
        master: &Master,
        own: &Beside,
        findings: &mut Vec<Finding>,
    ) -> Result<Ran> {
        let mut job = self.job(notebook, master)?;
        let cells = notebook
            .cells()
            .iter()
            .filter(|cell| is_executed(cell))
            .count();
        let longest = START + cells as f64 * (self.limits.seconds + PATIENCE);
        let mut ran = Ran::default();
        let mut outputs: Vec<Option<RanCell>> = Vec::new();
        let mut last_words = String::new();
        for _ in 0..=RESTARTS {
            let mut executor = self.executor()?;
            self.furnish(&executor.room, master, own)?;
            outputs = vec![None; notebook.cells().len()];
            match executor.execute(&job, longest, &mut outputs, &mut ran.in_force) {
                Ended::Well => {
                    last_words.clear();
                    self.idle().push(executor);
                    break;
                }
                Ended::Died { cell: None, what } => {
                    bail!("the executing process did not start: {what}")
                }
                Ended::Died {
                    cell: Some(at),
                    what,
                } => {
                    let text = format!(
                        "a cell ended the program that compiles it ({what}); it was passed over"
                    );
                    findings.push(about(notebook, at, &text));
                    job.poison.insert(at);
                    last_words = text;
                }
                Ended::TooLong { cell } => {
                    last_words =
                        format!("the submission took longer than {longest} s in all and was ended");
                    findings.push(match cell {
                        Some(at) => about(notebook, at, &last_words),
                        None => Finding::of_all(FindingKind::Stopped, last_words.clone()),
                    });
                    break;
                }
            }
        }
        self.put(notebook, outputs, &last_words, &mut ran, findings);
        Ok(ran)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Executor>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process that waits, or else a new one.
    fn executor(&self) -> Result<Executor> {
        if let Some(executor) = self.idle().pop() {
            return Ok(executor);
        }
        let room = Room::new()?;
        let means = Means {
            course: &self.course,
            data: self.data.as_deref(),
            limits: &self.limits,
        };
        let outer = means.to_compile(&room.scratch, &self.program);
        let inner = means.to_run(&room.scratch);
        fs::create_dir(room.scratch.join("tmp"))?;
        Executor::start(&self.starter, &self.program, room, outer, &inner)
    }

    fn job(&self, notebook: &Notebook, master: &Master) -> Result<Job> {
        let is_tests = |marking: Marking| {
            master
                .cell(marking.id())
                .is_some_and(|known| known.marking.is_tests())
        };
        let tests: BTreeSet<usize> = notebook
            .cells()
            .iter()
            .enumerate()
            .filter(|(_, cell)| Marking::of(cell).ok().flatten().is_some_and(is_tests))
            .map(|(at, _)| at)
            .collect();
        Ok(Job {
            notebook: serde_json::from_slice(&notebook.to_json())?,
            tests,
            poison: BTreeSet::new(),
            limits: self.limits,
        })
    }

    /// Makes the folder that the submission runs in: its own files, and the data beside it.
    fn furnish(&self, room: &Room, master: &Master, own: &Beside) -> Result<()> {
        room.clear()?;
        let scratch = &room.scratch;
        let folder = scratch.join("notebooks");
        fs::create_dir(&folder)?;
        fs::create_dir(scratch.join("tmp"))?;
        if let Some(data) = &self.data {
            std::os::unix::fs::symlink(data, scratch.join("data"))?;
        }
        own.copy_to(&folder)?;
        // The instructor's files take the place of those of the same name.
        self.given(master)?.copy_to(&folder)
    }

    /// Puts outputs into the notebook; cells without their turn get an error.
    fn put(
        &self,
        notebook: &mut Notebook,
        outputs: Vec<Option<RanCell>>,
        last_words: &str,
        ran: &mut Ran,
        findings: &mut Vec<Finding>,
    ) {
        for (cell, output) in notebook.cells_mut().iter_mut().zip(outputs) {
            if !is_executed(cell) {
                continue;
            }
            let Some(mut output) = output else {
                let text = format!("this cell did not get its turn: {last_words}");
                cell.set_outputs(vec![error("Stopped", &text)], None);
                continue;
            };
            if output.forged {
                let id = Marking::of(cell)
                    .ok()
                    .flatten()
                    .map(|marking| marking.id().to_owned());
                let text = "it showed a result before its last line; no points are given for that";
                findings.push(Finding::of_cell(
                    FindingKind::Forged,
                    &id.unwrap_or_default(),
                    text,
                ));
                output.outputs.insert(0, error("Forged", text));
            }
            ran.cells += 1;
            ran.compiled += usize::from(!output.cached);
            cell.set_outputs(
                ::grade::score::truncated(output.outputs),
                Some(output.count),
            );
        }
    }
}

fn error(ename: &str, text: &str) -> Value {
    json!({ "ename": ename, "evalue": text, "output_type": "error", "traceback": [format!("{ename}: {text}")] })
}

fn about(notebook: &Notebook, at: usize, text: &str) -> Finding {
    let cell = notebook.cells().get(at).and_then(::grade::Cell::id);
    Finding::of_cell(FindingKind::Stopped, cell.unwrap_or_default(), text)
}
