//! The steps that move pixels, with every number fixed.

use std::fmt;

use super::draw::Move;
use super::kernels::buffer::{Buffer, Pixels, Size};
use super::kernels::flip;
use super::kernels::resize;
use super::kernels::sample::{self, Places};
use super::kernels::window;
use crate::{Interpolation, Padding, VisionError};

/// A mirror image.
pub(crate) enum Flip {
    Horizontal,
    Vertical,
}

impl Move for Flip {
    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError> {
        match self {
            Flip::Horizontal => flip::horizontal(from, to),
            Flip::Vertical => flip::vertical(from, to),
        }
        Ok(())
    }

    fn point(&self, [x, y]: [f64; 2], (width, height): Size) -> [f64; 2] {
        match self {
            Flip::Horizontal => [f64::from(width) - x, y],
            Flip::Vertical => [x, f64::from(height) - y],
        }
    }

    fn source(&self, point: [f64; 2], from: Size) -> Option<[f64; 2]> {
        Some(self.point(point, from))
    }
}

impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flip::Horizontal => "flipped",
            Flip::Vertical => "upside down",
        })
    }
}

/// A part of the picture, which may reach beyond its sides.
pub(crate) struct Window {
    pub(crate) left: i64,
    pub(crate) top: i64,
    pub(crate) size: Size,
    pub(crate) beyond: Padding,
}

impl Move for Window {
    fn size(&self, _: Size) -> Size {
        self.size
    }

    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError> {
        let size = (self.size.0 as usize, self.size.1 as usize);
        window::cut(from, (self.left, self.top), size, self.beyond, to);
        Ok(())
    }

    fn point(&self, [x, y]: [f64; 2], _: Size) -> [f64; 2] {
        [x - self.left as f64, y - self.top as f64]
    }

    fn source(&self, [x, y]: [f64; 2], (width, height): Size) -> Option<[f64; 2]> {
        let along = |place: f64, start: i64, length: u32| {
            let place = place.floor() as i64 + start;
            Some(window::seen(self.beyond, place, length as usize)? as f64 + 0.5)
        };
        Some([along(x, self.left, width)?, along(y, self.top, height)?])
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = self.size;
        if self.left < 0 || self.top < 0 {
            // Its corner is outside: seen the other way round, the picture stands on a larger one.
            return write!(f, "on {width}x{height} at ({}, {})", -self.left, -self.top);
        }
        write!(f, "{width}x{height} at ({}, {})", self.left, self.top)
    }
}

/// A part of the picture, scaled.
pub(crate) struct Scale {
    pub(crate) left: u32,
    pub(crate) top: u32,
    /// The size of the part.
    pub(crate) part: Size,
    /// The size of the result.
    pub(crate) size: Size,
    pub(crate) interpolation: Interpolation,
    pub(crate) antialias: bool,
    /// Whether the part is the whole, for the caption.
    pub(crate) whole: bool,
}

impl Move for Scale {
    fn size(&self, _: Size) -> Size {
        self.size
    }

    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError> {
        to.reshape(self.size.0 as usize, self.size.1 as usize);
        let part = [self.left, self.top, self.part.0, self.part.1].map(|side| side as usize);
        resize::scale(from, part, self.interpolation, self.antialias, to)
    }

    fn point(&self, [x, y]: [f64; 2], _: Size) -> [f64; 2] {
        let along = |place: f64, start: u32, part: u32, size: u32| {
            (place - f64::from(start)) * f64::from(size) / f64::from(part)
        };
        [
            along(x, self.left, self.part.0, self.size.0),
            along(y, self.top, self.part.1, self.size.1),
        ]
    }

    fn source(&self, [x, y]: [f64; 2], _: Size) -> Option<[f64; 2]> {
        let along = |place: f64, start: u32, part: u32, size: u32| {
            f64::from(start) + place * f64::from(part) / f64::from(size)
        };
        Some([
            along(x, self.left, self.part.0, self.size.0),
            along(y, self.top, self.part.1, self.size.1),
        ])
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((width, height), (new_width, new_height)) = (self.part, self.size);
        if !self.whole {
            write!(f, "{width}x{height} at ({}, {}) ", self.left, self.top)?;
        }
        write!(f, "to {new_width}x{new_height}")
    }
}

/// A projective map of the plane: rotations, shears, shifts, changes of scale, perspectives.
///
/// Nine numbers, row after row; a point `[x, y, 1]` goes to the first two results divided by the third.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Projection(pub(crate) [f64; 9]);

impl Projection {
    pub(crate) fn map(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let depth = g * x + h * y + i;
        [(a * x + b * y + c) / depth, (d * x + e * y + f) / depth]
    }

    /// The map back, by the adjugate; it differs from the inverse by a factor, which the division takes away.
    pub(crate) fn inverse(&self) -> Self {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        Self([
            e * i - f * h,
            c * h - b * i,
            b * f - c * e,
            f * g - d * i,
            a * i - c * g,
            c * d - a * f,
            d * h - e * g,
            b * g - a * h,
            a * e - b * d,
        ])
    }
}

