//! One call of the compiler for one crate, and the cache of what came out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::ahead::Compilers;
use crate::course::Course;
use crate::diagnostics::Message;
use crate::error::CellError;

/// A crate to be compiled.
pub struct Job<'a> {
    /// The source.
    pub source: &'a str,
    /// Optimisation level, 0 to 3.
    pub opt_level: u8,
    /// Crates it names.
    pub externs: Vec<&'a Compiled>,
    /// Crates whose statics it refers to.
    pub statics: Vec<&'a Compiled>,
    /// Libraries that cargo has built, by the name they have in code.
    pub libraries: Vec<(&'a str, &'a Path)>,
    /// Folders of native libraries; with any, the system's C compiler links, which knows where others are.
    pub native: Vec<&'a Path>,
    /// Whether the types of kept variables are wanted.
    pub keeps: bool,
}

/// A compiled crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// Its name, which is made of the hash of all that went into it.
    pub name: String,
    /// Where its library is.
    pub library: PathBuf,
    /// Libraries of the cells it needs, each after those it needs itself.
    pub needs: Vec<PathBuf>,
    /// Types of the variables it keeps, by number, as the compiler lists them.
    pub types: BTreeMap<usize, String>,
    /// Warnings.
    pub warnings: Vec<Message>,
    /// True when it was in the cache.
    pub cached: bool,
}

/// What is written beside a compiled crate in the cache.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Listing {
    types: BTreeMap<usize, String>,
    warnings: Vec<Message>,
    /// The length of the library in bytes, which tells one that a full disk or a crash has cut.
    length: u64,
}

/// Why there is no crate.
#[derive(Debug)]
pub enum Refusal {
    /// The compiler's messages, with at least one error.
    Errors(Vec<Message>),
    /// The compiler was stopped.
    Interrupted,
    /// It could not be run, or broke down.
    Broken(CellError),
}

impl From<CellError> for Refusal {
    fn from(error: CellError) -> Self {
        Self::Broken(error)
    }
}

/// The compiler.
#[derive(Debug, Clone)]
pub struct Rustc {
    course: Course,
    stop: Arc<Stop>,
    compilers: Compilers,
    keeps_ahead: bool,
}

const EDITION: &str = "2024";
/// Counts drafts, so that two compilations of one process do not share a folder.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

impl Rustc {
    /// A compiler for cells of this course, which gives up when `stop` is requested.
    pub fn new(course: Course, stop: Arc<Stop>) -> Self {
        Self {
            compilers: Compilers::new(&course.rustc, &course.cells),
            course,
            stop,
            keeps_ahead: false,
        }
    }

    /// From now on, has a compiler wait for the next crate. Not where one that was started earlier could do what
    /// one started later may not: while grading.
    pub(crate) fn keep_ahead(&mut self) {
        self.keeps_ahead = true;
        self.compilers.prepare();
    }

    /// The course that it compiles against.
    pub(crate) fn course(&self) -> &Course {
        &self.course
    }

    /// The learner's wish to stop.
    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Compiles a crate, or finds it in the cache. Its name comes from [`Rustc::name_of`].
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn compile(&self, job: &Job<'_>, name: String) -> Result<Compiled, Refusal> {
        let folder = self.course.cells.join(&name);
        let needs = needs_of(job);
        if let Some(listing) = read_listing(&folder, &name) {
            return Ok(compiled(name, &folder, needs, listing, true));
        }
        let draft = Draft::new(&self.course.cells)?;
        fs::write(draft.0.join(format!("{name}.rs")), job.source)
            .map_err(CellError::io(&draft.0))?;
        let messages = self.run(&name, job, &draft.0)?;
        let types = if job.keeps {
            read_types(&listing_in(&draft.0, &name))
        } else {
            BTreeMap::new()
        };
        let listing = Listing {
            types,
            warnings: messages,
            length: length_of(&draft.0, &name).unwrap_or_default(),
        };
        draft.publish(&folder, &name, &listing)?;
        Ok(compiled(name, &folder, needs, listing, false))
    }

    /// Takes a crate out of the cache, and the cells it needs.
    pub fn discard(krate: &Compiled) {
        let libraries = krate.needs.iter().chain([&krate.library]);
        let is_cell = |folder: &&Path| {
            let name = folder.file_name().map(|name| name.to_string_lossy());
            name.is_some_and(|name| name.starts_with("cell_"))
        };
        for folder in libraries
            .filter_map(|library| library.parent())
            .filter(is_cell)
        {
            let _ = fs::remove_dir_all(folder);
        }
    }

