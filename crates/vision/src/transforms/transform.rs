//! [`Transform`], [`Compose`], and transforms made of transforms.

use tch::Tensor;

use super::draw::{Draw, ToFloats};
use super::params::happens;
use super::seed::{Rng, Seed};
use super::targets::Sample;
use crate::{Image, VisionError};

/// Something that can be done to a picture, with or without chance.
///
/// A transform does nothing by itself: it draws, from random numbers and the picture's size alone, what is to be
/// done ([`Draw`]). That is why the picture, its masks and its boxes get the same, why it can be written below
/// the picture, and why a seed says all.
pub trait Transform: std::fmt::Debug + Send + Sync {
    /// Adds to the draw what this transform does.
    ///
    /// # Errors
    /// When the transform was told something impossible, or what it does is impossible for the picture's size.
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError>;

    /// What this transform does to a picture of `width` x `height` pixels with this seed.
    ///
    /// # Errors
    /// Those of [`draw_into`](Self::draw_into).
    fn draw(&self, width: u32, height: u32, seed: impl Into<Seed>) -> Result<Draw, VisionError>
    where
        Self: Sized,
    {
        let mut draw = Draw::new((width, height));
        self.draw_into(&mut draw, &mut Rng::new(seed))?;
        Ok(draw)
    }

    /// The transformed picture; the same seed gives the same picture.
    ///
    /// The picture stays 8-bit RGB: what `ToTensor` and `Normalize` say takes effect in
    /// [`tensor`](Self::tensor) and [`write_chw`](Self::write_chw).
    ///
    /// # Errors
    /// Those of [`draw_into`](Self::draw_into).
    fn apply(&self, image: &Image, seed: impl Into<Seed>) -> Result<Image, VisionError>
    where
        Self: Sized,
    {
        self.draw(image.width(), image.height(), seed)?.apply(image)
    }

    /// The transformed picture with all that belongs to it.
    ///
    /// # Errors
    /// Those of [`draw_into`](Self::draw_into), and when a mask has not the picture's size.
    fn apply_to_sample(&self, sample: &Sample, seed: impl Into<Seed>) -> Result<Sample, VisionError>
    where
        Self: Sized,
    {
        let (width, height) = (sample.image.width(), sample.image.height());
        self.draw(width, height, seed)?.sample(sample)
    }

    /// The transformed picture as a tensor `[3, height, width]`, f32, 0-1 or normalised.
    ///
    /// # Errors
    /// Those of [`draw_into`](Self::draw_into).
    fn tensor(&self, image: &Image, seed: impl Into<Seed>) -> Result<Tensor, VisionError>
    where
        Self: Sized,
    {
        self.draw(image.width(), image.height(), seed)?
            .tensor(image)
    }

    /// Writes the transformed picture into `out` as floats, `[3, height, width]`, 0-1 or normalised: its place
    /// in a batch, for example.
    ///
    /// # Errors
    /// Those of [`draw_into`](Self::draw_into), and when the result is not as long as `out`.
    fn write_chw(
        &self,
        image: &Image,
        seed: impl Into<Seed>,
        out: &mut [f32],
    ) -> Result<(), VisionError>
    where
        Self: Sized,
    {
        let draw = self.draw(image.width(), image.height(), seed)?;
        draw.write_chw(image, out)
    }
}

impl<T: Transform + ?Sized> Transform for Box<T> {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        (**self).draw_into(draw, rng)
    }
}

impl<T: Transform + ?Sized> Transform for &T {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        (**self).draw_into(draw, rng)
    }
}

/// A [`Compose`] of the transforms given, one after the other.
///
/// ```
/// use vision::transforms::*;
/// use vision::{Image, compose};
///
/// let aug = compose![
///     RandomResizedCrop::new(128),
///     RandomHorizontalFlip::default(),
///     ColorJitter::new(0.4, 0.4, 0.4, 0.1),
///     Normalize::imagenet(),
/// ];
/// let photo = Image::filled(320, 240, [200, 120, 40])?;
/// let small = aug.apply(&photo, 7)?; // a picture, to look at
/// assert_eq!((small.width(), small.height()), (128, 128));
/// let tensor = aug.tensor(&photo, 7)?; // the same one for the network
/// assert_eq!(tensor.size(), [3, 128, 128]);
/// # Ok::<(), vision::VisionError>(())
/// ```
#[macro_export]
macro_rules! compose {
    ($($transform:expr),* $(,)?) => {
        $crate::transforms::Compose::new(vec![
            $(Box::new($transform) as Box<dyn $crate::transforms::Transform>),*
        ])
    };
}

/// Transforms one after the other; most easily written with [`compose!`](crate::compose).
///
/// Each has a stream of random numbers of its own, so one added at the end changes nothing before it.
#[derive(Debug, Default)]
pub struct Compose {
    transforms: Vec<Box<dyn Transform>>,
}

impl Compose {
    /// These transforms, one after the other.
    pub fn new(transforms: Vec<Box<dyn Transform>>) -> Self {
        Self { transforms }
    }

    /// The same with one more at the end.
    #[must_use]
    pub fn then(mut self, transform: impl Transform + 'static) -> Self {
        self.transforms.push(Box::new(transform));
        self
    }
}

