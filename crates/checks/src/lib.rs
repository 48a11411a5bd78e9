//! Named checks with points and reasons, for the tests of exercises.
//!
//! A tests cell gathers checks and ends with their score, which is what nbgrader takes as its points:
//!
//! ```no_run
//! # use checks::Checks;
//! # fn add(a: i32, b: i32) -> i32 { a + b }
//! let mut checks = Checks::new();
//! checks.check("adds small numbers", 1.0, || assert_eq!(add(1, 2), 3));
//! checks.property("the order does not matter", 1.0, (-99..99, -99..99), |(a, b)| {
//!     assert_eq!(add(a, b), add(b, a));
//! });
//! // BEGIN HIDDEN TESTS
//! checks.hidden("negative numbers", 0.5, || assert_eq!(add(-4, 4), 0));
//! // END HIDDEN TESTS
//! checks.score()
//! # ;
//! ```
//!
//! A check that panics gives no points and its message; the others go on. The results are shown below the
//! cell, and for programs under [`MIME`]. A cell that builds on an exercise goes through [`attempt`]; what a lesson
//! says of its results goes through [`claim()`].

mod attempt;
mod claim;
mod show;

use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use rt::frame::Outcome;

pub use attempt::attempt;
pub use claim::{STRICT, claim};
pub use proptest;

/// The type of output that holds the results for programs:
/// `{"checks": [{"name", "points", "max", "message", "hidden"}], "points", "max"}`.
pub const MIME: &str = "application/vnd.cvstudy.verdict+json";

/// How many values a property is tried with.
const CASES: u32 = 256;

/// How long a counterexample is made smaller, in steps.
const SHRINK_STEPS: u32 = 4096;

/// The checks of one exercise.
#[derive(Debug, Default)]
pub struct Checks {
    results: Vec<CheckResult>,
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckResult {
    /// What it checks.
    pub name: String,
    /// Points given: all or none.
    pub points: f64,
    /// Points there are.
    pub max: f64,
    /// Why there are none; empty when it passed.
    pub message: String,
    /// Whether learners are not to see its name and message.
    pub hidden: bool,
}

impl Checks {
    /// No checks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `points` if `body` runs to its end without a panic.
    pub fn check(&mut self, name: &str, points: f64, body: impl FnOnce()) -> &mut Self {
        self.add(name, points, false, message_of(body))
    }

    /// The same, for a region of hidden tests: feedback says no more than that a hidden check failed.
    pub fn hidden(&mut self, name: &str, points: f64, body: impl FnOnce()) -> &mut Self {
        self.add(name, points, true, message_of(body))
    }

    /// Gives `points` if `body` runs without a panic for every value that is tried: 256 from `strategy`, the
    /// same each time. Of a failure the smallest value that shows it is reported.
    ///
    /// Strategies are proptest's: ranges, tuples of strategies, `proptest::collection::vec(0..9, 1..5)`.
    pub fn property<S: Strategy>(
        &mut self,
        name: &str,
        points: f64,
        strategy: S,
        body: impl Fn(S::Value),
    ) -> &mut Self
    where
        S::Value: Debug,
    {
        let message = counterexample(&strategy, body);
        self.add(name, points, false, message)
    }

    /// The same as [`Checks::property`], for a region of hidden tests.
    pub fn hidden_property<S: Strategy>(
        &mut self,
        name: &str,
        points: f64,
        strategy: S,
        body: impl Fn(S::Value),
    ) -> &mut Self
    where
        S::Value: Debug,
    {
        let message = counterexample(&strategy, body);
        self.add(name, points, true, message)
    }

    fn add(&mut self, name: &str, max: f64, hidden: bool, failure: Option<String>) -> &mut Self {
        self.results.push(CheckResult {
            name: name.into(),
            points: if failure.is_none() { max } else { 0.0 },
            max,
            message: failure.unwrap_or_default(),
            hidden,
        });
        self
    }

    /// What came of each check so far.
    pub fn results(&self) -> &[CheckResult] {
        &self.results
    }

    /// Shows the results and gives the points: the last line of a tests cell, without `;`.
    pub fn score(&self) -> f64 {
        rt::display(self);
        self.points()
    }

    /// The points so far.
    pub fn points(&self) -> f64 {
        sum(self.results.iter().map(|result| result.points))
    }

