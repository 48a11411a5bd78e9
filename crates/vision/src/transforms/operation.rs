//! The operations that the learned and the random policies choose from.

use super::colour::{Jitter, Sharpen};
use super::draw::Draw;
use super::kernels::buffer::Size;
use super::kernels::jitter::Adjust;
use super::kernels::tone::Tone;
use super::seed::Rng;
use super::warp::{Affine, push_warp};
use crate::{Interpolation, VisionError};

/// An operation, under torchvision's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Invert,
}

/// How strong the operations get: the end of each scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strengths {
    pub(crate) shear: f64,
    /// Pixels to shift by, at most, in a picture of this many.
    pub(crate) translate: fn(u32) -> f64,
    /// Degrees.
    pub(crate) rotate: f64,
    /// Distance from the factor 1.
    pub(crate) enhance: f64,
    /// Bits that are kept, from the weakest to the strongest.
    pub(crate) posterize: [f64; 2],
}

/// How the pixels of moved pictures are found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rendering {
    pub(crate) interpolation: Interpolation,
    pub(crate) fill: [u8; 3],
}

impl Default for Rendering {
    fn default() -> Self {
        Self {
            interpolation: Interpolation::Nearest,
            fill: [0; 3],
        }
    }
}

impl Operation {
    /// Whether chance decides the direction.
    fn is_signed(self) -> bool {
        use Operation::*;
        matches!(
            self,
            ShearX
                | ShearY
                | TranslateX
                | TranslateY
                | Rotate
                | Brightness
                | Color
                | Contrast
                | Sharpness
        )
    }

    /// The magnitude at `level`, 0 (weakest) to 1.
    fn magnitude(self, level: f64, strengths: &Strengths, (width, height): Size) -> f64 {
        use Operation::*;
        match self {
            ShearX | ShearY => strengths.shear * level,
            TranslateX => (strengths.translate)(width) * level,
            TranslateY => (strengths.translate)(height) * level,
            Rotate => strengths.rotate * level,
            Brightness | Color | Contrast | Sharpness => strengths.enhance * level,
            Posterize => {
                let [weakest, strongest] = strengths.posterize;
                (weakest + (strongest - weakest) * level).round_ties_even()
            }
            Solarize => 255.0 * (1.0 - level),
            Identity | AutoContrast | Equalize | Invert => 0.0,
        }
    }

    /// Adds the operation at this level to a draw; chance decides its direction.
    pub(crate) fn draw_into(
        self,
        level: f64,
        strengths: &Strengths,
        rendering: Rendering,
        draw: &mut Draw,
        rng: &mut Rng,
    ) -> Result<(), VisionError> {
        let mut magnitude = self.magnitude(level, strengths, draw.size());
        if self.is_signed() && rng.chance(0.5) {
            magnitude = -magnitude;
        }
        self.push(magnitude, rendering, draw)
    }

    fn push(
        self,
        magnitude: f64,
        rendering: Rendering,
        draw: &mut Draw,
    ) -> Result<(), VisionError> {
        use Operation::*;
        let identity = Affine::IDENTITY;
        // The policies' papers give shears as the tangent, at the corner.
        let shear = libm::atan(magnitude).to_degrees();
        let corner = Some([0.0, 0.0]);
        let affine = match self {
            ShearX => Affine {
                shear: [shear, 0.0],
                centre: corner,
                ..identity
            },
            ShearY => Affine {
                shear: [0.0, shear],
                centre: corner,
                ..identity
            },
            TranslateX => Affine {
                translate: [magnitude.trunc(), 0.0],
                ..identity
            },
            TranslateY => Affine {
                translate: [0.0, magnitude.trunc()],
                ..identity
            },
            Rotate => Affine {
                angle: -magnitude,
                ..identity
            },
            Brightness => {
                return draw.push_recolour(Jitter(vec![Adjust::Brightness(1.0 + magnitude)]));
            }
            Color => return draw.push_recolour(Jitter(vec![Adjust::Saturation(1.0 + magnitude)])),
            Contrast => return draw.push_recolour(Jitter(vec![Adjust::Contrast(1.0 + magnitude)])),
            Sharpness => return draw.push_filter(Sharpen(1.0 + magnitude)),
            Posterize => return draw.push_recolour(Tone::Posterize(magnitude as u8)),
            Solarize => return draw.push_recolour(Tone::Solarize(magnitude)),
            AutoContrast => return draw.push_recolour(Tone::AutoContrast),
            Equalize => return draw.push_recolour(Tone::Equalize),
            Invert => return draw.push_recolour(Tone::Invert),
            Identity => return Ok(()),
        };
        let Rendering {
            interpolation,
            fill,
        } = rendering;
        let (size, back) = (draw.size(), affine.back(draw.size()));
        push_warp(draw, back, size, interpolation, fill, affine.words())
    }
}
