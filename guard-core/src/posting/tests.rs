//! What is posted, posted once, and adds up.

mod books;
mod rests;
mod starts;

use chrono::TimeZone;
use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::amplification;
use crate::baseline::Profile;
use crate::inventory::{AccountLimits, Architecture, AsyncConfig, Function, Inventory};
use crate::ledger::FreeUsage;
use crate::money::{Cause, Usd};
use crate::observation::{Census, CensusSlice, Freshness, Observation, Series};
use crate::policy::{Budget, Period, Policy, Scope};
use crate::pricing::PriceTable;
use crate::roster::Roster;
use crate::sampling::{self, ask_from};
use crate::state::{CensusState, State};

/// 100 invocations of a second each with 1,024 MB in us-east-1: 100 × ($0.0000002 + ½ ms of $0.0000166667/s,
/// 8,334 picos rounded up) + 100 × $0.0000166667.
const HUNDRED: i128 = 1_687_503_400;

fn time(text: &str) -> DateTime<Utc> {
    format!("2026-11-{text}:00Z").parse().unwrap()
}

fn minute(text: &str) -> Minute {
    Minute::of(time(text))
}

fn hour(text: &str) -> Hour {
    Hour::of(time(text))
}

fn picos(picos: i128) -> Usd {
    Usd::from_picos(picos)
}

fn amounts(range: UsdRange) -> [i128; 3] {
    [range.low.picos(), range.expected.picos(), range.high.picos()]
}

/// So many invocations that take so many seconds together.
fn point(invocations: u64, seconds: u64) -> Point {
    Point { invocations, duration_us: seconds * 1_000_000, ..Point::default() }
}

fn budget(name: &str, period: Period, functions: Option<&str>) -> Budget {
    let scope = Scope { functions: functions.map(str::to_owned), ..Scope::default() };
    Budget { period, scope, ..Budget::per_month(name, Usd::from_dollars(100)) }
}

fn counting(name: &str) -> Budget {
    Budget { usd: None, invocations: Some(1000), ..budget(name, Period::Month, None) }
}

struct Bench {
    roster: Roster,
    state: State,
}

fn bench(budget: Vec<Budget>, functions: Vec<Function>) -> Bench {
    let policy = Policy { budget, ..Policy::default() };
    Bench { roster: roster(policy, functions), state: State::new() }
}

fn roster(policy: Policy, functions: Vec<Function>) -> Roster {
    let inventory = Inventory::new("us-east-1", AccountLimits::default(), functions);
    Roster::new(policy, PriceTable::embedded(), inventory, None)
}

/// One function `a` of 1,024 MB and a time-out of a minute, under a monthly budget for everything.
fn alone() -> Bench {
    bench(vec![budget("all", Period::Month, None)], vec![Function::new("a", 1024, 60)])
}

fn seen(at: &str, functions: Vec<(&str, Series)>) -> Observation {
    let at = time(at);
    Observation {
        glances: Vec::new(),
        at,
        from: Minute::of(at).plus(-10),
        census: None,
        region: Series::default(),
        functions: functions.into_iter().map(|(name, series)| (name.into(), series)).collect(),
    }
}

fn fresh(points: &[(&str, Point)]) -> Series {
    Series::fresh(points.iter().map(|(at, point)| (minute(at), *point)).collect())
}

/// A census of so many hours in one slice, answered by these functions, nobody in focus.
fn census(at: &str, functions: Vec<(&str, Vec<(Hour, Point)>)>, first: &str, last: &str) -> Observation {
    let functions: Vec<_> = functions.into_iter().map(|(name, hours)| (name.into(), hours)).collect();
    let names = functions.iter().map(|(name, _): &(FunctionName, _)| name.clone()).collect();
    let asked = CensusSlice { first: hour(first), last: hour(last), functions: names, ends_round: true };
    Observation { census: Some(Census { asked, region: vec![], functions }), ..seen(at, vec![]) }
}

fn hours(points: &[(&str, Point)]) -> Vec<(Hour, Point)> {
    points.iter().map(|(at, point)| (hour(at), *point)).collect()
}

impl Bench {
    fn look(&mut self, at: &str, functions: Vec<(&str, Series)>) -> Reading {
        self.post(&seen(at, functions))
    }

    fn post(&mut self, seen: &Observation) -> Reading {
        post(&self.roster, &mut self.state, seen)
    }

    fn book(&self, name: &str) -> &BudgetLedger {
        &self.state.budgets[name]
    }

    fn spent(&self, name: &str) -> i128 {
        self.book(name).spent.expected.picos()
    }

    fn ledger(&mut self, name: &str) -> &mut FunctionLedger {
        let name = name.into();
        self.state.functions.iter_mut().find(|ledger| ledger.name == name).unwrap()
    }
}

#[test]
fn a_minute_is_posted_to_every_book_with_its_range() {
    let mut bench = alone();
    let reading = bench.look("23T10:30", vec![("a", fresh(&[("23T10:25", point(100, 100))]))]);
    let book = bench.book("all");
    // Low: nothing rounded up. High: a whole millisecond each, 16,667 picos.
    assert_eq!(amounts(book.spent), [1_686_670_000, HUNDRED, 1_688_336_700]);
    assert!(book.spent.causes.contains(Cause::MillisecondRounding));
    assert_eq!(book.repeated, UsdRange::ZERO);
    assert_eq!(book.unattributed, UsdRange::ZERO);
    assert_eq!(book.minutes.at(minute("23T10:25").0), Some(picos(HUNDRED)));
    assert_eq!(book.hours.at(hour("23T10:00").0), Some(picos(HUNDRED)));
    assert_eq!(reading.now, minute("23T10:30"));
    assert_eq!(reading.settled, minute("23T10:26"));
    assert_eq!(reading.rolled, Vec::<usize>::new());
    assert_eq!(reading.region, Freshness::Unknown);
    let ledger = bench.ledger("a");
    assert_eq!(ledger.last_invoked, Some(minute("23T10:25")));
    assert_eq!(ledger.minutes.len(), 1);
    assert_eq!(ledger.hours[0].0, hour("23T10:00"));
    assert_eq!(amounts(ledger.hours[0].1.cost), [1_686_670_000, HUNDRED, 1_688_336_700]);
}

#[test]
fn a_minute_seen_twice_posts_once_and_seen_with_other_numbers_posts_the_difference() {
    let mut bench = alone();
    bench.look("23T10:30", vec![("a", fresh(&[("23T10:25", point(100, 100))]))]);
    let before = bench.state.clone();
    bench.look("23T10:30", vec![("a", fresh(&[("23T10:25", point(100, 100))]))]);
    assert_eq!(bench.state, before);
    bench.look("23T10:31", vec![("a", fresh(&[("23T10:25", point(300, 300))]))]);
    assert_eq!(amounts(bench.book("all").spent), [5_060_010_000, 3 * HUNDRED, 5_065_010_100]);
    assert_eq!(bench.book("all").minutes.at(minute("23T10:25").0), Some(picos(3 * HUNDRED)));
    bench.look("23T10:32", vec![("a", fresh(&[("23T10:25", point(100, 100))]))]);
    assert_eq!(bench.spent("all"), HUNDRED);
    assert_eq!(bench.state.meters.x86_64_mb_us, 100_000_000 * 1024);
    assert_eq!(bench.state.region.mix_us, 100_000_000);
    assert_eq!(bench.state.region.mix_mb_us, 100_000_000 * 1024);
    assert_eq!(bench.ledger("a").hours[0].1.point.invocations, 100);
}

