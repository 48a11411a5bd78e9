//! Contrast: brightness spread so that every value is used about as often.
//!
//! Colours keep their hue: only the luma of YCrCb changes. A grey image stays grey, and its numbers are
//! OpenCV's.

use super::border;
use super::colour::{rgb_to_ycrcb, ycrcb_to_rgb};
use crate::{Image, VisionError};

/// The new value for each old one.
type Table = [u8; 256];

impl Image {
    /// The image with its brightness spread over 0-255, over the whole image at once.
    /// OpenCV's `equalizeHist`.
    pub fn equalise(&self) -> Self {
        let y = self.brightness();
        let table = equalising(&y);
        self.with_brightness(y.iter().map(|&v| table[usize::from(v)]))
    }

    /// The image with its brightness spread tile by tile, so that dark corners show what is in them.
    ///
    /// `tiles` x `tiles` parts are equalised by themselves and blended into each other; how often a value
    /// may count is limited to `clip_limit` times the average, which keeps noise from being blown up.
    /// OpenCV's `createCLAHE(clip_limit, (tiles, tiles))`, whose usual values are 2.0 to 4.0 and 8.
    /// Zuiderveld, "Contrast limited adaptive histogram equalization", 1994.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when there are no tiles, more than 256, or `clip_limit` is not positive.
    pub fn clahe(&self, clip_limit: f32, tiles: u32) -> Result<Self, VisionError> {
        let positive = clip_limit > 0.0 && clip_limit.is_finite();
        if !positive || !(1..=256).contains(&tiles) {
            return Err(VisionError::Argument(format!(
                "clahe takes a positive clip limit and 1 to 256 tiles, got {clip_limit} and {tiles}"
            )));
        }
        let y = self.brightness();
        let tiling = Tiling::new(&y, self.width(), self.height(), tiles, clip_limit);
        let places =
            (0..self.height()).flat_map(|row| (0..self.width()).map(move |column| (column, row)));
        let changed = y.iter().zip(places);
        Ok(self.with_brightness(changed.map(|(&v, (column, row))| tiling.look_up(v, column, row))))
    }

    fn brightness(&self) -> Vec<u8> {
        self.pixels()
            .map(|colour| rgb_to_ycrcb(colour)[0])
            .collect()
    }

    fn with_brightness(&self, y: impl Iterator<Item = u8>) -> Self {
        let changed = self.pixels().zip(y).flat_map(|(colour, y)| {
            let [_, cr, cb] = rgb_to_ycrcb(colour);
            ycrcb_to_rgb([y, cr, cb])
        });
        self.with_bytes(changed.collect())
    }
}

/// The table that makes the values from the second least to the greatest equally frequent.
fn equalising(values: &[u8]) -> Table {
    let counts = count(values.iter().copied());
    let first = counts.iter().position(|&count| count > 0).unwrap_or(0);
    let rest = values.len() as u32 - counts[first];
    if rest == 0 {
        return std::array::from_fn(|value| value as u8);
    }
    let scale = 255.0 / rest as f32;
    let mut sum = 0;
    std::array::from_fn(|value| {
        if value <= first {
            return 0;
        }
        sum += counts[value];
        (sum as f32 * scale).round_ties_even() as u8
    })
}

fn count(values: impl Iterator<Item = u8>) -> [u32; 256] {
    let mut counts = [0; 256];
    for value in values {
        counts[usize::from(value)] += 1;
    }
    counts
}

/// A table for each tile.
struct Tiling {
    tiles: u32,
    tile_width: u32,
    tile_height: u32,
    tables: Vec<Table>,
}

