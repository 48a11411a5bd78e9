//! Live output and `input("...")`.

use std::io::Write;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::checkpoint::checkpoint;
use crate::frame::ToKernel;
use crate::link;

/// How often output without a line end becomes visible.
const TICK: Duration = Duration::from_millis(50);

/// Pushes out what has been printed, Rust's and C's.
pub fn flush() {
    // Nothing can be done about a closed pipe here: the kernel is gone, and the worker ends with it.
    let _ = std::io::stdout().flush();
    // SAFETY: a null stream means all output streams; the call has no other precondition.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}

static RUNNING: Mutex<bool> = Mutex::new(false);
static RUNNING_CHANGED: Condvar = Condvar::new();

/// Says whether a cell runs; only then is output flushed by the clock, so that an idle worker sleeps.
pub(crate) fn set_running(running: bool) {
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = running;
    RUNNING_CHANGED.notify_all();
}

/// Makes `print!("...")` without a line end visible, also in the middle of a long computation.
pub(crate) fn flush_by_the_clock() -> ! {
    loop {
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            RUNNING_CHANGED
                .wait_while(running, |running| !*running)
                .unwrap_or_else(PoisonError::into_inner),
        );
        std::thread::sleep(TICK);
        let _ = std::io::stdout().flush();
    }
}

/// Asks for a line and waits for it, as Python's `input` does.
///
/// # Panics
/// When the front end cannot ask, as in `cvstudy run`.
pub fn input(prompt: &str) -> String {
    ask(prompt, false)
}

/// Asks for a line that is not echoed.
///
/// # Panics
/// When the front end cannot ask.
pub fn password(prompt: &str) -> String {
    ask(prompt, true)
}

#[derive(Default)]
struct Answers {
    given: Mutex<Option<Option<String>>>,
    arrived: Condvar,
}

static ANSWERS: Answers = Answers {
    given: Mutex::new(None),
    arrived: Condvar::new(),
};
static ASKING: Mutex<()> = Mutex::new(());

fn ask(prompt: &str, password: bool) -> String {
    // One question at a time, whichever thread asks.
    let _turn = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    *ANSWERS.given.lock().unwrap_or_else(PoisonError::into_inner) = None;
    link::send(&ToKernel::Input {
        prompt: prompt.into(),
        password,
    });
    if !link::is_open() {
        return ask_on_the_terminal(prompt);
    }
    loop {
        checkpoint();
        let given = ANSWERS.given.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut given, _) = ANSWERS
            .arrived
            .wait_timeout(given, TICK)
            .unwrap_or_else(PoisonError::into_inner);
        match given.take() {
            Some(Some(line)) => return line,
            Some(None) => panic!(
                "input(\"{prompt}\") cannot ask here: nobody is at the keyboard. Give the value in the cell instead."
            ),
            None => {}
        }
    }
}

fn ask_on_the_terminal(prompt: &str) -> String {
    print!("{prompt}");
    flush();
    let mut line = String::new();
    // A closed terminal reads as an empty answer, as it does in a shell.
    let _ = std::io::stdin().read_line(&mut line);
    line.trim_end_matches(['\r', '\n']).to_string()
}

/// Hands the front end's answer to whoever waits in [`input`].
pub(crate) fn answer(text: Option<String>) {
    *ANSWERS.given.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    ANSWERS.arrived.notify_all();
}
