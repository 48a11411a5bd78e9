//! The Jupyter protocol, spoken with Jupyter's own client: each test runs one file of `tests/protocol`.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

use std::io::Write as _;

fn unittest(module: &str) {
    tests::python::unittest(tests::python::command(), "protocol", module);
}

/// Requests and what is broadcast because of them.
#[test]
fn conversation() {
    unittest("test_conversation");
}

/// Malformed, forged and repeated frames; sockets without a Jupyter client behind them.
#[test]
fn wire() {
    unittest("test_wire");
}

/// Start, shutdown, signals, deaths.
#[test]
fn lifetime() {
    unittest("test_lifetime");
}

/// Floods, stalled and vanished subscribers, large pictures, many clients.
#[test]
fn load() {
    unittest("test_load");
}

/// Says something that the harness, which keeps what a passing test prints to itself, does not hear.
fn say_aloud(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Jumps of the clock.
#[test]
fn clock() {
    unittest("test_clock");
}

/// rust-analyzer in its helper process, where that has been built.
#[test]
fn analyzer() {
    match tests::programs::built("assist") {
        Ok(_) => unittest("test_analyzer"),
        // Past the harness, which would keep it to itself.
        Err(_) => say_aloud(
            "test_analyzer is skipped: `cargo build --package assist`, some minutes, builds its helper",
        ),
    }
}

/// The order of messages that VS Code and JupyterLab count on.
#[test]
fn order() {
    unittest("test_order");
}

/// Who can connect, and who learns the key.
#[test]
fn security() {
    unittest("test_security");
}

/// The Jupyter project's own suite for kernels.
#[test]
fn conformance() {
    tests::python::install("jupyter_kernel_test", "0.7.0").unwrap();
    unittest("test_conformance");
}

/// Comms and widgets, seen from the page.
#[test]
fn widgets() {
    unittest("test_widgets");
}

/// The console, nbconvert, papermill.
#[test]
fn front_ends() {
    tests::python::install("jupyter_console", "6.6.3").unwrap();
    tests::python::install("papermill", "2.6.0").unwrap();
    unittest("test_frontends");
}

/// Notebooks executed by nbclient, as nbconvert, papermill and nbgrader do.
#[test]
fn nbclient() {
    unittest("test_nbclient");
}
