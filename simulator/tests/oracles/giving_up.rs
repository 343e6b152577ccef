//! How often an event is tried before it is given up, where that is a whole number or a short sum.

use simulator::world::{Tally, World};

use crate::{all, live, real, world, world_of};

const QUICK: &str = "init_ms = 0\nduration = { constant_ms = 10 }";

/// What became of all traffic after so many minutes.
fn together(world: &mut World, minutes: u32) -> Tally {
    live(world, minutes);
    all(world)
}

/// A stream of one shard with so many records of one second in one batch, one of them poison: the shard is held up
/// until they have all arrived.
fn stream(records: u32, settings: &str) -> Tally {
    let mut world = world_of(&format!(
        "[[function]]\nname = \"f\"\ntimeout_s = 900\n{QUICK}\n\
         [[function.stream]]\nname = \"s\"\n{settings}\n\
         [[traffic]]\nname = \"first\"\nfunction = \"f\"\nvia = \"stream\"\nduration = {{ constant_ms = 70000 }}\n\
         rate = {{ law = \"once\", events = 1 }}\n\
         [[traffic]]\nname = \"healthy\"\nfunction = \"f\"\nvia = \"stream\"\nfrom_min = 1\n\
         rate = {{ law = \"once\", events = {} }}\n\
         [[traffic]]\nname = \"poison\"\nfunction = \"f\"\nvia = \"stream\"\nfrom_min = 1\npoison = 1.0\n\
         rate = {{ law = \"once\", events = 1 }}\n",
        records - 1
    ));
    together(&mut world, 10)
}

#[test]
fn halving_finds_one_poison_record_among_two_to_the_k_in_two_k_attempts_more() {
    // "How Lambda processes records from stream and queue-based event sources", read 2026-11: splitting does not use
    // up retries. The whole batch, then at each of k levels both halves; then the record alone again, as often as it
    // may be retried. One attempt more at the record that held up the shard.
    for k in 1..=6 {
        for retries in [0, 3] {
            let settings = format!("batch_size = 100\nbisect = true\nmax_retries = {retries}");
            let tally = stream(2_u32.pow(k), &settings);
            let attempts = 1 + 1 + 2 * u64::from(k) + retries;
            let errors = 1 + u64::from(k) + retries;
            assert_eq!((tally.attempts, tally.errors), (attempts, errors), "{k} {retries}");
            assert_eq!((tally.served, tally.lost), (2_u64.pow(k), 1), "{k} {retries}");
        }
    }
}

#[test]
fn a_batch_that_is_not_halved_is_given_up_whole_after_its_retries() {
    for retries in [0, 1, 5] {
        let tally = stream(8, &format!("max_retries = {retries}\non_failure = true"));
        assert_eq!((tally.attempts, tally.errors), (2 + retries, 1 + retries));
        assert_eq!((tally.served, tally.dead_lettered), (1, 8));
    }
}

#[test]
fn without_a_limit_a_poisoned_batch_is_tried_until_its_records_expire() {
    // It is first tried at 70 s, ten after its records came; then every second, until they are older than 120 s.
    let tally = stream(8, "retention_s = 120");
    assert_eq!((tally.served, tally.lost), (1, 8));
    // 60 to 180 s are within the age: 111 attempts from 70 s on, but for a second on either side.
    assert!((110..=112).contains(&tally.errors), "{tally:?}");
}

#[test]
fn a_throttled_asynchronous_event_is_tried_after_1_2_4_8_seconds_until_its_age() {
    // "How Lambda handles errors and retries with asynchronous invocation", read 2026-11: one second to five minutes,
    // doubling. Tries at 0, 1, 3, 7, 15 and 31 s; that at 63 s would be older than a minute.
    for (age, tries) in [(60, 6), (63, 7), (300, 9), (900, 11)] {
        let mut world = world_of(&format!(
            "[[function]]\nname = \"f\"\ntimeout_s = 900\nreserved = 1\ninit_ms = 0\n\
             duration = {{ constant_ms = 900000 }}\n\
             [function.asynchronous]\nduplicates_at_rest = 0.0\nmax_event_age_s = {age}\n\
             [[traffic]]\nname = \"long\"\nfunction = \"f\"\nduration = {{ until_timeout = true }}\n\
             rate = {{ law = \"even\", rps = 1 }}\nfor_min = 30\n\
             [[traffic]]\nname = \"event\"\nfunction = \"f\"\nvia = \"async\"\nfrom_min = 1\n\
             rate = {{ law = \"once\", events = 7 }}\n"
        ));
        live(&mut world, 30);
        let event = *world.tallies().nth(1).unwrap();
        assert_eq!((event.throttles, event.lost, event.attempts), (7 * tries, 7, 0), "{age}");
    }
}

