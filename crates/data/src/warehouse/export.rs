//! The pictures of a warehouse for others: an ImageFolder, WebDataset shards, a CSV manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Picture, Warehouse};
use crate::{DataError, Random, Samples, write_shards};

impl Warehouse {
    /// The pictures that can be read, for a loader, for shards or a manifest: their labels are the classes.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn samples(&self) -> Result<Samples, DataError> {
        let whole = self.whole()?.into_iter();
        Ok(Samples::labelled(whole.map(|picture| {
            (self.root.join(picture.path), picture.label)
        })))
    }

    /// The pictures that can be read.
    fn whole(&self) -> Result<Vec<Picture>, DataError> {
        let mut pictures = self.pictures()?;
        pictures.retain(|picture| picture.broken.is_none());
        Ok(pictures)
    }

    /// Writes a CSV manifest, with the columns `path`, `label`, `split`, `bytes` and `hash`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn export_csv(&self, file: impl AsRef<Path>) -> Result<(), DataError> {
        let file = file.as_ref();
        let wrong = |error: csv::Error| DataError::content(file, error.to_string());
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer
            .write_record(["path", "label", "split", "bytes", "hash"])
            .map_err(wrong)?;
        for picture in self.pictures()? {
            let path = self.root.join(&picture.path);
            let path = std::path::absolute(&path).unwrap_or(path);
            let bytes = picture.bytes.to_string();
            let fields = [
                &path.to_string_lossy(),
                picture.label.as_str(),
                &picture.split,
                &bytes,
                &picture.hash,
            ];
            writer.write_record(fields).map_err(wrong)?;
        }
        let text = writer
            .into_inner()
            .map_err(|error| DataError::content(file, error.to_string()))?;
        crate::sets::make::write_whole(file, &text)
    }

    /// Copies the pictures that can be read into an ImageFolder: a folder for each label, and where there are splits
    /// one for each split above it. Returns how many were copied.
    ///
    /// # Errors
    /// When the folder is not empty or cannot be written to.
    pub fn export_folder(&self, to: impl AsRef<Path>) -> Result<usize, DataError> {
        let to = to.as_ref();
        new_folder(to)?;
        let pictures = self.whole()?;
        let parted = pictures.iter().any(|picture| !picture.split.is_empty());
        for picture in &pictures {
            rt::checkpoint();
            // Two folders may hold files of the same name: the hash keeps them apart.
            let ending = Path::new(&picture.path)
                .extension()
                .unwrap_or_default()
                .to_string_lossy();
            let name = format!("{}.{ending}", &picture.hash[..16]);
            let label = match picture.label.as_str() {
                "" => "unlabelled",
                label => label,
            };
            let folder = if parted {
                to.join(split_name(&picture.split)).join(label)
            } else {
                to.join(label)
            };
            fs::create_dir_all(&folder).map_err(DataError::io("cannot be made", &folder))?;
            let target = folder.join(name);
            fs::copy(self.root.join(&picture.path), &target)
                .map_err(DataError::io("cannot be written", &target))?;
        }
        Ok(pictures.len())
    }

    /// Writes the pictures that can be read as WebDataset shards, `per_shard` in each, in an order that the seed
    /// decides: who reads shards from front to back should not get one class after another. Where there are splits,
    /// each has a folder of shards, all with the same classes. Returns the shards.
    ///
    /// # Errors
    /// When the folder is not empty or cannot be written to.
    pub fn export_shards(
        &self,
        to: impl AsRef<Path>,
        per_shard: usize,
        seed: u64,
    ) -> Result<Vec<PathBuf>, DataError> {
        let to = to.as_ref();
        new_folder(to)?;
        let samples = self.samples()?;
        let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, picture) in self.whole()?.into_iter().enumerate() {
            parts.entry(picture.split).or_default().push(index);
        }
        let parted = parts.keys().any(|split| !split.is_empty());
        let mut shards = Vec::new();
        for (split, mut order) in parts {
            Random::new(seed).shuffle(&mut order);
            let folder = if parted {
                to.join(split_name(&split))
            } else {
                to.to_path_buf()
            };
            shards.extend(write_shards(&samples.subset(&order), folder, per_shard)?);
        }
        Ok(shards)
    }
}

/// The folder of a split among others; pictures outside of all have one too.
fn split_name(split: &str) -> &str {
    if split.is_empty() { "other" } else { split }
}

/// Whether a folder is empty or not there yet.
fn new_folder(folder: &Path) -> Result<(), DataError> {
    if fs::read_dir(folder).is_ok_and(|mut inside| inside.next().is_some()) {
        return Err(DataError::content(
            folder,
            "is not empty; name a new folder",
        ));
    }
    Ok(())
}
