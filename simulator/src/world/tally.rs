//! What became of each traffic: of its events, and of its attempts in time and money's units.

use serde::Serialize;

use crate::scenario::Kind;

/// Counts of one traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Logical events sent.
    pub offered: u64,
    /// Events that some attempt served.
    pub served: u64,
    /// Events whose last attempt failed in the function.
    pub failed: u64,
    /// Events whose caller was refused for good.
    pub refused: u64,
    /// Events given up that a dead-letter queue or destination caught.
    pub dead_lettered: u64,
    /// Events given up that nothing caught.
    pub lost: u64,
    /// Events served more than a minute after they were sent.
    pub delayed: u64,
    /// Attempts that ran: billed requests.
    pub attempts: u64,
    /// Attempts that ran and were not the first of their event.
    pub repeated: u64,
    /// Attempts that ran and failed.
    pub errors: u64,
    /// Attempts refused.
    pub throttles: u64,
    /// Attempts that began in a new environment.
    pub cold_starts: u64,
    /// Billed milliseconds of all attempts on demand.
    pub billed_ms: u64,
    /// Billed milliseconds of repeated attempts on demand.
    pub repeated_ms: u64,
    /// Billed milliseconds on provisioned concurrency.
    pub provisioned_ms: u64,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Tally) -> Tally {
        Tally {
            offered: self.offered + other.offered,
            served: self.served + other.served,
            failed: self.failed + other.failed,
            refused: self.refused + other.refused,
            dead_lettered: self.dead_lettered + other.dead_lettered,
            lost: self.lost + other.lost,
            delayed: self.delayed + other.delayed,
            attempts: self.attempts + other.attempts,
            repeated: self.repeated + other.repeated,
            errors: self.errors + other.errors,
            throttles: self.throttles + other.throttles,
            cold_starts: self.cold_starts + other.cold_starts,
            billed_ms: self.billed_ms + other.billed_ms,
            repeated_ms: self.repeated_ms + other.repeated_ms,
            provisioned_ms: self.provisioned_ms + other.provisioned_ms,
        }
    }

    /// Its growth since an earlier one.
    #[must_use]
    pub fn minus(self, earlier: Tally) -> Tally {
        Tally {
            offered: self.offered - earlier.offered,
            served: self.served - earlier.served,
            failed: self.failed - earlier.failed,
            refused: self.refused - earlier.refused,
            dead_lettered: self.dead_lettered - earlier.dead_lettered,
            lost: self.lost - earlier.lost,
            delayed: self.delayed - earlier.delayed,
            attempts: self.attempts - earlier.attempts,
            repeated: self.repeated - earlier.repeated,
            errors: self.errors - earlier.errors,
            throttles: self.throttles - earlier.throttles,
            cold_starts: self.cold_starts - earlier.cold_starts,
            billed_ms: self.billed_ms - earlier.billed_ms,
            repeated_ms: self.repeated_ms - earlier.repeated_ms,
            provisioned_ms: self.provisioned_ms - earlier.provisioned_ms,
        }
    }

    /// Events whose fate is not decided yet.
    pub fn pending(&self) -> u64 {
        let decided = self.served + self.failed + self.refused + self.dead_lettered + self.lost;
        self.offered.saturating_sub(decided)
    }

    /// Attempts per event that began, in per mille: the amplification.
    pub fn attempts_per_mille(&self) -> u64 {
        match self.attempts.saturating_sub(self.repeated) {
            0 => 1000,
            unique => self.attempts * 1000 / unique,
        }
    }
}

/// One traffic and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrafficTally {
    /// The traffic.
    pub traffic: String,
    /// Its function.
    pub function: String,
    /// Friend or foe.
    pub kind: Kind,
    /// Its counts.
    #[serde(flatten)]
    pub tally: Tally,
}
