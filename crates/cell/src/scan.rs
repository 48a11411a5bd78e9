//! A scanner that knows just enough Rust to tell code from comments and literals.

/// Walks over a text and yields the characters that are code.
pub(crate) struct Scanner<'a> {
    rest: &'a str,
    inside: bool,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            inside: false,
        }
    }

    /// Whether the text ended inside a literal or a block comment.
    pub(crate) fn ended_inside(&self) -> bool {
        self.inside
    }

    /// The next character outside of comments, strings and characters.
    pub(crate) fn next_code_char(&mut self) -> Option<char> {
        loop {
            let rest = self.rest;
            if let Some(comment) = rest.strip_prefix("//") {
                self.rest = comment.find('\n').map_or("", |end| &comment[end..]);
            } else if rest.starts_with("/*") {
                self.skip_block_comment();
            } else if let Some(body) = rest.strip_prefix('"') {
                self.skip_string(body);
            } else if let Some(hashes) = raw_string(rest) {
                self.skip_raw_string(hashes);
            } else if let Some(length) = char_literal(rest) {
                self.rest = &rest[length..];
            } else {
                let c = rest.chars().next()?;
                self.rest = &rest[c.len_utf8()..];
                // `r` at the end of a word does not begin a raw string.
                if c.is_alphanumeric() || c == '_' {
                    let word = self
                        .rest
                        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                        .unwrap_or(self.rest.len());
                    if !is_prefix(&rest[..c.len_utf8() + word]) {
                        self.rest = &self.rest[word..];
                    }
                }
                return Some(c);
            }
        }
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0_usize;
        let mut rest = self.rest;
        loop {
            if let Some(after) = rest.strip_prefix("/*") {
                depth += 1;
                rest = after;
            } else if let Some(after) = rest.strip_prefix("*/") {
                depth -= 1;
                rest = after;
                if depth == 0 {
                    break;
                }
            } else if let Some(c) = rest.chars().next() {
                rest = &rest[c.len_utf8()..];
            } else {
                self.inside = true;
                break;
            }
        }
        self.rest = rest;
    }

    fn skip_string(&mut self, body: &'a str) {
        let mut chars = body.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '"' => return self.rest = &body[at + 1..],
                _ => {}
            }
        }
        self.inside = true;
        self.rest = "";
    }

    fn skip_raw_string(&mut self, hashes: usize) {
        let Some(open) = self.rest.find('"') else {
            return;
        };
        let body = &self.rest[open + 1..];
        let end = format!("\"{}", "#".repeat(hashes));
        match body.find(&end) {
            Some(at) => self.rest = &body[at + end.len()..],
            None => {
                self.inside = true;
                self.rest = "";
            }
        }
    }
}

/// Words that may stand directly before a quote.
fn is_prefix(word: &str) -> bool {
    matches!(word, "r" | "b" | "br" | "c" | "cr")
}

/// The number of `#` if a raw string begins here.
fn raw_string(text: &str) -> Option<usize> {
    let after = ["br", "cr", "r"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))?;
    let body = after.trim_start_matches('#');
    body.starts_with('"').then_some(after.len() - body.len())
}

/// The length of a character literal if one begins here; a lifetime is none.
fn char_literal(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\'')?;
    let mut chars = body.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next()?;
        let close = body.get(2..)?.find('\'')? + 2;
        return (close < 14).then_some(1 + close + 1);
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(1 + at + 1)
}
