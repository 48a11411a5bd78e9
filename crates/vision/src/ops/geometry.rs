//! Where pixels are: pad, turn, rotate. (Crop and flip are with [`Image`] itself.)

use super::border;
use crate::picture::check_sides;
use crate::{Image, VisionError};

/// What stands outside the image, under torchvision's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// One colour.
    Constant([u8; 3]),
    /// The outermost pixel, repeated: `aaa|abcd|ddd`.
    Edge,
    /// The image mirrored, without its outermost pixel: `dcb|abcd|cba`.
    Reflect,
    /// The image mirrored, its outermost pixel twice: `cba|abcd|dcb`.
    Symmetric,
}

impl Image {
    /// The image with a margin of `[left, top, right, bottom]` pixels: torchvision's `pad`.
    ///
    /// # Errors
    /// [`VisionError::Size`] when the result is too large for memory.
    pub fn pad(
        &self,
        [left, top, right, bottom]: [u32; 4],
        padding: Padding,
    ) -> Result<Self, VisionError> {
        let width = self.width().saturating_add(left).saturating_add(right);
        let height = self.height().saturating_add(top).saturating_add(bottom);
        check_sides(width, height)?;
        let place = |index: u32, before: u32, length: u32| {
            let index = i64::from(index) - i64::from(before);
            match padding {
                Padding::Constant(_) => (0..i64::from(length))
                    .contains(&index)
                    .then_some(index as usize),
                Padding::Edge => Some(border::replicate(index, length)),
                Padding::Reflect => Some(border::reflect(index, length)),
                Padding::Symmetric => Some(border::symmetric(index, length)),
            }
        };
        let fill = match padding {
            Padding::Constant(colour) => colour,
            _ => [0; 3],
        };
        let columns: Vec<_> = (0..width).map(|x| place(x, left, self.width())).collect();
        let rows: Vec<_> = (0..height).map(|y| place(y, top, self.height())).collect();
        Ok(Self::generate(width, height, |x, y| {
            match (columns[x as usize], rows[y as usize]) {
                (Some(x), Some(y)) => self.at(x, y),
                _ => fill,
            }
        }))
    }

    /// The image turned by 90 degrees, counter-clockwise: NumPy's `rot90`.
    pub fn rotate90(&self) -> Self {
        let last = self.width() as usize - 1;
        Self::generate(self.height(), self.width(), |x, y| {
            self.at(last - y as usize, x as usize)
        })
    }

    /// The image turned by 180 degrees.
    pub fn rotate180(&self) -> Self {
        self.flip_horizontal().flip_vertical()
    }

    /// The image turned by 270 degrees counter-clockwise, which is 90 degrees clockwise.
    pub fn rotate270(&self) -> Self {
        let last = self.height() as usize - 1;
        Self::generate(self.height(), self.width(), |x, y| {
            self.at(y as usize, last - x as usize)
        })
    }

    /// The image rotated about its centre by any angle, in degrees, counter-clockwise, in a frame of the
    /// same size: corners leave it, and black comes in. Bilinear; Pillow's `rotate(degrees, BILINEAR)`.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the angle is not finite.
    pub fn rotate(&self, degrees: f32) -> Result<Self, VisionError> {
        let turn = Turn::new(degrees)?;
        Ok(self.turned(&turn, self.width(), self.height()))
    }

    /// The same in a frame large enough for all of the image: Pillow's `expand=True`.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the angle is not finite; [`VisionError::Size`] when the result is too
    /// large for memory.
    pub fn rotate_expanded(&self, degrees: f32) -> Result<Self, VisionError> {
        let turn = Turn::new(degrees)?;
        let (w, h) = (f64::from(self.width()), f64::from(self.height()));
        // From the first pixel that is touched to the last, as Pillow counts them. A hair less, so that
        // rounding does not add one to quarter turns.
        let extent = |length: f64, side: f64| {
            let (middle, reach) = (side / 2.0, length / 2.0 - 1e-6);
            ((middle + reach).ceil() - (middle - reach).floor()) as u32
        };
        let width = extent((w * turn.cos).abs() + (h * turn.sin).abs(), w);
        let height = extent((w * turn.sin).abs() + (h * turn.cos).abs(), h);
        check_sides(width, height)?;
        Ok(self.turned(&turn, width, height))
    }

    fn turned(&self, turn: &Turn, width: u32, height: u32) -> Self {
        let centre = (
            f64::from(self.width()) / 2.0,
            f64::from(self.height()) / 2.0,
        );
        let new_centre = (f64::from(width) / 2.0, f64::from(height) / 2.0);
        Self::generate(width, height, |x, y| {
            // Where the middle of the new pixel lies in the old image: the rotation backwards.
            let (dx, dy) = (
                f64::from(x) + 0.5 - new_centre.0,
                f64::from(y) + 0.5 - new_centre.1,
            );
            let old_x = turn.cos * dx - turn.sin * dy + centre.0;
            let old_y = turn.sin * dx + turn.cos * dy + centre.1;
            self.bilinear(old_x, old_y).unwrap_or_default()
        })
    }

