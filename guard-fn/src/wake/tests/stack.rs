//! What tools that deploy the guard say to it, and what CloudFormation hears.

use super::*;
use crate::wake::{Callback, Stack};

/// A request as the AWS CloudFormation User Guide has it ("Custom resource request objects", read 2026-11), with the names of
/// our template.
fn cloudformation() -> Value {
    json!({
        "RequestType": "Delete",
        "ServiceToken": "arn:aws:lambda:eu-central-1:123456789012:function:dow-guard",
        "ResponseURL": "https://cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com/k?X-Amz-Signature=s",
        "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/dow-guard/5e8b2a10",
        "RequestId": "7f3c8a52-4e0d-4a7e-9a53-6a1f0c1d2e3f",
        "LogicalResourceId": "Leaving",
        "PhysicalResourceId": "dow-guard",
        "ResourceType": "Custom::DowGuardLeaving",
        "ResourceProperties": { "ServiceTimeout": "120" },
    })
}

fn heard(payload: &Value) -> Result<Wake, String> {
    recognise(payload, at("2026-11-27T09:00:00Z"), &limits()).map_err(|error| error.to_string())
}

#[test]
fn what_is_deleted_leaves_and_what_is_created_or_changed_stays() {
    // As version 5.100 of the AWS provider sends it.
    let terraform = json!({"tf": {"action": "delete", "prev_input": {}}});
    for (word, tools, becomes) in [
        ("Create", "create", Stack::Stays),
        ("Update", "update", Stack::Stays),
        ("Delete", "delete", Stack::Leaves),
    ] {
        let (mut one, mut other) = (cloudformation(), terraform.clone());
        one["RequestType"] = json!(word);
        other["tf"]["action"] = json!(tools);
        assert_eq!((heard(&one), heard(&other)), (Ok(Wake::Stack(becomes)), Ok(Wake::Stack(becomes))));
    }
}

#[test]
fn a_word_that_is_not_theirs_is_refused_by_its_place() {
    let mut wrong = cloudformation();
    wrong["RequestType"] = json!("Destroy");
    let expected = "a malformed request of CloudFormation: RequestType must be Create, Update or Delete";
    assert_eq!(heard(&wrong), Err(expected.to_owned()));
    wrong.as_object_mut().unwrap().remove("ResponseURL");
    let expected = "a malformed request of CloudFormation: ResponseURL must be text";
    assert_eq!(heard(&wrong), Err(expected.to_owned()));
    for (payload, expected) in [
        (json!({"tf": {"action": "destroy"}}), "tf.action must be create, update or delete"),
        (json!({"tf": {"prev_input": {}}}), "tf.action must be text"),
        (json!({"tf": {"action": "delete"}, "function": "orders"}), "the object must be the key tf alone"),
    ] {
        assert_eq!(heard(&payload), Err(format!("a malformed invocation by Terraform: {expected}")));
    }
}

#[test]
fn cloudformation_hears_which_resource_it_is_and_why_it_may_not_be_deleted() {
    let callback = Callback::of(&cloudformation()).unwrap();
    assert!(callback.url.starts_with("https://cloudformation-custom-resource-response-eucentral1."));
    let said: Value = serde_json::from_str(&callback.answer(Some("orders is capped"))).unwrap();
    let expected = json!({
        "Status": "FAILED", "Reason": "orders is capped", "PhysicalResourceId": "dow-guard", "LogicalResourceId": "Leaving",
        "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/dow-guard/5e8b2a10",
        "RequestId": "7f3c8a52-4e0d-4a7e-9a53-6a1f0c1d2e3f",
    });
    assert_eq!(said, expected);
    let said: Value = serde_json::from_str(&callback.answer(None)).unwrap();
    assert_eq!((&said["Status"], &said["Reason"]), (&json!("SUCCESS"), &json!("ok")));
    assert!(callback.answer(Some(&"ä".repeat(5_000))).len() < 4_096);
}

#[test]
fn a_request_that_cannot_be_read_is_answered_all_the_same_where_it_says_where() {
    let mut wrong = cloudformation();
    wrong["RequestType"] = json!(7);
    assert!(heard(&wrong).is_err() && Callback::of(&wrong).is_some());
    // At its creation a resource has no name yet, and from then on the same.
    wrong.as_object_mut().unwrap().remove("PhysicalResourceId");
    assert_eq!(Callback::of(&wrong), Callback::of(&cloudformation()));
    for none in [json!({"tick": "now"}), json!([]), json!({"RequestType": "Delete"})] {
        assert_eq!(Callback::of(&none), None);
    }
}
