//! A trace as a Lambda account: its functions with the memory, time-out and event source they would have on AWS, and
//! how often each was invoked.

use std::collections::BTreeMap;
use std::sync::Arc;

use guard_core::inventory::{
    AccountLimits, AsyncConfig, EventSource, EventSourceMapping, Function, Inventory,
};
use guard_core::name::{FunctionName, MappingId};
use guard_core::time::Minute;
use wildmatch::WildMatch;

use crate::number::as_f64;
use crate::trace::table::MAX_VALUE;
use crate::trace::{Trace, TraceFunction, Trigger};

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
/// The few counts that four bytes cannot hold, 71 million a second and more, stand apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    packed: Arc<[u32]>,
    large: Arc<BTreeMap<usize, u64>>,
}

impl Counts {
    /// Stands for a minute that is unknown.
    const UNKNOWN: u32 = u32::MAX;
    /// Stands for a count that is kept apart.
    const LARGE: u32 = u32::MAX - 1;

    /// How many minutes.
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// Whether there is no minute.
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// The count of a minute; `None`: unknown, or beyond the end.
    pub fn at(&self, minute: usize) -> Option<u64> {
        match *self.packed.get(minute)? {
            Self::UNKNOWN => None,
            Self::LARGE => self.large.get(&minute).copied(),
            count => Some(u64::from(count)),
        }
    }

    /// The counts that are known.
    pub fn known(&self) -> impl Iterator<Item = u64> {
        (0..self.len()).filter_map(|minute| self.at(minute))
    }

    /// Multiplies every count; rounded to the nearest.
    fn scale(&mut self, factor: f64) {
        let scaled = |count: u64| {
            let scaled = libm::round(as_f64(count) * factor).clamp(0.0, as_f64(MAX_VALUE));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
            {
                scaled as u64
            }
        };
        *self = (0..self.len()).map(|minute| self.at(minute).map(scaled)).collect();
    }
}

impl FromIterator<Option<u64>> for Counts {
    fn from_iter<T: IntoIterator<Item = Option<u64>>>(counts: T) -> Self {
        let mut large = BTreeMap::new();
        let pack = |(minute, count): (usize, Option<u64>)| {
            let Some(count) = count else { return Self::UNKNOWN };
            u32::try_from(count).ok().filter(|count| *count < Self::LARGE).unwrap_or_else(|| {
                large.insert(minute, count);
                Self::LARGE
            })
        };
        let packed = counts.into_iter().enumerate().map(pack).collect();
        Counts { packed, large: Arc::new(large) }
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
        self.counts.known().fold(0, u64::saturating_add)
    }
}

/// Names that people can read and distinguish: the trigger and as many digits of the hash as needed, ten at least.
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

/// The next whole MB, which is what Lambda takes and bills ("Configure Lambda function memory", read 2026-11).
fn memory_mb(traced: &TraceFunction) -> u32 {
    let whole = traced.peak_memory_milli_mb.div_ceil(1000);
    u32::try_from(whole).unwrap_or(u32::MAX).clamp(MEMORY_MB.0, MEMORY_MB.1)
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
