//! One notebook: cells go in, events come out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rt::frame::{CommMessage, Outcome, ToKernel, ToWorker};

use crate::commands::{self, Command};
use crate::compile::{self, Built, Compiler};
use crate::course::Course;
use crate::dependency::Wanted;
use crate::error::CellError;
use crate::event::{ErrorReport, Event, Reply, Sink, StreamName};
use crate::exercises::{Exercises, Plan, Test, TestOutcome};
use crate::lower::ENTRY;
use crate::parse::Parsed;
use crate::report;
use crate::rustc::{Compiled, Rustc, Stop};
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
        let mut reply = Reply {
            error: None,
            compile: Duration::ZERO,
            run: Duration::ZERO,
            cached: true,
        };
        let (commands, code) = commands::split(code, &|name| self.session.knows(name));
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
                self.session.items = built.session.items;
                self.session.uses = built.session.uses;
                return Err(error);
            }
        };
        if let (Outcome::NotLoaded { .. }, Some(krate)) = (&outcome, &built.krate) {
            self.compiler.discard(krate);
        }
        self.settle(&outcome, stored, built, &parsed, sink);
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

    /// Runs a crate in the worker. Gives how it ended, and which variables are in place since.
    fn run(
        &mut self,
        krate: &Compiled,
        sink: &mut dyn Sink,
    ) -> Result<(Outcome, Option<Vec<String>>), ErrorReport> {
        self.make_ready(sink)?;
        self.cells_run += 1;
        let id = self.cells_run;
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        self.line.send(&ToWorker::Run {
            id,
            library: path(&krate.library),
            entry: ENTRY.into(),
            dependencies: krate.needs.iter().map(path).collect(),
        });
        if self.stop.is_requested() {
            self.line.send(&ToWorker::Interrupt);
        }
        self.wait_for_end(id, sink)
    }

    /// Serves the worker until what runs under this id has ended, or had to be left behind.
    fn wait_for_end(
        &mut self,
        id: u64,
        sink: &mut dyn Sink,
    ) -> Result<(Outcome, Option<Vec<String>>), ErrorReport> {
        let mut asked_to_stop: Option<Instant> = None;
        let mut left_behind = false;
        loop {
            match self.wait(TICK, sink) {
                News::Message(ToKernel::Done {
                    id: ended,
                    outcome,
                    stored,
                }) if ended == id => {
                    return Ok((outcome, Some(stored)));
                }
                News::Message(message) => self.serve(message, sink),
                News::Quiet => {}
                News::Died(death) => return Err(self.mourn(&death)),
            }
            if self.stop.is_requested() {
                let since = *asked_to_stop.get_or_insert_with(Instant::now);
                if since.elapsed() >= PATIENCE && !left_behind {
                    left_behind = true;
                    self.line.send(&ToWorker::Abandon);
                }
                if since.elapsed() >= PATIENCE + LAST_PATIENCE {
                    return Err(self.end_worker(sink));
                }
            }
        }
    }

    /// Hands a message of the page to the worker, whose handler for it runs like a cell and leaves no variables.
    ///
    /// # Errors
    /// How the handler failed. Without a worker there is no handler either, and nothing happens.
    pub fn comm(&mut self, message: CommMessage, sink: &mut dyn Sink) -> Result<(), ErrorReport> {
        if self.worker.is_none() {
            return Ok(());
        }
        self.stop.reset();
        self.make_ready(sink)?;
        self.cells_run += 1;
        let id = self.cells_run;
        self.line.send(&ToWorker::Comm { id, message });
        let (outcome, _) = self.wait_for_end(id, sink)?;
        report::of_outcome(&outcome, &self.compiler).map_or(Ok(()), Err)
    }

    fn wait(&mut self, timeout: Duration, sink: &mut dyn Sink) -> News {
        let compiler = &self.compiler;
        let place = |file: &str, line, column| compiler.place(file, line, column);
        match &mut self.worker {
            Some(worker) => worker.wait(timeout, &place, &mut |event| sink.event(event)),
            None => News::Quiet,
        }
    }

    /// Makes sure that there is a worker with the course loaded.
    fn make_ready(&mut self, sink: &mut dyn Sink) -> Result<(), ErrorReport> {
        if self.worker.is_none() {
            self.start_worker()
                .map_err(|error| failure("WorkerDied", &error.to_string()))?;
        }
        let mut asked_to_stop: Option<Instant> = None;
        while self
            .worker
            .as_ref()
            .is_some_and(|worker| !worker.is_ready())
        {
            match self.wait(TICK, sink) {
                News::Message(message) => self.serve(message, sink),
                News::Quiet => {}
                News::Died(death) => {
                    self.worker = None;
                    return Err(report::of_death(&death, &[], true));
                }
            }
            if self.stop.is_requested() {
                let since = *asked_to_stop.get_or_insert_with(Instant::now);
                if since.elapsed() >= PATIENCE {
                    return Err(self.end_worker(sink));
                }
            }
        }
        Ok(())
    }

    /// Ends a worker that does not answer, and starts a new one.
    fn end_worker(&mut self, sink: &mut dyn Sink) -> ErrorReport {
        let compiler = &self.compiler;
        let place = |file: &str, line, column| compiler.place(file, line, column);
        let death = match &mut self.worker {
            Some(worker) => worker.end(&place, &mut |event| sink.event(event)),
            None => return compile::interrupted(),
        };
        self.mourn(&death)
    }

    /// Does what a message asks for.
    fn serve(&mut self, message: ToKernel, sink: &mut dyn Sink) {
        match message {
            ToKernel::Display { bundle, id, update } => {
                sink.event(match (id, update) {
                    (Some(id), true) => Event::UpdateDisplay { bundle, id },
                    (id, _) => Event::Display { bundle, id },
                });
                self.line.send(&ToWorker::Taken);
            }
            ToKernel::Result { bundle } => {
                sink.event(Event::Result { bundle });
                self.line.send(&ToWorker::Taken);
            }
            ToKernel::Clear { wait } => {
                sink.event(Event::ClearOutput { wait });
                self.line.send(&ToWorker::Taken);
            }
            ToKernel::Comm { message } => sink.event(Event::Comm(message)),
            ToKernel::Input { prompt, password } => {
                let text = sink.input(&prompt, password);
                self.line.send(&ToWorker::InputReply { text });
            }
            ToKernel::Returned { names } => {
                for name in names {
                    if let Some(variable) = self.withheld.remove(&name) {
                        self.session.variables.entry(name).or_insert(variable);
                    }
                }
            }
            ToKernel::Ready | ToKernel::Done { .. } | ToKernel::Variables { .. } => {}
        }
    }

    /// Brings the notebook's state in line with how the cell ended.
    fn settle(
        &mut self,
        outcome: &Outcome,
        stored: Option<Vec<String>>,
        built: Built,
        parsed: &Parsed,
        sink: &mut dyn Sink,
    ) {
        let (new, unnameable) = compile::kept_variables(&built, parsed);
        let finished = *outcome == Outcome::Finished;
        let mut session = built.session;
        if finished {
            session
                .variables
                .retain(|name, _| !built.moved.contains(name));
            for name in parsed.bindings.iter().map(|binding| &binding.name) {
                session.variables.remove(name);
                self.lost.remove(name);
            }
            session.variables.extend(new);
            self.forget(&unnameable, sink);
        }
        if let Some(stored) = stored {
            let in_place: BTreeSet<String> = stored.into_iter().collect();
            let (here, away) = session
                .variables
                .into_iter()
                .partition(|(name, _)| in_place.contains(name));
            session.variables = here;
            if *outcome == Outcome::Abandoned {
                let away: BTreeMap<String, Variable> = away;
                self.withheld.extend(away);
            }
        }
        let gone: Vec<String> = self
            .session
            .variables
            .keys()
            .filter(|name| !session.variables.contains_key(*name))
            .cloned()
            .collect();
        self.session = session;
        let outdated: Vec<String> = gone
            .into_iter()
            .filter(|name| !built.moved.contains(name) && !self.withheld.contains_key(name))
            .collect();
        self.drop_values(outdated, sink);
    }

    /// Drops values in the worker. What their destructors print is shown before this returns.
    fn drop_values(&mut self, names: Vec<String>, sink: &mut dyn Sink) {
        if !names.is_empty() && self.worker.is_some() {
            self.line.send(&ToWorker::Drop { names });
            self.values(sink);
        }
    }

    /// Drops values that no later cell can name.
    fn forget(&mut self, names: &[String], sink: &mut dyn Sink) {
        if names.is_empty() {
            return;
        }
        self.drop_values(names.to_vec(), sink);
        if self.config.quiet {
            return;
        }
        for name in names.iter().filter(|name| !name.starts_with('_')) {
            let text = format!(
                "note: the type of `{name}` has no name, so it lives for this cell only.\n"
            );
            sink.event(Event::Stream {
                name: StreamName::Stderr,
                text,
            });
        }
    }

    /// Takes a worker's death in and starts a new one.
    fn mourn(&mut self, death: &crate::worker::Death) -> ErrorReport {
        let lost: Vec<String> = self.session.variables.keys().cloned().collect();
        self.lost.extend(lost.iter().cloned());
        self.session.variables.clear();
        self.withheld.clear();
        self.worker = None;
        match self.start_worker() {
            Ok(()) => report::of_death(death, &lost, false),
            Err(error) => failure("WorkerDied", &error.to_string()),
        }
    }

    /// Compiles a cell without running it; the notebook goes on as if it had run.
    ///
    /// # Errors
    /// What is wrong with the cell.
    pub fn check(&mut self, label: &str, code: &str) -> Result<CheckReport, ErrorReport> {
        self.stop.reset();
        let (commands, code) = commands::split(code, &|name| self.session.knows(name));
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
        self.withheld.clear();
        self.lost.clear();
        self.history.clear();
        self.start_worker()
    }

    /// All variables with their types and short values.
    pub fn variables(&mut self) -> Vec<VariableInfo> {
        let values = if self.worker.is_none() || self.session.variables.is_empty() {
            BTreeMap::new()
        } else {
            self.values(&mut Vec::new())
        };
        let info = |(name, variable): (&String, &Variable)| VariableInfo {
            name: name.clone(),
            type_name: rt::display::tail::short_type_name(&variable.type_text),
            value: values.get(name).cloned().unwrap_or_default(),
        };
        self.session.variables.iter().map(info).collect()
    }

    /// Asks the worker for the short values of all variables.
    fn values(&mut self, sink: &mut dyn Sink) -> BTreeMap<String, String> {
        self.line.send(&ToWorker::Describe);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.wait(TICK, sink) {
                News::Message(ToKernel::Variables { values }) => {
                    return values.into_iter().collect();
                }
                News::Message(message) => self.serve(message, sink),
                News::Quiet => {}
                News::Died(death) => {
                    self.mourn(&death);
                    break;
                }
            }
        }
        BTreeMap::new()
    }

    /// Passes on what threads of earlier cells print while no cell runs. Front ends call it now and then.
    pub fn idle(&mut self, sink: &mut dyn Sink) {
        while let News::Message(message) = self.wait(Duration::ZERO, sink) {
            self.serve(message, sink);
        }
    }

    /// Ends the worker and all it started.
    pub fn shutdown(self) {
        drop(self.worker);
    }

    fn command(&mut self, command: &Command, sink: &mut dyn Sink) -> Result<(), ErrorReport> {
        let text = match command {
            Command::Help => commands::HELP.to_string(),
            Command::Vars => commands::table(&self.variables()),
            Command::Type(name) => self.type_of(name)?,
            Command::Clear => {
                let names = self.session.variables.keys().cloned().collect();
                self.drop_values(names, sink);
                self.restart()
                    .map_err(|error| failure("CommandError", &error.to_string()))?;
                String::new()
            }
            Command::Timing => {
                self.timing = !self.timing;
                format!("timing is {}\n", if self.timing { "on" } else { "off" })
            }
            Command::Opt(level) => {
                self.compiler.opt_level = *level;
                match level {
                    Some(level) => {
                        format!("every cell is compiled at optimisation level {level}\n")
                    }
                    None => {
                        "cells that loop are optimised, others are compiled quickly\n".to_string()
                    }
                }
            }
            Command::Replay => return self.replay(sink),
            Command::Dep(text) => return self.add_dependency(text, sink),
            Command::Shell(_) if !self.config.shell => {
                let text = "commands of the shell do not run here";
                return Err(failure("CommandError", text));
            }
            Command::Shell(line) => {
                return commands::shell(line, &self.config.folder, &self.stop, sink);
            }
            Command::Exercise(word, argument) => return self.exercise(word, argument, sink),
            Command::Unknown(word) => {
                return Err(failure("CommandError", &commands::unknown(word)));
            }
        };
        if !text.is_empty() {
            sink.event(Event::Stream {
                name: StreamName::Stdout,
                text,
            });
        }
        Ok(())
    }

    fn add_dependency(&mut self, text: &str, sink: &mut dyn Sink) -> Result<(), ErrorReport> {
        let wanted = Wanted::read(text).map_err(|text| failure("CommandError", &text))?;
        let mut say = |name: StreamName, text: String| sink.event(Event::Stream { name, text });
        let changed = self
            .compiler
            .add_dependency(wanted, &self.config.folder, &mut |line| {
                say(StreamName::Stdout, format!("{line}\n"));
            })?;
        // A variable of a type that is now another one would be taken for what it is not.
        let outdated: Vec<String> = self
            .session
            .variables
            .iter()
            .filter(|(_, variable)| changed.iter().any(|name| variable.mentions.contains(name)))
            .map(|(name, _)| name.clone())
            .collect();
        for name in &outdated {
            self.session.variables.remove(name);
            say(
                StreamName::Stderr,
                format!("note: `{name}` is gone, because the crate of its type was built anew.\n"),
            );
        }
        self.drop_values(outdated, sink);
        Ok(())
    }

    /// Does what a command about exercises comes to.
    fn exercise(
        &mut self,
        word: &str,
        argument: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), ErrorReport> {
        let refuse = |text: &str| failure("CommandError", text);
        let exercises = self.config.exercises.clone();
        let exercises = exercises.ok_or_else(|| refuse("there are no exercises here"))?;
        let folder = self.config.folder.clone();
        let tests = match exercises.plan(&folder, word, argument) {
            Ok(Plan::Say(text)) => {
                say(text, sink);
                return Ok(());
            }
            Ok(Plan::Run(tests)) => tests,
            Err(text) => return Err(refuse(&text)),
        };
        for test in tests {
            let outcome = self.run_test(&test, sink);
            if outcome
                .error
                .as_ref()
                .is_some_and(|error| error.ename == "Interrupted")
            {
                return Err(compile::interrupted());
            }
            say(exercises.ended(&test, &outcome), sink);
        }
        Ok(())
    }

    /// Runs a test in a block of its own, so that what it defines does not stay.
    fn run_test(&mut self, test: &Test, sink: &mut dyn Sink) -> TestOutcome {
        let cell = CellText::new(&test.id, &format!("{{ {}\n}}", test.code));
        let mut events = Vec::new();
        let mut reply = Reply {
            error: None,
            compile: Duration::ZERO,
            run: Duration::ZERO,
            cached: true,
        };
        let error = self.run_cell(&cell, &mut events, &mut reply).err();
        let mut result = None;
        for event in events {
            match event {
                Event::Result { bundle } => result = Some(bundle.plain().to_owned()),
                Event::Error(_) => {}
                event => sink.event(event),
            }
        }
        TestOutcome { error, result }
    }

    fn type_of(&self, name: &str) -> Result<String, ErrorReport> {
        if name.is_empty() {
            let text = "`:type` takes the name of a variable, as in `:type x`; `:vars` lists all";
            return Err(failure("CommandError", text));
        }
        match self.session.variables.get(name) {
            Some(variable) => Ok(format!(
                "{name}: {}\n",
                rt::display::tail::short_type_name(&variable.type_text)
            )),
            None => Err(failure(
                "CommandError",
                &format!("there is no variable `{name}`; `:vars` lists all"),
            )),
        }
    }

    /// Runs the earlier cells again in a fresh worker, without showing what they show.
    fn replay(&mut self, sink: &mut dyn Sink) -> Result<(), ErrorReport> {
        let cells = std::mem::take(&mut self.history);
        self.begin_anew()
            .map_err(|error| failure("CommandError", &error.to_string()))?;
        let total = cells.len();
        for (done, cell) in cells.iter().enumerate() {
            let text = format!("\rreplaying cell {} of {total}", done + 1);
            sink.event(Event::Stream {
                name: StreamName::Stdout,
                text,
            });
            let mut reply = Reply {
                error: None,
                compile: Duration::ZERO,
                run: Duration::ZERO,
                cached: true,
            };
            let result = self.run_cell(cell, &mut Vec::new(), &mut reply);
            self.history.push(Arc::clone(cell));
            if let Err(mut error) = result {
                error
                    .traceback
                    .push(format!("`:replay` stopped at cell [{}]", cell.label));
                self.history.extend(cells[done + 1..].iter().cloned());
                return Err(error);
            }
        }
        let text = format!(
            "\rreplayed {total} cells; {} variables are back\n",
            self.session.variables.len()
        );
        sink.event(Event::Stream {
            name: StreamName::Stdout,
            text,
        });
        Ok(())
    }

    /// Variables with their types, as a later cell would name them.
    pub fn variable_types(&self) -> Vec<(String, String)> {
        let of =
            |(name, variable): (&String, &Variable)| (name.clone(), variable.type_text.clone());
        self.session.variables.iter().map(of).collect()
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

/// Text on standard output.
fn say(text: String, sink: &mut dyn Sink) {
    sink.event(Event::Stream {
        name: StreamName::Stdout,
        text,
    });
}

/// A one-line report.
pub(crate) fn failure(ename: &str, text: &str) -> ErrorReport {
    ErrorReport {
        ename: ename.into(),
        evalue: text.into(),
        traceback: vec![text.into()],
    }
}
