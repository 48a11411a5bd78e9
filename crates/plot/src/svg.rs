//! From a scene to SVG, through plotters.
//!
//! plotters places everything at whole units, so a unit is a tenth of a CSS pixel: lines stay smooth.

use base64::Engine as _;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use rt::display::escape;

use crate::scene::{Anchor, Item, Paint, Point, Rect, Scene, Words};
use crate::theme::{self, Theme};
use crate::{PlotError, text};

/// Units in a CSS pixel.
const UNITS: f64 = 10.0;
/// plotters divides font sizes by this before it writes them.
const FONT: f64 = 1.24;
/// The rounding of the card's corners, in CSS pixels.
const CORNER: f64 = 6.0;
/// Dashes and the gaps between them, in CSS pixels.
pub(crate) const DASH: (f64, f64) = (6.0, 4.0);

/// The scene as SVG source, described as `summary`.
pub(crate) fn svg(scene: &Scene, theme: Theme, summary: &str) -> Result<String, PlotError> {
    let dark = theme == Theme::Dark;
    let mut body = String::new();
    // plotters cannot place a PNG in an SVG without an old copy of `image`; what stands between pictures is its.
    for run in scene.items.chunk_by(|a, b| is_picture(a) == is_picture(b)) {
        match run {
            [Item::Picture { .. }, ..] => body.extend(run.iter().map(picture)),
            _ => body.push_str(&shapes(scene, run, dark)?),
        }
    }
    let (width, height) = (scene.width.round(), scene.height.round());
    let (wide, high) = (width * UNITS, height * UNITS);
    let corner = CORNER * UNITS;
    let label = escape(&text::printable(summary));
    let paper = hex(Paint::Paper.colour(dark));
    let style = match theme {
        Theme::Auto => dark_style(),
        Theme::Light | Theme::Dark => String::new(),
    };
    Ok(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" class="cvstudy-chart" width="{width}" height="{height}" viewBox="0 0 {wide} {high}" role="img" aria-label="{label}" stroke-linejoin="round" stroke-linecap="butt">
{style}<rect width="{wide}" height="{high}" rx="{corner}" fill="{paper}"/>
{body}</svg>
"##
    ))
}

fn is_picture(item: &Item) -> bool {
    matches!(item, Item::Picture { .. })
}

/// Replaces each light colour by its dark partner where dark is wanted. Viewers that know no style sheets stay light.
fn dark_style() -> String {
    let rules: String = theme::pairs()
        .map(|(light, dark)| {
            let (light, dark) = (hex(light), hex(dark));
            format!(
                r#".cvstudy-chart [fill="{light}"]{{fill:{dark}}}.cvstudy-chart [stroke="{light}"]{{stroke:{dark}}}"#
            )
        })
        .collect();
    format!("<style>@media (prefers-color-scheme:dark){{{rules}}}</style>\n")
}

fn hex(RGBColor(r, g, b): RGBColor) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

fn picture(item: &Item) -> String {
    let Item::Picture { rect, png, crisp } = item else {
        return String::new();
    };
    let ((x, y), (right, bottom)) = corners(*rect);
    let (width, height) = (right - x, bottom - y);
    let rendering = if *crisp { "pixelated" } else { "auto" };
    let data = base64::engine::general_purpose::STANDARD.encode(png);
    format!(
        r#"<image x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="none" style="image-rendering:{rendering}" href="data:image/png;base64,{data}"/>
"#
    )
}

type Sheet<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The items as SVG elements.
fn shapes(scene: &Scene, items: &[Item], dark: bool) -> Result<String, PlotError> {
    let mut source = String::new();
    {
        let size = (length(scene.width), length(scene.height));
        let sheet = SVGBackend::with_string(&mut source, size).into_drawing_area();
        for item in items {
            draw(&sheet, item, dark)?;
        }
        sheet.present().map_err(failed)?;
    }
    // The frame around them is written in `svg`.
    let body = source.split_once('>').map_or("", |(_, body)| body);
    let body = body.trim_end().trim_end_matches("</svg>").trim_start();
    Ok(body.into())
}

fn draw(sheet: &Sheet, item: &Item, dark: bool) -> Result<(), PlotError> {
    let solid = |paint: &Paint, opacity: f64| paint.colour(dark).mix(opacity);
    match item {
        Item::Line {
            path,
            width,
            dashed,
            paint,
            opacity,
        } => {
            let path: Vec<_> = path.iter().copied().map(units).collect();
            let style = solid(paint, *opacity).stroke_width(length(*width));
            if *dashed {
                let (dash, gap) = (length(DASH.0), length(DASH.1));
                sheet.draw(&DashedPathElement::new(path, dash, gap, style))
            } else {
                sheet.draw(&PathElement::new(path, style))
            }
        }
        Item::Area {
            outline,
            paint,
            opacity,
        } => {
            let outline: Vec<_> = outline.iter().copied().map(units).collect();
            sheet.draw(&Polygon::new(outline, solid(paint, *opacity).filled()))
        }
        Item::Block {
            rect,
            paint,
            opacity,
        } => {
            let (from, to) = corners(*rect);
            sheet.draw(&Rectangle::new([from, to], solid(paint, *opacity).filled()))
        }
        Item::Dot {
            at,
            radius,
            paint,
            opacity,
        } => sheet.draw(&Circle::new(
            units(*at),
            length(*radius),
            solid(paint, *opacity).filled(),
        )),
        Item::Words(words) => sheet.draw(&Text::new(
            words.text.clone(),
            units(words.at),
            font(words, dark),
        )),
        Item::Picture { .. } => Ok(()),
    }
    .map_err(failed)
}

fn font(words: &Words, dark: bool) -> TextStyle<'static> {
    let horizontal = match words.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let mut style = ("sans-serif", words.size * UNITS * FONT)
        .with_color(words.paint.colour(dark))
        .into_text_style(&(0, 0))
        .pos(Pos::new(horizontal, VPos::Center));
    if words.bold {
        style.font = style.font.style(FontStyle::Bold);
    }
    if words.upright {
        style = style.transform(FontTransform::Rotate270);
    }
    style
}

fn corners(rect: Rect) -> ((i32, i32), (i32, i32)) {
    (
        units((rect.left, rect.top)),
        units((rect.right, rect.bottom)),
    )
}

/// A point in CSS pixels in units.
fn units((x, y): Point) -> (i32, i32) {
    ((x * UNITS).round() as i32, (y * UNITS).round() as i32)
}

/// A length in CSS pixels in units.
fn length(pixels: f64) -> u32 {
    (pixels * UNITS).round() as u32
}

fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> PlotError {
    PlotError::Draw(error.to_string())
}
