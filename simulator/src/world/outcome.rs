//! What becomes of attempts: run, refused, retried, served, given up.

use std::cmp::Reverse;

use guard_core::time::Minute;

use super::admission::Environment;
use super::counter::COUNTING_US;
use super::later::Try;
use super::source::Batch;
use super::{PLAIN, World};
use crate::scenario::Via;

/// A running attempt whose end means more than that an environment is free.
#[derive(Clone, Debug)]
pub(super) struct Running {
    attempt: Try,
    began: Minute,
    duration_us: u64,
    failed: bool,
    /// Whether the function's own counter refused to work.
    turned_away: bool,
    environment: Environment,
    load: Load,
}

/// The content of an invocation.
#[derive(Clone, Debug)]
pub(super) enum Load {
    /// One event.
    Event,
    /// Messages of a queue, received in that second.
    Messages { queue: usize, batch: Batch, received_s: u32 },
    /// Records of a lane of a stream.
    Records { stream: usize, lane: usize, batch: Batch },
}

/// Seconds before the first and second retry after a function error ("How Lambda handles errors and retries with
/// asynchronous invocation", read 2026-11).
const RETRY_AFTER_S: [u32; 2] = [60, 120];

/// The longest pause between two tries of a throttled asynchronous event, in seconds (same document: from one second
/// up to five minutes).
const LONGEST_PAUSE_S: u32 = 300;

/// Hops after which loop detection stops a chain ("Use Lambda recursive loop detection", read 2026-11).
const LOOP_HOPS: u8 = 16;

/// An event served later than this many seconds counts as delayed.
const DELAYED_S: u32 = 60;

impl World {
    /// Admits and runs an attempt at one event, or refuses it; whether it was admitted.
    #[inline]
    pub(super) fn attempt(&mut self, attempt: Try, function: usize) -> bool {
        match self.admit(function) {
            Some(environment) => {
                self.run(function, attempt, environment, Load::Event);
                true
            }
            None => {
                self.refuse(attempt, 1);
                false
            }
        }
    }

    /// Runs an admitted attempt.
    pub(super) fn run(&mut self, function: usize, attempt: Try, environment: Environment, load: Load) {
        let began = self.minute();
        let counts = self.functions.get(function).is_some_and(|fun| !fun.counters.is_empty());
        let turned_away = counts && !self.take_from_counters(function);
        let (Some(fun), Some(class)) =
            (self.functions.get_mut(function), self.classes.get_mut(usize::from(attempt.class)))
        else {
            return;
        };
        let work_us = class.span.draw(&mut class.durations);
        let drawn = match (counts, turned_away) {
            (false, _) => work_us,
            (true, false) => work_us.saturating_add(COUNTING_US),
            (true, true) => COUNTING_US,
        };
        let timed_out = drawn >= fun.timeout_us;
        let duration_us = drawn.min(fun.timeout_us);
        let has_poison = match &load {
            Load::Event => attempt.poison,
            Load::Messages { batch, .. } | Load::Records { batch, .. } => batch.has_poison(),
        };
        let failed = timed_out || has_poison || class.failures.chance(class.failing) || turned_away;
        let init_us = if environment.is_cold { fun.init_us } else { 0 };
        let billed_ms = (duration_us + init_us).div_ceil(1000);
        let tally = &mut class.tally;
        tally.attempts += 1;
        tally.errors += u64::from(failed);
        tally.cold_starts += u64::from(environment.is_cold);
        if environment.is_provisioned {
            tally.provisioned_ms += billed_ms;
        } else {
            tally.billed_ms += billed_ms;
        }
        if attempt.repeated {
            tally.repeated += 1;
            tally.repeated_ms += billed_ms;
        }
        let end_us = self.now_us + init_us + duration_us;
        let is_plain = !failed
            && end_us < self.end_of_minute_us
            && matches!(load, Load::Event)
            && !environment.is_provisioned
            && !fun.is_numbered
            && class.emits.is_none();
        let slot = if is_plain {
            fun.point.invocations += 1;
            fun.point.duration_us += duration_us;
            if !attempt.duplicate {
                class.tally.served += 1;
                class.tally.delayed += u64::from(self.second.saturating_sub(attempt.born_s) > DELAYED_S);
            }
            PLAIN
        } else {
            self.keep(Running { attempt, began, duration_us, failed, turned_away, environment, load })
        };
        self.ends.push(Reverse((end_us, u32::try_from(function).unwrap_or(u32::MAX), slot)));
    }

