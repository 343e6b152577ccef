//! An event that happens twice, or stops half-way, has one effect, and the setting before it is known.

use std::sync::Arc;

use e2e::proxy::{Call, Fault};
use e2e::runtime::Runtime;
use e2e::world::World;
use serde_json::json;

use crate::stories::{ARMED, CALM, FLOOD, at_once, changes};

const CAP: &str = "PutFunctionConcurrency shop 5";

/// An account in which a shop with a reservation of 400 is under attack for the next 20 minutes, whatever happens.
fn attacked() -> World {
    let mut world = World::new(ARMED);
    world.function("shop");
    world.reserve("shop", 400);
    world.past(2, &[("shop", CALM)]);
    world.foretell(20, &[("shop", FLOOD)]);
    world
}

/// Ticks until the calls of a tick say that it capped; those calls.
fn until_capped(world: &mut World, guard: &Runtime) -> (usize, Vec<Call>) {
    for tick in 0..20 {
        world.next_minute();
        world.proxy.calls();
        guard.invoke(&world.event());
        let calls = world.proxy.calls();
        if !changes(&calls).is_empty() {
            return (tick, calls);
        }
    }
    panic!("never capped:\n{}", guard.said());
}

/// Brings the account to the minute before the tick that caps.
fn before_the_cap(world: &mut World, guard: &Runtime, ticks: usize) {
    for _ in 0..ticks {
        world.next_minute();
        guard.invoke(&world.event()).ok();
    }
    world.next_minute();
    world.proxy.calls();
}

/// An operator takes the guard off: what the guard believes was there before is there again.
fn released(world: &World, guard: &Runtime) -> Option<u64> {
    guard.invoke(&json!({ "command": "release", "function": "shop" })).ok();
    world.reserved("shop")
}

#[test]
fn two_invocations_at_once_and_an_event_delivered_twice_have_one_effect() {
    let mut world = attacked();
    let start = world.clock.at();
    let guard = world.guard();
    let (ticks, calls) = until_capped(&mut world, &guard);
    assert_eq!(changes(&calls), [CAP]);
    guard.invoke(&world.event()).ok();
    assert_eq!(changes(&world.proxy.calls()), Vec::<String>::new(), "the same event again");

    for _ in 0..3 {
        world.forget();
        world.reserve("shop", 400);
        world.clock.set(start);
        let (one, other) = (world.guard(), world.guard());
        before_the_cap(&mut world, &one, ticks);
        let event = world.event();
        let answers = std::thread::scope(|scope| {
            let both = [&one, &other].map(|guard| scope.spawn(|| guard.invoke(&event)));
            both.map(|answer| answer.join().unwrap())
        });
        assert!(answers.iter().any(|answer| answer.error().is_none()), "{answers:?}");
        let done: Vec<Call> = world.proxy.calls().into_iter().filter(Call::is_done).collect();
        assert_eq!(changes(&done), [CAP], "{answers:?}");
        assert_eq!(released(&world, &one), Some(400));
    }
}

#[test]
fn killed_at_any_call_the_next_process_ends_with_one_cap_and_the_original() {
    at_once([(false, 0), (false, 1), (true, 0), (true, 1)], |(after, first)| {
        killed_at_every_second_call(after, first);
    });
}

/// Kills the guard before or after each second call of the tick that caps, from the first or the second on.
fn killed_at_every_second_call(after: bool, first: usize) {
    let mut world = attacked();
    let start = world.clock.at();
    let guard = world.guard();
    let (ticks, calls) = until_capped(&mut world, &guard);
    drop(guard);
    assert!(calls.len() >= 6, "{calls:?}");
    for (place, call) in calls.iter().enumerate().skip(first).step_by(2) {
        world.forget();
        world.reserve("shop", 400);
        world.clock.set(start);
        let guard = world.guard();
        before_the_cap(&mut world, &guard, ticks);
        let kill = guard.killer();
        let kill = Arc::new(kill);
        let fault = if after { Fault::After(kill) } else { Fault::Before(kill) };
        world.proxy.fail_after("*", place, 1, fault);
        let died = guard.try_invoke(&world.event());
        world.proxy.heal();
        drop(guard);
        let guard = world.guard();
        for _ in 0..4 {
            guard.invoke(&world.event()).ok();
            world.next_minute();
        }
        let side = if after { "after" } else { "before" };
        let what = format!("killed {side} call {place}: {}: {died:?}", call.operation);
        let done: Vec<Call> = world.proxy.calls().into_iter().filter(Call::is_done).collect();
        assert_eq!(changes(&done), [CAP], "{what}\n{}", guard.said());
        assert_eq!(world.reserved("shop"), Some(5), "{what}");
        let told =
            crate::stories::pages(&world).iter().filter(|(name, _)| name == "dow-guard/capped/shop").count();
        assert!(told >= 1, "{what}: nobody was told");
        assert_eq!(released(&world, &guard), Some(400), "{what}");
    }
}
