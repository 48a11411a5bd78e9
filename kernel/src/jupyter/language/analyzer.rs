//! rust-analyzer, in the helper process `assist`: started at the first question, ended when nobody asks.
//!
//! It knows what declarations do not tell: closures, generics, inferred types. It takes seconds to read the course,
//! so until its first answer the kernel answers alone; afterwards it is waited for, but never long. Whatever
//! becomes of it, the kernel goes on without: a thread of its own writes to it, which may wait for a helper that has
//! been stopped or fights for memory, and what is asked meanwhile is not asked at all.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;

use super::Notebook;

/// How long it may sit idle before it is ended, in seconds, unless [`IDLE_VARIABLE`] says otherwise.
const IDLE: u64 = 300;
const IDLE_VARIABLE: &str = "CVSTUDY_ANALYZER_IDLE";

/// How many questions wait to be written. Of those that it has not read the helper answers the last alone.
const QUESTIONS: usize = 4;

/// How often it is started again after it has died.
const LIVES: u32 = 3;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Complete,
    Hover,
}

/// A completion as rust-analyzer sees it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Completion {
    pub(super) text: String,
    pub(super) kind: String,
    pub(super) detail: String,
}

/// An answer; empty when there is none.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub(super) completions: Vec<Completion>,
    #[serde(default)]
    pub(super) hover: Option<String>,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
    #[serde(flatten)]
    answer: Answer,
}

/// The way to the helper, if there is one.
#[derive(Default)]
pub(super) struct Analyzer {
    helper: Mutex<Option<Helper>>,
    deaths: AtomicU64,
    numbers: AtomicU64,
}

/// Questions that wait for their answer.
type Waiting = Mutex<BTreeMap<u64, oneshot::Sender<Answer>>>;

struct Helper {
    child: Arc<Mutex<Child>>,
    questions: SyncSender<String>,
    waiting: Arc<Waiting>,
    /// Whether it has answered once.
    ready: Arc<AtomicBool>,
    asked: Instant,
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may be in the middle of something; nobody wants it any more.
        let _ = lock(&self.child).kill();
        // It has much memory to give back, and nobody waits for that.
        let child = self.child.clone();
        thread::spawn(move || lock(&child).wait());
    }
}

impl Analyzer {
    /// Asks about a place in a cell, in bytes. `None` when there is no answer, or it is not awake yet.
    pub(super) async fn ask(
        &self,
        question: Question,
        notebook: &Notebook,
        code: &str,
        cursor: usize,
    ) -> Option<Answer> {
        let (source, offset) = source(notebook, code, cursor);
        let (answer, ready) = self.send(question, &source, offset)?;
        // The first question only wakes it.
        if !ready {
            return None;
        }
        answer.await.ok()
    }

    /// Ends the helper when it has not been asked for this long.
    pub(super) fn rest_after(&self, idle: Duration) {
        let mut helper = lock(&self.helper);
        if helper
            .as_ref()
            .is_some_and(|helper| helper.asked.elapsed() > idle)
        {
            *helper = None;
        }
    }

    /// Ends the helper.
    pub(super) fn end(&self) {
        *lock(&self.helper) = None;
    }

    fn send(
        &self,
        question: Question,
        source: &str,
        offset: usize,
    ) -> Option<(oneshot::Receiver<Answer>, bool)> {
        let mut place = lock(&self.helper);
        if place
            .as_mut()
            .is_some_and(|helper| !matches!(lock(&helper.child).try_wait(), Ok(None)))
        {
            self.deaths.fetch_add(1, Ordering::Relaxed);
            *place = None;
        }
        if place.is_none() && self.deaths.load(Ordering::Relaxed) < u64::from(LIVES) {
            match Helper::start() {
                Ok(helper) => *place = helper,
                Err(error) => {
                    self.deaths.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(error = format!("{error:#}"), "rust-analyzer does not start");
                }
            }
        }
        let helper = place.as_mut()?;
        let id = self.numbers.fetch_add(1, Ordering::Relaxed);
        let what = match question {
            Question::Complete => "complete",
            Question::Hover => "hover",
        };
        let mut line =
            json!({ "id": id, what: { "source": source, "offset": offset } }).to_string();
        line.push('\n');
        let (sender, receiver) = oneshot::channel();
        let mut waiting = lock(&helper.waiting);
        // Whoever gave up waiting is forgotten.
        waiting.retain(|_, sender| !sender.is_closed());
        // It does not read, and what is asked now would be stale when it does.
        helper.questions.try_send(line).ok()?;
        waiting.insert(id, sender);
        helper.asked = Instant::now();
        Some((receiver, helper.ready.load(Ordering::Acquire)))
    }
}

