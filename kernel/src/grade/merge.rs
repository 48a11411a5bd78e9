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

/// Puts parts together, in any order and as often as one likes, and makes the reports.
///
/// # Errors
/// When parts were graded with different versions of a notebook, or one submission was graded twice in
/// different states.
pub(super) fn merge(options: &MergeOptions) -> Result<()> {
    let mut merged: BTreeMap<(String, String, String), (Graded, PathBuf)> = BTreeMap::new();
    let mut versions: BTreeMap<String, (String, PathBuf)> = BTreeMap::new();
    for folder in options.parts.iter().chain([&options.into]) {
        for graded in Graded::all(folder)? {
            let known = versions
                .entry(graded.notebook.clone())
                .or_insert_with(|| (graded.version.clone(), folder.clone()));
            ensure!(
                known.0 == graded.version,
                "{} was graded with another version of {} than {}: grade one of them again",
                folder.display(),
                graded.notebook,
                known.1.display()
            );
            take(&mut merged, graded, folder)?;
        }
    }
    ensure!(!merged.is_empty(), "there are no results in the parts");
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

type Merged = BTreeMap<(String, String, String), (Graded, PathBuf)>;

fn take(merged: &mut Merged, graded: Graded, folder: &Path) -> Result<()> {
    let key = (
        graded.student.clone(),
        graded.assignment.clone(),
        graded.notebook.clone(),
    );
    if let Some((known, from)) = merged.get(&key) {
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

fn copy_executed(graded: &Graded, from: &Path, into: &Path) -> Result<()> {
    let path = graded.executed_path(from);
    if !path.exists() {
        return Ok(());
    }
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(write_whole(&graded.executed_path(into), &bytes)?)
}
