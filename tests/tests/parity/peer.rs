//! The scripts of `tests/fixtures/nets`, run by a Python with PyTorch, if there is one.

use std::path::{Path, PathBuf};

use crate::pytorch::command;

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
