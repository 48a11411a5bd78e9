//! Houses, cars, trees and people: the town that buildings and streets share.

use glam::{Vec2, Vec3, vec2, vec3};

use crate::Random;
use crate::paint::air::{Air, Mood};
use crate::paint::canvas::{Canvas, rgb, vary};
use crate::paint::city::{Eye, Seen, Shade, Shape, Solid, bloom, look};
use crate::paint::noise::{detail, fbm, hash, noise, smoothstep, speck};

/// The light of a town: also at night, when windows and lamps are what shines.
pub(super) const MOODS: [Mood; 10] = [
    Mood::Clear,
    Mood::Clear,
    Mood::Fair,
    Mood::Fair,
    Mood::Grey,
    Mood::Grey,
    Mood::Golden,
    Mood::Dusk,
    Mood::Night,
    Mood::Mist,
];

/// How a body looks.
#[derive(Clone, Debug)]
pub(super) enum Look {
    House(House),
    Tiles(Vec3),
    Leaves(Vec3),
    Plain(Vec3),
    /// A car that stands or drives along z: its colour, and the middle of its underside.
    Car(Vec3, Vec3),
    /// Shines by itself, at night or in shade.
    Lamp(Vec3),
}

/// What a wall is made of, and so what its windows are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Masonry,
    Brick,
    Concrete,
    Glass,
    Cottage,
}

/// A house with its walls and windows.
#[derive(Clone, Debug)]
pub(super) struct House {
    low: Vec3,
    high: Vec3,
    style: Style,
    wall: Vec3,
    trim: Vec3,
    /// Metres from floor to floor, and from window to window.
    storey: f32,
    bay: f32,
    /// The part of a bay that is window, across and up.
    window: Vec2,
    balconies: bool,
    shop: Option<Vec3>,
    /// The part of the windows that is lit at night.
    lit: f32,
    seed: u32,
}

impl House {
    fn draw(random: &mut Random, low: Vec3, high: Vec3, style: Style, shops: bool) -> Self {
        let walls: &[u32] = match style {
            Style::Masonry => &[
                0xE0D2B4, 0xD8B88C, 0xC9A9A0, 0xD6D2C8, 0xB8A890, 0xE4C890, 0xA8B0A8,
            ],
            Style::Brick => &[0x8E4A38, 0x7A4030, 0xA06048, 0x6E4A3C],
            Style::Concrete => &[0xB4B2AC, 0x9C9A96, 0xC8C4BA, 0x8C9094],
            Style::Glass => &[0x4A6678, 0x3A5060, 0x58707C, 0x2E3E4A],
            Style::Cottage => &[0xECE6DA, 0xDCCFB4, 0xC8D0D0, 0xD8C4A4, 0xB4644C],
        };
        let glass = style == Style::Glass;
        Self {
            low,
            high,
            style,
            wall: vary(rgb(random.pick(walls)), random, 0.14),
            trim: vary(
                rgb(random.pick(&[0xECE8E0, 0x5A5048, 0xD8D0C0, 0x44484C])),
                random,
                0.1,
            ),
            storey: if glass {
                random.range(3.2, 4.2)
            } else {
                random.range(2.8, 3.8)
            },
            bay: if glass {
                random.range(1.3, 2.4)
            } else {
                random.range(2.1, 3.8)
            },
            window: match style {
                Style::Glass => vec2(0.94, random.range(0.7, 0.93)),
                Style::Concrete => vec2(random.range(0.5, 0.9), random.range(0.42, 0.6)),
                _ => vec2(random.range(0.32, 0.52), random.range(0.48, 0.66)),
            },
            balconies: style == Style::Concrete && random.chance(0.5) || random.chance(0.15),
            shop: (shops && random.chance(0.75)).then(|| {
                vary(
                    rgb(random.pick(&[0xB03028, 0x2A6A4A, 0x284A8A, 0xD0A030, 0x3A3A3A, 0xE8E4DC])),
                    random,
                    0.15,
                )
            }),
            lit: random.range(0.2, 0.65),
            seed: random.bits() as u32 >> 3,
        }
    }

