//! Batches from pictures on disk: decoded, changed and collated on all cores.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tch::{Device, Kind, Tensor};
use vision::transforms::{Normalize, Transform as _};
use vision::{Image, VisionError};

use super::Samples;
use super::epoch::Epoch;
use crate::batch::Plan;
use crate::{Batch, Batches, DataError, Random};

/// What happens to a picture before it becomes part of a batch: it is given the picture and a seed of its own.
type Change = dyn Fn(&Image, u64) -> Result<Image, VisionError> + Send + Sync;

/// What to do when a picture cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Broken {
    /// The batch is an error that names the picture.
    #[default]
    Fail,
    /// It is left out, told once, and listed in [`Loader::broken`].
    Skip,
}

/// Reads pictures in batches, ahead of what asks for them.
///
/// Which pictures a batch has, in which order, and what the transform does to each hang on the seed and the
/// epoch alone, not on how many threads there are. At most [`prefetch`](Self::prefetch) batches wait in memory.
///
/// ```no_run
/// # use data::{Batches, Loader, Samples};
/// let train = Loader::new(Samples::image_folder("scenes/train")?, 64).batch_size(32).shuffle(1);
/// for batch in train.epoch(0) {
///     let batch = batch?; // images [32, 3, 64, 64], 0 to 1
/// }
/// # Ok::<(), data::DataError>(())
/// ```
pub struct Loader {
    pub(super) work: Arc<Work>,
    pub(super) plan: Plan,
    order: Order,
    pub(super) workers: usize,
    pub(super) prefetch: usize,
}

/// Which pictures an epoch has.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    Plan,
    /// As many as there are, drawn so that every class is as likely as any other.
    Balanced(u64),
}

/// What the threads of an epoch share.
pub(super) struct Work {
    samples: Samples,
    /// Width and height of the pictures in a batch.
    side: u32,
    seed: u64,
    change: Option<Box<Change>>,
    /// How bytes become floats.
    floats: Normalize,
    on_broken: Broken,
    broken: Mutex<BTreeMap<usize, String>>,
}

impl Loader {
    /// A loader whose batches hold pictures of `side` x `side` pixels, in the order of the list, 32 at a time,
    /// 0 to 1. Pictures of other sizes are resized as a whole, whatever their shape.
    pub fn new(samples: Samples, side: u32) -> Self {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        Self {
            plan: Plan::new(samples.len()),
            work: Arc::new(Work {
                samples,
                side: side.max(1),
                seed: 0,
                change: None,
                floats: Normalize::new([0.0; 3], [1.0; 3]),
                on_broken: Broken::default(),
                broken: Mutex::default(),
            }),
            order: Order::Plan,
            workers: cores,
            prefetch: 2 * cores,
        }
    }

    /// How many pictures come together; at least 1.
    pub fn batch_size(mut self, size: usize) -> Self {
        self.plan.batch_size = size.max(1);
        self
    }

    /// Puts the pictures into an order of its own each epoch. The seed also decides what the transform does.
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.plan.seed = Some(seed);
        self.order = Order::Plan;
        self.with(|work| work.seed = seed)
    }

    /// Draws the pictures of an epoch, with repetition, so that rare classes come as often as the others.
    pub fn balanced(mut self, seed: u64) -> Self {
        self.order = Order::Balanced(seed);
        self.with(|work| work.seed = seed)
    }

    /// Leaves out the last batch of an epoch when it is smaller than the others.
    pub fn drop_last(mut self) -> Self {
        self.plan.drop_last = true;
        self
    }

    /// What is done to each picture, before it is resized if it has not the right size yet. It is given a seed
    /// that is another for every picture and epoch.
    pub fn transform(
        self,
        change: impl Fn(&Image, u64) -> Result<Image, VisionError> + Send + Sync + 'static,
    ) -> Self {
        self.with(|work| work.change = Some(Box::new(change)))
    }

    /// Subtracts a mean from each channel (0-1) and divides by a standard deviation, which must be above 0.
    pub fn normalize(self, mean: [f32; 3], std: [f32; 3]) -> Self {
        self.with(|work| work.floats = Normalize::new(mean, std))
    }

    /// What to do when a picture cannot be read.
    pub fn on_broken(self, on_broken: Broken) -> Self {
        self.with(|work| work.on_broken = on_broken)
    }

    /// How many threads decode; at least 1. All cores unless told otherwise.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How many batches may wait; at least 1.
    pub fn prefetch(mut self, batches: usize) -> Self {
        self.prefetch = batches.max(1);
        self
    }

    /// The pictures.
    pub fn samples(&self) -> &Samples {
        &self.work.samples
    }

    /// The pictures that have been left out so far, with the reasons.
    pub fn broken(&self) -> Vec<(String, String)> {
        let broken = self
            .work
            .broken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        broken
            .iter()
            .map(|(&index, reason)| (self.work.samples.name(index), reason.clone()))
            .collect()
    }

    /// Changes a setting; nothing else holds the work while a loader is built.
    fn with<T>(mut self, change: impl FnOnce(&mut Work) -> T) -> Self {
        if let Some(work) = Arc::get_mut(&mut self.work) {
            change(work);
        }
        self
    }

    pub(super) fn order(&self, epoch: u64) -> Vec<usize> {
        let Order::Balanced(seed) = self.order else {
            return self.plan.order(epoch);
        };
        let samples = &self.work.samples;
        let mut by_class = vec![Vec::new(); samples.classes().len()];
        for index in 0..samples.len() {
            by_class[samples.label(index)].push(index);
        }
        by_class.retain(|indices| !indices.is_empty());
        let mut random = Random::of(seed, &[epoch]);
        (0..samples.len())
            .map(|_| {
                let class = &by_class[random.below(by_class.len())];
                class[random.below(class.len())]
            })
            .collect()
    }
}