    /// The name of a crate: the hash of everything that the outcome depends on.
    pub fn name_of(&self, job: &Job<'_>) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.course.id.as_bytes());
        hasher.update(job.source.as_bytes());
        hasher.update(&[job.opt_level, u8::from(job.keeps)]);
        for compiled in &job.externs {
            hasher.update(compiled.name.as_bytes());
        }
        for compiled in &job.statics {
            hasher.update(compiled.name.as_bytes());
        }
        for (name, library) in &job.libraries {
            hasher.update(name.as_bytes());
            hasher.update(library.as_os_str().as_encoded_bytes());
        }
        format!("cell_{}", &hasher.finalize().to_hex()[..16])
    }

    fn run(&self, name: &str, job: &Job<'_>, folder: &Path) -> Result<Vec<Message>, Refusal> {
        let mut arguments = Arguments::default();
        arguments.path("", &folder.join(format!("{name}.rs")));
        // For what the compiler writes on its way, too: others may be compiling the same.
        arguments.path("--out-dir=", folder);
        // The folder is a draft's, which nobody should read of in messages.
        let mut remap = OsString::from("--remap-path-prefix=");
        remap.push(folder);
        remap.push("=");
        arguments.add(remap);
        arguments.all(&["--crate-type=dylib", "--error-format=json"]);
        arguments.add(format!("--edition={EDITION}"));
        arguments.add(format!("--crate-name={name}"));
        arguments.all(&["-Cprefer-dynamic", "-Ccodegen-units=1"]);
        arguments.add("-Cdebuginfo=line-tables-only");
        // Overflow is a mistake in a lesson at any level; the costly self-checks of the library are not worth it.
        arguments.all(&["-Cdebug-assertions=off", "-Coverflow-checks=on"]);
        arguments.add(format!("-Copt-level={}", job.opt_level));
        arguments.path("--emit=link=", &library_in(folder, name));
        if job.keeps {
            arguments.path("--emit=mir=", &listing_in(folder, name));
        }
        self.libraries(job, &mut arguments);
        self.link_arguments(job, &mut arguments);
        let child = self
            .compilers
            .work(arguments.0)
            .map_err(CellError::io(&self.course.rustc))?;
        let outcome = self.outcome(child);
        if self.keeps_ahead {
            self.compilers.prepare();
        }
        outcome
    }

    /// The crates that the source names, and where those are that they need.
    fn libraries(&self, job: &Job<'_>, arguments: &mut Arguments) {
        arguments.path("--extern=course=", &self.course.interface);
        for compiled in &job.externs {
            arguments.path(&format!("--extern={}=", compiled.name), &compiled.library);
        }
        for (name, library) in &job.libraries {
            arguments.path(&format!("--extern={name}="), library);
        }
        for folder in &job.native {
            arguments.path("-Lnative=", folder);
        }
        for folder in needs_of(job).iter().filter_map(|library| library.parent()) {
            arguments.path("-Ldependency=", folder);
        }
        arguments.path("-Ldependency=", &self.course.crates);
        if !job.libraries.is_empty() {
            // They may share crates with the workspace that the course itself does not have.
            arguments.path("-Ldependency=", &self.course.built);
        }
        arguments.path("-Lnative=", &self.course.stubs);
    }

    /// The compiler's own linker is called directly where there is one: asking the C compiler to call it, and it
    /// to look for the system's libraries, takes 5 ms more.
    fn link_arguments(&self, job: &Job<'_>, arguments: &mut Arguments) {
        let directly = job.native.is_empty();
        let prefix = match self.course.linker.as_ref().filter(|_| directly) {
            Some(linker) => {
                arguments.path("-Clinker=", linker);
                arguments.add("-Clinker-flavor=ld.lld");
                // Starting helpers takes longer than what they would help with.
                arguments.add("-Clink-arg=--threads=1");
                ""
            }
            None => "-Wl,",
        };
        let options = [
            "--allow-shlib-undefined",
            "--no-gc-sections",
            "--build-id=none",
        ];
        for option in options {
            arguments.add(format!("-Clink-arg={prefix}{option}"));
        }
        // Through the course the loader finds the libraries behind the stubs, also for a cell that does not need it.
        arguments.add(format!("-Clink-arg={prefix}--no-as-needed"));
        arguments.path("-Clink-arg=", &self.course.interface);
        // A static of an older version of a crate is in a library that no `extern crate` mentions.
        for compiled in &job.statics {
            arguments.path("-Clink-arg=", &compiled.library);
        }
    }

