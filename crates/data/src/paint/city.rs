//! Houses, cars and lamps as solid bodies, seen by a camera that may look anywhere.

use glam::{Vec2, Vec3, vec2, vec3};

use super::canvas::Canvas;
use super::noise::fbm;

/// A camera in a city: x is right along the street's crossing, y up, z along the street.
#[derive(Clone, Debug)]
pub(crate) struct Eye {
    pub(crate) place: Vec3,
    right: Vec3,
    up: Vec3,
    ahead: Vec3,
    focal: f32,
}

impl Eye {
    /// A camera at a place that looks in a direction; `roll` is how much it is tilted, `focal` its focal
    /// length in sides of the picture.
    pub(crate) fn new(place: Vec3, towards: Vec3, roll: f32, focal: f32) -> Self {
        let ahead = towards.normalize_or(Vec3::Z);
        let right = Vec3::Y.cross(ahead).normalize_or(Vec3::X);
        let up = ahead.cross(right);
        Self {
            place,
            right: (right + up * roll).normalize(),
            up: (up - right * roll).normalize(),
            ahead,
            focal,
        }
    }

    /// The direction, of length 1, of a place of the picture from (0, 0) to (1, 1).
    pub(crate) fn towards(&self, place: Vec2) -> Vec3 {
        (self.right * (place.x - 0.5) + self.up * (0.5 - place.y) + self.ahead * self.focal)
            .normalize()
    }

    /// Where a point is seen and how far ahead it is, if it is in front.
    pub(crate) fn seen(&self, point: Vec3) -> Option<(Vec2, f32)> {
        let off = point - self.place;
        let depth = off.dot(self.ahead);
        (depth > 0.2).then(|| {
            let scale = self.focal / depth;
            (
                vec2(
                    0.5 + off.dot(self.right) * scale,
                    0.5 - off.dot(self.up) * scale,
                ),
                depth,
            )
        })
    }
}

/// A body that light does not pass.
#[derive(Clone, Debug)]
pub(crate) struct Solid {
    pub(crate) shape: Shape,
    /// What the painter makes of it: a number that only the scene knows.
    pub(crate) kind: usize,
}

/// The shapes that a city is built of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A box between two corners.
    Block { low: Vec3, high: Vec3 },
    /// A roof over a box: its ridge runs along z if `along` is true, else along x.
    Roof { low: Vec3, high: Vec3, along: bool },
    /// An upright cylinder: the middle of its foot, its radius and its height.
    Post {
        foot: Vec3,
        radius: f32,
        height: f32,
    },
    /// A ball, flattened or not: its middle and its half-axes.
    Ball { middle: Vec3, axes: Vec3 },
    /// A ball of leaves, ragged at its rim.
    Crown { middle: Vec3, axes: Vec3, seed: u32 },
}

/// Where a ray meets a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) distance: f32,
    pub(crate) normal: Vec3,
}

impl Shape {
    /// The box around the shape.
    pub(crate) fn bounds(&self) -> (Vec3, Vec3) {
        match *self {
            Shape::Block { low, high } | Shape::Roof { low, high, .. } => (low, high),
            Shape::Post {
                foot,
                radius,
                height,
            } => (
                foot - vec3(radius, 0.0, radius),
                foot + vec3(radius, height, radius),
            ),
            Shape::Ball { middle, axes } | Shape::Crown { middle, axes, .. } => {
                (middle - axes, middle + axes)
            }
        }
    }

    /// The first place in front of `from` where the ray meets the shape.
    pub(crate) fn hit(&self, from: Vec3, towards: Vec3) -> Option<Hit> {
        match *self {
            Shape::Block { low, high } => block(low, high, from, towards),
            Shape::Roof { low, high, along } => roof(low, high, along, from, towards),
            Shape::Post {
                foot,
                radius,
                height,
            } => post(foot, radius, height, from, towards),
            Shape::Ball { middle, axes } => ball(middle, axes, from, towards),
            Shape::Crown { middle, axes, seed } => crown(middle, axes, seed, from, towards),
        }
    }
}

fn block(low: Vec3, high: Vec3, from: Vec3, towards: Vec3) -> Option<Hit> {
    let inverse = towards.recip();
    let (a, b) = ((low - from) * inverse, (high - from) * inverse);
    let (near, far) = (a.min(b), a.max(b));
    let enter = near.max_element();
    if enter <= 1e-3 || enter > far.min_element() {
        return None;
    }
    let normal = if near.x == enter {
        vec3(-towards.x.signum(), 0.0, 0.0)
    } else if near.y == enter {
        vec3(0.0, -towards.y.signum(), 0.0)
    } else {
        vec3(0.0, 0.0, -towards.z.signum())
    };
    Some(Hit {
        distance: enter,
        normal,
    })
}

