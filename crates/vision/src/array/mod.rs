//! [`Array`]: numbers with a shape, as NumPy holds an image.
//!
//! - this file: making arrays, asking what they are, changing their layout
//! - `numbers`: their type, range and statistics
//! - `convert`: to and from images and tensors, and [`AsArray`], what the ways of showing accept
//!
//! Three facts decide how the numbers of an image must be read, and none of them is written on it: the
//! **layout** (`[H, W, C]` as files and NumPy have it, `[C, H, W]` as networks do), the **order of the
//! channels** (RGB, or BGR in OpenCV), and the **range** (0-255 for `uint8`, 0-1 for `float32`).

mod convert;
mod numbers;

use std::fmt;
use std::ops::Range;

pub use convert::AsArray;
pub use numbers::Dtype;
use numbers::Numbers;

use crate::VisionError;

/// Numbers with a shape, in row-major order: what `numpy.ndarray` is to an image in Python.
///
/// An image is `[H, W, C]` (or `[H, W]` without colour). The type is one of `uint8`, `uint16` and
/// `float32`, see [`Dtype`]. Operations return a new array.
///
/// ```
/// # use vision::Array;
/// let grey = Array::from_u8(&[2, 3], vec![0, 50, 100, 150, 200, 250])?;
/// assert_eq!(grey.at(&[1, 0]), 150.0);
/// # Ok::<(), vision::VisionError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    numbers: Numbers,
}

impl Array {
    /// An array of `uint8`, 0-255, the last dimension running fastest.
    ///
    /// # Errors
    /// [`VisionError::Size`] when the shape holds another number of values, or none.
    pub fn from_u8(shape: &[usize], values: Vec<u8>) -> Result<Self, VisionError> {
        Self::new(shape, Numbers::U8(values))
    }

    /// An array of `uint16`, 0-65535, the last dimension running fastest.
    ///
    /// # Errors
    /// Those of [`from_u8`](Self::from_u8).
    pub fn from_u16(shape: &[usize], values: Vec<u16>) -> Result<Self, VisionError> {
        Self::new(shape, Numbers::U16(values))
    }

    /// An array of `float32`, the last dimension running fastest.
    ///
    /// # Errors
    /// Those of [`from_u8`](Self::from_u8).
    pub fn from_f32(shape: &[usize], values: Vec<f32>) -> Result<Self, VisionError> {
        Self::new(shape, Numbers::F32(values))
    }

    fn new(shape: &[usize], numbers: Numbers) -> Result<Self, VisionError> {
        let expected = shape
            .iter()
            .try_fold(1usize, |product, &length| product.checked_mul(length));
        if expected == Some(0) || expected != Some(numbers.len()) {
            return Err(VisionError::Size(format!(
                "an array of shape {shape:?} cannot hold {} values",
                numbers.len()
            )));
        }
        Ok(Self {
            shape: shape.to_vec(),
            numbers,
        })
    }

    /// The length of each dimension, for example `[480, 640, 3]` for an image 640 pixels wide.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of the numbers.
    pub fn dtype(&self) -> Dtype {
        self.numbers.dtype()
    }

    /// How many numbers there are.
    pub fn size(&self) -> usize {
        self.numbers.len()
    }

    /// The number at a place: one index for each dimension, for example `[y, x, channel]`.
    ///
    /// # Panics
    /// When the place is outside the array, as indexing a slice does.
    pub fn at(&self, place: &[usize]) -> f64 {
        let inside = place.len() == self.shape.len()
            && place
                .iter()
                .zip(&self.shape)
                .all(|(&index, &length)| index < length);
        if !inside {
            panic!(
                "place {place:?} is outside an array of shape {:?}",
                self.shape
            );
        }
        let offset = place
            .iter()
            .zip(&self.shape)
            .fold(0, |offset, (&index, &length)| offset * length + index);
        self.numbers.get(offset)
    }

    /// The bytes of a `uint8` array, the last dimension running fastest; `None` for other types.
    pub fn as_u8(&self) -> Option<&[u8]> {
        match &self.numbers {
            Numbers::U8(values) => Some(values),
            _ => None,
        }
    }

    /// The numbers of a `uint16` array; `None` for other types.
    pub(crate) fn as_u16(&self) -> Option<&[u16]> {
        match &self.numbers {
            Numbers::U16(values) => Some(values),
            _ => None,
        }
    }

