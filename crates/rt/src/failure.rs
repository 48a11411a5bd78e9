//! Panics, torch errors and `?` turned into one clear message with the learner's own lines.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt::Debug;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, Location, PanicHookInfo, catch_unwind};
use std::sync::{PoisonError, RwLock};

use crate::checkpoint::{Interrupted, cell_of_this_thread, is_stopped};
use crate::display::tail::short_type_name;
use crate::frame::{Outcome, Place};
use crate::stack::cell_frames;

/// What a `?` at the top level of a cell turns any error into.
///
/// It does not implement `Debug` itself, which is what lets every type that does become one.
pub struct CellError {
    error_type: String,
    message: String,
    at: Place,
}

impl<E: Debug + 'static> From<E> for CellError {
    #[track_caller]
    #[inline(never)]
    fn from(error: E) -> Self {
        Self {
            error_type: short_type_name(std::any::type_name::<E>()),
            message: describe(&error),
            at: place_of(Location::caller()),
        }
    }
}

type Describer = fn(&dyn Any) -> Option<String>;

/// Error types whose message reads better than their `Debug` form, registered with [`speaks`].
static SPEAKERS: RwLock<Vec<Describer>> = RwLock::new(Vec::new());

/// Makes a `?` on errors of type `E` say their message (with the causes behind it) instead of their `Debug` form.
pub fn speaks<E: Error + 'static>() {
    SPEAKERS
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .push(|error| error.downcast_ref::<E>().map(|error| with_causes(error)));
}

/// The errors of the standard library that a lesson meets.
pub(crate) fn std_errors_speak() {
    speaks::<std::io::Error>();
    speaks::<std::num::ParseIntError>();
    speaks::<std::num::ParseFloatError>();
    speaks::<std::num::TryFromIntError>();
    speaks::<std::str::ParseBoolError>();
    speaks::<std::char::ParseCharError>();
    speaks::<std::str::Utf8Error>();
    speaks::<std::string::FromUtf8Error>();
    speaks::<std::env::VarError>();
    speaks::<std::time::SystemTimeError>();
    speaks::<std::sync::mpsc::RecvError>();
}

fn describe<E: Debug + 'static>(error: &E) -> String {
    let any: &dyn Any = error;
    if let Some(text) = any.downcast_ref::<String>() {
        return text.clone();
    }
    if let Some(text) = any.downcast_ref::<&'static str>() {
        return (*text).to_string();
    }
    if let Some(error) = any.downcast_ref::<Box<dyn Error>>() {
        return with_causes(error.as_ref());
    }
    if let Some(error) = any.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return with_causes(error.as_ref());
    }
    let speakers = SPEAKERS.read().unwrap_or_else(PoisonError::into_inner);
    let message = speakers
        .iter()
        .find_map(|describer| describer(any))
        .unwrap_or_else(|| format!("{error:?}"));
    without_native_trace(&message)
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}

/// What a learner's `main` may return.
pub trait MainResult {
    /// Turns it into what a cell's body returns.
    ///
    /// # Errors
    /// The one that `main` returned.
    fn finish(self) -> Result<(), CellError>;
}

impl MainResult for () {
    fn finish(self) -> Result<(), CellError> {
        Ok(())
    }
}

impl<E: Debug + 'static> MainResult for Result<(), E> {
    #[track_caller]
    fn finish(self) -> Result<(), CellError> {
        Ok(self?)
    }
}

/// Runs the body of a cell and says how it ended.
pub fn run<F: FnOnce() -> Result<(), CellError>>(body: F) -> Outcome {
    // Behind plain pointers, so that catching and reporting is compiled here and not with every cell: a
    // trait object would bring a table with it that the compiler spends milliseconds on.
    let mut body = ManuallyDrop::new(body);
    // SAFETY: `call_body` is for F, and the body is given up to it.
    unsafe { run_once((&raw mut body).cast(), call_body::<F>) }
}

unsafe fn call_body<F: FnOnce() -> Result<(), CellError>>(body: *mut ()) -> Result<(), CellError> {
    // SAFETY: the caller has an F there that nobody will use again.
    let body = unsafe { body.cast::<F>().read() };
    body()
}

/// # Safety
/// `body` points to what `call` is for, and is given up.
#[inline(never)]
unsafe fn run_once(body: *mut (), call: unsafe fn(*mut ()) -> Result<(), CellError>) -> Outcome {
    print_caught();
    // SAFETY: by the caller's word, and called once.
    let ended = catch_unwind(AssertUnwindSafe(|| unsafe { call(body) }));
    let outcome = match ended {
        Ok(Ok(())) => Outcome::Finished,
        Ok(Err(error)) => Outcome::Failed {
            error_type: error.error_type,
            message: error.message,
            at: Some(error.at),
        },
        Err(payload) => after_unwinding(payload),
    };
    print_caught();
    outcome
}

fn after_unwinding(payload: Box<dyn Any + Send>) -> Outcome {
    let outcome = match payload.downcast_ref::<Interrupted>() {
        Some(interrupted) => Outcome::Interrupted {
            at: interrupted.0.first().cloned(),
        },
        // The panic of a cell that is to stop comes of that: a thread has stopped, and its `join` was unwrapped.
        None if is_stopped() => {
            let noted = LAST_PANIC.take().unwrap_or_default();
            Outcome::Interrupted {
                at: noted.frames.first().cloned(),
            }
        }
        None => {
            let noted = LAST_PANIC.take().unwrap_or_default();
            let message = message_of(payload.as_ref());
            Outcome::Panicked {
                message: without_native_trace(&message),
                at: noted.at,
                frames: noted.frames,
                backtrace: noted.backtrace,
            }
        }
    };
    // A payload may have a destructor that panics; it is not worth the worker's life.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    outcome
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_string()
    } else {
        "panic with a value that is not text".to_string()
    }
}

