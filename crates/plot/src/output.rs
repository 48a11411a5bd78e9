//! What every drawing can do: become SVG or PNG, be saved, be shown.

use std::fs;
use std::path::Path;

use rt::Bundle;

use crate::scene::Scene;
use crate::theme::Theme;
use crate::{PlotError, raster, svg};

/// Something with a picture and words for it.
pub(crate) trait Drawing {
    /// The picture.
    fn scene(&self) -> Result<Scene, PlotError>;

    /// Light, dark, or as the page is.
    fn chosen_theme(&self) -> Theme;

    /// The picture in words, for those who cannot see it.
    fn summary(&self) -> String;
}

/// The public methods of a type that implements [`Drawing`], and its `Show`.
macro_rules! drawing_methods {
    ($type:ty, $what:literal) => {
        impl $type {
            #[doc = concat!("The ", $what, " as SVG source.")]
            ///
            /// # Errors
            /// [`PlotError::Draw`](crate::PlotError::Draw) when the drawing library fails; no data known makes it do so.
            pub fn to_svg(&self) -> Result<String, crate::PlotError> {
                crate::output::to_svg(self)
            }

            #[doc = concat!("The ", $what, " as the bytes of a PNG, two pixels for each CSS pixel.")]
            ///
            /// # Errors
            /// [`PlotError::NoFont`](crate::PlotError::NoFont) when this computer has no font for the words.
            pub fn to_png(&self) -> Result<Vec<u8>, crate::PlotError> {
                crate::output::to_png(self)
            }

            #[doc = concat!("Writes the ", $what, " to a file, as SVG or PNG by the end of its name. A file of that name is replaced.")]
            ///
            /// # Errors
            /// [`PlotError`](crate::PlotError) when the name ends in neither `.svg` nor `.png`, the system refuses to
            /// write, or a PNG finds no font.
            pub fn save(&self, path: impl AsRef<std::path::Path>) -> Result<(), crate::PlotError> {
                crate::output::save(self, path.as_ref())
            }
        }

        impl rt::Show for $type {
            fn show(&self) -> rt::Bundle {
                crate::output::bundle(self)
            }
        }
    };
}
pub(crate) use drawing_methods;

pub(crate) fn to_svg(drawing: &impl Drawing) -> Result<String, PlotError> {
    svg::svg(
        &drawing.scene()?,
        drawing.chosen_theme(),
        &drawing.summary(),
    )
}

pub(crate) fn to_png(drawing: &impl Drawing) -> Result<Vec<u8>, PlotError> {
    raster::png(&drawing.scene()?, drawing.chosen_theme() == Theme::Dark)
}

pub(crate) fn save(drawing: &impl Drawing, path: &Path) -> Result<(), PlotError> {
    let name = || path.display().to_string();
    let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
    let bytes = match ending.as_ref().and_then(|ending| ending.to_str()) {
        Some("svg") => to_svg(drawing)?.into_bytes(),
        Some("png") => to_png(drawing)?,
        _ => return Err(PlotError::Format(name())),
    };
    fs::write(path, bytes).map_err(|source| PlotError::Unwritable {
        name: name(),
        source,
    })
}

pub(crate) fn bundle(drawing: &impl Drawing) -> Bundle {
    let summary = drawing.summary();
    match drawing.scene().and_then(|scene| {
        let source = svg::svg(&scene, drawing.chosen_theme(), &summary)?;
        Ok((source, scene))
    }) {
        Ok((source, scene)) => Bundle::drawing(source, scene.width, scene.height, summary),
        Err(error) => Bundle::text(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use rt::Show;

    use crate::{Theme, line_chart};

    #[test]
    fn a_saved_chart_is_an_svg_or_a_png() {
        let folder = tempfile::tempdir().unwrap();
        let chart = line_chart([1, 2, 3]);
        let path = folder.path().join("loss.SVG");
        chart.save(&path).unwrap();
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            chart.to_svg().unwrap()
        );
        let refused = chart.save("loss.jpg").unwrap_err().to_string();
        assert!(
            refused.contains("let the name end in .svg or .png"),
            "{refused}"
        );
        let nowhere = chart
            .save(folder.path().join("no/loss.svg"))
            .unwrap_err()
            .to_string();
        assert!(
            nowhere.contains("check that its folder exists"),
            "{nowhere}"
        );
    }

    #[test]
    fn a_page_gets_the_same_picture_twice_and_words() {
        let bundle = line_chart([1, 2]).title("<T>").show();
        let svg = bundle.data["image/svg+xml"].as_str().unwrap();
        let html = bundle.data["text/html"].as_str().unwrap();
        let data = html
            .split("base64,")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let inside = base64::engine::general_purpose::STANDARD
            .decode(data)
            .unwrap();
        assert_eq!(inside, svg.as_bytes());
        assert!(
            html.contains("alt=\"chart &quot;&lt;T&gt;&quot;: line of 2 points"),
            "{html}"
        );
    }

    #[test]
    fn only_a_chart_without_a_theme_follows_the_page() {
        let svg = |theme| line_chart([1, 2]).theme(theme).to_svg().unwrap();
        assert!(svg(Theme::Auto).contains("prefers-color-scheme:dark"));
        assert!(!svg(Theme::Light).contains("prefers-color-scheme"));
        let dark = svg(Theme::Dark);
        assert!(dark.contains("rx=\"60\" fill=\"#1B1B1D\"") && !dark.contains("<style"));
    }
}
