//! The text of a cell taken apart: items, statements, tail expression.
//!
//! `syn` reads the text only to find where things are; what is compiled later is the text itself. Text that
//! `syn` cannot read is given to the compiler as it is, whose explanations are better.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Expr, Pat, Stmt};

use crate::checkpoints;
use crate::interact;
use crate::items::{self, Item};
use crate::lines;
use crate::names::Mentions;
use crate::source::{CellText, Edit};

/// Cells beyond this size, in bytes, are data rather than code and are refused.
pub const LONGEST_CELL: usize = 256 << 10;
/// Enough for the deepest nesting that fits into [`LONGEST_CELL`]; pages are used only when touched.
const STACK: usize = 2 << 30;

/// A cell taken apart.
#[derive(Debug)]
pub struct Parsed {
    /// The text that all ranges count in.
    pub cell: Arc<CellText>,
    /// `#![...]` at its head.
    pub inner_attributes: Vec<Range<usize>>,
    /// Items, which move out of the cell's function to the top of its crate.
    pub items: Vec<Item>,
    /// Statements in order, without the tail.
    pub statements: Vec<Range<usize>>,
    /// The last expression, if the cell ends in one.
    pub tail: Option<Range<usize>>,
    /// Variables that the statements bind, in order; a name bound twice counts as bound last.
    pub bindings: Vec<Binding>,
    /// Names in the statements and the tail.
    pub mentions: Mentions,
    /// Whether the statements or the tail wait with `.await`.
    pub awaits: bool,
    /// Whether anything in the cell loops, which makes optimising worth its time.
    pub loops: bool,
    /// Changes to make on the way into generated source.
    pub edits: Vec<Edit>,
}

/// A variable bound at the top level of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Its name, without `r#`.
    pub name: String,
    /// Whether it was bound with `mut`.
    pub mutable: bool,
    /// Why it cannot outlive the cell, as far as can be seen.
    pub fleeting: Option<Fleeting>,
    /// Where the name stands.
    pub range: Range<usize>,
}

/// Why a variable lives for its cell only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fleeting {
    /// It is a closure, or contains one.
    Closure,
    /// It borrows.
    Borrow,
}

/// Takes a cell apart. `None` when `syn` cannot: the compiler will say why.
pub fn parse(cell: &Arc<CellText>) -> Option<Parsed> {
    with_deep_stack(|| {
        let parsed = parse_here(cell);
        // syn keeps every text it has ever read; nothing refers to these spans any more.
        proc_macro2::extra::invalidate_current_thread_spans();
        parsed
    })
}

/// Runs `work` where deep nesting cannot overflow the stack.
fn with_deep_stack<T: Send>(work: impl FnOnce() -> Option<T> + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("parse".into())
            .stack_size(STACK)
            .spawn_scoped(scope, work);
        thread.ok()?.join().ok().flatten()
    })
}

fn parse_here(cell: &Arc<CellText>) -> Option<Parsed> {
    if cell.text.len() > LONGEST_CELL {
        return None;
    }
    let tokens: TokenStream = cell.text.parse().ok()?;
    let (attributes, statements) = read_cell.parse2(tokens).ok()?;
    let mut parsed = Parsed {
        cell: Arc::clone(cell),
        inner_attributes: attributes
            .iter()
            .map(|attribute| attribute.span().byte_range())
            .collect(),
        items: Vec::new(),
        statements: Vec::new(),
        tail: None,
        bindings: Vec::new(),
        mentions: Mentions::default(),
        awaits: false,
        loops: false,
        edits: Vec::new(),
    };
    let last = statements.len().saturating_sub(1);
    for (index, statement) in statements.iter().enumerate() {
        parsed.take(statement, index == last);
    }
    let checkpoints = checkpoints::of(&statements);
    parsed.loops = checkpoints.loops;
    parsed.edits.extend(checkpoints.edits);
    parsed.edits.extend(interact::of(&statements));
    parsed.edits.extend(lines::of(&statements, cell));
    Some(parsed)
}

