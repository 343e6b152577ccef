//! Deployed into the emulator as a function with a one-minute schedule, the guard runs by itself.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use e2e::world::{GUARD, World, arn};
use serde_json::json;

use crate::stories::{ARMED, CALM, FLOOD, notified};

#[test]
fn deployed_with_a_schedule_of_a_minute_it_caps_a_flood_without_anybody_s_doing() {
    let mut world = World::new(ARMED);
    world.function("shop");
    world.clock.set_real();
    // Half an hour of a flood that will go on for ten minutes, after twelve quiet days.
    let now = world.clock.at();
    world.clock.set(now - TimeDelta::minutes(30));
    // In the first half of an hour the flood lies in the hour before as well: of so many hours one is not the
    // highest percent.
    world.past(12, &[("shop", CALM)]);
    world.foretell(40, &[("shop", FLOOD)]);
    world.deploy();
    let rule = json!({ "Name": "tick", "ScheduleExpression": "rate(1 minute)" });
    world.aws.call("events", "put_rule", rule);
    let targets = json!({ "Rule": "tick", "Targets": [{ "Id": "guard", "Arn": arn(GUARD) }] });
    world.aws.call("events", "put_targets", targets);
    let start = Instant::now();
    while world.reserved("shop").is_none() {
        let log = || std::fs::read_to_string(world.folder().join("emulator.log")).unwrap_or_default();
        assert!(
            start.elapsed() < Duration::from_secs(420),
            "nothing was capped in seven minutes:\n{}",
            log()
        );
        std::thread::sleep(Duration::from_secs(1));
    }
    assert_eq!(world.reserved("shop"), Some(5));
    std::thread::sleep(Duration::from_secs(2));
    let people = notified(&world, "people");
    assert!(people.iter().any(|message| message.subject.starts_with("CAPPED shop")), "{people:?}");
}
