//! The worker's end of the socket to the kernel.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};

use crate::frame::{LINE_CUT, ToKernel, write_frame};
use crate::{checkpoint, stdio};

struct Link {
    socket: Mutex<UnixStream>,
    /// Held by the one message that waits until it has been taken.
    turn: Mutex<()>,
    taken: Mutex<bool>,
    taken_changed: Condvar,
}

static LINK: OnceLock<Link> = OnceLock::new();

/// From now on, messages go to this socket.
pub(crate) fn open(socket: UnixStream) {
    let link = Link {
        socket: Mutex::new(socket),
        turn: Mutex::new(()),
        taken: Mutex::new(false),
        taken_changed: Condvar::new(),
    };
    // A second worker in one process would be a programming error, and the first one keeps the line.
    let _ = LINK.set(link);
}

/// Whether there is a kernel.
pub(crate) fn is_open() -> bool {
    LINK.get().is_some()
}

/// Shows something: sends it after everything printed before it, and returns when the kernel has taken it,
/// so that whatever is printed next comes after it too.
///
/// Outside a worker (a program or a test that uses the course as a plain library) there is nobody to send
/// to: the text form is printed instead. A cell that has been given up shows nothing any more.
pub(crate) fn show(message: &ToKernel) {
    let Some(link) = LINK.get() else {
        return print_plainly(message);
    };
    if abandoned() {
        return;
    }
    let _turn = link.turn.lock().unwrap_or_else(PoisonError::into_inner);
    *link.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
    send(message);
    let taken = link.taken.lock().unwrap_or_else(PoisonError::into_inner);
    drop(
        link.taken_changed
            .wait_while(taken, |taken| !*taken && !abandoned())
            .unwrap_or_else(PoisonError::into_inner),
    );
}

/// The kernel has taken the last thing shown.
pub(crate) fn taken() {
    if let Some(link) = LINK.get() {
        *link.taken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        link.taken_changed.notify_all();
    }
}

/// Sends a message, after everything printed before it.
///
/// A line that cannot be written to ends the worker: the kernel is gone, or the learner's code has closed it, and
/// then the kernel learns of the end where it would wait for an answer.
pub(crate) fn send(message: &ToKernel) {
    stdio::flush();
    if let Some(link) = LINK.get() {
        let mut socket = link.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if write_frame(&mut *socket, message).is_err() {
            // SAFETY: ends the process, nothing more; destructors would print to a kernel that is not there.
            unsafe { libc::_exit(LINE_CUT) };
        }
    }
}

fn abandoned() -> bool {
    checkpoint::cell_of_this_thread().is_some_and(crate::worker::is_abandoned)
}

fn print_plainly(message: &ToKernel) {
    if let ToKernel::Display { bundle, .. } | ToKernel::Result { bundle } = message {
        let _ = writeln!(std::io::stdout(), "{}", bundle.plain());
    }
}
