//! The consumers' schemas, written down from their documentation, and the rules of SNS.

use std::sync::LazyLock;

use guard_core::alert::{Audience, MESSAGE_MAX_BYTES, Message, SMS_MAX_BYTES, SUBJECT_MAX_CHARS};
use jsonschema::Validator;
use serde_json::Value;

static CHAT: LazyLock<Validator> = LazyLock::new(|| schema(include_str!("../schemas/chat.schema.json")));
static ALARM: LazyLock<Validator> = LazyLock::new(|| schema(include_str!("../schemas/alarm.schema.json")));

fn schema(text: &str) -> Validator {
    let schema: Value = serde_json::from_str(text).unwrap();
    jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{error}"))
}

fn assert_valid(validator: &Validator, instance: &Value) {
    let errors: Vec<String> =
        validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{instance:#}");
}

/// Everything that SNS and the audience require of a message.
pub(crate) fn assert_deliverable(message: &Message) {
    let Message { audience, subject, body, attributes } = message;
    assert!(message.bytes() <= MESSAGE_MAX_BYTES, "{} bytes", message.bytes());
    assert!(!subject.is_empty() && subject.chars().count() <= SUBJECT_MAX_CHARS, "{subject:?}");
    assert!(subject.chars().all(|c| (' '..='~').contains(&c)), "{subject:?}");
    assert!(subject.starts_with(|c: char| c.is_ascii_alphanumeric()), "{subject:?}");
    assert!(!body.is_empty());
    assert!(attributes.len() <= 10, "{attributes:?}");
    for (name, value) in attributes {
        assert!(!value.is_empty() && !value.contains(char::is_control), "{name} {value:?}");
    }
    assert_eq!(attributes.get("audience").map(String::as_str), Some(audience.as_str()));
    match audience {
        Audience::People => {
            let first = body.lines().next().unwrap();
            assert!(!first.is_empty() && first.is_ascii() && first.len() <= SMS_MAX_BYTES, "{first:?}");
            assert!(!body.contains(|c: char| c.is_control() && c != '\n'), "{body:?}");
        }
        Audience::Chat => assert_valid(&CHAT, &serde_json::from_str(body).unwrap()),
        Audience::Pager => {
            let alarm: Value = serde_json::from_str(body).unwrap();
            assert_valid(&ALARM, &alarm);
            let state = alarm["NewStateValue"].as_str().unwrap();
            assert!(subject.starts_with(&format!("{state}: \"")), "{subject:?}");
            assert_eq!(attributes.get("state").map(String::as_str), Some(state));
        }
    }
}

#[test]
fn the_schemas_refuse_what_the_consumers_would_drop() {
    let card = serde_json::json!({"version": "1.0", "source": "custom", "content": {"description": "text"}});
    assert!(CHAT.is_valid(&card));
    for (pointer, value) in [
        ("/version", serde_json::json!("1")),
        ("/source", serde_json::json!("aws.lambda")),
        ("/content", serde_json::json!({"title": "no description"})),
        ("/content/description", serde_json::json!("")),
    ] {
        let mut broken = card.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        assert!(!CHAT.is_valid(&broken), "{broken}");
    }
    assert!(!ALARM.is_valid(&serde_json::json!({"AlarmName": "a"})));
}
