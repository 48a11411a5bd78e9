//! The source task: what else is met in the sea, in the same waters and lights.

use glam::{Vec2, Vec3, vec2, vec3};

use super::figure::{Pose, Shade, body, fin, smooth, spot, stroke};
use super::water::{Depths, depths, glitter, open_water, pose, specks, surface};
use crate::Random;
use crate::paint::canvas::{Canvas, rgb, vary};
use crate::paint::noise::{fbm, noise, smoothstep};

pub(super) fn paint(class: &str, random: &mut Random) -> Canvas {
    match class {
        "boat" | "ship" | "gull" => on_surface(class, random),
        _ if random.chance(0.25) => {
            let (mut canvas, shade) = open_water(random);
            let length = random.range(0.45, 0.9);
            let mut pose = pose(random, length, 3.1);
            pose.flip = 1.0;
            draw(class, &mut canvas, &pose, &shade, random);
            glitter(&mut canvas, &shade, random);
            canvas
        }
        _ => {
            let Depths { mut canvas, shade } = depths(random);
            let length = random.range(0.4, 0.95);
            let pose = pose(random, length, 0.7);
            draw(class, &mut canvas, &pose, &shade, random);
            specks(&mut canvas, shade.light, random);
            canvas
        }
    }
}

fn draw(class: &str, canvas: &mut Canvas, pose: &Pose, shade: &Shade, random: &mut Random) {
    match class {
        "crab" => crab(canvas, pose, shade, random),
        "eel" => eel(canvas, pose, shade, random),
        "fish" => fish(canvas, pose, shade, random),
        "jellyfish" => jellyfish(canvas, pose, shade, random),
        "octopus" => octopus(canvas, pose, shade, random),
        "ray" => ray(canvas, pose, shade, random),
        "seal" => seal(canvas, pose, shade, random),
        "starfish" => starfish(canvas, pose, shade, random),
        _ => turtle(canvas, pose, shade, random),
    }
}

/// One of the colours, a little changed.
fn colour(random: &mut Random, hues: &[u32]) -> Vec3 {
    vary(rgb(random.pick(hues)), random, 0.2)
}

/// The points mirrored to the other side of the spine.
fn other_side(points: &[Vec2]) -> Vec<Vec2> {
    points.iter().map(|point| vec2(point.x, -point.y)).collect()
}

fn fish(canvas: &mut Canvas, pose: &Pose, shade: &Shade, random: &mut Random) {
    let skin = colour(
        random,
        &[0xD8902A, 0xC8D0D4, 0x4A78B0, 0xC84A3A, 0x8A9A4A, 0xE0C840],
    );
    let mark = colour(random, &[0x20262C, 0xF0EEE0, 0x2A4A8A]);
    let (tall, seed) = (random.range(0.10, 0.24), random.bits() as u32 >> 3);
    let stripes = random.range(3.0, 14.0);
    let striped = random.chance(0.6);
    let tail = [
        vec2(-0.38, 0.02),
        vec2(-0.46, 0.06),
        vec2(-0.55, 0.15),
        vec2(-0.51, 0.0),
        vec2(-0.55, -0.15),
        vec2(-0.46, -0.06),
        vec2(-0.38, -0.02),
    ];
    fin(canvas, pose, shade, skin * 0.8, Vec3::Z, &tail);
    let back = [
        vec2(0.15, tall * 0.85),
        vec2(0.05, tall * 1.5),
        vec2(-0.18, tall * 1.25),
        vec2(-0.26, tall * 0.5),
        vec2(-0.05, tall * 0.7),
    ];
    fin(canvas, pose, shade, skin * 0.85, Vec3::Z, &back);
    let profile = [
        (0.0, 0.01, 0.01),
        (0.12, tall * 0.55, tall * 0.5),
        (0.38, tall, tall),
        (0.7, tall * 0.55, tall * 0.5),
        (0.88, tall * 0.22, tall * 0.22),
        (0.94, tall * 0.26, tall * 0.26),
    ];
    body(canvas, pose, shade, &profile, |t, up| {
        let scales = noise(vec2(t * 90.0, up * 14.0), seed);
        let band = if striped {
            noise(vec2(t * stripes, 0.3 * up), seed + 1)
        } else {
            fbm(vec2(t * 9.0, up * 3.0), 3, seed + 1)
        };
        skin.lerp(mark, smoothstep(0.1, 0.3, band))
            .lerp(rgb(0xE8E8E0), smoothstep(-0.4, -0.9, up) * 0.7)
            * (1.0 + 0.15 * scales)
    });
    fin(
        canvas,
        pose,
        shade,
        skin * 0.9,
        vec3(0.2, 0.0, 1.0),
        &[
            vec2(0.2, -0.02),
            vec2(0.1, -0.02 - tall * 0.5),
            vec2(0.04, -tall * 0.5),
            vec2(0.12, 0.0),
        ],
    );
    spot(
        canvas,
        pose,
        vec2(0.37, tall * 0.22),
        0.022,
        shade.on(rgb(0xF0EEE0), Vec3::Z),
    );
    spot(
        canvas,
        pose,
        vec2(0.375, tall * 0.22),
        0.013,
        shade.on(rgb(0x101418), Vec3::Z),
    );
}

