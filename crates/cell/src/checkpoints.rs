//! Where a cell can be interrupted: a checkpoint in every loop body and in every function that may recurse.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{AttrStyle, Attribute, Stmt};

use crate::source::{CHECKPOINT, Edit};

/// What was found in a cell.
pub(crate) struct Checkpoints {
    /// The checkpoints as insertions.
    pub(crate) edits: Vec<Edit>,
    /// Whether there is any loop.
    pub(crate) loops: bool,
}

/// Finds the places for checkpoints in the statements of a cell.
pub(crate) fn of(statements: &[Stmt]) -> Checkpoints {
    let mut functions = FunctionNames::default();
    statements
        .iter()
        .for_each(|statement| functions.visit_stmt(statement));
    let mut finder = Finder {
        functions: functions.0,
        edits: Vec::new(),
        loops: false,
    };
    statements
        .iter()
        .for_each(|statement| finder.visit_stmt(statement));
    Checkpoints {
        edits: finder.edits,
        loops: finder.loops,
    }
}

/// The names of all functions that a cell defines.
#[derive(Default)]
struct FunctionNames(BTreeSet<String>);

impl<'ast> Visit<'ast> for FunctionNames {
    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.0.insert(signature.ident.to_string());
    }
}

struct Finder {
    functions: BTreeSet<String>,
    edits: Vec<Edit>,
    loops: bool,
}

impl Finder {
    /// Puts a checkpoint at the start of a block, behind its inner attributes, which have to stay first.
    fn at_start_of(&mut self, block: &syn::Block, attributes: &[Attribute]) {
        let inner = |attribute: &&Attribute| matches!(attribute.style, AttrStyle::Inner(_));
        let last = attributes.iter().rfind(inner);
        self.edits.push(match last {
            // It may be a comment, which ends with its line.
            Some(last) => Edit::after(last.span().byte_range().end, format!("\n{CHECKPOINT}")),
            None => Edit::after(block.brace_token.span.open().byte_range().end, CHECKPOINT),
        });
    }

    fn enter_function(
        &mut self,
        signature: &syn::Signature,
        block: &syn::Block,
        attributes: &[Attribute],
    ) {
        let foreign = signature.abi.as_ref().is_some_and(|abi| {
            abi.name
                .as_ref()
                .is_none_or(|name| !name.value().ends_with("-unwind") && name.value() != "Rust")
        });
        // Constant evaluation has no checkpoints, and a panic must not leave through a foreign function.
        if signature.constness.is_some() || foreign {
            return;
        }
        let mut calls = CallsAny {
            functions: &self.functions,
            found: false,
        };
        calls.visit_block(block);
        if calls.found && !block.stmts.is_empty() {
            self.at_start_of(block, attributes);
        }
        visit::visit_block(self, block);
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_expr_for_loop(&mut self, each: &'ast syn::ExprForLoop) {
        self.loops = true;
        self.at_start_of(&each.body, &each.attrs);
        visit::visit_expr_for_loop(self, each);
    }

    fn visit_expr_while(&mut self, each: &'ast syn::ExprWhile) {
        self.loops = true;
        self.at_start_of(&each.body, &each.attrs);
        visit::visit_expr_while(self, each);
    }

    fn visit_expr_loop(&mut self, each: &'ast syn::ExprLoop) {
        self.loops = true;
        self.at_start_of(&each.body, &each.attrs);
        visit::visit_expr_loop(self, each);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.enter_function(&function.sig, &function.block, &function.attrs);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.enter_function(&function.sig, &function.block, &function.attrs);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.enter_function(&function.sig, block, &function.attrs);
        }
    }

    // What follows is evaluated by the compiler, where there are no checkpoints.
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_item_enum(&mut self, _: &'ast syn::ItemEnum) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.ident.is_some() {
            in_definition(&item.mac.tokens, &mut self.edits);
        }
    }
    // Macro arguments are not parsed; what they loop over is their own affair.
    fn visit_macro(&mut self, _: &'ast syn::Macro) {}
}

/// Puts checkpoints into the loops that a `macro_rules!` writes, as far as they can be told from its tokens.
fn in_definition(tokens: &TokenStream, edits: &mut Vec<Edit>) {
    let mut before = [' ', ' '];
    for token in tokens.clone() {
        match token {
            TokenTree::Punct(punct) => before = [before[1], punct.as_char()],
            // What is matched stays as it is; what is written follows an arrow.
            TokenTree::Group(group) => {
                if before == ['=', '>'] {
                    in_transcription(group.stream(), edits);
                }
                before = [' ', ' '];
            }
            _ => before = [' ', ' '],
        }
    }
}

