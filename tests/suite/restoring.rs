//! Every setting that was there before comes back, once, whatever happens in between.

use guard_core::inventory::Function;
use guard_core::money::Usd;
use guard_core::operator::{self, Command};
use guard_core::plan::{NoticeKind, Reason};
use guard_core::settle::ApplyResult;
use guard_core::state::Phase;
use suite::{Load, World};

use crate::{policy, ten_dollars_a_day};

const CALM: Load = Load { rps: 2, duration_ms: 500, failing_per_mille: 0 };
/// 1,000 units of concurrency of 1 GB: about a dollar a minute.
const FLOOD: Load = Load { rps: 2000, duration_ms: 500, failing_per_mille: 0 };

fn shop(reserved: Option<u32>) -> World {
    let mut function = Function::new("shop", 1024, 10);
    function.reserved = reserved;
    World::new(ten_dollars_a_day(), vec![function]).with_history("shop", CALM)
}

/// Lives until the function is capped; panics after an hour.
fn until_capped(world: &mut World) -> u32 {
    for minute in 0..60 {
        world.live(1, &[("shop", FLOOD)]);
        if world.state.latches.get("shop").is_some_and(|latch| latch.phase == Phase::Capped) {
            return minute;
        }
    }
    panic!("never capped:\n{}", world.headlines().join("\n"));
}

#[test]
fn a_flood_is_capped_at_the_line_and_what_was_there_comes_back_in_calm() {
    for original in [None, Some(400)] {
        let mut world = shop(original);
        world.live(10, &[("shop", CALM)]);
        until_capped(&mut world);
        let capped_at = world.reserved("shop");
        assert_eq!(capped_at, Some(5), "two units were needed; headroom and the least floor make five");
        world.live(30, &[("shop", FLOOD)]);
        assert_eq!(world.reserved("shop"), Some(5), "held while the flood lasts");
        world.live(120, &[("shop", CALM)]);
        assert_eq!(world.reserved("shop"), original, "{}", world.headlines().join("\n"));
        assert_eq!(world.count(NoticeKind::Capped), 1, "{}", world.headlines().join("\n"));
        let released: Vec<String> = world
            .headlines()
            .into_iter()
            .filter(|line| line.contains("Released: OK: shop released"))
            .collect();
        assert_eq!(released.len(), 1, "{released:?}");
    }
}

#[test]
fn the_release_is_graded_and_waits_for_cooldown_and_calm() {
    let mut world = shop(None);
    until_capped(&mut world);
    world.live(5, &[("shop", FLOOD)]);
    let mut steps = Vec::new();
    for minute in 0..120 {
        world.live(1, &[("shop", CALM)]);
        let now = world.reserved("shop");
        if steps.last().is_none_or(|(_, last)| *last != now) {
            steps.push((minute, now));
        }
    }
    let values: Vec<Option<u32>> = steps.iter().map(|(_, value)| *value).collect();
    assert_eq!(values, [Some(5), Some(10), Some(20), None]);
    // Capped five minutes before calm begins; cooldown 30 minutes; then ten minutes of calm a step.
    let minutes: Vec<i32> = steps.iter().map(|(minute, _)| *minute).collect();
    assert_eq!(minutes[2] - minutes[1], 10);
    assert_eq!(minutes[3] - minutes[2], 10);
    assert!((24..=26).contains(&minutes[1]), "{steps:?}");
}

#[test]
fn a_relapse_during_the_ramp_is_the_same_trip_with_a_longer_cooldown() {
    let mut world = shop(Some(400));
    until_capped(&mut world);
    while world.reserved("shop") == Some(5) {
        world.live(1, &[("shop", CALM)]);
    }
    // The slack is used up still: what comes back is not let through a second time.
    world.live(6, &[("shop", FLOOD)]);
    assert_eq!(world.reserved("shop"), Some(5), "{}", world.headlines().join("\n"));
    assert_eq!(world.state.latches.get("shop").map(|latch| latch.relapses), Some(1));
    world.live(45, &[("shop", CALM)]);
    assert_eq!(world.reserved("shop"), Some(5), "the cooldown has doubled to an hour");
    world.live(120, &[("shop", CALM)]);
    assert_eq!(world.reserved("shop"), Some(400), "the first original, not the value between two trips");
}

