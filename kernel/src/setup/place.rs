//! Where things live: the cache folder, the checkout, and what lies in each.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The libtorch release that tch 0.26 is written for.
pub(super) const LIBTORCH_VERSION: &str = "2.13.0";

/// The folder that holds everything this project generates, whole: `CVSTUDY_HOME`, else `cvstudy` in the
/// user's cache folder. It can be deleted at any time, and need not exist yet.
pub(crate) fn home() -> PathBuf {
    let home = cell::course::home();
    std::path::absolute(&home).unwrap_or(home)
}

/// The value of a variable that names a folder; unset and empty are the same.
pub(super) fn folder_from_env(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// The folders one set-up works on.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The cache folder, see [`home`].
    pub(super) home: PathBuf,
    /// The clone this program was built from.
    pub(super) checkout: PathBuf,
}

impl Place {
    /// Finds both folders.
    ///
    /// # Errors
    /// When the clone this program was built from is no longer where it was.
    pub(super) fn find() -> Result<Place> {
        let kernel = Path::new(env!("CARGO_MANIFEST_DIR"));
        let checkout = kernel
            .parent()
            .filter(|folder| folder.join("crates/course/Cargo.toml").is_file());
        let Some(checkout) = checkout else {
            bail!(
                "the clone that this program was built from is no longer at {}: run `cargo lab` in the clone you use now",
                kernel.display()
            );
        };
        Ok(Place {
            home: home(),
            checkout: checkout.to_path_buf(),
        })
    }

    /// The libtorch that the set-up provides.
    pub(super) fn libtorch(&self) -> PathBuf {
        self.home.join(format!("libtorch-{LIBTORCH_VERSION}"))
    }

    /// The name in the clone under which `.cargo/config.toml` finds libtorch.
    pub(super) fn libtorch_link(&self) -> PathBuf {
        self.checkout.join(".cargo/libtorch")
    }

    /// Wheels on their way to [`Place::libtorch`].
    pub(super) fn downloads(&self) -> PathBuf {
        self.home.join("downloads")
    }

    /// Temporary files of a running set-up.
    pub(super) fn scratch(&self) -> PathBuf {
        self.home.join("setup.tmp")
    }

    /// The Python environment.
    pub(super) fn venv(&self) -> PathBuf {
        self.home.join("venv")
    }

    /// The Python of that environment.
    pub(super) fn python(&self) -> PathBuf {
        self.venv().join("bin/python")
    }

    /// The lessons.
    pub(super) fn notebooks(&self) -> PathBuf {
        self.checkout.join("notebooks")
    }

    /// Makes the cache folder.
    pub(super) fn make_home(&self) -> Result<()> {
        make_folder(&self.home).context(
            "the cache folder is where everything generated goes: \
             set CVSTUDY_HOME to a folder that you can write",
        )
    }
}

/// This program, as a kernelspec names it.
pub(super) fn program() -> Result<PathBuf> {
    env::current_exe().context("the system does not say where this program lies")
}

/// Makes a folder and its parents.
pub(super) fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path)
        .with_context(|| format!("cannot make the folder {}", path.display()))
}

/// Removes a file, a link or a whole folder; what is not there is fine.
pub(super) fn remove(path: &Path) -> Result<()> {
    let removed = match path.symlink_metadata() {
        Err(_) => return Ok(()),
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
    };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}

/// Writes a file so that a reader, or a run that is cut off, sees the old content or the new, never a part.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = PathBuf::from(partial);
    std::fs::write(&partial, content)
        .and_then(|()| std::fs::rename(&partial, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Bytes in all files under a path, links not followed; 0 where there is nothing.
pub(super) fn bytes_under(path: &Path) -> u64 {
    let Ok(meta) = path.symlink_metadata() else {
        return 0;
    };
    if !meta.is_dir() {
        return if meta.is_file() { meta.len() } else { 0 };
    }
    let Ok(entries) = path.read_dir() else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| bytes_under(&entry.path()))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clone_is_the_one_that_holds_this_file() {
        let place = Place::find().unwrap();
        assert!(place.checkout.join("kernel/src/setup/place.rs").is_file());
    }

    #[test]
    fn bytes_are_summed_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        std::fs::write(folder.path().join("a"), [0; 10]).unwrap();
        std::fs::write(folder.path().join("deep/b"), [0; 7]).unwrap();
        std::os::unix::fs::symlink("a", folder.path().join("link")).unwrap();
        assert_eq!(bytes_under(folder.path()), 17);
        assert_eq!(bytes_under(&folder.path().join("absent")), 0);
    }

    #[test]
    fn writing_whole_replaces_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("marker");
        write_whole(&file, b"old").unwrap();
        write_whole(&file, b"new").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn removing_takes_a_link_but_not_what_it_points_to() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("kept");
        std::fs::create_dir(&kept).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&kept, &link).unwrap();
        remove(&link).unwrap();
        assert!(kept.is_dir() && link.symlink_metadata().is_err());
        remove(&link).unwrap();
    }
}