fn eel(canvas: &mut Canvas, pose: &Pose, shade: &Shade, random: &mut Random) {
    let skin = colour(random, &[0x5A6A3A, 0x3A4048, 0x8A7A4A, 0x6A5A48]);
    let (phase, waves, seed) = (
        random.range(0.0, 6.2),
        random.range(5.0, 9.0),
        random.bits() as u32 >> 3,
    );
    let sway = random.range(0.05, 0.12);
    let at = |t: f32| {
        pose.place(vec2(
            0.5 - t,
            sway * libm::sinf(phase + waves * t) * (0.3 + t),
        ))
    };
    for step in 0..90 {
        let t = step as f32 / 90.0;
        let width = (0.055 * smoothstep(0.0, 0.10, t + 0.02) * (1.05 - t)).max(0.004) * pose.length;
        let grain = 1.0 + 0.35 * fbm(vec2(t * 40.0, 0.0), 3, seed);
        canvas.dab(
            at(t),
            Vec2::splat(width),
            Vec2::X,
            0.2,
            shade.on(skin * grain * 0.8, vec3(0.0, 0.1, 0.8)),
            1.0,
        );
        canvas.dab(
            at(t) - vec2(0.0, width * 0.4),
            Vec2::splat(width * 0.45),
            Vec2::X,
            0.9,
            shade.on(skin * grain, Vec3::Y),
            0.5,
        );
    }
    canvas.dab(
        at(0.03),
        Vec2::splat(0.008 * pose.length),
        Vec2::X,
        0.3,
        shade.on(rgb(0x101418), Vec3::Z),
        1.0,
    );
}

fn ray(canvas: &mut Canvas, pose: &Pose, shade: &Shade, random: &mut Random) {
    let skin = colour(random, &[0x4A4A48, 0x6A6450, 0x2E3A44, 0x8A7A60]);
    let wide = random.range(0.30, 0.48);
    let beat = random.range(0.4, 1.0);
    stroke(
        canvas,
        pose,
        &[vec2(-0.2, 0.0), vec2(-0.45, 0.02), vec2(-0.75, -0.03)],
        0.012,
        shade.on(skin * 0.7, Vec3::Y),
    );
    let wing = [
        vec2(0.34, 0.02),
        vec2(0.16, wide * 0.55),
        vec2(0.0, wide),
        vec2(-0.04, wide),
        vec2(-0.12, wide * 0.45),
        vec2(-0.26, 0.03),
    ];
    fin(canvas, pose, shade, skin, vec3(-0.3, 0.4, 0.8), &wing);
    let other: Vec<Vec2> = other_side(&wing)
        .iter()
        .map(|p| vec2(p.x, p.y * beat))
        .collect();
    fin(
        canvas,
        pose,
        shade,
        skin * 0.85,
        vec3(0.3, 0.2, 0.8),
        &other,
    );
    body(
        canvas,
        pose,
        shade,
        &[
            (0.12, 0.02, 0.02),
            (0.2, 0.07, 0.07),
            (0.4, 0.09, 0.09),
            (0.7, 0.03, 0.03),
            (0.78, 0.01, 0.01),
        ],
        |_, _| skin,
    );
    for hand in [-0.06, 0.06] {
        spot(
            canvas,
            pose,
            vec2(0.3, hand),
            0.014,
            shade.on(rgb(0x101418), Vec3::Z),
        );
    }
}

