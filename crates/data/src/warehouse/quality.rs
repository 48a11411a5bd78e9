//! What is measured of each picture: the scores of cleanvision, a hash of its look.

use image::imageops::{self, FilterType};
use image::{GrayImage, RgbImage};

/// The measures of a picture. Scores and thresholds are those of cleanvision 0.3 (`image_property.py`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quality {
    /// The brightness, 0-1, that 99 % of the pixels stay below: dark under 0.32.
    pub brightness_99: f64,
    /// The brightness, 0-1, that 5 % of the pixels stay below: too bright over 0.95.
    pub brightness_5: f64,
    /// The entropy of its histogram, bits: little information under 3.
    pub entropy: f64,
    /// 0 (blurry) to 1 (sharp): blurry under 0.29.
    pub sharpness: f64,
    /// Whether all channels are the same everywhere.
    pub gray: bool,
    /// A perceptual hash of 64 bits: two pictures that look alike differ in few of them.
    pub look: u64,
}

impl Quality {
    /// Measures a picture.
    pub fn of(picture: &RgbImage) -> Self {
        let (brightness_5, brightness_99) = brightness(picture);
        Self {
            brightness_99,
            brightness_5,
            entropy: entropy(picture),
            sharpness: sharpness(picture),
            gray: picture
                .pixels()
                .all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]),
            look: look(picture),
        }
    }
}

/// The 5th and the 99th percentile of perceived brightness (<http://alienryderflex.com/hsp.html>).
fn brightness(picture: &RgbImage) -> (f64, f64) {
    let mut values: Vec<f32> = picture
        .pixels()
        .map(|pixel| {
            let [red, green, blue] = pixel.0.map(f32::from);
            (0.241 * red * red + 0.691 * green * green + 0.068 * blue * blue).sqrt() / 255.0
        })
        .collect();
    (percentile(&mut values, 5.0), percentile(&mut values, 99.0))
}

/// numpy's percentile: between two values it interpolates.
fn percentile(values: &mut [f32], percent: f64) -> f64 {
    let at = (values.len() - 1) as f64 * percent / 100.0;
    let below = at.floor() as usize;
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f32::total_cmp);
    let high = above.iter().copied().min_by(f32::total_cmp).unwrap_or(low);
    f64::from(low) + (f64::from(high) - f64::from(low)) * (at - below as f64)
}

/// Pillow's `Image.entropy`: over the histograms of the three channels, one after another.
fn entropy(picture: &RgbImage) -> f64 {
    let mut counts = [[0_u32; 256]; 3];
    for pixel in picture.pixels() {
        for (channel, &value) in pixel.0.iter().enumerate() {
            counts[channel][usize::from(value)] += 1;
        }
    }
    // A grey picture has one channel for cleanvision.
    let channels = if counts[0] == counts[1] && counts[1] == counts[2] {
        1
    } else {
        3
    };
    let total = f64::from(picture.width() * picture.height()) * channels as f64;
    counts[..channels]
        .iter()
        .flatten()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let part = f64::from(count) / total;
            -part * part.log2()
        })
        .sum()
}

/// How strong the edges are in a copy of at most 64 pixels, and how uneven its histogram.
fn sharpness(picture: &RgbImage) -> f64 {
    let ratio = f64::from(picture.width().max(picture.height())) / 64.0;
    let small = if ratio > 1.0 {
        let side = |side: u32| ((f64::from(side) / ratio) as u32).max(1);
        luma(&imageops::resize(
            picture,
            side(picture.width()),
            side(picture.height()),
            FilterType::CatmullRom,
        ))
    } else {
        luma(picture)
    };
    let edges = 1.0 - (-0.01 * deviation(&find_edges(&small))).exp();
    let mut histogram = [0.0; 256];
    for pixel in small.pixels() {
        histogram[usize::from(pixel[0])] += 1.0;
    }
    let uneven = 1.0 - (-0.01 * deviation(&histogram)).exp();
    (edges + if uneven <= 0.18 { 0.0 } else { uneven }).min(1.0)
}

/// Pillow's `convert("L")`.
fn luma(picture: &RgbImage) -> GrayImage {
    let weigh = |[red, green, blue]: [u8; 3]| {
        (u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471 + 0x8000) >> 16
    };
    let bytes = picture.pixels().map(|pixel| weigh(pixel.0) as u8).collect();
    GrayImage::from_raw(picture.width(), picture.height(), bytes).unwrap_or_default()
}

/// Pillow's `FIND_EDGES`: eight times a pixel less its neighbours; the border stays as it is.
fn find_edges(gray: &GrayImage) -> Vec<f64> {
    let (width, height) = gray.dimensions();
    let at = |x: u32, y: u32| i32::from(gray.get_pixel(x, y)[0]);
    let inner = |x: u32, y: u32| x > 0 && y > 0 && x + 1 < width && y + 1 < height;
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| {
            if !inner(x, y) {
                return f64::from(at(x, y));
            }
            let around: i32 = (y - 1..=y + 1)
                .flat_map(|y| (x - 1..=x + 1).map(move |x| (x, y)))
                .map(|(x, y)| at(x, y))
                .sum();
            f64::from((9 * at(x, y) - around).clamp(0, 255))
        })
        .collect()
}

