//! The guard's memory as a file.

use std::path::Path;

use guard_core::state::{STATE_SCHEMA, State};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::trace::stream::Stream;

/// Reads it; without a file, nothing is remembered.
///
/// # Errors
/// Where it cannot be read, is no state, or of another version.
pub(super) fn read(path: Option<&Path>) -> Result<State, Failure> {
    let Some(path) = path else { return Ok(State::new()) };
    let text = Stream::open(path).and_then(Stream::into_text)?;
    let bad = |problem: &dyn std::fmt::Display| {
        Failure::new(ExitCode::BadInput, format_args!("{}: {problem}", path.display()))
    };
    let state: State = serde_json::from_str(&text).map_err(|error| bad(&error))?;
    if state.schema == STATE_SCHEMA {
        Ok(state)
    } else {
        Err(bad(&format_args!("schema: {} is not {STATE_SCHEMA}, the version of this program", state.schema)))
    }
}
