//! Pixels as squares with their values.

use rt::{Bundle, Show};

use super::card::{Anchor, Card, GREY_INK, LINE, hex, ink_on};
use super::preview;
use crate::{Image, VisionError};

/// The most pixels that are shown, to each side.
const MAX_SIDE: u32 = 16;
/// The side of a square with three numbers in it, in CSS pixels.
const SQUARE: f64 = 46.0;
/// The longest side of the picture that shows where the pixels are from, in CSS pixels.
const CONTEXT: f64 = 260.0;
const MARGIN: f64 = 14.0;

/// `width` x `height` pixels of an image, each a square with its red, green and blue in it.
///
/// A value of a cell; beside the squares stands the image with a frame where they come from.
#[derive(Clone, Debug)]
pub struct Zoom {
    image: Image,
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

/// The pixels of the part that starts `x` pixels from the left and `y` from the top, with their values.
///
/// # Errors
/// [`VisionError::Size`] when the part is empty, reaches beyond the image, or is larger than 16x16.
pub fn zoom(image: &Image, x: u32, y: u32, width: u32, height: u32) -> Result<Zoom, VisionError> {
    image.crop(x, y, width, height)?;
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(VisionError::Size(format!(
            "the values of {width}x{height} pixels are too many to read: ask for at most {MAX_SIDE}x{MAX_SIDE}"
        )));
    }
    Ok(Zoom {
        image: image.clone(),
        x,
        y,
        width,
        height,
    })
}

impl Zoom {
    fn card(&self) -> Result<Card, VisionError> {
        let (columns, rows) = (f64::from(self.width), f64::from(self.height));
        let (image_width, image_height) =
            preview::fit(self.image.width(), self.image.height(), CONTEXT as u32);
        let (context_width, context_height) = (f64::from(image_width), f64::from(image_height));
        // Room for the row numbers and column numbers.
        let (left, top) = (MARGIN + context_width + 24.0 + 30.0, MARGIN + 16.0);
        let width = left + columns * SQUARE + MARGIN;
        let height = (top + rows * SQUARE).max(top + context_height + 24.0) + MARGIN;
        let mut card = Card::white(width, height);
        self.context(&mut card, [MARGIN, top, context_width, context_height])?;
        let below = (MARGIN, top + context_height + 18.0);
        let legend = "from top: red, green, blue, 0-255";
        card.text(
            below,
            Anchor::Start,
            12.0,
            GREY_INK,
            legend,
            context_width + 20.0,
        );
        for column in 0..self.width {
            let x = left + (f64::from(column) + 0.5) * SQUARE;
            let number = (self.x + column).to_string();
            card.text(
                (x, top - 5.0),
                Anchor::Middle,
                11.0,
                GREY_INK,
                &number,
                SQUARE,
            );
        }
        for row in 0..self.height {
            let y = top + (f64::from(row) + 0.5) * SQUARE + 4.0;
            let number = (self.y + row).to_string();
            card.text((left - 6.0, y), Anchor::End, 11.0, GREY_INK, &number, 40.0);
            for column in 0..self.width {
                let colour = self.image.pixel(self.x + column, self.y + row);
                let corner = (
                    left + f64::from(column) * SQUARE,
                    top + f64::from(row) * SQUARE,
                );
                square(&mut card, corner, colour);
            }
        }
        Ok(card)
    }

    /// The whole image with a frame around the part.
    fn context(&self, card: &mut Card, place: [f64; 4]) -> Result<(), VisionError> {
        let [left, top, width, height] = place;
        let small = width < f64::from(self.image.width());
        card.picture(
            &preview::stored(&self.image, CONTEXT as u32)?,
            place,
            !small,
        );
        let scale = width / f64::from(self.image.width());
        // At least large enough to be seen.
        let side = |pixels: u32| (f64::from(pixels) * scale).max(6.0);
        let frame = [
            left + f64::from(self.x) * scale,
            top + f64::from(self.y) * scale,
            side(self.width).min(width),
            side(self.height).min(height),
        ];
        card.frame(frame, "#FFFFFF", 4.0);
        card.frame(frame, "#D55E00", 2.0);
        Ok(())
    }
}

/// One pixel with its numbers.
fn square(card: &mut Card, (x, y): (f64, f64), colour: [u8; 3]) {
    card.rect([x, y, SQUARE, SQUARE], &hex(colour), 0.0);
    card.frame([x, y, SQUARE, SQUARE], LINE, 0.5);
    let middle = x + SQUARE / 2.0;
    let ink = ink_on(colour);
    for (line, value) in colour.into_iter().enumerate() {
        let baseline = y + 14.0 + line as f64 * 13.0;
        let text = value.to_string();
        card.text((middle, baseline), Anchor::Middle, 11.0, ink, &text, SQUARE);
    }
}

impl Show for Zoom {
    fn show(&self) -> Bundle {
        let Self {
            x,
            y,
            width,
            height,
            ..
        } = self;
        let about = format!(
            "{width}x{height} pixels of {}, from column {x}, row {y}, each with its red, green and blue",
            preview::describe(&self.image)
        );
        match self.card() {
            Ok(card) => card.show(about),
            Err(error) => Bundle::text(format!("{about} (cannot be shown: {error})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_there() {
        let image = Image::generate(9, 7, |x, y| [x as u8, 100 + y as u8, 250]);
        let bundle = zoom(&image, 2, 3, 4, 2).unwrap().show();
        let svg = bundle.data["image/svg+xml"].as_str().unwrap();
        assert_eq!(svg.matches(">250</text>").count(), 8);
        assert_eq!(svg.matches(">103</text>").count(), 4);
        assert!(
            bundle
                .plain()
                .starts_with("4x2 pixels of image 9x7 RGB, from column 2, row 3")
        );
    }

    #[test]
    fn what_cannot_be_zoomed_is_refused() {
        let image = Image::filled(40, 40, [0; 3]).unwrap();
        assert!(zoom(&image, 38, 0, 4, 4).is_err());
        assert!(zoom(&image, 0, 0, 0, 4).is_err());
        let message = zoom(&image, 0, 0, 17, 4).unwrap_err().to_string();
        assert!(message.contains("at most 16x16"), "{message}");
    }
}
