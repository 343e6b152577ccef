//! Assertions on a replay, for CI: `overrun_usd<=5`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::number::as_f64;
use crate::replay::{Findings, gone};

/// One assertion.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    metric: Metric,
    operator: Operator,
    value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    AtMost,
    Less,
    AtLeast,
    More,
    Equal,
}

/// A number of the findings: its name, its meaning, and its place.
pub type Metric = &'static Entry;

/// The same, not yet borrowed.
pub type Entry = (&'static str, &'static str, fn(&Findings) -> Option<f64>);

/// Every number that can be asserted: its name, what it is, and where it is found. A number that does not exist (no
/// cap, so no time to cap) fails every assertion on it.
pub const METRICS: &[Entry] = &[
    ("usd_without", "the bill without a guard", |f| Some(f.usd_without.to_f64())),
    ("usd_with", "the bill with the guard", |f| Some(f.usd_with.to_f64())),
    ("usd_perfect", "the bill with a perfect guard", |f| Some(f.usd_perfect.to_f64())),
    ("usd_guard", "what the guard itself cost", |f| Some(f.usd_guard.to_f64())),
    ("usd_saved", "the bill without less the bill with", |f| Some((f.usd_without - f.usd_with).to_f64())),
    ("saved_percent", "of what a perfect guard would have saved, the share that was saved", |f| {
        f.saved_percent()
    }),
    ("overrun_usd", "the most spent past a line in dollars, with the guard", |f| Some(f.overrun().to_f64())),
    ("bound_used_percent", "the most of a published bound that was used: above 100 it is broken", |f| {
        f.bound_used_percent()
    }),
    ("notice_min", "minutes from attack to first alarm", |f| f.notice_min.map(f64::from)),
    ("cap_min", "minutes from attack to first change", |f| f.cap_min.map(f64::from)),
    ("release_min", "minutes from the attack's end to the last release", |f| f.release_min.map(f64::from)),
    ("still_capped", "1 where something was still capped at the end", |f| {
        Some(f64::from(u8::from(f.still_capped)))
    }),
    ("caps", "trips: functions that went from free to capped", |f| Some(f64::from(f.caps))),
    ("alerts", "alerts sent", |f| Some(f64::from(f.alerts))),
    ("legitimate_served_percent", "legitimate events served, with the guard", served_percent),
    ("legitimate_refused", "legitimate events refused, given up or lost, with the guard", |f| {
        Some(as_f64(gone(&f.legitimate_with)))
    }),
    ("harm_percent", "legitimate events refused, given up or lost because of the guard, of all", |f| {
        f.harm_percent()
    }),
    ("legitimate_lost", "legitimate events lost for good, with the guard", |f| {
        Some(as_f64(f.legitimate_with.lost))
    }),
    ("bystanders_lost", "events of functions nobody attacks that the guard lost", |f| {
        Some(as_f64(f.bystanders_lost))
    }),
];

/// The metric of that name.
///
/// # Errors
/// Where there is none: which there are.
pub fn metric(name: &str) -> Result<Metric, String> {
    let name = name.trim();
    METRICS.iter().find(|(known, _, _)| *known == name).ok_or_else(|| {
        let known: Vec<&str> = METRICS.iter().map(|(known, _, _)| *known).collect();
        format!("{name:?} is none of {}", known.join(", "))
    })
}

/// Every number by its name; `None` where there is none, such as the time to a cap where nothing was capped.
pub fn metrics(findings: &Findings) -> BTreeMap<&'static str, Option<f64>> {
    METRICS.iter().map(|(name, _, read)| (*name, read(findings))).collect()
}

/// What can be expected, for the help of the command line.
pub fn help() -> String {
    let mut text = "What must hold, such as overrun_usd<=5 (also >= == < >); exit code 5 where it does not. May be given \
                    several times. The numbers:\n"
        .to_owned();
    for (name, meaning, _) in METRICS {
        text.push_str(&format!("\n  {name}: {meaning}"));
    }
    text
}

fn served_percent(findings: &Findings) -> Option<f64> {
    let tally = &findings.legitimate_with;
    (tally.offered > 0).then(|| as_f64(tally.served) / as_f64(tally.offered) * 100.0)
}

impl Expectation {
    /// Whether the findings hold it.
    pub fn holds(&self, findings: &Findings) -> bool {
        let (_, _, read) = self.metric;
        read(findings).is_some_and(|found| match self.operator {
            Operator::AtMost => found <= self.value,
            Operator::Less => found < self.value,
            Operator::AtLeast => found >= self.value,
            Operator::More => found > self.value,
            Operator::Equal => (found - self.value).abs() < 1e-9,
        })
    }

    /// The number found, if there is one.
    pub fn found(&self, findings: &Findings) -> Option<f64> {
        let (_, _, read) = self.metric;
        read(findings)
    }

    /// What its number is.
    pub fn meaning(&self) -> &'static str {
        self.metric.1
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign =
            OPERATORS.iter().find(|(_, operator)| *operator == self.operator).map_or("", |(sign, _)| sign);
        write!(f, "{}{sign}{}", self.metric.0, self.value)
    }
}

/// Longer signs first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Operator); 5] = [
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("==", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::More),
];

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = OPERATORS.iter().find_map(|(sign, operator)| Some((text.split_once(sign)?, *operator)));
        let ((name, value), operator) =
            found.ok_or_else(|| format!("{text:?} holds none of <= >= == < >, as in overrun_usd<=5"))?;
        let metric = metric(name)?;
        let value = value.trim().parse::<f64>().ok().filter(|value| value.is_finite());
        let value = value.ok_or_else(|| format!("{text:?}: what follows the sign is not a number"))?;
        Ok(Expectation { metric, operator, value })
    }
}

#[cfg(test)]
mod tests {
    use guard_core::money::Usd;

    use super::*;

    fn expect(text: &str) -> Expectation {
        text.parse().unwrap()
    }

    #[test]
    fn an_expectation_compares_a_number_of_the_findings() {
        let findings =
            Findings { usd_with: Usd::from_dollars(5), notice_min: Some(3), ..Findings::default() };
        for holds in
            ["usd_with<=5", "usd_with >= 5", "usd_with==5", "usd_with<5.01", "usd_with>4.99", "notice_min<=3"]
        {
            assert!(expect(holds).holds(&findings), "{holds}");
        }
        for fails in ["usd_with<5", "usd_with>5", "usd_with==4", "notice_min>3"] {
            assert!(!expect(fails).holds(&findings), "{fails}");
        }
    }

    #[test]
    fn what_was_not_found_fails_every_expectation() {
        let findings = Findings::default();
        assert!(!expect("cap_min<=1000").holds(&findings));
        assert!(!expect("cap_min>=0").holds(&findings));
        assert_eq!(expect("cap_min>=0").found(&findings), None);
    }

    #[test]
    fn what_is_wrong_with_an_expectation_is_named() {
        for (text, part) in [
            ("usd_with", "holds none of"),
            ("usd<=5", "is none of usd_without"),
            ("usd_with<=five", "not a number"),
            ("usd_with<=nan", "not a number"),
        ] {
            let error = text.parse::<Expectation>().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn an_expectation_prints_as_it_is_read() {
        for text in ["overrun_usd<=5", "caps==0", "alerts>1.5"] {
            assert_eq!(expect(text).to_string(), text);
        }
    }
}
