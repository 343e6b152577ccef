//! The hours that a census has read: their difference from the posted minutes is posted.

use super::{Poster, Subject, close, entry};
use crate::amplification;
use crate::ledger::entry::money;
use crate::ledger::rows::{forget, slot_of};
use crate::ledger::{FunctionLedger, Posted};
use crate::observation::{Census, CensusSlice, Point};
use crate::state::{CensusRound, CensusState};
use crate::time::{Hour, Minute};

/// Advances the census. Returns the last slice of a round in which every function answered. Functions added between two
/// rounds are asked for hours that a round has read already: they begin no new round.
pub(super) fn advance<'a>(
    state: &mut CensusState,
    census: Option<&'a Census>,
    now: Minute,
) -> Option<&'a Census> {
    let census = census?;
    if state.round.is_none() && !census.asked.ends_round && Some(census.asked.last) <= state.through {
        state.newcomers_at = Some(now);
        return None;
    }
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

impl Poster<'_> {
    /// Takes in the hours of a census, those without a point included.
    pub(super) fn census(
        &mut self,
        ledger: &mut FunctionLedger,
        asked: &CensusSlice,
        hours: &[(Hour, Point)],
        subject: &Subject<'_>,
    ) {
        let first = ledger.settled_through.map_or(asked.first, |settled| asked.first.max(settled.plus(1)));
        let last = asked.last.min(self.now.plus(-subject.member.window_min).hour().plus(-1));
        let mut points = hours.iter().peekable();
        let mut us = 0_u64;
        for number in first.0..=last.0 {
            let hour = Hour(number);
            while points.peek().is_some_and(|(other, _)| *other < hour) {
                points.next();
            }
            let point = points.peek().filter(|(other, _)| *other == hour).map(|(_, point)| *point);
            let point = point.unwrap_or_default();
            self.census_hour(ledger, hour, &point, subject);
            // Of four weeks, the last day.
            if last.0 - number < 24 {
                us = us.saturating_add(point.duration_us);
            }
        }
        if first <= last {
            ledger.learn_burn(subject.member.unit.compute(0, us), 60 * (last.0 - first.0 + 1).min(24));
            ledger.profile.refresh();
        }
    }

    /// A census knows an hour in full: its difference from the posted minutes is posted.
    fn census_hour(&mut self, ledger: &mut FunctionLedger, hour: Hour, point: &Point, subject: &Subject<'_>) {
        let hour_alone = [(hour.first_minute(), *point)];
        let repeated = amplification::observed(subject.function, &hour_alone);
        let posted = self.priced(point, (0, 3600, None), repeated, subject);
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
            if let Some(hours) = self.batch.hours.get_mut(*index) {
                *slot_of(hours, hour) += entry;
            }
        }
        close(ledger, hour, &posted);
        forget(&mut ledger.hours, hour.plus(1));
    }
}
