//! Where submissions lie: nbgrader's folders, or a flat one.
//!
//! | layout | a submission |
//! |---|---|
//! | nbgrader | `submitted/{student}/{assignment}/{notebook}.ipynb`, with `timestamp.txt` beside it |
//! | flat | `{student}.ipynb`, `{notebook}_{student}.ipynb`, `{student}/{notebook}.ipynb` |

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::error::GradeError;

/// The folder that nbgrader collects into.
const SUBMITTED: &str = "submitted";
/// The file beside a submission that says when it was handed in.
const TIMESTAMP: &str = "timestamp.txt";

/// A notebook that was handed in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Submission {
    /// Whose.
    pub student: String,
    /// Of which assignment; in a flat folder the notebook's name.
    pub assignment: String,
    /// Which notebook of it.
    pub notebook: String,
    /// Its file.
    pub path: PathBuf,
    /// The folder whose other files belong to it, if it has one of its own.
    pub folder: Option<PathBuf>,
    /// When it was handed in, if that is known.
    pub timestamp: Option<Timestamp>,
}

/// Submissions and the folder that their results go to.
#[derive(Debug, Clone)]
pub struct Found {
    /// In order of students.
    pub submissions: Vec<Submission>,
    /// Students with a folder that cannot be read, and why: nobody knows what was handed in there.
    pub unreadable: Unreadable,
    /// The course folder, where nbgrader keeps `gradebook.db`; for a flat folder `graded` in it.
    pub root: PathBuf,
}

/// Finds what was handed in below a folder: a course folder with `submitted` in it, that folder itself, or a
/// flat one. `known` are the names of the notebooks that there are.
///
/// # Errors
/// When the folder cannot be read or holds no submission.
pub fn find(folder: &Path, known: &[String]) -> Result<Found, GradeError> {
    let inside = folder.join(SUBMITTED);
    let mut unreadable = Vec::new();
    let (mut submissions, root) = if inside.is_dir() {
        (in_layout(&inside, &mut unreadable)?, folder.to_path_buf())
    } else if folder.file_name().is_some_and(|name| name == SUBMITTED) {
        let root = folder.parent().unwrap_or(Path::new("."));
        (in_layout(folder, &mut unreadable)?, root.to_path_buf())
    } else {
        let found = flat(folder, known, &mut unreadable)?;
        (found, folder.join("graded"))
    };
    if submissions.is_empty() && unreadable.is_empty() {
        return Err(GradeError::Notebook(format!(
            "no notebooks in {}: they lie in submitted/STUDENT/ASSIGNMENT/, or in one folder as STUDENT.ipynb",
            folder.display()
        )));
    }
    submissions.sort();
    Ok(Found {
        submissions,
        unreadable,
        root,
    })
}

/// Students, each with what is wrong with a folder.
type Unreadable = Vec<(String, String)>;

/// What was found, or nothing, with a note of what is wrong: one bad folder is no reason to leave out the others.
fn or_noted<T>(
    found: Result<Vec<T>, GradeError>,
    student: &str,
    unreadable: &mut Unreadable,
) -> Vec<T> {
    found.unwrap_or_else(|error| {
        unreadable.push((student.to_owned(), error.to_string()));
        Vec::new()
    })
}

fn in_layout(folder: &Path, unreadable: &mut Unreadable) -> Result<Vec<Submission>, GradeError> {
    let mut found = Vec::new();
    for (student, path) in folders(folder)? {
        for (assignment, path) in or_noted(folders(&path), &student, unreadable) {
            let timestamp = timestamp_in(&path);
            found.extend(
                or_noted(notebooks(&path), &student, unreadable)
                    .into_iter()
                    .map(|(notebook, file)| Submission {
                        student: student.clone(),
                        assignment: assignment.clone(),
                        notebook,
                        path: file,
                        folder: Some(path.clone()),
                        timestamp,
                    }),
            );
        }
    }
    Ok(found)
}

