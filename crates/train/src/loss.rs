//! [`CrossEntropy`]: how wrong the network is.

use tch::{Device, Kind, Reduction, Tensor};

use crate::TrainError;
use crate::error::said;

/// Cross entropy between logits and labels, the mean over the batch: PyTorch's `nn.CrossEntropyLoss`.
///
/// A network that knows nothing and says so has a loss of ln(classes): 1.79 for six.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    label_smoothing: f64,
    class_weights: Vec<f32>,
}

impl CrossEntropy {
    /// Without smoothing, all classes alike.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for `1 - smoothing` of the certainty, and spreads the rest over all classes; 0.1 is usual
    /// (Szegedy et al. 2015, arXiv 1512.00567, section 7). Default: 0.
    pub fn label_smoothing(mut self, smoothing: f64) -> Self {
        self.label_smoothing = smoothing;
        self
    }

    /// How much each class counts; the mean is taken over the weights, and a batch that weighs nothing has the loss 0
    /// (PyTorch: NaN). Default: all alike.
    pub fn class_weights(mut self, weights: &[f32]) -> Self {
        self.class_weights = weights.to_vec();
        self
    }

    /// Weights that make rare classes count as much as frequent ones: `samples / (classes * count)`, as
    /// scikit-learn's `balanced`. A class without samples weighs 0.
    pub fn balanced(self, counts: &[usize]) -> Self {
        let samples: usize = counts.iter().sum();
        let weight = |&count: &usize| match count {
            0 => 0.0,
            count => samples as f32 / (counts.len() * count) as f32,
        };
        let weights: Vec<f32> = counts.iter().map(weight).collect();
        self.class_weights(&weights)
    }

    /// The loss of a batch, one number that gradients can be taken of.
    ///
    /// # Shapes
    /// logits `[N, classes]`, labels `[N]` i64 -> `[]`
    ///
    /// # Errors
    /// [`TrainError::Settings`] when shapes, labels or settings do not fit together.
    pub fn loss(&self, logits: &Tensor, labels: &Tensor) -> Result<Tensor, TrainError> {
        self.compute(logits, labels, Reduction::Mean)
    }

    /// The loss of each sample of a batch, `[N]`.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn each(&self, logits: &Tensor, labels: &Tensor) -> Result<Tensor, TrainError> {
        self.compute(logits, labels, Reduction::None)
    }

    fn compute(
        &self,
        logits: &Tensor,
        labels: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, TrainError> {
        self.check(logits, labels)?;
        let weights = (!self.class_weights.is_empty())
            .then(|| Tensor::from_slice(&self.class_weights).to_device(logits.device()));
        if matches!(reduction, Reduction::Mean) && self.weigh_nothing(labels)? {
            let nothing = || logits.f_sum(logits.kind())?.f_mul_scalar(0.0);
            return nothing().map_err(said("computing the loss"));
        }
        // -100 is PyTorch's label of "does not count"; check has seen that there is none.
        logits
            .f_cross_entropy_loss(labels, weights, reduction, -100, self.label_smoothing)
            .map_err(said("computing the loss"))
    }

    /// Whether all these samples are of classes that weigh 0.
    fn weigh_nothing(&self, labels: &Tensor) -> Result<bool, TrainError> {
        if !self.class_weights.contains(&0.0) || labels.numel() == 0 {
            return Ok(false);
        }
        let weights = Tensor::from_slice(&self.class_weights).to_device(labels.device());
        let sum = || {
            weights
                .f_index_select(0, labels)?
                .f_sum(Kind::Float)?
                .f_double_value(&[])
        };
        Ok(sum().map_err(said("weighing classes"))? == 0.0)
    }

    fn check(&self, logits: &Tensor, labels: &Tensor) -> Result<(), TrainError> {
        let wrong = |problem: String| Err(TrainError::settings(format!("CrossEntropy: {problem}")));
        let (size, count) = (logits.size(), labels.size());
        let &[samples, classes] = size.as_slice() else {
            return wrong(format!("logits must be [N, classes], got {size:?}"));
        };
        if count != [samples] || labels.kind() != Kind::Int64 {
            return wrong(format!(
                "{samples} rows of logits need labels [{samples}] of kind Int64, got {count:?} of kind {:?}",
                labels.kind()
            ));
        }
        if !(0.0..=1.0).contains(&self.label_smoothing) {
            return wrong(format!(
                "label smoothing must be within 0 and 1, got {}",
                self.label_smoothing
            ));
        }
        let weights = self.class_weights.len();
        if weights != 0 && weights as i64 != classes {
            return wrong(format!("{weights} class weights for {classes} classes"));
        }
        if logits.device() != labels.device() {
            return wrong(format!(
                "the logits are on {:?}, the labels on {:?}: move the labels with to_device",
                logits.device(),
                labels.device()
            ));
        }
        // Looking costs a wait on a GPU, and torch complains there by itself.
        if samples > 0 && labels.device() == Device::Cpu {
            let (least, most) = (labels.min().int64_value(&[]), labels.max().int64_value(&[]));
            if least < 0 || most >= classes {
                return wrong(format!(
                    "labels run from {least} to {most}, but the network has {classes} outputs: \
                     give it as many as there are classes"
                ));
            }
        }
        Ok(())
    }
}
