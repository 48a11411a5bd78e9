//! The type, range and statistics of an array's numbers.

use std::fmt;
use std::ops::Range;

use rt::{Bundle, Show};

use super::Array;
use crate::{VisionError, describe};

/// The type of the numbers of an [`Array`], under NumPy's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Bytes, 0-255: what image files hold.
    Uint8,
    /// 0-65535: scientific and medical images, depth maps.
    Uint16,
    /// 32-bit floats; as an image 0-1.
    Float32,
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Float32 => "float32",
        })
    }
}

/// The numbers themselves.
#[derive(Clone, PartialEq)]
pub(super) enum Numbers {
    U8(Vec<u8>),
    U16(Vec<u16>),
    F32(Vec<f32>),
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::U16(values) => values.len(),
            Self::F32(values) => values.len(),
        }
    }

    pub(super) fn dtype(&self) -> Dtype {
        match self {
            Self::U8(_) => Dtype::Uint8,
            Self::U16(_) => Dtype::Uint16,
            Self::F32(_) => Dtype::Float32,
        }
    }

    pub(super) fn get(&self, offset: usize) -> f64 {
        match self {
            Self::U8(values) => values[offset].into(),
            Self::U16(values) => values[offset].into(),
            Self::F32(values) => values[offset].into(),
        }
    }

    /// The numbers at the offsets, in their order.
    pub(super) fn pick(&self, offsets: &[usize]) -> Self {
        fn pick<T: Copy>(values: &[T], offsets: &[usize]) -> Vec<T> {
            offsets.iter().map(|&offset| values[offset]).collect()
        }
        match self {
            Self::U8(values) => Self::U8(pick(values, offsets)),
            Self::U16(values) => Self::U16(pick(values, offsets)),
            Self::F32(values) => Self::F32(pick(values, offsets)),
        }
    }

    /// Of numbers `[H, W, C]` those in the given rows and columns; 0 where they reach beyond.
    pub(super) fn part(&self, size: [usize; 3], rows: Range<i64>, columns: Range<i64>) -> Self {
        fn part<T: Copy + Default>(
            values: &[T],
            [height, width, channels]: [usize; 3],
            rows: Range<i64>,
            columns: Range<i64>,
        ) -> Vec<T> {
            let length = (columns.end - columns.start) as usize * channels;
            let mut part = vec![T::default(); (rows.end - rows.start) as usize * length];
            let inside = |place: i64, side: usize| place.clamp(0, side as i64);
            let (left, right) = (inside(columns.start, width), inside(columns.end, width));
            for (y, out) in rows.zip(part.chunks_exact_mut(length)) {
                if (0..height as i64).contains(&y) && left < right {
                    let at = |x: i64| (y as usize * width + x as usize) * channels;
                    let before = (left - columns.start) as usize * channels;
                    let seen = &values[at(left)..at(right)];
                    out[before..before + seen.len()].copy_from_slice(seen);
                }
            }
            part
        }
        match self {
            Self::U8(values) => Self::U8(part(values, size, rows, columns)),
            Self::U16(values) => Self::U16(part(values, size, rows, columns)),
            Self::F32(values) => Self::F32(part(values, size, rows, columns)),
        }
    }

    pub(super) fn to_f32(&self) -> Vec<f32> {
        match self {
            Self::U8(values) => values.iter().map(|&v| v.into()).collect(),
            Self::U16(values) => values.iter().map(|&v| v.into()).collect(),
            Self::F32(values) => values.clone(),
        }
    }
}

impl Array {
    /// The least number. NaN is passed over; NaN if there is nothing else.
    pub fn min(&self) -> f64 {
        self.values().fold(f64::NAN, f64::min)
    }

    /// The greatest number. NaN is passed over; NaN if there is nothing else.
    pub fn max(&self) -> f64 {
        self.values().fold(f64::NAN, f64::max)
    }

    /// The mean of all numbers.
    pub fn mean(&self) -> f64 {
        self.values().sum::<f64>() / self.size() as f64
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        (0..self.size()).map(|offset| self.numbers.get(offset))
    }

    /// The same numbers in another type, as NumPy's `astype`: nothing is scaled, so `uint8` 200 becomes
    /// `float32` 200.0. Floats lose their fraction on the way to an integer, and what does not fit is
    /// cut to the nearest number that does (where NumPy wraps around). For 0-255 to 0-1 and back, see
    /// [`to_float`](Self::to_float) and [`to_uint8`](Self::to_uint8).
    pub fn astype(&self, dtype: Dtype) -> Self {
        let numbers = match dtype {
            Dtype::Uint8 => Numbers::U8(self.values().map(|v| v as u8).collect()),
            Dtype::Uint16 => Numbers::U16(self.values().map(|v| v as u16).collect()),
            Dtype::Float32 => Numbers::F32(self.numbers.to_f32()),
        };
        Self {
            shape: self.shape.clone(),
            numbers,
        }
    }

