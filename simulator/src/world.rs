//! A model of AWS Lambda: one account and region, invocation by invocation. `MODEL.md` cites the AWS document of each
//! rule and lists where the model departs from it.
//!
//! Time moves in microseconds within seconds: at the beginning of each second rates are read, what comes back is
//! released and pollers look; then arrivals and ends follow in order. What waits is kept as counts, so memory does not
//! grow with the number of invocations.

mod admission;
mod bucket;
mod build;
mod counter;
mod dice;
mod event_source;
mod function;
mod later;
mod outcome;
mod pace;
mod source;
mod span;
mod tally;
mod traffic;
mod warm;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use guard_core::observation::Point;
use guard_core::plan::Change;
use guard_core::time::Minute;

use self::admission::Pool;
use self::function::Fun;
use self::later::Later;
use self::outcome::Running;
use self::traffic::{Class, Release};

pub use self::build::Cast;
pub use self::dice::{Concern, Dice};
pub use self::span::MeanLaw;
pub use self::tally::{Tally, TrafficTally};

/// Microseconds in a second.
const SECOND_US: u64 = 1_000_000;

/// The account as it lives.
#[derive(Clone, Debug)]
pub struct World {
    start: Minute,
    /// The second that is lived now or next, from the start.
    second: u32,
    now_us: u64,
    end_of_minute_us: u64,
    functions: Vec<Fun>,
    classes: Vec<Class>,
    pool: Pool,
    /// Ends by time, function and slot.
    ends: BinaryHeap<Reverse<(u64, u32, u32)>>,
    /// Next arrivals by time and traffic, or by time and release (numbered after the traffics).
    arrivals: BinaryHeap<Reverse<(u64, u32)>>,
    /// Traffics that follow a law, whose rate may change at any second.
    lawful: Vec<usize>,
    /// Traffics of a trace, whose counts are read at every minute.
    counted: Vec<usize>,
    /// Functions with queues or streams.
    polled: Vec<usize>,
    later: Later,
    releases: Vec<Release>,
    running: Vec<Option<Box<Running>>>,
    free: Vec<u32>,
    /// What counters in functions' own code have left, in pico-dollars.
    counters: Vec<i128>,
    /// Changes of settings by the second in which they bite.
    effects: BTreeMap<u32, Vec<(usize, Change)>>,
    region_peak: u32,
    last_peak: u32,
    region_busy: u32,
    steps: u64,
}

/// What one function's metrics say at the end of a minute: points by the minute in which invocations began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MinuteMetrics {
    /// The function's place among the functions.
    pub function: usize,
    /// The minute of the start, and what ended or happened in the minute just lived.
    pub points: Vec<(Minute, Point)>,
}

/// An end without anything to remember: the environment becomes idle.
const PLAIN: u32 = u32::MAX;

impl World {
    /// The minute that begins now.
    pub fn minute(&self) -> Minute {
        self.start.plus(i64::from(self.second / 60))
    }

    /// Seconds lived.
    pub fn second(&self) -> u32 {
        self.second
    }

    /// Simulates sixty seconds and returns their metrics, by function.
    pub fn live_minute(&mut self) -> Vec<MinuteMetrics> {
        self.end_of_minute_us = self.now_us + 60 * SECOND_US;
        for _ in 0..60 {
            self.live_second();
        }
        self.flush()
    }

    fn live_second(&mut self) {
        let end = self.now_us + SECOND_US;
        self.take_effect();
        self.set_rates();
        self.release();
        self.poll_sources();
        loop {
            let next_end = self.ends.peek().map_or(u64::MAX, |Reverse((at, _, _))| *at);
            let next_arrival = self.arrivals.peek().map_or(u64::MAX, |Reverse((at, _))| *at);
            if next_end <= next_arrival {
                if next_end >= end {
                    break;
                }
                if let Some(Reverse((at, function, slot))) = self.ends.pop() {
                    self.now_us = at;
                    self.steps += 1;
                    self.finish(function as usize, slot);
                }
            } else {
                if next_arrival >= end {
                    break;
                }
                self.now_us = next_arrival;
                self.steps += 1;
                self.next_arrival();
            }
        }
        self.now_us = end;
        self.second += 1;
    }

    /// Changes a setting of a function after so many seconds.
    pub fn schedule(&mut self, function: usize, change: Change, delay_s: u32) {
        self.effects.entry(self.second + delay_s).or_default().push((function, change));
    }

    /// Reserved concurrency in force.
    pub fn reserved(&self, function: usize) -> Option<u32> {
        self.functions.get(function).and_then(|function| function.reserved)
    }

    /// Environments busy now, of one function.
    pub fn busy(&self, function: usize) -> u32 {
        self.functions.get(function).map_or(0, |function| function.busy)
    }

    /// Environments busy now, of all functions.
    pub fn busy_in_all(&self) -> u32 {
        self.region_busy
    }

    /// Arrivals and ends lived: the work done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What became of each traffic so far, in the order of the scenario.
    pub fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.classes.iter().map(|class| &class.tally)
    }

    /// Each traffic by name with what became of it.
    pub fn traffic(&self) -> Vec<TrafficTally> {
        let named = self.classes.iter().map(|class| TrafficTally {
            traffic: class.name.clone(),
            function: self.functions.get(class.function).map_or_else(String::new, |fun| fun.name.clone()),
            kind: class.kind,
            tally: class.tally,
        });
        named.collect()
    }

    /// Events that wait for a function: in its queues, its streams and to be tried again.
    pub fn waiting(&self, function: usize) -> u64 {
        let Some(fun) = self.functions.get(function) else { return 0 };
        let queued: u64 = fun.queues.iter().map(|queue| queue.ready.waiting).sum();
        let lined: u64 = fun.streams.iter().flat_map(|stream| &stream.lanes).map(|lane| lane.waiting()).sum();
        let again = self.later.iter().filter(|cohort| {
            self.classes
                .get(usize::from(cohort.attempt.class))
                .is_some_and(|class| class.function == function)
        });
        queued + lined + again.map(|cohort| u64::from(cohort.count)).sum::<u64>()
    }

    /// Everything that happened in the minute, by function.
    fn flush(&mut self) -> Vec<MinuteMetrics> {
        let minute = self.minute().plus(-1);
        let mut told = Vec::new();
        for (index, fun) in self.functions.iter_mut().enumerate() {
            if fun.is_quiet() {
                continue;
            }
            let mut points = std::mem::take(&mut fun.older);
            points.push((minute, Point { concurrency_max: fun.peak, ..fun.point }));
            fun.point = fun.blank();
            fun.peak = fun.busy;
            told.push(MinuteMetrics { function: index, points });
        }
        for class in &mut self.classes {
            class.turn_minute();
        }
        self.last_peak = self.region_peak;
        self.region_peak = self.region_busy;
        told
    }

    /// The most environments busy at once in the minute just lived, of all functions.
    pub fn last_peak(&self) -> u32 {
        self.last_peak
    }

    /// What limits a function now: its reservation, that of the queues it polls, or its own counters.
    pub fn cap(&self, function: usize) -> Option<u32> {
        let fun = self.functions.get(function)?;
        let of_queues =
            fun.queues.iter().map(|queue| if queue.enabled { queue.max_concurrency } else { Some(0) });
        let of_streams = fun.streams.iter().map(|stream| (!stream.enabled).then_some(0));
        let of_counters = self.is_used_up(fun).then_some(0);
        fun.reserved.into_iter().chain(of_counters).chain(of_queues.chain(of_streams).flatten()).min()
    }
}
