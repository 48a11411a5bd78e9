//! Boxes, masks, keypoints and heat maps on an image.

use rt::{Bundle, Show};

use super::canvas::Canvas;
use super::card::{Anchor, Card, PALETTE, hex, ink_on, text_width};
use super::preview;
use crate::transforms::{BoundingBox, KeyPoint, Mask, Sample};
use crate::{Array, AsArray, Cmap, Image, VisionError};

/// Images smaller than this are enlarged by whole pixels towards it, so that labels fit; CSS pixels.
const ROOMY: u32 = 400;
/// How much of a mask or heat map covers the image.
const OPACITY: f32 = 0.5;
const LABEL_SIZE: f64 = 12.0;

/// An image with what a detector, a segmenter or a person has found on it. A value of a cell.
///
/// Places are pixels from the top left, as torchvision's `BoundingBoxes` in the format XYXY and `KeyPoints`
/// have them. Things of the same label have the same colour.
///
/// ```
/// # use vision::{Image, Overlay};
/// # let image = Image::filled(100, 80, [40, 90, 200])?;
/// Overlay::new(&image)
///     .labelled_box([10.0, 20.0, 60.0, 70.0], "whale 93 %")
///     .keypoints(&[[30.0, 40.0]])
/// # ;
/// # Ok::<(), vision::VisionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Overlay {
    /// With masks and heat maps in it already.
    image: Image,
    boxes: Vec<Labelled>,
    keypoints: Vec<[f32; 2]>,
    /// Pairs of keypoints that a line joins.
    skeleton: Vec<(usize, usize)>,
    /// Names and colours of the masks.
    masks: Vec<(String, [u8; 3])>,
    /// One entry for each colour: the first word of a label.
    classes: Vec<String>,
    /// What has been put on it, for the description.
    contents: Vec<String>,
}

/// A box and what is in it.
#[derive(Clone, Debug)]
struct Labelled {
    /// Left, top, right, bottom.
    corners: [f32; 4],
    label: String,
    colour: [u8; 3],
}

impl Overlay {
    /// An image with nothing on it yet.
    pub fn new(image: &Image) -> Self {
        Self {
            image: image.clone(),
            boxes: Vec::new(),
            keypoints: Vec::new(),
            skeleton: Vec::new(),
            masks: Vec::new(),
            classes: Vec::new(),
            contents: Vec::new(),
        }
    }

    /// A sample with all that belongs to it: its masks, in a colour for each label, its boxes and its key points.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when a mask has not the size of the picture.
    pub fn of_sample(sample: &Sample) -> Result<Self, VisionError> {
        let mut overlay = Self::new(&sample.image);
        for mask in &sample.masks {
            overlay = overlay.labels(mask)?;
        }
        let sides = |b: &BoundingBox| [b.x_min, b.y_min, b.x_max, b.y_max].map(|side| side as f32);
        let boxes: Vec<_> = sample.boxes.iter().map(sides).collect();
        let point = |&KeyPoint { x, y }: &KeyPoint| [x as f32, y as f32];
        let points: Vec<_> = sample.key_points.iter().map(point).collect();
        overlay = overlay.boxes(&boxes);
        Ok(match points.as_slice() {
            [] => overlay,
            points => overlay.keypoints(points),
        })
    }

    /// Each label of a mask but 0 as a mask that is called by its number.
    fn labels(mut self, mask: &Mask) -> Result<Self, VisionError> {
        let shape = [mask.height() as usize, mask.width() as usize];
        let mut known = [false; 256];
        for &label in mask.labels() {
            known[usize::from(label)] = true;
        }
        for label in (1..=255u8).filter(|&label| known[usize::from(label)]) {
            let here = mask.labels().iter().map(|&other| u8::from(other == label));
            let part = Array::from_u8(&shape, here.collect())?;
            self = self.mask(&part, &label.to_string())?;
        }
        Ok(self)
    }

    /// Adds boxes `[left, top, right, bottom]` in pixels.
    pub fn boxes(mut self, boxes: &[[f32; 4]]) -> Self {
        for corners in boxes {
            self = self.labelled_box(*corners, "");
        }
        self
    }

    /// Adds a box `[left, top, right, bottom]` in pixels with a label. Its colour goes by the label's first
    /// word, so that `whale 93 %` and `whale 71 %` look alike.
    pub fn labelled_box(mut self, corners: [f32; 4], label: impl Into<String>) -> Self {
        let label = label.into();
        let colour = self.colour_of(&label);
        self.contents.push(match label.as_str() {
            "" => "box".into(),
            label => format!("box {label:?}"),
        });
        self.boxes.push(Labelled {
            corners,
            label,
            colour,
        });
        self
    }

