//! Land as a field of heights, and water about it, seen by a camera.

use std::cell::Cell;

use glam::{Vec2, Vec3, vec2, vec3};

use super::air::{Air, power64};
use super::canvas::{Canvas, rgb};
use super::noise::{fbm, noise, smoothstep};

/// Where the picture is taken from: x is right, y up, z ahead, in metres.
#[derive(Clone, Debug)]
pub(crate) struct Viewpoint {
    pub(crate) eye: Vec3,
    /// Where the horizon is, from 0 (top) to 1 (bottom). Beyond is up or down.
    pub(crate) horizon: f32,
    /// The focal length in sides of the picture: 1 sees 53 degrees.
    pub(crate) focal: f32,
}

impl Viewpoint {
    /// The direction, of length 1, of a place of the picture.
    pub(crate) fn towards(&self, place: Vec2) -> Vec3 {
        vec3(place.x - 0.5, self.horizon - place.y, self.focal).normalize()
    }

    /// Where a point is seen, if it is in front.
    pub(crate) fn seen(&self, point: Vec3) -> Option<Vec2> {
        let off = point - self.eye;
        (off.z > 0.05).then(|| {
            vec2(
                0.5 + off.x / off.z * self.focal,
                self.horizon - off.y / off.z * self.focal,
            )
        })
    }
}

/// Paints the sky wherever nothing has been painted.
pub(crate) fn paint_sky(canvas: &mut Canvas, depth: &[f32], view: &Viewpoint, air: &Air) {
    let side = canvas.side;
    let place = |at: usize| (at as f32 + 0.5) / side as f32;
    for (at, pixel) in canvas.pixels.iter_mut().enumerate() {
        if depth[at].is_infinite() {
            *pixel = air.sky(view.towards(vec2(place(at % side), place(at / side))));
        }
    }
}

/// Heights over a square of land that starts at the camera's feet. They are worked out when they are first asked
/// for: most of a square is never seen.
pub(crate) struct Land<'a> {
    /// Metres on a side.
    size: f32,
    cells: usize,
    /// Metres between two heights.
    step: f32,
    height: Box<dyn Fn(Vec2) -> f32 + 'a>,
    sun: Vec3,
    /// Not a number where nobody has asked yet; so in `lit`.
    heights: Vec<Cell<f32>>,
    /// How much of the sun reaches each place, 0-1.
    lit: Vec<Cell<f32>>,
}

impl<'a> Land<'a> {
    /// `size` metres of land ahead, its heights given by `height(x, z)`, with the shadows that it throws.
    pub(crate) fn new(
        size: f32,
        cells: usize,
        sun: Vec3,
        height: impl Fn(Vec2) -> f32 + 'a,
    ) -> Self {
        let unknown = vec![Cell::new(f32::NAN); cells * cells];
        Self {
            size,
            cells,
            step: size / (cells - 1) as f32,
            height: Box::new(height),
            sun,
            heights: unknown.clone(),
            lit: unknown,
        }
    }

    /// The height of the land at a corner of its cells.
    #[inline]
    fn height_at(&self, at: usize) -> f32 {
        known(&self.heights[at], || {
            (self.height)(vec2(
                (at % self.cells) as f32 * self.step - self.size / 2.0,
                (at / self.cells) as f32 * self.step,
            ))
        })
    }

    /// How much of the sun reaches a corner of its cells.
    #[inline]
    fn lit_at(&self, at: usize) -> f32 {
        // Every other corner is worked out, and stands for its neighbours.
        let (column, row) = ((at % self.cells) & !1, (at / self.cells) & !1);
        known(&self.lit[row * self.cells + column], || {
            self.sun_at(column, row)
        })
    }

    /// The height at a place; beyond the border that of the border.
    #[inline]
    pub(crate) fn height(&self, place: Vec2) -> f32 {
        self.sample(place, |at| self.height_at(at))
    }

