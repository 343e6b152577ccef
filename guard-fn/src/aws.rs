//! AWS behind the ports: one file per service. Types of the SDK go no further than this folder.

pub mod calls;
pub mod cloudwatch;

use aws_smithy_types::error::display::DisplayErrorContext;

use crate::ports::Unavailable;

/// An error of the SDK with its causes in one line.
pub(crate) fn unavailable(call: &str, error: &(impl std::error::Error + 'static)) -> Unavailable {
    Unavailable::new(call, DisplayErrorContext(error).to_string().replace(['\n', '\r'], " "))
}
