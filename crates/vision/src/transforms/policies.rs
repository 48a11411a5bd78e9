//! Policies: RandAugment, TrivialAugment, AutoAugment and AugMix, which choose operations by chance.
//!
//! Operations and strengths are those of torchvision, where pictures are moved to the nearest pixel and what
//! comes from outside is black, unless told otherwise.

use std::fmt;

use super::draw::{Draw, Filter, Step, run, write_list};
use super::kernels::buffer::{Buffer, Pixels};
use super::operation::{Operation, Rendering, Strengths};
use super::params::happens;
use super::seed::Rng;
use super::transform::Transform;
use crate::{Interpolation, VisionError};
use Operation::*;

/// What RandAugment and TrivialAugment choose from.
const OPERATIONS: [Operation; 14] = [
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
];

/// RandAugment's and AutoAugment's strengths.
const STANDARD: Strengths = Strengths {
    shear: 0.3,
    translate: |side| 150.0 / 331.0 * f64::from(side),
    rotate: 30.0,
    enhance: 0.9,
    posterize: [8.0, 4.0],
};

/// TrivialAugment's wide strengths.
const WIDE: Strengths = Strengths {
    shear: 0.99,
    translate: |_| 32.0,
    rotate: 135.0,
    enhance: 0.99,
    posterize: [8.0, 2.0],
};

/// AugMix's strengths.
const MIXED: Strengths = Strengths {
    shear: 0.3,
    translate: |side| f64::from(side) / 3.0,
    rotate: 30.0,
    enhance: 0.9,
    posterize: [4.0, 0.0],
};

/// The settings that all policies have.
macro_rules! policy_settings {
    () => {
        /// How colours between pixels are found when the picture is moved.
        #[must_use]
        pub fn interpolation(mut self, mode: Interpolation) -> Self {
            self.rendering.interpolation = mode;
            self
        }

        /// The colour of what comes from outside of the picture, `[red, green, blue]` in 0-255.
        #[must_use]
        pub fn fill(mut self, colour: [u8; 3]) -> Self {
            self.rendering.fill = colour;
            self
        }
    };
}

fn choose<T: Copy>(from: &[T], rng: &mut Rng) -> T {
    from[rng.below(from.len() as u64) as usize]
}

/// A fixed number of random operations, all of the same strength (Cubuk et al. 2019, arXiv 1909.13719).
#[derive(Clone, Copy, Debug)]
pub struct RandAugment {
    num_ops: usize,
    magnitude: u32,
    num_magnitude_bins: u32,
    rendering: Rendering,
}

impl RandAugment {
    /// `num_ops` operations of this magnitude, 0 to 30.
    pub fn new(num_ops: usize, magnitude: u32) -> Self {
        Self {
            num_ops,
            magnitude,
            num_magnitude_bins: 31,
            rendering: Rendering::default(),
        }
    }

    /// How many magnitudes there are, from 0 up.
    #[must_use]
    pub fn num_magnitude_bins(mut self, bins: u32) -> Self {
        self.num_magnitude_bins = bins;
        self
    }

    policy_settings!();
}

impl Default for RandAugment {
    /// Two operations of magnitude 9 of 30.
    fn default() -> Self {
        Self::new(2, 9)
    }
}

impl Transform for RandAugment {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let level = level(self.magnitude, self.num_magnitude_bins)?;
        for _ in 0..self.num_ops {
            choose(&OPERATIONS, rng).draw_into(level, &STANDARD, self.rendering, draw, rng)?;
        }
        Ok(())
    }
}

/// The level, 0-1, of a magnitude.
fn level(magnitude: u32, bins: u32) -> Result<f64, VisionError> {
    if bins >= 2 && magnitude < bins {
        return Ok(f64::from(magnitude) / f64::from(bins - 1));
    }
    Err(VisionError::Argument(format!(
        "the magnitude is a number below the number of magnitudes, which is at least 2; got {magnitude} of {bins}"
    )))
}

/// One random operation of random strength, and nothing to tune (Müller and Hutter 2021, arXiv 2103.10158).
#[derive(Clone, Copy, Debug)]
pub struct TrivialAugmentWide {
    num_magnitude_bins: u32,
    rendering: Rendering,
}

impl TrivialAugmentWide {
    /// With this many strengths.
    pub fn new(num_magnitude_bins: u32) -> Self {
        Self {
            num_magnitude_bins,
            rendering: Rendering::default(),
        }
    }

    policy_settings!();
}

impl Default for TrivialAugmentWide {
    /// 31 strengths.
    fn default() -> Self {
        Self::new(31)
    }
}

impl Transform for TrivialAugmentWide {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let operation = choose(&OPERATIONS, rng);
        let magnitude = rng.below(self.num_magnitude_bins.into()) as u32;
        let level = level(magnitude, self.num_magnitude_bins)?;
        operation.draw_into(level, &WIDE, self.rendering, draw, rng)
    }
}

