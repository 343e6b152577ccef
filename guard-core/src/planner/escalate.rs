//! Escalation: which functions explain a breach, which lever each one gets, and how far it goes.

use super::Draft;
use super::suspects::{Confronted, Suspect, excess};
use crate::baseline::Profile;
use crate::budget::BudgetRule;
use crate::cost::UnitCost;
use crate::forecast::Outlook;
use crate::inventory::Function;
use crate::levers::{self, Depth, Work};
use crate::money::Usd;
use crate::name::FunctionName;
use crate::plan::{Change, Lever, Reason, Verdict};
use crate::policy::{Mode, NoRoom, Timing};
use crate::posting::FunctionReading;
use crate::state::{Latch, LeverState, Phase};

/// A stopped function is released within the period only while less than this part of the amount is used, in per mille.
/// A stop takes effect shortly before the line, and the money left then is too little to start again. Our choice.
const STOPPED_UNTIL_PER_MILLE: i128 = 900;

/// Before the line, the excess that a cap refuses must be this many times the ordinary spend. A cap cannot tell friend
/// from foe, so one part in this number plus one is legitimate. Our choice: two in three.
const EXCESS_MIN: i128 = 2;

/// Whether a budget is at its line: spent, unseen and committed money, plus the burn until an answer takes effect,
/// reach its amount.
pub(super) fn at_line(rule: &BudgetRule, outlook: &Outlook, timing: &Timing) -> bool {
    outlook.line().expected + outlook.until_effect(timing) >= rule.amount
}

/// Whether a budget asks for action: at its line, or because an incident has used up its slack.
pub(super) fn breached(rule: &BudgetRule, outlook: &Outlook, timing: &Timing) -> bool {
    at_line(rule, outlook, timing) || outlook.slack_is_used_up(rule, timing)
}

