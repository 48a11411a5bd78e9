//! [`Activation`]: the function between two layers.

use tch::{TchError, Tensor};

/// The function between two layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// max(0, x)
    #[default]
    Relu,
    /// 1 / (1 + exp(-x))
    Sigmoid,
    /// tanh(x)
    Tanh,
    /// x times the normal distribution function of x: the exact form, PyTorch's `approximate="none"`
    Gelu,
}

impl Activation {
    /// The function's value for each value of `xs`, of any shape.
    pub fn apply(self, xs: &Tensor) -> Tensor {
        match self {
            Self::Relu => xs.relu(),
            Self::Sigmoid => xs.sigmoid(),
            Self::Tanh => xs.tanh(),
            Self::Gelu => xs.gelu("none"),
        }
    }

    /// The same where torch may refuse.
    pub(crate) fn f_apply(self, xs: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Relu => xs.f_relu(),
            Self::Sigmoid => xs.f_sigmoid(),
            Self::Tanh => xs.f_tanh(),
            Self::Gelu => xs.f_gelu("none"),
        }
    }

    /// PyTorch's name of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Relu => "ReLU",
            Self::Sigmoid => "Sigmoid",
            Self::Tanh => "Tanh",
            Self::Gelu => "GELU",
        }
    }
}
