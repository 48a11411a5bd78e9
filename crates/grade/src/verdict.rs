//! Why an exercise got the points it got, in words a learner can use.
//!
//! nbgrader's number says how many; this says what happened: the answer does not compile, its signature is
//! another, its value is wrong, it panicked, it ran too long. Tests that use named checks add their own
//! results, under [`MIME`].

mod class;
mod outputs;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::marking::Marking;
use crate::notebook::{Cell, CellKind, Notebook};
use crate::regions;
use crate::release::{Master, MasterCell};
use crate::score::CellScore;

pub use class::Class;
pub use outputs::{plain_text, strip_colours};

use outputs::{checks_in, first_error, has_stderr, line_of_failure, traceback};

/// The type of output that named checks leave for programs.
pub const MIME: &str = "application/vnd.cvstudy.verdict+json";

/// One named check of a tests cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What it checks.
    pub name: String,
    /// Points given.
    pub points: f64,
    /// Points there are.
    pub max: f64,
    /// What to say: why it failed, or what was good.
    #[serde(default)]
    pub message: String,
    /// Whether learners are not to see its name and message.
    #[serde(default)]
    pub hidden: bool,
}

/// What happened to one exercise, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellVerdict {
    /// The graded cell.
    pub id: String,
    /// What happened.
    pub class: Class,
    /// What exactly, without secrets.
    pub message: String,
    /// What to do about it; empty when there is nothing to be done.
    pub advice: String,
    /// The named checks that ran.
    pub checks: Vec<Check>,
}

/// Says what happened to every graded cell.
pub fn explain(master: &Master, executed: &Notebook, scores: &[CellScore]) -> Vec<CellVerdict> {
    let secrets = master.secrets();
    let one = |score: &CellScore| {
        let known = master.cell(&score.id)?;
        let cell = find(executed, &score.id);
        let mut verdict = of_cell(known, cell, executed, score);
        if secrets
            .iter()
            .any(|secret| verdict.message.contains(secret.as_str()))
        {
            verdict.message.clear();
        }
        Some(verdict)
    };
    scores.iter().filter_map(one).collect()
}

/// Says what outputs of a tests cell mean that gave it these points, when the answer is not at hand.
pub fn explain_outputs(known: &MasterCell, outputs: &[Value], points: f64) -> CellVerdict {
    let mut cell = Cell::new(
        known.kind,
        known.marking.id(),
        serde_json::Map::new(),
        &known.source,
    );
    cell.set_outputs(outputs.to_vec(), None);
    let score = CellScore {
        id: known.marking.id().to_owned(),
        auto: Some(points),
        max: known.max_score(),
        needs_manual: false,
        comment: None,
    };
    let (class, message) = class_of(known, &cell, None, &score);
    CellVerdict {
        id: score.id,
        class,
        message,
        advice: class.advice().to_owned(),
        checks: checks_of(known, &cell),
    }
}

fn find<'a>(notebook: &'a Notebook, id: &str) -> Option<&'a Cell> {
    let has_id = |cell: &&Cell| {
        Marking::of(cell)
            .ok()
            .flatten()
            .is_some_and(|marking| marking.id() == id)
    };
    notebook.cells().iter().find(has_id)
}

fn of_cell(
    known: &MasterCell,
    cell: Option<&Cell>,
    executed: &Notebook,
    score: &CellScore,
) -> CellVerdict {
    let answer = known
        .extras
        .exercise
        .as_deref()
        .and_then(|id| find(executed, id));
    let (class, message) = match cell {
        None => (Class::Missing, String::new()),
        Some(_) if known.marking.is_manual() => match score.auto {
            Some(_) => (Class::NotAnswered, String::new()),
            None => (Class::ByHand, String::new()),
        },
        Some(cell) => class_of(known, cell, answer, score),
    };
    // A stub of text has no `todo!()`.
    let advice = if known.kind == CellKind::Code {
        class.advice()
    } else {
        ""
    };
    CellVerdict {
        id: score.id.clone(),
        class,
        message,
        advice: advice.to_owned(),
        checks: cell.map(|cell| checks_of(known, cell)).unwrap_or_default(),
    }
}

