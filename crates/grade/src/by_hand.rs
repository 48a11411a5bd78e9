//! Pages on which a person gives points: what waits, and one answer after another with its rubric.
//!
//! Answers are shown without their authors' names, exercise by exercise: that is fairer, and quicker.
//!
//! A mark scheme may hold items with points, each on a line of its own; items can be ticked:
//!
//! ```text
//! - 0.5: the axes have names
//! - 1: the curve falls
//! ```

use rt::display::escape;

use crate::gradebook::GradeRow;
use crate::html::{page, points, table};
use crate::marking::Marking;
use crate::notebook::{Cell, Notebook};
use crate::regions::MARK_SCHEME;
use crate::release::{Master, MasterCell};
use crate::shown;
use crate::verdict::strip_colours;

/// One line of a rubric that has points.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it gives.
    pub points: f64,
    /// What for.
    pub text: String,
}

/// What a person is shown of one answer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The instructor's notebook.
    pub master: &'a Master,
    /// Its cell that points are given for.
    pub cell: &'a MasterCell,
    /// What is known of the answer.
    pub row: &'a GradeRow,
    /// The learner's notebook with its outputs, if it could be executed.
    pub executed: Option<&'a Notebook>,
    /// Which of the exercise's answers it is, from 1, and how many there are.
    pub place: (usize, usize),
}

/// The items of a cell's rubric, in their order.
pub fn items(master: &Master, cell: &MasterCell) -> Vec<Item> {
    rubric(master, cell).lines().filter_map(item).collect()
}

/// `- 0.5: the axes have names`
fn item(line: &str) -> Option<Item> {
    let line = line.trim();
    let (number, text) = line
        .strip_prefix("- ")
        .or_else(|| line.strip_prefix("* "))?
        .split_once(':')?;
    let points: f64 = number.trim().parse().ok()?;
    (points.is_finite() && points >= 0.0).then(|| Item {
        points,
        text: text.trim().to_owned(),
    })
}

fn rubric(master: &Master, cell: &MasterCell) -> String {
    MARK_SCHEME.inside(&written(master, cell)).join("\n")
}

/// The cell as the instructor wrote it: of an answer that is the model.
fn written(master: &Master, cell: &MasterCell) -> String {
    let own = find(&master.source, cell.marking.id());
    own.map_or_else(|| cell.source.clone(), |(_, own)| own.source())
}

fn find<'a>(notebook: &'a Notebook, id: &str) -> Option<(usize, &'a Cell)> {
    let is_it = |cell: &Cell| marking(cell).is_some_and(|marking| marking.id() == id);
    let mut cells = notebook.cells().iter().enumerate();
    cells.find(|(_, cell)| is_it(cell))
}

fn marking(cell: &Cell) -> Option<Marking> {
    Marking::of(cell).ok().flatten()
}

/// The first page: every exercise with how many of its answers wait, and a link to the first of them. `place` gives
/// the address of an answer's page by its place among the rows.
pub fn overview(rows: &[GradeRow], place: impl Fn(usize) -> String, finish: &str) -> String {
    let mut exercises: Vec<(&GradeRow, usize, usize, usize)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let is_same = |one: &GradeRow| {
            (&one.assignment, &one.notebook, &one.cell)
                == (&row.assignment, &row.notebook, &row.cell)
        };
        let open = usize::from(row.needs_manual);
        match exercises.iter_mut().find(|(one, ..)| is_same(one)) {
            Some((_, first, waiting, all)) => {
                if open == 1 && *waiting == 0 {
                    *first = at;
                }
                *waiting += open;
                *all += 1;
            }
            None => exercises.push((row, at, open, 1)),
        }
    }
    let line = |(row, first, waiting, all): &(&GradeRow, usize, usize, usize)| {
        let state = match waiting {
            0 => "<span class=\"tag good\">done</span>".to_owned(),
            n => format!("<span class=\"tag mark\">{n} of {all} wait</span>"),
        };
        vec![
            format!("{} / {}", escape(&row.assignment), escape(&row.notebook)),
            format!(
                "<a href=\"{}\">{}</a>",
                escape(&place(*first)),
                escape(&row.cell)
            ),
            points(row.max),
            state,
        ]
    };
    let lines: Vec<Vec<String>> = exercises.iter().map(line).collect();
    let body = format!(
        "<h1>Points by hand</h1>\n<p class=\"quiet\">What you give is in the gradebook at once. The pages for learners \
         and the tables are made when you finish.</p>\n{}<form method=\"post\" action=\"{}\"><button>Finish</button></form>\n",
        table(&["notebook", "exercise", "points", ""], &lines),
        escape(finish)
    );
    page("Points by hand", &body)
}

