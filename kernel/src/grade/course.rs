//! The instructor's notebooks that belong to a folder of submissions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ::grade::{Graded, Master, MasterCell, Submission};
use anyhow::{Context, Result, bail};

/// All notebooks that there are, by assignment and name.
pub(crate) struct Course {
    masters: BTreeMap<(String, String), Master>,
    /// Where they were read.
    pub(super) paths: Vec<PathBuf>,
}

impl Course {
    /// Reads the notebooks at `source`, or where they lie when it is not given.
    pub(crate) fn find(folder: &Path, source: Option<&Path>) -> Result<Self> {
        let places = match source {
            Some(source) => vec![source.to_path_buf()],
            None => vec![
                folder.join("source"),
                folder.parent().unwrap_or(folder).join("source"),
                PathBuf::from("notebooks/source"),
            ],
        };
        let Some(place) = places.iter().find(|place| place.exists()) else {
            bail!(
                "no instructor's notebooks at {}: name them with --source",
                places
                    .iter()
                    .map(|place| place.display().to_string())
                    .collect::<Vec<_>>()
                    .join(", ")
            );
        };
        let (mut masters, mut paths) = (BTreeMap::new(), Vec::new());
        for (assignment, file) in files(place)? {
            let master = Master::read(&file)?;
            paths.push(file);
            let assignment = assignment.unwrap_or_else(|| master.name.clone());
            masters.insert((assignment, master.name.clone()), master);
        }
        if masters.is_empty() {
            bail!(
                "no instructor's notebooks in {}: they are .md or .ipynb files",
                place.display()
            );
        }
        Ok(Self { masters, paths })
    }

    /// A graded cell, and the notebook that it is part of.
    pub(super) fn cell(
        &self,
        assignment: &str,
        notebook: &str,
        cell: &str,
    ) -> Option<(&Master, &MasterCell)> {
        let key = (assignment.to_owned(), notebook.to_owned());
        let master = self.masters.get(&key)?;
        Some((master, master.cell(cell)?))
    }

    /// The names of all notebooks.
    pub(super) fn names(&self) -> Vec<String> {
        let names: BTreeSet<String> = self.masters.keys().map(|(_, name)| name.clone()).collect();
        names.into_iter().collect()
    }

    /// The instructor's notebook of a submission.
    pub(super) fn master(&self, submission: &Submission) -> Result<&Master> {
        let key = (submission.assignment.clone(), submission.notebook.clone());
        self.masters.get(&key).with_context(|| {
            format!(
                "there is no instructor's notebook `{}` of the assignment `{}`",
                key.1, key.0
            )
        })
    }

    /// The instructor's notebooks at a place: a file, or those in a folder.
    pub(crate) fn files(place: &Path) -> Result<Vec<PathBuf>> {
        Ok(files(place)?.into_iter().map(|(_, path)| path).collect())
    }

    /// All notebooks with their assignments.
    pub(crate) fn masters(&self) -> impl Iterator<Item = (&String, &Master)> {
        self.masters
            .iter()
            .map(|((assignment, _), master)| (assignment, master))
    }

    /// The instructor's notebook that a result belongs to, if there still is one.
    pub(crate) fn of_result(&self, graded: &Graded) -> Option<&Master> {
        self.masters
            .get(&(graded.assignment.clone(), graded.notebook.clone()))
    }

    /// Takes out notebooks that no assignment has, as nbgrader does, and adds those that a student who handed
    /// something in has left out: they get 0 points.
    pub(super) fn add_missing(&self, submissions: &mut Vec<Submission>) {
        let is_known = |one: &Submission| {
            self.masters
                .contains_key(&(one.assignment.clone(), one.notebook.clone()))
        };
        for one in submissions.iter().filter(|one| !is_known(one)) {
            eprintln!(
                "{}: no assignment has a notebook of this name; passed over",
                one.path.display()
            );
        }
        let students: BTreeMap<(String, String), Submission> = submissions
            .iter()
            .filter(|one| one.folder.is_some())
            .map(|one| ((one.student.clone(), one.assignment.clone()), one.clone()))
            .collect();
        submissions.retain(is_known);
        for ((student, assignment), example) in students {
            for (_, notebook) in self.masters.keys().filter(|(name, _)| *name == assignment) {
                let is_there = |one: &Submission| {
                    one.student == student
                        && one.assignment == assignment
                        && one.notebook == *notebook
                };
                if !submissions.iter().any(is_there) {
                    submissions.push(Submission {
                        notebook: notebook.clone(),
                        path: example.path.with_file_name(format!("{notebook}.ipynb")),
                        ..example.clone()
                    });
                }
            }
        }
        submissions.sort();
    }
}

/// Instructor's notebooks at a place, with their assignment if folders say it.
fn files(place: &Path) -> Result<Vec<(Option<String>, PathBuf)>> {
    if place.is_file() {
        return Ok(vec![(None, place.to_path_buf())]);
    }
    let mut found = Vec::new();
    for path in sorted(place)? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && !name.starts_with('.') {
            let inside = sorted(&path)?
                .into_iter()
                .filter(|path| has_extension(path, "ipynb"));
            found.extend(inside.map(|path| (Some(name.clone()), path)));
        } else if has_extension(&path, "md") {
            found.push((None, path));
        }
    }
    Ok(found)
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|own| own == extension)
}
