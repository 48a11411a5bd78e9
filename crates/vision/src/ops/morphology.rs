//! Morphology: the greatest or least value under a shape, and what the two make together.
//!
//! Written for white things on black; each channel of a colour image is done by itself.

use super::check_kernel_size;
use crate::{Image, VisionError};

/// The shape of a neighbourhood, its middle on the pixel in question: OpenCV's `getStructuringElement`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its places, from its middle.
    offsets: Vec<(i64, i64)>,
    /// Whether it is all of a square of this side, which is done in two passes.
    square: Option<u32>,
}

impl Element {
    /// A square of `kernel_size` pixels a side.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the size is even or greater than 255.
    pub fn square(kernel_size: u32) -> Result<Self, VisionError> {
        let mut element = Self::new(kernel_size, |_, _, _| true)?;
        element.square = Some(kernel_size);
        Ok(element)
    }

    /// The middle row and column of such a square.
    ///
    /// # Errors
    /// Those of [`square`](Self::square).
    pub fn cross(kernel_size: u32) -> Result<Self, VisionError> {
        Self::new(kernel_size, |x, y, _| x == 0 || y == 0)
    }

    /// A disc of `kernel_size` pixels across.
    ///
    /// # Errors
    /// Those of [`square`](Self::square).
    pub fn disc(kernel_size: u32) -> Result<Self, VisionError> {
        Self::new(kernel_size, |x, y, radius| {
            let half_width = ((radius * radius - y * y) as f64).sqrt().round_ties_even();
            x.abs() <= half_width as i64
        })
    }

    fn new(kernel_size: u32, inside: impl Fn(i64, i64, i64) -> bool) -> Result<Self, VisionError> {
        check_kernel_size(kernel_size)?;
        let radius = i64::from(kernel_size / 2);
        let offsets = (-radius..=radius)
            .flat_map(|y| (-radius..=radius).map(move |x| (x, y)))
            .filter(|&(x, y)| inside(x, y, radius))
            .collect();
        Ok(Self {
            offsets,
            square: None,
        })
    }
}

impl Image {
    /// The least value under the element: white things shrink, specks vanish. OpenCV's `erode`.
    pub fn erode(&self, element: &Element) -> Self {
        self.extreme(element, u8::min)
    }

    /// The greatest value under the element: white things grow, holes close. OpenCV's `dilate`.
    pub fn dilate(&self, element: &Element) -> Self {
        self.extreme(element, u8::max)
    }

    /// Eroded, then dilated: white specks smaller than the element vanish, the rest keeps its size.
    pub fn opening(&self, element: &Element) -> Self {
        self.erode(element).dilate(element)
    }

    /// Dilated, then eroded: black holes smaller than the element close, the rest keeps its size.
    pub fn closing(&self, element: &Element) -> Self {
        self.dilate(element).erode(element)
    }

    /// The dilated less the eroded image: outlines.
    pub fn morphological_gradient(&self, element: &Element) -> Self {
        let (dilated, eroded) = (self.dilate(element), self.erode(element));
        let outlines = dilated.as_bytes().iter().zip(eroded.as_bytes());
        self.with_bytes(outlines.map(|(most, least)| most - least).collect())
    }

    /// The value under the element that `choose` prefers; what is outside the image has no say.
    fn extreme(&self, element: &Element, choose: fn(u8, u8) -> u8) -> Self {
        if let Some(side) = element.square {
            let reach = i64::from(side / 2);
            let across: Vec<_> = (-reach..=reach).map(|x| (x, 0)).collect();
            let down: Vec<_> = (-reach..=reach).map(|y| (0, y)).collect();
            return self.under(&across, choose).under(&down, choose);
        }
        self.under(&element.offsets, choose)
    }

    fn under(&self, offsets: &[(i64, i64)], choose: fn(u8, u8) -> u8) -> Self {
        let (width, height) = (i64::from(self.width()), i64::from(self.height()));
        let row_length = self.width() as usize * 3;
        let old = self.as_bytes();
        let mut new = old.to_vec();
        for y in 0..height {
            rt::checkpoint();
            let target = &mut new[y as usize * row_length..][..row_length];
            for &(dx, dy) in offsets {
                if !(0..height).contains(&(y + dy)) || dx.abs() >= width {
                    continue;
                }
                let source = &old[(y + dy) as usize * row_length..][..row_length];
                // The part of the row for which the place under the element is inside.
                let shift = dx.unsigned_abs() as usize * 3;
                let (to, from) = if dx < 0 { (shift, 0) } else { (0, shift) };
                let length = row_length - shift;
                for (value, &other) in target[to..to + length]
                    .iter_mut()
                    .zip(&source[from..from + length])
                {
                    *value = choose(*value, other);
                }
            }
        }
        self.with_bytes(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot() -> Image {
        Image::generate(7, 7, |x, y| [if (x, y) == (3, 3) { 255 } else { 0 }; 3])
    }

    fn drawing(image: &Image) -> Vec<String> {
        let mark = |x, y| {
            if image.pixel(x, y)[0] > 0 { '#' } else { '.' }
        };
        (0..image.height())
            .map(|y| (0..image.width()).map(|x| mark(x, y)).collect())
            .collect()
    }

    #[test]
    fn a_dot_grows_into_the_element() {
        let disc = dot().dilate(&Element::disc(5).unwrap());
        // cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
        assert_eq!(
            drawing(&disc),
            [
                ".......", "...#...", ".#####.", ".#####.", ".#####.", "...#...", "......."
            ]
        );
        let cross = dot().dilate(&Element::cross(3).unwrap());
        assert_eq!(drawing(&cross)[2..5], ["...#...", "..###..", "...#..."]);
        let square = dot().dilate(&Element::square(3).unwrap());
        assert_eq!(drawing(&square)[2..5], ["..###..", "..###..", "..###.."]);
        assert_eq!(square.erode(&Element::square(3).unwrap()), dot());
    }

    #[test]
    fn opening_removes_specks_and_closing_holes() {
        let element = Element::square(3).unwrap();
        let black = Image::filled(7, 7, [0; 3]).unwrap();
        assert_eq!(dot().opening(&element), black);
        assert_eq!(dot().closing(&element), dot());
        let hole = dot().map(|[v, ..]| [255 - v; 3]);
        assert_eq!(
            hole.closing(&element),
            Image::filled(7, 7, [255; 3]).unwrap()
        );
        let outline = dot().morphological_gradient(&element);
        assert_eq!(drawing(&outline)[2..5], ["..###..", "..###..", "..###.."]);
    }

    #[test]
    fn elements_larger_than_the_image_are_fine() {
        let small = Image::generate(2, 1, |x, _| [x as u8 * 9; 3]);
        assert_eq!(small.dilate(&Element::square(99).unwrap()).luma(), [9, 9]);
        assert_eq!(small.erode(&Element::disc(99).unwrap()).luma(), [0, 0]);
        assert!(Element::disc(4).is_err());
    }
}
