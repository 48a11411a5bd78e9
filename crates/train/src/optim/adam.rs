//! Adam and AdamW.

use tch::TchError;

use super::{Block, Moment, add_scaled, at_least_zero, scalar};
use crate::TrainError;

/// Adam: each number has a rate of its own, from the running mean and spread of its gradient.
///
/// Kingma and Ba 2014, arXiv 1412.6980, algorithm 1; numbers as PyTorch's `torch.optim.Adam`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    pub(super) rate: f64,
    pub(super) betas: (f64, f64),
    pub(super) eps: f64,
    pub(super) weight_decay: f64,
}

impl Adam {
    /// Adam with a learning rate (1e-3 is usual), betas 0.9 and 0.999, eps 1e-8, no weight decay.
    pub fn new(rate: f64) -> Self {
        Self {
            rate,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
        }
    }

    /// How slowly the running mean and the running square forget, each 0 up to 1.
    pub fn betas(mut self, mean: f64, square: f64) -> Self {
        self.betas = (mean, square);
        self
    }

    /// Keeps the division from exploding where gradients are tiny.
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Adds `decay * weight` to each gradient. [`AdamW`] is the better way. Default: 0.
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }

    pub(super) fn check(&self) -> Result<(), TrainError> {
        at_least_zero(
            "Adam",
            &[
                ("learning rate", self.rate),
                ("eps", self.eps),
                ("weight decay", self.weight_decay),
            ],
        )?;
        for beta in [self.betas.0, self.betas.1] {
            if !(0.0..1.0).contains(&beta) {
                return Err(TrainError::settings(format!(
                    "Adam: a beta must be 0 or more and less than 1, got {beta}"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn update(
        &self,
        block: Block<'_>,
        now: &Moment,
        decoupled: bool,
    ) -> Result<(), TchError> {
        let mut value = block.value;
        let [mean, square] = block.slots else {
            return Ok(());
        };
        let (beta1, beta2) = (now.momentum.unwrap_or(self.betas.0), self.betas.1);
        let mut gradient = block.gradient.shallow_clone();
        if self.weight_decay != 0.0 && decoupled {
            let _ = value.f_mul_scalar_(1.0 - now.rate * self.weight_decay)?;
        } else if self.weight_decay != 0.0 {
            gradient = gradient.f_addcmul(&value, &scalar(self.weight_decay, &value)?)?;
        }
        let _ = mean.f_lerp_(&gradient, 1.0 - beta1)?;
        let _ = square.f_lerp_(&gradient.f_square()?, 1.0 - beta2)?;

        // Both begin at zero and are too small at first; this makes up for it.
        let steps = now.step as f64;
        let (of_mean, of_square) = (1.0 - beta1.powf(steps), 1.0 - beta2.powf(steps));
        let spread = square
            .f_sqrt()?
            .f_div_scalar_(of_square.sqrt())?
            .f_add_scalar_(self.eps)?;
        add_scaled(&mut value, &mean.f_div(&spread)?, -now.rate / of_mean)
    }
}

/// Adam whose weight decay shrinks the weights themselves, not by way of the gradient.
///
/// Loshchilov and Hutter 2017, arXiv 1711.05101; numbers as PyTorch's `torch.optim.AdamW`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW(pub(super) Adam);

impl AdamW {
    /// AdamW with a learning rate (1e-3 is usual), betas 0.9 and 0.999, eps 1e-8, weight decay 0.01.
    pub fn new(rate: f64) -> Self {
        Self(Adam::new(rate).weight_decay(1e-2))
    }

    /// How slowly the running mean and the running square forget, each 0 up to 1.
    pub fn betas(self, mean: f64, square: f64) -> Self {
        Self(self.0.betas(mean, square))
    }

    /// Keeps the division from exploding where gradients are tiny.
    pub fn eps(self, eps: f64) -> Self {
        Self(self.0.eps(eps))
    }

    /// Each step multiplies the weights by `1 - rate * decay`. Default: 0.01.
    pub fn weight_decay(self, decay: f64) -> Self {
        Self(self.0.weight_decay(decay))
    }
}
