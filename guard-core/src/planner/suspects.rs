//! The functions that have to go down on behalf of a budget, and their order.

use super::{Draft, share};
use crate::budget::BudgetRule;
use crate::money::Usd;
use crate::observation::Freshness;
use crate::plan::Reason;
use crate::posting::FunctionReading;
use crate::sampling;

/// Share of the excess that the functions acted on must explain, in per mille. Our choice: the tail of small
/// excesses is noise.
const EXPLAINED_PER_MILLE: i128 = 900;

/// A function's burn above the ordinary, as a budget sees it and in its unit: above its band if its history shows the
/// ordinary, otherwise above its part of the even share. Below that part it cannot be what breaks the budget.
pub(super) fn excess(rule: &BudgetRule, share: Usd, reading: &FunctionReading) -> Usd {
    if reading.ordinary_per_hour.is_some() {
        reading.excess_in(rule.unit)
    } else {
        share::above(share, rule, reading)
    }
}

/// One function that has to go down on behalf of a budget: it explains the breach, or the budget stops all it covers.
pub(super) struct Suspect {
    pub(super) index: usize,
    /// In the budget's unit; zero if the function is ordinary.
    pub(super) excess: Usd,
    pub(super) share_per_mille: u32,
    /// The order in which functions come if a tick has no room for all: dollars an hour above the ordinary, dollars an
    /// hour, dollars a second at worst.
    pub(super) urgency: (Usd, Usd, Usd),
}

/// A budget that asks for action.
pub(super) struct Confronted<'a> {
    pub(super) place: usize,
    pub(super) rule: &'a BudgetRule,
    pub(super) suspects: Vec<Suspect>,
    pub(super) refused: bool,
}

impl Draft<'_> {
    /// The order of actions, as indices of budgets and of their suspects: the dearest excess first whichever budget
    /// asks, then the dearest. Of those that a tick has room for, reservations come first: they are only lowered, which
    /// frees room for the caps of the others.
    pub(super) fn in_order(&self, confronted: &[Confronted<'_>]) -> Vec<(usize, usize)> {
        let mut order: Vec<((usize, usize), &Suspect)> = Vec::new();
        for (of, budget) in confronted.iter().enumerate() {
            let suspects = budget.suspects.iter().enumerate();
            order.extend(suspects.map(|(place, suspect)| ((of, place), suspect)));
        }
        order.sort_by_key(|(_, suspect)| std::cmp::Reverse(suspect.urgency));
        let slots = order.len().min(self.roster.policy.limits.actions_per_tick as usize);
        if let Some(first) = order.get_mut(..slots) {
            first.sort_by_key(|(_, suspect)| !self.is_reserved(suspect));
        }
        order.into_iter().map(|(place, _)| place).collect()
    }

    /// The functions that have to go down, and whether any function of the scope was looked at. Before the line: the
    /// fewest that explain the excess, dearest first. At the line: all that have any, and if the budget stops, all
    /// others that it covers.
    pub(super) fn suspects(&mut self, place: usize, rule: &BudgetRule) -> (Vec<Suspect>, bool) {
        let early = self.is_early(place);
        let share = self.share(place);
        let mut suspects: Vec<Suspect> = Vec::new();
        let mut looked_at = false;
        for index in 0..self.roster.members.len() {
            let Some(member) = self.roster.members.get(index) else { continue };
            if member.budgets.binary_search(&place).is_err() {
                continue;
            }
            let reading = self.reading_of(index);
            looked_at |= reading.is_some_and(|reading| reading.freshness != Freshness::Unknown);
            let excess = reading.map_or(Usd::ZERO, |reading| excess(rule, share, reading));
            let is_excess = excess > Usd::ZERO;
            // Stopping it would stop the guard.
            let is_guard = self.roster.inventory.functions.get(index).map(|function| &function.name)
                == self.roster.guard.as_ref();
            if is_excess || (!early && !is_guard && self.roster.stops(index, rule)) {
                let above = reading.filter(|_| is_excess).map_or(Usd::ZERO, |seen| seen.excess_per_hour);
                let burn = reading.map_or_else(|| self.last_burn(index), |reading| reading.burn_per_hour);
                let urgency = (above, burn, self.roster.worst_per_second(index));
                suspects.push(Suspect { index, excess, share_per_mille: 0, urgency });
            }
        }
        // The roster is sorted by name, so equal excesses are ordered by name.
        suspects.sort_by(|a, b| b.excess.cmp(&a.excess).then(a.index.cmp(&b.index)));
        let total: Usd = suspects.iter().map(|suspect| suspect.excess).sum();
        let mut explained = Usd::ZERO;
        let mut needed = 0;
        for suspect in &mut suspects {
            if early && explained.picos() * 1000 >= total.picos() * EXPLAINED_PER_MILLE {
                break;
            }
            explained += suspect.excess;
            suspect.share_per_mille =
                u32::try_from(suspect.excess.per_mille_of(total)).unwrap_or(1000).min(1000);
            needed += 1;
        }
        for tail in suspects.drain(needed..) {
            self.reasons.entry(tail.index).or_insert(Reason::ExplainedByOthers);
        }
        (suspects, looked_at)
    }

    /// A function's burn at the last look at it.
    fn last_burn(&self, index: usize) -> Usd {
        let name = self.roster.inventory.functions.get(index).map(|function| &function.name);
        name.and_then(|name| self.state.function(name)).map_or(Usd::ZERO, |ledger| ledger.burn)
    }

    /// Whether a budget sees spend above the ordinary with no known source: the functions looked at do not explain it.
    pub(super) fn is_unexplained(&self, place: usize, rule: &BudgetRule) -> bool {
        let outlook = self.outlooks.get(place);
        let nameless = sampling::nameless(self.roster, place, rule, self.reading, outlook, self.seen);
        nameless > Usd::ZERO && nameless * 4 >= rule.slack.min(rule.amount)
    }

    /// Whether a suspect has a reservation.
    fn is_reserved(&self, suspect: &Suspect) -> bool {
        let function = self.roster.inventory.functions.get(suspect.index);
        function.is_some_and(|function| function.reserved.is_some())
    }
}
