//! The guard on real parts, in the seat of the one that the simulator carries.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use e2e::proxy::Call;
use guard_core::inventory::Function;
use guard_core::money::Usd;
use guard_core::name::FunctionName;
use guard_core::observation::Point;
use guard_core::plan::{AsyncSetting, Change, Lever, Setting, Verdict};
use guard_core::time::Minute;
use serde_json::Value;
use simulator::cloudwatch::Query;
use simulator::control_plane::ControlPlane;
use simulator::history::Past;
use simulator::run::{Rival, Seat};
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
    /// What it set.
    pub(crate) changes: Vec<Made>,
}

/// A change as it was made: the minute, the function, the lever, and what it is set to.
pub(crate) type Made = (u32, String, Lever, Setting);

/// Minutes behind now that may still change: the longest delay of any scenario, with room.
const BACK_MIN: i64 = 60;

/// An AWS account with the shipped guard in it, on its own clock.
pub(crate) trait Aws {
    /// A function as the scenario has it: called by an API, and reserved as declared.
    fn deploy(&mut self, function: &Function);
    /// A minute, or an hour by its first minute, shows more than it did: of a function, or of the region.
    fn publish(&mut self, of: Option<&FunctionName>, minute: Minute, before: &Point, now: &Point);
    /// The schedule invokes the guard.
    fn tick(&mut self, at: DateTime<Utc>) -> Value;
    /// What the guard asked since this was asked last.
    fn calls(&self) -> Vec<Call>;
}

pub(crate) struct Real {
    aws: Box<dyn Aws>,
    names: Vec<FunctionName>,
    /// What was told of each minute of each function, and of the region, so far.
    told: BTreeMap<(Option<usize>, Minute), Point>,
    control: ControlPlane,
    guard_traffic: usize,
    minute: u32,
    /// By minute; `None`: the guard was refused.
    decided: Rc<RefCell<Vec<Option<Decided>>>>,
}

impl std::fmt::Debug for Real {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Real").field("minute", &self.minute).finish_non_exhaustive()
    }
}

impl Real {
    /// The functions of a scenario with their past in an account, and a guard that starts cold.
    pub(crate) fn new(
        mut aws: Box<dyn Aws>,
        scenario: &Scenario,
        stage: &Stage,
        decided: Rc<RefCell<Vec<Option<Decided>>>>,
    ) -> Self {
        let inventory = stage.inventory();
        let start = Minute::of(scenario.start);
        let past = Past { stage, start, days: scenario.history_days };
        let mut region: BTreeMap<Minute, Point> = BTreeMap::new();
        for (place, function) in inventory.functions.iter().enumerate() {
            assert!(function.mappings.is_empty() && function.provisioned == 0, "{}", function.name);
            aws.deploy(function);
            // A point an hour: nobody asks for minutes of then.
            for (hour, point) in past.hours(place, start.hour().plus(-24 * 28), start.hour()) {
                aws.publish(Some(&function.name), hour.first_minute(), &Point::default(), &point);
                let sum = region.entry(hour.first_minute()).or_default();
                *sum = sum.plus(point);
            }
        }
        for (minute, point) in region {
            aws.publish(None, minute, &Point::default(), &point);
        }
        Real {
            aws,
            names: inventory.functions.iter().map(|function| function.name.clone()).collect(),
            told: BTreeMap::new(),
            control: ControlPlane { actuation_s: scenario.service.actuation_s },
            guard_traffic: stage.guard_traffic(),
            minute: 0,
            decided,
        }
    }

    /// Tells AWS what the world's CloudWatch shows and did not show before.
    fn tell(&mut self, seat: &mut Seat<'_, '_>) {
        let all: Vec<usize> = (0..self.names.len()).collect();
        let from = seat.at.plus(-BACK_MIN);
        let seen = seat.cloudwatch.look(&Query {
            at: seat.at,
            from,
            focus: &all,
            glance: &[],
            census: None,
            settled: seat.at,
            names: &self.names,
            functions_answer: true,
        });
        let functions = seen.functions.iter().enumerate().map(|(place, (_, series))| (Some(place), series));
        for (of, series) in functions.chain([(None, &seen.region)]) {
            for (minute, point) in &series.minutes {
                let before = self.told.insert((of, *minute), *point);
                if before != Some(*point) {
                    let name = of.map(|place| &self.names[place]);
                    self.aws.publish(name, *minute, &before.unwrap_or_default(), point);
                }
            }
        }
        self.told.retain(|(_, minute), _| *minute >= from);
    }
}

impl Rival for Real {
    fn minute(&mut self, seat: &mut Seat<'_, '_>) {
        // The guard is a function of the world like any other: in a saturated account it misses a tick.
        if !seat.world.invoke(self.guard_traffic) {
            self.decided.borrow_mut().push(None);
            self.minute += 1;
            return;
        }
        self.tell(seat);
        self.aws.calls();
        // The replay's ticks are a minute apart to the nanosecond, and a cooldown of ten minutes ends with the tenth.
        let tick = self.aws.tick(seat.at.start());
        let budget = &tick["budgets"][0];
        let mut decided = Decided {
            spent: serde_json::from_value(budget["spent"].clone()).unwrap_or_else(|_| panic!("{tick}")),
            verdict: serde_json::from_value(budget["verdict"].clone()).unwrap(),
            changes: Vec::new(),
        };
        let calls = self.aws.calls();
        for (index, call) in (0..).zip(calls.iter().filter(|call| call.is_mutating() && call.is_done())) {
            let name = FunctionName::from(call.target.split('/').nth(3).unwrap());
            let place = self.names.binary_search(&name).unwrap();
            let change = change_of(call);
            decided.changes.push((self.minute, name.to_string(), change.lever(), change.to()));
            seat.world.schedule(place, change, self.control.delay_s(index));
        }
        self.decided.borrow_mut().push(Some(decided));
        self.minute += 1;
    }

    fn cost(&self, _: u32, _: &[TrafficTally]) -> Usd {
        Usd::ZERO
    }
}

/// What a call set. What was in force before, the world knows.
fn change_of(call: &Call) -> Change {
    let body = call.json();
    let number = |name: &str| body[name].as_u64().and_then(|value| u32::try_from(value).ok());
    match call.operation.as_str() {
        "lambda:PutFunctionConcurrency" | "lambda:DeleteFunctionConcurrency" => {
            Change::ReservedConcurrency { from: None, to: number("ReservedConcurrentExecutions") }
        }
        "lambda:PutFunctionEventInvokeConfig" | "lambda:UpdateFunctionEventInvokeConfig" => {
            let to = AsyncSetting {
                max_retries: u8::try_from(number("MaximumRetryAttempts").unwrap()).unwrap(),
                max_event_age_s: number("MaximumEventAgeInSeconds").unwrap(),
            };
            Change::AsyncConfig { from: to, to }
        }
        other => panic!("{other}: a lever that no incident here should move"),
    }
}

/// The policy of an embedded scenario, as a file of its own.
pub(crate) fn policy_of(name: &str) -> String {
    let text = simulator::scenarios::ALL.iter().find(|one| one.name == name).unwrap().text;
    let scenario: toml::Table = text.parse().unwrap();
    toml::to_string(&scenario["policy"]).unwrap()
}
