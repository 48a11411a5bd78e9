//! Random values for every pixel.

use std::sync::OnceLock;

use super::blur::{blur_field, gaussian};
use super::buffer::Buffer;
use super::vectorised;
use crate::transforms::seed::{Rng, Seed, mix};

/// Into how many equally likely parts the normal distribution is cut.
const PARTS: usize = 4096;

/// The middle of each part.
fn quantiles() -> &'static [f32; PARTS] {
    static TABLE: OnceLock<Box<[f32; PARTS]>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Box::new([0.0; PARTS]);
        let mut x = 0.0f64;
        for part in PARTS / 2..PARTS {
            // Newton's method from the part before: the distribution function is smooth and rising.
            let p = (part as f64 + 0.5) / PARTS as f64;
            for _ in 0..20 {
                let above = 0.5 * libm::erfc(x / std::f64::consts::SQRT_2);
                let density = libm::exp(-0.5 * x * x) / std::f64::consts::TAU.sqrt();
                x += (above - (1.0 - p)) / density;
            }
            table[part] = x as f32;
            table[PARTS - 1 - part] = -x as f32;
        }
        table
    })
}

/// Adds normal noise of this mean and standard deviation, in 0-255, to every colour of every pixel. Values
/// beyond 0-255 are clipped, or start again at the other end.
pub(crate) fn add_noise(image: &mut Buffer, mean: f32, sigma: f32, clip: bool, seed: Seed) {
    let table = quantiles();
    for (index, values) in (0u64..).zip(image.bytes.chunks_mut(4)) {
        let bits = mix(mix(seed.number()).wrapping_add(index));
        for (part, value) in values.iter_mut().enumerate() {
            let quantile = table[(bits >> (16 * part)) as usize % PARTS];
            // As torchvision does, the noise loses its fraction before it is added.
            let noise = (mean + sigma * quantile) as i32;
            let sum = i32::from(*value) + noise;
            *value = if clip { sum.clamp(0, 255) } else { sum & 255 } as u8;
        }
    }
}

/// Numbers in -1 to 1, one a pixel, blurred with a Gaussian of `sigma` pixels, times `scale`.
pub(crate) fn smooth_field(
    size: (usize, usize),
    sigma: f64,
    scale: f32,
    rng: &mut Rng,
) -> Vec<f32> {
    let (width, height) = size;
    let key = mix(rng.bits());
    let unit = |bits: u64| ((bits >> 40) as f32) * (2.0 / (1u64 << 24) as f32) - 1.0;
    let mut field = vec![0.0; width * height];
    vectorised(
        #[inline(always)]
        || {
            for (index, value) in field.iter_mut().enumerate() {
                *value = unit(mix(key.wrapping_add(index as u64)));
            }
        },
    );
    if sigma > 0.0 {
        let kernel_size = (8.0 * sigma + 1.0) as u32 | 1;
        blur_field(&mut field, width, &gaussian(kernel_size, sigma));
    }
    for value in &mut field {
        *value *= scale;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        // statistics.NormalDist().inv_cdf((part + 0.5) / 4096)
        for (part, expected) in [(2048, 0.000_306), (3000, 0.620_525), (4095, 3.668_329)] {
            assert!(
                (quantiles()[part] - expected).abs() < 1e-4,
                "{}",
                quantiles()[part]
            );
        }
        assert_eq!(quantiles()[0], -quantiles()[4095]);
    }
}
