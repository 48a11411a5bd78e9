//! High mountains: the land that mountains and glaciers share.

use glam::{Vec2, Vec3, vec2, vec3};

use crate::Random;
use crate::paint::air::Air;
use crate::paint::canvas::{Canvas, rgb, vary};
use crate::paint::land::{Land, Viewpoint};
use crate::paint::noise::{cells, detail, fbm, lerp, noise, ridged, smoothstep};

/// Metres of land on a side.
pub(super) const REACH: f32 = 9000.0;

/// The shape of a mountain range.
#[derive(Clone, Debug)]
pub(super) struct Range {
    /// Metres from foot to top.
    pub(super) height: f32,
    /// Metres from one ridge to the next.
    pub(super) ridges: f32,
    /// Where the range begins, in metres ahead.
    pub(super) begins: f32,
    /// The summit that stands out: where, how high above the range, how wide.
    summit: (Vec2, f32, f32),
    /// How rounded the crests are, 0 (sharp) to 1 (hills).
    round: f32,
    seed: u32,
}

impl Range {
    pub(super) fn draw(random: &mut Random) -> Self {
        let height = random.range(700.0, 1700.0);
        let away = random.range(3600.0, 6500.0);
        Self {
            height,
            ridges: random.range(1800.0, 3600.0),
            begins: random.range(900.0, 2200.0),
            summit: (
                vec2(random.range(-0.32, 0.32) * away, away),
                height * random.range(0.2, 1.0),
                random.range(1100.0, 2400.0),
            ),
            round: if random.chance(0.25) {
                random.range(0.4, 1.0)
            } else {
                0.0
            },
            seed: random.bits() as u32 >> 3,
        }
    }

    /// The height of the range at a place, in metres.
    pub(super) fn at(&self, place: Vec2) -> f32 {
        let warp = vec2(
            fbm(place / 1700.0, 2, self.seed + 9),
            fbm(place / 1700.0, 2, self.seed + 19),
        ) * 330.0;
        let ramp = smoothstep(self.begins, self.begins + 3200.0, place.y);
        let (top, extra, width) = self.summit;
        let off = ((place + warp * 0.5).distance(top) / width).min(1.0);
        if ramp == 0.0 && off == 1.0 {
            return 0.0;
        }
        let p = (place + warp) / self.ridges;
        let sharp = ridged(p, 6, self.seed);
        let mut crest = sharp;
        if self.round > 0.0 {
            crest = lerp(sharp, 0.5 + 0.6 * fbm(p * 1.2, 4, self.seed), self.round);
        }
        let cone = (1.0 - off) * (1.0 - 0.35 * off) * extra * (0.75 + 0.35 * sharp);
        ramp * self.height * (crest - 0.12).max(0.0) + cone
    }
}

/// What covers the ground of a mountain.
#[derive(Clone, Debug)]
pub(super) struct Cover {
    rock: Vec3,
    rock_dark: Vec3,
    meadow: Vec3,
    meadow_far: Vec3,
    wood: Vec3,
    /// Snow lies above this height, in metres, and below trees grow up to that.
    pub(super) snow_line: f32,
    pub(super) tree_line: f32,
    seed: u32,
}

/// The season of a mountain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Season {
    Summer,
    Autumn,
    Winter,
    Desert,
}