/// The page of one answer. The form goes to `save`; `others` are links to the pages beside it, each with its name.
/// `problem` says why what was entered before could not be taken.
pub fn answer(answer: &Answer<'_>, save: &str, others: &[(&str, String)], problem: &str) -> String {
    let Answer {
        cell, row, place, ..
    } = answer;
    let links: Vec<String> = others
        .iter()
        .map(|(name, link)| format!("<a href=\"{}\">{}</a>", escape(link), escape(name)))
        .collect();
    let mut body = format!(
        "<p>{}</p>\n<h1>{}</h1>\n<p class=\"quiet\">{}, answer {} of {}</p>\n",
        links.join(" &nbsp; "),
        escape(&row.cell),
        escape(&row.notebook),
        place.0,
        place.1
    );
    let without = MARK_SCHEME.replace(&written(answer.master, cell), None);
    let text = without.unwrap_or_default();
    let (asked, model) = match cell.marking.task {
        true => (text, String::new()),
        false => (question(answer.master, cell), text),
    };
    for (title, text) in [("Asked", asked), ("The instructor\u{2019}s answer", model)] {
        if !text.trim().is_empty() {
            body.push_str(&format!(
                "<h2>{title}</h2>\n<div class=\"text\">{}</div>\n",
                escape(text.trim())
            ));
        }
    }
    body.push_str("<h2>Answered</h2>\n");
    body.push_str(&answered(answer));
    body.push_str(&form(answer, save, problem));
    page(&format!("{}: {} of {}", row.cell, place.0, place.1), &body)
}

/// The text above a cell, as far as it belongs to no other exercise.
fn question(master: &Master, cell: &MasterCell) -> String {
    let cells = master.released.cells();
    let at = find(&master.released, cell.marking.id()).map_or(0, |(at, _)| at);
    let above = cells[..at].iter().rev();
    let mut texts: Vec<String> = above
        .take_while(|cell| {
            !cell.is_code() && marking(cell).is_none_or(|marking| !marking.grade && !marking.task)
        })
        .map(Cell::source)
        .collect();
    texts.reverse();
    texts.join("\n\n")
}

/// The learner's cell; of a task, what stands between it and the next cell with points.
fn answered(answer: &Answer<'_>) -> String {
    let Some(executed) = answer.executed else {
        return "<p class=\"bad\">The submission could not be executed.</p>\n".into();
    };
    let Some((at, cell)) = find(executed, answer.cell.marking.id()) else {
        return "<p class=\"bad\">The cell is gone.</p>\n".into();
    };
    let own: Vec<&Cell> = match answer.cell.marking.task {
        true => executed.cells()[at + 1..]
            .iter()
            .take_while(|cell| marking(cell).is_none())
            .collect(),
        false => vec![cell],
    };
    let clean = |text: &str| escape(&strip_colours(text));
    let one = |cell: &&Cell| {
        shown::source(cell.kind(), &cell.source(), &clean) + &shown::outputs(cell, &clean)
    };
    let html: String = own.iter().map(one).collect();
    match html.trim().is_empty() {
        true => "<p class=\"quiet\">Nothing.</p>\n".into(),
        false => html,
    }
}

fn form(answer: &Answer<'_>, save: &str, problem: &str) -> String {
    let Answer { cell, row, .. } = answer;
    let hidden = [
        ("student", &row.student),
        ("assignment", &row.assignment),
        ("notebook", &row.notebook),
        ("cell", &row.cell),
    ];
    let mut html = format!(
        "<h2>Points</h2>\n<form method=\"post\" action=\"{}\">\n",
        escape(save)
    );
    for (name, value) in hidden {
        html.push_str(&format!(
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n",
            escape(value)
        ));
    }
    let rubric = rubric(answer.master, cell);
    let items = items(answer.master, cell);
    if items.is_empty() && !rubric.trim().is_empty() {
        html.push_str(&format!("<pre>{}</pre>\n", escape(rubric.trim())));
    }
    for (at, item) in items.iter().enumerate() {
        html.push_str(&format!(
            "<p><label><input type=\"checkbox\" name=\"item\" value=\"{at}\"> <b>{}</b> &nbsp;{}</label></p>\n",
            points(item.points),
            escape(&item.text)
        ));
    }
    if !problem.is_empty() {
        html.push_str(&format!(
            "<p class=\"bad\"><b>{}</b></p>\n",
            escape(problem)
        ));
    }
    let given = row.manual.map(points).unwrap_or_default();
    let note = match items.is_empty() {
        true => "",
        false => "; left empty, the ticked items add up",
    };
    html.push_str(&format!(
        "<p><label>Points <input name=\"score\" inputmode=\"decimal\" size=\"6\" value=\"{given}\" autofocus></label> \
         <span class=\"quiet\">of {}{note}</span></p>\n\
         <p><label for=\"comment\">Comment</label><br><textarea id=\"comment\" name=\"comment\" rows=\"4\">{}</textarea></p>\n\
         <p><button>Save and go on</button></p>\n</form>\n",
        points(row.max),
        escape(row.comment.as_deref().unwrap_or_default())
    ));
    html
}

