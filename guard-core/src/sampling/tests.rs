//! What is looked at, how often, and what looking costs, by hand.

use chrono::TimeZone;

use super::*;
use crate::inventory::{AccountLimits, Function, Inventory};
use crate::ledger::FunctionLedger;
use crate::policy::{Budget, Limits, Policy, Scope, Timing};
use crate::pricing::PriceTable;
use crate::state::{CensusRound, CensusState, Latch, Phase};
use crate::time::Minute;

fn time(hour: u32, minute: u32) -> chrono::DateTime<chrono::Utc> {
    chrono::Utc.with_ymd_and_hms(2026, 11, 23, hour, minute, 0).unwrap()
}

fn named(index: usize) -> String {
    format!("f{index:04}")
}

fn many(count: usize) -> Vec<Function> {
    (0..count).map(|index| Function::new(named(index).as_str(), 1024, 60)).collect()
}

fn account() -> Budget {
    Budget::per_month("all", Usd::from_dollars(720))
}

fn own(functions: &str) -> Budget {
    let scope = Scope { functions: Some(functions.to_owned()), ..Scope::default() };
    Budget { scope, name: "own".to_owned(), ..account() }
}

fn roster(budget: Vec<Budget>, functions: Vec<Function>) -> Roster {
    let inventory = Inventory::new("us-east-1", AccountLimits::default(), functions);
    let policy = Policy { budget, ..Policy::default() };
    Roster::new(policy, PriceTable::embedded(), inventory, None)
}

/// A look at 10:30 that has shown nothing, and what comes next.
fn look(roster: &Roster, state: &mut State, verdicts: &[Verdict]) -> SamplingPlan {
    let seen = Observation::blind(time(10, 30));
    let reading = crate::posting::post(roster, state, &seen);
    next(roster, state, &seen, &reading, verdicts, &[])
}

fn latch(phase: Phase) -> Latch {
    Latch {
        budget: None,
        tripped_at: time(9, 0),
        phase,
        phase_since: time(9, 0),
        calm_since: None,
        relapses: 0,
        levers: vec![],
    }
}

#[test]
fn the_worst_burn_is_every_unit_of_concurrency_busy_and_answering() {
    let mut functions = many(2);
    functions[1].reserved = Some(10);
    let mut roster = roster(vec![account()], functions);
    // 16,666,700 + 10 × 200,000 picos a second each, 900 of the pool or 10 reserved.
    assert_eq!(roster.worst_per_second(0), Usd::from_picos(900 * 18_666_700));
    assert_eq!(roster.worst_per_second(1), Usd::from_picos(10 * 18_666_700));
    assert_eq!(roster.worst_per_second(2), Usd::ZERO);
    // A new account: all of its ten may be used although none can be reserved.
    roster.inventory.account = AccountLimits { concurrency: 10, unreserved_minimum: 10 };
    assert_eq!(roster.worst_per_second(0), Usd::from_picos(10 * 18_666_700));
}

#[test]
fn the_interval_is_the_tolerated_overrun_over_the_worst_burn_within_its_limits() {
    let mut roster = roster(vec![account()], many(1));
    let interval = |roster: &Roster, picos: i128| interval_s(roster, Usd::from_picos(picos));
    // A dollar at a cent a second.
    assert_eq!(interval(&roster, 10_000_000_000), 100);
    assert_eq!(interval(&roster, 9_999_999_999), 100);
    assert_eq!(interval(&roster, 10_000_000_001), 99);
    assert_eq!(interval(&roster, 16_800_030_000), 60);
    assert_eq!(interval(&roster, 1_000_000_000_000), 60);
    assert_eq!(interval(&roster, 277_777_777), 3600);
    assert_eq!(interval(&roster, 1), 3600);
    assert_eq!(interval(&roster, 0), 3600);
    roster.policy.timing = Timing { tick_s: 300, ..Timing::default() };
    assert_eq!(interval(&roster, 10_000_000_000), 300);
    roster.policy.timing.tick_s = 7200;
    assert_eq!(interval(&roster, 10_000_000_000), 3600);
    roster.policy.timing.tick_s = 60;
    roster.policy.limits = Limits { tolerated_overrun_usd: Usd::from_dollars(5), ..Limits::default() };
    assert_eq!(interval(&roster, 10_000_000_000), 500);
}

