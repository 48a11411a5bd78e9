//! Files by PyTorch 2.13 (`tests/fixtures/nets/weights.py` makes them), damaged ones, and ones that mean harm. What
//! becomes of a file whose writer does not get to the end is in `crash`.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tch::{Device, Kind, Tensor};

use super::unpickle::unpickle;
use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/nets/weights")
        .join(name)
}

fn fixtures() -> Vec<PathBuf> {
    let folder = fs::read_dir(fixture("")).unwrap();
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), 22);
    paths
}

/// What `weights.py` calls `tensors`.
pub(super) fn tensors() -> StateDict {
    let weight = Tensor::arange(54, (Kind::Float, Device::Cpu)).view([2, 3, 3, 3]) / 8 - 3;
    let tensors = [
        ("conv.weight", weight),
        ("conv.bias", Tensor::from_slice(&[0.5f32, -1.25])),
        ("bn.num_batches_tracked", Tensor::from(7i64)),
    ];
    tensors
        .map(|(name, tensor)| (name.into(), tensor))
        .into_iter()
        .collect()
}

pub(super) fn message<T: std::fmt::Debug>(result: Result<T, NetError>) -> String {
    result.unwrap_err().to_string()
}

/// The error of reading these bytes from a file.
fn refused(bytes: &[u8]) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let path = file.path().display().to_string();
    message(load_value(file.path())).replace(&path, "FILE")
}

/// The error of reading a pickle by itself, its storages being empty.
fn refused_pickle(pickle: &[u8]) -> String {
    struct NoStorages;
    impl storage::Storages for NoStorages {
        fn read(&mut self, _: &str, _: Kind) -> Result<Vec<u8>, Problem> {
            Ok(Vec::new())
        }
    }
    let value = unpickle(pickle).and_then(|(pickle, _)| storage::resolve(&pickle, &mut NoStorages));
    value.unwrap_err().0
}

#[test]
fn every_form_of_pytorch_gives_the_same_numbers() {
    let expected = tensors();
    let kinds = [
        ("bf16", Kind::BFloat16),
        ("f16", Kind::Half),
        ("f64", Kind::Double),
    ];
    for path in fixtures() {
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name == "whole_model" || name == "script" {
            continue;
        }
        let found = load(&path).unwrap();
        let mut names = found.names();
        let mut expected_names = expected.names();
        if path.extension().unwrap() == "safetensors" {
            names.sort(); // it has no order of its own
            expected_names.sort();
        }
        assert_eq!(names, expected_names, "{name}");
        let kind = kinds.iter().find(|(suffix, _)| name.ends_with(suffix));
        for (key, tensor) in expected.iter() {
            let other = found.get(key).unwrap();
            if key != "bn.num_batches_tracked" {
                assert_eq!(
                    other.kind(),
                    kind.map_or(Kind::Float, |kind| kind.1),
                    "{name}"
                );
            }
            assert_eq!(&other.to_kind(tensor.kind()), tensor, "{name} {key}");
        }
    }
}

#[test]
fn weights_are_found_beside_tensors_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.pth");
    let names = tensors().names().join(" ");
    let wrapped = |before: &str| -> Value {
        let named = |(name, tensor): (&str, &Tensor)| {
            (
                format!("{before}{name}"),
                Value::Tensor(tensor.shallow_clone()),
            )
        };
        Value::dict(tensors().iter().map(named).collect::<Vec<_>>())
    };
    let accuracy = || Value::Tensor(Tensor::from(71.0));
    // As the training script of PyTorch's examples writes it, with and without what wrappers put before names.
    for before in [
        "",
        "module.",
        "_orig_mod.",
        "_orig_mod.module.",
        "module._orig_mod.",
    ] {
        for key in ["state_dict", "model_state_dict", "model"] {
            let value = Value::dict([
                ("epoch", Value::from(90)),
                ("best_acc1", accuracy()),
                (key, wrapped(before)),
            ]);
            save_value(&path, &value).unwrap();
            assert_eq!(
                load(&path).unwrap().names().join(" "),
                names,
                "{before} {key}"
            );
        }
        save_value(&path, &wrapped(before)).unwrap();
        assert_eq!(load(&path).unwrap().names().join(" "), names, "{before}");
    }
    // A network may have a parameter of such a name.
    save_value(
        &path,
        &Value::dict([("weights", accuracy()), ("net", accuracy())]),
    )
    .unwrap();
    assert_eq!(load(&path).unwrap().names(), ["weights", "net"]);
}

