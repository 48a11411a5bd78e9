//! What is read off the outputs of an executed cell.

use serde_json::Value;

use super::{Check, MIME};
use crate::notebook::Cell;
use crate::score::text_of;

/// The most of a message that is kept, in characters.
const LONGEST: usize = 1000;

/// The first line of this cell, from 1, that a report points at: ` --> [3]:4:5` for the cell with the number 3.
/// A report may begin with lines of the answer, which the tests have called.
pub(super) fn line_of_failure(text: &str, label: Option<u64>) -> Option<usize> {
    let plain = strip_colours(text);
    let mut places = plain.lines().filter_map(|line| {
        let (_, place) = line
            .split_once("--> [")
            .or_else(|| line.split_once("::: ["))?;
        let (cell, place) = place.split_once("]:")?;
        let is_here = label.is_none_or(|label| cell == label.to_string());
        place
            .split(':')
            .next()?
            .trim()
            .parse()
            .ok()
            .filter(|_| is_here)
    });
    places.next()
}

/// Text without the escape codes of terminals.
pub fn strip_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        let code = &rest[at..];
        let end = code
            .find(|c: char| c.is_ascii_alphabetic())
            .map_or(code.len(), |end| end + 1);
        rest = &code[end..];
    }
    plain.push_str(rest);
    plain
}

pub(super) fn first_error(cell: &Cell) -> Option<(String, String)> {
    let error = cell
        .outputs()
        .iter()
        .find(|output| output["output_type"] == "error")?;
    let text = |key: &str| error[key].as_str().unwrap_or_default();
    // Whoever panics with a novel need not have it in every report.
    let message: String = strip_colours(text("evalue"))
        .chars()
        .take(LONGEST)
        .collect();
    Some((text("ename").to_owned(), message))
}

pub(super) fn traceback(cell: &Cell) -> String {
    let errors = cell
        .outputs()
        .iter()
        .filter(|output| output["output_type"] == "error");
    let lines = errors.flat_map(|error| error["traceback"].as_array().into_iter().flatten());
    lines
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join("\n")
}

pub(super) fn has_stderr(cell: &Cell) -> bool {
    cell.outputs()
        .iter()
        .any(|output| output["output_type"] == "stream" && output["name"] == "stderr")
}

/// The results of named checks that a cell shows; the last list counts.
pub(super) fn checks_in(cell: &Cell) -> Vec<Check> {
    let shown = cell
        .outputs()
        .iter()
        .rev()
        .filter_map(|output| output["data"].get(MIME));
    let mut lists =
        shown.filter_map(|verdict| serde_json::from_value(verdict["checks"].clone()).ok());
    lists.next().unwrap_or_default()
}

/// The text that an output shows where nothing richer is possible.
pub fn plain_text(output: &Value) -> String {
    match output["output_type"].as_str() {
        Some("stream") => text_of(&output["text"]),
        Some("error") => {
            let lines = output["traceback"].as_array().into_iter().flatten();
            lines
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join("\n")
        }
        _ => text_of(&output["data"]["text/plain"]),
    }
}
