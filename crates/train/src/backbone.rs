//! [`backbone`]: a network without its head.

use std::fmt;

use nets::Model;
use tch::Tensor;

use crate::names::is_below;
use crate::net::{images_for, set_trained};
use crate::{TrainError, named_parameters};

/// What of a network lies before its head: the part that is kept when a trained network gets another task.
///
/// It is a view: weights, and whether they are frozen, are the network's.
///
/// ```
/// use nets::{Model, resnet20};
/// use train::{backbone, frozen};
/// # use tch::{Device, Kind, Tensor};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut net = resnet20(10)?;
/// net.replace_head(6)?;                               // another task: six classes
///
/// let below = backbone(&net);
/// assert_eq!(below.freeze()?, 57);                    // so many tensors; what is left to learn is `fc`
/// assert!(!frozen(&net).contains(&"fc.weight".to_string()));
/// assert_eq!(below.names().last().map(String::as_str), Some("layer3.2.bn2.bias"));
///
/// let images = Tensor::zeros([2, 3, 32, 32], (Kind::Float, Device::Cpu));
/// let features = below.forward(&images)?;             // [2, 64]
/// assert_eq!(features.size(), [2, below.features()?]);
/// # Ok(())
/// # }
/// ```
pub fn backbone(net: &dyn Model) -> Backbone<'_> {
    Backbone { net }
}

/// A network without its head; made by [`backbone`].
#[derive(Clone, Copy)]
pub struct Backbone<'n> {
    net: &'n dyn Model,
}

impl Backbone<'_> {
    /// What the head is given, in evaluation mode: the features of images. Gradients can be taken of them.
    ///
    /// # Shapes
    /// [`Model::input`] -> `[N, features]`
    ///
    /// # Errors
    /// [`TrainError::Net`] when the network does not take the images.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor, TrainError> {
        self.forward_t(images, false)
    }

    /// The same; `train` turns dropout on and lets batch normalisation learn its statistics.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn forward_t(&self, images: &Tensor, train: bool) -> Result<Tensor, TrainError> {
        let images = images_for(self.net, images)?;
        let mut features = None;
        let _logits = self.net.forward_hooked(&images, train, &mut |visit| {
            if visit.name == self.net.head() {
                features = Some(visit.input.shallow_clone());
            }
        })?;
        features.ok_or_else(|| self.headless())
    }

    /// How many features it makes of an image: what a new head has to take.
    ///
    /// # Errors
    /// [`TrainError::Settings`] when the network has no head of the name that it gives.
    pub fn features(&self) -> Result<i64, TrainError> {
        let head = format!("{}.weight", self.net.head());
        let weights = self.net.state_dict();
        match weights.get(&head).map(Tensor::size).as_deref() {
            Some([_, features]) => Ok(*features),
            _ => Err(self.headless()),
        }
    }

    /// The names of its parameters, in PyTorch's order. Auxiliary heads are heads, not backbone.
    pub fn names(&self) -> Vec<String> {
        self.parameters()
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    }

    /// Freezes it, so that only the head learns; batch normalisation in it keeps its statistics, as with
    /// [`freeze`](crate::freeze). Returns how many parameters (tensors) are frozen.
    ///
    /// # Errors
    /// [`TrainError::Torch`] when torch will not do it.
    pub fn freeze(&self) -> Result<usize, TrainError> {
        set_trained(&self.parameters(), false)
    }

    /// Lets it learn again.
    ///
    /// # Errors
    /// As [`freeze`](Self::freeze).
    pub fn unfreeze(&self) -> Result<usize, TrainError> {
        set_trained(&self.parameters(), true)
    }

    fn parameters(&self) -> Vec<(String, Tensor)> {
        // Of `aux1.fc2` all below `aux1` is the head.
        let auxiliary = self.net.auxiliary().iter();
        let mut heads: Vec<&str> = auxiliary
            .filter_map(|(name, _)| name.split('.').next())
            .collect();
        heads.push(self.net.head());
        let mut parameters = named_parameters(self.net);
        parameters.retain(|(name, _)| !heads.iter().any(|head| is_below(name, head)));
        parameters
    }

    fn headless(&self) -> TrainError {
        TrainError::settings(format!(
            "backbone: {} has no layer `{}`, which it names as its head",
            self.net.name(),
            self.net.head()
        ))
    }
}

impl fmt::Debug for Backbone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} without {}, {} parameters",
            self.net.name(),
            self.net.head(),
            self.names().len()
        )
    }
}
