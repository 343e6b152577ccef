//! CloudWatch as it is: one-minute points stamped with the invocation's start, sent at its end, some of them late.

use std::collections::{BTreeMap, VecDeque};

use guard_core::name::FunctionName;
use guard_core::observation::{Census, CensusSlice, Freshness, Observation, Point, Series};
use guard_core::time::{Hour, Minute};

use crate::history::Past;
use crate::world::MinuteMetrics;

/// Metrics of an account.
#[derive(Clone, Debug)]
pub struct CloudWatch<'a> {
    /// The traffic before the start.
    past: Past<'a>,
    functions: Vec<Kept>,
    region: Kept,
    /// Points that were sent and do not show yet, by the minute at whose beginning they show. `None` is the region.
    pending: BTreeMap<Minute, Vec<(Option<usize>, Minute, Point)>>,
    delay_s: u32,
    late_share_per_mille: u64,
}

/// Points of one function or of the region.
#[derive(Clone, Debug, Default)]
struct Kept {
    minutes: VecDeque<(Minute, Point)>,
    hours: VecDeque<(Hour, Point)>,
}

/// Minutes kept: the longest time-out, lag and re-read window with room to spare.
const MINUTES_KEPT: i64 = 400;

/// The data that a look asks for.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// The minute at whose beginning the look happens.
    pub at: Minute,
    /// The oldest minute asked for.
    pub from: Minute,
    /// Functions asked for minute by minute, as places, ascending.
    pub focus: &'a [usize],
    /// Functions of which only durations are asked for, likewise.
    pub glance: &'a [Glanced],
    /// Hours asked for, and the functions they are asked of.
    pub census: Option<CensusSlice>,
    /// The newest minute that should have settled, for telling late from quiet.
    pub settled: Minute,
    /// Names by place.
    pub names: &'a [FunctionName],
    /// Whether queries for single functions answer.
    pub functions_answer: bool,
}

/// The metrics asked of a function besides its durations.
#[derive(Clone, Copy, Debug)]
pub struct Glanced {
    /// Its place.
    pub place: usize,
    /// Whether invocations are asked for.
    pub invocations: bool,
    /// Whether concurrency is.
    pub concurrency: bool,
}

impl<'a> CloudWatch<'a> {
    /// Of the functions of a stage. Points show `delay_s` after the end of the minute in which they were sent; of counts,
    /// `late_share` one minute later still.
    pub fn new(past: Past<'a>, delay_s: u32, late_share: f64) -> Self {
        CloudWatch {
            functions: vec![Kept::default(); past.stage.functions.len()],
            past,
            region: Kept::default(),
            pending: BTreeMap::new(),
            delay_s,
            late_share_per_mille: per_mille(late_share),
        }
    }

    /// Takes in the points sent in a minute, `extra_min` later than usual.
    pub fn publish(&mut self, minute: Minute, told: &[MinuteMetrics], region_peak: u32, extra_min: u32) {
        let delay_min = i64::from(self.delay_s.div_ceil(60)) + i64::from(extra_min);
        let shows = minute.plus(1 + delay_min);
        // The region's totals are the sums of what functions show, late parts of them late.
        let mut region: Vec<(Minute, Point, Point)> = Vec::new();
        for metrics in told {
            for (began, point) in &metrics.points {
                let (now, late) = self.split(*point);
                self.file(shows, Some(metrics.function), *began, now);
                if let Some(late) = late {
                    self.file(shows.plus(1), Some(metrics.function), *began, late);
                }
                let counts = Point {
                    concurrency_max: 0,
                    async_received: None,
                    polled_events: None,
                    invoked_events: None,
                    ..now
                };
                let late = late.unwrap_or_default();
                match region.iter_mut().find(|(at, _, _)| at == began) {
                    Some((_, shown, later)) => (*shown, *later) = (shown.plus(counts), later.plus(late)),
                    None => region.push((*began, counts, late)),
                }
            }
        }
        for (began, point, late) in region {
            let peak = if began == minute { region_peak } else { 0 };
            self.file(shows, None, began, Point { concurrency_max: peak, ..point });
            if late != Point::default() {
                self.file(shows.plus(1), None, began, late);
            }
        }
    }

    fn file(&mut self, shows: Minute, of: Option<usize>, began: Minute, point: Point) {
        self.pending.entry(shows).or_default().push((of, began, point));
    }

    /// The part of a point that shows at once and the part that shows a minute later.
    fn split(&self, point: Point) -> (Point, Option<Point>) {
        let share = self.late_share_per_mille;
        let late_of = |count: u64| count * share / 1000;
        let late = Point {
            invocations: late_of(point.invocations),
            errors: late_of(point.errors),
            duration_us: late_of(point.duration_us),
            ..Point::default()
        };
        if late == Point::default() {
            return (point, None);
        }
        let now = Point {
            invocations: point.invocations - late.invocations,
            errors: point.errors - late.errors,
            duration_us: point.duration_us - late.duration_us,
            ..point
        };
        (now, Some(late))
    }

