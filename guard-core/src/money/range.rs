//! Amounts that are known within bounds, and why they are not exact.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Usd;

/// One reason why an amount is a range and not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u16)]
pub enum Cause {
    /// Billed duration is rounded up to 1 ms per invocation: 0 to 1 ms each, ½ expected.
    MillisecondRounding = 1,
    /// CloudWatch `Duration` leaves the billed INIT phase out; cold starts are estimated.
    InitEstimate = 1 << 1,
    /// Minutes that CloudWatch has not shown yet are extrapolated.
    UnseenMinutes = 1 << 2,
    /// Retries that are certain to be attempted, of uncertain success.
    CommittedRetries = 1 << 3,
    /// A backlog behind a cap, of unknown length.
    DeferredBacklog = 1 << 4,
    /// The price is unknown for the region: the dearest known price is used.
    UnknownPrice = 1 << 5,
    /// The baseline rests on little history.
    ShortHistory = 1 << 6,
    /// Whether the excess lasts or stops is the attacker's choice.
    AttackMayStop = 1 << 7,
    /// Region totals were priced at the mean price of the functions seen last.
    RegionMix = 1 << 8,
    /// Retries and duplicates cannot be distinguished exactly from new events.
    RepeatedWork = 1 << 9,
    /// The part of a duration on provisioned concurrency, at its lower price, is not reported per function.
    ProvisionedShare = 1 << 10,
}

impl Cause {
    pub(super) const ALL: [Cause; 11] = [
        Cause::MillisecondRounding,
        Cause::InitEstimate,
        Cause::UnseenMinutes,
        Cause::CommittedRetries,
        Cause::DeferredBacklog,
        Cause::UnknownPrice,
        Cause::ShortHistory,
        Cause::AttackMayStop,
        Cause::RegionMix,
        Cause::RepeatedWork,
        Cause::ProvisionedShare,
    ];
}

/// A set of [`Cause`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Causes(u16);

impl Causes {
    /// No cause: an exact amount.
    pub const NONE: Causes = Causes(0);

    /// The set of one cause.
    pub const fn of(cause: Cause) -> Self {
        Causes(cause as u16)
    }

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Causes) -> Self {
        Causes(self.0 | other.0)
    }

    /// Whether the cause is in the set.
    pub const fn contains(self, cause: Cause) -> bool {
        self.0 & cause as u16 != 0
    }

    /// The causes in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = Cause> {
        Cause::ALL.into_iter().filter(move |cause| self.contains(*cause))
    }
}

impl FromIterator<Cause> for Causes {
    fn from_iter<I: IntoIterator<Item = Cause>>(causes: I) -> Self {
        causes.into_iter().fold(Causes::NONE, |set, cause| set.and(Causes::of(cause)))
    }
}

impl Serialize for Causes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
impl<'de> Deserialize<'de> for Causes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Cause>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// An amount of money known within bounds: `low ≤ expected ≤ high`, and why they differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsdRange {
    /// The lower bound.
    pub low: Usd,
    /// The best estimate.
    pub expected: Usd,
    /// The upper bound.
    pub high: Usd,
    /// The causes of its width.
    #[serde(default, skip_serializing_if = "is_exact")]
    pub causes: Causes,
}

fn is_exact(causes: &Causes) -> bool {
    *causes == Causes::NONE
}

impl UsdRange {
    /// Exactly zero.
    pub const ZERO: UsdRange =
        UsdRange { low: Usd::ZERO, expected: Usd::ZERO, high: Usd::ZERO, causes: Causes::NONE };

    /// An amount known exactly.
    pub const fn exact(amount: Usd) -> Self {
        UsdRange { low: amount, expected: amount, high: amount, causes: Causes::NONE }
    }

    /// A range with its cause. The three amounts are put in order, so that `low ≤ expected ≤ high` always holds.
    pub fn new(low: Usd, expected: Usd, high: Usd, causes: Causes) -> Self {
        let low = low.min(expected);
        UsdRange { low, expected, high: high.max(expected), causes }
    }

    /// The same range with one more cause.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.causes = self.causes.and(Causes::of(cause));
        self
    }

    /// The same range if starts of environments can have cost this much beyond their part in it.
    #[must_use]
    pub(crate) fn with_starts(self, more: Usd) -> Self {
        if more == Usd::ZERO {
            return self;
        }
        UsdRange { high: (self.high + more).max(self.expected), ..self }.because(Cause::InitEstimate)
    }

    /// Each end times a ratio, rounded up; the ratio must not be negative.
    #[must_use]
    pub fn mul_div_up(self, numerator: i128, denominator: i128) -> Self {
        UsdRange {
            low: self.low.mul_div_up(numerator, denominator),
            expected: self.expected.mul_div_up(numerator, denominator),
            high: self.high.mul_div_up(numerator, denominator),
            causes: self.causes,
        }
    }

    /// Takes a part away that was added before, end by end: the inverse of `+`, not the difference of two
    /// independent ranges.
    #[must_use]
    pub fn minus_posted(self, part: UsdRange) -> Self {
        UsdRange {
            low: self.low - part.low,
            expected: self.expected - part.expected,
            high: self.high - part.high,
            causes: self.causes,
        }
    }
}

impl Add for UsdRange {
    type Output = UsdRange;
    fn add(self, other: UsdRange) -> UsdRange {
        UsdRange {
            low: self.low + other.low,
            expected: self.expected + other.expected,
            high: self.high + other.high,
            causes: self.causes.and(other.causes),
        }
    }
}
impl AddAssign for UsdRange {
    fn add_assign(&mut self, other: UsdRange) {
        *self = *self + other;
    }
}
impl Sum for UsdRange {
    fn sum<I: Iterator<Item = UsdRange>>(amounts: I) -> UsdRange {
        amounts.fold(UsdRange::ZERO, Add::add)
    }
}
impl fmt::Display for UsdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.low == self.high {
            write!(f, "{}", self.expected)
        } else {
            write!(f, "{} [{}–{}]", self.expected, self.low, self.high)
        }
    }
}
