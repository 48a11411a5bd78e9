//! Where the course library is, and what has to be known to compile against it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::CellError;
use crate::mirror::Mirror;

/// The compiler that this program, and with it the course, was built with.
const SYSROOT: &str = env!("CVSTUDY_SYSROOT");
const RUSTC_VERSION: &str = env!("CVSTUDY_RUSTC_VERSION");

/// The native libraries that the linker asks for. Cells link against empty ones: the real ones are in the
/// worker already, and reading libtorch's symbols takes as long as compiling a cell. With the system's own
/// among them, the linker needs no C compiler to tell it where they are.
const NATIVE: &[&str] = &[
    "torch",
    "torch_cpu",
    "c10",
    // What torch-sys asks for besides, where libtorch has been built for graphics cards.
    "torch_cuda",
    "torch_cuda_cu",
    "torch_cuda_cpp",
    "c10_cuda",
    "torch_hip",
    "c10_hip",
    "stdc++",
    "gomp",
    "gcc_s",
    "util",
    "rt",
    "pthread",
    "m",
    "dl",
    "c",
];

/// The course library and its surroundings.
#[derive(Debug, Clone)]
pub struct Course {
    /// `libcourse.so`.
    pub library: PathBuf,
    /// What stands for it when cells are compiled and linked.
    pub interface: PathBuf,
    /// Where the crates that it was built from are.
    pub crates: PathBuf,
    /// Where all crates of the workspace are.
    pub built: PathBuf,
    /// Empty stand-ins for native libraries.
    pub stubs: PathBuf,
    /// The compiler.
    pub rustc: PathBuf,
    /// The linker that comes with the compiler; without it the system's C compiler is asked to link.
    pub linker: Option<PathBuf>,
    /// Tells this course, compiler and way of compiling from all others.
    pub id: String,
    /// Where compiled cells are kept.
    pub cells: PathBuf,
}

impl Course {
    /// Finds the course beside the running program, where cargo has put both.
    ///
    /// # Errors
    /// When the course has not been built, its compiler is gone, or the cache folder cannot be used.
    pub fn locate() -> Result<Self, CellError> {
        let program = std::env::current_exe().map_err(CellError::io("the running program"))?;
        let folder = program.parent().unwrap_or(Path::new("."));
        // Test programs are one level further down.
        let folder = if folder.ends_with("deps") {
            folder.parent().unwrap_or(folder)
        } else {
            folder
        };
        Self::in_folder(folder)
    }

    /// Finds the course in a folder of cargo's, such as `target/debug`.
    ///
    /// # Errors
    /// As [`Course::locate`].
    pub fn in_folder(folder: &Path) -> Result<Self, CellError> {
        let library = folder.join("libcourse.so");
        if !library.exists() {
            return Err(CellError::NoCourse(library));
        }
        let rustc = Path::new(SYSROOT).join("bin/rustc");
        if !rustc.exists() {
            return Err(CellError::NoCompiler(rustc));
        }
        let linker = Path::new(SYSROOT)
            .join("lib/rustlib")
            .join(env!("CVSTUDY_TARGET"))
            .join("bin/rust-lld");
        let home = home();
        let id = identify(&library)?;
        let stubs = make_stubs(&home)?;
        let cells = home.join("cells").join(&id);
        std::fs::create_dir_all(&cells).map_err(CellError::io(&cells))?;
        let built = folder.join("deps");
        let mirror = Mirror::provide(&home.join("course").join(&id), &library, &built, &rustc);
        Ok(Self {
            interface: mirror.library,
            crates: mirror.crates,
            built,
            library,
            stubs,
            rustc,
            linker: Some(linker).filter(|linker| cfg!(target_os = "linux") && linker.exists()),
            id,
            cells,
        })
    }
}

/// The folder for everything generated: `CVSTUDY_HOME`, else `cvstudy` in the user's cache folder.
pub fn home() -> PathBuf {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("CVSTUDY_HOME")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("cvstudy")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/cvstudy")))
        .unwrap_or_else(|| std::env::temp_dir().join("cvstudy"))
}

/// A name for the library's content together with the compiler's. The content is read once for each build.
fn identify(library: &Path) -> Result<String, CellError> {
    let bytes = std::fs::read(library).map_err(CellError::io(library))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes);
    hasher.update(RUSTC_VERSION.as_bytes());
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    Ok(hasher.finalize().to_hex()[..16].to_string())
}

/// Counts drafts, for engines that start at once in one process.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// Makes the stand-ins, once.
fn make_stubs(home: &Path) -> Result<PathBuf, CellError> {
    let stubs = home.join("stubs");
    let missing: Vec<PathBuf> = NATIVE
        .iter()
        .map(|name| stubs.join(format!("lib{name}.so")))
        .filter(|stub| !stub.exists())
        .collect();
    if missing.is_empty() {
        return Ok(stubs);
    }
    std::fs::create_dir_all(&stubs).map_err(CellError::io(&stubs))?;
    for stub in missing {
        // Made under another name first: two kernels may start at once.
        let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
        let draft = stub.with_extension(format!("so.{}-{number}", std::process::id()));
        let made = Command::new("cc")
            .args(["-shared", "-nostdlib", "-x", "c", "/dev/null", "-o"])
            .arg(&draft)
            .status();
        if made.is_ok_and(|status| status.success()) {
            std::fs::rename(&draft, &stub).map_err(CellError::io(&stub))?;
        } else {
            return Err(CellError::NoCompiler(PathBuf::from("cc")));
        }
    }
    Ok(stubs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_can_be_linked_wherever_the_course_can() {
        let home = tempfile::tempdir().unwrap();
        // An older version has made some of them.
        std::fs::create_dir_all(home.path().join("stubs")).unwrap();
        std::fs::write(home.path().join("stubs/libtorch.so"), "old").unwrap();
        let stubs = make_stubs(home.path()).unwrap();
        let names = [
            "torch_cpu",
            "c10",
            "torch_cuda",
            "c10_cuda",
            "torch_hip",
            "gomp",
        ];
        let linked = Command::new("cc")
            .args([
                "-shared",
                "-nostdlib",
                "-Wl,--no-as-needed",
                "-x",
                "c",
                "/dev/null",
                "-o",
            ])
            .arg(home.path().join("cell.so"))
            .arg("-L")
            .arg(&stubs)
            .args(names.map(|name| format!("-l{name}")))
            .output()
            .unwrap();
        assert!(
            linked.status.success(),
            "{}",
            String::from_utf8_lossy(&linked.stderr)
        );
        let old = std::fs::read(stubs.join("libtorch.so")).unwrap();
        assert_eq!(old, b"old", "what is there is left alone");
    }
}
