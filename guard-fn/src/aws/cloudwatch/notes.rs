//! The problems and the cost of a look, gathered so that ten thousand functions make one sentence.

use std::collections::{BTreeMap, BTreeSet};

use guard_core::name::FunctionName;

use super::answer::Fault;
use super::query::{Batch, Subject};
use crate::ports::{TIME_IS_UP, Unavailable};

/// Messages of CloudWatch that are passed on. Our choice: they repeat themselves.
const MESSAGES_MAX: usize = 5;

/// Gathered over one look.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    metrics: u64,
    calls_answered: usize,
    calls_failed: usize,
    /// The first failure, reported for all.
    failure: Option<Unavailable>,
    /// Series that calls which failed asked for.
    unread: usize,
    /// Series by their fault, and the first of each.
    faults: BTreeMap<Fault, (usize, String)>,
    messages: BTreeSet<String>,
}

impl Notes {
    /// So many pages of a call were requested. `GetMetricData` is billed by metric requested ("Amazon CloudWatch
    /// pricing", read 2026-11); no document says that a further page of the same call is free, so each counts in full.
    pub(super) fn requested(&mut self, batch: &Batch, pages: usize) {
        self.metrics =
            self.metrics.saturating_add(u64::try_from(batch.metrics() * pages).unwrap_or(u64::MAX));
    }

    /// A call was answered, with these messages.
    pub(super) fn answered(&mut self, messages: &BTreeSet<String>) {
        self.calls_answered += 1;
        self.messages.extend(messages.iter().cloned());
    }

    /// A call failed.
    pub(super) fn failed(&mut self, batch: &Batch, problem: Unavailable) {
        self.calls_failed += 1;
        self.unread += batch.subjects.len();
        self.failure.get_or_insert(problem);
    }

    /// The time was up before these calls were answered. Those in flight are billed.
    pub(super) fn given_up(&mut self, batches: &[Batch], in_flight: usize, call: &str) {
        for (place, batch) in batches.iter().enumerate() {
            if place < in_flight {
                self.requested(batch, 1);
            }
            self.failed(batch, Unavailable::new(call, TIME_IS_UP));
        }
    }

    /// A series is unknown though its call was answered.
    pub(super) fn fault(&mut self, subject: Subject, fault: Fault, names: &[FunctionName]) {
        let first = || subject.name(names).map_or_else(|| "the region".to_owned(), ToString::to_string);
        self.faults.entry(fault).or_insert_with(|| (0, first())).0 += 1;
    }

    /// Whether calls were made and none was answered.
    pub(super) fn is_nothing_answered(&self) -> bool {
        self.calls_answered == 0
    }

    /// Metrics requested so far.
    pub(super) fn metrics(&self) -> u64 {
        self.metrics
    }

    /// All of it, each once.
    pub(super) fn problems(self, call: &str) -> Vec<Unavailable> {
        let mut problems = Vec::new();
        if let Some(Unavailable { reason, .. }) = self.failure {
            let Notes { calls_failed, unread, .. } = self;
            let calls = if calls_failed == 1 { "1 call".to_owned() } else { format!("{calls_failed} calls") };
            let extent = format!("{calls} failed, {unread} series unknown");
            problems.push(Unavailable::new(call, format!("{extent}; the first: {reason}")));
        }
        for (fault, (series, first)) in self.faults {
            problems.push(Unavailable::new(call, format!("{series} series unknown, {first} first: {fault}")));
        }
        let messages = self.messages.into_iter().take(MESSAGES_MAX);
        problems.extend(messages.map(|message| Unavailable::new(call, format!("message {message}"))));
        problems
    }
}
