//! Images and grids of images below a cell.

use std::borrow::Borrow;

use base64::Engine as _;
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::imageops::{self, FilterType};
use image::{ImageError, RgbImage};
use rt::display::escape;
use rt::{Bundle, Show};

use crate::Image;

/// The longest side of an image on the page, in CSS pixels.
const PAGE: u32 = 800;
/// Images with a longest side under half of this are enlarged towards it, in CSS pixels.
const SMALL: u32 = 256;
/// The most that one pixel is enlarged to.
const MAX_ENLARGEMENT: u32 = 32;
/// Pixels stored for each CSS pixel of a shrunk image, so that it stays sharp on dense screens.
const DENSITY: u32 = 2;
/// The space between the images of a grid, in CSS pixels.
const GAP: u32 = 8;
/// The most images that one grid shows; what is beyond is counted.
const MAX_IN_GRID: usize = 200;

/// Shows an image below the cell, now.
///
/// Large images are shrunk to fit the page, small ones enlarged so that their pixels can be seen.
pub fn imshow(image: &Image) {
    rt::display(image);
}

/// Shows images side by side below the cell, now, `columns` in a row. For captions see [`Grid`].
pub fn show_grid<I>(images: I, columns: usize)
where
    I: IntoIterator,
    I::Item: Borrow<Image>,
{
    rt::display(&Grid::new(images).columns(columns));
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

/// Images in rows and columns, each with a caption if wanted.
///
/// ```
/// # use vision::{Grid, Image};
/// # let image = Image::filled(4, 4, [200, 80, 0]).unwrap();
/// # let flipped = image.flip_horizontal();
/// Grid::new([&image, &flipped]).columns(2).captions(["as it is", "flipped"])
/// # ;
/// ```
#[derive(Clone, Debug)]
pub struct Grid {
    images: Vec<Image>,
    captions: Vec<String>,
    columns: usize,
    left_out: usize,
}

impl Grid {
    /// A grid of copies of the images, four in a row. More than 200 are counted, not shown.
    pub fn new<I>(images: I) -> Self
    where
        I: IntoIterator,
        I::Item: Borrow<Image>,
    {
        let mut images = images.into_iter();
        let shown: Vec<_> = images
            .by_ref()
            .take(MAX_IN_GRID)
            .map(|image| image.borrow().clone())
            .collect();
        Self {
            images: shown,
            captions: Vec::new(),
            columns: 4,
            left_out: images.count(),
        }
    }

    /// How many images stand in a row; at least 1.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.max(1);
        self
    }

    /// A line below each image, in the order of the images. Missing ones stay empty.
    pub fn captions<S: Into<String>>(mut self, captions: impl IntoIterator<Item = S>) -> Self {
        self.captions = captions
            .into_iter()
            .take(self.images.len())
            .map(Into::into)
            .collect();
        self
    }

    /// What is shown, in words.
    fn summary(&self) -> String {
        let left_out = match self.left_out {
            0 => String::new(),
            n => format!(", {n} more not shown"),
        };
        match self.images.len() {
            0 => "no images".into(),
            1 => format!("1 image{left_out}"),
            n => format!("{n} images in {} columns{left_out}", self.columns.min(n)),
        }
    }

    /// One image with its caption as HTML.
    fn figure(&self, index: usize, most: u32) -> String {
        let image = &self.images[index];
        let caption = self.captions.get(index).map_or("", String::as_str);
        let about = if caption.is_empty() {
            describe(image)
        } else {
            format!("{caption}, {}", describe(image))
        };
        let picture = match Preview::new(image, most) {
            Ok(Preview { png, width, height }) => {
                let data = base64::engine::general_purpose::STANDARD.encode(png);
                let alt = escape(&about);
                format!(
                    r#"<img src="data:image/png;base64,{data}" width="{width}" height="{height}" alt="{alt}" title="{alt}">"#
                )
            }
            Err(error) => escape(&error.to_string()),
        };
        let caption = escape(caption);
        format!(
            r#"<figure style="margin:0;text-align:center">{picture}<figcaption style="max-width:{most}px;overflow-wrap:anywhere">{caption}</figcaption></figure>"#
        )
    }
}

