//! Colour spaces: other three numbers for the same colour, with OpenCV's 8-bit ranges.
//!
//! | space | channels | 0-255 means |
//! |---|---|---|
//! | HSV | hue, saturation, value | hue is half its degrees, 0-179; the others 0-1 |
//! | Lab | lightness, green to red, blue to yellow | L is 0-100; a and b are shifted by 128 |
//! | YCrCb | luma, red difference, blue difference | differences are shifted by 128 |
//!
//! The results are [`Array`]s rather than images, since their numbers are no longer red, green and blue.

use crate::{Array, Image, VisionError};

impl Image {
    /// Hue (0-179, half its degrees), saturation and value (0-255): `[H, W, 3]`, `uint8`.
    /// OpenCV's `COLOR_RGB2HSV`.
    pub fn to_hsv(&self) -> Array {
        self.map(rgb_to_hsv).to_array()
    }

    /// The picture of an array of [`to_hsv`](Self::to_hsv). OpenCV's `COLOR_HSV2RGB`.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the array is not `[H, W, 3]`, `uint8`.
    pub fn from_hsv(hsv: &Array) -> Result<Self, VisionError> {
        Ok(three_channels(hsv)?.map(hsv_to_rgb))
    }

    /// CIE L*a*b* under daylight (D65), 8 bits each: `[H, W, 3]`, `uint8`. Distances in it are close to
    /// how different colours look. OpenCV's `COLOR_RGB2Lab`.
    pub fn to_lab(&self) -> Array {
        self.map(rgb_to_lab).to_array()
    }

    /// The picture of an array of [`to_lab`](Self::to_lab); what no screen can show is cut off.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the array is not `[H, W, 3]`, `uint8`.
    pub fn from_lab(lab: &Array) -> Result<Self, VisionError> {
        Ok(three_channels(lab)?.map(lab_to_rgb))
    }

    /// Luma and the differences of red and blue from it: `[H, W, 3]`, `uint8`. JPEG stores pictures so.
    /// OpenCV's `COLOR_RGB2YCrCb`.
    pub fn to_ycrcb(&self) -> Array {
        self.map(rgb_to_ycrcb).to_array()
    }

    /// The picture of an array of [`to_ycrcb`](Self::to_ycrcb). OpenCV's `COLOR_YCrCb2RGB`.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the array is not `[H, W, 3]`, `uint8`.
    pub fn from_ycrcb(ycrcb: &Array) -> Result<Self, VisionError> {
        Ok(three_channels(ycrcb)?.map(ycrcb_to_rgb))
    }
}

/// Three channels as they are, whatever they mean.
pub(crate) fn three_channels(array: &Array) -> Result<Image, VisionError> {
    match (array.shape(), array.as_u8()) {
        (&[height, width, 3], Some(bytes)) => {
            let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
            Image::from_rgb8(side(width), side(height), bytes.to_vec())
        }
        (shape, _) => Err(VisionError::Argument(format!(
            "expected three channels [H, W, 3], uint8, got {shape:?}, {}",
            array.dtype()
        ))),
    }
}

/// Smith, "Color gamut transform pairs", 1978; rounded by OpenCV's fixed-point tables.
pub(crate) fn rgb_to_hsv(colour: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = colour.map(i32::from);
    let value = r.max(g).max(b);
    let spread = value - r.min(g).min(b);
    if spread == 0 {
        return [0, 0, value as u8];
    }
    let fixed = |numerator: f64| (numerator * 4096.0).round_ties_even() as i32;
    let round = |product: i32| (product + 2048) >> 12;
    let saturation = round(spread * fixed(255.0 / f64::from(value)));
    let hue = if value == r {
        g - b
    } else if value == g {
        b - r + 2 * spread
    } else {
        r - g + 4 * spread
    };
    let hue = round(hue * fixed(180.0 / (6.0 * f64::from(spread))));
    let hue = if hue < 0 { hue + 180 } else { hue };
    [hue as u8, saturation as u8, value as u8]
}

