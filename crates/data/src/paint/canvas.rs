//! A picture under way: light in each pixel, and ways to put shapes on it.

use std::sync::LazyLock;

use glam::{Vec2, Vec3, vec2, vec3};
use image::RgbImage;

use super::noise::speck;
use crate::Random;

/// Pixels on a side of a canvas: half as many again as the picture has, so that edges come out smooth.
const CANVAS: usize = 224;

/// A square picture in linear light, each channel 0 upwards, larger than it will be.
#[derive(Clone)]
pub(crate) struct Canvas {
    /// Pixels in a row, and rows.
    pub(crate) side: usize,
    pub(crate) pixels: Vec<Vec3>,
}

impl Canvas {
    /// A black canvas.
    pub(crate) fn new() -> Self {
        let side = CANVAS;
        let pixels = vec![Vec3::ZERO; side * side];
        Self { side, pixels }
    }

    /// How far away each pixel is, before anything is painted.
    pub(crate) fn empty_depth(&self) -> Vec<f32> {
        vec![f32::INFINITY; self.pixels.len()]
    }

    /// A canvas with the light that `paint` gives for each place from (0, 0) to (1, 1).
    pub(crate) fn painted(paint: impl Fn(Vec2) -> Vec3) -> Self {
        let side = CANVAS;
        let place = |at: usize| (at as f32 + 0.5) / side as f32;
        let pixels = (0..side * side)
            .map(|at| paint(vec2(place(at % side), place(at / side))))
            .collect();
        Self { side, pixels }
    }

    /// Changes every pixel: `paint` is given its place from (0, 0) to (1, 1) and its light.
    pub(crate) fn repaint(&mut self, paint: impl Fn(Vec2, Vec3) -> Vec3) {
        let side = self.side;
        let place = |at: usize| (at as f32 + 0.5) / side as f32;
        for (at, pixel) in self.pixels.iter_mut().enumerate() {
            *pixel = paint(vec2(place(at % side), place(at / side)), *pixel);
        }
    }

    /// The light at a place from (0, 0) to (1, 1); beyond the border that of the border.
    pub(crate) fn light(&self, place: Vec2) -> Vec3 {
        let last = self.side - 1;
        let at = |part: f32| ((part * self.side as f32).max(0.0) as usize).min(last);
        self.pixels[at(place.y) * self.side + at(place.x)]
    }

    /// Fills the area within closed outlines (even-odd), given in parts of the side. `paint` gives light and
    /// opacity for a place.
    pub(crate) fn fill(&mut self, outline: &[Vec2], paint: impl Fn(Vec2) -> (Vec3, f32)) {
        const LINES: usize = 4;
        let side = self.side as f32;
        let (low, high) = outline
            .iter()
            .fold((f32::MAX, f32::MIN), |(l, h), p| (l.min(p.y), h.max(p.y)));
        let first = (low * side).max(0.0) as usize;
        let last = ((high * side).min(side - 1.0)).max(-1.0) as isize;
        let mut cover = vec![0.0_f32; self.side];
        let mut crossings = Vec::new();
        for y in first as isize..=last {
            let (mut from, mut to) = (self.side, 0);
            for line in 0..LINES {
                let at = (y as f32 + (line as f32 + 0.5) / LINES as f32) / side;
                crossings.clear();
                for (index, a) in outline.iter().enumerate() {
                    let b = outline[(index + 1) % outline.len()];
                    if (a.y <= at) != (b.y <= at) {
                        crossings.push((a.x + (b.x - a.x) * (at - a.y) / (b.y - a.y)) * side);
                    }
                }
                crossings.sort_by(f32::total_cmp);
                for pair in crossings.chunks_exact(2) {
                    let (a, b) = (pair[0].max(0.0), pair[1].min(side));
                    if a >= b {
                        continue;
                    }
                    let (left, right) = (a as usize, (b as usize).min(self.side - 1));
                    for (x, cover) in (left..).zip(&mut cover[left..=right]) {
                        let part = b.min(x as f32 + 1.0) - a.max(x as f32);
                        *cover += part / LINES as f32;
                    }
                    from = from.min(left);
                    to = to.max(right + 1);
                }
            }
            for (x, cover) in (from..to).zip(&cover[from.min(to)..to]) {
                let (light, opacity) =
                    paint(vec2((x as f32 + 0.5) / side, (y as f32 + 0.5) / side));
                let pixel = &mut self.pixels[y as usize * self.side + x];
                *pixel = pixel.lerp(light, (opacity * cover).clamp(0.0, 1.0));
            }
            cover[from.min(to)..to].fill(0.0);
        }
    }

