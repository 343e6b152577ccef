//! Whether the ledgers that a tick changes are all named: a store writes no others.

use chrono::TimeZone;
use guard_core::inventory::{AccountLimits, Function, Inventory};
use guard_core::observation::{Freshness, Point, Series};
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::settle::{ApplyResult, Outcome};
use guard_core::time::Minute;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const NAMES: [&str; 4] = ["api", "batch", "img", "mail"];

/// One tick of a story: minutes since the last, and per function whether it is looked at, how that goes, and how busy
/// it is.
type Step = (i64, [(bool, bool, u32); 4]);

fn step() -> impl Strategy<Value = Step> {
    let function =
        (any::<bool>(), prop::bool::weighted(0.8), prop_oneof![Just(0_u32), Just(2), 100_u32..400]);
    (1_i64..90, [function.clone(), function.clone(), function.clone(), function])
}

fn inventory() -> Inventory {
    let functions = NAMES.iter().map(|name| Function::new(*name, 1024, 60)).collect();
    Inventory::new("eu-central-1", AccountLimits::default(), functions)
}

fn policy(extra: &str) -> Policy {
    let text = format!(
        "armed = true\n[release]\ncooldown_min = 1\ncalm_min = 1\nflap_window_h = 1\n\
         [[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 3\nmode = \"cap\"\n{extra}"
    );
    Policy::from_toml(&text).unwrap()
}

fn look(at: DateTime<Utc>, functions: &[(bool, bool, u32); 4]) -> Observation {
    let settled = Minute::of(at).plus(-4);
    let from = settled.plus(-30);
    let mut seen = Observation { from, ..Observation::blind(at) };
    seen.region.freshness = Freshness::Silent;
    for (name, (is_looked_at, is_answered, busy)) in NAMES.iter().zip(functions) {
        if !is_looked_at {
            continue;
        }
        let invocations = u64::from(*busy) * 60;
        let point = Point {
            invocations,
            duration_us: invocations * 1_000_000,
            concurrency_max: *busy,
            ..Point::default()
        };
        let minutes: Vec<(Minute, Point)> =
            (from.0..=settled.0).filter(|_| *busy > 0).map(|minute| (Minute(minute), point)).collect();
        let series = match (is_answered, minutes.is_empty()) {
            (false, _) => Series::default(),
            (true, true) => Series::silent(),
            (true, false) => Series::fresh(minutes),
        };
        seen.functions.push(((*name).into(), series));
    }
    seen
}

/// Plays a story; the phases that were left with no look at the function say whether it was worth playing.
fn play(policy: &Policy, story: &[Step]) -> Result<(), TestCaseError> {
    let mut inventory = inventory();
    let mut state = State::new();
    let mut at = Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap();
    for (minutes, functions) in story {
        at += TimeDelta::minutes(*minutes);
        let seen = look(at, functions);
        let roster = Roster::new(policy.clone(), PriceTable::embedded(), inventory.clone(), None);
        let before = state.functions.clone();
        let plan = guard_core::tick(&roster, &mut state, &seen);
        let touched = touched(&state, &plan, &seen);
        for ledger in &state.functions {
            let same = before.iter().any(|other| other == ledger);
            prop_assert!(same || touched.contains(&ledger.name), "{} changed at {at}", ledger.name);
        }
        for action in &plan.actions {
            settle::apply(&mut inventory, &action.function, &action.change);
            let (function, change) = (action.function.clone(), action.change.clone());
            settle::settle(&mut state, at, &[Outcome { function, change, result: ApplyResult::Applied }]);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 3))]

    #[test]
    fn every_ledger_that_a_tick_changes_is_named(
        story in vec(step(), 1..40),
        extra in prop_oneof![Just(""), Just("envelope = true\n"), Just("guarantee = true\n")],
    ) {
        play(&policy(extra), &story)?;
    }
}
