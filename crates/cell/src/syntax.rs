//! Text that `syn` cannot read: what the compiler says of its syntax.
//!
//! The compiler is given the text alone, or inside of one function, because the source that a cell becomes
//! would mix its own brackets into the message.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostics::{self, Message, Sources};
use crate::event::ErrorReport;
use crate::lower::Lowered;
use crate::rustc::{Job, Refusal, Rustc};
use crate::source::CellText;

/// Whether the compiler can read a cell that `syn` cannot.
///
/// # Errors
/// What is wrong with its syntax.
pub(crate) fn check(rustc: &Rustc, cell: &Arc<CellText>) -> Result<(), ErrorReport> {
    let alone = read(rustc, cell, "", "")?;
    // Brackets are matched before anything else is read; what stands outside of a function says nothing yet.
    if let Some(report) = alone.report(&|message| is_about_brackets(message)) {
        return Err(report);
    }
    let inside = read(rustc, cell, "fn cell() {\n", "\n}\n")?;
    inside.report(&|_| true).map_or(Ok(()), Err)
}

/// What the compiler said of a text.
struct Reading {
    messages: Vec<Message>,
    lowered: Lowered,
    file: String,
}

impl Reading {
    /// The report of its syntax errors (those without a code), if the first is of a kind.
    fn report(&self, of_kind: &dyn Fn(&Message) -> bool) -> Option<ErrorReport> {
        let syntax: Vec<Message> = self
            .messages
            .iter()
            .filter(|message| message.is_error() && message.code().is_empty())
            .cloned()
            .collect();
        of_kind(syntax.first()?).then(|| {
            let sources = Sources {
                lowered: &self.lowered,
                file: &self.file,
                earlier: &BTreeMap::new(),
            };
            diagnostics::report(&syntax, &sources, &|_| None)
        })
    }
}

fn read(
    rustc: &Rustc,
    cell: &Arc<CellText>,
    before: &str,
    after: &str,
) -> Result<Reading, ErrorReport> {
    let mut lowered = Lowered::default();
    lowered.source.ours(before);
    lowered.source.theirs(cell, 0..cell.text.len(), &[]);
    let end = before.len() + cell.text.trim_end().len();
    lowered.source.ours(after);
    let job = Job {
        source: &lowered.source.text,
        opt_level: 0,
        externs: Vec::new(),
        statics: Vec::new(),
        libraries: Vec::new(),
        native: Vec::new(),
        keeps: false,
    };
    let name = rustc.name_of(&job);
    let file = format!("{name}.rs");
    let mut messages = match rustc.compile(&job, name) {
        Ok(_) => Vec::new(),
        Err(Refusal::Errors(messages)) => messages,
        Err(Refusal::Interrupted) => return Err(crate::compile::interrupted()),
        // Nothing learnt; the cell is compiled as it is.
        Err(Refusal::Broken(_)) => Vec::new(),
    };
    // Behind the text means at its end: "expected expression, found `}`".
    for span in messages.iter_mut().flat_map(|message| &mut message.spans) {
        span.byte_start = span.byte_start.min(end);
        span.byte_end = span.byte_end.min(end);
    }
    Ok(Reading {
        messages,
        lowered,
        file,
    })
}

fn is_about_brackets(message: &Message) -> bool {
    const SIGNS: &[&str] = &["delimiter", "unterminated", "unknown start of token"];
    SIGNS.iter().any(|sign| message.message.contains(sign))
}
