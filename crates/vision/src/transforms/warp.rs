//! Rotations, affine maps, perspectives and elastic bends.
//!
//! What comes from outside of the picture has the colour `fill`, black by default. Places between pixels take
//! the nearest one by default, as in torchvision; `.interpolation(Interpolation::Bilinear)` looks better.

use super::draw::{Draw, said};
use super::kernels::buffer::Size;
use super::kernels::noise::smooth_field;
use super::kernels::sample::LARGEST;
use super::moves::{Bend, Projection, Warp};
use super::params::{ANY, NOT_NEGATIVE, Span, happens};
use super::seed::Rng;
use super::transform::Transform;
use crate::{Interpolation, VisionError};

/// The settings that all warps have.
macro_rules! warp_settings {
    () => {
        /// How colours between pixels are found: `Nearest` or `Bilinear`, which all others become.
        #[must_use]
        pub fn interpolation(mut self, mode: Interpolation) -> Self {
            self.interpolation = mode;
            self
        }

        /// The colour of what comes from outside of the picture, `[red, green, blue]` in 0-255.
        #[must_use]
        pub fn fill(mut self, colour: [u8; 3]) -> Self {
            self.fill = colour;
            self
        }
    };
}

/// An affine map as torchvision has it: shears, then scales, then turns around a centre, then shifts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Affine {
    /// Degrees, clockwise.
    pub(crate) angle: f64,
    /// Pixels to the right and down.
    pub(crate) translate: [f64; 2],
    pub(crate) scale: f64,
    /// Degrees.
    pub(crate) shear: [f64; 2],
    /// Pixels from the top left corner of the picture; its middle if absent.
    pub(crate) centre: Option<[f64; 2]>,
}

impl Affine {
    pub(crate) const IDENTITY: Self = Self {
        angle: 0.0,
        translate: [0.0; 2],
        scale: 1.0,
        shear: [0.0; 2],
        centre: None,
    };

    /// From points of the result to points of the picture (torchvision's `_get_inverse_affine_matrix`).
    pub(crate) fn back(&self, (width, height): Size) -> Projection {
        let turn = self.angle.to_radians();
        let [shear_x, shear_y] = self.shear.map(f64::to_radians);
        let [cx, cy] = self
            .centre
            .unwrap_or([f64::from(width) / 2.0, f64::from(height) / 2.0]);
        let [tx, ty] = self.translate;
        let (tan_x, cos_y) = (libm::tan(shear_x), libm::cos(shear_y));
        let a = libm::cos(turn - shear_y) / cos_y;
        let b = -(a * tan_x + libm::sin(turn));
        let c = libm::sin(turn - shear_y) / cos_y;
        let d = libm::cos(turn) - c * tan_x;
        // The inverse; without the scale its determinant is 1.
        let [a, b, c, d] = [d, -b, -c, a].map(|part| part / self.scale);
        let (x, y) = (cx + tx, cy + ty);
        Projection([
            a,
            b,
            cx - a * x - b * y,
            c,
            d,
            cy - c * x - d * y,
            0.0,
            0.0,
            1.0,
        ])
    }
}

/// Adds a warp of the picture to a draw.
pub(crate) fn push_warp(
    draw: &mut Draw,
    back: Projection,
    size: Size,
    interpolation: Interpolation,
    fill: [u8; 3],
    words: String,
) -> Result<(), VisionError> {
    check_size(draw.size())?;
    draw.push_move(Warp {
        back,
        size,
        interpolation,
        fill,
        words,
    })
}

fn check_size((width, height): Size) -> Result<(), VisionError> {
    if width.max(height) <= LARGEST {
        return Ok(());
    }
    Err(VisionError::Size(format!(
        "a picture of {width}x{height} pixels cannot be warped: sides may have {LARGEST} pixels; resize first"
    )))
}

/// Turns the picture around its middle by a random angle.
#[derive(Clone, Copy, Debug)]
pub struct RandomRotation {
    degrees: Span,
    expand: bool,
    center: Option<[f64; 2]>,
    interpolation: Interpolation,
    fill: [u8; 3],
}

