//! Files that are complete or not there at all.

use std::fs::File;
use std::path::Path;

use tempfile::NamedTempFile;

use super::Problem;

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
    let temporary = temporary(folder)?;
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
    builder.prefix(".saving-");
    // Readable to others, as any new file is; the system takes away what the user does not want.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    Ok(builder.tempfile_in(folder)?)
}
