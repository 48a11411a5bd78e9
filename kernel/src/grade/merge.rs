//! `cvstudy grade merge`: results of several runs put together.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ::grade::Graded;
use ::grade::result::write_whole;
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;

use crate::report::write_reports;
use crate::run::print_line;

use super::Course;

/// Options of `cvstudy grade merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeOptions {
    /// The folder to put everything into
    #[arg(value_name = "DIR")]
    into: PathBuf,

    /// Folders that parts were graded into
    #[arg(required = true, value_name = "PART")]
    parts: Vec<PathBuf>,

    /// The instructor's notebooks, as for `cvstudy grade`
    #[arg(long, value_name = "PATH")]
    source: Option<PathBuf>,
}

/// Puts parts together, in any order and as often as one likes, and makes the reports. What is in the folder already
/// gives way to what the parts have of it.
///
/// # Errors
/// When results would lie side by side that came about in different ways (another version of the notebook, another
/// build of the course, other limits), or two parts have graded one submission in different states.
pub(super) fn merge(options: &MergeOptions) -> Result<()> {
    let mut merged = Merged::new();
    for folder in options.parts.iter().filter(|part| **part != options.into) {
        for graded in Graded::all(folder)? {
            take(&mut merged, graded, folder)?;
        }
    }
    for graded in Graded::all(&options.into)? {
        merged
            .entry(key_of(&graded))
            .or_insert_with(|| (graded, options.into.clone()));
    }
    ensure!(!merged.is_empty(), "there are no results in the parts");
    check_versions(&merged)?;
    for (graded, from) in merged.values().filter(|(_, from)| *from != options.into) {
        graded.write(&options.into)?;
        copy_executed(graded, from, &options.into)?;
    }
    print_line(format!(
        "{} results in {}",
        merged.len(),
        options.into.display()
    ));
    let course = Course::find(&options.into, options.source.as_deref())?;
    write_reports(&options.into, &course, None, false)
}

/// By student, assignment and notebook: a result and the folder that it comes from.
type Merged = BTreeMap<(String, String, String), (Graded, PathBuf)>;

fn key_of(graded: &Graded) -> (String, String, String) {
    (
        graded.student.clone(),
        graded.assignment.clone(),
        graded.notebook.clone(),
    )
}

fn take(merged: &mut Merged, graded: Graded, folder: &Path) -> Result<()> {
    let key = key_of(&graded);
    if let Some((known, from)) = merged.get(&key) {
        check_pair((known, from.as_path()), (&graded, folder))?;
        ensure!(
            known.key == graded.key,
            "{} and {} have graded different submissions of {}",
            from.display(),
            folder.display(),
            graded.student
        );
        // Either is right; the choice must not depend on the order of the parts.
        let (before, now) = (json!(known).to_string(), json!(graded).to_string());
        if before <= now {
            return Ok(());
        }
    }
    merged.insert(key, (graded, folder.to_path_buf()));
    Ok(())
}

/// Points can be compared only if they came about in the same way.
fn check_versions(merged: &Merged) -> Result<()> {
    let mut first: BTreeMap<(&str, &str), (&Graded, &Path)> = BTreeMap::new();
    for (graded, from) in merged.values() {
        let notebook = (graded.assignment.as_str(), graded.notebook.as_str());
        let this = (graded, from.as_path());
        let known = first.entry(notebook).or_insert(this);
        check_pair(*known, this)?;
    }
    Ok(())
}

fn check_pair((one, from): (&Graded, &Path), (other, folder): (&Graded, &Path)) -> Result<()> {
    let differs = [
        ("another version", &one.version, &other.version),
        ("another build of the course", &one.build, &other.build),
        ("other limits", &one.limits, &other.limits),
    ];
    for (what, before, now) in differs {
        ensure!(
            before == now,
            "{}: {} of {} was graded with {what} than {} of {}: grade one of them again",
            one.notebook,
            other.student,
            folder.display(),
            one.student,
            from.display()
        );
    }
    Ok(())
}

fn copy_executed(graded: &Graded, from: &Path, into: &Path) -> Result<()> {
    let path = graded.executed_path(from);
    if !path.exists() {
        return Ok(());
    }
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(write_whole(&graded.executed_path(into), &bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graded(student: &str, assignment: &str, version: &str) -> Graded {
        Graded {
            student: student.into(),
            assignment: assignment.into(),
            notebook: "problem1".into(),
            version: version.into(),
            ..Graded::default()
        }
    }

    fn merged(results: &[Graded]) -> Result<()> {
        let mut merged = Merged::new();
        for graded in results {
            take(&mut merged, graded.clone(), Path::new("part"))?;
        }
        check_versions(&merged)
    }

    #[test]
    fn notebooks_of_one_name_in_two_assignments_are_two() {
        let both = [graded("ada", "ps1", "1"), graded("ada", "ps2", "2")];
        assert!(merged(&both).is_ok());
        let same = [graded("ada", "ps1", "1"), graded("bob", "ps1", "2")];
        let refused = merged(&same).unwrap_err().to_string();
        assert!(refused.contains("another version"), "{refused}");
    }

    #[test]
    fn what_came_about_in_other_ways_is_refused() {
        let ada = graded("ada", "ps1", "1");
        let mut bob = graded("bob", "ps1", "1");
        bob.limits = "600 s a cell".into();
        let refused = merged(&[ada.clone(), bob.clone()]).unwrap_err();
        assert!(refused.to_string().contains("other limits"), "{refused}");
        bob.limits.clear();
        bob.build = "another".into();
        let refused = merged(&[ada.clone(), bob]).unwrap_err();
        assert!(refused.to_string().contains("another build"), "{refused}");
        let mut again = ada.clone();
        again.key = "another".into();
        let refused = merged(&[ada, again]).unwrap_err();
        assert!(
            refused.to_string().contains("different submissions"),
            "{refused}"
        );
    }
}
