//! The region's spend beyond the functions that were looked at: `_unattributed`, so that parts add up to the whole. It
//! is posted like one more function, and shrinks when functions are looked at later.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::book::{BudgetLedger, Entry, When};
use super::entry::{counted, exchange, exchange_posted, money};
use super::rows::{forget, slot_of};
use super::unlooked::Unlooks;
use super::{CATCH_UP_MIN, Meters, Posted};
use crate::cost::tier_at;
use crate::money::{Cause, Causes, Usd, UsdRange};
use crate::observation::{Census, Observation, Point};
use crate::roster::Roster;
use crate::time::{Hour, Minute};

/// Minutes of region totals that may still change: the longest time-out (15 min), the longest lag allowed (15
/// min), and two to spare.
const WINDOW_MIN: i64 = 32;
/// Hours whose totals a census may still correct: those of a day, of a second one if a round has holes, and of the
/// round itself.
const HOURS_KEPT: i64 = 50;
/// Memory assumed for a region none of whose functions was looked at yet, in MB.
const UNKNOWN_MEMORY_MB: i128 = 512;

/// The functions' postings, added up by minute and by hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributed {
    minutes: VecDeque<(Minute, Point)>,
    hours: VecDeque<(Hour, Point)>,
}

/// The region's totals, of which functions explain a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionLedger {
    /// The functions' postings of the latest minutes and hours.
    pub attributed: Attributed,
    /// The region's totals of the latest hours, added up from its minutes.
    totals: VecDeque<(Hour, Point)>,
    /// The totals of single minutes behind `totals`.
    seen: VecDeque<(Minute, Point)>,
    /// The remainder by minute, as posted.
    minutes: VecDeque<(Minute, Posted)>,
    /// The remainder by hour, as posted.
    hours: VecDeque<(Hour, Posted)>,
    /// Hours up to here were settled by a census.
    settled_through: Option<Hour>,
    /// Posted duration of functions in µs, and the same times memory in MB: their ratio prices the remainder.
    pub mix_us: i128,
    /// See `mix_us`.
    pub mix_mb_us: i128,
    /// The newest minute for which the region's totals are known.
    pub seen_until: Option<Minute>,
    /// The first minute for which the totals were ever requested.
    #[serde(default)]
    watched_from: Option<Minute>,
    /// The minute up to which the starts in unexplained spend are counted.
    #[serde(default)]
    pub(crate) starts_until: Minute,
}

/// Posts a change to the books that cover everything.
type Poster<'a> = dyn FnMut(&Posted, &Posted, When) + 'a;

impl Attributed {
    pub(crate) fn add_minute(&mut self, minute: Minute, from: &Point, to: &Point) {
        exchange(slot_of(&mut self.minutes, minute), from, to);
        exchange(slot_of(&mut self.hours, minute.hour()), from, to);
    }

    pub(crate) fn add_hour(&mut self, hour: Hour, from: &Point, to: &Point) {
        exchange(slot_of(&mut self.hours, hour), from, to);
    }
}

impl RegionLedger {
    /// Posts the part of the region's totals that functions leave. `known` is the newest minute of which they are known;
    /// `whole` is the last slice of a census round in which every function answered.
    pub(crate) fn post(
        &mut self,
        mut unit: Rates<'_>,
        books: &mut [BudgetLedger],
        seen: &Observation,
        settled: Minute,
        known: Option<Minute>,
        whole: Option<&Census>,
    ) {
        let roster = unit.roster;
        unit.mean = self.mean(roster);
        let mut poster = |from: &Posted, to: &Posted, when: When| {
            for (rule, book) in roster.rules.iter().zip(books.iter_mut()) {
                if rule.matcher.is_everything() {
                    let entry = if rule.counts_invocations() { counted(from, to) } else { money(from, to) };
                    book.post(when, &Entry { unattributed: true, ..entry });
                }
            }
        };
        let open_from = self.open_from(settled);
        self.watched_from = self.watched_from.or(Some(seen.from.max(open_from)));
        for (minute, total) in &seen.region.minutes {
            // A forgotten minute would be posted twice.
            let known = self.settled_through.is_some_and(|hour| minute.hour() <= hour);
            if known || *minute < open_from {
                continue;
            }
            let before = std::mem::replace(slot_of(&mut self.seen, *minute), *total);
            exchange(slot_of(&mut self.totals, minute.hour()), &before, total);
            let explained = *slot_of(&mut self.attributed.minutes, *minute);
            let rest = remainder(total, &explained);
            let posted = Posted { point: rest, cost: unit.of(&rest, *minute), ..Posted::default() };
            let replaced = std::mem::replace(slot_of(&mut self.minutes, *minute), posted);
            if replaced != posted {
                let money = money(&replaced, &posted);
                exchange_posted(slot_of(&mut self.hours, minute.hour()), &replaced, &posted, &money);
                poster(&replaced, &posted, (*minute).into());
            }
        }
        self.correct(&unit, open_from, &mut poster);
        if let Some(census) = whole {
            self.settle(&unit, census, &mut poster);
        }
        self.seen_until = self.seen_until.max(known);
        self.forget(settled);
    }

