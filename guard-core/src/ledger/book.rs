//! The book of one budget: its postings in the period, the latest minutes and hours, and its ordinary spend.

pub(crate) mod rebuild;

use std::collections::{BTreeSet, VecDeque};
use std::ops::{AddAssign, Range};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::habit::Habit;
use super::incident::Incident;
use super::meaning::Meaning;
use super::shape::{Ordinary, WeekShape};
use crate::baseline::Profile;
use crate::money::{Usd, UsdRange};
use crate::time::{Hour, Minute};

/// Minutes kept: the longest short window, six hours.
const MINUTES_KEPT: usize = 6 * 60;
/// Hours kept: the longest window, three days, and one in progress.
const HOURS_KEPT: usize = 73;
/// Minutes after its end at which an hour of a budget over everything is closed: late points have arrived by then.
const CLOSING_SWEPT_MIN: i64 = 75;
/// Minutes after its end at which an hour of a narrower budget is closed: the daily census has arrived by then.
const CLOSING_CENSUS_MIN: i64 = 26 * 60;

/// The book of one budget in its current period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetLedger {
    /// Start of the period.
    pub period_start: DateTime<Utc>,
    /// End of the period.
    pub period_end: DateTime<Utc>,
    /// Posted amount of this period.
    pub spent: UsdRange,
    /// The part of it that was repeated work.
    pub repeated: UsdRange,
    /// The part of it that no function explains.
    pub unattributed: UsdRange,
    /// The possible cost of starts of environments beyond their postings, in minutes that change no more.
    #[serde(default)]
    pub starts: Usd,
    /// The free tier's deduction, if the policy asks for one.
    pub credited: Usd,
    /// Expected amounts of the latest minutes.
    pub minutes: Ring,
    /// Expected amounts of the latest hours.
    pub hours: Ring,
    /// Hours that are not known in full because the book was made anew: they do not count as ordinary.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tainted: BTreeSet<Hour>,
    /// Hours up to here are in the profile.
    pub closed_through: Option<Hour>,
    /// Its ordinary spend, in its own unit per hour.
    pub profile: Profile,
    /// The profile as a week, worked out once an hour.
    pub shape: WeekShape,
    /// The amount that history expects for the whole period; `None` without history.
    pub ordinary_of_period: Option<Usd>,
    /// The incident's cost above the ordinary, up to the minutes that may still change.
    #[serde(default)]
    pub incident: Incident,
    /// What came back in the past weeks.
    #[serde(default, skip_serializing_if = "Habit::is_empty")]
    pub(crate) habit: Habit,
    /// The book's meaning: the unit, functions and periods it counts; `None` in a memory from before books recorded it.
    #[serde(default)]
    pub meaning: Option<Meaning>,
    /// For a scope narrower than everything, its assumed share of the region's rest: worked out anew at every look, and
    /// never saved.
    #[serde(skip)]
    pub(crate) share: Share,
    /// The same for hours that no look can reach any more, as it was when they passed, until a census settles them.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub(crate) passed: VecDeque<(Hour, UsdRange)>,
    /// From here on the book is complete; `None`: as far back as the guard remembers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_from: Option<DateTime<Utc>>,
}

impl BudgetLedger {
    /// An empty book for a period.
    pub fn new(period_start: DateTime<Utc>, period_end: DateTime<Utc>) -> Self {
        BudgetLedger {
            period_start,
            period_end,
            spent: UsdRange::ZERO,
            repeated: UsdRange::ZERO,
            unattributed: UsdRange::ZERO,
            starts: Usd::ZERO,
            credited: Usd::ZERO,
            minutes: Ring::default(),
            hours: Ring::default(),
            tainted: BTreeSet::new(),
            closed_through: None,
            profile: Profile::default(),
            shape: WeekShape::default(),
            ordinary_of_period: None,
            incident: Incident::default(),
            habit: Habit::default(),
            meaning: None,
            share: Share::default(),
            passed: VecDeque::new(),
            known_from: None,
        }
    }