impl Show for Grid {
    fn show(&self) -> Bundle {
        let summary = self.summary();
        if self.images.is_empty() {
            return Bundle::text(summary);
        }
        let columns = u32::try_from(self.columns.min(self.images.len())).unwrap_or(PAGE);
        let most = (PAGE.saturating_sub(GAP * (columns - 1)) / columns).max(GAP);
        let figures: String = (0..self.images.len())
            .map(|index| self.figure(index, most))
            .collect();
        let note = if self.left_out > 0 {
            format!("<p>{summary}</p>")
        } else {
            String::new()
        };
        let html = format!(
            r#"<div style="display:grid;grid-template-columns:repeat({columns},max-content);gap:{GAP}px;align-items:end">{figures}</div>{note}"#
        );
        Bundle::html(html, summary)
    }
}

/// What the image is, for those who cannot see it.
fn describe(image: &Image) -> String {
    format!("image {}x{} RGB", image.width(), image.height())
}

/// An image as it is sent to a page.
struct Preview {
    png: Vec<u8>,
    /// CSS pixels.
    width: u32,
    /// CSS pixels.
    height: u32,
}

impl Preview {
    /// The image with its longest side at most `most` CSS pixels.
    fn new(image: &Image, most: u32) -> Result<Self, ImageError> {
        let pixels = image.as_rgb8();
        let (width, height) = pixels.dimensions();
        let longest = width.max(height);
        if longest > most {
            let (width, height) = fit(width, height, most);
            let png = if longest > most * DENSITY {
                let (width, height) = fit(image.width(), image.height(), most * DENSITY);
                encode(&imageops::resize(
                    pixels,
                    width,
                    height,
                    FilterType::Triangle,
                ))?
            } else {
                encode(pixels)?
            };
            return Ok(Self { png, width, height });
        }
        // Whole pixels become whole squares: browsers would blur them.
        let times = (SMALL.min(most) / longest.max(1)).clamp(1, MAX_ENLARGEMENT);
        let (width, height) = (width * times, height * times);
        let png = match times {
            1 => encode(pixels)?,
            _ => encode(&imageops::resize(
                pixels,
                width,
                height,
                FilterType::Nearest,
            ))?,
        };
        Ok(Self { png, width, height })
    }
}

/// The size of the same shape whose longest side is `most`.
fn fit(width: u32, height: u32, most: u32) -> (u32, u32) {
    let longest = u64::from(width.max(height));
    let scale =
        |side: u32| ((u64::from(side) * u64::from(most) + longest / 2) / longest).max(1) as u32;
    (scale(width), scale(height))
}

fn encode(pixels: &RgbImage) -> Result<Vec<u8>, ImageError> {
    let mut png = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut png, CompressionType::Fast, PngFilter::Adaptive);
    pixels.write_with_encoder(encoder)?;
    Ok(png)
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_grid_has_a_picture_and_a_caption_for_each_image() {
        let image = Image::filled(640, 480, [0; 3]).unwrap();
        let bundle = Grid::new([&image, &image, &image])
            .columns(2)
            .captions(["<b>one</b>", "two"])
            .show();
        assert_eq!(bundle.plain(), "3 images in 2 columns");
        let html = bundle.data["text/html"].as_str().unwrap();
        assert_eq!(html.matches("<img ").count(), 3);
        assert_eq!(html.matches(r#"width="396""#).count(), 3); // (800 - 8) / 2
        assert!(html.contains("&lt;b&gt;one&lt;/b&gt;</figcaption>") && !html.contains("<b>"));
    }

    #[test]
    fn odd_grids_are_shown_sensibly() {
        let image = Image::filled(4, 4, [0; 3]).unwrap();
        assert_eq!(Grid::new(Vec::<Image>::new()).show().plain(), "no images");
        assert_eq!(Grid::new([&image]).columns(0).show().plain(), "1 image");
        assert_eq!(
            Grid::new([&image; 2]).columns(usize::MAX).show().plain(),
            "2 images in 2 columns"
        );
        let many = Grid::new(std::iter::repeat_n(&image, 250))
            .columns(20)
            .show();
        assert_eq!(many.plain(), "200 images in 20 columns, 50 more not shown");
    }
}