impl Tiling {
    fn new(values: &[u8], width: u32, height: u32, tiles: u32, clip_limit: f32) -> Self {
        // OpenCV widens both sides as soon as one of them cannot be divided, by a whole row of pixels a
        // tile if need be, and mirrors what is missing.
        let (wide, high) = if width.is_multiple_of(tiles) && height.is_multiple_of(tiles) {
            (width, height)
        } else {
            (
                width + tiles - width % tiles,
                height + tiles - height % tiles,
            )
        };
        let (tile_width, tile_height) = (wide / tiles, high / tiles);
        let value = |x: u32, y: u32| {
            let (x, y) = (
                border::reflect(x.into(), width),
                border::reflect(y.into(), height),
            );
            values[y * width as usize + x]
        };
        let table = |tile: u32| {
            rt::checkpoint();
            let (left, top) = (tile % tiles * tile_width, tile / tiles * tile_height);
            let part = (top..top + tile_height)
                .flat_map(|y| (left..left + tile_width).map(move |x| value(x, y)));
            clipped(count(part), tile_width * tile_height, clip_limit)
        };
        Self {
            tiles,
            tile_width,
            tile_height,
            tables: (0..tiles * tiles).map(table).collect(),
        }
    }

    /// The new value at a place: of the four tiles around it, the nearer ones count more.
    fn look_up(&self, value: u8, x: u32, y: u32) -> u8 {
        let around = |place: u32, length: u32| {
            let place = place as f32 / length as f32 - 0.5;
            let before = place.floor();
            let last = self.tiles as i64 - 1;
            let tile = |index: f32| (index as i64).clamp(0, last) as usize;
            (tile(before), tile(before + 1.0), place - before)
        };
        let (left, right, right_part) = around(x, self.tile_width);
        let (top, bottom, lower_part) = around(y, self.tile_height);
        let at = |column: usize, row: usize| {
            f32::from(self.tables[row * self.tiles as usize + column][usize::from(value)])
        };
        let upper = at(left, top) * (1.0 - right_part) + at(right, top) * right_part;
        let lower = at(left, bottom) * (1.0 - right_part) + at(right, bottom) * right_part;
        (upper * (1.0 - lower_part) + lower * lower_part).round_ties_even() as u8
    }
}

/// The equalising table of a tile, once no value counts more than the limit; what is cut off is
/// dealt out to all values evenly.
fn clipped(mut counts: [u32; 256], area: u32, clip_limit: f32) -> Table {
    let limit = ((clip_limit * area as f32 / 256.0) as u32).max(1);
    let mut excess = 0;
    for count in &mut counts {
        excess += count.saturating_sub(limit);
        *count = (*count).min(limit);
    }
    let (share, rest) = (excess / 256, excess % 256);
    for count in &mut counts {
        *count += share;
    }
    if let Some(step) = 256u32.checked_div(rest) {
        let step = step as usize;
        for count in counts.iter_mut().step_by(step).take(rest as usize) {
            *count += 1;
        }
    }
    let scale = 255.0 / area as f32;
    let mut sum = 0;
    counts.map(|count| {
        sum += count;
        (sum as f32 * scale).round_ties_even() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dull_image_uses_all_values_afterwards() {
        let dull = Image::generate(64, 4, |x, _| [100 + (x / 2) as u8; 3]);
        let bright = dull.equalise();
        assert_eq!(bright.pixel(0, 0), [0; 3]);
        assert_eq!(bright.pixel(63, 0), [255; 3]);
        assert_eq!(
            Image::filled(3, 3, [9, 9, 9]).unwrap().equalise().luma(),
            [9; 9]
        );
    }

    #[test]
    fn colours_keep_their_hue() {
        let image = Image::generate(64, 64, |x, y| [60 + x as u8, 40 + y as u8, 30]);
        let hue = |image: &Image| image.to_hsv().channel(0).unwrap().mean();
        let bright = image.equalise();
        assert!((hue(&image) - hue(&bright)).abs() < 6.0);
        assert!(bright.luma().iter().max() > image.luma().iter().max());
    }

    #[test]
    fn odd_sizes_and_tiles_are_fine() {
        for (width, height, tiles) in [(1, 1, 8), (7, 3, 8), (16, 9, 4), (33, 32, 1)] {
            let image = Image::generate(width, height, |x, y| [(x * 7 + y * 3) as u8; 3]);
            let result = image.clahe(2.0, tiles).unwrap();
            assert_eq!((result.width(), result.height()), (width, height));
        }
        let image = Image::filled(4, 4, [0; 3]).unwrap();
        assert!(image.clahe(2.0, 0).is_err());
        assert!(image.clahe(0.0, 8).is_err());
    }
}
