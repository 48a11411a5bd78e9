//! Images to tensors and back.

use tch::{Kind, Tensor};

use crate::picture::check_sides;
use crate::{Image, VisionError};

/// How far outside 0-1 a colour may lie and still count as rounding.
const TOLERANCE: f64 = 1e-3;

impl Image {
    /// The picture as a network takes it: `[3, H, W]`, f32, 0-1, channels in the order red, green, blue.
    ///
    /// The same numbers as torchvision's `ToTensor`.
    pub fn to_tensor(&self) -> Tensor {
        self.to_tensor_u8()
            .permute([2, 0, 1])
            .to_kind(Kind::Float)
            .contiguous()
            / 255.0
    }

    /// The picture as it lies in memory: `[H, W, 3]`, u8, 0-255, channels in the order red, green, blue.
    pub fn to_tensor_u8(&self) -> Tensor {
        Tensor::from_slice(self.as_bytes()).view([
            i64::from(self.height()),
            i64::from(self.width()),
            3,
        ])
    }

    /// The picture in a tensor.
    ///
    /// # Shapes
    /// `[3, H, W]` in colour, `[1, H, W]` or `[H, W]` in grey, or `[H, W, 3]` as
    /// [`to_tensor_u8`](Self::to_tensor_u8) gives it. Floats are 0-1, u8 is 0-255.
    ///
    /// # Errors
    /// [`VisionError::Tensor`] for any other shape or kind, and for floats that are not within 0-1,
    /// such as those of a normalised image. Also for a shape that can be read in two ways, such as
    /// `[3, 5, 3]`: [`from_chw`](Self::from_chw) and [`from_hwc`](Self::from_hwc) say which is meant.
    pub fn from_tensor(tensor: &Tensor) -> Result<Self, VisionError> {
        check_defined(tensor)?;
        match tensor.size().as_slice() {
            size @ [1 | 3, _, 3] => Err(VisionError::Tensor(format!(
                "{size:?} can be [channels, H, W] or [H, W, channels]: \
                 say which with Image::from_chw(&tensor) or Image::from_hwc(&tensor)"
            ))),
            [_, _, 3] => Self::from_hwc(tensor),
            [_, _] => Self::from_chw(&tensor.f_unsqueeze(0).map_err(said)?),
            _ => Self::from_chw(tensor),
        }
    }

    /// The picture in a tensor that has the channels first, as networks do: `[3, H, W]` in colour or
    /// `[1, H, W]` in grey. Floats are 0-1, u8 is 0-255.
    ///
    /// # Errors
    /// Those of [`from_tensor`](Self::from_tensor), but for shapes that can be read in two ways.
    pub fn from_chw(tensor: &Tensor) -> Result<Self, VisionError> {
        check_defined(tensor)?;
        let (size, hint) = match tensor.size().as_slice() {
            [1 | 3, _, _] => return of_planes(tensor),
            other => (other.to_vec(), hint(other)),
        };
        Err(VisionError::Tensor(format!(
            "expected [3, H, W], got {size:?}{hint}"
        )))
    }

    /// The picture in a tensor that has the channels last, as files and [`to_tensor_u8`](Self::to_tensor_u8)
    /// do: `[H, W, 3]` in colour or `[H, W, 1]` in grey. Floats are 0-1, u8 is 0-255.
    ///
    /// # Errors
    /// Those of [`from_tensor`](Self::from_tensor), but for shapes that can be read in two ways.
    pub fn from_hwc(tensor: &Tensor) -> Result<Self, VisionError> {
        check_defined(tensor)?;
        match tensor.size().as_slice() {
            [_, _, 1 | 3] => of_planes(&tensor.f_permute([2, 0, 1]).map_err(said)?),
            other => Err(VisionError::Tensor(format!(
                "expected [H, W, 3], got {other:?}"
            ))),
        }
    }
}

