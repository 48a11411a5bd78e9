//! Data sets: generated, found, loaded, looked after.
//!
//! - [`sets`]: the course's sets: real where they have been unpacked, generated where not
//! - [`mod@scenes`], [`mod@sealife`]: what the generated pictures show, painted by rule
//! - [`load`]: [`Samples`], pictures with labels, and [`Loader`], which brings them in batches
//! - [`batch`]: [`Batch`] and [`Batches`], what training takes; [`TensorData`], a set that lies in memory
//! - [`warehouse`]: [`Warehouse`], a folder of pictures that is known, checked and put in order
//! - [`files`]: which files are pictures
//! - `lock`: one process at a time
//! - [`random`]: [`Random`], numbers that are the same for a seed on any machine
//! - [`mod@cli`]: `cvstudy data`
//! - [`error`]: everything that can go wrong, said for a learner

pub mod batch;
pub mod cli;
pub mod error;
pub mod files;
pub mod load;
mod lock;
mod paint;
pub mod random;
pub mod scenes;
pub mod sealife;
pub mod sets;
pub mod warehouse;

pub use batch::{Batch, Batches, TensorData};
pub use cli::cli;
pub use error::DataError;
pub use load::{Broken, Loader, Samples, write_shards};
pub use random::Random;
pub use sets::{DataSet, Recipe, scenes, sea_animals, source_task};
pub use warehouse::Warehouse;