    /// The colour of the wall at a point, what shines there by itself, and how much it mirrors.
    fn facade(&self, point: Vec3, normal: Vec3, distance: f32, dark: bool) -> (Vec3, Vec3, f32) {
        if normal.y.abs() > 0.5 {
            let gravel = detail(vec2(point.x, point.z), 0.4, self.seed);
            return (
                self.wall.lerp(rgb(0x77746E), 0.7) * (0.9 + 0.2 * gravel),
                Vec3::ZERO,
                0.0,
            );
        }
        let (along, width) = if normal.x.abs() > 0.5 {
            (point.z - self.low.z, self.high.z - self.low.z)
        } else {
            (point.x - self.low.x, self.high.x - self.low.x)
        };
        let ground = self.shop.map_or(0.6, |_| 4.2);
        let up = point.y - self.low.y;
        let grain = self.grain(vec2(along, up), distance);
        let wall = self.wall * grain;
        if up > self.high.y - self.low.y - 0.9 && self.style != Style::Glass {
            return (self.trim * grain, Vec3::ZERO, 0.0);
        }
        if let (Some(colour), true) = (self.shop, up < ground) {
            return self.shop_front(vec2(along, up), colour, wall, dark);
        }
        if up < ground {
            return (wall * 0.75, Vec3::ZERO, 0.0);
        }
        let storeys = ((self.high.y - self.low.y - ground - 0.9) / self.storey)
            .round()
            .max(1.0);
        let storey = (self.high.y - self.low.y - ground - 0.9) / storeys;
        let bay = width / (width / self.bay).round().max(1.0);
        let (across, above) = (along / bay, (up - ground) / storey);
        let cell = (
            across as i32,
            above as i32 + if normal.x.abs() > 0.5 { 900 } else { 0 },
        );
        let part = vec2(across - cell.0 as f32, above - above.floor());
        // Windows smaller than a pixel are one tone, or they would shimmer.
        let fine = smoothstep(2.2, 0.7, distance * 0.013 / bay.min(storey));
        let inside = (vec2(0.5, 0.52) - (part - vec2(0.0, 0.0))).abs() * 2.0;
        let open = inside.x < self.window.x && inside.y < self.window.y;
        let own = speck(cell.0, cell.1, self.seed);
        let glass =
            rgb(0x1A242C).lerp(rgb(0x6A6E6C), if own > 0.7 { own * own * 0.6 } else { 0.0 });
        let shine = if dark && speck(cell.0, cell.1, self.seed + 1) < self.lit {
            vary_by(rgb(0xFFCE84), own) * (0.5 + 1.1 * own)
        } else {
            Vec3::ZERO
        };
        let whole = self.window.x * self.window.y;
        let far_wall = wall.lerp(glass, whole);
        if !open {
            let mut colour = wall;
            let sill = inside.x < self.window.x + 0.12
                && part.y < 0.52 - self.window.y * 0.5
                && part.y > 0.44 - self.window.y * 0.5;
            let band = part.y < 0.05 && self.style == Style::Masonry;
            if sill || band {
                colour = self.trim * grain;
            }
            if self.balconies && part.y < 0.34 {
                let slab = part.y < 0.08;
                colour = if slab { self.trim * 0.9 } else { wall * 0.72 };
            }
            return (
                far_wall.lerp(colour, fine),
                shine * whole * (1.0 - fine),
                0.0,
            );
        }
        if self.balconies && part.y < 0.34 {
            return (
                far_wall.lerp(
                    self.trim * (0.55 + 0.25 * (part.x * 24.0).fract().round()),
                    fine,
                ),
                shine * 0.3,
                0.0,
            );
        }
        let rim = (self.window.x - inside.x) * bay * 0.5 < 0.09
            || (self.window.y - inside.y) * storey * 0.5 < 0.08
            || (self.style != Style::Glass && inside.x * bay < 0.07);
        let colour = if rim {
            if self.style == Style::Glass {
                self.wall * 0.5
            } else {
                self.trim * 0.85
            }
        } else {
            // The lintel throws a shadow on the upper part of the pane.
            glass
                * if part.y > 0.52 + self.window.y * 0.32 {
                    0.45
                } else {
                    1.0
                }
        };
        let mirror = if rim {
            0.0
        } else {
            0.25 + 0.5 * f32::from(u8::from(self.style == Style::Glass))
        };
        let shine = if rim { Vec3::ZERO } else { shine };
        (
            far_wall.lerp(colour, fine),
            shine * (fine + (1.0 - fine) * whole),
            mirror * (fine + (1.0 - fine) * whole),
        )
    }

