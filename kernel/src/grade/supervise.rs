//! The grader's side of an executing process.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use ::grade::inject::{Finding, FindingKind};
use ::grade::sandbox::{Confinement, InForce};
use ::grade::{Marking, Master, Notebook, Submission};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::run::is_executed;
use crate::setup;

use super::execute::{SUBCOMMAND, WORKER};
use super::job::{Job, Limits, RanCell, Said};

/// How often a process that dies is started again, without the cell that ended it.
const RESTARTS: usize = 3;

/// What a process may take beyond its cells: to start, and for each cell to be interrupted, in seconds.
const START: f64 = 120.0;
const PATIENCE: f64 = 10.0;

/// The least that the compiler gets: it reserves more than it uses.
const COMPILER: u64 = 4 << 30;

/// Memory that is reserved but not used: stacks of threads.
const RESERVED: u64 = 1 << 30;

/// Variables of the environment that an executing process keeps.
const KEPT: [&str; 10] = [
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "LIBTORCH",
    "LD_LIBRARY_PATH",
    "CVSTUDY_HOME",
    "XDG_CACHE_HOME",
    "OMP_NUM_THREADS",
    "RUSTUP_HOME",
];

/// Starts executing processes and takes in what they say.
pub(crate) struct Supervisor {
    limits: Limits,
    course: cell::Course,
    data: Option<PathBuf>,
    program: PathBuf,
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

/// How one process ended.
enum Ended {
    /// All cells ran.
    Well,
    /// It died in a cell, or before the first.
    Died { cell: Option<usize>, what: String },
    /// It took too long.
    TooLong { cell: Option<usize> },
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
        })
    }

    /// With the limits that hold when none are given.
    pub(crate) fn standard(data: Option<&Path>) -> Result<Self> {
        Self::new(Limits::default(), data)
    }

    /// What results depend on besides notebooks.
    pub(super) fn key(&self) -> String {
        format!("{:?} {}", self.limits, self.course.id)
    }

    /// Executes a notebook's cells and puts their outputs into it. Cells that did not get their turn have an
    /// error, so that nothing is given for them.
    ///
    /// # Errors
    /// When the machine has no room for the submission, or processes cannot be started.
    pub(crate) fn execute(
        &self,
        notebook: &mut Notebook,
        master: &Master,
        submission: &Submission,
        findings: &mut Vec<Finding>,
    ) -> Result<Ran> {
        let room = tempfile::Builder::new()
            .prefix("cvstudy-grade-")
            .tempdir()?;
        let scratch = fs::canonicalize(room.path())?;
        let mut job = self.job(notebook, master, &scratch)?;
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
            self.furnish(&scratch, master, submission)?;
            outputs = vec![None; notebook.cells().len()];
            let ended = self.process(&job, &scratch, longest, &mut outputs, &mut ran.in_force)?;
            match ended {
                Ended::Well => {
                    last_words.clear();
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

    fn job(&self, notebook: &Notebook, master: &Master, scratch: &Path) -> Result<Job> {
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
            folder: scratch.join("notebooks"),
            scratch: scratch.to_path_buf(),
            tests,
            poison: BTreeSet::new(),
            limits: self.limits,
            confinement: self.outer(scratch),
        })
    }

    /// Makes the folder that the submission runs in: its own files, and the data beside it.
    fn furnish(&self, scratch: &Path, master: &Master, submission: &Submission) -> Result<()> {
        for entry in fs::read_dir(scratch)?.flatten() {
            let path = entry.path();
            let is_folder = entry.file_type()?.is_dir();
            if is_folder {
                fs::remove_dir_all(path)?
            } else {
                fs::remove_file(path)?
            }
        }
        let folder = scratch.join("notebooks");
        fs::create_dir(&folder)?;
        fs::create_dir(scratch.join("tmp"))?;
        if let Some(data) = &self.data {
            std::os::unix::fs::symlink(data, scratch.join("data"))?;
        }
        if let Some(own) = &submission.folder {
            copy_files(own, &folder)?;
        }
        // The instructor's files take the place of those of the same name.
        if let Some(given) = &master.files {
            copy_files(given, &folder)?;
        }
        Ok(())
    }

    /// What the executing process may do: compile, and start the worker.
    fn outer(&self, scratch: &Path) -> Confinement {
        let sysroot = self
            .course
            .rustc
            .ancestors()
            .nth(2)
            .unwrap_or(Path::new("/usr"));
        let mut read = self.libraries();
        read.extend(self.data.clone());
        Confinement {
            read,
            read_by_name: Vec::new(),
            write: vec![scratch.to_path_buf(), self.course.cells.clone()],
            execute: ["/usr", "/bin", "/lib", "/lib64"]
                .map(PathBuf::from)
                .into_iter()
                .chain([sysroot.to_path_buf(), self.program.clone()])
                .collect(),
            memory: Some(self.limits.memory.max(COMPILER) + RESERVED),
            file_size: Some(self.limits.disk),
            cpu_seconds: None,
        }
    }

    /// What the worker may do: run cells.
    fn inner(&self, scratch: &Path) -> Confinement {
        let sysroot = self
            .course
            .rustc
            .ancestors()
            .nth(2)
            .unwrap_or(Path::new("/usr"));
        let mut read = self.libraries();
        read.push(sysroot.join("lib"));
        read.extend(self.data.clone());
        Confinement {
            read,
            // Earlier submissions' cells and tests lie there: only who knows a cell's hash can load it.
            read_by_name: vec![self.course.cells.clone()],
            write: vec![scratch.to_path_buf()],
            execute: Vec::new(),
            memory: Some(self.limits.memory + RESERVED),
            file_size: Some(self.limits.disk),
            cpu_seconds: None,
        }
    }

    /// Folders that the course's library and libtorch lie in.
    fn libraries(&self) -> Vec<PathBuf> {
        let built = self.course.library.parent().map(Path::to_path_buf);
        let mut folders: Vec<PathBuf> =
            built.into_iter().chain(setup::libtorch_folders()).collect();
        folders.extend(self.course.crates.iter().cloned());
        folders.push(self.course.stubs.clone());
        let path = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        folders.extend(std::env::split_paths(&path).filter(|path| path.is_absolute()));
        folders
            .iter()
            .filter_map(|folder| fs::canonicalize(folder).ok())
            .collect()
    }

    fn process(
        &self,
        job: &Job,
        scratch: &Path,
        longest: f64,
        outputs: &mut [Option<RanCell>],
        in_force: &mut Vec<InForce>,
    ) -> Result<Ended> {
        let mut command = Command::new(&self.program);
        command.arg(SUBCOMMAND).current_dir(scratch).env_clear();
        command.envs(
            KEPT.iter()
                .filter_map(|name| Some((*name, std::env::var_os(name)?))),
        );
        command
            .env("HOME", scratch)
            .env("TMPDIR", scratch.join("tmp"))
            .env("CVSTUDY_HOME", cell::course::home())
            .env("NBGRADER_EXECUTION", "autograde")
            .env(WORKER, json!(self.inner(scratch)).to_string());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.process_group(0);
        let child = command
            .spawn()
            .context("cannot start the executing process")?;
        let mut guard = Guard(child);
        let child = &mut guard.0;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            bail!("the executing process has no pipes");
        };
        let process = i32::try_from(child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let (done, watched) = channel::<()>();
        let mut cell = None;
        let (mut ended, mut late, mut words) = (false, false, String::new());
        thread::scope(|scope| {
            // Each pipe is read while the others are busy.
            scope.spawn(move || {
                let _ = writeln!(stdin, "{}", json!(job));
            });
            let words_of = scope.spawn(move || read_at_most(stderr, 64 << 10));
            let watch = scope.spawn(move || watch(process, longest, &watched));
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                match serde_json::from_str(&line) {
                    Ok(Said::Begin { in_force: means }) => *in_force = means,
                    Ok(Said::CellBegins { at }) => cell = Some(at),
                    Ok(Said::Cell(ran)) => {
                        if let Some(place) = outputs.get_mut(ran.at) {
                            *place = Some(ran);
                        }
                    }
                    Ok(Said::End) => ended = true,
                    // Whatever else is on its stdout is not for us.
                    Err(_) => {}
                }
            }
            drop(done);
            late = watch.join().unwrap_or(false);
            words = words_of.join().unwrap_or_default();
        });
        let status = guard.0.wait()?;
        Ok(match (ended, late) {
            (true, _) => Ended::Well,
            (false, true) => Ended::TooLong { cell },
            (false, false) => Ended::Died {
                cell,
                what: describe(status, &words),
            },
        })
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

/// Ends the process when it is not needed any more, however the grader leaves.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ends the process when its time is up. True when that was so.
fn watch(process: Option<rustix::process::Pid>, longest: f64, done: &Receiver<()>) -> bool {
    let late =
        done.recv_timeout(Duration::from_secs_f64(longest)) == Err(RecvTimeoutError::Timeout);
    if let Some(process) = process.filter(|_| late) {
        let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
    }
    late
}

/// The beginning of what a pipe brings; the rest is read and dropped.
fn read_at_most(mut pipe: impl Read, most: u64) -> String {
    let mut bytes = Vec::new();
    let _ = pipe.by_ref().take(most).read_to_end(&mut bytes);
    let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn describe(status: ExitStatus, words: &str) -> String {
    match words.trim().lines().last() {
        Some(words) => format!("{status}; {words}"),
        None => status.to_string(),
    }
}

/// Copies the files of a submission's folder, without links, notebooks and folders of tools.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)?.flatten() {
        let (kind, name) = (entry.file_type()?, entry.file_name());
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            let folder = to.join(&name);
            fs::create_dir_all(&folder)?;
            copy_files(&entry.path(), &folder)?;
        } else if kind.is_file() && !name.to_string_lossy().ends_with(".ipynb") {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}