    /// A dab of paint: an ellipse with half-axes `axes` turned by the direction `along`, soft at its rim by
    /// the part `soft` of its radius.
    pub(crate) fn dab(
        &mut self,
        centre: Vec2,
        axes: Vec2,
        along: Vec2,
        soft: f32,
        light: Vec3,
        opacity: f32,
    ) {
        let side = self.side as f32;
        let reach = axes.x.max(axes.y) + 0.7 / side;
        let pixel = 0.7 / side / axes.x.min(axes.y).max(1e-5);
        let soft = soft.max(pixel);
        let range = |at: f32| {
            let from = ((at - reach) * side).max(0.0) as usize;
            from..((at + reach) * side + 1.0).clamp(0.0, side) as usize
        };
        for y in range(centre.y) {
            for x in range(centre.x) {
                let off = vec2((x as f32 + 0.5) / side, (y as f32 + 0.5) / side) - centre;
                let turned = vec2(off.dot(along), off.perp_dot(along));
                let radius = (turned / axes).length();
                let cover = ((1.0 + 0.5 * soft - radius) / soft).clamp(0.0, 1.0);
                if cover > 0.0 {
                    let pixel = &mut self.pixels[y * self.side + x];
                    *pixel = pixel.lerp(light, opacity * cover);
                }
            }
        }
    }

    /// A line from `a` to `b`, as wide as `from` at its start and as `to` at its end.
    pub(crate) fn line(&mut self, a: Vec2, b: Vec2, from: f32, to: f32, light: Vec3) {
        let across = (b - a).perp().normalize_or_zero() * 0.5;
        // Thinner than a pixel is a pixel with less paint.
        let thinnest = 0.8 / self.side as f32;
        let opacity = (from.max(to) / thinnest).min(1.0);
        let (from, to) = (from.max(thinnest), to.max(thinnest * 0.6));
        let outline = [
            a + across * from,
            b + across * to,
            b - across * to,
            a - across * from,
        ];
        self.fill(&outline, |_| (light, opacity));
    }

    /// Adds light about a place, falling off to nothing at `radius`.
    pub(crate) fn glow(&mut self, centre: Vec2, radius: f32, light: Vec3) {
        self.repaint_near(centre, radius, |part, pixel| {
            pixel + light * (part * part * part)
        });
    }

    /// Changes the pixels within `radius` of a place; `paint` is given 1 at the centre to 0 at the rim.
    fn repaint_near(&mut self, centre: Vec2, radius: f32, paint: impl Fn(f32, Vec3) -> Vec3) {
        let side = self.side as f32;
        let range = |at: f32| {
            let from = ((at - radius) * side).max(0.0) as usize;
            from..((at + radius) * side + 1.0).clamp(0.0, side) as usize
        };
        for y in range(centre.y) {
            for x in range(centre.x) {
                let off = vec2((x as f32 + 0.5) / side, (y as f32 + 0.5) / side).distance(centre);
                if off < radius {
                    let pixel = &mut self.pixels[y * self.side + x];
                    *pixel = paint(1.0 - off / radius, *pixel);
                }
            }
        }
    }

