//! Ordinary spend: a robust profile by hour of the week from up to four weeks of one-hour amounts.

mod hourly;
mod packed;

use serde::{Deserialize, Serialize};

use self::hourly::{Hourly, Mark, amount_of};
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

/// Breaches at most this far apart count as one: the hours between them may be missing still, because the census is
/// daily and may fail once.
const SAME_BREACH_H: i64 = 48;

/// Multiples of the 99th percentile of concurrency above which an hour is above the ordinary whatever it cost, and by
/// which the percentile rises at most in a week. With two, a launch that triples the load passes a floor with half as
/// much headroom again after a week.
const RISE_MAX: u16 = 2;

/// Hourly amounts of up to four weeks, in a ring by hour of the week.
///
/// Medians, because one bad hour must not change what counts as ordinary. An hour is judged when it is recorded, by the
/// ordinary of that time. An hour above the band, or at more than twice the concurrency, is marked and is
/// *provisional*. For a week it counts for no hour but the same one of later weeks, where it is one of four. A breach
/// ([`Profile::breach`]) removes all marked hours for good. So a lasting level becomes ordinary and a flood does not.
///
/// The limits of what an attacker who never breaks a budget can teach the profile:
/// - *Money*: a level is ordinary once most of the last four weeks have it in the same hour, so after two weeks. Those
///   weeks must be paid for without a breach: at most amount ÷ 336 hours, 2.15 times the even share of a month's
///   budget. Growth inside the band is never reported, and the band ends at twice the median, which is two weeks old:
///   1.41 times a week, four times in four weeks. A doubling in ten days (1.62 a week) is above it, and the breach
///   removes it.
/// - *Concurrency*: the youngest week cannot raise the 99th percentile, and after that it doubles at most: a floor 48
///   times as high takes six weeks (2⁶ = 64), each with seven hours at twice the concurrency of the week before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The amount of each hour; index: [`Profile::slot`]. Empty without history.
    #[serde(with = "packed")]
    amounts: Vec<Hourly>,
    /// The highest concurrency of each hour, same index.
    #[serde(with = "packed")]
    concurrency: Vec<u16>,
    /// Hours present.
    count: u32,
    /// 99th percentile of `concurrency`: see [`Profile::refresh`].
    concurrency_p99: u32,
    /// When the percentile was known first or rose last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raised: Option<Hour>,
    /// The last breach that this function explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    breach: Option<Breach>,
    /// The newest hour recorded.
    newest: Option<Hour>,
    /// The first hour with any use, as far as is known.
    #[serde(default)]
    first_used: Option<Hour>,
}

/// A range of hours, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Breach {
    first: Hour,
    last: Hour,
}

/// The profile's expectation for an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// The median per hour, in dollars or in whole units of what is counted.
    pub expected: Usd,
    /// The upper end of the ordinary range, per hour in the same unit. The less history, the wider the range.
    pub upper: Usd,
    /// Hours of history behind the expectation.
    pub samples: u32,
}

impl Profile {
    /// Hours of history present, at most 672.
    pub fn hours(&self) -> u32 {
        self.count
    }

    /// The newest hour recorded; `None` before the first.
    pub fn newest(&self) -> Option<Hour> {
        self.newest
    }

    /// 99th percentile of the hourly concurrency maxima; `None` with less than a day of history.
    pub fn concurrency_p99(&self) -> Option<u32> {
        (self.count >= HISTORY_MIN_H).then_some(self.concurrency_p99)
    }

