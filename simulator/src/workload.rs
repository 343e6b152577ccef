//! A trace as a Lambda account: its functions with the memory, time-out and event source they would have on AWS, and
//! how often each was invoked.

use std::sync::Arc;

use guard_core::inventory::{
    AccountLimits, AsyncConfig, EventSource, EventSourceMapping, Function, Inventory,
};
use guard_core::name::{FunctionName, MappingId};
use guard_core::time::Minute;
use wildmatch::WildMatch;

use crate::trace::{Trace, TraceFunction, Trigger};

/// Memory sizes are taken in steps of this many MB, as people set them; Lambda itself takes any whole MB.
const MEMORY_STEP_MB: u64 = 64;
/// Smallest and largest memory of a function in MB ("Lambda quotas", read 2026-11).
const MEMORY_MB: (u32, u32) = (128, 10_240);
/// Time-outs as people set them, in seconds; 3 is Lambda's default and 900 its maximum ("Lambda quotas", read
/// 2026-11).
const TIMEOUTS_S: [u32; 8] = [3, 10, 30, 60, 120, 300, 600, 900];
/// Attempts at a message before an Azure queue trigger moves it to the poison queue: its default, and the nearest
/// relative of `maxReceiveCount`.
const QUEUE_ATTEMPTS: u32 = 5;

/// Functions and how often each was invoked.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// The account.
    pub inventory: Inventory,
    /// Traffic, in the order of the inventory's functions.
    pub traffic: Vec<Traffic>,
    /// The first minute.
    pub first: Minute,
    /// Minutes covered.
    pub minutes: usize,
}

/// The traffic of one function.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// The function.
    pub name: FunctionName,
    /// Mean duration in microseconds.
    pub mean_us: u64,
    /// Invocations by minute from the first on.
    pub counts: Counts,
}

/// Invocations by minute, some of them unknown, in four bytes each: the days of a thousand functions are kept whole.
///
/// A count above [`Counts::MOST`], 71 million a second, becomes that: no account's limit lets a thousandth of it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts(Arc<[u32]>);

impl Counts {
    /// The greatest count.
    pub const MOST: u32 = u32::MAX - 1;
    /// Stands for a minute that is unknown.
    const UNKNOWN: u32 = u32::MAX;

    /// How many minutes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no minute.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The count of a minute; `None`: unknown, or beyond the end.
    pub fn at(&self, minute: usize) -> Option<u64> {
        self.0.get(minute).filter(|count| **count != Self::UNKNOWN).map(|count| u64::from(*count))
    }

    /// The counts that are known.
    pub fn known(&self) -> impl Iterator<Item = u64> {
        self.0.iter().filter(|count| **count != Self::UNKNOWN).map(|count| u64::from(*count))
    }

    /// Multiplies every count; rounded to the nearest.
    fn scale(&mut self, factor: f64) {
        for count in Arc::make_mut(&mut self.0).iter_mut().filter(|count| **count != Self::UNKNOWN) {
            let scaled = libm::round(f64::from(*count) * factor).clamp(0.0, f64::from(Self::MOST));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
            {
                *count = scaled as u32;
            }
        }
    }
}

impl FromIterator<Option<u64>> for Counts {
    fn from_iter<T: IntoIterator<Item = Option<u64>>>(counts: T) -> Self {
        let packed = |count: u64| u32::try_from(count).unwrap_or(Self::MOST).min(Self::MOST);
        Counts(counts.into_iter().map(|count| count.map_or(Self::UNKNOWN, packed)).collect())
    }
}

impl Workload {
    /// The account that would serve the trace, in a region of AWS.
    pub fn new(trace: &Trace, region: &str) -> Self {
        let mut named: Vec<(Function, Traffic)> = (names(&trace.functions).into_iter().zip(&trace.functions))
            .map(|(name, traced)| (function(&name, traced), traffic(name, traced)))
            .collect();
        named.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        let (functions, traffic) = named.into_iter().unzip();
        let inventory = Inventory::new(region, AccountLimits::default(), functions);
        Workload { inventory, traffic, first: trace.first, minutes: trace.minutes }
    }