    /// The period's postings, the possible cost of starts, and the share of spend that no look covered.
    pub fn spent_in_all(&self) -> UsdRange {
        let passed = self.passed.iter().filter(|(hour, _)| self.is_within(hour.first_minute()));
        let passed = passed.fold(UsdRange::ZERO, |sum, (_, share)| sum + *share);
        let all = self.spent + self.share.of_period + passed;
        all.with_starts(self.starts)
    }

    /// The minutes that begin within the period.
    pub(crate) fn span(&self) -> Range<Minute> {
        let from = |at: DateTime<Utc>| Minute((at.timestamp() + 59).div_euclid(60));
        from(self.period_start)..from(self.period_end)
    }

    /// Whether a minute begins within the period.
    pub(crate) fn is_within(&self, minute: Minute) -> bool {
        self.span().contains(&minute)
    }

    /// The expected amount of a minute; zero if it is not remembered.
    pub(crate) fn minute(&self, minute: Minute) -> Usd {
        let of = |ring: &Ring| ring.at(minute.0).unwrap_or(Usd::ZERO);
        of(&self.minutes) + of(&self.share.minutes)
    }

    /// The expected amounts of the given number of minutes, ending with one.
    pub(crate) fn minutes_sum(&self, last: Minute, minutes: i64) -> Usd {
        self.minutes.sum(last.0, minutes) + self.share.minutes.sum(last.0, minutes)
    }

    /// The oldest remembered minute, as posted or as a share.
    pub(crate) fn oldest_minute(&self) -> Option<Minute> {
        let both = [self.minutes.oldest(), self.share.minutes.oldest()];
        both.into_iter().flatten().min().map(Minute)
    }

    /// Forgets its share of the region's rest: the next look computes a new one.
    pub(crate) fn forget_share(&mut self) {
        self.share = Share::default();
    }

    /// Adds an amount, spread evenly over a run of minutes, to its share.
    pub(crate) fn share_in(&mut self, since: Minute, until: Minute, amount: UsdRange) {
        let minutes = i128::from(until.since(since) + 1);
        let each = amount.mul_div_up(1, minutes);
        for number in since.0..=until.0 {
            self.share.minutes.add(number, each.expected, MINUTES_KEPT);
            if self.is_within(Minute(number)) {
                self.share.of_period += each;
            }
        }
    }

    /// Records its shares of hours that have passed, ascending, and forgets those that a census has settled. Shares
    /// recorded before stay unchanged.
    pub(crate) fn pass<T>(&mut self, passed: &[(Hour, T)], share: impl Fn(&T) -> UsdRange) {
        self.passed.retain(|(hour, _)| passed.binary_search_by_key(hour, |(other, _)| *other).is_ok());
        for (hour, rest) in passed {
            if let Err(place) = self.passed.binary_search_by_key(hour, |(other, _)| *other) {
                self.passed.insert(place, (*hour, share(rest)));
            }
        }
    }

    /// The instant before which the period's spend is not known; `None`: all of the period is known.
    pub fn unknown_before(&self) -> Option<DateTime<Utc>> {
        self.known_from.filter(|from| *from > self.period_start)
    }

    /// Begins a new period: spend so far counts no more, the ordinary stays known.
    pub fn roll(&mut self, period_start: DateTime<Utc>, period_end: DateTime<Utc>) {
        self.period_start = period_start;
        self.period_end = period_end;
        self.spent = UsdRange::ZERO;
        self.repeated = UsdRange::ZERO;
        self.unattributed = UsdRange::ZERO;
        self.starts = Usd::ZERO;
        self.credited = Usd::ZERO;
        self.ordinary_of_period = self.sum_ordinary();
    }