    /// Records a complete hour; [`Profile::refresh`] has to follow. It replaces an earlier record; an hour older than
    /// the ring is ignored. Hours of a breach, and those that led to it, are spend but not history.
    pub fn record(&mut self, hour: Hour, amount: Usd, concurrency_max: u32) {
        if self.newest.is_some_and(|newest| hour.0 <= newest.0 - RING) {
            return;
        }
        let is_above = self.is_above(hour, amount, concurrency_max);
        let is_breach =
            self.breach.is_some_and(|breach| hour <= breach.last && (is_above || hour >= breach.first));
        let mark = match (is_breach, is_above) {
            (true, _) => Mark::Excluded,
            (false, true) => Mark::Above,
            (false, false) => Mark::Ordinary,
        };
        self.keep(hour, Hourly::of(amount).marked(mark), concurrency_max);
        let is_used = !is_breach && (amount > Usd::ZERO || concurrency_max > 0);
        if is_used && self.first_used.is_none_or(|first| hour < first) {
            self.first_used = Some(hour);
        }
    }

    /// Records the amount of an hour that must not count as history.
    pub(crate) fn exclude(&mut self, hour: Hour, amount: Usd) {
        if self.newest.is_none_or(|newest| hour.0 > newest.0 - RING) {
            self.keep(hour, Hourly::of(amount).marked(Mark::Excluded), 0);
        }
    }

    /// Whether an hour is excluded from the history, or will be.
    pub(crate) fn is_excluded(&self, hour: Hour) -> bool {
        let within = self.newest.is_some_and(|newest| hour <= newest && newest.0 - hour.0 < RING);
        let kept = self.amounts.get(Self::slot(hour)).filter(|_| within);
        kept.is_some_and(|kept| kept.mark() == Mark::Excluded)
            || self.breach.is_some_and(|breach| (breach.first..=breach.last).contains(&hour))
    }

    fn keep(&mut self, hour: Hour, hourly: Hourly, concurrency_max: u32) {
        if self.amounts.is_empty() {
            self.amounts = vec![Hourly::default(); RING_SLOTS];
            self.concurrency = vec![0; RING_SLOTS];
        }
        self.forget_between(hour);
        let slot = Self::slot(hour);
        if let (Some(kept), Some(peak)) = (self.amounts.get_mut(slot), self.concurrency.get_mut(slot)) {
            self.count = self.count + u32::from(hourly.is_present()) - u32::from(kept.is_present());
            *kept = hourly;
            *peak = u16::try_from(concurrency_max).unwrap_or(u16::MAX);
        }
        self.newest = self.newest.max(Some(hour));
    }

    /// Whether an hour is above the current ordinary range.
    fn is_above(&self, hour: Hour, amount: Usd, concurrency_max: u32) -> bool {
        let peak = self.concurrency_p99().filter(|p99| *p99 > 0);
        self.expect(hour).is_some_and(|ordinary| amount > ordinary.upper)
            || peak.is_some_and(|p99| concurrency_max > p99.saturating_mul(u32::from(RISE_MAX)))
    }

    /// Marks the hours of a broken budget, both ends included. They are not history, whatever they cost: capped spend
    /// says nothing about uncapped demand. Earlier hours above the ordinary, as far back as they are kept, are removed
    /// too, because spend that led to a breach is not proved to be legitimate.
    pub fn breach(&mut self, first: Hour, last: Hour) {
        if self.breach.is_some_and(|known| known.last >= last) {
            return;
        }
        let known = self.breach.filter(|known| first.0 - known.last.0 <= SAME_BREACH_H);
        let first = known.map_or(first, |known| known.first.min(first));
        self.breach = Some(Breach { first, last });
        for kept in self.amounts.iter_mut().filter(|kept| kept.mark() == Mark::Above) {
            *kept = kept.marked(Mark::Excluded);
            self.count -= 1;
        }
    }

    /// The hour from which on the profile is history. For something at least a day old, the hours before its first use
    /// mean that it did not exist yet, not that it was idle. For a function never used, or first used less than a day
    /// ago, the idle hours are its history, so all of its spend counts as unusual once it wakes.
    fn begins(&self) -> Option<Hour> {
        let (first, newest) = (self.first_used?, self.newest?);
        (newest.0 - first.0 + 1 >= i64::from(HISTORY_MIN_H)).then_some(first)
    }

