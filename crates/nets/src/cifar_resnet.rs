//! The ResNets for small images, and their plain twins: the degradation experiment.
//!
//! He, Zhang, Ren, Sun 2015, arXiv 1512.03385, section 4.2 and Table 6: 6n + 2 layers, three stages of 16, 32 and 64
//! channels. Deeper plain networks get worse even on the images they are trained on, with batch normalisation and
//! healthy gradients; deeper residual networks do not.

use tch::Tensor;

use crate::layers::{
    ActivationLayer, AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Layer, Linear, Sequential,
};
use crate::model::module_t;
use crate::residual::plain_conv;
use crate::{
    Activation, BlockKind, Input, Model, ModelBase, NetError, Pass, ResidualBlock, Shortcut,
};

/// ResNet-20 for small images, 0.27 M parameters with 10 classes.
///
/// # Shapes
/// images `[N, 3, H, W]`, 32 x 32 pixels in the paper -> logits `[N, num_classes]`
///
/// # Errors
/// [`NetError::Setting`] when `num_classes` is under 1.
pub fn resnet20(num_classes: i64) -> Result<CifarResNet, NetError> {
    CifarResNet::builder(20).build(num_classes)
}

/// ResNet-32 for small images, 0.46 M parameters with 10 classes.
///
/// # Errors
/// As [`resnet20`], which says the shapes too.
pub fn resnet32(num_classes: i64) -> Result<CifarResNet, NetError> {
    CifarResNet::builder(32).build(num_classes)
}

/// ResNet-44 for small images, 0.66 M parameters with 10 classes.
///
/// # Errors
/// As [`resnet20`], which says the shapes too.
pub fn resnet44(num_classes: i64) -> Result<CifarResNet, NetError> {
    CifarResNet::builder(44).build(num_classes)
}

/// ResNet-56 for small images, 0.85 M parameters with 10 classes.
///
/// # Errors
/// As [`resnet20`], which says the shapes too.
pub fn resnet56(num_classes: i64) -> Result<CifarResNet, NetError> {
    CifarResNet::builder(56).build(num_classes)
}

/// ResNet-110 for small images, 1.7 M parameters with 10 classes.
///
/// # Errors
/// As [`resnet20`], which says the shapes too.
pub fn resnet110(num_classes: i64) -> Result<CifarResNet, NetError> {
    CifarResNet::builder(110).build(num_classes)
}

/// A residual network for small images, or its plain twin.
///
/// # Shapes
/// images `[N, 3, H, W]` -> logits `[N, num_classes]`
///
/// # Names
/// As torchvision's ResNets: `conv1`, `bn1`, `layer1` to `layer3`, `fc`
#[derive(Debug)]
pub struct CifarResNet {
    base: ModelBase,
    conv1: Conv2d,
    bn1: BatchNorm2d,
    relu: ActivationLayer,
    layer1: Sequential,
    layer2: Sequential,
    layer3: Sequential,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

impl CifarResNet {
    /// The settings of a network of 6n + 2 layers: 20, 32, 44, 56 and 110 in the paper, 8 and 14 for the impatient.
    pub fn builder(depth: usize) -> CifarResNetBuilder {
        CifarResNetBuilder {
            depth,
            width: 16,
            shortcut: Shortcut::ZeroPadding,
        }
    }
}

impl Model for CifarResNet {
    fn base(&self) -> &ModelBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut ModelBase {
        &mut self.base
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let xs = self.conv1.forward(xs, pass)?; // [N, 16, H, W]
        let xs = self.bn1.forward(&xs, pass)?;
        let xs = self.relu.forward(&xs, pass)?;
        let xs = self.layer1.forward(&xs, pass)?; // [N, 16, H, W]
        let xs = self.layer2.forward(&xs, pass)?; // [N, 32, H/2, W/2]
        let xs = self.layer3.forward(&xs, pass)?; // [N, 64, H/4, W/4]
        let xs = self.avgpool.forward(&xs, pass)?; // [N, 64, 1, 1]
        self.fc.forward(&xs.f_flatten(1, -1)?, pass) // [N, num_classes]
    }

    fn set_head(&mut self, _: &str, layer: Linear) {
        self.fc = layer;
    }
}

module_t!(CifarResNet);

/// The settings of a [`CifarResNet`]; made by [`CifarResNet::builder`].
#[derive(Clone, Debug)]
pub struct CifarResNetBuilder {
    depth: usize,
    width: i64,
    shortcut: Shortcut,
}

impl CifarResNetBuilder {
    /// Takes the shortcuts away and leaves everything else as it is: the plain twin, with as many parameters.
    pub fn plain(self) -> Self {
        self.shortcut(Shortcut::Absent)
    }

    /// The way around each block. Default: [`Shortcut::ZeroPadding`], which has no parameters, as in the paper.
    pub fn shortcut(mut self, shortcut: Shortcut) -> Self {
        self.shortcut = shortcut;
        self
    }

    /// Channels of the first stage; the others have twice and four times as many. Default: 16.
    pub fn width(mut self, width: i64) -> Self {
        self.width = width;
        self
    }

    /// Makes the network, for so many classes. Convolutions start normal with variance 2 / fan-out.
    ///
    /// # Errors
    /// [`NetError::Setting`] when the depth is not 6n + 2, or `width` or `num_classes` is under 1.
    pub fn build(&self, num_classes: i64) -> Result<CifarResNet, NetError> {
        let blocks = self.depth.saturating_sub(2) / 6;
        if blocks == 0 || blocks * 6 + 2 != self.depth {
            return Err(NetError::Setting {
                network: "CifarResNet".into(),
                problem: format!(
                    "the depth must be 6n + 2, like 20, 56 or 110, got {}",
                    self.depth
                ),
            });
        }
        let family = match self.shortcut {
            Shortcut::Absent => "plain",
            Shortcut::Projection | Shortcut::ZeroPadding => "resnet",
        };
        let input = Input::Images {
            channels: 3,
            at_least: 1,
        };
        let base = ModelBase::new(&format!("{family}{}", self.depth), input, num_classes, "fc")?
            .with_stages(["conv1", "layer1", "layer2", "layer3"]);
        let root = &base.root();
        let width = self.width;
        let mut in_channels = width;
        let mut stage = |index: usize, width: i64, stride: i64| {
            let path = root / format!("layer{index}");
            let mut stage = Sequential::new(&path);
            for number in 0..blocks {
                let block = ResidualBlock::spec(BlockKind::Basic, in_channels, width)
                    .stride(if number == 0 { stride } else { 1 })
                    .shortcut(self.shortcut);
                stage.push(block.build(&path / number)?);
                in_channels = width;
            }
            Ok::<_, NetError>(stage)
        };
        Ok(CifarResNet {
            conv1: plain_conv(3, width, 3).build(root / "conv1")?,
            bn1: BatchNorm2d::new(width, root / "bn1")?,
            relu: ActivationLayer::new(Activation::Relu, root / "relu").inplace(),
            layer1: stage(1, width, 1)?,
            layer2: stage(2, 2 * width, 2)?,
            layer3: stage(3, 4 * width, 2)?,
            avgpool: AdaptiveAvgPool2d::new(1, root / "avgpool"),
            fc: Linear::spec(4 * width, num_classes).build(root / "fc")?,
            base,
        })
    }
}
