//! The legend: names in rows above the plane, so that they cover nothing.

use crate::layer::{Marks, Series};
use crate::layout::{LINE_HEIGHT, TEXT_SIZE};
use crate::marks;
use crate::scene::{Anchor, Item, Paint, Point, Rect, Scene};
use crate::text;

// CSS pixels.
const SWATCH: f64 = 22.0;
const SPACE: f64 = 8.0;
const BETWEEN: f64 = 14.0;
/// The part of a chart's height that the legend may take.
const MOST: f64 = 0.3;

/// Draws the named series in rows from the top of `room`, of which they may take `height`; returns where they end.
pub(crate) fn draw(scene: &mut Scene, series: &[Series], room: Rect, height: f64) -> f64 {
    let named: Vec<_> = series.iter().filter(|s| has_entry(s)).collect();
    let rows = |height: f64| (height / LINE_HEIGHT) as usize;
    // What says how many more there are is a row as well.
    let rows = rows(scene.height * MOST)
        .min(rows(height - 6.0).saturating_sub(1))
        .max(1);
    let (mut x, mut y) = (room.left, room.top);
    let mut row = 1;
    for (index, series) in named.iter().enumerate() {
        let most = room.width() - SWATCH - SPACE;
        let name = text::shorten(&series.name, TEXT_SIZE, most);
        let width = SWATCH + SPACE + text::width(&name, TEXT_SIZE);
        if x > room.left && x + width > room.right {
            if row == rows {
                let rest = format!("and {} more", named.len() - index);
                y += LINE_HEIGHT;
                let at = (room.left, y + LINE_HEIGHT / 2.0);
                scene.write(rest, at, TEXT_SIZE, Paint::Faint, Anchor::Start);
                break;
            }
            (x, y, row) = (room.left, y + LINE_HEIGHT, row + 1);
        }
        let middle = y + LINE_HEIGHT / 2.0;
        swatch(scene, series, (x, middle));
        let at = (x + SWATCH + SPACE, middle);
        scene.write(name, at, TEXT_SIZE, Paint::Ink, Anchor::Start);
        x += width + BETWEEN;
    }
    if named.is_empty() {
        room.top
    } else {
        y + LINE_HEIGHT + 6.0
    }
}

fn has_entry(series: &Series) -> bool {
    !series.name.is_empty() && !matches!(series.marks, Marks::Heat(_) | Marks::Note(..))
}

/// Draws a sample of the series from `at` to the right.
fn swatch(scene: &mut Scene, series: &Series, (x, y): Point) {
    let block = |height: f64| Rect {
        left: x + 2.0,
        top: y - height / 2.0,
        right: x + SWATCH - 2.0,
        bottom: y + height / 2.0,
    };
    let (paint, opacity) = (marks::paint(series), marks::opacity(series));
    match series.marks {
        Marks::Line(_) | Marks::VerticalRule(_) | Marks::HorizontalRule(_) => {
            scene.items.push(Item::Line {
                path: vec![(x, y), (x + SWATCH, y)],
                width: marks::stroke_width(series),
                dashed: marks::is_dashed(series),
                paint,
                opacity,
            });
        }
        Marks::Dots(_) | Marks::Note(..) => {
            scene.dot((x + SWATCH / 2.0, y), marks::DOT, paint, opacity);
        }
        Marks::Band(_) => scene.block(block(12.0), paint, marks::BAND * opacity),
        Marks::Bars(_) | Marks::Histogram(_) | Marks::Boxes(_) | Marks::Heat(_) => {
            scene.block(block(11.0), paint, opacity);
        }
    }
}