/// The part of the box below two slanting planes that meet in its ridge.
fn roof(low: Vec3, high: Vec3, along: bool, from: Vec3, towards: Vec3) -> Option<Hit> {
    let middle = (low + high) * 0.5;
    let half = if along {
        middle.x - low.x
    } else {
        middle.z - low.z
    };
    let steep = (high.y - low.y) / half.max(0.1);
    let side = |hand: f32| {
        let normal = if along {
            vec3(hand * steep, 1.0, 0.0)
        } else {
            vec3(0.0, 1.0, hand * steep)
        };
        let normal = normal.normalize();
        (normal, normal.dot(vec3(middle.x, high.y, middle.z)))
    };
    let planes = [
        (Vec3::X, high.x),
        (Vec3::NEG_X, -low.x),
        (Vec3::Z, high.z),
        (Vec3::NEG_Z, -low.z),
        (Vec3::NEG_Y, -low.y),
        side(-1.0),
        side(1.0),
    ];
    let (mut enter, mut leave, mut normal) = (f32::MIN, f32::MAX, Vec3::Y);
    for (plane, offset) in planes {
        let approach = plane.dot(towards);
        let gap = offset - plane.dot(from);
        if approach.abs() < 1e-7 {
            if gap < 0.0 {
                return None;
            }
            continue;
        }
        let at = gap / approach;
        if approach < 0.0 {
            if at > enter {
                (enter, normal) = (at, plane);
            }
        } else {
            leave = leave.min(at);
        }
    }
    (enter > 1e-3 && enter < leave).then_some(Hit {
        distance: enter,
        normal,
    })
}

fn post(foot: Vec3, radius: f32, height: f32, from: Vec3, towards: Vec3) -> Option<Hit> {
    let off = vec2(from.x - foot.x, from.z - foot.z);
    let flat = vec2(towards.x, towards.z);
    let a = flat.length_squared();
    let b = off.dot(flat);
    let root = b * b - a * (off.length_squared() - radius * radius);
    if root < 0.0 || a < 1e-9 {
        return None;
    }
    let distance = (-b - root.sqrt()) / a;
    let y = from.y + towards.y * distance - foot.y;
    let normal = (off + flat * distance) / radius;
    (distance > 1e-3 && (0.0..height).contains(&y)).then_some(Hit {
        distance,
        normal: vec3(normal.x, 0.0, normal.y),
    })
}

fn ball(middle: Vec3, axes: Vec3, from: Vec3, towards: Vec3) -> Option<Hit> {
    let off = (from - middle) / axes;
    let ray = towards / axes;
    let a = ray.length_squared();
    let b = off.dot(ray);
    let root = b * b - a * (off.length_squared() - 1.0);
    if root < 0.0 {
        return None;
    }
    let distance = (-b - root.sqrt()) / a;
    (distance > 1e-3).then(|| Hit {
        distance,
        normal: ((off + ray * distance) / axes).normalize(),
    })
}

fn crown(middle: Vec3, axes: Vec3, seed: u32, from: Vec3, towards: Vec3) -> Option<Hit> {
    let hit = ball(middle, axes, from, towards)?;
    let point = from + towards * hit.distance;
    // Near its rim light passes between the leaves.
    let facing = -hit.normal.dot(towards);
    let leaves = fbm(vec2(point.x + point.z, point.y) / axes.y * 3.4, 3, seed);
    (facing > 0.42 + 0.9 * leaves).then_some(hit)
}

/// What is seen at a pixel: which body (none is the ground), how far away, which way it faces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) body: Option<usize>,
    pub(crate) hit: Hit,
}

/// Finds what each pixel shows: one of the bodies, the ground at height 0, or nothing, which is sky.
pub(crate) fn look(side: usize, eye: &Eye, bodies: &[Solid]) -> Vec<Option<Seen>> {
    let place = |at: usize| (at as f32 + 0.5) / side as f32;
    let rays: Vec<Vec3> = (0..side * side)
        .map(|at| eye.towards(vec2(place(at % side), place(at / side))))
        .collect();
    let mut seen: Vec<Option<Seen>> = rays
        .iter()
        .map(|ray| {
            let distance = -eye.place.y / ray.y;
            (ray.y < -1e-4).then_some(Seen {
                body: None,
                hit: Hit {
                    distance,
                    normal: Vec3::Y,
                },
            })
        })
        .collect();
    for (index, body) in bodies.iter().enumerate() {
        let (columns, rows) = window(side, eye, body.shape.bounds());
        for row in rows {
            for column in columns.clone() {
                let at = row * side + column;
                let Some(hit) = body.shape.hit(eye.place, rays[at]) else {
                    continue;
                };
                if seen[at].is_none_or(|before| hit.distance < before.hit.distance) {
                    seen[at] = Some(Seen {
                        body: Some(index),
                        hit,
                    });
                }
            }
        }
    }
    seen
}

