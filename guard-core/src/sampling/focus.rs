//! The functions that are read in full.

use std::collections::BTreeSet;

use super::watched::Watched;
use super::{FOCUS_MAX, METRICS_PER_LOOK, ledger_of};
use crate::budget::BudgetRule;
use crate::money::Usd;
use crate::policy::Mode;
use crate::posting::{FunctionReading, Reading};
use crate::roster::Roster;
use crate::state::State;

/// At a budget's line, functions with this part of the usual activity, in per mille, are in focus: a stop is for them.
const AT_LINE_PER_MILLE: i128 = 950;

/// Functions to read in full, by index: those with a trip, those that stand out, those under a guarantee of their own,
/// and for a budget at its line those with most of the usual activity. Also the ones among them that stand out although
/// no budget is pressed: no more than `affordable` metrics of them, the dearest excess first.
pub(super) fn focus(
    roster: &Roster,
    state: &State,
    reading: &Reading,
    watched: &[Watched<'_>],
    affordable: u64,
) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let mut focus: BTreeSet<usize> = state
        .latches
        .keys()
        .filter_map(|name| roster.inventory.functions.binary_search_by(|other| other.name.cmp(name)).ok())
        .take(FOCUS_MAX)
        .collect();
    let mut by_place: Vec<Option<&Watched<'_>>> = vec![None; roster.rules.len()];
    for watch in watched {
        if let Some(slot) = by_place.get_mut(watch.place) {
            *slot = Some(watch);
        }
    }
    let covering = |index: usize| {
        let budgets = roster.members.get(index).map_or(&[][..], |member| &member.budgets);
        budgets.iter().filter_map(|place| by_place.get(*place).copied().flatten())
    };
    // With the excess, and whether a budget is pressed.
    let mut wanted: Vec<(Usd, usize, bool)> = Vec::new();
    let mut want = |excess: Usd, index: usize, stands_out: &dyn Fn(&Watched<'_>) -> bool| {
        let of = |watch: &&Watched<'_>| stands_out(watch);
        if covering(index).any(|watch| of(&watch)) {
            let is_pressed = |watch: &Watched<'_>| watch.is_pressing || watch.is_near_line;
            wanted.push((excess, index, covering(index).filter(of).any(is_pressed)));
        }
    };
    for function in &reading.functions {
        let is_loud = |watch: &Watched<'_>| watch.is_loud(excess_of(function, watch.rule));
        want(function.excess_per_hour, function.index, &is_loud);
    }
    for glance in &reading.glances {
        let stands_out = |watch: &Watched<'_>| watch.stands_out(glance.excess_in(watch.rule));
        want(glance.excess_per_hour, glance.index, &stands_out);
    }
    wanted.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut usual: Vec<usize> = Vec::new();
    for watch in watched {
        let is_promised = watch.rule.guarantee && !watch.rule.matcher.is_everything();
        let may_act = watch.rule.mode >= Mode::Cap;
        if is_promised || (may_act && watch.is_near_line) {
            usual.extend(busiest(roster, state, watch, is_promised));
        }
    }
    let mut paid: BTreeSet<usize> = BTreeSet::new();
    let mut left = affordable / METRICS_PER_LOOK;
    let wanted = wanted.into_iter().map(|(_, index, is_pressed)| (index, is_pressed));
    for (index, is_pressed) in wanted.chain(usual.into_iter().map(|index| (index, true))) {
        if focus.len() >= FOCUS_MAX {
            break;
        }
        if is_pressed {
            focus.insert(index);
        } else if left > 0 && focus.insert(index) {
            paid.insert(index);
            left -= 1;
        }
    }
    (focus, paid)
}

/// A function's burn above the ordinary per hour as a budget sees it; without history, above its even share.
fn excess_of(function: &FunctionReading, rule: &BudgetRule) -> Usd {
    if function.ordinary_per_hour.is_some() && !function.is_new {
        return function.excess_in(rule.unit);
    }
    (function.burn_in(rule.unit) - rule.even_share_per_hour()).at_least_zero()
}

/// The functions of a scope with nearly all of its usual activity, or all of them.
fn busiest(roster: &Roster, state: &State, watch: &Watched<'_>, all: bool) -> Vec<usize> {
    let mut burns: Vec<(Usd, usize)> = Vec::new();
    for index in roster.covered.get(watch.place).into_iter().flatten() {
        let ledger = roster.inventory.functions.get(*index).and_then(|f| ledger_of(state, *index, &f.name));
        burns.push((ledger.map_or(Usd::ZERO, |ledger| ledger.burn), *index));
    }
    burns.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let whole: Usd = burns.iter().map(|(burn, _)| *burn).sum();
    let most = whole.mul_div_up(AT_LINE_PER_MILLE, 1000);
    let mut sum = Usd::ZERO;
    let needed = burns.into_iter().take_while(|(burn, _)| {
        let is_needed = all || sum < most;
        sum += *burn;
        is_needed
    });
    needed.map(|(_, index)| index).take(FOCUS_MAX).collect()
}
