//! Escalation: which functions explain a breach, which lever each gets, and how far.

use super::{Draft, share};
use crate::budget::BudgetRule;
use crate::cost::UnitCost;
use crate::forecast::Outlook;
use crate::levers::{self, Depth, Work};
use crate::money::Usd;
use crate::name::FunctionName;
use crate::plan::{Change, Lever, Reason, Verdict};
use crate::policy::{BelowFloor, Mode, NoRoom, Timing};
use crate::posting::FunctionReading;
use crate::state::{Latch, LeverState, Phase};

/// Share of the excess that the functions acted on must explain, in per mille. Our choice: the tail of small
/// excesses is noise.
const EXPLAINED_PER_MILLE: i128 = 900;

/// A stopped function is released within the period only while less than this part of the amount is used, in per
/// mille: a stop bites shortly before the line, and what is left then is no money to start on. Our choice.
const STOPPED_UNTIL_PER_MILLE: i128 = 900;

/// Before the line, what a cap refuses must be this many times what is ordinary: of what it refuses, one part in so many
/// and one is legitimate, as it cannot tell friend from foe. Our choice: two in three.
const EXCESS_MIN: i128 = 2;

/// Whether a budget is at its line: what is spent, unseen and committed, and what burns until an answer takes
/// effect, reach its amount.
pub(super) fn at_line(rule: &BudgetRule, outlook: &Outlook, timing: &Timing) -> bool {
    outlook.line().expected + outlook.until_effect(timing) >= rule.amount
}

/// Whether a budget asks for action: at its line, or because an incident has used up its slack.
pub(super) fn breached(rule: &BudgetRule, outlook: &Outlook, timing: &Timing) -> bool {
    at_line(rule, outlook, timing) || outlook.slack_is_used_up(rule, timing)
}

/// What a function burns above the ordinary, in the eyes of a budget and in its unit: above its band where history says
/// what is ordinary, else above its share of the even share, below which it cannot be what breaks the budget.
pub(super) fn excess(rule: &BudgetRule, share: Usd, reading: &FunctionReading) -> Usd {
    if reading.ordinary_per_hour.is_some() {
        reading.excess_in(rule.unit)
    } else {
        share::above(share, rule, reading)
    }
}

