//! [`Draw`]: what a pipeline drew for one picture, ready to be done to it and to what belongs to it.

use std::fmt;

use tch::Tensor;

use super::kernels::buffer::{Buffer, Pixels, Size};
use super::kernels::float;
use super::targets::{BoundingBox, KeyPoint, Mask, Sample};
use crate::{Image, VisionError};

/// A step that moves pixels.
pub(crate) trait Move: fmt::Display + Send + Sync {
    /// The size of the result.
    fn size(&self, from: Size) -> Size {
        from
    }

    /// The moved picture.
    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError>;

    /// Where a point of a picture of size `from` goes. (0, 0) is the top left corner of the picture, (0.5, 0.5)
    /// the middle of its first pixel.
    fn point(&self, point: [f64; 2], from: Size) -> [f64; 2];

    /// Which point of the picture is seen at a point of the result; `None` for what is no part of it.
    fn source(&self, point: [f64; 2], from: Size) -> Option<[f64; 2]>;
}

/// A step that changes each pixel where it is.
pub(crate) trait Recolour: fmt::Display + Send + Sync {
    /// Changes the picture.
    fn change(&self, image: &mut Buffer) -> Result<(), VisionError>;
}

/// A step that makes each pixel from what is around it.
pub(crate) trait Filter: fmt::Display + Send + Sync {
    /// The filtered picture, of the same size.
    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError>;
}

/// One step of a draw.
pub(crate) enum Step {
    Move(Box<dyn Move>),
    Recolour(Box<dyn Recolour>),
    Filter(Box<dyn Filter>),
}

impl Step {
    fn size(&self, from: Size) -> Size {
        match self {
            Step::Move(step) => step.size(from),
            Step::Recolour(_) | Step::Filter(_) => from,
        }
    }

    fn render(&self, from: Pixels<'_>, to: &mut Buffer) -> Result<(), VisionError> {
        match self {
            Step::Move(step) => step.render(from, to),
            Step::Filter(step) => step.render(from, to),
            Step::Recolour(step) => {
                to.copy_from(from);
                step.change(to)
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Move(step) => step.fmt(f),
            Step::Recolour(step) => step.fmt(f),
            Step::Filter(step) => step.fmt(f),
        }
    }
}

/// How bytes become floats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ToFloats {
    /// What 0-255 is multiplied with first.
    pub(crate) scale: f32,
    pub(crate) mean: [f32; 3],
    pub(crate) std: [f32; 3],
}

impl Default for ToFloats {
    /// 0-255 to 0-1.
    fn default() -> Self {
        Self {
            scale: 1.0 / 255.0,
            mean: [0.0; 3],
            std: [1.0; 3],
        }
    }
}

/// What a pipeline drew for a picture of one size: the steps with every number fixed.
///
/// Written out (`{draw}`) it is a caption. The same draw moves the picture, its masks, boxes and key points.
pub struct Draw {
    from: Size,
    size: Size,
    steps: Vec<Step>,
    to_floats: Option<ToFloats>,
}

impl Draw {
    /// A draw for pictures of `width` x `height` pixels that does nothing yet.
    pub(crate) fn new(from: Size) -> Self {
        Self {
            from,
            size: from,
            steps: Vec::new(),
            to_floats: None,
        }
    }