/// The named checks of a tests cell. Where tests were not hardened, a hidden region may hold checks that would tell
/// their names: those that the public part does not name are hidden.
fn checks_of(known: &MasterCell, cell: &Cell) -> Vec<Check> {
    let mut checks = checks_in(cell);
    let hidden = regions::HIDDEN_TESTS.inside(&known.source).join("\n");
    if [".check(", ".property("]
        .iter()
        .any(|call| hidden.contains(call))
    {
        let public = regions::HIDDEN_TESTS.replace(&known.source, None);
        let public = public.unwrap_or_default();
        for check in &mut checks {
            check.hidden |= !public.contains(&format!("{:?}", check.name));
        }
    }
    checks
}

fn class_of(
    known: &MasterCell,
    cell: &Cell,
    answer: Option<&Cell>,
    score: &CellScore,
) -> (Class, String) {
    let points = score.auto.unwrap_or(0.0);
    if points >= score.max {
        return (Class::Passed, String::new());
    }
    let failure = first_error(cell);
    let answers_failure = answer.and_then(first_error);
    let is_untouched = answer.is_some_and(|answer| {
        answer.source().contains(regions::CODE_STUB_MARK) && answer.source().contains("todo!()")
    });
    if is_untouched && points == 0.0 {
        return (Class::NotAnswered, String::new());
    }
    if let Some((_, message)) = answers_failure
        .as_ref()
        .filter(|(ename, _)| ename == "CompileError")
    {
        return (Class::CompileError, message.clone());
    }
    match failure {
        Some((ename, message)) => {
            let class = class_of_error(&ename, &message, cell);
            // What the grader itself says gives nothing away.
            let is_ours = matches!(class, Class::OverLimit | Class::Crashed | Class::Forged);
            let message = if is_ours {
                message
            } else {
                public_message(known, cell, message)
            };
            (class, message)
        }
        None if points > 0.0 => (Class::Partial, String::new()),
        None if has_stderr(cell) => (Class::Stderr, String::new()),
        None => (Class::WrongValue, String::new()),
    }
}

fn class_of_error(ename: &str, message: &str, cell: &Cell) -> Class {
    match ename {
        "CompileError" => {
            let text = traceback(cell);
            let is_absent = ["E0425", "E0433", "E0412", "E0432", "cannot find"]
                .iter()
                .any(|code| text.contains(code));
            if is_absent {
                Class::NotFound
            } else {
                Class::WrongSignature
            }
        }
        "Panic" if message.starts_with("not yet implemented") => Class::NotAnswered,
        "Panic" if message.starts_with("assertion") || message.contains("left == right") => {
            Class::WrongValue
        }
        "Timeout" | "TooMuchOutput" | "DiskFull" => Class::OverLimit,
        "WorkerDied" | "Crash" | "Stopped" | "OutOfMemory" => Class::Crashed,
        "Forged" => Class::Forged,
        // An assertion with a message of its own says that alone.
        "Panic" if traceback(cell).contains("assert") => Class::WrongValue,
        _ => Class::Panicked,
    }
}

/// The message of a failure, unless it comes from a hidden test.
fn public_message(known: &MasterCell, cell: &Cell, message: String) -> String {
    if !known.has_hidden_tests() || is_from_public_part(known, cell) {
        return message;
    }
    "A hidden test failed.".into()
}

