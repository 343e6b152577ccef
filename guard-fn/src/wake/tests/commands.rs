//! Operators' commands, and who is none.

use super::*;

fn command(payload: &Value) -> Result<Wake, Unrecognised> {
    recognise(payload, at("2026-11-27T09:00:00Z"), &limits())
}

fn refused(payload: &Value) -> String {
    command(payload).unwrap_err().to_string()
}

#[test]
fn every_command_that_changes_something_is_the_cores() {
    let function = FunctionName::from("orders");
    let words = [
        (
            json!({"command": "release", "function": "orders"}),
            operator::Command::Release { function: function.clone() },
        ),
        (
            json!({"command": "hold", "function": "orders", "minutes": 60}),
            operator::Command::Hold { function: function.clone(), minutes: 60 },
        ),
        (
            json!({"command": "cap", "function": "orders", "concurrency": 0}),
            operator::Command::Cap { function, concurrency: 0 },
        ),
        (json!({"command": "arm"}), operator::Command::Arm),
        (json!({"command": "disarm"}), operator::Command::Disarm),
        (json!({"command": "release-all"}), operator::Command::ReleaseAll),
    ];
    for (payload, word) in words {
        assert_eq!(serde_json::to_value(&word).unwrap(), payload, "the form the core writes");
        assert_eq!(command(&payload), Ok(Wake::Operator(word)));
    }
}

#[test]
fn every_question_is_a_question() {
    let questions = [
        (json!({"command": "status"}), Question::Status),
        (json!({"command": "plan"}), Question::Plan),
        (
            json!({"command": "explain", "function": "orders"}),
            Question::Explain { function: "orders".into() },
        ),
        (json!({"command": "bound"}), Question::Bound),
        (json!({"command": "exposure"}), Question::Exposure),
        (json!({"command": "self-test"}), Question::SelfTest),
    ];
    for (payload, question) in questions {
        assert_eq!(serde_json::to_value(&question).unwrap(), payload);
        assert_eq!(command(&payload), Ok(Wake::Question(question)));
    }
}

#[test]
fn a_mistyped_command_is_answered_with_the_nearest() {
    for (given, nearest) in
        [("relase", "release"), ("staus", "status"), ("Disarm", "disarm"), ("selftest", "self-test")]
    {
        let message = refused(&json!({"command": given, "function": "orders"}));
        let expected =
            format!("no command {given:?}, did you mean {nearest:?}?; commands are release, hold, cap,");
        assert!(message.starts_with(&expected), "{message}");
    }
    let message = refused(&json!({"command": "drop-tables"}));
    assert!(message.starts_with("no command \"drop-tables\"; commands are"), "{message}");
    let message = refused(&json!({"command": "token=hunter2\n"}));
    assert!(message.starts_with("no command (text of 14 bytes); commands are"), "{message}");
    assert!(
        refused(&json!({"command": "releas".repeat(10_000)}))
            .starts_with("no command (text of 60000 bytes); ")
    );
}

#[test]
fn fields_are_all_there_and_no_others() {
    assert_eq!(
        refused(&json!({"command": "hold", "function": "orders"})),
        "the command hold needs minutes, a whole number from 1 to 43200"
    );
    assert_eq!(
        refused(&json!({"command": "release"})),
        "the command release needs function, a function's name without ARN, version or alias: 1 to 64 letters, digits, - and _"
    );
    assert_eq!(
        refused(&json!({"command": "release", "function": "orders", "minute": 5})),
        "the command release has no field \"minute\"; it has function"
    );
    assert_eq!(
        refused(&json!({"command": "arm", "function": "orders"})),
        "the command arm has no field \"function\"; it has none"
    );
    for command in [json!(null), json!(7), json!(["release"]), json!({"command": "release"})] {
        assert_eq!(
            refused(&json!({"command": command, "function": "x"})),
            "a malformed command: command must be text"
        );
    }
}

#[test]
fn numbers_out_of_range_are_refused_with_the_range() {
    let hold =
        |minutes: Value| command(&json!({"command": "hold", "function": "orders", "minutes": minutes}));
    assert!(hold(json!(1)).is_ok() && hold(json!(43_200)).is_ok());
    for (minutes, found) in [
        (json!(0), "0"),
        (json!(43_201), "43201"),
        (json!(-1), "-1"),
        (json!(1.5), "1.5"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!("60"), "text"),
        (json!(null), "null"),
    ] {
        let expected =
            format!("the command hold: minutes is {found}, accepted is a whole number from 1 to 43200");
        assert_eq!(hold(minutes).unwrap_err().to_string(), expected);
    }
    let cap = |concurrency: Value| {
        command(&json!({"command": "cap", "function": "orders", "concurrency": concurrency}))
    };
    assert!(cap(json!(u32::MAX)).is_ok());
    assert!(cap(json!(4_294_967_296_u64)).unwrap_err().to_string().contains("from 0 to 4294967295"));
}

#[test]
fn a_function_is_given_by_its_bare_name() {
    for function in [
        "",
        "orders:live",
        "arn:aws:lambda:eu-central-1:123456789012:function:orders",
        "a b",
        "ö",
        &"x".repeat(65),
    ] {
        let message = refused(&json!({"command": "release", "function": function}));
        assert!(
            message.starts_with("the command release: function is text, accepted is a function's name"),
            "{message}"
        );
    }
    assert!(command(&json!({"command": "release", "function": "x".repeat(64)})).is_ok());
}

#[test]
fn a_command_in_an_sns_message_is_not_obeyed() {
    let texts = [
        json!({"command": "release", "function": "orders"}).to_string(),
        json!({"command": "disarm"}).to_string(),
        json!({"command": "status"}).to_string(),
        json!({"tick": "now"}).to_string(),
    ];
    for text in texts {
        let message = refusal("alarm-sns", |payload| payload["Records"][0]["Sns"]["Message"] = text.into());
        assert!(message.ends_with("Commands are taken from an invocation only"), "{message}");
    }
    // Smuggled into an alarm that is recognised, it stays unread.
    let (mut payload, now) = fixture("alarm-sns");
    in_message(&mut payload, |alarm| {
        alarm["command"] = json!("release");
        alarm["function"] = json!("orders");
    });
    assert!(matches!(recognise(&payload, now, &limits()), Ok(Wake::Hints(_))));
}

#[test]
fn a_command_in_an_event_is_not_obeyed() {
    for name in ["alarm-eventbridge", "anomaly-eventbridge", "scheduler-default"] {
        let (mut payload, now) = fixture(name);
        payload["detail"] = json!({"command": "disarm"});
        let answer = recognise(&payload, now, &limits());
        assert!(!matches!(answer, Ok(Wake::Operator(_) | Wake::Question(_))), "{name}: {answer:?}");
        // An envelope that also claims to be a command is neither.
        let (mut payload, now) = fixture(name);
        payload["command"] = json!("disarm");
        assert!(
            matches!(recognise(&payload, now, &limits()), Err(Unrecognised::UnknownField { .. })),
            "{name}"
        );
    }
}
