//! Bills done by hand, the bill of a published run, and the closed form of attacks that grow.

use std::collections::BTreeMap;

use guard_core::inventory::Architecture;
use guard_core::money::Usd;
use guard_core::pricing::PriceTable;
use guard_core::time::Minute;
use simulator::invoice::Invoice;
use simulator::load::{Loaded, Source};
use simulator::run::{Run, run};
use simulator::world::{Cast, Tally};

use crate::real;

/// Pico-dollars of a request, and of a GB-second on x86-64 in us-east-1 ("AWS Lambda pricing", read 2026-11).
const REQUEST: i128 = 200_000;
const GB_SECOND: i128 = 16_666_700;

fn loaded(minutes: u32, rest: &str) -> Loaded {
    let text = format!(
        "schema = 1\ntitle = \"oracle\"\nstart = \"2026-11-01T00:00:00Z\"\nminutes = {minutes}\n{rest}"
    );
    Source::of_text("oracle", &text).ready(&[]).unwrap()
}

fn unguarded(minutes: u32, rest: &str) -> Run {
    let loaded = loaded(minutes, rest);
    let terms = loaded.request(1).terms(false, Cast::Everyone, Some(minutes));
    run(&terms, PriceTable::embedded(), |_| ())
}

#[test]
fn ten_invocations_cost_what_they_cost_by_hand() {
    // f: x86-64, 1 GB, 200 ms of INIT, time-out of 3 s; its code takes 100.4 ms.
    //  four   four calls, a quarter of a second apart. The first two find nothing idle: 300.4 ms of each is 301 ms.
    //         The last two find the first environment, then the second: 101 ms each.                  804 ms
    //  hang   a minute later, in a warm environment, until the time-out cuts it: an error.           3,000 ms
    //  poison an asynchronous event at minute 2 that fails: again after one minute and two more.   3 · 101 ms
    //  late   at minute 20, more than 600 s after the last: cold again.                                301 ms
    // g: Arm, 2 GB, 1 GB of /tmp of which 512 MB are free, no INIT; one call of 99.2 ms.               100 ms
    let run = unguarded(
        25,
        "[[function]]\nname = \"f\"\nmemory_mb = 1024\ntimeout_s = 3\ninit_ms = 200\n\
         duration = { constant_ms = 100.4 }\n[function.asynchronous]\nduplicates_at_rest = 0.0\n\
         [[function]]\nname = \"g\"\nmemory_mb = 2048\nephemeral_mb = 1024\narchitecture = \"arm64\"\n\
         init_ms = 0\nduration = { constant_ms = 99.2 }\n\
         [[traffic]]\nname = \"four\"\nfunction = \"f\"\nrate = { law = \"once\", events = 4 }\n\
         [[traffic]]\nname = \"hang\"\nfunction = \"f\"\nfrom_min = 1\nduration = { until_timeout = true }\n\
         rate = { law = \"once\", events = 1 }\n\
         [[traffic]]\nname = \"poison\"\nfunction = \"f\"\nvia = \"async\"\npoison = 1.0\nfrom_min = 2\n\
         rate = { law = \"once\", events = 1 }\n\
         [[traffic]]\nname = \"late\"\nfunction = \"f\"\nfrom_min = 20\nrate = { law = \"once\", events = 1 }\n\
         [[traffic]]\nname = \"arm\"\nfunction = \"g\"\nrate = { law = \"once\", events = 1 }\n",
    );
    let seen: Vec<_> = run
        .traffic
        .iter()
        .map(|one| (one.tally.attempts, one.tally.errors, one.tally.cold_starts, one.tally.billed_ms))
        .collect();
    assert_eq!(seen, [(4, 0, 2, 804), (1, 1, 0, 3000), (3, 3, 0, 303), (1, 0, 1, 301), (1, 0, 1, 100)]);
    // Each line of the bill is rounded up to a pico-dollar: 0.804, 3, 0.303 and 0.301 GB-seconds at 16,666,700.
    let f = 13_400_027 + 50_000_100 + 5_050_011 + 5_016_677;
    // 0.2 GB-seconds at 13,333,400, and 0.05 of /tmp at 30,900.
    let g = 2_666_680 + 1_545;
    assert_eq!(run.bill.all, Usd::from_picos(10 * REQUEST + f + g));
    // Two of the three attempts at poison: 0.202 GB-seconds.
    assert_eq!(run.bill.repeated, Usd::from_picos(2 * REQUEST + 3_366_674));
}

#[test]
fn a_month_of_sixteen_thousand_million_gb_seconds_crosses_two_tiers_and_the_next_month_none() {
    // x86-64 in us-east-1: 6 G GB-seconds, then 9 G, then the rest ("AWS Lambda pricing", read 2026-11).
    let loaded = loaded(
        1,
        "[[function]]\nname = \"f\"\nmemory_mb = 10240\n\
         [[traffic]]\nname = \"t\"\nfunction = \"f\"\nrate = { law = \"chained\" }\n",
    );
    let quotes = |architecture| PriceTable::embedded().quote(&"us-east-1".into(), architecture);
    let quotes: BTreeMap<_, _> =
        [Architecture::X86_64, Architecture::Arm64].map(|one| (one, quotes(one))).into();
    let mut invoice = Invoice::new(&loaded.stage, quotes);
    let last = Minute::of("2026-11-30T23:59:00Z".parse().unwrap());
    // 10 GB for 1.6 G seconds.
    let november = Tally { attempts: 1, billed_ms: 1_600_000_000_000, ..Tally::default() };
    invoice.add_minute(last, [november].iter());
    let g = 1_000_000_000;
    let expected = REQUEST + 6 * g * GB_SECOND + 9 * g * 15_000_000 + g * 13_333_400;
    assert_eq!(invoice.total().all, Usd::from_picos(expected));
    // Ten GB for 100 s more.
    let december = Tally { attempts: 2, billed_ms: november.billed_ms + 100_000, ..november };
    invoice.add_minute(last.plus(1), [december].iter());
    assert_eq!(invoice.total().all, Usd::from_picos(expected + REQUEST + 1000 * GB_SECOND));
}

