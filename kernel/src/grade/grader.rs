//! Submissions graded: injected, executed, scored, written down, and told.

use std::fs;
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
        let key = self.key(master, submission);
        let before =
            Graded::of(self.root, submission).filter(|before| before.key == key && !self.regrade);
        let done = match before {
            Some(graded) => Done {
                graded,
                is_new: false,
            },
            None => {
                let graded = self.afresh(master, submission, key)?;
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

    /// Changes when anything changes that the result depends on.
    fn key(&self, master: &Master, submission: &Submission) -> String {
        let bytes = fs::read(&submission.path).unwrap_or_default();
        let about = format!("{} {}", master.version, self.supervisor.key());
        ::grade::result::key(&[&bytes, about.as_bytes()])
    }

    fn afresh(&self, master: &Master, submission: &Submission, key: String) -> Result<Graded> {
        let began = Instant::now();
        let mut graded = Graded {
            student: submission.student.clone(),
            assignment: submission.assignment.clone(),
            notebook: submission.notebook.clone(),
            version: master.version.clone(),
            key,
            timestamp: submission.timestamp,
            refused: None,
            scores: nothing(master),
            verdicts: Vec::new(),
            findings: Vec::new(),
            seconds: 0.0,
            compiled: 0,
            ran: 0,
            in_force: Vec::new(),
        };
        let mut notebook = match read_submission(submission) {
            Ok(notebook) => notebook,
            Err(reason) => {
                graded.refused = Some(reason);
                return Ok(graded);
            }
        };
        graded.findings = inject(master, &mut notebook);
        let ran =
            self.supervisor
                .execute(&mut notebook, master, submission, &mut graded.findings)?;
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

/// A submission's notebook, or why it is none. The kernel it names does not matter.
fn read_submission(submission: &Submission) -> Result<Notebook, String> {
    if !submission.path.exists() {
        return Err("it was not handed in".into());
    }
    /// More than any notebook with pictures has.
    const LARGEST: u64 = 64 << 20;
    let size = fs::metadata(&submission.path).map_or(0, |metadata| metadata.len());
    if size > LARGEST {
        return Err(format!(
            "the file has {} MiB; notebooks have up to {}",
            size >> 20,
            LARGEST >> 20
        ));
    }
    let bytes = fs::read(&submission.path).map_err(|error| error.to_string())?;
    Notebook::parse_any_kernel(&bytes).map_err(|error| error.to_string())
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