impl Batches for Loader {
    fn classes(&self) -> &[String] {
        self.work.samples.classes()
    }

    fn len(&self) -> usize {
        self.plan.batches()
    }

    fn epoch(&self, epoch: u64) -> Box<dyn Iterator<Item = Result<Batch, DataError>> + '_> {
        Box::new(Epoch::start(self, epoch))
    }
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = self.work.side;
        write!(
            f,
            "{:?}, {} batches of {}, {side}x{side}",
            self.work.samples,
            self.len(),
            self.plan.batch_size
        )
    }
}

impl Work {
    /// Decodes and collates the pictures of a batch. `values` is memory that is used again.
    pub(super) fn collate(
        &self,
        epoch: u64,
        indices: &[usize],
        stop: &AtomicBool,
        values: &mut Vec<f32>,
    ) -> Result<Batch, DataError> {
        let (side, length) = (i64::from(self.side), 3 * (self.side as usize).pow(2));
        values.resize(indices.len() * length, 0.0);
        let (mut labels, mut kept) = (Vec::new(), Vec::new());
        for &index in indices {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let image = match self.picture(epoch, index) {
                Ok(image) => image,
                Err(error) if self.on_broken == Broken::Skip => {
                    self.leave_out(index, &error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let place = &mut values[kept.len() * length..][..length];
            self.floats.write_chw(&image, 0, place)?;
            labels.push(self.samples.label(index) as i64);
            kept.push(index);
        }
        let images = tensor(&values[..kept.len() * length]);
        Ok(Batch {
            images: images.view([kept.len() as i64, 3, side, side]),
            labels: Tensor::from_slice(&labels),
            indices: kept,
        })
    }

    fn picture(&self, epoch: u64, index: usize) -> Result<Image, DataError> {
        let mut image = self.samples.read(index)?;
        if let Some(change) = &self.change {
            let seed = Random::of(self.seed, &[epoch, index as u64]).bits();
            image = change(&image, seed)?;
        }
        if (image.width(), image.height()) != (self.side, self.side) {
            image = image.resize(self.side, self.side)?;
        }
        Ok(image)
    }

    fn leave_out(&self, index: usize, error: &DataError) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if broken.insert(index, error.to_string()).is_none() {
            eprintln!("left out: {error}");
        }
    }
}

/// How many values torch treats with one thread for certain: its limit, `at::internal::GRAIN_SIZE`, is 32,768.
const PIECE: usize = 16_384;

/// These values as a tensor `[N]`, copied in small pieces. For a larger one torch calls threads of its own, which
/// afterwards wait for more at full speed, on the cores that decode.
fn tensor(values: &[f32]) -> Tensor {
    let tensor = Tensor::empty([values.len() as i64], (Kind::Float, Device::Cpu));
    for (number, piece) in values.chunks(PIECE).enumerate() {
        let start = (number * PIECE) as i64;
        let mut place = tensor.narrow(0, start, piece.len() as i64);
        place.copy_(&Tensor::from_slice(piece));
    }
    tensor
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::samples::tests::plant;
    use super::*;

    /// Thirteen pictures, each red as ten times its number.
    fn samples(root: &std::path::Path) -> Samples {
        let names: Vec<String> = (0..13)
            .map(|index| format!("{}/{index:02}.png", if index < 10 { "a" } else { "b" }))
            .collect();
        plant(root, &names.iter().map(String::as_str).collect::<Vec<_>>());
        Samples::image_folder(root).unwrap()
    }

    fn seen(loader: &Loader, epoch: u64) -> Vec<(usize, i64, i64)> {
        let mut seen = Vec::new();
        for batch in loader.epoch(epoch) {
            let batch = batch.unwrap();
            assert_eq!(batch.images.size()[1..], [3, 4, 4]);
            for (row, &index) in batch.indices.iter().enumerate() {
                let red = batch.images.double_value(&[row as i64, 0, 2, 2]) * 255.0;
                seen.push((
                    index,
                    red.round() as i64,
                    batch.labels.int64_value(&[row as i64]),
                ));
            }
        }
        seen
    }

    #[test]
    fn batches_hold_each_picture_once_with_its_pixels_and_label() {
        let folder = tempfile::tempdir().unwrap();
        let loader = Loader::new(samples(folder.path()), 4)
            .batch_size(5)
            .shuffle(2);
        let mut seen = seen(&loader, 0);
        assert_ne!(
            seen.iter().map(|s| s.0).collect::<Vec<_>>(),
            (0..13).collect::<Vec<_>>()
        );
        seen.sort_unstable();
        let expected: Vec<_> = (0..13)
            .map(|index| (index, index as i64 * 10, i64::from(index >= 10)))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_order_and_the_transform_do_not_hang_on_the_threads() {
        let folder = tempfile::tempdir().unwrap();
        let samples = samples(folder.path());
        let make = |workers: usize, prefetch: usize| {
            Loader::new(samples.clone(), 4)
                .batch_size(2)
                .shuffle(7)
                .workers(workers)
                .prefetch(prefetch)
                .transform(|image, seed| {
                    Image::filled(4, 4, [image.pixel(0, 0)[0] / 2 + (seed % 100) as u8, 0, 0])
                })
        };
        let one = seen(&make(1, 1), 3);
        for (workers, prefetch) in [(2, 1), (4, 3), (16, 40)] {
            assert_eq!(seen(&make(workers, prefetch), 3), one);
        }
        assert_ne!(seen(&make(2, 2), 4), one);
    }

    #[test]
    fn broken_pictures_are_named_counted_and_skipped_or_fatal() {
        let folder = tempfile::tempdir().unwrap();
        let samples = samples(folder.path());
        fs::write(folder.path().join("a/03.png"), b"broken").unwrap();
        let strict = Loader::new(samples.clone(), 4).batch_size(2);
        let errors: Vec<String> = strict
            .epoch(0)
            .filter_map(|batch| Some(batch.err()?.to_string()))
            .collect();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].contains("a/03.png: not an image"), "{errors:?}");

        let lenient = Loader::new(samples, 4)
            .batch_size(2)
            .on_broken(Broken::Skip);
        assert_eq!((seen(&lenient, 0).len(), seen(&lenient, 1).len()), (12, 12));
        let broken = lenient.broken();
        assert!(
            broken.len() == 1 && broken[0].0.ends_with("a/03.png"),
            "{broken:?}"
        );
    }

    #[test]
    fn an_epoch_can_be_left_in_the_middle() {
        let folder = tempfile::tempdir().unwrap();
        let loader = Loader::new(samples(folder.path()), 4)
            .batch_size(1)
            .prefetch(1)
            .workers(3);
        for _ in 0..20 {
            assert_eq!(loader.epoch(0).take(2).count(), 2);
        }
    }

    #[test]
    fn a_transform_that_panics_ends_the_epoch_with_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let loader = Loader::new(samples(folder.path()), 4)
            .batch_size(4)
            .workers(1)
            .transform(|_, _| panic!("mine"));
        let batches: Vec<_> = loader.epoch(0).collect();
        assert!(
            batches.len() == 1
                && batches[0]
                    .as_ref()
                    .unwrap_err()
                    .to_string()
                    .contains("panicked")
        );
    }

