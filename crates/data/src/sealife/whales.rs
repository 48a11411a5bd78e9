//! Dolphin, shark and whale: what tells them apart is drawn true.
//!
//! Dolphins and whales are mammals: their flukes lie flat, so from the side a thin edge is seen and from
//! above a broad crescent. A shark's tail stands upright, its upper half the longer, and from above is a line.
//! A dolphin's dorsal fin is bent back like a sickle, a shark's is a stiff triangle, a whale's small and far
//! behind. A shark has slits of gills, a whale a huge mouth and grooves in its throat, a dolphin a beak.

use glam::{Vec2, Vec3, vec2, vec3};

use super::figure::{Pose, Profile, Shade, body, fin, spot, stroke};
use crate::Random;
use crate::paint::canvas::{Canvas, rgb, vary};
use crate::paint::noise::{fbm, smoothstep};

/// The three classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Dolphin,
    Shark,
    Whale,
}

/// One animal's own proportions and colours.
#[derive(Clone, Debug)]
pub(super) struct Animal {
    pub(super) kind: Kind,
    back: Vec3,
    flank: Vec3,
    belly: Vec3,
    /// How fat it is, 1 is usual.
    girth: f32,
    fins: f32,
    /// Which sort of its kind: for whales 0 humpback, 1 blue, 2 sperm; for sharks 0 grey, 1 hammerhead.
    sort: usize,
    seed: u32,
}

const DOLPHIN: Profile = &[
    (0.0, 0.004, 0.004),
    (0.02, 0.014, 0.014),
    (0.09, 0.020, 0.020),
    (0.12, 0.046, 0.028),
    (0.18, 0.066, 0.052),
    (0.36, 0.084, 0.080),
    (0.52, 0.078, 0.072),
    (0.72, 0.044, 0.042),
    (0.88, 0.019, 0.021),
    (1.0, 0.010, 0.010),
];
const SHARK: Profile = &[
    (0.0, 0.004, 0.004),
    (0.06, 0.026, 0.022),
    (0.16, 0.050, 0.048),
    (0.34, 0.072, 0.066),
    (0.5, 0.062, 0.056),
    (0.72, 0.034, 0.030),
    (0.88, 0.017, 0.016),
    (1.0, 0.014, 0.012),
];
const WHALES: [Profile; 3] = [
    &[
        (0.0, 0.006, 0.010),
        (0.05, 0.030, 0.052),
        (0.18, 0.066, 0.098),
        (0.34, 0.094, 0.112),
        (0.52, 0.088, 0.086),
        (0.76, 0.042, 0.040),
        (0.92, 0.018, 0.018),
        (1.0, 0.012, 0.012),
    ],
    &[
        (0.0, 0.006, 0.008),
        (0.06, 0.026, 0.036),
        (0.22, 0.052, 0.072),
        (0.42, 0.064, 0.074),
        (0.66, 0.046, 0.048),
        (0.88, 0.018, 0.018),
        (1.0, 0.010, 0.010),
    ],
    &[
        (0.0, 0.050, 0.030),
        (0.02, 0.086, 0.046),
        (0.14, 0.098, 0.064),
        (0.32, 0.098, 0.082),
        (0.56, 0.082, 0.070),
        (0.78, 0.044, 0.040),
        (0.92, 0.020, 0.018),
        (1.0, 0.012, 0.012),
    ],
];

impl Animal {
    pub(super) fn draw(random: &mut Random, kind: Kind) -> Self {
        let colours: &[[u32; 3]] = match kind {
            Kind::Dolphin => &[
                [0x5A6872, 0xA4B0B8, 0xE8ECEE],
                [0x4E5C66, 0x98A6AE, 0xE0E4E6],
                [0x6A7A88, 0xB0BCC4, 0xF0F2F4],
                [0x3A424A, 0xB4B2A0, 0xF0F0EC],
            ],
            Kind::Shark => &[
                [0x56626A, 0x7E8A90, 0xE0E4E4],
                [0x4A5660, 0x66747E, 0xD4DADC],
                [0x6A6A60, 0x8E8C80, 0xE0DED4],
                [0x3A4A5C, 0x566C80, 0xCCD6DC],
            ],
            Kind::Whale => &[
                [0x1E2328, 0x2A3036, 0x9AA2A6],
                [0x2C3A48, 0x3A4A58, 0x8A9AA4],
                [0x303234, 0x3E4042, 0x7A7C7C],
                [0x181C20, 0x24282C, 0xD8DCDC],
            ],
        };
        let [back, flank, belly] = random.pick(colours).map(|hex| vary(rgb(hex), random, 0.14));
        Self {
            kind,
            back,
            flank,
            belly,
            girth: random.range(0.9, 1.12)
                * match kind {
                    Kind::Dolphin => 1.1,
                    Kind::Shark => 1.0,
                    Kind::Whale => 1.35,
                },
            fins: random.range(0.9, 1.15)
                * match kind {
                    Kind::Dolphin => 1.0,
                    Kind::Shark => 1.25,
                    Kind::Whale => 1.15,
                },
            sort: match kind {
                Kind::Dolphin => 0,
                Kind::Shark => usize::from(random.chance(0.12)),
                Kind::Whale => random.pick(&[0, 0, 1, 2]),
            },
            seed: random.bits() as u32 >> 3,
        }
    }

