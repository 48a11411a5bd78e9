//! Colour maps: a colour for each number from 0 to 1.

/// The colours of all maps: 256 of three bytes for each, in the order of [`Cmap`]. `colormaps.py` beside
/// it makes it out of matplotlib's.
static COLOURS: &[u8; Cmap::ALL.len() * 768] = include_bytes!("colormaps.bin");

/// A colour map of matplotlib.
///
/// The first five grow evenly brighter, so that equal steps look equal and no colour-blind reader is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cmap {
    /// Violet, green, yellow: matplotlib's default.
    #[default]
    Viridis,
    /// Black, violet, white.
    Magma,
    /// Black, red, yellow.
    Inferno,
    /// Blue, red, yellow.
    Plasma,
    /// Blue to yellow, made for colour-blind readers.
    Cividis,
    /// The rainbow, smoothed.
    Turbo,
    /// The rainbow: popular for heat maps, and shows edges where there are none.
    Jet,
    /// Black, red, yellow, white.
    Hot,
    /// Blue, grey, red: for values on both sides of zero.
    Coolwarm,
    /// Black to white: what a grey photograph wants.
    Gray,
    /// Twenty colours in turn, the number being a label.
    Tab20,
}

impl Cmap {
    /// Every map.
    pub const ALL: [Self; 11] = [
        Self::Viridis,
        Self::Magma,
        Self::Inferno,
        Self::Plasma,
        Self::Cividis,
        Self::Turbo,
        Self::Jet,
        Self::Hot,
        Self::Coolwarm,
        Self::Gray,
        Self::Tab20,
    ];

    /// The colour at a place from 0 to 1; what is outside has the colour of the nearer end.
    /// As in matplotlib, the 256 colours take equal parts of that range.
    pub fn at(self, place: f32) -> [u8; 3] {
        self.colour((place * 256.0).clamp(0.0, 255.0) as u8)
    }

    /// One of the 256 colours.
    pub fn colour(self, index: u8) -> [u8; 3] {
        let start = (self as usize * 256 + usize::from(index)) * 3;
        std::array::from_fn(|channel| COLOURS[start + channel])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_are_those_of_matplotlib() {
        // (matplotlib.colormaps[name](place)[:3] * 255).round()
        assert_eq!(Cmap::Viridis.at(0.0), [68, 1, 84]);
        assert_eq!(Cmap::Viridis.at(0.5), [33, 145, 140]);
        assert_eq!(Cmap::Viridis.at(1.0), [253, 231, 37]);
        assert_eq!(Cmap::Jet.at(0.25), [0, 128, 255].map(|v| v));
        assert_eq!(Cmap::Gray.at(0.5), [128; 3]);
        assert_eq!(Cmap::Tab20.colour(21), Cmap::Tab20.colour(1));
    }

    #[test]
    fn what_is_outside_has_the_colour_of_the_end() {
        for map in Cmap::ALL {
            assert_eq!(map.at(-3.0), map.colour(0));
            assert_eq!(map.at(f32::INFINITY), map.colour(255));
        }
    }

    #[test]
    fn each_variant_has_its_own_place_in_the_file() {
        for (index, map) in Cmap::ALL.into_iter().enumerate() {
            assert_eq!(map as usize, index);
        }
    }
}
