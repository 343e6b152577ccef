//! The closed loop: the simulator is the world, the emulator is AWS, and the guard is the binary that ships, in AWS's
//! runtime. What the world's CloudWatch shows is put into the emulator's; the caps that the guard sets over HTTP throttle
//! the world's traffic. Minute by minute the guard must decide what `dowsim replay` decides on the same seed.
//!
//! Every incident that the emulator can carry: `cargo test -p e2e --test closed_loop -- --ignored --nocapture`.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod real;

use std::rc::Rc;
use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use e2e::world::GUARD;
use guard_core::inventory::Function;
use guard_core::plan::Change;
use guard_core::pricing::PriceTable;
use guard_core::settle::ApplyResult;
use simulator::load::{Loaded, scenario};
use simulator::run::{Run, Terms, run, run_under};
use simulator::scenario::Scenario;
use simulator::scenarios::ALL;
use simulator::world::Cast;

use crate::real::{Decided, Real};

/// A change as it was made: the minute, the function, and its reserved concurrency from then on.
type Made = (u32, String, Option<u32>);

/// What the guard in the simulator changed.
fn made(run: &Run) -> Vec<Made> {
    let mut made = Vec::new();
    for tick in &run.ticks {
        for outcome in tick.outcomes.iter().filter(|outcome| outcome.result == ApplyResult::Applied) {
            let Change::ReservedConcurrency { to, .. } = outcome.change else {
                panic!("{}: a lever that the emulator lacks", outcome.function)
            };
            made.push((tick.minute, outcome.function.to_string(), to));
        }
    }
    made
}

/// Days of history: with the week that an incident may lie back less than the two that the emulator keeps.
const HISTORY_DAYS: u32 = 4;

/// The same hour of the week, as lately as the whole incident lies in the past: the emulator forgets metrics of two weeks.
fn lately(scenario: &Scenario) -> DateTime<Utc> {
    let length = TimeDelta::minutes(i64::from(scenario.minutes + scenario.recovery_minutes));
    let room = DateTime::<Utc>::from(SystemTime::now()) - length - scenario.start;
    scenario.start + TimeDelta::weeks(room.num_weeks())
}

/// Lives an incident twice, once with the guard inside the simulator and once with the one on real parts, and compares.
fn parity(name: &str, seed: u64) {
    let Loaded { mut scenario, stage, .. } = scenario(name).unwrap();
    scenario.start = lately(&scenario);
    scenario.history_days = scenario.history_days.min(HISTORY_DAYS);
    let policy = &scenario.policy;
    let terms = Terms {
        scenario: &scenario,
        stage: &stage,
        policy,
        guarded: true,
        cast: Cast::Everyone,
        seed,
        minutes: None,
    };
    let prices = PriceTable::embedded();
    let simulated = run(&terms, prices, |_| ());
    let decided = Rc::default();
    let real = Real::new(name, &scenario, &stage, Rc::clone(&decided));
    let minutes = Some(simulated.minutes);
    let lived = run_under(Box::new(real), &Terms { minutes, ..terms }, prices);

    let decided: Vec<Decided> = decided.take();
    assert_eq!(decided.len(), simulated.rows.len(), "{name}: a tick a minute");
    for (row, tick) in simulated.rows.iter().zip(&decided) {
        let (seen, verdict) = (row.seen.unwrap(), row.verdict.unwrap());
        assert_eq!((tick.spent, tick.verdict), (seen, verdict), "{name}, minute {}", row.minute);
    }
    let changes: Vec<Made> = decided.iter().flat_map(|tick| tick.changes.clone()).collect();
    assert_eq!(changes, made(&simulated), "{name}");
    for (with, real) in simulated.rows.iter().zip(&lived.rows) {
        let of = |row: &simulator::run::Row| (row.spent, row.cap, row.legitimate, row.attack, row.throttles);
        assert_eq!(of(with), of(real), "{name}, minute {}", with.minute);
    }
    println!(
        "{name}, seed {seed}: {} minutes, {} changes, {:.2} spent: the same minute by minute",
        simulated.minutes,
        changes.len(),
        simulated.bill.all
    );
}

#[test]
fn the_shipped_binary_decides_a_whole_incident_as_the_replay_does_minute_by_minute() {
    parity("blast", 1);
}

/// Whether the emulator can carry an incident: functions that are called, whose lever is reserved concurrency, and nobody
/// but the guard who changes anything.
fn is_carried(loaded: &Loaded) -> bool {
    let is_called = |function: &Function| {
        function.name.as_str() == GUARD
            || function.synchronous && function.mappings.is_empty() && function.provisioned == 0
    };
    loaded.scenario.events.is_empty()
        && loaded.scenario.trace.is_none()
        && loaded.stage.inventory().functions.iter().all(is_called)
}

#[test]
#[ignore = "hours: every incident that the emulator can carry"]
fn the_shipped_binary_decides_every_incident_of_called_functions_as_the_replay_does() {
    let mut lived = 0;
    for one in ALL {
        if is_carried(&scenario(one.name).unwrap()) {
            parity(one.name, 1);
            lived += 1;
        }
    }
    assert!(lived >= 10, "{lived}");
}
