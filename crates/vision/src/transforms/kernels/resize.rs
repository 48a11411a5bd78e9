//! Scaling, by the crate fast_image_resize.

use std::cell::RefCell;

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::buffer::{Buffer, Pixels};
use crate::{Interpolation, VisionError};

/// How the crate calls it.
fn algorithm(interpolation: Interpolation, antialias: bool) -> ResizeAlg {
    let filter = match interpolation {
        Interpolation::Nearest => return ResizeAlg::Nearest,
        Interpolation::Area => FilterType::Box,
        Interpolation::Bilinear => FilterType::Bilinear,
        Interpolation::Bicubic => FilterType::CatmullRom,
        Interpolation::Lanczos => FilterType::Lanczos3,
    };
    if antialias {
        ResizeAlg::Convolution(filter)
    } else {
        ResizeAlg::Interpolation(filter)
    }
}

/// Scales the part of `from` at (`x`, `y`) of `width` x `height` pixels to fill `to`, whose shape is set.
///
/// # Errors
/// When the part reaches beyond `from`.
pub(crate) fn scale(
    from: Pixels<'_>,
    part: [usize; 4],
    mode: Interpolation,
    antialias: bool,
    to: &mut Buffer,
) -> Result<(), VisionError> {
    let options = ResizeOptions::new()
        .resize_alg(algorithm(mode, antialias))
        .use_alpha(false);
    let [x, y, width, height] = part;
    // The crate scales across first. Scaling down first leaves fewer rows for it.
    if to.height >= height || width == to.width || mode == Interpolation::Nearest {
        return pass(from, part, &options, to);
    }
    let mut middle = Buffer::reused();
    middle.reshape(width, to.height);
    pass(from, [x, y, width, height], &options, &mut middle)?;
    let whole = [0, 0, width, to.height];
    pass(middle.pixels(), whole, &options, to)?;
    middle.retire();
    Ok(())
}

fn pass(
    from: Pixels<'_>,
    part: [usize; 4],
    options: &ResizeOptions,
    to: &mut Buffer,
) -> Result<(), VisionError> {
    let source =
        TypedImageRef::<U8x3>::from_buffer(from.width as u32, from.height as u32, from.bytes)
            .map_err(refused)?;
    // A view and not the option `crop`, with which the pixels around the part have a say in its borders.
    let [x, y, width, height] = part.map(|side| side as u32);
    let source = TypedCroppedImage::from_ref(&source, x, y, width, height).map_err(refused)?;
    let mut target =
        TypedImage::<U8x3>::from_buffer(to.width as u32, to.height as u32, &mut to.bytes)
            .map_err(refused)?;
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize_typed(&source, &mut target, options))
        .map_err(refused)
}

fn refused(error: impl std::fmt::Display) -> VisionError {
    VisionError::Size(format!("cannot resize: {error}"))
}

thread_local! {
    /// Keeps the memory for the picture between its two passes.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}