/// The part of the picture that a box can be seen in.
fn window(
    side: usize,
    eye: &Eye,
    (low, high): (Vec3, Vec3),
) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let (mut least, mut most) = (Vec2::MAX, Vec2::MIN);
    for corner in 0..8 {
        let pick =
            |bit: usize, low: f32, high: f32| if corner >> bit & 1 == 0 { low } else { high };
        let point = vec3(
            pick(0, low.x, high.x),
            pick(1, low.y, high.y),
            pick(2, low.z, high.z),
        );
        // A corner behind the camera: the box may fill everything.
        let Some((place, _)) = eye.seen(point) else {
            return (0..side, 0..side);
        };
        least = least.min(place);
        most = most.max(place);
    }
    let range = |low: f32, high: f32| {
        let from = (low * side as f32).clamp(0.0, side as f32) as usize;
        from..(high * side as f32 + 1.0).clamp(0.0, side as f32) as usize
    };
    (range(least.x, most.x), range(least.y, most.y))
}

/// The bodies as the sun sees them: which of them may shade a place is known without asking all.
#[derive(Clone, Debug)]
pub(crate) struct Shade {
    sun: Vec3,
    /// Two directions across the sun's.
    across: [Vec3; 2],
    /// Where the first cell begins, and cells in a metre, seen from the sun.
    corner: Vec2,
    scale: Vec2,
    /// For each cell of [`CELLS`] x [`CELLS`] the bodies that reach into it.
    cells: Vec<Vec<usize>>,
}

/// Cells on a side of [`Shade`]: about as many as a street has bodies.
const CELLS: usize = 48;

impl Shade {
    pub(crate) fn new(sun: Vec3, bodies: &[Solid]) -> Self {
        let across = sun.any_orthonormal_vector();
        let mut shade = Self {
            sun,
            across: [across, sun.cross(across)],
            corner: Vec2::ZERO,
            scale: Vec2::ONE,
            cells: vec![Vec::new(); CELLS * CELLS],
        };
        let windows: Vec<(Vec2, Vec2)> = bodies
            .iter()
            .map(|body| shade.window(body.shape.bounds()))
            .collect();
        let (least, most) = windows
            .iter()
            .fold((Vec2::MAX, Vec2::MIN), |(least, most), (low, high)| {
                (least.min(*low), most.max(*high))
            });
        if bodies.is_empty() {
            return shade;
        }
        shade.corner = least;
        shade.scale = Vec2::splat(CELLS as f32) / (most - least).max(Vec2::splat(1e-3));
        for (index, (low, high)) in windows.into_iter().enumerate() {
            let (from, to) = (shade.cell(low), shade.cell(high));
            for row in from.1..=to.1 {
                for column in from.0..=to.0 {
                    shade.cells[row * CELLS + column].push(index);
                }
            }
        }
        shade
    }

    /// Where a box is, seen from the sun; a little larger than it is.
    fn window(&self, (low, high): (Vec3, Vec3)) -> (Vec2, Vec2) {
        let (middle, half) = ((low + high) * 0.5, (high - low) * 0.5);
        let middle = self.seen(middle);
        let reach = vec2(
            self.across[0].abs().dot(half),
            self.across[1].abs().dot(half),
        ) + Vec2::splat(0.02);
        (middle - reach, middle + reach)
    }

    fn seen(&self, point: Vec3) -> Vec2 {
        vec2(self.across[0].dot(point), self.across[1].dot(point))
    }

    /// The cell of a place that the sun sees; the nearest one beyond the border.
    fn cell(&self, place: Vec2) -> (usize, usize) {
        let at = (place - self.corner) * self.scale;
        let number = |x: f32| (x.max(0.0) as usize).min(CELLS - 1);
        (number(at.x), number(at.y))
    }

    /// Whether one of the bodies, those that this was made of, stands between a point and the sun.
    pub(crate) fn covers(&self, point: Vec3, bodies: &[Solid]) -> bool {
        let (column, row) = self.cell(self.seen(point));
        let inverse = self.sun.recip();
        self.cells[row * CELLS + column].iter().any(|&index| {
            let shape = &bodies[index].shape;
            let (low, high) = shape.bounds();
            // Most bodies are not in the way: the box around tells at once.
            let (a, b) = ((low - point) * inverse, (high - point) * inverse);
            let (near, far) = (a.min(b).max_element(), a.max(b).min_element());
            near < far
                && far > 0.05
                && shape
                    .hit(point, self.sun)
                    .is_some_and(|hit| hit.distance > 0.05)
        })
    }
}

/// Adds a soft glow around everything brighter than white.
pub(crate) fn bloom(canvas: &mut Canvas) {
    let side = canvas.side;
    let step = 6;
    let bright: Vec<(usize, glam::Vec3)> = (0..side * side)
        .filter(|at| (at % side).is_multiple_of(step) && (at / side).is_multiple_of(step))
        .filter_map(|at| {
            let light = canvas.pixels[at];
            (light.max_element() > 1.6).then_some((at, light.min(Vec3::splat(6.0))))
        })
        .take(160)
        .collect();
    for (at, light) in bright {
        let place = vec2((at % side) as f32, (at / side) as f32) / side as f32;
        canvas.glow(place, 0.06, light * 0.022);
    }
}
