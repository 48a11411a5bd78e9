//! A notebook as text: Markdown with fenced Rust cells, and back, losing nothing.
//!
//! ````markdown
//! # Filters
//!
//! What a blur does to a photo.
//!
//! ```rust id="w3-blur" kind="answer"
//! fn blur(x: &Tensor) -> Tensor {
//!     // BEGIN SOLUTION
//!     x.avg_pool2d(3, 1, 1, false, true, 9)
//!     // END SOLUTION
//! }
//! ```
//!
//! <!-- #region kind="hint" -->
//! Every pixel becomes the mean of its neighbours.
//! <!-- #endregion -->
//!
//! ```rust id="w3-blur-tests" kind="tests" points=2
//! ::std::assert_eq!(blur(&x).size(), x.size());
//! ```
//! ````
//!
//! Text cells are parted by two blank lines or by a cell of code; where that would not do, or where a text
//! cell has attributes, it stands in a region. jupytext reads the same file; to it, code of another language in a
//! text is a cell as well.
//!
//! | kind | in nbgrader | |
//! |---|---|---|
//! | (none) | | code or text |
//! | `answer` | autograded answer | code with a `BEGIN SOLUTION` region |
//! | `tests` | autograder tests | code, with points; belongs to the answer before it or `of="..."` |
//! | `written` | manually graded answer | code or text, with points |
//! | `task` | manually graded task | text, with points, as `written` perhaps with a `rubric` (see [`crate::by_hand`]) |
//! | `locked` | read-only | code or text |
//! | `raw` | | kept for converters |
//! | `hint` | | text: the next hint of the answer before it or `of="..."` |
//! | `mutant` | | code: a wrong answer that the tests must catch, with a `name` |

mod read;
mod write;

use serde_json::{Map, Value};

use crate::marking::Marking;
use crate::notebook::CellKind;

pub use read::parse;
pub use write::write;

/// The key in a cell's metadata that holds what is ours: see [`crate::exercise::Extras`].
pub const KEY: &str = "cvstudy";

/// What a cell is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Answer,
    Tests,
    Written,
    Task,
    Locked,
    Raw,
    Hint,
    Mutant,
}

impl Kind {
    const NAMED: [(&'static str, Self); 8] = [
        ("answer", Self::Answer),
        ("tests", Self::Tests),
        ("written", Self::Written),
        ("task", Self::Task),
        ("locked", Self::Locked),
        ("raw", Self::Raw),
        ("hint", Self::Hint),
        ("mutant", Self::Mutant),
    ];

    fn named(name: &str) -> Option<Self> {
        let known = Self::NAMED.iter().find(|(known, _)| *known == name);
        known.map(|(_, kind)| *kind)
    }

    fn name(self) -> Option<&'static str> {
        let known = Self::NAMED.iter().find(|(_, kind)| *kind == self);
        known.map(|(name, _)| *name)
    }

    /// The flags that nbgrader knows it by.
    fn marking(self, id: &str, points: Option<f64>) -> Option<Marking> {
        let flags = |grade, solution, locked, task| Marking {
            grade,
            solution,
            locked,
            task,
            points,
            ..Marking::named(id)
        };
        match self {
            Self::Answer => Some(flags(false, true, false, false)),
            Self::Tests => Some(flags(true, false, true, false)),
            Self::Written => Some(flags(true, true, false, false)),
            Self::Task => Some(flags(false, false, true, true)),
            Self::Locked => Some(flags(false, false, true, false)),
            Self::Plain | Self::Raw | Self::Hint | Self::Mutant => None,
        }
    }

    /// Whether a person gives the points.
    fn is_by_hand(self) -> bool {
        matches!(self, Self::Written | Self::Task)
    }

    /// Whether it needs points.
    fn has_points(self) -> bool {
        matches!(self, Self::Tests | Self::Written | Self::Task)
    }
}

/// Whether this is a list of items with points, as in `["0.5: the axes have names"]`.
fn is_rubric(value: &Value) -> bool {
    let items = value.as_array().filter(|items| !items.is_empty());
    let is_item = |item: &Value| {
        item.as_str()
            .is_some_and(|text| crate::by_hand::Item::parse(text).is_some())
    };
    items.is_some_and(|items| items.iter().all(is_item))
}

/// The id of a cell that was given none: from its first line, so that it stays when others come and go.
fn auto_id(source: &str, before: &[String]) -> String {
    let first_line = source.lines().find(|line| !line.trim().is_empty());
    let words = first_line
        .unwrap_or_default()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut slug = String::new();
    for word in words.take(4) {
        if slug.len() + word.len() >= 40 {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_ascii_lowercase());
    }
    if slug.is_empty() {
        slug.push_str("cell");
    }
    let free = |id: &String| !before.contains(id);
    let numbered = (2..).map(|n| format!("{slug}-{n}"));
    std::iter::once(slug.clone())
        .chain(numbered)
        .find(free)
        .unwrap_or(slug)
}

/// The language of cells in a fence.
const LANGUAGE: &str = "rust";
const REGION: &str = "<!-- #region";
const REGION_END: &str = "<!-- #endregion -->";

/// Whether a line would end a region or begin one inside of it, with any number of `\` before it.
fn looks_like_region(line: &str) -> bool {
    let line = line.trim_start_matches('\\');
    line.starts_with(REGION) || line.starts_with("<!-- #endregion")
}

/// The backticks that a line begins with, if there are three or more.
fn fence(line: &str) -> Option<&str> {
    let end = line.find(|c| c != '`').unwrap_or(line.len());
    (end >= 3).then(|| &line[..end])
}

