//! The course library: what plain `cargo build` makes, so that no crate is ever compiled for the set-up alone.

use std::env;
use std::io::{BufRead, BufReader, IsTerminal};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::console::Console;
use super::place::{Place, program};
use super::{Part, State, libtorch, prerequisites};

/// Bytes that a first build leaves in the target folder.
const SPACE_TO_BUILD: u64 = 1_500_000_000;

/// How the library stands: it lies beside this program.
pub(super) fn inspect() -> Part {
    let path = program().ok().and_then(|program| beside(&program));
    let state = match &path {
        Some(library) if library.is_file() => State::Ok,
        _ => State::Missing,
    };
    Part {
        name: "course library",
        state,
        needed: true,
        path,
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
    }
}

fn beside(program: &Path) -> Option<PathBuf> {
    let name = format!(
        "{}course{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    );
    Some(program.parent()?.join(name))
}

/// Lets cargo build it; where nothing has changed that takes a moment and says nothing.
///
/// # Errors
/// Without a compiler, a network for the crates, or disk space, and when a crate does not compile.
pub(super) fn build(place: &Place) -> Result<()> {
    if inspect().state != State::Ok {
        prerequisites::need_space(
            &place.checkout,
            SPACE_TO_BUILD,
            "building the course library",
        )?;
    }
    let before = program()?;
    let mut child = cargo_build(place)?
        .spawn()
        .context("cannot run cargo: is Rust installed? See https://rustup.rs")?;
    let mut report = Report::default();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n') {
            let Ok(line) = line else { break };
            report.take(&String::from_utf8_lossy(&line));
        }
    }
    let status = child.wait().context("cargo vanished")?;
    report.finish(status.success())?;
    become_rebuilt(&before)
}

/// Where the build has replaced this very program, goes on as the new one: the old one has no file any more,
/// neither to start workers from nor for a kernelspec to name. Under `cargo run` it is always up to date.
fn become_rebuilt(before: &Path) -> Result<()> {
    const REBUILT: &str = "CVSTUDY_REBUILT";
    if program().is_ok_and(|now| now == before) || env::var_os(REBUILT).is_some() {
        return Ok(());
    }
    let mut rebuilt = Command::new(before);
    rebuilt.args(env::args_os().skip(1)).env(REBUILT, "1");
    let error = rebuilt.exec();
    Err(error).with_context(|| format!("cannot go on as the rebuilt {}", before.display()))
}

/// The build that leaves the library beside this program.
fn cargo_build(place: &Place) -> Result<Command> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .arg("build")
        .current_dir(&place.checkout)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let program = program()?;
    let folder = program.parent();
    if let (Some(target), Some(profile)) = (
        folder.and_then(Path::parent),
        folder.and_then(Path::file_name),
    ) {
        command.arg("--target-dir").arg(target);
        command.arg("--profile");
        command.arg(if profile == "debug" {
            "dev".as_ref()
        } else {
            profile
        });
    }
    if std::io::stderr().is_terminal() {
        command.args(["--color", "always"]);
    }
    // Under `cargo run` the variable is set already, to what cargo would set itself. Left in place it would
    // look like a choice of the user's, differ from what plain `cargo build` sees, and rebuild the bindings.
    if !libtorch::is_own_choice(place) {
        command.env_remove("LIBTORCH");
    }
    Ok(command)
}

/// What cargo says, made into one line of progress; compiler messages pass through.
#[derive(Default)]
struct Report {
    console: Option<Console>,
    compiled: usize,
    waits: bool,
    messages: String,
}

impl Report {
    fn take(&mut self, line: &str) {
        let plain = console::strip_ansi_codes(line);
        match Line::read(&plain) {
            Line::Compiling(name) => {
                self.compiled += 1;
                let doing = format!("compiling {name}, crate {}", self.compiled);
                self.console().now(&doing);
            }
            Line::Fetching(what) => self.console().now(what),
            Line::Waiting if !self.waits => {
                self.waits = true;
                self.console()
                    .say("another cargo is building; waiting for it to finish");
            }
            Line::Waiting => {}
            Line::Status => {}
            Line::Message => {
                self.messages.push_str(&plain);
                self.messages.push('\n');
                self.console().say(line);
            }
        }
    }

