//! Tests of unit costs and of a month's bill: the vendor's worked examples, exact numbers, properties.

use proptest::prelude::*;

use super::*;
use crate::inventory::Architecture;
use crate::policy::FreeTier;
use crate::pricing::{Currency, PriceItem, PriceTable, RegionQuotes, companion_per_invocation};

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn virginia() -> RegionQuotes {
    PriceTable::embedded().quotes(&"us-east-1".into())
}

/// Prices of a worked example, in dollars as its page prints them; the request price is per million.
fn prices(per_million: &str, gb_second: &str, ephemeral: &str, configured: &str, busy: &str) -> Quote {
    Quote {
        request: usd(per_million).mul_div_up(1, 1_000_000),
        gb_second: vec![Tier { upto_gb_s: None, price: usd(gb_second) }],
        ephemeral_gb_second: usd(ephemeral),
        provisioned_gb_second: usd(configured),
        provisioned_duration_gb_second: usd(busy),
        currency: Currency::Usd,
        unknown: vec![],
    }
}

fn same(quote: Quote) -> RegionQuotes {
    RegionQuotes { x86_64: quote.clone(), arm64: quote }
}

/// On-demand usage: so many invocations of so many milliseconds each.
fn on_demand(memory_mb: u32, invocations: u64, ms_each: u64) -> Usage {
    Usage { memory_mb, ephemeral_mb: 512, invocations, billed_ms: invocations * ms_each, ..Usage::default() }
}

/// How a page rounds an amount to cents: to the nearest as a rule.
#[derive(Clone, Copy)]
enum Cents {
    Nearest,
    Up,
}

impl Cents {
    fn of(self, amount: Usd) -> i128 {
        let shift = match self {
            Cents::Nearest => 5_000_000_000,
            Cents::Up => 9_999_999_999,
        };
        (amount.picos() + shift).div_euclid(10_000_000_000)
    }
}

/// One worked example: the page's figures are cents for requests, duration, ephemeral storage, provisioned
/// concurrency, duration on it, companions, and their sum.
struct Example {
    source: &'static str,
    quotes: RegionQuotes,
    free_tier: FreeTier,
    usages: Vec<Usage>,
    cents: Cents,
    figures: [i128; 6],
    total: i128,
}

/// "AWS Lambda Pricing" as of 2018 (memory 128 to 3,008 MB, $0.00001667, billed by 100 ms).
fn examples_of_2018() -> Vec<Example> {
    let quotes = same(prices("0.20", "0.00001667", "0", "0", "0"));
    let example = |source, usage, figures, total| Example {
        source,
        quotes: quotes.clone(),
        free_tier: FreeTier::Deduct,
        usages: vec![usage],
        cents: Cents::Nearest,
        figures,
        total,
    };
    vec![
        example(
            "2018, example 1: $18.34 + $0.40",
            on_demand(512, 3_000_000, 1000),
            [40, 1834, 0, 0, 0, 0],
            1874,
        ),
        example(
            "2018, example 2: $5.83 + $5.80",
            on_demand(128, 30_000_000, 200),
            [580, 583, 0, 0, 0, 0],
            1163,
        ),
    ]
}

/// A line of a real bill, "US East (Ohio)-Tier-1": 1,563,577.501 GB-seconds, USD 26.06 (quoted in issue 187 of
/// github.com/Uniswap/routing-api, 2023).
fn bill_line_of_2023() -> Example {
    Example {
        source: "2023, bill line: 1,563,577.501 Lambda-GB-Second, USD 26.06",
        quotes: PriceTable::embedded().quotes(&"us-east-2".into()),
        free_tier: FreeTier::Ignore,
        usages: vec![Usage { memory_mb: 1024, billed_ms: 1_563_577_501, ..Usage::default() }],
        cents: Cents::Nearest,
        figures: [0, 2606, 0, 0, 0, 0],
        total: 2606,
    }
}

