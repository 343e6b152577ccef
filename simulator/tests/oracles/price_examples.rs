//! The worked examples of "AWS Lambda Pricing", of 2018, 2025 and 2026, and a line of a real bill: what the simulator
//! bills and what the guard reckons for the same usage both come out to the cent that is printed there.

use std::collections::BTreeMap;

use guard_core::inventory::{AccountLimits, Architecture, Function, Inventory};
use guard_core::money::Usd;
use guard_core::observation::Point;
use guard_core::policy::Policy;
use guard_core::pricing::{FREE_GB_SECONDS, FREE_REQUESTS, PriceTable};
use guard_core::roster::Roster;
use guard_core::time::Minute;
use simulator::invoice::Invoice;
use simulator::load::{Loaded, Source};
use simulator::world::Tally;

use Architecture::{Arm64, X86_64};

/// One worked example. What neither bill prices (streaming, SnapStart, pollers, tenants, durable operations) is the
/// page's own figure, in `beside`.
#[derive(Clone)]
struct Example {
    source: &'static str,
    prices: PriceTable,
    region: &'static str,
    architecture: Architecture,
    memory_mb: u32,
    ephemeral_mb: u32,
    /// Invocations, and milliseconds of all of them together.
    on_demand: (u64, u64),
    provisioned: (u64, u64),
    /// Environments configured, and for how many minutes.
    configured: (u32, u32),
    /// Whether the page takes the free tier off.
    free_tier: bool,
    /// Whether the page rounds a part of a cent up; as a rule to the nearest.
    up: bool,
    /// The page's figures in cents: requests, duration, ephemeral storage, provisioned concurrency, duration on it.
    figures: [i128; 5],
    beside: i128,
    total: i128,
}

fn example(
    source: &'static str,
    memory_mb: u32,
    (invocations, ms_each): (u64, u64),
    free_tier: bool,
    figures: [i128; 5],
    total: i128,
) -> Example {
    Example {
        source,
        prices: PriceTable::embedded().clone(),
        region: "us-east-1",
        architecture: X86_64,
        memory_mb,
        ephemeral_mb: 512,
        on_demand: (invocations, invocations * ms_each),
        provisioned: (0, 0),
        configured: (0, 0),
        free_tier,
        up: false,
        figures,
        beside: 0,
        total,
    }
}

/// Prices as a page prints them, in dollars; the request price is per million.
fn prices(per_million: &str, gb_second: &str, others: &str) -> PriceTable {
    let heading = "region,arch,request_usd_per_million,gb_second_tier1,ephemeral_gb_second,pc_gb_second,\
                   pc_duration_gb_second,gb_second_tier2,gb_second_tier3,tier1_upto_gbs,tier2_upto_gbs,currency";
    let row = format!("us-east-1,x86_64,{per_million},{gb_second},{others},,,,,USD");
    PriceTable::from_csv(&format!("{heading}\n{row}\n")).unwrap()
}

/// The page as of 2018 (memory 128 to 3,008 MB, $0.00001667, billed by 100 ms).
fn of_2018() -> [Example; 2] {
    let then = || prices("0.20", "0.00001667", "0,0,0");
    [
        Example {
            prices: then(),
            ..example("2018, 1: $18.34 + $0.40", 512, (3_000_000, 1000), true, [40, 1834, 0, 0, 0], 1874)
        },
        Example {
            prices: then(),
            ..example("2018, 2: $5.83 + $5.80", 128, (30_000_000, 200), true, [580, 583, 0, 0, 0], 1163)
        },
    ]
}

/// A line of a real bill, "US East (Ohio)-Tier-1": 1,563,577.501 GB-seconds, USD 26.06 (quoted in issue 187 of
/// github.com/Uniswap/routing-api, 2023).
fn bill_line_of_2023() -> Example {
    Example {
        region: "us-east-2",
        on_demand: (0, 1_563_577_501),
        ..example("2023, bill line: USD 26.06", 1024, (0, 0), false, [0, 2606, 0, 0, 0], 2606)
    }
}

