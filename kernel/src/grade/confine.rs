//! What the processes that execute submissions may do.

use std::fs;
use std::path::{Path, PathBuf};

use ::grade::sandbox::Confinement;

use crate::setup;

use super::job::Limits;

/// The least memory that the compiler gets, in bytes: it reserves more than it uses.
const COMPILER: u64 = 4 << 30;

/// Memory that is reserved but not used, in bytes: stacks of threads.
const RESERVED: u64 = 1 << 30;

/// What they need.
pub(super) struct Means<'a> {
    pub(super) course: &'a cell::Course,
    pub(super) data: Option<&'a Path>,
    pub(super) limits: &'a Limits,
}

impl Means<'_> {
    /// What the executing process may do: compile, and start the worker.
    pub(super) fn to_compile(&self, scratch: &Path, program: &Path) -> Confinement {
        let mut read = self.libraries();
        read.extend(self.data());
        Confinement {
            read,
            read_by_name: Vec::new(),
            write: vec![scratch.to_path_buf(), self.course.cells.clone()],
            execute: ["/usr", "/bin", "/lib", "/lib64"]
                .map(PathBuf::from)
                .into_iter()
                .chain([self.toolchain().to_path_buf(), program.to_path_buf()])
                .collect(),
            memory: Some(self.limits.memory.max(COMPILER) + RESERVED),
            file_size: Some(self.limits.disk),
            cpu_seconds: None,
        }
    }

    /// What the worker may do: run cells.
    pub(super) fn to_run(&self, scratch: &Path) -> Confinement {
        let mut read = self.libraries();
        read.push(self.toolchain().join("lib"));
        read.extend(self.data());
        Confinement {
            read,
            // Earlier submissions' cells and tests lie there: only who knows a cell's hash can load it.
            read_by_name: vec![self.course.cells.clone()],
            write: vec![scratch.to_path_buf()],
            execute: Vec::new(),
            memory: Some(self.limits.memory + RESERVED),
            file_size: Some(self.limits.disk),
            cpu_seconds: None,
        }
    }

    /// The data beside the notebooks, and the sets that lessons have generated.
    fn data(&self) -> impl Iterator<Item = PathBuf> {
        let generated = cell::course::home().join("data");
        let given = self.data.map(Path::to_path_buf);
        given.into_iter().chain([generated])
    }

    /// Folders that the course's library and libtorch lie in.
    fn libraries(&self) -> Vec<PathBuf> {
        let built = self.course.library.parent().map(Path::to_path_buf);
        let mut folders: Vec<PathBuf> =
            built.into_iter().chain(setup::libtorch_folders()).collect();
        let course = &self.course;
        let compiled_against = [&course.crates, &course.built, &course.stubs];
        folders.extend(compiled_against.into_iter().cloned());
        folders.extend(course.interface.parent().map(Path::to_path_buf));
        let path = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        folders.extend(std::env::split_paths(&path).filter(|path| path.is_absolute()));
        folders
            .iter()
            .filter_map(|folder| fs::canonicalize(folder).ok())
            .collect()
    }

    /// The compiler with its libraries.
    fn toolchain(&self) -> &Path {
        let folder = self.course.rustc.ancestors().nth(2);
        folder.unwrap_or(Path::new("/usr"))
    }
}
