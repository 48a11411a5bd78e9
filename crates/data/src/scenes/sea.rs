//! The sea: open water, beaches, cliffs, and the shore from above.

use glam::{Vec2, Vec3, vec2, vec3};

use crate::Random;
use crate::paint::air::{Air, Mood};
use crate::paint::canvas::{Canvas, rgb, vary};
use crate::paint::land::{Land, Viewpoint, Water, paint_sky};
use crate::paint::noise::{detail, fbm, noise, ridged, smoothstep};

const MOODS: [Mood; 10] = [
    Mood::Clear,
    Mood::Clear,
    Mood::Fair,
    Mood::Fair,
    Mood::Fair,
    Mood::Grey,
    Mood::Golden,
    Mood::Dusk,
    Mood::Dusk,
    Mood::Mist,
];

pub(super) fn paint(random: &mut Random) -> Canvas {
    let shore = match random.below(10) {
        0..3 => Shore::Open,
        3..6 => Shore::Beach,
        6..8 => Shore::Cliffs,
        _ => Shore::FromAbove,
    };
    let air = Air::draw(random, &MOODS);
    let view = shore.view(random);
    let coast = Coast::draw(random, shore);
    let size = if shore == Shore::Beach { 500.0 } else { 1500.0 };
    let land = Land::new(size, 300, air.sun, |place| coast.height(place));
    let mut canvas = Canvas::new();
    let mut depth = canvas.empty_depth();
    land.paint(&mut canvas, &mut depth, &view, &air, |point, normal| {
        coast.colour(point, normal)
    });
    paint_sky(&mut canvas, &depth, &view, &air);
    water(random, shore).paint(&mut canvas, &mut depth, &view, &air, |place| {
        land.height(place)
    });
    let boats = if random.chance(0.4) {
        1 + random.below(3)
    } else {
        0
    };
    for _ in 0..boats {
        boat(&mut canvas, &depth, &view, &air, random);
    }
    if shore == Shore::Beach && random.chance(0.3) {
        palm(&mut canvas, &air, random);
    }
    if random.chance(0.25) {
        gulls(&mut canvas, &view, random);
    }
    canvas
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shore {
    Open,
    Beach,
    Cliffs,
    FromAbove,
}

impl Shore {
    fn view(self, random: &mut Random) -> Viewpoint {
        let (eye, horizon) = match self {
            Shore::Open => ((2.0, 14.0), (0.25, 0.62)),
            Shore::Beach => ((2.0, 9.0), (0.25, 0.48)),
            Shore::Cliffs => ((4.0, 45.0), (0.25, 0.5)),
            Shore::FromAbove => ((60.0, 150.0), (-0.5, 0.08)),
        };
        Viewpoint {
            eye: vec3(0.0, random.range(eye.0, eye.1), 0.0),
            horizon: random.range(horizon.0, horizon.1),
            focal: random.range(0.8, 1.4),
        }
    }
}

/// The land at the sea.
struct Coast {
    shore: Shore,
    /// Metres to the waterline, or to the cliffs.
    away: f32,
    slant: f32,
    /// Which side the cliffs are on, and how high they are, in metres.
    side: f32,
    tall: f32,
    /// Single rocks in the water: how many, from -1 (none) upwards.
    rocks: f32,
    sand: Vec3,
    rock: Vec3,
    green: Vec3,
    seed: u32,
}

impl Coast {
    fn draw(random: &mut Random, shore: Shore) -> Self {
        let away = match shore {
            Shore::Open => 1200.0,
            Shore::Beach => random.range(7.0, 26.0),
            Shore::Cliffs => random.range(60.0, 300.0),
            Shore::FromAbove => random.range(50.0, 130.0),
        };
        Self {
            shore,
            away,
            slant: random.range(-0.9, 0.9),
            side: if random.chance(0.5) { 1.0 } else { -1.0 },
            tall: if shore == Shore::Open && random.chance(0.6) {
                -40.0
            } else {
                random.range(14.0, 75.0)
            },
            rocks: if random.chance(0.35) {
                random.range(-0.98, -0.78)
            } else {
                -2.0
            },
            sand: vary(
                rgb(random.pick(&[0xE2CFA6, 0xD9C08E, 0xECE0C8, 0xB9A98C])),
                random,
                0.1,
            ),
            rock: vary(
                rgb(random.pick(&[0x7D7468, 0x5A5552, 0xA08468])),
                random,
                0.15,
            ),
            green: vary(rgb(0x5B7A38), random, 0.25),
            seed: random.bits() as u32 >> 3,
        }
    }

    fn height(&self, place: Vec2) -> f32 {
        let bend = 26.0 * fbm(place / 130.0, 3, self.seed);
        let base = match self.shore {
            // A strip of land on the horizon, or nothing.
            Shore::Open if place.y <= self.away => -30.0,
            Shore::Open => {
                let strip = fbm(vec2(place.x / 420.0, 0.2), 4, self.seed + 1)
                    + 0.25 * self.side * place.x / 400.0;
                self.tall * strip
            }
            Shore::Beach => {
                let to_water = self.away + self.slant * place.x * 0.4 + 0.35 * bend - place.y;
                let dunes =
                    0.25 * fbm(place / 9.0, 3, self.seed + 2) * smoothstep(0.0, 8.0, to_water);
                to_water * 0.055 + dunes + self.headland(place)
            }
            Shore::Cliffs => self.cliff(place, bend),
            Shore::FromAbove => {
                let to_water = self.away + self.slant * place.x + bend - place.y;
                let inland = smoothstep(35.0, 70.0, to_water)
                    * 9.0
                    * (1.0 + fbm(place / 14.0, 3, self.seed + 2));
                to_water.max(-90.0) * 0.07 + inland
            }
        };
        if self.rocks <= -2.0 {
            return base.max(-30.0);
        }
        let stacks = ridged(place / 46.0, 4, self.seed + 3)
            + 0.7 * fbm(place / 60.0, 2, self.seed + 4)
            + self.rocks;
        let far_enough = smoothstep(12.0, 40.0, place.y);
        base.max(if stacks > 0.0 {
            stacks * 24.0 * far_enough - 2.0
        } else {
            -30.0
        })
    }

    /// A cape at the end of the beach.
    fn headland(&self, place: Vec2) -> f32 {
        let into = self.side * place.x - 40.0 - 0.15 * place.y
            + 20.0 * fbm(place / 70.0, 3, self.seed + 5);
        let ahead = smoothstep(120.0, 260.0, place.y);
        smoothstep(0.0, 60.0, into)
            * ahead
            * self.tall.max(20.0)
            * (0.7 + 0.5 * fbm(place / 50.0, 4, self.seed + 6))
    }

    fn cliff(&self, place: Vec2, bend: f32) -> f32 {
        let gully = 30.0 * fbm(place / 38.0, 4, self.seed + 7);
        let into =
            self.side * place.x - 18.0 - 0.10 * (place.y - self.away).abs() + bend * 1.6 + gully;
        let ahead = smoothstep(self.away * 0.3, self.away * 0.5, place.y);
        let wall =
            smoothstep(0.0, 16.0, into) * self.tall.abs() + smoothstep(10.0, 300.0, into) * 30.0;
        wall * ahead * (0.85 + 0.35 * fbm(place / 60.0, 3, self.seed + 8))
            + into.clamp(-90.0, 0.0) * 0.16
            - 0.6
    }

    fn colour(&self, point: Vec3, normal: &mut Vec3) -> Vec3 {
        let place = vec2(point.x + 0.35 * point.y, point.z + 0.9 * point.y);
        let grain = detail(place, 0.25 + point.z * 0.008, self.seed + 10);
        let coarse = fbm(place / 9.0, 3, self.seed + 11);
        let steep = 1.0 - normal.y;
        let layer = noise(vec2(point.y / 3.2 + 0.8 * coarse, 0.4), self.seed + 12);
        let rock = self.rock * (0.8 + 0.35 * layer + 0.4 * coarse + 0.2 * grain).max(0.15);
        let green = self.green * (0.85 + 0.5 * coarse + 0.3 * grain).max(0.2);
        let wet = 1.0 - smoothstep(0.05, 0.5, point.y);
        let sand = self.sand * (0.92 + 0.16 * grain + 0.12 * coarse) * (1.0 - 0.45 * wet);
        let low = 1.0 - smoothstep(2.0, 4.5, point.y + coarse);
        let flat = match self.shore {
            Shore::Beach | Shore::FromAbove => green.lerp(sand, low),
            _ => green.lerp(rock, low),
        };
        let bare = smoothstep(0.18, 0.42, steep + 0.12 * coarse);
        *normal = (*normal + vec3(grain, 0.0, coarse) * (0.12 + 0.5 * bare)).normalize();
        flat.lerp(rock, bare)
    }
}

fn water(random: &mut Random, shore: Shore) -> Water {
    let (deep, shallow) = random.pick(&[
        (0x0E3F5E, 0x3FA6A6),
        (0x0B4A72, 0x4CC4BE),
        (0x1B4A58, 0x6AA08C),
        (0x24424E, 0x7C9488),
        (0x0A3560, 0x2E9CB8),
    ]);
    Water {
        level: 0.0,
        deep: vary(rgb(deep), random, 0.2),
        shallow: vary(rgb(shallow), random, 0.15),
        waves: match shore {
            Shore::Open => random.range(0.12, 0.85),
            _ => random.range(0.08, 0.5),
        },
        swell: random.range(6.0, 24.0),
        clearness: random.range(0.8, 4.0),
        surf: match shore {
            Shore::Open => 0.0,
            Shore::Beach => random.range(0.25, 0.6),
            Shore::Cliffs => random.range(0.8, 2.0),
            Shore::FromAbove => random.range(0.7, 1.6),
        },
        seed: random.bits() as u32 >> 3,
    }
}

/// A boat under sail, or a motor boat with its wake, somewhere on the water.
fn boat(canvas: &mut Canvas, depth: &[f32], view: &Viewpoint, air: &Air, random: &mut Random) {
    let z = random.range(60.0, 420.0) * (view.eye.y / 20.0).max(1.0);
    let point = vec3(random.range(-0.4, 0.4) * z / view.focal, 0.0, z);
    let Some(foot) = view.seen(point) else { return };
    let at = |part: f32| ((part * canvas.side as f32) as usize).min(canvas.side - 1);
    let surface = depth[at(foot.y) * canvas.side + at(foot.x)];
    if !(0.02..0.98).contains(&foot.y) || (surface - z).abs() > z * 0.15 {
        return;
    }
    let metre = view.focal / z;
    let up = |x: f32, y: f32| foot + vec2(x, -y) * metre;
    let haze = |colour: Vec3| {
        air.through(
            colour * air.on(vec3(0.3, 0.5, -0.8), 0.8),
            z,
            view.towards(foot),
        )
    };
    let long = random.range(5.0, 9.0);
    let hull = haze(vary(
        rgb(random.pick(&[0xF2F2F0, 0x8A2A22, 0x24384E, 0x6A4A30])),
        random,
        0.1,
    ));
    canvas.dab(
        up(0.0, -0.4),
        vec2(long, 0.9) * metre,
        Vec2::X,
        0.8,
        haze(rgb(0x14242C)),
        0.5,
    );
    canvas.fill(
        &[
            up(-long * 0.9, 1.7),
            up(long, 2.0),
            up(long * 0.75, 0.0),
            up(-long * 0.8, 0.0),
        ],
        |_| (hull, 1.0),
    );
    if random.chance(0.65) {
        let tall = long * random.range(2.0, 2.8);
        let sail = haze(vary(
            rgb(random.pick(&[0xF6F4EC, 0xF6F4EC, 0xE8D8B8, 0xC04030])),
            random,
            0.08,
        ));
        canvas.line(
            up(0.0, 1.5),
            up(0.0, tall),
            0.25 * metre,
            0.2 * metre,
            haze(rgb(0x4A4038)),
        );
        canvas.fill(
            &[
                up(-0.4, tall),
                up(-0.4, 2.6),
                up(-long * 0.85, 2.6),
                up(-long * 0.35, tall * 0.5),
            ],
            |_| (sail, 1.0),
        );
        canvas.fill(
            &[
                up(0.5, tall * 0.9),
                up(long * 0.45, tall * 0.42),
                up(long * 0.95, 2.4),
                up(0.5, 2.6),
            ],
            |_| (sail * 0.88, 1.0),
        );
    } else {
        canvas.fill(
            &[
                up(-long * 0.4, 1.8),
                up(-long * 0.35, 3.8),
                up(long * 0.25, 3.6),
                up(long * 0.45, 1.8),
            ],
            |_| (haze(rgb(0xE8ECEE)), 1.0),
        );
        canvas.dab(
            up(-long * 1.9, 0.1),
            vec2(long * 1.2, 0.35) * metre,
            Vec2::X,
            0.9,
            haze(rgb(0xF4F8FA)),
            0.7,
        );
    }
}

/// A palm that leans into the picture, close to the camera.
fn palm(canvas: &mut Canvas, air: &Air, random: &mut Random) {
    let foot = vec2(random.range(0.7, 1.05), random.range(0.85, 1.1));
    let crown = foot + vec2(random.range(-0.3, 0.02), -random.range(0.5, 0.75));
    let bark = rgb(0x5E4A36) * air.on(vec3(0.4, 0.3, -0.8).normalize(), 0.7);
    let bend = vec2(random.range(-0.06, 0.06), 0.0);
    let at = |t: f32| foot.lerp(crown, t) + bend * (4.0 * t * (1.0 - t));
    for step in 0..12 {
        let t = step as f32 / 12.0;
        canvas.line(
            at(t),
            at(t + 0.09),
            0.028 * (1.0 - 0.5 * t),
            0.027 * (1.0 - 0.5 * t),
            bark * (0.85 + 0.3 * (step % 2) as f32),
        );
    }
    let leaves = 9 + random.below(5);
    for leaf in 0..leaves {
        let turn = leaf as f32 / leaves as f32 * std::f32::consts::TAU + random.range(-0.2, 0.2);
        let reach =
            vec2(libm::cosf(turn), 0.55 * libm::sinf(turn) - 0.28) * random.range(0.16, 0.25);
        let colour = vary(rgb(0x3F6B2A), random, 0.25) * air.on(Vec3::Y, 0.3 + 0.6 * random.unit());
        let droop = random.range(0.05, 0.13);
        let spine = |t: f32| crown + reach * t + vec2(0.0, droop * t * t);
        for step in 0..14 {
            let t = step as f32 / 14.0;
            let long = 0.055 * (1.0 - t) * (0.4 + 2.0 * t).min(1.0) + 0.008;
            let away = (spine(t + 0.05) - spine(t)).normalize_or_zero();
            for hand in [-1.0, 1.0] {
                let tip = spine(t)
                    + (away + hand * away.perp() * 0.9).normalize_or_zero() * long
                    + vec2(0.0, long * 0.55);
                canvas.line(
                    spine(t),
                    tip,
                    0.006,
                    0.002,
                    colour * if hand > 0.0 { 1.0 } else { 0.7 },
                );
            }
        }
    }
}

/// A few birds in the sky.
fn gulls(canvas: &mut Canvas, view: &Viewpoint, random: &mut Random) {
    let sky = view.horizon.clamp(0.12, 0.7);
    for _ in 0..1 + random.below(6) {
        let at = vec2(random.range(0.05, 0.95), random.range(0.03, sky * 0.9));
        let span = random.range(0.008, 0.03);
        let tone = rgb(random.pick(&[0x2A2C30, 0x4A4C52, 0xF0F2F4]));
        for hand in [-1.0, 1.0] {
            let elbow = at + vec2(hand * span * 0.5, -span * random.range(0.2, 0.5));
            canvas.line(at, elbow, span * 0.14, span * 0.12, tone);
            canvas.line(
                elbow,
                at + vec2(hand * span, -span * random.range(0.0, 0.3)),
                span * 0.12,
                span * 0.04,
                tone,
            );
        }
    }
}