    /// Colours the pixels for which the mask is not 0: `[H, W]`, of the size of the image.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the mask has another size.
    pub fn mask(mut self, mask: &impl AsArray, label: &str) -> Result<Self, VisionError> {
        let mask = mask.as_array()?;
        let (height, width) = (self.image.height() as usize, self.image.width() as usize);
        if mask.shape() != [height, width] {
            return Err(VisionError::Argument(format!(
                "a mask for this image is [H, W] = [{height}, {width}], got {:?}",
                mask.shape()
            )));
        }
        let colour = self.colour_of(label);
        let inside = mask.to_vec();
        let covered = inside.iter().filter(|v| **v != 0.0).count();
        let percent = 100.0 * covered as f64 / inside.len() as f64;
        self.contents
            .push(format!("mask {label:?} on {percent:.0} % of it"));
        self.masks.push((label.to_owned(), colour));
        let mut inside = inside.into_iter();
        self.image = Image::generate(width as u32, height as u32, |x, y| {
            let below = self.image.at(x as usize, y as usize);
            match inside.next() {
                Some(v) if v != 0.0 => blend(below, colour),
                _ => below,
            }
        });
        Ok(self)
    }

    /// Adds points `[x, y]` in pixels.
    pub fn keypoints(mut self, keypoints: &[[f32; 2]]) -> Self {
        self.keypoints.extend(keypoints);
        self.contents.push(format!("{} keypoints", keypoints.len()));
        self
    }

    /// Joins keypoints by lines: pairs of their numbers, counted from 0. Numbers without a point are passed
    /// over.
    pub fn skeleton(mut self, pairs: &[(usize, usize)]) -> Self {
        self.skeleton.extend(pairs);
        self
    }

    /// Lays a heat map over the image, its least value in the map's first colour and its greatest in the
    /// last: `[h, w]` of any size, such as the 7x7 of a Grad-CAM, stretched over all of the image.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the values are not `[h, w]`.
    pub fn heatmap(mut self, heat: &impl AsArray, map: Cmap) -> Result<Self, VisionError> {
        let heat = heat.as_array()?;
        let &[rows, columns] = heat.shape() else {
            return Err(VisionError::Argument(format!(
                "a heat map is [h, w], got {:?}: take one channel first",
                heat.shape()
            )));
        };
        let (least, span) = (heat.min(), heat.max() - heat.min());
        let levels: Vec<u8> = heat
            .to_vec()
            .into_iter()
            .map(|v| ((f64::from(v) - least) / span * 255.0).round() as u8)
            .collect();
        let (width, height) = (self.image.width(), self.image.height());
        let levels = Image::from_luma(columns as u32, rows as u32, &levels)
            .resize(width, height)?
            .luma();
        let mut levels = levels.into_iter();
        self.image = Image::generate(width, height, |x, y| {
            let below = self.image.at(x as usize, y as usize);
            levels
                .next()
                .map_or(below, |level| blend(below, map.colour(level)))
        });
        self.contents.push(format!("heat map of {columns}x{rows}"));
        Ok(self)
    }

    /// The picture with everything drawn into its pixels but the text, for grids and animations.
    pub fn to_image(&self) -> Image {
        let mut canvas = Canvas::new(&self.image);
        for Labelled {
            corners, colour, ..
        } in &self.boxes
        {
            canvas.outline(*corners, *colour);
        }
        for ([from, to], colour) in self.bones() {
            canvas.line(from, to, colour);
        }
        for (index, point) in self.keypoints.iter().enumerate() {
            canvas.dot(*point, PALETTE[index % PALETTE.len()]);
        }
        self.image.with_bytes(canvas.into_bytes())
    }

    /// The lines of the skeleton.
    fn bones(&self) -> impl Iterator<Item = ([[f32; 2]; 2], [u8; 3])> {
        self.skeleton.iter().filter_map(|&(from, to)| {
            let ends = [*self.keypoints.get(from)?, *self.keypoints.get(to)?];
            Some((ends, PALETTE[to % PALETTE.len()]))
        })
    }

    fn colour_of(&mut self, label: &str) -> [u8; 3] {
        let class = label.split_whitespace().next().unwrap_or_default();
        let known = self.classes.iter().position(|known| known == class);
        let index = known.unwrap_or_else(|| {
            self.classes.push(class.to_owned());
            self.classes.len() - 1
        });
        PALETTE[index % PALETTE.len()]
    }