#[test]
fn zero_is_a_number_an_operator_s_cap_on_a_stopped_function_restores_zero() {
    let mut world = shop(Some(0));
    let at = world.now.start();
    let word = Command::Cap { function: "shop".into(), concurrency: 7 };
    let plan = operator::command(&world.roster, &mut world.state, at, &word).unwrap();
    apply(&mut world, &plan);
    assert_eq!(world.reserved("shop"), Some(7));
    let word = Command::Release { function: "shop".into() };
    let plan = operator::command(&world.roster, &mut world.state, at, &word).unwrap();
    apply(&mut world, &plan);
    assert_eq!(world.reserved("shop"), Some(0));
    assert!(world.state.latches.is_empty());
}

fn apply(world: &mut World, plan: &guard_core::plan::Plan) {
    let outcomes: Vec<_> = plan
        .actions
        .iter()
        .map(|action| {
            let done =
                guard_core::settle::apply(&mut world.roster.inventory, &action.function, &action.change);
            assert!(done);
            guard_core::settle::Outcome {
                function: action.function.clone(),
                change: action.change.clone(),
                result: ApplyResult::Applied,
            }
        })
        .collect();
    guard_core::settle::settle(&mut world.state, plan.at, &outcomes);
}

#[test]
fn a_value_changed_by_somebody_else_while_tripped_is_reported_and_left_alone() {
    let mut world = shop(None);
    until_capped(&mut world);
    world.live(5, &[("shop", FLOOD)]);
    world.meddle("shop", Some(77));
    world.live(200, &[("shop", CALM)]);
    assert_eq!(world.reserved("shop"), Some(77));
    let told = world
        .headlines()
        .iter()
        .filter(|line| line.contains("changed by somebody else: 77 instead of 5"))
        .count();
    assert_eq!(told, 1, "{}", world.headlines().join("\n"));
    let at = world.now.start();
    let word = Command::Release { function: "shop".into() };
    let error = operator::command(&world.roster, &mut world.state, at, &word).unwrap_err();
    assert!(error.to_string().contains("nothing to release"), "{error}");
    assert_eq!(world.reserved("shop"), Some(77));
}

#[test]
fn a_deploy_that_undoes_the_cap_is_noticed_named_and_undone_itself_while_the_trip_lasts() {
    let mut world = shop(None);
    until_capped(&mut world);
    world.live(5, &[("shop", FLOOD)]);
    world.meddle("shop", None);
    world.live(1, &[("shop", FLOOD)]);
    assert_eq!(world.reserved("shop"), Some(5), "{}", world.headlines().join("\n"));
    assert_eq!(world.count(NoticeKind::Untripped), 1);
    let notice =
        world.plans.iter().flat_map(|plan| &plan.notices).find(|notice| notice.kind == NoticeKind::Untripped);
    assert!(notice.unwrap().headline.contains("undone by the deploy of 2026-11-02"), "{notice:?}");
    let reason = world.actions().last().map(|(_, action)| &action.reason);
    assert!(matches!(reason, Some(Reason::Untripped { last_modified: Some(_) })));
}

#[test]
fn a_deploy_that_undoes_the_cap_is_left_alone_where_the_policy_says_so() {
    let mut text = ten_dollars_a_day();
    text.release.reassert = false;
    let mut world = World::new(text, vec![Function::new("shop", 1024, 10)]).with_history("shop", CALM);
    until_capped(&mut world);
    world.meddle("shop", None);
    world.live(1, &[("shop", CALM)]);
    assert_eq!(world.reserved("shop"), None);
    assert_eq!(world.count(NoticeKind::Untripped), 1);
}

