//! What the compiler has to read of the course, in a folder of its own.
//!
//! Cargo keeps every crate of the workspace in one folder, as code and as metadata, beside what earlier builds have left,
//! and the compiler opens whatever has a fitting name. And to link a cell, the linker reads the course's 18,000
//! symbols, though it may leave them open: the worker has the course loaded. So cells are compiled against metadata
//! alone, and against a library that has the course's metadata and name and nothing else.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use object::{Object as _, ObjectSection as _};

/// The folder that stands for the course.
#[derive(Debug)]
pub(crate) struct Mirror {
    /// A library to compile and link against, and never to load.
    pub(crate) library: PathBuf,
    /// The metadata of the crates that the course was built from.
    pub(crate) crates: PathBuf,
}

/// Counts drafts, for engines that start at once in one process.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

impl Mirror {
    /// Finds the mirror in `folder`, or makes it of the course's `library` and the crates in `built`. Where that
    /// fails, the originals do as well, more slowly.
    pub(crate) fn provide(folder: &Path, library: &Path, built: &Path, rustc: &Path) -> Self {
        let mirror = Self {
            library: folder.join("libcourse.so"),
            crates: folder.join("crates"),
        };
        // The folder gets its name when it is complete.
        if folder.exists() {
            return mirror;
        }
        match make(folder, library, built, rustc) {
            Ok(()) => mirror,
            Err(error) => {
                tracing::debug!(%error, "the course cannot be mirrored");
                Self {
                    library: library.to_path_buf(),
                    crates: built.to_path_buf(),
                }
            }
        }
    }
}

fn make(folder: &Path, library: &Path, built: &Path, rustc: &Path) -> io::Result<()> {
    // Made under another name first: two kernels may start at once.
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = folder.with_extension(format!("draft-{}-{number}", std::process::id()));
    let made = fill(&draft, library, built, rustc).and_then(|()| fs::rename(&draft, folder));
    if made.is_err() {
        let _ = fs::remove_dir_all(&draft);
    }
    // Another was faster: its folder is as good.
    made.or_else(|error| if folder.exists() { Ok(()) } else { Err(error) })
}

fn fill(draft: &Path, library: &Path, built: &Path, rustc: &Path) -> io::Result<()> {
    let crates = draft.join("crates");
    fs::create_dir_all(&crates)?;
    for file in crates_of(library, built, rustc, draft)? {
        let metadata = file.with_extension("rmeta");
        let original = if metadata.exists() { metadata } else { file };
        if let Some(name) = original.file_name() {
            // A link by name, which does not keep what a later build replaces.
            std::os::unix::fs::symlink(&original, crates.join(name))?;
        }
    }
    write_library(draft, library)
}

/// The files of the crates that the course was built from.
fn crates_of(library: &Path, built: &Path, rustc: &Path, draft: &Path) -> io::Result<Vec<PathBuf>> {
    let list = draft.join("crates.d");
    let mut course = OsString::from("--extern=course=");
    course.push(library);
    let mut folder = OsString::from("-Ldependency=");
    folder.push(built);
    let mut emit = OsString::from("--emit=dep-info=");
    emit.push(&list);
    let mut compiler = Command::new(rustc)
        .args(["-", "--crate-type=lib", "--edition=2024"])
        .args([course, folder, emit])
        // Only the compiler knows which files it has read, and only so does it tell.
        .arg("-Zbinary-dep-depinfo")
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut source) = compiler.stdin.take() {
        source.write_all(b"extern crate course;")?;
    }
    if !compiler.wait()?.success() {
        return Err(io::Error::other("the compiler does not list the crates"));
    }
    let text = fs::read_to_string(&list)?;
    fs::remove_file(&list)?;
    let files: Vec<PathBuf> = text.lines().filter_map(listed).collect();
    let files: Vec<PathBuf> = files
        .into_iter()
        .filter(|file| file.starts_with(built))
        .collect();
    match files.is_empty() {
        true => Err(io::Error::other("the compiler lists no crates")),
        false => Ok(files),
    }
}

/// The file in a line of a dependency list that is about it alone: `/some\ folder/libimage.rlib:`.
fn listed(line: &str) -> Option<PathBuf> {
    let name = line.strip_suffix(':')?;
    Some(PathBuf::from(name.replace("\\ ", " ")))
}

/// The section in which a library keeps its metadata.
const METADATA: &str = ".rustc";

fn write_library(draft: &Path, library: &Path) -> io::Result<()> {
    let bytes = fs::read(library)?;
    let parsed = object::File::parse(&*bytes).map_err(io::Error::other)?;
    let section = parsed.section_by_name(METADATA);
    let section = section.ok_or_else(|| io::Error::other("the course has no metadata"))?;
    let metadata = draft.join("course.rmeta");
    fs::write(&metadata, section.data().map_err(io::Error::other)?)?;
    let assembly = format!(".section {METADATA},\"\",@progbits\n.incbin \"course.rmeta\"\n");
    fs::write(draft.join("course.s"), assembly)?;
    let made = Command::new("cc")
        .current_dir(draft)
        .args(["-shared", "-nostdlib", "-Wl,-soname,libcourse.so"])
        .args(["course.s", "-o", "libcourse.so"])
        .stderr(Stdio::null())
        .status()?;
    fs::remove_file(metadata)?;
    fs::remove_file(draft.join("course.s"))?;
    match made.success() {
        true => Ok(()),
        false => Err(io::Error::other("the C compiler makes no library")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_list_is_read() {
        let lines = "out.rmeta: /a\\ b/liba.rlib /c/libc.so\n\n/a\\ b/liba.rlib:\n/c/libc.so:\n";
        let files: Vec<_> = lines.lines().filter_map(listed).collect();
        assert_eq!(
            files,
            [Path::new("/a b/liba.rlib"), Path::new("/c/libc.so")]
        );
    }

    #[test]
    fn what_cannot_be_mirrored_is_used_itself() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libcourse.so");
        fs::write(&library, "no library").unwrap();
        let place = folder.path().join("mirror");
        let nobody = Path::new("/nonexistent/rustc");
        let mirror = Mirror::provide(&place, &library, folder.path(), nobody);
        assert_eq!(
            (mirror.library.as_path(), mirror.crates.as_path()),
            (library.as_path(), folder.path())
        );
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1, "nothing is left but the library");
    }
}
