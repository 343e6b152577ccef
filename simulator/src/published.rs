//! The published bound of a budget in a scenario: what may be spent past its line at most.

use guard_core::bound::{Kept, OverrunInput, overrun};
use guard_core::money::Usd;
use guard_core::policy::BelowFloor;
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;

use crate::replay::Request;
use crate::stage::GUARD;

/// The bound of a budget over its scope: reserved functions each at their reservation, those that share the pool as
/// the whole pool at the dearest of them.
pub fn bound(request: &Request<'_>, budget: &str) -> Option<Usd> {
    let roster = Roster::new(
        request.policy.clone(),
        PriceTable::embedded(),
        request.stage.inventory(),
        Some(GUARD.into()),
    );
    let place = roster.rules.iter().position(|rule| rule.name.as_str() == budget)?;
    let rule = roster.rules.get(place)?;
    let account = roster.inventory.account;
    let pool = account.concurrency.saturating_sub(roster.inventory.reserved_total());
    let (mut reserved, mut dearest, mut floors) = (Usd::ZERO, Usd::ZERO, Usd::ZERO);
    let (from, to) = rule.period_at(roster.timezone, request.scenario.start);
    let period_s = u64::try_from((to - from).num_seconds()).unwrap_or(0);
    for (index, (function, member)) in roster.inventory.functions.iter().zip(&roster.members).enumerate() {
        if !member.budgets.contains(&place) {
            continue;
        }
        let floor = roster.floor(index, None);
        let kept = match rule.below_floor {
            BelowFloor::KeepFloor => Kept::Floor { concurrency: floor, seconds: period_s },
            BelowFloor::Stop => Kept::Stopped,
        };
        let input = OverrunInput {
            unit: &member.unit,
            timeout_s: function.timeout_s,
            ceiling: function.reserved.unwrap_or(pool),
            envelope: floor,
            deferred: Usd::ZERO,
            kept,
        };
        let bound = overrun(&request.policy.timing, &input).without_envelope;
        floors += bound.floor;
        match function.reserved {
            Some(_) => reserved += bound.running + bound.admitted,
            None => dearest = dearest.max(bound.running + bound.admitted),
        }
    }
    Some(reserved + dearest + floors)
}
