//! A list of pictures with their labels.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vision::Image;

use crate::DataError;
use crate::files::pictures;

/// Where the bytes of a picture are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    File(Box<Path>),
    /// A member of a tar file: which of [`Samples::archives`], where it begins, its length, its name.
    Member(u32, u64, u64, Box<str>),
}

/// Pictures with labels, listed but not read. About 100 bytes a picture: a million fit into 100 MB.
///
/// A label is a position in [`classes`](Self::classes).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Samples {
    pub(super) classes: Arc<Vec<String>>,
    pub(super) places: Vec<Place>,
    pub(super) labels: Vec<u32>,
    pub(super) archives: Arc<Vec<PathBuf>>,
}

impl Samples {
    /// A folder with a folder for each class, as torchvision's ImageFolder and in its order: classes and pictures
    /// are sorted by name, links followed; but hidden ones are left out. A class may have folders of its own inside.
    ///
    /// # Errors
    /// When the folder cannot be read, has no folders, or one of them has no picture in it.
    pub fn image_folder(root: impl AsRef<Path>) -> Result<Self, DataError> {
        let root = root.as_ref();
        let mut folders: Vec<PathBuf> = fs::read_dir(root)
            .map_err(DataError::io("cannot be read", root))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.is_dir() && !is_hidden(path))
            .collect();
        folders.sort();
        if folders.is_empty() {
            let problem =
                "has no folders; an ImageFolder has one for each class, with its pictures inside";
            return Err(DataError::content(root, problem));
        }
        let mut samples = Self::default();
        let mut classes = Vec::with_capacity(folders.len());
        for (label, folder) in folders.iter().enumerate() {
            let mut found = pictures(folder)?.files;
            // As torchvision walks: the pictures of a folder before those of the folders in it.
            found.sort_by(|a, b| in_folder(a).cmp(&in_folder(b)));
            if found.is_empty() {
                return Err(DataError::content(
                    folder,
                    "has no pictures; remove the folder or fill it",
                ));
            }
            samples.labels.extend(vec![label as u32; found.len()]);
            samples.places.extend(
                found
                    .into_iter()
                    .map(|path| Place::File(path.into_boxed_path())),
            );
            classes.push(
                folder
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
            );
        }
        samples.classes = Arc::new(classes);
        Ok(samples)
    }

    /// A flat folder of pictures without labels: one class, named after the folder.
    ///
    /// # Errors
    /// When the folder cannot be read or has no pictures.
    pub fn flat(root: impl AsRef<Path>) -> Result<Self, DataError> {
        let root = root.as_ref();
        let found = pictures(root)?.files;
        if found.is_empty() {
            return Err(DataError::content(root, "has no pictures"));
        }
        let name = root
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Self {
            classes: Arc::new(vec![name]),
            labels: vec![0; found.len()],
            places: found
                .into_iter()
                .map(|path| Place::File(path.into_boxed_path()))
                .collect(),
            archives: Arc::default(),
        })
    }

    /// A CSV manifest with a header: the column `path` (or `file`, `filename`, `image`), relative to the
    /// manifest, and the column `label` (or `class`). Classes are sorted by name.
    ///
    /// # Errors
    /// When the file cannot be read, lacks one of the columns, or a line is short.
    pub fn csv(manifest: impl AsRef<Path>) -> Result<Self, DataError> {
        let manifest = manifest.as_ref();
        let wrong = |error: csv::Error| DataError::content(manifest, error.to_string());
        let file = File::open(manifest).map_err(DataError::io("cannot be read", manifest))?;
        let mut reader = csv::Reader::from_reader(file);
        let header = reader.headers().map_err(wrong)?.clone();
        let column = |names: &[&str]| {
            header
                .iter()
                .position(|name| names.contains(&name.trim()))
                .ok_or_else(|| {
                    let found = header.iter().collect::<Vec<_>>().join(", ");
                    DataError::content(
                        manifest,
                        format!("has no column {}; its columns are {found}", names[0]),
                    )
                })
        };
        let (path, label) = (
            column(&["path", "file", "filename", "image"])?,
            column(&["label", "class"])?,
        );
        let folder = manifest.parent().unwrap_or(Path::new(""));
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(wrong)?;
            rows.push((folder.join(&record[path]), record[label].to_string()));
        }
        Ok(Self::labelled(rows))
    }

    /// Pictures with the names of their classes, which are sorted.
    pub fn labelled(rows: impl IntoIterator<Item = (PathBuf, String)>) -> Self {
        let (paths, names): (Vec<PathBuf>, Vec<String>) = rows.into_iter().unzip();
        let mut numbers: BTreeMap<&String, u32> = names.iter().map(|name| (name, 0)).collect();
        for (number, value) in numbers.values_mut().enumerate() {
            *value = number as u32;
        }
        let labels = names.iter().map(|name| numbers[name]).collect();
        let classes = numbers.keys().map(|name| (*name).clone()).collect();
        Self {
            classes: Arc::new(classes),
            labels,
            places: paths
                .into_iter()
                .map(|path| Place::File(path.into_boxed_path()))
                .collect(),
            archives: Arc::default(),
        }
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The label of a picture.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn label(&self, index: usize) -> usize {
        self.labels[index] as usize
    }

    /// The name of a picture: its path, or for one in a tar file `archive.tar:member`.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn name(&self, index: usize) -> String {
        match &self.places[index] {
            Place::File(path) => path.display().to_string(),
            Place::Member(archive, _, _, name) => {
                format!("{}:{name}", self.archives[*archive as usize].display())
            }
        }
    }

    /// The file of a picture, if it has one of its own.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn path(&self, index: usize) -> Option<&Path> {
        match &self.places[index] {
            Place::File(path) => Some(path),
            Place::Member(..) => None,
        }
    }

    /// Reads a picture.
    ///
    /// # Errors
    /// When it cannot be read; the message names it.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn read(&self, index: usize) -> Result<Image, DataError> {
        match &self.places[index] {
            Place::File(path) => Ok(Image::open(path)?),
            Place::Member(..) => {
                let bytes = self.bytes(index)?;
                Image::from_bytes(&bytes)
                    .map_err(|error| DataError::content(self.name(index), error.to_string()))
            }
        }
    }

    /// The content of a picture's file.
    pub(super) fn bytes(&self, index: usize) -> Result<Vec<u8>, DataError> {
        match &self.places[index] {
            Place::File(path) => fs::read(path).map_err(DataError::io("cannot be read", path)),
            Place::Member(archive, start, length, _) => {
                let archive = &self.archives[*archive as usize];
                let mut bytes = vec![0; *length as usize];
                File::open(archive)
                    .and_then(|file| file.read_exact_at(&mut bytes, *start))
                    .map_err(DataError::io("cannot be read", archive))?;
                Ok(bytes)
            }
        }
    }

    /// How many pictures each class has.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &label in &self.labels {
            counts[label as usize] += 1;
        }
        counts
    }

    /// The pictures at these positions, in this order, with the same classes.
    ///
    /// # Panics
    /// When there is no picture at one of them.
    pub fn subset(&self, indices: &[usize]) -> Self {
        Self {
            classes: Arc::clone(&self.classes),
            places: indices
                .iter()
                .map(|&index| self.places[index].clone())
                .collect(),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
            archives: Arc::clone(&self.archives),
        }
    }
}

