//! matplotlib's way: [`plt_imshow`]; numbers as colours, on axes that count pixels.
//!
//! - this file: which colour each number gets
//! - `figure`: picture, axes and colour bar as SVG

mod figure;

use rt::{Bundle, Show};

use super::Cmap;
use crate::{Array, AsArray, Dtype, Image, VisionError};

/// An array on axes, as `plt.imshow` draws it: the value of a cell, or to be given to `display`.
///
/// - `[H, W]` (also `[H, W, 1]`): one number a pixel. The least has the first colour of the map, the
///   greatest the last, so a dull photograph looks brilliant, and grey is not grey unless asked for with
///   [`cmap`](Self::cmap)`(Cmap::Gray)`.
/// - `[H, W, 3]`, `[H, W, 4]`: red, green, blue. Floats are cut to 0-1, integers to 0-255, with a note below
///   if anything was; colour map, `vmin` and `vmax` do nothing.
#[derive(Clone, Debug)]
#[must_use = "it is shown as the last line of a cell, or by display(&...)"]
pub struct PltImage {
    array: Array,
    cmap: Cmap,
    vmin: Option<f64>,
    vmax: Option<f64>,
    title: String,
    axis: bool,
    colorbar: bool,
}

/// Puts an array, an image or a tensor on axes, as `plt.imshow` does.
///
/// # Errors
/// [`VisionError::Argument`] when the shape is none of `[H, W]`, `[H, W, 1]`, `[H, W, 3]`, `[H, W, 4]`: a
/// network's `[C, H, W]`, for example.
pub fn plt_imshow(data: &impl AsArray) -> Result<PltImage, VisionError> {
    let array = data.as_array()?;
    let array = match array.shape() {
        [_, _] | [_, _, 3 | 4] => array.into_owned(),
        [_, _, 1] => array.channel(0)?,
        other => {
            let hint = match other {
                [1 | 3, _, _] => {
                    ": that is [C, H, W], turn it with to_hwc(), or a tensor with permute([1, 2, 0])"
                }
                [_, _, _, _] => ": take one image of the batch",
                _ => "",
            };
            return Err(VisionError::Argument(format!(
                "invalid shape {other:?} for image data: plt_imshow takes [H, W], [H, W, 3] or [H, W, 4]{hint}"
            )));
        }
    };
    Ok(PltImage {
        array,
        cmap: Cmap::default(),
        vmin: None,
        vmax: None,
        title: String::new(),
        axis: true,
        colorbar: false,
    })
}

impl PltImage {
    /// The colours for one number a pixel: [`Cmap::Viridis`] unless told otherwise.
    pub fn cmap(mut self, cmap: Cmap) -> Self {
        self.cmap = cmap;
        self
    }

    /// The value that has the first colour; the least one unless told otherwise.
    pub fn vmin(mut self, vmin: f64) -> Self {
        self.vmin = Some(vmin);
        self
    }

    /// The value that has the last colour; the greatest one unless told otherwise.
    pub fn vmax(mut self, vmax: f64) -> Self {
        self.vmax = Some(vmax);
        self
    }

    /// The line above the picture.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Whether the axes are drawn: `axis(false)` is `plt.axis("off")`.
    pub fn axis(mut self, axis: bool) -> Self {
        self.axis = axis;
        self
    }

    /// Adds a bar that tells which colour is which number, as `plt.colorbar()`. It needs one number a pixel.
    pub fn colorbar(mut self) -> Self {
        self.colorbar = true;
        self
    }

    fn is_mapped(&self) -> bool {
        self.array.shape().len() == 2
    }

    /// The values that have the first and the last colour.
    fn range(&self) -> (f64, f64) {
        (
            self.vmin.unwrap_or_else(|| self.array.min()),
            self.vmax.unwrap_or_else(|| self.array.max()),
        )
    }

    /// The picture that matplotlib makes of the numbers.
    fn picture(&self) -> Result<Image, VisionError> {
        if self.is_mapped() {
            return self.mapped();
        }
        let bytes = match self.array.dtype() {
            Dtype::Uint8 => self.array.clone(),
            // Cut, not scaled, as matplotlib does with integers.
            Dtype::Uint16 => self.array.clip(0.0, 255.0).astype(Dtype::Uint8),
            Dtype::Float32 => self.array.clip(0.0, 1.0),
        };
        if self.array.shape()[2] == 3 {
            return Image::from_array(&bytes);
        }
        // The page is white, and matplotlib's too.
        let bytes = bytes.to_uint8()?;
        let over_white = |p: &[u8]| {
            let part = |v: u8| (u32::from(v) * u32::from(p[3]) + 255 * u32::from(255 - p[3])) / 255;
            [p[0], p[1], p[2]].map(|v| part(v) as u8)
        };
        let pixels = bytes.as_u8().unwrap_or_default().chunks_exact(4);
        let shape = [self.array.shape()[0], self.array.shape()[1], 3];
        Image::from_array(&Array::from_u8(
            &shape,
            pixels.flat_map(over_white).collect(),
        )?)
    }