/// Where tokens stand. `syn` writes a bracket of its own around some expressions, which stands nowhere; what is
/// inside it does.
fn range_of(tokens: TokenStream) -> Option<Range<usize>> {
    let ranges = tokens.into_iter().filter_map(|token| {
        let range = token.span().byte_range();
        match token {
            TokenTree::Group(group) if range.is_empty() => range_of(group.stream()),
            _ => (!range.is_empty()).then_some(range),
        }
    });
    ranges.reduce(|all, range| all.start.min(range.start)..all.end.max(range.end))
}

fn read_cell(input: syn::parse::ParseStream<'_>) -> syn::Result<(Vec<syn::Attribute>, Vec<Stmt>)> {
    Ok((
        input.call(syn::Attribute::parse_inner)?,
        input.call(syn::Block::parse_within)?,
    ))
}

impl Parsed {
    fn take(&mut self, statement: &Stmt, last: bool) {
        let range = range_of(statement.to_token_stream()).unwrap_or_default();
        if let Some((item, edits)) = items::item_of(statement, &self.cell.text) {
            self.items.push(item);
            self.edits.extend(edits);
            return;
        }
        self.mentions
            .extend(&Mentions::of(statement.to_token_stream()));
        self.awaits |= awaits(statement);
        match statement {
            Stmt::Expr(_, None) if last => self.tail = Some(range),
            Stmt::Macro(invocation) if last && invocation.semi_token.is_none() => {
                self.tail = Some(range)
            }
            Stmt::Local(local) => {
                self.bind(local);
                self.statements.push(range);
            }
            _ => self.statements.push(range),
        }
    }

    fn bind(&mut self, local: &syn::Local) {
        let init = local.init.as_ref().map(|init| init.expr.as_ref());
        let fleeting = init.and_then(fleeting);
        let whole = matches!(&local.pat, Pat::Ident(_))
            || matches!(&local.pat, Pat::Type(typed) if matches!(typed.pat.as_ref(), Pat::Ident(_)));
        let annotated = matches!(&local.pat, Pat::Type(_));
        let raw_pointer =
            matches!(&local.pat, Pat::Type(typed) if matches!(*typed.ty, syn::Type::Ptr(_)));
        let mut found = Vec::new();
        names_bound(&local.pat, whole, &mut found);
        for mut binding in found {
            // A closure behind a type annotation is a `fn` pointer or a box, which persists.
            if whole && !raw_pointer && !(annotated && fleeting == Some(Fleeting::Closure)) {
                binding.fleeting = binding.fleeting.or(fleeting);
            }
            self.bindings.retain(|earlier| earlier.name != binding.name);
            self.bindings.push(binding);
        }
    }

    /// Whether the cell is a whole program, pasted in: it consists of items, and one of them is `main`.
    pub fn runs_main(&self) -> bool {
        self.statements.is_empty()
            && self.tail.is_none()
            && self.items.iter().any(|item| item.is_main)
    }

    /// Whether there is anything to run.
    pub fn runs(&self) -> bool {
        !self.statements.is_empty() || self.tail.is_some() || self.runs_main()
    }

    /// The names of everything this cell defines or binds, for completion and `is it known` questions.
    pub fn defined_names(&self) -> BTreeSet<String> {
        let items = self
            .items
            .iter()
            .flat_map(|item| item.names.iter().map(|name| name.text.clone()));
        items
            .chain(self.bindings.iter().map(|binding| binding.name.clone()))
            .collect()
    }
}

/// Every name that a pattern binds. One that may be a constant or a variant is taken for a variable here; the compiler
/// tells (`lower`).
fn names_bound(pattern: &Pat, whole: bool, found: &mut Vec<Binding>) {
    match pattern {
        Pat::Ident(ident) => {
            let name = ident.ident.to_string();
            let name = name.strip_prefix("r#").unwrap_or(&name).to_string();
            // Asking the compiler about each takes time, and this one is in most cells that have any.
            let variant = !whole && ident.subpat.is_none() && name == "None";
            if !variant {
                found.push(Binding {
                    name,
                    mutable: ident.mutability.is_some() && ident.by_ref.is_none(),
                    fleeting: ident.by_ref.map(|_| Fleeting::Borrow),
                    range: ident.ident.span().byte_range(),
                });
            }
            if let Some((_, inner)) = &ident.subpat {
                names_bound(inner, false, found);
            }
        }
        Pat::Type(typed) => names_bound(&typed.pat, whole, found),
        Pat::Paren(paren) => names_bound(&paren.pat, whole, found),
        Pat::Tuple(tuple) => tuple
            .elems
            .iter()
            .for_each(|element| names_bound(element, false, found)),
        Pat::TupleStruct(tuple) => tuple
            .elems
            .iter()
            .for_each(|element| names_bound(element, false, found)),
        Pat::Slice(slice) => slice
            .elems
            .iter()
            .for_each(|element| names_bound(element, false, found)),
        Pat::Struct(fields) => fields
            .fields
            .iter()
            .for_each(|field| names_bound(&field.pat, false, found)),
        Pat::Reference(reference) => names_bound(&reference.pat, false, found),
        // All cases of an or-pattern bind the same names.
        Pat::Or(cases) => cases
            .cases
            .first()
            .into_iter()
            .for_each(|case| names_bound(case, false, found)),
        _ => {}
    }
}

