//! A line that stops is hard; what a cap cannot tighten is told; more money lets more through.

use super::*;
use crate::inventory::{AsyncConfig, EventSource, EventSourceMapping};

/// A budget of $10 a day at its line, that stops.
fn stopping(functions: &[(&str, i64)]) -> Desk {
    let mut text = policy();
    text.budget[0].mode = Mode::Stop;
    let mut desk = Desk::new(text, functions);
    desk.spent("10");
    desk
}

#[test]
fn at_its_line_a_budget_that_stops_stops_all_it_covers_first_what_has_excess_then_the_dearest() {
    let mut desk = stopping(&[("ant", 0), ("bee", 3), ("cow", 9), ("dog", 0)]);
    desk.reading.functions[3].burn_per_hour = usd("2");
    let plan = desk.plan();
    assert_eq!(caps(&plan), [cap("cow", 0), cap("bee", 0), cap("dog", 0), cap("ant", 0)]);
    assert_eq!(plan.budgets[0].verdict, Verdict::BreachedAct);
    assert!(matches!(plan.actions[0].reason, Reason::BudgetLine { excess_share_per_mille: 750, .. }));
    assert_eq!(plan.actions[2].reason, Reason::HardLine);
    desk.spent("9.9");
    assert_eq!(caps(&desk.plan()), [], "a cent a minute before the line nothing of it is done");
}

#[test]
fn money_that_wins_over_the_floor_is_a_hard_line_too_and_a_tag_that_caps_is_not() {
    let mut desk = stopping(&[("a", 0), ("b", 0)]);
    (desk.roster.rules[0].mode, desk.roster.rules[0].below_floor) = (Mode::Cap, BelowFloor::Stop);
    assert_eq!(caps(&desk.plan()), [cap("a", 0), cap("b", 0)]);
    let mut desk = stopping(&[("a", 0), ("b", 5)]);
    for member in &mut desk.roster.members {
        member.overrides.mode = Some(Mode::Cap);
    }
    assert_eq!(caps(&desk.plan()), [cap("b", 5)], "what is ordinary is left alone by a cap");
}

#[test]
fn a_function_that_nobody_has_looked_at_is_stopped_with_the_others() {
    let mut desk = stopping(&[("a", 0), ("b", 0)]);
    desk.reading.functions.remove(1);
    assert_eq!(caps(&desk.plan()), [cap("a", 0), cap("b", 0)]);
}

#[test]
fn what_is_protected_is_named_while_it_spends_and_the_guard_never_is() {
    let mut desk = stopping(&[("a", 0), ("b", 0), ("guard", 0)]);
    desk.roster.guard = Some("guard".into());
    for member in &mut desk.roster.members {
        member.protected = true;
    }
    desk.reading.functions[1].burn_per_hour = Usd::ZERO;
    let plan = desk.plan();
    let named: Vec<(&str, &Reason)> =
        plan.refusals.iter().map(|refusal| (refusal.function.as_str(), &refusal.reason)).collect();
    assert_eq!(named, [("a", &Reason::Protected)]);
    assert_eq!(plan.budgets[0].verdict, Verdict::BreachedRefused);
}

#[test]
fn an_ordinary_function_that_would_lose_events_is_held_at_its_floor_and_named() {
    let mut desk = stopping(&[("a", 0)]);
    desk.roster.inventory.functions[0].asynchronous = Some(AsyncConfig::default());
    let plan = desk.plan();
    assert_eq!((caps(&plan), &plan.refusals[0].reason), (vec![cap("a", 5)], &Reason::EventLoss));
}

#[test]
fn what_was_stopped_stays_so_while_another_budget_would_stop_it() {
    let mut desk = stopping(&[("a", 0)]);
    desk.with_also();
    desk.hold("a", None, 0, Phase::Capped);
    desk.latch("a").calm_since = Some(Minute::of(noon()).plus(-600));
    desk.latch("a").phase_since = noon() - Duration::hours(10);
    desk.spent("1");
    assert_eq!(caps(&desk.plan()), [], "of the other all is spent");
}