    fn profile(&self) -> Vec<(f32, f32, f32)> {
        let profile = match self.kind {
            Kind::Dolphin => DOLPHIN,
            Kind::Shark => SHARK,
            Kind::Whale => WHALES[self.sort],
        };
        profile
            .iter()
            .map(|&(t, up, down)| (t, up * self.girth, down * self.girth))
            .collect()
    }

    fn skin(&self, t: f32, up: f32) -> Vec3 {
        let mottle = fbm(vec2(t * 16.0, up * 2.2), 4, self.seed);
        let (from, to) = match self.kind {
            // A cape that dips in the middle, a soft flank.
            Kind::Dolphin => (0.25 + 0.25 * (t - 0.4).abs(), -0.45),
            // A line as drawn with a ruler.
            Kind::Shark => (-0.12 + 0.1 * mottle, -0.30 + 0.1 * mottle),
            Kind::Whale => (-0.2, -0.75),
        };
        let below = smoothstep(from, to, up);
        let above = self.back.lerp(self.flank, smoothstep(0.75, 0.1, up));
        let spots = if self.kind == Kind::Whale { 0.30 } else { 0.10 };
        above.lerp(self.belly, below) * (1.0 + spots * mottle)
    }

    /// The animal from its side.
    pub(super) fn side(&self, canvas: &mut Canvas, pose: &Pose, shade: &Shade) {
        self.side_tail(canvas, pose, shade);
        let far = self.back * 0.6;
        self.pectoral(canvas, pose, shade, far, 0.05);
        self.dorsal(canvas, pose, shade);
        body(canvas, pose, shade, &self.profile(), |t, up| {
            self.skin(t, up)
        });
        self.face(canvas, pose, shade);
        self.pectoral(canvas, pose, shade, self.back.lerp(self.flank, 0.4), 0.0);
    }

    fn side_tail(&self, canvas: &mut Canvas, pose: &Pose, shade: &Shade) {
        let f = self.fins;
        match self.kind {
            Kind::Shark => {
                let tail = [
                    vec2(-0.46, 0.012),
                    vec2(-0.53, 0.07 * f),
                    vec2(-0.60, 0.165 * f),
                    vec2(-0.575, 0.07 * f),
                    vec2(-0.535, 0.0),
                    vec2(-0.575, -0.085 * f),
                    vec2(-0.535, -0.06 * f),
                    vec2(-0.46, -0.012),
                ];
                fin(
                    canvas,
                    pose,
                    shade,
                    self.back,
                    Vec3::new(0.0, 0.2, 1.0),
                    &tail,
                );
            }
            // Flat flukes, seen nearly edge-on: the near one and a little of the far one.
            _ => {
                let wide = if self.kind == Kind::Whale { 1.3 } else { 1.0 } * f;
                let near = [
                    vec2(-0.44, 0.010),
                    vec2(-0.52, -0.012 * wide),
                    vec2(-0.585, -0.046 * wide),
                    vec2(-0.555, -0.006),
                    vec2(-0.50, 0.004),
                ];
                let off = [
                    vec2(-0.45, 0.012),
                    vec2(-0.53, 0.026 * wide),
                    vec2(-0.575, 0.034 * wide),
                    vec2(-0.54, 0.008),
                    vec2(-0.50, 0.0),
                ];
                fin(
                    canvas,
                    pose,
                    shade,
                    self.back * 0.8,
                    Vec3::new(0.0, 0.9, 0.4),
                    &off,
                );
                fin(
                    canvas,
                    pose,
                    shade,
                    self.back,
                    Vec3::new(0.0, 0.8, 0.5),
                    &near,
                );
            }
        }
    }