    fn grain(&self, place: Vec2, distance: f32) -> f32 {
        let near = smoothstep(45.0, 12.0, distance);
        let stains = fbm(place / vec2(3.0, 7.0), 3, self.seed + 3);
        let mut grain = 1.0 + 0.12 * stains;
        if self.style == Style::Brick {
            let course = place.y / 0.09;
            let brick = place.x / 0.25 + 0.5 * f32::from(course as i32 % 2 == 0);
            let joint = (course.fract() < 0.14 || brick.fract() < 0.07) as i32 as f32;
            let own = speck(brick as i32, course as i32, self.seed + 4) - 0.5;
            grain += near * (0.35 * own + 0.35 * joint);
        } else {
            grain += near * 0.10 * noise(place / 0.2, self.seed + 4);
        }
        grain
    }

    fn shop_front(&self, place: Vec2, colour: Vec3, wall: Vec3, dark: bool) -> (Vec3, Vec3, f32) {
        let shop = (place.x / 6.5) as i32;
        let own = hash(shop, 3, self.seed);
        let tint = vec3(
            1.0 - 0.5 * (own & 1) as f32,
            1.0 - 0.4 * (own >> 1 & 1) as f32,
            1.0 - 0.5 * (own >> 2 & 1) as f32,
        );
        let colour = colour * tint;
        let across = place.x - shop as f32 * 6.5;
        if place.y > 3.1 {
            let letters = noise(vec2(place.x * 3.2, shop as f32), self.seed + 6) > 0.12
                && (3.35..3.8).contains(&place.y)
                && (1.0..5.5).contains(&across);
            let sign = if letters { rgb(0xF6F0DC) } else { colour };
            return (sign, if dark { sign * 0.55 } else { Vec3::ZERO }, 0.0);
        }
        if place.y > 2.35 && own >> 4 & 1 == 1 {
            let stripe = (place.x * 2.5).fract() < 0.5;
            return (if stripe { colour } else { rgb(0xEDE6D6) }, Vec3::ZERO, 0.0);
        }
        if !(0.4..6.1).contains(&across) || place.y < 0.5 {
            return (wall * 0.7, Vec3::ZERO, 0.0);
        }
        let goods = speck(
            (place.x * 2.4) as i32,
            (place.y * 2.2) as i32,
            self.seed + 7,
        );
        let shelf = rgb(0x2A2622).lerp(vary_by(colour, goods), 0.5 * goods);
        (
            shelf,
            if dark {
                rgb(0xFFD9A0) * (0.35 + 0.5 * goods)
            } else {
                rgb(0xFFD9A0) * 0.06 * goods
            },
            0.2,
        )
    }
}

fn vary_by(colour: Vec3, own: f32) -> Vec3 {
    colour * vec3(0.8 + 0.4 * own, 0.9 + 0.1 * own, 1.2 - 0.5 * own)
}

/// What the ground is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ground {
    /// A street along z: half the width of the carriageway, and of its pavements, in metres.
    Street {
        half: f32,
        pavement: f32,
        cobbles: bool,
    },
    /// Lawn with a path along z.
    Lawn,
    /// Water, or a plain far below, of this colour.
    Plain(u32),
}

/// Bodies with their looks, on their ground, in their light.
pub(super) struct Town {
    bodies: Vec<Solid>,
    looks: Vec<Look>,
    lamps: Vec<Vec3>,
    pub(super) air: Air,
    ground: Ground,
    wet: bool,
    snow: bool,
    seed: u32,
}

impl Town {
    pub(super) fn new(random: &mut Random, air: Air, ground: Ground) -> Self {
        let rainy = matches!(air.mood, Mood::Grey | Mood::Night | Mood::Mist);
        Self {
            bodies: Vec::new(),
            looks: Vec::new(),
            lamps: Vec::new(),
            wet: rainy && random.chance(0.5),
            snow: air.mood != Mood::Night && random.chance(0.06),
            air,
            ground,
            seed: random.bits() as u32 >> 3,
        }
    }

    pub(super) fn is_dark(&self) -> bool {
        self.air.mood == Mood::Night || self.air.mood == Mood::Dusk
    }

    pub(super) fn add(&mut self, shape: Shape, look: Look) {
        self.bodies.push(Solid {
            shape,
            kind: self.looks.len(),
        });
        self.looks.push(look);
    }

