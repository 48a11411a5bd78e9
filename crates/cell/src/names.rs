//! Which names a piece of a cell mentions.
//!
//! The answer may be too large (a local variable called like a function) but never too small: what is
//! mentioned is what gets loaded and linked.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The names in a piece of source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Names that may be variables, items or macros.
    pub names: BTreeSet<String>,
    /// Names after a dot: fields and methods. A trait is needed when one of its methods is called.
    pub methods: BTreeSet<String>,
}

impl Mentions {
    /// Gathers the names in `tokens`.
    pub fn of(tokens: TokenStream) -> Self {
        let mut mentions = Self::default();
        mentions.walk(tokens);
        mentions
    }

    /// Adds another piece's.
    pub fn extend(&mut self, other: &Self) {
        self.names.extend(other.names.iter().cloned());
        self.methods.extend(other.methods.iter().cloned());
    }

    /// The names in a type that paths begin with: of `std::vec::Vec<m::P>` these are `std` and `m`.
    pub fn heads_of(tokens: TokenStream) -> BTreeSet<String> {
        fn walk(tokens: TokenStream, found: &mut BTreeSet<String>) {
            let mut continues = false;
            for token in tokens {
                let sign = match &token {
                    TokenTree::Punct(punct) => punct.as_char(),
                    _ => ' ',
                };
                match token {
                    TokenTree::Ident(name) if !continues => {
                        let name = name.to_string();
                        found.insert(name.strip_prefix("r#").unwrap_or(&name).to_string());
                    }
                    TokenTree::Group(group) => walk(group.stream(), found),
                    _ => {}
                }
                continues = matches!(sign, ':' | '\'');
            }
        }
        let mut found = BTreeSet::new();
        walk(tokens, &mut found);
        found
    }

    fn walk(&mut self, tokens: TokenStream) {
        let mut before = Before::Other;
        for token in tokens {
            before = match token {
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    let name = name.strip_prefix("r#").unwrap_or(&name).to_string();
                    match before {
                        Before::Dot => {
                            self.methods.insert(name);
                        }
                        Before::Quote => {}
                        Before::Path => {
                            // `Shape::area(..)` may name a trait's method too, and `m::Shape` an item.
                            self.methods.insert(name.clone());
                            self.names.insert(name);
                        }
                        Before::Other | Before::Range => {
                            self.names.insert(name);
                        }
                    }
                    Before::Other
                }
                TokenTree::Punct(punct) => match (punct.as_char(), punct.spacing(), before) {
                    ('.', Spacing::Alone, Before::Range) => Before::Other,
                    ('.', Spacing::Alone, _) => Before::Dot,
                    ('.', Spacing::Joint, _) => Before::Range,
                    ('\'', ..) => Before::Quote,
                    (':', ..) => Before::Path,
                    _ => Before::Other,
                },
                TokenTree::Literal(literal) => {
                    self.format_arguments(&literal.to_string());
                    Before::Other
                }
                TokenTree::Group(group) => {
                    self.walk(group.stream());
                    if group.delimiter() == Delimiter::None {
                        before
                    } else {
                        Before::Other
                    }
                }
            };
        }
    }

    /// `"{name}"`, `"{name:?}"`, `"{:width$.precision$}"`: a format string names variables too.
    fn format_arguments(&mut self, literal: &str) {
        if !literal.contains(['{', '$']) {
            return;
        }
        let mut word = String::new();
        let mut after_brace = false;
        let mut take = |word: &mut String, wanted: bool| {
            if wanted && word.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                self.names.insert(std::mem::take(word));
            }
            word.clear();
        };
        for c in literal.chars() {
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            take(&mut word, after_brace || c == '$');
            after_brace = c == '{' || (after_brace && c.is_whitespace());
        }
    }
}

/// The name that is most like another one, if any is so much like it that it may have been meant.
pub(crate) fn similar<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = name.chars().count().max(3) / 3;
    among
        .map(|other| (mistakes(name, other), other))
        .filter(|(mistakes, _)| *mistakes <= most)
        .min()
        .map(|(_, other)| other)
}

/// How many letters have to be put in, left out, changed or swapped with their neighbour to make `b` of `a`.
fn mistakes(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let changed = last[j] + usize::from(x != y);
            let mut least = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && *x == b[j - 1] {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// What stands before an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Dot,
    Range,
    Quote,
    Path,
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(code: &str) -> Vec<String> {
        Mentions::of(code.parse().unwrap())
            .names
            .into_iter()
            .collect()
    }

    #[test]
    fn variables_items_and_macros_are_mentioned() {
        assert_eq!(names("let y = x + f(z);"), ["f", "let", "x", "y", "z"]);
        assert_eq!(
            names("a..b; ..c; d.e.f(g); 1.0.h()"),
            ["a", "b", "c", "d", "g"]
        );
        assert_eq!(
            names("'outer: loop { break 'outer r#type }"),
            ["break", "loop", "type"]
        );
    }

    #[test]
    fn format_strings_name_variables() {
        assert_eq!(
            names(r#"println!("{x} {y:?} {:w$.p$} {{no}} {0} { z }")"#),
            ["no", "p", "println", "w", "x", "y", "z"]
        );
        assert_eq!(names(r###"f(r#"{größe}"#)"###), ["f", "größe"]);
    }

    #[test]
    fn similar_names_are_found() {
        let among = ["learning_rate", "n", "batch", "bench"];
        let found = |name| similar(name, among.into_iter());
        assert_eq!(found("learning_rte"), Some("learning_rate"));
        assert_eq!(found("leanring_rat"), Some("learning_rate"));
        assert_eq!(found("btach"), Some("batch"));
        assert_eq!(found("momentum"), None);
        assert_eq!(found("xyz"), None);
    }

    #[test]
    fn paths_begin_with_heads() {
        let heads = |text: &str| -> Vec<String> {
            Mentions::heads_of(text.parse().unwrap())
                .into_iter()
                .collect()
        };
        assert_eq!(
            heads("std::vec::Vec<(m::P, &'static [Q; 3])>"),
            ["Q", "m", "std"]
        );
        assert_eq!(heads("course::tch::Kind"), ["course"]);
    }

    #[test]
    fn methods_are_kept_apart() {
        let mentions = Mentions::of("s.area() + Shape::name(s)".parse().unwrap());
        assert!(mentions.methods.contains("area") && mentions.methods.contains("name"));
        assert!(mentions.names.contains("Shape") && !mentions.names.contains("area"));
    }
}
