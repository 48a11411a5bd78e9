//! Completion: what could stand where the cursor is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::analyzer::Completion;
use super::index::{Found, Kind, PRELUDES, Target};
use super::lex::{Place, Token, Tokens};
use super::ty::Ty;
use super::types::Scope;
use crate::jupyter::message::{CompleteReply, Status};

/// The most that is offered at once.
const OFFERED: usize = 400;

const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern",
    "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub",
    "ref", "return", "self", "Self", "static", "struct", "super", "trait", "true", "type",
    "unsafe", "use", "where", "while",
];

/// Types that have no declaration to be found.
const PRIMITIVES: &[&str] = &[
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16",
    "u32", "u64", "u128", "usize",
];

/// Macros of the standard library that are built into the compiler, or written for it alone.
const MACROS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "dbg",
    "eprint",
    "eprintln",
    "format",
    "matches",
    "panic",
    "print",
    "println",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

/// One offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    /// What is put in.
    pub(super) text: String,
    pub(super) kind: Kind,
    /// A declaration or a type.
    pub(super) detail: String,
}

impl Offer {
    fn new(text: &str, kind: Kind, detail: &str) -> Self {
        Self {
            text: text.to_owned(),
            kind,
            detail: detail.to_owned(),
        }
    }
}

/// Whether there is anything to ask at the cursor: a letter, a dot or a path, and no comment or string.
pub(super) fn is_question(code: &str, place: &Place) -> bool {
    let before = Tokens::of(&code[..place.word.start]);
    let after_sign = code[..place.word.start].ends_with(['.', ':']);
    !before.open && (after_sign || place.word.start < place.cursor)
}

/// Adds what rust-analyzer offers beyond.
pub(super) fn add(offers: &mut Vec<Offer>, more: Vec<Completion>, prefix: &str) {
    let known: BTreeSet<String> = offers.iter().map(|offer| offer.text.clone()).collect();
    for completion in more {
        if known.contains(&completion.text) || !completion.text.starts_with(prefix) {
            continue;
        }
        // What its author did not mean for everyday use stays away, as it does above.
        if is_inner(&completion.text, prefix) {
            continue;
        }
        offers.push(Offer {
            kind: Kind::from_icon(&completion.kind),
            text: completion.text,
            detail: completion.detail,
        });
    }
    offers.truncate(OFFERED);
}

/// What fits at the cursor, best first, and the bytes that it would replace.
pub(super) fn offers(code: &str, place: &Place, scope: &mut Scope<'_>) -> Vec<Offer> {
    let before = Tokens::of(&code[..place.word.start]);
    if before.open {
        return Vec::new();
    }
    scope.bind(&before);
    let prefix = &code[place.word.start..place.cursor];
    let last = before.all.len();
    let mut offers =
        if last > 0 && before.is(last - 1, '.') && !before.is(last.wrapping_sub(2), '.') {
            members(&before, last - 1, scope)
        } else if last > 1 && before.is(last - 1, ':') && before.is(last - 2, ':') {
            in_path(&before, last - 2, scope)
        } else if last > 0 && before.word(last - 1) == "let"
            || prefix.is_empty() && !starts_something(&before)
        {
            Vec::new()
        } else {
            names(prefix, scope)
        };
    rank(&mut offers, prefix);
    offers
}

/// Without a letter typed there is something to offer after `use` alone: a list of everything helps nobody.
fn starts_something(before: &Tokens<'_>) -> bool {
    before
        .all
        .last()
        .is_some_and(|last| last.token == Token::Word)
        && before.word(before.all.len() - 1) == "use"
}

/// What can stand behind the dot at token `dot`.
fn members(before: &Tokens<'_>, dot: usize, scope: &Scope<'_>) -> Vec<Offer> {
    let receiver = before.between(before.expression_before(dot), dot);
    let Some(of_type) = scope.of_text(receiver) else {
        return Vec::new();
    };
    let mut offers: Vec<Offer> = scope
        .members(&of_type)
        .into_iter()
        .filter(|(member, _)| matches!(member.kind, Kind::Method | Kind::Field))
        .map(|(member, _)| Offer::new(&member.name, member.kind, &member.signature))
        .collect();
    if of_type.name == "()" {
        let parts = of_type.arguments.iter().enumerate();
        offers.extend(
            parts.map(|(at, part)| Offer::new(&at.to_string(), Kind::Field, &part.to_string())),
        );
    }
    offers
}

