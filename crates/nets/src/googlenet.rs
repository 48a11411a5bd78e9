//! GoogLeNet: several kernel sizes side by side, made affordable by 1x1 convolutions.
//!
//! Szegedy et al. 2014, "Going Deeper with Convolutions", arXiv 1409.4842, Table 1: first place of ImageNet 2014.
//! Parameter names and the departures from the paper follow torchvision: batch normalisation (eps 0.001) behind every
//! convolution instead of biases and local response normalisation, and a 3x3 kernel where the paper has a 5x5,
//! a slip that the published weights were trained with. [`GoogLeNetBuilder`] turns both back.

use tch::Tensor;

use crate::inception::{ConvBlock, InceptionAux, InceptionBlock, InceptionSpec};
use crate::layers::{AdaptiveAvgPool2d, Dropout, Layer, Linear, LocalResponseNorm, MaxPool2d};
use crate::model::module_t;
use crate::{Init, Input, Model, ModelBase, NetError, Pass};

/// GoogLeNet, 6.6 M parameters, 1.498 G multiply-adds at 224 pixels, without auxiliary heads.
///
/// # Shapes
/// images `[N, 3, H, W]`, f32, ImageNet-normalised, of at least 15 x 15 pixels -> logits `[N, num_classes]`
///
/// # Errors
/// [`NetError::Setting`] when `num_classes` is under 1.
pub fn googlenet(num_classes: i64) -> Result<GoogLeNet, NetError> {
    GoogLeNet::builder().build(num_classes)
}

/// Nine inception blocks.
///
/// # Shapes
/// images `[N, 3, H, W]` -> logits `[N, num_classes]`
#[derive(Debug)]
pub struct GoogLeNet {
    base: ModelBase,
    transform_input: bool,
    auxiliary: Vec<(String, f64)>,
    conv1: ConvBlock,
    maxpool1: MaxPool2d,
    norm1: Option<LocalResponseNorm>,
    conv2: ConvBlock,
    conv3: ConvBlock,
    norm2: Option<LocalResponseNorm>,
    maxpool2: MaxPool2d,
    inception3a: InceptionBlock,
    inception3b: InceptionBlock,
    maxpool3: MaxPool2d,
    inception4a: InceptionBlock,
    inception4b: InceptionBlock,
    inception4c: InceptionBlock,
    inception4d: InceptionBlock,
    inception4e: InceptionBlock,
    maxpool4: MaxPool2d,
    inception5a: InceptionBlock,
    inception5b: InceptionBlock,
    aux1: Option<InceptionAux>,
    aux2: Option<InceptionAux>,
    avgpool: AdaptiveAvgPool2d,
    dropout: Dropout,
    fc: Linear,
}

impl GoogLeNet {
    /// Settings to depart from torchvision's.
    pub fn builder() -> GoogLeNetBuilder {
        GoogLeNetBuilder::default()
    }

    /// Turns ImageNet-normalised channels into the range -1 to 1, which the published weights were trained with.
    fn transform(&self, xs: &Tensor) -> Result<Tensor, NetError> {
        if !self.transform_input {
            return Ok(xs.shallow_clone());
        }
        let per_channel = |values: [f64; 3]| {
            let values = Tensor::f_from_slice(&values)?.f_to_kind(xs.kind())?;
            values.f_to_device(xs.device())?.f_view([1, 3, 1, 1])
        };
        let scale = per_channel([0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5])?;
        let shift = per_channel([
            (0.485 - 0.5) / 0.5,
            (0.456 - 0.5) / 0.5,
            (0.406 - 0.5) / 0.5,
        ])?;
        Ok(xs.f_mul(&scale)?.f_add(&shift)?)
    }