impl RandomRotation {
    /// By up to `degrees` in both directions, or from one angle to another, counter-clockwise.
    pub fn new(degrees: impl Into<Span>) -> Self {
        Self {
            degrees: degrees.into(),
            expand: false,
            center: None,
            interpolation: Interpolation::Nearest,
            fill: [0; 3],
        }
    }

    /// Makes the result as large as the turned picture is, so that no corner is lost.
    #[must_use]
    pub fn expand(mut self) -> Self {
        self.expand = true;
        self
    }

    /// The point that stays where it is, in pixels from the top left corner of the picture.
    #[must_use]
    pub fn center(mut self, x: f64, y: f64) -> Self {
        self.center = Some([x, y]);
        self
    }

    warp_settings!();

    /// The size that holds the whole turned picture, and how far it has to be moved.
    fn expanded(back: &Projection, (width, height): Size) -> (Size, [f64; 2]) {
        let (w, h) = (f64::from(width), f64::from(height));
        let forth = back.inverse();
        let corners = [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]].map(|corner| forth.map(corner));
        let extent = |axis: usize, middle: f64| {
            let places = corners.map(|corner| corner[axis] - middle);
            let least = places.iter().copied().fold(f64::INFINITY, f64::min);
            let most = places.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            // Sums of rounded numbers: what is a hair beyond a whole number is that number.
            let whole = |place: f64| (place * 1e4).trunc() / 1e4;
            let size = whole(most).ceil() - whole(least).floor();
            (size, middle + (least + most - size) / 2.0)
        };
        let ((width, left), (height, top)) = (extent(0, w / 2.0), extent(1, h / 2.0));
        ((width as u32, height as u32), [left, top])
    }
}

impl Transform for RandomRotation {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let degrees = self.degrees.draw(rng, "the angle", 0.0, ANY)?;
        let from = draw.size();
        let affine = Affine {
            // Affine maps turn clockwise, rotations counter-clockwise.
            angle: -degrees,
            centre: self.center,
            ..Affine::IDENTITY
        };
        let mut back = affine.back(from);
        let mut size = from;
        if self.expand {
            let (expanded, [left, top]) = Self::expanded(&back, from);
            let [a, b, c, d, e, f, ..] = back.0;
            let moved = [
                a,
                b,
                c + a * left + b * top,
                d,
                e,
                f + d * left + e * top,
                0.0,
                0.0,
                1.0,
            ];
            (back, size) = (Projection(moved), expanded);
        }
        let words = format!("turned {:.1}°", said(degrees, 1));
        push_warp(draw, back, size, self.interpolation, self.fill, words)
    }
}

/// Turns, shifts, scales and shears the picture around its middle.
#[derive(Clone, Copy, Debug)]
pub struct RandomAffine {
    degrees: Span,
    translate: [f64; 2],
    scale: Span,
    shear: [Span; 2],
    center: Option<[f64; 2]>,
    interpolation: Interpolation,
    fill: [u8; 3],
}

impl RandomAffine {
    /// Turns by up to `degrees` in both directions, or from one angle to another, clockwise; the rest has to be
    /// asked for.
    pub fn new(degrees: impl Into<Span>) -> Self {
        Self {
            degrees: degrees.into(),
            translate: [0.0; 2],
            scale: Span::Between(1.0, 1.0),
            shear: [Span::Around(0.0); 2],
            center: None,
            interpolation: Interpolation::Nearest,
            fill: [0; 3],
        }
    }

    /// Shifts by up to these parts of the width and the height, 0-1, in both directions.
    #[must_use]
    pub fn translate(mut self, x: f64, y: f64) -> Self {
        self.translate = [x, y];
        self
    }

    /// Scales from one factor to another.
    #[must_use]
    pub fn scale(mut self, low: f64, high: f64) -> Self {
        self.scale = Span::Between(low, high);
        self
    }

