//! Bounds of whole budgets, worked out by hand.

use super::*;
use crate::inventory::{AccountLimits, Function, Inventory};
use crate::policy::{BelowFloor, Budget, NoRoom, Policy, Scope};
use crate::pricing::PriceTable;

fn reserved(name: &str, memory_mb: u32, reserved: u32) -> Function {
    Function { reserved: Some(reserved), ..Function::new(name, memory_mb, 30) }
}

fn roster(functions: Vec<Function>, change: impl FnOnce(&mut Budget)) -> Roster {
    let mut budget = Budget::per_month("b", Usd::from_dollars(1));
    budget.mode = Mode::Cap;
    change(&mut budget);
    let mut policy = Policy { budget: vec![budget], protected: vec!["kept".into()], ..Policy::default() };
    policy.limits.keep_unreserved = Some(0);
    let account = AccountLimits { concurrency: 100, unreserved_minimum: 10 };
    Roster::new(policy, PriceTable::embedded(), Inventory::new("us-east-1", account, functions), None)
}

fn bound(roster: &Roster) -> BudgetBound {
    published(roster, 0, 3600, |_| KNOWN).unwrap()
}

/// A history in which nothing was used.
const KNOWN: Known = Known { concurrency_p99: Some(0), ordinary_per_hour: Some(Usd::ZERO) };

/// `C · (m·p + e) · (L + τ)` in us-east-1 on x86, with L = 330 s and τ = 30 s.
fn running(concurrency: i128, memory_mb: i128) -> Usd {
    Usd::from_picos(16_666_700).mul_div_up(memory_mb, 1024) * concurrency * 360
}

/// What so much concurrency of a gigabyte burns in an hour: busy, and ten requests a second each.
fn hour(concurrency: i128) -> Usd {
    (Usd::from_picos(16_666_700) + Usd::from_picos(200_000) * 10) * (concurrency * 3600)
}

#[test]
fn reserved_functions_count_each_and_the_pool_once_at_its_dearest() {
    let functions =
        vec![reserved("a", 1024, 20), Function::new("cheap", 1024, 30), Function::new("dear", 2048, 30)];
    let bound = bound(&roster(functions, |_| {}));
    let now = bound.terms.now;
    // Lowered to its floor of five, the reservation leaves the pool 15 more.
    assert_eq!((now.concurrency, bound.in_pool), (20 + 95, 2));
    assert_eq!(now.running, running(20, 1024) + running(95, 2048));
    // 10 · 115 · $0.0000002 · 330 s.
    assert_eq!(now.admitted, Usd::from_picos(75_900_000_000));
    // The flood may move from one function of the pool to the other: 10 · 95 · $0.0000002 · 330 s come with it.
    assert_eq!(now.moving, running(95, 1024) + Usd::from_picos(62_700_000_000));
    // Three floors of 5 for an hour: 4 GB together, and ten requests a second each.
    let floor = Usd::from_picos(16_666_700) * (5 * 4 * 3600) + Usd::from_picos(200_000) * (10 * 15 * 3600);
    assert_eq!(now.floor, floor);
    assert_eq!(now.total, now.running + now.admitted + now.moving + now.floor);
    let names: Vec<&str> = bound.parts.iter().map(|part| part.function.as_str()).collect();
    assert_eq!(names, ["dear", "a"]);
    assert!(bound.parts[0].is_pool && !bound.parts[1].is_pool);
    let sum =
        |of: fn(&Overrun) -> Bound| bound.parts.iter().map(|part| of(&part.overrun).total()).sum::<Usd>();
    assert_eq!(sum(|overrun| overrun.without_envelope), now.total - now.moving, "the parts add up");
    assert_eq!(sum(|overrun| overrun.with_envelope), bound.terms.envelope.total);
    // Under the standing cap all three are held at five.
    assert_eq!(bound.terms.envelope.concurrency, 15);
    assert_eq!(bound.terms.envelope.running, running(5, 4096));
}

#[test]
fn floors_that_together_exceed_the_pool_are_bounded_by_the_pool() {
    let functions: Vec<Function> =
        (0..30).map(|n| Function::new(format!("f{n:02}").as_str(), 1024, 30)).collect();
    let mut roster = roster(functions, |_| {});
    roster.policy.limits.actions_per_tick = 100;
    let terms = bound(&roster).terms;
    assert_eq!((terms.envelope.concurrency, terms.envelope.running), (100, running(100, 1024)));
}

#[test]
fn a_budget_that_stops_below_the_floor_keeps_nothing_and_one_that_counts_invocations_counts_them() {
    let stop = bound(&roster(vec![reserved("a", 1024, 20)], |budget| budget.below_floor = BelowFloor::Stop));
    assert_eq!(stop.terms.now.floor, Usd::ZERO);
    assert_eq!((stop.terms.now.ordinary, stop.terms.now.moving), (Usd::ZERO, Usd::ZERO));
    let count = bound(&roster(vec![reserved("a", 1024, 20)], |budget| {
        (budget.usd, budget.invocations) = (None, Some(1000));
        budget.below_floor = BelowFloor::Stop;
    }));
    assert_eq!((count.unit, count.terms.now.running), (Unit::Invocations, Usd::ZERO));
    assert_eq!(count.terms.now.total, Usd::from_dollars(10 * 20 * 330));
}

