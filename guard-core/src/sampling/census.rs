//! The census: every function's hours, once a day, a slice at a time.

use super::{POINTS_PER_CALL, QUERIES_PER_CALL, ledger_of};
use crate::name::FunctionName;
use crate::observation::CensusSlice;
use crate::roster::Roster;
use crate::state::State;
use crate::time::{Hour, Minute};

/// Metrics read of each function and of the region: Invocations, Errors, Duration, ConcurrentExecutions.
pub const METRICS_PER_COUNT: u64 = 4;

/// Calls of one slice of the census. Our choice: with the other calls of an idle tick they stay within ten, and the hours
/// of 150 functions over four weeks fit into 10 MB.
const CENSUS_CALLS: usize = 5;

/// Hours of history that a first round reads: four weeks.
const HISTORY_HOURS: i64 = 672;

/// Minutes between two requests for newcomers. One that never answers costs half a cent a day: 96 times four metrics.
const NEWCOMERS_EVERY_MIN: i64 = 15;

/// Minutes after the full hour at which its points are complete: the longest time-out and the lag, as assumed unless
/// the policy says longer.
const CENSUS_AFTER_MIN: i64 = 20;

/// The next slice of the census: of the current round, of one that is due, or of functions added since the last round.
/// A round is due once a day, when the day before is complete, and at once if there never was one.
pub fn census(roster: &Roster, state: &State, at: chrono::DateTime<chrono::Utc>) -> Option<CensusSlice> {
    let wait = CENSUS_AFTER_MIN.max(roster.reread_min());
    let complete = Minute::of(at).plus(-wait).hour().plus(-1);
    let days = |hour: Hour| hour.plus(1).0.div_euclid(24);
    let is_due = |through: Option<Hour>| through.is_none_or(|through| days(complete) > days(through));
    let (last, after) = match &state.census.round {
        Some(round) => (round.last, Some(&round.after)),
        None if is_due(state.census.through) => (complete, None),
        None => return newcomers(roster, state, at),
    };
    let oldest = last.plus(1 - HISTORY_HOURS);
    let functions = &roster.inventory.functions;
    let start = after.map_or(0, |after| functions.partition_point(|function| function.name <= *after));
    let mut first = state.census.through.map_or(last, |through| through.plus(1)).clamp(oldest, last);
    let mut slice = CensusSlice { first, last, functions: Vec::new(), ends_round: true };
    for function in functions.iter().skip(start) {
        let settled = state.function(&function.name).and_then(|ledger| ledger.settled_through);
        let unsettled = settled.map_or(oldest, |settled| settled.plus(1)).max(oldest);
        if unsettled > last {
            continue;
        }
        first = first.min(unsettled);
        // The region's metrics are requested beside them.
        if calls(slice.functions.len() + 2, last.0 - first.0 + 1) > CENSUS_CALLS {
            slice.ends_round = false;
            break;
        }
        slice.first = first;
        slice.functions.push(function.name.clone());
    }
    Some(slice)
}

/// Functions without any known hour, to be asked for the hours that the last round has read: otherwise, until the next
/// round up to a day later, nothing would show that they are new. This neither ends a round nor begins one.
fn newcomers(roster: &Roster, state: &State, at: chrono::DateTime<chrono::Utc>) -> Option<CensusSlice> {
    let last = state.census.through?;
    let asked_at = state.census.newcomers_at;
    if asked_at.is_some_and(|asked| Minute::of(at).since(asked) < NEWCOMERS_EVERY_MIN) {
        return None;
    }
    let settled = |index, name| ledger_of(state, index, name).and_then(|ledger| ledger.settled_through);
    let unknown = roster.inventory.functions.iter().enumerate();
    let unknown = unknown.filter(|(index, function)| settled(*index, &function.name).is_none());
    let fitting = |asked: &usize| calls(asked + 2, HISTORY_HOURS) <= CENSUS_CALLS;
    let functions: Vec<FunctionName> =
        (0..).take_while(fitting).zip(unknown).map(|(_, (_, function))| function.name.clone()).collect();
    let first = last.plus(1 - HISTORY_HOURS);
    (!functions.is_empty()).then_some(CensusSlice { first, last, functions, ends_round: false })
}

/// Calls for the given number of subjects over the given hours.
fn calls(subjects: usize, hours: i64) -> usize {
    let by_points = POINTS_PER_CALL / usize::try_from(hours.max(1)).unwrap_or(POINTS_PER_CALL);
    let metrics = usize::try_from(METRICS_PER_COUNT).unwrap_or(1);
    subjects.div_ceil((by_points.min(QUERIES_PER_CALL) / metrics).max(1))
}
