//! Levers that somebody else moves: left alone for a while, then taken for the owner's, and watched again.

use guard_core::inventory::{EventSource, EventSourceMapping, Function};
use guard_core::plan::{Lever, NoticeKind, Reason, Setting, Verdict};
use guard_core::settle::LOOKS_UNTIL_ADOPTED;
use guard_core::state::{Latch, LeverState, Phase};
use suite::{Load, World};

use crate::ten_dollars_a_day;

const CALM: Load = Load { rps: 2, duration_ms: 200, failing_per_mille: 0 };
const FLOOD: Load = Load { rps: 600, duration_ms: 500, failing_per_mille: 0 };

fn shop(reserved: Option<u32>) -> World {
    let mut function = Function::new("shop", 1024, 10);
    function.reserved = reserved;
    World::new(ten_dollars_a_day(), vec![function]).with_history("shop", CALM)
}

fn verdict(world: &World) -> Verdict {
    world.plans.last().unwrap().budgets[0].verdict
}

/// Lives until a condition holds; whether it came to hold.
fn until(world: &mut World, minutes: u32, load: Load, holds: impl Fn(&World) -> bool) -> bool {
    (0..minutes).any(|_| {
        world.live(1, &[("shop", load)]);
        holds(world)
    })
}

#[test]
fn from_every_state_of_a_lever_and_every_value_found_there_the_guard_comes_back_to_watching() {
    let value = |reserved: Option<u32>| Setting::Concurrency(reserved);
    let lever = |original, ours: Option<u32>, pending: Option<u32>| LeverState {
        lever: Lever::ReservedConcurrency,
        original: value(original),
        ours: ours.map(|cap| value(Some(cap))),
        pending: pending.map(|cap| value(Some(cap))),
        found: None,
    };
    let phases = [Phase::Capped, Phase::Ramping, Phase::Watching, Phase::Standing];
    let mut cases = 0;
    for original in [None, Some(40)] {
        for (ours, pending) in [(Some(6), None), (Some(6), Some(12)), (None, Some(6))] {
            for found in [original, Some(6), Some(12), Some(50), Some(3), Some(0), None] {
                for (phase, reassert) in phases.into_iter().flat_map(|phase| [(phase, true), (phase, false)])
                {
                    let mut world = shop(original);
                    world.roster.policy.release.reassert = reassert;
                    world.live(3, &[("shop", CALM)]);
                    world.meddle("shop", found);
                    let at = world.now.start();
                    let latch = Latch {
                        budget: Some("day".into()),
                        tripped_at: at,
                        phase,
                        phase_since: at,
                        calm_since: None,
                        relapses: 0,
                        levers: vec![lever(original, ours, pending)],
                    };
                    world.state.latches.insert("shop".into(), latch);
                    let case =
                        format!("{original:?} {ours:?} {pending:?} found {found:?} {phase:?} {reassert}");
                    let free = |world: &World| {
                        let latch = world.state.latches.get("shop");
                        latch.is_none_or(|latch| latch.levers.is_empty() && latch.phase == Phase::Watching)
                    };
                    assert!(until(&mut world, 200, CALM, free), "{case}: {:?}", world.state.latches);
                    let of_guard = |value: Option<u32>| value.is_some() && value == found;
                    let theirs = found != original && !of_guard(ours) && !of_guard(pending);
                    let wanted = if theirs { found } else { original };
                    assert_eq!(world.reserved("shop"), wanted, "{case}");
                    let objects = world.plans.iter().flat_map(|plan| &plan.notices);
                    assert!(objects.into_iter().all(|n| n.alarm != "dow-guard/second-opinion"), "{case}");
                    // And a breach is met again, from the value in force.
                    if wanted.is_none_or(|reserved| reserved > 30) {
                        let capped = |world: &World| world.reserved("shop").is_some_and(|cap| cap <= 10);
                        assert!(until(&mut world, 300, FLOOD, capped), "{case}: {:?}", verdict(&world));
                        let latch = &world.state.latches["shop"];
                        assert_eq!(latch.levers[0].original, value(wanted), "{case}");
                    }
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 2 * 3 * 7 * 8);
}

#[test]
fn a_breach_over_a_value_of_somebody_else_is_refused_loudly_and_never_called_acted_on() {
    let mut world = shop(None);
    assert!(until(&mut world, 60, FLOOD, |world| world.reserved("shop").is_some()));
    world.live(2, &[("shop", FLOOD)]);
    assert_eq!(verdict(&world), Verdict::BreachedAct);
    world.meddle("shop", Some(50));
    let before = world.plans.len();
    for look in 1..=LOOKS_UNTIL_ADOPTED {
        world.live(1, &[("shop", FLOOD)]);
        assert_eq!(world.reserved("shop"), Some(50), "look {look}");
        assert_eq!(verdict(&world), Verdict::BreachedRefused, "look {look}");
        let refusals = &world.plans.last().unwrap().refusals;
        let of_budget = refusals.iter().filter(|refusal| refusal.budget.is_some());
        let expected = Reason::ChangedBySomebodyElse {
            ours: Setting::Concurrency(Some(5)),
            found: Setting::Concurrency(Some(50)),
        };
        assert!(of_budget.clone().all(|refusal| refusal.reason == expected) && of_budget.count() > 0);
    }
    let told = world.plans[before..].iter().flat_map(|plan| &plan.notices);
    let told: Vec<_> = told.filter(|notice| notice.function.is_some()).map(|notice| notice.kind).collect();
    assert_eq!(told, [NoticeKind::Refused], "told once, not every minute");
    // Half an hour later it is the owner's value, and the breach that lasts starts from it.
    world.live(2, &[("shop", FLOOD)]);
    assert!(world.reserved("shop").is_some_and(|cap| cap < 10), "{:?}", world.reserved("shop"));
    assert_eq!(world.state.latches["shop"].levers[0].original, Setting::Concurrency(Some(50)));
    assert_eq!(verdict(&world), Verdict::BreachedAct);
}

#[test]
fn a_value_set_by_hand_and_taken_back_leaves_the_guard_for_the_second_flood() {
    let mut world = shop(Some(200));
    assert!(until(&mut world, 60, FLOOD, |world| world.reserved("shop") != Some(200)));
    world.meddle("shop", Some(220));
    world.live(120, &[("shop", CALM)]);
    assert_eq!(world.reserved("shop"), Some(220));
    let over = world.plans.iter().flat_map(|plan| &plan.notices).filter(|notice| !notice.alarming);
    assert!(
        over.clone().any(|notice| notice.headline == "OK: shop: reserved concurrency 220 stays as it is")
    );
    world.meddle("shop", None);
    world.live(24 * 60, &[("shop", CALM)]);
    assert!(until(&mut world, 90, FLOOD, |world| world.reserved("shop").is_some()), "{:?}", verdict(&world));
}

#[test]
fn one_lever_of_somebody_else_leaves_the_others_to_the_guard() {
    let queue = |id: &str| EventSourceMapping {
        id: id.into(),
        enabled: true,
        batch_size: 1,
        source: EventSource::Sqs {
            max_concurrency: None,
            provisioned_pollers: false,
            max_receive_count: Some(3),
            retention_s: 345_600,
        },
    };
    let mut worker = Function::new("worker", 1024, 10);
    worker.synchronous = true;
    worker.mappings = vec![queue("m-1"), queue("m-2")];
    let mut world = World::new(ten_dollars_a_day(), vec![worker]).with_history("worker", CALM);
    world.live(40, &[("worker", FLOOD)]);
    let limits = |world: &World| -> Vec<Option<u32>> {
        let function = world.roster.inventory.function(&"worker".into()).unwrap();
        let of = |mapping: &EventSourceMapping| match mapping.source {
            EventSource::Sqs { max_concurrency, .. } => max_concurrency,
            EventSource::Stream { .. } => None,
        };
        function.mappings.iter().map(of).collect()
    };
    let capped = limits(&world);
    assert!(capped.iter().all(Option::is_some) && world.reserved("worker").is_some(), "{capped:?}");
    let theirs = |function: &mut Function| {
        if let EventSource::Sqs { max_concurrency, .. } = &mut function.mappings[0].source {
            *max_concurrency = Some(50);
        }
    };
    let functions = &mut world.roster.inventory.functions;
    functions.iter_mut().filter(|function| function.name.as_str() == "worker").for_each(theirs);
    world.live(24 * 60, &[("worker", CALM)]);
    assert_eq!((limits(&world), world.reserved("worker")), (vec![Some(50), None], None));
    let latch = world.state.latches.get("worker");
    assert!(latch.is_none_or(|latch| latch.phase == Phase::Watching && latch.levers.is_empty()), "{latch:?}");
}
