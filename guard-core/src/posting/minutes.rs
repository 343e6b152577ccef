//! The minutes of a function: posted if they differ from the remembered ones, and closed hour by hour.

use super::{Poster, Subject, close, entry, may_retry};
use crate::amplification;
use crate::ledger::entry::{exchange_posted, money};
use crate::ledger::rows::{forget, slot_of};
use crate::ledger::{FunctionLedger, Posted};
use crate::observation::Series;
use crate::time::{Hour, Minute};

/// Hour totals kept per function: hours seen in part wait for the census of the day, and a census may fail once.
const HOURS_KEPT: usize = 50;

impl Poster<'_> {
    /// Posts the minutes that differ from what is remembered: mostly the newest alone.
    pub(super) fn minutes(&mut self, ledger: &mut FunctionLedger, series: &Series, subject: &Subject<'_>) {
        let oldest = self.oldest(ledger, subject);
        self.minutes_from(ledger, series, subject, oldest);
    }

    /// The same from a minute on, provided that the minute is still remembered.
    pub(super) fn minutes_from(
        &mut self,
        ledger: &mut FunctionLedger,
        series: &Series,
        subject: &Subject<'_>,
        oldest: Minute,
    ) {
        // A forgotten minute would be posted twice.
        let settled = ledger.settled_through.map(|hour| hour.plus(1).first_minute());
        let open = settled.max(Some(oldest));
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
        // A function that only its callers repeat has no retries from earlier minutes.
        let first = if may_retry(subject.function) { 0 } else { index };
        let window = series.minutes.get(first..=index).unwrap_or_default();
        let repeated = amplification::observed_since(subject.function, window, *minute);
        let posted = self.priced(point, (before, 60, ledger.profile.concurrency_p99()), repeated, subject);
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

    /// Learns the burn from the cost of minutes that were looked at for the first time, the last of them `known`.
    pub(super) fn learn_burn(&self, ledger: &mut FunctionLedger, known: Minute, subject: &Subject<'_>) {
        let first = ledger.looked_until().map_or(self.from, |until| until.plus(1)).max(self.from);
        if first > known {
            return;
        }
        let new = ledger.minutes.iter().rev().take_while(|(minute, _)| *minute >= first);
        let new = new.filter(|(minute, _)| *minute <= known);
        let us = new.map(|(_, posted)| posted.point.duration_us).fold(0, u64::saturating_add);
        ledger.learn_burn(subject.member.unit.compute(0, us), known.since(first) + 1);
    }

    /// Records the range in which every minute was looked at, up to the one that is `known`.
    pub(super) fn cover(&self, ledger: &mut FunctionLedger, known: Minute, subject: &Subject<'_>) {
        // Minutes that were requested but not posted were not looked at.
        let first = self.from.max(self.oldest(ledger, subject));
        if first > known || ledger.covered.is_some_and(|(_, until)| known <= until) {
            return;
        }
        let from = match ledger.covered {
            Some((from, until)) if first <= until.plus(1) => from,
            _ => first,
        };
        ledger.covered = Some((from, known));
    }

    /// Moves hours into the profile once every minute of them was looked at and can change no more. After a gap they
    /// wait for the census, which would otherwise take the hours of the gap for settled.
    pub(super) fn settle_hours(&self, ledger: &mut FunctionLedger, subject: &Subject<'_>) {
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
}
