//! Posting: what a look has shown goes into the books, once.
//! One file because a look is posted in one pass, each step of which builds on the one before.

use std::collections::VecDeque;

use chrono::{Datelike, Duration};

use super::book::{BudgetLedger, Entry};
use super::entry::{
    attempts_per_mille, committed, counted, exchange_posted, forget, in_flight, may_retry, money, per_mille,
    repeated_cost, slot_of,
};
use super::region::Attributed;
use super::{FunctionLedger, Meters, Posted};
use crate::amplification;
use crate::budget::BudgetRule;
use crate::cost::tier_at;
use crate::inventory::{Architecture, Function};
use crate::money::{Usd, UsdRange};
use crate::name::FunctionName;
use crate::observation::{Census, CensusSlice, Freshness, Observation, Point, Series};
use crate::roster::{Member, Roster};
use crate::state::{CensusRound, CensusState, State};
use crate::time::{Hour, Minute};

/// Minutes over which the burn of the moment is taken.
pub const BURN_MINUTES: i64 = 5;
/// Hour totals kept per function: hours seen in part wait for the census of the day, and a census may fail once.
const HOURS_KEPT: usize = 50;
/// Minutes for which a function that exists no more is remembered: longer than any minute can come again (the
/// longest time-out, 15 min, and the longest lag, 15 min), because it may be created anew.
const STRANGER_MIN: i64 = 60;

/// What a look has shown, worked out for the decision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The minute in which the look was made.
    pub now: Minute,
    /// The newest minute that is taken as settled.
    pub settled: Minute,
    /// Budgets whose period has ended since the last look, as indices into the roster's rules.
    pub rolled: Vec<usize>,
    /// Per budget of the roster: work in flight that no metric shows yet, and retries certain to run.
    pub hidden: Vec<Hidden>,
    /// The functions looked at, in the roster's order.
    pub functions: Vec<FunctionReading>,
    /// How far the region's totals can be trusted.
    pub region: Freshness,
}

/// Spend of a budget that no metric shows yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Long invocations still running.
    pub in_flight: UsdRange,
    /// What they burn, per hour.
    pub running_per_hour: Usd,
    /// Retries certain to run.
    pub committed: UsdRange,
}

/// One function at this look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionReading {
    /// Its place in the roster.
    pub index: usize,
    /// Dollars per hour over the last settled minutes.
    pub burn_per_hour: Usd,
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

/// Posts an observation to the books of the state, and reads off what the decision needs.
///
/// Seeing the same minute again changes nothing; seeing it with other numbers posts the difference.
pub fn post(roster: &Roster, state: &mut State, seen: &Observation) -> Reading {
    let now = Minute::of(seen.at);
    let lag = Duration::seconds(i64::from(roster.policy.timing.metric_lag_s));
    let settled = Minute::of(seen.at - lag).plus(-1);
    let (mut books, rolled) = open_books(roster, state, seen);
    state.meters.turn_month(seen);
    let mut poster = Poster {
        roster,
        books: &mut books,
        meters: &mut state.meters,
        now,
        settled,
        from: seen.from,
        attributed: std::mem::take(&mut state.region.attributed),
        batch: Batch { points: VecDeque::new(), entries: vec![VecDeque::new(); roster.rules.len()] },
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
    let mut ledgers = state.functions.iter_mut();
    let mut members = roster.inventory.functions.iter().zip(&roster.members).enumerate().peekable();
    for (name, series) in &seen.functions {
        let Some(ledger) = ledgers.find(|ledger| ledger.name == *name) else { break };
        while members.next_if(|(_, (function, _))| function.name < *name).is_some() {}
        if let Some((index, (function, member))) =
            members.next_if(|(_, (function, _))| function.name == *name)
        {
            let subject = Subject { index, function, member };
            functions.push(poster.function(ledger, series, &subject));
        }
    }
    poster.file();
    let mix = poster.mix;
    let hidden = std::mem::take(&mut poster.hidden);
    let attributed = std::mem::take(&mut poster.attributed);
    state.region.mix_us += mix.0;
    state.region.mix_mb_us += mix.1;
    state.region.attributed = attributed;
    let whole = advance(&mut state.census, seen.census.as_ref());
    state.region.post(roster, &mut books, seen, settled, whole);
    super::standing::post(roster, &mut books, state.standing_until, settled);
    super::standing::credit(roster, &mut books, &state.meters);
    state.standing_until = state.standing_until.max(Some(settled));
    for (rule, mut book) in roster.rules.iter().zip(books) {
        // History that has come in part would make everything else look out of the ordinary.
        if !state.census.is_first_under_way() {
            book.close_hours(now, rule.matcher.is_everything());
        }
        state.budgets.insert(rule.name.clone(), book);
    }
    drop_strangers(roster, state, now);
    Reading { now, settled, rolled, hidden, functions, region: seen.region.freshness }
}

/// Takes the books out of the state in the order of the rules, opened for the period that contains the look.
fn open_books(roster: &Roster, state: &mut State, seen: &Observation) -> (Vec<BudgetLedger>, Vec<usize>) {
    let mut rolled = Vec::new();
    let mut old = std::mem::take(&mut state.budgets);
    let books = roster
        .rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            let (start, end) = rule.period_at(roster.timezone, seen.at);
            match old.remove(&rule.name) {
                Some(mut book) => {
                    if seen.at >= book.period_end {
                        book.roll(start, end);
                        rolled.push(index);
                    }
                    book
                }
                None => BudgetLedger::new(start, end),
            }
        })
        .collect();
    (books, rolled)
}

