//! [`Model`]: what every architecture can do.

use std::collections::BTreeMap;
use std::fmt;

use tch::{Device, Tensor, nn};

use crate::layers::Linear;
use crate::weights::{LoadReport, StateDict};
use crate::{Input, ModelBase, NetError, Pass, Visit};

/// A network: layers, their weights, and what can be asked of them.
///
/// An architecture writes the four methods without a body, most of them one line; the rest comes with it. One of your
/// own:
///
/// ```
/// use nets::layers::{Conv2d, Linear};
/// use nets::{Input, Layer, Model, ModelBase, NetError, Pass};
/// use tch::{Kind, Tensor};
///
/// #[derive(Debug)]
/// struct Tiny { base: ModelBase, conv: Conv2d, fc: Linear }
///
/// impl Tiny {
///     fn new(num_classes: i64) -> Result<Self, NetError> {
///         let input = Input::Images { channels: 3, at_least: 3 };
///         let base = ModelBase::new("tiny", input, num_classes, "fc")?;
///         Ok(Self {
///             conv: Conv2d::spec(3, 8, 3).build(base.root() / "conv")?,
///             fc: Linear::spec(8, num_classes).build(base.root() / "fc")?,
///             base,
///         })
///     }
/// }
///
/// impl Model for Tiny {
///     fn base(&self) -> &ModelBase { &self.base }
///     fn base_mut(&mut self) -> &mut ModelBase { &mut self.base }
///     fn compute(&self, xs: &Tensor, pass: &mut Pass) -> Result<Tensor, NetError> {
///         let xs = self.conv.forward(xs, pass)?.relu();             // [N, 8, H - 2, W - 2]
///         let xs = xs.mean_dim([2, 3].as_slice(), false, Kind::Float); // [N, 8]
///         self.fc.forward(&xs, pass)                                // [N, num_classes]
///     }
///     fn set_head(&mut self, _name: &str, layer: Linear) { self.fc = layer; }
/// }
///
/// # fn main() -> Result<(), NetError> {
/// let mut net = Tiny::new(10)?;
/// net.replace_head(3)?;
/// assert_eq!(net.state_dict().names(), ["conv.weight", "conv.bias", "fc.weight", "fc.bias"]);
/// assert_eq!(nets::summary(&net, &[1, 3, 8, 8])?.parameters, 251);
/// # Ok(())
/// # }
/// ```
pub trait Model: fmt::Debug + Send {
    /// What the network knows of itself, weights included.
    fn base(&self) -> &ModelBase;

    /// The same, to be changed.
    fn base_mut(&mut self) -> &mut ModelBase;

    /// From a batch that fits [`Model::input`] to logits, `[N, num_classes]`, layer by layer.
    ///
    /// This is the architecture itself. Call [`try_forward_t`](Self::try_forward_t), which looks at the batch first.
    ///
    /// # Errors
    /// When torch cannot compute a layer.
    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError>;

    /// Puts `layer` where the head called `name` was.
    fn set_head(&mut self, name: &str, layer: Linear);

    /// The architecture's name, for example `resnet18`: torchvision's, where it has the same.
    fn name(&self) -> &str {
        &self.base().name
    }

    /// The batch that it takes.
    fn input(&self) -> Input {
        self.base().input
    }

    /// How many classes it tells apart: the length of an output row.
    fn num_classes(&self) -> i64 {
        self.base().num_classes
    }

    /// The name of its last layer, for example `fc`.
    fn head(&self) -> &str {
        self.base().heads.first().map_or("", String::as_str)
    }

    /// The names of the parts worth looking at, from the input on; the last is the usual one for Grad-CAM.
    fn stages(&self) -> &[String] {
        &self.base().stages
    }

    /// Heads that take part in training only: their layer's name, and the weight of their loss.
    ///
    /// Their outputs are those of [`training_outputs`](Self::training_outputs).
    fn auxiliary(&self) -> &[(String, f64)] {
        &[]
    }

    /// Its variables: what an optimiser is built on, `nn::Adam::default().build(net.var_store(), 1e-3)`.
    fn var_store(&self) -> &nn::VarStore {
        &self.base().vs
    }

    /// Its variables, to freeze them, or to change their kind.
    fn var_store_mut(&mut self) -> &mut nn::VarStore {
        &mut self.base_mut().vs
    }

