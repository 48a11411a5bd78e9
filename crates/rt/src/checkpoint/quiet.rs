//! Asking whether to stop without disturbing a loop.
//!
//! After an ordinary call all floating-point registers have lost their values, so a compiler keeps the sum that a loop
//! adds up in memory, for the sake of a call that is hardly ever made: the loop is half as long again. This call keeps
//! every register. Only the decision is made in it; unwinding begins in an ordinary call, which never returns.
//!
//! Keeping every register takes a hundred times as long as a turn of a small loop. While a cell that was left behind
//! does not stop, every checkpoint asks, so the thread of the running cell is told by its number, in a few instructions.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The thread that need not stop, as [`this_thread`] calls it; 0 for none.
static PASSING: AtomicUsize = AtomicUsize::new(0);

/// Lets one thread pass its checkpoints without a closer look, in place of the last one.
pub(super) fn let_pass(thread: Option<usize>) {
    PASSING.store(thread.unwrap_or(0), Ordering::Relaxed);
}

/// A number that no other living thread has: where the system keeps what belongs to it.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) fn this_thread() -> usize {
    let thread: usize;
    // SAFETY: the first word of a thread's own block is its address, which is read.
    unsafe {
        std::arch::asm!("mov {}, fs:[0]", out(reg) thread, options(nostack, readonly, preserves_flags));
    }
    thread
}

/// The same where it is not asked for.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub(super) fn this_thread() -> usize {
    0
}

/// Whether this thread has to stop.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[inline(always)]
pub(super) fn must_stop() -> bool {
    let answer: u8;
    // SAFETY: what is called keeps all registers but this one, does not unwind, and needs no memory of the caller's.
    unsafe {
        std::arch::asm!("call {ask}", ask = sym ask, out("al") answer, options(readonly));
    }
    answer != 0
}

/// The same where nobody has written down how.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[inline(always)]
pub(super) fn must_stop() -> bool {
    super::must_stop()
}

/// Calls [`super::must_stop`] and brings back all registers but `al`: the general ones from the stack, the others, as
/// large as they are, by XSAVE (components 0xE7: x87, SSE, AVX, AVX-512), whose header has to be zero. For the thread
/// that may pass there is nothing to bring back.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[unsafe(naked)]
unsafe extern "C" fn ask() {
    std::arch::naked_asm!(
        "mov rax, qword ptr [rip + {passing}@GOTPCREL]",
        "mov rax, qword ptr [rax]",
        "cmp rax, qword ptr fs:[0]",
        "jne 2f",
        "xor eax, eax",
        "ret",
        "2:",
        "push rbp",
        "mov rbp, rsp",
        "push rcx",
        "push rdx",
        "push rsi",
        "push rdi",
        "push r8",
        "push r9",
        "push r10",
        "push r11",
        "sub rsp, 4096",
        "and rsp, -64",
        "xor edx, edx",
        "mov [rsp + 512], rdx",
        "mov [rsp + 520], rdx",
        "mov [rsp + 528], rdx",
        "mov [rsp + 536], rdx",
        "mov [rsp + 544], rdx",
        "mov [rsp + 552], rdx",
        "mov [rsp + 560], rdx",
        "mov [rsp + 568], rdx",
        "mov eax, 0xE7",
        "xsave64 [rsp]",
        "call {must_stop}",
        "movzx ecx, al",
        "xor edx, edx",
        "mov eax, 0xE7",
        "xrstor64 [rsp]",
        "mov eax, ecx",
        "lea rsp, [rbp - 64]",
        "pop r11",
        "pop r10",
        "pop r9",
        "pop r8",
        "pop rdi",
        "pop rsi",
        "pop rdx",
        "pop rcx",
        "pop rbp",
        "ret",
        passing = sym PASSING,
        must_stop = sym super::must_stop,
    );
}

#[cfg(test)]
mod tests {
    use super::{let_pass, this_thread};
    use crate::checkpoint::enter;

    /// A sum in many registers, with the question asked in between.
    #[inline(never)]
    fn sums(values: &[f64; 64]) -> ([f64; 12], usize) {
        let mut sums = [0.0; 12];
        let mut stops = 0;
        for round in 0..64 {
            for (at, sum) in sums.iter_mut().enumerate() {
                *sum += values[(round + at) % 64] * (at + 1) as f64;
            }
            stops += usize::from(super::must_stop());
        }
        (sums, stops)
    }

    #[test]
    fn registers_keep_their_values() {
        let values = std::array::from_fn(|at| (at * at) as f64);
        let total: f64 = values.iter().sum();
        let expected: [f64; 12] = std::array::from_fn(|at| total * (at + 1) as f64);
        for passes in [true, false] {
            let asked = std::thread::spawn(move || {
                // Nobody has asked this one to stop.
                enter(u64::MAX);
                let_pass(passes.then(this_thread));
                sums(&values)
            });
            assert_eq!(asked.join().unwrap(), (expected, 0));
        }
    }

    #[test]
    fn threads_have_numbers_of_their_own() {
        let other = std::thread::spawn(this_thread).join().unwrap();
        assert_eq!(this_thread(), this_thread());
        assert!(other != 0 && other != this_thread());
    }
}