    /// The logits, and in training those of both auxiliary heads.
    fn run(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<(Tensor, Vec<Tensor>), NetError> {
        let mut auxiliary = Vec::new();
        let mut listen = |head: &Option<InceptionAux>, xs: &Tensor, pass: &mut Pass<'_>| {
            if let Some(head) = head
                && pass.train()
            {
                auxiliary.push(head.forward(xs, pass)?);
            }
            Ok::<_, NetError>(())
        };
        let xs = self.transform(xs)?; // [N, 3, H, W]
        let xs = self.conv1.forward(&xs, pass)?; // [N, 64, H/2, W/2]
        let xs = self.maxpool1.forward(&xs, pass)?; // [N, 64, H/4, W/4]
        let xs = optional(&self.norm1, xs, pass)?;
        let xs = self.conv2.forward(&xs, pass)?;
        let xs = self.conv3.forward(&xs, pass)?; // [N, 192, H/4, W/4]
        let xs = optional(&self.norm2, xs, pass)?;
        let xs = self.maxpool2.forward(&xs, pass)?; // [N, 192, H/8, W/8]
        let xs = self.inception3a.forward(&xs, pass)?; // [N, 256, H/8, W/8]
        let xs = self.inception3b.forward(&xs, pass)?; // [N, 480, H/8, W/8]
        let xs = self.maxpool3.forward(&xs, pass)?; // [N, 480, H/16, W/16]
        let xs = self.inception4a.forward(&xs, pass)?; // [N, 512, H/16, W/16]
        listen(&self.aux1, &xs, pass)?;
        let xs = self.inception4b.forward(&xs, pass)?; // [N, 512, H/16, W/16]
        let xs = self.inception4c.forward(&xs, pass)?; // [N, 512, H/16, W/16]
        let xs = self.inception4d.forward(&xs, pass)?; // [N, 528, H/16, W/16]
        listen(&self.aux2, &xs, pass)?;
        let xs = self.inception4e.forward(&xs, pass)?; // [N, 832, H/16, W/16]
        let xs = self.maxpool4.forward(&xs, pass)?; // [N, 832, H/32, W/32]
        let xs = self.inception5a.forward(&xs, pass)?; // [N, 832, H/32, W/32]
        let xs = self.inception5b.forward(&xs, pass)?; // [N, 1024, H/32, W/32]
        let xs = self.avgpool.forward(&xs, pass)?; // [N, 1024, 1, 1]
        let xs = self.dropout.forward(&xs.f_flatten(1, -1)?, pass)?; // [N, 1024]
        let logits = self.fc.forward(&xs, pass)?; // [N, num_classes]
        Ok((logits, auxiliary))
    }
}

impl Model for GoogLeNet {
    fn base(&self) -> &ModelBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut ModelBase {
        &mut self.base
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        Ok(self.run(xs, pass)?.0)
    }

    fn auxiliary(&self) -> &[(String, f64)] {
        &self.auxiliary
    }

    fn training_outputs(&self, xs: &Tensor) -> Result<(Tensor, Vec<Tensor>), NetError> {
        self.check(xs)?;
        self.run(xs, &mut Pass::new(true))
    }

    fn set_head(&mut self, name: &str, layer: Linear) {
        match (name, &mut self.aux1, &mut self.aux2) {
            ("aux1.fc2", Some(head), _) | ("aux2.fc2", _, Some(head)) => head.set_head(layer),
            _ => self.fc = layer,
        }
    }
}

module_t!(GoogLeNet);

fn optional<L: Layer>(
    layer: &Option<L>,
    xs: Tensor,
    pass: &mut Pass<'_>,
) -> Result<Tensor, NetError> {
    match layer {
        Some(layer) => layer.forward(&xs, pass),
        None => Ok(xs),
    }
}

/// The settings of a [`GoogLeNet`]; made by [`GoogLeNet::builder`].
#[derive(Clone, Debug)]
pub struct GoogLeNetBuilder {
    aux_logits: bool,
    transform_input: bool,
    true_5x5: bool,
    local_response_norm: bool,
    dropout: f64,
}

impl Default for GoogLeNetBuilder {
    fn default() -> Self {
        Self {
            aux_logits: false,
            transform_input: false,
            true_5x5: false,
            local_response_norm: false,
            dropout: 0.2,
        }
    }
}

impl GoogLeNetBuilder {
    /// Adds two heads half-way that help the gradient to reach the early layers (section 5 of the paper); their
    /// losses count 0.3 each. 13.0 M parameters then. Default: false.
    ///
    /// The published weights contain them: load into a network that has them.
    pub fn aux_logits(mut self, on: bool) -> Self {
        self.aux_logits = on;
        self
    }

    /// Turns ImageNet-normalised images into the range -1 to 1, as the published weights need it. Default: false.
    pub fn transform_input(mut self, on: bool) -> Self {
        self.transform_input = on;
        self
    }

    /// The paper's 5x5 kernels in the third branch, where torchvision has 3x3: 380,928 parameters more.
    /// Default: false.
    pub fn true_5x5(mut self, on: bool) -> Self {
        self.true_5x5 = on;
        self
    }

