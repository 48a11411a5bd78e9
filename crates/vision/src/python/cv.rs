//! OpenCV's way: [`cv_imread`], [`cv_imshow`]; arrays `[H, W, 3]` of blue, green, red.

use std::path::Path;

use image::ImageFormat;
use rt::{Bundle, Show};

use crate::ops::colour;
use crate::picture::{check_sides, luma};
use crate::read::{bmp_greys, decoder, pixels, read_file, recognise};
use crate::show::card::{Anchor, Card};
use crate::show::preview::{self, Preview};
use crate::write::{check_quality, format_of, write_pixels};
use crate::{Array, AsArray, Dtype, Image, VisionError};

/// How [`cv_imread_as`] reads a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImreadFlag {
    /// `IMREAD_COLOR`: `[H, W, 3]`, `uint8`, blue, green, red, turned upright.
    #[default]
    Color,
    /// `IMREAD_GRAYSCALE`: `[H, W]`, `uint8`, turned upright.
    Grayscale,
    /// `IMREAD_UNCHANGED`: the file's own depth (`uint8` or `uint16`) and channels, not turned: `[H, W]` for grey,
    /// `[H, W, 3]` blue, green, red, `[H, W, 4]` with alpha, also for grey with alpha.
    Unchanged,
}

/// Reads an image as `cv2.imread` does: `[H, W, 3]`, `uint8`, 0-255, in the order **blue, green, red**.
///
/// The camera's note on how it was held (EXIF orientation) is applied, transparency is dropped, grey becomes
/// three equal channels, 16 bits become 8.
///
/// # Errors
/// Those of [`Image::open`]. (`cv2.imread` returns `None` instead, and the error comes lines later.)
pub fn cv_imread(path: impl AsRef<Path>) -> Result<Array, VisionError> {
    cv_imread_as(path, ImreadFlag::Color)
}

/// Reads an image as `cv2.imread(path, flag)` does.
///
/// # Errors
/// Those of [`Image::open`].
pub fn cv_imread_as(path: impl AsRef<Path>, flag: ImreadFlag) -> Result<Array, VisionError> {
    match flag {
        ImreadFlag::Color => Image::open(path)?.to_array().reversed(2),
        ImreadFlag::Grayscale => {
            let image = Image::open(path)?;
            let shape = [image.height() as usize, image.width() as usize];
            Array::from_u8(&shape, image.luma())
        }
        ImreadFlag::Unchanged => {
            let (bytes, name) = read_file(path.as_ref())?;
            let format = recognise(&bytes, &name)?;
            let image = pixels(&bytes, decoder(&bytes, format, &name)?, format, &name)?;
            let array = Array::of_decoded(image)?;
            if format == ImageFormat::Bmp && bmp_greys(&bytes).is_some() {
                return array.channel(0);
            }
            Ok(match array.shape() {
                [_, _, 2] => array.with_channels(&[0, 0, 0, 1]),
                _ => in_bgr(&array),
            })
        }
    }
}

/// Blue and red exchanged, where there are such.
fn in_bgr(array: &Array) -> Array {
    match array.shape() {
        [_, _, 3] => array.with_channels(&[2, 1, 0]),
        [_, _, 4] => array.with_channels(&[2, 1, 0, 3]),
        _ => array.clone(),
    }
}

/// What [`cv_imwrite_as`] is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImwriteFlag {
    /// `IMWRITE_JPEG_QUALITY`: 1 (smallest) to 100 (closest to the picture).
    JpegQuality(u8),
}

/// The quality of JPEG files unless it is said.
const JPEG_QUALITY: u8 = 95;

/// Writes an array as `cv2.imwrite` does, in the format its name ends in: `[H, W]` as grey, `[H, W, 3]` as blue,
/// green, red, `[H, W, 4]` with alpha. A JPEG has the quality 95.
///
/// `uint16` stays so in PNG and TIFF files. All else becomes `uint8`, rounded and **cut** to 0-255, not scaled: of
/// floats 0-1 a black picture is left, of `uint16` beyond 255 a white one. (OpenCV can put floats into a TIFF file.)
/// Alpha is dropped where the format has none.
///
/// # Errors
/// Those of [`Image::save`], and [`VisionError::Argument`] when the array is no picture.
pub fn cv_imwrite(path: impl AsRef<Path>, array: &impl AsArray) -> Result<(), VisionError> {
    write(path.as_ref(), array.as_array()?.as_ref(), JPEG_QUALITY)
}

