//! `cvstudy data`: done by the course, which this program loads for it.

use anyhow::Result;
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
