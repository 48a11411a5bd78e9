//! WebDataset: pictures and labels in tar files, written once and read from front to back.
//!
//! Members that share a name up to the first dot belong together: `000012.jpg` is a picture, `000012.cls` its
//! label as a number. The names of the classes stand in `classes.txt` beside the shards.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Samples;
use super::samples::Place;
use crate::DataError;
use crate::files::is_picture;

/// The file with the names of the classes, one a line.
const CLASSES: &str = "classes.txt";

/// Writes the pictures into shards `shard-000000.tar` and so on in a folder, `per_shard` in each, as they are,
/// byte by byte. Returns the shards.
///
/// # Errors
/// When a picture cannot be read, the folder not be written to, or the name of a class holds a line break.
pub fn write_shards(
    samples: &Samples,
    folder: impl AsRef<Path>,
    per_shard: usize,
) -> Result<Vec<PathBuf>, DataError> {
    let folder = folder.as_ref();
    let broken = |class: &&String| class.contains(['\n', '\r']);
    if let Some(class) = samples.classes().iter().find(broken) {
        return Err(DataError::Setting(format!(
            "the class {class:?} has a line break in its name, and {CLASSES} holds a name a line: rename its folder"
        )));
    }
    fs::create_dir_all(folder).map_err(DataError::io("cannot be made", folder))?;
    let mut shards = Vec::new();
    for start in (0..samples.len()).step_by(per_shard.max(1)) {
        let end = (start + per_shard.max(1)).min(samples.len());
        let path = folder.join(format!("shard-{:06}.tar", shards.len()));
        let file = File::create(&path).map_err(DataError::io("cannot be written", &path))?;
        let mut archive = tar::Builder::new(BufWriter::new(file));
        for index in start..end {
            rt::checkpoint();
            let name = samples.name(index);
            let ending = Path::new(&name)
                .extension()
                .unwrap_or_default()
                .to_string_lossy()
                .to_lowercase();
            let bytes = samples.bytes(index)?;
            append(&mut archive, &format!("{index:06}.{ending}"), &bytes)
                .and_then(|()| {
                    append(
                        &mut archive,
                        &format!("{index:06}.cls"),
                        samples.label(index).to_string().as_bytes(),
                    )
                })
                .map_err(DataError::io("cannot be written", &path))?;
        }
        archive
            .into_inner()
            .and_then(|buffer| buffer.into_inner().map_err(io::IntoInnerError::into_error))
            .and_then(|file| file.sync_all())
            .map_err(DataError::io("cannot be written", &path))?;
        shards.push(path);
    }
    let classes = folder.join(CLASSES);
    fs::write(&classes, samples.classes().join("\n"))
        .map_err(DataError::io("cannot be written", &classes))?;
    Ok(shards)
}

fn append(archive: &mut tar::Builder<BufWriter<File>>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, name, bytes)
}

impl Samples {
    /// The pictures of WebDataset shards: all `.tar` files of a folder, sorted by name. Only the headers are
    /// read now. Without `classes.txt` the classes are named by their numbers.
    ///
    /// # Errors
    /// When there are no shards, one is cut short, or a picture has no label.
    pub fn shards(folder: impl AsRef<Path>) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let mut archives: Vec<PathBuf> = fs::read_dir(folder)
            .map_err(DataError::io("cannot be read", folder))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ending| ending == "tar"))
            .collect();
        archives.sort();
        if archives.is_empty() {
            return Err(DataError::content(
                folder,
                "has no shards; their names end in .tar",
            ));
        }
        let mut samples = Self::default();
        for (number, archive) in archives.iter().enumerate() {
            let listed = list(archive).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::Other
                | io::ErrorKind::InvalidData => DataError::content(
                    archive,
                    format!("is cut short or damaged ({error}); copy it again"),
                ),
                _ => DataError::io("cannot be read", archive)(error),
            })?;
            for (name, start, length) in listed.pictures {
                let label = listed.labels.get(key(&name)).copied();
                let label = label.ok_or_else(|| {
                    DataError::content(
                        archive,
                        format!("{name} has no label: {}.cls is missing", key(&name)),
                    )
                })?;
                samples.labels.push(label);
                samples.places.push(Place::Member(
                    number as u32,
                    start,
                    length,
                    name.into_boxed_str(),
                ));
            }
        }
        let most = samples
            .labels
            .iter()
            .max()
            .map_or(0, |&most| most as usize + 1);
        let named = fs::read_to_string(folder.join(CLASSES)).unwrap_or_default();
        let mut classes: Vec<String> = named.lines().map(str::to_string).collect();
        classes.extend((classes.len()..most).map(|number| number.to_string()));
        samples.classes = Arc::new(classes);
        samples.archives = Arc::new(archives);
        Ok(samples)
    }
}

/// What a shard holds.
#[derive(Default)]
struct Listed {
    /// Name, first byte, length.
    pictures: Vec<(String, u64, u64)>,
    labels: HashMap<String, u32>,
}

fn list(archive: &Path) -> io::Result<Listed> {
    let file = File::open(archive)?;
    let size = file.metadata()?.len();
    let mut archive = tar::Archive::new(BufReader::new(file));
    let mut listed = Listed::default();
    for entry in archive.entries()? {
        rt::checkpoint();
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let (start, length) = (entry.raw_file_position(), entry.size());
        if start + length > size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if is_picture(Path::new(&name)) {
            listed.pictures.push((name, start, length));
        } else if name.ends_with(".cls") {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            let label = text.trim().parse().map_err(|_| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("{name} holds {text:?}, no number"),
                )
            })?;
            listed.labels.insert(key(&name).to_string(), label);
        }
    }
    Ok(listed)
}

/// The name up to the first dot of its last part.
fn key(name: &str) -> &str {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    name[file..]
        .find('.')
        .map_or(name, |dot| &name[..file + dot])
}

#[cfg(test)]
mod tests {
    use super::super::samples::tests::plant;
    use super::*;

    #[test]
    fn a_class_of_two_lines_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let class = |name: &str| ("x.png".into(), name.to_string());
        let samples = Samples::labelled([class("sea"), class("for\nest")]);
        let shards = folder.path().join("shards");
        let message = write_shards(&samples, &shards, 2).unwrap_err().to_string();
        assert!(
            message.contains(r#""for\nest" has a line break"#),
            "{message}"
        );
        assert!(!shards.exists());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        plant(
            folder.path(),
            &["set/sea/b.png", "set/sea/a.png", "set/forest/x.png"],
        );
        let samples = Samples::image_folder(folder.path().join("set")).unwrap();
        let shards = folder.path().join("shards");
        assert_eq!(write_shards(&samples, &shards, 2).unwrap().len(), 2);
        let read = Samples::shards(&shards).unwrap();
        assert_eq!(
            (read.classes(), &read.labels),
            (samples.classes(), &samples.labels)
        );
        for index in 0..3 {
            assert_eq!(read.read(index).unwrap(), samples.read(index).unwrap());
        }
        assert!(
            read.name(2).ends_with("shard-000001.tar:000002.png"),
            "{}",
            read.name(2)
        );

        let first = shards.join("shard-000000.tar");
        let bytes = fs::read(&first).unwrap();
        fs::write(&first, &bytes[..bytes.len() / 4]).unwrap();
        let message = Samples::shards(&shards).unwrap_err().to_string();
        assert!(
            message.contains("shard-000000.tar: is cut short"),
            "{message}"
        );
    }
}
