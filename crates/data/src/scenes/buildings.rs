//! Buildings: fronts across a street, towers from below, skylines, houses with gardens.

use glam::{Vec3, vec3};

use super::town::{Ground, MOODS, Style, Town};
use crate::Random;
use crate::paint::air::Air;
use crate::paint::canvas::Canvas;
use crate::paint::city::Eye;

pub(super) fn paint(random: &mut Random) -> Canvas {
    match random.below(12) {
        0..4 => across(random),
        4..7 => from_below(random),
        7..9 => skyline(random),
        9 => front(random),
        _ => cottage(random),
    }
}

const STYLES: [Style; 6] = [
    Style::Masonry,
    Style::Masonry,
    Style::Brick,
    Style::Concrete,
    Style::Glass,
    Style::Glass,
];

/// A row of houses on the other side of a street or a square, seen at an angle.
fn across(random: &mut Random) -> Canvas {
    let air = Air::draw(random, &MOODS);
    let half = random.range(3.0, 7.0);
    let ground = Ground::Street {
        half,
        pavement: random.range(2.0, 9.0),
        cobbles: random.chance(0.25),
    };
    let mut town = Town::new(random, air, ground);
    let tallest = random.range(8.0, 42.0);
    let front = half + random.range(3.0, 9.0);
    let mut z = -30.0;
    while z < 90.0 {
        let width = random.range(9.0, 26.0);
        let height = tallest * random.range(0.6, 1.25);
        let style = random.pick(&STYLES);
        let shops = random.chance(0.5);
        let back = front + random.range(10.0, 16.0);
        town.house(
            random,
            vec3(front, 0.0, z),
            vec3(back, height, z + width),
            style,
            shops,
        );
        if random.chance(0.3) {
            let behind = height * random.range(1.2, 2.6);
            let style = random.pick(&STYLES);
            town.house(
                random,
                vec3(front + 24.0, 0.0, z),
                vec3(front + 40.0, behind, z + width * 0.8),
                style,
                false,
            );
        }
        z += width
            + if random.chance(0.25) {
                random.range(2.0, 9.0)
            } else {
                0.0
            };
    }
    garnish(&mut town, random, half, front);
    let back = random.range(6.0, 30.0);
    let turn = random.range(0.25, 1.25);
    let aim = vec3(libm::sinf(turn), random.range(0.05, 0.42), libm::cosf(turn));
    let eye = Eye::new(
        vec3(-back, random.range(1.5, 7.0), random.range(-6.0, 6.0)),
        aim,
        random.range(-0.03, 0.03),
        random.range(0.7, 1.3),
    );
    town.paint(&eye)
}

fn garnish(town: &mut Town, random: &mut Random, half: f32, front: f32) {
    for _ in 0..random.below(5) {
        let (x, z) = (random.range(half, front), random.range(0.0, 50.0));
        let tall = random.range(4.0, 10.0);
        town.tree(random, vec3(x, 0.0, z), tall);
    }
    for _ in 0..random.below(4) {
        let z = random.range(4.0, 45.0);
        town.car(random, vec3(half - 1.1, 0.0, z), random_side(z));
    }
    for _ in 0..random.below(5) {
        let (x, z) = (half + random.range(0.5, 2.0), random.range(2.0, 35.0));
        town.person(random, vec3(x, 0.0, z));
    }
    if town.is_dark() {
        for step in 0..4 {
            town.lamp(vec3(half + 0.5, 0.0, 4.0 + 15.0 * step as f32), -1.0, 6.5);
        }
    }
}

fn random_side(z: f32) -> bool {
    (z as i32) % 2 == 0
}

/// The corner of a tall house, from its foot.
fn from_below(random: &mut Random) -> Canvas {
    let air = Air::draw(random, &MOODS);
    let ground = Ground::Street {
        half: 5.0,
        pavement: 6.0,
        cobbles: false,
    };
    let mut town = Town::new(random, air, ground);
    let style = random.pick(&STYLES);
    let (tall, wide) = (random.range(22.0, 120.0), random.range(14.0, 32.0));
    let near = random.range(10.0, 26.0);
    let deep = random.range(14.0, 34.0);
    let left = random.range(-0.5, 0.4) * wide;
    town.house(
        random,
        vec3(left, 0.0, near),
        vec3(left + wide, tall, near + deep),
        style,
        true,
    );
    if random.chance(0.4) && tall > 40.0 {
        let step = wide * 0.2;
        let style = random.pick(&STYLES);
        town.house(
            random,
            vec3(left + step, tall, near + step),
            vec3(left + wide - step, tall * 1.35, near + 12.0),
            style,
            false,
        );
    }
    for _ in 0..2 + random.below(4) {
        let (x, z) = (random.range(-70.0, 55.0), near + random.range(25.0, 80.0));
        let (width, height) = (random.range(12.0, 26.0), random.range(15.0, 100.0));
        let style = random.pick(&STYLES);
        town.house(
            random,
            vec3(x, 0.0, z),
            vec3(x + width, height, z + width),
            style,
            false,
        );
    }
    if random.chance(0.4) {
        let (x, tall) = (random.range(-8.0, 8.0), random.range(5.0, 9.0));
        town.tree(random, vec3(x, 0.0, near * 0.75), tall);
    }
    let place = vec3(
        random.range(-14.0, 14.0),
        random.range(1.4, 4.0),
        random.range(-12.0, 0.0),
    );
    let middle = vec3(
        left + wide * 0.5,
        place.y + (tall * random.range(0.2, 0.55)).min(38.0),
        near + 4.0,
    );
    let eye = Eye::new(
        place,
        middle - place,
        random.range(-0.08, 0.08),
        random.range(0.7, 1.2),
    );
    town.paint(&eye)
}

