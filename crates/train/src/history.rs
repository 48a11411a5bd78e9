//! [`History`]: what happened in each epoch.

use std::fmt;

use plot::{Chart, LearningCurves};
use rt::{Bundle, Show, display::escape};

/// One epoch of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: usize,
    /// The mean loss of the training batches, each as it was before its step, with dropout and augmentation.
    pub train_loss: f64,
    /// The share of training images, 0 to 1, that were recognised then.
    pub train_accuracy: f64,
    /// The loss on the validation set after the epoch.
    pub valid_loss: f64,
    /// The share of validation images, 0 to 1, that are recognised after the epoch.
    pub valid_accuracy: f64,
    /// The learning rate of its last step.
    pub rate: f64,
    /// How long it took, validation included, in seconds.
    pub seconds: f64,
    /// The share of training time, 0 to 1, in which steps waited for data.
    pub waiting: f64,
}

/// What happened in each epoch of a run: curves, and a table.
#[derive(Clone, Default, PartialEq)]
pub struct History {
    epochs: Vec<Epoch>,
}

impl History {
    /// Before the first epoch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an epoch.
    pub fn push(&mut self, epoch: Epoch) {
        self.epochs.push(epoch);
    }

    /// The epochs in order.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// The last epoch.
    pub fn last(&self) -> Option<&Epoch> {
        self.epochs.last()
    }

    /// The epoch with the highest validation accuracy; of several, the one with the lowest validation loss. Epochs
    /// whose validation loss has exploded are out of it, unless there are no others.
    pub fn best(&self) -> Option<&Epoch> {
        self.epochs.iter().reduce(|best, next| {
            if next.is_better_than(best) {
                next
            } else {
                best
            }
        })
    }

    /// Appends the epochs of a run that went on from this one.
    pub fn extend(&mut self, next: &Self) {
        let done = self.epochs.len();
        let shifted = next.epochs.iter().cloned().map(|mut epoch| {
            epoch.epoch += done;
            epoch
        });
        self.epochs.extend(shifted);
    }

    /// The validation accuracy of several runs in one chart: `[("fine-tuned", &a), ("from scratch", &b)]`.
    pub fn compare(runs: &[(&str, &Self)]) -> Chart {
        let chart = Chart::new().x_label("epoch").y_label("validation accuracy");
        runs.iter().fold(chart, |chart, (name, run)| {
            chart.line_xy(
                *name,
                run.epochs.iter().map(|e| (e.epoch, e.valid_accuracy)),
            )
        })
    }

    /// The best epoch in a line.
    pub(crate) fn summary(&self) -> String {
        match self.best() {
            None => "no epochs yet".into(),
            Some(best) => format!(
                "{} epochs; best is epoch {} with {:.2} % validation accuracy, loss {}",
                self.epochs.len(),
                best.epoch,
                100.0 * best.valid_accuracy,
                loss_text(best.valid_loss)
            ),
        }
    }

    /// Loss and accuracy by epoch, training and validation.
    pub fn curves(&self) -> LearningCurves {
        let column = |of: fn(&Epoch) -> f64| self.epochs.iter().map(of).collect::<Vec<f64>>();
        LearningCurves::new()
            .loss(column(|e| e.train_loss), column(|e| e.valid_loss))
            .accuracy(column(|e| e.train_accuracy), column(|e| e.valid_accuracy))
    }

    fn table(&self) -> String {
        let mut html = String::from("<table><tr>");
        for title in COLUMNS {
            html += &format!("<th>{title}</th>");
        }
        html += "</tr>";
        let best = self.best().map(|best| best.epoch);
        for epoch in &self.epochs {
            let row = epoch.cells().map(|cell| match best == Some(epoch.epoch) {
                true => format!("<td><b>{cell}</b></td>"),
                false => format!("<td>{cell}</td>"),
            });
            html += &format!("<tr>{}</tr>", row.concat());
        }
        html + "</table>"
    }
}

const COLUMNS: [&str; 8] = [
    "epoch",
    "train loss",
    "valid loss",
    "train acc",
    "valid acc",
    "rate",
    "time",
    "waiting",
];

/// Validation losses from here on have exploded: guessing costs ln(classes), and a network that is sure of what is
/// wrong a few tens.
const EXPLODED: f64 = 1e4;

impl Epoch {
    /// Higher validation accuracy; at the same, lower validation loss. One that has exploded is better than none.
    pub fn is_better_than(&self, other: &Self) -> bool {
        let of = |epoch: &Self| (epoch.is_sound(), epoch.valid_accuracy, -epoch.valid_loss);
        of(self) > of(other)
    }

    /// Whether its weights are worth being kept: the validation loss is a number and has not exploded.
    pub(crate) fn is_sound(&self) -> bool {
        self.valid_loss < EXPLODED
    }

    fn cells(&self) -> [String; 8] {
        [
            self.epoch.to_string(),
            loss_text(self.train_loss),
            loss_text(self.valid_loss),
            format!("{:.2} %", 100.0 * self.train_accuracy),
            format!("{:.2} %", 100.0 * self.valid_accuracy),
            format!("{:.2e}", self.rate),
            format!("{:.1} s", self.seconds),
            format!("{:.1} %", 100.0 * self.waiting),
        ]
    }
}

/// Four places, or powers of ten for a loss that has exploded.
fn loss_text(loss: f64) -> String {
    if loss < EXPLODED {
        format!("{loss:.4}")
    } else {
        format!("{loss:.2e}")
    }
}

/// The table, one line an epoch.
impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&COLUMNS.map(|title| format!("{title:>10}")).concat())?;
        for epoch in &self.epochs {
            write!(
                f,
                "\n{}",
                epoch.cells().map(|cell| format!("{cell:>10}")).concat()
            )?;
        }
        Ok(())
    }
}

/// The curves, then the table.
impl Show for History {
    fn show(&self) -> Bundle {
        let curves = self
            .curves()
            .to_svg()
            .unwrap_or_else(|error| escape(&error.to_string()));
        let html = match self.epochs.is_empty() {
            true => escape(&self.summary()),
            false => format!("<div>{curves}</div>{}", self.table()),
        };
        Bundle::html(html, format!("{self:?}"))
    }
}
