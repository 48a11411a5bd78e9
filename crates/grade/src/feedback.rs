//! A page for a learner: points, reasons, and the notebook with its outputs. Without secrets.
//!
//! Of tests the released part is shown, and of their outputs only what comes from it. Whatever else shows a
//! line of a hidden test or a mark scheme is left out. An answer can keep what hidden tests call it with, and a later
//! cell can show it: from the first hidden tests on, what cells of the learner's own show is left out. Outputs of the
//! learner's are pictures and text: markup from a submission does not run in the page.

use std::collections::{HashMap, HashSet};

use rt::display::escape;

use crate::gradebook::{GradeRow, Total};
use crate::html::{page, points, table};
use crate::marking::Marking;
use crate::notebook::{Cell, Notebook};
use crate::regions::{HIDDEN_TESTS, MARK_SCHEME};
use crate::release::{Master, MasterCell};
use crate::result::Graded;
use crate::shown;
use crate::verdict::{CellVerdict, Check, Class, strip_colours};

/// Makes the page of one submitted notebook. `executed` is `None` when it could not be executed; `rows` and
/// `total` are its part of the gradebook.
pub fn feedback(
    master: &Master,
    graded: &Graded,
    executed: Option<&Notebook>,
    rows: &[GradeRow],
    total: &Total,
) -> String {
    let writer = Writer {
        master,
        graded,
        secrets: master.secrets(),
        rows: rows.iter().map(|row| (row.cell.as_str(), row)).collect(),
        released: master.released.cells().iter().map(Cell::source).collect(),
    };
    let title = format!("{}: {}", graded.notebook, graded.student);
    let mut body = format!(
        "<h1>{}</h1>\n<p class=\"quiet\">{}</p>\n",
        escape(&graded.notebook),
        escape(&graded.student)
    );
    let open = if total.needs_manual {
        " so far; some is still to be graded by hand"
    } else {
        ""
    };
    body.push_str(&format!(
        "<p class=\"score\">{} <small>of {} points{open}</small></p>\n",
        points(total.score),
        points(total.max)
    ));
    if total.late_penalty > 0.0 {
        body.push_str(&format!(
            "<p class=\"quiet\">{} points, less {} for being late.</p>\n",
            points(total.raw),
            points(total.late_penalty)
        ));
    }
    if let Some(reason) = &graded.refused {
        body.push_str(&format!(
            "<p class=\"bad\">It could not be graded: {}</p>\n",
            escape(reason)
        ));
    }
    body.push_str(&writer.overview());
    if let Some(executed) = executed {
        body.push_str("<h2>Your notebook</h2>\n");
        let mut is_after_hidden = false;
        for cell in executed.cells() {
            body.push_str(&writer.cell(cell, is_after_hidden));
            is_after_hidden |= writer.has_hidden_tests(cell);
        }
    }
    page(&title, &body)
}

struct Writer<'a> {
    master: &'a Master,
    graded: &'a Graded,
    secrets: Vec<String>,
    rows: HashMap<&'a str, &'a GradeRow>,
    /// What the cells of the release say.
    released: HashSet<String>,
}

