//! An executing process, as the grader holds it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use std::{fs, io};

use ::grade::sandbox::{Confinement, InForce};
use anyhow::{Context, Result, bail};
use cell::Nursery;
use serde_json::json;
use tempfile::TempDir;

use super::execute::{POST, SUBCOMMAND, WORKER};
use super::files;
use super::job::{CALL, Job, Post, RanCell, Said};

/// The most that is kept of what it says when it fails, in bytes.
const WORDS: usize = 64 << 10;

/// Variables of the environment that an executing process keeps.
const KEPT: [&str; 10] = [
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "LIBTORCH",
    "LD_LIBRARY_PATH",
    "CVSTUDY_HOME",
    "XDG_CACHE_HOME",
    "OMP_NUM_THREADS",
    "RUSTUP_HOME",
];

/// How the execution of one submission ended.
pub(super) enum Ended {
    /// All cells ran.
    Well,
    /// It died in a cell, or before the first.
    Died { cell: Option<usize>, what: String },
    /// It took too long.
    TooLong { cell: Option<usize> },
}

/// A folder for a process, and all below it.
pub(super) struct Room {
    /// Removed with the room.
    _folder: TempDir,
    /// The folder, without links in its path.
    pub(super) scratch: PathBuf,
}

impl Room {
    pub(super) fn new() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("cvstudy-grade-")
            .tempdir()?;
        let scratch = fs::canonicalize(folder.path())?;
        Ok(Self {
            _folder: folder,
            scratch,
        })
    }

    /// Removes what lies in it.
    pub(super) fn clear(&self) -> Result<()> {
        files::clear(&self.scratch)
            .with_context(|| format!("cannot empty {}", self.scratch.display()))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // What submissions leave may be nested too deeply for whoever removes the folder itself.
        let _ = self.clear();
    }
}

/// A process that executes submissions, one after another. It is ended when this is dropped.
pub(super) struct Executor {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// The beginning of what it has said on its standard error since the last call.
    words: Arc<Mutex<String>>,
    pub(super) room: Room,
}

impl Drop for Executor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Executor {
    /// Has a process started. `outer` is what it may do, `inner` what the workers may that it starts.
    pub(super) fn start(
        starter: &Starter,
        program: &Path,
        room: Room,
        outer: Confinement,
        inner: &Confinement,
    ) -> Result<Self> {
        let scratch = &room.scratch;
        let post = Post {
            scratch: scratch.clone(),
            confinement: outer,
        };
        let mut command = Command::new(program);
        command.arg(SUBCOMMAND).current_dir(scratch).env_clear();
        command.envs(
            KEPT.iter()
                .filter_map(|name| Some((*name, std::env::var_os(name)?))),
        );
        command
            .env("HOME", scratch)
            .env("TMPDIR", scratch.join("tmp"))
            .env("CVSTUDY_HOME", cell::course::home())
            .env("NBGRADER_EXECUTION", "autograde")
            .env(POST, json!(post).to_string())
            .env(WORKER, json!(inner).to_string());
        Nursery::prepare(&mut command);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.process_group(0);
        let mut child = starter
            .start(command)
            .context("cannot start the executing process")?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            bail!("the executing process has no pipes");
        };
        let words = Arc::default();
        listen(stderr, Arc::clone(&words));
        Ok(Self {
            child,
            stdin,
            stdout: BufReader::new(stdout),
            words,
            room,
        })
    }

    /// Has it execute a submission, for at most `longest` seconds. After any end but a good one it is of no
    /// further use.
    pub(super) fn execute(
        &mut self,
        job: &Job,
        longest: f64,
        outputs: &mut [Option<RanCell>],
        in_force: &mut Vec<InForce>,
    ) -> Ended {
        self.words
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        let process = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let (done, watched) = channel::<()>();
        let Self { stdin, stdout, .. } = self;
        let mut cell = None;
        let (mut well, mut late) = (false, false);
        // It is gone without a word when all of it was ended.
        let mut status = "it was ended".to_owned();
        thread::scope(|scope| {
            // It may say something before it has read everything.
            scope.spawn(move || {
                let call = stdin.write_all(&[CALL]);
                let _ = call.and_then(|()| writeln!(stdin, "{}", json!(job)));
            });
            let watch = scope.spawn(move || watch(process, longest, &watched));
            for line in stdout.lines().map_while(io::Result::ok) {
                match serde_json::from_str(&line) {
                    Ok(Said::Begin { in_force: means }) => *in_force = means,
                    Ok(Said::CellBegins { at }) => cell = Some(at),
                    Ok(Said::Cell(ran)) => {
                        if let Some(place) = outputs.get_mut(ran.at) {
                            *place = Some(ran);
                        }
                    }
                    Ok(Said::End) => well = true,
                    Ok(Said::Gone { status: how }) => {
                        status = how;
                        break;
                    }
                    // Whatever else is on its stdout is not for us.
                    Err(_) => {}
                }
            }
            drop(done);
            late = watch.join().unwrap_or(false);
            if !well && !late {
                // What has not been read of the job must not be taken for the next one.
                end(process);
            }
        });
        match (well, late) {
            (_, true) => Ended::TooLong { cell },
            (true, false) => Ended::Well,
            (false, false) => Ended::Died {
                cell,
                what: self.describe(&status),
            },
        }
    }

    fn describe(&self, status: &str) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        match words.trim().lines().last() {
            Some(words) => format!("{status}; {words}"),
            None => status.to_owned(),
        }
    }
}

/// Keeps the beginning of what a process says until the next call; the rest is read and dropped.
fn listen(mut stderr: ChildStderr, words: Arc<Mutex<String>>) {
    thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = stderr.read(&mut chunk) {
            let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
            if words.len() < WORDS {
                words.push_str(&String::from_utf8_lossy(&chunk[..length]));
            }
        }
    });
}

/// Ends the process when its time is up. True when that was so.
fn watch(process: Option<rustix::process::Pid>, longest: f64, done: &Receiver<()>) -> bool {
    let longest = Duration::from_secs_f64(longest);
    let late = done.recv_timeout(longest) == Err(RecvTimeoutError::Timeout);
    if late {
        end(process);
    }
    late
}

fn end(process: Option<rustix::process::Pid>) {
    if let Some(process) = process {
        let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
    }
}

/// Starts processes from one thread that lives as long as this: confined processes end with the thread that has
/// started them.
pub(super) struct Starter {
    wanted: Sender<(Command, Sender<io::Result<Child>>)>,
}

impl Starter {
    pub(super) fn new() -> Self {
        let (wanted, commands) = channel::<(Command, Sender<io::Result<Child>>)>();
        thread::spawn(move || {
            for (mut command, answer) in commands {
                let _ = answer.send(command.spawn());
            }
        });
        Self { wanted }
    }

    fn start(&self, command: Command) -> io::Result<Child> {
        let gone = || io::Error::other("the thread that starts processes is gone");
        let (answer, started) = channel();
        self.wanted.send((command, answer)).map_err(|_| gone())?;
        started.recv().map_err(|_| gone())?
    }
}
