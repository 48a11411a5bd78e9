//! VGG: nothing but 3x3 convolutions, deeper and deeper.
//!
//! Simonyan, Zisserman 2014, "Very Deep Convolutional Networks for Large-Scale Image Recognition", arXiv 1409.1556,
//! Table 1: configurations A, B, D and E, second place of ImageNet 2014. Parameter names, initialisation and the
//! average pooling before the classifier, which makes it take any size, follow torchvision.

use tch::Tensor;

use crate::layers::{
    ActivationLayer, AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Dropout, Layer, Linear, MaxPool2d,
    Sequential,
};
use crate::model::module_t;
use crate::{Activation, Init, Input, Model, ModelBase, NetError, Pass};

/// VGG-11, 132.9 M parameters, 7.609 G multiply-adds at 224 pixels.
///
/// # Shapes
/// images `[N, 3, H, W]`, f32, ImageNet-normalised, of at least 32 x 32 pixels -> logits `[N, num_classes]`
///
/// # Errors
/// [`NetError::Setting`] when `num_classes` is under 1.
pub fn vgg11(num_classes: i64) -> Result<Vgg, NetError> {
    Vgg::builder(11).build(num_classes)
}

/// VGG-13, 133.0 M parameters, 11.308 G multiply-adds at 224 pixels.
///
/// # Errors
/// As [`vgg11`], which says the shapes too.
pub fn vgg13(num_classes: i64) -> Result<Vgg, NetError> {
    Vgg::builder(13).build(num_classes)
}

/// VGG-16, 138.4 M parameters, 15.470 G multiply-adds at 224 pixels.
///
/// # Errors
/// As [`vgg11`], which says the shapes too.
pub fn vgg16(num_classes: i64) -> Result<Vgg, NetError> {
    Vgg::builder(16).build(num_classes)
}

/// VGG-19, 143.7 M parameters, 19.632 G multiply-adds at 224 pixels.
///
/// # Errors
/// As [`vgg11`], which says the shapes too.
pub fn vgg19(num_classes: i64) -> Result<Vgg, NetError> {
    Vgg::builder(19).build(num_classes)
}

/// [`vgg11`] with batch normalisation behind every convolution.
///
/// # Errors
/// As [`vgg11`], which says the shapes too.
pub fn vgg11_bn(num_classes: i64) -> Result<Vgg, NetError> {
    Vgg::builder(11).batch_norm(true).build(num_classes)
}

/// [`vgg13`] with batch normalisation behind every convolution.
///
/// # Errors
/// As [`vgg11`], which says the shapes too.
pub fn vgg13_bn(num_classes: i64) -> Result<Vgg, NetError> {
    Vgg::builder(13).batch_norm(true).build(num_classes)
}

/// [`vgg16`] with batch normalisation behind every convolution.
///
/// # Errors
/// As [`vgg11`], which says the shapes too.
pub fn vgg16_bn(num_classes: i64) -> Result<Vgg, NetError> {
    Vgg::builder(16).batch_norm(true).build(num_classes)
}

/// [`vgg19`] with batch normalisation behind every convolution.
///
/// # Errors
/// As [`vgg11`], which says the shapes too.
pub fn vgg19_bn(num_classes: i64) -> Result<Vgg, NetError> {
    Vgg::builder(19).batch_norm(true).build(num_classes)
}

/// Five stages of 3x3 convolutions, each closed by a max-pool, then three fully connected layers.
///
/// # Shapes
/// images `[N, 3, H, W]` -> logits `[N, num_classes]`
#[derive(Debug)]
pub struct Vgg {
    base: ModelBase,
    features: Sequential,
    avgpool: AdaptiveAvgPool2d,
    classifier: Sequential,
}

impl Vgg {
    /// The settings of a VGG of 11, 13, 16 or 19 layers with weights.
    pub fn builder(depth: usize) -> VggBuilder {
        VggBuilder {
            depth,
            batch_norm: false,
            dropout: 0.5,
        }
    }
}

impl Model for Vgg {
    fn base(&self) -> &ModelBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut ModelBase {
        &mut self.base
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let xs = self.features.forward(xs, pass)?; // [N, 512, H/32, W/32]
        let xs = self.avgpool.forward(&xs, pass)?; // [N, 512, 7, 7]
        self.classifier.forward(&xs.f_flatten(1, -1)?, pass) // [N, num_classes]
    }

