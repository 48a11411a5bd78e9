//! Loading: which pictures with which labels, and how they come in batches.
//!
//! - [`samples`]: [`Samples`], a list of pictures with labels: an ImageFolder, a CSV manifest, a flat folder
//! - [`split`]: parts of a list: stratified, by groups; weights for classes that are rare
//! - [`loader`]: [`Loader`], which decodes, changes and collates on all cores, in an order that a seed decides
//! - `epoch`: the threads that decode ahead, and the one that asks
//! - [`shards`]: WebDataset tar files, written and read
//! - [`binary`]: the files of MNIST and CIFAR

pub mod binary;
mod epoch;
pub mod loader;
pub mod samples;
pub mod shards;
pub mod split;

pub use binary::{cifar10, cifar100, mnist};
pub use loader::{Broken, Loader};
pub use samples::Samples;
pub use shards::write_shards;
