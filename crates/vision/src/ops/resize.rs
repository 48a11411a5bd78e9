//! Another number of pixels for the same picture.

use fast_image_resize::images::{Image as Target, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::picture::check_sides;
use crate::{Image, VisionError};

/// How the colour of a new pixel is found among the old ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// The old pixel at the new one's centre: exact colours, jagged edges; for masks and labels.
    Nearest,
    /// A weighted mean of neighbours, weights falling linearly with distance.
    #[default]
    Bilinear,
    /// Cubic weights (Catmull-Rom, a = -0.5), some of them negative: sharper, with slight halos.
    Bicubic,
    /// The mean of the area that the new pixel covers: OpenCV's `INTER_AREA`, for shrinking.
    Area,
    /// A windowed sinc over three pixels to each side: the sharpest, and halos at hard edges.
    Lanczos,
}

impl Image {
    /// The picture scaled to `width` x `height` pixels, whatever its shape was.
    ///
    /// Bilinear, with antialiasing when it shrinks: what torchvision's `resize` and Pillow's `BILINEAR` do.
    ///
    /// # Errors
    /// [`VisionError::Size`] when a side is 0 or the result is too large for memory.
    pub fn resize(&self, width: u32, height: u32) -> Result<Self, VisionError> {
        self.resize_with(width, height, Interpolation::Bilinear)
    }

    /// The picture scaled to `width` x `height` pixels by another interpolation, antialiased: where it
    /// shrinks, each new pixel looks at as many old ones as it stands for. The same numbers, within
    /// rounding, as Pillow's `resize`; for [`Interpolation::Area`], as OpenCV's `INTER_AREA` when shrinking.
    ///
    /// # Errors
    /// Those of [`resize`](Self::resize).
    pub fn resize_with(
        &self,
        width: u32,
        height: u32,
        interpolation: Interpolation,
    ) -> Result<Self, VisionError> {
        let filter = match interpolation {
            Interpolation::Nearest => return self.convolved(width, height, ResizeAlg::Nearest),
            Interpolation::Area => return self.resize_area(width, height),
            other => filter_type(other),
        };
        self.convolved(width, height, ResizeAlg::Convolution(filter))
    }

    /// The same without antialiasing: each new pixel looks at the few old ones next to its centre, however
    /// much the picture shrinks, so fine patterns turn into false ones. OpenCV's `resize` and
    /// `torch.nn.functional.interpolate` do this unless told otherwise; it is here to be seen.
    ///
    /// # Errors
    /// Those of [`resize`](Self::resize).
    pub fn resize_aliased(
        &self,
        width: u32,
        height: u32,
        interpolation: Interpolation,
    ) -> Result<Self, VisionError> {
        let filter = match interpolation {
            Interpolation::Nearest | Interpolation::Area => {
                return self.resize_with(width, height, interpolation);
            }
            other => filter_type(other),
        };
        self.convolved(width, height, ResizeAlg::Interpolation(filter))
    }

    fn convolved(&self, width: u32, height: u32, how: ResizeAlg) -> Result<Self, VisionError> {
        check_sides(width, height)?;
        if (width, height) == (self.width(), self.height()) {
            return Ok(self.clone());
        }
        let failed = |error: &dyn std::fmt::Display| VisionError::Size(error.to_string());
        let source = ImageRef::new(
            self.width(),
            self.height(),
            self.as_bytes(),
            PixelType::U8x3,
        )
        .map_err(|error| failed(&error))?;
        let mut target = Target::new(width, height, PixelType::U8x3);
        Resizer::new()
            .resize(&source, &mut target, &ResizeOptions::new().resize_alg(how))
            .map_err(|error| failed(&error))?;
        Self::from_rgb8(width, height, target.into_vec())
    }

    /// Each new pixel is the mean of the old ones under it, those at its edge counted by the part it covers.
    fn resize_area(&self, width: u32, height: u32) -> Result<Self, VisionError> {
        check_sides(width, height)?;
        let columns = coverage(self.width(), width);
        let rows = coverage(self.height(), height);
        let old = self.as_bytes();
        let old_row = self.width() as usize * 3;
        let mut bytes = Vec::with_capacity(width as usize * height as usize * 3);
        let mut sums = vec![0.0f32; old_row];
        for (top, weights) in &rows {
            sums.fill(0.0);
            for (row, weight) in old[top * old_row..].chunks_exact(old_row).zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += weight * f32::from(value);
                }
            }
            for (left, weights) in &columns {
                let mut colour = [0.0f32; 3];
                for (pixel, weight) in sums[left * 3..].chunks_exact(3).zip(weights) {
                    for (sum, value) in colour.iter_mut().zip(pixel) {
                        *sum += weight * value;
                    }
                }
                bytes.extend(colour.map(|sum| sum.round() as u8));
            }
        }
        Self::from_rgb8(width, height, bytes)
    }
}