impl Writer<'_> {
    fn overview(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .graded
            .scores
            .iter()
            .map(|score| {
                let row = self.rows.get(score.id.as_str());
                let given = row.map_or(score.auto.unwrap_or(0.0), |row| row.points());
                let verdict = self.verdict(&score.id);
                let is_open = row.map_or(score.needs_manual, |row| row.needs_manual);
                let (label, colour) = label(verdict, given, score.max, is_open);
                vec![
                    format!("<a href=\"#{0}\">{0}</a>", escape(&score.id)),
                    format!("{} / {}", points(given), points(score.max)),
                    format!("<span class=\"tag {colour}\">{label}</span>"),
                    row.and_then(|row| row.comment.as_deref())
                        .map(escape)
                        .unwrap_or_default(),
                ]
            })
            .collect();
        table(&["exercise", "points", "", "comment"], &rows)
    }

    fn verdict(&self, id: &str) -> Option<&CellVerdict> {
        self.graded.verdicts.iter().find(|verdict| verdict.id == id)
    }

    fn known(&self, cell: &Cell) -> Option<&MasterCell> {
        let marking = Marking::of(cell).ok().flatten()?;
        self.master.cell(marking.id())
    }

    fn has_hidden_tests(&self, cell: &Cell) -> bool {
        let known = self.known(cell);
        known.is_some_and(|known| known.marking.is_tests() && known.has_hidden_tests())
    }

    /// `is_after_hidden` says that hidden tests have run before.
    fn cell(&self, cell: &Cell, is_after_hidden: bool) -> String {
        let Some(known) = self.known(cell) else {
            return self.plain(cell, is_after_hidden);
        };
        let marking = &known.marking;
        let public = |source: &str| {
            let text = HIDDEN_TESTS.replace(source, None);
            text.and_then(|text| MARK_SCHEME.replace(&text, None))
                .unwrap_or_default()
        };
        let source = if marking.is_locked() || marking.task {
            public(&known.source)
        } else {
            cell.source()
        };
        let mut html = String::new();
        if known.max_score() > 0.0 {
            html.push_str(&format!(
                "<section class=\"cell graded\" id=\"{}\">\n",
                escape(marking.id())
            ));
            html.push_str(&self.head(marking.id(), known.max_score()));
        } else {
            html.push_str("<section class=\"cell\">\n");
        }
        html.push_str(&self.source(cell, &source));
        // Tests say what they have to say in their verdict; what else they show comes from the answer.
        let is_withheld = marking.is_tests() && (is_after_hidden || known.has_hidden_tests());
        if !is_withheld {
            html.push_str(&self.outputs(cell, is_after_hidden && !marking.is_locked()));
        }
        html.push_str("</section>\n");
        html
    }

    fn head(&self, id: &str, max: f64) -> String {
        let row = self.rows.get(id);
        let verdict = self.verdict(id);
        let given = row.map_or(0.0, |row| row.points());
        let (label, colour) = label(verdict, given, max, row.is_some_and(|row| row.needs_manual));
        let mut html = format!(
            "<div class=\"head\"><h3>{}</h3><span><span class=\"tag {colour}\">{label}</span> &nbsp; {} / {}</span></div>\n",
            escape(id),
            points(given),
            points(max)
        );
        if let Some(verdict) = verdict {
            if !verdict.message.is_empty() {
                html.push_str(&format!("<p><b>{}</b></p>\n", self.clean(&verdict.message)));
            }
            if !verdict.advice.is_empty() && given < max {
                html.push_str(&format!(
                    "<p class=\"quiet\">{}</p>\n",
                    escape(&verdict.advice)
                ));
            }
            html.push_str(&self.checks(&verdict.checks));
        }
        let ticked = row.map_or(&[] as &[String], |row| &row.items);
        if !ticked.is_empty() {
            let items: String = ticked
                .iter()
                .map(|item| format!("<li>{}</li>\n", escape(item)))
                .collect();
            html.push_str(&format!("<ul class=\"mark\">\n{items}</ul>\n"));
        }
        if let Some(comment) = row.and_then(|row| row.comment.as_deref()) {
            html.push_str(&format!("<p class=\"mark\">{}</p>\n", escape(comment)));
        }
        html
    }

    fn checks(&self, checks: &[Check]) -> String {
        if checks.is_empty() {
            return String::new();
        }
        let row = |check: &Check| {
            let (name, message) = if check.hidden {
                ("a hidden check", "")
            } else {
                (check.name.as_str(), check.message.as_str())
            };
            let passed = check.points >= check.max;
            let (mark, colour) = if passed {
                ("\u{2713}", "good")
            } else {
                ("\u{2717}", "bad")
            };
            let message = if message.is_empty() {
                String::new()
            } else {
                format!("<br><code>{}</code>", self.clean(message))
            };
            vec![
                format!("<span class=\"tag {colour}\">{mark}</span>"),
                format!("{}{message}", self.clean(name)),
                format!("{} / {}", points(check.points), points(check.max)),
            ]
        };
        table(
            &["", "check", "points"],
            &checks.iter().map(row).collect::<Vec<_>>(),
        )
    }

    fn plain(&self, cell: &Cell, is_after_hidden: bool) -> String {
        format!(
            "<section class=\"cell\">\n{}{}</section>\n",
            self.source(cell, &cell.source()),
            self.outputs(cell, is_after_hidden)
        )
    }

    fn source(&self, cell: &Cell, source: &str) -> String {
        shown::source(cell, source, &|text| self.without_secrets(text))
    }

    /// What a cell shows. If hidden tests have run and somebody may have written it for them, that it does.
    fn outputs(&self, cell: &Cell, is_after_hidden: bool) -> String {
        let html = shown::outputs(cell, &|text| self.without_secrets(text));
        if html.is_empty() || !is_after_hidden || self.released.contains(&cell.source()) {
            return html;
        }
        "<p class=\"quiet\">What this cell shows is left out: it ran after hidden tests.</p>\n"
            .into()
    }

    /// Text for the page, without colours and without secrets.
    fn clean(&self, text: &str) -> String {
        escape(&self.without_secrets(text))
    }

    fn without_secrets(&self, text: &str) -> String {
        let text = strip_colours(text);
        let has_secret = |line: &str| {
            self.secrets
                .iter()
                .any(|secret| line.contains(secret.as_str()))
        };
        if !has_secret(&text) {
            return text;
        }
        let lines = text.lines().map(|line| {
            if has_secret(line) {
                "[left out: part of the tests]"
            } else {
                line
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// What to call the state of an exercise, and in which colour.
fn label(
    verdict: Option<&CellVerdict>,
    given: f64,
    max: f64,
    is_open: bool,
) -> (&'static str, &'static str) {
    if is_open {
        return ("to be graded by hand", "mark");
    }
    match verdict.map(|verdict| verdict.class) {
        Some(Class::ByHand) => ("graded by hand", "mark"),
        _ if given >= max => ("passed", "good"),
        Some(Class::Passed) | None => ("", "some"),
        Some(class) if given > 0.0 => (class.label(), "some"),
        Some(class) => (class.label(), "bad"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inject::inject;
    use crate::notebook::CellKind;
    use crate::score::score;
    use crate::verdict::explain;
    use serde_json::{Value, json};

    /// The page of a submission whose cells have these outputs.
    fn page_with(outputs: &[(&str, Value)]) -> String {
        let source = crate::text::parse(include_str!("../tests/week.md")).unwrap();
        let master = Master::release("week", source).unwrap();
        let mut notebook = master.released.clone();
        inject(&master, &mut notebook);
        for cell in notebook.cells_mut() {
            let own = outputs
                .iter()
                .filter(|(id, _)| cell.id() == Some(id))
                .map(|(_, output)| output.clone());
            let own: Vec<Value> = own.collect();
            if cell.is_code() {
                cell.set_outputs(own, Some(1));
            }
        }
        let scores = score(&master, &notebook, &mut Vec::new());
        let verdicts = explain(&master, &notebook, &scores);
        let graded = Graded {
            student: "<ada>".into(),
            notebook: "week".into(),
            scores,
            verdicts,
            ..Graded::default()
        };
        let total = Total {
            student: "<ada>".into(),
            assignment: "week".into(),
            notebook: "week".into(),
            raw: 0.0,
            late_penalty: 0.0,
            score: 0.0,
            max: 6.5,
            needs_manual: true,
        };
        feedback(&master, &graded, Some(&notebook), &[], &total)
    }

    #[test]
    fn hidden_tests_never_leak() {
        let secret = "::std::assert_eq!(add(-4, 4), 0, \"the secret one\");";
        let tests = "::std::assert_eq!(add(1, 2), 3);\n// BEGIN HIDDEN TESTS";
        let error = |text: &str| json!({ "output_type": "error", "ename": "Panic", "evalue": "the secret one", "traceback": [text] });
        let stream = json!({ "output_type": "stream", "name": "stdout", "text": [format!("found: {secret}\n")] });
        let checks = json!({ "checks": [{ "name": "the secret one", "points": 0.0, "max": 1.0, "message": "add(-4, 4)", "hidden": true }] });
        let shown = json!({ "output_type": "display_data", "data": { crate::verdict::MIME: checks, "text/html": "add(-4, 4) the secret one", "text/plain": "the secret one" } });
        let page = page_with(&[
            (
                "w1-add-tests",
                error(&format!("{tests}\n{secret}\n --> [5]:3:1")),
            ),
            ("w1-add-tests", stream.clone()),
            ("w1-add-tests", shown),
            ("let-a-1-i32", stream),
        ]);
        for secret in [
            "the secret one",
            "add(-4",
            "HIDDEN",
            "Axes have names",
            "MARK SCHEME",
        ] {
            assert!(!page.contains(secret), "{secret} in {page}");
        }
        assert!(page.contains("add(1, 2)"), "the public part is shown");
        assert!(page.contains("a hidden check") && page.contains("left out"));
    }

    #[test]
    fn what_hidden_tests_were_called_with_is_not_shown_by_later_cells() {
        let source = crate::text::parse(include_str!("../tests/week.md")).unwrap();
        let master = Master::release("week", source).unwrap();
        let mut notebook = master.released.clone();
        inject(&master, &mut notebook);
        let tells =
            |text: &str| json!({ "output_type": "stream", "name": "stdout", "text": [text] });
        let own = |id: &str, text: &str| {
            let mut cell = Cell::new(CellKind::Code, id, serde_json::Map::new(), "tell()");
            cell.set_outputs(vec![tells(text)], Some(1));
            cell
        };
        let cells = notebook.cells_vec();
        for cell in cells.iter_mut().filter(|cell| cell.is_code()) {
            let text = format!("of {}", cell.id().unwrap_or_default());
            cell.set_outputs(vec![tells(&text)], Some(1));
        }
        cells.insert(0, own("early", "of before"));
        cells.push(own("late", "of after"));
        let total = Total {
            student: "ada".into(),
            assignment: "week".into(),
            notebook: "week".into(),
            raw: 0.0,
            late_penalty: 0.0,
            score: 0.0,
            max: 6.5,
            needs_manual: true,
        };
        let page = feedback(&master, &Graded::default(), Some(&notebook), &[], &total);
        for shown in ["of before", "of let-a-1-i32", "of w1-add", "of w1-data"] {
            assert!(page.contains(shown), "{shown}");
        }
        for secret in ["of after", "of w1-add-tests"] {
            assert!(!page.contains(secret), "{secret}");
        }
        assert!(page.contains("left out: it ran after hidden tests"));
    }

    #[test]
    fn nothing_of_a_submission_becomes_markup() {
        let script = "<script>alert(1)</script>";
        let html = json!({ "output_type": "display_data", "data": { "text/html": script, "text/plain": script } });
        let svg = json!({ "output_type": "display_data", "data": { "image/svg+xml": script } });
        let png = json!({ "output_type": "display_data", "data": { "image/png": "\"onerror=alert(1)", "text/plain": "x" } });
        let page = page_with(&[("w1-data", html), ("w1-data", svg), ("w1-data", png)]);
        assert!(!page.contains("<script") && !page.contains("onerror"));
        assert!(page.contains("&lt;ada&gt;"));
    }
}