    fn about(&self) -> String {
        let image = preview::describe(&self.image);
        match self.contents.as_slice() {
            [] => image,
            contents if contents.len() > 8 => {
                format!(
                    "{image} with {} and {} more",
                    contents[..8].join(", "),
                    contents.len() - 8
                )
            }
            contents => format!("{image} with {}", contents.join(", ")),
        }
    }

    fn card(&self) -> Result<Card, VisionError> {
        let longest = self.image.width().max(self.image.height());
        let shown = match longest {
            longest if longest > preview::PAGE => preview::PAGE,
            longest => longest * (ROOMY / longest).max(1),
        };
        let (width, height) = preview::fit(self.image.width(), self.image.height(), shown);
        let (width, height) = (f64::from(width), f64::from(height));
        let scale = width / f64::from(self.image.width());
        let foot = if self.masks.iter().any(|(label, _)| !label.is_empty()) {
            26.0
        } else {
            0.0
        };
        let mut card = Card::new(width, height + foot);
        let png = preview::stored(&self.image, shown)?;
        card.picture(&png, [0.0, 0.0, width, height], scale > 1.0);
        for Labelled {
            corners, colour, ..
        } in &self.boxes
        {
            let [left, top, right, bottom] = corners.map(|v| f64::from(v) * scale);
            let frame = [left, top, (right - left).max(0.0), (bottom - top).max(0.0)];
            card.frame(frame, "#000000", 3.5);
            card.frame(frame, &hex(*colour), 2.0);
        }
        for labelled in &self.boxes {
            label(&mut card, labelled, scale, (width, height));
        }
        let place = |[x, y]: [f32; 2]| (f64::from(x) * scale, f64::from(y) * scale);
        for ([from, to], colour) in self.bones() {
            card.line(place(from), place(to), "#000000", 4.0);
            card.line(place(from), place(to), &hex(colour), 2.5);
        }
        for (index, point) in self.keypoints.iter().enumerate() {
            let (x, y) = place(*point);
            let fill = hex(PALETTE[index % PALETTE.len()]);
            card.raw(&format!(
                r##"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="{fill}" stroke="#000000"/>"##
            ));
        }
        let mut x = 0.0;
        for (label, colour) in self.masks.iter().filter(|(label, _)| !label.is_empty()) {
            x += chip(&mut card, (x, height + 6.0), label, *colour) + 6.0;
        }
        Ok(card)
    }
}

/// A label in its colour, its top left corner at a place; returns its width.
fn chip(card: &mut Card, (x, y): (f64, f64), label: &str, colour: [u8; 3]) -> f64 {
    let width = text_width(label, LABEL_SIZE) + 8.0;
    card.rect([x, y, width, 18.0], &hex(colour), 2.0);
    let place = (x + 4.0, y + 13.0);
    let ink = ink_on(colour);
    card.text(place, Anchor::Start, LABEL_SIZE, ink, label, width);
    width
}

/// The label of a box: above it where there is room, else inside.
fn label(card: &mut Card, labelled: &Labelled, scale: f64, (width, height): (f64, f64)) {
    if labelled.label.is_empty() {
        return;
    }
    let [left, top, ..] = labelled.corners.map(|v| f64::from(v) * scale);
    let length = text_width(&labelled.label, LABEL_SIZE) + 8.0;
    let x = left.min(width - length).max(0.0);
    let y = if top >= 18.0 {
        top - 18.0
    } else {
        top.max(0.0)
    };
    let y = y.min(height - 18.0).max(0.0);
    chip(card, (x, y), &labelled.label, labelled.colour);
}

fn blend(below: [u8; 3], above: [u8; 3]) -> [u8; 3] {
    std::array::from_fn(|channel| {
        let (below, above) = (f32::from(below[channel]), f32::from(above[channel]));
        (below * (1.0 - OPACITY) + above * OPACITY).round() as u8
    })
}

impl Show for Overlay {
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
    use crate::Array;

    fn grey() -> Image {
        Image::filled(40, 30, [100; 3]).unwrap()
    }

