//! The index: what is known of every file, kept in SQLite and brought up to date by what has changed.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use image::ImageFormat;
use rayon::prelude::*;
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};
use vision::Image;

use super::about::head;
use super::quality::Quality;
use super::{Picture, Refreshed};
use crate::DataError;
use crate::files::pictures;

/// Files that are measured and then written to the index together: what a kill can cost.
const PORTION: usize = 256;

/// How long one process waits while another writes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Counts up when the table of the pictures changes, or what is read from them.
const EDITION: i64 = 3;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS pictures (
        path TEXT PRIMARY KEY,
        bytes INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        hash TEXT NOT NULL,
        label TEXT NOT NULL,
        split TEXT NOT NULL,
        format TEXT NOT NULL,
        mode TEXT NOT NULL,
        exif TEXT NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        brightness_99 REAL NOT NULL,
        brightness_5 REAL NOT NULL,
        entropy REAL NOT NULL,
        sharpness REAL NOT NULL,
        gray INTEGER NOT NULL,
        look INTEGER NOT NULL,
        broken TEXT,
        inode INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS tags (path TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (path, tag));
    CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS journal (
        step INTEGER PRIMARY KEY AUTOINCREMENT,
        change INTEGER NOT NULL,
        what TEXT NOT NULL,
        source TEXT NOT NULL,
        target TEXT NOT NULL,
        state TEXT NOT NULL
    );
";

/// Opens the index at `file`, or makes it. Many may do so at once.
pub(super) fn open(file: &Path) -> Result<Connection, DataError> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(PATIENCE)?;
    write_ahead(&connection)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    if edition(&connection)? == EDITION {
        return Ok(connection);
    }
    // Whoever comes second looks again: dropping the table once more would lose what the first has read.
    let set_up = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if edition(&set_up)? != EDITION {
        // What is known of the pictures is read from them anew; tags and the journal stay.
        set_up.execute_batch("DROP TABLE IF EXISTS pictures")?;
        set_up.execute_batch(SCHEMA)?;
        // Changes of earlier editions are in the journal alone.
        set_up.execute_batch(
            "INSERT OR IGNORE INTO changes SELECT change, MIN(what) FROM journal GROUP BY change",
        )?;
        set_up.pragma_update(None, "user_version", EDITION)?;
    }
    set_up.commit()?;
    Ok(connection)
}

/// Readers and one writer at a time do not stop each other, and a kill leaves the last whole state.
fn write_ahead(connection: &Connection) -> Result<(), DataError> {
    let began = Instant::now();
    loop {
        rt::checkpoint();
        // SQLite does not wait by itself when two change the mode at once.
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && began.elapsed() < PATIENCE =>
            {
                thread::sleep(Duration::from_millis(10));
            }
            done => return Ok(done?),
        }
    }
}

fn edition(connection: &Connection) -> Result<i64, DataError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Brings the index up to date with the files below `root`: only new and changed ones are read. `progress` is told
/// how many of how many have been.
pub(super) fn refresh(
    connection: &mut Connection,
    root: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Refreshed, DataError> {
    let listing = pictures(root)?;
    let mut known = stamps(connection)?;
    let mut refreshed = Refreshed {
        passed_over: listing.passed_over,
        ..Refreshed::default()
    };
    let mut due = Vec::new();
    for path in &listing.files {
        let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) else {
            refreshed.unnamed.push(path.clone());
            continue;
        };
        // A link that leads nowhere, or a file that went away meanwhile.
        let about = match fs::metadata(path) {
            Ok(about) => about,
            Err(error) => {
                refreshed
                    .passed_over
                    .push((path.clone(), error.to_string()));
                continue;
            }
        };
        let stamp = Stamp {
            bytes: about.len() as i64,
            modified: about.mtime() * 1_000_000_000 + about.mtime_nsec(),
            inode: about.ino() as i64,
        };
        match known.remove(name) {
            Some(before) if before == stamp => refreshed.unchanged += 1,
            _ => due.push((name.to_string(), stamp)),
        }
    }
    for portion in due.chunks(PORTION) {
        rt::checkpoint();
        let measured: Vec<Picture> = portion
            .par_iter()
            .map(|(name, _)| measure(root, name))
            .collect();
        let write = connection.transaction()?;
        for (picture, (_, stamp)) in measured.iter().zip(portion) {
            store(&write, picture, *stamp)?;
        }
        write.commit()?;
        refreshed.read += portion.len();
        progress(refreshed.read, due.len());
    }
    let write = connection.transaction()?;
    for name in known.keys() {
        write.execute("DELETE FROM pictures WHERE path = ?1", [name])?;
    }
    write.commit()?;
    refreshed.gone = known.len();
    Ok(refreshed)
}

/// What a file is known again by. Length and time alone are not enough: files that were written together have the same
/// time, and two of them may change places.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: i64,
    modified: i64,
    inode: i64,
}

