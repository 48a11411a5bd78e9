//! Generating a set: in parallel, resumable at any moment, checked against its manifest.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::project_data;
use super::recipe::{EDITION, Item, Recipe};
use crate::DataError;

/// The name of the manifest in the root of a set.
pub const MANIFEST: &str = "manifest.json";

/// How far a work has come.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// The set.
    pub name: &'a str,
    /// Pictures that are done.
    pub done: usize,
    /// Pictures in all.
    pub of: usize,
    /// How long it has taken so far.
    pub took: Duration,
}

/// What is known of every file of a generated set.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    edition: u32,
    seed: u64,
    train: usize,
    test: usize,
    unlabelled: usize,
    /// By path: the length in bytes and the BLAKE3 hash.
    files: BTreeMap<String, (u64, String)>,
}

/// How the files of a set differ from its manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Files that are not there.
    pub missing: Vec<String>,
    /// Files with another content.
    pub changed: Vec<String>,
    /// Pictures that the manifest does not know.
    pub extra: Vec<String>,
}

impl Difference {
    /// Whether all is as it should be.
    pub fn is_none(&self) -> bool {
        self == &Self::default()
    }
}

/// Whether the set has been made, and in this size or a larger one. Looks at the manifest alone.
pub fn is_complete(recipe: &Recipe, root: &Path) -> bool {
    read_manifest(root).is_ok_and(|manifest| fits(&manifest, recipe))
}

fn fits(manifest: &Manifest, recipe: &Recipe) -> bool {
    (manifest.edition, manifest.seed) == (EDITION, recipe.seed)
        && manifest.train >= recipe.train
        && manifest.test >= recipe.test
        && manifest.unlabelled >= recipe.unlabelled
}

/// Generates what is not there yet, and mends what differs from the manifest. Can be stopped at any moment
/// and run again: no file is ever half written. Returns how many pictures were painted.
///
/// # Errors
/// When the folder cannot be written to.
pub fn make(
    recipe: &Recipe,
    root: &Path,
    progress: &(dyn Fn(&Progress) + Sync),
) -> Result<usize, DataError> {
    fs::create_dir_all(root).map_err(DataError::io("cannot be made", root))?;
    let wrong: Vec<String> = match read_manifest(root) {
        Ok(manifest) if manifest.edition == EDITION && manifest.seed == recipe.seed => {
            compare(root, &manifest).changed
        }
        // Pictures of another seed under the same names.
        Ok(manifest) => manifest.files.into_keys().collect(),
        Err(_) => Vec::new(),
    };
    for path in wrong {
        let path = root.join(path);
        if path.is_file() {
            fs::remove_file(&path).map_err(DataError::io("cannot be replaced", &path))?;
        }
    }
    let items = recipe.items();
    let (done, painted) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = Instant::now();
    let files = items
        .par_iter()
        .map(|item| {
            rt::checkpoint();
            let (entry, new) = provide(recipe, root, item)?;
            painted.fetch_add(usize::from(new), Ordering::Relaxed);
            progress(&Progress {
                name: recipe.name(),
                done: done.fetch_add(1, Ordering::Relaxed) + 1,
                of: items.len(),
                took: start.elapsed(),
            });
            Ok((item.path.clone(), entry))
        })
        .collect::<Result<BTreeMap<_, _>, DataError>>()?;
    let manifest = Manifest {
        edition: EDITION,
        seed: recipe.seed,
        train: recipe.train,
        test: recipe.test,
        unlabelled: recipe.unlabelled,
        files,
    };
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| DataError::content(root, error.to_string()))?;
    write_whole(&root.join(MANIFEST), &text)?;
    link(recipe, root);
    Ok(painted.into_inner())
}

/// One picture: read if it is there, else painted. Its length and hash, and whether it is new.
fn provide(recipe: &Recipe, root: &Path, item: &Item) -> Result<((u64, String), bool), DataError> {
    let path = root.join(&item.path);
    let (bytes, new) = match fs::read(&path) {
        Ok(bytes) if !bytes.is_empty() => (bytes, false),
        _ => {
            let bytes = recipe
                .file(item)
                .map_err(|error| DataError::content(&path, error.to_string()))?;
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(DataError::io("cannot be made", folder))?;
            }
            write_whole(&path, &bytes)?;
            (bytes, true)
        }
    };
    Ok((
        (
            bytes.len() as u64,
            blake3::hash(&bytes).to_hex().to_string(),
        ),
        new,
    ))
}

/// Writes a file so that it is there whole or not at all, whatever happens.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    // Two processes at once write the same bytes under different names.
    let unfinished = path.with_extension(format!("{}.unfinished", std::process::id()));
    let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|error| {
        // The error to tell is that of writing.
        let _ = fs::remove_file(&unfinished);
        DataError::io("cannot be written", path)(error)
    })
}

