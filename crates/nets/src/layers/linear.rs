//! [`Linear`]: every output is a weighted sum of all inputs.

use std::borrow::Borrow;
use std::fmt;

use tch::{Tensor, nn};

use super::{Layer, name_of, positive};
use crate::{Init, NetError, Pass};

/// A fully connected layer: PyTorch's `nn.Linear`.
///
/// # Shapes
/// `[..., in_features]` -> `[..., out_features]`
///
/// # Names
/// `weight` `[out_features, in_features]`, `bias` `[out_features]`
pub struct Linear {
    name: String,
    weight: Tensor,
    bias: Tensor,
}

/// The settings of a [`Linear`]; made by [`Linear::spec`].
#[derive(Clone, Copy, Debug)]
pub struct LinearSpec {
    in_features: i64,
    out_features: i64,
    init: Init,
    zero_bias: bool,
}

impl Linear {
    /// A layer that makes `out_features` numbers out of `in_features`.
    pub fn spec(in_features: i64, out_features: i64) -> LinearSpec {
        LinearSpec {
            in_features,
            out_features,
            init: Init::Default,
            zero_bias: false,
        }
    }

    /// How many numbers go in, and how many come out.
    pub fn features(&self) -> (i64, i64) {
        let (outputs, inputs) = self.weight.size2().unwrap_or_default();
        (inputs, outputs)
    }
}

impl LinearSpec {
    /// How the weights start. Default: [`Init::Default`].
    pub fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }

    /// Starts the bias at 0 instead of PyTorch's uniform numbers.
    pub fn zero_bias(mut self) -> Self {
        self.zero_bias = true;
        self
    }

    /// Makes the layer, its parameters at `path`.
    ///
    /// # Errors
    /// [`NetError::Setting`] when a size is under 1, [`NetError::Torch`] when there is no memory for it.
    pub fn build<'a>(self, path: impl Borrow<nn::Path<'a>>) -> Result<Linear, NetError> {
        let path = path.borrow();
        let name = name_of(path);
        let sizes = [
            ("in_features", self.in_features),
            ("out_features", self.out_features),
        ];
        positive(&format!("{name} (Linear)"), sizes)?;
        let dims = [self.out_features, self.in_features];
        // Weights first: the same seed then gives PyTorch's numbers.
        let weight = path.f_var("weight", &dims, self.init.weight(&dims))?;
        let start = match self.zero_bias {
            true => nn::Init::Const(0.0),
            false => Init::default_bias(&dims),
        };
        let bias = path.f_var("bias", &[self.out_features], start)?;
        Ok(Linear { name, weight, bias })
    }
}

impl Layer for Linear {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "Linear"
    }

    fn compute(&self, xs: &Tensor, _: &mut Pass<'_>) -> Result<Tensor, NetError> {
        Ok(xs.f_linear(&self.weight, Some(&self.bias))?)
    }

    fn parameters(&self) -> Vec<&Tensor> {
        vec![&self.weight, &self.bias]
    }

    /// Every number of the output is a sum over all inputs.
    fn macs(&self, output: &[i64]) -> u64 {
        output.iter().product::<i64>() as u64 * self.features().0 as u64
    }
}

/// As PyTorch prints it: `Linear(in_features=512, out_features=10)`.
impl fmt::Debug for Linear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inputs, outputs) = self.features();
        write!(f, "Linear(in_features={inputs}, out_features={outputs})")
    }
}
