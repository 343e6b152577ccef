//! From usage to money: the cost of an invocation, a minute and a month of one function.
//!
//! `usd = invocations · (q + c) + (Σ duration + ½ ms · invocations + init) · (m·p + e)`, each term carried as
//! `[low, expected, high]`.

use serde::{Deserialize, Serialize};

use crate::inventory::Function;
use crate::money::{Cause, Causes, PICOS_PER_USD, Usd, UsdRange};
use crate::observation::Point;
use crate::policy::Companion;
use crate::pricing::{Quote, Tier};
use crate::starts::of_environments;

/// Microseconds in a minute.
const MINUTE_US: i128 = 60_000_000;

/// Microseconds × megabytes in one GB-second: 10⁶ × 1,024.
const MB_US_PER_GB_S: i128 = 1_024_000_000;

/// Megabytes in a GB of Lambda's prices.
const MB_PER_GB: i128 = 1024;

/// Ephemeral storage included in every function, in MB ("Lambda pricing", read 2026-11).
const FREE_EPHEMERAL_MB: u32 = 512;

/// The unit costs of one function's usage, worked out once from its configuration and the price list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitCost {
    /// Per invocation: request, companions, and the rounding of the billed duration (0, ½, 1 ms).
    pub per_invocation: UsdRange,
    /// Per cold start: the billed INIT phase, which `Duration` leaves out (0, configured, twice configured), and what each
    /// start costs by itself.
    pub per_cold_start: UsdRange,
    /// What each start costs by itself: a restore from a snapshot, a tenant's environment.
    #[serde(default)]
    per_start: Usd,
    /// Request and companions alone, exactly: the *q + c* of the formulae.
    pub per_request: Usd,
    /// Memory and storage price by volume tier, in pico-dollars × MB per GB-second; dearest tier first.
    compute_mb_picos: Vec<i128>,
    /// Provisioned environments, and the price of duration on them like `compute_mb_picos`: no volume tiers.
    provisioned: (u32, i128),
}

impl UnitCost {
    /// The unit costs of a function at the quoted prices.
    pub fn new(function: &Function, quote: &Quote, companion: &Companion, per_companion: Usd) -> Self {
        let extra_mb = i128::from(function.ephemeral_mb.saturating_sub(FREE_EPHEMERAL_MB));
        let storage = quote.ephemeral_gb_second.picos() * extra_mb;
        let compute_mb_picos: Vec<i128> = quote
            .gb_second
            .iter()
            .map(|tier| tier.price.picos() * i128::from(function.memory_mb) + storage)
            .collect();
        let per_request = quote.request + per_companion;
        let mut unit = UnitCost {
            per_invocation: UsdRange::ZERO,
            per_cold_start: UsdRange::ZERO,
            per_start: function.extras.iter().fold(Usd::ZERO, |sum, extra| {
                sum + extra.per_start_and_gb().mul_div_up(i128::from(function.memory_mb), MB_PER_GB)
            }),
            per_request,
            compute_mb_picos,
            provisioned: (
                function.provisioned,
                quote.provisioned_duration_gb_second.picos() * i128::from(function.memory_mb) + storage,
            ),
        };
        unit.per_invocation = UsdRange::new(
            per_request,
            per_request + unit.compute(0, 500),
            per_request + unit.compute(0, 1000),
            Causes::of(Cause::MillisecondRounding),
        );
        let init = unit.compute(0, u64::from(companion.init_ms) * 1000);
        unit.per_cold_start = UsdRange::new(
            Usd::ZERO,
            init + unit.per_start,
            init * 2 + unit.per_start,
            Causes::of(Cause::InitEstimate),
        );
        if !quote.unknown.is_empty() {
            unit.per_invocation = unit.per_invocation.because(Cause::UnknownPrice);
        }
        unit
    }

    /// The unit "costs" of a budget that counts invocations: one whole unit each, and nothing else.
    pub fn counting() -> Self {
        let one = Usd::from_picos(PICOS_PER_USD);
        UnitCost {
            per_invocation: UsdRange::exact(one),
            per_cold_start: UsdRange::ZERO,
            per_start: Usd::ZERO,
            per_request: one,
            compute_mb_picos: vec![0],
            provisioned: (0, 0),
        }
    }

    /// Memory and storage for the given microseconds of billed duration, at a volume tier (0 is the first and dearest;
    /// a tier past the last counts as the last).
    pub fn compute(&self, tier: usize, duration_us: u64) -> Usd {
        let price = self.compute_mb_picos.get(tier).or(self.compute_mb_picos.last()).copied().unwrap_or(0);
        Usd::from_picos(price).mul_div_up(i128::from(duration_us), MB_US_PER_GB_S)
    }

    /// The cost per second of one busy execution environment: the *m·p + e* of the formulae, first tier.
    pub fn per_busy_second(&self) -> Usd {
        self.compute(0, 1_000_000)
    }