#[test]
fn an_event_too_old_for_its_next_retry_is_given_up_after_fewer() {
    // Retries come one minute after the first failure and two after the second: 0, 60 and 180 s.
    for (age, runs) in [(70, 2), (170, 2), (190, 3)] {
        let function =
            format!("{QUICK}\n[function.asynchronous]\nduplicates_at_rest = 0.0\nmax_event_age_s = {age}");
        let traffic = "via = \"async\"\npoison = 1.0\nrate = { law = \"once\", events = 100 }";
        let tally = live(&mut world(&function, traffic, 3), 10);
        assert_eq!(tally.attempts, 100 * runs, "{age}");
        assert_eq!(tally.lost + tally.failed, 100, "{age}");
    }
}

#[test]
fn with_nothing_reserved_an_asynchronous_event_is_given_up_at_once() {
    let function = format!(
        "reserved = 0\n{QUICK}\n[function.asynchronous]\nduplicates_at_rest = 0.0\non_failure = true"
    );
    let traffic = "via = \"async\"\nrate = { law = \"once\", events = 100 }";
    let tally = live(&mut world(&function, traffic, 3), 1);
    assert_eq!((tally.dead_lettered, tally.throttles, tally.attempts), (100, 100, 0));
}

#[test]
fn a_client_that_is_refused_asks_once_more_than_it_retries() {
    let function = format!("reserved = 0\n{QUICK}");
    let traffic = "rate = { law = \"once\", events = 100 }\nclient = { retries = 2, backoff_s = 1 }";
    let tally = live(&mut world(&function, traffic, 3), 1);
    assert_eq!((tally.throttles, tally.refused, tally.attempts), (300, 100, 0));
}

#[test]
fn a_client_that_repeats_errors_runs_the_sum_of_the_powers_of_their_share() {
    let traffic = "failing = 0.5\nfor_min = 20\nrate = { law = \"constant\", rps = 20.0 }\n\
                   client = { retries = 3, backoff_s = 1, retry_errors = true }";
    let tally = live(&mut world(QUICK, traffic, 3), 21);
    // 1 + 1/2 + 1/4 + 1/8 = 1.875. 1, 2, 3 and 4 runs with 1/2, 1/4, 1/8 and 1/8: mean square 4.625, variance 1.109.
    let seen = real(tally.attempts) / real(tally.offered);
    assert!((seen - 1.875).abs() < 4.0 * (1.109 / real(tally.offered)).sqrt(), "{seen}");
    // Of all events 1/16 fail for good.
    let failed = real(tally.failed) / real(tally.offered);
    assert!((failed - 0.0625).abs() < 4.0 * (0.0586 / real(tally.offered)).sqrt(), "{failed}");
}

#[test]
fn duplicates_add_their_share_and_its_square() {
    // At most three runs: 1 + d + d^2. With d = 0.2 the further runs are 0, 1 and 2 with 0.8, 0.16 and 0.04: mean 0.24,
    // variance 0.32 - 0.24^2 = 0.2624.
    let function = format!("{QUICK}\n[function.asynchronous]\nduplicates_at_rest = 0.2");
    let traffic = "via = \"async\"\nfor_min = 60\nrate = { law = \"constant\", rps = 10.0 }";
    let tally = live(&mut world(&function, traffic, 3), 62);
    let seen = real(tally.attempts) / real(tally.offered);
    assert!((seen - 1.24).abs() < 4.0 * (0.2624 / real(tally.offered)).sqrt(), "{seen}");
    assert_eq!((tally.served, tally.attempts - tally.repeated), (tally.offered, tally.offered));
}

#[test]
fn a_queue_without_a_dead_letter_queue_redelivers_until_its_retention() {
    // Received at 0, 60, 120, 180 and 240 s; at 300 s it is older than its retention of 290 s.
    let function = format!(
        "{QUICK}\n[[function.queue]]\nname = \"q\"\nbatch_size = 1\nvisibility_s = 60\nretention_s = 290"
    );
    let traffic = "via = \"queue\"\npoison = 1.0\nrate = { law = \"once\", events = 5 }";
    let tally = live(&mut world(&function, traffic, 3), 10);
    assert_eq!((tally.attempts, tally.lost, tally.dead_lettered), (25, 5, 0));
}
