//! Lambda's control plane in memory, spoken to over its REST-JSON protocol: the adapter's requests are real.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_lambda::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::aws::lambda::LambdaControl;
use crate::calls::Calls;

/// A request as it left.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Value,
    pub(super) at: Instant,
}

impl Sent {
    /// `GET /2015-03-31/functions/f`.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// An alias, the service that its policy admits, and whether it has asynchronous settings.
pub(super) type Alias = (&'static str, Option<&'static str>, bool);

/// A status and a body, with the word of an error.
pub(super) type Reply = (u16, Value, Option<&'static str>);

pub(super) fn refusal(status: u16, code: &'static str) -> Reply {
    (status, json!({"Type": "User", "Message": format!("a message about {code}")}), Some(code))
}

/// A resource policy that lets a service invoke.
pub(super) fn policy_for(service: &str) -> String {
    let principal = json!({"Service": format!("{service}.amazonaws.com")});
    json!({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction"}]})
        .to_string()
}

/// Called before a request is handled: changes the world, and answers in its place where it returns something.
type Meddler = Box<dyn FnMut(&mut World, &Sent) -> Option<Reply> + Send>;

#[derive(Default)]
pub(super) struct World {
    pub(super) limit: u32,
    /// Configuration, in the service's words.
    pub(super) functions: BTreeMap<String, Value>,
    pub(super) reserved: BTreeMap<String, u32>,
    pub(super) tags: BTreeMap<String, Value>,
    /// The error that functions answer in place of their tags.
    pub(super) no_tags: BTreeMap<String, &'static str>,
    pub(super) asynchronous: BTreeMap<String, Value>,
    pub(super) policies: BTreeMap<String, String>,
    pub(super) aliases: BTreeMap<String, Vec<Alias>>,
    pub(super) provisioned: BTreeMap<String, u32>,
    pub(super) mappings: BTreeMap<String, Value>,
    pub(super) sent: Vec<Sent>,
    /// How long each answer takes.
    pub(super) latency: Duration,
    meddler: Option<Meddler>,
}

#[derive(Clone)]
pub(super) struct Plane(Arc<Mutex<World>>);

impl fmt::Debug for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plane")
    }
}

impl Plane {
    pub(super) fn new() -> Self {
        Plane(Arc::new(Mutex::new(World { limit: 1000, ..World::default() })))
    }

    /// With functions `f000`, `f001`, ….
    pub(super) fn of(count: usize) -> Self {
        let plane = Plane::new();
        (0..count).for_each(|index| plane.world().create(&format!("f{index:03}")));
        plane
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    pub(super) fn meddle(&self, meddler: impl FnMut(&mut World, &Sent) -> Option<Reply> + Send + 'static) {
        self.world().meddler = Some(Box::new(meddler));
    }

    pub(super) fn control(&self) -> LambdaControl {
        let connector = SharedHttpConnector::new(self.clone());
        let keys = Credentials::new("AKIATEST", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        LambdaControl::new(&config, Calls::default())
    }

    /// Requests since this was asked last.
    pub(super) fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut self.world().sent)
    }

    /// Requests that change something, since this was asked last.
    pub(super) fn changes(&self) -> Vec<(String, Value)> {
        let sent = self.take().into_iter().filter(|sent| sent.method != "GET");
        sent.map(|sent| (sent.line(), sent.body)).collect()
    }
}

impl HttpConnector for Plane {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sent = sent(&request);
        let mut world = self.world();
        world.sent.push(sent.clone());
        let mut meddler = world.meddler.take();
        let answered = meddler.as_mut().and_then(|meddler| meddler(&mut world, &sent));
        world.meddler = meddler;
        let (status, body, code) = answered.unwrap_or_else(|| world.handle(&sent));
        let body = if body.is_null() { SdkBody::empty() } else { SdkBody::from(body.to_string()) };
        let mut response = HttpResponse::new(status.try_into().unwrap(), body);
        if let Some(code) = code {
            response.headers_mut().insert("x-amzn-errortype", code);
        }
        let latency = world.latency;
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(latency).await;
            Ok(response)
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "a test measures durations")]
fn sent(request: &HttpRequest) -> Sent {
    let uri = request.uri();
    let after_host = uri.splitn(4, '/').nth(3).unwrap_or_default();
    let (path, query) = after_host.split_once('?').unwrap_or((after_host, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let body = request.body().bytes().unwrap_or_default();
    Sent {
        method: request.method().to_owned(),
        path: format!("/{}", path.trim_end_matches('/')),
        query: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        body: serde_json::from_slice(body).unwrap_or(Value::Null),
        at: Instant::now(),
    }
}

impl World {
    pub(super) fn create(&mut self, name: &str) {
        let config = json!({
            "FunctionName": name,
            "FunctionArn": format!("arn:aws:lambda:eu-central-1:123456789012:function:{name}"),
            "MemorySize": 512, "Timeout": 30, "Architectures": ["arm64"], "EphemeralStorage": {"Size": 1024},
            "LastModified": "2026-11-01T02:03:04.567+0000",
            "Environment": {"Variables": {"PASSWORD": "hunter2"}},
        });
        self.functions.insert(name.to_owned(), config);
    }

    pub(super) fn delete(&mut self, name: &str) {
        self.functions.remove(name);
        self.reserved.remove(name);
    }

    pub(super) fn map_queue(&mut self, uuid: &str, function: &str) {
        let mapping = json!({
            "UUID": uuid, "State": "Enabled", "BatchSize": 5,
            "EventSourceArn": "arn:aws:sqs:eu-central-1:123456789012:queue",
            "FunctionArn": format!("arn:aws:lambda:eu-central-1:123456789012:function:{function}"),
        });
        self.mappings.insert(uuid.to_owned(), mapping);
    }

    pub(super) fn unreserved(&self) -> i64 {
        i64::from(self.limit) - self.reserved.values().map(|reserved| i64::from(*reserved)).sum::<i64>()
    }

    fn handle(&mut self, sent: &Sent) -> Reply {
        let path = sent.path.clone();
        let parts: Vec<&str> = path.split('/').skip(2).collect();
        match (sent.method.as_str(), parts.as_slice()) {
            ("GET", ["account-settings"]) => self.settings(),
            ("GET", ["functions"]) => {
                let all: Vec<&Value> = self.functions.values().collect();
                page("Functions", &all, sent, 50)
            }
            ("GET", ["event-source-mappings"]) => {
                let wanted = sent.query.get("FunctionName");
                let of = |mapping: &&Value| {
                    let arn = mapping["FunctionArn"].as_str().unwrap_or_default();
                    wanted.is_none_or(|wanted| arn.ends_with(&format!(":{wanted}")))
                };
                let all: Vec<&Value> = self.mappings.values().filter(of).collect();
                page("EventSourceMappings", &all, sent, 100)
            }
            (method, ["event-source-mappings", uuid]) => self.mapping(method, uuid, &sent.body),
            (_, ["functions", name, ..]) if !self.functions.contains_key(*name) => {
                refusal(404, "ResourceNotFoundException")
            }
            ("GET", ["functions", name]) => self.function(name),
            ("GET", ["functions", name, "policy"]) if sent.query.contains_key("Qualifier") => {
                let asked = &sent.query["Qualifier"];
                let of = self.aliases[*name].iter().find(|(alias, ..)| alias == asked);
                match of.and_then(|(_, admits, _)| *admits) {
                    Some(service) => (200, json!({"Policy": policy_for(service)}), None),
                    None => refusal(404, "ResourceNotFoundException"),
                }
            }
            ("GET", ["functions", name, "aliases"]) => {
                let aliases = self.aliases.get(*name).into_iter().flatten();
                let all: Vec<Value> = aliases.map(|(alias, ..)| json!({"Name": alias})).collect();
                (200, json!({"Aliases": all}), None)
            }
            ("GET", ["functions", name, "event-invoke-config", "list"]) => {
                let arn = |of: &str| format!("arn:aws:lambda:eu-central-1:123456789012:function:{name}:{of}");
                let own = self.asynchronous.get(*name).map(|_| "$LATEST");
                let aliases = self.aliases.get(*name).into_iter().flatten();
                let set = own.into_iter().chain(aliases.filter(|alias| alias.2).map(|(alias, ..)| *alias));
                let all: Vec<Value> = set.map(|of| json!({"FunctionArn": arn(of)})).collect();
                (200, json!({"FunctionEventInvokeConfigs": all}), None)
            }
            ("GET", ["functions", name, "policy"]) => match self.policies.get(*name) {
                Some(policy) => (200, json!({"Policy": policy}), None),
                None => refusal(404, "ResourceNotFoundException"),
            },
            (method, ["functions", name, "concurrency"]) => self.concurrency(method, name, &sent.body),
            (_, ["functions", _, "event-invoke-config"]) if sent.query.contains_key("Qualifier") => {
                refusal(404, "ResourceNotFoundException")
            }
            (method, ["functions", name, "event-invoke-config"]) => {
                self.invoke_config(method, name, &sent.body)
            }
            ("GET", ["functions", name, "provisioned-concurrency"]) => {
                let one = |count: &u32| json!({"RequestedProvisionedConcurrentExecutions": count});
                let all: Vec<Value> = self.provisioned.get(*name).into_iter().map(one).collect();
                (200, json!({"ProvisionedConcurrencyConfigs": all}), None)
            }
            ("GET", ["tags", ..]) => (200, json!({"Tags": {}}), None),
            other => panic!("a request that Lambda does not know: {other:?}"),
        }
    }

    fn settings(&self) -> Reply {
        let limits = json!({
            "ConcurrentExecutions": self.limit, "UnreservedConcurrentExecutions": self.unreserved(),
        });
        (200, json!({"AccountLimit": limits, "AccountUsage": {"FunctionCount": self.functions.len()}}), None)
    }

    fn function(&self, name: &str) -> Reply {
        let mut all = json!({
            "Configuration": self.functions[name],
            "Code": {"Location": "https://bucket.example/code?X-Amz-Signature=secret"},
            "Tags": self.tags.get(name).cloned().unwrap_or(json!({})),
        });
        if let Some(code) = self.no_tags.get(name) {
            all["Tags"] = Value::Null;
            all["TagsError"] = json!({"ErrorCode": code, "Message": "no tags"});
        }
        if let Some(reserved) = self.reserved.get(name) {
            all["Concurrency"] = json!({"ReservedConcurrentExecutions": reserved});
        }
        (200, all, None)
    }

    fn concurrency(&mut self, method: &str, name: &str, body: &Value) -> Reply {
        match method {
            "DELETE" => {
                self.reserved.remove(name);
                return (204, Value::Null, None);
            }
            "PUT" => {
                let wanted = u32::try_from(body["ReservedConcurrentExecutions"].as_u64().unwrap()).unwrap();
                let before = self.reserved.get(name).copied().unwrap_or(0);
                let left = self.unreserved() - i64::from(wanted) + i64::from(before);
                if wanted > before && left < i64::from(self.limit.min(100)) {
                    return refusal(400, "InvalidParameterValueException");
                }
                self.reserved.insert(name.to_owned(), wanted);
            }
            _ => {}
        }
        let body = self.reserved.get(name).map(|reserved| json!({"ReservedConcurrentExecutions": reserved}));
        (200, body.unwrap_or(json!({})), None)
    }

    fn invoke_config(&mut self, method: &str, name: &str, body: &Value) -> Reply {
        let known = self.asynchronous.get(name).cloned();
        let next = match (method, known) {
            ("GET", Some(known)) => return (200, known, None),
            ("GET" | "POST", None) => return refusal(404, "ResourceNotFoundException"),
            ("POST", Some(mut known)) => {
                body.as_object().unwrap().iter().for_each(|(key, value)| known[key] = value.clone());
                known
            }
            _ => body.clone(),
        };
        self.asynchronous.insert(name.to_owned(), next.clone());
        (200, next, None)
    }

    fn mapping(&mut self, method: &str, uuid: &str, body: &Value) -> Reply {
        let Some(mapping) = self.mappings.get_mut(uuid) else {
            return refusal(404, "ResourceNotFoundException");
        };
        if method == "PUT" {
            match body.get("Enabled").and_then(Value::as_bool) {
                Some(true) => mapping["State"] = json!("Enabling"),
                Some(false) => mapping["State"] = json!("Disabling"),
                None => mapping["State"] = json!("Updating"),
            }
            if let Some(scaling) = body.get("ScalingConfig") {
                mapping["ScalingConfig"] = scaling.clone();
            }
        }
        (200, mapping.clone(), None)
    }
}

/// A page whose marker is a place in the list, so that pages shift when the list changes.
fn page(key: &str, all: &[&Value], sent: &Sent, most: usize) -> Reply {
    let from = sent.query.get("Marker").map_or(0, |marker| marker.parse().unwrap());
    let asked: usize = sent.query.get("MaxItems").map_or(most, |asked| asked.parse().unwrap());
    let until = (from + asked.min(most)).min(all.len());
    let mut body = json!({key: all[from.min(until)..until]});
    if until < all.len() {
        body["NextMarker"] = json!(until.to_string());
    }
    (200, body, None)
}
