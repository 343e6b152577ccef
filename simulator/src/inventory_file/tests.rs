//! Files in the shapes that AWS documents, what is said of them, and what no file may do.

use guard_core::inventory::{Architecture, AsyncConfig, EventSource};
use proptest::prelude::*;

use super::*;

mod cli;

const TEMPLATE: &str = include_str!("../../tests/fixtures/inventory/shop.yaml");
const LIST: &str = include_str!("../../tests/fixtures/inventory/list-functions.json");
const MAPPINGS: &str = include_str!("../../tests/fixtures/inventory/list-event-source-mappings.json");
const FUNCTION: &str = include_str!("../../tests/fixtures/inventory/get-function.json");
const ACCOUNT: &str = include_str!("../../tests/fixtures/inventory/get-account-settings.json");
const QUEUE: &str = include_str!("../../tests/fixtures/inventory/get-queue-attributes.json");
const INVOKE: &str = include_str!("../../tests/fixtures/inventory/list-function-event-invoke-configs.json");
const PROVISIONED: &str =
    include_str!("../../tests/fixtures/inventory/list-provisioned-concurrency-configs.json");
const CONCURRENCY: &str = include_str!("../../tests/fixtures/inventory/concurrency.json");
const OWN: &str = include_str!("../../tests/fixtures/inventory/own.json");
const ALL: [&str; 10] =
    [TEMPLATE, LIST, MAPPINGS, FUNCTION, ACCOUNT, QUEUE, INVOKE, PROVISIONED, CONCURRENCY, OWN];

fn with(texts: &[&str], options: &Options) -> Result<Reading, InventoryError> {
    let mut reader = Reader::new(options);
    for text in texts {
        reader.add("file", text)?;
    }
    reader.finish()
}

fn of(texts: &[&str]) -> Reading {
    with(texts, &Options::default()).unwrap()
}

fn error(text: &str) -> String {
    with(&[text], &Options::default()).unwrap_err().to_string()
}

fn function<'a>(reading: &'a Reading, name: &str) -> &'a Function {
    reading.inventory.function(&name.into()).unwrap()
}

fn is_warned(reading: &Reading, parts: &[&str]) -> bool {
    reading.warnings.iter().any(|warning| parts.iter().all(|part| warning.contains(part)))
}

#[test]
fn a_sam_template_gives_its_functions_with_globals_parameters_and_conditions() {
    let reading = of(&[TEMPLATE]);
    let names: Vec<&str> =
        reading.inventory.functions.iter().map(|function| function.name.as_str()).collect();
    assert_eq!(names, ["Ledger", "Nightly", "OrderWorker", "Thumbnails", "checkout-test", "legacy-import"]);
    let api = function(&reading, "checkout-test");
    assert_eq!((api.memory_mb, api.timeout_s, api.architecture), (1024, 29, Architecture::Arm64));
    assert_eq!((api.reserved, api.provisioned, api.synchronous), (None, 2, true));
    assert_eq!(api.tags.get("team").map(String::as_str), Some("shop"));
    let worker = function(&reading, "OrderWorker");
    assert_eq!((worker.memory_mb, worker.timeout_s, worker.synchronous), (256, 60, false));
    let queue = EventSource::Sqs {
        max_concurrency: Some(20),
        provisioned_pollers: false,
        max_receive_count: Some(4),
        retention_s: 86_400,
    };
    assert_eq!((worker.mappings[0].batch_size, &worker.mappings[0].source), (5, &queue));
    let thumbs = function(&reading, "Thumbnails");
    assert_eq!((thumbs.memory_mb, thumbs.ephemeral_mb, thumbs.synchronous), (2048, 2048, false));
    assert_eq!(thumbs.asynchronous, Some(AsyncConfig { max_retries: 1, ..AsyncConfig::default() }));
    let stream = EventSource::Stream {
        shards: 2,
        parallelization: 2,
        max_retries: Some(5),
        bisect: true,
        retention_s: 86_400,
        on_failure: true,
    };
    assert_eq!(function(&reading, "Ledger").mappings[0].source, stream);
    let nightly = function(&reading, "Nightly").asynchronous.unwrap();
    assert!(nightly.on_failure);
    let legacy = function(&reading, "legacy-import");
    assert_eq!((legacy.reserved, legacy.architecture, legacy.timeout_s), (Some(3), Architecture::X86_64, 3));
    assert_eq!(legacy.tags.get("dow-guard:protect").map(String::as_str), Some("true"));
    assert!(!legacy.mappings[0].enabled);
}

#[test]
fn what_a_template_leaves_to_aws_is_a_warning_that_names_resource_and_property() {
    let reading = of(&[TEMPLATE]);
    assert!(is_warned(&reading, &["Resources.Nightly.Properties.MemorySize", "Fn::ImportValue", "default"]));
    assert!(is_warned(&reading, &["Resources.LegacyMapping.Properties.EventSourceArn", "redrive policy"]));
    assert!(is_warned(&reading, &["region", "us-east-1"]));
    assert_eq!(function(&reading, "Nightly").memory_mb, 128);
    assert!(reading.unknown_dead_letter.contains("legacy-import"));
    assert_eq!(reading.warnings.len(), 4, "{:#?}", reading.warnings);
}

