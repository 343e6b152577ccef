//! Event source mappings: queues and streams that Lambda polls for a function.

use super::World;
use super::later::{Cohort, Try};
use super::outcome::Load;
use super::source::Batch;
use super::traffic::narrow_class;

/// The longest pause of a refused poller, in seconds. AWS documents that pollers back off and not how far.
const LONGEST_PAUSE_S: u32 = 60;

/// Seconds between two attempts at a failed batch of a stream. AWS documents none.
const STREAM_PAUSE_S: u32 = 1;

impl World {
    /// What pollers do at the beginning of each second.
    pub(super) fn poll_sources(&mut self) {
        for place in 0..self.polled.len() {
            let Some(&function) = self.polled.get(place) else { break };
            let queues = self.functions.get(function).map_or(0, |fun| fun.queues.len());
            for queue in 0..queues {
                self.expire_messages(function, queue);
                self.poll(function, queue);
            }
            let streams = self.functions.get(function).map_or(0, |fun| fun.streams.len());
            for stream in 0..streams {
                let found = self.functions.get(function).and_then(|fun| fun.streams.get(stream));
                for lane in 0..found.map_or(0, |stream| stream.lanes.len()) {
                    self.feed(function, stream, lane);
                }
            }
        }
    }

    /// Messages arrive in a queue.
    pub(super) fn enqueue(&mut self, function: usize, queue: usize, attempt: Try, count: u32) {
        if let Some(found) = self.functions.get_mut(function).and_then(|fun| fun.queues.get_mut(queue)) {
            found.ready.push(attempt, count);
        }
        self.poll(function, queue);
    }

    /// A message becomes visible again, unless its retention has ended meanwhile.
    pub(super) fn redeliver(&mut self, function: usize, queue: usize, attempt: Try) {
        let found = self.functions.get(function).and_then(|fun| fun.queues.get(queue));
        let Some(retention_s) = found.map(|queue| queue.retention_s) else { return };
        if self.second.saturating_sub(attempt.born_s) > retention_s {
            self.expire(Cohort { attempt, count: 1 });
        } else {
            self.enqueue(function, queue, attempt, 1);
        }
    }

    fn expire_messages(&mut self, function: usize, queue: usize) {
        let second = self.second;
        let Some(found) = self.functions.get_mut(function).and_then(|fun| fun.queues.get_mut(queue)) else {
            return;
        };
        found.scale();
        let gone = match second.checked_sub(found.retention_s) {
            Some(oldest) => found.ready.expire(oldest),
            None => return,
        };
        for cohort in gone {
            self.expire(cohort);
        }
    }

    /// Kept too long: events that reached no dead-letter queue are lost.
    fn expire(&mut self, cohort: Cohort) {
        if let Some(class) = self.classes.get_mut(usize::from(cohort.attempt.class)) {
            class.tally.lost += u64::from(cohort.count);
        }
    }

    /// Starts as many batches as pollers, concurrency and messages allow.
    fn poll(&mut self, function: usize, queue: usize) {
        loop {
            let second = self.second;
            let Some(found) = self.functions.get_mut(function).and_then(|fun| fun.queues.get_mut(queue))
            else {
                return;
            };
            if found.ready.waiting == 0 || found.running >= found.limit() || second < found.paused_until_s {
                return;
            }
            let Some(class) =
                found.ready.first_class().and_then(|class| self.classes.get_mut(usize::from(class)))
            else {
                return;
            };
            let parts = found.ready.take(found.batch_size, &mut class.order);
            let batch = Batch { parts, failures: 0 };
            let Some(attempt) = leading(&batch) else { return };
            let environment = self.admit(function);
            let Some(fun) = self.functions.get_mut(function) else { return };
            let events = u64::from(batch.len());
            let Some(found) = fun.queues.get_mut(queue) else { return };
            match environment {
                Some(environment) => {
                    found.pause_s = 0;
                    found.running += 1;
                    if found.tells_events {
                        add(&mut fun.point.polled_events, events);
                        add(&mut fun.point.invoked_events, events);
                    }
                    let load = Load::Messages { queue, batch, received_s: second };
                    self.run(function, attempt, environment, load);
                }
                None => {
                    // A refused batch was received all the same: it comes back, and its receives count.
                    found.pause_s = (found.pause_s * 2).clamp(1, LONGEST_PAUSE_S);
                    found.paused_until_s = second + found.pause_s;
                    fun.point.throttles += 1;
                    if let Some(class) = self.classes.get_mut(usize::from(attempt.class)) {
                        class.tally.throttles += 1;
                    }
                    self.come_back(function, queue, batch.parts, second, false);
                    return;
                }
            }
        }
    }

    /// A batch of messages is done.
    pub(super) fn messages_done(
        &mut self,
        function: usize,
        queue: usize,
        batch: Batch,
        received_s: u32,
        failed: bool,
    ) {
        let Some(found) = self.functions.get_mut(function).and_then(|fun| fun.queues.get_mut(queue)) else {
            return;
        };
        found.running -= 1;
        let reports_parts = found.partial_batch && batch.has_poison();
        let (back, done): (Vec<Cohort>, Vec<Cohort>) =
            batch.parts.into_iter().partition(|part| failed && (!reports_parts || part.attempt.poison));
        for part in done {
            self.served(part.attempt, part.count);
        }
        if !back.is_empty() {
            self.come_back(function, queue, back, received_s, true);
        }
        self.poll(function, queue);
    }