/// The picture in `[1 or 3, H, W]`.
fn of_planes(planes: &Tensor) -> Result<Image, VisionError> {
    let _guard = tch::no_grad_guard();
    let (height, width) = (planes.size()[1], planes.size()[2]);
    let side = |length: i64| u32::try_from(length).unwrap_or(u32::MAX);
    check_sides(side(width), side(height))?;
    let bytes = to_bytes(planes)?;
    let rows = bytes
        .f_expand([3, height, width], false)
        .and_then(|t| t.f_permute([1, 2, 0])); // [H, W, 3]
    let flat = rows
        .and_then(|t| t.f_reshape([-1]))
        .and_then(|t| Vec::try_from(&t))
        .map_err(said)?;
    Image::from_rgb8(side(width), side(height), flat)
}

fn check_defined(tensor: &Tensor) -> Result<(), VisionError> {
    if tensor.defined() {
        return Ok(());
    }
    Err(VisionError::Tensor(
        "expected [3, H, W], got an undefined tensor".into(),
    ))
}

/// What makes a picture of another shape.
fn hint(size: &[i64]) -> &'static str {
    match size {
        [_, 1 | 3, _, _] => ": take one image of the batch with get(0)",
        [_] => ": give it its height and width back with view([3, height, width])",
        _ => "",
    }
}

/// Colours as u8, 0-255.
fn to_bytes(planes: &Tensor) -> Result<Tensor, VisionError> {
    match planes.f_kind() {
        Ok(Kind::Uint8) => Ok(planes.shallow_clone()),
        Ok(Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16) => {
            check_range(planes)?;
            let scaled = planes
                .f_to_kind(Kind::Float)
                .and_then(|t| t.f_clamp(0.0, 1.0))
                .map_err(said)?;
            (scaled * 255.0)
                .f_round()
                .and_then(|t| t.f_to_kind(Kind::Uint8))
                .map_err(said)
        }
        Ok(Kind::Bool) => Ok(planes.f_to_kind(Kind::Uint8).map_err(said)? * 255),
        kind => {
            let kind = kind.map_or_else(|_| "an unknown kind".into(), |k| format!("Kind::{k:?}"));
            Err(VisionError::Tensor(format!(
                "expected floats 0-1 or Kind::Uint8 0-255, got {kind}: convert with to_kind(Kind::Uint8)"
            )))
        }
    }
}

fn check_range(planes: &Tensor) -> Result<(), VisionError> {
    let (least, most) = planes
        .f_detach()
        .and_then(|t| t.f_aminmax(None, false))
        .map_err(said)?;
    let (least, most) = (least.double_value(&[]), most.double_value(&[]));
    if least.is_nan() {
        return Err(VisionError::Tensor(
            "expected values 0-1, got NaN among them".into(),
        ));
    }
    if least < -TOLERANCE || most > 1.0 + TOLERANCE {
        let hint = if least >= 0.0 && most <= 255.0 && most > 2.0 {
            "divide by 255 first"
        } else {
            "undo the normalisation first, or cut with clamp(0.0, 1.0)"
        };
        return Err(VisionError::Tensor(format!(
            "expected values 0-1, got {least:.4} to {most:.4}: {hint}"
        )));
    }
    Ok(())
}

