//! Tests of unit costs: exact numbers, properties. The vendor's worked examples: `simulator/tests/oracles`.

use proptest::prelude::*;

use super::*;
use crate::extras::Extra;
use crate::inventory::Architecture;
use crate::pricing::{PriceItem, PriceTable, companion_per_invocation};

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn virginia() -> Quote {
    PriceTable::embedded().quote(&"us-east-1".into(), Architecture::X86_64)
}

#[test]
fn the_tier_in_force_changes_when_the_one_before_is_full() {
    let quote = virginia();
    let gb_s = MB_US_PER_GB_S;
    assert_eq!(tier_at(-1, &quote), 0);
    assert_eq!(tier_at(0, &quote), 0);
    assert_eq!(tier_at(6_000_000_000 * gb_s - 1, &quote), 0);
    assert_eq!(tier_at(6_000_000_000 * gb_s, &quote), 1);
    assert_eq!(tier_at(15_000_000_000 * gb_s - 1, &quote), 1);
    assert_eq!(tier_at(15_000_000_000 * gb_s, &quote), 2);
    assert_eq!(tier_at(i128::MAX, &quote), 2);
    let ended = Quote { gb_second: vec![Tier { upto_gb_s: Some(1), price: Usd::ZERO }], ..quote.clone() };
    assert_eq!(tier_at(5 * gb_s, &ended), 0, "there is no tier beyond the last");
    assert_eq!(tier_at(5, &Quote { gb_second: vec![], ..quote }), 0);
}

/// 1 GB, 1,024 MB of `/tmp`, at $0.0000166667 and $0.0000000309 per GB-second and $0.20 per million.
fn gigabyte() -> UnitCost {
    let mut function = Function::new("f", 1024, 30);
    function.ephemeral_mb = 1024;
    let companion = Companion { init_ms: 200, ..Companion::default() };
    UnitCost::new(&function, &virginia(), &companion, usd("0.000001"))
}

#[test]
fn a_start_from_a_snapshot_or_of_a_tenant_costs_what_the_price_list_says_of_each_gigabyte() {
    let of = |memory_mb: u32, extras: &[Extra]| {
        let function =
            Function { extras: extras.iter().copied().collect(), ..Function::new("f", memory_mb, 30) };
        UnitCost::new(&function, &virginia(), &Companion::default(), Usd::ZERO)
    };
    for (extra, per_gb) in [(Extra::SnapStart, "0.0001397998"), (Extra::TenantIsolation, "0.000167")] {
        let (plain, with) = (of(2048, &[]), of(2048, &[extra]));
        let more = usd(per_gb) * 2;
        assert_eq!(with.per_cold_start.expected - plain.per_cold_start.expected, more);
        assert_eq!(with.per_cold_start.high - plain.per_cold_start.high, more);
        // Starts that take ten seconds instead of the expected time: what each costs by itself is in both.
        let point = Point { invocations: 100, concurrency_max: 100, duration_us: 0, ..Point::default() };
        assert_eq!(with.longest_starts(&point, 50), plain.longest_starts(&point, 50));
    }
    assert_eq!(of(512, &[Extra::DurableExecution]), of(512, &[]), "it is named, and not counted");
}

#[test]
fn the_unit_costs_of_a_function_are_exact() {
    let unit = gigabyte();
    // 16,666,700 pico-dollars for memory, 30,900 × ½ for storage, per second.
    assert_eq!(unit.per_busy_second(), Usd::from_picos(16_682_150));
    assert_eq!(unit.compute(0, 1000), Usd::from_picos(16_683), "16,682.15, up");
    assert_eq!(unit.compute(1, 1_000_000), Usd::from_picos(15_015_450));
    assert_eq!(unit.compute(2, 1_000_000), Usd::from_picos(13_348_850));
    assert_eq!(unit.compute(99, 1_000_000), unit.compute(2, 1_000_000), "past the last tier is the last");
    assert_eq!(unit.per_request, Usd::from_picos(1_200_000));
    let rounding = Causes::of(Cause::MillisecondRounding);
    let picos = |low, expected, high, causes| UsdRange {
        low: Usd::from_picos(low),
        expected: Usd::from_picos(expected),
        high: Usd::from_picos(high),
        causes,
    };
    assert_eq!(unit.per_invocation, picos(1_200_000, 1_208_342, 1_216_683, rounding));
    assert_eq!(unit.per_cold_start, picos(0, 3_336_430, 6_672_860, Causes::of(Cause::InitEstimate)));
}

