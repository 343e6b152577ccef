//! The answer to a call, put together from its pages: points in whole numbers, or the reason why there are none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::types::{MessageData, MetricDataResult, StatusCode};
use guard_core::observation::Point;

use super::query::{Batch, Span, Subject, place_of};

/// The greatest whole number up to which a float represents every one: 2^53.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Why a series is unknown though its call was answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// No result with the query's name, or none with a status.
    Missing,
    /// The result's status, if it is not `Complete` on its last page.
    Status(String),
    /// A point of a time that was not requested, or times without values.
    Misplaced,
    /// A value that is impossible for a count: not a number, negative, or beyond what a float counts exactly.
    Value(&'static str),
}

/// An answer in the making.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    span: Span,
    /// By place of the query.
    results: Vec<Column>,
    /// CloudWatch's messages about the call or about results.
    pub(super) messages: BTreeSet<String>,
}

/// The result of one query, so far.
#[derive(Clone, Debug, Default)]
struct Column {
    points: Vec<(i64, f64)>,
    /// Of its newest page. Partial data may be completed by the next page.
    status: Option<StatusCode>,
    /// A fault that no later page can mend.
    fault: Option<Fault>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Missing => f.write_str("no result, or one without a status"),
            Fault::Status(status) => write!(f, "status {status}"),
            Fault::Misplaced => f.write_str("points of other times than were asked for"),
            Fault::Value(metric) => write!(f, "a value of {metric} that is not from 0 to 2^53"),
        }
    }
}

impl Gathered {
    /// Nothing yet.
    pub(super) fn new(batch: &Batch) -> Self {
        let results = vec![Column::default(); batch.metrics()];
        Gathered { span: batch.span, results, messages: BTreeSet::new() }
    }

    /// Takes in one page.
    pub(super) fn take(&mut self, page: GetMetricDataOutput) {
        self.messages.extend(page.messages().iter().map(text));
        for result in page.metric_data_results() {
            self.messages.extend(result.messages().iter().map(text));
            let place = result.id().and_then(place_of);
            if let Some(known) = place.and_then(|place| self.results.get_mut(place)) {
                known.take(result, self.span);
            }
        }
    }

    /// Points of each of the call's subjects, ascending, each period at most once; or why they are unknown.
    pub(super) fn finish(
        self,
        batch: &Batch,
    ) -> impl Iterator<Item = (Subject, Result<Vec<(i64, Point)>, Fault>)> {
        let mut results = self.results.into_iter();
        batch.subjects.iter().map(move |subject| {
            let columns = subject.metrics().iter().zip(results.by_ref());
            (*subject, series(columns.map(|((name, _), column)| (*name, column))))
        })
    }
}

impl Column {
    fn take(&mut self, result: &MetricDataResult, span: Span) {
        let status = result.status_code().cloned();
        match &status {
            Some(StatusCode::Complete | StatusCode::PartialData) | None => {}
            Some(other) => self.fail(Fault::Status(other.as_str().to_owned())),
        }
        self.status = status;
        if result.timestamps().len() != result.values().len() {
            self.fail(Fault::Misplaced);
        }
        for (at, value) in result.timestamps().iter().zip(result.values()) {
            match span.number(at) {
                Some(number) => self.points.push((number, *value)),
                None => self.fail(Fault::Misplaced),
            }
        }
    }

    /// The first reason counts.
    fn fail(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// Its points, if they are all there.
    fn whole(self) -> Result<Vec<(i64, f64)>, Fault> {
        match (self.fault, self.status) {
            (Some(fault), _) => Err(fault),
            (None, Some(StatusCode::Complete)) => Ok(self.points),
            (None, Some(other)) => Err(Fault::Status(other.as_str().to_owned())),
            (None, None) => Err(Fault::Missing),
        }
    }
}

/// One subject's results as points. If a period has a point of one metric and none of another, the other had nothing to
/// report: Lambda sends metrics only then ("Types of metrics for Lambda functions", read 2026-11).
fn series(columns: impl Iterator<Item = (&'static str, Column)>) -> Result<Vec<(i64, Point)>, Fault> {
    let mut points: BTreeMap<i64, Point> = BTreeMap::new();
    for (metric, result) in columns.collect::<Vec<_>>() {
        for (number, value) in result.whole()? {
            set(points.entry(number).or_default(), metric, value)?;
        }
    }
    Ok(points.into_iter().collect())
}

/// Enters a value. If a period comes twice, the higher value counts: metrics only ever grow.
fn set(point: &mut Point, metric: &'static str, value: f64) -> Result<(), Fault> {
    let fault = Fault::Value(metric);
    let field = match metric {
        "Invocations" => &mut point.invocations,
        "Errors" => &mut point.errors,
        "Throttles" => &mut point.throttles,
        "AsyncEventsReceived" => point.async_received.get_or_insert(0),
        // Milliseconds, with fractions.
        "Duration" => {
            let micros = whole(value * 1000.0).ok_or(fault)?;
            point.duration_us = point.duration_us.max(micros);
            return Ok(());
        }
        _ => {
            let units = whole(value).and_then(|units| u32::try_from(units).ok()).ok_or(fault)?;
            point.concurrency_max = point.concurrency_max.max(units);
            return Ok(());
        }
    };
    *field = (*field).max(whole(value).ok_or(fault)?);
    Ok(())
}

/// The nearest whole number, if it is a possible count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
fn whole(value: f64) -> Option<u64> {
    (0.0..=EXACT_MAX).contains(&value).then(|| value.round() as u64)
}

fn text(message: &MessageData) -> String {
    let line = |part: Option<&str>| part.unwrap_or_default().replace(['\n', '\r'], " ");
    format!("{}: {}", line(message.code()), line(message.value()))
}
