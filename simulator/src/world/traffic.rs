//! Arrivals: new events of each traffic by its law, and what comes back, spread over its second.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;

use super::dice::Dice;
use super::later::{Cohort, Try};
use super::pace::{Feedback, Pace};
use super::span::{Span, micros};
use super::tally::Tally;
use super::{SECOND_US, World};
use crate::number::as_f64;
use crate::scenario::{Client, Kind, Via};
use crate::workload::Counts;

/// A traffic as it runs.
#[derive(Clone, Debug)]
pub(super) struct Class {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) function: usize,
    pub(super) via: Via,
    /// Which of the function's queues or streams.
    pub(super) through: usize,
    pub(super) flow: Flow,
    pub(super) from_s: u32,
    pub(super) until_s: u32,
    pub(super) span: Span,
    pub(super) failing: f64,
    pub(super) poison: f64,
    pub(super) client: Client,
    pub(super) emits: Option<Emits>,
    pub(super) arrivals: Dice,
    pub(super) durations: Dice,
    pub(super) failures: Dice,
    pub(super) repeats: Dice,
    pub(super) order: Dice,
    pub(super) tally: Tally,
    pub(super) feedback: Feedback,
    /// Throttles and attempts at the beginning of the minute.
    pub(super) before: (u64, u64),
    /// When the next event is due; entries of the heap with another time are stale.
    pub(super) next_us: u64,
}

/// How events follow each other.
#[derive(Clone, Debug)]
pub(super) enum Flow {
    /// By a law: the rate now, and the rest of an exponential time of mean 1 while the rate is zero.
    Law { pace: Pace, rps: f64, left: f64 },
    /// Counts per minute from a trace, from minute 0 of the world; `None` is unknown and sends nothing.
    Counts { per_minute: Counts, left: u64, gap_us: f64, base_us: f64 },
}

/// Where successful invocations send events on to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Emits {
    pub(super) to: u16,
    pub(super) gain: f64,
    pub(super) delay_s: u32,
}

/// A cohort being released over its second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Release {
    cohort: Cohort,
    next_us: u64,
    gap_us: u64,
}

/// Nothing is due.
pub(super) const NEVER: u64 = u64::MAX;

/// Spreads the beginnings of cohorts over a second: the fractional part of multiples of the golden ratio.
const GOLDEN: u64 = 618_034;

impl Class {
    /// Notes the fate of a minute's requests.
    pub(super) fn turn_minute(&mut self) {
        let (throttles, attempts) = (self.tally.throttles, self.tally.attempts);
        let (refused, ran) = (throttles - self.before.0, attempts - self.before.1);
        self.feedback = Feedback { asked: refused + ran, refused };
        self.before = (throttles, attempts);
    }

    /// The attempt of a new event.
    fn fresh(&mut self, class: u16, second: u32, depth: u8) -> Try {
        let poison = self.failures.chance(self.poison);
        Try {
            class,
            errors: 0,
            refusals: 0,
            depth,
            poison,
            duplicate: false,
            repeated: false,
            is_new: false,
            born_s: second,
        }
    }

    /// Moves to the time of the next event.
    #[inline]
    fn advance(&mut self) {
        self.next_us = match &mut self.flow {
            Flow::Law { pace, rps, .. } if pace.is_even() => self.next_us.saturating_add(micros(1e6 / *rps)),
            Flow::Law { rps, .. } => {
                self.next_us.saturating_add(micros(self.arrivals.exponential() * 1e6 / *rps))
            }
            Flow::Counts { left, gap_us, base_us, .. } => {
                *left -= 1;
                *base_us += *gap_us;
                if *left == 0 { NEVER } else { micros(*base_us + self.arrivals.uniform() * *gap_us) }
            }
        };
    }
}

