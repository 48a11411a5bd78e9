//! From a notebook to text.

use serde_json::{Map, Value};

use super::*;
use crate::attributes;
use crate::marking;
use crate::notebook::{Cell, Notebook};

/// Writes a notebook as text that [`parse`] turns into the same notebook, outputs and metadata included.
pub fn write(notebook: &Notebook) -> String {
    let mut text = String::new();
    if *notebook.metadata() != default_metadata() {
        let metadata = Value::Object(notebook.metadata().clone());
        text.push_str(&format!("---\njupyter: {metadata}\n---\n\n"));
    }
    let mut ids = Vec::new();
    let mut answer = None;
    let mut after_plain_text = false;
    for (at, cell) in notebook.cells().iter().enumerate() {
        let id = cell.id().unwrap_or_default().to_owned();
        let mut written = Written::of(cell, &ids, answer.as_deref());
        let first = at == 0;
        let is_plain = !cell.is_code()
            && written.attributes.is_empty()
            && is_plain_text(&written.source, first);
        if is_plain {
            // One blank line more than within a text.
            text.push_str(if after_plain_text { "\n" } else { "" });
            text.push_str(&format!("{}\n\n", written.source));
        } else if cell.is_code() {
            fenced(&mut text, &written.attributes, &written.source);
        } else {
            region(&mut text, &written.attributes, &written.source);
        }
        for hint in written.hints.drain(..) {
            let mut attributes = Map::new();
            attributes.insert("kind".into(), "hint".into());
            attributes.insert("of".into(), id.as_str().into());
            guard_source(&mut attributes, &hint);
            region(&mut text, &attributes, &hint);
        }
        for (name, source) in written.mutants.drain(..) {
            let mut attributes = Map::new();
            attributes.insert("kind".into(), "mutant".into());
            attributes.insert("name".into(), name.into());
            attributes.insert("of".into(), id.as_str().into());
            guard_source(&mut attributes, &source);
            fenced(&mut text, &attributes, &source);
        }
        if written.kind == Kind::Answer {
            answer = Some(id.clone());
        }
        after_plain_text = is_plain;
        ids.push(id);
    }
    let end = text.trim_end_matches('\n').len();
    text.truncate(end);
    text.push('\n');
    text
}

/// What a cell is written as.
struct Written {
    kind: Kind,
    attributes: Map<String, Value>,
    source: String,
    hints: Vec<String>,
    mutants: Vec<(String, String)>,
}

