//! Feeds bytes to what wakes the guard, as the payload and as the text of an SNS message; how to run it, CONTRIBUTING.md.
//! The module is taken by its file: the rest of its crate, with the clients of AWS, has nothing to do with it.

#![no_main]

use chrono::{TimeDelta, TimeZone, Utc};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

use self::shell::wake::{Limits, Wake, recognise};

#[path = "../../guard-fn/src"]
mod shell {
    #[allow(dead_code, reason = "not all of it is asked for here")]
    pub mod wake;
}

fuzz_target!(|bytes: &[u8]| {
    let now = Utc.timestamp_opt(1_600_000_000, 0).single().expect("a time within range");
    // Fixtures are of many years: without limits of age, what stands behind them is reached.
    let ages = TimeDelta::days(36_500);
    let limits = Limits { tick_age: ages, hint_age: ages, clock_skew: ages };
    if let Ok(payload) = serde_json::from_slice::<Value>(bytes) {
        match recognise(&payload, now, &limits) {
            Ok(Wake::Operator(word)) => assert_eq!(serde_json::to_value(word).ok(), Some(payload)),
            Ok(Wake::Question(question)) => assert_eq!(serde_json::to_value(question).ok(), Some(payload)),
            Ok(Wake::Hints(hints)) => assert!(!hints.is_empty()),
            Ok(Wake::Tick { .. } | Wake::Stack(_)) => {}
            Err(error) => assert!(!error.to_string().contains(char::is_control)),
        }
    }
    let message = String::from_utf8_lossy(bytes);
    let sns = json!({"Message": message, "Timestamp": "2020-09-13T12:26:40Z"});
    let payload = json!({"Records": [{"EventSource": "aws:sns", "Sns": sns}]});
    let answer = recognise(&payload, now, &limits);
    assert!(matches!(answer, Ok(Wake::Hints(_)) | Err(_)), "a publisher is no operator: {answer:?}");
});
