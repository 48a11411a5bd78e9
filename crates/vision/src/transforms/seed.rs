//! Random numbers that are the same everywhere: [`Seed`] and [`Rng`].
//!
//! Number `n` of a stream is a hash of the stream's seed and `n` alone (SplitMix64, Steele, Lea and Flood 2014,
//! which is Java's `SplittableRandom`), so what a picture gets does not depend on which thread treats it, or
//! after which other. Logarithms and cosines come from the crate `libm`, written in Rust, and not from the
//! system's mathematics library, whose last digit differs from machine to machine.

/// The weight of a stream's counter: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Where a stream of random numbers begins.
///
/// Made from any whole number. [`at`](Self::at) gives the seeds below it, so that a data set needs one seed:
///
/// ```
/// use vision::transforms::Seed;
/// let (epoch, picture) = (3, 1207);
/// let seed = Seed::new(42).at(epoch).at(picture);
/// assert_eq!(seed, Seed::new(42).at(3).at(1207));
/// assert_ne!(seed, Seed::new(42).at(1207).at(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seed(u64);

impl Seed {
    /// The seed of this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The seed of part `index` of what this one is for: an epoch, a picture, a worker.
    #[must_use]
    pub const fn at(self, index: u64) -> Self {
        Self(mix(mix(self.0 ^ GOLDEN).wrapping_add(mix(index))))
    }

    /// The number itself.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl From<u64> for Seed {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<u32> for Seed {
    fn from(number: u32) -> Self {
        Self(number.into())
    }
}

impl From<usize> for Seed {
    fn from(number: usize) -> Self {
        Self(number as u64)
    }
}

/// What a plain literal is.
impl From<i32> for Seed {
    fn from(number: i32) -> Self {
        Self(i64::from(number) as u64)
    }
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Rng {
    key: u64,
    count: u64,
}

impl Rng {
    /// The stream that begins at `seed`.
    pub fn new(seed: impl Into<Seed>) -> Self {
        Self {
            key: seed.into().0,
            count: 0,
        }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.count = self.count.wrapping_add(1);
        mix(self.key.wrapping_add(self.count.wrapping_mul(GOLDEN)))
    }

    /// A seed for a stream of its own.
    pub fn seed(&mut self) -> Seed {
        Seed(self.bits())
    }

    /// A number from `low` up to but not including `high`; `low` itself when both are equal.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        // 53 bits are what the fraction of an f64 holds.
        let unit = (self.bits() >> 11) as f64 / (1u64 << 53) as f64;
        low + (high - low) * unit
    }

    /// A whole number from 0 up to but not including `count`; 0 when `count` is 0.
    pub fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(count)) >> 64) as u64
    }

    /// A whole number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low).max(0) as u64 + 1) as i64
    }

    /// True with probability `p`, 0-1.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform(0.0, 1.0) < p
    }

    /// A number of the normal distribution of mean 0 and standard deviation 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.uniform(0.0, 1.0))).sqrt();
        radius * libm::cos(self.uniform(0.0, std::f64::consts::TAU))
    }

    /// A number of the gamma distribution of this shape and scale 1 (Marsaglia and Tsang 2000).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let lift = libm::pow(1.0 - self.uniform(0.0, 1.0), 1.0 / shape);
            return self.gamma(shape + 1.0) * lift;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x) * (1.0 + c * x) * (1.0 + c * x);
            let u = 1.0 - self.uniform(0.0, 1.0);
            if v > 0.0 && libm::log(u) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    /// Shares of 1, as many as asked for, of the symmetric Dirichlet distribution.
    pub fn dirichlet(&mut self, alpha: f64, count: usize) -> Vec<f64> {
        let parts: Vec<f64> = (0..count).map(|_| self.gamma(alpha)).collect();
        let sum: f64 = parts.iter().sum();
        // Very small alphas can round every part to zero; then one takes all.
        if sum > 0.0 {
            return parts.iter().map(|part| part / sum).collect();
        }
        let winner = self.below(count as u64) as usize;
        (0..count)
            .map(|part| f64::from(u8::from(part == winner)))
            .collect()
    }

    /// A number of the distribution Beta(alpha, alpha), in 0-1.
    pub fn beta(&mut self, alpha: f64) -> f64 {
        self.dirichlet(alpha, 2)[0]
    }
}

/// SplitMix64's finaliser: every bit of the result depends on every bit of `z`.
pub(crate) const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_splitmix64() {
        // The first numbers of java.util.SplittableRandom(1234567), as its users compare them.
        let mut rng = Rng::new(1234567);
        let expected = [
            6457827717110365317,
            3203168211198807973,
            9817491932198370423,
            4593380528125082431,
            16408922859458223821,
        ];
        assert_eq!(expected.map(|_| rng.bits()), expected);
    }

    #[test]
    fn seeds_below_a_seed_differ() {
        let mut seeds = std::collections::HashSet::new();
        for root in 0..8 {
            for epoch in 0..8 {
                for picture in 0..200 {
                    seeds.insert(Seed::new(root).at(epoch).at(picture));
                }
            }
        }
        assert_eq!(seeds.len(), 8 * 8 * 200);
    }

    /// Mean and variance of many draws.
    fn moments(mut draw: impl FnMut(&mut Rng) -> f64) -> (f64, f64) {
        let mut rng = Rng::new(5);
        let values: Vec<f64> = (0..40_000).map(|_| draw(&mut rng)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        (mean, squares / values.len() as f64)
    }

    #[test]
    fn draws_follow_their_distributions() {
        // Means and variances from any table of distributions; four standard errors are allowed.
        let close = |(mean, variance): (f64, f64), expected: (f64, f64)| {
            assert!((mean - expected.0).abs() < 0.03, "{mean} {expected:?}");
            assert!(
                (variance - expected.1).abs() < 0.06 * expected.1,
                "{variance} {expected:?}"
            );
        };
        close(moments(|rng| rng.uniform(2.0, 4.0)), (3.0, 1.0 / 3.0));
        close(moments(|rng| rng.below(7) as f64), (3.0, 4.0));
        close(moments(|rng| rng.between(-1, 1) as f64), (0.0, 2.0 / 3.0));
        close(moments(Rng::normal), (0.0, 1.0));
        close(moments(|rng| rng.gamma(2.5)), (2.5, 2.5));
        close(moments(|rng| rng.gamma(0.5)), (0.5, 0.5));
        close(moments(|rng| rng.beta(0.4)), (0.5, 0.25 / 1.8));
        close(
            moments(|rng| rng.dirichlet(1.0, 3)[2]),
            (1.0 / 3.0, 1.0 / 18.0),
        );
    }
}