#[test]
fn a_late_point_is_posted_to_its_own_minute() {
    let mut bench = alone();
    bench.look("23T10:30", vec![("a", fresh(&[("23T10:25", point(100, 100))]))]);
    let late = fresh(&[("23T10:22", point(200, 200)), ("23T10:25", point(100, 100))]);
    bench.look("23T10:31", vec![("a", late)]);
    assert_eq!(bench.spent("all"), 3 * HUNDRED);
    assert_eq!(bench.book("all").minutes.at(minute("23T10:22").0), Some(picos(2 * HUNDRED)));
    let kept: Vec<Minute> = bench.ledger("a").minutes.iter().map(|(minute, _)| *minute).collect();
    assert_eq!(kept, [minute("23T10:22"), minute("23T10:25")]);
    assert_eq!(bench.ledger("a").last_invoked, Some(minute("23T10:25")));
    // With the numbers of the minute after it, it is another minute all the same.
    let twin = [("23T10:21", point(200, 200)), ("23T10:22", point(200, 200)), ("23T10:25", point(100, 100))];
    bench.look("23T10:31", vec![("a", fresh(&twin))]);
    assert_eq!(bench.spent("all"), 5 * HUNDRED);
    assert_eq!(bench.book("all").minutes.at(minute("23T10:21").0), Some(picos(2 * HUNDRED)));
}

#[test]
fn minutes_are_posted_as_far_back_as_they_are_remembered() {
    // Time-out of a minute: ten minutes, the least. Of 15 minutes: 3 + 15 + 2.
    for (timeout_s, oldest, older) in [(60, "23T10:20", "23T10:19"), (900, "23T10:10", "23T10:09")] {
        let functions = vec![Function::new("a", 1024, timeout_s)];
        let mut bench = bench(vec![budget("all", Period::Month, None)], functions);
        bench.look("23T10:29", vec![("a", Series::silent())]);
        bench.look("23T10:30", vec![("a", fresh(&[(older, point(100, 100))]))]);
        assert_eq!(bench.spent("all"), 0, "{timeout_s}");
        bench.look("23T10:30", vec![("a", fresh(&[(oldest, point(100, 100))]))]);
        assert_eq!(bench.spent("all"), HUNDRED, "{timeout_s}");
        assert_eq!(bench.ledger("a").minutes.len(), 1);
        // A minute on it is forgotten, and read again it is not posted twice.
        bench.look("23T10:31", vec![("a", fresh(&[(oldest, point(100, 100))]))]);
        assert_eq!(bench.ledger("a").minutes.len(), 0);
        bench.look("23T10:32", vec![("a", fresh(&[(oldest, point(100, 100))]))]);
        assert_eq!(bench.spent("all"), HUNDRED, "{timeout_s}");
    }
}

#[test]
fn a_census_posts_only_what_the_minutes_have_not_shown() {
    let mut bench = alone();
    bench.look("23T09:55", vec![("a", fresh(&[("23T09:50", point(100, 100))]))]);
    let whole = hours(&[("23T09:00", point(250, 250)), ("23T10:00", point(999, 999))]);
    bench.post(&census("23T10:30", vec![("a", whole)], "23T07:00", "23T10:00"));
    // The hour in progress is left to its minutes.
    assert_eq!(amounts(bench.book("all").spent), [4_216_675_000, 4_218_758_500, 4_220_841_750]);
    assert_eq!(bench.book("all").hours.at(hour("23T09:00").0), Some(picos(4_218_758_500)));
    assert_eq!(bench.book("all").minutes.at(minute("23T09:50").0), Some(picos(HUNDRED)));
    assert_eq!(bench.state.census.through, Some(hour("23T10:00")));
    assert_eq!(bench.state.meters.x86_64_mb_us, 250_000_000 * 1024);
    let ledger = bench.ledger("a");
    assert_eq!(ledger.settled_through, Some(hour("23T09:00")));
    assert_eq!(ledger.last_invoked, Some(minute("23T09:50")));
    assert!(ledger.hours.is_empty());
    // Hours without a point are hours without traffic. Samples are whole micro-dollars.
    assert_eq!(ledger.profile.amount(hour("23T07:00")), Some(Usd::ZERO));
    assert_eq!(ledger.profile.amount(hour("23T08:00")), Some(Usd::ZERO));
    assert_eq!(ledger.profile.amount(hour("23T09:00")), Some(picos(4_218_000_000)));
    assert_eq!(ledger.profile.hours(), 3);
    // The same census again finds everything settled.
    let whole = hours(&[("23T09:00", point(250, 250))]);
    bench.post(&census("23T10:31", vec![("a", whole)], "23T07:00", "23T10:00"));
    assert_eq!(bench.spent("all"), 4_218_758_500);
    assert_eq!(bench.ledger("a").profile.hours(), 3);
}

#[test]
fn a_function_that_did_not_answer_a_census_is_not_settled_and_is_asked_from_there_on() {
    let mut bench = alone();
    let mut unanswered = census("23T10:30", vec![("a", vec![])], "23T07:00", "23T09:00");
    unanswered.census.as_mut().unwrap().functions.clear();
    bench.post(&unanswered);
    assert_eq!(bench.spent("all"), 0);
    assert_eq!(bench.state.function(&"a".into()), None);
    assert_eq!(bench.state.census, CensusState { through: Some(hour("23T09:00")), ..CensusState::default() });
    let next = sampling::census(&bench.roster, &bench.state, time("24T00:20")).unwrap();
    assert_eq!((next.first, next.last), (hour("23T23:00").plus(-671), hour("23T23:00")));
}

#[test]
fn newcomers_between_two_rounds_have_a_history_at_once_and_move_no_round() {
    let mut bench = bench(
        vec![budget("all", Period::Month, None)],
        vec![Function::new("a", 1024, 60), Function::new("b", 1024, 60)],
    );
    bench.state.census.through = Some(hour("22T23:00"));
    let known = sampling::census(&bench.roster, &bench.state, time("23T10:30")).unwrap();
    assert_eq!(known.functions, ["a".into(), "b".into()]);
    let mut answer = census("23T10:30", vec![("b", vec![])], "22T23:00", "22T23:00");
    let asked = CensusSlice { functions: vec!["b".into()], ..known };
    answer.census.as_mut().unwrap().asked = asked;
    bench.post(&answer);
    assert_eq!(bench.ledger("b").profile.hours(), 672);
    let through = Some(hour("22T23:00"));
    let newcomers_at = Some(minute("23T10:30"));
    assert_eq!(bench.state.census, CensusState { through, round: None, newcomers_at });
    // What it burns now is out of the ordinary, and not within the even share.
    let flood = fresh(&[("23T10:31", point(100, 100))]);
    let reading = bench.look("23T10:36", vec![("b", flood)]);
    let [function] = reading.functions.as_slice() else { panic!("one function") };
    assert_eq!(function.ordinary_per_hour, Some(Usd::ZERO));
    assert_eq!(function.excess_per_hour, function.burn_per_hour);
    assert!(function.burn_per_hour > Usd::ZERO);
}

