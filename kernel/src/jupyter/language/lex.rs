//! Text that need not be complete or right, as tokens; and where in it the cursor stands.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Word,
    Number,
    /// A string or a character, with its prefix.
    Text,
    Lifetime,
    Open(char),
    Close(char),
    Sign(char),
}

/// A token and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spanned {
    pub(super) token: Token,
    pub(super) range: Range<usize>,
}

/// A text taken apart; comments and white space are left out.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    pub(super) text: &'a str,
    pub(super) all: Vec<Spanned>,
    /// Where the text ends inside a comment or a string, if it does.
    pub(super) open: bool,
}

impl<'a> Tokens<'a> {
    /// Takes a text apart.
    pub(super) fn of(text: &'a str) -> Self {
        let mut tokens = Self {
            text,
            all: Vec::new(),
            open: false,
        };
        let mut at = 0;
        while at < text.len() {
            at = tokens.next(at);
        }
        tokens
    }

    /// The text of a token.
    pub(super) fn word(&self, index: usize) -> &'a str {
        self.all
            .get(index)
            .map_or("", |spanned| &self.text[spanned.range.clone()])
    }

    /// What a token is.
    pub(super) fn token(&self, index: usize) -> Option<Token> {
        self.all.get(index).map(|spanned| spanned.token)
    }

    /// Whether a token is this sign.
    pub(super) fn is(&self, index: usize, sign: char) -> bool {
        self.token(index) == Some(Token::Sign(sign))
    }

    /// Reads one token, or passes over what is none; gives where it ends.
    fn next(&mut self, at: usize) -> usize {
        let rest = &self.text[at..];
        let Some(first) = rest.chars().next() else {
            return self.text.len();
        };
        if first.is_whitespace() {
            return at + first.len_utf8();
        }
        if rest.starts_with("//") {
            let end = rest.find('\n');
            self.open |= end.is_none();
            return end.map_or(self.text.len(), |end| at + end);
        }
        if rest.starts_with("/*") {
            let length = comment_length(rest);
            self.open |= length.is_none();
            return length.map_or(self.text.len(), |length| at + length);
        }
        let (token, length) = if let Some(length) = text_literal(rest) {
            self.open |= length.is_none();
            (Token::Text, length.unwrap_or(rest.len()))
        } else if first == '\'' {
            (Token::Lifetime, 1 + word_length(&rest[1..]))
        } else if first.is_ascii_digit() {
            (Token::Number, number_length(rest))
        } else if is_word(first) {
            (Token::Word, word_length(rest))
        } else {
            let token = match first {
                '(' | '[' | '{' => Token::Open(first),
                ')' | ']' | '}' => Token::Close(first),
                sign => Token::Sign(sign),
            };
            (token, first.len_utf8())
        };
        let end = at + length.max(first.len_utf8());
        self.all.push(Spanned {
            token,
            range: at..end,
        });
        end
    }

    /// Where the expression that ends before token `end` begins, as the index of its first token. Calls, members,
    /// paths, indexing and `?` belong to it; operators do not.
    pub(super) fn expression_before(&self, end: usize) -> usize {
        let mut at = end;
        while at > 0 {
            let before = at - 1;
            match self.token(before) {
                Some(Token::Sign('?')) => at = before,
                // `Vec::<f64>` before `::new`.
                Some(Token::Sign('>')) if at == end => match self.generics_before(before) {
                    Some(start) => at = start,
                    None => return at,
                },
                Some(Token::Close(close)) => {
                    let Some(open) = self.opening(before) else {
                        return at;
                    };
                    at = open;
                    // `f(..)`, `m!(..)`, `x[..]`, `x.f::<T>(..)`, `S { .. }` go on to the left; `(a, b)` does not.
                    let called = at.checked_sub(1).and_then(|left| self.token(left));
                    let goes_on = match called {
                        Some(Token::Word) => {
                            close != '}' && !is_keyword(self.word(at - 1))
                                || is_type_name(self.word(at - 1))
                        }
                        Some(Token::Close(_)) => close != '}',
                        Some(Token::Sign('!')) => true,
                        Some(Token::Sign('>')) => close == ')',
                        Some(Token::Sign('?')) => close != '}',
                        _ => false,
                    };
                    if !goes_on {
                        return at;
                    }
                    if self.is(at - 1, '!') {
                        at -= 1;
                    }
                    if self.is(at.wrapping_sub(1), '>') {
                        match self.generics_before(at - 1) {
                            Some(start) => at = start,
                            None => return at,
                        }
                    }
                    continue;
                }
                Some(Token::Word | Token::Number | Token::Text) => {
                    at = before;
                    let left = at.wrapping_sub(1);
                    if self.is(left, '.') && !self.is(left.wrapping_sub(1), '.') {
                        at = left;
                    } else if self.is(left, ':') && self.is(left.wrapping_sub(1), ':') {
                        at = left - 1;
                        if self.is(at.wrapping_sub(1), '>') {
                            match self.generics_before(at - 1) {
                                Some(start) => at = start,
                                None => return at,
                            }
                        }
                    } else {
                        return at;
                    }
                }
                _ => return at,
            }
        }
        at
    }

    /// The token that opens what token `close` closes.
    fn opening(&self, close: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for at in (0..=close).rev() {
            match self.token(at)? {
                Token::Close(_) => depth += 1,
                Token::Open(_) => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Where `::<..>` that ends with token `close` begins.
    fn generics_before(&self, close: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for at in (0..=close).rev() {
            if self.is(at, '>') {
                depth += 1;
            } else if self.is(at, '<') {
                depth -= 1;
                if depth == 0 {
                    let colons =
                        self.is(at.wrapping_sub(1), ':') && self.is(at.wrapping_sub(2), ':');
                    return Some(if colons { at - 2 } else { at });
                }
            }
        }
        None
    }

    /// The bytes from one token up to before another.
    pub(super) fn between(&self, from: usize, to: usize) -> &'a str {
        match (
            self.all.get(from),
            to.checked_sub(1).and_then(|last| self.all.get(last)),
        ) {
            (Some(first), Some(last)) if from < to => &self.text[first.range.start..last.range.end],
            _ => "",
        }
    }
}

/// Where a cursor stands in a cell. Jupyter counts code points; everything here counts bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The cursor, in bytes.
    pub(super) cursor: usize,
    /// The word around the cursor, empty if there is none.
    pub(super) word: Range<usize>,
}

