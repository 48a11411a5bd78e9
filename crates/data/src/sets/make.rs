//! Generating a set: in parallel, resumable at any moment, checked against its manifest.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::project_data;
use super::recipe::{EDITION, Item, Recipe};
use crate::DataError;
use crate::lock::Lock;

/// The name of the manifest in the root of a set.
pub const MANIFEST: &str = "manifest.json";

/// The name of the manifest while a set is made: what its files are, or will be.
const MAKING: &str = "making.json";

/// The file that who makes a set has locked.
const LOCK: &str = "making.lock";

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
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Manifest {
    edition: u32,
    seed: u64,
    train: usize,
    test: usize,
    unlabelled: usize,
    files: Files,
}

/// By path: the length in bytes and the BLAKE3 hash, which is empty while the picture has not been painted.
type Files = BTreeMap<String, (u64, String)>;

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
    read_manifest(root, MANIFEST).is_ok_and(|manifest| fits(&manifest, recipe))
}

/// Whether a folder is one that sets are made in, at whatever state.
pub(super) fn is_generated(folder: &Path) -> bool {
    folder.join(MANIFEST).exists() || folder.join(MAKING).exists()
}

fn fits(manifest: &Manifest, recipe: &Recipe) -> bool {
    is_same(manifest, recipe)
        && manifest.train >= recipe.train
        && manifest.test >= recipe.test
        && manifest.unlabelled >= recipe.unlabelled
}

/// Whether the pictures of a manifest are those of the recipe, be they fewer or more.
fn is_same(manifest: &Manifest, recipe: &Recipe) -> bool {
    (manifest.edition, manifest.seed) == (EDITION, recipe.seed)
}

/// Generates what is not there yet, and mends what differs from the manifest. Can be stopped at any moment
/// and run again: no file is ever half written. Returns how many pictures were painted.
///
/// Pictures of another seed or edition are removed first. Of a set that is larger than the recipe all is kept.
///
/// # Errors
/// When the folder cannot be written to, or holds pictures that have not been made here.
pub fn make(
    recipe: &Recipe,
    root: &Path,
    progress: &(dyn Fn(&Progress) + Sync),
) -> Result<usize, DataError> {
    recipe.check()?;
    fs::create_dir_all(root).map_err(DataError::io("cannot be made", root))?;
    let name = recipe.name();
    let _lock = Lock::take(&root.join(LOCK), || {
        println!("another process makes {name}; waiting for it");
    })?;
    let mut manifest = begin(recipe, root)?;
    let recipe = Recipe {
        train: manifest.train,
        test: manifest.test,
        unlabelled: manifest.unlabelled,
        ..recipe.clone()
    };
    let painted;
    (manifest.files, painted) = paint_all(&recipe, root, progress)?;
    write_manifest(root, MANIFEST, &manifest)?;
    let making = root.join(MAKING);
    fs::remove_file(&making).map_err(DataError::io("cannot be removed", &making))?;
    link(&recipe, root);
    Ok(painted)
}

/// Writes down what will be made, and removes what is not that. From here to the end of the work there is no manifest:
/// whoever is stopped on the way leaves a set that says so.
fn begin(recipe: &Recipe, root: &Path) -> Result<Manifest, DataError> {
    let (manifest, making) = (root.join(MANIFEST), root.join(MAKING));
    if manifest.exists() {
        fs::rename(&manifest, &making).map_err(DataError::io("cannot be renamed", &manifest))?;
    }
    let mut begun = Manifest {
        edition: EDITION,
        seed: recipe.seed,
        train: recipe.train,
        test: recipe.test,
        unlabelled: recipe.unlabelled,
        files: BTreeMap::new(),
    };
    if making.exists() {
        let before = read_manifest(root, MAKING)?;
        let wrong: Vec<&String> = if is_same(&before, recipe) {
            begun.train = begun.train.max(before.train);
            begun.test = begun.test.max(before.test);
            begun.unlabelled = begun.unlabelled.max(before.unlabelled);
            differing(root, &before).0
        } else {
            before.files.keys().collect()
        };
        for path in wrong {
            let path = root.join(path);
            if path.is_file() {
                fs::remove_file(&path).map_err(DataError::io("cannot be replaced", &path))?;
            }
        }
    } else if let Some(stray) = recipe.folders().iter().find_map(|f| any(&root.join(f))) {
        let problem = "has not been made by this program, which would mix it with its own; name another folder";
        return Err(DataError::content(stray, problem));
    }
    let all = Recipe {
        train: begun.train,
        test: begun.test,
        unlabelled: begun.unlabelled,
        ..recipe.clone()
    };
    let unknown = || (0, String::new());
    begun.files = all
        .items()
        .into_iter()
        .map(|item| (item.path, unknown()))
        .collect();
    write_manifest(root, MAKING, &begun)?;
    Ok(begun)
}

/// A picture of a folder, if it has one.
fn any(folder: &Path) -> Option<PathBuf> {
    crate::files::pictures(folder)
        .ok()?
        .files
        .into_iter()
        .next()
}

