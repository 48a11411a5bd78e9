//! One notebook: cells go in, events come out.
//!
//! `conversation` is what is said to the worker and by it; `variables` keeps account of what it has; `commands` does
//! what `:vars` and the like ask for.

mod commands;
mod conversation;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rt::frame::{Outcome, ToWorker};

use crate::commands::{Command, split};
use crate::compile::{self, Built, Compiler};
use crate::course::Course;
use crate::error::CellError;
use crate::event::{ErrorReport, Event, Reply, Sink, StreamName};
use crate::exercises::Exercises;
use crate::parse::Parsed;
use crate::report;
use crate::rustc::{Rustc, Stop};
use crate::session::{Session, Variable};
use crate::source::CellText;
use crate::worker::{Line, News, Worker};

/// How long a cell may go on after an interrupt before it is left behind.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a worker may take after that to say that the cell is left behind.
const LAST_PATIENCE: Duration = Duration::from_secs(3);
/// How often a running cell's output and the learner's wish to stop are looked at when nothing happens.
const TICK: Duration = Duration::from_millis(100);

/// What an engine needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The course that cells are compiled against.
    pub course: Course,
    /// The folder in which cells run.
    pub folder: PathBuf,
    /// The program that becomes a worker when called with [`crate::worker::SUBCOMMAND`].
    pub program: PathBuf,
    /// Whether notes and warnings are kept off standard error, where nbgrader would take them for failures.
    pub quiet: bool,
    /// Whether `!` lines run commands of the shell. Not while grading: they run outside of the worker.
    pub shell: bool,
    /// Who answers `:check` and the like.
    pub exercises: Option<Arc<dyn Exercises>>,
}

impl Config {
    /// Finds the course beside the running program, which is also the worker's.
    ///
    /// # Errors
    /// When the course is not there.
    pub fn discover(folder: &Path) -> Result<Self, CellError> {
        // By this name the program is found even after cargo has put a new one in its place.
        let own = PathBuf::from("/proc/self/exe");
        let program = if own.exists() {
            own
        } else {
            std::env::current_exe().map_err(CellError::io("the running program"))?
        };
        Ok(Self {
            course: Course::locate()?,
            folder: folder.to_path_buf(),
            program,
            quiet: std::env::var_os("NBGRADER_EXECUTION").is_some(),
            shell: true,
            exercises: None,
        })
    }

    /// The same with another program as the worker, for tests, which are not that program themselves.
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }
}

/// One notebook's engine.
pub struct Engine {
    config: Config,
    session: Session,
    compiler: Compiler,
    worker: Option<Worker>,
    line: Line,
    stop: Arc<Stop>,
    cells_run: u64,
    /// Variables that a cell which was left behind still holds.
    withheld: BTreeMap<String, Variable>,
    /// Variables that such a cell has brought back since, to be taken in between two cells.
    returned: BTreeSet<String>,
    /// Variables that it holds and nobody can use any more.
    stale: BTreeSet<String>,
    /// Variables that went with a worker.
    lost: BTreeSet<String>,
    /// The cells that have run to their end, for `:replay`.
    history: Vec<Arc<CellText>>,
    timing: bool,
}

/// Stops the running cell, from any thread.
#[derive(Clone)]
pub struct Interrupter {
    stop: Arc<Stop>,
    line: Line,
}

impl Interrupter {
    /// Asks the running cell to stop. Without one, nothing happens.
    pub fn interrupt(&self) {
        self.stop.request();
        self.line.send(&ToWorker::Interrupt);
    }
}

/// A variable, for whoever lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableInfo {
    /// Its name.
    pub name: String,
    /// Its type, without paths.
    pub type_name: String,
    /// Its value on one line, cut to a readable length; empty for types without `Debug`.
    pub value: String,
}

/// What checking a cell found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// Warnings, rendered.
    pub warnings: Vec<String>,
    /// True when nothing had to be compiled.
    pub cached: bool,
}

