//! Ceilings, worst cases and findings, worked out by hand.

use super::*;
use crate::baseline::Profile;
use crate::inventory::{AccountLimits, AsyncConfig};
use crate::ledger::FunctionLedger;
use crate::policy::Companion;
use crate::pricing::{Currency, Quote, Tier};
use crate::time::Hour;

/// us-east-1, x86: $0.0000166667 per GB-second, $0.20 per million requests.
fn unit_cost(function: &Function) -> UnitCost {
    let quote = Quote {
        request: Usd::from_picos(200_000),
        gb_second: vec![Tier { upto_gb_s: None, price: Usd::from_picos(16_666_700) }],
        ephemeral_gb_second: Usd::ZERO,
        provisioned_gb_second: Usd::ZERO,
        provisioned_duration_gb_second: Usd::ZERO,
        currency: Currency::Usd,
        unknown: vec![],
    };
    UnitCost::new(function, &quote, &Companion::default(), Usd::ZERO)
}

const NOW: Minute = Minute(30_000_000);

fn ledger(name: &str, p99: u32, hours: i64, last_invoked: Option<Minute>) -> FunctionLedger {
    let mut profile = Profile::default();
    for hour in 0..hours {
        profile.record(Hour(hour), Usd::ZERO, p99);
    }
    profile.refresh();
    FunctionLedger { profile, last_invoked, ..FunctionLedger::new(name.into()) }
}

fn of(functions: Vec<Function>, ledgers: Vec<FunctionLedger>) -> Exposure {
    let inventory = Inventory::new("us-east-1", AccountLimits::default(), functions);
    let state = State { functions: ledgers, ..State::new() };
    exposure(&inventory, &state, &Floor::default(), NOW, unit_cost)
}

fn only(function: Function, ledgers: Vec<FunctionLedger>) -> ExposureRow {
    of(vec![function], ledgers).0.remove(0)
}

fn mapping(enabled: bool, source: EventSource) -> EventSourceMapping {
    EventSourceMapping { id: "m".into(), enabled, batch_size: 10, source }
}

fn queue(max_concurrency: Option<u32>) -> EventSource {
    EventSource::Sqs {
        max_concurrency,
        provisioned_pollers: false,
        max_receive_count: Some(5),
        retention_s: 345_600,
    }
}

fn stream(shards: u32, parallelization: u32) -> EventSource {
    EventSource::Stream {
        shards,
        parallelization,
        max_retries: None,
        bisect: false,
        retention_s: 86_400,
        on_failure: true,
    }
}

#[test]
fn the_worst_hour_and_day_of_ten_gigabytes_are_as_worked_out_by_hand() {
    let row = only(Function::new("big", 10_240, 900), vec![ledger("big", 10, 24, Some(NOW))]);
    assert_eq!((row.capped_by, row.ceiling), (CappedBy::Pool, 1000));
    // 1000 · 3600 s · 10 GB · $0.0000166667 = $600.0012; 1000 · 3600 s · 10 · $0.0000002 = $7.20.
    assert_eq!(row.worst_per_hour, Usd::from_picos(607_201_200_000_000));
    assert_eq!(row.worst_per_day, Usd::from_picos(607_201_200_000_000 * 24));
    // p99 10 · 150 % = 15: 15/1000 of it.
    assert_eq!((row.concurrency_p99, row.advised), (Some(10), Some(15)));
    assert_eq!(row.advised_worst_per_hour, Some(Usd::from_picos(9_108_018_000_000)));
    assert_eq!(row.findings, [ExposureFinding::OutOfProportion]);
}

#[test]
fn the_advised_cap_is_rounded_up_and_at_least_the_minimum_and_none_without_history() {
    assert_eq!(only(Function::new("f", 128, 3), vec![ledger("f", 7, 24, None)]).advised, Some(11));
    assert_eq!(only(Function::new("f", 128, 3), vec![ledger("f", 3, 24, None)]).advised, Some(5));
    let unknown = only(Function::new("f", 128, 3), vec![]);
    assert_eq!(
        (unknown.concurrency_p99, unknown.advised, unknown.advised_worst_per_hour),
        (None, None, None)
    );
    assert_eq!(unknown.findings, []);
    let mut tight = Function::new("f", 128, 3);
    tight.reserved = Some(11);
    let row = only(tight, vec![ledger("f", 7, 24, None)]);
    assert_eq!((row.advised, row.advised_worst_per_hour), (Some(11), None), "it is there already");
}