/// Takes the census on. Of a round at whose end everybody was heard, its last slice.
fn advance<'a>(state: &mut CensusState, census: Option<&'a Census>) -> Option<&'a Census> {
    let census = census?;
    let is_answered = census.functions.len() == census.asked.functions.len();
    let has_holes = !is_answered || state.round.as_ref().is_some_and(|round| round.has_holes);
    if census.asked.ends_round {
        state.round = None;
        state.through = state.through.max(Some(census.asked.last));
        return (!has_holes).then_some(census);
    }
    let after = census.asked.functions.last()?.clone();
    state.round = Some(CensusRound { last: census.asked.last, after, has_holes });
    None
}

/// Makes sure that every function looked at has a ledger, keeping the order by name.
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

/// Forgets functions that exist no more, once nothing of theirs can change.
fn drop_strangers(roster: &Roster, state: &mut State, now: Minute) {
    if state.functions.len() > roster.inventory.functions.len() {
        let exists = |ledger: &FunctionLedger| roster.inventory.function(&ledger.name).is_some();
        let oldest = now.plus(-STRANGER_MIN);
        let recent = |ledger: &FunctionLedger| ledger.minutes.back().is_some_and(|(last, _)| *last >= oldest);
        state.functions.retain(|ledger| recent(ledger) || exists(ledger));
    }
}

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

/// What the functions of a look post, added up by minute: thousands post the same few minutes to the same books.
struct Batch {
    /// What is exchanged, from and to, by all functions together.
    points: VecDeque<(Minute, (Point, Point))>,
    /// By budget, in the roster's order.
    entries: Vec<VecDeque<(Minute, Entry)>>,
}

