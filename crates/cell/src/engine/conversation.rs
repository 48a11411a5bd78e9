//! What engine and worker say to each other while something runs, and what happens when the worker ends.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rt::frame::{CommMessage, Outcome, ToKernel, ToWorker};

use super::{Engine, LAST_PATIENCE, PATIENCE, TICK, failure};
use crate::compile;
use crate::event::{ErrorReport, Event, Sink};
use crate::lower::ENTRY;
use crate::report;
use crate::rustc::Compiled;
use crate::worker::{Death, News};

impl Engine {
    /// Runs a crate in the worker. Gives how it ended, and which variables are in place since.
    pub(super) fn run(
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

    pub(super) fn wait(&mut self, timeout: Duration, sink: &mut dyn Sink) -> News {
        let compiler = &self.compiler;
        let place = |file: &str, line, column| compiler.place(file, line, column);
        match &mut self.worker {
            Some(worker) => worker.wait(timeout, &place, &mut |event| sink.event(event)),
            None => News::Quiet,
        }
    }

    /// Makes sure that there is a worker with the course loaded.
    pub(super) fn make_ready(&mut self, sink: &mut dyn Sink) -> Result<(), ErrorReport> {
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
    pub(super) fn serve(&mut self, message: ToKernel, sink: &mut dyn Sink) {
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
            ToKernel::Returned { names } => self.returned.extend(names),
            ToKernel::Ready | ToKernel::Done { .. } | ToKernel::Variables { .. } => {}
        }
    }

    /// Takes a worker's death in and starts a new one.
    pub(super) fn mourn(&mut self, death: &Death) -> ErrorReport {
        let lost: Vec<String> = self.session.variables.keys().cloned().collect();
        self.lost.extend(lost.iter().cloned());
        self.session.variables.clear();
        self.forget_withheld();
        self.worker = None;
        match self.start_worker() {
            Ok(()) => report::of_death(death, &lost, false),
            Err(error) => failure("WorkerDied", &error.to_string()),
        }
    }
}
