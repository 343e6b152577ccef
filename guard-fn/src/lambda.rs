//! The Lambda edge: one invocation in, one answer out, and all log lines and metrics on standard output.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::aws::callback;
use crate::chain::chain;
use crate::guard::{AnswerError, Guard, Report, TickError};
use crate::wake::{self, Callback, Door, Shut, Stack, Unrecognised, Wake};

/// Why an invocation fails. Lambda counts it as an error of the function, which an alarm watches.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// The payload is not meant for the guard.
    #[error(transparent)]
    Unrecognised(#[from] Unrecognised),
    /// It came in by a door that does not take it.
    #[error(transparent)]
    Shut(#[from] Shut),
    /// The tick made no decision.
    #[error(transparent)]
    Tick(#[from] TickError),
    /// The operator gets no answer.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The answer cannot be written.
    #[error("the answer cannot be written as JSON")]
    Unwritable(#[from] serde_json::Error),
}

impl InvocationError {
    /// The name under which Lambda reports it, so that alarms and retries can distinguish errors.
    const fn kind(&self) -> &'static str {
        match self {
            InvocationError::Unrecognised(_) => "Unrecognised",
            InvocationError::Shut(_) => "Refused",
            InvocationError::Tick(_) => "CannotRemember",
            InvocationError::Answer(AnswerError::Refused(_) | AnswerError::Missing { .. }) => "Refused",
            InvocationError::Answer(AnswerError::Tick(_)) => "CannotRemember",
            InvocationError::Answer(AnswerError::Held { .. }) => "Held",
            InvocationError::Answer(AnswerError::Unread { .. }) => "Unknown",
            InvocationError::Unwritable(_) => "Internal",
        }
    }
}

impl From<InvocationError> for Diagnostic {
    fn from(error: InvocationError) -> Self {
        Diagnostic { error_type: error.kind().to_owned(), error_message: chain(&error) }
    }
}

/// Answers invocations until Lambda has no more. `clock` returns the current time.
///
/// # Errors
/// When the runtime's API cannot be reached.
pub async fn serve(guard: Guard, clock: fn() -> DateTime<Utc>) -> Result<(), lambda_runtime::Error> {
    let guard = Arc::new(Mutex::new(guard));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let guard = Arc::clone(&guard);
        async move {
            let mut guard = guard.lock().await;
            if let Some(account) = account_of(&event.context.invoked_function_arn) {
                guard.in_account(account);
            }
            let now = clock();
            guard.must_end_within(time_left(event.context.deadline, now));
            let door = Door::of(&event.context.invoked_function_arn);
            let answered = answer(&mut guard, &event.payload, door, now).await.inspect_err(|error| {
                log(&json!({ "level": "ERROR", "at": now, "kind": error.kind(), "error": chain(error) }));
            });
            if let Some(callback) = Callback::of(&event.payload).filter(|_| door == Door::Front) {
                let problem = answered.as_ref().err().map(|error| chain(error));
                if let Err(problem) = callback::send(&callback, problem.as_deref()).await {
                    log(&json!({ "level": "ERROR", "at": now, "kind": "Unheard", "error": problem.to_string() }));
                }
            }
            answered
        }
    }))
    .await
}

/// Lambda's longest time-out, and the one of both templates ("Configure Lambda function timeout", read 2026-11).
const LONGEST: Duration = Duration::from_secs(900);
const OF_THE_TEMPLATES: Duration = Duration::from_secs(60);

/// The time until an invocation's deadline, in milliseconds of the wall clock. A deadline that has passed, or is further
/// away than any can be, shows that the clocks disagree.
fn time_left(deadline_ms: u64, now: DateTime<Utc>) -> Duration {
    let now_ms = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    let left = deadline_ms.checked_sub(now_ms).map(Duration::from_millis);
    left.filter(|left| !left.is_zero() && *left <= LONGEST).unwrap_or(OF_THE_TEMPLATES)
}

/// The account in `arn:aws:lambda:REGION:ACCOUNT:function:NAME`.
fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// One invocation.
///
/// # Errors
/// See [`InvocationError`].
pub async fn answer(
    guard: &mut Guard,
    payload: &Value,
    door: Door,
    now: DateTime<Utc>,
) -> Result<Value, InvocationError> {
    match door.admit(wake::recognise(payload, now, &guard.limits())?)? {
        Wake::Tick { .. } => Ok(told(&guard.tick(now, &[]).await?)),
        Wake::Hints(hints) => {
            let seen: Vec<&str> = hints.iter().map(|hint| hint.what.as_str()).collect();
            let is_due = guard.heed(&hints, now);
            log(&json!({ "level": "INFO", "at": now, "hints": seen, "tick": is_due }));
            if !is_due {
                return Ok(json!({ "hints": "noted for the next tick" }));
            }
            Ok(told(&guard.tick(now, &[]).await?))
        }
        Wake::Operator(order) => Ok(serde_json::to_value(guard.obey(&order, now).await?)?),
        Wake::Stack(Stack::Stays) => Ok(json!({ "stack": "noted" })),
        Wake::Stack(Stack::Leaves) => Ok(serde_json::to_value(guard.leave(now).await?)?),
        Wake::Question(question) => Ok(serde_json::to_value(guard.answer(&question, now).await?)?),
    }
}

/// Writes a tick's lines to the log and answers with the structured one.
fn told(report: &Report) -> Value {
    for problem in &report.problems {
        log(&json!({ "level": "WARN", "at": report.plan.at, "problem": problem }));
    }
    for document in &report.metrics {
        log(document);
    }
    let line = serde_json::to_value(&report.line).unwrap_or_default();
    log(&line);
    line
}

/// One line on standard output, which Lambda sends to CloudWatch Logs.
#[expect(clippy::print_stdout, reason = "standard output is the log of a Lambda function")]
fn log(line: &Value) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_read_off_the_arn_of_the_invocation() {
        assert_eq!(
            account_of("arn:aws:lambda:eu-central-1:123456789012:function:dow-guard"),
            Some("123456789012")
        );
        assert_eq!(account_of("arn:aws:lambda:eu-central-1"), None);
        assert_eq!(account_of(""), None);
    }

    #[test]
    fn an_invocation_has_the_time_until_its_deadline_and_a_minute_where_the_clocks_disagree() {
        let now = DateTime::from_timestamp_millis(1_793_000_000_000).unwrap();
        let left =
            |milliseconds: i64| time_left(u64::try_from(1_793_000_000_000 + milliseconds).unwrap(), now);
        assert_eq!(left(60_000), Duration::from_secs(60));
        assert_eq!(left(1), Duration::from_millis(1));
        assert_eq!(left(900_000), LONGEST);
        for wrong in [0, -1, 900_001, 1_000_000_000_000] {
            assert_eq!(left(wrong), OF_THE_TEMPLATES, "{wrong}");
        }
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let store = crate::ports::StoreError::Conflict { revision: 7 };
        let error = InvocationError::from(TickError::from(store));
        let diagnostic = Diagnostic::from(error);
        assert_eq!(diagnostic.error_type, "CannotRemember");
        assert_eq!(
            diagnostic.error_message,
            "nothing was changed, because the guard cannot remember: another tick has saved since revision 7"
        );
    }
}