/// The page as of 2026, at the embedded prices of us-east-1.
fn of_2026() -> Vec<Example> {
    let telemetry =
        example("2026, telemetry", 1024, (7_440_000, 2000), false, [149, 24_800, 0, 0, 0], 24_949);
    vec![
        example("2026, mobile: $2.33 + $0.40", 1536, (3_000_000, 120), true, [40, 233, 0, 0, 0], 273),
        telemetry.clone(),
        Example {
            ephemeral_mb: 2048,
            ..example(
                "2026, ephemeral: $105.33 + $1 + $0.08",
                4096,
                (6_000_000, 280),
                true,
                [100, 10_533, 8, 0, 0],
                10_641,
            )
        },
        Example {
            provisioned: (500_000, 500_000 * 100),
            configured: (100, 8 * 60),
            ..example(
                "2026, app launch: $18 + $0.40 + $0.73 + $0.83",
                1536,
                (2_500_000, 120),
                true,
                [40, 83, 0, 1800, 73],
                1996,
            )
        },
        Example {
            provisioned: (2_000_000, 2_000_000 * 280),
            configured: (7, 24 * 60),
            ..example(
                "2026, Cyber Monday: $10.08 + $21.78 + $0.40",
                4096,
                (0, 0),
                true,
                [40, 0, 0, 1008, 2178],
                3226,
            )
        },
        Example {
            architecture: Arm64,
            on_demand: (2_000_000, 1_000_000 * 32_000),
            beside: 6892,
            ..example(
                "2026, durable, Arm: $421.34 + $0.20 + $68.92",
                1024,
                (0, 0),
                true,
                [20, 42_134, 0, 0, 0],
                49_046,
            )
        },
        Example { source: "2026, SnapStart: and $14.43", beside: 1443, total: 26_392, ..telemetry },
        // The page adds up rounded parts: the unrounded ones come to $39.0459.
        Example {
            beside: 781,
            ..example(
                "2026, streaming: $30.83 + $0.40 + $7.81",
                1536,
                (3_000_000, 500),
                true,
                [40, 3083, 0, 0, 0],
                3904,
            )
        },
        Example {
            beside: 7400,
            ..example(
                "2026, SQS pollers: $500 + $6 + $74",
                1024,
                (30_000_000, 1000),
                false,
                [600, 50_000, 0, 0, 0],
                58_000,
            )
        },
        Example {
            beside: 13_320,
            ..example(
                "2026, ten Kafka mappings: $1,000 + $60 + $133.2",
                1024,
                (300_000_000, 200),
                false,
                [6000, 100_000, 0, 0, 0],
                119_320,
            )
        },
        // $333.334 is printed as $333.34: the one example that rounds up.
        Example {
            beside: 3340,
            up: true,
            ..example(
                "2026, tenants: $2 + $333.34 + $33.4",
                1024,
                (10_000_000, 2000),
                false,
                [200, 33_334, 0, 0, 0],
                36_874,
            )
        },
        // $0.00000625125 per 128 MB-second is $0.00005001 per GB-second.
        Example {
            prices: prices("0.60", "0.00005001", "0,0,0"),
            ..example(
                "2026, Lambda@Edge: $0.63 + $6.00",
                128,
                (10_000_000, 10),
                false,
                [600, 63, 0, 0, 0],
                663,
            )
        },
    ]
}

/// The page as of early 2025 (SnapStart beyond Java, INIT of managed runtimes not billed yet), which has the first five
/// examples of 2026 and SnapStart, at its own prices.
fn of_2025() -> impl Iterator<Item = Example> {
    let names = ["mobile", "telemetry", "ephemeral", "app launch", "Cyber Monday", "SnapStart"];
    let then = prices("0.20", "0.0000166667", "0.0000000309,0.0000041667,0.0000097222");
    let all = of_2026().into_iter();
    all.filter(move |example| names.iter().any(|name| example.source.contains(name)))
        .map(move |example| Example { prices: then.clone(), ..example })
}

fn all_examples() -> Vec<Example> {
    let mut all = of_2018().to_vec();
    all.push(bill_line_of_2023());
    all.extend(of_2025());
    all.extend(of_2026());
    assert_eq!(all.len(), 21);
    all
}

