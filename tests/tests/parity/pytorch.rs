//! A Python with PyTorch, if there is one. The tests of `crates/train` look for it here as well.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where it may be named.
const NAMED: &str = "CVSTUDY_PYTORCH";

/// A command that starts it: the Python that `CVSTUDY_PYTORCH` names, or the one that the benchmarks have installed.
/// Nothing if there is none, which is said aloud: a test that has not been made must not look like one that has.
pub(crate) fn command() -> Option<Command> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| {
        let found = find();
        say(&match &found {
            Some(python) => format!("compared with the PyTorch of {}", python.display()),
            None => format!(
                "SKIPPED: what needs PyTorch, for there is none here. `cargo xtask bench --install-peers` installs it; \
                 or let {NAMED} name a Python with torch, torchvision and numpy"
            ),
        });
        found
    });
    let mut command = Command::new(python.as_ref()?);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command)
}

fn find() -> Option<PathBuf> {
    if let Some(named) = set(NAMED) {
        let named = PathBuf::from(named);
        assert!(
            works(&named),
            "{NAMED} names {}, which cannot import torch, torchvision and numpy",
            named.display()
        );
        return Some(named);
    }
    let cache = || set("XDG_CACHE_HOME").map(|cache| Path::new(&cache).join("cvstudy"));
    let home = set("CVSTUDY_HOME")
        .map(PathBuf::from)
        .or_else(cache)
        .or_else(|| Some(env::home_dir()?.join(".cache/cvstudy")));
    let peers = home?.join("peers/bin/python");
    works(&peers).then_some(peers)
}

fn set(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn works(python: &Path) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", "import torch, torchvision, numpy"]);
    command.output().is_ok_and(|output| output.status.success())
}

/// Says something even if the test succeeds, whose prints are kept back.
pub(crate) fn say(text: &str) {
    let _unheard = writeln!(io::stderr(), "{text}");
}
