//! Attempts per event in closed form.

use simulator::world::Tally;

use crate::{live, real, world, world_of};

const QUICK: &str = "init_ms = 0\nduration = { constant_ms = 10 }";
const ASYNC: &str = "[function.asynchronous]\nduplicates_at_rest = 0.0";

#[test]
fn asynchronous_events_run_one_plus_p_plus_p_squared_times() {
    let function = format!("{QUICK}\n{ASYNC}");
    let traffic = "via = \"async\"\nfailing = 0.3\nfor_min = 60\nrate = { law = \"constant\", rps = 10.0 }";
    let tally = live(&mut world(&function, traffic, 3), 70);
    let seen = real(tally.attempts) / real(tally.offered);
    // Attempts are 1, 2, 3 with 0.7, 0.21, 0.09: mean 1.39, variance 2.35 - 1.39^2 = 0.4179.
    let margin = 4.0 * (0.4179 / real(tally.offered)).sqrt();
    assert!((seen - 1.39).abs() < margin, "{seen} {margin}");
    assert_eq!(tally.offered, tally.served + tally.failed);
}

#[test]
fn asynchronous_poison_runs_exactly_three_times() {
    let function = format!("{QUICK}\n{ASYNC}");
    let traffic = "via = \"async\"\npoison = 1.0\nrate = { law = \"once\", events = 100 }";
    let tally = live(&mut world(&function, traffic, 3), 10);
    assert_eq!((tally.attempts, tally.repeated, tally.failed), (300, 200, 100));
}

#[test]
fn a_poison_message_runs_as_often_as_its_receive_count_allows() {
    let function = format!(
        "{QUICK}\n[[function.queue]]\nname = \"q\"\nbatch_size = 1\nvisibility_s = 30\nmax_receive_count = 5"
    );
    let traffic = "via = \"queue\"\npoison = 1.0\nrate = { law = \"once\", events = 100 }";
    let tally = live(&mut world(&function, traffic, 3), 10);
    assert_eq!((tally.attempts, tally.dead_lettered), (500, 100));
}

#[test]
fn a_client_with_retries_after_errors_tries_once_more_than_it_retries() {
    let traffic = "poison = 1.0\nrate = { law = \"once\", events = 100 }\nclient = { retries = 2, backoff_s = 1, retry_errors = true }";
    let tally = live(&mut world(QUICK, traffic, 3), 2);
    assert_eq!((tally.attempts, tally.failed), (300, 100));
}

#[test]
fn loop_detection_stops_a_chain_after_sixteen_hops() {
    let function = format!("loop_detection = true\n{QUICK}\n{ASYNC}");
    let traffic =
        "via = \"async\"\nrate = { law = \"once\", events = 10 }\nemits = { to = \"t\", gain = 1.0 }";
    let tally = live(&mut world(&function, traffic, 3), 5);
    // The first run and sixteen hops.
    assert_eq!(tally.attempts, 170);
}

#[test]
fn a_loop_of_gain_one_half_doubles_its_events() {
    let function = format!("{QUICK}\n{ASYNC}");
    let traffic =
        "via = \"async\"\nrate = { law = \"once\", events = 1000 }\nemits = { to = \"t\", gain = 0.5 }";
    let tally = live(&mut world(&function, traffic, 3), 10);
    // Each event has 1 / (1 - 0.5) descendants and itself; the size of a tree varies by at most 0.5 / 0.5^3 = 4.
    let margin = 4.0 * (1000.0_f64 * 4.0).sqrt();
    assert!((real(tally.attempts) - 2000.0).abs() < margin, "{} {margin}", tally.attempts);
}

/// Twenty thousand messages in a queue that two batches of ten at a time work off in 200 s, so that all but a handful of
/// batches are full. What fails comes back 600 s after its receive; two long messages hold both pollers until all of it
/// has come back, so that the second round's batches are full too.
fn batches(poison: f64, receives: u32, partial: bool) -> Tally {
    let mut world = world_of(&format!(
        "[[function]]\nname = \"f\"\ntimeout_s = 900\ninit_ms = 0\nduration = {{ constant_ms = 200 }}\n\
         [[function.queue]]\nname = \"q\"\nbatch_size = 10\nmax_concurrency = 2\nvisibility_s = 600\n\
         max_receive_count = {receives}\npartial_batch = {partial}\n\
         [[traffic]]\nname = \"t\"\nfunction = \"f\"\nvia = \"queue\"\npoison = {poison:?}\n\
         rate = {{ law = \"once\", events = 20000 }}\n\
         [[traffic]]\nname = \"hold\"\nfunction = \"f\"\nvia = \"queue\"\nfrom_min = 9\n\
         duration = {{ constant_ms = 300000 }}\nrate = {{ law = \"once\", events = 2 }}\n"
    ));
    live(&mut world, 30)
}

#[test]
fn one_poison_message_fails_its_whole_batch_unless_failures_are_reported_one_by_one() {
    // Received once, a message is served only where all ten of its batch are healthy: 0.95^10 = 0.5987. Batches are
    // independent, 2,000 of them; some begin or end with fewer, which may serve 5 more.
    let whole = batches(0.05, 1, false);
    let healthy = 0.95_f64.powi(10);
    let margin = 4.0 * (healthy * (1.0 - healthy) / 2000.0).sqrt() + 5.0 / 20_000.0;
    let served = real(whole.served) / 20_000.0;
    assert!((served - healthy).abs() < margin, "{served} {healthy} {margin}");
    assert_eq!(whole.served + whole.dead_lettered, 20_000);
    // One by one, every healthy message is served: 0.95.
    let partial = batches(0.05, 1, true);
    let margin = 4.0 * (0.05 * 0.95 / 20_000.0_f64).sqrt();
    assert!((real(partial.served) / 20_000.0 - 0.95).abs() < margin, "{partial:?}");
}

#[test]
fn what_a_poisoned_batch_gives_back_is_mixed_again() {
    // Of the messages received a second time a share q' = 0.05 / (1 - 0.95^10) is poison: all of the poison came back,
    // and the healthy 0.95 (1 - 0.95^9) with it. Served at last: 0.95^10 of all and (1 - q')^10 of what came back.
    let twice = batches(0.05, 2, false);
    let first = 0.95_f64.powi(10);
    let poison = 0.05 / (1.0 - first);
    let second = (1.0 - poison).powi(10);
    let expected = first + (1.0 - first) * second;
    // Both rounds vary: 2,000 batches, then (1 - 0.5987) * 2,000. Where the first round serves x more, the second has
    // less to serve and a larger share of poison: d/dx = 1 - 0.264 + 10 (1 - q')^9 q' = 1.11.
    let rounds =
        1.11_f64.powi(2) * first * (1.0 - first) / 2000.0 + (1.0 - first) * second * (1.0 - second) / 2000.0;
    let margin = 4.0 * rounds.sqrt() + 10.0 / 20_000.0;
    let served = real(twice.served) / 20_000.0;
    assert!((served - expected).abs() < margin, "{served} {expected} {margin}");
}
