//! The multilayer perceptron: fully connected layers with an activation between them.
//!
//! Rumelhart, Hinton, Williams 1986, "Learning representations by back-propagating errors".

use tch::Tensor;

use crate::layers::{
    ActivationLayer, BatchNorm1d, Dropout, Layer, Linear, LinearSpec, Sequential, check_dropout,
    positive,
};
use crate::model::module_t;
use crate::{Activation, Init, Input, Model, ModelBase, NetError, Pass};

/// A multilayer perceptron: `Linear`, batch normalisation if asked for, activation and, if asked for, dropout for
/// each hidden layer, then a last `Linear`.
///
/// # Shapes
/// `[N, in_features]` -> `[N, out_features]`, of the kind and on the device of its parameters (f32)
///
/// # Names
/// Parameters are called as in PyTorch's
///
/// ```python
/// self.layers = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
/// ```
///
/// that is `layers.0.weight`, `layers.0.bias`, `layers.2.weight`, `layers.2.bias`: activations and
/// dropouts take a number too.
#[derive(Debug)]
pub struct Mlp {
    base: ModelBase,
    layers: Sequential,
}

impl Mlp {
    /// Starts a perceptron that makes `out_features` numbers out of `in_features`.
    ///
    /// Without further settings it has no hidden layer: one `Linear`.
    ///
    /// ```
    /// # use nets::{Activation, Mlp, Model};
    /// # fn main() -> Result<(), nets::NetError> {
    /// let net = Mlp::builder(784, 10).hidden(&[128, 64]).activation(Activation::Gelu).build()?;
    /// assert_eq!(net.parameters(), 109_386);
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(in_features: i64, out_features: i64) -> MlpBuilder {
        MlpBuilder {
            in_features,
            out_features,
            hidden: Vec::new(),
            activation: Activation::Relu,
            init: Init::Default,
            batch_norm: false,
            dropout: 0.0,
        }
    }
}

impl Model for Mlp {
    fn base(&self) -> &ModelBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut ModelBase {
        &mut self.base
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        self.layers.forward(xs, pass)
    }

    fn set_head(&mut self, _: &str, layer: Linear) {
        self.layers.replace_last(layer);
    }
}

module_t!(Mlp);

/// The settings of an [`Mlp`]; made by [`Mlp::builder`].
#[derive(Clone, Debug)]
pub struct MlpBuilder {
    in_features: i64,
    out_features: i64,
    hidden: Vec<i64>,
    activation: Activation,
    init: Init,
    batch_norm: bool,
    dropout: f64,
}

impl MlpBuilder {
    /// The sizes of the hidden layers, from the input on. Default: none.
    pub fn hidden(mut self, sizes: &[i64]) -> Self {
        self.hidden = sizes.to_vec();
        self
    }

    /// The function behind each hidden layer. Default: [`Activation::Relu`].
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// How the weights start. Default: [`Init::Default`], PyTorch's `nn.Linear`, biases included; with anything
    /// else the biases start at 0.
    pub fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }

    /// Whether batch normalisation stands between each hidden layer and its activation. Default: false.
    pub fn batch_norm(mut self, on: bool) -> Self {
        self.batch_norm = on;
        self
    }

    /// The part of values, 0 to 1, that training sets to zero behind each hidden layer's activation. Default: 0.
    pub fn dropout(mut self, rate: f64) -> Self {
        self.dropout = rate;
        self
    }

    /// Makes the network.
    ///
    /// # Errors
    /// [`NetError::Setting`] when a size is under 1 or the dropout rate is not within 0-1.
    pub fn build(&self) -> Result<Mlp, NetError> {
        self.check()?;
        let layers_of_hidden = 2 + usize::from(self.batch_norm) + usize::from(self.dropout > 0.0);
        let head = format!("layers.{}", self.hidden.len() * layers_of_hidden);
        let hidden = 0..self.hidden.len();
        let activations = hidden.map(|index| {
            let place = index * layers_of_hidden + 1 + usize::from(self.batch_norm);
            format!("layers.{place}")
        });
        let input = Input::Features(self.in_features);
        let base = ModelBase::new("Mlp", input, self.out_features, &head)?.with_stages(activations);
        let path = base.root() / "layers";
        let mut layers = Sequential::new(&path);
        let mut features = self.in_features;
        for &size in &self.hidden {
            layers.push(self.linear(features, size).build(&path / layers.len())?);
            if self.batch_norm {
                layers.push(BatchNorm1d::new(size, &path / layers.len())?);
            }
            layers.push(ActivationLayer::new(self.activation, &path / layers.len()).inplace());
            if self.dropout > 0.0 {
                layers.push(Dropout::new(self.dropout, &path / layers.len()));
            }
            features = size;
        }
        layers.push(
            self.linear(features, self.out_features)
                .build(&path / layers.len())?,
        );
        Ok(Mlp { base, layers })
    }

    fn linear(&self, inputs: i64, outputs: i64) -> LinearSpec {
        let linear = Linear::spec(inputs, outputs).init(self.init);
        match self.init {
            Init::Default => linear,
            _ => linear.zero_bias(),
        }
    }

    fn check(&self) -> Result<(), NetError> {
        let sizes = [
            ("in_features", self.in_features),
            ("out_features", self.out_features),
        ];
        let hidden = self
            .hidden
            .iter()
            .map(|&size| ("the size of a hidden layer", size));
        positive("Mlp", sizes.into_iter().chain(hidden))?;
        check_dropout("Mlp", self.dropout)
    }
}

