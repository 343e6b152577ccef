//! Starts of environments: billed, and in no metric that tells their time. At most they are what there was room for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::money::Usd;
use crate::name::FunctionName;
use crate::observation::Point;
use crate::time::Minute;

/// Seconds that the INIT phase of an environment takes at most ("Lambda execution environment lifecycle", read 2026-11).
const INIT_MAX_S: u32 = 10;

/// Of so many environments that were used a minute ago one may have been replaced: Lambda keeps them for minutes when idle
/// and for hours in use ("Lambda execution environment lifecycle", read 2026-11), so a tenth is plenty.
const TURNOVER: u32 = 10;

/// Microseconds in a second.
const SECOND_US: i128 = 1_000_000;

/// What starts can have cost in a period, beyond what the books have for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starts {
    /// In minutes that change no more.
    pub cost: Usd,
    meters: BTreeMap<FunctionName, Meter>,
    /// Up to here what no function explains is counted.
    rest_until: Minute,
}

/// How far a function's minutes are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Meter {
    until: Minute,
    /// Its concurrency in the last minute that had a point.
    busy: u32,
    /// Microseconds that its environments had time for and that neither runs nor starts have taken.
    left_us: i128,
}

/// The function whose minutes are counted.
pub struct Subject<'a> {
    /// Its name.
    pub name: &'a FunctionName,
    /// Its time-out in seconds.
    pub timeout_s: u32,
    /// What a busy second costs.
    pub per_busy_second: Usd,
    /// What the books have for the starts of a point at most.
    pub booked: &'a dyn Fn(&Point) -> Usd,
}

impl Starts {
    /// Begins a new period.
    pub fn roll(&mut self) {
        self.cost = Usd::ZERO;
    }

    /// Counts a function's minutes up to one that changes no more; those before `first` are of another period.
    pub fn count<'p>(
        &mut self,
        subject: &Subject<'_>,
        minutes: impl Iterator<Item = (Minute, &'p Point)>,
        (first, last): (Minute, Minute),
    ) {
        let meter = self.meters.entry(subject.name.clone()).or_default();
        for (minute, point) in minutes.filter(|(minute, _)| *minute <= last) {
            if minute <= meter.until {
                continue;
            }
            let started_us = meter.minute(minute, point, subject.timeout_s);
            if minute >= first {
                self.cost +=
                    subject.per_busy_second.mul_div_up(started_us, SECOND_US) - (subject.booked)(point);
            }
        }
    }

    /// Counts what no function explains, in minutes with the region's highest concurrency, and gives what later minutes
    /// than `last`, which may still change, come to.
    pub fn rest(
        &mut self,
        minutes: impl Iterator<Item = (Minute, u64, u32)>,
        per_busy_second: Usd,
        (first, last): (Minute, Minute),
    ) -> Usd {
        let mut open = Usd::ZERO;
        for (minute, invocations, busy) in minutes.filter(|(minute, _, _)| *minute >= first) {
            let most = i128::from(invocations) * i128::from(INIT_MAX_S);
            // No more than all environments of the region have time for.
            let seconds = if busy == 0 { most } else { most.min(i128::from(busy) * 60) };
            let cost = per_busy_second * seconds;
            if minute > last {
                open += cost;
            } else if minute > self.rest_until {
                self.cost += cost;
                self.rest_until = minute;
            }
        }
        open
    }
}

impl Meter {
    /// The most that starts took in a minute: ten seconds for each environment that can have come (the rise over the minute
    /// before, and turnover), and no more than what all of them had time for beside what they ran. Runs that began in the minute may go on for a time-out after it.
    fn minute(&mut self, minute: Minute, point: &Point, timeout_s: u32) -> i128 {
        let silent = minute.since(self.until).saturating_sub(1).max(0);
        if self.until != Minute::default() && silent > 0 {
            self.left_us = self.left_us.min(0) + i128::from(silent) * 60 * SECOND_US * i128::from(self.busy);
        }
        let busy = i128::from(point.concurrency_max);
        let before = if minute.since(self.until) == 1 { self.busy } else { 0 };
        let new = point.concurrency_max.saturating_sub(before) + point.concurrency_max.div_ceil(TURNOVER);
        let come = i128::from(u64::from(new.min(point.concurrency_max)).min(point.invocations));
        let left = self.left_us.min(0) + busy * 60 * SECOND_US - i128::from(point.duration_us);
        let beyond = busy * i128::from(timeout_s) * SECOND_US;
        let started = (come * i128::from(INIT_MAX_S) * SECOND_US).min(left + beyond).max(0);
        self.until = minute;
        self.busy = point.concurrency_max;
        self.left_us = left - started;
        started
    }
}
