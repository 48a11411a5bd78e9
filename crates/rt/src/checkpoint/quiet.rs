//! Asking whether to stop without disturbing a loop.
//!
//! After an ordinary call all floating-point registers have lost their values, so a compiler keeps the sum that a loop
//! adds up in memory, for the sake of a call that is hardly ever made: the loop is half as long again. This call keeps
//! every register. Only the decision is made in it; unwinding begins in an ordinary call, which never returns.

/// Whether this thread has to stop.
#[cfg(target_arch = "x86_64")]
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
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(super) fn must_stop() -> bool {
    super::must_stop()
}

/// Calls [`super::must_stop`] and brings back all registers but `al`: the general ones from the stack, the others, as
/// large as they are, by XSAVE (components 0xE7: x87, SSE, AVX, AVX-512), whose header has to be zero.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
unsafe extern "C" fn ask() {
    std::arch::naked_asm!(
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
        must_stop = sym super::must_stop,
    );
}

#[cfg(test)]
mod tests {
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
        let asked = std::thread::spawn(move || {
            // Nobody has asked this one to stop.
            enter(u64::MAX);
            sums(&values)
        });
        assert_eq!(asked.join().unwrap(), (expected, 0));
    }
}
