//! AWS Budgets: exact, and hours late.

use std::collections::BTreeSet;

use guard_core::money::Usd;
use guard_core::name::BudgetName;
use guard_core::roster::Roster;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::stop;
use crate::request::Request;
use crate::run::{Rival, Seat};
use crate::scenario::Happening;
use crate::stage::GUARD;
use crate::world::TrafficTally;

/// Minutes from one refresh of billing data to the next: up to three times a day ("Managing your costs with AWS
/// Budgets", read 2026-11).
const REFRESH_MIN: i64 = 480;

/// The least age of the data that a refresh shows, in minutes: 8 to 12 hours (same document).
const AGE_MIN: i64 = 480;

/// A budget for each of the policy's, with an action on all it covers.
#[derive(Debug)]
pub(super) struct Budgets {
    /// Minutes after midnight of the first refresh.
    phase: i64,
    covered: Vec<(BudgetName, Vec<usize>)>,
    /// Periods already reported: a threshold alerts once in each.
    told: BTreeSet<(BudgetName, i64)>,
    actuation_s: u32,
}

impl Budgets {
    pub(super) fn new(request: &Request<'_>, roster: &Roster) -> Self {
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(request.seed);
        let functions = || roster.inventory.functions.iter().enumerate();
        let covered = roster.rules.iter().map(|rule| {
            let places = functions()
                .filter(|(_, function)| function.name.as_str() != GUARD && rule.matcher.matches(function))
                .map(|(place, _)| place);
            (rule.name.clone(), places.collect())
        });
        Budgets {
            phase: dice.random_range(0..REFRESH_MIN),
            covered: covered.collect(),
            told: BTreeSet::new(),
            actuation_s: request.scenario.service.actuation_s,
        }
    }
}

impl Rival for Budgets {
    fn minute(&mut self, seat: &mut Seat<'_, '_>) {
        if (seat.at.0 - self.phase).rem_euclid(REFRESH_MIN) != 0 {
            return;
        }
        let known = seat.at.plus(-AGE_MIN).start();
        let mut calls = 0;
        for period in seat.periods.iter().filter(|period| period.crossed.is_some_and(|at| at <= known)) {
            let key = (period.budget.clone(), period.start.timestamp());
            if !self.told.insert(key) || seat.now.is(Happening::ControlPlaneDown) {
                continue;
            }
            let places = self.covered.iter().filter(|(name, _)| *name == period.budget);
            for place in places.flat_map(|(_, places)| places) {
                stop(seat.world, *place, self.actuation_s, calls);
                calls += 1;
            }
        }
    }

    fn cost(&self, _: u32, _: &[TrafficTally]) -> Usd {
        Usd::ZERO
    }
}