impl Example {
    /// Invocations and milliseconds that are left of those on demand after the free tier, which does not reach
    /// provisioned concurrency.
    fn charged(&self) -> (u64, u64) {
        let (invocations, ms) = self.on_demand;
        if !self.free_tier {
            return self.on_demand;
        }
        let free_ms = FREE_GB_SECONDS * 1000 * 1024 / u64::from(self.memory_mb);
        (invocations.saturating_sub(FREE_REQUESTS), ms.saturating_sub(free_ms))
    }

    /// The parts on the simulator's bill.
    fn billed(&self) -> [Usd; 5] {
        let (invocations, ms) = self.charged();
        let attempts = invocations + self.provisioned.0;
        let with = |ephemeral_mb: u32, attempts: u64, billed_ms: u64, provisioned_ms: u64| {
            let tally = Tally { attempts, billed_ms, provisioned_ms, ..Tally::default() };
            self.invoice(ephemeral_mb, &tally)
        };
        // The bill looks at a traffic only where it has a request: one too many in every line but the first.
        let (nothing, one) = (with(512, 0, 0, 0), with(512, 1, 0, 0));
        let all_ms = self.on_demand.1;
        [
            with(512, attempts, 0, 0) - nothing,
            with(512, 1, ms, 0) - one,
            with(self.ephemeral_mb, 1, all_ms, 0) - with(512, 1, all_ms, 0),
            nothing,
            with(512, 1, 0, self.provisioned.1) - one,
        ]
    }

    /// The simulator's bill for a tally, all of it in the last of the minutes configured.
    fn invoice(&self, ephemeral_mb: u32, tally: &Tally) -> Usd {
        let architecture = if self.architecture == Arm64 { "arm64" } else { "x86_64" };
        let loaded = loaded(&format!(
            "[[function]]\nname = \"f\"\nmemory_mb = {}\nephemeral_mb = {ephemeral_mb}\n\
             architecture = \"{architecture}\"\nprovisioned = {}\n\
             [[traffic]]\nname = \"t\"\nfunction = \"f\"\nrate = {{ law = \"chained\" }}\n",
            self.memory_mb, self.configured.0
        ));
        let mut invoice = invoice(&loaded, &self.prices, self.region);
        let minutes = self.configured.1.max(1);
        for minute in 1..minutes {
            invoice.add_minute(Minute(minute.into()), [Tally::default()].iter());
        }
        invoice.add_minute(Minute(minutes.into()), [*tally].iter());
        invoice.total().all
    }

    /// The parts as the guard reckons them, from what metrics would say.
    fn reckoned(&self) -> [Usd; 5] {
        let (invocations, ms) = self.charged();
        let attempts = i128::from(invocations + self.provisioned.0);
        let roster = self.roster(512);
        let [plain, stored] = [512, self.ephemeral_mb].map(|mb| self.roster(mb).members.remove(0).unit);
        let span_s = u64::from(self.configured.1) * 60;
        let busy = |ms: u64| Point { duration_us: ms * 1000, ..Point::default() };
        let all = busy(self.on_demand.1);
        [
            plain.per_request * attempts,
            plain.of_point(&busy(ms), 0, 0).low,
            stored.of_point(&all, 0, 0).low - plain.of_point(&all, 0, 0).low,
            roster.standing_per_minute[0] * i128::from(self.configured.1),
            plain.of_point_over(&busy(self.provisioned.1), 0, 0, span_s).low,
        ]
    }

    fn roster(&self, ephemeral_mb: u32) -> Roster {
        let function = Function {
            architecture: self.architecture,
            ephemeral_mb,
            provisioned: self.configured.0,
            ..Function::new("f", self.memory_mb, 900)
        };
        let inventory = Inventory::new(self.region, AccountLimits::default(), vec![function]);
        let policy = Policy::from_toml("[[budget]]\nname = \"m\"\nperiod = \"month\"\nusd = 1000").unwrap();
        Roster::new(policy, &self.prices, inventory, None)
    }

    fn cents(&self, amount: Usd) -> i128 {
        let shift = if self.up { 9_999_999_999 } else { 5_000_000_000 };
        (amount.picos() + shift).div_euclid(10_000_000_000)
    }
}

fn loaded(tables: &str) -> Loaded {
    let text =
        format!("schema = 1\ntitle = \"oracle\"\nstart = \"2026-11-01T00:00:00Z\"\nminutes = 1\n{tables}");
    Source::of_text("oracle", &text).ready(&[]).unwrap()
}

