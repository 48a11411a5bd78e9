//! What was executed, for the arrow keys and the history requests.

use std::collections::{HashSet, VecDeque};

use serde_json::{Value, json};

use super::message::HistoryQuery;

/// How many inputs are kept.
const KEPT: usize = 10_000;

/// There is one session a kernel, and this is its number.
const SESSION: i64 = 1;

/// The inputs of this kernel, oldest first.
#[derive(Default)]
pub(super) struct History {
    inputs: VecDeque<Input>,
}

struct Input {
    /// The execution count.
    line: usize,
    code: String,
}

impl History {
    /// Takes one input.
    pub(super) fn push(&mut self, line: usize, code: &str) {
        if self.inputs.len() == KEPT {
            self.inputs.pop_front();
        }
        self.inputs.push_back(Input {
            line,
            code: code.into(),
        });
    }

    /// The entries asked for, oldest first: `[session, line, input]`, or with outputs, which are
    /// not kept, `[session, line, [input, null]]`.
    pub(super) fn query(&self, query: &HistoryQuery) -> Vec<Value> {
        let found: Vec<&Input> = match query.hist_access_type.as_str() {
            "tail" => last(self.inputs.iter().collect(), query.n),
            "range" => self.range(query),
            "search" => self.search(query),
            _ => Vec::new(),
        };
        let entry = |input: &Input| match query.output {
            true => json!([SESSION, input.line, [input.code, null]]),
            false => json!([SESSION, input.line, input.code]),
        };
        found.into_iter().map(entry).collect()
    }

    /// Lines `start..stop` of a session; a session of 0 is this one, -1 the one before it.
    fn range(&self, query: &HistoryQuery) -> Vec<&Input> {
        if query.session != 0 && query.session != SESSION {
            return Vec::new();
        }
        let stop = query.stop.unwrap_or(i64::MAX);
        let inside = |input: &&Input| (query.start..stop).contains(&(input.line as i64));
        self.inputs.iter().filter(inside).collect()
    }

    fn search(&self, query: &HistoryQuery) -> Vec<&Input> {
        let pattern: Vec<char> = query.pattern.as_deref().unwrap_or("*").chars().collect();
        let mut seen = HashSet::new();
        let mut found: Vec<&Input> = self
            .inputs
            .iter()
            .rev() // Of equal inputs, the latest counts.
            .filter(|input| glob(&pattern, &input.code))
            .filter(|input| !query.unique || seen.insert(&input.code))
            .collect();
        found.reverse();
        last(found, query.n)
    }
}

fn last(mut inputs: Vec<&Input>, n: Option<usize>) -> Vec<&Input> {
    let surplus = n.map_or(0, |n| inputs.len().saturating_sub(n));
    inputs.split_off(surplus)
}

/// Whether `text` as a whole fits a pattern in which `*` stands for any text and `?` for any character.
fn glob(pattern: &[char], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on after a mismatch: behind the latest `*`, which then takes one more character.
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some('?') => (p, t) = (p + 1, t + 1),
            Some(c) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match retry {
                Some((after_star, taken)) => {
                    retry = Some((after_star, taken + 1));
                    (p, t) = (after_star, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        let mut history = History::default();
        for (line, code) in ["let a = 1;", "a + 1", "let b = 2;", "a + 1"]
            .iter()
            .enumerate()
        {
            history.push(line + 1, code);
        }
        history
    }

    fn lines(query: Value) -> Vec<u64> {
        let query: HistoryQuery = serde_json::from_value(query).unwrap();
        history()
            .query(&query)
            .iter()
            .map(|entry| entry[1].as_u64().unwrap())
            .collect()
    }

    #[test]
    fn the_tail_is_the_last_n() {
        assert_eq!(lines(json!({"hist_access_type": "tail", "n": 2})), [3, 4]);
        assert_eq!(
            lines(json!({"hist_access_type": "tail", "n": 99})),
            [1, 2, 3, 4]
        );
    }

    #[test]
    fn a_range_ends_before_its_stop() {
        let range = |session, start, stop| json!({"hist_access_type": "range", "session": session, "start": start, "stop": stop});
        assert_eq!(lines(range(0, 2, Some(4))), [2, 3]);
        assert_eq!(lines(range(1, 0, None)), [1, 2, 3, 4]);
        assert!(lines(range(7, 0, None)).is_empty());
    }

    #[test]
    fn a_search_takes_patterns_and_drops_repeats() {
        let search = |pattern, unique| json!({"hist_access_type": "search", "pattern": pattern, "unique": unique, "n": 9});
        assert_eq!(lines(search("let*", false)), [1, 3]);
        assert_eq!(lines(search("a + ?", false)), [2, 4]);
        assert_eq!(lines(search("a + ?", true)), [4]);
        assert_eq!(lines(search("*b*;", true)), [3]);
        assert!(lines(search("let", false)).is_empty());
    }

    #[test]
    fn outputs_are_honestly_absent() {
        let query =
            serde_json::from_value(json!({"hist_access_type": "tail", "n": 1, "output": true}));
        assert_eq!(
            history().query(&query.unwrap()),
            [json!([1, 4, ["a + 1", null]])]
        );
    }
}
