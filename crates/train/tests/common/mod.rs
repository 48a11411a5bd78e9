//! Pictures that a small network learns in seconds.

#![allow(dead_code)] // each test file uses its part

use data::TensorData;
use tch::{Device, Kind, Tensor};

pub(crate) const CLASSES: [&str; 4] = ["flat", "upright", "rising", "falling"];

/// Stripes in four directions, of random width and place, under noise: `count` images `[3, 16, 16]` about 0.
pub(crate) fn stripes(count: usize, seed: u64) -> TensorData {
    let mut random = data::Random::new(seed);
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let class = random.below(CLASSES.len());
        let (x_step, y_step) = [(0.0, 1.0), (1.0, 0.0), (0.7, 0.7), (0.7, -0.7)][class];
        let (width, start) = (random.range(0.8, 1.6), random.range(0.0, 6.0));
        for channel in 0..3 {
            for y in 0..16 {
                for x in 0..16 {
                    let along = x_step * x as f32 + y_step * y as f32;
                    let wave = (along * width + start + channel as f32 * 0.3).sin();
                    pixels.push(wave + 0.3 * random.normal());
                }
            }
        }
        labels.push(class as i64);
    }
    let images = Tensor::from_slice(&pixels).view([count as i64, 3, 16, 16]);
    TensorData::new(images, Tensor::from_slice(&labels), CLASSES).unwrap()
}

/// The same images with their labels at random: nothing to be learnt but by heart.
pub(crate) fn nonsense(count: usize, seed: u64) -> TensorData {
    let set = stripes(count, seed);
    let labels = Tensor::randint(4, [count as i64], (Kind::Int64, Device::Cpu));
    TensorData::new(set.images().copy(), labels, CLASSES).unwrap()
}

/// Random numbers come from one generator for the whole process: tests that draw any take turns.
pub(crate) fn alone() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