#[test]
fn where_a_tick_has_not_room_for_all_the_dearest_of_all_budgets_come_first() {
    let mut desk = Desk::new(policy(), &[("a", 2), ("b", 40), ("c", 30)]);
    desk.spent("10");
    desk.with_also();
    for (member, places) in desk.roster.members.iter_mut().zip([vec![0], vec![1], vec![0]]) {
        member.budgets = places;
    }
    desk.roster.inventory.functions[0].reserved = Some(50);
    desk.roster.policy.limits.actions_per_tick = 2;
    let plan = desk.plan();
    assert_eq!(caps(&plan), [cap("b", 5), cap("c", 5)]);
    assert_eq!(plan.refusals[0].reason, Reason::TickFull);
}

#[test]
fn a_flood_within_the_owner_s_own_reservation_is_told_as_having_nothing_tighter() {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    for (reserved, is_told) in [(3, true), (5, true), (6, false)] {
        desk.roster.inventory.functions[0].reserved = Some(reserved);
        let plan = desk.plan();
        let nothing = Reason::NothingTighter { reach: reserved, floor: 5 };
        assert_eq!(plan.refusals.iter().any(|refusal| refusal.reason == nothing), is_told, "{reserved}");
        let verdict = if is_told { Verdict::BreachedRefused } else { Verdict::BreachedAct };
        assert_eq!(plan.budgets[0].verdict, verdict, "{reserved}");
    }
    desk.hold("a", Some(6), 5, Phase::Capped);
    assert_eq!(desk.plan().refusals, [], "that the guard holds it there is no refusal");
}

#[test]
fn what_one_budget_s_cap_takes_from_the_pool_is_room_for_the_other_s_cap_of_the_same_function() {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    desk.with_also();
    desk.roster.policy.limits.no_room = crate::policy::NoRoom::Stop;
    desk.roster.inventory.account.concurrency = 107;
    assert_eq!(caps(&desk.plan()), [cap("a", 5)]);
}

#[test]
fn at_the_line_a_cap_goes_down_to_the_floor_to_the_unit() {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    desk.hold("a", None, 9, Phase::Capped);
    assert_eq!(caps(&desk.plan()), [cap("a", 5)]);
}

#[test]
fn a_cap_above_the_floor_leaves_the_others_room_for_theirs() {
    let mut desk = last_minute(Mode::Cap, BelowFloor::KeepFloor);
    let mut functions = desk.roster.inventory.functions.clone();
    functions.extend(["b", "c"].map(|name| Function::new(name, 1024, 10)));
    functions.push(Function { reserved: Some(450), ..Function::new("other", 1024, 10) });
    let inventory = Inventory::new("us-east-1", AccountLimits::default(), functions);
    desk.roster = Roster::new(desk.roster.policy.clone(), PriceTable::embedded(), inventory, None);
    // It affords 440, and 450 of 900 are left: two others need five each.
    assert_eq!(caps(&desk.plan()), [cap("a", 440)]);
    desk.roster.inventory.functions[3].reserved = Some(451);
    assert_eq!(caps(&desk.plan()), [cap("a", 439)]);
    desk.roster.inventory.functions[3].reserved = Some(886);
    assert_eq!(caps(&desk.plan()), [cap("a", 14)], "not room for all: as much as there is");
}

/// A function capped since an hour at so much, in a budget of so many dollars of which $5 are spent.
fn raised(amount: i64, cap: u32) -> Desk {
    let mut desk = Desk::new(policy(), &[("a", 1)]);
    desk.spent("5");
    desk.hold("a", None, cap, Phase::Capped);
    desk.latch("a").phase_since = noon() - Duration::hours(1);
    desk.roster.rules[0].amount = Usd::from_dollars(amount);
    desk
}