impl World {
    /// Reads the rates of this second.
    pub(super) fn set_rates(&mut self) {
        let (second, now_us) = (self.second, self.now_us);
        if second.is_multiple_of(60) {
            self.read_counts();
        }
        for index in &self.lawful {
            let Some(class) = self.classes.get_mut(*index) else { continue };
            let Flow::Law { pace, rps, left } = &mut class.flow else { continue };
            let before = class.next_us;
            let is_on = second >= class.from_s && second < class.until_s;
            if second == class.from_s && second < class.until_s && pace.at_once() > 0 {
                let attempt = Try { is_new: true, ..blank(*index, second) };
                self.later.push(second, attempt, pace.at_once());
            }
            let steady = pace.is_steady() && second != class.from_s && second != class.until_s;
            if steady || (!is_on && *rps == 0.0) {
                continue;
            }
            let at = self.start.start() + chrono::TimeDelta::seconds(i64::from(second));
            let wanted = if is_on { pace.rps(second - class.from_s, at, class.feedback) } else { 0.0 };
            if wanted.to_bits() == rps.to_bits() {
                continue;
            }
            // A Poisson process has no memory: the rest of the exponential time continues at the new rate.
            if *rps > 0.0 {
                *left = as_f64(class.next_us.saturating_sub(now_us)) / 1e6 * *rps;
            }
            *rps = wanted;
            class.next_us = if wanted > 0.0 { now_us + micros(*left * 1e6 / wanted) } else { NEVER };
            if class.next_us != before && class.next_us != NEVER {
                self.arrivals.push(Reverse((class.next_us, narrow(*index))));
            }
        }
    }

    /// Spreads the counts of the minute that begins now over it.
    fn read_counts(&mut self) {
        let (second, now_us) = (self.second, self.now_us);
        let minute = usize::try_from(second / 60).unwrap_or(usize::MAX);
        for index in &self.counted {
            let Some(class) = self.classes.get_mut(*index) else { continue };
            let Flow::Counts { per_minute, left, gap_us, base_us } = &mut class.flow else { continue };
            if second < class.from_s || second >= class.until_s {
                continue;
            }
            *left = per_minute.at(minute).unwrap_or(0);
            if *left == 0 {
                class.next_us = NEVER;
                continue;
            }
            let before = class.next_us;
            *gap_us = 60e6 / as_f64(*left);
            *base_us = as_f64(now_us);
            class.next_us = micros(*base_us + class.arrivals.uniform() * *gap_us).max(now_us);
            if class.next_us != before {
                self.arrivals.push(Reverse((class.next_us, narrow(*index))));
            }
        }
    }

    /// Files the events due in this second among the arrivals.
    pub(super) fn release(&mut self) {
        self.releases.clear();
        let due = self.later.take(self.second);
        for (index, cohort) in due.into_iter().enumerate() {
            let gap_us = (SECOND_US / u64::from(cohort.count)).max(1);
            let phase = (index as u64 + 1) * GOLDEN % SECOND_US % gap_us;
            let next_us = self.now_us + phase;
            self.releases.push(Release { cohort, next_us, gap_us });
            let number = narrow(self.classes.len() + index);
            self.arrivals.push(Reverse((next_us, number)));
        }
    }

    /// Lives the next arrival.
    pub(super) fn next_arrival(&mut self) {
        let Some(mut top) = self.arrivals.peek_mut() else { return };
        let Reverse((at, number)) = *top;
        let index = number as usize;
        if let Some(class) = self.classes.get_mut(index) {
            if class.next_us != at {
                PeekMut::pop(top);
                return;
            }
            class.advance();
            if class.next_us == NEVER {
                PeekMut::pop(top);
            } else {
                *top = Reverse((class.next_us, number));
                drop(top);
            }
            self.arrive(narrow_class(index), 0);
            return;
        }
        let place = index - self.classes.len();
        let Some(release) = self.releases.get_mut(place) else {
            PeekMut::pop(top);
            return;
        };
        if release.cohort.count == 0 {
            // Its rest was refused together.
            PeekMut::pop(top);
            return;
        }
        release.cohort.count -= 1;
        release.next_us += release.gap_us;
        let attempt = release.cohort.attempt;
        if release.cohort.count == 0 {
            PeekMut::pop(top);
        } else {
            *top = Reverse((release.next_us, number));
            drop(top);
        }
        if attempt.is_new {
            self.arrive(attempt.class, attempt.depth);
        } else if !self.again(attempt) {
            self.refuse_rest(place);
        }
    }

