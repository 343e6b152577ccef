//! An account on the stub, and the guard behind Lambda's bare runtime API: a minute takes milliseconds.

use chrono::{DateTime, Utc};
use e2e::clock::Clock;
use e2e::proxy::{Call, Proxy};
use e2e::sandbox::Sandbox;
use e2e::stub::{self, Load, Stub};
use guard_core::inventory::{Architecture, Function};
use guard_core::name::FunctionName;
use guard_core::observation::Point;
use guard_core::time::Minute;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::closed_loop::real::Aws;

pub(crate) struct Stubbed {
    stub: Stub,
    proxy: Proxy,
    clock: Clock,
    guard: Sandbox,
    _folder: TempDir,
}

impl Stubbed {
    pub(crate) fn new(concurrency: u32, policy: &str, start: DateTime<Utc>) -> Self {
        let stub = Stub::start(policy);
        stub.account().concurrency = concurrency;
        let folder = tempfile::tempdir().unwrap();
        let mut clock = Clock::of_stub(folder.path());
        let proxy = Proxy::start(stub.address, &clock);
        clock.stop(start);
        let environment = Stub::environment(proxy.address);
        let guard = Sandbox::start(&[], e2e::tools::guard(), &environment, Some(&clock));
        Stubbed { stub, proxy, clock, guard, _folder: folder }
    }
}

impl Aws for Stubbed {
    fn deploy(&mut self, function: &Function) {
        let deployed = stub::Function {
            memory_mb: function.memory_mb,
            timeout_s: function.timeout_s,
            is_arm: function.architecture == Architecture::Arm64,
            reserved: function.reserved.map(u64::from),
            asynchronous: function
                .asynchronous
                .map(|config| (config.max_retries.into(), config.max_event_age_s.into())),
            has_dead_letters: function.asynchronous.is_some_and(|config| config.on_failure),
            invoker: Some(if function.synchronous { "apigateway" } else { "s3" }),
            ..stub::Function::default()
        };
        self.stub.account().functions.insert(function.name.to_string(), deployed);
    }

    fn publish(&mut self, of: Option<&FunctionName>, minute: Minute, _: &Point, now: &Point) {
        let load = Load {
            invocations: now.invocations,
            errors: now.errors,
            throttles: now.throttles,
            duration_us: now.duration_us,
            concurrency: now.concurrency_max.into(),
            received: now.async_received,
        };
        let mut account = self.stub.account();
        match of {
            Some(name) => account.metrics.at(name.as_str(), minute.0, load),
            None => account.metrics.at_all(minute.0, load),
        }
    }

    fn tick(&mut self, at: DateTime<Utc>) -> Value {
        self.clock.stop(at);
        let event = json!({ "tick": at.format("%Y-%m-%dT%H:%M:%SZ").to_string() });
        self.guard.invoke(&event).0.ok()
    }

    fn calls(&self) -> Vec<Call> {
        self.proxy.calls()
    }
}
