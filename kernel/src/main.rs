//! `cvstudy`: a Rust Jupyter kernel and teaching environment for computer vision.
//!
//! | module | what is in it |
//! |---|---|
//! | `jupyter` | the kernel: the engine behind the Jupyter protocol |
//! | `course` | whether exercises do what they have to |
//! | `exercises` | `:check` and `:hint` in a notebook, and progress |
//! | `reset`, `status`, `watch` | the learner's commands about exercises |
//! | `grade` | submissions executed and scored |
//! | `release` | sources turned into the notebooks that learners get |
//! | `report` | gradebook, feedback and class report |
//! | `run` | notebooks executed without Jupyter |
//! | `data` | the data sets, which the course looks after |
//! | `check` | notebooks type-checked without running them |
//! | `setup` | everything that has to be there before the first cell |

mod check;
mod course;
mod data;
mod exercises;
mod grade;
mod jupyter;
mod release;
mod report;
mod reset;
mod run;
mod setup;
mod status;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use ::grade::notebook;
use anyhow::Result;
use clap::{Args, Parser, Subcommand};

/// A Rust Jupyter kernel and teaching environment for computer vision.
#[derive(Parser)]
#[command(name = "cvstudy", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Set everything up and open JupyterLab on the lessons
    Lab(setup::LabOptions),
    /// Make this kernel known to the Jupyter of your choice
    Install(setup::InstallOptions),
    /// Execute notebooks from top to bottom, each in a fresh kernel
    Run(run::RunOptions),
    /// Type-check notebooks without running them
    Check(check::CheckOptions),
    /// See, make and check the data sets
    Data(data::DataOptions),
    /// Turn the instructor's sources into the notebooks that learners get
    Release(release::ReleaseOptions),
    /// Grade submissions by nbgrader's rules, in parallel and safely
    Grade(grade::GradeOptions),
    /// Make gradebook, feedback and class report from what was graded
    Report(report::ReportOptions),
    /// Look after a course: check its exercises
    Course(course::CourseOptions),
    /// Bring a released notebook or cell back; what you have written is kept
    Reset(reset::ResetOptions),
    /// Show which exercises are solved
    Status(status::StatusOptions),
    /// Check a notebook's exercises whenever it is saved
    Watch(watch::WatchOptions),
    /// Execute submissions, for `grade`
    #[command(name = grade::SUBCOMMAND, hide = true)]
    ExecuteSubmissions,
    /// Show the state of every part of the set-up
    Doctor(setup::DoctorOptions),
    /// Serve a Jupyter front end, which calls this itself
    Kernel(KernelOptions),
}

#[derive(Args)]
struct KernelOptions {
    /// Where the sockets are to stand, as the front end has written it
    #[arg(long, value_name = "FILE")]
    connection_file: PathBuf,
}

fn main() -> ExitCode {
    // The worker's start is part of every kernel's: nothing else may come before it.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|command| command == "worker")
    {
        grade::confine_worker();
        cell::worker_main();
    }
    log_to_stderr();
    match dispatch(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<()> {
    match command {
        Command::Lab(options) => setup::lab(options),
        Command::Install(options) => setup::install(options),
        Command::Run(options) => run::run(options),
        Command::Check(options) => check::check(options),
        Command::Data(options) => data::data(&options),
        Command::Release(options) => release::release(options),
        Command::Grade(options) => grade::grade(options),
        Command::Report(options) => report::report(options),
        Command::Course(options) => course::course(options),
        Command::Reset(options) => reset::reset(options),
        Command::Status(options) => status::status(options),
        Command::Watch(options) => watch::watch(options),
        Command::ExecuteSubmissions => grade::execute_submissions(),
        Command::Doctor(options) => setup::doctor(options),
        Command::Kernel(options) => jupyter::serve(&options.connection_file),
    }
}

/// Logs when `CVSTUDY_LOG` is set, to a level such as `debug`, or to anything else for `info`.
fn log_to_stderr() {
    let Ok(level) = std::env::var("CVSTUDY_LOG") else {
        return;
    };
    let level = level.parse().unwrap_or(tracing::Level::INFO);
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(level)
        .init();
}
