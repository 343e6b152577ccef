//! One budget from the sampler's point of view: its possible hidden spend, and its visible spend with no known source.

use super::choice::Unexplained;
use crate::budget::BudgetRule;
use crate::forecast::Outlook;
use crate::ledger::entry::whole;
use crate::money::{Usd, UsdRange};
use crate::observation::Observation;
use crate::plan::Verdict;
use crate::posting::{Reading, Rests};
use crate::roster::Roster;

/// The slack is divided by this number to get the hidden spend above which functions are looked at. Half leaves room
/// for lag, walk and notice before the slack is gone.
const HIDDEN_PART: i128 = 2;

/// For sampling, a budget's slack is at most its amount divided by this number: a budget that acts only at its line
/// must be measured all the same.
const SLACK_PART: i128 = 8;

/// The hidden spend that is always tolerated in a budget of money: looking for less costs more than there is to lose.
const HIDDEN_LEAST: Usd = Usd::from_picos(50_000_000_000);

/// A function stands out if its spend above the ordinary since its last look exceeds the slack divided by this number.
const STANDS_OUT_PART: i128 = 4;

/// A function that stands out stays in focus until 15 minutes of its excess are below the slack divided by this.
const CALM_PART: i128 = 50;

/// A budget that will be used up within this many minutes at the current rate is looked at function by function. A
/// passed percentage is no reason: half of a month's budget is gone at half of every month.
const LINE_NEAR_MIN: i64 = 30;

/// Minutes after which a function that may run long is asked for its concurrency again.
const ASKED_AGAIN_MIN: i64 = 10;

/// One budget from the sampler's point of view.
pub(super) struct Watched<'a> {
    pub(super) place: usize,
    pub(super) rule: &'a BudgetRule,
    /// The slack, in the budget's unit.
    pub(super) slack: Usd,
    /// The hidden spend above which functions are looked at.
    pub(super) threshold: Usd,
    /// Possible cost of the busy time that no function explains, beyond its expected cost.
    pub(super) hidden: Usd,
    /// Cost of long invocations not reported yet, at the price of the dearest function that can run that long.
    pub(super) running: Usd,
    pub(super) unexplained: Unexplained,
    /// Spend above the ordinary with no known source, at the price of the dearest function that may have caused it.
    pub(super) at_worst: Usd,
    /// Whether spend above the ordinary will soon break it, or has used up half of the slack.
    pub(super) is_pressing: bool,
    /// Whether it is at its line, or soon will be.
    pub(super) is_near_line: bool,
}

impl<'a> Watched<'a> {
    pub(super) fn new(
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
        let incident = outlook.map_or(Usd::ZERO, |outlook| outlook.incident);
        let is_pressing =
            outlook.is_some_and(|outlook| outlook.is_noticed(rule)) || incident * HIDDEN_PART >= slack;
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
        watched.sum_up(roster, rests);
        watched.run_on(roster, reading);
        watched.unexplained.nameless = watched.unexplained.nameless.min(incident);
        watched
    }

    /// Adds up the unexplained spend that functions of the scope may have caused.
    fn sum_up(&mut self, roster: &Roster, rests: &Rests) {
        let scope = rests.looked.of(self.place);
        let is_narrow = rests.looked.is_narrow(self.place);
        let mut shares = rests.shares.get(self.place).into_iter().flatten();
        for rest in &rests.rests {
            let share: Option<&UsdRange> = if is_narrow { shares.next() } else { None };
            let Some(dearest) = scope.dearest(rest.until) else { continue };
            let Some(member) = roster.members.get(dearest) else { continue };
            let requests = i128::from(rest.point.invocations);
            let us = i128::from(rest.point.duration_us);
            let beyond = Rests::beyond_usual(rest, scope.usual(rest.until));
            if self.rule.counts_invocations() {
                let all = whole(requests);
                // The region's count is exact: only its attribution to functions may be hidden.
                self.hidden += share.map_or(Usd::ZERO, |share| share.high - share.expected);
                self.unexplained.nameless += all.mul_div_up(beyond, us.max(1));
                continue;
            }
            let each = roster.per_invocation.expected * requests;
            // The region's count of requests is exact, but does not attribute them to functions.
            let (requests_at_most, expected) = match share {
                Some(share) => (each, share.expected),
                None => (Usd::ZERO, (rest.expected - each).at_least_zero()),
            };
            let high = member.unit.compute(0, rest.point.duration_us) + requests_at_most;
            self.hidden += (high - expected).at_least_zero();
            // Requests as busy time of the same price.
            let price = member.per_busy_second.picos().max(1);
            self.unexplained.us += us + requests_at_most.mul_div_up(1_000_000, price).picos();
            self.unexplained.expected += expected.min(high);
            self.at_worst += high.mul_div_up(beyond, us.max(1));
            // Nothing of a narrower scope's share is above the ordinary, unless no other function can have spent it.
            match share {
                None => self.unexplained.nameless += (expected + each).mul_div_up(beyond, us.max(1)),
                Some(share) if scope.is_all_of(&rests.looked.everything, rest.until) => {
                    self.unexplained.nameless += share.expected.mul_div_up(beyond, us.max(1));
                }
                Some(_) => {}
            }
        }
    }

    /// Adds the possible cost of long invocations and starts, unless all dear functions were asked for it recently.
    fn run_on(&mut self, roster: &Roster, reading: &Reading) {
        if self.rule.counts_invocations() {
            return;
        }
        let rests = &reading.rests;
        let scope = rests.looked.of(self.place);
        let lately = reading.settled.plus(1 - ASKED_AGAIN_MIN);
        let Some(dearest) = scope.dearest(lately) else { return };
        let lag_s = roster.policy.timing.metric_lag_s;
        let runs_long =
            roster.inventory.functions.get(dearest).is_some_and(|function| function.timeout_s > lag_s);
        let us = if runs_long { rests.running_us } else { rests.starting_us };
        if let Some(member) = roster.members.get(dearest) {
            self.running = member.unit.compute(0, us);
            self.unexplained.us += i128::from(us);
        }
    }

    /// The possible hidden spend plus the visible spend with no known source.
    pub(super) fn suspicion(&self) -> Usd {
        self.hidden + self.running + self.unexplained.nameless
    }

    /// Whether a glance also asks for concurrency.
    pub(super) fn asks_concurrency(&self) -> bool {
        self.running > Usd::ZERO && self.running * 4 >= self.threshold
    }

    pub(super) fn is_suspicious(&self) -> bool {
        self.suspicion() >= self.threshold
    }

    /// Whether the spend with no known source may reach the whole slack: looking then need not wait for money.
    pub(super) fn is_urgent(&self) -> bool {
        self.is_pressing || self.at_worst >= self.slack.max(HIDDEN_LEAST)
    }

    /// Whether the given spend above the ordinary makes a function stand out.
    pub(super) fn stands_out(&self, (excess, excess_per_hour): (Usd, Usd)) -> bool {
        excess >= self.slack.mul_div_up(1, STANDS_OUT_PART) && excess > Usd::ZERO
            || self.is_pressing && self.is_loud(excess_per_hour)
    }

    /// Whether a quarter of an hour of an excess matters.
    pub(super) fn is_loud(&self, excess_per_hour: Usd) -> bool {
        excess_per_hour > Usd::ZERO && excess_per_hour.mul_div_up(1, 4) >= self.slack.mul_div_up(1, CALM_PART)
    }
}
