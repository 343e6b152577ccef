//! The permission sets of `infra/iam` against what the guard asks in a life in which it moves every lever.

use std::collections::BTreeSet;

use e2e::permissions;
use e2e::stub::{Function, Load, Mapping};
use serde_json::Value;

use crate::wire::life::Life;

const POLICY: &str = r#"
armed = true
[release]
cooldown_min = 5
calm_min = 5
[[budget]]
name = "day"
period = "day"
usd = 5
mode = "cap"
"#;

/// What Lambda asks for besides an action that takes it: `GetFunction` tells tags only to whom may list them
/// ("GetFunction", Lambda API reference, read 2026-11).
const ASKED_BY_LAMBDA: &str = "lambda:ListTags";

/// So many failing invocations of half a second.
fn failing(invocations: u64) -> Load {
    Load { errors: invocations / 4, ..Load::of(invocations, 500) }
}

#[test]
fn a_life_with_every_lever_takes_every_permission_and_no_other() {
    let mut life = Life::new(POLICY);
    {
        let mut account = life.stub.account();
        let functions = [
            // Invoked by whoever may; held by a reservation that is taken off again, and by one that goes back up.
            ("api", Function::of(1024)),
            ("img", Function { reserved: Some(400), ..Function::of(1024) }),
            // Invoked by events, whose retries are cut: without settings of its own, and with some.
            ("thumbs", Function { invoker: Some("s3"), has_dead_letters: true, ..Function::of(1024) }),
            (
                "mails",
                Function {
                    invoker: Some("sns"),
                    alias: Some("live"),
                    has_dead_letters: true,
                    asynchronous: Some((2, 7200)),
                    ..Function::of(1024)
                },
            ),
            ("orders", Function::of(1024)),
            ("dow-guard", Function::of(256)),
        ];
        for (name, function) in functions {
            account.metrics.usually(name, Load::of(60, 200));
            account.functions.insert(name.to_owned(), function);
        }
        let queue = Mapping { function: "orders".to_owned(), max_concurrency: None };
        account.mappings.insert("11111111-2222-3333-4444-555555555555".to_owned(), queue);
    }
    let before = settings(&life);
    let flood: Vec<(&str, Load)> = ["api", "img", "thumbs", "mails", "orders"]
        .map(|name| {
            (name, if name == "api" || name == "img" { Load::of(20_000, 500) } else { failing(20_000) })
        })
        .to_vec();
    for minute in 0..70 {
        let loads = if (3..12).contains(&minute) { &flood[..] } else { &[] };
        let told = life.live(loads);
        assert_eq!(told.answer.error(), None, "{:?}", told.answer);
        if minute == 20 {
            life.cool();
        }
    }
    assert_eq!(settings(&life), before, "everything is as it was:\n{}", life.said());
    let changed: BTreeSet<String> =
        life.stub.account().changes.iter().map(|change| change.of.clone()).collect();
    assert_eq!(changed.len(), 5, "{changed:?}");
    assert_eq!(life.stub.account().unknown, Vec::<String>::new());

    let mut asked = life.proxy.actions();
    asked.insert(ASKED_BY_LAMBDA.to_owned());
    let permitted = permissions::of_the_guard();
    let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| -> Vec<String> {
        these.difference(those).cloned().collect()
    };
    assert_eq!(only(&asked, &permitted), Vec::<String>::new(), "asked and not permitted");
    assert_eq!(only(&permitted, &asked), Vec::<String>::new(), "permitted and never asked");
}

/// What the guard may change. Asynchronous settings that nobody had made are Lambda's defaults afterwards.
fn settings(life: &Life) -> Vec<(String, Option<u64>, (u64, u64))> {
    let account = life.stub.account();
    let functions = account.functions.iter().map(|(name, function)| {
        (name.clone(), function.reserved, function.asynchronous.unwrap_or((2, 21_600)))
    });
    let mappings = account
        .mappings
        .values()
        .map(|mapping| (format!("mapping of {}", mapping.function), mapping.max_concurrency, (0, 0)));
    functions.chain(mappings).collect()
}

#[test]
fn the_self_test_proves_every_permission_at_the_wire_and_changes_nothing() {
    let mut life = Life::new(POLICY);
    life.stub.account().functions.insert("api".to_owned(), Function::of(1024));
    let told = life.ask(&serde_json::json!({ "command": "self-test" })).answer.ok();
    let proofs = told["proofs"].as_array().unwrap_or_else(|| panic!("{told}"));
    let proved: BTreeSet<String> =
        proofs.iter().filter_map(|proof| proof["action"].as_str()).map(str::to_owned).collect();
    assert_eq!(proved, permissions::of_the_guard());
    let failed: Vec<&Value> = proofs.iter().filter(|proof| proof["ok"] != true).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(life.stub.account().changes, []);
}
