//! The median of a neighbourhood: removes specks and keeps edges.

use super::{border, check_kernel_size};
use crate::{Image, VisionError};

impl Image {
    /// The median, channel by channel, of `kernel_size` x `kernel_size` pixels around each.
    /// OpenCV's `medianBlur`.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the size is even or greater than 255.
    pub fn median_blur(&self, kernel_size: u32) -> Result<Self, VisionError> {
        check_kernel_size(kernel_size)?;
        let reach = i64::from(kernel_size / 2);
        let (width, height) = (i64::from(self.width()), i64::from(self.height()));
        let mut bytes = Vec::with_capacity(self.as_bytes().len());
        for y in 0..height {
            rt::checkpoint();
            let rows: Vec<usize> = (y - reach..=y + reach)
                .map(|row| border::replicate(row, self.height()))
                .collect();
            let column = |x: i64| {
                let x = border::replicate(x, self.width());
                rows.iter().map(move |&row| self.at(x, row))
            };
            // A window that moves along the row: one column leaves it, one comes in.
            let mut windows = [Window::new(); 3];
            for colour in (-reach..reach).flat_map(column) {
                each(&mut windows, colour, Window::add);
            }
            for x in 0..width {
                for colour in column(x + reach) {
                    each(&mut windows, colour, Window::add);
                }
                bytes.extend(windows.each_ref().map(Window::median));
                for colour in column(x - reach) {
                    each(&mut windows, colour, Window::remove);
                }
            }
        }
        Ok(self.with_bytes(bytes))
    }
}

fn each(windows: &mut [Window; 3], colour: [u8; 3], change: fn(&mut Window, u8)) {
    for (window, value) in windows.iter_mut().zip(colour) {
        change(window, value);
    }
}

/// How often each value occurs among the pixels of a neighbourhood.
#[derive(Clone, Copy)]
struct Window {
    counts: [u32; 256],
    total: u32,
}

impl Window {
    fn new() -> Self {
        Self {
            counts: [0; 256],
            total: 0,
        }
    }

    fn add(&mut self, value: u8) {
        self.counts[usize::from(value)] += 1;
        self.total += 1;
    }

    fn remove(&mut self, value: u8) {
        self.counts[usize::from(value)] -= 1;
        self.total -= 1;
    }

    fn median(&self) -> u8 {
        let mut below = 0;
        let middle = self.counts.iter().position(|count| {
            below += count;
            below * 2 > self.total
        });
        middle.unwrap_or_default() as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speck_vanishes_and_an_edge_stays() {
        let clean = Image::generate(8, 6, |x, _| [if x < 4 { 30 } else { 200 }; 3]);
        let specked = Image::generate(8, 6, |x, y| {
            if (x, y) == (2, 3) {
                [255; 3]
            } else {
                clean.pixel(x, y)
            }
        });
        assert_eq!(specked.median_blur(3).unwrap(), clean);
        assert_eq!(specked.median_blur(1).unwrap(), specked);
        assert!(specked.median_blur(2).is_err());
    }
}
