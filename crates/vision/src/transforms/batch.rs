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

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    /// Four pictures `[4, 3, 6, 8]` of one value each, and their classes.
    fn batch() -> (Tensor, Tensor) {
        let values = Tensor::from_slice(&[10.0f32, 20.0, 30.0, 40.0]).view([4, 1, 1, 1]);
        let labels = Tensor::from_slice(&[0i64, 1, 2, 1]);
        (values.expand([4, 3, 6, 8], false).contiguous(), labels)
    }

    /// Every row adds up to 1, and row 1 has its own class and that of row 0.
    fn assert_labels(mixed: &MixedBatch) {
        assert_eq!(mixed.labels.size(), [4, 3]);
        let sums = mixed
            .labels
            .sum_dim_intlist([1i64].as_slice(), false, Kind::Float);
        assert!(sums.allclose(
            &Tensor::ones([4], (Kind::Float, Device::Cpu)),
            1e-5,
            1e-6,
            false
        ));
        let own = mixed.labels.double_value(&[1, 1]);
        assert!((own - mixed.lambda).abs() < 1e-6);
        assert!((mixed.labels.double_value(&[1, 0]) - (1.0 - mixed.lambda)).abs() < 1e-6);
    }

    #[test]
    fn mixup_lays_each_picture_over_the_one_before() {
        let (images, labels) = batch();
        for seed in 0..20 {
            let mixed = MixUp::new(3)
                .alpha(0.4)
                .apply(&images, &labels, seed)
                .unwrap();
            assert_labels(&mixed);
            // torchvision: inpt.roll(1, 0).mul_(1.0 - lam).add_(inpt.mul(lam))
            for (index, (own, before)) in [(10.0, 40.0), (20.0, 10.0), (30.0, 20.0)]
                .into_iter()
                .enumerate()
            {
                let expected = own * mixed.lambda + before * (1.0 - mixed.lambda);
                let found = mixed.images.double_value(&[index as i64, 2, 5, 7]);
                assert!((found - expected).abs() < 1e-4, "{found} {expected}");
            }
        }
    }

    #[test]
    fn cutmix_pastes_as_much_as_it_says() {
        let (images, labels) = batch();
        for seed in 0..20 {
            let mixed = CutMix::new(3).apply(&images, &labels, seed).unwrap();
            assert_labels(&mixed);
            let own = mixed
                .images
                .get(1)
                .get(0)
                .eq(20.0)
                .sum(Kind::Int64)
                .int64_value(&[]);
            let pasted = mixed
                .images
                .get(1)
                .get(0)
                .eq(10.0)
                .sum(Kind::Int64)
                .int64_value(&[]);
            assert_eq!(own + pasted, 48);
            assert!((own as f64 / 48.0 - mixed.lambda).abs() < 1e-9);
        }
        assert_eq!(images.double_value(&[1, 0, 0, 0]), 20.0); // the batch itself stays
    }

    #[test]
    fn batches_that_cannot_be_mixed_are_said_so() {
        let (images, labels) = batch();
        let error = |images: &Tensor, labels: &Tensor, classes| {
            MixUp::new(classes)
                .apply(images, labels, 1)
                .unwrap_err()
                .to_string()
        };
        assert!(
            error(&images, &labels, 2)
                .contains("there are 2 classes, 0 to 1, but the labels go from 0 to 2")
        );
        assert!(error(&images.get(0), &labels, 3).contains("is [N, C, H, W], got [3, 6, 8]"));
        assert!(
            error(&images, &labels.narrow(0, 0, 3), 3)
                .contains("there are 4 pictures, but the labels are [3]")
        );
        assert!(error(&images, &labels.to_kind(Kind::Float), 3).contains("of kind Float"));
        let zero = CutMix::new(3).alpha(0.0).apply(&images, &labels, 1);
        assert!(
            zero.unwrap_err()
                .to_string()
                .contains("alpha must be above 0")
        );
    }
}
