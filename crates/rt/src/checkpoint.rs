//! The places where a cell may be interrupted.
//!
//! Loop bodies of a cell, and course code that runs long, call [`checkpoint`]. It costs one relaxed load
//! until somebody asks the cell to stop; then it unwinds, which runs every destructor on the way and leaves
//! the learner's variables alive.
use std::cell::Cell;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::frame::Place;
use crate::stack::cell_frames;

mod quiet;

/// True while some cell has been asked to stop and has not ended. The only thing a checkpoint looks at when all is well.
static STOP: AtomicBool = AtomicBool::new(false);
/// The newest cell that has been asked to stop. Cells are numbered upwards, and all before it stop too.
static STOPPED_UP_TO: AtomicU64 = AtomicU64::new(0);
/// The cell that is running for the learner.
static CURRENT: AtomicU64 = AtomicU64::new(0);
/// The newest cell that the worker has heard of; its thread may not have begun with it.
static NEWEST: AtomicU64 = AtomicU64::new(0);
/// Held while it is decided who is to stop.
static DECIDING: Mutex<()> = Mutex::new(());

thread_local! {
    /// The cell that this thread runs; `None` on threads that cells and libraries start.
    static CELL: Cell<Option<u64>> = const { Cell::new(None) };
}

/// What a checkpoint unwinds with: the learner's lines it came through, innermost first.
pub struct Interrupted(pub(crate) Vec<Place>);

/// Returns at once, unless the running cell has been asked to stop: then it unwinds.
#[inline(always)]
pub fn checkpoint() {
    if STOP.load(Ordering::Relaxed) && quiet::must_stop() {
        stop();
    }
}

#[cold]
#[inline(never)]
fn stop() -> ! {
    resume_unwind(Box::new(Interrupted(cell_frames())));
}

/// Whether this thread unwinds at a checkpoint. It never unwinds itself.
extern "C" fn must_stop() -> bool {
    // A second unwinding during the first would abort the process: destructors run to their end.
    is_stopped() && !std::thread::panicking()
}

/// Whether the cell of this thread has been asked to stop. For code that would rather clean up by itself.
pub fn is_stopped() -> bool {
    let cell = CELL
        .get()
        .unwrap_or_else(|| CURRENT.load(Ordering::Relaxed));
    STOP.load(Ordering::Relaxed) && cell <= STOPPED_UP_TO.load(Ordering::Relaxed)
}

/// Says which cell comes next, so that it can be asked to stop before its thread has begun with it.
pub(crate) fn announce(cell: u64) {
    NEWEST.store(cell, Ordering::Relaxed);
}

/// Asks the running cell to stop at its next checkpoint.
pub(crate) fn request_stop() {
    let _deciding = DECIDING.lock().unwrap_or_else(PoisonError::into_inner);
    let newest = NEWEST.load(Ordering::Relaxed);
    let current = CURRENT.load(Ordering::Relaxed);
    STOPPED_UP_TO.fetch_max(newest.max(current), Ordering::Relaxed);
    quiet::let_pass(None);
    STOP.store(true, Ordering::Relaxed);
}

/// Makes `cell` the running one, on this thread.
pub(crate) fn enter(cell: u64) {
    let _deciding = DECIDING.lock().unwrap_or_else(PoisonError::into_inner);
    CELL.set(Some(cell));
    CURRENT.store(cell, Ordering::Relaxed);
    // A cell that was left behind and does not stop keeps `STOP` up. This one has no part in it.
    let asked = cell <= STOPPED_UP_TO.load(Ordering::Relaxed);
    quiet::let_pass((!asked).then(quiet::this_thread));
}

/// Lets checkpoints be cheap again; called when no stopped cell is left running.
pub(crate) fn all_quiet() {
    STOP.store(false, Ordering::Relaxed);
}

/// The cell that this thread runs.
pub(crate) fn cell_of_this_thread() -> Option<u64> {
    CELL.get()
}