fn filter_type(interpolation: Interpolation) -> FilterType {
    match interpolation {
        Interpolation::Nearest | Interpolation::Area => FilterType::Box,
        Interpolation::Bilinear => FilterType::Bilinear,
        Interpolation::Bicubic => FilterType::CatmullRom,
        Interpolation::Lanczos => FilterType::Lanczos3,
    }
}

/// For each of `new` places along a side, the first of the `old` ones under it and the share of each.
fn coverage(old: u32, new: u32) -> Vec<(usize, Vec<f32>)> {
    let step = f64::from(old) / f64::from(new);
    let cover = |place: u32| {
        let (start, end) = (f64::from(place) * step, f64::from(place + 1) * step);
        let first = (start.floor() as u32).min(old - 1);
        let last = ((end - 1e-9).floor() as u32).clamp(first, old - 1);
        let weights = (first..=last).map(|index| {
            let covered = end.min(f64::from(index + 1)) - start.max(f64::from(index));
            (covered / step) as f32
        });
        (first as usize, weights.collect())
    };
    (0..new).map(cover).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Interpolation; 5] = [
        Interpolation::Nearest,
        Interpolation::Bilinear,
        Interpolation::Bicubic,
        Interpolation::Area,
        Interpolation::Lanczos,
    ];

    #[test]
    fn one_colour_stays_that_colour() {
        let image = Image::filled(7, 5, [10, 130, 250]).unwrap();
        for interpolation in ALL {
            for (width, height) in [(1, 1), (3, 2), (7, 5), (20, 1), (13, 31)] {
                let expected = Image::filled(width, height, [10, 130, 250]).unwrap();
                for resized in [
                    image.resize_with(width, height, interpolation),
                    image.resize_aliased(width, height, interpolation),
                ] {
                    assert_eq!(resized.unwrap(), expected, "{interpolation:?}");
                }
            }
        }
    }

    #[test]
    fn one_colour_stays_that_colour_however_small_it_gets() {
        for (width, height) in [(2, 3000), (4000, 3), (1, 60_000), (60_000, 1)] {
            for level in [0, 1, 100, 128, 254, 255] {
                let image = Image::filled(width, height, [level; 3]).unwrap();
                for (width, height) in [(1, 1), (width.min(7), height.min(7))] {
                    let expected = Image::filled(width, height, [level; 3]).unwrap();
                    for how in ALL {
                        let small = image.resize_with(width, height, how).unwrap();
                        assert_eq!(small, expected, "{how:?} of {image:?}, {level}");
                    }
                }
            }
        }
    }

    #[test]
    fn fine_stripes_become_grey_only_with_antialiasing() {
        let stripes = Image::generate(64, 64, |x, _| [if x % 2 == 0 { 0 } else { 255 }; 3]);
        for interpolation in [Interpolation::Bilinear, Interpolation::Area] {
            let small = stripes.resize_with(16, 16, interpolation).unwrap();
            let [value, ..] = small.pixel(8, 8);
            assert!(value.abs_diff(127) <= 2, "{interpolation:?} {value}");
        }
        let nearest = stripes.resize_with(16, 16, Interpolation::Nearest).unwrap();
        assert!([0, 255].contains(&nearest.pixel(8, 8)[0]));
    }

    #[test]
    fn impossible_sizes_are_refused_by_all() {
        let image = Image::filled(2, 2, [0; 3]).unwrap();
        for interpolation in ALL {
            assert!(image.resize_with(0, 5, interpolation).is_err());
            assert!(image.resize_with(60_000, 60_000, interpolation).is_err());
            assert!(image.resize_aliased(5, 0, interpolation).is_err());
        }
    }

    /// The gradient of `tests/fixtures/make.py`.
    fn gradient() -> Image {
        Image::generate(16, 10, |x, y| {
            [x * 16, y * 24, x * y * 7 % 256].map(|v| v as u8)
        })
    }

    #[test]
    fn resizing_gives_the_pixels_of_pillow() {
        // Image.resize(size, Resampling.BILINEAR), tests/fixtures/make.py: both corners of the top row,
        // the middle, the last pixel. Rounding may differ by one.
        let pillow = [
            (
                (8, 5),
                [[11, 17, 4], [229, 17, 71], [136, 108, 140], [229, 199, 113]],
            ),
            (
                (5, 7),
                [[23, 8, 3], [217, 8, 33], [120, 108, 164], [217, 208, 123]],
            ),
            (
                (40, 23),
                [[0, 0, 0], [240, 0, 0], [123, 108, 153], [240, 216, 177]],
            ),
        ];
        for ((w, h), expected) in pillow {
            let small = gradient().resize(w, h).unwrap();
            for ((x, y), expected) in [(0, 0), (w - 1, 0), (w / 2, h / 2), (w - 1, h - 1)]
                .into_iter()
                .zip(expected)
            {
                let found: [u8; 3] = small.pixel(x, y);
                assert!(
                    found
                        .iter()
                        .zip(expected)
                        .all(|(&f, e): (_, u8)| f.abs_diff(e) <= 1),
                    "{found:?} {expected:?}"
                );
            }
        }
    }
}
