//! The image warehouse: a folder of pictures that is known, checked and put in order.
//!
//! - [`quality`]: what is measured of each picture
//! - `index`: what is known of every file, kept in SQLite
//! - [`finding`]: what is wrong: broken, twice there, dark, leaked from training into testing
//! - `about`: what the head of a file tells: mode and EXIF
//! - [`change`]: renaming, relabelling, moving, setting aside: plans
//! - `journal`: what carries plans out, whole or not at all, and takes them back
//! - `arrange`: bringing pictures in, and parting them into training and testing
//! - `export`: the pictures as an ImageFolder, WebDataset shards, a CSV manifest
//! - `report`, `histogram`: all of it as a page to look at

mod about;
mod arrange;
pub mod change;
mod export;
pub mod finding;
mod histogram;
mod index;
mod journal;
pub mod quality;
mod report;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use change::{Change, Plan};
pub use finding::{Finding, Findings, Issue};
pub use quality::Quality;

use crate::DataError;

/// The folder inside a warehouse that holds its index and what has been set aside.
const OWN: &str = ".warehouse";

/// The file in the folder of the index that who changes something has locked.
const LOCK: &str = "lock";

/// A folder of pictures with an index.
///
/// The index lies in the hidden folder `.warehouse` inside. Two processes may use a warehouse at once, and
/// one that is killed leaves it whole. A folder that cannot be written to has its index in the cache folder; it can
/// be looked at and exported, not changed.
///
/// ```no_run
/// # use data::Warehouse;
/// let mut warehouse = Warehouse::open("photographs")?;
/// println!("{:?}", warehouse.findings()?);
/// # Ok::<(), data::DataError>(())
/// ```
pub struct Warehouse {
    root: PathBuf,
    /// The folder of the index and of the lock.
    own: PathBuf,
    /// Why no file can be moved, if so.
    refusal: Option<String>,
    index: Connection,
    refreshed: Refreshed,
    notices: Vec<String>,
}

/// What is known of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// Relative to the warehouse.
    pub path: String,
    /// The length of its file.
    pub bytes: u64,
    /// The BLAKE3 hash of its file.
    pub hash: String,
    /// The name of its folder; empty at the top, and in a folder that is itself the split.
    pub label: String,
    /// `train`, `test`, `val` or `pred`, where a folder is named so (`seg_train`, `validation`); else empty.
    pub split: String,
    /// What its content is, as the usual ending: `jpg`, `png`.
    pub format: String,
    /// How its pixels are stored, by Pillow's names: `RGB`, `RGBA`, `L` (grey), `LA`, `CMYK`, `I;16`; empty when it
    /// is broken.
    pub mode: String,
    /// What the camera wrote into it, by the names of the EXIF standard: `Model`, `DateTimeOriginal`,
    /// `Orientation`, `GPSLatitude` and so on.
    pub exif: BTreeMap<String, String>,
    /// Pixels; 0 when it is broken.
    pub width: u32,
    /// Pixels; 0 when it is broken.
    pub height: u32,
    /// What has been measured.
    pub quality: Quality,
    /// Why it cannot be read.
    pub broken: Option<String>,
}

/// What bringing an index up to date came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Files that were read, because they are new or have changed.
    pub read: usize,
    /// Files that are as they were.
    pub unchanged: usize,
    /// Files that are not there any more.
    pub gone: usize,
    /// Files whose names are no text, which the index cannot hold.
    pub unnamed: Vec<PathBuf>,
    /// Files that are no pictures by their names, and what cannot be read, with the reasons.
    pub passed_over: Vec<(PathBuf, String)>,
}