#[test]
fn a_round_of_several_slices_settles_the_region_when_it_ends_and_everybody_was_heard() {
    for is_heard in [true, false] {
        let functions = vec![Function::new("a", 1024, 60), Function::new("b", 1024, 60)];
        let mut bench = bench(vec![budget("all", Period::Month, None)], functions);
        let mut look = seen("23T09:55", vec![]);
        look.region = fresh(&[("23T09:50", point(400, 400))]);
        bench.post(&look);
        let mut slice =
            census("23T10:30", vec![("a", hours(&[("23T09:00", point(100, 100))]))], "23T09:00", "23T09:00");
        slice.census.as_mut().unwrap().asked.ends_round = false;
        if !is_heard {
            slice.census.as_mut().unwrap().functions.clear();
        }
        bench.post(&slice);
        let round = bench.state.census.round.clone().unwrap();
        assert_eq!((round.after.as_str(), round.has_holes), ("a", !is_heard));
        assert!(bench.state.census.is_first_under_way());
        bench.post(&census(
            "23T10:31",
            vec![("b", hours(&[("23T09:00", point(100, 100))]))],
            "23T09:00",
            "23T09:00",
        ));
        assert_eq!(
            bench.state.census,
            CensusState { through: Some(hour("23T09:00")), ..CensusState::default() }
        );
        let quiet = |at: &str| Observation { region: Series::silent(), ..seen(at, vec![]) };
        bench.post(&quiet("23T10:39"));
        bench.post(&quiet("23T10:40"));
        assert_eq!(bench.book("all").unattributed.expected, picos(if is_heard { 2 } else { 3 } * HUNDRED));
        // Of an hour with a hole the rest comes later.
        bench.post(&census(
            "23T10:41",
            vec![("a", hours(&[("23T09:00", point(100, 100))]))],
            "23T09:00",
            "23T09:00",
        ));
        bench.post(&quiet("23T10:42"));
        assert_eq!(bench.book("all").unattributed.expected, picos(2 * HUNDRED), "{is_heard}");
        assert_eq!(bench.spent("all"), 4 * HUNDRED, "{is_heard}");
    }
}

/// Functions that nobody looks at minute by minute are posted twice: with the region as it is seen, and in the census
/// of the day. The first was kept for eight hours only, so the other sixteen counted double.
#[test]
fn a_day_of_the_region_is_not_counted_again_by_the_census_of_that_day() {
    // Priced like what nothing is known of.
    let mut bench = bench(vec![budget("all", Period::Month, None)], vec![Function::new("a", 512, 60)]);
    let mut at = minute("23T00:10");
    while at < minute("24T00:20") {
        let mut look = seen("23T00:00", vec![]);
        (look.at, look.from) = (at.start(), at.plus(-10));
        look.region = Series::fresh(vec![(at.plus(-5), point(100, 100))]);
        bench.post(&look);
        at = at.plus(10);
    }
    let spent = bench.spent("all");
    assert_eq!(bench.book("all").unattributed.expected.picos(), spent);
    let whole = (0..24).map(|ahead| (hour("23T00:00").plus(ahead), point(600, 600))).collect();
    bench.post(&census("24T00:20", vec![("a", whole)], "23T00:00", "23T23:00"));
    assert_eq!(bench.spent("all"), spent);
    // A minute of today is left of 145.
    assert_eq!(bench.book("all").unattributed.expected.picos(), spent / 145);
}

#[test]
fn history_that_has_come_in_part_is_not_taken_for_what_is_ordinary() {
    let functions = vec![Function::new("a", 1024, 60), Function::new("b", 1024, 60)];
    let mut bench = bench(vec![budget("all", Period::Month, None)], functions);
    let whole =
        || (0..240).map(|back| (hour("23T09:00").plus(-back), point(100, 100))).rev().collect::<Vec<_>>();
    let slice = |at: &str, name, ends| {
        let mut seen = census(at, vec![(name, whole())], "13T10:00", "23T09:00");
        seen.census.as_mut().unwrap().asked.ends_round = ends;
        seen
    };
    let is_known = |bench: &Bench| bench.book("all").ordinary(hour("23T12:00"), Usd::from_dollars(9)).known;
    bench.post(&slice("23T12:00", "a", false));
    assert!(!is_known(&bench));
    bench.post(&slice("23T12:01", "b", true));
    assert!(is_known(&bench));
    let ordinary = bench.book("all").ordinary(hour("23T12:00"), Usd::from_dollars(9));
    // Samples are whole micro-dollars, rounded down.
    assert_eq!(ordinary.expected, picos(2 * 1_687_000_000));
}

#[test]
fn a_census_waits_until_an_hour_can_change_no_more() {
    // With a time-out of a minute six minutes after its end.
    for (at, settled) in [("23T10:05", "23T08:00"), ("23T10:06", "23T09:00")] {
        let mut bench = alone();
        bench.post(&census(at, vec![("a", vec![])], "23T07:00", "23T09:00"));
        assert_eq!(bench.ledger("a").settled_through, Some(hour(settled)), "{at}");
    }
}

#[test]
fn a_settled_hour_ignores_minutes_that_come_later() {
    let mut bench = alone();
    bench.post(&census("23T10:06", vec![("a", vec![])], "23T09:00", "23T09:00"));
    let late = fresh(&[("23T09:59", point(100, 100)), ("23T10:00", point(200, 200))]);
    bench.look("23T10:07", vec![("a", late)]);
    assert_eq!(bench.spent("all"), 2 * HUNDRED);
}

#[test]
fn an_hour_that_explained_a_breach_is_not_ordinary() {
    let mut bench = alone();
    bench.look("23T09:55", vec![("a", fresh(&[("23T09:50", point(100, 100))]))]);
    bench.ledger("a").profile.breach(hour("23T09:00"), hour("23T09:00"));
    let whole = hours(&[("23T08:00", point(100, 100)), ("23T09:00", point(900, 900))]);
    bench.post(&census("23T10:30", vec![("a", whole)], "23T08:00", "23T09:00"));
    assert_eq!(bench.spent("all"), 10 * HUNDRED);
    let ledger = bench.ledger("a");
    assert_eq!(ledger.profile.amount(hour("23T08:00")), Some(picos(1_687_000_000)));
    assert!(ledger.profile.is_excluded(hour("23T09:00")));
    assert_eq!(ledger.profile.newest(), Some(hour("23T09:00")));
    assert_eq!(ledger.settled_through, Some(hour("23T09:00")));
}

/// Looks every five minutes at a silent function, from one minute to another.
fn watch(bench: &mut Bench, first: &str, last: &str) {
    let mut at = minute(first);
    while at <= minute(last) {
        let mut look = seen("23T00:00", vec![("a", Series::silent())]);
        (look.at, look.from) = (at.start(), at.plus(-10));
        bench.post(&look);
        at = at.plus(5);
    }
}

#[test]
fn hours_looked_at_minute_by_minute_settle_without_a_census() {
    let mut bench = alone();
    bench.look("23T08:10", vec![("a", fresh(&[("23T08:03", point(100, 100))]))]);
    assert_eq!(bench.ledger("a").covered, Some((minute("23T08:00"), minute("23T08:06"))));
    watch(&mut bench, "23T08:15", "23T09:05");
    let covered = Some((minute("23T08:00"), minute("23T09:01")));
    assert_eq!(bench.ledger("a").covered, covered);
    // Six minutes after its last minute was settled.
    bench.look("23T09:08", vec![("a", Series::silent())]);
    assert_eq!(bench.ledger("a").settled_through, None);
    bench.look("23T09:09", vec![("a", Series::silent())]);
    let ledger = bench.ledger("a");
    assert_eq!(ledger.settled_through, Some(hour("23T08:00")));
    assert_eq!(ledger.profile.amount(hour("23T08:00")), Some(picos(1_687_000_000)));
    assert_eq!(ledger.profile.hours(), 1);
    assert!(ledger.hours.is_empty());
    watch(&mut bench, "23T09:14", "23T10:09");
    assert_eq!(bench.ledger("a").settled_through, Some(hour("23T09:00")));
    assert_eq!(bench.ledger("a").profile.amount(hour("23T09:00")), Some(Usd::ZERO));
}

#[test]
fn an_hour_of_which_the_first_minute_was_not_looked_at_does_not_settle() {
    for (first, settled) in [("23T08:10", Some(hour("23T08:00"))), ("23T08:11", None)] {
        let mut bench = alone();
        watch(&mut bench, first, "23T09:20");
        assert_eq!(bench.ledger("a").settled_through, settled, "{first}");
    }
}

