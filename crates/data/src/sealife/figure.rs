//! An animal as a figure: a spine that bends, a body about it, fins.

use glam::{Vec2, Vec3, vec2, vec3};

use crate::Random;
use crate::paint::canvas::Canvas;
use crate::paint::noise::{fbm, smoothstep};

/// Where a figure is in the picture, and in which pose. Its own measures: the nose is at (0.5, 0), the tail
/// at (-0.5, 0), up is positive.
#[derive(Clone, Debug)]
pub(super) struct Pose {
    pub(super) at: Vec2,
    /// Its length in sides of the picture.
    pub(super) length: f32,
    /// Which way it heads; the sense of its turn is that of the picture.
    pub(super) heading: Vec2,
    /// How its back is bent, and how its tail swings.
    pub(super) bend: f32,
    pub(super) swing: f32,
    /// -1 to swim to the left with its back up.
    pub(super) flip: f32,
}

impl Pose {
    /// The place in the picture of a point of the figure.
    pub(super) fn place(&self, point: Vec2) -> Vec2 {
        let back = (0.15 - point.x).max(0.0);
        let spine = -self.bend * point.x * point.x + self.swing * back * back;
        let local = vec2(point.x, point.y + spine);
        let along = self.heading;
        let up = vec2(along.y, -along.x) * self.flip;
        self.at + (along * local.x + up * local.y) * self.length
    }
}

/// The light that falls on a figure, and the water before it.
#[derive(Clone, Debug)]
pub(super) struct Shade {
    pub(super) light: Vec3,
    pub(super) ambient: Vec3,
    /// The colour of the water, and how much of it lies before the figure, 0-1.
    pub(super) water: Vec3,
    pub(super) murk: f32,
    /// Where the light comes from: x to the right, y up, z towards us.
    pub(super) from: Vec3,
    pub(super) seed: u32,
}

impl Shade {
    /// The light that reaches the eye from a surface of this colour that faces there.
    pub(super) fn on(&self, colour: Vec3, facing: Vec3) -> Vec3 {
        let lit = facing.dot(self.from).max(0.0);
        (colour * (self.ambient * (0.7 + 0.3 * facing.y) + self.light * lit))
            .lerp(self.water, self.murk)
    }
}

/// The thickness of a body: at a part of its length from nose (0) to tail (1), how far it reaches up and down.
pub(super) type Profile<'a> = &'a [(f32, f32, f32)];

/// Thickness between the points of a profile, smooth.
fn thickness(profile: Profile, t: f32) -> (f32, f32) {
    let next = profile
        .iter()
        .position(|point| point.0 >= t)
        .unwrap_or(profile.len() - 1)
        .max(1);
    let (a, b) = (profile[next - 1], profile[next]);
    let part = smoothstep(a.0, b.0, t);
    // Half a smooth step, half a straight line: no bumps at the points.
    let line = ((t - a.0) / (b.0 - a.0)).clamp(0.0, 1.0);
    let part = 0.5 * (part + line);
    (a.1 + (b.1 - a.1) * part, a.2 + (b.2 - a.2) * part)
}

