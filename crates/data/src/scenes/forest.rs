//! Forests: among the trunks, at the edge of the wood, and the crowns from above.

use glam::{Vec2, Vec3, vec2, vec3};

use super::peaks;
use crate::Random;
use crate::paint::air::{Air, Mood};
use crate::paint::canvas::{Canvas, rgb, vary};
use crate::paint::land::{Land, Viewpoint, paint_sky};
use crate::paint::noise::{cells, detail, fbm, noise, smoothstep};

const MOODS: [Mood; 8] = [
    Mood::Clear,
    Mood::Fair,
    Mood::Fair,
    Mood::Grey,
    Mood::Grey,
    Mood::Golden,
    Mood::Mist,
    Mood::Mist,
];

pub(super) fn paint(random: &mut Random) -> Canvas {
    match random.below(10) {
        0..7 => among_trunks(random),
        7..9 => edge(random),
        _ => from_above(random),
    }
}

/// The season of a wood, as its colours.
#[derive(Clone, Debug)]
struct Wood {
    leaves: [Vec3; 3],
    ground: Vec3,
    growth: Vec3,
    bark: Vec3,
    bark_dark: Vec3,
    birch: bool,
    conifers: bool,
    /// How much foliage there is, 0-1.
    thick: f32,
    snow: bool,
}

impl Wood {
    fn draw(random: &mut Random) -> Self {
        let kind = random.below(9);
        let (leaves, ground, growth, thick) = match kind {
            0..3 => ([0x4F7A24, 0x3A6420, 0x86A83A], 0x5A4A30, 0x4A7028, 1.0), // summer
            3 => ([0x7FA83C, 0x9CC04A, 0x5F8A2E], 0x5A5030, 0x6C9434, 0.8),    // spring
            4 | 5 => ([0xC87A1E, 0xB0481C, 0xDDA83A], 0x8A5A2A, 0x94682C, 0.8), // autumn
            6 => ([0xA8B4BC, 0xC8D2DA, 0x8A969E], 0xDCE4EC, 0xC4CED6, 0.12),   // winter
            _ => ([0x2A4A2C, 0x3A5C34, 0x24402A], 0x4E4430, 0x4A6A30, 0.8),    // conifers
        };
        let (bark, dark) = random.pick(&[
            (0x6E5A46, 0x33281E),
            (0x5C5248, 0x2A2622),
            (0x7C6E5E, 0x40382E),
        ]);
        Self {
            leaves: leaves.map(|hex| vary(rgb(hex), random, 0.18)),
            ground: vary(rgb(ground), random, 0.15),
            growth: vary(rgb(growth), random, 0.2),
            bark: vary(rgb(bark), random, 0.15),
            bark_dark: rgb(dark),
            birch: random.chance(0.2),
            conifers: kind >= 7,
            thick: thick * random.range(0.7, 1.1),
            snow: kind == 6,
        }
    }

    fn leaf(&self, random: &mut Random) -> Vec3 {
        vary(random.pick(&self.leaves), random, 0.22)
    }
}

/// The light under the trees: it comes from ahead, through the trunks.
struct Shade {
    /// What the distance fades to.
    far: Vec3,
    /// Metres after which half is faded.
    half: f32,
    seed: u32,
}

impl Shade {
    fn fade(&self, light: Vec3, distance: f32) -> Vec3 {
        self.far
            .lerp(light, libm::expf(-0.69 * distance / self.half))
    }
}

