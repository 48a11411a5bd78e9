//! Images: read, show, convert.
//!
//! - [`picture`]: [`Image`], an RGB picture in memory, and its simple operations
//! - [`read`]: files and bytes to images and back
//! - [`convert`]: images to tensors and back
//! - [`show`]: images and grids of images below a cell
//! - [`describe`]: what a tensor is, in words, numbers and a short table
//! - [`transforms`]: augmentation
//! - [`error`]: everything that can go wrong, said for a learner
//!
//! Images are 8-bit RGB throughout. Grey and transparent files are converted when they are read.

pub mod convert;
pub mod describe;
pub mod error;
pub mod picture;
pub mod read;
pub mod show;
mod table;
pub mod transforms;

pub use describe::describe_tensor;
pub use error::VisionError;
pub use picture::Image;
pub use read::imread;
pub use show::{Grid, imshow, show_grid};
