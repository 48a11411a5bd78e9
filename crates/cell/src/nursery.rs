//! Workers without the wait: a process that has the course loaded, and forks.
//!
//! Loading libtorch takes a quarter of a second of processor time. Who needs a fresh worker for each of many
//! notebooks loads it once and forks: the worker shares the libraries' memory and nothing else, because it is
//! forked before the process that serves it has read anything.
//!
//! A fork copies the calling thread alone, so a process forks only as long as it has one thread.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitStatus};

use crate::error::CellError;
use crate::worker::{Entry, Line, Process, Worker, load, prepare};

/// The course, loaded into this process.
pub struct Nursery {
    serve: Entry,
}

/// On which side of a fork one is.
#[derive(Debug)]
pub enum Forked {
    /// In the new process.
    Child,
    /// In the one that was there before.
    Parent(Ward),
}

/// A process that was forked off.
#[derive(Debug)]
pub struct Ward(Process);

impl Ward {
    /// Waits for its end.
    ///
    /// # Errors
    /// When somebody else has waited for it.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.0.wait()
    }
}

impl Nursery {
    /// Sets what the course reads while it is loaded in the environment of the process that is to load it.
    pub fn prepare(command: &mut Command) {
        prepare(command);
    }

    /// Loads the course.
    ///
    /// # Errors
    /// When it cannot be loaded, or a thread runs beside this one.
    pub fn load(library: &Path) -> Result<Self, CellError> {
        let serve = load(library)?;
        let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
        if threads != 1 {
            let text = format!("{threads} threads run, and only a process with one can be forked");
            return Err(CellError::NoWorker(text));
        }
        Ok(Self { serve })
    }

    /// Forks this process.
    ///
    /// # Errors
    /// When the machine has no room for another process.
    pub fn fork(&self) -> io::Result<Forked> {
        // SAFETY: there is one thread, see `load`: nobody holds a lock that nobody is left to open.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => Ok(Forked::Child),
            process => Ok(Forked::Parent(Ward(Process::new(process.unsigned_abs())))),
        }
    }

    /// Forks a worker off. It calls `confine` before it does anything else, and runs cells in `folder`.
    ///
    /// # Errors
    /// When the machine has no room for another process.
    pub fn worker(&self, folder: &Path, confine: impl FnOnce()) -> Result<Worker, CellError> {
        let broken = |error: io::Error| CellError::NoWorker(error.to_string());
        let (ours, theirs) = UnixStream::pair().map_err(broken)?;
        let (stdout, their_stdout) = io::pipe().map_err(broken)?;
        let (stderr, their_stderr) = io::pipe().map_err(broken)?;
        match self.fork().map_err(broken)? {
            Forked::Parent(Ward(process)) => {
                process.lead_a_group();
                Worker::new(process, ours, stdout, stderr, &Line::default()).map_err(broken)
            }
            Forked::Child => {
                let ends = [
                    theirs.as_raw_fd(),
                    their_stdout.as_raw_fd(),
                    their_stderr.as_raw_fd(),
                ];
                if let Err(error) = become_worker(ends, folder) {
                    eprintln!("cvstudy worker: {error}");
                    leave(2);
                }
                confine();
                (self.serve)()
            }
        }
    }
}

/// Takes the three ends as standard input, output and error, and lets go of everything else that is open.
fn become_worker(ends: [RawFd; 3], folder: &Path) -> io::Result<()> {
    Process::new(0).lead_a_group();
    std::env::set_current_dir(folder)?;
    // The ends are above 2: those are open in whoever forks.
    for (standard, end) in (0..).zip(ends) {
        // SAFETY: the end is open, and the standard descriptors belong to the process.
        if unsafe { libc::dup2(end, standard) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // SAFETY: asks for a number.
    let most = unsafe { libc::sysconf(libc::_SC_OPEN_MAX) };
    for descriptor in 3..RawFd::try_from(most).unwrap_or(RawFd::MAX) {
        // SAFETY: nothing in this process uses them: it only serves cells from here on.
        unsafe { libc::close(descriptor) };
    }
    Ok(())
}

/// Ends a forked process at once: its end must not run what its parent has registered for its own.
pub fn leave(code: i32) -> ! {
    // SAFETY: ends the process, nothing more.
    unsafe { libc::_exit(code) }
}