/// Towers in the distance, over water or a plain.
fn skyline(random: &mut Random) -> Canvas {
    let air = Air::draw(random, &MOODS);
    let ground = random.pick(&[
        Ground::Plain(0x2A4048),
        Ground::Plain(0x1E3440),
        Ground::Plain(0x4A5A3A),
    ]);
    let mut town = Town::new(random, air, ground);
    let away = random.range(180.0, 420.0);
    let wide = away * 1.1;
    let downtown = random.range(-0.3, 0.3) * wide;
    for _ in 0..34 + random.below(26) {
        let x = random.range(-0.7, 0.7) * wide;
        let z = away + random.range(0.0, 220.0);
        let width = random.range(14.0, 34.0);
        let off = (x - downtown) / (0.3 * wide);
        let height = random.range(14.0, 46.0) + random.range(0.2, 1.0) * 120.0 / (1.0 + off * off);
        let style = random.pick(&STYLES);
        let low = vec3(x, 0.0, z);
        let high = vec3(x + width, height, z + width);
        town.house(random, low, high, style, false);
    }
    for _ in 0..random.below(14) {
        let (x, tall) = (random.range(-0.5, 0.5) * away, random.range(8.0, 15.0));
        town.tree(random, vec3(x, 0.0, away - 8.0), tall);
    }
    let height = random.range(3.0, 80.0);
    let aim = vec3(
        random.range(-0.1, 0.1),
        random.range(0.0, 0.16) - height / away * 0.5,
        1.0,
    );
    let eye = Eye::new(vec3(0.0, height, 0.0), aim, 0.0, random.range(0.9, 1.6));
    town.paint(&eye)
}

/// A front that fills the picture, with little sky or none.
fn front(random: &mut Random) -> Canvas {
    let air = Air::draw(random, &MOODS);
    let mut town = Town::new(
        random,
        air,
        Ground::Street {
            half: 4.0,
            pavement: 4.0,
            cobbles: false,
        },
    );
    let mut x = -60.0;
    while x < 60.0 {
        let width = random.range(12.0, 40.0);
        let style = random.pick(&STYLES);
        let height = random.range(16.0, 46.0);
        town.house(
            random,
            vec3(x, 0.0, 20.0),
            vec3(x + width, height, 34.0),
            style,
            true,
        );
        x += width;
    }
    let place = vec3(random.range(-10.0, 10.0), random.range(2.0, 14.0), 0.0);
    let eye = Eye::new(
        place,
        vec3(random.range(-0.5, 0.5), random.range(-0.02, 0.3), 1.0),
        random.range(-0.03, 0.03),
        random.range(0.9, 1.5),
    );
    town.paint(&eye)
}

/// A house in its garden.
fn cottage(random: &mut Random) -> Canvas {
    let air = Air::draw(random, &MOODS);
    let mut town = Town::new(random, air, Ground::Lawn);
    let (wide, deep, tall) = (
        random.range(8.0, 15.0),
        random.range(7.0, 10.0),
        random.range(3.6, 7.5),
    );
    let near = random.range(10.0, 19.0);
    let left = -wide * random.range(0.35, 0.65);
    town.house(
        random,
        vec3(left, 0.0, near),
        vec3(left + wide, tall, near + deep),
        Style::Cottage,
        false,
    );
    if random.chance(0.5) {
        let wing = wide * 0.5;
        let x = if random.chance(0.5) {
            left - wing * 0.8
        } else {
            left + wide - wing * 0.2
        };
        town.house(
            random,
            vec3(x, 0.0, near + 1.5),
            vec3(x + wing, tall * 0.75, near + deep - 1.0),
            Style::Cottage,
            false,
        );
    }
    for _ in 0..3 + random.below(8) {
        let x = random.range(-26.0, 26.0);
        let z = near + random.range(-3.0, 30.0);
        let inside = (left - 2.5..left + wide + 2.5).contains(&x) && z < near + deep + 2.0;
        let tall = random.range(3.0, 13.0);
        if !inside {
            town.tree(random, Vec3::new(x, 0.0, z), tall);
        }
    }
    let place = vec3(
        random.range(-9.0, 9.0),
        random.range(1.4, 3.4),
        random.range(-5.0, 1.0),
    );
    let aim = vec3(left + wide * 0.5, tall * random.range(0.5, 1.1), near + 3.0) - place;
    let eye = Eye::new(
        place,
        aim,
        random.range(-0.03, 0.03),
        random.range(0.75, 1.2),
    );
    town.paint(&eye)
}
