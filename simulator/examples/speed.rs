use guard_core::time::Minute;
use simulator::scenario::Scenario;
use simulator::stage::Stage;
use simulator::world::{Cast, World};
use std::time::Instant;
fn main() {
    for (rps, dur) in [
        (100.0, "{ mean_ms = 200 }"),
        (5000.0, "{ mean_ms = 190 }"),
        (5000.0, "{ median_ms = 180, sigma = 0.3 }"),
        (5000.0, "{ constant_ms = 190 }"),
    ] {
        let text = format!(
            r#"
schema = 1
title = "speed"
start = "2026-11-02T00:00:00Z"
minutes = 600
account = {{ concurrency = 3000 }}
[[function]]
name = "f"
duration = {dur}
[[traffic]]
name = "t"
function = "f"
rate = {{ law = "constant", rps = {rps} }}
failing = 0.01
client = {{ retries = 2, retry_errors = true }}
"#
        );
        let scenario = Scenario::from_toml(&text).unwrap();
        let stage = Stage::new(&scenario, None).unwrap();
        let mut world = World::new(&stage, Minute::of(scenario.start), Cast::Everyone, 1);
        let begin = Instant::now();
        let minutes = if rps > 1000.0 { 60 } else { 2000 };
        let mut peak = 0;
        for _ in 0..minutes {
            world.live_minute();
            peak = peak.max(world.busy_in_all());
        }
        let s = begin.elapsed().as_secs_f64();
        let n: u64 = world.tallies().map(|t| t.attempts).sum();
        println!("{rps} {dur}: {n} invocations {s:.2} s {:.2} M/s busy {peak}", n as f64 / s / 1e6);
    }
}
