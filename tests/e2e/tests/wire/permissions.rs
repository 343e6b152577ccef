//! The permission sets of `infra/iam` enforced: what they do not allow is denied at the wire, as by IAM. A life in which the
//! guard moves every lever goes on undisturbed, and the self-test names what is missing.

use std::collections::BTreeSet;

use e2e::iam::Role;
use e2e::permissions::{self, Mode};
use e2e::stub::{Change, Function, Load, Mapping};
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

/// The tag that permits changes, where it is the tag that does.
fn tags(mode: Mode) -> std::collections::BTreeMap<String, String> {
    let tag = (mode == Mode::ByTag).then(|| ("dow-guard".to_owned(), "enforce".to_owned()));
    tag.into_iter().collect()
}

/// From now on whatever the role does not allow is denied.
fn enforce(life: &Life, role: Role) {
    let stub = life.stub.clone();
    let is_hidden = !role.actions("ReadFunctions").contains(&ASKED_BY_LAMBDA.to_owned());
    stub.account().hides_tags = is_hidden;
    life.proxy.permit(move |call| {
        let asked = permissions::asked(call, &stub.account());
        (!role.allows(&asked)).then(|| {
            format!(
                "User: arn:aws:sts::000000000000:assumed-role/dow-guard/dow-guard is not authorized to perform: {} on \
                 resource: {} because no identity-based policy allows the {} action",
                asked.action, asked.resource, asked.action
            )
        })
    });
}

#[test]
fn a_life_with_every_lever_by_tag_takes_every_permission_and_no_other() {
    every_lever(Mode::ByTag);
}

#[test]
fn a_life_with_every_lever_by_list_takes_every_permission_and_no_other() {
    every_lever(Mode::ByList);
}

fn every_lever(mode: Mode) {
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
            account.functions.insert(name.to_owned(), Function { tags: tags(mode), ..function });
        }
        // A queue whose mapping invokes an alias.
        let queue = Mapping {
            function: "orders".to_owned(),
            alias: Some("live"),
            max_concurrency: None,
            tags: tags(mode),
        };
        account.mappings.insert("11111111-2222-3333-4444-555555555555".to_owned(), queue);
    }
    enforce(&life, permissions::role(mode));
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

/// Changes that changed something.
fn changed(life: &Life) -> Vec<Change> {
    life.stub.account().changes.iter().filter(|change| change.from != change.to).cloned().collect()
}

/// What the self-test says, as actions that are granted, missing and unproved.
fn self_test(life: &mut Life) -> (Value, [BTreeSet<String>; 3]) {
    let told = life.ask(&serde_json::json!({ "command": "self-test" })).answer.ok();
    let proofs = told["proofs"].as_array().unwrap_or_else(|| panic!("{told}"));
    let of = |granted: &str| {
        let those = proofs.iter().filter(|proof| proof["granted"] == granted);
        those.filter_map(|proof| proof["action"].as_str()).map(str::to_owned).collect()
    };
    let said = ["yes", "no", "unproved"].map(of);
    (told, said)
}

/// An account in which only the last of sixty functions may be changed, and its guard has looked once.
fn of_sixty(mode: Mode, role: Role) -> Life {
    let mut life = Life::new(POLICY);
    for number in 0..60 {
        let function =
            Function { tags: [("dow-guard".to_owned(), "observe".to_owned())].into(), ..Function::of(128) };
        life.stub.account().functions.insert(format!("a{number:02}"), function);
    }
    let guarded = Function { tags: tags(mode), ..Function::of(1024) };
    life.stub.account().functions.insert("orders".to_owned(), guarded);
    enforce(&life, role);
    if mode == Mode::ByList {
        life.also_set("DOW_GUARD_TRY_ON", permissions::function_arn("orders"));
    } else {
        // Tags are read in turns.
        let is_read = |life: &Life| {
            let of = |target: &str| target.trim_end_matches('/').ends_with("/functions/orders");
            life.proxy.calls().iter().any(|call| call.operation == "lambda:GetFunction" && of(&call.target))
        };
        let read = (0..120).any(|_| {
            life.live(&[]);
            is_read(&life)
        });
        assert!(read, "never read:\n{}", life.said());
    }
    life
}

#[test]
fn the_self_test_succeeds_under_the_generated_permissions_and_changes_nothing() {
    for mode in [Mode::ByTag, Mode::ByList] {
        let mut life = of_sixty(mode, permissions::role(mode));
        let (told, [granted, missing, unproved]) = self_test(&mut life);
        assert_eq!((&told["ok"], missing), (&Value::Bool(true), BTreeSet::new()), "{mode:?}: {told:#}");
        assert_eq!(unproved, ["lambda:UpdateEventSourceMapping".to_owned()].into(), "{told:#}");
        assert_eq!(&granted | &unproved, permissions::of_the_guard());
        assert_eq!(changed(&life), []);
    }
}

#[test]
fn the_self_test_proves_every_permission_of_a_role_without_conditions() {
    let mut life = Life::new(POLICY);
    life.stub.account().functions.insert("api".to_owned(), Function::of(1024));
    let (told, [granted, ..]) = self_test(&mut life);
    assert_eq!((&told["ok"], granted), (&Value::Bool(true), permissions::of_the_guard()), "{told:#}");
    assert_eq!(changed(&life), []);
}

#[test]
fn each_permission_that_is_taken_away_is_named_by_the_self_test_and_no_other() {
    std::thread::scope(|scope| {
        for mode in [Mode::ByTag, Mode::ByList] {
            scope.spawn(move || {
                permissions::of_the_guard().iter().for_each(|action| taken_away(mode, action))
            });
        }
    });
}

fn taken_away(mode: Mode, action: &str) {
    let mut life = Life::new(POLICY);
    let function = Function { tags: tags(mode), ..Function::of(1024) };
    life.stub.account().functions.insert("orders".to_owned(), function);
    enforce(&life, permissions::role(mode).without(action));
    if mode == Mode::ByList {
        life.also_set("DOW_GUARD_TRY_ON", permissions::function_arn("orders"));
    }
    let (told, [granted, missing, unproved]) = self_test(&mut life);
    assert_eq!(changed(&life), []);
    assert!(!granted.contains(action), "{mode:?}: {told:#}");
    if action == "lambda:UpdateEventSourceMapping" {
        assert!(told["ok"] == true && unproved.contains(action), "{mode:?}: {told:#}");
    } else {
        assert_eq!(told["ok"], false, "{mode:?} without {action}: {told:#}");
        assert_eq!(missing, [action.to_owned()].into(), "{mode:?}: {told:#}");
    }
}

#[test]
fn without_a_guarded_function_what_cannot_be_tried_is_unproved_and_the_self_test_succeeds() {
    let mut life = Life::new(POLICY);
    life.stub.account().functions.insert("api".to_owned(), Function::of(1024));
    enforce(&life, permissions::role(Mode::ByTag));
    let (told, [_, missing, unproved]) = self_test(&mut life);
    assert_eq!((&told["ok"], missing.len(), unproved.len()), (&Value::Bool(true), 0, 5), "{told:#}");
}
