//! SVG by hand: the white card on which pictures get axes, labels and shapes.
//!
//! Lengths are CSS pixels. Vectors stay sharp on dense screens, and pictures inside are stored at up to
//! twice their size on the page. The card and the inks below follow the theme of the page, as the charts do; all
//! other colours stay what they are.

use std::fmt::Write as _;

use base64::Engine as _;
use rt::Bundle;
use rt::display::escape;

/// Text.
pub(crate) const INK: &str = "#222222";
/// Text that stands back.
pub(crate) const GREY_INK: &str = "#555555";
/// Text that warns.
pub(crate) const WARNING_INK: &str = "#B04A00";
/// Axes and frames.
pub(crate) const LINE: &str = "#888888";
/// Lines behind the data.
pub(crate) const GRID: &str = "#E6E6E6";
const PAPER: &str = "#FFFFFF";

/// The colours that follow the theme, and what they are on dark paper; those of charts (`plot`).
const DARK: [(&str, &str, &str); 6] = [
    (PAPER, "paper", "#1B1B1D"),
    (INK, "ink", "#E4E4E4"),
    (GREY_INK, "grey", "#B2B2B2"),
    (WARNING_INK, "warning", "#F07A28"),
    (LINE, "line", "#828282"),
    (GRID, "grid", "#3A3A3C"),
];

/// The class of a colour that follows the theme, as an attribute.
fn class(colour: &str) -> String {
    let known = DARK.iter().find(|(light, ..)| *light == colour);
    known.map_or_else(String::new, |(_, name, _)| format!(r#" class="{name}""#))
}

/// Replaces the colours by their dark partners where dark is wanted.
fn dark_style() -> String {
    let rules: String = DARK
        .iter()
        .map(|(light, name, dark)| {
            format!(
                r#".cvstudy-card .{name}[fill="{light}"]{{fill:{dark}}}.cvstudy-card .{name}[stroke="{light}"]{{stroke:{dark}}}"#
            )
        })
        .collect();
    format!("<style>@media (prefers-color-scheme:dark){{{rules}}}</style>")
}

/// Okabe and Ito's colours ("Color Universal Design", 2008), told apart by colour-blind readers too.
pub(crate) const PALETTE: [[u8; 3]; 8] = [
    [213, 94, 0],    // vermillion
    [86, 180, 233],  // sky blue
    [240, 228, 66],  // yellow
    [0, 158, 115],   // bluish green
    [204, 121, 167], // reddish purple
    [230, 159, 0],   // orange
    [0, 114, 178],   // blue
    [255, 255, 255], // white
];

/// The colour as SVG writes it.
pub(crate) fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

/// Black or white, whichever is read more easily on the colour.
pub(crate) fn ink_on(colour: [u8; 3]) -> &'static str {
    if crate::picture::luma(colour) > 140 {
        "#000000"
    } else {
        "#FFFFFF"
    }
}

/// Which part of a text stands at its place.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// An SVG in the making.
pub(crate) struct Card {
    width: f64,
    height: f64,
    body: String,
}

impl Card {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    /// A card with rounded corners, white on a light page.
    pub(crate) fn white(width: f64, height: f64) -> Self {
        let mut card = Self::new(width, height);
        let class = class(PAPER);
        card.raw(&format!(
            r#"<rect{class} width="{width:.1}" height="{height:.1}" rx="6" fill="{PAPER}"/>"#
        ));
        card
    }

    /// SVG source as it is; whatever in it comes from data must be escaped.
    pub(crate) fn raw(&mut self, source: &str) {
        self.body.push_str(source);
        self.body.push('\n');
    }

    /// A filled rectangle `[left, top, width, height]` with round corners.
    pub(crate) fn rect(&mut self, [x, y, width, height]: [f64; 4], fill: &str, radius: f64) {
        let _ = writeln!(
            self.body,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="{radius}" fill="{fill}"/>"#
        );
    }

    /// An empty rectangle `[left, top, width, height]`.
    pub(crate) fn frame(&mut self, [x, y, width, height]: [f64; 4], stroke: &str, thickness: f64) {
        let class = class(stroke);
        let _ = writeln!(
            self.body,
            r#"<rect{class} x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="none" stroke="{stroke}" stroke-width="{thickness}"/>"#
        );
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str, thickness: f64) {
        let class = class(stroke);
        let _ = writeln!(
            self.body,
            r#"<line{class} x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="{stroke}" stroke-width="{thickness}"/>"#,
            from.0, from.1, to.0, to.1
        );
    }

    /// One line of text on its baseline, cut short with an ellipsis where it would be longer than `room`.
    pub(crate) fn text(
        &mut self,
        (x, y): (f64, f64),
        anchor: Anchor,
        size: f64,
        fill: &str,
        text: &str,
        room: f64,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(&shorten(text, size, room));
        let class = class(fill);
        let _ = writeln!(
            self.body,
            r#"<text{class} x="{x:.1}" y="{y:.1}" font-family="sans-serif" font-size="{size}" fill="{fill}" text-anchor="{anchor}">{text}</text>"#
        );
    }

    /// PNG bytes, stretched over `[left, top, width, height]`; `pixelated` keeps enlarged pixels sharp.
    pub(crate) fn picture(&mut self, png: &[u8], [x, y, width, height]: [f64; 4], pixelated: bool) {
        let data = base64::engine::general_purpose::STANDARD.encode(png);
        let style = if pixelated {
            r#" style="image-rendering:pixelated""#
        } else {
            ""
        };
        let _ = writeln!(
            self.body,
            r#"<image x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" preserveAspectRatio="none"{style} href="data:image/png;base64,{data}"/>"#
        );
    }

    /// The whole SVG, described by `about` for those who cannot see it.
    pub(crate) fn finish(&self, about: &str) -> String {
        let Self {
            width,
            height,
            body,
        } = self;
        let (about, style) = (escape(about), dark_style());
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="cvstudy-card" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.1} {height:.1}" role="img" aria-label="{about}">
{style}
{body}</svg>"#
        )
    }

    /// The card as it is shown, with words for those who cannot see it.
    pub(crate) fn show(&self, about: String) -> Bundle {
        Bundle::drawing(self.finish(&about), self.width, self.height, about)
    }
}

