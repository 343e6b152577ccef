//! What the stories rest on: the proxy refuses like AWS, and metrics put by one client are read by the other.

use serde_json::json;

use e2e::aws::Aws;
use e2e::proxy::Fault;
use e2e::world::{Load, World};

#[test]
fn the_proxy_refuses_a_reservation_that_leaves_the_account_too_little() {
    let world = World::new("");
    world.function("orders");
    let through = Aws::new(world.proxy.address);
    let put = |n: u32| {
        let arguments = json!({ "FunctionName": "orders", "ReservedConcurrentExecutions": n });
        through.attempt("lambda", "put_function_concurrency", arguments)
    };
    let refused = put(901).unwrap_err();
    assert!(refused.contains("InvalidParameterValueException") && refused.contains("[100]"), "{refused}");
    assert_eq!(world.reserved("orders"), None);
    put(900).unwrap();
    put(899).unwrap();
    assert_eq!(world.reserved("orders"), Some(899));
    let calls: Vec<_> = world.proxy.calls().into_iter().filter(|call| call.is_mutating()).collect();
    assert_eq!(calls.iter().map(|call| call.status).collect::<Vec<_>>(), [400, 200, 200]);
    assert!(calls.iter().all(|call| call.operation == "lambda:PutFunctionConcurrency"), "{calls:?}");
}

#[test]
fn the_proxy_fails_as_often_as_it_is_told_and_then_no_more() {
    let world = World::new("");
    let through = Aws::new(world.proxy.address);
    world.proxy.fail_after("ssm:GetParameter", 1, 1, Fault::THROTTLED);
    let get = || through.attempt("ssm", "get_parameter", json!({ "Name": "/dow-guard/policy" }));
    assert!(get().is_ok());
    assert!(get().unwrap_err().contains("TooManyRequestsException"));
    assert!(get().is_ok());
}

#[test]
fn a_minute_of_traffic_is_in_the_metrics_and_a_cap_turns_the_rest_away() {
    let mut world = World::new("");
    world.function("orders");
    world.reserve("orders", 10);
    let from = world.clock.at();
    world.pass(&[("orders", Load::of(6_000, 1_000))]);
    let sum = |metric: &str| {
        let question = json!({
            "Namespace": "AWS/Lambda", "MetricName": metric, "Period": 60, "Statistics": ["Sum"],
            "Dimensions": [{ "Name": "FunctionName", "Value": "orders" }],
            "StartTime": from.to_rfc3339(), "EndTime": world.clock.at().to_rfc3339(),
        });
        let answer = world.aws.call("cloudwatch", "get_metric_statistics", question);
        answer["Datapoints"][0]["Sum"].as_f64().unwrap()
    };
    assert_eq!((sum("Invocations"), sum("Throttles"), sum("Duration")), (600.0, 5_400.0, 600_000.0));
}