fn turtle(canvas: &mut Canvas, pose: &Pose, shade: &Shade, random: &mut Random) {
    let shell = colour(random, &[0x6A5A2E, 0x4A5A38, 0x7A4A2A]);
    let limb = colour(random, &[0x7A8A5A, 0x5A6A50, 0x8A7A5A]);
    let seed = random.bits() as u32 >> 3;
    let stroke_of = random.range(-0.1, 0.15);
    let fore = [
        vec2(0.22, 0.14),
        vec2(0.20 + stroke_of, 0.34),
        vec2(0.02 + stroke_of, 0.46),
        vec2(0.06, 0.30),
        vec2(0.10, 0.16),
    ];
    let hind = [
        vec2(-0.22, 0.12),
        vec2(-0.34, 0.24),
        vec2(-0.42, 0.24),
        vec2(-0.30, 0.08),
    ];
    for points in [&fore[..], &hind[..]] {
        fin(canvas, pose, shade, limb, vec3(0.0, 0.4, 0.8), points);
        fin(
            canvas,
            pose,
            shade,
            limb * 0.85,
            vec3(0.0, 0.2, 0.8),
            &other_side(points),
        );
    }
    body(
        canvas,
        pose,
        shade,
        &[
            (0.02, 0.01, 0.01),
            (0.07, 0.06, 0.06),
            (0.16, 0.055, 0.055),
            (0.24, 0.05, 0.05),
        ],
        |_, _| limb,
    );
    body(
        canvas,
        pose,
        shade,
        &[
            (0.18, 0.03, 0.03),
            (0.26, 0.17, 0.17),
            (0.45, 0.24, 0.24),
            (0.7, 0.16, 0.16),
            (0.86, 0.02, 0.02),
        ],
        |t, up| {
            let (first, second, own) = crate::paint::noise::cells(vec2(t * 7.0, up * 2.2), seed);
            let plate = smoothstep(0.0, 0.16, second - first);
            shell * (0.35 + 0.65 * plate) * (0.8 + 0.5 * own)
        },
    );
    for hand in [-0.035, 0.035] {
        spot(
            canvas,
            pose,
            vec2(0.44, hand),
            0.010,
            shade.on(rgb(0x101418), Vec3::Z),
        );
    }
}

fn seal(canvas: &mut Canvas, pose: &Pose, shade: &Shade, random: &mut Random) {
    let skin = colour(random, &[0x5A5048, 0x3A3632, 0x8A8478, 0x6A5A4A]);
    let seed = random.bits() as u32 >> 3;
    for hand in [-1.0, 1.0] {
        let hind = [
            vec2(-0.38, 0.0),
            vec2(-0.47, 0.045 * hand),
            vec2(-0.56, 0.075 * hand),
            vec2(-0.50, 0.012 * hand),
            vec2(-0.44, 0.0),
        ];
        fin(canvas, pose, shade, skin * 0.8, vec3(0.0, 0.3, 0.8), &hind);
    }
    body(
        canvas,
        pose,
        shade,
        &[
            (0.0, 0.02, 0.02),
            (0.04, 0.05, 0.045),
            (0.13, 0.07, 0.06),
            (0.2, 0.07, 0.075),
            (0.42, 0.12, 0.13),
            (0.7, 0.07, 0.07),
            (0.9, 0.02, 0.02),
        ],
        |t, up| {
            let spots = smoothstep(0.2, 0.4, fbm(vec2(t * 26.0, up * 4.0), 3, seed));
            (skin * (1.0 - 0.4 * spots)).lerp(rgb(0xB8B0A0), smoothstep(-0.2, -0.9, up) * 0.6)
        },
    );
    let fore = [
        vec2(0.20, -0.07),
        vec2(0.14, -0.17),
        vec2(0.05, -0.21),
        vec2(0.08, -0.13),
        vec2(0.12, -0.07),
    ];
    fin(canvas, pose, shade, skin * 0.75, vec3(0.0, 0.0, 1.0), &fore);
    spot(
        canvas,
        pose,
        vec2(0.41, 0.025),
        0.014,
        shade.on(rgb(0x0C0E10), Vec3::Z),
    );
    spot(
        canvas,
        pose,
        vec2(0.49, 0.004),
        0.012,
        shade.on(rgb(0x14100E), Vec3::Z),
    );
}

