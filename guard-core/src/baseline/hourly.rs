//! One hour of a profile in four bytes, whatever is counted: a micro-dollar or a thousand million invocations.

use crate::money::Usd;

/// Pico-dollars in the unit in which hours are kept: a micro-dollar, or a millionth of an invocation.
const PICOS_PER_UNIT: i128 = 1_000_000;

/// Digits of the number, in bits: up to 2²⁶ units ($67.10, or 67 invocations) an hour is kept to the unit, beyond it to
/// one part in 2²⁵, rounded down. Ten thousand functions added up one after the other are off by 0.03 % at most.
const DIGITS: u32 = 26;

/// More is kept as so much: $4.6 million million, or as many invocations.
const MOST: u64 = 1 << 62;

/// Says that the hour was above the ordinary when it ran.
const ABOVE: u32 = 1 << 31;

/// The same as it is written.
const ABOVE_WRITTEN: u64 = 1 << 63;

/// The amount of an hour, and whether it was above the ordinary when it ran; or none. 672 of these for each of 10,000 functions are 27 MB;
/// whole numbers of 8 bytes would be 54 MB of the guard's 256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hourly(u32);

impl Hourly {
    /// Of an amount, to the unit or the digits. Less than nothing is nothing.
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

    /// The amount in units; `None` where there is no hour.
    pub(super) fn units(self) -> Option<u64> {
        let code = (self.0 & !ABOVE).checked_sub(1)?;
        let moved = (code >> (DIGITS - 1)).saturating_sub(1);
        let digits = code - (moved << (DIGITS - 1));
        Some(u64::from(digits) << moved)
    }

    /// The amount; `None` where there is no hour.
    pub(super) fn amount(self) -> Option<Usd> {
        self.units().map(|units| amount_of(i128::from(units)))
    }

    /// The same, marked as above the ordinary or not.
    pub(super) fn marked(self, is_above: bool) -> Self {
        if is_above { Hourly(self.0 | ABOVE) } else { self }
    }

    /// Whether it was above the ordinary when it ran.
    pub(super) fn is_above(self) -> bool {
        self.0 & ABOVE > 0
    }

    /// Whether there is an hour.
    pub(super) fn is_present(self) -> bool {
        self.0 > 0
    }
}

/// So many units.
pub(super) fn amount_of(units: i128) -> Usd {
    Usd::from_picos(units * PICOS_PER_UNIT)
}

/// As it is written: units + 1 and the mark, 0 where there is no hour.
impl From<Hourly> for u64 {
    fn from(hourly: Hourly) -> u64 {
        let mark = if hourly.is_above() { ABOVE_WRITTEN } else { 0 };
        hourly.units().map_or(0, |units| (units + 1) | mark)
    }
}

impl From<u64> for Hourly {
    fn from(written: u64) -> Self {
        let is_above = written & ABOVE_WRITTEN > 0;
        let units = (written & !ABOVE_WRITTEN).checked_sub(1);
        units.map_or(Hourly::default(), |units| Hourly::of_units(units).marked(is_above))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_amounts_are_kept_to_the_unit_and_nothing_is_lost_beyond_the_old_scale() {
        for units in [0, 1, 127, 4_294_967, (1 << 26) - 1, 1 << 26, MOST] {
            assert_eq!(Hourly::of_units(units).units(), Some(units));
        }
        assert_eq!(Hourly::of_units((1 << 26) + 1).units(), Some(1 << 26));
        assert_eq!(Hourly::of(Usd::MAX).units(), Some(MOST));
        assert_eq!(Hourly::of(Usd::from_picos(-1)).units(), Some(0));
        assert_eq!((Hourly::default().units(), Hourly::default().is_present()), (None, false));
    }

    proptest! {
        #[test]
        fn an_hour_is_kept_to_a_part_in_thirty_million_in_order_and_as_it_was_written(
            (a, b, bits, is_above) in (any::<u64>(), any::<u64>(), 1_u32..64, any::<bool>()),
        ) {
            let (a, b) = ((a >> bits).min(MOST), (b >> bits).min(MOST));
            let hourly = Hourly::of_units(a);
            let kept = hourly.units().unwrap();
            prop_assert!(kept <= a && a - kept <= a >> (DIGITS - 1));
            prop_assert_eq!(hourly.0 <= Hourly::of_units(b).0, kept <= Hourly::of_units(b).units().unwrap());
            prop_assert!(!hourly.is_above());
            let hourly = hourly.marked(is_above);
            prop_assert_eq!((hourly.is_above(), hourly.units()), (is_above, Some(kept)));
            prop_assert_eq!(Hourly::from(u64::from(hourly)), hourly);
        }
    }
}
