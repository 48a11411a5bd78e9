//! The state of every part, as a table or as JSON.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use indicatif::DecimalBytes;
use serde::Serialize;

use super::place::{Place, bytes_under, program};
use super::{FOR_BUILD, FOR_LAB, Need, Part, State, ensure, kernelspec, library, prerequisites};

/// The oldest Rust that builds this project.
const OLDEST_RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Bytes that a first set-up takes, all in all.
const SPACE_FOR_ALL: u64 = 3_000_000_000;

const SET_UP: &str =
    "`cargo lab` sets up what is missing; `cvstudy doctor --fix` does so without opening Jupyter";

/// Options of `cvstudy doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorOptions {
    /// Put right what can be put right, then report
    #[arg(long)]
    fix: bool,
    /// Report as JSON
    #[arg(long)]
    json: bool,
}

/// What is reported of a part.
#[derive(Debug, Serialize)]
struct Row {
    part: &'static str,
    state: &'static str,
    /// Whether it must be right for lessons to run.
    needed: bool,
    version: Option<String>,
    bytes: Option<u64>,
    path: Option<PathBuf>,
    /// What is wrong and what to do.
    advice: Option<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    /// Whether everything that is needed is right.
    ok: bool,
    home: PathBuf,
    clone: PathBuf,
    /// This executable.
    program: PathBuf,
    /// The Python with JupyterLab.
    python: PathBuf,
    parts: Vec<Row>,
}

/// Prints the state of every part.
///
/// # Errors
/// When a part that is needed is missing or wrong, so that the exit code says so.
pub(crate) fn doctor(options: DoctorOptions) -> Result<()> {
    if options.fix {
        ensure(Need::Lab)?;
    }
    let report = examine(&Place::find()?)?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", table(&report));
    }
    let faults = report.parts.iter().filter(|row| row.is_fault()).count();
    match faults {
        0 => Ok(()),
        1 => bail!("one part needs attention"),
        _ => bail!("{faults} parts need attention"),
    }
}

fn examine(place: &Place) -> Result<Report> {
    let mut parts = prerequisites_rows(place);
    let steps = FOR_BUILD.iter().map(|step| step.inspect(place));
    parts.extend(steps.map(Row::of));
    parts.push(Row::of(library::inspect()));
    let steps = FOR_LAB.iter().map(|step| step.inspect(place));
    parts.extend(steps.map(Row::of));
    if let Ok(folder) = kernelspec::user_kernels() {
        let part = kernelspec::inspect("kernelspec, own Jupyter", folder.join("cvstudy"));
        let mut row = Row::of(Part {
            needed: false,
            ..part
        });
        if row.state != "ok" {
            let install = "optional: `cvstudy install` adds this kernel to a Jupyter of your own";
            row.advice = Some(install.to_owned());
        }
        parts.push(row);
    }
    parts.push(analyzer(&program()?.with_file_name("assist")));
    parts.push(Row {
        bytes: Some(bytes_under(&place.home)),
        ..Row::ok("cache folder", None, Some(place.home.clone()))
    });
    Ok(Report {
        ok: !parts.iter().any(Row::is_fault),
        home: place.home.clone(),
        clone: place.checkout.clone(),
        program: program()?,
        python: place.python(),
        parts,
    })
}

/// The helper that completion asks where declarations tell too little; it takes long to build, and lessons do not need it.
fn analyzer(helper: &Path) -> Row {
    let advice = "optional: `cargo build --package assist` in the clone, some minutes, adds completion by rust-analyzer";
    let is_there = helper.is_file();
    Row {
        state: if is_there { "ok" } else { "absent" },
        needed: false,
        bytes: is_there.then(|| bytes_under(helper)),
        advice: (!is_there).then(|| advice.to_owned()),
        ..Row::ok("rust-analyzer", None, Some(helper.to_path_buf()))
    }
}

/// What the set-up cannot provide itself.
fn prerequisites_rows(place: &Place) -> Vec<Row> {
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let platform = prerequisites::platform().map(|()| Row::ok("platform", Some(system), None));
    let python = prerequisites::python()
        .map(|python| Row::ok("Python", Some(python.version), Some(python.program)));
    let compiler = prerequisites::compiler().map(|path| Row::ok("C++ compiler", None, Some(path)));
    // Once everything is there, little more is written.
    let wanted = match library::inspect().state {
        State::Ok => SPACE_FOR_ALL / 10,
        _ => SPACE_FOR_ALL,
    };
    let disk = prerequisites::need_space(&place.home, wanted, "the set-up").map(|()| Row {
        bytes: prerequisites::free_bytes(&place.home).ok(),
        ..Row::ok("free disk space", None, Some(place.home.clone()))
    });
    [
        ("platform", platform),
        ("Rust", rust()),
        ("Python", python),
        ("C++ compiler", compiler),
        ("free disk space", disk),
    ]
    .map(|(part, row)| row.unwrap_or_else(|error| Row::missing(part, format!("{error:#}"))))
    .into()
}