/// One function that explains a breach.
struct Suspect {
    index: usize,
    excess: Usd,
    share_per_mille: u32,
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
            confronted.push((place, rule, suspects, !looked_at));
        }
        // Reservations first: they are only lowered, and what that frees is room for the caps of the others.
        for is_reserved in [true, false] {
            for (place, rule, suspects, refused) in &mut confronted {
                let before = self.refusals.len();
                for suspect in suspects.iter() {
                    if self.is_reserved(suspect) != is_reserved {
                        continue;
                    }
                    if rule.mode < Mode::Cap {
                        self.reasons.entry(suspect.index).or_insert(Reason::ModeForbids);
                    } else {
                        self.confront(*place, rule, suspect);
                    }
                }
                *refused |= self.refusals.len() > before;
            }
        }
        // Only now: another budget may have acted on the same function, in this plan or before.
        for (place, rule, suspects, refused) in confronted {
            let acted_on =
                |suspect: &Suspect| self.is_latched(suspect.index) || self.is_tightened(suspect.index);
            let verdict = if rule.mode < Mode::Cap && !suspects.is_empty() {
                Verdict::BreachedAlert
            } else if suspects.iter().any(acted_on) {
                Verdict::BreachedAct
            } else if refused {
                Verdict::BreachedRefused
            } else if self.is_early(place) {
                Verdict::Warn
            } else {
                Verdict::BreachedOrdinary
            };
            if let Some(slot) = self.verdicts.get_mut(place) {
                *slot = verdict;
            }
        }
    }

    /// The fewest functions that explain the excess, dearest first; and whether any function of the scope was
    /// looked at.
    fn suspects(&mut self, place: usize, rule: &BudgetRule) -> (Vec<Suspect>, bool) {
        let in_scope = |reading: &&FunctionReading| {
            self.roster
                .members
                .get(reading.index)
                .is_some_and(|member| member.budgets.binary_search(&place).is_ok())
        };
        let share = self.share(place);
        let mut suspects: Vec<Suspect> = Vec::new();
        let mut looked_at = false;
        for reading in self.reading.functions.iter().filter(in_scope) {
            looked_at = true;
            let excess = excess(rule, share, reading);
            if excess > Usd::ZERO {
                suspects.push(Suspect { index: reading.index, excess, share_per_mille: 0 });
            }
        }
        // The roster is sorted by name, so equal excesses are ordered by name.
        suspects.sort_by(|a, b| b.excess.cmp(&a.excess).then(a.index.cmp(&b.index)));
        let total: Usd = suspects.iter().map(|suspect| suspect.excess).sum();
        let mut explained = Usd::ZERO;
        let mut needed = 0;
        for suspect in &mut suspects {
            if explained.picos() * 1000 >= total.picos() * EXPLAINED_PER_MILLE {
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
        if let Some(reason) = forbidden {
            self.refuse(suspect.index, None, reason, Some(rule));
            return;
        }
        // Its other levers may be pulled; this one is somebody else's until it is taken for the owner's.
        for reason in self.foreign(&function.name) {
            self.refuse(suspect.index, None, reason, Some(rule));
        }
        let Some(step) = self.depth(place, rule, suspect) else { return };
        let reading = self.reading_of(suspect.index);
        let is_held = latch.is_some_and(Latch::is_holding);
        if let Some(reason) = reading.filter(|_| step.early && !is_held).and_then(|seen| in_vain(&step, seen))
        {
            self.reasons.entry(suspect.index).or_insert(reason);
            return;
        }
        let work = Work {
            attempts_per_mille: reading.map_or(0, |reading| reading.attempts_per_mille),
            failure_per_mille: reading.map_or(0, |reading| reading.failure_per_mille),
            allow_event_loss: rule.allow_event_loss,
        };
        let reason = match latch {
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
        let (mut changes, loss_refused) = levers::changes(function, step.depth, work);
        if loss_refused {
            self.refuse(index, None, Reason::EventLoss, Some(rule));
            // What must not be stopped is at least kept at its floor: a backlog waits, and loses nothing yet.
            if step.depth == Depth::Stop {
                changes = levers::changes(function, Depth::Cap(step.floor.max(1)), work).0;
            }
        }
        for (change, own_reason) in changes {
            if self.is_foreign(&function.name, &change.lever()) {
                continue;
            }
            if settled && !is_much_tighter(&change) {
                self.reasons.entry(index).or_insert_with(|| reason.clone());
                continue;
            }
            let reason = own_reason.unwrap_or_else(|| reason.clone());
            match self.fitting(index, change, step.floor, work.allow_event_loss) {
                Ok(change) => self.act(index, change, reason, Some(rule)),
                Err((change, refusal)) => self.refuse(index, Some(change), refusal, Some(rule)),
            }
        }
        if settled {
            self.reasons.entry(index).or_insert_with(|| reason.clone());
        }
    }

    /// The change as far as the pool has room for it, else the policy's fallback or a refusal.
    fn fitting(
        &self,
        index: usize,
        change: Change,
        floor: u32,
        allow_event_loss: bool,
    ) -> Result<Change, (Change, Reason)> {
        let Change::ReservedConcurrency { from, to: Some(wanted) } = change else { return Ok(change) };
        let room = self.pool.room(from);
        if wanted <= room {
            return Ok(change);
        }
        let function = self.roster.inventory.functions.get(index);
        // A cap below the provisioned concurrency is refused by AWS.
        let least = floor.max(function.map_or(0, |function| function.provisioned)).max(1);
        if room >= least {
            return Ok(Change::ReservedConcurrency { from, to: Some(room) });
        }
        let loses = function.is_some_and(levers::loses_events_at_zero);
        if self.roster.policy.limits.no_room == NoRoom::Stop && (!loses || allow_event_loss) {
            return Ok(Change::ReservedConcurrency { from, to: Some(0) });
        }
        Err((change, Reason::NoRoom { wanted, room }))
    }

    /// How far a function has to go down for the budget's sake; `None` where the money affords all it can use.
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
        if affordable >= ceiling && function.reserved.is_none() {
            return None;
        }
        let early = self.is_early(place);
        let stops = !early
            && (self.roster.mode(suspect.index, rule) == Mode::Stop || rule.below_floor == BelowFloor::Stop);
        let depth = if affordable < floor && stops { Depth::Stop } else { Depth::Cap(affordable.max(floor)) };
        Some(Step { depth, affordable, floor, early })
    }

    /// Whether a breached budget is not at its line yet: an incident has used up its slack.
    fn is_early(&self, place: usize) -> bool {
        let rule = self.roster.rules.get(place).zip(self.outlooks.get(place));
        rule.is_some_and(|(rule, outlook)| !at_line(rule, outlook, &self.roster.policy.timing))
    }

    /// Whether a suspect has a reservation.
    fn is_reserved(&self, suspect: &Suspect) -> bool {
        let function = self.roster.inventory.functions.get(suspect.index);
        function.is_some_and(|function| function.reserved.is_some())
    }

    /// Whether some budget would act on a function now, at its line or because of an incident that goes on: what is let go
    /// would be caught again at once.
    pub(super) fn would_trip(&self, index: usize) -> bool {
        let (Some(member), Some(reading)) = (self.roster.members.get(index), self.reading_of(index)) else {
            return false;
        };
        let rules = self.roster.rules.iter().zip(&self.verdicts).enumerate();
        let mut covering = rules.filter(|(place, _)| member.budgets.contains(place));
        !member.protected
            && covering.any(|(place, (rule, verdict))| {
                let goes_on = self.outlooks.get(place).is_some_and(|outlook| outlook.goes_on(rule));
                (*verdict == Verdict::BreachedAlert || goes_on)
                    && self.roster.mode(index, rule) >= Mode::Cap
                    && excess(rule, self.share(place), reading) > Usd::ZERO
            })
    }

    /// Whether the guard holds a function already, and nobody else a part of it.
    fn is_latched(&self, index: usize) -> bool {
        let name = self.roster.inventory.functions.get(index).map(|function| &function.name);
        let latch = name.and_then(|name| self.state.latches.get(name));
        latch.is_some_and(|latch| latch.is_holding() && !latch.is_foreign())
    }

    /// Why levers of a function are left alone that somebody else has set.
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

    /// Whether somebody else has set a lever of a function.
    pub(super) fn is_foreign(&self, name: &FunctionName, lever: &Lever) -> bool {
        let latch = self.state.latches.get(name);
        latch.and_then(|latch| latch.lever(lever)).is_some_and(LeverState::is_foreign)
    }

    /// Whether this plan acts on a function because of a breach.
    fn is_tightened(&self, index: usize) -> bool {
        let name = self.roster.inventory.functions.get(index).map(|function| &function.name);
        self.actions.iter().any(|action| Some(&action.function) == name && action.reason.is_breach())
    }

    /// Whether a stopped function has to stay so: its budget has not the money back that a release would spend.
    pub(super) fn stays_stopped(&self, index: usize, rule: &BudgetRule) -> bool {
        let place = self.roster.rules.iter().position(|other| other.name == rule.name);
        let Some(outlook) = place.and_then(|place| self.outlooks.get(place)) else { return false };
        let stops = self.roster.mode(index, rule) == Mode::Stop || rule.below_floor == BelowFloor::Stop;
        stops && outlook.line().expected >= rule.amount.mul_div_up(STOPPED_UNTIL_PER_MILLE, 1000)
    }
}

/// How far, and from which numbers.
struct Step {
    depth: Depth,
    affordable: u32,
    floor: u32,
    /// Before the line.
    early: bool,
}

impl Step {
    fn reason(&self, excess_share_per_mille: u32) -> Reason {
        let (affordable, floor) = (self.affordable, self.floor);
        if self.early {
            Reason::SlackUsedUp { excess_share_per_mille, affordable, floor }
        } else {
            Reason::BudgetLine { excess_share_per_mille, affordable, floor }
        }
    }
}

/// Why a cap before the line would do more harm than good: it would hold nothing back, or mostly what is ordinary.
fn in_vain(step: &Step, seen: &FunctionReading) -> Option<Reason> {
    let ordinary = (seen.burn_per_hour - seen.excess_per_hour).at_least_zero();
    match step.depth {
        _ if seen.excess_per_hour < ordinary * EXCESS_MIN => Some(Reason::Growth),
        Depth::Cap(cap) if seen.concurrency_max <= cap => {
            Some(Reason::WouldNotBite { cap, concurrency: seen.concurrency_max })
        }
        _ => None,
    }
}

/// A cap in force is moved only by half or more, so that a shrinking remainder does not make a change a minute.
fn is_much_tighter(change: &Change) -> bool {
    match change {
        Change::ReservedConcurrency { from: Some(from), to: Some(to) }
        | Change::MappingConcurrency { from: Some(from), to: Some(to), .. } => {
            u64::from(*to) * 2 <= u64::from(*from)
        }
        _ => true,
    }
}
