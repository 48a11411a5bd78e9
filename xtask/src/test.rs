//! `cargo xtask test`: everything that has to hold, stage by stage.

use std::io::{self, BufRead, BufReader, IsTerminal};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::project::{Setup, cargo, root};

/// Options of `cargo xtask test`.
#[derive(Debug, Args)]
pub(crate) struct TestOptions {
    /// The tests of one subject; without it everything is run, formatting and lints included
    subject: Option<Subject>,
}

/// What the tests in `tests/` are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// What a cell does, in our engine and in evcxr
    Cells,
    /// What the kernel says to a Jupyter client
    Protocol,
    /// Our numbers beside torchvision's
    Parity,
    /// The shipped notebooks, executed
    Notebooks,
    /// The seven weeks: in step with their sources, exercises that tell right from wrong, claims that hold
    Weeks,
    /// Scores beside nbgrader's
    Grading,
    /// Data sets to torchvision and webdataset, and back
    Data,
    /// JupyterLab in a browser
    Browser,
}

/// Tests are built together with all that a plain `cargo build` makes: alone, with the features that they
/// need themselves, they would have tch compiled a second time.
const WITH_FEATURES_OF_ALL: [&str; 5] = [
    "test",
    "--no-fail-fast",
    "--workspace",
    "--exclude",
    "assist",
];

impl Subject {
    fn name(self) -> &'static str {
        match self {
            Subject::Cells => "cells",
            Subject::Protocol => "protocol",
            Subject::Parity => "parity",
            Subject::Notebooks => "notebooks",
            Subject::Weeks => "weeks",
            Subject::Grading => "grading",
            Subject::Data => "data",
            Subject::Browser => "browser",
        }
    }

    /// Tests that take many minutes each: a run of everything names them and leaves them to a run of the subject.
    fn takes_long(self) -> &'static [&'static str] {
        match self {
            // The largest networks; `vgg11`, `vgg11_bn` and `resnet50` are built of the same blocks.
            Subject::Parity => &["vgg13", "vgg16", "vgg19", "resnet101", "resnet152"],
            _ => &[],
        }
    }

    /// The stages that test it: the programs of its name in `tests/tests/`, and what they need built.
    fn stages(self) -> Vec<Stage> {
        let programs: &[&'static str] = match self {
            Subject::Cells => &["cells", "faults", "oracle"],
            _ => &[self.name()],
        };
        let mut stages = Vec::new();
        for program in programs {
            if !root().join(format!("tests/tests/{program}.rs")).is_file() {
                continue;
            }
            if *program == "oracle" {
                let build = cargo(&["build", "--package", "assist"]);
                stages.push(Stage::new("build evcxr", build));
            }
            let test = cargo(&[&WITH_FEATURES_OF_ALL[..], &["--test", program]].concat());
            stages.push(Stage::new(program, test));
        }
        stages
    }
}

/// Runs the tests and prints what came of each stage.
///
/// # Errors
/// When the set-up cannot be completed, or the subject has no tests.
pub(crate) fn test(options: &TestOptions) -> Result<ExitCode> {
    let begin = Instant::now();
    announce("set-up");
    Setup::provide()?;
    let mut results = vec![Outcome {
        stage: "set-up",
        passed: true,
        took: begin.elapsed(),
        output: Vec::new(),
    }];
    for stage in stages(options.subject)? {
        results.push(stage.run()?);
    }
    Ok(conclude(&results, begin.elapsed()))
}

fn stages(subject: Option<Subject>) -> Result<Vec<Stage>> {
    if let Some(subject) = subject {
        let stages = subject.stages();
        if stages.is_empty() {
            bail!("there are no tests of {} yet", subject.name());
        }
        return Ok(stages);
    }
    let mut stages: Vec<Stage> = [
        ("format", cargo(&["fmt", "--all", "--check"])),
        ("lints", lints()),
        ("documentation", documentation()),
        (
            "unit tests",
            cargo(&[&WITH_FEATURES_OF_ALL[..], &["--lib", "--bins"]].concat()),
        ),
        (
            "tests of the rooms",
            cargo(&["test", "--no-fail-fast", "--test", "*"]),
        ),
        (
            "examples in the documentation",
            cargo(&["test", "--no-fail-fast", "--doc"]),
        ),
    ]
    .map(|(name, command)| Stage::new(name, command))
    .into();
    for subject in Subject::value_variants() {
        let mut own = subject.stages();
        if let Some(last) = own.last_mut() {
            last.leave_out(subject.takes_long());
        }
        stages.append(&mut own);
    }
    Ok(stages)
}

