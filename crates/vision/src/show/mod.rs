//! Images below a cell.
//!
//! - this file: one image, [`imshow`]
//! - [`grid`]: many images with captions; before and after, difference, predictions
//! - [`zoom`]: pixels as squares with their values
//! - [`channels`]: the channels by themselves, and how often each value occurs
//! - [`overlay`]: boxes, masks, keypoints and heat maps on an image
//! - [`animation`]: frames one after the other, as a GIF
//! - `preview`, `card`, `canvas`: an image as it is sent to a page; SVG by hand; shapes drawn into pixels
//!
//! No image is larger on the page than 800 CSS pixels or stored at more than twice the size it is shown at,
//! and everything says in words what it is.

pub mod animation;
mod canvas;
pub(crate) mod card;
pub mod channels;
pub mod grid;
pub mod overlay;
pub(crate) mod preview;
pub mod zoom;

use rt::{Bundle, Show};

use crate::Image;
use preview::{PAGE, Preview, describe};

/// Shows an image below the cell, now.
///
/// Large images are shrunk to fit the page, small ones enlarged so that their pixels can be seen.
pub fn imshow(image: &Image) {
    rt::display(image);
}

impl Show for Image {
    fn show(&self) -> Bundle {
        let about = describe(self);
        match Preview::new(self, PAGE) {
            Ok(preview) => Bundle::png(&preview.png, preview.width, preview.height, about),
            Err(error) => Bundle::text(format!("{about} (cannot be shown: {error})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    fn shown(width: u32, height: u32) -> (Image, serde_json::Value) {
        let mut bundle = Image::filled(width, height, [9, 60, 200]).unwrap().show();
        let data = bundle.data.remove("image/png").unwrap();
        let png = base64::engine::general_purpose::STANDARD
            .decode(data.as_str().unwrap())
            .unwrap();
        (
            Image::from_bytes(&png).unwrap(),
            bundle.metadata.remove("image/png").unwrap(),
        )
    }

    #[test]
    fn a_photograph_is_sent_as_it_is() {
        let (image, hints) = shown(640, 480);
        assert_eq!((image.width(), image.height()), (640, 480));
        assert_eq!(
            hints,
            serde_json::json!({ "width": 640, "height": 480, "alt": "image 640x480 RGB" })
        );
    }

    #[test]
    fn small_images_grow_by_whole_pixels() {
        let image = Image::from_rgb8(2, 1, vec![255, 0, 0, 0, 0, 255]).unwrap();
        let preview = Preview::new(&image, PAGE).unwrap();
        let large = Image::from_bytes(&preview.png).unwrap();
        assert_eq!(
            (large.width(), large.height(), preview.width, preview.height),
            (64, 32, 64, 32)
        );
        assert_eq!(
            [large.pixel(31, 31), large.pixel(32, 0)],
            [[255, 0, 0], [0, 0, 255]]
        );
        for (side, enlarged) in [(28, 252), (64, 256), (128, 256), (129, 129), (150, 150)] {
            assert_eq!(
                Preview::new(&Image::filled(side, 5, [0; 3]).unwrap(), PAGE)
                    .unwrap()
                    .width,
                enlarged
            );
        }
    }

    #[test]
    fn large_images_fit_the_page_and_the_notebook_file() {
        let (image, hints) = shown(4000, 3000);
        assert_eq!(
            (hints["width"].as_u64(), hints["height"].as_u64()),
            (Some(800), Some(600))
        );
        assert_eq!((image.width(), image.height()), (1600, 1200));
        assert_eq!(shown(1000, 500).0.width(), 1000);
        assert_eq!(shown(9000, 1).1["height"].as_u64(), Some(1));
    }
}