    /// Corrects hours behind the window: a function that was looked at later explains a part of their postings.
    fn correct(&mut self, unit: &Rates<'_>, window: Minute, poster: &mut Poster<'_>) {
        let behind: Vec<(Hour, Point)> =
            self.totals.iter().filter(|(hour, _)| hour.plus(1).first_minute() <= window).copied().collect();
        for (hour, total) in behind {
            self.exchange_hour(unit, hour, &total, window, poster);
        }
        self.correct_part(unit, window, poster);
    }

    /// The same for the hour that the window has partly passed.
    fn correct_part(&mut self, unit: &Rates<'_>, window: Minute, poster: &mut Poster<'_>) {
        let hour = window.hour();
        let Some((_, total)) = self.totals.iter().find(|(other, _)| *other == hour).copied() else { return };
        let is_open = |minute: Minute| minute >= window && minute.hour() == hour;
        let sum = |row: &VecDeque<(Minute, Point)>| {
            let open = row.iter().filter(|(minute, _)| is_open(*minute));
            open.fold(Point::default(), |sum, (_, point)| sum.plus(*point))
        };
        let (seen, explained) = (sum(&self.seen), sum(&self.attributed.minutes));
        let explained = remainder(slot_of(&mut self.attributed.hours, hour), &explained);
        let rest = remainder(&remainder(&total, &seen), &explained);
        let open = self.minutes.iter().filter(|(minute, _)| is_open(*minute));
        let (point, cost) = open.fold((rest, UsdRange::ZERO), |(point, cost), (_, posted)| {
            (point.plus(posted.point), cost + posted.cost)
        });
        let before = *slot_of(&mut self.hours, hour);
        // Without a new explanation its posting stays.
        if before.point != point {
            let cost = cost + unit.of(&rest, window.plus(-1));
            let posted = Posted { point, cost, ..Posted::default() };
            *slot_of(&mut self.hours, hour) = posted;
            poster(&before, &posted, hour.into());
        }
    }

    fn exchange_hour(
        &mut self,
        unit: &Rates<'_>,
        hour: Hour,
        total: &Point,
        window: Minute,
        poster: &mut Poster<'_>,
    ) {
        let rest = remainder(total, slot_of(&mut self.attributed.hours, hour));
        let before = *slot_of(&mut self.hours, hour);
        let last = hour.plus(1).first_minute().plus(-1);
        let cost = if window.since(last) < CATCH_UP_MIN {
            unit.of(&rest, last)
        } else {
            // A look does not reach back that far: later looks say nothing about it, but its known bounds still hold.
            let widest = unit.of(&rest, Minute(i64::MAX));
            UsdRange { high: widest.high.min(before.cost.high.max(widest.expected)), ..widest }
        };
        let posted = Posted { point: rest, cost, ..Posted::default() };
        if before != posted {
            *slot_of(&mut self.hours, hour) = posted;
            poster(&before, &posted, hour.into());
        }
    }

    /// After a census an hour's remainder is what the region's total leaves beyond all functions.
    fn settle(&mut self, unit: &Rates<'_>, census: &Census, poster: &mut Poster<'_>) {
        let last = census.asked.last;
        let open: Vec<(Hour, Point)> =
            self.totals.iter().filter(|(hour, _)| *hour <= last).copied().collect();
        for (hour, shown) in open {
            let told = census.region.iter().find(|(other, _)| *other == hour);
            let total = told.map_or(shown, |(_, point)| *point);
            self.exchange_hour(unit, hour, &total, Minute(i64::MAX), poster);
        }
        self.settled_through = self.settled_through.max(Some(last));
        forget(&mut self.totals, last.plus(1));
        forget(&mut self.hours, last.plus(1));
        forget(&mut self.attributed.hours, last.plus(1));
    }

