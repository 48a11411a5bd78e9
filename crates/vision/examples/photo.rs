//! Makes `data/photo.jpg`, the photograph that the tour looks at: a bay with mountains in evening light.
//!
//! ```text
//! cargo run -p vision --example photo -- data/photo.jpg
//! ```
//!
//! There is no camera behind it. The land is a height field of value noise whose octaves flatten where the
//! slope is already steep, which looks like erosion; rays are marched through it, lit by a low sun, tinted by
//! haze, and mirrored by a rippled sea. Lengths are kilometres; x points right, y up, z away from the camera.
//! The same picture comes out every time.

use std::error::Error;
use std::thread;

use vision::Image;

const WIDTH: usize = 640;
const HEIGHT: usize = 480;
/// Rays for each pixel and direction.
const SAMPLES: usize = 3;

/// Where the sun stands.
const SUN: V = V(-0.80, 0.36, 0.12);
const SUNLIGHT: V = V(1.85, 1.22, 0.70);
const SKYLIGHT: V = V(0.30, 0.40, 0.56);
const CAMERA: V = V(0.0, 0.10, 0.0);
/// The end of the world.
const FAR: f64 = 40.0;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "data/photo.jpg".into());
    let threads = thread::available_parallelism()?.get();
    let mut rows = vec![[0u8; WIDTH * 3]; HEIGHT];
    thread::scope(|scope| {
        for (part, chunk) in rows.chunks_mut(HEIGHT.div_ceil(threads)).enumerate() {
            let first = part * HEIGHT.div_ceil(threads);
            scope.spawn(move || {
                for (y, row) in chunk.iter_mut().enumerate() {
                    for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                        *pixel = develop(x, first + y);
                    }
                }
            });
        }
    });
    Image::from_rgb8(WIDTH as u32, HEIGHT as u32, rows.concat())?.save(path)?;
    Ok(())
}

/// A pixel as the film shows it, 0-255: exposed, graded, darker in the corners, with grain.
fn develop(x: usize, y: usize) -> [u8; 3] {
    let mut light = V(0.0, 0.0, 0.0);
    for i in 0..SAMPLES * SAMPLES {
        let sub = |i: usize| (i as f64 + 0.5) / SAMPLES as f64;
        let u = (x as f64 + sub(i % SAMPLES) - WIDTH as f64 / 2.0) / HEIGHT as f64;
        let v = (HEIGHT as f64 * 0.655 - y as f64 - sub(i / SAMPLES)) / HEIGHT as f64;
        light = light + ray_colour(CAMERA, V(u, v, 1.15).unit(), true);
    }
    let light = light * (1.0 / (SAMPLES * SAMPLES) as f64);
    let (cx, cy) = (
        x as f64 / WIDTH as f64 - 0.5,
        y as f64 / HEIGHT as f64 - 0.5,
    );
    let vignette = 1.0 - 0.45 * (cx * cx + cy * cy);
    let grain = (hash(x as i64, y as i64) + hash(x as i64 + 7919, y as i64) - 1.0) * 0.014;
    let film = |value: f64| {
        let value = 1.0 - (-1.35 * value * vignette).exp(); // bright light saturates slowly
        let value = value.powf(1.0 / 2.2);
        let value = value * value * (3.0 - 2.0 * value) * 0.7 + value * 0.3; // contrast
        ((value + grain) * 255.0).round().clamp(0.0, 255.0) as u8
    };
    let grey = light.dot(V(0.2126, 0.7152, 0.0722));
    let vivid = |value: f64| (grey + (value - grey) * 1.35).max(0.0);
    [
        film(vivid(light.0)),
        film(vivid(light.1)),
        film(vivid(light.2)),
    ]
}

/// The light that comes back along a ray; off the sea, nothing meets it again: `at_sea` is false then.
fn ray_colour(from: V, along: V, at_sea: bool) -> V {
    let to_sea = if along.1 < 0.0 {
        -from.1 / along.1
    } else {
        FAR
    };
    match march(from, along, to_sea.min(FAR)) {
        Some(distance) => haze(land(from + along * distance, distance), along, distance),
        None if to_sea < FAR && at_sea => {
            haze(sea(from + along * to_sea, along, to_sea), along, to_sea)
        }
        None => sky(along),
    }
}

/// The distance to the first land on a ray.
fn march(from: V, along: V, end: f64) -> Option<f64> {
    let mut distance = 0.02;
    while distance < end {
        let at = from + along * distance;
        if at.1 > 4.2 && along.1 > 0.0 {
            return None; // above all peaks
        }
        let above = at.1 - height(at.0, at.2, octaves(distance));
        if above < 0.0004 * distance {
            return Some(distance);
        }
        distance += (above * 0.35).max(0.0006 * distance);
    }
    None
}

/// Finer detail nearby.
fn octaves(distance: f64) -> usize {
    (12.0 - (distance + 0.1).log2()).clamp(5.0, 13.0) as usize
}

