//! Cells as pages show them. Outputs are pictures and text: markup from a submission does not run in the page.

use serde_json::Value;

use crate::notebook::{Cell, CellKind};
use crate::verdict::plain_text;

/// Makes text safe for a page.
pub(crate) type Clean<'a> = &'a dyn Fn(&str) -> String;

/// What stands in a cell.
pub(crate) fn source(kind: CellKind, source: &str, clean: Clean<'_>) -> String {
    if source.trim().is_empty() {
        return String::new();
    }
    match kind {
        CellKind::Code => format!("<pre>{}</pre>\n", clean(source)),
        _ => format!("<div class=\"text\">{}</div>\n", clean(source)),
    }
}

/// What a cell has shown.
pub(crate) fn outputs(cell: &Cell, clean: Clean<'_>) -> String {
    let outputs = cell.outputs().iter();
    outputs.map(|one| output(one, clean)).collect()
}

fn output(output: &Value, clean: Clean<'_>) -> String {
    if let Some(picture) = picture(output) {
        return picture;
    }
    let text = plain_text(output);
    if text.trim().is_empty() {
        return String::new();
    }
    let class = if output["output_type"] == "error" {
        "output error"
    } else {
        "output"
    };
    format!("<pre class=\"{class}\">{}</pre>\n", clean(&text))
}

/// An output that is a picture. As an image even SVG runs no scripts.
fn picture(output: &Value) -> Option<String> {
    let data = output.get("data")?;
    for mime in ["image/png", "image/jpeg", "image/gif"] {
        let Some(content) = data.get(mime) else {
            continue;
        };
        let content: String = crate::score::text_of(content).split_whitespace().collect();
        let is_base64 = content
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        if is_base64 {
            return Some(format!(
                "<p><img alt=\"\" src=\"data:{mime};base64,{content}\"></p>\n"
            ));
        }
    }
    let svg = crate::score::text_of(data.get("image/svg+xml")?);
    let encoded: String = svg
        .bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02x}"),
        })
        .collect();
    Some(format!(
        "<p><img alt=\"\" src=\"data:image/svg+xml,{encoded}\"></p>\n"
    ))
}
