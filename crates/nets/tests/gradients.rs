//! Blocks whose parts run side by side: the gradient of every number by finite differences, in double precision.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

use nets::layers::LocalResponseNorm;
use nets::{BlockKind, InceptionSpec, Layer, Pass, ResidualBlock, Shortcut};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Numbers without a pattern that could hide a mistake.
fn wave(size: &[i64], shift: f64) -> Tensor {
    let index = Tensor::arange(size.iter().product::<i64>(), (Kind::Double, Device::Cpu));
    ((index * 0.73 + shift).sin() + shift.cos() * 0.1).view(size)
}

/// Compares autograd's gradients by the input and by all parameters with slopes, number by number.
fn check(what: &str, layer: &dyn Layer, vs: &mut VarStore, input: Tensor) {
    tch::set_num_threads(1); // tiny tensors: threads would only wait for each other
    vs.double();
    let mut leaves: Vec<(String, Tensor)> = vs.variables().into_iter().collect();
    leaves.retain(|(_, tensor)| tensor.requires_grad());
    tch::no_grad(|| {
        for (place, (_, tensor)) in leaves.iter().enumerate() {
            let values = wave(&tensor.size(), place as f64);
            // Batch normalisation's scale may not vanish.
            let values = if tensor.dim() > 1 {
                values
            } else {
                values * 0.3 + 0.8
            };
            tensor.shallow_clone().copy_(&values);
        }
    });
    leaves.push(("the input".into(), input.set_requires_grad(true)));
    let xs = leaves.last().unwrap().1.shallow_clone();
    let loss = || {
        let ys = layer.forward(&xs, &mut Pass::new(true)).unwrap();
        (&ys * wave(&ys.size(), 0.4)).sum(Kind::Double)
    };
    let by: Vec<&Tensor> = leaves.iter().map(|(_, tensor)| tensor).collect();
    let gradients = Tensor::run_backward(&[loss()], &by, false, false);
    let mut largest = 0.0_f64;
    for ((name, tensor), gradient) in leaves.iter().zip(gradients) {
        let (tensor, gradient) = (tensor.detach().view(-1), gradient.reshape(-1));
        for place in 0..tensor.numel() as i64 {
            let nudge = |by: f64| tensor.narrow(0, place, 1).g_add_scalar_(by);
            let nudged = |by: f64| {
                let _shifted = nudge(by);
                tch::no_grad(loss).double_value(&[])
            };
            let (up, down) = (nudged(STEP), nudged(-2.0 * STEP));
            let _back = nudge(STEP);
            let (found, slope) = (gradient.double_value(&[place]), (up - down) / (2.0 * STEP));
            largest = largest.max(slope.abs());
            assert!(
                (found - slope).abs() < 1e-6 * (1.0 + slope.abs()),
                "{what}, {name}[{place}]: {found}, slope {slope}"
            );
        }
    }
    assert!(largest > 0.1, "{what}: nothing to compare, {largest}");
}

const STEP: f64 = 1e-5;

#[test]
fn residual_blocks_of_every_kind_and_shortcut() {
    for kind in [BlockKind::Basic, BlockKind::Bottleneck] {
        // The last keeps its shape: its shortcut is the input itself.
        for (shortcut, inputs, width, stride) in [
            (Shortcut::Projection, 2, 3, 2),
            (Shortcut::ZeroPadding, 2, 3, 2),
            (Shortcut::Absent, 2, 3, 2),
            (Shortcut::Projection, kind.expansion(), 1, 1),
        ] {
            let mut vs = VarStore::new(Device::Cpu);
            let spec = ResidualBlock::spec(kind, inputs, width)
                .stride(stride)
                .shortcut(shortcut);
            let block = spec.build(vs.root() / "block").unwrap();
            let what = format!("{kind:?}, {shortcut:?}, {inputs} to {width}");
            check(&what, &block, &mut vs, wave(&[2, inputs, 4, 4], 0.1));
        }
    }
}

#[test]
fn an_inception_block() {
    for true_5x5 in [false, true] {
        let mut vs = VarStore::new(Device::Cpu);
        let spec = InceptionSpec::new([3, 2, 2, 3, 1, 2, 2]).true_5x5(true_5x5);
        let block = spec.build(vs.root() / "block").unwrap();
        let what = format!("inception, 5x5 {true_5x5}");
        check(&what, &block, &mut vs, wave(&[2, 3, 4, 4], 0.1));
    }
}

#[test]
fn local_response_normalisation() {
    let mut vs = VarStore::new(Device::Cpu);
    let norm = LocalResponseNorm::new(vs.root() / "norm");
    // Large numbers: with small ones it changes next to nothing.
    check("norm", &norm, &mut vs, wave(&[2, 7, 2, 2], 0.1) * 100.0);
}