fn rust() -> Result<Row> {
    let advice = "install Rust from https://rustup.rs, or `rustup update stable`";
    let Ok(output) = Command::new("rustc").arg("--version").output() else {
        bail!("no rustc in PATH: {advice}");
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().nth(1).unwrap_or_default();
    if !is_at_least(version, OLDEST_RUST) {
        bail!("rustc is {version}, and {OLDEST_RUST} is needed: {advice}");
    }
    let path = prerequisites::find_program("rustc");
    Ok(Row::ok("Rust", Some(version.to_owned()), path))
}

/// Compares dotted versions number by number; what comes after a `-` does not count.
fn is_at_least(version: &str, oldest: &str) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        let text = text.split('-').next().unwrap_or_default();
        text.split('.')
            .map_while(|number| number.parse().ok())
            .collect()
    };
    numbers(version) >= numbers(oldest)
}

impl Row {
    fn ok(part: &'static str, version: Option<String>, path: Option<PathBuf>) -> Row {
        Row {
            part,
            state: "ok",
            needed: true,
            version,
            bytes: None,
            path,
            advice: None,
        }
    }

    fn missing(part: &'static str, advice: String) -> Row {
        Row {
            state: "missing",
            advice: Some(advice),
            ..Row::ok(part, None, None)
        }
    }

    fn of(part: Part) -> Row {
        let (state, advice) = match part.state {
            State::Ok => ("ok", None),
            State::Missing if !part.needed => ("absent", None),
            State::Missing => ("missing", Some(SET_UP.to_owned())),
            State::Wrong(fault) => ("wrong", Some(fault)),
        };
        let bytes = part
            .path
            .as_deref()
            .map(bytes_under)
            .filter(|bytes| *bytes > 0);
        Row {
            part: part.name,
            state,
            needed: part.needed,
            version: part.version,
            bytes,
            path: part.path,
            advice,
        }
    }

    fn is_fault(&self) -> bool {
        self.needed && self.state != "ok"
    }

    fn line(&self) -> String {
        let version = self.version.as_deref().unwrap_or_default();
        let size = self.bytes.map(|bytes| DecimalBytes(bytes).to_string());
        let path = self.path.as_ref().map(|path| path.display().to_string());
        let line = format!(
            "{:<8} {:<24} {version:<14} {:>10}  {}",
            self.state,
            self.part,
            size.unwrap_or_default(),
            path.unwrap_or_default()
        );
        line.trim_end().to_owned()
    }
}

/// One line a part, and under it what is special about it; what sets most parts right is said once, at the end.
fn table(report: &Report) -> String {
    let mut text = String::new();
    for row in &report.parts {
        text.push_str(&row.line());
        text.push('\n');
        if let Some(advice) = row.advice.as_deref().filter(|advice| *advice != SET_UP) {
            text.push_str(&format!("         {advice}\n"));
        }
    }
    if !report.ok {
        text.push_str(SET_UP);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(is_at_least("1.100.0", "1.95"));
        assert!(is_at_least("1.95.0", "1.95"));
        assert!(is_at_least("1.96.0-nightly", "1.95"));
        assert!(!is_at_least("1.9.9", "1.95"));
        assert!(!is_at_least("", "1.95"));
    }

    #[test]
    fn without_rust_analyzer_nothing_is_wrong() {
        let absent = analyzer(Path::new("/nowhere/assist"));
        assert_eq!((absent.state, absent.is_fault()), ("absent", false));
        assert!(absent.advice.unwrap().contains("--package assist"));
        let there = analyzer(&std::env::current_exe().unwrap());
        assert_eq!((there.state, there.advice), ("ok", None));
    }

    #[test]
    fn a_fault_is_a_needed_part_that_is_not_ok() {
        let row = |state, needed| {
            Row::of(Part {
                name: "x",
                state,
                needed,
                path: None,
                version: None,
            })
        };
        assert!(!row(State::Ok, true).is_fault());
        assert!(row(State::Missing, true).is_fault());
        assert!(!row(State::Missing, false).is_fault());
        let wrong = row(State::Wrong("too old".to_owned()), true);
        assert!(wrong.is_fault() && wrong.advice.unwrap() == "too old");
    }
}
