//! One test at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One network at a time: the largest takes a gigabyte, and random numbers come from one generator.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
