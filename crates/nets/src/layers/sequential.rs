//! [`Sequential`]: one layer after the other.

use std::borrow::Borrow;
use std::fmt;

use tch::{Tensor, nn};

use super::{Layer, Linear, name_of};
use crate::{NetError, Pass};

/// Layers one after the other, named `0`, `1`, ... below its own name: PyTorch's `nn.Sequential`.
pub struct Sequential {
    name: String,
    layers: Vec<Box<dyn Layer>>,
}

impl Sequential {
    /// A sequence without layers at `path`, which gives it its name.
    pub fn new<'a>(path: impl Borrow<nn::Path<'a>>) -> Self {
        Self {
            name: name_of(path),
            layers: Vec::new(),
        }
    }

    /// Adds a layer at the end.
    pub fn push(&mut self, layer: impl Layer + 'static) {
        self.layers.push(Box::new(layer));
    }

    /// How many layers there are; the next one belongs at the path of this number.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are no layers: the output is then the input.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Puts another layer in the place of the last one, as a new head is.
    pub(crate) fn replace_last(&mut self, layer: Linear) {
        self.layers.pop();
        self.push(layer);
    }
}

impl Layer for Sequential {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "Sequential"
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let mut xs = xs.shallow_clone();
        for layer in &self.layers {
            xs = layer.forward(&xs, pass)?;
        }
        Ok(xs)
    }
}

impl fmt::Debug for Sequential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sequential ")?;
        f.debug_list().entries(&self.layers).finish()
    }
}
