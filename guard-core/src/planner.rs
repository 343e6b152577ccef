//! The planner: from outlooks to an ordered, explained plan. Escalate, hold, release, notify. Pure.

mod begun;
mod escalate;
mod guarantee;
mod history;
pub(crate) mod notify;
mod pool;
mod release;
mod resume;
mod share;
mod standing;
mod suspects;

use std::collections::{BTreeMap, BTreeSet};

use crate::budget::BudgetRule;
use crate::cost::UnitCost;
use crate::forecast::{self, Moment, Outlook};
use crate::money::{Cause, Causes, Usd, UsdRange};
use crate::name::{BudgetName, FunctionName};
use crate::observation::{Freshness, Observation};
use crate::plan::{
    Action, BudgetRecord, Change, FunctionRecord, Lever, PLAN_SCHEMA, Plan, Reason, Refusal, Setting, Verdict,
};
use crate::posting::{FunctionReading, Reading};
use crate::roster::Roster;
use crate::safety;
use crate::sampling;
use crate::settle::{self, Finding};
use crate::state::State;
use crate::time::Minute;

pub use self::begun::Begun;

/// One tick of a single look: compares the settings in force with the guard's memory, posts the observation, plans, has
/// the second opinion check the plan, and records the values to restore before anything is changed.
///
/// The caller saves the state, carries out `plan.actions` if `plan.armed`, and calls [`settle::settle`] with the
/// outcome of each.
pub fn tick(roster: &Roster, state: &mut State, seen: &Observation) -> Plan {
    Begun::new(roster, state, seen).decide(roster, state, seen)
}

/// The second half of a tick: plans, has the plan checked, and records the values to restore.
fn decide(
    roster: &Roster,
    state: &mut State,
    seen: &Observation,
    reading: &Reading,
    findings: &[Finding],
) -> Plan {
    release::mark_calm(roster, state, reading, seen);
    guarantee::prove(roster, state, seen, reading);
    let plan = plan(roster, state, seen, reading, findings);
    let context = safety::Context {
        policy: &roster.policy,
        inventory: &roster.inventory,
        seen,
        self_name: roster.guard.as_ref(),
    };
    let violations = safety::check(&plan, state, &context);
    let mut plan = safety::enforce(plan, &violations);
    plan.notices.retain(|notice| {
        notice.alarm != safety::OBJECTION_ALARM || notify::is_due(roster, state, seen.at, notice)
    });
    history::taint(roster, state, &plan);
    history::note(state, &plan);
    notify::remember(roster, state, &plan);
    settle::intend(state, &plan);
    state.purse = state.purse.after(roster, &plan.sampling, seen.at);
    guarantee::remember(roster, state, &plan);
    state.budgets.values_mut().for_each(crate::ledger::BudgetLedger::forget_share);
    state.last_tick = Some(seen.at);
    plan
}

/// Makes the plan; changes nothing.
pub fn plan(
    roster: &Roster,
    state: &State,
    seen: &Observation,
    reading: &Reading,
    findings: &[Finding],
) -> Plan {
    let mut draft = Draft::new(roster, state, seen, reading);
    draft.look_ahead();
    draft.resume(findings);
    draft.find_ceilings();
    draft.release();
    draft.escalate();
    draft.stand();
    draft.finish(findings)
}

/// A plan while it is made.
pub(crate) struct Draft<'a> {
    pub(crate) roster: &'a Roster,
    pub(crate) state: &'a State,
    pub(crate) seen: &'a Observation,
    pub(crate) reading: &'a Reading,
    pub(crate) armed: bool,
    pub(crate) outlooks: Vec<Outlook>,
    pub(crate) verdicts: Vec<Verdict>,
    /// Per rule, the share of a function without history: [`share::shares`].
    shares: Vec<Usd>,
    pub(crate) actions: Vec<Action>,
    pub(crate) refusals: Vec<Refusal>,
    /// The decision per function, by index in the roster; the first one counts.
    pub(crate) reasons: BTreeMap<usize, Reason>,
    /// Levers that have a decision in this plan already.
    pub(crate) settled: BTreeSet<(FunctionName, Lever)>,
    pub(crate) pool: pool::Pool,
    /// Ceilings that the envelope or the barrier holds, by index in the roster.
    pub(crate) ceilings: BTreeMap<usize, standing::Held>,
}