impl Poster<'_> {
    /// Files what was added up.
    fn file(&mut self) {
        for (minute, (from, to)) in &self.batch.points {
            self.attributed.add_minute(*minute, from, to);
        }
        for (book, entries) in self.books.iter_mut().zip(&self.batch.entries) {
            for (minute, entry) in entries {
                book.post(*minute, entry);
            }
        }
    }

    fn function(
        &mut self,
        ledger: &mut FunctionLedger,
        series: &Series,
        subject: &Subject<'_>,
    ) -> FunctionReading {
        self.minutes(ledger, series, subject);
        self.cover(ledger, series.freshness, subject);
        self.settle_hours(ledger, subject);
        let oldest = self.oldest(ledger, subject);
        forget(&mut ledger.minutes, oldest);
        self.hide(ledger, subject);
        self.read(ledger, series.freshness, subject)
    }

    /// Posts the minutes that differ from what is remembered: mostly the newest alone.
    fn minutes(&mut self, ledger: &mut FunctionLedger, series: &Series, subject: &Subject<'_>) {
        // What was forgotten would be posted twice.
        let settled = ledger.settled_through.map(|hour| hour.plus(1).first_minute());
        let open = settled.max(Some(self.oldest(ledger, subject)));
        let first = series.minutes.iter().take_while(|(minute, _)| Some(*minute) < open).count();
        let open = series.minutes.get(first..).unwrap_or_default();
        let Some((minute, _)) = open.first() else { return };
        let mut place = ledger.minutes.iter().take_while(|(other, _)| other < minute).count();
        let remembered = ledger.minutes.range(place..);
        let same = remembered.zip(open).take_while(|(a, b)| a.0 == b.0 && a.1.point == b.1).count();
        place += same;
        for index in first + same..series.minutes.len() {
            self.minute(ledger, series, index, &mut place, subject);
        }
    }

    /// Posts one minute. `place` walks along the remembered minutes, which ascend as those of the series do.
    fn minute(
        &mut self,
        ledger: &mut FunctionLedger,
        series: &Series,
        index: usize,
        place: &mut usize,
        subject: &Subject<'_>,
    ) {
        let Some((minute, point)) = series.minutes.get(index) else { return };
        while ledger.minutes.get(*place).is_some_and(|(other, _)| other < minute) {
            *place += 1;
        }
        if ledger.minutes.get(*place).is_none_or(|(other, _)| other != minute) {
            ledger.minutes.insert(*place, (*minute, Posted::default()));
        }
        let Some((_, slot)) = ledger.minutes.get_mut(*place) else { return };
        if slot.point == *point {
            return;
        }
        let earlier = series.minutes.get(index.saturating_sub(1)).filter(|(at, _)| at.since(*minute) == -1);
        let before = earlier.map_or(0, |(_, point)| point.concurrency_max);
        // Nothing of earlier minutes comes back to a function that only its callers repeat.
        let first = if may_retry(subject.function) { 0 } else { index };
        let window = series.minutes.get(first..=index).unwrap_or_default();
        let repeated = amplification::observed_since(subject.function, window, *minute).repeated_invocations;
        let posted = self.priced(point, (before, 60), repeated, subject);
        let replaced = std::mem::replace(slot, posted);
        self.meter(&replaced.point, point, subject.function);
        let (from, to) = slot_of(&mut self.batch.points, *minute);
        *from = from.plus(replaced.point);
        *to = to.plus(*point);
        if point.invocations > 0 {
            ledger.last_invoked = ledger.last_invoked.max(Some(*minute));
        }
        let money = money(&replaced, &posted);
        exchange_posted(slot_of(&mut ledger.hours, minute.hour()), &replaced, &posted, &money);
        for index in &subject.member.budgets {
            if let Some(entries) = self.batch.entries.get_mut(*index) {
                *slot_of(entries, *minute) += entry(self.roster, *index, &replaced, &posted, &money);
            }
        }
    }

    /// The oldest minute that is remembered and can still change.
    fn oldest(&self, ledger: &FunctionLedger, subject: &Subject<'_>) -> Minute {
        ledger.open_from(self.now, subject.member.window_min)
    }

    /// Takes in the hours of a census, those without a point included.
    fn census(
        &mut self,
        ledger: &mut FunctionLedger,
        asked: &CensusSlice,
        hours: &[(Hour, Point)],
        subject: &Subject<'_>,
    ) {
        let first = ledger.settled_through.map_or(asked.first, |settled| asked.first.max(settled.plus(1)));
        let last = asked.last.min(self.now.plus(-subject.member.window_min).hour().plus(-1));
        let mut points = hours.iter().peekable();
        for number in first.0..=last.0 {
            let hour = Hour(number);
            while points.peek().is_some_and(|(other, _)| *other < hour) {
                points.next();
            }
            let point = points.peek().filter(|(other, _)| *other == hour).map(|(_, point)| *point);
            self.census_hour(ledger, hour, &point.unwrap_or_default(), subject);
        }
        if first <= last {
            ledger.profile.refresh();
        }
    }

    /// A census knows an hour in full: the difference to what its minutes have shown is posted.
    fn census_hour(&mut self, ledger: &mut FunctionLedger, hour: Hour, point: &Point, subject: &Subject<'_>) {
        let hour_alone = [(hour.first_minute(), *point)];
        let repeated = amplification::observed(subject.function, &hour_alone).repeated_invocations;
        let posted = self.priced(point, (0, 3600), repeated, subject);
        let replaced = ledger
            .hours
            .iter()
            .find(|(other, _)| *other == hour)
            .map_or_else(Posted::default, |(_, posted)| *posted);
        self.meter(&replaced.point, point, subject.function);
        self.attributed.add_hour(hour, &replaced.point, point);
        if point.invocations > 0 {
            ledger.last_invoked = ledger.last_invoked.max(Some(hour.first_minute()));
        }
        let money = money(&replaced, &posted);
        for index in &subject.member.budgets {
            let entry = entry(self.roster, *index, &replaced, &posted, &money);
            if let Some(book) = self.books.get_mut(*index) {
                book.post(hour, &entry);
            }
        }
        close(ledger, hour, &posted);
        forget(&mut ledger.hours, hour.plus(1));
    }

    /// Remembers from where to where every minute was looked at.
    fn cover(&self, ledger: &mut FunctionLedger, freshness: Freshness, subject: &Subject<'_>) {
        if !freshness.is_trustworthy() {
            return;
        }
        // What was asked for and not posted was not looked at.
        let first = self.from.max(self.oldest(ledger, subject));
        let from = match ledger.covered {
            Some((from, until)) if first <= until.plus(1) => from,
            _ => first,
        };
        ledger.covered = Some((from, self.settled));
    }

    /// Hours of which every minute was looked at, and none can change any more, go to the profile. After a gap they
    /// wait for the census, which would take the hours of the gap for settled.
    fn settle_hours(&self, ledger: &mut FunctionLedger, subject: &Subject<'_>) {
        let Some((from, until)) = ledger.covered else { return };
        let last = until.plus(-subject.member.window_min - 59).hour();
        let whole = from.plus(59).hour();
        let first = ledger.settled_through.map_or(whole, |hour| hour.plus(1));
        let last = if first < whole { first.plus(-1) } else { last };
        for number in first.0..=last.0 {
            let hour = Hour(number);
            let total = ledger.hours.iter().find(|(other, _)| *other == hour).map(|(_, posted)| *posted);
            let total = total.unwrap_or_default();
            close(ledger, hour, &total);
            ledger.profile.refresh();
        }
        if let Some(settled) = ledger.settled_through {
            forget(&mut ledger.hours, settled.plus(1));
        }
        while ledger.hours.len() > HOURS_KEPT {
            ledger.hours.pop_front();
        }
    }

    /// The cost of a point that spans so many seconds, at the volume tier the month has reached.
    fn priced(
        &self,
        point: &Point,
        (before, span_s): (u32, u64),
        repeated: [u64; 3],
        subject: &Subject<'_>,
    ) -> Posted {
        let quote = self.roster.quote(subject.function.architecture);
        let tier = tier_at(self.meters.of(subject.function.architecture), quote);
        let unit = &subject.member.unit;
        let cost = unit.of_point_over(point, before, tier, span_s);
        let dearest = unit.per_busy_second() * i128::from(subject.function.timeout_s) + unit.per_request;
        Posted { point: *point, cost, repeated: repeated_cost(cost, point.invocations, repeated, dearest) }
    }

    fn meter(&mut self, from: &Point, to: &Point, function: &Function) {
        let change = i128::from(to.duration_us) - i128::from(from.duration_us);
        let mb_us = change * i128::from(function.memory_mb);
        *self.meters.of_mut(function.architecture) += mb_us;
        // The free tier leaves functions with provisioned concurrency out.
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

    /// What long invocations burn that durations do not show yet, per hour, over the newest settled minutes. A run of
    /// a quarter of an hour sends its duration when it is over; until then only concurrency tells.
    fn running_per_hour(&self, ledger: &FunctionLedger, subject: &Subject<'_>) -> Usd {
        if subject.function.timeout_s <= self.roster.policy.timing.metric_lag_s {
            return Usd::ZERO;
        }
        let newest = self.settled.plus(1 - BURN_MINUTES)..=self.settled;
        let points = ledger.minutes.iter().filter(|(minute, _)| newest.contains(minute));
        let running = in_flight(&subject.member.unit, points.map(|(_, posted)| &posted.point));
        running.expected.mul_div_up(60, i128::from(BURN_MINUTES))
    }

    /// Adds to the budgets what runs unseen in long invocations, and the retries certain to run.
    fn hide(&mut self, ledger: &FunctionLedger, subject: &Subject<'_>) {
        let window = self.now.plus(-subject.member.window_min);
        let recent = || ledger.minutes.iter().filter(|(minute, _)| *minute >= window);
        let in_flight = if subject.function.timeout_s > self.roster.policy.timing.metric_lag_s {
            in_flight(&subject.member.unit, recent().map(|(_, posted)| &posted.point))
        } else {
            UsdRange::ZERO
        };
        let committed = if may_retry(subject.function) {
            committed(ledger, self.now, subject.function)
        } else {
            Default::default()
        };
        if in_flight == UsdRange::ZERO && committed == Default::default() {
            return;
        }
        for index in &subject.member.budgets {
            let Some(rule) = self.roster.rules.get(*index) else { continue };
            let Some(hidden) = self.hidden.get_mut(*index) else { continue };
            if rule.counts_invocations() {
                hidden.committed += committed.1;
            } else {
                hidden.in_flight += in_flight;
                hidden.committed += committed.0;
            }
        }
    }

    fn read(
        &mut self,
        ledger: &FunctionLedger,
        freshness: Freshness,
        subject: &Subject<'_>,
    ) -> FunctionReading {
        let first = self.settled.plus(1 - BURN_MINUTES);
        let (mut cost, mut repeated) = (Usd::ZERO, Usd::ZERO);
        let (mut invocations, mut errors, mut throttles) = (0_u64, 0_u64, 0_u64);
        let mut newest = 0;
        for (minute, posted) in ledger.minutes.iter().rev().take_while(|(minute, _)| *minute >= first) {
            newest = newest.max(posted.point.concurrency_max);
            if *minute <= self.settled {
                cost += posted.cost.expected;
                repeated += posted.repeated.expected;
                invocations = invocations.saturating_add(posted.point.invocations);
                errors = errors.saturating_add(posted.point.errors);
                throttles = throttles.saturating_add(posted.point.throttles);
            }
        }
        let running_per_hour = self.running_per_hour(ledger, subject);
        let burn_per_hour = cost.mul_div_up(60, i128::from(BURN_MINUTES)) + running_per_hour;
        for index in &subject.member.budgets {
            if let Some(hidden) = self.hidden.get_mut(*index)
                && self.roster.rules.get(*index).is_some_and(|rule| !rule.counts_invocations())
            {
                hidden.running_per_hour += running_per_hour;
            }
        }
        let expectation = ledger.profile.expect(self.now.hour());
        let excess_per_hour = match expectation {
            Some(ordinary) if burn_per_hour <= ordinary.upper => Usd::ZERO,
            Some(ordinary) => burn_per_hour - ordinary.expected,
            None => burn_per_hour,
        };
        FunctionReading {
            index: subject.index,
            burn_per_hour,
            ordinary_per_hour: expectation.map(|ordinary| ordinary.expected),
            is_new: ledger.profile.is_new(),
            excess_per_hour,
            attempts_per_mille: attempts_per_mille(cost, cost - repeated),
            failure_per_mille: per_mille(errors, invocations),
            throttles,
            concurrency_max: newest,
            concurrency_p99: ledger.profile.concurrency_p99(),
            freshness,
        }
    }
}

