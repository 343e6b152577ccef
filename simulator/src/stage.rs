//! A scenario made ready: its functions in the order of the inventory, its traffic resolved to them, the functions of
//! its trace beside them, and the guard's own.

use guard_core::inventory::{AccountLimits, Architecture, EventSource, Function, Inventory};
use guard_core::name::FunctionName;
use guard_core::text::shortened;

use crate::number::as_f64;
use crate::scenario::{
    AsyncSpec, Client, Duration, Emission, FunctionSpec, Kind, QueueSpec, Rate, Scenario, Via,
};
use crate::workload::{Counts, Workload};

/// The guard's own function: 256 MB on Arm, a fifth of a second a tick.
pub const GUARD: &str = "dow-guard";

/// How long the guard's own invocations take, in milliseconds. Our measure of a small Rust function with a few calls
/// to AWS; its bill is a few cents a month either way.
const GUARD_MS: f64 = 200.0;

/// A scenario made ready.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Functions, sorted by name: the order of the inventory.
    pub functions: Vec<FunctionSpec>,
    /// Traffic in the order of the scenario, then that of the trace, then the guard's own.
    pub traffic: Vec<Performer>,
    /// Region and limits.
    pub region: String,
    /// Account limits.
    pub account: AccountLimits,
}

/// One traffic, resolved.
#[derive(Clone, Debug)]
pub struct Performer {
    /// Its name.
    pub name: String,
    /// Friend or foe.
    pub kind: Kind,
    /// The function's place.
    pub function: usize,
    /// By which way.
    pub via: Via,
    /// Which of the function's queues or streams.
    pub through: usize,
    /// How much.
    pub flow: Flow,
    /// Second at which it begins.
    pub from_s: u32,
    /// Second at which it ends.
    pub until_s: u32,
    /// How long its invocations take.
    pub duration: Duration,
    /// Share of attempts that fail.
    pub failing: f64,
    /// Share of events that fail at every attempt.
    pub poison: f64,
    /// What callers do when refused.
    pub client: Client,
    /// The events it sends on: the traffic's place and the terms.
    pub emits: Option<(usize, Emission)>,
}

/// How much a traffic sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Flow {
    /// By a law.
    Law(Rate),
    /// Counts per minute from minute 0.
    Counts(Counts),
}

/// Why a scenario cannot be made ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// A traffic names a function that neither scenario nor trace has.
    #[error(
        "traffic {traffic:?}: no function is named {function:?}, neither in the scenario nor in its trace"
    )]
    NoFunction {
        /// The traffic.
        traffic: String,
        /// What it names.
        function: String,
    },
    /// Two functions have one name.
    #[error("two functions are named {function:?}{}", if function == GUARD { ", which is the guard's own name" } else { "" })]
    Twice {
        /// The name.
        function: String,
    },
    /// More traffic than the model holds.
    #[error("{count} traffics; at most 65000 fit")]
    TooMuch {
        /// How many.
        count: usize,
    },
}

impl Stage {
    /// Makes a scenario ready, with the workload of its trace.
    ///
    /// # Errors
    /// Where names do not resolve, or there is more traffic than fits.
    pub fn new(scenario: &Scenario, background: Option<&Workload>) -> Result<Stage, StageError> {
        let mut functions = scenario.functions.clone();
        functions.extend(background.into_iter().flat_map(of_workload));
        functions.push(guard_function(scenario));
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some([first, _]) = functions.array_windows().find(|[a, b]| a.name == b.name) {
            return Err(StageError::Twice { function: named(&first.name) });
        }
        let place = |name: &str| functions.binary_search_by(|function| function.name.as_str().cmp(name)).ok();
        let mut traffic = Vec::new();
        for entry in &scenario.traffic {
            let missing =
                || StageError::NoFunction { traffic: named(&entry.name), function: named(&entry.function) };
            let function = place(&entry.function).ok_or_else(missing)?;
            let spec = functions.get(function).ok_or_else(missing)?;
            let named = |name: &str| entry.through.as_deref().is_none_or(|wanted| wanted == name);
            let through = match entry.via {
                Via::Queue => spec.queues.iter().position(|queue| named(&queue.name)),
                Via::Stream => spec.streams.iter().position(|stream| named(&stream.name)),
                Via::Sync | Via::Async => None,
            };
            let emits = entry.emits.as_ref().and_then(|emits| {
                let to = scenario.traffic.iter().position(|other| other.name == emits.to)?;
                Some((to, emits.clone()))
            });
            traffic.push(Performer {
                name: entry.name.clone(),
                kind: entry.kind,
                function,
                via: entry.via,
                through: through.unwrap_or(0),
                flow: Flow::Law(entry.rate.clone()),
                from_s: entry.from_min * 60,
                until_s: entry
                    .for_min
                    .map_or(u32::MAX, |minutes| entry.from_min.saturating_add(minutes).saturating_mul(60)),
                duration: entry.duration.unwrap_or(spec.duration),
                failing: entry.failing,
                poison: entry.poison,
                client: entry.client,
                emits,
            });
        }
        for (recorded, function) in background
            .into_iter()
            .flat_map(|workload| workload.traffic.iter().zip(&workload.inventory.functions))
        {
            let Some(index) = place(recorded.name.as_str()) else { continue };
            traffic.push(Performer {
                duration: Duration::constant(milliseconds(recorded.mean_us)),
                flow: Flow::Counts(recorded.counts.clone()),
                via: way_of(function),
                ..quiet(recorded.name.as_str(), index)
            });
        }
        if let Some(index) = place(GUARD) {
            let duration = Duration::constant(GUARD_MS);
            traffic.push(Performer { duration, via: Via::Async, ..quiet(GUARD, index) });
        }
        if traffic.len() > 65_000 {
            return Err(StageError::TooMuch { count: traffic.len() });
        }
        let account = AccountLimits {
            concurrency: scenario.account.concurrency,
            unreserved_minimum: scenario.account.unreserved_minimum,
        };
        Ok(Stage { functions, traffic, region: scenario.account.region.clone(), account })
    }

