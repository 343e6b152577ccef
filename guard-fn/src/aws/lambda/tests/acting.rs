//! Changes: what is sent, what is not, and what is made of the answers.

use guard_core::name::MappingId;
use guard_core::plan::{AsyncSetting, Change};
use guard_core::settle::ApplyResult;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::plane::{Plane, Reply, refusal};
use super::{action, reserve};
use crate::ports::ConcurrencyControl;

const CONCURRENCY: &str = "/2017-10-31/functions/f000/concurrency";

fn said(result: &ApplyResult) -> (&'static str, String) {
    match result {
        ApplyResult::Applied => ("applied", String::new()),
        ApplyResult::Rejected { message } => ("rejected", message.clone()),
        ApplyResult::Unavailable { message } => ("unavailable", message.clone()),
    }
}

#[track_caller]
fn assert_said(result: &ApplyResult, word: &str, parts: &[&str]) {
    let (found, message) = said(result);
    assert_eq!(found, word, "{message}");
    assert!(parts.iter().all(|part| message.contains(part)), "{message}: lacks one of {parts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cap_is_one_put_and_its_release_one_delete() {
    let plane = Plane::of(1);
    let control = plane.control();
    assert_eq!(control.apply(&reserve(None, Some(7))).await, ApplyResult::Applied);
    let put = (format!("PUT {CONCURRENCY}"), json!({"ReservedConcurrentExecutions": 7}));
    assert_eq!(plane.changes(), vec![put]);
    assert_eq!(control.apply(&reserve(Some(7), None)).await, ApplyResult::Applied);
    assert_eq!(plane.changes(), vec![(format!("DELETE {CONCURRENCY}"), Value::Null)]);
    assert!(plane.world().reserved.is_empty());
}

#[tokio::test(start_paused = true)]
async fn unset_zero_and_a_number_are_three_values() {
    for (there, from, to, applied) in [
        (None, None, Some(0), true),
        (Some(0), None, Some(5), false),
        (None, Some(0), Some(5), false),
        (Some(0), Some(0), None, true),
        (Some(5), Some(5), Some(0), true),
    ] {
        let plane = Plane::of(1);
        there.map(|there| plane.world().reserved.insert("f000".to_owned(), there));
        let result = plane.control().apply(&reserve(from, to)).await;
        let now = plane.world().reserved.get("f000").copied();
        assert_eq!(result == ApplyResult::Applied, applied, "{there:?} {from:?} {to:?}");
        assert_eq!(now, if applied { to } else { there }, "{there:?} {from:?} {to:?}");
        assert_eq!(plane.changes().len(), usize::from(applied));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_found_done_is_applied_without_a_change() {
    let plane = Plane::of(1);
    plane.world().reserved.insert("f000".to_owned(), 7);
    assert_eq!(plane.control().apply(&reserve(None, Some(7))).await, ApplyResult::Applied);
    assert_eq!(plane.changes(), vec![]);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_somebody_else_set_is_left_and_named() {
    let plane = Plane::of(1);
    plane.world().reserved.insert("f000".to_owned(), 40);
    let result = plane.control().apply(&reserve(Some(7), None)).await;
    assert_said(&result, "rejected", &["somebody else", "found 40", "not 7"]);
    assert_eq!(plane.changes(), vec![]);
}

#[tokio::test(start_paused = true)]
async fn a_reservation_without_room_is_refused_before_it_is_asked_for() {
    let plane = Plane::of(2);
    plane.world().reserved.insert("f001".to_owned(), 860);
    let control = plane.control();
    assert_said(
        &control.apply(&reserve(None, Some(41))).await,
        "rejected",
        &["140 of the account's 1000", "100", "41"],
    );
    assert_eq!(plane.changes(), vec![]);
    assert_eq!(control.apply(&reserve(None, Some(40))).await, ApplyResult::Applied);
    // Lower always fits; higher only by the difference.
    assert_eq!(control.apply(&reserve(Some(40), Some(3))).await, ApplyResult::Applied);
    assert_said(&control.apply(&reserve(Some(3), Some(41))).await, "rejected", &["no room"]);
}

#[tokio::test(start_paused = true)]
async fn an_account_of_ten_can_be_stopped_and_not_capped() {
    let plane = Plane::of(1);
    plane.world().limit = 10;
    let control = plane.control();
    assert_said(
        &control.apply(&reserve(None, Some(1))).await,
        "rejected",
        &["10 of the account's 10", "keeps 10"],
    );
    assert_eq!(control.apply(&reserve(None, Some(0))).await, ApplyResult::Applied);
    assert_eq!(control.apply(&reserve(Some(0), None)).await, ApplyResult::Applied);
}

/// The first answers to changes, the rest being the world's own; with whether the change is made all the same.
fn answering(plane: &Plane, times: usize, made: bool, reply: impl Fn() -> Reply + Send + 'static) {
    let mut left = times;
    plane.meddle(move |world, sent| {
        if sent.method == "GET" || left == 0 {
            return None;
        }
        left -= 1;
        if made {
            world.reserved.insert("f000".to_owned(), 7);
        }
        Some(reply())
    });
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_from_answers_that_never_came() {
    for (reply, word, sent) in [
        ((400, "InvalidParameterValueException"), "rejected", 1),
        ((409, "ResourceConflictException"), "rejected", 1),
        ((403, "AccessDeniedException"), "rejected", 1),
        ((404, "ResourceNotFoundException"), "rejected", 1),
        ((403, "ExpiredTokenException"), "unavailable", 3),
        ((429, "TooManyRequestsException"), "unavailable", 3),
        ((500, "ServiceException"), "unavailable", 3),
        ((503, "ServiceUnavailable"), "unavailable", 3),
    ] {
        let plane = Plane::of(1);
        answering(&plane, 9, false, move || refusal(reply.0, reply.1));
        let result = plane.control().apply(&reserve(None, Some(7))).await;
        assert_said(&result, word, &["lambda:PutFunctionConcurrency", reply.1, "a message about"]);
        assert_eq!(plane.changes().len(), sent, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_was_lost_is_found_and_not_made_twice() {
    let plane = Plane::of(1);
    answering(&plane, 1, true, || refusal(500, "ServiceException"));
    assert_eq!(plane.control().apply(&reserve(None, Some(7))).await, ApplyResult::Applied);
    assert_eq!(plane.changes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_change_without_an_answer_a_refusal_says_nothing() {
    let plane = Plane::of(1);
    let mut changes = 0;
    plane.meddle(move |_, sent| {
        changes += i32::from(sent.method != "GET");
        match (sent.method.as_str(), changes) {
            ("PUT", 1) => Some(refusal(500, "ServiceException")),
            ("PUT", _) => Some(refusal(400, "InvalidParameterValueException")),
            _ => None,
        }
    });
    let result = plane.control().apply(&reserve(None, Some(7))).await;
    assert_said(&result, "unavailable", &["InvalidParameterValueException"]);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_is_gone_is_a_refusal() {
    let result = Plane::new().control().apply(&reserve(None, Some(7))).await;
    assert_said(&result, "rejected", &["ResourceNotFoundException", "404"]);
}

const LAMBDAS_OWN: AsyncSetting = AsyncSetting { max_retries: 2, max_event_age_s: 21_600 };
const CUT: AsyncSetting = AsyncSetting { max_retries: 0, max_event_age_s: 3600 };

fn cut(from: AsyncSetting, to: AsyncSetting) -> guard_core::plan::Action {
    action("f000", Change::AsyncConfig { from, to })
}

#[tokio::test(start_paused = true)]
async fn asynchronous_settings_are_made_where_there_are_none_and_merged_where_there_are() {
    let plane = Plane::of(1);
    let control = plane.control();
    let path = "/2019-09-25/functions/f000/event-invoke-config";
    let body = json!({"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 3600});
    assert_eq!(control.apply(&cut(LAMBDAS_OWN, CUT)).await, ApplyResult::Applied);
    assert_eq!(plane.changes(), vec![(format!("PUT {path}"), body.clone())]);
    let back = json!({"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 21_600});
    assert_eq!(control.apply(&cut(CUT, LAMBDAS_OWN)).await, ApplyResult::Applied);
    assert_eq!(plane.changes(), vec![(format!("POST {path}"), back)]);

    let destinations = json!({"OnFailure": {"Destination": "arn:aws:sqs:r:a:q"}});
    let own = json!({"MaximumRetryAttempts": 1, "DestinationConfig": destinations});
    plane.world().asynchronous.insert("f000".to_owned(), own);
    let from = AsyncSetting { max_retries: 1, ..LAMBDAS_OWN };
    assert_eq!(control.apply(&cut(from, CUT)).await, ApplyResult::Applied);
    assert_eq!(plane.changes(), vec![(format!("POST {path}"), body)]);
    assert_eq!(plane.world().asynchronous["f000"]["DestinationConfig"], destinations);
    assert_said(&control.apply(&cut(LAMBDAS_OWN, CUT)).await, "applied", &[]);
    assert_eq!(plane.changes(), vec![]);
    assert_said(&control.apply(&cut(from, LAMBDAS_OWN)).await, "rejected", &["found 0 retries"]);
}

fn limit(from: Option<u32>, to: Option<u32>) -> guard_core::plan::Action {
    action("f000", Change::MappingConcurrency { mapping: MappingId::from("m1"), from, to })
}

fn enable(from: bool, to: bool) -> guard_core::plan::Action {
    action("f000", Change::MappingEnabled { mapping: MappingId::from("m1"), from, to })
}

#[tokio::test(start_paused = true)]
async fn a_mapping_is_limited_unlimited_and_stopped() {
    let plane = Plane::of(1);
    plane.world().map_queue("m1", "f000");
    let control = plane.control();
    let line = "PUT /2015-03-31/event-source-mappings/m1".to_owned();
    let settled = |state: &str| plane.world().mappings.get_mut("m1").unwrap()["State"] = json!(state);

    assert_eq!(control.apply(&limit(None, Some(2))).await, ApplyResult::Applied);
    assert_eq!(plane.changes(), vec![(line.clone(), json!({"ScalingConfig": {"MaximumConcurrency": 2}}))]);
    assert_eq!(
        control.apply(&limit(None, Some(2))).await,
        ApplyResult::Applied,
        "found done while it settles"
    );
    assert_said(&control.apply(&enable(true, false)).await, "rejected", &["updating"]);
    assert_eq!(plane.changes(), vec![]);

    settled("Enabled");
    assert_eq!(control.apply(&limit(Some(2), None)).await, ApplyResult::Applied);
    assert_eq!(plane.changes(), vec![(line.clone(), json!({"ScalingConfig": {}}))]);
    settled("Enabled");
    assert_eq!(control.apply(&enable(true, false)).await, ApplyResult::Applied);
    assert_eq!(plane.changes(), vec![(line, json!({"Enabled": false}))]);
    assert_eq!(control.apply(&enable(true, false)).await, ApplyResult::Applied, "on its way");
    assert_eq!(plane.changes(), vec![]);
}

#[tokio::test(start_paused = true)]
async fn a_mapping_in_use_gone_or_of_another_function_is_left() {
    let plane = Plane::of(2);
    plane.world().map_queue("m1", "f001");
    let control = plane.control();
    assert_said(&control.apply(&enable(true, false)).await, "rejected", &["f001"]);
    assert_said(&control.apply(&limit(None, Some(2))).await, "rejected", &["f001"]);
    plane.world().mappings.clear();
    assert_said(&control.apply(&enable(true, false)).await, "rejected", &["ResourceNotFoundException"]);
    plane.world().map_queue("m1", "f000");
    answering(&plane, 9, false, || refusal(400, "ResourceInUseException"));
    assert_said(&control.apply(&enable(true, false)).await, "rejected", &["ResourceInUseException"]);
}

/// What somebody else does before a request of the guard is handled: nothing, or set a value.
fn interference() -> impl Strategy<Value = Vec<Option<Option<u32>>>> {
    let value = proptest::option::of(0_u32..4);
    proptest::collection::vec(proptest::option::weighted(0.4, value), 8)
}

/// Which of the guard's changes get no answer, and whether they were made.
fn losses() -> impl Strategy<Value = Vec<(bool, bool)>> {
    proptest::collection::vec((proptest::bool::weighted(0.5), any::<bool>()), 4)
}

proptest! {
    #[test]
    fn no_change_overwrites_a_value_that_was_read_as_another(
        start in proptest::option::of(0_u32..4),
        from in proptest::option::of(0_u32..4),
        to in proptest::option::of(0_u32..4),
        foreign in interference(),
        losses in losses(),
    ) {
        let plane = Plane::of(1);
        start.map(|start| plane.world().reserved.insert("f000".to_owned(), start));
        let (mut foreign, mut losses) = (foreign.into_iter(), losses.into_iter());
        // What the guard read last: whatever it changes must rest on that.
        let mut read = None;
        plane.meddle(move |world, sent| {
            let is_read = sent.line() == "GET /2019-09-30/functions/f000/concurrency";
            if is_read && let Some(Some(value)) = foreign.next() {
                match value {
                    Some(value) => world.reserved.insert("f000".to_owned(), value),
                    None => world.reserved.remove("f000"),
                };
            }
            if is_read {
                read = Some(world.reserved.get("f000").copied());
                return None;
            }
            if sent.method == "GET" {
                return None;
            }
            assert_eq!(read.take(), Some(from), "a change without a look at what is in force");
            assert_eq!(world.reserved.get("f000").copied(), from);
            let (is_lost, is_made) = losses.next().unwrap_or((false, true));
            if is_lost && is_made {
                match to {
                    Some(to) => world.reserved.insert("f000".to_owned(), to),
                    None => world.reserved.remove("f000"),
                };
            }
            is_lost.then(|| refusal(500, "ServiceException"))
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let control = plane.control();
        let result = runtime.unwrap().block_on(control.apply(&reserve(from, to)));
        let now = plane.world().reserved.get("f000").copied();
        match result {
            ApplyResult::Applied => prop_assert_eq!(now, to),
            // With one interference per look, what was rejected stands as it was found.
            ApplyResult::Rejected { message } => prop_assert!(now != from || message.contains("room"), "{}", message),
            ApplyResult::Unavailable { .. } => {}
        }
    }
}