    /// A house, with a roof if its style has one.
    pub(super) fn house(
        &mut self,
        random: &mut Random,
        low: Vec3,
        high: Vec3,
        style: Style,
        shops: bool,
    ) {
        let house = House::draw(random, low, high, style, shops);
        self.add(Shape::Block { low, high }, Look::House(house));
        let gabled = style == Style::Cottage || (style == Style::Masonry && random.chance(0.4));
        if gabled {
            let tall = random.range(1.8, 4.2);
            let eaves = if style == Style::Cottage { 0.6 } else { 0.2 };
            let along = if style == Style::Cottage {
                random.chance(0.5)
            } else {
                true
            };
            let tiles = vary(
                rgb(random.pick(&[0x7A4436, 0x4A4644, 0x8A5A40, 0x5A5E64])),
                random,
                0.15,
            );
            let tiles = if self.snow { rgb(0xE8EEF4) } else { tiles };
            let shape = Shape::Roof {
                low: vec3(low.x - eaves, high.y, low.z - eaves),
                high: vec3(high.x + eaves, high.y + tall, high.z + eaves),
                along,
            };
            self.add(shape, Look::Tiles(tiles));
            if random.chance(0.6) {
                let at = low.lerp(high, random.range(0.25, 0.75));
                let chimney = Shape::Block {
                    low: vec3(at.x - 0.4, high.y, at.z - 0.4),
                    high: vec3(at.x + 0.4, high.y + tall + 0.6, at.z + 0.4),
                };
                self.add(chimney, Look::Plain(rgb(0x7A4A3C)));
            }
        } else if random.chance(0.5) {
            let hut = (high - low) * vec3(0.3, 0.0, 0.3);
            let base = vec3(low.x, high.y, low.z) + hut;
            let top = vec3(high.x, high.y + random.range(1.5, 4.0), high.z) - hut;
            self.add(
                Shape::Block {
                    low: base,
                    high: top,
                },
                Look::Plain(rgb(0x8C8A86)),
            );
        }
    }

    pub(super) fn tree(&mut self, random: &mut Random, foot: Vec3, tall: f32) {
        let colours: &[u32] = if self.snow {
            &[0xD8E0E8, 0xA8B4B8]
        } else {
            &[0x3F6A2A, 0x557A2E, 0x2F5A2C, 0x6E8A34, 0xA8762A]
        };
        let leaves = vary(rgb(random.pick(colours)), random, 0.2);
        let trunk = Shape::Post {
            foot,
            radius: tall * 0.022,
            height: tall * 0.6,
        };
        self.add(trunk, Look::Plain(rgb(0x4A3A2C)));
        for _ in 0..5 {
            let off = vec3(
                random.range(-0.18, 0.18),
                random.range(0.55, 0.85),
                random.range(-0.18, 0.18),
            ) * tall;
            let axes = vec3(1.0, 0.85, 1.0) * tall * random.range(0.15, 0.24);
            self.add(
                Shape::Crown {
                    middle: foot + off,
                    axes,
                    seed: random.bits() as u32 >> 3,
                },
                Look::Leaves(leaves),
            );
        }
    }

    pub(super) fn lamp(&mut self, foot: Vec3, hand: f32, tall: f32) {
        self.add(
            Shape::Post {
                foot,
                radius: 0.07,
                height: tall,
            },
            Look::Plain(rgb(0x3A3E42)),
        );
        let head = foot + vec3(hand * 0.9, tall, 0.0);
        let arm = Shape::Block {
            low: foot + vec3(hand.min(0.0) * 0.9 - 0.05, tall - 0.08, -0.05),
            high: foot + vec3(hand.max(0.0) * 0.9 + 0.05, tall, 0.05),
        };
        self.add(arm, Look::Plain(rgb(0x3A3E42)));
        self.add(
            Shape::Ball {
                middle: head,
                axes: vec3(0.24, 0.14, 0.24),
            },
            Look::Lamp(rgb(0xFFD8A0) * 5.0),
        );
        self.lamps.push(head);
    }

