//! The metrics and the log line of a tick.

use std::time::Duration;

use guard_core::inventory::Function;
use guard_core::money::Usd;
use guard_core::settle::{ApplyResult, Outcome};
use guard_fn::emf::{self, METRICS, OwnUse, Scope};
use guard_fn::log_line::TickLine;
use serde_json::Value;

use crate::fixture::{CALM, FLOOD, Shop, context, policy};

/// Everything that the embedded metric format requires of a document.
fn assert_metrics(document: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../schemas/emf.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    assert!(!schema.is_valid(&serde_json::json!({"_aws": {"Timestamp": 1, "CloudWatchMetrics": []}})));
    let errors: Vec<String> =
        schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    for directive in document["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        for metric in directive["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            assert!(document[name].is_number(), "{name} is defined without a value: {document:#}");
        }
        for dimension in
            directive["Dimensions"].as_array().unwrap().iter().flat_map(|set| set.as_array().unwrap())
        {
            assert!(document[dimension.as_str().unwrap()].is_string(), "{dimension} has no value");
        }
    }
}

fn flooded() -> Shop {
    let mut shop = Shop::open(policy("armed = true", "cap"), vec![Function::new("checkout", 1024, 10)], 0);
    shop.live(10, CALM);
    shop.live(20, FLOOD);
    shop
}

fn own(shop: &Shop) -> OwnUse {
    let cost: Usd = "0.00027".parse().unwrap();
    OwnUse { caps_in_force: emf::caps_in_force(&shop.state), calls: 7, cost }
}

#[test]
fn a_tick_leaves_one_document_of_the_guard_and_one_per_budget() {
    let shop = flooded();
    let plan = &shop.told.last().unwrap().plan;
    let documents = emf::documents(plan, &own(&shop), &context());
    documents.iter().for_each(assert_metrics);
    let text: Vec<String> = documents.iter().map(|d| serde_json::to_string_pretty(d).unwrap()).collect();
    insta::assert_snapshot!("metrics", text.join("\n"));
}

#[test]
fn every_documented_metric_is_sent_and_no_other() {
    let shop = flooded();
    let documents = emf::documents(&shop.told.last().unwrap().plan, &own(&shop), &context());
    let sent: Vec<(Scope, String, String)> = documents
        .iter()
        .zip([Scope::Guard, Scope::Budget])
        .flat_map(|(document, scope)| {
            let metrics = document["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap().clone();
            metrics.into_iter().map(move |metric| {
                let text = |key: &str| metric[key].as_str().unwrap().to_owned();
                (scope, text("Name"), text("Unit"))
            })
        })
        .collect();
    let documented: Vec<(Scope, String, String)> =
        METRICS.iter().map(|metric| (metric.scope, metric.name.to_owned(), metric.unit.to_owned())).collect();
    assert_eq!(sent, documented);
}

#[test]
fn blindness_is_a_number_and_an_unknown_age_is_none() {
    let mut shop = flooded();
    shop.answers = false;
    shop.live(1, FLOOD);
    let documents = emf::documents(&shop.told.last().unwrap().plan, &own(&shop), &context());
    documents.iter().for_each(assert_metrics);
    assert_eq!(documents[0]["Blind"], 1);
    assert!(documents[0].get("MetricAge").is_none(), "unknown is not zero: {}", documents[0]);
    shop.answers = true;
    shop.live(1, FLOOD);
    let documents = emf::documents(&shop.told.last().unwrap().plan, &own(&shop), &context());
    assert_eq!((&documents[0]["Blind"], &documents[0]["MetricAge"]), (&0.into(), &180.into()));
}

#[test]
fn the_log_line_has_what_came_of_each_action_and_no_word_of_a_service() {
    let shop = flooded();
    let plan = &shop.told.iter().find(|told| !told.plan.actions.is_empty()).unwrap().plan;
    let secret = "x-amz-security-token=IQoJb3JpZ2luX2VjEXAMPLE";
    let outcomes: Vec<Outcome> = plan
        .actions
        .iter()
        .map(|action| Outcome {
            function: action.function.clone(),
            change: action.change.clone(),
            result: ApplyResult::Unavailable { message: secret.to_owned() },
        })
        .collect();
    let took = [("look", Duration::from_millis(41)), ("think", Duration::from_micros(900))];
    let line = serde_json::to_string(&TickLine::of(plan, &outcomes, &own(&shop), &took)).unwrap();
    assert!(!line.contains("x-amz-security-token") && !line.contains('\n'), "{line}");
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["actions"][0]["outcome"], "unavailable");
    let untried = TickLine::of(plan, &[], &own(&shop), &took);
    assert_eq!(untried.actions[0].outcome, "not_tried");
    insta::assert_snapshot!("log_line", serde_json::to_string_pretty(&value).unwrap());
}
