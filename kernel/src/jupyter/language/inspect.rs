//! Inspection: what the name at the cursor is, with its declaration and documentation.

use rt::Bundle;
use serde_json::Value;

use super::index::{Found, Item, Kind, Target};
use super::lex::{Place, Token, Tokens};
use super::ty::Ty;
use super::types::Scope;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// Declarations, in Rust.
    pub(super) code: String,
    /// Where it is from, as a path.
    pub(super) from: String,
    /// Markdown.
    pub(super) docs: String,
}

impl Page {
    fn of(item: &Item, from: String) -> Self {
        Self {
            code: item.signature.clone(),
            from,
            docs: item.docs.clone(),
        }
    }

    /// The page in the forms front ends want. With `detail` all of the documentation, else its first paragraph.
    pub(super) fn bundle(&self, detail: bool) -> Bundle {
        let docs = match detail {
            true => self.docs.as_str(),
            false => self.docs.split("\n\n").next().unwrap_or_default(),
        };
        let mut markdown = format!("```rust\n{}\n```", self.code);
        let mut plain = self.code.clone();
        if !self.from.is_empty() {
            markdown.push_str(&format!("\n\nin `{}`", self.from));
            plain.push_str(&format!("\n// in {}", self.from));
        }
        if !docs.is_empty() {
            markdown.push_str(&format!("\n\n{}", runnable_text(docs)));
            plain.push_str(&format!("\n\n{docs}"));
        }
        Bundle::text(plain).with("text/markdown", Value::String(markdown))
    }
}

/// An answer that is Markdown already.
pub(super) fn of_markdown(text: &str) -> Bundle {
    let plain: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("```"))
        .collect();
    Bundle::text(plain.join("\n").trim()).with("text/markdown", Value::String(text.to_owned()))
}

/// Documentation as rustdoc would show it: lines that only its tests need are hidden, code is Rust unless it says.
fn runnable_text(docs: &str) -> String {
    let mut out = Vec::new();
    let mut inside = false;
    for line in docs.lines() {
        let trimmed = line.trim_start();
        if let Some(rest) = trimmed.strip_prefix("```") {
            inside = !inside;
            let rust = inside
                && (rest.is_empty() || rest.split(',').all(|word| RUSTDOC.contains(&word.trim())));
            out.push(if rust {
                "```rust".to_owned()
            } else {
                format!("```{rest}")
            });
        } else if !(inside && (trimmed == "#" || trimmed.starts_with("# "))) {
            // Links to other items lead nowhere from here.
            out.push(line.replace("[`", "`").replace("`]", "`"));
        }
    }
    out.join("\n")
}

/// What rustdoc takes behind a fence for Rust.
const RUSTDOC: &[&str] = &[
    "rust",
    "no_run",
    "ignore",
    "should_panic",
    "compile_fail",
    "text_rust",
    "edition2021",
    "edition2024",
];

/// What is at the cursor; behind a function's bracket, the function.
pub(super) fn page(code: &str, place: &Place, scope: &mut Scope<'_>) -> Option<Page> {
    let until = if place.word.is_empty() {
        place.cursor
    } else {
        place.word.end
    };
    let before = Tokens::of(&code[..until]);
    if before.open {
        return None;
    }
    scope.bind(&before);
    // The binding that the cursor stands on counts too.
    scope.bind(&Tokens::of(
        code.get(..statement_end(code, until)).unwrap_or(code),
    ));
    let mut at = before.all.len();
    if !place.word.is_empty() {
        return describe(&before, at.checked_sub(1)?, scope);
    }
    // `f(a, |`: the innermost bracket that is open, and the name before it.
    let mut depth = 0_usize;
    while at > 0 {
        at -= 1;
        match before.token(at)? {
            Token::Close(_) => depth += 1,
            Token::Open('(') if depth == 0 => {
                let name = at.checked_sub(1)?;
                let name = if before.is(name, '!') {
                    name.checked_sub(1)?
                } else {
                    name
                };
                return describe(&before, name, scope);
            }
            Token::Open(_) => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

fn statement_end(code: &str, from: usize) -> usize {
    code[from..]
        .find(['\n', ';'])
        .map_or(code.len(), |end| from + end + 1)
}

fn describe(tokens: &Tokens<'_>, word: usize, scope: &Scope<'_>) -> Option<Page> {
    if tokens.token(word) != Some(Token::Word) {
        return None;
    }
    let name = tokens.word(word);
    let left = word.wrapping_sub(1);
    if tokens.is(left, '.') && !tokens.is(left.wrapping_sub(1), '.') {
        let receiver = tokens.between(tokens.expression_before(left), left);
        return member(scope, &scope.of_text(receiver)?, name);
    }
    let start = tokens.expression_before(word + 1);
    let path: String = tokens.between(start, word + 1).split_whitespace().collect();
    if path == name
        && let Some(of_type) = scope.variables.get(name)
    {
        let mut page = Page {
            code: format!("{name}: {of_type}"),
            from: String::new(),
            docs: String::new(),
        };
        if let Some(definition) = scope.definition(of_type) {
            page.docs = definition.item.docs.clone();
        }
        return Some(page);
    }
    in_crates(scope, &path).or_else(|| {
        let (of_type, own) = path.rsplit_once("::")?;
        let (krate, of_type) = of_type.rsplit_once("::").unwrap_or(("", of_type));
        let mut of_type = Ty::named(of_type);
        of_type.krate = krate.split("::").next().unwrap_or_default().to_owned();
        member(scope, &of_type, own)
    })
}

fn member(scope: &Scope<'_>, of_type: &Ty, name: &str) -> Option<Page> {
    let (member, own) = scope
        .members(of_type)
        .into_iter()
        .find(|(member, _)| member.name == name)?;
    let from = if member.krate.is_empty() {
        own.to_string()
    } else {
        format!("{}::{}", member.krate, own.name)
    };
    Some(Page::of(member, from))
}

/// A path that leads to an item, the notebook's before the crates'.
fn in_crates(scope: &Scope<'_>, path: &str) -> Option<Page> {
    let [notebook, crates] = scope.indexes;
    if let Some(own) = notebook.types.get(path) {
        return Some(Page::of(&own.item, String::new()));
    }
    if let Some(own) = notebook
        .items
        .get(path)
        .or_else(|| notebook.items.get(&format!("{path}!")))
    {
        return Some(Page::of(own, String::new()));
    }
    let targets = crates.resolve(path);
    let target = targets
        .iter()
        .find(|target| matches!(target, Target::Item(_)))
        .or(targets.first())?;
    let found = crates.found(target)?;
    let from = match target {
        Target::Item(full) => crates.public_path(full),
        Target::Module(full) => full.clone(),
    };
    let mut page = Page {
        code: found.signature(),
        from,
        docs: found.docs().to_owned(),
    };
    if let Found::Type(own) = found
        && own.item.kind == Kind::Trait
    {
        let methods: Vec<String> = own
            .members
            .iter()
            .map(|member| format!("    {};\n", member.signature))
            .collect();
        if !methods.is_empty() {
            page.code = format!("{} {{\n{}}}", page.code, methods.concat());
        }
    }
    Some(page)
}