    /// The first hour with any use, as far as is known.
    pub(crate) fn first_used(&self) -> Option<Hour> {
        self.first_used
    }

    /// Whether it was first used less than a day of history ago, so that its ordinary spend is unknown.
    pub fn is_new(&self) -> bool {
        self.first_used.is_some() && self.begins().is_none()
    }

    /// Adds to an hour's amount, for histories that arrive function by function.
    pub fn add(&mut self, hour: Hour, amount: Usd) {
        let before = self.amount(hour).unwrap_or(Usd::ZERO);
        self.record(hour, before + amount, 0);
    }

    /// The amount recorded for an hour within the ring: to the millionth up to 33 an hour, beyond that to a part in sixteen
    /// million, rounded down.
    pub fn amount(&self, hour: Hour) -> Option<Usd> {
        let newest = self.newest?;
        let kept = *self.amounts.get(Self::slot(hour))?;
        let within = hour <= newest && newest.0 - hour.0 < RING;
        kept.amount().filter(|_| within)
    }

    /// The ordinary spend in an hour: the median of the same hour of other weeks; if fewer than two weeks have it, of
    /// the same hour of other days; if that is too little, of all hours; `None` with less than a day of history.
    pub fn expect(&self, hour: Hour) -> Option<Expectation> {
        if self.count < HISTORY_MIN_H {
            return None;
        }
        let first = self.first();
        let before = |hours: i64| hour.plus(-hours);
        let mut picked = [0_u64; 28];
        let weeks = (1..=WEEKS).map(|week| before(RING_WEEK * week)).filter(|other| *other >= first);
        let mut found = self.pick(&mut picked, hour, weeks);
        let mut band = SAME_HOUR;
        if found < 2 {
            let days = (1..=28).map(|day| before(24 * day)).filter(|other| *other >= first);
            found = self.pick(&mut picked, hour, days);
            band = OTHER_DAYS;
        }
        if found < 2 {
            return self.expect_of_everything(hour);
        }
        let samples = picked.get_mut(..found).unwrap_or_default();
        Some(expectation(samples, &band))
    }

    /// The most that an hour of the coming week may use and still be ordinary; `None` with less than a day of history.
    pub fn ordinary_at_most(&self) -> Option<Usd> {
        let next = self.newest?;
        (1..=RING_WEEK).filter_map(|ahead| self.expect(next.plus(ahead))).map(|ordinary| ordinary.upper).max()
    }

    fn expect_of_everything(&self, hour: Hour) -> Option<Expectation> {
        let counting = self.history().filter(|(other, kept, _)| counts(*kept, *other, hour));
        let mut all: Vec<u64> = counting.filter_map(|(_, kept, _)| kept.units()).collect();
        (all.len() >= HISTORY_MIN_H as usize).then(|| expectation(&mut all, &ANY_HOUR))
    }

    /// The first hour within the ring that is history.
    fn first(&self) -> Hour {
        let oldest = Hour(self.newest.map_or(0, |newest| newest.0) - RING + 1);
        self.begins().map_or(oldest, |first| first.max(oldest))
    }

    /// The hours that are present and history, with amount and concurrency.
    fn history(&self) -> impl Iterator<Item = (Hour, Hourly, u16)> {
        let last = self.newest.map_or(0, |newest| newest.0);
        (self.first().0..=last).filter_map(|hour| {
            let slot = Self::slot(Hour(hour));
            let (kept, peak) = (*self.amounts.get(slot)?, *self.concurrency.get(slot)?);
            kept.is_present().then_some((Hour(hour), kept, peak))
        })
    }

    /// Copies the samples of the hours that count for the asked one to the front of `picked`; returns their number.
    fn pick(&self, picked: &mut [u64; 28], asked: Hour, hours: impl Iterator<Item = Hour>) -> usize {
        let mut found = 0;
        for hour in hours {
            let kept = self.amounts.get(Self::slot(hour)).filter(|kept| counts(**kept, hour, asked));
            if let (Some(units), Some(place)) = (kept.and_then(|kept| kept.units()), picked.get_mut(found)) {
                *place = units;
                found += 1;
            }
        }
        found
    }

