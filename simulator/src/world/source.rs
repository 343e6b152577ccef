//! What events wait for: queues with their pollers, streams with their lanes.

use std::collections::VecDeque;

use super::dice::Dice;
use super::later::{Cohort, Try};

/// How many of the newest cohorts of a line are searched for an equal one: several traffics share it. As many at its
/// beginning are drawn from.
const SEARCHED: usize = 4;

/// Messages or records waiting in order, as counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    cohorts: VecDeque<Cohort>,
    /// How many wait.
    pub(super) waiting: u64,
}

impl Line {
    /// At the end.
    pub(super) fn push(&mut self, attempt: Try, count: u32) {
        self.waiting += u64::from(count);
        match self.cohorts.iter_mut().rev().take(SEARCHED).find(|cohort| cohort.attempt == attempt) {
            Some(equal) => equal.count = equal.count.saturating_add(count),
            None => self.cohorts.push_back(Cohort { attempt, count }),
        }
    }

    /// The traffic of the first in line.
    pub(super) fn first_class(&self) -> Option<u16> {
        self.cohorts.front().map(|first| first.attempt.class)
    }

    /// Takes at most so many from the beginning. A cohort is a count, so the order within a second is not kept: where
    /// events of one second differ (poison among healthy ones, one traffic among others), each next one is drawn.
    pub(super) fn take(&mut self, most: u32, dice: &mut Dice) -> Vec<Cohort> {
        let mut taken: Vec<Cohort> = Vec::new();
        let mut left = most;
        while left > 0 {
            let (place, wanted) = match self.mixed() {
                0 => (0, left),
                total => (self.place_of(dice.below(total)), 1),
            };
            let Some(cohort) = self.cohorts.get_mut(place) else { break };
            let count = cohort.count.min(wanted);
            match taken.iter_mut().find(|part| part.attempt == cohort.attempt) {
                Some(part) => part.count += count,
                None => taken.push(Cohort { count, ..*cohort }),
            }
            left -= count;
            cohort.count -= count;
            if cohort.count == 0 {
                self.cohorts.remove(place);
            }
        }
        self.waiting -= u64::from(most - left);
        taken
    }

    /// How many events wait in the cohorts at the beginning that came into being in one second; 0 where that is one
    /// cohort, or none.
    fn mixed(&self) -> u64 {
        let Some(first) = self.cohorts.front() else { return 0 };
        let second = first.attempt.born_s;
        let mates = || self.cohorts.iter().take(SEARCHED).take_while(|mate| mate.attempt.born_s == second);
        if mates().nth(1).is_none() { 0 } else { mates().map(|mate| u64::from(mate.count)).sum() }
    }

    /// The cohort in which the event of this number is, counted from the beginning.
    fn place_of(&self, number: u64) -> usize {
        let mut left = number;
        let is_beyond = |mate: &&Cohort| {
            let count = u64::from(mate.count);
            let beyond = left >= count;
            left = left.saturating_sub(count);
            beyond
        };
        self.cohorts.iter().take_while(is_beyond).count()
    }

    /// Drops what is older than this and returns it.
    pub(super) fn expire(&mut self, oldest_s: u32) -> Vec<Cohort> {
        let mut gone = Vec::new();
        while self.cohorts.front().is_some_and(|first| first.attempt.born_s < oldest_s) {
            gone.extend(self.cohorts.pop_front());
        }
        self.waiting -= gone.iter().map(|cohort| u64::from(cohort.count)).sum::<u64>();
        gone
    }
}

/// An SQS queue and the mapping that polls it.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) ready: Line,
    pub(super) batch_size: u32,
    pub(super) visibility_s: u32,
    pub(super) max_receives: Option<u32>,
    pub(super) retention_s: u32,
    pub(super) partial_batch: bool,
    /// Whether the mapping's event metrics are on.
    pub(super) tells_events: bool,
    /// `MaximumConcurrency` in force.
    pub(super) max_concurrency: Option<u32>,
    pub(super) enabled: bool,
    /// Batches running.
    pub(super) running: u32,
    /// Pollers, in thousandths: they grow while messages wait.
    pub(super) pollers_milli: u32,
    /// The second before which a refused mapping does not try again, and its next pause.
    pub(super) paused_until_s: u32,
    pub(super) pause_s: u32,
}

