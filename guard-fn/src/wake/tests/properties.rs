//! Whatever arrives: no panic, no command by accident, no content in the error.

use proptest::prelude::*;

use super::*;

/// Keys and words of the envelopes, so that arbitrary JSON comes near to them.
const WORDS: [&str; 24] = [
    "command",
    "release",
    "disarm",
    "status",
    "function",
    "minutes",
    "tick",
    "now",
    "Records",
    "Sns",
    "Message",
    "EventSource",
    "aws:sns",
    "Timestamp",
    "detail-type",
    "detail",
    "source",
    "time",
    "alarmData",
    "state",
    "value",
    "Scheduled Event",
    "aws.scheduler",
    "AWS Budget Notification ",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![3 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(word(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Replaces, or removes, the value that a walk by `path` ends at.
fn mutate(value: &mut Value, path: &[prop::sample::Index], with: Option<Value>) {
    let Some((first, rest)) = path.split_first() else {
        *value = with.unwrap_or(Value::Null);
        return;
    };
    match value {
        Value::Object(object) if !object.is_empty() => {
            let key = object.keys().nth(first.index(object.len())).unwrap().clone();
            if rest.is_empty() && with.is_none() {
                object.remove(&key);
            } else {
                mutate(&mut object[&key], rest, with);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let index = first.index(items.len());
            mutate(&mut items[index], rest, with);
        }
        _ => *value = with.unwrap_or(Value::Null),
    }
}

/// The keys a command may have, by an oracle of its own.
fn could_be_a_command(payload: &Value) -> bool {
    let Some(object) = payload.as_object() else { return false };
    let Some(name) = object.get("command").and_then(Value::as_str) else { return false };
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected: &[&str] = match name {
        "release" | "explain" => &["command", "function"],
        "hold" => &["command", "function", "minutes"],
        "cap" => &["command", "concurrency", "function"],
        "arm" | "disarm" | "status" | "plan" | "bound" | "exposure" | "self-test" | "release-all" => {
            &["command"]
        }
        _ => return false,
    };
    keys == expected
}

fn holds(payload: &Value, now: DateTime<Utc>) -> Result<(), TestCaseError> {
    match recognise(payload, now, &limits()) {
        Ok(Wake::Operator(word)) => {
            prop_assert!(could_be_a_command(payload), "{payload}");
            prop_assert_eq!(&serde_json::to_value(word).unwrap(), payload);
        }
        Ok(Wake::Question(question)) => {
            prop_assert!(could_be_a_command(payload), "{payload}");
            prop_assert_eq!(&serde_json::to_value(question).unwrap(), payload);
        }
        Ok(Wake::Hints(hints)) => {
            prop_assert!(!hints.is_empty());
            prop_assert!(
                hints.iter().all(|hint| !hint.what.contains(char::is_control) && hint.what.len() < 400)
            );
        }
        Ok(Wake::Tick { .. }) => {}
        Ok(Wake::Stack(_)) => {
            let keys = ["tf", "RequestType"];
            prop_assert!(keys.iter().any(|key| payload.get(key).is_some()), "{payload}");
        }
        Err(error) => {
            let message = error.to_string();
            prop_assert!(!message.is_empty() && !message.contains(char::is_control), "{message:?}");
            prop_assert!(message.len() < 4_000, "{message}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 4))]

    #[test]
    fn arbitrary_json_never_panics_and_is_no_command_by_accident(payload in any_json()) {
        holds(&payload, at("2026-11-27T09:00:00Z"))?;
    }

    #[test]
    fn mutated_envelopes_never_panic_and_never_become_a_command(
        which in 0..FIXTURES.len(),
        edits in prop::collection::vec(
            (prop::collection::vec(any::<prop::sample::Index>(), 1..7), prop::option::of(any_json())), 1..4),
    ) {
        let (mut payload, now) = fixture(FIXTURES[which].0);
        for (path, with) in &edits {
            mutate(&mut payload, path, with.clone());
        }
        holds(&payload, now)?;
    }

    #[test]
    fn whatever_an_sns_message_says_it_is_a_hint_or_refused(
        text in prop_oneof![any_json().prop_map(|json| json.to_string()), any::<String>()],
    ) {
        let (mut payload, now) = fixture("alarm-sns");
        payload["Records"][0]["Sns"]["Message"] = text.into();
        let answer = recognise(&payload, now, &limits());
        prop_assert!(matches!(answer, Ok(Wake::Hints(_)) | Err(_)), "{answer:?}");
    }

    #[test]
    fn what_a_message_contains_stays_out_of_the_error(secret in "[A-Za-z0-9+/]{17,60}") {
        for payload in [
            json!({"key": secret.clone()}),
            json!({"command": secret.clone()}),
            json!({"command": "release", "function": format!("{secret}:{secret}")}),
            json!({"tick": secret.clone()}),
            json!({"source": secret.clone(), "detail-type": secret.clone(), "detail": secret.clone()}),
            json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": secret.clone(), "Timestamp": secret.clone()}}]}),
            json!({"alarmData": {"alarmName": secret.clone(), "state": {"value": secret.clone()}}, "source": secret.clone()}),
        ] {
            let message = recognise(&payload, at("2026-11-27T09:00:00Z"), &limits()).unwrap_err().to_string();
            prop_assert!(!message.contains(&secret), "{message}");
        }
    }
}
