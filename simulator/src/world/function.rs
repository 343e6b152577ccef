//! A function as it runs: its settings in force, its environments, and its metrics of the minute.

use guard_core::observation::Point;
use guard_core::time::Minute;

use super::bucket::Bucket;
use super::source::{Queue, Stream};
use super::warm::Warm;

/// A function as it runs.
#[derive(Clone, Debug)]
pub(super) struct Fun {
    pub(super) name: String,
    pub(super) timeout_us: u64,
    pub(super) init_us: u64,
    pub(super) loop_detection: bool,
    /// Reserved concurrency in force.
    pub(super) reserved: Option<u32>,
    pub(super) provisioned: u32,
    pub(super) busy: u32,
    pub(super) busy_provisioned: u32,
    pub(super) warm: Warm,
    /// Whether an environment's number matters.
    pub(super) is_numbered: bool,
    /// New environments: 1,000 per ten seconds.
    pub(super) scaling: Bucket,
    /// Requests: ten per second and unit of reserved concurrency.
    pub(super) requests: Bucket,
    pub(super) asynchronous: Asynchronous,
    pub(super) queues: Vec<Queue>,
    pub(super) streams: Vec<Stream>,
    /// Counters in its own code: which of the world's, and what an invocation takes from it in pico-dollars.
    pub(super) counters: Vec<(usize, i128)>,
    /// The metrics reported so far of invocations that began in this minute.
    pub(super) point: Point,
    /// The metrics reported of invocations that began earlier.
    pub(super) older: Vec<(Minute, Point)>,
    /// The most environments busy at once in this minute.
    pub(super) peak: u32,
}

/// Asynchronous settings in force; those of a function that nothing invokes so are never read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Asynchronous {
    pub(super) is_used: bool,
    pub(super) max_retries: u8,
    pub(super) max_event_age_s: u32,
    pub(super) on_failure: bool,
    pub(super) duplicates_at_rest: f64,
    pub(super) duplicates_under_load: f64,
}

impl Fun {
    /// An empty point of this function: metrics that it does not have stay absent.
    pub(super) fn blank(&self) -> Point {
        Point { async_received: self.asynchronous.is_used.then_some(0), ..Point::default() }
    }

    /// Whether the minute has nothing to report.
    pub(super) fn is_quiet(&self) -> bool {
        self.peak == 0 && self.older.is_empty() && self.point == self.blank()
    }

    /// Reports an invocation that ended now.
    #[inline]
    pub(super) fn tell(&mut self, began: Minute, now: Minute, duration_us: u64, failed: bool) {
        let point = if began == now {
            &mut self.point
        } else {
            if self.older.last().is_none_or(|(minute, _)| *minute != began) {
                match self.older.iter().position(|(minute, _)| *minute == began) {
                    Some(place) => {
                        let last = self.older.len() - 1;
                        self.older.swap(place, last);
                    }
                    None => self.older.push((began, Point::default())),
                }
            }
            match self.older.last_mut() {
                Some((_, point)) => point,
                None => return,
            }
        };
        point.invocations += 1;
        point.duration_us += duration_us;
        point.errors += u64::from(failed);
    }
}