#[test]
fn minutes_asked_for_and_not_posted_were_not_looked_at() {
    let mut bench = alone();
    let mut look = seen("23T10:30", vec![("a", Series::silent())]);
    look.from = minute("23T04:00");
    bench.post(&look);
    // Six hours back, no more.
    assert_eq!(bench.ledger("a").covered, Some((minute("23T04:30"), minute("23T10:26"))));
    // The next look begins at the minute that follows, or one after it.
    look.at = time("23T10:37");
    bench.post(&look);
    assert_eq!(bench.ledger("a").covered, Some((minute("23T04:30"), minute("23T10:33"))));
    look.at = time("23T10:46");
    look.from = minute("23T10:44");
    bench.post(&look);
    // A look at later minutes alone covers nothing that is settled.
    assert_eq!(bench.ledger("a").covered, Some((minute("23T04:30"), minute("23T10:33"))));
}

#[test]
fn after_a_gap_hours_wait_for_the_census() {
    let mut bench = alone();
    bench.post(&census("23T08:10", vec![("a", vec![])], "23T07:00", "23T07:00"));
    assert_eq!(bench.ledger("a").settled_through, Some(hour("23T07:00")));
    watch(&mut bench, "23T08:15", "23T08:30");
    // Seven hours later: more than is caught up on minute by minute.
    watch(&mut bench, "23T15:35", "23T17:30");
    assert_eq!(bench.ledger("a").settled_through, Some(hour("23T07:00")));
    let whole = hours(&[("23T08:00", point(100, 100))]);
    bench.post(&census("23T17:31", vec![("a", whole)], "23T07:00", "23T16:00"));
    assert_eq!(bench.spent("all"), HUNDRED);
    assert_eq!(bench.ledger("a").settled_through, Some(hour("23T16:00")));
}

#[test]
fn what_was_missed_while_the_guard_was_down_is_caught_up_on() {
    let mut bench = alone();
    let mut look = seen("23T10:30", vec![("a", fresh(&[("23T10:20", point(100, 100))]))]);
    look.region = fresh(&[("23T10:20", point(100, 100))]);
    bench.post(&look);
    let all = ["a".into()];
    assert_eq!(ask_from(&bench.roster, &bench.state, time("23T10:31"), (&all, &[])), minute("23T09:55"));
    // Three hours without a look; then everything is asked for that was never seen.
    let from = ask_from(&bench.roster, &bench.state, time("23T13:30"), (&all, &[]));
    assert_eq!(from, minute("23T10:27"));
    let missed = [("23T11:00", point(100, 100)), ("23T13:00", point(100, 100))];
    let mut late = seen("23T13:30", vec![("a", fresh(&missed))]);
    (late.from, late.region) = (from, fresh(&missed));
    bench.post(&late);
    assert_eq!(bench.spent("all"), 3 * HUNDRED);
    assert_eq!(bench.ledger("a").covered.map(|(first, _)| first), Some(minute("23T10:20")));
    bench.post(&late);
    assert_eq!(bench.spent("all"), 3 * HUNDRED, "seen again, it changes nothing");
}

#[test]
fn what_functions_do_not_explain_is_posted_and_shrinks_when_they_are_looked_at() {
    let functions = vec![Function::new("a", 1024, 60), Function::new("b", 1024, 60)];
    let budgets = vec![budget("all", Period::Month, None), budget("only-a", Period::Month, Some("a"))];
    let mut bench = bench(budgets, functions);
    let of_a = || ("a", fresh(&[("23T09:50", point(100, 100))]));
    let mut first = seen("23T09:55", vec![of_a()]);
    first.region = fresh(&[("23T09:50", point(400, 400))]);
    bench.post(&first);
    assert_eq!(bench.spent("all"), 4 * HUNDRED);
    assert_eq!(bench.spent("only-a"), HUNDRED);
    let book = bench.book("all");
    assert_eq!(amounts(book.unattributed), [3 * 1_686_670_000, 3 * HUNDRED, 3 * 1_688_336_700]);
    assert!(book.unattributed.causes.contains(Cause::RegionMix));
    assert_eq!(bench.book("only-a").unattributed, UsdRange::ZERO);
    assert_eq!(bench.state.region.seen_until, Some(minute("23T09:51")));
    // The same region minute with another function looked at.
    let mut second = seen("23T09:56", vec![of_a(), ("b", fresh(&[("23T09:50", point(100, 100))]))]);
    second.region = fresh(&[("23T09:50", point(400, 400))]);
    bench.post(&second);
    assert_eq!(bench.spent("all"), 4 * HUNDRED);
    assert_eq!(bench.book("all").unattributed.expected, picos(2 * HUNDRED));
    // A census that finds all of it at one of them.
    let whole = |count| hours(&[("23T09:00", point(count, count))]);
    bench.post(&census("23T10:30", vec![("a", whole(100)), ("b", whole(300))], "23T09:00", "23T09:00"));
    assert_eq!(bench.book("all").unattributed.expected, Usd::ZERO);
    assert_eq!(bench.spent("all"), 4 * HUNDRED);
    // Minutes of the region that come again are settled.
    let mut again = seen("23T10:10", vec![]);
    again.region = fresh(&[("23T09:50", point(900, 900))]);
    bench.post(&again);
    assert_eq!(bench.spent("all"), 4 * HUNDRED);
}

#[test]
fn a_census_corrects_the_regions_hour_where_it_tells_one() {
    let mut bench = alone();
    let mut first = seen("23T09:55", vec![("a", fresh(&[("23T09:50", point(100, 100))]))]);
    first.region = fresh(&[("23T09:50", point(200, 200))]);
    bench.post(&first);
    assert_eq!(bench.book("all").unattributed.expected, picos(HUNDRED));
    let one = || hours(&[("23T09:00", point(100, 100))]);
    let mut whole = census("23T10:30", vec![("a", one())], "23T09:00", "23T09:00");
    whole.census.as_mut().unwrap().region = hours(&[("23T09:00", point(600, 600))]);
    bench.post(&whole);
    assert_eq!(bench.book("all").unattributed.expected, picos(5 * HUNDRED));
    assert_eq!(bench.spent("all"), 6 * HUNDRED);
}

#[test]
fn a_region_of_which_nothing_is_known_is_priced_at_the_mean_of_its_functions() {
    let mut bench = alone();
    let mut look = seen("23T09:55", vec![]);
    look.region = Series { freshness: Freshness::Late(2), ..fresh(&[("23T09:50", point(100, 100))]) };
    bench.post(&look);
    assert_eq!(bench.spent("all"), HUNDRED);
    // The newest point may still grow.
    assert_eq!(bench.state.region.seen_until, Some(minute("23T09:48")));
}

#[test]
fn region_minutes_are_posted_32_minutes_back_and_no_further() {
    // At 10:30 minutes up to 10:26 are settled: 32 before is 9:54.
    let mut bench = alone();
    let mut look = seen("23T10:30", vec![]);
    look.region = fresh(&[("23T09:53", point(100, 100)), ("23T09:54", point(1, 0))]);
    bench.post(&look);
    assert_eq!(bench.spent("all"), 208_334);
    bench.post(&look);
    assert_eq!(bench.spent("all"), 208_334);
}

#[test]
fn throttles_and_errors_of_the_region_cost_nothing_by_themselves() {
    let mut bench = alone();
    let mut look = seen("23T09:55", vec![("a", fresh(&[("23T09:50", point(100, 100))]))]);
    let total = Point { throttles: 7, errors: 3, ..point(100, 100) };
    look.region = fresh(&[("23T09:50", total)]);
    bench.post(&look);
    assert_eq!(bench.spent("all"), HUNDRED);
}