/// The height of the land above the sea.
fn height(x: f64, z: f64, octaves: usize) -> f64 {
    // A range across the back, a headland from the right, a hill on the left; sea before and between.
    let range = smooth(6.0, 13.0, z + 0.9 * (x * 0.5).sin()) * (1.0 - 0.5 * smooth(16.0, 30.0, z));
    let gap = 1.0 - 0.55 * (-(x - 0.6).powi(2) / 2.5).exp();
    let headland = 0.60 * (-((x - 3.0) / 1.5).powi(2) - ((z - 4.6) / 0.9).powi(2)).exp();
    let hill = 0.42 * (-((x + 2.5) / 1.2).powi(2) - ((z - 3.2) / 0.8).powi(2)).exp();
    let shape = 2.15 * range * gap + headland + hill;
    let rough = eroded(x * 0.55 + 11.3, z * 0.55 + 4.1, octaves);
    shape * (0.35 + 1.15 * rough) - 0.07
}

fn land(at: V, distance: f64) -> V {
    let detail = octaves(distance) + 1;
    let e = 0.0008 * distance.max(0.3);
    let slope = |dx: f64, dz: f64| {
        height(at.0 + dx, at.2 + dz, detail) - height(at.0 - dx, at.2 - dz, detail)
    };
    let normal = V(-slope(e, 0.0), 2.0 * e, -slope(0.0, e)).unit();

    let patch = fbm(at.0 * 3.0, at.2 * 3.0, 5);
    let rock = V(0.21, 0.185, 0.165) * (0.6 + 0.8 * fbm(at.0 * 14.0, at.1 * 40.0 + at.2 * 6.0, 4));
    let forest = mix(
        V(0.035, 0.062, 0.022),
        V(0.085, 0.10, 0.03),
        fbm(at.0 * 40.0, at.2 * 40.0, 4),
    );
    let snow = V(0.78, 0.82, 0.88);
    let green =
        smooth(0.55, 0.8, normal.1 + 0.25 * patch) * (1.0 - smooth(0.35, 0.75, at.1 + 0.3 * patch));
    let white = smooth(0.85, 1.25, at.1 + 0.55 * patch - 0.25) * smooth(0.42, 0.68, normal.1);
    let beach = 1.0 - smooth(0.004, 0.016, at.1);
    let mut surface = mix(mix(rock, forest, green), snow, white);
    surface = mix(surface, V(0.30, 0.25, 0.18), beach * 0.8);

    let sun = SUN.unit();
    let shadow = if march(at + normal * (0.002 * distance), sun, 6.0).is_some() {
        0.0
    } else {
        1.0
    };
    let direct = SUNLIGHT * (normal.dot(sun).max(0.0) * shadow * 1.7);
    let ambient = SKYLIGHT * (0.35 + 0.35 * normal.1)
        + V(0.10, 0.07, 0.05) * (0.5 - 0.5 * normal.0 * sun.0).max(0.0);
    surface * (direct + ambient)
}

fn sea(at: V, along: V, distance: f64) -> V {
    // Ripples fade into the distance, where many share one pixel.
    let size = 0.06 / (1.0 + 0.35 * distance);
    let wave = |x: f64, z: f64| fbm(x * 34.0, z * 60.0, 4) + 0.6 * fbm(x * 9.0 + 3.0, z * 16.0, 3);
    let e = 0.0015 * (1.0 + distance);
    let slope_x = (wave(at.0 + e, at.2) - wave(at.0 - e, at.2)) / (2.0 * e * 34.0);
    let slope_z = (wave(at.0, at.2 + e) - wave(at.0, at.2 - e)) / (2.0 * e * 60.0);
    let normal = V(-slope_x * size, 1.0, -slope_z * size * 1.6).unit();
    let facing = -along.dot(normal);
    let mirrored = (along + normal * (2.0 * facing)).unit();
    let mirrored = V(mirrored.0, mirrored.1.abs().max(0.004), mirrored.2).unit();
    let fresnel = 0.03 + 0.97 * (1.0 - facing.clamp(0.0, 1.0)).powi(5);
    let deep = mix(
        V(0.012, 0.055, 0.075),
        V(0.02, 0.10, 0.10),
        fbm(at.0 * 0.9, at.2 * 0.9, 3),
    );
    let glitter = mirrored.dot(SUN.unit()).max(0.0).powi(420) * 9.0;
    let foam = smooth(-0.012, -0.001, height(at.0, at.2, 8))
        * smooth(0.45, 0.65, fbm(at.0 * 60.0, at.2 * 60.0, 3));
    let water = deep * (1.0 - fresnel)
        + ray_colour(at + V(0.0, 0.001, 0.0), mirrored, false) * (fresnel * 0.92);
    mix(water + SUNLIGHT * glitter, V(0.75, 0.78, 0.8), foam * 0.5)
}

