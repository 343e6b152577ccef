//! The spend that no function explains: its possible sources, and the part of it counted as a narrower budget's share.

use crate::ledger::entry::whole;
use crate::ledger::unlooked::{Looked, NEVER, Narrow, Unlooked, Unlooks, Usual};
use crate::ledger::{BudgetLedger, RegionLedger, Rest};
use crate::money::{Cause, Causes, Usd, UsdRange};
use crate::observation::{Observation, Point};
use crate::roster::Roster;
use crate::starts::{of_environments, of_rest, of_rise};
use crate::state::State;
use crate::time::Minute;

/// Minutes after which the unexplained spend changes no more: the longest time-out.
const REST_OPEN_MIN: i64 = 15;

/// Microseconds of a second.
const US_PER_S: i128 = 1_000_000;

/// The spend that no function explains, as far back as a look reaches.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rests {
    /// Over consecutive minutes, ascending.
    pub(crate) rests: Vec<Rest>,
    /// The functions that were not looked at.
    pub(crate) looked: Unlooks,
    /// For each function of the roster.
    pub(crate) rows: Vec<Looked>,
    /// Busy time of the latest minutes that concurrency shows and durations do not yet, without the functions in focus,
    /// in microseconds: long invocations report their duration only when they end.
    pub(crate) running_us: u64,
    /// The part of it that may be starts of environments, which never appear in a duration.
    pub(crate) starting_us: u64,
    /// Per rule, the cost that starts of environments can have had in those of its minutes that may still change.
    pub(crate) starts: Vec<Usd>,
    /// Per rule, the part of it that counts as the share of a scope narrower than everything.
    pub(crate) shares: Vec<Vec<UsdRange>>,
}

/// What was looked at of each function of the roster, and the minute up to which it was looked at in full: a glance does
/// not show starts.
pub(super) fn looks(roster: &Roster, state: &State, settled: Minute) -> (Vec<Looked>, Vec<Minute>) {
    let lag = i64::from(roster.policy.timing.metric_lag_s.div_ceil(60));
    let mut ledgers = state.functions.iter().peekable();
    let mut rows = Vec::with_capacity(roster.members.len());
    let mut full = Vec::with_capacity(roster.members.len());
    for (function, member) in roster.inventory.functions.iter().zip(&roster.members) {
        while ledgers.next_if(|ledger| ledger.name < function.name).is_some() {}
        let ledger = ledgers.next_if(|ledger| ledger.name == function.name);
        let until = ledger.and_then(crate::ledger::FunctionLedger::looked_until);
        let burn = ledger.map_or(Usd::ZERO, |ledger| ledger.burn);
        let covered = ledger.and_then(|ledger| ledger.covered).map(|(_, until)| until);
        full.push(covered.unwrap_or(NEVER));
        rows.push(Looked {
            until: until.map_or(NEVER, |until| until.min(settled)),
            // A long invocation reports its duration when it ends, in the minute in which it began.
            closed: until.map_or(NEVER, |until| until.plus(lag - member.window_min)),
            usual: Usual::of(member.per_busy_second, burn),
        });
    }
    (rows, full)
}

impl Rests {
    pub(super) fn new(
        roster: &Roster,
        books: &mut [BudgetLedger],
        region: &mut RegionLedger,
        (looked, rows, full): (Unlooks, Vec<Looked>, &[Minute]),
        seen: &Observation,
        settled: Minute,
    ) -> Self {
        let rests = region.rests(settled);
        let passed = region.passed(settled);
        let mut shares = vec![Vec::new(); roster.rules.len()];
        let starts = starts(roster, books, region, full, seen, settled);
        let books = roster.rules.iter().zip(books).zip(&looked.narrow).zip(&mut shares);
        for (((rule, book), narrow), shares) in books {
            book.forget_share();
            let Some(narrow) = narrow else { continue };
            let scope = Scope { roster, narrow, everything: &looked.everything };
            book.pass(&passed, |rest| scope.share(rest, rule.counts_invocations()));
            for rest in &rests {
                let share = scope.share(rest, rule.counts_invocations());
                if share != UsdRange::ZERO {
                    book.share_in(rest.since, rest.until, share);
                }
                shares.push(share);
            }
        }
        let (running_us, starting_us) = running_us(roster, seen, settled);
        Rests { rests, looked, rows, starts, shares, running_us, starting_us }
    }

    /// The part of a rest beyond the usual activity of the functions that may have spent it, in microseconds.
    pub(crate) fn beyond_usual(rest: &Rest, usual: Usual) -> i128 {
        (i128::from(rest.point.duration_us) - usual.over(rest.minutes()).us).max(0)
    }
}

