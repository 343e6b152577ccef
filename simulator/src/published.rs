//! The published bound of a budget in a scenario: the most that may be spent past its line.

use guard_core::bound::{Known, published};
use guard_core::money::Usd;
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;

use crate::request::Request;
use crate::stage::GUARD;

/// The bound of a budget over its scope in the period in which the scenario begins, with what is never capped. `known` is
/// what the guard has known of each function.
pub fn bound(request: &Request<'_>, budget: &str, known: &[Known]) -> Option<Usd> {
    let roster = Roster::new(
        request.scenario.policy.clone(),
        PriceTable::embedded(),
        request.stage.inventory(),
        Some(GUARD.into()),
    );
    let place = roster.rules.iter().position(|rule| rule.name.as_str() == budget)?;
    let (from, to) = roster.rules.get(place)?.period_at(roster.timezone, request.scenario.start);
    let period_s = u64::try_from((to - from).num_seconds()).unwrap_or(0);
    let known = |index: usize| known.get(index).copied().unwrap_or_default();
    published(&roster, place, period_s, known).map(|bound| bound.most())
}
