//! The content of one call: the metrics of as many functions as its limits allow, over one span.

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use aws_smithy_types::DateTime;
use guard_core::name::FunctionName;
use guard_core::sampling::{
    METRICS_PER_COUNT, METRICS_PER_LOOK, METRICS_PER_SWEEP, POINTS_PER_CALL, QUERIES_PER_CALL,
};
use guard_core::time::{Hour, Minute};

const INVOCATIONS: (&str, &str) = ("Invocations", "Sum");
const ERRORS: (&str, &str) = ("Errors", "Sum");
const THROTTLES: (&str, &str) = ("Throttles", "Sum");
const DURATION: (&str, &str) = ("Duration", "Sum");
const CONCURRENCY: (&str, &str) = ("ConcurrentExecutions", "Maximum");

/// Metrics of a function in focus, with their statistics.
pub(super) const METRICS: [(&str, &str); 5] = [INVOCATIONS, ERRORS, THROTTLES, DURATION, CONCURRENCY];

/// Metrics of the region.
pub(super) const SWEEP: [(&str, &str); 3] = [INVOCATIONS, DURATION, CONCURRENCY];

/// Metrics of a function in the census.
pub(super) const COUNT: [(&str, &str); 4] = [INVOCATIONS, ERRORS, DURATION, CONCURRENCY];

/// The events that Lambda's own queue received for a function; compared with its invocations, how often an event runs.
const RECEIVED: [(&str, &str); 1] = [("AsyncEventsReceived", "Sum")];

/// The cost of a look is computed from this many.
const _: () = assert!(
    METRICS.len() as u64 == METRICS_PER_LOOK
        && SWEEP.len() as u64 == METRICS_PER_SWEEP
        && COUNT.len() as u64 == METRICS_PER_COUNT
);

/// The subject of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The region's totals: metrics without dimension.
    Region,
    /// A function in focus, by its place among the names.
    Function(usize),
    /// A function in the census.
    Counted(usize),
    /// The durations of a function, and whether its invocations and its concurrency are asked for.
    Glanced(usize, bool, bool),
    /// The events that the queue of this function received.
    Received(usize),
}

impl Subject {
    /// The metrics requested for it. Their order is the order in an answer.
    pub(super) const fn metrics(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Subject::Region => &SWEEP,
            Subject::Function(_) => &METRICS,
            Subject::Counted(_) => &COUNT,
            Subject::Glanced(_, false, false) => &[DURATION],
            Subject::Glanced(_, true, false) => &[DURATION, INVOCATIONS],
            Subject::Glanced(_, false, true) => &[DURATION, CONCURRENCY],
            Subject::Glanced(_, true, true) => &[DURATION, INVOCATIONS, CONCURRENCY],
            Subject::Received(_) => &RECEIVED,
        }
    }

    /// Its function, among the names.
    pub(super) fn name(self, names: &[FunctionName]) -> Option<&FunctionName> {
        match self {
            Subject::Region => None,
            Subject::Function(place)
            | Subject::Counted(place)
            | Subject::Glanced(place, ..)
            | Subject::Received(place) => names.get(place),
        }
    }
}

/// Periods, numbered since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Seconds of a period.
    period_s: i32,
    /// The first period.
    first: i64,
    /// The first period beyond.
    end: i64,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// The subjects, in order.
    pub(super) subjects: Vec<Subject>,
    /// The periods.
    pub(super) span: Span,
}

/// As few calls as the limits allow, in the order of the subjects. All metrics of one are in one call, so its series is
/// whole when the call is.
pub(super) fn batches(subjects: &[Subject], span: Span) -> Vec<Batch> {
    let by_points = POINTS_PER_CALL / usize::try_from(span.periods()).unwrap_or(POINTS_PER_CALL);
    let room = by_points.min(QUERIES_PER_CALL);
    let mut batches: Vec<Batch> = Vec::new();
    for subject in subjects {
        match batches.last_mut() {
            Some(batch) if batch.metrics() + subject.metrics().len() <= room => batch.subjects.push(*subject),
            _ => batches.push(Batch { subjects: vec![*subject], span }),
        }
    }
    batches
}

impl Span {
    /// Whole minutes that are over: the minute in which the look is made has hardly begun.
    pub(super) fn minutes(from: Minute, now: Minute) -> Self {
        Span { period_s: 60, first: from.0, end: now.0 }
    }

    /// Hours, first and last.
    pub(super) fn hours(first: Hour, last: Hour) -> Self {
        Span { period_s: 3600, first: first.0, end: last.0.saturating_add(1) }
    }

    /// The number of periods, at least one.
    fn periods(self) -> i64 {
        self.end.saturating_sub(self.first).max(1)
    }

    /// Its beginning and its end: CloudWatch leaves the end out.
    pub(super) fn bounds(self) -> (DateTime, DateTime) {
        let at = |number: i64| DateTime::from_secs(number.saturating_mul(i64::from(self.period_s)));
        (at(self.first), at(self.end))
    }

    /// The period that begins at this instant, if it was requested.
    pub(super) fn number(self, at: &DateTime) -> Option<i64> {
        let period = i64::from(self.period_s);
        let number = at.secs().div_euclid(period);
        let is_start = at.subsec_nanos() == 0 && at.secs().rem_euclid(period) == 0;
        (is_start && self.first <= number && number < self.end).then_some(number)
    }
}

impl Batch {
    /// The call's queries, named by their places.
    pub(super) fn queries(&self, names: &[FunctionName]) -> Vec<MetricDataQuery> {
        let all =
            self.subjects.iter().flat_map(|subject| subject.metrics().iter().map(move |of| (subject, of)));
        all.enumerate()
            .map(|(place, (subject, (name, stat)))| {
                let dimension = subject
                    .name(names)
                    .map(|name| Dimension::builder().name("FunctionName").value(name.as_str()).build());
                let metric = Metric::builder()
                    .namespace("AWS/Lambda")
                    .metric_name(*name)
                    .set_dimensions(dimension.map(|dimension| vec![dimension]))
                    .build();
                let stat =
                    MetricStat::builder().metric(metric).period(self.span.period_s).stat(*stat).build();
                MetricDataQuery::builder().id(format!("q{place}")).metric_stat(stat).return_data(true).build()
            })
            .collect()
    }

    /// Metrics that a request for it asks for.
    pub(super) fn metrics(&self) -> usize {
        self.subjects.iter().map(|subject| subject.metrics().len()).sum()
    }
}

/// The place of the query with this name.
pub(super) fn place_of(id: &str) -> Option<usize> {
    id.strip_prefix('q')?.parse().ok()
}
