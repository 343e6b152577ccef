//! What is looked at, how often, and what looking costs, by hand.

use chrono::TimeZone;

use super::*;
use crate::inventory::{AccountLimits, Function, Inventory};
use crate::ledger::FunctionLedger;
use crate::observation::{CensusSlice, Freshness};
use crate::policy::{Budget, Policy, Scope};
use crate::posting::FunctionReading;
use crate::pricing::PriceTable;
use crate::state::{CensusRound, CensusState, Latch, Phase, Purse};
use crate::time::{Hour, Minute};

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
fn trips_are_in_focus_whatever_else_is() {
    let roster = roster(vec![account()], many(3));
    let mut state = State::new();
    state.latches.insert("f0002".into(), latch(Phase::Capped));
    state.latches.insert("f0001".into(), latch(Phase::Watching));
    state.latches.insert("f0000".into(), latch(Phase::Standing));
    let plan = look(&roster, &mut state, &[Verdict::Fine]);
    assert_eq!(plan.focus, ["f0000".into(), "f0001".into(), "f0002".into()]);
}

/// A function that spends so many dollars an hour above its usual.
fn loud(index: usize, dollars: i64) -> FunctionReading {
    FunctionReading {
        index,
        burn_per_hour: Usd::from_dollars(dollars),
        invocations_per_hour: Usd::ZERO,
        ordinary_per_hour: Some(Usd::ZERO),
        is_new: false,
        excess_per_hour: Usd::from_dollars(dollars),
        attempts_per_mille: 1000,
        failure_per_mille: 0,
        throttles: 0,
        concurrency_max: 1,
        concurrency_p99: Some(1),
        freshness: Freshness::Fresh,
    }
}

#[test]
fn the_purse_pays_for_full_looks_unless_a_budget_is_pressed_and_the_dearest_excess_comes_first() {
    let roster = roster(vec![account()], many(3));
    let plan = |metrics: i64, verdict: Verdict| {
        let mut state = State::new();
        let seen = Observation::blind(time(10, 30));
        let mut reading = crate::posting::post(&roster, &mut state, &seen);
        reading.functions = vec![loud(0, 2), loud(1, 4)];
        state.purse = Purse { millis: metrics * 1000, at: Some(seen.at) };
        let plan = next(&roster, &state, &seen, &reading, &[verdict], &[]);
        let left = state.purse.after(&roster, &plan, seen.at).millis;
        let names =
            |names: &[FunctionName]| names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
        (names(&plan.focus), names(&plan.paid), left)
    };
    let both = vec!["f0000".to_owned(), "f0001".to_owned()];
    assert_eq!(plan(10, Verdict::Fine), (both.clone(), both.clone(), 0), "five metrics each");
    let dearest = vec!["f0001".to_owned()];
    assert_eq!(plan(9, Verdict::Fine), (dearest.clone(), dearest, 4000));
    assert_eq!(plan(4, Verdict::Fine), (vec![], vec![], 4000));
    assert_eq!(
        plan(0, Verdict::BreachedAct),
        (both, vec![], 0),
        "at a budget's line nothing waits for the purse"
    );
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
        // Four weeks of four metrics: 37 subjects a call, the region among them.
        assert_eq!(slice.functions.len(), if tick < 2 { 184 } else { 32 });
        assert_eq!((slice.last.0 - slice.first.0 + 1, slice.last), (672, Hour::of(time(9, 0))));
        assert_eq!(slice.ends_round, tick == 2);
        asked.extend(slice.functions.clone());
        let after = slice.functions.last().unwrap().clone();
        state.census.round = Some(CensusRound { last: slice.last, after, has_holes: false });
    }
    let all: Vec<FunctionName> =
        roster.inventory.functions.iter().map(|function| function.name.clone()).collect();
    assert_eq!(asked, all);
    // A day later 24 hours of 125 subjects fit into a call; a new function among them makes it four weeks again.
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
    assert_eq!((slice.functions.len(), slice.functions[0].as_str()), (184, "f0001"));
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
    // Sweep: 43,200 ticks × 3 metrics × $0.00001. Census: 30 days × 4 metrics × functions.
    for (functions, census) in [(10, 12), (100, 120), (1_000, 1_200), (10_000, 12_000)] {
        let cost = own_cost_of_month(&roster(vec![account()], many(functions)));
        assert_eq!(cost.sweep, "1.296".parse().unwrap());
        assert_eq!(cost.census, Usd::from_picos(census * 1_000_000_000));
    }
    // At most: a hundredth of $720, and $3 for each thousand functions.
    let total = |functions: usize| own_cost_of_month(&roster(vec![account()], many(functions))).total();
    assert_eq!((total(10), total(10_000)), ("7.2".parse().unwrap(), Usd::from_dollars(30)));
    let tight = Budget { usd: Some(Usd::from_dollars(20)), ..account() };
    assert_eq!(own_cost_of_month(&roster(vec![tight.clone()], many(10))).total(), Usd::from_dollars(5));
    // Budgets over parts of the account count together, over everything the largest.
    let team = |name: &str| Budget { name: name.to_owned(), ..own("f*") };
    let teams = roster(vec![team("a"), team("b"), tight], many(10));
    assert_eq!(own_cost_of_month(&teams).total(), "14.4".parse().unwrap());
    let mut said = roster(vec![account()], many(10));
    said.policy.limits.own_cost_usd_per_month = Some(Usd::from_dollars(2));
    assert_eq!(own_cost_of_month(&said).total(), Usd::from_dollars(2));
}
