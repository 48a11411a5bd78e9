//! Network architectures.
//!
//! - [`activation`]: [`Activation`], the functions between layers
//! - [`mlp`]: [`Mlp`], fully connected layers
//! - [`error`]: what can go wrong when a network is built or fed
//!
//! Parameter names and default initialisation are PyTorch's, so weights move both ways.

pub mod activation;
pub mod error;
pub mod mlp;

pub use activation::Activation;
pub use error::NetError;
pub use mlp::{Mlp, MlpBuilder};
