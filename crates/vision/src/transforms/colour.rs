//! Changes of colour: jitter, grey, and the tables.

use std::fmt;

use super::draw::{Draw, Filter, Recolour, said};
use super::kernels::buffer::{Buffer, Pixels};
use super::kernels::jitter::{self, Adjust};
use super::kernels::tone::{self, Tone};
use super::params::{NOT_NEGATIVE, Span, happens};
use super::seed::Rng;
use super::transform::{Transform, shuffled};
use crate::VisionError;

/// Changes brightness, contrast, saturation and hue, in random order.
///
/// Brightness, contrast and saturation are factors: `0.4` draws from 0.6 to 1.4, `(0.9, 1.1)` from 0.9 to 1.1.
/// Hue is a part of a full turn: `0.1` draws from -0.1 to 0.1, at most 0.5.
#[derive(Clone, Copy, Debug)]
pub struct ColorJitter {
    brightness: Span,
    contrast: Span,
    saturation: Span,
    hue: Span,
}

impl ColorJitter {
    /// With how much of each; 0 leaves it as it is.
    pub fn new(
        brightness: impl Into<Span>,
        contrast: impl Into<Span>,
        saturation: impl Into<Span>,
        hue: impl Into<Span>,
    ) -> Self {
        Self {
            brightness: brightness.into(),
            contrast: contrast.into(),
            saturation: saturation.into(),
            hue: hue.into(),
        }
    }
}

impl Transform for ColorJitter {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let mut factor = |span: Span, what: &str| span.draw(rng, what, 1.0, NOT_NEGATIVE);
        let drawn = [
            Adjust::Brightness(factor(self.brightness, "the brightness")?),
            Adjust::Contrast(factor(self.contrast, "the contrast")?),
            Adjust::Saturation(factor(self.saturation, "the saturation")?),
            Adjust::Hue(self.hue.draw(rng, "the hue", 0.0, [-0.5, 0.5])?),
        ];
        let order = shuffled(drawn.len(), rng).into_iter();
        let adjustments: Vec<Adjust> = order
            .map(|index| drawn[index])
            .filter(|adjustment| !changes_nothing(*adjustment))
            .collect();
        if adjustments.is_empty() {
            return Ok(());
        }
        draw.push_recolour(Jitter(adjustments))
    }
}

fn changes_nothing(adjustment: Adjust) -> bool {
    match adjustment {
        Adjust::Hue(turn) => turn == 0.0,
        Adjust::Brightness(factor) | Adjust::Contrast(factor) | Adjust::Saturation(factor) => {
            factor == 1.0
        }
    }
}

/// Adjustments one after the other.
pub(crate) struct Jitter(pub(crate) Vec<Adjust>);

impl Recolour for Jitter {
    fn change(&self, image: &mut Buffer) -> Result<(), VisionError> {
        jitter::adjust(image, &self.0);
        Ok(())
    }
}

impl fmt::Display for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, adjustment) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            match adjustment {
                Adjust::Brightness(factor) => write!(f, "{comma}brightness {factor:.2}")?,
                Adjust::Contrast(factor) => write!(f, "{comma}contrast {factor:.2}")?,
                Adjust::Saturation(0.0) => write!(f, "{comma}grey")?,
                Adjust::Saturation(factor) => write!(f, "{comma}saturation {factor:.2}")?,
                Adjust::Hue(turn) => write!(f, "{comma}hue {:+.2}", said(*turn, 2))?,
            }
        }
        Ok(())
    }
}

/// Takes the colour away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grayscale;

impl Transform for Grayscale {
    fn draw_into(&self, draw: &mut Draw, _: &mut Rng) -> Result<(), VisionError> {
        draw.push_recolour(Jitter(vec![Adjust::Saturation(0.0)]))
    }
}

/// Takes the colour away with probability `p`.
#[derive(Clone, Copy, Debug)]
pub struct RandomGrayscale {
    /// The probability, 0-1.
    pub p: f64,
}

impl RandomGrayscale {
    /// With this probability.
    pub fn new(p: f64) -> Self {
        Self { p }
    }
}

impl Default for RandomGrayscale {
    /// One picture in ten.
    fn default() -> Self {
        Self::new(0.1)
    }
}

impl Transform for RandomGrayscale {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        if happens(self.p, rng)? {
            Grayscale.draw_into(draw, rng)?;
        }
        Ok(())
    }
}

