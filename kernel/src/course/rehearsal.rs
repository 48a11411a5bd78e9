//! A solved notebook that goes on after its end: every wrong answer is given and tested there, one after another.
//!
//! A lesson takes minutes and a wrong answer milliseconds, so the lesson runs once for all of them. After the wrong
//! answers of an exercise its solution is given and tested once more: where that has full points no longer, the
//! wrong answers were not judged by what they are, but by what others had left behind.

use std::ops::Range;

use ::grade::score::score;
use ::grade::{Cell, Extras, Master, Notebook};

/// The notebook, and what stands where after its end.
pub(super) struct Rehearsal {
    pub(super) notebook: Notebook,
    attempts: Vec<Attempt>,
}

/// An answer and the cells that test it.
struct Attempt {
    exercise: String,
    /// The name of a wrong answer; `None` for the solution.
    mutant: Option<String>,
    tests: Range<usize>,
}

/// What the wrong answers of an exercise came to.
pub(super) enum Judged {
    /// These tests gave a wrong answer full points: its name, the tests' id.
    Missed(Vec<(String, String)>),
    /// The solution did not pass any more, so nothing is known.
    Unclear,
}

impl Rehearsal {
    pub(super) fn new(master: &Master) -> Self {
        let source = &master.source;
        let mut cells = source.cells().to_vec();
        let mut attempts = Vec::new();
        for answer in source.cells() {
            let mutants = Extras::of(answer).map(|extras| extras.mutants);
            let (Some(exercise), Ok(mutants)) = (answer.id(), mutants) else {
                continue;
            };
            if mutants.is_empty() {
                continue;
            }
            let solution = (None, answer.source());
            let wrong = mutants
                .into_iter()
                .map(|mutant| (Some(mutant.name), mutant.source));
            for (mutant, text) in wrong.chain([solution]) {
                let mut given = answer.clone();
                given.set_source(&text);
                cells.push(given);
                let begin = cells.len();
                cells.extend(tests_of(master, exercise).cloned());
                attempts.push(Attempt {
                    exercise: exercise.to_owned(),
                    mutant,
                    tests: begin..cells.len(),
                });
            }
        }
        let mut notebook = source.clone();
        *notebook.cells_vec() = cells;
        Self { notebook, attempts }
    }

    /// How many wrong answers there are.
    pub(super) fn mutants(&self) -> usize {
        let is_wrong = |attempt: &&Attempt| attempt.mutant.is_some();
        self.attempts.iter().filter(is_wrong).count()
    }

    /// What came of each exercise's wrong answers in the executed notebook.
    pub(super) fn judge(&self, master: &Master, executed: &Notebook) -> Vec<(String, Judged)> {
        let of_one = |attempts: &[Attempt]| {
            let full = |attempt: &Attempt| full_points(master, executed, attempt);
            let exercise = attempts.first()?.exercise.clone();
            let solution = attempts.last()?;
            if full(solution).len() < solution.tests.len() {
                return Some((exercise, Judged::Unclear));
            }
            let missed = attempts.iter().flat_map(|attempt| {
                let name = attempt.mutant.clone();
                name.map(|name| full(attempt).into_iter().map(move |id| (name.clone(), id)))
            });
            Some((exercise, Judged::Missed(missed.flatten().collect())))
        };
        self.attempts
            .chunk_by(|a, b| a.exercise == b.exercise)
            .filter_map(of_one)
            .collect()
    }
}

/// The cells that test an exercise.
fn tests_of<'a>(master: &'a Master, exercise: &'a str) -> impl Iterator<Item = &'a Cell> {
    master.source.cells().iter().filter(move |cell| {
        let known = cell.id().and_then(|id| master.cell(id));
        known.is_some_and(|known| {
            known.marking.is_tests() && known.extras.exercise.as_deref() == Some(exercise)
        })
    })
}

/// The ids of the attempt's tests that gave full points.
fn full_points(master: &Master, executed: &Notebook, attempt: &Attempt) -> Vec<String> {
    let tests = executed.cells()[attempt.tests.clone()].to_vec();
    let ids: Vec<String> = tests
        .iter()
        .filter_map(|cell| cell.id().map(str::to_owned))
        .collect();
    let alone = Notebook::new(tests, executed.metadata().clone());
    let scores = score(master, &alone, &mut Vec::new()).into_iter();
    let full = scores.filter(|score| score.auto.is_some_and(|points| points >= score.max));
    full.map(|score| score.id)
        .filter(|id| ids.contains(id))
        .collect()
}