    /// The fin on the back.
    pub(super) fn dorsal(&self, canvas: &mut Canvas, pose: &Pose, shade: &Shade) {
        let f = self.fins;
        let g = self.girth;
        let facing = Vec3::new(0.0, 0.4, 1.0);
        match self.kind {
            Kind::Dolphin => {
                let sickle = [
                    vec2(0.06, 0.074 * g),
                    vec2(0.012, 0.12 * f),
                    vec2(-0.055, 0.168 * f),
                    vec2(-0.062, 0.164 * f),
                    vec2(-0.038, 0.115 * f),
                    vec2(-0.05, 0.066 * g),
                    vec2(0.0, 0.05),
                ];
                fin(canvas, pose, shade, self.back, facing, &sickle);
            }
            Kind::Shark => {
                let triangle = [
                    vec2(0.13, 0.062 * g),
                    vec2(0.09, 0.11 * f),
                    vec2(0.035, 0.178 * f),
                    vec2(0.024, 0.172 * f),
                    vec2(0.022, 0.09 * f),
                    vec2(0.0, 0.056 * g),
                    vec2(0.06, 0.04),
                ];
                fin(canvas, pose, shade, self.back, facing, &triangle);
                let second = [
                    vec2(-0.27, 0.03 * g),
                    vec2(-0.31, 0.058 * f),
                    vec2(-0.315, 0.03 * g),
                    vec2(-0.30, 0.018),
                ];
                fin(canvas, pose, shade, self.back, facing, &second);
                let lower = [
                    vec2(-0.25, -0.026 * g),
                    vec2(-0.31, -0.058 * f),
                    vec2(-0.31, -0.022 * g),
                    vec2(-0.28, -0.01),
                ];
                fin(
                    canvas,
                    pose,
                    shade,
                    self.back.lerp(self.belly, 0.4),
                    facing,
                    &lower,
                );
            }
            Kind::Whale => {
                let small = if self.sort == 2 { 0.5 } else { 1.0 } * f;
                let hump = [
                    vec2(-0.10, 0.066 * g),
                    vec2(-0.17, (0.05 + 0.045 * small) * g),
                    vec2(-0.205, (0.045 + 0.045 * small) * g),
                    vec2(-0.21, 0.046 * g),
                    vec2(-0.16, 0.03),
                ];
                fin(canvas, pose, shade, self.back, facing, &hump);
            }
        }
    }

    fn pectoral(&self, canvas: &mut Canvas, pose: &Pose, shade: &Shade, colour: Vec3, shift: f32) {
        let f = self.fins;
        let g = self.girth;
        let facing = Vec3::new(0.1, -0.1, 1.0);
        let at = |x: f32, y: f32| vec2(x + shift, y - shift * 0.3);
        match self.kind {
            Kind::Dolphin => fin(
                canvas,
                pose,
                shade,
                colour,
                facing,
                &[
                    at(0.25, -0.045 * g),
                    at(0.20, -0.10 * f),
                    at(0.135, -0.142 * f),
                    at(0.15, -0.10 * f),
                    at(0.185, -0.05 * g),
                ],
            ),
            Kind::Shark => fin(
                canvas,
                pose,
                shade,
                colour,
                facing,
                &[
                    at(0.24, -0.034 * g),
                    at(0.17, -0.11 * f),
                    at(0.085, -0.175 * f),
                    at(0.10, -0.11 * f),
                    at(0.145, -0.045 * g),
                ],
            ),
            Kind::Whale if self.sort == 0 => {
                let pale = colour.lerp(self.belly, 0.45);
                fin(
                    canvas,
                    pose,
                    shade,
                    pale,
                    facing,
                    &[
                        at(0.21, -0.06 * g),
                        at(0.15, -0.17 * f),
                        at(0.05, -0.27 * f),
                        at(0.03, -0.262 * f),
                        at(0.085, -0.15 * f),
                        at(0.145, -0.06 * g),
                    ],
                );
            }
            Kind::Whale => fin(
                canvas,
                pose,
                shade,
                colour,
                facing,
                &[
                    at(0.23, -0.05 * g),
                    at(0.19, -0.10 * f),
                    at(0.14, -0.125 * f),
                    at(0.16, -0.08 * f),
                    at(0.185, -0.05 * g),
                ],
            ),
        }
    }

