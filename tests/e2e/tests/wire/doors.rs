//! Doors that are shut: what may be asked by whoever holds a laptop with the deployed guard's table, and by whoever may
//! publish to one of its topics.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};

use e2e::proxy::Fault;
use e2e::stub::{Function, Load, Published, Stub};
use e2e::tools;
use serde_json::{Value, json};

use crate::wire::life::{Life, POLICY};

/// What a visitor has in a file: another budget, and not the owner's.
const VISITORS: &str = "[[budget]]\nname = \"mine\"\nperiod = \"month\"\nusd = 400\n";

type Table = BTreeMap<(String, String), Value>;

/// An account whose guard has capped a flooded `api`, with messages that no topic has taken yet.
fn capped() -> Life {
    let mut life = Life::new(POLICY);
    for name in ["api", "img"] {
        life.stub.account().functions.insert(name.to_owned(), Function::of(1024));
    }
    life.stub.account().metrics.usually("dow-guard", Load::of(1, 200));
    life.live(&[]);
    life.proxy.fail("sns:Publish", usize::MAX, Fault::DENIED);
    for _ in 0..6 {
        life.live(&[("api", Load::of(18_000, 1000))]);
    }
    let reserved = life.stub.account().functions["api"].reserved;
    assert!(reserved.is_some(), "capped:\n{}", life.said());
    let status = life.ask(&json!({ "command": "status" })).answer.ok();
    assert!(status["waiting_messages"].as_u64() > Some(0), "{status}");
    life.proxy.heal();
    life
}

/// The guard's program on a laptop, with the deployed guard's table.
fn laptop(life: &Life, words: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.toml"), VISITORS).unwrap();
    let environment = Stub::environment(life.proxy.address);
    Command::new(tools::guard())
        .args(words.split(' '))
        .args(["--policy", "mine.toml", "--table", "dow-guard", "--guard", "dow-guard"])
        .current_dir(folder.path())
        .envs(environment.into_iter().filter(|(name, _)| name.starts_with("AWS_")))
        .envs(life.clock.environment())
        .output()
        .unwrap()
}

/// What a laptop must leave alone.
fn all(life: &Life) -> (Table, Vec<Published>, usize) {
    let account = life.stub.account();
    (account.table(), account.published.clone(), account.changes.len())
}

/// The bytes of the table before and after each command without `--arm`, and of a tick with it.
fn leaves_everything(words: &str) {
    let life = capped();
    let before = all(&life);
    let output = laptop(&life, words);
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(all(&life) == before, "`{words}` changed something: {said}");
    assert_eq!(output.status.code(), Some(0), "`{words}`: {said}");
    assert!(!output.stdout.is_empty(), "`{words}`");
    assert!(!said.contains("CAPPED api"), "`{words}` told what waits for others: {said}");
}

macro_rules! leaves_everything {
    ($($name:ident: $words:literal,)*) => { $(
        #[test]
        fn $name() {
            leaves_everything($words);
        }
    )* };
}

leaves_everything! {
    a_visitors_once_changes_nothing: "once",
    a_visitors_armed_once_changes_nothing: "once --arm",
    a_visitors_plan_changes_nothing: "plan",
    a_visitors_status_changes_nothing: "status",
    a_visitors_explain_changes_nothing: "explain api",
    a_visitors_bound_changes_nothing: "bound",
    a_visitors_exposure_changes_nothing: "exposure",
    a_visitors_self_test_changes_nothing: "self-test",
    a_visitors_release_without_arm_changes_nothing: "release api",
    a_visitors_hold_without_arm_changes_nothing: "hold api 120",
    a_visitors_cap_without_arm_changes_nothing: "cap api 20",
}