    #[inline]
    fn sample(&self, place: Vec2, field: impl Fn(usize) -> f32) -> f32 {
        let last = (self.cells - 1) as f32 - 0.001;
        let x = (place.x / self.step + (self.cells - 1) as f32 / 2.0).clamp(0.0, last);
        let z = (place.y / self.step).clamp(0.0, last);
        let (column, row) = (x as usize, z as usize);
        let (fx, fz) = (x - column as f32, z - row as f32);
        let at = row * self.cells + column;
        let near = field(at);
        let near = near + (field(at + 1) - near) * fx;
        let far = field(at + self.cells);
        let far = far + (field(at + self.cells + 1) - far) * fx;
        near + (far - near) * fz
    }

    /// Which way the ground faces.
    #[inline]
    pub(crate) fn normal(&self, place: Vec2) -> Vec3 {
        let e = self.step * 0.7;
        let dx = self.height(place + vec2(e, 0.0)) - self.height(place - vec2(e, 0.0));
        let dz = self.height(place + vec2(0.0, e)) - self.height(place - vec2(0.0, e));
        vec3(-dx, 2.0 * e, -dz).normalize()
    }

    /// How much of the sun reaches a place, 0-1.
    #[inline]
    fn lit(&self, place: Vec2) -> f32 {
        self.sample(place, |at| self.lit_at(at))
    }

    /// Walks from a corner towards the sun, and looks at what stands higher than its ray.
    fn sun_at(&self, column: usize, row: usize) -> f32 {
        let sun = self.sun;
        let stride = vec2(sun.x, sun.z).normalize_or(Vec2::X);
        let rise = sun.y / vec2(sun.x, sun.z).length().max(1e-3);
        let here = self.height_at(row * self.cells + column);
        let mut free = 1.0_f32;
        let mut distance = 2.0;
        while distance < self.cells as f32 * 0.5 && free > 0.0 {
            let x = column as f32 + stride.x * distance;
            let z = row as f32 + stride.y * distance;
            if x < 0.0 || z < 0.0 || x as usize >= self.cells || z as usize >= self.cells {
                break;
            }
            let there = self.height_at(z as usize * self.cells + x as usize);
            let run = distance * self.step;
            // Half in shade where the ray passes close above a crest: that is a soft edge.
            free = free.min(0.5 + 9.0 * (here + run * rise - there) / run);
            distance *= 1.22;
        }
        free.clamp(0.0, 1.0)
    }

    /// Paints the land that lies in front of what is on the canvas, column by column from near to far.
    /// `ground` gives its colour at a point, and may roughen its normal; `depth` is how far away each pixel
    /// is, in metres along z.
    pub(crate) fn paint(
        &self,
        canvas: &mut Canvas,
        depth: &mut [f32],
        view: &Viewpoint,
        air: &Air,
        ground: impl Fn(Vec3, &mut Vec3) -> Vec3,
    ) {
        let side = canvas.side;
        let scale = side as f32;
        let reach = self.step * (self.cells - 1) as f32;
        for column in 0..side {
            let slope = ((column as f32 + 0.5) / scale - 0.5) / view.focal;
            let mut top = side as isize;
            let mut z = (view.eye.y.abs() * 0.4).clamp(0.8, 40.0);
            let (mut last_z, mut last_y) = (z, f32::MAX);
            while z < reach && top > 0 {
                let place = vec2(view.eye.x + slope * z, z + view.eye.z);
                let height = self.height(place);
                let y = (view.horizon - (height - view.eye.y) / z * view.focal) * scale;
                let first = y.max(0.0).ceil() as isize;
                if first < top {
                    for row in (first..top).rev() {
                        // Where between the last step and this one the pixel's ray meets the ground.
                        let part = match last_y - y {
                            rise if rise > 0.5 && last_y < f32::MAX => {
                                ((last_y - row as f32) / rise).clamp(0.0, 1.0)
                            }
                            _ => 1.0,
                        };
                        let at_z = last_z + (z - last_z) * part;
                        let at = vec2(view.eye.x + slope * at_z, at_z + view.eye.z);
                        let point = vec3(
                            at.x,
                            view.eye.y
                                + (view.horizon - (row as f32 + 0.5) / scale) / view.focal * at_z,
                            at.y,
                        );
                        let pixel = row as usize * side + column;
                        if depth[pixel] < at_z {
                            continue;
                        }
                        depth[pixel] = at_z;
                        canvas.pixels[pixel] = self.shade(point, at_z, slope, view, air, &ground);
                    }
                    top = first;
                }
                (last_z, last_y) = (z, y);
                z += (z * 0.008).max(self.step * 0.15).max(0.05);
            }
        }
    }

