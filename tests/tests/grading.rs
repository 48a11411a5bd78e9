//! Grading, beside the real nbgrader and against submissions that mean harm: each test runs a part of
//! `tests/grading`.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

use std::process::Stdio;

/// The release of nbgrader that scores are held against.
const NBGRADER: &str = "nbgrader==0.9.6";

fn unittest(module: &str) {
    let output = tests::python::with_package("nbgrader", NBGRADER)
        .and_then(|mut python| {
            python.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/grading"));
            python
                .args(["-m", "unittest", "-v", module])
                .stdin(Stdio::null());
            Ok(python.output()?)
        })
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("Ran 0 tests"), "{said}");
}

/// The same points as nbgrader gives, cell for cell.
#[test]
fn nbgrader() {
    unittest("test_nbgrader");
}

/// Hostile submissions, parts, resuming, leaks.
#[test]
fn pipeline() {
    unittest("test_pipeline");
}

/// What learners and authors of courses have.
#[test]
fn learner() {
    unittest("test_learner");
}
