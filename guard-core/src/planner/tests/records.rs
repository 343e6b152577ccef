//! What is written down besides the changes: caps in force, backlogs behind them, hours that are not ordinary, and
//! for whose sake a change is made again.

use super::*;
use crate::baseline::Profile;
use crate::inventory::{AsyncConfig, EventSource, EventSourceMapping};
use crate::ledger::FunctionLedger;
use crate::plan::AsyncSetting;

fn reserve(from: Option<u32>, to: Option<u32>) -> Change {
    Change::ReservedConcurrency { from, to }
}

#[test]
fn a_function_s_record_tells_the_concurrency_that_the_guard_holds_it_at() {
    let mut desk = Desk::new(policy(), &[("a", 0), ("b", 0), ("c", 0)]);
    desk.hold("a", Some(40), 5, Phase::Capped);
    desk.hold("b", None, 7, Phase::Capped);
    desk.latch("b").levers[0].ours = None;
    desk.latch("b").levers[0].pending = Some(Setting::Concurrency(Some(7)));
    desk.roster.inventory.functions[2].reserved = Some(9);
    let caps: Vec<_> = desk.plan().functions.iter().map(|record| record.cap).collect();
    assert_eq!(caps, [Some(5), None, None], "neither what is not settled nor what is the owner's");
}

