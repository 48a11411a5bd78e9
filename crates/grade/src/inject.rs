//! A submission made ready for grading: what nbgrader's sanitizing does, and what it leaves open.
//!
//! Tests and locked cells are brought back by their id. nbgrader trusts the rest of a submission's
//! metadata; here the flags and points of every known cell and the tags of tests are those of the release, so that
//! neither a `skip-execution` tag nor a changed flag decides about points.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::marking::{self, Marking};
use crate::notebook::{Cell, Notebook};
use crate::release::{Master, MasterCell};
use crate::text;

/// Something in a submission that a teacher may want to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// The cell that it is about, if it is about one.
    pub cell: Option<String>,
    /// A sentence.
    pub text: String,
}

/// What kinds of findings there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Locked text was changed; it has been brought back.
    LockedChanged,
    /// Metadata that decides about points was changed; it has been brought back.
    MetadataChanged,
    /// A cell was copied with its id; the last one counts.
    Copied,
    /// A cell names an id that the assignment does not have; it counts as a cell without one.
    UnknownId,
    /// A graded or locked cell is gone; a graded one gives no points.
    Missing,
    /// The submission was made from another version of the notebook.
    OtherVersion,
    /// A result came from somewhere else than the tests' last line.
    Forged,
    /// The code uses something that deserves a look.
    Suspicious,
    /// The process that ran the cells died, or had to be stopped.
    Stopped,
}

impl Finding {
    /// About a cell.
    pub fn of_cell(kind: FindingKind, cell: &str, text: impl Into<String>) -> Self {
        Self {
            kind,
            cell: Some(cell.into()),
            text: text.into(),
        }
    }

    /// About the whole submission.
    pub fn of_all(kind: FindingKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            cell: None,
            text: text.into(),
        }
    }
}

/// Brings back what belongs to the assignment, and says what was found changed.
pub fn inject(master: &Master, submission: &mut Notebook) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_version(master, submission, &mut findings);
    let keep = ids_that_count(submission, &mut findings);
    for (cell, keep) in submission.cells_mut().iter_mut().zip(keep) {
        if cell.is_code() {
            cell.set_outputs(Vec::new(), None);
        }
        let Some(id) = id_of(cell) else {
            cell.metadata_mut().shift_remove(marking::KEY);
            continue;
        };
        match master.cell(&id).filter(|_| keep) {
            Some(known) => bring_back(known, &id, cell, &mut findings),
            None => {
                if keep {
                    let text = "its id is not in this assignment: it counts as a cell without one";
                    findings.push(Finding::of_cell(FindingKind::UnknownId, &id, text));
                }
                cell.metadata_mut().shift_remove(marking::KEY);
            }
        }
    }
    let present: HashSet<String> = submission.cells().iter().filter_map(id_of).collect();
    for gone in master
        .cells
        .iter()
        .filter(|cell| cell.max_score() > 0.0 && !present.contains(cell.marking.id()))
    {
        let text = "the cell is gone from the submission and gives no points";
        findings.push(Finding::of_cell(
            FindingKind::Missing,
            gone.marking.id(),
            text,
        ));
    }
    let is_locked = |cell: &&MasterCell| cell.marking.is_locked() && cell.max_score() == 0.0;
    for gone in master.cells.iter().filter(is_locked) {
        let id = gone.marking.id();
        if !present.contains(id) {
            let text = "a locked cell is gone from the submission; what it does was not done";
            findings.push(Finding::of_cell(FindingKind::Missing, id, text));
        }
    }
    if let Some(kernel) = master.released.metadata().get("kernelspec") {
        submission
            .metadata_mut()
            .insert("kernelspec".into(), kernel.clone());
    }
    submission.upgrade();
    findings
}

fn check_version(master: &Master, submission: &Notebook, findings: &mut Vec<Finding>) {
    let version = submission
        .metadata()
        .get(text::KEY)
        .and_then(|about| about.get("version"))
        .and_then(Value::as_str);
    if version.is_some_and(|version| version != master.version) {
        let text = "it was made from another version of the notebook; the current tests were used";
        findings.push(Finding::of_all(FindingKind::OtherVersion, text));
    }
}

