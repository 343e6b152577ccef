//! The evaluator against what AWS's documents say, and the permission sets against all that could be asked of them: what
//! the guard needs is allowed, everything else is not.

use std::collections::BTreeSet;
use std::process::Command;

use e2e::iam::{Decision, Request, Role};
use e2e::permissions::{self, LISTED, Mode, arn, function_arn};
use e2e::stub::{Function, Mapping, Stub};
use e2e::tools::tools;
use serde_json::{Value, json};

/// A policy of one statement that allows, with or without a condition.
fn allow(action: &str, resource: &Value, condition: Option<Value>) -> Role {
    let mut statement = json!({ "Sid": "One", "Effect": "Allow", "Action": action, "Resource": resource });
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    Role::default().and(&json!({ "Version": "2012-10-17", "Statement": [statement] }))
}

/// "Using versions in policies" ("Manage Lambda function versions", Lambda Developer Guide, read 2026-11): which ARNs a
/// resource of a policy accepts.
#[test]
fn a_resource_of_lambda_accepts_the_qualified_and_unqualified_arns_that_the_guide_says() {
    let arn = |rest: &str| format!("arn:aws:lambda:us-east-1:111122223333:function:{rest}");
    let (plain, one, two) = ("myFunction", "myFunction:1", "myFunction:2");
    let table = [
        (one, [(one, true), (plain, false), (two, false)]),
        (plain, [(plain, true), (one, false), (two, false)]),
        ("myFunction:*", [(one, true), (two, true), (plain, false)]),
        ("myFunction*", [(one, true), (two, true), (plain, true)]),
    ];
    for (resource, asked) in table {
        let role = allow("lambda:InvokeFunction", &json!(arn(resource)), None);
        for (name, is_accepted) in asked {
            let decided = role.allows(&Request::of("lambda:InvokeFunction", &arn(name)));
            assert_eq!(decided, is_accepted, "{resource} of {name}");
        }
    }
}

/// "Policy evaluation logic", "IAM JSON policy elements: Action" (IAM User Guide, read 2026-11).
#[test]
fn a_request_is_denied_unless_it_is_allowed_and_a_deny_is_final() {
    let deny = json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "No", "Effect": "Deny", "Action": "iam:*AccessKey*", "Resource": "*" },
    ] });
    let role = allow("IAM:listaccesskeys", &json!("*"), None);
    let asked = Request::of("iam:ListAccessKeys", "*");
    assert_eq!(role.decide(&asked), Decision::Allowed("One".to_owned()), "names of actions have no case");
    assert_eq!(role.decide(&Request::of("iam:ListUsers", "*")), Decision::NotAllowed);
    assert_eq!(role.and(&deny).decide(&asked), Decision::Denied("No".to_owned()));
}

/// "Condition operators", "Multivalued context keys" (IAM User Guide, read 2026-11): values are joined by or, keys and
/// operators by and; a key that is absent fails, but not `ForAllValues`; an ARN's parts are compared one by one.
#[test]
fn conditions_hold_as_the_guide_says() {
    let of = |condition: Value| allow("a:B", &json!("*"), Some(condition));
    let asked = || Request::of("a:B", "*");
    let tagged = of(json!({ "StringEquals": { "aws:ResourceTag/team": ["blue", "green"] } }));
    assert!(tagged.allows(&asked().with("AWS:resourcetag/TEAM", "green")), "names of keys have no case");
    assert!(!tagged.allows(&asked().with("aws:ResourceTag/team", "Green")), "values have");
    assert!(!tagged.allows(&asked()));
    let both = of(json!({ "StringEquals": { "a:x": "1" }, "StringLike": { "a:y": "home/*" } }));
    assert!(both.allows(&asked().with("a:x", "1").with("a:y", "home/me/file")));
    assert!(!both.allows(&asked().with("a:x", "1").with("a:y", "away/me")));
    assert!(!both.allows(&asked().with("a:x", "1")));
    let all = of(json!({ "ForAllValues:StringLike": { "a:keys": ["mine", "mine#*"] } }));
    assert!(all.allows(&asked()) && all.allows(&asked().with("a:keys", "mine").with("a:keys", "mine#3")));
    assert!(!all.allows(&asked().with("a:keys", "mine").with("a:keys", "yours")));
    let like = of(json!({ "ArnLike": { "a:arn": "arn:aws:sns:*:123456789012:TOPIC-?" } }));
    assert!(like.allows(&asked().with("a:arn", "arn:aws:sns:eu-west-1:123456789012:TOPIC-1")));
    assert!(!like.allows(&asked().with("a:arn", "arn:aws:sns:eu-west-1:999:sub:123456789012:TOPIC-1")));
    let through = of(json!({ "ArnLike": { "a:arn": "arn:aws:lambda:*:1:function:mail:*" } }));
    assert!(through.allows(&asked().with("a:arn", "arn:aws:lambda:eu:1:function:mail:live")));
    assert!(!through.allows(&asked().with("a:arn", "arn:aws:lambda:eu:1:function:mail2:live")));
}

