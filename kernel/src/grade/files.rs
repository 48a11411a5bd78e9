//! Files of submissions: read with care, copied into the folder that they run in, counted and removed.
//!
//! Whoever hands something in decides what lies in the folder: devices that never end, folders in folders in
//! folders. Nothing here follows a link, waits for a pipe, or takes stack for each level.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ::grade::result::key;
use anyhow::{Context, Result};

/// More than any notebook with pictures has, in bytes.
const LARGEST: u64 = 64 << 20;

/// How deep folders may be nested: more than anybody needs, and less than paths have room for.
const DEEPEST: usize = 64;

/// The most files beside a notebook.
const MOST: usize = 10_000;

/// What a file takes beside its content, in bytes: names take room as well.
const ENTRY: u64 = 1 << 10;

/// The file that says when something was handed in. When is no part of what.
const TIMESTAMP: &str = "timestamp.txt";

/// Reads a notebook that was handed in.
///
/// # Errors
/// Why it cannot be taken, for the report.
pub(super) fn read_notebook(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err("it was not handed in".into());
        }
        Err(error) => return Err(error.to_string()),
    };
    if !metadata.is_file() {
        return Err("it is no ordinary file: hand in the notebook itself, and not a link".into());
    }
    if metadata.len() > LARGEST {
        return Err(format!(
            "the file has {} MiB; notebooks have up to {}",
            metadata.len() >> 20,
            LARGEST >> 20
        ));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| error.to_string())
}

/// The files that belong to a notebook: those in its folder, without links, notebooks and what begins with a dot.
#[derive(Debug, Clone, Default)]
pub(super) struct Beside {
    root: PathBuf,
    /// Below the root; a folder comes before what lies in it.
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
    /// Tells their names and contents from any others.
    pub(super) digest: String,
}

impl Beside {
    /// Looks through a folder whose files may take `most` bytes.
    ///
    /// # Errors
    /// Why they cannot be taken, for the report.
    pub(super) fn find(root: &Path, most: u64) -> Result<Self, String> {
        let mut found = Self {
            root: root.to_path_buf(),
            ..Self::default()
        };
        let mut waiting = vec![(PathBuf::new(), 0)];
        while let Some((folder, depth)) = waiting.pop() {
            let unreadable =
                |error: io::Error| format!("its folder {} cannot be read: {error}", shown(&folder));
            for entry in fs::read_dir(root.join(&folder)).map_err(unreadable)? {
                let entry = entry.map_err(unreadable)?;
                let (kind, name) = (entry.file_type().map_err(unreadable)?, entry.file_name());
                let text = name.to_string_lossy();
                let path = folder.join(&name);
                if text.starts_with('.') {
                    continue;
                }
                if kind.is_dir() {
                    if depth == DEEPEST {
                        return Err(format!("its folders are nested more than {DEEPEST} deep"));
                    }
                    found.folders.push(path.clone());
                    waiting.push((path, depth + 1));
                } else if kind.is_file() && !text.ends_with(".ipynb") {
                    found.files.push(path);
                }
                if found.files.len() + found.folders.len() > MOST {
                    return Err(format!("there are more than {MOST} files beside it"));
                }
            }
        }
        found.folders.sort();
        found.files.sort();
        found.digest = found.digest_of_all(most)?;
        Ok(found)
    }

    fn digest_of_all(&self, most: u64) -> Result<String, String> {
        let mut left = most;
        let mut digest = String::new();
        for folder in &self.folders {
            let name = folder.as_os_str().as_encoded_bytes();
            digest = key(&[digest.as_bytes(), name]);
        }
        for path in &self.files {
            let mut bytes = Vec::new();
            let read = File::open(self.root.join(path))
                .and_then(|file| file.take(left.saturating_add(1)).read_to_end(&mut bytes));
            read.map_err(|error| format!("its file {} cannot be read: {error}", shown(path)))?;
            left = left
                .checked_sub(bytes.len() as u64)
                .ok_or_else(|| format!("the files beside it take more than {} MiB", most >> 20))?;
            if path.as_os_str() != TIMESTAMP {
                let name = path.as_os_str().as_encoded_bytes();
                digest = key(&[digest.as_bytes(), name, &bytes]);
            }
        }
        Ok(digest)
    }

    /// Copies them into a folder, in place of whatever has their names there.
    pub(super) fn copy_to(&self, to: &Path) -> Result<()> {
        for folder in &self.folders {
            let place = to.join(folder);
            if !is_folder(&place) {
                make_way(&place)?;
                fs::create_dir(&place)
                    .with_context(|| format!("cannot make the folder {}", place.display()))?;
            }
        }
        for file in &self.files {
            let place = to.join(file);
            make_way(&place)?;
            fs::copy(self.root.join(file), &place)
                .with_context(|| format!("cannot copy {}", self.root.join(file).display()))?;
        }
        Ok(())
    }
}

/// A path of a submission's, in a sentence.
fn shown(path: &Path) -> String {
    let text: String = path.to_string_lossy().chars().take(80).collect();
    match text.is_empty() {
        true => "as a whole".into(),
        false => format!("`{text}`"),
    }
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Removes what has this name, if anything has.
fn make_way(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Err(_) => Ok(()),
        Ok(metadata) if metadata.is_dir() => clear(path).and_then(|()| fs::remove_dir(path)),
        Ok(_) => fs::remove_file(path),
    };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}

