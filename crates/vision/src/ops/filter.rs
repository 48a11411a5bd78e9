//! Convolution: every new pixel is a weighted sum of the old ones around it.
//!
//! As everywhere in deep learning and in OpenCV's `filter2D`, the kernel is laid onto the image as it is
//! written, not mirrored first: strictly a cross-correlation. Beyond its border the image is mirrored.

use super::{border, check_kernel_size};
use crate::{Array, AsArray, Image, VisionError};

/// The weights of a convolution, row after row.
///
/// ```
/// # use vision::ops::filter::Kernel;
/// let left_edges = Kernel::from([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    width: u32,
    height: u32,
    weights: Vec<f32>,
}

/// Rows of weights. Neither side may be 0.
impl<const W: usize, const H: usize> From<[[f32; W]; H]> for Kernel {
    fn from(rows: [[f32; W]; H]) -> Self {
        const { assert!(W > 0 && H > 0, "a kernel has at least one weight") };
        Self {
            width: W as u32,
            height: H as u32,
            weights: rows.concat(),
        }
    }
}

impl Kernel {
    /// The mean of `kernel_size` x `kernel_size` pixels.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the size is even or greater than 255.
    pub fn mean(kernel_size: u32) -> Result<Self, VisionError> {
        check_kernel_size(kernel_size)?;
        let line = vec![1.0 / kernel_size as f32; kernel_size as usize];
        Ok(Self::outer(&line))
    }

    /// A bell of `kernel_size` x `kernel_size` weights with standard deviation `sigma`, in pixels; they
    /// sum to 1.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the size is even or greater than 255, or `sigma` is not positive.
    pub fn gaussian(kernel_size: u32, sigma: f32) -> Result<Self, VisionError> {
        Ok(Self::outer(&bell(kernel_size, sigma)?))
    }

    /// Rising from left to right: answers to vertical edges. Sobel and Feldman, 1968.
    pub fn sobel_x() -> Self {
        [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]].into()
    }

    /// Rising from top to bottom: answers to horizontal edges.
    pub fn sobel_y() -> Self {
        [[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]].into()
    }

    /// How much a pixel differs from the mean of its four neighbours.
    pub fn laplacian() -> Self {
        [[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]].into()
    }

    /// The image less its Laplacian: differences from the neighbours are doubled.
    pub fn sharpen() -> Self {
        [[0.0, -1.0, 0.0], [-1.0, 5.0, -1.0], [0.0, -1.0, 0.0]].into()
    }

    /// Light falling from the upper left onto a relief.
    pub fn emboss() -> Self {
        [[-2.0, -1.0, 0.0], [-1.0, 1.0, 1.0], [0.0, 1.0, 2.0]].into()
    }

    /// Columns and rows.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The weights as `[rows, columns]`, `float32`, to be looked at.
    pub fn weights(&self) -> Array {
        Array::from_f32(
            &[self.height as usize, self.width as usize],
            self.weights.clone(),
        )
        .unwrap_or_else(|_| unreachable!("a kernel holds width x height weights, at least one"))
    }

    fn outer(line: &[f32]) -> Self {
        let side = line.len() as u32;
        let row = |&y: &f32| line.iter().map(move |&x| x * y);
        Self {
            width: side,
            height: side,
            weights: line.iter().flat_map(row).collect(),
        }
    }
}

/// Lays the kernel onto every place of the image and sums what is under its weights.
///
/// Takes and gives `[H, W]` or `[H, W, C]`; the result is `float32`, neither rounded nor cut, since sums
/// can be negative. Every channel is done by itself. OpenCV's `filter2D(array, CV_32F, kernel)`.
///
/// # Errors
/// [`VisionError::Argument`] for another number of dimensions.
pub fn convolve(array: &impl AsArray, kernel: &Kernel) -> Result<Array, VisionError> {
    let array = array.as_array()?;
    let (height, width, channels) = match *array.shape() {
        [height, width] => (height, width, 1),
        [height, width, channels] => (height, width, channels),
        ref other => {
            return Err(VisionError::Argument(format!(
                "expected [H, W] or [H, W, C], got {other:?}"
            )));
        }
    };
    let values = array.to_vec();
    let sums = correlate(&values, [height, width, channels], kernel);
    Array::from_f32(array.shape(), sums)
}

/// The loops of a convolution, written to be read.
fn correlate(values: &[f32], [height, width, channels]: [usize; 3], kernel: &Kernel) -> Vec<f32> {
    let (kernel_width, kernel_height) = (kernel.width as usize, kernel.height as usize);
    let (middle_x, middle_y) = (kernel_width / 2, kernel_height / 2);
    let mut sums = vec![0.0; values.len()];
    for y in 0..height {
        rt::checkpoint();
        for ky in 0..kernel_height {
            let under_y = border::reflect((y + ky) as i64 - middle_y as i64, height as u32);
            for kx in 0..kernel_width {
                let weight = kernel.weights[ky * kernel_width + kx];
                for x in 0..width {
                    let under_x = border::reflect((x + kx) as i64 - middle_x as i64, width as u32);
                    for c in 0..channels {
                        sums[(y * width + x) * channels + c] +=
                            weight * values[(under_y * width + under_x) * channels + c];
                    }
                }
            }
        }
    }
    sums
}

