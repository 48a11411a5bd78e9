//! Generated scenes: six classes, after those of Kaggle's "Intel Image Classification".
//!
//! One file a class. Each paints a picture from random numbers alone: viewpoint, weather, hour, season and
//! what stands where. Glaciers and mountains share their land, buildings and streets their city, as they do
//! in photographs, and are confused for it.

mod buildings;
mod forest;
mod glacier;
mod mountain;
mod peaks;
mod sea;
mod street;
mod town;

use image::RgbImage;

use crate::Random;
use crate::paint::canvas::{Camera, Canvas};

/// The classes, in the order of their names.
pub const SCENES: [&str; 6] = [
    "buildings",
    "forest",
    "glacier",
    "mountain",
    "sea",
    "street",
];

/// The width and the height of a generated picture, in pixels; that of the Intel set.
pub const SIDE: u32 = 150;

/// Paints a scene of the class at `class` in [`SCENES`].
///
/// # Panics
/// When there is no such class.
pub(crate) fn paint(class: usize, random: &mut Random) -> RgbImage {
    let mut canvas = match SCENES[class] {
        "buildings" => buildings::paint(random),
        "street" => street::paint(random),
        "forest" => forest::paint(random),
        "glacier" => glacier::paint(random),
        "sea" => sea::paint(random),
        _ => mountain::paint(random),
    };
    if random.chance(0.5) {
        mirror(&mut canvas);
    }
    canvas.develop(&Camera::draw(random), SIDE)
}

fn mirror(canvas: &mut Canvas) {
    let side = canvas.side;
    for row in canvas.pixels.chunks_exact_mut(side) {
        row.reverse();
    }
}
