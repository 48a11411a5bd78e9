//! From the instructor's notebook to the learners': what nbgrader's `generate_assignment` does.
//!
//! Solutions become stubs, hidden tests and mark schemes go, cells are locked, checksums are set. What
//! grading needs of it later is kept in a [`Master`].

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use serde_json::Value;

use crate::error::GradeError;
use crate::exercise::{Extras, Reveal};
use crate::harden::harden;
use crate::marking::Marking;
use crate::notebook::{Cell, CellKind, Notebook};
use crate::regions::{self, HIDDEN_TESTS, MARK_SCHEME, SOLUTION};
use crate::text::{self, KEY};

/// Everything that is known of one assignment's notebook once it is released.
#[derive(Debug, Clone)]
pub struct Master {
    /// Its name, which is that of its file.
    pub name: String,
    /// The instructor's notebook.
    pub source: Notebook,
    /// What learners get.
    pub released: Notebook,
    /// The cells that nbgrader has a part in, as they are brought back before grading.
    pub cells: Vec<MasterCell>,
    /// The folder whose other files every submission gets, as in nbgrader's `source/`.
    pub files: Option<PathBuf>,
    /// Tells this version of the notebook from all others.
    pub version: String,
    /// Tells from all others what grading rests on: the cells that are brought back. Other text may change without
    /// changing anybody's points.
    pub basis: String,
}

/// A cell as it is brought back before grading: solutions cleared, hidden tests in place.
#[derive(Debug, Clone)]
pub struct MasterCell {
    /// nbgrader's metadata.
    pub marking: Marking,
    /// What is ours.
    pub extras: Extras,
    /// Code or text.
    pub kind: CellKind,
    /// Its text, with hidden tests.
    pub source: String,
    /// The tags it has in the source.
    pub tags: Option<Value>,
}

impl Master {
    /// Reads an instructor's notebook and releases it: text (`week1.md`), whose tests are hardened, or a
    /// notebook as nbgrader keeps it in `source/` (`week1.ipynb`), which is taken as it is.
    ///
    /// # Errors
    /// When the file cannot be read, or as [`Master::release`].
    pub fn read(path: &Path) -> Result<Self, GradeError> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let place = |error: GradeError| error.at(path.display().to_string());
        let is_ipynb = path
            .extension()
            .is_some_and(|extension| extension == "ipynb");
        let source = if is_ipynb {
            let mut source = Notebook::read(path)?;
            source.upgrade();
            source
        } else {
            let text = std::fs::read_to_string(path).map_err(GradeError::io("read", path))?;
            let mut source = text::parse(&text).map_err(place)?;
            harden_tests(&mut source).map_err(place)?;
            source
        };
        let mut master = Self::release(&name, source).map_err(place)?;
        master.files = path.parent().filter(|_| is_ipynb).map(Path::to_path_buf);
        Ok(master)
    }

    /// Releases an instructor's notebook under a name.
    ///
    /// # Errors
    /// When a region does not end or stands in a cell of the wrong kind, when two cells share an id, or
    /// metadata is broken.
    pub fn release(name: &str, source: Notebook) -> Result<Self, GradeError> {
        let mut released = source.clone();
        let mut cells = Vec::new();
        let mut ids = HashSet::new();
        for cell in released.cells_mut() {
            let Some(master) = release_cell(cell)? else {
                continue;
            };
            let id = master.marking.id().to_owned();
            if !ids.insert(id.clone()) {
                let problem = "another cell has the same id; ids are unique in a notebook".into();
                return Err(GradeError::Cell { cell: id, problem });
            }
            cells.push(master);
        }
        released.metadata_mut().shift_remove("celltoolbar");
        let version = version_of(&source);
        let about = serde_json::json!({ "notebook": name, "version": version });
        released.metadata_mut().insert(KEY.into(), about);
        Ok(Self {
            name: name.into(),
            source,
            released,
            basis: basis_of(&cells),
            cells,
            files: None,
            version,
        })
    }

    /// What a released notebook says of itself: its cells as they are, without anything hidden. For checking
    /// where the source is not.
    ///
    /// # Errors
    /// When the metadata of a cell is broken.
    pub fn of_released(name: &str, notebook: Notebook) -> Result<Self, GradeError> {
        let mut cells = Vec::new();
        for cell in notebook.cells() {
            if let Some(marking) = Marking::of(cell)? {
                cells.push(MasterCell {
                    marking,
                    extras: Extras::of(cell)?,
                    kind: cell.kind(),
                    source: cell.source(),
                    tags: cell
                        .metadata()
                        .and_then(|metadata| metadata.get("tags"))
                        .cloned(),
                });
            }
        }
        Ok(Self {
            name: name.into(),
            version: version_of(&notebook),
            released: notebook.clone(),
            source: notebook,
            files: None,
            basis: basis_of(&cells),
            cells,
        })
    }

    /// The cell of this name.
    pub fn cell(&self, id: &str) -> Option<&MasterCell> {
        self.cells.iter().find(|cell| cell.marking.id() == id)
    }

    /// The most points that the notebook gives.
    pub fn max_score(&self) -> f64 {
        self.cells.iter().map(MasterCell::max_score).sum()
    }

    /// Every line of hidden tests and mark schemes, trimmed, that says more than a bracket does: what must
    /// not reach a learner.
    pub fn secrets(&self) -> Vec<String> {
        let lines = self.cells.iter().flat_map(|cell| {
            let hidden = HIDDEN_TESTS.inside(&cell.source).into_iter();
            hidden.chain(MARK_SCHEME.inside(&cell.source))
        });
        // As the author wrote it and as it was hardened.
        let plain = |line: &str| {
            line.replace("::std::", "")
                .replace("::course::checks::", "")
        };
        let mut secrets: Vec<String> = lines
            .flat_map(|line| [line.trim().to_owned(), plain(line.trim())])
            .filter(|line| line.chars().filter(|c| c.is_alphanumeric()).count() >= 4)
            .collect();
        secrets.sort();
        secrets.dedup();
        secrets
    }
}

