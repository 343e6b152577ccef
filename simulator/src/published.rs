//! The published bound of a budget in a scenario: the most that may be spent past its line.

use guard_core::bound::{Known, published};
use guard_core::money::Usd;
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;

use crate::request::Request;
use crate::scenario::{Happening, Scenario};
use crate::stage::GUARD;

/// The bound of a budget over its scope in the period in which the scenario begins, with what is never capped. `known` is
/// what the guard has known of each function. The time for which the scenario keeps the guard from seeing or acting is part
/// of its reaction time.
pub fn bound(request: &Request<'_>, budget: &str, known: &[Known]) -> Option<Usd> {
    let mut policy = request.scenario.policy.clone();
    policy.timing.metric_lag_s = policy.timing.metric_lag_s.saturating_add(interference_s(request.scenario));
    let roster = Roster::new(policy, PriceTable::embedded(), request.stage.inventory(), Some(GUARD.into()));
    let place = roster.rules.iter().position(|rule| rule.name.as_str() == budget)?;
    let (from, to) = roster.rules.get(place)?.period_at(roster.timezone, request.scenario.start);
    let period_s = u64::try_from((to - from).num_seconds()).unwrap_or(0);
    let known = |index: usize| known.get(index).copied().unwrap_or_default();
    published(&roster, place, period_s, known).map(|bound| bound.most())
}

/// Seconds for which a scenario keeps the guard from seeing or acting, all together. A value that someone else sets takes one
/// more reaction to be found and changed.
fn interference_s(scenario: &Scenario) -> u32 {
    let seconds = scenario.events.iter().map(|event| match event.what {
        Happening::GuardOutage
        | Happening::ControlPlaneDown
        | Happening::MetricBlackout
        | Happening::MetricThrottled
        | Happening::OperatorHolds => event.for_min.saturating_mul(60),
        Happening::MetricDelay => event.minutes.unwrap_or(0).saturating_mul(60),
        Happening::Deploy | Happening::OperatorSets | Happening::OperatorReleases => {
            scenario.policy.timing.reaction_s()
        }
    });
    seconds.fold(0, u32::saturating_add)
}
