//! Attempts per event in closed form.

use crate::{live, real, world};

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