    fn keep(&mut self, running: Running) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                if let Some(place) = self.running.get_mut(slot as usize) {
                    *place = Some(Box::new(running));
                }
                slot
            }
            None => {
                self.running.push(Some(Box::new(running)));
                u32::try_from(self.running.len() - 1).unwrap_or(PLAIN - 1)
            }
        }
    }

    /// An invocation ends.
    #[inline]
    pub(super) fn finish(&mut self, function: usize, slot: u32) {
        if slot == PLAIN {
            self.free(function, 0, false);
            return;
        }
        let Some(running) = self.running.get_mut(slot as usize).and_then(Option::take) else { return };
        self.free.push(slot);
        self.finish_kept(function, *running);
    }

    fn finish_kept(&mut self, function: usize, running: Running) {
        let Running { attempt, began, duration_us, failed, turned_away, environment, load } = running;
        self.free(function, environment.number, environment.is_provisioned);
        let now = self.minute();
        if let Some(fun) = self.functions.get_mut(function) {
            fun.tell(began, now, duration_us, failed);
        }
        if !failed {
            let events = match &load {
                Load::Event => 1,
                Load::Messages { batch, .. } | Load::Records { batch, .. } => batch.len(),
            };
            self.emit(attempt, events);
        }
        match load {
            Load::Event if turned_away => self.turned_away(attempt, function),
            Load::Event if failed => self.failed(attempt, function),
            Load::Event => self.served(attempt, 1),
            Load::Messages { queue, batch, received_s } => {
                self.messages_done(function, queue, batch, received_s, failed);
            }
            Load::Records { stream, lane, batch } => self.records_done(function, stream, lane, batch, failed),
        }
    }

    /// Events of an attempt are served.
    pub(super) fn served(&mut self, attempt: Try, count: u32) {
        if attempt.duplicate {
            return;
        }
        let is_late = self.second.saturating_sub(attempt.born_s) > DELAYED_S;
        let Some(class) = self.classes.get_mut(usize::from(attempt.class)) else { return };
        class.tally.served += u64::from(count);
        class.tally.delayed += if is_late { u64::from(count) } else { 0 };
    }

    /// An attempt at one event failed in the function.
    fn failed(&mut self, attempt: Try, function: usize) {
        let (Some(fun), Some(class)) =
            (self.functions.get(function), self.classes.get_mut(usize::from(attempt.class)))
        else {
            return;
        };
        let again = Try { errors: attempt.errors + 1, refusals: 0, repeated: true, ..attempt };
        match class.via {
            Via::Async if attempt.errors < u16::from(fun.asynchronous.max_retries) => {
                let pause = RETRY_AFTER_S.get(usize::from(attempt.errors)).copied().unwrap_or(120);
                self.later.push(self.second + pause, again, 1);
            }
            Via::Sync if class.client.retry_errors && attempt.errors < u16::from(class.client.retries) => {
                let pause = backoff_s(class.client.backoff_s, u32::from(attempt.errors));
                self.later.push(self.second + pause, again, 1);
            }
            _ if attempt.duplicate => {}
            Via::Async if fun.asynchronous.on_failure => class.tally.dead_lettered += 1,
            _ => class.tally.failed += 1,
        }
    }

    /// The function's own counter refused an attempt. To a synchronous caller that looks like a throttle; to Lambda's own
    /// retries it is a failure like any other, so that the event does not count as done.
    fn turned_away(&mut self, attempt: Try, function: usize) {
        let Some(class) = self.classes.get_mut(usize::from(attempt.class)) else { return };
        if class.via != Via::Sync {
            self.failed(attempt, function);
        } else if u16::from(attempt.refusals) < u16::from(class.client.retries) {
            let pause = backoff_s(class.client.backoff_s, u32::from(attempt.refusals));
            let again = Try { refusals: attempt.refusals.saturating_add(1), repeated: true, ..attempt };
            self.later.push(self.second + pause, again, 1);
        } else if !attempt.duplicate {
            class.tally.refused += 1;
        }
    }

    /// Attempts at single events were refused.
    pub(super) fn refuse(&mut self, attempt: Try, count: u32) {
        let second = self.second;
        let Some(class) = self.classes.get_mut(usize::from(attempt.class)) else { return };
        let function = class.function;
        let Some(fun) = self.functions.get_mut(function) else { return };
        class.tally.throttles += u64::from(count);
        fun.point.throttles += u64::from(count);
        let again = Try { refusals: attempt.refusals.saturating_add(1), ..attempt };
        match class.via {
            Via::Async => {
                let pause = 1_u32.checked_shl(u32::from(attempt.refusals)).unwrap_or(LONGEST_PAUSE_S);
                let due = second + pause.min(LONGEST_PAUSE_S);
                let too_old = due - attempt.born_s > fun.asynchronous.max_event_age_s;
                // "When you set reserved concurrency to 0 … new events are sent to the dead-letter queue or the
                // on-failure destination without retries" (same document).
                if too_old || fun.reserved == Some(0) {
                    self.give_up(attempt, function, count);
                } else {
                    self.later.push(due, again, count);
                }
            }
            Via::Sync if u16::from(attempt.refusals) < u16::from(class.client.retries) => {
                let pause = backoff_s(class.client.backoff_s, u32::from(attempt.refusals));
                self.later.push(second + pause, again, count);
            }
            _ if attempt.duplicate => {}
            _ => class.tally.refused += u64::from(count),
        }
    }

    /// Events are given up without having been run to an end.
    pub(super) fn give_up(&mut self, attempt: Try, function: usize, count: u32) {
        let (Some(fun), Some(class)) =
            (self.functions.get(function), self.classes.get_mut(usize::from(attempt.class)))
        else {
            return;
        };
        if attempt.duplicate {
            return;
        }
        let caught = match class.via {
            Via::Async => fun.asynchronous.on_failure,
            Via::Queue => fun.queues.get(class.through).is_some_and(|queue| queue.max_receives.is_some()),
            Via::Stream => fun.streams.get(class.through).is_some_and(|stream| stream.on_failure),
            Via::Sync => false,
        };
        if caught {
            class.tally.dead_lettered += u64::from(count);
        } else {
            class.tally.lost += u64::from(count);
        }
    }

    /// Sends on what so many successful events send on.
    fn emit(&mut self, attempt: Try, events: u32) {
        let Some(class) = self.classes.get_mut(usize::from(attempt.class)) else { return };
        let Some(emits) = class.emits else { return };
        let wanted = emits.gain * f64::from(events);
        let mut count = whole(wanted);
        if class.repeats.chance(wanted - f64::from(count)) {
            count += 1;
        }
        let detects = self.functions.get(class.function).is_some_and(|fun| fun.loop_detection);
        if count == 0 || (detects && attempt.depth >= LOOP_HOPS) {
            return;
        }
        let due = self.second + emits.delay_s.max(1);
        let depth = attempt.depth.saturating_add(1);
        let event = Try { depth, ..super::traffic::blank(usize::from(emits.to), due) };
        self.later.push(due, event, count);
    }
}

/// The whole part of an expected count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn whole(expected: f64) -> u32 {
    expected.clamp(0.0, 4e9) as u32
}

/// A client's pause before a further attempt; doubled each time, at least a second, at most an hour.
fn backoff_s(first_s: u32, earlier: u32) -> u32 {
    first_s.max(1).saturating_mul(1_u32.checked_shl(earlier).unwrap_or(u32::MAX)).min(3600)
}