fn invoice(loaded: &Loaded, prices: &PriceTable, region: &str) -> Invoice {
    let quotes: BTreeMap<_, _> = [X86_64, Arm64].map(|one| (one, prices.quote(&region.into(), one))).into();
    Invoice::new(&loaded.stage, quotes)
}

#[test]
fn the_worked_examples_come_out_to_the_cent_on_both_bills() {
    for example in all_examples() {
        let source = example.source;
        for (whose, parts) in [("billed", example.billed()), ("reckoned", example.reckoned())] {
            assert_eq!(parts.map(|part| example.cents(part)), example.figures, "{source}, {whose}");
            let sum = parts.iter().sum::<Usd>() + Usd::from_picos(example.beside * 10_000_000_000);
            let off = sum - Usd::from_picos(example.total * 10_000_000_000);
            assert!(off.picos().abs() < 10_000_000_000, "{source}, {whose}: {off} off");
        }
        assert_eq!(example.figures.iter().sum::<i128>() + example.beside, example.total, "{source}");
    }
}

#[test]
fn the_app_launch_of_2026_is_exact_to_the_pico_dollar() {
    let launch = of_2026().swap_remove(3);
    // 50,000 GB-seconds at $0.0000166667 are $0.833335; the millisecond in which the free tier ends is charged whole,
    // which is a thousandth of a GB-second more.
    let parts =
        ["0.4", "0.833335016667", "0", "18.000144", "0.729165"].map(|text| text.parse::<Usd>().unwrap());
    assert_eq!(launch.reckoned(), parts);
    assert_eq!(launch.billed(), parts);
    assert_eq!(parts.iter().sum::<Usd>(), "19.962644016667".parse().unwrap());
}

#[test]
fn each_architecture_fills_volume_tiers_of_its_own() {
    // x86-64: 6 G GB-seconds, 9 G, the rest; Arm: 7.5 G, 11.25 G, the rest ("AWS Lambda pricing", read 2026-11).
    let table = |name: &str, architecture: &str| {
        format!(
            "[[function]]\nname = \"{name}\"\nmemory_mb = 1024\narchitecture = \"{architecture}\"\n\
             [[traffic]]\nname = \"{name}\"\nfunction = \"{name}\"\nrate = {{ law = \"chained\" }}\n"
        )
    };
    let tables = [table("a", "x86_64"), table("b", "arm64"), table("c", "x86_64")].concat();
    let loaded = loaded(&tables);
    let mut invoice = invoice(&loaded, PriceTable::embedded(), "us-east-1");
    let used = |gb_s: u64| Tally { attempts: 1, billed_ms: gb_s * 1000, ..Tally::default() };
    let tallies = [used(10_000_000_000), used(8_000_000_000), used(6_000_000_000)];
    invoice.add_minute(Minute(0), tallies.iter());
    // $100,000.20 + $135,000 + $13,333.40 on x86-64, $100,000.50 + $6,000.05 on Arm, and three requests.
    let expected = "354334.15".parse::<Usd>().unwrap() + Usd::from_picos(3 * 200_000);
    assert_eq!(invoice.total().all, expected);
}

#[test]
fn a_tier_filled_exactly_leaves_nothing_to_the_next() {
    let loaded = loaded(
        "[[function]]\nname = \"f\"\nmemory_mb = 1024\n\
         [[traffic]]\nname = \"t\"\nfunction = \"f\"\nrate = { law = \"chained\" }\n",
    );
    let mut invoice = invoice(&loaded, PriceTable::embedded(), "us-east-1");
    let full = Tally { attempts: 1, billed_ms: 6_000_000_000_000, ..Tally::default() };
    invoice.add_minute(Minute(0), [full].iter());
    assert_eq!(invoice.total().all, "100000.2000002".parse().unwrap());
    // A millisecond more is the first of the second tier: $0.000015 a GB-second.
    let over = Tally { attempts: 2, billed_ms: full.billed_ms + 1, ..full };
    invoice.add_minute(Minute(1), [over].iter());
    assert_eq!(invoice.total().all, "100000.200000415".parse().unwrap());
}