    /// Width and height of the picture after all steps so far, in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Whether the picture stays as it is.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(crate) fn push_move(&mut self, step: impl Move + 'static) -> Result<(), VisionError> {
        self.push(Step::Move(Box::new(step)))
    }

    pub(crate) fn push_recolour(
        &mut self,
        step: impl Recolour + 'static,
    ) -> Result<(), VisionError> {
        self.push(Step::Recolour(Box::new(step)))
    }

    pub(crate) fn push_filter(&mut self, step: impl Filter + 'static) -> Result<(), VisionError> {
        self.push(Step::Filter(Box::new(step)))
    }

    fn push(&mut self, step: Step) -> Result<(), VisionError> {
        if self.to_floats.is_some() {
            return Err(VisionError::Argument(format!(
                "ToTensor, ToDtype and Normalize come last, but something follows them ({step}); put them at the end"
            )));
        }
        self.size = step.size(self.size);
        crate::picture::check_sides(self.size.0, self.size.1)?;
        self.steps.push(step);
        Ok(())
    }

    /// How the floats are made; told more than once, the last word counts.
    pub(crate) fn set_to_floats(&mut self, change: impl FnOnce(&mut ToFloats)) {
        change(self.to_floats.get_or_insert_default());
    }

    /// The steps of another draw, which began at this one's size.
    pub(crate) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// The picture after all steps.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the picture has not the size that the draw was made for.
    pub fn apply(&self, image: &Image) -> Result<Image, VisionError> {
        self.check(image)?;
        let Some(buffer) = run(&self.steps, Pixels::of(image))? else {
            return Ok(image.clone());
        };
        buffer.into_image()
    }

    /// Writes the picture after all steps as floats into `out`: channel by channel, `[3, height, width]`,
    /// normalised if the pipeline ends in `Normalize`, 0-1 if it says nothing about it.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the picture has not the size that the draw was made for, or `out` has
    /// not room for exactly `3 * height * width` floats.
    pub fn write_chw(&self, image: &Image, out: &mut [f32]) -> Result<(), VisionError> {
        self.check(image)?;
        let (width, height) = self.size;
        let expected = width as usize * height as usize * 3;
        if out.len() != expected {
            return Err(VisionError::Argument(format!(
                "a picture of {width}x{height} pixels takes 3 x {height} x {width} = {expected} floats, but there is room for {}",
                out.len()
            )));
        }
        let ToFloats { scale, mean, std } = self.to_floats.unwrap_or_default();
        let scales = std.map(|std| scale / std);
        let shifts = [0, 1, 2].map(|channel| -mean[channel] / std[channel]);
        match run(&self.steps, Pixels::of(image))? {
            Some(buffer) => {
                float::to_planes(buffer.pixels(), scales, shifts, out);
                buffer.retire();
            }
            None => float::to_planes(Pixels::of(image), scales, shifts, out),
        }
        Ok(())
    }

    /// The picture after all steps as a tensor `[3, height, width]`, f32; the values are those of
    /// [`write_chw`](Self::write_chw).
    ///
    /// # Errors
    /// Those of [`apply`](Self::apply).
    pub fn tensor(&self, image: &Image) -> Result<Tensor, VisionError> {
        let (width, height) = self.size;
        let mut values = vec![0.0; width as usize * height as usize * 3];
        self.write_chw(image, &mut values)?;
        Ok(Tensor::from_slice(&values).view([3, i64::from(height), i64::from(width)]))
    }

    /// Where the boxes go, cut at the sides of the picture. A box that left the picture has no area.
    pub fn boxes(&self, boxes: &[BoundingBox]) -> Vec<BoundingBox> {
        let mut moved = boxes.to_vec();
        self.each_move(|step, from| {
            let (width, height) = step.size(from);
            for one in &mut moved {
                let corners = one.corners().map(|corner| step.point(corner, from));
                *one = BoundingBox::around(corners).clamped(width.into(), height.into());
            }
        });
        moved
    }

    /// Where the key points go, which may be outside of the picture.
    pub fn key_points(&self, points: &[KeyPoint]) -> Vec<KeyPoint> {
        let mut moved = points.to_vec();
        self.each_move(|step, from| {
            for KeyPoint { x, y } in &mut moved {
                [*x, *y] = step.point([*x, *y], from);
            }
        });
        moved
    }

    /// Which point of the picture is seen at this point after all steps.
    #[cfg(test)]
    pub(crate) fn source(&self, point: [f64; 2]) -> Option<[f64; 2]> {
        let mut moves = Vec::new();
        let mut size = self.from;
        for step in &self.steps {
            moves.push((step, size));
            size = step.size(size);
        }
        moves
            .iter()
            .rev()
            .try_fold(point, |point, (step, size)| match step {
                Step::Move(step) => step.source(point, *size),
                _ => Some(point),
            })
    }

    /// The mask, moved with the picture: each label comes from the nearest pixel, and what comes from outside
    /// of the picture is 0.
    ///
    /// # Errors
    /// [`VisionError::Argument`] when the mask has not the size that the draw was made for.
    pub fn mask(&self, mask: &Mask) -> Result<Mask, VisionError> {
        self.check_size((mask.width(), mask.height()), "mask")?;
        let mut moved = mask.clone();
        self.each_move(|step, from| {
            let (width, height) = step.size(from);
            let centre = |place: u32| f64::from(place) + 0.5;
            moved = Mask::from_fn(width, height, |x, y| {
                let source = step.source([centre(x), centre(y)], from);
                source.map_or(0, |[x, y]| moved.label_at(x, y))
            });
        });
        Ok(moved)
    }

    /// The picture with all that belongs to it.
    ///
    /// # Errors
    /// Those of [`apply`](Self::apply) and [`mask`](Self::mask).
    pub fn sample(&self, sample: &Sample) -> Result<Sample, VisionError> {
        let masks = sample.masks.iter().map(|mask| self.mask(mask));
        Ok(Sample {
            image: self.apply(&sample.image)?,
            boxes: self.boxes(&sample.boxes),
            masks: masks.collect::<Result<_, _>>()?,
            key_points: self.key_points(&sample.key_points),
        })
    }

    /// Calls `each` for the steps that move pixels, with the size before the step.
    fn each_move(&self, mut each: impl FnMut(&dyn Move, Size)) {
        let mut size = self.from;
        for step in &self.steps {
            if let Step::Move(step) = step {
                each(step.as_ref(), size);
            }
            size = step.size(size);
        }
    }

    fn check(&self, image: &Image) -> Result<(), VisionError> {
        self.check_size((image.width(), image.height()), "picture")
    }

    fn check_size(&self, found: Size, what: &str) -> Result<(), VisionError> {
        if found == self.from {
            return Ok(());
        }
        let (width, height) = self.from;
        Err(VisionError::Argument(format!(
            "this was drawn for {width}x{height} pixels, but the {what} has {}x{}; draw again for its size",
            found.0, found.1
        )))
    }
}

