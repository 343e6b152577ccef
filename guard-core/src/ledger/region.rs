//! What the region spends beyond the functions that were looked at: `_unattributed`, so that parts add up to the
//! whole. Posted as if it were one more function; it shrinks when functions are looked at later.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::book::{BudgetLedger, Entry, When};
use super::entry::{counted, exchange, exchange_posted, money};
use super::rows::{forget, slot_of};
use super::{CATCH_UP_MIN, Posted};
use crate::cost::UnitCost;
use crate::inventory::{Architecture, Function};
use crate::money::{Cause, Usd, UsdRange};
use crate::observation::{Census, Observation, Point};
use crate::policy::Companion;
use crate::roster::Roster;
use crate::time::{Hour, Minute};

/// Minutes of region totals that may still change: the longest time-out (15 min), the longest lag allowed (15
/// min), and two to spare.
const WINDOW_MIN: i64 = 32;
/// Hours whose totals a census may still correct: those of a day, of a second one where a round has holes, and of the
/// round itself.
const HOURS_KEPT: i64 = 50;
/// Memory assumed for a region of which no function was looked at yet, in MB.
const UNKNOWN_MEMORY_MB: u32 = 512;

/// What functions posted, added up by minute and by hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributed {
    minutes: VecDeque<(Minute, Point)>,
    hours: VecDeque<(Hour, Point)>,
}

/// The region's totals, of which functions explain a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionLedger {
    /// What the functions posted for the latest minutes and hours.
    pub attributed: Attributed,
    /// The region's totals of the latest hours, as its minutes have shown.
    totals: VecDeque<(Hour, Point)>,
    /// The totals of single minutes behind `totals`.
    seen: VecDeque<(Minute, Point)>,
    /// The remainder by minute, as posted.
    minutes: VecDeque<(Minute, Posted)>,
    /// The remainder by hour, as posted.
    hours: VecDeque<(Hour, Posted)>,
    /// Hours up to here were settled by a census.
    settled_through: Option<Hour>,
    /// Duration of functions posted in µs, and the same times memory in MB: their ratio prices the remainder.
    pub mix_us: i128,
    /// See `mix_us`.
    pub mix_mb_us: i128,
    /// The newest minute for which the region's totals are known.
    pub seen_until: Option<Minute>,
    /// The first minute for which they were ever asked.
    #[serde(default)]
    watched_from: Option<Minute>,
}

/// Posts an exchange to the books that cover everything.
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
    /// Posts what functions leave of the region's totals; `whole` is the last slice of a round of the census that heard
    /// everybody.
    pub(crate) fn post(
        &mut self,
        roster: &Roster,
        books: &mut [BudgetLedger],
        seen: &Observation,
        settled: Minute,
        whole: Option<&Census>,
    ) {
        let unit = self.unit(roster);
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
            // What was forgotten would be posted twice.
            let known = self.settled_through.is_some_and(|hour| minute.hour() <= hour);
            if known || *minute < open_from {
                continue;
            }
            let before = std::mem::replace(slot_of(&mut self.seen, *minute), *total);
            exchange(slot_of(&mut self.totals, minute.hour()), &before, total);
            let explained = *slot_of(&mut self.attributed.minutes, *minute);
            let posted = remainder(&unit, total, &explained);
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
        if seen.region.freshness.is_trustworthy() {
            self.seen_until = self.seen_until.max(Some(settled));
        }
        self.forget(settled);
    }

    /// Hours behind the window: a function that was caught up on later explains a part of what was posted for them.
    fn correct(&mut self, unit: &UnitCost, window: Minute, poster: &mut Poster<'_>) {
        let behind: Vec<(Hour, Point)> =
            self.totals.iter().filter(|(hour, _)| hour.plus(1).first_minute() <= window).copied().collect();
        for (hour, total) in behind {
            self.exchange_hour(unit, hour, &total, poster);
        }
    }

    fn exchange_hour(&mut self, unit: &UnitCost, hour: Hour, total: &Point, poster: &mut Poster<'_>) {
        let explained = *slot_of(&mut self.attributed.hours, hour);
        let posted = remainder(unit, total, &explained);
        let replaced = std::mem::replace(slot_of(&mut self.hours, hour), posted);
        if replaced != posted {
            poster(&replaced, &posted, hour.into());
        }
    }

    /// After a census an hour's remainder is what the region's total leaves beyond all functions.
    fn settle(&mut self, unit: &UnitCost, census: &Census, poster: &mut Poster<'_>) {
        let last = census.asked.last;
        let open: Vec<(Hour, Point)> =
            self.totals.iter().filter(|(hour, _)| *hour <= last).copied().collect();
        for (hour, shown) in open {
            let told = census.region.iter().find(|(other, _)| *other == hour);
            let total = told.map_or(shown, |(_, point)| *point);
            self.exchange_hour(unit, hour, &total, poster);
        }
        self.settled_through = self.settled_through.max(Some(last));
        forget(&mut self.totals, last.plus(1));
        forget(&mut self.hours, last.plus(1));
        forget(&mut self.attributed.hours, last.plus(1));
    }

    /// Whether all of an hour lies within the time for which totals were asked.
    pub(crate) fn watches(&self, hour: Hour) -> bool {
        self.watched_from.is_some_and(|from| from <= hour.first_minute())
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

    /// Unit cost of the mean microsecond that functions posted.
    fn unit(&self, roster: &Roster) -> UnitCost {
        let mean = if self.mix_us > 0 { self.mix_mb_us / self.mix_us } else { i128::from(UNKNOWN_MEMORY_MB) };
        let memory_mb = u32::try_from(mean).unwrap_or(UNKNOWN_MEMORY_MB).clamp(128, 10_240);
        let mean = Function::new("_unattributed", memory_mb, 900);
        UnitCost::new(&mean, roster.quote(Architecture::X86_64), &Companion::default(), Usd::ZERO)
    }
}

/// What a total leaves beyond what is explained, priced at the mean.
fn remainder(unit: &UnitCost, total: &Point, explained: &Point) -> Posted {
    let point = Point {
        invocations: total.invocations.saturating_sub(explained.invocations),
        errors: total.errors.saturating_sub(explained.errors),
        throttles: total.throttles.saturating_sub(explained.throttles),
        duration_us: total.duration_us.saturating_sub(explained.duration_us),
        ..Point::default()
    };
    if point == Point::default() {
        return Posted::default();
    }
    let cost = unit.of_point(&point, 0, 0).because(Cause::RegionMix);
    Posted { point, cost, repeated: UsdRange::ZERO }
}
