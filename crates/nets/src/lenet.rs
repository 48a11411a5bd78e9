//! LeNet-5: convolution, pooling, convolution, pooling, fully connected.
//!
//! LeCun, Bottou, Bengio, Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", Figure 2. Where the
//! paper's third layer sees only some of the maps before it, every layer here sees all of them; its trained
//! subsampling is plain average pooling, and its radial basis functions at the end are a `Linear`: so have all
//! who came after. Parameter names follow PyTorch's tutorial; layers without parameters, which have none there, are
//! `activation1` to `activation4`, `pool1` and `pool2`.

use tch::Tensor;

use crate::layers::{ActivationLayer, AvgPool2d, Conv2d, Layer, Linear};
use crate::model::module_t;
use crate::{Activation, Input, Model, ModelBase, NetError, Pass};

/// LeNet-5, 61,706 parameters with 10 classes: for grey images of 32 x 32 pixels, tanh between layers.
///
/// # Shapes
/// images `[N, 1, 32, 32]` (28 x 28 digits with a border of 2) -> logits `[N, num_classes]`
///
/// # Errors
/// [`NetError::Setting`] when `num_classes` is under 1.
pub fn lenet5(num_classes: i64) -> Result<LeNet, NetError> {
    LeNet::with(1, Activation::Tanh, num_classes)
}

/// The network that read the cheques of the nineties.
#[derive(Debug)]
pub struct LeNet {
    base: ModelBase,
    conv1: Conv2d,
    conv2: Conv2d,
    fc1: Linear,
    fc2: Linear,
    fc3: Linear,
    /// Behind each layer with parameters but the last
    activations: [ActivationLayer; 4],
    /// Behind both convolutions
    pools: [AvgPool2d; 2],
}

impl LeNet {
    /// LeNet-5 for images of so many channels, with another function between the layers.
    ///
    /// # Shapes
    /// images `[N, channels, 32, 32]` -> logits `[N, num_classes]`
    ///
    /// # Errors
    /// [`NetError::Setting`] when `channels` or `num_classes` is under 1.
    pub fn with(channels: i64, activation: Activation, num_classes: i64) -> Result<Self, NetError> {
        let input = Input::FixedImages {
            channels,
            height: 32,
            width: 32,
        };
        let base = ModelBase::new("lenet5", input, num_classes, "fc3")?
            .with_stages(["conv1", "pool1", "conv2", "pool2"]);
        let root = &base.root();
        let function = |number| {
            ActivationLayer::new(activation, root / format!("activation{number}")).inplace()
        };
        let pool = |number| AvgPool2d::new(2, 2, root / format!("pool{number}"));
        Ok(Self {
            conv1: Conv2d::spec(channels, 6, 5).build(root / "conv1")?,
            conv2: Conv2d::spec(6, 16, 5).build(root / "conv2")?,
            fc1: Linear::spec(16 * 5 * 5, 120).build(root / "fc1")?,
            fc2: Linear::spec(120, 84).build(root / "fc2")?,
            fc3: Linear::spec(84, num_classes).build(root / "fc3")?,
            activations: [1, 2, 3, 4].map(function),
            pools: [1, 2].map(pool),
            base,
        })
    }
}

impl Model for LeNet {
    fn base(&self) -> &ModelBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut ModelBase {
        &mut self.base
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let [activation1, activation2, activation3, activation4] = &self.activations;
        let [pool1, pool2] = &self.pools;
        let xs = self.conv1.forward(xs, pass)?; // [N, 6, 28, 28]
        let xs = activation1.forward(&xs, pass)?;
        let xs = pool1.forward(&xs, pass)?; // [N, 6, 14, 14]
        let xs = self.conv2.forward(&xs, pass)?; // [N, 16, 10, 10]
        let xs = activation2.forward(&xs, pass)?;
        let xs = pool2.forward(&xs, pass)?; // [N, 16, 5, 5]
        let xs = self.fc1.forward(&xs.f_flatten(1, -1)?, pass)?; // [N, 120]
        let xs = activation3.forward(&xs, pass)?;
        let xs = self.fc2.forward(&xs, pass)?; // [N, 84]
        let xs = activation4.forward(&xs, pass)?;
        self.fc3.forward(&xs, pass) // [N, num_classes]
    }

    fn set_head(&mut self, _: &str, layer: Linear) {
        self.fc3 = layer;
    }
}

module_t!(LeNet);
