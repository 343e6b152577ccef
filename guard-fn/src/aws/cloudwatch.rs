//! CloudWatch: the region's totals, functions in focus minute by minute, and every function hour by hour in a census.
//! Plain `GetMetricData` queries, five metrics of each; what was asked and not answered in full is unknown, never zero.

mod answer;
mod notes;
mod query;

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::types::{ScanBy, StatusCode};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::{StreamExt, stream};
use guard_core::name::FunctionName;
use guard_core::observation::{Freshness, Observation, Point, Series};
use guard_core::time::{Hour, Minute};

use self::answer::Gathered;
use self::notes::Notes;
use self::query::{Batch, POINTS_MAX, Span, Subject, batches};
use super::calls::CountRequests;
use super::unavailable;
use crate::calls::Calls;
use crate::ports::{Ask, Look, MetricSource, Proof, Unavailable};

/// The IAM action behind everything here.
const CALL: &str = "cloudwatch:GetMetricData";

/// Calls at the same time. Our choice: a census of 10,000 functions in full swing stays near the 396,000 data points
/// a second that an account may read ("CloudWatch service quotas", read 2026-11).
const IN_FLIGHT: usize = 4;

/// Calls that fail one after another, each after the SDK's own retries, before the rest is not asked any more. Our
/// choice: two rounds of [`IN_FLIGHT`], so a silent CloudWatch costs a look two time-outs and not hundreds.
const GIVE_UP_AFTER: usize = 8;

/// Pages of one call. A call asks for no more points than one page holds, so a second is rare; more than these are a
/// service that goes in circles.
const PAGES_MAX: usize = 20;

/// CloudWatch of the client's account and region.
#[derive(Clone, Debug)]
pub struct CloudWatch {
    client: Client,
}

/// What was read of one function or of the region; `None` is unknown.
#[derive(Clone, Debug, Default)]
struct Read {
    minutes: Option<Vec<(Minute, Point)>>,
    hours: Option<Vec<(Hour, Point)>>,
}

/// What was read of everybody.
struct Everybody {
    region: Read,
    /// In the order of the names.
    functions: Vec<Read>,
}

impl CloudWatch {
    /// With the time-outs and the retries of `config`; requests are counted in `calls`.
    pub fn new(config: &aws_config::SdkConfig, calls: Calls) -> Self {
        let config = aws_sdk_cloudwatch::config::Builder::from(config).interceptor(CountRequests(calls));
        CloudWatch { client: Client::from_conf(config.build()) }
    }

    /// Reads the region and the functions in focus; in a census then the hours of everybody, and the minutes of those
    /// whose hours were answered: a census says of each function that nothing happened where no point is.
    async fn read(&self, ask: &Ask, names: &[FunctionName], notes: &mut Notes) -> Everybody {
        let mut seen = Everybody { region: Read::default(), functions: vec![Read::default(); names.len()] };
        let minutes = Span::minutes(ask.from, Minute::of(ask.at));
        let places = 0..names.len();
        let (focus, rest): (Vec<usize>, Vec<usize>) = places
            .partition(|place| names.get(*place).is_some_and(|name| ask.focus.binary_search(name).is_ok()));
        let focus: Vec<Subject> =
            std::iter::once(Subject::Region).chain(focus.into_iter().map(Subject::Function)).collect();
        for (subject, points) in self.series(&focus, minutes, names, notes).await {
            seen.set(subject, |read| read.minutes = Some(in_minutes(points)));
        }
        let Some((first, last)) = ask.census else { return seen };
        if notes.is_nothing_answered() {
            return seen;
        }
        let everybody: Vec<Subject> =
            focus.into_iter().chain(rest.iter().copied().map(Subject::Function)).collect();
        for (subject, points) in self.series(&everybody, Span::hours(first, last), names, notes).await {
            seen.set(subject, |read| read.hours = Some(in_hours(points)));
        }
        let rest: Vec<Subject> = rest
            .into_iter()
            .filter(|place| seen.functions.get(*place).is_some_and(|read| read.hours.is_some()))
            .map(Subject::Function)
            .collect();
        for (subject, points) in self.series(&rest, minutes, names, notes).await {
            seen.set(subject, |read| read.minutes = Some(in_minutes(points)));
        }
        seen
    }

