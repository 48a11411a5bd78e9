//! Cells as pages show them. Text is Markdown, outputs are pictures and text: markup from a submission does not run in
//! the page.

use pulldown_cmark::html::push_html;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use rt::display::escape;
use serde_json::Value;

use crate::notebook::{Cell, CellKind};
use crate::verdict::plain_text;

/// Takes out of a text what is not for the page. It is escaped afterwards.
pub(crate) type Clean<'a> = &'a dyn Fn(&str) -> String;

/// What stands in a cell, or should: `source` is its text.
pub(crate) fn source(cell: &Cell, source: &str, clean: Clean<'_>) -> String {
    if source.trim().is_empty() {
        return String::new();
    }
    let text = clean(source);
    match cell.kind() {
        CellKind::Code => format!("<pre>{}</pre>\n", escape(&text)),
        CellKind::Markdown => {
            let attached = cell.as_json().get("attachments").unwrap_or(&Value::Null);
            format!(
                "<div class=\"markdown\">\n{}</div>\n",
                markdown(&text, attached)
            )
        }
        CellKind::Raw => format!("<div class=\"text\">{}</div>\n", escape(&text)),
    }
}

/// Markdown as HTML, with pictures that are attached to the cell. Markup in it, pictures from elsewhere and links to
/// anything but the web are left out; their text stays.
fn markdown(text: &str, attached: &Value) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    // For each link or picture that is open, whether it stays.
    let (mut links, mut pictures) = (Vec::new(), Vec::new());
    let events = Parser::new_ext(text, options).filter_map(|event| match event {
        Event::Html(_) | Event::InlineHtml(_) => None,
        Event::Start(Tag::Link { ref dest_url, .. }) => {
            let stays = is_of_the_web(dest_url);
            links.push(stays);
            stays.then_some(event)
        }
        Event::End(TagEnd::Link) => links.pop().unwrap_or(false).then_some(event),
        Event::Start(Tag::Image {
            link_type,
            dest_url,
            title,
            id,
        }) => {
            let content = attachment(&dest_url, attached);
            pictures.push(content.is_some());
            let dest_url = content?.into();
            Some(Event::Start(Tag::Image {
                link_type,
                dest_url,
                title,
                id,
            }))
        }
        Event::End(TagEnd::Image) => pictures.pop().unwrap_or(false).then_some(event),
        event => Some(event),
    });
    let mut html = String::new();
    push_html(&mut html, events);
    html
}

fn is_of_the_web(link: &str) -> bool {
    ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| link.starts_with(scheme))
}

/// The content of `attachment:picture.png` as a link.
fn attachment(link: &str, attached: &Value) -> Option<String> {
    let name = link.strip_prefix("attachment:")?;
    let found = attached
        .get(name)
        .or_else(|| attached.get(name.replace("%20", " ")))?;
    let kinds = ["image/png", "image/jpeg", "image/gif", "image/svg+xml"];
    kinds
        .into_iter()
        .find_map(|mime| in_base64(mime, found.get(mime)?))
}

/// A picture as a link that holds all of it; `None` when the content is not what it says.
fn in_base64(mime: &str, content: &Value) -> Option<String> {
    let content: String = crate::score::text_of(content).split_whitespace().collect();
    let is_base64 = content
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    is_base64.then(|| format!("data:{mime};base64,{content}"))
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
    format!("<pre class=\"{class}\">{}</pre>\n", escape(&clean(&text)))
}

/// An output that is a picture. As an image even SVG runs no scripts.
fn picture(output: &Value) -> Option<String> {
    let data = output.get("data")?;
    for mime in ["image/png", "image/jpeg", "image/gif"] {
        let Some(content) = data.get(mime) else {
            continue;
        };
        if let Some(link) = in_base64(mime, content) {
            return Some(format!("<p><img alt=\"\" src=\"{link}\"></p>\n"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    fn shown(text: &str, attached: Value) -> String {
        let mut cell = Cell::new(CellKind::Markdown, "c", Map::new(), text);
        let extra = Map::from_iter([("attachments".to_owned(), attached)]);
        cell.restore(None, None, extra);
        source(&cell, text, &|text| text.replace("secret", "[left out]"))
    }

    #[test]
    fn text_is_markdown() {
        let html = shown(
            "# A *title*\n\n- `a < b` secret\n\n|x|\n|-|\n|1|\n",
            Value::Null,
        );
        for part in [
            "<h1>A <em>title</em></h1>",
            "<code>a &lt; b</code> [left out]",
            "<td>1</td>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn markup_and_strange_links_are_left_out() {
        let text = "<script>alert(1)</script>\n\na <b onclick=x>bold</b> [here](javascript:alert(1)) \
                    [there](https://example.org) ![far](https://example.org/a.png)";
        let html = shown(text, Value::Null);
        for part in ["<script", "onclick", "javascript", "<img"] {
            assert!(!html.contains(part), "{part} in {html}");
        }
        for part in [
            "bold",
            "here",
            "<a href=\"https://example.org\">there</a>",
            "far",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn attached_pictures_are_in_the_page() {
        let attached = json!({
            "my plot.png": { "image/png": "aGVsbG8=" },
            "bad.png": { "image/png": "\"onerror=x" },
        });
        let text =
            "![mine](attachment:my%20plot.png) ![no](attachment:bad.png) ![gone](attachment:x.png)";
        let html = shown(text, attached);
        assert!(
            html.contains("<img src=\"data:image/png;base64,aGVsbG8=\" alt=\"mine\""),
            "{html}"
        );
        assert_eq!(html.matches("<img").count(), 1, "{html}");
        assert!(!html.contains("onerror") && html.contains("gone"));
    }
}