impl MasterCell {
    /// The most points it gives: none unless it is graded.
    pub fn max_score(&self) -> f64 {
        let counts = self.marking.grade || self.marking.task;
        self.marking.points.filter(|_| counts).unwrap_or(0.0)
    }

    /// Whether part of its tests is not in the released notebook.
    pub fn has_hidden_tests(&self) -> bool {
        HIDDEN_TESTS.are_in(&self.source)
    }
}

/// Qualifies the macros of every tests cell, see [`harden`].
///
/// # Errors
/// When tests are not Rust.
pub fn harden_tests(notebook: &mut Notebook) -> Result<(), GradeError> {
    for cell in notebook.cells_mut() {
        if !cell.is_code() || !Marking::of(cell)?.is_some_and(|marking| marking.is_tests()) {
            continue;
        }
        let hardened = harden(&cell.source()).map_err(|reason| GradeError::Cell {
            cell: cell.id().unwrap_or_default().to_owned(),
            problem: format!("its tests are not Rust: {reason}"),
        })?;
        cell.set_source(&hardened);
    }
    Ok(())
}

/// Turns a cell into what learners get, and says what it has to be before grading.
fn release_cell(cell: &mut Cell) -> Result<Option<MasterCell>, GradeError> {
    let name = cell.id().unwrap_or_default().to_owned();
    let wrong = |problem: String| GradeError::Cell {
        cell: name.clone(),
        problem,
    };
    if cell.is_code() {
        cell.set_outputs(Vec::new(), None);
    }
    let source = cell.source();
    let marking = Marking::of(cell)?;
    let flags = marking.clone().unwrap_or_default();
    for (markers, allowed, place) in [
        (
            SOLUTION,
            flags.solution,
            "an answer (kind=answer or kind=written)",
        ),
        (HIDDEN_TESTS, flags.grade, "tests (kind=tests)"),
        (MARK_SCHEME, flags.task, "a task (kind=task)"),
    ] {
        if markers.are_in(&source) && !allowed {
            return Err(wrong(format!("this region belongs into {place}")));
        }
    }
    let Some(mut marking) = marking else {
        return Ok(None);
    };
    let mut extras = Extras::of(cell)?;
    if marking.solution {
        extras.solution =
            (extras.reveal != Reveal::Never).then(|| regions::without_markers(&source, SOLUTION));
    }
    extras.mutants.clear();
    extras.rubric.clear();
    extras.put(cell);
    lock(cell, &marking);
    let kind = cell.kind();
    let stub = if kind == CellKind::Code {
        regions::CODE_STUB
    } else {
        regions::TEXT_STUB
    };
    let cleared = match (SOLUTION.are_in(&source), marking.solution) {
        (true, _) => SOLUTION.replace(&source, Some(stub)).map_err(&wrong)?,
        (false, true) => stub.to_owned(),
        (false, false) => source,
    };
    marking.cell_type = Some(kind);
    marking.checksum = Some(marking.checksum_of(&cleared, kind));
    let master = MasterCell {
        marking: marking.clone(),
        extras,
        kind,
        source: cleared.clone(),
        tags: cell
            .metadata()
            .and_then(|metadata| metadata.get("tags"))
            .cloned(),
    };
    let public = HIDDEN_TESTS.replace(&cleared, None).map_err(&wrong)?;
    let public = MARK_SCHEME.replace(&public, None).map_err(&wrong)?;
    marking.checksum = Some(marking.checksum_of(&public, kind));
    marking.put(cell);
    cell.set_source(&public);
    Ok(Some(master))
}

