//! Jupyter's own Python, which knows nothing of our code.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::programs;

/// The Python of the set-up, with Jupyter in it, about to run from `tests/` with the path of our
/// program in `CVSTUDY`.
///
/// # Errors
/// When the set-up has not been made, or the program has not been built.
pub fn command() -> anyhow::Result<Command> {
    let python = home()?.join("venv/bin/python");
    ensure!(
        python.exists(),
        "{} is missing: `cargo xtask test` sets it up",
        python.display()
    );
    let mut command = Command::new(python);
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CVSTUDY", programs::built("cvstudy")?)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

/// Runs a module of Python's `unittest` in a folder of `tests/`.
///
/// # Panics
/// When one of its tests fails, or there are none, with what it said; and when it cannot be run.
pub fn unittest(python: anyhow::Result<Command>, folder: &str, module: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let output = python.and_then(|mut python| {
        python
            .current_dir(folder)
            .args(["-m", "unittest", "-v", module])
            .stdin(Stdio::null());
        Ok(python.output()?)
    });
    let output = output.unwrap_or_else(|error| panic!("{error:?}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("Ran 0 tests"), "{said}");
}

/// Makes sure that a package of the tests alone is there; pip fetches it the first time.
///
/// # Errors
/// When there is no network, or as [`command`].
pub fn install(module: &str, version: &str) -> anyhow::Result<()> {
    let output = command()?
        .args(["-c", &format!("import {module}")])
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    let output = command()?
        .args(pip)
        .arg(format!("{module}=={version}"))
        .output()?;
    ensure!(
        output.status.success(),
        "pip cannot install {module}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// A Python of its own with a package in it, which Jupyter's Python had better not share; made the first time.
/// Otherwise as [`command`].
///
/// # Errors
/// When there is no network, or as [`command`].
pub fn with_package(name: &str, requirement: &str) -> anyhow::Result<Command> {
    let folder = home()?.join(format!("tests-{name}"));
    let python = folder.join("bin/python");
    let is_there = || -> anyhow::Result<bool> {
        Ok(python.exists()
            && Command::new(&python)
                .args(["-c", &format!("import {name}")])
                .output()?
                .status
                .success())
    };
    if !is_there()? {
        let run = |mut command: Command, what: &str| -> anyhow::Result<()> {
            let output = command.output()?;
            ensure!(
                output.status.success(),
                "{what}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            Ok(())
        };
        let mut make = command()?;
        make.args(["-m", "venv"]).arg(&folder);
        run(make, "cannot make a Python environment")?;
        let mut pip = Command::new(&python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            requirement,
        ]);
        run(pip, "pip cannot install it")?;
    }
    let mut command = Command::new(python);
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CVSTUDY", programs::built("cvstudy")?)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

/// The folder for everything generated.
///
/// # Errors
/// When no variable says where.
pub fn home() -> anyhow::Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("CVSTUDY_HOME")
        .map(PathBuf::from)
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| PathBuf::from(cache).join("cvstudy")))
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".cache/cvstudy")))
        .context("neither CVSTUDY_HOME nor HOME is set")
}
