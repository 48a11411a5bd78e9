//! A Python with PyTorch, if there is one.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A command that starts it, or nothing; the first call says which.
pub(crate) fn command() -> Option<Command> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| {
        let found = candidates().into_iter().find(|python| works(python));
        match &found {
            Some(python) => eprintln!("compared with the PyTorch of {}", python.display()),
            None => eprintln!("no PyTorch found: compared with the numbers of the repository"),
        }
        found
    });
    let mut command = Command::new(python.as_ref()?);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command)
}

fn candidates() -> Vec<PathBuf> {
    let named = env::var_os("CVSTUDY_PYTORCH").map(PathBuf::from);
    let home = env::var_os("CVSTUDY_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cache/cvstudy")));
    let peers = home.map(|home| home.join("peers/bin/python"));
    named.into_iter().chain(peers).collect()
}

fn works(python: &Path) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", "import torch, torchvision, numpy"]);
    command.output().is_ok_and(|output| output.status.success())
}

/// Runs a script of `tests/fixtures/nets`, if there is a PyTorch to run it.
pub(crate) fn run(script: &str, arguments: &[&str]) -> Option<()> {
    let mut command = command()?;
    let output = command
        .arg(fixtures().join(script))
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {said}");
    Some(())
}

/// The folder of the scripts and of what they made.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/nets")
}
