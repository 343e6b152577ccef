//! What comes back: excesses at the same time of day, and bursts that end by themselves.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::money::Usd;
use crate::time::{Hour, Minute};

/// Days of which excesses at the same time of day are remembered.
const CHARGED_DAYS: i64 = 7;

/// Days for which the sizes of bursts are remembered.
const BURST_DAYS: i64 = 28;

/// A burst is over when the incident has not risen for so many minutes.
const BURST_OVER_MIN: i64 = 60;

/// How often something came before it counts as usual. Our choice: once is chance.
const USUAL_TIMES: usize = 2;

/// An excess is remembered if it is at least the slack divided by this.
const NOTABLE_PART: i128 = 16;

/// The incidents of a budget in the past weeks, in its unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Habit {
    /// The hour under way, the least that the incident was in it, and its rise from there.
    under_way: Option<(Hour, Usd, Usd)>,
    /// Hours in which the incident rose, and by how much, ascending.
    charged: VecDeque<(Hour, Usd)>,
    /// The burst under way.
    burst: Burst,
    /// Bursts that ended by themselves: their hours, ascending, and rises. Only those that are among the two largest
    /// since their hour.
    bursts: VecDeque<(Hour, Usd)>,
}

/// A rise of the incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Burst {
    /// Where it began.
    low: Usd,
    /// Its highest so far.
    high: Usd,
    /// When that was.
    high_at: Minute,
    /// Whether the guard has acted in it.
    is_acted_on: bool,
}

impl Habit {
    /// Whether nothing is remembered.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Habit::default()
    }

    /// Records an incident as of a minute. `is_broken`: the budget is used up; `is_acted_on`: the guard acts for it.
    pub(crate) fn note(
        &mut self,
        at: Minute,
        amount: Usd,
        slack: Usd,
        (is_broken, is_acted_on): (bool, bool),
    ) {
        let hour = at.hour();
        let (low, mut risen) = match self.under_way {
            Some((other, low, risen)) if other == hour => (low.min(amount), risen),
            Some((other, low, risen)) => {
                if risen * NOTABLE_PART >= slack && risen > Usd::ZERO {
                    self.charged.push_back((other, risen));
                }
                ((low + risen).min(amount), Usd::ZERO)
            }
            None => (amount, Usd::ZERO),
        };
        risen = risen.max(amount - low);
        if is_broken {
            // An excess that broke the budget is never usual.
            (risen, self.charged) = (Usd::ZERO, VecDeque::new());
        }
        self.under_way = Some((hour, low, risen));
        while self.charged.front().is_some_and(|(first, _)| *first < hour.plus(-24 * CHARGED_DAYS - 1)) {
            self.charged.pop_front();
        }
        self.note_burst(at, amount, is_acted_on);
    }

    fn note_burst(&mut self, at: Minute, amount: Usd, is_acted_on: bool) {
        let burst = &mut self.burst;
        if amount > burst.high {
            (burst.high, burst.high_at) = (amount, at);
        }
        burst.is_acted_on |= is_acted_on;
        let rise = burst.high - burst.low;
        if rise > Usd::ZERO && at.since(burst.high_at) < BURST_OVER_MIN {
            return;
        }
        let was_acted_on = burst.is_acted_on;
        *burst = Burst { low: amount, high: amount, high_at: at, is_acted_on };
        if rise == Usd::ZERO || was_acted_on {
            return;
        }
        let hour = at.hour();
        self.bursts.push_back((hour, rise));
        let mut larger: Vec<Usd> = Vec::new();
        let mut kept = VecDeque::new();
        for (hour, rise) in std::mem::take(&mut self.bursts).into_iter().rev() {
            if larger.iter().filter(|other| **other >= rise).count() < USUAL_TIMES {
                kept.push_front((hour, rise));
                larger.push(rise);
            }
        }
        self.bursts = kept;
        while self.bursts.front().is_some_and(|(first, _)| *first < hour.plus(-24 * BURST_DAYS)) {
            self.bursts.pop_front();
        }
    }

    /// The largest excess at this time of day, an hour more or less, on the past days; zero if it came on one of them
    /// only.
    pub(crate) fn at_this_time(&self, hour: Hour) -> Usd {
        let mut days: Vec<i64> = Vec::new();
        let mut most = Usd::ZERO;
        for (earlier, risen) in &self.charged {
            let hours = hour.0 - earlier.0;
            let (day, apart) = ((hours + 12).div_euclid(24), (hours + 12).rem_euclid(24) - 12);
            if !(1..=CHARGED_DAYS).contains(&day) || apart.abs() > 1 {
                continue;
            }
            if !days.contains(&day) {
                days.push(day);
            }
            most = most.max(*risen);
        }
        if days.len() >= USUAL_TIMES { most } else { Usd::ZERO }
    }

    /// The size of a usual burst: the second largest of those that ended without the guard.
    fn usual_burst(&self) -> Usd {
        let mut rises: Vec<Usd> = self.bursts.iter().map(|(_, rise)| *rise).collect();
        rises.sort_unstable();
        rises.iter().rev().nth(USUAL_TIMES - 1).copied().unwrap_or(Usd::ZERO)
    }

    /// What an incident reaches in a burst of the usual size, and a quarter more.
    pub(crate) fn usual_incident(&self) -> Usd {
        match self.usual_burst() {
            Usd::ZERO => Usd::ZERO,
            usual => self.burst.low + usual.mul_div_up(5, 4),
        }
    }
}

#[cfg(test)]
mod tests;
