//! The channels of an image by themselves, and how often each value occurs.

use rt::{Bundle, Show};

use super::card::{Anchor, Card, GREY_INK, GRID, INK, LINE, round_step};
use crate::{Grid, Image};

/// Red, green and blue as lines and areas on white: bright enough to be named, dark enough to be seen.
const COLOURS: [(&str, &str); 3] = [
    ("red", "#D62728"),
    ("green", "#1E8F3A"),
    ("blue", "#1F5FD0"),
];

/// The red, green and blue of an image as three grey ones, bright where there is much of the colour:
/// OpenCV's and Pillow's `split`.
pub fn split_channels(image: &Image) -> [Image; 3] {
    [0, 1, 2].map(|channel| image.map(|colour| [colour[channel]; 3]))
}

/// The image and its three channels, each in its own colour, side by side.
pub fn channels(image: &Image) -> Grid {
    let tinted = [0, 1, 2].map(|channel| {
        image.map(|colour| {
            let mut alone = [0; 3];
            alone[channel] = colour[channel];
            alone
        })
    });
    Grid::new(std::iter::once(image).chain(&tinted))
        .columns(4)
        .captions(["image", "red", "green", "blue"])
}

/// How often each value 0-255 occurs in each channel of an image. A value of a cell.
#[derive(Clone, Debug)]
pub struct ChannelHistogram {
    counts: [[u32; 256]; 3],
    pixels: u64,
    grey: bool,
}

/// Counts the values of each channel.
pub fn channel_histogram(image: &Image) -> ChannelHistogram {
    let mut counts = [[0; 256]; 3];
    let mut grey = true;
    for colour in image.pixels() {
        grey &= colour == [colour[0]; 3];
        for (counts, value) in counts.iter_mut().zip(colour) {
            counts[usize::from(value)] += 1;
        }
    }
    ChannelHistogram {
        counts,
        pixels: u64::from(image.width()) * u64::from(image.height()),
        grey,
    }
}

impl ChannelHistogram {
    /// How often each value 0-255 occurs in red, green and blue.
    pub fn counts(&self) -> &[[u32; 256]; 3] {
        &self.counts
    }

    /// The mean of a channel, 0-255.
    fn mean(&self, channel: usize) -> f64 {
        let weighted = self.counts[channel].iter().enumerate();
        let sum: f64 = weighted
            .map(|(value, &count)| value as f64 * f64::from(count))
            .sum();
        sum / self.pixels as f64
    }

    fn about(&self) -> String {
        if self.grey {
            return format!(
                "histogram of {} grey pixels: mean {:.1}",
                self.pixels,
                self.mean(0)
            );
        }
        let means: Vec<_> = (0..3)
            .map(|channel| format!("{} {:.1}", COLOURS[channel].0, self.mean(channel)))
            .collect();
        format!(
            "histogram of {} pixels: mean {}",
            self.pixels,
            means.join(", ")
        )
    }

    /// Name, colour and counts of each line: one if the image is grey, else three.
    fn lines(&self) -> Vec<(&'static str, &'static str, &[u32; 256])> {
        if self.grey {
            return vec![("grey", "#7A7A7A", &self.counts[0])];
        }
        let lines = COLOURS.iter().zip(&self.counts);
        lines
            .map(|(&(name, colour), counts)| (name, colour, counts))
            .collect()
    }

    fn card(&self) -> Card {
        let lines = self.lines();
        let ceiling = ceiling(&lines);
        let mut card = Card::white(LEFT + WIDTH + 20.0, BASE + 44.0);
        axes(&mut card, ceiling);
        for (index, (name, colour, counts)) in lines.iter().enumerate() {
            card.raw(&outline(counts, colour, ceiling));
            let x = LEFT + WIDTH - 80.0 * (lines.len() - index) as f64;
            card.rect([x, 12.0, 18.0, 10.0], colour, 2.0);
            card.text((x + 24.0, 21.0), Anchor::Start, 13.0, INK, name, 60.0);
        }
        let counts = lines.iter().flat_map(|(_, _, counts)| counts.iter());
        let cut_off = counts.filter(|&&count| f64::from(count) > ceiling).count();
        if cut_off > 0 {
            let note = format!("{cut_off} of the bars go beyond the top");
            let at = (LEFT + WIDTH, BASE + 36.0);
            card.text(at, Anchor::End, 12.0, GREY_INK, &note, 240.0);
        }
        card
    }
}

// Where the counts are drawn, in CSS pixels.
const LEFT: f64 = 56.0;
const TOP: f64 = 34.0;
const WIDTH: f64 = 512.0;
const HEIGHT: f64 = 200.0;
const BASE: f64 = TOP + HEIGHT;

