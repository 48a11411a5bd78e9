//! [`Cnn`]: a small convolutional network with the switches of the first week.
//!
//! LeCun et al. 1989, "Backpropagation Applied to Handwritten Zip Code Recognition", is the first of its kind; the
//! switches are the steps that led from there to the networks of today.

use tch::Tensor;

use crate::layers::{
    ActivationLayer, AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, Layer,
    Linear, MaxPool2d, Sequential,
};
use crate::model::module_t;
use crate::{Activation, Init, Input, Model, ModelBase, NetError, Pass};

/// A small convolutional network: blocks of 3x3 convolution, activation and pooling, then a classifier.
///
/// # Shapes
/// images `[N, channels, H, W]` -> logits `[N, num_classes]`
///
/// # Names
/// `features.N` for the blocks' layers, `classifier.N` for the rest, counted as in PyTorch's `nn.Sequential`:
/// activations, pools and dropouts take a number too
#[derive(Debug)]
pub struct Cnn {
    base: ModelBase,
    features: Sequential,
    classifier: Sequential,
}

/// How a block makes its image half as large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pool {
    /// The largest of each 2x2 pixels
    #[default]
    Max,
    /// The mean of each 2x2 pixels
    Average,
}

/// How the last feature maps become one row of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Neck {
    /// The mean of each map, whatever its size: global average pooling. The classifier is one `Linear`
    #[default]
    GlobalAverage,
    /// All pixels of all maps, then a hidden layer of this many numbers: most parameters lie here, and the
    /// images' size is fixed
    Flatten(i64),
}

impl Cnn {
    /// Starts a network for images of `[channels, height, width]`.
    ///
    /// Without further settings: three blocks of 32, 64 and 128 channels, ReLU, max-pooling, global average
    /// pooling, no batch normalisation, no dropout, PyTorch's initialisation.
    ///
    /// ```
    /// use nets::{Cnn, Model, Neck};
    /// # fn main() -> Result<(), nets::NetError> {
    /// let light = Cnn::builder([3, 64, 64], 6).batch_norm(true).build()?;
    /// let heavy = Cnn::builder([3, 64, 64], 6).batch_norm(true).neck(Neck::Flatten(256)).build()?;
    /// assert_eq!((light.parameters(), heavy.parameters()), (94_246, 2_192_422));
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(image: [i64; 3], num_classes: i64) -> CnnBuilder {
        CnnBuilder {
            image,
            num_classes,
            channels: vec![32, 64, 128],
            activation: Activation::Relu,
            init: Init::Default,
            batch_norm: false,
            dropout: 0.0,
            pool: Pool::Max,
            neck: Neck::GlobalAverage,
        }
    }
}

impl Model for Cnn {
    fn base(&self) -> &ModelBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut ModelBase {
        &mut self.base
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let xs = self.features.forward(xs, pass)?; // [N, last channels, H / 2^blocks, W / 2^blocks]
        self.classifier.forward(&xs, pass) // [N, num_classes]
    }

    fn set_head(&mut self, _: &str, layer: Linear) {
        self.classifier.replace_last(layer);
    }
}

module_t!(Cnn);

/// The settings of a [`Cnn`]; made by [`Cnn::builder`].
#[derive(Clone, Debug)]
pub struct CnnBuilder {
    image: [i64; 3],
    num_classes: i64,
    channels: Vec<i64>,
    activation: Activation,
    init: Init,
    batch_norm: bool,
    dropout: f64,
    pool: Pool,
    neck: Neck,
}

impl CnnBuilder {
    /// The channels of each block, from the input on; every block halves the image. Default: 32, 64, 128.
    pub fn channels(mut self, channels: &[i64]) -> Self {
        self.channels = channels.to_vec();
        self
    }

