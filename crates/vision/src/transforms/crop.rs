//! Flips, crops, pads and changes of size.

use super::draw::Draw;
use super::kernels::buffer::Size;
use super::moves::{Flip, Scale, Window};
use super::params::{NOT_NEGATIVE, Sides, Span, happens};
use super::seed::Rng;
use super::transform::Transform;
use crate::{Interpolation, Padding, VisionError};

/// Swaps left and right with probability `p`.
#[derive(Clone, Copy, Debug)]
pub struct RandomHorizontalFlip {
    /// The probability, 0-1.
    pub p: f64,
}

impl RandomHorizontalFlip {
    /// A flip with this probability.
    pub fn new(p: f64) -> Self {
        Self { p }
    }
}

impl Default for RandomHorizontalFlip {
    /// Half of the pictures.
    fn default() -> Self {
        Self::new(0.5)
    }
}

impl Transform for RandomHorizontalFlip {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        if happens(self.p, rng)? {
            draw.push_move(Flip::Horizontal)?;
        }
        Ok(())
    }
}

/// Swaps top and bottom with probability `p`.
#[derive(Clone, Copy, Debug)]
pub struct RandomVerticalFlip {
    /// The probability, 0-1.
    pub p: f64,
}

impl RandomVerticalFlip {
    /// A flip with this probability.
    pub fn new(p: f64) -> Self {
        Self { p }
    }
}

impl Default for RandomVerticalFlip {
    /// Half of the pictures.
    fn default() -> Self {
        Self::new(0.5)
    }
}

impl Transform for RandomVerticalFlip {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        if happens(self.p, rng)? {
            draw.push_move(Flip::Vertical)?;
        }
        Ok(())
    }
}

/// Cuts a part of fixed size out of a random place.
#[derive(Clone, Copy, Debug)]
pub struct RandomCrop {
    size: Sides,
    padding: [u32; 4],
    pad_if_needed: bool,
    padding_mode: Padding,
}

impl RandomCrop {
    /// A part of `size` pixels, no padding.
    pub fn new(size: impl Into<Sides>) -> Self {
        Self {
            size: size.into(),
            padding: [0; 4],
            pad_if_needed: false,
            padding_mode: Padding::Constant([0; 3]),
        }
    }

    /// Adds this many pixels on every side first.
    #[must_use]
    pub fn padding(mut self, pixels: u32) -> Self {
        self.padding = [pixels; 4];
        self
    }

    /// Pads pictures that are too small; without it they are an error.
    #[must_use]
    pub fn pad_if_needed(mut self) -> Self {
        self.pad_if_needed = true;
        self
    }

    /// What is added; black by default.
    #[must_use]
    pub fn padding_mode(mut self, mode: Padding) -> Self {
        self.padding_mode = mode;
        self
    }
}

impl Transform for RandomCrop {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let size = self.size.square()?;
        let from = draw.size();
        let [left, top, right, bottom] = self.padding.map(i64::from);
        // From the first to the last place, along one side.
        let mut along = |from: u32, size: u32, before: i64, after: i64| {
            let mut spare = i64::from(from) + before + after - i64::from(size);
            let mut first = -before;
            if spare < 0 && self.pad_if_needed {
                // As torchvision does, what is missing is added on both sides.
                first += spare;
                spare = -spare;
            }
            (spare >= 0).then(|| first + rng.between(0, spare))
        };
        let (x, y) = (
            along(from.0, size.0, left, right),
            along(from.1, size.1, top, bottom),
        );
        let (Some(left), Some(top)) = (x, y) else {
            return Err(VisionError::Size(format!(
                "a crop of {}x{} pixels does not fit into a picture of {}x{}; resize first, or add .pad_if_needed()",
                size.0, size.1, from.0, from.1
            )));
        };
        draw.push_move(Window {
            left,
            top,
            size,
            beyond: self.padding_mode,
        })
    }
}

/// Cuts the middle out; what a smaller picture lacks is black.
#[derive(Clone, Copy, Debug)]
pub struct CenterCrop {
    size: Sides,
}

impl CenterCrop {
    /// The `size` pixels in the middle.
    pub fn new(size: impl Into<Sides>) -> Self {
        Self { size: size.into() }
    }
}

impl Transform for CenterCrop {
    fn draw_into(&self, draw: &mut Draw, _: &mut Rng) -> Result<(), VisionError> {
        let size = self.size.square()?;
        let from = draw.size();
        // torchvision rounds halves of a crop to even and pads one more pixel at the end.
        let along = |from: u32, size: u32| {
            let spare = i64::from(from) - i64::from(size);
            match spare {
                0.. => (spare as f64 / 2.0).round_ties_even() as i64,
                _ => -(-spare / 2),
            }
        };
        let (left, top) = (along(from.0, size.0), along(from.1, size.1));
        if (left, top) == (0, 0) && size == from {
            return Ok(());
        }
        draw.push_move(Window {
            left,
            top,
            size,
            beyond: Padding::Constant([0; 3]),
        })
    }
}

/// Adds pixels around the picture.
#[derive(Clone, Copy, Debug)]
pub struct Pad {
    sides: [u32; 4],
    mode: Padding,
}

impl Pad {
    /// This many black pixels on every side.
    pub fn new(pixels: u32) -> Self {
        Self::sides([pixels; 4])
    }

    /// This many black pixels on the sides left, top, right and bottom.
    pub fn sides(sides: [u32; 4]) -> Self {
        Self {
            sides,
            mode: Padding::Constant([0; 3]),
        }
    }

    /// What is added.
    #[must_use]
    pub fn mode(mut self, mode: Padding) -> Self {
        self.mode = mode;
        self
    }
}