/// What the right-hand side of a `let` tells about how long its value can live.
fn fleeting(init: &Expr) -> Option<Fleeting> {
    match init {
        Expr::Closure(_) | Expr::Async(_) => Some(Fleeting::Closure),
        Expr::Reference(reference) => (reference.mutability.is_some()
            || !is_constant(&reference.expr))
        .then_some(Fleeting::Borrow),
        Expr::Paren(paren) => fleeting(&paren.expr),
        _ => None,
    }
}

/// Values that the compiler gives a place of their own for the whole program, so that a borrow of one lasts.
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) => true,
        // A path with a capital initial is a constant or a static; whether it may be borrowed for good, the compiler says.
        Expr::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident.to_string().starts_with(char::is_uppercase)),
        Expr::Array(array) => array.elems.iter().all(is_constant),
        Expr::Tuple(tuple) => tuple.elems.iter().all(is_constant),
        Expr::Reference(reference) => is_constant(&reference.expr),
        Expr::Unary(unary) => is_constant(&unary.expr),
        Expr::Paren(paren) => is_constant(&paren.expr),
        Expr::Repeat(repeat) => is_constant(&repeat.expr),
        _ => false,
    }
}

/// Whether a statement waits outside of any `async` block or closure of its own.
fn awaits(statement: &Stmt) -> bool {
    use syn::visit::Visit;
    struct Finder(bool);
    impl<'ast> Visit<'ast> for Finder {
        fn visit_expr_await(&mut self, _: &'ast syn::ExprAwait) {
            self.0 = true;
        }
        fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
        fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
        fn visit_item(&mut self, _: &'ast syn::Item) {}
        fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
            // `println!("{}", f().await)`: macros are not parsed, but the word is there to see.
            self.0 |= invocation.tokens.to_string().contains(". await");
        }
    }
    let mut finder = Finder(false);
    finder.visit_stmt(statement);
    finder.0
}

/// Whether a cell could be run as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// It can be run.
    Complete,
    /// More has to come; the next line begins with `indent`.
    Incomplete {
        /// White space.
        indent: String,
    },
    /// More text cannot make it right.
    Invalid,
}

/// Says whether a cell could be run, wants more lines, or is wrong already.
pub fn is_complete(code: &str) -> Completeness {
    let cell = CellText::new("", code);
    if parse(&cell).is_some() {
        return Completeness::Complete;
    }
    match open_brackets(&cell.text) {
        Some(0) if ends_in_the_middle(&cell.text) => Completeness::Incomplete {
            indent: String::new(),
        },
        Some(0) | None => Completeness::Invalid,
        Some(depth) => Completeness::Incomplete {
            indent: "    ".repeat(depth),
        },
    }
}

