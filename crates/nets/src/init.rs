//! [`Init`]: the numbers that weights start from.

use tch::nn;

/// How the weights of a layer start. PyTorch's `torch.nn.init` has functions of the same names.
///
/// The fan-in of a weight is the number of values that each output is made of; the fan-out the number of outputs
/// that each value goes into: channels times the pixels of the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Init {
    /// What PyTorch's `Linear` and `Conv2d` do unless told otherwise: uniform within 1 / sqrt(fan-in), which is
    /// `kaiming_uniform_` with a = sqrt 5
    #[default]
    Default,
    /// He et al. 2015, for ReLU: normal with variance 2 / fan-in
    KaimingNormal,
    /// He et al. 2015, backwards: normal with variance 2 / fan-out, as torchvision's VGG and ResNet start
    KaimingNormalFanOut,
    /// He et al. 2015, for ReLU: uniform with variance 2 / fan-in
    KaimingUniform,
    /// Glorot and Bengio 2010, for tanh and sigmoid: normal with variance 2 / (fan-in + fan-out)
    XavierNormal,
    /// Glorot and Bengio 2010, for tanh and sigmoid: uniform with variance 2 / (fan-in + fan-out)
    XavierUniform,
    /// Normal with this standard deviation, whatever the layer's size
    Normal(f64),
    /// All weights the same, which no network can learn from: every unit stays like its neighbour
    Constant(f64),
}

impl Init {
    /// What tch calls it, for weights of the shape `[outputs, inputs, ...]`.
    pub(crate) fn weight(self, dims: &[i64]) -> nn::Init {
        let (inputs, outputs) = fans(dims);
        let normal = |variance: f64| nn::Init::Randn {
            mean: 0.0,
            stdev: variance.sqrt(),
        };
        match self {
            Self::Default => uniform(1.0 / inputs / 3.0),
            Self::KaimingNormal => normal(2.0 / inputs),
            Self::KaimingNormalFanOut => normal(2.0 / outputs),
            Self::KaimingUniform => uniform(2.0 / inputs),
            Self::XavierNormal => normal(2.0 / (inputs + outputs)),
            Self::XavierUniform => uniform(2.0 / (inputs + outputs)),
            Self::Normal(stdev) => normal(stdev * stdev),
            Self::Constant(value) => nn::Init::Const(value),
        }
    }

    /// How PyTorch's layers start a bias beside weights of the shape `dims`: uniform within 1 / sqrt(fan-in).
    pub(crate) fn default_bias(dims: &[i64]) -> nn::Init {
        uniform(1.0 / fans(dims).0 / 3.0)
    }
}

/// Fan-in and fan-out of weights `[outputs, inputs, kernel, kernel]`.
fn fans(dims: &[i64]) -> (f64, f64) {
    let size = |index: usize| dims.get(index).copied().unwrap_or(1) as f64;
    let kernel: f64 = dims.iter().skip(2).map(|&side| side as f64).product();
    (size(1) * kernel, size(0) * kernel)
}

/// The uniform distribution around 0 with this variance.
fn uniform(variance: f64) -> nn::Init {
    let bound = (3.0 * variance).sqrt();
    nn::Init::Uniform {
        lo: -bound,
        up: bound,
    }
}
