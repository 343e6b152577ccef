//! Exact changes for every source and depth, and the closed form by hand.

use super::*;
use crate::inventory::{Architecture, AsyncConfig, EventSourceMapping};
use crate::policy::Companion;
use crate::pricing::PriceTable;

const QUIET: Work = Work { attempts_per_mille: 1000, failure_per_mille: 0, allow_event_loss: false };

/// With a floor of five.
fn changes(function: &Function, depth: Depth, work: Work) -> (Vec<(Change, Option<Reason>)>, bool) {
    super::changes(function, depth, 5, work)
}

fn one_gigabyte() -> UnitCost {
    let quote = PriceTable::embedded().quote(&"us-east-1".into(), Architecture::X86_64);
    UnitCost::new(&Function::new("f", 1024, 10), &quote, &Companion::default(), Usd::ZERO)
}

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn function(asynchronous: Option<AsyncConfig>, synchronous: bool) -> Function {
    Function { asynchronous, synchronous, ..Function::new("f", 1024, 10) }
}

fn retrying(on_failure: bool) -> AsyncConfig {
    AsyncConfig { max_retries: 2, max_event_age_s: 21_600, on_failure }
}

fn sqs(id: &str, max_concurrency: Option<u32>, provisioned_pollers: bool) -> EventSourceMapping {
    EventSourceMapping {
        id: id.into(),
        enabled: true,
        batch_size: 10,
        source: EventSource::Sqs {
            max_concurrency,
            provisioned_pollers,
            max_receive_count: Some(3),
            retention_s: 345_600,
        },
    }
}

fn stream(id: &str) -> EventSourceMapping {
    EventSourceMapping {
        id: id.into(),
        enabled: true,
        batch_size: 10,
        source: EventSource::Stream {
            shards: 4,
            parallelization: 1,
            max_retries: None,
            bisect: false,
            retention_s: 86_400,
            on_failure: true,
        },
    }
}

fn consumer(mappings: Vec<EventSourceMapping>) -> Function {
    Function { mappings, ..function(None, false) }
}

fn reserve(from: Option<u32>, to: u32) -> (Change, Option<Reason>) {
    (Change::ReservedConcurrency { from, to: Some(to) }, None)
}

fn slow(mapping: &str, from: Option<u32>, to: u32) -> (Change, Option<Reason>) {
    (Change::MappingConcurrency { mapping: mapping.into(), from, to: Some(to) }, None)
}

fn disable(mapping: &str) -> (Change, Option<Reason>) {
    (Change::MappingEnabled { mapping: mapping.into(), from: true, to: false }, None)
}

fn cut(from_age_s: u32, to_age_s: u32, attempts_per_mille: u32) -> (Change, Option<Reason>) {
    let from = AsyncSetting { max_retries: 2, max_event_age_s: from_age_s };
    let to = AsyncSetting { max_retries: 0, max_event_age_s: to_age_s };
    (Change::AsyncConfig { from, to }, Some(Reason::CutRetries { attempts_per_mille }))
}

#[test]
fn one_unit_of_one_gigabyte_for_an_hour_costs_what_arithmetic_says() {
    // 3,600 s × 0.0000166667 + 36,000 requests × 0.0000002 = 0.06000012 + 0.0072.
    let unit = one_gigabyte();
    assert_eq!(affordable(usd("0.06720012"), 3600, &unit), 1);
    assert_eq!(affordable(usd("0.06720012") - Usd::from_picos(1), 3600, &unit), 0);
    // 148 × 0.06720012 = 9.94561776; ten dollars do not reach 149.
    assert_eq!(affordable(usd("9.94561776"), 3600, &unit), 148);
    assert_eq!(affordable(usd("9.94561776") - Usd::from_picos(1), 3600, &unit), 147);
    assert_eq!(affordable(Usd::from_dollars(10), 3600, &unit), 148);
    assert_eq!(affordable(Usd::from_dollars(10), 7200, &unit), 74);
}

#[test]
fn a_budget_of_invocations_affords_ten_a_second_per_unit() {
    let unit = UnitCost::counting();
    assert_eq!(affordable(Usd::from_dollars(1999), 100, &unit), 1);
    assert_eq!(affordable(Usd::from_dollars(2000), 100, &unit), 2);
}

#[test]
fn no_money_or_debt_affords_nothing_and_what_costs_nothing_is_affordable_without_end() {
    let unit = one_gigabyte();
    assert_eq!(affordable(Usd::ZERO, 60, &unit), 0);
    assert_eq!(affordable(-Usd::from_dollars(5), 60, &unit), 0);
    assert_eq!(affordable(Usd::ZERO, 0, &unit), u32::MAX);
    assert_eq!(affordable(Usd::from_dollars(1_000_000), 1, &unit), u32::MAX, "more than fits is the most");
}

