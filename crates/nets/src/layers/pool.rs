//! Pooling: fewer pixels.

use std::borrow::Borrow;
use std::fmt;

use tch::{Tensor, nn};

use super::{Layer, name_of};
use crate::{NetError, Pass};

/// The largest value of each window: PyTorch's `nn.MaxPool2d`.
///
/// # Shapes
/// `[N, C, H, W]` -> `[N, C, H', W']`, H' = (H + 2 padding - kernel) / stride + 1, rounded down, or up with
/// [`ceil_mode`](Self::ceil_mode)
pub struct MaxPool2d {
    name: String,
    window: Window,
}

/// The mean of each window: PyTorch's `nn.AvgPool2d`.
///
/// # Shapes
/// As [`MaxPool2d`]
pub struct AvgPool2d {
    name: String,
    window: Window,
}

/// The mean of as many windows as asked for, however large the image: PyTorch's `nn.AdaptiveAvgPool2d`.
///
/// With one window it is global average pooling (Lin et al. 2013, "Network In Network", arXiv 1312.4400), which
/// takes the place of flattening the image for large fully connected layers.
///
/// # Shapes
/// `[N, C, H, W]` -> `[N, C, side, side]`
pub struct AdaptiveAvgPool2d {
    name: String,
    side: i64,
}

/// The pixels that a pooling layer looks at, and how it goes on.
struct Window {
    kernel: i64,
    stride: i64,
    padding: i64,
    ceil_mode: bool,
}

impl MaxPool2d {
    /// Windows of `kernel` x `kernel` pixels, `stride` pixels apart, at `path`, which gives the layer its name.
    pub fn new<'a>(kernel: i64, stride: i64, path: impl Borrow<nn::Path<'a>>) -> Self {
        Self {
            name: name_of(path),
            window: Window::new(kernel, stride),
        }
    }

    /// Pixels added on each side, which are never the largest. Default: 0.
    pub fn padding(mut self, padding: i64) -> Self {
        self.window.padding = padding;
        self
    }

    /// Lets the last window reach over the border, instead of dropping the pixels that fill no window.
    pub fn ceil_mode(mut self) -> Self {
        self.window.ceil_mode = true;
        self
    }
}

impl AvgPool2d {
    /// Windows of `kernel` x `kernel` pixels, `stride` pixels apart, at `path`, which gives the layer its name.
    pub fn new<'a>(kernel: i64, stride: i64, path: impl Borrow<nn::Path<'a>>) -> Self {
        Self {
            name: name_of(path),
            window: Window::new(kernel, stride),
        }
    }
}

impl AdaptiveAvgPool2d {
    /// `side` x `side` windows, at `path`, which gives the layer its name.
    pub fn new<'a>(side: i64, path: impl Borrow<nn::Path<'a>>) -> Self {
        Self {
            name: name_of(path),
            side,
        }
    }
}

impl Window {
    fn new(kernel: i64, stride: i64) -> Self {
        Self {
            kernel,
            stride,
            padding: 0,
            ceil_mode: false,
        }
    }
}

impl Layer for MaxPool2d {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "MaxPool2d"
    }

    fn compute(&self, xs: &Tensor, _: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let w = &self.window;
        Ok(xs.f_max_pool2d(w.kernel, w.stride, w.padding, 1, w.ceil_mode)?)
    }
}

impl Layer for AvgPool2d {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "AvgPool2d"
    }

    fn compute(&self, xs: &Tensor, _: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let w = &self.window;
        Ok(xs.f_avg_pool2d(w.kernel, w.stride, w.padding, w.ceil_mode, true, None)?)
    }
}

impl Layer for AdaptiveAvgPool2d {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "AdaptiveAvgPool2d"
    }

    fn compute(&self, xs: &Tensor, _: &mut Pass<'_>) -> Result<Tensor, NetError> {
        Ok(xs.f_adaptive_avg_pool2d([self.side, self.side])?)
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "kernel_size={}, stride={}, padding={}, ceil_mode={}",
            self.kernel, self.stride, self.padding, self.ceil_mode
        )
    }
}

/// As PyTorch prints it: `MaxPool2d(kernel_size=3, stride=2, padding=1, ceil_mode=false)`.
impl fmt::Debug for MaxPool2d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaxPool2d({:?})", self.window)
    }
}

impl fmt::Debug for AvgPool2d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AvgPool2d({:?})", self.window)
    }
}

impl fmt::Debug for AdaptiveAvgPool2d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AdaptiveAvgPool2d(output_size={})", self.side)
    }
}
