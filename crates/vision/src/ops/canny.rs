//! Canny, "A computational approach to edge detection", 1986, with OpenCV's choices.

use super::filter::Kernel;
use super::{border, filter};
use crate::{Array, Image};

/// The tangent of 22.5 degrees: between it and its inverse a gradient counts as diagonal.
const TAN_22: f32 = 0.414_213_56;

/// What becomes of a pixel.
#[derive(Clone, Copy, PartialEq)]
enum Edge {
    No,
    /// An edge if it touches one.
    Maybe,
    Yes,
}

impl Image {
    /// Edges one pixel wide, white on black.
    ///
    /// Where the luma is steepest across an edge and its steepness (the sum of both Sobel derivatives,
    /// up to about 2,000) exceeds `high`, an edge begins; it goes on as long as the steepness exceeds `low`.
    /// OpenCV's `Canny(grey, low, high)`; blur first when the image is noisy.
    pub fn canny(&self, low: f32, high: f32) -> Self {
        let (low, high) = (low.min(high).floor(), high.max(low).floor());
        let gradient = Gradient::new(self);
        let (width, height) = (self.width() as usize, self.height() as usize);
        let mut edges = vec![Edge::No; width * height];
        let mut begun = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let steepness = gradient.steepness(x as i64, y as i64);
                if steepness > low && gradient.is_ridge(x as i64, y as i64) {
                    edges[y * width + x] = if steepness > high {
                        begun.push((x, y));
                        Edge::Yes
                    } else {
                        Edge::Maybe
                    };
                }
            }
        }
        // From each sure pixel on to the likely ones that touch it.
        while let Some((x, y)) = begun.pop() {
            for y in y.saturating_sub(1)..(y + 2).min(height) {
                for x in x.saturating_sub(1)..(x + 2).min(width) {
                    let edge = &mut edges[y * width + x];
                    if *edge == Edge::Maybe {
                        *edge = Edge::Yes;
                        begun.push((x, y));
                    }
                }
            }
        }
        let white = |edge: Edge| if edge == Edge::Yes { 255 } else { 0 };
        let luma: Vec<u8> = edges.into_iter().map(white).collect();
        Self::from_luma(self.width(), self.height(), &luma)
    }
}

/// The derivatives of an image.
struct Gradient {
    width: i64,
    height: i64,
    across: Vec<f32>,
    down: Vec<f32>,
}

impl Gradient {
    /// Sobel's, on an image whose outermost pixels go on beyond its border.
    fn new(image: &Image) -> Self {
        let (width, height) = (image.width(), image.height());
        let luma = image.luma();
        // One more pixel all around, so that the filter's own border has no say.
        let padded: Vec<f32> = (-1..=i64::from(height))
            .flat_map(|y| {
                let row = border::replicate(y, height) * width as usize;
                let luma = &luma;
                (-1..=i64::from(width)).map(move |x| luma[row + border::replicate(x, width)].into())
            })
            .collect();
        let shape = [height as usize + 2, width as usize + 2];
        let derivative = |kernel: Kernel| {
            let padded = Array::from_f32(&shape, padded.clone());
            padded
                .and_then(|padded| filter::convolve(&padded, &kernel))
                .map_or_else(
                    |_| unreachable!("the padded luma is [H, W]"),
                    |sums| sums.to_vec(),
                )
        };
        Self {
            width: width.into(),
            height: height.into(),
            across: derivative(Kernel::sobel_x()),
            down: derivative(Kernel::sobel_y()),
        }
    }

    fn offset(&self, x: i64, y: i64) -> usize {
        ((y + 1) * (self.width + 2) + x + 1) as usize
    }

    /// The sum of both derivatives' sizes; 0 outside the image.
    fn steepness(&self, x: i64, y: i64) -> f32 {
        if !(0..self.width).contains(&x) || !(0..self.height).contains(&y) {
            return 0.0;
        }
        let offset = self.offset(x, y);
        self.across[offset].abs() + self.down[offset].abs()
    }

    /// Whether the pixel is at least as steep as its two neighbours in the direction of the gradient.
    fn is_ridge(&self, x: i64, y: i64) -> bool {
        let here = self.steepness(x, y);
        let offset = self.offset(x, y);
        let (dx, dy) = (self.across[offset], self.down[offset]);
        if dy.abs() < dx.abs() * TAN_22 {
            here > self.steepness(x - 1, y) && here >= self.steepness(x + 1, y)
        } else if dy.abs() * TAN_22 > dx.abs() {
            here > self.steepness(x, y - 1) && here >= self.steepness(x, y + 1)
        } else {
            let side = if (dx < 0.0) == (dy < 0.0) { 1 } else { -1 };
            here > self.steepness(x - side, y - 1) && here > self.steepness(x + side, y + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_one_pixel_wide() {
        let image = Image::generate(9, 5, |x, _| [if x < 4 { 20 } else { 220 }; 3]);
        let edges = image.canny(100.0, 200.0);
        for y in 0..5 {
            let white = (0..9).filter(|&x| edges.pixel(x, y) == [255; 3]).count();
            assert_eq!(white, 1);
        }
        assert_eq!(
            image.canny(200.0, 100.0),
            edges,
            "the order does not matter"
        );
        let none = image.canny(2000.0, 3000.0);
        assert!(none.as_bytes().iter().all(|&v| v == 0));
    }

    #[test]
    fn the_smallest_image_has_no_edge() {
        let dot = Image::filled(1, 1, [9; 3]).unwrap();
        assert_eq!(dot.canny(1.0, 2.0).pixel(0, 0), [0; 3]);
    }
}
