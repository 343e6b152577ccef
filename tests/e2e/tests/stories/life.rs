//! The whole life of a trip, and the same disarmed, at the wire.

use e2e::runtime::Runtime;
use e2e::world::{Load, World};
use serde_json::{Value, json};

use crate::stories::{ARMED, CALM, DISARMED, FLOOD, at_once, changes, events, notified, pages};

/// An account with a shop that has been quiet for two days.
fn shop(policy: &str, original: Option<u32>) -> World {
    let world = World::new(policy);
    world.function("shop");
    if let Some(original) = original {
        world.reserve("shop", original);
    }
    world.past(2, &[("shop", CALM)]);
    world
}

/// Lives under a flood until it is capped, and says how many minutes that took.
fn until_capped(world: &mut World, guard: &Runtime, original: Option<u64>) -> usize {
    for minute in 0..40 {
        world.live(guard, &[("shop", FLOOD)]).ok();
        if world.reserved("shop") != original {
            return minute;
        }
    }
    panic!("never capped:\n{}", guard.said());
}

fn minutes(world: &mut World, guard: &Runtime, count: usize, load: Load) -> Vec<Value> {
    (0..count).map(|_| world.live(guard, &[("shop", load)]).ok()).collect()
}

#[test]
fn a_flood_is_capped_told_remembered_and_in_calm_everything_is_as_before() {
    at_once([None, Some(400)], |original: Option<u32>| {
        let before = original.map(u64::from);
        let mut world = shop(ARMED, original);
        let guard = world.guard();
        minutes(&mut world, &guard, 5, CALM);
        assert_eq!(changes(&world.proxy.calls()), Vec::<String>::new(), "nothing is changed in quiet");
        until_capped(&mut world, &guard, before);
        assert_eq!(world.reserved("shop"), Some(5), "{}", guard.said());
        assert!(world.memory().iter().any(|item| item["sk"]["S"] == "HEAD"), "{:?}", world.memory());
        let people = notified(&world, "people");
        let capped = people.iter().find(|message| message.subject.starts_with("CAPPED shop")).unwrap();
        assert!(capped.body.contains("reserved concurrency"), "{}", capped.body);
        assert!(events(&world, "chat").contains(&"capped".to_owned()));
        let alarms = pages(&world);
        assert!(alarms.contains(&("dow-guard/capped/shop".to_owned(), "ALARM".to_owned())), "{alarms:?}");

        // A new process goes on where the old one was.
        drop(guard);
        let guard = world.guard();
        minutes(&mut world, &guard, 10, FLOOD);
        assert_eq!(world.reserved("shop"), Some(5), "held while the flood lasts");
        minutes(&mut world, &guard, 120, CALM);
        assert_eq!(world.reserved("shop"), before, "{}", guard.said());
        let alarms = pages(&world);
        assert!(alarms.contains(&("dow-guard/capped/shop".to_owned(), "OK".to_owned())), "{alarms:?}");
        let last = match original {
            None => "DeleteFunctionConcurrency shop",
            Some(_) => "PutFunctionConcurrency shop 400",
        };
        let steps = changes(&world.proxy.calls());
        assert_eq!(steps.first().map(String::as_str), Some("PutFunctionConcurrency shop 5"));
        assert_eq!(steps.last().map(String::as_str), Some(last), "{steps:?}");
    });
}

#[test]
fn disarmed_not_one_call_changes_anything_and_the_record_says_what_would_have_been_done() {
    let mut world = shop(DISARMED, Some(400));
    let guard = world.guard();
    let ticks = minutes(&mut world, &guard, 30, FLOOD);
    let calls = world.proxy.calls();
    assert!(calls.len() > 60, "the proxy must have seen the ticks: {}", calls.len());
    let mutating: Vec<_> = calls.iter().filter(|call| call.is_mutating()).collect();
    assert!(mutating.is_empty(), "{mutating:?}");
    assert_eq!(world.reserved("shop"), Some(400));
    let would: Vec<&Value> = ticks.iter().flat_map(|tick| tick["actions"].as_array().unwrap()).collect();
    let first = would.first().expect("a flood for half an hour must have been worth a cap");
    assert_eq!((&first["function"], &first["outcome"]), (&json!("shop"), &json!("not_tried")), "{first}");
    assert_eq!((&first["change"]["from"], &first["change"]["to"]), (&json!(400), &json!(5)), "{first}");
    assert!(events(&world, "people").contains(&"would-have-capped".to_owned()));
}

#[test]
fn a_deploy_that_undoes_the_cap_is_named_and_the_cap_comes_back_while_another_value_is_left_alone() {
    let mut world = shop(ARMED, None);
    let guard = world.guard();
    until_capped(&mut world, &guard, None);
    world.unreserve("shop");
    minutes(&mut world, &guard, 4, FLOOD);
    assert_eq!(world.reserved("shop"), Some(5), "{}", guard.said());
    assert!(events(&world, "people").contains(&"untripped".to_owned()));
    world.reserve("shop", 77);
    world.proxy.calls();
    minutes(&mut world, &guard, 100, CALM);
    assert_eq!(world.reserved("shop"), Some(77), "somebody decided that");
    assert_eq!(changes(&world.proxy.calls()), Vec::<String>::new());
}
