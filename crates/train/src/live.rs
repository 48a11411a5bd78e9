//! [`Live`]: what a run shows while it goes on, in one place that changes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rt::{Bundle, display_with_id, update_display};

use crate::{History, Metrics};

/// No more often than a person reads.
const BETWEEN: Duration = Duration::from_millis(500);

/// Curves, table and a line of progress below the cell.
pub(crate) struct Live {
    quiet: bool,
    epochs: usize,
    id: String,
    shown: Option<Instant>,
}

impl Live {
    pub(crate) fn new(quiet: bool, epochs: usize) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = format!("cvstudy-fit-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self {
            quiet,
            epochs,
            id,
            shown: None,
        }
    }

    /// After a step.
    pub(crate) fn step(
        &mut self,
        history: &History,
        epoch: usize,
        batch: usize,
        batches: usize,
        seen: &Metrics,
    ) {
        if self.quiet || self.shown.is_some_and(|shown| shown.elapsed() < BETWEEN) {
            return;
        }
        let now = format!(
            "epoch {}/{}, batch {batch}/{batches}: loss {:.4}, accuracy {:.1} %",
            epoch + 1,
            self.epochs,
            seen.loss(),
            100.0 * seen.accuracy()
        );
        self.show(history.page(&now));
    }

    /// After an epoch with its validation.
    pub(crate) fn epoch_ended(&mut self, history: &History) {
        if let (Some(last), false) = (history.last(), self.quiet) {
            self.show(history.page(&format!(
                "epoch {}/{} done: validation loss {:.4}, accuracy {:.1} %",
                last.epoch,
                self.epochs,
                last.valid_loss,
                100.0 * last.valid_accuracy
            )));
        }
    }

    /// After the last epoch.
    pub(crate) fn finish(&mut self, history: &History, stopped_early: bool) {
        if !self.quiet {
            let early = if stopped_early {
                "stopped early after "
            } else {
                ""
            };
            self.show(history.page(&format!("{early}{}", history.summary())));
        }
    }

    fn show(&mut self, bundle: Bundle) {
        match self.shown {
            None => display_with_id(&self.id, &bundle),
            Some(_) => update_display(&self.id, &bundle),
        }
        self.shown = Some(Instant::now());
    }
}
