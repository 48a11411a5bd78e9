//! The loop of a worker process: load a cell, run it, say how it ended.
//!
//! The main thread reads the kernel's messages; cells run one after another on the cell thread, which owns
//! the variables. A cell that does not stop when asked is left behind on its thread, and a new cell thread
//! takes over: that is what keeps a kernel alive through `sleep(3600)`.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::frame::{CommMessage, Outcome, ToKernel, ToWorker, read_frame};
use crate::{checkpoint, comm, display, failure, fault, link, stdio, store};

/// The stack of the cell thread, in bytes: deep recursion is part of many lessons. Pages are used only when touched.
const STACK: usize = 256 << 20;

/// What the generated entry point of a cell looks like. Same compiler, same runtime: Rust's own ABI will do.
type Entry = fn() -> Outcome;

/// What the cell thread is asked to do.
enum Job {
    Run {
        id: u64,
        library: String,
        entry: String,
        dependencies: Vec<String>,
    },
    Comm {
        id: u64,
        message: CommMessage,
    },
    Forget(Vec<String>),
    Describe,
}

/// Which cells are under way. Cells have rising numbers.
struct Running {
    current: Option<u64>,
    abandoned: BTreeSet<u64>,
}

static RUNNING: Mutex<Running> = Mutex::new(Running {
    current: None,
    abandoned: BTreeSet::new(),
});

/// Whether the cell has been left behind.
pub(crate) fn is_abandoned(cell: u64) -> bool {
    RUNNING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .abandoned
        .contains(&cell)
}

/// Serves the kernel at the other end of standard input until that end closes; then the process ends.
pub fn serve() -> ! {
    let code = match take_over_stdin() {
        Ok(socket) => serve_on(socket),
        Err(error) => {
            eprintln!(
                "cvstudy worker: {error}. This command is for the kernel's use: it expects a socket on standard input."
            );
            2
        }
    };
    end_what_cells_started();
    // Not `exit`: destructors of threads that are still running must not be waited for.
    // SAFETY: ends the process, nothing more.
    unsafe { libc::_exit(code) }
}

/// Ends the processes that cells have started, and this one with them: a kernel that was killed cannot do it.
fn end_what_cells_started() {
    // SAFETY: asks for numbers, and sends a signal to the group that this process leads and has made by being started.
    unsafe {
        if libc::getpgrp() == libc::getpid() {
            libc::kill(0, libc::SIGKILL);
        }
    }
}

/// Moves the socket away from standard input, where the learner's code would read from it.
fn take_over_stdin() -> std::io::Result<UnixStream> {
    // SAFETY: a fresh duplicate of descriptor 0, owned by nobody else.
    let socket = unsafe {
        let copy = libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 10);
        if copy < 0 {
            return Err(std::io::Error::last_os_error());
        }
        UnixStream::from(OwnedFd::from_raw_fd(copy))
    };
    socket.peer_addr()?;
    let nothing = File::open("/dev/null")?;
    // SAFETY: both descriptors are open; 0 is replaced and belongs to the process.
    if unsafe { libc::dup2(nothing.as_raw_fd(), 0) } < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(socket)
}

fn serve_on(mut socket: UnixStream) -> i32 {
    match socket.try_clone() {
        Ok(writer) => link::open(writer),
        Err(_) => return 2,
    }
    failure::install_panic_hook();
    failure::std_errors_speak();
    thread::spawn(|| stdio::flush_by_the_clock());
    let mut cell_thread = start_cell_thread();
    link::send(&ToKernel::Ready);
    // An unreadable frame cannot come from our kernel; it ends the worker like a closed socket does.
    while let Ok(Some(message)) = read_frame(&mut socket) {
        let job = match message {
            ToWorker::Run {
                id,
                library,
                entry,
                dependencies,
            } => {
                checkpoint::announce(id);
                Job::Run {
                    id,
                    library,
                    entry,
                    dependencies,
                }
            }
            ToWorker::Comm { id, message } => {
                checkpoint::announce(id);
                Job::Comm { id, message }
            }
            ToWorker::Drop { names } => Job::Forget(names),
            ToWorker::Describe => Job::Describe,
            ToWorker::Interrupt => {
                checkpoint::request_stop();
                continue;
            }
            ToWorker::Abandon => {
                if leave_behind() {
                    cell_thread = start_cell_thread();
                }
                continue;
            }
            ToWorker::InputReply { text } => {
                stdio::answer(text);
                continue;
            }
            ToWorker::Taken => {
                link::taken();
                continue;
            }
        };
        if cell_thread.send(job).is_err() {
            return 1;
        }
    }
    0
}

fn start_cell_thread() -> Sender<Job> {
    let (sender, jobs) = channel();
    let thread = thread::Builder::new().name("cell".into()).stack_size(STACK);
    if let Err(error) = thread.spawn(move || run_jobs(&jobs)) {
        eprintln!("cvstudy worker: cannot start a thread: {error}");
    }
    sender
}