#[test]
fn parameters_decide_conditions() {
    let parameters = [("Stage".to_owned(), "prod".to_owned())].into();
    let options = Options { parameters, ..Options::default() };
    let reading = with(&[TEMPLATE], &options).unwrap();
    assert_eq!(function(&reading, "checkout-prod").reserved, Some(200));
    assert!(reading.inventory.function(&"ProdOnly".into()).is_some());
    assert!(reading.inventory.function(&"Nightly".into()).is_none());
    let EventSource::Stream { shards, .. } = function(&reading, "Ledger").mappings[0].source else {
        panic!()
    };
    assert_eq!(shards, 8);
}

#[test]
fn the_same_template_as_json_is_the_same_inventory() {
    let json = yaml::read("file", TEMPLATE).unwrap().to_string();
    assert_eq!(of(&[&json]), of(&[TEMPLATE]));
}

#[test]
fn a_function_to_which_another_resource_refers_may_be_called() {
    let template = |more: &str| {
        format!(
            "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        Q: {{ Type: SQS, Properties: {{ Queue: !GetAtt Q.Arn }} }}\n  Q: {{ Type: AWS::SQS::Queue }}\n{more}"
        )
    };
    let read = |more: &str| {
        let reading = of(&[&template(more)]);
        let function = function(&reading, "F").clone();
        (function.synchronous, function.asynchronous.is_some())
    };
    assert_eq!(read(""), (false, false));
    let machine =
        "  M: { Type: AWS::StepFunctions::StateMachine, Properties: { A: !Sub '${F.Arn}:live' } }\n";
    assert_eq!(read(machine), (true, false));
    let rule = "  R: { Type: AWS::Events::Rule, Properties: { Targets: [{ Arn: !GetAtt F.Arn }] } }\n";
    assert_eq!(read(rule), (false, true));
    let alarm = "  A: { Type: AWS::CloudWatch::Alarm, Properties: { D: [{ Value: !Ref F }] } }\n";
    assert_eq!(read(alarm), (false, false));
    let permission = |principal: &str| {
        format!(
            "  P: {{ Type: AWS::Lambda::Permission, Properties: {{ FunctionName: !Ref F, Principal: {principal} }} }}\n"
        )
    };
    assert_eq!(read(&permission("s3.amazonaws.com")), (false, true));
    assert_eq!(read(&permission("apigateway.amazonaws.com")), (true, false));
}

#[test]
fn the_shards_of_a_table_are_no_limit_because_nobody_knows_them() {
    let reading = of(&[
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        D: { Type: DynamoDB, Properties: { Stream: !GetAtt T.StreamArn } }\n  T: { Type: AWS::DynamoDB::Table }\n",
    ]);
    assert!(function(&reading, "F").synchronous);
    assert!(is_warned(&reading, &["Resources.F.Properties.Events.D.Properties.Stream", "shards"]));
}

#[test]
fn what_the_cli_prints_is_put_together_in_any_order() {
    let files = [LIST, FUNCTION, MAPPINGS, ACCOUNT, QUEUE, INVOKE, PROVISIONED];
    let reading = of(&files);
    let inventory = &reading.inventory;
    assert_eq!((inventory.region.as_str(), inventory.account.concurrency), ("eu-central-1", 400));
    let api = function(&reading, "checkout-api");
    assert_eq!((api.reserved, api.provisioned, api.architecture), (None, 2, Architecture::Arm64));
    assert_eq!(api.last_modified.unwrap().to_rfc3339(), "2026-10-30T09:15:42+00:00");
    let worker = function(&reading, "order-worker");
    assert_eq!((worker.reserved, worker.tags.len()), (Some(50), 1));
    assert!(worker.mappings[0].has_dead_letter());
    let thumbs = function(&reading, "thumbnails");
    let config = AsyncConfig { max_retries: 1, max_event_age_s: 3600, on_failure: true };
    assert_eq!((thumbs.asynchronous, thumbs.mappings[0].enabled), (Some(config), false));
    assert!(!thumbs.mappings[0].has_dead_letter(), "an empty destination is none");
    assert_eq!(reading.warnings.len(), 1, "{:#?}", reading.warnings);
    let mut backwards = files;
    backwards.reverse();
    assert_eq!(of(&backwards).inventory, reading.inventory);
}

#[test]
fn what_list_functions_cannot_know_is_said() {
    let reading = of(&[LIST]);
    assert!(is_warned(&reading, &["reserved concurrency", "3 of 3"]));
    assert!(is_warned(&reading, &["event sources are not in list-functions"]));
    assert!(is_warned(&reading, &["1000 concurrent executions"]));
    let mapped = of(&[LIST, MAPPINGS]);
    assert!(is_warned(&mapped, &["arn:aws:sqs:eu-central-1:111122223333:orders", "get-queue-attributes"]));
    assert!(mapped.unknown_dead_letter.contains("order-worker"));
    let named = of(&[LIST, CONCURRENCY]);
    assert_eq!(function(&named, "order-worker").reserved, Some(50));
    assert!(!is_warned(&named, &["reserved concurrency"]));
    // The account knows of 50 reserved executions; the list names none.
    assert!(is_warned(&of(&[LIST, ACCOUNT]), &["50 executions of the account are reserved", "name 0"]));
}

