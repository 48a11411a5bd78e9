//! Putting a warehouse in order: every change is a plan first, is written down before it happens, and can
//! be undone. Nothing is ever deleted: what is unwanted is set aside, inside of the hidden folder.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use rusqlite::params;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{OWN, Picture, Warehouse};
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
            beside(&picture.path, &format!("{name}.{}", ending(picture)))
        })
    }

    /// A plan that gives pictures another label: they move to the folder of that name beside their own.
    ///
    /// # Errors
    /// When a path is no picture of the warehouse, or lies in no folder of a label.
    pub fn plan_relabel(&self, paths: &[impl AsRef<str>], label: &str) -> Result<Plan, DataError> {
        self.plan(format!("relabel as {label}"), paths, |picture| {
            let (folder, name) = picture.path.rsplit_once('/').unwrap_or(("", &picture.path));
            match folder.rsplit_once('/') {
                Some((above, _)) => format!("{above}/{label}/{name}"),
                None => format!("{label}/{name}"),
            }
        })
    }

    /// A plan that moves pictures into a folder of the warehouse.
    ///
    /// # Errors
    /// When a path is no picture of the warehouse.
    pub fn plan_move(&self, paths: &[impl AsRef<str>], folder: &str) -> Result<Plan, DataError> {
        self.plan(format!("move to {folder}"), paths, |picture| {
            let name = picture.path.rsplit('/').next().unwrap_or(&picture.path);
            format!("{}/{name}", folder.trim_matches('/'))
        })
    }

    /// A plan that sets pictures aside, out of the set: into the hidden folder, from where
    /// [`undo`](Self::undo) brings them back.
    ///
    /// # Errors
    /// When a path is no picture of the warehouse.
    pub fn plan_set_aside(&self, paths: &[impl AsRef<str>]) -> Result<Plan, DataError> {
        let next = self.next_change()?;
        self.plan("set aside".into(), paths, |picture| {
            format!("{OWN}/aside/{next}/{}", picture.path)
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
            beside(&picture.path, &format!("{stem}.{}", ending(picture)))
        })
    }

    fn plan(
        &self,
        what: String,
        paths: &[impl AsRef<str>],
        mut target: impl FnMut(&Picture) -> String,
    ) -> Result<Plan, DataError> {
        let mut moves = Vec::with_capacity(paths.len());
        for path in paths {
            let picture = self.picture(path.as_ref())?;
            let to = target(&picture);
            if to != picture.path {
                moves.push((picture.path, to));
            }
        }
        Ok(Plan { what, moves })
    }

    /// Does what a plan says, all of it or nothing, and returns the number for [`undo`](Self::undo). When the
    /// process is killed in the middle, the next [`open`](Self::open) does the rest.
    ///
    /// # Errors
    /// Before anything is done: when two files would get one name, a name is taken, a file is gone, or a target
    /// lies outside of the warehouse.
    pub fn apply(&mut self, plan: &Plan) -> Result<i64, DataError> {
        self.allow(plan)?;
        let change = self.next_change()?;
        let write = self.index.transaction()?;
        for (from, to) in &plan.moves {
            write.execute(
                "INSERT INTO journal (change, what, source, target, state) VALUES (?1, ?2, ?3, ?4, 'planned')",
                params![change, plan.what, from, to],
            )?;
        }
        write.commit()?;
        self.finish_changes()?;
        Ok(change)
    }

    /// Takes a change back: every file returns to where it was.
    ///
    /// # Errors
    /// When there is no such change, or a file's old name is taken by now.
    pub fn undo(&mut self, change: i64) -> Result<usize, DataError> {
        let text = "UPDATE journal SET state = 'undoing' WHERE change = ?1 AND state = 'done'";
        let count = self.index.execute(text, [change])?;
        if count == 0 {
            return Err(DataError::Setting(format!(
                "there is no change {change} that could be undone"
            )));
        }
        self.finish_changes()?;
        Ok(count)
    }

    /// All changes, the latest first.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn changes(&self) -> Result<Vec<Change>, DataError> {
        let text = "SELECT change, what, COUNT(*), SUM(state = 'undone') FROM journal GROUP BY change ORDER BY change DESC";
        let mut query = self.index.prepare(text)?;
        let rows = query.query_map([], |row| {
            Ok(Change {
                number: row.get(0)?,
                what: row.get(1)?,
                files: row.get::<_, i64>(2)? as usize,
                undone: row.get::<_, i64>(3)? > 0,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn next_change(&self) -> Result<i64, DataError> {
        Ok(self.index.query_row(
            "SELECT IFNULL(MAX(change), 0) + 1 FROM journal",
            [],
            |row| row.get(0),
        )?)
    }

    /// Whether a plan can be carried out as a whole.
    fn allow(&self, plan: &Plan) -> Result<(), DataError> {
        let mut targets = BTreeSet::new();
        for (from, to) in &plan.moves {
            let wrong = |problem: String| Err(DataError::content(self.root.join(from), problem));
            let inside = Path::new(to)
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_)));
            if !inside || to.is_empty() {
                return wrong(format!(
                    "cannot go to {to:?}, which is outside of the warehouse"
                ));
            }
            if !targets.insert(to) {
                return wrong(format!(
                    "would become {to:?}, as another file would; use {{number}} or {{hash}} in the pattern"
                ));
            }
            if self.root.join(to).symlink_metadata().is_ok() {
                return wrong(format!("cannot become {to:?}: there is such a file"));
            }
            if self.root.join(from).symlink_metadata().is_err() {
                return wrong("is not there any more; refresh the warehouse".into());
            }
        }
        Ok(())
    }

    /// Does what is written down in the journal and has not been done, after a kill for example.
    pub(super) fn finish_changes(&mut self) -> Result<(), DataError> {
        let text = "SELECT step, change, source, target, state FROM journal WHERE state IN ('planned', 'undoing') ORDER BY step";
        let steps: Vec<(i64, i64, String, String, String)> = self
            .index
            .prepare(text)?
            .query_map([], |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                ))
            })?
            .collect::<Result<_, _>>()?;
        for (step, change, source, target, state) in steps {
            let back = state == "undoing";
            // What came from outside does not go back there: its original has stayed.
            let aside = format!("{OWN}/aside/{change}/{target}");
            let (from, to) = match (back, is_outside(&source)) {
                (true, true) => (&target, &aside),
                (true, false) => (&target, &source),
                (false, _) => (&source, &target),
            };
            if is_outside(from) {
                self.copy(step, from, to)?;
            } else {
                self.carry(from, to)?;
            }
            let write = self.index.transaction()?;
            let state = if back { "undone" } else { "done" };
            write.execute(
                "UPDATE journal SET state = ?1 WHERE step = ?2",
                params![state, step],
            )?;
            write.execute(
                "UPDATE OR REPLACE tags SET path = ?1 WHERE path = ?2",
                [to, from],
            )?;
            write.commit()?;
        }
        // Paths, labels and splits in the index follow the files.
        self.refresh()?;
        Ok(())
    }

    /// Copies a file from outside, so that it is there whole or not at all. That it has been copied already is well.
    fn copy(&self, step: i64, from: &str, to: &str) -> Result<(), DataError> {
        if self.root.join(to).symlink_metadata().is_ok() {
            return Ok(());
        }
        let half = format!("{OWN}/copy-{step}-{}", std::process::id());
        let path = self.root.join(&half);
        fs::copy(from, &path).map_err(DataError::io("cannot be copied", from))?;
        let carried = self.carry(&half, to);
        if path.exists() {
            // Another process that finishes the same change was faster, or the copy cannot stay.
            fs::remove_file(&path).map_err(DataError::io("cannot be removed", &path))?;
            if self.root.join(to).symlink_metadata().is_ok() {
                return Ok(());
            }
        }
        carried
    }

    /// Moves a file. That it has been moved already, by this process before it was killed or by another, is well.
    fn carry(&self, from: &str, to: &str) -> Result<(), DataError> {
        let (from, to) = (self.root.join(from), self.root.join(to));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(DataError::io("cannot be made", folder))?;
        }
        let moved =
            renameat_with(CWD, &from, CWD, &to, RenameFlags::NOREPLACE).map_err(io::Error::from);
        match moved {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && to.symlink_metadata().is_ok() =>
            {
                Ok(())
            }
            moved => moved.map_err(DataError::io("cannot be moved to its new name", from)),
        }
    }
}

/// Whether a source of the journal lies outside of the warehouse.
fn is_outside(source: &str) -> bool {
    Path::new(source).is_absolute()
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