impl Place {
    /// The place of a cursor, which stands at the end unless it is said where.
    pub(super) fn find(code: &str, cursor: Option<usize>) -> Self {
        let cursor = cursor
            .and_then(|points| code.char_indices().nth(points))
            .map_or(code.len(), |(byte, _)| byte);
        let before = code[..cursor]
            .chars()
            .rev()
            .take_while(|c| is_word(*c))
            .map(char::len_utf8)
            .sum::<usize>();
        let after = word_length(&code[cursor..]);
        Self {
            cursor,
            word: cursor - before..cursor + after,
        }
    }

    /// A place in bytes as code points.
    pub(super) fn points(code: &str, byte: usize) -> usize {
        code[..byte].chars().count()
    }
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_type_name(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "if" | "else"
            | "match"
            | "while"
            | "for"
            | "in"
            | "return"
            | "loop"
            | "let"
            | "move"
            | "mut"
            | "break"
    )
}

fn word_length(text: &str) -> usize {
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

/// `1_000`, `0xff`, `1.5e-3`, `2f32`; the dots of `1..2` and `1.max(2)` are not part of it.
fn number_length(text: &str) -> usize {
    let whole = word_length(text);
    match text[whole..].strip_prefix('.') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
            whole + 1 + word_length(rest)
        }
        Some(rest) if !rest.starts_with(|c: char| c == '.' || is_word(c)) && !rest.is_empty() => {
            whole + 1
        }
        _ => whole,
    }
}