/// The first line of what torch said; the rest is a C++ backtrace.
pub(crate) fn said(error: tch::TchError) -> VisionError {
    VisionError::Tensor(
        error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of three pixels.
    fn small() -> Image {
        Image::from_rgb8(
            3,
            2,
            vec![
                255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30, 40, 50, 60, 70, 80, 90,
            ],
        )
        .unwrap()
    }

    fn message(tensor: &Tensor) -> String {
        Image::from_tensor(tensor).unwrap_err().to_string()
    }

    #[test]
    fn a_tensor_holds_planes_of_zero_to_one() {
        let tensor = small().to_tensor();
        assert_eq!((tensor.size(), tensor.kind()), (vec![3, 2, 3], Kind::Float));
        assert!(tensor.is_contiguous());
        // PyTorch: torch.tensor(pixels, dtype=torch.uint8).permute(2, 0, 1).float().div(255)
        let blue: Vec<f32> = Vec::try_from(tensor.get(2).reshape([-1])).unwrap();
        assert_eq!(blue, [0.0, 0.0, 1.0, 0.11764706, 0.23529412, 0.3529412]);
    }

    #[test]
    fn images_come_back_from_every_layout() {
        let image = small();
        assert_eq!(image.to_tensor_u8().size(), [2, 3, 3]);
        for tensor in [
            image.to_tensor(),
            image.to_tensor().to_kind(Kind::Double),
            image.to_tensor().set_requires_grad(true),
            image.to_tensor_u8().permute([2, 0, 1]),
        ] {
            assert_eq!(Image::from_chw(&tensor).unwrap(), image);
        }
        let wide = image.resize(5, 4).unwrap();
        for tensor in [
            wide.to_tensor(),
            wide.to_tensor_u8(),
            wide.to_tensor_u8().permute([2, 0, 1]),
        ] {
            assert_eq!(Image::from_tensor(&tensor).unwrap(), wide);
        }
    }

    #[test]
    fn a_shape_that_means_two_things_has_to_be_said() {
        for (width, height) in [(5, 3), (5, 1), (3, 3), (3, 1), (3, 7), (1, 3), (7, 5)] {
            let image = small().resize(width, height).unwrap();
            let (floats, bytes) = (image.to_tensor(), image.to_tensor_u8());
            assert_eq!(Image::from_chw(&floats).unwrap(), image);
            assert_eq!(Image::from_hwc(&bytes).unwrap(), image);
            // Never another picture than the one that went in.
            for tensor in [floats, bytes] {
                if let Ok(found) = Image::from_tensor(&tensor) {
                    assert_eq!(found, image, "{width}x{height}");
                }
            }
        }
        let low = small().resize(5, 3).unwrap();
        assert_eq!(
            message(&low.to_tensor_u8()),
            "[3, 5, 3] can be [channels, H, W] or [H, W, channels]: \
             say which with Image::from_chw(&tensor) or Image::from_hwc(&tensor)"
        );
        let wrong = Image::from_hwc(&low.to_tensor()).unwrap_err().to_string();
        assert_eq!(wrong, "expected [H, W, 3], got [3, 3, 5]");
        assert!(Image::from_chw(&small().to_tensor_u8()).is_err());
    }

    #[test]
    fn one_channel_is_grey() {
        let grey = Tensor::from_slice(&[0.0f32, 0.5, 1.0, 0.25]).view([2, 2]);
        let image = Image::from_tensor(&grey).unwrap();
        assert_eq!(
            [image.pixel(1, 0), image.pixel(0, 1), image.pixel(1, 1)],
            [[128; 3], [255; 3], [64; 3]]
        );
        assert_eq!(Image::from_tensor(&grey.unsqueeze(0)).unwrap(), image);
        assert_eq!(
            Image::from_tensor(&grey.ge(0.5)).unwrap().pixel(1, 0),
            [255; 3]
        );
    }

    #[test]
    fn what_is_no_picture_is_explained() {
        let cpu = (Kind::Float, tch::Device::Cpu);
        assert_eq!(
            message(&Tensor::zeros([8, 3, 4, 4], cpu)),
            "expected [3, H, W], got [8, 3, 4, 4]: take one image of the batch with get(0)"
        );
        assert!(message(&Tensor::zeros([48], cpu)).contains("view([3, height, width])"));
        assert!(message(&Tensor::zeros([3, 0, 4], cpu)).contains("4x0 pixels is empty"));
        assert!(
            message(&Tensor::zeros([1, 1, 1], cpu).expand([1, 90_000, 90_000], false))
                .contains("too large")
        );
        assert!(message(&(Tensor::ones([3, 2, 2], cpu) * 200)).contains("divide by 255 first"));
        assert!(message(&(Tensor::ones([3, 2, 2], cpu) * -2)).contains("undo the normalisation"));
        assert!(message(&(Tensor::ones([3, 2, 2], cpu) * f64::NAN)).contains("NaN"));
        assert!(
            message(&Tensor::ones([3, 2, 2], (Kind::Int64, tch::Device::Cpu)))
                .contains("Kind::Int64")
        );
        assert!(message(&Tensor::new()).contains("undefined"));
    }
}
