//! The thread that runs cells: one engine, one queue, one cell at a time.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cell::{Config, Engine, ErrorReport, Event, Interrupter, Sink};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::exercises::with_exercises;

use super::history::History;
use super::iopub::Iopub;
use super::message::{
    ClearOutput, Content, DisplayData, Evaluated, Execute, ExecuteInput, ExecuteReply,
    ExecuteResult, ExecutionState, Failure, InputRequest, Refusal, Status, Transient,
    UpdateDisplayData,
};
use super::names::Name;
use super::reply::Replies;
use super::stdin::{Cancel, Stdin};
use super::wire::Parent;

/// How often what is printed between cells is looked at.
const LISTEN: Duration = Duration::from_millis(100);

/// A request that waits for its turn.
pub(super) struct Job {
    pub(super) parent: Parent,
    pub(super) request: Execute,
}

/// What the channels know of the cell thread.
pub(super) struct Cells {
    /// `None` ends the thread.
    jobs: mpsc::UnboundedSender<Option<Job>>,
    cancel: Cancel,
    shared: Arc<Shared>,
}

/// What both sides see.
#[derive(Default)]
struct Shared {
    history: Mutex<History>,
    names: Mutex<Vec<Name>>,
    /// There while a cell runs.
    interrupter: Mutex<Option<Interrupter>>,
    stopping: AtomicBool,
}

impl Cells {
    /// Starts the thread, which starts the engine. Replies go out through `replies`.
    pub(super) fn start(
        replies: Replies,
        iopub: Iopub,
        stdin: Stdin,
        cancel: Cancel,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        let outlets = Outlets {
            runtime: Handle::current(),
            replies,
            iopub,
            stdin,
        };
        let runner = Runner {
            outlets,
            queue,
            shared: shared.clone(),
            engine: None,
            count: 0,
        };
        let thread = thread::Builder::new()
            .name("cells".into())
            .spawn(move || runner.run())?;
        Ok((
            Self {
                jobs,
                cancel,
                shared,
            },
            thread,
        ))
    }

    /// Puts a request at the end of the queue.
    pub(super) fn push(&self, job: Job) {
        // The queue closes only when the kernel ends.
        let _ = self.jobs.send(Some(job));
    }

    /// Stops the running cell, if one runs.
    pub(super) fn interrupt(&self) {
        if let Some(interrupter) = &*lock(&self.shared.interrupter) {
            interrupter.interrupt();
        }
        self.cancel.cancel();
    }

    /// Ends the thread as soon as the running cell lets it; waiting cells are forgotten.
    pub(super) fn stop(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let _ = self.jobs.send(None);
        self.interrupt();
    }

    /// Looks at what has been executed.
    pub(super) fn with_history<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        look(&lock(&self.shared.history))
    }

    /// Looks at what the cells so far have defined.
    pub(super) fn with_names<T>(&self, look: impl FnOnce(&[Name]) -> T) -> T {
        look(&lock(&self.shared.names))
    }
}

/// Where a cell's words go. Called from the cell thread, which may wait.
struct Outlets {
    runtime: Handle,
    replies: Replies,
    iopub: Iopub,
    stdin: Stdin,
}

struct Runner {
    outlets: Outlets,
    queue: mpsc::UnboundedReceiver<Option<Job>>,
    shared: Arc<Shared>,
    /// None when it could not be started, or had to be given up.
    engine: Option<Engine>,
    /// The count of the latest cell; the first is 1.
    count: usize,
}

impl Runner {
    fn run(mut self) {
        // The worker gets ready while the learner still types.
        match start_engine() {
            Ok(engine) => self.engine = Some(engine),
            Err(error) => tracing::error!(error = error.evalue, "the engine does not start"),
        }
        let mut last = None;
        while let Some(job) = self.next(last.as_ref()) {
            self.answer(&job);
            if !job.request.silent {
                last = Some(job);
            }
        }
        if let Some(engine) = self.engine.take() {
            engine.shutdown();
        }
    }

