//! Steps of `Sgd` beside those of libtorch's own optimiser, with the same gradients: the same weights but for rounding,
//! for networks of every family.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

mod common;

use common::alone;
use nets::Model;
use tch::nn::{self, OptimizerConfig};
use tch::{Device, Kind, Tensor};
use train::{CrossEntropy, Optimizer, Sgd};

const RATE: f64 = 0.05;
const MOMENTUM: f64 = 0.9;
const DECAY: f64 = 1e-3;

/// Two networks of this name with the same weights.
fn twins(name: &str) -> [Box<dyn Model>; 2] {
    tch::manual_seed(4);
    let first = nets::get_model(name, 4).unwrap();
    let mut second = nets::get_model(name, 4).unwrap();
    second.load_state_dict(&first.state_dict()).unwrap();
    [first, second]
}

#[test]
fn weights_after_steps_are_those_of_libtorch() {
    let _turn = alone();
    for (name, channels) in [
        ("lenet5", 1),
        ("resnet20", 3),
        ("resnet18", 3),
        ("googlenet", 3),
    ] {
        let [ours, theirs] = twins(name);
        let before = ours.state_dict().snapshot().unwrap();
        let loss_of = CrossEntropy::new();
        let mut optimizer = Optimizer::over(
            &*ours,
            Sgd::new(RATE).momentum(MOMENTUM).weight_decay(DECAY),
        )
        .unwrap();
        let libtorchs = nn::Sgd {
            momentum: MOMENTUM,
            dampening: 0.0,
            wd: DECAY,
            nesterov: false,
        };
        let mut libtorchs = libtorchs.build(theirs.var_store(), RATE).unwrap();
        for step in 0..3 {
            tch::manual_seed(step);
            let images = Tensor::randn([4, channels, 32, 32], (Kind::Float, Device::Cpu));
            let labels = Tensor::arange(4, (Kind::Int64, Device::Cpu));
            let loss = |net: &dyn Model| {
                tch::manual_seed(100 + step); // for dropout
                loss_of
                    .loss(&net.try_forward_t(&images, true).unwrap(), &labels)
                    .unwrap()
            };
            let gradients = optimizer.gradients(&loss(&*ours)).unwrap();
            optimizer.step(&gradients).unwrap();
            libtorchs.zero_grad();
            loss(&*theirs).backward();
            // Rounding would grow from step to step otherwise.
            let weights = theirs.state_dict();
            tch::no_grad(|| {
                for (key, gradient) in gradients.iter() {
                    weights.get(key).unwrap().grad().copy_(gradient);
                }
            });
            libtorchs.step();
        }
        let (found, expected) = (ours.state_dict(), theirs.state_dict());
        for ((key, found), (_, expected)) in found.iter().zip(expected.iter()) {
            if key.contains("running") {
                continue; // of activations, where rounding is larger
            }
            let error = (found - expected).abs().max().double_value(&[]);
            let largest = expected.abs().max().double_value(&[]);
            assert!(
                error <= 1e-6 * largest.max(1e-2),
                "{name} {key}: {error} apart, the largest is {largest}"
            );
        }
        for (key, before) in before.iter() {
            assert!(
                found.get(key).unwrap() != before,
                "{name} {key} has not moved"
            );
        }
    }
}