#[test]
fn a_backlog_behind_a_cap_may_cost_the_cap_s_full_use_for_the_event_age() {
    let mut desk = Desk::new(policy(), &[("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0)]);
    for (name, cap) in [("a", 5), ("b", 3), ("c", 5), ("d", 5), ("e", 5)] {
        desk.hold(name, None, cap, Phase::Capped);
    }
    let event_age = |max_event_age_s| Some(AsyncConfig { max_event_age_s, ..AsyncConfig::default() });
    let functions = &mut desk.roster.inventory.functions;
    functions[0].asynchronous = event_age(21_600);
    functions[1].asynchronous = event_age(3600);
    // Nothing waits before c, the budget does not cover d, and e is watched only.
    functions[3].asynchronous = event_age(21_600);
    functions[4].asynchronous = event_age(21_600);
    desk.roster.members[3].budgets.clear();
    desk.latch("e").levers.clear();
    desk.latch("e").phase = Phase::Watching;
    // A unit of 1 GB, ten requests a second: 21,600 × (0.0000166667 + 0.000002) = 0.40320072; for 3,600 s a sixth.
    // 5 × 0.40320072 + 3 × 0.06720012 = 2.21760396.
    let deferred = desk.plan().budgets[0].deferred;
    assert_eq!((deferred.low, deferred.expected, deferred.high), (Usd::ZERO, Usd::ZERO, usd("2.21760396")));
}

/// The hours of noon and before it of which a profile takes nothing in.
fn left_out(profile: &Profile) -> Vec<i64> {
    let mut profile = profile.clone();
    for back in [2, 1, 0] {
        profile.record(Hour::of(noon()).plus(-back), Usd::ZERO, 0);
    }
    [2, 1, 0].into_iter().filter(|back| profile.is_excluded(Hour::of(noon()).plus(-back))).collect()
}

#[test]
fn only_a_breach_that_is_no_ordinary_traffic_makes_a_budget_s_hours_extraordinary() {
    for (verdict, hours) in [
        (Verdict::Fine, vec![]),
        (Verdict::Warn, vec![]),
        (Verdict::BreachedAlert, vec![1, 0]),
        (Verdict::BreachedAct, vec![1, 0]),
        (Verdict::BreachedRefused, vec![1, 0]),
        (Verdict::BreachedOrdinary, vec![]),
    ] {
        let mut desk = Desk::new(policy(), &[("a", 0)]);
        let mut plan = desk.plan();
        plan.budgets[0].verdict = verdict;
        crate::planner::history::taint(&desk.roster, &mut desk.state, &plan);
        assert_eq!(left_out(&desk.book().profile), hours, "{verdict:?}");
    }
}

#[test]
fn hours_of_a_function_are_extraordinary_while_a_cap_is_being_held_or_released() {
    for (phase, hours) in [
        (Phase::Capped, vec![1, 0]),
        (Phase::Ramping, vec![1, 0]),
        (Phase::Watching, vec![]),
        (Phase::Standing, vec![]),
    ] {
        let mut desk = Desk::new(policy(), &[("a", 0)]);
        desk.state.functions = vec![FunctionLedger::new("a".into())];
        desk.hold("a", None, 5, phase);
        let plan = desk.plan();
        crate::planner::history::taint(&desk.roster, &mut desk.state, &plan);
        assert_eq!(left_out(&desk.state.functions[0].profile), hours, "{phase:?}");
    }
}

#[test]
fn each_function_that_two_budgets_break_gets_the_tighter_cap_of_its_own() {
    let mut desk = Desk::new(policy(), &[("a", 5), ("b", 5)]);
    desk.spent("10");
    desk.with_also();
    desk.roster.rules[1].below_floor = BelowFloor::Stop;
    let plan = desk.plan();
    assert_eq!(caps(&plan), [cap("a", 0), cap("b", 0)]);
    assert!(plan.actions.iter().all(|action| action.budget == Some("also".into())));
}

#[test]
fn of_two_budgets_that_ask_for_the_same_cap_the_first_has_asked() {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    desk.with_also();
    let plan = desk.plan();
    assert_eq!((caps(&plan), plan.actions[0].budget.clone()), (vec![cap("a", 5)], Some("day".into())));
}

#[test]
fn a_change_made_again_is_made_to_the_function_that_it_was_written_down_for() {
    let mut desk = Desk::new(policy(), &[("a", 0), ("b", 0)]);
    desk.hold("b", None, 20, Phase::Capped);
    let findings = [Finding::Resume { function: "b".into(), change: reserve(Some(20), Some(6)) }];
    let plan = plan(&desk.roster, &desk.state, &desk.seen, &desk.reading, &findings);
    assert_eq!(caps(&plan), [cap("b", 6)]);
}

/// The budget named for a change of "a" that is made again: "day", whose trip it is, or "also" where only that may
/// ask for so much. Nothing catches what "a" gives up, unless `caught`.
fn author(change: Change, caught: bool, rules: impl FnOnce(&mut [BudgetRule])) -> String {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.with_also();
    rules(&mut desk.roster.rules);
    let function = &mut desk.roster.inventory.functions[0];
    function.asynchronous = Some(AsyncConfig { on_failure: caught, ..AsyncConfig::default() });
    let source = EventSource::Sqs {
        max_concurrency: None,
        provisioned_pollers: false,
        max_receive_count: caught.then_some(3),
        retention_s: 345_600,
    };
    function.mappings = vec![EventSourceMapping { id: "m".into(), enabled: true, batch_size: 10, source }];
    desk.hold("a", None, 20, Phase::Capped);
    let findings = [Finding::Resume { function: "a".into(), change }];
    let plan = plan(&desk.roster, &desk.state, &desk.seen, &desk.reading, &findings);
    plan.actions[0].budget.as_ref().unwrap().as_str().to_owned()
}

#[test]
fn a_change_that_loses_events_is_made_again_for_a_budget_that_allows_it() {
    let disable = Change::MappingEnabled { mapping: "m".into(), from: true, to: false };
    let default = AsyncSetting::from(AsyncConfig::default());
    let cut = Change::AsyncConfig { from: default, to: AsyncSetting { max_retries: 0, ..default } };
    for (change, caught, wanted) in [
        (reserve(Some(20), Some(5)), false, "day"),
        (reserve(Some(20), Some(0)), false, "also"),
        (reserve(Some(20), Some(0)), true, "day"),
        (disable.clone(), false, "also"),
        (disable, true, "day"),
        (cut.clone(), false, "also"),
        (cut, true, "day"),
    ] {
        let name = author(change.clone(), caught, |rules| {
            rules.iter_mut().for_each(|rule| rule.below_floor = BelowFloor::Stop);
            rules[1].allow_event_loss = true;
        });
        assert_eq!(name, wanted, "{change:?} {caught}");
    }
}

#[test]
fn a_mapping_that_must_not_poll_is_switched_off_again_for_a_budget_that_stops() {
    let disable = Change::MappingEnabled { mapping: "m".into(), from: true, to: false };
    let name = author(disable, true, |rules| rules[1].below_floor = BelowFloor::Stop);
    assert_eq!(name, "also");
}