/// Inside: trunks behind trunks, leaves above, a floor of leaves, often a path.
fn among_trunks(random: &mut Random) -> Canvas {
    let air = Air::draw(random, &MOODS);
    let wood = Wood::draw(random);
    let shade = Shade {
        far: (wood.leaves[2].lerp(Vec3::ONE * 0.9, random.range(0.25, 0.8)))
            * (air.skylight + air.sunlight * 0.30)
            * random.range(0.3, 0.8),
        half: random.range(16.0, 60.0),
        seed: random.bits() as u32 >> 3,
    };
    let view = Viewpoint {
        eye: vec3(0.0, random.range(1.2, 2.6), 0.0),
        horizon: random.range(0.5, 0.78),
        focal: random.range(0.7, 1.2),
    };
    let mut canvas = Canvas::painted(|place| behind(&shade, &wood, &air, &view, place));
    floor(&mut canvas, &wood, &air, &shade, &view, random);
    let count = 34 + random.below(70);
    let thickness = random.range(0.2, 0.5);
    let lean = random.range(0.0, 0.06);
    let path = if random.chance(0.4) { 1.3 } else { 0.3 };
    let mut trees: Vec<(f32, f32)> = (0..count)
        .map(|_| {
            let z = random.range(2.6, 60.0);
            (z, random.range(-0.75, 0.75) * z / view.focal)
        })
        .filter(|&(_, x)| x.abs() > path)
        .collect();
    trees.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut layers = [45.0_f32, 26.0, 15.0, 9.0, 5.5, 3.4].into_iter().peekable();
    for (z, x) in trees {
        while let Some(distance) = layers.next_if(|&layer| layer > z) {
            foliage(&mut canvas, &wood, &air, &shade, &view, distance, random);
        }
        let girth = thickness * random.range(0.5, 1.5);
        trunk(
            &mut canvas,
            &wood,
            &air,
            &shade,
            &view,
            (x, z, girth, lean * random.range(-1.0, 1.0)),
            random,
        );
    }
    for distance in layers {
        foliage(&mut canvas, &wood, &air, &shade, &view, distance, random);
    }
    if air.mood != Mood::Grey && random.chance(0.45) {
        rays(&mut canvas, &air, random);
    }
    canvas
}

/// What shows between the farthest trunks: bright gaps between dim leaves.
fn behind(shade: &Shade, wood: &Wood, air: &Air, view: &Viewpoint, place: Vec2) -> Vec3 {
    let leaves = fbm(place * vec2(9.0, 7.0), 5, shade.seed);
    let stripes = noise(vec2(place.x * 34.0, place.y * 1.5), shade.seed + 9);
    let up = (view.horizon - place.y).max(0.0);
    let gaps = smoothstep(0.10, 0.5, leaves + up * 0.5 - 0.35 * wood.thick + 0.15);
    let dim = shade.far * (0.72 + 0.3 * leaves + 0.12 * stripes).max(0.2);
    dim.lerp(air.sky(view.towards(place)), gaps * 0.8)
}

/// The floor: litter, moss or snow with patches of sun.
fn floor(
    canvas: &mut Canvas,
    wood: &Wood,
    air: &Air,
    shade: &Shade,
    view: &Viewpoint,
    random: &mut Random,
) {
    let seed = random.bits() as u32 >> 3;
    let path = random
        .chance(0.45)
        .then(|| (random.range(0.5, 1.3), random.range(-3.0, 3.0)));
    let sunny = if air.mood == Mood::Grey || air.mood == Mood::Mist {
        0.12
    } else {
        0.75
    };
    canvas.repaint(|place, before| {
        let down = (place.y - view.horizon) / view.focal;
        let rough = 0.02 * noise(vec2(place.x * 9.0, 0.5), seed + 9);
        if down <= (0.004 + rough).max(0.002) {
            return before;
        }
        let distance = (view.eye.y / down).min(90.0);
        let point = vec2((place.x - 0.5) / view.focal * distance, distance);
        let litter = detail(point, 0.03 + distance * 0.010, seed);
        let patch = fbm(point / 2.3, 3, seed + 2);
        let mut colour = wood.ground * (0.85 + 0.5 * litter);
        let mossy = smoothstep(-0.05, 0.35, patch);
        let growth = wood.growth * (0.8 + 0.6 * litter);
        colour = colour.lerp(growth, mossy * 0.85);
        if let Some((half, bend)) = path {
            let centre =
                bend * fbm(vec2(distance / 22.0, 0.3), 2, seed + 3) * (distance / 9.0).min(1.0);
            let on = smoothstep(
                half * 1.25,
                half * 0.8,
                (point.x - centre).abs() + 0.25 * patch,
            );
            let trodden = wood
                .ground
                .lerp(rgb(0x9A8468), if wood.snow { 0.1 } else { 0.5 });
            colour = colour.lerp(trodden * (0.95 + 0.25 * litter), on);
        }
        let spots = smoothstep(
            0.05,
            0.32,
            fbm(vec2(point.x / 1.3, point.y / 2.6), 3, seed + 4),
        ) * sunny;
        let light = air.skylight * 0.42 + air.sunlight * (0.10 + 0.42 * spots);
        shade.fade(colour * light, distance)
    });
}