    /// Posts the difference between the cost now known of a minute, or of a whole census hour, and the amount posted
    /// before. Hours before the ring go to the profile.
    pub(crate) fn post(&mut self, when: impl Into<When>, entry: &Entry) {
        let When { first, hour, minute } = when.into();
        let amount = entry.change.expected;
        if let Some(minute) = minute {
            self.minutes.add(minute.0, amount, MINUTES_KEPT);
        }
        if !self.hours.add(hour.0, amount, HOURS_KEPT) && minute.is_none() {
            self.profile.add(hour, amount);
        }
        // A census has attributed it to a function: that part is no longer estimated.
        if let Ok(place) = self.passed.binary_search_by_key(&hour, |(other, _)| *other)
            && let Some((_, share)) = self.passed.get_mut(place)
        {
            let left = |part: Usd| (part - amount).at_least_zero();
            *share = UsdRange::new(Usd::ZERO, left(share.expected), left(share.high), share.causes);
        }
        self.count(first, entry);
    }

    /// Counts an entry if its first minute is within the period.
    fn count(&mut self, first: Minute, entry: &Entry) {
        if !self.is_within(first) {
            return;
        }
        self.spent += entry.change;
        if entry.repeated != UsdRange::ZERO {
            self.repeated += entry.repeated;
        }
        if entry.unattributed {
            self.unattributed += entry.change;
        }
    }

    /// Moves the ring of hours on, so that hours of history can be compared with its start.
    pub(crate) fn reach(&mut self, hour: Hour) {
        self.hours.add(hour.0, Usd::ZERO, HOURS_KEPT);
    }

    /// Moves finished hours into the profile.
    pub(crate) fn close_hours(&mut self, now: Minute, covers_everything: bool) {
        let wait = if covers_everything { CLOSING_SWEPT_MIN } else { CLOSING_CENSUS_MIN };
        self.close_through(now.plus(-wait).hour().plus(-1));
    }

    /// Moves the hours up to a given one into the profile.
    fn close_through(&mut self, last: Hour) {
        let Some(oldest) = self.hours.oldest() else { return };
        let first = self.closed_through.map_or(Hour(oldest), |hour| hour.plus(1)).max(Hour(oldest));
        if first > last {
            return;
        }
        for number in first.0..=last.0 {
            let (hour, amount) = (Hour(number), self.hours.at(number).unwrap_or(Usd::ZERO));
            if self.tainted.contains(&hour) {
                self.profile.exclude(hour, amount);
            } else {
                self.profile.record(hour, amount, 0);
            }
        }
        self.closed_through = Some(last);
        self.tainted.retain(|hour| *hour > last);
        self.shape = WeekShape::of(&self.profile, last.plus(1));
        self.ordinary_of_period = self.sum_ordinary();
    }

    pub(crate) fn sum_ordinary(&self) -> Option<Usd> {
        let mut total = Usd::ZERO;
        let mut from = self.period_start;
        while from < self.period_end {
            let hour = Hour::of(from);
            let until = hour.plus(1).start().min(self.period_end);
            let ordinary = self.shape.at(hour)?;
            total += ordinary.expected.mul_div_up(i128::from((until - from).num_seconds()), 3600);
            from = until;
        }
        Some(total)
    }

    /// The expected ordinary amount of an hour, per hour: from the profile, otherwise the even share of the budget.
    pub fn ordinary(&self, hour: Hour, amount: Usd) -> Ordinary {
        self.shape.at(hour).unwrap_or_else(|| self.even_share(amount))
    }

    /// The same of every hour without history.
    pub(crate) fn even_share(&self, amount: Usd) -> Ordinary {
        let seconds = (self.period_end - self.period_start).num_seconds().max(1);
        let share = amount.mul_div_up(3600, i128::from(seconds));
        Ordinary { expected: share, upper: share, known: false }
    }
}

/// The part of the region's rest that counts as a scope's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    /// Expected, by minute.
    minutes: Ring,
    /// In the period.
    of_period: UsdRange,
}

/// The minute or whole hour being posted, worked out once for all books that post it.
#[derive(Clone, Copy)]
pub(crate) struct When {
    first: Minute,
    hour: Hour,
    minute: Option<Minute>,
}