/// "AWS Lambda Pricing" as of 2026, at the embedded prices of us-east-1. What the product does not price (streaming,
/// SnapStart, pollers, tenants, durable operations) enters as the page's own figure.
fn examples_of_2026() -> Vec<Example> {
    let example = |source, free_tier, usages, figures, total| Example {
        source,
        quotes: virginia(),
        free_tier,
        usages,
        cents: Cents::Nearest,
        figures,
        total,
    };
    let with = |usage: Usage, dollars: &str| Usage { companions: usd(dollars), ..usage };
    let launch = Usage {
        provisioned_invocations: 500_000,
        provisioned_billed_ms: 500_000 * 100,
        provisioned_env_s: 100 * 8 * 3600,
        ..on_demand(1536, 2_500_000, 120)
    };
    let cyber_monday = Usage {
        memory_mb: 4096,
        provisioned_invocations: 2_000_000,
        provisioned_billed_ms: 2_000_000 * 280,
        provisioned_env_s: 7 * 24 * 3600,
        ..Usage::default()
    };
    let tickets = Usage { ephemeral_mb: 2048, ..on_demand(4096, 6_000_000, 280) };
    let claims = Usage {
        architecture: Architecture::Arm64,
        invocations: 2_000_000,
        billed_ms: 1_000_000 * 32_000,
        memory_mb: 1024,
        companions: usd("68.92"),
        ..Usage::default()
    };
    use FreeTier::{Deduct, Ignore};
    let mut examples = vec![
        example(
            "2026, mobile backend: $2.33 + $0.40",
            Deduct,
            vec![on_demand(1536, 3_000_000, 120)],
            [40, 233, 0, 0, 0, 0],
            273,
        ),
        example(
            "2026, telemetry: $1.49 + $248.00",
            Ignore,
            vec![on_demand(1024, 7_440_000, 2000)],
            [149, 24_800, 0, 0, 0, 0],
            24_949,
        ),
        example(
            "2026, ephemeral storage: $105.33 + $1 + $0.08",
            Deduct,
            vec![tickets],
            [100, 10_533, 8, 0, 0, 0],
            10_641,
        ),
        example(
            "2026, provisioned, app launch: $18 + $0.40 + $0.73 + $0.83",
            Deduct,
            vec![launch],
            [40, 83, 0, 1800, 73, 0],
            1996,
        ),
        example(
            "2026, provisioned, Cyber Monday: $10.08 + $21.78 + $0.40",
            Deduct,
            vec![cyber_monday],
            [40, 0, 0, 1008, 2178, 0],
            3226,
        ),
        example(
            "2026, durable, Arm: $421.34 + $0.20 + $68.92",
            Deduct,
            vec![claims],
            [20, 42_134, 0, 0, 0, 6892],
            49_046,
        ),
        example(
            "2026, SnapStart: $1.49 + $248.00 + $14.43",
            Ignore,
            vec![with(on_demand(1024, 7_440_000, 2000), "14.43")],
            [149, 24_800, 0, 0, 0, 1443],
            26_392,
        ),
        // The page adds up rounded parts: the unrounded ones come to $39.0459.
        example(
            "2026, streaming: $30.83 + $0.40 + $7.81",
            Deduct,
            vec![with(on_demand(1536, 3_000_000, 500), "7.81")],
            [40, 3083, 0, 0, 0, 781],
            3904,
        ),
        example(
            "2026, SQS pollers: $500 + $6 + $74",
            Ignore,
            vec![with(on_demand(1024, 30_000_000, 1000), "74")],
            [600, 50_000, 0, 0, 0, 7400],
            58_000,
        ),
        example(
            "2026, ten Kafka mappings: $1,000 + $60 + $133.2",
            Ignore,
            vec![with(on_demand(1024, 300_000_000, 200), "133.2")],
            [6000, 100_000, 0, 0, 0, 13_320],
            119_320,
        ),
    ];
    // $333.334 is printed as $333.34: the one example that rounds up.
    examples.push(Example {
        cents: Cents::Up,
        ..example(
            "2026, tenants: $2 + $333.34 + $33.4",
            Ignore,
            vec![with(on_demand(1024, 10_000_000, 2000), "33.4")],
            [200, 33_334, 0, 0, 0, 3340],
            36_874,
        )
    });
    // $0.00000625125 per 128 MB-second is $0.00005001 per GB-second.
    examples.push(Example {
        quotes: same(prices("0.60", "0.00005001", "0", "0", "0")),
        ..example(
            "2026, Lambda@Edge: $0.63 + $6.00",
            Ignore,
            vec![on_demand(128, 10_000_000, 10)],
            [600, 63, 0, 0, 0, 0],
            663,
        )
    });
    examples
}

/// "AWS Lambda Pricing" as of early 2025 (SnapStart beyond Java, INIT of managed runtimes not billed yet), which has the
/// first five examples of 2026 and SnapStart, at its own prices.
fn examples_of_2025() -> Vec<Example> {
    let quotes = same(prices("0.20", "0.0000166667", "0.0000000309", "0.0000041667", "0.0000097222"));
    let of_then = |example: &Example| {
        let names = ["mobile", "telemetry", "ephemeral", "app launch", "Cyber Monday", "SnapStart"];
        names.iter().any(|name| example.source.contains(name))
    };
    let all = examples_of_2026().into_iter().filter(of_then);
    all.map(|example| Example { quotes: quotes.clone(), ..example }).collect()
}