#[test]
#[should_panic(expected = "StringNotEquals is not known here")]
fn an_operator_that_the_evaluator_does_not_know_is_refused() {
    drop(allow("a:B", &json!("*"), Some(json!({ "StringNotEquals": { "a:x": "1" } }))));
}

#[test]
#[should_panic(expected = "NotAction")]
fn an_element_that_the_evaluator_does_not_know_is_refused() {
    let statement =
        json!({ "Sid": "One", "Effect": "Allow", "NotAction": "a:B", "Action": "*", "Resource": "*" });
    drop(Role::default().and(&json!({ "Version": "2012-10-17", "Statement": [statement] })));
}

/// Something that a request may be about.
struct Thing {
    name: String,
    /// What kind of thing of the guard's account and region it is; empty: of somebody else.
    kind: &'static str,
    about: Request,
}

/// Names of functions, and of `function:alias`.
const TAGGED: [&str; 6] = ["api", "orders", "orders:live", "shop", "shop:live", "thumbs-small:live"];
const UNTAGGED: [&str; 6] = ["api2", "api2:live", "mails", "mails:live", "other", "thumbs2"];
const ITSELF: [&str; 2] = ["dow-guard", "dow-guard:ask"];
/// Mappings by name, with what they invoke and whether they carry the tag.
const MAPPINGS: [(&str, &str, Option<&str>, bool); 7] = [
    ("m-orders", "orders", None, true),
    ("m-orders-live", "orders", Some("live"), true),
    ("m-orders-untagged", "orders", Some("live"), false),
    ("m-shop", "shop", None, true),
    ("m-api2", "api2", Some("live"), false),
    ("m-guard", "dow-guard", None, true),
    ("m-guard-ask", "dow-guard", Some("ask"), true),
];

/// All that there is, in this account and in others.
fn things() -> Vec<Thing> {
    let stub = Stub::start("");
    let mut account = stub.account();
    let tags = || [("dow-guard".to_owned(), "enforce".to_owned())].into();
    for name in TAGGED.iter().chain(&ITSELF).chain(&UNTAGGED) {
        let is_tagged = !UNTAGGED.contains(name);
        let function =
            Function { tags: if is_tagged { tags() } else { Default::default() }, ..Function::of(128) };
        account.functions.insert(name.split(':').next().unwrap().to_owned(), function);
    }
    // The tag that reports alone, and a key in another case, permit nothing.
    account.functions.get_mut("other").unwrap().tags =
        [("dow-guard".to_owned(), "observe".to_owned())].into();
    for (name, function, alias, is_tagged) in MAPPINGS {
        let tags = if is_tagged { tags() } else { Default::default() };
        let mapping = Mapping { function: function.to_owned(), alias, tags, max_concurrency: None };
        account.mappings.insert(name.to_owned(), mapping);
    }
    let mut things = Vec::new();
    let mut add = |name: &str, kind, about| things.push(Thing { name: name.to_owned(), kind, about });
    for name in TAGGED.iter().chain(&ITSELF).chain(&UNTAGGED) {
        add(name, "function", permissions::of_function("", name, &account));
    }
    for (name, ..) in MAPPINGS {
        add(name, "mapping", permissions::of_mapping("", name, &account));
    }
    add("m-missing", "mapping", permissions::of_mapping("", "m-missing", &account));
    let tagged = |arn: String| Request::of("", &arn).with("aws:ResourceTag/dow-guard", "enforce");
    add("abroad", "", tagged(function_arn("api").replace("eu-central-1", "us-east-1")));
    add("foreign", "", tagged(function_arn("api").replace("000000000000", "999999999999")));
    add("layer", "", tagged(arn("lambda", "layer:api")));
    let table = |name: &str, key: &str| {
        Request::of("", &arn("dynamodb", &format!("table/{name}"))).with("dynamodb:LeadingKeys", key)
    };
    add("memory", "table", table("dow-guard", "dow-guard"));
    add("memory, shard", "table", table("dow-guard", "dow-guard#17"));
    add("memory of another guard", "", table("dow-guard", "dow-guard-2"));
    add("both", "", table("dow-guard", "dow-guard").with("dynamodb:LeadingKeys", "shop"));
    add("another table", "", table("dow-guard-2", "dow-guard"));
    add("index", "", table("dow-guard/index/all", "dow-guard"));
    for topic in ["people", "chat", "pager"] {
        add(topic, "topic", Request::of("", &arn("sns", topic)));
    }
    for topic in ["watch", "people-2", "hints"] {
        add(topic, "", Request::of("", &arn("sns", topic)));
    }
    add("policy", "parameter", Request::of("", &arn("ssm", "parameter/dow-guard/policy")));
    add("secret", "", Request::of("", &arn("ssm", "parameter/dow-guard/secret")));
    add("policy of another", "", Request::of("", &arn("ssm", "parameter/dow-guard-2/policy")));
    add("role", "", Request::of("", "arn:aws:iam::000000000000:role/dow-guard"));
    add("everything", "", Request::of("", "*"));
    things
}