#[test]
fn a_synchronous_function_has_its_reserved_concurrency_lowered_and_never_raised() {
    let mut web = function(None, true);
    assert_eq!(changes(&web, Depth::Cap(7), QUIET), (vec![reserve(None, 7)], false));
    assert_eq!(changes(&web, Depth::Stop, QUIET), (vec![reserve(None, 0)], false));
    web.reserved = Some(8);
    assert_eq!(changes(&web, Depth::Cap(7), QUIET), (vec![reserve(Some(8), 7)], false));
    for already in [7, 6, 0] {
        web.reserved = Some(already);
        assert_eq!(changes(&web, Depth::Cap(7), QUIET), (vec![], false), "{already}");
    }
    assert_eq!(changes(&web, Depth::Stop, QUIET), (vec![], false), "stopped already");
}

#[test]
fn provisioned_concurrency_is_the_least_that_a_reservation_may_be() {
    let mut web = function(None, true);
    web.provisioned = 20;
    assert_eq!(changes(&web, Depth::Cap(7), QUIET), (vec![reserve(None, 20)], false));
    assert_eq!(changes(&web, Depth::Cap(21), QUIET), (vec![reserve(None, 21)], false));
    assert_eq!(changes(&web, Depth::Stop, QUIET), (vec![reserve(None, 20)], false));
    web.reserved = Some(20);
    assert_eq!(changes(&web, Depth::Cap(7), QUIET), (vec![], false));
}

#[test]
fn a_function_that_nothing_invokes_has_no_lever() {
    let none = function(None, false);
    assert_eq!(changes(&none, Depth::Cap(7), QUIET), (vec![], false));
    assert_eq!(changes(&none, Depth::Stop, QUIET), (vec![], false));
}

#[test]
fn retries_are_cut_above_one_in_twenty_repeated_or_failing_and_not_at_it() {
    let worker = function(Some(retrying(true)), false);
    let with = |attempts_per_mille, failure_per_mille| {
        changes(&worker, Depth::Cap(7), Work { attempts_per_mille, failure_per_mille, ..QUIET })
    };
    let cap = reserve(None, 7);
    assert_eq!(with(1050, 50), (vec![cap.clone()], false));
    assert_eq!(with(1051, 0), (vec![cut(21_600, 3600, 1051), cap.clone()], false));
    assert_eq!(with(1000, 51), (vec![cut(21_600, 3600, 1000), cap], false));
}

#[test]
fn an_event_age_is_cut_to_an_hour_and_a_shorter_one_is_kept() {
    let work = Work { failure_per_mille: 500, ..QUIET };
    for (age, to) in [(21_600, 3600), (3601, 3600), (3600, 3600), (60, 60)] {
        let worker = function(Some(AsyncConfig { max_event_age_s: age, ..retrying(true) }), false);
        let (all, refused) = changes(&worker, Depth::Cap(7), work);
        assert_eq!(all.first(), Some(&cut(age, to, 1000)), "{age}");
        assert!(!refused);
    }
}

#[test]
fn retries_that_are_none_already_are_not_cut() {
    let worker = function(Some(AsyncConfig { max_retries: 0, ..retrying(false) }), false);
    let work = Work { attempts_per_mille: 3000, failure_per_mille: 1000, ..QUIET };
    assert_eq!(changes(&worker, Depth::Cap(7), work), (vec![reserve(None, 7)], false));
}

#[test]
fn without_a_place_for_failed_events_retries_stay_and_a_stop_is_refused_unless_loss_is_allowed() {
    let worker = function(Some(retrying(false)), false);
    let failing = Work { failure_per_mille: 900, ..QUIET };
    let lossy = Work { allow_event_loss: true, ..failing };
    assert_eq!(changes(&worker, Depth::Cap(7), failing), (vec![reserve(None, 7)], true));
    assert_eq!(changes(&worker, Depth::Cap(7), QUIET), (vec![reserve(None, 7)], false));
    assert_eq!(changes(&worker, Depth::Stop, QUIET), (vec![reserve(None, 5)], true), "the floor is left");
    assert_eq!(
        changes(&worker, Depth::Cap(7), lossy),
        (vec![cut(21_600, 3600, 1000), reserve(None, 7)], false)
    );
    assert_eq!(
        changes(&worker, Depth::Stop, lossy),
        (vec![cut(21_600, 3600, 1000), reserve(None, 0)], false)
    );
}