#[test]
fn a_budget_of_invocations_counts_whole_units() {
    let mut bench = bench(vec![counting("calls")], vec![Function::new("a", 1024, 60)]);
    let mut look = seen("23T09:55", vec![("a", fresh(&[("23T09:50", point(100, 100))]))]);
    look.region = fresh(&[("23T09:50", point(130, 200))]);
    bench.post(&look);
    let book = bench.book("calls");
    assert_eq!(book.spent, UsdRange::exact(Usd::from_dollars(130)));
    assert_eq!(book.unattributed, UsdRange::exact(Usd::from_dollars(30)));
    look.functions = vec![("a".into(), fresh(&[("23T09:50", point(110, 100))]))];
    bench.post(&look);
    assert_eq!(bench.book("calls").spent, UsdRange::exact(Usd::from_dollars(130)));
    assert_eq!(bench.book("calls").unattributed, UsdRange::exact(Usd::from_dollars(20)));
}

fn asynchronous(timeout_s: u32) -> Function {
    let config = AsyncConfig { max_retries: 2, max_event_age_s: 21_600, on_failure: true };
    let base = Function::new("a", 1024, timeout_s);
    Function { synchronous: false, asynchronous: Some(config), ..base }
}

#[test]
fn repeated_work_is_a_part_of_the_cost_in_proportion() {
    // 300 ran, 100 events were received: 200 were repeated for certain where two thirds of the errors allow it.
    let failing = Point { errors: 300, async_received: Some(100), ..point(300, 300) };
    let function = asynchronous(60);
    let expected = amplification::observed(&function, &[(minute("23T10:25"), failing)]);
    assert_eq!(expected[1], 200);
    let mut bench = bench(vec![budget("all", Period::Month, None), counting("calls")], vec![function]);
    let reading = bench.look("23T10:30", vec![("a", fresh(&[("23T10:25", failing)]))]);
    let repeated = bench.book("all").repeated;
    assert_eq!(repeated.expected, picos(2 * HUNDRED));
    assert!(repeated.causes.contains(Cause::RepeatedWork));
    assert_eq!(bench.book("calls").repeated.expected, Usd::from_dollars(200));
    assert_eq!(reading.functions[0].attempts_per_mille, 3000);
    assert_eq!(reading.functions[0].failure_per_mille, 1000);
}

#[test]
fn repeated_work_costs_at_most_as_many_time_outs_and_at_most_everything() {
    // One error in 100 invocations: at most one retry and the duplicates were repeats.
    let failing = Point { errors: 1, ..point(100, 100) };
    let function = asynchronous(60);
    let window = [(minute("23T10:24"), failing), (minute("23T10:25"), point(100, 100))];
    let [_, _, high] = amplification::observed_since(&function, &window, window[1].0);
    assert_eq!(high, 2);
    let mut bench = bench(vec![budget("all", Period::Month, None)], vec![function]);
    bench.look("23T10:30", vec![("a", Series::fresh(window.to_vec()))]);
    let ledger = bench.ledger("a");
    let posted = ledger.minutes[1].1;
    // Two runs of a whole minute cost 2 × (60 × 16,666,700 + 200,000): more than the minute's whole cost.
    assert_eq!(posted.repeated.high, posted.cost.high.min(picos(2 * (60 * 16_666_700 + 200_000))));
    assert_eq!(posted.repeated.high, picos(1_688_336_700));
}

#[test]
fn the_volume_tier_changes_when_the_months_meter_crosses_it() {
    let mut bench = alone();
    let tier = 6_000_000_000 * 1_024_000_000_i128;
    bench.state.meters =
        Meters { month: 2026 * 12 + 10, x86_64_mb_us: tier - 1, arm64_mb_us: 5, ..Meters::default() };
    let points = fresh(&[("23T10:24", point(100, 100)), ("23T10:25", point(100, 100))]);
    bench.look("23T10:30", vec![("a", points)]);
    let minutes = &bench.book("all").minutes;
    assert_eq!(minutes.at(minute("23T10:24").0), Some(picos(HUNDRED)));
    // The second tier costs $0.000015 per GB-second; the rounding stays at the first.
    assert_eq!(minutes.at(minute("23T10:25").0), Some(picos(20_833_400 + 1_500_000_000)));
    assert_eq!(bench.state.meters.of(Architecture::X86_64), tier - 1 + 2 * 100_000_000 * 1024);
    assert_eq!(bench.state.meters.of(Architecture::Arm64), 5);
}

#[test]
fn arm_is_metered_apart() {
    let arm = Function { architecture: Architecture::Arm64, ..Function::new("a", 512, 60) };
    let mut bench = bench(vec![budget("all", Period::Month, None)], vec![arm]);
    bench.look("23T10:30", vec![("a", fresh(&[("23T10:24", point(0, 10))]))]);
    assert_eq!(bench.state.meters.of(Architecture::X86_64), 0);
    assert_eq!(bench.state.meters.of(Architecture::Arm64), 10_000_000 * 512);
    assert_eq!(bench.state.meters.month, 2026 * 12 + 10);
}

#[test]
fn the_meter_turns_with_the_month_in_utc_whatever_the_time_zone() {
    let policy = Policy {
        timezone: "Pacific/Kiritimati".to_owned(),
        budget: vec![budget("all", Period::Month, None)],
        ..Policy::default()
    };
    let mut bench = Bench { roster: roster(policy, vec![Function::new("a", 1024, 60)]), state: State::new() };
    bench.look("30T23:58", vec![("a", fresh(&[("30T23:54", point(1, 1))]))]);
    assert_eq!(
        bench.state.meters,
        Meters {
            month: 24_322,
            x86_64_mb_us: 1_024_000_000,
            arm64_mb_us: 0,
            free: FreeUsage { requests: 1, x86_64_mb_us: 1_024_000_000, arm64_mb_us: 0 },
        }
    );
    let mut december = seen("30T23:59", vec![]);
    december.at = time("30T23:59") + chrono::Duration::minutes(1);
    bench.post(&december);
    assert_eq!(
        bench.state.meters,
        Meters { month: 24_323, x86_64_mb_us: 0, arm64_mb_us: 0, ..Meters::default() }
    );
}

#[test]
fn a_new_period_begins_at_nothing_and_keeps_what_is_ordinary() {
    let budgets = vec![budget("month", Period::Month, None), budget("day", Period::Day, None)];
    let mut bench = bench(budgets, vec![asynchronous(60)]);
    let failing = Point { errors: 100, ..point(100, 100) };
    let mut look = seen("23T23:59", vec![("a", fresh(&[("23T23:54", failing), ("23T23:55", failing)]))]);
    look.region = fresh(&[("23T23:54", point(300, 300))]);
    bench.post(&look);
    assert!(bench.book("day").repeated.expected > Usd::ZERO);
    assert_eq!(bench.book("day").unattributed.expected, picos(2 * HUNDRED));
    bench.state.budgets.get_mut("day").unwrap().profile.record(hour("20T00:00"), picos(1), 0);
    // At midnight sharp a late point of the day before and nothing of the new day.
    let late = fresh(&[("23T23:54", failing), ("23T23:55", failing), ("23T23:56", point(100, 100))]);
    let reading = bench.look("24T00:00", vec![("a", late)]);
    assert_eq!(reading.rolled, [1]);
    let day = bench.book("day");
    assert_eq!((day.period_start, day.period_end), (time("24T00:00"), time("25T00:00")));
    assert_eq!([day.spent, day.repeated, day.unattributed], [UsdRange::ZERO; 3]);
    assert_eq!(day.minutes.at(minute("23T23:56").0), Some(picos(HUNDRED)));
    assert_eq!(day.hours.at(hour("23T23:00").0), Some(picos(5 * HUNDRED)));
    assert_eq!(day.profile.hours(), 1);
    assert_eq!(bench.spent("month"), 5 * HUNDRED);
    let reading = bench.look("24T00:05", vec![("a", fresh(&[("24T00:00", point(100, 100))]))]);
    assert_eq!(reading.rolled, Vec::<usize>::new());
    assert_eq!(bench.spent("day"), HUNDRED);
}

