//! Bounds of whole budgets, worked out by hand.

use super::*;
use crate::inventory::{AccountLimits, Function, Inventory};
use crate::policy::{Budget, Policy, Scope};
use crate::pricing::PriceTable;

fn reserved(name: &str, memory_mb: u32, reserved: u32) -> Function {
    Function { reserved: Some(reserved), ..Function::new(name, memory_mb, 30) }
}

fn roster(functions: Vec<Function>, change: impl FnOnce(&mut Budget)) -> Roster {
    let mut budget = Budget::per_month("b", Usd::from_dollars(1));
    budget.mode = Mode::Cap;
    change(&mut budget);
    let policy = Policy { budget: vec![budget], protected: vec!["kept".into()], ..Policy::default() };
    let account = AccountLimits { concurrency: 100, ..AccountLimits::default() };
    Roster::new(policy, PriceTable::embedded(), Inventory::new("us-east-1", account, functions), None)
}

fn bound(roster: &Roster) -> BudgetBound {
    published(roster, 0, 3600, |index| roster.floor(index, None)).unwrap()
}

/// `C · (m·p + e) · (L + τ)` in us-east-1 on x86, with L = 270 s and τ = 30 s.
fn running(concurrency: i128, memory_mb: i128) -> Usd {
    Usd::from_picos(16_666_700).mul_div_up(memory_mb, 1024) * concurrency * 300
}

#[test]
fn reserved_functions_count_each_and_the_pool_once_at_its_dearest() {
    let functions =
        vec![reserved("a", 1024, 20), Function::new("cheap", 1024, 30), Function::new("dear", 2048, 30)];
    let bound = bound(&roster(functions, |_| {}));
    let now = bound.terms.now;
    assert_eq!((now.concurrency, bound.in_pool), (20 + 80, 2));
    assert_eq!(now.running, running(20, 1024) + running(80, 2048));
    // 10 · 100 · $0.0000002 · 270 s.
    assert_eq!(now.admitted, Usd::from_picos(54_000_000_000));
    // Three floors of 5 for an hour: 4 GB together, and ten requests a second each.
    let floor = Usd::from_picos(16_666_700) * (5 * 4 * 3600) + Usd::from_picos(200_000) * (10 * 15 * 3600);
    assert_eq!(now.floor, floor);
    assert_eq!(now.total, now.running + now.admitted + now.floor);
    let names: Vec<&str> = bound.parts.iter().map(|part| part.function.as_str()).collect();
    assert_eq!(names, ["dear", "a"]);
    assert!(bound.parts[0].is_pool && !bound.parts[1].is_pool);
    let sum =
        |of: fn(&Overrun) -> Bound| bound.parts.iter().map(|part| of(&part.overrun).total()).sum::<Usd>();
    assert_eq!(sum(|overrun| overrun.without_envelope), now.total, "the parts add up");
    assert_eq!(sum(|overrun| overrun.with_envelope), bound.terms.envelope.total);
    // Under the standing cap all three are held at five.
    assert_eq!(bound.terms.envelope.concurrency, 15);
    assert_eq!(bound.terms.envelope.running, running(5, 4096));
}

#[test]
fn floors_that_together_exceed_the_pool_are_bounded_by_the_pool() {
    let functions: Vec<Function> =
        (0..30).map(|n| Function::new(format!("f{n:02}").as_str(), 1024, 30)).collect();
    let terms = bound(&roster(functions, |_| {})).terms;
    assert_eq!((terms.envelope.concurrency, terms.envelope.running), (100, running(100, 1024)));
}

#[test]
fn a_budget_that_stops_below_the_floor_keeps_nothing_and_one_that_counts_invocations_counts_them() {
    let stop = bound(&roster(vec![reserved("a", 1024, 20)], |budget| budget.below_floor = BelowFloor::Stop));
    assert_eq!(stop.terms.now.floor, Usd::ZERO);
    let count = bound(&roster(vec![reserved("a", 1024, 20)], |budget| {
        (budget.usd, budget.invocations) = (None, Some(1000));
        budget.below_floor = BelowFloor::Stop;
    }));
    assert_eq!((count.unit, count.terms.now.running), (Unit::Invocations, Usd::ZERO));
    assert_eq!(count.terms.now.total, Usd::from_dollars(10 * 20 * 270));
}

#[test]
fn what_is_never_capped_is_named_with_what_it_can_burn() {
    let functions = vec![reserved("kept", 1024, 2), reserved("other", 1024, 2)];
    let bound = bound(&roster(functions, |_| {}));
    assert_eq!(bound.never_capped, ["kept".into()]);
    let hour = Usd::from_picos(16_666_700) * (2 * 3600) + Usd::from_picos(200_000) * (10 * 2 * 3600);
    assert_eq!(bound.never_capped_worst, hour);
    let unread = Function { tags_known: false, ..reserved("unread", 1024, 2) };
    assert_eq!(self::bound(&roster(vec![unread], |_| {})).never_capped, ["unread".into()]);
    let mut watched = reserved("watched", 1024, 2);
    watched.tags.insert("dow-guard:mode".into(), "alert".into());
    assert_eq!(self::bound(&roster(vec![watched], |_| {})).never_capped, ["watched".into()]);
}

#[test]
fn a_scope_without_functions_has_nothing_to_bound() {
    let nobody = |budget: &mut Budget| {
        budget.scope = Scope { functions: Some("nobody".into()), ..Scope::default() };
    };
    let bound = bound(&roster(vec![reserved("a", 1024, 20)], nobody));
    assert_eq!((bound.terms.now, bound.parts.len()), (Terms::default(), 0));
}

#[test]
fn the_longest_month_has_31_days_and_an_hour_where_the_clocks_go_back() {
    assert_eq!(longest_period_s(Period::Month, true), 31 * 86_400);
    assert_eq!(longest_period_s(Period::Week, false), 7 * 86_400 + 3600);
    assert_eq!(longest_period_s(Period::Day, true), 86_400);
    assert_eq!(longest_period_s(Period::Hour, false), 3600);
}