    /// Messages become visible again, or go to the dead-letter queue.
    fn come_back(&mut self, function: usize, queue: usize, parts: Vec<Cohort>, received_s: u32, ran: bool) {
        let Some(found) = self.functions.get(function).and_then(|fun| fun.queues.get(queue)) else { return };
        let (visibility_s, max_receives) = (found.visibility_s, found.max_receives);
        for Cohort { attempt, count } in parts {
            let receives = attempt.errors.saturating_add(1);
            if max_receives.is_some_and(|most| u32::from(receives) >= most) {
                self.give_up(attempt, function, count);
                continue;
            }
            let again = Try { errors: receives, repeated: attempt.repeated || ran, ..attempt };
            self.later.push((received_s + visibility_s).max(self.second + 1), again, count);
        }
    }

    /// A record arrives in a stream.
    pub(super) fn record(&mut self, function: usize, stream: usize, attempt: Try) {
        let Some(found) = self.functions.get_mut(function).and_then(|fun| fun.streams.get_mut(stream)) else {
            return;
        };
        let lane = found.next % found.lanes.len().max(1);
        found.next = lane + 1;
        if let Some(place) = found.lanes.get_mut(lane) {
            place.line.push(attempt, 1);
            // What arrives while a batch runs goes into the next one.
            if place.is_busy {
                return;
            }
        }
        self.feed(function, stream, lane);
    }

    /// Starts a lane's next batch, if it is idle and has one.
    fn feed(&mut self, function: usize, stream: usize, lane: usize) {
        let second = self.second;
        let Some(found) = self.functions.get_mut(function).and_then(|fun| fun.streams.get_mut(stream)) else {
            return;
        };
        let (batch_size, oldest) = (found.batch_size, second.checked_sub(found.retention_s));
        let is_enabled = found.enabled;
        let Some(place) = found.lanes.get_mut(lane) else { return };
        if place.is_busy || !is_enabled || second < place.paused_until_s {
            return;
        }
        let mut gone = oldest.map_or_else(Vec::new, |oldest| place.line.expire(oldest));
        let mut batch = place.retry.pop_front();
        while let (Some(some), Some(oldest)) = (&batch, oldest) {
            if some.parts.iter().any(|part| part.attempt.born_s >= oldest) {
                break;
            }
            gone.extend(batch.take().map(|batch| batch.parts).unwrap_or_default());
            batch = place.retry.pop_front();
        }
        let is_retry = batch.is_some();
        let first = place.line.first_class().and_then(|class| self.classes.get_mut(usize::from(class)));
        let batch = match (batch, first) {
            (Some(batch), _) => batch,
            (None, Some(class)) => {
                Batch { parts: place.line.take(batch_size, &mut class.order), failures: 0 }
            }
            (None, None) => Batch::default(),
        };
        for cohort in gone {
            self.expire(cohort);
        }
        let Some(attempt) = leading(&batch) else { return };
        let environment = self.admit(function);
        let Some(fun) = self.functions.get_mut(function) else { return };
        let events = u64::from(batch.len());
        let Some(found) = fun.streams.get_mut(stream) else { return };
        let tells_events = found.tells_events;
        let Some(place) = found.lanes.get_mut(lane) else { return };
        match environment {
            Some(environment) => {
                place.is_busy = true;
                place.pause_s = 0;
                if tells_events {
                    add(&mut fun.point.polled_events, if is_retry { 0 } else { events });
                    add(&mut fun.point.invoked_events, events);
                }
                self.run(function, attempt, environment, Load::Records { stream, lane, batch });
            }
            None => {
                // "Throttles don't count as retries" for streams: the same batch is tried until its records expire.
                place.retry.push_front(batch);
                place.pause_s = (place.pause_s * 2).clamp(1, LONGEST_PAUSE_S);
                place.paused_until_s = second + place.pause_s;
                fun.point.throttles += 1;
                if let Some(class) = self.classes.get_mut(usize::from(attempt.class)) {
                    class.tally.throttles += 1;
                }
            }
        }
    }

    /// A batch of records is done.
    pub(super) fn records_done(
        &mut self,
        function: usize,
        stream: usize,
        lane: usize,
        batch: Batch,
        failed: bool,
    ) {
        let second = self.second;
        let Some(found) = self.functions.get_mut(function).and_then(|fun| fun.streams.get_mut(stream)) else {
            return;
        };
        let (max_retries, bisect) = (found.max_retries, found.bisect);
        let Some(place) = found.lanes.get_mut(lane) else { return };
        place.is_busy = false;
        let mut given_up = Vec::new();
        let mut served = Vec::new();
        if !failed {
            served = batch.parts;
        } else if bisect && batch.len() > 1 {
            // Splitting does not use up retries.
            let failures = batch.failures;
            let (first, second) = batch.repeated().halves();
            place.retry.push_front(Batch { failures, ..second });
            place.retry.push_front(Batch { failures, ..first });
        } else if max_retries.is_some_and(|most| batch.failures >= most) {
            given_up = batch.parts;
        } else {
            let failures = batch.failures + 1;
            place.retry.push_front(Batch { failures, ..batch.repeated() });
            place.paused_until_s = second + STREAM_PAUSE_S;
        }
        for part in served {
            self.served(part.attempt, part.count);
        }
        for part in given_up {
            self.give_up(part.attempt, function, part.count);
        }
        self.feed(function, stream, lane);
    }
}

/// The attempt that stands for a batch: its duration and failures follow the traffic with the most events in it.
fn leading(batch: &Batch) -> Option<Try> {
    let biggest =
        batch.parts.iter().max_by_key(|part| (part.count, narrow_class(usize::MAX) - part.attempt.class))?;
    let repeated: u32 = batch.parts.iter().filter(|part| part.attempt.repeated).map(|part| part.count).sum();
    Some(Try { repeated: repeated * 2 > batch.len(), duplicate: false, ..biggest.attempt })
}

/// Adds to a metric.
fn add(metric: &mut Option<u64>, count: u64) {
    *metric = Some(metric.unwrap_or(0) + count);
}
