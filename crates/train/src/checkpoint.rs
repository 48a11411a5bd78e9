//! [`Checkpoint`]: a run written down, so that it can go on later, here or in Python.

use std::fmt;
use std::path::Path;

use nets::weights::{Value, load_value, save_value};
use nets::{Model, StateDict};
use rt::{Bundle, Show};

use crate::schedule::Watch;
use crate::{Epoch, History, Optimizer, TrainError};

/// A run written down: `.pth`, a dictionary that `torch.load(path, weights_only=True)` reads.
///
/// | key | holds |
/// |---|---|
/// | `architecture` | the network's name |
/// | `epoch`, `step` | how many were made |
/// | `best_accuracy` | the best validation accuracy so far, 0 to 1 |
/// | `loss` | the last validation loss |
/// | `history` | a list for each column of [`History`] |
/// | `classes` | the names of the classes |
/// | `model_state_dict` | the weights |
/// | `optimizer_state_dict` | what the optimiser remembers, in PyTorch's layout |
/// | `schedule` | what a plateau has seen |
///
/// ```
/// # use nets::{Mlp, Model};
/// # use train::{Checkpoint, History};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("best.pth");
/// # let mut net = Mlp::builder(4, 2).build()?;
/// Checkpoint::of(&net, &["sea", "street"], &History::new()).write(&path)?;
///
/// let checkpoint = Checkpoint::read(&path)?;
/// net.load_state_dict(&checkpoint.weights)?;
/// assert_eq!(checkpoint.classes, ["sea", "street"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Checkpoint {
    /// The network's name, for example `resnet18`.
    pub architecture: String,
    /// Epochs trained.
    pub epoch: usize,
    /// Steps made in all.
    pub step: usize,
    /// What happened so far.
    pub history: History,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// The network's weights.
    pub weights: StateDict,
    /// What the optimiser remembers, as [`Optimizer::state_dict`].
    pub optimizer: Option<Value>,
    pub(crate) watch: Watch,
}

impl Checkpoint {
    /// A network with its classes and its history. The weights are the network's own: write it before they change.
    pub fn of<S: AsRef<str>>(net: &dyn Model, classes: &[S], history: &History) -> Self {
        Self {
            architecture: net.name().to_owned(),
            epoch: history.epochs().len(),
            step: 0,
            history: history.clone(),
            classes: classes
                .iter()
                .map(|name| name.as_ref().to_owned())
                .collect(),
            weights: net.state_dict(),
            optimizer: None,
            watch: Watch::default(),
        }
    }

    /// Adds what an optimiser remembers, so that a run can go on as if nothing had happened.
    pub fn with(mut self, optimizer: &Optimizer) -> Self {
        self.optimizer = Some(optimizer.state_dict());
        self
    }

    /// The best validation accuracy so far, 0 to 1.
    pub fn best_accuracy(&self) -> Option<f64> {
        Some(self.history.best()?.valid_accuracy)
    }

    /// The validation loss of the last epoch.
    pub fn loss(&self) -> Option<f64> {
        Some(self.history.last()?.valid_loss)
    }

    /// Writes it to a `.pth` file. A file of that name is replaced in one move: a process that dies on the way
    /// leaves the old one whole.
    ///
    /// # Errors
    /// [`TrainError::Net`] when the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), TrainError> {
        let watch = Value::dict([
            ("best", Value::from(self.watch.best)),
            ("bad_epochs", (self.watch.bad_epochs as i64).into()),
            ("factor", self.watch.factor.into()),
        ]);
        let value = Value::dict([
            ("architecture", Value::from(self.architecture.as_str())),
            ("epoch", (self.epoch as i64).into()),
            ("step", (self.step as i64).into()),
            ("best_accuracy", self.best_accuracy().into()),
            ("loss", self.loss().into()),
            ("history", history_to_value(&self.history)),
            ("classes", self.classes.clone().into()),
            ("model_state_dict", self.weights.to_value()),
            (
                "optimizer_state_dict",
                self.optimizer.as_ref().map_or(Value::None, copy),
            ),
            ("schedule", watch),
        ]);
        Ok(save_value(path, &value)?)
    }

    /// Reads a checkpoint that this course has written, or one in PyTorch's usual layout: what it does not hold
    /// stays empty, but there have to be weights. They are found as [`Value::weights_inside`] says.
    ///
    /// # Errors
    /// [`TrainError::Net`] when the file cannot be read or is damaged, [`TrainError::Checkpoint`] when it holds no
    /// weights under a usual name.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TrainError> {
        let path = path.as_ref();
        let value = load_value(path)?;
        let Some(weights) = value.weights_inside() else {
            return Err(TrainError::Checkpoint {
                path: path.into(),
                problem: "this is no checkpoint: it has no `model_state_dict`, nor weights under \
                          another usual name. Weights alone are read by nets::weights::load"
                    .into(),
            });
        };
        let count = |key: &str| value.get(key).and_then(Value::as_i64).unwrap_or(0).max(0) as usize;
        let texts = |key: &str| {
            let texts = value.get(key).map(Value::elements).unwrap_or_default();
            texts
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        let architecture = value.get("architecture").and_then(Value::as_str);
        let optimizer = value
            .get("optimizer_state_dict")
            .filter(|state| state.get("state").is_some());
        Ok(Self {
            architecture: architecture.unwrap_or_default().to_owned(),
            epoch: count("epoch"),
            step: count("step"),
            history: value
                .get("history")
                .map(history_of_value)
                .unwrap_or_default(),
            classes: texts("classes"),
            optimizer: optimizer.map(copy),
            watch: value
                .get("schedule")
                .map(watch_of_value)
                .unwrap_or_default(),
            weights,
        })
    }
}

