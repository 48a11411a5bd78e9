//! [`demo`]: what a pipeline makes of a picture, several times over.

use super::seed::Seed;
use super::transform::Transform;
use crate::{Grid, Image, VisionError};

/// A grid of the picture as it is and eleven draws of a pipeline, with what was drawn below each.
///
/// Seed 0 is used; [`demo_seeded`] takes another, and more or fewer draws.
///
/// # Errors
/// Those of [`Transform::apply`].
pub fn demo(aug: &impl Transform, image: &Image) -> Result<Grid, VisionError> {
    demo_seeded(aug, image, 11, 0)
}

/// [`demo`] with this many draws, of this seed.
///
/// # Errors
/// Those of [`Transform::apply`].
pub fn demo_seeded(
    aug: &impl Transform,
    image: &Image,
    draws: usize,
    seed: impl Into<Seed>,
) -> Result<Grid, VisionError> {
    let seed = seed.into();
    let mut images = vec![image.clone()];
    let mut captions = vec!["as it is".to_owned()];
    for index in 0..draws as u64 {
        rt::checkpoint();
        let draw = aug.draw(image.width(), image.height(), seed.at(index))?;
        images.push(draw.apply(image)?);
        captions.push(draw.to_string());
    }
    Ok(Grid::new(images).captions(captions))
}
