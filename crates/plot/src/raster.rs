//! From a scene to pixels, through tiny-skia: for PNG files, and for marks too many to be drawn one by one.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ab_glyph::{Font as _, FontVec};
use tiny_skia::{
    Color, FillRule, FilterQuality, LineCap, LineJoin, PathBuilder, Pixmap, PixmapPaint,
    PremultipliedColorU8, Stroke, StrokeDash, Transform,
};

use crate::PlotError;
use crate::scene::{Anchor, Item, Paint, Point, Rect, Scene, Words};
use crate::svg::DASH;

/// Pixels for each CSS pixel, so that pictures are sharp on dense screens and in print.
const DENSITY: f64 = 2.0;
/// More dots than this are a cloud, which has nothing to be sharp; its picture is four times as small.
const CLOUD: usize = 20_000;
/// The most pixels of a picture: 64 MB.
const MOST_PIXELS: f64 = 16e6;

/// The scene as a PNG, two pixels for each CSS pixel.
///
/// # Errors
/// [`PlotError::NoFont`] when there are words and this computer has no font.
pub(crate) fn png(scene: &Scene, dark: bool) -> Result<Vec<u8>, PlotError> {
    let mut sheet = Sheet::new(scene.width, scene.height, (0.0, 0.0), DENSITY)?;
    sheet.pixels.fill(colour(Paint::Paper, dark, 1.0));
    for item in &scene.items {
        sheet.draw(item, dark)?;
    }
    sheet.png()
}

/// Shapes inside of `rect` as one picture with a transparent ground.
pub(crate) fn layer(items: &[Item], rect: Rect) -> Result<Item, PlotError> {
    let mut sheet = Sheet::new(rect.width(), rect.height(), (rect.left, rect.top), DENSITY)?;
    for item in items {
        sheet.draw(item, false)?;
    }
    Ok(Item::Picture {
        rect,
        png: sheet.png()?,
        crisp: false,
    })
}

/// A dot at each of `places` inside of `rect`, all of one colour and opacity, as one picture. Where dots lie on each
/// other it grows denser, as it would if they were drawn one by one.
pub(crate) fn cloud(
    places: &[Point],
    radius: f64,
    paint: Paint,
    opacity: f64,
    rect: Rect,
) -> Result<Item, PlotError> {
    let density = if places.len() > CLOUD { 1.0 } else { DENSITY };
    let origin = (rect.left, rect.top);
    let mut sheet = Sheet::new(rect.width(), rect.height(), origin, density)?;
    let (width, height) = (
        sheet.pixels.width() as usize,
        sheet.pixels.height() as usize,
    );
    let (scale, reach) = (sheet.density, radius * sheet.density);
    // How much of the paper still shines through at each pixel.
    let mut clear = vec![1f32; width * height];
    for place in places {
        // Where pixel (0, 0) has its middle is (0, 0).
        let x = (place.0 - rect.left) * scale - 0.5;
        let y = (place.1 - rect.top) * scale - 0.5;
        let around = |middle: f64, side: usize| {
            let first = (middle - reach).floor().max(0.0) as usize;
            first..((middle + reach).ceil().max(0.0) as usize + 1).min(side)
        };
        for row in around(y, height) {
            for column in around(x, width) {
                let distance = (column as f64 - x).hypot(row as f64 - y);
                let covered = (reach + 0.5 - distance).clamp(0.0, 1.0);
                clear[row * width + column] *= (1.0 - covered * opacity) as f32;
            }
        }
    }
    for (pixel, clear) in sheet.pixels.pixels_mut().iter_mut().zip(clear) {
        let shade = colour(paint, false, f64::from(1.0 - clear));
        *pixel = shade.premultiply().to_color_u8();
    }
    Ok(Item::Picture {
        rect,
        png: sheet.png()?,
        crisp: false,
    })
}

/// Rows of colours as a PNG of one pixel each.
pub(crate) fn mosaic(
    columns: usize,
    rows: usize,
    colour: impl Fn(usize, usize) -> Paint,
) -> Result<Vec<u8>, PlotError> {
    let side = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let mut pixels = Pixmap::new(side(columns), side(rows)).ok_or_else(too_large)?;
    for (index, pixel) in pixels.pixels_mut().iter_mut().enumerate() {
        let plotters::style::RGBColor(r, g, b) =
            colour(index / columns, index % columns).colour(false);
        if let Some(opaque) = PremultipliedColorU8::from_rgba(r, g, b, 255) {
            *pixel = opaque;
        }
    }
    encode(&pixels)
}

