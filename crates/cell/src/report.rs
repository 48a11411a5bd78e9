//! The end of a cell that did not go well, told to the learner.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use rt::frame::{Outcome, Place};

use crate::compile::Compiler;
use crate::event::ErrorReport;
use crate::source::Origin;
use crate::worker::Death;

/// The report of an outcome; `None` when there is nothing to report.
pub fn of_outcome(outcome: &Outcome, compiler: &Compiler) -> Option<ErrorReport> {
    match outcome {
        Outcome::Finished => None,
        Outcome::Failed {
            error_type,
            message,
            at,
        } => Some(failed(error_type, message, at.as_ref(), compiler)),
        Outcome::Panicked {
            message,
            at,
            frames,
            backtrace,
        } => Some(panicked(
            message,
            at.as_ref(),
            frames,
            backtrace.as_deref(),
            compiler,
        )),
        Outcome::Interrupted { at } => Some(interrupted(at.as_ref(), compiler)),
        Outcome::Abandoned => Some(abandoned()),
        Outcome::NotLoaded { message } => {
            let text = format!(
                "the compiled cell cannot be loaded: {message}. It is taken out of the cache: run the cell again"
            );
            Some(report("Error", text.clone(), text))
        }
    }
}

fn report(ename: &str, evalue: String, traceback: String) -> ErrorReport {
    ErrorReport {
        ename: ename.into(),
        evalue,
        traceback: traceback.lines().map(str::to_string).collect(),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_string()
}

fn failed(error_type: &str, message: &str, at: Option<&Place>, compiler: &Compiler) -> ErrorReport {
    let title = format!("{message} ({error_type})");
    let mut group = Group::with_title(Level::ERROR.primary_title(title.as_str()));
    if let Some(place) = at
        .and_then(|place| compiler.origin(&place.file, place.line as usize, place.column as usize))
    {
        let snippet = Snippet::source(place.cell.text.clone())
            .path(format!("[{}]", place.cell.label))
            .line_start(1);
        group = group.element(
            snippet.annotation(
                AnnotationKind::Primary
                    .span(word_at(&place))
                    .label("this gave the error"),
            ),
        );
    }
    let group = group.element(Level::NOTE.message(
        "the cell stopped at a `?`; variables of earlier cells are kept, new ones of this cell are not",
    ));
    report(
        "Error",
        first_line(message),
        Renderer::styled().render(&[group]),
    )
}

fn panicked(
    message: &str,
    at: Option<&Place>,
    frames: &[Place],
    backtrace: Option<&str>,
    compiler: &Compiler,
) -> ErrorReport {
    let origin =
        |place: &Place| compiler.origin(&place.file, place.line as usize, place.column as usize);
    // The place of the panic itself if it is the learner's, else the learner's line that led there.
    let mut places: Vec<Origin> = at
        .and_then(origin)
        .into_iter()
        .chain(frames.iter().filter_map(origin))
        .collect();
    let mut lines_seen = Vec::new();
    places.retain(|place| {
        let line = (
            place.cell.label.clone(),
            place.cell.position(place.range.start).0,
        );
        let new = !lines_seen.contains(&line);
        lines_seen.push(line);
        new
    });
    places.truncate(5);
    let mut group = Group::with_title(Level::ERROR.with_name("panic").primary_title(message));
    for (index, place) in places.iter().enumerate() {
        let label = if index == 0 {
            "it happened here"
        } else {
            "called from here"
        };
        let kind = if index == 0 {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let snippet = Snippet::source(place.cell.text.clone())
            .path(format!("[{}]", place.cell.label))
            .line_start(1);
        group = group.element(snippet.annotation(kind.span(word_at(place)).label(label)));
    }
    let mut traceback = Renderer::styled().render(&[group]);
    if let Some(backtrace) = backtrace {
        traceback.push_str("\n\n");
        traceback.push_str(backtrace);
    }
    report("Panic", first_line(message), traceback)
}

/// The rest of the line from where the place begins: the compiler gives a beginning, not an end.
fn word_at(place: &Origin) -> std::ops::Range<usize> {
    let rest = place.cell.text.get(place.range.start..).unwrap_or_default();
    let line = rest.split(['\n', ';']).next().unwrap_or_default();
    place.range.start
        ..place.range.start
            + line
                .trim_end()
                .len()
                .max(rest.chars().next().map_or(0, char::len_utf8))
}

fn interrupted(at: Option<&Place>, compiler: &Compiler) -> ErrorReport {
    let place = at
        .and_then(|place| compiler.place(&place.file, place.line as usize, place.column as usize));
    let place = place
        .map(|place| format!(" at {place}"))
        .unwrap_or_default();
    let text = format!("interrupted{place}; variables of earlier cells are kept");
    report("Interrupted", text.clone(), text)
}

fn abandoned() -> ErrorReport {
    let text = "interrupted. The cell was in the middle of something that cannot be stopped and goes on in the background: \
                the variables it uses come back when it ends, all others are here";
    report("Interrupted", text.into(), text.into())
}

/// The report of a worker that died.
pub fn of_death(death: &Death, lost: &[String], during_start: bool) -> ErrorReport {
    let evalue = format!("the process that runs your cells ended: {}", death.what);
    let mut traceback = format!("\u{1b}[1;31mworker died\u{1b}[0m: {}\n", death.what);
    if during_start {
        traceback.push_str("It ended before it was ready. `cvstudy doctor` shows what may be wrong with libtorch or the course.");
    } else if lost.is_empty() {
        traceback.push_str("A new one is ready.");
    } else {
        traceback.push_str(&format!(
            "A new one is ready. These variables are lost: {}. `:replay` runs the earlier cells again, without compiling.",
            lost.join(", ")
        ));
    }
    report("WorkerDied", evalue, traceback)
}