    fn face(&self, canvas: &mut Canvas, pose: &Pose, shade: &Shade) {
        let g = self.girth;
        let dark = shade.on(self.back * 0.25, Vec3::Z);
        match self.kind {
            Kind::Dolphin => {
                stroke(
                    canvas,
                    pose,
                    &[
                        vec2(0.495, -0.002),
                        vec2(0.42, -0.006),
                        vec2(0.375, -0.016),
                        vec2(0.345, -0.008),
                    ],
                    0.006,
                    dark,
                );
                spot(canvas, pose, vec2(0.338, 0.012), 0.009, dark);
            }
            Kind::Shark => {
                for slit in 0..5 {
                    let x = 0.285 - 0.026 * slit as f32;
                    stroke(
                        canvas,
                        pose,
                        &[
                            vec2(x + 0.006, 0.026 * g),
                            vec2(x, 0.0),
                            vec2(x + 0.004, -0.026 * g),
                        ],
                        0.008,
                        dark,
                    );
                }
                stroke(
                    canvas,
                    pose,
                    &[
                        vec2(0.44, -0.022 * g),
                        vec2(0.405, -0.020 * g),
                        vec2(0.375, -0.036 * g),
                    ],
                    0.007,
                    dark,
                );
                spot(canvas, pose, vec2(0.415, 0.012), 0.008, dark);
                if self.sort == 1 {
                    let hammer = [
                        vec2(0.50, 0.058),
                        vec2(0.455, 0.052),
                        vec2(0.45, 0.0),
                        vec2(0.46, -0.052),
                        vec2(0.50, -0.05),
                        vec2(0.51, 0.0),
                    ];
                    fin(canvas, pose, shade, self.back, Vec3::Z, &hammer);
                }
            }
            Kind::Whale => {
                let y = if self.sort == 2 { -0.026 } else { 0.0 };
                stroke(
                    canvas,
                    pose,
                    &[
                        vec2(0.49, y),
                        vec2(0.40, y + 0.014),
                        vec2(0.31, y - 0.004),
                        vec2(0.28, y - 0.026),
                    ],
                    0.006,
                    dark,
                );
                spot(canvas, pose, vec2(0.265, y - 0.004), 0.007, dark);
                if self.sort != 2 {
                    let groove = shade.on(self.belly * 0.5, Vec3::new(0.0, -0.4, 0.9));
                    for line in 0..6 {
                        let down = 0.25 + 0.11 * line as f32;
                        let low = |x: f32, deep: f32| vec2(x, -deep * down * g);
                        stroke(
                            canvas,
                            pose,
                            &[
                                low(0.44, 0.06),
                                low(0.34, 0.10),
                                low(0.2, 0.115),
                                low(0.06, 0.10),
                            ],
                            0.004,
                            groove,
                        );
                    }
                }
            }
        }
    }

