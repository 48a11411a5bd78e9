//! `:dep name = "1"`: a crate of the learner's choice, for all cells that follow.
//!
//! Cargo builds it, in the course's own target folder, with the course's lock file, profile and dependencies
//! beside it: so a crate that the course uses too is taken as it is there, and values of its types can pass
//! between the two. What cargo built is then linked once, as a library like those of cells, which every cell
//! that names the crate loads.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::course::Course;
use crate::engine::failure;
use crate::event::ErrorReport;
use crate::group::Group;
use crate::package::{Package, is_about_ours};
use crate::rustc::Stop;

/// A crate that a learner asks for: the text behind `:dep`.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Its name, as cells write it.
    pub name: String,
    /// What stands behind the name in a `Cargo.toml`: a version, or a table.
    spec: Value,
}

impl Wanted {
    /// Reads `rand_distr = "0.5"`, `ndarray = { version = "0.16", features = ["rayon"] }`, or a name alone.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(text: &str) -> Result<Self, String> {
        const USAGE: &str = "write `:dep name = \"1.2\"` or `:dep name = { version = \"1.2\", features = [\"..\"] }`";
        let text = text.trim();
        let is_name = |text: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
        };
        if is_name(text) {
            let spec = Value::String("*".into());
            return Ok(Self {
                name: text.into(),
                spec,
            });
        }
        let table: Table = text
            .parse()
            .map_err(|_| format!("`:dep {text}` cannot be read: {USAGE}"))?;
        let mut entries = table.into_iter();
        match (entries.next(), entries.next()) {
            (Some((name, spec)), None) if spec.is_str() || spec.is_table() => {
                Ok(Self { name, spec })
            }
            _ => Err(format!("`:dep` takes one crate: {USAGE}")),
        }
    }

    /// The name in code.
    pub(crate) fn ident(&self) -> String {
        self.name.replace('-', "_")
    }

    /// The same with a relative `path` understood from the notebook's folder.
    pub(crate) fn rooted(&self, folder: &Path) -> Value {
        let mut spec = self.spec.clone();
        if let Some(path) = spec.get_mut("path")
            && let Some(text) = path.as_str()
        {
            *path = Value::String(folder.join(text).to_string_lossy().into_owned());
        }
        spec
    }
}

/// What cargo made of the crates asked for so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Artifacts {
    /// Name in code and library of each crate, in the order they were asked for.
    pub(crate) libraries: Vec<(String, PathBuf)>,
    /// Folders in which native libraries are to be found.
    pub(crate) native: BTreeSet<PathBuf>,
}

/// Whether a crate can share what it needs with the course, see [`Package::leaves_the_course_alone`].
///
/// # Errors
/// What cargo says, and what may help.
pub(crate) fn fits_the_course(
    wanted: &Wanted,
    course: &Course,
    folder: &Path,
) -> Result<bool, ErrorReport> {
    let alone = std::slice::from_ref(wanted);
    let package = Package::of(alone, true, &course.id, folder).map_err(report)?;
    if package.finished().is_some() {
        return Ok(true);
    }
    let fits = || {
        package.write()?;
        package.leaves_the_course_alone()
    };
    fits().map_err(|text| failed(&lines_of(&text)))
}

/// Builds crates together, or finds that they are built. `say` is told how it goes, in whole lines.
///
/// # Errors
/// What cargo says, and what may help.
pub(crate) fn build(
    all: &[Wanted],
    with_course: bool,
    course: &Course,
    folder: &Path,
    stop: &Stop,
    say: &mut dyn FnMut(&str),
) -> Result<Artifacts, ErrorReport> {
    let package = Package::of(all, with_course, &course.id, folder).map_err(report)?;
    if let Some(artifacts) = package.finished() {
        return Ok(artifacts);
    }
    package.write().map_err(report)?;
    let built = cargo_build(&package, &course.library, stop, say)?;
    let artifacts = artifacts(&package, all, built).map_err(report)?;
    package.finish(&artifacts);
    Ok(artifacts)
}

fn report(text: String) -> ErrorReport {
    failure("DependencyError", &text)
}

/// Libraries by package, and where native ones are.
#[derive(Default)]
struct Built {
    by_package: BTreeMap<String, PathBuf>,
    /// By the package that says so.
    native: BTreeMap<String, Vec<PathBuf>>,
}

fn cargo_build(
    package: &Package,
    library: &Path,
    stop: &Stop,
    say: &mut dyn FnMut(&str),
) -> Result<Built, ErrorReport> {
    let mut command = package.cargo("build");
    // The library is `target/debug/libcourse.so`.
    if let Some(target) = library.parent().and_then(Path::parent) {
        command.arg("--target-dir").arg(target);
    }
    command
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // As a group, so that an interrupt ends the compilers too.
    let mut group = Group::start(&mut command).map_err(|error| {
        let text = format!("cannot run cargo: {error}. Is Rust installed?");
        failure("DependencyError", &text)
    })?;
    stop.watch(Some(group.leader.id()));
    let reports = group.leader.stdout.take();
    let reports = std::thread::spawn(move || reports.map(read_reports).unwrap_or_default());
    let said = listen(&mut group.leader, say);
    let built = reports.join().unwrap_or_default();
    stop.watch(None);
    let status = group.leader.wait();
    if stop.is_requested() {
        return Err(crate::compile::interrupted());
    }
    match status {
        Ok(status) if status.success() => Ok(built),
        _ => Err(failed(&said)),
    }
}