/// The folder and the name, byte by byte.
fn in_folder(path: &Path) -> (&[u8], &[u8]) {
    let folder = path.parent().unwrap_or(path).as_os_str();
    let name = path.file_name().unwrap_or_default();
    (folder.as_encoded_bytes(), name.as_encoded_bytes())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} pictures in {} classes:",
            self.len(),
            self.classes.len()
        )?;
        for (class, count) in self.classes.iter().zip(self.counts()) {
            write!(f, " {class} {count}")?;
        }
        Ok(())
    }
}

impl rt::Show for Samples {
    fn show(&self) -> rt::Bundle {
        rt::Bundle::text(format!("{self:?}"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A picture of one colour for each name, in an ImageFolder.
    pub(crate) fn plant(root: &Path, names: &[&str]) {
        for (index, name) in names.iter().enumerate() {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            Image::filled(6, 4, [index as u8 * 10, 0, 0])
                .unwrap()
                .save(path)
                .unwrap();
        }
    }

    #[test]
    fn an_image_folder_is_sorted_and_skips_what_is_hidden() {
        let folder = tempfile::tempdir().unwrap();
        plant(
            folder.path(),
            &[
                "sea/b.png",
                "sea/A.PNG",
                "sea/deep/c.png",
                "forest/x.png",
                ".cache/z.png",
            ],
        );
        fs::write(folder.path().join("sea/notes.txt"), b"").unwrap();
        fs::write(folder.path().join("stray.png"), b"").unwrap();
        let samples = Samples::image_folder(folder.path()).unwrap();
        assert_eq!(samples.classes(), ["forest", "sea"]);
        let names: Vec<_> = (0..samples.len())
            .map(|index| {
                samples
                    .path(index)
                    .unwrap()
                    .strip_prefix(folder.path())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_string()
            })
            .collect();
        assert_eq!(
            names,
            ["forest/x.png", "sea/A.PNG", "sea/b.png", "sea/deep/c.png"]
        );
        assert_eq!(samples.labels, [0, 1, 1, 1]);
        assert_eq!(
            format!("{samples:?}"),
            "4 pictures in 2 classes: forest 1 sea 3"
        );
        assert_eq!(samples.read(1).unwrap().pixel(0, 0), [10, 0, 0]);
    }

    #[test]
    fn folders_that_are_no_sets_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let message = |samples: Result<Samples, DataError>| samples.unwrap_err().to_string();
        assert!(message(Samples::image_folder(folder.path())).contains("one for each class"));
        fs::create_dir(folder.path().join("sea")).unwrap();
        assert!(message(Samples::image_folder(folder.path())).contains("sea: has no pictures"));
        assert!(message(Samples::flat(folder.path())).contains("has no pictures"));
    }

    #[test]
    fn a_csv_manifest_is_relative_to_itself_and_may_quote() {
        let folder = tempfile::tempdir().unwrap();
        plant(folder.path(), &["in/a, b.png", "in/c.png"]);
        let manifest = folder.path().join("list.csv");
        fs::write(
            &manifest,
            "label,path,note\nsea,\"in/a, b.png\",\nforest,in/c.png,x\n",
        )
        .unwrap();
        let samples = Samples::csv(&manifest).unwrap();
        assert_eq!(
            (samples.classes(), &samples.labels),
            (&["forest".to_string(), "sea".to_string()][..], &vec![1, 0])
        );
        assert_eq!(samples.read(0).unwrap().pixel(0, 0), [0, 0, 0]);
        fs::write(&manifest, "label,where\nsea,x.png\n").unwrap();
        let message = Samples::csv(&manifest).unwrap_err().to_string();
        assert!(
            message.contains("has no column path; its columns are label, where"),
            "{message}"
        );
    }
}
