//! Submissions graded: injected, executed, scored, written down, and told.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Instant;

use ::grade::inject::{Finding, FindingKind, inject};
use ::grade::result::write_whole;
use ::grade::score::{CellScore, score};
use ::grade::submissions::Submission;
use ::grade::{Graded, Master, Notebook, verdict};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use crate::run::print_line;

use super::files::{Beside, read_notebook};
use super::{Course, Supervisor};

/// What all submissions share.
pub(super) struct Grader<'a> {
    course: &'a Course,
    root: &'a Path,
    supervisor: Supervisor,
    regrade: bool,
    bar: ProgressBar,
}

/// A result, and whether it was there before.
pub(super) struct Done {
    graded: Graded,
    is_new: bool,
}

impl Drop for Grader<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl<'a> Grader<'a> {
    /// For `count` submissions whose results go below `root`. With `regrade`, also what has not changed is graded.
    pub(super) fn new(
        course: &'a Course,
        root: &'a Path,
        supervisor: Supervisor,
        regrade: bool,
        count: usize,
    ) -> Self {
        Self {
            course,
            root,
            supervisor,
            regrade,
            bar: bar(count),
        }
    }

    /// Grades one submission, unless it is graded already and nothing has changed.
    ///
    /// # Errors
    /// When it cannot be executed at all, or a result cannot be written.
    pub(super) fn one(&self, submission: &Submission) -> Result<Done> {
        let master = self.course.master(submission)?;
        let handed_in = HandedIn::read(submission, self.supervisor.limits().disk);
        let blank = self.blank(master, submission, &handed_in)?;
        let before = Graded::of(self.root, submission)
            .filter(|before| before.key == blank.key && !self.regrade);
        let done = match before {
            Some(mut graded) => {
                // When it was handed in changes no points before the penalty.
                if graded.timestamp != blank.timestamp {
                    graded.timestamp = blank.timestamp;
                    graded.write(self.root)?;
                }
                Done {
                    graded,
                    is_new: false,
                }
            }
            None => {
                let graded = self.afresh(master, &handed_in, blank)?;
                graded.write(self.root)?;
                Done {
                    graded,
                    is_new: true,
                }
            }
        };
        self.bar.inc(1);
        let graded = &done.graded;
        let line = line_of(graded);
        self.bar.set_message(line.clone());
        if done.is_new && self.bar.is_hidden() {
            eprintln!("{line}");
        }
        Ok(done)
    }

    /// A result without points, which says what it depends on.
    fn blank(
        &self,
        master: &Master,
        submission: &Submission,
        handed_in: &HandedIn,
    ) -> Result<Graded> {
        let mut graded = Graded {
            student: submission.student.clone(),
            assignment: submission.assignment.clone(),
            notebook: submission.notebook.clone(),
            version: master.basis.clone(),
            build: self.supervisor.build().to_owned(),
            limits: self.supervisor.limits().to_string(),
            submission: handed_in.digest(),
            timestamp: submission.timestamp,
            scores: nothing(master),
            ..Graded::default()
        };
        let given = self.supervisor.given(master)?;
        let depends_on = [
            &graded.version,
            &graded.build,
            &graded.limits,
            &graded.submission,
            &given.digest,
        ];
        graded.key = ::grade::result::key(&depends_on.map(|part| part.as_bytes()));
        Ok(graded)
    }

    fn afresh(&self, master: &Master, handed_in: &HandedIn, mut graded: Graded) -> Result<Graded> {
        let began = Instant::now();
        let (mut notebook, own) = match handed_in.take() {
            Ok(taken) => taken,
            Err(reason) => {
                graded.refused = Some(reason);
                return Ok(graded);
            }
        };
        graded.findings = inject(master, &mut notebook);
        let ran = self
            .supervisor
            .execute_with(&mut notebook, master, own, &mut graded.findings)?;
        graded.scores = score(master, &notebook, &mut graded.findings);
        graded.verdicts = verdict::explain(master, &notebook, &graded.scores);
        graded
            .findings
            .extend(::grade::inject::suspicious(&notebook));
        graded.compiled = ran.compiled;
        graded.ran = ran.cells;
        graded.in_force = ran.in_force;
        graded.seconds = began.elapsed().as_secs_f64();
        let file = graded.executed_path(self.root);
        write_whole(&file, &notebook.to_json())?;
        Ok(graded)
    }
}