impl Transform for Compose {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        for transform in &self.transforms {
            let seed = rng.seed();
            transform.draw_into(draw, &mut Rng::new(seed))?;
        }
        Ok(())
    }
}

/// All of its transforms with probability `p`, or none.
#[derive(Debug)]
pub struct RandomApply {
    transforms: Compose,
    p: f64,
}

impl RandomApply {
    /// These transforms, for half of the pictures.
    pub fn new(transforms: Compose) -> Self {
        Self { transforms, p: 0.5 }
    }

    /// The probability, 0-1.
    #[must_use]
    pub fn p(mut self, p: f64) -> Self {
        self.p = p;
        self
    }
}

impl Transform for RandomApply {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        if happens(self.p, rng)? {
            self.transforms.draw_into(draw, rng)?;
        }
        Ok(())
    }
}

/// One of its transforms.
#[derive(Debug)]
pub struct RandomChoice {
    transforms: Vec<Box<dyn Transform>>,
    weights: Vec<f64>,
}

impl RandomChoice {
    /// One of these, all equally likely.
    pub fn new(Compose { transforms }: Compose) -> Self {
        Self {
            weights: vec![1.0; transforms.len()],
            transforms,
        }
    }

    /// How likely each one is beside the others.
    #[must_use]
    pub fn probabilities(mut self, weights: &[f64]) -> Self {
        self.weights = weights.to_vec();
        self
    }
}

impl Transform for RandomChoice {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let sum: f64 = self.weights.iter().sum();
        let sound = self.weights.iter().all(|&weight| weight >= 0.0) && sum > 0.0;
        if self.weights.len() != self.transforms.len() || !sound {
            return Err(VisionError::Argument(format!(
                "RandomChoice takes a probability for each of its {} transforms, at least one above 0, got {:?}",
                self.transforms.len(),
                self.weights
            )));
        }
        let mut place = rng.uniform(0.0, sum);
        let mut chosen = None;
        for (transform, &weight) in self.transforms.iter().zip(&self.weights) {
            // The last one of any weight also gets what rounding leaves.
            if weight > 0.0 && place >= 0.0 {
                chosen = Some(transform);
            }
            place -= weight;
        }
        chosen.map_or(Ok(()), |transform| transform.draw_into(draw, rng))
    }
}

/// All of its transforms in random order.
#[derive(Debug)]
pub struct RandomOrder {
    transforms: Vec<Box<dyn Transform>>,
}

impl RandomOrder {
    /// These transforms.
    pub fn new(Compose { transforms }: Compose) -> Self {
        Self { transforms }
    }
}

impl Transform for RandomOrder {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        for index in shuffled(self.transforms.len(), rng) {
            self.transforms[index].draw_into(draw, rng)?;
        }
        Ok(())
    }
}

/// The numbers below `count` in random order (Fisher and Yates).
pub(crate) fn shuffled(count: usize, rng: &mut Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, rng.below(last as u64 + 1) as usize);
    }
    order
}

/// Bytes become floats, 0-255 becomes 0-1. [`Transform::tensor`] does so anyway; torchvision's pipelines say it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToTensor;

impl Transform for ToTensor {
    fn draw_into(&self, draw: &mut Draw, _: &mut Rng) -> Result<(), VisionError> {
        draw.set_to_floats(|_| ());
        Ok(())
    }
}

/// Bytes become floats; with `scale` 0-255 becomes 0-1, without it stays.
#[derive(Clone, Copy, Debug)]
pub struct ToDtype {
    /// Whether the values become 0-1.
    pub scale: bool,
}

impl Transform for ToDtype {
    fn draw_into(&self, draw: &mut Draw, _: &mut Rng) -> Result<(), VisionError> {
        let scale = if self.scale { 1.0 / 255.0 } else { 1.0 };
        draw.set_to_floats(|floats| floats.scale = scale);
        Ok(())
    }
}

/// Subtracts a mean from each channel and divides by a standard deviation, after 0-255 became 0-1 (see
/// [`ToDtype`] for keeping 0-255).
#[derive(Clone, Copy, Debug)]
pub struct Normalize {
    mean: [f32; 3],
    std: [f32; 3],
}

impl Normalize {
    /// With the means and the standard deviations of red, green and blue, each for values 0-1.
    pub fn new(mean: [f32; 3], std: [f32; 3]) -> Self {
        Self { mean, std }
    }

    /// With the numbers of ImageNet, which networks pre-trained on it expect.
    pub fn imagenet() -> Self {
        Self::new([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    }
}

impl Transform for Normalize {
    fn draw_into(&self, draw: &mut Draw, _: &mut Rng) -> Result<(), VisionError> {
        if !self.std.iter().all(|&std| std > 0.0) {
            return Err(VisionError::Argument(format!(
                "Normalize divides by the standard deviations, which must be above 0, got {:?}",
                self.std
            )));
        }
        draw.set_to_floats(|floats| {
            *floats = ToFloats {
                mean: self.mean,
                std: self.std,
                ..*floats
            };
        });
        Ok(())
    }
}
