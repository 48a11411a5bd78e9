//! ResNet: layers that learn what to add to their input.
//!
//! He, Zhang, Ren, Sun 2015, "Deep Residual Learning for Image Recognition", arXiv 1512.03385, Table 1. Parameter
//! names follow torchvision, so its weights load unchanged. The bottleneck's stride is on its 3x3, as in
//! torchvision ("v1.5"); the paper has it on the first 1x1.

use tch::Tensor;

use crate::layers::{
    ActivationLayer, AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Layer, Linear, MaxPool2d, Sequential,
};
use crate::model::module_t;
use crate::residual::plain_conv;
use crate::{Activation, BlockKind, Input, Model, ModelBase, NetError, Pass, ResidualBlock};

/// ResNet-18, 11.7 M parameters, 1.814 G multiply-adds at 224 pixels.
///
/// # Shapes
/// images `[N, 3, H, W]`, f32, ImageNet-normalised -> logits `[N, num_classes]`
///
/// # Errors
/// [`NetError::Setting`] when `num_classes` is under 1.
pub fn resnet18(num_classes: i64) -> Result<ResNet, NetError> {
    ResNet::builder(18).build(num_classes)
}

/// ResNet-34, 21.8 M parameters, 3.664 G multiply-adds at 224 pixels.
///
/// # Errors
/// As [`resnet18`], which says the shapes too.
pub fn resnet34(num_classes: i64) -> Result<ResNet, NetError> {
    ResNet::builder(34).build(num_classes)
}

/// ResNet-50, 25.6 M parameters, 4.089 G multiply-adds at 224 pixels.
///
/// # Errors
/// As [`resnet18`], which says the shapes too.
pub fn resnet50(num_classes: i64) -> Result<ResNet, NetError> {
    ResNet::builder(50).build(num_classes)
}

/// ResNet-101, 44.5 M parameters, 7.801 G multiply-adds at 224 pixels.
///
/// # Errors
/// As [`resnet18`], which says the shapes too.
pub fn resnet101(num_classes: i64) -> Result<ResNet, NetError> {
    ResNet::builder(101).build(num_classes)
}

/// ResNet-152, 60.2 M parameters, 11.514 G multiply-adds at 224 pixels.
///
/// # Errors
/// As [`resnet18`], which says the shapes too.
pub fn resnet152(num_classes: i64) -> Result<ResNet, NetError> {
    ResNet::builder(152).build(num_classes)
}

/// A residual network for images of any size.
///
/// # Shapes
/// images `[N, 3, H, W]` -> logits `[N, num_classes]`
#[derive(Debug)]
pub struct ResNet {
    base: ModelBase,
    conv1: Conv2d,
    bn1: BatchNorm2d,
    relu: ActivationLayer,
    maxpool: MaxPool2d,
    layer1: Sequential,
    layer2: Sequential,
    layer3: Sequential,
    layer4: Sequential,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

impl ResNet {
    /// The settings of a ResNet of 18, 34, 50, 101 or 152 layers.
    pub fn builder(depth: usize) -> ResNetBuilder {
        ResNetBuilder {
            depth,
            zero_init_residual: false,
        }
    }
}

impl Model for ResNet {
    fn base(&self) -> &ModelBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut ModelBase {
        &mut self.base
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let xs = self.conv1.forward(xs, pass)?; // [N, 64, H/2, W/2]
        let xs = self.bn1.forward(&xs, pass)?;
        let xs = self.relu.forward(&xs, pass)?;
        let xs = self.maxpool.forward(&xs, pass)?; // [N, 64, H/4, W/4]
        let xs = self.layer1.forward(&xs, pass)?; // [N, 64 e, H/4, W/4], e = 1 or, with bottlenecks, 4
        let xs = self.layer2.forward(&xs, pass)?; // [N, 128 e, H/8, W/8]
        let xs = self.layer3.forward(&xs, pass)?; // [N, 256 e, H/16, W/16]
        let xs = self.layer4.forward(&xs, pass)?; // [N, 512 e, H/32, W/32]
        let xs = self.avgpool.forward(&xs, pass)?; // [N, 512 e, 1, 1]
        self.fc.forward(&xs.f_flatten(1, -1)?, pass) // [N, num_classes]
    }