/// About how wide a text is: no font is at hand to measure it with.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let widths = text.chars().map(|c| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' | ' ' => 0.32,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.9,
        c if c.is_ascii() => 0.58,
        _ => 1.0,
    });
    size * widths.sum::<f64>()
}

fn shorten(text: &str, size: f64, room: f64) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text_width(&line, size) <= room {
        return line;
    }
    let mut short = String::new();
    for c in line.chars() {
        if text_width(&short, size) + text_width("\u{2026}", size) >= room {
            break;
        }
        short.push(c);
    }
    short + "\u{2026}"
}

/// A round step, 1, 2 or 5 times a power of ten, that divides `span` into at most `most` parts.
pub(crate) fn round_step(span: f64, most: f64) -> f64 {
    let least = span / most.max(1.0);
    let power = 10f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    step.into_iter()
        .find(|&step| step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_follows_the_page_and_data_does_not() {
        let mut card = Card::white(80.0, 40.0);
        card.text((1.0, 9.0), Anchor::Start, 12.0, INK, "words", 60.0);
        // Colours of pixels, which happen to be those of paper and ink.
        card.rect([0.0, 0.0, 9.0, 9.0], PAPER, 0.0);
        card.rect([9.0, 0.0, 9.0, 9.0], INK, 0.0);
        let bundle = card.show("\"two\" pixels".into());
        let svg = bundle.data["image/svg+xml"].as_str().unwrap();
        assert!(svg.contains("prefers-color-scheme:dark"));
        assert!(svg.contains(r##"<text class="ink" x="1.0""##), "{svg}");
        assert_eq!(svg.matches(r#"<rect class="paper""#).count(), 1);
        assert_eq!(svg.matches("<rect x=").count(), 2, "without a class: {svg}");
        let html = bundle.data["text/html"].as_str().unwrap();
        assert!(html.contains(r#"alt="&quot;two&quot; pixels""#), "{html}");
        assert!(html.contains(r#"width="80" height="40""#), "{html}");
    }

    #[test]
    fn steps_are_round() {
        for (span, most, step) in [
            (640.0, 8.0, 100.0),
            (480.0, 10.0, 50.0),
            (1.0, 5.0, 0.2),
            (9.0, 9.0, 1.0),
        ] {
            assert!(
                (round_step(span, most) - step).abs() < 1e-9 * step,
                "{span}"
            );
        }
    }

    #[test]
    fn long_text_is_cut_and_data_is_escaped() {
        let mut card = Card::white(100.0, 50.0);
        card.text(
            (0.0, 10.0),
            Anchor::Start,
            12.0,
            INK,
            "a <very> long\ntitle indeed",
            60.0,
        );
        let svg = card.finish("\"about\"");
        assert!(
            svg.contains("a &lt;ver") && svg.contains("\u{2026}</text>"),
            "{svg}"
        );
        assert!(svg.contains("aria-label=\"&quot;about&quot;\""));
    }
}
