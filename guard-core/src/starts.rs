//! Starts of environments: billed, but no metric shows their time. They are bounded by the time there was room for.

use serde::{Deserialize, Serialize};

use crate::observation::Point;
use crate::time::Minute;

/// The longest INIT phase of an environment in seconds ("Lambda execution environment lifecycle", read 2026-11).
pub(crate) const INIT_MAX_S: u32 = 10;

/// One in this many of the environments used a minute ago may have been replaced. Lambda keeps them for minutes when
/// idle and for hours in use ("Lambda execution environment lifecycle", read 2026-11), so a tenth is plenty.
const TURNOVER: u32 = 10;

/// Microseconds in a second.
const SECOND_US: i128 = 1_000_000;

/// The progress of counting a function's starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starts {
    until: Minute,
    /// Its concurrency in the last minute with a data point.
    busy: u32,
    /// Microseconds that its environments had time for and that neither runs nor starts have used.
    left_us: i128,
}

impl Starts {
    /// Whether a minute is counted: [`Starts::count`] takes later ones only.
    pub(crate) fn has_counted(&self, minute: Minute) -> bool {
        minute <= self.until
    }

    /// Counts a minute, once: the most that starts can have taken in it, in microseconds. That is ten seconds for each
    /// environment that can have started (the rise over the minute before, and turnover), limited by the time that all
    /// environments had besides their runs. Runs that began in the minute may go on for a time-out after it. A glance
    /// asks for no concurrency, and usually no invocations: then the durations give the environments.
    pub(crate) fn count(&mut self, minute: Minute, point: &Point, timeout_s: u32) -> i128 {
        let silent = minute.since(self.until).saturating_sub(1).max(0);
        if self.until != Minute::default() && silent > 0 {
            self.left_us = self.left_us.min(0) + i128::from(silent) * 60 * SECOND_US * i128::from(self.busy);
        }
        let is_shown = point.concurrency_max > 0 || point.duration_us == 0;
        let needed = u32::try_from(point.duration_us.div_ceil(60_000_000)).unwrap_or(u32::MAX);
        let units = if is_shown { point.concurrency_max } else { needed };
        let busy = i128::from(units);
        let before = if minute.since(self.until) == 1 { self.busy } else { 0 };
        let come = match point.invocations {
            0 => come(before, units),
            asked => come(before, units).min(asked),
        };
        let left = self.left_us.min(0) + busy * 60 * SECOND_US - i128::from(point.duration_us);
        let beyond = busy * i128::from(timeout_s) * SECOND_US;
        // If only durations are known, there may have been more environments, with more time.
        let room = if is_shown { left + beyond } else { i128::MAX };
        let started = of_environments(come).min(room).max(0);
        self.until = minute;
        self.busy = units;
        self.left_us = if is_shown { left - started } else { 0 };
        started
    }
}

/// The most that starts took in a minute of unexplained invocations, in microseconds: one each, limited by the time of
/// all environments of the region, `busy`; 0 means that their number is unknown.
pub(crate) fn of_rest(invocations: u64, busy: u32) -> i128 {
    let most = of_environments(invocations);
    if busy == 0 { most } else { most.min(i128::from(busy) * 60 * SECOND_US) }
}

/// The most that starts of unexplained invocations took in a minute, in microseconds, if functions do not take turns:
/// as many as the rise of the region's concurrency over the minute before, and turnover. If they do, an environment may
/// start for every invocation: [`of_rest`].
pub(crate) fn of_rise(invocations: u64, before: u32, busy: u32) -> i128 {
    if busy == 0 {
        return of_rest(invocations, busy);
    }
    of_rest(invocations.min(come(before, busy)), busy)
}

/// The number of environments that can have started in a minute: the rise over the minute before, and turnover.
fn come(before: u32, busy: u32) -> u64 {
    u64::from((busy.saturating_sub(before) + busy.div_ceil(TURNOVER)).min(busy))
}

/// The longest time that the given starts can take, in microseconds.
pub(crate) fn of_environments(count: u64) -> i128 {
    i128::from(count) * i128::from(INIT_MAX_S) * SECOND_US
}

#[cfg(test)]
mod tests;