impl Recolour for Tone {
    fn change(&self, image: &mut Buffer) -> Result<(), VisionError> {
        tone::change(image, *self);
        Ok(())
    }
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tone::Posterize(bits) => write!(f, "{bits} bits"),
            Tone::Solarize(threshold) => write!(f, "solarised at {threshold:.0}"),
            Tone::Invert => f.write_str("inverted"),
            Tone::AutoContrast => f.write_str("contrast stretched"),
            Tone::Equalize => f.write_str("equalised"),
        }
    }
}

/// Keeps only the upper bits of each colour, with probability `p`.
#[derive(Clone, Copy, Debug)]
pub struct RandomPosterize {
    bits: u8,
    p: f64,
}

impl RandomPosterize {
    /// Keeps `bits` of the 8 bits, in half of the pictures.
    pub fn new(bits: u8) -> Self {
        Self { bits, p: 0.5 }
    }

    /// The probability, 0-1.
    #[must_use]
    pub fn p(mut self, p: f64) -> Self {
        self.p = p;
        self
    }
}

impl Transform for RandomPosterize {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        if self.bits > 8 {
            return Err(VisionError::Argument(format!(
                "RandomPosterize keeps 0 to 8 bits of each colour, got {}",
                self.bits
            )));
        }
        if happens(self.p, rng)? {
            draw.push_recolour(Tone::Posterize(self.bits))?;
        }
        Ok(())
    }
}

/// Inverts the bright colours, with probability `p`.
#[derive(Clone, Copy, Debug)]
pub struct RandomSolarize {
    threshold: f64,
    p: f64,
}

impl RandomSolarize {
    /// Inverts what is at least `threshold` bright, 0-255, in half of the pictures.
    pub fn new(threshold: f64) -> Self {
        Self { threshold, p: 0.5 }
    }

    /// The probability, 0-1.
    #[must_use]
    pub fn p(mut self, p: f64) -> Self {
        self.p = p;
        self
    }
}

impl Transform for RandomSolarize {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        if happens(self.p, rng)? {
            draw.push_recolour(Tone::Solarize(self.threshold))?;
        }
        Ok(())
    }
}

/// Transforms that have nothing but a probability.
macro_rules! tones {
    ($($(#[$about:meta])* $name:ident => $tone:expr;)*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            /// The probability, 0-1.
            pub p: f64,
        }

        impl $name {
            /// With this probability.
            pub fn new(p: f64) -> Self {
                Self { p }
            }
        }

        impl Default for $name {
            /// Half of the pictures.
            fn default() -> Self {
                Self::new(0.5)
            }
        }

        impl Transform for $name {
            fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
                if happens(self.p, rng)? {
                    draw.push_recolour($tone)?;
                }
                Ok(())
            }
        }
    )*};
}

tones! {
    /// Makes a negative, with probability `p`.
    RandomInvert => Tone::Invert;
    /// Stretches each channel to 0-255, with probability `p`.
    RandomAutocontrast => Tone::AutoContrast;
    /// Makes the values of each channel equally frequent, with probability `p`.
    RandomEqualize => Tone::Equalize;
}

/// Sharpens or smooths, with probability `p`.
#[derive(Clone, Copy, Debug)]
pub struct RandomAdjustSharpness {
    factor: f64,
    p: f64,
}

impl RandomAdjustSharpness {
    /// 0 smooths, 1 changes nothing, 2 sharpens; half of the pictures.
    pub fn new(sharpness_factor: f64) -> Self {
        Self {
            factor: sharpness_factor,
            p: 0.5,
        }
    }

    /// The probability, 0-1.
    #[must_use]
    pub fn p(mut self, p: f64) -> Self {
        self.p = p;
        self
    }
}

impl Transform for RandomAdjustSharpness {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let (factor, _) =
            Span::Between(self.factor, self.factor).limits("the sharpness", 1.0, NOT_NEGATIVE)?;
        if happens(self.p, rng)? {
            draw.push_filter(Sharpen(factor))?;
        }
        Ok(())
    }
}

/// A change of sharpness by this factor.
pub(crate) struct Sharpen(pub(crate) f64);

impl Filter for Sharpen {
    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError> {
        tone::sharpen(from, self.0, to);
        Ok(())
    }
}

impl fmt::Display for Sharpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sharpness {:.2}", self.0)
    }
}