    /// The function behind each convolution. Default: [`Activation::Relu`].
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// How the weights start; with anything but [`Init::Default`] the biases start at 0.
    pub fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }

    /// Whether batch normalisation stands between convolution and activation. Default: false.
    pub fn batch_norm(mut self, on: bool) -> Self {
        self.batch_norm = on;
        self
    }

    /// The part of numbers, 0 to 1, that training sets to zero before each `Linear`. Default: 0.
    pub fn dropout(mut self, rate: f64) -> Self {
        self.dropout = rate;
        self
    }

    /// How a block makes its image half as large. Default: [`Pool::Max`].
    pub fn pool(mut self, pool: Pool) -> Self {
        self.pool = pool;
        self
    }

    /// How the last feature maps become one row of numbers. Default: [`Neck::GlobalAverage`].
    pub fn neck(mut self, neck: Neck) -> Self {
        self.neck = neck;
        self
    }

    /// Makes the network.
    ///
    /// # Errors
    /// [`NetError::Setting`] when a size is under 1, there is no block, the images are too small for so many
    /// blocks, or the dropout rate is not within 0-1.
    pub fn build(&self) -> Result<Cnn, NetError> {
        self.check()?;
        let [channels, height, width] = self.image;
        let input = match self.neck {
            Neck::GlobalAverage => Input::Images {
                channels,
                at_least: 1 << self.channels.len(),
            },
            Neck::Flatten(_) => Input::FixedImages {
                channels,
                height,
                width,
            },
        };
        let layers_of_block = 3 + i64::from(self.batch_norm);
        let stages = (1..=self.channels.len() as i64)
            .map(|block| format!("features.{}", block * layers_of_block - 1));
        let head = format!("classifier.{}", self.head_index());
        let base = ModelBase::new("cnn", input, self.num_classes, &head)?.with_stages(stages);
        Ok(Cnn {
            features: self.features(&base)?,
            classifier: self.classifier(&base)?,
            base,
        })
    }

    fn features(&self, base: &ModelBase) -> Result<Sequential, NetError> {
        let path = base.root() / "features";
        let mut features = Sequential::new(&path);
        let mut in_channels = self.image[0];
        for &channels in &self.channels {
            let mut conv = Conv2d::spec(in_channels, channels, 3)
                .padding(1)
                .bias(!self.batch_norm)
                .init(self.init);
            if self.init != Init::Default {
                conv = conv.zero_bias();
            }
            features.push(conv.build(&path / features.len())?);
            if self.batch_norm {
                features.push(BatchNorm2d::new(channels, &path / features.len())?);
            }
            let next = &path / features.len();
            features.push(ActivationLayer::new(self.activation, next).inplace());
            let next = &path / features.len();
            match self.pool {
                Pool::Max => features.push(MaxPool2d::new(2, 2, next)),
                Pool::Average => features.push(AvgPool2d::new(2, 2, next)),
            }
            in_channels = channels;
        }
        Ok(features)
    }

    fn classifier(&self, base: &ModelBase) -> Result<Sequential, NetError> {
        let path = base.root() / "classifier";
        let mut classifier = Sequential::new(&path);
        let [_, height, width] = self.image;
        let blocks = self.channels.len();
        let mut features = self.channels.last().copied().unwrap_or_default();
        match self.neck {
            Neck::GlobalAverage => {
                classifier.push(AdaptiveAvgPool2d::new(1, &path / 0));
                classifier.push(Flatten::new(&path / 1));
            }
            Neck::Flatten(hidden) => {
                features *= (height >> blocks) * (width >> blocks);
                classifier.push(Flatten::new(&path / 0));
                self.push_linear(&mut classifier, features, hidden, &path)?;
                let next = &path / classifier.len();
                classifier.push(ActivationLayer::new(self.activation, next).inplace());
                features = hidden;
            }
        }
        self.push_linear(&mut classifier, features, self.num_classes, &path)?;
        Ok(classifier)
    }

    /// Dropout, if asked for, and a `Linear`.
    fn push_linear(
        &self,
        layers: &mut Sequential,
        inputs: i64,
        outputs: i64,
        path: &tch::nn::Path,
    ) -> Result<(), NetError> {
        if self.dropout > 0.0 {
            layers.push(Dropout::new(self.dropout, path / layers.len()));
        }
        let mut linear = Linear::spec(inputs, outputs).init(self.init);
        if self.init != Init::Default {
            linear = linear.zero_bias();
        }
        layers.push(linear.build(path / layers.len())?);
        Ok(())
    }

    /// Where the last `Linear` stands in the classifier.
    fn head_index(&self) -> usize {
        let dropout = usize::from(self.dropout > 0.0);
        match self.neck {
            Neck::GlobalAverage => 2 + dropout,
            Neck::Flatten(_) => 3 + 2 * dropout,
        }
    }

    fn check(&self) -> Result<(), NetError> {
        let wrong = |problem: String| {
            Err(NetError::Setting {
                network: "Cnn".into(),
                problem,
            })
        };
        let [channels, height, width] = self.image;
        if channels < 1 {
            return wrong(format!("images need at least 1 channel, got {channels}"));
        }
        let blocks = self.channels.len();
        if !(1..=16).contains(&blocks) {
            return wrong(format!("there must be 1 to 16 blocks, got {blocks}"));
        }
        let least = 1 << blocks;
        if height < least || width < least {
            return wrong(format!(
                "{blocks} blocks halve the image {blocks} times, so it must be at least {least} x {least} pixels, \
                 got {height} x {width}"
            ));
        }
        crate::layers::check_dropout("Cnn", self.dropout)
    }
}