impl Written {
    fn of(cell: &Cell, ids: &[String], answer: Option<&str>) -> Self {
        let mut metadata = cell.metadata().cloned().unwrap_or_default();
        let mut attributes = Map::new();
        let id = cell.id().unwrap_or_default();
        let source = cell.source();
        let (kind, marking) = kind_of(cell);
        if marking.is_some() || id != auto_id(&source, ids) {
            attributes.insert("id".into(), id.into());
        }
        if let Some(name) = kind.name() {
            attributes.insert("kind".into(), name.into());
        }
        if let Some(marking) = &marking {
            metadata.shift_remove(marking::KEY);
            if marking.id() != id {
                attributes.insert("grade_id".into(), marking.id().into());
            }
            if let Some(points) = marking.points {
                attributes.insert("points".into(), points.into());
            }
        }
        let (hints, mutants) = ours(kind, answer, &mut metadata, &mut attributes);
        if let Some(tags) = metadata.shift_remove("tags") {
            attributes.insert("tags".into(), tags);
        }
        if !metadata.is_empty() {
            attributes.insert("metadata".into(), metadata.into());
        }
        let json = cell.as_json();
        if !cell.outputs().is_empty() {
            attributes.insert("outputs".into(), cell.outputs().to_vec().into());
        }
        if let Some(count) = json.get("execution_count").filter(|count| !count.is_null()) {
            attributes.insert("execution_count".into(), count.clone());
        }
        let extra: Map<String, Value> = json
            .iter()
            .filter(|(key, _)| !KNOWN_KEYS.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !extra.is_empty() {
            attributes.insert("extra".into(), extra.into());
        }
        guard_source(&mut attributes, &source);
        Self {
            kind,
            attributes,
            source,
            hints,
            mutants,
        }
    }
}

/// The kind, and the marking if the kind says all of it.
fn kind_of(cell: &Cell) -> (Kind, Option<Marking>) {
    if cell.kind() == CellKind::Raw {
        return (Kind::Raw, None);
    }
    let Ok(Some(marking)) = Marking::of(cell) else {
        return (Kind::Plain, None);
    };
    let flags = (
        marking.grade,
        marking.solution,
        marking.locked,
        marking.task,
    );
    let kind = match flags {
        (false, true, false, false) => Kind::Answer,
        (true, false, true, false) => Kind::Tests,
        (true, true, false, false) => Kind::Written,
        (false, false, true, true) => Kind::Task,
        (false, false, true, false) => Kind::Locked,
        _ => return (Kind::Plain, None),
    };
    // Written again it has to be the same: an older order of keys or a checksum stays where it is.
    let again = kind.marking(marking.id(), marking.points).map(|marking| {
        let mut cell = Cell::new(cell.kind(), "x", Map::new(), "");
        marking.put(&mut cell);
        cell.metadata()
            .and_then(|metadata| metadata.get(marking::KEY))
            .cloned()
    });
    let is_whole = again.flatten().as_ref()
        == cell
            .metadata()
            .and_then(|metadata| metadata.get(marking::KEY));
    match is_whole {
        true => (kind, Some(marking)),
        false => (Kind::Plain, None),
    }
}

type Attached = (Vec<String>, Vec<(String, String)>);

/// Takes what is ours out of the metadata, as far as the text has a place for it; else all stays.
fn ours(
    kind: Kind,
    answer: Option<&str>,
    metadata: &mut Map<String, Value>,
    attributes: &mut Map<String, Value>,
) -> Attached {
    let Some(Value::Object(mut ours)) = metadata.get(KEY).cloned() else {
        return Attached::default();
    };
    let mut found = Map::new();
    if kind == Kind::Tests {
        match ours.shift_remove("exercise") {
            Some(Value::String(exercise)) if Some(exercise.as_str()) == answer => {}
            Some(Value::String(exercise)) => {
                found.insert("of".into(), exercise.into());
            }
            None if answer.is_none() => {}
            _ => return Attached::default(),
        }
    }
    for key in ["title", "reveal"] {
        match ours.shift_remove(key) {
            Some(value @ Value::String(_)) => {
                found.insert(key.into(), value);
            }
            None => {}
            Some(_) => return Attached::default(),
        }
    }
    match ours.shift_remove("rubric") {
        Some(rubric) if kind.is_by_hand() && is_rubric(&rubric) => {
            found.insert("rubric".into(), rubric);
        }
        None => {}
        Some(_) => return Attached::default(),
    }
    let Some(hints) = strings(ours.shift_remove("hints")) else {
        return Attached::default();
    };
    let Some(mutants) = named_sources(ours.shift_remove("mutants")) else {
        return Attached::default();
    };
    // The order of the keys is that in which reading puts them.
    if !ours.is_empty() || !is_in_order(metadata.get(KEY)) {
        return Attached::default();
    }
    metadata.shift_remove(KEY);
    attributes.append(&mut found);
    (hints, mutants)
}

fn is_in_order(ours: Option<&Value>) -> bool {
    let keys = ours.and_then(Value::as_object).into_iter().flatten();
    let order = ["exercise", "title", "reveal", "rubric", "hints", "mutants"];
    let places: Vec<_> = keys
        .map(|(key, _)| order.iter().position(|known| known == key))
        .collect();
    !places.is_empty() && places.is_sorted()
}

fn strings(value: Option<Value>) -> Option<Vec<String>> {
    match value {
        None => Some(Vec::new()),
        Some(Value::Array(items)) if !items.is_empty() => items
            .into_iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect(),
        Some(_) => None,
    }
}

fn named_sources(value: Option<Value>) -> Option<Vec<(String, String)>> {
    let items = match value {
        None => return Some(Vec::new()),
        Some(Value::Array(items)) if !items.is_empty() => items,
        Some(_) => return None,
    };
    let one = |item: Value| {
        let item = item.as_object()?;
        let text = |key| item.get(key).and_then(Value::as_str).map(str::to_owned);
        (item.len() == 2).then_some((text("name")?, text("source")?))
    };
    items.into_iter().map(one).collect()
}

/// A carriage return would be taken for a line's end: such a source is written as JSON.
fn guard_source(attributes: &mut Map<String, Value>, source: &str) {
    if source.contains('\r') {
        attributes.insert("source".into(), source.into());
    }
}

fn body<'a>(attributes: &Map<String, Value>, source: &'a str) -> &'a str {
    if attributes.contains_key("source") {
        ""
    } else {
        source
    }
}

fn fenced(text: &mut String, attributes: &Map<String, Value>, source: &str) {
    let source = body(attributes, source);
    let longest = source
        .split('\n')
        .filter_map(fence)
        .map(str::len)
        .max()
        .unwrap_or(0);
    let ticks = "`".repeat(longest.max(2) + 1);
    let attributes = attributes::write(attributes);
    text.push_str(&format!("{ticks}{LANGUAGE}{attributes}\n"));
    if !source.is_empty() {
        text.push_str(source);
        text.push('\n');
    }
    text.push_str(&format!("{ticks}\n\n"));
}

fn region(text: &mut String, attributes: &Map<String, Value>, source: &str) {
    let source = body(attributes, source);
    text.push_str(&format!("{REGION}{} -->\n", attributes::write(attributes)));
    if !source.is_empty() {
        for line in source.split('\n') {
            text.push_str(if looks_like_region(line) { "\\" } else { "" });
            text.push_str(line);
            text.push('\n');
        }
    }
    text.push_str(&format!("{REGION_END}\n\n"));
}

/// Whether text can stand as it is, between cells.
fn is_plain_text(source: &str, first: bool) -> bool {
    let lines: Vec<&str> = source.split('\n').collect();
    let is_blank = |line: Option<&&str>| line.is_none_or(|line| line.trim().is_empty());
    let safe = |line: &&str| !looks_like_region(line) && fence(line).is_none();
    let has_edges = is_blank(lines.first()) || is_blank(lines.last());
    let is_parted = lines
        .windows(2)
        .any(|pair| pair.iter().all(|line| line.trim().is_empty()));
    let is_header = first && lines.first() == Some(&"---");
    let is_readable = lines.iter().all(safe) || is_balanced(&lines);
    !has_edges && !is_parted && !is_header && is_readable
}

/// Whether every fence in a text is closed in it, and none is a cell's.
fn is_balanced(lines: &[&str]) -> bool {
    let mut open: Option<&str> = None;
    for line in lines {
        match (open, fence(line)) {
            (Some(ticks), Some(_)) if line.trim_end() == ticks => open = None,
            (Some(_), _) => {}
            (None, Some(_)) if cell_fence(line).is_some() => return false,
            (None, Some(ticks)) => open = Some(ticks),
            (None, None) if looks_like_region(line) => return false,
            (None, None) => {}
        }
    }
    open.is_none()
}
