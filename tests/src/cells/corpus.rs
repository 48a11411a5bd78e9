//! The cases, read from Markdown. `tests/cells/README.md` describes the form.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

/// Cells that run one after another in a fresh session.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its file without the ending, then its title: `drop: By \`drop\`, once`.
    pub name: String,
    /// What evcxr is known to do with it.
    pub oracle: Oracle,
    /// The cells, labelled from 1.
    pub cells: Vec<Cell>,
}

/// What evcxr does with a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oracle {
    /// The same.
    Same,
    /// Something else, and why it is wrong or weaker.
    Differs(String),
    /// It cannot be asked, and why.
    NotRun(String),
}

/// One cell and what must come of it.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Where the block stands, as `file.md:line`.
    pub place: String,
    /// Its text.
    pub code: String,
    /// Whether it is interrupted as soon as it has printed something.
    pub interrupt: bool,
    /// What the learner types, line by line.
    pub input: Vec<String>,
    /// What must come of it.
    pub expected: Expected,
}

/// What must come of a cell.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Standard output.
    pub stdout: Text,
    /// Standard error: output, warnings and notes.
    pub stderr: Text,
    /// The value's text form; empty for no value.
    pub result: Text,
    /// How it fails, if it does.
    pub error: Option<ExpectedError>,
    /// Texts among all that is shown.
    pub shows: Vec<AnyOf>,
    /// Whether `shows` may come in any order.
    pub unordered: bool,
    /// Texts that nothing shown has.
    pub hides: Vec<String>,
}

/// What a text must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Exactly this.
    Exactly(String),
    /// Each of these occurs in it.
    Has(Vec<AnyOf>),
}

/// Texts of which one must occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnyOf(pub Vec<String>);

/// How a cell fails.
#[derive(Debug, Clone)]
pub struct ExpectedError {
    /// Kind of error and part of its message, in as many ways as it may be said.
    pub kinds: Vec<(String, String)>,
    /// What the report has: places as `[label]:line` and texts.
    pub demands: Vec<Demand>,
}

/// What a report must have, or must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// It points at one of these, each `[label]:line` or `[label]:line:column`.
    At(AnyOf),
    /// One of these texts occurs.
    Has(AnyOf),
    /// The text does not occur.
    Lacks(String),
}

impl AnyOf {
    fn parse(line: &str) -> Self {
        Self(
            line.split(" | ")
                .map(|text| text.trim().to_string())
                .collect(),
        )
    }

    /// Whether one of them occurs in `text`.
    pub fn occurs_in(&self, text: &str) -> bool {
        self.0.iter().any(|part| text.contains(part))
    }
}

impl Text {
    /// No text at all.
    pub fn none() -> Self {
        Self::Exactly(String::new())
    }
}

/// All cases, in the order of file names.
///
/// # Errors
/// When a file cannot be read or breaks the form, with its line.
pub fn load() -> anyhow::Result<Vec<Case>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cells");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| {
        file.extension().is_some_and(|ending| ending == "md") && !file.ends_with("README.md")
    });
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("reading {}", file.display()))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        cases.extend(parse(&stem, &text)?);
    }
    Ok(cases)
}

/// The cases of one file.
///
/// # Errors
/// When the text breaks the form, with its line.
pub fn parse(stem: &str, text: &str) -> anyhow::Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let place = format!("{stem}.md:{}", index + 1);
        if let Some(title) = line.strip_prefix("## ") {
            cases.push(Case {
                name: format!("{stem}: {title}"),
                oracle: Oracle::Same,
                cells: Vec::new(),
            });
        } else if let Some(oracle) = line.strip_prefix("oracle:") {
            let case = cases
                .last_mut()
                .with_context(|| format!("{place}: before the first case"))?;
            case.oracle = parse_oracle(oracle.trim()).with_context(|| place)?;
        } else if let Some(kind) = line.strip_prefix("```") {
            let body: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| !line.starts_with("```"))
                .collect();
            let case = cases
                .last_mut()
                .with_context(|| format!("{place}: before the first case"))?;
            take_block(case, &place, kind, &body).with_context(|| place)?;
        }
    }
    for case in &cases {
        ensure!(!case.cells.is_empty(), "{}: has no cell", case.name);
    }
    Ok(cases)
}

fn parse_oracle(text: &str) -> anyhow::Result<Oracle> {
    Ok(match text.split_once(':') {
        None if text == "same" => Oracle::Same,
        Some(("differs", why)) => Oracle::Differs(why.trim().to_string()),
        Some(("not run", why)) => Oracle::NotRun(why.trim().to_string()),
        _ => bail!("oracle: `same`, `differs: why` or `not run: why`"),
    })
}

