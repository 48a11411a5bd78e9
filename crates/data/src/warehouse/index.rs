//! The index: what is known of every file, kept in SQLite and brought up to date by what has changed.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use image::ImageFormat;
use rayon::prelude::*;
use rusqlite::{Connection, params};
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

/// Counts up when the table of the pictures changes.
const EDITION: i64 = 2;

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
        broken TEXT
    );
    CREATE TABLE IF NOT EXISTS tags (path TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (path, tag));
    CREATE TABLE IF NOT EXISTS journal (
        step INTEGER PRIMARY KEY AUTOINCREMENT,
        change INTEGER NOT NULL,
        what TEXT NOT NULL,
        source TEXT NOT NULL,
        target TEXT NOT NULL,
        state TEXT NOT NULL
    );
";

/// Opens the index at `file`, or makes it.
pub(super) fn open(file: &Path) -> Result<Connection, DataError> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(PATIENCE)?;
    // Readers and one writer at a time do not stop each other, and a kill leaves the last whole state.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let edition: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if edition != EDITION {
        // What is known of the pictures is read from them anew; tags and the journal stay.
        connection.execute_batch("DROP TABLE IF EXISTS pictures")?;
    }
    connection.execute_batch(SCHEMA)?;
    connection.pragma_update(None, "user_version", EDITION)?;
    Ok(connection)
}

/// Brings the index up to date with the files below `root`: only new and changed ones are read.
pub(super) fn refresh(connection: &mut Connection, root: &Path) -> Result<Refreshed, DataError> {
    let listing = pictures(root)?;
    let mut known = stamps(connection)?;
    let mut refreshed = Refreshed::default();
    let mut due = Vec::new();
    for path in &listing.files {
        let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) else {
            refreshed.unnamed.push(path.clone());
            continue;
        };
        // A file that went away meanwhile is told of the next time.
        let Ok(about) = fs::metadata(path) else {
            continue;
        };
        let stamp = (
            about.len() as i64,
            about.mtime() * 1_000_000_000 + about.mtime_nsec(),
        );
        match known.remove(name) {
            Some(before) if before == stamp => refreshed.unchanged += 1,
            _ => due.push((name.to_string(), stamp)),
        }
    }
    for portion in due.chunks(PORTION) {
        rt::checkpoint();
        let measured: Vec<(Picture, i64)> = portion
            .par_iter()
            .map(|(name, stamp)| (measure(root, name), stamp.1))
            .collect();
        let write = connection.transaction()?;
        for (picture, modified) in &measured {
            store(&write, picture, *modified)?;
        }
        write.commit()?;
        refreshed.read += portion.len();
    }
    let write = connection.transaction()?;
    for name in known.keys() {
        write.execute("DELETE FROM pictures WHERE path = ?1", [name])?;
    }
    write.commit()?;
    refreshed.gone = known.len();
    Ok(refreshed)
}

/// Length and time of change of every file in the index.
fn stamps(connection: &Connection) -> Result<HashMap<String, (i64, i64)>, DataError> {
    let mut query = connection.prepare("SELECT path, bytes, modified FROM pictures")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
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

/// The split and the label that a path tells: the folder of the file, and a folder above named after a split.
fn placed(name: &str) -> (String, String) {
    let folders: Vec<&str> = name.split('/').collect();
    let (_, folders) = folders.split_last().unwrap_or((&"", &[]));
    let split_of = |folder: &str| {
        let lower = folder.to_lowercase();
        ["train", "test", "val", "pred"]
            .into_iter()
            .find(|split| lower.contains(split))
    };
    let split = folders
        .iter()
        .find_map(|folder| split_of(folder))
        .unwrap_or_default();
    let label = folders
        .last()
        .filter(|folder| split_of(folder).is_none())
        .copied()
        .unwrap_or_default();
    (split.to_string(), label.to_string())
}

/// The usual ending of a format.
fn format_name(format: ImageFormat) -> &'static str {
    format.extensions_str().first().copied().unwrap_or_default()
}

fn store(write: &Connection, picture: &Picture, modified: i64) -> Result<(), DataError> {
    let quality = &picture.quality;
    // A map of texts always has a JSON form.
    let exif = serde_json::to_string(&picture.exif).unwrap_or_default();
    write.execute(
        "INSERT OR REPLACE INTO pictures VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            picture.path,
            picture.bytes as i64,
            modified,
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
