//! From text to a notebook.

use serde_json::{Map, Value, json};

use super::*;
use crate::attributes;
use crate::error::GradeError;
use crate::marking::{self, is_valid_id};
use crate::notebook::{Cell, Notebook};

/// Reads a notebook from its text. Answers keep their solutions, hints and mutants lie in the metadata of
/// their answer: this is the instructor's notebook.
///
/// # Errors
/// The first mistake, with its line.
pub fn parse(text: &str) -> Result<Notebook, GradeError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let normal = text.replace("\r\n", "\n");
    let lines: Vec<&str> = normal.split('\n').collect();
    let (metadata, body) = header(&lines)?;
    let mut reader = Reader {
        cells: Vec::new(),
        ids: Vec::new(),
        answer: None,
        tested: Vec::new(),
    };
    for piece in pieces(&lines, body)? {
        reader.take(&piece)?;
    }
    reader.check_tested()?;
    Ok(Notebook::new(reader.cells, metadata))
}

fn mistake(line: usize, problem: impl Into<String>) -> GradeError {
    GradeError::Source {
        line: line + 1,
        problem: problem.into(),
    }
}

/// The notebook's metadata, and where the text begins.
fn header(lines: &[&str]) -> Result<(Map<String, Value>, usize), GradeError> {
    if lines.first() != Some(&"---") {
        return Ok((default_metadata(), 0));
    }
    let Some(end) = lines.iter().skip(1).position(|line| *line == "---") else {
        return Ok((default_metadata(), 0));
    };
    let mut metadata = default_metadata();
    for (at, line) in lines.iter().enumerate().skip(1).take(end) {
        match line.strip_prefix("jupyter:") {
            Some(json) => {
                metadata = serde_json::from_str(json).map_err(|error| {
                    mistake(
                        at,
                        format!(
                            "`jupyter:` is followed by the notebook's metadata as JSON: {error}"
                        ),
                    )
                })?;
            }
            None if line.trim().is_empty() => {}
            None => {
                return Err(mistake(
                    at,
                    format!(
                        "`{line}` is not understood: only `jupyter: {{...}}` may stand between the `---`"
                    ),
                ));
            }
        }
    }
    Ok((metadata, end + 2))
}

/// A cell as it stands in the text.
struct Piece {
    /// The line it begins with, from 0.
    line: usize,
    is_code: bool,
    attributes: Map<String, Value>,
    source: String,
}

fn pieces(lines: &[&str], body: usize) -> Result<Vec<Piece>, GradeError> {
    let mut pieces = Vec::new();
    let mut text_from = body;
    let mut at = body;
    while let Some(line) = lines.get(at) {
        let (end, piece) = if let Some((ticks, attributes)) = cell_fence(line) {
            let closing = |line: &&str| line.trim_end() == ticks;
            let length = lines[at + 1..].iter().position(closing).ok_or_else(|| {
                mistake(
                    at,
                    format!("this cell is not closed: `{ticks}` is missing after it"),
                )
            })?;
            let end = at + 1 + length;
            (
                end,
                Piece::new(at, true, attributes, lines[at + 1..end].join("\n"))?,
            )
        } else if let Some(rest) = line.strip_prefix(REGION) {
            let attributes = rest
                .trim_end()
                .strip_suffix("-->")
                .ok_or_else(|| mistake(at, "the line of a region ends with `-->`"))?;
            let length = lines[at + 1..]
                .iter()
                .position(|line| line.trim_end() == REGION_END)
                .ok_or_else(|| mistake(at, format!("this region has no `{REGION_END}`")))?;
            let end = at + 1 + length;
            let inside = lines[at + 1..end]
                .iter()
                .map(|line| match line.strip_prefix('\\') {
                    Some(rest) if looks_like_region(line) => rest,
                    _ => line,
                });
            let source = inside.collect::<Vec<_>>().join("\n");
            (end, Piece::new(at, false, attributes, source)?)
        } else if let Some(ticks) = fence(line) {
            // Code in a text is text, whatever stands in it.
            let closing = |line: &&str| line.trim_end() == ticks;
            let length = lines[at + 1..].iter().position(closing);
            at += length.map_or(1, |length| length + 2);
            continue;
        } else {
            at += 1;
            continue;
        };
        split_text(lines, text_from, at, &mut pieces);
        pieces.push(piece);
        at = end + 1;
        text_from = at;
    }
    split_text(lines, text_from, lines.len(), &mut pieces);
    Ok(pieces)
}

