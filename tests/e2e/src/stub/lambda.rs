//! Lambda's control plane: functions, their concurrency and asynchronous settings, and event source mappings.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Account, said};
use crate::aws::REGION;
use crate::http::Message;
use crate::proxy::Call;

/// Functions on a page at most ("ListFunctions", Lambda API reference, read 2026-11).
const PAGE: usize = 50;

/// A function.
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// Memory.
    pub memory_mb: u32,
    /// Time-out.
    pub timeout_s: u32,
    /// On Arm instead of x86.
    pub is_arm: bool,
    /// Reserved concurrency.
    pub reserved: Option<u64>,
    /// Asynchronous settings: retries, and seconds that an event may wait.
    pub asynchronous: Option<(u64, u64)>,
    /// Whether events that are given up go to a queue.
    pub has_dead_letters: bool,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The service that may invoke it, such as `s3`; `None`: no resource policy.
    pub invoker: Option<&'static str>,
    /// The alias that it may invoke; `None`: the function itself.
    pub alias: Option<&'static str>,
}

/// An event source mapping of a queue.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// The function that it invokes.
    pub function: String,
    /// The alias of it; `None`: the function itself.
    pub alias: Option<&'static str>,
    /// `MaximumConcurrency`.
    pub max_concurrency: Option<u64>,
    /// Its own tags, which are not those of its function.
    pub tags: BTreeMap<String, String>,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The function, or the mapping's UUID.
    pub of: String,
    /// What it was.
    pub from: Value,
    /// What it is; the same as before where nothing needed to be changed.
    pub to: Value,
}

impl Function {
    /// A function of so much memory and ten seconds.
    pub fn of(memory_mb: u32) -> Self {
        Function { memory_mb, timeout_s: 10, ..Function::default() }
    }

    /// What `ListFunctions` tells of it, as long as real ones are.
    fn configuration(&self, name: &str) -> Value {
        let mut configuration = json!({
            "FunctionName": name,
            "FunctionArn": arn(name),
            "Runtime": "python3.12",
            "Role": format!("arn:aws:iam::000000000000:role/service-role/{name}-role-7xq2m1zt"),
            "Handler": "app.lambda_handler",
            "CodeSize": 1_048_576,
            "Description": "Handles what comes in, validates it, and passes it on to where it belongs",
            "Timeout": self.timeout_s,
            "MemorySize": self.memory_mb,
            "LastModified": "2026-09-14T07:31:52.000+0000",
            "CodeSha256": "8Qh0Sx0K1r2b7mX3cQ4m0bKq6l1v8eJ2dYq0Tz5pX9c=",
            "Version": "$LATEST",
            "TracingConfig": { "Mode": "PassThrough" },
            "RevisionId": "c5e3d2b1-8f4a-4c6e-9d7b-1a2b3c4d5e6f",
            "PackageType": "Zip",
            "Architectures": [if self.is_arm { "arm64" } else { "x86_64" }],
            "EphemeralStorage": { "Size": 512 },
            "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
            "Environment": { "Variables": {
                "LOG_LEVEL": "INFO",
                "POWERTOOLS_SERVICE_NAME": name,
                "TABLE_NAME": format!("{name}-table"),
                "QUEUE_URL": format!("https://sqs.{REGION}.amazonaws.com/000000000000/{name}"),
            } },
            "LoggingConfig": { "LogFormat": "Text", "LogGroup": format!("/aws/lambda/{name}") },
        });
        if self.has_dead_letters {
            let queue = format!("arn:aws:sqs:{REGION}:000000000000:{name}-dead");
            configuration["DeadLetterConfig"] = json!({ "TargetArn": queue });
        }
        configuration
    }

    fn concurrency(&self) -> Value {
        self.reserved.map_or_else(|| json!({}), |units| json!({ "ReservedConcurrentExecutions": units }))
    }
}

impl Mapping {
    /// What it invokes.
    pub fn function_arn(&self) -> String {
        let qualifier = self.alias.map(|alias| format!(":{alias}")).unwrap_or_default();
        arn(&self.function) + &qualifier
    }

    fn body(&self, uuid: &str) -> Value {
        json!({
            "UUID": uuid,
            "FunctionArn": self.function_arn(),
            "EventSourceArn": format!("arn:aws:sqs:{REGION}:000000000000:{}", self.function),
            "State": "Enabled",
            "BatchSize": 10,
            "ScalingConfig": self.max_concurrency.map_or_else(|| json!({}), |to| json!({ "MaximumConcurrency": to })),
        })
    }
}

/// What is asked, and of whom.
struct Asked<'a> {
    call: &'a Call,
    /// The last words of the path: a function's name, a mapping's UUID.
    name: &'a str,
    query: BTreeMap<&'a str, &'a str>,
    body: Value,
}

impl Account {
    /// `None`: nobody here knows the operation.
    pub(super) fn lambda(&mut self, call: &Call, operation: &str) -> Option<Message> {
        let target = call.target.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let asked = Asked {
            call,
            name: path.trim_end_matches('/').split('/').nth(3).unwrap_or_default(),
            query: query.split('&').filter_map(|pair| pair.split_once('=')).collect(),
            body: call.json(),
        };
        let answer = match operation {
            "GetAccountSettings" => Ok(self.settings()),
            "ListFunctions" => Ok(self.list(&asked)),
            "ListEventSourceMappings" => Ok(self.mappings_of(&asked)),
            "GetEventSourceMapping" | "UpdateEventSourceMapping" => self.mapping(&asked, operation),
            "ListTags" => Ok(json!({ "Tags": {} })),
            _ => return self.of_function(&asked, operation),
        };
        Some(answer.map_or_else(|code| call.error(404, code), |answer| said(&answer)))
    }

