//! Finding Kaggle's "Intel Image Classification" where a learner has unpacked it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{DataSet, home, project_data};
use crate::scenes::SCENES;

/// How deep below a place the set may lie: archives in archives are unpacked in many ways.
const DEPTH: usize = 4;

/// Where the set is looked for: `data/` of the clone, and `data` in the cache folder.
pub fn usual_places() -> Vec<PathBuf> {
    project_data()
        .into_iter()
        .chain([home().join("data")])
        .collect()
}

/// The real set below one of the places, if it is there: `seg_train` and `seg_test` with a folder for each of
/// the six classes, once or twice nested, in whatever folder. A generated set is not taken for it.
pub fn find(places: &[PathBuf]) -> Option<DataSet> {
    places.iter().find_map(|place| search(place, DEPTH))
}

fn search(folder: &Path, depth: usize) -> Option<DataSet> {
    if super::make::is_generated(folder) {
        return None;
    }
    if let Some(set) = at(folder) {
        return Some(set);
    }
    if depth == 0 {
        return None;
    }
    let mut inside: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    inside.sort();
    inside.iter().find_map(|folder| search(folder, depth - 1))
}

fn at(root: &Path) -> Option<DataSet> {
    Some(DataSet {
        name: "scenes".into(),
        real: true,
        train: labelled(&root.join("seg_train"))?,
        test: labelled(&root.join("seg_test"))?,
        unlabelled: [root.join("seg_pred/seg_pred"), root.join("seg_pred")]
            .into_iter()
            .find(|folder| folder.is_dir()),
        root: root.to_path_buf(),
    })
}

/// The folder, or the one of the same name in it, that holds a folder for each class.
fn labelled(folder: &Path) -> Option<PathBuf> {
    let nested = folder.join(folder.file_name()?);
    [nested, folder.to_path_buf()]
        .into_iter()
        .find(|folder| SCENES.iter().all(|class| folder.join(class).is_dir()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plant(root: &Path, nested: bool) {
        for split in ["seg_train", "seg_test"] {
            for class in SCENES {
                let folder = if nested {
                    root.join(split).join(split)
                } else {
                    root.join(split)
                };
                fs::create_dir_all(folder.join(class)).unwrap();
            }
        }
    }

    #[test]
    fn the_real_set_is_found_however_it_was_unpacked() {
        for nested in [true, false] {
            for place in ["", "archive", "downloads/intel image/archive (1)"] {
                let folder = tempfile::tempdir().unwrap();
                let root = folder.path().join(place);
                plant(&root, nested);
                fs::write(root.join("stray.txt"), b"").unwrap();
                let set =
                    find(&[folder.path().join("nowhere"), folder.path().to_path_buf()]).unwrap();
                assert!(set.is_real());
                assert_eq!(
                    set.train().join("sea"),
                    if nested {
                        root.join("seg_train/seg_train/sea")
                    } else {
                        root.join("seg_train/sea")
                    }
                );
            }
        }
    }

    #[test]
    fn a_part_of_it_or_a_generated_one_is_not_taken_for_it() {
        let folder = tempfile::tempdir().unwrap();
        plant(folder.path(), true);
        fs::remove_dir(folder.path().join("seg_test/seg_test/street")).unwrap();
        assert_eq!(find(&[folder.path().to_path_buf()]), None);
        plant(folder.path(), true);
        for name in ["manifest.json", "making.json"] {
            fs::write(folder.path().join(name), b"{}").unwrap();
            assert_eq!(find(&[folder.path().to_path_buf()]), None, "{name}");
            fs::remove_file(folder.path().join(name)).unwrap();
        }
    }
}
