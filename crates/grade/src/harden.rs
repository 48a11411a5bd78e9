//! Tests made safe from what a learner may define: `assert!` becomes `::std::assert!`, and `Checks`
//! `::course::checks::Checks`.
//!
//! A `macro_rules! assert` in the learner's part of the notebook would take the place of the real one; a
//! path that begins with `::` always means the library of that name.
//!
//! Checks in a region of hidden tests become hidden checks, whose names and messages no learner sees.

use std::ops::Range;
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::regions::HIDDEN_TESTS;

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

/// The methods of checks that show a name and a message, and those that keep them.
const SHOWN: [(&str, &str); 2] = [("check", "hidden"), ("property", "hidden_property")];

/// The tests with whole paths to those macros and hidden checks in hidden regions, otherwise unchanged.
///
/// # Errors
/// When the text is not made of Rust's tokens, with the reason.
pub fn harden(tests: &str) -> Result<String, String> {
    let stream = TokenStream::from_str(tests).map_err(|error| error.to_string())?;
    let mut finder = Finder {
        hidden: HIDDEN_TESTS.ranges(tests),
        places: Vec::new(),
    };
    finder.find(stream);
    let Finder { mut places, .. } = finder;
    places.sort_unstable_by_key(|(place, _)| place.start);
    let mut text = tests.to_owned();
    for (place, instead) in places.into_iter().rev() {
        text.replace_range(place, instead);
    }
    Ok(text)
}

struct Finder {
    /// Where hidden tests are, in bytes.
    hidden: Vec<Range<usize>>,
    /// What is to be replaced, in bytes, and by what.
    places: Vec<(Range<usize>, &'static str)>,
}

impl Finder {
    fn find(&mut self, stream: TokenStream) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let is_punct = |at: usize, wanted: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.find(group.stream()),
                TokenTree::Ident(name) => {
                    let text = name.to_string();
                    let place = name.span().byte_range();
                    if at >= 1 && is_punct(at - 1, '.') {
                        let arguments = tokens.get(at + 1);
                        self.method(&text, place, arguments);
                        continue;
                    }
                    let has_path = at >= 1 && is_punct(at - 1, ':');
                    let is_call = is_punct(at + 1, '!') && !is_punct(at + 2, '=');
                    let path = if is_call && MACROS.contains(&text.as_str()) {
                        "::std::"
                    } else if text == CHECKS {
                        "::course::checks::"
                    } else {
                        continue;
                    };
                    if !has_path {
                        self.places.push((place.start..place.start, path));
                    }
                }
                _ => {}
            }
        }
    }

    /// A call of a method, `checks.check("name", 1.0, || ..)`.
    fn method(&mut self, name: &str, place: Range<usize>, arguments: Option<&TokenTree>) {
        let is_hidden = self
            .hidden
            .iter()
            .any(|region| region.contains(&place.start));
        let secret = SHOWN.iter().find(|(shown, _)| *shown == name);
        if let (true, Some((_, secret)), Some(TokenTree::Group(group))) =
            (is_hidden, secret, arguments)
            && group.delimiter() == Delimiter::Parenthesis
            && looks_like_a_check(group.stream())
        {
            self.places.push((place, secret));
        }
    }
}

/// Whether arguments are a name, points and more: other things have methods of these names, too.
fn looks_like_a_check(arguments: TokenStream) -> bool {
    let is_comma =
        |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    arguments.into_iter().filter(is_comma).count() >= 2
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

    #[test]
    fn checks_in_hidden_regions_are_hidden_checks() {
        let tests = "let mut c = Checks::new();\nc.check(\"größe\", 1.0, || {});\n// BEGIN HIDDEN TESTS\n\
            c.check(\"secret\", 0.5, || assert!(check(1, 2, 3)));\nc.property(\"more\", 0.5, 0..9, |n| {});\n\
            c.hidden(\"known\", 0.5, || { w.check(1); });\n// END HIDDEN TESTS\nc.check(\"last\", 1.0, || {});";
        let hardened = harden(tests).unwrap();
        for (kept, count) in [
            (".check(\"größe\"", 1),
            (
                ".hidden(\"secret\", 0.5, || ::std::assert!(check(1, 2, 3)))",
                1,
            ),
            (".hidden_property(\"more\"", 1),
            (".hidden(\"known\", 0.5, || { w.check(1); })", 1),
            (".check(\"last\"", 1),
            ("check(", 4),
        ] {
            assert_eq!(
                hardened.matches(kept).count(),
                count,
                "{kept} in {hardened}"
            );
        }
        assert_eq!(harden(&hardened).unwrap(), hardened);
    }
}
