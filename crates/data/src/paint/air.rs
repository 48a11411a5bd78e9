//! Sky, sun and haze: the weather and the hour of a picture.

use glam::{Vec3, vec2, vec3};

use super::canvas::{rgb, vary};
use super::noise::{fbm, smoothstep};
use crate::Random;

/// The light of a scene.
#[derive(Clone, Debug)]
pub(crate) struct Air {
    /// Towards the sun, of length 1.
    pub(crate) sun: Vec3,
    pub(crate) sunlight: Vec3,
    /// What comes from the whole sky.
    pub(crate) skylight: Vec3,
    zenith: Vec3,
    horizon: Vec3,
    /// What distance fades to, and how much of it remains after a metre, as `exp(-haze)`.
    pub(crate) haze: f32,
    /// How much of the sky clouds cover, 0-1.
    cover: f32,
    cloud_size: f32,
    cloud_light: Vec3,
    cloud_shade: Vec3,
    seed: u32,
    pub(crate) mood: Mood,
}

/// The hour and the weather, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Clear,
    Fair,
    Grey,
    Golden,
    Dusk,
    Mist,
    Night,
}

impl Mood {
    /// What is most often photographed.
    pub(crate) const BY_DAY: [Mood; 9] = [
        Mood::Clear,
        Mood::Clear,
        Mood::Fair,
        Mood::Fair,
        Mood::Fair,
        Mood::Grey,
        Mood::Golden,
        Mood::Dusk,
        Mood::Mist,
    ];
}

impl Air {
    /// One of the moods, with its own sun, clouds and haze.
    pub(crate) fn draw(random: &mut Random, moods: &[Mood]) -> Self {
        let mood = random.pick(moods);
        // zenith, horizon, sunlight, skylight, lit cloud, shaded cloud
        let (colours, bright, height, cover, haze) = match mood {
            Mood::Clear => (
                [0x2F66B4, 0xB4D0E8, 0xFFF2DC, 0x9DBDE6, 0xFFFFFF, 0xA9B8CC],
                (2.3, 0.55),
                (0.35, 0.85),
                (0.0, 0.3),
                (0.2, 0.8),
            ),
            Mood::Fair => (
                [0x3B74BE, 0xC3D6E6, 0xFFEFD6, 0xA9C2E2, 0xFFFFFF, 0x8C9AB0],
                (2.1, 0.6),
                (0.35, 0.8),
                (0.42, 0.62),
                (0.3, 1.0),
            ),
            Mood::Grey => (
                [0x8F9BA8, 0xC6CCD2, 0xD9DCE0, 0xC2CAD4, 0xD4D8DC, 0x7A838E],
                (0.5, 0.95),
                (0.4, 0.8),
                (0.7, 1.0),
                (0.4, 1.3),
            ),
            Mood::Golden => (
                [0x4A72AC, 0xF2CFA0, 0xFFB868, 0x8FA3C8, 0xFFE2B8, 0x8A7F92],
                (2.3, 0.5),
                (0.12, 0.26),
                (0.2, 0.55),
                (0.5, 1.4),
            ),
            Mood::Dusk => (
                [0x34406E, 0xF09060, 0xFF8040, 0x6C6A9A, 0xFFA070, 0x54486A],
                (1.3, 0.42),
                (0.03, 0.12),
                (0.3, 0.65),
                (0.5, 1.3),
            ),
            Mood::Mist => (
                [0xA9B7C2, 0xD8DDE0, 0xEADFCB, 0xC4CDD4, 0xE4E6E8, 0xB4BCC4],
                (0.55, 0.85),
                (0.3, 0.6),
                (0.2, 0.9),
                (1.2, 2.4),
            ),
            Mood::Night => (
                [0x0B1024, 0x2A2F4C, 0x8090C0, 0x3A4470, 0x3A3E56, 0x181B2C],
                (0.10, 0.16),
                (0.3, 0.7),
                (0.1, 0.6),
                (0.3, 0.9),
            ),
        };
        let [
            zenith,
            horizon,
            sunlight,
            skylight,
            cloud_light,
            cloud_shade,
        ] = colours.map(|hex| vary(rgb(hex), random, 0.08));
        let up = random.range(height.0, height.1);
        let turn = random.range(-1.0, 1.0) * 2.4;
        let flat = (1.0 - up * up).sqrt();
        Self {
            // In front of the camera at dusk, where the glow is part of the picture; else anywhere.
            sun: match mood {
                Mood::Dusk => vec3(
                    flat * libm::sinf(turn * 0.25),
                    up,
                    flat * libm::cosf(turn * 0.25),
                ),
                _ => vec3(flat * libm::sinf(turn), up, flat * libm::cosf(turn)),
            },
            sunlight: sunlight * bright.0 * random.range(0.85, 1.15),
            skylight: skylight * bright.1 * random.range(0.9, 1.1),
            zenith,
            horizon,
            haze: random.range(haze.0, haze.1) / 9000.0,
            cover: random.range(cover.0, cover.1),
            cloud_size: random.range(0.7, 1.7),
            cloud_light,
            cloud_shade,
            seed: random.bits() as u32 >> 2,
            mood,
        }
    }

