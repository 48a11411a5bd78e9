//! The three ways of opening and showing an image in Python, each behaving like its namesake.
//!
//! - [`cv`]: OpenCV: [`cv_imread`], [`cv_imshow`]; blue, green, red
//! - [`plt`]: matplotlib: [`plt_imshow`]; what is between the least and the greatest value
//! - [`pil`]: Pillow: [`pil_open`]; lazy, with modes, and sizes as (width, height)
//! - [`colormap`]: matplotlib's colour maps
//!
//! They disagree with each other, as they do in Python, and the disagreements are the lesson: OpenCV's
//! array shown by matplotlib has blue faces, a grey image shown by matplotlib is green and violet, and
//! Pillow says (640, 480) where the array says [480, 640, 3].

pub mod colormap;
pub mod cv;
pub mod pil;
pub mod plt;

pub use colormap::Cmap;
pub use cv::{
    ColorCode, cv_cvt_color, cv_imread, cv_imread_as, cv_imshow, cv_imwrite, cv_imwrite_as,
};
pub use pil::{PilImage, pil_open};
pub use plt::{PltImage, plt_imshow};
