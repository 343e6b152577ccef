//! How large it gets, and what a tick costs when nothing happens.

use guard_core::observation::{Freshness, Observation, Point, Series};
use guard_core::plan::{Lever, Setting};
use guard_core::policy::{Budget, Policy};
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;
use guard_core::state::{AlertState, Latch, LeverState, Phase};

use super::*;

/// What a profile remembers.
const FOUR_WEEKS_H: usize = 672;

/// The largest item there is, and the head.
fn item_bytes(fake: &Fake) -> (usize, usize) {
    let inner = fake.0.lock().unwrap();
    let size = |item: &serde_json::Value| {
        let values = item.as_object().unwrap().values();
        values.map(|value| value["B"].as_str().map_or(20, |text| text.len() / 4 * 3)).sum::<usize>()
    };
    let largest = inner.items.values().map(size).max().unwrap();
    let head = inner.items.iter().find(|((_, sort), _)| sort == "HEAD").map(|(_, item)| size(item));
    (largest, head.unwrap())
}

/// A thousand trips, each with its alarms and a message that waits: nothing of it can be told from noise.
fn breached(memory: &mut Memory, functions: usize) {
    for number in 0..functions {
        let lever = LeverState {
            lever: Lever::ReservedConcurrency,
            original: Setting::Concurrency(Some(u32::try_from(noise(number) % 900).unwrap())),
            ours: Some(Setting::Concurrency(Some(u32::try_from(noise(number + 1) % 90).unwrap()))),
            pending: Some(Setting::Concurrency(Some(5))),
            found: None,
        };
        let at = noon() + TimeDelta::seconds(i64::try_from(noise(number) % 90_000).unwrap());
        let latch = Latch {
            budget: Some(guard_core::name::BudgetName::new(format!("tag:{}", name(number)))),
            tripped_at: at,
            phase: Phase::Capped,
            phase_since: at,
            calm_since: Some(Minute::of(at)),
            relapses: 3,
            levers: vec![lever.clone(), lever],
        };
        memory.state.latches.insert(name(number), latch);
        for kind in ["cap", "budget", "action"] {
            let digest = format!("{:x}{:x}", noise(number * 3), noise(number * 7));
            let alert = AlertState { open: true, opened_at: at, sent_at: at, quiet_since: None, digest };
            memory.state.alerts.insert(format!("dow-guard/{kind}/{}", name(number)), alert);
        }
        memory.sampling.focus.push(name(number));
    }
}

#[tokio::test]
async fn a_thousand_breaches_and_a_thousand_budgets_stay_under_the_limit_of_an_item() {
    for (functions, budgets, trips, hours) in [(1000, 1, 1000, SHORT_H), (300, 1000, 2000, FOUR_WEEKS_H)] {
        let fake = Fake::default();
        let mut memory = memory_of(functions, budgets, hours);
        breached(&mut memory, trips);
        for book in memory.state.budgets.values_mut() {
            book.profile.breach(Hour(0), Hour(72));
        }
        store(&fake).save(&mut memory, &none()).await.unwrap();
        let (largest, head) = item_bytes(&fake);
        println!(
            "{functions} functions, {budgets} budgets, {trips} trips: head {head}, largest item {largest} bytes"
        );
        assert!(largest <= 307_200 && head <= 307_200, "{largest}, {head}");
        assert_eq!(store(&fake).load().await.unwrap(), memory);
    }
}

/// A tick in which nothing happens: the region is looked at, three functions' settings are read by turns.
fn idle(memory: &mut Memory, roster: &mut Roster, tick: usize) {
    let at = noon() + TimeDelta::minutes(i64::try_from(tick).unwrap());
    let settled = Minute::of(at).plus(-4);
    let minute = |back: i64| {
        let random = noise(tick * 100 + usize::try_from(back).unwrap());
        let invocations = 4_000 + random % 500;
        let point = Point { invocations, duration_us: invocations * 87_123, ..Point::default() };
        (settled.plus(-back), point)
    };
    let minutes = (0..30).rev().map(minute).collect();
    let region = Series { freshness: Freshness::Fresh, minutes };
    let seen = Observation { from: settled.plus(-29), region, ..Observation::blind(at) };
    for turn in 0..3 {
        let number = (tick * 3 + turn) % memory.survey.read_at.len();
        memory.survey.read_at.insert(name(number), at);
    }
    roster.inventory = memory.survey.inventory.clone();
    let plan = guard_core::tick(roster, &mut memory.state, &seen);
    memory.sampling = plan.sampling;
}

#[tokio::test]
#[ignore = "prints the numbers of the module's documentation"]
async fn what_an_idle_tick_writes_and_a_cold_start_reads() {
    println!(
        "functions | head KB | idle: KB, write units, calls | all ledgers: KB, write units | cold load: calls"
    );
    for functions in [10, 100, 1000, 10_000] {
        let fake = Fake::default();
        let store = store(&fake);
        let mut memory = memory_of(functions, 0, FOUR_WEEKS_H);
        let policy = Policy {
            budget: vec![Budget::per_month("account", Usd::from_dollars(400))],
            ..Policy::default()
        };
        let inventory = memory.survey.inventory.clone();
        let mut roster = Roster::new(policy, PriceTable::embedded(), inventory, None);
        for tick in 0..400 {
            idle(&mut memory, &mut roster, tick);
        }
        store.save(&mut memory, &none()).await.unwrap();
        fake.take_counts();
        let touched = memory.state.functions.iter().map(|ledger| ledger.name.clone()).collect();
        store.save(&mut memory, &touched).await.unwrap();
        let (_, all_bytes, all_units) = fake.take_counts();
        // What was replaced goes by and by: an idle tick is one after that.
        let ticks = 60_u64;
        for tick in 400..600 {
            idle(&mut memory, &mut roster, tick);
            store.save(&mut memory, &none()).await.unwrap();
        }
        fake.take_counts();
        for tick in 600..600 + usize::try_from(ticks).unwrap() {
            idle(&mut memory, &mut roster, tick);
            store.save(&mut memory, &none()).await.unwrap();
        }
        let (calls, bytes, units) = fake.take_counts();
        let calls: u64 = calls.values().sum();
        let (_, head) = item_bytes(&fake);
        assert_eq!(super::super::tests::store(&fake).load().await.unwrap(), memory);
        let load: u64 = fake.take_counts().0.values().sum();
        let per_tick = |number: usize| number / usize::try_from(ticks).unwrap();
        println!(
            "{functions} | {} | {}, {}, {:.1} | {}, {all_units} | {load}",
            head.div_ceil(1024),
            per_tick(bytes).div_ceil(1024),
            per_tick(units),
            calls as f64 / ticks as f64,
            all_bytes.div_ceil(1024),
        );
    }
}
