//! Marked regions: solutions, hidden tests, mark schemes.
//!
//! As in nbgrader, a marker counts wherever it stands in a line, and the lines with markers go with the
//! region.

/// The first line of a solution.
pub const BEGIN_SOLUTION: &str = "BEGIN SOLUTION";
/// The last line of a solution.
pub const END_SOLUTION: &str = "END SOLUTION";
/// What stands where code is to be written. It compiles as the end of any function.
pub const CODE_STUB: &str = "// YOUR CODE HERE\ntodo!()";
/// The part of it that says so.
pub const CODE_STUB_MARK: &str = "// YOUR CODE HERE";
/// What stands where text is to be written.
pub const TEXT_STUB: &str = "YOUR ANSWER HERE";

/// A pair of markers.
#[derive(Debug, Clone, Copy)]
pub struct Markers {
    begin: &'static str,
    end: &'static str,
}

/// Around the part of an answer that learners are to write.
pub const SOLUTION: Markers = Markers {
    begin: BEGIN_SOLUTION,
    end: END_SOLUTION,
};

/// Around tests that learners do not get.
pub const HIDDEN_TESTS: Markers = Markers {
    begin: "BEGIN HIDDEN TESTS",
    end: "END HIDDEN TESTS",
};

/// Around what graders look for in a task.
pub const MARK_SCHEME: Markers = Markers {
    begin: "BEGIN MARK SCHEME",
    end: "END MARK SCHEME",
};

impl Markers {
    /// Whether there is a region in the text.
    pub fn are_in(self, text: &str) -> bool {
        text.lines().any(|line| line.contains(self.begin))
    }

    /// The text without its regions; in place of each stands `stub`, indented like its first line.
    ///
    /// # Errors
    /// When a region begins inside another, or does not end.
    pub fn replace(self, text: &str, stub: Option<&str>) -> Result<String, String> {
        let mut kept = Vec::new();
        let mut inside = false;
        for line in text.split('\n') {
            if line.contains(self.begin) {
                if inside {
                    return Err(format!("`{}` inside of another such region", self.begin));
                }
                inside = true;
                let indent = &line[..line.len() - line.trim_start().len()];
                let stub = stub.into_iter().flat_map(|stub| stub.split('\n'));
                kept.extend(stub.map(|line| format!("{indent}{line}")));
            } else if line.contains(self.end) {
                inside = false;
            } else if !inside {
                kept.push(line.to_owned());
            }
        }
        if inside {
            return Err(format!("`{}` without `{}` after it", self.begin, self.end));
        }
        Ok(kept.join("\n"))
    }

    /// Where the regions are in the text, with their lines of markers, in bytes. One without end reaches to the text's.
    pub fn ranges(self, text: &str) -> Vec<std::ops::Range<usize>> {
        let mut ranges = Vec::new();
        let mut begin = None;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let end = at + line.len();
            if line.contains(self.begin) {
                begin = begin.or(Some(at));
            } else if line.contains(self.end) {
                ranges.extend(begin.take().map(|begin| begin..end));
            }
            at = end;
        }
        ranges.extend(begin.map(|begin| begin..at));
        ranges
    }

    /// The lines inside of all regions.
    pub fn inside(self, text: &str) -> Vec<&str> {
        let mut inside = false;
        let mut lines = Vec::new();
        for line in text.split('\n') {
            if line.contains(self.begin) {
                inside = true;
            } else if line.contains(self.end) {
                inside = false;
            } else if inside {
                lines.push(line);
            }
        }
        lines
    }
}

/// The text with its markers gone and everything else in place: what a finished answer looks like.
pub fn without_markers(text: &str, markers: Markers) -> String {
    let lines = text
        .split('\n')
        .filter(|line| !line.contains(markers.begin) && !line.contains(markers.end));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str =
        "fn add(a: i32, b: i32) -> i32 {\n    // BEGIN SOLUTION\n    a + b\n    // END SOLUTION\n}";

    #[test]
    fn the_stub_takes_the_place_and_the_indentation() {
        assert_eq!(
            SOLUTION.replace(ANSWER, Some(CODE_STUB)).unwrap(),
            "fn add(a: i32, b: i32) -> i32 {\n    // YOUR CODE HERE\n    todo!()\n}"
        );
        assert_eq!(
            without_markers(ANSWER, SOLUTION),
            "fn add(a: i32, b: i32) -> i32 {\n    a + b\n}"
        );
        assert_eq!(SOLUTION.inside(ANSWER), ["    a + b"]);
    }

    #[test]
    fn regions_without_end_are_refused() {
        assert!(SOLUTION.replace("// BEGIN SOLUTION\nx", None).is_err());
        assert!(
            SOLUTION
                .replace(
                    "// BEGIN SOLUTION\n// BEGIN SOLUTION\n// END SOLUTION",
                    None
                )
                .is_err()
        );
        // nbgrader lets a stray end pass, and so do we.
        assert_eq!(
            SOLUTION.replace("a\n// END SOLUTION\nb", None).unwrap(),
            "a\nb"
        );
    }

    #[test]
    fn regions_have_their_places() {
        let text = "a\n// BEGIN HIDDEN TESTS\nb\n// END HIDDEN TESTS\nc\n// BEGIN HIDDEN TESTS\nd";
        let found: Vec<&str> = HIDDEN_TESTS
            .ranges(text)
            .into_iter()
            .map(|range| &text[range])
            .collect();
        assert_eq!(
            found,
            [
                "// BEGIN HIDDEN TESTS\nb\n// END HIDDEN TESTS\n",
                "// BEGIN HIDDEN TESTS\nd"
            ]
        );
    }

    #[test]
    fn a_marker_counts_anywhere_in_a_line() {
        let tests = "::std::assert!(a());\n/* === BEGIN HIDDEN TESTS === */ x\nsecret();\n// END HIDDEN TESTS";
        assert_eq!(
            HIDDEN_TESTS.replace(tests, None).unwrap(),
            "::std::assert!(a());"
        );
    }
}
