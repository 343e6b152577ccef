//! What the laptop prints: answers on standard output, and on standard error what they lack, why, and what to do.

use std::io::{self, Write};

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::money::{PICOS_PER_USD, Usd};
use guard_core::report;

use super::place::Place;
use super::{Said, cause};
use crate::chain::chain;
use crate::exit_code::ExitCode;
use crate::guard::{Answer, AnswerError, Done, Explained, Report, Status};
use crate::ports::{Granted, Proof};
use crate::streams::Streams;

/// Columns of the page, and rows of a table, if the output is not a terminal of known size.
const WIDTH: usize = 100;
const TOP: usize = 20;

/// What the answers are about.
pub(super) struct Screen<'a> {
    pub(super) place: &'a Place,
    pub(super) region: &'a str,
    pub(super) now: DateTime<Utc>,
}

/// That nothing could be asked, and why.
pub(super) fn unknown(problem: &str, streams: &mut Streams<'_>) -> io::Result<()> {
    writeln!(streams.error, "UNKNOWN: AWS could not be asked, so nothing is known of your spending.")?;
    let lines = cause::told(&[problem.to_owned()], "", None);
    lines.iter().try_for_each(|line| writeln!(streams.error, "{line}"))
}

impl Screen<'_> {
    pub(super) fn tell(&self, said: &Said, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
        let (problems, is_empty) = match said {
            Said::Tick(report) => (&report.problems, report.functions == Some(0)),
            Said::Answer(reply) => (&reply.problems, reply.is_empty),
        };
        let (json, lines, failed) = match said {
            Said::Tick(report) => {
                let mut plan = serde_json::to_value(&report.plan)?;
                plan["problems"] = problems.clone().into();
                (plan, self.tick(report), !problems.is_empty())
            }
            Said::Answer(reply) => {
                if let Answer::Status(Status { last_tick: None, .. }) = &reply.answer {
                    return self.never_ran(streams);
                }
                let failed = match &reply.answer {
                    Answer::SelfTest { ok, .. } => !ok,
                    // What was done is done, whatever else could not be read.
                    Answer::Done(done) => !is_done(done),
                    // Partial results are reported, and so is the fact that they are partial.
                    _ => !problems.is_empty(),
                };
                (serde_json::to_value(reply)?, self.answer(&reply.answer), failed)
            }
        };
        if is_empty {
            writeln!(streams.error, "{} has no function at all: is it the right region?", self.region)?;
        }
        for line in cause::told(problems, self.region, self.place.table.as_deref()) {
            writeln!(streams.error, "{line}")?;
        }
        if self.place.json {
            writeln!(streams.output, "{json}")?;
        } else {
            lines.iter().try_for_each(|line| writeln!(streams.output, "{line}"))?;
        }
        Ok(if failed { ExitCode::Unavailable } else { ExitCode::Success })
    }

    pub(super) fn fail(&self, error: &AnswerError, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
        let (first, problems, code) = match error {
            AnswerError::Refused(_) | AnswerError::Missing { .. } => {
                (Some(chain(error)), Vec::new(), ExitCode::Refused)
            }
            AnswerError::Held { .. } => (Some(chain(error)), Vec::new(), ExitCode::Unavailable),
            AnswerError::Tick(_) => (None, vec![chain(error)], ExitCode::Unavailable),
            AnswerError::Unread { what, problems } => {
                (Some(format!("UNKNOWN: {what}.")), problems.clone(), ExitCode::Unavailable)
            }
        };
        let causes = cause::told(&problems, self.region, self.place.table.as_deref());
        first.into_iter().chain(causes).try_for_each(|line| writeln!(streams.error, "{line}"))?;
        Ok(code)
    }

    /// A memory that no tick has written says nothing about the account.
    fn never_ran(&self, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
        let memory = self.place.memory(self.region);
        writeln!(
            streams.error,
            "UNKNOWN: no tick is recorded in {memory}, so nothing is known of your spending."
        )?;
        writeln!(
            streams.error,
            "The guard has not run yet, or --table, --guard, --state or --region is another."
        )?;
        Ok(ExitCode::Unavailable)
    }

    fn tick(&self, report: &Report) -> Vec<String> {
        let plan = &report.plan;
        let mut lines = report.says();
        if plan.actions.is_empty() && plan.refusals.is_empty() {
            lines.push(if report.problems.is_empty() {
                "Nothing to do.".to_owned()
            } else {
                "UNKNOWN whether anything is to do: not everything could be read.".to_owned()
            });
        }
        let functions = match report.functions {
            Some(1) => "1 function".to_owned(),
            Some(count) => format!("{count} functions"),
            None => "functions not listed".to_owned(),
        };
        lines.push(format!(
            "{}, {functions}; {} AWS calls, {} for metrics",
            self.region,
            report.own.calls,
            small(report.own.cost)
        ));
        lines
    }

    fn answer(&self, answer: &Answer) -> Vec<String> {
        match answer {
            Answer::Done(done) => done.says.clone(),
            Answer::Plan { says, .. } => says.clone(),
            Answer::Explain(explained) => explanation(explained),
            Answer::Exposure(report) => vec![report.page(WIDTH, TOP).to_string()],
            Answer::Bound(report) => vec![report.page(WIDTH, TOP).to_string()],
            Answer::SelfTest { proofs, .. } => self.proofs(proofs),
            Answer::Status(status) => self.status(status),
        }
    }

    /// What failed comes first, with each cause once. What is unproved is no failure.
    fn proofs(&self, proofs: &[Proof]) -> Vec<String> {
        let failed: Vec<&Proof> = proofs.iter().filter(|proof| proof.granted == Granted::No).collect();
        let mut lines = Vec::new();
        if !failed.is_empty() {
            lines.push(format!("{} of {} tries failed.", failed.len(), proofs.len()));
            let problems: Vec<String> =
                failed.iter().map(|proof| format!("{}: {}", proof.action, proof.detail)).collect();
            lines.extend(cause::told(&problems, self.region, self.place.table.as_deref()));
        }
        let line = |proof: &Proof| match proof.granted {
            Granted::Yes => format!("ok   {}: {}", proof.action, proof.detail),
            Granted::No => format!("FAIL {}", proof.action),
            Granted::Unproved => format!("?    {}: unproved: {}", proof.action, proof.detail),
        };
        lines.extend(proofs.iter().map(line));
        lines
    }

    fn status(&self, status: &Status) -> Vec<String> {
        let armed = if status.armed { "armed" } else { "disarmed" };
        let mut lines = vec![
            format!("{}: {armed}, last tick {}", self.region, self.ago(status.last_tick)),
            format!("{} functions, listed {}", status.functions, self.ago(status.listed_at)),
        ];
        lines.extend(status.spent.iter().map(|(budget, spent)| format!("spent of {budget}: {spent}")));
        for (function, latch) in &status.trips {
            let levers = latch.levers.iter().map(|lever| {
                format!("{} (was {})", report::setting(lever.known()), report::setting(lever.original))
            });
            let levers: Vec<String> = levers.collect();
            let since = latch.tripped_at.format("%F %R UTC");
            lines.push(format!("holds {function} since {since}: {}", levers.join(", ")));
        }
        lines.extend(status.alarms.iter().map(|alarm| format!("open: {alarm}")));
        if status.waiting_messages > 0 {
            lines.push(format!("{} messages wait to be sent", status.waiting_messages));
        }
        lines
    }

    /// A time with its age.
    fn ago(&self, at: Option<DateTime<Utc>>) -> String {
        let Some(at) = at else { return "never".to_owned() };
        let age = (self.now - at).max(TimeDelta::zero());
        let age = match (age.num_days(), age.num_hours(), age.num_minutes()) {
            (0, 0, minutes) => format!("{minutes} min"),
            (0, hours, _) => format!("{hours} h"),
            (days, ..) => format!("{days} d"),
        };
        format!("{} ({age} ago)", at.format("%F %R UTC"))
    }
}

/// Whether every change of an order took effect.
fn is_done(done: &Done) -> bool {
    done.outcomes.iter().all(|outcome| outcome.result == guard_core::settle::ApplyResult::Applied)
}

fn explanation(explained: &Explained) -> Vec<String> {
    let protected =
        if explained.protected { ["protected: never touched".to_owned()].to_vec() } else { vec![] };
    let floor = format!("a cap would leave it {} concurrent executions", explained.floor);
    explained.says.iter().cloned().chain(protected).chain([floor]).collect()
}

/// An amount to the cent, and one below it in words.
fn small(amount: Usd) -> String {
    if amount == Usd::ZERO {
        "nothing".to_owned()
    } else if amount.picos() < PICOS_PER_USD / 100 {
        "less than a cent".to_owned()
    } else {
        format!("{amount:.2}")
    }
}
