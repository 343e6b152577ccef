//! CloudWatch: the region's totals, functions in focus minute by minute, the durations of others, and a slice of the
//! census hour by hour. Plain `GetMetricData` queries; data requested but not received in full is unknown, never zero.

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
use guard_core::observation::{Census, CensusSlice, Freshness, Observation, Point, Series};
use guard_core::sampling::POINTS_PER_CALL;
use guard_core::time::{Hour, Minute};
use tokio::time::{Instant, timeout_at};

use self::answer::Gathered;
use self::notes::Notes;
use self::query::{Batch, Span, Subject, batches};
use super::calls::CountRequests;
use super::unavailable;
use crate::calls::Calls;
use crate::ports::{Ask, Granted, Look, MetricSource, Proof, Unavailable};

/// The IAM action behind everything here.
const CALL: &str = "cloudwatch:GetMetricData";

/// Calls at the same time. Our choice: a slice of a first census in full swing, five calls of 100,800 points, stays near
/// the 396,000 data points a second that an account may read ("CloudWatch service quotas", read 2026-11).
const IN_FLIGHT: usize = 4;

/// Pages of one call. A call asks for no more points than one page holds, so a second page is rare; more than these
/// mean that the service goes in circles.
const PAGES_MAX: usize = 20;

/// CloudWatch of the client's account and region.
#[derive(Clone, Debug)]
pub struct CloudWatch {
    client: Client,
}

impl CloudWatch {
    /// With the time-outs and the retries of `config`; requests are counted in `calls`.
    pub fn new(config: &aws_config::SdkConfig, calls: Calls) -> Self {
        let config = aws_sdk_cloudwatch::config::Builder::from(config).interceptor(CountRequests(calls));
        CloudWatch { client: Client::from_conf(config.build()) }
    }

    /// Reads hours. A slice without any answer is dropped: the next tick asks for it again.
    async fn census(&self, asked: &CensusSlice, until: Option<Instant>, notes: &mut Notes) -> Option<Census> {
        let names = &asked.functions;
        let everybody: Vec<Subject> =
            std::iter::once(Subject::Region).chain((0..names.len()).map(Subject::Counted)).collect();
        let span = Span::hours(asked.first, asked.last);
        let answers = self.series(&everybody, span, names, until, notes).await;
        let mut census = Census { asked: asked.clone(), region: Vec::new(), functions: Vec::new() };
        let is_answered = !answers.is_empty();
        for (subject, points) in answers {
            let hours = points.into_iter().map(|(number, point)| (Hour(number), point)).collect();
            match subject {
                Subject::Region => census.region = hours,
                Subject::Counted(place) => {
                    census.functions.extend(names.get(place).map(|name| (name.clone(), hours)));
                }
                Subject::Function(_) | Subject::Glanced(..) | Subject::Received(_) => {}
            }
        }
        is_answered.then_some(census)
    }

    /// The series that were answered in full. The others are reported to `notes`.
    async fn series(
        &self,
        subjects: &[Subject],
        span: Span,
        names: &[FunctionName],
        until: Option<Instant>,
        notes: &mut Notes,
    ) -> Vec<(Subject, Vec<(i64, Point)>)> {
        let batches = batches(subjects, span);
        let calls: Vec<_> = batches.iter().map(|batch| self.call(batch, names)).collect();
        // Answers come in the order of the questions, whichever arrives first.
        let mut answers = stream::iter(calls).buffered(IN_FLIGHT);
        let mut series = Vec::with_capacity(subjects.len());
        for (place, batch) in batches.iter().enumerate() {
            let next = match until {
                Some(until) => timeout_at(until, answers.next()).await.ok(),
                None => Some(answers.next().await),
            };
            let Some(next) = next else {
                notes.given_up(batches.get(place..).unwrap_or_default(), IN_FLIGHT, CALL);
                break;
            };
            let Some((pages, answer)) = next else { break };
            notes.requested(batch, pages);
            match answer {
                Ok(gathered) => {
                    notes.answered(&gathered.messages);
                    for (subject, answer) in gathered.finish(batch) {
                        match answer {
                            Ok(points) => series.push((subject, points)),
                            Err(fault) => notes.fault(subject, fault, names),
                        }
                    }
                }
                Err(problem) => notes.failed(batch, problem),
            }
        }
        series
    }

