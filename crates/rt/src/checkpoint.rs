//! The places where a cell may be interrupted.
//!
//! Loop bodies of a cell, and course code that runs long, call [`checkpoint`]. It costs one relaxed load
//! until somebody asks the cell to stop; then it unwinds, which runs every destructor on the way and leaves
//! the learner's variables alive. Counted loops whose bodies are plain arithmetic are cut into [`strips`]
//! instead, so that the compiler can still vectorise them.

use std::cell::Cell;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::failure::cell_frames;
use crate::frame::Place;

/// True while some cell has been asked to stop. The only thing a checkpoint looks at when all is well.
static STOP: AtomicBool = AtomicBool::new(false);
/// The newest cell that has been asked to stop. Cells are numbered upwards, and all before it stop too.
static STOPPED_UP_TO: AtomicU64 = AtomicU64::new(0);
/// The cell that is running for the learner.
static CURRENT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The cell that this thread runs; `None` on threads that cells and libraries start.
    static CELL: Cell<Option<u64>> = const { Cell::new(None) };
}

/// What a checkpoint unwinds with: the learner's lines it came through, innermost first.
pub struct Interrupted(pub(crate) Vec<Place>);

/// Returns at once, unless the running cell has been asked to stop: then it unwinds.
#[inline(always)]
pub fn checkpoint() {
    if STOP.load(Ordering::Relaxed) {
        stop_if_asked();
    }
}

#[cold]
#[inline(never)]
fn stop_if_asked() {
    // A second unwinding during the first would abort the process: destructors run to their end.
    if is_stopped() && !std::thread::panicking() {
        resume_unwind(Box::new(Interrupted(cell_frames())));
    }
}

/// Whether the cell of this thread has been asked to stop. For code that would rather clean up by itself.
pub fn is_stopped() -> bool {
    let cell = CELL
        .get()
        .unwrap_or_else(|| CURRENT.load(Ordering::Relaxed));
    cell <= STOPPED_UP_TO.load(Ordering::Relaxed)
}

/// Asks the running cell to stop at its next checkpoint.
pub(crate) fn request_stop() {
    STOPPED_UP_TO.fetch_max(CURRENT.load(Ordering::Relaxed), Ordering::Relaxed);
    STOP.store(true, Ordering::Relaxed);
}

/// Makes `cell` the running one, on this thread.
pub(crate) fn enter(cell: u64) {
    CELL.set(Some(cell));
    CURRENT.store(cell, Ordering::Relaxed);
}

/// Lets checkpoints be cheap again; called when no stopped cell is left running.
pub(crate) fn all_quiet() {
    STOP.store(false, Ordering::Relaxed);
}

/// The cell that this thread runs.
pub(crate) fn cell_of_this_thread() -> Option<u64> {
    CELL.get()
}

/// How long a strip should take: well under what a learner notices, well over what a clock costs.
const STRIP_TIME: Duration = Duration::from_millis(1);
const LONGEST_STRIP: u32 = 1 << 16;

/// What one loop in the source has learned about itself: how many rounds it may run between checkpoints.
pub struct Pace(AtomicU32);

impl Pace {
    /// A loop that has never run: it begins with a checkpoint every round.
    #[allow(clippy::new_without_default)] // a static needs a const constructor
    pub const fn new() -> Self {
        Self(AtomicU32::new(1))
    }
}

/// Cuts a counted loop into strips with a checkpoint between them.
///
/// The strips start at one round and double as long as they take under a millisecond, so that a loop over
/// slow operations can still be stopped at once, and one over numbers runs at full speed.
#[inline(always)]
pub fn strips<T: Counter>(range: Range<T>, pace: &'static Pace) -> Strips<T> {
    Strips {
        rest: range,
        pace,
        since: None,
    }
}

/// The strips of one loop; see [`strips`].
pub struct Strips<T> {
    rest: Range<T>,
    pace: &'static Pace,
    since: Option<Instant>,
}

impl<T: Counter> Iterator for Strips<T> {
    type Item = Range<T>;

    #[inline(always)]
    fn next(&mut self) -> Option<Range<T>> {
        if self.rest.start >= self.rest.end {
            return None;
        }
        checkpoint();
        let rounds = self.pace.0.load(Ordering::Relaxed);
        let end = match self.rest.start.ahead(rounds, self.rest.end) {
            // The usual case once the pace is known: the whole loop is one strip, and no clock is read.
            None => self.rest.end,
            Some(end) => {
                self.learn(rounds);
                end
            }
        };
        let strip = self.rest.start..end;
        self.rest.start = end;
        Some(strip)
    }
}

impl<T> Strips<T> {
    #[cold]
    #[inline(never)]
    fn learn(&mut self, rounds: u32) {
        let now = Instant::now();
        if let Some(since) = self.since {
            let took = now - since;
            if took < STRIP_TIME && rounds < LONGEST_STRIP {
                self.pace.0.store(rounds * 2, Ordering::Relaxed);
            } else if took > 20 * STRIP_TIME && rounds > 1 {
                self.pace.0.store(rounds / 2, Ordering::Relaxed);
            }
        }
        self.since = Some(now);
    }
}

/// The integers that a counted loop may run over.
pub trait Counter: Copy + PartialOrd {
    /// `self + rounds`, or `None` when that is `end` or beyond.
    fn ahead(self, rounds: u32, end: Self) -> Option<Self>;
}

macro_rules! counters {
    ($($int:ty),*) => {$(
        impl Counter for $int {
            #[inline(always)]
            fn ahead(self, rounds: u32, end: Self) -> Option<Self> {
                let next = self.checked_add(<$int>::try_from(rounds).ok()?)?;
                (next < end).then_some(next)
            }
        }
    )*};
}
counters!(
    i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_cover_the_range_once_and_in_order() {
        static PACE: Pace = Pace::new();
        for range in [
            0..0,
            5..5,
            0..1,
            -7..1000,
            i64::MIN..i64::MIN + 10,
            i64::MAX - 9..i64::MAX,
        ] {
            let all: Vec<i64> = strips(range.clone(), &PACE).flatten().collect();
            assert_eq!(all, range.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_loop_learns_to_take_long_strips() {
        static PACE: Pace = Pace::new();
        let sum: u64 = strips(0..1_000_000_u64, &PACE).flatten().sum();
        assert_eq!(sum, 499_999_500_000);
        assert!(PACE.0.load(Ordering::Relaxed) >= 1024);
    }

    #[test]
    fn small_counters_do_not_overflow() {
        static PACE: Pace = Pace::new();
        assert_eq!(strips(0..255_u8, &PACE).flatten().count(), 255);
        assert_eq!(strips(-128..127_i8, &PACE).flatten().count(), 255);
    }
}