#[test]
fn with_a_place_for_failed_events_a_stop_is_a_stop() {
    let worker = function(Some(retrying(true)), false);
    assert_eq!(changes(&worker, Depth::Stop, QUIET), (vec![reserve(None, 0)], false));
}

#[test]
fn a_queue_is_slowed_at_its_mapping_within_what_aws_accepts() {
    for (cap, to) in [(2, 2), (7, 7), (1000, 1000), (1001, 1000)] {
        let queue = consumer(vec![sqs("m", None, false)]);
        assert_eq!(changes(&queue, Depth::Cap(cap), QUIET), (vec![slow("m", None, to)], false), "{cap}");
    }
    let queue = consumer(vec![sqs("m", Some(8), false)]);
    assert_eq!(changes(&queue, Depth::Cap(7), QUIET), (vec![slow("m", Some(8), 7)], false));
    for already in [7, 6] {
        let queue = consumer(vec![sqs("m", Some(already), false)]);
        assert_eq!(changes(&queue, Depth::Cap(7), QUIET), (vec![], false), "{already}");
    }
    let queue = consumer(vec![sqs("m", Some(2), false)]);
    assert_eq!(changes(&queue, Depth::Stop, QUIET), (vec![disable("m")], false));
}

#[test]
fn provisioned_pollers_leave_reserved_concurrency_for_a_cap_and_the_mapping_for_a_stop() {
    let queue = consumer(vec![sqs("m", None, true)]);
    assert_eq!(changes(&queue, Depth::Cap(7), QUIET), (vec![reserve(None, 7)], false));
    assert_eq!(changes(&queue, Depth::Stop, QUIET), (vec![disable("m")], false));
}

#[test]
fn a_stream_is_slowed_by_reserved_concurrency_and_stopped_at_its_mapping() {
    let reader = consumer(vec![stream("s")]);
    assert_eq!(changes(&reader, Depth::Cap(7), QUIET), (vec![reserve(None, 7)], false));
    assert_eq!(changes(&reader, Depth::Stop, QUIET), (vec![disable("s")], false));
}

#[test]
fn a_disabled_mapping_is_not_touched_and_asks_for_no_cap() {
    let mut off = sqs("m", None, false);
    off.enabled = false;
    let mut still = stream("s");
    still.enabled = false;
    let idle = consumer(vec![off, still]);
    assert_eq!(changes(&idle, Depth::Cap(7), QUIET), (vec![], false));
    assert_eq!(changes(&idle, Depth::Stop, QUIET), (vec![], false));
}

#[test]
fn a_function_with_several_sources_has_each_brought_down_in_order() {
    let mixed = Function {
        mappings: vec![sqs("a", None, false), sqs("b", Some(3), false), stream("c")],
        ..function(Some(retrying(true)), true)
    };
    let work = Work { attempts_per_mille: 2000, failure_per_mille: 500, allow_event_loss: false };
    assert_eq!(
        changes(&mixed, Depth::Cap(7), work),
        (vec![cut(21_600, 3600, 2000), slow("a", None, 4), reserve(None, 7)], false)
    );
    assert_eq!(
        changes(&mixed, Depth::Stop, work),
        (vec![cut(21_600, 3600, 2000), disable("a"), disable("b"), disable("c"), reserve(None, 0)], false)
    );
}

#[test]
fn a_queue_beside_a_stream_is_capped_by_both_levers() {
    let both = consumer(vec![sqs("a", None, false), stream("c")]);
    assert_eq!(changes(&both, Depth::Cap(7), QUIET), (vec![slow("a", None, 7), reserve(None, 7)], false));
    assert_eq!(changes(&both, Depth::Stop, QUIET), (vec![disable("a"), disable("c")], false));
}

#[test]
fn a_mapping_without_a_dead_letter_queue_is_not_stopped_unless_loss_is_allowed() {
    let mut queue = sqs("a", None, false);
    if let EventSource::Sqs { max_receive_count, .. } = &mut queue.source {
        *max_receive_count = None;
    }
    let mut reader = stream("c");
    if let EventSource::Stream { on_failure, .. } = &mut reader.source {
        *on_failure = false;
    }
    let lossy = Work { allow_event_loss: true, ..QUIET };
    for (mapping, id) in [(queue, "a"), (reader, "c")] {
        let caught = sqs("b", None, false);
        let both = consumer(vec![mapping.clone(), caught.clone()]);
        let floor = super::changes(&both, Depth::Cap(5), 5, QUIET).0;
        assert_eq!(changes(&both, Depth::Stop, QUIET), (floor, true));
        assert_eq!(changes(&both, Depth::Stop, lossy), (vec![disable(id), disable("b")], false));
        assert!(!changes(&both, Depth::Cap(7), QUIET).1, "a cap loses nothing");
        let direct = Function { synchronous: true, ..both };
        assert_eq!(left(&direct, &changes(&direct, Depth::Stop, QUIET).0), Some(5), "nor is it starved");
        let mut off = mapping;
        off.enabled = false;
        let idle = Function { synchronous: true, ..consumer(vec![off, caught]) };
        assert_eq!(changes(&idle, Depth::Stop, QUIET), (vec![disable("b"), reserve(None, 0)], false));
    }
}

