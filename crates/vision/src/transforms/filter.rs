//! Blur, noise, compression, erased parts, and functions of the learner's own.

use std::fmt;
use std::io::Cursor;
use std::sync::Arc;

use image::ImageFormat;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::draw::{Draw, Filter, Recolour};
use super::kernels::blur;
use super::kernels::buffer::{Buffer, Pixels};
use super::kernels::noise;
use super::params::{Span, happens};
use super::seed::{Rng, Seed};
use super::transform::Transform;
use crate::{Image, VisionError};

/// Blurs with a Gaussian.
#[derive(Clone, Copy, Debug)]
pub struct GaussianBlur {
    kernel_size: u32,
    sigma: Span,
}

impl GaussianBlur {
    /// With a square of `kernel_size` pixels, an odd number, and a standard deviation from 0.1 to 2 pixels.
    pub fn new(kernel_size: u32) -> Self {
        Self {
            kernel_size,
            sigma: Span::Between(0.1, 2.0),
        }
    }

    /// The standard deviation in pixels, from one to another.
    #[must_use]
    pub fn sigma(mut self, low: f64, high: f64) -> Self {
        self.sigma = Span::Between(low, high);
        self
    }
}

impl Transform for GaussianBlur {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let size = self.kernel_size;
        if size.is_multiple_of(2) || size > 1001 {
            return Err(VisionError::Argument(format!(
                "GaussianBlur takes an odd number of pixels from 1 to 1001, got {size}"
            )));
        }
        let sigma = self
            .sigma
            .draw(rng, "the standard deviation", 0.0, [1e-3, 1e3])?;
        draw.push_filter(Blur {
            weights: blur::gaussian(size, sigma),
            sigma,
        })
    }
}

/// A blur with these weights, from the middle outwards, in both directions.
pub(crate) struct Blur {
    weights: Vec<f64>,
    sigma: f64,
}

impl Filter for Blur {
    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError> {
        blur::blur(from, &self.weights, to);
        Ok(())
    }
}

impl fmt::Display for Blur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blurred {:.2}", self.sigma)
    }
}

/// Adds normal noise to every colour of every pixel.
#[derive(Clone, Copy, Debug)]
pub struct GaussianNoise {
    mean: f64,
    sigma: f64,
    clip: bool,
}

impl GaussianNoise {
    /// Noise of this mean and standard deviation; 1.0 is from black to white.
    pub fn new(mean: f64, sigma: f64) -> Self {
        Self {
            mean,
            sigma,
            clip: true,
        }
    }

    /// Whether values beyond black and white are clipped, or start again at the other end.
    #[must_use]
    pub fn clip(mut self, clip: bool) -> Self {
        self.clip = clip;
        self
    }
}

impl Default for GaussianNoise {
    /// Mean 0, standard deviation 0.1.
    fn default() -> Self {
        Self::new(0.0, 0.1)
    }
}

impl Transform for GaussianNoise {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let one = |value: f64, what: &str, allowed| {
            Span::Between(value, value).limits(what, 0.0, allowed)
        };
        let (mean, _) = one(self.mean, "the mean of the noise", [-1.0, 1.0])?;
        let (sigma, _) = one(self.sigma, "the noise", [0.0, 100.0])?;
        draw.push_recolour(Noise {
            mean,
            sigma,
            clip: self.clip,
            seed: rng.seed(),
        })
    }
}

/// Noise that this seed gives.
struct Noise {
    mean: f64,
    sigma: f64,
    clip: bool,
    seed: Seed,
}

impl Recolour for Noise {
    fn change(&self, image: &mut Buffer) -> Result<(), VisionError> {
        let [mean, sigma] = [self.mean, self.sigma].map(|part| (part * 255.0) as f32);
        noise::add_noise(image, mean, sigma, self.clip, self.seed);
        Ok(())
    }
}

impl fmt::Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "noise {:.2}", self.sigma)
    }
}

/// Compresses the picture as a JPEG file and reads it again.
#[derive(Clone, Copy, Debug)]
pub struct Jpeg {
    quality: (u8, u8),
}

impl Jpeg {
    /// With this quality, 1-100.
    pub fn new(quality: u8) -> Self {
        Self {
            quality: (quality, quality),
        }
    }

    /// With a quality from one to another.
    pub fn between(low: u8, high: u8) -> Self {
        Self {
            quality: (low, high),
        }
    }
}

impl Transform for Jpeg {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let (low, high) = self.quality;
        if low < 1 || low > high || high > 100 {
            return Err(VisionError::Argument(format!(
                "the quality of a JPEG is a number from 1 to 100, got {low} to {high}"
            )));
        }
        draw.push_filter(Compress(rng.between(low.into(), high.into()) as u8))
    }
}

/// A trip through a JPEG file of this quality.
struct Compress(u8);

impl Filter for Compress {
    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError> {
        let failed = |reason: String| VisionError::Argument(format!("JPEG: {reason}"));
        let too_large = |_| failed("sides may have 65535 pixels".into());
        let width = u16::try_from(from.width).map_err(too_large)?;
        let height = u16::try_from(from.height).map_err(too_large)?;
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, self.0);
        // Colour is stored at half the width and height, as in most files.
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder
            .encode(from.bytes, width, height, ColorType::Rgb)
            .map_err(|error| failed(error.to_string()))?;
        let image = image::load(Cursor::new(file), ImageFormat::Jpeg)
            .map_err(|error| failed(error.to_string()))?
            .into_rgb8();
        to.copy_from(Pixels {
            bytes: image.as_raw(),
            ..from
        });
        Ok(())
    }
}

