//! Parameters in Rust for papermill, in the Python environment: one module and its entry point.
//!
//! The package is so small that it is written without pip, and takes effect when papermill is installed beside it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::place::{Place, make_folder, write_whole};
use super::{Part, State, Step};

/// The folder with the description of the package, beside the module. pip lists and removes the package by it.
const ABOUT: &str = "cvstudy_papermill-1.0.dist-info";

/// What is written, by path in the folder of packages.
const FILES: [(&str, &str); 5] = [
    (
        "cvstudy_papermill.py",
        include_str!("../../assets/cvstudy_papermill.py"),
    ),
    (
        "cvstudy_papermill-1.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: cvstudy_papermill\nVersion: 1.0\nSummary: Parameters in Rust for papermill\n",
    ),
    (
        "cvstudy_papermill-1.0.dist-info/entry_points.txt",
        "[papermill.engine]\ncvstudy = cvstudy_papermill:Engine\n",
    ),
    ("cvstudy_papermill-1.0.dist-info/INSTALLER", "cvstudy\n"),
    (
        "cvstudy_papermill-1.0.dist-info/RECORD",
        "cvstudy_papermill.py,,\n\
         cvstudy_papermill-1.0.dist-info/METADATA,,\n\
         cvstudy_papermill-1.0.dist-info/entry_points.txt,,\n\
         cvstudy_papermill-1.0.dist-info/INSTALLER,,\n\
         cvstudy_papermill-1.0.dist-info/RECORD,,\n",
    ),
];

/// The package in the environment.
pub(super) struct Papermill;

impl Step for Papermill {
    fn inspect(&self, place: &Place) -> Part {
        let folder = packages(place).ok();
        let is_there = |folder: &Path| folder.join(ABOUT).is_dir();
        let is_whole = |folder: &Path| {
            let same = |(path, text): &(&str, &str)| {
                fs::read_to_string(folder.join(path)).is_ok_and(|own| own == *text)
            };
            FILES.iter().all(same)
        };
        let state = match &folder {
            Some(folder) if is_whole(folder) => State::Ok,
            Some(folder) if is_there(folder) => State::Wrong("it is another version's".to_owned()),
            _ => State::Missing,
        };
        Part {
            name: "parameters for papermill",
            state,
            needed: false,
            path: folder.map(|folder| folder.join(FILES[0].0)),
            version: None,
        }
    }

    fn provide(&self, place: &Place) -> Result<()> {
        let folder = packages(place)?;
        make_folder(&folder.join(ABOUT))?;
        for (path, text) in FILES {
            write_whole(&folder.join(path), text.as_bytes())?;
        }
        Ok(())
    }
}

/// `lib/python3.x/site-packages` of the environment.
fn packages(place: &Place) -> Result<PathBuf> {
    let libraries = place.venv().join("lib");
    let mut pythons = fs::read_dir(&libraries)
        .with_context(|| format!("cannot read {}", libraries.display()))?
        .flatten()
        .map(|python| python.path().join("site-packages"));
    pythons
        .find(|packages| packages.is_dir())
        .with_context(|| format!("there are no packages in {}", libraries.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_once_and_mended_when_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            home: folder.path().join("home"),
            checkout: folder.path().join("clone"),
        };
        assert_eq!(Papermill.inspect(&place).state, State::Missing);
        let packages = place.venv().join("lib/python3.11/site-packages");
        fs::create_dir_all(&packages).unwrap();
        Papermill.provide(&place).unwrap();
        assert_eq!(Papermill.inspect(&place).state, State::Ok);
        fs::write(packages.join(FILES[0].0), "changed").unwrap();
        assert!(matches!(Papermill.inspect(&place).state, State::Wrong(_)));
        Papermill.provide(&place).unwrap();
        assert_eq!(Papermill.inspect(&place).state, State::Ok);
    }

    #[test]
    fn the_record_names_every_file() {
        for (path, _) in FILES {
            assert!(FILES[4].1.contains(&format!("{path},,\n")), "{path}");
        }
    }
}
