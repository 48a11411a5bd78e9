//! Mixing the pictures of a batch with each other: MixUp and CutMix.

use tch::{Kind, Tensor};

use super::seed::{Rng, Seed};
use crate::VisionError;

/// A batch of mixed pictures, their labels, and how they were mixed.
#[derive(Debug)]
pub struct MixedBatch {
    /// The pictures, shaped as they came.
    pub images: Tensor,
    /// The share of each class in each picture, `[N, num_classes]`, f32; each row adds up to 1.
    pub labels: Tensor,
    /// The share of each picture's own, 0-1; the rest is its neighbour's.
    pub lambda: f64,
}

/// Lays each picture over the one before it (Zhang et al. 2017, arXiv 1710.09412).
#[derive(Clone, Copy, Debug)]
pub struct MixUp {
    num_classes: i64,
    alpha: f64,
}

impl MixUp {
    /// For this many classes; the share is drawn from Beta(1, 1), which is uniform.
    pub fn new(num_classes: i64) -> Self {
        Self {
            num_classes,
            alpha: 1.0,
        }
    }

    /// Draws the share from Beta(alpha, alpha): the smaller, the closer to 0 or 1.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Mixes a batch: pictures `[N, C, H, W]` of any float kind, labels `[N]` (class numbers, int64) or
    /// `[N, num_classes]` (shares).
    ///
    /// # Errors
    /// [`VisionError::Argument`] when shapes or labels do not fit, or alpha is not above 0.
    pub fn apply(
        &self,
        images: &Tensor,
        labels: &Tensor,
        seed: impl Into<Seed>,
    ) -> Result<MixedBatch, VisionError> {
        let shares = shares(images, labels, self.num_classes)?;
        let lambda = draw_lambda(self.alpha, &mut Rng::new(seed))?;
        Ok(MixedBatch {
            images: mix(images, lambda)?,
            labels: mix(&shares, lambda)?,
            lambda,
        })
    }
}

/// Pastes a rectangle of each picture into the one after it (Yun et al. 2019, arXiv 1905.04899).
#[derive(Clone, Copy, Debug)]
pub struct CutMix {
    num_classes: i64,
    alpha: f64,
}

impl CutMix {
    /// For this many classes; the share is drawn from Beta(1, 1), which is uniform.
    pub fn new(num_classes: i64) -> Self {
        Self {
            num_classes,
            alpha: 1.0,
        }
    }

    /// Draws the share from Beta(alpha, alpha): the smaller, the closer to 0 or 1.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Mixes a batch: pictures `[N, C, H, W]` of any kind, labels as in [`MixUp::apply`].
    ///
    /// # Errors
    /// Those of [`MixUp::apply`].
    pub fn apply(
        &self,
        images: &Tensor,
        labels: &Tensor,
        seed: impl Into<Seed>,
    ) -> Result<MixedBatch, VisionError> {
        let shares = shares(images, labels, self.num_classes)?;
        let mut rng = Rng::new(seed);
        let lambda = draw_lambda(self.alpha, &mut rng)?;
        let size = images.size();
        let (height, width) = (size[2], size[3]);
        let half = 0.5 * (1.0 - lambda).sqrt();
        let mut along = |side: i64| {
            let middle = rng.below(side as u64) as i64;
            let reach = (half * side as f64) as i64;
            let (from, to) = ((middle - reach).max(0), (middle + reach).min(side));
            (from, to - from)
        };
        let ((x, w), (y, h)) = (along(width), along(height));
        // What was drawn and what fits into the picture differ.
        let lambda = 1.0 - (w * h) as f64 / (width * height) as f64;
        let part = |tensor: &Tensor| tensor.f_narrow(2, y, h)?.f_narrow(3, x, w);
        let paste = || {
            let mut mixed = images.f_empty_like()?;
            mixed.f_copy_(images)?;
            part(&mixed)?.f_copy_(&part(&images.f_roll([1], [0])?)?)?;
            Ok(mixed)
        };
        Ok(MixedBatch {
            images: paste().map_err(torch_said)?,
            labels: mix(&shares, lambda)?,
            lambda,
        })
    }
}

/// Every row with the share `lambda`, plus the row before it with the rest.
fn mix(rows: &Tensor, lambda: f64) -> Result<Tensor, VisionError> {
    let mixed = || {
        let rolled = rows.f_roll([1], [0])?;
        rows.f_mul_scalar(lambda)?
            .f_add(&rolled.f_mul_scalar(1.0 - lambda)?)
    };
    mixed().map_err(torch_said)
}

fn draw_lambda(alpha: f64, rng: &mut Rng) -> Result<f64, VisionError> {
    if alpha > 0.0 {
        return Ok(rng.beta(alpha));
    }
    Err(VisionError::Argument(format!(
        "alpha must be above 0, got {alpha}"
    )))
}

fn torch_said(error: tch::TchError) -> VisionError {
    VisionError::Argument(format!("the batch cannot be mixed: {error}"))
}

/// The labels as shares of classes, `[N, num_classes]`, once batch and labels are found to fit.
fn shares(images: &Tensor, labels: &Tensor, num_classes: i64) -> Result<Tensor, VisionError> {
    let (batch, given) = (images.size(), labels.size());
    let wrong = |what: String| Err(VisionError::Argument(what));
    if batch.len() != 4 || batch.contains(&0) {
        return wrong(format!(
            "a batch of pictures is [N, C, H, W], got {batch:?}; stack single ones with Tensor::stack"
        ));
    }
    if given.first() != batch.first() {
        return wrong(format!(
            "there are {} pictures, but the labels are {given:?}",
            batch[0]
        ));
    }
    if given.len() == 2 && given[1] == num_classes {
        return Ok(labels.to_kind(Kind::Float));
    }
    if given.len() != 1 || labels.kind() != Kind::Int64 {
        return wrong(format!(
            "labels are class numbers [N] of kind Int64 or shares [N, {num_classes}], got {given:?} of kind {:?}",
            labels.kind()
        ));
    }
    let (least, most) = (labels.min().int64_value(&[]), labels.max().int64_value(&[]));
    if least < 0 || most >= num_classes {
        return wrong(format!(
            "there are {num_classes} classes, 0 to {}, but the labels go from {least} to {most}",
            num_classes - 1
        ));
    }
    labels
        .f_one_hot(num_classes)
        .map(|hot| hot.to_kind(Kind::Float))
        .map_err(torch_said)
}