    /// Whether the whole hour lies within the time for which totals were requested.
    pub(crate) fn watches(&self, hour: Hour) -> bool {
        self.watched_from.is_some_and(|from| from <= hour.first_minute())
    }

    /// The first minute for which the totals were ever requested.
    pub(crate) fn watched_from(&self) -> Option<Minute> {
        self.watched_from
    }

    /// The remainder of an hour as posted, unless a census has settled it.
    pub(crate) fn of_hour(&self, hour: Hour) -> Option<&Posted> {
        self.hours.iter().find(|(other, _)| *other == hour).map(|(_, posted)| posted)
    }

    /// The remainder of the latest minutes as posted.
    pub(crate) fn of_minutes(&self) -> impl Iterator<Item = &(Minute, Posted)> {
        self.minutes.iter()
    }

    /// The first minute that may still be posted: see [`super::FunctionLedger::open_from`].
    pub(crate) fn open_from(&self, settled: Minute) -> Minute {
        let window = settled.plus(-WINDOW_MIN);
        let unseen = self.seen_until.map_or(window, |until| until.plus(1));
        window.min(unseen.max(settled.plus(-CATCH_UP_MIN)))
    }

    fn forget(&mut self, settled: Minute) {
        let oldest = self.open_from(settled);
        forget(&mut self.seen, oldest);
        forget(&mut self.minutes, oldest);
        forget(&mut self.attributed.minutes, oldest);
        let oldest = settled.hour().plus(-HOURS_KEPT);
        forget(&mut self.totals, oldest);
        forget(&mut self.hours, oldest);
        forget(&mut self.attributed.hours, oldest);
    }

    /// The cost of a busy second: the mean of the posted functions or, without postings, of all functions.
    fn mean(&self, roster: &Roster) -> Usd {
        let others = roster.inventory.functions.iter().zip(&roster.members);
        let others = others.filter(|(function, _)| roster.guard.as_ref() != Some(&function.name));
        let prices: Vec<Usd> = others.map(|(_, member)| member.per_busy_second).collect();
        if self.mix_us <= 0 && !prices.is_empty() {
            let count = i128::try_from(prices.len()).unwrap_or(i128::MAX);
            return prices.iter().sum::<Usd>().mul_div_up(1, count);
        }
        let mean = if self.mix_us > 0 { self.mix_mb_us / self.mix_us } else { UNKNOWN_MEMORY_MB };
        let first = roster.quote_x86_64.gb_second.first().map_or(Usd::ZERO, |tier| tier.price);
        first.mul_div_up(mean, 1024)
    }

    /// The spend that no function explains, by runs of minutes: single minutes of the window, and behind it the rest of
    /// each hour that a look partly reaches.
    pub(crate) fn rests(&self, settled: Minute) -> Vec<Rest> {
        let first = self.minutes.front().map_or(settled.plus(1), |(minute, _)| *minute);
        let reach = settled.plus(-CATCH_UP_MIN);
        let mut rests = Vec::with_capacity(WINDOW_ROOM);
        for (hour, posted) in &self.hours {
            let until = hour.plus(1).first_minute().min(first).plus(-1);
            let since = hour.first_minute();
            if until < since.max(reach) {
                continue;
            }
            let mut rest = Rest { since, until, point: posted.point, expected: posted.cost.expected };
            for (_, later) in self.minutes.iter().filter(|(minute, _)| minute.hour() == *hour) {
                rest.point = remainder(&rest.point, &later.point);
                rest.expected = (rest.expected - later.cost.expected).at_least_zero();
            }
            rests.push(rest);
        }
        let single = self.minutes.iter().filter(|(minute, _)| *minute >= reach);
        rests.extend(single.map(|(minute, posted)| Rest {
            since: *minute,
            until: *minute,
            point: posted.point,
            expected: posted.cost.expected,
        }));
        rests
    }
}