    /// The most points there are so far.
    pub fn max(&self) -> f64 {
        sum(self.results.iter().map(|result| result.max))
    }
}

/// A sum of points as people add them up: 0.1 three times is 0.3, and not a little more, which would be above the
/// most that a cell gives.
fn sum(points: impl Iterator<Item = f64>) -> f64 {
    const DIGITS: f64 = 1e9;
    (points.sum::<f64>() * DIGITS).round() / DIGITS
}

/// Why a body did not run to its end.
fn message_of(body: impl FnOnce()) -> Option<String> {
    let outcome = rt::failure::run(|| {
        body();
        Ok(())
    });
    // A cell that is asked to stop stops here, too, and not only inside of the check.
    rt::checkpoint();
    match outcome {
        Outcome::Finished => None,
        Outcome::Panicked { message, .. } | Outcome::Failed { message, .. } => Some(told(&message)),
        _ => Some("it was interrupted".into()),
    }
}

/// The smallest value for which a body fails, and how.
fn counterexample<S: Strategy>(strategy: &S, body: impl Fn(S::Value)) -> Option<String>
where
    S::Value: Debug,
{
    let config = Config {
        cases: CASES,
        max_shrink_iters: SHRINK_STEPS,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tried = rt::failure::quietly(|| {
        TestRunner::new_with_rng(config, rng).run(strategy, |value| {
            body(value);
            Ok(())
        })
    });
    rt::checkpoint();
    match tried {
        Ok(()) => None,
        Err(TestError::Fail(reason, value)) => {
            Some(format!("for {value:?}: {}", told(reason.message())))
        }
        Err(TestError::Abort(reason)) => Some(told(reason.message())),
    }
}

/// Whether a panic is that of a `todo!()`.
fn is_unwritten(message: &str) -> bool {
    message.starts_with("not yet implemented")
}

/// What a panic says, in a learner's words: `left` is what the code gave.
fn told(message: &str) -> String {
    if is_unwritten(message) {
        return "not written yet: there is a `todo!()`".into();
    }
    let value = |name: &str| {
        let mut lines = message.lines().map(str::trim);
        lines
            .find_map(|line| line.strip_prefix(name))
            .map(str::to_owned)
    };
    match (value("left: "), value("right: ")) {
        (Some(left), Some(right)) if message.contains("left == right") => {
            let own = message
                .lines()
                .next()
                .and_then(|line| line.split_once("failed: "));
            let own = own.map(|(_, own)| format!("{own}: ")).unwrap_or_default();
            format!("{own}got {left}, expected {right}")
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt::Show;

    #[test]
    fn checks_that_fail_say_why_and_the_others_go_on() {
        let mut checks = Checks::new();
        checks
            .check("right", 1.0, || assert_eq!(1 + 1, 2))
            .check("wrong", 2.0, || assert_eq!(1 + 1, 3))
            .check("said", 1.0, || assert_eq!(1, 3, "the mean"))
            .check("absent", 1.0, || unimplemented!("later"))
            .hidden("secret", 0.5, || {});
        assert_eq!(checks.points(), 1.5);
        let messages: Vec<_> = checks
            .results()
            .iter()
            .map(|result| result.message.as_str())
            .collect();
        assert_eq!(
            messages,
            [
                "",
                "got 2, expected 3",
                "the mean: got 1, expected 3",
                "not implemented: later",
                ""
            ]
        );
    }

    #[test]
    fn tenths_add_up() {
        let mut checks = Checks::new();
        for name in ["one", "two", "three"] {
            checks.check(name, 0.1, || {});
        }
        assert_eq!((checks.points(), checks.max()), (0.3, 0.3));
        assert!(checks.show().plain().contains("0.3 of 0.3 points"));
        checks.check("four", 1.0 / 3.0, || {});
        assert!((checks.points() - 0.633_333_333).abs() < 1e-12);
    }

    #[test]
    fn a_property_reports_its_smallest_counterexample() {
        let mut checks = Checks::new();
        checks.property("small", 1.0, 0..10_000_i32, |n| {
            assert!(n < 100, "{n} is large")
        });
        assert_eq!(checks.results()[0].message, "for 100: 100 is large");
        checks.property("fine", 1.0, (0..9_i32, 0..9_i32), |(a, b)| {
            assert_eq!(a + b, b + a)
        });
        assert_eq!(checks.points(), 1.0);
    }

    #[test]
    fn the_bundle_has_a_form_for_programs_people_and_terminals() {
        let mut checks = Checks::new();
        checks.check("<b>", 1.0, || panic!("a < b"));
        checks.hidden("secret name", 1.0, || panic!("secret message"));
        let bundle = checks.show();
        assert_eq!(bundle.data[MIME]["checks"][0]["message"], "a < b");
        assert_eq!(bundle.data[MIME]["max"], 2.0);
        let html = bundle.data["text/html"].as_str().unwrap();
        assert!(html.contains("&lt;b&gt;") && html.contains("a &lt; b"));
        assert!(!html.contains("secret") && !bundle.plain().contains("secret"));
    }
}