    /// The lowest cost per second of one busy execution environment at a volume tier: a provisioned one has its own
    /// price, and its standing cost is not included.
    pub fn least_per_busy_second(&self, tier: usize) -> Usd {
        let on_demand = self.compute(tier, 1_000_000);
        let (environments, price) = self.provisioned;
        if environments == 0 {
            return on_demand;
        }
        on_demand.min(Usd::from_picos(price).mul_div_up(1_000_000, MB_US_PER_GB_S))
    }

    /// The most that one unit of concurrency can cost in the given seconds: busy all the time and answering ten
    /// requests a second ("Lambda scaling behavior": 10 requests per second per unit of concurrency, read 2026-11).
    pub fn worst_per_concurrency(&self, seconds: u64) -> Usd {
        self.compute(0, seconds.saturating_mul(1_000_000))
            + self.per_request * i128::from(seconds) * REQUESTS_PER_SECOND_PER_CONCURRENCY
    }

    /// The cost of the same point if provisioned environments took as much as they could within its span in seconds:
    /// all of the duration, or all that they have time for. `Duration` does not show which invocations they served, so
    /// the range reaches up to the on-demand price; only spill-over is expected at that price.
    pub fn of_point_over(
        &self,
        point: &Point,
        concurrency_before: u32,
        tier: usize,
        span_s: u64,
    ) -> UsdRange {
        let cost = self.of_point(point, concurrency_before, tier);
        let (environments, price) = self.provisioned;
        let served_us = point.duration_us.min(u64::from(environments) * span_s * 1_000_000);
        if served_us == 0 {
            return cost;
        }
        // Rounded so that the deduction never exceeds the difference.
        let provisioned = Usd::from_picos(price).mul_div_up(i128::from(served_us), MB_US_PER_GB_S);
        let beyond = self.compute(tier, point.duration_us - served_us);
        let compute = self.compute(tier, point.duration_us);
        let saved = compute - (provisioned + beyond).min(compute);
        UsdRange { low: cost.low - saved, expected: cost.expected - saved, ..cost }
            .because(Cause::ProvisionedShare)
    }

    /// The most that [`UnitCost::of_point`] counts for the cold starts of a point.
    pub fn starts_at_most(&self, point: &Point) -> Usd {
        self.per_cold_start.high * i128::from(u64::from(point.concurrency_max).min(point.invocations))
    }

    /// The cost of the given starts in a minute beyond their expected cost if each takes the longest, as far as the
    /// environments had time for it.
    pub(crate) fn longest_starts(&self, point: &Point, environments: u32) -> Usd {
        let environments = u64::from(environments).min(point.invocations);
        let longest = of_environments(environments);
        let room = i128::from(point.concurrency_max) * MINUTE_US - i128::from(point.duration_us);
        let us = u64::try_from(longest.min(room)).unwrap_or(0);
        let of_each = self.per_cold_start.expected - self.per_start;
        (self.compute(0, us) - of_each * i128::from(environments)).at_least_zero()
    }

    /// The on-demand cost of a point at a volume tier. Cold starts are estimated as the rise of concurrency over the
    /// minute before; at most as many as the concurrency reached or the invocations made.
    pub fn of_point(&self, point: &Point, concurrency_before: u32, tier: usize) -> UsdRange {
        let invocations = i128::from(point.invocations);
        let compute = self.compute(tier, point.duration_us);
        let most = u64::from(point.concurrency_max).min(point.invocations);
        let likely = u64::from(point.concurrency_max.saturating_sub(concurrency_before)).min(most);
        UsdRange {
            low: self.per_invocation.low * invocations + compute,
            expected: self.per_invocation.expected * invocations
                + self.per_cold_start.expected * i128::from(likely)
                + compute,
            high: self.per_invocation.high * invocations + self.starts_at_most(point) + compute,
            causes: self.per_invocation.causes.and(if most > 0 {
                self.per_cold_start.causes
            } else {
                Causes::NONE
            }),
        }
    }
}

/// The volume tier of the next moment of duration after the given usage in the month: 0 is the first and dearest.
/// `month_to_date_mb_us` is duration × memory in MB × µs, of one architecture and region.
pub fn tier_at(month_to_date_mb_us: i128, quote: &Quote) -> usize {
    let is_full = |tier: &Tier| match tier.upto_gb_s {
        Some(upto) => month_to_date_mb_us >= i128::from(upto) * MB_US_PER_GB_S,
        None => false,
    };
    quote
        .gb_second
        .iter()
        .take_while(|tier| is_full(tier))
        .count()
        .min(quote.gb_second.len().saturating_sub(1))
}

/// Reserved concurrency N admits at most 10·N requests per second ("Lambda scaling behavior", read 2026-11).
pub const REQUESTS_PER_SECOND_PER_CONCURRENCY: i128 = 10;

#[cfg(test)]
mod tests;
