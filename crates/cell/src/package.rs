//! The package that cargo is given for `:dep`: what was asked for, and beside it what the course depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use toml::{Table, Value};

use crate::course::home;
use crate::dependency::{Artifacts, Wanted};
use crate::error::CellError;

/// The project that the course was built from.
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// The package of the crates asked for.
const OF_THE_NOTEBOOK: &str = "dependencies-of-a-notebook";
/// The package with what the course depends on. It is one of its own because a crate must not be a
/// dependency of one package under two names.
const OF_THE_COURSE: &str = "dependencies-of-the-course";
/// What cargo made, noted for next time.
const LISTING: &str = "artifacts.json";

/// A folder with the two packages.
pub(crate) struct Package {
    folder: PathBuf,
    course_id: String,
    /// Whether what the course depends on is built beside, so that crates are shared.
    with_course: bool,
    dependencies: Table,
}

impl Package {
    /// A folder of its own for every set of crates, so that coming back to a notebook builds nothing.
    pub(crate) fn of(
        all: &[Wanted],
        with_course: bool,
        course_id: &str,
        folder: &Path,
    ) -> Result<Self, String> {
        let dependencies: Table = all
            .iter()
            .map(|wanted| (wanted.name.clone(), wanted.rooted(folder)))
            .collect();
        let text = toml::to_string(&dependencies).map_err(|error| error.to_string())?;
        let hash = blake3::hash(format!("{course_id} {with_course}\n{text}").as_bytes()).to_hex();
        Ok(Self {
            folder: home().join("dependencies").join(&hash[..16]),
            course_id: course_id.into(),
            with_course,
            dependencies,
        })
    }

    /// What an earlier run has left, if all of it is still there. Crates by path may have changed.
    pub(crate) fn finished(&self) -> Option<Artifacts> {
        let by_path = |spec: &Value| spec.get("path").is_some();
        if self.dependencies.values().any(by_path) {
            return None;
        }
        let text = fs::read(self.folder.join(LISTING)).ok()?;
        let artifacts: Artifacts = serde_json::from_slice(&text).ok()?;
        let all_there = artifacts.libraries.iter().all(|(_, file)| file.exists());
        all_there.then_some(artifacts)
    }

    /// Notes what cargo made. Without the note cargo is asked again, so that a failure does not matter.
    pub(crate) fn finish(&self, artifacts: &Artifacts) {
        let text = serde_json::to_vec(artifacts).unwrap_or_default();
        let _ = fs::write(self.folder.join(LISTING), text);
    }

    /// Whether cargo would build the course's crates as they are, although the package is there. Otherwise what is
    /// asked for wants more features of them, and all of them would be built anew, tch among them.
    pub(crate) fn leaves_the_course_alone(&self) -> Result<bool, String> {
        let alone = self.course_alone()?;
        let before = alone.features()?;
        let now = self.features()?;
        let same =
            |(package, features): (&String, _)| now.get(package).is_none_or(|now| now == features);
        Ok(before.iter().all(same))
    }

    /// Writes the package with the course's lock file: without it newer versions would be looked for.
    pub(crate) fn write(&self) -> Result<(), String> {
        if self.with_course {
            let course = manifest(OF_THE_COURSE, dependencies_of_the_course()?);
            write_package(&self.folder.join("course"), &course)?;
        }
        write_package(&self.folder, &self.manifest()?)?;
        let lock = self.folder.join("Cargo.lock");
        if !lock.exists() {
            let _ = fs::copy(Path::new(WORKSPACE).join("Cargo.lock"), &lock);
        }
        Ok(())
    }

    /// The features of every package that cargo would build.
    fn features(&self) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
        let mut command = self.cargo("tree");
        command.args([
            "--edges=normal,build",
            "--prefix=none",
            "--no-dedupe",
            "--format={p}\t{f}",
        ]);
        let output = output_of(command)?;
        let mut features = BTreeMap::<String, BTreeSet<String>>::new();
        for (package, of_it) in output.lines().filter_map(|line| line.split_once('\t')) {
            features
                .entry(package.into())
                .or_default()
                .insert(of_it.into());
        }
        Ok(features)
    }

    fn manifest(&self) -> Result<Table, String> {
        let root =
            fs::read_to_string(Path::new(WORKSPACE).join("Cargo.toml")).map_err(|error| {
                format!(
                    "`:dep` needs the folder that the course was built in ({WORKSPACE}): {error}"
                )
            })?;
        let mut root: Table = root
            .parse()
            .map_err(|error: toml::de::Error| error.to_string())?;
        let mut dependencies = self.dependencies.clone();
        if self.with_course {
            let beside = Table::from_iter([("path".to_string(), Value::from("course"))]);
            dependencies.insert(OF_THE_COURSE.into(), beside.into());
        }
        let mut manifest = manifest(OF_THE_NOTEBOOK, dependencies);
        manifest.insert("workspace".into(), Table::new().into());
        if let Some(mut profile) = root.remove("profile") {
            let packages = profile
                .get_mut("dev")
                .and_then(|dev| dev.get_mut("package"));
            if let Some(Value::Table(packages)) = packages {
                // Those for single crates are about crates that are not here.
                packages.retain(|name, _| name == "*");
            }
            manifest.insert("profile".into(), profile);
        }
        Ok(manifest)
    }

    /// A call of cargo for it.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = cargo(subcommand);
        command
            .arg("--manifest-path")
            .arg(self.folder.join("Cargo.toml"));
        command
    }

    /// The package with nothing but what the course depends on.
    fn course_alone(&self) -> Result<Self, String> {
        let alone = Self::of(&[], true, &self.course_id, Path::new(""))?;
        alone.write()?;
        Ok(alone)
    }

    /// The packages that the course is built from.
    pub(crate) fn of_the_course(&self) -> Result<BTreeSet<String>, String> {
        let alone = self.course_alone()?;
        Ok(alone.nodes()?.into_iter().map(|node| node.id).collect())
    }

    fn nodes(&self) -> Result<Vec<Node>, String> {
        let mut command = self.cargo("metadata");
        command.args(["--format-version=1", "--offline", "--filter-platform"]);
        command.arg(env!("CVSTUDY_TARGET"));
        let metadata: Metadata = json_of(command)?;
        Ok(metadata
            .resolve
            .map(|resolve| resolve.nodes)
            .unwrap_or_default())
    }

    /// Name in code and package of all that the notebook's package depends on, as cargo resolved it.
    pub(crate) fn resolved(&self) -> Result<Vec<Resolved>, String> {
        self.nodes()?
            .into_iter()
            .find(|node| node.id.contains(OF_THE_NOTEBOOK))
            .map(|node| node.deps)
            .ok_or_else(|| "cargo does not know the notebook's package".to_string())
    }
}

