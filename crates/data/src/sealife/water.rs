//! The sea about the animals: below the surface, across it, and from above.

use glam::{Vec2, Vec3, vec2, vec3};

use super::figure::{Pose, Shade, level};
use super::whales::{Animal, Kind};
use crate::Random;
use crate::paint::air::{Air, Mood};
use crate::paint::canvas::{Canvas, rgb, vary};
use crate::paint::land::{Viewpoint, Water, paint_sky};
use crate::paint::noise::{fbm, noise, smoothstep};

/// The water before one of the three is clearer than it is before what lives in the source task.
const CLEARER: f32 = 0.5;

/// Below the surface: light from above, rays, often a floor of sand or rock.
pub(super) struct Depths {
    pub(super) canvas: Canvas,
    pub(super) shade: Shade,
}

pub(super) fn depths(random: &mut Random) -> Depths {
    let (bright, deep) = random.pick(&[
        (0x7FD0E0, 0x0A4A78),
        (0x58B4D8, 0x06305C),
        (0x8AD8C8, 0x14645E),
        (0x4A90C0, 0x041E40),
        (0x9CC8B8, 0x2A5A50),
        (0xA8C8D8, 0x3A6478),
    ]);
    let (bright, deep) = (
        vary(rgb(bright), random, 0.15),
        vary(rgb(deep), random, 0.2),
    );
    let seed = random.bits() as u32 >> 3;
    let slope = random.range(-0.6, 0.6);
    let rays = random.range(0.0, 0.4);
    let surface = if random.chance(0.35) {
        random.range(0.05, 0.22)
    } else {
        -1.0
    };
    let floor = if random.chance(0.3) {
        random.range(0.72, 0.95)
    } else {
        2.0
    };
    let sand = vary(
        rgb(random.pick(&[0xC8B890, 0x8A8468, 0x6A7A70])),
        random,
        0.15,
    );
    let canvas = Canvas::painted(|place| {
        let down = smoothstep(-0.15, 1.05, place.y + 0.08 * fbm(place * 2.0, 2, seed));
        let mut light = bright.lerp(deep, down);
        let beam = noise(
            vec2((place.x + slope * place.y) * 6.0, 0.3 * place.y),
            seed + 1,
        ) + 0.5 * noise(vec2((place.x + slope * place.y) * 15.0, 0.2), seed + 2);
        light += bright * (rays * smoothstep(0.0, 0.8, beam) * (1.0 - place.y));
        if place.y < surface {
            let near = (surface - place.y) / surface;
            let ripple = fbm(vec2(place.x * 5.0, 0.9 / (near + 0.06)), 4, seed + 3);
            light = light.lerp(bright * (1.2 + 1.2 * ripple), smoothstep(0.0, 0.35, near));
        }
        let rise = floor + 0.05 * fbm(vec2(place.x * 3.0, 0.0), 3, seed + 4);
        if place.y > rise {
            let near = (place.y - rise) / 0.3;
            let point = vec2((place.x - 0.5) / (near + 0.1), 1.0 / (near + 0.1));
            let ripples = noise(point * vec2(2.0, 7.0), seed + 5);
            let caustic = 1.0 - noise(point * 4.0, seed + 6).abs() * 2.5;
            let ground =
                sand * (bright * 0.55 + deep) * (0.9 + 0.25 * ripples + 0.35 * caustic.max(0.0));
            light = light.lerp(ground, smoothstep(0.0, 0.25, near));
        }
        light
    });
    let murk = random.range(0.08, 0.5);
    let shade = Shade {
        light: bright * random.range(1.0, 1.7),
        ambient: bright.lerp(deep, 0.5) * 1.1 + 0.06,
        water: bright.lerp(deep, 0.5),
        murk,
        from: vec3(slope * 0.5, 1.0, random.range(0.2, 0.7)).normalize(),
        seed,
    };
    Depths { canvas, shade }
}

/// What floats before everything: bubbles and grains that the light catches.
pub(super) fn specks(canvas: &mut Canvas, light: Vec3, random: &mut Random) {
    for _ in 0..random.below(50) {
        let at = vec2(random.unit(), random.unit());
        let size = random.range(0.0015, 0.006);
        let opacity = random.range(0.1, 0.5);
        canvas.dab(at, Vec2::splat(size), Vec2::X, 0.8, light, opacity);
    }
}

