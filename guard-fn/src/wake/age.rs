//! Times as AWS writes them, and whether they are too old or too new to act on.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Limits, Unrecognised};

/// The event being checked, and the place of its time.
#[derive(Clone, Copy)]
pub(super) struct Stamp<'a> {
    /// The kind of event, for the message: `tick`.
    pub(super) what: &'static str,
    /// The path of the time within the payload.
    pub(super) place: &'a str,
    /// The time as written.
    pub(super) text: &'a str,
}

impl Stamp<'_> {
    /// The time, if it is neither older than `oldest` nor further ahead than the clocks may differ.
    pub(super) fn fresh(
        self,
        now: DateTime<Utc>,
        oldest: TimeDelta,
        limits: &Limits,
    ) -> Result<DateTime<Utc>, Unrecognised> {
        let expected = "a time such as 2026-11-27T09:30:00Z";
        let at = parse(self.text)
            .ok_or_else(|| Unrecognised::malformed(self.what, self.place.to_owned(), expected))?;
        let age = now.signed_duration_since(at);
        if age > oldest {
            return Err(Unrecognised::Stale {
                what: self.what,
                at,
                age_s: age.num_seconds(),
                limit_s: oldest.num_seconds(),
            });
        }
        let ahead = at.signed_duration_since(now);
        if ahead > limits.clock_skew {
            return Err(Unrecognised::FromTheFuture {
                what: self.what,
                at,
                ahead_s: ahead.num_seconds(),
                limit_s: limits.clock_skew.num_seconds(),
            });
        }
        Ok(at)
    }
}

/// RFC 3339, or the form of CloudWatch, whose offset has no colon: `2019-10-02T17:04:40.989+0000`.
fn parse(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .map(|at| at.with_timezone(&Utc))
}