    fn set_head(&mut self, _: &str, layer: Linear) {
        self.classifier.replace_last(layer);
    }
}

module_t!(Vgg);

/// The settings of a [`Vgg`]; made by [`Vgg::builder`].
#[derive(Clone, Debug)]
pub struct VggBuilder {
    depth: usize,
    batch_norm: bool,
    dropout: f64,
}

impl VggBuilder {
    /// Whether batch normalisation stands behind every convolution. Default: false, as in the paper, which is
    /// older.
    pub fn batch_norm(mut self, on: bool) -> Self {
        self.batch_norm = on;
        self
    }

    /// The part of the hidden numbers, 0 to 1, that training sets to zero in the classifier. Default: 0.5.
    pub fn dropout(mut self, rate: f64) -> Self {
        self.dropout = rate;
        self
    }

    /// Makes the network, for so many classes.
    ///
    /// Convolutions start normal with variance 2 / fan-out, fully connected layers normal with standard deviation
    /// 0.01, biases at 0.
    ///
    /// # Errors
    /// [`NetError::Setting`] when there is no VGG of that depth, `num_classes` is under 1, or the dropout rate is
    /// not within 0-1.
    pub fn build(&self, num_classes: i64) -> Result<Vgg, NetError> {
        crate::layers::check_dropout("Vgg", self.dropout)?;
        let convolutions = self.table()?;
        let bn = if self.batch_norm { "_bn" } else { "" };
        let input = Input::Images {
            channels: 3,
            at_least: 32,
        };
        let base = ModelBase::new(
            &format!("vgg{}{bn}", self.depth),
            input,
            num_classes,
            "classifier.6",
        )?;
        let (features, stages) = self.features(convolutions, &base)?;
        Ok(Vgg {
            features,
            avgpool: AdaptiveAvgPool2d::new(7, base.root() / "avgpool"),
            classifier: self.classifier(num_classes, &base)?,
            base: base.with_stages(stages),
        })
    }

    /// Table 1 of the paper: how many convolutions each stage has.
    fn table(&self) -> Result<[usize; 5], NetError> {
        Ok(match self.depth {
            11 => [1, 1, 2, 2, 2],
            13 => [2, 2, 2, 2, 2],
            16 => [2, 2, 3, 3, 3],
            19 => [2, 2, 4, 4, 4],
            other => {
                return Err(NetError::Setting {
                    network: "Vgg".into(),
                    problem: format!("there are depths 11, 13, 16 and 19, got {other}"),
                });
            }
        })
    }

    /// The convolutions, and the names of the last activation of each stage.
    fn features(
        &self,
        convolutions: [usize; 5],
        base: &ModelBase,
    ) -> Result<(Sequential, Vec<String>), NetError> {
        let path = base.root() / "features";
        let mut features = Sequential::new(&path);
        let mut stages = Vec::new();
        let mut in_channels = 3;
        for (count, channels) in convolutions.into_iter().zip([64, 128, 256, 512, 512]) {
            for _ in 0..count {
                let conv = Conv2d::spec(in_channels, channels, 3)
                    .padding(1)
                    .init(Init::KaimingNormalFanOut)
                    .zero_bias();
                features.push(conv.build(&path / features.len())?);
                if self.batch_norm {
                    features.push(BatchNorm2d::new(channels, &path / features.len())?);
                }
                let relu = ActivationLayer::new(Activation::Relu, &path / features.len());
                features.push(relu.inplace());
                in_channels = channels;
            }
            stages.push(format!("features.{}", features.len() - 1));
            features.push(MaxPool2d::new(2, 2, &path / features.len()));
        }
        Ok((features, stages))
    }

    fn classifier(&self, num_classes: i64, base: &ModelBase) -> Result<Sequential, NetError> {
        let path = base.root() / "classifier";
        let mut classifier = Sequential::new(&path);
        let linear = |inputs, outputs| {
            let linear = Linear::spec(inputs, outputs);
            linear.init(Init::Normal(0.01)).zero_bias()
        };
        for inputs in [512 * 7 * 7, 4096] {
            classifier.push(linear(inputs, 4096).build(&path / classifier.len())?);
            let relu = ActivationLayer::new(Activation::Relu, &path / classifier.len());
            classifier.push(relu.inplace());
            classifier.push(Dropout::new(self.dropout, &path / classifier.len()));
        }
        classifier.push(linear(4096, num_classes).build(&path / classifier.len())?);
        Ok(classifier)
    }
}
