//! The parts of [`GoogLeNet`](crate::GoogLeNet): convolution with batch normalisation, the inception block, the
//! auxiliary head.
//!
//! Szegedy et al. 2014, arXiv 1409.4842, Figure 2(b) and section 5. The 1x1 convolutions before the wide kernels
//! are from Lin et al. 2013, "Network In Network", arXiv 1312.4400.

use std::borrow::Borrow;

use tch::{Tensor, nn};

use crate::layers::{
    AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Dropout, Layer, Linear, MaxPool2d, Sequential, name_of,
};
use crate::{Init, NetError, Pass};

/// Convolution, batch normalisation, ReLU: torchvision's `BasicConv2d`.
///
/// # Shapes
/// `[N, in_channels, H, W]` -> `[N, out_channels, H / stride, W / stride]`
///
/// # Names
/// `conv`, `bn`
#[derive(Debug)]
pub struct ConvBlock {
    name: String,
    conv: Conv2d,
    bn: BatchNorm2d,
}

impl ConvBlock {
    /// The block at `path`, padded so that stride 1 keeps the size. Weights start normal, standard deviation 0.01.
    ///
    /// # Errors
    /// [`NetError::Setting`] when a size is under 1, [`NetError::Torch`] when there is no memory for it.
    pub fn new<'a>(
        in_channels: i64,
        out_channels: i64,
        kernel: i64,
        stride: i64,
        path: impl Borrow<nn::Path<'a>>,
    ) -> Result<Self, NetError> {
        let path = path.borrow();
        let conv = Conv2d::spec(in_channels, out_channels, kernel)
            .stride(stride)
            .padding(kernel / 2)
            .bias(false)
            .init(Init::Normal(0.01));
        Ok(Self {
            name: name_of(path),
            conv: conv.build(path / "conv")?,
            bn: BatchNorm2d::with_eps(out_channels, 0.001, path / "bn")?,
        })
    }
}

impl Layer for ConvBlock {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "BasicConv2d"
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let xs = self.conv.forward(xs, pass)?;
        let mut xs = self.bn.forward(&xs, pass)?;
        // As in torchvision, the ReLU is no layer of its own.
        Ok(match pass.may_overwrite() {
            true => xs.f_relu_()?,
            false => xs.f_relu()?,
        })
    }
}

/// Four branches side by side, their channels one after the other in the output: torchvision's `Inception`.
///
/// # Shapes
/// `[N, in_channels, H, W]` -> `[N, ch1x1 + ch3x3 + ch5x5 + pool_proj, H, W]`
///
/// # Names
/// `branch1`, `branch2.0`, `branch2.1`, `branch3.0`, `branch3.1`, `branch4.1`
#[derive(Debug)]
pub struct InceptionBlock {
    name: String,
    branch1: ConvBlock,
    branch2: Sequential,
    branch3: Sequential,
    branch4: Sequential,
}

/// The settings of an [`InceptionBlock`].
#[derive(Clone, Copy, Debug)]
pub struct InceptionSpec {
    sizes: [i64; 7],
    kernel_of_third: i64,
}

impl InceptionSpec {
    /// Channels in the order of the paper's Table 1: input, 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection.
    ///
    /// `InceptionSpec::new([192, 64, 96, 128, 16, 32, 32])` is the block 3a.
    pub fn new(sizes: [i64; 7]) -> Self {
        Self {
            sizes,
            kernel_of_third: 3,
        }
    }

    /// The paper's 5x5 in the third branch, where torchvision has a 3x3. Default: false.
    pub fn true_5x5(mut self, on: bool) -> Self {
        self.kernel_of_third = if on { 5 } else { 3 };
        self
    }