/// One trunk: round, rough, darker on the side away from the light, with roots below and boughs above.
fn trunk(
    canvas: &mut Canvas,
    wood: &Wood,
    air: &Air,
    shade: &Shade,
    view: &Viewpoint,
    (x, z, girth, lean): (f32, f32, f32, f32),
    random: &mut Random,
) {
    let Some(foot) = view.seen(vec3(x, 0.0, z)) else {
        return;
    };
    let width = girth / z * view.focal;
    let top = vec2(foot.x + lean * (foot.y + 0.4) * 3.0, -0.05);
    let birch = wood.birch;
    let side = if air.sun.x >= 0.0 { 1.0 } else { -1.0 };
    let seed = random.bits() as u32 >> 3;
    let up = random.range(0.55, 0.8);
    let flare = width * 0.55;
    let outline = [
        top + vec2(-width * up * 0.5, 0.0),
        top + vec2(width * up * 0.5, 0.0),
        foot + vec2(width * 0.5, -flare * 2.5),
        foot + vec2(width * 0.5 + flare * 0.5, flare * 0.2),
        foot + vec2(-width * 0.5 - flare * 0.5, flare * 0.2),
        foot + vec2(-width * 0.5, -flare * 2.5),
    ];
    let paint = |place: Vec2| {
        let along = ((foot.y - place.y) / (foot.y - top.y)).clamp(0.0, 1.0);
        let centre = foot.x + (top.x - foot.x) * along;
        let round = ((place.x - centre) / (width * 0.5)).clamp(-1.2, 1.2);
        let metres = vec2(round * girth * 0.6, (foot.y - place.y) * z / view.focal);
        let grain = fbm(metres * vec2(11.0, 1.6), 3, seed)
            + 0.5 * noise(metres * vec2(26.0, 5.0), seed + 5);
        let mut colour = if birch {
            let scar = smoothstep(0.28, 0.45, noise(metres * vec2(1.4, 7.0), seed + 6));
            rgb(0xD8D4CA).lerp(
                rgb(0x2C2A28),
                scar.max(smoothstep(0.5, 0.0, metres.y) * 0.7),
            )
        } else {
            wood.bark_dark
                .lerp(wood.bark, (0.55 + 0.7 * grain).clamp(0.0, 1.0))
        };
        let mossy =
            smoothstep(1.2, 0.0, metres.y + 0.8 * grain) * if wood.snow { 0.0 } else { 0.6 };
        colour = colour.lerp(wood.growth * 0.8, mossy);
        if wood.snow {
            colour = colour.lerp(
                rgb(0xE8EEF4),
                smoothstep(0.35, 0.8, -round * side + 0.6 * grain),
            );
        }
        let facing = (0.45 + 0.55 * round * side).clamp(0.08, 1.0);
        let light = air.skylight * (0.30 + 0.16 * facing) + air.sunlight * 0.42 * facing * facing;
        (shade.fade(colour * light, z), 1.0)
    };
    canvas.fill(&outline, paint);
    if width > 0.006 {
        boughs(canvas, wood, air, shade, (foot, top, width, z), random);
    }
}

