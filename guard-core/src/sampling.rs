//! What to look at, how often, and what looking costs: sweep, glances, focus and census.
//!
//! The sweep reads the region's totals every tick, three metrics whatever the number of functions. What no function
//! explains of them may have been spent by anybody who was not looked at, at most by the dearest. Looking is buying
//! certainty: once what may be hidden from a budget comes to half of its slack, the fewest functions that leave a quarter are
//! glanced at, one metric each, which tells all minutes since they were looked at last. Where something burns that has no
//! name, that is everybody. Who stands out is in focus: read minute by minute in full. The census reads every function
//! once a day in one-hour points: it settles the ledger and refreshes the baselines.

mod census;
mod choice;
mod purse;

use std::collections::BTreeSet;

use self::choice::{Candidate, Unexplained, choose};
use crate::budget::BudgetRule;
use crate::forecast::Outlook;
use crate::ledger::FunctionLedger;
use crate::ledger::unlooked::Usual;
use crate::money::{Usd, UsdRange};
use crate::name::FunctionName;
use crate::observation::Observation;
use crate::plan::{SamplingPlan, Verdict};
use crate::policy::Mode;
use crate::posting::{FunctionReading, Glance, Reading, Rests};
use crate::roster::Roster;
use crate::state::State;
use crate::time::Minute;

pub use self::census::{METRICS_PER_COUNT, census};
pub use self::purse::{OwnCost, Purse, own_cost_of_month};

/// Metrics read of each function in focus: Invocations, Errors, Throttles, Duration, ConcurrentExecutions.
pub const METRICS_PER_LOOK: u64 = 5;

/// Metrics read of the region: Invocations, Duration, ConcurrentExecutions.
pub const METRICS_PER_SWEEP: u64 = 3;

/// `GetMetricData` costs $0.01 per 1,000 metrics requested, outside the free tier ("Amazon CloudWatch pricing",
/// read 2026-11).
pub const USD_PER_METRIC: Usd = Usd::from_picos(10_000_000);

/// Queries of one `GetMetricData` call ("GetMetricData", API reference, read 2026-11).
pub const QUERIES_PER_CALL: usize = 500;

/// Data points that one call answers at most: the greatest `MaxDatapoints` (same page).
pub const POINTS_PER_CALL: usize = 100_800;

/// Functions in focus at a time: five metrics of each fill five `GetMetricData` calls of 500 queries.
pub const FOCUS_MAX: usize = 500;

/// Metrics of the glances of one tick: as many as fill five calls. A walk that does not fit goes on at the next.
const GLANCE_METRICS_MAX: u64 = 2_500;

/// What may be hidden before somebody is looked at: one part in so many of the slack. Half leaves room for lag, walk and
/// notice before the slack is gone.
const HIDDEN_PART: i128 = 2;

/// A look aims at one part in so many of what may be hidden.
const AIM_PART: i128 = 2;

/// The slack of a budget as far as looking is concerned is at most one part in so many of it: a budget that acts at its line
/// only must be known all the same.
const SLACK_PART: i128 = 8;

/// What may always be hidden from a budget in money: looking for less costs more than there is to lose.
const HIDDEN_LEAST: Usd = Usd::from_picos(50_000_000_000);

/// Who spends one part in so many of a slack above its ordinary since it was looked at last stands out.
const STANDS_OUT_PART: i128 = 4;

/// Who stands out is in focus until a quarter of an hour of its excess is less than one part in so many of the slack.
const CALM_PART: i128 = 50;

/// A budget that is gone within so many minutes at the rate of the moment is looked at function by function. A percentage
/// that was passed is no reason: half of a month's budget is gone at half of every month.
const LINE_NEAR_MIN: i64 = 30;

/// Minutes after which a function that may run long is asked again how much of it runs.
const ASKED_AGAIN_MIN: i64 = 10;

/// Of a budget at its line, those in focus do this part of what is usual, in per mille: they are who a stop would be for.
const AT_LINE_PER_MILLE: i128 = 950;

