//! The guard on an engineer's laptop: the same guard with a file for its memory, or with the table of the deployed
//! one. Nothing is changed without `--apply`.

mod cause;
mod place;
mod screen;

use std::io::{self, Write};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use clap::Subcommand;
use guard_core::name::FunctionName;
use guard_core::operator::Command as Order;

pub(crate) use self::place::Place;

use crate::exit_code::ExitCode;
use crate::guard::{AnswerError, Guard, Reply, Report};
use crate::streams::Streams;
use crate::wake::Question;

/// What can be asked of a guard.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Ask {
    /// One tick: look, decide, remember, and with --apply act.
    Once,
    /// What a tick would do now; nothing is remembered.
    Plan,
    /// What the guard holds, what it has seen spent, and which alarms are open.
    Status,
    /// Why a function stands as it does.
    Explain {
        /// The function.
        function: String,
    },
    /// How far each budget can be passed before a cap bites.
    Bound,
    /// What each function could burn at its worst.
    Exposure,
    /// Try every permission without harm.
    SelfTest,
    /// Put back everything the guard changed on a function, and leave it alone for an hour.
    Release {
        /// The function.
        function: String,
    },
    /// Change nothing on a function for a while.
    Hold {
        /// The function.
        function: String,
        /// For how long: minutes, such as 120, or 90m, 2h, 1d.
        #[arg(value_parser = minutes, allow_negative_numbers = true)]
        minutes: u32,
    },
    /// Cap a function by hand.
    Cap {
        /// The function.
        function: String,
        /// Reserved concurrency; 0 stops it.
        #[arg(value_parser = concurrency, allow_negative_numbers = true)]
        concurrency: u32,
    },
    /// Let the deployed guard change things, whatever its policy says.
    Arm,
    /// Let it change nothing; caps in force stay until they are released.
    Disarm,
    /// Disarm it and put back everything it changed, before it is deleted.
    ReleaseAll,
}

/// A span of time in minutes: `120`, `90m`, `2h`, `1d`.
fn minutes(text: &str) -> Result<u32, String> {
    let (number, each) = match text.char_indices().next_back() {
        Some((end, 'm')) => (text.get(..end), 1),
        Some((end, 'h')) => (text.get(..end), 60),
        Some((end, 'd')) => (text.get(..end), 24 * 60),
        _ => (Some(text), 1),
    };
    let number: Option<u32> = number.and_then(|number| number.parse().ok());
    number
        .and_then(|number| number.checked_mul(each))
        .ok_or_else(|| "accepted: minutes, such as 120, or 90m, 2h, 1d".to_owned())
}

/// A concurrency to reserve.
fn concurrency(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "accepted: a whole number from 0, which stops the function".to_owned())
}

/// Asks, and answers on the streams.
pub(crate) fn run(ask: &Ask, place: &Place, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    if let Some(code) = place.unusable_policy(streams)? {
        return Ok(code);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let Some(sdk) = place.connect().await else {
            writeln!(streams.error, "no AWS region: give --region, or set AWS_REGION or a profile's region")?;
            return Ok(ExitCode::Usage);
        };
        let region = sdk.region().map_or("", |region| region.as_ref()).to_owned();
        if let Some(problem) = place::odd_region(&region) {
            writeln!(streams.error, "{problem}")?;
            return Ok(ExitCode::Usage);
        }
        let asks_aws = place.table.is_some() || !matches!(ask, Ask::Status);
        if asks_aws && let Some(problem) = crate::aws::without_credentials(&sdk).await {
            screen::unknown(&problem, streams)?;
            return Ok(ExitCode::Unavailable);
        }
        let mut guard = place.guard(&sdk);
        let asked = match ask {
            Ask::Once => guard.tick(now(), &[]).await.map(Said::tick).map_err(AnswerError::from),
            Ask::Plan => guard.rehearse(now(), &[]).await.map(Said::tick).map_err(AnswerError::from),
            other => answered(&mut guard, other).await.map(|reply| Said::Answer(Box::new(reply))),
        };
        let screen = screen::Screen { place, region: &region, now: now() };
        match asked {
            Ok(said) => screen.tell(&said, streams),
            Err(error) => screen.fail(&error, streams),
        }
    })
}

/// The result of a command.
enum Said {
    Tick(Box<Report>),
    Answer(Box<Reply>),
}

impl Said {
    fn tick(report: Report) -> Self {
        Said::Tick(Box::new(report))
    }
}

async fn answered(guard: &mut Guard, ask: &Ask) -> Result<Reply, AnswerError> {
    let name = |text: &String| FunctionName::new(text.as_str());
    let question = match ask {
        Ask::Release { function } => {
            return guard.obey(&Order::Release { function: name(function) }, now()).await;
        }
        Ask::Hold { function, minutes } => {
            return guard.obey(&Order::Hold { function: name(function), minutes: *minutes }, now()).await;
        }
        Ask::Cap { function, concurrency } => {
            return guard
                .obey(&Order::Cap { function: name(function), concurrency: *concurrency }, now())
                .await;
        }
        Ask::Arm => return guard.obey(&Order::Arm, now()).await,
        Ask::ReleaseAll => return guard.leave(now()).await,
        Ask::Disarm => return guard.obey(&Order::Disarm, now()).await,
        Ask::Explain { function } => Question::Explain { function: name(function) },
        Ask::Bound => Question::Bound,
        Ask::Exposure => Question::Exposure,
        Ask::SelfTest => Question::SelfTest,
        Ask::Status | Ask::Once | Ask::Plan => Question::Status,
    };
    guard.answer(&question, now()).await
}

#[expect(clippy::disallowed_methods, reason = "the clock of the laptop")]
fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_minutes_or_carry_a_unit_and_nothing_else_is_one() {
        for (text, expected) in [("120", 120), ("90m", 90), ("2h", 120), ("1d", 1440), ("0", 0)] {
            assert_eq!(minutes(text), Ok(expected), "{text}");
        }
        for text in ["", "h", "2 h", "-2", "-2h", "1.5h", "2w", "5000000d", "zwei", "2\u{e9}"] {
            assert!(minutes(text).unwrap_err().contains("2h"), "{text}");
        }
        assert_eq!(concurrency("0"), Ok(0));
        assert!(concurrency("-1").unwrap_err().contains("from 0"));
    }
}