    /// The picture of `side` x `side` pixels that a camera makes of it.
    pub(crate) fn develop(&self, camera: &Camera, side: u32) -> RgbImage {
        let side = side as usize;
        let small = self.framed(camera, side);
        let small = if camera.blur > 0.0 {
            blurred(&small, side, camera.blur)
        } else {
            small
        };
        let balance = camera.balance * metered(&small);
        let mut picture = RgbImage::new(side as u32, side as u32);
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let off = (vec2(x as f32, y as f32) + 0.5) / side as f32 - 0.5;
            let vignette = 1.0 - camera.vignette * off.length_squared() * 2.0;
            let light = small[y as usize * side + x as usize] * balance * vignette;
            let grey = light.dot(vec3(0.2126, 0.7152, 0.0722));
            let light = (grey + (light - grey) * camera.saturation).max(Vec3::ZERO);
            let grain = |channel: u32| {
                let coarse = speck(x as i32 / 2, y as i32 / 2, camera.grain_seed + channel) - 0.5;
                (speck(x as i32, y as i32, camera.grain_seed + 7 + channel) - 0.5 + 0.6 * coarse)
                    * camera.grain
            };
            let grey_grain = grain(0);
            for (channel, value) in pixel.0.iter_mut().enumerate() {
                let shown = 0.5 + (gamma(filmic(light[channel])) - 0.5) * camera.contrast;
                let grain = 0.7 * grey_grain + 0.3 * grain(1 + channel as u32);
                *value = (255.0 * (shown + grain) + 0.5).clamp(0.0, 255.0) as u8;
            }
        }
        picture
    }

    /// The part of the canvas that the camera takes in, four samples a pixel.
    fn framed(&self, camera: &Camera, side: usize) -> Vec<Vec3> {
        let step = 1.0 / side as f32;
        let along = vec2(1.0, camera.roll).normalize() * camera.zoom;
        let sample = |x: f32, y: f32| {
            let place = camera.middle + along * (x * step - 0.5) + along.perp() * (y * step - 0.5);
            // Very bright pixels count as white, so that their edges stay smooth.
            self.between(place).min(Vec3::splat(3.0)) * 0.25
        };
        (0..side * side)
            .map(|at| {
                let (x, y) = ((at % side) as f32, (at / side) as f32);
                sample(x + 0.25, y + 0.25)
                    + sample(x + 0.75, y + 0.25)
                    + sample(x + 0.25, y + 0.75)
                    + sample(x + 0.75, y + 0.75)
            })
            .collect()
    }

    /// The light at a place between pixels.
    fn between(&self, place: Vec2) -> Vec3 {
        let last = (self.side - 1) as f32 - 0.001;
        let at = (place * self.side as f32 - 0.5).clamp(Vec2::ZERO, Vec2::splat(last));
        let (x, y) = (at.x as usize, at.y as usize);
        let part = at - vec2(x as f32, y as f32);
        let row = |y: usize| {
            let start = y * self.side + x;
            self.pixels[start].lerp(self.pixels[start + 1], part.x)
        };
        row(y).lerp(row(y + 1), part.y)
    }
}

/// The exposure a meter would choose: half way, in stops, to a middle brightness.
fn metered(pixels: &[Vec3]) -> f32 {
    let sum: Vec3 = pixels.iter().sum();
    let mean = sum.dot(vec3(0.2126, 0.7152, 0.0722)) / pixels.len() as f32;
    (0.30 / mean.max(0.02)).sqrt()
}

/// A three-tap blur in both directions; `strength` 1 is a full one.
fn blurred(pixels: &[Vec3], side: usize, strength: f32) -> Vec<Vec3> {
    let side_weight = 0.25 * strength;
    let pass = |from: &[Vec3], step: usize, place: fn(usize, usize) -> usize| -> Vec<Vec3> {
        (0..from.len())
            .map(|at| {
                let before = if place(at, side) == 0 { at } else { at - step };
                let after = if place(at, side) + 1 == side {
                    at
                } else {
                    at + step
                };
                from[at] * (1.0 - 2.0 * side_weight) + (from[before] + from[after]) * side_weight
            })
            .collect()
    };
    let across = pass(pixels, 1, |at, side| at % side);
    pass(&across, side, |at, side| at / side)
}