#[test]
fn a_calm_region_does_not_surge_whatever_is_counted() {
    for power in [0, 3, 6, 9, 12] {
        let an_hour = 10_u64.pow(power);
        let counting = Budget { usd: None, invocations: Some(720 * an_hour), ..account() };
        let roster = roster(vec![counting], many(1));
        let seen = Observation::blind(time(10, 30));
        let surges_at = |percent: i128| {
            let mut state = State::new();
            let reading = crate::posting::post(&roster, &mut state, &seen);
            let book = state.budgets.get_mut("all").unwrap();
            let hour = Usd::from_dollars(1) * i128::from(an_hour);
            for back in 1..=672 {
                book.profile.record(reading.now.hour().plus(-back), hour, 0);
            }
            book.shape = crate::ledger::WeekShape::of(&book.profile, reading.now.hour());
            let minute = crate::ledger::Entry::exact(hour.mul_div_up(percent, 100 * 60));
            book.post(reading.settled, &minute);
            surges(&roster.rules[0], &state, &reading)
        };
        // The band of four equal weeks ends at 1.4 times the median.
        assert_eq!([100, 139, 142].map(surges_at), [false, false, true], "10^{power}");
    }
}

#[test]
fn without_suspicion_only_functions_with_budgets_of_their_own_are_in_focus() {
    let roster = roster(vec![account(), own("f0001")], many(3));
    let plan = look(&roster, &mut State::new(), &[Verdict::Fine, Verdict::Fine]);
    assert_eq!(plan.focus, ["f0001".into()]);
}

#[test]
fn a_function_is_due_when_its_interval_would_pass_before_the_next_tick() {
    // 10 × 18,666,700 picos a second burn a dollar in 5,357 s: an hour. With 54 reserved: 992 s.
    for (reserved, until, due) in [
        (10, time(9, 27), false),
        (10, time(9, 26), true),
        (54, time(10, 11), false),
        (54, time(10, 10), true),
    ] {
        let mut functions = many(3);
        functions[1].reserved = Some(reserved);
        let roster = roster(vec![own("f0001")], functions);
        let mut state = State::new();
        let mut ledger = crate::ledger::FunctionLedger::new("f0001".into());
        ledger.covered = Some((Minute::of(time(8, 0)), Minute::of(until)));
        state.functions = vec![crate::ledger::FunctionLedger::new("f0000".into()), ledger];
        // At 10:30 minutes up to 10:26 are settled.
        let plan = look(&roster, &mut state, &[Verdict::Fine]);
        assert_eq!(plan.focus.len(), usize::from(due), "{reserved} {until}");
    }
}

#[test]
fn a_suspicious_budget_puts_its_functions_in_focus() {
    let roster = roster(vec![account(), own("f0001")], many(3));
    let all: Vec<FunctionName> = (0..3).map(|index| named(index).as_str().into()).collect();
    for verdict in [Verdict::BreachedAlert, Verdict::BreachedOrdinary] {
        let plan = look(&roster, &mut State::new(), &[verdict, Verdict::Fine]);
        assert_eq!(plan.focus, all, "{verdict:?}");
    }
    let plan = look(&roster, &mut State::new(), &[Verdict::Warn, Verdict::Fine]);
    assert_eq!(plan.focus, all[1..2], "a percentage that was passed is no reason to look");
}

#[test]
fn a_budget_that_is_gone_soon_or_burns_fast_puts_its_functions_in_focus() {
    let roster = roster(vec![account()], many(3));
    let seen = Observation::blind(time(10, 30));
    let focus = |outlook: Outlook| {
        let mut state = State::new();
        let reading = crate::posting::post(&roster, &mut state, &seen);
        next(&roster, &state, &seen, &reading, &[Verdict::Warn], &[outlook]).focus.len()
    };
    let gone = |minute: u32| Outlook { exhausted_if_sustained: Some(time(11, minute)), ..Outlook::default() };
    assert_eq!((focus(gone(0)), focus(gone(1)), focus(Outlook::default())), (3, 0, 0));
    let breaking = Outlook {
        incident_per_hour: Usd::from_dollars(1_000_000),
        if_sustained: crate::money::UsdRange::exact(Usd::from_dollars(1_000_000_000)),
        ..Outlook::default()
    };
    assert_eq!(focus(breaking), 3);
}

