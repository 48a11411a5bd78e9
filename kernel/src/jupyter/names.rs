//! Completion and inspection from what the earlier cells have defined.

use rt::Bundle;
use serde_json::Map;

use super::message::{Complete, CompleteReply, Inspect, InspectReply, Status};

/// A variable with its type, or an item, which has an empty type.
pub(super) type Name = (String, String);

/// Completes the identifier before the cursor.
pub(super) fn complete(request: &Complete, names: &[Name]) -> CompleteReply {
    let place = Place::find(&request.code, request.cursor_pos);
    let prefix = &place.before_cursor;
    let mut matches: Vec<String> = names
        .iter()
        .filter(|(name, _)| place.is_free && !prefix.is_empty() && name.starts_with(prefix))
        .map(|(name, _)| name.clone())
        .collect();
    matches.sort();
    CompleteReply {
        status: Status::Ok,
        matches,
        cursor_start: place.start,
        cursor_end: place.cursor,
        metadata: Map::new(),
    }
}

/// Says the type of the variable under the cursor.
pub(super) fn inspect(request: &Inspect, names: &[Name]) -> InspectReply {
    let place = Place::find(&request.code, request.cursor_pos);
    let bundle = names
        .iter()
        .find(|(name, of_type)| place.is_free && *name == place.word && !of_type.is_empty())
        .map(|(name, of_type)| Bundle::text(format!("{name}: {of_type}")));
    InspectReply {
        status: Status::Ok,
        found: bundle.is_some(),
        bundle: bundle.unwrap_or_default(),
    }
}

/// Where the cursor stands. Positions count code points, as Jupyter does.
struct Place {
    cursor: usize,
    /// Where the word at the cursor begins.
    start: usize,
    word: String,
    before_cursor: String,
    /// False for what is part of a path, a field or a method, and so no name of its own.
    is_free: bool,
}

impl Place {
    /// The place of a cursor, which stands at the end unless it is said where.
    fn find(code: &str, cursor: Option<usize>) -> Self {
        let text: Vec<char> = code.chars().collect();
        let cursor = cursor.unwrap_or(text.len()).min(text.len());
        let (before, after) = text.split_at(cursor);
        let start = cursor - before.iter().rev().take_while(|c| is_word(**c)).count();
        let end = cursor + after.iter().take_while(|c| is_word(**c)).count();
        let outside = &text[..start];
        Self {
            cursor,
            start,
            word: text[start..end].iter().collect(),
            before_cursor: text[start..cursor].iter().collect(),
            is_free: !outside.ends_with(&['.']) && !outside.ends_with(&[':', ':']),
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<Name> {
        let name = |name: &str, of_type: &str| (name.to_owned(), of_type.to_owned());
        vec![
            name("images", ""),
            name("größe", "u32"),
            name("image", "Tensor"),
        ]
    }

    fn completed(code: &str, cursor_pos: Option<usize>) -> (Vec<String>, usize, usize) {
        let code = code.to_owned();
        let reply = complete(&Complete { code, cursor_pos }, &names());
        (reply.matches, reply.cursor_start, reply.cursor_end)
    }

    #[test]
    fn the_cursor_counts_code_points() {
        assert_eq!(completed("\"😀\"; grö", None), (vec!["größe".into()], 5, 8));
        let both = vec!["image".into(), "images".into()];
        assert_eq!(completed("imag + 1", Some(4)), (both, 0, 4));
        assert_eq!(completed("im", Some(99)).2, 2);
    }

    #[test]
    fn fields_and_paths_are_no_names() {
        for code in ["x.im", "vision::im", "", "1 + "] {
            assert!(completed(code, None).0.is_empty(), "{code}");
        }
    }

    #[test]
    fn inspection_takes_the_whole_word() {
        let inspected = |cursor| {
            let code = "f(image, images)".to_owned();
            inspect(
                &Inspect {
                    code,
                    cursor_pos: Some(cursor),
                },
                &names(),
            )
        };
        assert_eq!(inspected(4).bundle.plain(), "image: Tensor");
        assert!(!inspected(1).found, "no name");
        assert!(
            !inspected(10).found,
            "nothing is known of an item but its name"
        );
    }
}
