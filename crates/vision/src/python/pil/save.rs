//! Images to files.

use std::path::Path;

use image::codecs::bmp::BmpEncoder;
use image::{DynamicImage, ExtendedColorType, ImageFormat};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::{Mode, PilImage, Pixels};
use crate::VisionError;
use crate::write::{check_quality, format_of, unwritable, write_file, write_pixels};

/// The quality of JPEG files unless it is said: Pillow's.
const JPEG_QUALITY: u8 = 75;

impl PilImage {
    /// Writes the image as Pillow's `save` does, in the format its name ends in, its pixels of the kind they are.
    /// A JPEG has the quality 75. A file of that name is replaced.
    ///
    /// # Errors
    /// [`VisionError::Unwritable`] when the ending says no known format, the format has no such pixels (a JPEG no
    /// transparency, for example), or the system refuses; those of [`load`](Self::load).
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), VisionError> {
        self.write(path.as_ref(), JPEG_QUALITY)
    }

    /// Writes a JPEG file of the given quality, 1 (smallest) to 100: Pillow's `save(path, quality=quality)`.
    ///
    /// # Errors
    /// Those of [`save`](Self::save); [`VisionError::Argument`] for another quality.
    pub fn save_with_quality(
        &self,
        path: impl AsRef<Path>,
        quality: u8,
    ) -> Result<(), VisionError> {
        check_quality(path.as_ref(), quality)?;
        self.write(path.as_ref(), quality)
    }

    fn write(&self, path: &Path, quality: u8) -> Result<(), VisionError> {
        use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
        let format = format_of(path)?;
        let pixels = self.pixels()?;
        let failed = |error: &dyn std::fmt::Display| unwritable(path, error.to_string());
        let image: DynamicImage = match (format, self.mode) {
            (Png, Mode::P | Mode::One) => {
                let bytes = indexed_png(pixels, self.mode).map_err(|error| failed(&error))?;
                return write_file(path, &bytes);
            }
            (Bmp, Mode::P) => {
                let bytes = indexed_bmp(pixels).map_err(|error| failed(&error))?;
                return write_file(path, &bytes);
            }
            (Jpeg, Mode::Cmyk) => {
                let bytes = inks(pixels, quality).map_err(|error| failed(&error))?;
                return write_file(path, &bytes);
            }
            (Png, Mode::L | Mode::La | Mode::Rgb | Mode::Rgba | Mode::I16)
            | (Tiff, Mode::L | Mode::Rgb | Mode::Rgba | Mode::I16)
            | (Jpeg, Mode::L | Mode::Rgb)
            | (Bmp, Mode::L | Mode::Rgb | Mode::Rgba)
            | (Gif | WebP, Mode::Rgb | Mode::Rgba) => self.encoded(path)?,
            // What a format does not have here becomes the nearest kind that holds it all.
            (Jpeg | Bmp | Tiff, Mode::One) => self.convert("L")?.encoded(path)?,
            (Gif | WebP, Mode::P | Mode::La) => self.convert("RGBA")?.encoded(path)?,
            (Gif | WebP, Mode::L | Mode::One) => self.convert("RGB")?.encoded(path)?,
            (_, mode) => {
                let reason = format!(
                    "cannot write mode {} as {}: use convert(\"RGB\") first, or PNG",
                    mode.name(),
                    crate::read::format_name(format)
                );
                return Err(unwritable(path, reason));
            }
        };
        write_pixels(&image, path, format, quality)
    }

    /// The pixels as encoders take them.
    fn encoded(&self, path: &Path) -> Result<DynamicImage, VisionError> {
        let image = self.pixels()?.array.to_encode();
        image.ok_or_else(|| unwritable(path, "its pixels are of no kind that files hold".into()))
    }
}

/// A PNG of indices and their colours, or of one bit a pixel.
fn indexed_png(pixels: &Pixels, mode: Mode) -> Result<Vec<u8>, png::EncodingError> {
    let Pixels { array, palette } = pixels;
    let (width, height) = (array.shape()[1], array.shape()[0]);
    let values = array.as_u8().unwrap_or_default();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    let packed = if mode == Mode::One {
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let bit = |bits: &[u8], at: usize| bits.get(at).copied().unwrap_or(0);
        let pack = |bits: &[u8]| (0..8).fold(0u8, |byte, at| (byte << 1) | bit(bits, at));
        let rows = values.chunks_exact(width);
        rows.flat_map(|row| row.chunks(8).map(pack)).collect()
    } else {
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        let colours = palette.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]);
        encoder.set_palette(colours.collect::<Vec<u8>>());
        if palette.iter().any(|[.., alpha]| *alpha < 255) {
            encoder.set_trns(
                palette
                    .iter()
                    .map(|[.., alpha]| *alpha)
                    .collect::<Vec<u8>>(),
            );
        }
        values.to_vec()
    };
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&packed)?;
    writer.finish()?;
    Ok(bytes)
}

