//! The rules of the house: what every week has, whatever its exercises are about.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use ::grade::regions::HIDDEN_TESTS;
use ::grade::{Cell, Master, MasterCell, Notebook};

use super::is_exercise;

/// How many functions a learner writes in a week.
const EXERCISES: RangeInclusive<usize> = 4..=6;

/// How many hints an exercise has: a nudge, a direction, nearly all of it.
const HINTS: usize = 3;

/// The longest cell of code that learners get, in lines. A longer one has left the screen before its result is there.
const LINES: usize = 25;

/// The tag of cells whose failure is no news.
const MAY_FAIL: &str = "raises-exception";

/// What a notebook lacks, or has too much of.
pub(super) fn broken(master: &Master) -> Vec<String> {
    let exercises: Vec<&MasterCell> = master
        .cells
        .iter()
        .filter(|cell| is_exercise(cell, master))
        .collect();
    let mut broken = Vec::new();
    if !EXERCISES.contains(&exercises.len()) {
        broken.push(format!(
            "it has {} functions to write; a week has {} to {}",
            exercises.len(),
            EXERCISES.start(),
            EXERCISES.end()
        ));
    }
    broken.extend(exercises.iter().flat_map(|cell| furniture(cell, master)));
    broken.extend(master.released.cells().iter().filter_map(too_long));
    broken
}

/// What an exercise lacks.
fn furniture(cell: &MasterCell, master: &Master) -> Vec<String> {
    let id = cell.marking.id();
    let mut lacks = Vec::new();
    let hints = cell.extras.hints.len();
    if hints != HINTS {
        lacks.push(format!("`{id}` has {hints} hints; there are to be {HINTS}"));
    }
    let is_mine = |tests: &&MasterCell| tests.extras.exercise.as_deref() == Some(id);
    let tests = || master.cells.iter().filter(is_mine);
    let seen = |tests: &MasterCell| {
        let shown = HIDDEN_TESTS.replace(&tests.source, None);
        shown.is_ok_and(|shown| shown.lines().any(checks_something))
    };
    if !tests().any(seen) {
        lacks.push(format!("`{id}` has no check that learners see"));
    }
    let hidden = |tests: &MasterCell| {
        let hidden = HIDDEN_TESTS.inside(&tests.source);
        hidden.into_iter().any(checks_something)
    };
    if !tests().any(hidden) {
        lacks.push(format!("`{id}` has no hidden check"));
    }
    lacks
}

/// A line that begins a check, or asserts something on the level of the cell: an indented one may be a function's.
fn checks_something(line: &str) -> bool {
    let begins = [".check(", ".property(", ".hidden(", ".hidden_property("];
    begins.iter().any(|begin| line.contains(begin))
        || ["assert", "::std::assert"]
            .iter()
            .any(|assert| line.starts_with(assert))
}

fn too_long(cell: &Cell) -> Option<String> {
    let lines = cell.source().lines().count();
    let id = cell.id().unwrap_or_default();
    (cell.is_code() && lines > LINES)
        .then(|| format!("`{id}` has {lines} lines when it is released; {LINES} are enough"))
}

/// Cells at which *Run All* would stop, of the first `count`; `when` says in which run.
pub(super) fn stops(executed: &Notebook, count: usize, when: &str) -> Vec<String> {
    let stop = |cell: &Cell| {
        let error = cell
            .outputs()
            .iter()
            .find(|output| output["output_type"] == "error")?;
        let value = error["evalue"].as_str().unwrap_or_default();
        let what = value.lines().next().unwrap_or_default();
        let id = cell.id().unwrap_or_default();
        (!may_fail(cell)).then(|| format!("{when}, Run All stops at `{id}`: {what}"))
    };
    executed
        .cells()
        .iter()
        .take(count)
        .filter_map(stop)
        .collect()
}

fn may_fail(cell: &Cell) -> bool {
    let tags = cell.metadata().and_then(|metadata| metadata.get("tags"));
    let tags = tags.and_then(serde_json::Value::as_array);
    tags.is_some_and(|tags| tags.iter().any(|tag| tag == MAY_FAIL))
}

/// The ids of exercises, tests and tasks, with the notebook that has them.
#[derive(Debug, Default)]
pub(super) struct Ids(BTreeMap<String, String>);

