//! One change of one setting: the lever, the old value and the new one.

use serde::{Deserialize, Serialize};

use crate::inventory::AsyncConfig;
use crate::name::MappingId;

/// A change of one setting. `from` is the value seen when the plan was made: the actuator compares before it sets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "lever", rename_all = "snake_case")]
pub enum Change {
    /// Asynchronous retries and event age.
    AsyncConfig {
        /// In force.
        from: AsyncSetting,
        /// Wanted.
        to: AsyncSetting,
    },
    /// `MaximumConcurrency` of an SQS mapping; `None` is unset.
    MappingConcurrency {
        /// The mapping.
        mapping: MappingId,
        /// In force.
        from: Option<u32>,
        /// Wanted.
        to: Option<u32>,
    },
    /// Whether a mapping polls.
    MappingEnabled {
        /// The mapping.
        mapping: MappingId,
        /// In force.
        from: bool,
        /// Wanted.
        to: bool,
    },
    /// Reserved concurrency; `None` is unset, `Some(0)` stops.
    ReservedConcurrency {
        /// In force.
        from: Option<u32>,
        /// Wanted.
        to: Option<u32>,
    },
}

/// The two asynchronous settings that the guard moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AsyncSetting {
    /// Further attempts after a function error, 0 to 2.
    pub max_retries: u8,
    /// Seconds after which an event is given up, 60 to 21,600.
    pub max_event_age_s: u32,
}

impl From<AsyncConfig> for AsyncSetting {
    fn from(config: AsyncConfig) -> Self {
        AsyncSetting { max_retries: config.max_retries, max_event_age_s: config.max_event_age_s }
    }
}

/// A setting without its values: what a [`Change`] changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "lever", rename_all = "snake_case")]
pub enum Lever {
    /// Asynchronous retries and event age.
    AsyncConfig,
    /// `MaximumConcurrency` of a mapping.
    MappingConcurrency {
        /// The mapping.
        mapping: MappingId,
    },
    /// Whether a mapping polls.
    MappingEnabled {
        /// The mapping.
        mapping: MappingId,
    },
    /// Reserved concurrency.
    ReservedConcurrency,
}

/// The value of a lever: saved before a change and restored afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Asynchronous retries and event age.
    Async(AsyncSetting),
    /// A concurrency: reserved, or a mapping's maximum. `None` is unset; zero is a number.
    Concurrency(Option<u32>),
    /// Whether a mapping polls.
    Enabled(bool),
}

impl Change {
    /// The lever that it changes.
    pub fn lever(&self) -> Lever {
        match self {
            Change::AsyncConfig { .. } => Lever::AsyncConfig,
            Change::MappingConcurrency { mapping, .. } => {
                Lever::MappingConcurrency { mapping: mapping.clone() }
            }
            Change::MappingEnabled { mapping, .. } => Lever::MappingEnabled { mapping: mapping.clone() },
            Change::ReservedConcurrency { .. } => Lever::ReservedConcurrency,
        }
    }

    /// The value it starts from.
    pub fn from(&self) -> Setting {
        match self {
            Change::AsyncConfig { from, .. } => Setting::Async(*from),
            Change::MappingEnabled { from, .. } => Setting::Enabled(*from),
            Change::MappingConcurrency { from, .. } | Change::ReservedConcurrency { from, .. } => {
                Setting::Concurrency(*from)
            }
        }
    }

    /// The value it sets.
    pub fn to(&self) -> Setting {
        match self {
            Change::AsyncConfig { to, .. } => Setting::Async(*to),
            Change::MappingEnabled { to, .. } => Setting::Enabled(*to),
            Change::MappingConcurrency { to, .. } | Change::ReservedConcurrency { to, .. } => {
                Setting::Concurrency(*to)
            }
        }
    }

    /// A change of that lever between two values; `None` if the values are not of the lever's kind.
    pub fn of(lever: &Lever, from: Setting, to: Setting) -> Option<Change> {
        match (lever, from, to) {
            (Lever::AsyncConfig, Setting::Async(from), Setting::Async(to)) => {
                Some(Change::AsyncConfig { from, to })
            }
            (Lever::MappingConcurrency { mapping }, Setting::Concurrency(from), Setting::Concurrency(to)) => {
                Some(Change::MappingConcurrency { mapping: mapping.clone(), from, to })
            }
            (Lever::MappingEnabled { mapping }, Setting::Enabled(from), Setting::Enabled(to)) => {
                Some(Change::MappingEnabled { mapping: mapping.clone(), from, to })
            }
            (Lever::ReservedConcurrency, Setting::Concurrency(from), Setting::Concurrency(to)) => {
                Some(Change::ReservedConcurrency { from, to })
            }
            _ => None,
        }
    }
}