impl<'a> Draft<'a> {
    fn new(roster: &'a Roster, state: &'a State, seen: &'a Observation, reading: &'a Reading) -> Self {
        Draft {
            roster,
            state,
            seen,
            reading,
            armed: state.operator.armed.unwrap_or(roster.policy.armed),
            outlooks: Vec::with_capacity(roster.rules.len()),
            verdicts: Vec::with_capacity(roster.rules.len()),
            shares: share::shares(roster, reading),
            actions: Vec::new(),
            refusals: Vec::new(),
            reasons: BTreeMap::new(),
            settled: BTreeSet::new(),
            pool: pool::Pool::new(roster),
            ceilings: BTreeMap::new(),
        }
    }

    /// Computes the outlook of every budget.
    fn look_ahead(&mut self) {
        let moment = self.moment();
        for (index, rule) in self.roster.rules.iter().enumerate() {
            let hidden = self.reading.hidden.get(index).copied().unwrap_or_default();
            let outlook = match self.state.budgets.get(&rule.name) {
                Some(book) => {
                    let deferred = self.deferred(index, rule);
                    forecast::outlook(rule, book, &hidden, deferred, moment, &self.roster.policy.timing)
                }
                None => continue,
            };
            self.verdicts.push(self.verdict(rule, &outlook));
            self.outlooks.push(outlook);
        }
    }

    /// The newest minute with data from the region's totals or the functions.
    fn moment(&self) -> Moment {
        let known = self.state.region.seen_until.unwrap_or(self.reading.settled);
        let functions_fresh =
            self.reading.functions.iter().any(|function| function.freshness.is_trustworthy());
        let seen_until = if functions_fresh { self.reading.settled } else { known.min(self.reading.settled) };
        Moment { at: self.seen.at, settled: self.reading.settled, seen_until }
    }

    /// The possible cost of backlogs behind caps: at most the cap's full use for the event age.
    fn deferred(&self, place: usize, rule: &BudgetRule) -> UsdRange {
        let counting = UnitCost::counting();
        let mut high = Usd::ZERO;
        for (name, latch) in &self.state.latches {
            let Some(index) = self.index_of(name) else { continue };
            let (Some(function), Some(member)) =
                (self.roster.inventory.functions.get(index), self.roster.members.get(index))
            else {
                continue;
            };
            if let (true, Some(config), Some(cap)) = (
                member.budgets.contains(&place) && latch.is_holding(),
                function.asynchronous,
                function.reserved,
            ) {
                let unit = rule.unit_cost(&member.unit, &counting);
                high += unit.worst_per_concurrency(u64::from(config.max_event_age_s)) * i128::from(cap);
            }
        }
        UsdRange::new(Usd::ZERO, Usd::ZERO, high, Causes::of(Cause::DeferredBacklog))
    }

    /// See [`Draft::shares`].
    fn share(&self, place: usize) -> Usd {
        self.shares.get(place).copied().unwrap_or_default()
    }

    fn verdict(&self, rule: &BudgetRule, outlook: &Outlook) -> Verdict {
        if escalate::breached(rule, outlook, &self.roster.policy.timing) {
            return Verdict::BreachedAlert;
        }
        let crossed = rule.crossed(outlook.spent.expected, outlook.if_it_stops.expected);
        if crossed.is_some() || outlook.is_noticed(rule) { Verdict::Warn } else { Verdict::Fine }
    }

    /// Whether an operator's order keeps the guard away from a function.
    pub(crate) fn is_held(&self, name: &FunctionName) -> bool {
        self.state.operator.holds.get(name).is_some_and(|until| self.seen.at < *until)
    }