/// Writes an array as `cv2.imwrite(path, array, [flag, value])` does.
///
/// # Errors
/// Those of [`cv_imwrite`] and of [`Image::save_with_quality`].
pub fn cv_imwrite_as(
    path: impl AsRef<Path>,
    array: &impl AsArray,
    ImwriteFlag::JpegQuality(quality): ImwriteFlag,
) -> Result<(), VisionError> {
    let path = path.as_ref();
    check_quality(path, quality)?;
    write(path, array.as_array()?.as_ref(), quality)
}

fn write(path: &Path, array: &Array, quality: u8) -> Result<(), VisionError> {
    use ImageFormat::{Gif, Jpeg, Png, Tiff, WebP};
    let format = format_of(path)?;
    check_shape(array)?;
    let is_deep = array.dtype() == Dtype::Uint16 && matches!(format, Png | Tiff);
    let array = if is_deep { array.clone() } else { cut(array)? };
    let image = in_bgr(&array).to_encode();
    let Some(mut image) = image else {
        unreachable!("the shape has been checked, and the numbers are integers")
    };
    check_sides(image.width(), image.height())?;
    // JPEG has no alpha, GIF and WebP have no grey.
    let channels = image.color().channel_count();
    if (format == Jpeg && channels == 4) || (matches!(format, Gif | WebP) && channels == 1) {
        image = image.into_rgb8().into();
    }
    write_pixels(&image, path, format, quality)
}

/// The numbers as `uint8`, rounded and cut, as OpenCV's `convertTo(CV_8U)`.
fn cut(array: &Array) -> Result<Array, VisionError> {
    if array.dtype() == Dtype::Uint8 {
        return Ok(array.clone());
    }
    let values = array.to_vec().into_iter();
    let cut = values.map(|value| value.round_ties_even() as u8).collect();
    Array::from_u8(array.shape(), cut)
}

/// Shows an array in a window, below the cell, as `cv2.imshow` does: its channels are taken as **blue, green,
/// red**, `uint8` as 0-255, `uint16` as 0-65535, and floats as 0-1, cut off beyond.
///
/// # Errors
/// [`VisionError::Argument`] when the array is not `[H, W]`, `[H, W, 3]` or `[H, W, 4]`.
pub fn cv_imshow(window: &str, array: &impl AsArray) -> Result<(), VisionError> {
    let array = array.as_array()?;
    let image = picture(&array)?;
    rt::display(&Window {
        title: window.into(),
        image,
    });
    Ok(())
}

/// Refuses shapes that are no picture to OpenCV.
fn check_shape(array: &Array) -> Result<(), VisionError> {
    match array.shape() {
        [_, _] | [_, _, 1 | 3 | 4] => Ok(()),
        other => {
            let hint = match other {
                [1 | 3, _, _] => ": that is [C, H, W], turn it with to_hwc()",
                _ => "",
            };
            Err(VisionError::Argument(format!(
                "OpenCV takes [H, W], [H, W, 3] or [H, W, 4], got {other:?}{hint}"
            )))
        }
    }
}

/// The picture that OpenCV sees in an array.
fn picture(array: &Array) -> Result<Image, VisionError> {
    check_shape(array)?;
    let coloured = matches!(array.shape(), [_, _, 3 | 4]);
    let image = match array.dtype() {
        Dtype::Float32 => Image::from_array(&array.clip(0.0, 1.0))?,
        Dtype::Uint8 | Dtype::Uint16 => Image::from_array(array)?,
    };
    Ok(if coloured { image.map(swap) } else { image })
}

/// Red and blue exchanged.
fn swap([first, second, third]: [u8; 3]) -> [u8; 3] {
    [third, second, first]
}

/// A picture in a window of its own.
struct Window {
    title: String,
    image: Image,
}