/// Cuts text at double blank lines outside of fences.
fn split_text(lines: &[&str], from: usize, to: usize, pieces: &mut Vec<Piece>) {
    let mut begin = from;
    let mut blank = 0;
    let mut open: Option<&str> = None;
    let mut push = |begin: usize, end: usize| {
        let is_blank = |line: &&&str| line.trim().is_empty();
        let first = begin + lines[begin..end].iter().take_while(is_blank).count();
        let tail = lines[first..end].iter().rev().take_while(is_blank).count();
        if first < end - tail {
            pieces.push(Piece {
                line: first,
                is_code: false,
                attributes: Map::new(),
                source: lines[first..end - tail].join("\n"),
            });
        }
    };
    for (at, line) in lines.iter().enumerate().take(to).skip(from) {
        match (open, fence(line)) {
            (Some(ticks), _) if line.trim_end() == ticks => open = None,
            (None, Some(ticks)) => {
                let closed = lines[at + 1..to]
                    .iter()
                    .any(|line| line.trim_end() == ticks);
                open = closed.then_some(ticks);
            }
            _ => {}
        }
        blank = match line.trim().is_empty() && open.is_none() {
            true => blank + 1,
            false => 0,
        };
        if blank == 2 {
            push(begin, at);
            begin = at;
        }
    }
    push(begin, to);
}

impl Piece {
    fn new(line: usize, is_code: bool, text: &str, source: String) -> Result<Self, GradeError> {
        let attributes = attributes::parse(text).map_err(|problem| mistake(line, problem))?;
        Ok(Self {
            line,
            is_code,
            attributes,
            source,
        })
    }

    fn wrong(&self, problem: impl Into<String>) -> GradeError {
        mistake(self.line, problem)
    }

    fn take_text(&mut self, name: &str) -> Result<Option<String>, GradeError> {
        match self.attributes.shift_remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            // `id=7` is a name as well.
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(self.wrong(format!("`{name}` is a word or a text in quotes"))),
        }
    }

    fn take_object(&mut self, name: &str) -> Result<Map<String, Value>, GradeError> {
        match self.attributes.shift_remove(name) {
            None => Ok(Map::new()),
            Some(Value::Object(object)) => Ok(object),
            Some(_) => Err(self.wrong(format!("`{name}` is a JSON object"))),
        }
    }
}

struct Reader {
    cells: Vec<Cell>,
    ids: Vec<String>,
    /// The latest answer: where its cell is.
    answer: Option<usize>,
    /// The answers that tests name, with the line of the tests: tests may stand before their answer.
    tested: Vec<(usize, String)>,
}

impl Reader {
    fn take(&mut self, piece: &Piece) -> Result<(), GradeError> {
        let mut piece = Piece {
            attributes: piece.attributes.clone(),
            source: piece.source.clone(),
            ..*piece
        };
        if let Some(source) = piece.take_text("source")? {
            piece.source = source;
        }
        let kind = match piece.take_text("kind")? {
            None => Kind::Plain,
            Some(name) => Kind::named(&name).ok_or_else(|| {
                let known: Vec<_> = Kind::NAMED.iter().map(|(name, _)| *name).collect();
                piece.wrong(format!(
                    "there is no kind `{name}`, only {}",
                    known.join(", ")
                ))
            })?,
        };
        match kind {
            Kind::Hint | Kind::Mutant => self.attach(kind, piece),
            _ => self.cell(kind, piece),
        }
    }

    /// A hint or a mutant goes to its answer.
    fn attach(&mut self, kind: Kind, mut piece: Piece) -> Result<(), GradeError> {
        let of = piece.take_text("of")?;
        let name = piece.take_text("name")?;
        refuse_others(&piece)?;
        let (key, item) = match kind {
            Kind::Mutant => {
                let name = name.ok_or_else(|| {
                    piece.wrong("a mutant needs a `name` that says what is wrong with it")
                })?;
                ("mutants", json!({ "name": name, "source": piece.source }))
            }
            _ => ("hints", Value::String(piece.source.clone())),
        };
        let at = match &of {
            Some(id) => self.cells.iter().position(|cell| cell.id() == Some(id)),
            None => self.answer,
        };
        let Some(cell) = at.and_then(|at| self.cells.get_mut(at)) else {
            let problem = match of {
                Some(id) => format!("there is no cell `{id}` before this"),
                None => "there is no answer before this; say whose it is with `of`".into(),
            };
            return Err(piece.wrong(problem));
        };
        let ours = cell.metadata_mut().entry(KEY).or_insert_with(|| json!({}));
        match ours.get_mut(key).and_then(Value::as_array_mut) {
            Some(items) => items.push(item),
            None => ours[key] = json!([item]),
        }
        Ok(())
    }