    /// Adds an action. If the plan has already decided on the lever, that decision stays, but of two budgets' caps the
    /// tighter counts.
    pub(crate) fn act(&mut self, index: usize, change: Change, reason: Reason, rule: Option<&BudgetRule>) {
        let Some(function) = self.roster.inventory.functions.get(index) else { return };
        let budget = rule.map(|rule| rule.name.clone());
        if !self.settled.insert((function.name.clone(), change.lever())) {
            self.tighten(index, change, reason, budget);
            return;
        }
        if self.actions.len() >= self.roster.policy.limits.actions_per_tick as usize {
            let refusal = Refusal {
                function: function.name.clone(),
                change: Some(change),
                reason: Reason::TickFull,
                budget,
            };
            self.refusals.push(refusal);
            return;
        }
        self.pool.take(&change);
        self.reasons.insert(index, reason.clone());
        self.actions.push(Action { function: function.name.clone(), change, reason, budget });
    }

    /// Replaces a breach's cap in this plan by one that goes further down. If an envelope in force makes the cap
    /// tighter, the breach stays its reason.
    fn tighten(&mut self, index: usize, change: Change, reason: Reason, budget: Option<BudgetName>) {
        let name = self.roster.inventory.functions.get(index).map(|function| &function.name);
        let same = |action: &&mut Action| {
            Some(&action.function) == name
                && action.change.lever() == change.lever()
                && action.reason.is_breach()
        };
        let stands = matches!(reason, Reason::Envelope { .. });
        let Some(action) = self.actions.iter_mut().find(same).filter(|_| stands || reason.is_breach()) else {
            return;
        };
        let (Setting::Concurrency(Some(before)), Setting::Concurrency(Some(now))) =
            (action.change.to(), change.to())
        else {
            return;
        };
        if now < before {
            // The standing ceiling starts from this plan's change.
            let change = Change::of(&change.lever(), action.change.from(), change.to()).unwrap_or(change);
            self.pool.give_back(&action.change);
            self.pool.take(&change);
            if stands {
                action.change = change;
            } else {
                self.reasons.insert(index, reason.clone());
                *action = Action { function: action.function.clone(), change, reason, budget };
            }
        }
    }

    /// Records a refused change.
    pub(crate) fn refuse(
        &mut self,
        index: usize,
        change: Option<Change>,
        reason: Reason,
        rule: Option<&BudgetRule>,
    ) {
        let Some(function) = self.roster.inventory.functions.get(index) else { return };
        self.reasons.entry(index).or_insert_with(|| reason.clone());
        self.refusals.push(Refusal {
            function: function.name.clone(),
            change,
            reason,
            budget: rule.map(|rule| rule.name.clone()),
        });
    }

    /// The index of a function in the roster.
    pub(crate) fn index_of(&self, name: &FunctionName) -> Option<usize> {
        self.roster.inventory.functions.binary_search_by(|function| function.name.cmp(name)).ok()
    }