#[test]
fn a_function_that_exists_no_more_is_forgotten_once_its_minutes_are() {
    let two = || vec![Function::new("a", 1024, 60), Function::new("b", 1024, 60)];
    let mut bench = bench(vec![budget("all", Period::Month, None)], two());
    let one = || fresh(&[("23T10:25", point(100, 100))]);
    bench.look("23T10:30", vec![("a", one()), ("b", one())]);
    bench.roster = alone().roster;
    bench.look("23T10:31", vec![]);
    assert!(bench.state.function(&"b".into()).is_some(), "it may be created again and read again");
    // An hour later none of its minutes can come again.
    bench.look("23T11:25", vec![]);
    assert!(bench.state.function(&"b".into()).is_some());
    bench.look("23T11:26", vec![]);
    assert!(bench.state.function(&"b".into()).is_none());
    assert!(bench.state.function(&"a".into()).is_some());
    assert_eq!(bench.spent("all"), 2 * HUNDRED);
}

#[test]
fn a_function_that_does_not_exist_hides_no_other() {
    let functions = vec![Function::new("b", 1024, 60), Function::new("d", 1024, 60)];
    let mut bench = bench(vec![budget("all", Period::Month, None)], functions);
    let one = || fresh(&[("23T10:25", point(100, 100))]);
    let looked = ["a", "b", "c", "d", "e"].map(|name| (name, one())).to_vec();
    let reading = bench.look("23T10:30", looked);
    let read: Vec<usize> = reading.functions.iter().map(|function| function.index).collect();
    assert_eq!(read, [0, 1]);
    assert_eq!(bench.spent("all"), 2 * HUNDRED);
}

#[test]
fn long_invocations_show_as_hidden_before_their_durations_arrive() {
    let hidden = |timeout_s: u32, shown_s: u64| {
        let functions = vec![Function::new("a", 1024, timeout_s)];
        let mut bench = bench(vec![budget("all", Period::Month, None), counting("calls")], functions);
        let busy = Point { concurrency_max: 10, ..point(0, shown_s) };
        let reading = bench.look("23T10:30", vec![("a", fresh(&[("23T10:20", busy)]))]);
        assert_eq!(reading.hidden[1].in_flight, UsdRange::ZERO);
        amounts(reading.hidden[0].in_flight)
    };
    // Ten busy for a minute: 600 s at 16,666,700 picos.
    // One of them is always explained.
    assert_eq!(hidden(900, 0), [0, 540 * 16_666_700, 600 * 16_666_700]);
    // Half a minute of work is half busy on average and at its busiest 0.5 + 3.5·√0.5 + 1 = 3.974.
    assert_eq!(hidden(900, 30), [0, 361_560 * 16_666_700 / 1000, 570 * 16_666_700]);
    // Five minutes of work in one are five on average, and ten at its busiest are no sign of more.
    assert_eq!(hidden(900, 300), [0, 0, 300 * 16_666_700]);
    assert_eq!(hidden(900, 600), [0, 0, 0]);
    assert_eq!(hidden(900, 601), [0, 0, 0]);
    // A time-out within the metric lag hides nothing.
    assert_eq!(hidden(180, 0), [0, 0, 0]);
}

#[test]
fn what_has_left_the_window_hides_nothing_any_more() {
    // 181 s: 3 + 4 + 2 minutes... rounded up together: 361 s are 7 minutes, and two to spare.
    for (at, is_hidden) in [("23T10:21", true), ("23T10:20", false)] {
        let functions = vec![Function::new("a", 1024, 181)];
        let mut bench = bench(vec![budget("all", Period::Month, None)], functions);
        let busy = Point { concurrency_max: 10, ..point(0, 0) };
        let reading = bench.look("23T10:30", vec![("a", fresh(&[(at, busy)]))]);
        assert_eq!(reading.hidden[0].in_flight.high > Usd::ZERO, is_hidden, "{at}");
    }
}

#[test]
fn retries_certain_to_run_are_committed_at_the_mean_cost() {
    let function = asynchronous(60);
    let failing = Point { errors: 60, ..point(100, 100) };
    let now = minute("23T10:30");
    let window: Vec<(Minute, Point)> = [-6, -5, -4, -2, -1].map(|back| (now.plus(back), failing)).to_vec();
    // The latest four minutes count.
    let further = amplification::committed_invocations(&function, &window[1..], now);
    assert!(further[0] < further[1] && further[1] < further[2]);
    let mut bench = bench(vec![budget("all", Period::Month, None), counting("calls")], vec![function]);
    let reading = bench.look("23T10:30", vec![("a", Series::fresh(window))]);
    let money = further.map(|count| picos(4 * HUNDRED).mul_div_up(i128::from(count), 400).picos());
    assert_eq!(amounts(reading.hidden[0].committed), money);
    assert!(reading.hidden[0].committed.causes.contains(Cause::CommittedRetries));
    let units = further.map(|count| i128::from(count) * crate::money::PICOS_PER_USD);
    assert_eq!(amounts(reading.hidden[1].committed), units);
}

#[test]
fn retries_that_failures_lead_to_are_foreseen_before_any_has_run() {
    let budgets = || vec![budget("all", Period::Month, None), counting("calls")];
    let failing = |errors| Point { errors, ..point(100, 100) };
    let foreseen = |function: Function, minutes: &[(&str, Point)]| {
        let mut bench = bench(budgets(), vec![function]);
        let reading = bench.look("23T10:30", vec![("a", fresh(minutes))]);
        [0, 1].map(|budget: usize| reading.hidden[budget].retries_per_hour)
    };
    let units = |count: i64| Usd::from_dollars(count);
    // The first minute of an upload on which every attempt fails: nothing of its two retries has run.
    let poison = [("23T10:26", failing(100))];
    assert_eq!(foreseen(asynchronous(60), &poison), [picos(HUNDRED * 2 * 12), units(100 * 2 * 12)]);
    // Half of them fail: 1 + 0.5 + 0.25 attempts.
    assert_eq!(foreseen(asynchronous(60), &[("23T10:26", failing(50))])[0], picos(HUNDRED * 3 / 4 * 12));
    assert_eq!(foreseen(asynchronous(60), &[("23T10:26", failing(0))]), [Usd::ZERO; 2]);
    // A caller's retries look like new events.
    assert_eq!(foreseen(Function::new("a", 1024, 60), &poison), [Usd::ZERO; 2]);
    // Two units of concurrency burn no more than they can, whatever fails.
    let mut tight = asynchronous(60);
    tight.reserved = Some(2);
    let worst = bench(budgets(), vec![tight.clone()]).roster.worst_per_second(0) * 3600;
    let flood = Point { errors: 300, ..point(300, 300) };
    assert_eq!(foreseen(tight, &[("23T10:26", flood)])[0], worst - picos(3 * HUNDRED * 12));
}

#[test]
fn retries_that_run_already_are_not_foreseen_once_more() {
    let mut bench = bench(vec![budget("all", Period::Month, None)], vec![asynchronous(60)]);
    // 300 attempts a minute at 100 events, all failing: the first attempts and both retries of each.
    let steady = |at| (at, Point { errors: 300, async_received: Some(100), ..point(300, 300) });
    let minutes = ["23T10:22", "23T10:23", "23T10:24", "23T10:25", "23T10:26"].map(steady);
    let reading = bench.look("23T10:30", vec![("a", fresh(&minutes))]);
    let burn = reading.functions[0].burn_per_hour;
    assert!(
        reading.hidden[0].retries_per_hour <= burn.mul_div_up(1, 100),
        "{:?} of {burn}",
        reading.hidden[0]
    );
}