#[test]
fn an_order_of_a_visitor_is_carried_out_and_its_owner_tells_of_it() {
    for (words, reserved) in [("release api --arm", None), ("cap api 20 --arm", Some(20))] {
        let mut life = capped();
        let (_, published, changes) = all(&life);
        let before = life.ask(&json!({ "command": "status" })).answer.ok();
        let output = laptop(&life, words);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{words}: {error}");
        assert!(!error.contains("CAPPED"), "{words}: messages for others on a terminal: {error}");
        assert_eq!(life.stub.account().functions["api"].reserved, reserved, "{words}");
        assert_eq!((all(&life).1, all(&life).2), (published.clone(), changes + 1), "{words}");
        let after = life.ask(&json!({ "command": "status" })).answer.ok();
        assert_eq!(after["spent"], before["spent"], "{words}: the owner's books");
        assert_eq!(after["last_tick"], before["last_tick"], "{words}: no tick of a visitor counts");
        let waiting = |status: &Value| status["waiting_messages"].as_u64().unwrap();
        assert!(waiting(&after) >= waiting(&before), "{words}: {before} {after}");
        life.live(&[]);
        let told = all(&life).1;
        let is_told = |event: &str| told.iter().any(|one| one.topic == "people" && one.event == event);
        assert!(is_told("capped"), "{words}: what waited: {told:?}");
        let own = if words.starts_with("cap") { "capped" } else { "released" };
        assert!(is_told(own), "{words}: {told:?}");
    }
}

/// Tags restrain the guard, so one that it cannot read must not be silently none.
#[test]
fn a_tag_that_cannot_be_read_is_told_once_and_shown_by_explain() {
    let mut life = Life::new(POLICY);
    let tags = [("dow-guard:floor", "a dozen"), ("dow-guard:montly-usd", "5"), ("team", "shop")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let function = Function { tags: BTreeMap::from(tags), ..Function::of(1024) };
    life.stub.account().functions.insert("api".to_owned(), function);
    life.stub.account().metrics.usually("dow-guard", Load::of(1, 200));
    for _ in 0..5 {
        life.live(&[]);
    }
    let told = all(&life).1;
    let told: Vec<&Published> =
        told.iter().filter(|one| one.topic == "people" && one.event == "troubled").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    for word in ["function api", "dow-guard:floor", "a dozen", "dow-guard:montly-usd"] {
        assert!(told[0].message.contains(word), "{word}: {told:?}");
    }
    let explained = life.ask(&json!({ "command": "explain", "function": "api" })).answer.ok();
    let says = explained["says"].to_string();
    assert!(says.contains("dow-guard:floor") && says.contains("dow-guard:montly-usd"), "{explained}");
}

/// A message of somebody who may publish to the topic of hints: an alarm that names these functions.
fn hint(life: &Life, functions: std::ops::Range<usize>) -> Value {
    let at = life.at.to_rfc3339();
    let dimension = |number| json!({ "name": "FunctionName", "value": format!("f{number:05}") });
    let alarm = json!({
        "AlarmName": "mine", "NewStateValue": "ALARM", "StateChangeTime": at,
        "Trigger": { "Dimensions": functions.map(dimension).collect::<Vec<_>>() },
    });
    json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": alarm.to_string(), "Timestamp": at } }] })
}

#[test]
fn whoever_publishes_hints_makes_the_guard_look_at_a_few_functions_once_a_minute() {
    let mut life = Life::new(POLICY);
    for number in 0..900 {
        life.stub.account().functions.insert(format!("f{number:05}"), Function::of(1024));
    }
    life.stub.account().metrics.usually("dow-guard", Load::of(1, 200));
    for _ in 0..40 {
        life.live(&[]);
    }
    life.proxy.calls();
    // Half a minute after the last tick: a dozen messages of nine hundred names.
    life.pass(40);
    let (mut calls, mut ticks, mut usd) = (0, 0, 0.0);
    for _ in 0..12 {
        let told = life.ask(&hint(&life, 0..900)).answer.ok();
        calls += life.proxy.calls().len();
        if let Some(cost) = told["own_cost"].as_str() {
            ticks += 1;
            usd += cost.parse::<f64>().unwrap();
        }
    }
    assert_eq!(ticks, 1);
    assert!(calls <= 15, "{calls} calls");
    assert!(usd <= 0.003, "${usd}");
    // The next minute is as cheap: what was named is looked at, twenty functions of it.
    let told = life.live(&[]).answer.ok();
    let cost: f64 = told["own_cost"].as_str().unwrap().parse().unwrap();
    assert!(cost <= 0.003 && life.proxy.calls().len() <= 15, "{told}");
}