    /// The paper's local response normalisation, behind the first pool and before the second. Default: false.
    pub fn local_response_norm(mut self, on: bool) -> Self {
        self.local_response_norm = on;
        self
    }

    /// The part of the features, 0 to 1, that training sets to zero before the head. Default: 0.2, as torchvision;
    /// the paper has 0.4.
    pub fn dropout(mut self, rate: f64) -> Self {
        self.dropout = rate;
        self
    }

    /// Makes the network, for so many classes. Weights start normal with standard deviation 0.01.
    ///
    /// # Errors
    /// [`NetError::Setting`] when `num_classes` is under 1 or the dropout rate is not within 0-1.
    pub fn build(&self, num_classes: i64) -> Result<GoogLeNet, NetError> {
        crate::layers::check_dropout("GoogLeNet", self.dropout)?;
        let base = self.base(num_classes)?;
        let root = &base.root();
        // Table 1 of the paper: input, #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
        let inception = |name: &str, sizes: [i64; 7]| {
            let spec = InceptionSpec::new(sizes).true_5x5(self.true_5x5);
            spec.build(root / name)
        };
        let pool = |name: &str, kernel| MaxPool2d::new(kernel, 2, root / name).ceil_mode();
        let norm = |name: &str| {
            let layer = LocalResponseNorm::new(root / name);
            self.local_response_norm.then_some(layer)
        };
        Ok(GoogLeNet {
            transform_input: self.transform_input,
            conv1: ConvBlock::new(3, 64, 7, 2, root / "conv1")?,
            maxpool1: pool("maxpool1", 3),
            norm1: norm("norm1"),
            conv2: ConvBlock::new(64, 64, 1, 1, root / "conv2")?,
            conv3: ConvBlock::new(64, 192, 3, 1, root / "conv3")?,
            norm2: norm("norm2"),
            maxpool2: pool("maxpool2", 3),
            inception3a: inception("inception3a", [192, 64, 96, 128, 16, 32, 32])?,
            inception3b: inception("inception3b", [256, 128, 128, 192, 32, 96, 64])?,
            maxpool3: pool("maxpool3", 3),
            inception4a: inception("inception4a", [480, 192, 96, 208, 16, 48, 64])?,
            inception4b: inception("inception4b", [512, 160, 112, 224, 24, 64, 64])?,
            inception4c: inception("inception4c", [512, 128, 128, 256, 24, 64, 64])?,
            inception4d: inception("inception4d", [512, 112, 144, 288, 32, 64, 64])?,
            inception4e: inception("inception4e", [528, 256, 160, 320, 32, 128, 128])?,
            maxpool4: pool("maxpool4", 2),
            inception5a: inception("inception5a", [832, 256, 160, 320, 32, 128, 128])?,
            inception5b: inception("inception5b", [832, 384, 192, 384, 48, 128, 128])?,
            aux1: self.auxiliary(512, num_classes, root / "aux1")?,
            aux2: self.auxiliary(528, num_classes, root / "aux2")?,
            avgpool: AdaptiveAvgPool2d::new(1, root / "avgpool"),
            dropout: Dropout::new(self.dropout, root / "dropout"),
            fc: Linear::spec(1024, num_classes)
                .init(Init::Normal(0.01))
                .build(root / "fc")?,
            auxiliary: match self.aux_logits {
                true => vec![("aux1.fc2".into(), 0.3), ("aux2.fc2".into(), 0.3)],
                false => Vec::new(),
            },
            base,
        })
    }

    fn base(&self, num_classes: i64) -> Result<ModelBase, NetError> {
        let input = Input::Images {
            channels: 3,
            at_least: 15,
        };
        let heads: &[&str] = match self.aux_logits {
            true => &["aux1.fc2", "aux2.fc2"],
            false => &[],
        };
        let base = ModelBase::new("googlenet", input, num_classes, "fc")?.with_stages([
            "conv1",
            "conv3",
            "inception3b",
            "inception4e",
            "inception5b",
        ]);
        Ok(base.with_more_heads(heads))
    }

    fn auxiliary(
        &self,
        in_channels: i64,
        num_classes: i64,
        path: tch::nn::Path,
    ) -> Result<Option<InceptionAux>, NetError> {
        match self.aux_logits {
            true => Ok(Some(InceptionAux::new(in_channels, num_classes, path)?)),
            false => Ok(None),
        }
    }
}
