//! What may go wrong between the guard and AWS.

use std::sync::Arc;
use std::time::Duration;

/// A fault.
#[derive(Clone)]
pub enum Fault {
    /// AWS answers with an error.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error's code.
        code: &'static str,
    },
    /// No answer, on an open connection.
    Hang,
    /// The connection is closed before AWS hears of the call.
    Dropped,
    /// AWS does what was asked, and its answer is lost.
    Lost,
    /// The second half of the answer comes late, by so long on the guard's clock.
    Slow(Duration),
    /// The second half of the answer never comes.
    Truncated,
    /// `GetMetricData` says of every result that it is partial.
    Partial,
    /// Something happens instead of the call.
    Before(Arc<dyn Fn() + Send + Sync>),
    /// Something happens between the call and its answer.
    After(Arc<dyn Fn() + Send + Sync>),
}

impl Fault {
    /// Too many requests.
    pub const THROTTLED: Fault = Fault::Refused { status: 429, code: "TooManyRequestsException" };
    /// The service fails.
    pub const SERVER_ERROR: Fault = Fault::Refused { status: 500, code: "InternalServiceException" };
    /// The credentials have expired.
    pub const EXPIRED: Fault = Fault::Refused { status: 403, code: "ExpiredTokenException" };
    /// A permission is missing.
    pub const DENIED: Fault = Fault::Refused { status: 403, code: "AccessDeniedException" };
}

/// The same answer with `PartialData` for `Complete`: in CBOR a text carries its length in bytes and whatever contains
/// it counts items, so that nothing else changes.
pub(super) fn partial(body: &[u8]) -> Vec<u8> {
    const COMPLETE: &[u8] = b"\x68Complete";
    let mut changed = Vec::new();
    let mut rest = body;
    while let Some(place) = rest.windows(COMPLETE.len()).position(|window| window == COMPLETE) {
        let (before, after) = rest.split_at(place);
        changed.extend(before);
        changed.extend(b"\x6bPartialData");
        rest = after.get(COMPLETE.len()..).unwrap_or_default();
    }
    changed.extend(rest);
    changed
}