impl Image {
    /// The image under a [`convolve`] with the kernel, rounded and cut to 0-255.
    /// OpenCV's `filter2D(image, -1, kernel)`.
    pub fn filter(&self, kernel: &Kernel) -> Self {
        let values: Vec<f32> = self.as_bytes().iter().map(|&v| v.into()).collect();
        let shape = [self.height() as usize, self.width() as usize, 3];
        let sums = correlate(&values, shape, kernel);
        let bytes = sums.into_iter().map(|v| v.round() as u8).collect();
        self.with_bytes(bytes)
    }

    /// The mean of `kernel_size` x `kernel_size` pixels around each. OpenCV's `blur`.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the size is even or greater than 255.
    pub fn box_blur(&self, kernel_size: u32) -> Result<Self, VisionError> {
        check_kernel_size(kernel_size)?;
        let line = vec![1.0 / kernel_size as f32; kernel_size as usize];
        Ok(self.separable(&line))
    }

    /// The mean of the pixels around each, weighted by a bell of standard deviation `sigma`, in pixels,
    /// cut off at `kernel_size` x `kernel_size`. torchvision's and OpenCV's `GaussianBlur`.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the size is even or greater than 255, or `sigma` is not positive.
    pub fn gaussian_blur(&self, kernel_size: u32, sigma: f32) -> Result<Self, VisionError> {
        Ok(self.separable(&bell(kernel_size, sigma)?))
    }

    /// An unsharp mask: what a blur of `sigma` pixels takes away is added `amount` times. 1.0 is strong.
    /// OpenCV's `addWeighted(image, 1 + amount, blurred, -amount, 0)`.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when `sigma` is not positive, or greater than 42.
    pub fn sharpen(&self, sigma: f32, amount: f32) -> Result<Self, VisionError> {
        if !(sigma > 0.0 && sigma <= 42.0) {
            return Err(VisionError::Argument(format!(
                "sharpen takes a sigma above 0 and up to 42 pixels, got {sigma}"
            )));
        }
        let kernel_size = 2 * (3.0 * sigma).ceil().max(1.0) as u32 + 1;
        let blurred = self.gaussian_blur(kernel_size, sigma)?;
        let sharpened = self
            .as_bytes()
            .iter()
            .zip(blurred.as_bytes())
            .map(|(&sharp, &soft)| {
                let (sharp, soft) = (f32::from(sharp), f32::from(soft));
                (sharp + amount * (sharp - soft)).round() as u8
            });
        Ok(self.with_bytes(sharpened.collect()))
    }

    /// How steeply the luma rises from left to right: `[H, W]`, `float32`, negative where it falls.
    /// OpenCV's `Sobel(grey, CV_32F, 1, 0)`.
    pub fn sobel_x(&self) -> Array {
        self.luma_under(&Kernel::sobel_x())
    }

    /// How steeply the luma rises from top to bottom: `[H, W]`, `float32`, negative where it falls.
    /// OpenCV's `Sobel(grey, CV_32F, 0, 1)`.
    pub fn sobel_y(&self) -> Array {
        self.luma_under(&Kernel::sobel_y())
    }

    /// How steep the luma is in any direction: the length of the gradient of [`sobel_x`](Self::sobel_x)
    /// and [`sobel_y`](Self::sobel_y), cut at 255, as a grey image.
    pub fn sobel(&self) -> Self {
        let steepness: Vec<u8> = self
            .sobel_x()
            .to_vec()
            .into_iter()
            .zip(self.sobel_y().to_vec())
            .map(|(x, y)| x.hypot(y).round() as u8)
            .collect();
        Self::from_luma(self.width(), self.height(), &steepness)
    }

    fn luma_under(&self, kernel: &Kernel) -> Array {
        let values: Vec<f32> = self.luma().into_iter().map(f32::from).collect();
        let (height, width) = (self.height() as usize, self.width() as usize);
        let sums = correlate(&values, [height, width, 1], kernel);
        Array::from_f32(&[height, width], sums)
            .unwrap_or_else(|_| unreachable!("there is one sum for each pixel, and at least one"))
    }

    /// The image under a kernel that is the same line of weights, of odd length, across and down: one pass
    /// for each direction instead of one over the square.
    fn separable(&self, line: &[f32]) -> Self {
        let (width, height) = (self.width() as usize, self.height() as usize);
        let middle = (line.len() / 2) as i64;
        let row_length = width * 3;
        let mut across = vec![0.0f32; row_length * height];
        let mut padded = vec![0.0f32; row_length + (line.len() - 1) * 3];
        let sources: Vec<usize> = (-middle..width as i64 + middle)
            .map(|x| border::reflect(x, width as u32) * 3)
            .collect();
        for (row, sums) in self
            .as_bytes()
            .chunks_exact(row_length)
            .zip(across.chunks_exact_mut(row_length))
        {
            for (target, &source) in padded.chunks_exact_mut(3).zip(&sources) {
                for c in 0..3 {
                    target[c] = row[source + c].into();
                }
            }
            for (k, weight) in line.iter().enumerate() {
                for (sum, value) in sums.iter_mut().zip(&padded[k * 3..]) {
                    *sum += weight * value;
                }
            }
        }
        let mut bytes = Vec::with_capacity(across.len());
        let mut sums = vec![0.0f32; row_length];
        for y in 0..height as i64 {
            sums.fill(0.0);
            for (k, weight) in line.iter().enumerate() {
                let row = border::reflect(y + k as i64 - middle, height as u32) * row_length;
                for (sum, value) in sums.iter_mut().zip(&across[row..row + row_length]) {
                    *sum += weight * value;
                }
            }
            bytes.extend(sums.iter().map(|sum| sum.round() as u8));
        }
        self.with_bytes(bytes)
    }
}

