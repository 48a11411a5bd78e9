//! Points from outputs, as nbgrader's `determine_grade` gives them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::inject::{Finding, FindingKind};
use crate::marking::Marking;
use crate::notebook::{Cell, Notebook};
use crate::release::{Master, MasterCell};

/// The points of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellScore {
    /// The cell's id.
    pub id: String,
    /// What the program gives; `None` when a person has to look.
    pub auto: Option<f64>,
    /// The most there is.
    pub max: f64,
    /// Whether a person has to look.
    pub needs_manual: bool,
    /// "No response.", or nothing.
    pub comment: Option<String>,
}

/// Scores every graded cell and task of the assignment in an executed submission, in the assignment's
/// order. Cells that are gone give 0.
pub fn score(master: &Master, executed: &Notebook, findings: &mut Vec<Finding>) -> Vec<CellScore> {
    let graded = master
        .cells
        .iter()
        .filter(|cell| cell.marking.grade || cell.marking.task);
    let mut one = |known: &MasterCell| {
        let id = known.marking.id();
        let cell = executed.cells().iter().find(|cell| {
            Marking::of(cell)
                .ok()
                .flatten()
                .is_some_and(|marking| marking.id() == id)
        });
        score_cell(known, cell, findings)
    };
    graded.map(&mut one).collect()
}

fn score_cell(known: &MasterCell, cell: Option<&Cell>, findings: &mut Vec<Finding>) -> CellScore {
    let max = known.max_score();
    let mut score = CellScore {
        id: known.marking.id().to_owned(),
        auto: Some(0.0),
        max,
        needs_manual: false,
        comment: None,
    };
    let Some(cell) = cell else {
        return score;
    };
    if known.marking.task {
        score.auto = None;
        score.needs_manual = true;
    } else if known.marking.solution {
        let is_unchanged = cell.source() == known.source;
        score.auto = is_unchanged.then_some(0.0);
        score.needs_manual = !is_unchanged;
        score.comment = is_unchanged.then(|| "No response.".to_owned());
    } else {
        match from_outputs(cell.outputs(), max) {
            Verdict::Points(points) => score.auto = Some(points),
            Verdict::TooMany(points) => {
                score.auto = Some(0.0);
                score.needs_manual = true;
                let text = format!("the tests gave {points} points of {max}; a person has to look");
                findings.push(Finding::of_cell(FindingKind::Forged, &score.id, text));
            }
        }
    }
    score
}

/// What outputs say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// Points between 0 and the most.
    Points(f64),
    /// More than there are.
    TooMany(f64),
}

/// The first output that decides, does: an error or text on stderr gives 0, a result that Python reads as a
/// number gives that, any other result gives everything. Nothing that decides gives everything.
pub fn from_outputs(outputs: &[Value], max: f64) -> Verdict {
    for output in outputs {
        let is_stderr = || output["name"] == "stderr";
        match output["output_type"].as_str() {
            Some("error") => return Verdict::Points(0.0),
            Some("stream") if is_stderr() => return Verdict::Points(0.0),
            Some("execute_result") => {
                return match python_float(&text_of(&output["data"]["text/plain"])) {
                    Some(points) if points > max => Verdict::TooMany(points),
                    Some(points) if points >= 0.0 => Verdict::Points(points),
                    _ => Verdict::Points(max),
                };
            }
            _ => {}
        }
    }
    Verdict::Points(max)
}

/// The most lines that are kept of a cell's streams.
const LINES: usize = 1000;

/// Outputs without more lines of text than anybody reads, as nbgrader's `LimitOutput` keeps them.
pub fn truncated(outputs: Vec<Value>) -> Vec<Value> {
    let mut left = LINES;
    let mut kept = Vec::with_capacity(outputs.len());
    for mut output in outputs {
        if output["output_type"] == "stream" {
            let text = text_of(&output["text"]);
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            if left == 0 {
                continue;
            }
            if lines.len() > left {
                let mut few = lines[..left - 1].concat();
                few.push_str("... Output truncated ...");
                output["text"] = few.split_inclusive('\n').collect();
                left = 0;
            } else {
                left -= lines.len();
            }
        }
        kept.push(output);
    }
    kept
}

