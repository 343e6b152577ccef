//! What is done for a budget at its line where the events or the account's pool leave little choice.

use super::*;
use crate::inventory::AsyncConfig;
use crate::policy::NoRoom;

#[test]
fn a_function_without_excess_is_within_its_baseline_while_another_breaks_the_budget() {
    let mut desk = Desk::new(policy(), &[("a", 5), ("b", 0)]);
    desk.spent("10");
    assert_eq!(*reason(&desk.plan(), "b"), Reason::WithinBaseline);
}

#[test]
fn a_cap_that_goes_further_down_is_no_relapse() {
    for phase in [Phase::Capped, Phase::Standing] {
        let mut desk = Desk::new(policy(), &[("a", 5)]);
        desk.spent("10");
        desk.hold("a", None, 20, phase);
        let plan = desk.plan();
        assert_eq!(caps(&plan), [cap("a", 5)]);
        let line = Reason::BudgetLine { excess_share_per_mille: 1000, affordable: 0, floor: 5 };
        assert_eq!(plan.actions[0].reason, line, "{phase:?}");
    }
}

#[test]
fn a_budget_is_not_acted_for_where_only_another_s_function_is_capped() {
    let mut desk = Desk::new(policy(), &[("a", 5), ("b", 5)]);
    desk.spent("10");
    desk.with_also();
    desk.roster.members[0].budgets = vec![0];
    desk.roster.members[1].budgets = vec![1];
    desk.roster.members[0].protected = true;
    let plan = desk.plan();
    assert_eq!(caps(&plan), [cap("b", 5)]);
    let verdicts: Vec<Verdict> = plan.budgets.iter().map(|record| record.verdict).collect();
    assert_eq!(verdicts, [Verdict::BreachedRefused, Verdict::BreachedAct]);
}

#[test]
fn a_function_that_would_lose_events_if_stopped_is_kept_at_its_floor() {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    desk.roster.rules[0].mode = Mode::Stop;
    desk.roster.inventory.functions[0].asynchronous = Some(AsyncConfig::default());
    let plan = desk.plan();
    assert_eq!((caps(&plan), &plan.refusals[0].reason), (vec![cap("a", 5)], &Reason::EventLoss));
}

#[test]
fn retries_that_must_not_be_cut_leave_the_cap_at_what_is_afforded() {
    let mut desk = last_minute(Mode::Cap, BelowFloor::KeepFloor);
    desk.roster.inventory.functions[0].asynchronous = Some(AsyncConfig::default());
    desk.reading.functions[0].failure_per_mille = 500;
    let plan = desk.plan();
    assert_eq!((caps(&plan), &plan.refusals[0].reason), (vec![cap("a", 440)], &Reason::EventLoss));
}

/// A function that can afford 440 with a floor of five, in an account that has only so much left to reserve.
fn cramped(room: u32) -> Desk {
    let mut desk = last_minute(Mode::Cap, BelowFloor::KeepFloor);
    // 1,000 of the account, less 100 that stay unreserved, less what somebody else has.
    let mut other = Function::new("other", 1024, 10);
    other.reserved = Some(900 - room);
    desk.roster.inventory.functions.push(other);
    desk
}

#[test]
fn a_cap_is_as_high_as_the_pool_has_room_for_down_to_the_floor() {
    for (room, to) in [(440, 440), (439, 439), (5, 5)] {
        assert_eq!(caps(&cramped(room).plan()), [cap("a", to)]);
    }
    let plan = cramped(4).plan();
    assert_eq!((plan.actions.len(), &plan.refusals[0].reason), (0, &Reason::NoRoom { wanted: 440, room: 4 }));
}

#[test]
fn without_room_for_the_floor_a_function_is_stopped_only_where_policy_and_events_allow() {
    for (no_room, loses, allow_event_loss, stops) in [
        (NoRoom::Alert, false, false, false),
        (NoRoom::Alert, true, true, false),
        (NoRoom::Stop, false, false, true),
        (NoRoom::Stop, true, false, false),
        (NoRoom::Stop, true, true, true),
    ] {
        let mut desk = cramped(4);
        desk.roster.policy.limits.no_room = no_room;
        desk.roster.rules[0].allow_event_loss = allow_event_loss;
        desk.roster.inventory.functions[0].asynchronous = loses.then(AsyncConfig::default);
        let wanted = if stops { vec![cap("a", 0)] } else { vec![] };
        assert_eq!(caps(&desk.plan()), wanted, "{no_room:?} {loses} {allow_event_loss}");
    }
}

