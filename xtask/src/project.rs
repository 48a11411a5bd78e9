//! Where things are, and the set-up that every task begins with.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The root of the clone.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// cargo, in the root of the clone.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(root());
    // Under `cargo run` it is set already, to what cargo sets by itself; left in place it would look like
    // another value than plain `cargo build` sees, and rebuild libtorch's bindings.
    let by_cargo = root().join(".cargo/libtorch");
    if std::env::var_os("LIBTORCH").is_some_and(|libtorch| libtorch == by_cargo) {
        cargo.env_remove("LIBTORCH");
    }
    cargo
}

/// What the set-up has put in place, as `cvstudy doctor --json` says it.
#[derive(Debug, Deserialize)]
pub(crate) struct Setup {
    /// The cache folder.
    pub(crate) home: PathBuf,
    /// The executable `cvstudy`.
    pub(crate) program: PathBuf,
    /// A Python with Jupyter's client in it.
    pub(crate) python: PathBuf,
    parts: Vec<Part>,
}

#[derive(Debug, Deserialize)]
struct Part {
    part: String,
    path: Option<PathBuf>,
}

impl Setup {
    /// Puts in place what is missing, and says where it all is.
    ///
    /// # Errors
    /// When something is missing that the set-up cannot provide; it has said what.
    pub(crate) fn provide() -> Result<Setup> {
        let doctor = ["run", "--bin", "cvstudy", "--", "doctor"];
        // The table goes where progress goes: stdout may be read by a program.
        let status = cargo(&doctor)
            .arg("--fix")
            .stdin(Stdio::null())
            .stdout(std::io::stderr())
            .status();
        if !status.context("cannot run cargo")?.success() {
            bail!("the set-up is not complete");
        }
        let output = cargo(&doctor)
            .args(["--json"])
            .stderr(Stdio::null())
            .output();
        let output = output.context("cannot run cargo")?;
        serde_json::from_slice(&output.stdout).context("`cvstudy doctor --json` is not understood")
    }

    /// The folder of libtorch, with `lib` in it.
    pub(crate) fn libtorch(&self) -> Result<&Path> {
        let part = self.parts.iter().find(|part| part.part == "libtorch");
        let path = part.and_then(|part| part.path.as_deref());
        path.context("`cvstudy doctor --json` names no libtorch")
    }
}
