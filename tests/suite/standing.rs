//! The levers that stand before anything happens: the envelope at the floor, and the barrier that spend cannot cross.

use guard_core::inventory::Function;
use guard_core::money::Usd;
use guard_core::plan::{NoticeKind, Reason};
use guard_core::state::Phase;
use suite::{Load, World};

use crate::policy;

const CALM: Load = Load { rps: 2, duration_ms: 500, failing_per_mille: 0 };

fn web(name: &str) -> Function {
    Function::new(name, 1024, 10)
}

fn with(flags: &str, usd: u32) -> guard_core::policy::Policy {
    policy(&format!(
        "armed = true\n[timing]\nmetric_lag_s = 240\n[[budget]]\nname = \"day\"\nperiod = \"day\"\n\
         usd = {usd}\nmode = \"cap\"\n{flags}"
    ))
}

#[test]
fn an_envelope_stands_at_the_floor_before_anything_happens_and_leaves_the_owner_s_own() {
    let mut owned = web("owned");
    owned.reserved = Some(50);
    let functions = vec![web("new"), owned, web("shop")];
    let mut world = World::new(with("envelope = true", 1000), functions)
        .with_history("shop", Load::of(40, 500))
        .with_history("owned", CALM);
    world.live(1, &[("shop", Load::of(40, 500))]);
    // Twenty units in every hour of four weeks, and half as many again.
    assert_eq!(world.reserved("shop"), Some(30));
    assert_eq!(world.reserved("owned"), Some(50), "a reservation that the owner made is the owner's");
    assert_eq!(world.reserved("new"), None, "of which nothing is known, nothing is held");
    let reasons: Vec<_> = world.actions().map(|(_, action)| action.reason.clone()).collect();
    assert_eq!(reasons, [Reason::Envelope { floor: 30 }]);
    assert_eq!(world.count(NoticeKind::Capped), 0, "it is nobody's trip");
    world.live(60, &[("shop", Load::of(40, 500))]);
    assert_eq!(world.actions().count(), 1, "and stands without another word");
    assert_eq!(world.state.latches.get("shop").map(|latch| latch.phase), Some(Phase::Standing));
}

#[test]
fn a_trip_at_another_lever_does_not_make_the_owner_s_reservation_the_guard_s() {
    let mut worker = web("worker");
    worker.reserved = Some(86);
    worker.mappings = vec![guard_core::inventory::EventSourceMapping {
        id: "m-1".into(),
        enabled: true,
        batch_size: 1,
        source: guard_core::inventory::EventSource::Sqs {
            max_concurrency: None,
            provisioned_pollers: false,
            max_receive_count: Some(5),
            retention_s: 345_600,
        },
    }];
    worker.synchronous = false;
    let mut world = World::new(with("envelope = true", 10), vec![worker]).with_history("worker", CALM);
    world.live(150, &[("worker", Load::of(2000, 500))]);
    let tripped = world.state.latches.get("worker").is_some_and(|latch| latch.is_holding());
    assert!(tripped, "{:#?}", world.headlines());
    assert_eq!(world.reserved("worker"), Some(86));
}

#[test]
fn an_envelope_that_the_policy_wants_no_more_is_given_back() {
    let mut world = World::new(with("envelope = true", 1000), vec![web("shop")]).with_history("shop", CALM);
    world.live(10, &[("shop", CALM)]);
    assert_eq!(world.reserved("shop"), Some(5));
    for rule in &mut world.roster.rules {
        rule.envelope = false;
    }
    world.live(1, &[("shop", CALM)]);
    assert_eq!(world.reserved("shop"), None, "{:#?}", world.headlines());
    let last = world.actions().last().map(|(_, action)| action.reason.clone());
    assert_eq!(last, Some(Reason::Restored));
    assert!(world.state.latches.is_empty());
}

/// Calls every function as hard as its ceiling lets it and twice as hard whenever the ceiling loosens, all of them
/// within the account's thousand; tells after every minute.
fn attack(world: &mut World, names: &[&str], minutes: u32, mut seen: impl FnMut(&World)) {
    let most = 2000 / u64::try_from(names.len()).unwrap();
    let mut rps = vec![most / 8; names.len()];
    let mut last: Vec<Option<u32>> = names.iter().map(|name| world.reserved(name)).collect();
    for _ in 0..minutes {
        let loads: Vec<(&str, Load)> =
            names.iter().zip(&rps).map(|(name, rps)| (*name, Load::of(*rps, 500))).collect();
        world.live(1, &loads);
        for (index, name) in names.iter().enumerate() {
            let now = world.reserved(name);
            if now.unwrap_or(u32::MAX) > last[index].unwrap_or(u32::MAX) || now.is_none() {
                rps[index] = (rps[index] * 2).min(most);
            }
            last[index] = now;
        }
        seen(world);
    }
}

const GUARANTEE: &str = "guarantee = true\nbelow_floor = \"stop\"";

#[test]
fn under_a_guarantee_spend_never_passes_the_budget_whenever_the_flood_begins() {
    for usd in [8, 12, 30] {
        for calm_min in [1, 2, 5, 40] {
            let mut world = World::new(with(GUARANTEE, usd), vec![web("shop")]).with_history("shop", CALM);
            world.live(calm_min, &[("shop", CALM)]);
            let amount = Usd::from_dollars(i64::from(usd));
            attack(&mut world, &["shop"], 120, |world| {
                assert!(world.spent <= amount, "{} of {amount}", world.spent);
            });
            assert!(world.spent * 2 > amount, "and is not stopped long before: {} of {amount}", world.spent);
        }
    }
}

#[test]
fn under_a_guarantee_several_functions_together_stay_within_the_budget() {
    let names = ["api", "mail", "shop", "thumbs"];
    let functions = names.iter().map(|name| web(name)).collect();
    let mut world = World::new(with(GUARANTEE, 15), functions).with_history("shop", CALM);
    let amount = Usd::from_dollars(15);
    attack(&mut world, &names, 240, |world| assert!(world.spent <= amount, "{}", world.spent));
    assert!(world.spent > Usd::from_dollars(7), "{}", world.spent);
}

#[test]
fn under_a_guarantee_a_flood_over_midnight_stays_within_either_day() {
    let late = chrono::DateTime::parse_from_rfc3339("2026-11-02T22:30:00Z").unwrap().to_utc();
    let mut world = World::new(with(GUARANTEE, 12), vec![web("shop")]).at(late).with_history("shop", CALM);
    let amount = Usd::from_dollars(12);
    attack(&mut world, &["shop"], 90, |world| assert!(world.spent <= amount, "{}", world.spent));
    let first_day = world.spent;
    attack(&mut world, &["shop"], 180, |world| {
        assert!(world.spent - first_day <= amount, "{} on the second day", world.spent - first_day);
    });
    assert!(world.spent > first_day, "the second day has money of its own");
}

#[test]
fn without_a_guarantee_the_same_flood_overshoots() {
    let mut world = World::new(with("below_floor = \"stop\"\nslack = \"period\"", 8), vec![web("shop")])
        .with_history("shop", CALM);
    world.live(5, &[("shop", CALM)]);
    attack(&mut world, &["shop"], 120, |_| {});
    assert!(world.spent > Usd::from_dollars(8), "{}", world.spent);
    assert!(world.actions().all(|(_, action)| !matches!(action.reason, Reason::Barrier { .. })));
}
