//! Double-entry book of spend: every minute seen of a function is posted once to each budget that covers it, and
//! a minute seen again posts the difference. Sums of postings are exact, so parts add up to the whole.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::baseline::Profile;
use crate::money::{Usd, UsdRange};
use crate::name::FunctionName;
use crate::observation::Point;
use crate::time::{Hour, Minute};

/// What was posted for one minute of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// The point as seen last.
    pub point: Point,
    /// Its cost in the region's currency.
    pub cost: UsdRange,
    /// The part of it that was repeated work.
    pub repeated: UsdRange,
}

/// The book of one function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionLedger {
    /// The function.
    pub name: FunctionName,
    /// Postings that can still change, ascending.
    pub minutes: VecDeque<(Minute, Posted)>,
    /// Totals of the latest hours, ascending: a census posts the difference to them.
    pub hours: VecDeque<(Hour, Posted)>,
    /// What is ordinary for it.
    pub profile: Profile,
    /// When it last had an invocation.
    pub last_invoked: Option<Minute>,
}

/// The book of one budget in its current period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetLedger {
    /// Start of the period.
    pub period_start: DateTime<Utc>,
    /// End of the period.
    pub period_end: DateTime<Utc>,
    /// Posted in this period.
    pub spent: UsdRange,
    /// Part of it that was repeated work.
    pub repeated: UsdRange,
    /// Part of it that no function explains.
    pub unattributed: UsdRange,
    /// Expected amounts of the latest minutes.
    pub minutes: Ring,
    /// Expected amounts of the latest hours.
    pub hours: Ring,
    /// What is ordinary for it, in its own unit per hour.
    pub profile: Profile,
}

/// Amounts of the latest minutes (or hours) in a row, newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// The number of the newest slot.
    newest: i64,
    /// Amounts, oldest first.
    amounts: VecDeque<Usd>,
}

/// GB-seconds used in the month, by architecture, in MB·µs: decides the volume tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meters {
    /// First minute of the month that is metered.
    pub month_start: Option<Minute>,
    /// x86-64.
    pub x86_64_mb_us: i128,
    /// Arm.
    pub arm64_mb_us: i128,
}

/// The region's totals, of which functions explain a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionLedger {
    /// What the functions posted for each of the latest minutes.
    pub attributed: VecDeque<(Minute, Point)>,
    /// The remainder, posted as if it were a function.
    pub remainder: VecDeque<(Minute, Posted)>,
    /// Memory in MB of the mean microsecond of duration that functions posted lately.
    pub mean_memory_mb: u32,
}