/// How many brackets are open at the end; `None` when one is closed that was never opened.
fn open_brackets(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    let mut scanner = crate::scan::Scanner::new(text);
    while let Some(c) = scanner.next_code_char() {
        match c {
            '(' | '[' | '{' => open.push(c),
            ')' | ']' | '}' => {
                let opener = match c {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                if open.pop() != Some(opener) {
                    return None;
                }
            }
            _ => {}
        }
    }
    Some(if scanner.ended_inside() {
        open.len().max(1)
    } else {
        open.len()
    })
}

fn ends_in_the_middle(text: &str) -> bool {
    let end = text.trim_end();
    [
        "=", "+", "-", "*", "/", "&&", "||", ",", ".", "->", "=>", "::", ":",
    ]
    .iter()
    .any(|sign| end.ends_with(sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Parsed {
        parse(&CellText::new("1", text)).unwrap()
    }

    #[test]
    fn items_statements_and_tail_part() {
        let cell = parsed("struct P;\nlet a = 1;\nfn f() {}\na + 1");
        assert_eq!(cell.items.len(), 2);
        assert_eq!(cell.statements.len(), 1);
        assert_eq!(&cell.cell.text[cell.tail.unwrap()], "a + 1");
    }

    #[test]
    fn patterns_bind_names() {
        let cell = parsed(
            "let (mut a, Some(b)) = x else { return }; let P { c, d: [e, ..], .. } = p; let n @ 1.. = 3; let a = 2;",
        );
        let names: Vec<_> = cell
            .bindings
            .iter()
            .map(|b| (b.name.as_str(), b.mutable))
            .collect();
        assert_eq!(
            names,
            [
                ("b", false),
                ("c", false),
                ("e", false),
                ("n", false),
                ("a", false)
            ]
        );
        let cell = parsed("let (None, H, w) = z else { return };");
        let names: Vec<_> = cell.bindings.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(names, ["H", "w"]);
    }

    #[test]
    fn what_cannot_last_is_seen() {
        let cell = parsed(
            "let r = &v; let f = |x| x; let s = &\"lit\"; let g: fn(i32) -> i32 = |x| x; let ref q = v; let n = v.len();",
        );
        let fleeting: Vec<_> = cell.bindings.iter().map(|b| b.fleeting).collect();
        assert_eq!(
            fleeting,
            [
                Some(Fleeting::Borrow),
                Some(Fleeting::Closure),
                None,
                None,
                Some(Fleeting::Borrow),
                None
            ]
        );
    }

    #[test]
    fn completeness() {
        assert_eq!(is_complete("let x = 1;"), Completeness::Complete);
        assert_eq!(
            is_complete("fn f() {\n  if a {"),
            Completeness::Incomplete {
                indent: " ".repeat(8)
            }
        );
        assert_eq!(
            is_complete("let s = \"abc"),
            Completeness::Incomplete {
                indent: " ".repeat(4)
            }
        );
        assert_eq!(
            is_complete("let x ="),
            Completeness::Incomplete {
                indent: String::new()
            }
        );
        assert_eq!(is_complete("f())"), Completeness::Invalid);
        assert_eq!(is_complete("let let"), Completeness::Invalid);
        assert_eq!(is_complete("// only { a comment"), Completeness::Complete);
    }

    #[test]
    fn nesting_as_deep_as_a_cell_is_no_danger() {
        for unit in [
            "(",
            "!",
            "-",
            "[",
            "{",
            "&",
            "|x|",
            "if a {} else ",
            "x=",
            "fn()->",
            "<",
            "a<",
            "return ",
        ] {
            let text = unit.repeat(LONGEST_CELL / unit.len());
            parse(&CellText::new("1", &text));
            parse(&CellText::new("1", &format!("{text}x")));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn any_text_is_no_danger(text in "\\PC*") {
            parse(&CellText::new("1", &text));
            is_complete(&text);
        }

        #[test]
        fn any_rust_like_text_is_no_danger(words in proptest::collection::vec(
            prop_oneof![Just("fn "), Just("let "), Just("{"), Just("}"), Just("("), Just(")"), Just("x"), Just(" = "), Just("\""),
                Just("'"), Just("r#\""), Just("/*"), Just("*/"), Just("//"), Just("\n"), Just(";"), Just("|"), Just("é"), Just("impl "),
                Just("for "), Just("in 0..9 "), Just("struct "), Just("#["), Just("]"), Just("macro_rules! "), Just("1.0"), Just("::")], 0..40)) {
            let text = words.concat();
            if let Some(parsed) = parse(&CellText::new("1", &text)) {
                for range in parsed.statements.iter().chain(&parsed.tail).chain(parsed.items.iter().map(|item| &item.range)) {
                    prop_assert!(parsed.cell.text.get(range.clone()).is_some());
                }
                for edit in &parsed.edits {
                    prop_assert!(parsed.cell.text.get(edit.range.clone()).is_some());
                }
            }
            is_complete(&text);
        }
    }
}
