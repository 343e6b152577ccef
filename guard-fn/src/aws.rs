//! AWS behind the ports: one file per service. Types of the SDK go no further than this folder.

pub mod calls;
pub mod policy_source;
pub mod price_list;
pub mod sns;
pub mod state_store;

use std::time::Duration;

use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::ports::Unavailable;

/// An error of the SDK with its causes in one line.
pub(crate) fn unavailable(call: &str, error: &(impl std::error::Error + 'static)) -> Unavailable {
    Unavailable::new(call, DisplayErrorContext(error).to_string().replace(['\n', '\r'], " "))
}

/// How long a call may take: a tick has a minute, and another call after this one.
pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(12))
        .build()
}

/// How often a call is tried that may be made twice.
pub(crate) const fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

#[cfg(test)]
mod in_process;
