//! How Jupyter learns of this kernel: a folder with `kernel.json` and logos.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::place::{Place, folder_from_env, make_folder, program, write_whole};
use super::{Need, Part, State, Step, ensure};

/// The name of the kernelspec's folder.
const NAME: &str = "cvstudy";

const LOGO_32: &[u8] = include_bytes!("../../assets/logo-32x32.png");
const LOGO_64: &[u8] = include_bytes!("../../assets/logo-64x64.png");
const LOGO_SVG: &[u8] = include_bytes!("../../assets/logo-svg.svg");

/// Options of `cvstudy install`.
#[derive(Debug, clap::Args)]
pub(crate) struct InstallOptions {
    /// Name of the kernelspec
    #[arg(long, default_value = NAME, value_parser = valid_name)]
    name: String,
    /// Install for this user (the default)
    #[arg(long, conflicts_with_all = ["sys_prefix", "prefix"])]
    user: bool,
    /// Install into the Python environment in use
    #[arg(long, conflicts_with = "prefix")]
    sys_prefix: bool,
    /// Install under PREFIX/share/jupyter/kernels
    #[arg(long)]
    prefix: Option<PathBuf>,
}

/// Installs the kernelspec for a Jupyter of the user's own, and sets up what the kernel needs to run cells.
///
/// # Errors
/// As [`ensure`], and when the folder cannot be written.
pub(crate) fn install(options: InstallOptions) -> Result<()> {
    ensure(Need::Course)?;
    let kernels = if let Some(prefix) = options.prefix {
        std::path::absolute(&prefix)?.join("share/jupyter/kernels")
    } else if options.sys_prefix {
        python_prefix()?.join("share/jupyter/kernels")
    } else {
        user_kernels()?
    };
    let folder = kernels.join(&options.name);
    write(&folder)?;
    println!(
        "kernelspec {} installed in {}",
        options.name,
        folder.display()
    );
    Ok(())
}

/// Jupyter allows ASCII letters, digits, `.`, `-` and `_`.
fn valid_name(name: &str) -> Result<String, String> {
    let valid = |sign: char| sign.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&sign);
    if name.is_empty() || !name.chars().all(valid) || name.starts_with('.') {
        return Err("use ASCII letters, digits, `.`, `-` and `_`".to_owned());
    }
    Ok(name.to_owned())
}

/// Where Jupyter looks for a user's own kernels.
pub(super) fn user_kernels() -> Result<PathBuf> {
    if let Some(data) = folder_from_env("JUPYTER_DATA_DIR") {
        return Ok(data.join("kernels"));
    }
    let home = env::home_dir().context("no home folder: set JUPYTER_DATA_DIR, or use --prefix")?;
    let data = if cfg!(target_os = "macos") {
        home.join("Library/Jupyter")
    } else {
        folder_from_env("XDG_DATA_HOME")
            .unwrap_or_else(|| home.join(".local/share"))
            .join("jupyter")
    };
    Ok(data.join("kernels"))
}

fn python_prefix() -> Result<PathBuf> {
    let output = Command::new("python3")
        .args(["-c", "import sys; print(sys.prefix)"])
        .output()
        .context("cannot run python3, whose environment --sys-prefix means")?;
    if !output.status.success() {
        bail!("python3 does not say where its environment is: use --prefix");
    }
    let prefix = String::from_utf8_lossy(&output.stdout);
    Ok(PathBuf::from(prefix.trim()))
}

/// The kernelspec in the environment that `cvstudy lab` starts.
pub(super) struct LabSpec;

fn lab_folder(place: &Place) -> PathBuf {
    place.venv().join("share/jupyter/kernels").join(NAME)
}

impl Step for LabSpec {
    fn inspect(&self, place: &Place) -> Part {
        inspect("kernelspec", lab_folder(place))
    }

    fn provide(&self, place: &Place) -> Result<()> {
        write(&lab_folder(place))
    }
}

/// How a kernelspec stands: right when it starts this very program.
pub(super) fn inspect(name: &'static str, folder: PathBuf) -> Part {
    let state = match (fs::read(folder.join("kernel.json")), files()) {
        (Err(_), _) => State::Missing,
        (Ok(_), Ok(files)) if is_written(&folder, &files) => State::Ok,
        (Ok(_), _) => State::Wrong("it starts another program than this one".to_owned()),
    };
    Part {
        name,
        state,
        needed: true,
        path: Some(folder),
        version: None,
    }
}

fn is_written(folder: &Path, files: &[(&str, Vec<u8>)]) -> bool {
    files
        .iter()
        .all(|(name, content)| fs::read(folder.join(name)).is_ok_and(|found| found == *content))
}

fn write(folder: &Path) -> Result<()> {
    make_folder(folder)?;
    for (name, content) in files()? {
        write_whole(&folder.join(name), &content)?;
    }
    Ok(())
}

/// The files of the kernelspec; `kernel.json` last, for it is what makes Jupyter look.
fn files() -> Result<[(&'static str, Vec<u8>); 4]> {
    let mut spec = serde_json::to_vec_pretty(&spec(&program()?))?;
    spec.push(b'\n');
    Ok([
        ("logo-32x32.png", LOGO_32.to_vec()),
        ("logo-64x64.png", LOGO_64.to_vec()),
        ("logo-svg.svg", LOGO_SVG.to_vec()),
        ("kernel.json", spec),
    ])
}

fn spec(program: &Path) -> serde_json::Value {
    json!({
        "argv": [program, "kernel", "--connection-file", "{connection_file}"],
        "display_name": "Rust (CV study)",
        "language": "rust",
        "interrupt_mode": "message",
        "metadata": { "debugger": false },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found_right_and_what_is_edited_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let spec = folder.path().join("kernels/cvstudy");
        assert_eq!(inspect("kernelspec", spec.clone()).state, State::Missing);
        write(&spec).unwrap();
        assert_eq!(inspect("kernelspec", spec.clone()).state, State::Ok);
        fs::write(spec.join("kernel.json"), "{}").unwrap();
        assert!(matches!(inspect("kernelspec", spec).state, State::Wrong(_)));
    }

    #[test]
    fn names_that_jupyter_refuses_are_refused() {
        assert!(valid_name("cvstudy-2.dev").is_ok());
        for bad in ["", "a b", "../up", ".hidden", "größe"] {
            assert!(valid_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn logos_have_the_sizes_in_their_names() {
        // A PNG holds its width and height at bytes 16 to 24, big-endian.
        for (logo, side) in [(LOGO_32, 32), (LOGO_64, 64)] {
            assert_eq!(logo[..8], *b"\x89PNG\r\n\x1a\n");
            assert_eq!(logo[16..20], u32::to_be_bytes(side));
            assert_eq!(logo[20..24], u32::to_be_bytes(side));
        }
    }
}