/// Compares the files of a generated set with its manifest, by their content.
///
/// # Errors
/// When there is no manifest, because the set has not been made or not to its end.
pub fn check(root: &Path) -> Result<Difference, DataError> {
    Ok(compare(root, &read_manifest(root)?))
}

fn compare(root: &Path, manifest: &Manifest) -> Difference {
    let found: Vec<(bool, &String)> = manifest
        .files
        .par_iter()
        .filter_map(|(path, (_, hash))| {
            rt::checkpoint();
            match fs::read(root.join(path)) {
                Ok(bytes) if blake3::hash(&bytes).to_hex().as_str() == hash => None,
                Ok(_) => Some((true, path)),
                Err(_) => Some((false, path)),
            }
        })
        .collect();
    let pick = |changed: bool| {
        found
            .iter()
            .filter(|(c, _)| *c == changed)
            .map(|(_, path)| (*path).clone())
            .collect()
    };
    let extra = crate::files::pictures(root)
        .map(|listing| listing.files)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|path| Some(path.strip_prefix(root).ok()?.to_str()?.to_string()))
        .filter(|path| !manifest.files.contains_key(path))
        .collect();
    Difference {
        missing: pick(false),
        changed: pick(true),
        extra,
    }
}

fn read_manifest(root: &Path) -> Result<Manifest, DataError> {
    let path = root.join(MANIFEST);
    let bytes = fs::read(&path).map_err(DataError::io("cannot be read", &path))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        DataError::content(
            &path,
            format!("is no manifest ({error}); remove it and make the set again"),
        )
    })
}

/// Links the set into `data/` of the clone, where learners look. That it cannot be is no error.
fn link(recipe: &Recipe, root: &Path) {
    if root != recipe.root() {
        return;
    }
    if let Some(data) = project_data() {
        let link = data.join(recipe.name());
        if link.is_symlink() {
            let _ = fs::remove_file(&link);
        }
        let _ = std::os::unix::fs::symlink(root, &link);
    }
}

/// Prints a line of progress, over the last one, at most once a second.
pub fn print_progress(progress: &Progress) {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let ended = progress.done == progress.of;
    let Ok(mut last) = LAST.lock() else { return };
    let early = last.is_some_and(|last| last.elapsed() < Duration::from_secs(1));
    if early && !ended {
        return;
    }
    *last = Some(Instant::now());
    let rest =
        progress.took.as_secs_f64() / progress.done as f64 * (progress.of - progress.done) as f64;
    let state = if ended {
        format!("{:.0} s", progress.took.as_secs_f64())
    } else {
        format!("{rest:.0} s left")
    };
    let end = if ended { "\n" } else { "" };
    print!(
        "\r{}: {} of {} pictures, {state}   {end}",
        progress.name, progress.done, progress.of
    );
    let _ = std::io::stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Recipe {
        Recipe {
            train: 2,
            test: 1,
            ..Recipe::sea_animals()
        }
    }

    #[test]
    fn a_set_is_made_once_resumed_and_mended() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let recipe = small();
        assert!(!is_complete(&recipe, root));
        assert_eq!(make(&recipe, root, &|_| ()).unwrap(), 9);
        assert!(is_complete(&recipe, root) && check(root).unwrap().is_none());
        assert_eq!(make(&recipe, root, &|_| ()).unwrap(), 0);

        let items = recipe.items();
        let path = |index: usize| root.join(&items[index].path);
        let first = fs::read(path(0)).unwrap();
        fs::remove_file(path(0)).unwrap();
        fs::write(path(1), b"not this").unwrap();
        fs::write(root.join("train/dolphin/mine.jpg"), b"extra").unwrap();
        let difference = check(root).unwrap();
        assert_eq!(difference.missing, [items[0].path.clone()]);
        assert_eq!(difference.changed, [items[1].path.clone()]);
        assert_eq!(difference.extra, ["train/dolphin/mine.jpg"]);
        assert_eq!(make(&recipe, root, &|_| ()).unwrap(), 2);
        assert_eq!(fs::read(path(0)).unwrap(), first);

        let larger = Recipe { train: 3, ..recipe };
        assert!(!is_complete(&larger, root));
        assert_eq!(make(&larger, root, &|_| ()).unwrap(), 3);
    }

    #[test]
    fn another_seed_gives_other_pictures() {
        let folder = tempfile::tempdir().unwrap();
        make(&small(), folder.path(), &|_| ()).unwrap();
        let other = Recipe { seed: 1, ..small() };
        assert_eq!(make(&other, folder.path(), &|_| ()).unwrap(), 9);
        assert_ne!(small().picture(0, 0), other.picture(0, 0));
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let message = make(&small(), &file.join("set"), &|_| ())
            .unwrap_err()
            .to_string();
        assert!(message.contains("file/set: cannot be made"), "{message}");
    }
}
