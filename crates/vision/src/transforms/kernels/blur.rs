//! Gaussian blur, in fixed point for pixels and in floats for fields.

use super::buffer::{Buffer, Pixels};
use super::{SHARE_BITS, fraction, share, vectorised, whole_weights};
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

/// Weights from which on sums are kept in 32 bits: what 16 bits lose with each weight adds up.
const MANY_WEIGHTS: usize = 16;

/// The weights in 65536ths. `many` of them add up to 65536 exactly, counted as the kernel counts them: all but the
/// middle one twice.
fn fixed(weights: &[f64], many: bool) -> Vec<u16> {
    if !many {
        return weights.iter().copied().map(fraction).collect();
    }
    let mut halves = weights.to_vec();
    halves[0] /= 2.0;
    let mut whole = whole_weights(&halves, 1 << 15);
    whole[0] *= 2;
    whole.into_iter().map(|weight| weight as u16).collect()
}

/// The weights up to the last one that does not vanish in 65536ths.
fn visible(weights: &[f64]) -> &[f64] {
    let last = weights.iter().rposition(|&weight| fraction(weight) > 0);
    &weights[..=last.unwrap_or(0)]
}

/// Blurs with the weights, from the middle outwards, downwards and across; the picture is mirrored at its sides.
pub(crate) fn blur(from: Pixels<'_>, weights: &[f64], to: &mut Buffer) {
    to.reshape(from.width, from.height);
    let weights = visible(weights);
    let many = weights.len() > MANY_WEIGHTS;
    let weights = fixed(weights, many);
    let stride = from.width * 3;
    let margin = (weights.len() - 1) * 3;
    // One row, blurred downwards, with the margins that blurring across needs.
    let mut middle = vec![0u16; stride + 2 * margin];
    let mut sums = vec![0u16; if many { 0 } else { stride }];
    let mut long_sums = vec![0u32; if many { stride } else { 0 }];
    for (y, out) in to.bytes.chunks_exact_mut(stride).enumerate() {
        let row = |offset: i64| from.row(mirrored(y as i64 + offset, from.height));
        let inner = &mut middle[margin..margin + stride];
        if many {
            blur_down_long(row, &weights, &mut long_sums, inner);
        } else {
            blur_down(row, &weights, inner);
        }
        mirror_margins(&mut middle, weights.len() - 1, from.width);
        vectorised(
            #[inline(always)]
            || {
                if many {
                    blur_row_long(&middle, &weights, &mut long_sums, out);
                } else {
                    blur_row(&middle, &weights, &mut sums, out);
                }
            },
        );
    }
}

fn mirrored(place: i64, length: usize) -> usize {
    border::reflect(place, length as u32)
}

/// One row, weighted with those above and below; `row` gives each by its distance.
fn blur_down<'a>(row: impl Fn(i64) -> &'a [u8], weights: &[u16], sums: &mut [u16]) {
    vectorised(
        #[inline(always)]
        || centre_of_bytes(row(0), weights[0], sums),
    );
    for (distance, &weight) in (1..).zip(&weights[1..]) {
        vectorised(
            #[inline(always)]
            || add_bytes(row(-distance), row(distance), weight, sums),
        );
    }
}

/// The same in 32 bits, of which 8 stay behind the point.
fn blur_down_long<'a>(
    row: impl Fn(i64) -> &'a [u8],
    weights: &[u16],
    sums: &mut [u32],
    out: &mut [u16],
) {
    sums.fill(1 << 7);
    vectorised(
        #[inline(always)]
        || add_long(row(0), weights[0], sums),
    );
    for (distance, &weight) in (1..).zip(&weights[1..]) {
        vectorised(
            #[inline(always)]
            || add_pair_long(row(-distance), row(distance), weight, sums),
        );
    }
    vectorised(
        #[inline(always)]
        || {
            for (out, sum) in out.iter_mut().zip(&*sums) {
                *out = (*sum >> 8) as u16;
            }
        },
    );
}

/// Fills the margins of `reach` pixels beside a row of `width` pixels with its mirror images.
fn mirror_margins(row: &mut [u16], reach: usize, width: usize) {
    let margin = reach * 3;
    for x in 1..=reach {
        for channel in 0..3 {
            let at = |x: i64| margin + mirrored(x, width) * 3 + channel;
            row[margin - x * 3 + channel] = row[at(-(x as i64))];
            let right = width - 1 + x;
            row[margin + right * 3 + channel] = row[at(right as i64)];
        }
    }
}

#[inline(always)]
fn add_long<T: Copy + Into<u32>>(row: &[T], weight: u16, sums: &mut [u32]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += (*value).into() * u32::from(weight);
    }
}

#[inline(always)]
fn add_pair_long<T: Copy + Into<u32>>(one: &[T], other: &[T], weight: u16, sums: &mut [u32]) {
    for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
        let both: u32 = (*one).into() + (*other).into();
        *sum += both * u32::from(weight);
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
    let half = (1 << (SHARE_BITS - 1)) + weights.len() as u16;
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = ((*sum + half) >> SHARE_BITS).min(255) as u8;
    }
}

/// The same in 32 bits: 8 are behind the point already, and 16 come with the weights.
#[inline(always)]
fn blur_row_long(middle: &[u16], weights: &[u16], sums: &mut [u32], out: &mut [u8]) {
    let margin = (weights.len() - 1) * 3;
    sums.fill(1 << 23);
    add_long(&middle[margin..], weights[0], sums);
    for (distance, &weight) in weights.iter().enumerate().skip(1) {
        let left = &middle[margin - distance * 3..];
        let right = &middle[margin + distance * 3..];
        add_pair_long(left, right, weight, sums);
    }
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = (*sum >> 24) as u8;
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
