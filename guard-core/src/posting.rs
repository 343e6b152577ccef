//! Posting: the results of a look are entered into the books, once.

mod batch;
mod books;
mod census;
mod glance;
mod known;
mod minutes;
mod reading;
mod rest;

use crate::budget::BudgetRule;
use crate::cost::tier_at;
use crate::inventory::{Architecture, Function};
use crate::ledger::entry::counted;
use crate::ledger::rows::forget;
use crate::ledger::standing;
use crate::ledger::unlooked::Unlooks;
use crate::ledger::{Attributed, BURN_MINUTES, BudgetLedger, Entry, FunctionLedger, Meters, Posted, Rates};
use crate::money::{Cause, Causes, Usd, UsdRange};
use crate::name::FunctionName;
use crate::observation::{Freshness, Observation, Point, Series};
use crate::roster::{Member, Roster};
use crate::state::State;
use crate::time::{Hour, Minute};

use self::batch::Batch;

pub use books::{BookChange, BookNews};
pub use glance::Glance;
pub(crate) use rest::Rests;

/// Minutes for which a deleted function is remembered: longer than any minute can be reported again (the longest
/// time-out, 15 min, and the longest lag, 15 min), because it may be created anew.
const STRANGER_MIN: i64 = 60;

/// Minutes without any point after which the region's totals are late. The guard is invoked at every tick, and metrics show
/// that within some minutes.
const SILENT_MIN: i64 = 15;

/// The results of a look, worked out for the decision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The minute in which the look was made.
    pub now: Minute,
    /// The newest minute that is taken as settled.
    pub settled: Minute,
    /// Budgets whose period has ended since the last look, as indices into the roster's rules.
    pub rolled: Vec<usize>,
    /// Budgets whose meaning has changed since the last look, and budgets added or removed since.
    pub changes: Vec<BookChange>,
    /// Per budget of the roster: work in flight that no metric shows yet, and retries certain to run.
    pub hidden: Vec<Hidden>,
    /// The functions looked at, in the roster's order.
    pub functions: Vec<FunctionReading>,
    /// The functions glanced at, likewise.
    pub glances: Vec<Glance>,
    /// The spend that no function explains, and its possible sources.
    pub(crate) rests: Rests,
    /// How far the region's totals can be trusted.
    pub region: Freshness,
}

/// Spend of a budget that no metric shows yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Long invocations still running.
    pub in_flight: UsdRange,
    /// The cost of those invocations, per hour.
    pub running_per_hour: Usd,
    /// The possible cost of starts of environments beyond the amount already in the books.
    pub starting: Usd,
    /// Retries certain to run.
    pub committed: UsdRange,
    /// The hourly cost that further retries add once their number matches the attempts that fail now.
    pub retries_per_hour: Usd,
}

/// One function at this look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionReading {
    /// Its index in the roster.
    pub index: usize,
    /// Dollars per hour over the last settled minutes.
    pub burn_per_hour: Usd,
    /// Invocations per hour over the same minutes, each one whole unit.
    pub invocations_per_hour: Usd,
    /// Dollars per hour expected; `None` without history.
    pub ordinary_per_hour: Option<Usd>,
    /// Whether it was first used less than a day ago.
    pub is_new: bool,
    /// Dollars per hour above the expected, where the burn leaves the band; everything without history.
    pub excess_per_hour: Usd,
    /// Attempts per event in per mille.
    pub attempts_per_mille: u32,
    /// Failed attempts in per mille of attempts.
    pub failure_per_mille: u32,
    /// Throttles in the newest settled minutes.
    pub throttles: u64,
    /// Highest concurrency in the newest minutes.
    pub concurrency_max: u32,
    /// 99th percentile of its hourly concurrency maxima; `None` without history.
    pub concurrency_p99: Option<u32>,
    /// How far the data can be trusted.
    pub freshness: Freshness,
}

