//! Picture, axes and colour bar as SVG.

use super::PltImage;
use crate::show::card::{Anchor, Card, GREY_INK, INK, LINE, WARNING_INK, round_step};
use crate::show::preview;
use crate::{Image, VisionError};

/// The longest side of the picture between the axes, in CSS pixels.
const LONGEST: f64 = 440.0;
const MARGIN: f64 = 14.0;
/// The colour bar and its numbers, in CSS pixels.
const BAR_ROOM: f64 = 76.0;

impl PltImage {
    pub(super) fn card(&self) -> Result<Card, VisionError> {
        let image = self.picture()?;
        let (columns, rows) = (f64::from(image.width()), f64::from(image.height()));
        let scale = LONGEST / columns.max(rows);
        // Extreme shapes keep a visible thickness.
        let (width, height) = ((columns * scale).max(10.0), (rows * scale).max(10.0));
        let (left, below) = if self.axis {
            (MARGIN + 36.0, 26.0)
        } else {
            (MARGIN, 0.0)
        };
        let top = if self.title.is_empty() {
            MARGIN
        } else {
            MARGIN + 26.0
        };
        let bar = self.colorbar && self.is_mapped();
        let right = left + width.max(120.0) + if bar { BAR_ROOM } else { 0.0 };
        let warning = self.warning();
        let bottom = top + height + below;
        let foot = if warning.is_some() { 22.0 } else { 0.0 };
        let mut card = Card::white(right + MARGIN, bottom + foot + MARGIN);
        let place = [left, top, width, height];
        card.picture(
            &preview::stored(&image, LONGEST as u32)?,
            place,
            scale > 1.0,
        );
        if !self.title.is_empty() {
            let middle = left + width.max(120.0) / 2.0;
            card.text(
                (middle, MARGIN + 12.0),
                Anchor::Middle,
                15.0,
                INK,
                &self.title,
                right - left,
            );
        }
        if self.axis {
            axes(&mut card, place, (columns, rows));
        }
        if bar {
            self.draw_bar(
                &mut card,
                [left + width + 16.0, top, 16.0, height.max(60.0)],
            )?;
        }
        if let Some(warning) = warning {
            let at = (MARGIN, bottom + 16.0);
            card.text(
                at,
                Anchor::Start,
                12.0,
                WARNING_INK,
                &warning,
                right - MARGIN,
            );
        }
        Ok(card)
    }

    /// The map from its last colour, on top, to its first, with a few values beside it.
    fn draw_bar(&self, card: &mut Card, place: [f64; 4]) -> Result<(), VisionError> {
        let [left, top, width, height] = place;
        let colours = Image::generate(1, 256, |_, y| self.cmap.colour(255 - y as u8));
        card.picture(&preview::stored(&colours, 256)?, place, false);
        card.frame(place, LINE, 1.0);
        let (vmin, vmax) = self.range();
        if vmax <= vmin || !(vmax - vmin).is_finite() {
            return Ok(());
        }
        let step = round_step(vmax - vmin, (height / 50.0).max(2.0));
        let mut value = (vmin / step).ceil() * step;
        while value <= vmax + step * 1e-6 {
            let y = top + (vmax - value) / (vmax - vmin) * height;
            card.line((left + width, y), (left + width + 4.0, y), LINE, 1.0);
            let text = number((value / step).round() * step);
            card.text(
                (left + width + 8.0, y + 4.0),
                Anchor::Start,
                12.0,
                GREY_INK,
                &text,
                56.0,
            );
            value += step;
        }
        Ok(())
    }
}

/// A frame around the picture, with numbers of pixels along two sides: a number stands at its pixel's middle.
fn axes(card: &mut Card, place: [f64; 4], (columns, rows): (f64, f64)) {
    let [left, top, width, height] = place;
    card.frame(place, LINE, 1.0);
    let bottom = top + height;
    for x in ticks(columns, width / 52.0) {
        let at = left + (x + 0.5) / columns * width;
        card.line((at, bottom), (at, bottom + 4.0), LINE, 1.0);
        card.text(
            (at, bottom + 17.0),
            Anchor::Middle,
            12.0,
            GREY_INK,
            &x.to_string(),
            60.0,
        );
    }
    for y in ticks(rows, height / 36.0) {
        let at = top + (y + 0.5) / rows * height;
        card.line((left - 4.0, at), (left, at), LINE, 1.0);
        card.text(
            (left - 7.0, at + 4.0),
            Anchor::End,
            12.0,
            GREY_INK,
            &y.to_string(),
            42.0,
        );
    }
}

/// Round pixel numbers along a side, at most about `most`.
fn ticks(length: f64, most: f64) -> impl Iterator<Item = f64> {
    let step = round_step(length, most).max(1.0);
    (0..)
        .map(move |index| f64::from(index) * step)
        .take_while(move |&tick| tick < length)
}

/// A value without needless digits.
pub(super) fn number(value: f64) -> String {
    let rounded = format!("{value:.4}");
    let short = rounded.trim_end_matches('0').trim_end_matches('.');
    match short {
        "-0" | "0" if value != 0.0 => format!("{value:.1e}"),
        "-0" => "0".into(),
        short => short.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Array, plt_imshow};

    #[test]
    fn axes_count_pixels() {
        let ticks = |length, most| ticks(length, most).collect::<Vec<_>>();
        assert_eq!(ticks(4.0, 10.0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(
            ticks(640.0, 8.0),
            [0.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0]
        );
        assert_eq!(ticks(1.0, 10.0), [0.0]);
        let svg = plt_imshow(&Array::from_f32(&[2, 3], vec![0.0; 6]).unwrap())
            .unwrap()
            .title("a & b")
            .colorbar()
            .card()
            .unwrap()
            .finish("");
        assert!(svg.contains("a &amp; b</text>"));
        assert_eq!(number(0.25), "0.25");
        assert_eq!(number(-0.00001), "-1.0e-5");
        assert_eq!(number(100.0), "100");
    }
}
