//! A tool that deploys the guard and says that it creates, changes or deletes it: CloudFormation by a custom resource,
//! Terraform by `aws_lambda_invocation` with the life cycle `CRUD`. What is deleted first puts back everything it changed.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Unrecognised, text};

/// What becomes of the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// It was created or changed: nothing is to be done.
    Stays,
    /// It is about to be deleted.
    Leaves,
}

/// The object is of CloudFormation ("Custom resource request objects", AWS CloudFormation User Guide, read 2026-11).
pub(super) fn is_cloudformation(object: &Map<String, Value>) -> bool {
    object.contains_key("RequestType")
}

/// The object is of Terraform's AWS provider (`aws_lambda_invocation`, read 2026-11), which adds this key to its input.
pub(super) fn is_terraform(object: &Map<String, Value>) -> bool {
    object.contains_key("tf")
}

pub(super) fn of_cloudformation(object: &Map<String, Value>) -> Result<Stack, Unrecognised> {
    const WHAT: &str = "request of CloudFormation";
    for key in ["ResponseURL", "StackId", "RequestId", "LogicalResourceId"] {
        text(object, &[key], WHAT)?;
    }
    match text(object, &["RequestType"], WHAT)? {
        "Create" | "Update" => Ok(Stack::Stays),
        "Delete" => Ok(Stack::Leaves),
        _ => Err(Unrecognised::malformed(WHAT, "RequestType".to_owned(), "Create, Update or Delete")),
    }
}

pub(super) fn of_terraform(object: &Map<String, Value>) -> Result<Stack, Unrecognised> {
    const WHAT: &str = "invocation by Terraform";
    if object.len() != 1 {
        return Err(Unrecognised::malformed(WHAT, "the object".to_owned(), "the key tf alone"));
    }
    match text(object, &["tf", "action"], WHAT)? {
        "create" | "update" => Ok(Stack::Stays),
        "delete" => Ok(Stack::Leaves),
        _ => Err(Unrecognised::malformed(WHAT, "tf.action".to_owned(), "create, update or delete")),
    }
}

/// Where CloudFormation waits for an answer, and the answer but for its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The address, which holds a signature: it is never logged.
    pub url: String,
    stack: String,
    request: String,
    resource: String,
    physical: String,
}

/// An answer takes 4,096 bytes with its names ("Custom resource response objects", AWS CloudFormation User Guide, read
/// 2026-11). Our choice: room for those.
const REASON_MAX: usize = 1_000;

impl Callback {
    /// The callback of a payload, whether or not the rest of it can be read; `None` if it is none of CloudFormation's.
    pub fn of(payload: &Value) -> Option<Self> {
        let object = payload.as_object().filter(|object| is_cloudformation(object))?;
        let named = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Callback {
            url: named("ResponseURL")?,
            stack: named("StackId")?,
            request: named("RequestId")?,
            resource: named("LogicalResourceId")?,
            // One that changed would have CloudFormation delete the one before.
            physical: named("PhysicalResourceId").unwrap_or_else(|| "dow-guard".to_owned()),
        })
    }

    /// The body of the answer; `problem` is why the request could not be met.
    pub fn answer(&self, problem: Option<&str>) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer<'a> {
            status: &'a str,
            reason: String,
            physical_resource_id: &'a str,
            stack_id: &'a str,
            request_id: &'a str,
            logical_resource_id: &'a str,
        }
        let answer = Answer {
            status: if problem.is_none() { "SUCCESS" } else { "FAILED" },
            reason: problem.unwrap_or("ok").chars().take(REASON_MAX).collect(),
            physical_resource_id: &self.physical,
            stack_id: &self.stack,
            request_id: &self.request,
            logical_resource_id: &self.resource,
        };
        serde_json::to_string(&answer).unwrap_or_default()
    }
}