/// What to look at next.
pub fn next(
    roster: &Roster,
    state: &State,
    seen: &Observation,
    reading: &Reading,
    verdicts: &[Verdict],
    outlooks: &[Outlook],
) -> SamplingPlan {
    let mut watched: Vec<Watched<'_>> = roster
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.mode >= Mode::Alert)
        .map(|(place, rule)| {
            let at = (verdicts.get(place).copied().unwrap_or(Verdict::Fine), outlooks.get(place));
            Watched::new(roster, place, rule, reading, at, seen)
        })
        .collect();
    let focus = focus(roster, state, reading, &watched);
    let in_focus: BTreeSet<usize> = focus.iter().copied().collect();
    // The budget from which most of its slack may be hidden is served first.
    watched.retain(Watched::is_suspicious);
    watched.sort_by_key(|watch| std::cmp::Reverse(watch.suspicion().per_mille_of(watch.threshold)));
    let purse = state.purse.filled(roster, seen.at).metrics(roster);
    let with_concurrency = watched.iter().any(Watched::asks_concurrency);
    let mut shopping = Shopping {
        with_concurrency,
        roster,
        state,
        settled: reading.settled,
        in_focus: &in_focus,
        purse,
        glances: BTreeSet::new(),
        metrics: 0,
    };
    for watch in &watched {
        shopping.buy(watch);
    }
    let name_of = |index: usize| roster.inventory.functions.get(index).map(|function| function.name.clone());
    SamplingPlan {
        focus: focus.into_iter().filter_map(name_of).collect(),
        with_concurrency: with_concurrency && !shopping.glances.is_empty(),
        glance: shopping.glances.into_iter().filter_map(name_of).collect(),
    }
}

/// What is above the ordinary in the eyes of a budget, and of functions that were not looked at or did not answer, in its unit.
pub(crate) fn nameless(
    roster: &Roster,
    place: usize,
    rule: &BudgetRule,
    reading: &Reading,
    outlook: Option<&Outlook>,
    seen: &Observation,
) -> Usd {
    Watched::new(roster, place, rule, reading, (Verdict::Fine, outlook), seen).unexplained.nameless
}

/// One budget in the eyes of who looks.
struct Watched<'a> {
    place: usize,
    rule: &'a BudgetRule,
    /// The slack, in the budget's unit.
    slack: Usd,
    /// What may be hidden before somebody is looked at.
    threshold: Usd,
    /// Busy time that no function explains, and what it may have cost beyond what it is taken for.
    hidden: Usd,
    /// What runs long and has told nothing yet, at the price of the dearest who may run so long.
    running: Usd,
    unexplained: Unexplained,
    /// What is above the ordinary and has no name, at the price of the dearest who may have spent it.
    at_worst: Usd,
    /// Whether something above the ordinary is on its way to break it.
    is_pressing: bool,
    /// Whether it is at its line, or soon will be.
    is_near_line: bool,
}

impl<'a> Watched<'a> {
    fn new(
        roster: &Roster,
        place: usize,
        rule: &'a BudgetRule,
        reading: &Reading,
        (verdict, outlook): (Verdict, Option<&Outlook>),
        seen: &Observation,
    ) -> Self {
        let rests = &reading.rests;
        let slack = rule.slack.min(rule.amount.mul_div_up(1, SLACK_PART));
        let threshold = slack.mul_div_up(1, HIDDEN_PART);
        let is_pressing = outlook.is_some_and(|outlook| outlook.is_noticed(rule));
        let soon = seen.at + chrono::Duration::minutes(LINE_NEAR_MIN);
        let is_near_line = verdict >= Verdict::BreachedAlert
            || outlook.is_some_and(|outlook| outlook.exhausted_if_sustained.is_some_and(|at| at <= soon));
        let mut watched = Watched {
            place,
            rule,
            slack,
            threshold: if rule.counts_invocations() { threshold } else { threshold.max(HIDDEN_LEAST) },
            hidden: Usd::ZERO,
            running: Usd::ZERO,
            unexplained: Unexplained { us: 0, expected: Usd::ZERO, nameless: Usd::ZERO },
            at_worst: Usd::ZERO,
            is_pressing,
            is_near_line,
        };
        let incident = outlook.map_or(Usd::ZERO, |outlook| outlook.incident);
        watched.sum_up(roster, rests);
        watched.run_on(roster, reading);
        watched.unexplained.nameless = watched.unexplained.nameless.min(incident);
        watched
    }