    fn outcome(&self, mut child: Child) -> Result<Vec<Message>, Refusal> {
        self.stop.watch(Some(child.id()));
        let output = child.stderr.take().map(std::io::read_to_string);
        // Before it is waited for: afterwards its number may be another process's.
        self.stop.watch(None);
        let status = child.wait().map_err(CellError::io(&self.course.rustc))?;
        let output = output.and_then(Result::ok).unwrap_or_default();
        let messages: Vec<Message> = output
            .lines()
            .filter_map(|line| serde_json::from_str(&without_crates(line)).ok())
            .collect();
        if status.success() {
            return Ok(messages
                .into_iter()
                .filter(|message| message.level == "warning")
                .collect());
        }
        if self.stop.is_requested() {
            return Err(Refusal::Interrupted);
        }
        if messages
            .iter()
            .any(|message| message.level.starts_with("error"))
        {
            return Err(Refusal::Errors(messages));
        }
        let reason = output
            .lines()
            .find(|line| !line.starts_with('{'))
            .unwrap_or("it gave no reason");
        Err(Refusal::Broken(CellError::Compiler(format!(
            "{status}, {reason}"
        ))))
    }
}

/// Names of generated crates mean nothing to a learner: `cell_0123456789abcdef::Layer` is `Layer`.
fn without_crates(line: &str) -> Cow<'_, str> {
    static CRATE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\bcell_[0-9a-f]{16}::").ok());
    match CRATE.as_ref() {
        Some(pattern) => pattern.replace_all(line, ""),
        None => Cow::Borrowed(line),
    }
}

/// The learner's wish to stop, as far as compiling is concerned.
#[derive(Debug, Default)]
pub struct Stop {
    requested: AtomicBool,
    compiler: Mutex<Option<u32>>,
}

impl Stop {
    /// Asks for a stop, and ends a compiler that is running.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.end_compiler(*self.compiler.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes the wish back: a new cell begins.
    pub fn reset(&self) {
        self.requested.store(false, Ordering::SeqCst);
    }

    /// Whether a stop has been asked for.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }

    /// Notes which process to end on request: one that leads a group of its own.
    pub(crate) fn watch(&self, compiler: Option<u32>) {
        *self.compiler.lock().unwrap_or_else(PoisonError::into_inner) = compiler;
        // The wish may have come just before.
        if self.is_requested() {
            self.end_compiler(compiler);
        }
    }

    fn end_compiler(&self, compiler: Option<u32>) {
        if let Some(process) = compiler.and_then(|process| i32::try_from(process).ok()) {
            // SAFETY: sends a signal; the number is that of a child which leads its own group and has not been
            // waited for, see `outcome`.
            unsafe { libc::kill(-process, libc::SIGKILL) };
        }
    }
}

/// The arguments of one call.
#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn add(&mut self, argument: impl Into<OsString>) {
        self.0.push(argument.into());
    }

    fn all(&mut self, arguments: &[&str]) {
        self.0.extend(arguments.iter().map(OsString::from));
    }

    /// `text` and a path, which need not be text.
    fn path(&mut self, text: &str, path: &Path) {
        let mut argument = OsString::from(text);
        argument.push(path);
        self.0.push(argument);
    }
}

/// All libraries of cells that a crate needs loaded, deepest first.
fn needs_of(job: &Job<'_>) -> Vec<PathBuf> {
    let mut needs: Vec<PathBuf> = Vec::new();
    for library in job
        .externs
        .iter()
        .chain(&job.statics)
        .flat_map(|compiled| compiled.needs.iter().chain([&compiled.library]))
    {
        if !needs.contains(library) {
            needs.push(library.clone());
        }
    }
    needs
}

fn compiled(
    name: String,
    folder: &Path,
    needs: Vec<PathBuf>,
    listing: Listing,
    cached: bool,
) -> Compiled {
    let library = library_in(folder, &name);
    Compiled {
        name,
        library,
        needs,
        types: listing.types,
        warnings: listing.warnings,
        cached,
    }
}