    fn settings(&self) -> Value {
        let reserved: u64 = self.functions.values().filter_map(|function| function.reserved).sum();
        json!({
            "AccountLimit": {
                "ConcurrentExecutions": self.concurrency,
                "UnreservedConcurrentExecutions": u64::from(self.concurrency).saturating_sub(reserved),
            },
            "AccountUsage": { "FunctionCount": self.functions.len() },
        })
    }

    fn list(&self, asked: &Asked<'_>) -> Value {
        let marker = asked.query.get("Marker").copied().unwrap_or_default();
        let mut rest = self.functions.iter().filter(|(name, _)| name.as_str() > marker).peekable();
        let page: Vec<_> = rest.by_ref().take(PAGE).collect();
        let last = page.last().map(|(name, _)| name.as_str()).filter(|_| rest.peek().is_some());
        let functions: Vec<Value> =
            page.iter().map(|(name, function)| function.configuration(name)).collect();
        json!({ "Functions": functions, "NextMarker": last })
    }

    fn mappings_of(&self, asked: &Asked<'_>) -> Value {
        let of = asked.query.get("FunctionName");
        let found =
            self.mappings.iter().filter(|(_, mapping)| of.is_none_or(|name| mapping.function == **name));
        json!({ "EventSourceMappings": found.map(|(uuid, mapping)| mapping.body(uuid)).collect::<Vec<_>>() })
    }

    fn mapping(&mut self, asked: &Asked<'_>, operation: &str) -> Result<Value, &'static str> {
        let mapping = self.mappings.get_mut(asked.name).ok_or("ResourceNotFoundException")?;
        if operation == "UpdateEventSourceMapping" {
            let from = mapping.max_concurrency;
            mapping.max_concurrency = asked.body["ScalingConfig"]["MaximumConcurrency"].as_u64();
            let (of, to) = (asked.name.to_owned(), json!(mapping.max_concurrency));
            self.changes.push(Change { of, from: json!(from), to });
        }
        Ok(mapping.body(asked.name))
    }

    fn of_function(&mut self, asked: &Asked<'_>, operation: &str) -> Option<Message> {
        let missing = || Some(asked.call.error(404, "ResourceNotFoundException"));
        let Some(function) = self.functions.get_mut(asked.name) else { return missing() };
        let configured = |settings: Option<(u64, u64)>| {
            settings.map(|(retries, age)| {
                json!({ "MaximumRetryAttempts": retries, "MaximumEventAgeInSeconds": age, "FunctionArn": arn(asked.name) })
            })
        };
        let mut change = None;
        let answer = match operation {
            "GetFunction" if self.hides_tags => {
                let error = json!({ "ErrorCode": "AccessDeniedException", "Message": "may not list tags" });
                Some(json!({
                    "Configuration": function.configuration(asked.name),
                    "Concurrency": function.concurrency(),
                    "TagsError": error,
                }))
            }
            "GetFunction" => Some(json!({
                "Configuration": function.configuration(asked.name),
                "Concurrency": function.concurrency(),
                "Tags": function.tags,
            })),
            "GetFunctionConcurrency" => Some(function.concurrency()),
            "PutFunctionConcurrency" | "DeleteFunctionConcurrency" => {
                let from = json!(function.reserved);
                function.reserved = asked.body["ReservedConcurrentExecutions"].as_u64();
                change = Some((from, json!(function.reserved)));
                Some(function.concurrency())
            }
            "GetFunctionEventInvokeConfig" => configured(function.asynchronous),
            "PutFunctionEventInvokeConfig" | "UpdateFunctionEventInvokeConfig"
                if asked.query.get("Qualifier").is_some_and(|alias| Some(*alias) != function.alias) =>
            {
                None
            }
            "UpdateFunctionEventInvokeConfig" if function.asynchronous.is_none() => None,
            "PutFunctionEventInvokeConfig" | "UpdateFunctionEventInvokeConfig" => {
                let from = json!(function.asynchronous);
                let (retries, age) = function.asynchronous.unwrap_or((2, 21_600));
                let number = |name: &str, or: u64| asked.body[name].as_u64().unwrap_or(or);
                function.asynchronous =
                    Some((number("MaximumRetryAttempts", retries), number("MaximumEventAgeInSeconds", age)));
                change = Some((from, json!(function.asynchronous)));
                configured(function.asynchronous)
            }
            "GetPolicy" if asked.query.get("Qualifier").copied() != function.alias => None,
            "GetPolicy" => function.invoker.map(|service| {
                let statement = json!({
                    "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn(asked.name),
                    "Principal": { "Service": format!("{service}.amazonaws.com") },
                });
                json!({ "Policy": json!({ "Statement": [statement] }).to_string(), "RevisionId": "1" })
            }),
            "ListAliases" => {
                let aliases: Vec<Value> = function.alias.iter().map(|name| json!({ "Name": name })).collect();
                Some(json!({ "Aliases": aliases }))
            }
            "ListFunctionEventInvokeConfigs" => Some(json!({ "FunctionEventInvokeConfigs": [] })),
            "ListProvisionedConcurrencyConfigs" => Some(json!({ "ProvisionedConcurrencyConfigs": [] })),
            _ => return None,
        };
        if let Some((from, to)) = change {
            self.changes.push(Change { of: asked.name.to_owned(), from, to });
        }
        answer.map_or_else(missing, |answer| Some(said(&answer)))
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:000000000000:function:{name}")
}