    /// Adds up what no function explains, as far as somebody of the scope may have spent it.
    fn sum_up(&mut self, roster: &Roster, rests: &Rests) {
        let narrow = rests.looked.narrow.get(self.place).and_then(Option::as_ref);
        let scope = narrow.unwrap_or(&rests.looked.everything);
        let mut shares = rests.shares.get(self.place).into_iter().flatten();
        for rest in &rests.rests {
            let share: Option<&UsdRange> = if narrow.is_some() { shares.next() } else { None };
            let Some(dearest) = scope.dearest(rest.until) else { continue };
            let Some(member) = roster.members.get(dearest) else { continue };
            let requests = i128::from(rest.point.invocations);
            let us = i128::from(rest.point.duration_us);
            let beyond = Rests::beyond_usual(rest, scope.usual(rest.until));
            if self.rule.counts_invocations() {
                let all = crate::ledger::entry::whole(requests);
                // The region tells them exactly: only whose they are may be hidden.
                self.hidden += share.map_or(Usd::ZERO, |share| share.high - share.expected);
                self.unexplained.nameless += all.mul_div_up(beyond, us.max(1));
                continue;
            }
            let each = roster.per_invocation.expected * requests;
            // The region tells requests exactly, but not whose they are.
            let (requests_at_most, expected) = match share {
                Some(share) => (each, share.expected),
                None => (Usd::ZERO, (rest.expected - each).at_least_zero()),
            };
            let high = member.unit.compute(0, rest.point.duration_us) + requests_at_most;
            self.hidden += (high - expected).at_least_zero();
            // Requests as busy time of the same price.
            let price = member.unit.per_busy_second().picos().max(1);
            self.unexplained.us += us + requests_at_most.mul_div_up(1_000_000, price).picos();
            self.unexplained.expected += expected.min(high);
            self.at_worst += high.mul_div_up(beyond, us.max(1));
            if narrow.is_none() {
                self.unexplained.nameless += (expected + each).mul_div_up(beyond, us.max(1));
            }
        }
    }

    /// Adds what long invocations may be burning, unless everybody dear was asked for it lately.
    fn run_on(&mut self, roster: &Roster, reading: &Reading) {
        let looked = &reading.rests.looked;
        let scope = looked.narrow.get(self.place).and_then(Option::as_ref).unwrap_or(&looked.everything);
        let lag_s = roster.policy.timing.metric_lag_s;
        let lately = reading.settled.plus(1 - ASKED_AGAIN_MIN);
        let runs_long = |index: &usize| {
            roster.inventory.functions.get(*index).is_some_and(|function| function.timeout_s > lag_s)
        };
        let dearest = scope.dearest(lately).filter(runs_long).and_then(|index| roster.members.get(index));
        if let Some(member) = dearest.filter(|_| !self.rule.counts_invocations()) {
            self.running = member.unit.compute(0, reading.rests.running_us);
            self.unexplained.us += i128::from(reading.rests.running_us);
        }
    }

    /// What may be hidden, and what is seen and has no name.
    fn suspicion(&self) -> Usd {
        self.hidden + self.running + self.unexplained.nameless
    }

    /// Whether who is glanced at is asked how much runs.
    fn asks_concurrency(&self) -> bool {
        self.running > Usd::ZERO && self.running * 4 >= self.threshold
    }

    fn is_suspicious(&self) -> bool {
        self.suspicion() >= self.threshold
    }

    /// Whether what has no name may come to all of the slack: it need not wait for money.
    fn is_urgent(&self) -> bool {
        self.is_pressing || self.at_worst >= self.slack.max(HIDDEN_LEAST)
    }

    /// Whether so much above the ordinary makes a function stand out.
    fn stands_out(&self, glance: &Glance, excess: Usd, excess_per_hour: Usd) -> bool {
        let _ = glance;
        excess >= self.slack.mul_div_up(1, STANDS_OUT_PART) && excess > Usd::ZERO
            || self.is_pressing && self.is_loud(excess_per_hour)
    }

    /// Whether a quarter of an hour of an excess matters.
    fn is_loud(&self, excess_per_hour: Usd) -> bool {
        excess_per_hour > Usd::ZERO && excess_per_hour.mul_div_up(1, 4) >= self.slack.mul_div_up(1, CALM_PART)
    }
}

