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

#[test]
fn a_poison_message_takes_its_batch_with_it_unless_failures_are_reported_one_by_one() {
    let attempts = |partial: bool| {
        let function = format!(
            "{QUICK}\n[[function.queue]]\nname = \"q\"\nbatch_size = 10\nvisibility_s = 30\nmax_receive_count = 4\npartial_batch = {partial}"
        );
        let traffic = "via = \"queue\"\npoison = 0.1\nrate = { law = \"once\", events = 1000 }";
        live(&mut world(&function, traffic, 3), 10)
    };
    let (whole, partial) = (attempts(false), attempts(true));
    // One by one, only poison is given up, after four receives.
    assert_eq!(partial.served + partial.dead_lettered, 1000);
    assert!(partial.dead_lettered.abs_diff(100) < 40, "{partial:?}");
    assert!(whole.attempts > partial.attempts && whole.served <= partial.served, "{whole:?} {partial:?}");
    assert_eq!(whole.served + whole.dead_lettered, 1000);
}
