//! Costly sessions, handed from test to test.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Sessions that wait for their next test. There are never more than tests run at a time.
#[derive(Debug)]
pub struct Pool<T>(Mutex<Vec<T>>);

impl<T> Pool<T> {
    /// A pool without sessions.
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// A waiting session, if there is one.
    pub fn take(&self) -> Option<T> {
        self.lock().pop()
    }

    /// Lets a session wait for the next test.
    pub fn give_back(&self, session: T) {
        self.lock().push(session);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self::new()
    }
}