const LISTING: &str = "listing.json";

fn read_listing(folder: &Path, name: &str) -> Option<Listing> {
    let listing: Listing = serde_json::from_slice(&fs::read(folder.join(LISTING)).ok()?).ok()?;
    (length_of(folder, name) == Some(listing.length)).then_some(listing)
}

fn library_in(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("lib{name}.so"))
}

/// Where the compiler writes its listing of the crate.
fn listing_in(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.mir"))
}

fn length_of(folder: &Path, name: &str) -> Option<u64> {
    Some(fs::metadata(library_in(folder, name)).ok()?.len())
}

/// A folder that is being filled. It becomes part of the cache as a whole, or goes away.
struct Draft(PathBuf);

impl Draft {
    fn new(cells: &Path) -> Result<Self, CellError> {
        let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            remove_abandoned(cells);
        }
        let folder = cells.join(format!("draft-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).map_err(CellError::io(&folder))?;
        Ok(Self(folder))
    }

    fn publish(self, folder: &Path, name: &str, listing: &Listing) -> Result<(), CellError> {
        let _ = fs::remove_file(listing_in(&self.0, name));
        let text = serde_json::to_vec(listing).unwrap_or_default();
        fs::write(self.0.join(LISTING), text).map_err(CellError::io(&self.0))?;
        match fs::rename(&self.0, folder) {
            // Another kernel was faster with the same cell: its result is as good.
            Err(_) if read_listing(folder, name).is_some() => Ok(()),
            Err(_) => {
                // A folder without a listing is what a crash has left.
                let _ = fs::remove_dir_all(folder);
                fs::rename(&self.0, folder).map_err(CellError::io(folder))
            }
            Ok(()) => Ok(()),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How old a draft is that nobody will finish any more: its process was killed.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Removes drafts that other processes have left behind.
fn remove_abandoned(cells: &Path) {
    let entries = fs::read_dir(cells).into_iter().flatten().flatten();
    let is_draft =
        |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b"draft-");
    let is_old = |entry: &fs::DirEntry| {
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED))
    };
    entries
        .filter(|entry| is_draft(entry) && is_old(entry))
        .for_each(|entry| drop(fs::remove_dir_all(entry.path())));
}

/// Reads the types of kept variables from the compiler's listing of the crate.
fn read_types(listing: &Path) -> BTreeMap<usize, String> {
    let text = fs::read_to_string(listing).unwrap_or_default();
    text.lines().filter_map(type_in_line).collect()
}

/// `let _22: course::rt::store::Kept<0, course::tch::Tensor>;`
fn type_in_line(line: &str) -> Option<(usize, String)> {
    let (_, rest) = line
        .trim_start()
        .strip_prefix("let ")?
        .split_once("rt::store::Kept<")?;
    let (number, rest) = rest.split_once(", ")?;
    Some((number.parse().ok()?, rest.strip_suffix(">;")?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_generated_crates_are_left_out() {
        assert_eq!(
            without_crates("type `cell_0123456789abcdef::m::P` in cell_0123456789abcdef.rs"),
            "type `m::P` in cell_0123456789abcdef.rs"
        );
    }

    #[test]
    fn drafts_that_nobody_finishes_are_removed() {
        let cells = tempfile::tempdir().unwrap();
        for name in ["draft-1-0", "draft-2-0", "cell_0123456789abcdef"] {
            fs::create_dir(cells.path().join(name)).unwrap();
        }
        for name in ["draft-1-0", "cell_0123456789abcdef"] {
            let folder = fs::File::open(cells.path().join(name)).unwrap();
            let long_ago = std::time::SystemTime::now() - 2 * ABANDONED;
            folder.set_modified(long_ago).unwrap();
        }
        remove_abandoned(cells.path());
        let is_there = |name| cells.path().join(name).exists();
        assert!(!is_there("draft-1-0"));
        assert!(is_there("draft-2-0") && is_there("cell_0123456789abcdef"));
    }

    #[test]
    fn types_are_read_from_the_listing() {
        let line = "            let _22: course::rt::store::Kept<12, std::vec::Vec<(i32, &str)>>;";
        assert_eq!(
            type_in_line(line),
            Some((12, "std::vec::Vec<(i32, &str)>".to_string()))
        );
        assert_eq!(type_in_line("    let _1: i32;"), None);
    }
}
