//! Scenarios under several policies: what each saves and what it costs legitimate traffic, and which no other beats.

use guard_core::money::Usd;
use serde::Serialize;

use crate::replay::{Findings, Replay};

/// A scenario under a policy.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// The scenario.
    pub scenario: String,
    /// The policy.
    pub variant: String,
    /// Whether there is an attack.
    pub attack: bool,
    /// Of what a perfect guard would have saved, the share saved.
    pub saved_percent: Option<f64>,
    /// Legitimate events not served because of the guard, of all.
    pub harm_percent: Option<f64>,
    /// The numbers.
    pub findings: Findings,
}

impl Cell {
    /// The results of a replay under a policy.
    pub fn new(variant: &str, replay: Replay) -> Cell {
        Cell {
            scenario: replay.name,
            variant: variant.to_owned(),
            attack: replay.attack.is_some(),
            saved_percent: replay.findings.saved_percent(),
            harm_percent: replay.findings.harm_percent(),
            findings: replay.findings,
        }
    }
}

/// The matrix: scenarios in the order asked for, policies within each.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The seed.
    pub seed: u64,
    /// Scenarios.
    pub scenarios: Vec<String>,
    /// Policies.
    pub variants: Vec<String>,
    /// One cell for each pair.
    pub cells: Vec<Cell>,
}

impl Comparison {
    /// The cells of a policy.
    pub fn of(&self, variant: &str) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(move |cell| cell.variant == variant)
    }

    /// A policy's share of the possible savings, over all scenarios with an attack, in percent of dollars.
    pub fn saved(&self, variant: &str) -> Option<f64> {
        let attacked = || self.of(variant).filter(|cell| cell.attack).map(|cell| &cell.findings);
        // Each incident counts alike, however large its bill.
        let shares: Vec<f64> = attacked().filter_map(Findings::saved_percent).collect();
        mean(&shares)
    }

    /// The cost of a policy to legitimate traffic, over all scenarios, in percent of events.
    pub fn harm(&self, variant: &str) -> Option<f64> {
        let shares: Vec<f64> = self.of(variant).filter_map(|cell| cell.findings.harm_percent()).collect();
        mean(&shares)
    }

    /// Policies that no other beats in both: more saved, less harm.
    pub fn frontier(&self) -> Vec<&str> {
        let points: Vec<(&str, f64, f64)> = self
            .variants
            .iter()
            .filter_map(|variant| Some((variant.as_str(), self.saved(variant)?, self.harm(variant)?)))
            .collect();
        let is_beaten = |(_, saved, harm): &(&str, f64, f64)| {
            points.iter().any(|(_, other_saved, other_harm)| {
                other_saved >= saved && other_harm <= harm && (other_saved > saved || other_harm < harm)
            })
        };
        points.iter().filter(|point| !is_beaten(point)).map(|(variant, _, _)| *variant).collect()
    }

    /// Dollars of all incidents under a policy.
    pub fn dollars(&self, variant: &str) -> Usd {
        self.of(variant).map(|cell| cell.findings.usd_with).sum()
    }
}

fn mean(shares: &[f64]) -> Option<f64> {
    let count = u32::try_from(shares.len()).ok().filter(|count| *count > 0)?;
    Some(shares.iter().sum::<f64>() / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(variant: &str, with: i64, refused: u64) -> Cell {
        let mut findings = Findings {
            usd_without: Usd::from_dollars(100),
            usd_with: Usd::from_dollars(with),
            ..Findings::default()
        };
        findings.legitimate_with.offered = 100;
        findings.legitimate_with.refused = refused;
        Cell {
            scenario: "s".to_owned(),
            variant: variant.to_owned(),
            attack: true,
            saved_percent: findings.saved_percent(),
            harm_percent: findings.harm_percent(),
            findings,
        }
    }

    #[test]
    fn a_policy_that_another_beats_in_both_is_not_on_the_frontier() {
        let cells =
            vec![cell("a", 10, 30), cell("b", 20, 5), cell("c", 30, 6), cell("d", 100, 0), cell("e", 20, 5)];
        let variants = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let comparison = Comparison { seed: 1, scenarios: vec!["s".to_owned()], variants, cells };
        assert_eq!(comparison.frontier(), ["a", "b", "d", "e"]);
        assert_eq!((comparison.saved("a"), comparison.harm("a")), (Some(90.0), Some(30.0)));
        assert_eq!(comparison.saved("nobody"), None);
    }
}