/// Says to the front end what may be done with a cell.
fn lock(cell: &mut Cell, marking: &Marking) {
    let metadata = cell.metadata_mut();
    if marking.solution || marking.is_locked() {
        metadata.insert("deletable".into(), false.into());
    }
    if marking.is_locked() {
        metadata.insert("editable".into(), false.into());
    }
}

fn version_of(source: &Notebook) -> String {
    let digest = format!("{:x}", Md5::digest(source.to_json()));
    digest[..16].to_owned()
}

fn basis_of(cells: &[MasterCell]) -> String {
    let parts: Vec<Vec<u8>> = cells
        .iter()
        .map(|cell| {
            // Hints and solutions are for learners to look at.
            let about = serde_json::json!([
                cell.marking,
                cell.extras.exercise,
                cell.kind,
                cell.source,
                cell.tags
            ]);
            about.to_string().into_bytes()
        })
        .collect();
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    crate::result::key(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master() -> Master {
        let mut source = crate::text::parse(include_str!("../tests/week.md")).unwrap();
        harden_tests(&mut source).unwrap();
        Master::release("week", source).unwrap()
    }

    fn text_of(notebook: &Notebook, id: &str) -> String {
        let cell = notebook.cells().iter().find(|cell| cell.id() == Some(id));
        cell.map(Cell::source).unwrap_or_default()
    }

    #[test]
    fn learners_get_stubs_and_no_secrets() {
        let master = master();
        let json = String::from_utf8(master.released.to_json()).unwrap();
        assert!(text_of(&master.released, "w1-add").contains("    // YOUR CODE HERE\n    todo!()"));
        assert_eq!(text_of(&master.released, "w1-why"), "YOUR ANSWER HERE");
        assert_eq!(
            master.secrets(),
            [
                "::std::assert_eq!(add(-4, 4), 0, \"the secret one\");",
                "Axes have names.",
                "assert_eq!(add(-4, 4), 0, \"the secret one\");"
            ]
        );
        for secret in [
            "the secret one",
            "add(-4",
            "a + b\\n    // END",
            "Axes",
            "MARK SCHEME",
            "forgets b",
            "HIDDEN",
        ] {
            assert!(!json.contains(secret), "{secret}");
        }
        assert!(
            json.contains("Two numbers become one."),
            "hints are part of it"
        );
    }

    #[test]
    fn what_is_brought_back_has_the_hidden_tests() {
        let master = master();
        let tests = master.cell("w1-add-tests").unwrap();
        assert!(tests.has_hidden_tests() && tests.source.contains("the secret one"));
        assert_eq!(
            tests.marking.checksum,
            Some(tests.marking.checksum_of(&tests.source, CellKind::Code))
        );
        assert_eq!(master.max_score(), 6.5);
    }

    #[test]
    fn a_release_is_the_same_each_time() {
        assert_eq!(master().released.to_json(), master().released.to_json());
    }

    #[test]
    fn grading_rests_on_what_is_brought_back() {
        let basis = |from: &str, to: &str| {
            let text = include_str!("../tests/week.md");
            assert!(text.contains(from), "{from}");
            let source = crate::text::parse(&text.replacen(from, to, 1)).unwrap();
            let master = Master::release("week", source).unwrap();
            (master.basis, master.version)
        };
        let (same, version) = basis("# Adding", "# Adding");
        for other in [
            "A second text",
            "Two numbers become",
            "let b = 2",
            "2 * (a + b)",
        ] {
            let (basis, other) = basis(other, "Something else");
            assert_eq!((&basis, other != version), (&same, true));
        }
        for (graded, other) in [
            ("points=2", "points=3"),
            ("the secret one", "another one"),
            ("let data = vec![1", "let data = vec![9"),
            ("Draw a plot", "Draw two"),
        ] {
            assert_ne!(basis(graded, other).0, same, "{graded}");
        }
    }

    #[test]
    fn regions_in_the_wrong_cell_are_refused() {
        let refuse = |text: &str| {
            let source = crate::text::parse(text).unwrap();
            Master::release("w", source).unwrap_err().to_string()
        };
        assert!(
            refuse("```rust id=a\n// BEGIN SOLUTION\n// END SOLUTION\n```").contains("kind=answer")
        );
        assert!(
            refuse("```rust id=a kind=answer\n// BEGIN HIDDEN TESTS\n// END HIDDEN TESTS\n```")
                .contains("kind=tests")
        );
        assert!(refuse("```rust id=a kind=answer\n// BEGIN SOLUTION\n```").contains("without"));
    }
}
