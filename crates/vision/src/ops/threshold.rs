//! Black or white: by a fixed value, Otsu's, or one for each neighbourhood.

use super::{border, check_kernel_size};
use crate::{Image, VisionError};

/// What becomes of the luma on either side of a threshold, under OpenCV's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threshold {
    /// White above it, black up to it.
    #[default]
    Binary,
    /// Black above it, white up to it.
    BinaryInv,
    /// Cut to it.
    Trunc,
    /// Kept above it, black up to it.
    ToZero,
    /// Black above it, kept up to it.
    ToZeroInv,
}

impl Image {
    /// The luma, with what is above `value` (0-255) and what is not treated as `kind` says.
    /// OpenCV's `threshold(grey, value, 255, kind)`.
    pub fn threshold(&self, value: u8, kind: Threshold) -> Self {
        let change = |luma: u8| match (kind, luma > value) {
            (Threshold::Binary, true) | (Threshold::BinaryInv, false) => 255,
            (Threshold::Binary, false) | (Threshold::BinaryInv, true) => 0,
            (Threshold::Trunc, _) => luma.min(value),
            (Threshold::ToZero, true) | (Threshold::ToZeroInv, false) => luma,
            (Threshold::ToZero, false) | (Threshold::ToZeroInv, true) => 0,
        };
        self.map(|colour| [change(crate::picture::luma(colour)); 3])
    }

    /// The threshold that splits the luma into the two groups that differ most.
    ///
    /// Otsu, "A threshold selection method from gray-level histograms", 1979. OpenCV's `THRESH_OTSU`.
    pub fn otsu(&self) -> u8 {
        let mut counts = [0u32; 256];
        for value in self.luma() {
            counts[usize::from(value)] += 1;
        }
        let total: f64 = counts.iter().map(|&count| f64::from(count)).sum();
        let weighted = |(value, &count): (usize, &u32)| value as f64 * f64::from(count);
        let sum: f64 = counts.iter().enumerate().map(weighted).sum();
        let (mut below, mut sum_below) = (0.0, 0.0);
        let (mut best, mut most) = (0, 0.0);
        for (value, &count) in counts.iter().enumerate() {
            below += f64::from(count);
            sum_below += weighted((value, &count));
            let above = total - below;
            if below == 0.0 || above == 0.0 {
                continue;
            }
            let apart = sum_below / below - (sum - sum_below) / above;
            let variance = below / total * (above / total) * apart * apart;
            if variance > most {
                (best, most) = (value as u8, variance);
            }
        }
        best
    }

    /// White where the luma exceeds the mean of `kernel_size` x `kernel_size` pixels around it less `c`:
    /// copes with light from one side. OpenCV's `adaptiveThreshold` with `ADAPTIVE_THRESH_MEAN_C`.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the size is even or greater than 255.
    pub fn adaptive_threshold(&self, kernel_size: u32, c: f32) -> Result<Self, VisionError> {
        check_kernel_size(kernel_size)?;
        let (width, height) = (self.width() as usize, self.height() as usize);
        let luma = self.luma();
        let reach = i64::from(kernel_size / 2);
        // The sum of each column of the window, carried from row to row.
        let mut columns = vec![0i64; width];
        let row = |y: i64| {
            let start = border::replicate(y, self.height()) * width;
            luma[start..start + width].iter().map(|&v| i64::from(v))
        };
        for y in -reach - 1..reach {
            columns
                .iter_mut()
                .zip(row(y))
                .for_each(|(sum, v)| *sum += v);
        }
        let area = f64::from(kernel_size * kernel_size);
        let mut result = Vec::with_capacity(luma.len());
        for y in 0..height as i64 {
            let leaving = row(y - reach - 1);
            for ((sum, old), new) in columns.iter_mut().zip(leaving).zip(row(y + reach)) {
                *sum += new - old;
            }
            let column = |x: i64| columns[border::replicate(x, self.width())];
            let mut sum: i64 = (-reach - 1..reach).map(column).sum();
            for x in 0..width as i64 {
                sum += column(x + reach) - column(x - reach - 1);
                let mean = (sum as f64 / area).round_ties_even();
                let value = f64::from(luma[y as usize * width + x as usize]);
                let white = value - mean > -f64::from(c.ceil());
                result.push(if white { 255 } else { 0 });
            }
        }
        Ok(Self::from_luma(self.width(), self.height(), &result))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Image {
        Image::generate(5, 1, |x, _| [x as u8 * 50; 3])
    }

    #[test]
    fn each_kind_treats_both_sides_as_opencv_does() {
        let row = |kind| -> Vec<u8> { ramp().threshold(100, kind).luma() };
        // cv2.threshold(ramp, 100, 255, kind)
        assert_eq!(row(Threshold::Binary), [0, 0, 0, 255, 255]);
        assert_eq!(row(Threshold::BinaryInv), [255, 255, 255, 0, 0]);
        assert_eq!(row(Threshold::Trunc), [0, 50, 100, 100, 100]);
        assert_eq!(row(Threshold::ToZero), [0, 0, 0, 150, 200]);
        assert_eq!(row(Threshold::ToZeroInv), [0, 50, 100, 0, 0]);
    }

    #[test]
    fn otsu_separates_two_groups() {
        let image = Image::generate(10, 10, |x, y| {
            [if x < 4 { 20 + y as u8 } else { 200 - y as u8 }; 3]
        });
        assert_eq!(image.otsu(), 29);
        assert_eq!(Image::filled(3, 3, [77; 3]).unwrap().otsu(), 0);
    }

    #[test]
    fn light_from_one_side_does_not_matter() {
        // A grid of dark lines under light that grows to the right.
        let image = Image::generate(60, 9, |x, _| {
            [(40 + x * 3) as u8 / if x % 6 == 3 { 2 } else { 1 }; 3]
        });
        let white = image.adaptive_threshold(7, 5.0).unwrap();
        for x in 3..57 {
            let expected = if x % 6 == 3 { 0 } else { 255 };
            assert_eq!(white.pixel(x, 4), [expected; 3], "{x}");
        }
        assert!(image.adaptive_threshold(6, 0.0).is_err());
    }
}
