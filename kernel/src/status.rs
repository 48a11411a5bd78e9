//! `cvstudy status`: how far a learner is.

use std::path::PathBuf;

use ::grade::{Master, Notebook, notebook};
use anyhow::Result;
use clap::Args;

use crate::exercises::{Progress, name_of, state_of};
use crate::run::print_line;

/// Options of `cvstudy status`.
#[derive(Debug, Args)]
pub(crate) struct StatusOptions {
    /// Notebooks, or folders of notebooks
    #[arg(value_name = "NOTEBOOK", default_value = "notebooks")]
    notebooks: Vec<PathBuf>,
}

/// Shows which exercises are solved, as far as they were checked.
///
/// # Errors
/// When a notebook cannot be read.
pub(crate) fn status(options: StatusOptions) -> Result<()> {
    let progress = Progress::read();
    for path in notebook::find(&options.notebooks)? {
        let master = Master::of_released(&name_of(&path), Notebook::read(&path)?)?;
        if master.cells.iter().any(|cell| cell.marking.is_tests()) {
            print_line(state_of(&master, &progress).trim_end());
        }
    }
    Ok(())
}