#[test]
fn a_reservation_a_mapping_or_the_rest_of_the_pool_is_the_ceiling() {
    let reserved = |reserved| Function { reserved, ..Function::new("f", 128, 3) };
    let ceiling = |function: Function| {
        let row = only(function, vec![]);
        (row.capped_by, row.ceiling)
    };
    assert_eq!(ceiling(reserved(None)), (CappedBy::Pool, 1000));
    assert_eq!(ceiling(reserved(Some(0))), (CappedBy::Reserved, 0));
    let polled =
        |mappings: Vec<EventSourceMapping>| Function { synchronous: false, mappings, ..reserved(None) };
    assert_eq!(ceiling(polled(vec![mapping(true, queue(Some(7)))])), (CappedBy::Mappings, 7));
    assert_eq!(ceiling(polled(vec![mapping(true, queue(None))])), (CappedBy::Pool, 1000));
    assert_eq!(ceiling(polled(vec![mapping(false, queue(None))])), (CappedBy::Mappings, 0));
    let both = vec![mapping(true, queue(Some(7))), mapping(true, stream(4, 3))];
    assert_eq!(ceiling(polled(both.clone())), (CappedBy::Mappings, 19));
    assert_eq!(ceiling(polled(vec![])), (CappedBy::Pool, 1000));
    let tighter = Function { reserved: Some(19), ..polled(both.clone()) };
    assert_eq!(ceiling(tighter), (CappedBy::Reserved, 19));
    let looser = Function { reserved: Some(20), ..polled(both.clone()) };
    assert_eq!(ceiling(looser), (CappedBy::Mappings, 19));
    let also_called = Function { synchronous: true, ..polled(both.clone()) };
    assert_eq!(ceiling(also_called), (CappedBy::Pool, 1000));
    let also_async = Function { asynchronous: Some(AsyncConfig::default()), ..polled(both) };
    assert_eq!(ceiling(also_async), (CappedBy::Pool, 1000));
    // What others reserve is not in the pool.
    let other = Function { reserved: Some(400), ..Function::new("g", 128, 3) };
    let rows = of(vec![reserved(None), other], vec![]).0;
    assert_eq!(rows.iter().map(|row| row.ceiling).collect::<Vec<_>>(), [600, 400]);
}

#[test]
fn thirty_days_without_an_invocation_are_dormant() {
    let days = |days: i64, minutes: i64| Some(NOW.plus(-days * 24 * 60 - minutes));
    for (hours, last, dormant) in [
        (1, days(30, 0), true),
        (1, days(29, 24 * 60 - 1), false),
        (671, None, false),
        (672, None, true),
        (672, days(1, 0), false),
    ] {
        let row = only(Function::new("f", 128, 3), vec![ledger("f", 900, hours, last)]);
        assert_eq!(row.findings.contains(&ExposureFinding::Dormant), dormant, "{hours} h, {last:?}");
    }
}

#[test]
fn a_ceiling_above_twenty_times_the_history_is_out_of_proportion() {
    for (p99, out) in [(50, false), (49, true), (0, true)] {
        let row = only(Function::new("f", 128, 3), vec![ledger("f", p99, 24, None)]);
        assert_eq!(row.findings.contains(&ExposureFinding::OutOfProportion), out, "1000 against {p99}");
    }
}

#[test]
fn a_function_whose_lost_events_nothing_catches_is_named() {
    let mut function = Function::new("f", 128, 3);
    function.asynchronous = Some(AsyncConfig::default());
    assert_eq!(only(function.clone(), vec![]).findings, [ExposureFinding::NoDeadLetter]);
    function.asynchronous = Some(AsyncConfig { on_failure: true, ..AsyncConfig::default() });
    assert_eq!(only(function, vec![]).findings, []);
}

#[test]
fn the_dearest_function_stands_first_and_equals_by_name() {
    let stopped = Function { reserved: Some(0), ..Function::new("stopped", 10_240, 900) };
    let functions = vec![
        stopped,
        Function::new("twin-b", 128, 3),
        Function::new("twin-a", 128, 3),
        Function::new("big", 512, 3),
    ];
    let names: Vec<String> = of(functions, vec![]).0.iter().map(|row| row.function.to_string()).collect();
    assert_eq!(names, ["big", "twin-a", "twin-b", "stopped"]);
}
