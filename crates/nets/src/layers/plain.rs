//! Layers without parameters, pooling aside.

use std::borrow::Borrow;
use std::fmt;

use tch::{Tensor, nn};

use super::{Layer, name_of};
use crate::{Activation, NetError, Pass};

/// An [`Activation`] as a layer: PyTorch's `nn.ReLU` and its like.
pub struct ActivationLayer {
    name: String,
    function: Activation,
    inplace: bool,
}

/// Sets values to zero at random in training: PyTorch's `nn.Dropout`.
///
/// The others grow by 1 / (1 - rate), so that sums keep their size. Srivastava et al. 2014, "Dropout: A Simple
/// Way to Prevent Neural Networks from Overfitting".
pub struct Dropout {
    name: String,
    rate: f64,
}

/// One row for each sample: PyTorch's `nn.Flatten`.
///
/// # Shapes
/// `[N, C, H, W]` -> `[N, C H W]`
pub struct Flatten {
    name: String,
}

/// Divides each value by the size of its neighbours in the channels around: PyTorch's `nn.LocalResponseNorm`.
///
/// Krizhevsky et al. 2012, section 3.3: b = a / (k + alpha / n * sum of a^2 over n channels)^beta with n = 5,
/// alpha = 1e-4, beta = 0.75 and, here as in PyTorch and Caffe, k = 1. Batch normalisation took its place.
///
/// # Shapes
/// `[N, C, H, W]` -> the same
pub struct LocalResponseNorm {
    name: String,
}

impl ActivationLayer {
    /// The function as a layer, at `path`, which gives it its name.
    pub fn new<'a>(function: Activation, path: impl Borrow<nn::Path<'a>>) -> Self {
        Self {
            name: name_of(path),
            function,
            inplace: false,
        }
    }

    /// Lets ReLU overwrite its input, which saves memory: PyTorch's `inplace=True`.
    ///
    /// For inputs that nobody needs afterwards. With a hook at work the input is left alone, so what hooks have
    /// collected stays as it was.
    pub fn inplace(mut self) -> Self {
        self.inplace = true;
        self
    }
}

impl Dropout {
    /// Drops the part `rate`, 0 to 1, of all values in training; `path` gives the layer its name.
    pub fn new<'a>(rate: f64, path: impl Borrow<nn::Path<'a>>) -> Self {
        Self {
            name: name_of(path),
            rate,
        }
    }
}

impl Flatten {
    /// The layer at `path`, which gives it its name.
    pub fn new<'a>(path: impl Borrow<nn::Path<'a>>) -> Self {
        Self {
            name: name_of(path),
        }
    }
}

impl LocalResponseNorm {
    /// The layer at `path`, which gives it its name.
    pub fn new<'a>(path: impl Borrow<nn::Path<'a>>) -> Self {
        Self {
            name: name_of(path),
        }
    }
}

impl Layer for ActivationLayer {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        self.function.name()
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        if self.inplace && self.function == Activation::Relu && pass.may_overwrite() {
            return Ok(xs.shallow_clone().f_relu_()?);
        }
        Ok(self.function.f_apply(xs)?)
    }
}

impl Layer for Dropout {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "Dropout"
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        Ok(xs.f_dropout(self.rate, pass.train())?)
    }
}

impl Layer for Flatten {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "Flatten"
    }

    fn compute(&self, xs: &Tensor, _: &mut Pass<'_>) -> Result<Tensor, NetError> {
        Ok(xs.f_flatten(1, -1)?)
    }
}

impl Layer for LocalResponseNorm {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "LocalResponseNorm"
    }

    fn compute(&self, xs: &Tensor, _: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let (n, alpha, beta, k) = (5, 1e-4, 0.75, 1.0);
        // Channels as a depth of its own, so that a mean over depth is one over neighbours.
        let squares = xs.f_square()?.f_unsqueeze(1)?; // [N, 1, C, H, W]
        let means = squares.f_avg_pool3d([n, 1, 1], 1, [n / 2, 0, 0], false, true, None)?;
        let sizes = means
            .f_squeeze_dim(1)?
            .f_mul_scalar(alpha)?
            .f_add_scalar(k)?;
        Ok(xs.f_div(&sizes.f_pow_tensor_scalar(beta)?)?)
    }
}

/// As PyTorch prints it: `ReLU(inplace=true)`.
impl fmt::Debug for ActivationLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inplace = if self.inplace { "inplace=true" } else { "" };
        write!(f, "{}({inplace})", self.function.name())
    }
}

impl fmt::Debug for Dropout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dropout(p={})", self.rate)
    }
}

impl fmt::Debug for Flatten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flatten()")
    }
}

impl fmt::Debug for LocalResponseNorm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalResponseNorm(5)")
    }
}

#[cfg(test)]
mod tests {
    use tch::nn::VarStore;
    use tch::{Device, Kind};

    use super::*;

    fn run(layer: &dyn Layer, xs: &Tensor, train: bool) -> Tensor {
        layer.forward(xs, &mut Pass::new(train)).unwrap()
    }

    #[test]
    fn local_response_norm_is_pytorchs() {
        // x = torch.arange(1, 15, dtype=torch.float32).reshape(1, 7, 2, 1) * 10; nn.LocalResponseNorm(5)(x)
        let expected = [
            9.505219, 18.469341, 26.701715, 34.040325, 40.372097, 45.643543, 49.90836, 53.26521,
            55.833668, 57.73677, 69.62727, 71.139114, 85.73482, 87.198624,
        ];
        let vs = VarStore::new(Device::Cpu);
        let xs = Tensor::arange_start(1, 15, (Kind::Float, Device::Cpu)).view([1, 7, 2, 1]) * 10;
        let ys = run(&LocalResponseNorm::new(vs.root() / "norm"), &xs, false);
        let ys = Vec::<f64>::try_from(ys.flatten(0, -1).to_kind(Kind::Double)).unwrap();
        for (found, expected) in ys.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{found}, not {expected}");
        }
    }

    #[test]
    fn relu_overwrites_when_it_may() {
        let vs = VarStore::new(Device::Cpu);
        let relu = ActivationLayer::new(Activation::Relu, vs.root() / "relu");
        let xs = Tensor::from_slice(&[-1.0f32, 2.0]);
        assert_eq!(run(&relu, &xs, true), Tensor::from_slice(&[0.0f32, 2.0]));
        assert_eq!(xs.double_value(&[0]), -1.0);
        let relu = relu.inplace();
        let _same = relu
            .forward(&xs, &mut Pass::hooked(true, &mut |_| {}))
            .unwrap();
        assert_eq!(xs.double_value(&[0]), -1.0, "a hook may still want it");
        let _same = run(&relu, &xs, true);
        assert_eq!(xs.double_value(&[0]), 0.0);
    }
}