#[test]
fn a_budget_that_burns_beyond_its_band_is_suspicious() {
    // $720 a month of 30 days are $1 an hour.
    let surge = |mode: Mode, amount: Usd, minute: u32| {
        let roster = roster(vec![Budget { mode, ..account() }], many(2));
        let mut state = State::new();
        look(&roster, &mut state, &[Verdict::Fine]);
        let entry = crate::ledger::Entry::exact(amount);
        state.budgets.get_mut("all").unwrap().post(Minute::of(time(10, minute)), &entry);
        look(&roster, &mut state, &[Verdict::Fine]).focus.len()
    };
    let even = Usd::from_dollars(1).mul_div_up(1, 60);
    assert_eq!(surge(Mode::Alert, even + Usd::from_picos(1), 26), 2);
    assert_eq!(surge(Mode::Alert, even - Usd::from_picos(1), 26), 0);
    assert_eq!(surge(Mode::Stop, even + Usd::from_picos(1), 26), 2);
    assert_eq!(surge(Mode::Observe, even + Usd::from_picos(1), 26), 0);
    assert_eq!(surge(Mode::Alert, Usd::from_dollars(1), 25), 0);
}

#[test]
fn trips_are_in_focus_whatever_else_is() {
    let roster = roster(vec![account()], many(3));
    let mut state = State::new();
    state.latches.insert("f0002".into(), latch(Phase::Capped));
    state.latches.insert("f0001".into(), latch(Phase::Watching));
    state.latches.insert("f0000".into(), latch(Phase::Standing));
    let plan = look(&roster, &mut state, &[Verdict::Fine]);
    assert_eq!(plan.focus, ["f0000".into(), "f0001".into(), "f0002".into()]);
    // A function that is both is there once.
    let plan = look(&roster, &mut state, &[Verdict::BreachedAlert]);
    assert_eq!(plan.focus.len(), 3);
}

#[test]
fn focus_holds_500_the_dearest_first_and_trips_before_them() {
    let mut functions = many(510);
    functions[505].memory_mb = 2048;
    functions[506].memory_mb = 2048;
    functions[3].reserved = Some(1);
    let roster = roster(vec![account()], functions);
    let mut state = State::new();
    state.latches.insert("f0509".into(), latch(Phase::Ramping));
    let focus = look(&roster, &mut state, &[Verdict::BreachedAlert]).focus;
    assert_eq!(focus.len(), 500);
    assert!(focus.is_sorted());
    let has = |index: usize| focus.contains(&named(index).as_str().into());
    assert!(has(509) && has(505) && has(506));
    // The cheapest is left out, and of equals the last by name: 499 places, 2 of them for the dearest.
    assert!(!has(3) && has(0) && has(497) && !has(498) && !has(508));
    let all_fit =
        super::focus(&roster, &State::new(), (0..FOCUS_MAX).map(|index| (Usd::ZERO, index)).collect());
    assert_eq!(all_fit.len(), FOCUS_MAX);
    let all: Vec<(FunctionName, Latch)> =
        (0..510).map(|index| (named(index).as_str().into(), latch(Phase::Capped))).collect();
    state.latches = all.into_iter().collect();
    let focus = look(&roster, &mut state, &[Verdict::BreachedAlert]).focus;
    assert_eq!(focus.len(), FOCUS_MAX);
    assert_eq!(focus[499], named(499).as_str().into());
}