/// Functions to read in full, by their places: those with a trip, those that stand out, those under a guarantee of
/// their own, and of a budget at its line those that do most of what is usual.
fn focus(roster: &Roster, state: &State, reading: &Reading, watched: &[Watched<'_>]) -> Vec<usize> {
    let mut focus: BTreeSet<usize> = state
        .latches
        .keys()
        .filter_map(|name| roster.inventory.functions.binary_search_by(|other| other.name.cmp(name)).ok())
        .take(FOCUS_MAX)
        .collect();
    let covering = |index: usize| {
        let budgets = roster.members.get(index).map_or(&[][..], |member| &member.budgets);
        watched.iter().filter(move |watch| budgets.binary_search(&watch.place).is_ok())
    };
    let mut wanted: Vec<(Usd, usize)> = Vec::new();
    for function in &reading.functions {
        let is_loud = |watch: &Watched<'_>| watch.is_loud(excess_of(function, watch.rule));
        if covering(function.index).any(is_loud) {
            wanted.push((function.excess_per_hour, function.index));
        }
    }
    for glance in &reading.glances {
        let stands_out = |watch: &Watched<'_>| {
            let (excess, per_hour) = glance.excess_in(watch.rule);
            watch.stands_out(glance, excess, per_hour)
        };
        if covering(glance.index).any(stands_out) {
            wanted.push((glance.excess_per_hour, glance.index));
        }
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
    for index in wanted.into_iter().map(|(_, index)| index).chain(usual) {
        if focus.len() >= FOCUS_MAX {
            break;
        }
        focus.insert(index);
    }
    focus.into_iter().collect()
}

/// What a function burns above the ordinary per hour in the eyes of a budget; without history, above its even share.
fn excess_of(function: &FunctionReading, rule: &BudgetRule) -> Usd {
    if function.ordinary_per_hour.is_some() && !function.is_new {
        return function.excess_in(rule.unit);
    }
    (function.burn_in(rule.unit) - rule.even_share_per_hour()).at_least_zero()
}

/// The functions of a scope that do nearly all of what is usual, or all of them.
fn busiest(roster: &Roster, state: &State, watch: &Watched<'_>, all: bool) -> Vec<usize> {
    let mut burns: Vec<(Usd, usize)> = Vec::new();
    for (index, (function, member)) in roster.inventory.functions.iter().zip(&roster.members).enumerate() {
        if member.budgets.binary_search(&watch.place).is_ok() {
            burns.push((
                ledger_of(state, index, &function.name).map_or(Usd::ZERO, |ledger| ledger.burn),
                index,
            ));
        }
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

/// Metrics of a glance: Duration, Invocations where a budget of its own or a count of them asks, and ConcurrentExecutions
/// where something runs that has told nothing yet.
pub fn metrics_of_glance(roster: &Roster, index: usize, with_concurrency: bool) -> u64 {
    1 + u64::from(asks_invocations(roster, index)) + u64::from(with_concurrency)
}

/// Whether a glance at a function asks for its invocations too.
pub fn asks_invocations(roster: &Roster, index: usize) -> bool {
    let counts = |place: &usize| roster.rules.get(*place).is_some_and(BudgetRule::counts_invocations);
    roster.members.get(index).is_some_and(|member| member.has_own_budget || member.budgets.iter().any(counts))
}

/// What one tick buys.
struct Shopping<'a> {
    roster: &'a Roster,
    state: &'a State,
    settled: Minute,
    in_focus: &'a BTreeSet<usize>,
    /// Metrics that are paid for, and with what may be overdrawn.
    purse: (u64, u64),
    glances: BTreeSet<usize>,
    metrics: u64,
    with_concurrency: bool,
}

impl Shopping<'_> {
    /// Buys the glances that one budget asks for, as far as they can be paid.
    fn buy(&mut self, watch: &Watched<'_>) {
        let candidates = self.candidates(watch);
        let aim = watch.threshold.mul_div_up(1, AIM_PART);
        let halved = watch.suspicion().mul_div_up(1, 2);
        let (paid, overdrawn) = self.purse;
        let most = if watch.is_urgent() { overdrawn } else { paid };
        let everybody = || (0..candidates.len()).collect::<Vec<usize>>();
        let best = choose(&candidates, &watch.unexplained, aim).unwrap_or_else(everybody);
        let cost = self.cost(&candidates, &best);
        let left = most.saturating_sub(self.metrics);
        let chosen = if cost <= left {
            best
        } else {
            let fewer = choose(&candidates, &watch.unexplained, halved).filter(|_| halved > aim);
            match fewer.filter(|fewer| self.cost(&candidates, fewer) <= left) {
                Some(fewer) => fewer,
                // Half of it is worth having.
                None if 2 * left >= cost => best,
                None => return,
            }
        };
        self.take(&candidates, chosen, left.min(GLANCE_METRICS_MAX.saturating_sub(self.metrics)));
    }

    /// Takes the dearest and longest unseen first, up to so many metrics.
    fn take(&mut self, candidates: &[Candidate], chosen: Vec<usize>, mut left: u64) {
        let mut chosen: Vec<&Candidate> =
            chosen.into_iter().filter_map(|place| candidates.get(place)).collect();
        chosen.sort_by_key(|one| (std::cmp::Reverse(one.price * i128::from(one.minutes)), one.index));
        for one in chosen {
            let metrics = metrics_of_glance(self.roster, one.index, self.with_concurrency);
            if metrics > left {
                break;
            }
            if self.glances.insert(one.index) {
                left -= metrics;
                self.metrics += metrics;
            }
        }
    }

    fn cost(&self, candidates: &[Candidate], chosen: &[usize]) -> u64 {
        let of = |place: &usize| {
            candidates
                .get(*place)
                .map_or(0, |one| metrics_of_glance(self.roster, one.index, self.with_concurrency))
        };
        chosen.iter().map(of).sum()
    }

    /// The functions of a scope that are not in focus, dearest first.
    fn candidates(&self, watch: &Watched<'_>) -> Vec<Candidate> {
        let reach = self.settled.plus(-crate::ledger::CATCH_UP_MIN);
        let mut candidates = Vec::new();
        for index in &self.roster.by_price {
            let (Some(function), Some(member)) =
                (self.roster.inventory.functions.get(*index), self.roster.members.get(*index))
            else {
                continue;
            };
            if self.in_focus.contains(index) || member.budgets.binary_search(&watch.place).is_err() {
                continue;
            }
            let ledger = ledger_of(self.state, *index, &function.name);
            let looked = ledger.and_then(FunctionLedger::looked_until).unwrap_or(reach).max(reach);
            let minutes = self.settled.since(looked);
            if minutes <= 0 {
                continue;
            }
            let price = member.unit.per_busy_second();
            let burn = ledger.map_or(Usd::ZERO, |ledger| ledger.burn);
            let us = Usual::of(price, burn).over(minutes).us;
            candidates.push(Candidate { index: *index, price, minutes, us });
        }
        candidates
    }
}

/// The ledger of the inventory's function at a place. Mostly every function has one, in the same place.
pub(crate) fn ledger_of<'a>(
    state: &'a State,
    index: usize,
    name: &FunctionName,
) -> Option<&'a FunctionLedger> {
    let beside = state.functions.get(index).filter(|ledger| ledger.name == *name);
    beside.or_else(|| state.function(name))
}