impl Transform for Pad {
    fn draw_into(&self, draw: &mut Draw, _: &mut Rng) -> Result<(), VisionError> {
        let [left, top, right, bottom] = self.sides;
        let (width, height) = draw.size();
        let along =
            |from: u32, before: u32, after: u32| from.saturating_add(before).saturating_add(after);
        draw.push_move(Window {
            left: -i64::from(left),
            top: -i64::from(top),
            size: (along(width, left, right), along(height, top, bottom)),
            beyond: self.mode,
        })
    }
}

/// Scales the picture.
#[derive(Clone, Copy, Debug)]
pub struct Resize {
    size: Sides,
    interpolation: Interpolation,
    antialias: bool,
}

impl Resize {
    /// To `(height, width)` pixels, or with one number so that the shorter side is that long and the shape
    /// stays. Bilinear, with antialiasing.
    pub fn new(size: impl Into<Sides>) -> Self {
        Self {
            size: size.into(),
            interpolation: Interpolation::Bilinear,
            antialias: true,
        }
    }

    /// How colours between pixels are found.
    #[must_use]
    pub fn interpolation(mut self, mode: Interpolation) -> Self {
        self.interpolation = mode;
        self
    }

    /// Whether shrinking takes all pixels into account, or only those next to each place.
    #[must_use]
    pub fn antialias(mut self, antialias: bool) -> Self {
        self.antialias = antialias;
        self
    }

    fn target(&self, (width, height): Size) -> Result<Size, VisionError> {
        let Sides::One(side) = self.size else {
            return self.size.square();
        };
        let shorter = u64::from(width.min(height));
        let scaled = |length: u32| {
            let length = u64::from(length) * u64::from(side) / shorter;
            u32::try_from(length).unwrap_or(u32::MAX)
        };
        let size = (scaled(width), scaled(height));
        crate::picture::check_sides(size.0, size.1)?;
        Ok(size)
    }
}

impl Transform for Resize {
    fn draw_into(&self, draw: &mut Draw, _: &mut Rng) -> Result<(), VisionError> {
        let part = draw.size();
        let size = self.target(part)?;
        if size == part {
            return Ok(());
        }
        draw.push_move(Scale {
            left: 0,
            top: 0,
            part,
            size,
            interpolation: self.interpolation,
            antialias: self.antialias,
            whole: true,
        })
    }
}

/// Cuts out a part of random place, size and shape, and scales it to a fixed size: the crop that most
/// networks for ImageNet are trained with (Szegedy et al. 2014, arXiv 1409.4842, section 6).
#[derive(Clone, Copy, Debug)]
pub struct RandomResizedCrop {
    size: Sides,
    scale: Span,
    ratio: Span,
    interpolation: Interpolation,
    antialias: bool,
}

impl RandomResizedCrop {
    /// A result of `size` pixels, made from 8 % to 100 % of the picture's area, from 3:4 to 4:3 in shape.
    pub fn new(size: impl Into<Sides>) -> Self {
        Self {
            size: size.into(),
            scale: Span::Between(0.08, 1.0),
            ratio: Span::Between(3.0 / 4.0, 4.0 / 3.0),
            interpolation: Interpolation::Bilinear,
            antialias: true,
        }
    }

    /// From which to which part of the picture's area, 0-1.
    #[must_use]
    pub fn scale(mut self, low: f64, high: f64) -> Self {
        self.scale = Span::Between(low, high);
        self
    }

    /// From which to which ratio of width to height.
    #[must_use]
    pub fn ratio(mut self, low: f64, high: f64) -> Self {
        self.ratio = Span::Between(low, high);
        self
    }

    /// How colours between pixels are found.
    #[must_use]
    pub fn interpolation(mut self, mode: Interpolation) -> Self {
        self.interpolation = mode;
        self
    }

    /// Whether shrinking takes all pixels into account, or only those next to each place.
    #[must_use]
    pub fn antialias(mut self, antialias: bool) -> Self {
        self.antialias = antialias;
        self
    }

    /// The part's place and size.
    fn part(&self, (width, height): Size, rng: &mut Rng) -> Result<(u32, u32, Size), VisionError> {
        let area = f64::from(width) * f64::from(height);
        let (low, high) = self.ratio.limits("the ratio", 1.0, [1e-6, 1e6])?;
        let scale = self.scale.limits("the scale", 1.0, NOT_NEGATIVE)?;
        for _ in 0..10 {
            let area = area * rng.uniform(scale.0, scale.1);
            // Drawn on a logarithmic scale: 1:2 is as likely as 2:1.
            let ratio = libm::exp(rng.uniform(libm::log(low), libm::log(high)));
            let w = (area * ratio).sqrt().round_ties_even() as u32;
            let h = (area / ratio).sqrt().round_ties_even() as u32;
            if (1..=width).contains(&w) && (1..=height).contains(&h) {
                let top = rng.between(0, i64::from(height - h)) as u32;
                let left = rng.between(0, i64::from(width - w)) as u32;
                return Ok((left, top, (w, h)));
            }
        }
        // No luck: as much of the middle as the shape allows.
        let shape = f64::from(width) / f64::from(height);
        let fitted = |side: f64| (side.round_ties_even() as u32).max(1);
        let part = if shape < low {
            (width, fitted(f64::from(width) / low).min(height))
        } else if shape > high {
            (fitted(f64::from(height) * high).min(width), height)
        } else {
            (width, height)
        };
        Ok(((width - part.0) / 2, (height - part.1) / 2, part))
    }
}

impl Transform for RandomResizedCrop {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let size = self.size.square()?;
        let (left, top, part) = self.part(draw.size(), rng)?;
        draw.push_move(Scale {
            left,
            top,
            part,
            size,
            interpolation: self.interpolation,
            antialias: self.antialias,
            whole: false,
        })
    }
}
