//! The cost of an invocation besides Lambda: the log it writes and the API in front of it. Prices of us-east-1.

use crate::money::Usd;
use crate::policy::{Companion, FrontDoor};

/// Bytes in a billed GB. AWS counts in powers of two: its example of response streaming says 1 GB = 1,024 MB and counts
/// 2 million × 100 KB as 190.7 GB ("AWS Lambda Pricing", read 2026-11).
const BYTES_PER_GB: u64 = 1 << 30;

/// The price of a GB of Lambda's log in CloudWatch ("vended logs"): the first and dearest tier, up to 10 TB a month
/// ("Amazon CloudWatch Pricing" by way of the AWS Compute Blog of 2025-05-01, read 2026-11).
const LOG_PER_GB: Usd = Usd::from_picos(500_000_000_000);

/// A request to an API Gateway REST API: $3.50 per million up to 333 million ("Amazon API Gateway Pricing",
/// us-east-1, read 2026-11).
const REST_API_PER_REQUEST: Usd = Usd::from_picos(3_500_000);

/// A request to an API Gateway HTTP API: $1.00 per million up to 300 million ("Amazon API Gateway Pricing",
/// us-east-1, read 2026-11).
const HTTP_API_PER_REQUEST: Usd = Usd::from_picos(1_000_000);

/// The companions' cost of one invocation: its log and front door at the price of the first and dearest tier, and
/// anything else. Rounded up.
pub fn companion_per_invocation(companion: &Companion) -> Usd {
    let log = LOG_PER_GB.mul_div_up(i128::from(companion.log_bytes), i128::from(BYTES_PER_GB));
    let front_door = match companion.front_door {
        FrontDoor::None => Usd::ZERO,
        FrontDoor::RestApi => REST_API_PER_REQUEST,
        FrontDoor::HttpApi => HTTP_API_PER_REQUEST,
    };
    log + front_door + companion.other_usd_per_million.mul_div_up(1, 1_000_000)
}