pub(super) fn under_water(random: &mut Random, animal: &Animal) -> Canvas {
    let Depths {
        mut canvas,
        mut shade,
    } = depths(random);
    shade.murk *= CLEARER;
    for _ in 0..random.below(3) {
        school(&mut canvas, &shade, random);
    }
    // Dolphins swim in pods.
    let company = match animal.kind {
        Kind::Dolphin => 0.6,
        _ => 0.2,
    };
    if random.chance(company) {
        let far = Shade {
            murk: (shade.murk + 0.35).min(0.85),
            ..shade.clone()
        };
        let length = random.range(0.22, 0.4);
        let pose = pose(random, length, 0.35);
        animal.side(&mut canvas, &pose, &far);
    }
    // Sometimes near enough that a part is outside of the picture.
    let length = random.range(0.7, 1.1);
    let pose = pose(random, length, 0.5);
    animal.side(&mut canvas, &pose, &shade);
    specks(&mut canvas, shade.light, random);
    canvas
}

/// A pose somewhere in the picture, heading at most `tilt` away from the horizontal.
pub(super) fn pose(random: &mut Random, length: f32, tilt: f32) -> Pose {
    let (heading, flip) = level(random, tilt);
    let room = (0.34 - 0.12 * length).max(0.10);
    Pose {
        at: vec2(
            0.5 + random.range(-room, room),
            0.5 + random.range(-0.2, 0.2),
        ),
        length,
        heading,
        bend: random.range(-0.35, 0.5),
        swing: random.range(-0.6, 0.6),
        flip,
    }
}

/// Small fish in the distance.
fn school(canvas: &mut Canvas, shade: &Shade, random: &mut Random) {
    let centre = vec2(random.unit(), random.range(0.2, 0.8));
    let way = if random.chance(0.5) { 1.0 } else { -1.0 };
    let colour = shade
        .on(vary(rgb(0x8A9AA0), random, 0.3), Vec3::Y)
        .lerp(shade.water, 0.4);
    for _ in 0..8 + random.below(26) {
        let at = centre + vec2(random.normal() * 0.09, random.normal() * 0.05);
        let long = random.range(0.008, 0.016);
        canvas.dab(
            at,
            vec2(long, long * 0.35),
            vec2(way, random.range(-0.2, 0.2)).normalize(),
            0.4,
            colour,
            0.8,
        );
    }
}

/// The surface from a boat: sky, sea and a waterline.
pub(super) struct Surface {
    pub(super) canvas: Canvas,
    pub(super) horizon: f32,
    pub(super) shade: Shade,
    pub(super) foam: Vec3,
}

pub(super) fn surface(random: &mut Random) -> Surface {
    let air = Air::draw(
        random,
        &[
            Mood::Clear,
            Mood::Fair,
            Mood::Fair,
            Mood::Grey,
            Mood::Golden,
            Mood::Dusk,
            Mood::Mist,
        ],
    );
    let view = Viewpoint {
        eye: vec3(0.0, random.range(1.5, 5.0), 0.0),
        horizon: random.range(0.12, 0.48),
        focal: random.range(0.9, 1.5),
    };
    let mut canvas = Canvas::new();
    let mut depth = canvas.empty_depth();
    paint_sky(&mut canvas, &depth, &view, &air);
    let water = Water {
        level: 0.0,
        deep: vary(
            rgb(random.pick(&[0x0E3F5E, 0x1B4A58, 0x24424E, 0x0A3560])),
            random,
            0.2,
        ),
        shallow: rgb(0x3FA6A6),
        waves: random.range(0.15, 0.7),
        swell: random.range(3.0, 9.0),
        clearness: 2.0,
        surf: 0.0,
        seed: random.bits() as u32 >> 3,
    };
    water.paint(&mut canvas, &mut depth, &view, &air, |_| -50.0);
    let shade = Shade {
        light: air.sunlight * 0.9,
        ambient: air.skylight * 0.9,
        water: air.glow(vec3(0.0, 0.05, 1.0).normalize()),
        murk: if air.mood == Mood::Mist {
            0.3
        } else {
            random.range(0.0, 0.12)
        },
        from: vec3(air.sun.x, air.sun.y, 0.6).normalize(),
        seed: water.seed,
    };
    Surface {
        canvas,
        horizon: view.horizon,
        shade,
        foam: rgb(0xF0F5F8) * (air.sunlight * 0.35 + air.skylight * 0.6),
    }
}

