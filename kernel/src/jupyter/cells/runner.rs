//! The thread that runs cells.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cell::{Config, Engine, ErrorReport, Event, Sink};
use rt::Bundle;
use rt::frame::{CommKind, CommMessage};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::language::{Language, Notebook};
use super::super::message::{
    Evaluated, ExecuteInput, ExecuteReply, ExecutionState, Failure, Inspect, Refusal, Status,
};
use super::super::outlets::{Beside, Broadcast, Outlets};
use super::super::wire::Parent;
use super::{Cell, Job, Shared, lock};
use crate::exercises::with_exercises;

/// How often what is printed between cells is looked at.
const LISTEN: Duration = Duration::from_millis(100);

/// The thread that runs cells: one engine, one queue, one cell at a time.
pub(super) struct Runner {
    outlets: Outlets,
    queue: mpsc::UnboundedReceiver<Option<Job>>,
    language: Language,
    shared: Arc<Shared>,
    /// None when it could not be started, or had to be given up.
    engine: Option<Engine>,
    /// The worker that comms were last known to end in.
    home: Option<u32>,
    /// The count of the latest cell; the first is 1.
    count: usize,
}

impl Runner {
    pub(super) fn new(
        outlets: Outlets,
        queue: mpsc::UnboundedReceiver<Option<Job>>,
        language: Language,
    ) -> Self {
        Self {
            shared: outlets.shared.clone(),
            outlets,
            queue,
            language,
            engine: None,
            home: None,
            count: 0,
        }
    }

    /// Runs cells until there will be none.
    pub(super) fn run(mut self) {
        // The worker gets ready while the learner still types.
        if let Err(error) = self.start() {
            tracing::error!(error = error.evalue, "the engine does not start");
        }
        let mut last = None;
        while let Some(job) = self.next(last.as_ref()) {
            match job {
                Job::Comm(parent, message) => self.comm(&parent, message),
                Job::Cell(cell) => {
                    self.answer(&cell);
                    if !cell.request.silent {
                        last = Some(cell.parent);
                    }
                }
            }
        }
        if let Some(engine) = self.engine.take() {
            engine.shutdown();
        }
    }

    fn start(&mut self) -> Result<(), ErrorReport> {
        let engine = self.engine.insert(start_engine()?);
        // Comms of an engine that has failed are still to be closed.
        self.home = self.home.or(engine.worker_process());
        Ok(())
    }

    /// Waits for the next cell; `None` when there will be none. What threads of earlier cells print
    /// meanwhile goes under the last one.
    fn next(&mut self, last: Option<&Parent>) -> Option<Job> {
        loop {
            let queue = &mut self.queue;
            let waiting = async { timeout(LISTEN, queue.recv()).await };
            let waited = self.outlets.runtime.block_on(waiting);
            if self.shared.stopping.load(Ordering::SeqCst) {
                return None;
            }
            match (waited, last) {
                (Ok(job), _) => return job.flatten(),
                // Nothing runs, so there is nothing to interrupt either.
                (Err(_), Some(parent)) => {
                    self.guarded(|engine, outlets, count| {
                        let mut sink = Broadcast::between(parent, count, outlets);
                        engine.idle(&mut sink);
                        sink.finish();
                    });
                }
                (Err(_), None) => {}
            }
        }
    }

    /// Runs one cell between `busy` and `idle`. After an error, what waits by then is not run.
    fn answer(&mut self, cell: &Cell) {
        let Cell { parent, request } = cell;
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
        let (error, payload) = match asked_about(&request.code) {
            Some(name) => self.page(cell, name),
            None => (self.execute(cell), Vec::new()),
        };
        let failed = error.is_some();
        let user_expressions = match &request.user_expressions {
            Some(expressions) if !failed => self.evaluate(parent, expressions),
            _ => Map::new(),
        };
        self.close_lost_comms(parent);
        // Taken before the reply: who has read of the error may well send the next cell.
        let aborted = if failed && request.stop_on_error {
            self.take_waiting()
        } else {
            Vec::new()
        };
        let status = if failed { Status::Error } else { Status::Ok };
        let failure = error.map(Failure::from);
        // Whoever has the reply may ask about them.
        self.remember_names();
        self.reply(
            parent,
            ExecuteReply {
                status,
                user_expressions,
                payload,
                failure,
                ..self.empty_reply()
            },
        );
        self.outlets.status(parent, ExecutionState::Idle);
        for job in aborted {
            match job {
                Job::Cell(cell) => self.abort(&cell.parent),
                Job::Comm(parent, message) => self.comm(&parent, message),
            }
        }
    }

    /// `?name`: a page of documentation, which front ends show in their pager.
    fn page(&self, cell: &Cell, name: &str) -> (Option<ErrorReport>, Vec<Value>) {
        let question = Inspect {
            code: name.to_owned(),
            cursor_pos: None,
            detail_level: 1,
        };
        let notebook = lock(&self.shared.notebook).clone();
        let asked = self.language.inspect(&question, &notebook);
        let found = self.outlets.runtime.block_on(asked);
        if found.found {
            let page = json!({ "source": "page", "data": found.bundle.data, "start": 0 });
            return (None, vec![page]);
        }
        let error = report("CommandError", &format!("nothing is known of `{name}`"));
        Broadcast::of(cell, self.count, &self.outlets).event(Event::Error(error.clone()));
        (Some(error), Vec::new())
    }

