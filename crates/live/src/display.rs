//! [`Live`]: one place below a cell whose content changes.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rt::Show;

use crate::pace::Pace;

/// One place below a cell, where a chart, an image or anything else that can be shown is replaced while the cell
/// runs: at most ten times a second. The newest is shown in any case, at the latest when the cell ends or the `Live` is
/// dropped.
///
/// ```
/// # use live::Live;
/// # let losses = [0.9, 0.5];
/// let mut live = Live::new();
/// for (epoch, loss) in losses.iter().enumerate() {
///     live.show(&rt::Bundle::text(format!("epoch {epoch}: loss {loss}")));
/// }
/// ```
///
/// In a program without a notebook the text form of the newest is printed once, at the end.
pub struct Live {
    place: Arc<Mutex<Place>>,
}

/// What a [`Live`] shares with the end of the cell.
struct Place {
    id: String,
    is_shown: bool,
    pace: Pace,
    /// What came too soon after the last drawing.
    waiting: Option<Box<dyn Show + Send>>,
}

impl Live {
    /// A place that appears with the first thing shown in it.
    pub fn new() -> Self {
        let place = Arc::new(Mutex::new(Place {
            id: fresh_id(),
            is_shown: false,
            pace: Pace::default(),
            waiting: None,
        }));
        remember(&place);
        Self { place }
    }

    /// Shows a value in place of the one before. If that was less than a tenth of a second ago, a copy waits until
    /// it is time, or until the end.
    pub fn show<T: Show + Clone + Send + 'static>(&mut self, value: &T) {
        let mut place = lock(&self.place);
        if rt::in_notebook() && place.pace.is_due(Instant::now()) {
            place.draw(value);
        } else {
            place.waiting = Some(Box::new(value.clone()));
        }
    }

    /// Shows a value at once, however little time has passed.
    pub fn show_now<T: Show>(&mut self, value: &T) {
        lock(&self.place).draw(value);
    }

    /// Shows at once what is still waiting. Dropping does the same, and so does the end of a cell.
    pub fn finish(self) {}
}

impl Place {
    fn flush(&mut self) {
        if let Some(value) = self.waiting.take() {
            self.draw(&value);
        }
    }

    fn draw(&mut self, value: &dyn Show) {
        self.waiting = None;
        if self.is_shown {
            rt::update_display(&self.id, value);
        } else {
            rt::display_with_id(&self.id, value);
            self.is_shown = true;
        }
    }
}

/// A lock that a panic has left behind is as good as any: a place has no half-done state.
fn lock(place: &Mutex<Place>) -> MutexGuard<'_, Place> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All places, so that none owes its last state when a cell ends: a `Live` may be a variable that lives on.
static PLACES: Mutex<Vec<Weak<Mutex<Place>>>> = Mutex::new(Vec::new());

fn remember(place: &Arc<Mutex<Place>>) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| rt::after_each_cell(flush_all));
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    places.retain(|place| place.strong_count() > 0);
    places.push(Arc::downgrade(place));
}

fn flush_all() {
    let places = PLACES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    for place in places.iter().filter_map(Weak::upgrade) {
        lock(&place).flush();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        lock(&self.place).flush();
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_shown = lock(&self.place).is_shown;
        f.debug_struct("Live")
            .field("is_shown", &is_shown)
            .finish_non_exhaustive()
    }
}

/// An id that no other display on the page has, not even one from before a restart.
fn fresh_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let started = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("live-{}-{}-{count}", std::process::id(), started.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt::Bundle;
    use std::sync::atomic::AtomicUsize;

    /// Counts how often it is drawn.
    #[derive(Clone)]
    struct Counted(Arc<AtomicUsize>);

    impl Show for Counted {
        fn show(&self) -> Bundle {
            self.0.fetch_add(1, Ordering::Relaxed);
            Bundle::text("counted")
        }
    }

    #[test]
    fn without_a_notebook_only_the_newest_is_drawn_at_the_end() {
        let drawn = Arc::new(AtomicUsize::new(0));
        let mut live = Live::new();
        for _ in 0..1000 {
            live.show(&Counted(drawn.clone()));
        }
        assert_eq!(drawn.load(Ordering::Relaxed), 0);
        live.finish();
        assert_eq!(drawn.load(Ordering::Relaxed), 1);
        drop(Live::new()); // nothing was shown, and nothing is
    }

    #[test]
    fn the_end_of_a_cell_shows_what_waits() {
        let drawn = Arc::new(AtomicUsize::new(0));
        let mut live = Live::new();
        live.show(&Counted(drawn.clone()));
        flush_all();
        assert_eq!(drawn.load(Ordering::Relaxed), 1);
        flush_all();
        drop(live);
        assert_eq!(drawn.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn ids_are_all_different() {
        assert_ne!(fresh_id(), fresh_id());
    }
}
