//! A guard in an account of its own, minute by minute.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use e2e::clock::Clock;
use e2e::proxy::Proxy;
use e2e::runtime::Answer;
use e2e::sandbox::Sandbox;
use e2e::stub::{Account, Load, Stub};
use e2e::tools;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Two dollars a day, and metrics that are settled after a minute.
pub(crate) const POLICY: &str = r#"
armed = true
[timing]
metric_lag_s = 60
[[budget]]
name = "day"
period = "day"
usd = 2
mode = "cap"
"#;

/// The account and who lives there.
pub(crate) struct Life {
    pub(crate) stub: Stub,
    /// Between the guard and the account.
    pub(crate) proxy: Proxy,
    pub(crate) clock: Clock,
    pub(crate) at: DateTime<Utc>,
    guard: Option<Sandbox>,
    /// Variables of the guard's environment beyond those that every story has.
    variables: Vec<(String, String)>,
    /// Lines of the guard's output that were read.
    read: usize,
    _folder: TempDir,
}

/// A minute as somebody outside sees it.
pub(crate) struct Minute {
    pub(crate) answer: Answer,
    /// Lines of JSON that the guard wrote to its log.
    pub(crate) log: Vec<Value>,
}

impl Life {
    /// An account without functions, under this policy.
    pub(crate) fn new(policy: &str) -> Self {
        let stub = Stub::start(policy);
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::of_stub(folder.path());
        let proxy = Proxy::start(stub.address, &clock);
        let at = clock.at();
        Life { stub, proxy, clock, at, guard: None, variables: Vec::new(), read: 0, _folder: folder }
    }

    /// What one minute asks of functions becomes metrics as far as what the guard set lets it through; then the
    /// schedule invokes the guard.
    pub(crate) fn live(&mut self, loads: &[(&str, Load)]) -> Minute {
        {
            let mut account = self.stub.account();
            for (name, load) in loads {
                let served = served(&account, name, *load);
                account.metrics.at(name, self.at.timestamp() / 60, served);
            }
        }
        self.at += TimeDelta::minutes(1);
        self.clock.stop(self.at);
        let at = self.at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.ask(&json!({ "tick": at }))
    }

    /// Sets a variable of environments that start from now on.
    pub(crate) fn also_set(&mut self, name: &str, value: String) {
        self.variables.push((name.to_owned(), value));
    }

    /// Seconds pass, and nothing happens in them.
    pub(crate) fn pass(&mut self, seconds: i64) {
        self.at += TimeDelta::seconds(seconds);
        self.clock.stop(self.at);
    }

    /// Invokes the guard.
    pub(crate) fn ask(&mut self, payload: &Value) -> Minute {
        let mut environment = Stub::environment(self.proxy.address);
        environment.extend(self.variables.iter().cloned());
        let guard = self.guard.get_or_insert_with(|| {
            self.read = 0;
            Sandbox::start(&[], tools::guard(), &environment, Some(&self.clock))
        });
        let (answer, _) = guard.invoke(payload);
        let log = lines(guard, &mut self.read);
        Minute { answer, log }
    }

    /// Lambda takes the environment away; the next minute starts cold.
    pub(crate) fn cool(&mut self) {
        self.guard = None;
    }

    /// What the guard wrote.
    pub(crate) fn said(&self) -> String {
        self.guard.as_ref().map(Sandbox::said).unwrap_or_default()
    }
}

/// New lines of the log. Those of an invocation come before its answer, but through a pipe of their own.
fn lines(guard: &Sandbox, read: &mut usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(2);
    let mut lines = Vec::new();
    loop {
        let new = guard.said_from(*read);
        *read += new.len();
        let new = new.iter().filter_map(|line| serde_json::from_str(line).ok());
        lines.extend(new.filter(Value::is_object));
        let is_last = |line: &Value| line["schema"] == 1 || line["level"] == "ERROR";
        if lines.last().is_some_and(is_last) || Instant::now() > deadline {
            return lines;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What comes through: reserved concurrency refuses the rest, a mapping leaves it in its queue.
fn served(account: &Account, name: &str, load: Load) -> Load {
    let of_mapping = account.mappings.values().find(|mapping| mapping.function == name);
    let most = match of_mapping {
        Some(mapping) => mapping.max_concurrency,
        None => account.functions[name].reserved,
    };
    let Some(units) = most.filter(|units| *units < load.concurrency) else { return load };
    let part = |of: u64| of * units / load.concurrency;
    Load {
        invocations: part(load.invocations),
        errors: part(load.errors),
        duration_us: part(load.duration_us),
        throttles: if of_mapping.is_some() { 0 } else { load.invocations - part(load.invocations) },
        concurrency: units,
        received: load.received,
    }
}
