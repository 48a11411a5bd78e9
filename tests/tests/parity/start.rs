//! The weights that networks start with: drawn like PyTorch's.

use std::collections::BTreeMap;
use std::fs;

use nets::{GoogLeNet, Model};
use tch::{Kind, Tensor};

use crate::peer;
use crate::turn::alone;

/// Mean, standard deviation, kurtosis.
type Statistics = (f64, f64, f64);

fn statistics(tensor: &Tensor) -> Statistics {
    let values = tensor.detach().to_kind(Kind::Double).flatten(0, -1);
    let mean = values.mean(None);
    let squares = (&values - &mean).square();
    let variance = squares.mean(None).double_value(&[]);
    let fourth = squares.square().mean(None).double_value(&[]);
    let kurtosis = if variance > 0.0 {
        fourth / (variance * variance)
    } else {
        0.0
    };
    (mean.double_value(&[]), variance.sqrt(), kurtosis)
}

fn make(name: &str) -> Box<dyn Model> {
    match name {
        "googlenet" => Box::new(GoogLeNet::builder().aux_logits(true).build(10).unwrap()),
        name => nets::get_model(name, 10).unwrap(),
    }
}

/// Two samples of n numbers from one distribution differ by a few standard errors at most.
fn assert_alike(what: &str, n: f64, found: Statistics, expected: Statistics) {
    const ERRORS: f64 = 7.0; // of 900 tensors, none is further off by chance
    let error = (2.0 / n).sqrt();
    let (mean, deviation, kurtosis) = expected;
    let say = || format!("{what}: {found:?}, not {expected:?}");
    assert!(
        (found.0 - mean).abs() <= ERRORS * error * deviation.max(f64::MIN_POSITIVE),
        "{}",
        say()
    );
    assert!(
        (found.1 - deviation).abs() <= ERRORS * error * deviation,
        "{}",
        say()
    );
    // The fourth moment needs many numbers; between uniform (1.8) and normal (3.0) there is room.
    if n > 2000.0 {
        assert!((found.2 - kurtosis).abs() <= 0.5, "{}", say());
    }
}

#[test]
fn weights_start_like_pytorchs() {
    let _turn = alone();
    let text = fs::read_to_string(peer::fixtures().join("start.json")).unwrap();
    let expected: BTreeMap<String, BTreeMap<String, Statistics>> =
        serde_json::from_str(&text).unwrap();
    assert_eq!(expected.len(), 16, "lenet5 and all of torchvision's");
    for (name, parameters) in &expected {
        let net = make(name);
        let weights = net.state_dict();
        for (key, expected) in parameters {
            let tensor = weights.get(key).unwrap();
            let n = tensor.numel() as f64;
            assert_alike(&format!("{name} {key}"), n, statistics(tensor), *expected);
        }
    }
}

#[test]
fn a_residual_branch_may_start_at_nothing() {
    let _turn = alone();
    let net = nets::ResNet::builder(50)
        .zero_init_residual(true)
        .build(10)
        .unwrap();
    let weights = net.state_dict();
    let zeros = weights.iter().filter(|(name, tensor)| {
        name.ends_with("bn3.weight") && tensor.abs().sum(Kind::Float).double_value(&[]) == 0.0
    });
    assert_eq!(zeros.count(), 16);
}