fn deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum::<f64>()
        / values.len() as f64)
        .sqrt()
}

/// The perceptual hash of Zauner ("Implementation and benchmarking of perceptual image hash functions",
/// 2010), as the Python package imagehash has it: the 8 x 8 lowest frequencies of a copy of 32 x 32 pixels,
/// each above their median or not.
fn look(picture: &RgbImage) -> u64 {
    const SIDE: usize = 32;
    let small = imageops::resize(
        &luma(picture),
        SIDE as u32,
        SIDE as u32,
        FilterType::Lanczos3,
    );
    let wave: [[f32; SIDE]; 8] = std::array::from_fn(|frequency| {
        std::array::from_fn(|at| {
            libm::cosf(
                std::f32::consts::PI * frequency as f32 * (2 * at + 1) as f32 / (2 * SIDE) as f32,
            )
        })
    });
    let mut rows = [[0.0_f32; 8]; SIDE];
    for (y, row) in rows.iter_mut().enumerate() {
        for (frequency, value) in row.iter_mut().enumerate() {
            *value = (0..SIDE)
                .map(|x| f32::from(small.get_pixel(x as u32, y as u32)[0]) * wave[frequency][x])
                .sum();
        }
    }
    let mut low = [0.0_f32; 64];
    for (at, value) in low.iter_mut().enumerate() {
        *value = (0..SIDE).map(|y| rows[y][at % 8] * wave[at / 8][y]).sum();
    }
    let mut sorted = low;
    sorted.sort_by(f32::total_cmp);
    let median = (sorted[31] + sorted[32]) / 2.0;
    low.iter()
        .fold(0, |bits, &value| bits << 1 | u64::from(value > median))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The picture that the figures below were computed for, with cleanvision's functions on Pillow.
    fn pattern(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([(x * 3 + y) as u8, (x ^ y) as u8, (x * y / 7) as u8])
        })
    }

    #[test]
    fn the_scores_are_those_of_cleanvision() {
        // brightness_perc_5 and _99, Image.entropy and the blurry score of pattern(w, h), with numpy and Pillow.
        let cleanvision = [
            (
                (200, 150),
                [0.179_001_67, 0.919_254_81, 9.557_374_81, 0.433_652_59],
            ),
            (
                (50, 40),
                [0.060_228_04, 0.419_693_98, 8.494_821_60, 0.201_783_84],
            ),
        ];
        for ((width, height), [brightness_5, brightness_99, entropy, sharpness]) in cleanvision {
            let found = Quality::of(&pattern(width, height));
            assert!(
                (found.brightness_5 - brightness_5).abs() < 1e-5,
                "{found:?}"
            );
            assert!(
                (found.brightness_99 - brightness_99).abs() < 1e-5,
                "{found:?}"
            );
            assert!((found.entropy - entropy).abs() < 1e-6, "{found:?}");
            // Pillow rounds twice when it makes a picture smaller.
            assert!((found.sharpness - sharpness).abs() < 0.01, "{found:?}");
        }
    }

    #[test]
    fn flat_pictures_have_no_edges_and_no_information() {
        let gray = Quality::of(&RgbImage::from_pixel(40, 40, image::Rgb([128; 3])));
        assert!(gray.gray && gray.entropy == 0.0);
        assert!((gray.brightness_99 - 128.0 / 255.0).abs() < 1e-6);
        let black = Quality::of(&RgbImage::new(40, 40));
        assert!(black.brightness_99 < 0.32);
    }

    #[test]
    fn the_look_survives_another_size_and_brightness_but_not_another_picture() {
        let one = pattern(200, 150);
        let small = imageops::resize(&one, 90, 70, FilterType::Triangle);
        let bright = imageops::brighten(&one, 12);
        let other = imageops::rotate180(&one);
        let far = |a: &RgbImage, b: &RgbImage| (look(a) ^ look(b)).count_ones();
        assert!(far(&one, &small) <= 6, "{}", far(&one, &small));
        assert!(far(&one, &bright) <= 6, "{}", far(&one, &bright));
        assert!(far(&one, &other) > 12, "{}", far(&one, &other));
    }

    #[test]
    fn blur_lowers_the_sharpness() {
        let sharp = RgbImage::from_fn(64, 64, |x, y| {
            image::Rgb([if (x / 4 + y / 4) % 2 == 0 { 230 } else { 20 }; 3])
        });
        let blurred = imageops::blur(&pattern(64, 64), 9.0);
        assert!(sharpness(&sharp) > 0.6);
        assert!(sharpness(&blurred) < sharpness(&sharp));
    }
}