/// Gives the running cell up. False when it ended just now after all.
fn leave_behind() -> bool {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(id) = running.current.take() else {
        return false;
    };
    running.abandoned.insert(id);
    drop(running);
    stdio::set_running(false);
    link::taken();
    let stored = store::available();
    link::send(&ToKernel::Done {
        id,
        outcome: Outcome::Abandoned,
        stored,
    });
    true
}

fn run_jobs(jobs: &Receiver<Job>) {
    fault::watch_this_stack();
    for job in jobs {
        match job {
            Job::Run {
                id,
                library,
                entry,
                dependencies,
            } => {
                begin_cell(id);
                let outcome = run_cell(&library, &entry, &dependencies);
                // A hook may run the learner's code, whose panic is not the cell's.
                failure::run(|| {
                    display::end_of_cell();
                    Ok(())
                });
                if !end_cell(id, outcome) {
                    return;
                }
            }
            Job::Comm { id, message } => {
                begin_cell(id);
                let outcome = failure::run(|| {
                    comm::deliver(message);
                    display::end_of_cell();
                    Ok(())
                });
                if !end_cell(id, outcome) {
                    return;
                }
            }
            Job::Forget(names) => drop_each(store::remove(&names)),
            // A `Debug` of the learner's may panic; the worker must outlive it.
            Job::Describe => {
                let mut values = Vec::new();
                failure::run(|| {
                    values = store::describe();
                    Ok(())
                });
                link::send(&ToKernel::Variables { values });
            }
        }
    }
}

fn begin_cell(id: u64) {
    checkpoint::enter(id);
    RUNNING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .current = Some(id);
    stdio::set_running(true);
}

fn run_cell(library: &str, entry: &str, dependencies: &[String]) -> Outcome {
    for dependency in dependencies {
        if let Err(message) = load(dependency) {
            return Outcome::NotLoaded { message };
        }
    }
    let entry = match load(library).and_then(|handle| find(handle, entry)) {
        Ok(entry) => entry,
        Err(message) => return Outcome::NotLoaded { message },
    };
    let mut outcome = Outcome::Finished;
    // The body's panics are caught inside; a variable that the cell has replaced is dropped behind that.
    let around = failure::run(|| {
        outcome = entry();
        Ok(())
    });
    if around == Outcome::Finished {
        outcome
    } else {
        around
    }
}

/// Reports the end of a cell. False when it had been left behind, and this thread with it.
fn end_cell(id: u64, outcome: Outcome) -> bool {
    if outcome != Outcome::Finished {
        // While the cell counts as running, so that it can be stopped here too.
        drop_each(store::discard(id));
    }
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let left_behind = running.abandoned.remove(&id);
    // Decided under the lock: what the kernel has been told about the cell must be what becomes of its variables.
    let mut dropped = if left_behind {
        store::discard(id)
    } else {
        running.current = None;
        Vec::new()
    };
    let (names, replaced) = store::settle(id);
    dropped.extend(replaced);
    if running.abandoned.is_empty() && running.current.is_none() {
        checkpoint::all_quiet();
    }
    drop(running);
    drop_each(dropped);
    if left_behind {
        link::send(&ToKernel::Returned { names });
        return false;
    }
    stdio::set_running(false);
    link::send(&ToKernel::Done {
        id,
        outcome,
        stored: names,
    });
    true
}

/// Drops values, each by itself: a destructor is the learner's code and may panic, when no cell can fail of it any more.
fn drop_each(values: Vec<store::Slot>) {
    for value in values {
        let outcome = failure::run(|| {
            drop(value);
            Ok(())
        });
        if let Outcome::Panicked { message, at, .. } = outcome {
            let place = at.map_or(String::new(), |at| {
                format!(" at {}:{}:{}", at.file, at.line, at.column)
            });
            eprintln!("panic in a destructor{place}: {message}");
        }
    }
}

/// Loads a library for good: variables may hold code and constants of it as long as the worker lives.
fn load(path: &str) -> Result<*mut libc::c_void, String> {
    let path = CString::new(path).map_err(|error| error.to_string())?;
    // SAFETY: a compiled cell has no initialisers of its own; the path is a C string.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if handle.is_null() {
        Err(loader_error())
    } else {
        Ok(handle)
    }
}

fn find(handle: *mut libc::c_void, entry: &str) -> Result<Entry, String> {
    let name = CString::new(entry).map_err(|error| error.to_string())?;
    // SAFETY: the handle came from `load`, the name is a C string.
    let address = unsafe { libc::dlsym(handle, name.as_ptr()) };
    if address.is_null() {
        return Err(loader_error());
    }
    // SAFETY: the kernel names only entry points that it generated itself, and they have this type.
    Ok(unsafe { std::mem::transmute::<*mut libc::c_void, Entry>(address) })
}

fn loader_error() -> String {
    // SAFETY: dlerror returns null or a C string that is valid until the next call on this thread.
    let message = unsafe { libc::dlerror() };
    if message.is_null() {
        return "the dynamic linker gave no reason".into();
    }
    // SAFETY: not null, see above.
    unsafe { CStr::from_ptr(message) }
        .to_string_lossy()
        .into_owned()
}