#[test]
fn the_published_run_of_dowts_costs_what_its_own_counts_cost() {
    // DoWTS (Kelly, Glavin and Barrett, 2023), its recorded run of 730 hours: 4,127,408 requests, 287,071.389
    // GB-seconds, priced at $0.625482 because the free tier covers all compute and a million requests. At list price:
    // 4,127,408 · $0.0000002 + 287,071.389 · $0.0000166667 = $0.8254816 + $4.7845327 = $5.6100143.
    let published = 5.610_014_3;
    // The same load as a Poisson process: 1.570551 requests a second of 556 ms at 128 MB, 0.0695 GB-seconds each where
    // the run has 0.0695524.
    let run = unguarded(
        43_800,
        "[[function]]\nname = \"f\"\nmemory_mb = 128\ninit_ms = 0\nduration = { constant_ms = 556 }\n\
         [[traffic]]\nname = \"t\"\nfunction = \"f\"\nrate = { law = \"constant\", rps = 1.570551 }\n",
    );
    // Four standard errors of the count, 4 / sqrt(4,127,408), and the difference of 0.0000524 in 0.0695524.
    let margin = 4.0 / 4_127_408.0_f64.sqrt() + 0.000_052_4 / 0.069_552_4;
    let ratio = run.bill.all.to_f64() / published;
    assert!((ratio - 1.0).abs() < margin, "{ratio} {margin}");
}

/// The events of one traffic, all of them served and billed at a unit price: 512 MB for 100 ms.
fn events(minutes: u32, rate: &str) -> f64 {
    let run = unguarded(
        minutes,
        &format!(
            "[[function]]\nname = \"f\"\nmemory_mb = 512\ninit_ms = 0\nduration = {{ constant_ms = 100 }}\n\
             [[traffic]]\nname = \"t\"\nfunction = \"f\"\nkind = \"attack\"\nrate = {rate}\n"
        ),
    );
    let tally = &run.traffic[0].tally;
    // 0.05 GB-seconds each; the last may still run.
    let each = REQUEST + GB_SECOND / 20;
    assert_eq!(run.bill.attack, Usd::from_picos(each * i128::from(tally.attempts)));
    assert_eq!(tally.attempts, tally.offered);
    real(tally.offered)
}

#[test]
fn attacks_that_grow_cost_the_integral_of_their_rate() {
    // The laws of DoWTS and its parameters per bot: constant 2,000 an hour, from 10 by a factor of 1.05 an hour, random
    // between 0 and 2,000 an hour (`AttackUsageGenerator.go`, read 2026-11); and a line (Kelly et al., 2021).
    // A hundred bots are 55.56 a second. The count is Poisson around the integral.
    let poisson = |seen: f64, expected: f64| {
        let margin = 4.0 * expected.sqrt();
        assert!((seen - expected).abs() < margin, "{seen} {expected} {margin}");
    };
    let bots = 2000.0 * 100.0 / 3600.0;
    poisson(events(360, &format!("{{ law = \"constant\", rps = {bots} }}")), 200_000.0 * 6.0);
    let line = format!("{{ law = \"linear\", from_rps = 0.0, to_rps = {bots}, over_min = 360.0 }}");
    // Half as many while it rises, all of them for two hours more.
    poisson(events(480, &line), 200_000.0 * (3.0 + 2.0));
    // 1.05 an hour doubles in ln 2 / ln 1.05 hours. Integral of r · 1.05^t from 0 to T: r (1.05^T - 1) / ln 1.05.
    let (hourly, growth) = (10.0 * 100.0, 1.05_f64);
    let doubling_min = 2.0_f64.ln() / growth.ln() * 60.0;
    let law = format!(
        "{{ law = \"exponential\", from_rps = {}, doubling_min = {doubling_min}, to_rps = 1000.0 }}",
        hourly / 3600.0
    );
    poisson(events(60 * 72, &law), hourly * (growth.powi(72) - 1.0) / growth.ln());
    // Ten bots, a new rate every minute for two days: 2,880 draws, uniform over 0 to 333.3 a minute, have a mean of
    // 166.7 and a variance of 333.3^2 / 12 each, to which the Poisson count adds its mean.
    let tenth = bots / 10.0;
    let seen = events(2880, &format!("{{ law = \"random\", from_rps = 0.0, to_rps = {tenth} }}"));
    let (width, draws): (f64, f64) = (tenth * 60.0, 2880.0);
    let expected = draws * width / 2.0;
    let margin = 4.0 * (draws * width.powi(2) / 12.0 + expected).sqrt();
    assert!((seen - expected).abs() < margin, "{seen} {expected} {margin}");
}