fn lines_of(text: &str) -> Vec<String> {
    text.lines().map(str::to_string).collect()
}

/// Passes on what cargo says, up to the first error: that is told at the end. Returns all of it.
fn listen(cargo: &mut Child, say: &mut dyn FnMut(&str)) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let mut failing = false;
    let pipe = cargo.stderr.take().into_iter();
    for line in pipe.flat_map(|pipe| BufReader::new(pipe).lines().map_while(Result::ok)) {
        failing |= line.starts_with("error");
        if !failing && !line.trim_start().starts_with("Finished") && !is_about_ours(&line) {
            say(&line);
        }
        said.push(line);
    }
    said
}

/// One line of what cargo reports to programs.
#[derive(Debug, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Report {
    CompilerArtifact {
        package_id: String,
        target: Target,
        filenames: Vec<PathBuf>,
    },
    BuildScriptExecuted {
        package_id: String,
        linked_paths: Vec<String>,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

fn read_reports(pipe: impl Read) -> Built {
    let mut built = Built::default();
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Report::CompilerArtifact {
                package_id,
                target,
                filenames,
            }) => {
                let is_library = |kind: &String| kind.ends_with("lib") || kind == "proc-macro";
                if target.kind.iter().any(is_library)
                    && let Some(file) = filenames.into_iter().find(|file| is_usable(file))
                {
                    built.by_package.insert(package_id, file);
                }
            }
            Ok(Report::BuildScriptExecuted {
                package_id,
                linked_paths,
            }) => {
                // `native=/path`, or the path alone
                let folder = |path: &String| path.rsplit('=').next().map(PathBuf::from);
                let folders = linked_paths.iter().filter_map(folder).collect();
                built.native.insert(package_id, folders);
            }
            Ok(Report::Other) | Err(_) => {}
        }
    }
    built
}

fn is_usable(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension == "rlib" || extension == "so")
}

/// Which library each name stands for.
fn artifacts(package: &Package, all: &[Wanted], built: Built) -> Result<Artifacts, String> {
    let resolved = package.resolved()?;
    let library = |wanted: &Wanted| -> Result<(String, PathBuf), String> {
        let found = resolved.iter().find(|resolved| resolved.is_of(wanted));
        found
            .and_then(|found| {
                Some((
                    found.name.clone(),
                    built.by_package.get(&found.pkg)?.clone(),
                ))
            })
            .ok_or_else(|| {
                format!(
                    "the crate `{}` has no library to use, only programs",
                    wanted.name
                )
            })
    };
    // What the course links to is in the worker already.
    let course = package.of_the_course()?;
    let native = built.native.into_iter();
    let native = native.filter(|(package, _)| !course.contains(package));
    Ok(Artifacts {
        libraries: all.iter().map(library).collect::<Result<_, _>>()?,
        native: native.flat_map(|(_, folders)| folders).collect(),
    })
}

/// What may help when cargo's words contain the sign.
const HELP: &[(&str, &str)] = &[
    (
        "no matching package",
        "is the name right? https://crates.io lists all crates",
    ),
    (
        "failed to select a version",
        "another version may do: `:dep name` alone takes the newest that fits",
    ),
    (
        "resolve host",
        "there seems to be no network; crates that are on this machine already still work",
    ),
    (
        "failed to download",
        "there seems to be no network; crates that are on this machine already still work",
    ),
    (
        "No space left",
        "the disk is full: free some space and try again",
    ),
    (
        "system library",
        "the crate needs a library of the system, which has to be installed first",
    ),
];

/// Cargo's errors, and what may help.
fn failed(said: &[String]) -> ErrorReport {
    let begin = said
        .iter()
        .position(|line| line.starts_with("error"))
        .unwrap_or(said.len().saturating_sub(20));
    let ours = |line: &&String| !is_about_ours(line);
    let mut lines: Vec<String> = said[begin..].iter().filter(ours).cloned().collect();
    let all = lines.join("\n");
    let evalue = lines.first().map(String::as_str).unwrap_or_default();
    let evalue = evalue.strip_prefix("error: ").unwrap_or(evalue).to_string();
    if let Some((_, help)) = HELP.iter().find(|(sign, _)| all.contains(sign)) {
        lines.push(format!("help: {help}"));
    }
    ErrorReport {
        ename: "DependencyError".into(),
        evalue,
        traceback: lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read() {
        let name = |text| Wanted::read(text).map(|wanted| wanted.ident());
        assert_eq!(name("rand_distr"), Ok("rand_distr".into()));
        assert_eq!(name(" md-5 = \"0.10\" "), Ok("md_5".into()));
        assert_eq!(
            name("ndarray = { version = \"0.16\", features = [\"rayon\"] }"),
            Ok("ndarray".into())
        );
        for wrong in ["", "x = ", "x = 1", "a = \"1\"\nb = \"2\"", "x y"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_path_is_understood_from_the_notebook() {
        let wanted = Wanted::read("mine = { path = \"../mine\" }").unwrap();
        let spec = wanted.rooted(Path::new("/home/me/notes"));
        assert_eq!(spec["path"].as_str(), Some("/home/me/notes/../mine"));
    }

    #[test]
    fn an_error_comes_with_help() {
        let said = [
            "    Updating crates.io index".to_string(),
            "error: no matching package named `nope` found".to_string(),
        ];
        let report = failed(&said);
        assert_eq!(report.evalue, "no matching package named `nope` found");
        assert!(report.traceback.last().unwrap().starts_with("help: "));
    }
}
