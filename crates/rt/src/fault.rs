//! Last words of a worker that dies from a signal.
//!
//! The kernel sees which signal ended the worker, but not that a segmentation fault was a stack overflow.
//! The handler here knows, says so on standard error behind a [`MARK`], and lets the signal do its work.
//!
//! Where there is no stack left it needs one in reserve, which only the cell thread has: a segmentation fault without
//! last words is a stack overflow of another thread.

use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Comes before the last words on standard error; the kernel takes the line out of the output.
pub const MARK: &str = "\u{1}cvstudy-fault:";

/// What stands behind the mark when the cell thread's stack was too small.
pub const OVERFLOW: &str = "stack overflow";

const SAY_OVERFLOW: &[u8] = b"\x01cvstudy-fault:stack overflow\n";
const SAY_OTHER: &[u8] = b"\x01cvstudy-fault:memory\n";
/// How far below the stack a frame that is too large may reach, in bytes.
const REACH: usize = 1 << 20;
const ALTERNATE_STACK: usize = 1 << 16;

static STACK_BOTTOM: AtomicUsize = AtomicUsize::new(0);

/// Watches over the stack of the calling thread, which is the cell thread.
pub(crate) fn watch_this_stack() {
    STACK_BOTTOM.store(stack_bottom(), Ordering::Relaxed);
    // SAFETY: the mapping is new, stays for the life of the process, and is as long as the call says.
    unsafe {
        let memory = libc::mmap(
            null_mut(),
            ALTERNATE_STACK,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if memory != libc::MAP_FAILED {
            let stack = libc::stack_t {
                ss_sp: memory,
                ss_flags: 0,
                ss_size: ALTERNATE_STACK,
            };
            libc::sigaltstack(&stack, null_mut());
        }
    }
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the action is zeroed (valid) before its fields are set, and the handler is async-signal-safe.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = on_fault as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESETHAND;
            libc::sigemptyset(&mut action.sa_mask);
            libc::sigaction(signal, &action, null_mut());
        }
    }
}

#[cfg(target_os = "linux")]
fn stack_bottom() -> usize {
    // SAFETY: the attributes are initialised by the first call, read by the second and released by the third.
    unsafe {
        let mut attributes: libc::pthread_attr_t = zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attributes) != 0 {
            return 0;
        }
        let (mut bottom, mut size) = (null_mut(), 0);
        libc::pthread_attr_getstack(&attributes, &mut bottom, &mut size);
        libc::pthread_attr_destroy(&mut attributes);
        bottom as usize
    }
}

#[cfg(not(target_os = "linux"))]
fn stack_bottom() -> usize {
    0
}

/// Runs on the alternate stack. It may only do what is async-signal-safe: look at numbers, and write.
extern "C" fn on_fault(
    signal: libc::c_int,
    info: *const libc::siginfo_t,
    _context: *const libc::c_void,
) {
    let mut words = SAY_OTHER;
    if !info.is_null() {
        // SAFETY: the system passes a valid siginfo_t to a handler installed with SA_SIGINFO.
        let address = unsafe { (*info).si_addr() } as usize;
        let bottom = STACK_BOTTOM.load(Ordering::Relaxed);
        if bottom != 0 && (bottom.saturating_sub(REACH)..bottom + REACH / 16).contains(&address) {
            words = SAY_OVERFLOW;
        }
    }
    // SAFETY: the bytes are static; a failed write cannot be helped.
    unsafe { libc::write(2, words.as_ptr().cast(), words.len()) };
    // SAFETY: SA_RESETHAND has restored the default action, so this ends the process as the fault would have.
    unsafe { libc::raise(signal) };
}
