//! The price table: every region and architecture, embedded and dated; unknown prices stay marked as unknown.

mod bulk;
mod companion;
mod table;

use serde::{Deserialize, Serialize};

use crate::money::Usd;

pub use companion::companion_per_invocation;
pub use table::{PriceError, PriceTable};

/// Free requests per month and account ("AWS Lambda Pricing", read 2026-11).
pub const FREE_REQUESTS: u64 = 1_000_000;

/// Free GB-seconds per month and account, x86 and Arm together ("AWS Lambda Pricing", read 2026-11). Functions with
/// provisioned concurrency have no part in it.
pub const FREE_GB_SECONDS: u64 = 400_000;

/// AWS's prices in one region for one architecture. An unknown price is filled with the dearest known one and named in
/// `unknown`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Per request.
    pub request: Usd,
    /// Per GB-second, by volume tier of the month.
    pub gb_second: Vec<Tier>,
    /// Per GB-second of `/tmp` above the free 512 MB.
    pub ephemeral_gb_second: Usd,
    /// Per GB-second of provisioned concurrency while configured.
    pub provisioned_gb_second: Usd,
    /// Per GB-second of duration on provisioned concurrency.
    pub provisioned_duration_gb_second: Usd,
    /// Dollars, except in the Chinese regions.
    pub currency: Currency,
    /// Unknown prices that were filled in.
    pub unknown: Vec<PriceItem>,
}

/// One volume tier: GB-seconds of a month up to `upto_gb_s` (`None`: all further) cost `price` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Where the tier ends, in GB-seconds of the month.
    pub upto_gb_s: Option<u64>,
    /// Price per GB-second.
    pub price: Usd,
}

/// The currency of a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// US dollars.
    #[default]
    Usd,
    /// Yuan.
    Cny,
}

/// A line of the price list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceItem {
    /// Requests.
    Request,
    /// Duration.
    GbSecond,
    /// Ephemeral storage.
    EphemeralGbSecond,
    /// Provisioned concurrency.
    ProvisionedGbSecond,
    /// Duration on provisioned concurrency.
    ProvisionedDurationGbSecond,
}

#[cfg(test)]
mod tests;
