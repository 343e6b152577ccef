//! The accepted ranges of the policy's numbers, in one place: the validator refuses by them, and the JSON Schema's
//! `minimum` and `maximum` are made from them.

use std::fmt;

use crate::money::{PICOS_PER_USD, Usd, grouped};

/// A range of whole numbers, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The least.
    pub min: u64,
    /// The most.
    pub max: u64,
}

impl Accepted {
    const fn new(min: u64, max: u64) -> Self {
        Accepted { min, max }
    }

    /// Whether the range holds the number.
    pub const fn contains(self, number: u64) -> bool {
        self.min <= number && number <= self.max
    }
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            return write!(f, "{}", self.min);
        }
        write!(f, "{} to {}", grouped(self.min.into()), grouped(self.max.into()))
    }
}

/// A range of amounts in dollars; the upper end is included, the lower one if `least` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedUsd {
    /// The lower end.
    pub min: Usd,
    /// Whether the lower end itself is accepted.
    pub min_included: bool,
    /// The upper end, included.
    pub max: Usd,
    /// The range in words, as the documentation of the field has it.
    pub words: &'static str,
}

impl AcceptedUsd {
    /// Whether the range holds the amount.
    pub fn contains(self, amount: Usd) -> bool {
        (amount > self.min || (self.min_included && amount == self.min)) && amount <= self.max
    }

    /// Writes the range into the schema of a property. JSON Schema compares numbers only: an amount written as a
    /// text is checked by the validator alone.
    pub(crate) fn in_schema(self) -> impl FnMut(&mut schemars::Schema) {
        move |schema| {
            schema.insert(self.json_min_keyword().to_owned(), json_number(self.min));
            schema.insert("maximum".to_owned(), json_number(self.max));
        }
    }

    /// The keyword of JSON Schema for the lower end.
    const fn json_min_keyword(self) -> &'static str {
        if self.min_included { "minimum" } else { "exclusiveMinimum" }
    }
}

/// Whole dollars as an integer, so that the schema reads `1000000` and not `1000000.0`.
fn json_number(amount: Usd) -> serde_json::Value {
    match i64::try_from(amount.picos() / PICOS_PER_USD) {
        Ok(whole) if Usd::from_dollars(whole) == amount => whole.into(),
        _ => amount.to_f64().into(),
    }
}

impl fmt::Display for AcceptedUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words)
    }
}

/// `schema`: the one version there is.
pub const SCHEMA: Accepted = Accepted::new(1, 1);
/// `timing.metric_lag_s`: a minute is CloudWatch's grain; later than a quarter of an hour is an outage of it.
pub const METRIC_LAG_S: Accepted = Accepted::new(60, 900);
/// `timing.tick_s`: the scheduler's grain is a minute.
pub const TICK_S: Accepted = Accepted::new(60, 3_600);
/// `timing.actuation_s`.
pub const ACTUATION_S: Accepted = Accepted::new(0, 600);
/// `timing.decay_half_life_min`: up to a day.
pub const DECAY_HALF_LIFE_MIN: Accepted = Accepted::new(1, 1_440);
/// `floor.headroom_percent`: less than 100 would cut ordinary traffic.
pub const HEADROOM_PERCENT: Accepted = Accepted::new(100, 1_000);
/// `floor.minimum`: 0 would be a stop.
pub const FLOOR_MINIMUM: Accepted = Accepted::new(1, 1_000);
/// `release.cooldown_min`: up to a week.
pub const COOLDOWN_MIN: Accepted = Accepted::new(1, 10_080);
/// `release.calm_min`: up to a day.
pub const CALM_MIN: Accepted = Accepted::new(1, 1_440);
/// `release.flap_window_h`: up to a week.
pub const FLAP_WINDOW_H: Accepted = Accepted::new(1, 168);
/// `alerts.realert_min`: up to a week.
pub const REALERT_MIN: Accepted = Accepted::new(5, 10_080);
/// Characters of `alerts.runbook`: messages to pagers have 1,024 for everything.
pub const RUNBOOK_CHARS: Accepted = Accepted::new(1, 300);
/// `limits.actions_per_tick`: the control plane takes 15 requests a second.
pub const ACTIONS_PER_TICK: Accepted = Accepted::new(1, 100);
/// `limits.keep_unreserved`.
pub const KEEP_UNRESERVED: Accepted = Accepted::new(0, 100_000);
/// `limits.own_cost_usd_per_month`: a dollar does not even pay for the region's totals every minute.
pub const OWN_COST_USD_PER_MONTH: AcceptedUsd = AcceptedUsd {
    min: Usd::from_dollars(1),
    min_included: true,
    max: Usd::from_dollars(1_000_000),
    words: "1 to 1,000,000",
};
/// `companion.log_bytes`.
pub const LOG_BYTES: Accepted = Accepted::new(0, 10_000_000);
/// `companion.other_usd_per_million`.
pub const OTHER_USD_PER_MILLION: AcceptedUsd = AcceptedUsd {
    min: Usd::ZERO,
    min_included: true,
    max: Usd::from_dollars(1_000_000),
    words: "0 to 1,000,000",
};
/// `companion.init_ms`.
pub const INIT_MS: Accepted = Accepted::new(0, 60_000);
/// `budget.usd`, and the tag `dow-guard:monthly-usd`.
pub const BUDGET_USD: AcceptedUsd = AcceptedUsd {
    min: Usd::ZERO,
    min_included: false,
    max: Usd::from_dollars(1_000_000_000),
    words: "above 0 and up to 1,000,000,000",
};
/// `budget.invocations`.
pub const BUDGET_INVOCATIONS: Accepted = Accepted::new(1, 1_000_000_000_000);
/// Each of `budget.thresholds_percent`.
pub const THRESHOLD_PERCENT: Accepted = Accepted::new(1, 1_000);
/// The tag `dow-guard:floor`, and `tags.floor`: a floor of one function may be as large as an account's raised limit.
pub const TAG_FLOOR: Accepted = Accepted::new(1, 100_000);
