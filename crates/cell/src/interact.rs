//! Closures given to `interact(control, |value| ...)`, which runs them long after their cell has ended.
//!
//! Such a closure cannot borrow the cell's variables: each one that it names is copied into it. And whatever
//! its body comes to is shown like the last line of a cell, with `?` as in a cell. Both are edits of the learner's
//! text: `|x| f(&img, x)` becomes `{ let mut img = copy of img; move |x| shown(|| bundle of f(&img, x)) }`.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, ExprClosure, Pat, Stmt};

use crate::names::Mentions;
use crate::source::Edit;

/// The functions that keep a closure for later.
const KEEPERS: &[&str] = &["interact"];

/// The edits for all such closures in a cell.
pub(crate) fn of(statements: &[Stmt]) -> Vec<Edit> {
    let mut finder = Finder(Vec::new());
    statements
        .iter()
        .for_each(|statement| finder.visit_stmt(statement));
    finder.0
}

struct Finder(Vec<Edit>);

impl<'ast> Visit<'ast> for Finder {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(function) = call.func.as_ref()
            && let Some(name) = function.path.segments.last()
            && KEEPERS.iter().any(|keeper| name.ident == keeper)
            && let Some(Expr::Closure(closure)) = call.args.last()
        {
            self.0.extend(outlive(closure));
        }
        visit::visit_expr_call(self, call);
    }
}

/// Lets a closure own what it names, and show what it comes to.
fn outlive(closure: &ExprClosure) -> [Edit; 3] {
    let whole = closure.span().byte_range();
    let body = closure.body.span().byte_range();
    let mut before = String::from("{ ");
    if closure.capture.is_none() {
        for name in captured(closure) {
            before.push_str(&format!(
                "#[allow(unused_mut)] let mut {name} = {{ #[allow(unused_imports)] \
                 use ::course::{{rt::comm::along::*, vision::describe::TensorAlong as _}}; (&&Along(&{name})).along() }}; "
            ));
        }
        before.push_str("move ");
    }
    [
        Edit::before(whole.start, before),
        Edit::before(body.start, "::course::rt::comm::shown(|| { match ("),
        Edit::after(
            body.end,
            ") { ref cv_value => { #[allow(unused_imports)] use ::course::{rt::display::tail::*, vision::describe::TensorTail as _}; \
             ::std::result::Result::Ok((&&&&&Tail(cv_value)).bundle()) } } }) }",
        ),
    ]
}

/// The variables from outside that a closure names, in the order of the alphabet.
fn captured(closure: &ExprClosure) -> BTreeSet<String> {
    let mut names = Captured {
        scopes: vec![BTreeSet::new()],
        found: BTreeSet::new(),
    };
    names.visit_expr_closure(closure);
    names.found
}

/// Walks with the scopes that a name may have been bound in.
struct Captured {
    scopes: Vec<BTreeSet<String>>,
    found: BTreeSet<String>,
}

impl Captured {
    fn name(&mut self, name: String) {
        let variable = name.starts_with(|c: char| c.is_lowercase() || c == '_')
            && !matches!(name.as_str(), "self" | "crate" | "super" | "_");
        if variable && !self.scopes.iter().any(|scope| scope.contains(&name)) {
            self.found.insert(name);
        }
    }

    fn bind(&mut self, pattern: &Pat) {
        struct Names<'a>(&'a mut BTreeSet<String>);
        impl Visit<'_> for Names<'_> {
            fn visit_pat_ident(&mut self, ident: &syn::PatIdent) {
                self.0.insert(ident.ident.to_string());
                visit::visit_pat_ident(self, ident);
            }
        }
        if let Some(scope) = self.scopes.last_mut() {
            Names(scope).visit_pat(pattern);
        }
    }

    fn inside(&mut self, walk: impl FnOnce(&mut Self)) {
        self.scopes.push(BTreeSet::new());
        walk(self);
        self.scopes.pop();
    }

    /// Macros are not parsed: every word counts that is no function, path or field, and every `{name}`.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let is = |at: usize, signs: &[char]| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if signs.contains(&p.as_char()));
            match token {
                TokenTree::Ident(ident) => {
                    let call = matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == proc_macro2::Delimiter::Parenthesis);
                    let member = at > 0 && is(at - 1, &['.', ':']);
                    if !call && !member && !is(at + 1, &['!', ':', '=']) {
                        self.name(ident.to_string());
                    }
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    let literal = TokenTree::Literal(literal.clone());
                    for name in Mentions::of(literal.into()).names {
                        self.name(name);
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Captured {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if let Some(ident) = path.path.get_ident() {
            self.name(ident.to_string());
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        // The function itself needs no copy.
        if !matches!(call.func.as_ref(), Expr::Path(_)) {
            self.visit_expr(&call.func);
        }
        call.args
            .iter()
            .for_each(|argument| self.visit_expr(argument));
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        self.tokens(invocation.tokens.clone());
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.inside(|inside| visit::visit_block(inside, block));
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(init) = &local.init {
            self.visit_local_init(init);
        }
        self.bind(&local.pat);
    }

    fn visit_expr_let(&mut self, binding: &'ast syn::ExprLet) {
        self.visit_expr(&binding.expr);
        self.bind(&binding.pat);
    }

    fn visit_expr_if(&mut self, branch: &'ast syn::ExprIf) {
        self.inside(|inside| visit::visit_expr_if(inside, branch));
    }

    fn visit_expr_while(&mut self, each: &'ast syn::ExprWhile) {
        self.inside(|inside| visit::visit_expr_while(inside, each));
    }

    fn visit_expr_for_loop(&mut self, each: &'ast syn::ExprForLoop) {
        self.visit_expr(&each.expr);
        self.inside(|inside| {
            inside.bind(&each.pat);
            inside.visit_block(&each.body);
        });
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.inside(|inside| {
            inside.bind(&arm.pat);
            visit::visit_arm(inside, arm);
        });
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.inside(|inside| {
            closure.inputs.iter().for_each(|input| inside.bind(input));
            inside.visit_expr(&closure.body);
        });
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(closure: &str) -> Vec<String> {
        captured(&syn::parse_str(closure).unwrap())
            .into_iter()
            .collect()
    }

    #[test]
    fn variables_from_outside_are_captured() {
        assert_eq!(names("|angle| rotate(&img, angle)"), ["img"]);
        assert_eq!(
            names("|(a, b)| img.resize(a, b + size[0]).x"),
            ["img", "size"]
        );
        assert_eq!(
            names("|n| vision::f(n) + std::f64::consts::PI * LIMIT"),
            [""; 0]
        );
    }

    #[test]
    fn what_is_bound_inside_is_not() {
        let closure = "|n| { let img = img.crop(n); for i in rows { g(i, k) } if let Some(x) = o { x } else { y } \
                       match m { Some(t) if t > u => t, _ => 0 } (0..n).map(|j| j + w).sum() }";
        assert_eq!(
            names(closure),
            ["img", "k", "m", "o", "rows", "u", "w", "y"]
        );
    }

    #[test]
    fn macros_name_variables_too() {
        assert_eq!(
            names(r#"|n| format!("{n} of {total} {:?}", photo.f(side), word = 1)"#),
            ["photo", "side", "total"]
        );
    }

    #[test]
    fn only_closures_of_interact_change() {
        let edits = |code: &str| of(&syn::parse_str::<syn::Block>(code).unwrap().stmts).len();
        assert_eq!(
            edits("{ interact(s, |x| x); widgets::interact(s, move |x| x) }"),
            6
        );
        assert_eq!(edits("{ v.iter().map(|x| x); interact(s, f); }"), 0);
    }
}
