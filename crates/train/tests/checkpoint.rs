//! Checkpoints: killed at any moment the writer leaves a whole file; PyTorch reads ours and we read PyTorch's.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

mod common;
#[path = "../../../tests/tests/parity/pytorch.rs"]
mod pytorch;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{alone, stripes};
use nets::{Cnn, Mlp, Model};
use train::{Adam, Checkpoint, History, Sgd, Trainer, named_parameters};

/// Tells a child process of this test which file to write.
const FILE: &str = "CVSTUDY_TEST_CHECKPOINT";

/// All weights of this network are the number of the checkpoint, so a mixture of two would show.
fn written(number: usize) -> Mlp {
    let net = Mlp::builder(200, 10).hidden(&[200]).build().unwrap();
    let _guard = tch::no_grad_guard();
    for (_, tensor) in named_parameters(&net) {
        let _same = tensor.shallow_clone().fill_(number as f64);
    }
    net
}

/// Not a test: what the child does until it is killed.
#[test]
#[ignore = "run by the test below"]
fn writes_checkpoints_without_end() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    for number in 1.. {
        let mut checkpoint = Checkpoint::of(&written(number), &["a", "b"], &History::new());
        checkpoint.epoch = number;
        checkpoint.write(&path).unwrap();
    }
}

#[test]
fn a_writer_killed_at_any_moment_leaves_a_whole_file() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.pth");
    Checkpoint::of(&written(0), &["a", "b"], &History::new())
        .write(&path)
        .unwrap();
    let mut last = 0;
    for round in 0..8 {
        let before = modified(&path);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "writes_checkpoints_without_end"])
            .env(FILE, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // It is at work once the file has changed; then it is killed at another moment each time.
        while modified(&path) == before && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(3700 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let found = Checkpoint::read(&path).unwrap();
        for (name, tensor) in found.weights.iter() {
            let (least, most) = (
                tensor.min().double_value(&[]),
                tensor.max().double_value(&[]),
            );
            assert_eq!(
                (least, most),
                (found.epoch as f64, found.epoch as f64),
                "{name}"
            );
        }
        last = found.epoch;
    }
    assert!(last > 0, "the child never wrote");
}

fn modified(path: &Path) -> std::time::SystemTime {
    std::fs::metadata(path).unwrap().modified().unwrap()
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let (whole, cut) = (
        folder.path().join("whole.pth"),
        folder.path().join("cut.pth"),
    );
    let net = Mlp::builder(3, 2).build().unwrap();
    Checkpoint::of(&net, &["a", "b"], &History::new())
        .write(&whole)
        .unwrap();
    let bytes = std::fs::read(&whole).unwrap();
    for length in 0..bytes.len() {
        std::fs::write(&cut, &bytes[..length]).unwrap();
        assert!(
            Checkpoint::read(&cut).is_err(),
            "{length} of {} bytes",
            bytes.len()
        );
    }
}

#[test]
fn weights_alone_are_no_checkpoint() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.pth");
    let net = Mlp::builder(3, 2).build().unwrap();
    nets::weights::save(&path, &net.state_dict()).unwrap();
    let message = Checkpoint::read(&path).unwrap_err().to_string();
    assert!(
        message.contains("no `model_state_dict`") && message.contains("weights::load"),
        "{message}"
    );
}

#[test]
fn checkpoints_of_others_are_read_whatever_their_weights_are_called() {
    use nets::weights::{Value, save_value};

    let _turn = alone();
    let fixture = "../../tests/fixtures/nets/weights/imagenet.pth";
    let found = Checkpoint::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture)).unwrap();
    assert_eq!(found.epoch, 90);
    assert_eq!(
        found.weights.names(),
        ["conv.weight", "conv.bias", "bn.num_batches_tracked"]
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.pth");
    let mut net = Mlp::builder(3, 2).build().unwrap();
    for before in ["", "module.", "_orig_mod."] {
        let weights = net.state_dict();
        let named = weights.iter().map(|(name, tensor)| {
            (
                format!("{before}{name}"),
                Value::Tensor(tensor.shallow_clone()),
            )
        });
        let weights = Value::dict(named);
        let value = Value::dict([
            ("best", Value::Tensor(tch::Tensor::from(0.5))),
            ("model", weights),
        ]);
        save_value(&path, &value).unwrap();
        let found = Checkpoint::read(&path).unwrap();
        net.load_state_dict(&found.weights).unwrap();
    }
}

