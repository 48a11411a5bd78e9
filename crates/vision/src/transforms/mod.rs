//! Augmentation: what is done to pictures by chance, so that a network sees more of them than there are.
//!
//! Names and defaults are those of `torchvision.transforms.v2`.
//!
//! ```
//! use vision::transforms::*;
//! use vision::{Image, compose};
//!
//! let aug = compose![
//!     RandomResizedCrop::new(128),
//!     RandomHorizontalFlip::default(),
//!     RandomApply::new(compose![RandomRotation::new(15)]).p(0.3),
//!     ColorJitter::new(0.4, 0.4, 0.4, 0.1),
//!     RandomErasing::new(0.25),
//!     Normalize::imagenet(),
//! ];
//! # let photo = Image::filled(300, 200, [90, 120, 30])?;
//! let seed = Seed::new(42); // the same seed, the same picture, on any machine and any number of threads
//! let picture = aug.apply(&photo, seed)?; // 8-bit RGB, to look at
//! let grid = demo(&aug, &photo)?; // twelve of them, with what was drawn below each
//! let draw = aug.draw(photo.width(), photo.height(), seed)?;
//! println!("{draw}"); // "159x142 at (90, 33) to 128x128, saturation 0.85, ..."
//!
//! // For training: floats, straight into their place in a batch. Any thread may do any picture.
//! let mut batch = vec![0.0f32; 32 * 3 * 128 * 128];
//! for (index, place) in batch.chunks_exact_mut(3 * 128 * 128).enumerate().take(2) {
//!     aug.write_chw(&photo, seed.at(index as u64), place)?;
//! }
//! # Ok::<(), vision::VisionError>(())
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `transform` | [`Transform`], [`Compose`], choices, [`Normalize`] |
//! | `draw` | [`Draw`]: what was drawn, done to pictures, boxes, masks, key points; written out for captions |
//! | `seed`, `params` | random numbers that are the same everywhere; what transforms are told |
//! | `crop`, `warp` | pixels that move |
//! | `colour`, `filter` | pixels that change |
//! | `policies`, `operation` | RandAugment, TrivialAugment, AutoAugment, AugMix |
//! | `batch` | [`MixUp`] and [`CutMix`] |
//! | `targets` | [`Sample`]: a picture with [`BoundingBox`], [`Mask`], [`KeyPoint`] |
//! | `demo` | [`demo`]: draws in a grid |
//! | `moves`, `kernels` | the work on pixels |
//!
//! A transform first draws, then does: [`Transform::draw_into`] adds steps with fixed numbers to a [`Draw`], from
//! random numbers and the picture's size alone. Pictures stay 8-bit RGB up to the last step, which writes floats.

mod batch;
mod colour;
mod crop;
mod demo;
mod draw;
mod filter;
#[cfg(test)]
mod golden;
mod kernels;
mod moves;
mod operation;
mod params;
mod policies;
#[cfg(test)]
mod properties;
mod seed;
mod targets;
mod transform;
mod warp;

pub use crate::{Interpolation, Padding};
pub use batch::{CutMix, MixUp, MixedBatch};
pub use colour::{
    ColorJitter, Grayscale, RandomAdjustSharpness, RandomAutocontrast, RandomEqualize,
    RandomGrayscale, RandomInvert, RandomPosterize, RandomSolarize,
};
pub use crop::{
    CenterCrop, Pad, RandomCrop, RandomHorizontalFlip, RandomResizedCrop, RandomVerticalFlip,
    Resize,
};
pub use demo::{demo, demo_seeded};
pub use draw::Draw;
pub use filter::{GaussianBlur, GaussianNoise, Jpeg, Lambda, RandomErasing};
pub use params::{Sides, Span};
pub use policies::{AugMix, AutoAugment, AutoAugmentPolicy, RandAugment, TrivialAugmentWide};
pub use seed::{Rng, Seed};
pub use targets::{BoundingBox, KeyPoint, Mask, Sample};
pub use transform::{
    Compose, Normalize, RandomApply, RandomChoice, RandomOrder, ToDtype, ToTensor, Transform,
};
pub use warp::{ElasticTransform, RandomAffine, RandomPerspective, RandomRotation};