/// The attributes of a fence that holds a cell.
fn cell_fence(line: &str) -> Option<(&str, &str)> {
    let ticks = fence(line)?;
    let rest = line[ticks.len()..].strip_prefix(LANGUAGE)?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some((ticks, rest))
}

/// The notebook's metadata when the text says none.
fn default_metadata() -> Map<String, Value> {
    let metadata = serde_json::json!({
        "kernelspec": { "display_name": "Rust (CV study)", "language": "rust", "name": "cvstudy" },
        "language_info": { "file_extension": ".rs", "mimetype": "text/rust", "name": "rust" },
    });
    match metadata {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    }
}

/// The keys of a cell in the file that the text has a place for.
const KNOWN_KEYS: [&str; 6] = [
    "cell_type",
    "execution_count",
    "id",
    "metadata",
    "outputs",
    "source",
];

/// What jupytext and we call the kind of a cell without a language.
fn cell_kind(kind: Kind, is_code: bool) -> CellKind {
    match (kind, is_code) {
        (Kind::Raw, _) => CellKind::Raw,
        (_, true) => CellKind::Code,
        (_, false) => CellKind::Markdown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::{Cell, Notebook};
    use proptest::prelude::*;
    use serde_json::json;

    const WEEK: &str = include_str!("../tests/week.md");

    fn read(text: &str) -> Notebook {
        parse(text).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_week_becomes_cells() {
        let notebook = read(WEEK);
        let ids: Vec<_> = notebook.cells().iter().filter_map(Cell::id).collect();
        assert_eq!(
            ids,
            [
                "adding",
                "a-second-text-in",
                "let-a-1-i32",
                "w1-add",
                "w1-add-tests",
                "w1-why",
                "w1-plot",
                "w1-data"
            ]
        );
        let answer = &notebook.cells()[3];
        let ours = &answer.metadata().unwrap()[KEY];
        assert_eq!(ours["hints"].as_array().unwrap().len(), 2);
        assert_eq!(ours["mutants"][1]["name"], "doubles");
        assert_eq!(
            notebook.cells()[4].metadata().unwrap()[KEY]["exercise"],
            "w1-add"
        );
        assert!(
            Marking::of(&notebook.cells()[5])
                .unwrap()
                .unwrap()
                .is_manual()
        );
    }

    #[test]
    fn text_and_notebook_turn_into_each_other() {
        let notebook = read(WEEK);
        let text = write(&notebook);
        assert_eq!(read(&text).to_json(), notebook.to_json());
        assert_eq!(write(&read(&text)), text);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, line, what) in [
            ("a\n\n```rust id=x\n1", 3, "not closed"),
            ("```rust kind=tests id=t\n```", 1, "points"),
            ("```rust kind=answer\n```", 1, "id"),
            ("```rust kind=homework\n```", 1, "kind"),
            ("```rust id=a\n```\n```rust id=a\n```", 3, "second cell"),
            ("<!-- #region -->\nx", 1, "endregion"),
            ("```rust kind=mutant name=m\n```", 1, "answer"),
            ("```rust colour=red\n```", 1, "colour"),
            (
                "```rust id=a kind=answer\n```\n\n```rust id=t kind=tests points=1 of=typo\n```",
                4,
                "no answer `typo`",
            ),
            (
                "```rust id=a kind=answer rubric=[\"1: x\"]\n```",
                1,
                "rubric",
            ),
            ("---\nauthor: me\n---\n", 2, "author"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("line {line}:")),
                "{text}: {error}"
            );
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    fn any_source() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            "[ a-z#`]{0,12}",
            Just("```rust".to_owned()),
            Just("```".to_owned()),
            Just(REGION_END.to_owned()),
            Just("\\<!-- #region -->".to_owned()),
            Just("---".to_owned()),
            Just("größe \u{2028}\r".to_owned()),
            Just(String::new()),
        ];
        prop::collection::vec(line, 0..6).prop_map(|lines| lines.join("\n"))
    }

    fn any_cell() -> impl Strategy<Value = (CellKind, String, Value)> {
        let kind = prop_oneof![
            Just(CellKind::Code),
            Just(CellKind::Markdown),
            Just(CellKind::Raw)
        ];
        let metadata = prop_oneof![
            4 => Just(json!({})),
            1 => Just(json!({ "tags": ["-->", "a b"], "x": { "y": [1.5, null] } })),
            1 => Just(json!({ "nbgrader": { "grade": false, "grade_id": "n", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": true } })),
            1 => Just(json!({ "cvstudy": { "anything": true, "exercise": "n" } })),
        ];
        (kind, any_source(), metadata)
    }

    proptest! {
        #[test]
        fn nothing_is_lost(cells in prop::collection::vec(any_cell(), 0..8)) {
            let cells = cells.into_iter().enumerate().map(|(at, (kind, source, metadata))| {
                let Value::Object(metadata) = metadata else { unreachable!() };
                let mut cell = Cell::new(kind, &format!("c{at}"), metadata, &source);
                if kind == CellKind::Code && at % 2 == 0 {
                    let output = json!({ "name": "stdout", "output_type": "stream", "text": [source] });
                    cell.set_outputs(vec![output], Some(at));
                }
                cell
            });
            let notebook = Notebook::new(cells.collect(), default_metadata());
            let text = write(&notebook);
            let back = parse(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            let json = |notebook: &Notebook| serde_json::from_slice::<Value>(&notebook.to_json()).unwrap();
            prop_assert_eq!(json(&back), json(&notebook), "{}", text);
        }
    }
}