/// Removes all that lies in a folder, however deeply it is nested: folders in a folder are moved up before that one
/// is removed, so that no path has more than two names too many.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    // Nobody who wrote into the folder knows it.
    let name = uuid::Uuid::new_v4().simple().to_string();
    let mut moved = 0_u64;
    loop {
        let mut is_empty = true;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            is_empty = false;
            if !entry.file_type()?.is_dir() {
                fs::remove_file(entry.path())?;
                continue;
            }
            open(&entry.path());
            for inner in fs::read_dir(entry.path())? {
                let inner = inner?;
                if inner.file_type()?.is_dir() {
                    open(&inner.path());
                    fs::rename(inner.path(), folder.join(format!("{name}-{moved}")))?;
                    moved += 1;
                } else {
                    fs::remove_file(inner.path())?;
                }
            }
            match fs::remove_dir(entry.path()) {
                // A folder may pass over some of what lies in it while it changes.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                removed => removed?,
            }
        }
        if is_empty {
            return Ok(());
        }
    }
}

/// A folder may have been made so that not even its owner can look into it.
fn open(folder: &Path) {
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
}

/// What lies below a folder takes, in bytes; `None` when it is nested too deeply to be counted.
pub(super) fn used_below(folder: &Path) -> Option<u64> {
    let mut used = 0;
    let mut waiting = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        // What is gone by now takes nothing.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            used += ENTRY;
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth == DEEPEST => return None,
                Ok(kind) if kind.is_dir() => waiting.push((entry.path(), depth + 1)),
                Ok(kind) if kind.is_file() => {
                    used += entry.metadata().map_or(0, |metadata| metadata.len());
                }
                _ => {}
            }
        }
    }
    Some(used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags, mkdirat, open as open_at, openat};

    /// Makes folders in folders, deeper than any path reaches.
    fn nest(root: &Path, depth: usize) {
        let mode = Mode::from_bits_truncate(0o700);
        let mut folder = open_at(root, OFlags::DIRECTORY | OFlags::RDONLY, mode).unwrap();
        for _ in 0..depth {
            mkdirat(&folder, "deeper", mode).unwrap();
            folder = openat(&folder, "deeper", OFlags::DIRECTORY | OFlags::RDONLY, mode).unwrap();
        }
    }

    fn is_empty(folder: &Path) -> bool {
        fs::read_dir(folder).unwrap().next().is_none()
    }

    #[test]
    fn a_deep_pit_is_seen_and_filled() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        nest(root, 5_000);
        fs::create_dir(root.join("beside")).unwrap();
        fs::write(root.join("beside/file"), "text").unwrap();
        std::os::unix::fs::symlink("/", root.join("link")).unwrap();
        assert_eq!(used_below(root), None);
        let reason = Beside::find(root, u64::MAX).unwrap_err();
        assert!(reason.contains("nested"), "{reason}");
        clear(root).unwrap();
        assert!(is_empty(root) && Path::new("/proc").exists());
    }

    #[test]
    fn what_lies_beside_is_told_from_anything_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let digest = || Beside::find(root, 1 << 20).unwrap().digest;
        let empty = digest();
        fs::write(root.join("week1.ipynb"), "{}").unwrap();
        fs::write(root.join(".hidden"), "1").unwrap();
        fs::write(root.join(TIMESTAMP), "2026-11-23 21:00:00 UTC").unwrap();
        assert_eq!(digest(), empty, "neither notebooks nor times count");
        fs::write(root.join("data.csv"), "1").unwrap();
        let one = digest();
        fs::write(root.join("data.csv"), "2").unwrap();
        let two = digest();
        assert!(empty != one && one != two);
        fs::write(root.join("large"), vec![0; (1 << 20) + 1]).unwrap();
        assert!(Beside::find(root, 1 << 20).unwrap_err().contains("1 MiB"));
    }

    #[test]
    fn the_instructors_files_take_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in [
            "own/data.csv/in/the/way",
            "own/pictures",
            "given/data.csv",
            "given/pictures/a.png",
        ] {
            fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            fs::write(at(path), path).unwrap();
        }
        fs::create_dir(at("room")).unwrap();
        for from in ["own", "given"] {
            let files = Beside::find(&at(from), u64::MAX).unwrap();
            files.copy_to(&at("room")).unwrap();
        }
        let text = |path: &str| fs::read_to_string(at(path)).unwrap();
        assert_eq!(text("room/data.csv"), "given/data.csv");
        assert_eq!(text("room/pictures/a.png"), "given/pictures/a.png");
    }

    #[test]
    fn only_ordinary_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("week1.ipynb");
        assert!(read_notebook(&path).unwrap_err().contains("not handed in"));
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(
            read_notebook(&path)
                .unwrap_err()
                .contains("no ordinary file")
        );
        fs::remove_file(&path).unwrap();
        fs::write(&path, "{}").unwrap();
        assert_eq!(read_notebook(&path).unwrap(), b"{}");
        File::create(&path).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(read_notebook(&path).unwrap_err().contains("64"));
    }
}
