//! An account with a guard in it: functions and their traffic, topics with queues behind them, a table, a policy.

use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::aws::{Aws, REGION, credentials};
use crate::clock::Clock;
use crate::emulator::Emulator;
use crate::permissions;
use crate::proxy::Proxy;
use crate::runtime::{Answer, Runtime};
use crate::tools;

/// The guard's own function.
pub const GUARD: &str = "dow-guard";
const TABLE: &str = "dow-guard";
const PARAMETER: &str = "/dow-guard/policy";

/// For whom messages are, each with a topic and a queue behind it.
pub const AUDIENCES: [&str; 3] = ["people", "chat", "pager"];

/// What is asked of a function in a minute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    /// Invocations.
    pub invocations: u32,
    /// Milliseconds of each.
    pub duration_ms: u32,
}

impl Load {
    /// So many invocations a minute of so many milliseconds.
    pub const fn of(invocations: u32, duration_ms: u32) -> Self {
        Load { invocations, duration_ms }
    }
}

/// The account.
pub struct World {
    /// Somebody else's view of it.
    pub aws: Aws,
    /// Between the guard and the emulator.
    pub proxy: Proxy,
    /// The guard's clock.
    pub clock: Clock,
    topics: Vec<String>,
    queues: Vec<String>,
    folder: TempDir,
    _emulator: Emulator,
    _room: Room,
}

/// Accounts at a time: a guard keeps a pace of calls, so that it mostly waits. Our choice: four on two cores keep out of
/// each other's time-outs.
const ACCOUNTS: usize = 4;

/// Room for one account.
struct Room;

static TAKEN: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

impl Room {
    fn wait() -> Self {
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |taken: &mut usize| *taken >= ACCOUNTS;
        *FREED.wait_while(taken, full).unwrap_or_else(PoisonError::into_inner) += 1;
        Room
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FREED.notify_one();
    }
}

impl World {
    /// An account with the usual limit, with the guard's own function and this policy.
    pub fn new(policy: &str) -> Self {
        World::with_limit(1000, policy)
    }

