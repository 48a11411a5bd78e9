//! What the compiler's errors say about our own code: answers to questions that only it can decide.
//!
//! Whether a variable was moved, whether a value borrows, whether a type can be named: generated code asks, and
//! an error in that code is the "no". An error in an item of an earlier cell means that the item no longer fits.

use std::collections::BTreeSet;

use regex::Regex;

use crate::diagnostics::Message;
use crate::lower::{Lowered, Region};
use crate::names;
use crate::parse::{Fleeting, Parsed};
use crate::session::{Outdated, Session};

/// Answers gathered from the compiler so far.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) moved: BTreeSet<String>,
    /// Moved and assigned again, see `lower::Body::inside`.
    pub(crate) inside: BTreeSet<String>,
    pub(crate) unkept: BTreeSet<String>,
    pub(crate) notes: Vec<String>,
    /// Names that a type may no longer be the same for.
    pub(crate) changed: BTreeSet<String>,
}

impl Answers {
    /// Takes in what is out of date.
    pub(crate) fn outdate(&mut self, outdated: Outdated) {
        self.changed.extend(outdated.names);
        self.notes
            .extend(outdated.variables.iter().map(|(name, cause)| {
                format!(
                    "`{name}` is gone, because `{cause}`, which its type contains, was redefined"
                )
            }));
    }

    pub(crate) fn unkeep(&mut self, name: &str, fleeting: Fleeting) {
        if !self.unkept.insert(name.to_string()) || name.starts_with('_') {
            return;
        }
        self.notes.push(match fleeting {
            Fleeting::Closure => format!(
                "`{name}` is a closure, so it lives for this cell only. To keep it, write `fn {name}(..)`, or put it in a `Box<dyn Fn(..)>`"
            ),
            Fleeting::Borrow => format!("`{name}` borrows, so it lives for this cell only. To keep the value, `.clone()` it"),
        });
    }
}

/// Takes in what the compiler answered. False when some error is the learner's.
pub(crate) fn take_in(
    messages: &[Message],
    lowered: &Lowered,
    file: &str,
    parsed: &Parsed,
    session: &mut Session,
    answers: &mut Answers,
) -> bool {
    let errors: Vec<&Message> = messages
        .iter()
        .filter(|message| message.is_error())
        .collect();
    let mut understood = !errors.is_empty();
    let mut outlived = BTreeSet::new();
    // What is kept although it borrows makes what it borrows from look immovable: that is asked again without it.
    let borrows = |error: &&Message| {
        error
            .regions(lowered, file)
            .iter()
            .any(|region| is_borrow(region, error.code()))
    };
    let (about_borrows, others): (Vec<&Message>, Vec<&Message>) =
        errors.into_iter().partition(borrows);
    let consequence = |error: &&Message| {
        !about_borrows.is_empty()
            && error.code().starts_with("E05")
            && error
                .regions(lowered, file)
                .iter()
                .any(|region| matches!(region, Region::PutBack(_)))
    };
    let rest: Vec<&Message> = others
        .into_iter()
        .filter(|error| !consequence(error))
        .collect();
    for error in about_borrows.iter().copied().chain(rest) {
        let answer = error
            .regions(lowered, file)
            .into_iter()
            .any(|region| answer(region, error.code(), parsed, session, answers));
        let about_older = error
            .cell(lowered, file)
            .filter(|origin| origin.cell != parsed.cell);
        match (answer, about_older) {
            (true, _) => {}
            (false, Some(origin)) => {
                let known = session.items.iter().find(|known| {
                    known.cell == origin.cell
                        && known.item.range.start <= origin.range.start
                        && origin.range.start <= known.item.range.end
                });
                let Some(known) = known else {
                    understood = false;
                    continue;
                };
                if outlived.insert(known.id) {
                    let what = known
                        .item
                        .names
                        .first()
                        .map_or("an `impl`".to_string(), |name| format!("`{}`", name.text));
                    let label = &known.cell.label;
                    answers.notes.push(format!(
                        "{what} of cell [{label}] no longer compiles and is set aside until that cell runs again: {}",
                        error.message
                    ));
                }
            }
            (false, None) => understood = false,
        }
    }
    if understood {
        answers.outdate(session.set_aside(&outlived));
    }
    understood
}

