//! Arithmetic by hand.

use super::*;
use crate::inventory::Function;
use crate::money::PICOS_PER_USD;
use crate::policy::Companion;
use crate::policy::Timing;
use crate::pricing::{Currency, Quote, Tier};

fn picos(picos: i128) -> Usd {
    Usd::from_picos(picos)
}

/// A function whose busy second and request cost so many pico-dollars.
fn unit(busy_second: i128, request: i128) -> UnitCost {
    let quote = Quote {
        request: picos(request),
        gb_second: vec![Tier { upto_gb_s: None, price: picos(busy_second) }],
        ephemeral_gb_second: Usd::ZERO,
        provisioned_gb_second: Usd::ZERO,
        provisioned_duration_gb_second: Usd::ZERO,
        currency: Currency::Usd,
        unknown: vec![],
    };
    UnitCost::new(&Function::new("f", 1024, 1), &quote, &Companion::default(), Usd::ZERO)
}

#[test]
fn the_overrun_of_a_thousand_gigabytes_is_as_worked_out_by_hand() {
    // 1 GB x86 in us-east-1: $0.0000166667 a second, $0.0000002 a request. L = 60 + 180 + 60 + 30 = 330 s, τ = 30 s.
    let unit = unit(16_666_700, 200_000);
    let input = OverrunInput {
        unit: &unit,
        timeout_s: 30,
        reaction_s: Timing::default().reaction_s(),
        ceiling: 1000,
        envelope: 20,
        deferred: Usd::from_dollars(2),
        left: 15,
        left_s: 3600,
    };
    let both = overrun(&input);
    let bound = both.without_envelope;
    // 1000 · 360 s · $0.0000166667 = $6.000012
    assert_eq!(bound.running, picos(6_000_012_000_000));
    // 10 · 1000 · 330 s · $0.0000002 = $0.66
    assert_eq!(bound.admitted, picos(660_000_000_000));
    // 15 · 3600 s · ($0.0000166667 + 10 · $0.0000002) = 54,000 · $0.0000186667 = $1.0080018
    assert_eq!(bound.floor, picos(1_008_001_800_000));
    assert_eq!(
        bound.total(),
        picos(6_000_012_000_000 + 660_000_000_000 + 2 * PICOS_PER_USD + 1_008_001_800_000)
    );
    assert_eq!((bound.concurrency, bound.reaction_s, bound.timeout_s), (1000, 330, 30));
    let with = both.with_envelope;
    // A fiftieth of the concurrency: a fiftieth of the first two terms.
    assert_eq!((with.running, with.admitted), (picos(120_000_240_000), picos(13_200_000_000)));
    assert_eq!((with.concurrency, with.floor, with.deferred), (20, bound.floor, bound.deferred));
}

#[test]
fn a_stopped_function_burns_nothing_under_the_cap_and_an_envelope_never_raises_the_ceiling() {
    let unit = unit(100, 1);
    let stopped = OverrunInput {
        unit: &unit,
        timeout_s: 5,
        reaction_s: 15,
        ceiling: 3,
        envelope: 20,
        deferred: Usd::ZERO,
        left: 0,
        left_s: 2,
    };
    let both = overrun(&stopped);
    // L = 15: 3 · 100 · (15 + 5) = 6000; 10 · 3 · 1 · 15 = 450.
    assert_eq!(both.without_envelope.total(), picos(6450));
    assert_eq!(both.without_envelope, both.with_envelope);
    let kept = OverrunInput { left: 9, ..stopped };
    // Never more than the three that are there: 3 · 2 · (100 + 10).
    assert_eq!(overrun(&kept).without_envelope.floor, picos(660));
}

#[test]
fn the_worst_case_is_busy_all_the_time_and_ten_requests_a_second() {
    assert_eq!(worst_case(&unit(100, 3), 4, 7), picos(4 * 7 * 130));
    assert_eq!(worst_case(&unit(100, 3), 0, 7), Usd::ZERO);
}
