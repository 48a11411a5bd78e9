//! Images in rows and columns, with captions.

use std::borrow::Borrow;

use rt::display::escape;
use rt::{Bundle, Show};
use tch::Tensor;

use super::preview::{PAGE, Preview, describe};
use crate::{Image, VisionError};

/// The space between the images of a grid, in CSS pixels.
const GAP: u32 = 8;
/// The most images that one grid shows; what is beyond is counted.
const MAX_IN_GRID: usize = 200;
/// Captions are not narrower than this, in CSS pixels.
const NARROW: u32 = 110;
/// A right and a wrong prediction: Okabe and Ito's bluish green and vermillion, a little darker, so that
/// they are read on white and on black.
const RIGHT: &str = "#0B8A63";
const WRONG: &str = "#D55E00";

/// Shows images side by side below the cell, now, `columns` in a row. For captions see [`Grid`].
pub fn show_grid<I>(images: I, columns: usize)
where
    I: IntoIterator,
    I::Item: Borrow<Image>,
{
    rt::display(&Grid::new(images).columns(columns));
}

/// Two images side by side, "before" and "after".
pub fn compare(before: &Image, after: &Image) -> Grid {
    Grid::new([before, after])
        .columns(2)
        .captions(["before", "after"])
}

/// Two images of one size and, beside them, by how much they differ: the absolute difference of each
/// channel, enlarged until the greatest is 255. The title says how large it is, in 0-255, and the
/// peak signal-to-noise ratio (PSNR, in decibels; 30 is hard to see, 40 cannot be seen).
///
/// # Errors
/// [`VisionError::Size`] when the images differ in size.
pub fn difference(first: &Image, second: &Image) -> Result<Grid, VisionError> {
    let size = |image: &Image| (image.width(), image.height());
    if size(first) != size(second) {
        let ((w1, h1), (w2, h2)) = (size(first), size(second));
        return Err(VisionError::Size(format!(
            "images of {w1}x{h1} and {w2}x{h2} pixels cannot be subtracted: resize one first"
        )));
    }
    let off: Vec<u8> = first
        .as_bytes()
        .iter()
        .zip(second.as_bytes())
        .map(|(a, b)| a.abs_diff(*b))
        .collect();
    let most = off.iter().copied().max().unwrap_or(0);
    let mean_of = |power: i32| {
        let sum: f64 = off.iter().map(|&v| f64::from(v).powi(power)).sum();
        sum / off.len() as f64
    };
    let title = match most {
        0 => "no difference".to_owned(),
        _ => {
            let psnr = 10.0 * (255.0f64.powi(2) / mean_of(2)).log10();
            format!(
                "difference: mean {:.2}, most {most} of 255, PSNR {psnr:.1} dB",
                mean_of(1)
            )
        }
    };
    let times = 255.0 / f32::from(most.max(1));
    let enlarged = off.iter().map(|&v| (f32::from(v) * times).round() as u8);
    let shown = first.with_bytes(enlarged.collect());
    let third = if most == 0 {
        "difference".to_owned()
    } else {
        format!("difference, {times:.1} times")
    };
    Ok(Grid::new([first, second, &shown])
        .columns(3)
        .title(title)
        .captions(["first".into(), "second".into(), third]))
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
    captions: Vec<Caption>,
    title: String,
    columns: usize,
    left_out: usize,
}