    /// The numbers as floats, their values unchanged, the last dimension running fastest.
    pub fn to_vec(&self) -> Vec<f32> {
        self.numbers.to_f32()
    }

    /// The same numbers with the dimensions in another order, as `numpy.transpose` and
    /// `Tensor::permute` do: `[2, 0, 1]` makes `[C, H, W]` of `[H, W, C]`.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when `order` does not name each dimension once.
    pub fn transpose(&self, order: &[usize]) -> Result<Self, VisionError> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if sorted.iter().copied().ne(0..self.shape.len()) {
            return Err(VisionError::Argument(format!(
                "the order {order:?} must name each of the {} dimensions of shape {:?} once, from 0",
                self.shape.len(),
                self.shape
            )));
        }
        let mut strides = vec![1; self.shape.len()];
        for dimension in (1..self.shape.len()).rev() {
            strides[dimension - 1] = strides[dimension] * self.shape[dimension];
        }
        let steps: Vec<_> = order
            .iter()
            .map(|&dimension| (self.shape[dimension], strides[dimension]))
            .collect();
        let mut offsets = Vec::with_capacity(self.size());
        walk(&steps, 0, &mut offsets);
        Ok(Self {
            shape: steps.iter().map(|&(length, _)| length).collect(),
            numbers: self.numbers.pick(&offsets),
        })
    }

    /// The numbers of one dimension in reverse: `reversed(2)` turns RGB into BGR, as `image[:, :, ::-1]`
    /// does in NumPy; `reversed(1)` mirrors left and right.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when there is no such dimension.
    pub fn reversed(&self, dimension: usize) -> Result<Self, VisionError> {
        let Some(&length) = self.shape.get(dimension) else {
            return Err(VisionError::Argument(format!(
                "there is no dimension {dimension} in shape {:?}: count from 0",
                self.shape
            )));
        };
        let inner: usize = self.shape[dimension + 1..].iter().product();
        let block = length * inner;
        let offsets: Vec<_> = (0..self.size() / block)
            .flat_map(|outer| {
                (0..length).rev().flat_map(move |index| {
                    let start = outer * block + index * inner;
                    start..start + inner
                })
            })
            .collect();
        Ok(Self {
            shape: self.shape.clone(),
            numbers: self.numbers.pick(&offsets),
        })
    }

    /// `[H, W, C]` as `[C, H, W]`, the layout of networks; `[H, W]` becomes `[1, H, W]`.
    ///
    /// # Errors
    /// [`VisionError::Argument`] for another number of dimensions.
    pub fn to_chw(&self) -> Result<Self, VisionError> {
        match self.shape.as_slice() {
            &[height, width] => Self::new(&[1, height, width], self.numbers.clone()),
            [_, _, _] => self.transpose(&[2, 0, 1]),
            other => Err(VisionError::Argument(format!(
                "expected [H, W, C] or [H, W], got {other:?}"
            ))),
        }
    }

    /// `[C, H, W]`, the layout of networks, as `[H, W, C]`.
    ///
    /// # Errors
    /// [`VisionError::Argument`] for another number of dimensions.
    pub fn to_hwc(&self) -> Result<Self, VisionError> {
        match self.shape.as_slice() {
            [_, _, _] => self.transpose(&[1, 2, 0]),
            other => Err(VisionError::Argument(format!(
                "expected [C, H, W], got {other:?}"
            ))),
        }
    }

    /// One channel of `[H, W, C]` as `[H, W]`, as `image[:, :, channel]` in NumPy.
    ///
    /// # Errors
    /// [`VisionError::Argument`] for another number of dimensions, or where there is no such channel.
    pub fn channel(&self, channel: usize) -> Result<Self, VisionError> {
        match self.shape.as_slice() {
            &[height, width, channels] if channel < channels => {
                let offsets: Vec<_> = (0..height * width)
                    .map(|pixel| pixel * channels + channel)
                    .collect();
                Self::new(&[height, width], self.numbers.pick(&offsets))
            }
            other => Err(VisionError::Argument(format!(
                "there is no channel {channel} in shape {other:?}: expected [H, W, C], channels counted from 0"
            ))),
        }
    }
}

