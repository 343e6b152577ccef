//! One scenario under every policy, on one seed and for the same time.

use guard_core::money::Usd;
use guard_core::pricing::PriceTable;
use serde::Serialize;

use super::{POLICIES, Policy};
use crate::number::as_f64;
use crate::replay::attack_of;
use crate::request::Request;
use crate::run::{Fate, Row, Run, run, run_under};
use crate::scenario::Kind;
use crate::world::{Cast, Tally};

/// One scenario under every policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The scenario.
    pub scenario: String,
    /// Whether there is an attack.
    pub attack: bool,
    /// Whether its traffic is recorded.
    pub recorded: bool,
    /// Minutes run: until the guard has let go.
    pub minutes: u32,
    /// The bill without the attack.
    pub usd_perfect: Usd,
    /// What came of it, in the order of [`POLICIES`].
    pub outcomes: Vec<Outcome>,
}

/// What came of a scenario under a policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The policy.
    pub policy: Policy,
    /// The bill, including the cost of the policy itself.
    pub usd: Usd,
    /// The cost of the policy itself.
    pub own: Usd,
    /// Minutes from the beginning of the attack until a function under attack was first held.
    pub stop_min: Option<u32>,
    /// Legitimate events of functions under attack that were not served by the end, in percent of those sent.
    pub attacked_unserved: Option<f64>,
    /// The same of all other functions.
    pub others_unserved: Option<f64>,
    /// All legitimate events that were not served by the end.
    pub unserved: u64,
    /// Minutes of outage: those at whose end fewer than half of the last five minutes' legitimate events had been served.
    pub outage_min: u32,
    /// Times that a function not under attack was stopped or capped.
    pub false_stops: u32,
    /// Whether the policy never held anything at all.
    pub is_idle: bool,
}

impl Line {
    /// Whether a policy never held anything.
    pub fn is_idle(&self, policy: Policy) -> bool {
        self.outcomes.iter().any(|outcome| outcome.policy == policy && outcome.is_idle)
    }

    /// Policies of which no other both costs no more and leaves no more legitimate events unserved, and does better in
    /// one of them. Equal ones are all of them best.
    pub fn best(&self) -> Vec<Policy> {
        let beats = |a: &Outcome, b: &Outcome| {
            a.usd <= b.usd && a.unserved <= b.unserved && (a.usd < b.usd || a.unserved < b.unserved)
        };
        let is_best = |one: &&Outcome| !self.outcomes.iter().any(|other| beats(other, one));
        self.outcomes.iter().filter(is_best).map(|outcome| outcome.policy).collect()
    }
}

/// Runs a scenario under every policy.
pub fn line(request: &Request<'_>, prices: &PriceTable) -> Line {
    let guard = run(&request.terms(true, Cast::Everyone, None), prices, |_| ());
    let minutes = guard.minutes;
    let unguarded = request.terms(false, Cast::Everyone, Some(minutes));
    let attack = attack_of(request.stage, minutes);
    let perfect = run(&request.terms(false, Cast::LegitimateOnly, Some(minutes)), prices, |_| ());
    let outcomes = POLICIES.into_iter().map(|policy| {
        let run = match policy.rival(request, prices) {
            Some(rival) => run_under(rival, &unguarded, prices),
            None if policy == Policy::Guard => guard.clone(),
            None => run(&unguarded, prices, |_| ()),
        };
        outcome(policy, &run, attack.map(|(from, _)| from))
    });
    Line {
        scenario: request.name.to_owned(),
        attack: attack.is_some(),
        recorded: request.scenario.trace.is_some(),
        minutes,
        usd_perfect: perfect.bill.all,
        outcomes: outcomes.collect(),
    }
}

fn outcome(policy: Policy, run: &Run, from: Option<u32>) -> Outcome {
    let attacked: Vec<&str> =
        run.traffic.iter().filter(|one| one.kind == Kind::Attack).map(|one| one.function.as_str()).collect();
    let mut sums = (Tally::default(), Tally::default());
    for one in run.traffic.iter().filter(|one| one.kind == Kind::Legitimate) {
        let sum = if attacked.contains(&one.function.as_str()) { &mut sums.0 } else { &mut sums.1 };
        *sum = sum.plus(one.tally);
    }
    let unserved = |tally: &Tally| tally.offered.saturating_sub(tally.served);
    let percent =
        |tally: &Tally| (tally.offered > 0).then(|| as_f64(unserved(tally)) / as_f64(tally.offered) * 100.0);
    let stopped = run.rows.iter().find(|row| row.held);
    Outcome {
        policy,
        usd: run.bill.all + run.bill.guard,
        own: run.bill.guard,
        stop_min: from.and_then(|from| stopped.map(|row| row.minute.saturating_sub(from))),
        attacked_unserved: percent(&sums.0),
        others_unserved: percent(&sums.1),
        unserved: unserved(&sums.0) + unserved(&sums.1),
        outage_min: outage_min(&run.rows),
        false_stops: run.false_stops,
        is_idle: stopped.is_none() && run.false_stops == 0,
    }
}

/// Minutes at whose end fewer than half as many legitimate events had been served as were sent in the five minutes
/// before: by functions under attack, or by the others. Events that wait are not served; a backlog that is worked off
/// is no outage.
fn outage_min(rows: &[Row]) -> u32 {
    let sums = |place: usize| {
        let last = rows.get(place.saturating_sub(OUTAGE_WINDOW - 1)..=place).unwrap_or_default();
        last.iter().fold((Fate::default(), Fate::default()), |(attacked, others), row| {
            (attacked.plus(row.attacked), others.plus(row.legitimate.minus(row.attacked)))
        })
    };
    let is_out = |fate: Fate| fate.served * 2 < fate.offered;
    let out = (0..rows.len()).map(sums).filter(|(attacked, others)| is_out(*attacked) || is_out(*others));
    u32::try_from(out.count()).unwrap_or(u32::MAX)
}

/// Minutes over which an outage is seen: a single one of a quiet function may have one event that ends in the next.
const OUTAGE_WINDOW: usize = 5;