/// What somebody has handed in: a notebook and the files beside it, or why they cannot be taken.
struct HandedIn {
    notebook: Result<Vec<u8>, String>,
    beside: Result<Beside, String>,
}

impl HandedIn {
    /// Reads a submission whose files may take `most` bytes.
    fn read(submission: &Submission, most: u64) -> Self {
        let beside = submission
            .folder
            .as_deref()
            .map(|folder| Beside::find(folder, most));
        Self {
            notebook: read_notebook(&submission.path),
            beside: beside.unwrap_or_else(|| Ok(Beside::default())),
        }
    }

    /// Tells it from anything else that could be handed in.
    fn digest(&self) -> String {
        let notebook: &[u8] = match &self.notebook {
            Ok(bytes) => bytes,
            Err(reason) => reason.as_bytes(),
        };
        let beside = match &self.beside {
            Ok(files) => &files.digest,
            Err(reason) => reason,
        };
        ::grade::result::key(&[notebook, beside.as_bytes()])
    }

    /// The notebook, whose kernel does not matter, and its files; or why it cannot be graded.
    fn take(&self) -> Result<(Notebook, &Beside), String> {
        let bytes = self.notebook.as_ref().map_err(String::clone)?;
        let beside = self.beside.as_ref().map_err(String::clone)?;
        let notebook = Notebook::parse_any_kernel(bytes).map_err(|error| error.to_string())?;
        Ok((notebook, beside))
    }
}

/// The scores of a submission that cannot be graded.
fn nothing(master: &Master) -> Vec<CellScore> {
    let cells = master
        .cells
        .iter()
        .filter(|cell| cell.marking.grade || cell.marking.task);
    let zero = cells.map(|cell| CellScore {
        id: cell.marking.id().to_owned(),
        auto: Some(0.0),
        max: cell.max_score(),
        needs_manual: false,
        comment: None,
    });
    zero.collect()
}

/// One line about a submission.
fn line_of(graded: &Graded) -> String {
    let (student, notebook) = (&graded.student, &graded.notebook);
    if let Some(reason) = &graded.refused {
        return format!("{student}  {notebook}  not graded: {reason}");
    }
    let manual = if graded.needs_manual() {
        ", and some by hand"
    } else {
        ""
    };
    let notable = graded
        .findings
        .iter()
        .filter(|finding| finding.kind != FindingKind::OtherVersion)
        .count();
    let findings = match notable {
        0 => String::new(),
        1 => "  1 finding".into(),
        n => format!("  {n} findings"),
    };
    format!(
        "{student}  {notebook}  {} of {} points{manual}  {:.1} s{findings}",
        round(graded.auto_score()),
        round(graded.max_score()),
        graded.seconds
    )
}

/// Points as people write them.
fn round(points: f64) -> f64 {
    (points * 100.0).round() / 100.0
}

/// Says what grading came to, and what submissions were confined by.
pub(super) fn summarise(done: &[Done], seconds: f64) {
    let new = done.iter().filter(|one| one.is_new).count();
    let refused = done
        .iter()
        .filter(|one| one.graded.refused.is_some())
        .count();
    print_line(format!(
        "{} submissions: {new} graded in {seconds:.1} s, {} unchanged, {refused} not gradable",
        done.len(),
        done.len() - new
    ));
    let told: Vec<&Finding> = done.iter().flat_map(|one| &one.graded.findings).collect();
    if !told.is_empty() {
        print_line(format!("{} findings, all in the report", told.len()));
    }
    if let Some(graded) = done
        .iter()
        .map(|one| &one.graded)
        .find(|graded| !graded.in_force.is_empty())
    {
        for means in &graded.in_force {
            let state = if means.is_full {
                "in force"
            } else {
                "NOT in force"
            };
            print_line(format!("  {:<15} {state:<13} {}", means.means, means.text));
        }
    }
}

fn bar(length: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64);
    // The template is a constant: should it ever be wrong, a plain bar is as good.
    if let Ok(style) =
        ProgressStyle::with_template("grading {bar:30} {pos}/{len} {elapsed} {wide_msg}")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