impl Warehouse {
    /// Opens a folder as a warehouse and brings its index up to date. The first time every picture is read;
    /// later only what has changed.
    ///
    /// A change that a killed process has left half done is finished, or taken back when that cannot be: see
    /// [`notices`](Self::notices).
    ///
    /// # Errors
    /// When the folder cannot be read, or the index not be written.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, DataError> {
        Self::open_with(root, &mut |_, _| ())
    }

    /// Opens a folder as [`open`](Self::open) does, and tells `progress` how many of the pictures that are to be read
    /// have been.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        root: impl AsRef<Path>,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self, DataError> {
        let root = root.as_ref();
        if !root.is_dir() {
            return Err(DataError::content(
                root,
                "is no folder; a warehouse is a folder of pictures",
            ));
        }
        let (own, refusal) = place(root)?;
        let index = index::open(&own.join("index.sqlite"))?;
        let mut warehouse = Self {
            root: root.to_path_buf(),
            own,
            refusal,
            index,
            refreshed: Refreshed::default(),
            notices: Vec::new(),
        };
        warehouse.finish_changes()?;
        warehouse.refreshed = index::refresh(&mut warehouse.index, root, progress)?;
        Ok(warehouse)
    }

    /// Brings the index up to date with the files.
    ///
    /// # Errors
    /// When the folder cannot be read or the index not be written.
    pub fn refresh(&mut self) -> Result<Refreshed, DataError> {
        self.refreshed = index::refresh(&mut self.index, &self.root, &mut |_, _| ())?;
        Ok(self.refreshed.clone())
    }

    /// What the last look at the files came to: how many were read, and what was passed over.
    pub fn refreshed(&self) -> &Refreshed {
        &self.refreshed
    }

    /// What became of changes that a killed process had left half done and that could not be finished.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Why nothing can be changed in this folder, if so: it cannot be written to.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All pictures, sorted by path.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn pictures(&self) -> Result<Vec<Picture>, DataError> {
        index::select(&self.index, "?1 = ''", "")
    }

    /// The pictures with a label.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn labelled(&self, label: &str) -> Result<Vec<Picture>, DataError> {
        index::select(&self.index, "label = ?1", label)
    }

    /// The pictures with a tag.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn tagged(&self, tag: &str) -> Result<Vec<Picture>, DataError> {
        index::select(
            &self.index,
            "path IN (SELECT path FROM tags WHERE tag = ?1)",
            tag,
        )
    }

    /// Puts a tag on a picture.
    ///
    /// # Errors
    /// When there is no such picture, or the index cannot be written.
    pub fn tag(&mut self, path: &str, tag: &str) -> Result<(), DataError> {
        self.picture(path)?;
        self.index
            .execute("INSERT OR IGNORE INTO tags VALUES (?1, ?2)", [path, tag])?;
        Ok(())
    }

    /// The picture at a path.
    ///
    /// # Errors
    /// When there is none, or the index cannot be read.
    pub fn picture(&self, path: &str) -> Result<Picture, DataError> {
        index::select(&self.index, "path = ?1", path)?
            .pop()
            .ok_or_else(|| {
                DataError::content(self.root.join(path), "is no picture of this warehouse")
            })
    }

    /// The pictures that look most like one of them, nearest first, with the number of bits (0-64) by which
    /// their looks differ.
    ///
    /// # Errors
    /// When there is no such picture, or the index cannot be read.
    pub fn similar(&self, path: &str, count: usize) -> Result<Vec<(Picture, u32)>, DataError> {
        let wanted = self.picture(path)?.quality.look;
        let mut others: Vec<(Picture, u32)> = self
            .pictures()?
            .into_iter()
            .filter(|picture| picture.path != path && picture.broken.is_none())
            .map(|picture| {
                let far = (picture.quality.look ^ wanted).count_ones();
                (picture, far)
            })
            .collect();
        others.sort_by_key(|(_, far)| *far);
        others.truncate(count);
        Ok(others)
    }

    /// How many pictures each label has, by split.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn balance(&self) -> Result<BTreeMap<(String, String), usize>, DataError> {
        let mut counts = BTreeMap::new();
        for picture in self.pictures()? {
            *counts.entry((picture.split, picture.label)).or_default() += 1;
        }
        Ok(counts)
    }

    /// What is wrong with the pictures. Near duplicates are those whose looks differ in at most 3 of 64 bits.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn findings(&self) -> Result<Findings, DataError> {
        self.findings_within(finding::NEAR)
    }

    /// What is wrong with the pictures, with near duplicates as those whose looks differ in at most `radius` of 64
    /// bits.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn findings_within(&self, radius: u32) -> Result<Findings, DataError> {
        Ok(finding::find(&self.pictures()?, radius))
    }

    /// Writes what the pictures are like and what is wrong with them as one HTML page with charts and galleries, which
    /// needs nothing else.
    ///
    /// # Errors
    /// When the file cannot be written or the index not be read.
    pub fn report(&self, file: impl AsRef<Path>) -> Result<(), DataError> {
        self.report_of(&self.findings()?, file)
    }

    /// Writes a [`report`](Self::report) with these findings.
    ///
    /// # Errors
    /// As [`report`](Self::report).
    pub fn report_of(&self, findings: &Findings, file: impl AsRef<Path>) -> Result<(), DataError> {
        let page = report::page(self, findings)?;
        crate::sets::make::write_whole(file.as_ref(), page.as_bytes())
    }
}

/// The folder of the index, and why no file can be moved: inside, or for a folder that cannot be written to in the
/// cache folder, by its path.
fn place(root: &Path) -> Result<(PathBuf, Option<String>), DataError> {
    let own = root.join(OWN);
    let can_write = fs::create_dir_all(&own).and_then(|()| {
        let mut lock = OpenOptions::new();
        lock.create(true).append(true).open(own.join(LOCK))
    });
    let error = match can_write {
        Ok(_) => return Ok((own, None)),
        Err(error) => error,
    };
    if !matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    ) {
        return Err(DataError::io("cannot be made", &own)(error));
    }
    let whole = fs::canonicalize(root).map_err(DataError::io("cannot be read", root))?;
    let name = blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex();
    let own = crate::sets::home().join("warehouses").join(&name[..16]);
    fs::create_dir_all(&own).map_err(DataError::io("cannot be made", &own))?;
    Ok((own, Some(error.to_string())))
}

impl fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.pictures().map_or(0, |pictures| pictures.len());
        write!(
            f,
            "warehouse of {count} pictures in {}",
            self.root.display()
        )?;
        if let Some(reason) = &self.refusal {
            write!(f, ", to look at only ({reason})")?;
        }
        let unnamed = self.refreshed.unnamed.len();
        if unnamed > 0 {
            write!(
                f,
                "\n{unnamed} pictures have names that are no text and are left out"
            )?;
        }
        self.notices
            .iter()
            .try_for_each(|notice| write!(f, "\n{notice}"))
    }
}

impl rt::Show for Warehouse {
    fn show(&self) -> rt::Bundle {
        rt::Bundle::text(format!("{self:?}"))
    }
}
