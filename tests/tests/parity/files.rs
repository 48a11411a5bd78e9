//! Round trips through Python's own torch: what we write it loads as it is, what it writes we do.
//!
//! Without PyTorch there is nothing to do here: `crates/nets` reads files that it has written before.

use std::fs;
use std::path::Path;

use nets::weights::{Value, load, save, save_value};
use nets::{Model, StateDict};
use tch::{Kind, Tensor};

use crate::turn::alone;
use crate::{formula, peer};

/// Names of `models.py`, and our networks with the formula's weights.
fn networks() -> Vec<(&'static str, Box<dyn Model>)> {
    ["resnet18", "vgg11_bn", "lenet5"]
        .into_iter()
        .map(|name| {
            let net = nets::get_model(name, 10).unwrap();
            for (key, tensor) in net.state_dict().iter() {
                formula::fill(key, tensor);
            }
            (name, net)
        })
        .collect()
}

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

fn logits(net: &dyn Model, name: &str) -> Vec<f64> {
    let channels = if name == "lenet5" { 1 } else { 3 };
    let side = if name == "resnet18" { 64 } else { 32 };
    let xs = formula::noise("images", (4 * channels * side * side) as usize);
    let logits = tch::no_grad(|| net.try_forward_t(&xs.view([4, channels, side, side]), false));
    Vec::try_from(logits.unwrap().flatten(0, -1).to_kind(Kind::Double)).unwrap()
}

#[test]
fn weights_go_to_python_and_back() {
    let _turn = alone();
    if peer::command().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let networks = networks();
    for (name, net) in &networks {
        save(at(&format!("{name}.pth")), &net.state_dict()).unwrap();
        save(at(&format!("{name}.safetensors")), &net.state_dict()).unwrap();
        let logits = serde_json::to_string(&logits(&**net, name)).unwrap();
        fs::write(at(&format!("{name}.json")), logits).unwrap();
    }
    save_value(at("checkpoint.pth"), &checkpoint()).unwrap();
    let mut arguments = vec![folder.path().to_str().unwrap()];
    arguments.extend(networks.iter().map(|(name, _)| *name));
    peer::run("files.py", &arguments).unwrap();
    for (name, net) in &networks {
        for file in [format!("{name}.back.pth"), format!("{name}.old.pth")] {
            come_back(name, &**net, &at(&file));
        }
    }
}

/// The same network with other numbers becomes the same network.
fn come_back(name: &str, net: &dyn Model, file: &Path) {
    let mut other = nets::get_model(name, 10).unwrap();
    other.load_state_dict(&load(file).unwrap()).unwrap();
    for ((key, expected), (_, found)) in net.state_dict().iter().zip(other.state_dict().iter()) {
        assert_eq!(found, expected, "{key} of {}", file.display());
    }
}