/// Which data set a policy was learned on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AutoAugmentPolicy {
    /// ImageNet.
    #[default]
    ImageNet,
    /// CIFAR-10.
    Cifar10,
}

/// Two operations that were learned to go well together (Cubuk et al. 2018, arXiv 1805.09501).
#[derive(Clone, Copy, Debug, Default)]
pub struct AutoAugment {
    policy: AutoAugmentPolicy,
    rendering: Rendering,
}

impl AutoAugment {
    /// The policy learned on this data set.
    pub fn new(policy: AutoAugmentPolicy) -> Self {
        Self {
            policy,
            rendering: Rendering::default(),
        }
    }

    policy_settings!();
}

impl Transform for AutoAugment {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let policy = match self.policy {
            AutoAugmentPolicy::ImageNet => &IMAGENET,
            AutoAugmentPolicy::Cifar10 => &CIFAR10,
        };
        for (operation, p, magnitude) in choose(policy, rng) {
            if happens(p, rng)? {
                let level = level(magnitude, 10)?;
                operation.draw_into(level, &STANDARD, self.rendering, draw, rng)?;
            }
        }
        Ok(())
    }
}

/// An operation, its probability, and its magnitude of 0 to 9; 0 for those that have none.
type Part = (Operation, f64, u32);

/// Appendix A, table 9 of the paper, with the magnitudes of torchvision.
const IMAGENET: [[Part; 2]; 25] = [
    [(Posterize, 0.4, 8), (Rotate, 0.6, 9)],
    [(Solarize, 0.6, 5), (AutoContrast, 0.6, 0)],
    [(Equalize, 0.8, 0), (Equalize, 0.6, 0)],
    [(Posterize, 0.6, 7), (Posterize, 0.6, 6)],
    [(Equalize, 0.4, 0), (Solarize, 0.2, 4)],
    [(Equalize, 0.4, 0), (Rotate, 0.8, 8)],
    [(Solarize, 0.6, 3), (Equalize, 0.6, 0)],
    [(Posterize, 0.8, 5), (Equalize, 1.0, 0)],
    [(Rotate, 0.2, 3), (Solarize, 0.6, 8)],
    [(Equalize, 0.6, 0), (Posterize, 0.4, 6)],
    [(Rotate, 0.8, 8), (Color, 0.4, 0)],
    [(Rotate, 0.4, 9), (Equalize, 0.6, 0)],
    [(Equalize, 0.0, 0), (Equalize, 0.8, 0)],
    [(Invert, 0.6, 0), (Equalize, 1.0, 0)],
    [(Color, 0.6, 4), (Contrast, 1.0, 8)],
    [(Rotate, 0.8, 8), (Color, 1.0, 2)],
    [(Color, 0.8, 8), (Solarize, 0.8, 7)],
    [(Sharpness, 0.4, 7), (Invert, 0.6, 0)],
    [(ShearX, 0.6, 5), (Equalize, 1.0, 0)],
    [(Color, 0.4, 0), (Equalize, 0.6, 0)],
    [(Equalize, 0.4, 0), (Solarize, 0.2, 4)],
    [(Solarize, 0.6, 5), (AutoContrast, 0.6, 0)],
    [(Invert, 0.6, 0), (Equalize, 1.0, 0)],
    [(Color, 0.6, 4), (Contrast, 1.0, 8)],
    [(Equalize, 0.8, 0), (Equalize, 0.6, 0)],
];

/// Appendix A, table 7 of the paper, with the magnitudes of torchvision.
const CIFAR10: [[Part; 2]; 25] = [
    [(Invert, 0.1, 0), (Contrast, 0.2, 6)],
    [(Rotate, 0.7, 2), (TranslateX, 0.3, 9)],
    [(Sharpness, 0.8, 1), (Sharpness, 0.9, 3)],
    [(ShearY, 0.5, 8), (TranslateY, 0.7, 9)],
    [(AutoContrast, 0.5, 0), (Equalize, 0.9, 0)],
    [(ShearY, 0.2, 7), (Posterize, 0.3, 7)],
    [(Color, 0.4, 3), (Brightness, 0.6, 7)],
    [(Sharpness, 0.3, 9), (Brightness, 0.7, 9)],
    [(Equalize, 0.6, 0), (Equalize, 0.5, 0)],
    [(Contrast, 0.6, 7), (Sharpness, 0.6, 5)],
    [(Color, 0.7, 7), (TranslateX, 0.5, 8)],
    [(Equalize, 0.3, 0), (AutoContrast, 0.4, 0)],
    [(TranslateY, 0.4, 3), (Sharpness, 0.2, 6)],
    [(Brightness, 0.9, 6), (Color, 0.2, 8)],
    [(Solarize, 0.5, 2), (Invert, 0.0, 0)],
    [(Equalize, 0.2, 0), (AutoContrast, 0.6, 0)],
    [(Equalize, 0.2, 0), (Equalize, 0.6, 0)],
    [(Color, 0.9, 9), (Equalize, 0.6, 0)],
    [(AutoContrast, 0.8, 0), (Solarize, 0.2, 8)],
    [(Brightness, 0.1, 3), (Color, 0.7, 0)],
    [(Solarize, 0.4, 5), (AutoContrast, 0.9, 0)],
    [(TranslateY, 0.9, 9), (TranslateY, 0.7, 9)],
    [(AutoContrast, 0.9, 0), (Solarize, 0.8, 3)],
    [(Equalize, 0.8, 0), (Invert, 0.1, 0)],
    [(TranslateY, 0.7, 9), (AutoContrast, 0.9, 0)],
];