    /// Makes the block, its parameters below `path`.
    ///
    /// # Errors
    /// [`NetError::Setting`] when a size is under 1, [`NetError::Torch`] when there is no memory for it.
    pub fn build<'a>(self, path: impl Borrow<nn::Path<'a>>) -> Result<InceptionBlock, NetError> {
        let path = path.borrow();
        let [inputs, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj] = self.sizes;
        let reduced = |name: &str, reduce: i64, channels: i64, kernel: i64| {
            let path = path / name;
            let mut branch = Sequential::new(&path);
            branch.push(ConvBlock::new(inputs, reduce, 1, 1, &path / 0)?);
            branch.push(ConvBlock::new(reduce, channels, kernel, 1, &path / 1)?);
            Ok::<_, NetError>(branch)
        };
        Ok(InceptionBlock {
            name: name_of(path),
            branch1: ConvBlock::new(inputs, ch1x1, 1, 1, path / "branch1")?,
            branch2: reduced("branch2", ch3x3red, ch3x3, 3)?,
            branch3: reduced("branch3", ch5x5red, ch5x5, self.kernel_of_third)?,
            branch4: {
                let path = path / "branch4";
                let mut branch = Sequential::new(&path);
                let pool = MaxPool2d::new(3, 1, &path / 0).padding(1);
                branch.push(pool.ceil_mode());
                branch.push(ConvBlock::new(inputs, pool_proj, 1, 1, &path / 1)?);
                branch
            },
        })
    }
}

impl Layer for InceptionBlock {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "Inception"
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let branches = [
            self.branch1.forward(xs, pass)?, // [N, ch1x1, H, W]
            self.branch2.forward(xs, pass)?, // [N, ch3x3, H, W]
            self.branch3.forward(xs, pass)?, // [N, ch5x5, H, W]
            self.branch4.forward(xs, pass)?, // [N, pool_proj, H, W]
        ];
        Ok(Tensor::f_cat(&branches, 1)?)
    }
}

/// A small classifier half-way through the network, for training only: torchvision's `InceptionAux`.
///
/// # Shapes
/// `[N, in_channels, H, W]` -> `[N, num_classes]`
///
/// # Names
/// `conv`, `fc1`, `fc2`
#[derive(Debug)]
pub struct InceptionAux {
    name: String,
    avgpool: AdaptiveAvgPool2d,
    conv: ConvBlock,
    fc1: Linear,
    dropout: Dropout,
    fc2: Linear,
}

impl InceptionAux {
    /// The head at `path`. Dropout is 0.7.
    ///
    /// # Errors
    /// [`NetError::Setting`] when a size is under 1, [`NetError::Torch`] when there is no memory for it.
    pub fn new<'a>(
        in_channels: i64,
        num_classes: i64,
        path: impl Borrow<nn::Path<'a>>,
    ) -> Result<Self, NetError> {
        let path = path.borrow();
        let linear = |inputs, outputs| Linear::spec(inputs, outputs).init(Init::Normal(0.01));
        Ok(Self {
            name: name_of(path),
            avgpool: AdaptiveAvgPool2d::new(4, path / "avgpool"),
            conv: ConvBlock::new(in_channels, 128, 1, 1, path / "conv")?,
            fc1: linear(128 * 4 * 4, 1024).build(path / "fc1")?,
            dropout: Dropout::new(0.7, path / "dropout"),
            fc2: linear(1024, num_classes).build(path / "fc2")?,
        })
    }

    pub(crate) fn set_head(&mut self, layer: Linear) {
        self.fc2 = layer;
    }
}

impl Layer for InceptionAux {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "InceptionAux"
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let xs = self.avgpool.forward(xs, pass)?; // [N, in_channels, 4, 4]
        let xs = self.conv.forward(&xs, pass)?; // [N, 128, 4, 4]
        let xs = self.fc1.forward(&xs.f_flatten(1, -1)?, pass)?.f_relu()?; // [N, 1024]
        let xs = self.dropout.forward(&xs, pass)?;
        self.fc2.forward(&xs, pass) // [N, num_classes]
    }
}
