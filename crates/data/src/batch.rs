//! What training takes: batches of images with their labels.

use std::fmt;

use tch::{Kind, Tensor};

use crate::{DataError, Random};

/// Images and labels that are fed to a network together.
#[derive(Debug)]
pub struct Batch {
    /// `[N, C, H, W]`, f32.
    pub images: Tensor,
    /// `[N]`, i64: positions in [`Batches::classes`].
    pub labels: Tensor,
    /// Which samples of the set these are, in the order of the batch.
    pub indices: Vec<usize>,
}

/// A set of labelled images that comes in batches, epoch after epoch.
///
/// The batches of an epoch hang on the set and the number of the epoch alone: asking twice for epoch 3
/// gives the same batches in the same order, so a run that was cut off can go on where it was.
pub trait Batches {
    /// The names of the classes; a label is a position in them.
    fn classes(&self) -> &[String];

    /// How many batches an epoch has.
    fn len(&self) -> usize;

    /// The batches of an epoch, one after another. An error concerns one batch; what follows may be well.
    fn epoch(&self, epoch: u64) -> Box<dyn Iterator<Item = Result<Batch, DataError>> + '_>;

    /// Whether an epoch has no batches at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Labelled images that lie in memory as one tensor.
///
/// In order and in batches of 32, until told otherwise.
///
/// ```
/// # use data::{Batches, TensorData};
/// # use tch::{Device, Kind, Tensor};
/// # let images = Tensor::zeros([10, 3, 8, 8], (Kind::Float, Device::Cpu));
/// # let labels = Tensor::zeros([10], (Kind::Int64, Device::Cpu));
/// let set = TensorData::new(images, labels, ["sea", "street"])?.batch_size(4).shuffle(7);
/// assert_eq!(set.len(), 3);
/// for batch in set.epoch(0) {
///     let batch = batch?;
///     assert_eq!(batch.images.size()[1..], [3, 8, 8]);
/// }
/// # Ok::<(), data::DataError>(())
/// ```
pub struct TensorData {
    images: Tensor,
    labels: Tensor,
    classes: Vec<String>,
    plan: Plan,
}

impl TensorData {
    /// A set of images `[N, C, H, W]` f32 with labels `[N]` i64, which are positions in `classes`.
    ///
    /// # Errors
    /// [`DataError::Setting`] when the shapes or kinds are others, or a label is no position in `classes`.
    pub fn new<S: Into<String>>(
        images: Tensor,
        labels: Tensor,
        classes: impl IntoIterator<Item = S>,
    ) -> Result<Self, DataError> {
        let classes: Vec<String> = classes.into_iter().map(Into::into).collect();
        check(&images, &labels, classes.len())?;
        let samples = images.size()[0] as usize;
        Ok(Self {
            images,
            labels,
            classes,
            plan: Plan::new(samples),
        })
    }

    /// How many images come together; at least 1. The last batch of an epoch has what is left.
    pub fn batch_size(mut self, size: usize) -> Self {
        self.plan.batch_size = size.max(1);
        self
    }

    /// Puts the images into an order of its own each epoch, the same for the same seed.
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.plan.seed = Some(seed);
        self
    }

    /// Leaves out the last batch of an epoch when it is smaller than the others.
    pub fn drop_last(mut self) -> Self {
        self.plan.drop_last = true;
        self
    }

    /// All images, `[N, C, H, W]`.
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// All labels, `[N]`.
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }
}

impl Batches for TensorData {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn len(&self) -> usize {
        self.plan.batches()
    }

    fn epoch(&self, epoch: u64) -> Box<dyn Iterator<Item = Result<Batch, DataError>> + '_> {
        let order = self.plan.order(epoch);
        Box::new((0..self.plan.batches()).map(move |batch| {
            rt::checkpoint();
            let indices = order[self.plan.range(batch)].to_vec();
            let rows: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
            let rows = Tensor::from_slice(&rows).to_device(self.images.device());
            Ok(Batch {
                images: self.images.index_select(0, &rows),
                labels: self
                    .labels
                    .index_select(0, &rows.to_device(self.labels.device())),
                indices,
            })
        }))
    }
}

impl fmt::Debug for TensorData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.images.size();
        write!(
            f,
            "{} images of {}x{}x{} in {} classes, {} batches of {}",
            size[0],
            size[1],
            size[2],
            size[3],
            self.classes.len(),
            self.plan.batches(),
            self.plan.batch_size
        )
    }
}