/// The words in the window's bar, which is grey on dark pages too.
const TITLE: &str = "#333333";
/// The height of the window's bar, in CSS pixels.
const BAR: f64 = 28.0;

impl Show for Window {
    fn show(&self) -> Bundle {
        let about = format!(
            "window {:?}: {}",
            self.title,
            preview::describe(&self.image)
        );
        let preview = match Preview::new(&self.image, preview::PAGE) {
            Ok(preview) => preview,
            Err(error) => return Bundle::text(format!("{about} (cannot be shown: {error})")),
        };
        let (width, height) = (f64::from(preview.width), f64::from(preview.height));
        let frame = width.max(160.0);
        let mut card = Card::new(frame + 2.0, height + BAR + 1.0);
        card.rect([0.0, 0.0, frame + 2.0, height + BAR + 1.0], "#D0D0D0", 6.0);
        let room = frame - 40.0;
        card.text((12.0, 19.0), Anchor::Start, 13.0, TITLE, &self.title, room);
        card.text(
            (frame - 8.0, 19.0),
            Anchor::End,
            13.0,
            TITLE,
            "\u{2715}",
            20.0,
        );
        card.picture(
            &preview.png,
            [1.0 + (frame - width) / 2.0, BAR, width, height],
            false,
        );
        card.show(about)
    }
}

/// From which colour space to which: OpenCV's codes, for [`cv_cvt_color`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it, and are OpenCV's.
pub enum ColorCode {
    Bgr2Rgb,
    Rgb2Bgr,
    Bgr2Gray,
    Rgb2Gray,
    Gray2Bgr,
    Gray2Rgb,
    Bgr2Hsv,
    Rgb2Hsv,
    Hsv2Bgr,
    Hsv2Rgb,
    Bgr2Lab,
    Rgb2Lab,
    Lab2Bgr,
    Lab2Rgb,
    Bgr2YCrCb,
    Rgb2YCrCb,
    YCrCb2Bgr,
    YCrCb2Rgb,
}