    /// The colour at a point of the image, whose first pixel covers 0-1; `None` outside.
    fn bilinear(&self, x: f64, y: f64) -> Option<[u8; 3]> {
        let (w, h) = (f64::from(self.width()), f64::from(self.height()));
        if !(0.0..w).contains(&x) || !(0.0..h).contains(&y) {
            return None;
        }
        // Pixels have their colour at their middle.
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (right_part, lower_part) = (x - left, y - top);
        let column = |x: f64| x.clamp(0.0, w - 1.0) as usize;
        let row = |y: f64| y.clamp(0.0, h - 1.0) as usize;
        let (left, right) = (column(left), column(left + 1.0));
        let (top, bottom) = (row(top), row(top + 1.0));
        let mix = |a: u8, b: u8, part: f64| f64::from(a) * (1.0 - part) + f64::from(b) * part;
        let [a, b, c, d] = [(left, top), (right, top), (left, bottom), (right, bottom)]
            .map(|(x, y)| self.at(x, y));
        Some(std::array::from_fn(|i| {
            let upper = mix(a[i], b[i], right_part);
            let lower = mix(c[i], d[i], right_part);
            (upper * (1.0 - lower_part) + lower * lower_part).round() as u8
        }))
    }
}

/// An angle by its sine and cosine.
struct Turn {
    sin: f64,
    cos: f64,
}

impl Turn {
    fn new(degrees: f32) -> Result<Self, VisionError> {
        if !degrees.is_finite() {
            return Err(VisionError::Argument(format!(
                "an angle is a number of degrees, got {degrees}"
            )));
        }
        // Without the rounding of pi at quarter turns.
        let exact = |v: f64| {
            if (v - v.round()).abs() < 1e-12 {
                v.round()
            } else {
                v
            }
        };
        let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
        Ok(Self {
            sin: exact(sin),
            cos: exact(cos),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pixel differs from its neighbours, and no symmetry hides a mistake.
    fn pattern(width: u32, height: u32) -> Image {
        Image::generate(width, height, |x, y| {
            [x * 20, y * 30, x * y * 7].map(|v| v as u8)
        })
    }

    #[test]
    fn quarter_turns_add_up() {
        let image = pattern(5, 3);
        let turned = image.rotate90();
        assert_eq!((turned.width(), turned.height()), (3, 5));
        // numpy.rot90: the last column becomes the first row.
        assert_eq!(turned.pixel(0, 0), image.pixel(4, 0));
        assert_eq!(turned.pixel(2, 4), image.pixel(0, 2));
        assert_eq!(turned.rotate90(), image.rotate180());
        assert_eq!(image.rotate180().rotate90(), image.rotate270());
        assert_eq!(image.rotate270().rotate90(), image);
    }

    #[test]
    fn any_angle_agrees_with_the_quarter_turns() {
        let image = pattern(5, 3);
        assert_eq!(image.rotate(0.0).unwrap(), image);
        assert_eq!(image.rotate(360.0).unwrap(), image);
        assert_eq!(image.rotate(180.0).unwrap(), image.rotate180());
        assert_eq!(image.rotate_expanded(90.0).unwrap(), image.rotate90());
        assert_eq!(image.rotate_expanded(-90.0).unwrap(), image.rotate270());
        let grown = image.rotate_expanded(45.0).unwrap();
        assert_eq!((grown.width(), grown.height()), (7, 7)); // Pillow's size
        assert_eq!(grown.pixel(0, 0), [0; 3]);
        assert!(image.rotate(f32::NAN).is_err());
    }

    #[test]
    fn a_margin_is_filled_as_asked() {
        let image = pattern(4, 1);
        let row = |padding| -> Vec<u8> {
            let padded = image.pad([3, 0, 2, 1], padding).unwrap();
            assert_eq!((padded.width(), padded.height()), (9, 2));
            (0..9).map(|x| padded.pixel(x, 0)[0] / 20).collect()
        };
        assert_eq!(row(Padding::Edge), [0, 0, 0, 0, 1, 2, 3, 3, 3]);
        assert_eq!(row(Padding::Reflect), [3, 2, 1, 0, 1, 2, 3, 2, 1]);
        assert_eq!(row(Padding::Symmetric), [2, 1, 0, 0, 1, 2, 3, 3, 2]);
        assert_eq!(
            row(Padding::Constant([180; 3])),
            [9, 9, 9, 0, 1, 2, 3, 9, 9]
        );
        assert!(image.pad([u32::MAX, 0, 1, 0], Padding::Edge).is_err());
    }
}
