//! Changes of each colour by a table: posterise, solarise, invert, stretch, equalise; and sharpness.

use super::buffer::{Buffer, Pixels};
use super::{to_range, vectorised, whole_to_byte};

/// What becomes of each value of each channel.
type Tables = [[u8; 256]; 3];

/// A change of colours, each by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tone {
    /// Keeps this many of the upper bits, 0-8.
    Posterize(u8),
    /// Inverts what is at least this bright, 0-255.
    Solarize(f64),
    /// 255 minus the value.
    Invert,
    /// Stretches each channel to 0-255.
    AutoContrast,
    /// Makes each channel's values equally frequent.
    Equalize,
}

/// Changes the picture.
pub(crate) fn change(image: &mut Buffer, tone: Tone) {
    let tables: Tables = match tone {
        Tone::Posterize(bits) => {
            let mask = !(0xFFu32 >> bits.min(8)) as u8;
            [table(|value| value & mask); 3]
        }
        Tone::Solarize(threshold) => {
            let threshold = threshold as f32;
            [table(|value| {
                if f32::from(value) >= threshold {
                    255 - value
                } else {
                    value
                }
            }); 3]
        }
        Tone::Invert => [table(|value| 255 - value); 3],
        Tone::AutoContrast => histograms(&image.bytes).map(|counts| stretching(&counts)),
        Tone::Equalize => histograms(&image.bytes).map(|counts| equalising(&counts)),
    };
    let [reds, greens, blues] = &tables;
    for [r, g, b] in image.bytes.as_chunks_mut::<3>().0 {
        *r = reds[usize::from(*r)];
        *g = greens[usize::from(*g)];
        *b = blues[usize::from(*b)];
    }
}

fn table(value: impl Fn(u8) -> u8) -> [u8; 256] {
    std::array::from_fn(|index| value(index as u8))
}

/// How often each value of each channel occurs.
fn histograms(bytes: &[u8]) -> [[u32; 256]; 3] {
    let mut counts = [[0; 256]; 3];
    for pixel in bytes.as_chunks::<3>().0 {
        for (counts, value) in counts.iter_mut().zip(pixel) {
            counts[usize::from(*value)] += 1;
        }
    }
    counts
}

/// From the darkest to the brightest value that occurs becomes from 0 to 255.
fn stretching(counts: &[u32; 256]) -> [u8; 256] {
    let darkest = counts.iter().position(|&count| count > 0).unwrap_or(0) as u8;
    let brightest = counts.iter().rposition(|&count| count > 0).unwrap_or(0) as u8;
    if darkest == brightest {
        return table(|value| value);
    }
    let scale = f32::from(brightest - darkest) * (1.0 / 255.0);
    // Values that do not occur are clamped by the conversion.
    table(|value| ((f32::from(value) - f32::from(darkest)) / scale) as u8)
}

/// Pillow's and torchvision's scheme, which leaves the brightest value that occurs out of the count.
fn equalising(counts: &[u32; 256]) -> [u8; 256] {
    let total: u32 = counts.iter().sum();
    let last = counts
        .iter()
        .rev()
        .find(|&&count| count > 0)
        .copied()
        .unwrap_or(0);
    let step = (total - last) / 255;
    if step == 0 {
        return table(|value| value);
    }
    let mut sum = step / 2;
    counts.map(|count| {
        let value = (sum / step).min(255) as u8;
        sum += count;
        value
    })
}

/// Moves each pixel away from the mean of its surroundings: 0 smooths, 1 changes nothing, 2 sharpens.
///
/// The mean is that of Pillow and torchvision, 5 times the pixel and its 8 neighbours; the outermost pixels stay.
pub(crate) fn sharpen(from: Pixels<'_>, factor: f64, to: &mut Buffer) {
    to.copy_from(from);
    if from.width < 3 || from.height < 3 {
        return;
    }
    let rest = 1.0 - factor as f32;
    let stride = from.width * 3;
    vectorised(
        #[inline(always)]
        || {
            for y in 1..from.height - 1 {
                let [above, here, below] = [y - 1, y, y + 1].map(|y| from.row(y));
                let inner = 3..stride - 3;
                let out = &mut to.bytes[y * stride..][inner];
                let columns = |row: &'_ [u8], i: usize| {
                    u16::from(row[i]) + u16::from(row[i + 3]) + u16::from(row[i + 6])
                };
                let (above, here, below) = (&above[..stride], &here[..stride], &below[..stride]);
                for (i, out) in out.iter_mut().enumerate() {
                    let centre = u16::from(here[i + 3]);
                    let sum = columns(above, i) + columns(here, i) + columns(below, i) + 4 * centre;
                    // Rounded: 13 is odd, so there are no ties.
                    let mean = f32::from((sum + 6) / 13);
                    let centre = f32::from(centre);
                    *out = whole_to_byte(to_range(centre + (mean - centre) * rest));
                }
            }
        },
    );
}
