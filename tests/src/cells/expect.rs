//! Whether what came of a cell is what must come of it.

use super::corpus::{Case, Cell, Demand, Expected, ExpectedError, Text};
use super::outcome::{Failure, Outcome};

/// The report on a case whose cells came to `outcomes`; `None` when all is as it must be.
pub fn report(case: &Case, outcomes: &[Outcome]) -> Option<String> {
    let mut report = String::new();
    for (index, (cell, outcome)) in case.cells.iter().zip(outcomes).enumerate() {
        let faults = faults(&cell.expected, outcome);
        if !faults.is_empty() {
            describe(&mut report, index + 1, cell, outcome, &faults);
        }
    }
    (!report.is_empty()).then_some(report)
}

/// All in which an outcome is not as expected, a line each.
pub fn faults(expected: &Expected, outcome: &Outcome) -> Vec<String> {
    let mut faults = outcome.offences.clone();
    compare("stdout", &expected.stdout, &outcome.stdout, &mut faults);
    compare("stderr", &expected.stderr, &outcome.stderr, &mut faults);
    compare(
        "result",
        &expected.result,
        outcome.result.as_deref().unwrap_or_default(),
        &mut faults,
    );
    match (&expected.error, &outcome.error) {
        (None, None) => {}
        (None, Some(error)) => faults.push(format!(
            "no error expected, got {}: {}",
            error.ename, error.evalue
        )),
        (Some(expected), None) => faults.push(format!("no error, expected {}", said(expected))),
        (Some(expected), Some(error)) => compare_error(expected, error, &mut faults),
    }
    compare_shown(expected, &outcome.shown, &mut faults);
    faults
}

fn compare(what: &str, expected: &Text, got: &str, faults: &mut Vec<String>) {
    match expected {
        Text::Exactly(text) if text == got => {}
        Text::Exactly(text) => faults.push(format!("{what} must be {text:?}, is {}", short(got))),
        Text::Has(texts) => {
            for text in texts.iter().filter(|text| !text.occurs_in(got)) {
                faults.push(format!(
                    "{what} must have {:?}, is {}",
                    text.0.join(" | "),
                    short(got)
                ));
            }
        }
    }
}

fn compare_error(expected: &ExpectedError, error: &Failure, faults: &mut Vec<String>) {
    let told = expected
        .kinds
        .iter()
        .any(|(ename, message)| *ename == error.ename && error.evalue.contains(message));
    if !told {
        faults.push(format!(
            "error must be {}, is {}: {}",
            said(expected),
            error.ename,
            error.evalue
        ));
    }
    for demand in &expected.demands {
        let (met, text) = match demand {
            Demand::At(places) => (
                places.0.iter().any(|place| points_at(&error.report, place)),
                format!("points at {:?}", places.0),
            ),
            Demand::Has(texts) => (texts.occurs_in(&error.report), format!("has {:?}", texts.0)),
            Demand::Lacks(text) => (!error.report.contains(text), format!("lacks {text:?}")),
        };
        if !met {
            faults.push(format!("not so: the report {text}"));
        }
    }
}

/// Whether the place occurs and is not the beginning of another: `[1]:2` is not in `[1]:25`.
fn points_at(report: &str, place: &str) -> bool {
    report.match_indices(place).any(|(at, _)| {
        place.ends_with(':')
            || !report[at + place.len()..].starts_with(|c: char| c.is_ascii_digit())
    })
}

fn compare_shown(expected: &Expected, shown: &str, faults: &mut Vec<String>) {
    let mut rest = shown;
    for text in &expected.shows {
        let found = text
            .0
            .iter()
            .filter_map(|part| rest.find(part).map(|at| at + part.len()))
            .min();
        match found {
            Some(end) if !expected.unordered => rest = &rest[end..],
            Some(_) => {}
            None => faults.push(format!(
                "must show {:?}, then shows {}",
                text.0.join(" | "),
                short(rest)
            )),
        }
    }
    for text in expected.hides.iter().filter(|text| shown.contains(*text)) {
        faults.push(format!("must not show {text:?}"));
    }
}

fn said(expected: &ExpectedError) -> String {
    let kinds: Vec<String> = expected
        .kinds
        .iter()
        .map(|(ename, message)| format!("{ename}: {message}"))
        .collect();
    kinds.join(" | ")
}

fn short(text: &str) -> String {
    const MOST: usize = 600;
    match text.char_indices().nth(MOST) {
        None => format!("{text:?}"),
        Some((at, _)) => format!("{:?}... ({} bytes)", &text[..at], text.len()),
    }
}

fn describe(report: &mut String, label: usize, cell: &Cell, outcome: &Outcome, faults: &[String]) {
    report.push_str(&format!("cell [{label}] at {}\n", cell.place));
    for line in cell.code.lines().take(40) {
        report.push_str(&format!("    | {line}\n"));
    }
    for fault in faults {
        report.push_str(&format!("  * {fault}\n"));
    }
    if let Some(error) = &outcome.error {
        report.push_str("  its report:\n");
        for line in error.report.lines().take(40) {
            report.push_str(&format!("    > {line}\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::corpus;
    use super::*;

    fn faults_of(blocks: &str, outcome: &Outcome) -> Vec<String> {
        let cases = corpus::parse("file", &format!("## One\n```rust\n1\n```\n{blocks}")).unwrap();
        faults(&cases[0].cells[0].expected, outcome)
    }

    #[test]
    fn silence_is_demanded_where_nothing_is_said() {
        let loud = Outcome {
            stdout: "x\n".into(),
            ..Outcome::default()
        };
        assert_eq!(faults_of("", &Outcome::default()), [""; 0]);
        assert_eq!(faults_of("", &loud).len(), 1);
        assert_eq!(faults_of("```stdout\nx\n```\n", &loud), [""; 0]);
        assert_eq!(faults_of("```stdout open\nx\n```\n", &loud).len(), 1);
        assert_eq!(faults_of("```shows\n```\n", &loud), [""; 0]);
    }

    #[test]
    fn what_is_shown_has_an_order() {
        let outcome = Outcome {
            stdout: "a b".into(),
            shown: "a b".into(),
            ..Outcome::default()
        };
        assert_eq!(faults_of("```shows\na\nb\n```\n", &outcome), [""; 0]);
        assert_eq!(faults_of("```shows\nb\na\n```\n", &outcome).len(), 1);
        assert_eq!(
            faults_of("```shows unordered\nb\na\n```\n", &outcome),
            [""; 0]
        );
        assert_eq!(
            faults_of("```shows\n```\n```hides\nb\n```\n", &outcome).len(),
            1
        );
    }

    #[test]
    fn an_error_is_compared_by_kind_message_and_place() {
        let report = "error: x\n --> [1]:25:3".to_string();
        let error = Failure {
            ename: "CompileError".into(),
            evalue: "error: x".into(),
            report,
        };
        let outcome = Outcome {
            error: Some(error),
            ..Outcome::default()
        };
        assert_eq!(
            faults_of("```error\nCompileError x\nat [1]:25\n```\n", &outcome),
            [""; 0]
        );
        assert_eq!(
            faults_of("```error\nCompileError x\nat [1]:2\n```\n", &outcome).len(),
            1
        );
        assert_eq!(faults_of("```error\nPanic x\n```\n", &outcome).len(), 1);
        assert_eq!(faults_of("", &outcome).len(), 1);
    }
}
