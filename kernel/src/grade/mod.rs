//! `cvstudy grade`: submissions graded by nbgrader's rules, in parallel, each in processes of its own.
//!
//! | file | what is in it |
//! |---|---|
//! | `course` | the instructor's notebooks that belong to a folder of submissions |
//! | `grader` | one submission after another, and what is said about them |
//! | `supervise` | which process executes a submission, and what to do when it dies |
//! | `executor` | that process, as the grader holds it |
//! | `confine` | what it may do |
//! | `files` | files of submissions: read with care, copied, counted, removed |
//! | `job` | what grader and executing process say to each other |
//! | `execute` | the executing process: runs the cells |
//! | `limits` | a cell kept within its limits while it runs |
//! | `by_hand` | points given by a person, on a page |
//! | `merge` | parts graded on several machines put together |

mod by_hand;
mod confine;
mod course;
mod execute;
mod executor;
mod files;
mod grader;
mod job;
mod limits;
mod merge;
mod supervise;

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ::grade::submissions::{self, Submission};
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};

use crate::report::{LATE, write_reports};
use crate::run::{default_jobs, in_parallel, print_line};
use crate::setup;

pub(crate) use execute::{SUBCOMMAND, confine_worker, execute_submissions};

pub(crate) use course::Course;
use grader::{Grader, summarise};
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
and gradebook.db, and besides report-NAME.html and grades.csv. Grading can be stopped at any moment and started
again: what is graded stays graded, and only what changed is graded again: a submission, the files beside it, the
tests, the instructor's files, the limits. After a change of the data use --regrade.

What being late costs is in late.json, beside the results or in DIR."
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
    /// Give points for written answers and tasks, on a page of this machine's own
    ByHand(by_hand::ByHandOptions),
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
    match &options.command {
        Some(GradeCommand::Merge(options)) => return merge::merge(options),
        Some(GradeCommand::ByHand(options)) => return by_hand::by_hand(options),
        None => {}
    }
    let folder = options.folder.as_deref().context("which folder?")?;
    let course = Course::find(folder, options.source.as_deref())?;
    let found = submissions::find(folder, &course.names())?;
    let root = options.output_dir.clone().unwrap_or(found.root);
    let mut wanted = found.submissions;
    let mut unreadable = found.unreadable;
    wanted.retain(|one| options.wants(one));
    unreadable.retain(|(student, _)| options.wants_student(student));
    ensure!(
        !wanted.is_empty() || !unreadable.is_empty(),
        "no submission is left to grade after --assignment and --student"
    );
    wanted.retain(|one| options.is_in_part(&one.student));
    unreadable.retain(|(student, _)| options.is_in_part(student));
    course.add_missing(&mut wanted);
    fs::create_dir_all(&root)
        .with_context(|| format!("cannot make the folder {}", root.display()))?;
    if wanted.is_empty() && unreadable.is_empty() && options.shard.is_some() {
        print_line("nobody is in this part");
        return Ok(());
    }
    ensure!(
        !wanted.is_empty() || !unreadable.is_empty(),
        "no submission is of a known notebook"
    );
    setup::ensure(setup::Need::Course)?;
    crate::data::provide(&course.paths)?;
    let supervisor = Supervisor::new(options.limits(), options.data.as_deref())?;
    let grader = Grader::new(&course, &root, supervisor, options.regrade, wanted.len());
    let began = Instant::now();
    let jobs = options.jobs.map_or_else(default_jobs, NonZeroUsize::get);
    let results = in_parallel(jobs, &wanted, |submission| grader.one(submission));
    drop(grader);
    let mut graded = Vec::new();
    let mut errors: Vec<String> = unreadable.into_iter().map(|(_, why)| why).collect();
    let all = wanted.len() + errors.len();
    for (result, submission) in results.into_iter().zip(&wanted) {
        match result {
            Ok(one) => graded.push(one),
            Err(error) => errors.push(format!("{}: {error:#}", submission.path.display())),
        }
    }
    summarise(&graded, began.elapsed().as_secs_f64());
    // Whoever could be graded is in the reports, whatever became of others.
    let reported = match options.shard {
        Some(_) => {
            print_line(format!("results of this part in {}", root.display()));
            Ok(())
        }
        None => write_reports(&root, &course, late_beside(folder, &root).as_deref(), false),
    };
    if !errors.is_empty() {
        errors.extend(reported.err().map(|error| format!("{error:#}")));
        bail!(
            "{} of {all} could not be graded\n{}",
            all - graded.len(),
            errors.join("\n")
        );
    }
    reported
}

/// The file in the folder of submissions that says when assignments are due, if results go elsewhere and have none
/// of their own.
fn late_beside(folder: &Path, root: &Path) -> Option<PathBuf> {
    let place = folder.join(LATE);
    (!root.join(LATE).is_file() && place.is_file()).then_some(place)
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
        is_assignment && self.wants_student(&one.student)
    }

    fn wants_student(&self, student: &str) -> bool {
        self.student.is_empty() || self.student.iter().any(|name| name == student)
    }

    fn is_in_part(&self, student: &str) -> bool {
        self.shard.is_none_or(|(k, n)| part_of(student, n) == k - 1)
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
