//! What pages have in common: one file each, without scripts, readable on paper and in the dark.

use rt::display::escape;

const STYLE: &str = include_str!("html/style.css");

/// A whole page around a body.
pub(crate) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escape(title)
    )
}

/// A table with a row of names above.
pub(crate) fn table(names: &[&str], rows: &[Vec<String>]) -> String {
    let head: String = names
        .iter()
        .map(|name| format!("<th>{}</th>", escape(name)))
        .collect();
    let row = |cells: &Vec<String>| {
        let cells: String = cells
            .iter()
            .map(|cell| format!("<td>{cell}</td>"))
            .collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.iter().map(row).collect();
    format!("<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n")
}

/// Points as people write them: at most two digits behind the point.
pub(crate) fn points(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A bar from 0 to 1.
pub(crate) fn bar(part: f64) -> String {
    let percent = (part.clamp(0.0, 1.0) * 100.0).round();
    format!(
        "<span class=\"nowrap\"><span class=\"bar\"><span style=\"width:{percent}%\"></span></span> {percent}%</span>"
    )
}
