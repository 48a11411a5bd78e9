//! Image work: what a lesson does to pixels, as methods of [`Image`].
//!
//! - [`resize`]: another number of pixels, by every usual interpolation
//! - [`geometry`]: pad, turn, rotate
//! - [`colour`]: HSV, Lab, YCrCb and back
//! - [`filter`]: convolution with any kernel, blur, sharpen, Sobel, Laplace
//! - [`median`]: the median of a neighbourhood
//! - [`canny`]: edges one pixel wide
//! - [`threshold`]: black or white, by a fixed value, Otsu's, or one for each neighbourhood
//! - [`morphology`]: erode, dilate, and what they make together
//! - [`equalise`]: contrast, over the whole image or by tiles (CLAHE)
//! - `border`: which pixel stands for one outside the image
//!
//! Conventions: coordinates are pixels from the top left; angles are degrees, counter-clockwise; operations
//! that need one number a pixel work on the luma, as [`Image::grayscale`] has it, and return a grey image.
//! Each says which function of OpenCV or Pillow gives the same numbers; `tests/images/golden.rs` compares them.

pub(crate) mod border;
pub mod canny;
pub mod colour;
pub mod equalise;
pub mod filter;
pub mod geometry;
pub mod median;
pub mod morphology;
pub mod resize;
pub mod threshold;

use crate::{Image, VisionError};

/// Refuses the size of a neighbourhood that has no middle.
fn check_kernel_size(kernel_size: u32) -> Result<(), VisionError> {
    if kernel_size % 2 == 1 && kernel_size <= 255 {
        return Ok(());
    }
    Err(VisionError::Argument(format!(
        "a kernel size is an odd number from 1 to 255, got {kernel_size}"
    )))
}

impl Image {
    /// The luma of each pixel, row after row, 0-255: the numbers of [`grayscale`](Self::grayscale).
    pub fn luma(&self) -> Vec<u8> {
        self.pixels().map(crate::picture::luma).collect()
    }

    /// A grey image of one number a pixel, row after row.
    pub(crate) fn from_luma(width: u32, height: u32, luma: &[u8]) -> Self {
        let mut values = luma.iter();
        Self::generate(width, height, |_, _| {
            [values.next().copied().unwrap_or_default(); 3]
        })
    }
}
