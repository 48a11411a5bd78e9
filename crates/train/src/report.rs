//! [`Report`]: what a run shows while it goes on.

use live::Live;
use rt::Bundle;

use crate::{History, Metrics};

/// A line that says where the run is, and below it the curves, which grow with each epoch.
///
/// Without a notebook, a line is printed for each epoch.
pub(crate) struct Report {
    quiet: bool,
    epochs: usize,
    places: Option<Places>,
}

struct Places {
    line: Live,
    curves: Live,
}

impl Report {
    pub(crate) fn new(quiet: bool, epochs: usize) -> Self {
        let places = (!quiet && rt::in_notebook()).then(|| Places {
            line: Live::new(),
            curves: Live::new(),
        });
        Self {
            quiet,
            epochs,
            places,
        }
    }

    /// After a step: the batch of the epoch (from 0), of how many, and what was seen in them.
    pub(crate) fn step(&mut self, epoch: usize, batch: usize, batches: usize, seen: &Metrics) {
        let Some(places) = &mut self.places else {
            return;
        };
        places.line.show(&Bundle::text(format!(
            "epoch {}/{}, batch {batch}/{batches}: training loss {:.4}, accuracy {:.1} %",
            epoch + 1,
            self.epochs,
            seen.loss(),
            100.0 * seen.accuracy()
        )));
    }

    /// After an epoch with its validation.
    pub(crate) fn epoch_ended(&mut self, history: &History) {
        match (&mut self.places, history.last()) {
            (Some(places), _) => places.curves.show(history),
            (None, Some(last)) if !self.quiet => println!(
                "epoch {}/{}: training loss {:.4}, validation loss {:.4}, accuracy {:.2} %",
                last.epoch,
                self.epochs,
                last.train_loss,
                last.valid_loss,
                100.0 * last.valid_accuracy
            ),
            _ => {}
        }
    }

    /// After the last epoch.
    pub(crate) fn finish(&mut self, history: &History, stopped_early: bool) {
        let early = if stopped_early {
            "stopped early after "
        } else {
            ""
        };
        let line = format!("{early}{}", history.summary());
        match &mut self.places {
            Some(places) => places.line.show_now(&Bundle::text(line)),
            None if !self.quiet => println!("{line}"),
            None => {}
        }
    }
}
