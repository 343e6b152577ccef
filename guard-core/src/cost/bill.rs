//! A month's bill from exact usage: what AWS would charge, volume tiers and free tier included. The guard's own
//! estimate comes from metrics and goes another way; this is what it is measured against.

use serde::{Deserialize, Serialize};

use super::FREE_EPHEMERAL_MB;
use crate::inventory::Architecture;
use crate::money::Usd;
use crate::policy::FreeTier;
use crate::pricing::{FREE_GB_SECONDS, FREE_REQUESTS, Quote, RegionQuotes};

/// Milliseconds × megabytes in one GB-second: 10³ × 1,024.
const MB_MS_PER_GB_S: i128 = 1_024_000;

/// What one function used in a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Instruction set.
    pub architecture: Architecture,
    /// Memory in MB.
    pub memory_mb: u32,
    /// `/tmp` in MB; the first 512 are free.
    pub ephemeral_mb: u32,
    /// Invocations on demand, spill-over from provisioned concurrency included.
    pub invocations: u64,
    /// Their billed milliseconds: each rounded up to 1 ms (100 ms before December 2020), INIT included.
    pub billed_ms: u64,
    /// Invocations on provisioned concurrency.
    pub provisioned_invocations: u64,
    /// Their billed milliseconds.
    pub provisioned_billed_ms: u64,
    /// Environments × seconds for which provisioned concurrency was configured, used or not.
    pub provisioned_env_s: u64,
    /// What log, API and other companions cost.
    pub companions: Usd,
}

/// One volume tier's part of the duration charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierCharge {
    /// Instruction set: tiers are counted per architecture.
    pub architecture: Architecture,
    /// Which tier, 0 being the first and dearest.
    pub tier: usize,
    /// Usage that fell into it, in MB × ms (1,024,000 to the GB-second).
    pub mb_ms: i128,
    /// What that costs.
    pub cost: Usd,
}

/// A month's bill by charge. Each charge is rounded up once, over the whole month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// Requests, on demand and on provisioned concurrency.
    pub requests: Usd,
    /// Duration on demand, by architecture and volume tier; tiers that nothing fell into are absent.
    pub duration: Vec<TierCharge>,
    /// Ephemeral storage above the free 512 MB.
    pub ephemeral: Usd,
    /// Provisioned concurrency while configured.
    pub provisioned: Usd,
    /// Duration on provisioned concurrency.
    pub provisioned_duration: Usd,
    /// Companions.
    pub companions: Usd,
}

impl Bill {
    /// The duration charge over all tiers.
    pub fn duration_total(&self) -> Usd {
        self.duration.iter().map(|charge| charge.cost).sum()
    }

    /// The sum of all charges.
    pub fn total(&self) -> Usd {
        self.requests
            + self.duration_total()
            + self.ephemeral
            + self.provisioned
            + self.provisioned_duration
            + self.companions
    }
}

/// A number for each architecture.
#[derive(Clone, Copy, Default)]
struct PerArchitecture {
    x86_64: i128,
    arm64: i128,
}

impl PerArchitecture {
    /// Adds what `of` makes of every usage to the number of its architecture.
    fn sum(usages: &[Usage], of: impl Fn(&Usage) -> i128) -> Self {
        usages.iter().fold(Self::default(), |sum, usage| match usage.architecture {
            Architecture::X86_64 => PerArchitecture { x86_64: sum.x86_64 + of(usage), ..sum },
            Architecture::Arm64 => PerArchitecture { arm64: sum.arm64 + of(usage), ..sum },
        })
    }

    /// Both numbers, each at its price, `unit` to the price; rounded up once.
    fn charge(self, quotes: &RegionQuotes, price: impl Fn(&Quote) -> Usd, unit: i128) -> Usd {
        let sum = price(&quotes.x86_64) * self.x86_64 + price(&quotes.arm64) * self.arm64;
        sum.mul_div_up(1, unit)
    }

    /// What is left of both after a free allowance, taken from the cheaper architecture first: AWS does not say
    /// how the shared allowance is split, and the dearer remainder is the safe assumption.
    fn less(self, free: i128, x86_is_cheaper: bool) -> Self {
        let (cheap, dear) =
            if x86_is_cheaper { (self.x86_64, self.arm64) } else { (self.arm64, self.x86_64) };
        let from_cheap = cheap.min(free);
        let from_dear = dear.min(free - from_cheap);
        let (cheap, dear) = (cheap - from_cheap, dear - from_dear);
        if x86_is_cheaper {
            PerArchitecture { x86_64: cheap, arm64: dear }
        } else {
            PerArchitecture { x86_64: dear, arm64: cheap }
        }
    }
}

