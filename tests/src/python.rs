//! Jupyter's own Python, which knows nothing of our code.

use std::path::PathBuf;
use std::process::Command;

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