/// Puts the water back over what is below the waterline at `y`, and foam along it between two places.
fn submerge(
    canvas: &mut Canvas,
    before: &Canvas,
    y: f32,
    (from, to): (f32, f32),
    foam: Vec3,
    splash: f32,
    random: &mut Random,
) {
    let seed = random.bits() as u32 >> 3;
    let line = |x: f32| {
        y + 0.012 * noise(vec2(x * 14.0, 0.4), seed) + 0.006 * noise(vec2(x * 40.0, 0.4), seed + 1)
    };
    let side = canvas.side;
    for at in 0..side * side {
        let (x, row) = (
            (at % side) as f32 / side as f32,
            (at / side) as f32 / side as f32,
        );
        let under = smoothstep(-0.004, 0.006, row - line(x));
        // A little of the body is seen through the water.
        let shown = under * (0.72 + 0.28 * smoothstep(0.0, 0.06, row - line(x)));
        canvas.pixels[at] = canvas.pixels[at].lerp(before.pixels[at], shown);
    }
    let dabs = (80.0 + 260.0 * splash) as usize;
    for _ in 0..dabs {
        let x = random.range(from, to);
        let up = random.unit() * random.unit() * splash * 0.16;
        let at = vec2(
            x + random.range(-0.02, 0.02),
            line(x) + random.range(-0.006, 0.012) - up,
        );
        let size = random.range(0.003, 0.012) * (1.0 - 3.0 * up).max(0.25);
        let opacity = random.range(0.25, 0.8);
        canvas.dab(
            at,
            vec2(size * 1.5, size * 0.8),
            Vec2::X,
            0.7,
            foam,
            opacity,
        );
    }
}

/// Out of the water, whole or half.
pub(super) fn leap(random: &mut Random, animal: &Animal) -> Canvas {
    let mut sea = surface(random);
    let before = sea.canvas.clone();
    let length = match animal.kind {
        Kind::Whale => random.range(0.7, 1.15),
        _ => random.range(0.6, 0.95),
    };
    let steep = random.range(0.15, 1.15);
    let way = if random.chance(0.5) { 1.0 } else { -1.0 };
    // Rising, or falling back.
    let rise = if random.chance(0.7) { -1.0 } else { 0.8 };
    let heading = vec2(way * libm::cosf(steep), rise * libm::sinf(steep)).normalize();
    let waterline = random.range(sea.horizon + 0.18, 0.88_f32.max(sea.horizon + 0.2));
    let out = random.range(0.1, 0.35) * length;
    let pose = Pose {
        at: vec2(random.range(0.36, 0.64), waterline - out),
        length,
        heading,
        bend: random.range(0.1, 0.7),
        swing: random.range(-0.5, 0.5),
        flip: way,
    };
    animal.side(&mut sea.canvas, &pose, &sea.shade);
    let entry = pose.at.x - heading.x / heading.y * out * heading.y.abs().max(0.3).signum();
    let spread = 0.10 + 0.12 * length;
    submerge(
        &mut sea.canvas,
        &before,
        waterline,
        (entry - spread, entry + spread),
        sea.foam,
        random.range(0.3, 1.0),
        random,
    );
    sea.canvas
}

/// Back and fin above the water, a blow, or a tail.
pub(super) fn at_surface(random: &mut Random, animal: &Animal) -> Canvas {
    let mut sea = surface(random);
    let before = sea.canvas.clone();
    let waterline = random.range(sea.horizon + 0.12, 0.85);
    let way = if random.chance(0.5) { 1.0 } else { -1.0 };
    if random.chance(if animal.kind == Kind::Whale {
        0.4
    } else {
        0.12
    }) {
        let length = random.range(0.45, 0.85);
        let lean = random.range(-0.35, 0.35);
        // Head down: the tail is what is above.
        let pose = Pose {
            at: vec2(
                random.range(0.35, 0.65),
                waterline - length * random.range(0.05, 0.28),
            ),
            length,
            heading: vec2(lean, 1.0).normalize(),
            bend: random.range(-0.4, 0.4),
            swing: random.range(-0.4, 0.4),
            flip: way,
        };
        animal.tail_up(&mut sea.canvas, &pose, &sea.shade);
        let x = pose.at.x;
        submerge(
            &mut sea.canvas,
            &before,
            waterline,
            (x - 0.13, x + 0.13),
            sea.foam,
            0.25,
            random,
        );
        return sea.canvas;
    }
    let length = match animal.kind {
        Kind::Whale => random.range(1.0, 1.8),
        _ => random.range(0.9, 1.5),
    };
    let tilt = random.range(-0.10, 0.10);
    let top = match animal.kind {
        Kind::Whale => 0.035,
        _ => 0.05,
    };
    let pose = Pose {
        at: vec2(
            random.range(0.3, 0.7),
            waterline + length * random.range(0.0, top),
        ),
        length,
        heading: vec2(way, tilt).normalize(),
        bend: random.range(0.0, 0.35),
        swing: 0.0,
        flip: way,
    };
    animal.side(&mut sea.canvas, &pose, &sea.shade);
    let (from, to) = (pose.at.x - length * 0.36, pose.at.x + length * 0.36);
    submerge(
        &mut sea.canvas,
        &before,
        waterline,
        (from, to),
        sea.foam,
        0.12,
        random,
    );
    if animal.kind == Kind::Whale && random.chance(0.55)
        || animal.kind == Kind::Dolphin && random.chance(0.06)
    {
        let head = pose.place(vec2(0.30, 0.09));
        blow(
            &mut sea.canvas,
            vec2(head.x, waterline - 0.02),
            sea.foam,
            random,
        );
    }
    sea.canvas
}