#[test]
fn of_thousands_the_dearest_are_in_focus_wherever_they_stand() {
    let focus = |change: fn(usize, &mut Function)| {
        let mut functions = many(2400);
        functions.iter_mut().enumerate().for_each(|(index, function)| change(index, function));
        let roster = roster(vec![account()], functions);
        look(&roster, &mut State::new(), &[Verdict::BreachedAlert]).focus
    };
    let names = |range: std::ops::Range<usize>| range.map(|index| named(index).as_str().into());
    let rising = focus(|index, function| function.reserved = u32::try_from(index).ok());
    assert_eq!(rising, names(1900..2400).collect::<Vec<_>>());
    let falling = focus(|index, function| function.reserved = u32::try_from(2400 - index).ok());
    assert_eq!(falling, names(0..500).collect::<Vec<_>>());
    let last = focus(|index, function| function.memory_mb += u32::from(index == 2399));
    assert_eq!(last, names(0..499).chain(names(2399..2400)).collect::<Vec<_>>());
}

#[test]
fn a_census_is_due_once_a_day_when_the_day_before_is_complete() {
    let mut state = State::new();
    let roster = roster(vec![account()], many(3));
    let due = |state: &State, hour: u32, minute: u32| {
        census(&roster, state, time(hour, minute)).is_some_and(|slice| slice.ends_round)
    };
    assert!(due(&state, 10, 30));
    // Read up to Sunday's 22nd hour: its last is complete on Monday at 0:20.
    state.census.through = Some(Hour::of(time(0, 0)).plus(-2));
    assert!(!due(&state, 0, 19));
    assert!(due(&state, 0, 20));
    state.census.through = Some(Hour::of(time(0, 0)).plus(-1));
    assert!(!due(&state, 0, 20));
    assert!(!due(&state, 23, 59));
    state.census.through = Some(Hour::of(time(9, 0)));
    assert!(!due(&state, 23, 59));
    state.census.through = Some(Hour::of(time(0, 0)).plus(-26));
    assert!(due(&state, 0, 0));
}

#[test]
fn a_round_of_the_census_walks_through_everybody_a_few_calls_at_a_time() {
    let roster = roster(vec![account()], many(400));
    let mut state = State::new();
    let mut asked = Vec::new();
    for tick in 0..3 {
        let slice = census(&roster, &state, time(10, 30 + tick)).unwrap();
        // Four weeks of five metrics: 30 subjects a call, the region among them.
        assert_eq!(slice.functions.len(), if tick < 2 { 149 } else { 102 });
        assert_eq!((slice.last.0 - slice.first.0 + 1, slice.last), (672, Hour::of(time(9, 0))));
        assert_eq!(slice.ends_round, tick == 2);
        asked.extend(slice.functions.clone());
        let after = slice.functions.last().unwrap().clone();
        state.census.round = Some(CensusRound { last: slice.last, after, has_holes: false });
    }
    let all: Vec<FunctionName> =
        roster.inventory.functions.iter().map(|function| function.name.clone()).collect();
    assert_eq!(asked, all);
    // A day later 24 hours of a hundred subjects fit into a call; a new function among them makes it four weeks again.
    let through = Hour::of(time(0, 0)).plus(-25);
    state.census = CensusState { through: Some(through), ..CensusState::default() };
    state.functions = all.iter().map(|name| settled(name, through)).collect();
    let slice = census(&roster, &state, time(0, 20)).unwrap();
    assert_eq!((slice.functions.len(), slice.first, slice.ends_round), (400, through.plus(1), true));
    state.functions.remove(200);
    let slice = census(&roster, &state, time(0, 20)).unwrap();
    assert_eq!((slice.functions.len(), slice.first, slice.ends_round), (200, through.plus(1), false));
}

