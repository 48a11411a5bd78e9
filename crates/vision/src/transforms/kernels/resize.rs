//! Scaling, by the crate fast_image_resize.

use std::cell::RefCell;

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::buffer::{Buffer, Pixels};
use crate::VisionError;

/// How colours between pixels are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum InterpolationMode {
    /// The nearest pixel, unchanged: for label maps, and where speed is all.
    Nearest,
    /// Straight lines between pixels.
    #[default]
    Bilinear,
    /// Cubic curves (a = -0.5, as Pillow has it).
    Bicubic,
    /// The average of the pixels that fall into one.
    Box,
    /// Hamming's window: as fast as bilinear, as sharp as bicubic.
    Hamming,
    /// Lanczos's window of six pixels: the sharpest.
    Lanczos,
}

impl InterpolationMode {
    fn filter(self) -> FilterType {
        match self {
            InterpolationMode::Nearest | InterpolationMode::Box => FilterType::Box,
            InterpolationMode::Bilinear => FilterType::Bilinear,
            InterpolationMode::Bicubic => FilterType::CatmullRom,
            InterpolationMode::Hamming => FilterType::Hamming,
            InterpolationMode::Lanczos => FilterType::Lanczos3,
        }
    }

    fn algorithm(self, antialias: bool) -> ResizeAlg {
        match (self, antialias) {
            (InterpolationMode::Nearest, _) => ResizeAlg::Nearest,
            (mode, true) => ResizeAlg::Convolution(mode.filter()),
            (mode, false) => ResizeAlg::Interpolation(mode.filter()),
        }
    }
}

/// Scales the part of `from` at (`x`, `y`) of `width` x `height` pixels to fill `to`, whose shape is set.
///
/// # Errors
/// When the part reaches beyond `from`.
pub(crate) fn scale(
    from: Pixels<'_>,
    part: [usize; 4],
    mode: InterpolationMode,
    antialias: bool,
    to: &mut Buffer,
) -> Result<(), VisionError> {
    let options = ResizeOptions::new()
        .resize_alg(mode.algorithm(antialias))
        .use_alpha(false);
    let [x, y, width, height] = part;
    // The crate scales across first. Scaling down first leaves fewer rows for it.
    if to.height >= height || width == to.width || mode == InterpolationMode::Nearest {
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
