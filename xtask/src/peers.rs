//! What others use, to be measured beside ours: found, and installed on demand.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::project::{Setup, cargo};

/// What the Python peers need. torch's wheel for Linux does not load without NVIDIA's libraries, though no
/// GPU is used: about 2.8 GB are downloaded and 4.8 GB kept. Without numpy, torch warns at every start.
const PYTHON_PACKAGES: [&str; 7] = [
    "torch==2.13.0",
    "torchvision==0.28.0",
    "ipykernel",
    "numpy",
    "albumentations==2.0.8",
    "opencv-python-headless",
    "cleanvision",
];

const EVCXR_VERSION: &str = "0.22.0";

/// The Python of the peers' own environment, if it has been installed.
pub(crate) fn python(setup: &Setup) -> Option<PathBuf> {
    let environment = environment(setup);
    let installed = std::fs::read_to_string(environment.join("installed")).ok()?;
    // An environment of earlier days lacks what has been added to the list since.
    (installed == PYTHON_PACKAGES.join("\n")).then(|| environment.join("bin/python"))
}

fn environment(setup: &Setup) -> PathBuf {
    setup.home.join("peers")
}

/// A Python with nbgrader in it, if the tests of grading have made theirs.
pub(crate) fn nbgrader(setup: &Setup) -> Option<PathBuf> {
    let python = setup.home.join("tests-nbgrader/bin/python");
    python.is_file().then_some(python)
}

/// The executable `evcxr_jupyter`, if it has been installed.
pub(crate) fn evcxr() -> Option<PathBuf> {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let folders = env::split_paths(&env::var_os("PATH")?)
        .chain(cargo_home.map(|folder| folder.join("bin")))
        .collect::<Vec<_>>();
    folders
        .into_iter()
        .map(|folder| folder.join("evcxr_jupyter"))
        .find(|program| program.is_file())
}

/// Installs all peers; what is there already is left alone.
///
/// # Errors
/// Without a network or disk space.
pub(crate) fn install(setup: &Setup) -> Result<()> {
    if python(setup).is_none() {
        let environment = environment(setup);
        eprintln!("installing {} (about 2.8 GB)", PYTHON_PACKAGES.join(", "));
        if !environment.join("bin/python").exists() {
            run(Command::new(&setup.python)
                .args(["-m", "venv", "--clear"])
                .arg(&environment))?;
        }
        let pip = ["-m", "pip", "install", "--no-cache-dir"];
        run(Command::new(environment.join("bin/python"))
            .args(pip)
            .args(PYTHON_PACKAGES))?;
        std::fs::write(environment.join("installed"), PYTHON_PACKAGES.join("\n"))
            .with_context(|| format!("cannot write in {}", environment.display()))?;
    }
    if evcxr().is_none() {
        eprintln!("installing evcxr_jupyter {EVCXR_VERSION} (5 to 9 minutes on two cores)");
        run(&mut cargo(&[
            "install",
            "evcxr_jupyter",
            "--version",
            EVCXR_VERSION,
            "--locked",
        ]))?;
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let program = Path::new(command.get_program()).display().to_string();
    let status = command
        .status()
        .with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("{program} failed");
    }
    Ok(())
}