    /// One event of a traffic now; whether it was not refused at once.
    pub fn invoke(&mut self, traffic: usize) -> bool {
        let class = narrow_class(traffic);
        let refused = |world: &World| world.classes.get(traffic).map_or(0, |class| class.tally.throttles);
        let before = refused(self);
        self.arrive(class, 0);
        refused(self) == before
    }

    /// A new logical event.
    fn arrive(&mut self, class: u16, depth: u8) {
        let second = self.second;
        let Some(found) = self.classes.get_mut(usize::from(class)) else { return };
        found.tally.offered += 1;
        let (function, via, through) = (found.function, found.via, found.through);
        let attempt = found.fresh(class, second, depth);
        match via {
            Via::Sync => {
                self.attempt(attempt, function);
            }
            Via::Async => {
                if let Some(fun) = self.functions.get_mut(function) {
                    fun.point.async_received = fun.point.async_received.map(|count| count + 1);
                }
                self.maybe_twice(attempt, function);
                self.attempt(attempt, function);
            }
            Via::Queue => self.enqueue(function, through, attempt, 1),
            Via::Stream => self.record(function, through, attempt),
        }
    }

    /// An attempt that comes back; whether it was admitted or at least did not meet a refusal.
    fn again(&mut self, attempt: Try) -> bool {
        let Some(class) = self.classes.get(usize::from(attempt.class)) else { return true };
        let (function, via, through) = (class.function, class.via, class.through);
        match via {
            Via::Sync => {
                self.attempt(attempt, function);
                true
            }
            Via::Async => {
                let most = self.functions.get(function).map_or(0, |fun| fun.asynchronous.max_event_age_s);
                if self.second.saturating_sub(attempt.born_s) > most {
                    self.give_up(attempt, function, 1);
                    return true;
                }
                self.attempt(attempt, function)
            }
            Via::Queue => {
                self.redeliver(function, through, attempt);
                true
            }
            Via::Stream => true,
        }
    }

    /// One event of an asynchronous cohort was refused: so are the others, which Lambda's own back-off would not even
    /// have sent.
    fn refuse_rest(&mut self, place: usize) {
        let Some(release) = self.releases.get_mut(place) else { return };
        let rest = std::mem::take(&mut release.cohort.count);
        let attempt = release.cohort.attempt;
        if rest == 0 {
            return;
        }
        self.refuse(attempt, rest);
    }

    /// Delivers an event a second and perhaps a third time.
    fn maybe_twice(&mut self, attempt: Try, function: usize) {
        let Some(fun) = self.functions.get(function) else { return };
        let load =
            if self.pool.size == 0 { 1.0 } else { f64::from(self.pool.busy) / f64::from(self.pool.size) };
        let chance = fun.asynchronous.duplicates_at_rest + fun.asynchronous.duplicates_under_load * load;
        let Some(class) = self.classes.get_mut(usize::from(attempt.class)) else { return };
        let mut runs = 1;
        while runs < MOST_RUNS && class.repeats.chance(chance) {
            let again = Try { duplicate: true, repeated: true, ..attempt };
            self.later.push(self.second + runs, again, 1);
            runs += 1;
        }
    }
}

/// Successful runs of one event that have been seen at most ("Run, Lambda, Run", SunGard, 2017).
const MOST_RUNS: u32 = 3;

/// A new event's attempt before anything is drawn for it.
pub(super) fn blank(class: usize, second: u32) -> Try {
    Try {
        class: narrow_class(class),
        errors: 0,
        refusals: 0,
        depth: 0,
        poison: false,
        duplicate: false,
        repeated: false,
        is_new: true,
        born_s: second,
    }
}

/// An index as the heap keeps it. [`super::build`] refuses more.
fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// A traffic's index. [`super::build`] refuses more than 65,535 traffics.
pub(super) fn narrow_class(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}