/// The id that nbgrader's metadata gives a cell.
fn id_of(cell: &Cell) -> Option<String> {
    let marking = cell.metadata()?.get(marking::KEY)?;
    Some(marking.get("grade_id")?.as_str()?.to_owned())
}

/// For each cell whether its id counts: of several with one id it is the last, as in nbgrader.
fn ids_that_count(submission: &Notebook, findings: &mut Vec<Finding>) -> Vec<bool> {
    let mut seen = HashSet::new();
    let mut keep: Vec<bool> = Vec::new();
    for id in submission.cells().iter().rev().map(id_of) {
        let first = id.as_ref().is_none_or(|id| seen.insert(id.clone()));
        if let (false, Some(id)) = (first, &id) {
            let text = "the cell is there more than once; the last one counts";
            findings.push(Finding::of_cell(FindingKind::Copied, id, text));
        }
        keep.push(first);
    }
    keep.reverse();
    keep
}

fn bring_back(known: &MasterCell, id: &str, cell: &mut Cell, findings: &mut Vec<Finding>) {
    let mut note = |kind, text: &str| findings.push(Finding::of_cell(kind, id, text));
    let is_same = Marking::of(cell)
        .ok()
        .flatten()
        .is_some_and(|marking| is_same(&marking, &known.marking));
    // In an answer tags are the learner's own, and skipping it harms nobody else.
    let has_own_tags = !known.marking.is_locked();
    let tags = cell.metadata().and_then(|metadata| metadata.get("tags"));
    let same_tags = has_own_tags || tags == known.tags.as_ref();
    if !is_same || !same_tags || cell.kind() != known.kind {
        note(
            FindingKind::MetadataChanged,
            "its metadata was changed and has been brought back",
        );
    }
    if cell.kind() != known.kind {
        cell.set_kind(known.kind);
    }
    // Hidden tests are missing from every submission: only what was released can have been changed.
    if known.marking.is_locked() || known.marking.task {
        let public = |source: &str| {
            let text = crate::regions::HIDDEN_TESTS.replace(source, None);
            text.and_then(|text| crate::regions::MARK_SCHEME.replace(&text, None))
        };
        if public(&known.source).is_ok_and(|released| released != cell.source()) {
            note(
                FindingKind::LockedChanged,
                "its locked text was changed and has been brought back",
            );
        }
        if known.marking.is_locked() {
            cell.set_source(&known.source);
        }
    }
    known.marking.put(cell);
    match &known.tags {
        _ if has_own_tags => None,
        Some(tags) => cell.metadata_mut().insert("tags".into(), tags.clone()),
        None => cell.metadata_mut().shift_remove("tags"),
    };
    known.extras.put(cell);
}

/// Whether a submission's marking says what the release said. The checksum of a cell with hidden tests is
/// another in the release.
fn is_same(submitted: &Marking, known: &Marking) -> bool {
    let flags = |marking: &Marking| {
        (
            marking.grade,
            marking.solution,
            marking.locked,
            marking.task,
        )
    };
    flags(submitted) == flags(known) && submitted.points == known.points
}

/// What ordinary exercises have no use for, and why a teacher may want to look.
const SUSPICIOUS: [(&str, &str); 12] = [
    ("process::exit", "ends the process"),
    ("process::abort", "ends the process"),
    ("unsafe", "leaves the rules of the language"),
    ("extern \"C\"", "calls the system directly"),
    ("asm!", "calls the system directly"),
    ("Command::new", "starts programs"),
    ("include_str!", "reads a file while compiling"),
    ("include_bytes!", "reads a file while compiling"),
    ("include!", "reads a file while compiling"),
    ("macro_rules! assert", "defines its own assert"),
    ("vnd.cvstudy", "names the format of verdicts"),
    ("/proc/", "looks at processes"),
];

