//! What is ordinary: a robust profile by hour of the week from up to four weeks of one-hour amounts.

mod hourly;
mod packed;

use serde::{Deserialize, Serialize};

use self::hourly::{Hourly, amount_of};
use crate::money::Usd;
use crate::time::{HOURS_PER_WEEK, Hour};

/// Weeks of history kept.
const WEEKS: i64 = 4;
/// Hours of a week.
const RING_WEEK: i64 = 168;
/// Hours kept.
const RING: i64 = RING_WEEK * WEEKS;
/// Hours kept, as a length.
const RING_SLOTS: usize = HOURS_PER_WEEK * 4;

/// Hours of history before anything counts as ordinary: a day. Less would take the first hour of an attack on a new
/// function for its ordinary load.
const HISTORY_MIN_H: u32 = 24;

/// Hourly amounts of up to four weeks, in a ring by hour of the week.
///
/// Medians, because one bad hour must not move what counts as ordinary; hours of a trip are left out by the
/// caller for the same reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// What each hour used; index: [`Profile::slot`]. Empty without history.
    #[serde(with = "packed")]
    amounts: Vec<Hourly>,
    /// The highest concurrency of each hour, same index.
    #[serde(with = "packed")]
    concurrency: Vec<u16>,
    /// Hours present.
    count: u32,
    /// 99th percentile of `concurrency` over the hours present.
    concurrency_p99: u32,
    /// The newest hour recorded.
    newest: Option<Hour>,
    /// The first hour in which anything was used, as far as is known.
    #[serde(default)]
    first_used: Option<Hour>,
}

/// What the profile expects of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// The median per hour, in dollars or in whole units of what is counted.
    pub expected: Usd,
    /// Up to here is ordinary, per hour in the same unit. The less history, the wider.
    pub upper: Usd,
    /// Hours of history that the expectation rests on.
    pub samples: u32,
}

impl Profile {
    /// Hours of history present, at most 672.
    pub fn hours(&self) -> u32 {
        self.count
    }

    /// The newest hour recorded.
    pub fn newest(&self) -> Option<Hour> {
        self.newest
    }

    /// 99th percentile of the hourly concurrency maxima; `None` with less than a day of history.
    pub fn concurrency_p99(&self) -> Option<u32> {
        (self.count >= HISTORY_MIN_H).then_some(self.concurrency_p99)
    }

    /// Records a complete hour; [`Profile::refresh`] has to follow. An hour older than the ring, or one recorded before, is replaced or ignored:
    /// the newest four weeks count.
    pub fn record(&mut self, hour: Hour, amount: Usd, concurrency_max: u32) {
        if self.newest.is_some_and(|newest| hour.0 <= newest.0 - RING) {
            return;
        }
        if self.amounts.is_empty() {
            self.amounts = vec![Hourly::default(); RING_SLOTS];
            self.concurrency = vec![0; RING_SLOTS];
        }
        self.forget_between(hour);
        let slot = Self::slot(hour);
        if let (Some(kept), Some(peak)) = (self.amounts.get_mut(slot), self.concurrency.get_mut(slot)) {
            self.count += u32::from(!kept.is_present());
            *kept = Hourly::of(amount);
            *peak = u16::try_from(concurrency_max).unwrap_or(u16::MAX);
        }
        self.newest = self.newest.max(Some(hour));
        let is_used = amount > Usd::ZERO || concurrency_max > 0;
        if is_used && self.first_used.is_none_or(|first| hour < first) {
            self.first_used = Some(hour);
        }
    }

    /// From which hour on the profile is history. The hours before the first use of something that is a day old say
    /// that it was not there yet, not that it is ordinarily idle. What was never used, or since less than a day, has
    /// its idle hours for history: woken, all of its spend is out of the ordinary.
    fn begins(&self) -> Option<Hour> {
        let (first, newest) = (self.first_used?, self.newest?);
        (newest.0 - first.0 + 1 >= i64::from(HISTORY_MIN_H)).then_some(first)
    }

    /// The first hour in which anything was used, as far as is known.
    pub(crate) fn first_used(&self) -> Option<Hour> {
        self.first_used
    }

    /// Whether it was first used less than a day of history ago: nobody can say what its ordinary spend is.
    pub fn is_new(&self) -> bool {
        self.first_used.is_some() && self.begins().is_none()
    }

    /// Adds to an hour's amount, for histories that arrive function by function.
    pub fn add(&mut self, hour: Hour, amount: Usd) {
        let before = self.amount(hour).unwrap_or(Usd::ZERO);
        self.record(hour, before + amount, 0);
    }

    /// The amount recorded for an hour within the ring: to the millionth up to 67 an hour, beyond that to a part in thirty
    /// million, rounded down.
    pub fn amount(&self, hour: Hour) -> Option<Usd> {
        let newest = self.newest?;
        let kept = *self.amounts.get(Self::slot(hour))?;
        let within = hour <= newest && newest.0 - hour.0 < RING;
        kept.amount().filter(|_| within)
    }

    /// Records a complete hour that does not count as ordinary: it only moves the ring on.
    pub fn skip(&mut self, hour: Hour) {
        if !self.amounts.is_empty() && self.newest.is_some_and(|newest| newest < hour) {
            self.forget_between(hour);
            self.clear(Self::slot(hour));
            self.newest = Some(hour);
        }
    }

