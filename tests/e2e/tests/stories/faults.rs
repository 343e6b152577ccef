//! At the wire: data that cannot be read are unknown and reported, never $0; a write that fails is reported and tried
//! again.

use std::time::Duration;

use e2e::proxy::{Call, Fault};
use e2e::runtime::Runtime;
use e2e::world::World;
use serde_json::Value;

use crate::stories::{ARMED, CALM, FLOOD, at_once, changes, notified};

fn shop() -> (World, Runtime) {
    let world = World::new(ARMED);
    world.function("shop");
    world.past(2, &[("shop", CALM)]);
    let guard = world.guard();
    (world, guard)
}

fn spent(tick: &Value) -> f64 {
    let amount = &tick["budgets"][0]["spent"];
    let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
    text.trim_start_matches('$').parse().unwrap_or_else(|_| panic!("no amount: {tick}"))
}

#[test]
fn metrics_that_cannot_be_read_are_unknown_and_told_and_what_was_spent_stays_spent() {
    at_once(
        [
            [("throttled", Fault::THROTTLED), ("failing", Fault::SERVER_ERROR), ("expired", Fault::EXPIRED)],
            [("denied", Fault::DENIED), ("partial", Fault::Partial), ("truncated", Fault::Truncated)],
            [
                ("dropped", Fault::Dropped),
                ("silent", Fault::Hang),
                ("slow", Fault::Slow(Duration::from_secs(9))),
            ],
        ],
        one_after_the_other_metrics_cannot_be_read,
    );
}

fn one_after_the_other_metrics_cannot_be_read(faults: [(&str, Fault); 3]) {
    let (mut world, guard) = shop();
    for (name, fault) in faults {
        let mut before = 0.0;
        for _ in 0..4 {
            before = spent(&world.live(&guard, &[("shop", CALM)]).ok());
        }
        assert!(before > 0.0, "{name}");
        notified(&world, "people");
        world.proxy.fail("monitoring:GetMetricData", usize::MAX, fault);
        let mut told = Vec::new();
        for _ in 0..2 {
            let tick = world.live(&guard, &[("shop", CALM)]).ok();
            assert_eq!(tick["blind"], true, "{name}: {tick}");
            assert!(spent(&tick) >= before, "{name}: {} of {before}", spent(&tick));
            told.extend(notified(&world, "people"));
        }
        assert!(!told.is_empty(), "{name}: nobody was told\n{}", guard.said());
        world.proxy.heal();
        for _ in 0..12 {
            world.live(&guard, &[("shop", CALM)]).ok();
        }
        let tick = world.live(&guard, &[("shop", CALM)]).ok();
        assert_eq!(tick["blind"], false, "{name}: {tick}");
        told.extend(notified(&world, "people"));
    }
    assert_eq!(changes(&world.proxy.calls()), Vec::<String>::new(), "nobody is capped for what nobody saw");
}

#[test]
fn no_memory_no_action_and_the_invocation_fails_loudly() {
    let (mut world, guard) = shop();
    world.live(&guard, &[("shop", CALM)]).ok();
    for operation in
        ["dynamodb:TransactWriteItems", "dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    {
        world.proxy.fail(operation, usize::MAX, Fault::SERVER_ERROR);
    }
    for _ in 0..8 {
        let answer = world.live(&guard, &[("shop", FLOOD)]);
        assert_eq!(answer.error(), Some("CannotRemember"), "{answer:?}");
    }
    assert_eq!(changes(&world.proxy.calls()), Vec::<String>::new());
    world.proxy.heal();
    for _ in 0..4 {
        world.live(&guard, &[("shop", FLOOD)]).ok();
    }
    assert_eq!(world.reserved("shop"), Some(5), "{}", guard.said());
}

#[test]
fn a_cap_whose_answer_is_lost_or_that_is_throttled_is_tried_until_it_stands_and_is_made_once() {
    let faults = [Fault::THROTTLED, Fault::SERVER_ERROR, Fault::Lost, Fault::Dropped, Fault::Truncated];
    at_once(faults, |fault| {
        let (mut world, guard) = shop();
        world.proxy.fail("lambda:PutFunctionConcurrency", 1, fault);
        for _ in 0..25 {
            world.live(&guard, &[("shop", FLOOD)]).ok();
        }
        assert_eq!(world.reserved("shop"), Some(5), "{}", guard.said());
        let done: Vec<Call> = world.proxy.calls().into_iter().filter(Call::is_done).collect();
        assert_eq!(changes(&done), ["PutFunctionConcurrency shop 5"]);
    });
}

#[test]
fn a_message_that_no_topic_takes_waits_and_is_sent_at_a_later_tick() {
    let (mut world, guard) = shop();
    world.proxy.fail("sns:Publish", usize::MAX, Fault::SERVER_ERROR);
    for _ in 0..20 {
        world.live(&guard, &[("shop", FLOOD)]).ok();
    }
    assert_eq!(world.reserved("shop"), Some(5), "{}", guard.said());
    assert!(notified(&world, "people").is_empty());
    world.proxy.heal();
    for _ in 0..3 {
        world.live(&guard, &[("shop", FLOOD)]).ok();
    }
    let people = notified(&world, "people");
    assert!(people.iter().any(|message| message.subject.starts_with("CAPPED shop")), "{people:?}");
}