/// The stamp of every file in the index.
fn stamps(connection: &Connection) -> Result<HashMap<String, Stamp>, DataError> {
    let mut query = connection.prepare("SELECT path, bytes, modified, inode FROM pictures")?;
    let rows = query.query_map([], |row| {
        let stamp = Stamp {
            bytes: row.get(1)?,
            modified: row.get(2)?,
            inode: row.get(3)?,
        };
        Ok((row.get(0)?, stamp))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads and measures a picture; one that cannot be read is known as broken.
fn measure(root: &Path, name: &str) -> Picture {
    let (split, label) = placed(name);
    let mut picture = Picture {
        path: name.to_string(),
        label,
        split,
        ..Picture::default()
    };
    let bytes = match fs::read(root.join(name)) {
        Ok(bytes) => bytes,
        Err(error) => {
            picture.broken = Some(error.to_string());
            return picture;
        }
    };
    picture.bytes = bytes.len() as u64;
    picture.hash = blake3::hash(&bytes).to_hex().to_string();
    picture.format = image::guess_format(&bytes)
        .map_or("", format_name)
        .to_string();
    match Image::from_bytes(&bytes) {
        Ok(image) => {
            (picture.mode, picture.exif) = head(&bytes);
            (picture.width, picture.height) = (image.width(), image.height());
            picture.quality = Quality::of(image.as_rgb8());
        }
        Err(error) => picture.broken = Some(error.to_string()),
    }
    picture
}

/// The words that name a split, and the split.
const SPLITS: [(&str, &str); 11] = [
    ("train", "train"),
    ("training", "train"),
    ("test", "test"),
    ("testing", "test"),
    ("val", "val"),
    ("valid", "val"),
    ("validation", "val"),
    ("pred", "pred"),
    ("predict", "pred"),
    ("prediction", "pred"),
    ("predictions", "pred"),
];

/// The split and the label that a path tells: the topmost folder named after a split, and the folder of the file.
///
/// A folder is named after a split when one of its words is: `seg_train` and `val2017` are, `valley` is not. The folder
/// of the file is a label unless it is the split itself: below a split, `train` is a class of things on rails. But
/// pictures to predict have no label, however often an archive nests their folder.
fn placed(name: &str) -> (String, String) {
    let folders: Vec<&str> = name.split('/').collect();
    let (_, folders) = folders.split_last().unwrap_or((&"", &[]));
    let above = folders.iter().position(|folder| split_of(folder).is_some());
    let split = above.and_then(|at| split_of(folders[at])).unwrap_or("");
    let label = match folders.last() {
        Some(_) if above == Some(folders.len() - 1) => "",
        Some(folder) if split == "pred" && split_of(folder) == Some("pred") => "",
        Some(folder) => folder,
        None => "",
    };
    (split.to_string(), label.to_string())
}

/// The split that a folder is named after.
fn split_of(folder: &str) -> Option<&'static str> {
    let folder = folder.to_lowercase();
    let mut words = folder.split(|letter: char| !letter.is_alphabetic());
    words.find_map(|word| {
        let (_, split) = SPLITS.iter().find(|(known, _)| *known == word)?;
        Some(*split)
    })
}

/// The usual ending of a format.
fn format_name(format: ImageFormat) -> &'static str {
    format.extensions_str().first().copied().unwrap_or_default()
}

fn store(write: &Connection, picture: &Picture, stamp: Stamp) -> Result<(), DataError> {
    let quality = &picture.quality;
    // A map of texts always has a JSON form.
    let exif = serde_json::to_string(&picture.exif).unwrap_or_default();
    write.execute(
        "INSERT OR REPLACE INTO pictures VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        params![
            picture.path,
            picture.bytes as i64,
            stamp.modified,
            picture.hash,
            picture.label,
            picture.split,
            picture.format,
            picture.mode,
            exif,
            picture.width,
            picture.height,
            quality.brightness_99,
            quality.brightness_5,
            quality.entropy,
            quality.sharpness,
            quality.gray,
            quality.look as i64,
            picture.broken,
            stamp.inode,
        ],
    )?;
    Ok(())
}

/// Pictures of the index for which `condition` holds, sorted by path. Its `?1` is `value`.
pub(super) fn select(
    connection: &Connection,
    condition: &str,
    value: &str,
) -> Result<Vec<Picture>, DataError> {
    let text = format!("SELECT * FROM pictures WHERE {condition} ORDER BY path");
    let mut query = connection.prepare(&text)?;
    let rows = query.query_map([value], |row| {
        Ok(Picture {
            path: row.get(0)?,
            bytes: row.get::<_, i64>(1)? as u64,
            hash: row.get(3)?,
            label: row.get(4)?,
            split: row.get(5)?,
            format: row.get(6)?,
            mode: row.get(7)?,
            exif: serde_json::from_str(&row.get::<_, String>(8)?).unwrap_or_default(),
            width: row.get(9)?,
            height: row.get(10)?,
            quality: Quality {
                brightness_99: row.get(11)?,
                brightness_5: row.get(12)?,
                entropy: row.get(13)?,
                sharpness: row.get(14)?,
                gray: row.get(15)?,
                look: row.get::<_, i64>(16)? as u64,
            },
            broken: row.get(17)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_a_word_and_no_label_is_lost_for_it() {
        let cases = [
            ("x.jpg", "", ""),
            ("sea/x.jpg", "", "sea"),
            ("train/sea/x.jpg", "train", "sea"),
            ("train/x.jpg", "train", ""),
            ("archive/seg_train/seg_train/sea/x.jpg", "train", "sea"),
            ("seg_pred/seg_pred/x.jpg", "pred", ""),
            ("val2017/cat/x.jpg", "val", "cat"),
            ("Validation set/cat/x.jpg", "val", "cat"),
            ("Testing/cat/x.jpg", "test", "cat"),
            // Names that only hold the letters of one.
            ("set/valley/x.jpg", "", "valley"),
            ("carnival/x.jpg", "", "carnival"),
            ("train/predator/x.jpg", "train", "predator"),
            ("test/contest/x.jpg", "test", "contest"),
            ("restraint/valuables/x.jpg", "", "valuables"),
            // A class that is a word for a split, below a split.
            ("train/train/x.jpg", "train", "train"),
            ("test/train/x.jpg", "test", "train"),
            ("test/freight train/x.jpg", "test", "freight train"),
        ];
        for (name, split, label) in cases {
            assert_eq!(placed(name), (split.into(), label.into()), "{name}");
        }
    }
}
