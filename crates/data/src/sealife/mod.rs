//! Generated sea animals, dolphin, shark and whale, and a larger set of the same sea to pre-train on.
//!
//! - `water`: the sea that all of them are in, from below, from the side and from above
//! - `whales`: the three, with the traits that tell them apart
//! - `others`: the twelve classes of the source task
//! - `figure`: bodies that bend, and fins
//!
//! Every class comes in the same views, waters and lights, so that none of these gives it away.

mod figure;
mod others;
mod water;
mod whales;

use image::RgbImage;

use crate::Random;
use crate::paint::canvas::Camera;
use crate::scenes::SIDE;
use whales::{Animal, Kind};

/// The classes of the sea animals, in the order of their names.
pub const SEA_ANIMALS: [&str; 3] = ["dolphin", "shark", "whale"];

/// The classes of the source task, in the order of their names.
pub const SOURCE: [&str; 12] = [
    "boat",
    "crab",
    "eel",
    "fish",
    "gull",
    "jellyfish",
    "octopus",
    "ray",
    "seal",
    "ship",
    "starfish",
    "turtle",
];

/// Paints a sea animal of the class at `class` in [`SEA_ANIMALS`].
pub(crate) fn paint_animal(class: usize, random: &mut Random) -> RgbImage {
    let kind = [Kind::Dolphin, Kind::Shark, Kind::Whale][class];
    let animal = Animal::draw(random, kind);
    let canvas = match random.below(20) {
        0..8 => water::under_water(random, &animal),
        8..12 => water::leap(random, &animal),
        12..16 => water::at_surface(random, &animal),
        _ => water::from_above(random, &animal),
    };
    canvas.develop(&Camera::draw(random), SIDE)
}

/// Paints a picture of the class at `class` in [`SOURCE`].
pub(crate) fn paint_source(class: usize, random: &mut Random) -> RgbImage {
    others::paint(SOURCE[class], random).develop(&Camera::draw(random), SIDE)
}
