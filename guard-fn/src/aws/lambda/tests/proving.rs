//! The self-test changes nothing, tells what is missing, and leaves open what it cannot prove.

use std::collections::BTreeMap;

use guard_core::inventory::Function;
use guard_core::name::FunctionName;
use serde_json::{Value, json};

use super::plane::{Plane, refusal};
use crate::ports::{ConcurrencyControl, Granted, Proof};

/// The actions of which this is said.
fn said(proofs: &[Proof], granted: Granted) -> Vec<&str> {
    proofs.iter().filter(|proof| proof.granted == granted).map(|proof| proof.action.as_str()).collect()
}

/// The permissions to change a function.
const CHANGES: [&str; 4] = [
    "lambda:PutFunctionConcurrency",
    "lambda:DeleteFunctionConcurrency",
    "lambda:UpdateFunctionEventInvokeConfig",
    "lambda:PutFunctionEventInvokeConfig",
];
const MAPPING: &str = "lambda:UpdateEventSourceMapping";

#[tokio::test(start_paused = true)]
async fn with_all_permissions_everything_is_proved_on_what_does_not_exist() {
    let plane = Plane::of(3);
    plane.world().reserved.insert("f000".to_owned(), 5);
    let proofs = plane.control().prove(&[]).await;
    assert_eq!(said(&proofs, Granted::Yes).len(), proofs.len(), "{proofs:#?}");
    assert_eq!(proofs.len(), 17, "each permission that the module names, once");
    let changes = plane.changes();
    let is_harmless =
        |(line, _): &(String, Value)| line.contains("no-such-function") || line.contains("00000000-");
    assert!(!changes.is_empty() && changes.iter().all(is_harmless), "{changes:?}");
    assert_eq!(plane.world().reserved.len(), 1);
}

/// Changes are denied of all functions but these, as by a condition.
fn only(plane: &Plane, permitted: &'static [&'static str]) {
    plane.meddle(move |_, sent| {
        let is_permitted = permitted.iter().any(|name| sent.path.contains(&format!("/{name}/")));
        (sent.method != "GET" && !is_permitted).then(|| refusal(403, "AccessDeniedException"))
    });
}

fn tag(plane: &Plane, name: &str) {
    plane.world().tags.insert(name.to_owned(), json!({"dow-guard": "enforce"}));
}

/// What could have been changed.
fn settings(plane: &Plane) -> (BTreeMap<String, u32>, BTreeMap<String, Value>) {
    let world = plane.world();
    (world.reserved.clone(), world.asynchronous.clone())
}

#[tokio::test(start_paused = true)]
async fn a_permission_by_tag_is_proved_on_a_function_that_carries_it_and_nothing_changes() {
    let plane = Plane::of(3);
    tag(&plane, "f002");
    // Not the tag that permits changes.
    plane.world().tags.insert("f001".to_owned(), json!({"dow-guard:mode": "cap"}));
    only(&plane, &["f002"]);
    let before = settings(&plane);
    let proofs = plane.control().prove(&[]).await;
    assert_eq!(said(&proofs, Granted::No), [""; 0], "{proofs:#?}");
    assert_eq!(said(&proofs, Granted::Unproved), [MAPPING]);
    let put = proofs.iter().find(|proof| proof.action == CHANGES[0]).unwrap();
    assert!(put.detail.contains("f002") && put.detail.contains("InvalidParameterValue"), "{put:?}");
    let changes = plane.changes();
    let beyond = json!({"ReservedConcurrentExecutions": 1_001_000});
    assert!(changes.iter().any(|(line, body)| line.contains("/f002/concurrency") && *body == beyond));
    assert!(
        !changes.iter().any(|(line, _)| line.contains("/f000/") || line.contains("/f001/")),
        "{changes:?}"
    );
    assert_eq!(settings(&plane), before);
}

#[tokio::test(start_paused = true)]
async fn a_tagged_function_behind_the_first_page_is_known_from_the_memory() {
    let plane = Plane::of(70);
    only(&plane, &["f069"]);
    let mut remembered = Function::new("f069", 512, 30);
    remembered.arn = Some("arn:aws:lambda:eu-central-1:123456789012:function:f069".to_owned());
    remembered.tags.insert("dow-guard".to_owned(), "enforce".to_owned());
    let proofs = plane.control().prove(&[Function::new("f001", 512, 30), remembered]).await;
    assert_eq!(said(&proofs, Granted::No), [""; 0], "{proofs:#?}");
    let without = plane.control().prove(&[]).await;
    assert_eq!(said(&without, Granted::Unproved).len(), 5, "{without:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_permission_by_list_is_proved_on_what_the_list_names_and_a_namesake_is_left_alone() {
    let arn = |name: &str| Some(format!("arn:aws:lambda:eu-central-1:123456789012:function:{name}"));
    for (listed, is_named) in [("f01*", true), ("f012", true), ("g*", false)] {
        let plane = Plane::of(20);
        only(&plane, &["f010", "f011", "f012", "f013"]);
        let control = plane.control().guarding(FunctionName::from("f010"), arn(listed));
        let proofs = control.prove(&[]).await;
        let unproved = if is_named { vec![MAPPING] } else { [&CHANGES[..], &[MAPPING]].concat() };
        assert_eq!(said(&proofs, Granted::Unproved), unproved, "{listed}: {proofs:#?}");
        assert_eq!(said(&proofs, Granted::No), [""; 0]);
        let on_itself = plane.changes().iter().any(|(line, _)| line.contains("/f010/"));
        assert!(!on_itself, "never on the guard's own function");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_on_a_guarded_function_is_missing_and_without_one_it_is_unproved() {
    let plane = Plane::of(8);
    only(&plane, &[]);
    let proofs = plane.control().prove(&[]).await;
    assert_eq!(said(&proofs, Granted::No), [""; 0], "{proofs:#?}");
    assert_eq!(said(&proofs, Granted::Unproved), [&CHANGES[..], &[MAPPING]].concat());
    tag(&plane, "f003");
    let proofs = plane.control().prove(&[]).await;
    assert_eq!(said(&proofs, Granted::No), CHANGES, "{proofs:#?}");
    assert!(
        proofs
            .iter()
            .filter(|proof| proof.granted == Granted::No)
            .all(|proof| { proof.detail.contains("AccessDenied") && proof.detail.contains("f003") })
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_try_would_change_is_not_tried() {
    let plane = Plane::of(1);
    tag(&plane, "f000");
    only(&plane, &["f000"]);
    plane.world().reserved.insert("f000".to_owned(), 7);
    let kept = json!({"MaximumRetryAttempts": 1});
    plane.world().asynchronous.insert("f000".to_owned(), kept);
    let before = settings(&plane);
    let proofs = plane.control().prove(&[]).await;
    let open = ["lambda:DeleteFunctionConcurrency", "lambda:UpdateFunctionEventInvokeConfig", MAPPING];
    assert_eq!(said(&proofs, Granted::Unproved), open, "{proofs:#?}");
    assert_eq!(settings(&plane), before);
}
