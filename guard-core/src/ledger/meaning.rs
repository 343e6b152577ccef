//! What a book is a book of: a book outlives the name of its budget, never its meaning.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::budget::BudgetRule;
use crate::money::Unit;
use crate::policy::Period;

/// What a book counts, of which functions, and from when to when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meaning {
    /// The functions covered, as [`crate::policy::ScopeMatcher::key`] writes them.
    pub scope: String,
    /// What is counted.
    pub unit: Unit,
    /// The period.
    pub period: Period,
    /// The time zone in which the period begins.
    pub zone: String,
}

impl Meaning {
    /// What the book of a budget means.
    pub fn of(rule: &BudgetRule, zone: Tz) -> Self {
        Meaning {
            scope: rule.matcher.key().to_owned(),
            unit: rule.unit,
            period: rule.period,
            zone: zone.name().to_owned(),
        }
    }

    /// Whether both count the same of the same functions, over whatever periods: an hour of one is an hour of the other.
    pub fn counts_the_same(&self, other: &Meaning) -> bool {
        self.scope == other.scope && self.unit == other.unit
    }
}
