//! Whether an attempt may run: concurrency, request rate, and how fast environments appear.
//!
//! "Lambda scaling behavior" and "Understanding Lambda function scaling" (read 2026-11): reserved concurrency is a cap
//! and takes its share out of the account's pool; requests are limited to ten per second and unit of concurrency; each
//! function gains 1,000 environments every ten seconds, refilled continuously, not accumulated.

use guard_core::plan::Change;

use super::World;
use super::bucket::Bucket;

/// New environments per function and second on average, and at once.
pub(super) const SCALING: (u64, u64) = (100, 1000);

/// Requests per second and unit of concurrency.
const REQUESTS_PER_UNIT: u64 = 10;

/// What functions without a reservation share.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    /// The account's limit.
    pub(super) limit: u32,
    /// The rest of it after all reservations.
    pub(super) size: u32,
    pub(super) busy: u32,
    pub(super) requests: Bucket,
}

/// The environment of an admitted attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Environment {
    pub(super) number: u64,
    pub(super) is_cold: bool,
    pub(super) is_provisioned: bool,
}

/// A bucket of requests for so much concurrency. A tenth of a second's worth may come at once: as many as can run.
pub(super) fn requests_of(concurrency: u32) -> Bucket {
    let concurrency = u64::from(concurrency);
    Bucket::new(concurrency * REQUESTS_PER_UNIT, concurrency)
}

impl World {
    /// Admits an attempt, or refuses it (429).
    #[inline]
    pub(super) fn admit(&mut self, function: usize) -> Option<Environment> {
        let fun = self.functions.get_mut(function)?;
        let (busy, most, requests) = match fun.reserved {
            Some(reserved) => (fun.busy, reserved, &mut fun.requests),
            None => (self.pool.busy, self.pool.size, &mut self.pool.requests),
        };
        if busy >= most || !requests.take(self.now_us) {
            return None;
        }
        let environment = if fun.busy_provisioned < fun.provisioned {
            fun.busy_provisioned += 1;
            Environment { number: 0, is_cold: false, is_provisioned: true }
        } else if let Some(number) = fun.warm.take(self.now_us) {
            Environment { number, is_cold: false, is_provisioned: false }
        } else if fun.scaling.take(self.now_us) {
            Environment { number: fun.warm.create(), is_cold: true, is_provisioned: false }
        } else {
            requests.give_back();
            return None;
        };
        fun.busy += 1;
        fun.peak = fun.peak.max(fun.busy);
        if fun.reserved.is_none() {
            self.pool.busy += 1;
        }
        self.region_busy += 1;
        self.region_peak = self.region_peak.max(self.region_busy);
        Some(environment)
    }

    /// An attempt is over: its environment becomes idle.
    #[inline]
    pub(super) fn free(&mut self, function: usize, number: u64, is_provisioned: bool) {
        let Some(fun) = self.functions.get_mut(function) else { return };
        fun.busy -= 1;
        self.region_busy -= 1;
        if fun.reserved.is_none() {
            self.pool.busy -= 1;
        }
        if is_provisioned {
            fun.busy_provisioned -= 1;
        } else {
            fun.warm.give_back(number, self.now_us);
        }
    }

    /// Settings that bite in this second.
    pub(super) fn take_effect(&mut self) {
        while let Some(first) = self.effects.first_entry() {
            if *first.key() > self.second {
                break;
            }
            for (function, change) in first.remove() {
                self.change(function, &change);
            }
        }
    }

    fn change(&mut self, function: usize, change: &Change) {
        let Some(fun) = self.functions.get_mut(function) else { return };
        match change {
            Change::ReservedConcurrency { to, .. } => {
                fun.reserved = *to;
                fun.requests
                    .resize(u64::from(to.unwrap_or(0)) * REQUESTS_PER_UNIT, u64::from(to.unwrap_or(0)));
                self.share_out();
            }
            Change::AsyncConfig { to, .. } => {
                fun.asynchronous.max_retries = to.max_retries;
                fun.asynchronous.max_event_age_s = to.max_event_age_s;
            }
            Change::MappingConcurrency { mapping, to, .. } => {
                if let Some(queue) = fun.queues.iter_mut().find(|queue| queue.name == mapping.as_str()) {
                    queue.max_concurrency = *to;
                }
            }
            Change::MappingEnabled { mapping, to, .. } => {
                if let Some(queue) = fun.queues.iter_mut().find(|queue| queue.name == mapping.as_str()) {
                    queue.enabled = *to;
                }
                if let Some(stream) = fun.streams.iter_mut().find(|stream| stream.name == mapping.as_str()) {
                    stream.enabled = *to;
                }
            }
        }
    }

    /// Works out the pool after a reservation changed.
    pub(super) fn share_out(&mut self) {
        let reserved: u32 = self.functions.iter().filter_map(|fun| fun.reserved).sum();
        self.pool.size = self.pool.limit.saturating_sub(reserved);
        self.pool.busy = self.functions.iter().filter(|fun| fun.reserved.is_none()).map(|fun| fun.busy).sum();
        let size = u64::from(self.pool.size);
        self.pool.requests.resize(size * REQUESTS_PER_UNIT, size);
    }
}