/// What a script prints, run by a Python with torch, if there is one.
fn python(script: &str, arguments: &[&Path]) -> Option<String> {
    let output = pytorch::command()?
        .args(["-W", "ignore", "-c", script])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

#[test]
fn pytorch_reads_a_checkpoint_and_goes_on_with_its_optimiser() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best.pth");
    let net = Cnn::builder([3, 16, 16], 4).channels(&[4]).build().unwrap();
    let (train, valid) = (stripes(64, 1), stripes(32, 2));
    let mut trainer = Trainer::new(Sgd::new(0.1).momentum(0.9))
        .keep_last()
        .save_last(&path)
        .quiet();
    trainer.fit(&net, &train, &valid, 2).unwrap();
    let script = "
import sys, torch
from torch import nn
c = torch.load(sys.argv[1], weights_only=True)
net = nn.Sequential()
net.features = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
net.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4))
net.load_state_dict(c['model_state_dict'], strict=True)
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
optimizer.load_state_dict(c['optimizer_state_dict'])
assert optimizer.param_groups[0]['lr'] == 0.1 and optimizer.param_groups[0]['momentum'] == 0.9
assert optimizer.state[net.classifier[2].bias]['momentum_buffer'].shape == (4,)
net(torch.ones(1, 3, 16, 16)).sum().backward(); optimizer.step()
print(c['epoch'], c['classes'][1], len(c['history']['valid_accuracy']), c['step'], round(c['loss'], 6))";
    let Some(found) = python(script, &[&path]) else {
        return;
    };
    let loss = trainer.history().last().unwrap().valid_loss;
    assert_eq!(
        found,
        format!("2 upright 2 4 {}", (loss * 1e6).round() / 1e6)
    );
}

#[test]
fn a_run_that_pytorch_began_goes_on_here() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("python.pth");
    let script = "
import sys, torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(); net.layers = nn.Sequential(nn.Linear(768, 8), nn.ReLU(), nn.Linear(8, 4))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for _ in range(3):
    optimizer.zero_grad(); net.layers(torch.ones(2, 768)).sum().backward(); optimizer.step()
torch.save({'epoch': 1, 'classes': ['flat', 'upright', 'rising', 'falling'],
    'model_state_dict': net.state_dict(), 'optimizer_state_dict': optimizer.state_dict()}, sys.argv[1])
optimizer.zero_grad(); net.layers(torch.ones(2, 768)).sum().backward(); optimizer.step()
print(float(net.layers[2].weight.sum()))";
    let Some(next) = python(script, &[&path]) else {
        return;
    };
    let mut net = Mlp::builder(768, 4).hidden(&[8]).build().unwrap();
    let checkpoint = Checkpoint::read(&path).unwrap();
    net.load_state_dict(&checkpoint.weights).unwrap();
    let mut optimizer = train::Optimizer::over(&net, Adam::new(1e-3)).unwrap();
    optimizer
        .load_state_dict(checkpoint.optimizer.as_ref().unwrap())
        .unwrap();
    let ones = tch::Tensor::ones([2, 768], (tch::Kind::Float, tch::Device::Cpu));
    let sum = net
        .try_forward_t(&ones, true)
        .unwrap()
        .sum(tch::Kind::Float);
    let gradients = optimizer.gradients(&sum).unwrap();
    optimizer.step(&gradients).unwrap();
    let found = named_parameters(&net)[2]
        .1
        .sum(tch::Kind::Float)
        .double_value(&[]);
    assert!(
        (found - next.parse::<f64>().unwrap()).abs() < 1e-5,
        "{found} {next}"
    );
}