    /// The same with another limit of concurrent executions.
    pub fn with_limit(account_limit: u32, policy: &str) -> Self {
        let room = Room::wait();
        let folder = tempfile::tempdir().unwrap();
        let emulator = Emulator::start(account_limit, folder.path());
        let aws = Aws::new(emulator.address);
        let clock = Clock::new(folder.path());
        let proxy = Proxy::start(emulator.address, &clock);
        let (mut topics, mut queues) = (Vec::new(), Vec::new());
        for audience in AUDIENCES {
            let (topic, queue) = listening(&aws, audience);
            topics.push(topic);
            queues.push(queue);
        }
        let world = World { aws, proxy, clock, topics, queues, folder, _emulator: emulator, _room: room };
        let table = json!({
            "TableName": TABLE,
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" }, { "AttributeName": "sk", "AttributeType": "S" },
            ],
            "KeySchema": [
                { "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" },
            ],
            "BillingMode": "PAY_PER_REQUEST",
        });
        world.aws.call("dynamodb", "create_table", table);
        world.policy(policy);
        world.function(GUARD);
        world
    }

    /// Replaces the policy.
    pub fn policy(&self, text: &str) {
        let parameter = json!({ "Name": PARAMETER, "Value": text, "Type": "String", "Overwrite": true });
        self.aws.call("ssm", "put_parameter", parameter);
    }

    /// Creates a function of 1,024 MB and 10 seconds.
    pub fn function(&self, name: &str) {
        let function = json!({
            "FunctionName": name,
            "Runtime": "python3.12",
            "Role": "arn:aws:iam::000000000000:role/any",
            "Handler": "index.handler",
            "Code": { "ZipFile": { "base64": EMPTY_ZIP } },
            "MemorySize": 1024,
            "Timeout": 10,
        });
        self.aws.call("lambda", "create_function", function);
    }

    /// Sets a function's reserved concurrency, as its owner would.
    pub fn reserve(&self, name: &str, concurrency: u32) {
        let arguments = json!({ "FunctionName": name, "ReservedConcurrentExecutions": concurrency });
        self.aws.call("lambda", "put_function_concurrency", arguments);
    }

    /// Takes a function's reserved concurrency off, as a deploy without one does.
    pub fn unreserve(&self, name: &str) {
        self.aws.call("lambda", "delete_function_concurrency", json!({ "FunctionName": name }));
    }

    /// Reserved concurrency in force; `None`: unset.
    pub fn reserved(&self, name: &str) -> Option<u64> {
        let answer = self.aws.call("lambda", "get_function_concurrency", json!({ "FunctionName": name }));
        answer["ReservedConcurrentExecutions"].as_u64()
    }

    /// Takes what waits in a queue: subject and message, in order.
    pub fn messages(&self, audience: &str) -> Vec<Value> {
        let place = AUDIENCES.iter().position(|name| *name == audience).unwrap();
        let mut messages = Vec::new();
        loop {
            let question = json!({ "QueueUrl": self.queues[place], "MaxNumberOfMessages": 10 });
            let answer = self.aws.call("sqs", "receive_message", question);
            let Some(batch) = answer["Messages"].as_array().filter(|batch| !batch.is_empty()) else {
                return messages;
            };
            for message in batch {
                let receipt =
                    json!({ "QueueUrl": self.queues[place], "ReceiptHandle": message["ReceiptHandle"] });
                self.aws.call("sqs", "delete_message", receipt);
                messages.push(serde_json::from_str(message["Body"].as_str().unwrap()).unwrap());
            }
        }
    }

    /// The items of the guard's table.
    pub fn memory(&self) -> Vec<Value> {
        self.aws.call("dynamodb", "scan", json!({ "TableName": TABLE }))["Items"].as_array().unwrap().clone()
    }

    /// Deploys the guard as its own function, on the real clock.
    pub fn deploy(&self) {
        self.aws.call("lambda", "delete_function", json!({ "FunctionName": GUARD }));
        let reserved = ["AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "AWS_ENDPOINT_URL"];
        let environment =
            self.environment().into_iter().filter(|(name, _)| !reserved.contains(&name.as_str()));
        let variables: serde_json::Map<_, _> =
            environment.map(|(name, value)| (name, json!(value))).collect();
        let function = json!({
            "FunctionName": GUARD,
            "Runtime": "provided.al2023",
            "Architectures": ["x86_64"],
            "Role": "arn:aws:iam::000000000000:role/any",
            "Handler": "bootstrap",
            "Code": { "ZipFile": { "bootstrap": tools::guard() } },
            "MemorySize": 256,
            "Timeout": 50,
            "Environment": { "Variables": variables },
        });
        self.aws.call("lambda", "create_function", function);
    }

    /// A guard that starts cold.
    pub fn guard(&self) -> Runtime {
        Runtime::start(tools::guard(), &self.environment(), &self.clock, self.folder.path())
    }

    /// The guard's environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        let own = [
            ("AWS_ENDPOINT_URL", format!("http://{}", self.proxy.address)),
            ("AWS_LAMBDA_FUNCTION_NAME", GUARD.to_owned()),
            ("DOW_GUARD_POLICY_PARAMETER", PARAMETER.to_owned()),
            ("DOW_GUARD_TABLE", TABLE.to_owned()),
            ("DOW_GUARD_TOPIC", self.topics[0].clone()),
            ("DOW_GUARD_CHAT_TOPIC", self.topics[1].clone()),
            ("DOW_GUARD_PAGER_TOPIC", self.topics[2].clone()),
        ];
        let shared = credentials().map(|(name, value)| (name, value.to_owned()));
        own.into_iter().chain(shared).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Files that go with the world.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The event that EventBridge Scheduler sends now, in the shape of our template.
    pub fn event(&self) -> Value {
        json!({ "tick": self.clock.at().format("%Y-%m-%dT%H:%M:%SZ").to_string() })
    }

    /// The schedule invokes the guard.
    pub fn tick(&self, guard: &Runtime) -> Answer {
        guard.invoke(&self.event())
    }

    /// A minute goes by: what is asked of the functions becomes metrics as far as their reserved concurrency lets it
    /// through; then the schedule invokes the guard.
    pub fn live(&mut self, guard: &Runtime, loads: &[(&str, Load)]) -> Answer {
        self.pass(loads);
        self.tick(guard)
    }

    /// The same without the guard.
    pub fn pass(&mut self, loads: &[(&str, Load)]) {
        let minute = self.clock.at();
        let mut data = Vec::new();
        for (name, load) in loads {
            let room = self.reserved(name).and_then(|reserved| u32::try_from(reserved).ok());
            let most = room
                .map(|room| room.saturating_mul(60_000).checked_div(load.duration_ms).unwrap_or(u32::MAX));
            let served = most.map_or(load.invocations, |most| most.min(load.invocations));
            data.extend(metrics(
                name,
                minute,
                &Load { invocations: served, ..*load },
                load.invocations - served,
                1,
            ));
        }
        self.put(&data);
        self.clock.set(minute + TimeDelta::minutes(1));
    }

    /// So many minutes to come, as they will be whatever the guard does; the clock stays.
    pub fn foretell(&mut self, minutes: i64, loads: &[(&str, Load)]) {
        let now = self.clock.at();
        let minutes = (0..minutes).map(|minute| now + TimeDelta::minutes(minute));
        let of = |at| loads.iter().flat_map(move |(name, load)| metrics(name, at, load, 0, 1));
        let data: Vec<Value> = minutes.flat_map(of).collect();
        self.put(&data);
    }

    /// Moves the clock on by a minute.
    pub fn next_minute(&mut self) {
        self.clock.set(self.clock.at() + TimeDelta::minutes(1));
    }

    /// Takes the guard's memory away, and every message.
    pub fn forget(&self) {
        for item in self.memory() {
            let key = json!({ "pk": item["pk"], "sk": item["sk"] });
            self.aws.call("dynamodb", "delete_item", json!({ "TableName": TABLE, "Key": key }));
        }
        for audience in AUDIENCES {
            self.messages(audience);
        }
        self.proxy.calls();
    }

    /// Days of quiet before now: every minute the same load, in one point an hour and, for the last three hours, one a
    /// minute.
    pub fn past(&self, days: i64, loads: &[(&str, Load)]) {
        let now = self.clock.at();
        let recent = now - TimeDelta::hours(3);
        let mut data = Vec::new();
        for (name, load) in loads {
            let mut at = now - TimeDelta::days(days);
            while at < recent {
                data.extend(metrics(name, at, load, 0, 60));
                at += TimeDelta::hours(1);
            }
            while at < now {
                data.extend(metrics(name, at, load, 0, 1));
                at += TimeDelta::minutes(1);
            }
        }
        self.put(&data);
    }

    fn put(&self, data: &[Value]) {
        for data in data.chunks(1000) {
            let arguments = json!({ "Namespace": "AWS/Lambda", "MetricData": data });
            self.aws.call("cloudwatch", "put_metric_data", arguments);
        }
    }
}

