//! The multilayer perceptron: fully connected layers with an activation between them.
//!
//! Rumelhart, Hinton, Williams 1986, "Learning representations by back-propagating errors".

use std::fmt;

use tch::nn::{self, Init, ModuleT};
use tch::{TchError, Tensor};

use crate::{Activation, NetError};

const NAME: &str = "Mlp";

/// A multilayer perceptron: `Linear`, activation and, if asked for, dropout for each hidden layer, then a
/// last `Linear`.
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
pub struct Mlp {
    layers: Vec<Layer>,
    in_features: i64,
}

/// One entry of the sequence.
enum Layer {
    Linear(nn::Linear),
    Activation(Activation),
    Dropout(f64),
}

impl Mlp {
    /// Starts a perceptron that makes `out_features` numbers out of `in_features`.
    ///
    /// Without further settings it has no hidden layer: one `Linear`.
    ///
    /// ```
    /// # use nets::{Activation, Mlp};
    /// # fn main() -> Result<(), nets::NetError> {
    /// let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// let net = Mlp::builder(784, 10).hidden(&[128, 64]).activation(Activation::Gelu).build(&vs.root())?;
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
            dropout: 0.0,
        }
    }

    /// How many numbers the network learns: all weights and biases.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(Layer::parameters).sum()
    }

    /// The output for a batch; `train` turns dropout on.
    ///
    /// # Shapes
    /// `[N, in_features]` -> `[N, out_features]`
    ///
    /// # Errors
    /// [`NetError::Input`] when the batch has another shape, kind or device than the network takes.
    pub fn try_forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor, NetError> {
        self.check(xs)?;
        let mut xs = xs.shallow_clone(); // [N, in_features]
        for layer in &self.layers {
            xs = layer.forward(&xs, train).map_err(torch)?; // [N, features of the layer]
        }
        Ok(xs)
    }

    /// Says what is wrong with a batch before torch does, in fewer words.
    fn check(&self, xs: &Tensor) -> Result<(), NetError> {
        let wrong = |expected: String, found: String, hint: &str| {
            Err(NetError::Input {
                network: NAME,
                expected,
                found,
                hint: hint.into(),
            })
        };
        let features = self.in_features;
        if !xs.defined() {
            return wrong(format!("[N, {features}]"), "an undefined tensor".into(), "");
        }
        let size = xs.size();
        if size.len() != 2 || size[1] != features {
            let hint = match size.as_slice() {
                [n] if *n == features => ": add a batch dimension with unsqueeze(0)",
                [n, ..]
                    if size.len() > 2
                        && size[1..].iter().product::<i64>() == features
                        && *n > 0 =>
                {
                    ": make one row of each sample with flatten(1, -1)"
                }
                _ => "",
            };
            return wrong(format!("[N, {features}]"), format!("{size:?}"), hint);
        }
        let Some(Layer::Linear(first)) = self.layers.first() else {
            return Ok(());
        };
        let (mine, theirs) = (
            first.ws.f_kind().map_err(torch)?,
            xs.f_kind().map_err(torch)?,
        );
        if mine != theirs {
            let hint = format!(": convert with to_kind(Kind::{mine:?})");
            return wrong(
                format!("Kind::{mine:?}"),
                format!("Kind::{theirs:?}"),
                &hint,
            );
        }
        if first.ws.device() != xs.device() {
            let hint = ": move the batch with to_device(vs.device())";
            return wrong(
                format!("a batch on {:?}", first.ws.device()),
                format!("one on {:?}", xs.device()),
                hint,
            );
        }
        Ok(())
    }
}

