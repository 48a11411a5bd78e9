//! Data sets there and back: what others write is read, what is written others read.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use data::{Samples, Warehouse, write_shards};

/// The release of webdataset that shards go to and come from.
const WEBDATASET: &str = "webdataset==1.0.2";

/// Pictures by hard names, sorted as `torchvision.datasets.ImageFolder` of torchvision 0.28 sorts them.
const SORTED: [&str; 9] = [
    "Sea/Z.PNG",
    "Sea/a b.png",
    "Sea/\u{fc}ber.png",
    "Sea/\u{1F42C}.png",
    "Sea/deep/0.png",
    "Sea/deep 2/0.png",
    "Sea/deep/er/9.png",
    "forest/10.png",
    "forest/9.png",
];

const IMAGE_FOLDER: &str = "
import json, os, sys
from torchvision.datasets import ImageFolder
found = ImageFolder(sys.argv[1])
print(json.dumps([found.classes, [[os.path.relpath(path, sys.argv[1]), label] for path, label in found.samples]]))
";

const READ_SHARDS: &str = "
import json, sys
import webdataset
found = webdataset.WebDataset(sys.argv[1:], shardshuffle=False).decode()
print(json.dumps([[sample['png'].hex(), sample['cls']] for sample in found]))
";

const WRITE_SHARDS: &str = "
import os, sys
import webdataset
folder, pictures = sys.argv[1], sys.argv[2:]
with webdataset.ShardWriter(os.path.join(folder, 'shard-%06d.tar'), maxcount=3) as shards:
    for number, path in enumerate(pictures):
        with open(path, 'rb') as picture:
            shards.write({'__key__': 'key%05d' % number, 'png': picture.read(), 'cls': number % 2})
";

/// A grey picture for each of [`SORTED`].
fn plant(root: &Path) {
    for (number, name) in SORTED.iter().enumerate() {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        vision::Image::filled(5, 4, [number as u8 * 20; 3])
            .unwrap()
            .save(path)
            .unwrap();
    }
}

fn python(mut command: Command, script: &str, arguments: &[impl AsRef<std::ffi::OsStr>]) -> String {
    let output = command
        .arg("-c")
        .arg(script)
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What torchvision finds in a folder, where it is installed: classes, and pictures with labels.
fn torchvision(root: &Path) -> Option<serde_json::Value> {
    let installed = tests::python::home().unwrap().join("peers/bin/python");
    if !installed.is_file() {
        eprintln!("no torchvision found: compared with the order of the repository");
        return None;
    }
    let said = python(Command::new(installed), IMAGE_FOLDER, &[root]);
    Some(serde_json::from_str(&said).unwrap())
}

fn listed(samples: &Samples, root: &Path) -> serde_json::Value {
    let pictures: Vec<(&Path, usize)> = (0..samples.len())
        .map(|index| {
            let path = samples.path(index).unwrap().strip_prefix(root).unwrap();
            (path, samples.label(index))
        })
        .collect();
    serde_json::json!([samples.classes(), pictures])
}

/// The same classes, pictures, labels and order as torchvision's, and of what the warehouse exports as well.
#[test]
fn image_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (root, exported) = (folder.path().join("set"), folder.path().join("exported"));
    plant(&root);
    let samples = Samples::image_folder(&root).unwrap();
    let names: Vec<&str> = (0..samples.len())
        .map(|index| {
            samples
                .path(index)
                .unwrap()
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
        })
        .collect();
    assert_eq!(names, SORTED);
    if let Some(theirs) = torchvision(&root) {
        assert_eq!(listed(&samples, &root), theirs);
    }

    let whole = Warehouse::open(&root)
        .unwrap()
        .export_folder(&exported)
        .unwrap();
    assert_eq!(whole, SORTED.len());
    let samples = Samples::image_folder(&exported).unwrap();
    if let Some(theirs) = torchvision(&exported) {
        assert_eq!(listed(&samples, &exported), theirs);
    }
}

/// Shards go to webdataset and come back, byte by byte.
#[test]
fn web_dataset() {
    let theirs = || tests::python::with_package("webdataset", WEBDATASET).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("set");
    plant(&root);
    let samples = Samples::image_folder(&root).unwrap();
    let ours = folder.path().join("ours");
    let shards = write_shards(&samples, &ours, 4).unwrap();
    let read: Vec<(String, usize)> =
        serde_json::from_str(&python(theirs(), READ_SHARDS, &shards)).unwrap();
    let bytes = |index: usize| fs::read(samples.path(index).unwrap()).unwrap();
    let written: Vec<(String, usize)> = (0..samples.len())
        .map(|index| (hex(&bytes(index)), samples.label(index)))
        .collect();
    assert_eq!(read, written);

    let back = folder.path().join("theirs");
    fs::create_dir(&back).unwrap();
    let mut arguments = vec![back.clone()];
    arguments.extend((0..samples.len()).map(|index| samples.path(index).unwrap().to_path_buf()));
    python(theirs(), WRITE_SHARDS, &arguments);
    let read = Samples::shards(&back).unwrap();
    assert_eq!(read.len(), samples.len());
    for index in 0..read.len() {
        assert_eq!(read.label(index), index % 2);
        assert_eq!(read.read(index).unwrap(), samples.read(index).unwrap());
    }
}
