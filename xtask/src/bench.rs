//! `cargo xtask bench`: figures beside those of what others use, measured in the same run.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::figures::{AUGMENT, Bar, DATA, Figure, GRADE, KERNEL, Peer, TRAIN};
use crate::peers;
use crate::project::{Setup, cargo, root};

/// Options of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// The figures of one group; without it all groups are measured
    group: Option<Group>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    /// First install what is measured beside ours (about 2.8 GB to download, once)
    #[arg(long)]
    install_peers: bool,
}

/// Figures that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Cells: latency, memory, loops
    Kernel,
    /// Augmentation
    Augment,
    /// Training
    Train,
    /// Data loading
    Data,
    /// Grading
    Grade,
}

impl Group {
    fn name(self) -> &'static str {
        match self {
            Group::Kernel => "kernel",
            Group::Augment => "augment",
            Group::Train => "train",
            Group::Data => "data",
            Group::Grade => "grade",
        }
    }

    fn figures(self) -> &'static [Figure] {
        match self {
            Group::Kernel => &KERNEL,
            Group::Augment => &AUGMENT,
            Group::Train => &TRAIN,
            Group::Grade => &GRADE,
            Group::Data => &DATA,
        }
    }
}

/// What a measuring program prints of a figure.
#[derive(Debug, Deserialize)]
struct Measured {
    id: String,
    ours: Option<f64>,
    peer: Option<f64>,
    /// Which of several peers it was.
    beside: Option<String>,
    error: Option<String>,
}

/// What is printed of a figure.
#[derive(Debug, Serialize)]
struct Row {
    group: &'static str,
    name: &'static str,
    unit: &'static str,
    ours: Option<f64>,
    peer: Option<f64>,
    peer_name: String,
    ratio: Option<f64>,
    bar: String,
    met: Option<bool>,
    note: Option<String>,
}