fn jellyfish(canvas: &mut Canvas, pose: &Pose, shade: &Shade, random: &mut Random) {
    let tint = colour(random, &[0xE8B0C8, 0xC8D8F0, 0xE8C890, 0xB8A0E0]);
    let top = pose.at - vec2(0.0, 0.2 * pose.length);
    let size = pose.length * random.range(0.24, 0.36);
    let (phase, seed) = (random.range(0.0, 6.2), random.bits() as u32 >> 3);
    let light = shade.on(tint, vec3(0.0, 0.6, 0.6));
    for arm in 0..16 {
        let x = (arm as f32 / 15.0 - 0.5) * 1.7;
        let long = size * random.range(1.3, 3.2);
        let mut last = top + vec2(x * size, size * 0.3);
        for step in 1..16 {
            let t = step as f32 / 16.0;
            let wave = 0.16 * size * libm::sinf(phase + 7.0 * t + x) * t;
            let next = top + vec2(x * size * (1.0 - 0.3 * t) + wave, size * 0.3 + long * t);
            let width = size * 0.05 * (1.1 - t);
            canvas.line(
                last,
                next,
                width,
                width,
                light.lerp(shade.water, 0.35 + 0.4 * t),
            );
            last = next;
        }
    }
    let bell: Vec<Vec2> = (0..=12)
        .map(|step| {
            let turn = std::f32::consts::PI * (1.0 + step as f32 / 12.0);
            top + vec2(
                libm::cosf(turn) * size,
                libm::sinf(turn) * size * 0.95 + size * 0.28,
            )
        })
        .chain((1..6).map(|step| {
            let x = 1.0 - step as f32 / 3.0;
            top + vec2(x * size, size * (0.36 + 0.06 * (step % 2) as f32))
        }))
        .collect();
    canvas.fill(&smooth(&bell), |place| {
        let off = (place - top) / size;
        let rim = off.length();
        let ribs = 0.5 + 0.5 * noise(vec2(off.x * 7.0 / (1.2 - off.y.abs()).max(0.3), 0.3), seed);
        (light * (0.7 + 0.5 * ribs), (0.5 + 0.4 * rim).min(0.92))
    });
}

fn octopus(canvas: &mut Canvas, pose: &Pose, shade: &Shade, random: &mut Random) {
    let skin = colour(random, &[0xB0503A, 0x8A5A6A, 0x9A8A6A, 0xC87A5A]);
    let (phase, seed) = (random.range(0.0, 6.2), random.bits() as u32 >> 3);
    let size = pose.length * 0.19;
    let head = pose.at - vec2(0.0, size);
    for arm in 0..8 {
        let turn = 0.35 + arm as f32 * (2.44 / 7.0);
        let way = vec2(libm::cosf(turn), libm::sinf(turn) * 0.9);
        let curl = random.range(-2.4, 2.4);
        let long = size * random.range(1.8, 2.8);
        let (mut at, mut heading) = (head + vec2(way.x * size * 0.6, size * 0.75), way);
        for step in 0..22 {
            let t = step as f32 / 22.0;
            let twist = (curl * t + 0.6 * libm::sinf(phase + 5.0 * t + arm as f32)) * 0.11;
            heading = (heading + heading.perp() * twist).normalize_or(way);
            let width = size * 0.26 * (1.0 - t) + size * 0.025;
            let light = shade.on(
                skin * (0.8 + 0.4 * noise(vec2(t * 14.0, arm as f32), seed)),
                vec3(0.0, 0.4, 0.7),
            );
            canvas.dab(at, Vec2::splat(width), Vec2::X, 0.25, light, 1.0);
            at += heading * long / 22.0;
        }
    }
    let tip = pose.flip * size * 0.35;
    let mantle = [
        head + vec2(-size * 0.6, size * 0.7),
        head + vec2(-size * 0.85, -size * 0.2),
        head + vec2(tip, -size * 1.5),
        head + vec2(size * 0.85, -size * 0.2),
        head + vec2(size * 0.6, size * 0.7),
        head + vec2(0.0, size * 0.95),
    ];
    canvas.fill(&smooth(&mantle), |place| {
        let off = (place - head) / size;
        let facing = vec3(off.x * 0.8, -off.y * 0.6 + 0.2, 0.7).normalize();
        let warts = fbm(place * 46.0, 3, seed);
        (shade.on(skin * (1.0 + 0.35 * warts), facing), 1.0)
    });
    for hand in [-0.45, 0.45] {
        canvas.dab(
            head + vec2(hand * size, size * 0.45),
            Vec2::splat(size * 0.16),
            Vec2::X,
            0.3,
            shade.on(rgb(0xE8E0C8), Vec3::Z),
            1.0,
        );
        canvas.dab(
            head + vec2(hand * size, size * 0.45),
            vec2(size * 0.12, size * 0.05),
            Vec2::X,
            0.3,
            shade.on(rgb(0x101010), Vec3::Z),
            1.0,
        );
    }
}

