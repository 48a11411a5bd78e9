//! What grading a submission came to, kept in a file of its own as soon as it is known.
//!
//! Everything else, the gradebook and all reports, is made from these files: that is what lets grading be
//! cut off at any moment, be spread over machines and put together in any order.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use crate::error::GradeError;
use crate::inject::Finding;
use crate::notebook::Notebook;
use crate::sandbox::InForce;
use crate::score::CellScore;
use crate::submissions::Submission;
use crate::verdict::CellVerdict;

/// The folder in the course folder that results lie in.
const FOLDER: &str = "results";

/// A graded submission.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Graded {
    /// Whose.
    pub student: String,
    /// Of which assignment.
    pub assignment: String,
    /// Which notebook of it.
    pub notebook: String,
    /// The version of the tests that it was graded with: [`crate::Master::basis`].
    pub version: String,
    /// The build of the course that it was graded with.
    #[serde(default)]
    pub build: String,
    /// What it was allowed to use.
    #[serde(default)]
    pub limits: String,
    /// Tells what was handed in, the files beside the notebook included, from anything else.
    #[serde(default)]
    pub submission: String,
    /// Tells whether the submission, the tests, the build or the limits have changed since.
    pub key: String,
    /// When it was handed in.
    pub timestamp: Option<Timestamp>,
    /// Why it could not be graded: it is no notebook, or was not handed in. It has 0 points then.
    pub refused: Option<String>,
    /// The points of every graded cell.
    pub scores: Vec<CellScore>,
    /// What happened to each.
    pub verdicts: Vec<CellVerdict>,
    /// What a teacher may want to know.
    pub findings: Vec<Finding>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How many cells had to be compiled.
    pub compiled: usize,
    /// How many were run.
    pub ran: usize,
    /// What the submission was confined by.
    pub in_force: Vec<InForce>,
}

impl Graded {
    /// The sum of the program's points.
    pub fn auto_score(&self) -> f64 {
        self.scores.iter().filter_map(|score| score.auto).sum()
    }

    /// The most points there are.
    pub fn max_score(&self) -> f64 {
        self.scores.iter().map(|score| score.max).sum()
    }

    /// Whether a person has to look.
    pub fn needs_manual(&self) -> bool {
        self.scores.iter().any(|score| score.needs_manual)
    }

    /// Writes it below the course folder: either all of it is there afterwards, or what was there before.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, root: &Path) -> Result<(), GradeError> {
        let path = path_of(root, &self.student, &self.assignment, &self.notebook);
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        write_whole(&path, &text)
    }

    /// Where the executed copy of the notebook lies below the course folder.
    pub fn executed_path(&self, root: &Path) -> PathBuf {
        root.join("autograded")
            .join(&self.student)
            .join(&self.assignment)
            .join(format!("{}.ipynb", self.notebook))
    }

    /// The executed copy, if the notebook could be executed.
    pub fn executed(&self, root: &Path) -> Option<Notebook> {
        if self.refused.is_some() {
            return None;
        }
        Notebook::read(&self.executed_path(root)).ok()
    }

    /// What is known of a submission, if it was graded before.
    pub fn of(root: &Path, submission: &Submission) -> Option<Self> {
        let path = path_of(
            root,
            &submission.student,
            &submission.assignment,
            &submission.notebook,
        );
        read(&path).ok()
    }

    /// All results below a course folder, in order of assignment and student.
    ///
    /// # Errors
    /// When a file cannot be read or is no result.
    pub fn all(root: &Path) -> Result<Vec<Self>, GradeError> {
        let mut results = Vec::new();
        let mut folders = vec![root.join(FOLDER)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for path in entries.flatten().map(|entry| entry.path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if path
                    .extension()
                    .is_some_and(|extension| extension == "json")
                {
                    results.push(read(&path)?);
                }
            }
        }
        let order = |one: &Self| {
            (
                one.assignment.clone(),
                one.notebook.clone(),
                one.student.clone(),
            )
        };
        results.sort_by_key(order);
        Ok(results)
    }
}

/// A short name for all that a result depends on.
pub fn key(parts: &[&[u8]]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part.len().to_le_bytes());
        md5.update(part);
    }
    format!("{:x}", md5.finalize())
}

fn path_of(root: &Path, student: &str, assignment: &str, notebook: &str) -> PathBuf {
    root.join(FOLDER)
        .join(student)
        .join(assignment)
        .join(format!("{notebook}.json"))
}

fn read(path: &Path) -> Result<Graded, GradeError> {
    let bytes = fs::read(path).map_err(GradeError::io("read", path))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        GradeError::Notebook(format!(
            "{} is no result of grading ({error}); delete it and grade again",
            path.display()
        ))
    })
}

/// Writes a file as a whole or not at all, and the folders it lies in.
///
/// # Errors
/// When the disk is full or the folder cannot be written to.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), GradeError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(GradeError::io("make the folder", folder))?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.tmp", std::process::id()));
    let written = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written.map_err(GradeError::io("write", path))
}