fn manifest(name: &str, dependencies: Table) -> Table {
    let package = Table::from_iter([
        ("name".to_string(), Value::from(name)),
        ("version".to_string(), Value::from("0.0.0")),
        ("edition".to_string(), Value::from("2024")),
    ]);
    Table::from_iter([
        ("package".to_string(), package.into()),
        ("dependencies".to_string(), dependencies.into()),
    ])
}

fn write_package(folder: &Path, manifest: &Table) -> Result<(), String> {
    let text = toml::to_string(manifest).map_err(|error| error.to_string())?;
    let write = || {
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("src/lib.rs"), "")?;
        fs::write(folder.join("Cargo.toml"), text)
    };
    write().map_err(|error| CellError::io(folder)(error).to_string())
}

fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // From the project's folder, whose `.cargo/config.toml` says where libtorch is: with another answer
    // cargo would build the bindings again.
    command
        .arg(subcommand)
        .current_dir(WORKSPACE)
        .stdin(Stdio::null())
        .env_remove("RUSTFLAGS");
    command
}

/// What the project depends on, so that features come out as they did when it was built.
fn dependencies_of_the_course() -> Result<Table, String> {
    let mut command = cargo("metadata");
    command.args(["--format-version=1", "--offline", "--no-deps"]);
    let metadata: Metadata = json_of(command)?;
    let members: BTreeSet<&str> = metadata
        .workspace_default_members
        .iter()
        .map(String::as_str)
        .collect();
    let direct = metadata
        .packages
        .iter()
        .filter(|package| members.contains(package.id.as_str()))
        .flat_map(|package| &package.dependencies)
        .filter(|wanted| {
            wanted.source.is_some() && wanted.kind.is_none() && wanted.target.is_none()
        });
    let mut table = Table::new();
    for wanted in direct {
        let spec = table
            .entry(wanted.name.clone())
            .or_insert_with(|| Table::new().into());
        if let Some(spec) = spec.as_table_mut() {
            wanted.merge_into(spec);
        }
    }
    Ok(table)
}

/// What `cargo metadata` tells, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Facts>,
    #[serde(default)]
    workspace_default_members: Vec<String>,
    resolve: Option<Resolve>,
}

#[derive(Debug, Deserialize)]
struct Facts {
    id: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    req: String,
    kind: Option<String>,
    source: Option<String>,
    uses_default_features: bool,
    features: Vec<String>,
    target: Option<String>,
}

impl Dependency {
    /// Adds what one member of the workspace wants of a package to what others want of it.
    fn merge_into(&self, spec: &mut Table) {
        let defaults = spec.get("default-features").and_then(Value::as_bool);
        let defaults = defaults.unwrap_or(false) || self.uses_default_features;
        let mut features = match spec.remove("features") {
            Some(Value::Array(features)) => features,
            _ => Vec::new(),
        };
        features.extend(self.features.iter().cloned().map(Value::String));
        spec.insert("version".into(), self.req.clone().into());
        spec.insert("default-features".into(), defaults.into());
        spec.insert("features".into(), features.into());
    }
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Resolved>,
}

/// A dependency as cargo resolved it.
#[derive(Debug, Deserialize)]
pub(crate) struct Resolved {
    /// Its name in code.
    pub(crate) name: String,
    /// The package.
    pub(crate) pkg: String,
}

impl Resolved {
    /// Whether it is the crate asked for, by the name of its library or of its package: `md-5` is `md5` in code.
    pub(crate) fn is_of(&self, wanted: &Wanted) -> bool {
        let package = self.pkg.rsplit(['#', '/']).next().unwrap_or_default();
        self.name == wanted.ident() || package.split('@').next() == Some(wanted.name.as_str())
    }
}

fn json_of<T: for<'a> Deserialize<'a>>(command: Command) -> Result<T, String> {
    serde_json::from_str(&output_of(command)?).map_err(|error| error.to_string())
}

fn output_of(mut command: Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Whether cargo speaks of the packages made here, which are no concern of the learner's.
pub(crate) fn is_about_ours(line: &str) -> bool {
    line.contains(OF_THE_COURSE) || line.contains(OF_THE_NOTEBOOK)
}
