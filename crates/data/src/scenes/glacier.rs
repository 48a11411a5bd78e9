//! Glaciers: a tongue of ice in its valley, its front at the water, icebergs, and fields of snow and crevasses.

use glam::{Vec2, Vec3, vec2, vec3};

use super::peaks::{self, Cover, Range, Season};
use crate::Random;
use crate::paint::air::{Air, Mood};
use crate::paint::canvas::{Canvas, rgb, vary};
use crate::paint::land::{Land, Viewpoint, Water, paint_sky};
use crate::paint::noise::{cells, detail, fbm, noise, ridged, smoothstep};

const MOODS: [Mood; 8] = [
    Mood::Clear,
    Mood::Clear,
    Mood::Fair,
    Mood::Fair,
    Mood::Grey,
    Mood::Grey,
    Mood::Mist,
    Mood::Golden,
];

pub(super) fn paint(random: &mut Random) -> Canvas {
    match random.below(10) {
        0..4 => valley(random),
        4..6 => front(random),
        6 => icebergs(random),
        _ => snowfield(random),
    }
}

/// The look of ice.
#[derive(Clone, Debug)]
struct Ice {
    white: Vec3,
    blue: Vec3,
    deep: Vec3,
    dirt: Vec3,
    seed: u32,
}

impl Ice {
    fn draw(random: &mut Random) -> Self {
        Self {
            white: vary(rgb(0xEDF3F7) * 0.82, random, 0.06),
            blue: vary(rgb(0x9CC9E0), random, 0.12),
            deep: vary(rgb(0x3C86B4), random, 0.15),
            dirt: vary(rgb(0x6A6660), random, 0.15),
            seed: random.bits() as u32 >> 3,
        }
    }

    /// A wall of ice: blue where it broke lately, cracked from top to bottom.
    fn wall(&self, point: Vec3, normal: &mut Vec3) -> Vec3 {
        let along = vec2(point.x * 0.8 + point.z * 0.6, point.y);
        let cracks = fbm(along / vec2(7.0, 34.0), 4, self.seed);
        let layers = noise(vec2(along.x / 90.0, along.y / 3.5), self.seed + 8);
        let tone = 0.45 + 0.75 * cracks + 0.18 * layers;
        *normal = (*normal + vec3(0.8 * noise(along / 5.0, self.seed + 9), 0.4 * cracks, 0.0))
            .normalize();
        let clean = self
            .deep
            .lerp(self.blue, smoothstep(-0.2, 0.5, tone))
            .lerp(self.white, smoothstep(0.35, 0.95, tone));
        clean.lerp(self.dirt * 0.8, 0.5 * smoothstep(0.28, 0.5, layers))
    }

    /// The top of a glacier that flows along z: crevasses bent downstream, stripes of rubble, old snow.
    fn flow(&self, point: Vec3, across: f32, normal: &mut Vec3, distance: f32, snow: f32) -> Vec3 {
        let place = vec2(point.x, point.z);
        let bent = point.z / 30.0 + 3.2 * across * across;
        let crack = noise(vec2(bent, point.x / 150.0), self.seed)
            + 0.5 * noise(vec2(bent * 2.3, point.x / 60.0), self.seed + 1);
        let broken = 0.5 + 0.6 * fbm(place / 420.0, 3, self.seed + 2);
        let open = smoothstep(0.18, 0.55, crack * (0.45 + broken));
        let grain = detail(place, distance * 0.012 + 1.0, self.seed + 3);
        let ice = self
            .white
            .lerp(self.blue, (0.35 + 0.5 * grain).clamp(0.0, 1.0));
        let mut colour = ice.lerp(self.deep, 0.85 * open);
        let rubble = noise(vec2(across * 3.1, point.z / 2600.0), self.seed + 5) + 0.25 * grain;
        colour = colour.lerp(
            self.dirt,
            0.8 * smoothstep(0.34, 0.52, rubble) * (1.0 - snow),
        );
        colour = colour.lerp(self.white, snow * (1.0 - 0.75 * open));
        *normal = (*normal + vec3(0.2 * grain, 0.0, 0.55 * crack)).normalize();
        colour
    }
}

