//! What waits to be run, and how the channels reach the thread that runs it (`runner`).

mod runner;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use cell::Interrupter;
use rt::frame::CommMessage;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::comms::Comms;
use super::history::History;
use super::iopub::Iopub;
use super::language::{Language, Notebook};
use super::message::Execute;
use super::outlets::Outlets;
use super::reply::Replies;
use super::stdin::{Cancel, Stdin};
use super::wire::Parent;
use runner::Runner;

/// What waits for its turn.
pub(super) enum Job {
    Cell(Cell),
    /// A message of the page for something in the worker.
    Comm(Parent, CommMessage),
}

/// A cell that waits to be run.
pub(super) struct Cell {
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
pub(super) struct Shared {
    history: Mutex<History>,
    notebook: Mutex<Notebook>,
    pub(super) comms: Mutex<Comms>,
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
        language: Language,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            history: Mutex::new(History::open(&cell::course::home().join("history.sqlite"))),
            notebook: Mutex::default(),
            comms: Mutex::default(),
            interrupter: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let outlets = Outlets {
            runtime: Handle::current(),
            replies,
            iopub,
            stdin,
            shared: shared.clone(),
        };
        let runner = Runner::new(outlets, queue, language);
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

    /// Looks at which comms are open.
    pub(super) fn with_comms<T>(&self, look: impl FnOnce(&Comms) -> T) -> T {
        look(&lock(&self.shared.comms))
    }

    /// Looks at what the cells so far have defined.
    pub(super) fn notebook(&self) -> Notebook {
        lock(&self.shared.notebook).clone()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