#[test]
fn the_vendors_worked_pricing_examples_come_out_to_the_cent() {
    let mut examples = examples_of_2018();
    examples.push(bill_line_of_2023());
    examples.extend(examples_of_2025());
    examples.extend(examples_of_2026());
    assert_eq!(examples.len(), 21);
    for Example { source, quotes, free_tier, usages, cents, figures, total } in examples {
        let bill = bill(&usages, &quotes, free_tier);
        let parts = [
            bill.requests,
            bill.duration_total(),
            bill.ephemeral,
            bill.provisioned,
            bill.provisioned_duration,
            bill.companions,
        ];
        assert_eq!(parts.map(|part| cents.of(part)), figures, "{source}");
        assert_eq!(figures.iter().sum::<i128>(), total, "{source}");
        let off = bill.total() - Usd::from_picos(total * 10_000_000_000);
        assert!(off.picos().abs() < 10_000_000_000, "{source}: {off} off");
    }
}

#[test]
fn the_2026_bill_of_the_app_launch_is_exact_to_the_pico_dollar() {
    let example = examples_of_2026().swap_remove(3);
    let bill = bill(&example.usages, &example.quotes, FreeTier::Deduct);
    let duration = TierCharge {
        architecture: Architecture::X86_64,
        tier: 0,
        mb_ms: 50_000 * 1_024_000,
        cost: usd("0.833335"),
    };
    let expected = Bill {
        requests: usd("0.4"),
        duration: vec![duration],
        ephemeral: Usd::ZERO,
        provisioned: usd("18.000144"),
        provisioned_duration: usd("0.729165"),
        companions: Usd::ZERO,
    };
    assert_eq!(bill, expected);
    assert_eq!(bill.total(), usd("19.962644"));
    let text = serde_json::to_string(&bill).unwrap();
    assert_eq!(serde_json::from_str::<Bill>(&text).unwrap(), bill);
}

#[test]
fn a_month_that_crosses_the_volume_tiers_pays_each_part_at_its_own_price() {
    let gb_s = |gb_s: u64, architecture| Usage {
        architecture,
        memory_mb: 1024,
        billed_ms: gb_s * 1000,
        ..Usage::default()
    };
    let charge = |architecture, tier, gb_s: i128, cost: &str| TierCharge {
        architecture,
        tier,
        mb_ms: gb_s * 1_024_000,
        cost: usd(cost),
    };
    let (x86, arm) = (Architecture::X86_64, Architecture::Arm64);
    let usages = [gb_s(10_000_000_000, x86), gb_s(8_000_000_000, arm), gb_s(6_000_000_000, x86)];
    let bill = bill(&usages, &virginia(), FreeTier::Ignore);
    let expected = vec![
        charge(x86, 0, 6_000_000_000, "100000.2"),
        charge(x86, 1, 9_000_000_000, "135000"),
        charge(x86, 2, 1_000_000_000, "13333.4"),
        charge(arm, 0, 7_500_000_000, "100000.5"),
        charge(arm, 1, 500_000_000, "6000.05"),
    ];
    assert_eq!(bill.duration, expected);
    assert_eq!(bill.total(), usd("354334.15"));
}

#[test]
fn a_tier_filled_exactly_leaves_nothing_to_the_next() {
    let exactly = |gb_s: u64| {
        let usage = Usage { memory_mb: 1024, billed_ms: gb_s * 1000, ..Usage::default() };
        bill(&[usage], &virginia(), FreeTier::Ignore).duration.len()
    };
    assert_eq!([exactly(0), exactly(1), exactly(6_000_000_000), exactly(15_000_000_000)], [0, 1, 1, 2]);
    let over = Usage { memory_mb: 1024, billed_ms: 6_000_000_000_001, ..Usage::default() };
    let charges = bill(&[over], &virginia(), FreeTier::Ignore).duration;
    assert_eq!((charges[1].tier, charges[1].mb_ms, charges[1].cost), (1, 1024, usd("0.000000015")));
}

#[test]
fn usage_beyond_a_last_tier_with_an_end_is_not_lost() {
    let mut quote = prices("0", "2", "0", "0", "0");
    quote.gb_second =
        vec![Tier { upto_gb_s: Some(1), price: usd("2") }, Tier { upto_gb_s: Some(2), price: usd("1") }];
    let usage = Usage { memory_mb: 1024, billed_ms: 5000, ..Usage::default() };
    assert_eq!(bill(&[usage], &same(quote), FreeTier::Ignore).total(), usd("6"));
}