    /// Hands a message of the page over, between `busy` and `idle`: front ends send the next when they see `idle`.
    fn comm(&mut self, parent: &Parent, message: CommMessage) {
        self.outlets.status(parent, ExecutionState::Busy);
        let opened = (message.kind == CommKind::Open).then(|| message.comm_id.clone());
        lock(&self.shared.comms).note(&message);
        let told = self.with_engine(|engine, outlets, count| {
            let mut sink = Broadcast::between(parent, count, outlets);
            let told = engine.comm(message, &mut sink);
            sink.finish();
            told
        });
        match (told, opened) {
            (Some(Ok(())), _) => {}
            (Some(Err(error)), _) => self.outlets.publish(parent, &Failure::from(error)),
            (None, Some(comm_id)) => self.outlets.close_comm(parent, comm_id),
            (None, None) => {}
        }
        self.close_lost_comms(parent);
        self.outlets.status(parent, ExecutionState::Idle);
    }

    /// Widgets go with the worker that they lived in.
    fn close_lost_comms(&mut self, parent: &Parent) {
        let worker = self.engine.as_ref().and_then(Engine::worker_process);
        let before = std::mem::replace(&mut self.home, worker);
        if before.is_none() || worker == before {
            return;
        }
        let lost = lock(&self.shared.comms).clear();
        for comm_id in lost {
            self.outlets.close_comm(parent, comm_id);
        }
    }

    /// Runs one cell, its events going out as messages.
    fn execute(&mut self, cell: &Cell) -> Option<ErrorReport> {
        if self.engine.is_none()
            && let Err(error) = self.start()
        {
            Broadcast::of(cell, self.count, &self.outlets).event(Event::Error(error.clone()));
            return Some(error);
        }
        let reply = self.with_engine(|engine, outlets, count| {
            let mut sink = Broadcast::of(cell, count, outlets);
            let reply = engine.execute(&count.to_string(), &cell.request.code, &mut sink);
            sink.finish();
            reply
        });
        if let Some(reply) = reply {
            return reply.error;
        }
        let error = engine_failed();
        Broadcast::of(cell, self.count, &self.outlets).event(Event::Error(error.clone()));
        Some(error)
    }

    /// Lets the engine work, with something there to interrupt it. `None` when there is no engine, or it failed
    /// in the middle: then its state is not to be trusted any more, and the next cell gets a fresh one.
    fn with_engine<T>(
        &mut self,
        work: impl FnOnce(&mut Engine, &Outlets, usize) -> T,
    ) -> Option<T> {
        *lock(&self.shared.interrupter) = self.engine.as_ref().map(Engine::interrupter);
        let done = self.guarded(work);
        *lock(&self.shared.interrupter) = None;
        done
    }

    /// The same for what is over at once.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Engine, &Outlets, usize) -> T) -> Option<T> {
        let mut engine = self.engine.take()?;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            work(&mut engine, &self.outlets, self.count)
        }));
        let done = outcome.ok()?;
        self.engine = Some(engine);
        Some(done)
    }

    /// Values that the front end wants with the reply, each in every form it has.
    fn evaluate(
        &mut self,
        parent: &Parent,
        expressions: &BTreeMap<String, String>,
    ) -> Map<String, Value> {
        let mut answers = Map::new();
        // Who interrupts one of them wants the whole cell to end.
        let mut ended = None;
        for (name, expression) in expressions {
            let value = match &ended {
                None => self.value(parent, name, expression),
                Some(error) => Err(ErrorReport::clone(error)),
            };
            ended = value
                .as_ref()
                .err()
                .filter(|error| matches!(error.ename.as_str(), "Interrupted" | ENGINE_FAILED))
                .cloned();
            let answer = match value.map_err(Failure::from) {
                Ok(bundle) => json!(Evaluated {
                    status: Status::Ok,
                    bundle
                }),
                Err(failure) => json!(Refusal {
                    status: Status::Error,
                    failure
                }),
            };
            answers.insert(name.clone(), answer);
        }
        answers
    }

    /// The value of one expression; nothing else of it is shown.
    fn value(
        &mut self,
        parent: &Parent,
        name: &str,
        expression: &str,
    ) -> Result<Bundle, ErrorReport> {
        let evaluated = self.with_engine(|engine, outlets, count| {
            let mut sink = Beside::new(parent, outlets);
            let reply = engine.execute(&format!("{count}:{name}"), expression, &mut sink);
            reply.error.map_or(Ok(sink.result), Err)
        });
        evaluated.unwrap_or_else(|| Err(engine_failed()))
    }

    fn take_waiting(&mut self) -> Vec<Job> {
        std::iter::from_fn(|| self.queue.try_recv().ok().flatten()).collect()
    }

    fn abort(&self, parent: &Parent) {
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
            payload: Vec::new(),
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
            *lock(&self.shared.notebook) = Notebook {
                variables: engine.variable_types(),
                items: engine.item_texts(),
                uses: engine.use_paths(),
            };
        }
    }
}

/// The name in a cell that is `?name` and nothing else.
fn asked_about(code: &str) -> Option<&str> {
    let name = code.trim().strip_prefix('?')?.trim();
    (!name.is_empty() && !name.contains(char::is_whitespace)).then_some(name)
}

fn start_engine() -> Result<Engine, ErrorReport> {
    Config::discover(Path::new("."))
        .map(|config| with_exercises(config, None))
        .and_then(Engine::start)
        .map_err(|error| report(ENGINE_FAILED, &error.to_string()))
}

/// The name of what is wrong when it is with the kernel itself.
const ENGINE_FAILED: &str = "EngineFailed";

fn engine_failed() -> ErrorReport {
    report(
        ENGINE_FAILED,
        "the engine itself failed on this cell; it starts afresh, without the earlier variables. \
         Run the cells above again.",
    )
}

fn report(ename: &str, evalue: &str) -> ErrorReport {
    let traceback = vec![format!("{ename}: {evalue}")];
    ErrorReport {
        ename: ename.into(),
        evalue: evalue.into(),
        traceback,
    }
}
