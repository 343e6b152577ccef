//! What AWS would bill for a workload: invocation by invocation, apart from the guard's estimate.
//!
//! Each invocation is one request and its mean duration, rounded up to the millisecond, at the first volume tier.
//! The guard works from summed metrics; the two share the price list and [`Usd`], nothing else.

use std::collections::BTreeMap;

use guard_core::inventory::{Architecture, Function};
use guard_core::money::Usd;
use guard_core::name::FunctionName;
use guard_core::pricing::Quote;

use crate::workload::Workload;

/// Milliseconds × megabytes in one GB-second: 1,000 × 1,024.
const MB_MS_PER_GB_S: i128 = 1_024_000;

/// The bill of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// All functions together.
    pub total: Usd,
    /// Each function, most expensive first; equal ones by name.
    pub functions: Vec<BillLine>,
}

/// The bill of one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    /// The function.
    pub function: FunctionName,
    /// Its invocations.
    pub invocations: u64,
    /// Their cost.
    pub cost: Usd,
}

impl Bill {
    /// The bill at the quoted prices of each architecture. A function whose architecture has no quote is left out:
    /// give one for each that the inventory uses.
    pub fn new(workload: &Workload, quotes: &BTreeMap<Architecture, Quote>) -> Self {
        let mut functions: Vec<BillLine> = (workload.inventory.functions.iter().zip(&workload.traffic))
            .filter_map(|(function, traffic)| {
                let each = per_invocation(function, traffic.mean_us, quotes.get(&function.architecture)?);
                let invocations = traffic.invocations();
                Some(BillLine {
                    function: function.name.clone(),
                    invocations,
                    cost: each * i128::from(invocations),
                })
            })
            .collect();
        functions.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.function.cmp(&b.function)));
        Bill { total: functions.iter().map(|line| line.cost).sum(), functions }
    }
}

/// One request, and the billed milliseconds of memory.
fn per_invocation(function: &Function, mean_us: u64, quote: &Quote) -> Usd {
    let billed_ms = i128::from(mean_us.div_ceil(1000));
    let price = quote.gb_second.first().map_or(Usd::ZERO, |tier| tier.price);
    quote.request + price.mul_div_up(billed_ms * i128::from(function.memory_mb), MB_MS_PER_GB_S)
}

#[cfg(test)]
mod tests;
