//! Network architectures, one paper a file, and what all of them can do.
//!
//! - [`model`]: [`Model`], what every architecture can do: run, show its insides, load, get a new head;
//!   [`base`]: [`ModelBase`], what each of them holds
//! - [`layers`]: what architectures are made of
//! - [`pass`]: one way through a network, with an ear at every layer
//! - [`input`]: the batch that a network takes
//! - [`weights`]: weights by name, and their way in and out of files
//! - [`summary`](mod@summary): layers, shapes, parameters, multiply-adds, memory
//! - [`zoo`]: networks by name
//! - [`activation`], [`init`]: the functions between layers, the numbers weights start from
//! - [`error`]: what can go wrong
//!
//! The architectures:
//!
//! - [`mlp`]: [`Mlp`], fully connected layers
//! - [`cnn`]: [`Cnn`], a small convolutional network with the switches of the first week
//! - [`lenet`]: [`LeNet`], 1998
//! - [`alexnet`](mod@alexnet): [`AlexNet`], 2012
//! - [`vgg`]: [`Vgg`], 2014
//! - [`googlenet`](mod@googlenet): [`GoogLeNet`], 2014; [`inception`]: its block
//! - [`resnet`]: [`ResNet`], 2015; [`residual`]: its block
//! - [`cifar_resnet`]: [`CifarResNet`], its small kin and the plain twins of the degradation experiment
//!
//! Parameter names, defaults and initialisation are those of PyTorch and torchvision, so weights move both ways.

pub mod activation;
pub mod alexnet;
pub mod base;
pub mod cifar_resnet;
pub mod cnn;
pub mod error;
pub mod googlenet;
pub mod inception;
pub mod init;
pub mod input;
pub mod layers;
pub mod lenet;
pub mod mlp;
pub mod model;
pub mod pass;
pub mod residual;
pub mod resnet;
pub mod summary;
mod text;
pub mod vgg;
pub mod weights;
pub mod zoo;

pub use activation::Activation;
pub use alexnet::{AlexNet, alexnet};
pub use base::ModelBase;
pub use cifar_resnet::{
    CifarResNet, CifarResNetBuilder, resnet20, resnet32, resnet44, resnet56, resnet110,
};
pub use cnn::{Cnn, CnnBuilder, Neck, Pool};
pub use error::NetError;
pub use googlenet::{GoogLeNet, GoogLeNetBuilder, googlenet};
pub use inception::{ConvBlock, InceptionAux, InceptionBlock, InceptionSpec};
pub use init::Init;
pub use input::Input;
pub use layers::Layer;
pub use lenet::{LeNet, lenet5};
pub use mlp::{Mlp, MlpBuilder};
pub use model::Model;
pub use pass::{Hook, Pass, Visit};
pub use residual::{BlockKind, ResidualBlock, ResidualSpec, Shortcut};
pub use resnet::{ResNet, ResNetBuilder, resnet18, resnet34, resnet50, resnet101, resnet152};
pub use summary::{Summary, cost, summary};
pub use vgg::{
    Vgg, VggBuilder, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn,
};
pub use weights::{LoadReport, StateDict};
pub use zoo::{get_model, list_models};
