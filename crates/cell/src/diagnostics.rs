//! The compiler's messages, told about the learner's cell instead of the generated source.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use serde::{Deserialize, Serialize};

use crate::event::ErrorReport;
use crate::lower::{Lowered, Region};
use crate::source::{CellText, Origin};

/// A message as the compiler writes it (`--error-format=json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What it says.
    pub message: String,
    /// Its code, such as `E0382`.
    pub code: Option<Code>,
    /// `error`, `warning`, `note`, `help`.
    pub level: String,
    /// The places it is about.
    pub spans: Vec<Span>,
    /// Notes and suggestions.
    pub children: Vec<Message>,
}

/// The code of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// `E0382`, or a lint's name.
    pub code: String,
}

/// A place in a source file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The file; ours is the crate's name with `.rs`.
    pub file_name: String,
    /// The first byte.
    pub byte_start: usize,
    /// The byte after the last.
    pub byte_end: usize,
    /// Whether the message is mainly about this place.
    pub is_primary: bool,
    /// What is said about it.
    pub label: Option<String>,
    /// What should stand there instead.
    pub suggested_replacement: Option<String>,
    /// The macro call it comes from.
    pub expansion: Option<Box<Expansion>>,
}

/// Where a macro was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expansion {
    /// The call.
    pub span: Span,
}

impl Message {
    /// The message's code, or nothing.
    pub fn code(&self) -> &str {
        self.code.as_ref().map_or("", |code| &code.code)
    }

    /// Whether it is an error, and not the closing "aborting due to".
    pub fn is_error(&self) -> bool {
        self.level.starts_with("error")
            && !(self.spans.is_empty() && self.message.starts_with("aborting due to"))
    }

    /// Our regions that the message touches, of the crate it is about.
    pub fn regions<'a>(&self, lowered: &'a Lowered, file: &str) -> Vec<&'a Region> {
        let touched = |span: &Span| lowered.region_of(&span.in_file(file)?);
        // Where a variable is loaded is only mentioned by errors about its use, which are the learner's.
        let mut found: Vec<(&Span, &Region)> = self
            .spans
            .iter()
            .filter_map(|span| Some((span, touched(span)?)))
            .filter(|(span, region)| span.is_primary || !matches!(region, Region::Load(_)))
            .collect();
        if self.code() == "E0505" {
            // "x is borrowed, and cannot move here": the one that borrows is the other one.
            found.sort_by_key(|(span, region)| {
                (!matches!(region, Region::Keep(_)), span.is_primary)
            });
        } else {
            found.sort_by_key(|(span, _)| !span.is_primary);
        }
        found.into_iter().map(|(_, region)| region).collect()
    }

    /// The cell that it is mainly about, if it is about one.
    pub fn cell(&self, lowered: &Lowered, file: &str) -> Option<Origin> {
        let primary = self.spans.iter().filter(|span| span.is_primary);
        primary
            .filter_map(|span| lowered.source.origin(span.in_file(file)?))
            .next()
    }
}

impl Span {
    /// The bytes it means in `file`; for a macro of another file, those of the call.
    fn in_file(&self, file: &str) -> Option<Range<usize>> {
        let mut span = self;
        loop {
            if span.file_name == file {
                return Some(span.byte_start..span.byte_end);
            }
            span = &span.expansion.as_ref()?.span;
        }
    }
}

/// Makes one report of the errors of a compilation.
pub fn report(
    messages: &[Message],
    sources: &Sources<'_>,
    hints: &dyn Fn(&Message) -> Option<String>,
) -> ErrorReport {
    let errors: Vec<&Message> = messages
        .iter()
        .filter(|message| message.is_error())
        .collect();
    let first = errors.first();
    let evalue = first.map_or_else(
        || "the cell does not compile".to_string(),
        |message| headline(message),
    );
    let mut traceback = Vec::new();
    for message in messages
        .iter()
        .filter(|message| message.is_error() || message.level == "warning")
    {
        // Warnings beside errors are mostly consequences; the errors come first.
        if message.is_error() {
            let hint = hints(message);
            traceback.extend(
                render(message, sources, hint.as_deref())
                    .lines()
                    .map(str::to_string),
            );
        }
    }
    if errors.len() > 1 {
        traceback.push(format!("\u{1b}[1m{} errors\u{1b}[0m", errors.len()));
    }
    ErrorReport {
        ename: "CompileError".into(),
        evalue,
        traceback,
    }
}

fn headline(message: &Message) -> String {
    match message.code() {
        // Lints have names, which say little to a learner.
        code if code.starts_with('E') => format!("error[{code}]: {}", message.message),
        _ => format!("error: {}", message.message),
    }
}

