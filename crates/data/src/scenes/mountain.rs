//! Mountains: a range in the distance and what lies before it, a meadow, a wood, a lake or a desert.

use glam::{Vec3, vec2, vec3};

use super::peaks::{self, Cover, Range, Season};
use crate::Random;
use crate::paint::air::{Air, Mood};
use crate::paint::canvas::{Canvas, rgb, vary};
use crate::paint::land::{Land, Viewpoint, Water, paint_sky};
use crate::paint::noise::fbm;

/// What lies at the foot of the mountains.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Foot {
    Meadow,
    Lake,
    Wood,
    Height,
}

pub(super) fn paint(random: &mut Random) -> Canvas {
    let season = random.pick(&[
        Season::Summer,
        Season::Summer,
        Season::Summer,
        Season::Autumn,
        Season::Winter,
        Season::Winter,
        Season::Winter,
        Season::Desert,
    ]);
    let foot = match season {
        Season::Desert => random.pick(&[Foot::Meadow, Foot::Height]),
        _ => random.pick(&[
            Foot::Meadow,
            Foot::Lake,
            Foot::Lake,
            Foot::Wood,
            Foot::Wood,
            Foot::Height,
        ]),
    };
    let air = Air::draw(random, &Mood::BY_DAY);
    let range = Range::draw(random);
    let cover = Cover::draw(random, season, range.height);
    let seed = random.bits() as u32 >> 3;
    let shore = random.range(260.0, 1500.0);
    let hills = random.range(10.0, 45.0);
    let land = Land::new(peaks::REACH, 280, air.sun, |place| {
        let swell = hills * (0.5 + fbm(place / 600.0, 4, seed)) * (place.y / 500.0).min(1.0);
        let basin = if foot == Foot::Lake {
            // Below the water up to the far shore, which is not straight.
            let edge = (place.y - shore) / 120.0 + 2.2 * fbm(place / 380.0, 3, seed + 1);
            edge.clamp(-1.0, 1.0) * 26.0 - 22.0
        } else {
            0.0
        };
        range.at(place) + swell + basin
    });
    let above = match foot {
        Foot::Height => random.range(120.0, 420.0),
        Foot::Wood => random.range(14.0, 60.0),
        _ => random.range(1.8, 16.0),
    };
    let water_level = if foot == Foot::Lake { -2.0 } else { f32::MIN };
    let ground = land
        .height(vec2(0.0, 0.0))
        .max(land.height(vec2(0.0, 40.0)))
        .max(water_level);
    let view = Viewpoint {
        eye: vec3(0.0, ground + above, 0.0),
        horizon: random.range(0.6, 0.82),
        focal: random.range(1.1, 2.2),
    };
    let mut canvas = Canvas::new();
    let mut depth = canvas.empty_depth();
    land.paint(&mut canvas, &mut depth, &view, &air, |point, normal| {
        let distance = (point.z - view.eye.z).max(1.0);
        cover.colour(point, normal, distance)
    });
    paint_sky(&mut canvas, &depth, &view, &air);
    let snowy = if season == Season::Winter {
        random.range(0.2, 0.7)
    } else {
        0.0
    };
    let needles = match season {
        Season::Autumn => vary(rgb(0x6E5A22), random, 0.3),
        _ => vary(rgb(0x2A4A2A), random, 0.25),
    };
    let (count, near, far) = match (season, foot) {
        (Season::Desert, _) => (0, 1.0, 2.0),
        (_, Foot::Wood) => (random.below(500) + 250, 45.0, 1100.0),
        (_, Foot::Lake) => (random.below(400) + 60, shore * 0.9, shore + 700.0),
        _ => (random.below(160), 70.0, 1400.0),
    };
    let grow = (count, near, far);
    if foot == Foot::Lake {
        let grows = |point: Vec3| point.y > water_level + 1.0;
        peaks::conifers(
            &mut canvas,
            &depth,
            &land,
            &view,
            &air,
            random,
            grow,
            needles,
            snowy,
            grows,
        );
        lake(water_level, random).paint(&mut canvas, &mut depth, &view, &air, |place| {
            land.height(place)
        });
    } else {
        let grows = |point: Vec3| {
            foot == Foot::Wood || fbm(vec2(point.x, point.z) / 160.0, 2, seed + 5) > 0.1
        };
        peaks::conifers(
            &mut canvas,
            &depth,
            &land,
            &view,
            &air,
            random,
            grow,
            needles,
            snowy,
            grows,
        );
    }
    canvas
}

fn lake(level: f32, random: &mut Random) -> Water {
    Water {
        level,
        deep: vary(
            rgb(random.pick(&[0x16384A, 0x1D5560, 0x1A3038])),
            random,
            0.2,
        ),
        shallow: vary(rgb(0x3E7F7A), random, 0.2),
        waves: random.pick(&[0.004, 0.012, 0.04, 0.15]),
        swell: random.range(2.0, 6.0),
        clearness: random.range(2.0, 6.0),
        surf: 0.0,
        seed: random.bits() as u32 >> 3,
    }
}