fn boughs(
    canvas: &mut Canvas,
    wood: &Wood,
    air: &Air,
    shade: &Shade,
    (foot, top, width, z): (Vec2, Vec2, f32, f32),
    random: &mut Random,
) {
    let light = shade.fade(
        wood.bark_dark.lerp(wood.bark, 0.35) * (air.skylight * 0.5 + air.sunlight * 0.12),
        z,
    );
    for _ in 0..3 + random.below(6) {
        let at = foot.lerp(top, random.range(0.35, 1.0));
        let hand = if random.chance(0.5) { 1.0 } else { -1.0 };
        let long = width * random.range(1.5, 5.0);
        let elbow = at + vec2(hand * long * 0.5, -long * random.range(0.0, 0.5));
        let tip = elbow + vec2(hand * long * 0.4, -long * random.range(0.1, 0.7));
        canvas.line(at, elbow, width * 0.28, width * 0.16, light);
        canvas.line(elbow, tip, width * 0.16, width * 0.05, light);
        if wood.snow {
            let snow = shade.fade(rgb(0xE8EEF4) * air.skylight * 0.7, z);
            canvas.line(
                at - vec2(0.0, width * 0.1),
                elbow - vec2(0.0, width * 0.1),
                width * 0.1,
                width * 0.08,
                snow,
            );
        }
    }
}

/// Leaves at one distance: hanging from above, and shrubs and ferns on the floor.
fn foliage(
    canvas: &mut Canvas,
    wood: &Wood,
    air: &Air,
    shade: &Shade,
    view: &Viewpoint,
    distance: f32,
    random: &mut Random,
) {
    let seed = random.bits() as u32 >> 3;
    let metre = view.focal / distance;
    let leaf = (0.13 * metre).clamp(0.004, 0.032);
    let roof = view.horizon - random.range(1.6, 5.0) * metre;
    let ground = view.horizon + view.eye.y * metre;
    let crowns = ((0.9 / leaf) as usize * 22).min(3200);
    for _ in 0..(crowns as f32 * wood.thick) as usize {
        let at = vec2(
            random.unit() * 1.1 - 0.05,
            random.range(-0.05, roof.max(0.0) + 0.1),
        );
        let clump = fbm(at * vec2(4.2, 5.0), 3, seed);
        if clump + 0.8 * (roof - at.y) < -0.02 {
            continue;
        }
        let lit = (0.5 + 1.3 * (clump - noise(at * vec2(4.2, 5.0) + vec2(0.05, -0.14), seed)))
            .clamp(0.0, 1.0)
            * random.range(0.5, 1.2);
        let colour = wood.leaf(random) * (air.skylight * 0.42 + air.sunlight * (0.08 + 0.5 * lit));
        let turn = random.range(0.0, 3.1);
        let axes = if wood.conifers {
            vec2(leaf * 1.2, leaf * 0.22)
        } else {
            vec2(leaf, leaf * 0.6)
        };
        canvas.dab(
            at,
            axes,
            vec2(libm::cosf(turn), libm::sinf(turn)),
            0.3,
            shade.fade(colour, distance),
            0.9,
        );
    }
    let shrubs = if distance < 6.0 { 3 } else { 9 };
    for _ in 0..random.below(shrubs + 1) {
        let at = vec2(random.unit(), ground);
        fern(
            canvas,
            wood,
            air,
            shade,
            at,
            random.range(0.25, 0.8) * metre,
            distance,
            random,
        );
    }
}

