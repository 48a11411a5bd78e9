//! How much room words take, without a font at hand.
//!
//! The font is whatever sans-serif the reader's browser has, so widths are estimates, on the wide side.

/// The width of `text` in pixels at a font size of `size` pixels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    size * text.chars().map(advance).sum::<f64>()
}

/// `text`, or as much of its start as fits `room` pixels, with an ellipsis.
pub(crate) fn shorten(text: &str, size: f64, room: f64) -> String {
    let text = printable(text);
    if width(&text, size) <= room {
        return text;
    }
    let room = room - width("…", size);
    let mut used = 0.0;
    let fits = |c: &char| {
        used += size * advance(*c);
        used <= room
    };
    let start: String = text.chars().take_while(fits).collect();
    format!("{}…", start.trim_end())
}

/// `text`, or as much of its start and its end as fit `room` pixels, with an ellipsis between them: names that
/// begin alike can still be told apart.
pub(crate) fn shorten_middle(text: &str, size: f64, room: f64) -> String {
    let text = printable(text);
    if width(&text, size) <= room {
        return text;
    }
    let start = shorten(&text, size, room * 0.6);
    let mut used = width(&start, size);
    let fits = |c: &char| {
        used += size * advance(*c);
        used <= room
    };
    let end: Vec<_> = text.chars().rev().take_while(fits).collect();
    let end: String = end.into_iter().rev().collect();
    format!("{start}{}", end.trim_start())
}

/// `text` in lines of at most `room` pixels, broken between words.
pub(crate) fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match (longer, lines.last_mut()) {
            (Some(longer), Some(line)) if width(&longer, size) <= room => *line = longer,
            _ => lines.push(word.into()),
        }
    }
    lines
        .into_iter()
        .map(|line| shorten(&line, size, room))
        .collect()
}

/// `text` with spaces for control characters: SVG allows none, and line breaks mean nothing in it.
pub(crate) fn printable(text: &str) -> String {
    let allowed = |c: char| !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}');
    text.chars()
        .map(|c| if allowed(c) { c } else { ' ' })
        .collect()
}

/// The width of a character in units of the font size, after Verdana and DejaVu Sans, the widest common ones.
fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '|' | '\'' | '.' | ',' | ':' | ';' | ' ' => 0.35,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '/' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 1.0,
        'A'..='Z' => 0.73,
        '0'..='9' | 'a'..='z' => 0.63,
        c if c.is_ascii() => 0.75,
        c if c < '\u{1100}' => 0.7,
        _ => 1.05, // Chinese, Japanese and Korean characters fill a square
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_on_the_wide_side() {
        // Widths in DejaVu Sans at 100 pixels: Pillow, ImageFont.truetype("DejaVuSans.ttf", 100).getlength(text)
        let measured = [
            ("loss", 193.2),
            ("training loss, batch 32", 1117.3),
            ("WMA wheel", 581.3),
            ("0.0025", 349.9),
            ("Verlust (größer)", 784.8),
            ("-1.5e-05", 420.0),
            ("illicit flirt", 436.0),
        ];
        for (text, width) in measured {
            let estimate = super::width(text, 100.0);
            assert!(
                (width * 0.99..width * 1.35).contains(&estimate),
                "{text}: {estimate}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_with_an_ellipsis() {
        assert_eq!(shorten("loss", 12.0, 200.0), "loss");
        assert_eq!(shorten("a\nb\u{7}c", 12.0, 200.0), "a b c");
        let short = shorten("a very long name of a series", 12.0, 80.0);
        assert!(
            short.starts_with("a very") && short.ends_with('…') && width(&short, 12.0) <= 80.0,
            "{short}"
        );
        assert_eq!(shorten("loss", 12.0, 0.0), "…");
    }
}