#[test]
fn ephemeral_storage_costs_nothing_up_to_512_mb() {
    let mut function = Function::new("f", 1024, 30);
    let unit = |function: &Function| UnitCost::new(function, &virginia(), &Companion::default(), Usd::ZERO);
    assert_eq!(unit(&function).per_busy_second(), Usd::from_picos(16_666_700));
    function.ephemeral_mb = 513;
    assert_eq!(unit(&function).per_busy_second(), Usd::from_picos(16_666_731));
}

#[test]
fn the_worst_second_of_one_environment_answers_ten_requests() {
    let unit = gigabyte();
    assert_eq!(unit.worst_per_concurrency(1), Usd::from_picos(16_682_150 + 12_000_000));
    assert_eq!(unit.worst_per_concurrency(60), Usd::from_picos(60 * 28_682_150));
    assert_eq!(unit.worst_per_concurrency(0), Usd::ZERO);
}

#[test]
fn a_minute_costs_its_requests_duration_rounding_and_cold_starts() {
    let unit = gigabyte();
    let point = Point { invocations: 100, duration_us: 2_000_000, concurrency_max: 5, ..Point::default() };
    let cost = unit.of_point(&point, 2, 0);
    let compute = 2 * 16_682_150;
    assert_eq!(cost.low, Usd::from_picos(120_000_000 + compute));
    assert_eq!(cost.expected, Usd::from_picos(120_834_200 + compute + 3 * 3_336_430));
    assert_eq!(cost.high, Usd::from_picos(121_668_300 + compute + 5 * 6_672_860));
    assert_eq!(cost.causes, [Cause::MillisecondRounding, Cause::InitEstimate].into_iter().collect());
    assert_eq!(unit.of_point(&point, 2, 1).low, Usd::from_picos(120_000_000 + 2 * 15_015_450));

    // Concurrency that fell brings no cold start that is likely, and none beyond the invocations made.
    assert_eq!(unit.of_point(&point, 9, 0).expected, Usd::from_picos(120_834_200 + compute));
    let few = Point { invocations: 3, duration_us: 0, concurrency_max: 5, ..Point::default() };
    assert_eq!(unit.of_point(&few, 0, 0).expected, Usd::from_picos(3 * 1_208_342 + 3 * 3_336_430));
    assert_eq!(unit.of_point(&few, 0, 0).high, Usd::from_picos(3 * 1_216_683 + 3 * 6_672_860));
}

#[test]
fn duration_that_provisioned_environments_had_time_for_is_expected_at_their_price() {
    let function = Function { provisioned: 2, ..Function::new("f", 1024, 10) };
    let unit = UnitCost::new(&function, &virginia(), &Companion::default(), Usd::ZERO);
    let minute = |duration_us| Point { invocations: 1, duration_us, concurrency_max: 2, ..Point::default() };
    let compute = |point: &Point| {
        let cost = unit.of_point_over(point, 2, 0, 60);
        let rest = unit.of_point(point, 2, 0);
        assert_eq!(cost.high, rest.high, "nothing tells that it was not on demand");
        assert_eq!(rest.expected - cost.expected, rest.low - cost.low);
        assert!(cost.causes.contains(Cause::ProvisionedShare));
        rest.low - cost.low
    };
    // 0.0000166667 - 0.0000097222 = 0.0000069445 less per GB-second.
    assert_eq!(compute(&minute(90_000_000)), Usd::from_picos(90 * 6_944_500));
    // Two environments have two minutes of time in a minute; the third ran on demand.
    assert_eq!(compute(&minute(180_000_000)), Usd::from_picos(120 * 6_944_500));
    let hour = unit.of_point_over(&minute(180_000_000), 2, 0, 3600);
    assert_eq!(unit.of_point(&minute(180_000_000), 2, 0).low - hour.low, Usd::from_picos(180 * 6_944_500));
    let without = gigabyte().of_point_over(&minute(90_000_000), 2, 0, 60);
    assert_eq!(without, gigabyte().of_point(&minute(90_000_000), 2, 0));
}