/// The breath of a whale: a column of spray that spreads at its top.
fn blow(canvas: &mut Canvas, from: Vec2, light: Vec3, random: &mut Random) {
    let tall = random.range(0.14, 0.34);
    let lean = random.range(-0.25, 0.25);
    for _ in 0..260 {
        let up = random.unit();
        let spread = 0.010 + 0.09 * up * up;
        let at = from
            + vec2(
                random.normal() * spread * 0.5 + lean * up * tall,
                -up * tall,
            );
        let size = random.range(0.006, 0.018);
        let opacity = random.range(0.05, 0.28) * (1.15 - up);
        canvas.dab(at, Vec2::splat(size), Vec2::X, 1.0, light, opacity);
    }
}

/// From a drone: the animal below a surface that glitters.
pub(super) fn from_above(random: &mut Random, animal: &Animal) -> Canvas {
    let (mut canvas, mut shade) = open_water(random);
    shade.murk *= CLEARER;
    let length = random.range(0.65, 1.0);
    let angle = random.range(0.0, std::f32::consts::TAU);
    let room = (0.30 - 0.15 * length).max(0.08);
    let pose = Pose {
        at: vec2(
            0.5 + random.range(-room, room),
            0.5 + random.range(-room, room),
        ),
        length,
        heading: vec2(libm::cosf(angle), libm::sinf(angle)),
        bend: random.range(-0.25, 0.25),
        swing: random.range(-0.5, 0.5),
        flip: if random.chance(0.5) { 1.0 } else { -1.0 },
    };
    animal.above(&mut canvas, &pose, &shade);
    glitter(&mut canvas, &shade, random);
    canvas
}

/// Water straight below, and the light in it.
pub(super) fn open_water(random: &mut Random) -> (Canvas, Shade) {
    let deep = vary(
        rgb(random.pick(&[0x0C4A6E, 0x12607A, 0x1E7A84, 0x0A3A5A, 0x2A6A68, 0x3A8A94])),
        random,
        0.2,
    );
    let pale = deep.lerp(rgb(0x9AE0DC), random.range(0.2, 0.6));
    let seed = random.bits() as u32 >> 3;
    let canvas = Canvas::painted(|place| {
        let tone = 0.5 + 0.5 * fbm(place * 2.2, 4, seed);
        deep.lerp(pale, tone.clamp(0.0, 1.0))
            * (1.0 + 0.12 * noise(place * vec2(14.0, 22.0), seed + 4))
    });
    let shade = Shade {
        light: Vec3::splat(random.range(0.7, 1.3)),
        ambient: pale * 0.5 + 0.25,
        water: deep.lerp(pale, 0.5),
        murk: random.range(0.1, 0.5),
        from: vec3(random.range(-0.6, 0.6), random.range(-0.2, 0.6), 1.0).normalize(),
        seed,
    };
    (canvas, shade)
}

/// The surface above: ripples, glints, some foam.
pub(super) fn glitter(canvas: &mut Canvas, shade: &Shade, random: &mut Random) {
    let seed = random.bits() as u32 >> 3;
    let strength = random.range(0.1, 0.5);
    let stretch = random.range(1.5, 4.0);
    canvas.repaint(|place, light| {
        let wave = fbm(place * vec2(9.0, 9.0 * stretch), 4, seed);
        let glint = smoothstep(0.35, 0.62, wave);
        let foam = smoothstep(0.42, 0.6, fbm(place * 4.0, 5, seed + 8));
        let light = light * (1.0 + 0.18 * wave) + shade.light * (glint * strength * 0.6);
        light.lerp(Vec3::splat(0.9), foam * 0.35 * strength)
    });
}
