//! What a plan means for history: hours that do not count as ordinary, and incidents that come back.

use std::collections::BTreeSet;

use crate::money::Usd;
use crate::name::FunctionName;
use crate::plan::{Plan, Verdict};
use crate::roster::Roster;
use crate::state::{Phase, State};
use crate::time::{Hour, Minute};

/// Excludes hours of a breach, of the reaction time before it, and earlier ones above the ordinary from the history of
/// the budgets at their lines and of the functions that explain it, whether or not they were capped.
pub(super) fn taint(roster: &Roster, state: &mut State, plan: &Plan) {
    let reaction = chrono::Duration::seconds(i64::from(roster.policy.timing.reaction_s()));
    let (first, last) = (Hour::of(plan.at - reaction), Hour::of(plan.at));
    let extraordinary =
        |verdict: Verdict| verdict >= Verdict::BreachedAlert && verdict != Verdict::BreachedOrdinary;
    for record in plan.budgets.iter().filter(|record| extraordinary(record.verdict)) {
        if let Some(book) = state.budgets.get_mut(&record.budget) {
            book.profile.breach(first, last);
        }
    }
    let capped =
        state.latches.iter().filter(|(_, latch)| latch.phase <= Phase::Ramping).map(|(name, _)| name.clone());
    let explained = plan.functions.iter().filter(|record| record.reason.is_breach());
    let explained = explained.filter(|record| record.excess_per_hour > Usd::ZERO);
    let names: BTreeSet<FunctionName> =
        capped.chain(explained.map(|record| record.function.clone())).collect();
    for name in names {
        if let Ok(index) = state.functions.binary_search_by(|ledger| ledger.name.cmp(&name))
            && let Some(ledger) = state.functions.get_mut(index)
        {
            ledger.profile.breach(first, last);
        }
    }
}

/// Records each budget's incident, and whether it broke the budget.
pub(super) fn note(state: &mut State, plan: &Plan) {
    for record in &plan.budgets {
        if let Some(book) = state.budgets.get_mut(&record.budget) {
            let is_acted_on = record.verdict >= Verdict::BreachedAlert;
            let is_broken = record.spent.expected > record.amount;
            book.habit.note(Minute::of(plan.at), record.incident, record.slack, (is_broken, is_acted_on));
        }
    }
}
