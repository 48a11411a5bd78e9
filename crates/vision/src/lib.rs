//! Images: read, show, convert, work on.
//!
//! - [`picture`]: [`Image`], an RGB picture in memory, and its simple operations
//! - [`read`], [`mod@write`]: files and bytes to images and back
//! - [`mod@array`]: [`Array`], numbers with a shape, as NumPy holds an image
//! - [`convert`]: images to tensors and back
//! - [`show`]: images below a cell: grids, comparisons, zooms, overlays, animations
//! - [`python`]: the three ways of Python, each behaving like its namesake: OpenCV, matplotlib, Pillow
//! - [`ops`]: image work: resize, colour spaces, filters, edges, morphology, contrast
//! - [`describe`]: what a tensor is, in words, numbers and a short table
//! - [`transforms`]: augmentation with the names of torchvision
//! - [`error`]: everything that can go wrong, said for a learner
//!
//! An [`Image`] is 8-bit RGB throughout; grey and transparent files are converted when they are read. Where
//! the file's own kind of pixels matters, there are [`pil_open`] and [`cv_imread`].

pub mod array;
pub mod convert;
pub mod describe;
pub mod error;
pub mod ops;
pub mod picture;
pub mod python;
pub mod read;
pub mod show;
mod table;
pub mod transforms;
pub mod write;

pub use array::{Array, AsArray, Dtype};
pub use describe::{describe_tensor, display, display_with_id, update_display};
pub use error::VisionError;
pub use ops::filter::{Kernel, convolve};
pub use ops::geometry::Padding;
pub use ops::morphology::Element;
pub use ops::resize::Interpolation;
pub use ops::threshold::Threshold;
pub use picture::Image;
pub use python::cv::{ImreadFlag, ImwriteFlag};
pub use python::{
    Cmap, ColorCode, PilImage, PltImage, cv_cvt_color, cv_imread, cv_imread_as, cv_imshow,
    cv_imwrite, cv_imwrite_as, pil_open, plt_imshow,
};
pub use read::{imread, read_frames};
pub use show::animation::{Animation, animate};
pub use show::channels::{ChannelHistogram, channel_histogram, channels, split_channels};
pub use show::grid::{Grid, compare, difference, show_grid};
pub use show::imshow;
pub use show::overlay::Overlay;
pub use show::zoom::{Zoom, zoom};
