//! Putting a warehouse in order: every change is a plan first, is written down before it happens, and can
//! be undone. Nothing is ever deleted: what is unwanted is set aside, inside of the hidden folder.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use super::journal::ASIDE;
use super::{Picture, Warehouse};
use crate::DataError;

/// What a change would do, before it does: files that go from one path to another.
#[derive(Clone, PartialEq, Eq)]
pub struct Plan {
    /// What it is for, for example "relabel as sea".
    pub what: String,
    /// From where to where, relative to the warehouse. What comes from an absolute path is copied.
    pub moves: Vec<(String, String)>,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} files, nothing done yet",
            self.what,
            self.moves.len()
        )?;
        for (from, to) in self.moves.iter().take(10) {
            write!(f, "\n  {from:?} -> {to:?}")?;
        }
        match self.moves.len().saturating_sub(10) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl rt::Show for Plan {
    fn show(&self) -> rt::Bundle {
        rt::Bundle::text(format!("{self:?}"))
    }
}

/// A change that has been made, by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What [`Warehouse::undo`] takes.
    pub number: i64,
    /// What it was for.
    pub what: String,
    /// How many files it moved.
    pub files: usize,
    /// Whether it has been undone.
    pub undone: bool,
    /// Whether it could not be carried out: its files were taken back to where they had been.
    pub failed: bool,
}

impl Warehouse {
    /// A plan that gives pictures new names, each in its folder. The pattern may hold `{label}`, `{split}`,
    /// `{name}` (the old one without its ending), `{number}` (four digits, by label) and `{hash}` (twelve
    /// digits); the ending becomes that of the content.
    ///
    /// # Errors
    /// When a path is no picture of the warehouse.
    pub fn plan_rename(&self, paths: &[impl AsRef<str>], pattern: &str) -> Result<Plan, DataError> {
        let mut numbers = std::collections::HashMap::<String, usize>::new();
        let what = format!("rename to {pattern}");
        self.plan(what, paths, |picture| {
            let number = numbers.entry(picture.label.clone()).or_default();
            *number += 1;
            let path = Path::new(&picture.path);
            let name = pattern
                .replace("{label}", &picture.label)
                .replace("{split}", &picture.split)
                .replace(
                    "{name}",
                    &path.file_stem().unwrap_or_default().to_string_lossy(),
                )
                .replace("{number}", &format!("{number:04}"))
                .replace("{hash}", picture.hash.get(..12).unwrap_or_default());
            Ok(beside(
                &picture.path,
                &format!("{name}.{}", ending(picture)),
            ))
        })
    }

    /// A plan that gives pictures another label: they move to the folder of that name beside their own.
    ///
    /// # Errors
    /// When a path is no picture of the warehouse, or lies in no folder of a label.
    pub fn plan_relabel(&self, paths: &[impl AsRef<str>], label: &str) -> Result<Plan, DataError> {
        self.plan(format!("relabel as {label}"), paths, |picture| {
            let (folder, name) = picture.path.rsplit_once('/').unwrap_or(("", &picture.path));
            if picture.label.is_empty() {
                let problem = "lies in no folder of a label; plan_move puts it into one";
                return Err(DataError::content(self.root.join(&picture.path), problem));
            }
            Ok(match folder.rsplit_once('/') {
                Some((above, _)) => format!("{above}/{label}/{name}"),
                None => format!("{label}/{name}"),
            })
        })
    }

    /// A plan that moves pictures into a folder of the warehouse.
    ///
    /// # Errors
    /// When a path is no picture of the warehouse.
    pub fn plan_move(&self, paths: &[impl AsRef<str>], folder: &str) -> Result<Plan, DataError> {
        self.plan(format!("move to {folder}"), paths, |picture| {
            let name = picture.path.rsplit('/').next().unwrap_or(&picture.path);
            Ok(match folder.trim_matches('/') {
                "" => name.to_string(),
                folder => format!("{folder}/{name}"),
            })
        })
    }

    /// A plan that sets pictures aside, out of the set: into the hidden folder, from where
    /// [`undo`](Self::undo) brings them back.
    ///
    /// # Errors
    /// When a path is no picture of the warehouse.
    pub fn plan_set_aside(&self, paths: &[impl AsRef<str>]) -> Result<Plan, DataError> {
        self.plan("set aside".into(), paths, |picture| {
            Ok(format!("{ASIDE}{}", picture.path))
        })
    }

    /// A plan that gives every picture with a wrong ending the right one.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn plan_mend_extensions(&self) -> Result<Plan, DataError> {
        let findings = self.findings()?;
        let paths = findings.paths(super::Issue::WrongExtension);
        self.plan("mend extensions".into(), &paths, |picture| {
            let stem = Path::new(&picture.path)
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy();
            Ok(beside(
                &picture.path,
                &format!("{stem}.{}", ending(picture)),
            ))
        })
    }

    fn plan(
        &self,
        what: String,
        paths: &[impl AsRef<str>],
        mut target: impl FnMut(&Picture) -> Result<String, DataError>,
    ) -> Result<Plan, DataError> {
        let mut moves = Vec::with_capacity(paths.len());
        let mut seen = HashSet::new();
        // Findings may name a picture more than once.
        let paths = paths.iter().map(AsRef::as_ref);
        for path in paths.filter(|path: &&str| seen.insert(*path)) {
            let picture = self.picture(path)?;
            let to = target(&picture)?;
            if to != picture.path {
                moves.push((picture.path, to));
            }
        }
        Ok(Plan { what, moves })
    }
}

/// The path of a file of that name in the same folder.
fn beside(path: &str, name: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.to_string(),
    }
}

/// The ending of the content, or the old one where the content is unknown.
fn ending(picture: &Picture) -> String {
    if picture.format.is_empty() {
        return Path::new(&picture.path)
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
    }
    picture.format.clone()
}
