//! From a stage to a world.

use guard_core::time::Minute;

use super::admission::{Pool, SCALING, requests_of};
use super::bucket::Bucket;
use super::dice::{Concern, Dice};
use super::function::{Asynchronous, Fun};
use super::later::Later;
use super::pace::{Feedback, Pace};
use super::source::{Lane, Line, POLLERS, Queue, Stream};
use super::span::Span;
use super::tally::Tally;
use super::traffic::{Class, Emits, Flow, NEVER, narrow_class};
use super::warm::Warm;
use super::{SECOND_US, World};
use crate::scenario::{FunctionSpec, Kind, QueueSpec, Reuse, StreamSpec};
use crate::stage::{self, Performer, Stage};

/// The traffic that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cast {
    /// All traffic.
    Everyone,
    /// Legitimate traffic only, as a perfect guard would let through.
    LegitimateOnly,
}

impl World {
    /// A world at its first moment.
    pub fn new(stage: &Stage, start: Minute, cast: Cast, seed: u64) -> World {
        let functions: Vec<Fun> = stage.functions.iter().map(function).collect();
        let classes: Vec<Class> =
            stage.traffic.iter().enumerate().map(|(index, actor)| class(actor, index, cast, seed)).collect();
        let (lawful, counted) = (0..classes.len()).partition(|index| {
            classes.get(*index).is_some_and(|class| matches!(class.flow, Flow::Law { .. }))
        });
        let polled = (0..functions.len())
            .filter(|index| {
                functions.get(*index).is_some_and(|fun| !fun.queues.is_empty() || !fun.streams.is_empty())
            })
            .collect();
        let limit = stage.account.concurrency;
        let mut world = World {
            start,
            second: 0,
            now_us: 0,
            end_of_minute_us: 60 * SECOND_US,
            functions,
            classes,
            pool: Pool { limit, size: limit, busy: 0, requests: requests_of(limit) },
            ends: Default::default(),
            arrivals: Default::default(),
            lawful,
            counted,
            polled,
            later: Later::default(),
            releases: Vec::new(),
            running: Vec::new(),
            free: Vec::new(),
            counters: Vec::new(),
            effects: Default::default(),
            region_peak: 0,
            last_peak: 0,
            region_busy: 0,
            steps: 0,
        };
        world.share_out();
        world
    }
}

fn function(spec: &FunctionSpec) -> Fun {
    let timeout_us = u64::from(spec.timeout_s) * SECOND_US;
    let asynchronous = spec.asynchronous.unwrap_or_default();
    let (per_second, at_once) = SCALING;
    let mut fun = Fun {
        name: spec.name.clone(),
        timeout_us,
        init_us: u64::from(spec.init_ms) * 1000,
        loop_detection: spec.loop_detection,
        reserved: spec.reserved,
        provisioned: spec.provisioned,
        busy: 0,
        busy_provisioned: 0,
        warm: Warm::new(spec.reuse, u64::from(spec.idle_expiry_s) * SECOND_US),
        is_numbered: spec.reuse == Reuse::LastCreated,
        scaling: Bucket::new(per_second, at_once),
        requests: requests_of(spec.reserved.unwrap_or(0)),
        asynchronous: Asynchronous {
            is_used: spec.asynchronous.is_some(),
            max_retries: asynchronous.max_retries,
            max_event_age_s: asynchronous.max_event_age_s,
            on_failure: asynchronous.on_failure,
            duplicates_at_rest: asynchronous.duplicates_at_rest,
            duplicates_under_load: asynchronous.duplicates_under_load,
        },
        queues: spec.queues.iter().map(queue).collect(),
        streams: spec.streams.iter().map(stream).collect(),
        counters: Vec::new(),
        point: Default::default(),
        older: Vec::new(),
        peak: 0,
    };
    fun.point = fun.blank();
    fun
}

fn queue(spec: &QueueSpec) -> Queue {
    Queue {
        name: spec.name.clone(),
        ready: Line::default(),
        batch_size: spec.batch_size,
        visibility_s: spec.visibility_s,
        max_receives: spec.max_receive_count,
        retention_s: spec.retention_s,
        partial_batch: spec.partial_batch,
        tells_events: spec.event_metrics,
        max_concurrency: spec.max_concurrency,
        enabled: true,
        running: 0,
        pollers_milli: POLLERS.0 * 1000,
        paused_until_s: 0,
        pause_s: 0,
    }
}

fn stream(spec: &StreamSpec) -> Stream {
    let lanes = spec.shards * spec.parallelization;
    Stream {
        name: spec.name.clone(),
        lanes: (0..lanes).map(|_| Lane::default()).collect(),
        batch_size: spec.batch_size,
        max_retries: spec.max_retries,
        bisect: spec.bisect,
        retention_s: spec.retention_s,
        on_failure: spec.on_failure,
        tells_events: spec.event_metrics,
        enabled: true,
        next: 0,
    }
}

fn class(actor: &Performer, index: usize, cast: Cast, seed: u64) -> Class {
    let dice = |concern| Dice::new(seed, concern, index);
    let mut arrivals = dice(Concern::Arrivals);
    let is_absent = cast == Cast::LegitimateOnly && actor.kind == Kind::Attack;
    let until_s = if is_absent { actor.from_s } else { actor.until_s };
    let flow = match &actor.flow {
        stage::Flow::Law(rate) => {
            let left = arrivals.exponential();
            Flow::Law { pace: Pace::new(rate, dice(Concern::Rates)), rps: 0.0, left }
        }
        stage::Flow::Counts(per_minute) => {
            Flow::Counts { per_minute: per_minute.clone(), left: 0, gap_us: 0.0, base_us: 0.0 }
        }
    };
    Class {
        name: actor.name.clone(),
        kind: actor.kind,
        function: actor.function,
        via: actor.via,
        through: actor.through,
        flow,
        from_s: actor.from_s,
        until_s,
        span: Span::new(&actor.duration),
        failing: actor.failing,
        poison: actor.poison,
        client: actor.client,
        emits: actor.emits.as_ref().map(|(to, terms)| Emits {
            to: narrow_class(*to),
            gain: terms.gain,
            delay_s: terms.delay_s,
        }),
        arrivals,
        durations: dice(Concern::Durations),
        failures: dice(Concern::Failures),
        repeats: dice(Concern::Repeats),
        order: dice(Concern::Order),
        tally: Tally::default(),
        feedback: Feedback::default(),
        before: (0, 0),
        next_us: NEVER,
    }
}