    fn set_head(&mut self, _: &str, layer: Linear) {
        self.fc = layer;
    }
}

module_t!(ResNet);

/// The settings of a [`ResNet`]; made by [`ResNet::builder`].
#[derive(Clone, Debug)]
pub struct ResNetBuilder {
    depth: usize,
    zero_init_residual: bool,
}

impl ResNetBuilder {
    /// Starts each residual branch at 0, so that every block begins as the identity. Default: false.
    ///
    /// Goyal et al. 2017, arXiv 1706.02677, gains 0.2 to 0.3 points of accuracy on ImageNet by it.
    pub fn zero_init_residual(mut self, zero: bool) -> Self {
        self.zero_init_residual = zero;
        self
    }

    /// Makes the network, for so many classes.
    ///
    /// Convolutions start normal with variance 2 / fan-out, the head as PyTorch's `nn.Linear` does.
    ///
    /// # Errors
    /// [`NetError::Setting`] when there is no ResNet of that depth or `num_classes` is under 1.
    pub fn build(&self, num_classes: i64) -> Result<ResNet, NetError> {
        let (blocks, kind) = self.table()?;
        let input = Input::Images {
            channels: 3,
            at_least: 1,
        };
        let base = ModelBase::new(&format!("resnet{}", self.depth), input, num_classes, "fc")?
            .with_stages(["conv1", "layer1", "layer2", "layer3", "layer4"]);
        let root = &base.root();
        let relu = ActivationLayer::new(Activation::Relu, root / "relu");
        let mut in_channels = 64;
        let mut stage = |index: usize, width: i64, stride: i64| {
            let path = root / format!("layer{index}");
            let mut stage = Sequential::new(&path);
            for number in 0..blocks[index - 1] {
                let block = ResidualBlock::spec(kind, in_channels, width)
                    .stride(if number == 0 { stride } else { 1 })
                    .zero_init(self.zero_init_residual);
                stage.push(block.build(&path / number)?);
                in_channels = width * kind.expansion();
            }
            Ok::<_, NetError>(stage)
        };
        Ok(ResNet {
            conv1: plain_conv(3, 64, 7).stride(2).build(root / "conv1")?,
            bn1: BatchNorm2d::new(64, root / "bn1")?,
            relu: relu.inplace(),
            maxpool: MaxPool2d::new(3, 2, root / "maxpool").padding(1),
            layer1: stage(1, 64, 1)?,
            layer2: stage(2, 128, 2)?,
            layer3: stage(3, 256, 2)?,
            layer4: stage(4, 512, 2)?,
            avgpool: AdaptiveAvgPool2d::new(1, root / "avgpool"),
            fc: Linear::spec(512 * kind.expansion(), num_classes).build(root / "fc")?,
            base,
        })
    }

    /// Table 1 of the paper: how many blocks of which kind each stage has.
    fn table(&self) -> Result<([usize; 4], BlockKind), NetError> {
        Ok(match self.depth {
            18 => ([2, 2, 2, 2], BlockKind::Basic),
            34 => ([3, 4, 6, 3], BlockKind::Basic),
            50 => ([3, 4, 6, 3], BlockKind::Bottleneck),
            101 => ([3, 4, 23, 3], BlockKind::Bottleneck),
            152 => ([3, 8, 36, 3], BlockKind::Bottleneck),
            other => {
                return Err(NetError::Setting {
                    network: "ResNet".into(),
                    problem: format!("there are depths 18, 34, 50, 101 and 152, got {other}"),
                });
            }
        })
    }
}