/// Paints a body. `skin` gives its colour for the part of its length and the height on it, -1 (belly) to 1.
pub(super) fn body(
    canvas: &mut Canvas,
    pose: &Pose,
    shade: &Shade,
    profile: Profile,
    skin: impl Fn(f32, f32) -> Vec3,
) {
    const STEPS: usize = 44;
    let at = |step: usize| step as f32 / STEPS as f32;
    let edge = |t: f32, up: bool| {
        let (above, below) = thickness(profile, t);
        pose.place(vec2(0.5 - t, if up { above } else { -below }))
    };
    let mut outline: Vec<Vec2> = (0..=STEPS).map(|step| edge(at(step), true)).collect();
    outline.extend((0..=STEPS).rev().map(|step| edge(at(step), false)));
    let ribs: Vec<(Vec2, Vec2)> = (0..=STEPS)
        .map(|step| (edge(at(step), false), edge(at(step), true)))
        .collect();
    canvas.fill(&outline, |place| {
        // The rib that is nearest to the place.
        let (step, _) = ribs
            .iter()
            .enumerate()
            .fold((0, f32::MAX), |best, (step, (low, high))| {
                let far = ((*low + *high) * 0.5).distance_squared(place);
                if far < best.1 { (step, far) } else { best }
            });
        let (low, high) = ribs[step];
        let across = high - low;
        let up = ((place - low).dot(across) / across.length_squared().max(1e-9)).clamp(0.0, 1.0)
            * 2.0
            - 1.0;
        let skin = skin(at(step), up);
        let round = (1.0 - up * up).max(0.0).sqrt();
        let out = across.normalize_or(Vec2::NEG_Y);
        let facing = vec3(out.x * up, -out.y * up, round);
        let sheen = facing.dot((shade.from + Vec3::Z).normalize()).max(0.0);
        let sheen = sheen * sheen * sheen * sheen;
        let wet = shade.light * (sheen * sheen * 0.10 * (1.0 - shade.murk));
        (shade.on(skin, facing) + wet, 1.0)
    });
}

/// Paints a fin, a limb or a tail: a smooth outline through points of the figure, darker towards its tip.
pub(super) fn fin(
    canvas: &mut Canvas,
    pose: &Pose,
    shade: &Shade,
    colour: Vec3,
    facing: Vec3,
    points: &[Vec2],
) {
    let outline = smooth(
        &points
            .iter()
            .map(|&point| pose.place(point))
            .collect::<Vec<_>>(),
    );
    let root = pose.place(points[0]);
    let light = shade.on(colour, facing.normalize_or(Vec3::Z));
    let scale = 1.0 / (0.2 * pose.length);
    canvas.fill(&outline, |place| {
        let out = (place.distance(root) * scale).min(1.0);
        let grain = 1.0 + 0.12 * fbm(place * 60.0, 2, shade.seed);
        (light * (1.08 - 0.22 * out) * grain, 1.0)
    });
}

/// A closed curve through the points (Catmull and Rom), sharp where two follow that are the same.
pub(super) fn smooth(points: &[Vec2]) -> Vec<Vec2> {
    let count = points.len();
    let mut curve = Vec::with_capacity(count * 6);
    for index in 0..count {
        let at = |offset: usize| points[(index + count + offset - 1) % count];
        let (a, b, c, d) = (at(0), at(1), at(2), at(3));
        for step in 0..6 {
            let t = step as f32 / 6.0;
            let (t2, t3) = (t * t, t * t * t);
            curve.push(
                0.5 * (2.0 * b
                    + (c - a) * t
                    + (2.0 * a - 5.0 * b + 4.0 * c - d) * t2
                    + (3.0 * b - a - 3.0 * c + d) * t3),
            );
        }
    }
    curve
}

/// A line on the skin, for example a mouth, through points of the figure.
pub(super) fn stroke(canvas: &mut Canvas, pose: &Pose, points: &[Vec2], width: f32, light: Vec3) {
    for pair in points.windows(2) {
        let width = width * pose.length;
        canvas.line(
            pose.place(pair[0]),
            pose.place(pair[1]),
            width,
            width,
            light,
        );
    }
}

/// Small dark or light spots on the skin, an eye for example.
pub(super) fn spot(canvas: &mut Canvas, pose: &Pose, point: Vec2, radius: f32, light: Vec3) {
    canvas.dab(
        pose.place(point),
        Vec2::splat(radius * pose.length),
        Vec2::X,
        0.3,
        light,
        1.0,
    );
}

/// A heading near the horizontal, to the left or to the right, and the flip that keeps the back up.
pub(super) fn level(random: &mut Random, most: f32) -> (Vec2, f32) {
    let angle = random.range(-most, most);
    let heading = vec2(libm::cosf(angle), libm::sinf(angle));
    if random.chance(0.5) {
        (heading, 1.0)
    } else {
        (vec2(-heading.x, heading.y), -1.0)
    }
}
