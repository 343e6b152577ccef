//! How long a tick takes: the full one (observe → plan → check → intend) with every function in focus, from 100 to
//! 100,000 functions, and the idle one of the sweep regime.
//!
//! `cargo bench -p guard-core` prints both; the README's table comes from here. Instructions instead of times:
//! `tests/e2e/benches/instructions.rs`.

mod account;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Bencher, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use guard_core::roster::Roster;
use guard_core::state::State;
use guard_core::time::Minute;

use self::account::{at, look, roster, warmed};

#[expect(clippy::disallowed_methods, reason = "a benchmark is the one place here that asks what time it is")]
/// Measures ticks a minute apart on one memory, as a warm Lambda makes them; making the look is not counted. Time goes on
/// from sample to sample: a look into the past would post anew what was forgotten.
fn ticks(bencher: &mut Bencher<'_>, roster: &Roster, state: &mut State, idle: bool) {
    let mut now = state.last_tick.map_or(Minute::of(at()), |last| Minute::of(last).plus(1));
    bencher.iter_custom(|ticks| {
        let mut taken = Duration::ZERO;
        for _ in 0..ticks {
            let mut seen = look(roster, now);
            if idle {
                seen.functions.clear();
            }
            let begin = Instant::now();
            let plan = black_box(guard_core::tick(roster, state, &seen));
            taken += begin.elapsed();
            drop(plan);
            now = now.plus(1);
        }
        taken
    });
}

fn full_tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("full tick, 50 budgets");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    for functions in [100, 1_000, 10_000, 100_000] {
        let roster = roster(functions);
        let mut state = warmed(&roster);
        group.throughput(Throughput::Elements(functions as u64));
        group.bench_function(BenchmarkId::from_parameter(functions), |bencher| {
            ticks(bencher, &roster, &mut state, false);
        });
    }
    group.finish();
}

fn idle_tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("idle tick, 50 budgets");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    for functions in [1_000, 10_000] {
        let roster = roster(functions);
        let mut state = warmed(&roster);
        group.bench_function(BenchmarkId::from_parameter(functions), |bencher| {
            ticks(bencher, &roster, &mut state, true);
        });
    }
    group.finish();
}

criterion_group!(benches, full_tick, idle_tick);
criterion_main!(benches);
