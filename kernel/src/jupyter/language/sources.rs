//! Where the sources of the course are, and the index made of them, which is kept in the cache folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::index::Index;
use super::read::Reader;

/// Rises when the form of an index changes.
const VERSION: u32 = 3;

/// The stack for reading sources: some are nested deeply.
const STACK: usize = 64 << 20;

/// A crate to read.
struct Krate {
    name: String,
    root: PathBuf,
    /// Part of this project.
    own: bool,
}

/// The index of the course and the standard library: read from the cache, or made, which takes seconds.
///
/// # Errors
/// When cargo cannot say where the sources are.
pub(super) fn index() -> Result<Index> {
    let course = cell::Course::locate()?;
    let kept = cell::course::home()
        .join("index")
        .join(format!("{}-{VERSION}.json", course.id));
    if let Ok(text) = fs::read(&kept)
        && let Ok(mut index) = serde_json::from_slice::<Index>(&text)
    {
        index.arrange();
        return Ok(index);
    }
    let index = read(&course.rustc)?;
    if let Err(error) = keep(&kept, &index) {
        tracing::warn!(%error, "the index is not kept");
    }
    Ok(index)
}

/// Reads the sources, in a thread of its own: they need stack, and syn keeps what its thread has read.
pub(super) fn read(rustc: &Path) -> Result<Index> {
    let crates = crates(rustc)?;
    let reading = std::thread::Builder::new()
        .name("read sources".into())
        .stack_size(STACK);
    let reading = reading.spawn(move || {
        let mut reader = Reader::default();
        for krate in &crates {
            reader.read_crate(&krate.name, &krate.root, krate.own);
        }
        reader.finish()
    })?;
    reading
        .join()
        .map_err(|_| anyhow!("the sources of the course cannot be read"))
}

/// Writes it whole or not at all, in place of those for earlier courses.
fn keep(path: &Path, index: &Index) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&draft, serde_json::to_vec(index)?)?;
    for old in fs::read_dir(folder)?.flatten() {
        if old.path() != draft {
            let _ = fs::remove_file(old.path());
        }
    }
    fs::rename(&draft, path)?;
    Ok(())
}

/// The crates that a cell can name: the course, what it depends on itself, and the standard library.
fn crates(rustc: &Path) -> Result<Vec<Krate>> {
    let mut crates = Vec::new();
    let library = rustc
        .ancestors()
        .nth(2)
        .map(|sysroot| sysroot.join("lib/rustlib/src/rust/library"));
    for name in ["core", "alloc", "std"] {
        let root = library
            .as_ref()
            .map(|library| library.join(name).join("src/lib.rs"));
        // Without the component rust-src nothing is known of the standard library.
        if let Some(root) = root.filter(|root| root.is_file()) {
            crates.push(Krate {
                name: name.to_owned(),
                root,
                own: false,
            });
        }
    }
    crates.extend(course_crates()?);
    Ok(crates)
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    source: Option<Value>,
    dependencies: Vec<Dependency>,
    targets: Vec<CargoTarget>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<Value>,
}

#[derive(Deserialize)]
struct CargoTarget {
    kind: Vec<String>,
    name: String,
    src_path: PathBuf,
}

fn course_crates() -> Result<Vec<Krate>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--offline",
            "--locked",
            "--filter-platform",
        ])
        // Crates for other systems need not have been fetched.
        .arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stdin(Stdio::null())
        .output()
        .context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    let named = |name: &str| {
        metadata
            .packages
            .iter()
            .find(|package| package.name == name)
    };
    let course = named("course").context("the course is not part of this workspace")?;
    let dependencies = course
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind.is_none() && dependency.name != "torch-sys")
        .filter_map(|dependency| named(&dependency.name));
    Ok(dependencies
        .chain([course])
        .filter_map(of_package)
        .collect())
}

fn of_package(package: &Package) -> Option<Krate> {
    let is_library = |kind: &String| matches!(kind.as_str(), "lib" | "rlib" | "dylib");
    let target = package
        .targets
        .iter()
        .find(|target| target.kind.iter().any(is_library))?;
    Some(Krate {
        name: target.name.replace('-', "_"),
        root: target.src_path.clone(),
        own: package.source.is_none(),
    })
}