/// Batches in parallel at first, added per minute, and at most ("Configuring scaling behavior for SQS event source
/// mappings", read 2026-11): 5, 300 and 1,250.
pub(super) const POLLERS: (u32, u32, u32) = (5, 300, 1250);

impl Queue {
    /// Batches that may run now.
    pub(super) fn limit(&self) -> u32 {
        let pollers = self.pollers_milli / 1000;
        if self.enabled { self.max_concurrency.map_or(pollers, |most| most.min(pollers)) } else { 0 }
    }

    /// Pollers grow while messages wait and fall back when none do.
    pub(super) fn scale(&mut self) {
        let (first, per_minute, most) = POLLERS;
        if self.ready.waiting == 0 {
            self.pollers_milli = (self.pollers_milli - self.pollers_milli / 60).max(first * 1000);
        } else {
            self.pollers_milli = (self.pollers_milli + per_minute * 1000 / 60).min(most * 1000);
        }
    }
}

/// A stream and the mapping that polls it.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) name: String,
    pub(super) lanes: Vec<Lane>,
    pub(super) batch_size: u32,
    pub(super) max_retries: Option<u32>,
    pub(super) bisect: bool,
    pub(super) retention_s: u32,
    pub(super) on_failure: bool,
    /// Whether the mapping's event metrics are on.
    pub(super) tells_events: bool,
    pub(super) enabled: bool,
    /// The lane that gets the next record.
    pub(super) next: usize,
}

/// One shard, or one of its parallel parts: one batch at a time, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    pub(super) line: Line,
    pub(super) is_busy: bool,
    /// A failed batch, tried again before anything else; with its halves waiting behind it.
    pub(super) retry: VecDeque<Batch>,
    pub(super) paused_until_s: u32,
    pub(super) pause_s: u32,
}

impl Lane {
    /// Records that no invocation has begun with, or that wait for their next attempt.
    pub(super) fn waiting(&self) -> u64 {
        let again = self.retry.iter().flat_map(|batch| &batch.parts).map(|part| u64::from(part.count));
        self.line.waiting + again.sum::<u64>()
    }
}

/// Events in one invocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) parts: Vec<Cohort>,
    /// Attempts at it that failed.
    pub(super) failures: u32,
}

impl Batch {
    /// Events in it.
    pub(super) fn len(&self) -> u32 {
        self.parts.iter().map(|part| part.count).sum()
    }

    /// Whether some event fails at every attempt.
    pub(super) fn has_poison(&self) -> bool {
        self.parts.iter().any(|part| part.attempt.poison)
    }

    /// The same events, tried before.
    pub(super) fn repeated(mut self) -> Batch {
        for part in &mut self.parts {
            part.attempt.repeated = true;
        }
        self
    }

    /// Cuts it into two halves.
    pub(super) fn halves(self) -> (Batch, Batch) {
        let mut left = self.len() / 2;
        let (mut first, mut second) = (Batch::default(), Batch::default());
        for part in self.parts {
            let here = part.count.min(left);
            left -= here;
            if here > 0 {
                first.parts.push(Cohort { count: here, ..part });
            }
            if part.count > here {
                second.parts.push(Cohort { count: part.count - here, ..part });
            }
        }
        (first, second)
    }
}

#[cfg(test)]
mod tests {
    use super::super::dice::Concern;
    use super::super::traffic::blank;
    use super::*;

    #[test]
    fn events_of_one_second_are_mixed_and_seconds_keep_their_order() {
        let mut line = Line::default();
        for second in 0..2 {
            line.push(blank(0, second), 50);
            line.push(Try { poison: true, ..blank(0, second) }, 50);
        }
        let mut dice = Dice::new(1, Concern::Order, 0);
        let first = Batch { parts: line.take(60, &mut dice), failures: 0 };
        assert_eq!((first.len(), first.parts.len(), line.waiting), (60, 2, 140));
        assert!(first.parts.iter().all(|part| part.attempt.born_s == 0 && part.count >= 10), "{first:?}");
        let rest = line.take(1000, &mut dice);
        assert_eq!(rest.iter().map(|part| part.count).sum::<u32>(), 140);
        assert!(rest.iter().map(|part| part.attempt.born_s).is_sorted());
        assert_eq!(line.waiting, 0);
        assert!(line.take(1, &mut dice).is_empty());
    }
}
