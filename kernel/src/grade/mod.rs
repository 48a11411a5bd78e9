//! `cvstudy grade`: submissions graded by nbgrader's rules, in parallel, each in processes of its own.
//!
//! | file | what is in it |
//! |---|---|
//! | `course` | the instructor's notebooks that belong to a folder of submissions |
//! | `job` | what grader and executing process say to each other |
//! | `execute` | the executing process: runs the cells, and is confined |
//! | `merge` | parts graded on several machines put together |
//! | `supervise` | the grader's side of it: what it may do, and what to do when it dies |

mod course;
mod execute;
mod job;
mod merge;
mod supervise;

use std::fs;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ::grade::inject::{Finding, FindingKind, inject};
use ::grade::result::write_whole;
use ::grade::score::{CellScore, score};
use ::grade::submissions::{self, Submission};
use ::grade::{Graded, Master, Notebook, verdict};
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::report::write_reports;
use crate::run::{default_jobs, in_parallel, print_line};
use crate::setup;

pub(crate) use execute::{SUBCOMMAND, confine_worker, execute_submission};

pub(crate) use course::Course;
use job::Limits;
pub(crate) use supervise::Supervisor;

/// Options of `cvstudy grade`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
DIR is a course folder as nbgrader keeps it (submitted/STUDENT/ASSIGNMENT/), or a folder of notebooks called
after their authors. The instructor's notebooks are looked for in DIR/source and in notebooks/source.

Results go to the course folder (for a plain folder: DIR/graded), as nbgrader has them: autograded/, feedback/
and gradebook.db, and besides report.html and grades.csv. Grading can be stopped at any moment and started
again: what is graded stays graded, and only what changed is graded again."
)]
pub(crate) struct GradeOptions {
    #[command(subcommand)]
    command: Option<GradeCommand>,

    /// The submissions
    #[arg(value_name = "DIR", required = true)]
    folder: Option<PathBuf>,

    /// The instructor's notebooks: a file or a folder, text or nbgrader's
    #[arg(long, value_name = "PATH")]
    source: Option<PathBuf>,

    /// Only this assignment
    #[arg(long, value_name = "NAME")]
    assignment: Option<String>,

    /// Only these students
    #[arg(long, value_name = "NAME")]
    student: Vec<String>,

    /// A folder that submissions may read; they find it as ../data [default: the course's data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// The longest a cell may take, compiling included
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,

    /// The most memory a submission may use, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    memory: u64,

    /// The most that a cell may print or show, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 16)]
    output: u64,

    /// The most that a submission may write to files, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    disk: u64,

    /// How many submissions to grade at the same time [default: one a core, at most 4]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Grade again what has not changed, too
    #[arg(long)]
    regrade: bool,

    /// Grade the K-th of N parts only; `cvstudy grade merge` puts the parts together
    #[arg(long, value_name = "K/N", value_parser = shard)]
    shard: Option<(u64, u64)>,

    /// Write results into this folder
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
}

/// What there is to do beside grading.
#[derive(Debug, Subcommand)]
enum GradeCommand {
    /// Put together what was graded in parts
    Merge(merge::MergeOptions),
}

fn shard(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/');
    let numbers = parts.and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    match numbers {
        Some((k, n)) if (1..=n).contains(&k) => Ok((k, n)),
        _ => Err("a part is written K/N, as in 2/8".into()),
    }
}

/// Grades submissions.
///
/// # Errors
/// When there is nothing to grade, or a result cannot be written. That a submission fails is a result.
pub(crate) fn grade(options: GradeOptions) -> Result<()> {
    if let Some(GradeCommand::Merge(options)) = &options.command {
        return merge::merge(options);
    }
    let folder = options.folder.as_deref().context("which folder?")?;
    let course = Course::find(folder, options.source.as_deref())?;
    let found = submissions::find(folder, &course.names())?;
    let root = options.output_dir.clone().unwrap_or(found.root);
    let mut wanted = found.submissions;
    wanted.retain(|one| options.wants(one));
    course.add_missing(&mut wanted);
    ensure!(
        !wanted.is_empty(),
        "no submission is left to grade after --assignment, --student and --shard"
    );
    setup::ensure(setup::Need::Course)?;
    fs::create_dir_all(&root)
        .with_context(|| format!("cannot make the folder {}", root.display()))?;
    let grader = Grader {
        course: &course,
        root: &root,
        supervisor: Supervisor::new(options.limits(), options.data.as_deref())?,
        regrade: options.regrade,
        bar: bar(wanted.len()),
    };
    let began = Instant::now();
    let jobs = options.jobs.map_or_else(default_jobs, NonZeroUsize::get);
    let results = in_parallel(jobs, &wanted, |submission| grader.one(submission));
    grader.bar.finish_and_clear();
    let (mut graded, mut errors) = (Vec::new(), Vec::new());
    for (result, submission) in results.into_iter().zip(&wanted) {
        match result {
            Ok(one) => graded.push(one),
            Err(error) => errors.push(format!("{}: {error:#}", submission.path.display())),
        }
    }
    summarise(&graded, began.elapsed().as_secs_f64());
    if !errors.is_empty() {
        bail!(
            "{} of {} could not be graded\n{}",
            errors.len(),
            wanted.len(),
            errors.join("\n")
        );
    }
    if options.shard.is_some() {
        print_line(format!("results of this part in {}", root.display()));
        return Ok(());
    }
    write_reports(&root, &course, None, false)
}

impl GradeOptions {
    fn limits(&self) -> Limits {
        Limits {
            seconds: self.timeout,
            memory: self.memory << 20,
            output: usize::try_from(self.output << 20).unwrap_or(usize::MAX),
            disk: self.disk << 20,
        }
    }

    fn wants(&self, one: &Submission) -> bool {
        let is_assignment = self
            .assignment
            .as_ref()
            .is_none_or(|name| *name == one.assignment);
        let is_student = self.student.is_empty() || self.student.contains(&one.student);
        let is_part = self
            .shard
            .is_none_or(|(k, n)| part_of(&one.student, n) == k - 1);
        is_assignment && is_student && is_part
    }
}

/// Which of `n` parts a student belongs to, from 0: the same wherever it is asked.
fn part_of(student: &str, n: u64) -> u64 {
    // FNV-1a: short, and the same in every version of every library.
    let hash = student
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    hash % n
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

/// What all submissions share.
struct Grader<'a> {
    course: &'a Course,
    root: &'a Path,
    supervisor: Supervisor,
    regrade: bool,
    bar: ProgressBar,
}

/// A result, and whether it was there before.
struct Done {
    graded: Graded,
    is_new: bool,
}

impl Grader<'_> {
    fn one(&self, submission: &Submission) -> Result<Done> {
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
        let place = Path::new("autograded")
            .join(&submission.student)
            .join(&submission.assignment);
        let file = self
            .root
            .join(place)
            .join(format!("{}.ipynb", submission.notebook));
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

fn summarise(done: &[Done], seconds: f64) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_student_is_in_one_part() {
        let names: Vec<String> = (0..100).map(|n| format!("student{n}")).collect();
        let mut sizes = [0; 4];
        for name in &names {
            sizes[usize::try_from(part_of(name, 4)).unwrap()] += 1;
        }
        assert_eq!(sizes.iter().sum::<usize>(), 100);
        assert!(sizes.iter().all(|size| *size > 10), "{sizes:?}");
        assert_eq!(shard("2/8"), Ok((2, 8)));
        assert!(shard("0/8").is_err() && shard("9/8").is_err() && shard("8").is_err());
    }
}