fn lints() -> Command {
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-Dwarnings"])
}

fn documentation() -> Command {
    let mut doc = cargo(&["doc", "--workspace", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "-Dwarnings");
    doc
}

/// Random cases are drawn from this seed, so that the same commit passes or fails wherever it is tested; a plain
/// `cargo test` draws others each time.
const PROPTEST_SEED: &str = "PROPTEST_RNG_SEED";

/// A command that has to succeed.
struct Stage {
    name: &'static str,
    command: Command,
    left_out: &'static [&'static str],
}

/// What came of a stage.
struct Outcome {
    stage: &'static str,
    passed: bool,
    took: Duration,
    /// What it printed, to tell at the very end why it failed.
    output: Vec<String>,
}

impl Stage {
    fn new(name: &'static str, mut command: Command) -> Stage {
        command.stdin(Stdio::null());
        if std::env::var_os(PROPTEST_SEED).is_none() {
            command.env(PROPTEST_SEED, "1");
        }
        Stage {
            name,
            command,
            left_out: &[],
        }
    }

    /// Leaves out the tests whose names have these words.
    fn leave_out(&mut self, words: &'static [&'static str]) {
        if words.is_empty() {
            return;
        }
        self.command.arg("--");
        for word in words {
            self.command.args(["--skip", word]);
        }
        self.left_out = words;
    }

    fn run(self) -> Result<Outcome> {
        announce(self.name);
        if !self.left_out.is_empty() {
            let (words, name) = (self.left_out.join(", "), self.name);
            println!(
                "left out, as they take long: {words}. `cargo xtask test {name}` runs them too"
            );
        }
        let begin = Instant::now();
        let program = self.command.get_program().display().to_string();
        let (passed, output) =
            echo(self.command).with_context(|| format!("cannot run {program}"))?;
        Ok(Outcome {
            stage: self.name,
            passed,
            took: begin.elapsed(),
            output,
        })
    }
}

/// Runs a command, prints what it prints as it comes, and returns it too.
fn echo(mut command: Command) -> io::Result<(bool, Vec<String>)> {
    let (reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    if io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command.spawn()?;
    // It holds the writing end of the pipe, which would never close.
    drop(command);
    let mut output = Vec::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        output.push(line);
    }
    Ok((child.wait()?.success(), output))
}

fn announce(stage: &str) {
    println!("\n== {stage}");
}

/// How much of a failed stage is told again.
const TOLD_AGAIN: usize = 80;

/// Says once more why a stage failed: what stands far above is lost in many a log.
fn tell_again(result: &Outcome) {
    println!("\n== {} FAILED", result.stage);
    let end = result.output.len().saturating_sub(TOLD_AGAIN);
    let failures = result.output.iter().position(|line| line == "failures:");
    let begin = failures.unwrap_or(end);
    for line in result.output[begin..].iter().take(TOLD_AGAIN) {
        println!("{line}");
    }
}

/// Prints the closing lines.
fn conclude(results: &[Outcome], took: Duration) -> ExitCode {
    results
        .iter()
        .filter(|result| !result.passed)
        .for_each(tell_again);
    println!("\n== summary");
    for result in results {
        let verdict = if result.passed { "ok" } else { "FAILED" };
        println!(
            "{verdict:<7} {:<28} {:>8.1} s",
            result.stage,
            result.took.as_secs_f64()
        );
    }
    let failed = results.iter().filter(|result| !result.passed).count();
    let (all, took) = (results.len(), took.as_secs_f64());
    if failed == 0 {
        println!("\ntest result: ok. {all} stages passed in {took:.1} s");
        ExitCode::SUCCESS
    } else {
        println!("\ntest result: FAILED. {failed} of {all} stages failed in {took:.1} s");
        ExitCode::FAILURE
    }
}
