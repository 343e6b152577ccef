//! The rules that no plan may break, by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rule that no plan may break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// `armed` follows the policy or the operator.
    Armed,
    /// Never the guard itself.
    Itself,
    /// Never a function or lever that does not exist.
    Missing,
    /// Never a change from a value that is not in force.
    Stale,
    /// Never a value that AWS does not accept.
    Range,
    /// Never two changes of one lever.
    TwicePerLever,
    /// Never more changes than a tick may make.
    TickFull,
    /// Never a protected function.
    Protected,
    /// Never against an operator's hold.
    Held,
    /// Never a cap on a function that an operator released by hand.
    Pardoned,
    /// Never a lever that others have moved.
    Foreign,
    /// Never on behalf of a budget that does not exist or does not cover the function.
    Scope,
    /// Never for a budget or function whose mode forbids acting.
    Mode,
    /// Never tighter than the needs of legitimate traffic.
    Floor,
    /// Never at the price of lost events.
    EventLoss,
    /// Never looser than what the guard itself tightened.
    BeyondOriginal,
    /// Never looser without data.
    BlindRelease,
    /// Never more reservations than the account has room for.
    Pool,
}

impl Rule {
    /// Its name as written in records.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::Armed => "armed",
            Rule::Itself => "itself",
            Rule::Missing => "missing",
            Rule::Stale => "stale",
            Rule::Range => "range",
            Rule::TwicePerLever => "twice-per-lever",
            Rule::TickFull => "tick-full",
            Rule::Protected => "protected",
            Rule::Held => "held",
            Rule::Pardoned => "pardoned",
            Rule::Foreign => "foreign",
            Rule::Scope => "scope",
            Rule::Mode => "mode",
            Rule::Floor => "floor",
            Rule::EventLoss => "event-loss",
            Rule::BeyondOriginal => "beyond-original",
            Rule::BlindRelease => "blind-release",
            Rule::Pool => "pool",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