    #[inline]
    fn shade(
        &self,
        point: Vec3,
        distance: f32,
        slope: f32,
        view: &Viewpoint,
        air: &Air,
        ground: &impl Fn(Vec3, &mut Vec3) -> Vec3,
    ) -> Vec3 {
        let place = vec2(point.x, point.z);
        let mut normal = self.normal(place);
        let colour = ground(point, &mut normal);
        let light = colour * air.on(normal, self.lit(place));
        let rise = (point.y - view.eye.y) / distance;
        air.through(light, distance, vec3(slope, rise, 1.0).normalize())
    }
}

/// What the cell holds; worked out now if it holds no number yet.
#[inline]
fn known(cell: &Cell<f32>, work_out: impl FnOnce() -> f32) -> f32 {
    let value = cell.get();
    if !value.is_nan() {
        return value;
    }
    let value = work_out();
    cell.set(value);
    value
}

/// How a surface of water looks.
#[derive(Clone, Debug)]
pub(crate) struct Water {
    pub(crate) level: f32,
    /// The colour of deep and of shallow water.
    pub(crate) deep: Vec3,
    pub(crate) shallow: Vec3,
    /// How high the waves are, 0 (a mirror) to 1 (a storm).
    pub(crate) waves: f32,
    /// The length of the longest waves, in metres.
    pub(crate) swell: f32,
    /// How many metres of water hide the ground.
    pub(crate) clearness: f32,
    /// How wide the surf is, in metres of depth; 0 has none.
    pub(crate) surf: f32,
    pub(crate) seed: u32,
}

impl Water {
    /// Paints the water that lies in front of what is on the canvas. `ground` gives the height of the
    /// ground below, for the shallows and the surf.
    pub(crate) fn paint(
        &self,
        canvas: &mut Canvas,
        depth: &mut [f32],
        view: &Viewpoint,
        air: &Air,
        ground: impl Fn(Vec2) -> f32,
    ) {
        let side = canvas.side;
        let behind = canvas.clone();
        let drop = view.eye.y - self.level;
        for row in 0..side {
            let y = (row as f32 + 0.5) / side as f32;
            let down = (y - view.horizon) / view.focal;
            if down <= 1e-4 {
                continue;
            }
            let distance = drop / down;
            for column in 0..side {
                let at = row * side + column;
                if depth[at] < distance * 0.999 {
                    continue;
                }
                let x = (column as f32 + 0.5) / side as f32;
                let slope = (x - 0.5) / view.focal;
                let place = vec2(view.eye.x + slope * distance, view.eye.z + distance);
                let towards = vec3(slope, -down, 1.0).normalize();
                let below = (self.level - ground(place)).max(0.0);
                let normal = self.normal(place, distance, below);
                let mirrored = self.mirrored(&behind, vec2(x, y), normal, view, air, towards);
                let light = self.light(place, distance, below, normal, towards, mirrored, air);
                canvas.pixels[at] = air.through(light, distance * 0.8, towards);
                depth[at] = distance;
            }
        }
    }

    /// Which way the surface faces: long waves, and ripples that distance smooths away.
    #[inline]
    fn normal(&self, place: Vec2, distance: f32, below: f32) -> Vec3 {
        let calm = smoothstep(0.0, 1.5, below + 0.3);
        let (mut dx, mut dz) = (0.0, 0.0);
        let (mut length, mut strength) = (self.swell, 0.55);
        for octave in 0..4 {
            // Waves shorter than a pixel at that distance are not seen one by one.
            let seen = 1.0 / (1.0 + (distance * 0.012 / length) * (distance * 0.012 / length));
            let p = vec2(place.x * 0.42, place.y) / length;
            let seed = self.seed + 3 * octave;
            let here = noise(p, seed);
            dx += strength * seen * (noise(p + vec2(0.12, 0.0), seed) - here) * 4.0;
            dz += strength * seen * (noise(p + vec2(0.0, 0.12), seed) - here) * 8.0;
            length *= 0.42;
            strength *= 0.72;
        }
        let height = self.waves * calm;
        vec3(-dx * height, 1.0, -dz * height).normalize()
    }