impl Draft<'_> {
    /// Pulls levers for every budget at its line.
    pub(super) fn escalate(&mut self) {
        let mut confronted = Vec::new();
        for place in 0..self.roster.rules.len() {
            let Some(rule) = self.roster.rules.get(place) else { continue };
            if self.verdicts.get(place) != Some(&Verdict::BreachedAlert) {
                continue;
            }
            let (suspects, looked_at) = self.suspects(place, rule);
            confronted.push(Confronted { place, rule, suspects, refused: !looked_at });
        }
        for (of, suspect) in self.in_order(&confronted) {
            let Some(budget) = confronted.get_mut(of) else { continue };
            let Some(suspect) = budget.suspects.get(suspect) else { continue };
            let before = self.refusals.len();
            if budget.rule.mode < Mode::Cap {
                self.reasons.entry(suspect.index).or_insert(Reason::ModeForbids);
            } else {
                self.confront(budget.place, budget.rule, suspect);
            }
            budget.refused |= self.refusals.len() > before;
        }
        // Checked only now, because another budget may have acted on the same function, in this plan or before.
        for Confronted { place, rule, suspects, refused } in confronted {
            // A standing cap is no answer to an incident.
            let early = self.is_early(place);
            let acted_on =
                |suspect: &Suspect| self.is_tightened(suspect.index) || self.is_latched(suspect.index, early);
            let verdict = if rule.mode < Mode::Cap && !suspects.is_empty() {
                Verdict::BreachedAlert
            } else if suspects.iter().any(acted_on) {
                Verdict::BreachedAct
            } else if refused || self.is_unexplained(place, rule) {
                Verdict::BreachedRefused
            } else if early {
                Verdict::Warn
            } else {
                Verdict::BreachedOrdinary
            };
            if let Some(slot) = self.verdicts.get_mut(place) {
                *slot = verdict;
            }
        }
    }

    /// Decides about one function that explains a breach.
    fn confront(&mut self, place: usize, rule: &BudgetRule, suspect: &Suspect) {
        let (Some(function), Some(member)) =
            (self.roster.inventory.functions.get(suspect.index), self.roster.members.get(suspect.index))
        else {
            return;
        };
        let latch = self.state.latches.get(&function.name);
        let pardoned =
            self.state.operator.pardons.get(&function.name).is_some_and(|until| self.seen.at < *until);
        let forbidden = if member.protected {
            Some(Reason::Protected)
        } else if !function.tags_known {
            Some(Reason::TagsUnread)
        } else if self.roster.mode(suspect.index, rule) < Mode::Cap {
            Some(Reason::ModeForbids)
        } else if pardoned || self.is_held(&function.name) {
            Some(Reason::Operator)
        } else {
            None
        };
        let (excess, burn, _) = suspect.urgency;
        if let Some(reason) = forbidden {
            // A function that spends nothing is not worth listing as an exception.
            if excess > Usd::ZERO || burn > Usd::ZERO {
                let wanted = self.depth(place, rule, suspect).map(|step| {
                    let to = match step.depth {
                        Depth::Cap(units) => units,
                        Depth::Stop => 0,
                    };
                    Change::ReservedConcurrency { from: function.reserved, to: Some(to) }
                });
                self.refuse(suspect.index, wanted, reason, Some(rule));
            }
            return;
        }
        // Its other levers may be pulled; this one belongs to others until it counts as the owner's.
        for reason in self.foreign(&function.name) {
            self.refuse(suspect.index, None, reason, Some(rule));
        }
        let Some(step) = self.depth(place, rule, suspect) else { return };
        let reading = self.reading_of(suspect.index);
        let is_held = latch.is_some_and(Latch::is_holding);
        let price = member.per_busy_second;
        let vain = |seen: &FunctionReading| in_vain(&step, seen, price);
        if let Some(reason) = reading.filter(|_| step.early && !is_held).and_then(vain) {
            self.reasons.entry(suspect.index).or_insert(reason);
            return;
        }
        let work = Work {
            attempts_per_mille: reading.map_or(0, |reading| reading.attempts_per_mille),
            failure_per_mille: reading.map_or(0, |reading| reading.failure_per_mille),
            allow_event_loss: rule.allow_event_loss,
        };
        let reason = match latch {
            _ if suspect.excess == Usd::ZERO => Reason::HardLine,
            Some(latch) if matches!(latch.phase, Phase::Ramping | Phase::Watching) => {
                Reason::Relapse { relapses: latch.relapses + 1 }
            }
            _ => step.reason(suspect.share_per_mille),
        };
        let settled = latch.is_some_and(|latch| latch.phase == Phase::Capped && latch.is_holding());
        self.pull(suspect.index, rule, &step, work, &reason, settled);
    }

    /// Adds the changes that bring a function down, as far as pool and events allow.
    fn pull(
        &mut self,
        index: usize,
        rule: &BudgetRule,
        step: &Step,
        work: Work,
        reason: &Reason,
        settled: bool,
    ) {
        let Some(function) = self.roster.inventory.functions.get(index) else { return };
        let (changes, loss_refused) = levers::changes(function, step.depth, step.floor, work);
        if loss_refused {
            self.refuse(index, None, Reason::EventLoss, Some(rule));
        }
        let latch = self.state.latches.get(&function.name);
        if changes.is_empty()
            && !loss_refused
            && step.is_cap_at_line()
            && !latch.is_some_and(Latch::is_holding)
        {
            let reach = levers::reach(function).unwrap_or(0);
            let reason = Reason::NothingTighter { reach, floor: step.floor };
            self.refuse(index, None, reason, Some(rule));
        }
        for (change, own_reason) in changes {
            if self.is_foreign(&function.name, &change.lever()) {
                continue;
            }
            if settled && !(step.is_cap_at_line() || is_much_tighter(&change)) {
                self.reasons.entry(index).or_insert_with(|| reason.clone());
                continue;
            }
            let reason = own_reason.unwrap_or_else(|| reason.clone());
            match self.fitting(index, change, step, work.allow_event_loss) {
                Ok(change) => self.act(index, change, reason, Some(rule)),
                Err((change, refusal)) => self.refuse(index, Some(change), refusal, Some(rule)),
            }
        }
        if settled {
            self.reasons.entry(index).or_insert_with(|| reason.clone());
        }
    }

    /// The change as far as the pool has room for it, otherwise the policy's fallback or a refusal.
    fn fitting(
        &self,
        index: usize,
        change: Change,
        step: &Step,
        allow_event_loss: bool,
    ) -> Result<Change, (Change, Reason)> {
        let Change::ReservedConcurrency { from, to: Some(wanted) } = change else { return Ok(change) };
        let function = self.roster.inventory.functions.get(index);
        // The room that another budget's cap of it in this plan has taken is available for this one.
        let mut pool = self.pool;
        let planned = self.actions.iter().find(|action| {
            Some(&action.function) == function.map(|function| &function.name)
                && action.change.lever() == Lever::ReservedConcurrency
        });
        planned.iter().for_each(|action| pool.give_back(&action.change));
        let room = pool.room(from);
        // AWS refuses a cap below the provisioned concurrency.
        let least = step.floor.max(function.map_or(0, |function| function.provisioned)).max(1);
        // A cap above the floor leaves the other functions room for their floors, if there is room for all.
        let spare = if wanted > least { room.saturating_sub(self.floors_of_others(index)) } else { room };
        let most = if spare >= least { spare } else { room };
        if wanted <= most {
            return Ok(change);
        }
        if most >= least {
            return Ok(Change::ReservedConcurrency { from, to: Some(most) });
        }
        let loses = function.is_some_and(levers::loses_events_at_zero);
        // Before the line nothing is stopped.
        let may_stop = self.roster.policy.limits.no_room == NoRoom::Stop && !step.early;
        if may_stop && (!loses || allow_event_loss) {
            return Ok(Change::ReservedConcurrency { from, to: Some(0) });
        }
        Err((change, Reason::NoRoom { wanted, room }))
    }

    /// The pool's share for the floors of all other functions that may have to be capped and have no reservation yet.
    fn floors_of_others(&self, index: usize) -> u32 {
        let functions = self.roster.inventory.functions.iter().enumerate();
        let others = functions.filter(|(other, function)| {
            let lever = (function.name.clone(), Lever::ReservedConcurrency);
            *other != index
                && function.reserved.is_none()
                && !self.settled.contains(&lever)
                && self.roster.acting(*other).next().is_some()
        });
        let floor = |(other, function): (usize, &Function)| {
            let p99 = self.state.profile(&function.name).and_then(Profile::concurrency_p99);
            levers::reservation(function, self.roster.floor(other, p99))
        };
        others.map(floor).fold(0, u32::saturating_add)
    }

    /// How far a function has to go down on behalf of the budget; `None` if the money affords all that it can use.
    fn depth(&self, place: usize, rule: &BudgetRule, suspect: &Suspect) -> Option<Step> {
        let outlook = self.outlooks.get(place)?;
        let book = self.state.budgets.get(&rule.name)?;
        let member = self.roster.members.get(suspect.index)?;
        let function = self.roster.inventory.functions.get(suspect.index)?;
        let seconds = u64::try_from((book.period_end - self.seen.at).num_seconds().max(1)).unwrap_or(1);
        let ordinary_to_come = outlook.ordinary_to_come;
        let left = rule.amount - outlook.line().expected - ordinary_to_come;
        let allowance = left.at_least_zero().mul_div_up(i128::from(suspect.share_per_mille), 1000);
        let counting = UnitCost::counting();
        let unit = rule.unit_cost(&member.unit, &counting);
        let affordable = levers::affordable(allowance, seconds, unit);
        let reading = self.reading_of(suspect.index);
        let floor = self.roster.floor(suspect.index, reading.and_then(|reading| reading.concurrency_p99));
        let ceiling = function.reserved.unwrap_or(self.roster.inventory.account.concurrency);
        let early = self.is_early(place);
        if !early && self.roster.stops(suspect.index, rule) {
            return Some(Step { depth: Depth::Stop, affordable, floor, early });
        }
        if affordable >= ceiling && function.reserved.is_none() {
            return None;
        }
        Some(Step { depth: Depth::Cap(affordable.max(floor)), affordable, floor, early })
    }

    /// Whether a breached budget is not at its line yet: an incident has used up its slack.
    pub(super) fn is_early(&self, place: usize) -> bool {
        let rule = self.roster.rules.get(place).zip(self.outlooks.get(place));
        rule.is_some_and(|(rule, outlook)| !at_line(rule, outlook, &self.roster.policy.timing))
    }

    /// Whether some budget would act on a function now, at its line or because of an incident that goes on: a lever
    /// released now would be pulled again at once.
    pub(super) fn would_trip(&self, index: usize) -> bool {
        let (Some(member), Some(reading)) = (self.roster.members.get(index), self.reading_of(index)) else {
            return false;
        };
        let rules = self.roster.rules.iter().zip(&self.verdicts).enumerate();
        let mut covering = rules.filter(|(place, _)| member.budgets.contains(place));
        !member.protected
            && covering.any(|(place, (rule, verdict))| {
                let goes_on = self.outlooks.get(place).is_some_and(|outlook| outlook.goes_on(rule));
                if *verdict == Verdict::BreachedAlert
                    && !self.is_early(place)
                    && self.roster.stops(index, rule)
                {
                    return true;
                }
                (*verdict == Verdict::BreachedAlert || goes_on)
                    && self.roster.mode(index, rule) >= Mode::Cap
                    && excess(rule, self.share(place), reading) > Usd::ZERO
            })
    }

    /// Whether the guard already holds a function, perhaps `tripped` only, and others hold no part of it.
    fn is_latched(&self, index: usize, tripped: bool) -> bool {
        let name = self.roster.inventory.functions.get(index).map(|function| &function.name);
        let latch = name.and_then(|name| self.state.latches.get(name));
        latch.is_some_and(|latch| {
            latch.is_holding() && !latch.is_foreign() && !(tripped && latch.phase == Phase::Standing)
        })
    }

    /// The reasons for leaving alone a function's levers that others have set.
    fn foreign(&self, name: &FunctionName) -> Vec<Reason> {
        let levers = self.state.latches.get(name).map_or(&[][..], |latch| &latch.levers);
        let foreign = levers.iter().filter(|lever| lever.is_foreign());
        foreign
            .filter_map(|lever| {
                let found = lever.found?.value;
                Some(Reason::ChangedBySomebodyElse { ours: lever.known(), found })
            })
            .collect()
    }

    /// Whether others have set a lever of a function.
    pub(super) fn is_foreign(&self, name: &FunctionName, lever: &Lever) -> bool {
        let latch = self.state.latches.get(name);
        latch.and_then(|latch| latch.lever(lever)).is_some_and(LeverState::is_foreign)
    }

    /// Whether this plan acts on a function because of a breach.
    fn is_tightened(&self, index: usize) -> bool {
        let name = self.roster.inventory.functions.get(index).map(|function| &function.name);
        self.actions.iter().any(|action| Some(&action.function) == name && action.reason.is_breach())
    }

    /// Whether a stopped function has to stay stopped: its budget cannot pay yet for the spend after a release.
    pub(super) fn stays_stopped(&self, index: usize, rule: &BudgetRule) -> bool {
        let place = self.roster.rules.iter().position(|other| other.name == rule.name);
        let Some(outlook) = place.and_then(|place| self.outlooks.get(place)) else { return false };
        self.roster.stops(index, rule)
            && outlook.line().expected >= rule.amount.mul_div_up(STOPPED_UNTIL_PER_MILLE, 1000)
    }
}