impl Helper {
    /// Starts the helper; `None` when it has not been built, which is no fault.
    fn start() -> Result<Option<Self>> {
        let Some(program) = program() else {
            return Ok(None);
        };
        let mut command = Command::new(&program);
        command
            .arg("analyze")
            .arg(project()?)
            .env("CARGO_NET_OFFLINE", "true");
        Self::run(&mut command)
            .map(Some)
            .with_context(|| format!("cannot run {}", program.display()))
    }

    /// Takes a program for the helper.
    fn run(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let waiting = Arc::<Waiting>::default();
        let ready = Arc::<AtomicBool>::default();
        let input = input.context("it has no input")?;
        let output = output.context("it has no output")?;
        let (to, is_ready) = (waiting.clone(), ready.clone());
        let (questions, queue) = sync_channel(QUESTIONS);
        let named = || thread::Builder::new().name("rust-analyzer".into());
        named().spawn(move || listen(output, &to, &is_ready))?;
        named().spawn(move || write(input, &queue))?;
        Ok(Self {
            child: Arc::new(Mutex::new(child)),
            questions,
            waiting,
            ready,
            asked: Instant::now(),
        })
    }
}

/// Writes questions until the helper ends, or nobody asks any more.
fn write(mut input: ChildStdin, questions: &Receiver<String>) {
    for line in questions {
        if input.write_all(line.as_bytes()).is_err() {
            return;
        }
    }
}

/// Hands answers over until the helper ends.
fn listen(output: ChildStdout, waiting: &Waiting, ready: &AtomicBool) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let Ok(Numbered { id, answer }) = serde_json::from_str(&line) else {
            continue;
        };
        ready.store(true, Ordering::Release);
        if let Some(sender) = lock(waiting).remove(&id) {
            // It may have waited long enough.
            let _ = sender.send(answer);
        }
    }
    lock(waiting).clear();
}

/// How long it may sit idle before it is ended.
pub(super) fn idle() -> Duration {
    let set = std::env::var(IDLE_VARIABLE);
    let seconds = set.ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(IDLE))
}

/// The helper beside this program.
fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let program = own.with_file_name("assist");
    program.is_file().then_some(program)
}

/// A project in the cache folder that depends on the course, as rust-analyzer wants one; gives its manifest.
fn project() -> Result<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the kernel lies in a workspace")?;
    let course = workspace.join("crates/course");
    ensure!(
        course.is_dir(),
        "the clone that this program was built from is no longer there"
    );
    let folder = cell::course::home().join("analyzer");
    let folder = std::path::absolute(&folder)?;
    fs::create_dir_all(folder.join("src"))?;
    let manifest = folder.join("Cargo.toml");
    let text = format!(
        "[workspace]\n\n[package]\nname = \"cell\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\ncourse = {{ path = {:?} }}\n",
        course.display().to_string()
    );
    if fs::read_to_string(&manifest).ok().as_deref() != Some(&text) {
        fs::write(&manifest, text)?;
    }
    // The versions that were fetched for the build are the ones that need no network.
    fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    Ok(manifest)
}

/// The cell as a source file of that project, and where the cursor is in it.
fn source(notebook: &Notebook, code: &str, cursor: usize) -> (String, usize) {
    let mut source = String::from("#![allow(warnings)]\nuse course::prelude::*;\n");
    for path in &notebook.uses {
        source.push_str(&format!("use {path};\n"));
    }
    for item in &notebook.items {
        source.push_str(item);
        source.push('\n');
    }
    source.push_str("async fn the_cell() -> Result<(), Box<dyn Error>> {\n");
    for (name, of_type) in &notebook.variables {
        source.push_str(&format!("let mut {name}: {of_type} = panic!();\n"));
    }
    let offset = source.len() + cursor;
    source.push_str(code);
    source.push_str("\n; Ok(()) }\n");
    (source, offset)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_a_helper_that_does_not_read() {
        let helper = Helper::run(Command::new("sleep").arg("1000")).unwrap();
        let analyzer = Analyzer {
            helper: Mutex::new(Some(helper)),
            ..Analyzer::default()
        };
        // More than a pipe takes.
        let source = "x".repeat(1 << 20);
        let ask = || analyzer.send(Question::Complete, &source, 0);
        assert!(ask().is_some(), "the first waits to be read");
        assert!((0..2 * QUESTIONS).any(|_| ask().is_none()));
        analyzer.rest_after(Duration::from_secs(1000));
        assert!(lock(&analyzer.helper).is_some());
        analyzer.rest_after(Duration::ZERO);
        assert!(lock(&analyzer.helper).is_none());
    }

    #[test]
    fn a_cell_becomes_a_source_file_and_keeps_its_cursor() {
        let notebook = Notebook {
            variables: vec![("x".into(), "f64".into())],
            items: vec!["fn f() {}".into()],
            uses: vec!["std::fs".into()],
        };
        let (source, offset) = source(&notebook, "größe.le", "größe.".len());
        assert!(source[..offset].ends_with("größe."));
        assert!(source.contains("let mut x: f64") && source.contains("use std::fs;\nfn f() {}"));
    }
}
