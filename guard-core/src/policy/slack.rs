//! The amount of a budget that an incident may cost before the guard acts, as a length of the budget's own time.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Budget, Period};
use crate::money::Usd;

/// The word for the whole period.
const WHOLE: &str = "period";

/// The accepted forms, in words.
const ACCEPTED: &str =
    "accepted: a length of time such as \"30m\", \"3h\" or \"1d\", or \"period\" to act at the line only";

/// A length of a budget's time, in whole minutes: `3h` of a budget of $24 a day are $3. `period` is all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slack {
    minutes: u32,
}

impl Slack {
    /// The whole period: the budget acts at its line only.
    pub const PERIOD: Slack = Slack { minutes: u32::MAX };

    /// A slack of the given number of minutes.
    pub const fn of_minutes(minutes: u32) -> Self {
        Slack { minutes }
    }

    /// Its minutes within a period.
    pub fn minutes(self, period: Period) -> u32 {
        self.minutes.min(period.minutes())
    }

    /// Whether it is longer than a period.
    pub fn exceeds(self, period: Period) -> bool {
        self != Slack::PERIOD && self.minutes > period.minutes()
    }

    /// The slack of a budget. Unless it sets one, it is the whole period under a guarantee, whose ceilings tighten by
    /// themselves and are meant to be used up; otherwise [`Slack::of`] its period.
    pub fn of_budget(budget: &Budget) -> Self {
        let unsaid = if budget.guarantee { Slack::PERIOD } else { Slack::of(budget.period) };
        budget.slack.unwrap_or(unsaid)
    }

    /// Its part of a budget's amount.
    pub fn part(self, amount: Usd, period: Period) -> Usd {
        amount.mul_div_up(self.minutes(period).into(), period.minutes().into())
    }

    /// The slack of a period: half an hour of an hour, an eighth of a day, a sixtieth of a month. Our choice: a longer
    /// period has busier hours in it, and a smaller part of it pays for as long an incident. *No false cap* in
    /// docs/scorecard.md shows the results on recorded traffic.
    pub const fn of(period: Period) -> Self {
        let hours = match period {
            Period::Hour => return Slack { minutes: 30 },
            Period::Day => 3,
            Period::Week => 6,
            Period::Month => 12,
        };
        Slack { minutes: hours * 60 }
    }
}

impl Period {
    /// The length of a period in minutes. A month counts 30 days.
    pub const fn minutes(self) -> u32 {
        60 * match self {
            Period::Hour => 1,
            Period::Day => 24,
            Period::Week => 168,
            Period::Month => 720,
        }
    }
}

impl FromStr for Slack {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == WHOLE {
            return Ok(Slack::PERIOD);
        }
        let refused = || format!("{text:?} is no length of time; {ACCEPTED}");
        let unit = text.chars().last().ok_or_else(refused)?;
        let minutes: u32 = match unit {
            'm' => 1,
            'h' => 60,
            'd' => 24 * 60,
            _ => return Err(refused()),
        };
        let number = text.strip_suffix(unit).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let number: u32 = number.and_then(|digits| digits.parse().ok()).ok_or_else(refused)?;
        match number.checked_mul(minutes) {
            Some(minutes) if minutes > 0 => Ok(Slack { minutes }),
            Some(_) => Err(format!("{text:?} leaves no room for what is ordinary; {ACCEPTED}")),
            None => Err(refused()),
        }
    }
}

impl fmt::Display for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minutes {
            _ if *self == Slack::PERIOD => f.write_str(WHOLE),
            minutes if minutes % (24 * 60) == 0 => write!(f, "{}d", minutes / (24 * 60)),
            minutes if minutes % 60 == 0 => write!(f, "{}h", minutes / 60),
            minutes => write!(f, "{minutes}m"),
        }
    }
}

impl Serialize for Slack {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Slack {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Slack {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Slack".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^([0-9]{1,7}[mhd]|period)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slack_is_read_as_it_is_written() {
        for (text, minutes) in [("1m", 1), ("90m", 90), ("3h", 180), ("24h", 1440), ("7d", 10_080)] {
            assert_eq!(text.parse(), Ok(Slack::of_minutes(minutes)), "{text}");
        }
        for (minutes, text) in
            [(30, "30m"), (180, "3h"), (90, "90m"), (1440, "1d"), (36 * 60, "36h"), (u32::MAX, "period")]
        {
            assert_eq!(Slack::of_minutes(minutes).to_string(), text);
            assert_eq!(text.parse(), Ok(Slack::of_minutes(minutes)));
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused_with_what_is_accepted() {
        for text in
            ["", "h", "3", "3 h", "-3h", "+3h", "3H", "1.5h", "3hours", "0m", "0d", "9999999d", "３h", "3é"]
        {
            let error = text.parse::<Slack>().unwrap_err();
            assert!(error.contains(&format!("{text:?}")) && error.contains("accepted: "), "{error}");
        }
    }

    #[test]
    fn every_default_is_shorter_than_its_period() {
        for period in [Period::Hour, Period::Day, Period::Week, Period::Month] {
            assert!(Slack::of(period).minutes(period) * 2 <= period.minutes(), "{period:?}");
            assert_eq!(Slack::PERIOD.minutes(period), period.minutes());
            assert!(
                !Slack::PERIOD.exceeds(period) && Slack::of_minutes(period.minutes() + 1).exceeds(period)
            );
        }
    }
}