impl Cover {
    pub(super) fn draw(random: &mut Random, season: Season, height: f32) -> Self {
        let (rock, dark, meadow, far, wood) = match season {
            Season::Summer => (0x857E76, 0x4C4743, 0x6E8048, 0x56693F, 0x2A3D26),
            Season::Autumn => (0x837A70, 0x4E4640, 0xA88A45, 0x8C6E34, 0x7A4A1C),
            Season::Winter => (0x6F6C6C, 0x3D3B3E, 0xE4EAF2, 0xD8E0EA, 0x2C3A34),
            Season::Desert => (0xB47C54, 0x6E4530, 0xC09A68, 0xA87C50, 0x6A6B40),
        };
        let [rock, rock_dark, meadow, meadow_far, wood] =
            [rock, dark, meadow, far, wood].map(|hex| vary(rgb(hex), random, 0.16));
        Self {
            rock,
            rock_dark,
            meadow,
            meadow_far,
            wood,
            snow_line: match season {
                Season::Summer => height * random.range(0.45, 1.1),
                Season::Autumn => height * random.range(0.4, 0.9),
                Season::Winter => height * random.range(-0.6, 0.1),
                Season::Desert => height * 9.0,
            },
            tree_line: height * random.range(0.12, 0.4),
            seed: random.bits() as u32 >> 3,
        }
    }

    /// The colour of the ground at a point, and the small unevenness of its normal.
    pub(super) fn colour(&self, point: Vec3, normal: &mut Vec3, distance: f32) -> Vec3 {
        // Down a steep face height counts as well, or its texture would be drawn into streaks.
        let place = vec2(point.x + 0.35 * point.y, point.z + 0.9 * point.y);
        let grain = distance * 0.006 + 0.4;
        let bump = |size: f32, seed: u32| {
            let (dx, dy) = (vec2(0.3 * size, 0.0), vec2(0.0, 0.3 * size));
            let here = detail(place, size, seed);
            vec2(
                detail(place + dx, size, seed) - here,
                detail(place + dy, size, seed) - here,
            )
        };
        let rough = bump(grain * 6.0, self.seed + 1) + bump(grain * 2.2, self.seed + 20) * 0.8;
        let steep = 1.0 - normal.y;
        // Layers of rock, folded a little.
        let layer = point.y / 46.0 + 2.2 * fbm(place / 420.0, 3, self.seed + 3);
        let band = noise(vec2(layer, 0.3 * layer), self.seed + 4);
        let patch = fbm(place / 240.0, 4, self.seed + 5);
        let rock = self.rock_dark.lerp(
            self.rock,
            (0.55 + 0.42 * band + 0.5 * patch).clamp(0.0, 1.0),
        );
        let near = 1.0 / (1.0 + distance / 900.0);
        let blades = detail(place, grain * 1.6, self.seed + 6);
        let meadow = self
            .meadow_far
            .lerp(self.meadow, (near + 0.5 * patch).clamp(0.0, 1.0))
            * (1.0 + 0.35 * blades);
        let mut colour = meadow.lerp(rock, smoothstep(0.14, 0.34, steep + 0.10 * patch));
        let mut roughness = 0.35 + 0.5 * smoothstep(0.14, 0.34, steep);
        // Woods: crowns beside crowns, each round.
        let wooded = smoothstep(
            0.02,
            0.16,
            patch + 0.25 - 0.5 * point.y / self.tree_line.max(1.0),
        ) * (1.0 - smoothstep(0.30, 0.45, steep));
        if wooded > 0.0 && distance > 260.0 {
            // Crowns are 9 m wide; far away groups of them are seen.
            let crowns = if distance < 1500.0 { 9.0 } else { 22.0 };
            let (first, second, own) = cells(place / crowns, self.seed + 7);
            let crown = self.wood * (0.55 + 0.8 * own) * (0.45 + 0.9 * (second - first)).min(1.2);
            colour = colour.lerp(crown, wooded);
            roughness += 0.8 * wooded;
        }
        let snow_at = self.snow_line + 190.0 * patch + 70.0 * rough.x;
        let snow = smoothstep(-60.0, 60.0, point.y - snow_at)
            * (1.0
                - smoothstep(
                    0.30,
                    0.50,
                    steep + 0.22 * rough.y - 0.10 * smoothstep(0.0, 900.0, point.y - snow_at),
                ));
        colour = colour.lerp(rgb(0xF2F6FB) * 0.8, snow);
        roughness *= 1.0 - 0.72 * snow;
        *normal = (*normal + vec3(rough.x, 0.0, rough.y) * roughness * 1.3).normalize();
        colour
    }
}

