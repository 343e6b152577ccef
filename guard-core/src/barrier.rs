//! The barrier of a guarantee: ceilings under which no usage can cross a budget's line, and which always leave a valid
//! choice at the next look.
//!
//! A bound once proved stays proved. Each look carries over the most that can have been spent by then: the lower of two
//! bounds. One is the known spend plus what the ceilings since can have cost; the other is the last such bound plus
//! what the ceilings since the last look can have cost. Ceilings are chosen so that everything may still be lowered to
//! its minimum, with a reserve, so one step is enough at every later look: see [`Scope::decide`].

mod choice;
mod history;
mod promise;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::money::Usd;

pub use history::{History, area};

/// Ticks of full use in reserve: h = ρ ÷ (1 − ρ) with ρ = 0.9. A ceiling a tenth lower then fits at the next look
/// whatever the usage was: ρ · 1 + ρ · h ≤ h.
pub const RESERVE_TICKS: u64 = 9;

/// Ticks for which a ceiling stays at full use after a change: 12 changes an hour at a tick a minute. The step is then
/// at most 9 ÷ (1 + 9 + 5) = 0.6.
pub const STANDING_TICKS: u64 = 5;

/// Ticks after a change before anything is loosened. Our choice: twice as long as a ceiling stands.
pub const LOOSEN_AFTER_TICKS: i64 = 10;

/// The state of a guarantee that is carried from look to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The period it belongs to.
    pub period_start: DateTime<Utc>,
    /// The promised amount.
    pub amount: Usd,
    /// The time of the look that last updated it.
    pub at: DateTime<Utc>,
    /// The most that can have been spent in the period by then.
    pub spent: Usd,
    /// An upper bound of the known spend.
    pub known: Usd,
    /// Whether the promise holds.
    pub promise: Promise,
    /// When a ceiling was changed last.
    pub changed_at: Option<DateTime<Utc>>,
    /// The highest cost per second that the pool can have had, at the price of its dearest function.
    pub pool: History<Usd>,
}

/// Whether the promise of a guarantee holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Promise {
    /// It begins once the effects of earlier ceilings are known or over.
    Pending,
    /// The line is not passed while the assumptions hold.
    Kept,
    /// It cannot be given: the costs that cannot be lowered to zero may exceed the amount.
    Refused {
        /// Known spend plus the costs that cannot be lowered to zero until the period ends.
        least: Usd,
    },
    /// An assumption did not hold: a look came late, a command had no effect, or ceilings were overspent.
    Broken,
}

/// One function as the barrier sees it. Instants are seconds since the epoch.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The cost per second of one unit of its concurrency at worst.
    pub worst: Usd,
    /// Its time-out in seconds.
    pub timeout_s: u32,
    /// Invocations that began before this instant and have ended are visible in the metrics.
    pub seen_until: i64,
    /// Its recent ceilings; 0 while it was in the pool.
    pub history: &'a History<u32>,
    /// The ceiling in force; `None` in the pool.
    pub now: Option<u32>,
    /// The ceiling wanted without a barrier.
    pub wanted: Option<u32>,
    /// The lowest ceiling that can be set.
    pub least: u32,
    /// Until when the lowest ceiling counts: the end of the period, or the next looks if it may change by then.
    pub least_until: i64,
    /// Whether it must not be changed.
    pub is_fixed: bool,
    /// Whether its ceiling may be raised: it has been looked at.
    pub is_seen: bool,
    /// Its ordinary concurrency.
    pub need: u32,
    /// The concurrency that it has recently needed, at least one.
    pub demand: u32,
}

/// The input to the barrier's decision for one budget. Instants are seconds since the epoch.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// The functions that the budget covers.
    pub functions: Vec<Subject<'a>>,
    /// The cost per second that the pool can have had.
    pub pool: &'a History<Usd>,
    /// The highest cost per second of the pool when it holds only the functions that cannot leave it.
    pub pool_least: Usd,
    /// The concurrency of the pool.
    pub pool_units: u32,
    /// The most that the movable functions can reserve together.
    pub room: u32,
    /// The budget's amount, less the costs until the period ends that no lever can avoid.
    pub amount: Usd,
    /// The most that can have been spent in the period so far.
    pub spent: Usd,
    /// An upper bound of the known spend.
    pub known: Usd,
    /// The time of the look.
    pub at: i64,
    /// Start of the period.
    pub period_start: i64,
    /// Seconds between two looks, as assumed.
    pub tick_s: i64,
    /// Seconds until the next look: as assumed, or the seconds since the last one.
    pub next_s: i64,
    /// Seconds from a command to its effect.
    pub actuation_s: i64,
    /// Changes that a tick may make.
    pub actions: usize,
}