    /// The account as the guard's inventory shows it.
    pub fn inventory(&self) -> Inventory {
        let functions = self.functions.iter().map(FunctionSpec::as_deployed).collect();
        Inventory::new(self.region.as_str(), self.account, functions)
    }

    /// Traffic of attacks.
    pub fn attacks(&self) -> impl Iterator<Item = &Performer> {
        self.traffic.iter().filter(|actor| actor.kind == Kind::Attack)
    }

    /// The place of a function.
    pub fn place(&self, name: &FunctionName) -> Option<usize> {
        self.functions.binary_search_by(|function| function.name.as_str().cmp(name.as_str())).ok()
    }

    /// The place of the guard's own traffic: the last.
    pub fn guard_traffic(&self) -> usize {
        self.traffic.len().saturating_sub(1)
    }
}

/// A name in a message: its beginning.
fn named(name: &str) -> String {
    shortened(name, 64)
}

/// A traffic that sends nothing by itself.
fn quiet(name: &str, function: usize) -> Performer {
    Performer {
        name: name.to_owned(),
        kind: Kind::Legitimate,
        function,
        via: Via::Sync,
        through: 0,
        flow: Flow::Law(Rate::Chained {}),
        from_s: 0,
        until_s: u32::MAX,
        duration: Duration::default(),
        failing: 0.0,
        poison: 0.0,
        client: Client::default(),
        emits: None,
    }
}

/// The guard as `infra` deploys it: one unit reserved where the account has room for that.
fn guard_function(scenario: &Scenario) -> FunctionSpec {
    let taken: u32 = scenario.functions.iter().filter_map(|function| function.reserved).sum();
    let room = scenario.account.concurrency.saturating_sub(scenario.account.unreserved_minimum + taken);
    FunctionSpec {
        memory_mb: 256,
        timeout_s: 60,
        architecture: Architecture::Arm64,
        reserved: (room > 0).then_some(1),
        asynchronous: Some(AsyncSpec {
            max_retries: 0,
            max_event_age_s: 60,
            duplicates_at_rest: 0.0,
            ..AsyncSpec::default()
        }),
        ..FunctionSpec::named(GUARD)
    }
}

/// The functions of a recorded workload. Its durations are the recorded means.
fn of_workload(workload: &Workload) -> Vec<FunctionSpec> {
    let spec = |function: &Function| FunctionSpec {
        memory_mb: function.memory_mb,
        timeout_s: function.timeout_s,
        architecture: function.architecture,
        asynchronous: function.asynchronous.map(|config| AsyncSpec {
            max_retries: config.max_retries,
            max_event_age_s: config.max_event_age_s,
            on_failure: config.on_failure,
            ..AsyncSpec::default()
        }),
        queues: function
            .mappings
            .iter()
            .map(|mapping| queue_of(function, mapping.id.as_str(), &mapping.source))
            .collect(),
        ..FunctionSpec::named(function.name.as_str())
    };
    workload.inventory.functions.iter().map(spec).collect()
}

/// A queue with the visibility time-out that AWS advises: six times the function's ("Using Lambda with Amazon SQS",
/// read 2026-11).
fn queue_of(function: &Function, name: &str, source: &EventSource) -> QueueSpec {
    let (max_receive_count, max_concurrency) = match source {
        EventSource::Sqs { max_receive_count, max_concurrency, .. } => (*max_receive_count, *max_concurrency),
        EventSource::Stream { .. } => (None, None),
    };
    QueueSpec {
        name: name.to_owned(),
        // The trace counts invocations, so a message is an invocation.
        batch_size: 1,
        visibility_s: function.timeout_s.saturating_mul(6),
        max_receive_count,
        retention_s: 345_600,
        max_concurrency,
        partial_batch: false,
        event_metrics: false,
    }
}

/// The way events of a recorded function reach it.
pub fn way_of(function: &Function) -> Via {
    if !function.mappings.is_empty() {
        Via::Queue
    } else if function.asynchronous.is_some() {
        Via::Async
    } else {
        Via::Sync
    }
}

fn milliseconds(us: u64) -> f64 {
    as_f64(us.max(1)) / 1000.0
}