    /// The light that comes from a direction of length 1.
    pub(crate) fn sky(&self, towards: Vec3) -> Vec3 {
        let plain = self.glow(towards);
        if self.cover <= 0.02 || towards.y <= 0.005 {
            return plain;
        }
        let p = vec2(towards.x, towards.z) / (towards.y + 0.13) * self.cloud_size;
        let thickness = fbm(p, 5, self.seed) * 0.62 + 0.5 + (self.cover - 0.5);
        let cover = smoothstep(0.5, 0.72, thickness) * smoothstep(0.0, 0.1, towards.y);
        if cover <= 0.0 {
            return plain;
        }
        let towards_sun = vec2(self.sun.x, self.sun.z) * 0.22;
        let behind = fbm(p + towards_sun, 3, self.seed) * 0.62 + 0.5 + (self.cover - 0.5);
        let lit = (0.62 + 1.5 * (thickness - behind) - 0.8 * (thickness - 0.62)).clamp(0.0, 1.0);
        let near_sun = towards.dot(self.sun).max(0.0);
        let light = self.cloud_light * (1.0 + 0.4 * near_sun * near_sun * near_sun);
        plain.lerp(self.cloud_shade.lerp(light, lit), cover)
    }

    /// The sky without its clouds.
    pub(crate) fn glow(&self, towards: Vec3) -> Vec3 {
        let mut light = self.clear(towards);
        let near_sun = towards.dot(self.sun).max(0.0);
        let near64 = power64(near_sun);
        light += self.sunlight * (0.12 * near64);
        if matches!(self.mood, Mood::Golden | Mood::Dusk | Mood::Clear) && near_sun > 0.9994 {
            light += self.sunlight * 2.0;
        }
        light
    }

    /// The sky without clouds and sun: what haze takes its colour from.
    fn clear(&self, towards: Vec3) -> Vec3 {
        let low = (1.0 - towards.y.clamp(0.0, 1.0)).max(0.0);
        let low = low * low;
        let mut light = self.zenith.lerp(self.horizon, low * low);
        let near_sun = towards.dot(self.sun).max(0.0);
        let near2 = near_sun * near_sun;
        let near8 = near2 * near2 * near2 * near2;
        let strength = if self.mood == Mood::Night { 0.2 } else { 0.10 };
        light += self.sunlight * (strength * near8 * low);
        if self.mood == Mood::Dusk {
            light += vec3(0.30, 0.07, 0.02) * (low * low * low * near2);
        }
        light
    }

    /// What is left of `light` after `distance` metres, and the haze that is added.
    pub(crate) fn through(&self, light: Vec3, distance: f32, towards: Vec3) -> Vec3 {
        let rest = libm::expf(-distance * self.haze);
        let level = vec3(towards.x, 0.03, towards.z).normalize_or_zero();
        self.clear(level).lerp(light, rest)
    }

    /// The light on a surface: its normal, and how much of the sun reaches it, 0-1.
    pub(crate) fn on(&self, normal: Vec3, lit: f32) -> Vec3 {
        let sun = normal.dot(self.sun).max(0.0) * lit;
        let sky = 0.62 + 0.38 * normal.y;
        self.sunlight * sun + self.skylight * sky
    }
}

/// The 64th power: a small bright spot.
pub(super) fn power64(x: f32) -> f32 {
    (0..6).fold(x, |x, _| x * x)
}
