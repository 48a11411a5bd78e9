//! Grading, beside the real nbgrader and against submissions that mean harm: each test runs a part of
//! `tests/grading`.

/// The release of nbgrader that scores are held against.
const NBGRADER: &str = "nbgrader==0.9.6";

/// The release of jupytext that sources are opened with.
const JUPYTEXT: &str = "jupytext==1.19.6";

fn unittest(module: &str) {
    let python = tests::python::with_package("nbgrader", NBGRADER);
    tests::python::unittest(python, "grading", module);
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

/// Sources, opened with jupytext.
#[test]
fn jupytext() {
    let python = tests::python::with_package("jupytext", JUPYTEXT);
    tests::python::unittest(python, "grading", "test_jupytext");
}

/// What learners and authors of courses have.
#[test]
fn learner() {
    unittest("test_learner");
}