    /// The series that were answered in full. What was not is told to `notes`.
    async fn series(
        &self,
        subjects: &[Subject],
        span: Span,
        names: &[FunctionName],
        notes: &mut Notes,
    ) -> Vec<(Subject, Vec<(i64, Point)>)> {
        let batches = batches(subjects, span);
        let calls: Vec<_> = batches.iter().map(|batch| self.call(batch, names)).collect();
        // Answers come in the order of the questions, whichever arrives first.
        let mut answers = stream::iter(calls).buffered(IN_FLIGHT);
        let mut series = Vec::with_capacity(subjects.len());
        let mut failed_in_a_row = 0;
        for (place, batch) in batches.iter().enumerate() {
            let Some((pages, answer)) = answers.next().await else { break };
            notes.requested(batch, pages);
            match answer {
                Ok(gathered) => {
                    failed_in_a_row = 0;
                    notes.answered(&gathered.messages);
                    for (subject, answer) in batch.subjects.iter().zip(gathered.finish()) {
                        match answer {
                            Ok(points) => series.push((*subject, points)),
                            Err(fault) => notes.fault(*subject, fault, names),
                        }
                    }
                }
                Err(problem) => {
                    failed_in_a_row += 1;
                    notes.failed(batch, problem);
                }
            }
            if failed_in_a_row == GIVE_UP_AFTER {
                let left = batches.get(place + 1..).unwrap_or_default();
                // Those in flight may be billed though nobody waits for them.
                left.iter().take(IN_FLIGHT - 1).for_each(|batch| notes.requested(batch, 1));
                notes.not_asked(left);
                break;
            }
        }
        series
    }

    /// One call with all its pages, and how many were requested. A page that is missing makes all of it unknown: what
    /// it held, only it knew.
    async fn call(&self, batch: &Batch, names: &[FunctionName]) -> (usize, Result<Gathered, Unavailable>) {
        let mut gathered = Gathered::new(batch);
        let mut token = None;
        for page in 1..=PAGES_MAX {
            let answer = match self.page(batch, names, token.clone()).await {
                Ok(answer) => answer,
                Err(problem) => return (page, Err(problem)),
            };
            let next = answer.next_token().filter(|next| !next.is_empty()).map(str::to_owned);
            gathered.take(answer);
            if next.is_none() {
                return (page, Ok(gathered));
            }
            if next == token {
                let reason = format!("page {page} of a call points to itself");
                return (page, Err(Unavailable::new(CALL, reason)));
            }
            token = next;
        }
        let reason = format!("a call has more than {PAGES_MAX} pages");
        (PAGES_MAX, Err(Unavailable::new(CALL, reason)))
    }

    async fn page(
        &self,
        batch: &Batch,
        names: &[FunctionName],
        token: Option<String>,
    ) -> Result<GetMetricDataOutput, Unavailable> {
        let (start, end) = batch.span.bounds();
        let request = self
            .client
            .get_metric_data()
            .set_metric_data_queries(Some(batch.queries(names)))
            .start_time(start)
            .end_time(end)
            .scan_by(ScanBy::TimestampAscending)
            .max_datapoints(POINTS_MAX)
            .set_next_token(token);
        request.send().await.map_err(|error| unavailable(CALL, &error))
    }
}

#[async_trait]
impl MetricSource for CloudWatch {
    async fn look(&self, ask: &Ask) -> Look {
        let names = everybody(ask);
        let mut notes = Notes::default();
        let seen = self.read(ask, &names, &mut notes).await;
        let observation = observation(ask, names, seen);
        Look { observation, metrics: notes.metrics(), problems: notes.problems(CALL) }
    }