/// `kernel_size` weights on a bell around the middle one, summing to 1.
fn bell(kernel_size: u32, sigma: f32) -> Result<Vec<f32>, VisionError> {
    check_kernel_size(kernel_size)?;
    if !(sigma > 0.0 && sigma.is_finite()) {
        return Err(VisionError::Argument(format!(
            "sigma is a positive number of pixels, got {sigma}"
        )));
    }
    let middle = (kernel_size / 2) as f32;
    let heights: Vec<f32> = (0..kernel_size)
        .map(|index| (-0.5 * ((index as f32 - middle) / sigma).powi(2)).exp())
        .collect();
    let sum: f32 = heights.iter().sum();
    Ok(heights.into_iter().map(|height| height / sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> Image {
        Image::generate(6, 4, |x, _| [if x < 3 { 10 } else { 60 }; 3])
    }

    #[test]
    fn the_kernel_is_laid_on_as_it_is_written() {
        let mut numbers = vec![0.0; 25];
        numbers[12] = 1.0;
        let dot = Array::from_f32(&[5, 5], numbers).unwrap();
        let kernel = Kernel::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
        // cv2.filter2D(dot, cv2.CV_32F, kernel)[1:4, 1:4]: mirrored, since each place looks back at the dot.
        let sums = convolve(&dot, &kernel).unwrap().part(1..4, 1..4);
        assert_eq!(sums.to_vec(), [9., 8., 7., 6., 5., 4., 3., 2., 1.]);
        assert_eq!(kernel.size(), (3, 3));
        assert_eq!(kernel.weights().at(&[1, 2]), 6.0);
    }

    #[test]
    fn edges_are_found_where_they_are() {
        let image = step();
        let across = image.sobel_x();
        // cv2.Sobel(grey, cv2.CV_32F, 1, 0)[1]
        let row: Vec<f64> = (0..6).map(|x| across.at(&[1, x])).collect();
        assert_eq!(row, [0.0, 0.0, 200.0, 200.0, 0.0, 0.0]);
        assert!(image.sobel_y().to_vec().iter().all(|&v| v == 0.0));
        assert_eq!(image.sobel().pixel(2, 1), [200; 3]);
    }

    #[test]
    fn blur_and_its_kernel_agree() {
        let image = Image::generate(9, 7, |x, y| [x * 28, y * 40, x * y * 5].map(|v| v as u8));
        let by_square = image.filter(&Kernel::gaussian(5, 1.2).unwrap());
        let by_lines = image.gaussian_blur(5, 1.2).unwrap();
        for (a, b) in by_square.as_bytes().iter().zip(by_lines.as_bytes()) {
            assert!(a.abs_diff(*b) <= 1);
        }
        let mean = image.filter(&Kernel::mean(3).unwrap());
        for (a, b) in mean
            .as_bytes()
            .iter()
            .zip(image.box_blur(3).unwrap().as_bytes())
        {
            assert!(a.abs_diff(*b) <= 1);
        }
    }

    #[test]
    fn sharpening_exaggerates_an_edge() {
        let sharp = step().sharpen(1.0, 1.0).unwrap();
        assert!(sharp.pixel(2, 1)[0] < 10 && sharp.pixel(3, 1)[0] > 60);
        assert_eq!(sharp.pixel(0, 1), [10; 3]);
        assert_eq!(step().sharpen(1.0, 0.0).unwrap(), step());
    }

    #[test]
    fn impossible_kernels_are_refused() {
        let image = step();
        let message = image.box_blur(4).unwrap_err().to_string();
        assert_eq!(
            message,
            "a kernel size is an odd number from 1 to 255, got 4"
        );
        assert!(image.gaussian_blur(5, 0.0).is_err());
        assert!(image.gaussian_blur(5, f32::NAN).is_err());
        for sigma in [0.0, -1.0, 42.1, 43.0, f32::INFINITY, f32::NAN] {
            let message = image.sharpen(sigma, 1.0).unwrap_err().to_string();
            assert!(
                message.contains("a sigma above 0 and up to 42"),
                "{message}"
            );
        }
        assert!(image.sharpen(42.0, 1.0).is_ok());
        assert!(Kernel::mean(0).is_err());
        let line = Array::from_u8(&[3], vec![1, 2, 3]).unwrap();
        assert!(convolve(&line, &Kernel::sharpen()).is_err());
    }
}
