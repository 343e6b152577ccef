//! Stories on real parts, as an owner of functions would tell them.

mod deployed;
mod faults;
mod harness;
mod life;
mod once;
mod size;

use e2e::proxy::Call;
use e2e::world::{Load, World};
use serde_json::Value;

/// One budget of $10 a day over everything that may cap.
const ARMED: &str = "armed = true\n[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 10\nmode = \"cap\"\n";
const DISARMED: &str = "[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 10\nmode = \"cap\"\n";

/// Two requests a second of half a second each.
const CALM: Load = Load::of(120, 500);
/// 1,000 units of concurrency of 1 GB: about a dollar a minute.
const FLOOD: Load = Load::of(120_000, 500);

/// Tells several stories at the same time, because a guard mostly waits. What fails one fails the test.
fn at_once<T: Send>(stories: impl IntoIterator<Item = T>, tell: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        let tell = &tell;
        let told: Vec<_> = stories.into_iter().map(|story| scope.spawn(move || tell(story))).collect();
        for story in told {
            if let Err(panic) = story.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// The calls that change what others own, in words: `PutFunctionConcurrency shop 5`.
fn changes(calls: &[Call]) -> Vec<String> {
    let words = |call: &Call| {
        let function = call.target.split('/').nth(3).unwrap_or_default();
        let operation = call.operation.trim_start_matches("lambda:");
        let value = &call.json()["ReservedConcurrentExecutions"];
        format!("{operation} {function} {}", if value.is_null() { String::new() } else { value.to_string() })
    };
    calls.iter().filter(|call| call.is_mutating()).map(|call| words(call).trim_end().to_owned()).collect()
}

/// A message as a subscriber gets it.
#[derive(Debug)]
struct Notified {
    subject: String,
    body: String,
    event: String,
}

/// What came to a queue since it was looked at last. What programs read has their schema.
fn notified(world: &World, audience: &str) -> Vec<Notified> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |message: Value| Notified {
        subject: text(&message["Subject"]),
        body: text(&message["Message"]),
        event: text(&message["MessageAttributes"]["event"]["Value"]),
    };
    let messages: Vec<Notified> = world.messages(audience).into_iter().map(of).collect();
    let schema = match audience {
        "chat" => Some(include_str!("../../../guard-core/tests/schemas/chat.schema.json")),
        "pager" => Some(include_str!("../../../guard-core/tests/schemas/alarm.schema.json")),
        _ => None,
    };
    if let Some(schema) = schema {
        let schema = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
        for message in &messages {
            let body: Value = serde_json::from_str(&message.body).unwrap();
            if let Err(error) = schema.validate(&body) {
                panic!("a message for {audience}: {error}\n{body:#}");
            }
        }
    }
    messages
}

/// The events told to an audience.
fn events(world: &World, audience: &str) -> Vec<String> {
    notified(world, audience).into_iter().map(|message| message.event).collect()
}

/// Names and states of the alarms that pagers got.
fn pages(world: &World) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let read = |message: Notified| {
        let alarm: Value = serde_json::from_str(&message.body).unwrap();
        (text(&alarm["AlarmName"]), text(&alarm["NewStateValue"]))
    };
    notified(world, "pager").into_iter().map(read).collect()
}
