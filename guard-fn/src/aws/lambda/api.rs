//! The control plane as the guard calls it: paced, with separate attempts, and with failures classified by meaning.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::pace::Pace;
use crate::chain::chain;
use crate::ports::Unavailable;

/// Attempts at a read that gets no answer. The next tick asks again, so two are enough.
const READ_ATTEMPTS: u32 = 2;

/// The pause before another attempt; the second one lasts twice as long. Our choice.
const PAUSE: Duration = Duration::from_millis(300);

/// Lambda's client with its pace. The SDK itself retries nothing: its attempts would be neither paced nor, in a
/// change, preceded by another look at the value in force.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) client: Client,
    pace: Pace,
    sent: AtomicU32,
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The call, such as `lambda:GetFunction`.
    pub(super) call: &'static str,
    pub(super) kind: Kind,
    /// The service's error code and message, or the error and its causes; one line, without payloads.
    pub(super) reason: String,
}

/// The meaning of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The resource in question does not exist.
    Missing,
    /// The service understood the request and refused it.
    Refused,
    /// Too many requests by the whole account, not only by the guard.
    Throttled,
    /// No usable answer; a change may have been made. Credentials that have expired are here too: they say nothing
    /// about the request.
    Unanswered,
}

/// AWS's error codes for wrong credentials or clocks ("Common Error Types", Lambda API reference, read 2026-11).
const CREDENTIALS: [&str; 9] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

impl Api {
    pub(super) fn new(client: Client) -> Self {
        Api { client, pace: Pace::default(), sent: AtomicU32::new(0) }
    }

    /// Requests sent so far.
    pub(super) fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Asks, and asks once more if no answer comes.
    pub(super) async fn read<T, E, F>(
        &self,
        call: &'static str,
        request: impl Fn() -> F + Send + Sync,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        T: Send,
    {
        let mut attempt = 1;
        loop {
            match self.once(call, request()).await {
                Err(failure) if failure.kind == Kind::Unanswered && attempt < READ_ATTEMPTS => {
                    pause(attempt).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    /// Sends a request a single time.
    pub(super) async fn once<T, E>(
        &self,
        call: &'static str,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    ) -> Result<T, Failure>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        self.pace.turn().await;
        self.sent.fetch_add(1, Ordering::Relaxed);
        request.await.map_err(|error| Failure::of(call, &error))
    }
}

/// Waits before the attempt after this one.
pub(super) async fn pause(attempt: u32) {
    tokio::time::sleep(PAUSE * attempt).await;
}

impl Failure {
    fn of<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let SdkError::ServiceError(service) = error else {
            return Failure { call, kind: Kind::Unanswered, reason: chain(error) };
        };
        let status = service.raw().status().as_u16();
        let code = service.err().code().unwrap_or("no error code");
        let message = service.err().message().unwrap_or("no message");
        Failure {
            call,
            kind: kind(status, code),
            reason: line(&format!("{code} (HTTP {status}): {message}")),
        }
    }

    /// Whether a permission is missing.
    pub(super) fn is_denied(&self) -> bool {
        self.kind == Kind::Refused && self.reason.starts_with("AccessDenied")
    }

    /// The form in which the ports report it.
    pub(super) fn unavailable(&self) -> Unavailable {
        Unavailable::new(self.call, self.reason.clone())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.reason)
    }
}

fn kind(status: u16, code: &str) -> Kind {
    match status {
        _ if CREDENTIALS.contains(&code) => Kind::Unanswered,
        429 => Kind::Throttled,
        _ if code == "TooManyRequestsException" || code == "ThrottlingException" => Kind::Throttled,
        404 => Kind::Missing,
        408 => Kind::Unanswered,
        400..=499 => Kind::Refused,
        _ => Kind::Unanswered,
    }
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