    fn console(&mut self) -> &Console {
        self.console
            .get_or_insert_with(|| Console::begin("course library"))
    }

    fn finish(self, success: bool) -> Result<()> {
        if !success {
            bail!(
                "the course library could not be built: {}",
                explain(&self.messages)
            );
        }
        match self.console {
            Some(console) if self.compiled > 0 => {
                let crates = if self.compiled == 1 {
                    "crate"
                } else {
                    "crates"
                };
                console.done(&format!("{} {crates} compiled", self.compiled));
            }
            Some(console) => console.nothing_done(),
            None => {}
        }
        Ok(())
    }
}

/// A line of cargo's.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Compiling(&'a str),
    Fetching(&'a str),
    Waiting,
    Status,
    Message,
}

impl Line<'_> {
    /// Status lines are a verb, right-aligned in twelve columns; everything else is a message.
    fn read(line: &str) -> Line<'_> {
        let text = line.trim();
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match verb {
            "Compiling" => Line::Compiling(rest.split(" (").next().unwrap_or(rest)),
            "Downloading" | "Downloaded" | "Updating" | "Locking" => Line::Fetching(text),
            "Blocking" => Line::Waiting,
            "Finished" | "Fresh" | "Dirty" | "Adding" | "Unpacking" | "Building" => Line::Status,
            _ => Line::Message,
        }
    }
}

/// What a failed build means, and what to do.
fn explain(messages: &str) -> &'static str {
    let any = |signs: &[&str]| signs.iter().any(|sign| messages.contains(sign));
    if any(&["No space left on device", "Disk quota exceeded"]) {
        "the disk is full. Free some space (`cargo clean` removes earlier builds), then run this again"
    } else if any(&["failed to find tool", "linker `cc` not found"]) {
        prerequisites::COMPILER_ADVICE
    } else if any(&[
        "requires rustc",
        "is not supported by the following package",
    ]) {
        "this Rust is too old: `rustup update stable`, then run this again"
    } else if any(&[
        "Could not resolve host",
        "failed to download",
        "failed to fetch",
        "Couldn't connect",
        "Timeout was reached",
    ]) {
        "crates.io cannot be reached. Check the network and the proxy (`HTTPS_PROXY`), then run this again: what is already there is kept"
    } else if any(&["signal: 9", "Killed signal terminated program"]) {
        "the compiler was killed, most likely for want of memory: close other programs and run this again, or set CARGO_BUILD_JOBS=1"
    } else {
        "see the messages above, mend what they name, then run this again"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines are cargo 1.95's.
    #[test]
    fn lines_of_cargo_are_told_apart() {
        assert_eq!(
            Line::read("   Compiling tch v0.26.0"),
            Line::Compiling("tch v0.26.0")
        );
        assert_eq!(
            Line::read("   Compiling rt v0.1.0 (/home/me/clone/crates/rt)"),
            Line::Compiling("rt v0.1.0")
        );
        assert_eq!(
            Line::read("    Blocking waiting for file lock on build directory"),
            Line::Waiting
        );
        assert_eq!(
            Line::read("    Finished `dev` profile [optimized] target(s) in 0.17s"),
            Line::Status
        );
        assert_eq!(Line::read("warning: unused variable: `x`"), Line::Message);
        assert_eq!(
            Line::read(" --> crates/vision/src/lib.rs:3:9"),
            Line::Message
        );
    }

    #[test]
    fn failures_are_told_apart() {
        assert!(explain("error: linker `cc` not found").contains("install a C++ compiler"));
        assert!(explain("ld: final link failed: No space left on device").contains("disk is full"));
        assert!(explain("error[E0308]: mismatched types").contains("messages above"));
    }
}