    pub(super) fn car(&mut self, random: &mut Random, foot: Vec3, towards_us: bool) {
        let paint = vary(
            rgb(random.pick(&[
                0xC8CACC, 0x2A2C30, 0xE8E8E6, 0x8A1E1A, 0x24406E, 0x6A6E70, 0xD8B02A, 0x3A5A48,
            ])),
            random,
            0.15,
        );
        let van = random.chance(0.18);
        let (half, long, tall) = if van {
            (0.98, 2.4, 2.1)
        } else {
            (0.88, 2.15, 1.45)
        };
        let hood = if van { 1.2 } else { 0.85 };
        let body = Shape::Block {
            low: foot + vec3(-half, 0.14, -long),
            high: foot + vec3(half, hood, long),
        };
        self.add(body, Look::Car(paint, foot));
        let cabin = Shape::Roof {
            low: foot + vec3(-half + 0.1, hood, -long * 0.72),
            high: foot + vec3(half - 0.1, tall + 0.5, long * 0.55),
            along: false,
        };
        let room = Shape::Block {
            low: foot + vec3(-half + 0.12, hood, -long * 0.42),
            high: foot + vec3(half - 0.12, tall, long * 0.30),
        };
        if van {
            let hull = Shape::Block {
                low: foot + vec3(-half, hood, -long),
                high: foot + vec3(half, tall, long * 0.7),
            };
            self.add(hull, Look::Car(paint, foot));
        } else {
            self.add(room, Look::Car(paint, foot));
            if let Shape::Roof { low, high, along } = cabin {
                self.add(
                    Shape::Roof {
                        low,
                        high: vec3(high.x, tall - 0.12, high.z),
                        along,
                    },
                    Look::Plain(rgb(0x1E262C)),
                );
            }
        }
        let colour = if towards_us {
            rgb(0xFFF2D0)
        } else {
            rgb(0xE02010)
        };
        let strength = if self.is_dark() { 5.0 } else { 0.5 };
        for hand in [-0.62, 0.62] {
            let middle = foot + vec3(hand * half / 0.88, 0.66, -long);
            self.add(
                Shape::Ball {
                    middle,
                    axes: vec3(0.15, 0.09, 0.06),
                },
                Look::Lamp(colour * strength),
            );
        }
    }

    pub(super) fn person(&mut self, random: &mut Random, foot: Vec3) {
        let tall = random.range(0.9, 1.06);
        let coat = vary(
            rgb(random.pick(&[
                0x22262C, 0x7A2A2A, 0x2A4A6A, 0xC8C0B0, 0x5A5A3A, 0xB8862A, 0x484050,
            ])),
            random,
            0.2,
        );
        let legs = vary(
            rgb(random.pick(&[0x1C2028, 0x2E3A50, 0x4A4238])),
            random,
            0.2,
        );
        let skin = rgb(random.pick(&[0xD8A888, 0x8A5A40, 0xE0B898, 0x5A3A2A]));
        for hand in [-0.09, 0.09] {
            let stride = random.range(-0.16, 0.16);
            self.add(
                Shape::Post {
                    foot: foot + vec3(hand, 0.0, stride),
                    radius: 0.085,
                    height: 0.85 * tall,
                },
                Look::Plain(legs),
            );
        }
        self.add(
            Shape::Ball {
                middle: foot + vec3(0.0, 1.12 * tall, 0.0),
                axes: vec3(0.25, 0.42, 0.19),
            },
            Look::Plain(coat),
        );
        self.add(
            Shape::Ball {
                middle: foot + vec3(0.0, 1.64 * tall, 0.0),
                axes: vec3(0.105, 0.14, 0.12),
            },
            Look::Plain(skin),
        );
        self.add(
            Shape::Ball {
                middle: foot + vec3(0.0, 1.70 * tall, 0.02),
                axes: vec3(0.115, 0.11, 0.13),
            },
            Look::Plain(rgb(0x2A2018)),
        );
    }

    /// The picture that a camera takes of the town.
    pub(super) fn paint(&self, eye: &Eye) -> Canvas {
        let mut canvas = Canvas::new();
        let side = canvas.side;
        let shade = Shade::new(self.air.sun, &self.bodies);
        let place = |at: usize| (at as f32 + 0.5) / side as f32;
        for (at, seen) in look(side, eye, &self.bodies).into_iter().enumerate() {
            let towards = eye.towards(vec2(place(at % side), place(at / side)));
            canvas.pixels[at] = match seen {
                Some(seen) if seen.hit.distance < 2500.0 => {
                    self.shade(eye.place, towards, &seen, Some(&shade))
                }
                _ => self
                    .air
                    .sky(vec3(towards.x, towards.y.max(0.01), towards.z)),
            };
        }
        if self.is_dark() {
            bloom(&mut canvas);
        }
        canvas
    }

