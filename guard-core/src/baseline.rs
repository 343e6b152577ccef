//! What is ordinary: a robust profile by hour of the week from up to four weeks of one-hour amounts.

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

/// A breach this long after another is the same: the hours between them may not have come in yet, because the census is
/// daily and may fail once.
const SAME_BREACH_H: i64 = 48;

/// Multiples of the 99th percentile of concurrency above which an hour is above the ordinary whatever it cost, and by
/// which the percentile rises in a week at most. Two lets a launch that triples the load through a floor with half as much
/// headroom again after a week.
const RISE_MAX: u16 = 2;

/// Hourly amounts of up to four weeks, in a ring by hour of the week.
///
/// Medians, because one bad hour must not move what counts as ordinary. An hour is judged when it is recorded, by what was
/// ordinary then. One above the band, or at more than twice the concurrency, is marked and is *provisional*: for a
/// week it counts for no hour but the same one of later weeks, where it is one of four. A breach
/// ([`Profile::breach`]) takes all marked hours away for good. So what lasts becomes ordinary and a flood does not.
///
/// What an attacker can teach who never breaks a budget:
/// - *Money*: a level is ordinary once most of the last four weeks have it in the same hour, so after two weeks. They must
///   be paid for without a breach: at most amount ÷ 336 hours, 2.15 times the even share of a month's budget. Growth inside
///   the band never tells, and the band ends at twice the median, which is two weeks old: 1.41 times a week, four times in
///   four weeks. A doubling in ten days (1.62 a week) is above it, marked, and taken away by the breach.
/// - *Concurrency*: in the youngest week nothing raises the 99th percentile, and then it doubles at most: for a floor 48
///   times as high it takes six weeks (2⁶ = 64), each with seven hours at twice the concurrency of the week before.
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
    /// 99th percentile of `concurrency`: see [`Profile::refresh`].
    concurrency_p99: u32,
    /// When the percentile was known first or rose last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raised: Option<Hour>,
    /// The last breach that it explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    breach: Option<Breach>,
    /// The newest hour recorded.
    newest: Option<Hour>,
    /// The first hour in which anything was used, as far as is known.
    #[serde(default)]
    first_used: Option<Hour>,
}

/// From its first hour to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Breach {
    first: Hour,
    last: Hour,
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

    /// Records a complete hour; [`Profile::refresh`] has to follow. One recorded before is replaced, one older than the ring
    /// is ignored: the newest four weeks count. Hours of a breach, and those that led to it, are spend and no history.
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

    /// Records what an hour came to that says nothing of what is ordinary.
    pub(crate) fn exclude(&mut self, hour: Hour, amount: Usd) {
        if self.newest.is_none_or(|newest| hour.0 > newest.0 - RING) {
            self.keep(hour, Hourly::of(amount).marked(Mark::Excluded), 0);
        }
    }

    /// Whether an hour is, or will be, no history.
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

    /// Whether an hour is above what is ordinary now.
    fn is_above(&self, hour: Hour, amount: Usd, concurrency_max: u32) -> bool {
        let peak = self.concurrency_p99().filter(|p99| *p99 > 0);
        self.expect(hour).is_some_and(|ordinary| amount > ordinary.upper)
            || peak.is_some_and(|p99| concurrency_max > p99.saturating_mul(u32::from(RISE_MAX)))
    }

    /// What spends this breaks a budget, from one hour to another. They are no history, whatever they cost: what is capped
    /// says nothing of what comes unasked. Nor is anything that was above the ordinary before, as far back as is kept: what
    /// led to a breach has not proved itself.
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

    /// The amount recorded for an hour within the ring: to the millionth up to 33 an hour, beyond that to a part in sixteen
    /// million, rounded down.
    pub fn amount(&self, hour: Hour) -> Option<Usd> {
        let newest = self.newest?;
        let kept = *self.amounts.get(Self::slot(hour))?;
        let within = hour <= newest && newest.0 - hour.0 < RING;
        kept.amount().filter(|_| within)
    }

    /// What is ordinary in an hour: the median of the same hour of other weeks; of the same hour of other days
    /// where fewer than two weeks have it; of all hours where even that is too little; `None` with less than a
    /// day of history.
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

    /// The most that an hour of the coming week may use and be ordinary; `None` with less than a day of history.
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

    /// Copies the samples of the hours that count for another to the front of `picked`; returns how many.
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

    /// Works the 99th percentile of concurrency out again: after hours were recorded, once for all of them.
    ///
    /// Hours younger than a week count with no more than the percentile as it stands, and in a week it rises to
    /// twice itself at most. It falls at once. With less than a day of hours that count it is 0.
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

    /// The hour's place in the ring: the same hour of all weeks together, because they are read together.
    fn slot(hour: Hour) -> usize {
        let place = hour.0.rem_euclid(RING);
        usize::try_from(place % RING_WEEK * WEEKS + place / RING_WEEK).unwrap_or(0)
    }
}

/// Whether an hour counts when another is judged: not while it is provisional, which is a week.
fn counts(kept: Hourly, hour: Hour, asked: Hour) -> bool {
    match kept.mark() {
        Mark::Ordinary => true,
        Mark::Above => asked.0 - hour.0 >= RING_WEEK,
        Mark::Excluded => false,
    }
}

/// The smallest value that at least 99 % of the values do not exceed (nearest rank); 0 of none.
fn percentile_99(values: &mut [u16]) -> u16 {
    let rank = (values.len() * 99).div_ceil(100).saturating_sub(1);
    if values.is_empty() { 0 } else { *values.select_nth_unstable(rank).1 }
}

/// How wide what is ordinary is.
struct Band {
    /// In multiples of the spread, in tenths, by number of samples (index).
    widening: [i128; 5],
    /// In multiples of the median at most, if at all.
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