/// Pixels, where their top left corner is, and how many there are for each CSS pixel.
struct Sheet {
    pixels: Pixmap,
    origin: Point,
    density: f64,
}

impl Sheet {
    fn new(width: f64, height: f64, origin: Point, most: f64) -> Result<Self, PlotError> {
        let density = most.min((MOST_PIXELS / (width * height)).sqrt());
        let side = |length: f64| (length * density).round().max(1.0) as u32;
        let pixels = Pixmap::new(side(width), side(height)).ok_or_else(too_large)?;
        Ok(Self {
            pixels,
            origin,
            density,
        })
    }

    fn png(&self) -> Result<Vec<u8>, PlotError> {
        encode(&self.pixels)
    }

    /// From CSS pixels to pixels.
    fn transform(&self) -> Transform {
        let scale = self.density as f32;
        let shift = |origin: f64| (-origin * self.density) as f32;
        let (x, y) = (shift(self.origin.0), shift(self.origin.1));
        Transform::from_row(scale, 0.0, 0.0, scale, x, y)
    }

    fn draw(&mut self, item: &Item, dark: bool) -> Result<(), PlotError> {
        match item {
            Item::Line {
                path,
                width,
                dashed,
                paint,
                opacity,
            } => self.stroke(path, *width, *dashed, colour(*paint, dark, *opacity)),
            Item::Area {
                outline,
                paint,
                opacity,
            } => self.fill(outline, colour(*paint, dark, *opacity)),
            Item::Block {
                rect,
                paint,
                opacity,
            } => {
                let Rect {
                    left,
                    top,
                    right,
                    bottom,
                } = *rect;
                let outline = [(left, top), (right, top), (right, bottom), (left, bottom)];
                self.fill(&outline, colour(*paint, dark, *opacity));
            }
            Item::Dot {
                at,
                radius,
                paint,
                opacity,
            } => {
                let circle = PathBuilder::from_circle(at.0 as f32, at.1 as f32, *radius as f32);
                self.fill_path(circle, colour(*paint, dark, *opacity));
            }
            Item::Words(words) => self.write(words, dark)?,
            Item::Picture { rect, png, crisp } => self.paste(*rect, png, *crisp)?,
        }
        Ok(())
    }

    fn stroke(&mut self, points: &[Point], width: f64, dashed: bool, colour: Color) {
        let dash = || StrokeDash::new(vec![DASH.0 as f32, DASH.1 as f32], 0.0);
        let stroke = Stroke {
            width: width as f32,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Round,
            dash: dashed.then(dash).flatten(),
            ..Stroke::default()
        };
        if let Some(path) = path(points, false) {
            let transform = self.transform();
            self.pixels
                .stroke_path(&path, &paint(colour), &stroke, transform, None);
        }
    }

    fn fill(&mut self, outline: &[Point], colour: Color) {
        self.fill_path(path(outline, true), colour);
    }

    fn fill_path(&mut self, path: Option<tiny_skia::Path>, colour: Color) {
        if let Some(path) = path {
            let transform = self.transform();
            self.pixels
                .fill_path(&path, &paint(colour), FillRule::Winding, transform, None);
        }
    }

    fn paste(&mut self, rect: Rect, png: &[u8], crisp: bool) -> Result<(), PlotError> {
        let picture = Pixmap::decode_png(png).map_err(failed)?;
        let (from_x, from_y) = (f64::from(picture.width()), f64::from(picture.height()));
        let quality = if crisp {
            FilterQuality::Nearest
        } else {
            FilterQuality::Bilinear
        };
        let how = PixmapPaint {
            quality,
            ..PixmapPaint::default()
        };
        let transform = self
            .transform()
            .pre_translate(rect.left as f32, rect.top as f32)
            .pre_scale(
                (rect.width() / from_x) as f32,
                (rect.height() / from_y) as f32,
            );
        self.pixels
            .draw_pixmap(0, 0, picture.as_ref(), &how, transform, None);
        Ok(())
    }