/// Paints or reads all pictures: what is known of their files, and how many were painted.
fn paint_all(
    recipe: &Recipe,
    root: &Path,
    progress: &(dyn Fn(&Progress) + Sync),
) -> Result<(Files, usize), DataError> {
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
    Ok((files, painted.into_inner()))
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
    let manifest = read_manifest(root, MANIFEST)?;
    let (changed, missing) = differing(root, &manifest);
    let extra = crate::files::pictures(root)?
        .files
        .into_iter()
        .filter_map(|path| Some(path.strip_prefix(root).ok()?.to_string_lossy().into_owned()))
        .filter(|path| !manifest.files.contains_key(path))
        .collect();
    let named = |paths: Vec<&String>| paths.into_iter().cloned().collect();
    Ok(Difference {
        missing: named(missing),
        changed: named(changed),
        extra,
    })
}

/// The files that have not the content they should have, and those that are not there. What a file should hold that
/// has not been painted yet is not known.
fn differing<'a>(root: &Path, manifest: &'a Manifest) -> (Vec<&'a String>, Vec<&'a String>) {
    let found: Vec<(bool, &String)> = manifest
        .files
        .par_iter()
        .filter(|(_, (_, hash))| !hash.is_empty())
        .filter_map(|(path, (_, hash))| {
            rt::checkpoint();
            match fs::read(root.join(path)) {
                Ok(bytes) if blake3::hash(&bytes).to_hex().as_str() == hash => None,
                Ok(_) => Some((true, path)),
                Err(_) => Some((false, path)),
            }
        })
        .collect();
    let pick = |wanted: bool| {
        let chosen = found.iter().filter(|(changed, _)| *changed == wanted);
        chosen.map(|(_, path)| *path).collect()
    };
    (pick(true), pick(false))
}

fn read_manifest(root: &Path, name: &str) -> Result<Manifest, DataError> {
    let path = root.join(name);
    let bytes = fs::read(&path).map_err(DataError::io("cannot be read", &path))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let problem =
            format!("is no manifest ({error}); remove this folder and make the set again");
        DataError::content(&path, problem)
    })
}

fn write_manifest(root: &Path, name: &str, manifest: &Manifest) -> Result<(), DataError> {
    let text = serde_json::to_vec_pretty(manifest)
        .map_err(|error| DataError::content(root, error.to_string()))?;
    write_whole(&root.join(name), &text)
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
    // As wide as the longest, which it is written over.
    print!(
        "\r{}: {} of {} pictures, {state:<12}{end}",
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

    /// The picture at the first name, which is the same for every seed.
    fn first(root: &Path) -> Vec<u8> {
        fs::read(root.join(&small().items()[0].path)).unwrap()
    }

    /// Makes a set until it has painted `count` pictures; then the process is as good as killed.
    fn make_in_part(recipe: &Recipe, root: &Path, count: usize) {
        let painted = AtomicUsize::new(0);
        let stop = |_: &Progress| {
            assert!(painted.fetch_add(1, Ordering::Relaxed) < count, "killed");
        };
        let run = || make(recipe, root, &stop);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    }

    #[test]
    fn a_set_that_was_being_replaced_is_not_taken_for_the_old_one() {
        let other = Recipe { seed: 1, ..small() };
        for whole_before in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path();
            if whole_before {
                make(&small(), root, &|_| ()).unwrap();
            }
            make_in_part(&other, root, 4);
            assert!(!is_complete(&small(), root) && !is_complete(&other, root));
            assert!(is_generated(root));
            assert_eq!(make(&small(), root, &|_| ()).unwrap(), 9);
            assert!(check(root).unwrap().is_none());
            let fresh = tempfile::tempdir().unwrap();
            make(&small(), fresh.path(), &|_| ()).unwrap();
            assert_eq!(first(root), first(fresh.path()));
        }
    }

    #[test]
    fn an_interrupted_set_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        make_in_part(&small(), folder.path(), 4);
        let rest = make(&small(), folder.path(), &|_| ()).unwrap();
        assert!(rest < 9, "{rest} painted anew");
        assert!(check(folder.path()).unwrap().is_none());
    }

    #[test]
    fn a_smaller_wish_keeps_the_larger_set_and_another_seed_none_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        make(&small(), root, &|_| ()).unwrap();
        let smaller = Recipe {
            train: 1,
            ..small()
        };
        assert_eq!(make(&smaller, root, &|_| ()).unwrap(), 0);
        assert!(is_complete(&small(), root) && check(root).unwrap().is_none());
        let other = Recipe { seed: 1, ..smaller };
        assert_eq!(make(&other, root, &|_| ()).unwrap(), 6);
        assert_eq!(check(root).unwrap(), Difference::default());
    }

    #[test]
    fn pictures_of_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join(&small().items()[0].path);
        fs::create_dir_all(own.parent().unwrap()).unwrap();
        fs::write(&own, b"mine").unwrap();
        let message = make(&small(), folder.path(), &|_| ()).unwrap_err();
        assert!(message.to_string().contains("name another folder"));
        assert_eq!(fs::read(&own).unwrap(), b"mine");
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
