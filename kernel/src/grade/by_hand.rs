//! `cvstudy grade by-hand`: points given by a person, on a page of this machine's own.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use ::grade::by_hand::{self, Answer};
use ::grade::gradebook::{GradeRow, Gradebook, ManualGrade};
use ::grade::{Graded, Notebook};
use anyhow::{Context, Result, anyhow};
use clap::Args;
use tiny_http::{Header, Method, Request, Response, Server};

use crate::report::write_reports;
use crate::run::print_line;

use super::Course;

/// The most that a form may hold, in bytes.
const LARGEST: u64 = 1 << 20;

/// Options of `cvstudy grade by-hand`.
#[derive(Debug, Args)]
pub(crate) struct ByHandOptions {
    /// The folder that results were written to
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The instructor's notebooks, as for `cvstudy grade`
    #[arg(long, value_name = "PATH")]
    source: Option<PathBuf>,

    /// Where the page is served, on this machine alone [default: any free port]
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
}

/// Serves the pages until the person is finished, then makes the reports.
///
/// # Errors
/// When there is nothing to give points for, or the gradebook cannot be used.
pub(super) fn by_hand(options: &ByHandOptions) -> Result<()> {
    let course = Course::find(&options.folder, options.source.as_deref())?;
    write_reports(&options.folder, &course, None, false)?;
    let desk = Desk {
        course: &course,
        root: &options.folder,
        // Whoever else is on this machine does not know it.
        key: uuid::Uuid::new_v4().simple().to_string(),
    };
    if desk.rows()?.is_empty() {
        print_line("no exercise waits for a person's points");
        return Ok(());
    }
    let server = Server::http(("127.0.0.1", options.port))
        .map_err(|error| anyhow!("cannot serve a page: {error}"))?;
    let address = server.server_addr();
    print_line(format!(
        "open http://{address}/{}/ and choose Finish there when you are done",
        desk.key
    ));
    for mut request in server.incoming_requests() {
        let reply = desk.reply(&mut request);
        let is_last = matches!(reply, Ok(Reply::Finished));
        // Whoever asked may be gone by now.
        let _ = request.respond(response(reply));
        if is_last {
            break;
        }
    }
    write_reports(&options.folder, &course, None, false)
}

/// What a request is answered with.
enum Reply {
    Page(String),
    /// Another page, by its address.
    See(String),
    Nothing,
    Finished,
}

fn response(reply: Result<Reply>) -> Response<std::io::Cursor<Vec<u8>>> {
    let header = |name: &str, value: &str| Header::from_bytes(name, value).ok();
    let html = |text: String, code: u16| {
        let response = Response::from_string(text).with_status_code(code);
        let kind = header("Content-Type", "text/html; charset=utf-8");
        kind.into_iter().fold(response, Response::with_header)
    };
    match reply {
        Ok(Reply::Page(text)) => html(text, 200),
        Ok(Reply::See(place)) => {
            let response = Response::from_string("").with_status_code(303);
            let place = header("Location", &place);
            place.into_iter().fold(response, Response::with_header)
        }
        Ok(Reply::Nothing) => html("There is no such page.".into(), 404),
        Ok(Reply::Finished) => html("Finished: the reports are being made.".into(), 200),
        Err(error) => {
            let text = rt::display::escape(&format!("{error:#}"));
            html(format!("<p>It could not be done: {text}</p>"), 500)
        }
    }
}

/// What there is to be given points for.
struct Desk<'a> {
    course: &'a Course,
    root: &'a Path,
    key: String,
}

