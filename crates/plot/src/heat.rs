//! The cells of a matrix: coloured, with their numbers where there is room.

use crate::PlotError;
use crate::bars;
use crate::colour::{ColourMap, luminance};
use crate::layer::Matrix;
use crate::plane::Plane;
use crate::raster;
use crate::scene::{Anchor, Item, Paint, Rect, Scene};
use crate::text;

use plotters::style::RGBColor;

/// The most cells drawn one by one; more become a picture.
const MANY_CELLS: usize = 1600;
/// The most rows or columns of that picture; of more, every n-th is drawn.
const MOST_PIXELS: usize = 2000;
/// Font sizes in cells, in CSS pixels.
const LARGEST: f64 = 14.0;
const SMALLEST: f64 = 9.0;
/// Colours with more luminance than this carry dark numbers: the contrast is then better than with light ones.
const LIGHT: f64 = 0.19;
/// The colour of cells without a number.
const GAP: RGBColor = RGBColor(190, 190, 190);
const ON_LIGHT: RGBColor = RGBColor(20, 20, 20);
const ON_DARK: RGBColor = RGBColor(252, 252, 252);
const QUIET: RGBColor = RGBColor(150, 160, 172);

/// Draws the matrix.
pub(crate) fn draw(scene: &mut Scene, matrix: &Matrix, plane: &Plane) -> Result<(), PlotError> {
    let (rows, columns) = (matrix.rows(), matrix.columns);
    let Some(extent) = matrix.extent() else {
        return Ok(());
    };
    let colour = |row: usize, column: usize| {
        let shade = matrix.shade(row * columns + column, extent);
        Paint::Fixed(shade.map_or(GAP, |part| matrix.map.colour(part)))
    };
    if rows * columns > MANY_CELLS {
        scene.items.push(mosaic(rows, columns, colour, plane.rect)?);
    } else {
        for index in 0..rows * columns {
            let (row, column) = (index / columns, index % columns);
            // Below its neighbours by a pixel, so that no paper shines through between them.
            let mut rect = cell(plane, row, column);
            rect.right = (rect.right + 1.0).min(plane.rect.right);
            rect.bottom = (rect.bottom + 1.0).min(plane.rect.bottom);
            scene.block(rect, colour(row, column), 1.0);
        }
    }
    let numbers = numbers(matrix);
    if let Some(size) = number_size(matrix, &numbers, cell(plane, 0, 0)) {
        for (index, number) in numbers.into_iter().enumerate() {
            let (row, column) = (index / columns, index % columns);
            let at = cell(plane, row, column).centre();
            let ink = match colour(row, column) {
                // A table of mostly zeros is read by what is not zero.
                _ if matrix.quiet_zeros && matrix.values[index] == 0.0 => Paint::Fixed(QUIET),
                ground => ink_on(ground),
            };
            scene.write(number, at, size, ink, Anchor::Middle);
        }
    }
    if let Some((row, column)) = matrix.framed {
        frame(scene, cell(plane, row, column));
    }
    Ok(())
}

/// The colour map from bottom to top, as a picture.
pub(crate) fn gradient(map: ColourMap, rect: Rect) -> Result<Item, PlotError> {
    let png = raster::mosaic(1, 256, |row, _| {
        Paint::Fixed(map.colour(1.0 - row as f64 / 255.0))
    })?;
    Ok(Item::Picture {
        rect,
        png,
        crisp: false,
    })
}

fn cell(plane: &Plane, row: usize, column: usize) -> Rect {
    let (x, y) = (column as f64, row as f64);
    bars::rect(plane, (x - 0.5, y - 0.5), (x + 0.5, y + 0.5))
}

fn mosaic(
    rows: usize,
    columns: usize,
    colour: impl Fn(usize, usize) -> Paint,
    rect: Rect,
) -> Result<Item, PlotError> {
    let every = rows.max(columns).div_ceil(MOST_PIXELS).max(1);
    let png = raster::mosaic(
        columns.div_ceil(every),
        rows.div_ceil(every),
        |row, column| colour(row * every, column * every),
    )?;
    Ok(Item::Picture {
        rect,
        png,
        crisp: true,
    })
}

/// The font size for the numbers; `None` if they are not written.
fn number_size(matrix: &Matrix, numbers: &[String], cell: Rect) -> Option<f64> {
    if numbers.is_empty() || matrix.written == Some(false) {
        return None;
    }
    let widths = numbers.iter().map(|number| text::width(number, 1.0));
    let widest = widths.fold(0.1, f64::max);
    let size = LARGEST
        .min((cell.width() - 4.0) / widest)
        .min(cell.height() * 0.6);
    match matrix.written {
        Some(true) => Some(size.max(SMALLEST)),
        _ => (size >= SMALLEST).then_some(size),
    }
}

fn ink_on(ground: Paint) -> Paint {
    let light = luminance(ground.colour(false)) > LIGHT;
    Paint::Fixed(if light { ON_LIGHT } else { ON_DARK })
}

/// The values as they stand in their cells: whole numbers as they are, others with about three digits. None of
/// them if they are too many to be read.
fn numbers(matrix: &Matrix) -> Vec<String> {
    if matrix.values.len() > MANY_CELLS {
        return Vec::new();
    }
    let finite = || matrix.values.iter().filter(|v| v.is_finite());
    let largest = finite().fold(0f64, |most, v| most.max(v.abs()));
    let whole = largest < 1e5 && finite().all(|v| v.fract() == 0.0);
    let write = |value: f64| match largest {
        _ if !value.is_finite() => "–".into(),
        _ if matrix.percent => format!("{:.0}", value * 100.0),
        _ if whole => format!("{value:.0}"),
        v if !(0.01..1e4).contains(&v) => format!("{value:.1e}"),
        v if v < 10.0 => format!("{value:.2}"),
        v if v < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    matrix.values.iter().map(|value| write(*value)).collect()
}

/// Draws a frame that is seen on any colour.
fn frame(scene: &mut Scene, rect: Rect) {
    let inset = |by: f64| {
        let (left, top) = (rect.left + by, rect.top + by);
        let (right, bottom) = (rect.right - by, rect.bottom - by);
        vec![
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ]
    };
    scene.line(inset(1.5), 3.0, Paint::Fixed(ON_LIGHT));
    scene.line(inset(3.25), 1.5, Paint::Fixed(ON_DARK));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read_on_any_colour() {
        let contrast = |a: f64, b: f64| (a.max(b) + 0.05) / (a.min(b) + 0.05);
        let maps = [
            ColourMap::Viridis,
            ColourMap::Cividis,
            ColourMap::Magma,
            ColourMap::Grey,
            ColourMap::Blues,
            ColourMap::RedBlue,
        ];
        for map in maps {
            for step in 0..=100 {
                let ground = Paint::Fixed(map.colour(f64::from(step) / 100.0));
                let [a, b] = [ground, ink_on(ground)].map(|paint| luminance(paint.colour(false)));
                // WCAG 2: 3 for large text, 4.5 for small; nothing has more than 4.2 on the middle of all greys.
                assert!(
                    contrast(a, b) > 4.0,
                    "{map:?} at {step}: {:.1}",
                    contrast(a, b)
                );
            }
        }
    }
}
