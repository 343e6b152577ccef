//! Arithmetic by hand, and adversaries who try to cross the line of a barrier that is looked after tick by tick.

mod adversary;

use super::*;

fn picos(picos: i128) -> Usd {
    Usd::from_picos(picos)
}

/// A function of which a unit costs ten pico-dollars a second, with a time-out of two seconds, seen up to second 80.
fn subject(history: &History<u32>) -> Subject<'_> {
    Subject {
        worst: picos(10),
        timeout_s: 2,
        seen_until: 80,
        history,
        now: history.last(),
        wanted: None,
        least: 0,
        least_until: 100,
        is_fixed: false,
        is_seen: true,
        need: 0,
        demand: 1,
    }
}

static CLOSED: History<Usd> = History::new();

/// Second 100, a tick every ten seconds, three seconds to act, and nothing spent.
fn scope(functions: Vec<Subject<'_>>, amount: i128) -> Scope<'_> {
    Scope {
        functions,
        pool: &CLOSED,
        pool_least: Usd::ZERO,
        pool_units: 1000,
        room: 900,
        amount: picos(amount),
        spent: Usd::ZERO,
        known: Usd::ZERO,
        at: 100,
        period_start: 0,
        tick_s: 10,
        next_s: 10,
        actuation_s: 3,
        actions: 20,
    }
}

#[test]
fn what_stood_counts_until_it_has_run_out() {
    let mut history = History::of(4);
    history.set(10, 2);
    // Four until second 13, when what the four let in has run out, then two.
    assert_eq!(area(&history, &[], 3, (5, 20)), 8 * 4 + 7 * 2);
    // And nothing from second 23 on, if zero is set at 20.
    assert_eq!(area(&history, &[(20, 0)], 3, (5, 40)), 8 * 4 + 10 * 2);
    history.set(11, 9);
    assert_eq!(area(&history, &[], 3, (5, 20)), 6 * 4 + 9 * 9, "the higher counts at once");
    assert_eq!(area(&history, &[], 3, (20, 5)), 0, "backwards is nothing");
}

#[test]
fn a_higher_value_that_is_found_may_have_stood_since_the_last_look() {
    let mut history = History::of(4);
    history.set(10, 2);
    history.found(20, 30, 5);
    assert_eq!(area(&history, &[], 0, (0, 40)), 10 * 4 + 10 * 2 + 20 * 5);
    history.found(40, 50, 1);
    assert_eq!(area(&history, &[], 0, (40, 60)), 10 * 5 + 10, "a lower one is known from now on");
    history.forget(10);
    assert_eq!(area(&history, &[], 0, (15, 25)), 5 * 2 + 5 * 5, "what ended by then is forgotten");
}

#[test]
fn what_is_proved_holds_what_may_run_until_the_next_look_has_stopped_it_and_the_reserve() {
    let history = History::of(4);
    let mut scope = scope(vec![subject(&history)], 0);
    // Known up to second 80, less a time-out: four units for 22 s.
    scope.carry(None, Usd::ZERO);
    assert_eq!(scope.spent, picos(10 * 4 * 22));
    scope.carry(Some((95, picos(7))), Usd::ZERO);
    assert_eq!(scope.spent, picos(7 + 10 * 4 * 5), "the last look knew better");
    assert!(!scope.carry(Some((95, picos(7))), picos(207)));
    assert!(scope.carry(Some((95, picos(7))), picos(208)), "more than the ceilings let in");
    assert_eq!(scope.spent, picos(10 * 4 * 22), "what rests on a broken assumption counts no more");
    scope.spent = Usd::ZERO;
    // Ten seconds to the next look, three to act, a time-out of two.
    assert_eq!(scope.proved(&[Some(4)], 0), picos(10 * 4 * 15));
    assert_eq!(scope.proved(&[Some(4)], 9), picos(10 * 4 * (15 + 90)));
    // Three of them stop after three seconds and a time-out.
    assert_eq!(scope.proved(&[Some(1)], 9), picos(10 * (4 * 5 + 10 + 90)));
    // As if it had always stood: hidden for 22 s, 15 s ahead.
    assert_eq!(scope.steady(&[Some(4)], 9), picos(10 * 4 * (22 + 15 + 90)));
}

#[test]
fn a_period_counts_what_ran_since_it_began() {
    let history = History::of(4);
    let mut scope = scope(vec![subject(&history)], 0);
    scope.period_start = 90;
    scope.carry(Some((80, Usd::ZERO)), Usd::ZERO);
    assert_eq!(scope.spent, picos(10 * 4 * 10));
}

#[test]
fn what_cannot_go_to_zero_counts_until_the_period_ends() {
    let history = History::of(4);
    let provisioned = Subject { least: 3, least_until: 1_000, ..subject(&history) };
    let scope = scope(vec![provisioned], 0);
    assert_eq!(scope.least_cost(), picos(10 * 3 * 900));
    // What began before its end runs out after it.
    assert_eq!(scope.proved(&[Some(4)], 0), picos(10 * (15 + 3 * 905)));
    assert_eq!(scope.proved(&[Some(4)], 9), picos(10 * (15 + 90 + 3 * 905)));
}

#[test]
fn forty_functions_stop_twenty_at_a_tick() {
    let history = History::of(1);
    let functions: Vec<Subject<'_>> = (0..40).map(|_| subject(&history)).collect();
    let scope = scope(functions, 0);
    let all: Ceilings = vec![Some(1); 40];
    assert_eq!(scope.proved(&all, 0), picos(10 * (20 * 15 + 20 * 25)));
}

/// Else a promise would be pending for ever: nothing is tightened, and it does not begin.
#[test]
fn what_would_fit_had_it_always_stood_fits_once_it_has() {
    let (own, pooled) = (History::of(4), History::of(0));
    let pool = History::of(picos(10 * 1000));
    let slow = Subject { timeout_s: 30, ..subject(&own) };
    let mut scope = scope(vec![slow, Subject { now: None, ..subject(&pooled) }], 0);
    scope.pool = &pool;
    scope.carry(None, Usd::ZERO);
    for ticks in [0, 9] {
        let (steady, proved) = (scope.steady(&scope.now(), ticks), scope.proved(&scope.now(), ticks));
        assert!(steady >= proved, "{steady:?} {proved:?}");
    }
}

#[test]
fn a_pool_counts_whole_until_its_last_function_has_left_it() {
    let history = History::of(0);
    let pool = History::of(picos(10 * 1000));
    let pooled = || Subject { now: None, ..subject(&history) };
    let mut scope = scope((0..40).map(|_| pooled()).collect(), 0);
    scope.pool = &pool;
    let all: Ceilings = vec![None; 40];
    // The last leaves at the second tick from the next on.
    assert_eq!(scope.proved(&all, 0), picos(10 * 1000 * 25));
    assert_eq!(scope.proved(&all, 9), picos(10 * 1000 * (25 + 90)));
    // If they begin to leave now, at the next.
    let leave: Ceilings = vec![Some(0); 40];
    assert_eq!(scope.proved(&leave, 9), picos(10 * 1000 * 15));
    assert_eq!(scope.steady(&all, 9), picos(10 * 1000 * (22 + 25 + 90)));
}

#[test]
fn a_pool_that_is_closed_costs_what_it_would_if_somebody_goes_back_to_it() {
    let history = History::of(4);
    let scope = scope(vec![subject(&history)], 0);
    // Four units until they have run out, 5 s, and the pool's thousand until the next look has closed it again, 15 s.
    assert_eq!(scope.proved(&[None], 9), picos(10 * (4 * 5 + 1000 * (15 + 90))));
    assert_eq!(scope.steady(&[None], 9), picos(10 * 1000 * (22 + 15 + 90)));
}

#[test]
fn a_function_that_nobody_may_move_keeps_the_pool_open() {
    let history = History::of(0);
    let pool = History::of(picos(10 * 1000));
    let stuck = Subject { now: None, is_fixed: true, least_until: 200, ..subject(&history) };
    let mut scope = scope(vec![stuck], 0);
    (scope.pool, scope.pool_least) = (&pool, picos(10 * 1000));
    assert_eq!(scope.proved(&[None], 9), picos(10 * 1000 * 100));
    assert_eq!(scope.least_cost(), picos(10 * 1000 * 100));
}

/// One function that has always had so many units.
fn decided(now: u32, known: i128, amount: i128, kept: bool) -> Option<u32> {
    let history = History::of(now);
    let mut scope = scope(vec![Subject { wanted: Some(100), ..subject(&history) }], amount);
    scope.known = picos(known);
    scope.carry(None, Usd::ZERO);
    scope.decide(kept, true)[0]
}

#[test]
fn a_ceiling_stands_while_it_leaves_the_reserve_and_then_falls_to_what_stands_for_five_ticks() {
    // Sixty units: 22 s hidden, 15 s ahead, 90 s in reserve are 600 × 127 = 76,200.
    assert_eq!(decided(60, 0, 76_200, true), Some(60));
    // 22 and 5 s of the sixty are 16,200. Of the rest each unit takes 10 s more and 140 s in reserve: 59,999 ÷ 1,500 = 39.
    assert_eq!(decided(60, 0, 76_199, true), Some(39));
    // Before the promise only what would fit had it always stood: 76,199 ÷ (10 × 177) = 43.05.
    assert_eq!(decided(60, 0, 76_199, false), Some(43));
}

#[test]
fn a_ceiling_is_loosened_to_what_would_fit_had_it_always_stood_and_by_a_tenth_at_least() {
    // 177 s of a unit at ten are 1,770.
    assert_eq!(decided(40, 0, 44 * 1_770, true), Some(44));
    assert_eq!(decided(40, 0, 44 * 1_770 - 1, true), Some(40), "43 are not a tenth more");
    assert_eq!(decided(40, 0, 100 * 1_770, true), Some(100), "as wanted");
    assert_eq!(decided(40, 5_000, 44 * 1_770 + 5_000, true), Some(44), "what is known is gone");
}

#[test]
fn what_is_ordinary_comes_first_the_cheapest_first_and_the_rest_in_proportion_to_demand() {
    let history = History::of(60);
    let all = |amount: i128| {
        let function = |worst: i128, need, demand| Subject {
            worst: picos(worst),
            wanted: Some(60),
            need,
            demand,
            ..subject(&history)
        };
        let scope = scope(vec![function(20, 10, 10), function(10, 10, 30)], amount);
        scope.decide(false, false)
    };
    assert_eq!(all(10 * 1_770), [Some(0), Some(10)]);
    assert_eq!(all(10 * 1_770 + 5 * 3_540), [Some(5), Some(10)]);
    assert_eq!(all(10 * 1_770 + 10 * 3_540), [Some(10), Some(10)]);
    // Three units of the second for each of the first.
    assert_eq!(all(25 * 1_770 + 15 * 3_540), [Some(15), Some(25)]);
}

#[test]
fn where_there_is_no_room_for_what_is_ordinary_functions_share_the_pool_while_that_fits() {
    let history = History::of(0);
    let pool = History::of(picos(10 * 10));
    let with = |amount: i128| {
        let pooled = Subject { now: None, need: 2, ..subject(&history) };
        let mut scope = scope(vec![pooled.clone(), pooled], amount);
        (scope.pool, scope.pool_units, scope.room) = (&pool, 10, 1);
        scope.decide(false, false)
    };
    // 22 s hidden, 15 s ahead, 90 s in reserve.
    assert_eq!(with(100 * 127), [None, None]);
    assert_eq!(with(100 * 127 - 1), [Some(1), Some(0)], "one has a unit of its own");
}

#[test]
fn who_is_starved_gets_what_is_ordinary_back_from_those_who_have_more() {
    let (none, many) = (History::of(0), History::of(60));
    let starved = Subject { wanted: Some(60), need: 5, demand: 5, ..subject(&none) };
    let rich = Subject { wanted: Some(60), need: 5, demand: 5, ..subject(&many) };
    let mut scope = scope(vec![starved, rich], 60 * 1_770);
    scope.carry(None, Usd::ZERO);
    let to = scope.decide(true, true);
    assert!(to[0] >= Some(5) && to[1] < Some(60), "{to:?}");
    assert_eq!(scope.decide(true, false), [Some(0), Some(60)], "not so soon after a change");
}

#[test]
fn everything_that_can_be_stopped_is_where_an_assumption_broke() {
    let history = History::of(60);
    let functions = vec![
        subject(&history),
        Subject { least: 2, ..subject(&history) },
        Subject { is_fixed: true, ..subject(&history) },
    ];
    assert_eq!(scope(functions, 0).cut_off(), [Some(0), Some(2), Some(60)]);
}
