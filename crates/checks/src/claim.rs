//! [`claim`]: what a lesson says of its results, held against what came out.

/// The variable of the environment under which a claim that does not hold stops its cell: for tests of lessons.
pub const STRICT: &str = "CVSTUDY_STRICT";

/// The variable that nbgrader sets while it grades. Experiments are tiny then, and show nothing.
const GRADING: &str = "NBGRADER_EXECUTION";

/// Prints what the text of a lesson says of a result, with ✓ if it `holds`.
///
/// Figures hang on the processor, on the pictures and on what a learner has changed. So a claim that does not hold
/// stops nothing: it says that things came out otherwise. While exercises are graded it says nothing. What must
/// hold everywhere, arithmetic say, belongs into an `assert!`.
///
/// ```
/// checks::claim(0.81 > 0.58 + 0.05, "the deep network is ahead by more than 5 points");
/// ```
///
/// # Panics
/// When it does not hold and [`STRICT`] is set.
#[track_caller]
pub fn claim(holds: bool, text: &str) {
    let is_set = |name| std::env::var_os(name).is_some();
    match said(holds, text, is_set(GRADING)) {
        _ if !holds && is_set(STRICT) => panic!("the text claims what is not so: {text}"),
        Some(line) => println!("{line}"),
        None => {}
    }
}

/// What is printed below the cell, if anything.
fn said(holds: bool, text: &str, grading: bool) -> Option<String> {
    match (holds, grading) {
        (true, _) => Some(format!("✓ {text}")),
        (false, true) => None,
        (false, false) => Some(format!(
            "✗ Here it came out otherwise. The text says: {text}.\n  \
             Another processor, other pictures or a change of yours can be the reason; nothing is broken."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_is_ticked() {
        claim(true, "one is one"); // and does not stop, whatever is set
        assert_eq!(said(true, "it wins", false), Some("✓ it wins".into()));
        assert_eq!(said(true, "it wins", true), Some("✓ it wins".into()));
    }

    #[test]
    fn what_does_not_is_told_kindly_and_not_while_grading() {
        let line = said(false, "it wins", false).expect("a line");
        assert!(line.contains("came out otherwise") && line.contains("it wins"));
        assert_eq!(said(false, "it wins", true), None);
    }
}