impl ModuleT for Mlp {
    /// The same as [`Mlp::try_forward_t`], for callers that have no place for an error.
    ///
    /// # Panics
    /// With the message of [`NetError::Input`] when the batch does not fit.
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        match self.try_forward_t(xs, train) {
            Ok(ys) => ys,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Layer {
    fn forward(&self, xs: &Tensor, train: bool) -> Result<Tensor, TchError> {
        match self {
            Self::Linear(linear) => xs.f_linear(&linear.ws, linear.bs.as_ref()),
            Self::Activation(activation) => Ok(activation.apply(xs)),
            Self::Dropout(rate) => xs.f_dropout(*rate, train),
        }
    }

    fn parameters(&self) -> usize {
        match self {
            Self::Linear(linear) => linear.ws.numel() + linear.bs.as_ref().map_or(0, Tensor::numel),
            Self::Activation(_) | Self::Dropout(_) => 0,
        }
    }
}

/// The settings of an [`Mlp`]; made by [`Mlp::builder`].
#[derive(Clone, Debug)]
pub struct MlpBuilder {
    in_features: i64,
    out_features: i64,
    hidden: Vec<i64>,
    activation: Activation,
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

    /// The part of values, 0 to 1, that training sets to zero behind each hidden layer's activation. Default: 0.
    pub fn dropout(mut self, rate: f64) -> Self {
        self.dropout = rate;
        self
    }

    /// Makes the network, its parameters below `path`.
    ///
    /// They start as PyTorch's `nn.Linear` does: weights uniform within 1 / sqrt(inputs of the layer)
    /// (`kaiming_uniform` with a = sqrt 5), biases within the same bound.
    ///
    /// # Errors
    /// [`NetError::Setting`] when a size is under 1 or the dropout rate is not within 0-1.
    pub fn build(&self, path: &nn::Path) -> Result<Mlp, NetError> {
        self.check()?;
        let path = path / "layers";
        let mut layers = Vec::new();
        let mut features = self.in_features;
        for &size in &self.hidden {
            layers.push(Layer::Linear(linear(&path / layers.len(), features, size)?));
            layers.push(Layer::Activation(self.activation));
            if self.dropout > 0.0 {
                layers.push(Layer::Dropout(self.dropout));
            }
            features = size;
        }
        layers.push(Layer::Linear(linear(
            &path / layers.len(),
            features,
            self.out_features,
        )?));
        Ok(Mlp {
            layers,
            in_features: self.in_features,
        })
    }

    fn check(&self) -> Result<(), NetError> {
        let wrong = |problem: String| {
            Err(NetError::Setting {
                network: NAME,
                problem,
            })
        };
        let sizes = [
            ("in_features", self.in_features),
            ("out_features", self.out_features),
        ];
        let hidden = self
            .hidden
            .iter()
            .map(|&size| ("the size of a hidden layer", size));
        for (name, size) in sizes.into_iter().chain(hidden) {
            if size < 1 {
                return wrong(format!("{name} must be at least 1, got {size}"));
            }
        }
        if !(0.0..=1.0).contains(&self.dropout) {
            return wrong(format!(
                "the dropout rate must be within 0 and 1, got {}",
                self.dropout
            ));
        }
        Ok(())
    }
}

/// A linear layer that starts as PyTorch's does; tch's own starts sqrt 6 times wider.
fn linear(path: nn::Path, inputs: i64, outputs: i64) -> Result<nn::Linear, NetError> {
    let bound = 1.0 / (inputs as f64).sqrt();
    let init = Init::Uniform {
        lo: -bound,
        up: bound,
    };
    // Weights first: the same seed then gives PyTorch's numbers.
    let ws = path
        .f_var("weight", &[outputs, inputs], init)
        .map_err(torch)?;
    let bs = path.f_var("bias", &[outputs], init).map_err(torch)?;
    Ok(nn::Linear { ws, bs: Some(bs) })
}

/// The first line of what torch said; the rest is a C++ backtrace.
fn torch(error: TchError) -> NetError {
    let problem = error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    NetError::Torch {
        network: NAME,
        problem,
    }
}

/// One line a layer: name, kind, sizes, parameters.
impl fmt::Debug for Mlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mlp, {} parameters", grouped(self.parameters()))?;
        for (index, layer) in self.layers.iter().enumerate() {
            let name = format!("layers.{index}");
            match layer {
                Layer::Linear(linear) => {
                    let (outputs, inputs) = linear.ws.size2().unwrap_or_default();
                    let sizes = format!("{inputs} -> {outputs}");
                    write!(
                        f,
                        "\n  {name:<10} Linear   {sizes:<14} {:>12}",
                        grouped(layer.parameters())
                    )?;
                }
                Layer::Activation(activation) => write!(f, "\n  {name:<10} {}", activation.name())?,
                Layer::Dropout(rate) => write!(f, "\n  {name:<10} Dropout  {rate}")?,
            }
        }
        Ok(())
    }
}