/// The first minute to ask for: everything that may still change or was never seen, of the region, of the functions in
/// focus and of those glanced at. The price of a look does not depend on it.
pub fn ask_from(
    roster: &Roster,
    state: &State,
    at: chrono::DateTime<chrono::Utc>,
    (focus, glance): (&[FunctionName], &[FunctionName]),
) -> Minute {
    let now = Minute::of(at);
    let lag = chrono::Duration::seconds(i64::from(roster.policy.timing.metric_lag_s));
    let region = state.region.open_from(Minute::of(at - lag).plus(-1));
    let window = |name: &FunctionName| {
        let index = roster.inventory.functions.binary_search_by(|function| function.name.cmp(name)).ok()?;
        Some(roster.members.get(index)?.window_min)
    };
    let functions = focus.iter().filter_map(|name| Some(state.function(name)?.open_from(now, window(name)?)));
    let glances = glance.iter().filter_map(|name| {
        let window = window(name)?;
        Some(state.function(name).map_or_else(
            || FunctionLedger::new(name.clone()).glance_from(now, window),
            |ledger| ledger.glance_from(now, window),
        ))
    });
    functions.chain(glances).chain([region]).min().unwrap_or(now).min(now.plus(-roster.reread_min()))
}

#[cfg(test)]
mod tests;