#[test]
fn the_burn_of_the_moment_covers_five_settled_minutes() {
    let mut bench = alone();
    let busy = |minute: &'static str, count: u64, throttles: u64, concurrency_max: u32| {
        (minute, Point { throttles, concurrency_max, errors: count / 10, ..point(count, count) })
    };
    let points = fresh(&[
        busy("23T10:21", 10_000, 10_000, 900),
        busy("23T10:22", 100, 1, 0),
        busy("23T10:24", 100, 2, 0),
        busy("23T10:26", 100, 4, 0),
        busy("23T10:27", 5_000, 100, 0),
    ]);
    let reading = bench.look("23T10:30", vec![("a", points)]);
    let [function] = reading.functions.as_slice() else { panic!("one function") };
    assert_eq!(function.index, 0);
    assert_eq!(function.burn_per_hour, picos(3 * HUNDRED * 12));
    assert_eq!(function.ordinary_per_hour, None);
    assert_eq!(function.excess_per_hour, function.burn_per_hour);
    assert_eq!(function.attempts_per_mille, 1000);
    assert_eq!(function.failure_per_mille, 100);
    assert_eq!(function.throttles, 7);
    assert_eq!(function.concurrency_max, 0);
    assert_eq!(function.concurrency_p99, None);
    assert_eq!(function.freshness, Freshness::Fresh);
}

#[test]
fn the_concurrency_of_a_minute_not_settled_yet_counts() {
    let mut bench = alone();
    let points = fresh(&[
        ("23T10:25", Point { concurrency_max: 3, ..point(0, 0) }),
        ("23T10:28", Point { concurrency_max: 9, ..point(0, 0) }),
    ]);
    let reading = bench.look("23T10:30", vec![("a", points)]);
    assert_eq!(reading.functions[0].concurrency_max, 9);
    assert_eq!(reading.functions[0].attempts_per_mille, 1000);
}

#[test]
fn cold_starts_are_the_rise_over_the_minute_just_before() {
    let mut bench = alone();
    let with = |concurrency_max: u32| Point { concurrency_max, ..point(100, 100) };
    let points = fresh(&[("23T10:22", with(4)), ("23T10:23", with(6)), ("23T10:25", with(6))]);
    bench.look("23T10:30", vec![("a", points)]);
    let minutes = &bench.book("all").minutes;
    // 400 ms of INIT each: 6,666,680 picos.
    assert_eq!(minutes.at(minute("23T10:22").0), Some(picos(HUNDRED + 4 * 6_666_680)));
    assert_eq!(minutes.at(minute("23T10:23").0), Some(picos(HUNDRED + 2 * 6_666_680)));
    assert_eq!(minutes.at(minute("23T10:25").0), Some(picos(HUNDRED + 6 * 6_666_680)));
}

#[test]
fn nothing_exceeds_the_ordinary_within_its_band() {
    let mut bench = alone();
    bench.look("23T10:20", vec![("a", Series::silent())]);
    // Five minutes of 100 invocations are 12 × 5 × 1,687.5 micro-dollars an hour.
    let burn = picos(5 * HUNDRED * 12);
    let history = |bench: &mut Bench, amount: Usd| {
        let ledger = bench.ledger("a");
        ledger.profile = Profile::default();
        for back in 1..=672 {
            ledger.profile.record(hour("23T10:00").plus(-673 + back), amount, 7);
        }
        ledger.profile.refresh();
        ledger.profile.expect(hour("23T10:00")).unwrap()
    };
    let points = ["23T10:22", "23T10:23", "23T10:24", "23T10:25", "23T10:26"];
    let points = fresh(&points.map(|at| (at, point(100, 100))));
    // A band of twice a fifth of the median: the burn is 1.4 times the ordinary, or a trace more.
    for (ordinary, within) in [(72_325_000_000, true), (72_322_000_000, false)] {
        let expectation = history(&mut bench, picos(ordinary));
        let reading = bench.look("23T10:30", vec![("a", points.clone())]);
        let function = reading.functions[0];
        assert_eq!(burn <= expectation.upper, within, "{ordinary}: {:?}", expectation.upper);
        let excess = if within { Usd::ZERO } else { burn - expectation.expected };
        assert_eq!(function.excess_per_hour, excess, "{ordinary}");
        assert_eq!(function.ordinary_per_hour, Some(expectation.expected));
        assert_eq!(function.concurrency_p99, Some(7));
    }
}

#[test]
fn hours_seen_in_part_are_remembered_until_the_census_of_the_day() {
    let mut bench = alone();
    for hour in 0..24 {
        let (at, seen) = (format!("23T{hour:02}:30"), format!("23T{hour:02}:25"));
        bench.look(&at, vec![("a", fresh(&[(seen.as_str(), point(100, 100))]))]);
    }
    assert_eq!(bench.spent("all"), 24 * HUNDRED);
    let whole = (0..24).map(|back| (hour("23T00:00").plus(back), point(200, 200))).collect();
    bench.post(&census("24T00:20", vec![("a", whole)], "23T00:00", "23T23:00"));
    assert_eq!(bench.spent("all"), 48 * HUNDRED);
}

/// Two functions' minutes of two hours, as looks at random times and of random completeness show them.
#[derive(Clone, Debug)]
struct Glance {
    after_min: i64,
    of_a: bool,
    of_b: bool,
    partial_percent: u64,
}

fn glance() -> impl Strategy<Value = Glance> {
    (1_i64..18, any::<bool>(), any::<bool>(), 0_u64..=100).prop_map(
        |(after_min, of_a, of_b, partial_percent)| Glance { after_min, of_a, of_b, partial_percent },
    )
}

fn truth() -> impl Strategy<Value = Vec<(u64, u64)>> {
    proptest::collection::vec((0_u64..50, 0_u64..90), 120)
}

/// A part of a point, in whole seconds so that costs add up without rounding.
fn part_of((invocations, seconds): (u64, u64), percent: u64) -> Point {
    point(invocations * percent / 100, seconds * percent / 100)
}

fn visible(truth: &[(u64, u64)], first: Minute, now: Minute, from: Minute, percent: u64) -> Series {
    let minutes = truth.iter().enumerate().map(|(index, all)| {
        let at = first.plus(i64::try_from(index).unwrap());
        let percent = if at < now.plus(-3) { 100 } else { percent };
        (at, part_of(*all, percent))
    });
    Series::fresh(minutes.filter(|(at, _)| *at >= from && *at < now).collect())
}

