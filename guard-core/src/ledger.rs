//! Double-entry book of spend: every observed minute of a function is posted once to each budget that covers it, and a
//! minute seen again posts the difference. Sums of postings are exact, so parts add up to the whole.

mod book;
mod course;
pub(crate) mod entry;
mod habit;
mod incident;
mod meaning;
mod region;
pub(crate) mod rows;
mod shape;
pub(crate) mod standing;
pub(crate) mod unlooked;

use std::collections::VecDeque;

use chrono::Datelike;
use serde::{Deserialize, Serialize};

pub(crate) use self::book::Entry;
pub(crate) use self::book::rebuild::{KnownHour, first_whole_hour};
pub use self::book::{BudgetLedger, Ring};
pub use self::incident::{Incident, Tolerated};
pub use self::meaning::Meaning;
pub use self::region::{Attributed, RegionLedger};
pub(crate) use self::region::{Rates, Rest};
pub use self::shape::{Ordinary, WeekShape};
use crate::baseline::Profile;
use crate::inventory::Architecture;
use crate::money::{Usd, UsdRange};
use crate::name::FunctionName;
use crate::observation::{Observation, Point};
use crate::starts::Starts;
use crate::time::{Hour, Minute};

/// The posting for one minute (or hour) of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// The point as seen last.
    pub point: Point,
    /// Its cost in the region's currency.
    pub cost: UsdRange,
    /// The part of it that was repeated work.
    pub repeated: UsdRange,
    /// The allowance for starts of environments in its upper end, beyond the one always in the unit cost.
    #[serde(default, skip_serializing_if = "is_default")]
    pub starts: Usd,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
    /// The first and the last minute of the newest range that was looked at without a gap.
    pub covered: Option<(Minute, Minute)>,
    /// Hours up to here are in the profile and change no more.
    pub settled_through: Option<Hour>,
    /// Its ordinary use.
    pub profile: Profile,
    /// The last minute in which it had an invocation.
    pub last_invoked: Option<Minute>,
    /// The minute up to which its durations are known from glances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glanced: Option<Minute>,
    /// The hourly cost of its busy time at the last look; older looks fade over hours.
    #[serde(default)]
    pub burn: Usd,
    /// The minutes whose starts of environments are counted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub starts: Starts,
}

impl FunctionLedger {
    /// Parses books from a JSON array. The function is in the core so that it is optimised for speed even if the caller
    /// is optimised for size: thousands of books take up most of a cold start.
    ///
    /// # Errors
    /// If the text is not JSON, or not an array of books.
    pub fn read_all(json: &[u8]) -> Result<Vec<Self>, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// An empty book.
    pub fn new(name: FunctionName) -> Self {
        FunctionLedger {
            name,
            minutes: VecDeque::new(),
            hours: VecDeque::new(),
            covered: None,
            settled_through: None,
            profile: Profile::default(),
            last_invoked: None,
            glanced: None,
            burn: Usd::ZERO,
            starts: Starts::default(),
        }
    }

    /// The newest minute up to which its durations are known.
    pub(crate) fn looked_until(&self) -> Option<Minute> {
        self.glanced.max(self.covered.map(|(_, until)| until))
    }

    /// Learns the cost of the given minutes' busy time.
    pub(crate) fn learn_burn(&mut self, cost: Usd, minutes: i64) {
        let minutes = i128::from(minutes.max(1));
        let change = cost.mul_div_up(60, minutes) - self.burn;
        self.burn = (self.burn + change.mul_div_up(minutes, minutes + BURN_FADES_MIN)).at_least_zero();
    }

    /// The amount of a settled hour, in the region's currency; `None` if it is not known any more, or not yet.
    pub(crate) fn of_settled_hour(&self, hour: Hour) -> Option<Usd> {
        self.profile.amount(hour)
    }

    /// The first minute that may still be posted: points of the window change, and minutes between it and the last look
    /// were never seen, because the guard was down or blind or had no reason to look.
    pub(crate) fn open_from(&self, now: Minute, window_min: i64) -> Minute {
        let window = now.plus(-window_min.max(BURN_MINUTES + 5));
        let looked = self.covered.map(|(_, until)| until).or(self.glanced);
        let unseen = looked.map_or(now.plus(-CATCH_UP_MIN), |until| until.plus(1));
        window.min(unseen.max(now.plus(-CATCH_UP_MIN)))
    }

    /// The same for a glance: minutes never looked at are caught up on as far as possible.
    pub(crate) fn glance_from(&self, now: Minute, window_min: i64) -> Minute {
        let window = now.plus(-window_min.max(BURN_MINUTES + 5));
        let unseen = self.looked_until().map_or(now.plus(-CATCH_UP_MIN), |until| until.plus(1));
        window.min(unseen.max(now.plus(-CATCH_UP_MIN)))
    }
}

/// Minutes over which the current burn is measured.
pub const BURN_MINUTES: i64 = 5;

/// Minutes after which half of a function's estimated burn is newer. Our choice: three hours forget a burst, and keep
/// the effect of the time of day.
const BURN_FADES_MIN: i128 = 180;

/// The most minutes caught up on: as many as budgets remember minute by minute. Older ones wait for the census.
pub(crate) const CATCH_UP_MIN: i64 = 6 * 60;

/// GB-seconds used in the month, by architecture, in MB·µs: decides the volume tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meters {
    /// The month that is metered, as year × 12 + month − 1, in UTC as AWS bills.
    pub month: i32,
    /// x86-64.
    pub x86_64_mb_us: i128,
    /// Arm.
    pub arm64_mb_us: i128,
    /// The part of it that the free tier covers: functions without provisioned concurrency.
    pub free: FreeUsage,
}

/// Usage of the month to which the free tier applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreeUsage {
    /// Requests.
    pub requests: i128,
    /// x86-64, in MB·µs.
    pub x86_64_mb_us: i128,
    /// Arm, in MB·µs.
    pub arm64_mb_us: i128,
}

impl Meters {
    /// GB-seconds of the month so far, in MB·µs.
    pub fn of(&self, architecture: Architecture) -> i128 {
        match architecture {
            Architecture::X86_64 => self.x86_64_mb_us,
            Architecture::Arm64 => self.arm64_mb_us,
        }
    }

    /// See [`Meters::of`].
    pub(crate) fn of_mut(&mut self, architecture: Architecture) -> &mut i128 {
        match architecture {
            Architecture::X86_64 => &mut self.x86_64_mb_us,
            Architecture::Arm64 => &mut self.arm64_mb_us,
        }
    }

    /// Starts again if the look falls into another month.
    pub(crate) fn turn_month(&mut self, seen: &Observation) {
        let month = seen.at.year() * 12 + i32::try_from(seen.at.month0()).unwrap_or(0);
        if self.month != month {
            *self = Meters { month, ..Meters::default() };
        }
    }
}
