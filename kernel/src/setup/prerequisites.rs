//! What the set-up cannot provide itself: the platform, Python, a C++ compiler, disk space.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use indicatif::DecimalBytes;

/// The oldest Python that runs JupyterLab and that the wheels are for.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Names under which a Python may be installed, the user's own choice first.
const PYTHON_NAMES: [&str; 7] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python",
];

/// Prints the version, then the path, then whether an environment can be made.
const PYTHON_PROBE: &str = "
import sys
print(sys.version_info[0], sys.version_info[1], sys.version_info[2])
print(sys.executable)
try:
    import venv, ensurepip
    print('venv')
except ImportError:
    print('no venv')
";

pub(super) const PYTHON_ADVICE: &str = "install Python 3.10 or newer with its venv module (Debian, Ubuntu: `sudo apt install python3 python3-venv`; Fedora: `sudo dnf install python3`), then run this again";
pub(super) const DISK_ADVICE: &str =
    "Free some space, or set CVSTUDY_HOME to a folder on another disk, then run this again";
pub(super) const COMPILER_ADVICE: &str = "install a C++ compiler (Debian, Ubuntu: `sudo apt install g++`; Fedora: `sudo dnf install gcc-c++`; Arch: `sudo pacman -S gcc`), then run this again";

/// Says whether this platform is one the set-up works on.
///
/// # Errors
/// On every platform but Linux on x86-64, with what would have to be provided there.
pub(super) fn platform() -> Result<()> {
    let (system, machine) = (env::consts::OS, env::consts::ARCH);
    if (system, machine) == ("linux", "x86_64") {
        return Ok(());
    }
    bail!(
        "this is {system} on {machine}; so far the set-up works on Linux on x86-64 only \
         (WSL2 on Windows counts). What is missing here is a libtorch: the wheels it unpacks are named in \
         kernel/src/setup/wheels.rs"
    )
}

/// A Python that can make an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Python {
    pub(super) program: PathBuf,
    pub(super) version: String,
}

/// Finds a Python of at least 3.10 with the venv module.
///
/// # Errors
/// When there is none, saying what was found instead and what to install.
pub(super) fn python() -> Result<Python> {
    let mut rejected = Vec::new();
    for name in PYTHON_NAMES {
        let Ok(output) = Command::new(name).args(["-c", PYTHON_PROBE]).output() else {
            continue;
        };
        match judge_python(&String::from_utf8_lossy(&output.stdout)) {
            Ok(python) => return Ok(python),
            Err(Some(reason)) if !rejected.contains(&reason) => rejected.push(reason),
            Err(_) => {}
        }
    }
    match rejected.as_slice() {
        [] => bail!("no Python found in PATH: {PYTHON_ADVICE}"),
        reasons => bail!("no usable Python: {}. {PYTHON_ADVICE}", reasons.join("; ")),
    }
}

/// Reads what [`PYTHON_PROBE`] printed: a usable Python, or what is wrong with it, or that it is none.
fn judge_python(probe: &str) -> Result<Python, Option<String>> {
    let mut lines = probe.lines();
    let numbers: Vec<u32> = lines
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    let (&[major, minor, patch], Some(program)) = (numbers.as_slice(), lines.next()) else {
        return Err(None);
    };
    let version = format!("{major}.{minor}.{patch}");
    if (major, minor) < OLDEST_PYTHON {
        return Err(Some(format!("{program} is {version}, too old")));
    }
    if lines.next() != Some("venv") {
        return Err(Some(format!(
            "{program} ({version}) lacks the venv module (Debian, Ubuntu: `sudo apt install python{major}.{minor}-venv`)"
        )));
    }
    Ok(Python {
        program: PathBuf::from(program),
        version,
    })
}

/// Finds the C++ compiler that builds libtorch's bindings, and the linker that rustc calls.
///
/// # Errors
/// When one of them is not in `PATH`, with what to install.
pub(super) fn compiler() -> Result<PathBuf> {
    let wanted = env::var("CXX")
        .ok()
        .and_then(|line| line.split_whitespace().next().map(str::to_owned))
        .unwrap_or_else(|| "c++".to_owned());
    let Some(compiler) = find_program(&wanted) else {
        bail!("no C++ compiler: `{wanted}` is not in PATH. {COMPILER_ADVICE}");
    };
    if find_program("cc").is_none() {
        bail!("no linker: `cc` is not in PATH. {COMPILER_ADVICE}");
    }
    Ok(compiler)
}

/// The file that a program name stands for.
pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_file());
    }
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Bytes that a user may still write where `path` is or will be.
///
/// # Errors
/// When the file system does not answer.
pub(super) fn free_bytes(path: &Path) -> Result<u64> {
    let existing = path
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(Path::new("/"));
    let stat = rustix::fs::statvfs(existing)
        .with_context(|| format!("cannot see how full the disk of {} is", existing.display()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Refuses to begin what would not fit.
///
/// # Errors
/// When fewer than `bytes` are free where `path` is or will be.
pub(super) fn need_space(path: &Path, bytes: u64, purpose: &str) -> Result<()> {
    let free = free_bytes(path)?;
    if free >= bytes {
        return Ok(());
    }
    bail!(
        "the disk is too full: {purpose} takes {} in {}, and {} are free. {DISK_ADVICE}",
        DecimalBytes(bytes),
        path.display(),
        DecimalBytes(free)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_with_venv_is_taken() {
        let found = judge_python("3 12 1\n/usr/bin/python3\nvenv\n").unwrap();
        assert_eq!(found.version, "3.12.1");
        assert_eq!(found.program, Path::new("/usr/bin/python3"));
    }

    #[test]
    fn an_old_python_and_one_without_venv_are_named() {
        let old = judge_python("3 9 2\n/usr/bin/python3\nvenv\n").unwrap_err();
        assert!(old.unwrap().contains("3.9.2, too old"));
        let bare = judge_python("3 11 2\n/usr/bin/python3\nno venv\n").unwrap_err();
        assert!(bare.unwrap().contains("apt install python3.11-venv"));
    }

    #[test]
    fn what_is_no_python_is_passed_over() {
        assert_eq!(judge_python(""), Err(None));
        assert_eq!(judge_python("command not found"), Err(None));
    }

    #[test]
    fn a_full_disk_is_told_with_both_figures() {
        let folder = tempfile::tempdir().unwrap();
        let error = need_space(&folder.path().join("not/yet"), u64::MAX, "libtorch").unwrap_err();
        assert!(error.to_string().contains("too full"), "{error}");
        need_space(folder.path(), 1, "a byte").unwrap();
    }
}
