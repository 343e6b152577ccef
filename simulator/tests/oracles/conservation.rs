//! Conservation: every event has one fate, and no limit is passed, whatever the scenario.

use proptest::prelude::*;
use simulator::world::{Tally, World};

use crate::{all, world_of};

/// The place of `f`: functions are sorted by name, and the guard's own comes first.
const F: usize = 1;

/// A small account: a function with some way in, and traffic to it; and a second one that takes from the same pool.
#[derive(Clone, Debug)]
struct Case {
    via: &'static str,
    concurrency: u32,
    reserved: Option<u32>,
    duration: &'static str,
    rps: f64,
    once: u32,
    failing: f64,
    poison: f64,
    retries: u8,
    batch: u32,
    receives: Option<u32>,
    flags: [bool; 3],
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let ways = prop::sample::select(vec!["sync", "async", "queue", "stream"]);
    let durations = prop::sample::select(vec![
        "{ constant_ms = 40 }",
        "{ mean_ms = 900 }",
        "{ median_ms = 2000, sigma = 1.0 }",
        "{ until_timeout = true }",
    ]);
    let share = || prop::sample::select(vec![0.0, 0.1, 0.5, 1.0]);
    let load = (ways, durations, 0.1..40.0_f64, 1..300_u32, share(), share());
    let limits = (10..120_u32, prop::option::of(0..8_u32), 0..3_u8, 1..20_u32, prop::option::of(1..4_u32));
    (load, limits, any::<[bool; 3]>(), any::<u64>()).prop_map(|(load, limits, flags, seed)| {
        let (via, duration, rps, once, failing, poison) = load;
        let (concurrency, reserved, retries, batch, receives) = limits;
        Case {
            via,
            concurrency,
            reserved,
            duration,
            rps,
            once,
            failing,
            poison,
            retries,
            batch,
            receives,
            flags,
            seed,
        }
    })
}

impl Case {
    fn world(&self) -> World {
        let [flag, partial, caught] = self.flags;
        let reserved = self.reserved.map_or_else(String::new, |reserved| format!("reserved = {reserved}\n"));
        let receives =
            self.receives.map_or_else(String::new, |count| format!("max_receive_count = {count}\n"));
        let limit = self.receives.map_or_else(String::new, |count| format!("max_retries = {count}\n"));
        let Case { via, concurrency, duration, rps, once, failing, poison, retries, batch, .. } = self;
        let reuse = if flag { "last_created" } else { "last_used" };
        let text = format!(
            "[account]\nconcurrency = {concurrency}\nunreserved_minimum = 0\n\
             [[function]]\nname = \"f\"\ntimeout_s = 5\n{reserved}duration = {duration}\nreuse = \"{reuse}\"\n\
             [function.asynchronous]\nduplicates_at_rest = 0.0\nmax_retries = {retries}\nmax_event_age_s = 400\n\
             on_failure = {caught}\n\
             [[function.queue]]\nname = \"q\"\nbatch_size = {batch}\nvisibility_s = 30\nretention_s = 400\n\
             partial_batch = {partial}\n{receives}\
             [[function.stream]]\nname = \"s\"\nshards = 2\nbatch_size = {batch}\nretention_s = 400\n\
             bisect = {partial}\non_failure = {caught}\n{limit}\
             [[function]]\nname = \"other\"\ntimeout_s = 5\nduration = {{ mean_ms = 1000 }}\n\
             [[traffic]]\nname = \"t\"\nfunction = \"f\"\nvia = \"{via}\"\nfor_min = 3\nfailing = {failing:?}\n\
             poison = {poison:?}\nclient = {{ retries = {retries}, backoff_s = 1, retry_errors = {partial} }}\n\
             rate = {{ law = \"constant\", rps = {rps:?} }}\n\
             [[traffic]]\nname = \"burst\"\nfunction = \"f\"\nvia = \"{via}\"\nfrom_min = 1\nfailing = {failing:?}\n\
             rate = {{ law = \"once\", events = {once} }}\n\
             [[traffic]]\nname = \"beside\"\nfunction = \"other\"\nfor_min = 3\n\
             rate = {{ law = \"constant\", rps = 8.0 }}\n"
        );
        crate::seeded(&text, self.seed)
    }
}

fn decided(tally: &Tally) -> u64 {
    tally.served + tally.failed + tally.refused + tally.dead_lettered + tally.lost
}

proptest! {
    #[test]
    fn every_event_has_one_fate_and_no_limit_is_passed(case in cases()) {
        let mut world = case.world();
        let (mut told, mut errors_told, mut throttles_told) = (0, 0, 0);
        for minute in 0..25 {
            for metrics in world.live_minute() {
                for (_, point) in &metrics.points {
                    told += point.invocations;
                    errors_told += point.errors;
                    throttles_told += point.throttles;
                    if let (Some(cap), F) = (case.reserved, metrics.function) {
                        prop_assert!(point.concurrency_max <= cap);
                    }
                }
            }
            prop_assert!(world.last_peak() <= case.concurrency, "minute {minute}");
            if let Some(cap) = case.reserved {
                prop_assert!(world.busy(F) <= cap);
            }
            // What is not decided waits or runs, at most a batch to an environment.
            let mine = world.tallies().take(2).fold(Tally::default(), |sum, one| sum.plus(*one));
            let open = mine.offered.checked_sub(decided(&mine));
            prop_assert!(open.is_some(), "more fates than events: {mine:?}");
            let (open, waiting) = (open.unwrap_or(0), world.waiting(F));
            let batch = if case.via == "sync" || case.via == "async" { 1 } else { u64::from(case.batch) };
            prop_assert!(waiting <= open, "minute {minute}: {waiting} {open}");
            prop_assert!(open <= waiting + u64::from(world.busy(F)) * batch, "minute {minute}: {open} {waiting}");
        }
        prop_assert_eq!(world.busy_in_all(), 0);
        for tally in world.tallies() {
            prop_assert_eq!(tally.offered, decided(tally));
            prop_assert!(tally.errors <= tally.attempts && tally.repeated <= tally.attempts);
            prop_assert!(tally.cold_starts <= tally.attempts && tally.attempts <= tally.billed_ms);
            prop_assert!(tally.repeated_ms <= tally.billed_ms && tally.delayed <= tally.served);
        }
        if case.via == "sync" || case.via == "async" {
            let mine = world.tallies().take(2).fold(Tally::default(), |sum, one| sum.plus(*one));
            // One event to an attempt: what was served ran, and every run that did not fail served.
            prop_assert_eq!(mine.attempts - mine.errors, mine.served);
        }
        // The metrics tell of each attempt once, in the end.
        let sum = all(&world);
        prop_assert_eq!((told, errors_told, throttles_told), (sum.attempts, sum.errors, sum.throttles));
    }

    #[test]
    fn the_same_seed_gives_the_same_world(case in cases()) {
        let mut twins = [case.world(), case.world()];
        for _ in 0..3 {
            let [first, second] = twins.each_mut().map(World::live_minute);
            prop_assert_eq!(first, second);
        }
    }
}

#[test]
fn the_small_account_has_its_functions_in_the_order_of_their_names() {
    let mut world = world_of(
        "[[function]]\nname = \"f\"\n[[traffic]]\nname = \"t\"\nfunction = \"f\"\nrate = { law = \"even\", rps = 1 }",
    );
    let told = world.live_minute();
    assert_eq!(told.iter().map(|metrics| metrics.function).collect::<Vec<_>>(), [F]);
}
