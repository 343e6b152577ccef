//! The self-test changes nothing, and tells what is missing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::plane::{Plane, refusal};
use crate::ports::ConcurrencyControl;

#[tokio::test(start_paused = true)]
async fn with_all_permissions_everything_is_proved_on_what_does_not_exist() {
    let plane = Plane::of(3);
    plane.world().reserved.insert("f000".to_owned(), 5);
    let proofs = plane.control().prove().await;
    assert!(proofs.iter().all(|proof| proof.ok), "{proofs:#?}");
    assert_eq!(proofs.len(), 17, "each permission that the module names, once");
    let changes = plane.changes();
    let is_harmless =
        |(line, _): &(String, Value)| line.contains("no-such-function") || line.contains("00000000-");
    assert!(!changes.is_empty() && changes.iter().all(is_harmless), "{changes:?}");
    assert_eq!(plane.world().reserved.len(), 1);
}

/// A policy whose condition is a tag that only `f002` carries.
fn by_tag(plane: &Plane, denied: &'static str) {
    plane.world().tags.insert("f002".to_owned(), json!({"dow-guard:mode": "cap"}));
    plane.meddle(move |_, sent| {
        let is_denied = sent.method != "GET" && (denied == "all" || !sent.path.contains("/f002/"));
        is_denied.then(|| refusal(403, "AccessDeniedException"))
    });
}

/// What could have been changed.
fn settings(plane: &Plane) -> (BTreeMap<String, u32>, BTreeMap<String, Value>) {
    let world = plane.world();
    (world.reserved.clone(), world.asynchronous.clone())
}

#[tokio::test(start_paused = true)]
async fn a_permission_by_tag_is_proved_on_a_function_that_carries_it_and_nothing_changes() {
    let plane = Plane::of(3);
    by_tag(&plane, "others");
    let before = settings(&plane);
    let proofs = plane.control().prove().await;
    let bad: Vec<&str> = proofs.iter().filter(|proof| !proof.ok).map(|proof| proof.action.as_str()).collect();
    assert_eq!(bad, ["lambda:UpdateEventSourceMapping"], "{proofs:#?}");
    let put = proofs.iter().find(|proof| proof.action == "lambda:PutFunctionConcurrency").unwrap();
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
async fn what_is_denied_everywhere_is_not_proved() {
    let plane = Plane::of(8);
    by_tag(&plane, "all");
    let proofs = plane.control().prove().await;
    let bad = proofs.iter().filter(|proof| !proof.ok).count();
    assert_eq!(bad, 5, "{proofs:#?}");
    assert!(proofs.iter().filter(|proof| !proof.ok).all(|proof| proof.detail.contains("AccessDenied")));
}
