//! Numbers that both sides compute alike, so that no weights have to be stored: see `noise` and `fill` in
//! `tests/fixtures/nets/models.py`.

use tch::Tensor;

/// Numbers of -1 to 1, as good as random, out of a name.
pub(crate) fn noise(name: &str, count: usize) -> Tensor {
    let salt = name.bytes().fold(0x811C_9DC5_u32, |salt, byte| {
        (salt ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let values: Vec<f32> = (0..count as u32)
        .map(|index| {
            let mut h = index.wrapping_mul(2_654_435_761).wrapping_add(salt);
            for (shift, factor) in [(16, 0x85EB_CA6B), (13, 0xC2B2_AE35), (16, 1)] {
                h = (h ^ (h >> shift)).wrapping_mul(factor);
            }
            (h >> 8) as f32 * 2.0_f32.powi(-23) - 1.0
        })
        .collect();
    Tensor::from_slice(&values)
}

/// Gives a tensor of a state dict its numbers.
pub(crate) fn fill(name: &str, tensor: &Tensor) {
    let _guard = tch::no_grad_guard();
    let size = tensor.size();
    let values = noise(name, tensor.numel()).view(size.as_slice());
    let values = if name.ends_with("num_batches_tracked") {
        values.zeros_like()
    } else if size.len() > 1 {
        let fan_in: i64 = size[1..].iter().product();
        values * f64::from((6.0 / fan_in as f64).sqrt() as f32)
    } else if name.ends_with("running_var") {
        values * 0.5 + 1
    } else if name.ends_with("weight") {
        values * 0.25 + 1
    } else {
        values * 0.125
    };
    tensor.shallow_clone().copy_(&values);
}