    #[test]
    fn what_was_put_on_it_is_drawn_and_said() {
        let overlay = Overlay::new(&grey())
            .labelled_box([5.0, 6.0, 20.0, 25.0], "whale 93 %")
            .labelled_box([25.0, 6.0, 39.0, 25.0], "whale 71 %")
            .boxes(&[[1.0, 1.0, 4.0, 4.0]])
            .keypoints(&[[10.0, 10.0], [30.0, 20.0]])
            .skeleton(&[(0, 1), (1, 9)]);
        let bundle = overlay.show();
        assert_eq!(
            bundle.plain(),
            "image 40x30 RGB with box \"whale 93 %\", box \"whale 71 %\", box, 2 keypoints"
        );
        let svg = bundle.data["image/svg+xml"].as_str().unwrap();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert_eq!(
            svg.matches(&hex(PALETTE[0])).count(),
            4 + 1,
            "boxes, labels, a keypoint"
        );
        assert!(svg.contains("whale 93 %</text>"));
        let drawn = overlay.to_image();
        assert_eq!(drawn.pixel(5, 15), PALETTE[0]);
        assert_eq!(drawn.pixel(15, 15), [100; 3]);
        assert_eq!(drawn.pixel(20, 15), PALETTE[1], "the bone");
    }

    #[test]
    fn a_sample_is_drawn_with_all_that_belongs_to_it() {
        let mut sample = Sample::new(grey());
        assert_eq!(Overlay::of_sample(&sample).unwrap().to_image(), grey());
        let labels = (0..1200).map(|i| (i / 400) as u8).collect();
        sample.masks.push(Mask::new(40, 30, labels).unwrap());
        sample.boxes.push(BoundingBox::new(5.0, 2.0, 20.0, 8.0));
        sample.key_points.push(KeyPoint { x: 30.5, y: 5.5 });
        let overlay = Overlay::of_sample(&sample).unwrap();
        assert_eq!(
            overlay.show().plain(),
            "image 40x30 RGB with mask \"1\" on 33 % of it, mask \"2\" on 33 % of it, box, 1 keypoints"
        );
        let image = overlay.to_image();
        assert_eq!(image.pixel(0, 0), [100; 3]);
        assert_eq!(image.pixel(0, 15), blend([100; 3], PALETTE[0]));
        assert_eq!(image.pixel(0, 29), blend([100; 3], PALETTE[1]));
        assert_eq!(image.pixel(30, 5), PALETTE[0], "the point");
        assert_eq!(image.pixel(5, 5), PALETTE[2], "the box");
        sample.masks.push(Mask::new(4, 3, vec![1; 12]).unwrap());
        assert!(Overlay::of_sample(&sample).is_err());
    }

    #[test]
    fn masks_colour_their_pixels_alone() {
        let mask = Array::from_u8(&[30, 40], (0..1200).map(|i| u8::from(i < 600)).collect());
        let overlay = Overlay::new(&grey()).mask(&mask.unwrap(), "sky").unwrap();
        let image = overlay.to_image();
        assert_eq!(image.pixel(0, 0), blend([100; 3], PALETTE[0]));
        assert_eq!(image.pixel(0, 29), [100; 3]);
        assert!(
            overlay
                .show()
                .plain()
                .contains("mask \"sky\" on 50 % of it")
        );
        let small = Array::from_u8(&[3, 4], vec![1; 12]).unwrap();
        let message = Overlay::new(&grey())
            .mask(&small, "")
            .unwrap_err()
            .to_string();
        assert!(message.contains("[30, 40], got [3, 4]"), "{message}");
    }

    #[test]
    fn a_heat_map_is_stretched_over_the_image() {
        let heat = Array::from_f32(&[1, 2], vec![-1.0, 3.0]).unwrap();
        let image = Overlay::new(&grey())
            .heatmap(&heat, Cmap::Jet)
            .unwrap()
            .to_image();
        assert_eq!(image.pixel(0, 5), blend([100; 3], Cmap::Jet.colour(0)));
        assert_eq!(image.pixel(39, 5), blend([100; 3], Cmap::Jet.colour(255)));
        let flat = Array::from_f32(&[2, 2], vec![4.0; 4]).unwrap();
        assert!(Overlay::new(&grey()).heatmap(&flat, Cmap::Jet).is_ok());
        assert!(Overlay::new(&grey()).heatmap(&grey(), Cmap::Jet).is_err());
    }

    #[test]
    fn wild_places_do_no_harm() {
        let wild = f32::MAX;
        let overlay = Overlay::new(&grey())
            .labelled_box([-wild, f32::NAN, wild, wild], "x")
            .keypoints(&[[wild, -wild], [f32::NAN, 0.0]])
            .skeleton(&[(0, 1)]);
        assert_eq!(overlay.to_image().width(), 40);
        assert!(overlay.show().data.contains_key("image/svg+xml"));
    }
}
