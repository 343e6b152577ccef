//! The guard on real parts, in the seat of the one that the simulator carries.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use e2e::runtime::Runtime;
use e2e::world::{GUARD, World};
use guard_core::inventory::Function;
use guard_core::money::Usd;
use guard_core::name::FunctionName;
use guard_core::observation::Point;
use guard_core::plan::{Change, Verdict};
use guard_core::time::Minute;
use serde_json::{Value, json};
use simulator::cloudwatch::Query;
use simulator::control_plane::ControlPlane;
use simulator::field::{Rival, Seat};
use simulator::history::Past;
use simulator::scenario::Scenario;
use simulator::stage::Stage;
use simulator::world::TrafficTally;

/// What the guard did in a minute, as somebody outside sees it.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    /// What it sees spent of the first budget.
    pub(crate) spent: Usd,
    /// What it decided for it.
    pub(crate) verdict: Verdict,
    /// Reserved concurrency it set: the minute, the function, the value.
    pub(crate) changes: Vec<(u32, String, Option<u32>)>,
}

/// Minutes behind now that may still change: the longest delay of any scenario, with room.
const BACK_MIN: i64 = 60;

pub(crate) struct Real {
    account: World,
    guard: Runtime,
    names: Vec<FunctionName>,
    /// What was put of each minute of each function so far.
    told: BTreeMap<(usize, Minute), Point>,
    control: ControlPlane,
    guard_traffic: usize,
    minute: u32,
    decided: Rc<RefCell<Vec<Decided>>>,
}

impl std::fmt::Debug for Real {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Real").field("minute", &self.minute).finish_non_exhaustive()
    }
}

impl Real {
    /// An account on the emulator with the functions of a scenario and its policy, and a guard that starts cold.
    pub(crate) fn new(
        name: &str,
        scenario: &Scenario,
        stage: &Stage,
        decided: Rc<RefCell<Vec<Decided>>>,
    ) -> Self {
        let inventory = stage.inventory();
        let mut account = World::with_limit(inventory.account.concurrency, &policy_of(name));
        account.clock.set(scenario.start);
        let start = Minute::of(scenario.start);
        let past = Past { stage, start, days: scenario.history_days };
        let mut data = Vec::new();
        for (place, function) in inventory.functions.iter().enumerate() {
            deploy(&account, function);
            // A point an hour: nobody asks for minutes of then.
            let hours = past.hours(place, start.hour().plus(-24 * 28), start.hour());
            let none = Point::default();
            data.extend(
                hours
                    .iter()
                    .flat_map(|(hour, point)| difference(&function.name, hour.first_minute(), &none, point)),
            );
        }
        put(&account, &data);
        let guard = account.guard();
        Real {
            guard,
            account,
            names: inventory.functions.iter().map(|function| function.name.clone()).collect(),
            told: BTreeMap::new(),
            control: ControlPlane { actuation_s: scenario.service.actuation_s },
            guard_traffic: stage.guard_traffic(),
            minute: 0,
            decided,
        }
    }

    /// Puts into the emulator's CloudWatch what the world's shows and did not show before.
    fn tell(&mut self, seat: &mut Seat<'_, '_>) {
        let all: Vec<usize> = (0..self.names.len()).collect();
        let from = seat.at.plus(-BACK_MIN);
        let seen = seat.cloudwatch.look(&Query {
            at: seat.at,
            from,
            focus: &all,
            census: None,
            settled: seat.at,
            names: &self.names,
            functions_answer: true,
        });
        let mut data = Vec::new();
        for (place, (name, series)) in seen.functions.iter().enumerate() {
            for (minute, point) in &series.minutes {
                let before = self.told.insert((place, *minute), *point).unwrap_or_default();
                if before != *point {
                    data.extend(difference(name, *minute, &before, point));
                }
            }
        }
        self.told.retain(|(_, minute), _| *minute >= from);
        put(&self.account, &data);
    }
}

impl Rival for Real {
    fn minute(&mut self, seat: &mut Seat<'_, '_>) {
        // The guard is a function of the world like any other.
        assert!(seat.world.invoke(self.guard_traffic), "the world refuses the guard");
        self.tell(seat);
        // The replay's ticks are a minute apart to the nanosecond, and a cooldown of ten minutes ends with the tenth.
        self.account.clock.stop(seat.at.start());
        self.account.proxy.calls();
        let tick = self.account.tick(&self.guard).ok();
        let budget = &tick["budgets"][0];
        let mut decided = Decided {
            spent: serde_json::from_value(budget["spent"].clone()).unwrap_or_else(|_| panic!("{tick}")),
            verdict: serde_json::from_value(budget["verdict"].clone()).unwrap(),
            changes: Vec::new(),
        };
        let calls = self.account.proxy.calls();
        for (index, call) in (0..).zip(calls.iter().filter(|call| call.is_mutating() && call.is_done())) {
            let to = match call.operation.as_str() {
                "lambda:PutFunctionConcurrency" => {
                    let value = call.json()["ReservedConcurrentExecutions"].as_u64();
                    Some(value.and_then(|value| u32::try_from(value).ok()).unwrap())
                }
                "lambda:DeleteFunctionConcurrency" => None,
                other => panic!("{other}: a lever that the emulator lacks"),
            };
            let name = FunctionName::from(call.target.split('/').nth(3).unwrap());
            let place = self.names.binary_search(&name).unwrap();
            let change = Change::ReservedConcurrency { from: seat.world.reserved(place), to };
            seat.world.schedule(place, change, self.control.delay_s(index));
            decided.changes.push((self.minute, name.to_string(), to));
        }
        self.decided.borrow_mut().push(decided);
        self.minute += 1;
    }

    fn cost(&self, _: u32, _: &[TrafficTally]) -> Usd {
        Usd::ZERO
    }
}

/// The policy of an embedded scenario, as a file of its own.
fn policy_of(name: &str) -> String {
    let text = simulator::scenarios::ALL.iter().find(|one| one.name == name).unwrap().text;
    let scenario: toml::Table = text.parse().unwrap();
    toml::to_string(&scenario["policy"]).unwrap()
}

/// A function on the emulator as the scenario has it: called by an API, and reserved as declared.
fn deploy(account: &World, function: &Function) {
    let name = function.name.as_str();
    if name != GUARD {
        account.function(name);
    }
    let settings =
        json!({ "FunctionName": name, "MemorySize": function.memory_mb, "Timeout": function.timeout_s });
    account.aws.call("lambda", "update_function_configuration", settings);
    assert!(function.mappings.is_empty() && function.provisioned == 0, "{name}");
    if function.synchronous {
        let permission = json!({
            "FunctionName": name, "StatementId": "api", "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
        });
        account.aws.call("lambda", "add_permission", permission);
    }
    if let Some(reserved) = function.reserved {
        account.reserve(name, reserved);
    }
}

fn put(account: &World, data: &[Value]) {
    for data in data.chunks(1000) {
        let arguments = json!({ "Namespace": "AWS/Lambda", "MetricData": data });
        account.aws.call("cloudwatch", "put_metric_data", arguments);
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
