//! [`Conv2d`]: convolution.

use std::borrow::Borrow;
use std::fmt;

use tch::{Tensor, nn};

use super::{Layer, name_of, positive};
use crate::{Init, NetError, Pass};

/// A two-dimensional convolution with a square kernel: PyTorch's `nn.Conv2d`.
///
/// # Shapes
/// `[N, in_channels, H, W]` -> `[N, out_channels, H', W']`, H' = (H + 2 padding - kernel) / stride + 1, rounded down
///
/// # Names
/// `weight` `[out_channels, in_channels, kernel, kernel]`, `bias` `[out_channels]`
pub struct Conv2d {
    name: String,
    spec: Conv2dSpec,
    weight: Tensor,
    bias: Option<Tensor>,
}

/// The settings of a [`Conv2d`]; made by [`Conv2d::spec`].
#[derive(Clone, Copy, Debug)]
pub struct Conv2dSpec {
    in_channels: i64,
    out_channels: i64,
    kernel: i64,
    stride: i64,
    padding: i64,
    bias: bool,
    init: Init,
    zero_bias: bool,
}

impl Conv2d {
    /// A convolution of `in_channels` into `out_channels` with a kernel of `kernel` x `kernel` pixels.
    ///
    /// Stride 1, no padding, with a bias, unless told otherwise.
    pub fn spec(in_channels: i64, out_channels: i64, kernel: i64) -> Conv2dSpec {
        Conv2dSpec {
            in_channels,
            out_channels,
            kernel,
            stride: 1,
            padding: 0,
            bias: true,
            init: Init::Default,
            zero_bias: false,
        }
    }

    /// The filters, `[out_channels, in_channels, kernel, kernel]`.
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }
}

impl Conv2dSpec {
    /// How many channels come out.
    pub fn out_channels(&self) -> i64 {
        self.out_channels
    }

    /// Pixels from one place of the kernel to the next. Default: 1.
    pub fn stride(mut self, stride: i64) -> Self {
        self.stride = stride;
        self
    }

    /// Zeros around the image, pixels on each side. Default: 0.
    pub fn padding(mut self, padding: i64) -> Self {
        self.padding = padding;
        self
    }

    /// Whether a number is added to each channel; batch normalisation behind it makes that pointless. Default: true.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

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
    pub fn build<'a>(self, path: impl Borrow<nn::Path<'a>>) -> Result<Conv2d, NetError> {
        let path = path.borrow();
        let name = name_of(path);
        let sizes = [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("the kernel", self.kernel),
            ("the stride", self.stride),
            ("1 + padding", self.padding.saturating_add(1)),
        ];
        positive(&format!("{name} (Conv2d)"), sizes)?;
        let dims = [
            self.out_channels,
            self.in_channels,
            self.kernel,
            self.kernel,
        ];
        let weight = path.f_var("weight", &dims, self.init.weight(&dims))?;
        let start = match self.zero_bias {
            true => nn::Init::Const(0.0),
            false => Init::default_bias(&dims),
        };
        let bias = match self.bias {
            true => Some(path.f_var("bias", &[self.out_channels], start)?),
            false => None,
        };
        Ok(Conv2d {
            name,
            spec: self,
            weight,
            bias,
        })
    }
}

impl Layer for Conv2d {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "Conv2d"
    }

    fn compute(&self, xs: &Tensor, _: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let Conv2dSpec {
            stride, padding, ..
        } = self.spec;
        Ok(xs.f_conv2d(&self.weight, self.bias.as_ref(), stride, padding, 1, 1)?)
    }

    fn parameters(&self) -> Vec<&Tensor> {
        [&self.weight].into_iter().chain(&self.bias).collect()
    }

    /// Every number of the output is a sum over one kernel of all channels.
    fn macs(&self, output: &[i64]) -> u64 {
        let Conv2dSpec {
            in_channels,
            kernel,
            ..
        } = self.spec;
        output.iter().product::<i64>() as u64 * (in_channels * kernel * kernel) as u64
    }
}

/// As PyTorch prints it, for example `Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=false)`.
impl fmt::Debug for Conv2d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = &self.spec;
        write!(
            f,
            "Conv2d({}, {}, kernel_size={}, stride={}, padding={}, bias={})",
            spec.in_channels, spec.out_channels, spec.kernel, spec.stride, spec.padding, spec.bias
        )
    }
}
