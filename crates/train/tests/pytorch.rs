//! The same numbers as PyTorch: optimisers, clipping, schedules, losses, and a run of twenty steps.
//!
//! `fixtures/make.py` has made the numbers.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

use nets::{Cnn, Mlp, Model};
use serde_json::Value;
use tch::{Device, Kind, Tensor};
use train::{
    Adam, AdamW, CrossEntropy, Gradients, Optimizer, Rule, Schedule, Sgd, named_parameters,
};

fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

/// `wave` of make.py.
fn wave(count: i64, shift: f64) -> Tensor {
    let index = Tensor::arange(count, (Kind::Double, Device::Cpu));
    (index * 0.37 + shift).sin().to_kind(Kind::Float)
}

fn learnt(values: Tensor) -> Tensor {
    values.set_requires_grad(true)
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().flatten(0, -1).to_kind(Kind::Double)).unwrap()
}

#[track_caller]
fn assert_close(what: &str, found: &[f64], expected: &[f64], within: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= within * e.abs().max(1.0),
            "{what}: {f} instead of {e}"
        );
    }
}

#[test]
fn optimisers_make_the_steps_of_pytorch() {
    const WATCHED: [i64; 5] = [0, 1, 65_535, 65_536, 69_999];
    let rules: [(&str, Rule); 8] = [
        ("sgd", Sgd::new(0.1).into()),
        ("sgd_decay", Sgd::new(0.1).weight_decay(0.05).into()),
        (
            "sgd_momentum",
            Sgd::new(0.1).momentum(0.9).weight_decay(1e-2).into(),
        ),
        (
            "sgd_nesterov",
            Sgd::new(0.1).momentum(0.8).nesterov().into(),
        ),
        ("adam", Adam::new(0.01).into()),
        (
            "adam_decay",
            Adam::new(0.01)
                .weight_decay(0.1)
                .betas(0.8, 0.99)
                .eps(1e-6)
                .into(),
        ),
        ("adamw", AdamW::new(0.01).into()),
        ("adamw_decay", AdamW::new(0.01).weight_decay(0.3).into()),
    ];
    let expected = fixture("optimizers");
    for (name, rule) in rules {
        let small = learnt(wave(6, 0.0).view([2, 3]));
        let large = learnt(wave(70_000, 0.0));
        let parameters = vec![
            ("small".into(), small.shallow_clone()),
            ("large".into(), large.shallow_clone()),
        ];
        let mut optimizer = Optimizer::new(rule, parameters).unwrap();
        for step in 0..10 {
            if step == 5 {
                optimizer.set_rate(optimizer.rate() / 2.0);
            }
            // A loss whose gradient is the wave itself.
            let shift = 1.0 + f64::from(step);
            let loss = (&small * wave(6, shift).view([2, 3])).sum(Kind::Float)
                + (&large * wave(70_000, shift)).sum(Kind::Float);
            let gradients = optimizer.gradients(&loss).unwrap();
            optimizer.step(&gradients).unwrap();
            let expected = &expected[name][step as usize];
            let what = format!("{name}, step {step}");
            assert_close(&what, &flat(&small), &numbers(&expected[0]), 1e-6);
            let large = large.index_select(0, &Tensor::from_slice(&WATCHED));
            assert_close(&what, &flat(&large), &numbers(&expected[1]), 1e-6);
        }
    }
}

#[test]
fn clipping_is_that_of_pytorch() {
    for (most, expected) in fixture("clipping").as_object().unwrap() {
        let parameters: Vec<(String, Tensor)> = [[2, 3].as_slice(), &[5]]
            .iter()
            .map(|size| {
                (
                    format!("{size:?}"),
                    learnt(Tensor::zeros(*size, (Kind::Float, Device::Cpu))),
                )
            })
            .collect();
        let loss = (&parameters[0].1 * wave(6, 0.0).view([2, 3])).sum(Kind::Float)
            + (&parameters[1].1 * wave(5, 1.0) * 3.0).sum(Kind::Float);
        let mut gradients = Gradients::of(&loss, &parameters).unwrap();
        let norm = gradients.clip_norm(most.parse().unwrap()).unwrap();
        assert_close(most, &[norm], &[expected[0].as_f64().unwrap()], 1e-6);
        for (index, (_, gradient)) in gradients.iter().enumerate() {
            assert_close(most, &flat(gradient), &numbers(&expected[index + 1]), 1e-6);
        }
    }
}

#[test]
fn schedules_give_the_rates_of_pytorch() {
    let schedules = [
        ("step", Schedule::step(2, 0.3)),
        ("cosine", Schedule::cosine(0.001)),
        ("one_cycle", Schedule::one_cycle(0.5)),
        ("plateau", Schedule::plateau(0.5, 1)),
        ("warm_cosine", Schedule::cosine(0.001).warm_up(7)),
        ("warm_constant", Schedule::constant().warm_up(7)),
    ];
    let expected = fixture("schedules");
    let losses = numbers(&expected["losses"]);
    for (name, schedule) in schedules {
        let mut plan = schedule.plan(0.1, 5, 6).unwrap();
        let (mut rates, mut momenta) = (Vec::new(), Vec::new());
        for step in 0..30 {
            rates.push(plan.rate(step));
            momenta.extend(plan.momentum(step));
            if step % 5 == 4 {
                plan.epoch_ended(losses[step / 5]);
            }
        }
        assert_close(name, &rates, &numbers(&expected[name]["rates"]), 1e-12);
        if name == "one_cycle" {
            assert_close(name, &momenta, &numbers(&expected[name]["momenta"]), 1e-12);
        }
    }
}