fn sky(along: V) -> V {
    let up = along.1.max(0.0);
    let towards_sun = along.dot(SUN.unit()).max(0.0);
    let mut colour = mix(
        V(0.80, 0.70, 0.58),
        V(0.10, 0.25, 0.58),
        1.0 - (-4.2 * up).exp(),
    );
    colour = colour
        + V(0.55, 0.30, 0.12) * towards_sun.powi(6) * 0.55
        + SUNLIGHT * towards_sun.powi(900) * 6.0;
    // One thin layer of cloud, seen from below.
    let (x, z) = (along.0 / (up + 0.09), along.2 / (up + 0.09));
    let bend = fbm(x * 0.5 + 3.0, z * 0.5, 4) * 1.6;
    let cover = smooth(
        0.42,
        0.70,
        fbm(x * 0.42 + bend, z * 0.75 + bend * 0.6 + 7.0, 7),
    ) * smooth(0.015, 0.12, up);
    let lit = mix(
        V(0.62, 0.60, 0.64),
        V(1.25, 1.02, 0.82),
        towards_sun.powi(2) * 0.8 + 0.2,
    );
    mix(colour, lit, cover * 0.85)
}

/// Air lies between: far things take its colour, warm towards the sun and blue away from it.
fn haze(colour: V, along: V, distance: f64) -> V {
    let towards_sun = along.dot(SUN.unit()).max(0.0);
    let air = mix(
        V(0.42, 0.55, 0.74),
        V(0.98, 0.76, 0.55),
        towards_sun.powi(4),
    );
    let clear = V(
        (-0.016 * distance).exp(),
        (-0.022 * distance).exp(),
        (-0.034 * distance).exp(),
    );
    V(
        colour.0 * clear.0 + air.0 * (1.0 - clear.0),
        colour.1 * clear.1 + air.1 * (1.0 - clear.1),
        colour.2 * clear.2 + air.2 * (1.0 - clear.2),
    )
}

/// Noise whose finer octaves fade where the coarser ones are steep; about 0-1.
fn eroded(mut x: f64, mut z: f64, octaves: usize) -> f64 {
    let (mut sum, mut weight, mut dx, mut dz) = (0.0, 0.5, 0.0, 0.0);
    for _ in 0..octaves {
        let (value, slope_x, slope_z) = noise(x, z);
        dx += slope_x;
        dz += slope_z;
        sum += weight * value / (1.0 + dx * dx + dz * dz);
        weight *= 0.5;
        (x, z) = (1.6 * x - 1.2 * z, 1.2 * x + 1.6 * z); // twice as fine, turned
    }
    sum * 1.6
}

/// Octaves of noise, 0-1, about 0.5 on average.
fn fbm(mut x: f64, mut z: f64, octaves: usize) -> f64 {
    let (mut sum, mut weight) = (0.0, 0.5);
    for _ in 0..octaves {
        sum += weight * noise(x, z).0;
        weight *= 0.5;
        (x, z) = (1.6 * x - 1.2 * z + 5.1, 1.2 * x + 1.6 * z + 1.7);
    }
    sum / (1.0 - 0.5f64.powi(octaves as i32))
}

/// Value noise, 0-1, with its slope in both directions.
fn noise(x: f64, z: f64) -> (f64, f64, f64) {
    let (ix, iz) = (x.floor(), z.floor());
    let (fx, fz) = (x - ix, z - iz);
    let ease = |t: f64| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
    let ease_slope = |t: f64| 30.0 * t * t * (t * (t - 2.0) + 1.0);
    let (ix, iz) = (ix as i64, iz as i64);
    let (a, b, c, d) = (
        hash(ix, iz),
        hash(ix + 1, iz),
        hash(ix, iz + 1),
        hash(ix + 1, iz + 1),
    );
    let (u, w) = (ease(fx), ease(fz));
    let twist = a - b - c + d;
    (
        a + (b - a) * u + (c - a) * w + twist * u * w,
        ease_slope(fx) * (b - a + twist * w),
        ease_slope(fz) * (c - a + twist * u),
    )
}

/// A number 0-1 for each place of a grid, without any pattern (the mixing of splitmix64).
fn hash(x: i64, z: i64) -> f64 {
    let mut h = (x as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (z as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    h = (h ^ (h >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((h ^ (h >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// 0 below `low`, 1 above `high`, smooth between.
fn smooth(low: f64, high: f64, value: f64) -> f64 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

fn mix(a: V, b: V, part: f64) -> V {
    a * (1.0 - part.clamp(0.0, 1.0)) + b * part.clamp(0.0, 1.0)
}

/// A place, a direction, or red, green and blue.
#[derive(Clone, Copy)]
struct V(f64, f64, f64);

impl V {
    fn dot(self, o: V) -> f64 {
        self.0 * o.0 + self.1 * o.1 + self.2 * o.2
    }

    fn unit(self) -> V {
        self * (1.0 / self.dot(self).sqrt())
    }
}

impl std::ops::Add for V {
    type Output = V;
    fn add(self, o: V) -> V {
        V(self.0 + o.0, self.1 + o.1, self.2 + o.2)
    }
}

impl std::ops::Mul<f64> for V {
    type Output = V;
    fn mul(self, k: f64) -> V {
        V(self.0 * k, self.1 * k, self.2 * k)
    }
}

impl std::ops::Mul for V {
    type Output = V;
    fn mul(self, o: V) -> V {
        V(self.0 * o.0, self.1 * o.1, self.2 * o.2)
    }
}