fn total(truth: &[(u64, u64)], hour: usize) -> Point {
    let (mut invocations, mut seconds) = (0, 0);
    for (a, b) in &truth[hour * 60..(hour + 1) * 60] {
        invocations += a;
        seconds += b;
    }
    point(invocations, seconds)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]
    #[test]
    fn parts_add_up_and_books_end_as_after_one_clean_pass(
        a in truth(),
        b in truth(),
        glances in proptest::collection::vec(glance(), 1..16),
    ) {
        let budgets = vec![
            budget("all", Period::Month, None),
            budget("a", Period::Month, Some("a")),
            budget("b", Period::Month, Some("b")),
        ];
        let functions = || vec![Function::new("a", 1024, 60), Function::new("b", 1024, 60)];
        let mut messy = bench(budgets.clone(), functions());
        let first = minute("23T10:00");
        let mut now = first;
        let both: Vec<(u64, u64)> = a.iter().zip(&b).map(|(a, b)| (a.0 + b.0, a.1 + b.1)).collect();
        for glance in glances {
            now = Minute((now.0 + glance.after_min).min(first.0 + 119));
            let from = now.plus(-30);
            let mut look = seen("23T10:00", vec![]);
            look.at = now.start();
            look.from = from;
            let show = |truth: &[(u64, u64)]| visible(truth, first, now, from, glance.partial_percent);
            if glance.of_a {
                look.functions.push(("a".into(), show(&a)));
            }
            if glance.of_b {
                look.functions.push(("b".into(), show(&b)));
            }
            look.region = show(&both);
            messy.post(&look);
            let parts = messy.book("a").spent + messy.book("b").spent + messy.book("all").unattributed;
            prop_assert_eq!(amounts(parts), amounts(messy.book("all").spent));
        }
        let mut clean = bench(budgets, functions());
        let of = |truth: &[(u64, u64)]| {
            hours(&[("23T10:00", total(truth, 0)), ("23T11:00", total(truth, 1))])
        };
        let whole = census("23T12:06", vec![("a", of(&a)), ("b", of(&b))], "23T10:00", "23T11:00");
        messy.post(&whole);
        clean.post(&whole);
        for name in ["all", "a", "b"] {
            prop_assert_eq!(amounts(messy.book(name).spent), amounts(clean.book(name).spent));
            prop_assert_eq!(amounts(messy.book(name).unattributed), [0; 3]);
        }
        prop_assert_eq!(messy.state.meters, clean.state.meters);
        prop_assert_eq!(&messy.ledger("a").profile, &clean.ledger("a").profile);
    }

    #[test]
    fn repeated_work_never_costs_more_than_all_work(
        points in proptest::collection::vec((0_u64..500, 0_u64..500, 0_u64..9000, 0_u32..50), 1..9),
    ) {
        let mut bench = bench(vec![budget("all", Period::Month, None), counting("calls")], vec![asynchronous(300)]);
        let now = minute("23T10:30");
        let minutes = points.iter().zip(-9_i64..).map(|((invocations, errors, seconds, concurrency), back)| {
            let errors = (*errors).min(*invocations);
            (now.plus(back), Point { errors, concurrency_max: *concurrency, ..point(*invocations, *seconds) })
        });
        bench.look("23T10:30", vec![("a", Series::fresh(minutes.collect()))]);
        for name in ["all", "calls"] {
            let book = bench.book(name);
            let repeated = amounts(book.repeated);
            prop_assert!(repeated[0] <= repeated[1] && repeated[1] <= repeated[2]);
            prop_assert!(book.repeated.expected <= book.spent.expected);
            prop_assert!(book.repeated.high <= book.spent.high);
        }
    }
}

#[test]
fn provisioned_concurrency_bills_every_minute_whether_anything_runs_or_not() {
    let mut function = Function::new("f", 1024, 3);
    function.provisioned = 10;
    let text = "[[budget]]\nname = \"m\"\nperiod = \"month\"\nusd = 100\n[[budget]]\nname = \"n\"\nperiod = \"month\"\ninvocations = 5";
    let policy = Policy::from_toml(text).unwrap();
    let inventory = Inventory::new("us-east-1", AccountLimits::default(), vec![function]);
    let roster = Roster::new(policy, PriceTable::embedded(), inventory, None);
    let mut state = State::new();
    let start = Utc.with_ymd_and_hms(2026, 11, 17, 12, 0, 0).unwrap();
    for minute in [0, 1, 2, 30, 30] {
        let _reading =
            post(&roster, &mut state, &Observation::blind(start + chrono::Duration::minutes(minute)));
    }
    // 10 × 1 GB × 60 s × $0.0000041667 a minute, for half an hour; what was before the first look is not known.
    let spent = state.budgets.get("m").unwrap().spent;
    assert_eq!(spent, UsdRange::exact("0.0750006".parse().unwrap()));
    assert_eq!(state.budgets.get("n").unwrap().spent, UsdRange::ZERO, "it is no invocation");
    // A silence of two days is made good in one sum and in minutes, without a gap.
    let reading =
        post(&roster, &mut state, &Observation::blind(start + chrono::Duration::minutes(30 + 2880)));
    let book = state.budgets.get("m").unwrap();
    assert_eq!(book.spent, UsdRange::exact("7.2750582".parse().unwrap()));
    let minutes = [-360, -359, 0, 1].map(|from_settled| book.minutes.at(reading.settled.0 + from_settled));
    let single: Usd = "0.00250002".parse().unwrap();
    assert_eq!(minutes, [None, Some(single), Some(single), None]);
}

#[test]
fn the_free_tier_is_taken_off_the_account_s_month_only_and_only_where_the_policy_says_so() {
    let look = |policy: &str, provisioned: u32| {
        let mut function = Function::new("f", 1024, 3);
        function.provisioned = provisioned;
        let budgets = "[[budget]]\nname = \"month\"\nperiod = \"month\"\nusd = 100\n[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 100\n[[budget]]\nname = \"own\"\nscope = { functions = \"f\" }\nperiod = \"month\"\nusd = 100\n";
        let policy = Policy::from_toml(&format!("{policy}{budgets}")).unwrap();
        let inventory = Inventory::new("us-east-1", AccountLimits::default(), vec![function]);
        let roster = Roster::new(policy, PriceTable::embedded(), inventory, None);
        let mut state = State::new();
        let at = Utc.with_ymd_and_hms(2026, 11, 17, 12, 30, 0).unwrap();
        let minute = Minute::of(at).plus(-5);
        // 1,500,000 requests and 500,000 GB-seconds in one minute: half a million and 100,000 are not free.
        let point = Point { invocations: 1_500_000, duration_us: 500_000_000_000, ..Point::default() };
        let seen = Observation {
            glances: Vec::new(),
            at,
            from: minute,
            census: None,
            region: Series::fresh(vec![(minute, point)]),
            functions: vec![("f".into(), Series::fresh(vec![(minute, point)]))],
        };
        for _ in 0..2 {
            let _reading = post(&roster, &mut state, &seen);
        }
        ["month", "day", "own"].map(|name| state.budgets.get(name).unwrap().spent.low)
    };
    let usd = |text: &str| text.parse::<Usd>().unwrap();
    // $0.30 of requests, $8.33335 of duration; the free tier is worth $0.20 and $6.66668.
    assert_eq!(look("", 0), [usd("8.63335"); 3]);
    assert_eq!(look("free_tier = \"deduct\"\n", 0), [usd("1.76667"), usd("8.63335"), usd("8.63335")]);
    // Not with provisioned concurrency, on which 60 of the GB-seconds are $0.0000069445 cheaper.
    assert_eq!(look("free_tier = \"deduct\"\n", 1), [usd("8.63293333"); 3]);
}

#[test]
fn what_a_function_explains_hours_later_is_counted_once() {
    let functions = vec![Function::new("a", 1024, 60), Function::new("b", 1024, 60)];
    let budgets = vec![budget("all", Period::Month, None), budget("only-b", Period::Month, Some("b"))];
    let mut bench = bench(budgets, functions);
    let mut look = seen("23T08:30", vec![("b", Series::silent())]);
    bench.post(&look);
    // For three hours only the region's totals are read; they show a hundred seconds at 09:10.
    for at in ["23T09:15", "23T10:00", "23T11:00"] {
        look = seen(at, vec![]);
        look.region = fresh(&[("23T09:10", point(100, 100))]);
        bench.post(&look);
    }
    assert!(bench.spent("all") > 0 && bench.spent("only-b") == 0);
    // Then the function is read from where it was last seen, and explains them.
    let of_b = || ("b", fresh(&[("23T09:10", point(100, 100))]));
    look = seen("23T11:30", vec![of_b()]);
    look.from = minute("23T08:27");
    bench.post(&look);
    assert_eq!((bench.spent("all"), bench.spent("only-b")), (HUNDRED, HUNDRED));
}
