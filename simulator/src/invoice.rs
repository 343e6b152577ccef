//! What AWS bills, from the invocations themselves: every one rounded up to its millisecond. It shares the price list
//! and `Usd` with the guard's estimate, and nothing else.

use std::collections::BTreeMap;

use guard_core::inventory::Architecture;
use guard_core::money::Usd;
use guard_core::policy::Companion;
use guard_core::pricing::{Quote, companion_per_invocation};
use guard_core::time::Minute;

use crate::scenario::{FunctionSpec, Kind};
use crate::stage::{GUARD, Stage};
use crate::world::Tally;

/// Milliseconds × MB in one GB-second: 1,000 × 1,024.
const MB_MS_PER_GB_S: i128 = 1_024_000;

/// Ephemeral storage included in every function, in MB ("Lambda pricing", read 2026-11).
const FREE_EPHEMERAL_MB: u32 = 512;

/// The bill as it grows.
#[derive(Clone, Debug)]
pub struct Invoice {
    lines: Vec<Line>,
    /// Standing cost of provisioned concurrency per minute, by function, and its sum so far.
    standing: Vec<(usize, Usd, Usd)>,
    quotes: BTreeMap<Architecture, Quote>,
    /// MB-milliseconds of the month by architecture, and which month.
    meters: BTreeMap<Architecture, i128>,
    month: Option<(i32, u32)>,
    /// All lines and what stands, together; and what the last minute added.
    total: Total,
    grown: Vec<Growth>,
}

/// The amount that a minute added to a function's bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The function's place.
    pub function: usize,
    /// Dollars.
    pub cost: Usd,
    /// Requests.
    pub requests: i128,
    /// Whether attack traffic caused it.
    pub is_attack: bool,
}

/// One traffic on the bill.
#[derive(Clone, Debug)]
struct Line {
    function: usize,
    is_attack: bool,
    is_guard: bool,
    memory_mb: i128,
    storage_mb: i128,
    architecture: Architecture,
    per_request: Usd,
    seen: Tally,
    requests: i128,
    repeated_requests: i128,
    /// Compute so far in pico-dollars × MB-milliseconds ÷ GB-second, and the part of repeated attempts.
    compute: i128,
    repeated_compute: i128,
    /// Its sum so far, and the part of repeated attempts.
    cost: Usd,
    repeated_cost: Usd,
}

/// The bill of a moment, from the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Everything but the guard itself.
    pub all: Usd,
    /// What attack traffic cost.
    pub attack: Usd,
    /// What attempts cost that were not the first of their event.
    pub repeated: Usd,
    /// The guard's own invocations.
    pub guard: Usd,
}

impl Invoice {
    /// An empty bill.
    pub fn new(stage: &Stage, quotes: BTreeMap<Architecture, Quote>) -> Self {
        let line = |actor: &crate::stage::Performer| {
            let spec = stage.functions.get(actor.function)?;
            let quote = quotes.get(&spec.architecture)?;
            Some(Line {
                function: actor.function,
                is_attack: actor.kind == Kind::Attack,
                is_guard: spec.name == GUARD,
                memory_mb: i128::from(spec.memory_mb),
                storage_mb: i128::from(spec.ephemeral_mb.saturating_sub(FREE_EPHEMERAL_MB)),
                architecture: spec.architecture,
                per_request: quote.request + companion_per_invocation(&companion_of(spec)),
                seen: Tally::default(),
                requests: 0,
                repeated_requests: 0,
                compute: 0,
                repeated_compute: 0,
                cost: Usd::ZERO,
                repeated_cost: Usd::ZERO,
            })
        };
        let standing = stage.functions.iter().enumerate().filter(|(_, spec)| spec.provisioned > 0);
        let standing = standing.filter_map(|(index, spec)| {
            let megabytes = i128::from(spec.provisioned) * i128::from(spec.memory_mb);
            let price = quotes.get(&spec.architecture)?.provisioned_gb_second;
            Some((index, price.mul_div_up(megabytes * 60_000, MB_MS_PER_GB_S), Usd::ZERO))
        });
        Invoice {
            standing: standing.collect(),
            lines: stage.traffic.iter().filter_map(line).collect(),
            quotes,
            meters: BTreeMap::new(),
            month: None,
            total: Total::default(),
            grown: Vec::new(),
        }
    }

