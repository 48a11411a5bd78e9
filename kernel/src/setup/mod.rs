//! Set-up on a fresh machine, and the state of each part.
//!
//! | module | holds |
//! |---|---|
//! | `setup` | the calls: [`ensure`], [`lab`], [`install`], [`doctor()`] |
//! | `place` | where things live |
//! | `console` | what is said meanwhile |
//! | `lock` | one set-up at a time |
//! | `prerequisites` | what the user has to bring: platform, Python, C++ compiler, disk space |
//! | `wheels`, `fetch`, `pip`, `libtorch` | libtorch: which wheels, their download, what is kept of them |
//! | `library` | the course library, built by cargo |
//! | `python` | the Python environment with JupyterLab |
//! | `papermill` | parameters in Rust for papermill |
//! | `kernelspec` | how Jupyter learns of this kernel |
//! | `lessons` | the shipped notebooks, compiled ahead of time |
//! | `doctor` | the table of all parts |
//!
//! Each part is a [`Step`]: it can say how it stands, reading only, and it can put itself right. What is
//! right is left alone, and what was cut off is begun again, so any run can follow any other.

mod console;
mod doctor;
mod fetch;
mod kernelspec;
mod lessons;
mod library;
mod libtorch;
mod lock;
mod papermill;
mod pip;
mod place;
mod prerequisites;
mod python;
mod wheels;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;

pub(crate) use doctor::{DoctorOptions, doctor};
pub(crate) use kernelspec::{InstallOptions, install};

use place::Place;

/// What a command needs to be in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Cells can be compiled and run: libtorch and the course library.
    Course,
    /// [`Need::Course`], and JupyterLab with this kernel in it.
    Lab,
}

/// How one part of the set-up stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// It is there and right.
    Ok,
    /// It is not there.
    Missing,
    /// It is there and not right: what is wrong.
    Wrong(String),
}

/// What is known of one part.
#[derive(Debug, Clone)]
struct Part {
    name: &'static str,
    state: State,
    /// Whether lessons cannot run without it.
    needed: bool,
    path: Option<PathBuf>,
    version: Option<String>,
}

/// One part of the set-up that can put itself right.
trait Step {
    /// How it stands. Reads only, and in milliseconds.
    fn inspect(&self, place: &Place) -> Part;

    /// Puts it right. Called when it is not, and never by two processes at once.
    fn provide(&self, place: &Place) -> Result<()>;
}

/// What has to be right before the course library can be built.
const FOR_BUILD: [&dyn Step; 2] = [&libtorch::Libtorch, &libtorch::Link];

/// What JupyterLab needs on top of the course library.
const FOR_LAB: [&dyn Step; 5] = [
    &python::Environment,
    &python::Jupyter,
    &papermill::Papermill,
    &kernelspec::LabSpec,
    &lessons::Compiled,
];

/// Puts everything in place that `need` names; what is there already is left alone.
///
/// # Errors
/// When something is missing that only the user can provide, with what to do: a compiler, Python, disk
/// space, a network; and when a libtorch of the user's own has the wrong version.
pub(crate) fn ensure(need: Need) -> Result<()> {
    prerequisites::platform()?;
    prerequisites::compiler()?;
    let place = Place::find()?;
    provide(&place, &FOR_BUILD)?;
    library::build(&place)?;
    if need == Need::Lab {
        provide(&place, &FOR_LAB)?;
    }
    Ok(())
}

/// The data that lessons read, which they find as `../data`; `None` when the clone is gone.
pub(crate) fn data() -> Option<PathBuf> {
    Some(Place::find().ok()?.checkout.join("data"))
}

/// Where libtorch may lie: that of the set-up, and the user's own.
pub(crate) fn libtorch_folders() -> Vec<PathBuf> {
    let place = Place::find().ok();
    let ours = place
        .iter()
        .flat_map(|place| [place.libtorch(), place.libtorch_link()]);
    ours.chain(place::folder_from_env("LIBTORCH")).collect()
}

/// Puts right what is not, one process at a time.
fn provide(place: &Place, steps: &[&dyn Step]) -> Result<()> {
    let is_right = |step: &dyn Step| step.inspect(place).state == State::Ok;
    let mut turn = None;
    for &step in steps {
        if is_right(step) {
            continue;
        }
        if turn.is_none() {
            turn = Some(lock::take(place)?);
            // Whoever had the lock before may just have done it.
            if is_right(step) {
                continue;
            }
        }
        step.provide(place).map_err(explain_full_disk)?;
    }
    Ok(())
}

/// Says what to do about a full disk, wherever it was met, unless that has been said.
fn explain_full_disk(error: anyhow::Error) -> anyhow::Error {
    let told = format!("{error:#}");
    if told.contains("No space left on device") && !told.contains(prerequisites::DISK_ADVICE) {
        return error.context(format!("the disk is full. {}", prerequisites::DISK_ADVICE));
    }
    error
}

/// Options of `cvstudy lab`.
#[derive(Debug, clap::Args)]
pub(crate) struct LabOptions {
    /// Passed on to JupyterLab, such as --no-browser or --port=8889
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    jupyter: Vec<OsString>,
}

/// Sets everything up and becomes JupyterLab on the lessons.
///
/// # Errors
/// As [`ensure`], and when JupyterLab cannot be started. Where that works, this does not return.
pub(crate) fn lab(options: LabOptions) -> Result<()> {
    ensure(Need::Lab)?;
    python::become_jupyter_lab(&Place::find()?, &options.jupyter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_explained_once() {
        let full = std::io::Error::from_raw_os_error(28);
        let error = explain_full_disk(anyhow::Error::from(full).context("cannot write libtorch"));
        let told = format!("{error:#}");
        assert!(told.starts_with("the disk is full. Free some"), "{told}");
        assert_eq!(format!("{:#}", explain_full_disk(error)), told);
        let other = explain_full_disk(anyhow::anyhow!("no network"));
        assert_eq!(other.to_string(), "no network");
    }
}
