//! `cargo xtask bench`: figures beside those of what others use, measured in the same run.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::peers;
use crate::project::{Setup, root};

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
            Group::Data => &DATA,
            Group::Augment | Group::Train | Group::Grade => &[],
        }
    }
}

/// What is measured, beside what, and how good it has to be.
struct Figure {
    /// The name of the function in `bench/GROUP.py` that measures it.
    id: &'static str,
    name: &'static str,
    unit: &'static str,
    peer: Peer,
    bar: Bar,
}

#[derive(Clone, Copy)]
enum Peer {
    /// Measured beside it, and always there.
    Here(&'static str),
    /// ipykernel with torch.
    Ipykernel,
    /// evcxr_jupyter with tch.
    Evcxr,
    /// None: the bar is absolute.
    Nothing,
}

#[derive(Clone, Copy)]
enum Bar {
    /// At most this many times the peer's figure.
    Times(f64),
    /// At most this much.
    AtMost(f64),
}

const KERNEL: [Figure; 7] = [
    Figure {
        id: "first_tensor",
        name: "start to first tensor printed",
        unit: "ms",
        peer: Peer::Ipykernel,
        bar: Bar::Times(0.3),
    },
    Figure {
        id: "fresh_cell_evcxr",
        name: "tensor cell, compiled afresh",
        unit: "ms",
        peer: Peer::Evcxr,
        bar: Bar::Times(0.25),
    },
    Figure {
        id: "fresh_cell_rustc",
        name: "tensor cell, compiled afresh",
        unit: "ms",
        peer: Peer::Here("rustc alone, empty cdylib"),
        bar: Bar::Times(2.0),
    },
    Figure {
        id: "cached_cell",
        name: "tensor cell in the cache",
        unit: "ms",
        peer: Peer::Nothing,
        bar: Bar::AtMost(15.0),
    },
    Figure {
        id: "late_cell",
        name: "cell 200, after 100 fns and 50 structs",
        unit: "ms",
        peer: Peer::Here("cell 5 of the same notebook"),
        bar: Bar::Times(1.5),
    },
    Figure {
        id: "memory",
        name: "memory after a tensor cell (PSS)",
        unit: "MiB",
        peer: Peer::Ipykernel,
        bar: Bar::Times(0.5),
    },
    Figure {
        id: "loop_cell",
        name: "naive 512^3 f32 matrix product in a cell",
        unit: "ms",
        peer: Peer::Here("rustc -O, the same code"),
        bar: Bar::Times(1.3),
    },
];

const DATA: [Figure; 3] = [
    Figure {
        id: "make",
        name: "2,000 pictures generated",
        unit: "s",
        peer: Peer::Nothing,
        bar: Bar::AtMost(30.0),
    },
    Figure {
        id: "index",
        name: "2,000 pictures indexed and checked",
        unit: "s",
        peer: Peer::Here("cleanvision"),
        bar: Bar::Times(0.2),
    },
    Figure {
        id: "index_again",
        name: "the same, nothing changed",
        unit: "s",
        peer: Peer::Nothing,
        bar: Bar::AtMost(1.0),
    },
];

impl Peer {
    fn name(self) -> &'static str {
        match self {
            Peer::Here(name) => name,
            Peer::Ipykernel => "ipykernel + torch",
            Peer::Evcxr => "evcxr_jupyter + tch",
            Peer::Nothing => "",
        }
    }
}

/// What a measuring program prints of a figure.
#[derive(Debug, Deserialize)]
struct Measured {
    id: String,
    ours: Option<f64>,
    peer: Option<f64>,
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
    peer_name: &'static str,
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
            "{:<42} {:>11} {:>11} {:>7} {:>9}  {:<4} beside",
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
    let mut child = Command::new(&setup.python)
        .arg("-B") // leaves no bytecode in the clone
        .arg(&script)
        .arg(config(setup)?.to_string())
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
            peer_name: self.peer.name(),
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
        "{:<42} {:>11} {:>11} {ratio:>7} {:>9}  {met:<4} {}",
        row.name,
        figure(row.ours, row.unit),
        figure(row.peer, row.unit),
        row.bar,
        row.note.as_deref().unwrap_or(row.peer_name),
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
                assert!(
                    text.contains(&format!("def {}(config):", figure.id)),
                    "{}",
                    figure.id
                );
            }
        }
    }
}