    /// The light that comes from what is seen; without `shade` it is seen in a mirror, where nobody looks for
    /// shadows and further mirrors.
    fn shade(&self, from: Vec3, towards: Vec3, seen: &Seen, shade: Option<&Shade>) -> Vec3 {
        let distance = seen.hit.distance;
        let point = from + towards * distance;
        let normal = seen.hit.normal;
        let (colour, shine, mirror) = match seen.body {
            Some(body) => {
                self.surface(&self.looks[self.bodies[body].kind], point, normal, distance)
            }
            None => self.floor(point, distance),
        };
        let facing = normal.dot(self.air.sun) > 0.0;
        let off = point + normal * 0.03;
        let lit = if !facing
            || self.air.sun.y < 0.06
            || shade.is_some_and(|shade| shade.covers(off, &self.bodies))
        {
            0.0
        } else {
            1.0
        };
        // Down in a street half of the sky is hidden.
        let open = 0.62 + 0.38 * smoothstep(0.0, 26.0, point.y);
        let mut light = self.air.sunlight * normal.dot(self.air.sun).max(0.0) * lit;
        light += self.air.skylight * (0.62 + 0.38 * normal.y) * open;
        // What the sunny side throws back into the shade.
        light += self.air.sunlight * 0.10 * self.air.sun.y;
        if self.is_dark() {
            light += self.lamplight(off, normal);
        }
        let mut seen_light = colour * light + shine;
        if mirror > 0.0 && shade.is_some() {
            let back = towards - normal * 2.0 * towards.dot(normal);
            let facing = (-towards.dot(normal)).clamp(0.0, 1.0);
            let strength = mirror * (0.35 + 0.65 * (1.0 - facing) * (1.0 - facing));
            seen_light = seen_light.lerp(self.mirrored(off, back), strength.min(1.0));
        }
        self.air.through(seen_light, distance, towards)
    }

    /// What a pane or a puddle mirrors.
    fn mirrored(&self, from: Vec3, towards: Vec3) -> Vec3 {
        let nearest = self
            .bodies
            .iter()
            .enumerate()
            .filter_map(|(index, body)| Some((index, body.shape.hit(from, towards)?)))
            .min_by(|a, b| a.1.distance.total_cmp(&b.1.distance));
        match nearest {
            Some((index, hit)) => self.shade(
                from,
                towards,
                &Seen {
                    body: Some(index),
                    hit,
                },
                None,
            ),
            None => self
                .air
                .sky(vec3(towards.x, towards.y.abs().max(0.02), towards.z).normalize()),
        }
    }

    fn lamplight(&self, point: Vec3, normal: Vec3) -> Vec3 {
        self.lamps
            .iter()
            .map(|lamp| {
                let off = *lamp - point;
                let far = off.length_squared();
                rgb(0xFFC070) * (9.0 * (off.dot(normal) / far.sqrt()).max(0.0) / (6.0 + far))
            })
            .sum()
    }

    fn surface(&self, look: &Look, point: Vec3, normal: Vec3, distance: f32) -> (Vec3, Vec3, f32) {
        match look {
            Look::House(house) => house.facade(point, normal, distance, self.is_dark()),
            Look::Plain(colour) => (*colour, Vec3::ZERO, 0.0),
            Look::Lamp(light) => (
                rgb(0xE8E4DC),
                if self.is_dark() {
                    *light
                } else {
                    *light * 0.12
                },
                0.0,
            ),
            Look::Tiles(colour) => {
                let rows = (point.y * 4.5).fract();
                let tile = speck(
                    (point.x * 3.0 + point.z * 3.0) as i32,
                    (point.y * 4.5) as i32,
                    self.seed,
                );
                let fine = smoothstep(60.0, 20.0, distance);
                (
                    *colour
                        * (1.0
                            + fine * (0.3 * (tile - 0.5) - 0.25 * f32::from(u8::from(rows < 0.2)))),
                    Vec3::ZERO,
                    0.0,
                )
            }
            Look::Leaves(colour) => {
                let place = vec2(point.x + 0.6 * point.y, point.z + 0.7 * point.y);
                let grain = detail(place, 0.22 + distance * 0.006, self.seed + 2);
                let clumps = noise(place / 0.9, self.seed + 3);
                (
                    *colour * (0.75 + 0.7 * grain + 0.5 * clumps).max(0.1),
                    Vec3::ZERO,
                    0.0,
                )
            }
            Look::Car(paint, foot) => car_surface(*paint, point - *foot, normal),
        }
    }