/// Posts an observation to the state's books, and derives the inputs of the decision.
///
/// Posting the same minute again changes nothing; with different numbers, the difference is posted.
pub fn post(roster: &Roster, state: &mut State, seen: &Observation) -> Reading {
    let now = Minute::of(seen.at);
    let settled = roster.policy.timing.settled(seen.at);
    let (region, known) = region_known(roster, state, seen, settled);
    let books::Opened { mut books, rolled, changes } = books::open(roster, state, seen);
    state.meters.turn_month(seen);
    let mut poster = Poster {
        roster,
        batch: Batch::new(roster, &books),
        books: &mut books,
        meters: &mut state.meters,
        now,
        settled,
        from: seen.from,
        attributed: std::mem::take(&mut state.region.attributed),
        mix: (0, 0),
        hidden: vec![Hidden::default(); roster.rules.len()],
    };
    if let Some(census) = &seen.census {
        align(&mut state.functions, &census.functions);
        poster.books.iter_mut().for_each(|book| book.reach(now.hour()));
        for (name, hours) in &census.functions {
            let Some(subject) = Subject::of(roster, name) else { continue };
            let place = state.functions.binary_search_by(|ledger| ledger.name.cmp(name));
            if let Some(ledger) = place.ok().and_then(|place| state.functions.get_mut(place)) {
                poster.census(ledger, &census.asked, hours, &subject);
            }
        }
    }
    let mut functions = Vec::with_capacity(seen.functions.len());
    align(&mut state.functions, &seen.functions);
    align(&mut state.functions, &seen.glances);
    let mut ledgers = state.functions.iter_mut();
    let mut members = roster.inventory.functions.iter().zip(&roster.members).enumerate().peekable();
    for (name, series) in &seen.functions {
        let Some(ledger) = ledgers.find(|ledger| ledger.name == *name) else { break };
        while members.next_if(|(_, (function, _))| function.name < *name).is_some() {}
        if let Some((index, (function, member))) =
            members.next_if(|(_, (function, _))| function.name == *name)
        {
            let subject = Subject { index, function, member };
            let is_late = series.freshness == Freshness::Silent && region != seen.region.freshness;
            let freshness = if is_late { region } else { series.freshness };
            functions.push(poster.function(ledger, series, freshness, &subject));
        }
    }
    let glances = poster.glances(&mut state.functions, &seen.glances);
    poster.file();
    let mix = poster.mix;
    let mut hidden = std::mem::take(&mut poster.hidden);
    let attributed = std::mem::take(&mut poster.attributed);
    state.region.mix_us += mix.0;
    state.region.mix_mb_us += mix.1;
    state.region.attributed = attributed;
    let whole = census::advance(&mut state.census, seen.census.as_ref(), now);
    let (rows, full) = rest::looks(roster, state, settled);
    let unlooks = Unlooks::new(roster, &rows);
    let rates = Rates::new(roster, &unlooks, &state.meters);
    state.region.post(rates, &mut books, seen, settled, known, whole);
    let rests = Rests::new(roster, &mut books, &mut state.region, (unlooks, rows, &full), seen, settled);
    for (hidden, starts) in hidden.iter_mut().zip(&rests.starts) {
        hidden.starting += *starts;
    }
    standing::post(roster, &mut books, state.standing_until, settled);
    standing::credit(roster, &mut books, &state.meters);
    state.standing_until = state.standing_until.max(Some(settled));
    if seen.census.as_ref().is_some_and(|census| census.asked.ends_round) {
        books::learn(roster, state, &mut books, seen.at);
    }
    for (rule, mut book) in roster.rules.iter().zip(books) {
        // Partly loaded history would make everything else look unusual.
        if !state.census.is_first_under_way() {
            book.close_hours(now, rule.matcher.is_everything());
            book.close_incident(rule, settled);
        }
        state.budgets.insert(rule.name.clone(), book);
    }
    drop_strangers(roster, state, now);
    Reading { now, settled, rolled, changes, hidden, functions, glances, rests, region }
}