    /// Adds a minute: what the tallies, in the order of the stage's traffic, have grown by since the minute before.
    pub fn add_minute<'a>(&mut self, minute: Minute, tallies: impl Iterator<Item = &'a Tally>) {
        let date = minute.start().date_naive();
        let month = (chrono::Datelike::year(&date), chrono::Datelike::month(&date));
        if self.month.replace(month) != Some(month) {
            self.meters.clear();
        }
        self.grown.clear();
        for (function, per_minute, cost) in &mut self.standing {
            *cost += *per_minute;
            self.total.all += *per_minute;
            self.grown.push(Growth { function: *function, cost: *per_minute, requests: 0, is_attack: false });
        }
        for (line, tally) in self.lines.iter_mut().zip(tallies) {
            if line.seen.attempts == tally.attempts {
                continue;
            }
            let Some(quote) = self.quotes.get(&line.architecture) else { continue };
            let before = (line.cost, line.repeated_cost, line.requests);
            line.add(tally, quote, self.meters.entry(line.architecture).or_default());
            let cost = line.cost - before.0;
            let requests = line.requests - before.2;
            self.grown.push(Growth { function: line.function, cost, requests, is_attack: line.is_attack });
            if line.is_guard {
                self.total.guard += cost;
                continue;
            }
            self.total.all += cost;
            self.total.repeated += line.repeated_cost - before.1;
            if line.is_attack {
                self.total.attack += cost;
            }
        }
    }

    /// The bill now.
    pub fn total(&self) -> &Total {
        &self.total
    }

    /// The amounts that the last minute added, line by line: a function may appear more than once.
    pub fn grown(&self) -> &[Growth] {
        &self.grown
    }

    /// The bill now by function, in the order of the stage; the guard's included.
    pub fn by_function(&self, functions: usize) -> Vec<Usd> {
        let mut costs = vec![Usd::ZERO; functions];
        let standing = self.standing.iter().map(|(function, _, cost)| (*function, *cost));
        for (function, cost) in self.lines.iter().map(|line| (line.function, line.cost)).chain(standing) {
            if let Some(place) = costs.get_mut(function) {
                *place += cost;
            }
        }
        costs
    }

    /// Requests by function, in the order of the stage.
    pub fn requests_by_function(&self, functions: usize) -> Vec<i128> {
        let mut counts = vec![0; functions];
        for line in &self.lines {
            if let Some(place) = counts.get_mut(line.function) {
                *place += line.requests;
            }
        }
        counts
    }
}

impl Line {
    fn add(&mut self, tally: &Tally, quote: &Quote, meter: &mut i128) {
        let before = std::mem::replace(&mut self.seen, *tally);
        let grown = |now: u64, before: u64| i128::from(now.saturating_sub(before));
        self.requests += grown(tally.attempts, before.attempts);
        self.repeated_requests += grown(tally.repeated, before.repeated);
        let on_demand = grown(tally.billed_ms, before.billed_ms);
        let repeated = grown(tally.repeated_ms, before.repeated_ms);
        let storage = quote.ephemeral_gb_second.picos() * self.storage_mb;
        let compute = self.through_tiers(on_demand * self.memory_mb, quote, meter) + storage * on_demand;
        let provisioned = grown(tally.provisioned_ms, before.provisioned_ms);
        let price = quote.provisioned_duration_gb_second.picos() * self.memory_mb + storage;
        self.compute += compute + price * provisioned;
        if on_demand > 0 {
            self.repeated_compute += compute * repeated.min(on_demand) / on_demand;
        }
        let rounded = |compute: i128| Usd::from_picos(compute).mul_div_up(1, MB_MS_PER_GB_S);
        self.cost = self.per_request * self.requests + rounded(self.compute);
        self.repeated_cost = self.per_request * self.repeated_requests + rounded(self.repeated_compute);
    }

    /// The price of so many MB-milliseconds from where the month's meter stands.
    fn through_tiers(&self, mb_ms: i128, quote: &Quote, meter: &mut i128) -> i128 {
        let mut left = mb_ms;
        let mut cost = 0;
        for tier in &quote.gb_second {
            let room = match tier.upto_gb_s {
                Some(upto) => (i128::from(upto) * MB_MS_PER_GB_S - *meter).max(0),
                None => left,
            };
            let here = left.min(room);
            cost += tier.price.picos() * here;
            *meter += here;
            left -= here;
        }
        cost
    }
}

/// What stands beside a function, in the terms of the price list.
fn companion_of(spec: &FunctionSpec) -> Companion {
    Companion {
        functions: spec.name.clone(),
        log_bytes: spec.log_bytes,
        front_door: spec.front_door,
        other_usd_per_million: Usd::ZERO,
        init_ms: spec.init_ms,
    }
}
