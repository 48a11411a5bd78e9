//! All pictures of an animation.

use std::io::Cursor;
use std::path::Path;

use image::codecs::gif::GifDecoder;
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, DynamicImage, Frames, ImageDecoder, ImageError, ImageFormat};

use super::{MAX_BYTES, check_size, decode, explain, limits, read_file, recognise};
use crate::{Image, VisionError};

/// Reads every frame of an animated GIF or WebP, in order, each whole; of any other image file the one
/// picture it holds.
///
/// # Errors
/// Those of [`Image::open`]; all frames together may take [`MAX_BYTES`].
pub fn read_frames(path: impl AsRef<Path>) -> Result<Vec<Image>, VisionError> {
    let (bytes, name) = read_file(path.as_ref())?;
    let format = recognise(&bytes, &name)?;
    let failed = |error: ImageError| explain(error, format, &name);
    let content = Cursor::new(bytes.as_slice());
    match format {
        ImageFormat::Gif => {
            let mut decoder = GifDecoder::new(content).map_err(failed)?;
            check_size(&decoder, format, &name)?;
            decoder.set_limits(limits()).map_err(failed)?;
            collect(decoder.into_frames(), format, &name)
        }
        ImageFormat::WebP => {
            let mut decoder = WebPDecoder::new(content).map_err(failed)?;
            if !decoder.has_animation() {
                return Ok(vec![decode(&bytes, &name)?]);
            }
            check_size(&decoder, format, &name)?;
            decoder.set_limits(limits()).map_err(failed)?;
            collect(decoder.into_frames(), format, &name)
        }
        _ => Ok(vec![decode(&bytes, &name)?]),
    }
}

fn collect(frames: Frames, format: ImageFormat, name: &str) -> Result<Vec<Image>, VisionError> {
    let mut images = Vec::new();
    let mut taken = 0;
    for frame in frames {
        rt::checkpoint();
        let frame = frame.map_err(|error| explain(error, format, name))?;
        let image = Image::try_from(DynamicImage::from(frame.into_buffer()))?;
        taken += image.as_bytes().len() as u64;
        if taken > MAX_BYTES {
            return Err(VisionError::TooLarge {
                name: name.into(),
                what: format!("an animation of more than {} frames", images.len()),
            });
        }
        images.push(image);
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> String {
        format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
    }

    #[test]
    fn every_frame_is_read_whole() {
        // make.py: three frames of 12x8, in each a square of 4x4 pixels at x = 0, 4 and 8.
        for file in ["moving.gif", "moving.webp"] {
            let frames = read_frames(fixture(file)).unwrap();
            assert_eq!(frames.len(), 3, "{file}");
            for (index, frame) in frames.iter().enumerate() {
                let x = 4 * index as u32;
                assert_eq!((frame.width(), frame.height()), (12, 8), "{file}");
                // WebP's frames are blended with those before them, which rounds.
                let [red, _, blue] = frame.pixel(x, 2);
                assert!(red >= 253 && blue <= 2, "{file}");
                let [red, _, blue] = frame.pixel((x + 4) % 12, 2);
                assert!(red <= 2 && blue >= 253, "{file}");
            }
        }
    }

    #[test]
    fn a_still_picture_is_one_frame() {
        let frames = read_frames(fixture("gradient.png")).unwrap();
        assert_eq!(frames, [Image::open(fixture("gradient.png")).unwrap()]);
        assert_eq!(read_frames(fixture("gradient.gif")).unwrap().len(), 1);
        assert_eq!(read_frames(fixture("gradient.webp")).unwrap().len(), 1);
        assert!(read_frames(fixture("bomb.png")).is_err());
    }
}
