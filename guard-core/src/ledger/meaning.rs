//! The meaning of a book: a book outlives the name of its budget, never its meaning.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::budget::BudgetRule;
use crate::money::Unit;
use crate::policy::Period;

/// The unit that a book counts, the functions it covers, and its periods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meaning {
    /// The functions covered, as [`crate::policy::ScopeMatcher::key`] writes them.
    pub scope: String,
    /// The unit counted.
    pub unit: Unit,
    /// The period.
    pub period: Period,
    /// The time zone in which the period begins.
    pub zone: String,
}

impl Meaning {
    /// The meaning of a budget's book.
    pub fn of(rule: &BudgetRule, zone: Tz) -> Self {
        Meaning {
            scope: rule.matcher.key().to_owned(),
            unit: rule.unit,
            period: rule.period,
            zone: zone.name().to_owned(),
        }
    }

    /// Whether both count the same unit for the same functions, over any periods, so that their hours are equal.
    pub fn counts_the_same(&self, other: &Meaning) -> bool {
        self.scope == other.scope && self.unit == other.unit
    }
}
