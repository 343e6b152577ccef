//! What the permission sets of `infra/iam` allow the guard, and what a call on the wire asks of them.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::aws::REGION;
use crate::iam::{Request, Role};
use crate::proxy::Call;
use crate::stub::{Account, decoded, form_of};

/// The account of all stories.
pub const ACCOUNT: &str = "000000000000";

/// What says which functions the guard may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A tag of the function and of its mappings.
    ByTag,
    /// A list of functions, [`LISTED`].
    ByList,
}

/// The list in [`Mode::ByList`].
pub const LISTED: [&str; 5] = ["api", "img", "mails", "orders", "thumbs*"];

/// Every action of the sets that the guard's role has when it may act.
pub fn of_the_guard() -> BTreeSet<String> {
    let role = role(Mode::ByTag);
    role.statements().iter().flat_map(|statement| role.actions(statement)).collect()
}

/// The role of a guard that may act, in the account and region of the stories, as both templates render it
/// (`infra/tests/test_iam.py`); what Lambda needs for the log is not in it.
pub fn role(mode: Mode) -> Role {
    let act = match mode {
        Mode::ByTag => "act-by-tag",
        Mode::ByList => "act-by-list",
    };
    let sets = ["read", act, "alert", "memory", "policy", "not-itself"];
    sets.iter().fold(Role::default(), |role, set| role.and(&rendered(set)))
}

/// A permission set with its places filled in.
fn rendered(set: &str) -> Value {
    let listed: Vec<String> = LISTED.iter().map(|name| function_arn(name)).collect();
    let aliases: Vec<String> = listed.iter().map(|arn| format!("{arn}:*")).collect();
    let places = [
        ("Partition", "aws".to_owned()),
        ("Region", REGION.to_owned()),
        ("Account", ACCOUNT.to_owned()),
        ("Guard", "dow-guard".to_owned()),
        ("TableArn", arn("dynamodb", "table/dow-guard")),
        ("PeopleTopic", arn("sns", "people")),
        ("ChatTopic", arn("sns", "chat")),
        ("PagerTopic", arn("sns", "pager")),
        ("PolicyParameter", "/dow-guard/policy".to_owned()),
        ("Functions", listed.join("\",\"")),
        ("Aliases", aliases.join("\",\"")),
    ];
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../infra/iam/{set}.json"));
    let text = std::fs::read_to_string(file).unwrap();
    let text = places.iter().fold(text, |text, (name, value)| text.replace(&format!("${{{name}}}"), value));
    serde_json::from_str(&text).unwrap()
}

/// An ARN in the account and region of the stories.
pub fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}")
}

/// That of a function, or of `NAME:ALIAS`.
pub fn function_arn(name: &str) -> String {
    arn("lambda", &format!("function:{name}"))
}

/// What a call asks of IAM ("Actions, resources, and condition keys" for each service, Service Authorization Reference,
/// read 2026-11). The account says which tags a function or mapping carries.
pub fn asked(call: &Call, account: &Account) -> Request {
    let action = call.action();
    let (service, operation) = action.split_once(':').unwrap_or_default();
    match service {
        "cloudwatch" => Request::of(&action, "*"),
        "ssm" => {
            let name = call.json()["Name"].as_str().unwrap_or_default().to_owned();
            Request::of(&action, &arn("ssm", &format!("parameter{name}")))
        }
        "sns" => Request::of(&action, form_of(&call.body).get("TopicArn").map_or("", String::as_str)),
        "dynamodb" => of_table(&action, operation, &call.json()),
        "lambda" => of_lambda(&action, operation, call, account),
        other => panic!("a call of {other}, whose resources nobody here knows: {}", call.target),
    }
}

/// The table, and the partition keys of all items in question.
fn of_table(action: &str, operation: &str, body: &Value) -> Request {
    let key = |item: &Value| item["pk"]["S"].as_str().unwrap_or_default().to_owned();
    let (table, keys) = match operation {
        "BatchWriteItem" => {
            let (table, requests) = body["RequestItems"].as_object().unwrap().iter().next().unwrap();
            let of = |request: &Value| match request.get("PutRequest") {
                Some(put) => key(&put["Item"]),
                None => key(&request["DeleteRequest"]["Key"]),
            };
            (table.as_str(), requests.as_array().unwrap().iter().map(of).collect())
        }
        "Query" => {
            let key = body["ExpressionAttributeValues"][":pk"]["S"].as_str().unwrap_or_default();
            (body["TableName"].as_str().unwrap_or_default(), vec![key.to_owned()])
        }
        "PutItem" => (body["TableName"].as_str().unwrap_or_default(), vec![key(&body["Item"])]),
        _ => (body["TableName"].as_str().unwrap_or_default(), vec![key(&body["Key"])]),
    };
    let request = Request::of(action, &arn("dynamodb", &format!("table/{table}")));
    keys.iter().fold(request, |request, key| request.with("dynamodb:LeadingKeys", key))
}

fn of_lambda(action: &str, operation: &str, call: &Call, account: &Account) -> Request {
    let target = call.target.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let name = decoded(path.trim_end_matches('/').split('/').nth(3).unwrap_or_default());
    match operation {
        "GetAccountSettings" | "ListFunctions" | "ListEventSourceMappings" => Request::of(action, "*"),
        "GetEventSourceMapping" | "UpdateEventSourceMapping" => of_mapping(action, &name, account),
        _ => {
            // `tags/ARN` names a function by its ARN.
            let name = name.rsplit(':').next().unwrap_or_default();
            let alias = query.split('&').find_map(|pair| pair.strip_prefix("Qualifier="));
            let qualified = alias.map_or_else(|| name.to_owned(), |alias| format!("{name}:{alias}"));
            of_function(action, &qualified, account)
        }
    }
}

/// A request for `NAME` or `NAME:ALIAS`, whose tags are those of the function.
pub fn of_function(action: &str, qualified: &str, account: &Account) -> Request {
    let name = qualified.split(':').next().unwrap_or_default();
    let tags = account.functions.get(name).map(|function| function.tags.clone()).unwrap_or_default();
    let request = Request::of(action, &function_arn(qualified));
    tags.iter().fold(request, |request, (key, value)| request.with(&format!("aws:ResourceTag/{key}"), value))
}

/// A request for a mapping by its UUID. One that does not exist has neither tags nor a function.
pub fn of_mapping(action: &str, uuid: &str, account: &Account) -> Request {
    let request = Request::of(action, &arn("lambda", &format!("event-source-mapping:{uuid}")));
    let Some(mapping) = account.mappings.get(uuid) else { return request };
    let request = request.with("lambda:FunctionArn", &mapping.function_arn());
    mapping
        .tags
        .iter()
        .fold(request, |request, (key, value)| request.with(&format!("aws:ResourceTag/{key}"), value))
}
