//! The Python environment: pip for the downloads, JupyterLab for the lessons.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::console::Console;
use super::place::{Place, remove, write_whole};
use super::{Part, State, Step, pip, prerequisites};

/// What is installed, as pip wants it. A change here is installed at the next start.
const PACKAGES: [&str; 2] = ["jupyterlab>=4.4,<5", "jupyterlab_widgets>=3,<4"];

/// Bytes that the environment takes with JupyterLab in it, and while it is filled.
const SPACE_FOR_JUPYTER: u64 = 500_000_000;

/// An environment with nothing in it but pip.
pub(super) struct Environment;

impl Environment {
    /// Written last. Names the Python below, so that an upgrade of it is noticed.
    fn marker(place: &Place) -> PathBuf {
        place.venv().join("cvstudy-python")
    }
}

impl Step for Environment {
    fn inspect(&self, place: &Place) -> Part {
        let marked = fs::read_to_string(Environment::marker(place));
        let state = match (marked, fs::canonicalize(place.python())) {
            (Err(_), _) => State::Missing,
            (Ok(marked), Ok(below)) if below.as_os_str() == marked.as_str() => State::Ok,
            (Ok(marked), _) => State::Wrong(format!("it was made for {marked}, which has changed")),
        };
        Part {
            name: "Python environment",
            state,
            needed: true,
            path: Some(place.venv()),
            version: version_in_config(place),
        }
    }

    fn provide(&self, place: &Place) -> Result<()> {
        let python = prerequisites::python()?;
        let console = Console::begin("Python environment");
        remove(&place.venv())?;
        let output = Command::new(&python.program)
            .args(["-m", "venv"])
            .arg(place.venv())
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {}", python.program.display()))?;
        if !output.status.success() {
            bail!(
                "Python could not make an environment in {}: {}{}. {}",
                place.venv().display(),
                String::from_utf8_lossy(&output.stdout).trim(),
                String::from_utf8_lossy(&output.stderr).trim(),
                prerequisites::PYTHON_ADVICE
            );
        }
        let below = fs::canonicalize(place.python())
            .with_context(|| format!("{} leads nowhere", place.python().display()))?;
        write_whole(
            &Environment::marker(place),
            below.as_os_str().as_encoded_bytes(),
        )?;
        console.done(&format!(
            "Python {} in {}",
            python.version,
            place.venv().display()
        ));
        Ok(())
    }
}

/// The version that the environment was made with, from its own description.
fn version_in_config(place: &Place) -> Option<String> {
    let config = fs::read_to_string(place.venv().join("pyvenv.cfg")).ok()?;
    let line = config.lines().find(|line| line.starts_with("version"))?;
    Some(line.split_once('=')?.1.trim().to_owned())
}

/// JupyterLab in that environment.
pub(super) struct Jupyter;

impl Jupyter {
    /// Written last. Names what was asked for, so that a change of [`PACKAGES`] is noticed.
    fn marker(place: &Place) -> PathBuf {
        place.venv().join("cvstudy-packages")
    }
}

impl Step for Jupyter {
    fn inspect(&self, place: &Place) -> Part {
        let state = match fs::read_to_string(Jupyter::marker(place)) {
            Err(_) => State::Missing,
            Ok(marked) if marked == PACKAGES.join("\n") => State::Ok,
            Ok(_) => State::Wrong("it holds other packages than this version asks for".to_owned()),
        };
        Part {
            name: "JupyterLab",
            state,
            needed: true,
            path: Some(place.venv().join("bin/jupyter-lab")),
            version: installed_version(place, "jupyterlab"),
        }
    }

    fn provide(&self, place: &Place) -> Result<()> {
        prerequisites::need_space(&place.home, SPACE_FOR_JUPYTER, "JupyterLab")?;
        let console = Console::begin("JupyterLab");
        let done = pip::install(place, &PACKAGES, &console)?;
        write_whole(&Jupyter::marker(place), PACKAGES.join("\n").as_bytes())?;
        remove(&place.scratch())?;
        let version = installed_version(place, "jupyterlab").unwrap_or_default();
        console.done(&format!("version {version}, {done}"));
        Ok(())
    }
}

/// The version in the name of `lib/python3.x/site-packages/PACKAGE-VERSION.dist-info`.
fn installed_version(place: &Place, package: &str) -> Option<String> {
    let pythons = fs::read_dir(place.venv().join("lib")).ok()?;
    let packages = pythons
        .flatten()
        .filter_map(|python| fs::read_dir(python.path().join("site-packages")).ok());
    packages.flatten().flatten().find_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let version = name.strip_prefix(package)?.strip_prefix('-')?;
        Some(version.strip_suffix(".dist-info")?.to_owned())
    })
}

/// Replaces this process by JupyterLab on the lessons, so that Ctrl-C and the exit code are its own.
///
/// # Errors
/// When it cannot be started; else this does not return.
pub(super) fn become_jupyter_lab(place: &Place, options: &[OsString]) -> Result<()> {
    let mut root = OsString::from("--ServerApp.root_dir=");
    root.push(place.notebooks());
    let mut lab = Command::new(place.python());
    lab.args(["-m", "jupyterlab"]).arg(root);
    // In a container the user is often root, whom the server turns away unless told otherwise.
    if rustix::process::geteuid().is_root() {
        lab.arg("--allow-root");
    }
    let error = lab.args(options).current_dir(place.notebooks()).exec();
    Err(error).with_context(|| format!("cannot start JupyterLab with {}", place.python().display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, Place) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            home: folder.path().join("home"),
            checkout: folder.path().join("clone"),
        };
        (folder, place)
    }

    #[test]
    fn an_environment_whose_python_has_changed_is_noticed() {
        let (folder, place) = place();
        assert_eq!(Environment.inspect(&place).state, State::Missing);
        let below = folder.path().join("python3.11");
        fs::write(&below, "").unwrap();
        fs::create_dir_all(place.venv().join("bin")).unwrap();
        std::os::unix::fs::symlink(&below, place.python()).unwrap();
        let canonical = fs::canonicalize(&below).unwrap();
        fs::write(Environment::marker(&place), canonical.to_str().unwrap()).unwrap();
        assert_eq!(Environment.inspect(&place).state, State::Ok);
        fs::rename(&below, folder.path().join("python3.12")).unwrap();
        assert!(matches!(Environment.inspect(&place).state, State::Wrong(_)));
    }

    #[test]
    fn the_version_of_a_package_is_not_its_neighbours() {
        let (_folder, place) = place();
        let packages = place.venv().join("lib/python3.11/site-packages");
        for name in [
            "jupyterlab_server-2.28.0.dist-info",
            "jupyterlab-4.6.6.dist-info",
        ] {
            fs::create_dir_all(packages.join(name)).unwrap();
        }
        let version = installed_version(&place, "jupyterlab");
        assert_eq!(version.as_deref(), Some("4.6.6"));
    }
}
