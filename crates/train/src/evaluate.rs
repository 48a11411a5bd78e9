//! Looking at a whole data set: [`evaluate`] for figures, [`predict`] for every prediction.

use std::fmt;

use data::Batches;
use nets::Model;
use rt::{Bundle, Show};
use tch::{Device, Kind, Tensor};

use crate::error::said;
use crate::net::batch_for;
use crate::{Confusion, CrossEntropy, TrainError, top_k_accuracy};

/// Loss and predictions summed up over batches.
///
/// ```
/// # use tch::Tensor;
/// # use train::Metrics;
/// let mut seen = Metrics::new(&["sea", "street"]);
/// let logits = Tensor::from_slice2(&[[2.0f32, 0.0], [1.0, 0.0]]);
/// seen.add(0.72, &logits, &Tensor::from_slice(&[0i64, 1]))?;
/// assert_eq!((seen.loss(), seen.accuracy()), (0.72, 0.5));
/// # Ok::<(), train::TrainError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Metrics {
    loss: f64,
    confusion: Confusion,
}

impl Metrics {
    /// Of nothing seen yet.
    pub fn new<S: AsRef<str>>(classes: &[S]) -> Self {
        Self {
            loss: 0.0,
            confusion: Confusion::new(classes),
        }
    }

    /// Adds a batch: its mean loss, its logits `[N, classes]` and its labels `[N]`.
    ///
    /// # Errors
    /// As [`Confusion::add`].
    pub fn add(&mut self, loss: f64, logits: &Tensor, labels: &Tensor) -> Result<(), TrainError> {
        self.loss += loss * labels.numel() as f64;
        self.confusion.add(logits, labels)
    }

    /// The mean loss of a sample; NaN before the first.
    pub fn loss(&self) -> f64 {
        self.loss / self.confusion.total() as f64
    }

    /// The share of samples, 0 to 1, that were recognised; NaN before the first.
    pub fn accuracy(&self) -> f64 {
        self.confusion.accuracy()
    }

    /// What was taken for what: precision, recall, F1.
    pub fn confusion(&self) -> &Confusion {
        &self.confusion
    }
}

impl Show for Metrics {
    fn show(&self) -> Bundle {
        let loss = format!("loss {:.4}", self.loss());
        let report = self.confusion.show();
        let html = report.data.get("text/html").and_then(|html| html.as_str());
        let html = format!("<p>{loss}</p>{}", html.unwrap_or_default());
        Bundle::html(html, format!("{loss}\n{}", self.confusion))
    }
}

/// Loss and predictions of a network on a whole data set, in evaluation mode, without gradients.
///
/// # Errors
/// [`TrainError::Data`] when a batch cannot be loaded, [`TrainError::Net`] when the network does not take it,
/// [`TrainError::Settings`] when it has another number of classes, or there are no batches.
pub fn evaluate(
    net: &dyn Model,
    set: &dyn Batches,
    loss: &CrossEntropy,
) -> Result<Metrics, TrainError> {
    let mut seen = Metrics::new(set.classes());
    each_batch(net, set, |logits, labels, _| {
        let loss = loss.loss(logits, labels)?;
        let loss = loss
            .f_double_value(&[])
            .map_err(said("computing the loss"))?;
        seen.add(loss, logits, labels)
    })?;
    Ok(seen)
}

/// The predictions of a network for a whole data set, in evaluation mode, without gradients.
///
/// # Errors
/// As [`evaluate`].
pub fn predict(net: &dyn Model, set: &dyn Batches) -> Result<Predictions, TrainError> {
    let (mut logits, mut labels, mut indices) = (Vec::new(), Vec::new(), Vec::new());
    each_batch(net, set, |batch_logits, batch_labels, batch_indices| {
        logits.push(batch_logits.to_device(Device::Cpu));
        labels.push(batch_labels.to_device(Device::Cpu));
        indices.extend_from_slice(batch_indices);
        Ok(())
    })?;
    let together =
        |parts: &[Tensor]| Tensor::f_cat(parts, 0).map_err(said("collecting predictions"));
    Ok(Predictions {
        logits: together(&logits)?,
        labels: together(&labels)?,
        indices,
        classes: set.classes().to_vec(),
    })
}