#[test]
fn what_is_never_capped_is_named_with_what_it_can_burn() {
    let functions = vec![reserved("kept", 1024, 2), reserved("other", 1024, 2)];
    let bound = bound(&roster(functions, |_| {}));
    assert_eq!(bound.never_capped, ["kept".into()]);
    assert_eq!(bound.never_capped_worst, hour(2));
    assert_eq!(bound.most(), bound.terms.now.total + hour(2));
    assert_eq!(bound.parts.len(), 1, "it has no part in what caps bound");
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

#[test]
fn a_stop_that_would_lose_events_leaves_the_floor_and_says_of_whom() {
    let caller = |on_failure| {
        let asynchronous = Some(crate::inventory::AsyncConfig { on_failure, ..Default::default() });
        Function { asynchronous, ..reserved("a", 1024, 20) }
    };
    let stop = |budget: &mut Budget| budget.mode = Mode::Stop;
    let caught = bound(&roster(vec![caller(true)], stop));
    assert_eq!((caught.stops, caught.terms.now.floor), (true, Usd::ZERO));
    let uncaught = bound(&roster(vec![caller(false)], stop));
    assert_eq!((uncaught.not_stopped, uncaught.terms.now.floor), (vec!["a".into()], hour(5)));
    let allowed = bound(&roster(vec![caller(false)], |budget| {
        (budget.mode, budget.allow_event_loss) = (Mode::Stop, true);
    }));
    assert_eq!((allowed.not_stopped.len(), allowed.terms.now.floor), (0, Usd::ZERO));
}

#[test]
fn what_is_provisioned_cannot_be_capped() {
    let ready = Function { provisioned: 12, ..reserved("a", 1024, 20) };
    assert_eq!(bound(&roster(vec![ready.clone()], |_| {})).terms.now.floor, hour(12));
    let stopped = bound(&roster(vec![ready], |budget| budget.mode = Mode::Stop));
    assert_eq!(stopped.terms.now.floor, hour(12));
}

#[test]
fn the_floor_is_the_one_that_history_gives() {
    let busy = Known { concurrency_p99: Some(10), ..KNOWN };
    let terms = published(&roster(vec![reserved("a", 1024, 20)], |_| {}), 0, 3600, |_| busy).unwrap().terms;
    assert_eq!(terms.now.floor, hour(15));
}

#[test]
fn a_cap_leaves_what_is_ordinary_beyond_the_floor_and_one_even_share_to_all_without_history() {
    let roster = roster(vec![reserved("a", 1024, 20), reserved("b", 1024, 20)], |_| {});
    let usual = Known { ordinary_per_hour: Some(hour(7)), ..KNOWN };
    let known = published(&roster, 0, 3600, |index| if index == 0 { usual } else { KNOWN }).unwrap();
    assert_eq!((known.terms.now.ordinary, known.without_history), (hour(7) - hour(5), 0));
    let unknown = published(&roster, 0, 3600, |_| Known::default()).unwrap();
    assert_eq!(
        (unknown.terms.now.ordinary, unknown.without_history),
        (roster.rules[0].even_share_per_hour(), 2)
    );
}

#[test]
fn changes_that_take_several_ticks_lengthen_the_reaction() {
    let many = |count: usize| (0..count).map(|n| reserved(&format!("f{n:03}"), 128, 1)).collect();
    assert_eq!(bound(&roster(many(20), |_| {})).reaction_s, 330);
    let two = bound(&roster(many(21), |_| {}));
    assert_eq!((two.ticks, two.reaction_s), (2, 390));
}

#[test]
fn without_room_for_all_caps_the_pool_burns_until_the_period_ends() {
    let functions =
        |count: usize| (0..count).map(|n| Function::new(format!("f{n:02}").as_str(), 1024, 30)).collect();
    let account = |count: usize, no_room: NoRoom| {
        let mut roster = roster(functions(count), |_| {});
        roster.inventory.account.unreserved_minimum = 40;
        roster.policy.limits.no_room = no_room;
        bound(&roster)
    };
    // Twelve floors of five are the 60 that can be reserved.
    assert_eq!(account(12, NoRoom::Alert).terms.now.no_room, Usd::ZERO);
    let cramped = account(13, NoRoom::Alert);
    assert_eq!(cramped.no_room.len(), 13);
    // Up to 40 + 5 stay unreserved beside the 60.
    assert_eq!((cramped.terms.now.no_room, cramped.terms.now.floor), (hour(45), hour(60)));
    assert_eq!(account(13, NoRoom::Stop).terms.now.no_room, Usd::ZERO);
}

#[test]
fn a_guard_without_concurrency_of_its_own_bounds_nothing_before_the_period_ends() {
    let of = |guard: Option<u32>, other: Option<u32>| {
        let mut functions = vec![Function::new("a", 1024, 10), Function::new("guard", 256, 60)];
        functions[0].reserved = other;
        functions[1].reserved = guard;
        let inventory = Inventory::new("us-east-1", AccountLimits::default(), functions);
        let day = Budget {
            period: Period::Day,
            mode: Mode::Cap,
            ..Budget::per_month("day", Usd::from_dollars(10))
        };
        let policy = Policy { budget: vec![day], ..Policy::default() };
        let roster = Roster::new(policy, PriceTable::embedded(), inventory, Some("guard".into()));
        let bound = published(&roster, 0, 86_400, |_| Known::default()).unwrap();
        let all = worst_case(&roster.members[0].unit, other.unwrap_or(1000), 86_400);
        (bound.terms.now.no_tick, all)
    };
    for other in [None, Some(20)] {
        assert_eq!(of(Some(1), other).0, Usd::ZERO);
    }
    let (no_tick, all) = of(None, None);
    assert!(no_tick == all && all > Usd::from_dollars(1_000), "{no_tick} of {all}");
    assert_eq!(of(None, Some(20)).0, Usd::ZERO, "nobody else shares its pool");
}
