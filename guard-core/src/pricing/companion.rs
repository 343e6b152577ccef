//! What an invocation costs besides Lambda: the log it writes and the API in front of it. Prices of us-east-1.

use crate::money::Usd;
use crate::policy::{Companion, FrontDoor};

/// Bytes in a GB of a bill. AWS reckons in powers of two: its example of response streaming says 1 GB = 1,024 MB
/// and counts 2 million × 100 KB as 190.7 GB ("AWS Lambda Pricing", read 2026-11).
pub const BYTES_PER_GB: u64 = 1 << 30;

/// A GB of Lambda's log in CloudWatch ("vended logs", tiered since 2025-05-01), by the end of the tier in GB of the
/// month: 10, 30 and 50 TB ("Amazon CloudWatch Pricing" by way of the AWS Compute Blog of 2025-05-01, read 2026-11).
/// A TB is taken as 1,024 GB: the later a tier ends, the dearer the bill.
const VENDED_LOG_TIERS: [(u64, Usd); 4] = [
    (10 * 1024, Usd::from_picos(500_000_000_000)),
    (30 * 1024, Usd::from_picos(250_000_000_000)),
    (50 * 1024, Usd::from_picos(100_000_000_000)),
    (u64::MAX, Usd::from_picos(50_000_000_000)),
];

/// A request to an API Gateway REST API: $3.50 per million up to 333 million ("Amazon API Gateway Pricing",
/// us-east-1, read 2026-11).
pub const REST_API_PER_REQUEST: Usd = Usd::from_picos(3_500_000);

/// A request to an API Gateway HTTP API: $1.00 per million up to 300 million ("Amazon API Gateway Pricing",
/// us-east-1, read 2026-11).
pub const HTTP_API_PER_REQUEST: Usd = Usd::from_picos(1_000_000);

/// What the companions of one invocation cost: its log and front door at the price of the first and dearest tier,
/// and anything else. Rounded up.
pub fn companion_per_invocation(companion: &Companion) -> Usd {
    let [(_, first_tier), ..] = VENDED_LOG_TIERS;
    let log = first_tier.mul_div_up(i128::from(companion.log_bytes), i128::from(BYTES_PER_GB));
    let front_door = match companion.front_door {
        FrontDoor::None => Usd::ZERO,
        FrontDoor::RestApi => REST_API_PER_REQUEST,
        FrontDoor::HttpApi => HTTP_API_PER_REQUEST,
    };
    log + front_door + companion.other_usd_per_million.mul_div_up(1, 1_000_000)
}

/// What a month's log of Lambda costs in CloudWatch, through its tiers; storage and queries not counted. Each
/// tier is rounded up.
pub fn vended_logs(bytes_of_month: u64) -> Usd {
    let mut begin = 0_u64;
    let mut cost = Usd::ZERO;
    for (end_gb, per_gb) in VENDED_LOG_TIERS {
        let end = end_gb.saturating_mul(BYTES_PER_GB);
        let here = bytes_of_month.min(end).saturating_sub(begin);
        cost += per_gb.mul_div_up(i128::from(here), i128::from(BYTES_PER_GB));
        begin = end;
    }
    cost
}