    /// Clears the slots of hours between the newest and the given one, in which nothing was recorded.
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

    /// Recomputes the 99th percentile of concurrency, once for all hours recorded since.
    ///
    /// Hours younger than a week count with no more than the current percentile, and the percentile at most doubles in
    /// a week. It falls at once. With less than a day of hours that count it is 0.
    pub fn refresh(&mut self) {
        let Some(newest) = self.newest else { return };
        let stands = u16::try_from(self.concurrency_p99).unwrap_or(u16::MAX);
        let raised = self.raised.filter(|_| stands > 0);
        let mut counting = 0;
        let mut peaks: Vec<u16> = self
            .history()
            .map(|(hour, kept, peak)| {
                let counts = counts(kept, hour, newest);
                counting += u32::from(counts);
                match raised {
                    Some(_) if newest.0 - hour.0 < RING_WEEK => peak.min(stands),
                    None if !counts => 0,
                    _ => peak,
                }
            })
            .collect();
        let p99 = percentile_99(&mut peaks);
        let (p99, raised) = match raised {
            _ if counting < HISTORY_MIN_H => (0, None),
            None => (p99, Some(newest)),
            Some(raised) if p99 > stands && newest.0 - raised.0 < RING_WEEK => (stands, Some(raised)),
            Some(_) if p99 > stands => (p99.min(stands.saturating_mul(RISE_MAX)), Some(newest)),
            Some(raised) => (p99, Some(raised)),
        };
        (self.concurrency_p99, self.raised) = (u32::from(p99), raised);
    }

    /// The hour's place in the ring: the same hour of all weeks lies together, because they are read together.
    fn slot(hour: Hour) -> usize {
        let place = hour.0.rem_euclid(RING);
        usize::try_from(place % RING_WEEK * WEEKS + place / RING_WEEK).unwrap_or(0)
    }
}

/// Whether an hour counts when another is judged: not while it is provisional, which lasts a week.
fn counts(kept: Hourly, hour: Hour, asked: Hour) -> bool {
    match kept.mark() {
        Mark::Ordinary => true,
        Mark::Above => asked.0 - hour.0 >= RING_WEEK,
        Mark::Excluded => false,
    }
}

/// The smallest value that at least 99 % of the values do not exceed (nearest rank); 0 if there are none.
fn percentile_99(values: &mut [u16]) -> u16 {
    let rank = (values.len() * 99).div_ceil(100).saturating_sub(1);
    if values.is_empty() { 0 } else { *values.select_nth_unstable(rank).1 }
}

/// The width of the ordinary range.
struct Band {
    /// In multiples of the spread, in tenths, by number of samples (index).
    widening: [i128; 5],
    /// At most this multiple of the median, if limited at all.
    most: Option<i128>,
}

/// Samples of the same hour of the week. Our choice: twice the spread with four weeks, doubling towards one. At most twice
/// the median: the spread of a growing series is its growth, which must not make its own room.
const SAME_HOUR: Band = Band { widening: [80, 80, 40, 30, 20], most: Some(2) };
/// Other days' hours say less about this one.
const OTHER_DAYS: Band = Band { widening: [80, 80, 60, 40, 30], most: None };
/// Hours of all times of the day say least.
const ANY_HOUR: Band = Band { widening: [80, 80, 70, 60, 40], most: None };

/// Median and band of samples, in millionths.
fn expectation(samples: &mut [u64], band: &Band) -> Expectation {
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
    let factor = band.widening.get(count.min(4)).copied().unwrap_or(20);
    let upper = median + spread * factor / 10;
    let upper = band.most.map_or(upper, |most| upper.min(median * most));
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