    /// The animal from above: flukes spread flat, or a tail that is a swinging line.
    pub(super) fn above(&self, canvas: &mut Canvas, pose: &Pose, shade: &Shade) {
        let f = self.fins;
        let up = Vec3::new(0.0, 0.3, 1.0);
        for hand in [-1.0_f32, 1.0] {
            let wing: &[Vec2] = match (self.kind, self.sort) {
                (Kind::Dolphin, _) => &[
                    vec2(0.24, 0.05),
                    vec2(0.19, 0.12),
                    vec2(0.12, 0.165),
                    vec2(0.14, 0.10),
                    vec2(0.17, 0.05),
                ],
                (Kind::Shark, _) => &[
                    vec2(0.23, 0.045),
                    vec2(0.16, 0.14),
                    vec2(0.075, 0.215),
                    vec2(0.09, 0.13),
                    vec2(0.12, 0.045),
                ],
                (Kind::Whale, 0) => &[
                    vec2(0.22, 0.07),
                    vec2(0.17, 0.19),
                    vec2(0.08, 0.31),
                    vec2(0.06, 0.30),
                    vec2(0.11, 0.16),
                    vec2(0.15, 0.07),
                ],
                (Kind::Whale, _) => &[
                    vec2(0.22, 0.06),
                    vec2(0.18, 0.12),
                    vec2(0.12, 0.15),
                    vec2(0.14, 0.10),
                    vec2(0.17, 0.05),
                ],
            };
            let wing: Vec<Vec2> = wing.iter().map(|p| vec2(p.x, p.y * hand * f)).collect();
            fin(
                canvas,
                pose,
                shade,
                self.back.lerp(self.flank, 0.3),
                up,
                &wing,
            );
            if self.kind == Kind::Shark {
                let small: Vec<Vec2> = [vec2(-0.14, 0.03), vec2(-0.19, 0.075), vec2(-0.20, 0.03)]
                    .iter()
                    .map(|p| vec2(p.x, p.y * hand * f))
                    .collect();
                fin(canvas, pose, shade, self.back, up, &small);
            } else {
                let wide = if self.kind == Kind::Whale { 1.25 } else { 1.0 } * f * hand;
                let fluke = [
                    vec2(-0.44, 0.0),
                    vec2(-0.485, 0.075 * wide),
                    vec2(-0.565, 0.145 * wide),
                    vec2(-0.545, 0.07 * wide),
                    vec2(-0.525, 0.0),
                ];
                fin(canvas, pose, shade, self.back, up, &fluke);
            }
        }
        let wide = if self.kind == Kind::Whale { 1.05 } else { 0.92 };
        let profile: Vec<_> = self
            .profile()
            .iter()
            .map(|&(t, a, b)| (t, (a + b) * 0.5 * wide, (a + b) * 0.5 * wide))
            .collect();
        body(canvas, pose, shade, &profile, |t, up| {
            let mottle = fbm(vec2(t * 16.0, up * 2.2), 4, self.seed);
            self.back.lerp(self.flank, smoothstep(0.2, 1.0, up.abs())) * (1.0 + 0.15 * mottle)
        });
        // The upright fin is a line from above; so is a shark's tail.
        let ridge = shade.on(self.back * 0.6, up);
        match self.kind {
            Kind::Shark => {
                stroke(
                    canvas,
                    pose,
                    &[vec2(0.12, 0.0), vec2(0.02, 0.0)],
                    0.014,
                    ridge,
                );
                stroke(
                    canvas,
                    pose,
                    &[vec2(-0.44, 0.0), vec2(-0.52, 0.0), vec2(-0.60, 0.0)],
                    0.016 * f,
                    shade.on(self.back, up),
                );
                if self.sort == 1 {
                    fin(
                        canvas,
                        pose,
                        shade,
                        self.back,
                        up,
                        &[
                            vec2(0.50, 0.12),
                            vec2(0.46, 0.115),
                            vec2(0.45, 0.0),
                            vec2(0.46, -0.115),
                            vec2(0.50, -0.12),
                            vec2(0.515, 0.0),
                        ],
                    );
                }
            }
            Kind::Dolphin => {
                stroke(
                    canvas,
                    pose,
                    &[vec2(0.03, 0.0), vec2(-0.06, 0.0)],
                    0.012,
                    ridge,
                );
                spot(canvas, pose, vec2(0.33, 0.0), 0.007, ridge * 0.6);
            }
            Kind::Whale => {
                stroke(
                    canvas,
                    pose,
                    &[vec2(-0.12, 0.0), vec2(-0.21, 0.0)],
                    0.012,
                    ridge,
                );
                stroke(
                    canvas,
                    pose,
                    &[vec2(0.36, 0.008), vec2(0.31, 0.008)],
                    0.007,
                    ridge * 0.6,
                );
                stroke(
                    canvas,
                    pose,
                    &[vec2(0.36, -0.008), vec2(0.31, -0.008)],
                    0.007,
                    ridge * 0.6,
                );
            }
        }
    }

    /// What shows of the tail when the animal dives: the flukes from behind, or the upright tail.
    pub(super) fn tail_up(&self, canvas: &mut Canvas, pose: &Pose, shade: &Shade) {
        let f = self.fins;
        let facing = Vec3::new(0.2, 0.3, 0.9);
        // Here the figure stands on its head: x runs up the picture from the water.
        body(
            canvas,
            pose,
            shade,
            &[
                (0.0, 0.05, 0.045),
                (0.5, 0.044, 0.040),
                (0.85, 0.022, 0.020),
                (1.0, 0.016, 0.016),
            ],
            |_, up| self.back.lerp(self.flank, smoothstep(0.5, -0.5, up)),
        );
        if self.kind == Kind::Shark {
            let tail = [
                vec2(-0.44, 0.014),
                vec2(-0.56, 0.10 * f),
                vec2(-0.66, 0.20 * f),
                vec2(-0.60, 0.08 * f),
                vec2(-0.55, 0.0),
                vec2(-0.60, -0.11 * f),
                vec2(-0.54, -0.08 * f),
                vec2(-0.44, -0.014),
            ];
            fin(canvas, pose, shade, self.back, facing, &tail);
            return;
        }
        let wide = if self.kind == Kind::Whale { 1.45 } else { 0.9 } * f;
        for hand in [-1.0_f32, 1.0] {
            let fluke = [
                vec2(-0.42, 0.0),
                vec2(-0.50, 0.10 * wide * hand),
                vec2(-0.515, 0.23 * wide * hand),
                vec2(-0.50, 0.285 * wide * hand),
                vec2(-0.575, 0.20 * wide * hand),
                vec2(-0.60, 0.08 * wide * hand),
                vec2(-0.565, 0.0),
            ];
            fin(
                canvas,
                pose,
                shade,
                self.back * if hand > 0.0 { 1.0 } else { 0.85 },
                vec3(0.2 * hand, 0.3, 0.9),
                &fluke,
            );
        }
    }
}