/// Conifers on the land, far ones first: `count` tries, at most `far` metres away, where `grows` allows.
#[allow(clippy::too_many_arguments)] // the land and its light, and how the trees stand on it
pub(super) fn conifers(
    canvas: &mut Canvas,
    depth: &[f32],
    land: &Land<'_>,
    view: &Viewpoint,
    air: &Air,
    random: &mut Random,
    (count, near, far): (usize, f32, f32),
    colour: Vec3,
    snowy: f32,
    grows: impl Fn(Vec3) -> bool,
) {
    let mut places: Vec<Vec3> = (0..count)
        .filter_map(|_| {
            let part = random.unit();
            let z = near + (far - near) * part * part;
            let x = random.range(-0.62, 0.62) * z / view.focal + view.eye.x;
            let place = vec2(x, z + view.eye.z);
            let point = vec3(x, land.height(place), place.y);
            grows(point).then_some(point)
        })
        .collect();
    places.sort_by(|a, b| b.z.total_cmp(&a.z));
    for point in places {
        let Some(foot) = view.seen(point) else {
            continue;
        };
        let distance = point.z - view.eye.z;
        if !(0.0..1.0).contains(&foot.x) || foot.y > 1.3 {
            continue;
        }
        let at = |y: f32| {
            (y * canvas.side as f32) as usize * canvas.side + (foot.x * canvas.side as f32) as usize
        };
        if foot.y < 0.99 && foot.y > 0.0 && depth[at(foot.y)] < distance * 0.93 {
            continue;
        }
        let height = random.range(11.0, 22.0) / distance * view.focal;
        let tint = vary(colour, random, 0.3);
        conifer(canvas, foot, height, tint, snowy, air, random, |light| {
            air.through(light, distance, view.towards(foot))
        });
    }
}

/// One conifer: branches drooping in tiers, light from the side of the sun. Sizes in parts of the picture.
#[allow(clippy::too_many_arguments)] // a tree: where, how large, of what colour, in what light
pub(super) fn conifer(
    canvas: &mut Canvas,
    foot: Vec2,
    height: f32,
    colour: Vec3,
    snowy: f32,
    air: &Air,
    random: &mut Random,
    haze: impl Fn(Vec3) -> Vec3,
) {
    if height < 0.004 {
        return;
    }
    let width = height * random.range(0.15, 0.24);
    let side = if air.sun.x >= 0.0 { 1.0 } else { -1.0 };
    canvas.line(
        foot,
        foot - vec2(0.0, height),
        height * 0.035,
        height * 0.008,
        haze(rgb(0x3A2A1C) * air.on(Vec3::Z, 0.4)),
    );
    let tiers = ((height * 130.0) as usize).clamp(4, 48);
    for tier in 0..tiers {
        let up = 0.08 + 0.92 * tier as f32 / tiers as f32;
        let half = width * (1.04 - up) * random.range(0.6, 1.15);
        let y = foot.y - height * up;
        let thick = height / tiers as f32 * 1.25;
        for hand in [-1.0_f32, 1.0] {
            let lit = if hand == side { 1.0 } else { 0.35 };
            let mut light = colour
                * random.range(0.75, 1.25)
                * air.on(vec3(hand * 0.8, 0.5, -0.3).normalize(), lit);
            if snowy > 0.0 && random.chance(snowy) {
                light = rgb(0xEFF4FA) * air.on(Vec3::Y, 0.35 + 0.5 * lit) * 0.8;
            }
            let light = haze(light);
            let tip = vec2(foot.x + hand * half, y + thick * random.range(0.5, 1.1));
            let outline = [
                vec2(foot.x, y - thick * 0.9),
                tip,
                vec2(foot.x + hand * half * 0.5, y + thick * 0.75),
                vec2(foot.x, y + thick * 0.55),
            ];
            canvas.fill(&outline, |_| (light, 1.0));
        }
    }
}
