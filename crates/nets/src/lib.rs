//! Network architectures, one paper a file, and what all of them can do.
//!
//! - [`model`]: [`Model`], what every architecture can do: run, show its insides, load, get a new head
//! - [`layers`]: what architectures are made of
//! - [`pass`]: one way through a network, with an ear at every layer
//! - [`input`]: the batch that a network takes
//! - [`weights`]: weights by name
//! - [`activation`], [`init`]: the functions between layers, the numbers weights start from
//! - [`error`]: what can go wrong
//!
//! The architectures:
//!
//! - [`mlp`]: [`Mlp`], fully connected layers
//! - [`cnn`]: [`Cnn`], a small convolutional network with the switches of the first week
//! - [`resnet`]: [`ResNet`]; [`residual`]: its block
//!
//! Parameter names, defaults and initialisation are those of PyTorch and torchvision, so weights move both ways.

pub mod activation;
pub mod cnn;
pub mod error;
pub mod init;
pub mod input;
pub mod layers;
pub mod mlp;
pub mod model;
pub mod pass;
pub mod residual;
pub mod resnet;
pub mod weights;

pub use activation::Activation;
pub use cnn::{Cnn, CnnBuilder, Neck, Pool};
pub use error::NetError;
pub use init::Init;
pub use input::Input;
pub use layers::Layer;
pub use mlp::{Mlp, MlpBuilder};
pub use model::{Model, ModelBase};
pub use pass::{Hook, Pass, Visit};
pub use residual::{BlockKind, ResidualBlock, ResidualSpec, Shortcut};
pub use resnet::{ResNet, ResNetBuilder, resnet18, resnet34, resnet50, resnet101, resnet152};
pub use weights::{LoadReport, StateDict};