/// How light becomes a picture; drawn the same way for all classes, so that it says nothing about them.
#[derive(Clone, Debug)]
pub(crate) struct Camera {
    /// The middle of what is taken in, how large that is (1 is the whole canvas), and how far it is tilted.
    middle: Vec2,
    zoom: f32,
    roll: f32,
    /// What each channel is multiplied by: exposure and white balance.
    balance: Vec3,
    saturation: f32,
    /// Above 1 is harsh, below 1 faded.
    contrast: f32,
    /// How much darker the corners are, 0-1.
    vignette: f32,
    /// Noise, in parts of the full range.
    grain: f32,
    grain_seed: u32,
    /// 0 is sharp.
    blur: f32,
}

impl Camera {
    /// A camera as people have it: never quite right, now and then quite wrong.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let zoom = 1.0 - 0.42 * random.unit() * random.unit();
        let roll = 0.05 * random.normal() * (1.0 - zoom).min(0.2) / 0.2;
        // As far to the sides as the canvas reaches.
        let room = (0.5 - 0.5 * zoom * (1.0 + roll.abs())).max(0.0);
        // Stops and tints as far apart as those of photographs from many hands: what is learnt from brightness
        // and colour alone would not get far with them.
        let warm = 0.15 * random.normal();
        let green = 0.04 * random.normal();
        let exposure = libm::exp2f(random.range(-1.2, 0.85));
        Self {
            middle: vec2(
                0.5 + random.range(-room, room),
                0.5 + random.range(-room, room),
            ),
            zoom,
            roll,
            balance: vec3(1.0 + warm, 1.0 + green, 1.0 - warm).max(Vec3::splat(0.5)) * exposure,
            // Black and white now and then, else from faded to rich.
            saturation: if random.chance(0.08) {
                0.0
            } else {
                random.range(0.2, 1.2)
            },
            contrast: libm::exp2f(random.range(-0.4, 0.25)),
            vignette: random.range(0.0, 0.45),
            grain: random.range(0.003, 0.035),
            grain_seed: random.bits() as u32 >> 4,
            blur: if random.chance(0.35) {
                random.range(0.2, 1.0)
            } else {
                0.0
            },
        }
    }
}

/// Light to 0-1 with soft highlights (Narkowicz, "ACES filmic tone mapping curve", 2015).
fn filmic(x: f32) -> f32 {
    let x = x * 0.8;
    (x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)).clamp(0.0, 1.0)
}

/// Linear light 0-1 to sRGB 0-1.
fn gamma(x: f32) -> f32 {
    static TABLE: LazyLock<Vec<f32>> = LazyLock::new(|| {
        (0..=4096)
            .map(|step| match step as f32 / 4096.0 {
                x if x <= 0.003_130_8 => 12.92 * x,
                x => 1.055 * libm::powf(x, 1.0 / 2.4) - 0.055,
            })
            .collect()
    });
    let at = x * 4096.0;
    let below = (at as usize).min(4095);
    TABLE[below] + (TABLE[below + 1] - TABLE[below]) * (at - below as f32)
}

/// A colour as it is written for the web, in linear light.
pub(crate) fn rgb(hex: u32) -> Vec3 {
    static TABLE: LazyLock<[f32; 256]> = LazyLock::new(|| {
        std::array::from_fn(|step| match step as f32 / 255.0 {
            x if x <= 0.040_45 => x / 12.92,
            x => libm::powf((x + 0.055) / 1.055, 2.4),
        })
    });
    let channel = |shift: u32| TABLE[(hex >> shift & 0xFF) as usize];
    vec3(channel(16), channel(8), channel(0))
}

/// A colour changed a little in brightness and tint.
pub(crate) fn vary(colour: Vec3, random: &mut Random, amount: f32) -> Vec3 {
    let bright = 1.0 + amount * random.range(-1.0, 1.0);
    let tint = vec3(
        random.range(-1.0, 1.0),
        random.range(-1.0, 1.0),
        random.range(-1.0, 1.0),
    );
    (colour * bright * (Vec3::ONE + tint * amount * 0.35)).max(Vec3::ZERO)
}
