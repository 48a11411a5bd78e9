//! Stochastic gradient descent.

use tch::TchError;

use super::{Block, Moment, add_scaled, at_least_zero, scalar};
use crate::TrainError;

/// Stochastic gradient descent, with momentum if wanted.
///
/// `velocity = momentum * velocity + gradient; weight -= rate * velocity`, as PyTorch's `torch.optim.SGD`.
/// (Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", multiply the
/// velocity by the rate first; for a rate that stays the same it comes to the same.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    pub(super) rate: f64,
    pub(super) momentum: f64,
    pub(super) weight_decay: f64,
    pub(super) nesterov: bool,
}

impl Sgd {
    /// Plain steps of `rate` times the gradient.
    pub fn new(rate: f64) -> Self {
        Self {
            rate,
            momentum: 0.0,
            weight_decay: 0.0,
            nesterov: false,
        }
    }

    /// How much of the last step goes into this one, 0 up to 1; 0.9 is usual. Default: 0.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Adds `decay * weight` to each gradient (an L2 penalty); 1e-4 is usual. Default: 0.
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }

    /// Looks ahead: takes the gradient as if the momentum's step had been made. Needs momentum.
    pub fn nesterov(mut self) -> Self {
        self.nesterov = true;
        self
    }

    pub(super) fn check(&self) -> Result<(), TrainError> {
        at_least_zero(
            "Sgd",
            &[
                ("learning rate", self.rate),
                ("momentum", self.momentum),
                ("weight decay", self.weight_decay),
            ],
        )?;
        if self.nesterov && self.momentum == 0.0 {
            return Err(TrainError::settings(
                "Sgd: nesterov needs momentum: Sgd::new(0.1).momentum(0.9).nesterov()",
            ));
        }
        Ok(())
    }

    pub(super) fn update(&self, block: Block<'_>, now: &Moment) -> Result<(), TchError> {
        let mut value = block.value;
        let mut direction = block.gradient.shallow_clone();
        if self.weight_decay != 0.0 {
            direction = direction.f_addcmul(&value, &scalar(self.weight_decay, &value)?)?;
        }
        if let [velocity] = block.slots {
            let momentum = now.momentum.unwrap_or(self.momentum);
            // velocity = direction + momentum * velocity
            let _ = direction.f_addcmul_out(velocity, velocity, &scalar(momentum, &value)?)?;
            direction = if self.nesterov {
                direction.f_addcmul(velocity, &scalar(momentum, &value)?)?
            } else {
                velocity.shallow_clone()
            };
        }
        add_scaled(&mut value, &direction, -now.rate)
    }
}
