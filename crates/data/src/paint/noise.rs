//! Noise: the grain of rock, clouds, leaves and water.

use std::sync::LazyLock;

use glam::{Vec2, vec2};

/// A number from 0 up to 1 for a point of the lattice.
#[inline]
pub(crate) fn speck(x: i32, y: i32, seed: u32) -> f32 {
    (hash(x, y, seed) >> 8) as f32 / (1 << 24) as f32
}

/// Random bits for a point of the lattice (the finaliser of MurmurHash3).
#[inline]
pub(crate) fn hash(x: i32, y: i32, seed: u32) -> u32 {
    let mut bits = (x as u32).wrapping_mul(0x27D4_EB2D)
        ^ (y as u32).wrapping_mul(0x1656_67B1).rotate_left(15)
        ^ seed.wrapping_mul(0x9E37_79B1);
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x85EB_CA6B);
    bits = (bits ^ (bits >> 13)).wrapping_mul(0xC2B2_AE35);
    bits ^ (bits >> 16)
}

/// The whole number below a number between -4 and 4 million. Without SSE 4.1 `f32::floor` is a call, a cast
/// to `i32` looks after what does not fit, and noise asks for it all the time.
#[inline]
fn floor(x: f32) -> i32 {
    // So large that the last bit of the sum counts ones: the sum is rounded to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let sum = x + ROUND;
    let whole = (sum.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    whole - i32::from(x < sum - ROUND)
}

/// Texels of the table of noise for one step of its lattice, and texels on a side.
const FINE: usize = 8;
const TABLE: usize = 512;

/// Smooth noise from about -1 to 1 with details of size 1.
///
/// Read from a table, at a place of its own for each seed: most of a picture's time goes here.
#[inline]
pub(crate) fn noise(p: Vec2, seed: u32) -> f32 {
    read(&NOISE, p, seed)
}

static NOISE: LazyLock<Box<Table>> = LazyLock::new(|| {
    let place = |at: usize| vec2((at % TABLE) as f32, (at / TABLE) as f32) / FINE as f32;
    let mut table = Box::new([0.0; TABLE * TABLE]);
    for (at, value) in table.iter_mut().enumerate() {
        *value = gradient_noise(place(at));
    }
    table
});

/// Of known length, so that masked positions need no check.
type Table = [f32; TABLE * TABLE];

#[inline(always)]
fn read(table: &Table, p: Vec2, seed: u32) -> f32 {
    let shift = seed.wrapping_mul(0x9E37_79B1);
    let x = p.x * FINE as f32 + (shift >> 23) as f32;
    let y = p.y * FINE as f32 + (shift >> 14 & 0x1FF) as f32;
    let (column, row) = (floor(x), floor(y));
    let (fx, fy) = (x - column as f32, y - row as f32);
    let wrap = |at: i32| at as usize & (TABLE - 1);
    let (left, right) = (wrap(column), wrap(column.wrapping_add(1)));
    let (top, bottom) = (wrap(row) * TABLE, wrap(row.wrapping_add(1)) * TABLE);
    let above = lerp(table[top + left], table[top + right], fx);
    let below = lerp(table[bottom + left], table[bottom + right], fx);
    lerp(above, below, fy)
}

/// Perlin, "Improving noise", SIGGRAPH 2002; it repeats where the table ends.
fn gradient_noise(p: Vec2) -> f32 {
    let (x, y) = (floor(p.x), floor(p.y));
    let f = vec2(p.x - x as f32, p.y - y as f32);
    let slope = |dx: i32, dy: i32| {
        let to = f - vec2(dx as f32, dy as f32);
        let period = (TABLE / FINE) as i32;
        let bits = hash((x + dx) % period, (y + dy) % period, 1);
        let (a, b) = if bits & 1 == 0 {
            (to.x, to.y)
        } else {
            (to.y, to.x)
        };
        let a = if bits & 2 == 0 { a } else { -a };
        let b = if bits & 4 == 0 { b } else { -b };
        a + 0.5 * b
    };
    let ease = f * f * f * (f * (f * 6.0 - 15.0) + 10.0);
    let top = lerp(slope(0, 0), slope(1, 0), ease.x);
    let bottom = lerp(slope(0, 1), slope(1, 1), ease.x);
    1.3 * lerp(top, bottom, ease.y)
}

/// Noise upon noise, each of half the size and strength, from about -1 to 1.
#[inline]
pub(crate) fn fbm(mut p: Vec2, octaves: u32, seed: u32) -> f32 {
    let table = &**NOISE;
    let (mut sum, mut strength) = (0.0, 0.55);
    for octave in 0..octaves {
        sum += strength * read(table, p, seed.wrapping_add(octave));
        strength *= 0.5;
        // Turned as well, so that the lattices do not fall together.
        p = vec2(1.6 * p.x - 1.2 * p.y, 1.2 * p.x + 1.6 * p.y);
    }
    sum
}

/// Noise of about the given size that keeps its pattern when the size changes with the distance: it goes
/// over from one power of two to the next.
#[inline]
pub(crate) fn detail(p: Vec2, size: f32, seed: u32) -> f32 {
    let power = f32::from_bits(size.max(1e-6).to_bits() & 0x7F80_0000);
    let p = p / power;
    lerp(noise(p, seed), noise(p * 0.5, seed + 1), size / power - 1.0)
}

/// Sharp crests between wide valleys, from about 0 to 1 (Musgrave's ridged multifractal).
#[inline]
pub(crate) fn ridged(mut p: Vec2, octaves: u32, seed: u32) -> f32 {
    let table = &**NOISE;
    let (mut sum, mut strength, mut weight) = (0.0, 0.5, 1.0_f32);
    for octave in 0..octaves {
        let crest = 1.0 - read(table, p, seed.wrapping_add(octave)).abs();
        let crest = crest * crest * weight;
        sum += strength * crest;
        weight = (1.6 * crest).clamp(0.0, 1.0);
        strength *= 0.5;
        p = vec2(1.6 * p.x - 1.2 * p.y, 1.2 * p.x + 1.6 * p.y);
    }
    sum
}

/// Cells about scattered points (Worley 1996): the distance to the nearest point, that to the second
/// nearest, and a number from 0 to 1 of the cell's own.
#[inline]
pub(crate) fn cells(p: Vec2, seed: u32) -> (f32, f32, f32) {
    let (x, y) = (floor(p.x), floor(p.y));
    let (mut first, mut second, mut own) = (9.0_f32, 9.0_f32, 0.0);
    for dy in -1..=1 {
        for dx in -1..=1 {
            let bits = hash(x + dx, y + dy, seed);
            let point = vec2(
                (x + dx) as f32 + (bits & 0xFFFF) as f32 / 65536.0,
                (y + dy) as f32 + (bits >> 16) as f32 / 65536.0,
            );
            let distance = point.distance_squared(p);
            if distance < first {
                second = first;
                first = distance;
                own = (bits.wrapping_mul(0x9E37_79B1) >> 8) as f32 / (1 << 24) as f32;
            } else if distance < second {
                second = distance;
            }
        }
    }
    (first.sqrt(), second.sqrt(), own)
}

/// From `a` to `b` as `t` goes from 0 to 1.
#[inline]
pub(crate) fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 before `low`, 1 after `high`, smooth between.
#[inline]
pub(crate) fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_fills_its_range_and_has_no_steps() {
        let (mut least, mut most, mut jump) = (0.0_f32, 0.0_f32, 0.0_f32);
        for step in -20_000..20_000 {
            let p = vec2(step as f32 * 0.01, step as f32 * 0.0037);
            let value = noise(p, 5);
            jump = jump.max((value - noise(p + vec2(0.001, 0.0), 5)).abs());
            least = least.min(value);
            most = most.max(value);
        }
        assert!(
            least > -1.3 && least < -0.6 && most < 1.3 && most > 0.6,
            "{least} {most}"
        );
        assert!(jump < 0.006, "{jump}");
    }

    #[test]
    fn the_nearest_point_is_nearer_than_the_second() {
        for step in 0..1000 {
            let p = vec2(step as f32 * 0.13 - 50.0, step as f32 * -0.07);
            let (first, second, own) = cells(p, 1);
            assert!(first <= second && second < 2.3 && (0.0..1.0).contains(&own));
        }
    }
}