/// A tongue of ice that comes down between ridges.
fn valley(random: &mut Random) -> Canvas {
    let air = Air::draw(random, &MOODS);
    let mut range = Range::draw(random);
    range.begins = random.range(-1600.0, -300.0);
    let season = random.pick(&[Season::Winter, Season::Summer, Season::Winter]);
    let cover = Cover::draw(random, season, range.height);
    let ice = Ice::draw(random);
    let half = random.range(260.0, 620.0);
    let lean = random.range(-0.22, 0.22);
    let seed = random.bits() as u32 >> 3;
    let begins = if random.chance(0.4) {
        random.range(130.0, 380.0)
    } else {
        -100.0
    };
    let across = move |place: Vec2| {
        let centre = lean * place.y
            + 420.0 * fbm(vec2(place.y / 2600.0, 0.5), 2, seed) * (place.y / 1500.0).min(1.0);
        let rough = 0.10 * fbm(place / 210.0, 3, seed + 1);
        (place.x - centre) / (half * (0.8 + place.y / 5200.0)) + rough
    };
    let rise = random.range(0.05, 0.13);
    let height = move |place: Vec2| {
        let off = across(place);
        let floor = rise * place.y + 28.0 * (1.0 - off * off).max(-1.0);
        let toe = smoothstep(begins - 90.0, begins + 160.0, place.y + 60.0 * off);
        let wall = smoothstep(0.92, 2.6, off.abs());
        floor * 0.7 + 55.0 * toe + wall * (110.0 + range.at(place))
    };
    let land = Land::new(peaks::REACH, 280, air.sun, &height);
    let view = Viewpoint {
        eye: vec3(
            random.range(-60.0, 60.0),
            land.height(Vec2::ZERO) + random.range(40.0, 330.0),
            0.0,
        ),
        horizon: random.range(0.24, 0.5),
        focal: random.range(0.9, 1.5),
    };
    let snow_from = random.range(1500.0, 5000.0);
    let mut canvas = Canvas::new();
    let mut depth = canvas.empty_depth();
    land.paint(&mut canvas, &mut depth, &view, &air, |point, normal| {
        let place = vec2(point.x, point.z);
        let (off, distance) = (across(place), point.z.max(1.0));
        if off.abs() < 1.0 && place.y + 60.0 * off > begins {
            let snow = smoothstep(snow_from * 0.6, snow_from * 1.3, distance);
            return ice.flow(point, off, normal, distance, snow);
        }
        let rock = cover.colour(point, normal, distance);
        // Bare rubble beside the ice, where it has been higher.
        let bare = 1.0 - smoothstep(1.0, 1.5, off.abs());
        let gravel = ice.dirt * (0.8 + 0.7 * detail(place, distance * 0.01 + 1.0, ice.seed + 30));
        rock.lerp(gravel, bare * 0.85)
    });
    paint_sky(&mut canvas, &depth, &view, &air);
    canvas
}

/// The wall of ice where a glacier meets the water, with floes before it.
fn front(random: &mut Random) -> Canvas {
    let air = Air::draw(random, &MOODS);
    let ice = Ice::draw(random);
    let seed = random.bits() as u32 >> 3;
    let away = random.range(170.0, 520.0);
    let (tall, slant) = (random.range(28.0, 62.0), random.range(-0.5, 0.5));
    let floes = random.range(-0.15, 0.45);
    let edge =
        move |place: Vec2| place.y - away - slant * place.x - 55.0 * fbm(place / 110.0, 3, seed);
    let height = move |place: Vec2| {
        let behind = edge(place);
        if behind > 0.0 {
            let (first, second, own) = cells(place / 26.0, seed + 4);
            let blocks = 0.72 + 0.35 * own - 0.5 * (1.0 - smoothstep(0.0, 0.25, second - first));
            return tall * blocks + 0.10 * behind;
        }
        floe(place, seed + 6, floes)
    };
    let land = Land::new(1700.0, 300, air.sun, height);
    let view = Viewpoint {
        eye: vec3(0.0, random.range(5.0, 45.0), 0.0),
        horizon: random.range(0.42, 0.62),
        focal: random.range(1.0, 1.7),
    };
    let mut canvas = Canvas::new();
    let mut depth = canvas.empty_depth();
    if random.chance(0.75) {
        distance_peaks(&mut canvas, &mut depth, &view, &air, random);
    }
    land.paint(&mut canvas, &mut depth, &view, &air, |point, normal| {
        let place = vec2(point.x, point.z);
        let behind = edge(place);
        if behind > 12.0 && normal.y > 0.6 {
            return ice.flow(point, place.x / 400.0, normal, point.z, 0.2);
        }
        if behind > -9.0 {
            ice.wall(point, normal)
        } else {
            ice.white * 0.95
        }
    });
    paint_sky(&mut canvas, &depth, &view, &air);
    cold_water(random).paint(&mut canvas, &mut depth, &view, &air, |place| {
        land.height(place)
    });
    canvas
}

