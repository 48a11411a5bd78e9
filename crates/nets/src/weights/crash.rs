//! Writers that do not get to the end, for whatever reason, leave the old file as it was.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use tch::{Device, Kind, Tensor};

use super::tests::{message, tensors};
use super::*;

/// A disk on which there is room for so many bytes.
struct Full<'f> {
    file: &'f File,
    left: usize,
}

impl Write for Full<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = self.file.write(&bytes[..bytes.len().min(self.left)])?;
        self.left -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Full<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn a_disk_that_is_full_after_any_byte_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.pth");
    save(&path, &tensors()).unwrap();
    let old = fs::read(&path).unwrap();
    let other = Value::dict([(
        "other",
        Value::Tensor(Tensor::arange(9, (Kind::Float, Device::Cpu))),
    )]);
    let try_with = |left| atomic::write(&path, |file| pth::write_zip(Full { file, left }, &other));
    let mut failures = 0;
    // Sizes are written again when they are known, so more bytes are written than the file has.
    while let Err(problem) = try_with(failures) {
        assert!(problem.0.contains("no storage space"), "{}", problem.0);
        assert!(fs::read(&path).unwrap() == old, "after {failures} bytes");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        failures += 1;
        assert!(failures < 10_000, "it never succeeds");
    }
    assert!(failures > 500, "{failures}");
    assert_eq!(load(&path).unwrap().names(), ["other"]);
}

#[test]
fn what_dead_writers_have_left_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.pth");
    let unfinished = |name: &str, age: u64| {
        let file = File::create(folder.path().join(name)).unwrap();
        let then = SystemTime::now() - Duration::from_secs(age);
        file.set_modified(then).unwrap();
        file
    };
    drop(unfinished(".saving-dead", 3600));
    drop(unfinished(".saving-young", 1)); // perhaps not locked yet
    let alive = unfinished(".saving-alive", 3600);
    alive.lock().unwrap();
    drop(unfinished("saving-mine", 3600));
    save(&path, &tensors()).unwrap();
    let mut names: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            ".saving-alive",
            ".saving-young",
            "saving-mine",
            "weights.pth"
        ]
    );
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.pth");
    save(&path, &tensors()).unwrap();
    let undefined = Value::dict([("a", Value::Tensor(Tensor::new()))]);
    assert!(message(save_value(&path, &undefined)).contains("undefined"));
    let failing = atomic::write(&path, |mut file| {
        file.write_all(b"half")?;
        problem("the power is gone")
    });
    assert!(failing.is_err());
    assert_eq!(load(&path).unwrap().len(), 3);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left lying around"
    );
    assert!(
        message(save(folder.path().join("no/folder.pth"), &tensors())).contains("No such file")
    );
}

/// Where the child process of the crash test writes.
const CRASH: &str = "CVSTUDY_CRASH_TEST";

fn all_alike(value: f64) -> StateDict {
    let tensor = Tensor::full([300, 1000], value, (Kind::Float, Device::Cpu));
    [
        ("a".to_owned(), tensor.shallow_clone()),
        ("b".to_owned(), tensor),
    ]
    .into_iter()
    .collect()
}

/// Not a test: what a child process does under a limit.
#[test]
#[ignore = "started by a crash test"]
fn write_once() {
    if let Some(path) = std::env::var_os(CRASH) {
        save(Path::new(&path), &all_alike(1.0)).unwrap();
    }
}

/// Not a test: what a child process does until it is killed.
#[test]
#[ignore = "started by a crash test"]
fn write_without_end() {
    let Some(path) = std::env::var_os(CRASH) else {
        return;
    };
    for number in 1.. {
        save(Path::new(&path), &all_alike(f64::from(number))).unwrap();
        println!("{number}");
    }
}

/// A process that does one of the above, started by a line of the shell.
fn child(what: &str, path: &Path, line: &str) -> Child {
    let test = std::env::current_exe().unwrap();
    Command::new("sh")
        .args(["-c", line, "sh", test.to_str().unwrap()])
        .args(["--ignored", "--exact", "--nocapture"])
        .arg(format!("weights::crash::{what}"))
        .env(CRASH, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A file of 2.4 MB, and a limit that it reaches somewhere: the system kills the writer at this very byte, or, when the
/// signal is ignored, lets the write fail.
#[test]
fn a_limit_on_the_size_of_files_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.pth");
    save(&path, &all_alike(7.0)).unwrap();
    let old = fs::read(&path).unwrap();
    for blocks in [0, 1, 2, 3, 1000, 2343, 2344, 4687, 4688] {
        for ignored in ["", "trap '' XFSZ; "] {
            let line = format!("{ignored}ulimit -c 0; ulimit -f {blocks}; exec \"$@\" 2>&1");
            let child = child("write_once", &path, &line);
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                !output.status.success(),
                "{blocks} blocks, {ignored}: {said}"
            );
            assert!(
                fs::read(&path).unwrap() == old,
                "{blocks} blocks, {ignored}"
            );
            if !ignored.is_empty() {
                assert!(said.contains("File too large"), "{blocks} blocks: {said}");
                assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
            }
            // Who is killed cannot tidy up; the next one does, after a minute.
            for entry in fs::read_dir(folder.path()).unwrap() {
                let entry = entry.unwrap().path();
                if entry != path {
                    fs::remove_file(entry).unwrap();
                }
            }
        }
    }
}

#[test]
fn a_writer_that_is_killed_leaves_a_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.pth");
    save(&path, &all_alike(0.0)).unwrap();
    for round in 1..=5 {
        let mut child = child("write_without_end", &path, "exec \"$@\"");
        // When a file is written, the child is somewhere in the next one; a little further each round.
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let written = said.find(|line| line.as_ref().unwrap().trim() == "2");
        assert!(written.is_some());
        std::thread::sleep(Duration::from_millis(round));
        child.kill().unwrap();
        child.wait().unwrap();
        let weights = load(&path).unwrap();
        let value = |name| weights.get(name).unwrap().double_value(&[0, 0]);
        let (first, second) = (value("a"), value("b"));
        assert_eq!(first, second, "half of one file, half of another");
        assert!(first >= 2.0);
        assert!(
            weights
                .iter()
                .all(|(_, tensor)| tensor.eq(first).all().double_value(&[]) == 1.0)
        );
    }
}
