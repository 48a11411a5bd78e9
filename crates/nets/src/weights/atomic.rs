//! Files that are complete or not there at all.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use tempfile::NamedTempFile;

use super::Problem;

/// What the names of unfinished files begin with.
const UNFINISHED: &str = ".saving-";

/// Writes a file beside the one at `path`, and puts it in its place when it is complete and on the disk.
///
/// A process that dies at any moment, or a machine that loses its power, leaves the old file or the new one.
pub(super) fn write(
    path: &Path,
    content: impl FnOnce(&File) -> Result<(), Problem>,
) -> Result<(), Problem> {
    replace(path, |temporary| {
        content(&File::options().write(true).open(temporary)?)
    })
}

/// The same for writers that want a path.
pub(super) fn replace(
    path: &Path,
    content: impl FnOnce(&Path) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    remove_orphans(folder);
    let temporary = temporary(folder)?;
    // Tells others that somebody is at work on it. Not every file system can; on Windows nobody else could write then.
    if cfg!(unix) {
        let _not_everywhere = temporary.as_file().try_lock();
    }
    content(temporary.path())?;
    // Opened anew: whoever wrote may have put another file under the name.
    File::open(temporary.path())?.sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    // The new name has to be on the disk as well. Windows has no such thing for folders.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn temporary(folder: &Path) -> Result<NamedTempFile, Problem> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    // Readable to others, as any new file is; the system takes away what the user does not want.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    Ok(builder.tempfile_in(folder)?)
}

/// How old an unfinished file has to be: between being made and being locked it looks like an orphan.
const ORPHAN_AFTER: Duration = Duration::from_secs(60);

/// Removes what processes that died have left behind. Where that is not possible, nothing is lost but space.
fn remove_orphans(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _still_there = remove_if_orphaned(&entry.path());
        }
    }
}

fn remove_if_orphaned(path: &Path) -> std::io::Result<()> {
    let file = File::open(path)?;
    let written = file.metadata()?.modified()?;
    let is_old = written.elapsed().is_ok_and(|age| age >= ORPHAN_AFTER);
    // Whoever writes it holds the lock for as long as it lives.
    if is_old && file.try_lock().is_ok() {
        fs::remove_file(path)?;
    }
    Ok(())
}