/// Ice that floats in a calm sea.
fn icebergs(random: &mut Random) -> Canvas {
    let air = Air::draw(random, &[&MOODS[..], &[Mood::Dusk]].concat());
    let ice = Ice::draw(random);
    let seed = random.bits() as u32 >> 3;
    let count = 1 + random.below(5);
    let bergs: Vec<_> = (0..count)
        .map(|index| {
            let z = if index == 0 {
                random.range(130.0, 300.0)
            } else {
                random.range(200.0, 1100.0)
            };
            let place = vec2(random.range(-0.32, 0.32) * z, z);
            let tilt = vec2(random.range(-0.5, 0.5), random.range(-0.3, 0.3));
            (
                place,
                random.range(28.0, 85.0),
                random.range(14.0, 58.0),
                tilt,
                random.chance(0.4),
            )
        })
        .collect();
    let floes = random.range(-0.3, 0.3);
    let height = |place: Vec2| {
        let mut top = floe(place, seed + 6, floes);
        for &(centre, radius, tall, tilt, flat) in &bergs {
            let off = (place - centre) / radius;
            let reach = off.length() * (1.0 + 0.45 * fbm(place / 40.0, 3, seed));
            if reach < 1.2 {
                let shape = if flat {
                    smoothstep(1.0, 0.86, reach)
                } else {
                    (1.0 - reach * reach).max(-0.4)
                };
                let crags = if flat {
                    0.8
                } else {
                    0.35 + 0.95 * ridged(place / radius * 1.1, 4, seed + 1)
                };
                top = top.max(tall * shape * crags * (1.0 + tilt.dot(off)));
            }
        }
        top
    };
    let land = Land::new(1300.0, 330, air.sun, height);
    let view = Viewpoint {
        eye: vec3(0.0, random.range(3.0, 26.0), 0.0),
        horizon: random.range(0.38, 0.6),
        focal: random.range(1.0, 1.9),
    };
    let mut canvas = Canvas::new();
    let mut depth = canvas.empty_depth();
    if random.chance(0.45) {
        distance_peaks(&mut canvas, &mut depth, &view, &air, random);
    }
    land.paint(&mut canvas, &mut depth, &view, &air, |point, normal| {
        let wet = 1.0 - smoothstep(0.5, 4.0, point.y);
        let wall = ice.wall(point, normal);
        wall.lerp(ice.white, 0.35 + 0.5 * smoothstep(0.5, 0.85, normal.y))
            .lerp(ice.deep, 0.5 * wet)
    });
    paint_sky(&mut canvas, &depth, &view, &air);
    cold_water(random).paint(&mut canvas, &mut depth, &view, &air, |place| {
        land.height(place)
    });
    canvas
}

/// Snow and open crevasses before white peaks: the glacier that is most like a mountain.
fn snowfield(random: &mut Random) -> Canvas {
    let air = Air::draw(random, &MOODS);
    let range = Range::draw(random);
    let cover = Cover::draw(random, Season::Winter, range.height);
    let ice = Ice::draw(random);
    let seed = random.bits() as u32 >> 3;
    let slope = random.range(-0.02, 0.08);
    let land = Land::new(peaks::REACH, 280, air.sun, |place| {
        let waves = 34.0 * fbm(place / 420.0, 4, seed) * (0.3 + (place.y / 700.0).min(1.0));
        range.at(place) + waves + slope * place.y
    });
    let view = Viewpoint {
        eye: vec3(0.0, land.height(Vec2::ZERO) + random.range(6.0, 120.0), 0.0),
        horizon: random.range(0.4, 0.68),
        focal: random.range(1.0, 1.8),
    };
    let mut canvas = Canvas::new();
    let mut depth = canvas.empty_depth();
    let limit = range.begins + 900.0;
    land.paint(&mut canvas, &mut depth, &view, &air, |point, normal| {
        let distance = point.z.max(1.0);
        let peak = cover.colour(point, normal, distance);
        let field = ice.flow(point, point.x / 700.0 + 0.3, normal, distance, 0.55);
        field.lerp(peak, smoothstep(limit * 0.8, limit * 1.2, distance))
    });
    paint_sky(&mut canvas, &depth, &view, &air);
    canvas
}

/// The height of drift ice: flat plates, more of them the larger `much`, below the water between.
fn floe(place: Vec2, seed: u32, much: f32) -> f32 {
    let (first, second, own) = cells(place / 11.0, seed);
    let crowd = fbm(place / 160.0, 2, seed + 1) + much;
    let plate = smoothstep(0.05, 0.22, second - first) * smoothstep(0.75, 0.55, first);
    if own * 0.9 < crowd && plate > 0.3 {
        0.4 + 1.6 * own * plate
    } else {
        -6.0
    }
}

fn cold_water(random: &mut Random) -> Water {
    Water {
        level: 0.0,
        deep: vary(
            rgb(random.pick(&[0x17414F, 0x2A5560, 0x1C3444, 0x55707A])),
            random,
            0.2,
        ),
        shallow: vary(rgb(0x5FA6B0), random, 0.2),
        waves: random.pick(&[0.01, 0.03, 0.08, 0.2]),
        swell: random.range(3.0, 9.0),
        clearness: 3.0,
        surf: 0.0,
        seed: random.bits() as u32 >> 3,
    }
}

/// White peaks behind the scene.
fn distance_peaks(
    canvas: &mut Canvas,
    depth: &mut [f32],
    view: &Viewpoint,
    air: &Air,
    random: &mut Random,
) {
    let mut range = Range::draw(random);
    range.begins = 1700.0;
    let season = random.pick(&[Season::Winter, Season::Winter, Season::Summer]);
    let cover = Cover::draw(random, season, range.height);
    let land = Land::new(peaks::REACH, 170, air.sun, |place| range.at(place) - 5.0);
    land.paint(canvas, depth, view, air, |point, normal| {
        cover.colour(point, normal, point.z.max(1.0))
    });
}