/// How far the region's totals can be trusted, and the newest minute of which they are known. Totals without a point show
/// neither: the guard itself is invoked at every tick, so after a while they are late.
fn region_known(
    roster: &Roster,
    state: &State,
    seen: &Observation,
    settled: Minute,
) -> (Freshness, Option<Minute>) {
    let freshness = seen.region.freshness;
    let earlier =
        state.region.seen_until.filter(|_| freshness == Freshness::Silent && roster.guard.is_some());
    let Some(earlier) = earlier else { return (freshness, freshness.known_until(settled)) };
    let minutes = settled.since(earlier);
    let late = Freshness::Late(u32::try_from(minutes).unwrap_or(0));
    (if minutes > SILENT_MIN { late } else { freshness }, None)
}

/// Ensures that every function looked at has a ledger, keeping the order by name.
fn align<T>(ledgers: &mut Vec<FunctionLedger>, seen: &[(FunctionName, T)]) {
    let mut known = ledgers.iter().map(|ledger| &ledger.name).peekable();
    let missing: Vec<_> = seen
        .iter()
        .filter(|(name, _)| {
            while known.peek().is_some_and(|other| *other < name) {
                known.next();
            }
            known.peek() != Some(&name)
        })
        .map(|(name, _)| FunctionLedger::new(name.clone()))
        .collect();
    if !missing.is_empty() {
        ledgers.extend(missing);
        ledgers.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// Forgets deleted functions once none of their minutes can change.
fn drop_strangers(roster: &Roster, state: &mut State, now: Minute) {
    if state.functions.len() > roster.inventory.functions.len() {
        let exists = |ledger: &FunctionLedger| roster.inventory.function(&ledger.name).is_some();
        let oldest = now.plus(-STRANGER_MIN);
        let recent = |ledger: &FunctionLedger| ledger.minutes.back().is_some_and(|(last, _)| *last >= oldest);
        state.functions.retain(|ledger| recent(ledger) || exists(ledger));
    }
}

/// One function of the roster.
struct Subject<'a> {
    index: usize,
    function: &'a Function,
    member: &'a Member,
}

impl<'a> Subject<'a> {
    fn of(roster: &'a Roster, name: &FunctionName) -> Option<Self> {
        let functions = &roster.inventory.functions;
        let index = functions.binary_search_by(|function| function.name.cmp(name)).ok()?;
        Some(Subject { index, function: functions.get(index)?, member: roster.members.get(index)? })
    }
}

/// A look being entered into the books.
struct Poster<'a> {
    roster: &'a Roster,
    books: &'a mut Vec<BudgetLedger>,
    meters: &'a mut Meters,
    now: Minute,
    settled: Minute,
    from: Minute,
    attributed: Attributed,
    batch: Batch,
    mix: (i128, i128),
    hidden: Vec<Hidden>,
}