    /// The first minute after the last.
    pub fn end(&self) -> Minute {
        self.first.plus(i64::try_from(self.minutes).unwrap_or(i64::MAX))
    }

    /// Keeps the functions whose name fits a `*`/`?` pattern; returns how many are left.
    pub fn keep(&mut self, pattern: &str) -> usize {
        let pattern = WildMatch::new(pattern);
        self.inventory.functions.retain(|function| pattern.matches(function.name.as_str()));
        self.traffic.retain(|traffic| pattern.matches(traffic.name.as_str()));
        self.traffic.len()
    }

    /// The functions whose name fits a `*`/`?` pattern.
    pub fn fits(&self, pattern: &str) -> Vec<&Function> {
        let pattern = WildMatch::new(pattern);
        self.inventory.functions.iter().filter(|function| pattern.matches(function.name.as_str())).collect()
    }

    /// Multiplies every count; rounded to the nearest.
    pub fn scale(&mut self, factor: f64) {
        if (factor - 1.0).abs() < f64::EPSILON {
            return;
        }
        self.traffic.iter_mut().for_each(|traffic| traffic.counts.scale(factor));
    }

    /// Invocations of all functions.
    pub fn invocations(&self) -> u64 {
        self.traffic.iter().map(Traffic::invocations).fold(0, u64::saturating_add)
    }
}

impl Traffic {
    /// Invocations in all minutes.
    pub fn invocations(&self) -> u64 {
        self.counts.known().sum()
    }
}

/// Names that people can read and tell apart: the trigger and as many digits of the hash as it takes, ten at least.
fn names(functions: &[TraceFunction]) -> Vec<FunctionName> {
    let name = |function: &TraceFunction, digits: usize| {
        let id: String = function.id.chars().take(digits).collect();
        format!("{}-{id}", function.trigger.label())
    };
    let longest = functions.iter().map(|function| function.id.chars().count()).max().unwrap_or(0);
    let mut digits = 10;
    loop {
        let names: Vec<String> = functions.iter().map(|function| name(function, digits)).collect();
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() == names.len() || digits >= longest {
            return names.into_iter().map(FunctionName::new).collect();
        }
        digits += 1;
    }
}

/// The function as it would be configured on Lambda.
fn function(name: &FunctionName, traced: &TraceFunction) -> Function {
    let mut function = Function::new(name.clone(), memory_mb(traced), timeout_s(traced));
    match traced.trigger {
        Trigger::Http => {}
        Trigger::Queue => {
            function.synchronous = false;
            function.mappings = vec![EventSourceMapping {
                id: MappingId::new(format!("{name}-mapping")),
                enabled: true,
                batch_size: 1,
                source: EventSource::Sqs {
                    max_concurrency: None,
                    provisioned_pollers: false,
                    max_receive_count: Some(QUEUE_ATTEMPTS),
                    retention_s: 345_600,
                },
            }];
        }
        Trigger::Event | Trigger::Storage | Trigger::Orchestration | Trigger::Timer | Trigger::Others => {
            function.synchronous = false;
            function.asynchronous = Some(AsyncConfig::default());
        }
    }
    function
}

/// The next step of memory above the most ever used.
fn memory_mb(traced: &TraceFunction) -> u32 {
    let steps = traced.peak_memory_milli_mb.div_ceil(MEMORY_STEP_MB * 1000);
    u32::try_from(steps * MEMORY_STEP_MB).unwrap_or(u32::MAX).clamp(MEMORY_MB.0, MEMORY_MB.1)
}

/// The next usual time-out at or above the longest run; Lambda's maximum where there is none.
fn timeout_s(traced: &TraceFunction) -> u32 {
    let fits = |seconds: &u32| u64::from(*seconds) * 1_000_000 >= traced.longest_us;
    TIMEOUTS_S.into_iter().find(fits).unwrap_or(900)
}

fn traffic(name: FunctionName, traced: &TraceFunction) -> Traffic {
    Traffic { name, mean_us: traced.mean_us, counts: traced.invocations.iter().copied().collect() }
}

#[cfg(test)]
mod tests;