/// The bill of one account and region for a month. The free tier, where deducted, takes one million requests and
/// 400,000 GB-seconds off what ran on demand, and the volume tiers count what is left; what runs on provisioned
/// concurrency has no part in either ("AWS Lambda Pricing", read 2026-11).
///
/// ```
/// use guard_core::cost::{Usage, bill};
/// use guard_core::policy::FreeTier;
/// use guard_core::pricing::PriceTable;
///
/// // Three million requests of 120 ms at 1,536 MB: $0.60 and 540,000 GB-seconds.
/// let usage = Usage { memory_mb: 1536, invocations: 3_000_000, billed_ms: 360_000_000, ..Usage::default() };
/// let bill = bill(&[usage], &PriceTable::embedded().quotes(&"us-east-1".into()), FreeTier::Ignore);
/// assert_eq!(format!("{:.2}, {:.6}", bill.requests, bill.duration_total()), "$0.60, $9.000018");
/// ```
pub fn bill(usages: &[Usage], quotes: &RegionQuotes, free_tier: FreeTier) -> Bill {
    let (free_requests, free_mb_ms) = match free_tier {
        FreeTier::Ignore => (0, 0),
        FreeTier::Deduct => (i128::from(FREE_REQUESTS), i128::from(FREE_GB_SECONDS) * MB_MS_PER_GB_S),
    };
    let all_ms = |usage: &Usage| i128::from(usage.billed_ms) + i128::from(usage.provisioned_billed_ms);
    let memory = |usage: &Usage| i128::from(usage.memory_mb);

    let on_demand = PerArchitecture::sum(usages, |usage| i128::from(usage.invocations))
        .less(free_requests, quotes.x86_64.request < quotes.arm64.request);
    let provisioned = PerArchitecture::sum(usages, |usage| i128::from(usage.provisioned_invocations));
    let requests = PerArchitecture {
        x86_64: on_demand.x86_64 + provisioned.x86_64,
        arm64: on_demand.arm64 + provisioned.arm64,
    };
    let duration = PerArchitecture::sum(usages, |usage| memory(usage) * i128::from(usage.billed_ms))
        .less(free_mb_ms, first_price(&quotes.x86_64) < first_price(&quotes.arm64));
    let storage = PerArchitecture::sum(usages, |usage| {
        i128::from(usage.ephemeral_mb.saturating_sub(FREE_EPHEMERAL_MB)) * all_ms(usage)
    });
    let configured =
        PerArchitecture::sum(usages, |usage| memory(usage) * i128::from(usage.provisioned_env_s));
    let busy = PerArchitecture::sum(usages, |usage| memory(usage) * i128::from(usage.provisioned_billed_ms));

    let mut tiers = tier_charges(Architecture::X86_64, duration.x86_64, &quotes.x86_64);
    tiers.extend(tier_charges(Architecture::Arm64, duration.arm64, &quotes.arm64));
    Bill {
        requests: requests.charge(quotes, |quote| quote.request, 1),
        duration: tiers,
        ephemeral: storage.charge(quotes, |quote| quote.ephemeral_gb_second, MB_MS_PER_GB_S),
        provisioned: configured.charge(quotes, |quote| quote.provisioned_gb_second, MB_PER_GB),
        provisioned_duration: busy.charge(
            quotes,
            |quote| quote.provisioned_duration_gb_second,
            MB_MS_PER_GB_S,
        ),
        companions: usages.iter().map(|usage| usage.companions).sum(),
    }
}

/// Megabytes in a GB of memory ("AWS Lambda Pricing" divides by 1,024 in its examples, read 2026-11).
const MB_PER_GB: i128 = 1024;

fn first_price(quote: &Quote) -> Usd {
    quote.gb_second.first().map_or(Usd::ZERO, |tier| tier.price)
}

/// A month's duration, split over the volume tiers. What exceeds a last tier that has an end counts as its own.
fn tier_charges(architecture: Architecture, mb_ms: i128, quote: &Quote) -> Vec<TierCharge> {
    let mut charges = Vec::new();
    let mut begin = 0;
    let last = quote.gb_second.len().saturating_sub(1);
    for (tier, Tiered { end, price }) in quote.gb_second.iter().map(Tiered::of).enumerate() {
        let end = if tier == last { mb_ms.max(begin) } else { end.min(mb_ms).max(begin) };
        let here = end - begin;
        if here > 0 {
            charges.push(TierCharge {
                architecture,
                tier,
                mb_ms: here,
                cost: price.mul_div_up(here, MB_MS_PER_GB_S),
            });
        }
        begin = end;
    }
    charges
}

/// A tier with its end in MB × ms.
struct Tiered {
    end: i128,
    price: Usd,
}

impl Tiered {
    fn of(tier: &crate::pricing::Tier) -> Self {
        let end = tier.upto_gb_s.map_or(i128::MAX, |gb_s| i128::from(gb_s) * MB_MS_PER_GB_S);
        Tiered { end, price: tier.price }
    }
}
