//! [`ColourMap`]: numbers as colours.

use plotters::style::RGBColor;

/// How the numbers of a matrix become colours, from its least value to its greatest.
///
/// All but the last keep their order in black and white, and for colour-blind eyes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourMap {
    /// Dark violet to yellow; equal steps look equal (van der Walt and Smith 2015).
    #[default]
    Viridis,
    /// Dark blue to yellow, made for colour-blind eyes (Nuñez et al. 2018).
    Cividis,
    /// Black over red to pale yellow: activations, attention.
    Magma,
    /// Black to white: the pixels of an image.
    Grey,
    /// White to dark blue: counts.
    Blues,
    /// Blue over white to red, white at zero: weights, differences.
    RedBlue,
}

impl ColourMap {
    /// The colour `[red, green, blue]`, 0-255, at `part` of the map, 0-1.
    pub fn rgb(self, part: f64) -> [u8; 3] {
        let part = if part.is_nan() {
            0.0
        } else {
            part.clamp(0.0, 1.0)
        };
        let gradient = match self {
            Self::Viridis => colorous::VIRIDIS,
            Self::Cividis => colorous::CIVIDIS,
            Self::Magma => colorous::MAGMA,
            Self::Blues => colorous::BLUES,
            Self::Grey => return [(part * 255.0).round() as u8; 3],
            Self::RedBlue => {
                let colour = colorous::RED_BLUE.eval_continuous(1.0 - part);
                return [colour.r, colour.g, colour.b];
            }
        };
        let colour = gradient.eval_continuous(part);
        [colour.r, colour.g, colour.b]
    }

    pub(crate) fn colour(self, part: f64) -> RGBColor {
        let [r, g, b] = self.rgb(part);
        RGBColor(r, g, b)
    }

    pub(crate) fn is_diverging(self) -> bool {
        self == Self::RedBlue
    }
}

/// How light a colour looks, 0-1: the relative luminance of WCAG 2.
pub(crate) fn luminance(RGBColor(r, g, b): RGBColor) -> f64 {
    let linear = |channel: u8| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_those_of_matplotlib() {
        // matplotlib.colormaps[name](part, bytes=True)
        let matplotlib = [
            (
                ColourMap::Viridis,
                [[68, 1, 84], [32, 144, 140], [253, 231, 36]],
            ),
            (
                ColourMap::Magma,
                [[0, 0, 3], [182, 54, 121], [251, 252, 191]],
            ),
            (ColourMap::Grey, [[0; 3], [128; 3], [255; 3]]),
        ];
        for (map, colours) in matplotlib {
            for (part, expected) in [0.0, 0.5, 1.0].into_iter().zip(colours) {
                let found = map.rgb(part);
                let near = found
                    .iter()
                    .zip(expected)
                    .all(|(a, b): (_, u8)| a.abs_diff(b) <= 2);
                assert!(near, "{map:?} at {part}: {found:?}, {expected:?}");
            }
        }
    }

    #[test]
    fn sequential_maps_are_ordered_by_lightness() {
        use ColourMap::{Blues, Cividis, Grey, Magma, Viridis};
        for map in [Viridis, Cividis, Magma, Grey, Blues] {
            let light: Vec<_> = (0..=20)
                .map(|i| luminance(map.colour(f64::from(i) / 20.0)))
                .collect();
            let rising = light.windows(2).all(|pair| pair[0] < pair[1]);
            let falling = light.windows(2).all(|pair| pair[0] > pair[1]);
            assert!(rising || falling, "{map:?}: {light:?}");
        }
    }

    #[test]
    fn no_number_is_without_a_colour() {
        for part in [f64::NAN, f64::INFINITY, -1.0, 2.0] {
            for map in [ColourMap::RedBlue, ColourMap::Viridis] {
                map.rgb(part);
            }
        }
        let middle = ColourMap::RedBlue.rgb(0.5);
        assert!(
            middle.iter().all(|channel| *channel > 230),
            "not white: {middle:?}"
        );
    }
}