/// What stands below an image.
#[derive(Clone, Debug)]
struct Caption {
    text: String,
    /// Whether a prediction was right, if it is one.
    right: Option<bool>,
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
            title: String::new(),
            columns: 4,
            left_out: images.count(),
        }
    }

    /// A grid of the images of a batch.
    ///
    /// # Shapes
    /// `[N, 3, H, W]` in colour or `[N, 1, H, W]` in grey; floats are 0-1, u8 is 0-255.
    ///
    /// # Errors
    /// [`VisionError::Tensor`] for any other shape, and for floats that are not within 0-1, such as those of
    /// normalised images.
    pub fn of_batch(batch: &Tensor) -> Result<Self, VisionError> {
        let size = batch.size();
        let [count, _, _, _] = size[..] else {
            return Err(VisionError::Tensor(format!(
                "a batch of images is [N, 3, H, W], got {size:?}"
            )));
        };
        // What is beyond the most that is shown is counted, so it need not be converted.
        let shown = count.min(MAX_IN_GRID as i64);
        let images = (0..shown)
            .map(|index| Image::from_chw(&batch.get(index)))
            .collect::<Result<Vec<_>, _>>()?;
        let mut grid = Self::new(images);
        grid.left_out = usize::try_from(count - shown).unwrap_or_default();
        Ok(grid)
    }

    /// How many images stand in a row; at least 1.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.max(1);
        self
    }

    /// A line above the images.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// A line below each image, in the order of the images. Missing ones stay empty.
    pub fn captions<S: Into<String>>(mut self, captions: impl IntoIterator<Item = S>) -> Self {
        let captions = captions.into_iter().take(self.images.len());
        self.captions = captions
            .map(|text| Caption {
                text: text.into(),
                right: None,
            })
            .collect();
        self
    }

    /// Below each image what a classifier says it is: green with a tick where that is true, else
    /// vermillion with a cross and what it really is. The title, if there is none, counts the right ones.
    ///
    /// ```
    /// # use vision::{Grid, Image};
    /// # let images = vec![Image::filled(4, 4, [200, 80, 0]).unwrap(); 2];
    /// Grid::new(&images).predictions(["sea", "sea"], ["sea", "glacier"])
    /// # ;
    /// ```
    pub fn predictions<P: Into<String>, T: Into<String>>(
        mut self,
        predicted: impl IntoIterator<Item = P>,
        truth: impl IntoIterator<Item = T>,
    ) -> Self {
        let pairs = predicted.into_iter().zip(truth).take(self.images.len());
        self.captions = pairs
            .map(|(predicted, truth)| {
                let (predicted, truth) = (predicted.into(), truth.into());
                let right = predicted == truth;
                let text = if right {
                    format!("\u{2713} {predicted}")
                } else {
                    format!("\u{2717} {predicted}, is {truth}")
                };
                Caption {
                    text,
                    right: Some(right),
                }
            })
            .collect();
        if self.title.is_empty() {
            let right = self.captions.iter().filter(|c| c.right == Some(true));
            self.title = format!("{} of {} right", right.count(), self.captions.len());
        }
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

    /// The summary, below the title if there is one, and the captions.
    fn text(&self) -> String {
        let mut text = self.summary();
        if !self.title.is_empty() {
            text = format!("{}\n{text}", self.title);
        }
        if !self.captions.is_empty() {
            let captions: Vec<_> = self.captions.iter().map(|c| c.text.as_str()).collect();
            text = format!("{text}: {}", captions.join(" | "));
        }
        text
    }

    /// One image with its caption as HTML.
    fn figure(&self, index: usize, most: u32) -> String {
        let image = &self.images[index];
        let caption = self.captions.get(index);
        let text = caption.map_or("", |caption| caption.text.as_str());
        let about = if text.is_empty() {
            describe(image)
        } else {
            format!("{text}, {}", describe(image))
        };
        let preview = Preview::new(image, most);
        // As wide as the image, so that columns keep their width; narrow images leave room for words.
        let room = preview
            .as_ref()
            .map_or(most, |preview| preview.width.max(NARROW).min(most));
        let picture = match preview {
            Ok(preview) => {
                let (width, height) = (preview.width, preview.height);
                let data = preview.data_url();
                let alt = escape(&about);
                format!(
                    r#"<img src="{data}" width="{width}" height="{height}" alt="{alt}" title="{alt}" style="max-width:none;outline:1px solid rgba(128,128,128,0.3)">"#
                )
            }
            Err(error) => escape(&error.to_string()),
        };
        let colour = match caption.and_then(|caption| caption.right) {
            Some(true) => format!(";color:{RIGHT}"),
            Some(false) => format!(";color:{WRONG};font-weight:bold"),
            None => String::new(),
        };
        let text = escape(text);
        format!(
            r#"<figure style="margin:0;text-align:center">{picture}<figcaption style="max-width:{room}px;margin:auto;overflow-wrap:anywhere;line-height:1.3{colour}">{text}</figcaption></figure>"#
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
        let title = match self.title.as_str() {
            "" => String::new(),
            title => format!(
                r#"<div style="font-weight:bold;margin:0 0 6px 0">{}</div>"#,
                escape(title)
            ),
        };
        let note = if self.left_out > 0 {
            format!("<p>{summary}</p>")
        } else {
            String::new()
        };
        let html = format!(
            r#"{title}<div style="display:grid;grid-template-columns:repeat({columns},max-content);gap:{GAP}px;align-items:start">{figures}</div>{note}"#
        );
        Bundle::html(html, self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_a_picture_and_a_caption_for_each_image() {
        let image = Image::filled(640, 480, [0; 3]).unwrap();
        let bundle = Grid::new([&image, &image, &image])
            .columns(2)
            .captions(["<b>one</b>", "two"])
            .show();
        assert_eq!(bundle.plain(), "3 images in 2 columns: <b>one</b> | two");
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

    #[test]
    fn predictions_are_told_apart_by_more_than_colour() {
        let image = Image::filled(4, 4, [0; 3]).unwrap();
        let bundle = Grid::new([&image; 3])
            .predictions(["sea", "sea", "forest"], ["sea", "glacier", "forest"])
            .show();
        let html = bundle.data["text/html"].as_str().unwrap();
        assert!(html.contains("2 of 3 right"));
        assert_eq!(html.matches(RIGHT).count(), 2);
        assert!(html.contains("font-weight:bold\">\u{2717} sea, is glacier</figcaption>"));
        assert!(
            bundle
                .plain()
                .contains("\u{2713} sea | \u{2717} sea, is glacier")
        );
    }

    #[test]
    fn a_difference_is_measured_and_made_visible() {
        let first = Image::filled(4, 4, [100, 100, 100]).unwrap();
        let second = Image::filled(4, 4, [100, 110, 105]).unwrap();
        let grid = difference(&first, &second).unwrap();
        // mean of 0, 10 and 5; PSNR = 10 log10(255^2 / ((100 + 25) / 3))
        assert_eq!(
            grid.title,
            "difference: mean 5.00, most 10 of 255, PSNR 31.9 dB"
        );
        assert_eq!(grid.images[2].pixel(0, 0), [0, 255, 128]);
        assert_eq!(difference(&first, &first).unwrap().title, "no difference");
        let other = Image::filled(4, 5, [0; 3]).unwrap();
        let message = difference(&first, &other).unwrap_err().to_string();
        assert!(message.contains("4x4 and 4x5"), "{message}");
        assert!(
            compare(&first, &other)
                .show()
                .plain()
                .ends_with("before | after")
        );
    }

    #[test]
    fn a_batch_is_shown_image_by_image() {
        let cpu = (tch::Kind::Float, tch::Device::Cpu);
        let grid = Grid::of_batch(&Tensor::full([3, 3, 4, 5], 0.2, cpu)).unwrap();
        assert_eq!(grid.show().plain(), "3 images in 3 columns");
        assert_eq!(grid.images[2].pixel(4, 3), [51; 3]);
        let many = Grid::of_batch(&Tensor::zeros([250, 1, 2, 2], cpu)).unwrap();
        assert!(many.summary().ends_with("50 more not shown"));
        let message = |tensor: Tensor| Grid::of_batch(&tensor).unwrap_err().to_string();
        assert!(message(Tensor::zeros([3, 4, 5], cpu)).contains("[N, 3, H, W], got [3, 4, 5]"));
        assert!(message(Tensor::full([2, 3, 4, 4], -2.0, cpu)).contains("undo the normalisation"));
    }
}