/// The picture seen through a projection.
pub(crate) struct Warp {
    /// From points of the result to points of the picture.
    pub(crate) back: Projection,
    pub(crate) size: Size,
    pub(crate) interpolation: Interpolation,
    pub(crate) fill: [u8; 3],
    /// What it is, for the caption.
    pub(crate) words: String,
}

impl Warp {
    /// Fills in where the middles of row `y` come from.
    #[inline(always)]
    fn places(&self, y: usize, places: &mut Places) {
        let [a, b, c, d, e, f, g, h, i] = self.back.0;
        let y = y as f64 + 0.5;
        // Half a pixel less: places are counted from the middle of the first pixel. The sums for x = 0 are
        // made in f64, so that f32 only has to hold what is within the picture.
        let start = |x: f64, y_: f64, one: f64| (x * 0.5 + y_ * y + one) as f32;
        let (xs, ys) = (places.xs.iter_mut(), places.ys.iter_mut());
        if g == 0.0 && h == 0.0 {
            let (a, d) = ((a / i) as f32, (d / i) as f32);
            let x_start = start(self.back.0[0] / i, b / i, c / i - 0.5);
            let y_start = start(self.back.0[3] / i, e / i, f / i - 0.5);
            for ((x, y), column) in xs.zip(ys).zip(0i32..) {
                let column = column as f32;
                *x = x_start + a * column;
                *y = y_start + d * column;
            }
            return;
        }
        let (x_start, y_start, depth_start) = (start(a, b, c), start(d, e, f), start(g, h, i));
        let (a, d, g) = (a as f32, d as f32, g as f32);
        for ((x, y), column) in xs.zip(ys).zip(0i32..) {
            let column = column as f32;
            let depth = depth_start + g * column;
            *x = (x_start + a * column) / depth - 0.5;
            *y = (y_start + d * column) / depth - 0.5;
        }
    }
}

impl Move for Warp {
    fn size(&self, _: Size) -> Size {
        self.size
    }

    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError> {
        let size = (self.size.0 as usize, self.size.1 as usize);
        let bilinear = self.interpolation != Interpolation::Nearest;
        sample::warp(
            from,
            size,
            bilinear,
            self.fill,
            #[inline(always)]
            |y, places| self.places(y, places),
            to,
        );
        Ok(())
    }

    fn point(&self, point: [f64; 2], _: Size) -> [f64; 2] {
        self.back.inverse().map(point)
    }

    fn source(&self, point: [f64; 2], _: Size) -> Option<[f64; 2]> {
        Some(self.back.map(point))
    }
}

impl fmt::Display for Warp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// The picture bent as rubber is: every pixel has a shift of its own.
pub(crate) struct Bend {
    /// How far to the right of each pixel of the result its colour is, in pixels, row after row.
    pub(crate) dx: Vec<f32>,
    /// How far below.
    pub(crate) dy: Vec<f32>,
    pub(crate) width: usize,
    pub(crate) interpolation: Interpolation,
    pub(crate) fill: [u8; 3],
    pub(crate) words: String,
}

impl Bend {
    /// Fills in where the middles of row `row` come from.
    #[inline(always)]
    fn places(&self, row: usize, places: &mut Places) {
        let shifts = row * self.width..(row + 1) * self.width;
        let shifts = self.dx[shifts.clone()].iter().zip(&self.dy[shifts]);
        let places = places.xs.iter_mut().zip(&mut places.ys);
        for (((dx, dy), (x, y)), column) in shifts.zip(places).zip(0i32..) {
            *x = column as f32 + dx;
            *y = row as f32 + dy;
        }
    }

    /// The shift at a point, of the nearest pixel.
    fn shift(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let height = self.dx.len() / self.width;
        let inside = |place: f64, length: usize| (place.max(0.0) as usize).min(length - 1);
        let place = inside(y, height) * self.width + inside(x, self.width);
        [self.dx[place].into(), self.dy[place].into()]
    }
}

impl Move for Bend {
    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError> {
        let bilinear = self.interpolation != Interpolation::Nearest;
        sample::warp(
            from,
            (from.width, from.height),
            bilinear,
            self.fill,
            #[inline(always)]
            |row, places| self.places(row, places),
            to,
        );
        Ok(())
    }

    /// The field says where pixels come from; where they go is, as in torchvision, taken to be as far the other
    /// way, which is near enough for shifts that change slowly.
    fn point(&self, [x, y]: [f64; 2], _: Size) -> [f64; 2] {
        let [dx, dy] = self.shift([x, y]);
        [x - dx, y - dy]
    }

    fn source(&self, [x, y]: [f64; 2], _: Size) -> Option<[f64; 2]> {
        let [dx, dy] = self.shift([x, y]);
        Some([x + dx, y + dy])
    }
}

impl fmt::Display for Bend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
