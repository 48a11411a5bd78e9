//! `id="w1-add" points=2 metadata={"tags": ["slow"]}`: what stands behind `rust` in a fence.

use serde_json::{Map, Value};

/// Reads attributes: words, or names with a value, which is JSON or a bare word.
///
/// # Errors
/// What is wrong, for whoever wrote it.
pub(crate) fn parse(text: &str) -> Result<Map<String, Value>, String> {
    let mut attributes = Map::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return Err(format!(
                "`{rest}` is no attribute; attributes look like id=\"w1-add\" points=2"
            ));
        }
        let (value, after) = match after.strip_prefix('=') {
            None => (Value::Bool(true), after),
            Some(after) => {
                value(after).ok_or_else(|| format!("`{name}=` has no readable value"))?
            }
        };
        if attributes.insert(name.to_owned(), value).is_some() {
            return Err(format!("`{name}` is given twice"));
        }
        rest = after.trim_start();
    }
    Ok(attributes)
}

/// One value and what comes after it.
fn value(text: &str) -> Option<(Value, &str)> {
    if text.starts_with(['"', '{', '[']) {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let value = values.next()?.ok()?;
        return Some((value, &text[values.byte_offset()..]));
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    if word.is_empty() {
        return None;
    }
    let value = serde_json::from_str(word).unwrap_or_else(|_| Value::String(word.to_owned()));
    Some((value, after))
}

/// Writes attributes so that [`parse`] reads them again.
pub(crate) fn write(attributes: &Map<String, Value>) -> String {
    // Inside of a comment's line `-->` would end it.
    let one =
        |(name, value): (&String, &Value)| format!(" {name}={value}").replace("-->", "--\\u003e");
    attributes.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_numbers_and_json_are_read() {
        let read = parse(
            r#"id=w1-add points=2.5 kind="tests" tags=["a b"] slow metadata={"x": {"y": "}"}}"#,
        );
        let expected = json!({
            "id": "w1-add", "points": 2.5, "kind": "tests", "tags": ["a b"], "slow": true,
            "metadata": { "x": { "y": "}" } },
        });
        assert_eq!(Value::Object(read.unwrap()), expected);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let attributes = parse(r#"a="x \"y\" -->" b=1 c=[null]"#).unwrap();
        assert_eq!(parse(&write(&attributes)).unwrap(), attributes);
    }

    #[test]
    fn nonsense_is_named() {
        assert!(parse("id=\"open").unwrap_err().contains("id="));
        assert!(parse("=2").unwrap_err().contains("no attribute"));
        assert!(parse("id=1 id=2").unwrap_err().contains("twice"));
    }
}
