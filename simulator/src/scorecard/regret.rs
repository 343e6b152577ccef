//! The guard against one that knows the attack, under a scenario's own policy and under two that people write.

use std::fmt;

use guard_core::money::{Unit, Usd};
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;
use serde::Serialize;

use super::all_seeing::AllSeeing;
use crate::load::Loaded;
use crate::number::as_f64;
use crate::replay::legitimate;
use crate::run::{Run, run, run_under};
use crate::scenario::Scenario;
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

/// The budgets under which a scenario runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Under {
    /// The scenario's own.
    Own,
    /// A day of half as much again as the ordinary costs.
    Day,
    /// A month of twice as much.
    Month,
}

impl fmt::Display for Under {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Under::Own => "its own",
            Under::Day => "a day",
            Under::Month => "a month",
        })
    }
}

/// What the guard did with an attack, beside what was possible.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Regret {
    /// The scenario.
    pub scenario: String,
    /// The budgets.
    pub under: Under,
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

/// Compares the guard with the all-seeing one under each kind of budget that asks for it: an armed one in dollars that may
/// cap a function under attack, whose slack the attack exceeds, and which would break if the attack went on.
pub fn regrets(loaded: &Loaded, prices: &PriceTable) -> Vec<Regret> {
    if loaded.stage.attacks().next().is_none() {
        return Vec::new();
    }
    let minutes = Some(loaded.scenario.minutes);
    let request = loaded.request(SEED);
    let [without, calm] = [Cast::Everyone, Cast::LegitimateOnly]
        .map(|cast| run(&request.terms(false, cast, minutes), prices, |_| ()));
    let a_day = calm.bill.all.mul_div_up(1440, i128::from(loaded.scenario.minutes.max(1)));
    let compared = [Under::Own, Under::Day, Under::Month].into_iter().filter_map(|under| {
        let policy = policy(&loaded.scenario, under, a_day)?;
        let scenario = Scenario { policy, ..loaded.scenario.clone() };
        regret(&Loaded { scenario, ..loaded.clone() }, under, a_day, &without, prices)
    });
    compared.collect()
}

/// The scenario's policy with budgets of a kind, where the ordinary costs so much a day.
fn policy(scenario: &Scenario, under: Under, a_day: Usd) -> Option<Policy> {
    let (period, amount) = match under {
        Under::Own => return scenario.policy.armed.then(|| scenario.policy.clone()),
        Under::Day => ("day", a_day.mul_div_up(3, 2)),
        Under::Month => ("month", a_day * 60),
    };
    let amount = amount.max(CENT);
    let text = format!("[[budget]]\nname = \"all\"\nperiod = \"{period}\"\nusd = {amount}\nmode = \"cap\"\n");
    let budget = Policy::from_toml(&text).ok()?.budget;
    Some(Policy { armed: true, budget, ..scenario.policy.clone() })
}

fn regret(loaded: &Loaded, under: Under, a_day: Usd, without: &Run, prices: &PriceTable) -> Option<Regret> {
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
    let request = loaded.request(SEED);
    let minutes = Some(without.minutes);
    let with = run(&request.terms(true, Cast::Everyone, minutes), prices, |_| ());
    let all_seeing = Box::new(AllSeeing::new(&request, prices, &with.known));
    let best = run_under(all_seeing, &request.terms(false, Cast::Everyone, minutes), prices);
    let runs = [without, &with, &best];
    Some(Regret {
        scenario: loaded.name.clone(),
        under,
        amount: rule.amount,
        slack,
        attack: runs.map(|run| run.bill.attack),
        served: runs.map(|run| {
            let legitimate = legitimate(run);
            as_f64(legitimate.served) / as_f64(legitimate.offered.max(1)) * 100.0
        }),
    })
}
