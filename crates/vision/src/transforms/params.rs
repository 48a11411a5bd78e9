//! What transforms are told: how much ([`Span`]), how large ([`Sides`]), and the checks.

use super::kernels::buffer::Size;
use super::seed::Rng;
use crate::VisionError;

/// How much of something is drawn: one number, whose meaning each transform says, or from one to another.
///
/// `15`, `0.4`, `(0.9, 1.1)` all become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Span {
    /// As far as this to both sides of what changes nothing.
    Around(f64),
    /// From the first to the second.
    Between(f64, f64),
}

impl From<f64> for Span {
    fn from(distance: f64) -> Self {
        Self::Around(distance)
    }
}

impl From<i32> for Span {
    fn from(distance: i32) -> Self {
        Self::Around(distance.into())
    }
}

impl From<(f64, f64)> for Span {
    fn from((low, high): (f64, f64)) -> Self {
        Self::Between(low, high)
    }
}

impl From<(i32, i32)> for Span {
    fn from((low, high): (i32, i32)) -> Self {
        Self::Between(low.into(), high.into())
    }
}

impl Span {
    /// From - to, around `middle`, where no number may lie outside of `least` and `most`. A distance that would
    /// reach below `least` ends there.
    ///
    /// # Errors
    /// When it does, naming `what`.
    pub(crate) fn limits(
        self,
        what: &str,
        middle: f64,
        [least, most]: [f64; 2],
    ) -> Result<(f64, f64), VisionError> {
        let (low, high) = match self {
            Span::Around(distance) if distance < 0.0 => {
                return Err(VisionError::Argument(format!(
                    "{what} must not be negative, got {distance}"
                )));
            }
            Span::Around(distance) => ((middle - distance).max(least), middle + distance),
            Span::Between(low, high) => (low, high),
        };
        // NaN fails this too.
        if low >= least && low <= high && high <= most {
            return Ok((low, high));
        }
        let limits = match (least.is_finite(), most.is_finite()) {
            (true, true) => format!(" from {least} to {most}"),
            (true, false) => format!(" of at least {least}"),
            _ => String::new(),
        };
        Err(VisionError::Argument(format!(
            "{what} must be a number{limits}, or two with the smaller first, got {low} to {high}"
        )))
    }

    /// Draws one number within the [`limits`](Self::limits).
    pub(crate) fn draw(
        self,
        rng: &mut Rng,
        what: &str,
        middle: f64,
        allowed: [f64; 2],
    ) -> Result<f64, VisionError> {
        let (low, high) = self.limits(what, middle, allowed)?;
        Ok(rng.uniform(low, high))
    }
}

/// Any finite number is allowed.
pub(crate) const ANY: [f64; 2] = [f64::MIN, f64::MAX];
/// Any number that is not negative is allowed.
pub(crate) const NOT_NEGATIVE: [f64; 2] = [0.0, f64::MAX];

/// How large the result is to be, in pixels: one side or, as in torchvision, (height, width).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// One number: both sides of a crop, the shorter side when resizing.
    One(u32),
    /// Both sides.
    Both {
        /// Pixels from top to bottom.
        height: u32,
        /// Pixels from left to right.
        width: u32,
    },
}

impl From<u32> for Sides {
    fn from(side: u32) -> Self {
        Self::One(side)
    }
}

impl From<(u32, u32)> for Sides {
    fn from((height, width): (u32, u32)) -> Self {
        Self::Both { height, width }
    }
}

impl Sides {
    /// Width and height; one number makes a square.
    pub(crate) fn square(self) -> Result<Size, VisionError> {
        let (width, height) = match self {
            Sides::One(side) => (side, side),
            Sides::Both { height, width } => (width, height),
        };
        crate::picture::check_sides(width, height)?;
        Ok((width, height))
    }
}

/// Draws whether something happens.
///
/// # Errors
/// When `p` is no probability.
pub(crate) fn happens(p: f64, rng: &mut Rng) -> Result<bool, VisionError> {
    if (0.0..=1.0).contains(&p) {
        return Ok(rng.chance(p));
    }
    Err(VisionError::Argument(format!(
        "a probability is a number from 0 to 1, got {p}"
    )))
}
