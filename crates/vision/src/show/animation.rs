//! Frames one after the other, as a GIF.

use std::borrow::Borrow;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, DynamicImage, Frame, ImageError};
use rt::{Bundle, Show};

use super::preview;
use crate::write::{unwritable, write_file};
use crate::{Image, VisionError};

/// The longest side of the frames on the page, in pixels.
const LONGEST: u32 = 480;
/// The most frames.
const MAX_FRAMES: usize = 500;

/// Images that follow each other, again and again. A value of a cell.
#[derive(Clone, Debug)]
pub struct Animation {
    frames: Vec<Image>,
    frames_per_second: f32,
}

/// Images as an animation of so many frames a second (0.1 to 50).
///
/// # Errors
/// [`VisionError::Size`] when they differ in size; [`VisionError::Argument`] when there are none, more than
/// 500, or the rate is out of range.
pub fn animate<I>(frames: I, frames_per_second: f32) -> Result<Animation, VisionError>
where
    I: IntoIterator,
    I::Item: Borrow<Image>,
{
    let frames: Vec<Image> = frames
        .into_iter()
        .take(MAX_FRAMES + 1)
        .map(|frame| frame.borrow().clone())
        .collect();
    let refused = |reason: String| Err(VisionError::Argument(reason));
    let Some(first) = frames.first() else {
        return refused("an animation has at least one frame".into());
    };
    if frames.len() > MAX_FRAMES {
        return refused(format!("an animation has at most {MAX_FRAMES} frames"));
    }
    if !(0.1..=50.0).contains(&frames_per_second) {
        return refused(format!(
            "an animation has 0.1 to 50 frames a second, got {frames_per_second}"
        ));
    }
    let size = |image: &Image| (image.width(), image.height());
    if let Some(at) = frames.iter().position(|frame| size(frame) != size(first)) {
        let ((w1, h1), (w2, h2)) = (size(first), size(&frames[at]));
        return Err(VisionError::Size(format!(
            "all frames have the size of the first, {w1}x{h1}, but frame {at} is {w2}x{h2}: resize it first"
        )));
    }
    Ok(Animation {
        frames,
        frames_per_second,
    })
}

impl Animation {
    /// Writes the animation as a GIF file in its full size.
    ///
    /// # Errors
    /// [`VisionError::Unwritable`] when the name does not end in `.gif` or the system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), VisionError> {
        let path = path.as_ref();
        let is_gif = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("gif"));
        if !is_gif {
            return Err(unwritable(path, "its name must end in .gif".into()));
        }
        write_file(path, &self.encode(u32::MAX)?)
    }

    /// The GIF, its longest side at most `longest` pixels.
    fn encode(&self, longest: u32) -> Result<Vec<u8>, VisionError> {
        let failed = |error: ImageError| VisionError::Argument(error.to_string());
        let delay = Duration::from_secs_f32(1.0 / self.frames_per_second);
        let mut gif = Vec::new();
        // Higher is faster and coarser, 1 to 30.
        let mut encoder = GifEncoder::new_with_speed(&mut gif, 10);
        encoder.set_repeat(Repeat::Infinite).map_err(failed)?;
        for frame in &self.frames {
            rt::checkpoint();
            let (width, height) = shown_size(frame, longest);
            let pixels = frame.resize(width, height)?.as_rgb8().clone();
            let rgba = DynamicImage::from(pixels).into_rgba8();
            let frame = Frame::from_parts(rgba, 0, 0, Delay::from_saturating_duration(delay));
            encoder.encode_frame(frame).map_err(failed)?;
        }
        drop(encoder);
        Ok(gif)
    }
}

fn shown_size(frame: &Image, longest: u32) -> (u32, u32) {
    let (width, height) = (frame.width(), frame.height());
    if width.max(height) <= longest {
        return (width, height);
    }
    preview::fit(width, height, longest)
}

impl Show for Animation {
    fn show(&self) -> Bundle {
        let first = &self.frames[0];
        let about = format!(
            "animation of {} frames, {} a second, {}",
            self.frames.len(),
            self.frames_per_second,
            preview::describe(first)
        );
        match self.encode(LONGEST) {
            // As HTML, since nbconvert and others have no place for image/gif.
            Ok(gif) => {
                let (width, height) = shown_size(first, LONGEST);
                let data = base64::engine::general_purpose::STANDARD.encode(gif);
                let html = format!(
                    r#"<img src="data:image/gif;base64,{data}" width="{width}" height="{height}" alt="{about}" title="{about}" style="max-width:none">"#
                );
                Bundle::html(html, about)
            }
            Err(error) => Bundle::text(format!("{about} (cannot be shown: {error})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_frames;

    fn frames() -> Vec<Image> {
        let square = |at: u32| {
            Image::generate(24, 16, move |x, y| {
                if (at..at + 8).contains(&x) && y < 8 {
                    [255, 0, 0]
                } else {
                    [0, 0, 255]
                }
            })
        };
        vec![square(0), square(8), square(16)]
    }

    #[test]
    fn an_animation_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("moving.gif");
        animate(frames(), 10.0).unwrap().save(&path).unwrap();
        assert_eq!(read_frames(&path).unwrap(), frames());
        assert!(animate(frames(), 10.0).unwrap().save("moving.png").is_err());
    }

    #[test]
    fn large_frames_are_shrunk_for_the_page() {
        let frame = Image::filled(960, 600, [9; 3]).unwrap();
        let bundle = animate([&frame, &frame], 5.0).unwrap().show();
        let html = bundle.data["text/html"].as_str().unwrap();
        assert!(html.contains(r#"width="480" height="300""#));
        assert_eq!(
            bundle.plain(),
            "animation of 2 frames, 5 a second, image 960x600 RGB"
        );
    }

    #[test]
    fn what_cannot_move_is_refused() {
        let message = |result: Result<Animation, VisionError>| result.unwrap_err().to_string();
        assert!(message(animate(Vec::<Image>::new(), 10.0)).contains("at least one frame"));
        assert!(message(animate(frames(), 0.0)).contains("0.1 to 50"));
        let mut mixed = frames();
        mixed.push(Image::filled(5, 5, [0; 3]).unwrap());
        assert!(message(animate(mixed, 10.0)).contains("24x16, but frame 3 is 5x5"));
    }
}