impl fmt::Display for Compress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JPEG {}", self.0)
    }
}

/// Covers a rectangle of random place, size and shape, with probability `p` (Zhong et al. 2017, arXiv
/// 1708.04896; also known as cutout).
#[derive(Clone, Copy, Debug)]
pub struct RandomErasing {
    p: f64,
    scale: Span,
    ratio: Span,
    value: Option<[u8; 3]>,
}

impl RandomErasing {
    /// Black over 2 % to 33 % of the area, from 3:10 to 33:10 in shape, with probability `p`.
    pub fn new(p: f64) -> Self {
        Self {
            p,
            scale: Span::Between(0.02, 0.33),
            ratio: Span::Between(0.3, 3.3),
            value: Some([0; 3]),
        }
    }

    /// From which to which part of the picture's area, 0-1.
    #[must_use]
    pub fn scale(mut self, low: f64, high: f64) -> Self {
        self.scale = Span::Between(low, high);
        self
    }

    /// From which to which ratio of height to width.
    #[must_use]
    pub fn ratio(mut self, low: f64, high: f64) -> Self {
        self.ratio = Span::Between(low, high);
        self
    }

    /// The colour of the rectangle, `[red, green, blue]` in 0-255.
    #[must_use]
    pub fn value(mut self, colour: [u8; 3]) -> Self {
        self.value = Some(colour);
        self
    }

    /// Fills the rectangle with noise instead of a colour.
    #[must_use]
    pub fn random(mut self) -> Self {
        self.value = None;
        self
    }
}

impl Default for RandomErasing {
    /// Half of the pictures.
    fn default() -> Self {
        Self::new(0.5)
    }
}

impl Transform for RandomErasing {
    fn draw_into(&self, draw: &mut Draw, rng: &mut Rng) -> Result<(), VisionError> {
        let (least, most) = self.scale.limits("the scale", 0.0, [0.0, 1.0])?;
        let (low, high) = self.ratio.limits("the ratio", 1.0, [1e-6, 1e6])?;
        if !happens(self.p, rng)? {
            return Ok(());
        }
        let (width, height) = draw.size();
        for _ in 0..10 {
            let area = f64::from(width) * f64::from(height) * rng.uniform(least, most);
            let ratio = libm::exp(rng.uniform(libm::log(low), libm::log(high)));
            let h = (area * ratio).sqrt().round_ties_even() as u32;
            let w = (area / ratio).sqrt().round_ties_even() as u32;
            if (1..width).contains(&w) && (1..height).contains(&h) {
                let y = rng.between(0, i64::from(height - h)) as u32;
                let x = rng.between(0, i64::from(width - w)) as u32;
                return draw.push_recolour(Erase {
                    place: [x, y, w, h].map(|side| side as usize),
                    value: self.value,
                    seed: rng.seed(),
                });
            }
        }
        Ok(())
    }
}

/// A rectangle (x, y, width, height) in one colour, or in noise.
struct Erase {
    place: [usize; 4],
    value: Option<[u8; 3]>,
    seed: Seed,
}

impl Recolour for Erase {
    fn change(&self, image: &mut Buffer) -> Result<(), VisionError> {
        let [x, y, width, height] = self.place;
        let mut rng = Rng::new(self.seed);
        let stride = image.width * 3;
        for row in image.bytes.chunks_exact_mut(stride).skip(y).take(height) {
            for pixel in &mut row.as_chunks_mut::<3>().0[x..x + width] {
                *pixel = self.value.unwrap_or_else(|| {
                    let [r, g, b, ..] = rng.bits().to_le_bytes();
                    [r, g, b]
                });
            }
        }
        Ok(())
    }
}

impl fmt::Display for Erase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [x, y, width, height] = self.place;
        write!(f, "erased {width}x{height} at ({x}, {y})")
    }
}

/// What a [`Lambda`] does.
type Function = dyn Fn(&Image) -> Result<Image, VisionError> + Send + Sync;

/// A function of one's own, from a picture to one of the same size.
///
/// ```
/// use vision::transforms::*;
/// use vision::{Image, compose};
///
/// let aug = compose![Lambda::new("grey", |image| Ok(image.grayscale())), RandomCrop::new(8)];
/// # let image = Image::filled(9, 9, [0, 0, 9])?;
/// let crop = aug.apply(&image, 1)?;
/// # Ok::<(), vision::VisionError>(())
/// ```
#[derive(Clone)]
pub struct Lambda {
    name: String,
    function: Arc<Function>,
}

impl Lambda {
    /// The function, with a name for captions.
    pub fn new(
        name: impl Into<String>,
        function: impl Fn(&Image) -> Result<Image, VisionError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            function: Arc::new(function),
        }
    }
}

impl fmt::Debug for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lambda({:?})", self.name)
    }
}

impl fmt::Display for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Transform for Lambda {
    fn draw_into(&self, draw: &mut Draw, _: &mut Rng) -> Result<(), VisionError> {
        draw.push_filter(self.clone())
    }
}

impl Filter for Lambda {
    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError> {
        let image = Image::from_rgb8(from.width as u32, from.height as u32, from.bytes.to_vec())?;
        let result = (self.function)(&image)?;
        if (result.width(), result.height()) != (image.width(), image.height()) {
            return Err(VisionError::Argument(format!(
                "{}: a Lambda has to keep the size, but it made {}x{} of {}x{} pixels",
                self.name,
                result.width(),
                result.height(),
                image.width(),
                image.height()
            )));
        }
        to.copy_from(Pixels::of(&result));
        Ok(())
    }
}