impl fmt::Display for Draw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(&self.steps, f)
    }
}

impl fmt::Debug for Draw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((width, height), (new_width, new_height)) = (self.from, self.size);
        write!(
            f,
            "Draw {{ {width}x{height} -> {new_width}x{new_height}: {self} }}"
        )
    }
}

/// The steps in words, separated by commas.
pub(crate) fn write_list(steps: &[Step], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if steps.is_empty() {
        return f.write_str("unchanged");
    }
    for (index, step) in steps.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{step}")?;
    }
    Ok(())
}

/// Does the steps to a picture; `None` when there are none.
pub(crate) fn run(steps: &[Step], image: Pixels<'_>) -> Result<Option<Buffer>, VisionError> {
    let Some((first, rest)) = steps.split_first() else {
        return Ok(None);
    };
    let mut front = Buffer::reused();
    first.render(image, &mut front)?;
    for step in rest {
        if let Step::Recolour(step) = step {
            step.change(&mut front)?;
        } else {
            let mut back = Buffer::reused();
            step.render(front.pixels(), &mut back)?;
            std::mem::replace(&mut front, back).retire();
        }
    }
    Ok(Some(front))
}

/// A number as captions say it: with so many decimals, and never "-0".
pub(crate) fn said(value: f64, decimals: i32) -> f64 {
    let unit = 10f64.powi(decimals);
    // The sum of both zeros has no sign.
    (value * unit).round() / unit + 0.0
}