    /// Answers a look.
    pub fn look(&mut self, query: &Query<'_>) -> Observation {
        self.settle(query.at);
        let region = self.region.since(query.from);
        let newest = region.last().map(|(minute, _)| *minute);
        let freshness = Freshness::of_region(newest, query.settled);
        let functions = query.focus.iter().filter_map(|place| {
            let (name, kept) = (query.names.get(*place)?, self.functions.get(*place)?);
            let series = if query.functions_answer {
                kept.answer(query, freshness)
            } else {
                Series { freshness: Freshness::Unknown, ..Series::default() }
            };
            Some((name.clone(), series))
        });
        let glances = query.glance.iter().filter_map(|asked| {
            let (name, kept) = (query.names.get(asked.place)?, self.functions.get(asked.place)?);
            let mut series =
                if query.functions_answer { kept.answer(query, freshness) } else { Series::default() };
            series.minutes.iter_mut().for_each(|(_, point)| *point = asked.of(point));
            Some((name.clone(), series))
        });
        Observation {
            at: query.at.start(),
            from: query.from,
            glances: glances.collect(),
            functions: functions.collect(),
            census: query
                .census
                .clone()
                .filter(|_| query.functions_answer)
                .map(|asked| self.census(asked, query)),
            region: Series { freshness, minutes: region },
        }
    }

    fn census(&self, asked: CensusSlice, query: &Query<'_>) -> Census {
        let live = |kept: &Kept| {
            let hours = kept.hours.iter().filter(|(hour, _)| *hour >= asked.first && *hour <= asked.last);
            hours.copied().collect::<Vec<_>>()
        };
        let functions = asked.functions.iter().filter_map(|name| {
            let place = query.names.binary_search(name).ok()?;
            let mut hours = self.past.hours(place, asked.first, asked.last);
            hours.extend(live(self.functions.get(place)?));
            Some((name.clone(), hours))
        });
        Census { region: live(&self.region), functions: functions.collect(), asked }
    }

    /// Lets everything show that is due.
    fn settle(&mut self, at: Minute) {
        while let Some(first) = self.pending.first_entry() {
            if *first.key() > at {
                break;
            }
            for (of, began, point) in first.remove() {
                let kept = match of {
                    None => Some(&mut self.region),
                    Some(place) => self.functions.get_mut(place),
                };
                if let Some(kept) = kept {
                    kept.add(began, &point, at);
                }
            }
        }
    }
}

impl Kept {
    fn add(&mut self, began: Minute, point: &Point, at: Minute) {
        merge(&mut self.minutes, began, point);
        merge(&mut self.hours, began.hour(), point);
        let oldest = at.plus(-MINUTES_KEPT);
        while self.minutes.front().is_some_and(|(minute, _)| *minute < oldest) {
            self.minutes.pop_front();
        }
    }

    fn since(&self, from: Minute) -> Vec<(Minute, Point)> {
        let first = self.minutes.partition_point(|(minute, _)| *minute < from);
        self.minutes.range(first..).copied().collect()
    }

    fn answer(&self, query: &Query<'_>, region: Freshness) -> Series {
        let minutes = self.since(query.from);
        let newest = minutes.last().map(|(minute, _)| *minute);
        let freshness = Freshness::of_function(region, newest, query.settled);
        Series { freshness, minutes }
    }
}

impl Glanced {
    /// The part of a point that a glance shows.
    fn of(&self, point: &Point) -> Point {
        Point {
            invocations: if self.invocations { point.invocations } else { 0 },
            concurrency_max: if self.concurrency { point.concurrency_max } else { 0 },
            duration_us: point.duration_us,
            ..Point::default()
        }
    }
}

/// Adds a point to the one of the same time; times mostly ascend.
fn merge<T: Ord + Copy>(kept: &mut VecDeque<(T, Point)>, at: T, point: &Point) {
    match kept.back_mut() {
        Some((newest, sum)) if *newest == at => {
            *sum = sum.plus(*point);
            return;
        }
        Some((newest, _)) if *newest > at => {}
        _ => {
            kept.push_back((at, *point));
            return;
        }
    }
    let place = kept.partition_point(|(time, _)| *time < at);
    match kept.get_mut(place).filter(|(time, _)| *time == at) {
        Some((_, sum)) => *sum = sum.plus(*point),
        None => kept.insert(place, (at, *point)),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn per_mille(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * 1000.0) as u64
}
