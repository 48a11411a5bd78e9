//! Which files are pictures, and where: listings that are the same on every machine.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::DataError;

/// What the library reads: of the endings that torchvision's ImageFolder takes all but `ppm` and `pgm`, and `gif`.
const ENDINGS: [&str; 8] = ["jpg", "jpeg", "png", "bmp", "gif", "webp", "tif", "tiff"];

/// Why a file is passed over whose name says that it is no picture.
pub(crate) const NO_PICTURE: &str = "its name does not end as a picture's does";

/// The pictures below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Sorted by path, byte by byte.
    pub files: Vec<PathBuf>,
    /// Files that are no pictures by their names, and folders that cannot be read, each with the reason.
    pub passed_over: Vec<(PathBuf, String)>,
}

/// All pictures below a folder, by their endings in any case. Hidden files and folders are left out, links
/// are followed, and a folder that a link leads back to is visited once.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn pictures(folder: impl AsRef<Path>) -> Result<Listing, DataError> {
    let folder = folder.as_ref();
    fs::read_dir(folder).map_err(DataError::io("cannot be read", folder))?;
    let mut listing = Listing::default();
    walk(folder, &mut HashSet::new(), &mut listing);
    listing.files.sort();
    Ok(listing)
}

fn walk(folder: &Path, visited: &mut HashSet<(u64, u64)>, listing: &mut Listing) {
    rt::checkpoint();
    let entered = fs::metadata(folder).and_then(|about| {
        let new = visited.insert((about.dev(), about.ino()));
        Ok(if new {
            Some(fs::read_dir(folder)?)
        } else {
            None
        })
    });
    let entries = match entered {
        Ok(Some(entries)) => entries,
        Ok(None) => return,
        Err(error) => {
            listing.passed_over.push((folder.into(), error.to_string()));
            return;
        }
    };
    let mut inside = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => inside.push(entry),
            Err(error) => listing.passed_over.push((folder.into(), error.to_string())),
        }
    }
    // Of two ways to one folder the first by name is taken, on every machine.
    inside.sort_by_key(fs::DirEntry::file_name);
    for entry in inside {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        // The entry knows most kinds by itself; only links have to be asked where they lead.
        let is_folder = match entry.file_type() {
            Ok(kind) if kind.is_symlink() => path.is_dir(),
            Ok(kind) => kind.is_dir(),
            Err(_) => false,
        };
        if is_folder {
            walk(&path, visited, listing);
        } else if is_picture(&path) {
            listing.files.push(path);
        } else {
            listing.passed_over.push((path, NO_PICTURE.into()));
        }
    }
}

/// Whether the name ends as a picture's does, in any case.
pub fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|ending| {
        ENDINGS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn names_of_every_kind_are_found_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("b/deep er")).unwrap();
        fs::create_dir(at(".hidden")).unwrap();
        let names = [
            "B.JPG",
            "a 1.jpeg",
            "b/deep er/日本.png",
            "b/line\nbreak.gif",
            "b/🐬.webp",
        ];
        for name in names {
            fs::write(at(name), b"").unwrap();
        }
        for name in [".hidden/x.jpg", ".y.jpg", "notes.txt", "jpg"] {
            fs::write(at(name), b"").unwrap();
        }
        let listing = pictures(folder.path()).unwrap();
        assert_eq!(listing.files, names.map(at));
        assert_eq!(listing.passed_over.len(), 2);
    }

    #[test]
    fn links_are_followed_and_loops_end() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("real")).unwrap();
        fs::write(at("real/x.jpg"), b"").unwrap();
        symlink(at("real/x.jpg"), at("link.jpg")).unwrap();
        symlink(folder.path(), at("real/loop")).unwrap();
        let listing = pictures(folder.path()).unwrap();
        assert_eq!(listing.files, [at("link.jpg"), at("real/x.jpg")]);
    }

    #[test]
    fn of_two_ways_to_a_folder_the_first_by_name_is_taken() {
        for names in [["a", "z"], ["z", "a"]] {
            let folder = tempfile::tempdir().unwrap();
            let real = tempfile::tempdir().unwrap();
            fs::write(real.path().join("x.jpg"), b"").unwrap();
            for name in names {
                symlink(real.path(), folder.path().join(name)).unwrap();
            }
            let listing = pictures(folder.path()).unwrap();
            assert_eq!(listing.files, [folder.path().join("a/x.jpg")]);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let message = pictures("no/such").unwrap_err().to_string();
        assert!(message.starts_with("no/such: cannot be read"), "{message}");
    }
}
