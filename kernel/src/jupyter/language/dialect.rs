//! The Rust of the standard library's own sources, made readable: it is ahead of what syn knows, and writes the
//! methods of numbers by macro.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// The standard library is written in a Rust that syn does not know yet.
pub(super) fn without_experiments(text: String) -> String {
    [
        ("const trait ", "trait "),
        ("const unsafe trait ", "unsafe trait "),
        ("const impl<", "impl<"),
        ("const impl ", "impl "),
        ("const unsafe impl", "unsafe impl"),
        ("[const] ", ""),
    ]
    .iter()
    .fold(text, |text, (new, known)| text.replace(new, known))
}

/// The members that a macro such as `int_impl!` of the standard library writes for each number, with its
/// variables filled in.
pub(super) fn members_in_macro(tokens: TokenStream, number: &str) -> Option<syn::ItemImpl> {
    let body = tokens.into_iter().filter_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
        _ => None,
    });
    let body = filled_in(body.last()?, number);
    syn::parse_str(&format!("impl {number} {{ {body} }}")).ok()
}

/// `$SelfT` and all other variables as `number`.
fn filled_in(tokens: TokenStream, number: &str) -> TokenStream {
    let mut variable = false;
    let mut out = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '$' => variable = true,
            TokenTree::Ident(name) if variable => {
                variable = false;
                out.push(TokenTree::Ident(Ident::new(number, name.span())));
            }
            TokenTree::Group(group) => {
                variable = false;
                let inside = filled_in(group.stream(), number);
                out.push(TokenTree::Group(Group::new(group.delimiter(), inside)));
            }
            other => out.push(other),
        }
    }
    out.into_iter().collect()
}