impl RegionLedger {
    /// The unexplained spend of whole hours that no look can reach any more, ascending.
    pub(crate) fn passed(&self, settled: Minute) -> Vec<(Hour, Rest)> {
        let reach = settled.plus(-CATCH_UP_MIN);
        let passed = self.hours.iter().map(|(hour, posted)| {
            let until = hour.plus(1).first_minute().plus(-1);
            let rest = Rest {
                since: hour.first_minute(),
                until,
                point: posted.point,
                expected: posted.cost.expected,
            };
            (*hour, rest)
        });
        passed.take_while(|(_, rest)| rest.until < reach).collect()
    }
}

/// The unexplained spend of a run of minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    /// The first minute.
    pub(crate) since: Minute,
    /// The last minute.
    pub(crate) until: Minute,
    /// The totals less what functions explain.
    pub(crate) point: Point,
    /// Its cost as posted.
    pub(crate) expected: Usd,
}

impl Rest {
    /// The number of minutes.
    pub(crate) fn minutes(&self) -> i64 {
        self.until.since(self.since) + 1
    }
}

/// Minutes of the window and hours behind it, roughly.
const WINDOW_ROOM: usize = 48;

/// The possible prices of the region's rest.
pub(crate) struct Rates<'a> {
    roster: &'a Roster,
    /// The functions whose durations of a minute may still rise.
    unlooks: &'a Unlooks,
    /// The month's usage, which decides the volume tier.
    meters: &'a Meters,
    /// The cost of a busy second at the mean of the posted functions.
    mean: Usd,
}

impl<'a> Rates<'a> {
    /// Prices by the functions whose durations may still rise, and by the volume tiers that the month has reached.
    pub(crate) fn new(roster: &'a Roster, unlooks: &'a Unlooks, meters: &'a Meters) -> Self {
        Rates { roster, unlooks, meters, mean: Usd::ZERO }
    }

    /// From the price of the cheapest function that was not looked at to that of the dearest; expected at the price of
    /// those that are usually busy, otherwise at the mean of all postings.
    fn of(&self, rest: &Point, minute: Minute) -> UsdRange {
        if *rest == Point::default() {
            return UsdRange::ZERO;
        }
        let us = i128::from(rest.duration_us);
        let member = |place: Option<usize>| place.and_then(|place| self.roster.members.get(place));
        let by_price = &self.roster.by_price;
        // If every function was looked at, the rest is late data, or belongs to a function missing from the inventory.
        let dearest = self.unlooks.open.dearest(minute).or(by_price.first().copied());
        let cheapest = self.unlooks.cheapest.at(minute).or(by_price.last().copied());
        let high = member(dearest).map(|member| member.unit.compute(0, rest.duration_us));
        let architecture = |place: usize| Some(self.roster.inventory.functions.get(place)?.architecture);
        // Earlier minutes of the month were not in a cheaper tier.
        let tier = cheapest
            .and_then(architecture)
            .map_or(0, |architecture| tier_at(self.meters.of(architecture), self.roster.quote(architecture)));
        let low = member(cheapest).map(|member| {
            member.unit.least_per_busy_second(tier).mul_div_up(us, 1_000_000).min(high.unwrap_or_default())
        });
        let usual = self.unlooks.open.usual(minute).price_of(us);
        let mean = usual.unwrap_or_else(|| self.mean.mul_div_up(us, 1_000_000));
        let (low, high) = (low.unwrap_or(mean), high.unwrap_or(mean));
        let compute = UsdRange::new(low, mean.max(low).min(high), high, Causes::of(Cause::RegionMix));
        let invocations = i128::from(rest.invocations);
        let each = self.roster.per_invocation;
        let requests = UsdRange::new(
            each.low * invocations,
            each.expected * invocations,
            each.high * invocations,
            each.causes,
        );
        compute + requests
    }
}

/// The part of a total that is not explained.
fn remainder(total: &Point, explained: &Point) -> Point {
    Point {
        invocations: total.invocations.saturating_sub(explained.invocations),
        errors: total.errors.saturating_sub(explained.errors),
        throttles: total.throttles.saturating_sub(explained.throttles),
        duration_us: total.duration_us.saturating_sub(explained.duration_us),
        ..Point::default()
    }
}