#[test]
fn the_free_tier_is_shared_by_both_architectures_and_taken_off_the_cheaper_first() {
    let usage = |architecture, gb_s: u64| Usage {
        architecture,
        memory_mb: 1024,
        invocations: 600_000,
        billed_ms: gb_s * 1000,
        ..Usage::default()
    };
    let usages = [usage(Architecture::X86_64, 350_000), usage(Architecture::Arm64, 150_000)];
    let left = bill(&usages, &virginia(), FreeTier::Deduct);
    assert_eq!(left.requests, usd("0.04"));
    assert_eq!(left.duration.len(), 1, "Arm is free altogether");
    assert_eq!(left.duration[0].mb_ms, 100_000 * 1_024_000);
    assert_eq!(left.total(), usd("1.70667"));

    // Where x86 is the cheaper one it goes first.
    let mut quotes = virginia();
    std::mem::swap(&mut quotes.x86_64, &mut quotes.arm64);
    let left = bill(&usages, &quotes, FreeTier::Deduct);
    assert_eq!(left.duration.len(), 1);
    assert_eq!(
        (left.duration[0].architecture, left.duration[0].mb_ms),
        (Architecture::Arm64, 100_000 * 1_024_000)
    );

    let ignored = bill(&usages, &virginia(), FreeTier::Ignore);
    assert_eq!(ignored.requests, usd("0.24"));
    assert_eq!(ignored.duration_total(), usd("7.833355"));
}

#[test]
fn free_requests_are_taken_off_the_architecture_where_they_cost_less() {
    let mut quotes = same(prices("0.30", "1", "0", "0", "0"));
    quotes.arm64.request = usd("0.0000002");
    let usage = |architecture| Usage { architecture, invocations: 800_000, ..Usage::default() };
    let usages = [usage(Architecture::X86_64), usage(Architecture::Arm64)];
    assert_eq!(bill(&usages, &quotes, FreeTier::Deduct).requests, usd("0.18"));
    std::mem::swap(&mut quotes.x86_64, &mut quotes.arm64);
    assert_eq!(bill(&usages, &quotes, FreeTier::Deduct).requests, usd("0.18"));
}

#[test]
fn the_free_tier_never_makes_a_charge_negative_and_does_not_reach_provisioned_concurrency() {
    let small = bill(&[on_demand(128, 10, 10)], &virginia(), FreeTier::Deduct);
    assert_eq!(small.total(), Usd::ZERO);
    let provisioned = Usage {
        architecture: Architecture::Arm64,
        memory_mb: 2048,
        ephemeral_mb: 1536,
        provisioned_invocations: 5,
        provisioned_billed_ms: 5000,
        provisioned_env_s: 300,
        ..Usage::default()
    };
    let bill = bill(&[provisioned], &virginia(), FreeTier::Deduct);
    assert_eq!(bill.requests, usd("0.000001"));
    assert_eq!(bill.ephemeral, usd("0.0000001545"));
    assert_eq!(bill.provisioned, usd("0.00200004"));
    assert_eq!(bill.provisioned_duration, usd("0.000077778"));
    assert_eq!(bill.duration, vec![]);
}

#[test]
fn each_charge_is_rounded_up_once_over_the_month() {
    let quotes = same(prices("0", "0.000000000001", "0.000000000001", "0.000000000001", "0.000000000001"));
    let usage =
        Usage { ephemeral_mb: 513, provisioned_billed_ms: 1, provisioned_env_s: 1, ..on_demand(1, 1, 1) };
    let pico = Usd::from_picos(1);
    let bill = bill(&[usage, usage, usage], &quotes, FreeTier::Ignore);
    assert_eq!((bill.duration_total(), bill.ephemeral), (pico, pico));
    assert_eq!((bill.provisioned, bill.provisioned_duration), (pico, pico));
}

#[test]
fn the_tier_in_force_changes_when_the_one_before_is_full() {
    let quote = virginia().x86_64;
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
    UnitCost::new(&function, &virginia().x86_64, &companion, usd("0.000001"))
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
    let unit =
        |function: &Function| UnitCost::new(function, &virginia().x86_64, &Companion::default(), Usd::ZERO);
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
    let unit = UnitCost::new(&function, &virginia().x86_64, &Companion::default(), Usd::ZERO);
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
    let quote = Quote { unknown: vec![PriceItem::Request], ..virginia().x86_64 };
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
    let quotes = virginia();
    let unit = UnitCost::new(&Function::new("f", 512, 10), &quotes.x86_64, &companion, per_companion);
    // 1,000 invocations of 20.4 ms, billed as 21 ms; two cold starts of 100 ms.
    let point = Point { invocations: 1000, duration_us: 20_400_000, concurrency_max: 2, ..Point::default() };
    let exact = Usage { billed_ms: 21_200, companions: per_companion * 1000, ..on_demand(512, 1000, 0) };
    let (estimate, billed) = (unit.of_point(&point, 0, 0), bill(&[exact], &quotes, FreeTier::Ignore).total());
    assert!(estimate.low < billed && billed < estimate.high, "{estimate} {billed}");
    assert!(estimate.expected.per_mille_of(billed) > 990 && estimate.expected.per_mille_of(billed) < 1010);
}