#[test]
fn functions_that_come_between_two_rounds_are_asked_at_once_and_again_after_a_quarter_of_an_hour() {
    let mut state = State::new();
    let through = Hour::of(time(0, 0)).plus(-1);
    state.census.through = Some(through);
    state.functions = ["f0000", "f0002"].map(|name| settled(&name.into(), through)).into();
    assert_eq!(census(&roster(vec![account()], vec![]), &state, time(10, 30)), None);
    let roster = roster(vec![account()], many(400));
    let slice = census(&roster, &state, time(10, 30)).unwrap();
    assert_eq!((slice.first, slice.last, slice.ends_round), (through.plus(-671), through, false));
    // As many as a slice of a first round.
    assert_eq!((slice.functions.len(), slice.functions[0].as_str()), (149, "f0001"));
    assert!(!slice.functions.contains(&"f0002".into()));
    state.census.newcomers_at = Some(Minute::of(time(10, 30)));
    assert_eq!(census(&roster, &state, time(10, 44)), None);
    assert!(census(&roster, &state, time(10, 45)).is_some());
    state.census.through = None;
    assert!(census(&roster, &state, time(10, 31)).unwrap().first < through, "the first round asks everybody");
}

#[test]
fn a_function_whose_minutes_have_shown_every_hour_is_left_out_of_the_census() {
    let roster = roster(vec![account()], many(3));
    let mut state = State::new();
    let last = Hour::of(time(0, 0)).plus(-1);
    state.census.through = Some(last.plus(-24));
    state.functions = [("f0000", 0), ("f0001", -1), ("f0002", -24)]
        .map(|(name, behind)| settled(&name.into(), last.plus(behind)))
        .into();
    let slice = census(&roster, &state, time(0, 20)).unwrap();
    assert_eq!(slice.functions, ["f0001".into(), "f0002".into()]);
    state.functions = ["f0000", "f0001", "f0002"].map(|name| settled(&name.into(), last)).into();
    let slice = census(&roster, &state, time(0, 20)).unwrap();
    let nobody = CensusSlice { first: last.plus(-23), last, functions: vec![], ends_round: true };
    assert_eq!(slice, nobody, "the region is asked all the same");
}

#[test]
fn a_census_waits_as_long_as_the_longest_window() {
    let mut roster = roster(vec![account()], vec![Function::new("a", 512, 900)]);
    roster.policy.timing.metric_lag_s = 900;
    let roster = Roster::new(roster.policy, PriceTable::embedded(), roster.inventory, None);
    let last = |minute: u32| census(&roster, &State::new(), time(10, minute)).unwrap().last;
    assert_eq!((last(31), last(32)), (Hour::of(time(8, 0)), Hour::of(time(9, 0))));
}

fn settled(name: &FunctionName, through: Hour) -> FunctionLedger {
    FunctionLedger { settled_through: Some(through), ..FunctionLedger::new(name.clone()) }
}

#[test]
fn a_month_of_looking_costs_what_is_worked_out_by_hand() {
    // Sweep: 43,200 ticks × 5 metrics × $0.00001. Census: 30 days × 5 metrics × functions.
    for (functions, census) in [(10, 15), (100, 150), (1_000, 1_500), (10_000, 15_000)] {
        let cost = own_cost_of_month(&roster(vec![account()], many(functions)));
        assert_eq!(cost.sweep, "2.16".parse().unwrap());
        assert_eq!(cost.focus, Usd::ZERO);
        assert_eq!(cost.census, Usd::from_picos(census * 1_000_000_000));
        assert_eq!(cost.total(), cost.sweep + cost.census);
    }
    let thousand = own_cost_of_month(&roster(vec![account()], many(1_000))).total();
    assert_eq!(thousand, "3.66".parse().unwrap());
    assert!(thousand < Usd::from_dollars(5));
}

#[test]
fn functions_with_budgets_of_their_own_cost_their_looks() {
    let mut functions = many(3);
    functions[1].reserved = Some(10);
    let cost = own_cost_of_month(&roster(vec![account(), own("f000[12]"), own("f0001")], functions.clone()));
    // Reserved 10: a look an hour, 720 × 5 × $0.00001.
    assert_eq!(cost.focus, "0.036".parse().unwrap());
    // All of the pool burns $0.0168 a second: every 59 s, not more often than the tick.
    let cost = own_cost_of_month(&roster(vec![account(), own("*")], functions));
    assert_eq!(cost.focus, Usd::ZERO);
    let cost = own_cost_of_month(&roster(vec![own("f*")], many(2)));
    assert_eq!(cost.focus, "4.32".parse().unwrap());
}
