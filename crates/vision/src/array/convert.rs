//! Arrays to and from images and tensors.

use std::borrow::Cow;

use image::{DynamicImage, ImageBuffer};
use tch::{Kind, Tensor};

use super::{Array, Dtype};
use crate::picture::check_sides;
use crate::{Image, VisionError, convert};

/// What can be seen as an [`Array`]: arrays, images (`[H, W, 3]`, `uint8`, RGB), tensors (their own
/// shape), and images opened by [`pil_open`](crate::pil_open).
pub trait AsArray {
    /// The numbers, borrowed where that is possible.
    ///
    /// # Errors
    /// When an image that is still on disk cannot be read, or a tensor has no values to read.
    fn as_array(&self) -> Result<Cow<'_, Array>, VisionError>;
}

impl AsArray for Array {
    fn as_array(&self) -> Result<Cow<'_, Array>, VisionError> {
        Ok(Cow::Borrowed(self))
    }
}

impl AsArray for Image {
    fn as_array(&self) -> Result<Cow<'_, Array>, VisionError> {
        Ok(Cow::Owned(self.to_array()))
    }
}

impl AsArray for Tensor {
    fn as_array(&self) -> Result<Cow<'_, Array>, VisionError> {
        Array::from_tensor(self).map(Cow::Owned)
    }
}

impl<T: AsArray + ?Sized> AsArray for &T {
    fn as_array(&self) -> Result<Cow<'_, Array>, VisionError> {
        (**self).as_array()
    }
}

impl Image {
    /// The pixels as an array: `[H, W, 3]`, `uint8`, 0-255, red, green, blue.
    pub fn to_array(&self) -> Array {
        Array {
            shape: vec![self.height() as usize, self.width() as usize, 3],
            numbers: super::Numbers::U8(self.as_bytes().to_vec()),
        }
    }

    /// The picture in an array of red, green and blue.
    ///
    /// # Shapes
    /// `[H, W, 3]`, `[H, W, 4]` (the alpha is dropped), `[H, W, 1]` or `[H, W]` (grey). `uint8` is 0-255,
    /// `uint16` 0-65535, `float32` 0-1.
    ///
    /// # Errors
    /// [`VisionError::Argument`] for another shape, with what to do, or floats outside 0-1.
    pub fn from_array(array: &Array) -> Result<Self, VisionError> {
        let (height, width, channels) = match *array.shape() {
            [height, width] => (height, width, 1),
            [height, width, channels @ (1 | 3 | 4)] => (height, width, channels),
            [1 | 3, _, _] => {
                return Err(VisionError::Argument(format!(
                    "expected [H, W, 3], got {:?}: that is [C, H, W], turn it with to_hwc()",
                    array.shape()
                )));
            }
            ref other => {
                return Err(VisionError::Argument(format!(
                    "expected [H, W, 3] or [H, W], got {other:?}"
                )));
            }
        };
        let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        check_sides(side(width), side(height))?;
        let array = array.to_uint8()?;
        let bytes = array.as_u8().unwrap_or_default();
        let pixels = bytes.chunks_exact(channels);
        let rgb = match channels {
            3 => bytes.to_vec(),
            1 => bytes.iter().flat_map(|&v| [v; 3]).collect(),
            _ => pixels.flat_map(|p| [p[0], p[1], p[2]]).collect(),
        };
        Self::from_rgb8(side(width), side(height), rgb)
    }
}

impl Array {
    /// What a decoder has read, with its own depth and channels: `[H, W]` for grey, else `[H, W, C]` with the
    /// channels in the order of the file (grey or red, green, blue; then alpha). Floats become `uint16`.
    pub(crate) fn of_decoded(image: DynamicImage) -> Result<Self, VisionError> {
        let (height, width) = (image.height() as usize, image.width() as usize);
        let colour = image.color();
        let channels = usize::from(colour.channel_count());
        let shape = &[height, width, channels][..if channels == 1 { 2 } else { 3 }];
        let deep = colour.bytes_per_pixel() > colour.channel_count();
        if !deep {
            return Self::from_u8(shape, image.into_bytes());
        }
        let values = match channels {
            1 => image.into_luma16().into_raw(),
            2 => image.into_luma_alpha16().into_raw(),
            3 => image.into_rgb16().into_raw(),
            _ => image.into_rgba16().into_raw(),
        };
        Self::from_u16(shape, values)
    }