impl From<Minute> for When {
    fn from(minute: Minute) -> Self {
        When { first: minute, hour: minute.hour(), minute: Some(minute) }
    }
}

impl From<Hour> for When {
    fn from(hour: Hour) -> Self {
        When { first: hour.first_minute(), hour, minute: None }
    }
}

/// One entry of the double-entry book: the difference between the new posting and the one it replaces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) change: UsdRange,
    pub(crate) repeated: UsdRange,
    pub(crate) unattributed: bool,
}

impl Entry {
    /// An amount for which nothing was posted before.
    pub(crate) fn exact(amount: Usd) -> Self {
        Entry { change: UsdRange::exact(amount), ..Entry::default() }
    }

    /// The change of a cost, and of its part that was repeated work; both are `(from, to)`.
    pub(crate) fn of(cost: (UsdRange, UsdRange), repeated: (UsdRange, UsdRange)) -> Self {
        let repeats = repeated.0 != repeated.1;
        Entry {
            change: cost.1.minus_posted(cost.0),
            repeated: if repeats { repeated.1.minus_posted(repeated.0) } else { UsdRange::ZERO },
            unattributed: false,
        }
    }
}

impl AddAssign for Entry {
    fn add_assign(&mut self, other: Entry) {
        self.change += other.change;
        self.repeated += other.repeated;
        self.unattributed |= other.unattributed;
    }
}

/// Amounts of consecutive latest minutes (or hours), newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// The number of the newest slot.
    newest: i64,
    /// Amounts, oldest first.
    amounts: VecDeque<Usd>,
}

impl Ring {
    /// Adds to a slot, moving the ring on if the slot is new; `false` if the slot is older than the ring.
    fn add(&mut self, slot: i64, amount: Usd, kept: usize) -> bool {
        if let Some(kept) = self.index(slot).and_then(|index| self.amounts.get_mut(index)) {
            *kept += amount;
            return true;
        }
        if self.amounts.is_empty() {
            self.newest = slot;
        }
        let steps = usize::try_from((slot - self.newest).max(0)).unwrap_or(usize::MAX);
        if steps >= kept {
            self.amounts.clear();
            self.newest = slot;
        }
        while self.newest < slot || self.amounts.is_empty() {
            self.newest += i64::from(!self.amounts.is_empty());
            self.amounts.push_back(Usd::ZERO);
        }
        let back = self.newest - slot;
        while usize::try_from(back).is_ok_and(|back| back >= self.amounts.len() && back < kept) {
            self.amounts.push_front(Usd::ZERO);
        }
        while self.amounts.len() > kept {
            self.amounts.pop_front();
        }
        match self.index(slot).and_then(|index| self.amounts.get_mut(index)) {
            Some(kept) => {
                *kept += amount;
                true
            }
            None => false,
        }
    }

    /// The number of the oldest slot.
    pub(super) fn oldest(&self) -> Option<i64> {
        let length = i64::try_from(self.amounts.len()).ok()?;
        (length > 0).then(|| self.newest - length + 1)
    }

    fn index(&self, slot: i64) -> Option<usize> {
        let index = slot - self.oldest()?;
        usize::try_from(index).ok().filter(|index| *index < self.amounts.len())
    }

    /// The amount of a slot; `None` outside the ring.
    pub fn at(&self, slot: i64) -> Option<Usd> {
        self.amounts.get(self.index(slot)?).copied()
    }

    /// The sum over `slots` slots that end with `last`; slots outside the ring count as nothing.
    pub fn sum(&self, last: i64, slots: i64) -> Usd {
        let Some(oldest) = self.oldest() else { return Usd::ZERO };
        let first = (last - slots + 1).max(oldest);
        let last = last.min(self.newest);
        if first > last {
            return Usd::ZERO;
        }
        let skip = usize::try_from(first - oldest).unwrap_or(0);
        let take = usize::try_from(last - first + 1).unwrap_or(0);
        self.amounts.range(skip..skip + take).sum()
    }
}

#[cfg(test)]
mod tests;