/// Where a value and its count stand.
fn place(value: f64, count: f64, ceiling: f64) -> (f64, f64) {
    let height = (count / ceiling).min(1.0) * HEIGHT;
    (LEFT + value / 256.0 * WIDTH, BASE - height)
}

fn axes(card: &mut Card, ceiling: f64) {
    let step = round_step(ceiling, 4.0).max(1.0);
    for index in 0..=(ceiling / step) as u32 {
        let count = f64::from(index) * step;
        let (_, y) = place(0.0, count, ceiling);
        card.line((LEFT, y), (LEFT + WIDTH, y), GRID, 1.0);
        let at = (LEFT - 6.0, y + 4.0);
        card.text(at, Anchor::End, 12.0, GREY_INK, &count.to_string(), LEFT);
    }
    for value in [0, 64, 128, 192, 255] {
        let (x, y) = place(f64::from(value) + 0.5, 0.0, ceiling);
        card.line((x, y), (x, y + 5.0), LINE, 1.0);
        let at = (x, y + 18.0);
        card.text(at, Anchor::Middle, 12.0, GREY_INK, &value.to_string(), 60.0);
    }
    card.line((LEFT, BASE), (LEFT + WIDTH, BASE), LINE, 1.0);
    let below = (LEFT + WIDTH / 2.0, BASE + 36.0);
    card.text(below, Anchor::Middle, 13.0, INK, "value", 100.0);
    let above = (LEFT - 42.0, 21.0);
    card.text(above, Anchor::Start, 13.0, INK, "pixels", 100.0);
}

/// The counts as steps, with the area below them.
fn outline(counts: &[u32; 256], colour: &str, ceiling: f64) -> String {
    let step = |(value, &count): (usize, &u32)| {
        let (x, y) = place(value as f64, count.into(), ceiling);
        let (right, _) = place(value as f64 + 1.0, 0.0, ceiling);
        format!("L{x:.1} {y:.1}L{right:.1} {y:.1}")
    };
    let steps: String = counts.iter().enumerate().map(step).collect();
    let right = LEFT + WIDTH;
    format!(
        r#"<path d="M{LEFT} {BASE}{steps}L{right} {BASE}Z" fill="{colour}" fill-opacity="0.25" stroke="{colour}" stroke-width="1.2" stroke-linejoin="round"/>"#
    )
}

/// The count at the upper end of the axis. A few values that tower over the rest (a black margin, a
/// burnt-out sky) are cut off, so that the rest can be read.
fn ceiling(lines: &[(&str, &str, &[u32; 256])]) -> f64 {
    const FEW: usize = 8;
    let counts = lines.iter().flat_map(|(_, _, counts)| counts.iter());
    let mut counts: Vec<u32> = counts.copied().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let (most, common) = (f64::from(counts[0]), f64::from(counts[FEW]));
    let ceiling = if common > 0.0 {
        most.min(common * 3.0)
    } else {
        most
    };
    ceiling.max(1.0) * 1.05
}

impl Show for ChannelHistogram {
    fn show(&self) -> Bundle {
        self.card().show(self.about())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_taken_apart() {
        let image = Image::filled(2, 2, [10, 20, 30]).unwrap();
        let [red, green, blue] = split_channels(&image);
        assert_eq!(
            [red.pixel(0, 0), green.pixel(0, 0), blue.pixel(0, 0)],
            [[10; 3], [20; 3], [30; 3]]
        );
        assert!(
            channels(&image)
                .show()
                .plain()
                .ends_with("image | red | green | blue")
        );
    }

    #[test]
    fn every_value_is_counted() {
        let image = Image::generate(10, 4, |x, _| [x as u8, 7, 255]);
        let histogram = channel_histogram(&image);
        let [red, green, blue] = histogram.counts();
        assert_eq!((red[3], green[7], blue[255], green[0]), (4, 40, 40, 0));
        assert_eq!(
            histogram.show().plain(),
            "histogram of 40 pixels: mean red 4.5, green 7.0, blue 255.0"
        );
        let svg = histogram.card().finish("");
        assert_eq!(svg.matches("<path").count(), 3);
    }

    #[test]
    fn grey_has_one_line() {
        let grey = channel_histogram(&Image::filled(3, 3, [9; 3]).unwrap());
        assert_eq!(grey.show().plain(), "histogram of 9 grey pixels: mean 9.0");
        assert_eq!(grey.card().finish("").matches("<path").count(), 1);
    }
}
