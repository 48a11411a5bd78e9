//! Every architecture beside torchvision's, or beside the paper's in plain PyTorch.

use std::collections::BTreeMap;
use std::fs;

use nets::{Activation, CifarResNet, Cnn, GoogLeNet, Mlp, Model, Neck, Pool};
use serde::Deserialize;
use tch::nn::OptimizerConfig;
use tch::{Kind, Tensor, nn};

use crate::turn::alone;
use crate::{formula, peer};

/// What `models.py` says of one network.
#[derive(Deserialize)]
struct Expected {
    input: Vec<i64>,
    stages: BTreeMap<String, Numbers>,
    logits: Vec<f64>,
    train: Training,
}

#[derive(Deserialize)]
struct Training {
    loss: f64,
    after: f64,
    gradients: BTreeMap<String, Numbers>,
    statistics: BTreeMap<String, Numbers>,
}

/// A tensor in short.
#[derive(Deserialize)]
struct Numbers {
    shape: Option<Vec<i64>>,
    scale: f64,
    norm: f64,
    samples: Vec<f64>,
}

/// The network that `models.py` calls so.
pub(crate) fn make(name: &str, num_classes: i64) -> Box<dyn Model> {
    let small = |neck| {
        Cnn::builder([3, 32, 32], num_classes)
            .channels(&[8, 16])
            .neck(neck)
    };
    match name {
        "googlenet" => {
            let builder = GoogLeNet::builder().aux_logits(true).transform_input(true);
            Box::new(builder.build(num_classes).unwrap())
        }
        "plain20" => Box::new(CifarResNet::builder(20).plain().build(num_classes).unwrap()),
        "cnn" => Box::new(small(Neck::GlobalAverage).batch_norm(true).build().unwrap()),
        "cnn_flatten" => {
            let cnn = small(Neck::Flatten(32)).pool(Pool::Average).dropout(0.25);
            Box::new(cnn.activation(Activation::Tanh).build().unwrap())
        }
        "mlp" => {
            let mlp = Mlp::builder(12, num_classes)
                .hidden(&[16, 8])
                .batch_norm(true);
            Box::new(
                mlp.activation(Activation::Gelu)
                    .dropout(0.25)
                    .build()
                    .unwrap(),
            )
        }
        name => nets::get_model(name, num_classes).unwrap(),
    }
}

/// The numbers of one network: made now, or those of the repository.
fn expected(name: &str) -> Expected {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let live = peer::run("models.py", &[place, name]).is_some();
    let folder = if live {
        folder.path().to_path_buf()
    } else {
        peer::fixtures()
    };
    let text = fs::read_to_string(folder.join("models.json")).unwrap();
    let mut models: BTreeMap<String, Expected> = serde_json::from_str(&text).unwrap();
    models.remove(name).unwrap()
}

fn assert_close(what: &str, found: &Tensor, expected: &Numbers, tolerance: f64) {
    if let Some(shape) = &expected.shape {
        assert_eq!(&found.size(), shape, "{what}");
    }
    let flat = found.flatten(0, -1).to_kind(Kind::Double);
    let norm = flat.norm().double_value(&[]);
    let near = (norm - expected.norm).abs() <= tolerance * expected.norm;
    assert!(near, "{what}: norm {norm}, not {}", expected.norm);
    for (index, sample) in expected.samples.iter().enumerate() {
        let place = index * flat.numel() / expected.samples.len();
        let value = flat.double_value(&[place as i64]);
        assert!(
            (value - sample).abs() <= tolerance * expected.scale,
            "{what}: element {place} is {value}, not {sample}; the largest is {}",
            expected.scale
        );
    }
}

fn assert_near(what: &str, found: f64, expected: f64, tolerance: f64) {
    let near = (found - expected).abs() <= tolerance * expected.abs();
    assert!(near, "{what}: {found}, not {expected}");
}

