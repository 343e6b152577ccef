//! An account on the AWS emulator, and the guard in AWS's Lambda runtime.

use chrono::{DateTime, Utc};
use e2e::proxy::Call;
use e2e::runtime::Runtime;
use e2e::world::{GUARD, World};
use guard_core::inventory::Function;
use guard_core::name::FunctionName;
use guard_core::observation::Point;
use guard_core::time::Minute;
use serde_json::{Value, json};

use crate::closed_loop::real::Aws;

pub(crate) struct Emulated {
    account: World,
    guard: Runtime,
    /// Data points that are not put yet.
    data: Vec<Value>,
}

impl Emulated {
    pub(crate) fn new(concurrency: u32, policy: &str, start: DateTime<Utc>) -> Self {
        let mut account = World::with_limit(concurrency, policy);
        account.clock.set(start);
        let guard = account.guard();
        Emulated { account, guard, data: Vec::new() }
    }
}

impl Aws for Emulated {
    fn deploy(&mut self, function: &Function) {
        let name = function.name.as_str();
        if name != GUARD {
            self.account.function(name);
        }
        let settings =
            json!({ "FunctionName": name, "MemorySize": function.memory_mb, "Timeout": function.timeout_s });
        self.account.aws.call("lambda", "update_function_configuration", settings);
        if function.synchronous {
            let permission = json!({
                "FunctionName": name, "StatementId": "api", "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
            });
            self.account.aws.call("lambda", "add_permission", permission);
        }
        if let Some(reserved) = function.reserved {
            self.account.reserve(name, reserved);
        }
    }

    /// The emulator sums over functions by itself where a query names none.
    fn publish(&mut self, of: Option<&FunctionName>, minute: Minute, before: &Point, now: &Point) {
        if let Some(name) = of {
            self.data.extend(difference(name, minute, before, now));
        }
    }

    fn tick(&mut self, at: DateTime<Utc>) -> Value {
        for data in std::mem::take(&mut self.data).chunks(1000) {
            let arguments = json!({ "Namespace": "AWS/Lambda", "MetricData": data });
            self.account.aws.call("cloudwatch", "put_metric_data", arguments);
        }
        self.account.clock.stop(at);
        self.account.tick(&self.guard).ok()
    }

    fn calls(&self) -> Vec<Call> {
        self.account.proxy.calls()
    }
}

/// What a minute shows now beyond what it showed before. Sums are added to by the emulator; of concurrency the highest
/// value counts.
fn difference(name: &FunctionName, minute: Minute, before: &Point, now: &Point) -> Vec<Value> {
    let value = |metric: &str, value: u64| {
        json!({
            "MetricName": metric,
            "Dimensions": [{ "Name": "FunctionName", "Value": name }],
            "Timestamp": minute.start().to_rfc3339(),
            "Value": value,
        })
    };
    let sums = [
        ("Invocations", before.invocations, now.invocations),
        ("Errors", before.errors, now.errors),
        ("Throttles", before.throttles, now.throttles),
    ];
    let mut data: Vec<Value> = sums
        .into_iter()
        .filter(|(_, before, now)| now > before || (*now == 0 && *before == 0))
        .map(|(metric, before, now)| value(metric, now - before))
        .collect();
    data.push(value("ConcurrentExecutions", now.concurrency_max.into()));
    if now.duration_us > before.duration_us {
        // CloudWatch has milliseconds with fractions.
        let mut duration = value("Duration", 0);
        duration["Value"] = json!(milliseconds(now.duration_us - before.duration_us));
        data.push(duration);
    }
    data
}

#[expect(clippy::cast_precision_loss, reason = "below 2^53 microseconds, which is 285 years")]
fn milliseconds(us: u64) -> f64 {
    us as f64 / 1000.0
}