    fn cell(&mut self, kind: Kind, mut piece: Piece) -> Result<(), GradeError> {
        let given = piece.take_text("id")?;
        let grade_id = piece.take_text("grade_id")?;
        let points = self.points(kind, &mut piece)?;
        if kind.marking("", None).is_some() && given.is_none() {
            return Err(piece.wrong("this kind of cell needs an `id`"));
        }
        let id = given.unwrap_or_else(|| auto_id(&piece.source, &self.ids));
        if !marking::is_valid_id(&id) || id.is_empty() || id.len() > 64 {
            return Err(piece.wrong(format!(
                "`{id}` is no id: up to 64 letters, digits, `-` and `_`"
            )));
        }
        if self.ids.contains(&id) {
            return Err(piece.wrong(format!("this is the second cell with the id `{id}`")));
        }
        let mut metadata = piece.take_object("metadata")?;
        if let Some(tags) = piece.attributes.shift_remove("tags") {
            metadata.insert("tags".into(), tags);
        }
        let of = piece.take_text("of")?;
        let mut ours = Map::new();
        if kind == Kind::Tests {
            let before = || {
                self.answer
                    .and_then(|at| self.cells.get(at)?.id().map(str::to_owned))
            };
            if let Some(exercise) = &of {
                self.tested.push((piece.line, exercise.clone()));
            }
            if let Some(exercise) = of.or_else(before) {
                ours.insert("exercise".into(), exercise.into());
            }
        } else if of.is_some() {
            return Err(piece.wrong("`of` is for tests, hints and mutants"));
        }
        for key in ["title", "reveal"] {
            if let Some(text) = piece.take_text(key)? {
                ours.insert(key.into(), text.into());
            }
        }
        if let Some(rubric) = piece.attributes.shift_remove("rubric") {
            if !kind.is_by_hand() || !is_rubric(&rubric) {
                return Err(piece.wrong(
                    "`rubric` is for written answers and tasks, a list as in [\"0.5: the axes have names\"]",
                ));
            }
            ours.insert("rubric".into(), rubric);
        }
        if !ours.is_empty() {
            metadata.insert(KEY.into(), ours.into());
        }
        let outputs = piece.attributes.shift_remove("outputs");
        let count = piece.attributes.shift_remove("execution_count");
        let extra = piece.take_object("extra")?;
        refuse_others(&piece)?;
        let mut cell = Cell::new(cell_kind(kind, piece.is_code), &id, metadata, &piece.source);
        if let Some(marking) = kind.marking(grade_id.as_deref().unwrap_or(&id), points) {
            if !is_valid_id(marking.id()) {
                return Err(piece.wrong("a `grade_id` has letters, digits, `-` and `_` only"));
            }
            marking.put(&mut cell);
            Marking::of(&cell).map_err(|error| piece.wrong(error.to_string()))?;
        }
        cell.restore(outputs, count, extra);
        if kind == Kind::Answer {
            self.answer = Some(self.cells.len());
        }
        self.ids.push(id);
        self.cells.push(cell);
        Ok(())
    }

    /// Whether all answers are there that tests say they are for.
    fn check_tested(&self) -> Result<(), GradeError> {
        let is_answer = |cell: &&Cell| {
            let marking = Marking::of(cell).ok().flatten();
            marking.is_some_and(|marking| marking.solution)
        };
        let answers = self.cells.iter().filter(is_answer);
        let answers: Vec<&str> = answers.filter_map(Cell::id).collect();
        match self
            .tested
            .iter()
            .find(|(_, id)| !answers.contains(&id.as_str()))
        {
            Some((line, id)) => Err(mistake(
                *line,
                format!(
                    "there is no answer `{id}` for these tests; there are {}",
                    answers.join(", ")
                ),
            )),
            None => Ok(()),
        }
    }

    fn points(&self, kind: Kind, piece: &mut Piece) -> Result<Option<f64>, GradeError> {
        match piece.attributes.shift_remove("points") {
            Some(points) => match points.as_f64() {
                Some(points) if kind.has_points() || kind.marking("", None).is_some() => {
                    Ok(Some(points))
                }
                Some(_) => Err(piece.wrong("`points` are for tests, written answers and tasks")),
                None => Err(piece.wrong("`points` is a number, as in points=2.5")),
            },
            None if kind.has_points() => Err(piece.wrong("this kind of cell needs `points`")),
            None => Ok(None),
        }
    }
}

fn refuse_others(piece: &Piece) -> Result<(), GradeError> {
    match piece.attributes.keys().next() {
        None => Ok(()),
        Some(name) => Err(piece.wrong(format!("`{name}` is not understood here"))),
    }
}