/// Activations and logits within 1e-5 of the largest; loss, gradients and statistics of a step of training within 1e-4.
fn compare(name: &str) {
    let _turn = alone();
    let expected = expected(name);
    let net = make(name, 10);
    for (key, tensor) in net.state_dict().iter() {
        formula::fill(key, tensor);
    }
    let count = expected.input.iter().product::<i64>() as usize;
    let xs = formula::noise("images", count).view(expected.input.as_slice());

    let own = net.stages().iter().map(String::as_str);
    let stages: Vec<&str> = own
        .chain(expected.stages.keys().map(String::as_str))
        .collect();
    let found = tch::no_grad(|| net.features(&xs, &stages)).unwrap();
    for (stage, numbers) in &expected.stages {
        assert_close(&format!("{name} {stage}"), &found[stage], numbers, 1e-5);
    }
    // The way without hooks overwrites activations; it has to come to the same.
    let logits = tch::no_grad(|| net.try_forward_t(&xs, false)).unwrap();
    assert_eq!(logits, found[""]);
    let largest = expected
        .logits
        .iter()
        .fold(0.0_f64, |most, value| most.max(value.abs()));
    let logits: Vec<f64> = Vec::try_from(logits.flatten(0, -1).to_kind(Kind::Double)).unwrap();
    for (found, expected) in logits.iter().zip(&expected.logits) {
        assert!(
            (found - expected).abs() <= 1e-5 * largest,
            "{name}: {found}, not {expected}"
        );
    }
    train(name, &*net, &xs, &expected.train);
}

fn train(name: &str, net: &dyn Model, xs: &Tensor, expected: &Training) {
    let mut optimiser = nn::Sgd::default().build(net.var_store(), 0.001).unwrap();
    tch::manual_seed(1);
    let loss = loss(net, xs);
    assert_near(
        &format!("{name} loss"),
        loss.double_value(&[]),
        expected.loss,
        1e-4,
    );
    loss.backward();
    let weights = net.state_dict();
    let with_gradient = weights.iter().filter(|(_, tensor)| tensor.requires_grad());
    assert_eq!(with_gradient.count(), expected.gradients.len());
    for (key, numbers) in &expected.gradients {
        let gradient = weights.get(key).unwrap().grad();
        // A bias before batch normalisation has no gradient but rounding.
        if numbers.scale > 1e-6 {
            assert_close(
                &format!("{name} gradient of {key}"),
                &gradient,
                numbers,
                1e-4,
            );
        }
    }
    optimiser.step();
    tch::manual_seed(2);
    let after = tch::no_grad(|| self::loss(net, xs)).double_value(&[]);
    assert_near(
        &format!("{name} loss after a step"),
        after,
        expected.after,
        1e-4,
    );
    for (key, numbers) in &expected.statistics {
        assert_close(
            &format!("{name} {key}"),
            weights.get(key).unwrap(),
            numbers,
            1e-4,
        );
    }
}

fn loss(net: &dyn Model, xs: &Tensor) -> Tensor {
    let targets = Tensor::arange(xs.size()[0], (Kind::Int64, xs.device()));
    let (logits, others) = net.training_outputs(xs).unwrap();
    let others = others.iter().zip(net.auxiliary());
    others.fold(
        logits.cross_entropy_for_logits(&targets),
        |loss, (logits, (_, weight))| loss + logits.cross_entropy_for_logits(&targets) * *weight,
    )
}

macro_rules! models {
    ($($name:ident),+ $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];

        mod numbers {
            $(
                #[test]
                fn $name() {
                    super::compare(stringify!($name));
                }
            )+
        }
    };
}

models![
    alexnet,
    googlenet,
    vgg11,
    vgg11_bn,
    vgg13,
    vgg13_bn,
    vgg16,
    vgg16_bn,
    vgg19,
    vgg19_bn,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    lenet5,
    resnet20,
    resnet32,
    resnet44,
    resnet56,
    resnet110,
    plain20,
    cnn,
    cnn_flatten,
    mlp,
];

#[test]
fn names_and_shapes_are_torchvisions() {
    let _turn = alone();
    let text = fs::read_to_string(peer::fixtures().join("models.txt")).unwrap();
    let sections: Vec<&str> = text.split("= ").skip(1).collect();
    assert_eq!(sections.len(), NAMES.len());
    for section in sections {
        let (title, expected) = section.split_once('\n').unwrap();
        let (name, count) = title.split_once(' ').unwrap();
        // The small ones of `models.py` have 10 classes whatever is asked for.
        let classes = if ["cnn", "cnn_flatten", "mlp"].contains(&name) {
            10
        } else {
            1000
        };
        let net = make(name, classes);
        assert_eq!(net.parameters().to_string(), count, "{name}");
        let mut found = String::new();
        for (key, tensor) in net.state_dict().iter() {
            let size: Vec<String> = tensor.size().iter().map(i64::to_string).collect();
            found += &format!("{key} {}\n", size.join(","));
        }
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_papers_googlenet_is_larger_by_its_kernels() {
    let _turn = alone();
    let count = |true_5x5| {
        let builder = GoogLeNet::builder()
            .true_5x5(true_5x5)
            .local_response_norm(true);
        builder.build(1000).unwrap().parameters()
    };
    assert_eq!(count(false), 6_624_904);
    assert_eq!(count(true) - count(false), 380_928);
}