    /// What the water mirrors: what stands on the canvas above the horizon, else the sky.
    #[inline]
    fn mirrored(
        &self,
        behind: &Canvas,
        place: Vec2,
        normal: Vec3,
        view: &Viewpoint,
        air: &Air,
        towards: Vec3,
    ) -> Vec3 {
        let up = towards - normal * 2.0 * towards.dot(normal);
        let up = vec3(up.x, up.y.max(0.02), up.z.max(0.05)).normalize();
        let y = view.horizon - up.y / up.z * view.focal;
        if y < 0.0 || self.waves > 0.35 {
            return air.glow(up);
        }
        let x = place.x + normal.x * 0.25;
        behind.light(vec2(x.clamp(0.0, 1.0), y))
    }

    #[allow(clippy::too_many_arguments)] // one place on the water, described
    #[inline]
    fn light(
        &self,
        place: Vec2,
        distance: f32,
        below: f32,
        normal: Vec3,
        towards: Vec3,
        mirrored: Vec3,
        air: &Air,
    ) -> Vec3 {
        let facing = (-towards.dot(normal)).clamp(0.0, 1.0);
        let grazing = 1.0 - facing;
        let fresnel = 0.03 + 0.97 * (grazing * grazing) * (grazing * grazing) * grazing;
        // Rough water far away never mirrors at a grazing angle: its waves face the eye.
        let fresnel = fresnel.min(0.95 - 0.45 * self.waves);
        let sunk = 1.0 - libm::expf(-below / self.clearness);
        let body = self.shallow.lerp(self.deep, sunk)
            * (air.skylight + air.sunlight * air.sun.y.max(0.05) * 0.55);
        let mut light = body.lerp(mirrored, fresnel);
        let half = (air.sun - towards).normalize_or_zero();
        let shine = power64(normal.dot(half).max(0.0));
        light += air.sunlight * (shine * shine * (1.2 - self.waves) * 1.2);
        let foam = self.foam(place, distance, below);
        light.lerp(rgb(0xF4F8FA) * air.on(Vec3::Y, 0.8) * 0.62, foam)
    }

    /// How much foam covers a place, 0-1: surf where it is shallow, white caps where waves are high.
    #[inline]
    fn foam(&self, place: Vec2, distance: f32, below: f32) -> f32 {
        let mut foam = 0.0_f32;
        if self.surf > 0.0 && below < self.surf * 3.2 {
            let along = fbm(place * 0.045, 3, self.seed + 40);
            let phase = below / self.surf * 1.35 + 0.55 * along;
            let since = phase - phase.floor();
            let lace = 0.5 + 0.9 * fbm(place * vec2(0.35, 0.8), 3, self.seed + 50);
            let front = smoothstep(0.0, 0.08, since) * (1.0 - smoothstep(0.10, 0.62, since));
            let reach = 1.0 - smoothstep(1.6, 3.2, below / self.surf);
            let shore = 1.0 - smoothstep(0.0, 0.22, below / self.surf);
            foam = (front * (0.55 + 0.6 * lace) * reach).max(shore * (0.4 + lace));
        }
        if self.waves > 0.3 {
            let caps = fbm(
                vec2(place.x * 0.4, place.y) / self.swell * 1.7,
                4,
                self.seed + 60,
            );
            let near = 1.0 / (1.0 + distance * distance / 90_000.0);
            foam = foam.max(smoothstep(0.62 - 0.4 * self.waves, 0.75, caps) * near * 0.9);
        }
        foam.clamp(0.0, 1.0)
    }
}
