//! A small account under attack: what its functions had, what comes in, and how much of it gets through.

use std::cell::Cell;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use guard_core::inventory::{AccountLimits, Function, Inventory};
use guard_core::name::{FunctionName, Region};
use guard_core::observation::Point;
use guard_core::pricing::PriceTable;
use guard_core::time::Minute;
use guard_fn::guard::{Guard, Identity};
use guard_fn::testing::{
    self, Faults, MemoryAlerts, MemoryControl, MemoryMetrics, MemoryStore, StaticPolicy,
};

/// Reserved concurrency of each function before anything happens: unset, a number, zero.
pub(crate) const ORIGINALS: [(&str, Option<u32>); 3] = [("api", None), ("img", Some(50)), ("off", Some(0))];

/// Minutes of the story in which the attack runs.
const ATTACK: std::ops::Range<i64> = 1..8;

pub(crate) const POLICY: &str = r#"
armed = true
[timing]
metric_lag_s = 60
[release]
cooldown_min = 1
calm_min = 1
flap_window_h = 1
[[budget]]
name = "day"
period = "day"
usd = 2
mode = "cap"
"#;

/// The account and all that the guard's ports share.
pub(crate) struct World {
    pub(crate) control: MemoryControl,
    pub(crate) metrics: MemoryMetrics,
    pub(crate) store: MemoryStore,
    pub(crate) alerts: MemoryAlerts,
    pub(crate) policy: StaticPolicy,
    /// Seconds that ran, and invocations: each takes a second.
    ran: Cell<u64>,
}

impl World {
    pub(crate) fn new() -> Self {
        let functions = ORIGINALS.iter().map(|(name, reserved)| {
            let mut function = Function::new(*name, 1024, 10);
            function.reserved = *reserved;
            function
        });
        let limits = AccountLimits::default();
        let inventory = Inventory::new("eu-central-1", limits, functions.collect());
        World {
            control: MemoryControl::new(inventory),
            metrics: MemoryMetrics::new(TimeDelta::seconds(60)),
            store: MemoryStore::new(Region::new("eu-central-1")),
            alerts: MemoryAlerts::default(),
            policy: StaticPolicy::new(POLICY),
            ran: Cell::new(0),
        }
    }

    pub(crate) fn guard(&self, faults: &Faults) -> Guard {
        self.guard_with(&self.policy, faults)
    }

    /// Another guard in the same account and with the same memory.
    pub(crate) fn guard_under(&self, policy: &str) -> Guard {
        self.guard_with(&StaticPolicy::new(policy), &Faults::none())
    }

    fn guard_with(&self, policy: &StaticPolicy, faults: &Faults) -> Guard {
        let ports = testing::ports(&self.control, &self.metrics, &self.store, &self.alerts, policy, faults);
        let identity = Identity {
            account: "123456789012".to_owned(),
            region: Region::new("eu-central-1"),
            function: Some(FunctionName::from("dow-guard")),
            stage: "test".to_owned(),
            metrics: guard_fn::config::Metrics::None,
        };
        Guard::new(ports, identity, PriceTable::embedded().clone())
    }

    /// Lets the minute before a tick pass, and says when the tick is.
    pub(crate) fn advance(&self, tick: i64) -> DateTime<Utc> {
        let start = Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap();
        let at = start + TimeDelta::minutes(tick);
        let wanted = |name: &str| match name {
            "api" if ATTACK.contains(&tick) => 300_u32,
            "img" if ATTACK.contains(&tick) => 80,
            _ => 0,
        };
        for function in self.control.inventory().functions {
            let wanted = wanted(function.name.as_str());
            let busy = function.reserved.map_or(wanted, |reserved| wanted.min(reserved));
            if wanted == 0 {
                continue;
            }
            // Each invocation takes a second.
            let invocations = u64::from(busy) * 60;
            self.ran.set(self.ran.get() + invocations);
            let point = Point {
                invocations,
                duration_us: invocations * 1_000_000,
                concurrency_max: busy,
                throttles: u64::from(wanted - busy) * 60,
                ..Point::default()
            };
            self.metrics.add(&function.name, Minute::of(at).plus(-1), point);
        }
        at
    }

    /// What ran so far, in US dollars: x86 in eu-central-1, 1 GB (AWS Lambda Pricing, read 2026-11).
    pub(crate) fn ran_usd(&self) -> f64 {
        const PER_SECOND: f64 = 0.000_016_666_7;
        const PER_REQUEST: f64 = 0.000_000_2;
        u32::try_from(self.ran.get()).map_or(f64::NAN, f64::from) * (PER_SECOND + PER_REQUEST)
    }

    pub(crate) fn settings(&self) -> Vec<(String, Option<u32>)> {
        let functions = self.control.inventory().functions;
        functions.into_iter().map(|function| (function.name.to_string(), function.reserved)).collect()
    }

    /// Whether every function has exactly what it had, and the guard knows.
    pub(crate) fn is_restored(&self) -> bool {
        let is_as_it_was = self.settings().iter().map(|(n, r)| (n.as_str(), *r)).eq(ORIGINALS);
        let memory = self.store.memory();
        is_as_it_was && memory.state.latches.values().all(|latch| latch.levers.is_empty())
    }
}