#[cfg(test)]
mod tests {
    use tch::nn::ModuleT;
    use tch::{Device, Kind};

    use super::*;

    const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

    fn message(xs: &Tensor) -> String {
        Mlp::builder(784, 10)
            .hidden(&[8])
            .build()
            .unwrap()
            .try_forward_t(xs, false)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn names_and_count_are_those_of_the_sequence() {
        // m = nn.Sequential(nn.Linear(784, 128), nn.GELU(), nn.Dropout(0.5), nn.Linear(128, 64), nn.GELU(),
        //                   nn.Dropout(0.5), nn.Linear(64, 10))
        // sum(p.numel() for p in m.parameters()); list(m.state_dict())
        let net = Mlp::builder(784, 10)
            .hidden(&[128, 64])
            .dropout(0.5)
            .build()
            .unwrap();
        assert_eq!(net.parameters(), 109_386);
        let expected = [
            "0.weight", "0.bias", "3.weight", "3.bias", "6.weight", "6.bias",
        ];
        assert_eq!(
            net.state_dict().names(),
            expected.map(|name| format!("layers.{name}"))
        );
        assert_eq!(net.head(), "layers.6");
        assert_eq!(net.stages(), ["layers.1", "layers.4"]);
    }

    #[test]
    fn weights_start_within_pytorchs_bound() {
        let net = Mlp::builder(400, 300).build().unwrap();
        for (name, values) in net.var_store().variables() {
            let largest = values.abs().max().double_value(&[]);
            assert!(largest <= 0.05 && largest > 0.049, "{name}: {largest}"); // 1 / sqrt(400)
        }
    }

    #[test]
    fn dropout_works_in_training_only() {
        let net = Mlp::builder(4, 1)
            .hidden(&[64])
            .dropout(0.5)
            .build()
            .unwrap();
        let xs = Tensor::ones([1, 4], CPU);
        let once = |train| net.forward_t(&xs, train).double_value(&[0, 0]);
        assert_eq!(once(false), once(false));
        assert!((0..10).any(|_| once(true) != once(true)));
    }

    #[test]
    fn wrong_inputs_are_explained() {
        assert_eq!(
            message(&Tensor::zeros([784], CPU)),
            "Mlp: expected [N, 784], got [784]: add a batch dimension with unsqueeze(0)"
        );
        assert_eq!(
            message(&Tensor::zeros([32, 1, 28, 28], CPU)),
            "Mlp: expected [N, 784], got [32, 1, 28, 28]: make one row of each sample with flatten(1, -1)"
        );
        assert_eq!(
            message(&Tensor::zeros([32, 100], CPU)),
            "Mlp: expected [N, 784], got [32, 100]"
        );
        assert_eq!(
            message(&Tensor::zeros([32, 784], (Kind::Uint8, Device::Cpu))),
            "Mlp: expected Kind::Float, got Kind::Uint8: convert with to_kind(Kind::Float) / 255"
        );
        assert!(message(&Tensor::from(1.0f32)).ends_with("got []"));
        assert!(message(&Tensor::new()).contains("undefined"));
    }

    #[test]
    #[should_panic(
        expected = "Mlp: expected [N, 784], got [784]: add a batch dimension with unsqueeze(0)"
    )]
    fn a_wrong_input_is_a_clear_panic_where_there_is_no_result() {
        let net = Mlp::builder(784, 10).build().unwrap();
        let _ = net.forward_t(&Tensor::zeros([784], CPU), false);
    }

    #[test]
    fn an_empty_batch_is_a_batch() {
        let net = Mlp::builder(784, 10).hidden(&[8]).build().unwrap();
        assert_eq!(
            net.forward_t(&Tensor::zeros([0, 784], CPU), true).size(),
            [0, 10]
        );
    }

    #[test]
    fn impossible_settings_are_refused() {
        let message = |builder: MlpBuilder| builder.build().unwrap_err().to_string();
        assert_eq!(
            message(Mlp::builder(0, 10)),
            "Mlp: in_features must be at least 1, got 0"
        );
        assert!(
            message(Mlp::builder(3, 10).hidden(&[5, -1]))
                .contains("a hidden layer must be at least 1, got -1")
        );
        assert!(message(Mlp::builder(3, 10).dropout(1.5)).contains("within 0 and 1, got 1.5"));
        assert!(message(Mlp::builder(3, 10).dropout(f64::NAN)).contains("NaN"));
    }

    #[test]
    fn debug_shows_the_layers_as_pytorch_does() {
        let net = Mlp::builder(784, 10)
            .hidden(&[128])
            .dropout(0.2)
            .build()
            .unwrap();
        let expected = "\
Mlp {
    base: Mlp, 101,770 parameters, 10 classes,
    layers: Sequential [
        Linear(in_features=784, out_features=128),
        ReLU(inplace=true),
        Dropout(p=0.2),
        Linear(in_features=128, out_features=10),
    ],
}";
        assert_eq!(format!("{net:#?}"), expected);
    }
}
