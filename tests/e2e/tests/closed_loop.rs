//! The closed loop: the simulator is the world, and the guard is its binary, as `cargo test` builds it
//! or as `E2E_GUARD` names it. What the world's CloudWatch shows
//! is put into that of an AWS; the caps that the guard sets over HTTP throttle the world's traffic. Minute by minute the
//! guard must decide what `dowsim replay` decides on the same seed.
//!
//! One incident runs on an AWS emulator and in AWS's Lambda runtime; the shorter ones of those that can be carried run on
//! the stub, side by side, as they mostly wait for the guard's own pace. The longer ones: `cargo test --workspace --test e2e
//! -- --ignored --nocapture`.

mod emulated;
mod real;
mod stubbed;

use std::ops::RangeInclusive;
use std::rc::Rc;
use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use e2e::world::GUARD;
use guard_core::inventory::Function;
use guard_core::pricing::PriceTable;
use guard_core::settle::ApplyResult;
use simulator::load::{Loaded, scenario};
use simulator::run::{Run, Terms, run, run_under};
use simulator::scenario::Scenario;
use simulator::scenarios::ALL;
use simulator::world::Cast;

use crate::closed_loop::emulated::Emulated;
use crate::closed_loop::real::{Aws, Decided, Made, Real, policy_of};
use crate::closed_loop::stubbed::Stubbed;

/// What the guard in the simulator changed.
fn made(run: &Run) -> Vec<Made> {
    let mut made = Vec::new();
    for tick in &run.ticks {
        for outcome in tick.outcomes.iter().filter(|outcome| outcome.result == ApplyResult::Applied) {
            let change = &outcome.change;
            made.push((tick.minute, outcome.function.to_string(), change.lever(), change.to()));
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

/// Makes an AWS: the account's limit, the policy, when it begins.
type NewAws = fn(u32, &str, DateTime<Utc>) -> Box<dyn Aws>;

/// Lives an incident twice, once with the guard inside the simulator and once with its binary, and compares.
fn parity(name: &str, seed: u64, aws: NewAws) {
    parity_within(0..=u32::MAX, name, seed, aws);
}

/// The same where the replay takes so many minutes, recovery included; says whether it does.
fn parity_within(minutes: RangeInclusive<u32>, name: &str, seed: u64, aws: NewAws) -> bool {
    let mut loaded = scenario(name).unwrap();
    loaded.scenario.start = lately(&loaded.scenario);
    loaded.scenario.history_days = loaded.scenario.history_days.min(HISTORY_DAYS);
    let terms = loaded.request(seed).terms(true, Cast::Everyone, None);
    let Loaded { scenario, stage, .. } = &loaded;
    let prices = PriceTable::embedded();
    if scenario.minutes > *minutes.end() {
        return false;
    }
    let simulated = run(&terms, prices, |_| ());
    if !minutes.contains(&simulated.minutes) {
        return false;
    }
    let decided = Rc::default();
    let aws = aws(stage.inventory().account.concurrency, &policy_of(name), scenario.start);
    let real = Real::new(aws, scenario, stage, Rc::clone(&decided));
    let minutes = Some(simulated.minutes);
    let lived = run_under(Box::new(real), &Terms { minutes, ..terms }, prices);

    let decided: Vec<Option<Decided>> = decided.take();
    assert_eq!(decided.len(), simulated.rows.len(), "{name}: a tick a minute");
    let mut known = None;
    for (row, tick) in simulated.rows.iter().zip(&decided) {
        // Where the account refuses the guard, what was decided before stands.
        known = tick.as_ref().map(|tick| (tick.spent, tick.verdict)).or(known);
        assert_eq!(known, row.seen.zip(row.verdict), "{name}, minute {}", row.minute);
    }
    let changes: Vec<Made> = decided.iter().flatten().flat_map(|tick| tick.changes.clone()).collect();
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
    true
}

#[test]
fn the_binary_decides_a_whole_incident_as_the_replay_does_minute_by_minute() {
    parity("blast", 1, on_the_emulator);
}

fn on_the_emulator(concurrency: u32, policy: &str, start: DateTime<Utc>) -> Box<dyn Aws> {
    Box::new(Emulated::new(concurrency, policy, start))
}

fn on_the_stub(concurrency: u32, policy: &str, start: DateTime<Utc>) -> Box<dyn Aws> {
    Box::new(Stubbed::new(concurrency, policy, start))
}

/// Whether an incident can be carried: functions that are called, or invoked by events, but not both; nothing is polled
/// or provisioned, of which Lambda tells less than a scenario knows; and nobody but the guard changes anything.
fn is_carried(loaded: &Loaded) -> bool {
    let is_simple = |function: &Function| {
        function.name.as_str() == GUARD
            || function.synchronous != function.asynchronous.is_some()
                && function.mappings.is_empty()
                && function.provisioned == 0
    };
    loaded.scenario.events.is_empty()
        && loaded.scenario.trace.is_none()
        && loaded.stage.inventory().functions.iter().all(is_simple)
}

/// Minutes of an incident and its recovery up to which it is short.
const SHORT_MIN: u32 = 320;

/// Lives every incident that can be carried and takes so many minutes, all at the same time.
fn parity_of_all(minutes: RangeInclusive<u32>) {
    let names = ALL.iter().map(|one| one.name);
    let names: Vec<&str> = names.filter(|name| is_carried(&scenario(name).unwrap())).collect();
    // The guard's binary is built once, before anybody's time runs.
    e2e::tools::guard();
    let lived = std::thread::scope(|scope| {
        let live = |name| {
            scope.spawn({
                let minutes = minutes.clone();
                move || parity_within(minutes, name, 1, on_the_stub)
            })
        };
        let lives: Vec<_> = names.into_iter().map(live).collect();
        lives.into_iter().map(|life| life.join().unwrap()).filter(|was_lived| *was_lived).count()
    });
    assert!(lived >= 8, "{lived} incidents");
}

#[test]
fn the_binary_decides_every_short_incident_as_the_replay_does() {
    parity_of_all(0..=SHORT_MIN);
}

#[test]
#[ignore = "half an hour of waiting for the guard's pace"]
fn the_binary_decides_every_long_incident_as_the_replay_does() {
    parity_of_all(SHORT_MIN + 1..=u32::MAX);
}
