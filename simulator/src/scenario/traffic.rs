//! Traffic of a scenario: who sends, how much, when, by which way, and what a client does when it is refused.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One stream of logical events to one function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Its name, unique in the scenario.
    pub name: String,
    /// Friend or foe. Only the report and the perfect guard know.
    #[serde(default)]
    pub kind: Kind,
    /// The function it reaches.
    pub function: String,
    /// By which way.
    #[serde(default)]
    pub via: Via,
    /// The queue or stream, where it goes through one. Without it, the function's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// How many events a second.
    pub rate: Rate,
    /// Minute at which it begins.
    #[serde(default)]
    pub from_min: u32,
    /// Minutes it lasts; without it, to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_min: Option<u32>,
    /// How long its invocations take, where that differs from the function's ordinary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// Share of attempts that fail, 0 to 1.
    #[serde(default)]
    pub failing: f64,
    /// Share of events that fail at every attempt, 0 to 1.
    #[serde(default)]
    pub poison: f64,
    /// What a synchronous caller does when it is refused or fails.
    #[serde(default)]
    pub client: Client,
    /// What every successful invocation sends on: recursion and chains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emits: Option<Emission>,
}

/// Friend or foe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Traffic that the owner wants served.
    #[default]
    Legitimate,
    /// Traffic that costs and earns nothing: attackers, loops, defects.
    Attack,
}

/// The way events reach a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// API, Function URL, SDK: the caller waits and is told of a refusal.
    #[default]
    Sync,
    /// S3, SNS, EventBridge, schedules: Lambda queues, retries and gives up.
    Async,
    /// An SQS queue.
    Queue,
    /// A Kinesis or DynamoDB stream.
    Stream,
}

/// How a rate moves. `rps` is events per second; minutes count from the traffic's own beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "law", rename_all = "snake_case", deny_unknown_fields)]
pub enum Rate {
    /// Always the same, independent events (a Poisson process).
    Constant {
        /// Events per second.
        rps: f64,
    },
    /// Always the same, evenly spaced: a schedule, or a script without jitter.
    Even {
        /// Events per second.
        rps: f64,
    },
    /// A day's wave, lower at weekends.
    Diurnal {
        /// Mean over a weekday.
        rps: f64,
        /// Swing around the mean, 0 to 1. Default 0.6.
        #[serde(default = "default_swing")]
        swing: f64,
        /// Hour of the peak, UTC, 0 to 23. Default 14.
        #[serde(default = "default_peak_hour")]
        peak_hour: u32,
        /// Factor on Saturday and Sunday, 0 to 10. Default 0.6.
        #[serde(default = "default_weekend")]
        weekend: f64,
    },
    /// Two states that take turns, each for an exponentially distributed time (MMPP).
    Bursty {
        /// Events per second in the quiet state.
        quiet_rps: f64,
        /// Events per second in the busy state.
        busy_rps: f64,
        /// Mean length of the quiet state in seconds.
        quiet_s: f64,
        /// Mean length of the busy state in seconds.
        busy_s: f64,
    },
    /// From one rate to another along a line, then level.
    Linear {
        /// At the beginning.
        from_rps: f64,
        /// At the end of the ramp.
        to_rps: f64,
        /// Length of the ramp in minutes.
        over_min: f64,
    },
    /// Doubles every so many minutes, up to a level.
    Exponential {
        /// At the beginning.
        from_rps: f64,
        /// Minutes to double.
        doubling_min: f64,
        /// The level at which it stays.
        to_rps: f64,
    },
    /// A new rate every so many seconds, uniform between two bounds.
    Random {
        /// Lower bound.
        from_rps: f64,
        /// Upper bound.
        to_rps: f64,
        /// Seconds between two draws. Default 60.
        #[serde(default = "default_every_s")]
        every_s: u32,
    },
    /// On for a while, off for a while.
    Pulse {
        /// While on.
        rps: f64,
        /// Minutes on.
        on_min: u32,
        /// Minutes off.
        off_min: u32,
    },
    /// Watches its refusals: quiet for a while where more than half of a minute's requests were refused.
    Adaptive {
        /// While it attacks.
        rps: f64,
        /// Minutes of quiet.
        quiet_min: u32,
    },
    /// Only what other traffic emits.
    Chained {},
    /// So many events in one go at the beginning.
    Once {
        /// Events.
        events: u32,
    },
}

const fn default_swing() -> f64 {
    0.6
}
const fn default_peak_hour() -> u32 {
    14
}
const fn default_weekend() -> f64 {
    0.6
}
const fn default_every_s() -> u32 {
    60
}

/// How long an invocation takes in a warm environment: exactly one of the four. The time-out cuts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Duration {
    /// Always so many milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant_ms: Option<f64>,
    /// Exponentially distributed with this mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_ms: Option<f64>,
    /// Log-normally distributed around this median: most invocations near it, a few much longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_ms: Option<f64>,
    /// Standard deviation of the logarithm, 0 to 3, with `median_ms`. Default 0.5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
    /// Until the time-out, which is an error.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub until_timeout: bool,
}

impl Duration {
    /// Always so many milliseconds.
    pub fn constant(milliseconds: f64) -> Self {
        Duration { constant_ms: Some(milliseconds), ..Duration::default() }
    }
}

/// What a synchronous caller does. AWS SDKs try three times in all, after 1 s and 2 s ("Retry behavior", read
/// 2026-11); browsers do not retry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Client {
    /// Further attempts after a refusal, 0 to 20.
    pub retries: u8,
    /// Seconds before the first of them, doubled each time, 0 to 3,600.
    pub backoff_s: u32,
    /// Whether it repeats after a function error too.
    pub retry_errors: bool,
}

/// What a successful invocation sends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Emission {
    /// The traffic that receives them: one of law `chained`, or this one.
    pub to: String,
    /// Events per invocation on average, 0 to 100.
    pub gain: f64,
    /// Seconds until they arrive, 0 to 3,600.
    #[serde(default)]
    pub delay_s: u32,
}