    /// The device that its weights lie on.
    fn device(&self) -> Device {
        self.var_store().device()
    }

    /// Moves its weights. An optimiser built before keeps its own numbers on the old device: build a new one.
    fn to_device(&mut self, device: Device) {
        self.var_store_mut().set_device(device);
    }

    /// The logits of a batch; `train` turns dropout on and lets batch normalisation learn its statistics.
    ///
    /// # Shapes
    /// [`Model::input`] -> `[N, num_classes]`
    ///
    /// # Errors
    /// [`NetError::Input`] when the batch has another shape, kind or device than the network takes.
    fn try_forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor, NetError> {
        self.check(xs)?;
        self.compute(xs, &mut Pass::new(train))
    }

    /// The same, calling `hook` behind every layer.
    ///
    /// ```
    /// use nets::{Model, resnet18};
    /// # fn main() -> Result<(), nets::NetError> {
    /// let net = resnet18(10)?;
    /// let images = tch::Tensor::zeros([1, 3, 64, 64], (tch::Kind::Float, tch::Device::Cpu));
    /// let mut convolutions = 0;
    /// net.forward_hooked(&images, false, &mut |visit| {
    ///     if visit.kind == "Conv2d" {
    ///         convolutions += 1;
    ///     }
    /// })?;
    /// assert_eq!(convolutions, 20);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`try_forward_t`](Self::try_forward_t).
    fn forward_hooked(
        &self,
        xs: &Tensor,
        train: bool,
        hook: &mut dyn FnMut(Visit<'_>),
    ) -> Result<Tensor, NetError> {
        self.check(xs)?;
        self.compute(xs, &mut Pass::hooked(train, hook))
    }

    /// The outputs of the layers called `names`, in evaluation mode, with the logits under the name `""`.
    ///
    /// A layer that runs several times has a name for each output, as in torchvision's `feature_extraction`: the ReLUs
    /// of a residual block are `layer1.0.relu`, `layer1.0.relu_1` and so on.
    ///
    /// They belong to one graph, so gradients of the logits by an activation can be taken (Grad-CAM).
    ///
    /// # Errors
    /// As [`try_forward_t`](Self::try_forward_t), and [`NetError::Layer`] for a name that no layer has.
    fn features(&self, xs: &Tensor, names: &[&str]) -> Result<BTreeMap<String, Tensor>, NetError> {
        let mut found = BTreeMap::new();
        let mut known = Vec::new();
        let logits = self.forward_hooked(xs, false, &mut |visit| {
            let name = visit.output_name().into_owned();
            if names.contains(&name.as_str()) {
                found.insert(name.clone(), visit.output.shallow_clone());
            }
            known.push(name);
        })?;
        if let Some(name) = names.iter().find(|name| !found.contains_key(**name)) {
            return Err(NetError::Layer {
                network: self.name().into(),
                layer: (*name).into(),
                known: suggest(name, &known),
            });
        }
        found.insert(String::new(), logits);
        Ok(found)
    }

    /// What the head is given, in evaluation mode: the features that a backbone makes of images.
    ///
    /// # Shapes
    /// [`Model::input`] -> `[N, features]`
    ///
    /// # Errors
    /// As [`try_forward_t`](Self::try_forward_t).
    fn embed(&self, xs: &Tensor) -> Result<Tensor, NetError> {
        let mut features = xs.shallow_clone();
        let _logits = self.forward_hooked(xs, false, &mut |visit| {
            if visit.name == self.head() {
                features = visit.input.shallow_clone();
            }
        })?;
        Ok(features)
    }

    /// The logits in training mode, and those of the [`auxiliary`](Self::auxiliary) heads in their order.
    ///
    /// # Errors
    /// As [`try_forward_t`](Self::try_forward_t).
    fn training_outputs(&self, xs: &Tensor) -> Result<(Tensor, Vec<Tensor>), NetError> {
        Ok((self.try_forward_t(xs, true)?, Vec::new()))
    }

    /// How many numbers the network learns: all weights and biases, frozen or not.
    fn parameters(&self) -> usize {
        let parameters = self.var_store().trainable_variables();
        parameters.iter().map(Tensor::numel).sum()
    }

    /// Its weights and statistics by name, in PyTorch's order. The tensors are the network's own, not copies.
    fn state_dict(&self) -> StateDict {
        StateDict::of(self.var_store())
    }

    /// Takes over weights; names and shapes have to be the network's, no more and no less.
    ///
    /// Other kinds of floating point are converted. `num_batches_tracked` may be missing, as in files from before
    /// 2018; nothing is computed with it.
    ///
    /// # Errors
    /// [`NetError::StateDict`], which lists what is missing, surplus or of another shape; the network is then unchanged.
    fn load_state_dict(&mut self, weights: &StateDict) -> Result<(), NetError> {
        crate::weights::load_strictly(self.name(), self.var_store(), weights)
    }

    /// Takes over those weights whose name and shape are the network's, and tells what was left out.
    ///
    /// # Errors
    /// [`NetError::StateDict`] when not a single one fits.
    fn load_matching(&mut self, weights: &StateDict) -> Result<LoadReport, NetError> {
        crate::weights::load_matching(self.name(), self.var_store(), weights)
    }

    /// Puts a fresh last layer for `num_classes` classes in the place of the old one, auxiliary heads included.
    ///
    /// It starts as PyTorch's `nn.Linear` does. An optimiser built before does not know it: build a new one.
    ///
    /// # Errors
    /// [`NetError::Setting`] when `num_classes` is under 1.
    fn replace_head(&mut self, num_classes: i64) -> Result<(), NetError> {
        for name in self.base().heads.clone() {
            let layer = self.base().fresh_head(&name, num_classes)?;
            self.set_head(&name, layer);
        }
        self.base_mut().num_classes = num_classes;
        Ok(())
    }

    /// Says what is wrong with a batch, before torch does.
    ///
    /// # Errors
    /// [`NetError::Input`] when the batch has another shape, kind or device than the network takes.
    fn check(&self, xs: &Tensor) -> Result<(), NetError> {
        let base = self.base();
        let own = (base.kind(), base.vs.device());
        base.input.check(&base.name, xs, own)
    }
}

/// The names that begin as the unknown one does, or else the outermost ones.
fn suggest(name: &str, known: &[String]) -> String {
    let stem = name.split('.').next().unwrap_or_default();
    let near = known.iter().filter(|other| {
        !stem.is_empty() && other.split('.').next().is_some_and(|first| first == stem)
    });
    let mut names: Vec<&str> = near.map(String::as_str).collect();
    if names.is_empty() {
        names = known
            .iter()
            .map(String::as_str)
            .filter(|name| !name.contains('.'))
            .collect();
    }
    let more = names.len().saturating_sub(12);
    names.truncate(12);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    names.join(", ") + &more
}

/// Gives architectures tch's own trait: a `forward_t` that needs no `?`.
macro_rules! module_t {
    ($($model:ty),+) => {$(
        impl tch::nn::ModuleT for $model {
            /// The same as `try_forward_t`, for callers that have no place for an error.
            ///
            /// # Panics
            /// With the message of `NetError` when the batch does not fit.
            fn forward_t(&self, xs: &tch::Tensor, train: bool) -> tch::Tensor {
                match $crate::Model::try_forward_t(self, xs, train) {
                    Ok(ys) => ys,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    )+};
}
pub(crate) use module_t;

#[cfg(test)]
mod tests {
    use crate::{Cnn, Model, NetError, get_model, lenet5, resnet18};
    use tch::{Device, Kind, Tensor};

    const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

    fn small() -> Cnn {
        let net = Cnn::builder([3, 8, 8], 4).channels(&[4, 8]);
        net.batch_norm(true).build().unwrap()
    }

    #[test]
    fn features_are_found_by_name() {
        let net = resnet18(10).unwrap();
        let xs = Tensor::rand([2, 3, 32, 32], CPU);
        let found = net.features(&xs, &["layer1.0.conv1", "layer4"]).unwrap();
        assert_eq!(found["layer1.0.conv1"].size(), [2, 64, 8, 8]);
        assert_eq!(found["layer4"].size(), [2, 512, 1, 1]);
        assert_eq!(found[""], net.try_forward_t(&xs, false).unwrap());
        assert_eq!(net.embed(&xs).unwrap(), found["layer4"].flatten(1, -1));
        let error = net.features(&xs, &["layer1.9"]).unwrap_err().to_string();
        assert!(
            error.starts_with("resnet18 has no layer `layer1.9`; it has layer1.0.conv1,"),
            "{error}"
        );
        let error = net.features(&xs, &["block"]).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "it has conv1, bn1, relu, maxpool, layer1, layer2, layer3, layer4, avgpool, fc"
            ),
            "{error}"
        );
    }

    #[test]
    fn every_output_has_a_name_of_its_own() {
        for name in ["lenet5", "googlenet", "resnet18", "resnet50", "resnet20"] {
            let net = get_model(name, 10).unwrap();
            let channels = if name == "lenet5" { 1 } else { 3 };
            let xs = Tensor::rand([1, channels, 32, 32], CPU);
            let mut names = Vec::new();
            let _logits = net
                .forward_hooked(&xs, false, &mut |visit| {
                    names.push(visit.output_name().into_owned());
                })
                .unwrap();
            let asked: Vec<&str> = names.iter().map(String::as_str).collect();
            let found = net.features(&xs, &asked).unwrap();
            assert_eq!(found.len(), names.len() + 1, "{name}: a name twice");
            // Where class activation maps are made of by default, there are maps.
            let last = net.stages().last().unwrap().as_str();
            assert_eq!(found[last].dim(), 4, "{name}: {last}");
        }
    }

    #[test]
    fn layers_that_run_again_have_outputs_with_numbers() {
        let xs = Tensor::rand([1, 3, 32, 32], CPU);
        let net = resnet18(10).unwrap();
        let block = [
            "layer1.0.bn1",
            "layer1.0.relu",
            "layer1.0.relu_1",
            "layer1.0",
        ];
        let found = net.features(&xs, &block).unwrap();
        assert_eq!(found["layer1.0.relu"], found["layer1.0.bn1"].relu());
        assert_eq!(found["layer1.0.relu_1"], found["layer1.0"]);
        assert!(net.features(&xs, &["layer1.0.relu_2"]).is_err());

        let net = lenet5(10).unwrap();
        let xs = Tensor::rand([1, 1, 32, 32], CPU);
        let found = net.features(
            &xs,
            &["conv1", "activation1", "pool2", "fc2", "activation4"],
        );
        let found = found.unwrap();
        assert_eq!(found["activation1"], found["conv1"].tanh());
        assert_eq!(found["activation4"], found["fc2"].tanh());
        assert_eq!(found["pool2"].size(), [1, 16, 5, 5]);
    }

    #[test]
    fn a_hook_can_change_what_the_next_layer_sees() {
        let net = small();
        let xs = Tensor::rand([1, 3, 8, 8], CPU);
        let logits = net
            .forward_hooked(&xs, false, &mut |visit| {
                if visit.name == "features" {
                    *visit.output = visit.output.zeros_like();
                }
            })
            .unwrap();
        let bias = net
            .state_dict()
            .get("classifier.2.bias")
            .unwrap()
            .shallow_clone();
        assert_eq!(logits.get(0), bias);
    }

    #[test]
    fn a_new_head_takes_the_old_ones_place() {
        let mut net = small();
        let before = net.state_dict().names().join(" ");
        net.replace_head(7).unwrap();
        assert_eq!(net.state_dict().names().join(" "), before);
        assert_eq!(net.num_classes(), 7);
        assert_eq!(net.var_store().trainable_variables().len(), 8);
        let xs = Tensor::rand([2, 3, 8, 8], CPU);
        net.try_forward_t(&xs, true)
            .unwrap()
            .sum(Kind::Float)
            .backward();
        let weights = net.state_dict();
        assert_eq!(
            weights.get("classifier.2.weight").unwrap().grad().size(),
            [7, 8]
        );
        assert!(net.replace_head(0).is_err());
        assert_eq!(net.num_classes(), 7);
    }

    #[test]
    fn frozen_batch_norm_leaves_its_statistics_alone() {
        let mut net = small();
        let xs = Tensor::rand([4, 3, 8, 8], CPU);
        let run = |net: &Cnn| {
            let _logits = net.try_forward_t(&xs, true).unwrap();
            let weights = net.state_dict();
            let value = |name| weights.get(name).unwrap().double_value(&[0]);
            let count = weights
                .get("features.1.num_batches_tracked")
                .unwrap()
                .int64_value(&[]);
            (value("features.1.running_mean"), count)
        };
        let (first, second) = (run(&net), run(&net));
        assert!(first.0 != second.0 && (first.1, second.1) == (1, 2));
        net.var_store_mut().freeze();
        assert_eq!(run(&net), second);
        net.var_store_mut().unfreeze();
        assert_eq!(run(&net).1, 3);
    }

    #[test]
    fn weights_have_to_fit_to_the_last_name() {
        let mut net = small();
        let mut other = small();
        other.load_state_dict(&net.state_dict()).unwrap();
        let xs = Tensor::rand([2, 3, 8, 8], CPU);
        let logits = |net: &Cnn| net.try_forward_t(&xs, false).unwrap();
        assert_eq!(logits(&net), logits(&other));

        let before = net.state_dict().snapshot().unwrap();
        other.replace_head(5).unwrap();
        let error = net.load_state_dict(&other.state_dict()).unwrap_err();
        let NetError::StateDict { report, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(
            report.mismatched[0],
            ("classifier.2.weight".into(), vec![4, 8], vec![5, 8])
        );
        let text = error.to_string();
        assert!(text.contains("12 tensors fit; 2 of another shape: classifier.2.weight (the network has [4, 8], the weights have [5, 8])"), "{text}");
        for ((_, before), (_, after)) in before.iter().zip(net.state_dict().iter()) {
            assert_eq!(before, after);
        }
        assert_eq!(
            net.load_matching(&other.state_dict()).unwrap().loaded.len(),
            12
        );
        assert!(
            net.load_matching(&resnet18(4).unwrap().state_dict())
                .is_err()
        );
    }

    #[test]
    fn a_batch_on_another_device_is_explained() {
        use std::io::Write as _;

        if !tch::Cuda::is_available() {
            // Not by a macro, whose words are kept back when a test succeeds.
            let _unheard = writeln!(
                std::io::stderr(),
                "SKIPPED: a batch on another device, for there is no CUDA here"
            );
            return;
        }
        let mut net = small();
        let xs = Tensor::rand([2, 3, 8, 8], CPU);
        net.to_device(Device::Cuda(0));
        let error = net.try_forward_t(&xs, false).unwrap_err().to_string();
        assert!(
            error.contains("a batch on Cuda(0), got one on Cpu: move the batch with to_device"),
            "{error}"
        );
        let there = xs.to_device(Device::Cuda(0));
        assert!(net.try_forward_t(&there, false).is_ok());
        net.to_device(Device::Cpu);
        let error = net.try_forward_t(&there, false).unwrap_err().to_string();
        assert!(
            error.contains("a batch on Cpu, got one on Cuda(0)"),
            "{error}"
        );
    }

    #[test]
    fn wrong_images_are_explained() {
        let net = resnet18(10).unwrap();
        let message = |size: &[i64]| {
            net.try_forward_t(&Tensor::zeros(size, CPU), false)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            message(&[3, 224, 224]),
            "resnet18: expected [N, 3, H, W], got [3, 224, 224]: add a batch dimension with unsqueeze(0)"
        );
        assert!(message(&[8, 64, 64, 3]).ends_with("permute([0, 3, 1, 2])"));
        assert!(message(&[64, 64, 3]).contains("permute([2, 0, 1])"));
        assert!(message(&[8, 1, 64, 64]).ends_with("expand([-1, 3, -1, -1], false)"));
        assert!(message(&[8, 4, 64, 64]).ends_with("narrow(1, 0, 3)"));
        let bytes = Tensor::zeros([1, 3, 8, 8], (Kind::Uint8, Device::Cpu));
        let error = net.try_forward_t(&bytes, false).unwrap_err().to_string();
        assert!(
            error.ends_with("convert with to_kind(Kind::Float) / 255"),
            "{error}"
        );
        let small = small().try_forward_t(&Tensor::zeros([1, 3, 2, 2], CPU), false);
        assert_eq!(
            small.unwrap_err().to_string(),
            "cnn: expected [N, 3, H, W] with H and W of at least 4, got [1, 3, 2, 2]: resize the images to at least 4 pixels on each side"
        );
        // One image of 32 pixels leaves one value for each channel of layer4.
        let error = net
            .try_forward_t(&Tensor::rand([1, 3, 32, 32], CPU), true)
            .unwrap_err();
        assert!(
            error.to_string().contains("use batches of at least 2"),
            "{error}"
        );
    }
}