/// A fern or a tuft of grass: arched blades from one point.
#[allow(clippy::too_many_arguments)] // a plant: where, how large, in what light
fn fern(
    canvas: &mut Canvas,
    wood: &Wood,
    air: &Air,
    shade: &Shade,
    foot: Vec2,
    size: f32,
    distance: f32,
    random: &mut Random,
) {
    for _ in 0..9 {
        let turn = random.range(-1.3, 1.3);
        let reach = vec2(libm::sinf(turn), -libm::cosf(turn)) * size * random.range(0.6, 1.2);
        let lit = random.range(0.25, 1.0);
        let colour =
            vary(wood.growth, random, 0.25) * (air.skylight * 0.42 + air.sunlight * 0.36 * lit);
        let light = shade.fade(colour, distance);
        let mut last = foot;
        for step in 1..=4 {
            let t = step as f32 / 4.0;
            let next = foot + reach * t + vec2(0.0, 0.55 * size * t * t);
            canvas.line(
                last,
                next,
                size * 0.12 * (1.1 - t),
                size * 0.12 * (0.85 - t).max(0.02),
                light,
            );
            last = next;
        }
    }
}

/// Shafts of light that fall through the crowns.
fn rays(canvas: &mut Canvas, air: &Air, random: &mut Random) {
    let slope = random.range(-0.9, 0.9);
    let seed = random.bits() as u32 >> 3;
    let strength = random.range(0.06, 0.22);
    canvas.repaint(|place, light| {
        let across = place.x + slope * place.y;
        let beam = smoothstep(
            0.10,
            0.5,
            noise(vec2(across * 7.0, 0.5), seed) + 0.4 * noise(vec2(across * 19.0, 0.5), seed + 1),
        );
        light + air.sunlight * (beam * strength * (1.0 - 0.75 * place.y))
    });
}

/// From a meadow or a road: the wood stands as a wall.
fn edge(random: &mut Random) -> Canvas {
    let air = Air::draw(random, &MOODS);
    let wood = Wood::draw(random);
    let shade = Shade {
        far: air.glow(vec3(0.0, 0.03, 1.0).normalize()) * 0.7,
        half: random.range(160.0, 500.0),
        seed: 0,
    };
    let view = Viewpoint {
        eye: vec3(0.0, random.range(1.6, 7.0), 0.0),
        horizon: random.range(0.62, 0.86),
        focal: random.range(0.9, 1.5),
    };
    let mut canvas = Canvas::painted(|place| air.sky(view.towards(place)));
    floor(&mut canvas, &wood, &air, &shade, &view, random);
    for row in 0..6 {
        let distance = 78.0 - 10.0 * row as f32;
        let mut x = -0.1;
        while x < 1.1 {
            let foot = vec2(x, view.horizon + view.eye.y / distance * view.focal);
            let tall = random.range(13.0, 24.0) / distance * view.focal;
            if wood.conifers || random.chance(0.12) {
                let colour = vary(
                    if wood.snow {
                        rgb(0x3A4C44)
                    } else {
                        wood.leaves[0]
                    },
                    random,
                    0.25,
                );
                let snowy = if wood.snow { 0.5 } else { 0.0 };
                peaks::conifer(
                    &mut canvas,
                    foot,
                    tall,
                    colour,
                    snowy,
                    &air,
                    random,
                    |light| shade.fade(light, distance),
                );
            } else {
                broadleaf(
                    &mut canvas,
                    &wood,
                    &air,
                    &shade,
                    foot,
                    tall,
                    distance,
                    random,
                );
            }
            x += tall * random.range(0.16, 0.45);
        }
    }
    canvas
}

