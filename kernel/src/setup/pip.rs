//! Runs pip: what it downloads, how far it is, and what its failures mean.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::console::Console;
use super::fetch::{fetch, part_of};
use super::place::{Place, bytes_under, make_folder, remove};
use super::wheels::Wheel;

/// How often the size of a running download is looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Makes sure that a wheel lies in the downloads folder, whole. One that already does is kept.
///
/// # Errors
/// Without a network, on a full disk, or when the index has another file under that name.
pub(super) fn download(place: &Place, wheel: &Wheel, console: &Console) -> Result<()> {
    let target = place.downloads().join(wheel.file);
    if wheel.matches(&target)? {
        return Ok(());
    }
    remove(&target)?;
    if fetch(place, wheel, console).is_ok() {
        return Ok(());
    }
    let folder = place.downloads();
    let mut pip = pip(place, "download")?;
    pip.args(["--no-deps", "--only-binary=:all:", "--no-cache-dir"])
        .args(wheel.tags)
        .arg("--dest")
        .arg(&folder)
        .arg(wheel.requirement);
    let doing = format!("downloading {}", wheel.requirement.replace("===", " "));
    let downloaded = run(&mut pip, &doing, |_| {
        console.bytes(&doing, bytes_under(&place.scratch()), wheel.bytes);
    });
    if wheel.matches(&target)? {
        return remove(&part_of(&folder, wheel));
    }
    // Half a wheel is no use to the next run, and the disk may be full of it.
    remove(&target)?;
    remove(&place.scratch())?;
    downloaded?;
    bail!(
        "the package index gave another file than {} with the checksum this project knows: \
         look at `pip config list` for an index of your own, or set LIBTORCH to a libtorch you have",
        wheel.file
    )
}

/// Installs packages into the Python environment. Returns a line on what was done.
///
/// # Errors
/// Without a network, on a full disk, or when the packages do not go together.
pub(super) fn install(place: &Place, requirements: &[&str], console: &Console) -> Result<String> {
    let mut pip = pip(place, "install")?;
    pip.args(requirements);
    let (mut packages, mut megabytes) = (0, 0.0);
    run(&mut pip, "installing packages", |line| {
        packages += usize::from(line.starts_with("Collecting "));
        megabytes += downloaded_megabytes(line).unwrap_or_default();
        if !line.is_empty() {
            let line: String = line.chars().take(60).collect();
            console.now(&format!("{packages} packages, {megabytes:.1} MB: {line}"));
        }
    })?;
    Ok(format!("{packages} packages, {megabytes:.1} MB downloaded"))
}

/// The user's settings of pip, a line each, such as `global.index-url='https://...'`; empty where there are none.
pub(super) fn settings(place: &Place) -> String {
    let output = Command::new(place.python())
        .args(["-m", "pip", "config", "list"])
        .stdin(Stdio::null())
        .output();
    output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

/// A pip of the environment's own, with a folder for its temporary files that this set-up watches and clears.
fn pip(place: &Place, action: &str) -> Result<Command> {
    let scratch = place.scratch();
    remove(&scratch)?;
    make_folder(&scratch)?;
    let mut pip = Command::new(place.python());
    pip.args(["-m", "pip", action, "--progress-bar=off"])
        .env("TMPDIR", &scratch)
        .env("PIP_NO_INPUT", "1")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .env("PIP_USER", "0");
    Ok(pip)
}

/// Runs to the end; `look` gets each line of output, and an empty one at intervals.
fn run(command: &mut Command, doing: &str, mut look: impl FnMut(&str)) -> Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let (sender, lines) = mpsc::channel();
    send_lines(child.stdout.take(), sender.clone());
    send_lines(child.stderr.take(), sender);
    let mut output = String::new();
    loop {
        match lines.recv_timeout(LOOK_EVERY) {
            Ok(line) => {
                look(line.trim());
                output.push_str(&line);
                output.push('\n');
            }
            Err(RecvTimeoutError::Timeout) => look(""),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.wait().context("pip vanished")?;
    if status.success() {
        return Ok(());
    }
    bail!(
        "{doing}: {}\npip's last lines:\n{}",
        explain(&output),
        last_lines(&output, 6)
    )
}

fn send_lines(stream: Option<impl Read + Send + 'static>, sender: Sender<String>) {
    let Some(stream) = stream else { return };
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            if line.is_ok_and(|line| sender.send(line).is_ok()) {
                continue;
            }
            break;
        }
    });
}

/// The size in `Downloading name.whl (1.2 MB)`, in MB.
fn downloaded_megabytes(line: &str) -> Option<f64> {
    let size = line.strip_prefix("Downloading ")?.rsplit_once('(')?.1;
    let (number, unit) = size.strip_suffix(')')?.split_once(' ')?;
    let scale = match unit {
        "bytes" => 1e-6,
        "kB" => 1e-3,
        "MB" => 1.0,
        "GB" => 1e3,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * scale)
}

/// What pip's failure means, and what to do.
fn explain(output: &str) -> &'static str {
    const NETWORK: [&str; 9] = [
        "NewConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "NameResolutionError",
        "Temporary failure in name resolution",
        "ProxyError",
        "ConnectionResetError",
        "Connection broken",
        "SSLError",
    ];
    let any = |signs: &[&str]| signs.iter().any(|sign| output.contains(sign));
    if any(&["No space left on device", "Disk quota exceeded"]) {
        "the disk is full (No space left on device)"
    } else if any(&NETWORK) {
        "the Python package index cannot be reached. Check the network and the proxy (`HTTPS_PROXY`, `pip config list`), then run this again: what is already there is kept"
    } else if any(&["No matching distribution found", "Could not find a version"]) {
        "the package index does not have it. Look at `pip config list` for an index of your own, then run this again"
    } else if any(&["Permission denied"]) {
        "a folder cannot be written. Set CVSTUDY_HOME to one that you can write, then run this again"
    } else {
        "pip failed. Run this again once what it says is mended"
    }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_every_unit() {
        assert_eq!(
            downloaded_megabytes("Downloading jupyterlab-4.6.6-py3-none-any.whl (12.4 MB)"),
            Some(12.4)
        );
        let small = downloaded_megabytes("Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)");
        assert!((small.unwrap() - 0.011).abs() < 1e-9);
        assert_eq!(downloaded_megabytes("Collecting six"), None);
        assert_eq!(downloaded_megabytes("Downloading x"), None);
    }

    /// The texts are pip 23.2's and 25.0's.
    #[test]
    fn failures_are_told_apart() {
        let offline = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)'\nERROR: Could not find a version that satisfies the requirement torch===2.13.0 (from versions: none)\nERROR: No matching distribution found for torch===2.13.0";
        assert!(explain(offline).contains("cannot be reached"));
        let absent = "ERROR: Could not find a version that satisfies the requirement torch===2.13.0 (from versions: 2.1.0)";
        assert!(explain(absent).contains("does not have it"));
        let full = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device";
        assert!(explain(full).contains("disk is full"));
    }

    #[test]
    fn a_failure_keeps_the_last_lines() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo first; echo Permission denied >&2; exit 3"]);
        let mut seen = Vec::new();
        let error = run(&mut command, "trying", |line| seen.push(line.to_owned())).unwrap_err();
        let told = format!("{error:#}");
        assert!(
            told.starts_with("trying: a folder cannot be written"),
            "{told}"
        );
        assert!(told.contains("first") && seen.contains(&"first".to_owned()));
    }
}