fn in_transcription(tokens: TokenStream, edits: &mut Vec<Edit>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let word = |at: usize| match tokens.get(at) {
        Some(TokenTree::Ident(ident)) => ident.to_string(),
        _ => String::new(),
    };
    // Perhaps evaluated by the compiler, where there are no checkpoints.
    if (0..tokens.len()).any(|at| matches!(word(at).as_str(), "const" | "static")) {
        return;
    }
    let is_block = |at: &usize| matches!(&tokens[*at], TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    for (at, token) in tokens.iter().enumerate() {
        let body = match word(at).as_str() {
            "loop" => Some(at + 1),
            "while" => (at + 1..tokens.len()).find(is_block),
            // `impl Trait for Type { .. }` has the word too.
            "for" => (at + 1..tokens.len())
                .find(is_block)
                .filter(|body| (at + 1..*body).any(|at| word(at) == "in")),
            _ => None,
        };
        match (body.and_then(|body| tokens.get(body)), body) {
            (Some(TokenTree::Group(group)), _) if group.delimiter() == Delimiter::Brace => {
                edits.push(Edit::after(group.span_open().byte_range().end, CHECKPOINT));
            }
            // `loop $body`
            (Some(TokenTree::Punct(dollar)), Some(body)) if dollar.as_char() == '$' => {
                if let Some(TokenTree::Ident(name)) = tokens.get(body + 1) {
                    let start = dollar.span().byte_range().start;
                    edits.push(Edit::before(start, format!("{{{CHECKPOINT} ")));
                    edits.push(Edit::after(name.span().byte_range().end, " }"));
                }
            }
            _ => {}
        }
        if let TokenTree::Group(group) = token {
            in_transcription(group.stream(), edits);
        }
    }
}

/// Whether a piece of code calls any of the given functions, by path or as a method.
struct CallsAny<'a> {
    functions: &'a BTreeSet<String>,
    found: bool,
}

impl<'ast> Visit<'ast> for CallsAny<'_> {
    fn visit_ident(&mut self, ident: &'ast proc_macro2::Ident) {
        self.found |= self.functions.contains(&ident.to_string());
    }
    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        let mentions = crate::names::Mentions::of(invocation.tokens.clone());
        self.found |= mentions
            .names
            .iter()
            .chain(&mentions.methods)
            .any(|name| self.functions.contains(name));
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::parse;
    use crate::source::{CellText, Source};

    /// The cell with its checkpoints shortened to marks.
    fn marked(text: &str) -> String {
        let cell = CellText::new("1", text);
        let parsed = parse(&cell).unwrap();
        let mut source = Source::default();
        source.theirs(&cell, 0..cell.text.len(), &parsed.edits);
        source
            .text
            .replace(crate::source::CHECKPOINT, "•")
            .replace("pub ", "")
    }

    #[test]
    fn every_loop_gets_a_checkpoint() {
        assert_eq!(marked("while a { b() }"), "while a {• b() }");
        assert_eq!(
            marked("let x = loop { break 1 };"),
            "let x = loop {• break 1 };"
        );
        assert_eq!(marked("for x in v { f(x) }"), "for x in v {• f(x) }");
        assert_eq!(
            marked("v.iter().map(|x| { while x {} });"),
            "v.iter().map(|x| { while x {•} });"
        );
        assert_eq!(marked("fn f() { loop {} }"), "fn f() { loop {•} }");
    }

    #[test]
    fn loops_that_macros_write_get_checkpoints() {
        let marked = |text: &str| marked(text).replace("#[macro_export] ", "");
        assert_eq!(
            marked("macro_rules! m { (loop $b:block) => { loop $b }; }"),
            "macro_rules! m { (loop $b:block) => { loop {• $b } }; }"
        );
        assert_eq!(
            marked("macro_rules! m { ($x:expr) => {{ for i in $x { while $x { f() } } }}; }"),
            "macro_rules! m { ($x:expr) => {{ for i in $x {• while $x {• f() } } }}; }"
        );
        for same in [
            "macro_rules! m { ($t:ty) => { impl T for $t { fn f() {} } }; }",
            "macro_rules! m { () => { const fn f() { loop {} } }; }",
        ] {
            assert_eq!(marked(same), same);
        }
    }

    #[test]
    fn recursion_gets_a_checkpoint_and_constants_none() {
        assert_eq!(
            marked("fn f(n: u32) { f(n - 1) }"),
            "fn f(n: u32) {• f(n - 1) }"
        );
        assert_eq!(
            marked("fn leaf(n: u32) { n + 1; }"),
            "fn leaf(n: u32) { n + 1; }"
        );
        for constant in [
            "const fn f() { loop { f() } }",
            "const N: i32 = loop { break 1 };",
            "extern \"C\" fn g() { loop {} }",
        ] {
            assert!(!marked(constant).contains('•'), "{constant}");
        }
    }
}
