//! What starts of environments can have cost is within the range, and what a flood chooses is expected.

use super::*;

/// Minutes with so many invocations of a millisecond each, and so many environments at once.
fn burst(invocations: u64, concurrency_max: u32) -> Point {
    Point { invocations, concurrency_max, duration_us: invocations * 1000, ..Point::default() }
}

/// The range of the only budget, less the requests and durations of so many invocations of [`burst`].
fn beside(bench: &Bench, reading: &Reading, invocations: i128) -> [i128; 3] {
    let unit = &bench.roster.members[0].unit;
    let spent = bench.book("all").spent_in_all().with_starts(reading.hidden[0].starting);
    let least = unit.per_request * invocations + unit.compute(0, 1000 * 500) * (invocations / 500);
    amounts(spent).map(|amount| amount - least.picos())
}

#[test]
fn every_start_may_have_taken_ten_seconds_and_each_counts_once() {
    let mut bench = alone();
    let [ten_s, rounding] =
        [(0, 10_000_000), (0, 1000)].map(|(tier, us)| bench.roster.members[0].unit.compute(tier, us).picos());
    let minutes = fresh(&[("23T12:00", burst(500, 40)), ("23T12:01", burst(500, 40))]);
    for at in ["23T12:04", "23T12:05", "23T12:10"] {
        let reading = bench.look(at, vec![("a", minutes.clone())]);
        let [low, _, high] = beside(&bench, &reading, 1000);
        assert_eq!(low, 0);
        // Forty that came, and a tenth of them again in the minute after.
        assert_eq!(high, 44 * ten_s + 1000 * rounding, "at {at}");
    }
    assert!(bench.book("all").spent_in_all().causes.contains(Cause::InitEstimate));
}

#[test]
fn starts_of_an_earlier_period_are_not_of_this_one() {
    let mut bench = alone();
    bench.look("30T23:58", vec![("a", fresh(&[("30T23:50", burst(500, 40))]))]);
    let before = bench.book("all").starts;
    assert!(before > Usd::ZERO);
    let mut next = seen("30T23:59", vec![]);
    next.at = "2026-12-01T00:05:00Z".parse().unwrap();
    bench.post(&next);
    assert_eq!(bench.book("all").starts, Usd::ZERO);
}

#[test]
fn beyond_the_ordinary_concurrency_the_longest_start_is_expected() {
    let mut bench = alone();
    let mut ledger = FunctionLedger::new("a".into());
    for back in 1..=72 {
        ledger.profile.record(hour("23T12:00").plus(-back), picos(1_000_000), 5);
    }
    ledger.profile.refresh();
    bench.state.functions.push(ledger);
    let unit = bench.roster.members[0].unit.clone();
    let ten_s = unit.compute(0, 10_000_000).picos();
    let expected = |bench: &mut Bench, at: &str, concurrency| {
        let before = bench.state.budgets.get("all").map_or(Usd::ZERO, |book| book.spent.expected);
        bench.look("23T12:10", vec![("a", fresh(&[(at, burst(500, concurrency))]))]);
        let rest = unit.per_invocation.expected * 500 + unit.compute(0, 500 * 1000);
        (bench.book("all").spent.expected - before - rest).picos()
    };
    let start = unit.per_cold_start.expected.picos();
    assert_eq!(expected(&mut bench, "23T12:00", 5), 5 * start, "ordinary");
    assert_eq!(expected(&mut bench, "23T12:04", 25), 5 * start + 20 * ten_s);
    // Five busy at the mean are fourteen at their busiest: 20 less 14 were not running.
    let busy = Point { invocations: 500, concurrency_max: 20, duration_us: 300_000_000, ..Point::default() };
    let before = bench.book("all").spent.expected;
    bench.look("23T12:10", vec![("a", fresh(&[("23T12:07", busy)]))]);
    let rest = unit.per_invocation.expected * 500 + unit.compute(0, 300_000_000);
    assert_eq!((bench.book("all").spent.expected - before - rest).picos(), 14 * start + 6 * ten_s);
}

#[test]
fn functions_not_looked_at_may_have_started_as_much_as_the_region_rose() {
    let mut bench = alone();
    let mut look = seen("23T12:10", vec![]);
    look.region = fresh(&[("23T12:00", burst(500, 40)), ("23T12:01", burst(500, 60))]);
    let reading = bench.post(&look);
    let ten_s = bench.roster.members[0].unit.compute(0, 10_000_000).picos();
    assert_eq!(
        reading.hidden[0].starting.picos(),
        (40 + 20 + 6) * ten_s,
        "the minute before is unknown, then a rise of 20 and a tenth"
    );
}

#[test]
fn a_guarantee_reckons_with_a_start_for_every_invocation_and_settled_minutes_count_once() {
    let guaranteed = Budget { guarantee: true, ..budget("sure", Period::Month, None) };
    let budgets = vec![budget("all", Period::Month, None), guaranteed];
    let mut bench = bench(budgets, vec![Function::new("a", 1024, 60)]);
    let ten_s = bench.roster.members[0].unit.compute(0, 10_000_000).picos();
    for at in ["23T12:30", "23T12:31"] {
        let mut look = seen(at, vec![]);
        look.region = fresh(&[("23T12:00", burst(500, 40)), ("23T12:01", burst(500, 40))]);
        let reading = bench.post(&look);
        assert_eq!(reading.rests.starts, [Usd::ZERO; 2], "nothing of it is open");
        // Of the first minute the one before is unknown; forty are busy for a minute at most.
        let starts = ["all", "sure"].map(|name| bench.book(name).starts.picos());
        assert_eq!(starts, [44 * ten_s, 2 * 240 * ten_s], "at {at}");
    }
}
