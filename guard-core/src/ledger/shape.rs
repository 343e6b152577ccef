//! The ordinary amounts, hour by hour of a week.

use serde::{Deserialize, Serialize};

use crate::baseline::Profile;
use crate::money::Usd;
use crate::time::{HOURS_PER_WEEK, Hour};

/// The ordinary amount of one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ordinary {
    /// Expected per hour.
    pub expected: Usd,
    /// The upper end of the ordinary range, per hour.
    pub upper: Usd,
    /// Whether it comes from history; otherwise it is the even share of the budget.
    pub known: bool,
}

/// A profile as one week of expectations, so that a forecast of a month is a sum of table entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekShape {
    /// `[hour of week]` → expected, upper. Empty without history.
    hours: Vec<(Usd, Usd)>,
}

impl WeekShape {
    /// The week from `from` on as the profile expects it.
    pub fn of(profile: &Profile, from: Hour) -> Self {
        let mut hours = vec![(Usd::ZERO, Usd::ZERO); HOURS_PER_WEEK];
        for ahead in 0..HOURS_PER_WEEK {
            let hour = from.plus(i64::try_from(ahead).unwrap_or(0));
            let Some(expectation) = profile.expect(hour) else { return WeekShape::default() };
            if let Some(slot) = hours.get_mut(hour.of_week()) {
                *slot = (expectation.expected, expectation.upper);
            }
        }
        WeekShape { hours }
    }

    /// Whether there is no history.
    pub(crate) fn is_empty(&self) -> bool {
        self.hours.is_empty()
    }

    pub(crate) fn at(&self, hour: Hour) -> Option<Ordinary> {
        let index = usize::try_from((hour.0 + EPOCH_HOUR_OF_WEEK).rem_euclid(168)).ok()?;
        self.hours.get(index).map(|(expected, upper)| Ordinary {
            expected: *expected,
            upper: *upper,
            known: true,
        })
    }
}

/// 1970-01-01 was a Thursday: hour 72 of the week.
const EPOCH_HOUR_OF_WEEK: i64 = 72;