/// Mixes the picture with versions of it that went through chains of operations (Hendrycks et al. 2019, arXiv
/// 1912.02781). Masks, boxes and key points stay where they are.
#[derive(Clone, Copy, Debug)]
pub struct AugMix {
    severity: u32,
    mixture_width: usize,
    chain_depth: Option<u32>,
    alpha: f64,
    all_ops: bool,
    rendering: Rendering,
}

impl Default for AugMix {
    /// Severity 3 of 10, three chains of one to three operations, alpha 1, all operations, bilinear.
    fn default() -> Self {
        Self {
            severity: 3,
            mixture_width: 3,
            chain_depth: None,
            alpha: 1.0,
            all_ops: true,
            rendering: Rendering {
                interpolation: Interpolation::Bilinear,
                fill: [0; 3],
            },
        }
    }
}

impl AugMix {
    /// How strong the operations get, 1-10.
    #[must_use]
    pub fn severity(mut self, severity: u32) -> Self {
        self.severity = severity;
        self
    }

    /// How many chains there are.
    #[must_use]
    pub fn mixture_width(mut self, chains: usize) -> Self {
        self.mixture_width = chains;
        self
    }

    /// How many operations each chain has; one to three by default.
    #[must_use]
    pub fn chain_depth(mut self, operations: u32) -> Self {
        self.chain_depth = Some(operations);
        self
    }

    /// The parameter of the distributions that the shares are drawn from.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Whether brightness, colour, contrast and sharpness are among the operations.
    #[must_use]
    pub fn all_ops(mut self, all: bool) -> Self {
        self.all_ops = all;
        self
    }

    policy_settings!();
}

impl Transform for AugMix {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        const OPERATIONS: [Operation; 13] = [
            ShearX,
            ShearY,
            TranslateX,
            TranslateY,
            Rotate,
            Posterize,
            Solarize,
            AutoContrast,
            Equalize,
            Brightness,
            Color,
            Contrast,
            Sharpness,
        ];
        if !(1..=10).contains(&self.severity) || self.mixture_width == 0 || !(self.alpha > 0.0) {
            return Err(VisionError::Argument(format!(
                "AugMix takes a severity from 1 to 10, at least one chain and an alpha above 0, got {self:?}"
            )));
        }
        let operations = &OPERATIONS[..if self.all_ops { 13 } else { 9 }];
        let kept = rng.beta(self.alpha);
        let shares = rng.dirichlet(self.alpha, self.mixture_width);
        let mut chains = Vec::with_capacity(shares.len());
        for share in shares {
            let mut chain = Draw::new(draw.size());
            let depth = self.chain_depth.unwrap_or_else(|| rng.below(3) as u32 + 1);
            for _ in 0..depth {
                let operation = choose(operations, rng);
                let level = level(rng.below(self.severity.into()) as u32, 10)?;
                operation.draw_into(level, &MIXED, self.rendering, &mut chain, rng)?;
            }
            chains.push((share * (1.0 - kept), chain.into_steps()));
        }
        draw.push_filter(Mixture { kept, chains })
    }
}

/// The picture and its versions, each with its share of 1.
struct Mixture {
    kept: f64,
    chains: Vec<(f64, Vec<Step>)>,
}

impl Filter for Mixture {
    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError> {
        let scaled = |share: f64| move |&byte: &u8| f32::from(byte) * share as f32;
        let mut sums: Vec<f32> = from.bytes.iter().map(scaled(self.kept)).collect();
        for (share, steps) in &self.chains {
            let version = run(steps, from)?;
            let bytes = version
                .as_ref()
                .map_or(from.bytes, |version| &version.bytes);
            for (sum, part) in sums.iter_mut().zip(bytes.iter().map(scaled(*share))) {
                *sum += part;
            }
            if let Some(version) = version {
                version.retire();
            }
        }
        to.reshape(from.width, from.height);
        for (byte, sum) in to.bytes.iter_mut().zip(sums) {
            *byte = sum as u8;
        }
        Ok(())
    }
}

impl fmt::Display for Mixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mixed: {:.0} % unchanged", self.kept * 100.0)?;
        for (share, steps) in &self.chains {
            write!(f, " + {:.0} % ", share * 100.0)?;
            write_list(steps, f)?;
        }
        Ok(())
    }
}