    /// Shears along x by up to this many degrees, or from one angle to another.
    #[must_use]
    pub fn shear(mut self, degrees: impl Into<Span>) -> Self {
        self.shear[0] = degrees.into();
        self
    }

    /// Shears along y as well.
    #[must_use]
    pub fn shear_y(mut self, degrees: impl Into<Span>) -> Self {
        self.shear[1] = degrees.into();
        self
    }

    /// The point that turning, scaling and shearing leave where it is, in pixels from the top left corner.
    #[must_use]
    pub fn center(mut self, x: f64, y: f64) -> Self {
        self.center = Some([x, y]);
        self
    }

    warp_settings!();
}

impl Transform for RandomAffine {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let (width, height) = draw.size();
        let angle = self.degrees.draw(rng, "the angle", 0.0, ANY)?;
        let mut shift = |part: f64, side: u32| {
            let part = Span::Around(part)
                .limits("the part to shift by", 0.0, [-1.0, 1.0])?
                .1;
            let most = part * f64::from(side);
            Ok::<_, VisionError>(rng.uniform(-most, most).round_ties_even())
        };
        let translate = [
            shift(self.translate[0], width)?,
            shift(self.translate[1], height)?,
        ];
        let scale = self.scale.draw(rng, "the scale", 1.0, [1e-6, 1e6])?;
        let mut shear = |span: Span| span.draw(rng, "the shear", 0.0, [-89.0, 89.0]);
        let shear = [shear(self.shear[0])?, shear(self.shear[1])?];
        let affine = Affine {
            angle,
            translate,
            scale,
            shear,
            centre: self.center,
        };
        let (size, back) = (draw.size(), affine.back(draw.size()));
        push_warp(
            draw,
            back,
            size,
            self.interpolation,
            self.fill,
            affine.words(),
        )
    }
}

impl Affine {
    /// What changes, in words.
    pub(crate) fn words(&self) -> String {
        let [x, y] = self.translate.map(|pixels| said(pixels, 0));
        let [shear_x, shear_y] = self.shear.map(|degrees| said(degrees, 1));
        let parts = [
            (
                self.angle != 0.0,
                format!("turned {:.1}°", said(-self.angle, 1)),
            ),
            ((x, y) != (0.0, 0.0), format!("shifted ({x:+.0}, {y:+.0})")),
            (self.scale != 1.0, format!("scaled {:.2}", self.scale)),
            (shear_x != 0.0, format!("sheared {shear_x:.1}°")),
            (shear_y != 0.0, format!("sheared {shear_y:.1}° down")),
        ];
        let said: Vec<String> = parts
            .into_iter()
            .filter_map(|(said, words)| said.then_some(words))
            .collect();
        if said.is_empty() {
            "not moved".into()
        } else {
            said.join(", ")
        }
    }
}

/// Looks at the picture from aside, with probability `p`.
#[derive(Clone, Copy, Debug)]
pub struct RandomPerspective {
    distortion_scale: f64,
    p: f64,
    interpolation: Interpolation,
    fill: [u8; 3],
}

impl RandomPerspective {
    /// Every corner moves inwards by up to `distortion_scale` (0-1) of half the side; half of the pictures,
    /// bilinear.
    pub fn new(distortion_scale: f64) -> Self {
        Self {
            distortion_scale,
            p: 0.5,
            interpolation: Interpolation::Bilinear,
            fill: [0; 3],
        }
    }

    /// The probability, 0-1.
    #[must_use]
    pub fn p(mut self, p: f64) -> Self {
        self.p = p;
        self
    }

    warp_settings!();
}

impl Default for RandomPerspective {
    fn default() -> Self {
        Self::new(0.5)
    }
}