    #[test]
    fn a_panic_in_an_early_picture_is_told_while_other_threads_wait_for_their_turn() {
        let folder = tempfile::tempdir().unwrap();
        let loader = Loader::new(samples(folder.path()), 4)
            .batch_size(1)
            .workers(2)
            .prefetch(2)
            .transform(|image, _| match image.pixel(0, 0)[0] {
                0 => panic!("mine"),
                red => Image::filled(4, 4, [red, 0, 0]),
            });
        // In a thread of its own: an epoch that hangs fails the test instead of stopping all of them.
        let (sender, received) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let errors: Vec<_> = loader
                .epoch(0)
                .map(|batch| batch.err().map(|error| error.to_string()))
                .collect();
            let _ = sender.send(errors);
        });
        let errors = received.recv_timeout(std::time::Duration::from_secs(60));
        let errors = errors.expect("the epoch ends");
        assert!(
            errors.len() == 1 && errors[0].as_ref().unwrap().contains("panicked"),
            "{errors:?}"
        );
    }

    #[test]
    fn rare_classes_come_as_often_and_values_are_normalised() {
        let folder = tempfile::tempdir().unwrap();
        let loader = Loader::new(samples(folder.path()), 4)
            .balanced(1)
            .normalize([0.5; 3], [0.25; 3]);
        let rare: usize = (0..40)
            .map(|epoch| {
                loader
                    .order(epoch)
                    .iter()
                    .filter(|&&index| index >= 10)
                    .count()
            })
            .sum();
        assert!((200..320).contains(&rare), "{rare} of 520");
        let batch = loader.epoch(0).next().unwrap().unwrap();
        assert_eq!(batch.images.double_value(&[0, 1, 0, 0]), -2.0);
        let flat = loader.normalize([0.5; 3], [0.0; 3]);
        let error = flat.epoch(0).next().unwrap().unwrap_err().to_string();
        assert!(error.contains("must be above 0"), "{error}");
    }

    #[test]
    fn a_tensor_made_in_pieces_holds_every_value_in_its_place() {
        for length in [0, 1, PIECE, 2 * PIECE + 5] {
            let values: Vec<f32> = (0..length).map(|value| value as f32).collect();
            let made = Vec::<f32>::try_from(tensor(&values)).unwrap();
            assert_eq!(made, values);
        }
    }
}
