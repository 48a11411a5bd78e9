//! Numbers that are the same for a seed, on any machine and with any version of any library.

/// A stream of random numbers.
///
/// Generated pictures and the order of batches hang on these numbers, and must not change when a
/// dependency does; so the generator is written out here. It is SplitMix64 (Steele, Lea and Flood,
/// "Fast splittable pseudorandom number generators", OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The stream that belongs to a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The stream of one part of a work, for example one picture: its numbers hang on the seed and the
    /// parts alone, not on what was drawn before.
    pub fn of(seed: u64, parts: &[u64]) -> Self {
        let mut state = seed;
        for &part in parts {
            state = mix(state ^ mix(part.wrapping_add(GOLDEN)));
        }
        Self { state }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A whole number from 0 up to `end`, without it; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        // The high half of the product: even up to 2^-64 * end.
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// A number from 0 up to 1, without it. Any of 2^24 values, each exact.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 24) as f32
    }

    /// A number from `low` to `high`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// A number about 0 with standard deviation 1: the sum of twelve uniform ones, so within -6 to 6.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }

    /// One of the items.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Puts the items into random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        // Java: new SplittableRandom(0) draws these, as does splitmix64.c (Vigna).
        let mut random = Random::new(0);
        let drawn = [random.bits(), random.bits(), random.bits()];
        assert_eq!(
            drawn,
            [
                0xE220_A839_7B1D_CDAF,
                0x6E78_9E6A_A1B9_65F4,
                0x06C4_5D18_8009_454F
            ]
        );
    }

    #[test]
    fn numbers_stay_in_their_range_and_fill_it() {
        let mut random = Random::new(3);
        let mut seen = [0; 7];
        for _ in 0..7000 {
            seen[random.below(7)] += 1;
            assert!((-2.0..3.0).contains(&random.range(-2.0, 3.0)));
        }
        assert!(
            seen.iter().all(|&count| (850..1150).contains(&count)),
            "{seen:?}"
        );
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn a_shuffle_keeps_every_item_and_reaches_every_order() {
        let mut orders = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut items = [0, 1, 2, 3];
            Random::new(seed).shuffle(&mut items);
            orders.insert(items);
        }
        assert_eq!(orders.len(), 24);
    }

    #[test]
    fn parts_have_streams_of_their_own() {
        let first = |parts: &[u64]| Random::of(1, parts).bits();
        assert_ne!(first(&[0, 1]), first(&[1, 0]));
        assert_ne!(first(&[0]), first(&[0, 0]));
        assert_eq!(first(&[4, 2]), first(&[4, 2]));
    }
}
