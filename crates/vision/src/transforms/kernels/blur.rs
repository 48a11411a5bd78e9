//! Gaussian blur, in fixed point for pixels and in floats for fields.

use super::buffer::{Buffer, Pixels};
use super::{SHARE_BITS, fraction, share, vectorised};
use crate::ops::border;

/// The weights of a Gaussian of standard deviation `sigma` pixels from its middle outwards; all `2 n - 1` of
/// them add up to 1.
pub(crate) fn gaussian(kernel_size: u32, sigma: f64) -> Vec<f64> {
    let half = |distance: u32| {
        let distance = f64::from(distance) / sigma;
        libm::exp(-0.5 * distance * distance)
    };
    let weights: Vec<f64> = (0..=kernel_size / 2).map(half).collect();
    let sum: f64 = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Blurs with the weights `across` the columns and `down` the rows; the picture is mirrored at its sides.
pub(crate) fn blur(from: Pixels<'_>, across: &[f64], down: &[f64], to: &mut Buffer) {
    to.reshape(from.width, from.height);
    let fixed = |weights: &[f64]| weights.iter().copied().map(fraction).collect::<Vec<u16>>();
    let [across, down] = [across, down].map(fixed);
    let stride = from.width * 3;
    let margin = (across.len() - 1) * 3;
    // One row, blurred downwards, with the margins that blurring across needs.
    let mut middle = vec![0u16; stride + 2 * margin];
    let mut sums = vec![0u16; stride];
    let mirrored = |place: i64, length: usize| border::reflect(place, length as u32);
    for (y, out) in to.bytes.chunks_exact_mut(stride).enumerate() {
        let row = |offset: i64| from.row(mirrored(y as i64 + offset, from.height));
        let inner = &mut middle[margin..margin + stride];
        vectorised(
            #[inline(always)]
            || centre_of_bytes(row(0), down[0], inner),
        );
        for (distance, &weight) in (1..).zip(&down[1..]) {
            vectorised(
                #[inline(always)]
                || add_bytes(row(-distance), row(distance), weight, inner),
            );
        }
        for x in (0..across.len() - 1).map(|x| x as i64 + 1) {
            for channel in 0..3 {
                let at = |x: i64| margin + mirrored(x, from.width) * 3 + channel;
                middle[margin - x as usize * 3 + channel] = middle[at(-x)];
                let right = from.width as i64 - 1 + x;
                middle[margin + right as usize * 3 + channel] = middle[at(right)];
            }
        }
        vectorised(
            #[inline(always)]
            || blur_row(&middle, &across, &mut sums, out),
        );
    }
}

#[inline(always)]
fn centre_of_bytes(row: &[u8], weight: u16, sums: &mut [u16]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum = share(u16::from(*value) << SHARE_BITS, weight);
    }
}

#[inline(always)]
fn add_bytes(above: &[u8], below: &[u8], weight: u16, sums: &mut [u16]) {
    for ((sum, above), below) in sums.iter_mut().zip(above).zip(below) {
        let both = (u16::from(*above) + u16::from(*below)) << SHARE_BITS;
        *sum += share(both, weight);
    }
}

#[inline(always)]
fn blur_row(middle: &[u16], weights: &[u16], sums: &mut [u16], out: &mut [u8]) {
    let margin = (weights.len() - 1) * 3;
    for (sum, value) in sums.iter_mut().zip(&middle[margin..]) {
        *sum = share(*value, weights[0]);
    }
    for (distance, &weight) in weights.iter().enumerate().skip(1) {
        let left = &middle[margin - distance * 3..];
        let right = &middle[margin + distance * 3..];
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += share(*left + *right, weight);
        }
    }
    // Every share has lost half a unit on average, in this pass and the other.
    let lost = weights.len() as u16;
    let half = (1 << (SHARE_BITS - 1)) + lost;
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = ((*sum + half) >> SHARE_BITS).min(255) as u8;
    }
}

/// Blurs a field of floats, `width` a row, mirrored at its sides, the same way in both directions.
pub(crate) fn blur_field(field: &mut [f32], width: usize, weights: &[f64]) {
    let weights: Vec<f32> = weights.iter().map(|&weight| weight as f32).collect();
    let height = field.len() / width;
    let margin = weights.len() - 1;
    let mirrored =
        |place: usize, length: usize| border::reflect(place as i64 - margin as i64, length as u32);
    let mut downwards = vec![0.0; field.len()];
    for (y, sums) in downwards.chunks_exact_mut(width).enumerate() {
        let row = |offset: usize| {
            let start = mirrored(y + offset, height) * width;
            &field[start..start + width]
        };
        let (middle, pairs) = (row(margin), 1..weights.len());
        vectorised(
            #[inline(always)]
            || weigh(middle, weights[0], sums),
        );
        for distance in pairs {
            let (above, below) = (row(margin - distance), row(margin + distance));
            vectorised(
                #[inline(always)]
                || add_weighed(above, below, weights[distance], sums),
            );
        }
    }
    let mut padded = vec![0.0; width + 2 * margin];
    let rows = downwards
        .chunks_exact(width)
        .zip(field.chunks_exact_mut(width));
    for (row, sums) in rows {
        for (x, value) in padded.iter_mut().enumerate() {
            *value = row[mirrored(x, width)];
        }
        vectorised(
            #[inline(always)]
            || weigh(&padded[margin..], weights[0], sums),
        );
        for (distance, &weight) in weights.iter().enumerate().skip(1) {
            let (left, right) = (&padded[margin - distance..], &padded[margin + distance..]);
            vectorised(
                #[inline(always)]
                || add_weighed(left, right, weight, sums),
            );
        }
    }
}

#[inline(always)]
fn weigh(row: &[f32], weight: f32, sums: &mut [f32]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum = value * weight;
    }
}

#[inline(always)]
fn add_weighed(one: &[f32], other: &[f32], weight: f32, sums: &mut [f32]) {
    for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
        *sum += (one + other) * weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_torchvision() {
        // torchvision.transforms.v2.functional._misc._get_gaussian_kernel1d(5, 1.1, ...)[2:]
        let expected = [0.369_546_44, 0.244_460_4, 0.070_766_39];
        for (found, expected) in gaussian(5, 1.1).into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