    /// Sets the letters' outlines one after another.
    fn write(&mut self, words: &Words, dark: bool) -> Result<(), PlotError> {
        let fonts = FONTS.as_ref().ok_or(PlotError::NoFont)?;
        let font = if words.bold {
            &fonts.bold
        } else {
            &fonts.regular
        };
        let unit = words.size as f32 / font.units_per_em().unwrap_or(1000.0);
        let advance = |c: char| unit * font.h_advance_unscaled(font.glyph_id(c));
        let length: f32 = words.text.chars().map(advance).sum();
        let start = match words.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -length / 2.0,
            Anchor::End => -length,
        };
        // Half the height of a small letter, as the "0.5ex" of plotters' SVG.
        let drop = words.size as f32 * 0.27;
        let turn = if words.upright { -90.0 } else { 0.0 };
        let base = self
            .transform()
            .pre_translate(words.at.0 as f32, words.at.1 as f32)
            .pre_rotate(turn)
            .pre_translate(start, drop);
        let paint = paint(colour(words.paint, dark, 1.0));
        let mut x = 0.0;
        for c in words.text.chars() {
            let outline = font.outline(font.glyph_id(c));
            if let Some(outline) = outline.and_then(|outline| letter(&outline)) {
                let place = base.pre_translate(x, 0.0).pre_scale(unit, -unit);
                self.pixels
                    .fill_path(&outline, &paint, FillRule::Winding, place, None);
            }
            x += advance(c);
        }
        Ok(())
    }
}

/// The outline of a letter in the units of its font.
fn letter(outline: &ab_glyph::Outline) -> Option<tiny_skia::Path> {
    use ab_glyph::OutlineCurve::{Cubic, Line, Quad};
    let mut path = PathBuilder::new();
    let mut last = None;
    for curve in &outline.curves {
        let (Line(from, to) | Quad(from, _, to) | Cubic(from, _, _, to)) = curve;
        if last != Some((from.x, from.y)) {
            path.move_to(from.x, from.y);
        }
        match curve {
            Line(..) => path.line_to(to.x, to.y),
            Quad(_, c, _) => path.quad_to(c.x, c.y, to.x, to.y),
            Cubic(_, c, d, _) => path.cubic_to(c.x, c.y, d.x, d.y, to.x, to.y),
        }
        last = Some((to.x, to.y));
    }
    path.finish()
}