    /// Waits for the next cell; `None` when there will be none. What threads of earlier cells print
    /// meanwhile goes under the last one.
    fn next(&mut self, last: Option<&Job>) -> Option<Job> {
        let runtime = &self.outlets.runtime;
        let queue = &mut self.queue;
        loop {
            let waited = runtime.block_on(async { timeout(LISTEN, queue.recv()).await });
            if self.shared.stopping.load(Ordering::SeqCst) {
                return None;
            }
            match waited {
                Ok(job) => return job.flatten(),
                Err(_) => {
                    if let (Some(engine), Some(job)) = (&mut self.engine, last) {
                        engine.idle(&mut Broadcast::of(job, self.count, &self.outlets));
                    }
                }
            }
        }
    }

    /// Runs one cell between `busy` and `idle`. After an error, what waits by then is not run.
    fn answer(&mut self, job: &Job) {
        let Job { parent, request } = job;
        let _span = tracing::info_span!("cell", after = self.count).entered();
        self.outlets.status(parent, ExecutionState::Busy);
        if request.store_history && !request.silent && !request.code.trim().is_empty() {
            self.count += 1;
            lock(&self.shared.history).push(self.count, &request.code);
        }
        if !request.silent {
            let input = ExecuteInput {
                code: &request.code,
                execution_count: self.count,
            };
            self.outlets.publish(parent, &input);
        }
        let error = self.execute(job);
        let failed = error.is_some();
        let user_expressions = match &request.user_expressions {
            Some(expressions) if !failed => self.evaluate(expressions),
            _ => Map::new(),
        };
        // Taken before the reply: who has read of the error may well send the next cell.
        let aborted = if failed && request.stop_on_error {
            self.take_waiting()
        } else {
            Vec::new()
        };
        let status = if failed { Status::Error } else { Status::Ok };
        let failure = error.map(Failure::from);
        self.reply(
            parent,
            ExecuteReply {
                status,
                user_expressions,
                failure,
                ..self.empty_reply()
            },
        );
        self.outlets.status(parent, ExecutionState::Idle);
        aborted.iter().for_each(|job| self.abort(job));
        self.remember_names();
    }

    /// Runs one cell, its events going out as messages.
    fn execute(&mut self, job: &Job) -> Option<ErrorReport> {
        let mut sink = Broadcast::of(job, self.count, &self.outlets);
        let mut engine = match self.engine.take().map_or_else(start_engine, Ok) {
            Ok(engine) => engine,
            Err(error) => {
                sink.event(Event::Error(error.clone()));
                return Some(error);
            }
        };
        *lock(&self.shared.interrupter) = Some(engine.interrupter());
        let label = self.count.to_string();
        let run = AssertUnwindSafe(|| engine.execute(&label, &job.request.code, &mut sink));
        let outcome = catch_unwind(run);
        *lock(&self.shared.interrupter) = None;
        if let Ok(reply) = outcome {
            self.engine = Some(engine);
            return reply.error;
        }
        // The engine's state is not to be trusted any more: the next cell gets a fresh one.
        let error = report(
            "EngineFailed",
            "the engine itself failed on this cell; it starts afresh, without the earlier variables. \
             Run the cells above again.",
        );
        sink.event(Event::Error(error.clone()));
        Some(error)
    }

    /// Values that the front end wants with the reply, each in every form it has.
    fn evaluate(&mut self, expressions: &BTreeMap<String, String>) -> Map<String, Value> {
        let Some(engine) = &mut self.engine else {
            return Map::new();
        };
        let mut answers = Map::new();
        for (name, expression) in expressions {
            let mut events = Vec::new();
            let reply = engine.execute(&format!("{}:{name}", self.count), expression, &mut events);
            let result = events.into_iter().find_map(|event| match event {
                Event::Result { bundle } => Some(bundle),
                _ => None,
            });
            let answer = match reply.error.map(Failure::from) {
                None => json!(Evaluated {
                    status: Status::Ok,
                    bundle: result.unwrap_or_default()
                }),
                Some(failure) => json!(Refusal {
                    status: Status::Error,
                    failure
                }),
            };
            answers.insert(name.clone(), answer);
        }
        answers
    }