impl Array {
    /// The part of `[H, W]` or `[H, W, C]` in the given rows and columns; 0 where they reach beyond.
    pub(crate) fn part(&self, rows: Range<i64>, columns: Range<i64>) -> Self {
        let channels = self.shape[2..].iter().product();
        let mut shape = self.shape.clone();
        shape[0] = (rows.end - rows.start) as usize;
        shape[1] = (columns.end - columns.start) as usize;
        let size = [self.shape[0], self.shape[1], channels];
        Self {
            shape,
            numbers: self.numbers.part(size, rows, columns),
        }
    }

    /// `[H, W, C]` with these of its channels, in this order.
    pub(crate) fn with_channels(&self, order: &[usize]) -> Self {
        let channels = self.shape[2];
        let pixels = 0..self.size() / channels;
        let offsets: Vec<_> = pixels
            .flat_map(|pixel| order.iter().map(move |channel| pixel * channels + channel))
            .collect();
        Self {
            shape: vec![self.shape[0], self.shape[1], order.len()],
            numbers: self.numbers.pick(&offsets),
        }
    }
}

/// Puts the offset of every element behind `into`, the last of the steps (length, stride) running fastest.
fn walk(steps: &[(usize, usize)], start: usize, into: &mut Vec<usize>) {
    match steps {
        [] => into.push(start),
        [(length, stride)] => into.extend((0..*length).map(|index| start + index * stride)),
        [(length, stride), inner @ ..] => {
            for index in 0..*length {
                walk(inner, start + index * stride, into);
            }
        }
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Array {{ {:?} {} }}", self.shape, self.dtype())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(shape: &[usize]) -> Array {
        let count = shape.iter().product::<usize>();
        Array::from_u8(shape, (0..count).map(|v| v as u8).collect()).unwrap()
    }

    #[test]
    fn places_are_found_in_every_layout() {
        // numpy: a = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
        let array = counted(&[2, 4, 3]);
        assert_eq!(array.at(&[1, 2, 0]), 18.0);
        let planes = array.to_chw().unwrap();
        assert_eq!(planes.shape(), [3, 2, 4]);
        // a.transpose(2, 0, 1).ravel()[:10]
        assert_eq!(
            planes.as_u8().unwrap()[..10],
            [0, 3, 6, 9, 12, 15, 18, 21, 1, 4]
        );
        assert_eq!(planes.to_hwc().unwrap(), array);
        // a[:, :, ::-1].ravel()[:6], a[:, ::-1].ravel()[:6]
        assert_eq!(
            array.reversed(2).unwrap().as_u8().unwrap()[..6],
            [2, 1, 0, 5, 4, 3]
        );
        assert_eq!(
            array.reversed(1).unwrap().as_u8().unwrap()[..6],
            [9, 10, 11, 6, 7, 8]
        );
        assert_eq!(
            array.channel(1).unwrap().as_u8().unwrap(),
            [1, 4, 7, 10, 13, 16, 19, 22]
        );
        assert_eq!(counted(&[2, 4]).to_chw().unwrap().shape(), [1, 2, 4]);
    }

    #[test]
    fn what_cannot_be_is_explained() {
        let message = |result: Result<Array, VisionError>| result.unwrap_err().to_string();
        assert_eq!(
            message(Array::from_u8(&[2, 3], vec![0; 5])),
            "an array of shape [2, 3] cannot hold 5 values"
        );
        assert!(Array::from_f32(&[0, 3], Vec::new()).is_err());
        assert!(Array::from_f32(&[usize::MAX, 3], Vec::new()).is_err());
        let array = counted(&[2, 4, 3]);
        assert!(message(array.transpose(&[0, 1])).contains("each of the 3 dimensions"));
        assert!(message(array.reversed(3)).contains("count from 0"));
        assert!(message(array.channel(3)).contains("no channel 3 in shape [2, 4, 3]"));
        assert!(message(counted(&[4]).to_chw()).contains("expected [H, W, C]"));
    }

    #[test]
    #[should_panic(expected = "place [2, 0, 0] is outside an array of shape [2, 4, 3]")]
    fn a_place_outside_is_a_clear_panic() {
        counted(&[2, 4, 3]).at(&[2, 0, 0]);
    }
}
