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
pub mod sealife;

pub use batch::{Batch, Batches, TensorData};
pub use error::DataError;
pub use random::Random;

/// One generated picture of a class.
pub fn preview(class: &str, seed: u64, index: u64) -> Option<image::RgbImage> {
    let find = |classes: &[&str]| classes.iter().position(|name| *name == class);
    let random = |set: u64, at: usize| Random::of(seed, &[set, at as u64, index]);
    if let Some(at) = find(&scenes::SCENES) {
        return Some(scenes::paint(at, &mut random(0, at)));
    }
    if let Some(at) = find(&sealife::SEA_ANIMALS) {
        return Some(sealife::paint_animal(at, &mut random(1, at)));
    }
    find(&sealife::SOURCE).map(|at| sealife::paint_source(at, &mut random(2, at)))
}