/// Text as notebooks keep it: whole or line by line.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().unwrap_or_default().to_owned(),
    }
}

/// What Python's `float(text)` gives; `None` for its `ValueError`.
fn python_float(text: &str) -> Option<f64> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    let underscores_part_digits = bytes
        .iter()
        .enumerate()
        .all(|(at, byte)| *byte != b'_' || (is_digit(at.checked_sub(1)) && is_digit(Some(at + 1))));
    if !underscores_part_digits {
        return None;
    }
    text.replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn result(text: &str) -> Value {
        json!({ "output_type": "execute_result", "data": { "text/plain": [text] } })
    }

    fn stream(name: &str) -> Value {
        json!({ "output_type": "stream", "name": name, "text": ["x"] })
    }

    fn points(outputs: &[Value]) -> f64 {
        match from_outputs(outputs, 2.0) {
            Verdict::Points(points) => points,
            Verdict::TooMany(points) => -points,
        }
    }

    /// Each row was asked of nbgrader 0.9's `determine_grade` for a cell of 2 points.
    #[test]
    fn the_first_output_that_decides_does() {
        let error =
            json!({ "output_type": "error", "ename": "Panic", "evalue": "", "traceback": [] });
        let shown = json!({ "output_type": "display_data", "data": { "text/plain": ["0"] } });
        assert_eq!(points(&[]), 2.0);
        assert_eq!(points(&[stream("stdout"), shown]), 2.0);
        assert_eq!(points(std::slice::from_ref(&error)), 0.0);
        assert_eq!(points(&[stream("stderr"), result("2.0")]), 0.0);
        assert_eq!(points(&[result("1.5"), error]), 1.5);
        assert_eq!(points(&[result("0.0")]), 0.0);
        assert_eq!(points(&[result(" 1_0e-1\n")]), 1.0);
        assert_eq!(points(&[result("1__0")]), 2.0);
        assert_eq!(points(&[result("-0.0")]), 0.0);
        for full in [
            "false",
            "Err(..)",
            "Some(1.0)",
            "-1",
            "NaN",
            "\"1\"",
            "-inf",
        ] {
            assert_eq!(points(&[result(full)]), 2.0, "{full}");
        }
        assert_eq!(points(&[result("2.5")]), -2.5);
        assert_eq!(points(&[result("inf")]), -f64::INFINITY);
    }

    #[test]
    fn endless_output_is_cut() {
        let long = json!({ "output_type": "stream", "name": "stdout", "text": "x\n".repeat(5000) });
        let kept = truncated(vec![long.clone(), long, result("1")]);
        assert_eq!(
            kept.len(),
            2,
            "the second stream is gone, the result is not"
        );
        assert_eq!(kept[0]["text"].as_array().unwrap().len(), 1000);
    }

    #[test]
    fn cells_by_hand_wait_for_a_person() {
        let source = crate::text::parse(include_str!("../tests/week.md")).unwrap();
        let master = Master::release("week", source).unwrap();
        let mut submission = master.released.clone();
        let scores = score(&master, &submission, &mut Vec::new());
        let by_id = |scores: &[CellScore], id: &str| {
            scores.iter().find(|score| score.id == id).unwrap().clone()
        };
        let essay = by_id(&scores, "w1-why");
        assert_eq!(
            (essay.auto, essay.needs_manual, essay.comment.as_deref()),
            (Some(0.0), false, Some("No response."))
        );
        assert_eq!(by_id(&scores, "w1-plot").auto, None);
        submission
            .cells_vec()
            .retain(|cell| cell.id() != Some("w1-plot"));
        for cell in submission
            .cells_mut()
            .iter_mut()
            .filter(|cell| cell.id() == Some("w1-why"))
        {
            cell.set_source("Because.");
        }
        let scores = score(&master, &submission, &mut Vec::new());
        assert!(by_id(&scores, "w1-why").needs_manual);
        assert_eq!(by_id(&scores, "w1-plot").auto, Some(0.0));
    }
}