impl Engine {
    /// Starts an engine. Its worker loads the course while the first cell is compiled.
    ///
    /// # Errors
    /// When the worker cannot be started.
    pub fn start(config: Config) -> Result<Self, CellError> {
        let mut engine = Self::without_worker(config);
        engine.start_worker()?;
        engine.compiler.keep_ahead();
        Ok(engine)
    }

    /// The same with a worker that has been started already.
    pub fn with_worker(config: Config, worker: Worker) -> Self {
        let mut engine = Self::without_worker(config);
        engine.line = worker.line.clone();
        engine.worker = Some(worker);
        engine
    }

    /// Waits until the worker has loaded the course, so that this is no part of the next cell's time.
    ///
    /// # Errors
    /// Why there is no worker.
    pub fn wait_until_ready(&mut self, sink: &mut dyn Sink) -> Result<(), ErrorReport> {
        self.make_ready(sink)
    }

    /// An engine that starts its worker when the first cell runs: for checking, which runs none.
    pub fn without_worker(config: Config) -> Self {
        let stop = Arc::<Stop>::default();
        Self {
            compiler: Compiler::new(Rustc::new(config.course.clone(), Arc::clone(&stop))),
            config,
            session: Session::default(),
            worker: None,
            line: Line::default(),
            stop,
            cells_run: 0,
            withheld: BTreeMap::new(),
            returned: BTreeSet::new(),
            stale: BTreeSet::new(),
            lost: BTreeSet::new(),
            history: Vec::new(),
            timing: false,
        }
    }

    fn start_worker(&mut self) -> Result<(), CellError> {
        self.worker = None;
        self.worker = Some(Worker::start(
            &self.config.program,
            &self.config.course,
            &self.config.folder,
            &self.line,
        )?);
        Ok(())
    }

