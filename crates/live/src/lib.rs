//! What changes below a cell while it runs.
//!
//! - [`display`]: [`Live`], anything that can be shown, shown again and again in one place
//! - [`mod@progress`]: [`progress`], a bar for any loop
//! - `bar`: what a bar says, as HTML and as a line of text
//!
//! Nothing here draws more than ten times a second, however often it is told to: a page cannot show more, and
//! drawing would slow down the work that is being watched. The last state is always shown.

mod bar;
pub mod display;
mod pace;
pub mod progress;

pub use display::Live;
pub use progress::{Progress, ProgressBar, progress};