    /// The reading of a function at this look.
    pub(crate) fn reading_of(&self, index: usize) -> Option<&'a FunctionReading> {
        let place = self.reading.functions.binary_search_by(|reading| reading.index.cmp(&index)).ok()?;
        self.reading.functions.get(place)
    }

    pub(crate) fn rule(&self, name: &BudgetName) -> Option<&'a BudgetRule> {
        self.roster.rules.iter().find(|rule| rule.name == *name)
    }

    fn finish(mut self, findings: &[Finding]) -> Plan {
        let budgets = self.budget_records();
        let functions = self.function_records();
        let notices = notify::notices(&self, &budgets, findings);
        let sampling =
            sampling::next(self.roster, self.state, self.seen, self.reading, &self.verdicts, &self.outlooks);
        Plan {
            schema: PLAN_SCHEMA,
            at: self.seen.at,
            armed: self.armed,
            actions: std::mem::take(&mut self.actions),
            refusals: std::mem::take(&mut self.refusals),
            notices,
            budgets,
            functions,
            sampling,
        }
    }

    fn budget_records(&self) -> Vec<BudgetRecord> {
        let rules = self.roster.rules.iter().zip(&self.outlooks).zip(&self.verdicts).enumerate();
        rules
            .filter_map(|(place, ((rule, outlook), verdict))| {
                let book = self.state.budgets.get(&rule.name)?;
                Some(BudgetRecord {
                    budget: rule.name.clone(),
                    unit: rule.unit,
                    amount: rule.amount,
                    period_start: book.period_start,
                    period_end: book.period_end,
                    known_from: book.unknown_before(),
                    spent: outlook.spent,
                    unattributed: book.unattributed,
                    repeated: book.repeated,
                    unseen: outlook.unseen,
                    committed: outlook.committed,
                    deferred: outlook.deferred,
                    burn_per_hour: outlook.burn_per_hour,
                    baseline_per_hour: outlook.ordinary_per_hour,
                    projected_if_sustained: outlook.if_sustained,
                    projected_if_it_stops: outlook.if_it_stops,
                    exhausted_if_sustained: outlook.exhausted_if_sustained,
                    exhausted_if_it_stops: outlook.exhausted_if_it_stops,
                    incident: outlook.incident,
                    incident_since: outlook.incident_since.map(Minute::start),
                    slack: outlook.slack,
                    mode: rule.mode,
                    slack_ends: outlook.slack_ends(rule, self.seen.at, book.period_end),
                    at_line: escalate::at_line(rule, outlook, &self.roster.policy.timing),
                    freshness: self.freshness_of(place, rule),
                    verdict: *verdict,
                    price_unknown: self.roster.price_unknown(),
                    uncounted: self.roster.uncounted(place),
                })
            })
            .collect()
    }

    /// How far the data of a budget can be trusted: the region's; unknown where a look at a function of a narrower scope
    /// got no answer.
    fn freshness_of(&self, place: usize, rule: &BudgetRule) -> Freshness {
        let covers = |index: usize| {
            self.roster.members.get(index).is_some_and(|member| member.budgets.binary_search(&place).is_ok())
        };
        let mut looks = self.reading.functions.iter().map(|reading| (reading.index, reading.freshness));
        let mut glances = self.seen.glances.iter();
        let is_unread = !rule.matcher.is_everything()
            && (looks.any(|(index, freshness)| freshness == Freshness::Unknown && covers(index))
                || glances.any(|(name, series)| {
                    series.freshness == Freshness::Unknown && self.index_of(name).is_some_and(covers)
                }));
        if is_unread { Freshness::Unknown } else { self.reading.region }
    }

    fn function_records(&self) -> Vec<FunctionRecord> {
        let mut decided = self.reasons.iter().peekable();
        let mut records = Vec::with_capacity(self.reading.functions.len());
        records.extend(self.reading.functions.iter().filter_map(|reading| {
            while decided.peek().is_some_and(|(index, _)| **index < reading.index) {
                decided.next();
            }
            let reason = decided
                .peek()
                .filter(|(index, _)| **index == reading.index)
                .map(|(_, reason)| (*reason).clone());
            let function = self.roster.inventory.functions.get(reading.index)?;
            let ordinary = if reading.excess_per_hour == Usd::ZERO {
                Reason::WithinBaseline
            } else {
                Reason::ExcessWithinBudget
            };
            Some(FunctionRecord {
                function: function.name.clone(),
                burn_per_hour: reading.burn_per_hour,
                baseline_per_hour: reading.ordinary_per_hour,
                excess_per_hour: reading.excess_per_hour,
                attempts_per_mille: reading.attempts_per_mille,
                cap: self.cap_of(&function.name),
                freshness: reading.freshness,
                reason: reason.unwrap_or(ordinary),
            })
        }));
        records
    }

    /// The concurrency that the guard holds a function at.
    fn cap_of(&self, name: &FunctionName) -> Option<u32> {
        let latch = self.state.latches.get(name)?;
        match latch.lever(&Lever::ReservedConcurrency).filter(|lever| !lever.is_foreign())?.ours? {
            Setting::Concurrency(cap) => cap,
            _ => None,
        }
    }

    /// Whole minutes since an instant, for messages.
    pub(crate) fn minutes_since(&self, at: chrono::DateTime<chrono::Utc>) -> u32 {
        u32::try_from((self.seen.at - at).num_minutes().max(0)).unwrap_or(u32::MAX)
    }

    /// The minute of the look.
    pub(crate) fn now(&self) -> Minute {
        self.reading.now
    }
}

#[cfg(test)]
mod tests;
