//! The bound carried from look to look, and whether the promise holds.

use super::{Promise, RESERVE_TICKS, Scope};
use crate::money::Usd;

impl Scope<'_> {
    /// Computes the most that can have been spent so far, from the known spend and from the last look's bound
    /// (`before`); returns whether the certain spend exceeds what the last look and the ceilings since allow.
    pub fn carry(&mut self, before: Option<(i64, Usd)>, certain: Usd) -> bool {
        let as_known = self.known + self.run(|function| function.hidden_from().max(self.period_start));
        let since = before.map(|(look, spent)| spent + self.run(|_| look.max(self.period_start)));
        let is_beyond = since.is_some_and(|since| certain > since);
        self.spent = since.filter(|_| !is_beyond).map_or(as_known, |since| since.min(as_known));
        is_beyond
    }

    /// The state of the promise. `before` is its state at the last look, `bills` the cost until the period ends that is
    /// not in `amount`; `keeps_floor` means that floors win under the policy.
    pub fn promise(
        &self,
        before: Option<Promise>,
        is_beyond: bool,
        bills: Usd,
        keeps_floor: bool,
    ) -> Promise {
        let fits = |to: &[Option<u32>], ticks: u64| self.proved(to, ticks) <= self.amount;
        let stands = fits(&self.now(), RESERVE_TICKS);
        let least = self.least_cost();
        match before {
            Some(Promise::Kept) if !is_beyond && fits(&self.least(), 0) => Promise::Kept,
            // A floor that wins ends the promise; no assumption was broken.
            Some(Promise::Kept | Promise::Refused { .. }) if keeps_floor && !fits(&self.least(), 0) => {
                Promise::Refused { least: self.proved(&self.least(), 0) + bills }
            }
            Some(Promise::Kept | Promise::Broken) if is_beyond || !stands => Promise::Broken,
            _ if least > self.amount => Promise::Refused { least: least + bills },
            Some(_) if stands => Promise::Kept,
            _ => Promise::Pending,
        }
    }
}