const CHANGES: [&str; 4] = [
    "lambda:DeleteFunctionConcurrency",
    "lambda:PutFunctionConcurrency",
    "lambda:PutFunctionEventInvokeConfig",
    "lambda:UpdateFunctionEventInvokeConfig",
];

/// What README promises, written apart from the permission sets.
fn is_promised(mode: Mode, action: &str, thing: &Thing) -> bool {
    let name = thing.name.as_str();
    let function = name.split(':').next().unwrap_or_default();
    let is_listed = |function: &str| {
        LISTED.iter().any(|listed| {
            *listed == function || listed.strip_suffix('*').is_some_and(|begin| function.starts_with(begin))
        })
    };
    match action {
        "cloudwatch:GetMetricData"
        | "lambda:GetAccountSettings"
        | "lambda:ListEventSourceMappings"
        | "lambda:ListFunctions" => true,
        "lambda:GetFunction"
        | "lambda:GetFunctionConcurrency"
        | "lambda:GetFunctionEventInvokeConfig"
        | "lambda:GetPolicy"
        | "lambda:ListAliases"
        | "lambda:ListFunctionEventInvokeConfigs"
        | "lambda:ListProvisionedConcurrencyConfigs"
        | "lambda:ListTags" => thing.kind == "function",
        "lambda:GetEventSourceMapping" => thing.kind == "mapping",
        "lambda:UpdateEventSourceMapping" => {
            let known = MAPPINGS.iter().find(|mapping| mapping.0 == name);
            known.is_some_and(|(_, function, _, is_tagged)| {
                *function != "dow-guard" && if mode == Mode::ByTag { *is_tagged } else { is_listed(function) }
            })
        }
        "dynamodb:BatchWriteItem" | "dynamodb:GetItem" | "dynamodb:PutItem" | "dynamodb:Query" => {
            thing.kind == "table"
        }
        "sns:Publish" => thing.kind == "topic",
        "ssm:GetParameter" => thing.kind == "parameter",
        change if CHANGES.contains(&change) => {
            let is_named = if mode == Mode::ByTag { TAGGED.contains(&name) } else { is_listed(function) };
            thing.kind == "function" && is_named && function != "dow-guard"
        }
        _ => false,
    }
}

/// Every operation of these services that botocore knows, and actions whose names are no operations.
fn actions() -> BTreeSet<String> {
    let script = "import botocore.session, json\n\
                  session = botocore.session.get_session()\n\
                  services = 'lambda dynamodb sns cloudwatch ssm iam logs kms sts s3 sqs events scheduler'.split()\n\
                  print(json.dumps([f'{service}:{name}' for service in services\n\
                  \x20   for name in session.get_service_model(service).operation_names]))";
    let done = Command::new(&tools().python).args(["-c", script]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let operations: Vec<String> = serde_json::from_slice(&done.stdout).unwrap();
    let others =
        ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl", "dynamodb:PartiQLSelect", "iam:PassRole"];
    operations.into_iter().chain(others.map(str::to_owned)).collect()
}

#[test]
fn the_sets_allow_what_is_promised_and_nothing_else_of_a_thousand_actions_on_any_resource() {
    let (actions, things) = (actions(), things());
    assert!(
        actions.len() > 700 && permissions::of_the_guard().is_subset(&actions),
        "{} actions",
        actions.len()
    );
    for mode in [Mode::ByTag, Mode::ByList] {
        let role = permissions::role(mode);
        let (mut allowed, mut denied) = (0, 0);
        for action in &actions {
            for thing in &things {
                let request = Request { action: action.clone(), ..thing.about.clone() };
                let decided = role.decide(&request);
                let is_allowed = matches!(decided, Decision::Allowed(_));
                assert_eq!(
                    is_allowed,
                    is_promised(mode, action, thing),
                    "{mode:?}: {action} on {}: {decided:?}",
                    thing.name
                );
                if is_allowed { allowed += 1 } else { denied += 1 }
            }
        }
        println!("{mode:?}: {allowed} allowed, {denied} denied");
        assert!(allowed > 250 && denied > 20_000);
    }
}

/// What the guard may never do to itself is denied and not only left out: a tag on everything does not change it.
#[test]
fn the_guard_itself_is_denied_by_name() {
    for mode in [Mode::ByTag, Mode::ByList] {
        let role = permissions::role(mode);
        for thing in things().iter().filter(|thing| thing.name.contains("guard") && !thing.kind.is_empty()) {
            for action in CHANGES.iter().chain(&["lambda:UpdateEventSourceMapping"]) {
                let is_of = thing.kind == if CHANGES.contains(action) { "function" } else { "mapping" };
                let decided = role.decide(&Request { action: (*action).to_owned(), ..thing.about.clone() });
                assert!(
                    !is_of || matches!(decided, Decision::Denied(_)),
                    "{action} on {}: {decided:?}",
                    thing.name
                );
            }
        }
    }
}