#[test]
fn flapping_around_the_line_for_a_day_trips_once() {
    for half_period_min in [1, 7, 20, 45] {
        let mut world = shop(None);
        let mut lived = 0;
        while lived < 24 * 60 {
            world.live(half_period_min, &[("shop", FLOOD)]);
            world.live(half_period_min, &[("shop", CALM)]);
            lived += 2 * half_period_min;
        }
        let trips = world
            .actions()
            .filter(|(_, action)| {
                matches!(action.reason, Reason::BudgetLine { .. } | Reason::SlackUsedUp { .. })
            })
            .count();
        assert_eq!(trips, 1, "half period {half_period_min} min:\n{}", world.headlines().join("\n"));
    }
}

#[test]
fn a_month_that_ends_during_a_trip_is_told_and_ends_as_the_policy_says() {
    for (at_rollover, capped_after) in [("release", false), ("hold", true)] {
        let text = format!(
            r#"
            armed = true
            [[budget]]
            name = "month"
            period = "month"
            usd = 10
            mode = "cap"
            at_rollover = "{at_rollover}"
            "#
        );
        let end = chrono::DateTime::parse_from_rfc3339("2026-11-30T23:30:00Z").unwrap().to_utc();
        let mut world = World::new(policy(&text), vec![Function::new("shop", 1024, 10)])
            .at(end)
            .with_history("shop", Load { rps: 0, duration_ms: 1, failing_per_mille: 0 });
        until_capped(&mut world);
        let until = |world: &mut World, minute, load| {
            while world.now.start() < end + chrono::Duration::minutes(minute) {
                world.live(1, &[("shop", load)]);
            }
        };
        until(&mut world, 15, FLOOD);
        let cap = world.reserved("shop");
        assert!(cap.is_some());
        until(&mut world, 31, Load { rps: 0, duration_ms: 1, failing_per_mille: 0 });
        assert_eq!(world.count(NoticeKind::Expired), 1, "{}", world.headlines().join("\n"));
        let spent = world.budget().spent.expected;
        assert!(spent < Usd::from_dollars(1), "a new period starts at nothing: {spent}");
        assert_eq!(
            world.reserved("shop") == cap,
            capped_after,
            "{at_rollover}: {:?}",
            world.reserved("shop")
        );
    }
}

#[test]
fn a_tick_delivered_twice_has_one_effect() {
    let mut world = shop(None);
    until_capped(&mut world);
    let before = world.actions().count();
    world.tick();
    let again = world.plans.last().unwrap();
    assert!(again.actions.is_empty() && again.notices.is_empty(), "{again:?}");
    assert_eq!(world.actions().count(), before);
}

#[test]
fn a_crash_after_the_intent_was_written_is_made_good_by_the_next_tick() {
    let mut world = shop(None);
    // The control plane is never reached: every call ends in nobody knows what.
    world.actuator = |_| ApplyResult::Unavailable { message: "crashed".to_owned() };
    while world.state.latches.is_empty() {
        world.live(1, &[("shop", FLOOD)]);
    }
    assert_eq!(world.reserved("shop"), None);
    world.actuator = |_| ApplyResult::Applied;
    world.live(1, &[("shop", FLOOD)]);
    assert_eq!(world.reserved("shop"), Some(5));
    let last = world.actions().last().map(|(_, action)| action.reason.clone());
    assert_eq!(last, Some(Reason::Resumed));
}

#[test]
fn an_operator_s_hold_keeps_the_cap_through_calm_and_release_ends_it() {
    let mut world = shop(None);
    until_capped(&mut world);
    let at = world.now.start();
    let word = Command::Hold { function: "shop".into(), minutes: 300 };
    let plan = operator::command(&world.roster, &mut world.state, at, &word).unwrap();
    assert_eq!(plan.actions, []);
    world.live(200, &[("shop", CALM)]);
    assert_eq!(world.reserved("shop"), Some(5));
    let at = world.now.start();
    let plan =
        operator::command(&world.roster, &mut world.state, at, &Command::Release { function: "shop".into() })
            .unwrap();
    apply(&mut world, &plan);
    assert_eq!(world.reserved("shop"), None);
    world.live(30, &[("shop", FLOOD)]);
    assert_eq!(world.reserved("shop"), None, "pardoned for an hour");
    world.live(60, &[("shop", FLOOD)]);
    assert_eq!(world.reserved("shop"), Some(5), "and no longer");
}