/// The length of the block comment that begins here, with those inside it; `None` when it does not end.
fn comment_length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(sign) = text[at..].find(['/', '*']).map(|sign| at + sign) {
        let rest = &text[sign..];
        if rest.starts_with("/*") {
            depth += 1;
            at = sign + 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at = sign + 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at = sign + 1;
        }
    }
    None
}

/// The length of a string or character literal that begins here: `None` inside when it does not end.
fn text_literal(text: &str) -> Option<Option<usize>> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        text.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(['"', '#', '\'']))
    })?;
    let body = &text[prefix.len()..];
    if prefix.contains('r') {
        let hashes = body.len() - body.trim_start_matches('#').len();
        let inside = body[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = inside
            .find(&end)
            .map(|at| prefix.len() + hashes + 1 + at + end.len());
        return Some(length);
    }
    if let Some(inside) = body.strip_prefix('"') {
        let mut chars = inside.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '"' => return Some(Some(prefix.len() + 1 + at + 1)),
                _ => {}
            }
        }
        return Some(None);
    }
    let inside = body
        .strip_prefix('\'')
        .filter(|_| matches!(prefix, "" | "b"))?;
    let first = inside.chars().next()?;
    if first == '\\' {
        let close = inside.get(2..)?.find('\'')? + 2;
        return Some(Some(prefix.len() + 1 + close + 1));
    }
    inside[first.len_utf8()..]
        .starts_with('\'')
        .then_some(Some(prefix.len() + 1 + first.len_utf8() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receiver(code: &str) -> &str {
        let tokens = Tokens::of(code);
        let dot = tokens.all.len() - 1;
        tokens.between(tokens.expression_before(dot), dot)
    }

    #[test]
    fn a_receiver_is_found_back_to_its_beginning() {
        for (code, expected) in [
            ("x = 1 + photo.", "photo"),
            (
                "f(imread(\"a b.png\")?.resize(1, 2).",
                "imread(\"a b.png\")?.resize(1, 2)",
            ),
            (
                "let a = Tensor::from_slice(&[1.0, 2.0]).",
                "Tensor::from_slice(&[1.0, 2.0])",
            ),
            ("a + (b - c).", "(b - c)"),
            ("vec![1, 2].", "vec![1, 2]"),
            ("rows[i + 1].", "rows[i + 1]"),
            (
                "v.iter().collect::<Vec<_>>().",
                "v.iter().collect::<Vec<_>>()",
            ),
            ("if x { y } z.", "z"),
            ("0..n.", "n"),
            ("\"text\".", "\"text\""),
            ("-x.abs().", "x.abs()"),
            ("match f(x).", "f(x)"),
        ] {
            assert_eq!(receiver(code), expected, "{code}");
        }
    }

    #[test]
    fn comments_and_strings_are_known_when_they_do_not_end() {
        assert!(Tokens::of("a // b").open);
        assert!(Tokens::of("\"a").open);
        assert!(Tokens::of("r#\"a\"").open);
        assert!(!Tokens::of("'a' \"b\" r#\"c\"# /* d */ 'life 1.5").open);
    }

    #[test]
    fn comments_nest() {
        for (code, words) in [
            ("a /* b /* c */ d */ e", 2),
            ("/**/ a /***/ b /*/ c */ d", 3),
            ("/* größe * / */ a", 1),
        ] {
            let tokens = Tokens::of(code);
            assert_eq!((tokens.all.len(), tokens.open), (words, false), "{code}");
        }
        assert!(Tokens::of("a /* b /* c */ d").open);
    }

    #[test]
    fn the_cursor_counts_code_points() {
        let code = "\"😀\"; größe + 1";
        let place = Place::find(code, Some(8));
        assert_eq!(&code[place.word.clone()], "größe");
        assert_eq!(Place::points(code, place.word.start), 5);
        assert_eq!(Place::find("ab", Some(99)).cursor, 2);
    }
}
