//! Limits of Lambda as its documents state them.

use simulator::load::Source;
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
