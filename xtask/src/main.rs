//! Developer tasks, run as `cargo xtask`.
//!
//! | module | holds |
//! |---|---|
//! | `project` | where things are, and the set-up that every task begins with |
//! | `test` | `cargo xtask test`: everything that has to hold |
//! | `bench` | `cargo xtask bench`: how fast, beside what others use |
//! | `figures` | what is measured, beside what, and how good it has to be |
//! | `peers` | what others use, installed to be measured |

mod bench;
mod figures;
mod peers;
mod project;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer tasks")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the tests: all of them, or those of one subject
    Test(test::TestOptions),
    /// Measure, and print how each figure stands to its bar
    Bench(bench::BenchOptions),
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Test(options) => test::test(&options),
        Task::Bench(options) => bench::bench(&options),
    }
}