impl Poster<'_> {
    /// Posts the glances of a look.
    fn glances(&mut self, ledgers: &mut [FunctionLedger], seen: &[(FunctionName, Series)]) -> Vec<Glance> {
        let mut glances = Vec::with_capacity(seen.len());
        for (name, series) in seen {
            let place = ledgers.binary_search_by(|ledger| ledger.name.cmp(name)).ok();
            let ledger = place.and_then(|place| ledgers.get_mut(place));
            if let (Some(ledger), Some(subject)) = (ledger, Subject::of(self.roster, name)) {
                glances.extend(self.glance(ledger, series, &subject));
            }
        }
        glances
    }

    fn function(
        &mut self,
        ledger: &mut FunctionLedger,
        series: &Series,
        freshness: Freshness,
        subject: &Subject<'_>,
    ) -> FunctionReading {
        self.minutes(ledger, series, subject);
        if let Some(known) = freshness.known_until(self.settled) {
            self.learn_burn(ledger, known, subject);
            self.cover(ledger, known, subject);
        }
        self.settle_hours(ledger, subject);
        self.starts(ledger, subject);
        // The minutes that the burn is read from stay, however late the metrics are.
        let read = self.known(ledger).plus(1 - BURN_MINUTES);
        let oldest = self.oldest(ledger, subject).min(read);
        forget(&mut ledger.minutes, oldest);
        self.hide(ledger, subject);
        self.read(ledger, freshness, subject)
    }

    /// The newest minute of which a function's data is known, or should be if it never was.
    fn known(&self, ledger: &FunctionLedger) -> Minute {
        ledger.looked_until().map_or(self.settled, |until| until.min(self.settled))
    }

    /// The oldest remembered minute that can still change.
    fn oldest(&self, ledger: &FunctionLedger, subject: &Subject<'_>) -> Minute {
        ledger.open_from(self.now, subject.member.window_min)
    }

    /// The cost of a point that spans the given seconds, at the month's volume tier. The start time of environments
    /// beyond the ordinary concurrency, and beyond those that durations explain, is unknown, and an attacker controls
    /// it: the longest is expected.
    fn priced(
        &self,
        point: &Point,
        (before, span_s, ordinary): (u32, u64, Option<u32>),
        repeated: [u64; 3],
        subject: &Subject<'_>,
    ) -> Posted {
        let quote = self.roster.quote(subject.function.architecture);
        let tier = tier_at(self.meters.of(subject.function.architecture), quote);
        let unit = &subject.member.unit;
        let mut starts = Usd::ZERO;
        let mut cost = unit.of_point_over(point, before, tier, span_s);
        if let Some(ordinary) = ordinary.filter(|ordinary| point.concurrency_max > before.max(*ordinary)) {
            let explained = reading::busiest(point.duration_us, 1).div_ceil(1000);
            let explained = u32::try_from(explained).unwrap_or(u32::MAX);
            let beyond = point.concurrency_max.saturating_sub(before.max(ordinary).max(explained));
            cost.expected += unit.longest_starts(point, beyond);
            starts = (cost.expected - cost.high).at_least_zero();
            cost.high += starts;
        }
        let dearest =
            subject.member.per_busy_second * i128::from(subject.function.timeout_s) + unit.per_request;
        let repeated = repeated_cost(cost, point.invocations, repeated, dearest);
        Posted { point: *point, cost, repeated, starts }
    }

    fn meter(&mut self, from: &Point, to: &Point, function: &Function) {
        let change = i128::from(to.duration_us) - i128::from(from.duration_us);
        let mb_us = change * i128::from(function.memory_mb);
        *self.meters.of_mut(function.architecture) += mb_us;
        // The free tier does not cover functions with provisioned concurrency.
        if function.provisioned == 0 {
            self.meters.free.requests += i128::from(to.invocations) - i128::from(from.invocations);
            match function.architecture {
                Architecture::X86_64 => self.meters.free.x86_64_mb_us += mb_us,
                Architecture::Arm64 => self.meters.free.arm64_mb_us += mb_us,
            }
        }
        self.mix.0 += change;
        self.mix.1 += change * i128::from(function.memory_mb);
    }
}

/// Whether Lambda or a queue, and not only its callers, may run an event of the function again.
fn may_retry(function: &Function) -> bool {
    function.asynchronous.is_some() || !function.mappings.is_empty()
}

/// The part of a cost that repeated invocations caused: expected at the mean cost of the point's invocations, and at
/// most at the `dearest` run each, one into the time-out. Failing runs repeat, and may be the long ones.
fn repeated_cost(cost: UsdRange, invocations: u64, repeated: [u64; 3], dearest: Usd) -> UsdRange {
    if invocations == 0 || repeated == [0; 3] {
        return UsdRange::ZERO;
    }
    let part =
        |count: u64| cost.expected.mul_div_up(i128::from(count.min(invocations)), i128::from(invocations));
    let [low, expected, high] = repeated;
    let most = (dearest * i128::from(high)).min(cost.high);
    UsdRange::new(part(low).min(most), part(expected), most, Causes::of(Cause::RepeatedWork))
}

/// A budget's entry for a changed point: the money, or the invocations.
fn entry(roster: &Roster, budget: usize, from: &Posted, to: &Posted, money: &Entry) -> Entry {
    let counts = roster.rules.get(budget).is_some_and(BudgetRule::counts_invocations);
    if counts { counted(from, to) } else { *money }
}

/// Moves an hour that changes no more into the profile.
fn close(ledger: &mut FunctionLedger, hour: Hour, total: &Posted) {
    ledger.profile.record(hour, total.cost.expected, total.point.concurrency_max);
    ledger.settled_through = Some(hour);
}

#[cfg(test)]
mod tests;