fn starfish(canvas: &mut Canvas, pose: &Pose, shade: &Shade, random: &mut Random) {
    let skin = colour(random, &[0xD0642A, 0xB03A4A, 0xD8A040, 0x5A6AA0]);
    let (turn, seed) = (random.range(0.0, 6.2), random.bits() as u32 >> 3);
    let (size, waist) = (pose.length * 0.38, random.range(0.30, 0.5));
    let flat = random.range(0.6, 1.0);
    let outline: Vec<Vec2> = (0..10)
        .map(|point| {
            let angle = turn + point as f32 * 0.628_318_5;
            let out = if point % 2 == 0 {
                size * random.range(0.9, 1.1)
            } else {
                size * waist
            };
            pose.at + vec2(libm::cosf(angle), flat * libm::sinf(angle)) * out
        })
        .collect();
    canvas.fill(&smooth(&outline), |place| {
        let off = (place - pose.at) / size;
        let warts = fbm(place * 52.0, 3, seed);
        let facing = vec3(off.x * 0.6, -off.y * 0.6, 0.8).normalize();
        (shade.on(skin * (1.0 + 0.5 * warts), facing), 1.0)
    });
}

fn crab(canvas: &mut Canvas, pose: &Pose, shade: &Shade, random: &mut Random) {
    let skin = colour(random, &[0xB8452A, 0x8A5A3A, 0x6A7048, 0xC87A4A]);
    let seed = random.bits() as u32 >> 3;
    let s = pose.length * 0.4;
    let limb = shade.on(skin * 0.85, vec3(0.0, 0.4, 0.8));
    for hand in [-1.0_f32, 1.0] {
        let at = |x: f32, y: f32| pose.at + vec2(hand * x, y) * s;
        for leg in 0..4 {
            let y = -0.05 + 0.14 * leg as f32;
            let knee = at(
                0.85 + 0.05 * leg as f32,
                y - 0.22 + random.range(-0.05, 0.05),
            );
            canvas.line(at(0.4, y), knee, 0.09 * s, 0.07 * s, limb);
            canvas.line(
                knee,
                at(1.02 - 0.08 * leg as f32, y + 0.32),
                0.07 * s,
                0.02 * s,
                limb,
            );
        }
        let elbow = at(0.75, -0.42);
        let claw = at(0.55, -0.85);
        canvas.line(at(0.4, -0.2), elbow, 0.13 * s, 0.12 * s, limb);
        canvas.line(elbow, claw, 0.13 * s, 0.15 * s, limb);
        let pincer = |a: f32, b: f32| {
            [
                claw + vec2(hand * -0.12, 0.12) * s,
                claw + vec2(hand * a, -0.12) * s,
                claw + vec2(hand * b, -0.36) * s,
                claw + vec2(hand * (a + b) * 0.4, -0.06) * s,
            ]
        };
        for points in [pincer(0.28, 0.05), pincer(-0.26, -0.12)] {
            canvas.fill(&smooth(&points), |_| (limb * 1.1, 1.0));
        }
        canvas.line(at(0.12, -0.25), at(0.15, -0.45), 0.03 * s, 0.03 * s, limb);
        canvas.dab(
            at(0.15, -0.47),
            Vec2::splat(0.05 * s),
            Vec2::X,
            0.3,
            shade.on(rgb(0x101010), Vec3::Z),
            1.0,
        );
    }
    let shell = [
        vec2(-0.6, -0.08),
        vec2(-0.32, -0.34),
        vec2(0.32, -0.34),
        vec2(0.6, -0.08),
        vec2(0.36, 0.32),
        vec2(-0.36, 0.32),
    ]
    .map(|p| pose.at + p * s);
    canvas.fill(&smooth(&shell), |place| {
        let off = (place - pose.at) / s;
        let facing = vec3(off.x * 0.7, -off.y, 0.7).normalize();
        (
            shade.on(skin * (1.0 + 0.35 * fbm(place * 34.0, 3, seed)), facing),
            1.0,
        )
    });
}

