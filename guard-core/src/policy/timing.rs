//! What follows from a policy's times.

use chrono::{DateTime, Duration, Utc};

use super::Timing;
use crate::time::Minute;

impl Timing {
    /// Seconds that a metric counts together: lag runs from the end of a minute, and what happens in its first second
    /// waits for the other 59.
    pub const GRAIN_S: u32 = 60;

    /// The newest minute that metrics show in full at an instant: it ended a metric lag before.
    pub fn settled(&self, at: DateTime<Utc>) -> Minute {
        Minute::of(at - Duration::seconds(self.metric_lag_s.into())).plus(-1)
    }

    /// Seconds from a cause to the effect of the guard's answer: the minute itself + metric lag + tick + actuation, the
    /// *L* of the published bound.
    pub const fn reaction_s(&self) -> u32 {
        Self::GRAIN_S
            .saturating_add(self.metric_lag_s)
            .saturating_add(self.tick_s)
            .saturating_add(self.actuation_s)
    }
}