    fn take_waiting(&mut self) -> Vec<Job> {
        std::iter::from_fn(|| self.queue.try_recv().ok().flatten()).collect()
    }

    fn abort(&self, Job { parent, .. }: &Job) {
        self.outlets.status(parent, ExecutionState::Busy);
        let status = Status::Aborted;
        self.reply(
            parent,
            ExecuteReply {
                status,
                ..self.empty_reply()
            },
        );
        self.outlets.status(parent, ExecutionState::Idle);
    }

    fn empty_reply(&self) -> ExecuteReply {
        ExecuteReply {
            status: Status::Ok,
            execution_count: self.count,
            user_expressions: Map::new(),
            payload: [],
            failure: None,
        }
    }

    fn reply(&self, parent: &Parent, reply: ExecuteReply) {
        let Outlets {
            runtime, replies, ..
        } = &self.outlets;
        runtime.block_on(replies.send(parent, &reply));
    }

    fn remember_names(&mut self) {
        if let Some(engine) = &self.engine {
            *lock(&self.shared.names) = engine.names();
        }
    }
}

fn start_engine() -> Result<Engine, ErrorReport> {
    Config::discover(Path::new("."))
        .map(with_exercises)
        .and_then(Engine::start)
        .map_err(|error| report("EngineFailed", &error.to_string()))
}

fn report(ename: &str, evalue: &str) -> ErrorReport {
    let traceback = vec![format!("{ename}: {evalue}")];
    ErrorReport {
        ename: ename.into(),
        evalue: evalue.into(),
        traceback,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Outlets {
    fn status(&self, parent: &Parent, state: ExecutionState) {
        self.runtime
            .block_on(self.iopub.status(parent, state, true));
    }

    fn publish<C: Content>(&self, parent: &Parent, content: &C) {
        self.runtime.block_on(self.iopub.send(parent, content));
    }
}

/// Turns one cell's events into messages.
struct Broadcast<'a> {
    job: &'a Job,
    count: usize,
    outlets: &'a Outlets,
    /// Counted before the cell began, so that an interrupt just before its question counts too.
    cancellations: u64,
}

impl<'a> Broadcast<'a> {
    fn of(job: &'a Job, count: usize, outlets: &'a Outlets) -> Self {
        let cancellations = outlets.stdin.cancellations();
        Self {
            job,
            count,
            outlets,
            cancellations,
        }
    }
}

impl Sink for Broadcast<'_> {
    fn event(&mut self, event: Event) {
        if self.job.request.silent {
            return;
        }
        let (outlets, parent) = (self.outlets, &self.job.parent);
        match event {
            Event::Stream { name, text } => {
                outlets
                    .runtime
                    .block_on(outlets.iopub.stream(parent, name, text));
            }
            Event::Display {
                bundle,
                id: display_id,
            } => {
                outlets.publish(
                    parent,
                    &DisplayData {
                        bundle,
                        transient: Transient { display_id },
                    },
                );
            }
            Event::UpdateDisplay { bundle, id } => {
                let transient = Transient {
                    display_id: Some(id),
                };
                outlets.publish(parent, &UpdateDisplayData { bundle, transient });
            }
            Event::ClearOutput { wait } => outlets.publish(parent, &ClearOutput { wait }),
            Event::Result { bundle } => {
                outlets.publish(
                    parent,
                    &ExecuteResult {
                        execution_count: self.count,
                        bundle,
                    },
                );
            }
            Event::Error(report) => outlets.publish(parent, &Failure::from(report)),
        }
    }

    fn input(&mut self, prompt: &str, password: bool) -> Option<String> {
        if !self.job.request.allow_stdin {
            return None;
        }
        let Outlets {
            runtime,
            iopub,
            stdin,
            ..
        } = self.outlets;
        // What the cell has printed so far belongs above the question.
        runtime.block_on(iopub.flush());
        let question = InputRequest { prompt, password };
        stdin.ask(runtime, &self.job.parent, &question, self.cancellations)
    }
}
