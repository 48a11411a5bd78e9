//! [`ModelBase`]: what every architecture holds.

use std::fmt;

use tch::{Device, Kind, Tensor, nn};

use crate::layers::Linear;
use crate::text::grouped;
use crate::{Input, NetError};

/// What a network knows of itself: its name, its variables, what goes in and what comes out.
pub struct ModelBase {
    pub(crate) name: String,
    pub(crate) vs: nn::VarStore,
    pub(crate) input: Input,
    pub(crate) num_classes: i64,
    /// The main one first
    pub(crate) heads: Vec<String>,
    pub(crate) stages: Vec<String>,
}

impl ModelBase {
    /// A base without variables yet, on the CPU. `head` is the name that the last layer will have.
    ///
    /// # Errors
    /// [`NetError::Setting`] when `num_classes` is under 1.
    pub fn new(name: &str, input: Input, num_classes: i64, head: &str) -> Result<Self, NetError> {
        if num_classes < 1 {
            return Err(NetError::Setting {
                network: name.into(),
                problem: format!("num_classes must be at least 1, got {num_classes}"),
            });
        }
        Ok(Self {
            name: name.into(),
            vs: nn::VarStore::new(Device::Cpu),
            input,
            num_classes,
            heads: vec![head.into()],
            stages: Vec::new(),
        })
    }

    /// Names the parts worth looking at, from the input on.
    pub fn with_stages<S: Into<String>>(mut self, stages: impl IntoIterator<Item = S>) -> Self {
        self.stages = stages.into_iter().map(Into::into).collect();
        self
    }

    /// Names further layers that have an output for each class.
    pub(crate) fn with_more_heads(mut self, heads: &[&str]) -> Self {
        self.heads.extend(heads.iter().map(|&head| head.to_owned()));
        self
    }

    /// Where the variables are made.
    pub fn root(&self) -> nn::Path<'_> {
        self.vs.root()
    }

    /// The kind of the weights, f32 unless they were converted.
    pub(crate) fn kind(&self) -> Kind {
        let variables = self.vs.trainable_variables();
        variables.first().map_or(Kind::Float, Tensor::kind)
    }

    /// Forgets the layer `name` and makes a new one of so many outputs in its place.
    pub(crate) fn fresh_head(&self, name: &str, num_classes: i64) -> Result<Linear, NetError> {
        let missing = || NetError::Layer {
            network: self.name.clone(),
            layer: name.into(),
            known: "no head of that name".into(),
        };
        if num_classes < 1 {
            return Err(NetError::Setting {
                network: self.name.clone(),
                problem: format!("num_classes must be at least 1, got {num_classes}"),
            });
        }
        let weight = self.forget(&format!("{name}.weight")).ok_or_else(missing)?;
        let _bias = self.forget(&format!("{name}.bias")).ok_or_else(missing)?;
        let (_, features) = weight.size2()?;
        let path = name.split('.').fold(self.root(), |path, part| path / part);
        Linear::spec(features, num_classes).build(path)
    }

    /// Takes a variable out of the store.
    fn forget(&self, name: &str) -> Option<Tensor> {
        let mut variables = self.vs.variables_.lock().ok()?;
        let gone = variables.named_variables.remove(name)?;
        let same = |other: &Tensor| other.data_ptr() == gone.data_ptr();
        variables
            .trainable_variables
            .retain(|var| !same(&var.tensor));
        Some(gone)
    }
}

/// One line: `resnet18, 11,689,512 parameters, 1000 classes`.
impl fmt::Debug for ModelBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = self.vs.trainable_variables();
        let parameters = parameters.iter().map(Tensor::numel).sum();
        write!(
            f,
            "{}, {} parameters, {} classes",
            self.name,
            grouped(parameters),
            self.num_classes
        )
    }
}