/// Ceilings in the order of [`Scope::functions`]; `None` leaves a function in the pool.
pub type Ceilings = Vec<Option<u32>>;

impl Subject<'_> {
    /// Whether it is in the pool and stays there.
    fn is_stuck(&self) -> bool {
        self.is_fixed && self.now.is_none()
    }

    /// Everything that may have run before is visible.
    fn hidden_from(&self) -> i64 {
        self.seen_until - i64::from(self.timeout_s)
    }
}

impl<'a> Scope<'a> {
    /// The ceilings in force.
    pub fn now(&self) -> Ceilings {
        self.functions.iter().map(|function| function.now).collect()
    }

    /// The lowest ceilings that can be set.
    pub fn least(&self) -> Ceilings {
        let least =
            |function: &Subject<'_>| if function.is_fixed { function.now } else { Some(function.least) };
        self.functions.iter().map(least).collect()
    }

    /// The highest cost, from the given instants until now, that the ceilings in force can have allowed.
    fn run(&self, from: impl Fn(&Subject<'a>) -> i64) -> Usd {
        let units = |function: &Subject<'a>| {
            area(function.history, &[], self.hold_s(function), (from(function), self.at))
        };
        let functions: Usd = self.functions.iter().map(|function| function.worst * units(function)).sum();
        let pool_from = self.functions.iter().map(&from).min().unwrap_or(self.at);
        functions + Usd::from_picos(area(self.pool, &[], self.pool_hold_s(), (pool_from, self.at)))
    }

    /// An upper bound of the period's cost if these ceilings are set now and the next look starts lowering everything
    /// to its minimum, plus the given number of ticks at full use.
    pub fn proved(&self, to: &[Option<u32>], reserve_ticks: u64) -> Usd {
        let stops = self.stops(to);
        let reserve_s = self.ticks(reserve_ticks);
        let mut sum = self.spent;
        for ((function, to), stop) in self.functions.iter().zip(to).zip(&stops.functions) {
            let (to, hold_s) = (to.unwrap_or(0), self.hold_s(function));
            let least = function.least.min(to);
            // Anything that begins after the period belongs to the next period.
            let stop = if function.least_until > self.at { stop.min(&function.least_until) } else { stop };
            let end = function.least_until.max(*stop) + hold_s;
            let ahead = [(self.at, to), (*stop, least), (end, 0)];
            let units = area(function.history, &ahead, hold_s, (self.at, end));
            sum += function.worst * (units + i128::from(to - least) * i128::from(reserve_s));
        }
        let hold_s = self.pool_hold_s();
        let end = self.pool_least_until().max(stops.pool + hold_s);
        let rate = self.pool_rate(to);
        let ahead = [(self.at, rate), (stops.pool, self.pool_least), (end, Usd::ZERO)];
        // A pool in which no function stays keeps its former cost until the last function has left it.
        let ahead = if stops.stay > 0 { &ahead[..] } else { &ahead[1..] };
        sum += Usd::from_picos(area(self.pool, ahead, hold_s, (self.at, end)));
        if stops.stay > 0 { sum + (rate - self.pool_least) * i128::from(reserve_s) } else { sum }
    }