/// The array in another colour space, as `cv2.cvtColor(array, code)`: `[H, W, 3]` or, for grey, `[H, W]`.
///
/// # Errors
/// [`VisionError::Argument`] when the array has not the channels that the code starts from, or is not
/// `uint8` (reversing with [`Array::reversed`] works for every type).
pub fn cv_cvt_color(array: &impl AsArray, code: ColorCode) -> Result<Array, VisionError> {
    use ColorCode::*;
    let array = array.as_array()?;
    if let Gray2Bgr | Gray2Rgb = code {
        return match (array.shape(), array.as_u8()) {
            (&[height, width], Some(grey)) => Array::from_u8(
                &[height, width, 3],
                grey.iter().flat_map(|&v| [v; 3]).collect(),
            ),
            (shape, _) => Err(VisionError::Argument(format!(
                "expected grey [H, W], uint8, got {shape:?}, {}",
                array.dtype()
            ))),
        };
    }
    let image = colour::three_channels(&array)?;
    let result = match code {
        Bgr2Rgb | Rgb2Bgr => image.map(swap),
        Bgr2Gray | Rgb2Gray => {
            let in_rgb = if code == Bgr2Gray {
                image.map(swap)
            } else {
                image
            };
            let grey = in_rgb.pixels().map(luma).collect();
            return Array::from_u8(&array.shape()[..2], grey);
        }
        Rgb2Hsv => image.map(colour::rgb_to_hsv),
        Bgr2Hsv => image.map(|c| colour::rgb_to_hsv(swap(c))),
        Hsv2Rgb => image.map(colour::hsv_to_rgb),
        Hsv2Bgr => image.map(|c| swap(colour::hsv_to_rgb(c))),
        Rgb2Lab => image.map(colour::rgb_to_lab),
        Bgr2Lab => image.map(|c| colour::rgb_to_lab(swap(c))),
        Lab2Rgb => image.map(colour::lab_to_rgb),
        Lab2Bgr => image.map(|c| swap(colour::lab_to_rgb(c))),
        Rgb2YCrCb => image.map(colour::rgb_to_ycrcb),
        Bgr2YCrCb => image.map(|c| colour::rgb_to_ycrcb(swap(c))),
        YCrCb2Rgb => image.map(colour::ycrcb_to_rgb),
        YCrCb2Bgr => image.map(|c| swap(colour::ycrcb_to_rgb(c))),
        Gray2Bgr | Gray2Rgb => unreachable!("done above"),
    };
    Ok(result.to_array())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> String {
        format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
    }

    #[test]
    fn channels_are_blue_green_red() {
        let array = cv_imread(fixture("gradient.png")).unwrap();
        assert_eq!(array.shape(), [10, 16, 3]);
        // cv2.imread("gradient.png")[4, 7]
        let pixel = [0, 1, 2].map(|channel| array.at(&[4, 7, channel]));
        assert_eq!(pixel, [196.0, 96.0, 112.0]);
        let rgb = cv_cvt_color(&array, ColorCode::Bgr2Rgb).unwrap();
        assert_eq!(rgb, array.reversed(2).unwrap());
        let image = Image::open(fixture("gradient.png")).unwrap();
        assert_eq!(rgb, image.to_array());
        assert_eq!(
            picture(&array).unwrap(),
            image,
            "shown with its own colours"
        );
    }

    #[test]
    fn flags_read_as_opencv_does() {
        let grey = cv_imread_as(fixture("gradient.png"), ImreadFlag::Grayscale).unwrap();
        assert_eq!((grey.shape(), grey.at(&[4, 7])), (&[10, 16][..], 112.0));
        let deep = cv_imread_as(fixture("grey16.png"), ImreadFlag::Unchanged).unwrap();
        assert_eq!(
            (deep.dtype(), deep.shape(), deep.at(&[0, 5])),
            (Dtype::Uint16, &[10, 16][..], 21_845.0)
        );
        // Unchanged leaves the picture lying on its side, the others turn it.
        let lying = cv_imread_as(fixture("turned.jpg"), ImreadFlag::Unchanged).unwrap();
        let upright = cv_imread(fixture("turned.jpg")).unwrap();
        assert_eq!(
            (lying.shape(), upright.shape()),
            (&[10, 16, 3][..], &[16, 10, 3][..])
        );
        assert!(cv_imread("nowhere.png").is_err());
    }

    /// Written and read again without a change.
    fn again(name: &str, array: &Array) -> Array {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        cv_imwrite(&path, array).unwrap();
        cv_imread_as(&path, ImreadFlag::Unchanged).unwrap()
    }

    #[test]
    fn depth_and_channels_survive_a_file() {
        let bytes = |shape: &[usize]| {
            let count = shape.iter().product::<usize>();
            Array::from_u8(shape, (0..count).map(|v| (v * 7) as u8).collect()).unwrap()
        };
        let deep = |shape: &[usize]| {
            let count = shape.iter().product::<usize>();
            Array::from_u16(shape, (0..count).map(|v| (v * 2003) as u16).collect()).unwrap()
        };
        for name in ["a.png", "a.tiff", "a.bmp"] {
            for shape in [&[4, 5][..], &[4, 5, 3], &[4, 5, 4]] {
                assert_eq!(again(name, &bytes(shape)), bytes(shape), "{name} {shape:?}");
                if name != "a.bmp" {
                    assert_eq!(again(name, &deep(shape)), deep(shape), "{name} {shape:?}");
                }
            }
        }
        assert_eq!(again("a.webp", &bytes(&[4, 5, 4])), bytes(&[4, 5, 4]));
        assert_eq!(again("a.webp", &bytes(&[4, 5])).shape(), [4, 5, 3]);
        assert_eq!(again("a.jpg", &bytes(&[4, 5])).shape(), [4, 5]);
        assert_eq!(again("a.jpg", &bytes(&[4, 5, 4])).shape(), [4, 5, 3]);
        // cv2.imwrite cuts what does not fit into 8 bits: [0, 1, 255, 255, 2]
        let deep = Array::from_u16(&[1, 5], vec![0, 1, 255, 256, 2]).unwrap();
        assert_eq!(again("a.bmp", &deep).to_vec(), [0., 1., 255., 255., 2.]);
        // cv2.imwrite rounds floats to even: [0, 0, 2, 255, 0]
        let floats = Array::from_f32(&[1, 5], vec![-3.0, 0.5, 1.5, 999.0, 0.2]).unwrap();
        assert_eq!(again("a.png", &floats).to_vec(), [0., 0., 2., 255., 0.]);
    }

    #[test]
    fn what_opencv_does_not_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let grey_and_alpha = Array::from_u8(&[2, 3, 2], vec![0; 12]).unwrap();
        let message = cv_imwrite(at("a.png"), &grey_and_alpha)
            .unwrap_err()
            .to_string();
        assert!(message.contains("got [2, 3, 2]"), "{message}");
        let array = cv_imread(fixture("gradient.png")).unwrap();
        let size = |quality| {
            let flag = ImwriteFlag::JpegQuality(quality);
            cv_imwrite_as(at("a.jpg"), &array, flag).unwrap();
            std::fs::metadata(at("a.jpg")).unwrap().len()
        };
        let fine = size(95);
        assert!(size(20) < fine);
        cv_imwrite(at("a.jpg"), &array).unwrap();
        assert_eq!(std::fs::metadata(at("a.jpg")).unwrap().len(), fine);
        for (name, quality) in [("a.png", 80), ("a.jpg", 0)] {
            let flag = ImwriteFlag::JpegQuality(quality);
            assert!(cv_imwrite_as(at(name), &array, flag).is_err());
        }
    }

    #[test]
    fn floats_are_zero_to_one_and_cut_beyond() {
        let floats = Array::from_f32(&[1, 4], vec![-3.0, 0.5, 200.0, f32::NAN]).unwrap();
        assert_eq!(picture(&floats).unwrap().luma(), [0, 128, 255, 0]);
        let deep = Array::from_u16(&[1, 2], vec![0, 65_535]).unwrap();
        assert_eq!(picture(&deep).unwrap().luma(), [0, 255]);
        let alpha = Array::from_u8(&[1, 1, 4], vec![1, 2, 3, 0]).unwrap();
        assert_eq!(picture(&alpha).unwrap().pixel(0, 0), [3, 2, 1]);
        let planes = Array::from_u8(&[3, 4, 5], vec![0; 60]).unwrap();
        assert_eq!(
            picture(&planes).unwrap_err().to_string(),
            "OpenCV takes [H, W], [H, W, 3] or [H, W, 4], got [3, 4, 5]: \
             that is [C, H, W], turn it with to_hwc()"
        );
    }

    #[test]
    fn colour_codes_lead_there_and_back() {
        use ColorCode::*;
        let array = cv_imread(fixture("gradient.png")).unwrap();
        for (there, back) in [(Bgr2YCrCb, YCrCb2Bgr), (Bgr2Rgb, Rgb2Bgr)] {
            let returned = cv_cvt_color(&cv_cvt_color(&array, there).unwrap(), back).unwrap();
            for (a, b) in array.to_vec().into_iter().zip(returned.to_vec()) {
                assert!((a - b).abs() <= 2.0);
            }
        }
        let grey = cv_cvt_color(&array, Bgr2Gray).unwrap();
        assert_eq!(cv_cvt_color(&grey, Gray2Bgr).unwrap().shape(), [10, 16, 3]);
        let message = cv_cvt_color(&grey, Bgr2Rgb).unwrap_err().to_string();
        assert!(message.contains("got [10, 16]"), "{message}");
        assert!(cv_cvt_color(&array, Gray2Bgr).is_err());
    }

    #[test]
    fn a_window_has_its_title_and_a_description() {
        let image = Image::filled(40, 30, [1, 2, 3]).unwrap();
        let bundle = Window {
            title: "a <b>".into(),
            image,
        }
        .show();
        assert_eq!(bundle.plain(), "window \"a <b>\": image 40x30 RGB");
        let svg = bundle.data["image/svg+xml"].as_str().unwrap();
        assert!(svg.contains("a &lt;b&gt;") && !svg.contains("<b>"));
    }
}