/// What is on or above the water.
fn on_surface(class: &str, random: &mut Random) -> Canvas {
    let mut sea = surface(random);
    let y = random.range(sea.horizon + 0.06, 0.82);
    let size = random.range(0.35, 0.75);
    let at = vec2(random.range(0.35, 0.65), y);
    let way = if random.chance(0.5) { 1.0 } else { -1.0 };
    let shade = sea.shade.clone();
    match class {
        "boat" => boat(&mut sea.canvas, at, size, way, &shade, random),
        "ship" => ship(&mut sea.canvas, at, size, way, &shade, random),
        _ => {
            for _ in 0..1 + random.below(3) {
                let at = vec2(random.range(0.2, 0.8), random.range(0.15, 0.7));
                let size = random.range(0.2, 0.5);
                gull(&mut sea.canvas, at, size, way, &shade, random);
            }
            return sea.canvas;
        }
    }
    for _ in 0..60 {
        let x = at.x + random.range(-0.5, 0.5) * size;
        let opacity = random.range(0.2, 0.6);
        sea.canvas.dab(
            vec2(x, y + random.range(-0.004, 0.01)),
            vec2(0.012, 0.004),
            Vec2::X,
            0.7,
            sea.foam,
            opacity,
        );
    }
    sea.canvas
}

fn boat(canvas: &mut Canvas, at: Vec2, size: f32, way: f32, shade: &Shade, random: &mut Random) {
    let hull = shade.on(
        colour(random, &[0xF0F0EC, 0x8A2A22, 0x24384E, 0x7A5A3A]),
        vec3(0.0, 0.1, 1.0),
    );
    let sail = shade.on(
        colour(random, &[0xF4F0E4, 0xF4F0E4, 0xD8C8A0, 0xB84030]),
        vec3(0.3, 0.1, 0.9),
    );
    let p = |x: f32, y: f32| at + vec2(x * way, -y) * size;
    let tall = random.range(0.85, 1.15);
    canvas.line(
        p(0.02, 0.08),
        p(0.02, tall),
        0.014 * size,
        0.008 * size,
        shade.on(rgb(0x4A4038), Vec3::Z),
    );
    canvas.fill(
        &[
            p(-0.01, tall * 0.97),
            p(-0.01, 0.14),
            p(-0.40, 0.14),
            p(-0.22, tall * 0.5),
        ],
        |_| (sail, 1.0),
    );
    canvas.fill(
        &[
            p(0.05, tall * 0.86),
            p(0.05, 0.14),
            p(0.45, 0.12),
            p(0.22, tall * 0.42),
        ],
        |_| (sail * 0.86, 1.0),
    );
    canvas.fill(
        &[
            p(-0.46, 0.10),
            p(0.52, 0.13),
            p(0.40, -0.01),
            p(-0.38, -0.01),
        ],
        |_| (hull, 1.0),
    );
}

