//! OpenCV's way: [`cv_imread`], [`cv_imshow`]; arrays `[H, W, 3]` of blue, green, red.

use std::path::Path;

use image::DynamicImage;
use rt::{Bundle, Show};

use crate::ops::colour;
use crate::picture::luma;
use crate::read::{decoder, pixels, read_file, recognise};
use crate::show::card::{Anchor, Card, GREY_INK, INK};
use crate::show::preview::{self, Preview};
use crate::{Array, AsArray, Dtype, Image, VisionError};

/// How [`cv_imread_as`] reads a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImreadFlag {
    /// `IMREAD_COLOR`: `[H, W, 3]`, `uint8`, blue, green, red, turned upright.
    #[default]
    Color,
    /// `IMREAD_GRAYSCALE`: `[H, W]`, `uint8`, turned upright.
    Grayscale,
    /// `IMREAD_UNCHANGED`: the file's own depth and channels (blue, green, red, alpha), not turned.
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
            unchanged(pixels(
                &bytes,
                decoder(&bytes, format, &name)?,
                format,
                &name,
            )?)
        }
    }
}

fn unchanged(image: DynamicImage) -> Result<Array, VisionError> {
    let (height, width) = (image.height() as usize, image.width() as usize);
    let colour = image.color();
    let deep = colour.bytes_per_pixel() > colour.channel_count();
    match (deep, colour.has_color(), colour.has_alpha()) {
        (false, false, _) => Array::from_u8(&[height, width], image.into_luma8().into_raw()),
        (true, false, _) => Array::from_u16(&[height, width], image.into_luma16().into_raw()),
        (false, true, false) => {
            Array::from_u8(&[height, width, 3], image.into_rgb8().into_raw())?.reversed(2)
        }
        (true, true, false) => {
            Array::from_u16(&[height, width, 3], image.into_rgb16().into_raw())?.reversed(2)
        }
        (_, true, true) => {
            let mut rgba = image.into_rgba8().into_raw();
            rgba.chunks_exact_mut(4).for_each(|pixel| pixel.swap(0, 2));
            Array::from_u8(&[height, width, 4], rgba)
        }
    }
}

/// Writes an array of blue, green and red (or grey) as `cv2.imwrite` does, in the format its name ends in.
///
/// # Errors
/// Those of [`Image::save`], and [`VisionError::Argument`] when the array is no picture.
pub fn cv_imwrite(path: impl AsRef<Path>, array: &impl AsArray) -> Result<(), VisionError> {
    let array = array.as_array()?;
    picture(&array)?.save(path)
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

/// The picture that OpenCV sees in an array.
fn picture(array: &Array) -> Result<Image, VisionError> {
    let coloured = match array.shape() {
        [_, _] | [_, _, 1] => false,
        [_, _, 3 | 4] => true,
        other => {
            let hint = match other {
                [1 | 3, _, _] => ": that is [C, H, W], turn it with to_hwc()",
                _ => "",
            };
            return Err(VisionError::Argument(format!(
                "OpenCV takes [H, W], [H, W, 3] or [H, W, 4], got {other:?}{hint}"
            )));
        }
    };
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
        card.text((12.0, 19.0), Anchor::Start, 13.0, INK, &self.title, room);
        card.text(
            (frame - 8.0, 19.0),
            Anchor::End,
            13.0,
            GREY_INK,
            "\u{2715}",
            20.0,
        );
        card.picture(
            &preview.png,
            [1.0 + (frame - width) / 2.0, BAR, width, height],
            false,
        );
        Bundle::svg(card.finish(&about), about)
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
