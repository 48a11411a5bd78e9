//! [`attempt`]: cells that build on an exercise which may not be solved yet.

use rt::failure::CellError;
use rt::frame::Outcome;
use rt::{Bundle, Show};

use crate::is_unwritten;

/// Shows what `body` gives, or a friendly note while the exercise it builds on is still a `todo!()`.
///
/// For cells that go on with what a learner wrote: "Run All" on a notebook with open exercises stops nowhere.
/// `exercise` is the id that `:check` and `:hint` take. Inside, a `?` passes any error on.
///
/// ```
/// # use checks::attempt;
/// # fn mean(_: &[f64]) -> f64 { todo!() }
/// let note = attempt("w1-mean", || Ok(rt::Bundle::text(format!("{}", mean(&[1.0, 3.0])))))?;
/// assert!(note.plain().contains("w1-mean"));
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// Whatever else goes wrong inside, in its own words: only an unwritten exercise is forgiven.
pub fn attempt<T: Show>(
    exercise: &str,
    body: impl FnOnce() -> Result<T, CellError>,
) -> Result<Bundle, String> {
    let mut shown = None;
    let outcome = rt::failure::run(|| {
        shown = Some(body()?.show());
        Ok(())
    });
    // An interrupt stops the whole cell, not only what is attempted in it.
    rt::checkpoint();
    match outcome {
        Outcome::Finished => Ok(shown.unwrap_or_default()),
        Outcome::Panicked { message, .. } if is_unwritten(&message) => Ok(note(exercise)),
        Outcome::Panicked { message, .. } | Outcome::Failed { message, .. } => Err(message),
        _ => Err("it was interrupted".into()),
    }
}

/// What stands in place of a result that is not there yet.
fn note(exercise: &str) -> Bundle {
    let text = format!(
        "This cell needs the exercise {exercise}, which is not solved yet. Write it, then run this cell again."
    );
    let html = format!(
        "<p style=\"border-left:4px solid #bf8700;padding:0.3em 0.8em\">{}</p>",
        rt::display::escape(&text)
    );
    Bundle::html(html, text)
}

#[cfg(test)]
#[allow(clippy::todo)] // what is tested is what becomes of one
mod tests {
    use super::*;

    fn text(of: Result<Bundle, String>) -> Result<String, String> {
        of.map(|bundle| bundle.plain().to_owned())
    }

    #[test]
    fn a_result_is_shown() {
        let shown = attempt("w1-add", || Ok(Bundle::text("3")));
        assert_eq!(text(shown), Ok("3".into()));
    }

    #[test]
    fn an_unwritten_exercise_is_forgiven_and_named() {
        let shown = attempt("w1-<add>", || -> Result<Bundle, CellError> { todo!() });
        let shown = shown.expect("a note");
        assert!(shown.plain().contains("w1-<add>"));
        let html = shown.data["text/html"].as_str().expect("html");
        assert!(html.contains("w1-&lt;add&gt;"));
    }

    #[test]
    fn anything_else_is_not() {
        let panics = attempt("w1-add", || -> Result<Bundle, CellError> {
            panic!("a claim")
        });
        assert_eq!(text(panics), Err("a claim".into()));
        let fails = attempt("w1-add", || -> Result<Bundle, CellError> {
            Err(String::from("no such file"))?
        });
        assert_eq!(text(fails), Err("no such file".into()));
    }
}