#[test]
fn money_for_twice_the_cap_lets_twice_as_much_through_without_calm() {
    // Twelve hours of a busy gigabyte and its requests cost $0.80640144.
    let affords = |dollars: i64, cap: u32| {
        let desk = raised(dollars, cap);
        let to_come = desk.draft().outlooks[0].ordinary_to_come;
        let left = Usd::from_dollars(dollars) - usd("5") - to_come;
        (caps(&desk.plan()).first().map(|(_, to)| *to), left)
    };
    let (to, left) = affords(100, 12);
    assert!(left > usd("0.80640144") * 24, "{left}");
    assert_eq!(to, Some(Setting::Concurrency(Some(24))));
    assert_eq!(affords(10, 12).0, None, "money for less than twice as much");
    let mut desk = raised(100, 12);
    desk.latch("a").phase_since = noon() - Duration::minutes(9);
    assert_eq!(caps(&desk.plan()), [], "one step in so many minutes as a ramp makes");
    assert_eq!(caps(&raised(100, 0).plan()), [], "what is stopped waits for calm");
    let (to, _) = affords(2000, 600);
    assert_eq!(to, Some(Setting::Concurrency(None)), "there is no more to cap");
    let plan = raised(100, 12).plan();
    assert!(matches!(plan.actions[0].reason, Reason::Affords { affordable } if affordable >= 24));
    assert!(plan.notices.iter().any(|notice| notice.kind == NoticeKind::Releasing), "{:?}", plan.notices);
}

#[test]
fn two_capped_functions_share_what_is_left_and_a_hold_until_calm_is_kept() {
    let alone = raised(60, 12).plan();
    assert_eq!(caps(&alone), [cap("a", 24)]);
    let mut desk = Desk::new(policy(), &[("a", 1), ("b", 1)]);
    desk.spent("5");
    for name in ["a", "b"] {
        desk.hold(name, None, 18, Phase::Capped);
        desk.latch(name).phase_since = noon() - Duration::hours(1);
    }
    desk.roster.rules[0].amount = Usd::from_dollars(60);
    assert_eq!(caps(&desk.plan()), [], "thirty-one units are not twice eighteen for both");
    let mut desk = raised(100, 12);
    desk.roster.rules[0].at_rollover = crate::policy::AtRollover::Hold;
    assert_eq!(caps(&desk.plan()), [cap("a", 24)]);
    desk.book().period_start = noon();
    assert_eq!(caps(&desk.plan()), [], "the money of a new period is no calm");
}

/// A queue whose mapping may run so many at once.
fn queue(id: &str, max_concurrency: Option<u32>) -> EventSourceMapping {
    let source = EventSource::Sqs {
        max_concurrency,
        provisioned_pollers: false,
        max_receive_count: None,
        retention_s: 345_600,
    };
    EventSourceMapping { id: id.into(), enabled: true, batch_size: 1, source }
}

/// Two queues, each held at three instead of no limit.
fn two_queues() -> Desk {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.hold("a", None, 5, Phase::Capped);
    let function = &mut desk.roster.inventory.functions[0];
    (function.reserved, function.synchronous) = (None, false);
    function.mappings = vec![queue("x", Some(3)), queue("y", Some(3))];
    desk.latch("a").levers = ["x", "y"]
        .map(|id| LeverState {
            lever: Lever::MappingConcurrency { mapping: id.into() },
            original: Setting::Concurrency(None),
            ours: Some(Setting::Concurrency(Some(3))),
            pending: None,
            found: None,
        })
        .to_vec();
    desk
}

#[test]
fn queues_that_shared_a_cap_share_the_steps_of_its_release() {
    let mut desk = two_queues();
    desk.reading.functions[0].concurrency_p99 = Some(10);
    desk.latch("a").phase_since = noon() - Duration::hours(2);
    desk.latch("a").calm_since = Some(Minute::of(noon()).plus(-60));
    // Half of the floor of fifteen, and more than twice three.
    assert_eq!(caps(&desk.plan()), [cap("a", 8), cap("a", 8)]);
}

#[test]
fn a_queue_that_keeps_its_function_at_its_cap_is_not_calm() {
    let mut desk = two_queues();
    for (busy, is_calm) in [(5, true), (6, false)] {
        desk.reading.functions[0].concurrency_max = busy;
        let mut state = desk.state.clone();
        super::super::release::mark_calm(&desk.roster, &mut state, &desk.reading, &desk.seen);
        assert_eq!(state.latches["a"].calm_since.is_some(), is_calm, "{busy}");
    }
}