fn each_batch(
    net: &dyn Model,
    set: &dyn Batches,
    mut with: impl FnMut(&Tensor, &Tensor, &[usize]) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    if set.is_empty() {
        return Err(TrainError::settings(
            "evaluate: the data set has no batches",
        ));
    }
    let _guard = tch::no_grad_guard();
    for batch in set.epoch(0) {
        rt::checkpoint();
        let batch = batch?;
        let (images, labels) = batch_for(net, &batch)?;
        let logits = net.try_forward_t(&images, false)?;
        with(&logits, &labels, &batch.indices)?;
    }
    Ok(())
}

/// What a network says about each sample of a set.
pub struct Predictions {
    /// `[N, classes]`, on the CPU.
    pub logits: Tensor,
    /// `[N]`, i64: what the samples are.
    pub labels: Tensor,
    /// Which samples of the set these are.
    pub indices: Vec<usize>,
    /// The names of the classes.
    pub classes: Vec<String>,
}

/// A sample that the network gets wrong, or is unsure about.
#[derive(Clone, Debug, PartialEq)]
pub struct TopLoss {
    /// Which sample of the set it is.
    pub index: usize,
    /// What it is.
    pub actual: String,
    /// What it was taken for.
    pub predicted: String,
    /// Its loss.
    pub loss: f64,
    /// The probability, 0 to 1, that the network gives to what it is.
    pub probability: f64,
}

impl Predictions {
    /// The probability of each class, `[N, classes]`, rows adding up to 1.
    pub fn probabilities(&self) -> Tensor {
        self.logits.softmax(-1, Kind::Float)
    }

    /// The share of samples, 0 to 1, that were recognised.
    ///
    /// # Errors
    /// As [`Confusion::add`].
    pub fn accuracy(&self) -> Result<f64, TrainError> {
        Ok(self.confusion()?.accuracy())
    }

    /// The share of samples, 0 to 1, whose class is among the `k` most probable.
    ///
    /// # Errors
    /// As [`top_k_accuracy`].
    pub fn top_k_accuracy(&self, k: usize) -> Result<f64, TrainError> {
        top_k_accuracy(&self.logits, &self.labels, k)
    }

    /// What was taken for what.
    ///
    /// # Errors
    /// As [`Confusion::add`].
    pub fn confusion(&self) -> Result<Confusion, TrainError> {
        let mut confusion = Confusion::new(&self.classes);
        confusion.add(&self.logits, &self.labels)?;
        Ok(confusion)
    }

    /// The `n` samples with the highest loss, the highest first: wrong labels are found here.
    ///
    /// # Errors
    /// [`TrainError::Torch`] when torch cannot compute it.
    pub fn top_losses(&self, n: usize) -> Result<Vec<TopLoss>, TrainError> {
        let losses = CrossEntropy::new().each(&self.logits, &self.labels)?; // [N]
        let n = n.min(self.indices.len()) as i64;
        let (losses, rows) = losses
            .f_topk(n, 0, true, true)
            .map_err(said("finding top losses"))?;
        let predicted = self
            .logits
            .f_argmax(1, false)
            .map_err(said("finding top losses"))?;
        let name = |of: &Tensor, row: i64| self.classes[of.int64_value(&[row]) as usize].clone();
        Ok((0..n)
            .map(|place| {
                let row = rows.int64_value(&[place]);
                let loss = losses.double_value(&[place]);
                TopLoss {
                    index: self.indices[row as usize],
                    actual: name(&self.labels, row),
                    predicted: name(&predicted, row),
                    loss,
                    probability: (-loss).exp(),
                }
            })
            .collect())
    }
}

impl fmt::Debug for Predictions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} predictions of {} classes",
            self.indices.len(),
            self.classes.len()
        )
    }
}
