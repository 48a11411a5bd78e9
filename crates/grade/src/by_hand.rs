//! Pages on which a person gives points: what waits, and one answer after another with its rubric.
//!
//! Answers are shown without their authors' names, exercise by exercise: that is fairer, and quicker.
//!
//! A rubric may have items with points, which can be ticked. They stand in the mark scheme of a task, each on a line
//! of its own, or in the attribute `rubric` of any cell that a person gives points for:
//!
//! ````markdown
//! - 0.5: the axes have names
//! - 1: the curve falls
//!
//! ```rust id="w1-plot" kind="written" points=1.5 rubric=["0.5: the axes have names", "1: the curve falls"]
//! ```
//! ````
//!
//! What is ticked is kept, and shown to the learner.

use std::fmt;

use rt::display::escape;

use crate::exercise::Extras;
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

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.points, self.text)
    }
}

impl Item {
    /// Reads `0.5: the axes have names`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, text) = text.split_once(':')?;
        let points: f64 = number.trim().parse().ok()?;
        (points.is_finite() && points >= 0.0).then(|| Self {
            points,
            text: text.trim().to_owned(),
        })
    }
}

/// The items of a cell's rubric, in their order: those of its attribute, then those of its mark scheme.
pub fn items(master: &Master, cell: &MasterCell) -> Vec<Item> {
    let extras = find(&master.source, cell.marking.id()).map(|(_, own)| Extras::of(own));
    let own = extras.and_then(Result::ok).unwrap_or_default().rubric;
    let scheme = rubric(master, cell);
    let of_scheme = scheme.lines().filter_map(item);
    let own = own.iter().filter_map(|text| Item::parse(text));
    own.chain(of_scheme).collect()
}

/// `- 0.5: the axes have names`
fn item(line: &str) -> Option<Item> {
    let line = line.trim();
    let text = line
        .strip_prefix("- ")
        .or_else(|| line.strip_prefix("* "))?;
    Item::parse(text)
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
    let model = model(answer.master, cell);
    let (asked, model) = match cell.marking.task {
        true => (model, String::new()),
        false => (question(answer.master, cell), model),
    };
    let title = match cell.marking.is_tests() {
        true => "The tests",
        false => "The instructor\u{2019}s answer",
    };
    for (title, text) in [("Asked", asked), (title, model)] {
        if !text.trim().is_empty() {
            body.push_str(&format!("<h2>{title}</h2>\n{text}"));
        }
    }
    body.push_str("<h2>Answered</h2>\n");
    body.push_str(&answered(answer));
    body.push_str(&form(answer, save, problem));
    page(&format!("{}: {} of {}", row.cell, place.0, place.1), &body)
}

/// A cell as the instructor wrote it, without its mark scheme, for the page.
fn model(master: &Master, cell: &MasterCell) -> String {
    let text = MARK_SCHEME.replace(&written(master, cell), None);
    match find(&master.source, cell.marking.id()) {
        Some((_, own)) => shown::source(own, &text.unwrap_or_default(), &str::to_owned),
        None => String::new(),
    }
}

/// The text above a cell, as far as it belongs to no other exercise, for the page.
fn question(master: &Master, cell: &MasterCell) -> String {
    let cells = master.released.cells();
    let at = find(&master.released, cell.marking.id()).map_or(0, |(at, _)| at);
    let above = cells[..at].iter().rev();
    let mut texts: Vec<String> = above
        .take_while(|cell| {
            !cell.is_code() && marking(cell).is_none_or(|marking| !marking.grade && !marking.task)
        })
        .map(|cell| shown::source(cell, &cell.source(), &str::to_owned))
        .collect();
    texts.reverse();
    texts.concat()
}

/// The learner's cell; of a task, what stands between it and the next cell with points; of tests, the answer and what
/// they made of it.
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
        false => {
            let exercise = answer.cell.extras.exercise.as_deref();
            let tested = exercise.and_then(|id| find(executed, id));
            let tested = tested.map(|(_, tested)| tested);
            tested.into_iter().chain([cell]).collect()
        }
    };
    let one = |cell: &&Cell| {
        shown::source(cell, &cell.source(), &strip_colours) + &shown::outputs(cell, &strip_colours)
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
        let state = match row.items.contains(&item.to_string()) {
            true => " checked",
            false => "",
        };
        html.push_str(&format!(
            "<p><label><input type=\"checkbox\" name=\"item\" value=\"{at}\"{state}> <b>{}</b> &nbsp;{}</label></p>\n",
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
            items: vec!["1: it falls".into()],
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
    fn items_are_read_from_an_attribute_and_never_released() {
        let text = include_str!("../tests/week.md").replace(
            "kind=\"written\" points=3",
            "kind=\"written\" points=3 rubric=[\"2: the <reason>\", \"1: an example\"]",
        );
        let source = crate::text::parse(&text).unwrap();
        let again = crate::text::parse(&crate::text::write(&source)).unwrap();
        assert_eq!(again.to_json(), source.to_json());
        let master = Master::release("week", source).unwrap();
        let items = items(&master, master.cell("w1-why").unwrap());
        let texts: Vec<String> = items.iter().map(Item::to_string).collect();
        assert_eq!(texts, ["2: the <reason>", "1: an example"]);
        let released = String::from_utf8(master.released.to_json()).unwrap();
        assert!(!released.contains("an example") && !released.contains("rubric"));
        let wrong = text.replace("1: an example", "an example");
        let error = crate::text::parse(&wrong).unwrap_err().to_string();
        assert!(error.contains("rubric"), "{error}");
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
        assert!(html.contains("value=\"0\"> ") && html.contains("value=\"1\" checked> "));
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