#[test]
fn what_a_change_that_is_replaced_had_taken_from_the_pool_can_be_reserved_again() {
    let desk = Desk::new(policy(), &[("a", 0)]);
    let mut pool = pool::Pool::new(&desk.roster);
    let raised = Change::ReservedConcurrency { from: None, to: Some(300) };
    pool.take(&raised);
    assert_eq!(pool.room(None), 600);
    pool.give_back(&raised);
    assert_eq!(pool.room(None), 900);
    pool.give_back(&Change::ReservedConcurrency { from: Some(100), to: Some(40) });
    assert_eq!(pool.room(None), 840, "a reservation that is not lowered after all");
}

#[test]
fn no_cap_that_room_forces_is_below_the_provisioned_concurrency() {
    for (room, wanted) in [(7, vec![cap("a", 7)]), (6, vec![])] {
        let mut desk = cramped(room);
        desk.roster.inventory.functions[0].provisioned = 7;
        assert_eq!(caps(&desk.plan()), wanted, "{room}");
    }
}

#[test]
fn a_reservation_that_is_lowered_makes_room_for_the_other_caps_of_the_plan() {
    let mut desk = Desk::new(policy(), &[("a", 10), ("b", 5)]);
    desk.spent("10");
    desk.roster.inventory.functions[1].reserved = Some(900);
    let plan = desk.plan();
    assert_eq!(caps(&plan), [cap("b", 5), cap("a", 5)]);
    assert_eq!(plan.refusals, []);
}

/// What the second opinion has against a plan.
fn objections(desk: &Desk, plan: &Plan) -> Vec<safety::Violation> {
    let (policy, inventory) = (&desk.roster.policy, &desk.roster.inventory);
    let context = safety::Context { policy, inventory, seen: &desk.seen, self_name: None };
    safety::check(plan, &desk.state, &context)
}

#[test]
fn the_second_opinion_counts_the_room_of_a_stop_as_the_planner_does() {
    // A floor of five each; seven can be reserved.
    for (provisioned, wanted) in [(0, [cap("a", 5), cap("b", 0)]), (8, [cap("a", 0), cap("b", 5)])] {
        let mut desk = Desk::new(policy(), &[("a", 5), ("b", 5), ("other", 0)]);
        desk.roster.policy.limits.no_room = NoRoom::Stop;
        desk.spent("10");
        desk.roster.inventory.functions[0].provisioned = provisioned;
        desk.roster.inventory.functions[2].reserved = Some(893);
        let plan = desk.plan();
        assert_eq!(caps(&plan), wanted);
        assert_eq!(objections(&desk, &plan), []);
    }
}

#[test]
fn what_was_written_down_is_made_again_where_there_is_room_and_what_frees_room_comes_first() {
    let mut desk = Desk::new(policy(), &[("a", 0), ("b", 0)]);
    desk.hold("a", None, 30, Phase::Capped);
    desk.hold("b", Some(900), 500, Phase::Capped);
    for (name, reserved) in [("a", None), ("b", Some(900))] {
        let lever = &mut desk.latch(name).levers[0];
        lever.pending = lever.ours.take();
        let index = desk.draft().index_of(&name.into()).unwrap();
        desk.roster.inventory.functions[index].reserved = reserved;
    }
    let again = |name: &str, from, to| Finding::Resume {
        function: name.into(),
        change: Change::ReservedConcurrency { from, to: Some(to) },
    };
    let findings = [again("a", None, 30), again("b", Some(900), 500)];
    let made = |findings: &[Finding]| plan(&desk.roster, &desk.state, &desk.seen, &desk.reading, findings);
    let plan = made(&findings);
    assert_eq!(caps(&plan), [cap("b", 500), cap("a", 30)]);
    assert_eq!(objections(&desk, &plan), []);
    let alone = made(&findings[..1]);
    assert_eq!((caps(&alone), reason(&alone, "a")), (vec![], &Reason::NoRoom { wanted: 30, room: 0 }));
}

#[test]
fn a_stop_for_want_of_room_is_not_made_again_where_there_is_room() {
    for (reserved, wanted) in [(895, vec![]), (896, vec![cap("a", 0)])] {
        let mut desk = Desk::new(policy(), &[("a", 0), ("other", 0)]);
        desk.roster.policy.limits.no_room = NoRoom::Stop;
        desk.hold("a", None, 0, Phase::Capped);
        let lever = &mut desk.latch("a").levers[0];
        lever.pending = lever.ours.take();
        desk.roster.inventory.functions[0].reserved = None;
        desk.roster.inventory.functions[1].reserved = Some(reserved);
        let change = Change::ReservedConcurrency { from: None, to: Some(0) };
        let finding = Finding::Resume { function: "a".into(), change };
        let plan = plan(&desk.roster, &desk.state, &desk.seen, &desk.reading, &[finding]);
        assert_eq!(caps(&plan), wanted);
        assert_eq!(objections(&desk, &plan), []);
    }
}