impl Transform for RandomPerspective {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let scale = Span::Around(self.distortion_scale)
            .limits("the distortion", 0.0, [-1.0, 1.0])?
            .1;
        if !happens(self.p, rng)? {
            return Ok(());
        }
        let (width, height) = draw.size();
        let (w, h) = (i64::from(width), i64::from(height));
        let bound = |side: i64| (scale * (side / 2) as f64) as i64;
        let mut corner = |right: bool, low: bool| {
            let mut inwards = |side: i64| rng.between(0, bound(side));
            let (x, y) = (inwards(w), inwards(h));
            let x = if right { w - 1 - x } else { x };
            let y = if low { h - 1 - y } else { y };
            [x as f64, y as f64]
        };
        let ends = [
            corner(false, false),
            corner(true, false),
            corner(true, true),
            corner(false, true),
        ];
        let (right, low) = ((w - 1) as f64, (h - 1) as f64);
        let starts = [[0.0, 0.0], [right, 0.0], [right, low], [0.0, low]];
        // Pictures of one row or column have no perspective.
        let Some(back) = projection(ends, starts) else {
            return Ok(());
        };
        let corners = ends.map(|[x, y]| format!("({x:.0}, {y:.0})"));
        let words = format!("perspective to {}", corners.join(", "));
        push_warp(
            draw,
            back,
            (width, height),
            self.interpolation,
            self.fill,
            words,
        )
    }
}

/// The projection that takes four points to four others; `None` when three of them are on one line.
pub(crate) fn projection(from: [[f64; 2]; 4], to: [[f64; 2]; 4]) -> Option<Projection> {
    // Two equations a point for the eight unknown numbers; the ninth is 1.
    let mut rows = [[0.0; 9]; 8];
    for (index, ([x, y], [u, v])) in from.into_iter().zip(to).enumerate() {
        rows[2 * index] = [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u];
        rows[2 * index + 1] = [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v];
    }
    let solution = solved(rows)?;
    let mut projection = [1.0; 9];
    projection[..8].copy_from_slice(&solution);
    Some(Projection(projection))
}

/// Solves eight linear equations, the right side last in each row, by Gaussian elimination.
fn solved(mut rows: [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for column in 0..8 {
        let size = |row: &usize| rows[*row][column].abs();
        let pivot = (column..8).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        rows.swap(column, pivot);
        if rows[column][column].abs() < 1e-9 {
            return None;
        }
        let above = rows[column];
        for (index, row) in rows.iter_mut().enumerate() {
            if index != column {
                let factor = row[column] / above[column];
                for (value, above) in row.iter_mut().zip(above) {
                    *value -= factor * above;
                }
            }
        }
    }
    Some(std::array::from_fn(|index| {
        rows[index][8] / rows[index][index]
    }))
}

/// Bends the picture as if it were on rubber (Simard, Steinkraus and Platt 2003).
#[derive(Clone, Copy, Debug)]
pub struct ElasticTransform {
    alpha: f64,
    sigma: f64,
    interpolation: Interpolation,
    fill: [u8; 3],
}

impl ElasticTransform {
    /// `alpha` is the strength of the shifts, `sigma` their smoothness in pixels.
    pub fn new(alpha: f64, sigma: f64) -> Self {
        Self {
            alpha,
            sigma,
            interpolation: Interpolation::Bilinear,
            fill: [0; 3],
        }
    }

    warp_settings!();
}

impl Default for ElasticTransform {
    /// Strength 50, 5 pixels, bilinear.
    fn default() -> Self {
        Self::new(50.0, 5.0)
    }
}

impl Transform for ElasticTransform {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let allowed = |value: f64, what: &str, most: f64| {
            Span::Between(value, value).limits(what, 0.0, [0.0, most])
        };
        let (alpha, _) = allowed(self.alpha, "the strength alpha", NOT_NEGATIVE[1])?;
        let (sigma, _) = allowed(self.sigma, "the smoothness sigma", 1000.0)?;
        check_size(draw.size())?;
        let size = (draw.size().0 as usize, draw.size().1 as usize);
        // torchvision counts shifts in half widths and half heights.
        let mut field = || smooth_field(size, sigma, (alpha / 2.0) as f32, rng);
        draw.push_move(Bend {
            dx: field(),
            dy: field(),
            width: size.0,
            interpolation: self.interpolation,
            fill: self.fill,
            words: format!("bent by {alpha}, {sigma}"),
        })
    }
}