    /// The same bound as if these ceilings had been in force for as long as spend can stay hidden.
    pub fn steady(&self, to: &[Option<u32>], reserve_ticks: u64) -> Usd {
        let stops = self.stops(to);
        let reserve_s = self.ticks(reserve_ticks);
        let mut sum = self.known;
        for ((function, to), stop) in self.functions.iter().zip(to).zip(&stops.functions) {
            let Some(to) = to else { continue };
            let end = stop + self.hold_s(function);
            let least_s = function.least_until.max(end) - function.hidden_from();
            let above_s = end + reserve_s - function.hidden_from();
            let least = function.least.min(*to);
            let seconds = i128::from(to - least) * i128::from(above_s);
            sum += function.worst * (seconds + i128::from(least) * i128::from(least_s));
        }
        // As in `proved`: a function that was in the pool a moment ago counts as long as the functions that stay in it.
        let from = self.functions.iter().map(Subject::hidden_from).min().unwrap_or(self.at);
        let end = stops.pool + self.pool_hold_s();
        let above = self.pool_rate(to) - self.pool_least;
        let least_s = self.pool_least_until().max(end) - from;
        sum + above * i128::from(end + reserve_s - from) + self.pool_least * i128::from(least_s)
    }

    /// Known spend plus the costs that cannot be lowered to zero until the period ends.
    pub fn least_cost(&self) -> Usd {
        let seconds = |until: i64| i128::from((until - self.at).max(0));
        let movable = self.functions.iter().filter(|function| !function.is_stuck());
        let least: Usd = movable
            .map(|function| function.worst * i128::from(function.least) * seconds(function.least_until))
            .sum();
        self.known + least + self.pool_least * seconds(self.pool_least_until())
    }

    /// Seconds for which a function's old ceiling still admits work after a new one was commanded.
    fn hold_s(&self, function: &Subject<'_>) -> i64 {
        self.actuation_s + i64::from(function.timeout_s)
    }

    fn pool_hold_s(&self) -> i64 {
        self.functions.iter().map(|function| self.hold_s(function)).max().unwrap_or(0)
    }

    /// The highest cost per second of the pool with the functions that stay in it.
    fn pool_rate(&self, to: &[Option<u32>]) -> Usd {
        let staying = self.functions.iter().zip(to).filter(|(_, to)| to.is_none());
        let dearest = staying.map(|(function, _)| function.worst).max().unwrap_or(Usd::ZERO);
        (dearest * i128::from(self.pool_units)).max(self.pool_least)
    }

    fn pool_least_until(&self) -> i64 {
        let stuck = self.functions.iter().filter(|function| function.is_stuck());
        stuck.map(|function| function.least_until).max().unwrap_or(self.at)
    }

    fn ticks(&self, ticks: u64) -> i64 {
        i64::try_from(ticks).unwrap_or(i64::MAX).saturating_mul(self.tick_s)
    }

    /// When everything is at its minimum if the next look starts lowering it: a limited number of changes per tick, the
    /// functions in the pool first, then the dearest.
    fn stops(&self, to: &[Option<u32>]) -> Stops {
        let next = self.at + self.next_s;
        let delay = |place: usize| self.ticks(u64::try_from(place / self.actions.max(1)).unwrap_or(u64::MAX));
        let movable = || self.functions.iter().zip(to).filter(|(function, _)| !function.is_fixed);
        let stay = movable().filter(|(_, to)| to.is_none()).count();
        let leave = movable().filter(|(function, to)| function.now.is_none() && to.is_some()).count();
        let mut dear: Vec<(Usd, usize)> = Vec::new();
        for (index, (function, to)) in self.functions.iter().zip(to).enumerate() {
            let above = to.map_or(0, |to| to.saturating_sub(function.least));
            if above > 0 && !function.is_fixed {
                dear.push((function.worst * i128::from(above), index));
            }
        }
        dear.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut functions = vec![next; self.functions.len()];
        for (place, (_, index)) in dear.into_iter().enumerate() {
            if let Some(stop) = functions.get_mut(index) {
                *stop = next + delay(stay + place);
            }
        }
        // The pool is empty once the last function has a ceiling of its own.
        let pool = match (stay, leave) {
            (0, 0) => self.at,
            (0, leave) => self.at + delay(leave - 1),
            (stay, _) => next + delay(stay - 1),
        };
        Stops { functions, pool, stay }
    }
}

/// When each function is at its minimum.
struct Stops {
    functions: Vec<i64>,
    pool: i64,
    /// Functions that stay in the pool until then.
    stay: usize,
}

#[cfg(test)]
mod tests;
