//! Whatever a notebook's cells say: no panic on the way to generated source, the source has the structure that was
//! meant, and every byte of it that is the learner's knows its place.
//!
//! The texts are the corpus of `tests/cells`, cut, doubled and mixed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use crate::lower::{Body, Lowered, Plan, lower};
use crate::parse::{Parsed, parse};
use crate::rustc::Compiled;
use crate::session::{Session, Variable};
use crate::source::CellText;
use crate::units::{Unit, imports, mentions_of, needed, uses_for, with_macros};

/// The cells of the corpus.
static CORPUS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cells");
    let mut cells = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(path).unwrap();
            let blocks = text.split("```rust").skip(1);
            let bodies = blocks.filter_map(|block| block.split_once('\n')?.1.split_once("\n```"));
            cells.extend(bodies.map(|(cell, _)| cell.to_owned()));
        }
    }
    cells.sort();
    cells
});

/// What is done to a cell of the corpus.
#[derive(Debug, Clone)]
enum Change {
    Leave,
    /// A piece is left out.
    Cut(prop::sample::Index, usize),
    /// A piece is written twice.
    Double(prop::sample::Index, usize),
    /// A word is put in.
    Put(prop::sample::Index, &'static str),
    /// The rest is taken from another cell.
    Mix(prop::sample::Index, prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        3 => Just(Change::Leave),
        1 => (place(), 1..20_usize).prop_map(|(at, length)| Change::Cut(at, length)),
        1 => (place(), 1..40_usize).prop_map(|(at, length)| Change::Double(at, length)),
        2 => (place(), prop::sample::select(WORDS)).prop_map(|(at, word)| Change::Put(at, word)),
        1 => (place(), place()).prop_map(|(at, other)| Change::Mix(at, other)),
    ]
}

/// Words that have broken tools for Rust before.
const WORDS: &[&str] = &[
    "/*",
    "*/",
    "//",
    "\"",
    "'",
    "r#\"",
    "{",
    "}",
    "(",
    ")",
    "|x| ",
    "||",
    "é",
    "界",
    "\t",
    "\r",
    "\n",
    ";",
    "::",
    "!",
    "#![allow(x)]",
    "#[derive(Debug)]",
    "move ",
    "async ",
    "loop { }",
    "for x in 0..9 { }",
    "static A: i32 = 1;",
    "fn f() {}",
    "use a::*;",
    "impl f32 {}",
    "macro_rules! m { () => {} }",
    "let x = 1;",
    "mod m { fn f() {} }",
    "unsafe ",
    "'a: loop { break 'a }",
    ".await",
    "?",
    "while let Some(x) = y { }",
    "let mut x = |y: i32| y;",
    "extern crate std;",
    "// end",
];

fn cell() -> impl Strategy<Value = String> {
    (any::<prop::sample::Index>(), change()).prop_map(|(which, change)| {
        let text = which.get(&CORPUS).clone();
        apply(&text, &change)
    })
}

fn apply(text: &str, change: &Change) -> String {
    let places: Vec<usize> = (0..=text.len())
        .filter(|at| text.is_char_boundary(*at))
        .collect();
    let piece = |at: &prop::sample::Index, length: usize| {
        let first = at.index(places.len());
        (
            places[first],
            places[(first + length).min(places.len() - 1)],
        )
    };
    match change {
        Change::Leave => text.to_owned(),
        Change::Cut(at, length) => {
            let (from, to) = piece(at, *length);
            format!("{}{}", &text[..from], &text[to..])
        }
        Change::Double(at, length) => {
            let (from, to) = piece(at, *length);
            format!("{}{}", &text[..to], &text[from..])
        }
        Change::Put(at, word) => {
            let (at, _) = piece(at, 0);
            format!("{}{word}{}", &text[..at], &text[at..])
        }
        Change::Mix(at, other) => {
            let (at, _) = piece(at, 0);
            format!("{}{}", &text[..at], other.get(&CORPUS))
        }
    }
}

/// The sources of the crates that a cell comes to; its own is the last.
fn crates_of(session: &mut Session, parsed: &Parsed) -> Vec<Lowered> {
    let group = session.define(parsed).group;
    let mut roots = parsed.mentions.clone();
    with_macros(session, &mut roots);
    let mut units = needed(session, &roots, Some(group));
    let own = units.iter().position(|unit| unit.groups.contains(&group));
    let own = own.map(|own| units.remove(own));
    let mut homes = BTreeMap::new();
    let mut sources = Vec::new();
    for unit in &units {
        sources.push(source_of(session, Some(unit), None, &homes));
        let home = compiled(sources.len());
        homes.extend(unit.groups.iter().map(|group| (*group, home.clone())));
    }
    if own.is_some() || parsed.runs() {
        sources.push(source_of(
            session,
            own.as_ref(),
            Some((parsed, group)),
            &homes,
        ));
    }
    sources
}

fn source_of(
    session: &Session,
    unit: Option<&Unit>,
    cell: Option<(&Parsed, u64)>,
    homes: &BTreeMap<u64, Compiled>,
) -> Lowered {
    let nothing = Unit {
        items: Vec::new(),
        groups: BTreeSet::new(),
    };
    let own = unit.unwrap_or(&nothing);
    let mut mentions = mentions_of(session, own);
    let newest = cell.map_or_else(
        || own.groups.last().copied().unwrap_or_default(),
        |(_, group)| group,
    );
    if let Some((parsed, _)) = cell {
        mentions.extend(&parsed.mentions);
    }
    let (moved, inside) = (BTreeSet::new(), BTreeSet::new());
    let body = cell
        .filter(|(parsed, _)| parsed.runs())
        .map(|(parsed, _)| Body {
            parsed,
            loads: session
                .variables
                .iter()
                .filter(|(name, _)| parsed.mentions.names.contains(*name))
                .map(|(name, variable)| (name.as_str(), variable))
                .collect(),
            keeps: parsed
                .bindings
                .iter()
                .map(|binding| binding.name.as_str())
                .collect(),
            moved: &moved,
            inside: &inside,
        });
    lower(&Plan {
        unit,
        body,
        links: Vec::new(),
        imports: imports(session, &mentions, own, homes),
        uses: uses_for(session, &mentions, newest),
        newest,
        statics: &BTreeSet::new(),
    })
}

fn compiled(number: usize) -> Compiled {
    Compiled {
        name: format!("cell_{number:016x}"),
        library: PathBuf::new(),
        needs: Vec::new(),
        types: BTreeMap::new(),
        warnings: Vec::new(),
        cached: false,
    }
}

/// The bytes of a cell that stand in generated source, each checked to be the one it is taken for.
fn copied(lowered: &Lowered, cell: &Arc<CellText>) -> Result<BTreeSet<usize>, TestCaseError> {
    let mut found = BTreeSet::new();
    let text = &lowered.source.text;
    for (at, character) in text.char_indices() {
        let Some(origin) = lowered.source.origin(at..at + character.len_utf8()) else {
            continue;
        };
        prop_assert_eq!(
            &text[at..at + character.len_utf8()],
            &origin.cell.text[origin.range.clone()]
        );
        if origin.cell == *cell {
            found.extend(origin.range);
        }
    }
    Ok(found)
}

fn variables(session: &mut Session, parsed: &Parsed) {
    for binding in &parsed.bindings {
        let variable = Variable {
            type_text: "std::vec::Vec<f32>".into(),
            mutable: binding.mutable,
            mentions: BTreeSet::new(),
        };
        session.variables.insert(binding.name.clone(), variable);
    }
}

proptest! {
    #[test]
    fn generated_source_is_sound(cells in prop::collection::vec(cell(), 1..4)) {
        let mut session = Session::default();
        for (number, text) in cells.iter().enumerate() {
            let cell = CellText::new(&number.to_string(), text);
            let Some(parsed) = parse(&cell) else { continue };
            let sources = crates_of(&mut session, &parsed);
            let mut found = BTreeSet::new();
            for lowered in &sources {
                let read = syn::parse_file(&lowered.source.text);
                prop_assert!(read.is_ok(), "{:?}\n{}", read.err(), lowered.source.text);
                found.extend(copied(lowered, &cell)?);
            }
            let runs = if parsed.runs() { &parsed.statements[..] } else { &[] };
            for range in runs.iter().chain(parsed.tail.iter().filter(|_| parsed.runs())) {
                let lost = range.clone().find(|at| {
                    !found.contains(at) && !parsed.edits.iter().any(|edit| edit.range.contains(at))
                });
                prop_assert_eq!(lost, None, "a byte of {:?} is not compiled", &cell.text[range.clone()]);
            }
            variables(&mut session, &parsed);
        }
    }
}