fn ship(canvas: &mut Canvas, at: Vec2, size: f32, way: f32, shade: &Shade, random: &mut Random) {
    let hull = shade.on(
        colour(random, &[0x2A3038, 0x7A2A22, 0x2A4A5A, 0x3A3A3A]),
        vec3(0.0, 0.1, 1.0),
    );
    let white = shade.on(rgb(0xE8E8E4), vec3(0.1, 0.2, 0.9));
    let funnel = shade.on(
        colour(random, &[0xC03028, 0x24384E, 0xD8A030]),
        vec3(0.2, 0.1, 0.9),
    );
    let p = |x: f32, y: f32| at + vec2(x * way, -y) * size;
    let cargo = random.chance(0.5);
    if cargo {
        for stack in 0..7 {
            for row in 0..1 + random.below(3) {
                let (x, y) = (-0.20 + 0.10 * stack as f32, 0.12 + 0.055 * row as f32);
                let tint = shade.on(
                    colour(random, &[0xB04030, 0x3A5A8A, 0x4A7A4A, 0xC89030, 0x8A8A8A]),
                    vec3(0.0, 0.2, 1.0),
                );
                canvas.fill(
                    &[
                        p(x, y),
                        p(x + 0.094, y),
                        p(x + 0.094, y + 0.05),
                        p(x, y + 0.05),
                    ],
                    |_| (tint, 1.0),
                );
            }
        }
    } else {
        for deck in 0..3 {
            let (inset, y) = (0.06 * deck as f32, 0.12 + 0.06 * deck as f32);
            canvas.fill(
                &[
                    p(-0.40 + inset, y),
                    p(0.32 - inset, y),
                    p(0.32 - inset, y + 0.055),
                    p(-0.40 + inset, y + 0.055),
                ],
                |_| (white * (1.0 - 0.06 * deck as f32), 1.0),
            );
            for window in 0..9 {
                let x = -0.36 + inset + 0.07 * window as f32;
                canvas.line(
                    p(x, y + 0.030),
                    p(x + 0.03, y + 0.030),
                    0.015 * size,
                    0.015 * size,
                    white * 0.25,
                );
            }
        }
    }
    let x = if cargo { -0.36 } else { -0.10 };
    canvas.fill(
        &[
            p(x - 0.08, 0.12),
            p(x + 0.06, 0.12),
            p(x + 0.06, 0.32),
            p(x - 0.08, 0.32),
        ],
        |_| (white, 1.0),
    );
    canvas.fill(
        &[
            p(x - 0.04, 0.30),
            p(x + 0.03, 0.30),
            p(x + 0.02, 0.44),
            p(x - 0.05, 0.44),
        ],
        |_| (funnel, 1.0),
    );
    canvas.fill(
        &[
            p(-0.5, 0.13),
            p(0.56, 0.15),
            p(0.46, -0.01),
            p(-0.47, -0.01),
        ],
        |_| (hull, 1.0),
    );
    canvas.line(
        p(-0.47, 0.005),
        p(0.46, 0.005),
        0.02 * size,
        0.02 * size,
        shade.on(rgb(0x7A2A22), Vec3::Z),
    );
}

fn gull(canvas: &mut Canvas, at: Vec2, size: f32, way: f32, shade: &Shade, random: &mut Random) {
    let white = shade.on(rgb(0xF0F0EE), vec3(0.0, 0.4, 0.8));
    let grey = shade.on(
        colour(random, &[0x9AA2AA, 0x5A6068, 0xB8BCC0]),
        vec3(0.0, 0.4, 0.8),
    );
    let lift = random.range(-0.12, 0.35);
    let p = |x: f32, y: f32| at + vec2(x * way, -y) * size;
    for (hand, depth) in [(-1.0_f32, 0.8), (1.0, 1.0)] {
        let wing = [
            p(0.08, 0.02),
            p(0.10 + 0.10 * hand, lift * 0.7 + 0.08),
            p(-0.05 + 0.52 * hand, lift * 0.6),
            p(-0.07 + 0.28 * hand, lift * 0.55),
            p(-0.08, 0.0),
        ];
        canvas.fill(&smooth(&wing), |place| {
            let tip = smoothstep(0.34, 0.5, (place.x - at.x).abs() / size);
            (grey.lerp(white * 0.12, tip) * depth, 1.0)
        });
    }
    canvas.fill(
        &smooth(&[
            p(0.24, 0.02),
            p(0.18, 0.06),
            p(0.0, 0.05),
            p(-0.24, 0.01),
            p(-0.26, -0.03),
            p(0.0, -0.05),
            p(0.18, -0.02),
        ]),
        |_| (white, 1.0),
    );
    canvas.line(
        p(0.23, 0.02),
        p(0.30, 0.005),
        0.03 * size,
        0.008 * size,
        shade.on(rgb(0xE0A030), Vec3::Z),
    );
    canvas.dab(
        p(0.19, 0.03),
        Vec2::splat(0.012 * size),
        Vec2::X,
        0.3,
        shade.on(rgb(0x101010), Vec3::Z),
        1.0,
    );
}
