//! A counter in the code of functions: every invocation takes a fixed price from what is left, and where nothing is
//! left the handler answers at once that it will not work. No part of Lambda; see `field::counter`.

use super::World;
use super::function::Fun;

/// Microseconds that a counter adds to an invocation, which are billed: a write to a table. DynamoDB answers in
/// "single-digit milliseconds" ("What is Amazon DynamoDB?", read 2026-11); the middle of these is ours.
pub(super) const COUNTING_US: u64 = 5_000;

impl World {
    /// A new counter with so much left, in pico-dollars: its number.
    pub fn add_counter(&mut self, left: i128) -> usize {
        self.counters.push(left);
        self.counters.len() - 1
    }

    /// Makes every invocation of a function take so much from a counter.
    pub fn count(&mut self, function: usize, counter: usize, price: i128) {
        if let Some(fun) = self.functions.get_mut(function) {
            fun.counters.push((counter, price));
        }
    }

    /// Sets the remainder of a counter.
    pub fn refill(&mut self, counter: usize, left: i128) {
        if let Some(kept) = self.counters.get_mut(counter) {
            *kept = left;
        }
    }

    /// Whether a counter of the function has nothing left.
    pub(super) fn is_used_up(&self, fun: &Fun) -> bool {
        fun.counters.iter().any(|(counter, _)| self.counters.get(*counter).is_some_and(|left| *left <= 0))
    }

    /// An invocation of a function with counters begins: whether it may work.
    pub(super) fn take_from_counters(&mut self, function: usize) -> bool {
        let Some(fun) = self.functions.get(function) else { return true };
        if self.is_used_up(fun) {
            return false;
        }
        for (counter, price) in &fun.counters {
            if let Some(left) = self.counters.get_mut(*counter) {
                *left -= price;
            }
        }
        true
    }
}
