//! Streets: along the carriageway between rows of houses, broad or narrow, by day, in rain, at night.

use glam::{Vec2, Vec3, vec3};

use super::town::{Ground, Look, MOODS, Style, Town};
use crate::Random;
use crate::paint::air::Air;
use crate::paint::canvas::{Canvas, rgb, vary};
use crate::paint::city::{Eye, Shape};

/// What kind of street.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    City,
    Old,
    Suburb,
    Towers,
}

pub(super) fn paint(random: &mut Random) -> Canvas {
    let kind = random.pick(&[
        Kind::City,
        Kind::City,
        Kind::City,
        Kind::Old,
        Kind::Old,
        Kind::Suburb,
        Kind::Towers,
    ]);
    let air = Air::draw(random, &MOODS);
    let (half, pavement) = match kind {
        Kind::Old => (random.range(1.4, 2.6), 0.5),
        Kind::Towers => (random.range(5.0, 8.0), random.range(3.0, 5.0)),
        _ => (random.range(3.0, 5.5), random.range(1.8, 4.0)),
    };
    let ground = Ground::Street {
        half,
        pavement,
        cobbles: kind == Kind::Old,
    };
    let mut town = Town::new(random, air, ground);
    rows(&mut town, random, kind, half + pavement);
    furnish(&mut town, random, kind, half, pavement);
    let high = random.chance(0.18);
    let place = vec3(
        random.range(-0.75, 0.75) * (half + pavement * 0.5),
        if high {
            random.range(5.0, 14.0)
        } else {
            random.range(1.4, 2.6)
        },
        0.0,
    );
    // Towards the far end, from wherever one stands.
    let aim = vec3(
        -place.x / 30.0 + random.range(-0.22, 0.22),
        if high {
            random.range(-0.4, -0.15)
        } else {
            random.range(-0.10, 0.14)
        },
        1.0,
    );
    let eye = Eye::new(
        place,
        aim,
        random.range(-0.03, 0.03),
        random.range(0.65, 1.25),
    );
    let mut canvas = town.paint(&eye);
    if kind != Kind::Suburb && random.chance(0.35) {
        wires(&mut canvas, &eye, half + pavement, random);
    }
    canvas
}

/// The houses on both sides.
fn rows(town: &mut Town, random: &mut Random, kind: Kind, front: f32) {
    for hand in [-1.0_f32, 1.0] {
        let mut z = random.range(-14.0, -6.0);
        let tallest = match kind {
            Kind::City => random.range(11.0, 24.0),
            Kind::Old => random.range(6.0, 11.0),
            Kind::Suburb => random.range(5.0, 7.5),
            Kind::Towers => random.range(30.0, 90.0),
        };
        let mut count = 0;
        while z < 170.0 && count < 15 {
            let width = match kind {
                Kind::Suburb => random.range(8.0, 12.0),
                Kind::Towers => random.range(16.0, 34.0),
                Kind::Old => random.range(5.0, 10.0),
                Kind::City => random.range(8.0, 20.0),
            };
            let back = if kind == Kind::Suburb {
                random.range(4.0, 7.0)
            } else {
                random.range(0.0, 0.5)
            };
            let height = tallest * random.range(0.65, 1.2);
            let style = match kind {
                Kind::Suburb => Style::Cottage,
                Kind::Old => {
                    random.pick(&[Style::Masonry, Style::Masonry, Style::Brick, Style::Cottage])
                }
                Kind::City => random.pick(&[
                    Style::Masonry,
                    Style::Masonry,
                    Style::Brick,
                    Style::Concrete,
                    Style::Glass,
                ]),
                Kind::Towers => {
                    random.pick(&[Style::Glass, Style::Glass, Style::Concrete, Style::Masonry])
                }
            };
            let (near, far) = (front + back, front + back + 11.0);
            let (low, high) = if hand > 0.0 {
                (near, far)
            } else {
                (-far, -near)
            };
            let shops = matches!(kind, Kind::City | Kind::Old | Kind::Towers);
            town.house(
                random,
                vec3(low, 0.0, z),
                vec3(high, height, z + width),
                style,
                shops,
            );
            z += width
                + match kind {
                    Kind::Suburb => random.range(3.0, 7.0),
                    _ if random.chance(0.12) => random.range(3.0, 9.0),
                    _ => 0.0,
                };
            count += 1;
        }
    }
    if random.chance(0.45) {
        // The street ends at a house, or bends.
        let z = random.range(90.0, 160.0);
        let style = random.pick(&[Style::Masonry, Style::Brick, Style::Concrete]);
        let height = random.range(9.0, 26.0);
        town.house(
            random,
            vec3(-front - 9.0, 0.0, z),
            vec3(front + 9.0, height, z + 12.0),
            style,
            true,
        );
    }
}