    /// What is ordinary in an hour: the median of the same hour of other weeks; of the same hour of other days
    /// where fewer than two weeks have it; of all hours where even that is too little; `None` with less than a
    /// day of history.
    pub fn expect(&self, hour: Hour) -> Option<Expectation> {
        if self.count < HISTORY_MIN_H {
            return None;
        }
        let begins = self.begins();
        let is_history = |hour: &Hour| begins.is_none_or(|first| *hour >= first);
        let before = |hours: i64| hour.plus(-hours);
        let mut picked = [0_u64; 28];
        let weeks = (1..=WEEKS).map(|week| before(RING_WEEK * week)).filter(is_history);
        let mut found = self.pick(&mut picked, weeks.map(Self::slot));
        let mut widening = WIDENING_SAME_HOUR;
        if found < 2 {
            let days = (1..=28).map(|day| before(24 * day)).filter(is_history);
            found = self.pick(&mut picked, days.map(Self::slot));
            widening = WIDENING_OTHER_DAYS;
        }
        if found < 2 {
            return Some(self.expect_of_everything());
        }
        let samples = picked.get_mut(..found).unwrap_or_default();
        Some(expectation(samples, widening))
    }

    fn expect_of_everything(&self) -> Expectation {
        let mut all: Vec<u64> = self.history().map(|(kept, _)| kept).collect();
        expectation(&mut all, WIDENING_ANY_HOUR)
    }

    /// Amounts and concurrency of the hours that are present and history.
    fn history(&self) -> impl Iterator<Item = (u64, u16)> {
        let last = self.newest.map_or(0, |newest| newest.0);
        let first = self.begins().map_or(last - RING + 1, |first| first.0.max(last - RING + 1));
        let slots = (first..=last).map(|hour| Self::slot(Hour(hour)));
        slots.filter_map(|slot| Some((self.amounts.get(slot)?.units()?, *self.concurrency.get(slot)?)))
    }

    /// Copies the samples present at the slots to the front of `picked`; returns how many.
    fn pick(&self, picked: &mut [u64; 28], slots: impl Iterator<Item = usize>) -> usize {
        let mut found = 0;
        for units in slots.filter_map(|slot| self.amounts.get(slot)?.units()) {
            if let Some(place) = picked.get_mut(found) {
                *place = units;
                found += 1;
            }
        }
        found
    }

    /// Clears the slots of hours that lie between the newest and the given one: nothing was recorded then.
    fn forget_between(&mut self, hour: Hour) {
        let Some(newest) = self.newest else { return };
        let gap = (hour.0 - newest.0 - 1).clamp(0, RING);
        for back in 1..=gap {
            self.clear(Self::slot(hour.plus(-back)));
        }
    }

    fn clear(&mut self, slot: usize) {
        if let (Some(kept), Some(peak)) = (self.amounts.get_mut(slot), self.concurrency.get_mut(slot)) {
            self.count -= u32::from(kept.is_present());
            *kept = Hourly::default();
            *peak = 0;
        }
    }

    /// Works the percentile out again: after hours were recorded, once for all of them.
    pub fn refresh(&mut self) {
        let mut peaks: Vec<u16> = self.history().map(|(_, peak)| peak).collect();
        if peaks.is_empty() {
            self.concurrency_p99 = 0;
            return;
        }
        // Nearest rank: the smallest value that at least 99 % of the hours do not exceed.
        let rank = (peaks.len() * 99).div_ceil(100) - 1;
        let (_, p99, _) = peaks.select_nth_unstable(rank);
        self.concurrency_p99 = u32::from(*p99);
    }

    /// The hour's place in the ring: the same hour of all weeks together, because they are read together.
    fn slot(hour: Hour) -> usize {
        let place = hour.0.rem_euclid(RING);
        usize::try_from(place % RING_WEEK * WEEKS + place / RING_WEEK).unwrap_or(0)
    }
}

/// Band in multiples of the spread, in tenths, by number of samples (index), for samples of the same hour of the
/// week. Our choice: twice the spread with four weeks, doubling towards one.
const WIDENING_SAME_HOUR: [i128; 5] = [80, 80, 40, 30, 20];
/// Other days' hours say less about this one.
const WIDENING_OTHER_DAYS: [i128; 5] = [80, 80, 60, 40, 30];
/// Hours of all times of the day say least.
const WIDENING_ANY_HOUR: [i128; 5] = [80, 80, 70, 60, 40];

/// Median and band of samples, in millionths.
fn expectation(samples: &mut [u64], widening: [i128; 5]) -> Expectation {
    let count = samples.len();
    let median = median(samples);
    for sample in samples.iter_mut() {
        *sample = sample.abs_diff(median);
    }
    let deviation = i128::from(self::median(samples));
    let median = i128::from(median);
    // 1.4826 makes the median deviation comparable to a standard deviation (normal distribution); never below a
    // fifth of the median, because four samples can agree by chance.
    let spread = (deviation * 14_826 / 10_000).max(median / 5);
    let factor = widening.get(count.min(4)).copied().unwrap_or(20);
    let upper = median + spread * factor / 10;
    Expectation {
        expected: amount_of(median),
        upper: amount_of(upper),
        samples: u32::try_from(count).unwrap_or(u32::MAX),
    }
}

/// The upper median: with an even count the higher of the two in the middle, so that ties favour the traffic.
fn median(samples: &mut [u64]) -> u64 {
    if samples.is_empty() {
        return 0;
    }
    let middle = samples.len() / 2;
    let (_, median, _) = samples.select_nth_unstable(middle);
    *median
}

#[cfg(test)]
mod tests;