impl Ids {
    /// Takes in those of a notebook, and says which of them an earlier one has, too.
    pub(super) fn take(&mut self, master: &Master) -> Vec<String> {
        let mut twice = Vec::new();
        for cell in &master.cells {
            let id = cell.marking.id();
            match self.0.get(id) {
                Some(other) => twice.push(format!("`{id}` is an id of {other}, too")),
                None => {
                    self.0.insert(id.to_owned(), master.name.clone());
                }
            }
        }
        twice
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// One exercise as it should be, but for what is replaced in it.
    fn exercise(number: usize) -> String {
        let hints = "<!-- #region kind=\"hint\" -->\nThink.\n<!-- #endregion -->\n\n".repeat(HINTS);
        format!(
            "```rust id=\"w1-f{number}\" kind=\"answer\"\nfn f{number}() -> i32 {{\n    // BEGIN SOLUTION\n    1\n    // END SOLUTION\n}}\n```\n\n\
             {hints}```rust id=\"w1-f{number}-tests\" kind=\"tests\" points=1\nlet mut checks = Checks::new();\n\
             checks.check(\"one\", 0.5, || assert_eq!(f{number}(), 1));\n// BEGIN HIDDEN TESTS\n\
             checks.hidden(\"still one\", 0.5, || assert_eq!(f{number}(), 1));\n// END HIDDEN TESTS\nchecks.score()\n```\n\n"
        )
    }

    /// Four exercises, with a text in place of another.
    fn week(from: &str, to: &str) -> Master {
        let text: String = (1..=4).map(exercise).collect();
        let source = ::grade::text::parse(&text.replace(from, to)).expect("a notebook");
        Master::release("week1", source).expect("a master")
    }

    #[test]
    fn a_week_as_it_should_be_breaks_no_rule() {
        assert_eq!(broken(&week("", "")), Vec::<String>::new());
    }

    #[test]
    fn what_an_exercise_lacks_is_named() {
        let hint = "<!-- #region kind=\"hint\" -->\nThink.\n<!-- #endregion -->\n\n";
        let tests = "```rust id=\"w1-f2-tests\"";
        let [many, few] = [3, 1].map(|count| hint.repeat(count) + tests);
        let said = broken(&week(&many, &few));
        assert_eq!(said, ["`w1-f2` has 1 hints; there are to be 3"]);
        let shown = "checks.check(\"one\", 0.5, || assert_eq!(f3(), 1));\n";
        let said = broken(&week(shown, "fn near(a: i32) {\n    assert!(a < 2);\n}\n"));
        assert_eq!(said, ["`w1-f3` has no check that learners see"]);
        let hidden = "checks.hidden(\"still one\", 0.5, || assert_eq!(f4(), 1));\n";
        let said = broken(&week(hidden, ""));
        assert_eq!(said, ["`w1-f4` has no hidden check"]);
    }

    #[test]
    fn a_week_has_four_to_six_exercises() {
        let source = ::grade::text::parse(&exercise(1)).expect("a notebook");
        let master = Master::release("week1", source).expect("a master");
        assert_eq!(
            broken(&master),
            ["it has 1 functions to write; a week has 4 to 6"]
        );
    }

    #[test]
    fn only_lines_that_learners_get_make_a_cell_long() {
        let solution = "    1\n";
        assert!(
            broken(&week(
                solution,
                &format!("{}{solution}", "    // a step\n".repeat(40))
            ))
            .is_empty()
        );
        let long = format!("checks.score()\n{}", "// more\n".repeat(LINES));
        let said = broken(&week("checks.score()\n", &long));
        assert_eq!(said.len(), 4);
        assert!(said[0].contains("`w1-f1-tests` has"), "{said:?}");
    }

    #[test]
    fn an_id_belongs_to_one_week() {
        let mut ids = Ids::default();
        assert!(ids.take(&week("", "")).is_empty());
        let source = ::grade::text::parse(&exercise(2)).expect("a notebook");
        let other = Master::release("week2", source).expect("a master");
        assert_eq!(
            ids.take(&other),
            [
                "`w1-f2` is an id of week1, too",
                "`w1-f2-tests` is an id of week1, too"
            ]
        );
    }

    #[test]
    fn run_all_stops_where_a_cell_ends_in_an_error() {
        let mut notebook = week("", "").released;
        assert!(stops(&notebook, 9, "unsolved").is_empty());
        let error = json!({ "output_type": "error", "ename": "Panic", "evalue": "no\nmore", "traceback": [] });
        let cell = &mut notebook.cells_mut()[1];
        cell.set_outputs(vec![error], Some(1));
        assert_eq!(
            stops(&notebook, 9, "unsolved"),
            ["unsolved, Run All stops at `w1-f1-tests`: no"]
        );
        assert!(stops(&notebook, 1, "unsolved").is_empty());
        let cell = &mut notebook.cells_mut()[1];
        cell.metadata_mut()
            .insert("tags".into(), json!(["raises-exception"]));
        assert!(stops(&notebook, 9, "unsolved").is_empty());
    }
}
