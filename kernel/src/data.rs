//! `cvstudy data`: done by the course, which this program loads for it.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Args;

#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct DataOptions {
    /// What to do; `cvstudy data --help` tells
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Hands the arguments to the course and ends the process as it says.
///
/// # Errors
/// When the course has not been built.
pub(crate) fn data(options: &DataOptions) -> Result<()> {
    // The course reads the arguments of the process, which these are a part of.
    tracing::debug!(arguments = ?options.arguments, "handed to the course");
    let course = cell::course::Course::locate()?;
    std::process::exit(cell::run_tool(&course.library)?)
}

/// How lessons ask for the sets that can be generated, and the names of those.
const SETS: [(&str, &str); 3] = [
    ("data::scenes(", "scenes"),
    ("data::sea_animals(", "sea-animals"),
    ("data::source_task(", "source"),
];

/// Makes the sets that notebooks ask for: where their cells are confined, these can only read what is there.
///
/// # Errors
/// When a notebook cannot be read, or a set cannot be made.
pub(crate) fn provide(notebooks: &[PathBuf]) -> Result<()> {
    let mut text = String::new();
    for path in notebooks {
        let own = fs::read_to_string(path);
        text += &own.with_context(|| format!("cannot read {}", path.display()))?;
    }
    let sets = asked_for(&text);
    if sets.is_empty() {
        return Ok(());
    }
    let mut make = Command::new(env::current_exe().context("the running program")?);
    make.args(["data", "make"]).args(&sets);
    let status = make.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.context("cannot make data sets")?;
    ensure!(
        status.success(),
        "`cvstudy data make {}` failed",
        sets.join(" ")
    );
    Ok(())
}

fn asked_for(text: &str) -> Vec<&'static str> {
    let asked = SETS.iter().filter(|(call, _)| text.contains(call));
    asked.map(|(_, set)| *set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_that_the_weeks_ask_for_is_known() {
        let weeks = concat!(env!("CARGO_MANIFEST_DIR"), "/../notebooks/source");
        let mut asked = Vec::new();
        for week in fs::read_dir(weeks).unwrap() {
            let text = fs::read_to_string(week.unwrap().path()).unwrap();
            asked.extend(asked_for(&text));
        }
        for (_, set) in SETS {
            assert!(asked.contains(&set), "{set}");
        }
        assert!(asked_for("let data = 1;").is_empty());
    }
}
