//! An epoch while it is made: threads that decode ahead, and the one who asks for its batches in order.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::loader::Loader;
use crate::{Batch, Batches, DataError};

/// A batch as a thread made it; an error outside of it when the learner's transform panicked, and has told.
type Made = thread::Result<Result<Batch, DataError>>;

/// The batches of an epoch while they are made.
pub(super) struct Epoch {
    batches: usize,
    /// The number of the batch that is given out next.
    next: usize,
    received: Receiver<(usize, Made)>,
    /// Batches that came before their turn.
    waiting: BTreeMap<usize, Made>,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// What the threads of an epoch agree on.
struct Shared {
    stop: AtomicBool,
    /// The number of the batch that is begun next.
    begun: AtomicUsize,
    /// How many batches have been given out, and a call when it grows.
    given: Mutex<usize>,
    more: Condvar,
}

impl Epoch {
    pub(super) fn start(loader: &Loader, epoch: u64) -> Self {
        let batches = loader.len();
        let order = Arc::new(loader.order(epoch));
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            begun: AtomicUsize::new(0),
            given: Mutex::new(0),
            more: Condvar::new(),
        });
        let (sender, received) = channel();
        let workers = (0..loader.workers.min(batches))
            .map(|_| {
                let (sender, shared, order) =
                    (sender.clone(), Arc::clone(&shared), Arc::clone(&order));
                let (work, plan, prefetch) = (
                    Arc::clone(&loader.work),
                    loader.plan.clone(),
                    loader.prefetch,
                );
                thread::spawn(move || {
                    let mut values = Vec::new();
                    while let Some(number) = shared.take_turn(batches, prefetch) {
                        let indices = &order[plan.range(number)];
                        // A batch that never came would be waited for without end: the other threads
                        // hold senders while they wait for their turn.
                        let batch = catch_unwind(AssertUnwindSafe(|| {
                            work.collate(epoch, indices, &shared.stop, &mut values)
                        }));
                        let panicked = batch.is_err();
                        if sender.send((number, batch)).is_err() || panicked {
                            return;
                        }
                    }
                })
            })
            .collect();
        Self {
            batches,
            next: 0,
            received,
            waiting: BTreeMap::new(),
            shared,
            workers,
        }
    }

    /// Waits for the batch whose turn it is, with an eye on interrupts.
    fn wait(&mut self) -> Option<Made> {
        loop {
            rt::checkpoint();
            if let Some(batch) = self.waiting.remove(&self.next) {
                return Some(batch);
            }
            match self.received.recv_timeout(Duration::from_millis(50)) {
                Ok((number, batch)) => {
                    self.waiting.insert(number, batch);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

impl Shared {
    /// The next batch to make, once there is room for it.
    fn take_turn(&self, batches: usize, prefetch: usize) -> Option<usize> {
        let batch = self.begun.fetch_add(1, Ordering::Relaxed);
        if batch >= batches {
            return None;
        }
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        while batch >= *given + prefetch && !self.stop.load(Ordering::Relaxed) {
            given = self
                .more
                .wait(given)
                .unwrap_or_else(PoisonError::into_inner);
        }
        (!self.stop.load(Ordering::Relaxed)).then_some(batch)
    }

    fn give(&self) {
        *self.given.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.more.notify_all();
    }
}

impl Iterator for Epoch {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next < self.batches {
            let Some(Ok(batch)) = self.wait() else {
                self.next = self.batches;
                let problem = "a transform panicked; its message is above";
                return Some(Err(DataError::Setting(problem.into())));
            };
            self.next += 1;
            self.shared.give();
            match batch {
                // All of its pictures were left out.
                Ok(batch) if batch.indices.is_empty() => {}
                batch => return Some(batch),
            }
        }
        None
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Under the lock, so that no worker begins to wait just now.
        drop(
            self.shared
                .given
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.shared.more.notify_all();
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}