pub(crate) fn hsv_to_rgb([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
    let sector = f32::from(hue) / 30.0;
    let (saturation, value) = (f32::from(saturation) / 255.0, f32::from(value));
    let part = sector.fract();
    let low = value * (1.0 - saturation);
    let falling = value * (1.0 - saturation * part);
    let rising = value * (1.0 - saturation * (1.0 - part));
    let rgb = match sector as u8 % 6 {
        0 => [value, rising, low],
        1 => [falling, value, low],
        2 => [low, value, rising],
        3 => [low, falling, value],
        4 => [rising, low, value],
        _ => [value, low, falling],
    };
    rgb.map(|v| v.round() as u8)
}

/// ITU-R BT.601, in 1/16384 as OpenCV has it.
pub(crate) fn rgb_to_ycrcb(colour: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = colour.map(i32::from);
    let round = |product: i32| (product + 8192) >> 14;
    let y = round(4899 * r + 9617 * g + 1868 * b);
    let cr = round((r - y) * 11682 + (128 << 14));
    let cb = round((b - y) * 9241 + (128 << 14));
    [y, cr, cb].map(|v| v.clamp(0, 255) as u8)
}

pub(crate) fn ycrcb_to_rgb(colour: [u8; 3]) -> [u8; 3] {
    let [y, cr, cb] = colour.map(i32::from);
    let (cr, cb) = (cr - 128, cb - 128);
    let round = |product: i32| (product + 8192) >> 14;
    let r = y + round(cr * 22987);
    let g = y + round(cr * -11698 + cb * -5636);
    let b = y + round(cb * 29049);
    [r, g, b].map(|v| v.clamp(0, 255) as u8)
}

/// The white of daylight, D65, for X and Z; Y is 1.
const WHITE: [f32; 2] = [0.950456, 1.088754];

/// CIE 1976 over the linear light of sRGB (IEC 61966-2-1).
pub(crate) fn rgb_to_lab(colour: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = colour.map(|v| {
        let v = f32::from(v) / 255.0;
        if v <= 0.04045 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    });
    let x = (0.412453 * r + 0.35758 * g + 0.180423 * b) / WHITE[0];
    let y = 0.212671 * r + 0.71516 * g + 0.072169 * b;
    let z = (0.019334 * r + 0.119193 * g + 0.950227 * b) / WHITE[1];
    let f = |t: f32| {
        if t > 0.008856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    };
    let lightness = if y > 0.008856 {
        116.0 * y.cbrt() - 16.0
    } else {
        903.3 * y
    };
    let (a, b) = (500.0 * (f(x) - f(y)), 200.0 * (f(y) - f(z)));
    [lightness * 2.55, a + 128.0, b + 128.0].map(|v| v.round() as u8)
}

pub(crate) fn lab_to_rgb(colour: [u8; 3]) -> [u8; 3] {
    let [lightness, a, b] = colour.map(f32::from);
    let (lightness, a, b) = (lightness / 2.55, a - 128.0, b - 128.0);
    let (y, fy) = if lightness <= 8.0 {
        let y = lightness / 903.3;
        (y, 7.787 * y + 16.0 / 116.0)
    } else {
        let fy = (lightness + 16.0) / 116.0;
        (fy * fy * fy, fy)
    };
    let back = |f: f32| {
        if f > 6.0 / 29.0 {
            f * f * f
        } else {
            (f - 16.0 / 116.0) / 7.787
        }
    };
    let x = back(fy + a / 500.0) * WHITE[0];
    let z = back(fy - b / 200.0) * WHITE[1];
    let linear = [
        3.240479 * x - 1.53715 * y - 0.498535 * z,
        -0.969256 * x + 1.875991 * y + 0.041556 * z,
        0.055648 * x - 0.204043 * y + 1.057311 * z,
    ];
    linear.map(|v| {
        let v = v.clamp(0.0, 1.0);
        let v = if v <= 0.0031308 {
            v * 12.92
        } else {
            1.055 * v.powf(1.0 / 2.4) - 0.055
        };
        (v * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Colours all over the cube.
    fn colours() -> impl Iterator<Item = [u8; 3]> {
        (0..=255u8).step_by(17).flat_map(|r| {
            (0..=255u8)
                .step_by(17)
                .flat_map(move |g| (0..=255u8).step_by(17).map(move |b| [r, g, b]))
        })
    }

    #[test]
    fn known_colours_have_their_known_numbers() {
        // cv2.cvtColor(colour, COLOR_RGB2HSV), COLOR_RGB2Lab, COLOR_RGB2YCrCb
        let red = [255, 0, 0];
        assert_eq!(rgb_to_hsv(red), [0, 255, 255]);
        assert_eq!(rgb_to_lab(red), [136, 208, 195]);
        assert_eq!(rgb_to_ycrcb(red), [76, 255, 85]);
        let blue = [0, 0, 255];
        assert_eq!(rgb_to_hsv(blue), [120, 255, 255]);
        assert_eq!(rgb_to_lab(blue), [82, 207, 20]);
        assert_eq!(rgb_to_ycrcb(blue), [29, 107, 255]);
    }

    #[test]
    fn every_colour_comes_back() {
        // Eight bits of hue and of a and b are too few to be exact.
        type Way = fn([u8; 3]) -> [u8; 3];
        let ways: [(Way, Way, u8); 3] = [
            (rgb_to_hsv, hsv_to_rgb, 5),
            (rgb_to_lab, lab_to_rgb, 21), // as far off as OpenCV is
            (rgb_to_ycrcb, ycrcb_to_rgb, 2),
        ];
        for (there, back, tolerance) in ways {
            for colour in colours() {
                let found = back(there(colour));
                let off = found
                    .iter()
                    .zip(colour)
                    .map(|(&f, c)| f.abs_diff(c))
                    .max()
                    .unwrap();
                assert!(off <= tolerance, "{colour:?} {found:?}");
            }
        }
    }

    #[test]
    fn grey_has_no_colour_in_any_space() {
        for v in 0..=255 {
            assert_eq!(rgb_to_hsv([v; 3]), [0, 0, v]);
            assert_eq!(rgb_to_ycrcb([v; 3]), [v, 128, 128]);
            assert_eq!(rgb_to_lab([v; 3])[1..], [128, 128]);
        }
    }

    #[test]
    fn what_is_not_three_channels_is_refused() {
        let grey = Array::from_u8(&[2, 2], vec![0; 4]).unwrap();
        let message = Image::from_hsv(&grey).unwrap_err().to_string();
        assert_eq!(
            message,
            "expected three channels [H, W, 3], uint8, got [2, 2], uint8"
        );
    }
}
