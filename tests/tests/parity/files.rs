//! Round trips through Python's own torch: what we write it loads as it is, what it writes we do.
//!
//! Without PyTorch there is one file that it has written, to be loaded strictly, and those that `crates/nets` reads.

use std::fs;
use std::path::Path;

use nets::weights::{Value, load, save, save_value};
use nets::{CifarResNet, Model, NetError, StateDict};
use tch::{Kind, Tensor};

use crate::models::make;
use crate::turn::alone;
use crate::{formula, peer, pytorch};

fn checkpoint() -> Value {
    let half = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0])
        .view([2, 2])
        .tr();
    let weights = [
        ("half", half.to_kind(Kind::Half)),
        ("count", Tensor::from(3i64)),
    ];
    let weights: StateDict = weights
        .map(|(name, tensor)| (name.into(), tensor))
        .into_iter()
        .collect();
    Value::dict([
        ("epoch", Value::from(7)),
        ("best", Value::from(0.875)),
        ("classes", Value::from(vec!["dolphin", "shark", "whale"])),
        (
            "history",
            Value::List(vec![
                Value::Tuple(vec![1.5.into(), true.into()]),
                Value::Tuple(vec![(-2.5).into(), Value::None]),
            ]),
        ),
        ("large", Value::from(1i64 << 40)),
        ("weights", weights.to_value()),
    ])
}

/// Our logits of the formula's images, in the shape that `models.py` says.
fn logits(net: &dyn Model, name: &str) -> Vec<f64> {
    let (channels, side) = match name {
        "lenet5" => (1, 32),
        "resnet20" | "plain20" => (3, 16),
        vgg if vgg.starts_with("vgg") => (3, 32),
        _ => (3, 64),
    };
    let xs = formula::noise("images", (4 * channels * side * side) as usize);
    let logits = tch::no_grad(|| net.try_forward_t(&xs.view([4, channels, side, side]), false));
    Vec::try_from(logits.unwrap().flatten(0, -1).to_kind(Kind::Double)).unwrap()
}

fn filled(net: Box<dyn Model>) -> Box<dyn Model> {
    for (key, tensor) in net.state_dict().iter() {
        formula::fill(key, tensor);
    }
    net
}

/// Weights to Python in both kinds of files, and back in both of its formats.
fn round_trip(name: &str) {
    let _turn = alone();
    if pytorch::command().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let net = filled(make(name, 10));
    save(at(&format!("{name}.pth")), &net.state_dict()).unwrap();
    save(at(&format!("{name}.safetensors")), &net.state_dict()).unwrap();
    let logits = serde_json::to_string(&logits(&*net, name)).unwrap();
    fs::write(at(&format!("{name}.json")), logits).unwrap();
    peer::run("files.py", &[folder.path().to_str().unwrap(), name]).unwrap();
    for file in [format!("{name}.back.pth"), format!("{name}.old.pth")] {
        come_back(name, &*net, &at(&file));
    }
}

/// The same network with other numbers becomes the same network.
fn come_back(name: &str, net: &dyn Model, file: &Path) {
    let mut other = make(name, 10);
    other.load_state_dict(&load(file).unwrap()).unwrap();
    for ((key, expected), (_, found)) in net.state_dict().iter().zip(other.state_dict().iter()) {
        assert_eq!(found, expected, "{key} of {}", file.display());
    }
}

macro_rules! round_trips {
    ($($name:ident),+ $(,)?) => {
        mod round_trips {
            $(
                #[test]
                fn $name() {
                    super::round_trip(stringify!($name));
                }
            )+
        }
    };
}

// All of torchvision's, and one of each family besides.
round_trips![
    alexnet, googlenet, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn,
    resnet18, resnet34, resnet50, resnet101, resnet152, lenet5, resnet20, plain20,
];

#[test]
fn a_checkpoint_goes_to_python() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    save_value(folder.path().join("checkpoint.pth"), &checkpoint()).unwrap();
    let _skipped = peer::run("files.py", &[folder.path().to_str().unwrap()]);
}

/// The network of `strict.py`.
fn resnet8(num_classes: i64) -> CifarResNet {
    let builder = CifarResNet::builder(8).width(4);
    builder.build(num_classes).unwrap()
}

#[test]
fn weights_by_pytorch_load_strictly() {
    let _turn = alone();
    let weights = load(peer::fixtures().join("resnet8.pth")).unwrap();
    let mut net = resnet8(10);
    assert_eq!(weights.names(), net.state_dict().names());
    net.load_state_dict(&weights).unwrap();
    let expected = filled(Box::new(resnet8(10)));
    for ((key, found), (_, expected)) in net.state_dict().iter().zip(expected.state_dict().iter()) {
        assert_eq!(found, expected, "{key}");
    }
}

#[test]
fn weights_by_pytorch_that_do_not_fit_are_listed() {
    let _turn = alone();
    let path = peer::fixtures().join("resnet8.pth");
    let report = |net: &mut CifarResNet, weights: StateDict| match net.load_state_dict(&weights) {
        Err(NetError::StateDict { report, .. }) => report,
        other => panic!("{other:?}"),
    };
    let without = |name: &str| -> StateDict {
        let weights = load(&path).unwrap();
        let kept = weights.iter().filter(|(other, _)| *other != name);
        kept.map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()))
            .collect()
    };

    let found = report(&mut resnet8(10), without("layer2.0.conv1.weight"));
    assert_eq!(found.missing, ["layer2.0.conv1.weight"]);
    assert!(found.unexpected.is_empty() && found.mismatched.is_empty());
    // Nothing is computed with this one, and files from before 2018 do not have it.
    let old = without("layer2.0.bn1.num_batches_tracked");
    resnet8(10).load_state_dict(&old).unwrap();

    let ours = load(&path).unwrap();
    let more = [("layer4.0.conv1.weight".to_owned(), Tensor::from(1.0))];
    let copied = ours
        .iter()
        .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()));
    let found = report(&mut resnet8(10), copied.chain(more).collect());
    assert_eq!(found.unexpected, ["layer4.0.conv1.weight"]);
    assert!(found.missing.is_empty() && found.mismatched.is_empty());

    let mut three = resnet8(3);
    let found = report(&mut three, load(&path).unwrap());
    assert_eq!(
        found.mismatched,
        [
            ("fc.weight".to_owned(), vec![3, 16], vec![10, 16]),
            ("fc.bias".to_owned(), vec![3], vec![10])
        ]
    );
    assert!(found.missing.is_empty() && found.unexpected.is_empty());
    assert_eq!(found.loaded.len(), ours.len() - 2);
}
