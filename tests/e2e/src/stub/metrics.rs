//! CloudWatch: what functions do every minute, what some did in some minutes instead, and sums of both over functions
//! and hours, in Smithy RPC v2 CBOR.

use std::collections::BTreeMap;

use ciborium::Value;

use crate::http::Message;

/// What a function does in a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Invocations.
    pub invocations: u64,
    /// Invocations that fail.
    pub errors: u64,
    /// Invocations refused.
    pub throttles: u64,
    /// Microseconds of all invocations together.
    pub duration_us: u64,
    /// Environments busy at the same time.
    pub concurrency: u64,
    /// Events that its own queue received; `None`: Lambda publishes no such metric of it.
    pub received: Option<u64>,
}

/// What functions did.
#[derive(Debug, Default)]
pub struct Metrics {
    /// By function: in every minute.
    usual: BTreeMap<String, Load>,
    /// By function and minute: instead of the usual.
    of_minute: BTreeMap<String, BTreeMap<i64, Load>>,
    usual_of_all: Load,
    /// Of the region, by minute: instead of the sum of its functions.
    of_all: BTreeMap<i64, Load>,
}

impl Load {
    /// So many invocations of so many milliseconds.
    pub const fn of(invocations: u64, duration_ms: u64) -> Self {
        Load {
            invocations,
            errors: 0,
            throttles: 0,
            duration_us: invocations * duration_ms * 1000,
            concurrency: (invocations * duration_ms).div_ceil(60_000),
            received: None,
        }
    }

    /// Both. Of concurrency the highest counts, as the statistic that is asked for is its maximum.
    fn and(self, other: Load) -> Self {
        Load {
            invocations: self.invocations + other.invocations,
            errors: self.errors + other.errors,
            throttles: self.throttles + other.throttles,
            duration_us: self.duration_us + other.duration_us,
            concurrency: self.concurrency.max(other.concurrency),
            received: self.received.map_or(other.received, |count| Some(count + other.received.unwrap_or(0))),
        }
    }

    fn times(self, minutes: u64) -> Self {
        Load {
            invocations: self.invocations * minutes,
            errors: self.errors * minutes,
            throttles: self.throttles * minutes,
            duration_us: self.duration_us * minutes,
            received: self.received.map(|count| count * minutes),
            ..self
        }
    }

    /// The value that CloudWatch has of a metric, if any: milliseconds with fractions, and counts.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    fn value(self, metric: &str) -> Option<f64> {
        Some(match metric {
            "Invocations" => self.invocations as f64,
            "Errors" => self.errors as f64,
            "Throttles" => self.throttles as f64,
            "Duration" => self.duration_us as f64 / 1000.0,
            "ConcurrentExecutions" => self.concurrency as f64,
            "AsyncEventsReceived" => return self.received.map(|count| count as f64),
            other => panic!("nobody publishes {other}"),
        })
    }
}

impl Metrics {
    /// What a function does in every minute of all time for which nothing else is said.
    pub fn usually(&mut self, function: &str, load: Load) {
        self.usual_of_all = self.usual_of_all.and(load);
        let before = self.usual.insert(function.to_owned(), load);
        assert_eq!(before, None, "said twice of {function}");
    }

    /// What a function did in one minute.
    pub fn at(&mut self, function: &str, minute: i64, load: Load) {
        self.of_minute.entry(function.to_owned()).or_default().insert(minute, load);
    }

    /// What the region did in one minute, where the sum of its functions does not tell.
    pub fn at_all(&mut self, minute: i64, load: Load) {
        self.of_all.insert(minute, load);
    }

    /// The load of so many minutes, of one function or of all; `None` where nothing is published.
    fn load(&self, function: Option<&str>, first: i64, minutes: i64) -> Option<Load> {
        if function.is_none() && !self.of_all.is_empty() {
            let said = self.of_all.range(first..first + minutes).map(|(_, load)| *load);
            return said.reduce(Load::and);
        }
        let all = u64::try_from(minutes).unwrap_or_default();
        let (mut sum, mut is_said) = (Load::default(), false);
        // Without what was said of single minutes of functions, everybody's usual is one number.
        let mut usual = function.map_or(self.usual_of_all, |name| self.usual_of(name)).times(all);
        let names =
            function.map_or_else(|| self.of_minute.keys().map(String::as_str).collect(), |name| vec![name]);
        for name in names {
            let said =
                self.of_minute.get(name).into_iter().flat_map(|said| said.range(first..first + minutes));
            let (load, count) =
                said.fold((Load::default(), 0), |(sum, count), (_, load)| (sum.and(*load), count + 1));
            let instead = self.usual_of(name).times(count);
            usual.invocations -= instead.invocations;
            usual.errors -= instead.errors;
            usual.throttles -= instead.throttles;
            usual.duration_us -= instead.duration_us;
            if count == all && function.is_some() {
                usual.concurrency = 0;
            }
            sum = sum.and(load);
            is_said |= count > 0;
        }
        let load = sum.and(usual);
        (is_said || load != Load::default()).then_some(load)
    }

    fn usual_of(&self, name: &str) -> Load {
        self.usual.get(name).copied().unwrap_or_default()
    }

    /// `GetMetricData`: everything that was asked, complete, in one page.
    pub(super) fn answer(&self, request: &[u8]) -> Message {
        let request: Value = ciborium::from_reader(request).unwrap();
        let time = |name: &str| match field(&request, name) {
            Some(Value::Tag(_, at)) => whole(at),
            other => panic!("{name} is {other:?}"),
        };
        let (start, end) = (time("StartTime"), time("EndTime"));
        let queries = field(&request, "MetricDataQueries").and_then(Value::as_array).unwrap();
        let results = queries.iter().map(|query| self.result(query, start, end)).collect();
        let answer = Value::Map(vec![(text("MetricDataResults"), Value::Array(results))]);
        let mut body = Vec::new();
        ciborium::into_writer(&answer, &mut body).unwrap();
        Message::new("HTTP/1.1 200 OK", body)
            .with("content-type", "application/cbor")
            .with("smithy-protocol", "rpc-v2-cbor")
    }

    fn result(&self, query: &Value, start: i64, end: i64) -> Value {
        let stat = field(query, "MetricStat").unwrap();
        let metric = field(stat, "Metric").unwrap();
        let name = field(metric, "MetricName").and_then(Value::as_text).unwrap();
        let dimension = field(metric, "Dimensions").and_then(Value::as_array).and_then(|all| all.first());
        let function = dimension.and_then(|dimension| field(dimension, "Value")?.as_text());
        let period = whole(field(stat, "Period").unwrap());
        let (mut times, mut values) = (Vec::new(), Vec::new());
        for place in start.div_euclid(period)..end.div_euclid(period) {
            let load = self.load(function, place * period / 60, period / 60);
            if let Some(value) = load.and_then(|load| load.value(name)) {
                times.push(Value::Tag(1, Box::new(Value::Integer((place * period).into()))));
                values.push(Value::Float(value));
            }
        }
        Value::Map(vec![
            (text("Id"), field(query, "Id").unwrap().clone()),
            (text("Label"), text(name)),
            (text("Timestamps"), Value::Array(times)),
            (text("Values"), Value::Array(values)),
            (text("StatusCode"), text("Complete")),
        ])
    }
}

fn field<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    map.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A whole number, however it is written.
#[expect(clippy::cast_possible_truncation, reason = "seconds of this century")]
fn whole(value: &Value) -> i64 {
    match value {
        Value::Integer(number) => i64::try_from(*number).unwrap(),
        Value::Float(number) => *number as i64,
        other => panic!("{other:?} is no number"),
    }
}
