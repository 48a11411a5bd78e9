//! Downloads that go on where they were cut off: half a gigabyte is too much to begin again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::console::Console;
use super::pip;
use super::place::{Place, remove};
use super::wheels::Wheel;

/// It has a Python of its own to run in, and needs no other library.
const SCRIPT: &str = include_str!("../../assets/fetch.py");

/// The index that pip asks when nobody has told it another.
const USUAL_INDEX: &str = "https://pypi.org/simple";

/// Brings a wheel into the downloads folder. What an interrupted run has left there is made use of.
///
/// # Errors
/// When the index cannot be reached in this simple way, or has another file by that name. pip may know better:
/// how to prove who one is to the index, for instance.
pub(super) fn fetch(place: &Place, wheel: &Wheel, console: &Console) -> Result<()> {
    let part = part_of(&place.downloads(), wheel);
    let doing = format!("downloading {}", wheel.requirement.replace("===", " "));
    let mut python = Command::new(place.python());
    let settings = pip::settings(place);
    let index = setting(&settings, "index-url").unwrap_or(USUAL_INDEX);
    if let Some(certificates) = setting(&settings, "cert") {
        python.env("SSL_CERT_FILE", certificates);
    }
    run(&mut python, index, wheel, &part, |bytes| {
        console.bytes(&doing, bytes, wheel.bytes);
    })?;
    if !wheel.matches(&part)? {
        remove(&part)?;
        bail!("{index} has another file than {}", wheel.file);
    }
    let target = place.downloads().join(wheel.file);
    fs::rename(&part, &target).with_context(|| format!("cannot write {}", target.display()))
}

/// Where an unfinished wheel lies.
pub(super) fn part_of(downloads: &Path, wheel: &Wheel) -> PathBuf {
    downloads.join(format!("{}.part", wheel.file))
}

/// Runs the script; `look` gets the bytes that are there, now and then.
fn run(
    python: &mut Command,
    index: &str,
    wheel: &Wheel,
    part: &Path,
    mut look: impl FnMut(u64),
) -> Result<()> {
    let project = wheel.requirement.split('=').next().unwrap_or_default();
    let mut child = python
        .args(["-c", SCRIPT, index, project, wheel.file])
        .arg(part)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run Python")?;
    loop {
        look(part.metadata().map_or(0, |meta| meta.len()));
        if let Some(status) = child.try_wait().context("Python vanished")? {
            if status.success() {
                return Ok(());
            }
            bail!("{index} cannot be read in a simple way");
        }
        std::thread::sleep(pip::LOOK_EVERY);
    }
}

/// One of pip's settings, as `pip config list` prints them: that of the environment before that of downloads, and
/// that before the one for everything.
fn setting<'a>(settings: &'a str, name: &str) -> Option<&'a str> {
    let of = |section: &str| {
        settings.lines().find_map(|line| {
            let rest = line.strip_prefix(section)?.strip_prefix('.')?;
            let value = rest.strip_prefix(name)?.strip_prefix('=')?;
            Some(value.trim().trim_matches('\''))
        })
    };
    [":env:", "download", "global"].into_iter().find_map(of)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::{Arc, Mutex};
    use std::thread;

    use super::super::wheels::WHEELS;
    use super::*;

    /// A package index that cuts every answer off after so many bytes, and keeps the ranges that it was asked for.
    struct Index {
        address: String,
        asked: Arc<Mutex<Vec<String>>>,
    }

    impl Index {
        fn start(content: Vec<u8>, cut_after: usize) -> Index {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = format!("http://{}/simple", listener.local_addr().unwrap());
            let asked = Arc::new(Mutex::new(Vec::new()));
            let kept = Arc::clone(&asked);
            thread::spawn(move || {
                for stream in listener.incoming() {
                    answer(stream.unwrap(), &content, cut_after, &kept);
                }
            });
            Index { address, asked }
        }

        fn fetch(&self, wheel: &Wheel, part: &Path) -> Result<()> {
            run(
                Command::new("python3").env("no_proxy", "127.0.0.1"),
                &self.address,
                wheel,
                part,
                |_| {},
            )
        }
    }

    fn answer(mut stream: TcpStream, content: &[u8], cut_after: usize, asked: &Mutex<Vec<String>>) {
        let lines: Vec<String> = BufReader::new(&stream)
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        if lines[0].contains("/simple/") {
            let link = format!(
                "<a href=\"../../files/{}#sha256=00\">it</a>",
                WHEELS[1].file
            );
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", link.len());
            stream.write_all((head + &link).as_bytes()).unwrap();
            return;
        }
        let range = lines
            .iter()
            .find_map(|line| line.strip_prefix("Range: bytes="));
        asked
            .lock()
            .unwrap()
            .push(range.unwrap_or("all").to_owned());
        let from: usize = range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
        let rest = &content[from.min(content.len())..];
        let status = match range {
            Some(_) if rest.is_empty() => "416 Range Not Satisfiable",
            Some(_) => "206 Partial Content",
            None => "200 OK",
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
            rest.len()
        );
        let sent = &rest[..rest.len().min(cut_after)];
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(sent).unwrap();
    }

    #[test]
    fn a_download_goes_on_where_it_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let content: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
        let part = part_of(folder.path(), &WHEELS[1]);
        // What an earlier run has left.
        fs::write(&part, &content[..12_345]).unwrap();
        let index = Index::start(content.clone(), 15_000);
        index.fetch(&WHEELS[1], &part).unwrap();
        assert!(fs::read(&part).unwrap() == content);
        let asked = index.asked.lock().unwrap().clone();
        assert_eq!(asked, ["12345-", "27345-"]);
        // All is there: a run that ended before the name was changed.
        index.fetch(&WHEELS[1], &part).unwrap();
        assert!(fs::read(&part).unwrap() == content);
    }

    #[test]
    fn an_index_without_the_file_is_left_to_pip() {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::start(Vec::new(), 0);
        let error = index.fetch(&WHEELS[2], &folder.path().join("part"));
        assert!(format!("{:#}", error.unwrap_err()).contains(&index.address));
    }

    #[test]
    fn settings_are_read_as_pip_ranks_them() {
        let index = |settings| setting(settings, "index-url");
        assert_eq!(index(""), None);
        let global = "global.index-url='https://a.org/simple'\nglobal.timeout='9'\n";
        assert_eq!(index(global), Some("https://a.org/simple"));
        let both = format!("{global}:env:.index-url='https://b.org/simple'\n");
        assert_eq!(setting(&both, "index-url"), Some("https://b.org/simple"));
    }
}
