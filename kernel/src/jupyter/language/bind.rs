//! What the cell itself binds before the cursor: `let`, `for`, parameters of functions.

use syn::Pat;

use super::lex::{Token, Tokens};
use super::ty::Ty;
use super::types::Scope;

/// How many bindings of a cell are followed back.
const BINDINGS: usize = 200;

impl Scope<'_> {
    /// Adds what the cell itself binds before the cursor: `let`, `for`, and parameters of its functions.
    pub(super) fn bind(&mut self, tokens: &Tokens<'_>) {
        let mut at = 0;
        let mut bound = 0;
        while at < tokens.all.len() && bound < BINDINGS {
            let word = if tokens.token(at) == Some(Token::Word) {
                tokens.word(at)
            } else {
                ""
            };
            match word {
                "let" => {
                    self.bind_let(tokens, at + 1);
                    bound += 1;
                }
                "for" => self.bind_for(tokens, at + 1),
                "fn" => self.bind_parameters(tokens, at + 1),
                _ => {}
            }
            at += 1;
        }
    }

    fn bind_let(&mut self, tokens: &Tokens<'_>, start: usize) {
        let end = statement_end(tokens, start);
        let text = format!("let {};", tokens.between(start, end));
        let Ok(syn::Stmt::Local(local)) = syn::parse_str(&text) else {
            return;
        };
        let annotated = match &local.pat {
            Pat::Type(typed) => Ty::from_syn(&typed.ty, ""),
            _ => None,
        };
        let of_value = || local.init.as_ref().and_then(|init| self.of(&init.expr, 0));
        // `Vec<_>` says less than the value may; the value says nothing of `collect()`.
        if let Some(of_type) = annotated.or_else(of_value) {
            self.bind_pattern(&local.pat, of_type);
        }
    }

    fn bind_pattern(&mut self, pattern: &Pat, of_type: Ty) {
        match pattern {
            Pat::Ident(name) => {
                self.variables.insert(name.ident.to_string(), of_type);
            }
            Pat::Type(typed) => self.bind_pattern(&typed.pat, of_type),
            Pat::Reference(inside) => self.bind_pattern(&inside.pat, of_type),
            Pat::Tuple(parts) if of_type.name == "()" => {
                for (part, of_type) in parts.elems.iter().zip(of_type.arguments) {
                    self.bind_pattern(part, of_type);
                }
            }
            Pat::TupleStruct(parts) => {
                // `Some(x)`, `Ok(x)`.
                if let (Some(part), Some(inside)) =
                    (parts.elems.first(), of_type.arguments.into_iter().next())
                {
                    self.bind_pattern(part, inside);
                }
            }
            _ => {}
        }
    }

    fn bind_for(&mut self, tokens: &Tokens<'_>, start: usize) {
        let Some(end) =
            (start..tokens.all.len()).find(|at| tokens.token(*at) == Some(Token::Open('{')))
        else {
            return;
        };
        let text = format!("for {} {{}}", tokens.between(start, end));
        let Ok(each) = syn::parse_str::<syn::ExprForLoop>(&text) else {
            return;
        };
        if let Some(item) = self
            .of(&each.expr, 0)
            .and_then(|of_type| self.item_of(&of_type))
        {
            self.bind_pattern(&each.pat, item);
        }
    }

    fn bind_parameters(&mut self, tokens: &Tokens<'_>, start: usize) {
        let Some(end) = (start..tokens.all.len())
            .find(|at| matches!(tokens.token(*at), Some(Token::Open('{'))))
        else {
            return;
        };
        let text = format!("fn {}", tokens.between(start, end));
        let Ok(signature) = syn::parse_str::<syn::Signature>(&text) else {
            return;
        };
        for input in &signature.inputs {
            if let syn::FnArg::Typed(input) = input
                && let Some(of_type) = Ty::from_syn(&input.ty, "")
            {
                self.bind_pattern(&input.pat, of_type);
            }
        }
    }
}

/// The token that ends the statement: its `;`, or the end of the text.
fn statement_end(tokens: &Tokens<'_>, start: usize) -> usize {
    let mut depth = 0_usize;
    for at in start..tokens.all.len() {
        match tokens.token(at) {
            Some(Token::Open(_)) => depth += 1,
            Some(Token::Close(_)) if depth == 0 => return at,
            Some(Token::Close(_)) => depth -= 1,
            Some(Token::Sign(';')) if depth == 0 => return at,
            _ => {}
        }
    }
    tokens.all.len()
}