#[test]
fn a_checkpoint_tells_all_that_it_holds() {
    for name in ["checkpoint.pth", "old_checkpoint.pth"] {
        let value = load_value(fixture(name)).unwrap();
        assert_eq!(value.get("epoch").and_then(Value::as_i64), Some(3));
        assert_eq!(value.get("best").and_then(Value::as_f64), Some(0.875));
        let classes = value.get("classes").unwrap().elements();
        assert_eq!(
            classes.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
            ["a", "b"]
        );
    }
}

#[test]
fn tensors_that_share_memory_still_do() {
    for name in ["shared.pth", "old_shared.pth"] {
        let weights = load(fixture(name)).unwrap();
        let place = |key| weights.get(key).unwrap().data_ptr() as usize;
        assert_eq!(place("conv.bias") - place("conv.weight"), 54 * 4, "{name}");
    }
}

#[test]
fn what_is_not_weights_is_refused_with_the_way_out() {
    let whole = message(load(fixture("whole_model.pth")));
    assert!(
        whole.contains("`torch.nn.modules.linear.Linear`")
            && whole.contains("torch.save(model.state_dict()"),
        "{whole}"
    );
    assert!(message(load(fixture("script.pth"))).contains("TorchScript"));
    assert!(message(load(fixture("no such file"))).contains("No such file"));
    assert_eq!(refused(b""), "FILE: the file is empty");
    assert_eq!(
        refused(b"hello"),
        "FILE: it is neither a .pth of PyTorch nor a .safetensors"
    );
    assert!(refused(b"PK\x03\x04").contains("damaged"));
    let mut tar = [0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(refused(&tar).contains("2016"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.pth");
    save_value(
        &path,
        &Value::dict([("loss", Value::from(vec![0.5, 0.25]))]),
    )
    .unwrap();
    assert!(
        message(load(&path)).ends_with("no weights by name, but `loss`; `load_value` reads it all")
    );
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for name in ["zip.pth", "old_checkpoint.pth", "plain.safetensors"] {
        let bytes = fs::read(fixture(name)).unwrap();
        file.write_all(&bytes).unwrap();
        for length in (0..bytes.len() as u64).rev() {
            file.as_file().set_len(length).unwrap();
            assert!(load_value(file.path()).is_err(), "{name}: {length}");
        }
        file.rewind().unwrap();
    }
}

#[test]
fn a_flipped_byte_does_no_harm() {
    for name in ["zip.pth", "old_checkpoint.pth", "plain.safetensors"] {
        let bytes = fs::read(fixture(name)).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        for (index, byte) in bytes.iter().enumerate() {
            let put = |byte: u8| {
                let mut file = file.as_file();
                file.seek(SeekFrom::Start(index as u64)).unwrap();
                file.write_all(&[byte]).unwrap();
            };
            put(byte ^ 0x80);
            // Numbers or an error: but no panic, and no memory beyond reason.
            let _either = load_value(file.path());
            put(byte ^ 0x01);
            let _either = load_value(file.path());
            put(*byte);
        }
        assert!(load_value(file.path()).is_ok());
    }
}

#[test]
fn code_is_never_run() {
    let system = refused_pickle(b"\x80\x02cos\nsystem\nX\x06\0\0\0whoami\x85R.");
    assert!(
        system.starts_with("it wants to call `os.system`, which weights never need"),
        "{system}"
    );
    for pickle in [
        &b"\x80\x02cbuiltins\neval\n."[..],
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93.",
        b"\x80\x02ctorch.storage\n_load_from_bytes\n.",
        b"\x80\x02(ibuiltins\nexec\n.", // INST
        b"\x80\x02cos\nsystem\n)\x81.", // NEWOBJ
        b"\x80\x02(cos\nsystem\no.",    // OBJ
        b"\x80\x02\x82\x01.",           // EXT1
    ] {
        refused_pickle(pickle);
    }
}

#[test]
fn nothing_grows_beyond_reason() {
    // ten lists, each ten times the one before: ten thousand million values out of a hundred bytes
    let mut laughs = b"\x80\x02]q\0".to_vec();
    for level in 0u8..10 {
        laughs.extend(b"](");
        (0..10).for_each(|_| laughs.extend([b'h', level]));
        laughs.extend([b'e', b'q', level + 1]);
    }
    laughs.push(b'.');
    assert!(refused_pickle(&laughs).contains("MiB"));
    // a list that holds itself
    assert!(refused_pickle(b"\x80\x02]q\0h\0a.").contains("deep"));
    // a text of 4 GiB, an integer of 2 GiB
    assert!(refused_pickle(b"\x80\x02X\xff\xff\xff\xff.").contains("too early"));
    assert!(refused_pickle(b"\x80\x02\x8b\xff\xff\xff\x7f.").contains("too early"));
}

#[test]
fn damaged_pickles_are_refused() {
    for pickle in [
        &b""[..],
        b"\x80\x02.",
        b"\x80\x01N.",
        b"\x80\x02Nt.",
        b"\x80\x02(.",
        b"\x80\x02N(0.",
        b"\x80\x02h\0.",
        b"\x80\x02NNa.",
        b"\x80\x02}(Nu.",
        b"\x80\x02NNs.",
        b"\x80\x02NNR.",
        b"\x80\x02NQ.",
        b"\x80\x02NNb.",
        b"\x80\x02X\x01\0\0\0\xff.",
        b"\x80\x02ctorch\nFloatStorage\n)R.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"\x80\x02ctorch._utils\n_rebuild_parameter\nN\x85R.",
        b"\x80\x02ctorch\nFloatStorage\n.",
    ] {
        refused_pickle(pickle);
    }
}

#[test]
fn views_stay_within_their_storage() {
    let view = |size: &[i64], stride: &[i64], offset: i64| storage::fits(size, stride, offset, 10);
    assert!(view(&[10], &[1], 0) && view(&[2, 5], &[5, 1], 0) && view(&[], &[], 9));
    assert!(view(&[1000, 2], &[0, 1], 8), "an expanded tensor");
    assert!(view(&[0, 7], &[7, 1], 10));
    assert!(!view(&[11], &[1], 0) && !view(&[10], &[1], 1) && !view(&[], &[], 10));
    assert!(!view(&[2], &[-1], 5) && !view(&[-1], &[1], 0) && !view(&[1], &[1], -1));
    assert!(!view(&[i64::MAX, i64::MAX], &[0, 0], 0) && !view(&[3], &[i64::MAX], 0));
    assert!(!view(&[2, 2], &[1], 0));
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.pth");
    let value = Value::dict([
        ("none", Value::None),
        (
            "numbers",
            Value::from(vec![0, 255, 256, -1, i64::MAX, i64::MIN]),
        ),
        (
            "floats",
            Value::Tuple(vec![0.1.into(), f64::INFINITY.into()]),
        ),
        ("truth", Value::from(vec![true, false])),
        ("text", Value::from("größer")),
        ("empty", Value::dict::<&str>([])),
        ("weights", tensors().to_value()),
    ]);
    save_value(&path, &value).unwrap();
    let found = load_value(&path).unwrap();
    assert_eq!(format!("{found:?}"), format!("{value:?}"));
    let weights = found.get("weights").unwrap().to_state_dict().unwrap();
    for ((name, expected), (_, tensor)) in tensors().iter().zip(weights.iter()) {
        assert_eq!(tensor, expected, "{name}");
    }
}

#[test]
fn weights_go_through_both_kinds_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut weights: Vec<(String, Tensor)> = Vec::new();
    for kind in [
        Kind::Float,
        Kind::Double,
        Kind::Half,
        Kind::BFloat16,
        Kind::Int64,
        Kind::Uint8,
        Kind::Bool,
    ] {
        let tensor = Tensor::arange(12, (Kind::Float, Device::Cpu))
            .view([3, 4])
            .to_kind(kind);
        weights.push((format!("{kind:?}"), tensor.tr())); // not contiguous
    }
    weights.push((
        "none".into(),
        Tensor::zeros([0, 3], (Kind::Float, Device::Cpu)),
    ));
    let weights: StateDict = weights.into_iter().collect();
    for name in ["weights.pth", "weights.safetensors"] {
        let path = folder.path().join(name);
        save(&path, &weights).unwrap();
        let found = load(&path).unwrap();
        for (name, tensor) in weights.iter() {
            let other = found.get(name).unwrap();
            assert_eq!((other.kind(), other), (tensor.kind(), tensor), "{name}");
        }
    }
}
