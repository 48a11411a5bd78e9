//! What came of a cell, however it was run.

/// What came of a cell.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Standard output.
    pub stdout: String,
    /// Standard error, with warnings and notes.
    pub stderr: String,
    /// The value's text form.
    pub result: Option<String>,
    /// Everything shown, in order: streams, displays, value, in all their textual forms.
    pub shown: String,
    /// How it failed, if it did.
    pub error: Option<Failure>,
    /// What broke the rules that hold for every cell.
    pub offences: Vec<String>,
}

/// How a cell failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The kind of error.
    pub ename: String,
    /// Its message.
    pub evalue: String,
    /// The report, without colours.
    pub report: String,
}

/// `text` without ANSI escape sequences.
pub fn without_colour(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.peek() == Some(&'[') {
            chars.find(|c| c.is_ascii_alphabetic());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn colours_are_taken_out() {
        assert_eq!(
            super::without_colour("\u{1b}[1;31merror\u{1b}[0m: [1]:2"),
            "error: [1]:2"
        );
    }
}
