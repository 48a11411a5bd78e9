//! The pictures of a warehouse for others: an ImageFolder, WebDataset shards, a CSV manifest.

use std::fs;
use std::path::{Path, PathBuf};

use super::Warehouse;
use crate::{DataError, Random, Samples, write_shards};

impl Warehouse {
    /// The pictures that can be read, for a loader, for shards or a manifest: their labels are the classes.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn samples(&self) -> Result<Samples, DataError> {
        let whole = self
            .pictures()?
            .into_iter()
            .filter(|picture| picture.broken.is_none());
        Ok(Samples::labelled(whole.map(|picture| {
            (self.root.join(picture.path), picture.label)
        })))
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

    /// Copies the pictures that can be read into an ImageFolder: a folder for each label.
    ///
    /// # Errors
    /// When the folder is not empty or cannot be written to.
    pub fn export_folder(&self, to: impl AsRef<Path>) -> Result<usize, DataError> {
        let to = to.as_ref();
        new_folder(to)?;
        let mut count = 0;
        for picture in self
            .pictures()?
            .iter()
            .filter(|picture| picture.broken.is_none())
        {
            rt::checkpoint();
            // Two folders may hold files of the same name: the hash keeps them apart.
            let ending = Path::new(&picture.path)
                .extension()
                .unwrap_or_default()
                .to_string_lossy();
            let name = format!("{}.{ending}", &picture.hash[..16]);
            let folder = to.join(if picture.label.is_empty() {
                "unlabelled"
            } else {
                &picture.label
            });
            fs::create_dir_all(&folder).map_err(DataError::io("cannot be made", &folder))?;
            let target = folder.join(name);
            fs::copy(self.root.join(&picture.path), &target)
                .map_err(DataError::io("cannot be written", &target))?;
            count += 1;
        }
        Ok(count)
    }

    /// Writes the pictures that can be read as WebDataset shards, `per_shard` in each, in an order that the seed
    /// decides: who reads shards from front to back should not get one class after another. Returns the shards.
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
        let mut order: Vec<usize> = (0..samples.len()).collect();
        Random::new(seed).shuffle(&mut order);
        write_shards(&samples.subset(&order), to, per_shard)
    }
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