#[test]
fn a_convolutional_networks_weights_after_each_step_are_those_of_pytorch() {
    let net = Cnn::builder([3, 16, 16], 4).channels(&[4, 6]);
    let net = net.batch_norm(true).build().unwrap();
    tch::no_grad(|| {
        for (index, (_, tensor)) in named_parameters(&net).iter().enumerate() {
            let values = wave(tensor.numel() as i64, index as f64) * 0.5;
            tensor.shallow_clone().copy_(&values.view_as(tensor));
        }
    });
    let images = wave(8 * 3 * 16 * 16, 0.5).view([8, 3, 16, 16]);
    let labels = Tensor::arange(8, (Kind::Int64, Device::Cpu)).remainder(4);
    let rule = Sgd::new(0.1).momentum(0.9).weight_decay(1e-2);
    let mut optimizer = Optimizer::over(&net, rule).unwrap();
    for (step, expected) in fixture("convolution")
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let logits = net.try_forward_t(&images, true).unwrap();
        let loss = CrossEntropy::new().loss(&logits, &labels).unwrap();
        let gradients = optimizer.gradients(&loss).unwrap();
        optimizer.step(&gradients).unwrap();
        let weights = net.state_dict();
        let expected = expected.as_array().unwrap();
        assert_eq!(weights.len(), expected.len());
        for ((name, found), expected) in weights.iter().zip(expected) {
            let what = format!("step {}, {name}", step + 1);
            assert_close(&what, &flat(found), &numbers(expected), 1e-5);
        }
    }
}

#[test]
fn a_batch_that_weighs_nothing_has_no_loss_and_no_gradient() {
    let logits = learnt(wave(10, 0.3).view([2, 5]));
    let labels = Tensor::from_slice(&[3i64, 3]);
    let loss_of = CrossEntropy::new().class_weights(&[1.0, 2.0, 0.5, 0.0, 3.0]);
    let loss = loss_of.loss(&logits, &labels).unwrap();
    assert_eq!(loss.double_value(&[]), 0.0);
    loss.backward();
    assert_eq!(flat(&logits.grad()), [0.0; 10]);
    // Numbers that are none are still seen.
    let broken = Tensor::full_like(&logits, f64::NAN);
    assert!(
        loss_of
            .loss(&broken, &labels)
            .unwrap()
            .double_value(&[])
            .is_nan()
    );
}

#[test]
fn losses_and_their_gradients_are_those_of_pytorch() {
    let expected = fixture("losses");
    let labels = Tensor::from_slice(&[0i64, 4, 2, 2]);
    for smoothing in [0.0, 0.1] {
        for (name, loss_of) in [
            ("plain", CrossEntropy::new()),
            (
                "weighted",
                CrossEntropy::new().class_weights(&[1.0, 2.0, 0.5, 0.0, 3.0]),
            ),
        ] {
            let name = format!("{name} {smoothing:.1}");
            let logits = learnt((wave(20, 0.3) * 2.0).view([4, 5]));
            let loss = loss_of
                .label_smoothing(smoothing)
                .loss(&logits, &labels)
                .unwrap();
            let gradients = Gradients::of(&loss, &[("logits".into(), logits)]).unwrap();
            let expected = &expected[&name];
            assert_close(&name, &flat(&loss), &[expected[0].as_f64().unwrap()], 1e-6);
            for (_, gradient) in gradients.iter() {
                assert_close(&name, &flat(gradient), &numbers(&expected[1]), 1e-6);
            }
        }
    }
}

#[test]
fn twenty_steps_end_where_pytorch_ends() {
    let expected = fixture("training");
    let rules: [(&str, Rule); 2] = [
        ("sgd", Sgd::new(0.2).momentum(0.9).weight_decay(1e-3).into()),
        ("adamw", AdamW::new(0.02).into()),
    ];
    for (name, rule) in rules {
        let net = Mlp::builder(6, 3).hidden(&[5]).build().unwrap();
        for (index, (_, tensor)) in named_parameters(&net).iter().enumerate() {
            let values = wave(tensor.numel() as i64, index as f64) * 0.5;
            let _guard = tch::no_grad_guard();
            tensor.shallow_clone().copy_(&values.view_as(tensor));
        }
        let images = wave(24 * 6, 0.5).view([24, 6]);
        let labels = Tensor::arange(24, (Kind::Int64, Device::Cpu)).remainder(3);
        let loss_of = CrossEntropy::new().label_smoothing(0.1);
        let mut optimizer = Optimizer::over(&net, rule).unwrap();
        let mut losses = Vec::new();
        for step in 0..20 {
            let rows = 8 * (step % 3);
            let logits = net.try_forward_t(&images.narrow(0, rows, 8), true).unwrap();
            let loss = loss_of.loss(&logits, &labels.narrow(0, rows, 8)).unwrap();
            let mut gradients = optimizer.gradients(&loss).unwrap();
            gradients.clip_norm(0.5).unwrap();
            optimizer.step(&gradients).unwrap();
            losses.push(loss.double_value(&[]));
        }
        assert_close(name, &losses, &numbers(&expected[name]["losses"]), 1e-5);
        for (index, (_, tensor)) in named_parameters(&net).iter().enumerate() {
            assert_close(
                name,
                &flat(tensor),
                &numbers(&expected[name]["weights"][index]),
                1e-5,
            );
        }
    }
}