/// Takes an error in one of our own regions as the answer it is.
fn answer(
    region: &Region,
    code: &str,
    parsed: &Parsed,
    session: &mut Session,
    answers: &mut Answers,
) -> bool {
    match region {
        // Moved, never set, or not a variable at all.
        Region::Keep(name) if matches!(code, "E0382" | "E0381" | "E0530") => {
            answers.unkept.insert(name.clone());
            true
        }
        Region::Keep(name) if is_borrow(region, code) => {
            answers.unkeep(name, Fleeting::Borrow);
            true
        }
        Region::PutBack(name)
            if code == "E0382" && assigns(parsed, name) && answers.inside.insert(name.clone()) =>
        {
            true
        }
        Region::PutBack(name) if code.starts_with("E05") || code == "E0382" => {
            answers.inside.remove(name);
            answers.moved.insert(name.clone());
            true
        }
        Region::Load(name) => {
            session.variables.remove(name);
            answers.notes.push(format!(
                "`{name}` is gone: its type cannot be named in a later cell"
            ));
            true
        }
        Region::Use(path) => {
            session.uses.retain(|known| known.leaf.path != *path);
            answers
                .notes
                .push(format!("`use {path};` no longer holds and is set aside"));
            true
        }
        Region::Keep(_) | Region::PutBack(_) | Region::Tail => false,
    }
}

/// Whether an error in a region says that a new variable borrows.
fn is_borrow(region: &Region, code: &str) -> bool {
    matches!(region, Region::Keep(_))
        && (code.starts_with("E05")
            || matches!(code, "E0716" | "E0310" | "E0373" | "E0499" | "E0700"))
}

/// Whether the cell gives a variable a new value somewhere.
fn assigns(parsed: &Parsed, name: &str) -> bool {
    if parsed.bindings.iter().any(|binding| binding.name == name) {
        return false;
    }
    let pattern = format!(r"\b{}\s*=[^=]", regex::escape(name));
    Regex::new(&pattern).is_ok_and(|pattern| pattern.is_match(&parsed.cell.text))
}

/// Whether what is not found may be a crate: where a path begins, and not in something that was found.
fn is_about_a_crate(message: &Message, name: &str) -> bool {
    let word = name.starts_with(char::is_lowercase) && !name.contains(':');
    word && (message.code() == "E0432" || message.message.contains("crate"))
}

/// What may help with a name that is not found.
pub(crate) fn hint(
    message: &Message,
    session: &Session,
    lost: &BTreeSet<String>,
) -> Option<String> {
    let name = message.message.split('`').nth(1)?;
    match message.code() {
        "E0425" | "E0412" => {}
        "E0432" | "E0433" if is_about_a_crate(message, name) => {
            return Some(format!(
                "`:dep {name} = \"*\"` adds a crate of this name from crates.io"
            ));
        }
        _ => return None,
    }
    if session.variables.contains_key(name) {
        return Some(format!(
            "`{name}` is a variable of the notebook, and functions see only their own: pass it in as a parameter"
        ));
    }
    if lost.contains(name) {
        return Some(format!(
            "`{name}` was lost when the worker ended. `:replay` runs the earlier cells again"
        ));
    }
    // The compiler sees only what the cell mentions, so it cannot suggest what the cell should have mentioned.
    let items = session.items.iter().flat_map(|known| &known.item.names);
    let known = session.variables.keys().map(String::as_str);
    let known = known.chain(items.map(|item| item.text.as_str()));
    let other = names::similar(name, known)?;
    let spans = message.children.iter().flat_map(|child| &child.spans);
    let said = spans
        .filter_map(|span| span.suggested_replacement.as_deref())
        .any(|text| text == other);
    (!said).then(|| format!("the notebook has a similar name: `{other}`"))
}
