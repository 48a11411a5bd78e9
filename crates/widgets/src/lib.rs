//! Controls in the page: sliders, choices, buttons, and pictures that follow them.
//!
//! These are the widgets of ipywidgets 8 (`@jupyter-widgets/controls` 2.0) with their names and defaults; what
//! the page shows of them is that package's. This crate keeps their state on Rust's side of the comm.
//!
//! - [`fn@interact`]: draws something anew whenever a control changes
//! - [`mod@slider`]: a number from a range
//! - [`choice`]: one of several, yes or no, a line of text
//! - [`mod@button`]: something to click
//! - [`mod@picture`]: an image that can be replaced, a bar that fills
//! - [`layout`]: controls beside and below each other
//! - [`control`]: what all controls have in common
//! - `output`: a place for anything that can be shown
//! - `model`: a widget's state, kept equal on both sides; `pace`: how often
//!
//! ```no_run
//! use widgets::{interact, slider};
//! interact(slider(0.0..=360.0).label("angle"), |angle| Some(rt::Bundle::text(format!("{angle} degrees"))));
//! ```

pub mod button;
pub mod choice;
pub mod control;
pub mod interact;
pub mod layout;
mod model;
mod output;
mod pace;
pub mod picture;
pub mod slider;

pub use button::{Button, button};
pub use choice::{Checkbox, Dropdown, TextField, checkbox, dropdown, text_field};
pub use control::{AsWidget, Control, Widget};
pub use interact::{Controls, interact};
pub use layout::{hbox, vbox};
pub use model::serve;
pub use picture::{Picture, Progress, picture, progress};
pub use slider::{Slider, slider};
