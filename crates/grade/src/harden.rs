//! Tests made safe from what a learner may define: `assert!` becomes `::std::assert!`, and `Checks`
//! `::course::checks::Checks`.
//!
//! A `macro_rules! assert` in the learner's part of the notebook would take the place of the real one; a
//! path that begins with `::` always means the library of that name.

use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

/// The macros of the standard library that a test's verdict may rest on.
const MACROS: [&str; 12] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "format",
    "matches",
    "panic",
    "todo",
    "unreachable",
    "vec",
];

/// The course's named checks.
const CHECKS: &str = "Checks";

/// The tests with whole paths to those macros, otherwise unchanged.
///
/// # Errors
/// When the text is not made of Rust's tokens, with the reason.
pub fn harden(tests: &str) -> Result<String, String> {
    let stream = TokenStream::from_str(tests).map_err(|error| error.to_string())?;
    let mut places = Vec::new();
    find(stream, &mut places);
    places.sort_unstable();
    let mut text = tests.to_owned();
    for (place, path) in places.into_iter().rev() {
        text.insert_str(place, path);
    }
    Ok(text)
}

fn find(stream: TokenStream, places: &mut Vec<(usize, &'static str)>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let is_punct = |at: usize, wanted: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => find(group.stream(), places),
            TokenTree::Ident(name) => {
                let has_path = at >= 1 && is_punct(at - 1, ':');
                let is_call = is_punct(at + 1, '!') && !is_punct(at + 2, '=');
                let text = name.to_string();
                let path = if is_call && MACROS.contains(&text.as_str()) {
                    "::std::"
                } else if text == CHECKS {
                    "::course::checks::"
                } else {
                    continue;
                };
                if !has_path {
                    places.push((name.span().byte_range().start, path));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_macros_get_their_path() {
        let tests = "// assert!(no)\nassert_eq!(f(vec![1]), \"panic!\");\n::std::assert!(größe(1) == 2);\nstd::assert!(true);";
        assert_eq!(
            harden(tests).unwrap(),
            "// assert!(no)\n::std::assert_eq!(f(::std::vec![1]), \"panic!\");\n::std::assert!(größe(1) == 2);\nstd::assert!(true);"
        );
        assert_eq!(
            harden(&harden(tests).unwrap()).unwrap(),
            harden(tests).unwrap()
        );
        assert_eq!(
            harden("let panic = 1; panic != 2").unwrap(),
            "let panic = 1; panic != 2"
        );
        assert_eq!(
            harden("let c = Checks::new();").unwrap(),
            "let c = ::course::checks::Checks::new();"
        );
        assert!(harden("\"open").is_err());
    }
}