#[test]
fn unit_costs_survive_json() {
    let text = serde_json::to_string(&gigabyte()).unwrap();
    assert_eq!(serde_json::from_str::<UnitCost>(&text).unwrap(), gigabyte());
}

fn any_usage() -> impl Strategy<Value = Usage> {
    let architecture = prop_oneof![Just(Architecture::X86_64), Just(Architecture::Arm64)];
    let counts = (0_u64..50_000_000, 0_u64..1 << 45, 0_u64..1_000_000, 0_u64..1 << 40, 0_u64..1 << 30);
    (architecture, 128_u32..10_240, 512_u32..10_240, counts, 0_i128..1 << 50).prop_map(
        |(architecture, memory_mb, ephemeral_mb, counts, companions)| Usage {
            architecture,
            memory_mb,
            ephemeral_mb,
            invocations: counts.0,
            billed_ms: counts.1,
            provisioned_invocations: counts.2,
            provisioned_billed_ms: counts.3,
            provisioned_env_s: counts.4,
            companions: Usd::from_picos(companions),
        },
    )
}

proptest! {
    #[test]
    fn a_bill_never_falls_when_any_usage_rises(
        usage in any_usage(), other in any_usage(), which in 0..8, more in 1_u32..100_000, deduct in any::<bool>()
    ) {
        let free_tier = if deduct { FreeTier::Deduct } else { FreeTier::Ignore };
        let mut greater = usage;
        match which {
            0 => greater.memory_mb += more,
            1 => greater.ephemeral_mb += more,
            2 => greater.invocations += u64::from(more),
            3 => greater.billed_ms += u64::from(more),
            4 => greater.provisioned_invocations += u64::from(more),
            5 => greater.provisioned_billed_ms += u64::from(more),
            6 => greater.provisioned_env_s += u64::from(more),
            _ => greater.companions += Usd::from_picos(i128::from(more)),
        }
        let quotes = virginia();
        let (before, after) = (bill(&[usage, other], &quotes, free_tier), bill(&[greater, other], &quotes, free_tier));
        prop_assert!(after.total() >= before.total());
    }

    #[test]
    fn the_parts_of_a_bill_add_up_to_the_whole_and_the_tiers_to_the_usage(usages in prop::collection::vec(any_usage(), 0..4)) {
        let bill = bill(&usages, &virginia(), FreeTier::Ignore);
        let tiers: Usd = bill.duration.iter().map(|charge| charge.cost).sum();
        let parts = [bill.requests, tiers, bill.ephemeral, bill.provisioned, bill.provisioned_duration, bill.companions];
        prop_assert_eq!(parts.iter().sum::<Usd>(), bill.total());
        let used: i128 = usages.iter().map(|usage| i128::from(usage.memory_mb) * i128::from(usage.billed_ms)).sum();
        prop_assert_eq!(bill.duration.iter().map(|charge| charge.mb_ms).sum::<i128>(), used);
        prop_assert!(bill.duration.iter().all(|charge| charge.mb_ms > 0));
    }

    #[test]
    fn the_free_tier_saves_no_more_than_it_is_worth(usages in prop::collection::vec(any_usage(), 0..4)) {
        let saved = bill(&usages, &virginia(), FreeTier::Ignore).total() - bill(&usages, &virginia(), FreeTier::Deduct).total();
        prop_assert!(saved >= Usd::ZERO);
        prop_assert!(saved <= usd("6.86669"), "1 M × $0.20/M + 400,000 × $0.0000166667, and rounding");
    }

    #[test]
    fn the_cost_of_a_point_is_an_ordered_range_that_grows_with_the_point(
        invocations in 0_u64..1 << 40, duration_us in 0_u64..1 << 50, concurrency_max in 0_u32..20_000,
        before in 0_u32..20_000, tier in 0_usize..4, more in 0_u32..1_000_000, provisioned in 0_u32..3000
    ) {
        let function = Function { provisioned, ..Function::new("f", 1024, 10) };
        let unit = UnitCost::new(&function, &virginia().x86_64, &Companion::default(), Usd::ZERO);
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
