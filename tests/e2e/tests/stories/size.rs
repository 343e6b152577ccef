//! Accounts with many functions, and accounts with little room; and what an idle tick asks.

use e2e::world::{GUARD, Load, World, arn};
use serde_json::json;

use crate::stories::{ARMED, CALM, FLOOD, changes, events};

#[test]
fn an_idle_tick_at_a_thousand_functions_makes_ten_calls_at_most() {
    let mut world = World::new(ARMED);
    let names: Vec<String> = (0..999).map(|number| format!("f{number:03}")).collect();
    for name in &names {
        world.function(name);
    }
    world.past(2, &[("f000", CALM), ("f500", CALM)]);
    let guard = world.guard();
    // The survey of the first tick, and seven slices of the first census.
    for _ in 0..9 {
        world.live(&guard, &[("f000", CALM)]).ok();
    }
    for _ in 0..5 {
        world.proxy.calls();
        let tick = world.live(&guard, &[("f000", CALM)]).ok();
        let calls: Vec<String> = world.proxy.calls().into_iter().map(|call| call.operation).collect();
        assert!(calls.len() <= 10, "{tick}\n{calls:?}");
        assert!(
            calls.len() >= 2 && tick["own_calls"] == calls.len(),
            "{} counted, {calls:?}",
            tick["own_calls"]
        );
        assert_eq!(tick["blind"], false, "{tick}");
    }
    let status = guard.invoke(&json!({ "command": "status" })).ok();
    assert_eq!(status["functions"], 1000, "{status}");
}

#[test]
fn among_a_hundred_and_twenty_functions_the_protected_and_the_guard_itself_are_never_touched() {
    let policy = format!("protected = [\"pay-*\", \"tag:critical\"]\n{ARMED}");
    let mut world = World::new(&policy);
    let names: Vec<String> = (0..119)
        .map(|number| match number {
            40..50 => format!("pay-{number:03}"),
            _ => format!("f{number:03}"),
        })
        .collect();
    for name in &names {
        world.function(name);
    }
    let tag = json!({ "Resource": arn("f060"), "Tags": { "critical": "yes" } });
    world.aws.call("lambda", "tag_resource", tag);
    let of = |load| names.iter().map(|name| (name.as_str(), load)).chain([(GUARD, load)]).collect::<Vec<_>>();
    let quiet = Load::of(6, 100);
    world.past(1, &of(quiet));
    let guard = world.guard();
    let mut touched = Vec::new();
    // The pages of ListFunctions hold 50: a cap on the last of them has gone through all.
    let is_enough =
        |touched: &[String]| touched.len() >= 50 && touched.iter().any(|change| change.contains(" f11"));
    for _ in 0..15 {
        let tick = world.live(&guard, &of(Load { invocations: FLOOD.invocations / 40, ..FLOOD }));
        // Beside other tests the table may not answer in time: then nothing was changed, and the next tick does it.
        if tick.error() != Some("CannotRemember") {
            tick.ok();
        }
        touched.extend(changes(&world.proxy.calls()));
        if is_enough(&touched) {
            break;
        }
    }
    assert!(
        is_enough(&touched),
        "a flood in all of them must have been worth caps: {touched:?}\n{}",
        guard.said()
    );
    let forbidden =
        |change: &&String| change.contains(" pay-") || change.contains(" f060 ") || change.contains(GUARD);
    assert!(!touched.iter().any(|change| forbidden(&change)), "{touched:?}");
}

#[test]
fn in_an_account_with_a_limit_of_ten_no_cap_is_tried_and_people_hear_why() {
    let mut world = World::with_limit(10, &ARMED.replace("usd = 10", "usd = 0.1"));
    world.function("shop");
    world.past(1, &[("shop", Load::of(1, 100))]);
    let guard = world.guard();
    for _ in 0..30 {
        // All ten units of the account, half a minute each: a cent a minute.
        world.live(&guard, &[("shop", Load::of(20, 30_000))]).ok();
    }
    assert_eq!(world.reserved("shop"), None, "{}", guard.said());
    assert!(events(&world, "people").contains(&"refused".to_owned()), "{}", guard.said());
    let tried = changes(&world.proxy.calls());
    assert!(tried.is_empty(), "{tried:?}");
}
