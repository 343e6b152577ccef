//! What no function explains: who may have spent it, and what of it is taken for the share of a narrower budget.

use crate::ledger::entry::whole;
use crate::ledger::unlooked::{NEVER, Unlooked, Unlooks, Usual};
use crate::ledger::{BudgetLedger, RegionLedger, Rest};
use crate::money::{Cause, Causes, Usd, UsdRange};
use crate::observation::Observation;
use crate::roster::Roster;
use crate::state::State;
use crate::time::Minute;

/// What no function explains, as far as a look reaches back.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rests {
    /// By minutes in a row, ascending.
    pub(crate) rests: Vec<Rest>,
    /// Who was not looked at.
    pub(crate) looked: Unlooks,
    /// Busy time of the latest minutes that concurrency shows and durations do not yet, without the functions in focus, in
    /// microseconds: long invocations tell their duration when they end.
    pub(crate) running_us: u64,
    /// Per rule, what of it is taken for the share of a scope narrower than everything.
    pub(crate) shares: Vec<Vec<UsdRange>>,
}

/// Who was not looked at in a minute, and whose durations of a minute may still rise.
pub(super) struct BothUnlooks {
    pub(super) looked: Unlooks,
    pub(super) open: Unlooks,
}

/// Who was looked at, and up to where.
pub(super) fn unlooks(roster: &Roster, state: &State, settled: Minute) -> BothUnlooks {
    let lag = i64::from(roster.policy.timing.metric_lag_s.div_ceil(60));
    let mut ledgers = state.functions.iter().peekable();
    let mut looked = Vec::with_capacity(roster.members.len());
    let mut open = Vec::with_capacity(roster.members.len());
    for (function, member) in roster.inventory.functions.iter().zip(&roster.members) {
        while ledgers.next_if(|ledger| ledger.name < function.name).is_some() {}
        let ledger = ledgers.next_if(|ledger| ledger.name == function.name);
        let until = ledger.and_then(crate::ledger::FunctionLedger::looked_until);
        let burn = ledger.map_or(Usd::ZERO, |ledger| ledger.burn);
        looked.push((until.map_or(NEVER, |until| until.min(settled)), burn));
        // A long invocation tells its duration when it ends, of the minute in which it began.
        open.push((until.map_or(NEVER, |until| until.plus(lag - member.window_min)), burn));
    }
    BothUnlooks { looked: Unlooks::new(roster, &looked), open: Unlooks::new(roster, &open) }
}

impl Rests {
    pub(super) fn new(
        roster: &Roster,
        books: &mut [BudgetLedger],
        region: &RegionLedger,
        unlooks: BothUnlooks,
        seen: &Observation,
        settled: Minute,
    ) -> Self {
        let rests = region.rests(settled);
        let passed = region.passed(settled);
        let mut shares = vec![Vec::new(); roster.rules.len()];
        let scopes = unlooks.looked.narrow.iter().zip(&unlooks.open.narrow);
        let books = roster.rules.iter().zip(books).zip(scopes).zip(&mut shares);
        for (((rule, book), scopes), shares) in books {
            book.forget_share();
            let (Some(looked), Some(open)) = scopes else { continue };
            let scope = Scope { roster, looked, open, everything: &unlooks.looked.everything };
            book.pass(&passed, |rest| scope.share(rest, rule.counts_invocations()));
            for rest in &rests {
                let share = scope.share(rest, rule.counts_invocations());
                if share != UsdRange::ZERO {
                    book.share_in(rest.since, rest.until, share);
                }
                shares.push(share);
            }
        }
        Rests { rests, looked: unlooks.looked, shares, running_us: running_us(roster, seen, settled) }
    }

    /// What of a rest is above what those do as a rule that may have spent it, in microseconds.
    pub(crate) fn beyond_usual(rest: &Rest, usual: Usual) -> i128 {
        (i128::from(rest.point.duration_us) - usual.over(rest.minutes()).us).max(0)
    }
}

/// See [`Rests::running_us`].
fn running_us(roster: &Roster, seen: &Observation, settled: Minute) -> u64 {
    let oldest = Minute::of(seen.at).plus(-roster.reread_min());
    let recent = |minute: Minute| minute >= oldest && minute <= settled;
    let mut points: Vec<(Minute, u32, u64)> = seen
        .region
        .minutes
        .iter()
        .filter(|(minute, _)| recent(*minute))
        .map(|(minute, point)| (*minute, point.concurrency_max, point.duration_us))
        .collect();
    for (minute, point) in seen.functions.iter().flat_map(|(_, series)| &series.minutes) {
        if let Ok(place) = points.binary_search_by_key(minute, |(other, _, _)| *other)
            && let Some((_, busy, us)) = points.get_mut(place)
        {
            *busy = busy.saturating_sub(point.concurrency_max);
            *us = us.saturating_sub(point.duration_us);
        }
    }
    let points: Vec<(u32, u64)> = points.into_iter().map(|(_, busy, us)| (busy, us)).collect();
    super::reading::unshown(&points).0
}

/// A scope narrower than everything.
struct Scope<'a> {
    roster: &'a Roster,
    looked: &'a Unlooked,
    open: &'a Unlooked,
    everything: &'a Unlooked,
}

impl Scope<'_> {
    /// The share of a rest: what those of the scope do as a rule that were not looked at, and less where everybody does
    /// less; at most all of it, by the dearest of them.
    fn share(&self, rest: &Rest, counts_invocations: bool) -> UsdRange {
        let Some(dearest) = self.open.dearest(rest.until) else { return UsdRange::ZERO };
        let us = i128::from(rest.point.duration_us);
        let usual = self.looked.usual(rest.until).over(rest.minutes());
        let all = self.everything.usual(rest.until).over(rest.minutes()).us;
        // The part of the rest that is the scope's, as a fraction.
        let (part, of) = (usual.us, all.max(us).max(1));
        let requests = i128::from(rest.point.invocations);
        let causes = Causes::of(Cause::RegionMix);
        // Where every other function was looked at, all of it is the scope's.
        let is_all = self.looked.is_all_of(self.everything, rest.until);
        let (part, of) = if is_all { (1, 1) } else { (part, of) };
        if counts_invocations {
            let expected = whole(requests).mul_div_up(part, of);
            return UsdRange::new(Usd::ZERO, expected, whole(requests), causes);
        }
        let each = self.roster.per_invocation;
        let compute = usual.price_of(Usd::from_picos(us).mul_div_up(part, of).picos()).unwrap_or_default();
        let expected =
            if is_all { rest.expected } else { compute + (each.expected * requests).mul_div_up(part, of) };
        let unit = self.roster.members.get(dearest).map(|member| &member.unit);
        let compute = unit.map_or(Usd::ZERO, |unit| unit.compute(0, rest.point.duration_us));
        UsdRange::new(Usd::ZERO, expected, compute + each.high * requests, causes)
    }
}
