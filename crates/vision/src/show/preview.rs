//! An image as it is sent to a page: not larger than it is shown, sharp on dense screens.

use base64::Engine as _;
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::{ImageError, RgbImage};

use crate::{Image, Interpolation, VisionError};

/// The longest side of an image on the page, in CSS pixels.
pub(crate) const PAGE: u32 = 800;
/// Images with a longest side under half of this are enlarged towards it, in CSS pixels.
const SMALL: u32 = 256;
/// The most that one pixel is enlarged to.
const MAX_ENLARGEMENT: u32 = 32;
/// Pixels stored for each CSS pixel of a shrunk image, so that it stays sharp on dense screens.
const DENSITY: u32 = 2;

/// What the image is, for those who cannot see it.
pub(crate) fn describe(image: &Image) -> String {
    format!("image {}x{} RGB", image.width(), image.height())
}

/// An image as it is sent to a page.
pub(crate) struct Preview {
    pub(crate) png: Vec<u8>,
    /// CSS pixels.
    pub(crate) width: u32,
    /// CSS pixels.
    pub(crate) height: u32,
}

impl Preview {
    /// The image with its longest side at most `most` CSS pixels.
    pub(crate) fn new(image: &Image, most: u32) -> Result<Self, VisionError> {
        let longest = image.width().max(image.height());
        if longest > most {
            let (width, height) = fit(image.width(), image.height(), most);
            let png = stored(image, most)?;
            return Ok(Self { png, width, height });
        }
        // Whole pixels become whole squares: browsers would blur them.
        let times = (SMALL.min(most) / longest.max(1)).clamp(1, MAX_ENLARGEMENT);
        let (width, height) = (image.width() * times, image.height() * times);
        let png = encode(&image.resize_with(width, height, Interpolation::Nearest)?)?;
        Ok(Self { png, width, height })
    }

    /// For an `<img>` of HTML.
    pub(crate) fn data_url(&self) -> String {
        let data = base64::engine::general_purpose::STANDARD.encode(&self.png);
        format!("data:image/png;base64,{data}")
    }
}

/// The PNG of an image that is shown with its longest side `most` CSS pixels long: shrunk if it has more
/// pixels than a dense screen can show there, never enlarged.
pub(crate) fn stored(image: &Image, most: u32) -> Result<Vec<u8>, VisionError> {
    let most = most.saturating_mul(DENSITY);
    if image.width().max(image.height()) <= most {
        return encode(image);
    }
    let (width, height) = fit(image.width(), image.height(), most);
    encode(&image.resize(width, height)?)
}

/// The size of the same shape whose longest side is `most`.
pub(crate) fn fit(width: u32, height: u32, most: u32) -> (u32, u32) {
    let longest = u64::from(width.max(height));
    let scale =
        |side: u32| ((u64::from(side) * u64::from(most) + longest / 2) / longest).max(1) as u32;
    (scale(width), scale(height))
}

fn encode(image: &Image) -> Result<Vec<u8>, VisionError> {
    let pixels: &RgbImage = image.as_rgb8();
    let mut png = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut png, CompressionType::Fast, PngFilter::Adaptive);
    pixels
        .write_with_encoder(encoder)
        .map_err(|error: ImageError| VisionError::Argument(error.to_string()))?;
    Ok(png)
}