/// A column of a history: its name, and how an epoch gives and takes it.
struct Column(&'static str, fn(&Epoch) -> f64, fn(&mut Epoch, f64));

const COLUMNS: [Column; 8] = [
    Column(
        "epoch",
        |e| e.epoch as f64,
        |e, value| e.epoch = value as usize,
    ),
    Column(
        "train_loss",
        |e| e.train_loss,
        |e, value| e.train_loss = value,
    ),
    Column(
        "train_accuracy",
        |e| e.train_accuracy,
        |e, value| e.train_accuracy = value,
    ),
    Column(
        "valid_loss",
        |e| e.valid_loss,
        |e, value| e.valid_loss = value,
    ),
    Column(
        "valid_accuracy",
        |e| e.valid_accuracy,
        |e, value| e.valid_accuracy = value,
    ),
    Column("rate", |e| e.rate, |e, value| e.rate = value),
    Column("seconds", |e| e.seconds, |e, value| e.seconds = value),
    Column("waiting", |e| e.waiting, |e, value| e.waiting = value),
];

fn history_to_value(history: &History) -> Value {
    let column = |get: fn(&Epoch) -> f64| history.epochs().iter().map(get).collect::<Vec<f64>>();
    Value::dict(COLUMNS.map(|Column(name, get, _)| (name, Value::from(column(get)))))
}

fn history_of_value(value: &Value) -> History {
    let column = |name| value.get(name).map(Value::elements).unwrap_or_default();
    let mut history = History::new();
    for row in 0..column(COLUMNS[0].0).len() {
        let mut epoch = Epoch::default();
        for Column(name, _, set) in COLUMNS {
            set(
                &mut epoch,
                column(name)
                    .get(row)
                    .and_then(Value::as_f64)
                    .unwrap_or(f64::NAN),
            );
        }
        history.push(epoch);
    }
    history
}

fn watch_of_value(value: &Value) -> Watch {
    let fresh = Watch::default();
    let number = |key| value.get(key).and_then(Value::as_f64);
    Watch {
        best: number("best").unwrap_or(fresh.best),
        bad_epochs: number("bad_epochs").unwrap_or(0.0) as usize,
        factor: number("factor").unwrap_or(fresh.factor),
    }
}

/// The same value; its tensors are not copied.
fn copy(value: &Value) -> Value {
    let all = |values: &[Value]| values.iter().map(copy).collect();
    match value {
        Value::None => Value::None,
        Value::Bool(value) => Value::Bool(*value),
        Value::Int(value) => Value::Int(*value),
        Value::Float(value) => Value::Float(*value),
        Value::Text(text) => Value::Text(text.clone()),
        Value::List(values) => Value::List(all(values)),
        Value::Tuple(values) => Value::Tuple(all(values)),
        Value::Dict(entries) => Value::Dict(
            entries
                .iter()
                .map(|(key, value)| (copy(key), copy(value)))
                .collect(),
        ),
        Value::Tensor(tensor) => Value::Tensor(tensor.shallow_clone()),
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} tensors, epoch {}",
            self.architecture,
            self.weights.len(),
            self.epoch
        )?;
        if let (Some(accuracy), Some(loss)) = (self.best_accuracy(), self.loss()) {
            write!(
                f,
                ", best accuracy {:.2} %, loss {loss:.4}",
                100.0 * accuracy
            )?;
        }
        write!(f, ", classes {}", self.classes.join(", "))
    }
}

impl Show for Checkpoint {
    fn show(&self) -> Bundle {
        self.history.show().with_text(format!("{self:?}"))
    }
}
