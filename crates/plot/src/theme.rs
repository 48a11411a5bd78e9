//! [`Theme`]: light and dark, and the palette of the series.

use std::sync::atomic::{AtomicU8, Ordering};

use plotters::style::RGBColor;

use crate::scene::Paint;

/// Whether charts are drawn for light or for dark pages.
///
/// A chart always stands on a card of its own, so that it can be read on any page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the page around it: the theme of JupyterLab, or what the reader's browser prefers. Written to a
    /// PNG, light.
    #[default]
    Auto,
    /// Dark on white.
    Light,
    /// Light on near-black.
    Dark,
}

/// The theme of charts that have not been given one: 0 auto, 1 light, 2 dark.
static DEFAULT: AtomicU8 = AtomicU8::new(0);

/// Sets the theme of all charts shown from now on, save those with a [`theme`](crate::Chart::theme) of their own.
pub fn set_theme(theme: Theme) {
    DEFAULT.store(theme as u8, Ordering::Relaxed);
}

/// The theme set last with [`set_theme`].
pub(crate) fn default_theme() -> Theme {
    match DEFAULT.load(Ordering::Relaxed) {
        1 => Theme::Light,
        2 => Theme::Dark,
        _ => Theme::Auto,
    }
}

/// Okabe and Ito's colours ("Color Universal Design", 2008), without yellow, which is faint on white; the last is
/// the ink. On dark paper they are brighter, black becomes white, and their order is the same.
const PALETTE: [(RGBColor, RGBColor); 7] = [
    (RGBColor(0, 114, 178), RGBColor(51, 153, 230)), // blue
    (RGBColor(213, 94, 0), RGBColor(240, 122, 40)),  // vermillion
    (RGBColor(0, 158, 115), RGBColor(20, 184, 138)), // bluish green
    (RGBColor(204, 121, 167), RGBColor(226, 150, 193)), // reddish purple
    (RGBColor(230, 159, 0), RGBColor(250, 190, 60)), // orange
    (RGBColor(86, 180, 233), RGBColor(150, 215, 255)), // sky blue
    (RGBColor(1, 1, 1), RGBColor(245, 245, 245)),    // black, or white
];

/// The number of colours before the palette starts again.
pub(crate) const COLOURS: usize = PALETTE.len();

/// The colours that are not the palette's: paint, light, dark.
const ROLES: [(Paint, RGBColor, RGBColor); 5] = [
    (Paint::Paper, RGBColor(255, 255, 255), RGBColor(27, 27, 29)),
    (Paint::Ink, RGBColor(34, 34, 34), RGBColor(228, 228, 228)),
    (Paint::Faint, RGBColor(85, 85, 85), RGBColor(178, 178, 178)),
    (
        Paint::Axis,
        RGBColor(136, 136, 136),
        RGBColor(130, 130, 130),
    ),
    (Paint::Grid, RGBColor(230, 230, 230), RGBColor(58, 58, 60)),
];

/// All colours that follow the theme, light and dark. The light ones are all different: an SVG that can be
/// both names them once, and replaces each by its dark partner where that is wanted.
pub(crate) fn pairs() -> impl Iterator<Item = (RGBColor, RGBColor)> {
    ROLES
        .into_iter()
        .map(|(_, light, dark)| (light, dark))
        .chain(PALETTE)
}

impl Paint {
    /// The colour on light paper, or on dark.
    pub(crate) fn colour(self, dark: bool) -> RGBColor {
        let (light_one, dark_one) = match self {
            Self::Series(index) => PALETTE[index % COLOURS],
            // A value's colour must not be mistaken for one that changes with the theme.
            Self::Fixed(RGBColor(r, g, b)) if pairs().any(|pair| pair.0 == RGBColor(r, g, b)) => {
                let colour = RGBColor(r, g, b ^ 1);
                (colour, colour)
            }
            Self::Fixed(colour) => (colour, colour),
            Self::Paper => (ROLES[0].1, ROLES[0].2),
            Self::Ink => (ROLES[1].1, ROLES[1].2),
            Self::Faint => (ROLES[2].1, ROLES[2].2),
            Self::Axis => (ROLES[3].1, ROLES[3].2),
            Self::Grid => (ROLES[4].1, ROLES[4].2),
        };
        if dark { dark_one } else { light_one }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::colour::luminance;

    /// What a colour looks like to eyes without one kind of cones: Machado, Oliveira and Fernandes 2009, severity 1.
    const EYES: [(&str, [[f64; 3]; 3]); 4] = [
        ("all cones", [[1., 0., 0.], [0., 1., 0.], [0., 0., 1.]]),
        (
            "protanopia",
            [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ],
        ),
        (
            "deuteranopia",
            [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.01182, 0.04294, 0.968881],
            ],
        ),
        (
            "tritanopia",
            [
                [1.255528, -0.076749, -0.178779],
                [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.3039],
            ],
        ),
    ];

    /// CIELAB of a colour as those eyes see it.
    fn lab(RGBColor(r, g, b): RGBColor, eye: &[[f64; 3]; 3]) -> [f64; 3] {
        let linear = [r, g, b].map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        });
        let dot = |row: &[f64; 3], v: [f64; 3]| row.iter().zip(v).map(|(a, b)| a * b).sum::<f64>();
        let seen = eye.map(|row| dot(&row, linear).clamp(0.0, 1.0));
        let [x, y, z] = [
            dot(&[0.4124, 0.3576, 0.1805], seen) / 0.95047,
            dot(&[0.2126, 0.7152, 0.0722], seen),
            dot(&[0.0193, 0.1192, 0.9505], seen) / 1.08883,
        ]
        .map(|t| {
            if t > 0.008856 {
                t.cbrt()
            } else {
                7.787 * t + 16.0 / 116.0
            }
        });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn the_palette_can_be_told_apart_by_all_eyes() {
        let light = PALETTE.map(|pair| pair.0);
        let dark = PALETTE.map(|pair| pair.1);
        for palette in [light, dark] {
            for (name, eye) in &EYES {
                for i in 0..COLOURS {
                    for j in 0..i {
                        let (a, b) = (lab(palette[i], eye), lab(palette[j], eye));
                        let distance = a
                            .iter()
                            .zip(b)
                            .map(|(a, b)| (a - b).powi(2))
                            .sum::<f64>()
                            .sqrt();
                        assert!(
                            distance > 12.0,
                            "{name}: {i} and {j} are {distance:.1} apart"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn words_and_lines_stand_out_from_their_paper() {
        let contrast = |paint: Paint, dark: bool| {
            let (a, b) = (
                luminance(paint.colour(dark)),
                luminance(Paint::Paper.colour(dark)),
            );
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        for dark in [false, true] {
            // WCAG 2: 4.5 for text.
            assert!(contrast(Paint::Ink, dark) > 4.5 && contrast(Paint::Faint, dark) > 4.5);
            for index in 0..COLOURS {
                assert!(contrast(Paint::Series(index), dark) > 2.2, "{index} {dark}");
            }
        }
    }

    #[test]
    fn a_colour_that_follows_the_theme_is_no_other() {
        let mut light: Vec<_> = pairs().map(|(RGBColor(r, g, b), _)| (r, g, b)).collect();
        light.sort_unstable();
        light.dedup();
        assert_eq!(light.len(), ROLES.len() + COLOURS);
        let white = Paint::Fixed(RGBColor(255, 255, 255)).colour(false);
        assert_eq!(white, RGBColor(255, 255, 254));
    }
}