    /// Integers scaled to `float32` 0-1: `uint8` is divided by 255, `uint16` by 65535. Floats stay.
    pub fn to_float(&self) -> Self {
        let most = match self.dtype() {
            Dtype::Uint8 => f32::from(u8::MAX),
            Dtype::Uint16 => f32::from(u16::MAX),
            Dtype::Float32 => 1.0,
        };
        let values = self.numbers.to_f32().into_iter().map(|v| v / most);
        Self {
            shape: self.shape.clone(),
            numbers: Numbers::F32(values.collect()),
        }
    }

    /// Floats 0-1 scaled to `uint8` 0-255, and `uint16` 0-65535 as well, rounded to the nearest.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when a float is outside 0-1 or NaN.
    pub fn to_uint8(&self) -> Result<Self, VisionError> {
        let values: Vec<u8> = match &self.numbers {
            Numbers::U8(values) => values.clone(),
            // 65535 is 257 times 255.
            Numbers::U16(values) => values
                .iter()
                .map(|&v| ((u32::from(v) + 128) / 257) as u8)
                .collect(),
            Numbers::F32(values) => {
                if let Some(stray) = values.iter().find(|v| !(0.0..=1.0).contains(*v)) {
                    return Err(VisionError::Argument(format!(
                        "expected values 0-1, got {stray}: divide by the greatest value, or cut with clip(0.0, 1.0)"
                    )));
                }
                values.iter().map(|v| (v * 255.0).round() as u8).collect()
            }
        };
        Self::from_u8(&self.shape, values)
    }

    /// The numbers cut to `least`..=`most`, as NumPy's `clip`; NaN becomes `least`. The type stays.
    pub fn clip(&self, least: f32, most: f32) -> Self {
        let values = self.numbers.to_f32().into_iter();
        let cut = Self {
            shape: self.shape.clone(),
            numbers: Numbers::F32(values.map(|v| v.max(least).min(most)).collect()),
        };
        cut.astype(self.dtype())
    }
}

/// Shape, type, range and the numbers themselves, as a tensor is shown.
impl Show for Array {
    fn show(&self) -> Bundle {
        describe::describe_array(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_scaled_only_when_asked() {
        let bytes = Array::from_u8(&[3], vec![0, 51, 255]).unwrap();
        assert_eq!(
            bytes.astype(Dtype::Float32).to_vec(),
            [0.0, 51.0, 255.0],
            "astype leaves the values alone"
        );
        assert_eq!(bytes.to_float().to_vec(), [0.0, 0.2, 1.0]);
        assert_eq!(bytes.to_float().to_uint8().unwrap(), bytes);
        let deep = Array::from_u16(&[3], vec![0, 13_107, 65_535]).unwrap();
        assert_eq!(deep.to_uint8().unwrap(), bytes);
        assert_eq!(deep.astype(Dtype::Uint8).to_vec(), [0.0, 255.0, 255.0]);
        assert_eq!(
            Array::from_f32(&[2], vec![1.9, -3.0])
                .unwrap()
                .astype(Dtype::Uint8)
                .to_vec(),
            [1.0, 0.0]
        );
    }

    #[test]
    fn statistics_pass_over_nan() {
        let array = Array::from_f32(&[4], vec![2.0, f32::NAN, -1.0, 5.0]).unwrap();
        assert_eq!((array.min(), array.max()), (-1.0, 5.0));
        assert!(array.mean().is_nan());
        let message = array.to_uint8().unwrap_err().to_string();
        assert!(
            message.starts_with("expected values 0-1, got 2"),
            "{message}"
        );
        assert_eq!(array.clip(0.0, 1.0).at(&[3]), 1.0);
        assert_eq!(
            Array::from_u8(&[2], vec![10, 200])
                .unwrap()
                .clip(20.0, 90.0)
                .to_vec(),
            [20.0, 90.0]
        );
    }

    #[test]
    fn an_array_says_what_it_is() {
        let array = Array::from_u8(&[2, 2], vec![1, 2, 3, 40]).unwrap();
        assert_eq!(
            array.show().plain(),
            "Array [2, 2], uint8\n[[ 1,  2],\n [ 3, 40]]\nmin 1, max 40"
        );
        assert_eq!(format!("{array:#?}"), "Array { [2, 2] uint8 }");
    }
}