#[test]
fn functions_of_several_regions_need_a_choice() {
    let both = [LIST, &LIST.replace("eu-central-1", "us-west-2").replace("\"thumbnails\"", "\"west\"")];
    assert!(with(&both, &Options::default()).unwrap_err().to_string().contains("--region"));
    let options = Options { region: Some("us-west-2".into()), ..Options::default() };
    let reading = with(&both, &options).unwrap();
    assert_eq!(reading.inventory.functions.len(), 1);
    assert!(is_warned(&reading, &["checkout-api", "in eu-central-1, not in us-west-2"]));
}

#[test]
fn the_products_own_inventory_is_taken_as_it_is() {
    let reading = of(&[OWN]);
    assert_eq!((reading.inventory.account.concurrency, reading.warnings.len()), (100, 0));
    assert_eq!(reading.inventory.functions[0].name.as_str(), "alpha", "sorted");
    assert_eq!(of(&[&serde_json::to_string(&reading.inventory).unwrap()]), reading);
    let options = Options { account_concurrency: Some(7), ..Options::default() };
    assert_eq!(with(&[OWN], &options).unwrap().inventory.account.concurrency, 7);
}

#[test]
fn an_error_names_the_place_the_value_and_the_range() {
    assert_eq!(
        error(&LIST.replace("\"MemorySize\": 2048", "\"MemorySize\": 64")),
        "file: Functions[2].MemorySize: 64 is not a whole number from 128 to 10240"
    );
    assert_eq!(
        error(&TEMPLATE.replace("Timeout: 29", "Timeout: ninety")),
        "file: Resources.CheckoutApi.Properties.Timeout: \"ninety\" is not a whole number from 1 to 900"
    );
    assert_eq!(
        error(&OWN.replace("\"timeout_s\": 900", "\"timeout_s\": 901")),
        "file: functions[1].timeout_s: 901 is not a whole number from 1 to 900"
    );
    assert!(error("{\"Functions\": [").starts_with("file:1:"), "{}", error("{\"Functions\": ["));
    let broken = error("Resources:\n  F: [a\n  G: b\n");
    assert!(broken.starts_with("file:3:"), "{broken}");
    assert_eq!(error("Resources:\n  F: {}\n  F: {}\n"), "file:3:3: the key \"F\" is there twice");
    assert_eq!(error("Resources:\n  F: {}\n"), "file: Resources.F: Type is missing");
    let policy = Reader::new(&Options::default()).add("guard.toml", "armed = true\n").unwrap_err();
    assert_eq!(
        policy.to_string(),
        "guard.toml: a policy and no inventory: name it before --inventory, or with --policy"
    );
    assert!(error("a: 1\n").contains("neither a SAM or CloudFormation template"));
    assert!(error("{\"ReservedConcurrentExecutions\": 5}").contains("get-function-concurrency"));
    assert!(error("Resources: {}\n").contains("no Lambda function"));
    assert_eq!(error("a: &a [*a]\n"), "file:1:8: an alias inside what it stands for");
}

#[test]
fn aliases_of_aliases_and_deep_nests_end_in_an_error() {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        laughs += &format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "));
    }
    assert!(error(&laughs).contains("more than 100000000 bytes"), "{}", error(&laughs));
    assert!(error(&format!("a: {}{}\n", "[".repeat(5000), "]".repeat(5000))).starts_with("file:1:"));
    assert!(error(&"[".repeat(5000)).starts_with("file:1:"));
    let turning = "Conditions: { A: !Not [!Condition A] }\nResources:\n  F: { Type: AWS::Lambda::Function, Condition: A }\n";
    assert!(is_warned(&of(&[turning]), &["Resources.F.Condition", "not known"]));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = with(&[&String::from_utf8_lossy(&bytes)], &Options::default());
    }

    #[test]
    fn no_text_of_yaml_and_json_signs_makes_the_reader_panic(text in "[-{}\\[\\]:,&*!|>'\"%@?# \n\ta1]{0,120}") {
        let _ = with(&[&text], &Options::default());
    }

    #[test]
    fn no_damaged_file_makes_the_reader_panic(
        which in 0..ALL.len(), cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, "[-{}:!&*\\[\\]0-9a-z\" \n]{0,6}"), 1..5),
    ) {
        let mut bytes = ALL[which].as_bytes().to_vec();
        for (at, length, text) in cuts {
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, text.into_bytes());
            if bytes.is_empty() { bytes.push(b'{'); }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // With the list beside it, so that what is left of the others is put together too.
        let _ = with(&[LIST, &text], &Options::default());
        let _ = with(&[&text], &Options::default());
    }
}