/// Renders one message as the compiler would, with places in the learner's cells.
pub fn render(message: &Message, sources: &Sources<'_>, hint: Option<&str>) -> String {
    let places = Places(sources);
    let mut groups = vec![places.group(
        level_of(message),
        &message.message,
        message.code(),
        &message.spans,
    )];
    for child in &message.children {
        let suggests = child
            .spans
            .iter()
            .any(|span| span.suggested_replacement.is_some());
        let shown_spans = places.by_cell(&child.spans);
        if shown_spans.is_empty() && !child.spans.is_empty() {
            // About generated source only: nothing the learner could look at.
            continue;
        }
        if suggests {
            groups.extend(places.suggestion(child));
        } else if child.spans.is_empty() {
            let last = groups.pop();
            groups.extend(
                last.map(|group| group.element(level_of(child).message(child.message.as_str()))),
            );
        } else {
            groups.push(places.group(level_of(child), &child.message, "", &child.spans));
        }
    }
    if let Some(hint) = hint
        && let Some(last) = groups.pop()
    {
        groups.push(last.element(Level::HELP.message(hint)));
    }
    Renderer::styled().render(&groups)
}

fn level_of(message: &Message) -> Level<'static> {
    match message.level.as_str() {
        "warning" => Level::WARNING,
        "note" => Level::NOTE,
        "help" => Level::HELP,
        _ => Level::ERROR,
    }
}

/// Spans with their places, by the cell they are in.
type ByCell<'s> = BTreeMap<String, (Arc<CellText>, Vec<(Range<usize>, &'s Span)>)>;

/// The generated sources that a message may be about.
pub struct Sources<'a> {
    /// The one that was compiled.
    pub lowered: &'a Lowered,
    /// Its file.
    pub file: &'a str,
    /// Those of earlier cells, by file.
    pub earlier: &'a BTreeMap<String, Arc<Lowered>>,
}

impl Sources<'_> {
    /// The place in a cell that a span is about.
    fn origin(&self, span: &Span) -> Option<Origin> {
        if let Some(range) = span.in_file(self.file) {
            return self.lowered.source.origin(range);
        }
        // The compiler gives the path under which the crate was compiled; its last part is the crate's name.
        let name = span.file_name.rsplit('/').next()?;
        let earlier = self.earlier.get(name)?;
        earlier.source.origin(span.byte_start..span.byte_end)
    }
}

struct Places<'a>(&'a Sources<'a>);

impl<'a> Places<'a> {
    /// The spans that are in cells, by cell.
    fn by_cell<'s>(&self, spans: &'s [Span]) -> ByCell<'s> {
        let mut cells = ByCell::new();
        for span in spans {
            let Some(origin) = self.0.origin(span) else {
                continue;
            };
            let entry = cells
                .entry(origin.cell.label.clone())
                .or_insert_with(|| (Arc::clone(&origin.cell), Vec::new()));
            if entry.0 == origin.cell {
                entry.1.push((origin.range, span));
            }
        }
        cells
    }

    fn group<'m>(
        &self,
        level: Level<'m>,
        text: &'m str,
        code: &'m str,
        spans: &'m [Span],
    ) -> Group<'m> {
        let mut title = level.primary_title(text);
        if !code.is_empty() && code.starts_with('E') {
            title = title.id(code);
        }
        let mut group = Group::with_title(title);
        for (_, (cell, spans)) in self.by_cell(spans) {
            let mut snippet = Snippet::source(cell.text.clone())
                .path(path_of(&cell))
                .line_start(1);
            for (range, span) in spans {
                let kind = if span.is_primary {
                    AnnotationKind::Primary
                } else {
                    AnnotationKind::Context
                };
                snippet = snippet.annotation(kind.span(range).label(span.label.as_deref()));
            }
            group = group.element(snippet);
        }
        group
    }

    fn suggestion<'m>(&self, child: &'m Message) -> Option<Group<'m>> {
        let mut group = Group::with_title(Level::HELP.secondary_title(child.message.as_str()));
        let mut any = false;
        for (_, (cell, spans)) in self.by_cell(&child.spans) {
            let mut snippet = Snippet::source(cell.text.clone())
                .path(path_of(&cell))
                .line_start(1);
            for (range, span) in spans {
                let Some(replacement) = &span.suggested_replacement else {
                    continue;
                };
                snippet = snippet.patch(Patch::new(range, replacement.as_str()));
                any = true;
            }
            group = group.element(snippet);
        }
        any.then_some(group)
    }
}

/// How a cell is called in messages.
fn path_of(cell: &CellText) -> String {
    format!("[{}]", cell.label)
}

/// Whether a warning is about the learner's text, and not about what our way of compiling makes of it.
pub fn is_worth_showing(
    message: &Message,
    lowered: &Lowered,
    file: &str,
    bindings: &[Range<usize>],
) -> bool {
    let Some(origin) = message.cell(lowered, file) else {
        return false;
    };
    let unused = matches!(
        message.code(),
        "unused_mut" | "unused_variables" | "unused_assignments"
    );
    // A variable that is not used, or not changed, in this cell may well be in the next.
    let about_a_binding = || {
        bindings
            .iter()
            .any(|binding| binding.start <= origin.range.end && origin.range.start <= binding.end)
    };
    // What waits to be written uses nothing yet: an exercise as it is handed out.
    let about_a_stub = || origin.cell.text.contains("todo!(");
    !(unused && (about_a_binding() || about_a_stub()))
}
