//! How results are shown.

use rt::display::escape;
use rt::{Bundle, Show};
use serde_json::{Value, json};

use crate::{CheckResult, Checks, MIME};

impl Show for Checks {
    fn show(&self) -> Bundle {
        let max = self.max();
        let title = format!("{} of {max} points", self.points());
        let text: String = self.results().iter().map(as_text).collect();
        let rows: String = self.results().iter().map(as_row).collect();
        let html = format!(
            "<table style=\"text-align:left\"><thead><tr><th colspan=\"3\" style=\"text-align:left\">{title}</th></tr></thead><tbody>{rows}</tbody></table>"
        );
        let checks: Vec<Value> = self.results().iter().map(as_json).collect();
        let verdict = json!({ "checks": checks, "points": self.points(), "max": max });
        Bundle::html(html, format!("{text}{title}")).with(MIME, verdict)
    }
}

fn passed(result: &CheckResult) -> bool {
    result.points >= result.max
}

/// What a learner may know of a check: of a hidden one, whether it passed.
fn public(result: &CheckResult) -> (&str, &str) {
    if result.hidden {
        ("a hidden check", "")
    } else {
        (&result.name, &result.message)
    }
}

fn as_text(result: &CheckResult) -> String {
    let (name, message) = public(result);
    let mark = if passed(result) { "passed" } else { "FAILED" };
    let reason = if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    };
    format!("{mark}  {name}{reason}\n")
}

fn as_row(result: &CheckResult) -> String {
    let (name, message) = public(result);
    let (mark, colour) = if passed(result) {
        ("\u{2713}", "#1a7f37")
    } else {
        ("\u{2717}", "#cf222e")
    };
    let points = format!("{} / {}", result.points, result.max);
    let message = match message.is_empty() {
        true => String::new(),
        false => format!(
            "<br><code style=\"white-space:pre-wrap\">{}</code>",
            escape(message)
        ),
    };
    format!(
        "<tr><td style=\"color:{colour};font-weight:bold\">{mark}</td><td style=\"text-align:left\">{}{message}</td><td>{points}</td></tr>",
        escape(name)
    )
}

fn as_json(result: &CheckResult) -> Value {
    json!({
        "name": result.name,
        "points": result.points,
        "max": result.max,
        "message": result.message,
        "hidden": result.hidden,
    })
}