fn check(images: &Tensor, labels: &Tensor, classes: usize) -> Result<(), DataError> {
    let wrong = |problem: String| Err(DataError::Setting(problem));
    if images.dim() != 4 || images.kind() != Kind::Float {
        return wrong(format!(
            "images must be [N, C, H, W] of kind Float, got {:?} of kind {:?}{}",
            images.size(),
            images.kind(),
            if images.dim() == 3 {
                ": stack them with Tensor::stack"
            } else {
                ""
            }
        ));
    }
    if labels.dim() != 1 || labels.kind() != Kind::Int64 {
        return wrong(format!(
            "labels must be [N] of kind Int64, got {:?} of kind {:?}",
            labels.size(),
            labels.kind()
        ));
    }
    if images.size()[0] != labels.size()[0] {
        return wrong(format!(
            "every image needs a label: there are {} images and {} labels",
            images.size()[0],
            labels.size()[0]
        ));
    }
    if labels.numel() > 0 {
        let (least, most) = (labels.min().int64_value(&[]), labels.max().int64_value(&[]));
        if least < 0 || most >= classes as i64 {
            return wrong(format!(
                "labels must be 0 to {} for {classes} classes, but they run from {least} to {most}",
                classes.saturating_sub(1)
            ));
        }
    }
    Ok(())
}

/// How the samples of a set are spread over the batches of an epoch.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) samples: usize,
    pub(crate) batch_size: usize,
    /// The seed of the order; `None` is the order of the set.
    pub(crate) seed: Option<u64>,
    pub(crate) drop_last: bool,
}

impl Plan {
    pub(crate) fn new(samples: usize) -> Self {
        Self {
            samples,
            batch_size: 32,
            seed: None,
            drop_last: false,
        }
    }

    pub(crate) fn batches(&self) -> usize {
        if self.drop_last {
            self.samples / self.batch_size
        } else {
            self.samples.div_ceil(self.batch_size)
        }
    }

    pub(crate) fn order(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.samples).collect();
        if let Some(seed) = self.seed {
            Random::of(seed, &[epoch]).shuffle(&mut order);
        }
        order
    }

    /// Which part of the order makes up a batch.
    pub(crate) fn range(&self, batch: usize) -> std::ops::Range<usize> {
        let start = batch * self.batch_size;
        start..(start + self.batch_size).min(self.samples)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, IndexOp};

    use super::*;

    /// Ten images of which each is filled with its number, the odd ones of class 1.
    fn ten() -> TensorData {
        let numbers = Tensor::arange(10, (Kind::Float, Device::Cpu));
        let images = numbers.reshape([10, 1, 1, 1]).expand([10, 3, 2, 2], false);
        let labels = Tensor::arange(10, (Kind::Int64, Device::Cpu)).remainder(2);
        TensorData::new(images.contiguous(), labels, ["even", "odd"]).unwrap()
    }

    fn order(set: &TensorData, epoch: u64) -> Vec<usize> {
        set.epoch(epoch)
            .flat_map(|batch| batch.unwrap().indices)
            .collect()
    }

    #[test]
    fn images_labels_and_indices_belong_together() {
        let set = ten().batch_size(4).shuffle(1);
        assert_eq!(set.len(), 3);
        let mut sizes = Vec::new();
        for batch in set.epoch(5) {
            let batch = batch.unwrap();
            sizes.push(batch.images.size()[0]);
            for (row, &index) in batch.indices.iter().enumerate() {
                let row = row as i64;
                assert_eq!(
                    batch.images.i((row, 0, 1, 1)).double_value(&[]),
                    index as f64
                );
                assert_eq!(batch.labels.int64_value(&[row]), index as i64 % 2);
            }
        }
        assert_eq!(sizes, [4, 4, 2]);
    }

    #[test]
    fn an_epoch_has_every_image_once_in_an_order_of_its_own() {
        let set = ten().batch_size(3).shuffle(9);
        let (first, second) = (order(&set, 0), order(&set, 1));
        assert_ne!(first, second);
        assert_eq!(first, order(&set, 0));
        let mut sorted = second;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..10).collect::<Vec<_>>());
        assert_eq!(order(&ten(), 3), sorted);
    }

    #[test]
    fn a_small_last_batch_can_be_left_out() {
        let set = ten().batch_size(4).drop_last();
        assert_eq!((set.len(), order(&set, 0).len()), (2, 8));
        assert_eq!(ten().batch_size(20).drop_last().len(), 0);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let images = || Tensor::zeros([2, 3, 4, 4], (Kind::Float, Device::Cpu));
        let labels = |labels: &[i64]| Tensor::from_slice(labels);
        let message = |images, labels| {
            TensorData::new(images, labels, ["a", "b"])
                .unwrap_err()
                .to_string()
        };
        assert!(message(images(), labels(&[0])).contains("2 images and 1 labels"));
        assert!(message(images(), labels(&[0, 2])).contains("labels must be 0 to 1 for 2 classes"));
        assert!(message(images().i(0), labels(&[0])).contains("Tensor::stack"));
        assert!(message(images().to_kind(Kind::Uint8), labels(&[0, 1])).contains("kind Float"));
        assert!(
            message(images(), Tensor::zeros([2], (Kind::Float, Device::Cpu))).contains("Int64")
        );
    }
}
