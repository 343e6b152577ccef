//! What Lambda bills beyond requests, duration, storage and provisioned concurrency, as far as a function's configuration
//! shows that it is used. What the price of can be known is counted; the rest is named, and never zero in silence.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::money::Usd;
use crate::name::FunctionName;

/// A part of Lambda with a price of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// Snapshots of published versions, from which environments start.
    SnapStart,
    /// Environments of one tenant each.
    TenantIsolation,
    /// EC2 instances that Lambda manages, instead of duration.
    ManagedInstances,
    /// Executions with steps that are written down.
    DurableExecution,
    /// Pollers that are kept for a queue or topic.
    ProvisionedPollers,
}

/// What is not counted, with the functions that use it.
pub type Uncounted = BTreeMap<Extra, BTreeSet<FunctionName>>;

impl Extra {
    /// The price of each start of an environment, per GB of memory: a restore from a snapshot, or a tenant's environment;
    /// zero for the others ("AWS Lambda Pricing", us-east-1, read 2026-11; no table of the other regions was found). Restores
    /// of Java are free, which a configuration does not show for an image, so that it is counted for every runtime.
    pub const fn per_start_and_gb(self) -> Usd {
        match self {
            Extra::SnapStart => Usd::from_picos(139_799_800),
            Extra::TenantIsolation => Usd::from_picos(167_000_000),
            Extra::ManagedInstances | Extra::DurableExecution | Extra::ProvisionedPollers => Usd::ZERO,
        }
    }

    /// What of it is billed and not counted here; `None`: nothing. List prices of us-east-1 ("AWS Lambda Pricing", read
    /// 2026-11).
    pub const fn uncounted(self) -> Option<&'static str> {
        match self {
            Extra::SnapStart => {
                Some("SnapStart's cache of each published version ($0.0054 an hour and GB of memory)")
            }
            Extra::TenantIsolation => None,
            Extra::ManagedInstances => Some(
                "the EC2 instances of Managed Instances and the fee of 15 % on them (duration is counted instead)",
            ),
            Extra::DurableExecution => Some(
                "durable operations ($8 a million), what they write ($0.25 a GB) and keep ($0.15 a GB and month)",
            ),
            Extra::ProvisionedPollers => {
                Some("provisioned pollers (SQS: $0.00925 an hour and unit, two at least)")
            }
        }
    }
}

/// What is not counted, in one sentence: at most three functions of each kind by name. `None` if there is nothing.
pub fn sentence(uncounted: &Uncounted) -> Option<String> {
    let parts: Vec<String> =
        uncounted.iter().filter_map(|(extra, functions)| part(*extra, functions)).collect();
    (!parts.is_empty()).then(|| format!("Not counted, and on the bill: {}.", parts.join("; ")))
}

fn part(extra: Extra, functions: &BTreeSet<FunctionName>) -> Option<String> {
    let names: Vec<&str> = functions.iter().take(NAMED_MAX).map(FunctionName::as_str).collect();
    let rest = functions.len().saturating_sub(NAMED_MAX);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    Some(format!("{}, used by {}{more}", extra.uncounted()?, names.join(", ")))
}

/// Functions of one kind that a sentence names.
const NAMED_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_counted_is_named_with_three_functions_and_the_number_of_the_others() {
        let names = (1..=5).map(|n| FunctionName::new(format!("f{n}"))).collect();
        let said = sentence(&[(Extra::DurableExecution, names)].into()).unwrap();
        assert!(
            said.contains("durable operations ($8 a million)")
                && said.ends_with("used by f1, f2, f3 and 2 more."),
            "{said}"
        );
        assert_eq!(sentence(&Uncounted::new()), None);
    }
}
