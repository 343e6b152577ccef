//! A book counted anew from hours: when its budget's meaning changed, when it is new, or when it was away for a while.

use chrono::{DateTime, Utc};

use super::super::shape::WeekShape;
use super::{BudgetLedger, Entry, HOURS_KEPT, MINUTES_KEPT};
use crate::money::{Usd, UsdRange};
use crate::time::{Hour, Minute};

/// Parts of a ratio: a range keeps its width in proportion to a millionth.
const PPM: i128 = 1_000_000;

/// A book that was not posted for longer closes its hours first, before they leave the ring: 26 of 73 hours wait.
const WAITS_OPEN_H: i64 = 24;

/// The totals of functions and of the region's rest in one hour, as far as known, in the unit of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownHour {
    /// The functions' total.
    pub(crate) functions: UsdRange,
    /// The part of it that was repeated work.
    pub(crate) repeated: UsdRange,
    /// The part that no function explains.
    pub(crate) rest: UsdRange,
    /// Whether the data of every covered function is complete.
    pub(crate) is_whole: bool,
    /// Whether a function was above its ordinary range.
    pub(crate) is_extraordinary: bool,
}

impl KnownHour {
    /// An hour in which nothing was spent.
    pub(crate) const NOTHING: KnownHour = KnownHour {
        functions: UsdRange::ZERO,
        repeated: UsdRange::ZERO,
        rest: UsdRange::ZERO,
        is_whole: true,
        is_extraordinary: false,
    };
}

impl BudgetLedger {
    /// The amount of an hour; `None` if the book does not know it.
    pub(crate) fn of_hour(&self, hour: Hour) -> Option<Usd> {
        self.hours.at(hour.0).or_else(|| self.profile.amount(hour))
    }

    /// Moves on to an hour from the last posted one.
    pub(crate) fn move_on(&mut self, posted: Hour, now: Hour) {
        if now.0 - posted.0 > WAITS_OPEN_H {
            self.close_through(posted);
        }
        self.reach(now);
    }

    /// The book of the same functions and unit over another period, from this book's hours. An hour belongs to the
    /// period in which it begins. An hour within which the period begins is split by minutes while they are remembered;
    /// the second value says whether it was split, or did not have to be.
    pub(crate) fn over(
        &self,
        (start, end): (DateTime<Utc>, DateTime<Utc>),
        (posted, now): (Hour, Hour),
    ) -> (Self, bool) {
        let mut book = self.clone();
        book.move_on(posted, now);
        book.roll(start, end);
        let first = first_whole_hour(start);
        let mut sum: Usd = (first.0..=now.0).filter_map(|number| book.of_hour(Hour(number))).sum();
        let begins_within = first.start() > start;
        let is_remembered = book.minutes.at(Minute::of(start).0).is_some();
        if begins_within && is_remembered {
            let last = first.first_minute().plus(-1);
            sum += book.minutes.sum(last.0, last.since(Minute::of(start)) + 1);
        }
        book.spent = in_proportion(sum, self.spent);
        (book, !begins_within || is_remembered)
    }

    /// Adds the known amounts of hours, from `first` on, beyond those in the book. The book never gets less than it
    /// has, because a deleted function no longer reports its spend.
    pub(crate) fn fill(&mut self, first: Hour, known: &[KnownHour]) {
        // The amounts are collected before any is added: a ring that grows has nothing in the hours that it grows over.
        let hours = || (first.0..).map(Hour).zip(known);
        let had: Vec<Option<Usd>> = hours().map(|(hour, _)| self.of_hour(hour)).collect();
        for ((hour, known), had) in hours().zip(had) {
            self.fill_hour(hour, known, had);
        }
        self.shape = WeekShape::of(&self.profile, first.plus(i64::try_from(known.len()).unwrap_or(0)));
        self.ordinary_of_period = self.sum_ordinary();
    }

    fn fill_hour(&mut self, hour: Hour, known: &KnownHour, had: Option<Usd>) {
        let all = known.functions + known.rest;
        let more = all.expected - had.unwrap_or(Usd::ZERO);
        if had.is_some() && more <= Usd::ZERO {
            return;
        }
        let is_ordinary = known.is_whole && !known.is_extraordinary;
        let in_ring = self.hours.newest - hour.0 < i64::try_from(HOURS_KEPT).unwrap_or(i64::MAX);
        if in_ring && !is_ordinary {
            self.tainted.insert(hour);
        }
        let entries = if had.is_some_and(|had| had != Usd::ZERO) {
            [Entry { change: in_proportion(more, all), ..Entry::default() }, Entry::default()]
        } else {
            let functions = Entry { change: known.functions, repeated: known.repeated, unattributed: false };
            [functions, Entry { change: known.rest, repeated: UsdRange::ZERO, unattributed: true }]
        };
        if in_ring || is_ordinary {
            entries.iter().for_each(|entry| self.post(hour, entry));
            return;
        }
        if known.is_whole {
            self.profile.exclude(hour, all.expected);
        }
        entries.iter().for_each(|entry| self.count(hour.first_minute(), entry));
    }

    /// Adds a minute's amount beyond that in the book, to the minutes alone, because hours count.
    pub(crate) fn fill_minute(&mut self, minute: Minute, amount: Usd) {
        let more = amount - self.minutes.at(minute.0).unwrap_or(Usd::ZERO);
        if more > Usd::ZERO {
            self.minutes.add(minute.0, more, MINUTES_KEPT);
        }
    }
}

/// The first hour that begins within a period.
pub(crate) fn first_whole_hour(start: DateTime<Utc>) -> Hour {
    let hour = Hour::of(start);
    if hour.start() < start { hour.plus(1) } else { hour }
}

/// A range around a sum, as wide in proportion as another amount.
fn in_proportion(sum: Usd, of: UsdRange) -> UsdRange {
    if of.expected <= Usd::ZERO {
        return UsdRange::exact(sum);
    }
    let part = |end: Usd| sum.mul_div_up(end.mul_div_up(PPM, of.expected.picos()).picos(), PPM);
    UsdRange::new(part(of.low.at_least_zero()), sum, part(of.high), of.causes)
}