    fn mapped(&self) -> Result<Image, VisionError> {
        let (vmin, vmax) = self.range();
        let colour = |v: f32| {
            if v.is_nan() {
                return [255; 3]; // matplotlib leaves such pixels out
            }
            let place = if vmax > vmin {
                (f64::from(v) - vmin) / (vmax - vmin)
            } else {
                0.0
            };
            self.cmap.at(place as f32)
        };
        let [height, width] = [self.array.shape()[0], self.array.shape()[1]];
        let colours = self.array.to_vec().into_iter().flat_map(colour).collect();
        Image::from_array(&Array::from_u8(&[height, width, 3], colours)?)
    }

    /// What matplotlib warns of: values that had to be cut.
    fn warning(&self) -> Option<String> {
        if self.is_mapped() {
            return None;
        }
        let most = match self.array.dtype() {
            Dtype::Float32 => 1.0,
            Dtype::Uint8 | Dtype::Uint16 => 255.0,
        };
        let (least, greatest) = (self.array.min(), self.array.max());
        (least < 0.0 || greatest > most).then(|| {
            let valid = if most == 1.0 {
                "[0..1] for floats"
            } else {
                "[0..255] for integers"
            };
            format!("Values cut to {valid}; they were [{least:.4}..{greatest:.4}].")
        })
    }

    fn about(&self) -> String {
        let mut about = format!("imshow of {:?} {}", self.array.shape(), self.array.dtype());
        if self.is_mapped() {
            let (vmin, vmax) = self.range();
            about += &format!(
                ", {:?} from {} to {}",
                self.cmap,
                figure::number(vmin),
                figure::number(vmax)
            );
        }
        if !self.title.is_empty() {
            about = format!("{}: {about}", self.title);
        }
        if let Some(warning) = self.warning() {
            about = format!("{about}. {warning}");
        }
        about
    }
}

impl Show for PltImage {
    fn show(&self) -> Bundle {
        let about = self.about();
        match self.card() {
            Ok(card) => card.show(about),
            Err(error) => Bundle::text(format!("{about} (cannot be shown: {error})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(shape: &[usize], values: &[f32]) -> Array {
        Array::from_f32(shape, values.to_vec()).unwrap()
    }

    fn picture(plt: PltImage) -> Image {
        plt.picture().unwrap()
    }

    #[test]
    fn one_number_a_pixel_takes_the_whole_map() {
        let dull = Array::from_u8(&[1, 3], vec![100, 105, 110]).unwrap();
        let image = picture(plt_imshow(&dull).unwrap());
        assert_eq!(image.pixel(0, 0), Cmap::Viridis.colour(0));
        assert_eq!(image.pixel(1, 0), Cmap::Viridis.colour(128));
        assert_eq!(image.pixel(2, 0), Cmap::Viridis.colour(255));
        let honest = plt_imshow(&dull)
            .unwrap()
            .cmap(Cmap::Gray)
            .vmin(0.0)
            .vmax(255.0);
        // matplotlib.colormaps["gray"](Normalize(0, 255)(100)): 100
        assert_eq!(picture(honest).pixel(0, 0), [100; 3]);
        let flat = Array::from_u8(&[1, 1], vec![9]).unwrap();
        assert_eq!(
            picture(plt_imshow(&flat).unwrap()).pixel(0, 0),
            Cmap::Viridis.colour(0)
        );
        let holed = floats(&[1, 3], &[0.0, f32::NAN, 1.0]);
        assert_eq!(picture(plt_imshow(&holed).unwrap()).pixel(1, 0), [255; 3]);
    }

    #[test]
    fn colours_are_cut_to_their_range_with_a_warning() {
        let normalised = floats(&[1, 1, 3], &[-2.0, 0.5, 2.5]);
        let plt = plt_imshow(&normalised).unwrap();
        assert_eq!(
            plt.warning().as_deref(),
            Some("Values cut to [0..1] for floats; they were [-2.0000..2.5000].")
        );
        assert_eq!(picture(plt).pixel(0, 0), [0, 128, 255]);
        let deep = Array::from_u16(&[1, 1, 3], vec![100, 300, 60_000]).unwrap();
        let plt = plt_imshow(&deep).unwrap();
        assert!(plt.show().plain().contains("[0..255] for integers"));
        assert_eq!(picture(plt).pixel(0, 0), [100, 255, 255]);
        let clear = Array::from_u8(&[1, 1, 4], vec![0, 100, 200, 0]).unwrap();
        assert_eq!(picture(plt_imshow(&clear).unwrap()).pixel(0, 0), [255; 3]);
    }

    #[test]
    fn the_layout_of_networks_is_refused_as_in_python() {
        let tensor = Image::filled(5, 4, [0; 3]).unwrap().to_tensor();
        let message = plt_imshow(&tensor).unwrap_err().to_string();
        assert!(
            message.starts_with("invalid shape [3, 4, 5] for image data")
                && message.contains("permute([1, 2, 0])"),
            "{message}"
        );
        assert!(plt_imshow(&tensor.permute([1, 2, 0])).is_ok());
        assert!(plt_imshow(&tensor.unsqueeze(0)).is_err());
    }

    #[test]
    fn any_shape_can_be_drawn() {
        for shape in [[1, 1], [1, 900], [900, 1], [3, 2000]] {
            let array = floats(&shape, &vec![0.5; shape[0] * shape[1]]);
            let bundle = plt_imshow(&array).unwrap().colorbar().show();
            assert!(bundle.data.contains_key("image/svg+xml"));
        }
    }
}
