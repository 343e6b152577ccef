//! One hour of a profile in four bytes, for any unit: from a micro-dollar to a thousand million invocations.

use crate::money::Usd;

/// Pico-dollars in the unit in which hours are kept: a micro-dollar, or a millionth of an invocation.
const PICOS_PER_UNIT: i128 = 1_000_000;

/// Digits of the number, in bits: up to 2²⁵ units ($33.55, or 33 invocations) an hour is kept to the unit, beyond it to
/// one part in 2²⁴, rounded down. Ten thousand functions added up one after the other are off by 0.06 % at most.
const DIGITS: u32 = 25;

/// Larger amounts are kept as this maximum: $2.3 million million, or as many invocations.
const MOST: u64 = 1 << 61;

/// The mark of an hour: its meaning for other hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mark {
    /// The hour is history.
    #[default]
    Ordinary,
    /// The hour was above the ordinary when it ran.
    Above,
    /// The hour is spend but not history: it belongs to a breach, or is not known in full.
    Excluded,
}

impl Mark {
    /// In two bits.
    const fn bits(self) -> u8 {
        match self {
            Mark::Ordinary => 0,
            Mark::Above => 1,
            Mark::Excluded => 2,
        }
    }

    const fn of(bits: u8) -> Self {
        match bits {
            0 => Mark::Ordinary,
            1 => Mark::Above,
            _ => Mark::Excluded,
        }
    }
}

/// The first bit of the mark, in memory and as it is written.
const MARK: (u32, u32) = (30, 62);

/// The amount of an hour and its mark, or none. 672 of these for each of 10,000 functions are 27 MB; whole numbers of 8
/// bytes would be 54 MB of the guard's 256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hourly(u32);

impl Hourly {
    /// Encodes an amount, to the unit or to the digits kept. A negative amount is zero.
    pub(super) fn of(amount: Usd) -> Self {
        let units = amount.at_least_zero().picos() / PICOS_PER_UNIT;
        Hourly::of_units(u64::try_from(units).unwrap_or(u64::MAX))
    }

    /// The first digits of the number, and above them how far they are moved: a floating point whose first digit is
    /// kept, so that small numbers are their own codes. One more, because zero is no hour.
    fn of_units(units: u64) -> Self {
        let units = units.min(MOST);
        let moved = (u64::BITS - units.leading_zeros()).saturating_sub(DIGITS);
        let digits = u32::try_from(units >> moved).unwrap_or(u32::MAX >> 1);
        Hourly((moved << (DIGITS - 1)) + digits + 1)
    }

    /// The amount in units; `None` if there is no hour.
    pub(super) fn units(self) -> Option<u64> {
        let code = self.code().checked_sub(1)?;
        let moved = (code >> (DIGITS - 1)).saturating_sub(1);
        let digits = code - (moved << (DIGITS - 1));
        Some(u64::from(digits) << moved)
    }

    /// The amount; `None` if there is no hour.
    pub(super) fn amount(self) -> Option<Usd> {
        self.units().map(|units| amount_of(i128::from(units)))
    }

    /// The amount and the digits' place, without the mark.
    fn code(self) -> u32 {
        self.0 & ((1 << MARK.0) - 1)
    }

    /// The same with another mark.
    pub(super) fn marked(self, mark: Mark) -> Self {
        Hourly(self.code() | (u32::from(mark.bits()) << MARK.0))
    }

    /// Its mark.
    pub(super) fn mark(self) -> Mark {
        Mark::of(u8::try_from(self.0 >> MARK.0).unwrap_or_default())
    }

    /// Whether it is an hour that is history, now or once it is no longer provisional.
    pub(super) fn is_present(self) -> bool {
        self.0 > 0 && self.mark() != Mark::Excluded
    }
}

/// So many units.
pub(super) fn amount_of(units: i128) -> Usd {
    Usd::from_picos(units * PICOS_PER_UNIT)
}

/// The serialised form: units + 1 and the mark, 0 if there is no hour.
impl From<Hourly> for u64 {
    fn from(hourly: Hourly) -> u64 {
        let mark = u64::from(hourly.mark().bits()) << MARK.1;
        hourly.units().map_or(0, |units| (units + 1) | mark)
    }
}

impl From<u64> for Hourly {
    fn from(written: u64) -> Self {
        let mark = Mark::of(u8::try_from(written >> MARK.1).unwrap_or_default());
        let units = (written & ((1 << MARK.1) - 1)).checked_sub(1);
        units.map_or(Hourly::default(), |units| Hourly::of_units(units).marked(mark))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_amounts_are_kept_to_the_unit_and_nothing_is_lost_beyond_the_old_scale() {
        for units in [0, 1, 127, 4_294_967, (1 << 25) - 1, 1 << 25, MOST] {
            assert_eq!(Hourly::of_units(units).units(), Some(units));
        }
        assert_eq!(Hourly::of_units((1 << 25) + 1).units(), Some(1 << 25));
        assert_eq!(Hourly::of(Usd::MAX).units(), Some(MOST));
        assert_eq!(Hourly::of(Usd::from_picos(-1)).units(), Some(0));
        assert_eq!((Hourly::default().units(), Hourly::default().is_present()), (None, false));
    }

    proptest! {
        #[test]
        fn an_hour_is_kept_to_a_part_in_sixteen_million_in_order_and_as_it_was_written(
            (a, b, bits, mark) in (any::<u64>(), any::<u64>(), 1_u32..64, 0_u8..3),
        ) {
            let (a, b) = ((a >> bits).min(MOST), (b >> bits).min(MOST));
            let hourly = Hourly::of_units(a);
            let kept = hourly.units().unwrap();
            prop_assert!(kept <= a && a - kept <= a >> (DIGITS - 1));
            prop_assert_eq!(hourly.0 <= Hourly::of_units(b).0, kept <= Hourly::of_units(b).units().unwrap());
            prop_assert_eq!(hourly.mark(), Mark::Ordinary);
            let hourly = hourly.marked(Mark::of(mark));
            prop_assert_eq!((hourly.mark(), hourly.units()), (Mark::of(mark), Some(kept)));
            prop_assert_eq!(hourly.is_present(), mark < 2);
            prop_assert_eq!(Hourly::from(u64::from(hourly)), hourly);
        }
    }
}