/// 1234567 as 1,234,567.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    //! Expected numbers come from PyTorch 1.13; the Python stands beside them.

    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::*;
    use tch::{Device, Kind};

    const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

    /// Random numbers come from one generator for the whole process: tests that draw any take turns.
    fn alone() -> MutexGuard<'static, ()> {
        static TURN: Mutex<()> = Mutex::new(());
        TURN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn build(builder: MlpBuilder) -> (nn::VarStore, Mlp) {
        let vs = nn::VarStore::new(Device::Cpu);
        let net = builder.build(&vs.root()).unwrap();
        (vs, net)
    }

    fn message(xs: &Tensor) -> String {
        build(Mlp::builder(784, 10).hidden(&[8]))
            .1
            .try_forward_t(xs, false)
            .unwrap_err()
            .to_string()
    }

    fn assert_close(found: &Tensor, expected: &[f64]) {
        let found: Vec<f64> = Vec::try_from(found.flatten(0, -1)).unwrap();
        assert_eq!(found.len(), expected.len());
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(f, e)| (f - e).abs() < 1e-6),
            "{found:?} {expected:?}"
        );
    }

    #[test]
    fn the_same_seed_gives_the_outputs_of_pytorch() {
        let _turn = alone();
        // torch.manual_seed(0)
        // net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))    # nn.Sigmoid(), nn.Tanh(), nn.GELU()
        // net(torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]]))
        let xs = Tensor::from_slice(&[1.0f32, 2.0, 3.0, -1.0, 0.5, 0.0]).view([2, 3]);
        let pytorch = [
            (
                Activation::Relu,
                [-0.25428167, 0.00018059462, -0.08138131, 0.052667346],
            ),
            (
                Activation::Sigmoid,
                [-0.23987684, 0.29533803, -0.12274043, 0.44179296],
            ),
            (
                Activation::Tanh,
                [-0.50774884, -0.6050399, -0.12890215, -0.12413292],
            ),
            (
                Activation::Gelu,
                [-0.2416603, -0.13411048, -0.097984716, -0.01926358],
            ),
        ];
        for (activation, expected) in pytorch {
            tch::manual_seed(0);
            let (vs, net) = build(Mlp::builder(3, 2).hidden(&[4]).activation(activation));
            assert_close(&net.forward_t(&xs, true), &expected);
            if activation == Activation::Relu {
                // net(xs).pow(2).mean().backward(); net[0].weight.grad
                net.forward_t(&xs, true)
                    .square()
                    .mean(Kind::Float)
                    .backward();
                let gradient = vs.variables()["layers.0.weight"].grad();
                assert_close(&gradient.get(2), &[0.03200451, 0.091717012, 0.12926312]);
            }
        }
    }

    #[test]
    fn names_and_count_are_those_of_the_sequence() {
        let _turn = alone();
        // m = nn.Sequential(nn.Linear(784, 128), nn.GELU(), nn.Dropout(0.5), nn.Linear(128, 64), nn.GELU(),
        //                   nn.Dropout(0.5), nn.Linear(64, 10))
        // sum(p.numel() for p in m.parameters()); list(m.state_dict())
        let (vs, net) = build(Mlp::builder(784, 10).hidden(&[128, 64]).dropout(0.5));
        assert_eq!(net.parameters(), 109_386);
        let mut names: Vec<_> = vs.variables().into_keys().collect();
        names.sort();
        let expected = [
            "0.bias", "0.weight", "3.bias", "3.weight", "6.bias", "6.weight",
        ];
        assert_eq!(names, expected.map(|name| format!("layers.{name}")));
    }

    #[test]
    fn weights_start_within_pytorchs_bound() {
        let _turn = alone();
        let (vs, _) = build(Mlp::builder(400, 300));
        for (name, values) in vs.variables() {
            let largest = values.abs().max().double_value(&[]);
            assert!(largest <= 0.05 && largest > 0.049, "{name}: {largest}"); // 1 / sqrt(400)
        }
    }

    #[test]
    fn dropout_works_in_training_only() {
        let _turn = alone();
        let (_vs, net) = build(Mlp::builder(4, 1).hidden(&[64]).dropout(0.5));
        let xs = Tensor::ones([1, 4], CPU);
        let once = |train| net.forward_t(&xs, train).double_value(&[0, 0]);
        assert_eq!(once(false), once(false));
        assert!((0..10).any(|_| once(true) != once(true)));
    }

    #[test]
    fn wrong_inputs_are_explained() {
        let _turn = alone();
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
            "Mlp: expected Kind::Float, got Kind::Uint8: convert with to_kind(Kind::Float)"
        );
        assert!(message(&Tensor::from(1.0f32)).ends_with("got []"));
        assert!(message(&Tensor::new()).contains("undefined"));
    }

    #[test]
    #[should_panic(
        expected = "Mlp: expected [N, 784], got [784]: add a batch dimension with unsqueeze(0)"
    )]
    fn a_wrong_input_is_a_clear_panic_where_there_is_no_result() {
        let _turn = alone();
        let (_vs, net) = build(Mlp::builder(784, 10));
        let _ = net.forward_t(&Tensor::zeros([784], CPU), false);
    }

    #[test]
    fn an_empty_batch_is_a_batch() {
        let _turn = alone();
        let (_vs, net) = build(Mlp::builder(784, 10).hidden(&[8]));
        assert_eq!(
            net.forward_t(&Tensor::zeros([0, 784], CPU), true).size(),
            [0, 10]
        );
    }

    #[test]
    fn impossible_settings_are_refused() {
        let message = |builder: MlpBuilder| {
            builder
                .build(&nn::VarStore::new(Device::Cpu).root())
                .unwrap_err()
                .to_string()
        };
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
    fn debug_is_a_summary() {
        let _turn = alone();
        let (_vs, net) = build(Mlp::builder(784, 10).hidden(&[128]).dropout(0.2));
        let expected = "\
Mlp, 101,770 parameters
  layers.0   Linear   784 -> 128          100,480
  layers.1   ReLU
  layers.2   Dropout  0.2
  layers.3   Linear   128 -> 10             1,290";
        assert_eq!(format!("{net:?}"), expected);
        assert_eq!(format!("{net:#?}"), expected);
    }
}