/// A tree with a round crown of clumps of leaves.
#[allow(clippy::too_many_arguments)] // a tree: where, how large, in what light
fn broadleaf(
    canvas: &mut Canvas,
    wood: &Wood,
    air: &Air,
    shade: &Shade,
    foot: Vec2,
    tall: f32,
    distance: f32,
    random: &mut Random,
) {
    let bark = shade.fade(
        wood.bark_dark.lerp(wood.bark, 0.4) * (air.skylight * 0.5 + air.sunlight * 0.2),
        distance,
    );
    let crown = foot - vec2(0.0, tall * 0.62);
    canvas.line(foot, crown, tall * 0.05, tall * 0.03, bark);
    let colour = wood.leaf(random);
    let side = if air.sun.x >= 0.0 { 1.0 } else { -1.0 };
    if wood.thick < 0.3 {
        for _ in 0..26 {
            let turn = random.range(-1.2, 1.2);
            let from = foot.lerp(crown, random.range(0.4, 1.0));
            let tip =
                from + vec2(libm::sinf(turn), -libm::cosf(turn)) * tall * random.range(0.15, 0.4);
            canvas.line(from, tip, tall * 0.018, tall * 0.004, bark);
        }
        return;
    }
    let seed = random.bits() as u32 >> 3;
    const DABS: usize = 330;
    for dab in 0..DABS {
        // From the back, dark, to the front, lit.
        let front = dab as f32 / DABS as f32;
        let turn = random.range(0.0, std::f32::consts::TAU);
        let out = random.unit().sqrt();
        let off = vec2(libm::cosf(turn) * 0.28, libm::sinf(turn) * 0.36) * out;
        let bulge = fbm(off * 7.0, 3, seed);
        if out > 0.72 + 0.5 * bulge {
            continue;
        }
        let lit =
            (0.30 + 1.0 * (off.x * side - off.y) + 0.8 * bulge + 0.25 * front).clamp(0.0, 1.0);
        let light = vary(colour, random, 0.2)
            * (air.skylight * (0.18 + 0.35 * front)
                + air.sunlight * 0.62 * lit * (0.2 + 0.8 * front));
        let size = tall * random.range(0.014, 0.034);
        canvas.dab(
            crown + off * tall,
            vec2(size, size * 0.7),
            Vec2::X,
            0.35,
            shade.fade(light, distance),
            0.95,
        );
    }
}

/// The crowns from a drone or a mountain.
fn from_above(random: &mut Random) -> Canvas {
    let air = Air::draw(random, &MOODS);
    let wood = Wood::draw(random);
    let seed = random.bits() as u32 >> 3;
    let crown = if wood.conifers { 5.0 } else { 8.5 };
    let hills = random.range(10.0, 70.0);
    let height = move |place: Vec2| {
        let (first, _, own) = cells(place / crown, seed);
        let top = if wood.conifers {
            9.0 * (1.0 - first)
        } else {
            6.5 * (1.0 - first * first)
        };
        hills * fbm(place / 260.0, 3, seed + 1) + top.max(-1.5) * (0.6 + 0.6 * own)
    };
    let land = Land::new(700.0, 420, air.sun, height);
    let view = Viewpoint {
        eye: vec3(0.0, random.range(45.0, 120.0) + hills * 0.5, 0.0),
        horizon: random.range(-0.5, 0.25),
        focal: random.range(0.9, 1.4),
    };
    let mut canvas = Canvas::new();
    let mut depth = canvas.empty_depth();
    let leaves = wood.leaves;
    let path = random
        .chance(0.35)
        .then(|| (random.range(-0.6, 0.6), random.range(2.5, 5.0)));
    land.paint(&mut canvas, &mut depth, &view, &air, |point, normal| {
        let place = vec2(point.x, point.z);
        let (first, _, own) = cells(place / crown, seed);
        let grain = detail(place, 0.6 + point.z * 0.004, seed + 2);
        let colour = if own < 0.5 {
            leaves[0].lerp(leaves[1], own * 2.0)
        } else {
            leaves[1].lerp(leaves[2], own * 2.0 - 1.0)
        };
        *normal = (*normal + vec3(grain, 0.0, grain) * 0.4).normalize();
        if let Some((slant, half)) = path {
            let off =
                (point.x - slant * (point.z - 120.0) - 30.0 * fbm(place / 160.0, 2, seed + 4))
                    .abs();
            if off < half {
                return rgb(0x9A8A70) * (0.9 + 0.3 * grain);
            }
        }
        colour * (1.25 - 0.95 * first).max(0.12) * (1.0 + 0.5 * grain)
    });
    paint_sky(&mut canvas, &depth, &view, &air);
    canvas
}