    /// Something to stop cells with.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter {
            stop: Arc::clone(&self.stop),
            line: self.line.clone(),
        }
    }

    /// The worker's process, if there is one.
    pub fn worker_process(&self) -> Option<u32> {
        self.worker.as_ref().map(Worker::process)
    }

    /// Runs a cell. `label` is what messages call it, as in `[3]`.
    pub fn execute(&mut self, label: &str, code: &str, sink: &mut dyn Sink) -> Reply {
        self.stop.reset();
        self.take_back();
        let mut reply = Reply {
            error: None,
            compile: Duration::ZERO,
            run: Duration::ZERO,
            cached: true,
        };
        let (commands, code) = split(code, &|name| self.session.knows(name));
        for command in commands {
            if let Err(error) = self.command(&command, sink) {
                return self.fail(error, reply, sink);
            }
        }
        let cell = CellText::new(label, &code);
        if cell.text.trim().is_empty() {
            return reply;
        }
        let result = self.run_cell(&cell, sink, &mut reply);
        if self.timing {
            let text = format!(
                "compiled in {} ms{}, ran in {} ms\n",
                reply.compile.as_millis(),
                if reply.cached { " (from cache)" } else { "" },
                reply.run.as_millis()
            );
            sink.event(Event::Stream {
                name: StreamName::Stdout,
                text,
            });
        }
        match result {
            Ok(()) => {
                self.history.push(cell);
                reply
            }
            Err(error) => self.fail(error, reply, sink),
        }
    }

    fn fail(&mut self, error: ErrorReport, mut reply: Reply, sink: &mut dyn Sink) -> Reply {
        sink.event(Event::Error(error.clone()));
        reply.error = Some(error);
        reply
    }

    fn run_cell(
        &mut self,
        cell: &Arc<CellText>,
        sink: &mut dyn Sink,
        reply: &mut Reply,
    ) -> Result<(), ErrorReport> {
        let began = Instant::now();
        let compiled = self.compile(cell);
        reply.compile = began.elapsed();
        let (parsed, built) = compiled?;
        reply.cached = built.cached;
        self.tell(&built, sink);
        let began = Instant::now();
        let outcome = match &built.krate {
            Some(krate) => self.run(krate, sink),
            None => Ok((Outcome::Finished, None)),
        };
        reply.run = began.elapsed();
        let (outcome, stored) = match outcome {
            Ok(ended) => ended,
            Err(error) => {
                // The items of the cell have compiled, and are as good as before.
                let variables = std::mem::take(&mut self.session.variables);
                self.session = built.session;
                self.session.variables = variables;
                return Err(error);
            }
        };
        if let (Outcome::NotLoaded { .. }, Some(krate)) = (&outcome, &built.krate) {
            self.compiler.discard(krate);
        }
        self.settle(&outcome, stored, built, &parsed, sink)?;
        report::of_outcome(&outcome, &self.compiler).map_or(Ok(()), Err)
    }

    fn compile(&mut self, cell: &Arc<CellText>) -> Result<(Parsed, Built), ErrorReport> {
        let parsed = self.compiler.read(cell)?;
        let built = self.compiler.compile(&self.session, &parsed, &self.lost)?;
        Ok((parsed, built))
    }

    /// Shows notes and warnings of the compilation.
    fn tell(&self, built: &Built, sink: &mut dyn Sink) {
        if self.config.quiet {
            return;
        }
        let notes = built.notes.iter().map(|note| format!("note: {note}.\n"));
        for text in notes.chain(built.warnings.iter().map(|warning| format!("{warning}\n"))) {
            sink.event(Event::Stream {
                name: StreamName::Stderr,
                text,
            });
        }
    }

    /// Compiles a cell without running it; the notebook goes on as if it had run.
    ///
    /// # Errors
    /// What is wrong with the cell.
    pub fn check(&mut self, label: &str, code: &str) -> Result<CheckReport, ErrorReport> {
        self.stop.reset();
        let (commands, code) = split(code, &|name| self.session.knows(name));
        for command in commands {
            match command {
                Command::Opt(level) => self.compiler.opt_level = level,
                Command::Dep(text) => self.add_dependency(&text, &mut Vec::new())?,
                _ => {}
            }
        }
        let cell = CellText::new(label, &code);
        if cell.text.trim().is_empty() {
            return Ok(CheckReport {
                warnings: Vec::new(),
                cached: true,
            });
        }
        let (parsed, built) = self.compile(&cell)?;
        let report = CheckReport {
            warnings: built.warnings.clone(),
            cached: built.cached,
        };
        let (new, _) = compile::kept_variables(&built, &parsed);
        self.session = built.session;
        self.session.variables.retain(|name, _| {
            !built.moved.contains(name)
                && !parsed.bindings.iter().any(|binding| binding.name == *name)
        });
        self.session.variables.extend(new);
        Ok(report)
    }

    /// Begins anew: a fresh worker, no variables, no items.
    ///
    /// # Errors
    /// When the worker cannot be started.
    pub fn restart(&mut self) -> Result<(), CellError> {
        self.compiler.clear();
        self.begin_anew()
    }

    fn begin_anew(&mut self) -> Result<(), CellError> {
        self.session = Session::default();
        self.compiler.forget_crates();
        self.forget_withheld();
        self.lost.clear();
        self.history.clear();
        self.start_worker()
    }

    /// Passes on what threads of earlier cells print while no cell runs. Front ends call it now and then.
    pub fn idle(&mut self, sink: &mut dyn Sink) {
        while let News::Message(message) = self.wait(Duration::ZERO, sink) {
            self.serve(message, sink);
        }
        self.take_back();
    }

    /// Ends the worker and all it started.
    pub fn shutdown(self) {
        drop(self.worker);
    }

    /// The paths of the `use` declarations in force, such as `std::fmt as f`.
    pub fn use_paths(&self) -> Vec<String> {
        let uses = self.session.uses.iter();
        uses.map(|known| known.leaf.path.clone()).collect()
    }

    /// The text of each item in force, in the order of their definition.
    pub fn item_texts(&self) -> Vec<String> {
        let items = self.session.items.iter();
        items.map(|known| known.text().to_owned()).collect()
    }
}

/// A one-line report.
pub(crate) fn failure(ename: &str, text: &str) -> ErrorReport {
    ErrorReport {
        ename: ename.into(),
        evalue: text.into(),
        traceback: vec![text.into()],
    }
}