#[test]
fn an_idle_minute_costs_nothing_and_blames_no_cold_start() {
    let idle = gigabyte().of_point(&Point::default(), 0, 0);
    assert_eq!(idle, UsdRange { causes: Causes::of(Cause::MillisecondRounding), ..UsdRange::ZERO });
    let busy = Point { concurrency_max: 1, ..Point::default() };
    assert!(!gigabyte().of_point(&busy, 0, 0).causes.contains(Cause::InitEstimate));
}

#[test]
fn an_unknown_price_is_a_cause_of_every_cost() {
    let quote = Quote { unknown: vec![PriceItem::Request], ..virginia() };
    let unit = UnitCost::new(&Function::new("f", 128, 3), &quote, &Companion::default(), Usd::ZERO);
    assert!(unit.of_point(&Point::default(), 0, 0).causes.contains(Cause::UnknownPrice));
    assert!(!gigabyte().per_invocation.causes.contains(Cause::UnknownPrice));
}

#[test]
fn a_budget_of_invocations_counts_one_each_and_nothing_for_time() {
    let unit = UnitCost::counting();
    let point = Point { invocations: 7, duration_us: 9_000_000, concurrency_max: 3, ..Point::default() };
    let cost = unit.of_point(&point, 0, 0);
    assert_eq!((cost.low, cost.expected, cost.high), (usd("7"), usd("7"), usd("7")));
    assert_eq!(unit.per_request, usd("1"));
    assert_eq!(unit.per_busy_second(), Usd::ZERO);
    assert_eq!(unit.worst_per_concurrency(6), usd("60"));
}

#[test]
fn the_estimate_from_metrics_encloses_the_bill_of_the_same_invocations() {
    let companion = Companion { log_bytes: 900, init_ms: 100, ..Companion::default() };
    let per_companion = companion_per_invocation(&companion);
    let unit = UnitCost::new(&Function::new("f", 512, 10), &virginia(), &companion, per_companion);
    // 1,000 invocations of 20.4 ms, billed as 21 ms; two cold starts of 100 ms.
    let point = Point { invocations: 1000, duration_us: 20_400_000, concurrency_max: 2, ..Point::default() };
    // 21.2 s of half a GB at $0.0000166667, a thousand requests at $0.0000002, and their logs.
    let billed = usd("0.00017666702") + usd("0.0002") + per_companion * 1000;
    let estimate = unit.of_point(&point, 0, 0);
    assert!(estimate.low < billed && billed < estimate.high, "{estimate} {billed}");
    assert!(estimate.expected.per_mille_of(billed) > 990 && estimate.expected.per_mille_of(billed) < 1010);
}

#[test]
fn unit_costs_survive_json() {
    let text = serde_json::to_string(&gigabyte()).unwrap();
    assert_eq!(serde_json::from_str::<UnitCost>(&text).unwrap(), gigabyte());
}

proptest! {
    #[test]
    fn the_cost_of_a_point_is_an_ordered_range_that_grows_with_the_point(
        invocations in 0_u64..1 << 40, duration_us in 0_u64..1 << 50, concurrency_max in 0_u32..20_000,
        before in 0_u32..20_000, tier in 0_usize..4, more in 0_u32..1_000_000, provisioned in 0_u32..3000
    ) {
        let function = Function { provisioned, ..Function::new("f", 1024, 10) };
        let unit = UnitCost::new(&function, &virginia(), &Companion::default(), Usd::ZERO);
        let point = Point { invocations, duration_us, concurrency_max, ..Point::default() };
        let cost = unit.of_point_over(&point, before, tier, 60);
        prop_assert!(Usd::ZERO <= cost.low && cost.low <= cost.expected && cost.expected <= cost.high);
        for greater in [
            Point { invocations: invocations + u64::from(more), ..point },
            Point { duration_us: duration_us + u64::from(more), ..point },
            Point { concurrency_max: concurrency_max + more, ..point },
        ] {
            let greater = unit.of_point_over(&greater, before, tier, 60);
            prop_assert!(greater.low >= cost.low && greater.expected >= cost.expected && greater.high >= cost.high);
        }
    }
}
