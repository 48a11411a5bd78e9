//! What belongs to a picture and moves with it: boxes, masks and key points.

use crate::{Image, VisionError};

/// A rectangle around something in a picture, in pixels from the top left corner of the picture.
///
/// The corners lie between pixels: the box of the first pixel alone is 0, 0, 1, 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    /// The left side.
    pub x_min: f64,
    /// The upper side.
    pub y_min: f64,
    /// The right side.
    pub x_max: f64,
    /// The lower side.
    pub y_max: f64,
}

impl BoundingBox {
    /// The box with these sides (Pascal VOC's order, torchvision's format `XYXY`).
    pub fn new(x_min: f64, y_min: f64, x_max: f64, y_max: f64) -> Self {
        Self {
            x_min,
            y_min,
            x_max,
            y_max,
        }
    }

    /// Square pixels inside; 0 when nothing is.
    pub fn area(&self) -> f64 {
        (self.x_max - self.x_min).max(0.0) * (self.y_max - self.y_min).max(0.0)
    }

    /// The corners, clockwise from the top left.
    pub(crate) fn corners(&self) -> [[f64; 2]; 4] {
        [
            [self.x_min, self.y_min],
            [self.x_max, self.y_min],
            [self.x_max, self.y_max],
            [self.x_min, self.y_max],
        ]
    }

    /// The smallest box that holds the points.
    pub(crate) fn around(points: [[f64; 2]; 4]) -> Self {
        let least = |axis: usize| points.iter().map(|p| p[axis]).fold(f64::INFINITY, f64::min);
        let most = |axis: usize| {
            points
                .iter()
                .map(|p| p[axis])
                .fold(f64::NEG_INFINITY, f64::max)
        };
        Self::new(least(0), least(1), most(0), most(1))
    }

    /// The part inside a picture.
    pub(crate) fn clamped(self, width: f64, height: f64) -> Self {
        Self::new(
            self.x_min.clamp(0.0, width),
            self.y_min.clamp(0.0, height),
            self.x_max.clamp(0.0, width),
            self.y_max.clamp(0.0, height),
        )
    }
}

/// A point of interest in a picture, in pixels from its top left corner; (0.5, 0.5) is the middle of the first
/// pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyPoint {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

/// A label, 0-255, for each pixel of a picture; 0 is what belongs to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    width: u32,
    height: u32,
    labels: Vec<u8>,
}

impl Mask {
    /// A mask of labels, row after row from the top.
    ///
    /// # Errors
    /// [`VisionError::Size`] when there are not `width * height` labels.
    pub fn new(width: u32, height: u32, labels: Vec<u8>) -> Result<Self, VisionError> {
        if u64::from(width) * u64::from(height) != labels.len() as u64 {
            return Err(VisionError::Size(format!(
                "a mask of {width}x{height} pixels takes one label a pixel, got {}",
                labels.len()
            )));
        }
        Ok(Self {
            width,
            height,
            labels,
        })
    }

    pub(crate) fn from_fn(width: u32, height: u32, label: impl Fn(u32, u32) -> u8) -> Self {
        let labels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self {
            width,
            height,
            labels: labels.map(|(x, y)| label(x, y)).collect(),
        }
    }

    /// Pixels from left to right.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The labels, row after row.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The label of the pixel that holds this point; 0 outside.
    pub(crate) fn label_at(&self, x: f64, y: f64) -> u8 {
        let (x, y) = (x.floor(), y.floor());
        if x < 0.0 || y < 0.0 || x >= f64::from(self.width) || y >= f64::from(self.height) {
            return 0;
        }
        let place = y as usize * self.width as usize + x as usize;
        self.labels.get(place).copied().unwrap_or(0)
    }
}

/// A picture with all that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The picture.
    pub image: Image,
    /// Boxes around things in it.
    pub boxes: Vec<BoundingBox>,
    /// Masks of its size.
    pub masks: Vec<Mask>,
    /// Points in it.
    pub key_points: Vec<KeyPoint>,
}

impl Sample {
    /// A picture that nothing belongs to yet.
    pub fn new(image: Image) -> Self {
        Self {
            image,
            boxes: Vec::new(),
            masks: Vec::new(),
            key_points: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_one_label_a_pixel() {
        let error = Mask::new(2, 3, vec![0; 5]).unwrap_err().to_string();
        assert_eq!(error, "a mask of 2x3 pixels takes one label a pixel, got 5");
        let mask = Mask::new(2, 1, vec![7, 9]).unwrap();
        assert_eq!([mask.label_at(0.9, 0.1), mask.label_at(1.0, 0.0)], [7, 9]);
        assert_eq!([mask.label_at(2.0, 0.0), mask.label_at(-0.1, 0.0)], [0, 0]);
    }

    #[test]
    fn a_box_outside_has_no_area() {
        let beyond = BoundingBox::new(12.0, -4.0, 20.0, 3.0).clamped(10.0, 10.0);
        assert_eq!(
            (beyond.area(), beyond.x_min, beyond.y_max),
            (0.0, 10.0, 3.0)
        );
    }
}