fn path(points: &[Point], closed: bool) -> Option<tiny_skia::Path> {
    let (first, rest) = points.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(first.0 as f32, first.1 as f32);
    for point in rest {
        path.line_to(point.0 as f32, point.1 as f32);
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn colour(paint: Paint, dark: bool, opacity: f64) -> Color {
    let plotters::style::RGBColor(r, g, b) = paint.colour(dark);
    Color::from_rgba8(r, g, b, (opacity.clamp(0.0, 1.0) * 255.0).round() as u8)
}

fn paint(colour: Color) -> tiny_skia::Paint<'static> {
    let mut paint = tiny_skia::Paint {
        anti_alias: true,
        ..tiny_skia::Paint::default()
    };
    paint.set_color(colour);
    paint
}

fn encode(pixels: &Pixmap) -> Result<Vec<u8>, PlotError> {
    pixels.encode_png().map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> PlotError {
    PlotError::Draw(error.to_string())
}

fn too_large() -> PlotError {
    PlotError::Draw("it would have too many pixels".into())
}

struct Fonts {
    regular: FontVec,
    bold: FontVec,
}

/// A sans-serif font of this computer, read when first needed.
static FONTS: LazyLock<Option<Fonts>> = LazyLock::new(find_fonts);

/// Files of common sans-serif fonts, regular and bold.
const FONT_FILES: [(&str, &str); 7] = [
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("Ubuntu-R.ttf", "Ubuntu-B.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
    ("arial.ttf", "arialbd.ttf"),
    ("Helvetica.ttc", "Helvetica.ttc"),
];

fn find_fonts() -> Option<Fonts> {
    let home = std::env::home_dir().unwrap_or_default();
    let folders = [
        PathBuf::from("/usr/share/fonts"),
        PathBuf::from("/usr/local/share/fonts"),
        home.join(".local/share/fonts"),
        home.join(".fonts"),
        PathBuf::from("/System/Library/Fonts"),
        PathBuf::from("/Library/Fonts"),
        PathBuf::from("/mnt/c/Windows/Fonts"),
    ];
    let mut files = Vec::new();
    for folder in folders {
        collect_files(&folder, 4, &mut files);
    }
    let read = |name: &str| {
        let file = files
            .iter()
            .find(|file| file.file_name().is_some_and(|found| found == name))?;
        FontVec::try_from_vec_and_index(std::fs::read(file).ok()?, 0).ok()
    };
    FONT_FILES.iter().find_map(|(regular, bold)| {
        let bold = read(bold).or_else(|| read(regular))?;
        Some(Fonts {
            regular: read(regular)?,
            bold,
        })
    })
}

fn collect_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    // A folder that is missing or closed to us holds no font of ours.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_file() {
            files.push(path);
        } else if depth > 0 {
            collect_files(&path, depth - 1, files);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::RGBColor;

    fn pixel(png: &[u8], x: u32, y: u32) -> [u8; 3] {
        let pixels = Pixmap::decode_png(png).unwrap();
        let pixel = pixels.pixel(x, y).unwrap();
        [pixel.red(), pixel.green(), pixel.blue()]
    }

    #[test]
    fn shapes_are_where_the_scene_has_them() {
        let mut scene = Scene::new(40.0, 20.0);
        let rect = Rect {
            left: 10.0,
            top: 5.0,
            right: 20.0,
            bottom: 15.0,
        };
        scene.block(rect, Paint::Series(0), 1.0);
        let png = png(&scene, false).unwrap();
        assert_eq!(Pixmap::decode_png(&png).unwrap().width(), 80);
        assert_eq!(pixel(&png, 30, 20), [0, 114, 178]);
        assert_eq!(pixel(&png, 50, 20), [255, 255, 255]);
    }

    #[test]
    fn words_leave_ink_where_they_stand() {
        let mut scene = Scene::new(60.0, 20.0);
        scene.write("MMM", (30.0, 10.0), 14.0, Paint::Ink, Anchor::Middle);
        let png = match png(&scene, false) {
            Err(PlotError::NoFont) => return, // nothing to write with on this computer
            png => Pixmap::decode_png(&png.unwrap()).unwrap(),
        };
        let dark = |(index, pixel): (usize, &PremultipliedColorU8)| {
            (pixel.green() < 100).then_some((index % 120, index / 120))
        };
        let ink: Vec<_> = png.pixels().iter().enumerate().filter_map(dark).collect();
        assert!(ink.len() > 100, "{}", ink.len());
        let mean = ink.iter().map(|(x, _)| *x as f64).sum::<f64>() / ink.len() as f64;
        assert!((mean - 60.0).abs() < 4.0, "centred at {mean}");
    }

    #[test]
    fn a_cloud_is_denser_where_there_are_more_dots() {
        let rect = Rect {
            left: 100.0,
            top: 0.0,
            right: 140.0,
            bottom: 20.0,
        };
        let places = [(110.0, 10.0), (130.0, 10.0), (130.0, 10.0), (99.0, -5.0)];
        let cloud = cloud(&places, 3.0, Paint::Series(0), 0.5, rect).unwrap();
        let Item::Picture { png, .. } = cloud else {
            panic!("{cloud:?}")
        };
        let pixels = Pixmap::decode_png(&png).unwrap();
        let alpha = |x, y| pixels.pixel(x, y).unwrap().alpha();
        // Two pixels for each CSS pixel, the picture's corner at the rectangle's.
        assert_eq!((alpha(20, 20), alpha(60, 20), alpha(40, 20)), (128, 191, 0));
    }

    #[test]
    fn a_mosaic_has_a_pixel_for_each_cell() {
        let png = mosaic(3, 2, |row, column| {
            Paint::Fixed(RGBColor(row as u8 * 100, column as u8 * 100, 7))
        });
        let png = png.unwrap();
        assert_eq!(pixel(&png, 2, 1), [100, 200, 7]);
        assert!(mosaic(0, 0, |_, _| Paint::Ink).is_err());
    }
}