/// What can stand behind the `::` at token `colons`.
fn in_path(before: &Tokens<'_>, colons: usize, scope: &Scope<'_>) -> Vec<Offer> {
    let start = before.expression_before(colons);
    let path: String = before.between(start, colons).split_whitespace().collect();
    // `Vec::<f64>::new`: the arguments say nothing about the names.
    let path = path.split("::<").next().unwrap_or_default();
    let [notebook, crates] = scope.indexes;
    let mut offers = Vec::new();
    for target in crates.resolve(path) {
        if let Target::Module(module) = &target {
            offers.extend(
                crates
                    .names_in(module)
                    .map(|(name, found)| offer(name, &found)),
            );
        }
    }
    offers.extend(
        notebook
            .names_in(path)
            .map(|(name, found)| offer(name, &found)),
    );
    let name = path.rsplit("::").next().unwrap_or(path);
    let mut of_type = Ty::named(name);
    if let Some((krate, _)) = path.split_once("::") {
        of_type.krate = krate.to_owned();
    }
    if let Some(definition) = scope.definition(&of_type) {
        let through = scope.members(&of_type).into_iter();
        offers.extend(
            through
                .filter(|(member, _)| member.kind != Kind::Field)
                .filter(|(_, own)| own.name == definition.item.name)
                .map(|(member, _)| Offer::new(&member.name, member.kind, &member.signature)),
        );
    }
    offers
}

/// What needs no path: variables, the notebook's items, the preludes, keywords.
fn names(prefix: &str, scope: &Scope<'_>) -> Vec<Offer> {
    let [notebook, crates] = scope.indexes;
    let variables = scope
        .variables
        .iter()
        .map(|(name, of_type)| Offer::new(name, Kind::Variable, &of_type.to_string()));
    let mut offers: Vec<Offer> = variables.collect();
    for (index, module) in [(notebook, "")]
        .into_iter()
        .chain(PRELUDES.iter().map(|module| (crates, *module)))
    {
        offers.extend(
            index
                .names_in(module)
                .map(|(name, found)| offer(name, &found)),
        );
    }
    offers.extend(
        MACROS
            .iter()
            .map(|name| Offer::new(&format!("{name}!"), Kind::Macro, &format!("macro {name}!"))),
    );
    offers.extend(
        PRIMITIVES
            .iter()
            .map(|name| Offer::new(name, Kind::Primitive, name)),
    );
    offers.extend(
        ["std", "course"].map(|name| Offer::new(name, Kind::Module, &format!("mod {name}"))),
    );
    if !prefix.is_empty() {
        offers.extend(
            KEYWORDS
                .iter()
                .map(|word| Offer::new(word, Kind::Keyword, "keyword")),
        );
    }
    offers
}

fn offer(name: &str, found: &Found<'_>) -> Offer {
    let kind = found.kind();
    let text = if kind == Kind::Macro {
        format!("{name}!")
    } else {
        name.to_owned()
    };
    Offer {
        text,
        kind,
        detail: found.signature(),
    }
}

/// Leaves what begins with the prefix, each once, the likelier first.
fn rank(offers: &mut Vec<Offer>, prefix: &str) {
    let lower = prefix.to_lowercase();
    let exact = offers.iter().any(|offer| offer.text.starts_with(prefix));
    // A capital more or less is forgiven when nothing fits otherwise.
    offers.retain(|offer| match exact {
        true => offer.text.starts_with(prefix),
        false => offer.text.to_lowercase().starts_with(&lower),
    });
    let mut first: BTreeMap<String, Offer> = BTreeMap::new();
    for offer in offers.drain(..) {
        first.entry(offer.text.clone()).or_insert(offer);
    }
    offers.extend(first.into_values());
    offers.sort_by_cached_key(|offer| {
        (
            is_inner(&offer.text, prefix),
            order(offer.kind),
            offer.text.to_lowercase(),
        )
    });
    offers.truncate(OFFERED);
}

/// Names that their authors did not mean for everyday use: tch's `f_add` and `internal_shape`, std's `__iterator_get`.
fn is_inner(text: &str, prefix: &str) -> bool {
    ["_", "f_", "internal_", "g_"]
        .iter()
        .any(|start| text.starts_with(start) && !prefix.starts_with(start))
        || text.ends_with('_') && !prefix.ends_with('_')
}

fn order(kind: Kind) -> u8 {
    match kind {
        Kind::Variable | Kind::Field => 0,
        Kind::Keyword => 3,
        Kind::Module | Kind::Primitive => 2,
        _ => 1,
    }
}

/// The reply, with positions in code points.
pub(super) fn reply(code: &str, place: &Place, offers: &[Offer]) -> CompleteReply {
    let start = Place::points(code, place.word.start);
    let end = Place::points(code, place.cursor);
    let types: Vec<Value> = offers
        .iter()
        .map(|offer| {
            json!({
                "text": offer.text, "type": offer.kind.icon(), "start": start, "end": end,
                "signature": offer.detail,
            })
        })
        .collect();
    CompleteReply {
        status: Status::Ok,
        matches: offers.iter().map(|offer| offer.text.clone()).collect(),
        cursor_start: start,
        cursor_end: end,
        metadata: Map::from_iter([(
            "_jupyter_types_experimental".to_owned(),
            Value::Array(types),
        )]),
    }
}