    /// One query of one metric over one minute. It costs what one metric costs.
    async fn prove(&self) -> Vec<Proof> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = Minute(i64::try_from(since_epoch / 60).unwrap_or_default());
        let batch = Batch { subjects: vec![Subject::Region], span: Span::minutes(now.plus(-1), now) };
        let (start, end) = batch.span.bounds();
        let queries = batch.queries(&[]).into_iter().take(1).collect();
        let request = self.client.get_metric_data().set_metric_data_queries(Some(queries));
        let sent = request.start_time(start).end_time(end).scan_by(ScanBy::TimestampAscending).send().await;
        let (ok, detail) = match sent {
            Ok(answer) => {
                match answer.metric_data_results().first().and_then(|result| result.status_code()) {
                    Some(StatusCode::Complete) => {
                        (true, "read the region's invocations of one minute".to_owned())
                    }
                    Some(status) => (false, format!("the answer is {status}")),
                    None => (false, "the answer holds no result".to_owned()),
                }
            }
            Err(error) => {
                let code = error.code().map(|code| format!("{code}: ")).unwrap_or_default();
                (false, code + &unavailable(CALL, &error).reason)
            }
        };
        vec![Proof { action: CALL.to_owned(), ok, detail }]
    }
}

impl Everybody {
    fn set(&mut self, subject: Subject, set: impl FnOnce(&mut Read)) {
        let read = match subject {
            Subject::Region => Some(&mut self.region),
            Subject::Function(place) => self.functions.get_mut(place),
        };
        if let Some(read) = read {
            set(read);
        }
    }
}

/// Who is asked about: the functions in focus, and in a census all. Sorted.
fn everybody(ask: &Ask) -> Vec<FunctionName> {
    let all = if ask.census.is_some() { ask.all.as_slice() } else { &[] };
    let mut names: Vec<FunctionName> = ask.focus.iter().chain(all).cloned().collect();
    names.sort();
    names.dedup();
    names
}

/// What the core gets to see. A census of which nothing was answered was none: it is asked again at the next tick, and
/// functions that were to be read for its sake alone were not looked at.
fn observation(ask: &Ask, names: Vec<FunctionName>, seen: Everybody) -> Observation {
    let census = ask.census.filter(|_| seen.functions.iter().any(|read| read.hours.is_some()));
    let newest = |minutes: &[(Minute, Point)]| minutes.last().map(|(minute, _)| *minute);
    let region = match &seen.region.minutes {
        Some(minutes) => Freshness::of_region(newest(minutes), ask.settled),
        None => Freshness::Unknown,
    };
    let functions = names.into_iter().zip(seen.functions).filter_map(|(name, read)| {
        if census.is_none() && ask.focus.binary_search(&name).is_err() {
            return None;
        }
        let freshness = match &read {
            Read { hours: None, .. } if census.is_some() => Freshness::Unknown,
            Read { minutes: Some(minutes), .. } => {
                Freshness::of_function(region, newest(minutes), ask.settled)
            }
            Read { minutes: None, .. } => Freshness::Unknown,
        };
        let (minutes, hours) = (read.minutes.unwrap_or_default(), read.hours.unwrap_or_default());
        Some((name, Series { freshness, minutes, hours }))
    });
    Observation {
        at: ask.at,
        from: ask.from,
        census,
        functions: functions.collect(),
        region: Series {
            freshness: region,
            minutes: seen.region.minutes.unwrap_or_default(),
            hours: seen.region.hours.unwrap_or_default(),
        },
    }
}

fn in_minutes(points: Vec<(i64, Point)>) -> Vec<(Minute, Point)> {
    points.into_iter().map(|(number, point)| (Minute(number), point)).collect()
}

fn in_hours(points: Vec<(i64, Point)>) -> Vec<(Hour, Point)> {
    points.into_iter().map(|(number, point)| (Hour(number), point)).collect()
}

#[cfg(test)]
mod tests;
