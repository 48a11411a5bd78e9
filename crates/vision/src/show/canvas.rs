//! Shapes drawn into the pixels of an image.

use crate::Image;

/// The bytes of an image, to be drawn into; what is outside is left out.
pub(super) struct Canvas {
    width: i64,
    height: i64,
    bytes: Vec<u8>,
    /// Of a line, in pixels: two, or more on large images.
    thickness: i64,
}

impl Canvas {
    pub(super) fn new(image: &Image) -> Self {
        let longest = image.width().max(image.height());
        Self {
            width: image.width().into(),
            height: image.height().into(),
            bytes: image.as_bytes().to_vec(),
            thickness: i64::from(longest / 300).max(1),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// A square of the line's thickness around a pixel.
    fn spot(&mut self, x: i64, y: i64, radius: i64, colour: [u8; 3]) {
        // Places far outside have no neighbours.
        let around = |place: i64, side: i64| {
            let end = place.saturating_add(radius + 1).min(side);
            place.saturating_sub(radius).max(0)..end
        };
        for y in around(y, self.height) {
            for x in around(x, self.width) {
                let start = ((y * self.width + x) * 3) as usize;
                self.bytes[start..start + 3].copy_from_slice(&colour);
            }
        }
    }

    /// A filled square with a dark rim around a point.
    pub(super) fn dot(&mut self, [x, y]: [f32; 2], colour: [u8; 3]) {
        let (x, y) = (x.floor() as i64, y.floor() as i64);
        self.spot(x, y, self.thickness + 1, [0; 3]);
        self.spot(x, y, self.thickness, colour);
    }

    /// The four sides of a box.
    pub(super) fn outline(&mut self, [left, top, right, bottom]: [f32; 4], colour: [u8; 3]) {
        let corners = [[left, top], [right, top], [right, bottom], [left, bottom]];
        for side in 0..4 {
            self.line(corners[side], corners[(side + 1) % 4], colour);
        }
    }

    /// A line between two points.
    pub(super) fn line(&mut self, from: [f32; 2], to: [f32; 2], colour: [u8; 3]) {
        // Beyond this nothing is seen, and steps would be wasted.
        let limit = (self.width + self.height) as f32 * 2.0;
        let [from, to] = [from, to].map(|point| point.map(|v| v.clamp(-limit, limit)));
        let steps = (to[0] - from[0]).abs().max((to[1] - from[1]).abs()).ceil();
        let radius = self.thickness / 2;
        for step in 0..=steps as i64 {
            let part = step as f32 / steps.max(1.0);
            let [x, y] = [0, 1].map(|i| (from[i] + (to[i] - from[i]) * part).floor() as i64);
            self.spot(x, y, radius, colour);
        }
    }
}
