//! Who wrote alike: answers compared by their normalised tokens.
//!
//! Names become one token and literals another, so that renaming changes nothing; runs of tokens are
//! fingerprinted and thinned out by winnowing (Schleimer, Wilkerson, Aiken: "Winnowing: local algorithms for
//! document fingerprinting", 2003). What everybody was given and what most submissions share does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};
use serde::Serialize;

/// Tokens in a fingerprint: shorter runs are alike by chance.
const RUN: usize = 12;
/// Of this many neighbours one fingerprint is kept.
const WINDOW: usize = 4;
/// Fingerprints that more than this part of the submissions has are common knowledge.
const COMMON: f64 = 0.4;
/// Brackets nested deeper than this are no answer, and would take the stack.
const DEEPEST: usize = 200;
/// Fewer fingerprints than this say nothing.
const FEWEST: usize = 8;

/// Two submissions that are alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// One.
    pub first: String,
    /// The other.
    pub second: String,
    /// The part of the smaller one that is in the other, 0 to 1.
    pub part: f64,
}

/// Pairs of submissions (name and code) that share at least `least` (0 to 1) of what is their own, the most
/// alike first. `given` is code that everybody was given, piece by piece: it is nobody's own.
pub fn alike(submissions: &[(String, String)], given: &[String], least: f64) -> Vec<Pair> {
    let prints: Vec<BTreeSet<u64>> = submissions
        .iter()
        .map(|(_, code)| fingerprints(code))
        .collect();
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for print in prints.iter().flatten() {
        *counts.entry(*print).or_default() += 1;
    }
    let given: BTreeSet<u64> = given.iter().flat_map(|code| runs(code)).collect();
    // Two who share something are never "most", however few there are.
    let most = (COMMON * submissions.len() as f64).max(2.0);
    let own: Vec<BTreeSet<u64>> = prints
        .into_iter()
        .map(|prints| {
            prints
                .into_iter()
                .filter(|print| {
                    let is_common = counts.get(print).is_some_and(|count| *count as f64 > most);
                    !is_common && !given.contains(print)
                })
                .collect()
        })
        .collect();
    let mut pairs = Vec::new();
    for (at, (first, _)) in submissions.iter().enumerate() {
        for (other, (second, _)) in submissions.iter().enumerate().skip(at + 1) {
            let (Some(a), Some(b)) = (own.get(at), own.get(other)) else {
                continue;
            };
            let smaller = a.len().min(b.len());
            if smaller < FEWEST {
                continue;
            }
            let part = a.intersection(b).count() as f64 / smaller as f64;
            if part >= least {
                pairs.push(Pair {
                    first: first.clone(),
                    second: second.clone(),
                    part,
                });
            }
        }
    }
    pairs.sort_by(|a, b| b.part.total_cmp(&a.part));
    pairs
}

fn fingerprints(code: &str) -> BTreeSet<u64> {
    runs(code)
        .windows(WINDOW)
        .filter_map(|window| window.iter().min().copied())
        .collect()
}

/// The hashes of all runs of tokens.
fn runs(code: &str) -> Vec<u64> {
    let mut tokens = Vec::new();
    let is_sane = nesting(code) < DEEPEST;
    match is_sane.then(|| TokenStream::from_str(code).ok()).flatten() {
        Some(stream) => normalise(stream, &mut tokens),
        // What is not Rust is compared word by word.
        None => tokens.extend(code.split_whitespace().map(str::to_owned)),
    }
    tokens.windows(RUN).map(hash).collect()
}

/// How deeply brackets are nested, at most.
fn nesting(code: &str) -> usize {
    let mut depth = 0_usize;
    let depths = code.bytes().map(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth
    });
    depths.max().unwrap_or(0)
}

fn hash(run: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    run.hash(&mut hasher);
    hasher.finish()
}

fn normalise(stream: TokenStream, tokens: &mut Vec<String>) {
    for token in stream {
        match token {
            TokenTree::Group(group) => {
                tokens.push(format!("{:?}", group.delimiter()));
                normalise(group.stream(), tokens);
                tokens.push("end".into());
            }
            TokenTree::Ident(name) => {
                let name = name.to_string();
                tokens.push(if KEYWORDS.contains(&name.as_str()) {
                    name
                } else {
                    "name".into()
                });
            }
            TokenTree::Literal(_) => tokens.push("literal".into()),
            TokenTree::Punct(punct) => tokens.push(punct.as_char().to_string()),
        }
    }
}

const KEYWORDS: [&str; 20] = [
    "as", "break", "const", "continue", "else", "enum", "fn", "for", "if", "impl", "in", "let",
    "loop", "match", "mut", "return", "struct", "trait", "where", "while",
];

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "fn mean(xs: &[f64]) -> f64 { let mut sum = 0.0; for x in xs { sum += x; } if xs.is_empty() { return 0.0; } sum / xs.len() as f64 } fn other(n: u8) -> u8 { match n { 0 => 1, 1 => 2, k => k * other(k - 1) } }";

    #[test]
    fn renamed_code_is_alike_and_other_code_is_not() {
        let renamed = A
            .replace("xs", "values")
            .replace("sum", "total")
            .replace("mean", "average")
            .replace("0.0", "0.00");
        let other = "fn mean(xs: &[f64]) -> f64 { xs.iter().copied().fold((0.0, 0), |(s, n), x| (s + x, n + 1)).0 / xs.len().max(1) as f64 } fn other(n: u8) -> u8 { (1..=n).rev().step_by(2).map(|k| k.pow(2)).filter(|k| k % 3 == 1).sum::<u8>() + n.count_ones() as u8 }";
        let named = |name: &str, code: &str| (name.to_owned(), code.to_owned());
        let pairs = alike(
            &[named("ada", A), named("bob", &renamed), named("cyd", other)],
            &[],
            0.7,
        );
        assert_eq!(pairs.len(), 1, "{pairs:?}");
        assert_eq!(
            (
                pairs[0].first.as_str(),
                pairs[0].second.as_str(),
                pairs[0].part
            ),
            ("ada", "bob", 1.0)
        );
    }

    #[test]
    fn absurd_nesting_is_no_harm() {
        let deep = "(".repeat(200_000) + &")".repeat(200_000);
        assert_eq!(
            alike(&[("a".into(), deep.clone()), ("b".into(), deep)], &[], 0.9),
            []
        );
    }

    #[test]
    fn what_most_have_does_not_count() {
        let everyone: Vec<_> = (0..10).map(|n| (n.to_string(), A.to_owned())).collect();
        assert_eq!(alike(&everyone, &[], 0.1), []);
    }

    #[test]
    fn what_everybody_was_given_does_not_count() {
        let both = ["ada", "bob"].map(|name| (name.to_owned(), A.to_owned()));
        assert_eq!(alike(&both, &[], 0.7).len(), 1);
        assert_eq!(alike(&both, &[A.to_owned()], 0.7), []);
    }
}