/// What a budget posts for an exchange: the money, or the invocations.
fn entry(roster: &Roster, budget: usize, from: &Posted, to: &Posted, money: &Entry) -> Entry {
    let counts = roster.rules.get(budget).is_some_and(BudgetRule::counts_invocations);
    if counts { counted(from, to) } else { *money }
}

/// Moves an hour that changes no more into the profile, unless it explained a breach.
fn close(ledger: &mut FunctionLedger, hour: Hour, total: &Posted) {
    if ledger.tainted.remove(&hour) {
        ledger.profile.skip(hour);
    } else {
        ledger.profile.record(hour, total.cost.expected, total.point.concurrency_max);
    }
    ledger.settled_through = Some(hour);
}

impl Meters {
    /// GB-seconds of the month so far, in MB·µs.
    pub fn of(&self, architecture: Architecture) -> i128 {
        match architecture {
            Architecture::X86_64 => self.x86_64_mb_us,
            Architecture::Arm64 => self.arm64_mb_us,
        }
    }

    fn of_mut(&mut self, architecture: Architecture) -> &mut i128 {
        match architecture {
            Architecture::X86_64 => &mut self.x86_64_mb_us,
            Architecture::Arm64 => &mut self.arm64_mb_us,
        }
    }

    fn turn_month(&mut self, seen: &Observation) {
        let month = seen.at.year() * 12 + i32::try_from(seen.at.month0()).unwrap_or(0);
        if self.month != month {
            *self = Meters { month, ..Meters::default() };
        }
    }
}