fn indexed_bmp(pixels: &Pixels) -> Result<Vec<u8>, image::ImageError> {
    let Pixels { array, palette } = pixels;
    let colours: Vec<[u8; 3]> = palette.iter().map(|[r, g, b, _]| [*r, *g, *b]).collect();
    let mut bytes = Vec::new();
    BmpEncoder::new(&mut bytes).encode_with_palette(
        array.as_u8().unwrap_or_default(),
        array.shape()[1] as u32,
        array.shape()[0] as u32,
        ExtendedColorType::L8,
        Some(&colours),
    )?;
    Ok(bytes)
}

/// A JPEG of four inks.
fn inks(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let Pixels { array, .. } = pixels;
    let (width, height) = (
        u16::try_from(array.shape()[1])?,
        u16::try_from(array.shape()[0])?,
    );
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    // No ink is brightness alone, so none may be stored at half the size.
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    encoder.encode(
        array.as_u8().unwrap_or_default(),
        width,
        height,
        ColorType::Cmyk,
    )?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::pil_open;
    use super::*;
    use crate::Array;

    fn open(name: &str) -> PilImage {
        let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        pil_open(path).unwrap()
    }

    /// Written and opened again.
    fn again(image: &PilImage, name: &str) -> PilImage {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        image.save(&path).unwrap();
        let again = pil_open(&path).unwrap();
        again.load().unwrap();
        again
    }

    #[test]
    fn a_file_keeps_mode_and_pixels() {
        let colour = open("gradient.png");
        let bits = Array::from_u8(&[2, 11], (0..22).map(|v| v % 3 % 2).collect()).unwrap();
        let greys = Array::from_u8(&[1, 2, 2], vec![9, 0, 200, 77]).unwrap();
        let images = [
            colour.convert("L").unwrap(),
            colour.convert("RGBA").unwrap(),
            open("palette.png").convert("RGBA").unwrap(),
            PilImage::of(Mode::One, Pixels::of(bits), "bits"),
            PilImage::of(Mode::La, Pixels::of(greys), "greys"),
            open("palette.png"),
            open("grey16.png"),
            colour,
        ];
        for image in &images {
            let found = again(image, "a.png");
            assert_eq!(found.mode(), image.mode());
            assert_eq!(found.to_array().unwrap(), image.to_array().unwrap());
            let rgba = |image: &PilImage| image.convert("RGBA").unwrap().to_array().unwrap();
            assert_eq!(rgba(&found), rgba(image), "{}", image.mode());
        }
        for (name, image) in [
            ("a.bmp", &images[0]),
            ("a.bmp", &images[5]),
            ("a.tiff", &images[6]),
            ("a.tiff", &images[0]),
        ] {
            let found = again(image, name);
            assert_eq!((found.mode(), name), (image.mode(), name));
            assert_eq!(found.to_array().unwrap(), image.to_array().unwrap());
        }
        let inks = open("cmyk.jpg");
        let found = again(&inks, "a.jpg");
        assert_eq!(found.mode(), "CMYK");
        let (found, inks) = (found.to_array().unwrap(), inks.to_array().unwrap());
        let far = |(a, b): (f32, f32)| (a - b).abs();
        let sum: f32 = found.to_vec().into_iter().zip(inks.to_vec()).map(far).sum();
        assert!(sum / found.size() as f32 <= 8.0, "{sum}");
    }

    #[test]
    fn what_a_format_does_not_have_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let colour = open("gradient.png");
        let clear = colour.convert("RGBA").unwrap();
        let message = clear.save(at("a.jpg")).unwrap_err().to_string();
        assert!(
            message.contains("cannot write mode RGBA as JPEG: use convert"),
            "{message}"
        );
        assert!(colour.save(at("a.xyz")).is_err());
        assert!(colour.save_with_quality(at("a.png"), 80).is_err());
        let size = |quality| {
            colour.save_with_quality(at("a.jpg"), quality).unwrap();
            std::fs::metadata(at("a.jpg")).unwrap().len()
        };
        let usual = size(75);
        assert!(size(20) < usual && usual < size(100));
        colour.save(at("a.jpg")).unwrap();
        assert_eq!(std::fs::metadata(at("a.jpg")).unwrap().len(), usual);
    }
}