    /// The array as encoders take it: `[H, W]` for grey, else `[H, W, C]` with one to four channels in the order
    /// grey or red, green, blue; then alpha. Integers alone; `None` for any other.
    pub(crate) fn to_encode(&self) -> Option<DynamicImage> {
        let (height, width, channels) = match *self.shape() {
            [height, width] => (height, width, 1),
            [height, width, channels] => (height, width, channels),
            _ => return None,
        };
        let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
        if let Some(values) = self.as_u8().map(<[u8]>::to_vec) {
            return match channels {
                1 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageLuma8),
                2 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageLumaA8),
                3 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageRgb8),
                4 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageRgba8),
                _ => None,
            };
        }
        let values = self.as_u16()?.to_vec();
        match channels {
            1 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageLuma16),
            2 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageLumaA16),
            3 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageRgb16),
            4 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageRgba16),
            _ => None,
        }
    }

    /// The same numbers and shape as a tensor: `uint8` as [`Kind::Uint8`], `uint16` as [`Kind::Int`]
    /// (torch computes little in 16 bits), `float32` as [`Kind::Float`]. Nothing is scaled or turned.
    pub fn to_tensor(&self) -> Tensor {
        let flat = match self.as_u8() {
            Some(bytes) => Tensor::from_slice(bytes),
            None => Tensor::from_slice(&self.to_vec()),
        };
        let shape: Vec<i64> = self.shape().iter().map(|&length| length as i64).collect();
        let tensor = flat.view(shape.as_slice());
        match self.dtype() {
            Dtype::Uint16 => tensor.to_kind(Kind::Int),
            Dtype::Uint8 | Dtype::Float32 => tensor,
        }
    }

    /// The same numbers and shape as the tensor: [`Kind::Uint8`] and [`Kind::Bool`] (as 0 and 1) become
    /// `uint8`, everything else `float32`.
    ///
    /// # Errors
    /// [`VisionError::Tensor`] when the tensor is undefined, empty, or of a kind without plain numbers.
    pub fn from_tensor(tensor: &Tensor) -> Result<Self, VisionError> {
        if !tensor.defined() {
            return Err(VisionError::Tensor("the tensor is undefined".into()));
        }
        let _guard = tch::no_grad_guard();
        let shape: Vec<usize> = tensor
            .size()
            .iter()
            .map(|&length| length as usize)
            .collect();
        let said = convert::said;
        let flat = tensor.f_reshape([-1]).map_err(said)?;
        match tensor.f_kind().map_err(said)? {
            Kind::Uint8 | Kind::Bool => {
                let bytes = flat.f_to_kind(Kind::Uint8).map_err(said)?;
                Self::from_u8(&shape, Vec::try_from(&bytes).map_err(said)?)
            }
            _ => {
                let floats = flat.f_to_kind(Kind::Float).map_err(said)?;
                Self::from_f32(&shape, Vec::try_from(&floats).map_err(said)?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_arrays_hold_the_same_pixels() {
        let image = Image::from_rgb8(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let array = image.to_array();
        assert_eq!(array.shape(), [1, 2, 3]);
        assert_eq!(Image::from_array(&array).unwrap(), image);
        assert_eq!(Image::from_array(&array.to_float()).unwrap(), image);
        let grey = Array::from_u16(&[1, 2], vec![0, 65_535]).unwrap();
        assert_eq!(Image::from_array(&grey).unwrap().pixel(1, 0), [255; 3]);
        let alpha = Array::from_u8(&[1, 1, 4], vec![9, 8, 7, 0]).unwrap();
        assert_eq!(Image::from_array(&alpha).unwrap().pixel(0, 0), [9, 8, 7]);
    }

    #[test]
    fn a_layout_that_does_not_fit_is_named() {
        let planes = Array::from_u8(&[3, 4, 5], vec![0; 60]).unwrap();
        let message = Image::from_array(&planes).unwrap_err().to_string();
        assert_eq!(
            message,
            "expected [H, W, 3], got [3, 4, 5]: that is [C, H, W], turn it with to_hwc()"
        );
        assert!(Image::from_array(&planes.to_hwc().unwrap()).is_ok());
    }

    #[test]
    fn tensors_keep_shape_and_numbers() {
        let array = Array::from_u8(&[2, 1, 3], vec![1, 2, 3, 4, 5, 255]).unwrap();
        let tensor = array.to_tensor();
        assert_eq!((tensor.size(), tensor.kind()), (vec![2, 1, 3], Kind::Uint8));
        assert_eq!(Array::from_tensor(&tensor).unwrap(), array);
        let halves = Array::from_tensor(&(tensor.to_kind(Kind::Double) / 2.0)).unwrap();
        assert_eq!(
            (halves.dtype(), halves.at(&[1, 0, 2])),
            (Dtype::Float32, 127.5)
        );
        let deep = Array::from_u16(&[1], vec![40_000]).unwrap().to_tensor();
        assert_eq!((deep.kind(), deep.int64_value(&[0])), (Kind::Int, 40_000));
        let truths = Array::from_tensor(&Tensor::from_slice(&[true, false])).unwrap();
        assert_eq!(truths.as_u8().unwrap(), [1, 0]);
        assert!(Array::from_tensor(&Tensor::new()).is_err());
        assert!(
            Array::from_tensor(&Tensor::zeros([0, 3], (Kind::Float, tch::Device::Cpu))).is_err()
        );
    }
}
