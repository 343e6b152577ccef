//! Random numbers: one stream per concern, all from one seed, so that a change in one concern leaves the others alone.

use rand::Rng;
use rand::SeedableRng;
use rand_distr::{Distribution, Exp1, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::number::as_f64;

/// The purpose of a stream of random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// When events arrive.
    Arrivals,
    /// How rates move.
    Rates,
    /// How long invocations take.
    Durations,
    /// Which of them fail.
    Failures,
    /// Events delivered twice, and events sent on.
    Repeats,
    /// Which of the events that wait together is next.
    Order,
}

/// One stream.
#[derive(Clone, Debug)]
pub struct Dice(Xoshiro256PlusPlus);

/// 2⁻⁵³: the spacing of the numbers of [`Dice::uniform`].
const STEP: f64 = 1.0 / 9_007_199_254_740_992.0;

impl Dice {
    /// The stream of a concern and a subject (a traffic's index, say) under a seed.
    pub fn new(seed: u64, concern: Concern, subject: usize) -> Self {
        let subject = u64::try_from(subject).unwrap_or(u64::MAX);
        // Distinct inputs of the generator's own seeding (SplitMix64): any odd factors would do.
        let mixed = seed
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add((concern as u64).wrapping_mul(0xd1b5_4a32_d192_ed03))
            .wrapping_add(subject.wrapping_mul(0x8cb9_2ba7_2f3d_8dd7));
        Dice(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    /// Uniform from 0 (included) to 1 (not).
    pub fn uniform(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
        let bits = (self.0.next_u64() >> 11) as f64;
        bits * STEP
    }

    /// Uniform over the whole numbers below this one, which stays far below 2⁵³.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and `below`")]
    pub fn below(&mut self, below: u64) -> u64 {
        (self.uniform() * as_f64(below)) as u64
    }

    /// Exponentially distributed with mean 1.
    pub fn exponential(&mut self) -> f64 {
        Exp1.sample(&mut self.0)
    }

    /// Normally distributed with mean 0 and deviation 1.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// Whether something of this probability happens. 0 and 1 use up no random number.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && (probability >= 1.0 || self.uniform() < probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_concern_and_subject_and_repeat_exactly() {
        let first = |seed, concern, subject| Dice::new(seed, concern, subject).uniform().to_bits();
        let base = first(1, Concern::Arrivals, 0);
        assert_eq!(base, first(1, Concern::Arrivals, 0));
        assert_ne!(base, first(2, Concern::Arrivals, 0));
        assert_ne!(base, first(1, Concern::Durations, 0));
        assert_ne!(base, first(1, Concern::Arrivals, 1));
    }
}
