//! A counter in the functions' own code: a row of a table for each budget, which every invocation adds its usual price
//! to before it works.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use guard_core::money::Usd;
use guard_core::roster::Roster;

use crate::request::Request;
use crate::run::{Rival, Seat};
use crate::scenario::FunctionSpec;
use crate::stage::{GUARD, Stage};
use crate::world::{MeanLaw, TrafficTally};

/// One write to a table on demand: $0.625 a million ("Amazon DynamoDB pricing", read 2026-11), in pico-dollars.
const PICOS_PER_WRITE: i128 = 625_000;

/// Milliseconds × MB in one GB-second: 1,000 × 1,024.
const MB_MS_PER_GB_S: i128 = 1_024_000;

/// A row for each budget.
#[derive(Debug)]
pub(super) struct Counter {
    roster: Roster,
    /// The world's number of each budget's counter, and the period that it counts.
    rows: Vec<(usize, DateTime<Utc>)>,
    /// The price of an invocation by the function's place, in pico-dollars.
    prices: Vec<i128>,
    /// Names of functions that count.
    counting: BTreeSet<String>,
}

impl Counter {
    pub(super) fn new(request: &Request<'_>, roster: Roster) -> Self {
        let prices = request.stage.functions.iter().map(|spec| price(spec, request.stage, &roster)).collect();
        Counter { roster, rows: Vec::new(), prices, counting: BTreeSet::new() }
    }

    /// The middleware is deployed with the functions.
    fn deploy(&mut self, seat: &mut Seat<'_, '_>) {
        for rule in &self.roster.rules {
            let (start, _) = rule.period_at(self.roster.timezone, seat.at.start());
            let number = seat.world.add_counter(rule.amount.picos());
            self.rows.push((number, start));
            for (place, function) in self.roster.inventory.functions.iter().enumerate() {
                if function.name.as_str() == GUARD || !rule.matcher.matches(function) {
                    continue;
                }
                let price = if rule.counts_invocations() {
                    Usd::from_dollars(1).picos()
                } else {
                    self.prices.get(place).copied().unwrap_or(0)
                };
                seat.world.count(place, number, price);
                self.counting.insert(function.name.as_str().to_owned());
            }
        }
    }
}

impl Rival for Counter {
    fn minute(&mut self, seat: &mut Seat<'_, '_>) {
        if self.rows.is_empty() {
            self.deploy(seat);
        }
        for ((number, period), rule) in self.rows.iter_mut().zip(&self.roster.rules) {
            let (start, _) = rule.period_at(self.roster.timezone, seat.at.start());
            if start != *period {
                *period = start;
                seat.world.refill(*number, rule.amount.picos());
            }
        }
    }

    fn cost(&self, _: u32, traffic: &[TrafficTally]) -> Usd {
        let counted = traffic.iter().filter(|one| self.counting.contains(&one.function));
        Usd::from_picos(counted.map(|one| PICOS_PER_WRITE * i128::from(one.tally.attempts)).sum())
    }
}

/// The cost of an ordinary invocation of a function, in pico-dollars: a request, and the mean of its usual duration.
fn price(spec: &FunctionSpec, stage: &Stage, roster: &Roster) -> i128 {
    let usual = stage
        .traffic
        .iter()
        .find(|actor| {
            actor.kind == crate::scenario::Kind::Legitimate
                && stage.functions.get(actor.function).is_some_and(|f| f.name == spec.name)
        })
        .map_or(&spec.duration, |actor| &actor.duration);
    let mean_s = MeanLaw::of(usual, u64::from(spec.timeout_s) * 1_000_000).mean_s();
    let quote = roster.quote(spec.architecture);
    let compute = quote.gb_second.first().map_or(Usd::ZERO, |tier| tier.price);
    let mb_ms = whole(libm::ceil(mean_s * 1000.0)) * i128::from(spec.memory_mb);
    (quote.request + compute.mul_div_up(mb_ms, MB_MS_PER_GB_S)).picos()
}

#[expect(clippy::cast_possible_truncation, reason = "clamped before")]
fn whole(value: f64) -> i128 {
    value.clamp(1.0, 1e12) as i128
}
