//! Data sets: generated, found, loaded, looked after.
//!
//! - [`batch`]: [`Batch`] and [`Batches`], what training takes; [`TensorData`], a set that lies in memory
//! - [`random`]: [`Random`], numbers that are the same for a seed on any machine
//! - [`error`]: everything that can go wrong, said for a learner

pub mod batch;
pub mod error;
mod paint;
pub mod random;
pub mod scenes;

pub use batch::{Batch, Batches, TensorData};
pub use error::DataError;
pub use random::Random;

/// One generated picture of a class.
pub fn preview(class: &str, seed: u64, index: u64) -> Option<image::RgbImage> {
    let at = scenes::SCENES.iter().position(|name| *name == class)?;
    Some(scenes::paint(
        at,
        &mut Random::of(seed, &[at as u64, index]),
    ))
}