/// Cars, people, trees, lamps and signs.
fn furnish(town: &mut Town, random: &mut Random, kind: Kind, half: f32, pavement: f32) {
    let edge = half + pavement;
    let busy = random.unit();
    if kind != Kind::Old {
        let parked = random.chance(0.65);
        for hand in [-1.0_f32, 1.0] {
            let mut z = random.range(4.0, 12.0);
            while parked && z < 75.0 {
                if random.chance(0.7) {
                    town.car(random, vec3(hand * (half - 1.05), 0.0, z), hand < 0.0);
                }
                z += random.range(5.2, 8.0);
            }
        }
        for _ in 0..random.below(5) {
            let hand = if random.chance(0.5) { 1.0 } else { -1.0 };
            let z = random.range(9.0, 90.0);
            town.car(random, vec3(hand * half * 0.42, 0.0, z), hand < 0.0);
        }
    }
    let people = (busy * busy * 22.0) as usize + usize::from(random.chance(0.6));
    for _ in 0..people {
        let z = random.range(4.0, 45.0);
        let walks = half + random.range(0.4, pavement.max(0.8));
        let x = if kind == Kind::Old || random.chance(0.15) {
            random.range(-half, half)
        } else if random.chance(0.5) {
            walks
        } else {
            -walks
        };
        town.person(random, vec3(x, 0.0, z));
    }
    let trees = match kind {
        Kind::Suburb => 0.85,
        Kind::Old => 0.0,
        _ => 0.45,
    };
    if random.chance(trees) {
        let every = random.range(8.0, 15.0);
        for hand in [-1.0_f32, 1.0] {
            for step in 0..6 {
                let z = 7.0 + every * step as f32 + random.range(-1.0, 1.0);
                let tall = random.range(5.5, 9.5);
                town.tree(random, vec3(hand * (half + 0.9), 0.0, z), tall);
            }
        }
    }
    if random.chance(0.7) || town.is_dark() {
        let every = random.range(14.0, 26.0);
        let tall = if kind == Kind::Old {
            3.6
        } else {
            random.range(5.5, 8.5)
        };
        for step in 0..5 {
            let hand = if step % 2 == 0 { 1.0 } else { -1.0 };
            let x = if kind == Kind::Old {
                edge - 0.15
            } else {
                half + 0.5
            };
            town.lamp(vec3(hand * x, 0.0, 6.0 + every * step as f32), -hand, tall);
        }
    }
    for _ in 0..random.below(if kind == Kind::Suburb { 1 } else { 7 }) {
        let hand = if random.chance(0.5) { 1.0 } else { -1.0 };
        let (y, z) = (random.range(3.2, 7.0), random.range(6.0, 50.0));
        let colour = vary(
            rgb(random.pick(&[0xC03028, 0x2858A0, 0xE0B030, 0x2A8A5A, 0xE8E4DC])),
            random,
            0.1,
        );
        let (a, b) = (hand * edge, hand * (edge - random.range(0.7, 1.3)));
        let tall = random.range(0.6, 2.6);
        let sign = Shape::Block {
            low: vec3(a.min(b), y, z),
            high: vec3(a.max(b), y + tall, z + 0.15),
        };
        let look = if town.is_dark() {
            Look::Lamp(colour * 1.3)
        } else {
            Look::Plain(colour)
        };
        town.add(sign, look);
    }
}

/// Wires across the street, or lights on strings.
fn wires(canvas: &mut Canvas, eye: &Eye, half: f32, random: &mut Random) {
    for _ in 0..2 + random.below(5) {
        let z = random.range(6.0, 45.0);
        let (left, right) = (random.range(5.0, 7.5), random.range(5.0, 7.5));
        let slant = random.range(-4.0, 4.0);
        let mut last: Option<(Vec2, f32)> = None;
        for step in 0..=14 {
            let t = step as f32 / 14.0;
            let y = left + (right - left) * t - 2.4 * t * (1.0 - t);
            let seen = eye.seen(Vec3::new(half * (2.0 * t - 1.0), y, z + slant * t));
            if let (Some((a, _)), Some((b, depth))) = (last, seen) {
                canvas.line(a, b, 0.05 / depth, 0.05 / depth, rgb(0x1C1C1E));
            }
            last = seen;
        }
    }
}
