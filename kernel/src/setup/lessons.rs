//! The shipped notebooks, compiled ahead of time, so that "Run All" on an unedited one compiles nothing.

use std::fs;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::console::Console;
use super::place::{Place, program, write_whole};
use super::{Part, State, Step, library};
use crate::{check, notebook};

/// All notebooks in `notebooks/`, checked once for each state of them and of the course library.
pub(super) struct Compiled;

fn marker(place: &Place) -> PathBuf {
    place.home.join("lessons-compiled")
}

impl Step for Compiled {
    fn inspect(&self, place: &Place) -> Part {
        let marked = fs::read_to_string(marker(place)).ok();
        let state = match (marked, fingerprint(place)) {
            (Some(marked), Ok(current)) if marked == current => State::Ok,
            _ => State::Missing,
        };
        Part {
            name: "lessons compiled",
            state,
            needed: false,
            path: Some(place.notebooks()),
            version: None,
        }
    }

    /// A lesson that does not compile, as one that is being worked on, is no reason to keep Jupyter shut.
    fn provide(&self, place: &Place) -> Result<()> {
        let lessons = notebook::find(&[place.notebooks()])?;
        let console = Console::begin("lessons");
        console.now("compiling every cell once");
        match check::check_paths(&lessons, true) {
            Ok(()) => console.done(&format!("{} compiled", lessons.len())),
            Err(error) => console.done(&format!(
                "not all compile ({error:#}); `cvstudy check NOTEBOOK` shows where"
            )),
        }
        write_whole(&marker(place), fingerprint(place)?.as_bytes())
    }
}

/// Changes when a notebook, the course library or this program does.
fn fingerprint(place: &Place) -> Result<String> {
    let mut hash = Sha256::new();
    for notebook in notebook::find(&[place.notebooks()])? {
        hash.update(notebook.as_os_str().as_encoded_bytes());
        hash.update(fs::read(&notebook)?);
    }
    for built in library::inspect().path.into_iter().chain([program()?]) {
        let meta = fs::metadata(&built)?;
        let modified = meta.modified()?.duration_since(UNIX_EPOCH)?;
        hash.update(meta.len().to_le_bytes());
        hash.update(modified.as_nanos().to_le_bytes());
    }
    Ok(format!("{:x}", hash.finalize()))
}