fn flat(
    folder: &Path,
    known: &[String],
    unreadable: &mut Unreadable,
) -> Result<Vec<Submission>, GradeError> {
    let mut found = Vec::new();
    for (stem, path) in notebooks(folder)? {
        let (student, notebook) = parts_of(&stem, known);
        let timestamp = fs::metadata(&path).and_then(|metadata| metadata.modified());
        found.push(Submission {
            student,
            assignment: notebook.clone(),
            notebook,
            path,
            folder: None,
            timestamp: timestamp
                .ok()
                .and_then(|time| Timestamp::try_from(time).ok()),
        });
    }
    for (student, path) in folders(folder)?
        .into_iter()
        .filter(|(name, _)| name != "graded")
    {
        let timestamp = timestamp_in(&path);
        found.extend(
            or_noted(notebooks(&path), &student, unreadable)
                .into_iter()
                .map(|(notebook, file)| Submission {
                    student: student.clone(),
                    assignment: notebook.clone(),
                    notebook,
                    path: file,
                    folder: Some(path.clone()),
                    timestamp,
                }),
        );
    }
    Ok(found)
}

/// `week1_ada`, `ada-week1` and, when there is one notebook only, `ada`. Of names that fit, the longest does:
/// `week10` is not `week1` with something behind it.
fn parts_of(stem: &str, known: &[String]) -> (String, String) {
    const SEPARATORS: [char; 4] = ['-', '_', ' ', '.'];
    let mut by_length: Vec<&String> = known.iter().collect();
    by_length.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for notebook in by_length {
        let before = stem
            .strip_prefix(notebook.as_str())
            .filter(|rest| rest.starts_with(SEPARATORS));
        let after = || {
            stem.strip_suffix(notebook.as_str())
                .filter(|rest| rest.ends_with(SEPARATORS))
        };
        let student = before
            .or_else(after)
            .map(|rest| rest.trim_matches(SEPARATORS));
        if let Some(student) = student.filter(|student| !student.is_empty()) {
            return (student.to_owned(), notebook.clone());
        }
    }
    let only = if let [only] = known {
        only.clone()
    } else {
        stem.to_owned()
    };
    (stem.to_owned(), only)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, GradeError> {
    let entries = fs::read_dir(folder).map_err(GradeError::io("read the folder", folder))?;
    let visible = |path: &PathBuf| !name_of(path).starts_with('.');
    let mut paths: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(visible)
        .collect();
    paths.sort();
    Ok(paths)
}

fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, GradeError> {
    let all = entries(folder)?.into_iter().filter(|path| path.is_dir());
    Ok(all.map(|path| (name_of(&path), path)).collect())
}

fn notebooks(folder: &Path) -> Result<Vec<(String, PathBuf)>, GradeError> {
    let is_notebook = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "ipynb")
    };
    let all = entries(folder)?.into_iter().filter(is_notebook);
    let stem = |path: &PathBuf| {
        path.file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    Ok(all.map(|path| (stem(&path), path)).collect())
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn timestamp_in(folder: &Path) -> Option<Timestamp> {
    /// More than a time has, in bytes.
    const LONGEST: u64 = 1 << 10;
    let path = folder.join(TIMESTAMP);
    // Whoever hands in may have put anything there: a pipe would be waited for.
    if !fs::symlink_metadata(&path).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    let file = fs::File::open(path).ok()?;
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    parse_timestamp(&text)
}

/// Reads a time as nbgrader writes it: `2026-11-23 21:00:00.5 UTC`, with `+0100`, `Europe/Berlin` or nothing
/// (which is UTC) at its end.
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    let mut words = text.split_whitespace();
    let (date, time, zone) = (words.next()?, words.next(), words.next());
    let civil: DateTime = match time {
        Some(time) => format!("{date}T{time}").parse().ok()?,
        None => date.parse().ok()?,
    };
    let zone = match zone {
        None | Some("UTC" | "Z") => TimeZone::UTC,
        Some(offset) if offset.starts_with(['+', '-']) => {
            let whole = format!(
                "{civil}{}:{}",
                offset.get(..3)?,
                offset.get(3..)?.trim_start_matches(':')
            );
            return whole.parse().ok();
        }
        Some(name) => TimeZone::get(name).ok()?,
    };
    zone.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: PathBuf) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn nbgraders_folders_are_read() {
        let course = tempfile::tempdir().unwrap();
        let at = |path: &str| course.path().join(path);
        touch(at("submitted/ada/week1/week1.ipynb"));
        touch(at("submitted/ada/week1/notes.txt"));
        touch(at("submitted/bob/week1/week1.ipynb"));
        fs::write(
            at("submitted/bob/week1/timestamp.txt"),
            "2026-11-23 21:00:00 UTC\n",
        )
        .unwrap();
        for folder in [course.path().to_path_buf(), at("submitted")] {
            let found = find(&folder, &[]).unwrap();
            let students: Vec<_> = found
                .submissions
                .iter()
                .map(|one| one.student.as_str())
                .collect();
            assert_eq!(students, ["ada", "bob"]);
            assert_eq!(found.root, course.path());
            assert_eq!(
                found.submissions[1].timestamp,
                parse_timestamp("2026-11-23T21:00:00Z")
            );
        }
    }

    #[test]
    fn a_flat_folder_is_read() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "ada.ipynb",
            "week1_bob.ipynb",
            "cyd-week1.ipynb",
            "dan/week1.ipynb",
            "graded/x.ipynb",
        ] {
            touch(folder.path().join(file));
        }
        let found = find(folder.path(), &["week1".into()]).unwrap();
        let pairs: Vec<_> = found
            .submissions
            .iter()
            .map(|one| (one.student.as_str(), one.notebook.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("ada", "week1"),
                ("bob", "week1"),
                ("cyd", "week1"),
                ("dan", "week1")
            ]
        );
        assert!(find(&folder.path().join("graded/none"), &[]).is_err());
    }

    #[test]
    fn the_longest_name_that_fits_counts() {
        let known: Vec<String> = ["week1", "week10", "10"].map(str::to_owned).into();
        let parts = |stem| parts_of(stem, &known);
        let pair = |student: &str, notebook: &str| (student.to_owned(), notebook.to_owned());
        assert_eq!(parts("week10_ada"), pair("ada", "week10"));
        assert_eq!(parts("ada-week1"), pair("ada", "week1"));
        assert_eq!(parts("week1_week10"), pair("week1", "week10"));
        assert_eq!(parts("week11_bob"), pair("week11_bob", "week11_bob"));
        let one = ["week1".to_owned()];
        assert_eq!(
            parts_of("week10_ada", &one),
            pair("week10_ada", "week1"),
            "no student is called 0_ada"
        );
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_noted() {
        let course = tempfile::tempdir().unwrap();
        let mut unreadable = Vec::new();
        let gone = course.path().join("gone");
        let found = or_noted(notebooks(&gone), "ada", &mut unreadable);
        assert!(found.is_empty() && unreadable[0].1.contains("gone"));
        assert!(
            find(&gone, &[]).is_err(),
            "the folder of all is no student's"
        );
    }

    #[test]
    fn times_are_read_as_nbgrader_writes_them() {
        let utc = parse_timestamp("2026-11-23 21:00:00.000000 UTC").unwrap();
        for same in [
            "2026-11-23 22:00:00 +0100",
            "2026-11-23 21:00:00",
            "2026-11-23 22:00:00 Europe/Berlin",
            "2026-11-23T21:00:00Z",
        ] {
            assert_eq!(parse_timestamp(same), Some(utc), "{same}");
        }
        assert_eq!(parse_timestamp("yesterday"), None);
    }
}