fn take_block(case: &mut Case, place: &str, kind: &str, body: &[&str]) -> anyhow::Result<()> {
    let mut words = kind.split_whitespace();
    let kind = words.next().context("a block without a kind")?;
    let modifiers: Vec<&str> = words.collect();
    let has = |modifier: &str| modifiers.contains(&modifier);
    if kind == "rust" {
        let mut code = body.join("\n");
        if has("escaped") {
            code = unescape(&code)?;
        } else if !body.is_empty() {
            code.push('\n');
        }
        case.cells.push(Cell {
            place: place.to_string(),
            code,
            interrupt: has("interrupt"),
            input: Vec::new(),
            expected: Expected::nothing(),
        });
        return Ok(());
    }
    let cell = case.cells.last_mut().context("before the first cell")?;
    let expected = &mut cell.expected;
    let alternatives = || body.iter().map(|line| AnyOf::parse(line)).collect();
    let text = || -> anyhow::Result<Text> {
        if has("has") {
            return Ok(Text::Has(alternatives()));
        }
        let text = body.join("\n");
        Ok(Text::Exactly(if has("escaped") {
            unescape(&text)?
        } else if has("open") || body.is_empty() {
            text
        } else {
            text + "\n"
        }))
    };
    match kind {
        "stdout" => expected.stdout = text()?,
        "stderr" => expected.stderr = text()?,
        "result" if has("has") => expected.result = text()?,
        "result" => expected.result = Text::Exactly(body.join("\n")),
        "error" => expected.error = Some(parse_error(body)?),
        "hides" => expected.hides = body.iter().map(ToString::to_string).collect(),
        "input" => cell.input = body.iter().map(ToString::to_string).collect(),
        "shows" => {
            expected.shows = alternatives();
            expected.unordered = has("unordered");
            for text in [
                &mut expected.stdout,
                &mut expected.stderr,
                &mut expected.result,
            ] {
                if *text == Text::none() {
                    *text = Text::Has(Vec::new());
                }
            }
        }
        other => bail!("a block of kind `{other}`"),
    }
    Ok(())
}

fn parse_error(body: &[&str]) -> anyhow::Result<ExpectedError> {
    let (first, rest) = body
        .split_first()
        .context("an error block without an error")?;
    let kinds = first.split(" | ").map(|kind| {
        let (ename, message) = kind.split_once(' ').unwrap_or((kind, ""));
        (ename.to_string(), message.to_string())
    });
    // `CompileError this | that`: the kind holds for what has none of its own.
    let mut kinds: Vec<(String, String)> = kinds.collect();
    let ename = kinds[0].0.clone();
    for kind in &mut kinds {
        if !ENAMES.contains(&kind.0.as_str()) {
            *kind = (
                ename.clone(),
                format!("{} {}", kind.0, kind.1).trim().to_string(),
            );
        }
    }
    ensure!(
        ENAMES.contains(&ename.as_str()),
        "`{ename}` is no kind of error"
    );
    let demands = rest
        .iter()
        .map(|line| parse_demand(line))
        .collect::<anyhow::Result<_>>()?;
    Ok(ExpectedError { kinds, demands })
}

const ENAMES: [&str; 6] = [
    "CompileError",
    "Panic",
    "Error",
    "Interrupted",
    "WorkerDied",
    "CommandError",
];

fn parse_demand(line: &str) -> anyhow::Result<Demand> {
    Ok(match line.split_once(' ') {
        Some(("at", places)) => Demand::At(AnyOf(
            places
                .split(" | ")
                .map(|place| place.trim_start_matches("at ").to_string())
                .collect(),
        )),
        Some(("has", text)) => Demand::Has(AnyOf::parse(text)),
        Some(("lacks", text)) => Demand::Lacks(text.to_string()),
        _ => bail!("`{line}`: a line begins with `at`, `has` or `lacks`"),
    })
}

impl Expected {
    fn nothing() -> Self {
        Self {
            stdout: Text::none(),
            stderr: Text::none(),
            result: Text::none(),
            error: None,
            shows: Vec::new(),
            unordered: false,
            hides: Vec::new(),
        }
    }
}

fn unescape(text: &str) -> anyhow::Result<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('\\') => out.push('\\'),
            Some('u') => {
                let code: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                let code =
                    u32::from_str_radix(&code, 16).with_context(|| format!("\\u{{{code}}}"))?;
                out.push(char::from_u32(code).context("not a character")?);
            }
            other => bail!(
                "an escape `\\{}`",
                other.map_or(String::new(), String::from)
            ),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_read() {
        let text = "# Title\n\n## One\n\noracle: differs: it is slow\n\n```rust\nlet x = 1;\n```\n\n```rust escaped\nx\\r\\n\n```\n\n```stdout open\nab\n```\n\n```error\nCompileError error[E1] | other words\nat [2]:3\nhas a | b\n```\n";
        let cases = parse("file", text).unwrap();
        assert_eq!(cases[0].name, "file: One");
        assert_eq!(cases[0].oracle, Oracle::Differs("it is slow".into()));
        let [first, second] = &cases[0].cells[..] else {
            panic!("two cells")
        };
        assert_eq!(
            (first.code.as_str(), second.code.as_str()),
            ("let x = 1;\n", "x\r\n")
        );
        assert_eq!(first.expected.stdout, Text::none());
        assert_eq!(second.expected.stdout, Text::Exactly("ab".into()));
        let error = second.expected.error.as_ref().unwrap();
        assert_eq!(
            error.kinds[1],
            ("CompileError".into(), "other words".into())
        );
        assert_eq!(
            error.demands[1],
            Demand::Has(AnyOf(vec!["a".into(), "b".into()]))
        );
    }

    #[test]
    fn a_broken_case_is_named_with_its_line() {
        let error = parse("file", "## One\n\n```rust\n1\n```\n```color\n```\n").unwrap_err();
        assert_eq!(format!("{error:#}"), "file.md:6: a block of kind `color`");
    }
}