    /// One call with all its pages, and the number of pages requested. If a page is missing, all of the call is
    /// unknown: the content of that page cannot be guessed.
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
            .max_datapoints(i32::try_from(POINTS_PER_CALL).unwrap_or(i32::MAX))
            .set_next_token(token);
        request.send().await.map_err(|error| unavailable(CALL, &error))
    }
}

#[async_trait]
impl MetricSource for CloudWatch {
    async fn look(&self, ask: &Ask) -> Look {
        let mut notes = Notes::default();
        let received = ask.received.iter().filter_map(|name| ask.focus.binary_search(name).ok());
        let subjects: Vec<Subject> =
            std::iter::once(Subject::Region)
                .chain((0..ask.focus.len()).map(Subject::Function))
                .chain(received.map(Subject::Received))
                .chain(ask.glance.iter().zip(ask.focus.len()..).map(|(glanced, place)| {
                    Subject::Glanced(place, glanced.invocations, glanced.concurrency)
                }))
                .collect();
        let glanced = ask.glance.iter().map(|glanced| &glanced.name);
        let names: Vec<FunctionName> = ask.focus.iter().chain(glanced).cloned().collect();
        let span = Span::minutes(ask.from, Minute::of(ask.at));
        let minutes = self.series(&subjects, span, &names, ask.until, &mut notes).await;
        let census = match &ask.census {
            Some(asked) if !notes.is_nothing_answered() => self.census(asked, ask.until, &mut notes).await,
            _ => None,
        };
        let observation = observation(ask, minutes, census);
        Look { observation, metrics: notes.metrics(), problems: notes.problems(CALL) }
    }

    /// One query of one metric over one minute. It costs what one metric costs.
    #[expect(clippy::disallowed_methods, reason = "the self-test asks for the last minute")]
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
        vec![Proof { action: CALL.to_owned(), granted: Granted::of(ok), detail }]
    }
}

/// The data for the core: a function in focus without an answer is unknown.
fn observation(ask: &Ask, minutes: Vec<(Subject, Vec<(i64, Point)>)>, census: Option<Census>) -> Observation {
    let mut region = None;
    // Functions in focus, then those glanced at.
    let mut functions: Vec<Option<Vec<(Minute, Point)>>> = vec![None; ask.focus.len() + ask.glance.len()];
    for (subject, points) in minutes {
        let slot = match subject {
            Subject::Region => Some(&mut region),
            Subject::Function(place) | Subject::Glanced(place, ..) => functions.get_mut(place),
            Subject::Counted(_) => None,
            Subject::Received(place) => {
                // A function is unknown without its other metrics.
                if let Some(Some(minutes)) = functions.get_mut(place) {
                    receive(minutes, &points);
                }
                None
            }
        };
        if let Some(slot) = slot {
            *slot = Some(points.into_iter().map(|(number, point)| (Minute(number), point)).collect());
        }
    }
    let newest = |minutes: &[(Minute, Point)]| minutes.last().map(|(minute, _)| *minute);
    let of_region = match &region {
        Some(minutes) => Freshness::of_region(newest(minutes), ask.settled),
        None => Freshness::Unknown,
    };
    let series = |(name, minutes): (&FunctionName, Option<Vec<(Minute, Point)>>)| {
        let freshness = match &minutes {
            Some(minutes) => Freshness::of_function(of_region, newest(minutes), ask.settled),
            None => Freshness::Unknown,
        };
        (name.clone(), Series { freshness, minutes: minutes.unwrap_or_default() })
    };
    let glanced = functions.split_off(ask.focus.len());
    Observation {
        at: ask.at,
        from: ask.from,
        functions: ask.focus.iter().zip(functions).map(series).collect(),
        glances: ask.glance.iter().map(|glanced| &glanced.name).zip(glanced).map(series).collect(),
        census,
        region: Series { freshness: of_region, minutes: region.unwrap_or_default() },
    }
}

/// Enters the events that a queue received into the minutes of its function. A minute without a value received none.
fn receive(minutes: &mut Vec<(Minute, Point)>, received: &[(i64, Point)]) {
    for (number, _) in received {
        let minute = Minute(*number);
        if let Err(place) = minutes.binary_search_by_key(&minute, |(at, _)| *at) {
            minutes.insert(place, (minute, Point::default()));
        }
    }
    for (minute, point) in minutes {
        let told = received.binary_search_by_key(&minute.0, |(number, _)| *number).ok();
        let count = told.and_then(|place| received.get(place)?.1.async_received);
        point.async_received = Some(count.unwrap_or(0));
    }
}

#[cfg(test)]
mod tests;