/// Learner's cells with code that deserves a look. It is no proof of anything.
pub fn suspicious(notebook: &Notebook) -> Vec<Finding> {
    let is_learners = |cell: &&Cell| {
        let marking = Marking::of(cell).ok().flatten().unwrap_or_default();
        cell.is_code() && !marking.is_locked()
    };
    let mut findings = Vec::new();
    for cell in notebook.cells().iter().filter(is_learners) {
        let source = cell.source();
        for (word, why) in SUSPICIOUS.iter().filter(|(word, _)| source.contains(word)) {
            let text = format!("`{word}`: {why}");
            findings.push(Finding::of_cell(
                FindingKind::Suspicious,
                cell.id().unwrap_or_default(),
                text,
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::CellKind;
    use serde_json::json;

    fn master() -> Master {
        let source = text::parse(include_str!("../tests/week.md")).unwrap();
        Master::release("week", source).unwrap()
    }

    fn after(change: impl FnOnce(&mut Notebook)) -> (Notebook, Vec<FindingKind>) {
        let master = master();
        let mut submission = master.released.clone();
        change(&mut submission);
        let findings = inject(&master, &mut submission);
        (
            submission,
            findings.iter().map(|finding| finding.kind).collect(),
        )
    }

    fn cell<'a>(notebook: &'a mut Notebook, id: &str) -> &'a mut Cell {
        notebook
            .cells_mut()
            .iter_mut()
            .find(|cell| cell.id() == Some(id))
            .unwrap()
    }

    #[test]
    fn an_untouched_submission_gets_its_hidden_tests_and_no_findings() {
        let (mut notebook, findings) = after(|_| {});
        assert_eq!(findings, []);
        assert!(
            cell(&mut notebook, "w1-add-tests")
                .source()
                .contains("the secret one")
        );
        assert!(
            cell(&mut notebook, "w1-plot")
                .source()
                .contains("Axes have names")
        );
    }

    #[test]
    fn changes_that_would_give_points_are_undone() {
        let (mut notebook, findings) = after(|notebook| {
            cell(notebook, "w1-add-tests").set_source("2.0");
            cell(notebook, "w1-add-tests")
                .metadata_mut()
                .insert("tags".into(), json!(["skip-execution"]));
            cell(notebook, "w1-data").set_source("let data = vec![9];");
        });
        assert_eq!(
            findings,
            [
                FindingKind::MetadataChanged,
                FindingKind::LockedChanged,
                FindingKind::LockedChanged
            ]
        );
        let tests = cell(&mut notebook, "w1-add-tests");
        assert!(tests.source().contains("add(1, 2)") && !tests.has_tag("skip-execution"));
        assert!(cell(&mut notebook, "w1-data").source().contains("1, 2, 3"));
    }

    #[test]
    fn of_copies_the_last_counts() {
        let (notebook, findings) = after(|notebook| {
            let mut copy = cell(notebook, "w1-add").clone();
            copy.set_source("fn add(a: i32, b: i32) -> i32 { 0 }");
            notebook.cells_vec().insert(0, copy);
        });
        assert_eq!(findings, [FindingKind::Copied]);
        let marked = notebook
            .cells()
            .iter()
            .filter(|cell| id_of(cell).as_deref() == Some("w1-add"));
        assert_eq!(marked.count(), 1);
        assert_eq!(id_of(&notebook.cells()[0]), None);
    }

    #[test]
    fn cells_that_are_gone_or_unknown_are_named() {
        let (_, findings) = after(|notebook| {
            notebook
                .cells_vec()
                .retain(|cell| cell.id() != Some("w1-add-tests"));
            let marking = &mut cell(notebook, "w1-add").metadata_mut()["nbgrader"];
            marking["grade_id"] = "mine".into();
        });
        assert_eq!(findings, [FindingKind::UnknownId, FindingKind::Missing]);
    }

    #[test]
    fn a_locked_cell_that_is_gone_is_named() {
        let (_, findings) = after(|notebook| {
            notebook
                .cells_vec()
                .retain(|cell| cell.id() != Some("w1-data"));
        });
        assert_eq!(findings, [FindingKind::Missing]);
    }

    #[test]
    fn a_changed_flag_is_named() {
        let (_, findings) = after(|notebook| {
            cell(notebook, "w1-add-tests").metadata_mut()["nbgrader"]["grade"] = false.into();
            cell(notebook, "w1-add-tests").set_kind(CellKind::Markdown);
        });
        assert_eq!(findings, [FindingKind::MetadataChanged]);
    }
}