/// Measures and prints. That a bar is missed is a finding, not a failure.
///
/// # Errors
/// When nothing can be measured.
pub(crate) fn bench(options: &BenchOptions) -> Result<ExitCode> {
    let groups = match options.group {
        Some(group) if group.figures().is_empty() => {
            bail!("there are no benchmarks of {} yet", group.name())
        }
        Some(group) => vec![group],
        None => Group::value_variants().to_vec(),
    };
    let setup = Setup::provide()?;
    if options.install_peers {
        peers::install(&setup)?;
    }
    if !options.json {
        println!(
            "{:<42} {:>14} {:>14} {:>7} {:>9}  {:<4} beside",
            "figure", "ours", "peer", "ratio", "bar", "met"
        );
    }
    for group in groups {
        if group.figures().is_empty() {
            eprintln!("{}: no benchmarks in this group yet", group.name());
            continue;
        }
        measure(group, &setup, |row| print(&row, options.json))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the group's measuring program, and hands over each row as it comes.
fn measure(group: Group, setup: &Setup, mut each: impl FnMut(Row)) -> Result<()> {
    let script = root().join(format!("xtask/bench/{}.py", group.name()));
    let config = match group {
        Group::Augment => augment_config(setup)?,
        Group::Train => train_config(setup)?,
        Group::Data => data_config(setup)?,
        _ => config(setup)?,
    };
    let mut child = Command::new(&setup.python)
        .arg("-B") // leaves no bytecode in the clone
        .arg(&script)
        .arg(config.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", setup.python.display()))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let measured: Measured = serde_json::from_str(&line?)
                .with_context(|| format!("{} prints what is no row", script.display()))?;
            let figure = group
                .figures()
                .iter()
                .find(|figure| figure.id == measured.id);
            each(
                figure
                    .context("an unknown figure was measured")?
                    .row(group, measured),
            );
        }
    }
    if !child.wait()?.success() {
        bail!("{} failed", script.display());
    }
    Ok(())
}

/// The command lines of the kernels, with FILE for the connection file; a peer that is not installed is null.
fn config(setup: &Setup) -> Result<serde_json::Value> {
    let libtorch = setup.libtorch()?;
    // With evcxr's folder fixed, its cells look for the standard library one folder too high.
    let libraries = env::join_paths([libtorch.join("lib"), toolchain("target-libdir")?])?;
    // Kept from run to run, so that evcxr builds libtorch's bindings once and not each time.
    let evcxr_folder = setup.home.join("evcxr");
    std::fs::create_dir_all(&evcxr_folder)
        .with_context(|| format!("cannot make {}", evcxr_folder.display()))?;
    let ipykernel = |python: PathBuf| json!([python, "-m", "ipykernel_launcher", "-f", "FILE"]);
    Ok(json!({
        "ours": [setup.program, "kernel", "--connection-file", "FILE"],
        "ipykernel": peers::python(setup).map(ipykernel),
        "nbgrader": peers::nbgrader(setup),
        "evcxr": peers::evcxr().map(|program| json!([program, "--control_file", "FILE"])),
        "evcxr_env": {
            "LIBTORCH": libtorch,
            "LD_LIBRARY_PATH": libraries.to_string_lossy(),
            "EVCXR_TMPDIR": evcxr_folder,
        },
        // The compiler itself: the name in PATH is often rustup's, which takes as long again to find it.
        "rustc": toolchain("sysroot")?.join("bin/rustc"),
    }))
}

/// Our program, and the command line of the peers', null if they are not installed.
fn augment_config(setup: &Setup) -> Result<serde_json::Value> {
    let script = root().join("xtask/bench/augmenters.py");
    let peers = peers::python(setup).map(|python| json!([python, "-B", script]));
    Ok(json!({ "augment": example("augment_bench")?, "augment_peers": peers }))
}

/// The programs that make training steps and epochs, ours that makes the pictures for them; and a Python with
/// torch, or null.
fn train_config(setup: &Setup) -> Result<serde_json::Value> {
    Ok(json!({
        "program": setup.program,
        "steps": example("steps")?,
        "epoch": example("epoch")?,
        "torch": peers::python(setup),
    }))
}

/// Our program, those that list a million pictures and that decode, and the peers' Python, null if it is not installed.
fn data_config(setup: &Setup) -> Result<serde_json::Value> {
    Ok(json!({
        "program": setup.program,
        "million": example("million")?,
        "decode": example("decode_bench")?,
        "photo": root().join("data/photo.jpg"),
        "peers": peers::python(setup),
    }))
}

/// Builds an example of one of the rooms, and says where it is.
fn example(name: &str) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--message-format=json", "--example", name]);
    let output = build.stderr(Stdio::inherit()).output();
    let output = output.context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the example {name} cannot be built");
    }
    let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    let built = messages.filter_map(|message: serde_json::Result<serde_json::Value>| {
        let message = message.ok()?;
        let of_name = message["target"]["name"] == name;
        of_name.then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    built.last().context("cargo names no executable")
}

/// A folder of the Rust toolchain, by the name that rustc prints it under.
fn toolchain(folder: &str) -> Result<PathBuf> {
    let output = Command::new("rustc").args(["--print", folder]).output();
    let output = output.context("cannot run rustc")?;
    let path = String::from_utf8(output.stdout).context("rustc's folder is not UTF-8")?;
    Ok(PathBuf::from(path.trim()))
}

impl Figure {
    fn row(&self, group: Group, measured: Measured) -> Row {
        let ratio = measured
            .ours
            .zip(measured.peer)
            .map(|(ours, peer)| ours / peer);
        let (bar, met) = match self.bar {
            Bar::Times(times) => (format!("<= {times}x"), ratio.map(|ratio| ratio <= times)),
            Bar::AtLeastTimes(times) => (format!(">= {times}x"), ratio.map(|ratio| ratio >= times)),
            Bar::AtMost(most) => (
                format!("<= {most} {}", self.unit),
                measured.ours.map(|ours| ours <= most),
            ),
        };
        let absent = match (self.peer, measured.peer) {
            (Peer::Nothing, _) | (_, Some(_)) => None,
            (peer, None) => Some(format!("peer not installed: {}", peer.name())),
        };
        Row {
            group: group.name(),
            name: self.name,
            unit: self.unit,
            ours: measured.ours,
            peer: measured.peer,
            peer_name: measured.beside.unwrap_or(self.peer.name().to_owned()),
            ratio,
            bar,
            met,
            note: measured.error.or(absent),
        }
    }
}

fn print(row: &Row, as_json: bool) {
    if as_json {
        // A row is plain data: it always has a JSON form.
        println!("{}", json!(row));
        return;
    }
    let figure = |value: Option<f64>, unit: &str| match value {
        Some(value) => format!("{value:.1} {unit}"),
        None => "-".to_owned(),
    };
    let ratio = row
        .ratio
        .map_or("-".to_owned(), |ratio| format!("{ratio:.2}x"));
    let met = match row.met {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "?",
    };
    println!(
        "{:<42} {:>14} {:>14} {ratio:>7} {:>9}  {met:<4} {}",
        row.name,
        figure(row.ours, row.unit),
        figure(row.peer, row.unit),
        row.bar,
        row.note.as_deref().unwrap_or(&row.peer_name),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(ours: f64, peer: Option<f64>) -> Measured {
        Measured {
            id: String::new(),
            ours: Some(ours),
            peer,
            beside: None,
            error: None,
        }
    }

    #[test]
    fn a_ratio_is_held_against_its_bar() {
        let figure = &KERNEL[1];
        assert_eq!(
            figure.row(Group::Kernel, measured(100.0, Some(400.0))).met,
            Some(true)
        );
        assert_eq!(
            figure.row(Group::Kernel, measured(101.0, Some(400.0))).met,
            Some(false)
        );
    }

    #[test]
    fn more_is_better_where_the_bar_says_so() {
        let figure = &AUGMENT[0];
        let met = |ours| figure.row(Group::Augment, measured(ours, Some(100.0))).met;
        assert_eq!([met(100.0), met(99.0)], [Some(true), Some(false)]);
    }

    #[test]
    fn an_absolute_bar_needs_no_peer() {
        let row = KERNEL[3].row(Group::Kernel, measured(15.1, None));
        assert_eq!((row.met, row.note), (Some(false), None));
    }

    #[test]
    fn a_peer_that_is_absent_is_named_and_nothing_is_claimed() {
        let row = KERNEL[0].row(Group::Kernel, measured(1.0, None));
        assert_eq!(row.met, None);
        let note = row.note.unwrap_or_default();
        assert_eq!(note, "peer not installed: ipykernel + torch");
    }

    #[test]
    fn every_figure_is_measured_by_its_script() {
        for group in Group::value_variants() {
            let script = root().join(format!("xtask/bench/{}.py", group.name()));
            for figure in group.figures() {
                let text = std::fs::read_to_string(&script).unwrap();
                let function = format!("def {}(config):", figure.id);
                let name = format!("\"{}\"", figure.id);
                assert!(
                    text.contains(&function) || text.contains(&name),
                    "{}",
                    figure.id
                );
            }
        }
    }
}
