//! Limits of Lambda as its documents state them, and a bill done by hand.

use guard_core::money::Usd;
use guard_core::pricing::PriceTable;
use simulator::load::Source;
use simulator::run::{Run, Terms, run};
use simulator::world::Cast;

use crate::{live, real, world};

#[test]
fn a_reservation_of_n_answers_ten_n_requests_a_second_however_short_they_are() {
    // "Lambda quotas", read 2026-11: requests per second are limited to ten times the concurrency.
    for reserved in [1_u32, 5, 20] {
        let function = format!("reserved = {reserved}\ninit_ms = 0\nduration = {{ constant_ms = 1 }}");
        let rps = reserved * 40;
        let traffic = format!("rate = {{ law = \"even\", rps = {rps} }}");
        let tally = live(&mut world(&function, &traffic, 1), 5);
        let served_per_s = real(tally.served) / 300.0;
        let limit = f64::from(reserved) * 10.0;
        // One second's worth may be saved up at the beginning.
        assert!(
            served_per_s >= limit * 0.99 && served_per_s <= limit * (1.0 + 1.0 / 300.0),
            "{reserved}: {served_per_s}"
        );
    }
}

#[test]
fn a_function_grows_by_a_thousand_environments_every_ten_seconds() {
    // "Lambda scaling behavior", read 2026-11. A thousand may be there at once; 100 a second come after them.
    let function = "timeout_s = 900\ninit_ms = 0\nduration = { constant_ms = 600000 }";
    let traffic = "rate = { law = \"even\", rps = 400 }";
    let text = "concurrency = 20000";
    let scenario = format!(
        "schema = 1\ntitle = \"o\"\nstart = \"2026-11-02T00:00:00Z\"\nminutes = 5\n[account]\n{text}\n\
         [[function]]\nname = \"f\"\n{function}\n[[traffic]]\nname = \"t\"\nfunction = \"f\"\n{traffic}\n"
    );
    let busy = |minutes: u32| {
        let loaded = Source::of_text("oracle", &scenario).ready(&[]).unwrap();
        let start = guard_core::time::Minute::of(loaded.scenario.start);
        let mut world = simulator::world::World::new(&loaded.stage, start, Cast::Everyone, 1);
        live(&mut world, minutes);
        world.busy_in_all()
    };
    let (first, second) = (busy(1), busy(2));
    assert!((6000..=7000).contains(&first), "{first}");
    assert!((second - first).abs_diff(6000) <= 100, "{first} {second}");
}

fn unguarded(text: &str) -> Run {
    let loaded = Source::of_text("oracle", text).ready(&[]).unwrap();
    let terms = Terms {
        scenario: &loaded.scenario,
        stage: &loaded.stage,
        policy: &loaded.scenario.policy,
        guarded: false,
        cast: Cast::Everyone,
        seed: 1,
        minutes: Some(3),
    };
    run(&terms, PriceTable::embedded(), |_| ())
}

#[test]
fn a_tiny_bill_is_what_it_is_by_hand() {
    // us-east-1, x86-64 ("AWS Lambda pricing", read 2026-11): $0.20 per million requests, $0.0000166667 per GB-second.
    // 1 GB. Eleven requests, one every five seconds from the fifth on: the first finds no environment and pays 200 ms
    // of INIT and its 100 ms, the others 100 ms each: 300 + 10 · 100 = 1,300 ms. One more, a minute later, finds the
    // environment warm and runs into its time-out of three seconds: 3,000 ms.
    let run = unguarded(
        "schema = 1\ntitle = \"o\"\nstart = \"2026-11-02T00:00:00Z\"\nminutes = 3\n\
         [[function]]\nname = \"f\"\nmemory_mb = 1024\ntimeout_s = 3\ninit_ms = 200\n\
         duration = { constant_ms = 100 }\n\
         [[traffic]]\nname = \"calls\"\nfunction = \"f\"\nrate = { law = \"even\", rps = 0.2 }\nfor_min = 1\n\
         [[traffic]]\nname = \"hang\"\nfunction = \"f\"\nfrom_min = 1\nrate = { law = \"once\", events = 1 }\n\
         duration = { until_timeout = true }\n",
    );
    let (calls, hang) = (&run.traffic[0].tally, &run.traffic[1].tally);
    assert_eq!((calls.offered, calls.attempts, calls.cold_starts, calls.billed_ms), (11, 11, 1, 1300));
    assert_eq!((hang.attempts, hang.errors, hang.cold_starts, hang.billed_ms), (1, 1, 0, 3000));
    // 12 · 200,000 picos + 4.3 s · 16,666,700 picos.
    assert_eq!(run.bill.all, Usd::from_picos(12 * 200_000 + 43 * 16_666_700 / 10));
}
