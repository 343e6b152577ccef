//! The guard while everything around it fails: ten thousand random schedules of faults, a crash at every call, and two
//! guards at once, on ports in memory. Whatever happens, it is never silent, no change is made twice, nothing loosens
//! while it is blind, and in the end every function is back to exactly what it had.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's own helpers may fail it")]

#[path = "faults/leaving.rs"]
mod leaving;
#[path = "faults/slow.rs"]
mod slow;
#[path = "faults/world.rs"]
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use guard_core::observation::Freshness;
use guard_core::plan::{Action, Reason, Setting};
use guard_fn::guard::{Report, TickError};
use guard_fn::testing::{Effect, Fault, Faults, Fired, Odds};

use self::world::World;

/// Schedules of faults that are played.
const SCHEDULES: u64 = 10_000;
/// The time of each tick, as Lambda gives it.
const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);
/// Ticks of a story in which calls fail.
const FAULTY_TICKS: i64 = 12;
/// Ticks after that, within which all must be as it was.
const PATIENCE: i64 = 45;

/// What one tick must not do, whatever fails.
fn check(
    result: &Result<Report, TickError>,
    fired: &[Fired],
    effects: &[Effect],
    all_said: usize,
) -> Result<(), String> {
    let report = match result {
        Ok(report) => report,
        Err(error) if effects.is_empty() => {
            return if fired.is_empty() { Err(format!("{error:?} for no reason")) } else { Ok(()) };
        }
        Err(error) => return Err(format!("{effects:?} although {error}")),
    };
    let failed = report.outcomes.iter().any(|o| o.result != guard_core::settle::ApplyResult::Applied);
    if !fired.is_empty() && report.problems.is_empty() && !failed {
        return Err(format!("{fired:?} passed in silence, {all_said} messages"));
    }
    let mut planned: Vec<&Action> = report.plan.actions.iter().filter(|_| report.plan.armed).collect();
    for effect in effects {
        let same = |action: &&Action| action.function == effect.function && action.change == effect.change;
        let Some(place) = planned.iter().position(same) else {
            return Err(format!("{effect:?} was not planned, or made twice"));
        };
        let action = planned.swap_remove(place);
        if loosens(effect)
            && freshness(report, effect) == Freshness::Unknown
            && action.reason != Reason::Resumed
        {
            return Err(format!("{effect:?} while blind"));
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a test measures durations")]
fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Nothing is called capped that never was.
fn untrue(world: &World) -> Result<(), String> {
    let effects = world.control.effects();
    for message in world.alerts.messages() {
        let attribute = |name: &str| message.attributes.get(name).map(String::as_str);
        let Some(function) = attribute("function").filter(|_| attribute("event") == Some("capped")) else {
            continue;
        };
        if effects.iter().all(|effect| effect.function.as_str() != function) {
            return Err(format!("told of {function}, which nobody changed: {}", message.subject));
        }
    }
    Ok(())
}

fn loosens(effect: &Effect) -> bool {
    match (effect.change.from(), effect.change.to()) {
        (Setting::Concurrency(from), Setting::Concurrency(to)) => {
            to.is_none_or(|to| from.is_some_and(|from| to > from))
        }
        _ => false,
    }
}

fn freshness(report: &Report, effect: &Effect) -> Freshness {
    let record = report.plan.functions.iter().find(|record| record.function == effect.function);
    record.map_or(Freshness::Unknown, |record| record.freshness)
}

/// Plays one story: an attack while calls fail, then calm while none does.
async fn story(faults: Faults) -> Result<World, String> {
    let world = World::new();
    let mut guard = world.guard(&faults);
    for tick in 0..FAULTY_TICKS + PATIENCE {
        if tick == FAULTY_TICKS {
            faults.cease();
        }
        let at = world.advance(tick);
        let before = world.control.effects().len();
        let begin = now();
        guard.must_end_within(MINUTE);
        let result = guard.tick(at, &[]).await;
        if begin.elapsed() > MINUTE {
            return Err(format!("tick {tick}: took {:?}", begin.elapsed()));
        }
        let effects = world.control.effects().split_off(before);
        untrue(&world).map_err(|e| format!("tick {tick}: {e}"))?;
        check(&result, &faults.take_fired(), &effects, world.alerts.count())
            .map_err(|e| format!("tick {tick}: {e}"))?;
        if tick > FAULTY_TICKS && world.is_restored() {
            return Ok(world);
        }
    }
    Err(format!("not restored: {:?}, {:?}", world.settings(), world.store.memory().state.latches))
}

/// Plays the schedules that nobody plays yet, to the last; how many had a cap to restore, and how many called anything.
fn play(next: &AtomicU64) -> (u64, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap();
    let (mut capped, mut called) = (0, 0);
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= SCHEDULES {
            return (capped, called);
        }
        // From a fault now and then to little that works.
        let faults = Faults::seeded(seed, Odds { fail: 20 + seed % 13 * 30, ..Odds::default() });
        let world =
            runtime.block_on(story(faults.clone())).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        capped += u64::from(!world.control.effects().is_empty());
        called += u64::from(faults.calls() > 0);
    }
}

#[test]
fn ten_thousand_schedules_of_faults_end_with_every_original_and_none_in_silence() {
    let next = AtomicU64::new(0);
    let (capped, called) = std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let players: Vec<_> = (0..threads).map(|_| scope.spawn(|| play(&next))).collect();
        let played = players
            .into_iter()
            .map(|player| player.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        played.fold((0, 0), |sum, (capped, called)| (sum.0 + capped, sum.1 + called))
    });
    assert_eq!(called, SCHEDULES);
    assert!(capped > SCHEDULES * 8 / 10, "only {capped} stories had a cap to restore");
}

#[tokio::test(start_paused = true)]
async fn a_calm_story_caps_what_is_attacked_and_restores_unset_and_numbers_and_zero() {
    let world = story(Faults::none()).await.unwrap();
    let touched: std::collections::BTreeSet<String> =
        world.control.effects().iter().map(|effect| effect.function.to_string()).collect();
    assert_eq!(touched.into_iter().collect::<Vec<_>>(), ["api", "img"]);
    assert!(world.is_restored());
    assert!(world.alerts.count() > 0);
}

/// The story with the process ending at one call; the next guard finds the store and the account as they are then.
async fn crash(call: u64, fault: Fault) -> (World, bool) {
    let world = World::new();
    let faults = Faults::listed([(call, fault)]);
    let mut guard = world.guard(&faults);
    let mut crashed = false;
    for tick in 0..FAULTY_TICKS + PATIENCE {
        let at = world.advance(tick);
        // An hour on a clock that stands still: only a process that has ended takes so long.
        let ticked = tokio::time::timeout(std::time::Duration::from_secs(3600), guard.tick(at, &[])).await;
        if let Ok(result) = ticked {
            assert!(result.is_ok(), "{fault:?} at call {call}, tick {tick}: {result:?}");
        } else {
            crashed = true;
            drop(guard);
            guard = world.guard(&faults);
        }
        if tick > FAULTY_TICKS && world.is_restored() {
            break;
        }
    }
    (world, crashed)
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_at_any_call_leaves_what_the_next_one_needs() {
    let calm = story(Faults::none()).await.unwrap();
    for fault in [Fault::Stopped, Fault::StoppedAfter] {
        for call in 0.. {
            let (world, crashed) = crash(call, fault).await;
            assert!(world.is_restored(), "{fault:?} at call {call}: {:?}", world.settings());
            let phases = |world: &World| {
                let state = world.store.memory().state;
                state.latches.into_iter().map(|(name, latch)| (name, latch.phase)).collect::<Vec<_>>()
            };
            assert_eq!(phases(&world), phases(&calm), "{fault:?} at call {call}");
            // Each step of the story once: down, and up by the ramp.
            let (made, wanted) = (world.control.effects().len(), calm.control.effects().len());
            assert!(made <= wanted + 1, "{fault:?} at call {call}: {:?}", world.control.effects());
            if !crashed {
                assert!(call > 100, "a story has more than {call} calls");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_guards_at_once_have_one_effect() {
    let calm = story(Faults::none()).await.unwrap();
    let world = World::new();
    let (mut first, mut second) = (world.guard(&Faults::none()), world.guard(&Faults::none()));
    let mut conflicts = 0;
    for tick in 0..FAULTY_TICKS + PATIENCE {
        let at = world.advance(tick);
        let (a, b) = tokio::join!(first.tick(at, &[]), second.tick(at, &[]));
        assert!(a.is_ok() || b.is_ok(), "tick {tick}: somebody must win");
        conflicts += i32::from(a.is_err()) + i32::from(b.is_err());
        if tick > FAULTY_TICKS && world.is_restored() {
            break;
        }
    }
    assert!(world.is_restored(), "{:?}", world.settings());
    assert!(conflicts > 5, "{conflicts} conflicts: they did not race");
    assert_eq!(world.control.effects(), calm.control.effects());
}

#[tokio::test(start_paused = true)]
async fn the_policy_of_a_visitor_from_a_laptop_is_not_what_the_guard_falls_back_on() {
    let world = World::new();
    let known = || world.store.memory().policy.map(|known| known.text);
    world.guard(&Faults::none()).tick(world.advance(0), &[]).await.unwrap();
    assert_eq!(known().as_deref(), Some(world::POLICY));
    for (tick, is_visiting) in [(1, true), (2, false)] {
        let mut guard = world.guard_under("armed = false");
        if is_visiting {
            guard.visit(false);
        }
        guard.tick(world.advance(tick), &[]).await.unwrap();
        assert_eq!(known().as_deref(), Some(if is_visiting { world::POLICY } else { "armed = false" }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_tick_of_a_visitor_leaves_the_memory_the_messages_and_the_functions_alone() {
    let world = World::new();
    let mut owner = world.guard(&Faults::none());
    for tick in 0..5 {
        owner.tick(world.advance(tick), &[]).await.unwrap();
    }
    let before = (world.store.memory(), world.alerts.count(), world.control.effects().len());
    let mut visitor = world.guard_under("armed = true");
    visitor.visit(false);
    for tick in 5..9 {
        visitor.tick(world.advance(tick), &[]).await.unwrap();
    }
    assert_eq!(before, (world.store.memory(), world.alerts.count(), world.control.effects().len()));
}

#[tokio::test(start_paused = true)]
async fn an_environment_whose_memory_is_old_decides_anew_on_what_another_one_saved() {
    let world = World::new();
    let (mut first, mut second) = (world.guard(&Faults::none()), world.guard(&Faults::none()));
    for tick in 0..8 {
        let guard = if tick % 2 == 0 { &mut first } else { &mut second };
        guard.tick(world.advance(tick), &[]).await.unwrap();
    }
    assert_eq!(world.store.memory().state.last_tick, Some(world.advance(7)));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_policy_leaves_the_last_good_one_in_force_and_people_hear_of_it() {
    let world = World::new();
    let mut guard = world.guard(&Faults::none());
    guard.tick(world.advance(0), &[]).await.unwrap();
    world.alerts.take();
    world.policy.set("armed = maybe");
    let report = guard.tick(world.advance(1), &[]).await.unwrap();
    assert!(report.plan.armed && report.plan.budgets.len() == 1, "{:?}", report.plan.budgets);
    let told = world.alerts.take();
    assert!(told.iter().any(|message| message.body.contains("the policy is not valid")), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_a_budget_is_a_guard_in_trouble_and_one_that_cannot_be_read_is_told_as_that() {
    for (policy, told_of) in
        [("#", true), ("armed = false\n", true), (world::POLICY, false), ("armed = maybe", false)]
    {
        let world = World::new();
        let mut guard = world.guard_under(policy);
        guard.keep_schedule();
        for tick in 0..4 {
            guard.tick(world.advance(tick), &[]).await.unwrap();
        }
        let told = world.alerts.take();
        let of_it = told.iter().filter(|message| message.body.contains("NOTHING IS GUARDED"));
        assert_eq!(of_it.clone().count() > 0, told_of, "{policy}: {told:?}");
        let is_titled = of_it.clone().any(|message| message.subject.contains("GUARD IN TROUBLE"));
        assert_eq!(is_titled, told_of, "{policy}: {told:?}");
        assert!(of_it.count() <= 3, "once for each audience: {told:?}");
    }
}

/// Lambda takes no change: the breach is told at once, no tick takes longer than its minute, nothing is called capped.
#[tokio::test(start_paused = true)]
async fn while_changes_hang_people_hear_of_the_breach_and_never_of_a_cap() {
    let world = World::new();
    let mut guard = world.guard(&Faults::none());
    for tick in 0..8 {
        for _ in 0..9 {
            world.control.decree(guard_fn::testing::Fate::Hang);
        }
        let begin = now();
        guard.must_end_within(MINUTE);
        guard.tick(world.advance(tick), &[]).await.unwrap();
        assert!(begin.elapsed() < MINUTE, "tick {tick}: {:?}", begin.elapsed());
    }
    let events: Vec<String> = world
        .alerts
        .messages()
        .iter()
        .filter_map(|message| message.attributes.get("event").cloned())
        .collect();
    assert!(events.iter().any(|event| event == "warned" || event == "noticed"), "{events:?}");
    assert!(events.iter().any(|event| event == "failed"), "{events:?}");
    assert!(!events.contains(&"capped".to_owned()), "{events:?}");
    assert_eq!(world.store.memory().outbox, []);
    untrue(&world).unwrap();
}
