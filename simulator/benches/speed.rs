//! Invocations per CPU-second of the whole model, guard and bill included: `cargo bench -p simulator`.
//!
//! One thread, so time is CPU time. Elements are invocations that ran; refused ones come on top.

#![expect(clippy::unwrap_used, reason = "a benchmark")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use guard_core::pricing::PriceTable;
use guard_core::time::Minute;
use simulator::load::{Loaded, Source};
use simulator::run::{Run, run};
use simulator::world::{Cast, World};

fn scenario(rps: u32, minutes: u32) -> Loaded {
    // 5,000 requests a second of 200 ms keep 1,000 environments busy.
    let text = format!(
        r#"
        schema = 1
        title = "speed"
        start = "2026-11-02T00:00:00Z"
        minutes = {minutes}
        [account]
        concurrency = 3000
        [[function]]
        name = "f"
        duration = {{ mean_ms = 200 }}
        [[traffic]]
        name = "t"
        function = "f"
        rate = {{ law = "constant", rps = {rps} }}
        failing = 0.01
        client = {{ retries = 2, retry_errors = true }}
        [policy]
        armed = true
        [[policy.budget]]
        name = "month"
        period = "month"
        usd = 1000000
        mode = "cap"
        "#
    );
    Source::of_text("speed", &text).ready(&[]).unwrap()
}

fn whole(loaded: &Loaded) -> Run {
    let terms = loaded.request(1).terms(true, Cast::Everyone, Some(loaded.scenario.minutes));
    run(&terms, PriceTable::embedded(), |_| ())
}

fn invocations(run: &Run) -> u64 {
    run.traffic.iter().map(|one| one.tally.attempts).sum()
}

fn speed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one function");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    for (rps, minutes) in [(100, 1440), (5000, 60)] {
        let loaded = scenario(rps, minutes);
        group.throughput(Throughput::Elements(invocations(&whole(&loaded))));
        let name = format!("{rps} requests a second");
        group.bench_with_input(
            BenchmarkId::new("guard, bill and metrics", &name),
            &loaded,
            |bencher, loaded| {
                bencher.iter(|| whole(loaded));
            },
        );
        group.bench_with_input(BenchmarkId::new("the world alone", &name), &loaded, |bencher, loaded| {
            bencher.iter(|| {
                let mut world =
                    World::new(&loaded.stage, Minute::of(loaded.scenario.start), Cast::Everyone, 1);
                (0..minutes).for_each(|_| drop(world.live_minute()));
                world.steps()
            });
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("a day of 1,350 functions");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    let day = Source::open("calm-azure-1350").unwrap().ready(&[]).unwrap();
    group.throughput(Throughput::Elements(invocations(&whole(&day))));
    group.bench_function("with the guard", |bencher| bencher.iter(|| whole(&day)));
    group.finish();
}

criterion_group!(benches, speed);
criterion_main!(benches);