    /// The ground at a point: its colour, its own light, how much it mirrors.
    fn floor(&self, point: Vec3, distance: f32) -> (Vec3, Vec3, f32) {
        let place = vec2(point.x, point.z);
        let grain = detail(place, 0.05 + distance * 0.01, self.seed + 5);
        let patches = fbm(place / 3.1, 3, self.seed + 6);
        let wetness = if self.wet {
            smoothstep(-0.35, 0.3, patches)
        } else {
            0.0
        };
        let (colour, mirror) = match self.ground {
            Ground::Plain(colour) => (rgb(colour) * (1.0 + 0.2 * grain), 0.25),
            Ground::Lawn => {
                let path = (place.x.abs() < 1.1) as i32 as f32;
                let grass = rgb(0x55792F) * (0.9 + 0.5 * grain + 0.25 * patches);
                (grass.lerp(rgb(0xA89C88), path), 0.0)
            }
            Ground::Street {
                half,
                pavement,
                cobbles,
            } => (
                self.street(place, half, pavement, cobbles, grain, patches),
                0.75 * wetness,
            ),
        };
        let colour = if self.snow {
            colour.lerp(rgb(0xE6ECF2), smoothstep(-0.3, 0.2, patches + 0.2))
        } else {
            colour
        };
        (
            colour * (1.0 - 0.4 * wetness),
            Vec3::ZERO,
            if self.snow { 0.0 } else { mirror },
        )
    }

    fn street(
        &self,
        place: Vec2,
        half: f32,
        pavement: f32,
        cobbles: bool,
        grain: f32,
        patches: f32,
    ) -> Vec3 {
        let off = place.x.abs();
        let asphalt = rgb(0x57585C) * (1.0 + 0.22 * grain + 0.18 * patches);
        if off < half && !cobbles {
            let worn = 0.75 + 0.5 * patches;
            let dash = (place.y / 6.0).fract();
            let line =
                half > 2.6 && ((off < 0.07 && dash < 0.5) || (off - half + 0.35).abs() < 0.06);
            let crossing = (place.y - 13.0).abs() < 1.6
                && half > 2.6
                && (place.x + 50.0).rem_euclid(1.0) < 0.5
                && self.seed.is_multiple_of(3);
            return if line || crossing {
                asphalt.lerp(rgb(0xE4E2DA), worn.clamp(0.0, 1.0))
            } else {
                asphalt
            };
        }
        if off < half + 0.16 && !cobbles {
            return rgb(0xB4B2AC) * (0.8 + 0.2 * grain);
        }
        let size = if cobbles { 0.35 } else { 0.9 };
        let stone = place / size;
        let joint = (stone.x - stone.x.floor()).min(stone.y - stone.y.floor()) < 0.07;
        let own = speck(
            stone.x.floor() as i32,
            stone.y.floor() as i32,
            self.seed + 8,
        );
        let base = if off < half + pavement {
            rgb(0x9A948A)
        } else {
            rgb(0x8E887E)
        };
        base * (0.85 + 0.25 * own + 0.12 * grain + 0.15 * patches)
            * if joint && place.y < 18.0 { 0.7 } else { 1.0 }
    }
}

fn car_surface(paint: Vec3, at: Vec3, normal: Vec3) -> (Vec3, Vec3, f32) {
    let wheel = |z: f32| vec2(at.z - z, at.y - 0.33).length() < 0.36;
    if normal.x.abs() > 0.5 && (wheel(-1.3) || wheel(1.35)) {
        return (rgb(0x17181A), Vec3::ZERO, 0.0);
    }
    if at.y < 0.3 {
        return (rgb(0x1C1D20), Vec3::ZERO, 0.0);
    }
    if at.y > 0.92 && normal.y < 0.6 {
        let pillar = normal.x.abs() > 0.5 && at.z.abs() < 0.06;
        return (if pillar { paint } else { rgb(0x1B232A) }, Vec3::ZERO, 0.35);
    }
    (paint, Vec3::ZERO, 0.16)
}
