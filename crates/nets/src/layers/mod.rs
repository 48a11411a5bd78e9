//! The layers that every architecture is made of. Types, settings and parameter names are PyTorch's.
//!
//! - [`Conv2d`], [`Linear`], [`BatchNorm2d`], [`BatchNorm1d`]: layers that learn
//! - [`MaxPool2d`], [`AvgPool2d`], [`AdaptiveAvgPool2d`]: fewer pixels
//! - [`ActivationLayer`], [`Dropout`], [`Flatten`], [`LocalResponseNorm`]: layers without parameters
//! - [`Sequential`]: one after the other

mod conv;
mod linear;
mod norm;
mod plain;
mod pool;
mod sequential;

pub use conv::{Conv2d, Conv2dSpec};
pub use linear::{Linear, LinearSpec};
pub use norm::{BatchNorm1d, BatchNorm2d};
pub use plain::{ActivationLayer, Dropout, Flatten, LocalResponseNorm};
pub use pool::{AdaptiveAvgPool2d, AvgPool2d, MaxPool2d};
pub use sequential::Sequential;

use std::borrow::Borrow;
use std::fmt;

use tch::{Tensor, nn};

use crate::{NetError, Pass};

/// A part of a network: something with a name that makes a tensor out of a tensor.
///
/// Whoever writes a layer writes [`compute`](Self::compute); whoever uses one calls [`forward`](Self::forward),
/// which tells the hooks as well. A block of your own:
///
/// ```
/// use nets::layers::{Conv2d, Layer};
/// use nets::{NetError, Pass};
/// use tch::{Device, Kind, Tensor, nn};
///
/// /// A 1x1 convolution that makes the 3x3 behind it cheaper.
/// #[derive(Debug)]
/// struct Bottleneck { name: String, reduce: Conv2d, conv: Conv2d }
///
/// impl Layer for Bottleneck {
///     fn name(&self) -> &str { &self.name }
///     fn kind(&self) -> &'static str { "Bottleneck" }
///     fn compute(&self, xs: &Tensor, pass: &mut Pass) -> Result<Tensor, NetError> {
///         let xs = self.reduce.forward(xs, pass)?;  // [N, 16, H, W]
///         self.conv.forward(&xs, pass)              // [N, 64, H, W]
///     }
/// }
///
/// # fn main() -> Result<(), NetError> {
/// let vs = nn::VarStore::new(Device::Cpu);
/// let block = Bottleneck {
///     name: "block".into(),
///     reduce: Conv2d::spec(192, 16, 1).build(vs.root() / "block" / "reduce")?,
///     conv: Conv2d::spec(16, 64, 3).padding(1).build(vs.root() / "block" / "conv")?,
/// };
/// let xs = Tensor::zeros([1, 192, 28, 28], (Kind::Float, Device::Cpu));
/// assert_eq!(block.forward(&xs, &mut Pass::new(false))?.size(), [1, 64, 28, 28]);
/// # Ok(())
/// # }
/// ```
pub trait Layer: fmt::Debug + Send {
    /// The name in the state dict, for example `layer1.0.conv1`.
    fn name(&self) -> &str;

    /// PyTorch's name of the type, for example `Conv2d`.
    fn kind(&self) -> &'static str;

    /// What the layer does. Layers inside are called with [`forward`](Self::forward).
    ///
    /// # Errors
    /// When torch cannot compute it, most often because of the input's shape.
    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError>;

    /// The layer's own parameters, without those of layers inside: weight, then bias.
    fn parameters(&self) -> Vec<&Tensor> {
        Vec::new()
    }

    /// Multiplications, each with its addition, that make an output of this shape, without those of layers inside.
    /// Adding a bias and scaling a channel are not counted, as in published figures.
    fn macs(&self, _output: &[i64]) -> u64 {
        0
    }

    /// Computes and tells the hooks of the pass.
    ///
    /// # Errors
    /// As [`compute`](Self::compute), with the layer's name and the shape that it was given.
    fn forward(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        pass.call(self, xs)
    }
}

/// The name of what lives at a path: `layer1.0.conv1`.
pub fn name_of<'a>(path: impl Borrow<nn::Path<'a>>) -> String {
    path.borrow().components().collect::<Vec<_>>().join(".")
}

/// Refuses sizes that no layer can have.
pub(crate) fn positive<'n>(
    owner: &str,
    sizes: impl IntoIterator<Item = (&'n str, i64)>,
) -> Result<(), NetError> {
    match sizes.into_iter().find(|(_, size)| *size < 1) {
        None => Ok(()),
        Some((name, size)) => Err(NetError::Setting {
            network: owner.into(),
            problem: format!("{name} must be at least 1, got {size}"),
        }),
    }
}

/// Refuses rates that are no part of a whole.
pub(crate) fn check_dropout(owner: &str, rate: f64) -> Result<(), NetError> {
    if (0.0..=1.0).contains(&rate) {
        return Ok(());
    }
    Err(NetError::Setting {
        network: owner.into(),
        problem: format!("the dropout rate must be within 0 and 1, got {rate}"),
    })
}