/// Whatever a story asked of AWS is what `infra/iam` permits.
impl Drop for World {
    fn drop(&mut self) {
        let permitted = permissions::of_the_guard();
        let missing: Vec<String> =
            self.proxy.actions().into_iter().filter(|action| !permitted.contains(action)).collect();
        if !std::thread::panicking() {
            assert!(missing.is_empty(), "no permission set of infra/iam has {missing:?}");
        }
    }
}

/// The five metrics of so many like minutes in one point each. The emulator sums over functions by itself where a
/// query names none, as AWS publishes the region's totals.
fn metrics(name: &str, at: DateTime<Utc>, load: &Load, throttles: u32, minutes: u32) -> Vec<Value> {
    let (count, duration) = (load.invocations * minutes, load.duration_ms);
    let concurrency = (u64::from(load.invocations) * u64::from(duration)).div_ceil(60_000);
    let point = |metric: &str| {
        json!({
            "MetricName": metric,
            "Dimensions": [{ "Name": "FunctionName", "Value": name }],
            "Timestamp": at.to_rfc3339(),
        })
    };
    let value = |metric: &str, value: u64| {
        let mut point = point(metric);
        point["Value"] = json!(value);
        point
    };
    let mut data = vec![
        value("Invocations", count.into()),
        value("Errors", 0),
        value("Throttles", (throttles * minutes).into()),
        value("ConcurrentExecutions", concurrency),
    ];
    if count > 0 {
        let mut durations = point("Duration");
        let sum = u64::from(count) * u64::from(duration);
        durations["StatisticValues"] =
            json!({ "SampleCount": count, "Sum": sum, "Minimum": duration, "Maximum": duration });
        data.push(durations);
    }
    data
}

/// A topic and the queue that listens to it.
fn listening(aws: &Aws, audience: &str) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let topic = text(&aws.call("sns", "create_topic", json!({ "Name": audience }))["TopicArn"]);
    let queue = text(&aws.call("sqs", "create_queue", json!({ "QueueName": audience }))["QueueUrl"]);
    let question = json!({ "QueueUrl": queue, "AttributeNames": ["QueueArn"] });
    let arn = text(&aws.call("sqs", "get_queue_attributes", question)["Attributes"]["QueueArn"]);
    aws.call("sns", "subscribe", json!({ "TopicArn": topic, "Protocol": "sqs", "Endpoint": arn }));
    (topic, queue)
}

/// A zip archive with nothing in it: the end record alone (APPNOTE.TXT, 4.3.16).
const EMPTY_ZIP: &str = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==";

/// The ARN of a function as the guard knows it.
pub fn arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:000000000000:function:{name}")
}
