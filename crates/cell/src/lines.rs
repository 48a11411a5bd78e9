//! `line!()` in a cell: the cell's own line, where the compiler would count those of generated source.
//!
//! In the body of a macro it means the line of the call, which is left to the compiler.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Item, Stmt};

use crate::source::{CellText, Edit};

/// Puts the number in place of each call.
pub(crate) fn of(statements: &[Stmt], cell: &CellText) -> Vec<Edit> {
    let mut edits = Vec::new();
    for statement in statements {
        if !matches!(statement, Stmt::Item(Item::Macro(_))) {
            walk(statement.to_token_stream(), cell, &mut edits);
        }
    }
    edits
}

fn walk(tokens: TokenStream, cell: &CellText, edits: &mut Vec<Edit>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_word = |at: usize, word: &str| matches!(tokens.get(at), Some(TokenTree::Ident(ident)) if ident == word);
    let is_sign = |at: usize, sign: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            continue;
        };
        // `macro_rules! name { .. }` and `name! { .. }`
        if at >= 3 && is_word(at - 3, "macro_rules") && is_sign(at - 2, '!') {
            continue;
        }
        let is_call = at >= 2 && is_word(at - 2, "line") && is_sign(at - 1, '!');
        let in_a_path = at >= 3 && (is_sign(at - 3, ':') || is_sign(at - 3, '.'));
        if is_call && !in_a_path && group.stream().is_empty() {
            let start = tokens[at - 2].span().byte_range().start;
            let end = group.span().byte_range().end;
            let (line, _) = cell.position(start);
            edits.push(Edit::replace(start..end, format!("{line}u32")));
        } else {
            walk(group.stream(), cell, edits);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::parse;
    use crate::source::{CellText, Source};

    fn written(text: &str) -> String {
        let cell = CellText::new("1", text);
        let parsed = parse(&cell).unwrap();
        let mut source = Source::default();
        source.theirs(&cell, 0..cell.text.len(), &parsed.edits);
        source.text
    }

    #[test]
    fn calls_become_numbers() {
        assert_eq!(
            written("let a = 1;\nf(a,\nline!());"),
            "let a = 1;\nf(a,\n3u32);"
        );
        assert_eq!(
            written("println!(\"{}\", line! [ ]);\nline!()"),
            "println!(\"{}\", 1u32);\n2u32"
        );
    }

    #[test]
    fn macros_and_others_of_the_name_stay() {
        for text in [
            "{ macro_rules! here { () => { line!() }; } }",
            "m::line!();",
            "line!(1);",
            "line();",
        ] {
            assert_eq!(written(text), text);
        }
    }
}
