//! [`ResidualBlock`]: y = relu(F(x) + x), the block of [`ResNet`](crate::ResNet) and
//! [`CifarResNet`](crate::CifarResNet).
//!
//! He, Zhang, Ren, Sun 2015, arXiv 1512.03385, section 3.2, section 4.1 on shortcuts, and Figure 5.

use std::borrow::Borrow;

use tch::{Tensor, nn};

use crate::layers::{ActivationLayer, BatchNorm2d, Conv2d, Conv2dSpec, Layer, Sequential, name_of};
use crate::{Activation, Init, NetError, Pass};

/// Two or three convolutions that learn what to add to their input.
///
/// # Shapes
/// `[N, in_channels, H, W]` -> `[N, expansion x width, H / stride, W / stride]`
///
/// # Names
/// `conv1`, `bn1`, `conv2`, `bn2`, with bottlenecks `conv3`, `bn3`, and `downsample.0`, `downsample.1` where the
/// shortcut is a projection: torchvision's
#[derive(Debug)]
pub struct ResidualBlock {
    name: String,
    kind: BlockKind,
    branch: Vec<(Conv2d, BatchNorm2d)>,
    relu: ActivationLayer,
    shortcut: ShortcutLayer,
}

/// What the residual branch is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// Two 3x3 convolutions
    Basic,
    /// 1x1, 3x3, 1x1: the middle works on a quarter of the channels, which makes depth affordable
    Bottleneck,
}

/// The way around the branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// The input itself; where the shape changes, a 1x1 convolution of it (option B of the paper)
    Projection,
    /// The input itself; where the shape changes, every second pixel of it and zeros for the new channels
    /// (option A), which has no parameters
    ZeroPadding,
    /// None: the plain network of the degradation experiment
    Absent,
}

impl BlockKind {
    /// Output channels for each channel of width.
    pub fn expansion(self) -> i64 {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// The settings of a [`ResidualBlock`]; made by [`ResidualBlock::spec`].
#[derive(Clone, Copy, Debug)]
pub struct ResidualSpec {
    kind: BlockKind,
    in_channels: i64,
    width: i64,
    stride: i64,
    shortcut: Shortcut,
    zero_init: bool,
}

impl ResidualBlock {
    /// A block whose branch is `width` channels wide: stride 1, and a projection where the number of channels changes.
    pub fn spec(kind: BlockKind, in_channels: i64, width: i64) -> ResidualSpec {
        ResidualSpec {
            kind,
            in_channels,
            width,
            stride: 1,
            shortcut: Shortcut::Projection,
            zero_init: false,
        }
    }
}

impl Layer for ResidualBlock {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        match self.kind {
            BlockKind::Basic => "BasicBlock",
            BlockKind::Bottleneck => "Bottleneck",
        }
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let mut ys = xs.shallow_clone();
        for (index, (conv, bn)) in self.branch.iter().enumerate() {
            if index > 0 {
                ys = self.relu.forward(&ys, pass)?;
            }
            ys = conv.forward(&ys, pass)?;
            ys = bn.forward(&ys, pass)?;
        }
        if let Some(identity) = self.shortcut.forward(xs, pass)? {
            ys = match pass.may_overwrite() {
                true => ys.f_add_(&identity)?,
                false => ys.f_add(&identity)?,
            };
        }
        self.relu.forward(&ys, pass)
    }
}

impl ResidualSpec {
    /// Pixels from one place of the 3x3 (with two of them, the first) to the next. Default: 1.
    pub fn stride(mut self, stride: i64) -> Self {
        self.stride = stride;
        self
    }

    /// The way around the branch. Default: [`Shortcut::Projection`].
    pub fn shortcut(mut self, shortcut: Shortcut) -> Self {
        self.shortcut = shortcut;
        self
    }

    /// Starts the branch at 0, so that the block begins as the identity. Default: false.
    pub fn zero_init(mut self, zero: bool) -> Self {
        self.zero_init = zero;
        self
    }