impl Desk<'_> {
    fn reply(&self, request: &mut Request) -> Result<Reply> {
        let url = request.url().to_owned();
        let mut parts = url.trim_start_matches('/').split('/');
        if parts.next() != Some(self.key.as_str()) {
            return Ok(Reply::Nothing);
        }
        let page = parts.next().unwrap_or_default();
        match request.method() {
            Method::Get if page.is_empty() => self.overview(),
            Method::Get => match page.parse() {
                Ok(at) => self.answer(at, ""),
                Err(_) => Ok(Reply::Nothing),
            },
            Method::Post if page == "finish" => Ok(Reply::Finished),
            Method::Post => {
                let mut body = String::new();
                request
                    .as_reader()
                    .take(LARGEST)
                    .read_to_string(&mut body)?;
                self.save(&body)
            }
            _ => Ok(Reply::Nothing),
        }
    }

    fn place(&self, at: usize) -> String {
        format!("/{}/{at}", self.key)
    }

    fn overview(&self) -> Result<Reply> {
        let finish = format!("/{}/finish", self.key);
        let page = by_hand::overview(&self.rows()?, |at| self.place(at), &finish);
        Ok(Reply::Page(page))
    }

    /// All answers that people give points for, exercise by exercise.
    fn rows(&self) -> Result<Vec<GradeRow>> {
        let mut rows = Gradebook::open(&self.root.join("gradebook.db"))?.rows()?;
        rows.retain(|row| {
            // Tests whose points a person has to look at are among them, and stay when that is done.
            let is_open = row.needs_manual || row.manual.is_some();
            self.course
                .cell(&row.assignment, &row.notebook, &row.cell)
                .is_some_and(|(_, cell)| cell.marking.is_manual() || is_open)
        });
        rows.sort_by(|a, b| exercise(a).cmp(&exercise(b)));
        Ok(rows)
    }

    fn answer(&self, at: usize, problem: &str) -> Result<Reply> {
        let rows = self.rows()?;
        let Some(row) = rows.get(at) else {
            return Ok(Reply::Nothing);
        };
        let Some((master, cell)) = self.course.cell(&row.assignment, &row.notebook, &row.cell)
        else {
            return Ok(Reply::Nothing);
        };
        let of_exercise = |other: &&GradeRow| exercise(other) == exercise(row);
        let first = rows.iter().take(at).filter(of_exercise).count();
        let all = rows.iter().filter(of_exercise).count();
        let executed = self.executed(row);
        let answer = Answer {
            master,
            cell,
            row,
            executed: executed.as_ref(),
            place: (first + 1, all),
        };
        let mut others = vec![("All exercises", format!("/{}/", self.key))];
        if first > 0 {
            others.push(("Previous", self.place(at - 1)));
        }
        if first + 1 < all {
            others.push(("Next", self.place(at + 1)));
        }
        let save = format!("/{}/save", self.key);
        Ok(Reply::Page(by_hand::answer(
            &answer, &save, &others, problem,
        )))
    }

    fn executed(&self, row: &GradeRow) -> Option<Notebook> {
        let graded = Graded {
            student: row.student.clone(),
            assignment: row.assignment.clone(),
            notebook: row.notebook.clone(),
            ..Graded::default()
        };
        graded.executed(self.root)
    }

    /// Takes what was entered, and leads to the next answer of the exercise that waits.
    fn save(&self, body: &str) -> Result<Reply> {
        let fields: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect();
        let by_name: BTreeMap<&str, &str> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let field = |name| by_name.get(name).copied().unwrap_or_default();
        let rows = self.rows()?;
        let is_it = |row: &GradeRow| {
            row.student == field("student")
                && row.assignment == field("assignment")
                && row.notebook == field("notebook")
                && row.cell == field("cell")
        };
        let at = rows.iter().position(is_it);
        let at = at.context("this answer is not in the gradebook any more: go back and reload")?;
        let row = &rows[at];
        let ticked: Vec<usize> = fields
            .iter()
            .filter(|(name, _)| name == "item")
            .filter_map(|(_, value)| value.parse().ok())
            .collect();
        let (master, cell) = self
            .course
            .cell(&row.assignment, &row.notebook, &row.cell)
            .context("this exercise is gone")?;
        let items = by_hand::items(master, cell);
        let score = match by_hand::score(field("score"), &ticked, &items, cell.max_score()) {
            Ok(score) => score,
            Err(problem) => return self.answer(at, &problem),
        };
        let ticked = ticked.iter().filter_map(|at| items.get(*at));
        let ticked = ticked.map(ToString::to_string).collect();
        let comment = field("comment").trim().replace("\r\n", "\n");
        let is_changed = comment != row.comment.as_deref().unwrap_or_default();
        Gradebook::open(&self.root.join("gradebook.db"))?.put_manual(&ManualGrade {
            student: row.student.clone(),
            assignment: row.assignment.clone(),
            notebook: row.notebook.clone(),
            cell: row.cell.clone(),
            score,
            comment: is_changed.then_some(comment),
            items: Some(ticked),
        })?;
        let waits = |(other, one): &(usize, &GradeRow)| {
            *other != at && one.needs_manual && exercise(one) == exercise(row)
        };
        let (before, after): (Vec<_>, Vec<_>) = rows
            .iter()
            .enumerate()
            .filter(waits)
            .partition(|(other, _)| *other < at);
        let next = after.first().or(before.first());
        Ok(Reply::See(match next {
            Some((next, _)) => self.place(*next),
            None => format!("/{}/", self.key),
        }))
    }
}

fn exercise(row: &GradeRow) -> (&str, &str, &str) {
    (&row.assignment, &row.notebook, &row.cell)
}