/// True when the learner asked to see everything.
fn wants_backtrace() -> bool {
    std::env::var_os("CVSTUDY_BACKTRACE").is_some_and(|value| value == "1")
}

/// A torch error in one line: its first, without the C++ frames behind it.
///
/// tch panics with `called Result::unwrap() on an Err value: Torch("<message>\nException raised from ...")`,
/// where the message is escaped; a `?` on its error type gives the same without the frame around it.
fn without_native_trace(message: &str) -> String {
    if wants_backtrace() {
        return message.to_string();
    }
    let inner = message
        .split_once("Torch(\"")
        .map_or(message, |(_, rest)| rest.trim_end_matches("\")"));
    let escaped = inner.len() != message.len();
    let is_torch = escaped || inner.contains("Exception raised from");
    if !is_torch {
        return message.to_string();
    }
    let text = if escaped {
        unescape(inner)
    } else {
        inner.to_string()
    };
    let text = text
        .split("\nException raised from")
        .next()
        .unwrap_or_default();
    text.lines()
        .take_while(|line| !line.starts_with("frame #"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}

/// What the panic hook saw, kept until the unwinding arrives.
#[derive(Default)]
struct Noted {
    message: String,
    at: Option<Place>,
    frames: Vec<Place>,
    backtrace: Option<String>,
}

thread_local! {
    static LAST_PANIC: RefCell<Option<Noted>> = const { RefCell::new(None) };
    /// Whether panics that are caught are told of in other words.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs what catches panics itself and says in its own words what they mean, as a check with many random cases
/// does: none of those is printed. A panic that is not caught goes on.
pub fn quietly<T>(work: impl FnOnce() -> T) -> T {
    print_caught();
    let _quiet = Quiet(IS_QUIET.replace(true));
    work()
}

/// Ends the silence, which may be part of a longer one.
struct Quiet(bool);

impl Drop for Quiet {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            print_caught();
        }
        IS_QUIET.set(self.0);
    }
}

/// On the cell thread a panic is noted and reported once, at its end; elsewhere it is printed, as Rust does.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        if cell_of_this_thread().is_some() {
            let backtrace =
                wants_backtrace().then(|| std::backtrace::Backtrace::force_capture().to_string());
            let noted = Noted {
                message: message_of_hook(info),
                at: info.location().map(place_of),
                frames: cell_frames(),
                backtrace,
            };
            print_caught();
            LAST_PANIC.set(Some(noted));
        } else {
            let place = info.location().map(place_of);
            print_panic(place.as_ref(), &message_of_hook(info));
        }
    }));
}

/// Prints the last panic of the cell thread, as Rust would have done at once, if the learner's code has caught it: no
/// report will tell of it.
fn print_caught() {
    let noted = LAST_PANIC.take();
    if let Some(noted) = noted.filter(|_| !IS_QUIET.get()) {
        print_panic(noted.at.as_ref(), &noted.message);
    }
}

fn place_of(location: &Location<'_>) -> Place {
    Place {
        file: location.file().to_string(),
        line: location.line(),
        column: location.column(),
    }
}

fn print_panic(at: Option<&Place>, message: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("<unnamed>").to_string();
    let message = without_native_trace(message);
    let place = at
        .map(|at| format!(" at {}:{}:{}", at.file, at.line, at.column))
        .unwrap_or_default();
    eprintln!("thread '{name}' panicked{place}:\n{message}");
}

fn message_of_hook(info: &PanicHookInfo<'_>) -> String {
    info.payload_as_str()
        .unwrap_or("panic with a value that is not text")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(body: impl FnOnce() -> Result<(), CellError>) -> (String, String) {
        match run(body) {
            Outcome::Failed {
                error_type,
                message,
                ..
            } => (error_type, message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn any_error_passes_a_question_mark() {
        std_errors_speak();
        #[derive(Debug)]
        struct Mine(#[allow(dead_code)] i32);
        let parse = || -> Result<(), CellError> {
            let _: i32 = "x".parse()?;
            Ok(())
        };
        assert_eq!(
            failed(parse),
            (
                "ParseIntError".into(),
                "invalid digit found in string".into()
            )
        );
        assert_eq!(failed(|| Err("text")?), ("&str".into(), "text".into()));
        assert_eq!(failed(|| Err(String::from("owned"))?).1, "owned");
        assert_eq!(failed(|| Err(Mine(3))?), ("Mine".into(), "Mine(3)".into()));
        let boxed: Box<dyn Error> = "boxed".into();
        assert_eq!(failed(|| Err(boxed)?).1, "boxed");
    }

    #[test]
    fn a_torch_error_is_one_line() {
        let panic = "called `Result::unwrap()` on an `Err` value: Torch(\"mat1 and mat2 shapes cannot be multiplied (3x4 and 3x3)\\nException raised from meta at x.cpp:202 (most recent call first):\\nframe #0: c10::Error\")";
        assert_eq!(
            without_native_trace(panic),
            "mat1 and mat2 shapes cannot be multiplied (3x4 and 3x3)"
        );
        assert_eq!(
            without_native_trace("index out of bounds\nsecond line"),
            "index out of bounds\nsecond line"
        );
    }
}