/// Whether a failure's place is a line of the tests that learners have.
fn is_from_public_part(known: &MasterCell, cell: &Cell) -> bool {
    let label = cell
        .as_json()
        .get("execution_count")
        .and_then(Value::as_u64);
    let Some(line) = line_of_failure(&traceback(cell), label) else {
        return false;
    };
    let before: Vec<&str> = known.source.lines().take(line).collect();
    let is_public = |text: &str| regions::HIDDEN_TESTS.replace(text, None).is_ok();
    // An open region before the line means that it is inside.
    let in_region = !is_public(&before.join("\n"));
    !in_region && before.len() == line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inject::inject;
    use crate::score::score;
    use serde_json::json;

    const ANSWER: &str = "fn add(a: i32, b: i32) -> i32 { a - b }";

    /// The verdict on `w1-add-tests` when the answer and the tests gave these outputs.
    fn verdict(answer: &str, of_answer: Vec<Value>, of_tests: Vec<Value>) -> CellVerdict {
        let source = crate::text::parse(include_str!("../tests/week.md")).unwrap();
        let master = Master::release("week", source).unwrap();
        let mut notebook = master.released.clone();
        inject(&master, &mut notebook);
        for cell in notebook.cells_mut() {
            match cell.id() {
                Some("w1-add") => {
                    cell.set_source(answer);
                    cell.set_outputs(of_answer.clone(), None);
                }
                Some("w1-add-tests") => cell.set_outputs(of_tests.clone(), Some(5)),
                _ => {}
            }
        }
        let scores = score(&master, &notebook, &mut Vec::new());
        let verdicts = explain(&master, &notebook, &scores);
        verdicts
            .into_iter()
            .find(|verdict| verdict.id == "w1-add-tests")
            .unwrap()
    }

    fn error(ename: &str, evalue: &str, traceback: &str) -> Vec<Value> {
        vec![
            json!({ "output_type": "error", "ename": ename, "evalue": evalue, "traceback": [traceback] }),
        ]
    }

    #[test]
    fn kinds_of_failure_are_told_apart() {
        let class = |answer: &str, of_answer, of_tests| verdict(answer, of_answer, of_tests).class;
        let compile = |text| error("CompileError", text, text);
        assert_eq!(class(ANSWER, vec![], vec![]), Class::Passed);
        let not_found = "error[E0425]: cannot find function `add` in this scope";
        assert_eq!(
            class(ANSWER, compile("expected `;`"), compile(not_found)),
            Class::CompileError
        );
        assert_eq!(
            class("fn plus() {}", vec![], compile(not_found)),
            Class::NotFound
        );
        assert_eq!(
            class(ANSWER, vec![], compile("error[E0308]: mismatched types")),
            Class::WrongSignature
        );
        assert_eq!(
            class(ANSWER, vec![], error("Timeout", "", "")),
            Class::OverLimit
        );
        assert_eq!(
            class(ANSWER, vec![], error("WorkerDied", "", "")),
            Class::Crashed
        );
        assert_eq!(
            class(ANSWER, vec![], error("Panic", "index out of bounds", "")),
            Class::Panicked
        );
        let untouched = "fn add() {\n    // YOUR CODE HERE\n    todo!()\n}";
        assert_eq!(
            class(untouched, vec![], error("Panic", "not yet implemented", "")),
            Class::NotAnswered
        );
    }

    #[test]
    fn a_public_failure_says_why_and_a_hidden_one_does_not() {
        let text = "assertion `left == right` failed";
        let public = verdict(ANSWER, vec![], error("Panic", text, " --> [5]:1:1"));
        assert_eq!(
            (public.class, public.message.as_str()),
            (Class::WrongValue, text)
        );
        for place in [
            " --> [5]:3:1",
            "no place",
            " --> [5]:99:1",
            " --> [4]:1:1",
            " --> [4]:1:1\n ::: [5]:3:1",
        ] {
            let hidden = verdict(
                ANSWER,
                vec![],
                error("Panic", "assertion failed: the secret one", place),
            );
            assert_eq!(hidden.message, "A hidden test failed.", "{place}");
        }
    }

    #[test]
    fn named_checks_are_read_from_what_they_show() {
        let checks =
            json!({ "checks": [{ "name": "adds", "points": 1.0, "max": 2.0, "message": "no" }] });
        let shown =
            json!({ "output_type": "display_data", "data": { MIME: checks, "text/plain": [""] } });
        let result = json!({ "output_type": "execute_result", "data": { "text/plain": ["1.0"] } });
        let verdict = verdict(ANSWER, vec![], vec![shown, result]);
        assert_eq!(verdict.class, Class::Partial);
        assert_eq!(verdict.checks[0].message, "no");
    }

    #[test]
    fn checks_of_a_hidden_region_are_hidden() {
        let text = include_str!("../tests/week.md").replace(
            "::std::assert_eq!(add(-4, 4), 0, \"the secret one\");",
            "checks.check(\"the secret one\", 1.0, || ());",
        );
        let text = text.replace(
            "::std::assert_eq!(add(1, 2), 3);",
            "checks.check(\"the \\\"public\\\" one\", 1.0, || ());",
        );
        let master = Master::release("week", crate::text::parse(&text).unwrap()).unwrap();
        let known = master.cell("w1-add-tests").unwrap();
        let check = |name: &str| json!({ "name": name, "points": 0.0, "max": 1.0, "message": "" });
        let checks = json!({ "checks": [check("the \"public\" one"), check("the secret one")] });
        let shown = json!({ "output_type": "display_data", "data": { MIME: checks } });
        let verdict = explain_outputs(known, &[shown], 0.0);
        let hidden: Vec<bool> = verdict.checks.iter().map(|check| check.hidden).collect();
        assert_eq!(hidden, [false, true]);
    }

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(strip_colours("\u{1b}[1;31mred\u{1b}[0m plain"), "red plain");
    }
}