/// Counts, once, the possible cost of starts in minutes that change no more; returns that of later minutes, per rule.
fn starts(
    roster: &Roster,
    books: &mut [BudgetLedger],
    region: &mut RegionLedger,
    full: &[Minute],
    seen: &Observation,
    settled: Minute,
) -> Vec<Usd> {
    let known = region.seen_until.map_or(settled, |until| until.min(settled));
    let last = known.plus(-REST_OPEN_MIN);
    let mut open = vec![Usd::ZERO; roster.rules.len()];
    let busy = &seen.region.minutes;
    let minutes = region.of_minutes().filter(|(minute, posted)| {
        posted.point.invocations > 0 && (*minute > last || *minute > region.starts_until)
    });
    for (minute, posted) in minutes {
        let busy_in = |minute: Minute| {
            let place = busy.binary_search_by_key(&minute, |(other, _)| *other).ok();
            place.and_then(|place| busy.get(place)).map_or(0, |(_, point)| point.concurrency_max)
        };
        let (invocations, now) = (posted.point.invocations, busy_in(*minute));
        let [most, likely] = [of_rest(invocations, now), of_rise(invocations, busy_in(minute.plus(-1)), now)];
        let books = roster.rules.iter().zip(books.iter_mut()).zip(&mut open).zip(&roster.covered);
        for (((rule, book), open), places) in books {
            if rule.counts_invocations() || !book.is_within(*minute) {
                continue;
            }
            let is_unknown = |place: &&usize| full.get(**place).is_some_and(|until| until < minute);
            // If every function was looked at, the rest is late data, or belongs to a function missing from the
            // inventory.
            let late = places.first().filter(|_| rule.matcher.is_everything());
            let dearest = places.iter().find(is_unknown).or(late);
            let member = dearest.and_then(|place| roster.members.get(*place));
            let us = if rule.guarantee { most } else { likely };
            let cost = member.map_or(Usd::ZERO, |member| member.per_busy_second.mul_div_up(us, US_PER_S));
            if *minute > last {
                *open += cost;
            } else {
                book.starts += cost;
            }
        }
    }
    region.starts_until = region.starts_until.max(last);
    open
}

/// See [`Rests::running_us`] and [`Rests::starting_us`].
fn running_us(roster: &Roster, seen: &Observation, settled: Minute) -> (u64, u64) {
    let oldest = Minute::of(seen.at).plus(-roster.reread_min());
    let recent = |minute: Minute| minute >= oldest && minute <= settled;
    let mut points: Vec<(Minute, Point)> =
        seen.region.minutes.iter().filter(|(minute, _)| recent(*minute)).copied().collect();
    for (_, series) in &seen.functions {
        // Both ascend.
        let mut points = points.iter_mut().peekable();
        for (minute, point) in &series.minutes {
            while points.next_if(|(other, _)| other < minute).is_some() {}
            if let Some((_, of)) = points.next_if(|(other, _)| other == minute) {
                of.concurrency_max = of.concurrency_max.saturating_sub(point.concurrency_max);
                of.duration_us = of.duration_us.saturating_sub(point.duration_us);
                of.invocations = of.invocations.saturating_sub(point.invocations);
            }
        }
    }
    let busy: Vec<(u32, u64)> =
        points.iter().map(|(_, point)| (point.concurrency_max, point.duration_us)).collect();
    let shown = busy.iter().fold(0_u64, |sum, (_, us)| sum.saturating_add(*us));
    let explained = super::reading::busiest(shown, busy.len()) / 1000;
    let started = points.iter().map(|(_, point)| {
        of_environments(u64::from(point.concurrency_max).saturating_sub(explained).min(point.invocations))
    });
    (super::reading::unshown(&busy).0, u64::try_from(started.sum::<i128>()).unwrap_or(u64::MAX))
}

/// A scope narrower than everything.
struct Scope<'a> {
    roster: &'a Roster,
    narrow: &'a Narrow,
    everything: &'a Unlooked,
}

impl Scope<'_> {
    /// The scope's share of a rest: the usual activity of its functions that were not looked at, scaled down if all
    /// functions do less. At most it is the whole rest, at the price of the dearest of them.
    fn share(&self, rest: &Rest, counts_invocations: bool) -> UsdRange {
        let Some(dearest) = self.narrow.open.at(rest.until) else { return UsdRange::ZERO };
        let us = i128::from(rest.point.duration_us);
        let usual = self.narrow.looked.usual(rest.until).over(rest.minutes());
        let all = self.everything.usual(rest.until).over(rest.minutes()).us;
        // The scope's part of the rest, as a fraction.
        let (part, of) = (usual.us, all.max(us).max(1));
        let requests = i128::from(rest.point.invocations);
        let causes = Causes::of(Cause::RegionMix);
        // If every other function was looked at, all of it is the scope's.
        let is_all = self.narrow.looked.is_all_of(self.everything, rest.until);
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