/// The points that a form means, at most `most`: those entered, else the sum of the ticked items, else none.
///
/// # Errors
/// What is wrong with what was entered.
pub fn score(
    entered: &str,
    ticked: &[usize],
    items: &[Item],
    most: f64,
) -> Result<Option<f64>, String> {
    let entered = entered.trim();
    if entered.is_empty() {
        let sum: f64 = ticked
            .iter()
            .filter_map(|at| Some(items.get(*at)?.points))
            .sum();
        return Ok((!ticked.is_empty()).then_some(sum.min(most)));
    }
    // Half of Europe writes 2,5.
    match entered.replace(',', ".").parse::<f64>() {
        Ok(score) if (0.0..=most).contains(&score) => Ok(Some(score)),
        _ => Err(format!(
            "\u{201c}{entered}\u{201d} is no number from 0 to {}",
            points(most)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master() -> Master {
        let text = include_str!("../tests/week.md").replace(
            "Axes have names",
            "- 0.5: the axes <have> names\n- 1: it falls\nAxes have names",
        );
        Master::release("week", crate::text::parse(&text).unwrap()).unwrap()
    }

    fn row(cell: &str, needs_manual: bool) -> GradeRow {
        GradeRow {
            student: "ada".into(),
            assignment: "week".into(),
            notebook: "week".into(),
            cell: cell.into(),
            max: 1.5,
            auto: None,
            manual: None,
            extra: None,
            needs_manual,
            comment: Some("<well>".into()),
        }
    }

    #[test]
    fn items_with_points_are_read_from_a_mark_scheme() {
        let master = master();
        let items = items(&master, master.cell("w1-plot").unwrap());
        let expected = Item {
            points: 0.5,
            text: "the axes <have> names".into(),
        };
        assert_eq!((items.len(), &items[0]), (2, &expected));
        assert_eq!(item("- a: b"), None);
        assert_eq!(item("- -1: b"), None);
        assert_eq!(item("1: b"), None);
    }

    #[test]
    fn what_is_entered_counts_before_what_is_ticked() {
        let master = master();
        let items = items(&master, master.cell("w1-plot").unwrap());
        let score = |entered, ticked: &[usize]| score(entered, ticked, &items, 1.5);
        assert_eq!(score("", &[0, 1]), Ok(Some(1.5)));
        assert_eq!(score("", &[0, 9]), Ok(Some(0.5)));
        assert_eq!(score(" 1,25 ", &[0]), Ok(Some(1.25)));
        assert_eq!(score("", &[]), Ok(None));
        for wrong in ["2", "-1", "NaN", "inf", "one"] {
            assert!(score(wrong, &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_page_has_the_rubric_and_not_the_name() {
        let (master, row) = (master(), row("w1-plot", true));
        let one = Answer {
            master: &master,
            cell: master.cell("w1-plot").unwrap(),
            row: &row,
            executed: Some(&master.released),
            place: (1, 2),
        };
        let html = answer(&one, "save", &[("back", "..".into())], "");
        assert!(html.contains("the axes &lt;have&gt; names") && html.contains("answer 1 of 2"));
        assert!(html.contains("&lt;well&gt;"));
        assert!(!html.contains("<h1>ada") && !html.contains("<script"));
    }

    #[test]
    fn the_overview_leads_to_the_first_that_waits() {
        let rows = [
            row("a", false),
            row("a", true),
            row("a", true),
            row("b", false),
        ];
        let html = overview(&rows, |at| format!("answer-{at}"), "finish");
        assert!(html.contains("href=\"answer-1\">a<") && html.contains("2 of 3 wait"));
        assert!(html.contains("href=\"answer-3\">b<") && html.contains("done"));
    }
}
