//! The executables that the build has made.

use std::path::PathBuf;

use anyhow::{Context, ensure};

/// The executable `name` of this workspace, which stands beside the folder of the running test.
///
/// # Errors
/// When it has not been built.
pub fn built(name: &str) -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.ancestors().nth(2).context("a test runs in `deps`")?;
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    ensure!(
        program.exists(),
        "{} is not built: `cargo build --bin {name}` builds it",
        program.display()
    );
    Ok(program)
}