/// Mappings named by letters, each with its own limit.
fn queues(limits: &[Option<u32>]) -> Function {
    let mapping = |(letter, limit): (char, &Option<u32>)| sqs(&letter.to_string(), *limit, false);
    consumer(('a'..).zip(limits).map(mapping).collect())
}

#[test]
fn several_queues_share_one_cap() {
    for (limits, cap, to) in [
        (&[None, None][..], 5, &[3, 2][..]),
        (&[None, None, None], 30, &[10, 10, 10]),
        (&[None, Some(2), None], 30, &[14, 2, 14]),
        (&[Some(40), None], 30, &[15, 15]),
        (&[None, Some(3), Some(4)], 12, &[5, 3, 4]),
        (&[None, None], 4000, &[1000, 1000]),
    ] {
        let queues = queues(limits);
        let got: Vec<u32> = shares(&queues, cap).iter().map(|(_, share)| *share).collect();
        assert_eq!(got, to, "{limits:?} {cap}");
        assert!(!changes(&queues, Depth::Cap(cap), QUIET).0.contains(&reserve(None, cap)), "{limits:?}");
    }
}

#[test]
fn where_two_for_each_queue_are_more_than_the_cap_the_function_reserves_it_first() {
    let crowd = queues(&[None, None, None]);
    assert_eq!(
        changes(&crowd, Depth::Cap(5), QUIET).0,
        [reserve(None, 5), slow("a", None, 2), slow("b", None, 2), slow("c", None, 2)]
    );
    let one = queues(&[None]);
    assert_eq!(changes(&one, Depth::Cap(1), QUIET).0, [reserve(None, 1), slow("a", None, 2)]);
    assert_eq!(reservation(&crowd, 5), 5);
    assert_eq!(reservation(&crowd, 6), 0, "two for each are just as many");
}

#[test]
fn a_function_reaches_what_its_sources_and_its_reservation_allow() {
    assert_eq!(reach(&queues(&[Some(3), Some(4)])), Some(7));
    assert_eq!(reach(&queues(&[Some(3), None])), None);
    assert_eq!(reach(&Function { reserved: Some(5), ..queues(&[Some(3), Some(4)]) }), Some(5));
    assert_eq!(reach(&Function { reserved: Some(5), ..queues(&[None]) }), Some(5));
    assert_eq!(reach(&consumer(vec![stream("c")])), Some(4));
    assert_eq!(reach(&consumer(vec![stream("c"), sqs("a", Some(2), true)])), None, "pollers have no limit");
    assert_eq!(reach(&function(None, true)), None);
}

proptest::proptest! {
    #[test]
    fn what_the_levers_leave_is_no_more_than_the_cap_or_what_aws_makes_the_least(
        limits in proptest::collection::vec(proptest::option::of(2..60_u32), 0..12),
        pollers in 0..3_usize,
        streams in 0..2_usize,
        (synchronous, is_async, on_failure) in proptest::prelude::any::<(bool, bool, bool)>(),
        reserved in proptest::option::of(0..80_u32),
        provisioned in 0..12_u32,
        cap in 1..120_u32,
    ) {
        let mut mappings = queues(&limits).mappings;
        mappings.extend((0..pollers).map(|n| sqs(&format!("p{n}"), None, true)));
        mappings.extend((0..streams).map(|n| stream(&format!("s{n}"))));
        let drawn = Function {
            mappings,
            reserved,
            provisioned,
            ..function(is_async.then(|| retrying(on_failure)), synchronous)
        };
        let (made, _) = changes(&drawn, Depth::Cap(cap), QUIET);
        let most = left(&drawn, &made).unwrap();
        proptest::prop_assert!(most <= cap.max(provisioned), "{most} of {cap}");
        let (stopped, is_refused) = changes(&drawn, Depth::Stop, QUIET);
        let most = left(&drawn, &stopped).unwrap();
        let floor = if is_refused { 5 } else { 0 };
        proptest::prop_assert!(most <= provisioned.max(floor), "{most} after a stop");
    }
}
