//! The guard against one that knows the attack.

use guard_core::money::{Unit, Usd};
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;
use serde::Serialize;

use super::all_seeing::AllSeeing;
use crate::load::Loaded;
use crate::number::as_f64;
use crate::replay::legitimate;
use crate::run::{run, run_under};
use crate::stage::GUARD;
use crate::world::Cast;

/// The seed of the runs.
const SEED: u64 = 1;

/// Dollars below which two guards cost the same.
const CENT: Usd = Usd::from_picos(10_000_000_000);

/// The most that the guard may spend on an attack beyond its slack, as a multiple of what the all-seeing guard spends.
pub const MONEY_MOST: f64 = 1.6;

/// The most percentage points of legitimate events that it may serve less.
pub const PEOPLE_MOST: f64 = 5.0;

/// What the guard did with an attack, beside what was possible.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Regret {
    /// The scenario.
    pub scenario: String,
    /// The amount of the tightest budget that acts on a function under attack.
    pub amount: Usd,
    /// Its slack.
    pub slack: Usd,
    /// What the attack costs without a guard, with it, and with the all-seeing guard.
    pub attack: [Usd; 3],
    /// Legitimate events served, in percent, likewise.
    pub served: [f64; 3],
}

impl Regret {
    /// What the attack cost beyond the slack, which is the owner's choice, as a multiple of its cost under the all-seeing
    /// guard.
    pub fn money(&self) -> f64 {
        let [_, with, least] = self.attack;
        (with - self.slack).at_least_zero().to_f64() / least.max(CENT).to_f64()
    }

    /// Percentage points of legitimate events served less than with the all-seeing guard.
    pub fn people(&self) -> f64 {
        let [_, with, best] = self.served;
        best - with
    }
}

/// Compares the guard with the all-seeing one where the policy asks for it: an armed budget in dollars that may cap a
/// function under attack, whose slack the attack exceeds, and which would break if the attack went on.
pub fn regret(loaded: &Loaded, prices: &PriceTable) -> Option<Regret> {
    loaded.stage.attacks().next().filter(|_| loaded.scenario.policy.armed)?;
    let minutes = Some(loaded.scenario.minutes);
    let request = loaded.request(SEED);
    let [without, calm] = [Cast::Everyone, Cast::LegitimateOnly]
        .map(|cast| run(&request.terms(false, cast, minutes), prices, |_| ()));
    let a_day = calm.bill.all.mul_div_up(1440, i128::from(loaded.scenario.minutes.max(1)));
    let (scenario, stage) = (&loaded.scenario, &loaded.stage);
    let roster = Roster::new(scenario.policy.clone(), prices, stage.inventory(), Some(GUARD.into()));
    let acting = stage.attacks().flat_map(|actor| roster.acting(actor.function));
    let rule =
        acting.filter(|rule| rule.unit == Unit::Usd && !rule.guarantee).min_by_key(|rule| rule.slack)?;
    let slack = if scenario.history_days < 7 { rule.learning_slack } else { rule.slack };
    let (from, until) = crate::replay::attack_of(stage, without.minutes)?;
    let lasts = i128::from(until.saturating_sub(from).max(1));
    let period = i128::from(rule.period.minutes());
    let if_it_went_on = without.bill.attack.mul_div_up(period, lasts) + a_day.mul_div_up(period, 1440);
    if without.bill.attack <= slack || if_it_went_on <= rule.amount {
        return None;
    }
    let with = run(&request.terms(true, Cast::Everyone, minutes), prices, |_| ());
    let all_seeing = Box::new(AllSeeing::new(&request, prices, &with.known));
    let best = run_under(all_seeing, &request.terms(false, Cast::Everyone, minutes), prices);
    let runs = [&without, &with, &best];
    Some(Regret {
        scenario: loaded.name.clone(),
        amount: rule.amount,
        slack,
        attack: runs.map(|run| run.bill.attack),
        served: runs.map(|run| {
            let legitimate = legitimate(run);
            as_f64(legitimate.served) / as_f64(legitimate.offered.max(1)) * 100.0
        }),
    })
}