/// The depth of a step, and the numbers behind it.
struct Step {
    depth: Depth,
    affordable: u32,
    floor: u32,
    /// Whether the budget is not at its line yet.
    early: bool,
}

impl Step {
    /// Whether it is a cap at the line, which goes exactly down to the floor: the published bound rests on that.
    fn is_cap_at_line(&self) -> bool {
        !self.early && matches!(self.depth, Depth::Cap(_))
    }

    fn reason(&self, excess_share_per_mille: u32) -> Reason {
        let (affordable, floor) = (self.affordable, self.floor);
        if self.early {
            Reason::SlackUsedUp { excess_share_per_mille, affordable, floor }
        } else {
            Reason::BudgetLine { excess_share_per_mille, affordable, floor }
        }
    }
}

/// Why a cap before the line would do more harm than good: it would hold back less than half of the excess, or mostly
/// ordinary traffic. `price` is that of a busy second.
fn in_vain(step: &Step, seen: &FunctionReading, price: Usd) -> Option<Reason> {
    // Thousandths of an environment that are busy on average, in all and by the excess.
    let busy = |per_hour: Usd| (per_hour * 1000).div_floor(price * 3600).unwrap_or(i128::MAX);
    let (load, excess) = (busy(seen.burn_per_hour), busy(seen.excess_per_hour));
    let ordinary = (seen.burn_per_hour - seen.excess_per_hour).at_least_zero();
    match step.depth {
        _ if seen.excess_per_hour < ordinary * EXCESS_MIN => Some(Reason::Growth),
        Depth::Cap(cap) if seen.concurrency_max <= cap => {
            Some(Reason::WouldNotBite { cap, concurrency: seen.concurrency_max })
        }
        Depth::Cap(cap) if (load - i128::from(cap) * 1000) * 2 < excess => {
            let concurrency = u32::try_from(load / 1000 + 1).unwrap_or(u32::MAX);
            Some(Reason::WouldNotBite { cap, concurrency })
        }
        _ => None,
    }
}

/// Whether a cap in force would at least be halved: a shrinking remainder must not cause a change every minute.
fn is_much_tighter(change: &Change) -> bool {
    match change {
        Change::ReservedConcurrency { from: Some(from), to: Some(to) }
        | Change::MappingConcurrency { from: Some(from), to: Some(to), .. } => {
            u64::from(*to) * 2 <= u64::from(*from)
        }
        _ => true,
    }
}
