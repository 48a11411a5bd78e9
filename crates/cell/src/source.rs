//! Generated source with its way back: every byte that came from a cell knows from where.

use std::ops::Range;
use std::sync::Arc;

/// The text of one cell, shared by everything that was cut from it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CellText {
    /// What the learner calls the cell: its execution count, or its id.
    pub label: String,
    /// The text, with `\n` line ends and no byte order mark.
    pub text: String,
}

impl CellText {
    /// Takes a cell's text as a front end sends it.
    pub fn new(label: &str, text: &str) -> Arc<Self> {
        let text = text
            .strip_prefix('\u{feff}')
            .unwrap_or(text)
            .replace("\r\n", "\n");
        Arc::new(Self {
            label: label.to_string(),
            text,
        })
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }
}

/// A place in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The cell.
    pub cell: Arc<CellText>,
    /// The bytes in it.
    pub range: Range<usize>,
}

/// A change to a piece of a cell on its way into generated source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that give way; empty for an insertion.
    pub range: Range<usize>,
    /// What stands there instead.
    pub with: Vec<Part>,
    /// For an insertion: whether it belongs to what stands before it. Two pieces may meet at its place.
    pub follows: bool,
}

/// A part of what an edit puts in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text of our own.
    Ours(String),
    /// Bytes from elsewhere in the same cell.
    Theirs(Range<usize>),
}

impl Edit {
    /// Text put in before what begins at a place.
    pub fn before(at: usize, text: impl Into<String>) -> Self {
        Self::replace(at..at, text)
    }

    /// Text put in after what ends at a place.
    pub fn after(at: usize, text: impl Into<String>) -> Self {
        Self {
            follows: true,
            ..Self::replace(at..at, text)
        }
    }

    /// Bytes replaced by text.
    pub fn replace(range: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            range,
            with: vec![Part::Ours(text.into())],
            follows: false,
        }
    }

    /// Whether it is a change to this piece, and not to a neighbour that it only touches.
    pub(crate) fn is_in(&self, piece: &Range<usize>) -> bool {
        let within = piece.start <= self.range.start && self.range.end <= piece.end;
        let elsewhere = match (self.range.is_empty(), self.follows) {
            (true, true) => self.range.start == piece.start,
            (true, false) => self.range.start == piece.end,
            (false, _) => false,
        };
        within && !elsewhere
    }
}

/// What stands at the beginning of every loop, so that it can be stopped there.
pub(crate) const CHECKPOINT: &str = " ::course::rt::checkpoint();";

/// Source under construction.
#[derive(Debug, Default)]
pub struct Source {
    /// The text so far.
    pub text: String,
    segments: Vec<Segment>,
}

/// A run of bytes copied from a cell.
#[derive(Debug)]
struct Segment {
    generated: Range<usize>,
    cell: Arc<CellText>,
    start: usize,
}

impl Source {
    /// Adds text of our own; returns where it stands.
    pub fn ours(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    /// Adds a piece of a cell, edited. Edits outside the piece are passed over; of two that overlap the first wins.
    pub fn theirs(&mut self, cell: &Arc<CellText>, piece: Range<usize>, edits: &[Edit]) {
        let mut inside: Vec<&Edit> = edits.iter().filter(|edit| edit.is_in(&piece)).collect();
        inside.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let mut at = piece.start;
        for edit in inside {
            if edit.range.start < at {
                continue;
            }
            self.copy(cell, at..edit.range.start);
            for part in &edit.with {
                match part {
                    Part::Ours(text) => self.text.push_str(text),
                    Part::Theirs(range) => self.copy(cell, range.clone()),
                }
            }
            at = edit.range.end;
        }
        self.copy(cell, at..piece.end);
    }

    fn copy(&mut self, cell: &Arc<CellText>, range: Range<usize>) {
        let Some(text) = cell.text.get(range.clone()) else {
            return;
        };
        if text.is_empty() {
            return;
        }
        let start = self.text.len();
        self.text.push_str(text);
        self.segments.push(Segment {
            generated: start..self.text.len(),
            cell: Arc::clone(cell),
            start: range.start,
        });
    }

    /// The place in a cell that a range of this source came from.
    ///
    /// A range that begins in a cell and ends in ours is cut where the cell's part ends. A range that begins in ours
    /// but reaches into a cell begins with the cell's part.
    pub fn origin(&self, range: Range<usize>) -> Option<Origin> {
        let touches = |segment: &&Segment| {
            segment.generated.start < range.end.max(range.start + 1)
                && range.start < segment.generated.end
                || range.is_empty() && range.start == segment.generated.end
        };
        let first = self.segments.iter().find(touches)?;
        let last = self
            .segments
            .iter()
            .rev()
            .find(|segment| touches(segment) && segment.cell == first.cell)?;
        let into = |segment: &Segment, byte: usize| {
            segment.start + byte.clamp(segment.generated.start, segment.generated.end)
                - segment.generated.start
        };
        let start = into(first, range.start);
        let end = into(last, range.end).max(start);
        Some(Origin {
            cell: Arc::clone(&first.cell),
            range: start..end,
        })
    }

    /// The place in a cell behind a line and column (both from 1, columns in characters) of this source.
    pub fn origin_of_position(&self, line: usize, column: usize) -> Option<Origin> {
        let line_start = match line {
            0 => return None,
            1 => 0,
            line => self.text.match_indices('\n').nth(line - 2)?.0 + 1,
        };
        let rest = &self.text[line_start..];
        let byte = line_start
            + rest
                .char_indices()
                .nth(column.saturating_sub(1))
                .map_or(rest.len(), |(byte, _)| byte);
        // An expression may begin with a bracket of ours, and a loop with a checkpoint, before the learner's part.
        self.origin(byte..(byte + CHECKPOINT.len() + 1).min(self.text.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_come_back_through_edits() {
        let cell = CellText::new("3", "let ä = loop { f() };\nä");
        let mut source = Source::default();
        source.ours("fn run() {");
        let at = cell.text.find("f()").unwrap();
        source.theirs(&cell, 0..cell.text.len(), &[Edit::before(at, "check(); ")]);
        let found = source.text.find("f()").unwrap();
        let origin = source.origin(found..found + 3).unwrap();
        assert_eq!(&cell.text[origin.range.clone()], "f()");
        assert_eq!(cell.position(origin.range.start), (1, 16));
        assert_eq!(source.origin(0..4), None);
        assert_eq!(cell.position(cell.text.len()), (2, 2));
    }

    proptest! {
        #[test]
        fn every_copied_byte_maps_to_itself(text in "\\PC{0,60}", cuts in proptest::collection::vec(0..60_usize, 0..5)) {
            let cell = CellText::new("1", &text);
            let edits: Vec<Edit> =
                cuts.into_iter().filter(|cut| cell.text.is_char_boundary(*cut)).map(|cut| Edit::before(cut, "«ours»")).collect();
            let mut source = Source::default();
            source.ours("head ");
            source.theirs(&cell, 0..cell.text.len(), &edits);
            source.ours(" tail");
            for segment in &source.segments {
                let theirs = segment.start..segment.start + segment.generated.len();
                prop_assert_eq!(&source.text[segment.generated.clone()], &cell.text[theirs.clone()]);
                let origin = source.origin(segment.generated.clone()).unwrap();
                prop_assert_eq!(origin.range, theirs);
            }
        }
    }
}
