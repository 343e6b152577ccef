//! What events wait for: queues with their pollers, streams with their lanes.

use std::collections::VecDeque;

use super::later::{Cohort, Try};

/// How many of the newest cohorts of a line are searched for an equal one: several traffics share it.
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

    /// Takes at most so many from the beginning.
    pub(super) fn take(&mut self, most: u32) -> Vec<Cohort> {
        let mut taken = Vec::new();
        let mut left = most;
        while left > 0 {
            let Some(first) = self.cohorts.front_mut() else { break };
            let count = first.count.min(left);
            taken.push(Cohort { count, ..*first });
            left -= count;
            first.count -= count;
            if first.count == 0 {
                self.cohorts.pop_front();
            }
        }
        self.waiting -= u64::from(most - left);
        taken
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