    /// Makes the block, its parameters below `path`. Convolutions start normal with variance 2 / fan-out.
    ///
    /// # Errors
    /// [`NetError::Setting`] when a size is under 1, [`NetError::Torch`] when there is no memory for it.
    pub fn build<'a>(self, path: impl Borrow<nn::Path<'a>>) -> Result<ResidualBlock, NetError> {
        let path = path.borrow();
        let mut branch = Vec::new();
        for (index, conv) in self.convolutions().into_iter().enumerate() {
            let channels = conv.out_channels();
            let conv = conv.build(path / format!("conv{}", index + 1))?;
            let bn = BatchNorm2d::new(channels, path / format!("bn{}", index + 1))?;
            branch.push((conv, bn));
        }
        if self.zero_init
            && let Some((_, last)) = branch.last()
        {
            last.zero_scale()?;
        }
        Ok(ResidualBlock {
            name: name_of(path),
            kind: self.kind,
            branch,
            relu: ActivationLayer::new(Activation::Relu, path / "relu").inplace(),
            shortcut: self.shortcut_layer(path)?,
        })
    }

    /// The branch: Figure 5 of the paper, the bottleneck's stride on its 3x3.
    fn convolutions(&self) -> Vec<Conv2dSpec> {
        let (inputs, width, stride) = (self.in_channels, self.width, self.stride);
        match self.kind {
            BlockKind::Basic => vec![
                plain_conv(inputs, width, 3).stride(stride),
                plain_conv(width, width, 3),
            ],
            BlockKind::Bottleneck => vec![
                plain_conv(inputs, width, 1),
                plain_conv(width, width, 3).stride(stride),
                plain_conv(width, width * self.kind.expansion(), 1),
            ],
        }
    }

    fn shortcut_layer(&self, path: &nn::Path) -> Result<ShortcutLayer, NetError> {
        let outputs = self.width * self.kind.expansion();
        let same_shape = self.stride == 1 && self.in_channels == outputs;
        Ok(match self.shortcut {
            Shortcut::Absent => ShortcutLayer::Absent,
            _ if same_shape => ShortcutLayer::Identity,
            Shortcut::ZeroPadding => ShortcutLayer::ZeroPadding {
                stride: self.stride,
                channels: outputs - self.in_channels,
            },
            Shortcut::Projection => {
                let path = path / "downsample";
                let mut downsample = Sequential::new(&path);
                let conv = plain_conv(self.in_channels, outputs, 1).stride(self.stride);
                downsample.push(conv.build(&path / 0)?);
                downsample.push(BatchNorm2d::new(outputs, &path / 1)?);
                ShortcutLayer::Projection(downsample)
            }
        })
    }
}

/// A convolution as residual networks have them: it keeps the size, batch normalisation takes its bias's place.
pub(crate) fn plain_conv(in_channels: i64, out_channels: i64, kernel: i64) -> Conv2dSpec {
    Conv2d::spec(in_channels, out_channels, kernel)
        .padding(kernel / 2)
        .bias(false)
        .init(Init::KaimingNormalFanOut)
}

/// A [`Shortcut`] fitted to a block.
#[derive(Debug)]
enum ShortcutLayer {
    Absent,
    Identity,
    ZeroPadding { stride: i64, channels: i64 },
    Projection(Sequential),
}

impl ShortcutLayer {
    /// What is added to the branch, if anything.
    fn forward(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Option<Tensor>, NetError> {
        Ok(match self {
            Self::Absent => None,
            Self::Identity => Some(xs.shallow_clone()),
            Self::ZeroPadding { stride, channels } => {
                let pixels = xs
                    .f_slice(2, None, None, *stride)?
                    .f_slice(3, None, None, *stride)?; // [N, C, H / stride, W / stride]
                let (before, after) = (channels / 2, channels - channels / 2);
                Some(pixels.f_constant_pad_nd([0, 0, 0, 0, before, after])?)
            }
            Self::Projection(downsample) => Some(downsample.forward(xs, pass)?),
        })
    }
}
